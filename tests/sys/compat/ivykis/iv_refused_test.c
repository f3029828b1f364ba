/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3) on a system that refuses threads: pthread_create() is ours.
 */

#include "../../../tests.h"

#include <dlfcn.h>
#include <iv.h>
#include <iv_work.h>

int	pthread_create(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *);

static atomic_int allowed = 1000000;	/* threads that may be had */
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
static atomic_int runs;
static int completions;

static void
work(void *cookie)
{

	(void)cookie;
	test_pause();
	atomic_fetch_add(&runs, 1);
}

static void
completion(void *cookie)
{

	(void)cookie;
	completions++;
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

TEST_TC(none, "no thread at all: create fails, and the loop ends")
{

#if defined(TEST_TSAN) || defined(TEST_ASAN)
	atf_tc_skip("the sanitizer owns pthread_create()");
#endif
	alarm(TEST_DEADLINE);
	iv_init();
	pool.max_threads = 4;
	atomic_store(&allowed, 0);
	errno = 0;
	TEST_EQ(-1, iv_work_pool_create(&pool));
	TEST_EQ(EAGAIN, errno);
	TEST_EQ(1, atomic_load(&refused));
	iv_main();
	/* It is not for ever. */
	atomic_store(&allowed, 1000);
	TEST_EQ(0, iv_work_pool_create(&pool));
	submit(10);
	iv_work_pool_put(&pool);
	iv_main();
	TEST_EQ(10, completions);
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

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, none);
	ATF_TP_ADD_TC(tp, one);
	return atf_no_error();
}
