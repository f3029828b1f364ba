/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * GLib: an exclusive GThreadPool of one thread per queue.
 */

#include <glib.h>

#include "bench.h"

struct g_item {
	struct source	*i_source;
};

static void
gl_func(gpointer data, gpointer arg)
{
	struct g_item *it = data;

	(void)arg;
	bench_ran(it->i_source, it);
}

static void *
gl_open(const struct conf *c, unsigned n)
{

	(void)c;
	(void)n;
	return g_thread_pool_new(gl_func, NULL, 1, TRUE, NULL);
}

static void
gl_close(void *v)
{

	g_thread_pool_free(v, FALSE, TRUE);
}

static void
gl_prep(void *item, struct source *s)
{
	struct g_item *it = item;

	it->i_source = s;
}

static void
gl_submit(void *handle, void *item)
{

	g_thread_pool_push(handle, item, NULL);
}

const struct peer peer_glib = {
	.p_name = "glib",
	.p_mode = "GThreadPool, exclusive, one thread",
	.p_flags = 0,
	.p_does = DO_ALL,
	.p_itemsize = sizeof(struct g_item),
	.p_open = gl_open,
	.p_close = gl_close,
	.p_prep = gl_prep,
	.p_submit = gl_submit,
};
