/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The end of a workqueue: wqinbox_insert(), wqinbox_take(), wqinbox_announce(),
 * wqinbox_isannounced() and wqinbox_isasleep() of sys/kern/subr_wqinbox.h;
 * workqueue_take(), workqueue_done(), workqueue_announce(), workqueue_sleep()
 * and workqueue_end_workers() of subr_workqueue.c; workqueue_quiet(),
 * workqueue_asleep() and workqueue_quiesce() of subr_workqueue_waiter.c.
 *
 * A thread enqueues an item and then destroys the workqueue, which has one
 * queue or two.  The callbacks enqueue more items, on either queue.  If there
 * is a single worker, the thread tells it to end without waiting until the
 * queue is quiet.
 *
 * Invariant: the thread returns, and then all items have run, and it sees what
 * their callbacks did.
 *
 * Rules:
 *	insert	an item is inserted with release
 *	take	the inbox is taken with acquire
 *	done	q_done is stored with release
 *	first	workqueue_quiet() loads q_done with acquire in the first round
 *	asleep	an inbox is loaded with acquire
 *	second	the second round compares q_done
 *	after	the second round loads the inbox before q_done
 *	count	the thread counts itself with sequential consistency
 *	look	the thread loads the inboxes with sequential consistency
 *	say	a worker announces its sleep with sequential consistency
 *	draining a worker loads the count with sequential consistency
 *	ends	a worker loads q_worker before the inbox
 *	told	it loads q_worker with acquire
 */

#include "c11.h"

enum { ITEMS = 4, ASLEEP = -1 };

struct quiet : rl::test_suite<quiet, 3> {
	/* struct workqueue_queue; an inbox has room for one item. */
	struct {
		rl::atomic<int> q_inbox, q_done, q_worker;
	} queues[2];
	int nqueues;
	rl::atomic<int> wq_draining;

	/* The bucket of the sleep queues, and whether the thread is in it. */
	c11_mutex bucket;
	rl::var<bool> enqueued;			/* (bucket) */
	rl::atomic<int> woken;

	rl::var<int> contents[ITEMS + 1];	/* of the items */
	rl::var<int> effect[ITEMS + 1];		/* what the callbacks did */

	void
	before()
	{
		int i;

		nqueues = 1 + rl::rand(2);
		for (i = 0; i < 2; i++) {
			atomic_store_relaxed(&queues[i].q_inbox, 0);
			atomic_store_relaxed(&queues[i].q_done, 0);
			atomic_store_relaxed(&queues[i].q_worker, 0);
		}
		atomic_store_relaxed(&wq_draining, 0);
		bucket.init();
		PLAIN(enqueued) = false;
		for (i = 0; i <= ITEMS; i++)
			PLAIN(effect[i]) = 0;
	}

	/* wqinbox_insert() */
	void
	workqueue_enqueue(int q, int wk)
	{
		int old;

		PLAIN(contents[wk]) = wk;
		old = atomic_load_relaxed(&queues[q].q_inbox);
		while (!BROKEN("insert", atomic_cas_acquire(
		    &queues[q].q_inbox, &old, wk), atomic_cas_weak_acq_rel(
		    &queues[q].q_inbox, &old, wk)))
			continue;
		RL_ASSERT(old <= 0);
	}

	/*
	 * A worker.
	 */

	/* wqinbox_take() */
	int
	workqueue_take(int q)
	{

		if (atomic_load_relaxed(&queues[q].q_inbox) <= 0)
			return 0;
		return BROKEN("take",
		    atomic_swap_relaxed(&queues[q].q_inbox, 0),
		    atomic_swap_acquire(&queues[q].q_inbox, 0));
	}

	void
	workqueue_done(int q, int done)
	{

		if (host_asymfence)
			BROKEN("done",
			    atomic_store_relaxed(&queues[q].q_done, done),
			    atomic_store_release(&queues[q].q_done, done));
		else
			(void)atomic_swap_seq_cst(&queues[q].q_done, done);
	}

	void
	callback(int q, int wk)
	{

		RL_ASSERT(PLAIN(contents[wk]) == wk);
		if (wk < ITEMS)
			workqueue_enqueue((q + (rl::rand(4) != 0)) % nqueues,
			    wk + 1);
		PLAIN(effect[wk]) = wk;
	}

	bool
	workqueue_announce(int q)
	{
		int old;

		old = 0;
		if (!BROKEN("say", atomic_cas_acq_rel(&queues[q].q_inbox, &old,
		    ASLEEP), atomic_cas_seq_cst(&queues[q].q_inbox, &old,
		    ASLEEP)))
			return false;
		if (BROKEN("draining", atomic_load_acquire(&wq_draining),
		    atomic_load_seq_cst(&wq_draining)) == 0)
			return true;
		/* sleepq_wakeall() */
		mutex_enter(&bucket);
		if (PLAIN(enqueued)) {
			PLAIN(enqueued) = false;
			atomic_store_release(&woken, 1);
		}
		mutex_exit(&bucket);
		return true;
	}

	bool
	workqueue_sleep(int q)
	{
		bool ends;

		if (!workqueue_announce(q))
			return true;
		for (;;) {
			ends = !ISBROKEN("ends") &&
			    BROKEN("told",
			    atomic_load_relaxed(&queues[q].q_worker),
			    atomic_load_acquire(&queues[q].q_worker));
			/* wqinbox_isannounced() */
			if (atomic_load_acquire(&queues[q].q_inbox) != ASLEEP)
				return true;
			if (ISBROKEN("ends"))
				ends = atomic_load_acquire(&queues[q].q_worker);
			if (ends)
				return false;
			c11_wait();
		}
	}

	void
	workqueue_worker(int q)
	{
		int done, wk;

		done = 0;
		do {
			if ((wk = workqueue_take(q)) != 0) {
				callback(q, wk);
				workqueue_done(q, ++done);
			}
		} while (wk != 0 || workqueue_sleep(q));
	}

	/*
	 * The thread that destroys the workqueue.
	 */

	bool
	wqinbox_isasleep(int q, bool asleep)
	{

		if (asleep)
			return BROKEN("look",
			    atomic_load_acquire(&queues[q].q_inbox),
			    atomic_load_seq_cst(&queues[q].q_inbox)) == ASLEEP;
		return BROKEN("asleep", atomic_load_relaxed(&queues[q].q_inbox),
		    atomic_load_seq_cst(&queues[q].q_inbox)) == ASLEEP;
	}

	bool
	workqueue_quiet()
	{
		int done, i;

		done = 0;
		for (i = 0; i < nqueues; i++)
			done += BROKEN("first",
			    atomic_load_relaxed(&queues[i].q_done),
			    atomic_load_acquire(&queues[i].q_done));
		for (i = 0; i < nqueues; i++) {
			if (ISBROKEN("after"))
				done -= atomic_load_acquire(&queues[i].q_done);
			if (!wqinbox_isasleep(i, false))
				return false;
			if (!ISBROKEN("after"))
				done -= atomic_load_acquire(&queues[i].q_done);
		}
		return done == 0 || ISBROKEN("second");
	}

	bool
	workqueue_asleep()
	{
		int i;

		for (i = 0; i < nqueues; i++)
			if (!wqinbox_isasleep(i, true))
				return false;
		return true;
	}

	void
	workqueue_quiesce()
	{

		BROKEN("count", atomic_fetch_add_acq_rel(&wq_draining, 1),
		    atomic_fetch_add_seq_cst(&wq_draining, 1));
		for (;;) {
			mutex_enter(&bucket);
			/* Call workqueue_quiet() at other times, too. */
			if (rl::rand(2) || workqueue_asleep()) {
				mutex_exit(&bucket);
				if (workqueue_quiet())
					break;
				c11_wait();
				continue;
			}
			atomic_store_relaxed(&woken, 0);
			PLAIN(enqueued) = true;
			mutex_exit(&bucket);
			while (!atomic_load_acquire(&woken))
				c11_wait();
		}
		(void)atomic_fetch_add_seq_cst(&wq_draining, -1);
	}

	void
	workqueue_destroy()
	{
		int i;

		if (nqueues > 1) {
			workqueue_quiesce();
			for (i = 1; i <= ITEMS; i++)
				RL_ASSERT(PLAIN(effect[i]) == i);
		}
		/* workqueue_end_workers() */
		for (i = 0; i < nqueues; i++)
			atomic_store_release(&queues[i].q_worker, 1);
	}

	void
	thread(unsigned t)
	{

		if (t == 2) {
			workqueue_enqueue(0, 1);
			workqueue_destroy();
		} else if (t < (unsigned)nqueues)
			workqueue_worker(t);
	}

	/* The workers have ended. */
	void
	after()
	{
		int i;

		for (i = 1; i <= ITEMS; i++)
			RL_ASSERT(PLAIN(effect[i]) == i);
	}
};

int
main(int argc, char **argv)
{

	return c11_main<quiet>(argc, argv);
}
