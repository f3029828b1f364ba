/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * ivykis: an iv_work pool of one thread per queue.  Only the thread that made
 * a pool may submit, and completions come back to its event loop.
 */

#include <iv.h>
#include <iv_work.h>
#include <stdlib.h>

#include "bench.h"

struct iv_item {
	struct iv_work_item i_work;
	struct source	*i_source;
};

/* Pools made by the calling thread. */
static _Thread_local unsigned ivp_pools;

static void
ivp_work(void *cookie)
{
	struct iv_item *it = cookie;

	bench_ran(it->i_source, it);
}

static void
ivp_completion(void *cookie)
{
	struct iv_item *it = cookie;

	it->i_source->s_back++;
	iv_quit();
}

static void *
ivp_open(const struct conf *c, unsigned n)
{
	static int pool;

	(void)c;
	(void)n;
	return &pool;
}

static void
ivp_close(void *v)
{

	(void)v;
}

static void *
ivp_enter(void *v)
{
	struct iv_work_pool *pool;

	(void)v;
	if ((pool = malloc(sizeof(*pool))) == NULL)
		return NULL;
	if (ivp_pools++ == 0)
		iv_init();
	IV_WORK_POOL_INIT(pool);
	pool->max_threads = 1;
	if (iv_work_pool_create(pool) != 0) {
		free(pool);
		return NULL;
	}
	return pool;
}

static void
ivp_leave(void *handle)
{

	iv_work_pool_put(handle);
	free(handle);
	if (--ivp_pools == 0) {
		iv_main();
		iv_deinit();
	}
}

static void
ivp_prep(void *item, struct source *s)
{
	struct iv_item *it = item;

	IV_WORK_ITEM_INIT(&it->i_work);
	it->i_work.cookie = it;
	it->i_work.work = ivp_work;
	it->i_work.completion = ivp_completion;
	it->i_source = s;
}

static void
ivp_submit(void *handle, void *item)
{
	struct iv_item *it = item;

	iv_work_pool_submit_work(handle, &it->i_work);
}

static void
ivp_reap(void *handle)
{

	(void)handle;
	iv_main();
}

const struct peer peer_ivykis = {
	.p_name = "ivykis",
	.p_mode = "iv_work, a pool of one thread per producer",
	.p_flags = PF_REAP | PF_ONEPROD,
	.p_does = DO_STREAM | DO_TRIP | DO_ENQ | DO_MANY | DO_RSS,
	.p_itemsize = sizeof(struct iv_item),
	.p_open = ivp_open,
	.p_close = ivp_close,
	.p_enter = ivp_enter,
	.p_leave = ivp_leave,
	.p_prep = ivp_prep,
	.p_submit = ivp_submit,
	.p_reap = ivp_reap,
};
