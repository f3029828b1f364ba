/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_ext(9): what clients of workqueue(9) have wished for.
 */

#include <errno.h>
#include <time.h>

#include <sys/workqueue_ext.h>

#include "subr_workqueue.h"

/*
 * Cancel a work on one queue, which is locked.
 */
static bool
workqueue_cancel_one(struct workqueue_queue *q, struct work *wk)
{
	struct work **wkp;
	uint64_t pos;
	unsigned i, n;
	bool pending;

	pos = workqueue_find(q, wk, &pending);
	if (pos == 0 || !pending)
		return false;

	if (pos > q->q_base + (q->q_end - q->q_start)) {
		/* On the list: nobody but us looks there. */
		for (wkp = &q->q_first; *wkp != wk;
		    wkp = (struct work **)&(*wkp)->wk_dummy)
			continue;
		*wkp = wk->wk_dummy;
		if (*wkp == NULL)
			q->q_lastp = wkp;
		workqueue_shift(q, pos);
		return true;
	}

	/*
	 * In the batch, which the worker reads without the lock.  It stores
	 * q_done, then reads the place; we clear the place, then read q_done.
	 * Not both miss the other, so if all before the work are not done the
	 * worker will find the place clear.
	 */
	i = q->q_start + (unsigned)(pos - q->q_base - 1);
	(void)atomic_swap_seq_cst(&q->q_batch[i], WQ_CANCELLED);
	host_fence_heavy();
	if (atomic_load_seq_cst(&q->q_done) < pos - 1)
		return true;
	/* It is about to say what it found.  Acquire: with what it says. */
	for (n = 0; atomic_load_acquire(&q->q_begun) < pos;)
		host_relax(&n);
	if (atomic_load_relaxed(&q->q_batch[i]) == WQ_SKIPPED)
		return true;
	/* It runs, and others must find it. */
	atomic_store_relaxed(&q->q_batch[i], wk);
	return false;
}

__kern_public bool
workqueue_cancel(struct workqueue *wq, struct work *wk)
{
	struct workqueue_queue *q;
	bool cancelled;
	int i;

	workqueue_check_call(wq, "workqueue_cancel");
	if (wq->wq_forkgen != kern_forkgen)
		panic("workqueue_cancel: \"%s\" belongs to the parent of this "
		    "process", wq->wq_name);
	cancelled = false;
	for (i = 0; i < wq->wq_nqueues && !cancelled; i++) {
		q = &wq->wq_queues[i];
		mutex_enter(&q->q_lock);
		cancelled = workqueue_cancel_one(q, wk);
		mutex_exit(&q->q_lock);
	}
	if (cancelled && KERN_CHECKING())
		wqcheck_run(wk, wq);
	return cancelled;
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
			return EINVAL;
		now = host_monotime();
		if (ts->tv_sec < (HOST_FOREVER - now) / 1000000000 - 1)
			deadline = now + (int64_t)ts->tv_sec * 1000000000 +
			    ts->tv_nsec;
	}
	return workqueue_wait_until(wq, wk, deadline, false);
}

__kern_public int
workqueue_drain(struct workqueue *wq)
{
	struct lwp *l;
	int biglocks;

	workqueue_check_call(wq, "workqueue_drain");
	if (wq->wq_forkgen != kern_forkgen)
		panic("workqueue_drain: \"%s\" belongs to the parent of this "
		    "process", wq->wq_name);
	l = curlwp_get();
	if (l->l_wqq != NULL && l->l_wqq->q_wq == wq)
		return EDEADLK;
	(void)atomic_fetch_add_relaxed(&wq->wq_waiting, 1);
	wqk_kernel_unlock(0, &biglocks);
	workqueue_quiesce(wq);
	/* Release: as in workqueue_wait_until(), the last touch of wq. */
	(void)atomic_fetch_add_acq_rel(&wq->wq_waiting, -1);
	wqk_kernel_lock(biglocks);
	return 0;
}

__kern_public struct work *
workqueue_current(struct workqueue **wqp)
{
	struct lwp *l;

	l = host_self();
	if (l == NULL || l->l_wqq == NULL || l->l_curwork == NULL) {
		if (wqp != NULL)
			*wqp = NULL;
		return NULL;
	}
	if (wqp != NULL)
		*wqp = l->l_wqq->q_wq;
	return l->l_curwork;
}
