/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * spl(9): levels belong to threads, and are raised and restored.
 */

#include <sys/intr.h>
#include <sys/systm.h>

#include "../../tests.h"
#include "level.h"

TEST_TC(levels, "the levels have NetBSD's order, and the aliases their values")
{

	TEST_EQ(0, IPL_NONE);
	ATF_REQUIRE(IPL_NONE < IPL_SOFTCLOCK);
	ATF_REQUIRE(IPL_SOFTCLOCK < IPL_SOFTBIO);
	ATF_REQUIRE(IPL_SOFTBIO < IPL_SOFTNET);
	ATF_REQUIRE(IPL_SOFTNET < IPL_SOFTSERIAL);
	ATF_REQUIRE(IPL_SOFTSERIAL < IPL_VM);
	ATF_REQUIRE(IPL_VM < IPL_SCHED);
	ATF_REQUIRE(IPL_SCHED < IPL_HIGH);
	TEST_EQ(IPL_VM, IPL_BIO);
	TEST_EQ(IPL_VM, IPL_NET);
	TEST_EQ(IPL_VM, IPL_TTY);
	TEST_EQ(IPL_SCHED, IPL_AUDIO);
	TEST_EQ(IPL_SCHED, IPL_CLOCK);
	TEST_EQ(IPL_SCHED, IPL_STATCLOCK);
	TEST_EQ(IPL_HIGH, IPL_SERIAL);
}

#define	RAISES(func, ipl) do {						\
	TEST_EQ(IPL_NONE, level());					\
	s = func();							\
	TEST_EQ(IPL_NONE, s);						\
	TEST_EQ((ipl), level());					\
	splx(s);							\
	TEST_EQ(IPL_NONE, level());					\
} while (0)

TEST_TC(each_function, "each function raises to its level, returns the old "
    "one, and splx restores it")
{
	int s;

	RAISES(splsoftclock, IPL_SOFTCLOCK);
	RAISES(splsoftbio, IPL_SOFTBIO);
	RAISES(splsoftnet, IPL_SOFTNET);
	RAISES(splsoftserial, IPL_SOFTSERIAL);
	RAISES(splvm, IPL_VM);
	RAISES(splbio, IPL_BIO);
	RAISES(splnet, IPL_NET);
	RAISES(spltty, IPL_TTY);
	RAISES(splsched, IPL_SCHED);
	RAISES(splhigh, IPL_HIGH);
}

TEST_TC(never_lowers, "from each level to each level, raising ends at the "
    "higher one and splx at the old one")
{
	int from, s, to, t;

	for (from = IPL_NONE; from <= IPL_HIGH; from++) {
		for (to = IPL_NONE; to <= IPL_HIGH; to++) {
			s = splraiseipl(makeiplcookie(from));
			TEST_EQ(from, level());
			t = splraiseipl(makeiplcookie(to));
			TEST_EQ(from, t);
			TEST_EQ(to > from ? to : from, level());
			splx(t);
			TEST_EQ(from, level());
			splx(s);
			TEST_EQ(IPL_NONE, level());
		}
	}
}

TEST_TC(nesting, "levels nest: raised one by one and restored in reverse")
{
	int i, s[8];

	for (i = 0; i <= IPL_HIGH; i++)
		s[i] = splraiseipl(makeiplcookie(i));
	for (i = IPL_HIGH; i >= 0; i--) {
		TEST_EQ(i, level());
		splx(s[i]);
	}
	TEST_EQ(IPL_NONE, level());
}

TEST_TC(spl0_lowers, "spl0 lowers to IPL_NONE and returns the old level")
{

	(void)splsched();
	TEST_EQ(IPL_SCHED, spl0());
	TEST_EQ(IPL_NONE, level());
	TEST_EQ(IPL_NONE, spl0());
}

static void *
level_of_thread(void *arg)
{

	*(int *)arg = level();
	(void)splvm();
	return NULL;
}

TEST_TC(per_thread, "a level belongs to its thread, and a new thread starts at "
    "IPL_NONE whatever its creator's or predecessor's level was")
{
	int i, other, s;

	s = splhigh();
	for (i = 0; i < 20; i++) {
		other = -1;
		test_join(test_thread(level_of_thread, &other));
		TEST_EQ(IPL_NONE, other);
		TEST_EQ(IPL_HIGH, level());
	}
	splx(s);
}

static void
level_of_callback(struct work *wk, void *arg)
{

	(void)wk;
	*(int *)arg = level();
}

TEST_TC(callbacks_start_low, "callbacks are called at IPL_NONE, whatever the "
    "level of create and enqueue and the queue's own")
{
	struct workqueue *wq;
	struct work wk;
	int called = -1, flags, s;

	for (flags = 0; flags <= WQ_MPSAFE; flags++) {
		called = -1;
		TEST_EQ(0, workqueue_create(&wq, "level", level_of_callback,
		    &called, PRI_NONE, IPL_HIGH, flags));
		s = splhigh();
		workqueue_enqueue(wq, &wk, NULL);
		splx(s);
		workqueue_destroy(wq);
		TEST_EQ(IPL_NONE, called);
	}
}

TEST_TC(kept_by_calls, "enqueue leaves the caller's level, and the kernel "
    "lock does not depend on it")
{
	struct workqueue *wq;
	struct work wk;
	int called, s;

	TEST_EQ(0, workqueue_create(&wq, "level", level_of_callback, &called,
	    PRI_NONE, IPL_HIGH, WQ_MPSAFE));
	s = splnet();
	workqueue_enqueue(wq, &wk, NULL);
	TEST_EQ(IPL_NET, level());
	KERNEL_LOCK(1, NULL);
	TEST_EQ(IPL_NET, level());
	KERNEL_UNLOCK_ONE(NULL);
	TEST_EQ(IPL_NET, level());
	splx(s);
	workqueue_destroy(wq);
	TEST_EQ(IPL_NONE, level());
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, levels);
	ATF_TP_ADD_TC(tp, each_function);
	ATF_TP_ADD_TC(tp, never_lowers);
	ATF_TP_ADD_TC(tp, nesting);
	ATF_TP_ADD_TC(tp, spl0_lowers);
	ATF_TP_ADD_TC(tp, per_thread);
	ATF_TP_ADD_TC(tp, callbacks_start_low);
	ATF_TP_ADD_TC(tp, kept_by_calls);
	return atf_no_error();
}
