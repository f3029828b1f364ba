/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A plug-in that uses iv_work(3), for iv_dlclose_test, which is not linked
 * with it.
 */

#include <string.h>

#include <iv.h>
#include <iv_work.h>

#define	NITEM	8

int	module_turn(int);

static struct iv_work_pool module_pool;
static struct iv_work_item module_items[NITEM];
static int module_number, module_sum;

static void
work(void *cookie)
{

	*(int *)cookie = module_number;
}

static void
completion(void *cookie)
{

	module_sum += *(int *)cookie;
}

/* Add eight times n, in a loop of the calling thread. */
int
module_turn(int n)
{
	int i, results[NITEM];

	module_number = n;
	iv_init();
	IV_WORK_POOL_INIT(&module_pool);
	module_pool.max_threads = 3;
	if (iv_work_pool_create(&module_pool) != 0)
		return -1;
	for (i = 0; i < NITEM; i++) {
		IV_WORK_ITEM_INIT(&module_items[i]);
		module_items[i].cookie = &results[i];
		module_items[i].work = work;
		module_items[i].completion = completion;
		iv_work_pool_submit_work(&module_pool, &module_items[i]);
	}
	iv_work_pool_put(&module_pool);
	iv_main();
	iv_deinit();
	return module_sum;
}
