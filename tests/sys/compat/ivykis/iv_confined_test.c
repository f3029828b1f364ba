/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3) in a process that has no files and no descriptor left.
 */

#include "../../../tests.h"
#include "../../../confine.h"

#include <iv.h>
#include <iv_work.h>

#define	NITEMS	64
#define	MARGIN	8		/* descriptors that a new thread needs */

static struct iv_work_pool pool;
static struct iv_work_item items[NITEMS];
static atomic_int running, together;
static int completions;

/* Count how many items run at the same time. */
static void
work(void *cookie)
{
	int n;

	(void)cookie;
	n = atomic_fetch_add(&running, 1) + 1;
	test_pause();
	if (n > atomic_load(&together))
		atomic_store(&together, n);
	atomic_fetch_sub(&running, 1);
}

static void
completion(void *cookie)
{

	(void)cookie;
	if (++completions == NITEMS)
		iv_work_pool_put(&pool);
}

static void
submit_all(void)
{
	int i;

	for (i = 0; i < NITEMS; i++) {
		IV_WORK_ITEM_INIT(&items[i]);
		items[i].work = work;
		items[i].completion = completion;
		iv_work_pool_submit_work(&pool, &items[i]);
	}
}

static void
grows(void)
{

	iv_init();
	pool.max_threads = 8;
	CONFINE_REQUIRE(iv_work_pool_create(&pool) == 0);
	confine_descriptors();
	confine_root();
	submit_all();
	iv_main();
	CONFINE_REQUIRE(completions == NITEMS);
	CONFINE_REQUIRE(atomic_load(&together) == 1);
	iv_deinit();
}

TEST_TC(pool_grows, "a pool that cannot grow, with no descriptor left, runs "
    "all its items, one by one")
{

	confined(grows);
}

static void
is_made(void)
{
	int i;

	iv_init();
	pool.max_threads = 8;
	confine_descriptors();
	for (i = 0; i <= MARGIN; i++) {
		errno = 0;
		/*
		 * The event needs descriptors, and each refusal has its own
		 * errno value.
		 */
		if (iv_work_pool_create(&pool) == 0)
			break;
		CONFINE_REQUIRE(errno == EMFILE || errno == EAGAIN);
		confine_one();
	}
	CONFINE_REQUIRE(i > 0);
	/* The refusal is not permanent. */
	for (i = 0; i < 8; i++)
		confine_one();
	if (pool.priv == NULL)
		CONFINE_REQUIRE(iv_work_pool_create(&pool) == 0);
	submit_all();
	iv_main();
	CONFINE_REQUIRE(completions == NITEMS);
	iv_deinit();
}

TEST_TC(pool_is_made, "creating a pool with no descriptor left fails, with "
    "the reason, until there are some")
{

	confined(is_made);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, pool_grows);
	ATF_TP_ADD_TC(tp, pool_is_made);
	return atf_no_error();
}
