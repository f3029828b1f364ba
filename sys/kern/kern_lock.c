/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The kernel lock: one for the process, recursive per thread, dropped at any
 * depth while its holder sleeps (sleepq_block() and its like see to that).
 */

#include "kern.h"

#define	KLOCK_SPINS	64		/* turns before sleeping */
#define	KLOCK_PASSES	8		/* wakes for one hand-over */

/*
 * kl_owner is the holder with MTX_WAITERS while others sleep for it; the bit
 * and kl_passes are changed under the lock's bucket only.
 */
static struct {
	uintptr_t	kl_owner;
	unsigned	kl_passes;
} __kern_aligned kernel_lock;

static __kern_noinline void
kernel_lock_slow(struct lwp *l)
{
	struct sleepq *sq;
	uintptr_t o;
	unsigned n;
	bool waited;

	/*
	 * A handler may have interrupted its thread anywhere, asleep and on
	 * its way to this lock too: it cannot sleep, so it spins.
	 */
	if (l->l_intrdepth != 0) {
		for (n = 0;; host_relax(&n)) {
			o = atomic_load_relaxed(&kernel_lock.kl_owner);
			if ((o & ~MTX_WAITERS) == (uintptr_t)l)
				panic("KERNEL_LOCK: interrupted its own thread "
				    "while that takes or leaves it");
			if ((o & ~MTX_WAITERS) == 0 && atomic_cas_acquire(
			    &kernel_lock.kl_owner, &o, (uintptr_t)l | o))
				return;
		}
	}

	if (cpu_spinok) {
		for (n = 0; n < KLOCK_SPINS;) {
			host_relax(&n);
			o = atomic_load_relaxed(&kernel_lock.kl_owner);
			/* Acquire: see what the last holder did. */
			if (o == 0 && atomic_cas_acquire(&kernel_lock.kl_owner,
			    &o, (uintptr_t)l))
				return;
			if (o & MTX_WAITERS)
				break;
		}
	}

	for (waited = false;; waited = true) {
		sq = sleepq_enter(&kernel_lock);
		for (;;) {
			/*
			 * Acquire: it may have been handed to us between our
			 * look below and now.
			 */
			o = atomic_load_acquire(&kernel_lock.kl_owner);
			if ((o & ~MTX_WAITERS) == (uintptr_t)l) {
				sleepq_exit(sq);
				return;
			}
			if ((o & ~MTX_WAITERS) == 0) {
				if (atomic_cas_acquire(&kernel_lock.kl_owner,
				    &o, (uintptr_t)l | o)) {
					sleepq_exit(sq);
					return;
				}
			} else if ((o & MTX_WAITERS) != 0 ||
			    atomic_cas_relaxed(&kernel_lock.kl_owner, &o,
			    o | MTX_WAITERS))
				break;
		}
		sleepq_enqueue(sq, l, &kernel_lock, SLEEPQ_KLOCK, waited);
		sleepq_exit(sq);
		(void)sleepq_block(l, HOST_FOREVER);
		/* Acquire: it may have been handed to us. */
		o = atomic_load_acquire(&kernel_lock.kl_owner);
		if ((o & ~MTX_WAITERS) == (uintptr_t)l)
			return;
	}
}

/*
 * Wake the first sleeper, which then competes; but every eighth time it gets
 * the lock handed, so that nobody starves.  Not a soft interrupt that would
 * have to wait for its CPU with it, for somebody there may want the lock.
 */
static __kern_noinline void
kernel_unlock_slow(void)
{
	struct sleepq *sq;
	struct lwp *next;
	uintptr_t o;
	bool more;

	sq = sleepq_enter(&kernel_lock);
	next = sleepq_dequeue(sq, &kernel_lock, SLEEPQ_KLOCK, &more);
	o = more ? MTX_WAITERS : 0;
	if (next != NULL && ++kernel_lock.kl_passes >= KLOCK_PASSES &&
	    (next->l_softcpu == NULL || softint_claim(next))) {
		kernel_lock.kl_passes = 0;
		o |= (uintptr_t)next;
	}
	/* Release: hand over what we did. */
	atomic_store_release(&kernel_lock.kl_owner, o);
	sleepq_exit(sq);
	if (next != NULL)
		lwp_unpark(next);
}

static inline void
kernel_lock_acquire(struct lwp *l)
{
	uintptr_t o;

	o = 0;
	/* Acquire: see what the last holder did. */
	if (__predict_false(!atomic_cas_acquire(&kernel_lock.kl_owner, &o,
	    (uintptr_t)l)))
		kernel_lock_slow(l);
}

static inline void
kernel_lock_release(struct lwp *l)
{
	uintptr_t o;

	o = (uintptr_t)l;
	/* Release: hand over what we did. */
	if (__predict_false(!atomic_cas_release(&kernel_lock.kl_owner, &o,
	    (uintptr_t)0)))
		kernel_unlock_slow();
}

__kern_public void
wqk_kernel_lock(int n)
{
	struct lwp *l;

	KASSERTMSG(n >= 0, "KERNEL_LOCK: %d recursions", n);
	if (n == 0)
		return;
	l = curlwp_get();
	if (l->l_blcnt == 0) {
		if (KERN_CHECKING() && l->l_mtxcount != 0)
			panic("KERNEL_LOCK: taken while holding a spin mutex"
			    "%s", lockdebug_heldtext());
		kernel_lock_acquire(l);
	}
	l->l_blcnt += n;
}

/*
 * n 0: all, their number to *countp.  n 1: one of them.  n -1: the last.
 */
__kern_public void
wqk_kernel_unlock(int n, int *countp)
{
	struct lwp *l;
	int held;

	l = curlwp_get();
	held = l->l_blcnt;
	if (countp != NULL)
		*countp = held;
	if (held == 0) {
		KASSERTMSG(n == 0, "KERNEL_UNLOCK: kernel lock not held");
		return;
	}
	KASSERTMSG(n != -1 || held == 1,
	    "KERNEL_UNLOCK_LAST: held %d times", held);
	if (n != 0 && held != 1) {
		l->l_blcnt = held - 1;
		return;
	}
	l->l_blcnt = 0;
	kernel_lock_release(l);
}

__kern_public int
wqk_kernel_locked_p(void)
{
	struct lwp *l;

	l = host_self();
	return l != NULL && l->l_blcnt != 0;
}

/*
 * Take it once if that needs no waiting.
 */
bool
kernel_lock_try(struct lwp *l)
{
	uintptr_t o;

	o = 0;
	/* Acquire: see what the last holder did. */
	if (l->l_blcnt == 0 && !atomic_cas_acquire(&kernel_lock.kl_owner, &o,
	    (uintptr_t)l))
		return false;
	l->l_blcnt++;
	return true;
}

/*
 * Does a thread sleep for it?  As seen by another: a moment ago.
 */
bool
kernel_lock_wanted(const struct lwp *l)
{

	return atomic_load_relaxed(&l->l_wchan) == &kernel_lock;
}

/*
 * For a holder that is between two callbacks: let others in, if any wait.
 */
void
kernel_lock_yield(struct lwp *l)
{
	int held;

	if (__predict_false((atomic_load_relaxed(&kernel_lock.kl_owner) &
	    MTX_WAITERS) != 0)) {
		held = l->l_blcnt;
		l->l_blcnt = 0;
		kernel_unlock_slow();
		kernel_lock_acquire(l);
		l->l_blcnt = held;
	}
}

/*
 * In a forked child: held only if the thread that forked held it.
 */
void
kernel_lock_fork(struct lwp *l)
{

	kernel_lock.kl_passes = 0;
	atomic_store_relaxed(&kernel_lock.kl_owner,
	    l != NULL && l->l_blcnt != 0 ? (uintptr_t)l : (uintptr_t)0);
}
