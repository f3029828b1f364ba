/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The batch of a pool's only thread against the threads that recall it:
 * wqpool_take(), wqpool_begin(), wqpool_run_batch(), wqpool_ran(),
 * wqpool_recall() and wqpool_order() of sys/kern/subr_wqpool.c.
 *
 * The thread takes items and runs them.  Two others cancel an item each, if it
 * is on the list after a recall.
 *
 * Invariant: an item is either run once or cancelled by one call; and a thread
 * that recalls the batch sees the effects of the items that it counts as done.
 *
 * Rules:
 *	done	wr_begun is stored with release
 *	light	the thread has the light fence between wr_begun and wr_recalled
 *	swap	(-s) instead, the thread stores wr_begun with sequential
 *		consistency
 *	load	(-s) and loads wr_recalled with sequential consistency
 *	heavy	a recall has the heavy fence between wr_recalled and wr_begun
 *	store	(-s) instead, a recall stores wr_recalled with sequential
 *		consistency
 *	look	(-s) and loads wr_begun with sequential consistency
 *	ours	the thread asks whether the recall saw that it began the item
 *	again	the thread runs the item if the recall saw that
 */

#include "c11.h"

enum { ITEMS = 4, CALLERS = 2 };

struct recall : rl::test_suite<recall, 1 + CALLERS> {
	/* struct wqpool and struct wqpool_runner */
	c11_mutex p_lock;
	rl::var<int> list[ITEMS], nlist;	/* (p_lock) oldest first */
	rl::var<bool> p_batcher;		/* (p_lock) one exists */
	rl::atomic<int> wr_begun, wr_recalled;
	rl::var<int> wr_end, wr_batch[ITEMS];

	rl::var<int> item[ITEMS];		/* runs and cancels */

	void
	before()
	{
		int i;

		p_lock.init();
		for (i = 0; i < ITEMS; i++) {
			PLAIN(list[i]) = i;
			PLAIN(item[i]) = 0;
		}
		PLAIN(nlist) = ITEMS;
		PLAIN(p_batcher) = false;
		atomic_store_relaxed(&wr_begun, 0);
		atomic_store_relaxed(&wr_recalled, 0);
	}

	void
	after()
	{
		int i;

		for (i = 0; i < ITEMS; i++)
			RL_ASSERT(PLAIN(item[i]) == 1);
	}

	void
	wqpool_unlink(int i)
	{

		for (PLAIN(nlist) -= 1; i < PLAIN(nlist); i++)
			PLAIN(list[i]) = PLAIN(list[i + 1]).load();
	}

	/* Insert an item at the start of the list. */
	void
	wqpool_link(int wk)
	{
		int i;

		for (i = PLAIN(nlist); i > 0; i--)
			PLAIN(list[i]) = PLAIN(list[i - 1]).load();
		PLAIN(list[0]) = wk;
		PLAIN(nlist) += 1;
	}

	/*
	 * The thread of the pool.
	 */

	int
	wqpool_take()
	{
		int n;

		for (n = 0; PLAIN(nlist) > 0; n++) {
			PLAIN(wr_batch[n]) = PLAIN(list[0]).load();
			wqpool_unlink(0);
		}
		PLAIN(wr_end) = n;
		atomic_store_relaxed(&wr_begun, 1);
		atomic_store_relaxed(&wr_recalled, 0);
		PLAIN(p_batcher) = true;
		return n;
	}

	bool
	wqpool_begin(int begun)
	{
		int recalled;

		if (ISBROKEN("light")) {
			recalled = atomic_load_relaxed(&wr_recalled);
			atomic_store_release(&wr_begun, begun);
			return recalled == 0;
		}
		if (host_asymfence) {
			BROKEN("done", atomic_store_relaxed(&wr_begun, begun),
			    atomic_store_release(&wr_begun, begun));
			host_fence_light();
			return atomic_load_relaxed(&wr_recalled) == 0;
		}
		BROKEN("swap", atomic_swap_acq_rel(&wr_begun, begun),
		    atomic_swap_seq_cst(&wr_begun, begun));
		return BROKEN("load", atomic_load_acquire(&wr_recalled),
		    atomic_load_seq_cst(&wr_recalled)) == 0;
	}

	void
	wqpool_call(int wk)
	{

		c11_step();
		PLAIN(item[wk]) += 1;
	}

	void
	wqpool_run_batch(int n)
	{
		int i;

		mutex_exit(&p_lock);
		i = 0;
		do {
			wqpool_call(PLAIN(wr_batch[i]));
		} while (++i < n && wqpool_begin(i + 1));
		mutex_enter(&p_lock);
		if (PLAIN(p_batcher)) {
			PLAIN(p_batcher) = false;
			return;
		}
		if (!ISBROKEN("again") &&
		    (ISBROKEN("ours") ? i < n : i < PLAIN(wr_end))) {
			mutex_exit(&p_lock);
			wqpool_call(PLAIN(wr_batch[i]));
			mutex_enter(&p_lock);
		}
	}

	void
	wqpool_run()
	{

		mutex_enter(&p_lock);
		while (PLAIN(nlist) > 0)
			wqpool_run_batch(wqpool_take());
		mutex_exit(&p_lock);
	}

	/*
	 * The others.
	 */

	void
	wqpool_recall()
	{
		int begun, i;

		PLAIN(p_batcher) = false;
		if (host_asymfence)
			atomic_store_seq_cst(&wr_recalled, 1);
		else
			BROKEN("store", atomic_store_release(&wr_recalled, 1),
			    atomic_store_seq_cst(&wr_recalled, 1));
		if (!ISBROKEN("heavy"))
			c11_fence_heavy<1 + CALLERS>($);
		begun = BROKEN("look", atomic_load_acquire(&wr_begun),
		    atomic_load_seq_cst(&wr_begun));
		for (i = PLAIN(wr_end); i > begun; i--)
			wqpool_link(PLAIN(wr_batch[i - 1]));
		PLAIN(wr_end) = begun;
		for (i = 0; i < begun - 1; i++)
			RL_ASSERT(PLAIN(item[PLAIN(wr_batch[i])]) == 1);
	}

	void
	wqpool_cancel(int wk)
	{
		int i;

		mutex_enter(&p_lock);
		/* wqpool_order() */
		if (PLAIN(p_batcher))
			wqpool_recall();
		for (i = 0; i < PLAIN(nlist); i++)
			if (PLAIN(list[i]) == wk) {
				wqpool_unlink(i);
				PLAIN(item[wk]) += 1;
				break;
			}
		mutex_exit(&p_lock);
	}

	void
	thread(unsigned t)
	{

		if (t == 0)
			wqpool_run();
		else
			wqpool_cancel(rl::rand(ITEMS));
	}
};

int
main(int argc, char **argv)
{

	return c11_main<recall>(argc, argv);
}
