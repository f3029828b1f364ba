/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * How the linux back end counts CPUs: the affinity mask, and the quotas of
 * control groups.  The program provides both: it includes the back end, and
 * makes the back end find the files in the test's directory.
 */

#include <sched.h>
#include <stddef.h>

static int	fake_getaffinity(pid_t, size_t, cpu_set_t *);

#define	HOST_PROC	"proc"
#define	sched_getaffinity fake_getaffinity
#include "../../../sys/host/host_linux.c"
#include "../../../sys/host/host_linux_asleep.c"
#include "../../../sys/host/host_linux_cpu.c"
#include "../../../sys/host/host_linux_sched.c"
#undef sched_getaffinity

#include <sys/stat.h>

#include "../../tests.h"

/* The affinity mask of the process, or the error of the call. */
static int fake_cpus[8];
static int fake_ncpus;
static int fake_errno;
static size_t fake_minsize;		/* of the kernel's mask, in bytes */

static int
fake_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	int i;

	(void)pid;
	if (fake_errno != 0 || size < fake_minsize) {
		errno = fake_errno != 0 ? fake_errno : EINVAL;
		return -1;
	}
	CPU_ZERO_S(size, set);
	for (i = 0; i < fake_ncpus; i++)
		CPU_SET_S((size_t)fake_cpus[i], size, set);
	return 0;
}

static void
mask(int n, const int *cpus)
{

	memcpy(fake_cpus, cpus, (size_t)n * sizeof(*cpus));
	fake_ncpus = n;
}

static void
file(const char *name, const char *text)
{
	FILE *fp;

	ATF_REQUIRE((fp = fopen(name, "w")) != NULL);
	(void)fputs(text, fp);
	ATF_REQUIRE(fclose(fp) == 0);
}

/* Make a unified tree, as in a container: the group is /a/b of the mount. */
static void
unified(void)
{
	static const char *const dirs[] = {
		"proc", "cg", "cg/a", "cg/a/b"
	};
	char cwd[PATH_MAX], text[PATH_MAX + 100];
	size_t i;

	for (i = 0; i < TEST_NELEM(dirs); i++)
		ATF_REQUIRE(mkdir(dirs[i], 0755) == 0 || errno == EEXIST);
	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(text, sizeof(text),
	    "30 23 0:26 / %s/cg rw,nosuid - cgroup2 cgroup2 rw\n", cwd);
	file("proc/mountinfo", text);
	file("proc/cgroup", "0::/a/b\n");
}

/* Check the number of CPUs, and whether workers are bound to them. */
#define	CPUS(n, bound) do {						\
	bool bind_ = !(bound);						\
	int n_;								\
									\
	n_ = host_cpus(ids, TEST_NELEM(ids), &bind_);			\
	ATF_CHECK_EQ_MSG((n), n_, "%d CPUs", n_);			\
	ATF_CHECK_EQ((bound), bind_);					\
} while (0)

static int ids[8];

static const int four[] = { 0, 1, 2, 3 };

TEST_TC(no_files, "without /proc there is no quota: all CPUs of the mask")
{

	mask(4, four);
	CPUS(4, true);
	ATF_CHECK_EQ(3, ids[3]);
	ATF_CHECK_EQ(0, host_caps() & HOST_CAP_QUOTA);
}

TEST_TC(no_cgroup_files, "with /proc, and no /sys, there is none, either")
{

	mask(4, four);
	unified();
	CPUS(4, true);
	/*
	 * There is also no quota if the file is empty, or if no cgroup is
	 * mounted.
	 */
	file("cg/a/b/cpu.max", "");
	CPUS(4, true);
	file("cg/a/b/cpu.max", "50000 100000\n");
	CPUS(1, false);
	file("proc/mountinfo", "");
	CPUS(4, true);
}

TEST_TC(quota, "a quota counts in whole CPUs, rounded up, and is at most the "
    "mask; under one below the mask nothing is bound")
{

	mask(4, four);
	unified();
	file("cg/a/b/cpu.max", "max 100000\n");
	CPUS(4, true);
	file("cg/a/b/cpu.max", "150000 100000\n");
	CPUS(2, false);
	file("cg/a/b/cpu.max", "200000 100000\n");
	CPUS(2, false);
	file("cg/a/b/cpu.max", "1000 100000\n");
	CPUS(1, false);
	file("cg/a/b/cpu.max", "400000 100000\n");
	CPUS(4, true);
	file("cg/a/b/cpu.max", "1600000 100000\n");
	CPUS(4, true);
	file("cg/a/b/cpu.max", "9223372036854775807 1\n");
	CPUS(4, true);
	file("cg/a/b/cpu.max", "what is this\n");
	CPUS(4, true);
}

TEST_TC(quota_above, "the tightest quota of the group and those above it "
    "counts")
{

	mask(4, four);
	unified();
	file("cg/a/b/cpu.max", "300000 100000\n");
	CPUS(3, false);
	file("cg/a/cpu.max", "200000 100000\n");
	CPUS(2, false);
	file("cg/cpu.max", "50000 100000\n");
	CPUS(1, false);
	/*
	 * The group is outside the mount, so the quota is that of the mounted
	 * group.
	 */
	file("proc/cgroup", "0::/../elsewhere\n");
	CPUS(1, false);
	file("cg/cpu.max", "max 100000\n");
	CPUS(4, true);
}

TEST_TC(quota_v1, "so does that of the cpu controller's own tree")
{
	char cwd[PATH_MAX], text[PATH_MAX + 100];

	mask(4, four);
	unified();
	ATF_REQUIRE(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(text, sizeof(text), "30 23 0:26 / %s/cg rw - "
	    "cgroup cgroup rw,cpu,cpuacct\n", cwd);
	file("proc/mountinfo", text);
	file("proc/cgroup", "4:memory:/x\n3:cpu,cpuacct:/a\n");
	file("cg/a/cpu.cfs_period_us", "100000\n");
	file("cg/a/cpu.cfs_quota_us", "-1\n");
	CPUS(4, true);
	file("cg/a/cpu.cfs_quota_us", "250000\n");
	CPUS(3, false);
}

TEST_TC(sparse, "the CPUs of a mask with gaps have their own numbers, also "
    "beyond what a cpu_set_t holds")
{
	static const int cpus[] = { 1, 63, 64, 1030 };

	mask(4, cpus);
	fake_minsize = 1024;		/* a kernel for 8192 CPUs */
	CPUS(4, true);
	ATF_CHECK_EQ(1, ids[0]);
	ATF_CHECK_EQ(63, ids[1]);
	ATF_CHECK_EQ(64, ids[2]);
	ATF_CHECK_EQ(1030, ids[3]);
}

TEST_TC(mask_refused, "where the mask cannot be read there is one CPU, and "
    "nothing is bound")
{
	static const int errors[] = { EPERM, ENOSYS };
	size_t i;

	mask(4, four);
	for (i = 0; i < TEST_NELEM(errors); i++) {
		fake_errno = errors[i];
		CPUS(1, false);
	}
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, no_files);
	ATF_TP_ADD_TC(tp, no_cgroup_files);
	ATF_TP_ADD_TC(tp, quota);
	ATF_TP_ADD_TC(tp, quota_above);
	ATF_TP_ADD_TC(tp, quota_v1);
	ATF_TP_ADD_TC(tp, sparse);
	ATF_TP_ADD_TC(tp, mask_refused);
	return atf_no_error();
}
