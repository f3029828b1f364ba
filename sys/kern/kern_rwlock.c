/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * rwlock(9).  The lock is one word, which contains the writer or the number of
 * readers, and three bits.
 *
 * RW_WAITERS is set while threads sleep for the lock.  RW_WANTED is set while
 * one of the sleepers wants to write, and keeps new readers out.  Both bits
 * change only while the sleep queue of the lock is locked.
 *
 * While one of the bits is set, the lock does not become free, but is handed to
 * sleepers, so that neither readers nor writers starve.  A writer hands the
 * lock to all sleeping readers or, if there are none, to the first writer.  The
 * last reader hands it to the first writer.
 *
 * Last touch, as in kern_mutex.c.  The compare-and-swap of a release, or the
 * store that hands the lock over, is the thread's last access to the lock.
 */

#include <limits.h>

#include <sys/rwlock.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_rwlock.h"
#include "kern_sleepq.h"
#include "subr_cpu.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"

#define	RW_SPINS	64		/* turns before a thread sleeps */

#define	RW_WAITERS	((uintptr_t)1)
#define	RW_WANTED	((uintptr_t)2)
#define	RW_WRITTEN	((uintptr_t)4)	/* held by a writer */
#define	RW_BITS		(RW_WAITERS | RW_WANTED | RW_WRITTEN)
#define	RW_ONE		((uintptr_t)8)	/* one reader */
#define	RW_DEAD		(~(uintptr_t)0)	/* the word after destroy */

#define	RW_COUNT(o)	((o) / RW_ONE)	/* readers, if not RW_WRITTEN */
#define	RW_SELF(l)	((uintptr_t)(l) | RW_WRITTEN)
#define	RW_OWNED(o, l)	(((o) & ~(RW_WAITERS | RW_WANTED)) == RW_SELF(l))

/*
 * Initialise a lock.  Checking mode reports "site" as the place of the call.
 */
void
rw_init_at(krwlock_t *rw, const char *name, uintptr_t site)
{

	kern_init();
	KERN_CHECK(lockdebug_make("rw_init", rw, "rwlock", name,
	    LOCKDEBUG_NAMED, NULL, site));
	KERN_UNWATCHED(rw, sizeof(*rw));
	atomic_store_relaxed(&rw->rw_word, (uintptr_t)0);
}

__kern_public void
(rw_init)(krwlock_t *rw)
{

	rw_init_at(rw, NULL, LOCKDEBUG_SITE());
}

__kern_public void
wqk_rw_init_named(krwlock_t *rw, const char *name)
{

	rw_init_at(rw, name, LOCKDEBUG_SITE());
}

__kern_public void
rw_destroy(krwlock_t *rw)
{
	uintptr_t o;

	o = atomic_load_relaxed(&rw->rw_word);
	KASSERTMSG(o != RW_DEAD, "rw_destroy: rwlock %p is destroyed",
	    (void *)rw);
	KERN_CHECK(lockdebug_free("rw_destroy", rw, "rwlock"));
	KASSERTMSG(o == 0, "rw_destroy: %s is held",
	    lockdebug_text(rw, "rwlock"));
	atomic_store_relaxed(&rw->rw_word, RW_DEAD);
}

/*
 * Try to take the lock.  The caller has loaded the word of the lock into *wp.
 * For RW_WRITER, *wp may instead be a guess.  If the caller has to wait, leave
 * the lock unchanged, store its current word in *wp, and return false.
 */
static inline bool
rw_try(krwlock_t *rw, const struct lwp *l, krw_t op, uintptr_t *wp)
{

	if (op == RW_READER) {
		while ((*wp & (RW_WRITTEN | RW_WANTED)) == 0) {
			/* Acquire: observe the stores of the last writer. */
			if (atomic_cas_acquire(&rw->rw_word, wp,
			    *wp + RW_ONE))
				return true;
		}
	} else {
		while (*wp == 0) {
			/* Acquire: observe the stores of earlier holders. */
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

	/* The holder will probably release the lock soon, if it can run. */
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
	/* The thread that wakes this one has handed it the lock. */
	(void)sleepq_block(l, HOST_FOREVER);
}

/*
 * Take a lock that is not free.  Also take a free lock if kern_slow is set, or
 * for a thread that the library does not know.
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
		context_check_lock("rw_enter", rw, "rwlock");
		lockdebug_wantlock("rw_enter", rw, "rwlock", op == RW_READER,
		    site);
	}
	KASSERTMSG(!RW_OWNED(o, l), "rw_enter: locking against myself: %s",
	    lockdebug_text(rw, "rwlock"));
	rw_wait(rw, l, op);
	KERN_AFTER(rw);
	KERN_CHECK(lockdebug_locked("rw_enter", rw, "rwlock", op == RW_READER,
	    true, site));
}

__kern_public void
rw_enter(krwlock_t *rw, const krw_t op)
{
	struct lwp *l;
	uintptr_t o;

	l = host_self();
	o = op == RW_READER ? atomic_load_relaxed(&rw->rw_word) : 0;
	if (__predict_false(l == NULL || kern_slow ||
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
		KERN_AFTER(rw);
		KERN_CHECK(lockdebug_locked("rw_tryenter", rw, "rwlock", op ==
		    RW_READER, false, LOCKDEBUG_SITE()));
		return 1;
	}
	KASSERTMSG(o != RW_DEAD, "rw_tryenter: rwlock %p is destroyed",
	    (void *)rw);
	return 0;
}

/*
 * Release the lock by handing it to sleepers.  The caller is the writer or, as
 * far as it knows, the last reader.
 */
static void
rw_handover(krwlock_t *rw, bool writer)
{
	struct sleepq *sq;
	struct lwp *next;
	uintptr_t new, o;
	unsigned n;

	sq = sleepq_enter(rw);
	/* Acquire: pass on the stores of the readers that left before. */
	o = atomic_load_acquire(&rw->rw_word);
	/*
	 * Other readers may have taken the lock before sleepq_enter() locked
	 * the sleep queue.  They may still release the lock.  No reader can
	 * take it now, because RW_WANTED is set.
	 */
	while (!writer && RW_COUNT(o) > 1) {
		/* Release: publish our stores. */
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
	/* Release: publish our stores.  The last access to the lock. */
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
	KERN_CHECK(lockdebug_unlocked("rw_exit", rw, "rwlock"));
	KERN_BEFORE(rw);
	if ((o & RW_WRITTEN) != 0) {
		o = RW_SELF(l);
		/* Release: publish our stores.  The last access. */
		if (!atomic_cas_release(&rw->rw_word, &o, (uintptr_t)0))
			rw_handover(rw, true);
		return;
	}
	while (RW_COUNT(o) > 1 || (o & RW_WAITERS) == 0) {
		/* Release: publish our stores.  The last access. */
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
	 * Take the slow path if the caller does not hold the lock, or if the
	 * lock has sleepers.  Release: publish our stores.  The last access to
	 * the lock.
	 */
	if (__predict_false(l == NULL || kern_slow ||
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
		/* Acquire: observe the stores of the readers before us. */
		if (atomic_cas_acquire(&rw->rw_word, &o,
		    RW_SELF(l) | (o & RW_BITS))) {
			KERN_AFTER(rw);
			KERN_CHECK(lockdebug_shared(rw, false));
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
	KERN_BEFORE(rw);
	KERN_CHECK(lockdebug_shared(rw, true));
	/* Release: publish our stores to readers. */
	if (__predict_true(atomic_cas_release(&rw->rw_word, &o, RW_ONE)))
		return;
	KASSERTMSG(o != RW_DEAD && RW_OWNED(o, curlwp_get()),
	    "rw_downgrade: %s not held to write",
	    lockdebug_text(rw, "rwlock"));

	/* Share the lock with sleeping readers, before a writer gets it. */
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
