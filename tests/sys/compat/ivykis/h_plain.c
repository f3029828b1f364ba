/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * An ivykis program that does not know this library: four items that take half
 * a second each, on a pool with a warm thread.  It prints the name of its
 * thread, and whether the four ran at the same time.
 */

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>

#include <iv.h>
#include <iv_work.h>

static struct iv_work_pool pool;
static struct iv_work_item warm, items[4];
static atomic_int inside, most;
static int left = 4;
static char name[17];

static void
work_warm(void *cookie)
{

	(void)cookie;
	prctl(PR_GET_NAME, name);
}

static void
work(void *cookie)
{
	int m, n;

	(void)cookie;
	n = atomic_fetch_add(&inside, 1) + 1;
	for (m = atomic_load(&most); n > m;)
		if (atomic_compare_exchange_weak(&most, &m, n))
			break;
	usleep(500000);
	atomic_fetch_sub(&inside, 1);
}

static void
complete(void *cookie)
{

	(void)cookie;
	if (--left == 0)
		iv_work_pool_put(&pool);
}

static void
complete_warm(void *cookie)
{
	int i;

	(void)cookie;
	for (i = 0; i < 4; i++) {
		IV_WORK_ITEM_INIT(&items[i]);
		items[i].work = work;
		items[i].completion = complete;
		iv_work_pool_submit_work(&pool, &items[i]);
	}
}

int
main(void)
{

	iv_init();
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = 8;
	if (iv_work_pool_create(&pool) != 0)
		return 1;
	IV_WORK_ITEM_INIT(&warm);
	warm.work = work_warm;
	warm.completion = complete_warm;
	iv_work_pool_submit_work(&pool, &warm);
	iv_main();
	iv_deinit();
	printf("%s %d\n", name, atomic_load(&most));
	return 0;
}
