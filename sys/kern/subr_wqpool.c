/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A queue with several runners.
 *
 * The inbox is that of subr_workqueue.c, with the same rules for producers.
 * Whoever begins a work while others are left wakes, or starts, one more
 * thread before it calls the function.  So a burst spreads, one thread waking
 * the next, and no thread waits for a function that another runs.
 *
 * While such a thread is on its way (p_nstarting), that is, until it asks for
 * work, it counts as idle and no other is woken or started.  When it gets a
 * work and others are left it goes on with the next thread itself.  So there
 * are never more threads than can come up while there is work for them.
 *
 * The rules, with p_lock held:
 *
 * Announcement.  Of the idle threads one, p_announced, stands in the inbox if
 * that is empty, or at the end of its works, and a producer that has found it
 * there wakes it.  When the inbox is empty p_announced is the first of p_idle,
 * or NULL with that: whoever changes p_idle, or empties the inbox, sees to it.
 * To be announced, and to have been found, changes nothing for the thread: it
 * is idle until it takes itself off p_idle, or is taken off by somebody who
 * then wakes it.  It leaves for good only when the swap that takes it out of
 * the inbox has succeeded, that is, when no producer is to be answered.
 *
 * No work is left behind.  If there is something in the inbox or on the list,
 * a thread is awake, or about to be woken by a producer, that will look at
 * both before it sleeps.  A producer may be stopped before it wakes, so those
 * who wait for works, and who order the inbox and are no runners, wake an
 * idle thread themselves (wqpool_kick()).  When the last thread but one that
 * is idle ends there is still that one; so the last never ends.
 *
 * Refused.  When the system refuses a thread and none is idle (p_short) all
 * that run may stand in their functions, and nobody but us tries again: a
 * callout does, every tick, until one has come or is wanted no more, and so do
 * those who wait.  For that a pool with a spare thread has had the callouts'
 * thread started as it was made.  If that was refused, or the pool is without
 * a spare one, it is tried for again with the thread that is refused; if it
 * cannot be had even then the work waits for the next that calls, returns from
 * its function, or waits.
 *
 * Works are told apart by address, under p_lock, as in workqueue_wait().
 *
 * Batches.  The only thread of a pool may take several works at a time, and
 * runs them without p_lock: wr_begun says how far it is.  While p_batcher is
 * that thread's runner, p_seq, p_ndone, p_nrunning and wr_cur lag behind.
 * Whoever is going to look at them, or at the list, calls wqpool_order(),
 * which recalls the batch: what is not begun goes back to the list, and the
 * numbers become right.  The thread stores wr_begun and then loads
 * wr_recalled, the other does it the other way round, and not both may miss
 * the other: the asymmetric fence, or sequential consistency.  A batch is not
 * taken while somebody waits; who comes to wait recalls it.
 */

#include "subr_wqpool_var.h"

__kern_public void
wqpool_enqueue(struct wqpool *p, struct work *wk)
{
	struct runner *r;
	uintptr_t old;

	wqpool_check_fork(p);
	old = atomic_load_relaxed(&p->p_inbox);
	do {
		wk->wk_dummy = (void *)old;
		/* As in workqueue_enqueue(). */
	} while (!atomic_cas_weak_acq_rel(&p->p_inbox, &old, (uintptr_t)wk));
	if ((old & WQ_ASLEEP) != 0) {
		r = (struct runner *)(old & ~WQ_ASLEEP);
		(*r->r_wakeup)(r, NULL);
	}
}

/*
 * The inbox.
 */

static inline uintptr_t
wqpool_sleeper(const struct wqpool_runner *wr)
{

	return wr == NULL ? 0 : (uintptr_t)&wr->wr_lwp->l_runner | WQ_ASLEEP;
}

/*
 * Take back what is not begun of the batch, and have the numbers right.  The
 * last one begun counts as running until its thread comes to p_lock, which
 * it does as soon as it has run it.
 */
static __kern_noinline void
wqpool_recall(struct wqpool *p)
{
	struct wqpool_runner *wr;
	unsigned begun, i;

	wr = p->p_batcher;
	p->p_batcher = NULL;
	atomic_store_seq_cst(&wr->wr_recalled, 1);
	if (host_asymfence)
		host_fence_heavy();
	begun = atomic_load_seq_cst(&wr->wr_begun);
	for (i = wr->wr_end; i > begun; i--) {
		wr->wr_batch[i - 1]->wk_dummy = p->p_first;
		if (p->p_first == NULL)
			p->p_lastp =
			    (struct work **)&wr->wr_batch[i - 1]->wk_dummy;
		p->p_first = wr->wr_batch[i - 1];
	}
	wr->wr_end = begun;
	p->p_seq += begun;
	p->p_ndone += begun - 1;
	p->p_nrunning++;
	wr->wr_cur = wr->wr_batch[begun - 1];
	wr->wr_seq = p->p_seq;
}

/*
 * Recall the batch, and empty the inbox to the ordered list.  Who was
 * announced stays on p_idle, since we may be earlier than the wake-up that it
 * is due.
 */
void
wqpool_order(struct wqpool *p)
{
	struct work *wk, *first, **lastp;
	uintptr_t w;

	if (p->p_batcher != NULL)
		wqpool_recall(p);
	/* From a work to anything else it changes by us only. */
	if (wqpool_inbox_empty(p))
		return;
	p->p_announced = p->p_idle;
	/* Acquire: pairs with every producer; release: the sleeper's state. */
	w = atomic_swap_acq_rel(&p->p_inbox, wqpool_sleeper(p->p_announced));
	first = NULL;
	lastp = p->p_lastp;
	while (!workqueue_end(w)) {
		wk = (struct work *)w;
		w = (uintptr_t)wk->wk_dummy;
		wk->wk_dummy = first;
		/* The newest is met first and ends the list. */
		if (first == NULL)
			lastp = (struct work **)&wk->wk_dummy;
		first = wk;
	}
	*p->p_lastp = first;
	p->p_lastp = lastp;
}

/*
 * p_idle has changed: so does the announcement, if the inbox is empty.  If it
 * is not, whoever orders it does that.
 */
static void
wqpool_announce(struct wqpool *p)
{
	uintptr_t old;

	if (p->p_announced == p->p_idle)
		return;
	old = wqpool_sleeper(p->p_announced);
	/* Release: a producer finds a runner that is set up. */
	if (atomic_cas_acq_rel(&p->p_inbox, &old, wqpool_sleeper(p->p_idle)))
		p->p_announced = p->p_idle;
}

static void
wqpool_idle_insert(struct wqpool *p, struct wqpool_runner *wr)
{

	wr->wr_idlenext = p->p_idle;
	p->p_idle = wr;
	p->p_short = false;
	wr->wr_idle = true;
	wqpool_announce(p);
}

static void
wqpool_idle_remove(struct wqpool *p, struct wqpool_runner *wr)
{
	struct wqpool_runner **wrp;

	if (!wr->wr_idle)
		return;
	for (wrp = &p->p_idle; *wrp != wr; wrp = &(*wrp)->wr_idlenext)
		continue;
	*wrp = wr->wr_idlenext;
	wr->wr_idle = false;
	wqpool_announce(p);
}

/*
 * Works.
 */

/*
 * Give the runner the oldest work that it may run.
 */
static bool
wqpool_next(struct wqpool *p, struct wqpool_runner *wr, bool nested)
{
	struct wqpool_runner *other;
	struct work *wk;

	if ((wk = wr->wr_again) != NULL) {
		wr->wr_again = NULL;
		wr->wr_cur = wk;
		wr->wr_seq = wr->wr_againseq;
		return true;
	}
	/*
	 * One too many: leave it to the others.  Not one who waits in a work
	 * for what is here, for the others may do the same.
	 */
	if (!nested && p->p_nthreads > p->p_maxthreads &&
	    p->p_runners->wr_next != NULL) {
		wqpool_order(p);
		return false;
	}
	for (;;) {
		/*
		 * Producers keep their inbox while the list tells, too, that
		 * there is more.  What is no work may be on it for those who
		 * wait.
		 */
		if (p->p_waiters != NULL || p->p_first == NULL ||
		    p->p_first->wk_dummy == NULL)
			wqpool_order(p);
		if (p->p_waiters != NULL)
			wqpool_marks(p);
		if ((wk = p->p_first) == NULL)
			return false;
		p->p_first = wk->wk_dummy;
		if (p->p_first == NULL)
			p->p_lastp = &p->p_first;
		p->p_seq++;
		if (p->p_waiters != NULL)
			wqpool_number(p, wk, p->p_seq);
		other = NULL;
		if ((p->p_flags & WQPOOL_EXCLUSIVE) != 0 &&
		    p->p_nrunning != 0)
			for (other = p->p_runners; other != NULL;
			    other = other->wr_next)
				if (other->wr_cur == wk)
					break;
		if (other == NULL) {
			wr->wr_cur = wk;
			wr->wr_seq = p->p_seq;
			return true;
		}
		/* It runs: let its runner run it once more, right after. */
		other->wr_again = wk;
		other->wr_againseq = p->p_seq;
	}
}

/*
 * With p_lock held: is there nothing more to do for a pool that retires?
 */
void
wqpool_check_end(struct wqpool *p)
{
	struct wqpool_runner *wr;

	if (p->p_retired == NULL || p->p_exit)
		return;
	wqpool_order(p);
	if (!wqpool_isquiet(p))
		return;
	p->p_exit = true;
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		lwp_unpark(wr->wr_lwp);
}

static void
wqpool_check_return(struct wqpool *p, struct lwp *l, int biglocks, int held)
{
	char what[MAXCOMLEN + 8];

	(void)ksnprintf(what, sizeof(what), "pool \"%s\"", p->p_name);
	lockdebug_barrier(what, (void *)(uintptr_t)p->p_func, held);
	if (l->l_ipl != IPL_NONE)
		panic("pool \"%s\": function %p returned at IPL %d", p->p_name,
		    (void *)(uintptr_t)p->p_func, l->l_ipl);
	if (l->l_mtxcount != 0)
		panic("pool \"%s\": function %p returned holding a spin mutex",
		    p->p_name, (void *)(uintptr_t)p->p_func);
	if (l->l_nopreempt != 0)
		panic("pool \"%s\": function %p returned with preemption off",
		    p->p_name, (void *)(uintptr_t)p->p_func);
	if (l->l_blcnt != biglocks)
		panic("pool \"%s\": function %p returned holding %d kernel "
		    "locks", p->p_name, (void *)(uintptr_t)p->p_func,
		    l->l_blcnt);
}

/*
 * Call the function, without p_lock.
 */
static inline void
wqpool_call(struct wqpool *p, struct lwp *l, struct work *wk)
{
	int held;
	bool biglock;

	biglock = (p->p_flags & WQPOOL_BIGLOCK) != 0;
	l->l_curwork = wk;
	if (biglock)
		wqk_kernel_lock(1);
	held = KERN_CHECKING() ? lockdebug_held() : 0;
	(*p->p_func)(wk, p->p_arg);
	/* From here on wk is an address, not a work. */
	wqpool_check_fork(p);
	if (KERN_CHECKING())
		wqpool_check_return(p, l, biglock, held);
	if (biglock)
		wqk_kernel_unlock(1, NULL);
	l->l_curwork = NULL;
}

/*
 * With p_lock held: what the runner has called has returned.
 */
static void
wqpool_ran(struct wqpool *p, struct wqpool_runner *wr)
{

	wr->wr_cur = NULL;
	p->p_nrunning--;
	p->p_ndone++;
	if (p->p_waiters != NULL)
		wqpool_check_waiters(p);
}

/*
 * Take a batch, if this is the only thread and there is more than one work
 * that nobody waits for.  Return how many.
 */
static unsigned
wqpool_take(struct wqpool *p, struct wqpool_runner *wr)
{
	struct work *wk;
	unsigned n;

	if (p->p_maxthreads != 1 || p->p_nthreads != 1 ||
	    wr->wr_next != NULL || p->p_runners != wr ||
	    wr->wr_again != NULL || p->p_waiters != NULL)
		return 0;
	wqpool_order(p);
	if (p->p_first == NULL || p->p_first->wk_dummy == NULL)
		return 0;
	for (n = 0; n < WQPOOL_BATCH && (wk = p->p_first) != NULL; n++) {
		wr->wr_batch[n] = wk;
		p->p_first = wk->wk_dummy;
	}
	if (p->p_first == NULL)
		p->p_lastp = &p->p_first;
	wr->wr_end = n;
	/* The first is begun at once.  Both are published by p_lock. */
	atomic_store_relaxed(&wr->wr_begun, 1u);
	atomic_store_relaxed(&wr->wr_recalled, 0);
	p->p_batcher = wr;
	return n;
}

/*
 * The next work of the batch is begun.  False if it has been recalled; to
 * whom the work belongs then is known under p_lock.
 */
static inline bool
wqpool_begin(struct wqpool_runner *wr, unsigned begun)
{

	/* Release: who finds a work done sees what it did. */
	if (host_asymfence) {
		atomic_store_release(&wr->wr_begun, begun);
		host_fence_light();
		return __predict_true(
		    atomic_load_relaxed(&wr->wr_recalled) == 0);
	}
	(void)atomic_swap_seq_cst(&wr->wr_begun, begun);
	return atomic_load_seq_cst(&wr->wr_recalled) == 0;
}

/*
 * Run a batch of n works.  p_lock is held, on entry and return.
 */
static void
wqpool_run_batch(struct wqpool *p, struct wqpool_runner *wr, unsigned n)
{
	unsigned i;

	mutex_exit(&p->p_lock);
	i = 0;
	do {
		wqpool_call(p, wr->wr_lwp, wr->wr_batch[i]);
	} while (++i < n && wqpool_begin(wr, i + 1));
	/* See workqueue_worker(). */
	if (n < WQPOOL_BATCH / 2 && cpu_spinok && i == n &&
	    !wqpool_inbox_empty(p))
		workqueue_gather();
	mutex_enter(&p->p_lock);
	if (p->p_batcher == wr) {
		p->p_batcher = NULL;
		p->p_seq += n;
		p->p_ndone += n;
		return;
	}
	/* Recalled: as we began the last, before, or after that was seen? */
	if (i < wr->wr_end) {
		mutex_exit(&p->p_lock);
		wqpool_call(p, wr->wr_lwp, wr->wr_batch[i]);
		mutex_enter(&p->p_lock);
	}
	wqpool_ran(p, wr);
}

/*
 * Run works until there is none, or, if a flush is given, none that it waits
 * for.  p_lock is held, on entry and return.
 */
void
wqpool_run(struct wqpool *p, struct wqpool_runner *wr,
    const struct wqpool_waiter *until)
{
	struct wqpool_runner *helper;
	struct lwp *hl;
	unsigned n;
	bool start;

	for (;;) {
		if (until == NULL && (n = wqpool_take(p, wr)) != 0) {
			wqpool_run_batch(p, wr, n);
			continue;
		}
		if (until != NULL && wr->wr_again == NULL) {
			wqpool_marks(p);
			if (until->pw_known)
				break;
		}
		if (!wqpool_next(p, wr, until != NULL))
			break;
		p->p_nrunning++;
		/* More is there: wake one who helps, or start one. */
		hl = NULL;
		if (p->p_first != NULL && p->p_nstarting == 0 &&
		    (helper = p->p_idle) != NULL) {
			hl = helper->wr_lwp;
			wqpool_idle_remove(p, helper);
			p->p_nstarting++;
		}
		start = hl == NULL && wqpool_want(p,
		    (p->p_flags & WQPOOL_SPARE) != 0);
		mutex_exit(&p->p_lock);
		if (hl != NULL)
			lwp_unpark(hl);
		/* If that fails we, or another, come to it later. */
		if (start)
			(void)wqpool_start(p);
		wqpool_call(p, wr->wr_lwp, wr->wr_cur);
		mutex_enter(&p->p_lock);
		wqpool_ran(p, wr);
	}
	if (p->p_waiters != NULL)
		wqpool_check_quiet(p);
	wqpool_check_end(p);
}

/*
 * Spin for a while before sleeping, if that pays, as workqueue_spin() does;
 * but the thread is on p_idle already, and awaits its token.
 */
static void
wqpool_spin(struct wqpool_runner *wr, int64_t start)
{
	struct lwp *l;
	unsigned n;

	l = wr->wr_lwp;
	if (wr->wr_gap >= kern_spin ||
	    atomic_load_relaxed(&l->l_wakercpu) >= 0)
		return;
	if (atomic_fetch_add_relaxed(&workqueue_spinners, 1) < cpu_real - 1)
		for (n = 1; !host_parkready(&l->l_park); n++) {
			host_pause();
			if (n % 32 == 0 &&
			    host_monotime() - start >= kern_spin)
				break;
		}
	(void)atomic_fetch_add_relaxed(&workqueue_spinners, -1);
}

/*
 * Sleep until there is something to do.  False if the thread shall end.
 */
bool
wqpool_sleep(struct wqpool *p, struct wqpool_runner *wr)
{
	struct lwp *l;
	int64_t deadline, gap, start;
	int error;
	bool spin;

	l = wr->wr_lwp;
	/* The one that has been idle for longest is kept. */
	deadline = HOST_FOREVER;
	if (p->p_idletime != 0 && p->p_idle != NULL)
		deadline = host_monotime() + p->p_idletime;
	wqpool_idle_insert(p, wr);
	error = 0;
	spin = cpu_spinok && kern_spin != 0;
	start = spin ? host_monotime() : 0;
	while (wr->wr_idle && !p->p_exit && p->p_first == NULL &&
	    wqpool_inbox_empty(p) && error == 0) {
		mutex_exit(&p->p_lock);
		if (spin) {
			spin = false;
			wqpool_spin(wr, start);
			atomic_store_relaxed(&l->l_wakercpu, -1);
		}
		error = lwp_timedpark(l, deadline);
		mutex_enter(&p->p_lock);
	}
	if (start != 0) {
		/* Who woke us from our own CPU cannot run while we spin. */
		if (atomic_load_relaxed(&l->l_wakercpu) != host_curcpu())
			atomic_store_relaxed(&l->l_wakercpu, -1);
		gap = host_monotime() - start;
		if (gap > kern_spin * 4)
			gap = kern_spin * 4;
		wr->wr_gap += (gap - wr->wr_gap) / 4;
	}
	/* Somebody has taken us off, for work. */
	if (!wr->wr_idle) {
		wqpool_arrived(p);
		return true;
	}
	wqpool_idle_remove(p, wr);
	if (p->p_exit)
		return p->p_first != NULL || !wqpool_inbox_empty(p);
	/* Ours to answer are: works, and producers that have found us. */
	return error == 0 || p->p_idle == NULL || p->p_first != NULL ||
	    !wqpool_inbox_empty(p);
}

__kern_public void
wqpool_gather(void)
{

	if (cpu_spinok && kern_spin != 0)
		workqueue_gather();
}

__kern_public void
wqpool_nap(int64_t ns)
{

	(void)lwp_timedpark(curlwp_get(), host_monotime() + ns);
}

__kern_public bool
wqpool_asymfence(void)
{

	kern_init();
	return host_asymfence;
}

__kern_public void
wqpool_fence(void)
{

	host_fence_heavy();
}

__kern_public bool
wqpool_checking(void)
{

	kern_init();
	return KERN_CHECKING();
}

__kern_public const void *
wqpool_checkin(const struct work *wk, const void *where)
{

	return wqcheck_enqueue(wk, where);
}

__kern_public void
wqpool_checkout(const struct work *wk)
{

	wqcheck_run(wk, NULL);
}

__kern_public struct wqpool *
wqpool_current(struct work **wkp)
{
	struct lwp *l;

	l = host_self();
	if (wkp != NULL)
		*wkp = l == NULL ? NULL : l->l_curwork;
	return l == NULL ? NULL : l->l_wqpool;
}
