/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_wait(): find a work on the ordered side, and wait until the
 * number of works that its queue has run reaches its position.
 */

#include <host/host_probe.h>

#include "subr_workqueue.h"

/*
 * Wake those whose work has been run.
 */
void
workqueue_notify(struct workqueue_queue *q, uint64_t done)
{
	struct workqueue_waiter *ww, **wwp;
	struct lwp *l;
	uint64_t pos;

	if (q->q_wq->wq_forkgen != kern_forkgen)
		panic("workqueue \"%s\": function %p returned in a child of "
		    "its process", q->q_wq->wq_name,
		    (void *)(uintptr_t)q->q_wq->wq_func);
	mutex_enter(&q->q_lock);
	pos = WQ_NOPOS;
	for (wwp = &q->q_waiters; (ww = *wwp) != NULL;) {
		if (ww->ww_pos > done) {
			if (ww->ww_pos < pos)
				pos = ww->ww_pos;
			wwp = &ww->ww_next;
			continue;
		}
		*wwp = ww->ww_next;
		l = ww->ww_lwp;
		/*
		 * Release: what the works did is seen by the waiter, who may
		 * be gone with its record from now on.
		 */
		atomic_store_release(&ww->ww_done, 1);
		lwp_unpark(l);
	}
	atomic_store_relaxed(&q->q_waitpos, pos);
	mutex_exit(&q->q_lock);
}

/*
 * The position of a work on a queue that is locked, or 0 if it is neither
 * pending nor running there.  *pendingp: it is not the one that runs.
 */
static uint64_t
workqueue_find(struct workqueue_queue *q, const struct work *wk,
    bool *pendingp)
{
	const struct work *p;
	uint64_t done, pos;
	unsigned i;

	workqueue_order(q, workqueue_empty_inbox(q));
	*pendingp = true;
	pos = q->q_base + (q->q_end - q->q_start);
	for (p = q->q_first; p != NULL; p = p->wk_dummy) {
		pos++;
		if (p == wk)
			return pos;
	}
	/* Acquire: what a finished work did is seen by the caller. */
	done = atomic_load_acquire(&q->q_done);
	pos = q->q_base + (q->q_end - q->q_start);
	for (i = q->q_end; i > q->q_start && pos > done; i--, pos--) {
		if (q->q_batch[i - 1] == wk) {
			*pendingp = pos > done + 1;
			return pos;
		}
	}
	return 0;
}

/*
 * Put a waiter on a queue that is locked.
 */
static void
workqueue_register(struct workqueue_queue *q, struct workqueue_waiter *ww,
    struct lwp *l, const struct work *wk, uint64_t pos)
{
	uint64_t done;

	HOST_PROBE2("sdt", "kernel__workqueue__wait__hit", q->q_wq, wk);
	/*
	 * A producer that found the worker asleep may have been stopped
	 * before it wakes it: do it in its stead.
	 */
	lwp_unpark(q->q_lwp);
	ww->ww_lwp = l;
	ww->ww_pos = pos;
	ww->ww_done = 0;
	ww->ww_next = q->q_waiters;
	q->q_waiters = ww;
	if (pos >= atomic_load_relaxed(&q->q_waitpos))
		return;
	/* The waiter's half of what workqueue_run() does after a work. */
	(void)atomic_swap_seq_cst(&q->q_waitpos, pos);
	host_fence_heavy();
	done = atomic_load_seq_cst(&q->q_done);
	if (done >= pos) {
		/* Maybe the worker missed us; if not, it finds one less. */
		q->q_waiters = ww->ww_next;
		ww->ww_done = 1;
	}
}

static void
workqueue_await(struct workqueue_waiter *ww, struct lwp *l)
{

	/* Acquire: pairs with the release in workqueue_notify(). */
	while (!atomic_load_acquire(&ww->ww_done))
		lwp_park(l);
}

/*
 * Where the work is found on a queue that the caller works for.
 */
static void
workqueue_check_deadlock(struct workqueue *wq, const struct work *wk,
    bool pending)
{

	if (pending)
		panic("workqueue_wait: \"%s\": would deadlock waiting for "
		    "work %p", wq->wq_name, (const void *)wk);
}

/*
 * Wait for the work on one queue.
 */
static void
workqueue_wait_one(struct workqueue_queue *q, const struct work *wk,
    struct lwp *l)
{
	struct workqueue_waiter ww;
	uint64_t pos;
	bool pending;

	mutex_enter(&q->q_lock);
	pos = workqueue_find(q, wk, &pending);
	if (pos != 0 && l->l_wqq == q) {
		workqueue_check_deadlock(q->q_wq, wk, pending);
		HOST_PROBE2("sdt", "kernel__workqueue__wait__self", q->q_wq,
		    wk);
		pos = 0;
	}
	if (pos != 0)
		workqueue_register(q, &ww, l, wk, pos);
	mutex_exit(&q->q_lock);
	if (pos != 0)
		workqueue_await(&ww, l);
}

/*
 * Wait for the work wherever it is: it may be running on some CPUs, having
 * enqueued itself on the next each time, and be pending on another.  All
 * queues are locked at once, so that it cannot go from one that has not been
 * looked at to one that has.
 */
static void
workqueue_wait_percpu(struct workqueue *wq, const struct work *wk,
    struct lwp *l)
{
	struct workqueue_waiter wws[wq->wq_nqueues];
	struct workqueue_queue *q;
	uint64_t pos;
	bool pending;
	int i, n;

	for (i = 0; i < wq->wq_nqueues; i++)
		mutex_enter(&wq->wq_queues[i].q_lock);
	for (i = n = 0; i < wq->wq_nqueues; i++) {
		q = &wq->wq_queues[i];
		pos = workqueue_find(q, wk, &pending);
		if (pos == 0)
			continue;
		if (l->l_wqq == q) {
			workqueue_check_deadlock(wq, wk, pending);
			HOST_PROBE2("sdt", "kernel__workqueue__wait__self",
			    wq, wk);
			continue;
		}
		workqueue_register(q, &wws[n++], l, wk, pos);
	}
	for (i = wq->wq_nqueues - 1; i >= 0; i--)
		mutex_exit(&wq->wq_queues[i].q_lock);
	while (n-- > 0)
		workqueue_await(&wws[n], l);
}

__kern_public void
workqueue_wait(struct workqueue *wq, struct work *wk)
{
	struct lwp *l;
	int biglocks;

	if (KERN_CHECKING()) {
		if (!wqcheck_alive(wq))
			panic("workqueue_wait: workqueue %p is destroyed",
			    (void *)wq);
		wqcheck_sleepable("workqueue_wait");
	}
	if (wq->wq_forkgen != kern_forkgen)
		panic("workqueue_wait: \"%s\" belongs to the parent of this "
		    "process", wq->wq_name);
	HOST_PROBE2("sdt", "kernel__workqueue__wait__start", wq, wk);
	/* The destroyer waits for us to be out of here. */
	(void)atomic_fetch_add_relaxed(&wq->wq_waiting, 1);
	l = curlwp_get();
	wqk_kernel_unlock(0, &biglocks);
	if (wq->wq_flags & WQ_PERCPU)
		workqueue_wait_percpu(wq, wk, l);
	else
		workqueue_wait_one(&wq->wq_queues[0], wk, l);
	HOST_PROBE2("sdt", "kernel__workqueue__wait__done", wq, wk);
	/* Release: pairs with workqueue_destroy().  The last touch of wq. */
	(void)atomic_fetch_add_acq_rel(&wq->wq_waiting, -1);
	wqk_kernel_lock(biglocks);
}
