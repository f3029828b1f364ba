/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Pools: queues with several runners.
 *
 * The inbox is the same as in subr_workqueue.c, with the same rules for
 * producers.  If other items are left when a thread begins an item, the thread
 * first wakes or starts one more thread.  So each thread wakes the next, and a
 * burst of items spreads over the threads.  No item waits for the callback of
 * another item while a thread could run it.
 *
 * p_nstarting counts a thread that is being started, or that another thread has
 * woken to help.  It counts this helper until the helper begins to look for an
 * item.  Until then no other helper is woken or started.  (But a producer, or
 * wqpool_kick(), may wake an idle thread.)  When the helper has taken an item
 * and other items are left, it wakes or starts the next helper.  If the pool
 * has a start hook, p_nstarting counts the helper only until it calls the hook.
 * The helper may start the next thread before that call.
 *
 * The rules, with p_lock held:
 *
 * Announcement.  The inbox contains at most one idle thread, p_announced:
 * alone, or behind the oldest item.  If a producer finds the thread in the
 * inbox, it wakes the thread.  When the inbox has no item, p_announced is the
 * first thread of p_idle.  If p_idle is empty, p_announced is NULL, except in a
 * cold pool (see below).  Code that changes p_idle or takes the items of the
 * inbox ensures this.  A thread that is announced, or that a producer has
 * found, stays idle until it removes itself from p_idle, or until another
 * thread removes it and then wakes it.  A thread ends only after the swap that
 * takes it out of the inbox has succeeded, because then no producer is going to
 * wake it.
 *
 * No item is left behind.  While there is an item in the inbox or on the list,
 * one of two things is true.  Either a thread is awake, or a producer is about
 * to wake one.  That thread will look at the inbox and at the list before it
 * sleeps.  A producer may be preempted before it wakes the thread.  So a thread
 * that waits until items have run wakes an idle thread itself (wqpool_kick()).
 * A thread that moves the items of the inbox to the list (wqpool_order()), and
 * is no runner, also wakes an idle thread.  Until the pool ends (WQPOOL_ENDS),
 * an idle thread ends only if another one is idle, so the last thread stays.
 *
 * Cold.  A pool is cold while it has no thread of its own.  A pool that is to
 * keep a spare thread (WQPOOL_SPARE) has a record of subr_wqlend.c.  The runner
 * of this record is p_cold, and a cold pool announces it.  If a producer finds
 * this runner in the inbox, it pushes the record to the lender.  The lender
 * then starts a thread, or has the rescuer visit the pool (wqpool_cold_ops);
 * see subr_wqlender.c.  A pool may become cold while there are items, or remain
 * cold because a thread was refused.  Then the thread that changes p_nthreads
 * pushes the record itself (wqpool_cool()).  Without WQPOOL_SPARE, the client
 * calls wqpool_grow() after an enqueue instead.  If the system refuses the
 * thread, p_lacks is called.
 *
 * Refused.  p_short is set if the system refuses a thread and no thread is
 * idle.  All threads may then be blocked in callbacks, so another thread must
 * try again.  A callout, and the threads that wait, try every tick until there
 * is a thread, or until none is needed any more.  The callout needs the callout
 * thread.  So wqpool_create() and wqpool_setmax() start it if the pool has
 * WQPOOL_SPARE and may have more than one thread.  A pool requests the callout
 * thread again when the system refuses a thread, because the first request may
 * have failed, or may not have been made.  If this request fails, too, the item
 * is left until a thread returns from a callback, begins to wait for an item,
 * or calls wqpool_grow().
 *
 * An item is identified by its address, under p_lock, as in workqueue_wait().
 *
 * Batches.  If a pool has only one thread, that thread may take several items
 * at a time, and run them without p_lock.  wr_begun is the number of items that
 * it has begun.  While p_batcher points to the runner of this thread, p_seq,
 * p_ndone, p_nrunning and wr_cur are out of date.
 *
 * A thread that needs these fields, or the list, first calls wqpool_order(),
 * which recalls the batch: it returns the rest of the batch to the list, and
 * corrects the numbers.  The runner stores wr_begun and then loads wr_recalled.
 * The recalling thread stores wr_recalled and then loads wr_begun.  The
 * asymmetric fence, or sequential consistency, ensures that at least one of
 * them sees the other's store.  No batch is taken while a thread waits, and a
 * thread that begins to wait recalls the batch.
 */

#include <string.h>

#include <host/host_call.h>
#include <host/host_probe.h>

#include "kern.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_plant.h"
#include "subr_cpu.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"
#include "subr_wqinbox.h"
#include "subr_wqpool.h"
#include "subr_wqpool_var.h"
#include "subr_wqspin.h"
#include "subr_wqstat.h"
#include "subr_wqtrace.h"

/*
 * Return the client's function for an item, or 0 if the item is not a client's.
 */
static uintptr_t
wqpool_target(const struct wqpool *p, const struct work *wk)
{
	const struct wqpool_kind *pk;
	uintptr_t func;

	pk = p->p_kind;
	if (pk == NULL || pk->pk_func == WQPOOL_NOFUNC)
		return (uintptr_t)p->p_func;
	if (pk->pk_hidden[PKH_ACTIVE] != 0 || (pk->pk_mark != 0 &&
	    (const char *)wk == (const char *)p->p_arg + pk->pk_mark))
		return 0;
	memcpy(&func, (const char *)wk + pk->pk_func, sizeof(func));
	return func;
}

/*
 * Do what a tool and the trace need before an item is enqueued.
 */
static __kern_noinline void
wqpool_enqueue_slow(struct wqpool *p, struct work *wk)
{

	if (KERN_WATCHED()) {
		host_access_item(wk);
		host_happens_before(wk);
		host_unwatched(wk, sizeof(struct wqpool_work));
	}
	if (KERN_TRACING() && wqpool_target(p, wk) != 0)
		wqtrace_enqueue(wk, p->p_name);
}

__kern_public void
wqpool_enqueue(struct wqpool *p, struct work *wk)
{

	HOST_PROBE2(sdt, kernel__wqpool__enqueue, p, wk);
	wqpool_check_fork(p);
	if (KERN_SLOW())
		wqpool_enqueue_slow(p, wk);
	wqinbox_push(&p->p_inbox, wk);
}

/*
 * The inbox.
 */

/*
 * Return the runner to announce, or NULL.
 */
static inline const struct runner *
wqpool_sleeper(const struct wqpool *p)
{

	if (p->p_idle != NULL)
		return &p->p_idle->wr_lwp->l_runner;
	return p->p_nthreads == p->p_nvisitors ? p->p_cold : NULL;
}

/*
 * Return the rest of the batch to the list: the items that have not begun.
 * Correct the numbers.  The last item that has begun counts as running.  Its
 * thread takes p_lock as soon as the item has run.
 */
static __kern_noinline void
wqpool_recall(struct wqpool *p)
{
	struct wqpool_runner *wr;
	unsigned begun, i;

	KASSERT(mutex_owned(&p->p_lock));
	wr = p->p_batcher;
	p->p_batcher = NULL;
	atomic_store_seq_cst(&wr->wr_recalled, 1);
	if (host_asymfence)
		host_fence_heavy();
	begun = atomic_load_seq_cst(&wr->wr_begun);
	for (i = wr->wr_end; i > begun; i--)
		wqpool_link(p, &p->p_first, wr->wr_batch[i - 1]);
	wr->wr_end = begun;
	p->p_seq += begun;
	p->p_ndone += begun - 1;
	p->p_nrunning++;
	wqpool_do(wr, WQPOOL_BATCHES, WQPOOL_RUNS);
	wr->wr_cur = wr->wr_batch[begun - 1];
	wr->wr_seq = p->p_seq;
}

/*
 * Recall the batch, and move the items of the inbox to the ordered list.  The
 * thread that was announced stays on p_idle, because the producer that found it
 * may not have woken it yet.
 */
void
wqpool_order(struct wqpool *p)
{
	struct work *wk, **endp;
	uintptr_t w;

	if (p->p_batcher != NULL)
		wqpool_recall(p);
	if (wqpool_inbox_empty(p))
		return;
	p->p_announced = wqpool_sleeper(p);
	w = wqinbox_take_announce(&p->p_inbox, p->p_announced);
	/* The newest item comes first here, and last on the list. */
	for (endp = p->p_lastp; !wqinbox_end(w);) {
		wk = (struct work *)w;
		w = (uintptr_t)wk->wk_dummy;
		wqpool_link(p, endp, wk);
	}
}

/*
 * Update the announcement after a change of p_idle.  If the inbox is not empty,
 * leave this to the thread that orders the inbox.
 */
static void
wqpool_announce(struct wqpool *p)
{
	const struct runner *r;

	r = wqpool_sleeper(p);
	if (p->p_announced != r &&
	    wqinbox_announce(&p->p_inbox, p->p_announced, r))
		p->p_announced = r;
}

/*
 * If the pool is cold, announce p_cold.  If it has items, too, have the lender
 * start a thread, or have the client help.
 */
void
wqpool_cool(struct wqpool *p)
{

	KASSERT(mutex_owned(&p->p_lock));
	if (p->p_nthreads != p->p_nvisitors)
		return;
	wqpool_announce(p);
	if (p->p_first == NULL && wqpool_inbox_empty(p))
		return;
	if (p->p_cold != NULL)
		(*p->p_cold->r_wakeup)(p->p_cold);
	else if (p->p_lacks != NULL)
		(*p->p_lacks)(p->p_arg);
}

static void
wqpool_idle_insert(struct wqpool *p, struct wqpool_runner *wr)
{

	wqpool_do(wr, WQPOOL_LOOKS, WQPOOL_IDLES);
	wr->wr_idlenext = p->p_idle;
	p->p_idle = wr;
	p->p_short = false;
	wqpool_announce(p);
}

static void
wqpool_idle_remove(struct wqpool *p, struct wqpool_runner *wr)
{
	struct wqpool_runner **wrp;

	wqpool_do(wr, WQPOOL_IDLES, WQPOOL_LOOKS);
	for (wrp = &p->p_idle; *wrp != wr; wrp = &(*wrp)->wr_idlenext)
		continue;
	*wrp = wr->wr_idlenext;
	wqpool_announce(p);
}

/*
 * Items.
 */

/*
 * In a pool that never runs an item on two threads at once (WQPOOL_EXCLUSIVE),
 * return the runner that runs this item now.  Return NULL if there is none, or
 * in any other pool.
 */
static inline struct wqpool_runner *
wqpool_excludes(struct wqpool *p, const struct work *wk)
{
	struct wqpool_runner *wr;

	if ((p->p_flags & WQPOOL_EXCLUSIVE) == 0 || p->p_nrunning == 0)
		return NULL;
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		if (wr->wr_cur == wk)
			break;
	return wr;
}

/*
 * Give the runner the oldest item that it may run.  Return false if there is
 * none.
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
	 * If the pool has one thread too many, leave the items to the other
	 * threads.  But a thread that waits in a callback (nested) must run
	 * items itself, because all other threads may be waiting in callbacks,
	 * too.
	 */
	if (!nested && p->p_nthreads > p->p_maxthreads &&
	    p->p_runners->wr_next != NULL) {
		wqpool_order(p);
		return false;
	}
	for (;;) {
		/*
		 * While the list has more than one item, leave the inbox to the
		 * producers.  But if there are waiters, order the inbox in any
		 * case, because the second entry of the list may be a mark and
		 * not an item.
		 */
		if (p->p_waiters != NULL || p->p_first == NULL ||
		    p->p_first->wk_dummy == NULL)
			wqpool_order(p);
		if (p->p_waiters != NULL)
			wqpool_marks(p);
		if ((wk = p->p_first) == NULL)
			return false;
		wqpool_unlink(p, wk);
		p->p_seq++;
		if (p->p_waiters != NULL)
			wqpool_number(p, wk, p->p_seq);
		if ((other = wqpool_excludes(p, wk)) == NULL) {
			wr->wr_cur = wk;
			wr->wr_seq = p->p_seq;
			return true;
		}
		/*
		 * The item is running, so its runner will run it again
		 * afterwards.
		 */
		other->wr_again = wk;
		other->wr_againseq = p->p_seq;
	}
}

/*
 * End a retiring pool if it has nothing more to do.
 */
void
wqpool_maybe_end(struct wqpool *p)
{
	struct wqpool_runner *wr;

	KASSERT(mutex_owned(&p->p_lock));
	if (p->p_state != WQPOOL_RETIRES)
		return;
	wqpool_order(p);
	if (!wqpool_isquiet(p))
		return;
	p->p_state = WQPOOL_ENDS;
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		lwp_unpark(wr->wr_lwp);
}

static void
wqpool_check_return(struct wqpool *p, struct lwp *l, int held)
{
	struct context cx = { IPL_NONE, 0, 0 };
	char what[MAXCOMLEN + 8];
	const void *f;

	f = (const void *)(uintptr_t)p->p_func;
	(void)ksnprintf(what, sizeof(what), "pool \"%s\"", p->p_name);
	lockdebug_barrier(what, f, held);
	context_check(l, &cx, "%s: function %pF returned", what, f);
}

/*
 * Call the callback in checking mode, while a tool watches, or with a trace.
 */
static __kern_noinline void
wqpool_call_slow(struct wqpool *p, struct lwp *l, struct work *wk)
{
	uintptr_t func;
	int held;

	held = KERN_CHECKING() ? lockdebug_held() : 0;
	if (KERN_WATCHED()) {
		host_happens_after(wk);
		host_access_item(wk);
	}
	func = KERN_TRACING() ? wqpool_target(p, wk) : 0;
	if (func != 0)
		wqtrace_begin(wqtrace_take(wk), wk, p->p_name, func);
	(*p->p_func)(wk, p->p_arg);
	KERN_BEFORE(p);
	/* The item may be gone: from here on, use only its address. */
	if (func != 0)
		wqtrace_end();
	wqpool_check_fork(p);
	if (KERN_CHECKING())
		wqpool_check_return(p, l, held);
}

/*
 * Call the callback, without p_lock.
 */
static inline void
wqpool_call(struct wqpool *p, struct lwp *l, struct work *wk)
{

	l->l_curwork = wk;
	host_callback((uintptr_t)p->p_func, true);
	HOST_PROBE4(sdt, kernel__wqpool__entry, p, wk, p->p_func, p->p_arg);
	if (KERN_SLOW())
		wqpool_call_slow(p, l, wk);
	else
		(*p->p_func)(wk, p->p_arg);
	host_callback((uintptr_t)p->p_func, false);
	/* The item may be gone: from here on, use only its address. */
	HOST_PROBE4(sdt, kernel__wqpool__return, p, wk, p->p_func, p->p_arg);
	wqpool_check_fork(p);
	l->l_curwork = NULL;
}

/*
 * Record the return of the runner's callback.
 */
static void
wqpool_ran(struct wqpool *p, struct wqpool_runner *wr)
{

	wqpool_do(wr, WQPOOL_RUNS, WQPOOL_LOOKS);
	wr->wr_cur = NULL;
	p->p_nrunning--;
	p->p_ndone++;
	if (p->p_waiters != NULL)
		wqpool_wake_passed(p);
}

/*
 * Take a batch, if this is the only thread, there is more than one item, and no
 * thread waits.  Return the number of items taken.
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
		wqpool_unlink(p, wk);
	}
	wqpool_do(wr, WQPOOL_LOOKS, WQPOOL_BATCHES);
	wr->wr_end = n;
	/* The first item begins at once.  p_lock publishes both stores. */
	atomic_store_relaxed(&wr->wr_begun, 1u);
	atomic_store_relaxed(&wr->wr_recalled, 0);
	p->p_batcher = wr;
	return n;
}

/*
 * Begin the next item of the batch.  Return false if the batch was recalled.
 * The caller must then take p_lock to find out whether the item is still its
 * own.
 */
static inline bool
wqpool_begin(struct wqpool_runner *wr, unsigned begun)
{

	/*
	 * Release: a thread that finds an item done also sees what its callback
	 * did.
	 */
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
 * Run a batch of n items, with p_lock released.
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
	/* As in workqueue_serve(). */
	if (n < WQPOOL_BATCH / 2 && cpu_spinok && i == n &&
	    !wqpool_inbox_empty(p))
		wqspin_gather();
	mutex_enter(&p->p_lock);
	if (p->p_batcher == wr) {
		p->p_batcher = NULL;
		wqpool_do(wr, WQPOOL_BATCHES, WQPOOL_LOOKS);
		p->p_seq += n;
		p->p_ndone += n;
		return;
	}
	/*
	 * The batch was recalled.  If i < n, wqpool_begin() had already counted
	 * item i.  If the recalling thread saw this count, it left item i to
	 * this thread.  Then call the callback here.
	 */
	if (i < wr->wr_end) {
		mutex_exit(&p->p_lock);
		wqpool_call(p, wr->wr_lwp, wr->wr_batch[i]);
		mutex_enter(&p->p_lock);
	}
	wqpool_ran(p, wr);
}

/*
 * Run the item that wqpool_next() has given to the runner.  p_lock is released
 * while the callback runs.
 */
static inline __attribute__((__always_inline__)) void
wqpool_run_next(struct wqpool *p, struct wqpool_runner *wr, bool spare)
{
	struct wqpool_runner *helper;
	struct lwp *hl;
	bool start;

	p->p_nrunning++;
	wqpool_do(wr, WQPOOL_LOOKS, WQPOOL_RUNS);
	/*
	 * If there are more items, wake or start a thread to help.  If "spare"
	 * is set, start a thread even if there are no more items.
	 */
	hl = NULL;
	if (p->p_first != NULL && p->p_nstarting == 0 &&
	    (helper = p->p_idle) != NULL) {
		hl = helper->wr_lwp;
		wqpool_idle_remove(p, helper);
		p->p_nstarting++;
	}
	start = hl == NULL && wqpool_want(p, spare);
	mutex_exit(&p->p_lock);
	if (hl != NULL && !KERN_BUG(KICK))
		lwp_unpark(hl);
	/* If the start fails, existing threads run the other items. */
	if (start && !KERN_BUG(KICK))
		(void)wqpool_start(p);
	wqpool_call(p, wr->wr_lwp, wr->wr_cur);
	mutex_enter(&p->p_lock);
	wqpool_ran(p, wr);
}

/*
 * Run one item.  In a WQPOOL_EXCLUSIVE pool, the item may be enqueued again
 * meanwhile.  Then only this runner may run the item, so run it again.
 */
void
wqpool_run_one(struct wqpool *p, struct wqpool_runner *wr)
{

	KASSERT(mutex_owned(&p->p_lock));
	while (wqpool_next(p, wr, false)) {
		wqpool_cool(p);
		wqpool_run_next(p, wr, false);
		if (wr->wr_again == NULL)
			break;
	}
	if (p->p_waiters != NULL) {
		/* The callback may have enqueued an item. */
		wqpool_order(p);
		wqpool_marks(p);
		wqpool_wake_quiet(p);
	}
	wqpool_maybe_end(p);
}

/*
 * Run items until none is left.  If "until" is not NULL, stop when no item is
 * left for which this waiter waits.  p_lock is released while a callback runs.
 */
void
wqpool_run(struct wqpool *p, struct wqpool_runner *wr,
    const struct wqpool_waiter *until)
{
	unsigned n;

	KASSERT(mutex_owned(&p->p_lock));
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
		wqpool_run_next(p, wr, (p->p_flags & WQPOOL_SPARE) != 0);
	}
	if (p->p_waiters != NULL)
		wqpool_wake_quiet(p);
	wqpool_maybe_end(p);
}

static bool
wqpool_woken(const void *arg)
{
	const struct lwp *l;

	l = arg;
	return host_parkready(&l->l_park);
}

/*
 * Spin for a while before a sleep, if that pays, as workqueue_spin() does.  The
 * thread is already on p_idle.  It spins until it is unparked, but not longer
 * than kern_spin nanoseconds.
 */
static void
wqpool_spin(struct wqpool_runner *wr, int64_t start)
{

	if (wqspin_samecpu(wr->wr_lwp) || !wqspin_enter(wr->wr_gap, kern_spin))
		return;
	(void)wqspin_until(wqpool_woken, wr->wr_lwp, start, kern_spin);
	wqspin_exit();
}

/*
 * Sleep until there is something to do.  Return false if the thread must end.
 */
bool
wqpool_sleep(struct wqpool *p, struct wqpool_runner *wr)
{
	struct lwp *l;
	int64_t deadline, start;
	int error;
	bool spin;

	KASSERT(mutex_owned(&p->p_lock));
	l = wr->wr_lwp;
	/* If no other thread is idle, this one sleeps without a deadline. */
	deadline = HOST_FOREVER;
	if (p->p_idletime != 0 && p->p_idle != NULL)
		deadline = host_monotime() + p->p_idletime;
	wqpool_idle_insert(p, wr);
	error = 0;
	spin = cpu_spinok && kern_spin != 0;
	start = spin ? host_monotime() : 0;
	while (wr->wr_doing == WQPOOL_IDLES && p->p_state != WQPOOL_ENDS &&
	    p->p_first == NULL && wqpool_inbox_empty(p) && error == 0) {
		mutex_exit(&p->p_lock);
		if (spin) {
			spin = false;
			wqpool_spin(wr, start);
			wqspin_ask(l);
		}
		error = lwp_timedpark(l, deadline);
		mutex_enter(&p->p_lock);
	}
	if (start != 0) {
		wqspin_learn(l);
		wqspin_waited(&wr->wr_gap, host_monotime() - start, kern_spin);
	}
	/* Another thread removed this one from p_idle and woke it to help. */
	if (wr->wr_doing != WQPOOL_IDLES) {
		wqpool_arrived(p);
		return true;
	}
	wqpool_idle_remove(p, wr);
	if (p->p_state == WQPOOL_ENDS)
		return p->p_first != NULL || !wqpool_inbox_empty(p);
	/*
	 * End only after a timeout, if another thread is idle and there is no
	 * item.  If the inbox has an item, its producer may have found this
	 * thread there and be about to wake it.
	 */
	return error == 0 || p->p_idle == NULL || p->p_first != NULL ||
	    !wqpool_inbox_empty(p);
}
