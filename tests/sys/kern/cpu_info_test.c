/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * cpu_info(9): the CPUs that the process may use.
 */

#ifdef __linux__
#include <sched.h>
#endif

#include <sys/cpu.h>

#include "../../tests.h"

static void
table(int n)
{
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;
	char name[16];
	int i = 0;

	TEST_EQ(n, ncpu);
	TEST_EQ(n, ncpuonline);
	for (CPU_INFO_FOREACH(cii, ci)) {
		TEST_EQ(i, cpu_index(ci));
		ATF_REQUIRE(ci == cpu_lookup((unsigned int)i));
		TEST_EQ(i, ci->ci_index);
		snprintf(name, sizeof(name), "cpu%d", i);
		ATF_REQUIRE_STREQ(name, cpu_name(ci));
		i++;
	}
	TEST_EQ(n, i);
	ATF_REQUIRE(cpu_lookup((unsigned int)n) == NULL);
	ATF_REQUIRE(cpu_lookup((unsigned int)-1) == NULL);
}

static void *
current(void *arg)
{

	*(struct cpu_info **)arg = curcpu();
	return NULL;
}

static void
currents(void)
{
	struct cpu_info *ci;
	int i;

	for (i = 0; i < 50; i++) {
		ci = NULL;
		test_join(test_thread(current, &ci));
		ATF_REQUIRE(ci != NULL);
		ATF_REQUIRE(cpu_index(ci) < (unsigned int)ncpu);
		ATF_REQUIRE(ci == cpu_lookup(cpu_index(ci)));
	}
}

static void
given(const char *n)
{

	test_env("WORKQUEUE_NCPU", n);
	table(atoi(n));
	currents();
}

TEST_TC(ncpu_1, "WORKQUEUE_NCPU=1 gives one CPU")
{

	given("1");
	ATF_REQUIRE(curcpu() == cpu_lookup(0));
}

TEST_TC(ncpu_2, "WORKQUEUE_NCPU=2 gives two CPUs, in a table in order")
{

	given("2");
}

TEST_TC(ncpu_7, "WORKQUEUE_NCPU=7 gives seven CPUs, in a table in order")
{

	given("7");
}

TEST_TC(ncpu_many, "WORKQUEUE_NCPU may be many times the machine's CPUs")
{

	given("200");
}

TEST_TC(ncpu_default, "without WORKQUEUE_NCPU there are as many CPUs as the "
    "affinity mask has, or fewer under a quota")
{

	test_env("WORKQUEUE_NCPU", NULL);
	ATF_REQUIRE(ncpu >= 1);
	table(ncpu);
	currents();
#ifdef __linux__
	cpu_set_t set;
	int quota;

	ATF_REQUIRE(sched_getaffinity(0, sizeof(set), &set) == 0);
	ATF_REQUIRE_MSG(ncpu <= CPU_COUNT(&set), "ncpu %d, mask of %d", ncpu,
	    CPU_COUNT(&set));
	/* Without a cpu.max file, or with an empty one, there is no quota. */
	quota = system("cat /sys/fs/cgroup/cpu.max "
	    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null | "
	    "grep -q '^[0-9]'");
	if (quota != 0 && (wqk_hostcaps() & TEST_CAP_AFFINITY) != 0)
		TEST_EQ(CPU_COUNT(&set), ncpu);
#endif
}

TEST_TC(ncpu_nonsense, "an invalid WORKQUEUE_NCPU is ignored")
{
	static const char *const bad[] = { "0", "-3", "seven", "2x", "",
	    "99999999999999999999" };
	const char *is = getenv("WORKQUEUE_NCPU"), *was;
	char buf[16];
	size_t i;

	/* First run without the variable, to learn the number of CPUs. */
	was = getenv("TEST_NCPU");
	if (was == NULL) {
		test_env("WORKQUEUE_NCPU", NULL);
		snprintf(buf, sizeof(buf), "%d", ncpu);
		setenv("TEST_NCPU", buf, 1);
		test_env("WORKQUEUE_NCPU", bad[0]);
	}
	TEST_EQ(atoi(was), ncpu);
	table(ncpu);
	for (i = 0; i + 1 < TEST_NELEM(bad); i++) {
		if (strcmp(is, bad[i]) == 0)
			test_env("WORKQUEUE_NCPU", bad[i + 1]);
	}
}

#ifdef __linux__
static void *
stays(void *arg)
{
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;
	cpu_set_t set;
	int i;

	for (CPU_INFO_FOREACH(cii, ci)) {
		CPU_ZERO(&set);
		CPU_SET(ci->ci_hostid, &set);
		if (sched_setaffinity(0, sizeof(set), &set) != 0)
			continue;
		for (i = 0; i < 1000; i++) {
			if (curcpu() != ci)
				++*(int *)arg;
		}
	}
	return NULL;
}
#endif

TEST_TC(current_is_where_it_runs, "curcpu returns the CPU of a thread that "
    "stays on one, whether the library knows the thread or not")
{
#ifdef __linux__
	int wrong = 0;

	test_env("WORKQUEUE_NCPU", NULL);
	TEST_NEED(TEST_CAP_CURCPU, "the current CPU");
	test_join(test_thread(stays, &wrong));
	TEST_EQ(0, wrong);
	stays(&wrong);
	TEST_EQ(0, wrong);
#else
	atf_tc_skip("no way to set a thread's affinity here");
#endif
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, ncpu_1);
	ATF_TP_ADD_TC(tp, ncpu_2);
	ATF_TP_ADD_TC(tp, ncpu_7);
	ATF_TP_ADD_TC(tp, ncpu_many);
	ATF_TP_ADD_TC(tp, ncpu_default);
	ATF_TP_ADD_TC(tp, ncpu_nonsense);
	ATF_TP_ADD_TC(tp, current_is_where_it_runs);
	return atf_no_error();
}
