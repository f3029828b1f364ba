/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Large numbers.
 */

#include <sys/cpu.h>
#include <sys/systm.h>

#include "../../tests.h"

/*
 * Ten million items from four producers, in rings that are reused as their
 * items have run.
 */
#define	NPRODUCER	4
#define	NRING		(1 << 15)

struct item {
	struct work	i_work;
	int		i_producer;
	int		i_number;
};

static struct item rings[NPRODUCER][NRING];
static int per_producer;
static struct workqueue *mass_wq;

static struct {
	atomic_int	m_ran;		/* items that have run */
	int		m_next;		/* worker only: next number */
	int		m_wrong;
} mass[NPRODUCER];

static void
mass_run(struct work *wk, void *arg)
{
	struct item *it = (void *)wk;
	int p = it->i_producer;

	(void)arg;
	/* No item is lost or runs twice, and they run in order. */
	if (it->i_number != mass[p].m_next)
		mass[p].m_wrong++;
	mass[p].m_next = it->i_number + 1;
	atomic_store_explicit(&mass[p].m_ran, mass[p].m_next,
	    memory_order_release);
}

static void *
mass_produce(void *arg)
{
	int i, p = *(int *)arg;
	struct item *it;

	for (i = 0; i < per_producer; i++) {
		while (i - atomic_load_explicit(&mass[p].m_ran,
		    memory_order_acquire) >= NRING)
			sched_yield();
		it = &rings[p][i % NRING];
		it->i_producer = p;
		it->i_number = i;
		workqueue_enqueue(mass_wq, &it->i_work, NULL);
	}
	return NULL;
}

static void
ten_million(int flags, int n)
{
	pthread_t t[NPRODUCER];
	int i, no[NPRODUCER];

	per_producer = TEST_SCALE(n) / NPRODUCER;
	mass_wq = test_create("mass", mass_run, NULL, flags);
	for (i = 0; i < NPRODUCER; i++) {
		no[i] = i;
		t[i] = test_thread(mass_produce, &no[i]);
	}
	for (i = 0; i < NPRODUCER; i++)
		test_join(t[i]);
	workqueue_destroy(mass_wq);
	for (i = 0; i < NPRODUCER; i++) {
		TEST_EQ(per_producer, mass[i].m_next);
		TEST_EQ(0, mass[i].m_wrong);
	}
}

TEST_TC(ten_million_items, "10,000,000 items of four producers: each runs "
    "once, and those of each producer in order")
{

	ten_million(WQ_MPSAFE, 10000000);
}

TEST_TC(million_items_locked, "1,000,000 items of four producers under the "
    "kernel lock: each runs once, and those of each producer in order")
{

	ten_million(0, 1000000);
}

TEST_TC(million_items_checked, "1,000,000 items of four producers in checking "
    "mode: each runs once, and those of each producer in order")
{

	test_env("WORKQUEUE_CHECK", "1");
	ten_million(WQ_MPSAFE, 1000000);
}

static void
add_one(struct work *wk, void *arg)
{

	(void)wk;
	++*(int *)arg;
}

TEST_TC(ten_thousand_queues, "10,000 queues are created, used and destroyed")
{
	struct workqueue *wq;
	struct work wk;
	int i, n, runs = 0;

	n = TEST_SCALE(10000);
	for (i = 0; i < n; i++) {
		wq = test_create("cycle", add_one, &runs, WQ_MPSAFE);
		workqueue_enqueue(wq, &wk, NULL);
		if (i % 2)
			workqueue_wait(wq, &wk);
		workqueue_destroy(wq);
		TEST_EQ(i + 1, runs);
	}
}

TEST_TC(many_queues_at_once, "500 queues live at the same time, and each "
    "runs its items")
{
	static struct workqueue *wq[500];
	static struct work wk[500];
	static int runs[500];
	size_t i, n;
	int turn;

	n = (size_t)TEST_SCALE(500);
	for (i = 0; i < n; i++)
		wq[i] = test_create("crowd", add_one, &runs[i], i % 2);
	for (turn = 1; turn <= 10; turn++) {
		for (i = 0; i < n; i++)
			workqueue_enqueue(wq[i], &wk[i], NULL);
		for (i = 0; i < n; i++) {
			workqueue_wait(wq[i], &wk[i]);
			TEST_EQ(turn, runs[i]);
		}
	}
	for (i = 0; i < n; i++)
		workqueue_destroy(wq[i]);
}

/*
 * Waiters, producers and re-enqueueing items on the queues of several CPUs.
 */
struct wander {
	struct work	  w_work;
	struct workqueue *w_wq;
	atomic_int	  w_left;
	unsigned int	  w_seed;
};

static void
wander(struct work *wk, void *arg)
{
	struct wander *w = (void *)wk;

	(void)arg;
	w->w_seed = w->w_seed * 1103515245 + 12345;
	if (atomic_fetch_sub(&w->w_left, 1) > 1) {
		workqueue_enqueue(w->w_wq, &w->w_work,
		    cpu_lookup((w->w_seed >> 16) % (unsigned int)ncpu));
	}
}

static void *
wait_for_wander(void *arg)
{
	struct wander *w = arg;

	while (atomic_load(&w->w_left) > 0)
		workqueue_wait(w->w_wq, &w->w_work);
	return NULL;
}

TEST_TC(wandering_items, "items that move over the CPUs while threads "
    "repeatedly wait for them end, and so do the waits")
{
	static struct wander w[8];
	struct workqueue *wq;
	pthread_t t[TEST_NELEM(w)];
	size_t i;

	test_env("WORKQUEUE_NCPU", "5");
	wq = test_create("wander", wander, NULL, WQ_MPSAFE | WQ_PERCPU);
	for (i = 0; i < TEST_NELEM(w); i++) {
		w[i].w_wq = wq;
		w[i].w_seed = (unsigned int)i;
		atomic_init(&w[i].w_left, TEST_SCALE(20000));
		workqueue_enqueue(wq, &w[i].w_work, cpu_lookup(0));
		t[i] = test_thread(wait_for_wander, &w[i]);
	}
	for (i = 0; i < TEST_NELEM(w); i++)
		test_join(t[i]);
	workqueue_destroy(wq);
	for (i = 0; i < TEST_NELEM(w); i++)
		TEST_EQ(0, w[i].w_left);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, ten_million_items);
	ATF_TP_ADD_TC(tp, million_items_locked);
	ATF_TP_ADD_TC(tp, million_items_checked);
	ATF_TP_ADD_TC(tp, ten_thousand_queues);
	ATF_TP_ADD_TC(tp, many_queues_at_once);
	ATF_TP_ADD_TC(tp, wandering_items);
	return atf_no_error();
}
