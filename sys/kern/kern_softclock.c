/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callout(9): the threads that call what is due.
 *
 * There is one, as long as no callout that needs the kernel lock finds it
 * taken; see struct callout_runner.  The handlers that need the lock are
 * called one after the other, in the order in which they were due, whichever
 * thread calls them: the first thread calls one itself only if the second has
 * none left and is in none.
 */

#include "kern_timeout.h"

struct callout_runner	callout_runners[CALLOUT_RUNNERS];
unsigned		callout_waiters;
int			callout_started;

static bool		softclock_klock_started; /* (callout_lock) */
static bool		softclock_klock_idle;	/* (callout_lock) it parks */

static void
softclock_check_return(const struct lwp *l, const void *c,
    void (*func)(void *), int biglocks, uintptr_t site)
{
	const void *f, *made;

	/* The callout may be destroyed: only we know where it was made. */
	f = (const void *)(uintptr_t)func;
	made = (const void *)site;
	lockdebug_ran("callout", c, f, 0);
	if (l->l_mtxcount != 0)
		panic("callout %p (made at %p): function %p returned holding "
		    "a spin mutex", c, made, f);
	if (l->l_ipl != IPL_SOFTCLOCK)
		panic("callout %p (made at %p): function %p returned at IPL "
		    "%d", c, made, f, l->l_ipl);
	if (l->l_blcnt != biglocks)
		panic("callout %p (made at %p): function %p returned holding "
		    "%d kernel locks", c, made, f, l->l_blcnt);
	if (l->l_nopreempt != 0)
		panic("callout %p (made at %p): function %p returned with "
		    "preemption off", c, made, f);
}

/*
 * Call one's function, in the context of a soft interrupt.  Called and
 * returns with callout_lock held; called with the kernel lock if the callout
 * needs it, and returns without.
 */
static void
softclock_invoke(struct callout_runner *cr, struct callout_impl *c)
{
	void (*func)(void *);
	void *arg;
	struct lwp *l;
	uintptr_t site;
	unsigned forkgen;
	bool biglock;

	site = 0;
	l = cr->cr_lwp;
	func = c->c_func;
	arg = c->c_arg;
	biglock = (c->c_flags & CALLOUT_MPSAFE) == 0;
	l->l_cpu = (c->c_flags & CALLOUT_BOUND) != 0 ? c->c_cpu : NULL;
	callout_setflags(c, (c->c_flags & ~CALLOUT_PENDING) |
	    CALLOUT_FIRED | CALLOUT_INVOKING);
	cr->cr_running = c;
	forkgen = kern_forkgen;
	kspin_exit(&callout_lock);

	l->l_softintr = 1;
	l->l_ipl = IPL_SOFTCLOCK;
	if (KERN_CHECKING())
		site = lockdebug_run(c, NULL, (uintptr_t)func);
	(*func)(arg);
	/* From here on c is an address, not a callout. */
	if (forkgen != kern_forkgen)
		panic("callout %p: function %p returned in a child of its "
		    "process", (void *)c, (void *)(uintptr_t)func);
	if (KERN_CHECKING())
		softclock_check_return(l, c, func, biglock, site);
	if (biglock)
		wqk_kernel_unlock(1, NULL);
	l->l_softintr = 0;
	l->l_cpu = NULL;
	splx(IPL_NONE);

	kspin_enter(&callout_lock);
	cr->cr_running = NULL;
	if (callout_waiters != 0) {
		callout_waiters = 0;
		kspin_exit(&callout_lock);
		sleepq_wakeall(callout_runners, SLEEPQ_CALLOUT);
		kspin_enter(&callout_lock);
	}
}

/*
 * Call the first of those that wait for the kernel lock, if it is not stopped
 * before the lock is ours.
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
 * The kernel lock is another's: leave one to the thread that waits for it.
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
		error = lwp_create(&l, "callout/klock", PRI_SOFTCLOCK, NULL,
		    softclock_klock_thread, klock);
		kspin_enter(&callout_lock);
		if (error != 0) {
			/* Then this thread waits. */
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

/* Can the first thread call one that needs the kernel lock, here and now? */
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
			if ((c->c_flags & CALLOUT_MPSAFE) != 0 ||
			    softclock_klock_try(l))
				softclock_invoke(cr, c);
			else
				softclock_handover(cr, c);
			continue;
		}
		/*
		 * What has been told and was stopped since stays, until its
		 * time comes, so that to arm and stop over and over again
		 * does not wake us each time.
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
 * Start the thread, unless there is one or another starts it; callout_started
 * says meanwhile that it is how.
 */
static int
softclock_start(int how)
{
	struct lwp *l;
	unsigned n;
	int error, old;

	kern_init();
	for (n = 0;; host_relax(&n)) {
		old = 0;
		if (atomic_cas_relaxed(&callout_started, &old, how))
			break;
		/* Who is trying may fail: that is to be known. */
		if (old == CALLOUT_STARTED)
			return 0;
	}
	error = lwp_create(&l, "callout", PRI_SOFTCLOCK, NULL, softclock_thread,
	    &callout_runners[CALLOUT_CLOCK]);
	if (how == CALLOUT_TRYING)
		atomic_store_relaxed(&callout_started,
		    error == 0 ? CALLOUT_STARTED : 0);
	return error;
}

/*
 * Start the thread, if there is none.  An interrupt handler cannot: what it
 * arms waits for the next call from a thread.  That happens only in a forked
 * child, since callout_init() comes first.
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
 * In a forked child, with callout_lock held: there is no thread until one is
 * needed.
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
