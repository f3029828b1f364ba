/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Bare limits: the speed that the machine permits if a queue promises nothing.
 * They have no function like workqueue_wait(), no checks, no priorities, and
 * one queue each.
 *
 *	limit	a lock-free stack, taken by one exchange.  After a small batch
 *		the worker pauses for a microsecond, so that the next batch is
 *		worth the transfer of the cache line.  When the stack is empty
 *		the worker polls it for 50 us (never on its producer's CPU),
 *		then sleeps on a futex.  The stack's head encodes the sleep.
 *	futex	the same stack; sleeps at once, never pauses
 *	spin	the same stack; never sleeps
 *	xchg	a queue whose producers exchange its tail: the cheapest push,
 *		but a producer preempted within a push stops the worker
 *	thread	start and join of a thread, and memory of an idle thread
 */

#include <pthread.h>
#include <stdlib.h>

#include "bench.h"

#define	LIM_ASLEEP	((uintptr_t)1)
#define	LIM_SMALL	512		/* a batch too small to transfer */
#define	LIM_PAUSE	1000		/* ns */
#define	LIM_SPIN	50000		/* ns */

struct lim_item {
	uintptr_t	 i_next;
	struct source	*i_source;
};

struct lim_queue {
	/*
	 * 0: empty, worker awake.  LIM_ASLEEP: empty, worker asleep.
	 * Otherwise the newest item.
	 */
	uintptr_t	 q_head BENCH_ALIGNED;
	struct lim_item	*q_tail;	/* xchg: the newest */
	uint32_t	 q_wakes;	/* the futex */
	int		 q_exit BENCH_ALIGNED;
	unsigned	 q_pause;	/* ns after a small batch */
	unsigned	 q_spin;	/* ns before sleep; ~0: no limit */
	struct lim_item	 q_stub;
	pthread_t	 q_thread;
};

static void
lim_push(void *handle, void *item)
{
	struct lim_queue *q = handle;
	struct lim_item *it = item;
	uintptr_t old;

	old = __atomic_load_n(&q->q_head, __ATOMIC_RELAXED);
	do {
		it->i_next = old & ~LIM_ASLEEP;
	} while (!__atomic_compare_exchange_n(&q->q_head, &old, (uintptr_t)it,
	    1, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	if (BENCH_UNLIKELY(old == LIM_ASLEEP)) {
		__atomic_fetch_add(&q->q_wakes, 1, __ATOMIC_RELEASE);
		bench_futex_wake(&q->q_wakes, 1);
	}
}

/*
 * Poll the empty stack for a while, then sleep.  Return false if the worker
 * must end.
 */
static bool
lim_idle(struct lim_queue *q)
{
	uintptr_t empty = 0;
	uint32_t wakes;
	int64_t until;

	if (q->q_spin != 0) {
		until = q->q_spin == ~0u ? INT64_MAX : bench_now() + q->q_spin;
		do {
			if (q->q_pause != 0)
				bench_pause_ns(q->q_pause / 8);
			else
				bench_pause();
			if (__atomic_load_n(&q->q_head, __ATOMIC_RELAXED) != 0)
				return true;
			if (__atomic_load_n(&q->q_exit, __ATOMIC_RELAXED))
				return false;
		} while (until == INT64_MAX || bench_now() < until);
	}
	wakes = __atomic_load_n(&q->q_wakes, __ATOMIC_ACQUIRE);
	if (!__atomic_compare_exchange_n(&q->q_head, &empty, LIM_ASLEEP, 0,
	    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return true;
	while (__atomic_load_n(&q->q_head, __ATOMIC_RELAXED) == LIM_ASLEEP) {
		if (__atomic_load_n(&q->q_exit, __ATOMIC_RELAXED))
			return false;
		bench_futex_wait(&q->q_wakes, wakes);
	}
	return true;
}

static void *
lim_worker(void *arg)
{
	struct lim_queue *q = arg;
	struct lim_item *it, *next, *list;
	uintptr_t word;
	unsigned n;

	for (;;) {
		if (__atomic_load_n(&q->q_head, __ATOMIC_RELAXED) == 0) {
			if (!lim_idle(q))
				break;
			continue;
		}
		word = __atomic_exchange_n(&q->q_head, 0, __ATOMIC_ACQUIRE);
		list = NULL;
		n = 0;
		for (it = (struct lim_item *)word; it != NULL; it = next) {
			next = (struct lim_item *)it->i_next;
			it->i_next = (uintptr_t)list;
			list = it;
			n++;
		}
		for (it = list; it != NULL; it = next) {
			next = (struct lim_item *)it->i_next;
			bench_ran(it->i_source, it);
		}
		if (n < LIM_SMALL && q->q_pause != 0)
			bench_pause_ns(q->q_pause);
	}
	return NULL;
}

static struct lim_queue *
lim_make(unsigned pausens, unsigned spin, void *(*worker)(void *))
{
	struct lim_queue *q;

	if ((q = aligned_alloc(BENCH_LINE, sizeof(*q))) == NULL)
		return NULL;
	*q = (struct lim_queue){ .q_pause = pausens, .q_spin = spin };
	q->q_tail = &q->q_stub;
	if (pthread_create(&q->q_thread, NULL, worker, q) != 0) {
		free(q);
		return NULL;
	}
	return q;
}

static void *
lim_open(const struct conf *c, unsigned n)
{

	(void)n;
	if (c->c_place == PLACE_SAME || c->c_place == PLACE_OWN ||
	    c->c_nqueues > 1 || bench_ncpu() == 1)
		return lim_make(0, 0, lim_worker);
	return lim_make(LIM_PAUSE, LIM_SPIN, lim_worker);
}

static void *
lim_openfutex(const struct conf *c, unsigned n)
{

	(void)c;
	(void)n;
	return lim_make(0, 0, lim_worker);
}

static void *
lim_openspin(const struct conf *c, unsigned n)
{

	(void)n;
	(void)c;
	return lim_make(0, ~0u, lim_worker);
}

static void
lim_close(void *v)
{
	struct lim_queue *q = v;

	__atomic_store_n(&q->q_exit, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&q->q_wakes, 1, __ATOMIC_SEQ_CST);
	bench_futex_wake(&q->q_wakes, 1);
	pthread_join(q->q_thread, NULL);
	free(q);
}

static void
lim_prep(void *item, struct source *s)
{
	struct lim_item *it = item;

	it->i_source = s;
}

/*
 * The exchange needs no loop, but the chain is broken between the exchange and
 * the store after it.
 */
static void
xchg_push(void *handle, void *item)
{
	struct lim_queue *q = handle;
	struct lim_item *it = item, *prev;

	it->i_next = 0;
	prev = __atomic_exchange_n(&q->q_tail, it, __ATOMIC_ACQ_REL);
	__atomic_store_n(&prev->i_next, (uintptr_t)it, __ATOMIC_RELEASE);
}

/*
 * Never sleep, but yield while the queue is empty.  The last item stays as the
 * stub: it has run, and its link is still read.
 */
static void *
xchg_worker(void *arg)
{
	struct lim_queue *q = arg;
	struct lim_item *it, *next;

	it = &q->q_stub;
	for (;;) {
		next = (struct lim_item *)__atomic_load_n(&it->i_next,
		    __ATOMIC_ACQUIRE);
		if (next == NULL) {
			if (__atomic_load_n(&q->q_exit, __ATOMIC_RELAXED))
				break;
			bench_pause_ns(LIM_PAUSE);
			continue;
		}
		it = next;
		bench_ran(it->i_source, it);
	}
	return NULL;
}

static void *
xchg_open(const struct conf *c, unsigned n)
{

	(void)c;
	(void)n;
	return lim_make(0, 0, xchg_worker);
}

static void *
thread_worker(void *arg)
{
	struct lim_queue *q = arg;

	while (!__atomic_load_n(&q->q_exit, __ATOMIC_ACQUIRE))
		bench_futex_wait(&q->q_wakes, 0);
	return NULL;
}

static void *
thread_nothing(void *arg)
{

	return arg;
}

static void *
thread_open(const struct conf *c, unsigned n)
{

	(void)n;
	return lim_make(0, 0,
	    c->c_nqueues > 1 ? thread_worker : thread_nothing);
}

const struct peer peer_limit = {
	.p_name = "limit",
	.p_mode = "lock-free stack, taken whole, worker pauses and spins",
	.p_flags = PF_LIMIT | PF_SIGSAFE,
	.p_does = DO_STREAM | DO_ENQ | DO_TRIP,
	.p_itemsize = sizeof(struct lim_item),
	.p_open = lim_open,
	.p_close = lim_close,
	.p_prep = lim_prep,
	.p_submit = lim_push,
};

const struct peer peer_futex = {
	.p_name = "futex",
	.p_mode = "lock-free stack, taken whole, worker sleeps at once",
	.p_flags = PF_LIMIT | PF_SIGSAFE,
	.p_does = DO_STREAM | DO_TRIP | DO_MANY,
	.p_itemsize = sizeof(struct lim_item),
	.p_open = lim_openfutex,
	.p_close = lim_close,
	.p_prep = lim_prep,
	.p_submit = lim_push,
};

const struct peer peer_spin = {
	.p_name = "spin",
	.p_mode = "lock-free stack, worker never sleeps",
	.p_flags = PF_LIMIT | PF_SIGSAFE | PF_SPINS,
	.p_does = DO_TRIP,
	.p_itemsize = sizeof(struct lim_item),
	.p_open = lim_openspin,
	.p_close = lim_close,
	.p_prep = lim_prep,
	.p_submit = lim_push,
};

const struct peer peer_xchg = {
	.p_name = "xchg",
	.p_mode = "queue whose tail is exchanged; its worker can be blocked",
	.p_flags = PF_LIMIT,
	.p_does = DO_ENQ,
	.p_itemsize = sizeof(struct lim_item),
	.p_open = xchg_open,
	.p_close = lim_close,
	.p_prep = lim_prep,
	.p_submit = xchg_push,
};

const struct peer peer_thread = {
	.p_name = "thread",
	.p_mode = "pthread_create and pthread_join alone",
	.p_flags = PF_LIMIT,
	.p_does = DO_LIFE | DO_RSS,
	.p_itemsize = sizeof(struct lim_item),
	.p_open = thread_open,
	.p_close = lim_close,
	.p_prep = lim_prep,
};
