/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sleep queues.  A thread sleeps on a wait channel, which is the address of an
 * object.  The address selects a bucket of a table.  The bucket is the sleep
 * queue of the object: it has a spin lock, and a list that links the lwps of
 * the sleepers.  Several objects may share a bucket.
 *
 * So a lock or condition variable has no list of its own.  A lock is only one
 * word, and a wake-up does not access an object that may be gone.
 */

#include <errno.h>
#include <limits.h>

#include "kern.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_plant.h"
#include "kern_runq.h"
#include "kern_sleepq.h"

#define	SLEEPQ_BUCKETS	128		/* a power of two */

struct sleepq {
	struct kspin	 sq_lock;
	struct lwp	*sq_first;	/* (sq_lock) */
	struct lwp	**sq_lastp;	/* (sq_lock); NULL before first use */
} __kern_aligned;

static struct sleepq sleepq_table[SLEEPQ_BUCKETS];

/*
 * Lock the bucket of a wait channel.
 */
struct sleepq *
sleepq_enter(const void *wchan)
{
	struct sleepq *sq;
	uintptr_t h;

	h = (uintptr_t)wchan >> 3;
	h ^= h >> 7 ^ h >> 14;
	sq = &sleepq_table[h & (SLEEPQ_BUCKETS - 1)];
	kspin_enter(&sq->sq_lock);
	if (sq->sq_lastp == NULL)
		sq->sq_lastp = &sq->sq_first;
	return sq;
}

void
sleepq_exit(struct sleepq *sq)
{

	kspin_exit(&sq->sq_lock);
}

/*
 * Append the calling thread to the sleepers of a channel.  If front is true,
 * because the thread has waited before, insert it in front of all others.  The
 * caller then unlocks the bucket and blocks.
 */
void
sleepq_enqueue(struct sleepq *sq, struct lwp *l, const void *wchan, int kind,
    bool front)
{

	KSPIN_ASSERT(&sq->sq_lock);
	/* In checking mode, the caller reports this in more detail. */
	KASSERTMSG(l->l_intrdepth == 0 || kern_checking != 0,
	    "sleeping in interrupt context");
	KASSERTMSG(atomic_load_relaxed(&l->l_wchan) == NULL,
	    "sleeping while asleep");
	l->l_wkind = kind;
	l->l_wcount = NULL;
	atomic_store_relaxed(&l->l_wchan, wchan);
	if (front) {
		l->l_wnext = sq->sq_first;
		sq->sq_first = l;
		if (l->l_wnext == NULL)
			sq->sq_lastp = &l->l_wnext;
	} else {
		l->l_wnext = NULL;
		*sq->sq_lastp = l;
		sq->sq_lastp = &l->l_wnext;
	}
}

static void
sleepq_remove(struct sleepq *sq, struct lwp **lp)
{
	struct lwp *l;

	l = *lp;
	*lp = l->l_wnext;
	if (*lp == NULL)
		sq->sq_lastp = lp;
	/*
	 * Decrement the count now: the object may be gone as soon as the
	 * sleeper finds that l_wchan is NULL.
	 */
	if (l->l_wcount != NULL)
		atomic_store_relaxed(l->l_wcount,
		    atomic_load_relaxed(l->l_wcount) - 1);
}

/*
 * Take the first sleeper off the channel and return it.  Return NULL if there
 * is none.  Set *morep if there are others.  The caller unlocks the bucket and
 * then unparks the sleeper.
 *
 * The store to l_wchan ends the sleep.  When this returns, the sleeper may be
 * running already, and its lwp may even belong to another thread.  For that
 * thread, the unpark is a spurious wake-up.
 */
struct lwp *
sleepq_dequeue(struct sleepq *sq, const void *wchan, int kind, bool *morep)
{
	struct lwp *l, **lp, *found;

	KSPIN_ASSERT(&sq->sq_lock);
	found = NULL;
	if (morep != NULL)
		*morep = false;
	for (lp = &sq->sq_first; (l = *lp) != NULL;) {
		if (atomic_load_relaxed(&l->l_wchan) != wchan ||
		    l->l_wkind != kind) {
			lp = &l->l_wnext;
			continue;
		}
		if (found != NULL) {
			*morep = true;
			break;
		}
		found = l;
		sleepq_remove(sq, lp);
		if (morep == NULL)
			break;
	}
	/* Release: pairs with the acquire in sleepq_block(). */
	if (found != NULL)
		atomic_store_release(&found->l_wchan, NULL);
	return found;
}

/*
 * Return true if a thread sleeps on the channel.
 */
bool
sleepq_has(const struct sleepq *sq, const void *wchan, int kind)
{
	const struct lwp *l;

	KSPIN_ASSERT(&sq->sq_lock);
	for (l = sq->sq_first; l != NULL; l = l->l_wnext)
		if (atomic_load_relaxed(&l->l_wchan) == wchan &&
		    l->l_wkind == kind)
			return true;
	return false;
}

/*
 * Take up to max sleepers off the channel, and return a list of them.  If np is
 * not NULL, store their number there.  The sleepers stay asleep until the
 * caller calls sleepq_wake(), so that it can first hand them a lock.
 */
struct lwp *
sleepq_take(struct sleepq *sq, const void *wchan, int kind, unsigned max,
    unsigned *np)
{
	struct lwp *first, *l, **lastp, **lp;
	unsigned n;

	KSPIN_ASSERT(&sq->sq_lock);
	lastp = &first;
	for (n = 0, lp = &sq->sq_first; n < max && (l = *lp) != NULL;) {
		if (atomic_load_relaxed(&l->l_wchan) != wchan ||
		    l->l_wkind != kind) {
			lp = &l->l_wnext;
			continue;
		}
		sleepq_remove(sq, lp);
		*lastp = l;
		lastp = &l->l_wnext;
		n++;
	}
	*lastp = NULL;
	if (np != NULL)
		*np = n;
	return first;
}

/*
 * Wake the sleepers of a list from sleepq_take().  The caller has unlocked the
 * bucket.  After the store that ends a sleep, only unpark the sleeper: its lwp
 * may belong to another thread by then.
 */
void
sleepq_wake(struct lwp *l)
{
	struct lwp *next;

	for (; l != NULL; l = next) {
		next = l->l_wnext;
		/* Release: pairs with the acquire in sleepq_block(). */
		atomic_store_release(&l->l_wchan, NULL);
		lwp_unpark(l);
	}
}

/*
 * Return the deadline of a timeout in ticks.  0 ticks mean no limit.
 */
int64_t
sleepq_deadline(int ticks)
{

	if (ticks == 0)
		return HOST_FOREVER;
	return host_monotime() + (int64_t)ticks * KERN_TICK_NS;
}

/*
 * Sleep until another thread takes the caller off the channel, or until the
 * deadline.  Return 0 or EWOULDBLOCK.
 *
 * During the sleep the thread does not hold the kernel lock.  It owns no CPU,
 * neither in kern_runq.c nor in kern_softint.c.  If it waits for the kernel
 * lock, it keeps its level, because in a kernel it would spin at that level.
 * Otherwise it sleeps at IPL_NONE.
 */
int
sleepq_block(struct lwp *l, int64_t deadline)
{
	struct oncpu_asleep oa;
	struct lwp **lp, *m;
	const struct lwp_switch *ls;
	struct sleepq *sq;
	const void *wchan;
	int biglocks, error, kind;
	bool timedout;

	kind = l->l_wkind;
	biglocks = 0;
	if (l->l_blcnt != 0)
		wqk_kernel_unlock(0, &biglocks);
	oncpu_sleep(l, &oa);
	ls = l->l_switch;
	if (__predict_false(ls != NULL))
		(*ls->ls_sleep)(l);

	timedout = false;
	/* Acquire: pairs with the release of the waking thread. */
	while ((wchan = atomic_load_acquire(&l->l_wchan)) != NULL) {
		error = kind != SLEEPQ_KLOCK ? lwp_timedpark(l, deadline) :
		    host_park(&l->l_park, deadline);
		if (error != ETIMEDOUT)
			continue;
		sq = sleepq_enter(wchan);
		for (lp = &sq->sq_first; (m = *lp) != NULL; lp = &m->l_wnext) {
			if (m == l) {
				sleepq_remove(sq, lp);
				atomic_store_relaxed(&l->l_wchan, NULL);
				timedout = true;
				break;
			}
		}
		/*
		 * Another thread has taken this one off the channel and is
		 * going to wake it, so the sleep can no longer time out.
		 */
		if (m == NULL) {
			deadline = HOST_FOREVER;
			timedout = KERN_BUG(TIMEOUT);
		}
		sleepq_exit(sq);
	}

	/*
	 * Wait for the CPU before taking the kernel lock, because other threads
	 * may need the lock meanwhile.
	 */
	if (__predict_false(ls != NULL))
		(*ls->ls_wake)(l);
	oncpu_wake(l, &oa);
	if (biglocks != 0)
		wqk_kernel_lock(biglocks);
	return timedout ? EWOULDBLOCK : 0;
}

/*
 * Wake all threads that now sleep on the channel.
 */
void
sleepq_wakeall(const void *wchan, int kind)
{
	struct sleepq *sq;
	struct lwp *l;

	sq = sleepq_enter(wchan);
	l = sleepq_take(sq, wchan, kind, UINT_MAX, NULL);
	sleepq_exit(sq);
	sleepq_wake(l);
}

/*
 * In a forked child, forget the sleepers: they are threads of the parent.
 */
void
sleepq_fork(struct lwp *l)
{
	struct sleepq *sq;

	(void)l;
	for (sq = sleepq_table; sq < sleepq_table + SLEEPQ_BUCKETS; sq++) {
		sq->sq_first = NULL;
		sq->sq_lastp = &sq->sq_first;
	}
}
