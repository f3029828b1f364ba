/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Two interfaces in one program, each in its own source.
 */

#include "linux_test.h"

/* linux_both_netbsd.c */
int	netbsd_callout(void (*)(void *), void *);
int	netbsd_side(void);

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

TEST_TC(both, "NetBSD's workqueue and kthread together with Linux's")
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

static struct execute_work ew, ew_old;
static struct item delayed;
static int scheduled, scheduled_old, interrupt;

static void
old_func(void *data)
{

	atomic_fetch_add(&ran, (int)(intptr_t)data);
}

static void
new_func(struct work_struct *w)
{

	atomic_fetch_add(&ran, w == &ew.work ? 1 : 1000);
}

static void
in_callout(void *arg)
{

	(void)arg;
	interrupt = in_interrupt();
	scheduled = execute_in_process_context(new_func, &ew);
	scheduled_old = execute_in_process_context(old_func, (void *)10,
	    &ew_old);
	/* The shared queues exist. */
	(void)queue_delayed_work(system_wq, &delayed.i_dw, 1);
}

TEST_TC(process_context, "execute_in_process_context calls in a thread (0), "
    "and schedules (1) where it cannot sleep")
{
	struct work_struct w;

	INIT_WORK(&w, old_func, NULL);
	schedule_work(&w);
	item_init(&delayed, item_func);
	queue_delayed_work(system_wq, &delayed.i_dw, 0);
	flush_scheduled_work();
	TEST_EQ(0, in_interrupt());
	TEST_EQ(0, execute_in_process_context(new_func, &ew));
	TEST_EQ(0, execute_in_process_context(old_func, (void *)10, &ew_old));
	TEST_EQ(11, ran);
	(void)netbsd_callout(in_callout, NULL);
	TEST_EQ(1, interrupt);
	TEST_EQ(1, scheduled);
	TEST_EQ(1, scheduled_old);
	flush_scheduled_work();
	TEST_EQ(22, ran);
	TEST_AWAIT(atomic_load(&delayed.i_runs) == 2);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, process_context);
	ATF_TP_ADD_TC(tp, both);
	return atf_no_error();
}
