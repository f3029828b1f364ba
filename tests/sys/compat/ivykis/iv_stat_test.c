/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_stat(9): the pools of iv_work.
 */

#include <sys/workqueue_stat.h>

#include <sys/syscall.h>

#include "../../../tests.h"
#include "../../../watchdog.h"

#include <iv.h>
#include <iv_work.h>

static struct iv_work_pool pool;
static struct iv_work_item items[100];
static sem_t entered, leave;

static void
block(void *cookie)
{

	(void)cookie;
	sem_post(&entered);
	test_sem_wait(&leave);
}

static void
done(void *cookie)
{

	(void)cookie;
}

static void
need(void)
{

#if defined(TEST_TSAN) || defined(TEST_ASAN)
	if ((wqk_hostcaps() & TEST_CAP_ASLEEP) == 0)
		atf_tc_skip("a sanitizer reports what this back end does");
#endif
	sem_init(&entered, 0, 0);
	sem_init(&leave, 0, 0);
	alarm(TEST_DEADLINE);
	iv_init();
	IV_WORK_POOL_INIT(&pool);
}

static void
submit(struct iv_work_item *item, void (*func)(void *))
{

	IV_WORK_ITEM_INIT(item);
	item->work = func;
	item->completion = done;
	iv_work_pool_submit_work(&pool, item);
}

static void
end(void)
{

	iv_work_pool_put(&pool);
	iv_main();
	iv_deinit();
	TEST_EQ(0, workqueue_stat(NULL, 0, NULL, 0));
}

TEST_TC(pool_counts, "a pool of iv_work: items done, pending and running")
{
	struct workqueue_stat ws;
	size_t i;

	need();
	pool.max_threads = 1;
	TEST_EQ(0, iv_work_pool_create(&pool));
	for (i = 0; i < TEST_NELEM(items); i++)
		submit(&items[i], block);
	for (i = 0; i < TEST_NELEM(items); i++) {
		test_sem_wait(&entered);
		TEST_EQ(1, workqueue_stat(&ws, 1, NULL, 0));
		ATF_REQUIRE_STREQ("iv_work", ws.ws_kind);
		TEST_EQ(1, ws.ws_running);
		TEST_EQ(i, ws.ws_done);
		TEST_EQ(TEST_NELEM(items) - 1 - i, ws.ws_pending);
		ATF_REQUIRE(ws.ws_func == (const void *)(uintptr_t)block);
		ATF_REQUIRE(ws.ws_item != NULL);
		sem_post(&leave);
	}
	end();
}

static sem_t stuck_leave;
static atomic_long stuck_tid;

static void
stuck(void *cookie)
{

	(void)cookie;
	atomic_store(&stuck_tid, syscall(SYS_gettid));
	sem_post(&entered);
	test_sem_wait(&stuck_leave);
}

TEST_TC(stuck_thread, "if one thread of a pool is stuck, the others do not "
    "hide it")
{
	struct workqueue_stat ws[2];
	int64_t since;
	size_t i;

	need();
	sem_init(&stuck_leave, 0, 0);
	pool.max_threads = 2;
	TEST_EQ(0, iv_work_pool_create(&pool));
	submit(&items[0], stuck);
	test_sem_wait(&entered);
	TEST_EQ(1, workqueue_stat(&ws[0], 1, NULL, 0));
	since = ws[0].ws_time;
	for (i = 1; i < TEST_NELEM(items); i++) {
		submit(&items[i], block);
		test_sem_wait(&entered);
		TEST_EQ(1, workqueue_stat(&ws[i % 2], 1, &ws[(i - 1) % 2], 1));
		TEST_EQ(2, ws[i % 2].ws_running);
		ATF_REQUIRE(ws[i % 2].ws_item == &items[0]);
		ATF_REQUIRE(ws[i % 2].ws_func ==
		    (const void *)(uintptr_t)stuck);
		TEST_EQ(ws[i % 2].ws_time - since, ws[i % 2].ws_runtime);
#ifndef _WQ_SIM
		/* The simulator has numbers of its own. */
		if ((wqk_hostcaps() & TEST_CAP_ASLEEP) != 0)
			TEST_EQ(atomic_load(&stuck_tid), ws[i % 2].ws_tid);
#endif
		sem_post(&leave);
	}
	sem_post(&stuck_leave);
	end();
}

TEST_TC(watchdog, "the watchdog reports each thread of a pool that is stuck")
{
	int i;

#ifdef _WQ_SIM
	atf_tc_skip("the simulator's time does not wait for the watchdog");
#endif
	watchdog_begin();
	need();
	pool.max_threads = 2;
	TEST_EQ(0, iv_work_pool_create(&pool));
	for (i = 0; i < 2; i++)
		submit(&items[i], block);
	for (i = 0; i < 2; i++)
		test_sem_wait(&entered);
	watchdog_two("watchdog: iv_work \"iv_work\": function block (", 2);
	for (i = 0; i < 2; i++)
		sem_post(&leave);
	end();
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, pool_counts);
	ATF_TP_ADD_TC(tp, stuck_thread);
	ATF_TP_ADD_TC(tp, watchdog);
	return atf_no_error();
}
