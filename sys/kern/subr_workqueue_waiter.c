/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The worker's part in the calls that wait for an item, or wait until all
 * queues of a workqueue are empty.  subr_workqueue_wait.c has the calls.
 *
 * An item gets its position when the worker takes it.  Until then, its waiter
 * waits for the first position of the next batch.  When the worker has run the
 * item at that position, it settles the waiter.  If the awaited item is in the
 * batch, the waiter gets the item's position.  Otherwise the waiter waits for
 * the batch after that.
 *
 * So the worker looks for the item's address in each batch, beginning with the
 * first one that may hold the item, until it finds the address.  If the client
 * reuses the address later, this does no harm.
 */

#include <host/host_probe.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_plant.h"
#include "kern_sleepq.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_workqueue.h"
#include "subr_wqcheck.h"
#include "subr_wqinbox.h"

/*
 * Settle a waiter: give it the position of its item, if that is known.
 */
static void
workqueue_settle_one(struct workqueue_queue *q, struct workqueue_waiter *ww)
{
	uintptr_t w;
	uint64_t pos;
	unsigned i;

	if (ww->ww_taken)
		return;
	/*
	 * Start at ww_pos, because an earlier entry may have the same address.
	 * If an exception has left a callback, q_start and q_base are past that
	 * callback's item.
	 */
	for (pos = ww->ww_pos; pos <= workqueue_taken(q); pos++) {
		i = q->q_start + (unsigned)(pos - q->q_base) - 1;
		KASSERT(i < q->q_end);
		w = (uintptr_t)atomic_load_relaxed(&q->q_batch[i]);
		if ((w & ~WQ_CANCELLED) == (uintptr_t)ww->ww_work) {
			ww->ww_taken = true;
			break;
		}
	}
	ww->ww_pos = pos;
}

void
workqueue_settle(struct workqueue_queue *q)
{
	struct workqueue_waiter *ww;

	KASSERT(mutex_owned(&q->q_lock));
	for (ww = q->q_waiters; ww != NULL; ww = ww->ww_next)
		workqueue_settle_one(q, ww);
}

/*
 * Wake the waiters whose position the worker has reached.
 */
static void
workqueue_wakeup_done(struct workqueue_queue *q, uint64_t done)
{
	struct workqueue_waiter *ww, **wwp;
	struct lwp *l;
	uint64_t pos;

	KASSERT(mutex_owned(&q->q_lock));
	pos = WQ_NOPOS;
	for (wwp = &q->q_waiters; (ww = *wwp) != NULL;) {
		workqueue_settle_one(q, ww);
		if (ww->ww_pos > done) {
			if (ww->ww_pos < pos)
				pos = ww->ww_pos;
			wwp = &ww->ww_next;
			continue;
		}
		*wwp = ww->ww_next;
		l = ww->ww_lwp;
		/*
		 * Release: the waiter sees what the callbacks did.  After this
		 * store the waiter may return, and its record is gone.
		 */
		atomic_store_release(&ww->ww_done, 1);
		lwp_unpark(KERN_BUG(TOUCH) ?
		    atomic_load_relaxed(&ww->ww_lwp) : l);
	}
	atomic_store_relaxed(&q->q_waitpos, pos);
}

/*
 * Wake the threads whose items have run.
 */
void
workqueue_notify(struct workqueue_queue *q, uint64_t done)
{

	if (q->q_wq->wq_forkgen != kern_forkgen)
		panic("workqueue \"%s\": function %pF returned in a child of "
		    "its process", q->q_wq->wq_name,
		    (void *)(uintptr_t)q->q_wq->wq_func);
	mutex_enter(&q->q_lock);
	workqueue_wakeup_done(q, done);
	mutex_exit(&q->q_lock);
}

/*
 * Wake the threads that wait for a cancelled item.  pos is the item's position
 * in the batch, or 0 if it was on the list.  The caller has called
 * workqueue_settle().
 */
void
workqueue_release(struct workqueue_queue *q, uint64_t pos,
    const struct work *wk)
{
	struct workqueue_waiter *ww, **wwp;
	struct lwp *l;

	KASSERT(mutex_owned(&q->q_lock));
	for (wwp = &q->q_waiters; (ww = *wwp) != NULL;) {
		if (ww->ww_taken ? ww->ww_pos != pos :
		    pos != 0 || ww->ww_work != wk) {
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
 * Skip a cancelled item of the batch.  The worker calls this when it comes to
 * the item.
 */
void
workqueue_skip(struct workqueue_queue *q, struct work **wkp, uint64_t pos)
{
	struct workqueue_canceller *wc;
	uintptr_t wk;

	mutex_enter(&q->q_lock);
	wk = (uintptr_t)atomic_load_relaxed(wkp) & ~WQ_CANCELLED;
	for (wc = q->q_cancellers; wc != NULL; wc = wc->wc_next)
		if (wc->wc_pos == pos) {
			wc->wc_skipped = true;
			if (KERN_CHECKING())
				wqcheck_dequeue((void *)wk);
		}
	atomic_store_relaxed(wkp, (struct work *)WQ_CANCELLED);
	/* Release: a thread that sees this also sees the stores above. */
	atomic_store_release(&q->q_begun, pos);
	mutex_exit(&q->q_lock);
}

/*
 * Return true if all queues were empty and all workers asleep at one moment.
 *
 * That moment is between the two rounds.  The second round finds each queue
 * asleep, with the same q_done as in the first round.  So the queue has run no
 * item between the two loads of q_done.  A queue with a pending or running item
 * at that moment would have had to run the item before it slept.  Only
 * callbacks enqueue now.  So if no item is left, none can come.
 *
 * q_done never decreases.  So if the sum is the same in both rounds, each
 * q_done is the same.
 */
static bool
workqueue_quiet(struct workqueue *wq)
{
	struct workqueue_queue *q;
	uint64_t done;
	int i;

	/* Acquire, here and below: the proof needs the loads in this order. */
	done = 0;
	for (i = 0; i < wq->wq_nqueues; i++)
		done += atomic_load_acquire(&wq->wq_queues[i].q_done);
	for (i = 0; i < wq->wq_nqueues; i++) {
		q = &wq->wq_queues[i];
		if (!wqinbox_isasleep(&q->q_inbox))
			return false;
		done -= atomic_load_acquire(&q->q_done);
	}
	return done == 0;
}

/*
 * Return true if all workers are asleep, though perhaps not at one moment.
 * Otherwise poke the first worker that is awake, because a producer may have
 * been preempted before it woke that worker.  When the worker goes to sleep, it
 * wakes the caller.
 */
static bool
workqueue_asleep(struct workqueue *wq)
{
	struct workqueue_queue *q;
	int i;

	for (i = 0; i < wq->wq_nqueues; i++) {
		q = &wq->wq_queues[i];
		if (!wqinbox_isasleep(&q->q_inbox)) {
			(*wq->wq_hooks->wh_poke)(q);
			return false;
		}
	}
	return true;
}

void
workqueue_quiesce(struct workqueue *wq)
{
	struct sleepq *sq;
	struct lwp *l;

	l = curlwp_get();
	/*
	 * This thread increments the count and then loads the inboxes.  A
	 * worker announces its sleep in its inbox and then loads the count.
	 * Sequentially consistent: at least one of the two sees the other's
	 * store.
	 */
	(void)atomic_fetch_add_seq_cst(&wq->wq_draining, 1);
	for (;;) {
		sq = sleepq_enter(wq);
		if (workqueue_asleep(wq)) {
			sleepq_exit(sq);
			if (workqueue_quiet(wq))
				break;
			continue;
		}
		sleepq_enqueue(sq, l, wq, SLEEPQ_DRAIN, false);
		sleepq_exit(sq);
		(void)sleepq_block(l, HOST_FOREVER);
	}
	(void)atomic_fetch_add_seq_cst(&wq->wq_draining, -1);
}

/*
 * Wait until all items have run, for workqueue_destroy().  At that time no
 * client uses the workqueue any more, only its runners do.  If quiet is false,
 * the wait is needed only in checking mode.
 */
void
workqueue_finish(struct workqueue *wq, bool quiet)
{

	if (KERN_CHECKING())
		lockdebug_wait_begin("workqueue_destroy", wq, NULL, NULL);
	if (quiet || KERN_CHECKING())
		workqueue_quiesce(wq);
	if (KERN_CHECKING())
		lockdebug_wait_end();
	HOST_PROBE1(sdt, kernel__workqueue__exit__start, wq);
}
