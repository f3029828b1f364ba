/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * liburcu: call_rcu() with a worker thread per queue.  A callback also waits
 * for a grace period, which is its purpose; as a way to defer work it is the
 * nearest relative of this library's queue.
 */

#include <pthread.h>
#include <urcu.h>

#include "bench.h"

struct rcu_item {
	struct rcu_head	 i_head;
	struct source	*i_source;
};

/* Queues entered by the calling thread. */
static _Thread_local unsigned rcup_entered;

static void
rcup_func(struct rcu_head *head)
{
	struct rcu_item *it = (struct rcu_item *)head;

	bench_ran(it->i_source, it);
}

static void *
rcup_open(const struct conf *c, unsigned n)
{

	(void)c;
	(void)n;
	return create_call_rcu_data(0, -1);
}

static void
rcup_close(void *v)
{

	call_rcu_data_free(v);
}

static void *
rcup_enter(void *v)
{

	if (rcup_entered++ == 0)
		rcu_register_thread();
	set_thread_call_rcu_data(v);
	return v;
}

static void
rcup_leave(void *handle)
{

	(void)handle;
	set_thread_call_rcu_data(NULL);
	if (--rcup_entered == 0)
		rcu_unregister_thread();
}

static void
rcup_prep(void *item, struct source *s)
{
	struct rcu_item *it = item;

	it->i_source = s;
}

static void
rcup_submit(void *handle, void *item)
{
	struct rcu_item *it = item;

	if (BENCH_UNLIKELY(get_thread_call_rcu_data() != handle))
		set_thread_call_rcu_data(handle);
	call_rcu(&it->i_head, rcup_func);
}

const struct peer peer_urcu = {
	.p_name = "urcu",
	.p_mode = "call_rcu(), memb flavour, a call_rcu thread per queue",
	.p_flags = 0,
	.p_does = DO_ALL & ~DO_MANY,
	.p_itemsize = sizeof(struct rcu_item),
	.p_open = rcup_open,
	.p_close = rcup_close,
	.p_enter = rcup_enter,
	.p_leave = rcup_leave,
	.p_prep = rcup_prep,
	.p_submit = rcup_submit,
};
