/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * dlopen(3) and dlclose(3) of a plug-in that is linked with iv_work(3).
 */

#define	TEST_OTHERLIB
#include "../../../tests.h"
#include "../../../plugin.h"

#define	NAME		"h_iv_module"
#define	PER_TURN	8		/* module_turn() adds that times n */

TEST_TC(load_use_close, "a plug-in that uses iv_work can be opened, used and "
    "closed repeatedly; threads of its pool may still be ending")
{

	alarm(TEST_DEADLINE);
	plugin_again(test_tc, NAME, PER_TURN);
}

TEST_TC(thread_ends_after_close, "a thread that had a loop ends properly "
    "after the plug-in is closed")
{

	alarm(TEST_DEADLINE);
	plugin_outlived(test_tc, NAME, PER_TURN);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, load_use_close);
	ATF_TP_ADD_TC(tp, thread_ends_after_close);
	return atf_no_error();
}
