/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_wait(): find a work on the ordered side, and wait until the
 * number of works that its queue has run reaches its position.
 */

#include <errno.h>

#include <host/host_probe.h>

#include "subr_workqueue.h"

/*
 * Wake those, of a queue that is locked, whose position is reached.
 */
static void
workqueue_wakeup_done(struct workqueue_queue *q, uint64_t done)
{
	struct workqueue_waiter *ww, **wwp;
	struct lwp *l;
	uint64_t pos;

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
}

/*
 * Wake those whose work has been run.
 */
void
workqueue_notify(struct workqueue_queue *q, uint64_t done)
{

	if (q->q_wq->wq_forkgen != kern_forkgen)
		panic("workqueue \"%s\": function %p returned in a child of "
		    "its process", q->q_wq->wq_name,
		    (void *)(uintptr_t)q->q_wq->wq_func);
	mutex_enter(&q->q_lock);
	workqueue_wakeup_done(q, done);
	mutex_exit(&q->q_lock);
}

/*
 * The position of a work on a queue that is locked, or 0 if it is neither
 * pending nor running there.  *pendingp: it is not the one that runs.
 */
uint64_t
workqueue_find(struct workqueue_queue *q, const struct work *wk,
    bool *pendingp)
{
	const struct work *p;
	uint64_t done, pos;
	uintptr_t w;
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
		w = (uintptr_t)atomic_load_relaxed(&q->q_batch[i - 1]);
		if ((w & ~WQ_CANCELLED) == (uintptr_t)wk) {
			*pendingp = pos > done + 1;
			return pos;
		}
	}
	return 0;
}

/*
 * Somebody waits for that position on a queue that is locked: have the worker
 * look.  False if it is reached already, and the worker may not have seen it.
 */
static bool
workqueue_arm(struct workqueue_queue *q, uint64_t pos)
{

	if (pos >= atomic_load_relaxed(&q->q_waitpos))
		return true;
	/* The waiter's half of what workqueue_done() does. */
	(void)atomic_swap_seq_cst(&q->q_waitpos, pos);
	host_fence_heavy();
	return atomic_load_seq_cst(&q->q_done) < pos;
}

/*
 * Put a waiter on a queue that is locked.
 */
static void
workqueue_register(struct workqueue_queue *q, struct workqueue_waiter *ww,
    struct lwp *l, const struct work *wk, uint64_t pos)
{

	HOST_PROBE2("sdt", "kernel__workqueue__wait__hit", q->q_wq, wk);
	/*
	 * A producer that found the worker asleep may have been stopped
	 * before it wakes it: do it in its stead.
	 */
	workqueue_poke(q);
	ww->ww_queue = q;
	ww->ww_lwp = l;
	ww->ww_pos = pos;
	ww->ww_done = 0;
	ww->ww_next = q->q_waiters;
	q->q_waiters = ww;
	if (!workqueue_arm(q, pos)) {
		/* Maybe the worker missed us; if not, it finds one less. */
		q->q_waiters = ww->ww_next;
		ww->ww_done = 1;
	}
}

/*
 * A work of a queue, which is locked, will not be run, though its position
 * will be reached: those who wait for it need not.
 */
void
workqueue_release(struct workqueue_queue *q, uint64_t pos)
{
	struct workqueue_waiter *ww, **wwp;
	struct lwp *l;

	for (wwp = &q->q_waiters; (ww = *wwp) != NULL;) {
		if (ww->ww_pos != pos) {
			wwp = &ww->ww_next;
			continue;
		}
		*wwp = ww->ww_next;
		l = ww->ww_lwp;
		/* As in workqueue_wakeup_done(). */
		atomic_store_release(&ww->ww_done, 1);
		lwp_unpark(l);
	}
}

/*
 * A work that was on the list of a queue, which is locked, is there no more:
 * those who wait for it need not, and those behind it move up.
 */
void
workqueue_shift(struct workqueue_queue *q, uint64_t pos)
{
	struct workqueue_waiter *ww;
	uint64_t least;

	workqueue_release(q, pos);
	least = WQ_NOPOS;
	for (ww = q->q_waiters; ww != NULL; ww = ww->ww_next) {
		if (ww->ww_pos > pos)
			ww->ww_pos--;
		if (ww->ww_pos < least)
			least = ww->ww_pos;
	}
	if (least != WQ_NOPOS && !workqueue_arm(q, least))
		workqueue_wakeup_done(q, atomic_load_acquire(&q->q_done));
}

/*
 * Wait for what was registered.  0, or ETIMEDOUT and it is registered no more.
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
 * Wait for the work wherever it is: it may be running on some CPUs, having
 * enqueued itself on the next each time, and be pending on another.  All
 * queues are locked at once, so that it cannot go from one that has not been
 * looked at to one that has.
 *
 * A work that only the calling worker could run is not waited for: EDEADLK,
 * or 0 if it is the one that runs.  *morep: it runs on more CPUs than there
 * is room for here, and the caller comes again.
 */
#define	WQ_WAITERS	8

static int
workqueue_wait_all(struct workqueue *wq, const struct work *wk,
    struct lwp *l, int64_t deadline, bool *morep)
{
	struct workqueue_waiter wws[WQ_WAITERS];
	struct workqueue_queue *q;
	uint64_t pos;
	bool pending, watched;
	int error, i, n;

	error = 0;
	*morep = false;
	for (i = 0; i < wq->wq_nqueues; i++)
		mutex_enter(&wq->wq_queues[i].q_lock);
	for (i = n = 0; i < wq->wq_nqueues; i++) {
		q = &wq->wq_queues[i];
		pos = workqueue_find(q, wk, &pending);
		if (pos == 0)
			continue;
		if (workqueue_runs(l, wq, q)) {
			HOST_PROBE2("sdt", "kernel__workqueue__wait__self",
			    wq, wk);
			if (pending)
				error = EDEADLK;
		} else if (n == WQ_WAITERS)
			*morep = true;
		else
			workqueue_register(q, &wws[n++], l, wk, pos);
	}
	for (i = wq->wq_nqueues - 1; i >= 0; i--)
		mutex_exit(&wq->wq_queues[i].q_lock);
	/* All of them, for they are in our frame. */
	for (i = 0; i < n; i++) {
		watched = KERN_CHECKING() && error == 0 &&
		    deadline == HOST_FOREVER;
		if (watched)
			lockdebug_wait("workqueue_wait", wq, wws[i].ww_queue,
			    &wws[i].ww_done);
		if (workqueue_await(&wws[i], l, error == 0 ? deadline : 0) !=
		    0 && error == 0)
			error = ETIMEDOUT;
		if (watched)
			lockdebug_waited();
	}
	return error;
}

/*
 * 0, ETIMEDOUT, or EDEADLK.
 */
int
workqueue_wait_until(struct workqueue *wq, struct work *wk, int64_t deadline,
    bool panics)
{
	struct lwp *l;
	bool more;
	int biglocks, error, n;

	error = 0;

	if (wq->wq_forkgen != kern_forkgen)
		panic("%s: \"%s\" belongs to the parent of this process",
		    panics ? "workqueue_wait" : "workqueue_timedwait",
		    wq->wq_name);
	HOST_PROBE2("sdt", "kernel__workqueue__wait__start", wq, wk);
	/* The destroyer waits for us to be out of here. */
	(void)atomic_fetch_add_relaxed(&wq->wq_waiting, 1);
	l = curlwp_get();
	wqk_kernel_unlock(0, &biglocks);
	/* What runs on that many CPUs is found again this often at most. */
	for (n = wq->wq_nqueues; n > 0; n -= WQ_WAITERS) {
		error = workqueue_wait_all(wq, wk, l, deadline, &more);
		if (error != 0 || !more)
			break;
	}
	if (error == EDEADLK && panics)
		panic("workqueue_wait: \"%s\": would deadlock waiting for "
		    "work %p", wq->wq_name, (const void *)wk);
	HOST_PROBE2("sdt", "kernel__workqueue__wait__done", wq, wk);
	/* Release: pairs with workqueue_destroy().  The last touch of wq. */
	(void)atomic_fetch_add_acq_rel(&wq->wq_waiting, -1);
	wqk_kernel_lock(biglocks);
	return error;
}

/*
 * The checking mode: somebody is going to wait.  In a callback of the only
 * queue there is a wait returns at once or not at all, so it has no order.
 */
void
workqueue_check_wait(struct workqueue *wq, const char *func, uintptr_t site)
{
	struct lwp *l;

	if (wq->wq_nqueues == 1 && (l = host_self()) != NULL &&
	    workqueue_runs(l, wq, NULL))
		return;
	lockdebug_wantwork(func, wq, site);
}

__kern_public void
workqueue_wait(struct workqueue *wq, struct work *wk)
{

	workqueue_check_call(wq, "workqueue_wait");
	if (KERN_CHECKING())
		workqueue_check_wait(wq, "workqueue_wait", LOCKDEBUG_SITE());
	(void)workqueue_wait_until(wq, wk, HOST_FOREVER, true);
}
