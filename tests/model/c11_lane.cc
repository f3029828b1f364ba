/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A lane of iv_work: iv_lane_put(), iv_lane_open(), iv_lane_take(),
 * iv_lane_empty() and iv_lane_close() of sys/compat/ivykis/iv_impl.h;
 * iv_pool_submit(), iv_pool_call(), iv_pool_more(), iv_pool_order(),
 * iv_pool_leave() and iv_worker_run() of iv_worker.c, in small.
 *
 * A thread submits items.  While the lane is open, it puts them there.  One
 * thread takes items, and sleeps when there are none.  A second thread may take
 * items from the lane, too.
 *
 * Invariant: each item runs once, and sees what was stored before it was
 * submitted.
 *
 * The putter loads ln_head with acquire, so that its next store to the slot
 * does not take effect before the load.  No rule breaks this, because relacy
 * never makes a store take effect early.
 *
 * Rules:
 *	light	the putter has the light fence between ln_tail and ln_open
 *	late	the putter looks at ln_open after its put
 *	heavy	the taker has the heavy fence between ln_open and ln_tail
 *	again	the taker looks into the lane after it has closed it
 *	tail	ln_tail is stored with release
 *	end	ln_tail is loaded with acquire
 *	head	ln_head is stored with release
 *	push	an item is pushed with release
 *	order	an item is taken with acquire
 */

#include "c11.h"

enum { ITEMS = 5, IV_LANE = 2, TAKERS = 2, IV_WANTED = -1 };
enum iv_put { IV_PUT, IV_PUT_LATE, IV_PUT_NOT };

struct lane : rl::test_suite<lane, 1 + TAKERS> {
	rl::atomic<int> ln_open, ln_head, ln_tail, ln_slots[IV_LANE];
	int ln_seen;				/* the putter's */
	bool alone;

	rl::atomic<int> ip_inbox, ip_called, ran;
	rl::var<int> contents[ITEMS + 1], next[ITEMS + 1];
	rl::var<int> runs[ITEMS + 1];

	void
	before()
	{
		int i;

		atomic_store_relaxed(&ln_open, 0);
		atomic_store_relaxed(&ln_head, 0);
		atomic_store_relaxed(&ln_tail, 0);
		for (i = 0; i < IV_LANE; i++)
			atomic_store_relaxed(&ln_slots[i], 0);
		ln_seen = 0;
		alone = rl::rand(2);
		atomic_store_relaxed(&ip_inbox, 0);
		atomic_store_relaxed(&ip_called, 1);
		atomic_store_relaxed(&ran, 0);
		for (i = 0; i <= ITEMS; i++)
			PLAIN(contents[i]) = PLAIN(runs[i]) = 0;
	}

	void
	after()
	{
		int i;

		for (i = 1; i <= ITEMS; i++)
			RL_ASSERT(PLAIN(runs[i]) == 1);
	}

	/*
	 * The thread that submits.
	 */

	enum iv_put
	iv_lane_put(int item)
	{
		int open, tail;

		if (atomic_load_relaxed(&ln_open) == 0)
			return IV_PUT_NOT;
		tail = atomic_load_relaxed(&ln_tail);
		if (tail - ln_seen == IV_LANE) {
			ln_seen = atomic_load_acquire(&ln_head);
			if (tail - ln_seen == IV_LANE)
				return IV_PUT_NOT;
		}
		atomic_store_relaxed(&ln_slots[tail % IV_LANE], item);
		open = ISBROKEN("light") ? atomic_load_relaxed(&ln_open) : 0;
		BROKEN("tail", atomic_store_relaxed(&ln_tail, tail + 1),
		    atomic_store_release(&ln_tail, tail + 1));
		host_fence_light();
		if (!ISBROKEN("light"))
			open = ISBROKEN("late") ||
			    atomic_load_relaxed(&ln_open) != 0;
		return open ? IV_PUT : IV_PUT_LATE;
	}

	void
	iv_pool_call()
	{

		(void)atomic_swap_acq_rel(&ip_called, 1);
	}

	void
	iv_pool_submit(int item)
	{
		int old;

		PLAIN(contents[item]) = item;
		switch (iv_lane_put(item)) {
		case IV_PUT:
			return;
		case IV_PUT_LATE:
			iv_pool_call();
			return;
		case IV_PUT_NOT:
			break;
		}
		old = atomic_load_relaxed(&ip_inbox);
		if (rl::rand(2))
			atomic_store_relaxed(&ln_open, 1);
		do {
			PLAIN(next[item]) = old == IV_WANTED ? 0 : old;
		} while (!BROKEN("push",
		    atomic_cas_acquire(&ip_inbox, &old, item),
		    atomic_cas_weak_acq_rel(&ip_inbox, &old, item)));
		if (old == IV_WANTED)
			iv_pool_call();
	}

	/*
	 * The threads that take.
	 */

	int
	iv_lane_take(int *tailp)
	{
		int head, item;

		head = atomic_load_acquire(&ln_head);
		do {
			if (*tailp - head <= 0) {
				*tailp = BROKEN("end",
				    atomic_load_relaxed(&ln_tail),
				    atomic_load_acquire(&ln_tail));
				if (*tailp == head)
					return 0;
			}
			item = atomic_load_relaxed(&ln_slots[head % IV_LANE]);
			if (alone) {
				BROKEN("head",
				    atomic_store_relaxed(&ln_head, head + 1),
				    atomic_store_release(&ln_head, head + 1));
				break;
			}
		} while (!BROKEN("head",
		    atomic_cas_acquire(&ln_head, &head, head + 1),
		    atomic_cas_acq_rel(&ln_head, &head, head + 1)));
		return item;
	}

	bool
	iv_lane_empty()
	{

		return atomic_load_acquire(&ln_head) ==
		    atomic_load_acquire(&ln_tail);
	}

	void
	iv_lane_close()
	{

		atomic_store_relaxed(&ln_open, 0);
		if (!ISBROKEN("heavy"))
			c11_fence_heavy<1 + TAKERS>($);
	}

	void
	iv_item_run(int item)
	{

		RL_ASSERT(item > 0);
		RL_ASSERT(PLAIN(contents[item]) == item);
		PLAIN(runs[item]) += 1;
		(void)atomic_fetch_add_relaxed(&ran, 1);
	}

	/* Run the items on the list. */
	bool
	iv_pool_order()
	{
		int item;

		item = atomic_load_relaxed(&ip_inbox);
		if (item == 0 || item == IV_WANTED)
			return false;
		item = BROKEN("order", atomic_swap_relaxed(&ip_inbox, 0),
		    atomic_swap_acq_rel(&ip_inbox, 0));
		while (item != 0) {
			iv_item_run(item);
			item = PLAIN(next[item]);
		}
		return true;
	}

	/* Return false if the thread is no longer active. */
	bool
	iv_pool_more()
	{
		int old;

		for (;;) {
			if (iv_pool_order() || !iv_lane_empty())
				return true;
			if (atomic_load_relaxed(&ln_open) != 0) {
				iv_lane_close();
				if (!ISBROKEN("again"))
					continue;
			}
			/* iv_pool_leave() */
			old = 0;
			if (atomic_cas_acq_rel(&ip_inbox, &old, IV_WANTED) ||
			    old == IV_WANTED)
				return false;
		}
	}

	void
	iv_worker_run()
	{
		int item, tail;

		tail = 0;
		while (atomic_load_relaxed(&ran) < ITEMS) {
			if (atomic_swap_acq_rel(&ip_called, 0) == 0) {
				c11_wait();
				continue;
			}
			do {
				while ((item = iv_lane_take(&tail)) != 0)
					iv_item_run(item);
			} while (iv_pool_more());
		}
	}

	void
	thread(unsigned t)
	{
		int i, item, tail;

		tail = 0;
		if (t == 0)
			for (i = 1; i <= ITEMS; i++)
				iv_pool_submit(i);
		else if (t == 1)
			iv_worker_run();
		else if (!alone)
			for (i = 1; i <= ITEMS; i++)
				if ((item = iv_lane_take(&tail)) != 0)
					iv_item_run(item);
	}
};

int
main(int argc, char **argv)
{

	return c11_main<lane>(argc, argv);
}
