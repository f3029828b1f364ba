/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * mutex(9): one word, the owner and a bit that says that others sleep for it.
 * The bit is changed under the mutex's bucket of the sleep queues only.
 *
 * From IPL_VM on a mutex is a spin mutex: it raises the level before it is
 * taken, and the last one that a thread releases restores the level from
 * before the first.
 *
 * mtx_flags is MTX_INIT for what the fast path takes: an adaptive mutex that
 * checking mode does not watch.
 *
 * Last touch: the moment the word says that the mutex is free, its next owner
 * may drop the last reference and free the memory it is in.  So each release
 * reads what it wants to know before, and its store or swap is its last
 * access; what is left to do is done with the lwps, the bucket and the level,
 * which are not the mutex's.
 */

#include "kern.h"

#define	MUTEX_SPINS	64		/* turns before sleeping */

/* mtx_flags, beside MTX_INIT */
#define	MTX_SPIN	0x02		/* a spin mutex */
#define	MTX_WATCHED	0x04		/* by checking mode */
#define	MTX_DEAD	0x08		/* destroyed */

#define	MTX_OWNER(o)	((o) & ~MTX_WAITERS)

/*
 * Make one; site is where, for checking mode to tell.
 */
void
mutex_init_at(kmutex_t *mtx, kmutex_type_t type, int ipl, uintptr_t site)
{

	kern_init();
	KASSERTMSG(ipl >= IPL_NONE && ipl < NIPL, "mutex_init: IPL %d", ipl);
	mtx->mtx_ipl = (unsigned char)ipl;
	mtx->mtx_flags = ipl >= IPL_VM ? MTX_INIT | MTX_SPIN : MTX_INIT;
	if (KERN_CHECKING() && type != MUTEX_NODEBUG) {
		mtx->mtx_flags |= MTX_WATCHED;
		lockdebug_alloc("mutex_init", mtx, "mutex", NULL, site);
	}
	atomic_store_relaxed(&mtx->mtx_owner, (uintptr_t)0);
}

__kern_public void
mutex_init(kmutex_t *mtx, kmutex_type_t type, int ipl)
{

	mutex_init_at(mtx, type, ipl, LOCKDEBUG_SITE());
}

__kern_public void
mutex_destroy(kmutex_t *mtx)
{

	KASSERTMSG((mtx->mtx_flags & MTX_DEAD) == 0,
	    "mutex_destroy: %s is destroyed", lockdebug_text(mtx, "mutex"));
	if ((mtx->mtx_flags & MTX_WATCHED) != 0)
		lockdebug_free("mutex_destroy", mtx, "mutex");
	KASSERTMSG(atomic_load_relaxed(&mtx->mtx_owner) == 0,
	    "mutex_destroy: %s is held", lockdebug_text(mtx, "mutex"));
	mtx->mtx_flags |= MTX_DEAD;
}

static inline void
mutex_check_alive(const kmutex_t *mtx, const char *func)
{

	KASSERTMSG((mtx->mtx_flags & MTX_DEAD) == 0,
	    "%s: mutex %p is destroyed", func, (const void *)mtx);
	if (KERN_CHECKING() && (mtx->mtx_flags & MTX_INIT) == 0)
		panic("%s: mutex %p was never initialised", func,
		    (const void *)mtx);
}

/*
 * What an acquisition asks that found the word to be o.
 */
static inline void
mutex_check(const kmutex_t *mtx, const struct lwp *l, uintptr_t o,
    const char *func)
{

	mutex_check_alive(mtx, func);
	KASSERTMSG(MTX_OWNER(o) != (uintptr_t)l,
	    "%s: locking against myself: %s", func,
	    lockdebug_text(mtx, "mutex"));
}

/*
 * Take an adaptive mutex: spin while its owner is likely to be done soon,
 * then sleep.
 */
static void
mutex_adaptive_enter(kmutex_t *mtx, struct lwp *l)
{
	struct sleepq *sq;
	uintptr_t o;
	unsigned n;
	bool waited;

	if (cpu_spinok) {
		for (n = 0; n < MUTEX_SPINS;) {
			o = atomic_load_relaxed(&mtx->mtx_owner);
			/* Acquire: see what the last owner did. */
			if (o == 0 && atomic_cas_acquire(&mtx->mtx_owner, &o,
			    (uintptr_t)l))
				return;
			if (o & MTX_WAITERS)
				break;
			host_relax(&n);
		}
	}

	for (waited = false;; waited = true) {
		sq = sleepq_enter(mtx);
		for (;;) {
			o = atomic_load_relaxed(&mtx->mtx_owner);
			if (MTX_OWNER(o) == 0) {
				if (atomic_cas_acquire(&mtx->mtx_owner, &o,
				    (uintptr_t)l | o)) {
					sleepq_exit(sq);
					return;
				}
			} else if ((o & MTX_WAITERS) != 0 ||
			    atomic_cas_relaxed(&mtx->mtx_owner, &o,
			    o | MTX_WAITERS))
				break;
		}
		sleepq_enqueue(sq, l, mtx, SLEEPQ_MUTEX, waited);
		sleepq_exit(sq);
		(void)sleepq_block(l, HOST_FOREVER);
	}
}

/*
 * Raise the level for a spin mutex.  A handler that comes in between finds
 * the count as it was or with us in it, and leaves it so; the level outside
 * the first belongs to whoever counted from 0.
 */
static inline void
mutex_spin_raise(const kmutex_t *mtx, struct lwp *l)
{
	int n, s;

	s = l->l_ipl;
	if (s < mtx->mtx_ipl)
		l->l_ipl = mtx->mtx_ipl;
	/* A handler on this thread sees the level before what follows. */
	atomic_signal_barrier();
	/* Relaxed: others only look, see intr_look(). */
	n = l->l_mtxcount;
	atomic_store_relaxed(&l->l_mtxcount, n + 1);
	if (n == 0)
		l->l_mtxoldspl = s;
	atomic_signal_barrier();
}

static inline void
mutex_spin_lower(struct lwp *l)
{
	int n, s;

	atomic_signal_barrier();
	/* Read first: with the count at 0 it is a handler's to overwrite. */
	s = l->l_mtxoldspl;
	atomic_signal_barrier();
	n = l->l_mtxcount - 1;
	atomic_store_relaxed(&l->l_mtxcount, n);
	if (n == 0)
		splx(s);
}

static inline void
mutex_spin_acquire(kmutex_t *mtx, struct lwp *l, const char *func,
    uintptr_t site)
{
	uintptr_t o;
	unsigned n;

	mutex_spin_raise(mtx, l);
	mutex_check_alive(mtx, func);
	if ((mtx->mtx_flags & MTX_WATCHED) != 0)
		lockdebug_wantlock(func, mtx, "mutex", false, site);
	mutex_check(mtx, l, atomic_load_relaxed(&mtx->mtx_owner), func);
	for (n = 0;;) {
		o = 0;
		/* Acquire: see what the last owner did. */
		if (__predict_true(atomic_cas_acquire(&mtx->mtx_owner, &o,
		    (uintptr_t)l)))
			break;
		do {
			host_relax(&n);
		} while (atomic_load_relaxed(&mtx->mtx_owner) != 0);
	}
	if ((mtx->mtx_flags & MTX_WATCHED) != 0)
		lockdebug_locked(func, mtx, "mutex", false, true, site);
}

static inline void
mutex_spin_release(kmutex_t *mtx, struct lwp *l, const char *func)
{

	KASSERTMSG(atomic_load_relaxed(&mtx->mtx_owner) == (uintptr_t)l,
	    "%s: %s not held", func, lockdebug_text(mtx, "mutex"));
	if ((mtx->mtx_flags & MTX_WATCHED) != 0)
		lockdebug_unlocked(func, mtx, "mutex");
	/* Release: hand over what we did; the last touch of the mutex. */
	atomic_store_release(&mtx->mtx_owner, (uintptr_t)0);
	mutex_spin_lower(l);
}

/*
 * The mutex is not free, or not for the fast path, or the thread not known.
 */
static __kern_noinline void
mutex_enter_slow(kmutex_t *mtx, uintptr_t site)
{
	struct lwp *l;

	l = curlwp_get();
	if ((mtx->mtx_flags & MTX_SPIN) != 0) {
		mutex_spin_acquire(mtx, l, "mutex_enter", site);
		return;
	}
	mutex_check_alive(mtx, "mutex_enter");
	if (__predict_false((mtx->mtx_flags & MTX_WATCHED) != 0)) {
		wqcheck_lockable("mutex_enter", mtx, "mutex");
		lockdebug_wantlock("mutex_enter", mtx, "mutex", false, site);
	}
	mutex_check(mtx, l, atomic_load_relaxed(&mtx->mtx_owner),
	    "mutex_enter");
	mutex_adaptive_enter(mtx, l);
	if (__predict_false((mtx->mtx_flags & MTX_WATCHED) != 0))
		lockdebug_locked("mutex_enter", mtx, "mutex", false, true,
		    site);
}

__kern_public __kern_hot void
mutex_enter(kmutex_t *mtx)
{
	struct lwp *l;
	uintptr_t o;

	l = host_self();
	o = 0;
	/* Acquire: see what the last owner did. */
	if (__predict_false(l == NULL || mtx->mtx_flags != MTX_INIT ||
	    !atomic_cas_acquire(&mtx->mtx_owner, &o, (uintptr_t)l)))
		mutex_enter_slow(mtx, LOCKDEBUG_SITE());
}

static __kern_noinline void
mutex_exit_slow(kmutex_t *mtx)
{
	struct sleepq *sq;
	struct lwp *l, *next;
	uintptr_t o;
	bool more;

	l = curlwp_get();
	if ((mtx->mtx_flags & MTX_SPIN) != 0) {
		mutex_spin_release(mtx, l, "mutex_exit");
		return;
	}
	o = atomic_load_relaxed(&mtx->mtx_owner);
	KASSERTMSG(MTX_OWNER(o) == (uintptr_t)l,
	    "mutex_exit: %s not held", lockdebug_text(mtx, "mutex"));
	if ((mtx->mtx_flags & MTX_WATCHED) != 0)
		lockdebug_unlocked("mutex_exit", mtx, "mutex");
	o = (uintptr_t)l;
	/* Release: hand over what we did; the last touch of the mutex. */
	if (atomic_cas_release(&mtx->mtx_owner, &o, (uintptr_t)0))
		return;

	sq = sleepq_enter(mtx);
	next = sleepq_dequeue(sq, mtx, SLEEPQ_MUTEX, &more);
	/* Release: as above.  The last touch: the bucket is not the mutex's. */
	atomic_store_release(&mtx->mtx_owner, more ? MTX_WAITERS : 0);
	sleepq_exit(sq);
	if (next != NULL)
		lwp_unpark(next);
}

__kern_public __kern_hot void
mutex_exit(kmutex_t *mtx)
{
	struct lwp *l;
	uintptr_t o;

	l = host_self();
	o = (uintptr_t)l;
	/* Release: hand over what we did; the last touch of the mutex. */
	if (__predict_false(l == NULL || mtx->mtx_flags != MTX_INIT ||
	    !atomic_cas_release(&mtx->mtx_owner, &o, (uintptr_t)0)))
		mutex_exit_slow(mtx);
}

/*
 * For mutexes known to be spin mutexes: straight to what mutex_enter() would
 * find out.
 */
__kern_public void
mutex_spin_enter(kmutex_t *mtx)
{

	KASSERTMSG((mtx->mtx_flags & MTX_SPIN) != 0,
	    "mutex_spin_enter: %s is adaptive", lockdebug_text(mtx, "mutex"));
	mutex_spin_acquire(mtx, curlwp_get(), "mutex_spin_enter",
	    LOCKDEBUG_SITE());
}

__kern_public void
mutex_spin_exit(kmutex_t *mtx)
{

	KASSERTMSG((mtx->mtx_flags & MTX_SPIN) != 0,
	    "mutex_spin_exit: %s is adaptive", lockdebug_text(mtx, "mutex"));
	mutex_spin_release(mtx, curlwp_get(), "mutex_spin_exit");
}

__kern_public int
mutex_tryenter(kmutex_t *mtx)
{
	struct lwp *l;
	uintptr_t o;
	bool spin;

	l = curlwp_get();
	mutex_check_alive(mtx, "mutex_tryenter");
	spin = (mtx->mtx_flags & MTX_SPIN) != 0;
	if (spin)
		mutex_spin_raise(mtx, l);
	else if ((mtx->mtx_flags & MTX_WATCHED) != 0 && l->l_intrdepth != 0)
		panic("mutex_tryenter: adaptive %s in interrupt context",
		    lockdebug_text(mtx, "mutex"));
	o = 0;
	do {
		/* Acquire: see what the last owner did. */
		if (atomic_cas_acquire(&mtx->mtx_owner, &o,
		    (uintptr_t)l | o)) {
			if ((mtx->mtx_flags & MTX_WATCHED) != 0)
				lockdebug_locked("mutex_tryenter", mtx,
				    "mutex", false, false, LOCKDEBUG_SITE());
			return 1;
		}
	} while (MTX_OWNER(o) == 0);
	if (spin)
		mutex_spin_lower(l);
	return 0;
}

__kern_public int
mutex_owned(const kmutex_t *mtx)
{
	struct lwp *l;

	l = host_self();
	return l != NULL && MTX_OWNER(atomic_load_relaxed(&mtx->mtx_owner)) ==
	    (uintptr_t)l;
}

__kern_public struct lwp *
mutex_owner(const kmutex_t *mtx)
{

	return (struct lwp *)MTX_OWNER(atomic_load_relaxed(&mtx->mtx_owner));
}

__kern_public int
mutex_ownable(const kmutex_t *mtx)
{

	return !mutex_owned(mtx);
}
