/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The calls that search for an item or wait: workqueue_wait(),
 * workqueue_timedwait(), workqueue_drain() and workqueue_cancel().
 *
 * A call that waits for an item first finds the item's position.  Then it waits
 * until its queue has run that many items.  subr_workqueue_waiter.c has the
 * worker's part.
 */

#include <errno.h>

#include <host/host_probe.h>

#include <sys/workqueue_ext.h>

#include "kern.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_plant.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"
#include "subr_workqueue.h"
#include "subr_wqcheck.h"

/*
 * Make the worker look for waiters when it reaches a position.  The caller
 * holds the lock of the queue.  Return false if the worker has reached the
 * position already.  The worker may then have missed the waiter.
 */
static bool
workqueue_arm(struct workqueue_queue *q, uint64_t pos)
{

	KASSERT(mutex_owned(&q->q_lock));
	if (pos >= atomic_load_relaxed(&q->q_waitpos))
		return true;
	/* These stores and loads pair with workqueue_done(). */
	if (KERN_BUG(SWAP))
		atomic_store_relaxed(&q->q_waitpos, pos);
	else {
		(void)atomic_swap_seq_cst(&q->q_waitpos, pos);
		host_fence_heavy();
	}
	return atomic_load_seq_cst(&q->q_done) < pos;
}

/*
 * Put a waiter on a locked queue.
 */
static void
workqueue_register(struct workqueue_queue *q, struct workqueue_waiter *ww,
    struct lwp *l, const struct work *wk, const struct workqueue_place *wp)
{

	KASSERT(mutex_owned(&q->q_lock));
	HOST_PROBE2(sdt, kernel__workqueue__wait__hit, q->q_wq, wk);
	/*
	 * A producer that found the worker asleep may have been preempted
	 * before it woke the worker.  So wake the worker here.
	 */
	(*q->q_wq->wq_hooks->wh_poke)(q);
	ww->ww_queue = q;
	ww->ww_lwp = l;
	ww->ww_work = wk;
	ww->ww_pos = wp->wp_pos;
	ww->ww_taken = wp->wp_item != ITEM_LISTED;
	ww->ww_done = 0;
	ww->ww_next = q->q_waiters;
	q->q_waiters = ww;
	if (!ww->ww_taken) {
		/*
		 * No fence is needed: before the worker reaches ww_pos, it
		 * takes q_lock once more.
		 */
		if (ww->ww_pos < atomic_load_relaxed(&q->q_waitpos))
			atomic_store_relaxed(&q->q_waitpos, ww->ww_pos);
	} else if (!workqueue_arm(q, ww->ww_pos)) {
		/* The worker may have missed the waiter: do not wait. */
		q->q_waiters = ww->ww_next;
		ww->ww_done = 1;
	}
}

/*
 * Wait for the registered event, and return 0.  At the deadline, remove the
 * waiter and return ETIMEDOUT.
 */
static int
workqueue_await(struct workqueue_waiter *ww, struct lwp *l, int64_t deadline)
{
	struct workqueue_waiter **wwp;
	struct workqueue_queue *q;
	int error;

	/* Acquire: pairs with the release in workqueue_wakeup_done(). */
	while (!atomic_load_acquire(&ww->ww_done)) {
		if (lwp_timedpark(l, deadline) != ETIMEDOUT)
			continue;
		q = ww->ww_queue;
		error = 0;
		mutex_enter(&q->q_lock);
		for (wwp = &q->q_waiters; *wwp != NULL;
		    wwp = &(*wwp)->ww_next)
			if (*wwp == ww) {
				*wwp = ww->ww_next;
				error = ETIMEDOUT;
				break;
			}
		mutex_exit(&q->q_lock);
		if (error != 0)
			return error;
	}
	return 0;
}

/*
 * Wait for an item on all queues.
 *
 * If an item enqueues itself on another CPU, it may be running on several CPUs
 * and be pending on one more.  So search all queues.  They need not be locked
 * together: an item that was enqueued on a queue before the call stays on that
 * queue until its callback has returned.
 *
 * Do not wait for an item that only the calling worker could run.  Return
 * EDEADLK instead, or 0 if the worker is running this item.
 *
 * If the item is on more queues than wws has room for, set *morep.  The caller
 * then calls again.
 */
#define	WQ_WAITERS	8

static int
workqueue_wait_all(struct workqueue *wq, const struct work *wk,
    struct lwp *l, int64_t deadline, bool *morep)
{
	struct workqueue_waiter wws[WQ_WAITERS];
	struct workqueue_place wp;
	struct workqueue_queue *q;
	bool watched;
	int error, i, n;

	error = 0;
	*morep = false;
	KERN_UNWATCHED(wws, sizeof(wws));
	for (i = n = 0; i < wq->wq_nqueues; i++) {
		q = &wq->wq_queues[i];
		if (!workqueue_find(q, wk, &wp))
			;
		else if (workqueue_runs(l, wq, q)) {
			HOST_PROBE2(sdt, kernel__workqueue__wait__self,
			    wq, wk);
			if (wp.wp_item != ITEM_RUNS)
				error = EDEADLK;
		} else if (n == WQ_WAITERS)
			*morep = true;
		else
			workqueue_register(q, &wws[n++], l, wk, &wp);
		workqueue_unfind(q, &wp);
	}
	/*
	 * Call workqueue_await() for each waiter, because wws is in this frame.
	 * After an error the deadline is 0, so that the call removes the waiter
	 * instead of waiting.
	 */
	for (i = 0; i < n; i++) {
		watched = KERN_CHECKING() && error == 0 &&
		    deadline == HOST_FOREVER;
		if (watched)
			lockdebug_wait_begin("workqueue_wait", wq,
			    wws[i].ww_queue, &wws[i].ww_done);
		if (workqueue_await(&wws[i], l, error == 0 ? deadline : 0) !=
		    0 && error == 0)
			error = ETIMEDOUT;
		if (watched)
			lockdebug_wait_end();
	}
	return error;
}

/*
 * Wait for an item until a deadline.  Return 0, ETIMEDOUT or EDEADLK.
 */
static int
workqueue_wait_until(struct workqueue *wq, struct work *wk, int64_t deadline,
    bool panics)
{
	struct lwp *l;
	bool more;
	int biglocks, error, n;

	error = 0;

	workqueue_check_process(wq,
	    panics ? "workqueue_wait" : "workqueue_timedwait");
	HOST_PROBE2(sdt, kernel__workqueue__wait__start, wq, wk);
	/* workqueue_destroy() waits until this call has ended. */
	(void)atomic_fetch_add_relaxed(&wq->wq_waiting, 1);
	l = curlwp_get();
	wqk_kernel_unlock(0, &biglocks);
	/*
	 * Each turn waits for up to WQ_WAITERS queues.  So wq_nqueues /
	 * WQ_WAITERS turns, rounded up, cover all queues.
	 */
	for (n = wq->wq_nqueues; n > 0; n -= WQ_WAITERS) {
		error = workqueue_wait_all(wq, wk, l, deadline, &more);
		if (error != 0 || !more)
			break;
	}
	if (error == EDEADLK && panics)
		panic("workqueue_wait: \"%s\": would deadlock waiting for "
		    "item %pI", wq->wq_name, (const void *)wk);
	workqueue_after(wq);
	HOST_PROBE2(sdt, kernel__workqueue__wait__done, wq, wk);
	/* Release: pairs with workqueue_destroy().  The last access to wq. */
	(void)atomic_fetch_add_acq_rel(&wq->wq_waiting, -1);
	wqk_kernel_lock(biglocks);
	return error;
}

/*
 * Tell checking mode that the caller is going to wait.  If there is only one
 * queue, a wait in its callback returns at once or panics.  So such a wait does
 * not count for the lock order.
 */
static void
workqueue_check_wait(struct workqueue *wq, const char *func, uintptr_t site)
{
	struct lwp *l;

	if (wq->wq_nqueues == 1 && (l = host_self()) != NULL &&
	    workqueue_runs(l, wq, NULL))
		return;
	lockdebug_maywait(func, wq, site);
}

__kern_public void
workqueue_wait(struct workqueue *wq, struct work *wk)
{

	workqueue_check_call(wq, "workqueue_wait");
	if (KERN_CHECKING())
		workqueue_check_wait(wq, "workqueue_wait", LOCKDEBUG_SITE());
	(void)workqueue_wait_until(wq, wk, HOST_FOREVER, true);
}

__kern_public int
workqueue_timedwait(struct workqueue *wq, struct work *wk,
    const struct timespec *ts)
{
	int64_t deadline, now;

	workqueue_check_call(wq, "workqueue_timedwait");
	deadline = HOST_FOREVER;
	if (ts != NULL) {
		if (ts->tv_sec < 0 || ts->tv_nsec < 0 ||
		    ts->tv_nsec >= 1000000000)
			return kern_einval("workqueue_timedwait", "\"%s\": "
			    "a time of %jd s, %ld ns", wq->wq_name,
			    (intmax_t)ts->tv_sec, (long)ts->tv_nsec);
		now = host_monotime();
		if (ts->tv_sec < (HOST_FOREVER - now) / 1000000000 - 1)
			deadline = now + (int64_t)ts->tv_sec * 1000000000 +
			    ts->tv_nsec;
	}
	if (KERN_CHECKING() && deadline == HOST_FOREVER)
		workqueue_check_wait(wq, "workqueue_timedwait",
		    LOCKDEBUG_SITE());
	return workqueue_wait_until(wq, wk, deadline, false);
}

__kern_public int
workqueue_drain(struct workqueue *wq)
{
	struct lwp *l;
	int biglocks;

	workqueue_check_call(wq, "workqueue_drain");
	workqueue_check_process(wq, "workqueue_drain");
	l = curlwp_get();
	if (workqueue_runs(l, wq, NULL))
		return EDEADLK;
	if (KERN_CHECKING())
		lockdebug_maywait("workqueue_drain", wq, LOCKDEBUG_SITE());
	(void)atomic_fetch_add_relaxed(&wq->wq_waiting, 1);
	wqk_kernel_unlock(0, &biglocks);
	workqueue_quiesce(wq);
	workqueue_after(wq);
	/* Release: as in workqueue_wait_until().  The last access to wq. */
	(void)atomic_fetch_add_acq_rel(&wq->wq_waiting, -1);
	wqk_kernel_lock(biglocks);
	return 0;
}

/*
 * Cancel an item of the batch, when the worker may be about to run the item.
 * The worker reports whether the call was in time.  The worker may need q_lock
 * for this, so release q_lock meanwhile.
 */
static bool
workqueue_cancel_late(struct workqueue_queue *q, struct work *wk, unsigned i,
    uint64_t pos)
{
	struct workqueue_canceller wc, **wcp;
	unsigned n;

	KERN_UNWATCHED(&wc, sizeof(wc));
	wc.wc_pos = pos;
	wc.wc_skipped = false;
	wc.wc_next = q->q_cancellers;
	q->q_cancellers = &wc;
	mutex_exit(&q->q_lock);
	/* Acquire: this thread observes the worker's answer. */
	for (n = 0; atomic_load_acquire(&q->q_begun) < pos;)
		host_relax(&n);
	mutex_enter(&q->q_lock);
	for (wcp = &q->q_cancellers; *wcp != &wc; wcp = &(*wcp)->wc_next)
		continue;
	*wcp = wc.wc_next;
	/*
	 * If the item runs, and the batch is still the same, restore the item's
	 * address, so that other threads find the item.
	 */
	if (!wc.wc_skipped && pos > q->q_base &&
	    pos <= q->q_base + (q->q_end - q->q_start))
		atomic_store_relaxed(&q->q_batch[i], wk);
	return wc.wc_skipped;
}

/*
 * Cancel an item on one queue.  The caller holds the queue's lock.
 */
static bool
workqueue_cancel_one(struct workqueue_queue *q, struct work *wk,
    struct workqueue_place *wp)
{
	struct work *o;
	uint64_t pos;
	unsigned i;

	KASSERT(mutex_owned(&q->q_lock));
	if (wp->wp_item == ITEM_RUNS)
		return false;
	/*
	 * Some waiters wait for an item that is now in the batch.  Tell each of
	 * them the position of its item.
	 */
	workqueue_settle(q);

	if (wp->wp_item == ITEM_LISTED) {
		workqueue_delist(q, wp);
		workqueue_release(q, 0, wk);
		return true;
	}

	/*
	 * The item is in the batch, which the worker reads without the lock.
	 * The worker stores q_done and then loads the item's place.  This call
	 * marks the place and then loads q_done.  At least one of the two sees
	 * the other's store.  So if q_done shows that an earlier item has not
	 * run yet, the worker will find the mark.
	 */
	pos = wp->wp_pos;
	i = q->q_start + (unsigned)(pos - q->q_base - 1);
	o = wk;
	if (!atomic_cas_seq_cst(&q->q_batch[i], &o,
	    (struct work *)((uintptr_t)wk | WQ_CANCELLED)))
		return false;		/* another thread cancels it */
	if (!KERN_BUG(CANCEL))
		host_fence_heavy();
	if (atomic_load_seq_cst(&q->q_done) >= pos - 1) {
		/*
		 * Release q_findlock, because a callback of this worker may
		 * need it before the worker answers.
		 */
		workqueue_unlist(q, wp);
		return workqueue_cancel_late(q, wk, i, pos);
	}
	atomic_store_relaxed(&q->q_batch[i], (struct work *)WQ_CANCELLED);
	if (KERN_CHECKING())
		wqcheck_dequeue(wk);
	workqueue_release(q, pos, wk);
	return true;
}

__kern_public bool
workqueue_cancel(struct workqueue *wq, struct work *wk)
{
	struct workqueue_place wp;
	struct workqueue_queue *q;
	bool cancelled;
	int i;

	workqueue_check_call(wq, "workqueue_cancel");
	workqueue_check_process(wq, "workqueue_cancel");
	/* workqueue_destroy() waits until this call has ended. */
	(void)atomic_fetch_add_relaxed(&wq->wq_waiting, 1);
	cancelled = false;
	for (i = 0; i < wq->wq_nqueues && !cancelled; i++) {
		q = &wq->wq_queues[i];
		if (workqueue_find(q, wk, &wp))
			cancelled = workqueue_cancel_one(q, wk, &wp);
		workqueue_unfind(q, &wp);
	}
	workqueue_after(wq);
	KERN_AFTER(wk);
	/* Release: as in workqueue_wait_until().  The last access to wq. */
	(void)atomic_fetch_add_acq_rel(&wq->wq_waiting, -1);
	return cancelled;
}
