/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: the host refuses threads.
 */

#include <host/host.h>

#include "linux_test.h"

static atomic_int allowed, refused;

static int
refuse(enum host_point point, void *arg)
{

	(void)arg;
	if (point != HOST_POINT_THREAD)
		return 0;
	if (atomic_fetch_sub(&allowed, 1) > 0)
		return 0;
	atomic_fetch_add(&refused, 1);
	return EAGAIN;
}

static void
limit(int n)
{

	atomic_store(&allowed, n);
	atomic_store(&refused, 0);
	__atomic_store_n(&host_hook, refuse, __ATOMIC_RELAXED);
}

static void
nolimit(void)
{

	__atomic_store_n(&host_hook, NULL, __ATOMIC_RELAXED);
}

TEST_TC(create, "no thread at all: NULL, ERR_PTR, and nothing left behind")
{
	struct kthread_worker *w;

	test_env("WORKQUEUE_NCPU", "3");
	limit(0);
	ATF_REQUIRE(alloc_workqueue("none", 0, 0) == NULL);
	ATF_REQUIRE(create_singlethread_workqueue("none") == NULL);
	w = kthread_create_worker(0, "none");
	TEST_EQ(-EAGAIN, PTR_ERR(w));
	TEST_EQ(0, keventd_up());
	TEST_EQ(-ENOMEM, schedule_on_each_cpu(item_func));
	limit(2);
	ATF_REQUIRE(alloc_workqueue("two", 0, 0) == NULL);
	nolimit();
	TEST_EQ(1, keventd_up());
}

TEST_TC(one, "one thread, and no more: everything runs")
{
	static struct item it[50];
	struct workqueue_struct *wq;
	int i;

	limit(1);
	wq = alloc_workqueue("one", WQ_UNBOUND, 0);
	ATF_REQUIRE(wq != NULL);
	for (i = 0; i < 50; i++) {
		item_init(&it[i], item_func);
		queue_work(wq, WORK(&it[i]));
	}
	flush_workqueue(wq);
	for (i = 0; i < 50; i++) {
		TEST_EQ(1, it[i].i_runs);
		queue_work(wq, WORK(&it[i]));
	}
	destroy_workqueue(wq);
	for (i = 0; i < 50; i++)
		TEST_EQ(2, it[i].i_runs);
	ATF_REQUIRE(atomic_load(&refused) > 0);
	nolimit();
}

TEST_TC(spare, "a thread refused while all others are blocked: who flushes "
    "gets it later")
{
	struct workqueue_struct *wq;
	struct item a, b;

	item_init(&a, item_func);
	item_init(&b, item_func);
	limit(1);
	wq = alloc_workqueue("spare", WQ_UNBOUND, 0);
	ATF_REQUIRE(wq != NULL);
	item_close(&a, wq, WORK_CPU_UNBOUND);
	ATF_REQUIRE(atomic_load(&refused) > 0);
	queue_work(wq, WORK(&b));
	nolimit();
	ATF_REQUIRE(flush_work(WORK(&b)));
	TEST_EQ(1, b.i_runs);
	TEST_EQ(0, a.i_runs);
	item_open(&a);
	destroy_workqueue(wq);
}

TEST_TC(bind, "a thread that cannot be bound stays as it was")
{
	struct kthread_worker *w;
	struct kthread_work k;

	limit(1);
	w = kthread_create_worker_on_cpu(0, 0, "unbound");
	ATF_REQUIRE(!IS_ERR(w));
	nolimit();
	kthread_init_work(&k, NULL);
	kthread_flush_worker(w);
	kthread_destroy_worker(w);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, create);
	ATF_TP_ADD_TC(tp, one);
	ATF_TP_ADD_TC(tp, spare);
	ATF_TP_ADD_TC(tp, bind);
	return atf_no_error();
}
