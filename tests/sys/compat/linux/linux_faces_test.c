/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Two faces in one program, each in a source of its own.
 */

#include "linux_test.h"

int	netbsd_side(void);		/* linux_faces_netbsd.c */

static atomic_int ran;

static void
func(struct work_struct *w)
{

	(void)w;
	atomic_fetch_add(&ran, netbsd_side());
}

static int
thread(void *arg)
{

	atomic_fetch_add(&ran, netbsd_side());
	return *(int *)arg;
}

TEST_TC(both, "NetBSD's workqueue and kthread beside Linux's")
{
	struct task_struct *t;
	struct work_struct w;
	int n = 5;

	TEST_EQ(2, netbsd_side());
	INIT_WORK(&w, func);
	schedule_work(&w);
	flush_work(&w);
	TEST_EQ(2, ran);
	t = kthread_create(thread, &n, "linux");
	ATF_REQUIRE(!IS_ERR(t));
	wake_up_process(t);
	TEST_AWAIT(atomic_load(&ran) == 4);
	TEST_EQ(5, kthread_stop(t));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, both);
	return atf_no_error();
}
