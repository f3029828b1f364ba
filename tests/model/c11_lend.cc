/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Producers that call the lender: wqlend_push(), wqlend_call(), wqlender() and
 * wqlend_pending() of sys/kern.
 *
 * Each of two producers pushes a record on the inbox of a pool of its own.  The
 * lender looks at one pool after the other.  If the lender sleeps for the lock
 * of a pool meanwhile, it may take the token that a producer has given it.
 *
 * Invariant: the lender sees both records.
 *
 * Rules:
 *	call	a producer sets wqlend_called by a read-modify-write, so that
 *		the lender observes the record of each producer, and not only
 *		that of the last one
 *	look	the lender clears wqlend_called with acquire
 *	again	the lender loads wqlend_called before it sleeps
 */

#include "c11.h"

enum { POOLS = 2 };

struct lend : rl::test_suite<lend, POOLS + 1> {
	rl::atomic<int> lp_inbox[POOLS];	/* 1: it has a record */
	rl::atomic<int> wqlend_called;
	c11_park l_park;

	void
	before()
	{
		int lp;

		for (lp = 0; lp < POOLS; lp++)
			atomic_store_relaxed(&lp_inbox[lp], 0);
		atomic_store_relaxed(&wqlend_called, 0);
		l_park.init();
	}

	void
	wqlend_call()
	{

		BROKEN("call", atomic_store_release(&wqlend_called, 1),
		    (void)atomic_swap_acq_rel(&wqlend_called, 1));
		l_park.unpark();
	}

	void
	wqlend_push(int lp)
	{
		int old;

		old = 0;
		(void)atomic_cas_acq_rel(&lp_inbox[lp], &old, 1);
		wqlend_call();
	}

	bool
	wqlend_pending(int lp)
	{

		/* mutex_enter() may sleep. */
		if (rl::rand(2))
			(void)atomic_swap_acquire(&l_park.p_state, 0);
		return atomic_load_relaxed(&lp_inbox[lp]) != 0;
	}

	void
	wqlender()
	{
		bool seen[POOLS] = { false, false };
		int lp;

		for (;;) {
			(void)BROKEN("look",
			    atomic_swap_relaxed(&wqlend_called, 0),
			    atomic_swap_acquire(&wqlend_called, 0));
			for (lp = 0; lp < POOLS; lp++)
				if (!seen[lp])
					seen[lp] = wqlend_pending(lp);
			if (seen[0] && seen[1])
				break;
			if (ISBROKEN("again") ||
			    atomic_load_acquire(&wqlend_called) == 0)
				l_park.park();
		}
	}

	void
	thread(unsigned t)
	{

		if (t < POOLS)
			wqlend_push((int)t);
		else
			wqlender();
	}
};

int
main(int argc, char **argv)
{

	return c11_main<lend>(argc, argv);
}
