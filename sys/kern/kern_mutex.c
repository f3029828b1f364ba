/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Adaptive mutexes: one word, the owner and a bit that says that others
 * sleep for it.  The bit is changed under the bucket of the mutex only.
 */

#include "kern.h"

#define	MUTEX_SPINS	64		/* turns before sleeping */

void
mutex_init_adaptive(kmutex_t *mtx)
{

	mtx->mtx_owner = 0;
}

static __kern_noinline void
mutex_enter_slow(kmutex_t *mtx, struct lwp *l)
{
	struct sleepq *sq;
	uintptr_t o;
	unsigned n;
	bool waited;
	int s;

	o = atomic_load_relaxed(&mtx->mtx_owner);
	KASSERTMSG((o & ~MTX_WAITERS) != (uintptr_t)l,
	    "mutex_enter: locking against myself: mutex %p", (void *)mtx);

	/* The owner is likely to be done soon, if it can run meanwhile. */
	if (cpu_spinok) {
		for (n = 0; n < MUTEX_SPINS;) {
			host_relax(&n);
			o = atomic_load_relaxed(&mtx->mtx_owner);
			/* Acquire: see what the last owner did. */
			if (o == 0 && atomic_cas_acquire(&mtx->mtx_owner, &o,
			    (uintptr_t)l))
				return;
			if (o & MTX_WAITERS)
				break;
		}
	}

	for (waited = false;; waited = true) {
		sq = sleepq_enter(mtx, &s);
		for (;;) {
			o = atomic_load_relaxed(&mtx->mtx_owner);
			if ((o & ~MTX_WAITERS) == 0) {
				if (atomic_cas_acquire(&mtx->mtx_owner, &o,
				    (uintptr_t)l | o)) {
					sleepq_exit(sq, s);
					return;
				}
			} else if ((o & MTX_WAITERS) != 0 ||
			    atomic_cas_relaxed(&mtx->mtx_owner, &o,
			    o | MTX_WAITERS))
				break;
		}
		sleepq_enqueue(sq, l, mtx, SLEEPQ_MUTEX, waited);
		sleepq_exit(sq, s);
		(void)sleepq_block(l, HOST_FOREVER);
	}
}

void
mutex_enter(kmutex_t *mtx)
{
	struct lwp *l;
	uintptr_t o;

	l = curlwp_get();
	o = 0;
	/* Acquire: see what the last owner did. */
	if (__predict_false(!atomic_cas_acquire(&mtx->mtx_owner, &o,
	    (uintptr_t)l)))
		mutex_enter_slow(mtx, l);
}

static __kern_noinline void
mutex_exit_slow(kmutex_t *mtx)
{
	struct sleepq *sq;
	struct lwp *next;
	bool more;
	int s;

	sq = sleepq_enter(mtx, &s);
	next = sleepq_dequeue(sq, mtx, SLEEPQ_MUTEX, &more);
	/*
	 * Release: hand over what we did.  The last touch of the mutex, since
	 * the next owner may free it; what is left is ours and the sleeper's.
	 */
	atomic_store_release(&mtx->mtx_owner, more ? MTX_WAITERS : 0);
	sleepq_exit(sq, s);
	if (next != NULL)
		lwp_unpark(next);
}

void
mutex_exit(kmutex_t *mtx)
{
	uintptr_t o;

	o = (uintptr_t)curlwp_get();
	/* Release: hand over what we did; the last touch of the mutex. */
	if (__predict_false(!atomic_cas_release(&mtx->mtx_owner, &o,
	    (uintptr_t)0))) {
		KASSERTMSG((o & ~MTX_WAITERS) == (uintptr_t)curlwp_get(),
		    "mutex_exit: mutex %p not held", (void *)mtx);
		mutex_exit_slow(mtx);
	}
}
