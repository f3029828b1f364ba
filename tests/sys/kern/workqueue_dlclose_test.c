/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * dlopen(3) and dlclose(3) of a plug-in that is linked with the library.
 */

#include "../../tests.h"
#include "../../plugin.h"

#define	NAME		"h_module"
#define	PER_TURN	2		/* module_turn() adds n times this */

TEST_TC(load_use_close, "a plug-in that uses the library is opened, used and "
    "closed repeatedly")
{
	int i;

	for (i = 1; i <= 20; i++) {
		plugin_open(test_tc, NAME);
		TEST_EQ(PER_TURN * i, plugin.p_turn(i));
		TEST_EQ(2 * PER_TURN * i, plugin.p_turn(i));
		plugin_stop();
		plugin_close();
	}
}

TEST_TC(close_with_idle_workers, "a plug-in closed without destroying its idle "
    "queues leaves a process that continues and ends normally")
{
	int nthreads, sum;

	plugin_open(test_tc, NAME);
	test_join(test_thread(plugin_turn, &sum));
	TEST_EQ(PER_TURN, sum);
	nthreads = test_nthreads();
	plugin_close();
	/* The workers still exist, asleep in the library's code. */
	test_pause();
	TEST_EQ(nthreads, test_nthreads());
	plugin_open(test_tc, NAME);
	ATF_REQUIRE(plugin.p_turn(1) >= PER_TURN);
	plugin_stop();
	plugin_close();
}

TEST_TC(thread_ends_after_close, "a thread that the library knows ends "
    "normally after the plug-in is closed")
{

	plugin_outlived(test_tc, NAME, PER_TURN);
}

TEST_TC(kthread_in_constructor, "a plug-in's constructor can start a kthread "
    "and wait for its end, while the loader's lock is held")
{

	plugin_open(test_tc, "h_kmodule");
	TEST_EQ(2, plugin.p_turn(0));
	plugin_close();
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, load_use_close);
	ATF_TP_ADD_TC(tp, close_with_idle_workers);
	ATF_TP_ADD_TC(tp, thread_ends_after_close);
	ATF_TP_ADD_TC(tp, kthread_in_constructor);
	return atf_no_error();
}
