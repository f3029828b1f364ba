/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The interrupt threads, and the watcher; see kern_intr.c.
 *
 * Two interrupt threads run the interrupts that are handed to them.  One of the
 * two runs those that need the kernel lock, so that no other interrupt waits
 * for the lock.
 *
 * A thread may block in a system call at a raised level, without calling this
 * library.  A third thread, the watcher, watches the threads that hold back
 * interrupts.  Every INTR_LOOK it finds out whether they sleep.  If a thread
 * has slept for INTR_GRACE, the watcher hands the thread's interrupts to an
 * interrupt thread.  The watcher calls no handler itself, because it may have
 * lost its descriptors: see host_asleep_prepare().
 */

#include "kern.h"
#include "kern_boot.h"
#include "kern_intr.h"
#include "kern_lock.h"
#include "kern_lwp.h"
#include "kern_runq.h"
#include "kern_spl.h"

#define	INTR_LOOK	(10 * 1000000)	/* ns between two looks */
#define	INTR_GRACE	(2 * INTR_LOOK)	/* sleeping this long means blocked */

/*
 * The threads, indexed by enum intrthread.
 */
static void	intrthread_main(void *);
static void	intrthread_watcher(void *);

static struct intrthread_state {
	const char	*it_name;
	void		(*it_main)(void *);
	int		 it_started;	/* (a) started, or being started */
	struct lwp	*it_lwp;	/* (a) set by the thread when it runs */
} intr_threads[] = {
	[INTR_PLAIN] = { "intr", intrthread_main, 0, NULL },
	[INTR_BIGLOCK] = { "intr/biglock", intrthread_main, 0, NULL },
	[INTR_WATCHER] = { "intr/watch", intrthread_watcher, 0, NULL },
};

/* The threads that were needed and did not exist, a bit each. */
static unsigned		intr_wanted;		/* (a) */
static void		intr_restart(struct lwp *);

/*
 * The threads to watch.  Newly enlisted threads are on one list, the others on
 * the watcher's own list.  l_iwnext links both.  A thread on either list has
 * INTR_WATCHED in l_iwatched.  Only the caller whose exchange stored this value
 * enlists the lwp.
 *
 * A thread that ends holds nothing back.  Its lwp may stay on the list, because
 * an lwp is never freed.  The next thread that gets the lwp is then watched
 * through the same entry.
 */
static struct lwp	*intr_told;		/* (a) the newly enlisted */
static struct lwp	*intr_watched;		/* the watcher's list */
static int64_t		intr_nextlook;		/* its next look, or 0 */
static bool		intr_canwatch;		/* (a) there is a watcher */

/* Differs in a forked child, so that the parent's lists do not count. */
#define	INTR_WATCHED	(kern_forkgen + 1)

/*
 * Ask for these interrupt threads.  The next thread to sleep starts them.
 */
static void
intr_want(unsigned set)
{

	(void)atomic_fetch_or_relaxed(&intr_wanted, set);
	/*
	 * Release: publish intr_wanted.  Pairs with intr_restart().  This is an
	 * exchange, so that the thread that takes the hook also sees what
	 * earlier callers have published.
	 */
	(void)atomic_swap_acq_rel(&lwp_sleephook, intr_restart);
}

/*
 * Wake an interrupt thread that has something to do.  If it does not exist, as
 * in a forked child, the next thread to sleep starts it.
 */
void
intrthread_kick(enum intrthread it)
{
	struct lwp *l;

	/* See intrthread_main(). */
	if ((l = atomic_load_seq_cst(&intr_threads[it].it_lwp)) != NULL)
		lwp_unpark(l);
	else
		intr_want(1u << it);
}

/*
 * Enlist a thread that holds an interrupt back, unless it is watched already.
 * The thread has set a bit in l_ipending and then loads l_iwatched.  The
 * watcher clears l_iwatched and then loads l_ipending.  Sequentially
 * consistent: at least one of the two sees the other's store.
 */
static void
intrthread_enlist(struct lwp *l)
{
	struct lwp *head;

	if (atomic_load_seq_cst(&l->l_iwatched) == INTR_WATCHED ||
	    atomic_swap_seq_cst(&l->l_iwatched, INTR_WATCHED) == INTR_WATCHED)
		return;
	head = atomic_load_relaxed(&intr_told);
	do {
		l->l_iwnext = head;
		/*
		 * Release: publish l_iwnext.  Pairs with intrthread_turn().
		 * Sequentially consistent, because intrthread_kick() loads
		 * it_lwp next: see intrthread_watcher().
		 */
	} while (!atomic_cas_seq_cst(&intr_told, &head, l));
	intrthread_kick(INTR_WATCHER);
}

/*
 * Have the calling thread watched.  Do nothing in a handler, or while the
 * thread holds a spin mutex.  The thread calls this again when the handler
 * returns or the mutex is released.
 */
void
intrthread_watch(struct lwp *l)
{

	if (atomic_load_relaxed(&intr_canwatch) && l->l_intrdepth == 0 &&
	    l->l_mtxcount == 0)
		intrthread_enlist(l);
}

/*
 * Look at a thread.  If it is blocked, give the interrupt threads all
 * interrupts that it holds back.  Return false if the thread holds none back:
 * it need not be watched any longer.
 *
 * A thread is blocked if two conditions hold for INTR_GRACE.  At each look, the
 * thread is in an interruptible sleep.  And the interrupts that have arrived
 * explain all its context switches in this time.  Each interrupt explains two:
 * the thread may be preempted, and it sleeps again afterwards.  So a thread
 * that only waits for a processor of the host or for memory, or that sleeps for
 * a moment in a spin, is not blocked.
 *
 * A thread that waits for the kernel lock or for a CPU (kern_runq.c) is not
 * blocked either, because in a kernel it would spin: see sleepq_block().  A
 * thread that holds a spin mutex does not count as blocked either, because the
 * handler might spin for that mutex.
 */
static bool
intrthread_look(struct lwp *l, int64_t now)
{
	uint64_t asleep;
	unsigned arrived;

	/* Acquire: observe l_hosttid of the thread that set the bit. */
	if ((atomic_load_acquire(&l->l_ipending) & LWP_ISOURCES) == 0)
		return false;
	arrived = atomic_load_relaxed(&l->l_iarrived);
	asleep = 0;
	if (atomic_load_relaxed(&l->l_mtxcount) == 0 &&
	    !kernel_lock_wanted(l) && !oncpu_wanted(l))
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
 * Look at all watched threads, if it is time.  Return the time until which the
 * watcher may sleep.
 */
static int64_t
intrthread_turn(void)
{
	struct lwp *l, **lp, *next;
	int64_t now;

	/* Sequentially consistent: see intrthread_watcher(). */
	if (intr_watched == NULL && atomic_load_seq_cst(&intr_told) == NULL)
		return HOST_FOREVER;
	now = host_monotime();
	/* Most threads soon lower their level, so do not look at once. */
	if (intr_nextlook == 0)
		intr_nextlook = now + INTR_LOOK;
	if (now < intr_nextlook)
		return intr_nextlook;

	/* Acquire: pairs with intrthread_enlist(). */
	for (l = atomic_swap_acquire(&intr_told, NULL); l != NULL; l = next) {
		next = l->l_iwnext;
		l->l_iwasleep = 0;
		l->l_iwnext = intr_watched;
		intr_watched = l;
	}
	for (lp = &intr_watched; (l = *lp) != NULL;) {
		if (intrthread_look(l, now)) {
			lp = &l->l_iwnext;
			continue;
		}
		*lp = l->l_iwnext;
		/* This store and load pair with intrthread_enlist(). */
		atomic_store_seq_cst(&l->l_iwatched, 0u);
		if ((atomic_load_seq_cst(&l->l_ipending) & LWP_ISOURCES) != 0)
			intrthread_enlist(l);
	}
	if (intr_watched == NULL && atomic_load_relaxed(&intr_told) == NULL) {
		/* From now on intrthread_enlist() wakes the watcher. */
		intr_nextlook = 0;
		return HOST_FOREVER;
	}
	return intr_nextlook = now + INTR_LOOK;
}

static void
intrthread_main(void *arg)
{
	struct intrthread_state *its;
	enum intrthread it;
	struct lwp *l;

	its = arg;
	it = (enum intrthread)(its - intr_threads);
	l = curlwp_get();
	/*
	 * This thread stores it_lwp and then looks for interrupts.  Another
	 * thread hands over an interrupt and then loads it_lwp.  Sequentially
	 * consistent: at least one of the two sees the other's store.
	 */
	atomic_store_seq_cst(&its->it_lwp, l);
	for (;;) {
		if (!intr_ishanded(it)) {
			lwp_park(l);
			continue;
		}
		if (it == INTR_BIGLOCK)
			wqk_kernel_lock(1);
		/*
		 * Choose the interrupt after the lock is taken, because a
		 * higher one may have arrived meanwhile.
		 */
		intr_runhanded(it, l);
		if (it == INTR_BIGLOCK)
			wqk_kernel_unlock(1, NULL);
		intr_deliver(l);
	}
}

static void
intrthread_watcher(void *arg)
{
	struct intrthread_state *its;
	struct lwp *l;

	its = arg;
	l = curlwp_get();
	atomic_store_relaxed(&intr_canwatch, host_asleep_prepare());
	/*
	 * This thread stores it_lwp and then loads intr_told.
	 * intrthread_enlist() stores to intr_told and then loads it_lwp.  See
	 * intrthread_main().
	 */
	atomic_store_seq_cst(&its->it_lwp, l);
	for (;;)
		(void)lwp_timedpark(l, intrthread_turn());
}

/*
 * Start an interrupt thread, unless it is started.  Return 0 or an errno value.
 */
int
intrthread_start(enum intrthread it)
{
	struct intrthread_state *its;
	struct lwp *l;
	int error, none;

	kern_fork_catchup();
	its = &intr_threads[it];
	/* Relaxed: the new thread publishes itself. */
	none = 0;
	if (!atomic_cas_relaxed(&its->it_started, &none, 1))
		return 0;
	error = lwp_create_shared(&l, its->it_name, PRI_NONE, NULL,
	    its->it_main, its);
	if (error != 0)
		atomic_store_relaxed(&its->it_started, 0);
	return error;
}

/*
 * Start the watcher, and wait until it is prepared.  After this, the watcher
 * works even if the process can open no more files.
 */
int
intrthread_startwatcher(void)
{
	struct intrthread_state *its;
	unsigned n;
	int error;

	if ((host_caps() & HOST_CAP_ASLEEP) == 0)
		return 0;
	its = &intr_threads[INTR_WATCHER];
	/* Acquire: the watcher has set intr_canwatch. */
	for (n = 0; atomic_load_acquire(&its->it_lwp) == NULL; host_relax(&n))
		/*
		 * Try in each turn: another thread may be starting the watcher
		 * in intr_restart(), and may fail.
		 */
		if ((error = intrthread_start(INTR_WATCHER)) != 0)
			return error;
	return 0;
}

/*
 * Start the interrupt threads that are wanted.  The next thread to sleep calls
 * this.
 */
static __kern_noinline void
intr_restart(struct lwp *l)
{
	enum intrthread it;
	unsigned bit, wanted;

	if (l->l_kspin != 0 || l->l_mtxcount != 0 || l->l_intrdepth != 0)
		return;
	/* Acquire: observe all of intr_wanted.  Pairs with intr_want(). */
	(void)atomic_swap_acq_rel(&lwp_sleephook, NULL);
	wanted = atomic_swap_relaxed(&intr_wanted, 0u);
	for (it = INTR_PLAIN, bit = 1; wanted != 0; it++, bit <<= 1) {
		/* If this fails, the next thread to sleep tries again. */
		if ((wanted & bit) != 0 && intrthread_start(it) != 0)
			intr_want(bit);
		wanted &= ~bit;
	}
}

/*
 * Forget the interrupt threads in a forked child.  Each starts again when it is
 * needed.
 */
void
intrthread_fork(void)
{
	struct intrthread_state *its;

	for (its = intr_threads;
	    its < intr_threads + __arraycount(intr_threads); its++) {
		atomic_store_relaxed(&its->it_lwp, NULL);
		atomic_store_relaxed(&its->it_started, 0);
	}
	atomic_store_relaxed(&intr_wanted, 0u);
	atomic_store_relaxed(&lwp_sleephook, NULL);
	atomic_store_relaxed(&intr_told, NULL);
	intr_watched = NULL;
	intr_nextlook = 0;
}
