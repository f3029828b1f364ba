/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * libdispatch: a serial queue for each queue.  The process has one pool of
 * threads for all.
 */

#include <dispatch/dispatch.h>

#include "bench.h"

struct gcd_item {
	struct source	*i_source;
};

static void
gcd_func(void *v)
{
	struct gcd_item *it = v;

	bench_ran(it->i_source, it);
}

static void *
gcd_open(const struct conf *c, unsigned n)
{

	(void)c;
	(void)n;
	return dispatch_queue_create("bench", NULL);
}

static void
gcd_close(void *v)
{

	dispatch_release((dispatch_queue_t)v);
}

static void
gcd_prep(void *item, struct source *s)
{
	struct gcd_item *it = item;

	it->i_source = s;
}

static void
gcd_submit(void *handle, void *item)
{

	dispatch_async_f((dispatch_queue_t)handle, item, gcd_func);
}

const struct peer peer_dispatch = {
	.p_name = "dispatch",
	.p_mode = "dispatch_async_f(), a serial queue each",
	.p_flags = PF_HEAVY | PF_ONEPOOL,
	.p_does = DO_STREAM | DO_TRIP | DO_ENQ | DO_LIFE | DO_RSS | DO_MANY,
	.p_itemsize = sizeof(struct gcd_item),
	.p_open = gcd_open,
	.p_close = gcd_close,
	.p_prep = gcd_prep,
	.p_submit = gcd_submit,
};
