/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Interrupts: POSIX signals that call a handler at an interrupt priority
 * level, and those that tests inject.
 *
 * An interrupt runs at once, on the thread at which it arrives, if that
 * thread's level is below its own and the thread holds no internal spin lock.
 * Otherwise the thread counts it in l_iheld and runs it when the level is
 * lowered or the spin lock released.  What arrives at a thread the library
 * does not know, what a thread leaves behind as it ends, and what needs the
 * kernel lock while another thread has it, goes to the interrupt thread.
 *
 * l_iheld and l_ipending are the thread's and its handlers' own, so what is
 * atomic here is atomic against a handler on the same thread: relaxed.
 */

#include <string.h>

#include "kern.h"

struct intrsrc {
	int		(*is_func)(void *);	/* (a) NULL: free, or going */
	void		*is_arg;
	int		 is_signo;	/* 0: injected only */
	int		 is_ipl;
	int		 is_flags;
	bool		 is_used;	/* (intr_lock) */
	unsigned	 is_running;	/* (a) calls under way */
	unsigned	 is_handed;	/* (a) for the interrupt thread */
	unsigned	 is_held;	/* (a) who has some; free if 0 */
	uint64_t	 is_count;	/* (a) arrivals */
};

static struct intrsrc	intr_sources[LWP_INTRSRC];
static uint64_t		intr_bysigno[65];	/* (a) sources, a bit each */
static struct kspin	intr_lock;
static unsigned		intr_next;		/* (intr_lock) where to look */
static struct lwp	*intr_lwp;		/* (a) the interrupt thread */
static kmutex_t		intr_startlock = KMUTEX_INITIALIZER; /* its start */

#define	INTR_BIT(is)	((uint64_t)1 << ((is) - intr_sources))

/*
 * A handler has returned: what has it left behind?
 */
static void
intr_check_return(const struct lwp *l, const struct intrsrc *is,
    int (*func)(void *), int held, int blcnt, int nopreempt)
{
	const void *f;

	f = (const void *)(uintptr_t)func;
	lockdebug_barrier("interrupt handler", f, held);
	if (l->l_mtxcount != 0)
		panic("interrupt handler %p%s returned holding a spin mutex",
		    f, lockdebug_made(is));
	if (l->l_ipl != is->is_ipl)
		panic("interrupt handler %p%s returned at IPL %d", f,
		    lockdebug_made(is), l->l_ipl);
	if (l->l_blcnt != blcnt)
		panic("interrupt handler %p%s returned holding %d kernel "
		    "locks, called with %d", f, lockdebug_made(is), l->l_blcnt,
		    blcnt);
	if (l->l_nopreempt != nopreempt)
		panic("interrupt handler %p%s returned with preemption off",
		    f, lockdebug_made(is));
}

/*
 * Call a handler, n times.  In the thread l, which may take it.
 */
static void
intr_dispatch(struct lwp *l, struct intrsrc *is, unsigned n)
{
	int (*func)(void *);
	int blcnt, held, mtxcount, mtxoldspl, nopreempt, s;

	/*
	 * We count ourselves and look at is_func; who disestablishes clears
	 * is_func and looks at the count.  Sequentially consistent: not both
	 * miss.
	 */
	(void)atomic_fetch_add_seq_cst(&is->is_running, 1u);
	func = atomic_load_seq_cst(&is->is_func);
	if (func != NULL) {
		s = l->l_ipl;
		if (s < is->is_ipl)
			l->l_ipl = is->is_ipl;
		/* The handler's spin mutexes nest in our level, not below. */
		mtxcount = l->l_mtxcount;
		mtxoldspl = l->l_mtxoldspl;
		l->l_mtxcount = 0;
		blcnt = l->l_blcnt;
		nopreempt = l->l_nopreempt;
		held = KERN_CHECKING() ? lockdebug_held() : 0;
		l->l_intrdepth++;
		atomic_signal_barrier();
		for (; n > 0; n--) {
			(void)(*func)(is->is_arg);
			if (KERN_CHECKING())
				intr_check_return(l, is, func, held, blcnt,
				    nopreempt);
		}
		atomic_signal_barrier();
		l->l_intrdepth--;
		l->l_mtxcount = mtxcount;
		l->l_mtxoldspl = mtxoldspl;
		l->l_ipl = s;
	}
	/* Release: what the handler did is seen by who disestablishes. */
	(void)atomic_fetch_add_acq_rel(&is->is_running, -1u);
}

static void
intr_handover(struct intrsrc *is, unsigned n)
{
	struct lwp *l;

	(void)atomic_fetch_add_relaxed(&is->is_held, 1u);
	/* Release: pairs with the exchange in intr_thread(). */
	if (atomic_fetch_add_acq_rel(&is->is_handed, n) != 0)
		(void)atomic_fetch_add_relaxed(&is->is_held, -1u);
	/* Acquire: pairs with the release of who started it. */
	if ((l = atomic_load_acquire(&intr_lwp)) != NULL)
		lwp_unpark(l);
}

/*
 * Run it here if the kernel lock can be had, else have it run elsewhere.
 */
static void
intr_try(struct lwp *l, struct intrsrc *is, unsigned n)
{

	if ((is->is_flags & INTR_MPSAFE) != 0)
		intr_dispatch(l, is, n);
	else if (kernel_lock_try(l)) {
		intr_dispatch(l, is, n);
		wqk_kernel_unlock(1, NULL);
	} else
		intr_handover(is, n);
}

/*
 * Take from the thread what it counted, and say how often.  The source is not
 * free for another until intr_drop().
 */
static unsigned
intr_take(struct lwp *l, struct intrsrc *is)
{

	/* The bit before the count, as it was set after it. */
	(void)atomic_fetch_and_relaxed(&l->l_ipending, ~INTR_BIT(is));
	return atomic_swap_relaxed(&l->l_iheld[is - intr_sources], 0u);
}

static void
intr_drop(struct intrsrc *is)
{

	/* Release: pairs with the acquire in intr_establish(). */
	(void)atomic_fetch_add_acq_rel(&is->is_held, -1u);
}

/*
 * Of what is held back, the highest that the thread can take.
 */
static struct intrsrc *
intr_best(const struct lwp *l)
{
	struct intrsrc *is, *best;
	uint64_t pending;

	best = NULL;
	pending = atomic_load_relaxed(&l->l_ipending);
	for (is = intr_sources; pending != 0; is++, pending >>= 1)
		if ((pending & 1) != 0 && is->is_ipl > l->l_ipl &&
		    (best == NULL || is->is_ipl > best->is_ipl))
			best = is;
	return best;
}

/*
 * The level was lowered, or a spin lock released: run what may be run now,
 * highest level first.
 */
__kern_noinline void
intr_run(struct lwp *l)
{
	struct intrsrc *is;
	unsigned n;

	do {
		while ((is = intr_best(l)) != NULL)
			if ((n = intr_take(l, is)) != 0) {
				intr_try(l, is, n);
				intr_drop(is);
			}
		/* It holds back what comes meanwhile. */
		if (l->l_softpend != NULL)
			softint_splx(l);
	} while (intr_best(l) != NULL);
}

/*
 * An interrupt arrives at the calling thread.
 */
static void
intr_arrive(struct intrsrc *is)
{
	struct lwp *l;

	(void)atomic_fetch_add_relaxed(&is->is_count, (uint64_t)1);
	if ((l = host_self()) == NULL) {
		intr_handover(is, 1);
		return;
	}
	if (l->l_kspin != 0 || l->l_ipl >= is->is_ipl) {
		/* Before the count, lest it be dropped before. */
		(void)atomic_fetch_add_relaxed(&is->is_held, 1u);
		if (atomic_fetch_add_relaxed(&l->l_iheld[is - intr_sources],
		    1u) != 0)
			intr_drop(is);
		(void)atomic_fetch_or_relaxed(&l->l_ipending, INTR_BIT(is));
		return;
	}
	intr_try(l, is, 1);
	/* What came at a level between, meanwhile. */
	intr_deliver(l);
}

static void
intr_signal(int signo)
{
	struct intrsrc *is;
	uint64_t set;

	/* Acquire: the source is filled in before its bit is set. */
	set = atomic_load_acquire(&intr_bysigno[signo]);
	for (is = intr_sources; set != 0; is++, set >>= 1)
		if ((set & 1) != 0)
			intr_arrive(is);
}

static void
intr_thread(void *arg)
{
	struct intrsrc *is;
	struct lwp *l;
	unsigned n;
	bool any;

	(void)arg;
	l = curlwp_get();
	for (;;) {
		any = false;
		for (is = intr_sources; is < intr_sources + LWP_INTRSRC;
		    is++) {
			if (atomic_load_relaxed(&is->is_handed) == 0)
				continue;
			/* Acquire: pairs with the release of a handover. */
			if ((n = atomic_swap_acquire(&is->is_handed, 0u)) == 0)
				continue;
			any = true;
			if ((is->is_flags & INTR_MPSAFE) == 0)
				wqk_kernel_lock(1);
			intr_dispatch(l, is, n);
			if ((is->is_flags & INTR_MPSAFE) == 0)
				wqk_kernel_unlock(1, NULL);
			intr_drop(is);
			intr_deliver(l);
		}
		if (!any)
			lwp_park(l);
	}
}

/*
 * A thread ends: what it held back goes to others.
 */
void
intr_lwpexit(struct lwp *l)
{
	struct intrsrc *is;
	uint64_t pending;
	unsigned n;

	pending = atomic_load_relaxed(&l->l_ipending);
	for (is = intr_sources; pending != 0; is++, pending >>= 1)
		if ((pending & 1) != 0 && (n = intr_take(l, is)) != 0) {
			intr_handover(is, n);
			intr_drop(is);
		}
	/* From here on nothing is held back; what came meanwhile runs. */
	l->l_ipl = IPL_NONE;
	atomic_signal_barrier();
	intr_deliver(l);
}

/*
 * In a forked child there is no interrupt thread, until one is asked for;
 * what waits for it is the parent's, and so are the calls under way.
 */
void
intr_fork(void)
{
	struct intrsrc *is;
	struct lwp *l;

	l = host_self();
	for (is = intr_sources; is < intr_sources + LWP_INTRSRC; is++) {
		atomic_store_relaxed(&is->is_handed, 0u);
		atomic_store_relaxed(&is->is_held, l != NULL &&
		    atomic_load_relaxed(&l->l_iheld[is - intr_sources]) != 0 ?
		    1u : 0u);
		if (l == NULL || l->l_intrdepth == 0)
			atomic_store_relaxed(&is->is_running, 0u);
	}

	atomic_store_relaxed(&intr_lwp, NULL);
	atomic_store_relaxed(&intr_lock.ks_locked, 0u);
	atomic_store_relaxed(&intr_startlock.mtx_owner, (uintptr_t)0);
}

__kern_public void *
intr_establish(int signo, int ipl, int flags, int (*func)(void *), void *arg)
{
	struct intrsrc *is;
	struct lwp *l;
	uint64_t old;
	unsigned i;
	int error;

	kern_init();
	if (signo < 0 || signo >= (int)__arraycount(intr_bysigno) ||
	    ipl < IPL_VM || ipl > IPL_HIGH || (flags & ~INTR_MPSAFE) != 0 ||
	    func == NULL)
		return NULL;
	if (KERN_CHECKING())
		wqcheck_sleepable("intr_establish");
	/* From now on there are threads that may not call the allocator. */
	kmem_helper_start();

	error = 0;
	mutex_enter(&intr_startlock);
	if (intr_lwp == NULL) {
		error = lwp_create(&l, "intr", PRI_NONE, NULL, intr_thread,
		    NULL);
		/* Release: pairs with the acquire in intr_handover(). */
		if (error == 0)
			atomic_store_release(&intr_lwp, l);
	}
	if (error != 0) {
		mutex_exit(&intr_startlock);
		return NULL;
	}

	kspin_enter(&intr_lock);
	for (i = 0; i < LWP_INTRSRC; i++) {
		is = &intr_sources[intr_next++ % LWP_INTRSRC];
		/* Acquire: no thread looks at what it was. */
		if (!is->is_used && atomic_load_acquire(&is->is_held) == 0)
			break;
	}
	if (i == LWP_INTRSRC) {
		kspin_exit(&intr_lock);
		mutex_exit(&intr_startlock);
		return NULL;
	}
	is->is_used = true;
	kspin_exit(&intr_lock);

	is->is_arg = arg;
	is->is_signo = signo;
	is->is_ipl = ipl;
	is->is_flags = flags;
	atomic_store_relaxed(&is->is_count, (uint64_t)0);
	if (KERN_CHECKING())
		lockdebug_make("intr_establish", is, "interrupt", NULL,
		    LOCKDEBUG_RUN, LOCKDEBUG_SITE());
	atomic_store_release(&is->is_func, func);
	if (signo != 0) {
		/* Release, in the or: see intr_signal(). */
		old = atomic_fetch_or_seq_cst(&intr_bysigno[signo],
		    INTR_BIT(is));
		if (old == 0 && host_signal_establish(signo, intr_signal) !=
		    0) {
			(void)atomic_fetch_and_seq_cst(&intr_bysigno[signo],
			    ~INTR_BIT(is));
			atomic_store_release(&is->is_func, NULL);
			if (KERN_CHECKING())
				lockdebug_end(is);
			kspin_enter(&intr_lock);
			is->is_used = false;
			kspin_exit(&intr_lock);
			is = NULL;
		}
	}
	mutex_exit(&intr_startlock);
	return is;
}

__kern_public void
intr_disestablish(void *ih)
{
	struct intrsrc *is;
	uint64_t old;
	unsigned n;
	int biglocks;

	is = ih;
	if (KERN_CHECKING())
		wqcheck_sleepable_on("intr_disestablish", is, "interrupt");
	mutex_enter(&intr_startlock);
	if (is->is_signo != 0) {
		old = atomic_fetch_and_seq_cst(&intr_bysigno[is->is_signo],
		    ~INTR_BIT(is));
		if (old == INTR_BIT(is))
			host_signal_release(is->is_signo);
	}
	mutex_exit(&intr_startlock);
	/* A handler may be waiting for the kernel lock. */
	wqk_kernel_unlock(0, &biglocks);
	/* See intr_dispatch(). */
	(void)atomic_swap_seq_cst(&is->is_func, NULL);
	for (n = 0; atomic_load_seq_cst(&is->is_running) != 0;)
		host_relax(&n);
	wqk_kernel_lock(biglocks);
	if (KERN_CHECKING())
		lockdebug_end(is);
	/* What is held back or handed on meets no handler; see is_held. */
	kspin_enter(&intr_lock);
	is->is_used = false;
	kspin_exit(&intr_lock);
}

/*
 * For tests: the interrupt arrives at the calling thread.
 */
__kern_public void
intr_inject(void *ih)
{

	intr_arrive(ih);
}

__kern_public uint64_t
intr_count(void *ih)
{
	struct intrsrc *is;

	is = ih;
	return atomic_load_relaxed(&is->is_count);
}

__kern_public int
cpu_intr_p(void)
{
	struct lwp *l;

	l = host_self();
	return l != NULL && l->l_intrdepth != 0;
}

__kern_public int
cpu_softintr_p(void)
{
	struct lwp *l;

	l = host_self();
	return l != NULL && l->l_softintr != 0;
}
