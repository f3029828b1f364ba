/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * libuv: uv_queue_work().  The process has one pool, and completions come back
 * to the producer's loop.
 */

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "bench.h"

struct uv_item {
	uv_work_t	 i_req;
	struct source	*i_source;
};

/* The pool has more than one thread: no order. */
static bool uvp_shared;

static void
uvp_work(uv_work_t *req)
{
	struct uv_item *it = (struct uv_item *)req;

	bench_ran(it->i_source, it);
}

static void
uvp_workshared(uv_work_t *req)
{
	struct uv_item *it = (struct uv_item *)req;

	bench_ranshared(it->i_source, it);
}

static void
uvp_after(uv_work_t *req, int status)
{
	struct uv_item *it = (struct uv_item *)req;

	(void)status;
	it->i_source->s_back++;
}

static void
uvp_init(const struct conf *c)
{
	char buf[16];

	uvp_shared = c->c_nworkers > 1;
	snprintf(buf, sizeof(buf), "%u", c->c_nworkers);
	setenv("UV_THREADPOOL_SIZE", buf, 1);
}

static void *
uvp_open(const struct conf *c, unsigned n)
{
	static int pool;

	(void)c;
	(void)n;
	return &pool;
}

static void
uvp_close(void *v)
{

	(void)v;
}

static void *
uvp_enter(void *v)
{
	uv_loop_t *loop;

	(void)v;
	if ((loop = malloc(sizeof(*loop))) == NULL)
		return NULL;
	if (uv_loop_init(loop) != 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

static void
uvp_leave(void *handle)
{
	uv_loop_t *loop = handle;

	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
	free(loop);
}

static void
uvp_prep(void *item, struct source *s)
{
	struct uv_item *it = item;

	it->i_source = s;
	s->s_any = uvp_shared;
}

static void
uvp_submit(void *handle, void *item)
{
	struct uv_item *it = item;

	uv_queue_work(handle, &it->i_req,
	    uvp_shared ? uvp_workshared : uvp_work, uvp_after);
}

static void
uvp_reap(void *handle)
{

	uv_run(handle, UV_RUN_ONCE);
}

const struct peer peer_uv = {
	.p_name = "libuv",
	.p_mode = "uv_queue_work(), a loop per producer, a thread per worker",
	.p_flags = PF_REAP | PF_ONEPOOL,
	.p_does = DO_STREAM | DO_TRIP | DO_ENQ,
	.p_itemsize = sizeof(struct uv_item),
	.p_init = uvp_init,
	.p_open = uvp_open,
	.p_close = uvp_close,
	.p_enter = uvp_enter,
	.p_leave = uvp_leave,
	.p_prep = uvp_prep,
	.p_submit = uvp_submit,
	.p_reap = uvp_reap,
};
