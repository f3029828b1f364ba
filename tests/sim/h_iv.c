/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The protocols of iv_work: items go from an event loop to threads, and back.
 */

#include <iv.h>
#include <iv_work.h>

#include "h_protocol.h"

#define	NITEMS	3

struct item {
	struct iv_work_item i_item;
	bool	i_running;
	int	i_runs, i_completed;
	bool	i_more;			/* the run submits another item */
};

static struct iv_work_pool pool;
static struct item items[NITEMS];
static int left;

static void
work(void *cookie)
{
	struct item *i = cookie;

	CHECK(!i->i_running);
	i->i_running = true;
	wqsim_point("work");
	if (i->i_more)
		iv_work_pool_submit_continuation(&pool, &items[2].i_item);
	i->i_running = false;
	i->i_runs++;
}

static void
completion(void *cookie)
{
	struct item *i = cookie;

	CHECK(!i->i_running && i->i_runs == ++i->i_completed);
	if (--left == 0)
		iv_work_pool_put(&pool);
}

static void
loop(int threads, bool more)
{
	int n;

	memset(items, 0, sizeof(items));
	left = NITEMS;
	iv_init();
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = threads;
	CHECK(iv_work_pool_create(&pool) == 0);
	for (n = 0; n < NITEMS; n++) {
		IV_WORK_ITEM_INIT(&items[n].i_item);
		items[n].i_item.cookie = &items[n];
		items[n].i_item.work = work;
		items[n].i_item.completion = completion;
	}
	items[0].i_more = more;
	for (n = 0; n < NITEMS - more; n++)
		iv_work_pool_submit_work(&pool, &items[n].i_item);
	iv_main();
	iv_deinit();
	for (n = 0; n < NITEMS; n++)
		CHECK(items[n].i_runs == 1 && items[n].i_completed == 1);
}

static void
proto_one(void *arg)
{

	(void)arg;
	loop(1, false);
}

static void
proto_two(void *arg)
{

	(void)arg;
	loop(2, false);
}

static void
proto_continuation(void *arg)
{

	(void)arg;
	loop(2, true);
}

int
main(int argc, char **argv)
{
	static const struct protocol protocols[] = {
		{ "one", proto_one, false },
		{ "two", proto_two, false },
		{ "continuation", proto_continuation, false },
		{ NULL, NULL, false }
	};

	return protocol_main(protocols, argc, argv);
}
