/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: samples of queues that change meanwhile.
 */

#include <host/host.h>

#include "kern/subr_workqueue.h"
#include "kern/subr_wqstat.h"

#include "../../tests.h"

static struct wqstat_piece pieces[2];
static struct wqstat_slot slots[1], again[1];
static char objects[1][WQSTAT_OBJECTSIZE];
static struct wqstat_chunk chunk;
static struct workqueue *wq;
static struct workqueue_stat sample;
static int nsamples;
static bool leaves;		/* wq leaves its slot when it is read */

static void
nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static void
readv_own(struct wqstat_source *so, struct wqstat_piece *sp, unsigned n)
{

	(void)so;
	for (; n > 0; n--, sp++) {
		sp->sp_ok = host_peek(sp->sp_buf, sp->sp_addr, sp->sp_size);
		if (leaves && sp->sp_addr == (uintptr_t)wq)
			chunk.sc_slots[0].ss_object = NULL;
	}
}

static bool
keep(struct wqstat_source *so, const struct workqueue_stat *ws)
{

	(void)so;
	sample = *ws;
	nsamples++;
	return true;
}

/* Sample a list that has a single queue. */
static void
take(const void *queue)
{
	static struct wqstat_source so;

	so.so_readv = readv_own;
	so.so_emit = keep;
	so.so_pieces = pieces;
	so.so_slots = slots;
	so.so_again = again;
	so.so_objects = objects;
	so.so_batch = 1;
	so.so_links = 1000;
	so.so_time = 1;
	so.so_root = wqpool_statroot;
	so.so_root.wr_chunk = &chunk;
	chunk.sc_slots[0].ss_object = queue;
	chunk.sc_slots[0].ss_kind = WQSTAT_WORKQUEUE;
	nsamples = 0;
	(void)wqstat_sample(&so);
}

TEST_TC(reused, "an object that leaves its slot while it is read is not shown")
{

	wq = test_create("reused", nothing, NULL, WQ_MPSAFE);
	take(wq);
	TEST_EQ(1, nsamples);
	ATF_REQUIRE_STREQ("reused", sample.ws_name);
	leaves = true;
	take(wq);
	TEST_EQ(0, nsamples);
	workqueue_destroy(wq);
}

TEST_TC(between, "a count is no tail if it was read while the worker takes "
    "items")
{
	struct workqueue *copy;
	struct workqueue_queue *q;
	size_t size;

	wq = test_create("between", nothing, NULL, WQ_MPSAFE);
	size = wqpool_statroot.wr_offsets[WQO_wq_size];
	copy = aligned_alloc(64, (size + 63) / 64 * 64);
	ATF_REQUIRE(copy != NULL);
	ATF_REQUIRE(host_peek(copy, (uintptr_t)wq, size));
	/* The worker has a batch, of which no item has begun. */
	q = &copy->wq_queues[0];
	q->q_base = q->q_begun = q->q_done = 1000;
	q->q_start = 0;
	q->q_end = 10;
	q->q_lock.mtx_owner = 0;
	take(copy);
	TEST_EQ(10, sample.ws_pending);
	TEST_EQ(1010, sample.ws_tail);
	/* It has added the last batch to q_base, and not yet emptied it. */
	q->q_lock.mtx_owner = (uintptr_t)copy;
	take(copy);
	TEST_EQ(1000, sample.ws_tail);
	free(copy);
	workqueue_destroy(wq);
}

TEST_TC(loop, "a list of queues that is a loop is read once")
{

	wq = test_create("loop", nothing, NULL, WQ_MPSAFE);
	chunk.sc_next = &chunk;
	take(wq);
	TEST_EQ(1, nsamples);
	chunk.sc_next = NULL;
	workqueue_destroy(wq);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, loop);
	ATF_TP_ADD_TC(tp, reused);
	ATF_TP_ADD_TC(tp, between);
	return atf_no_error();
}
