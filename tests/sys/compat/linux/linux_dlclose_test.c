/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * dlopen(3) and dlclose(3) of a plug-in that is linked with the Linux library.
 */

#define	TEST_OTHERLIB
#include "../../../tests.h"
#include "../../../plugin.h"

#define	NAME		"h_linux_module"
#define	PER_TURN	5		/* module_turn() adds that times n */

TEST_TC(load_use_close, "a plug-in that uses the Linux library can be opened, "
    "used, flushed and closed repeatedly")
{

	plugin_again(test_tc, NAME, PER_TURN);
}

TEST_TC(close_with_shared_queues, "threads of shared queues outlive a "
    "plug-in that is closed after a flush, and serve the next one")
{
	int nthreads, sum;

	plugin_open(test_tc, NAME);
	test_join(test_thread(plugin_turn, &sum));
	TEST_EQ(PER_TURN, sum);
	plugin_stop();
	nthreads = test_nthreads();
	plugin_close();
	test_pause();
	ATF_REQUIRE(nthreads == -1 || test_nthreads() > 1);
	plugin_open(test_tc, NAME);
	ATF_REQUIRE(plugin.p_turn(1) >= PER_TURN);
	plugin_stop();
	plugin_close();
}

TEST_TC(thread_ends_after_close, "a thread known to the library ends "
    "properly after the plug-in is closed")
{

	plugin_outlived(test_tc, NAME, PER_TURN);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, load_use_close);
	ATF_TP_ADD_TC(tp, close_with_shared_queues);
	ATF_TP_ADD_TC(tp, thread_ends_after_close);
	return atf_no_error();
}
