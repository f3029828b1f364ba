/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The workloads.  Each run has its own process, which ends with the run.
 */

#include <sys/mman.h>

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define	HUGEPAGE	((size_t)2 << 20)
#define	M		1000000

struct producer {
	struct source	*p_source;
	void		*p_queue;
	int		 p_cpu;		/* or -1 */
	int		 p_wcpu;	/* its worker's CPU, or -1 */
	uint64_t	 p_warm;
	uint64_t	 p_items;
	int64_t		 p_start;
	pthread_barrier_t *p_barrier;
	pthread_t	 p_thread;
};

/*
 * Data that the client shares with the hooks, which block the worker or answer
 * the client.
 */
struct gate {
	uint32_t	 g_blocked;	/* futex */
	uint32_t	 g_release;	/* futex */
	int64_t		 g_stamp;	/* when the worker continued */
	uint32_t	 g_reply BENCH_ALIGNED;	/* futex */
	bool		 g_wake;	/* the client sleeps on g_reply */
	int		 g_cpu;		/* for hook_pin, or -1 */
	bool		 g_hasclock;
	clockid_t	 g_clock;	/* the worker's CPU time */
};

/*
 * Hooks.
 */
static void
hook_none(struct source *s, void *item)
{

	(void)s;
	(void)item;
}

static void
hook_stamp(struct source *s, void *item)
{

	(void)item;
	__atomic_store_n(&s->s_stamp, bench_now(), __ATOMIC_RELEASE);
}

static void
hook_pin(struct source *s, void *item)
{
	struct gate *g = s->s_arg;

	(void)item;
	if (g->g_cpu >= 0)
		bench_pin(g->g_cpu);
	g->g_hasclock = pthread_getcpuclockid(pthread_self(),
	    &g->g_clock) == 0;
}

static void
hook_block(struct source *s, void *item)
{
	struct gate *g = s->s_arg;

	(void)item;
	__atomic_store_n(&g->g_blocked, 1, __ATOMIC_RELEASE);
	bench_futex_wake(&g->g_blocked, 1);
	while (!__atomic_load_n(&g->g_release, __ATOMIC_ACQUIRE))
		bench_futex_wait(&g->g_release, 0);
	g->g_stamp = bench_now();
}

static void
hook_reply(struct source *s, void *item)
{
	struct gate *g = s->s_arg;

	(void)item;
	s->s_trigger = s->s_done + 1;
	__atomic_store_n(&g->g_reply, (uint32_t)s->s_done, __ATOMIC_RELEASE);
	if (g->g_wake)
		bench_futex_wake(&g->g_reply, 1);
}

/*
 * Sources, and how they send.
 */
static struct source *sources;		/* all of this process */

/*
 * Report the progress of a run that does not end.  A signal handler calls this
 * at any moment, and prints the numbers that it sees.
 */
void
workload_stuck(int seconds)
{
	const struct source *s;
	uint64_t ran = 0, sent = 0;

	for (s = sources; s != NULL; s = s->s_link) {
		ran += __atomic_load_n(&s->s_done, __ATOMIC_RELAXED);
		sent += __atomic_load_n(&s->s_sent, __ATOMIC_RELAXED);
	}
	bench_fail("no end within %d s: %ju items sent, %ju run", seconds,
	    (uintmax_t)sent, (uintmax_t)ran);
}

static struct source *
source_make(const struct workload *w, const struct peer *p, uint64_t ring)
{
	struct source *s;
	size_t len, stride;
	char *it;

	stride = w->w_apart64 ?
	    (p->p_itemsize + BENCH_LINE - 1) / BENCH_LINE * BENCH_LINE :
	    p->p_itemsize;
	if ((s = aligned_alloc(BENCH_LINE, sizeof(*s))) == NULL)
		bench_fail("no memory");
	memset(s, 0, sizeof(*s));
	/* Use huge pages if possible: results must not depend on luck. */
	len = ring * stride;
	if (len >= HUGEPAGE) {
		len = (len + HUGEPAGE - 1) / HUGEPAGE * HUGEPAGE;
		s->s_base = aligned_alloc(HUGEPAGE, len);
		if (s->s_base != NULL)
			(void)madvise(s->s_base, len, MADV_HUGEPAGE);
	} else {
		s->s_base = aligned_alloc(BENCH_LINE,
		    (len + BENCH_LINE - 1) / BENCH_LINE * BENCH_LINE);
	}
	if (s->s_base == NULL)
		bench_fail("no memory for %ju items", (uintmax_t)ring);
	memset(s->s_base, 0, ring * stride);
	s->s_end = s->s_base + ring * stride;
	s->s_stride = stride;
	s->s_ring = ring;
	s->s_next = s->s_expect = s->s_base;
	s->s_hook = hook_none;
	s->s_peer = p;
	s->s_link = sources;
	sources = s;
	s->s_submit = w->w_conf.c_place == PLACE_OWN &&
	    p->p_submitown != NULL ? p->p_submitown : p->p_submit;
	for (it = s->s_base; it != s->s_end; it += stride)
		p->p_prep(it, s);
	return s;
}

/*
 * Wait until some items of the ring are free again.
 */
static void
source_credit(struct source *s)
{
	const struct peer *p = s->s_peer;
	uint64_t want;
	unsigned n;

	want = s->s_ring / 4 + 1;
	/*
	 * Without an order, the next item is known to be free only when all are
	 * back.
	 */
	if (s->s_any && (p->p_flags & PF_REAP))
		want = s->s_ring;
	for (n = 0;; n++) {
		if (p->p_flags & PF_REAP) {
			s->s_seen = s->s_back;
		} else {
			s->s_seen = __atomic_load_n(&s->s_done,
			    __ATOMIC_ACQUIRE);
		}
		if (s->s_sent - s->s_seen + want <= s->s_ring)
			break;
		if (p->p_flags & PF_REAP)
			p->p_reap(s->s_handle);
		else if (n < 50)
			bench_pause_ns(1000);
		else
			sched_yield();
	}
}

static void
source_send(struct source *s, uint64_t n)
{
	void (*submit)(void *, void *) = s->s_submit;
	void *handle = s->s_handle;
	size_t stride = s->s_stride;
	uint64_t chunk, left;
	char *it, *stop;

	while (n > 0) {
		chunk = s->s_ring - (s->s_sent - s->s_seen);
		if (chunk == 0) {
			source_credit(s);
			continue;
		}
		if (chunk > n)
			chunk = n;
		left = (uint64_t)(s->s_end - s->s_next) / stride;
		if (chunk > left)
			chunk = left;
		it = s->s_next;
		stop = it + chunk * stride;
		do {
			submit(handle, it);
			it += stride;
		} while (it != stop);
		s->s_next = it == s->s_end ? s->s_base : it;
		s->s_sent += chunk;
		n -= chunk;
	}
}

/*
 * Wait until all items that were sent have run, and have come back with
 * PF_REAP.
 */
static void
source_drain(struct source *s)
{
	const struct timespec ts = { 0, 50000 };
	const struct peer *p = s->s_peer;

	while (__atomic_load_n(&s->s_done, __ATOMIC_ACQUIRE) < s->s_sent) {
		if (p->p_flags & PF_REAP)
			p->p_reap(s->s_handle);
		else
			nanosleep(&ts, NULL);
	}
	while ((p->p_flags & PF_REAP) && s->s_back < s->s_sent)
		p->p_reap(s->s_handle);
	s->s_seen = s->s_sent;
}

/*
 * Send items, of which the last calls a hook.  Set the trigger before sending
 * that item.
 */
static void
source_sendlast(struct source *s, uint64_t n,
    void (*hook)(struct source *, void *))
{

	source_send(s, n - 1);
	s->s_hook = hook;
	__atomic_store_n(&s->s_trigger, s->s_sent + 1, __ATOMIC_RELAXED);
	source_send(s, 1);
}

/*
 * Return the time at which hook_stamp() was called.  The hook may not have
 * returned yet.
 */
static int64_t
source_stamp(struct source *s)
{
	const struct timespec ts = { 0, 50000 };
	int64_t t;

	while ((t = __atomic_load_n(&s->s_stamp, __ATOMIC_ACQUIRE)) == 0)
		nanosleep(&ts, NULL);
	return t;
}

/*
 * Send n items, but stop after a time limit.  Stamp the last item, and return
 * the number of items sent.
 */
static uint64_t
source_stream(struct source *s, uint64_t n, int64_t max)
{
	uint64_t chunk, sent;
	int64_t end;

	end = bench_now() + max;
	chunk = n / 50 + 1;
	for (sent = 0; sent + 1 < n && bench_now() < end; sent += chunk) {
		if (chunk > n - 1 - sent)
			chunk = n - 1 - sent;
		source_send(s, chunk);
	}
	source_sendlast(s, 1, hook_stamp);
	return sent + 1;
}

static void
source_enter(struct source *s, void *queue)
{

	s->s_handle = s->s_peer->p_enter != NULL ?
	    s->s_peer->p_enter(queue) : queue;
	if (s->s_handle == NULL)
		bench_fail("cannot enter the queue");
}

static void
source_leave(struct source *s)
{

	if (s->s_peer->p_leave != NULL)
		s->s_peer->p_leave(s->s_handle);
}

/*
 * Check the counts.  Call this after closing the queues, when no worker is left
 * that could run an item twice.
 */
static void
source_check(const struct source *s)
{
	uint64_t n, sum;

	if (s->s_done != s->s_sent)
		bench_fail("%ju items sent, %ju run", (uintmax_t)s->s_sent,
		    (uintmax_t)s->s_done);
	if (s->s_any) {
		n = s->s_ring;
		sum = s->s_sent / n * (n * (n - 1) / 2);
		n = s->s_sent % n;
		sum += n > 0 ? n * (n - 1) / 2 : 0;
		if (s->s_sum != sum * s->s_stride)
			bench_fail("items lost or run twice");
	}
	if (s->s_wrong != 0)
		bench_fail("%u items out of order", s->s_wrong);
}

static void
queues_open(const struct workload *w, const struct peer *p, void **queues)
{
	unsigned i;

	if (p->p_init != NULL)
		p->p_init(&w->w_conf);
	for (i = 0; i < w->w_conf.c_nqueues; i++) {
		if ((queues[i] = p->p_open(&w->w_conf, i)) == NULL)
			bench_fail("cannot make queue %u", i);
	}
}

static void
queues_close(const struct workload *w, const struct peer *p, void **queues)
{
	unsigned i;

	for (i = 0; i < w->w_conf.c_nqueues; i++)
		p->p_close(queues[i]);
}

/* Return the CPU of producer i, and of its worker. */
static int
place_producer(const struct conf *c, unsigned i)
{

	switch (c->c_place) {
	case PLACE_SAME:
	case PLACE_APART:
		return 0;
	case PLACE_OWN:
		return (int)i;
	default:
		return -1;
	}
}

static int
place_worker(const struct conf *c, unsigned i)
{

	switch (c->c_place) {
	case PLACE_SAME:
		return 0;
	case PLACE_APART:
		return 1;
	case PLACE_OWN:
		return (int)i;
	default:
		return -1;
	}
}

/*
 * Send the first item of a source, to bind its worker.  This also starts a
 * worker that starts at its first item.
 */
static void
source_first(struct source *s, struct gate *g, int wcpu, const struct conf *c)
{

	if ((s->s_peer->p_flags & PF_ONEPOOL) && c->c_nworkers > 1)
		wcpu = -1;
	if ((s->s_peer->p_flags & PF_PINNED) && c->c_place == PLACE_OWN)
		wcpu = -1;
	g->g_cpu = wcpu;
	s->s_arg = g;
	source_sendlast(s, 1, hook_pin);
	source_drain(s);
}

/*
 * W1, W2, W7: producers send at full speed until all items have run.
 */
struct streamer {
	struct producer	 st_p;
	const struct workload *st_w;
	int64_t		 st_max;
	struct gate	 st_gate;
};

static void *
stream_producer(void *arg)
{
	struct streamer *st = arg;
	struct producer *p = &st->st_p;
	struct source *s = p->p_source;

	if (p->p_cpu >= 0)
		bench_pin(p->p_cpu);
	source_enter(s, p->p_queue);
	source_first(s, &st->st_gate, p->p_wcpu, &st->st_w->w_conf);
	source_send(s, p->p_warm);
	source_drain(s);

	pthread_barrier_wait(p->p_barrier);
	p->p_start = bench_now();
	p->p_items = source_stream(s, p->p_items, st->st_max);
	source_drain(s);
	pthread_barrier_wait(p->p_barrier);
	source_leave(s);
	return NULL;
}

static void
run_stream(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{
	const struct conf *c = &w->w_conf;
	struct streamer st[8];
	void *queues[8];
	pthread_barrier_t barrier;
	uint64_t items, ring, total;
	int64_t start, end, t;
	unsigned i;

	(void)h;
	items = w->w_items / sc->sc_div / c->c_nproducers;
	ring = w->w_ring / c->c_nproducers;
	if (ring > items)
		ring = items;
	queues_open(w, p, queues);
	pthread_barrier_init(&barrier, NULL, c->c_nproducers);
	for (i = 0; i < c->c_nproducers; i++) {
		st[i].st_w = w;
		st[i].st_max = sc->sc_max;
		st[i].st_p.p_source = source_make(w, p, ring);
		st[i].st_p.p_queue = queues[i % c->c_nqueues];
		st[i].st_p.p_cpu = place_producer(c, i);
		st[i].st_p.p_wcpu = place_worker(c, i);
		st[i].st_p.p_warm = items / 20;
		st[i].st_p.p_items = items;
		st[i].st_p.p_barrier = &barrier;
	}
	for (i = 0; i < c->c_nproducers; i++) {
		if (pthread_create(&st[i].st_p.p_thread, NULL,
		    stream_producer, &st[i]) != 0)
			bench_fail("no thread");
	}
	start = INT64_MAX;
	end = 0;
	total = 0;
	for (i = 0; i < c->c_nproducers; i++) {
		pthread_join(st[i].st_p.p_thread, NULL);
		if (st[i].st_p.p_start < start)
			start = st[i].st_p.p_start;
		if ((t = source_stamp(st[i].st_p.p_source)) > end)
			end = t;
		total += st[i].st_p.p_items;
	}
	queues_close(w, p, queues);
	for (i = 0; i < c->c_nproducers; i++)
		source_check(st[i].st_p.p_source);
	r->r_value = (double)(end - start) / (double)total;
}

/*
 * W4 and pending items: enqueue while the worker is blocked in a callback, and
 * then let the worker run all items.
 */
static void
blocked(struct source *s, struct gate *g)
{

	g->g_blocked = g->g_release = 0;
	source_sendlast(s, 1, hook_block);
	while (!__atomic_load_n(&g->g_blocked, __ATOMIC_ACQUIRE))
		bench_futex_wait(&g->g_blocked, 0);
}

static void
run_blocked(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{
	struct source *s;
	struct gate gate = { .g_blocked = 0 };
	void *queue;
	uint64_t items, n, reps;
	int64_t end, t0, t1;
	double enq, run;
	size_t rss0, rss1;

	(void)h;
	items = w->w_items < M ? w->w_items : w->w_items / sc->sc_div;
	if (w->w_curve != NULL)
		items = w->w_items;
	reps = items < 100000 ? 100000 / items : 1;
	queues_open(w, p, &queue);
	s = source_make(w, p, items + 1);
	if (place_producer(&w->w_conf, 0) >= 0)
		bench_pin(place_producer(&w->w_conf, 0));
	source_enter(s, queue);
	source_first(s, &gate, place_worker(&w->w_conf, 0), &w->w_conf);
	source_send(s, items / 20);
	source_drain(s);

	enq = run = 0;
	rss0 = rss1 = 0;
	end = bench_now() + sc->sc_max;
	for (n = 0; n < reps && (n == 0 || bench_now() < end); n++) {
		blocked(s, &gate);
		if (n == 0 && w->w_curve != NULL)
			rss0 = bench_rss();
		t0 = bench_now();
		source_send(s, items);
		t1 = bench_now();
		if (n == 0 && w->w_curve != NULL)
			rss1 = bench_rss();
		enq += (double)(t1 - t0);
		/*
		 * The worker is in hook_block, and reads these values
		 * afterwards.
		 */
		s->s_hook = hook_stamp;
		s->s_trigger = s->s_sent;
		s->s_stamp = 0;
		__atomic_store_n(&gate.g_release, 1, __ATOMIC_RELEASE);
		bench_futex_wake(&gate.g_release, 1);
		source_drain(s);
		run += (double)(source_stamp(s) - gate.g_stamp);
	}
	reps = n;
	source_leave(s);
	queues_close(w, p, &queue);
	source_check(s);
	if (w->w_curve != NULL) {
		r->r_value = (enq + run) / (double)(items * reps);
		r->r_bytes = rss1 < rss0 ? 0 :
		    (double)(rss1 - rss0) / (double)items;
	} else {
		r->r_value = enq / (double)(items * reps);
	}
}

/*
 * W3: round trips of one item.  The client spins until the answer comes, or
 * sleeps on a futex until the callback wakes it.
 */
static int
cmp_i64(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t
gate_cputime(const struct gate *g)
{
	struct timespec ts = { 0, 0 };

	if (g->g_hasclock)
		(void)clock_gettime(g->g_clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
run_trip(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{
	struct source *s;
	struct gate *g;
	struct timespec ts;
	void *queue;
	uint64_t i, n, warm, seed;
	int64_t *samples, cpu, end, gap, t0, t1, wall;

	n = w->w_items / sc->sc_div;
	warm = n / 10;
	if ((g = aligned_alloc(BENCH_LINE, sizeof(*g))) == NULL ||
	    (samples = calloc(n, sizeof(*samples))) == NULL)
		bench_fail("no memory");
	memset(g, 0, sizeof(*g));
	queues_open(w, p, &queue);
	s = source_make(w, p, 1024);
	if (place_producer(&w->w_conf, 0) >= 0)
		bench_pin(place_producer(&w->w_conf, 0));
	source_enter(s, queue);
	source_first(s, g, place_worker(&w->w_conf, 0), &w->w_conf);

	g->g_wake = w->w_wake;
	s->s_hook = hook_reply;
	s->s_trigger = s->s_sent + 1;
	cpu = wall = 0;
	seed = 1;
	end = bench_now() + sc->sc_max / 10;
	for (i = 0; i < n + warm; i++) {
		if (i < warm && bench_now() > end)
			i = warm;
		if (i == warm)
			end = bench_now() + sc->sc_max;
		gap = (int64_t)(w->w_gap / 2 +
		    bench_random(&seed) % (w->w_gap + 1));
		if (w->w_gap == 0) {
			/* Send the next one at once. */
		} else if (w->w_gap >= 500000 || g->g_wake) {
			ts.tv_sec = gap / 1000000000;
			ts.tv_nsec = gap % 1000000000;
			nanosleep(&ts, NULL);
		} else {
			t1 = bench_now() + gap;
			while (bench_now() < t1)
				bench_pause();
		}
		t0 = bench_now();
		if (i == warm) {
			wall = t0;
			cpu = gate_cputime(g);
			t0 = bench_now();
		}
		source_send(s, 1);
		if (g->g_wake) {
			uint32_t v;

			while ((v = __atomic_load_n(&g->g_reply,
			    __ATOMIC_ACQUIRE)) != (uint32_t)s->s_sent)
				bench_futex_wait(&g->g_reply, v);
		} else {
			while (__atomic_load_n(&g->g_reply,
			    __ATOMIC_ACQUIRE) != (uint32_t)s->s_sent)
				bench_pause();
		}
		t1 = bench_now();
		if (i >= warm) {
			samples[i - warm] = t1 - t0;
			hist_add(h, t1 - t0);
		}
		while ((p->p_flags & PF_REAP) && s->s_back < s->s_sent)
			p->p_reap(s->s_handle);
		if (t1 > end && i >= warm)
			break;
	}
	n = i < n + warm ? i + 1 - warm : n;
	wall = bench_now() - wall;
	if (g->g_hasclock)
		r->r_cpu = 100.0 * (double)(gate_cputime(g) - cpu) /
		    (double)wall;
	source_drain(s);
	source_leave(s);
	queues_close(w, p, &queue);
	source_check(s);

	qsort(samples, n, sizeof(*samples), cmp_i64);
	r->r_hasq = 1;
	r->r_n = (unsigned)n;
	for (i = 0; i < NQUANTILE; i++)
		r->r_q[i] = (double)samples[(uint64_t)(quantiles[i] *
		    (double)(n - 1))];
	r->r_value = r->r_q[0];
}

/*
 * W5: create and destroy a queue.
 */
static void
run_life(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{
	uint64_t i, n;
	int64_t t;
	void *q;

	(void)h;
	n = w->w_items / sc->sc_div;
	if (p->p_init != NULL)
		p->p_init(&w->w_conf);
	t = 0;
	for (i = 0; i < n + n / 10; i++) {
		if (i == n / 10)
			t = bench_now();
		if ((q = p->p_open(&w->w_conf, 0)) == NULL)
			bench_fail("cannot make queue %ju", (uintmax_t)i);
		p->p_close(q);
		if (i > n / 10 && bench_now() - t > sc->sc_max)
			break;
	}
	n = i < n + n / 10 ? i + 1 - n / 10 : n;
	r->r_value = (double)(bench_now() - t) / (double)n / 1000;
}

/*
 * Many queues, each with a source of one item.  All items are sent, and then
 * answered.
 */
struct many {
	uint32_t	 m_ran;		/* futex: woken at m_target */
	uint32_t	 m_target;
};

static void
hook_many(struct source *s, void *item)
{
	struct many *m = s->s_arg;

	(void)item;
	s->s_trigger = s->s_done + 1;
	if (__atomic_add_fetch(&m->m_ran, 1, __ATOMIC_ACQ_REL) ==
	    __atomic_load_n(&m->m_target, __ATOMIC_RELAXED))
		bench_futex_wake(&m->m_ran, 1);
}

static void
many_sweep(struct many *m, struct source **s, unsigned n)
{
	uint32_t ran, target;
	unsigned i;

	target = m->m_target + n;
	__atomic_store_n(&m->m_target, target, __ATOMIC_RELAXED);
	for (i = 0; i < n; i++)
		source_send(s[i], 1);
	for (i = 0; i < n; i++) {
		while ((s[0]->s_peer->p_flags & PF_REAP) &&
		    s[i]->s_back < s[i]->s_sent)
			s[i]->s_peer->p_reap(s[i]->s_handle);
		s[i]->s_seen = s[i]->s_sent;
	}
	while ((ran = __atomic_load_n(&m->m_ran, __ATOMIC_ACQUIRE)) != target)
		bench_futex_wait(&m->m_ran, ran);
}

static struct source **
many_make(const struct workload *w, const struct peer *p, struct many *m,
    void **queues)
{
	struct source **s;
	unsigned i, n;

	n = w->w_conf.c_nqueues;
	if ((s = calloc(n, sizeof(*s))) == NULL)
		bench_fail("no memory");
	for (i = 0; i < n; i++) {
		s[i] = source_make(w, p, 1);
		s[i]->s_arg = m;
		s[i]->s_hook = hook_many;
		s[i]->s_trigger = 1;
		if (queues != NULL)
			source_enter(s[i], queues[i]);
	}
	return s;
}

static void
run_many(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{
	struct many m = { 0, 0 };
	struct source **s;
	void **queues;
	uint64_t sweeps;
	int64_t t;
	uint64_t i;
	unsigned n;

	(void)h;
	n = w->w_conf.c_nqueues;
	sweeps = w->w_items / sc->sc_div / n;
	if (sweeps < 5)
		sweeps = 5;
	if ((queues = calloc(n, sizeof(*queues))) == NULL)
		bench_fail("no memory");
	queues_open(w, p, queues);
	s = many_make(w, p, &m, queues);
	for (i = 0; i < 3; i++)
		many_sweep(&m, s, n);
	t = bench_now();
	for (i = 0; i < sweeps;) {
		many_sweep(&m, s, n);
		i++;
		if (bench_now() - t > sc->sc_max)
			break;
	}
	t = bench_now() - t;
	sweeps = i;
	for (i = 0; i < n; i++)
		source_leave(s[i]);
	queues_close(w, p, queues);
	for (i = 0; i < n; i++)
		source_check(s[i]);
	r->r_value = (double)t / (double)(sweeps * n);
}

/*
 * W6: the resident memory of an idle queue that has run one item, and the CPU
 * use of all idle queues together.
 */
static void
run_rss(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{
	const struct timespec ts = { 0, 100000000 };
	struct many m = { 0, 0 };
	struct timespec c0, c1;
	struct source **s = NULL;
	int64_t t;
	void **queues;
	size_t rss0, rss1;
	unsigned i, n;

	(void)sc;
	(void)h;
	n = w->w_conf.c_nqueues;
	if ((queues = calloc(n, sizeof(*queues))) == NULL)
		bench_fail("no memory");
	memset(queues, 1, n * sizeof(*queues));
	if (p->p_submit != NULL)
		s = many_make(w, p, &m, NULL);
	rss0 = bench_rss();
	queues_open(w, p, queues);
	if (s != NULL) {
		for (i = 0; i < n; i++)
			source_enter(s[i], queues[i]);
		many_sweep(&m, s, n);
	}
	nanosleep(&ts, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c0);
	t = bench_now();
	nanosleep(&ts, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c1);
	t = bench_now() - t;
	r->r_cpu = 100.0 * ((double)(c1.tv_sec - c0.tv_sec) * 1e9 +
	    (double)(c1.tv_nsec - c0.tv_nsec)) / (double)t;
	rss1 = bench_rss();
	for (i = 0; s != NULL && i < n; i++)
		source_leave(s[i]);
	queues_close(w, p, queues);
	for (i = 0; s != NULL && i < n; i++)
		source_check(s[i]);
	if (rss1 < rss0)
		bench_fail("%zu bytes resident before, %zu after", rss0, rss1);
	r->r_value = (double)(rss1 - rss0) / 1024 / n;
}

/*
 * Many idle queues: the threads that the process has for them, the memory of
 * each, and the time to create and to destroy each.
 */
enum idle {
	IDLE_THREADS,
	IDLE_BYTES,
	IDLE_LIFE
};

static double
idle_measure(const struct workload *w, const struct peer *p, enum idle what)
{
	int64_t t;
	size_t rss;
	void *first, **queues;
	unsigned i, n;
	int threads;

	n = w->w_conf.c_nqueues;
	if ((queues = malloc(n * sizeof(*queues))) == NULL)
		bench_fail("no memory");
	memset(queues, 1, n * sizeof(*queues));
	if (p->p_init != NULL)
		p->p_init(&w->w_conf);
	threads = bench_nthreads();
	/* The first one may need more than the others. */
	if ((first = p->p_open(&w->w_conf, n)) == NULL)
		bench_fail("cannot make the first queue");
	rss = bench_rss();
	t = bench_now();
	for (i = 0; i < n; i++)
		if ((queues[i] = p->p_open(&w->w_conf, i)) == NULL)
			bench_fail("cannot make queue %u", i);
	t = bench_now() - t;
	rss = bench_rss() - rss;
	threads = bench_nthreads() - threads;
	t -= bench_now();
	queues_close(w, p, queues);
	t += bench_now();
	p->p_close(first);
	free(queues);
	return what == IDLE_THREADS ? threads :
	    what == IDLE_BYTES ? (double)rss / n : (double)t / n / 1000;
}

static void
run_idlethreads(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{

	(void)sc;
	(void)h;
	r->r_value = idle_measure(w, p, IDLE_THREADS);
}

static void
run_idlebytes(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{

	(void)sc;
	(void)h;
	r->r_value = idle_measure(w, p, IDLE_BYTES);
}

static void
run_idlelife(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{

	(void)sc;
	(void)h;
	r->r_value = idle_measure(w, p, IDLE_LIFE);
}

/*
 * Cold start: the round trip of the first item of a new queue.  "keep" is set
 * if the queues stay, and with them the threads that serve them.  So no thread
 * is free for the next queue.
 */
static void
cold_measure(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h, bool keep)
{
	struct gate gate = { .g_wake = true };
	struct source *s;
	struct timespec ts;
	uint64_t seed = 1;
	int64_t gap, *samples, t;
	uint32_t v;
	unsigned i, n, nopen, warm = 5;
	void **queues;

	n = (unsigned)(w->w_items / sc->sc_div) + warm;
	samples = calloc(n, sizeof(*samples));
	queues = calloc(n, sizeof(*queues));
	if (samples == NULL || queues == NULL)
		bench_fail("no memory");
	s = source_make(w, p, 1);
	s->s_arg = &gate;
	if (p->p_init != NULL)
		p->p_init(&w->w_conf);
	if (place_producer(&w->w_conf, 0) >= 0)
		bench_pin(place_producer(&w->w_conf, 0));
	for (i = nopen = 0; i < n; i++) {
		if ((queues[nopen] = p->p_open(&w->w_conf, i)) == NULL)
			bench_fail("cannot make queue %u", i);
		source_enter(s, queues[nopen]);
		/* The first items bind a thread that serves all queues. */
		gate.g_cpu = place_worker(&w->w_conf, 0);
		s->s_hook = i == 0 ? hook_pin : hook_reply;
		s->s_trigger = s->s_sent + 1;
		gap = (int64_t)(w->w_gap / 2 +
		    bench_random(&seed) % (w->w_gap + 1));
		ts.tv_sec = gap / 1000000000;
		ts.tv_nsec = gap % 1000000000;
		nanosleep(&ts, NULL);
		t = bench_now();
		source_send(s, 1);
		while (i != 0 && (v = __atomic_load_n(&gate.g_reply,
		    __ATOMIC_ACQUIRE)) != (uint32_t)s->s_sent)
			bench_futex_wait(&gate.g_reply, v);
		samples[i] = bench_now() - t;
		source_drain(s);
		source_leave(s);
		if (keep)
			nopen++;
		else
			p->p_close(queues[0]);
	}
	while (nopen != 0)
		p->p_close(queues[--nopen]);
	source_check(s);
	for (i = warm; i < n; i++)
		hist_add(h, samples[i]);
	qsort(samples + warm, n - warm, sizeof(*samples), cmp_i64);
	r->r_hasq = 1;
	r->r_n = n - warm;
	for (i = 0; i < NQUANTILE; i++)
		r->r_q[i] = (double)samples[warm +
		    (unsigned)(quantiles[i] * (n - warm - 1))];
	r->r_value = r->r_q[0];
}

static void
run_coldidle(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{

	cold_measure(w, p, sc, r, h, false);
}

static void
run_coldnone(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{

	cold_measure(w, p, sc, r, h, true);
}

/*
 * The system refuses every thread for a second: the time until one item of each
 * queue has run.
 */
static void
run_refused(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{
	struct many m = { 0, 0 };
	struct source **s;
	void **queues;
	int64_t t;
	unsigned i, n;

	(void)sc;
	(void)h;
	n = w->w_conf.c_nqueues;
	if ((queues = calloc(n, sizeof(*queues))) == NULL)
		bench_fail("no memory");
	queues_open(w, p, queues);
	s = many_make(w, p, &m, queues);
	t = bench_now();
	refuse_threads(1000000000);
	many_sweep(&m, s, n);
	r->r_value = (double)(bench_now() - t) / 1000000;
	if (refused_threads() == 0)
		bench_fail("no thread was refused");
	for (i = 0; i < n; i++)
		source_leave(s[i]);
	queues_close(w, p, queues);
	for (i = 0; i < n; i++)
		source_check(s[i]);
}

/*
 * Signal handlers: a thread signals itself, and its handler enqueues.
 */
#define	SIG_ITEMS	100
static struct source *sig_source;

static void
sig_handler(int signo)
{

	(void)signo;
	source_send(sig_source, SIG_ITEMS);
}

static void
run_signal(const struct workload *w, const struct peer *p,
    const struct scale *sc, struct result *r, struct hist *h)
{
	struct gate gate = { .g_blocked = 0 };
	struct sigaction sa;
	struct source *s;
	void *queue;
	uint64_t i, items;
	int64_t t0;

	(void)h;
	items = w->w_items / sc->sc_div;
	queues_open(w, p, &queue);
	s = sig_source = source_make(w, p, w->w_ring);
	source_enter(s, queue);
	source_first(s, &gate, -1, &w->w_conf);
	source_send(s, w->w_ring / 2);
	source_drain(s);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = sig_handler;
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGUSR1, &sa, NULL) != 0)
		bench_fail("no handler");
	t0 = bench_now();
	for (i = 0; i < items && bench_now() - t0 < sc->sc_max;
	    i += SIG_ITEMS) {
		if (s->s_sent - s->s_seen + SIG_ITEMS > s->s_ring)
			source_credit(s);
		pthread_kill(pthread_self(), SIGUSR1);
	}
	source_sendlast(s, 1, hook_stamp);
	r->r_value = (double)(source_stamp(s) - t0) / (double)(i + 1);
	source_drain(s);
	source_leave(s);
	queues_close(w, p, &queue);
	source_check(s);
}

/*
 * The list of workloads.
 */
#define	ONE	.c_nqueues = 1, .c_nproducers = 1, .c_nworkers = 1
#define	OURS	"workqueue,queue_work,kthread"
#define	STREAM	.w_unit = "ns/item", .w_need = DO_STREAM, .w_run = run_stream

const struct workload workloads[] = {
	{ "W1", "1 producer, 1 worker", STREAM, .w_ref = "limit",
	    .w_conf = { ONE }, .w_items = 10 * M, .w_ring = M },
	{ "W1/apart", "1 producer, 1 worker, on two CPUs", STREAM,
	    .w_ref = "limit", .w_conf = { .c_place = PLACE_APART, ONE },
	    .w_items = 10 * M, .w_ring = M },
	{ "W1/same", "1 producer, 1 worker, on one CPU", STREAM,
	    .w_ref = "limit,futex", .w_conf = { .c_place = PLACE_SAME, ONE },
	    .w_items = 10 * M, .w_ring = M },
	{ "W1/64", "1 producer, 1 worker, items 64 bytes apart", STREAM,
	    .w_ref = "limit", .w_conf = { ONE }, .w_items = 10 * M,
	    .w_ring = M, .w_apart64 = true },
	{ "W1/ring1000", "1 producer, 1 worker, a ring of 1,000 items",
	    STREAM, .w_ref = "limit", .w_conf = { ONE },
	    .w_items = 10 * M, .w_ring = 1000 },
	{ "W1/lock", "1 producer, 1 worker, under the kernel lock", STREAM,
	    .w_ref = "workqueue", .w_conf = { ONE }, .w_items = 10 * M,
	    .w_ring = M, .w_only = "workqueue,biglock" },
	{ "W2", "2 producers, 1 worker", STREAM, .w_ref = "limit",
	    .w_noflags = PF_ONEPROD,
	    .w_conf = { .c_nqueues = 1, .c_nproducers = 2, .c_nworkers = 1 },
	    .w_items = 10 * M, .w_ring = M },
	{ "W7", "2 producers, each to its own CPU's worker", STREAM,
	    .w_ref = "limit", .w_conf = { .c_place = PLACE_OWN,
	    .c_nqueues = 2, .c_nproducers = 2, .c_nworkers = 2 },
	    .w_items = 10 * M, .w_ring = M },
	{ "signal", "from a signal handler, 100 items a signal",
	    .w_unit = "ns/item", .w_need = DO_STREAM, .w_run = run_signal,
	    .w_ref = "limit", .w_flags = PF_SIGSAFE, .w_conf = { ONE },
	    .w_items = M, .w_ring = 100000 },

	{ "W3/steady", "round trip, another CPU, every 20 us",
	    .w_unit = "ns", .w_need = DO_TRIP, .w_run = run_trip,
	    .w_ref = "spin", .w_conf = { .c_place = PLACE_APART, ONE },
	    .w_items = 20000, .w_gap = 20000 },
	{ "W3/slow", "round trip, another CPU, every 5 ms",
	    .w_unit = "ns", .w_need = DO_TRIP, .w_run = run_trip,
	    .w_ref = "futex", .w_conf = { .c_place = PLACE_APART, ONE },
	    .w_noflags = PF_SPINS, .w_items = 200, .w_gap = 5000000 },
	{ "W3/same", "round trip, the same CPU, every 100 us",
	    .w_unit = "ns", .w_need = DO_TRIP, .w_run = run_trip,
	    .w_ref = "futex", .w_conf = { .c_place = PLACE_SAME, ONE },
	    .w_noflags = PF_SPINS, .w_items = 3000, .w_gap = 100000,
	    .w_wake = true },
	{ "W3/slowsame", "round trip, the same CPU, every 5 ms",
	    .w_unit = "ns", .w_need = DO_TRIP, .w_run = run_trip,
	    .w_ref = "futex", .w_conf = { .c_place = PLACE_SAME, ONE },
	    .w_noflags = PF_SPINS, .w_items = 100, .w_gap = 5000000,
	    .w_wake = true },
	{ "W3/turns", "round trip, in turns, nothing bound",
	    .w_unit = "ns", .w_need = DO_TRIP, .w_run = run_trip,
	    .w_ref = "futex", .w_conf = { ONE },
	    .w_noflags = PF_SPINS, .w_items = 100000, .w_wake = true },
	{ "W3/turnssame", "round trip, in turns, the same CPU",
	    .w_unit = "ns", .w_need = DO_TRIP, .w_run = run_trip,
	    .w_ref = "futex", .w_conf = { .c_place = PLACE_SAME, ONE },
	    .w_noflags = PF_SPINS, .w_items = 100000, .w_wake = true },

	{ "W4", "enqueue alone, worker busy", .w_unit = "ns/item",
	    .w_need = DO_ENQ, .w_run = run_blocked, .w_ref = "limit,xchg",
	    .w_conf = { .c_place = PLACE_APART, ONE }, .w_items = M },

	/* Items differ in size, so use only as many as the caches hold. */
	{ "linux/enqueue", "queue_work() alone, 1,000 at a time",
	    .w_unit = "ns/item", .w_need = DO_ENQ, .w_run = run_blocked,
	    .w_ref = "workqueue", .w_only = OURS,
	    .w_conf = { .c_place = PLACE_APART, ONE }, .w_items = 1000 },
	{ "linux/stream", "queue_work(), 1 producer, a ring of 10,000",
	    STREAM, .w_ref = "workqueue", .w_only = OURS, .w_conf = { ONE },
	    .w_items = 5 * M, .w_ring = 10000 },

	{ "W5", "create and destroy a queue", .w_unit = "us",
	    .w_need = DO_LIFE, .w_run = run_life, .w_ref = "thread",
	    .w_conf = { ONE }, .w_items = 1000 },
	{ "W6", "memory of an idle queue", .w_unit = "KB",
	    .w_need = DO_RSS, .w_run = run_rss, .w_ref = "thread",
	    .w_conf = { .c_nqueues = 200, .c_nproducers = 1,
	    .c_nworkers = 1 }, .w_items = 1 },

#define	IDLE	.w_only = "lent,queue_work,dispatch", .w_ref = "dispatch", \
		.w_conf = { .c_nqueues = 10000, .c_nproducers = 1,	\
		.c_nworkers = 1 }, .w_items = 1
	{ "idle/threads", "threads for 10,000 idle queues",
	    .w_unit = "threads", .w_run = run_idlethreads, IDLE },
	{ "idle/bytes", "memory of each of 10,000 idle queues",
	    .w_unit = "bytes", .w_run = run_idlebytes, IDLE },
	{ "idle/life", "create and destroy each of 10,000 queues",
	    .w_unit = "us", .w_run = run_idlelife, IDLE },

#define	COLD	.w_unit = "ns", .w_need = DO_TRIP,			\
		.w_ref = "workqueue", .w_gap = 5000000, .w_wake = true
	{ "cold/idle", "first item of a new queue, with an idle thread", COLD,
	    .w_run = run_coldidle, .w_only = "workqueue,lent,dispatch",
	    .w_conf = { .c_place = PLACE_SAME, ONE }, .w_items = 100 },
	{ "cold/none", "first item of a new queue, without an idle thread",
	    COLD, .w_run = run_coldnone, .w_only = "workqueue,lent",
	    .w_conf = { ONE }, .w_items = 100 },
	{ "refused", "1,000 queues, an item each, no thread for a second",
	    .w_unit = "ms", .w_run = run_refused, .w_ref = "lent",
	    .w_only = "lent,queue_work,dispatch",
	    .w_conf = { .c_nqueues = 1000, .c_nproducers = 1,
	    .c_nworkers = 1 }, .w_items = 1 },

#define	MANY(n, str)							\
	{ "queues/" #n, str " at once, an item in flight each",		\
	    .w_unit = "ns/item", .w_need = DO_MANY, .w_run = run_many,	\
	    .w_ref = "futex", .w_conf = { .c_nqueues = n,		\
	    .c_nproducers = 1, .c_nworkers = 1 }, .w_items = 20000,	\
	    .w_curve = "queues", .w_x = n }
	MANY(1, "1 queue"),
	MANY(10, "10 queues"),
	MANY(100, "100 queues"),
	MANY(1000, "1,000 queues"),

#define	PENDING(e, n, str)						\
	{ "pending/1e" #e, str " items pending, then run",		\
	    .w_unit = "ns/item", .w_need = DO_ENQ | DO_STREAM,		\
	    .w_run = run_blocked, .w_ref = "limit",			\
	    .w_conf = { .c_place = PLACE_APART, ONE }, .w_items = n,	\
	    .w_noflags = (n) > M ? PF_HEAVY : 0,			\
	    .w_every = (n) > M ? 3 : 1, .w_curve = "pending", .w_x = n }
	PENDING(2, 100, "100"),
	PENDING(3, 1000, "1,000"),
	PENDING(4, 10000, "10,000"),
	PENDING(5, 100000, "100,000"),
	PENDING(6, M, "1,000,000"),
	PENDING(7, 10 * M, "10,000,000"),
};

const size_t nworkloads = sizeof(workloads) / sizeof(workloads[0]);
