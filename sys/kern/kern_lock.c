/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The kernel lock.  The process has one.  A thread may take it recursively.  A
 * thread that sleeps, in sleepq_block() or a similar function, first releases
 * the lock, however deep the recursion is.
 */

#include "kern.h"
#include "kern_fork.h"
#include "kern_lock.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_runq.h"
#include "kern_sleepq.h"
#include "subr_cpu.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"

#define	KLOCK_SPINS	64		/* turns before a thread sleeps */
#define	KLOCK_PASSES	8		/* wake-ups between hand-overs */

/*
 * kl_owner is the holder, or 0.  The bit MTX_WAITERS is set while other threads
 * sleep for the lock.  The bit and kl_passes change only while the sleep queue
 * of the lock is locked.  While a tool watches, the bit is always set, so that
 * no thread takes the fast path.
 */
static struct {
	uintptr_t	kl_owner;
	unsigned	kl_passes;
} __kern_aligned kernel_lock;

/*
 * Take the lock in a handler.  The handler must spin, because it cannot sleep.
 * It may have interrupted its thread anywhere, even in a sleep, or while the
 * thread takes this lock.
 */
static void
kernel_lock_spin(struct lwp *l)
{
	uintptr_t o;
	unsigned n;
	bool lent;

	lent = false;
	for (n = 0;; host_relax(&n)) {
		o = atomic_load_relaxed(&kernel_lock.kl_owner);
		if ((o & ~MTX_WAITERS) == (uintptr_t)l)
			panic("KERNEL_LOCK: called by an interrupt handler "
			    "while its thread takes or releases the lock");
		if ((o & ~MTX_WAITERS) == 0) {
			if (atomic_cas_acquire(&kernel_lock.kl_owner, &o,
			    (uintptr_t)l | o))
				break;
		} else if (oncpu_wanted((const struct lwp *)
		    (o & ~MTX_WAITERS)) && oncpu_lend(l))
			lent = true;
	}
	if (lent)
		oncpu_lent(l);
}

/*
 * Spin for the lock for a moment.  Return true if the caller has got it.
 */
static bool
kernel_lock_soon(struct lwp *l)
{
	uintptr_t o;
	unsigned n;

	if (!cpu_spinok)
		return false;
	for (n = 0; n < KLOCK_SPINS;) {
		host_relax(&n);
		o = atomic_load_relaxed(&kernel_lock.kl_owner);
		/* Acquire: observe the stores of the last holder. */
		if (o == 0 && atomic_cas_acquire(&kernel_lock.kl_owner, &o,
		    (uintptr_t)l))
			return true;
		if (o & MTX_WAITERS)
			break;
	}
	return false;
}

/*
 * Take the lock if it is free, and return true.  Also return true if another
 * thread has handed the lock to the caller meanwhile.  Otherwise set the bit
 * that makes the holder wake a sleeper, and return false.
 */
static bool
kernel_lock_claim(struct lwp *l)
{
	uintptr_t o;

	for (;;) {
		/* Acquire: observe the stores of the last holder. */
		o = atomic_load_acquire(&kernel_lock.kl_owner);
		if ((o & ~MTX_WAITERS) == (uintptr_t)l)
			return true;
		if ((o & ~MTX_WAITERS) == 0) {
			if (atomic_cas_acquire(&kernel_lock.kl_owner, &o,
			    (uintptr_t)l | o))
				return true;
		} else if ((o & MTX_WAITERS) != 0 ||
		    atomic_cas_relaxed(&kernel_lock.kl_owner, &o,
		    o | MTX_WAITERS))
			return false;
	}
}

static void
kernel_lock_wait(struct lwp *l)
{
	struct sleepq *sq;
	uintptr_t o;
	bool waited;

	for (waited = false;; waited = true) {
		sq = sleepq_enter(&kernel_lock);
		if (kernel_lock_claim(l)) {
			sleepq_exit(sq);
			return;
		}
		sleepq_enqueue(sq, l, &kernel_lock, SLEEPQ_KLOCK, waited);
		sleepq_exit(sq);
		(void)sleepq_block(l, HOST_FOREVER);
		/* Acquire: the last holder may have handed over the lock. */
		o = atomic_load_acquire(&kernel_lock.kl_owner);
		if ((o & ~MTX_WAITERS) == (uintptr_t)l)
			return;
	}
}

static __kern_noinline void
kernel_lock_slow(struct lwp *l)
{

	if (l->l_intrdepth != 0)
		kernel_lock_spin(l);
	else if (!kernel_lock_soon(l))
		kernel_lock_wait(l);
	KERN_AFTER(&kernel_lock);
}

/*
 * Release the lock and wake the first sleeper, which then competes for it.
 * Every eighth time, hand the lock to the sleeper instead, so that no thread
 * starves.
 *
 * Do not hand the lock to a soft interrupt that would then wait for its CPU.
 * The thread that has this CPU may want the lock.
 */
static __kern_noinline void
kernel_unlock_slow(void)
{
	struct sleepq *sq;
	struct lwp *next;
	uintptr_t o;
	bool more;

	KERN_BEFORE(&kernel_lock);
	sq = sleepq_enter(&kernel_lock);
	next = sleepq_dequeue(sq, &kernel_lock, SLEEPQ_KLOCK, &more);
	o = more || KERN_WATCHED() ? MTX_WAITERS : 0;
	if (next != NULL && ++kernel_lock.kl_passes >= KLOCK_PASSES &&
	    (next->l_switch == NULL || (*next->l_switch->ls_claim)(next))) {
		kernel_lock.kl_passes = 0;
		o |= (uintptr_t)next;
	}
	/* Release: publish our stores. */
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
	/* Acquire: observe the stores of the last holder. */
	if (__predict_false(!atomic_cas_acquire(&kernel_lock.kl_owner, &o,
	    (uintptr_t)l)))
		kernel_lock_slow(l);
}

static inline void
kernel_lock_release(struct lwp *l)
{
	uintptr_t o;

	o = (uintptr_t)l;
	/* Release: publish our stores. */
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
		if (KERN_STRICT() && l->l_mtxcount != 0)
			panic("KERNEL_LOCK: taken while holding a spin mutex"
			    "%s", lockdebug_heldtext());
		kernel_lock_acquire(l);
	}
	l->l_blcnt += n;
}

/*
 * Release the lock: all recursions if n is 0, one if n is 1, or the only one if
 * n is -1.  Store the number of recursions in *countp.
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
 * Take the lock once, if the caller need not wait for it.  Return true if the
 * caller has got it.
 */
bool
kernel_lock_try(struct lwp *l)
{
	uintptr_t o;

	o = KERN_WATCHED() ? MTX_WAITERS : 0;
	/* Acquire: observe the stores of the last holder. */
	if (l->l_blcnt == 0 && !atomic_cas_acquire(&kernel_lock.kl_owner, &o,
	    (uintptr_t)l | o))
		return false;
	KERN_AFTER(&kernel_lock);
	l->l_blcnt++;
	return true;
}

/*
 * Return true if the thread sleeps for the lock.  For another thread, the
 * answer may be out of date.
 */
bool
kernel_lock_wanted(const struct lwp *l)
{

	return atomic_load_relaxed(&l->l_wchan) == &kernel_lock;
}

/*
 * If other threads sleep for the lock, let them take it.  The caller is between
 * two callbacks.
 */
void
kernel_lock_yield(struct lwp *l)
{
	int held;

	if (__predict_false((atomic_load_relaxed(&kernel_lock.kl_owner) &
	    MTX_WAITERS) != 0)) {
		held = l->l_blcnt;
		KASSERT(held != 0);
		l->l_blcnt = 0;
		kernel_unlock_slow();
		kernel_lock_acquire(l);
		l->l_blcnt = held;
	}
}

void
kernel_lock_init(void)
{

	if (KERN_WATCHED())
		atomic_store_relaxed(&kernel_lock.kl_owner, MTX_WAITERS);
}

/*
 * Free the lock in a forked child, unless the thread that forked holds it.
 */
void
kernel_lock_fork(struct lwp *l)
{

	kernel_lock.kl_passes = 0;
	atomic_store_relaxed(&kernel_lock.kl_owner,
	    (l != NULL && l->l_blcnt != 0 ? (uintptr_t)l : (uintptr_t)0) |
	    (KERN_WATCHED() ? MTX_WAITERS : 0));
}
