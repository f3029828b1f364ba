/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3) on a system that refuses threads: pthread_create() is replaced.
 */

#include "../../../tests.h"

#include <dlfcn.h>
#include <iv.h>
#include <iv_work.h>

int	pthread_create(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *);

static atomic_int allowed = 1000000;	/* threads that are granted */
static atomic_int refused;

int
pthread_create(pthread_t *t, const pthread_attr_t *attr,
    void *(*func)(void *), void *arg)
{
	int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
	    void *);

	if (atomic_fetch_sub(&allowed, 1) <= 0) {
		atomic_fetch_add(&refused, 1);
		return EAGAIN;
	}
	*(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
	return (*next)(t, attr, func, arg);
}

static struct iv_work_pool pool;
static struct iv_work_item items[100];
static atomic_int runs, by_owner;
static int completions;
static int completions_end;		/* leave the loop at this number */
static pthread_t owner;

static void
work(void *cookie)
{

	(void)cookie;
	if (pthread_equal(pthread_self(), owner))
		atomic_fetch_add(&by_owner, 1);
	test_pause();
	atomic_fetch_add(&runs, 1);
}

static void
completion(void *cookie)
{

	(void)cookie;
	if (++completions == completions_end)
		iv_quit();
}

static void
main_until(int n)
{

	completions_end = n;
	iv_main();
	completions_end = 0;
	TEST_EQ(n, completions);
}

static void
submit(unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		IV_WORK_ITEM_INIT(&items[i]);
		items[i].work = work;
		items[i].completion = completion;
		iv_work_pool_submit_work(&pool, &items[i]);
	}
}

static atomic_int starts, stops;

static void
thread_start(void *cookie)
{

	TEST_EQ(1, cookie == &pool);
	atomic_fetch_add(&starts, 1);
}

static void
thread_stop(void *cookie)
{

	TEST_EQ(1, cookie == &pool);
	atomic_fetch_add(&stops, 1);
}

static struct iv_work_item continued;

static void
work_continue(void *cookie)
{

	work(cookie);
	IV_WORK_ITEM_INIT(&continued);
	continued.work = work;
	continued.completion = completion;
	iv_work_pool_submit_continuation(cookie, &continued);
}

TEST_TC(none, "no thread at all: the owner's loop runs the items, and calls "
    "the functions of threads, too; when the system grants a thread, that one "
    "runs them")
{
	unsigned max;

#if defined(TEST_TSAN) || defined(TEST_ASAN)
	atf_tc_skip("the sanitizer owns pthread_create()");
#endif
	alarm(TEST_DEADLINE);
	iv_init();
	owner = pthread_self();
	for (max = 1; max <= 4; max += 3) {
		atomic_store(&allowed, 0);
		atomic_store(&refused, 0);
		atomic_store(&starts, 0);
		atomic_store(&stops, 0);
		atomic_store(&by_owner, 0);
		atomic_store(&runs, 0);
		completions = 0;
		pool.max_threads = (int)max;
		pool.cookie = &pool;
		pool.thread_start = thread_start;
		pool.thread_stop = thread_stop;
		TEST_EQ(0, iv_work_pool_create(&pool));
		TEST_EQ(0, atomic_load(&refused));
		submit(10);
		items[3].work = work_continue;
		items[3].cookie = &pool;
		main_until(11);
		TEST_EQ(11, atomic_load(&by_owner));
		ATF_REQUIRE(atomic_load(&refused) > 0);
		/* The refusal is not permanent. */
		atomic_store(&allowed, 1000);
		do {
			atomic_store(&by_owner, 0);
			atomic_store(&runs, 0);
			completions = 0;
			submit(10);
			main_until(10);
		} while (atomic_load(&by_owner) != 0);
		iv_work_pool_put(&pool);
		iv_main();
		TEST_EQ(10, atomic_load(&runs));
		ATF_REQUIRE(atomic_load(&starts) > 0);
		TEST_EQ(atomic_load(&starts), atomic_load(&stops));
	}
	iv_deinit();
}

TEST_TC(none_put, "no thread at all: a pool is put, and its items still run")
{
	int i;

#if defined(TEST_TSAN) || defined(TEST_ASAN)
	atf_tc_skip("the sanitizer owns pthread_create()");
#endif
	alarm(TEST_DEADLINE);
	iv_init();
	owner = pthread_self();
	pool.max_threads = 4;
	atomic_store(&allowed, 0);
	for (i = 0; i < 3; i++) {
		TEST_EQ(0, iv_work_pool_create(&pool));
		submit((unsigned)i * 5);
		iv_work_pool_put(&pool);
		iv_main();
	}
	TEST_EQ(15, completions);
	TEST_EQ(15, atomic_load(&runs));
	iv_deinit();
}

TEST_TC(one, "only one thread: it runs all items")
{

#if defined(TEST_TSAN) || defined(TEST_ASAN)
	atf_tc_skip("the sanitizer owns pthread_create()");
#endif
	alarm(TEST_DEADLINE);
	iv_init();
	pool.max_threads = 8;
	atomic_store(&allowed, 1);
	TEST_EQ(0, iv_work_pool_create(&pool));
	submit(100);
	iv_work_pool_put(&pool);
	iv_main();
	TEST_EQ(100, completions);
	TEST_EQ(100, atomic_load(&runs));
	ATF_REQUIRE(atomic_load(&refused) > 0);
	iv_deinit();
}

static struct iv_work_item behind[2];
static sem_t blocked, unblock;

static void
work_block(void *cookie)
{

	work(cookie);
	sem_post(&blocked);
	test_sem_wait(&unblock);
}

static void
completion_unblock(void *cookie)
{

	sem_post(&unblock);
	completion(cookie);
}

/*
 * The owner runs this.  Submit an item that blocks a thread, when the system
 * grants one, and then an item that no thread can take yet.
 */
static void
work_then_behind(void *cookie)
{
	const int64_t begin = test_now();

	work(cookie);
	atomic_store(&allowed, 1000);
	/* After a refusal, the pool does not try again for two ticks. */
	TEST_AWAIT(test_now() - begin > 100 * INT64_C(1000000));
	iv_work_pool_submit_continuation(&pool, &behind[0]);
	test_sem_wait(&blocked);
	iv_work_pool_submit_continuation(&pool, &behind[1]);
}

TEST_TC(owner_left, "when the owner no longer helps, the pool gets the thread "
    "for which there was no room, so no item waits for one that blocks")
{
	int i;

#if defined(TEST_TSAN) || defined(TEST_ASAN)
	atf_tc_skip("the sanitizer owns pthread_create()");
#endif
	alarm(TEST_DEADLINE);
	sem_init(&blocked, 0, 0);
	sem_init(&unblock, 0, 0);
	iv_init();
	owner = pthread_self();
	pool.max_threads = 2;
	atomic_store(&allowed, 0);
	TEST_EQ(0, iv_work_pool_create(&pool));
	for (i = 0; i < 2; i++) {
		IV_WORK_ITEM_INIT(&behind[i]);
		behind[i].work = i == 0 ? work_block : work;
		behind[i].completion = i == 0 ? completion :
		    completion_unblock;
	}
	submit(1);
	items[0].work = work_then_behind;
	main_until(3);
	TEST_EQ(1, atomic_load(&by_owner));
	iv_work_pool_put(&pool);
	iv_main();
	TEST_EQ(3, atomic_load(&runs));
	iv_deinit();
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, none);
	ATF_TP_ADD_TC(tp, none_put);
	ATF_TP_ADD_TC(tp, one);
	ATF_TP_ADD_TC(tp, owner_left);
	return atf_no_error();
}
