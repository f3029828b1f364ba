/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Threads that hold back interrupts against the thread that watches them:
 * intrthread_enlist(), intrthread_kick(), intr_want(), intr_restart(),
 * intrthread_turn() and intrthread_watcher() of sys/kern/kern_intrthread.c.
 *
 * Two threads hold back an interrupt each and enlist themselves.  The watcher
 * starts meanwhile, or a thread that sleeps starts it because it is missing.
 *
 * Invariant: the watcher sees both threads, and what they did before.
 *
 * Rules:
 *	enlist	a thread enlists with sequential consistency
 *	kick	the thread loads it_lwp with sequential consistency
 *	exists	the watcher stores it_lwp with sequential consistency
 *	told	the watcher loads intr_told with sequential consistency
 *	take	the watcher takes the threads with acquire
 */

#include "c11.h"

enum { HOLDERS = 2 };

struct watch : rl::test_suite<watch, HOLDERS + 2> {
	rl::atomic<int> intr_told;		/* t + 1, or 0 */
	rl::atomic<int> it_lwp, it_started, intr_wanted, lwp_sleephook;
	rl::atomic<int> created, seen;
	rl::var<int> l_iwnext[HOLDERS];
	c11_park l_park;

	void
	before()
	{

		atomic_store_relaxed(&intr_told, 0);
		atomic_store_relaxed(&it_lwp, 0);
		atomic_store_relaxed(&it_started, rl::rand(2));
		atomic_store_relaxed(&created,
		    atomic_load_relaxed(&it_started));
		atomic_store_relaxed(&intr_wanted, 0);
		atomic_store_relaxed(&lwp_sleephook, 0);
		atomic_store_relaxed(&seen, 0);
		l_park.init();
	}

	/*
	 * Threads that hold back an interrupt.
	 */

	void
	intr_want()
	{

		(void)atomic_fetch_or_relaxed(&intr_wanted, 1);
		(void)atomic_swap_acq_rel(&lwp_sleephook, 1);
	}

	void
	intrthread_kick()
	{

		if (BROKEN("kick", atomic_load_acquire(&it_lwp),
		    atomic_load_seq_cst(&it_lwp)) != 0)
			l_park.unpark();
		else
			intr_want();
	}

	void
	intrthread_enlist(int t)
	{
		int head;

		head = atomic_load_relaxed(&intr_told);
		do {
			PLAIN(l_iwnext[t]) = head;
		} while (!BROKEN("enlist",
		    atomic_cas_release(&intr_told, &head, t + 1),
		    atomic_cas_seq_cst(&intr_told, &head, t + 1)));
		intrthread_kick();
	}

	/*
	 * A thread that sleeps now and then.
	 */

	void
	intr_restart()
	{
		int none;

		(void)atomic_swap_acq_rel(&lwp_sleephook, 0);
		none = 0;
		if (atomic_swap_relaxed(&intr_wanted, 0) != 0 &&
		    atomic_cas_relaxed(&it_started, &none, 1))
			atomic_store_release(&created, 1);
	}

	void
	sleeper()
	{

		while (atomic_load_relaxed(&seen) != HOLDERS) {
			if (atomic_load_relaxed(&lwp_sleephook) != 0)
				intr_restart();
			c11_wait();
		}
	}

	/*
	 * The watcher.
	 */

	/* Return how many threads the watcher sees. */
	int
	intrthread_turn()
	{
		int l, n;

		if (BROKEN("told", atomic_load_relaxed(&intr_told),
		    atomic_load_seq_cst(&intr_told)) == 0)
			return 0;
		n = 0;
		for (l = BROKEN("take", atomic_swap_relaxed(&intr_told, 0),
		    atomic_swap_acquire(&intr_told, 0)); l != 0;
		    l = PLAIN(l_iwnext[l - 1]))
			n++;
		return n;
	}

	void
	intrthread_watcher()
	{
		int n;

		while (atomic_load_acquire(&created) == 0)
			c11_wait();
		BROKEN("exists", atomic_store_release(&it_lwp, 1),
		    atomic_store_seq_cst(&it_lwp, 1));
		for (n = intrthread_turn(); n < HOLDERS;
		    n += intrthread_turn())
			l_park.park();
		atomic_store_relaxed(&seen, n);
	}

	void
	thread(unsigned t)
	{

		if (t < HOLDERS)
			intrthread_enlist(t);
		else if (t == HOLDERS)
			intrthread_watcher();
		else
			sleeper();
	}
};

int
main(int argc, char **argv)
{

	return c11_main<watch>(argc, argv);
}
