/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_stat(9): the queues of Linux.
 */

#include <sys/workqueue_stat.h>

#include "linux_test.h"
#include "../../../watchdog.h"

extern unsigned int wqk_hostcaps(void);

static struct workqueue_stat stats[64];
static sem_t entered, leave;

static void
need(void)
{

#if defined(TEST_TSAN) || defined(TEST_ASAN)
	if ((wqk_hostcaps() & TEST_CAP_ASLEEP) == 0)
		atf_tc_skip("a sanitizer reports what this back end does");
#endif
	sem_init(&entered, 0, 0);
	sem_init(&leave, 0, 0);
}

static const struct workqueue_stat *
get(const char *name, int cpu)
{
	size_t i, n;

	n = workqueue_stat(stats, TEST_NELEM(stats), NULL, 0);
	for (i = 0; i < n && i < TEST_NELEM(stats); i++)
		if (strcmp(stats[i].ws_name, name) == 0 &&
		    stats[i].ws_cpu == cpu)
			return &stats[i];
	return NULL;
}

static void
block(void)
{

	sem_post(&entered);
	test_sem_wait(&leave);
}

static void
work(struct work_struct *w)
{

	(void)w;
	block();
}

static void
kwork(struct kthread_work *k)
{

	(void)k;
	block();
}

TEST_TC(queue, "a workqueue names the function of its work item")
{
	const struct workqueue_stat *ws;
	struct workqueue_struct *wq;
	struct work_struct w[3];
	int i;

	need();
	wq = alloc_ordered_workqueue("ordered", 0);
	for (i = 0; i < 3; i++) {
		INIT_WORK(&w[i], work);
		queue_work(wq, &w[i]);
	}
	test_sem_wait(&entered);
	ws = get("ordered", -1);
	ATF_REQUIRE(ws != NULL);
	ATF_REQUIRE_STREQ("linux", ws->ws_kind);
	TEST_EQ(1, ws->ws_running);
	TEST_EQ(2, ws->ws_pending);
	TEST_EQ(0, ws->ws_done);
	ATF_REQUIRE(ws->ws_func == (const void *)(uintptr_t)work);
	ATF_REQUIRE(ws->ws_item == &w[0]);
	sem_post(&leave);
	test_sem_wait(&entered);
	ws = get("ordered", -1);
	TEST_EQ(1, ws->ws_running);
	TEST_EQ(1, ws->ws_pending);
	TEST_EQ(1, ws->ws_done);
	sem_post(&leave);
	sem_post(&leave);
	/* A flush puts a mark on the list, which is no item. */
	flush_workqueue(wq);
	TEST_EQ(3, get("ordered", -1)->ws_done);
	destroy_workqueue(wq);
	ATF_REQUIRE(get("ordered", -1) == NULL);
}

TEST_TC(percpu, "a workqueue with a pool for each CPU has a sample for each")
{
	struct workqueue_struct *wq;
	struct work_struct w;

	need();
	wq = alloc_workqueue("percpu", 0, 0);
	INIT_WORK(&w, work);
	queue_work_on(0, wq, &w);
	test_sem_wait(&entered);
	TEST_EQ(1, get("percpu", 0)->ws_running);
	sem_post(&leave);
	destroy_workqueue(wq);
}

TEST_TC(worker, "a kthread_worker has the name of its thread")
{
	const struct workqueue_stat *ws;
	struct kthread_worker *kw;
	struct kthread_work k[2];
	int i;

	need();
	kw = kthread_create_worker(0, "mykthread");
	for (i = 0; i < 2; i++) {
		kthread_init_work(&k[i], kwork);
		kthread_queue_work(kw, &k[i]);
	}
	test_sem_wait(&entered);
	ws = get("mykthread", -1);
	ATF_REQUIRE(ws != NULL);
	ATF_REQUIRE_STREQ("kthread_worker", ws->ws_kind);
	TEST_EQ(1, ws->ws_running);
	TEST_EQ(1, ws->ws_pending);
	ATF_REQUIRE(ws->ws_func == (const void *)(uintptr_t)kwork);
	sem_post(&leave);
	sem_post(&leave);
	kthread_destroy_worker(kw);
	ATF_REQUIRE(get("mykthread", -1) == NULL);
}

static void
frees(struct work_struct *w)
{

	/* As if the memory had been used for something else meanwhile. */
	memset((void *)w, 0x5a, sizeof(*w));
	block();
}

TEST_TC(freed, "the function is unknown if a callback has freed its item")
{
	const struct workqueue_stat *ws;
	struct workqueue_struct *wq;
	struct work_struct *w;

	need();
	w = malloc(sizeof(*w));
	wq = alloc_ordered_workqueue("freed", 0);
	INIT_WORK(w, frees);
	queue_work(wq, w);
	test_sem_wait(&entered);
	ws = get("freed", -1);
	TEST_EQ(1, ws->ws_running);
	ATF_REQUIRE(ws->ws_item == w);
	ATF_REQUIRE(ws->ws_func == NULL);
	sem_post(&leave);
	destroy_workqueue(wq);
	free(w);
}

TEST_TC(watchdog, "the watchdog reports each item that is stuck")
{
	struct workqueue_struct *wq;
	struct kthread_worker *kw;
	struct work_struct w[2];
	struct kthread_work k;
	int i;

#ifdef _WQ_SIM
	atf_tc_skip("the simulator's time does not wait for the watchdog");
#endif
	watchdog_begin();
	need();
	wq = alloc_workqueue("dog", WQ_UNBOUND, 0);
	for (i = 0; i < 2; i++) {
		INIT_WORK(&w[i], work);
		queue_work(wq, &w[i]);
	}
	kw = kthread_create_worker(0, "mykthread");
	kthread_init_work(&k, kwork);
	kthread_queue_work(kw, &k);
	for (i = 0; i < 3; i++)
		test_sem_wait(&entered);
	(void)watchdog_await("watchdog: linux \"dog\": function work (", 2);
	(void)watchdog_await("watchdog: kthread_worker \"mykthread\": "
	    "function kwork (", 1);
	for (i = 0; i < 3; i++)
		sem_post(&leave);
	destroy_workqueue(wq);
	kthread_destroy_worker(kw);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, queue);
	ATF_TP_ADD_TC(tp, percpu);
	ATF_TP_ADD_TC(tp, worker);
	ATF_TP_ADD_TC(tp, freed);
	ATF_TP_ADD_TC(tp, watchdog);
	return atf_no_error();
}
