/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The basis of the other programs: the asymmetric fence as c11.h has it, and
 * host_park() with host_unpark() of sys/host.
 *
 * Each run is one of these:
 *	store	two threads store a flag each and load the other's
 *	message	one stores data and then a flag; the other loads the flag and
 *		then the data
 *	token	two threads store a flag each and unpark a third
 *
 * Invariant: at least one thread sees the other's flag; a thread that sees the
 * flag sees the data; the third thread returns when it has seen both flags.
 *
 * Rules:
 *	heavy	one of the two threads has the heavy fence
 *	light	the other has the light fence
 *	token	a thread gives a token by one operation that reads and writes
 *	taken	a thread takes a token with acquire
 */

#include "c11.h"

struct host : rl::test_suite<host, 3> {
	int kind;
	rl::atomic<int> flag[2], data;
	rl::var<int> seen[2];
	c11_park l_park;

	void
	before()
	{
		int i;

		kind = rl::rand(3);
		for (i = 0; i < 2; i++) {
			atomic_store_relaxed(&flag[i], 0);
			PLAIN(seen[i]) = 0;
		}
		atomic_store_relaxed(&data, 0);
		l_park.init();
	}

	void
	after()
	{

		if (kind == 0)
			RL_ASSERT(PLAIN(seen[0]) || PLAIN(seen[1]));
		else if (kind == 1 && PLAIN(seen[0]))
			RL_ASSERT(PLAIN(seen[1]));
	}

	void
	heavy()
	{

		if (!ISBROKEN("heavy"))
			c11_fence_heavy<3>($);
	}

	void
	store(unsigned t)
	{

		if (t == 0 && ISBROKEN("light")) {
			PLAIN(seen[t]) = atomic_load_relaxed(&flag[1 - t]);
			atomic_store_relaxed(&flag[t], 1);
			return;
		}
		atomic_store_relaxed(&flag[t], 1);
		if (t == 0)
			host_fence_light();
		else
			heavy();
		PLAIN(seen[t]) = atomic_load_relaxed(&flag[1 - t]);
	}

	void
	message(unsigned t)
	{

		if (t == 1) {
			PLAIN(seen[0]) = atomic_load_relaxed(&flag[0]);
			heavy();
			PLAIN(seen[1]) = atomic_load_relaxed(&data);
		} else if (ISBROKEN("light")) {
			atomic_store_relaxed(&flag[0], 1);
			atomic_store_relaxed(&data, 1);
		} else {
			atomic_store_relaxed(&data, 1);
			host_fence_light();
			atomic_store_relaxed(&flag[0], 1);
		}
	}

	void
	token(unsigned t)
	{

		if (t < 2) {
			atomic_store_relaxed(&flag[t], 1);
			l_park.unpark();
		} else
			while (atomic_load_relaxed(&flag[0]) == 0 ||
			    atomic_load_relaxed(&flag[1]) == 0)
				l_park.park();
	}

	void
	thread(unsigned t)
	{

		if (kind == 2)
			token(t);
		else if (t < 2) {
			if (kind == 0)
				store(t);
			else
				message(t);
		}
	}
};

int
main(int argc, char **argv)
{

	return c11_main<host>(argc, argv);
}
