/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * This library, as installed.  A queue per CPU where the workload says that
 * each producer has its CPU's worker; otherwise one worker.
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
	bool		  q_first;	/* of those that share q_wq */
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

	return wq_make(c, n, WQ_MPSAFE);
}

static void *
wq_openlocked(const struct conf *c, unsigned n)
{

	return wq_make(c, n, 0);
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
 * What to submit to is the workqueue itself, as a client has it; with a CPU
 * for each producer it is our record.
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
	.p_mode = "this library, WQ_MPSAFE",
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

const struct peer peer_biglock = {
	.p_name = "biglock",
	.p_mode = "this library, callbacks under the kernel lock",
	.p_flags = PF_SIGSAFE | PF_PINNED | PF_FACE,
	.p_does = DO_STREAM,
	.p_itemsize = sizeof(struct wq_item),
	.p_open = wq_openlocked,
	.p_close = wq_close,
	.p_enter = wq_enter,
	.p_prep = wq_prep,
	.p_submit = wq_submit,
	.p_submitown = wq_submitown,
};
