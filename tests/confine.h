/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A process without files: its root directory is empty, and it has no free
 * descriptor.  confined() runs a test in such a process.
 */

#ifndef _CONFINE_H_
#define	_CONFINE_H_

#define	CONFINE_NOT	77		/* exit status: the host refuses */

/* Checks in a child that has no files, where ATF cannot report a failure. */
#define	CONFINE_REQUIRE(cond) do {					\
	if (!(cond)) {							\
		dprintf(STDERR_FILENO, "%s:%d: not %s\n", __FILE__,	\
		    __LINE__, #cond);					\
		_exit(1);						\
	}								\
} while (0)

#define	CONFINE_AWAIT(cond) do {					\
	int64_t confine_end_ = test_now() + TEST_DEADLINE * 1000000000LL; \
	while (!(cond)) {						\
		CONFINE_REQUIRE(test_now() < confine_end_ && #cond);	\
		test_pause();						\
	}								\
} while (0)

/* No descriptor is free except those that confine_one() frees. */
static int confine_last;

static inline void
confine_descriptors(void)
{
	struct rlimit rl;
	int fd;

	CONFINE_REQUIRE(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	fd = dup(STDERR_FILENO);
	CONFINE_REQUIRE(fd != -1);
	/* Leave some descriptors below the limit for the test to free. */
	if (rl.rlim_cur > (rlim_t)fd + 32)
		rl.rlim_cur = (rlim_t)fd + 32;
	CONFINE_REQUIRE(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	for (; fd != -1; fd = dup(STDERR_FILENO))
		confine_last = fd;
	CONFINE_REQUIRE(errno == EMFILE);
}

/* Free one descriptor. */
static inline void
confine_one(void)
{

	CONFINE_REQUIRE(close(confine_last--) == 0);
}

/* Make the root directory empty. */
static inline void
confine_root(void)
{
	char dir[] = "emptyXXXXXX";

	CONFINE_REQUIRE(mkdtemp(dir) != NULL);
	if (chroot(dir) == -1)
		_exit(CONFINE_NOT);
	CONFINE_REQUIRE(chdir("/") == 0);
	CONFINE_REQUIRE(access("/proc", F_OK) == -1);
}

static void (*confine_func)(void);

/*
 * Unless the process is root already, become root in a new user namespace.  A
 * process with threads cannot enter one.
 */
static inline void
confine_child(void)
{

#ifdef SYS_unshare
	if (geteuid() != 0)
		(void)syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */);
#endif
	(*confine_func)();
}

/*
 * Run func in a child.  func first opens and allocates what it needs, and then
 * calls confine_descriptors() and confine_root().
 */
static inline void
confined(void (*func)(void))
{
	struct test_child tc;

	confine_func = func;
	test_child(&tc, confine_child);
	if (WIFEXITED(tc.tc_status) &&
	    WEXITSTATUS(tc.tc_status) == CONFINE_NOT)
		atf_tc_skip("the host refuses to confine a process");
	ATF_REQUIRE_MSG(WIFEXITED(tc.tc_status) &&
	    WEXITSTATUS(tc.tc_status) == 0 && tc.tc_len == 0,
	    "wait status %#x, stderr: %s", (unsigned)tc.tc_status, tc.tc_err);
}

#endif	/* !_CONFINE_H_ */
