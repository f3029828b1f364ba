/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Several threads enqueue, delay, flush and cancel.  The oracle: each item
 * that was enqueued ran exactly once, or was cancelled exactly once.
 */

#include "linux_test.h"

#define	NITEM	24
#define	NTHREAD	3

static struct sitem {
	struct delayed_work s_dw;
	struct kthread_delayed_work s_kd;
	atomic_int	s_queued, s_cancelled, s_runs, s_running, s_overlaps;
	int		s_index;
} items[NITEM];

static struct workqueue_struct *wq;
static struct kthread_worker *kw;
static int rounds;

static void
ran(struct sitem *s)
{

	if (atomic_fetch_add(&s->s_running, 1) != 0)
		atomic_fetch_add(&s->s_overlaps, 1);
	atomic_fetch_add(&s->s_runs, 1);
	if (atomic_load(&s->s_runs) % 16 == 0)
		sched_yield();
	atomic_fetch_sub(&s->s_running, 1);
}

static void
sfunc(struct work_struct *w)
{

	ran(container_of(w, struct sitem, s_dw.work));
}

static void
kfunc(struct kthread_work *w)
{

	ran(container_of(w, struct sitem, s_kd.work));
}

static unsigned
next(unsigned *seed)
{

	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

static void *
mixer(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg, r;
	struct delayed_work *dw;
	struct sitem *s;
	int n;

	for (n = 0; n < rounds; n++) {
		r = next(&seed);
		s = &items[r % NITEM];
		dw = &s->s_dw;
		switch (next(&seed) % 10) {
		case 0: case 1: case 2:
			s->s_queued += queue_work(wq, &dw->work);
			break;
		case 3:
			s->s_queued += queue_delayed_work(wq, dw, r % 2);
			break;
		case 4:
			/*
			 * If no thread disables the item, false means that it
			 * was enqueued, too.
			 */
			if (s->s_index % 2 == 0)
				s->s_queued += !mod_delayed_work(wq, dw,
				    r % 2);
			break;
		case 5:
			s->s_cancelled += cancel_delayed_work(dw);
			break;
		case 6:
			if (s->s_index % 2 != 0)
				s->s_cancelled += cancel_delayed_work_sync(dw);
			break;
		case 7:
			(void)flush_work(&dw->work);
			break;
		case 8:
			(void)flush_delayed_work(dw);
			break;
		case 9:
			if (r % 8 == 0)
				flush_workqueue(wq);
			break;
		}
	}
	return NULL;
}

static void *
kmixer(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg, r;
	struct sitem *s;
	int n;

	for (n = 0; n < rounds; n++) {
		r = next(&seed);
		s = &items[r % NITEM];
		switch (next(&seed) % 8) {
		case 0: case 1: case 2:
			s->s_queued += kthread_queue_work(kw, &s->s_kd.work);
			break;
		case 3:
			s->s_queued += kthread_queue_delayed_work(kw,
			    &s->s_kd, r % 2);
			break;
		case 4:
			if (s->s_index % 2 == 0)
				s->s_queued += !kthread_mod_delayed_work(kw,
				    &s->s_kd, r % 2);
			break;
		case 5:
			if (s->s_index % 2 != 0)
				s->s_cancelled +=
				    kthread_cancel_delayed_work_sync(&s->s_kd);
			break;
		case 6:
			kthread_flush_work(&s->s_kd.work);
			break;
		case 7:
			if (r % 8 == 0)
				kthread_flush_worker(kw);
			break;
		}
	}
	return NULL;
}

static void
stress(void *(*func)(void *))
{
	pthread_t t[NTHREAD];
	int i;

	rounds = TEST_SCALE(40000);
	for (i = 0; i < NITEM; i++) {
		items[i].s_index = i;
		INIT_DELAYED_WORK(&items[i].s_dw, sfunc);
		kthread_init_delayed_work(&items[i].s_kd, kfunc);
	}
	for (i = 0; i < NTHREAD; i++)
		t[i] = test_thread(func, (void *)(uintptr_t)(i + 1));
	for (i = 0; i < NTHREAD; i++)
		test_join(t[i]);
}

static void
oracle(void)
{
	long runs = 0, cancelled = 0;
	int i;

	for (i = 0; i < NITEM; i++) {
		ATF_REQUIRE_MSG(items[i].s_queued ==
		    items[i].s_runs + items[i].s_cancelled,
		    "item %d: queued %d, ran %d, cancelled %d", i,
		    items[i].s_queued, items[i].s_runs, items[i].s_cancelled);
		TEST_EQ(0, items[i].s_overlaps);
		runs += items[i].s_runs;
		cancelled += items[i].s_cancelled;
	}
	ATF_REQUIRE(runs > 0 && cancelled > 0);
	printf("%ld ran, %ld cancelled\n", runs, cancelled);
}

static void
stress_wq(unsigned flags, int max)
{
	int i;

	wq = alloc_workqueue("stress", flags, max);
	stress(mixer);
	for (i = 0; i < NITEM; i++)
		(void)flush_delayed_work(&items[i].s_dw);
	destroy_workqueue(wq);
	oracle();
}

TEST_TC(bound_queue, "the oracle, on a queue with a pool per CPU")
{

	test_env("WORKQUEUE_NCPU", "3");
	stress_wq(0, 0);
}

TEST_TC(unbound_queue, "on an unbound queue")
{

	stress_wq(WQ_UNBOUND, 4);
}

TEST_TC(ordered_queue, "on an ordered queue")
{

	stress_wq(WQ_UNBOUND | __WQ_ORDERED, 1);
}

TEST_TC(worker, "on a kthread_worker")
{
	int i;

	kw = kthread_create_worker(0, "stress");
	stress(kmixer);
	for (i = 0; i < NITEM; i++)
		items[i].s_cancelled +=
		    kthread_cancel_delayed_work_sync(&items[i].s_kd);
	kthread_destroy_worker(kw);
	oracle();
}

TEST_TC(create_destroy, "queues are created and destroyed with items in them")
{
	static struct item it[8];
	int i, j;

	for (i = 0; i < TEST_SCALE(200) + 4; i++) {
		wq = alloc_workqueue("cd", i % 2 ? WQ_UNBOUND : 0, i % 3);
		for (j = 0; j < 8; j++) {
			item_init(&it[j], item_func);
			queue_work(wq, WORK(&it[j]));
		}
		destroy_workqueue(wq);
		for (j = 0; j < 8; j++)
			TEST_EQ(1, it[j].i_runs);
	}
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, bound_queue);
	ATF_TP_ADD_TC(tp, unbound_queue);
	ATF_TP_ADD_TC(tp, ordered_queue);
	ATF_TP_ADD_TC(tp, worker);
	ATF_TP_ADD_TC(tp, create_destroy);
	return atf_no_error();
}
