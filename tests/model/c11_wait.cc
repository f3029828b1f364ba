/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A waiter against the worker: workqueue_take(), workqueue_run_batch() and
 * workqueue_done() of sys/kern/subr_workqueue.c; workqueue_find_batch() of
 * subr_workqueue_find.c; workqueue_arm(), workqueue_register() and
 * workqueue_await() of subr_workqueue_wait.c; workqueue_settle_one(),
 * workqueue_wakeup_done() and workqueue_notify() of subr_workqueue_waiter.c.
 *
 * The worker takes batches of pending items and runs them.  Two threads wait
 * for an item each, which may be done, in the batch, or on the list; one has a
 * time limit.
 *
 * Invariant: a waiter returns, and then sees what the callback did; when it
 * has returned, the worker does not access its record.
 *
 * Rules:
 *	done	q_done is stored with release
 *	light	the worker has the light fence between q_done and q_waitpos
 *	swap	(-s) instead, the worker stores q_done with sequential
 *		consistency
 *	load	(-s) and loads q_waitpos with sequential consistency
 *	heavy	the waiter has the heavy fence between q_waitpos and q_done
 *	arm	(-s) instead, the waiter stores q_waitpos with sequential
 *		consistency
 *	look	the waiter looks at q_done after it has stored q_waitpos
 *	find	a waiter that finds the item done has loaded q_done with acquire
 *	tell	the worker stores ww_done with release
 *	told	the waiter loads ww_done with acquire
 */

#include "c11.h"

enum { ITEMS = 4, BATCH = 2, WAITERS = 2, NOPOS = 1000 };

struct wait : rl::test_suite<wait, 1 + WAITERS> {
	/* struct workqueue_queue; item i has position i. */
	rl::atomic<int> q_done, q_waitpos;
	c11_mutex q_lock;
	rl::var<int> q_base, q_end;		/* (q_lock) */

	/* struct workqueue_waiter */
	struct {
		rl::var<bool> listed;		/* (q_lock) on q_waiters */
		rl::var<int> ww_work, ww_pos;	/* (q_lock) */
		rl::var<bool> ww_taken;		/* (q_lock) */
		rl::atomic<int> ww_done;
	} waiters[WAITERS];

	rl::var<int> effect[ITEMS + 1];		/* what the callbacks did */

	void
	before()
	{
		int i;

		atomic_store_relaxed(&q_done, 0);
		atomic_store_relaxed(&q_waitpos, NOPOS);
		q_lock.init();
		PLAIN(q_base) = PLAIN(q_end) = 0;
		for (i = 0; i < WAITERS; i++)
			PLAIN(waiters[i].listed) = false;
		for (i = 0; i <= ITEMS; i++)
			PLAIN(effect[i]) = 0;
	}

	int
	workqueue_taken()
	{

		return PLAIN(q_base) + PLAIN(q_end);
	}

	/*
	 * The worker.
	 */

	int
	workqueue_take()
	{
		int n;

		mutex_enter(&q_lock);
		PLAIN(q_base) += PLAIN(q_end);
		n = ITEMS - PLAIN(q_base);
		if (n > BATCH)
			n = BATCH;
		PLAIN(q_end) = n;
		mutex_exit(&q_lock);
		return n;
	}

	void
	workqueue_settle_one(int k)
	{

		if (PLAIN(waiters[k].ww_taken))
			return;
		if (PLAIN(waiters[k].ww_work) <= workqueue_taken()) {
			PLAIN(waiters[k].ww_taken) = true;
			PLAIN(waiters[k].ww_pos) = PLAIN(waiters[k].ww_work);
		} else
			PLAIN(waiters[k].ww_pos) = workqueue_taken() + 1;
	}

	void
	workqueue_wakeup_done(int done)
	{
		int k, pos;

		pos = NOPOS;
		for (k = 0; k < WAITERS; k++) {
			if (!PLAIN(waiters[k].listed))
				continue;
			workqueue_settle_one(k);
			if (PLAIN(waiters[k].ww_pos) > done) {
				if (PLAIN(waiters[k].ww_pos) < pos)
					pos = PLAIN(waiters[k].ww_pos);
				continue;
			}
			PLAIN(waiters[k].listed) = false;
			BROKEN("tell",
			    atomic_store_relaxed(&waiters[k].ww_done, 1),
			    atomic_store_release(&waiters[k].ww_done, 1));
		}
		atomic_store_relaxed(&q_waitpos, pos);
	}

	void
	workqueue_notify(int done)
	{

		mutex_enter(&q_lock);
		workqueue_wakeup_done(done);
		mutex_exit(&q_lock);
	}

	void
	workqueue_done(int done)
	{
		int waitpos;

		if (ISBROKEN("light")) {
			waitpos = atomic_load_relaxed(&q_waitpos);
			atomic_store_release(&q_done, done);
		} else if (host_asymfence) {
			BROKEN("done", atomic_store_relaxed(&q_done, done),
			    atomic_store_release(&q_done, done));
			host_fence_light();
			waitpos = atomic_load_relaxed(&q_waitpos);
		} else {
			BROKEN("swap", atomic_swap_acq_rel(&q_done, done),
			    atomic_swap_seq_cst(&q_done, done));
			waitpos = BROKEN("load",
			    atomic_load_acquire(&q_waitpos),
			    atomic_load_seq_cst(&q_waitpos));
		}
		if (done >= waitpos)
			workqueue_notify(done);
	}

	void
	workqueue_worker()
	{
		int done, end;

		while ((end = workqueue_take()) != 0) {
			done = PLAIN(q_base);
			for (end += done; done < end;) {
				done++;
				PLAIN(effect[done]) = done;
				workqueue_done(done);
			}
		}
	}

	/*
	 * A waiter.
	 */

	bool
	workqueue_arm(int pos)
	{

		if (pos >= atomic_load_relaxed(&q_waitpos))
			return true;
		BROKEN("arm", atomic_swap_acq_rel(&q_waitpos, pos),
		    atomic_swap_seq_cst(&q_waitpos, pos));
		if (!ISBROKEN("heavy"))
			c11_fence_heavy<1 + WAITERS>($);
		return ISBROKEN("look") || atomic_load_seq_cst(&q_done) < pos;
	}

	void
	workqueue_register(int k, int item, bool taken)
	{

		PLAIN(waiters[k].ww_work) = item;
		PLAIN(waiters[k].ww_pos) = taken ? item : workqueue_taken() + 1;
		PLAIN(waiters[k].ww_taken) = taken;
		atomic_store_relaxed(&waiters[k].ww_done, 0);
		PLAIN(waiters[k].listed) = true;
		if (!taken) {
			if (PLAIN(waiters[k].ww_pos) <
			    atomic_load_relaxed(&q_waitpos))
				atomic_store_relaxed(&q_waitpos,
				    PLAIN(waiters[k].ww_pos));
		} else if (!workqueue_arm(item)) {
			PLAIN(waiters[k].listed) = false;
			atomic_store_relaxed(&waiters[k].ww_done, 1);
		}
	}

	/* Return false if the time has passed. */
	bool
	workqueue_await(int k, bool limit)
	{
		bool left;

		while (!BROKEN("told", atomic_load_relaxed(&waiters[k].ww_done),
		    atomic_load_acquire(&waiters[k].ww_done))) {
			c11_wait();
			if (!limit || rl::rand(4) != 0)
				continue;
			mutex_enter(&q_lock);
			left = PLAIN(waiters[k].listed);
			PLAIN(waiters[k].listed) = false;
			mutex_exit(&q_lock);
			if (left)
				return false;
		}
		return true;
	}

	void
	workqueue_wait(int k, int item, bool limit)
	{
		bool ran;
		int done;

		mutex_enter(&q_lock);
		/* workqueue_find_batch() */
		done = BROKEN("find", atomic_load_relaxed(&q_done),
		    atomic_load_acquire(&q_done));
		ran = true;
		if (item > done) {
			workqueue_register(k, item, item <= workqueue_taken());
			mutex_exit(&q_lock);
			ran = workqueue_await(k, limit);
			/*
			 * The record is on the stack, so its memory is reused.
			 */
			PLAIN(waiters[k].ww_work) = 0;
			PLAIN(waiters[k].ww_pos) = 0;
			PLAIN(waiters[k].ww_taken) = false;
		} else
			mutex_exit(&q_lock);
		if (ran)
			RL_ASSERT(PLAIN(effect[item]) == item);
	}

	void
	thread(unsigned t)
	{

		if (t == 0)
			workqueue_worker();
		else
			workqueue_wait(t - 1, 1 + rl::rand(ITEMS), t == 1);
	}
};

int
main(int argc, char **argv)
{

	return c11_main<wait>(argc, argv);
}
