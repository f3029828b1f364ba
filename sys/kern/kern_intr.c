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
 * lowered or the spin lock released; to sleep in this library lowers it.  What
 * arrives at a thread the library does not know, what a thread leaves behind
 * as it ends, and what needs the kernel lock while another thread has it, is
 * handed to an interrupt thread: there is one for what needs the kernel lock,
 * so that nothing else waits for that.
 *
 * A thread may block in the system at its level, where we have no say.  So
 * the first interrupt thread watches those that hold something back, looks
 * every INTR_LOOK whether they sleep, and takes it over from one that has
 * slept through INTR_GRACE.
 *
 * l_iheld and l_ipending are the thread's, its handlers' and the watcher's.
 * A source's bit is set after its count was raised, and cleared before that is
 * taken.  The or releases and the and acquires (seq_cst has both): so whoever
 * clears a bit sees the count that it stood for, and a bit without a count
 * may be left, but no count without its bit.
 */

#include "kern.h"

#define	INTR_LOOK	(10 * 1000000)	/* between two looks, nanoseconds */
#define	INTR_GRACE	(2 * INTR_LOOK)	/* asleep for so long: blocked */

struct intrsrc {
	int		(*is_func)(void *);	/* (a) NULL: free, or going */
	void		*is_arg;
	int		 is_signo;	/* 0: injected only */
	int		 is_ipl;
	int		 is_flags;
	bool		 is_used;	/* (intr_lock) */
	unsigned	 is_running;	/* (a) calls under way */
	unsigned	 is_handed;	/* (a) for an interrupt thread */
	unsigned	 is_held;	/* (a) who has some; free if 0 */
	uint64_t	 is_count;	/* (a) arrivals */
};

static struct intrsrc	intr_sources[LWP_INTRSRC];
static uint64_t		intr_bysigno[65];	/* (a) sources, a bit each */
static struct kspin	intr_lock;
static unsigned		intr_next;		/* (intr_lock) where to look */
static kmutex_t		intr_startlock = KMUTEX_INITIALIZER; /* establish */

/*
 * The interrupt threads: the watcher, which runs what is MPSAFE, and the one
 * that takes the kernel lock, which is there once a source needs it.
 */
static struct intrthread {
	const char	*it_name;
	int		 it_started;	/* (a) or being started */
	struct lwp	*it_lwp;	/* (a) by itself, once it runs */
} intr_threads[] = {
	{ .it_name = "intr" },
	{ .it_name = "intr/biglock" },
};

#define	INTR_WATCHER	(&intr_threads[0])
#define	INTR_BIGLOCK	(&intr_threads[1])

/* Threads for which there was work and that were not there, a bit each. */
unsigned		intr_wanted;		/* (a) */

/*
 * Threads to watch: those the watcher is told of, which l_iwnext links, and
 * its own list.  One that is on either has INTR_WATCHED in l_iwatched; who
 * put that there may enlist it.  An lwp outlives its thread: that ends with
 * nothing held back, and the next may be watched by the same record.
 */
static struct lwp	*intr_told;		/* (a) */
static struct lwp	*intr_watched;		/* the watcher's */
static int64_t		intr_nextlook;		/* the watcher's; 0: none */
static bool		intr_canwatch;		/* (a) the host can tell */

/* Not what it was before a fork. */
#define	INTR_WATCHED	(kern_forkgen + 1)

#define	INTR_BIT(is)	((uint64_t)1 << ((is) - intr_sources))

static struct intrthread *
intr_whose(const struct intrsrc *is)
{

	return (is->is_flags & INTR_MPSAFE) != 0 ? INTR_WATCHER :
	    INTR_BIGLOCK;
}

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
		atomic_store_relaxed(&l->l_mtxcount, 0);
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
		atomic_store_relaxed(&l->l_mtxcount, mtxcount);
		l->l_mtxoldspl = mtxoldspl;
		l->l_ipl = s;
	}
	/* Release: what the handler did is seen by who disestablishes. */
	(void)atomic_fetch_add_acq_rel(&is->is_running, -1u);
}

/*
 * There is something for an interrupt thread.  If it is not there, which is
 * so in a forked child, who sleeps next starts it.
 */
static void
intr_kick(struct intrthread *it)
{
	struct lwp *l;

	/* See intr_thread(). */
	if ((l = atomic_load_seq_cst(&it->it_lwp)) != NULL)
		lwp_unpark(l);
	else
		(void)atomic_fetch_or_relaxed(&intr_wanted,
		    1u << (it - intr_threads));
}

static void
intr_handover(struct intrsrc *is, unsigned n)
{

	(void)atomic_fetch_add_relaxed(&is->is_held, 1u);
	/* Release: the handler sees what we did; and see intr_thread(). */
	if (atomic_fetch_add_seq_cst(&is->is_handed, n) != 0)
		(void)atomic_fetch_add_relaxed(&is->is_held, -1u);
	intr_kick(intr_whose(is));
}

/*
 * A thread holds something back.  If it is the first we hear of, have it
 * watched.  The watcher clears l_iwatched and then looks at l_ipending; who
 * holds back did it the other way round.  Sequentially consistent: not both
 * miss.
 */
static void
intr_enlist(struct lwp *l)
{
	struct lwp *head;

	if (atomic_load_seq_cst(&l->l_iwatched) == INTR_WATCHED ||
	    atomic_swap_seq_cst(&l->l_iwatched, INTR_WATCHED) == INTR_WATCHED)
		return;
	head = atomic_load_relaxed(&intr_told);
	do {
		l->l_iwnext = head;
		/* Release: l_iwnext; pairs with intr_watch(). */
	} while (!atomic_cas_release(&intr_told, &head, l));
	intr_kick(INTR_WATCHER);
}

/*
 * The same, by the thread itself or a handler on it.  A handler will return,
 * and who holds a spin mutex will release it: both come here again then.
 */
static void
intr_tell(struct lwp *l)
{

	if (atomic_load_relaxed(&intr_canwatch) && l->l_intrdepth == 0 &&
	    l->l_mtxcount == 0)
		intr_enlist(l);
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
 * Take from a thread what it counted, and say how often.  The source is not
 * free for another until intr_drop().
 */
static unsigned
intr_take(struct lwp *l, struct intrsrc *is)
{

	/* The bit before the count, as it was set after it. */
	(void)atomic_fetch_and_seq_cst(&l->l_ipending, ~INTR_BIT(is));
	/* Acquire: pairs with intr_arrive(), on another thread. */
	return atomic_swap_acquire(&l->l_iheld[is - intr_sources], 0u);
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
	if (atomic_load_relaxed(&l->l_ipending) != 0)
		intr_tell(l);
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
	/* A hint for the watcher. */
	(void)atomic_fetch_add_relaxed(&l->l_iarrived, 1u);
	if (l->l_kspin != 0 || l->l_ipl >= is->is_ipl) {
		/* Before the count, lest it be dropped before. */
		(void)atomic_fetch_add_relaxed(&is->is_held, 1u);
		/* Release: the handler may be run by another thread. */
		if (atomic_fetch_add_acq_rel(&l->l_iheld[is - intr_sources],
		    1u) != 0)
			intr_drop(is);
		(void)atomic_fetch_or_seq_cst(&l->l_ipending, INTR_BIT(is));
		/* Or else kspin_exit() sees to it. */
		if (l->l_kspin == 0)
			intr_tell(l);
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

/*
 * Hand on all that a thread holds back.  By itself, or by the watcher.
 */
static void
intr_handall(struct lwp *l)
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
}

/*
 * Look at a thread.  False: it holds nothing back, and need not be watched.
 *
 * It is blocked if it sleeps interruptibly each time we look, and has begun
 * to sleep no more often than the interrupts that arrived at it can account
 * for: each wakes it, and may have it preempted.  So neither is a thread that
 * merely finds no CPU, nor one that waits for memory or that sleeps for a
 * moment in a spin.  Nor is who waits for the kernel lock, which is to spin in
 * its way, see sleepq_block(); nor who has a spin mutex, for which the handler
 * might spin.
 */
static bool
intr_look(struct lwp *l, int64_t now)
{
	uint64_t asleep;
	unsigned arrived;

	/* Acquire: l_hosttid is of the thread that holds something back. */
	if (atomic_load_acquire(&l->l_ipending) == 0)
		return false;
	arrived = atomic_load_relaxed(&l->l_iarrived);
	asleep = 0;
	if (atomic_load_relaxed(&l->l_mtxcount) == 0 && !kernel_lock_wanted(l))
		asleep = host_asleep(atomic_load_relaxed(&l->l_hosttid));
	if (asleep == 0 || l->l_iwasleep == 0 || asleep - l->l_iwasleep >
	    (uint64_t)2 * (arrived - l->l_iwarrived)) {
		l->l_iwasleep = asleep;
		l->l_iwarrived = arrived;
		l->l_iwsince = now;
	} else if (now - l->l_iwsince >= INTR_GRACE)
		intr_handall(l);
	return true;
}

/*
 * The watcher's turn.  Until when may it sleep?
 */
static int64_t
intr_watch(void)
{
	struct lwp *l, **lp, *next;
	int64_t now;

	if (intr_watched == NULL && atomic_load_relaxed(&intr_told) == NULL)
		return HOST_FOREVER;
	now = host_monotime();
	/* Most levels fall soon: no look before its time. */
	if (intr_nextlook == 0)
		intr_nextlook = now + INTR_LOOK;
	if (now < intr_nextlook)
		return intr_nextlook;

	/* Acquire: pairs with intr_enlist(). */
	for (l = atomic_swap_acquire(&intr_told, NULL); l != NULL; l = next) {
		next = l->l_iwnext;
		l->l_iwasleep = 0;
		l->l_iwnext = intr_watched;
		intr_watched = l;
	}
	for (lp = &intr_watched; (l = *lp) != NULL;) {
		if (intr_look(l, now)) {
			lp = &l->l_iwnext;
			continue;
		}
		*lp = l->l_iwnext;
		/* See intr_enlist(). */
		atomic_store_seq_cst(&l->l_iwatched, 0u);
		if (atomic_load_seq_cst(&l->l_ipending) != 0)
			intr_enlist(l);
	}
	if (intr_watched == NULL && atomic_load_relaxed(&intr_told) == NULL) {
		/* Who enlists one now wakes us. */
		intr_nextlook = 0;
		return HOST_FOREVER;
	}
	return intr_nextlook = now + INTR_LOOK;
}

/*
 * Of what was handed to an interrupt thread, the highest.
 */
static struct intrsrc *
intr_handed(const struct intrthread *it)
{
	struct intrsrc *is, *best;

	best = NULL;
	for (is = intr_sources; is < intr_sources + LWP_INTRSRC; is++)
		/* Acquire, in seq_cst: pairs with intr_handover(). */
		if (atomic_load_seq_cst(&is->is_handed) != 0 &&
		    intr_whose(is) == it &&
		    (best == NULL || is->is_ipl > best->is_ipl))
			best = is;
	return best;
}

static void
intr_thread(void *arg)
{
	struct intrthread *it;
	struct intrsrc *is;
	struct lwp *l;

	it = arg;
	l = curlwp_get();
	/*
	 * We say that we are here and look for what was handed to us; others
	 * hand on and look for us.  Sequentially consistent: not both miss.
	 */
	atomic_store_seq_cst(&it->it_lwp, l);
	for (;;) {
		if (intr_handed(it) == NULL) {
			(void)lwp_timedpark(l, it == INTR_WATCHER ?
			    intr_watch() : HOST_FOREVER);
			continue;
		}
		if (it == INTR_BIGLOCK)
			wqk_kernel_lock(1);
		/* Choose only now, and anew each time: highest first. */
		is = intr_handed(it);
		intr_dispatch(l, is, 1);
		/* Only we take off, so it was there until now. */
		if (atomic_fetch_add_acq_rel(&is->is_handed, -1u) == 1)
			intr_drop(is);
		if (it == INTR_BIGLOCK)
			wqk_kernel_unlock(1, NULL);
		intr_deliver(l);
	}
}

/*
 * Start an interrupt thread unless that has been done.  0 or an errno value.
 */
static int
intr_start(struct intrthread *it)
{
	struct lwp *l;
	int error, none;

	/* Relaxed: the new thread publishes itself. */
	none = 0;
	if (!atomic_cas_relaxed(&it->it_started, &none, 1))
		return 0;
	error = lwp_create(&l, it->it_name, PRI_NONE, NULL, intr_thread, it);
	if (error != 0)
		atomic_store_relaxed(&it->it_started, 0);
	return error;
}

/*
 * A thread is about to sleep, and interrupt threads are wanted: the first
 * chance to start them since they were.
 */
__kern_noinline void
intr_restart(struct lwp *l)
{
	struct intrthread *it;
	unsigned bit, wanted;

	if (l->l_kspin != 0 || l->l_mtxcount != 0 || l->l_intrdepth != 0)
		return;
	wanted = atomic_swap_relaxed(&intr_wanted, 0u);
	for (it = intr_threads, bit = 1; wanted != 0; it++, bit <<= 1) {
		/* If it is refused, who sleeps next tries again. */
		if ((wanted & bit) != 0 && intr_start(it) != 0)
			(void)atomic_fetch_or_relaxed(&intr_wanted, bit);
		wanted &= ~bit;
	}
}

/*
 * A thread ends: what it held back goes to others.
 */
void
intr_lwpexit(struct lwp *l)
{

	intr_handall(l);
	/* From here on nothing is held back; what came meanwhile runs. */
	l->l_ipl = IPL_NONE;
	atomic_signal_barrier();
	intr_deliver(l);
}

/*
 * In a forked child there are no interrupt threads, until they are wanted;
 * what waits for them is the parent's, and so are the calls under way.
 */
void
intr_fork(void)
{
	struct intrthread *it;
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

	for (it = intr_threads; it <= INTR_BIGLOCK; it++) {
		atomic_store_relaxed(&it->it_lwp, NULL);
		atomic_store_relaxed(&it->it_started, 0);
	}
	atomic_store_relaxed(&intr_wanted, 0u);
	atomic_store_relaxed(&intr_told, NULL);
	intr_watched = NULL;
	intr_nextlook = 0;
	atomic_store_relaxed(&intr_lock.ks_locked, 0u);
	atomic_store_relaxed(&intr_startlock.mtx_owner, (uintptr_t)0);

	if (l != NULL) {
		/* It has another number here. */
		atomic_store_relaxed(&l->l_hosttid, host_tid());
		if (atomic_load_relaxed(&l->l_ipending) != 0)
			intr_tell(l);
	}
}

__kern_public void *
intr_establish(int signo, int ipl, int flags, int (*func)(void *), void *arg)
{
	struct intrsrc *is;
	uint64_t old;
	unsigned i;

	kern_init();
	if (signo < 0 || signo >= (int)__arraycount(intr_bysigno) ||
	    ipl < IPL_VM || ipl > IPL_HIGH || (flags & ~INTR_MPSAFE) != 0 ||
	    func == NULL)
		return NULL;
	if (KERN_CHECKING())
		wqcheck_sleepable("intr_establish");
	/* From now on there are threads that may not call the allocator. */
	kmem_helper_start();

	mutex_enter(&intr_startlock);
	atomic_store_relaxed(&intr_canwatch,
	    (host_caps() & HOST_CAP_ASLEEP) != 0);
	if (intr_start(INTR_WATCHER) != 0 ||
	    ((flags & INTR_MPSAFE) == 0 && intr_start(INTR_BIGLOCK) != 0)) {
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
	/* It may be the handler that we would wait for. */
	if (kern_intr_p())
		panic("intr_disestablish: called by an interrupt handler");
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
