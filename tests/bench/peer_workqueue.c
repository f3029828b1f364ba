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

#include <stdlib.h>

#include "bench.h"

struct wq_item {
	struct work	 i_work;
	struct source	*i_source;
};

/* A producer's handle if each producer has its CPU's worker. */
struct wq_queue {
	struct workqueue *q_wq;
	struct cpu_info	 *q_ci;
};

static struct workqueue *percpu;	/* of all records, or NULL */
static unsigned nrecords;

static void
wq_func(struct work *wk, void *arg)
{
	struct wq_item *it = (struct wq_item *)wk;

	(void)arg;
	bench_ran(it->i_source, it);
}

/*
 * Return a workqueue.  If each producer has its CPU's worker, return a record
 * for producer n.  All records are of one workqueue.
 */
static void *
wq_make(const struct conf *c, unsigned n, int flags)
{
	struct workqueue *wq;
	struct wq_queue *q;

	if (c->c_place == PLACE_OWN)
		flags |= WQ_PERCPU;
	wq = percpu;
	if (wq == NULL && workqueue_create(&wq, "bench", wq_func, NULL,
	    PRI_NONE, IPL_HIGH, flags) != 0)
		return NULL;
	if (c->c_place != PLACE_OWN)
		return wq;
	percpu = wq;
	if ((q = aligned_alloc(BENCH_LINE, BENCH_LINE)) == NULL)
		return NULL;
	q->q_wq = wq;
	q->q_ci = cpu_lookup(n % (unsigned)ncpu);
	nrecords++;
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

	return wq_make(c, n, WQ_MPSAFE);
}

static void
wq_close(void *v)
{

	if (percpu == NULL) {
		workqueue_destroy(v);
		return;
	}
	free(v);
	if (--nrecords == 0) {
		workqueue_destroy(percpu);
		percpu = NULL;
	}
}

static void
wq_prep(void *item, struct source *s)
{
	struct wq_item *it = item;

	it->i_source = s;
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
	.p_prep = wq_prep,
	.p_submit = wq_submit,
	.p_submitown = wq_submitown,
};

const struct peer peer_lent = {
	.p_name = "lent",
	.p_mode = "this library, threads that are lent",
	.p_flags = PF_SIGSAFE | PF_PINNED,
	.p_does = DO_ALL,
	.p_itemsize = sizeof(struct wq_item),
	.p_open = wq_openlent,
	.p_close = wq_close,
	.p_prep = wq_prep,
	.p_submit = wq_submit,
	.p_submitown = wq_submitown,
};

const struct peer peer_biglock = {
	.p_name = "biglock",
	.p_mode = "this library, callbacks under the kernel lock",
	.p_flags = PF_SIGSAFE | PF_PINNED | PF_NAMED,
	.p_does = DO_STREAM,
	.p_itemsize = sizeof(struct wq_item),
	.p_open = wq_openlocked,
	.p_close = wq_close,
	.p_prep = wq_prep,
	.p_submit = wq_submit,
	.p_submitown = wq_submitown,
};
