/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * This library, as installed.  If the workload gives each producer its CPU's
 * worker, there is a queue per CPU.  Otherwise there is one worker.  The driver
 * sets WORKQUEUE_LEND, so a queue has a thread of its own only if it asks for
 * one.
 */

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/workqueue.h>

#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

struct wq_item {
	struct work	 i_work;
	struct source	*i_source;
};

struct wq_queue {
	struct workqueue *q_wq;
	struct cpu_info	 *q_ci;
	bool		  q_first;	/* the first record to use q_wq */
};

static void
wq_func(struct work *wk, void *arg)
{
	struct wq_item *it = (struct wq_item *)wk;

	(void)arg;
	bench_ran(it->i_source, it);
}

static void *
wq_make(const struct conf *c, unsigned n, int flags)
{
	static struct workqueue *percpu;
	struct wq_queue *q;
	char name[16];
	int error;

	if ((q = aligned_alloc(BENCH_LINE, BENCH_LINE)) == NULL)
		return NULL;
	q->q_ci = NULL;
	q->q_first = true;
	snprintf(name, sizeof(name), "bench%u", n);
	if (c->c_place == PLACE_OWN) {
		q->q_ci = cpu_lookup(n % (unsigned)ncpu);
		q->q_first = n == 0;
		if (n > 0) {
			q->q_wq = percpu;
			return q;
		}
		flags |= WQ_PERCPU;
	}
	error = workqueue_create(&q->q_wq, name, wq_func, NULL, PRI_NONE,
	    IPL_HIGH, flags);
	if (error != 0) {
		free(q);
		return NULL;
	}
	if (c->c_place == PLACE_OWN)
		percpu = q->q_wq;
	return q;
}

static void *
wq_open(const struct conf *c, unsigned n)
{

	return wq_make(c, n, WQ_MPSAFE | WQ_DEDICATED);
}

static void *
wq_openlocked(const struct conf *c, unsigned n)
{

	return wq_make(c, n, WQ_DEDICATED);
}

static void *
wq_openlent(const struct conf *c, unsigned n)
{
	struct workqueue *wq;

	(void)c;
	(void)n;
	return workqueue_create(&wq, "bench", wq_func, NULL, PRI_NONE,
	    IPL_HIGH, WQ_MPSAFE) == 0 ? wq : NULL;
}

static void
wq_closelent(void *v)
{

	workqueue_destroy(v);
}

static void
wq_close(void *v)
{
	struct wq_queue *q = v;

	if (q->q_first)
		workqueue_destroy(q->q_wq);
	free(q);
}

static void
wq_prep(void *item, struct source *s)
{
	struct wq_item *it = item;

	it->i_source = s;
}

/*
 * Return the workqueue itself as the handle, as in a client.  If each producer
 * has a CPU, return our record.
 */
static void *
wq_enter(void *v)
{
	struct wq_queue *q = v;

	return q->q_ci != NULL ? (void *)q : (void *)q->q_wq;
}

static void
wq_submit(void *handle, void *item)
{

	workqueue_enqueue(handle, item, NULL);
}

static void
wq_submitown(void *handle, void *item)
{
	struct wq_queue *q = handle;

	workqueue_enqueue(q->q_wq, item, q->q_ci);
}

const struct peer peer_workqueue = {
	.p_name = "workqueue",
	.p_mode = "this library, WQ_MPSAFE, with a thread of its own",
	.p_flags = PF_SIGSAFE | PF_PINNED,
	.p_does = DO_ALL,
	.p_itemsize = sizeof(struct wq_item),
	.p_open = wq_open,
	.p_close = wq_close,
	.p_enter = wq_enter,
	.p_prep = wq_prep,
	.p_submit = wq_submit,
	.p_submitown = wq_submitown,
};

const struct peer peer_lent = {
	.p_name = "lent",
	.p_mode = "this library, threads that are lent",
	.p_flags = PF_SIGSAFE,
	.p_does = DO_TRIP | DO_LIFE | DO_RSS | DO_MANY,
	.p_itemsize = sizeof(struct wq_item),
	.p_open = wq_openlent,
	.p_close = wq_closelent,
	.p_prep = wq_prep,
	.p_submit = wq_submit,
};

const struct peer peer_biglock = {
	.p_name = "biglock",
	.p_mode = "this library, callbacks under the kernel lock",
	.p_flags = PF_SIGSAFE | PF_PINNED | PF_NAMED,
	.p_does = DO_STREAM,
	.p_itemsize = sizeof(struct wq_item),
	.p_open = wq_openlocked,
	.p_close = wq_close,
	.p_enter = wq_enter,
	.p_prep = wq_prep,
	.p_submit = wq_submit,
	.p_submitown = wq_submitown,
};
