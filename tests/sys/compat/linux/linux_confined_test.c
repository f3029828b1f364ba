/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The Linux interface in a process that has no files and no descriptor left.
 */

#include "linux_test.h"
#include "../../../confine.h"

#include <linux/kthread.h>

static atomic_int ran;

static void
func(struct work_struct *w)
{

	(void)w;
	atomic_fetch_add(&ran, 1);
}

static void
kfunc(struct kthread_work *kk)
{

	(void)kk;
	atomic_fetch_add(&ran, 1);
}

static int
thread(void *arg)
{

	(void)arg;
	atomic_fetch_add(&ran, 1);
	return 0;
}

static void
queue(struct workqueue_struct *wq)
{
	struct delayed_work dw;
	struct work_struct w;
	int before;

	CONFINE_REQUIRE(wq != NULL);
	before = atomic_load(&ran);
	INIT_WORK(&w, func);
	CONFINE_REQUIRE(queue_work(wq, &w));
	flush_work(&w);
	INIT_DELAYED_WORK(&dw, func);
	CONFINE_REQUIRE(queue_delayed_work(wq, &dw, 1));
	CONFINE_AWAIT(atomic_load(&ran) == before + 2);
	cancel_delayed_work_sync(&dw);
}

static void
own(struct workqueue_struct *wq)
{

	queue(wq);
	destroy_workqueue(wq);
}

static void
engines(void)
{
	struct kthread_worker *kw;
	struct kthread_work kk;
	struct task_struct *t;
	int before;

	confine_descriptors();
	confine_root();
	queue(system_wq);
	queue(system_highpri_wq);
	queue(system_unbound_wq);
	own(alloc_workqueue("percpu", 0, 0));
	own(alloc_workqueue("unbound", WQ_UNBOUND, 0));
	own(alloc_ordered_workqueue("ordered", 0));

	before = atomic_load(&ran);
	kw = kthread_create_worker(0, "worker");
	CONFINE_REQUIRE(!IS_ERR(kw));
	kthread_init_work(&kk, kfunc);
	CONFINE_REQUIRE(kthread_queue_work(kw, &kk));
	kthread_flush_work(&kk);
	kthread_destroy_worker(kw);
	t = kthread_run(thread, NULL, "thread");
	CONFINE_REQUIRE(!IS_ERR(t));
	CONFINE_AWAIT(atomic_load(&ran) == before + 2);
	(void)kthread_stop(t);
}

TEST_TC(everything, "queues, delays, workers and threads work in an empty "
    "root directory with no descriptor left")
{

	confined(engines);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, everything);
	return atf_no_error();
}
