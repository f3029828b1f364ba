/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The report of a failed schedule.
 */

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <host/host.h>
#include <host/sim.h>
#include <host/sim_trace.h>

#define	STACK_MAX	24

/* vsnprintf(3) allocates no memory for the formats used here. */
void
sim_vprintf(const char *fmt, va_list ap)
{
	char buf[512];
	int n;

	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	if (n > (int)sizeof(buf) - 1)
		n = (int)sizeof(buf) - 1;
	if (n > 0)
		host_write(buf, (size_t)n);
}

void
sim_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sim_vprintf(fmt, ap);
	va_end(ap);
}

static void
report_address(uintptr_t addr)
{
	struct host_symbol hs;
	const char *name;

	/*
	 * If the call is a function's last instruction, addr is in the next
	 * function.
	 */
	if (!host_symbol(addr - 1, &hs))
		sim_printf("      %#lx\n", (unsigned long)addr);
	else if (hs.hs_name[0] != '\0')
		sim_printf("      %s+%#lx (%s+%#lx)\n", hs.hs_name,
		    (unsigned long)hs.hs_nameoff + 1, hs.hs_module,
		    (unsigned long)hs.hs_offset + 1);
	else if ((name = name_ownfunction(addr - 1)) != NULL)
		sim_printf("      %s (%s+%#lx)\n", name, hs.hs_module,
		    (unsigned long)hs.hs_offset + 1);
	else
		sim_printf("      %s+%#lx\n", hs.hs_module,
		    (unsigned long)hs.hs_offset + 1);
}

/* The return address of sim_fail() or report_crash(). */
static uintptr_t report_from;

/*
 * Print the stack of the calling thread.  Begin with the function that called
 * the simulator, or the function that failed.
 */
void
sim_stack(const struct sim_thread *t)
{
	uintptr_t pc[STACK_MAX];
	int i, n, skip = 0;

	n = host_backtrace(pc, STACK_MAX, NULL);
	/* host_backtrace() may return the address of the call itself. */
	for (i = 0; i < n; i++)
		if (pc[i] == t->st_site || pc[i] == t->st_site - 1 ||
		    (t == sim_self && (pc[i] == report_from ||
		    pc[i] == report_from - 1)))
			skip = i;
	for (i = skip; i < n; i++)
		report_address(pc[i]);
}

/*
 * Make a thread that waits for the baton print its stack.
 */
static void
report_stack(struct sim_thread *t)
{

	if (t == sim_self) {
		sim_stack(t);
		return;
	}
	/*
	 * Release and acquire: as if the baton were passed to the thread and
	 * back.
	 */
	__atomic_store_n(&t->st_baton, SIM_STACK, __ATOMIC_RELEASE);
	sim_futex_wake(&t->st_baton);
	while (__atomic_load_n(&t->st_baton, __ATOMIC_ACQUIRE) == SIM_STACK)
		sim_futex_wait(&t->st_baton, SIM_STACK);
}

/*
 * The last wake-up of each address.  If two addresses have the same hash, the
 * later wake-up replaces the earlier one.
 */
#define	REPORT_WAKES	256

static struct report_wake {
	const void	*rw_chan;
	uintptr_t	 rw_site;	/* call site in the waking thread */
	uint64_t	 rw_point;
	uint64_t	 rw_taken;	/* point of taking it, or 0 */
	unsigned	 rw_thread;	/* the waking thread's st_id */
	unsigned	 rw_taker;
	unsigned	 rw_woken;	/* threads that it woke */
} report_wakes[REPORT_WAKES];

static struct report_wake *
report_wake(const void *chan)
{

	return &report_wakes[sim_mix((uintptr_t)chan) % REPORT_WAKES];
}

void
sim_report_wake(const void *chan, unsigned woken)
{
	struct report_wake *rw = report_wake(chan);

	rw->rw_chan = chan;
	rw->rw_site = sim.sim_current->st_site;
	rw->rw_point = sim.sim_result->sr_points;
	rw->rw_taken = 0;
	rw->rw_thread = sim.sim_current->st_id;
	rw->rw_woken = woken;
}

void
sim_report_taken(const void *chan)
{
	struct report_wake *rw = report_wake(chan);

	if (rw->rw_chan != chan)
		return;
	rw->rw_taken = sim.sim_result->sr_points;
	rw->rw_taker = sim.sim_current->st_id;
}

/*
 * Print when the address was last woken, and whether a thread took the wake-up.
 */
static void
report_lastwake(const void *chan)
{
	const struct report_wake *rw = report_wake(chan);

	if (rw->rw_chan != chan)
		return;
	sim_printf("    last wake-up: by thread %u at point %llu",
	    rw->rw_thread, (unsigned long long)rw->rw_point);
	if (rw->rw_taken != 0)
		sim_printf(", taken by thread %u at point %llu\n",
		    rw->rw_taker, (unsigned long long)rw->rw_taken);
	else if (rw->rw_woken == 0)
		sim_printf(", when no thread waited\n");
	else
		sim_printf(", which woke %u thread%s\n", rw->rw_woken,
		    rw->rw_woken == 1 ? "" : "s");
	report_address(rw->rw_site);
}

static void
report_threads(void)
{
	struct sim_thread *t;
	unsigned i;

	/* Find the names of static functions, too. */
	name_bounds();
	name_init();
	for (i = 0; i < sim.sim_nthreads; i++) {
		t = sim.sim_threads[i];
		if (t->st_state == SIM_DEAD)
			continue;
		sim_printf("  thread %u%s%s: ", t->st_id,
		    t->st_name[0] != '\0' ? " " : "", t->st_name);
		if (t == sim_self && t->st_state == SIM_READY)
			sim_printf("runs\n");
		else if (t->st_state == SIM_READY)
			sim_printf("could run\n");
		else if (t->st_deadline == SIM_FOREVER)
			sim_printf("waits: %s %p\n", t->st_kind, t->st_chan);
		else
			sim_printf("waits: %s %p, for %lld ns more\n",
			    t->st_kind, t->st_chan,
			    (long long)(t->st_deadline - sim.sim_now));
		report_stack(t);
		if (t->st_state == SIM_BLOCKED)
			report_lastwake(t->st_chan);
	}
}

/*
 * Handle a panic, an assertion or a crash.  Print what each thread does, and
 * let the signal end the process.
 */
static void
report_crash(int signo)
{

	report_from = SIM_SITE();
	/* A child that the client forked prints nothing. */
	if (sim_self != NULL && sim_self == sim.sim_current &&
	    !sim.sim_child) {
		sim_self->st_inside++;
		sim_printf("simulator: signal %d, after %llu points, at "
		    "%lld.%09lld s\n", signo,
		    (unsigned long long)sim.sim_result->sr_points,
		    (long long)(sim.sim_now / 1000000000),
		    (long long)(sim.sim_now % 1000000000));
		report_threads();
	}
	/* SA_RESETHAND has restored the default action. */
	(void)SIM_REAL(raise)(signo);
}

void
sim_report_crashes(void)
{
	static const int signals[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL,
	    SIGSEGV, SIGTRAP };
	struct sigaction sa, old;
	size_t i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = report_crash;
	sa.sa_flags = (int)SA_RESETHAND;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		/* Keep the handlers of a sanitizer. */
		if (SIM_REAL(sigaction)(signals[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_DFL)
			(void)SIM_REAL(sigaction)(signals[i], &sa, NULL);
}

void
sim_fail(const char *fmt, ...)
{
	struct sim_result *sr = sim.sim_result;
	va_list ap;
	int state;

	report_from = SIM_SITE();
	if (sim_self != NULL)
		sim_self->st_inside++;
	/* The report opens files, and open(2) is a cancellation point. */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	va_start(ap, fmt);
	(void)vsnprintf(sr->sr_what, sizeof(sr->sr_what), fmt, ap);
	va_end(ap);
	sim_printf("simulator: %s, after %llu points, at %lld.%09lld s\n",
	    sr->sr_what, (unsigned long long)sr->sr_points,
	    (long long)(sim.sim_now / 1000000000),
	    (long long)(sim.sim_now % 1000000000));
	report_threads();
	_exit(SIM_EXIT_FAILED);
}
