/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The tour works in a process that has no files and no descriptor left.
 */

#include "tour.h"

/* A polled queue needs descriptors. */
static void
polled_new(void)
{
	struct workqueue *wq;
	int fd;

	fd = -5;
	CONFINE_REQUIRE(workqueue_create_polled(&wq, "polled", count, NULL,
	    IPL_NONE, WQ_MPSAFE, &fd) == EMFILE);
	CONFINE_REQUIRE(fd == -5);
	confine_one();
	CONFINE_REQUIRE(workqueue_create_polled(&wq, "polled", count, NULL,
	    IPL_NONE, WQ_MPSAFE, &fd) == EMFILE);
	confine_one();
	CONFINE_REQUIRE(workqueue_create_polled(&wq, "polled", count, NULL,
	    IPL_NONE, WQ_MPSAFE, &fd) == 0);
	polled(wq, fd);
	/* Keep the queue, so that no descriptor is free. */
}

/*
 * Interrupts that a thread deferred before it blocked in a system call.
 */
static int blocked_pipe[2];
static atomic_int blocked_calls;

static int
blocked_interrupt(void *arg)
{

	(void)arg;
	/* Only this lets the blocked thread continue. */
	if (atomic_fetch_add(&blocked_calls, 1) == 0)
		CONFINE_REQUIRE(write(blocked_pipe[1], "x", 1) == 1);
	return 1;
}

static void *
blocked_reader(void *arg)
{
	char c;
	int s;

	s = splvm();
	intr_inject(arg);
	CONFINE_REQUIRE(read(blocked_pipe[0], &c, 1) == 1);
	splx(s);
	return NULL;
}

static void
blocked(void *ih)
{

	test_join(test_thread(blocked_reader, ih));
	CONFINE_REQUIRE(atomic_load(&blocked_calls) == 1);
	intr_disestablish(ih);
}

static void
engines(void)
{
	struct workqueue *wq;
	unsigned caps;
	void *ih;
	int fd;

	caps = wqk_hostcaps();
	/* The host's capabilities are known from here on. */
	CONFINE_REQUIRE(pipe(blocked_pipe) == 0);
	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, blocked_interrupt, NULL);
	CONFINE_REQUIRE(ih != NULL);
	CONFINE_REQUIRE(workqueue_create_polled(&wq, "polled", count, NULL,
	    IPL_NONE, WQ_MPSAFE, &fd) == 0);
	confine_descriptors();
	confine_root();
	tour();
	polled(wq, fd);
	polled_new();
	if (caps & TEST_CAP_ASLEEP)
		blocked(ih);
	workqueue_destroy(wq);
}

TEST_TC(everything, "in an empty root directory, with no descriptor left, "
    "every engine works, and what needs a descriptor says so")
{

	confined(engines);
}

TEST_TC(everything_checked, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	confined(engines);
}

static void
panic_there(void)
{

	confine_descriptors();
	confine_root();
	panic("confined");
}

TEST_TC(panics, "there, too, a panic prints its message and ends by SIGABRT")
{
	struct test_child tc;

	test_env("WORKQUEUE_CHECK", "1");
	confine_func = panic_there;
	test_child(&tc, confine_child);
	if (WIFEXITED(tc.tc_status) && WEXITSTATUS(tc.tc_status) == CONFINE_NOT)
		atf_tc_skip("chroot(2) is refused");
	ATF_REQUIRE_MSG(WIFSIGNALED(tc.tc_status) &&
	    WTERMSIG(tc.tc_status) == SIGABRT &&
	    strstr(tc.tc_err, "panic: confined") != NULL,
	    "wait status %#x, stderr: %s", (unsigned)tc.tc_status, tc.tc_err);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, everything);
	ATF_TP_ADD_TC(tp, everything_checked);
	ATF_TP_ADD_TC(tp, panics);
	return atf_no_error();
}
