/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Run the kernel tests: sources as in a kernel, compiled with the flags of
 * workqueue-kernel.  Each runs with the default environment, with one CPU and
 * with seven, and in checking mode.
 */

#include "ktest/ktest.h"
#include "../../tests.h"

#define	KTEST(name, text)						\
TEST_TC(name, text)							\
{									\
									\
	TEST_EQ(0, ktest_##name());					\
}									\
TEST_TC(name##_1cpu, text ", one CPU")					\
{									\
									\
	test_env("WORKQUEUE_NCPU", "1");				\
	TEST_EQ(0, ktest_##name());					\
}									\
TEST_TC(name##_7cpus, text ", seven CPUs")				\
{									\
									\
	test_env("WORKQUEUE_NCPU", "7");				\
	TEST_EQ(0, ktest_##name());					\
}									\
TEST_TC(name##_checked, text ", checking mode")				\
{									\
									\
	test_env("WORKQUEUE_CHECK", "1");				\
	TEST_EQ(0, ktest_##name());					\
}

#define	KTEST_ADD(tp, name) do {					\
	ATF_TP_ADD_TC(tp, name);					\
	ATF_TP_ADD_TC(tp, name##_1cpu);					\
	ATF_TP_ADD_TC(tp, name##_7cpus);				\
	ATF_TP_ADD_TC(tp, name##_checked);				\
} while (0)

KTEST(roundtrip, "12,000 round trips of enqueue and timed wait")
KTEST(wait, "workqueue_wait in many orders")
KTEST(threadpool, "the life of jobs; storms of cancellation")
KTEST(tsleep, "tsleep and wakeup")

TEST_TP_ADD_TCS(tp)
{

	KTEST_ADD(tp, roundtrip);
	KTEST_ADD(tp, wait);
	KTEST_ADD(tp, threadpool);
	KTEST_ADD(tp, tsleep);
	return atf_no_error();
}
