/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Fork handlers that the program registered before the library was loaded.
 * Before the copy they run after the library's own handlers; after the copy, in
 * parent and child, they run before them.
 */

#include "../../tests.h"
#include "../../plugin.h"

static bool ready;
static int calls;

static void
turn(void)
{
	int sum;

	if (!ready)
		return;
	calls++;
	ATF_REQUIRE(plugin.p_turn(1) != 0);
	/* Have another thread take every lock of the library. */
	sum = 0;
	test_join(test_thread(plugin_turn, &sum));
	ATF_REQUIRE(sum != 0);
	/* A fork may follow, so no thread may be inside the allocator. */
	test_settle();
}

static void
child(void)
{

	/* turn() starts threads, so call it only if a child may do so. */
	if (TEST_CHILDTHREADS)
		turn();
	else
		calls++;
}

static void
forks(void)
{
	pid_t pid;
	int i, status;

	for (i = 1; i <= 20; i++) {
		calls = 0;
		if ((pid = test_fork()) == 0) {
			alarm(TEST_DEADLINE);
			child();
			_exit(calls == 3 ? 0 : 3);
		}
		TEST_EQ(pid, waitpid(pid, &status, 0));
		ATF_REQUIRE_MSG(status == 0, "wait status %#x",
		    (unsigned)status);
		TEST_EQ(2, calls);
		turn();
	}
}

static void
loaded(const atf_tc_t *tc)
{

	ATF_REQUIRE(pthread_atfork(turn, turn, child) == 0);
	plugin_open(tc, "h_atfork");
	ready = true;
	forks();
}

TEST_TC(registered_before, "handlers registered before the library was loaded "
    "may use all of it")
{

	loaded(test_tc);
}

TEST_TC(registered_before_checked, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	loaded(test_tc);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, registered_before);
	ATF_TP_ADD_TC(tp, registered_before_checked);
	return atf_no_error();
}
