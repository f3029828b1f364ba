/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A cancel against the worker: workqueue_take(), workqueue_run_batch() and
 * workqueue_done() of sys/kern/subr_workqueue.c; workqueue_skip() of
 * subr_workqueue_waiter.c; workqueue_find_batch() of subr_workqueue_find.c;
 * workqueue_cancel_one() and workqueue_cancel_late() of subr_workqueue_wait.c.
 *
 * The worker takes batches of pending items and runs them.  Two threads cancel
 * an item each, or the same item.  A place is an entry of q_batch.  Items on
 * the list are cancelled under the lock, which is not modelled.
 *
 * Invariant: an item is either run once or cancelled by one call, and a thread
 * whose call has cancelled an item may free it.
 *
 * Rules:
 *	light	the worker has the light fence between q_done and the next
 *		place
 *	swap	(-s) instead, the worker stores q_done with sequential
 *		consistency
 *	load	(-s) and loads the place with sequential consistency
 *	heavy	the caller has the heavy fence between the place and q_done
 *	mark	(-s) instead, the caller marks the place with sequential
 *		consistency
 *	look	the caller looks at q_done after it has marked the place
 *	late	the caller waits for the worker's answer if the worker may have
 *		begun
 *	batch	the caller puts the item back only if the batch is still the
 *		same
 */

#include "c11.h"

enum { ITEMS = 4, BATCH = 2, CALLERS = 2, CANCELLED = 1000 };

struct cancel : rl::test_suite<cancel, 1 + CALLERS> {
	/* struct workqueue_queue; item i has position i. */
	rl::atomic<int> q_done, q_begun, q_batch[BATCH];
	c11_mutex q_lock;
	rl::var<int> q_base, q_end;		/* (q_lock) */

	/* struct workqueue_canceller */
	struct {
		rl::var<bool> listed;		/* (q_lock) on q_cancellers */
		rl::var<int> wc_pos;		/* (q_lock) */
		rl::var<bool> wc_skipped;	/* (q_lock) */
	} cancellers[CALLERS];

	rl::var<int> item[ITEMS + 1];		/* runs and cancels */

	void
	before()
	{
		int i;

		atomic_store_relaxed(&q_done, 0);
		atomic_store_relaxed(&q_begun, 0);
		for (i = 0; i < BATCH; i++)
			atomic_store_relaxed(&q_batch[i], 0);
		q_lock.init();
		PLAIN(q_base) = PLAIN(q_end) = 0;
		for (i = 0; i < CALLERS; i++)
			PLAIN(cancellers[i].listed) = false;
		for (i = 0; i <= ITEMS; i++)
			PLAIN(item[i]) = 0;
	}

	void
	after()
	{
		int i;

		for (i = 1; i <= ITEMS; i++)
			RL_ASSERT(PLAIN(item[i]) == 1);
	}

	/*
	 * The worker.
	 */

	int
	workqueue_take()
	{
		int i, n;

		mutex_enter(&q_lock);
		PLAIN(q_base) += PLAIN(q_end);
		n = ITEMS - PLAIN(q_base);
		if (n > BATCH)
			n = BATCH;
		for (i = 0; i < n; i++)
			atomic_store_relaxed(&q_batch[i],
			    PLAIN(q_base) + i + 1);
		PLAIN(q_end) = n;
		mutex_exit(&q_lock);
		return n;
	}

	void
	workqueue_skip(int i, int pos)
	{
		int k;

		mutex_enter(&q_lock);
		for (k = 0; k < CALLERS; k++)
			if (PLAIN(cancellers[k].listed) &&
			    PLAIN(cancellers[k].wc_pos) == pos)
				PLAIN(cancellers[k].wc_skipped) = true;
		atomic_store_relaxed(&q_batch[i], CANCELLED);
		atomic_store_release(&q_begun, pos);
		mutex_exit(&q_lock);
	}

	void
	workqueue_done(int done)
	{

		if (host_asymfence) {
			atomic_store_release(&q_done, done);
			host_fence_light();
		} else
			BROKEN("swap", atomic_swap_acq_rel(&q_done, done),
			    atomic_swap_seq_cst(&q_done, done));
	}

	int
	place(int i)
	{

		return host_asymfence ? atomic_load_relaxed(&q_batch[i]) :
		    BROKEN("load", atomic_load_acquire(&q_batch[i]),
		    atomic_load_seq_cst(&q_batch[i]));
	}

	void
	workqueue_run_batch(int n)
	{
		int done, i, next, wk;

		done = PLAIN(q_base);
		wk = place(0);
		for (i = 0; i < n; i++) {
			next = 0;
			if (wk < CANCELLED) {
				atomic_store_relaxed(&q_begun, ++done);
				PLAIN(item[wk]) += 1;
			} else
				workqueue_skip(i, ++done);
			if (ISBROKEN("light") && i + 1 < n)
				next = place(i + 1);
			workqueue_done(done);
			if (!ISBROKEN("light") && i + 1 < n)
				next = place(i + 1);
			wk = next;
		}
	}

	/*
	 * A caller.
	 */

	bool
	workqueue_cancel_late(int k, int wk, int i, int pos)
	{

		PLAIN(cancellers[k].wc_pos) = pos;
		PLAIN(cancellers[k].wc_skipped) = false;
		PLAIN(cancellers[k].listed) = true;
		mutex_exit(&q_lock);
		while (atomic_load_acquire(&q_begun) < pos)
			c11_wait();
		mutex_enter(&q_lock);
		PLAIN(cancellers[k].listed) = false;
		if (!PLAIN(cancellers[k].wc_skipped) && (ISBROKEN("batch") ||
		    (pos > PLAIN(q_base) &&
		    pos <= PLAIN(q_base) + PLAIN(q_end))))
			atomic_store_relaxed(&q_batch[i], wk);
		return PLAIN(cancellers[k].wc_skipped);
	}

	bool
	workqueue_cancel_one(int k, int wk, int i, int pos)
	{
		int o;

		o = wk;
		if (!BROKEN("mark", atomic_cas_acq_rel(&q_batch[i], &o,
		    wk + CANCELLED), atomic_cas_seq_cst(&q_batch[i], &o,
		    wk + CANCELLED)))
			return false;
		if (!ISBROKEN("heavy"))
			c11_fence_heavy<1 + CALLERS>($);
		if (!ISBROKEN("look") &&
		    atomic_load_seq_cst(&q_done) >= pos - 1) {
			if (!ISBROKEN("late"))
				return workqueue_cancel_late(k, wk, i, pos);
		}
		atomic_store_relaxed(&q_batch[i], CANCELLED);
		return true;
	}

	void
	workqueue_cancel(int k, int wk)
	{
		bool cancelled;
		int done, i, pos;

		mutex_enter(&q_lock);
		cancelled = false;
		/* workqueue_find_batch() */
		done = atomic_load_acquire(&q_done);
		pos = PLAIN(q_base) + PLAIN(q_end);
		for (i = PLAIN(q_end); i > 0 && pos > done + 1; i--, pos--)
			if (atomic_load_relaxed(&q_batch[i - 1]) % CANCELLED ==
			    wk) {
				cancelled = workqueue_cancel_one(k, wk, i - 1,
				    pos);
				break;
			}
		mutex_exit(&q_lock);
		/* The caller frees the item. */
		if (cancelled)
			PLAIN(item[wk]) += 1;
	}

	void
	thread(unsigned t)
	{
		int n;

		if (t == 0)
			while ((n = workqueue_take()) != 0)
				workqueue_run_batch(n);
		else
			workqueue_cancel(t - 1, 1 + rl::rand(ITEMS));
	}
};

int
main(int argc, char **argv)
{

	return c11_main<cancel>(argc, argv);
}
