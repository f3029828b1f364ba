/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sleep queues: a table of buckets, each with a spin lock and a list of the
 * threads that sleep for an address that hashes there.  What sleeps is the
 * lwp; locks and condition variables hold no list of their own, so a lock is
 * a word, and waking needs nothing of an object that may be gone.
 */

#include <errno.h>
#include <limits.h>

#include "kern.h"

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
 * Put the calling thread to the end of the channel's sleepers, or in front
 * of all if it has waited before.  Then leave the bucket and block.
 */
void
sleepq_enqueue(struct sleepq *sq, struct lwp *l, const void *wchan, int kind,
    bool front)
{

	/* In checking mode the caller says it better, in a moment. */
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
	/* Here, since the object may go as soon as the sleeper is told. */
	if (l->l_wcount != NULL)
		atomic_store_relaxed(l->l_wcount,
		    atomic_load_relaxed(l->l_wcount) - 1);
}

/*
 * Take the first sleeper off the channel, or NULL; *morep says if there are
 * others.  The caller unparks it after leaving the bucket: it may run from
 * this moment, and its lwp may be another thread's by then, to whom the token
 * is a spurious one.
 */
struct lwp *
sleepq_dequeue(struct sleepq *sq, const void *wchan, int kind, bool *morep)
{
	struct lwp *l, **lp, *found;

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
 * Does anybody sleep for it?
 */
bool
sleepq_has(const struct sleepq *sq, const void *wchan, int kind)
{
	const struct lwp *l;

	for (l = sq->sq_first; l != NULL; l = l->l_wnext)
		if (atomic_load_relaxed(&l->l_wchan) == wchan &&
		    l->l_wkind == kind)
			return true;
	return false;
}

/*
 * Take up to max sleepers off the channel; *np, if given, is how many.  They
 * sleep on until sleepq_wake(), so what they wait for can be given to them
 * meanwhile.
 */
struct lwp *
sleepq_take(struct sleepq *sq, const void *wchan, int kind, unsigned max,
    unsigned *np)
{
	struct lwp *first, *l, **lastp, **lp;
	unsigned n;

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
 * Wake those that were taken.  The bucket has been left; none of them is
 * looked at after it has been told, except to unpark it.
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
 * The deadline of a timeout in ticks, which begins now.  0 is none.
 */
int64_t
sleepq_deadline(int ticks)
{

	if (ticks == 0)
		return HOST_FOREVER;
	return host_monotime() + (int64_t)ticks * KERN_TICK_NS;
}

/*
 * Sleep until taken off the channel or until the deadline.  The kernel lock
 * is dropped meanwhile, unless it is what the thread waits for, and so is the
 * level: in a kernel one spins for that lock, at one's level.  Dropped too is
 * the CPU whose soft interrupt it runs.  0, or EWOULDBLOCK.
 */
int
sleepq_block(struct lwp *l, int64_t deadline)
{
	struct lwp **lp, *m;
	struct sleepq *sq;
	const void *wchan;
	int biglocks, error, kind;
	bool softint, timedout;

	kind = l->l_wkind;
	biglocks = 0;
	if (l->l_blcnt != 0)
		wqk_kernel_unlock(0, &biglocks);
	softint = l->l_softcpu != NULL;
	if (__predict_false(softint))
		softint_sleep(l);

	timedout = false;
	/* Acquire: pairs with the release of whoever took us off. */
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
		/* Taken, and about to be told: no timeout any more. */
		if (m == NULL)
			deadline = HOST_FOREVER;
		sleepq_exit(sq);
	}

	/* Before the kernel lock, which others need while this one waits. */
	if (__predict_false(softint))
		softint_wake(l);
	if (biglocks != 0)
		wqk_kernel_lock(biglocks);
	return timedout ? EWOULDBLOCK : 0;
}

/*
 * Wake every sleeper that the channel has at this moment.
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
 * In a forked child: the sleepers were the parent's threads.
 */
void
sleepq_fork(void)
{
	struct sleepq *sq;

	for (sq = sleepq_table; sq < sleepq_table + SLEEPQ_BUCKETS; sq++) {
		atomic_store_relaxed(&sq->sq_lock.ks_locked, 0u);
		sq->sq_first = NULL;
		sq->sq_lastp = &sq->sq_first;
	}
}
