/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * rwlock(9): one word, the writer or the number of readers, and three bits.
 *
 * RW_WAITERS says that others sleep for the lock, RW_WANTED that one of them
 * wants to write, which keeps new readers out.  Both change under the lock's
 * bucket of the sleep queues only, and while one is set the lock is never
 * free: whoever releases it last gives it to sleepers, so that neither readers
 * nor writers starve.  A writer gives it to the readers that sleep, all of
 * them, else to the first writer; the last reader gives it to the first
 * writer.
 *
 * Last touch: as in kern_mutex.c.  The compare and swap of a release, or the
 * store that gives the lock away, is its last access to the lock.
 */

#include <limits.h>

#include <sys/rwlock.h>

#include "kern.h"

#define	RW_SPINS	64		/* turns before sleeping */

#define	RW_WAITERS	((uintptr_t)1)
#define	RW_WANTED	((uintptr_t)2)
#define	RW_WRITTEN	((uintptr_t)4)	/* held to write */
#define	RW_BITS		(RW_WAITERS | RW_WANTED | RW_WRITTEN)
#define	RW_ONE		((uintptr_t)8)	/* a reader */
#define	RW_DEAD		(~(uintptr_t)0)	/* the word after destroy */

#define	RW_COUNT(o)	((o) / RW_ONE)	/* readers, if not RW_WRITTEN */
#define	RW_SELF(l)	((uintptr_t)(l) | RW_WRITTEN)
#define	RW_OWNED(o, l)	(((o) & ~(RW_WAITERS | RW_WANTED)) == RW_SELF(l))

/*
 * Make one; site is where, for checking mode to tell.
 */
void
rw_init_at(krwlock_t *rw, uintptr_t site)
{

	kern_init();
	if (KERN_CHECKING())
		lockdebug_alloc("rw_init", rw, "rwlock", NULL, site);
	atomic_store_relaxed(&rw->rw_word, (uintptr_t)0);
}

__kern_public void
rw_init(krwlock_t *rw)
{

	rw_init_at(rw, LOCKDEBUG_SITE());
}

__kern_public void
rw_destroy(krwlock_t *rw)
{
	uintptr_t o;

	o = atomic_load_relaxed(&rw->rw_word);
	KASSERTMSG(o != RW_DEAD, "rw_destroy: rwlock %p is destroyed",
	    (void *)rw);
	if (KERN_CHECKING())
		lockdebug_free("rw_destroy", rw, "rwlock");
	KASSERTMSG(o == 0, "rw_destroy: %s is held",
	    lockdebug_text(rw, "rwlock"));
	atomic_store_relaxed(&rw->rw_word, RW_DEAD);
}

/*
 * Try to take the lock, whose word was seen to be *wp.  If the caller has to
 * wait, the lock is left alone, and *wp is why.
 */
static inline bool
rw_try(krwlock_t *rw, const struct lwp *l, krw_t op, uintptr_t *wp)
{

	if (op == RW_READER) {
		while ((*wp & (RW_WRITTEN | RW_WANTED)) == 0) {
			/* Acquire: see what the last writer did. */
			if (atomic_cas_acquire(&rw->rw_word, wp,
			    *wp + RW_ONE))
				return true;
		}
	} else {
		while (*wp == 0) {
			/* Acquire: see what those before us did. */
			if (atomic_cas_acquire(&rw->rw_word, wp, RW_SELF(l)))
				return true;
		}
	}
	return false;
}

static void
rw_wait(krwlock_t *rw, struct lwp *l, krw_t op)
{
	struct sleepq *sq;
	uintptr_t bits, o;
	unsigned n;

	/* The writer is likely to be done soon, if it can run meanwhile. */
	if (cpu_spinok) {
		o = atomic_load_relaxed(&rw->rw_word);
		for (n = 0; n < RW_SPINS;) {
			if (rw_try(rw, l, op, &o))
				return;
			if (o & RW_WAITERS)
				break;
			host_relax(&n);
			o = atomic_load_relaxed(&rw->rw_word);
		}
	}

	bits = op == RW_READER ? RW_WAITERS : RW_WAITERS | RW_WANTED;
	sq = sleepq_enter(rw);
	o = atomic_load_relaxed(&rw->rw_word);
	do {
		if (rw_try(rw, l, op, &o)) {
			sleepq_exit(sq);
			return;
		}
	} while ((o & bits) != bits &&
	    !atomic_cas_relaxed(&rw->rw_word, &o, o | bits));
	sleepq_enqueue(sq, l, rw,
	    op == RW_READER ? SLEEPQ_RWREADER : SLEEPQ_RWWRITER, false);
	sleepq_exit(sq);
	/* Whoever wakes us has given us the lock. */
	(void)sleepq_block(l, HOST_FOREVER);
}

/*
 * The lock is not to be had at once, or the thread not known, or checking
 * mode wants to know.
 */
static __kern_noinline void
rw_enter_slow(krwlock_t *rw, krw_t op, uintptr_t site)
{
	struct lwp *l;
	uintptr_t o;

	l = curlwp_get();
	o = atomic_load_relaxed(&rw->rw_word);
	KASSERTMSG(o != RW_DEAD, "rw_enter: rwlock %p is destroyed",
	    (void *)rw);
	if (KERN_CHECKING()) {
		wqcheck_lockable("rw_enter", rw, "rwlock");
		lockdebug_wantlock("rw_enter", rw, "rwlock", op == RW_READER,
		    site);
	}
	KASSERTMSG(!RW_OWNED(o, l), "rw_enter: locking against myself: %s",
	    lockdebug_text(rw, "rwlock"));
	rw_wait(rw, l, op);
	if (KERN_CHECKING())
		lockdebug_locked("rw_enter", rw, "rwlock", op == RW_READER,
		    true, site);
}

__kern_public void
rw_enter(krwlock_t *rw, const krw_t op)
{
	struct lwp *l;
	uintptr_t o;

	l = host_self();
	o = op == RW_READER ? atomic_load_relaxed(&rw->rw_word) : 0;
	if (__predict_false(l == NULL || kern_checking != 0 ||
	    !rw_try(rw, l, op, &o)))
		rw_enter_slow(rw, op, LOCKDEBUG_SITE());
}

__kern_public int
rw_tryenter(krwlock_t *rw, const krw_t op)
{
	struct lwp *l;
	uintptr_t o;

	l = curlwp_get();
	if (KERN_CHECKING() && l->l_intrdepth != 0)
		panic("rw_tryenter: %s in interrupt context",
		    lockdebug_text(rw, "rwlock"));
	o = op == RW_READER ? atomic_load_relaxed(&rw->rw_word) : 0;
	if (__predict_true(rw_try(rw, l, op, &o))) {
		if (KERN_CHECKING())
			lockdebug_locked("rw_tryenter", rw, "rwlock",
			    op == RW_READER, false, LOCKDEBUG_SITE());
		return 1;
	}
	KASSERTMSG(o != RW_DEAD, "rw_tryenter: rwlock %p is destroyed",
	    (void *)rw);
	return 0;
}

/*
 * The last one out, while others sleep: give them the lock.
 */
static void
rw_handover(krwlock_t *rw, bool writer)
{
	struct sleepq *sq;
	struct lwp *next;
	uintptr_t new, o;
	unsigned n;

	sq = sleepq_enter(rw);
	/* Acquire: hand on also what the readers before us handed over. */
	o = atomic_load_acquire(&rw->rw_word);
	/*
	 * Other readers may still leave, or have come before the bucket was
	 * ours; none comes now, with RW_WANTED there.
	 */
	while (!writer && RW_COUNT(o) > 1) {
		/* Release: hand over what we did. */
		if (atomic_cas_acq_rel(&rw->rw_word, &o, o - RW_ONE)) {
			sleepq_exit(sq);
			return;
		}
	}
	next = NULL;
	n = 0;
	if (writer)
		next = sleepq_take(sq, rw, SLEEPQ_RWREADER, UINT_MAX, &n);
	if (n != 0)
		new = n * RW_ONE;
	else {
		next = sleepq_take(sq, rw, SLEEPQ_RWWRITER, 1, NULL);
		new = next != NULL ? RW_SELF(next) : 0;
	}
	if (sleepq_has(sq, rw, SLEEPQ_RWWRITER))
		new |= RW_WAITERS | RW_WANTED;
	else if (sleepq_has(sq, rw, SLEEPQ_RWREADER))
		new |= RW_WAITERS;
	/* Release: hand over what we did.  The last touch of the lock. */
	atomic_store_release(&rw->rw_word, new);
	sleepq_exit(sq);
	sleepq_wake(next);
}

static __kern_noinline void
rw_exit_slow(krwlock_t *rw)
{
	struct lwp *l;
	uintptr_t o;

	l = curlwp_get();
	o = atomic_load_relaxed(&rw->rw_word);
	KASSERTMSG(o != RW_DEAD && ((o & RW_WRITTEN) != 0 ? RW_OWNED(o, l) :
	    RW_COUNT(o) != 0), "rw_exit: %s not held",
	    lockdebug_text(rw, "rwlock"));
	if (KERN_CHECKING())
		lockdebug_unlocked("rw_exit", rw, "rwlock");
	if ((o & RW_WRITTEN) != 0) {
		o = RW_SELF(l);
		/* Release: hand over what we did; the last touch. */
		if (!atomic_cas_release(&rw->rw_word, &o, (uintptr_t)0))
			rw_handover(rw, true);
		return;
	}
	while (RW_COUNT(o) > 1 || (o & RW_WAITERS) == 0) {
		/* Release: hand over what we did; the last touch. */
		if (atomic_cas_release(&rw->rw_word, &o, o - RW_ONE))
			return;
	}
	rw_handover(rw, false);
}

__kern_public void
rw_exit(krwlock_t *rw)
{
	struct lwp *l;
	uintptr_t new, o;

	l = host_self();
	o = atomic_load_relaxed(&rw->rw_word);
	new = (o & RW_WRITTEN) != 0 ? 0 : o - RW_ONE;
	/*
	 * Free, or held by others, or with sleepers: the slow path.
	 * Release: hand over what we did; the last touch of the lock.
	 */
	if (__predict_false(l == NULL || kern_checking != 0 ||
	    (o & RW_WAITERS) != 0 || o < RW_ONE ||
	    ((o & RW_WRITTEN) != 0 && o != RW_SELF(l)) ||
	    !atomic_cas_release(&rw->rw_word, &o, new)))
		rw_exit_slow(rw);
}

__kern_public int
rw_tryupgrade(krwlock_t *rw)
{
	struct lwp *l;
	uintptr_t o;

	l = curlwp_get();
	o = atomic_load_relaxed(&rw->rw_word);
	KASSERTMSG(o != RW_DEAD && (o & RW_WRITTEN) == 0 && RW_COUNT(o) != 0,
	    "rw_tryupgrade: %s not held to read", lockdebug_text(rw, "rwlock"));
	while (RW_COUNT(o) == 1) {
		/* Acquire: see what the readers before us did. */
		if (atomic_cas_acquire(&rw->rw_word, &o,
		    RW_SELF(l) | (o & RW_BITS))) {
			if (KERN_CHECKING())
				lockdebug_shared(rw, false);
			return 1;
		}
	}
	return 0;
}

__kern_public void
rw_downgrade(krwlock_t *rw)
{
	struct sleepq *sq;
	struct lwp *next;
	uintptr_t new, o;
	unsigned n;

	o = RW_SELF(curlwp_get());
	if (KERN_CHECKING())
		lockdebug_shared(rw, true);
	/* Release: hand over what we did, to readers. */
	if (__predict_true(atomic_cas_release(&rw->rw_word, &o, RW_ONE)))
		return;
	KASSERTMSG(o != RW_DEAD && RW_OWNED(o, curlwp_get()),
	    "rw_downgrade: %s not held to write",
	    lockdebug_text(rw, "rwlock"));

	/* Readers that sleep come in with us, before the next writer. */
	sq = sleepq_enter(rw);
	next = sleepq_take(sq, rw, SLEEPQ_RWREADER, UINT_MAX, &n);
	new = (n + 1) * RW_ONE;
	if (sleepq_has(sq, rw, SLEEPQ_RWWRITER))
		new |= RW_WAITERS | RW_WANTED;
	/* Release: as above. */
	atomic_store_release(&rw->rw_word, new);
	sleepq_exit(sq);
	sleepq_wake(next);
}

__kern_public int
rw_read_held(krwlock_t *rw)
{
	uintptr_t o;

	o = atomic_load_relaxed(&rw->rw_word);
	return o != RW_DEAD && (o & RW_WRITTEN) == 0 && RW_COUNT(o) != 0;
}

__kern_public int
rw_write_held(krwlock_t *rw)
{
	struct lwp *l;
	uintptr_t o;

	l = host_self();
	o = atomic_load_relaxed(&rw->rw_word);
	return o != RW_DEAD && l != NULL && RW_OWNED(o, l);
}

__kern_public int
rw_lock_held(krwlock_t *rw)
{
	uintptr_t o;

	o = atomic_load_relaxed(&rw->rw_word);
	return o != RW_DEAD && o != 0;
}

__kern_public krw_t
rw_lock_op(krwlock_t *rw)
{
	uintptr_t o;

	o = atomic_load_relaxed(&rw->rw_word);
	KASSERTMSG(o != RW_DEAD && RW_COUNT(o) != 0, "rw_lock_op: %s "
	    "not held", lockdebug_text(rw, "rwlock"));
	return (o & RW_WRITTEN) != 0 ? RW_WRITER : RW_READER;
}
