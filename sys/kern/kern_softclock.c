/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callout(9): the threads that call the functions of due callouts.
 *
 * The first thread calls them all, until a callout that needs the kernel lock
 * is due while another thread holds the lock.  Then a second thread starts: see
 * struct callout_runner.  The functions that need the lock are called one at a
 * time, in the order in which they were due.  So the first thread calls such a
 * function only if the second thread runs none and has none left to run.
 */

#include <host/host_probe.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_kspin.h"
#include "kern_lock.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_runq.h"
#include "kern_sleepq.h"
#include "kern_spl.h"
#include "kern_timeout.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_wqtrace.h"

struct callout_runner	callout_runners[CALLOUT_RUNNERS];
unsigned		callout_waiters;
int			callout_started;

static bool		softclock_klock_started; /* (callout_lock) */
static bool		softclock_klock_idle;	/* (callout_lock) parked */

static void
softclock_check_return(const struct lwp *l, const void *c,
    void (*func)(void *), int biglocks, uintptr_t site)
{
	struct context cx = { IPL_SOFTCLOCK, biglocks, 0 };
	const void *f;

	/* The callout may be gone: use the site that was read before. */
	f = (const void *)(uintptr_t)func;
	lockdebug_call_end("callout", c, f, 0);
	context_check(l, &cx, "callout %p (made at %pS): function %pF returned",
	    c, (const void *)site, f);
}

static inline void
softclock_call(const struct callout_impl *c, void (*func)(void *), void *arg,
    uint64_t from)
{

	HOST_PROBE3(sdt, kernel__callout__entry, c, func, arg);
	if (KERN_TRACING())
		wqtrace_call(from, c, "callout", func, arg);
	else
		(*func)(arg);
	HOST_PROBE3(sdt, kernel__callout__return, c, func, arg);
}

/*
 * Call a callout's function, in the context of a soft interrupt and without
 * callout_lock.  If the callout needs the kernel lock, the caller has taken
 * this lock, and softclock_invoke() releases it.
 */
static void
softclock_invoke(struct callout_runner *cr, struct callout_impl *c)
{
	void (*func)(void *);
	void *arg;
	struct lwp *l;
	uintptr_t site;
	uint64_t from;
	unsigned forkgen;
	bool biglock, own;

	KSPIN_ASSERT(&callout_lock);
	site = 0;
	l = cr->cr_lwp;
	func = c->c_func;
	arg = c->c_arg;
	biglock = (c->c_flags & CALLOUT_NOKLOCK) == 0;
	oncpu_bind(l, (c->c_flags & CALLOUT_BOUND) != 0 ? c->c_cpu : NULL);
	/* Threads that do not find c pending must find it being invoked. */
	callout_setflags(c, c->c_flags | CALLOUT_INVOKING);
	callout_setstate(c, CALLOUT_FIRED);
	cr->cr_running = c;
	from = KERN_TRACING() ? wqtrace_take(c) : 0;
	forkgen = kern_forkgen;
	kspin_exit(&callout_lock);

	l->l_softintr = 1;
	atomic_store_relaxed(&l->l_ipl, IPL_SOFTCLOCK);
	section_enter();
	own = oncpu_used();
	if (own)
		oncpu_enter(l);
	if (KERN_CHECKING())
		site = lockdebug_call_begin(c, NULL, (uintptr_t)func);
	softclock_call(c, func, arg, from);
	/* The callout may be gone: from here on, use only its address. */
	if (forkgen != kern_forkgen)
		panic("callout %p: function %pF returned in a child of its "
		    "process", (void *)c, (void *)(uintptr_t)func);
	KERN_CHECK(softclock_check_return(l, c, func, biglock, site));
	if (own)
		oncpu_exit(l);
	if (biglock)
		wqk_kernel_unlock(1, NULL);
	l->l_softintr = 0;
	oncpu_bind(l, NULL);
	splx(IPL_NONE);

	kspin_enter(&callout_lock);
	cr->cr_running = NULL;
	cr->cr_ndone++;
	if (callout_waiters != 0) {
		callout_waiters = 0;
		kspin_exit(&callout_lock);
		sleepq_wakeall(callout_runners, SLEEPQ_CALLOUT);
		kspin_enter(&callout_lock);
	}
}

/*
 * Take the kernel lock and call the first callout that waits for it.  There may
 * be none left, because a callout can be stopped meanwhile.
 */
static void
softclock_late(struct callout_runner *cr)
{
	struct callout_impl *c;

	kspin_exit(&callout_lock);
	wqk_kernel_lock(1);
	kspin_enter(&callout_lock);
	if ((c = callout_late_take()) != NULL) {
		softclock_invoke(cr, c);
		return;
	}
	kspin_exit(&callout_lock);
	wqk_kernel_unlock(1, NULL);
	kspin_enter(&callout_lock);
}

static void
softclock_klock_thread(void *arg)
{
	struct callout_runner *cr;

	cr = arg;
	kspin_enter(&callout_lock);
	cr->cr_lwp = curlwp_get();
	for (;;) {
		if (callout_late_any()) {
			softclock_late(cr);
			continue;
		}
		softclock_klock_idle = true;
		kspin_exit(&callout_lock);
		lwp_park(cr->cr_lwp);
		kspin_enter(&callout_lock);
		softclock_klock_idle = false;
	}
}

/*
 * Leave a callout to the second thread, because another thread has the kernel
 * lock, or because the second thread runs a callout or has one left.
 */
static void
softclock_handover(struct callout_runner *cr, struct callout_impl *c)
{
	struct callout_runner *klock;
	struct lwp *l;
	int error;

	klock = &callout_runners[CALLOUT_KLOCK];
	callout_late_add(c);
	if (!softclock_klock_started) {
		softclock_klock_started = true;
		kspin_exit(&callout_lock);
		error = lwp_create_shared(&l, "callout/klock", PRI_SOFTCLOCK,
		    NULL, softclock_klock_thread, klock);
		kspin_enter(&callout_lock);
		if (error != 0) {
			/* Without a second thread, wait for the lock here. */
			softclock_klock_started = false;
			softclock_late(cr);
		}
	} else if (softclock_klock_idle) {
		softclock_klock_idle = false;
		kspin_exit(&callout_lock);
		lwp_unpark(klock->cr_lwp);
		kspin_enter(&callout_lock);
	}
}

/*
 * Take the kernel lock, if it is free and the first thread may call a function
 * that needs it.  Return true if the lock is taken.
 */
static inline bool
softclock_klock_try(struct lwp *l)
{

	return !callout_late_any() &&
	    callout_runners[CALLOUT_KLOCK].cr_running == NULL &&
	    kernel_lock_try(l);
}

static void
softclock_thread(void *arg)
{
	struct callout_runner *cr;
	struct callout_impl *c;
	struct lwp *l;
	uint64_t next;
	int64_t deadline;

	cr = arg;
	l = curlwp_get();
	kspin_enter(&callout_lock);
	cr->cr_lwp = l;
	next = CALLOUT_NEVER;
	for (;;) {
		if ((c = callout_due(&next)) != NULL) {
			if ((c->c_flags & CALLOUT_NOKLOCK) != 0 ||
			    softclock_klock_try(l))
				softclock_invoke(cr, c);
			else
				softclock_handover(cr, c);
			continue;
		}
		/*
		 * callout_until may be the deadline of a callout that has been
		 * stopped.  Until that time, do not change callout_until to a
		 * later time.  Otherwise a client that repeatedly arms and
		 * stops a callout would wake this thread each time.
		 */
		if (callout_until > next || callout_until <=
		    (uint64_t)host_monotime() >> CALLOUT_UNITSHIFT)
			callout_until = next;
		deadline = callout_until == CALLOUT_NEVER ? HOST_FOREVER :
		    (int64_t)(callout_until << CALLOUT_UNITSHIFT);
		kspin_exit(&callout_lock);
		(void)lwp_timedpark(l, deadline);
		kspin_enter(&callout_lock);
	}
}

/*
 * Start the first thread, unless there is one.  Meanwhile callout_started is
 * "how", so that no other caller starts the thread.
 */
static int
softclock_start(int how)
{
	struct lwp *l;
	unsigned n;
	int error, old;

	kern_init();
	kern_fork_catchup();
	for (n = 0;; host_relax(&n)) {
		old = 0;
		if (atomic_cas_relaxed(&callout_started, &old, how))
			break;
		/*
		 * CALLOUT_STARTED: the first thread exists, or its starter
		 * panics on failure.  CALLOUT_TRYING: its starter may fail, so
		 * wait for the result.
		 */
		if (old == CALLOUT_STARTED)
			return 0;
	}
	error = lwp_create_shared(&l, "callout", PRI_SOFTCLOCK, NULL,
	    softclock_thread, &callout_runners[CALLOUT_CLOCK]);
	if (how == CALLOUT_TRYING)
		atomic_store_relaxed(&callout_started,
		    error == 0 ? CALLOUT_STARTED : 0);
	return error;
}

/*
 * Start the first thread, unless there is one.  In an interrupt handler, or in
 * a thread that holds a kspin, do nothing.  The callout that the caller arms
 * then waits until a later call starts the thread.  It waits only in a forked
 * child: in any other process, callout_init() has already started the thread.
 */
__kern_noinline void
callout_start(const char *func)
{
	struct lwp *l;
	int error;

	if ((l = host_self()) != NULL && (l->l_intrdepth != 0 ||
	    l->l_kspin != 0))
		return;
	error = softclock_start(CALLOUT_STARTED);
	if (error != 0)
		panic("%s: cannot start the callout thread: error %d", func,
		    error);
}

int
callout_trystart(void)
{

	return softclock_start(CALLOUT_TRYING);
}

/*
 * Forget the threads in a forked child.  Each starts again when it is needed.
 */
void
softclock_fork(void)
{
	struct callout_runner *cr;

	for (cr = callout_runners; cr < callout_runners + CALLOUT_RUNNERS;
	    cr++) {
		cr->cr_lwp = NULL;
		cr->cr_running = NULL;
	}
	callout_waiters = 0;
	softclock_klock_started = false;
	softclock_klock_idle = false;
	atomic_store_relaxed(&callout_started, 0);
}
