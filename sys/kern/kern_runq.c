/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Ownership of CPUs by threads.
 *
 * A CPU here is a struct cpu_info, not a processor of the host.  Several
 * threads may have the same CPU and run in parallel, until one of them needs
 * the CPU for itself.  A thread needs a CPU for itself while preemption is
 * disabled, while it holds a spin mutex, and while it runs a soft interrupt, a
 * callout or a cross-call.  A thread that calls curcpu() at a raised level
 * needs the CPU from then on, until the level is IPL_NONE again.  If these
 * reasons nest, the thread owns a CPU until the outermost one ends.
 *
 * Invariant.  oc_lwp is the one thread that owns the CPU.  A thread owns at
 * most one CPU, its l_oncpu.  l_own counts the reasons for which the thread
 * owns a CPU.  When a bound thread needs a CPU, it takes the one that it is
 * bound to, or waits for it.  Any other thread takes the CPU that it had last,
 * or any free CPU, or waits.
 *
 * Lock order.  First the kernel lock and adaptive locks, then the CPU, then
 * spin mutexes, then kspins.
 *
 * There is no deadlock.  While a thread owns a CPU, it waits only for spin
 * mutexes and kspins, except that a handler may spin for the kernel lock (see
 * below).  A spin mutex is taken after the CPU, so the holder of a spin mutex
 * has a CPU and can go on.  A kspin is held for a few instructions that do not
 * need a CPU.  When a thread sleeps, it gives its CPU up (oncpu_sleep()), and
 * takes it again when it wakes.  At that time the thread holds no spin mutex.
 *
 * A handler uses the CPU of the thread that it has interrupted.  If the thread
 * owns no CPU, the handler takes a free CPU before it begins.  It does not wait
 * for a CPU, because the interrupted thread may hold a lock that the owners of
 * all CPUs want, such as one of the C library's.  If no CPU is free, or if the
 * thread itself waits for a CPU, an interrupt thread runs the handler.  In an
 * interrupt thread, or while ownership is off, a handler begins without a CPU.
 * It takes a CPU when it first needs one, and may wait then.  While a handler
 * spins for the kernel lock, it lends its CPU to the holder of the lock
 * (oncpu_lend()).
 *
 * Strays.  Ownership is off until the process first disables preemption, or
 * otherwise needs a CPU.  Until then spin mutexes have no extra cost.  The
 * first use switches ownership on.  If a thread has taken a spin mutex before
 * the first use, without owning a CPU, it is a stray until it releases this
 * mutex.  Any other thread that wants a CPU waits until there are no strays.  A
 * stray may need a CPU itself, while it still holds its mutex.  With this CPU
 * it may spin for a mutex of another stray.  If there are more strays than
 * CPUs, the other stray may get no CPU.  So a stray waits at most
 * ONCPU_STRAYWAIT for a CPU, and then goes on without one.
 *
 * Waiters.  A waiter spins for a moment, and then sleeps on a list.  When a
 * thread gives up a CPU, it wakes the first waiter that wants this CPU.  The
 * waiter then competes for the CPU with other threads.  If the waiter has lost
 * twice, the CPU is kept for it (ONCPU_KEPT), so that no thread starves.
 */

#include "kern.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_runq.h"
#include "kern_spl.h"
#include "subr_cpu.h"

#define	ONCPU_SPINS	64		/* turns before a waiter sleeps */
#define	ONCPU_LOSSES	2		/* losses before a CPU is kept */
#define	ONCPU_STRAYWAIT	(10 * 1000000)	/* nanoseconds */

/* A bit in oc_lwp: the CPU is free, but is kept for the thread in oc_lwp. */
#define	ONCPU_KEPT	((uintptr_t)1)

struct oncpu_waiter {
	struct oncpu_waiter *ow_next;	/* (oncpu_lock) */
	struct lwp	*ow_lwp;
	struct oncpu	*ow_only;	/* CPU that it wants, or NULL for any */
	struct oncpu	*ow_free;	/* (oncpu_lock) CPU offered to it */
	unsigned	 ow_lost;	/* times another thread was faster */
	unsigned	 ow_asleep;	/* (a) a thread must wake it */
};

int			oncpu_state __host_readmostly;	/* (a) */
bool			oncpu_plain __host_readmostly;	/* see oncpu_init() */
unsigned		oncpu_anywaiters __host_readmostly; /* (a) (oncpu_lock)
					   sleeping waiters for any CPU */
struct kspin		oncpu_lock;
static struct oncpu_waiter *oncpu_first;	/* (oncpu_lock) oldest waiter */

/*
 * Switching ownership on.
 */

/* Initialise this file, when the library starts. */
void
oncpu_init(void)
{

	oncpu_plain = host_asymfence && !KERN_WATCHED();
	/* Without the asymmetric fence, ownership is on from the start. */
	if (!host_asymfence)
		oncpu_state = KERN_WATCHED() ? ONCPU_WATCHED : ONCPU_ON;
}

/* Return true if the thread is a stray. */
static bool
oncpu_stray_p(const struct lwp *l)
{
	unsigned n;

	/*
	 * Acquire: pairs with the release in mutex_spin_lower(), which ends the
	 * section that a spin mutex makes.  While a handler interrupts this
	 * section, l_mtxcount counts only the handler's mutexes, and l_stray is
	 * set.  So the caller finds l_mtxcount or l_stray set.  If the caller
	 * misses both, because the handler began or returned in between,
	 * l_handovers has changed: see lwp_insection().
	 */
	n = atomic_load_acquire(&l->l_handovers);
	return atomic_load_acquire(&l->l_stray) != 0 ||
	    (atomic_load_acquire(&l->l_mtxcount) != 0 &&
	    (atomic_load_relaxed(&l->l_mtxoldspl) & LWP_MTXOWN) == 0) ||
	    atomic_load_relaxed(&l->l_handovers) != n;
}

static bool
oncpu_find_stray(struct lwp *l, void *arg)
{

	(void)arg;
	return oncpu_stray_p(l);
}

/*
 * Switch ownership on, or wait until it is on.  Return false if the caller is a
 * stray, which must not wait.
 */
static __kern_noinline bool
oncpu_start(struct lwp *l)
{
	unsigned turns;
	int off;

	off = ONCPU_OFF;
	(void)atomic_cas_relaxed(&oncpu_state, &off, ONCPU_STARTING);
	if (oncpu_stray_p(l))
		return false;
	/*
	 * This thread has changed the state, and now looks at the counts.  A
	 * thread that takes a spin mutex increments its count, and then looks
	 * at the state.  So at least one of the two sees the other's store.
	 */
	host_fence_heavy();
	for (turns = 0; atomic_load_acquire(&oncpu_state) < ONCPU_ON &&
	    lwp_find(oncpu_find_stray, NULL) != NULL;)
		host_relax(&turns);
	/*
	 * Release: if a thread finds ownership on, it also sees that all strays
	 * have ended.
	 */
	atomic_store_release(&oncpu_state,
	    KERN_WATCHED() ? ONCPU_WATCHED : ONCPU_ON);
	return true;
}

/*
 * Taking a CPU.
 */

static bool
oncpu_try(struct lwp *l, struct oncpu *oc)
{
	uintptr_t o;

	o = atomic_load_relaxed(&oc->oc_lwp);
	/*
	 * A signal handler that the library did not install may have
	 * interrupted this function and called curcpu().  Then that handler
	 * took the CPU for this thread.
	 */
	if (__predict_false(o == (uintptr_t)l)) {
		l->l_oncpu = oc;
		return true;
	}
	if (o != 0 && o != ((uintptr_t)l | ONCPU_KEPT))
		return false;
	/* Store l_oncpu before oc_lwp: a handler on this thread reads it. */
	l->l_oncpu = oc;
	atomic_signal_barrier();
	/* Acquire: observe what the last owner did to the CPU's data. */
	if (!atomic_cas_acquire(&oc->oc_lwp, &o, (uintptr_t)l))
		return false;
	KERN_AFTER(oc);
	return true;
}

static bool
oncpu_tryany(struct lwp *l, struct oncpu *only)
{
	struct oncpu *oc;
	int n;

	if (only != NULL)
		return oncpu_try(l, only);
	oc = l->l_oncpu;
	for (n = ncpu; n > 0; n--) {
		if (oncpu_try(l, oc))
			return true;
		if (++oc == oncpu_cpus + ncpu)
			oc = oncpu_cpus;
	}
	return false;
}

/* Record whether a waiter sleeps and must be woken. */
static void
oncpu_arm(struct oncpu_waiter *w, bool on)
{
	unsigned *np;

	KSPIN_ASSERT(&oncpu_lock);
	np = w->ow_only != NULL ? &w->ow_only->oc_waiters : &oncpu_anywaiters;
	atomic_store_relaxed(np, atomic_load_relaxed(np) + (on ? 1u : -1u));
	/* Release: publish ow_free.  Pairs with oncpu_wait(). */
	atomic_store_release(&w->ow_asleep, on ? 1u : 0u);
}

/*
 * Wake the first waiter for a CPU.  The caller has given the CPU up.
 */
__kern_noinline void
oncpu_wakeup(struct oncpu *oc)
{
	struct oncpu_waiter *w;
	struct lwp *l;
	uintptr_t o;

	l = NULL;
	kspin_enter(&oncpu_lock);
	for (w = oncpu_first; w != NULL; w = w->ow_next)
		if (atomic_load_relaxed(&w->ow_asleep) != 0 &&
		    (w->ow_only == NULL || w->ow_only == oc))
			break;
	if (w != NULL) {
		o = 0;
		/*
		 * If the exchange fails, another thread has taken the CPU
		 * meanwhile.  That thread calls oncpu_wakeup() when it gives
		 * the CPU up, so do nothing here.
		 */
		if (w->ow_lost < ONCPU_LOSSES || atomic_cas_acq_rel(
		    &oc->oc_lwp, &o, (uintptr_t)w->ow_lwp | ONCPU_KEPT)) {
			l = w->ow_lwp;
			w->ow_free = oc;
			oncpu_arm(w, false);
		}
	}
	kspin_exit(&oncpu_lock);
	/* The waiter may be gone by now, but an lwp is never freed. */
	if (l != NULL)
		lwp_unpark(l);
}

static void
oncpu_enqueue(struct oncpu_waiter *w)
{
	struct oncpu_waiter **wp;

	kspin_enter(&oncpu_lock);
	for (wp = &oncpu_first; *wp != NULL; wp = &(*wp)->ow_next)
		continue;
	w->ow_next = NULL;
	*wp = w;
	kspin_exit(&oncpu_lock);
}

/*
 * Remove a waiter that has got a CPU.  If another CPU was offered to the waiter
 * or kept for it, offer that CPU to the next waiter.
 */
static void
oncpu_dequeue(struct oncpu_waiter *w, struct lwp *l)
{
	struct oncpu_waiter **wp;
	struct oncpu *oc;
	uintptr_t o;

	kspin_enter(&oncpu_lock);
	for (wp = &oncpu_first; *wp != w; wp = &(*wp)->ow_next)
		continue;
	*wp = w->ow_next;
	oc = NULL;
	if (atomic_load_relaxed(&w->ow_asleep) != 0)
		oncpu_arm(w, false);
	else
		oc = w->ow_free;
	kspin_exit(&oncpu_lock);
	if (oc != NULL && oc != l->l_oncpu) {
		o = (uintptr_t)l | ONCPU_KEPT;
		(void)atomic_cas_acq_rel(&oc->oc_lwp, &o, (uintptr_t)0);
		oncpu_wakeup(oc);
	}
}

/*
 * Wait for a CPU.  The level stays raised, because the caller may have raised
 * it to keep handlers out.  A handler that waits for a CPU must spin, because
 * it may have interrupted the thread in host_park().  While l_cpuwait is set,
 * no handler runs on top of this thread; see intr_try().
 */
static void
oncpu_wait(struct lwp *l, struct oncpu *only)
{
	struct oncpu_waiter w;
	unsigned turns;
	bool parked;

	for (turns = 0; turns < ONCPU_SPINS; host_relax(&turns))
		if (oncpu_tryany(l, only))
			return;

	KASSERT(l->l_kspin == 0);
	KASSERT(!l->l_cpuwait);
	atomic_store_relaxed(&l->l_cpuwait, true);
	atomic_signal_barrier();
	w.ow_lwp = l;
	w.ow_only = only;
	w.ow_free = NULL;
	w.ow_lost = 0;
	w.ow_asleep = 0;
	oncpu_enqueue(&w);
	parked = false;
	for (;;) {
		kspin_enter(&oncpu_lock);
		oncpu_arm(&w, true);
		kspin_exit(&oncpu_lock);
		/*
		 * This thread has become a waiter, and now looks for a CPU.  An
		 * owner gives its CPU up, and then looks for waiters.  At least
		 * one of the two sees the other's store.
		 */
		if (host_asymfence)
			host_fence_heavy();
		else
			membar_sync();
		if (oncpu_tryany(l, only))
			break;
		/* Acquire: observe ow_free.  Pairs with oncpu_arm(). */
		while (atomic_load_acquire(&w.ow_asleep) != 0) {
			if (l->l_intrdepth != 0)
				host_relax(&turns);
			else {
				(void)host_park(&l->l_park, HOST_FOREVER);
				parked = true;
			}
		}
		if (oncpu_try(l, w.ow_free))
			break;
		w.ow_lost++;
	}
	oncpu_dequeue(&w, l);
	atomic_signal_barrier();
	atomic_store_relaxed(&l->l_cpuwait, false);
	/* The token may have been meant for another sleep, so give it back. */
	if (parked)
		lwp_unpark(l);
}

/*
 * Take a CPU for a stray, if one becomes free soon.
 */
static void
oncpu_strayenter(struct lwp *l, struct oncpu *only)
{
	int64_t end;
	unsigned turns;

	end = host_monotime() + ONCPU_STRAYWAIT;
	for (turns = 0; !oncpu_tryany(l, only) && host_monotime() < end;)
		host_relax(&turns);
}

/*
 * Return the CPU that the thread is bound to, or NULL.  A handler is not bound.
 */
static struct oncpu *
oncpu_only(const struct lwp *l)
{

	return l->l_cpu != NULL && l->l_intrdepth == 0 ?
	    &oncpu_cpus[l->l_cpu->ci_index] : NULL;
}

__kern_noinline void
oncpu_enter_slow(struct lwp *l)
{

	if (atomic_load_acquire(&oncpu_state) < ONCPU_ON && !oncpu_start(l))
		oncpu_strayenter(l, oncpu_only(l));
	else
		oncpu_wait(l, oncpu_only(l));
}

/*
 * Prepare a handler on top of a thread that owns no CPU.
 *
 * If wait is false and ownership is on, take a CPU and set l_own to 1.  Return
 * false if no CPU is free.
 *
 * Otherwise set l_own to 0.  The handler then takes a CPU when it first needs
 * one, and may wait for it.  It must not wait earlier, because the owner of a
 * CPU may be waiting for this handler.
 */
bool
oncpu_intrenter(struct lwp *l, bool wait)
{

	l->l_own = 0;
	if (wait || atomic_load_acquire(&oncpu_state) < ONCPU_ON)
		return true;
	if (!oncpu_tryany(l, NULL))
		return false;
	l->l_own = 1;
	return true;
}

/*
 * Take a CPU for a thread that calls curcpu() at a raised level.  The thread
 * owns the CPU until the level is IPL_NONE again.  Ownership does not make
 * splraise() slower, because splraise() does not take the CPU.  It does not
 * make splx() slower either: splx() tests l_ipending in any case, and finds
 * LWP_LEVELOWN there.
 */
__kern_noinline void
oncpu_level(struct lwp *l)
{

	/*
	 * Do nothing if the library itself makes the call, or if the caller is
	 * a stray that has gone on without a CPU.  A signal handler that the
	 * library did not install may have interrupted a thread that waits for
	 * a CPU.  Do nothing in such a handler either.
	 */
	if (l->l_kspin != 0 || l->l_own != 0 ||
	    (atomic_load_relaxed(&l->l_ipending) & LWP_LEVELOWN) != 0)
		return;
	(void)atomic_fetch_or_relaxed(&l->l_ipending, LWP_LEVELOWN);
	oncpu_enter(l);
}

/* Give up the CPU that oncpu_level() took. */
void
oncpu_levelexit(struct lwp *l)
{

	/* A handler that interrupts the thread here may clear the bit first. */
	if ((atomic_fetch_and_relaxed(&l->l_ipending, ~LWP_LEVELOWN) &
	    LWP_LEVELOWN) != 0 && l->l_own != 0)
		oncpu_exit(l);
}

/*
 * Give up the CPU of a handler while it spins for the kernel lock.  The caller
 * has found that the holder of the lock waits for a CPU.  In a kernel the
 * holder would have a CPU.  Return false, and keep the CPU, if the handler owns
 * no CPU, or if the handler or its thread holds a spin mutex.
 */
bool
oncpu_lend(struct lwp *l)
{

	if (!oncpu_owned(l) || l->l_mtxcount != 0 || l->l_mtxbelow != 0)
		return false;
	oncpu_release(l);
	return true;
}

/* Take the CPU back after oncpu_lend(). */
void
oncpu_lent(struct lwp *l)
{

	oncpu_wait(l, l->l_oncpu);
}

/*
 * Switch ownership on, unless it is on.  Thread context.
 */
void
oncpu_on(struct lwp *l)
{

	if (atomic_load_acquire(&oncpu_state) < ONCPU_ON)
		(void)oncpu_start(l);
}

/*
 * Bind the calling thread to a CPU.  Unbind it if ci is NULL.  The thread must
 * own no other CPU.
 */
void
oncpu_bind(struct lwp *l, struct cpu_info *ci)
{

	if (ci != NULL) {
		KASSERT(!oncpu_owned(l) || l->l_oncpu ==
		    &oncpu_cpus[ci->ci_index]);
		l->l_oncpu = &oncpu_cpus[ci->ci_index];
	}
	atomic_signal_barrier();
	l->l_cpu = ci;
}

/*
 * Give up the CPU of a thread that is about to sleep.  A thread that sleeps is
 * in no section, so save and clear the counts, too.
 */
__kern_noinline void
oncpu_sleep_slow(struct lwp *l, struct oncpu_asleep *oa)
{

	/*
	 * A sleep with a spin lock held is an error, which other code reports.
	 * Return before the counts are cleared, so that no handler runs.  A
	 * handler could spin for the lock.
	 */
	if (l->l_mtxcount != 0 || l->l_kspin != 0)
		return;
	if ((atomic_load_relaxed(&l->l_ipending) & LWP_LEVELOWN) != 0) {
		/*
		 * If the thread calls curcpu() after the sleep, it takes a CPU
		 * again.
		 */
		oncpu_levelexit(l);
		if (l->l_own == 0)
			return;
	}
	oa->oa_own = l->l_own;
	oa->oa_nopreempt = l->l_nopreempt;
	oa->oa_oncpu = l->l_oncpu;
	atomic_signal_barrier();
	l->l_own = 0;
	/* Release: pairs with the acquire of xc_barrier(). */
	atomic_store_release(&l->l_nopreempt, 0);
	oncpu_release(l);
	intr_deliver(l);
}

/*
 * Take the same CPU again after a sleep.
 */
__kern_noinline void
oncpu_wake_slow(struct lwp *l, const struct oncpu_asleep *oa)
{

	atomic_store_relaxed(&l->l_nopreempt, oa->oa_nopreempt);
	section_enter();
	l->l_own = oa->oa_own;
	if (!oncpu_try(l, oa->oa_oncpu))
		oncpu_wait(l, oa->oa_oncpu);
}

/*
 * Return true if the thread waits for a CPU.  For another thread, the answer
 * may be out of date.
 */
bool
oncpu_wanted(const struct lwp *l)
{

	return atomic_load_relaxed(&l->l_cpuwait);
}

/*
 * Reset ownership in a forked child.  Only the thread that forked may own a CPU
 * or wait for one.
 */
void
oncpu_fork(struct lwp *l)
{
	struct oncpu_waiter *w, **wp;
	struct oncpu *oc;

	for (oc = oncpu_cpus; oc < oncpu_cpus + ncpu; oc++) {
		if (atomic_load_relaxed(&oc->oc_lwp) != (uintptr_t)l)
			atomic_store_relaxed(&oc->oc_lwp, (uintptr_t)0);
		atomic_store_relaxed(&oc->oc_waiters, 0u);
	}
	atomic_store_relaxed(&oncpu_anywaiters, 0u);
	/*
	 * The thread is on the list only if it was waiting when a handler on it
	 * called fork(2).
	 */
	if (kern_torn(&oncpu_lock) &&
	    (l == NULL || !atomic_load_relaxed(&l->l_cpuwait)))
		oncpu_first = NULL;
	for (wp = &oncpu_first; (w = *wp) != NULL;) {
		if (w->ow_lwp != l) {
			*wp = w->ow_next;
			continue;
		}
		/* Make the thread look for a CPU again. */
		if (w->ow_free == NULL)
			w->ow_free = l->l_oncpu;
		atomic_store_relaxed(&w->ow_asleep, 0u);
		wp = &w->ow_next;
	}
	/* Do not wait for strays of the parent, which do not exist here. */
	if (atomic_load_relaxed(&oncpu_state) == ONCPU_STARTING)
		atomic_store_relaxed(&oncpu_state, KERN_WATCHED() ?
		    ONCPU_WATCHED : ONCPU_ON);
}

/*
 * Return the CPU of the calling thread.  At a raised level the thread must not
 * be preempted, so let it own the CPU, which keeps the result correct.
 */
__kern_public struct cpu_info *
curcpu(void)
{
	struct lwp *l;

	l = host_self();
	if (l != NULL && __predict_false(l->l_ipl != IPL_NONE) &&
	    !oncpu_owned(l))
		oncpu_level(l);
	return cpu_hint(l);
}
