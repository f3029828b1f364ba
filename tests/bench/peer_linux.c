/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * This library through the Linux interfaces: an ordered queue, and a
 * kthread_worker.
 */

#include <linux/kthread.h>
#include <linux/workqueue.h>

#include "bench.h"

struct lwq_benchitem {
	struct work_struct i_work;
	struct source	*i_source;
};

struct lkw_benchitem {
	struct kthread_work i_work;
	struct source	*i_source;
};

static void
lwq_func(struct work_struct *w)
{
	struct lwq_benchitem *it = (struct lwq_benchitem *)(void *)w;

	bench_ran(it->i_source, it);
}

static void *
lwq_open(const struct conf *c, unsigned n)
{

	(void)c;
	return alloc_ordered_workqueue("bench%u", 0, n);
}

static void
lwq_close(void *v)
{

	destroy_workqueue(v);
}

static void
lwq_prep(void *item, struct source *s)
{
	struct lwq_benchitem *it = item;

	INIT_WORK(&it->i_work, lwq_func);
	it->i_source = s;
}

static void
lwq_submit(void *handle, void *item)
{
	struct lwq_benchitem *it = item;

	(void)queue_work(handle, &it->i_work);
}

static void
lkw_func(struct kthread_work *w)
{
	struct lkw_benchitem *it = (struct lkw_benchitem *)(void *)w;

	bench_ran(it->i_source, it);
}

static void *
lkw_open(const struct conf *c, unsigned n)
{
	struct kthread_worker *kw;

	(void)c;
	kw = kthread_create_worker(0, "bench%u", n);
	return IS_ERR(kw) ? NULL : kw;
}

static void
lkw_close(void *v)
{

	kthread_destroy_worker(v);
}

static void
lkw_prep(void *item, struct source *s)
{
	struct lkw_benchitem *it = item;

	kthread_init_work(&it->i_work, lkw_func);
	it->i_source = s;
}

static void
lkw_submit(void *handle, void *item)
{
	struct lkw_benchitem *it = item;

	(void)kthread_queue_work(handle, &it->i_work);
}

const struct peer peer_queuework = {
	.p_name = "queue_work",
	.p_mode = "this library's Linux interface, an ordered queue",
	.p_flags = PF_NAMED,
	.p_does = DO_STREAM | DO_ENQ,
	.p_itemsize = sizeof(struct lwq_benchitem),
	.p_open = lwq_open,
	.p_close = lwq_close,
	.p_prep = lwq_prep,
	.p_submit = lwq_submit,
};

const struct peer peer_kthreadwork = {
	.p_name = "kthread",
	.p_mode = "this library's Linux interface, kthread_queue_work()",
	.p_flags = PF_NAMED,
	.p_does = DO_STREAM | DO_ENQ,
	.p_itemsize = sizeof(struct lkw_benchitem),
	.p_open = lkw_open,
	.p_close = lkw_close,
	.p_prep = lkw_prep,
	.p_submit = lkw_submit,
};
