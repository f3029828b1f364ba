/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: the queue with several runners, which other interfaces are
 * built on.
 */

#include <limits.h>

#include "kern/subr_wqpool.h"

#include "../../tests.h"

#define	MS	INT64_C(1000000)
#define	MANY	20000
#define	LASTING	1000000		/* threads refused */

/*
 * A work with a function of its own, and the oracle: each enqueue is one run
 * or one cancellation.
 */
struct item {
	struct work	 i_work;
	void		(*i_func)(struct item *);
	void		*i_arg;
	atomic_int	 i_pending;	/* who sets it may enqueue */
	atomic_int	 i_enqueued, i_runs, i_cancelled;
	atomic_int	 i_running, i_overlaps;
};

static struct wqpool *pool;

static void
dispatch(struct work *wk, void *arg)
{
	struct item *i = (void *)wk;
	void (*func)(struct item *) = i->i_func;

	(void)arg;
	if (atomic_fetch_add(&i->i_running, 1) != 0)
		atomic_fetch_add(&i->i_overlaps, 1);
	atomic_store(&i->i_pending, 0);
	if (func != NULL)
		(*func)(i);
	atomic_fetch_sub(&i->i_running, 1);
	atomic_fetch_add(&i->i_runs, 1);
}

static struct wqpool *
create(int max, int flags, int64_t idletime)
{
	struct wqpool_attr pa = {
		.pa_name = "testpool", .pa_func = dispatch,
		.pa_prio = PRI_NONE, .pa_maxthreads = max,
		.pa_flags = flags, .pa_idletime = idletime
	};
	struct wqpool *p = NULL;

	TEST_EQ(0, wqpool_create(&p, &pa));
	return p;
}

static void
enqueue(struct item *i)
{

	atomic_fetch_add(&i->i_enqueued, 1);
	wqpool_enqueue(pool, &i->i_work);
}

static bool
try_enqueue(struct item *i)
{
	int not = 0;

	if (!atomic_compare_exchange_strong(&i->i_pending, &not, 1))
		return false;
	enqueue(i);
	return true;
}

static bool
cancel(struct item *i)
{

	if (!wqpool_cancel(pool, &i->i_work))
		return false;
	atomic_fetch_add(&i->i_cancelled, 1);
	atomic_store(&i->i_pending, 0);
	return true;
}

static void
balanced(struct item *i)
{

	TEST_EQ(i->i_enqueued, i->i_runs + i->i_cancelled);
}

static int
nthreads(struct wqpool *p)
{
	int n;

	mutex_enter(&p->p_lock);
	n = p->p_nthreads;
	mutex_exit(&p->p_lock);
	return n;
}

static bool
has_idle(struct wqpool *p)
{
	bool idle;

	mutex_enter(&p->p_lock);
	idle = p->p_idle != NULL;
	mutex_exit(&p->p_lock);
	return idle;
}

/* A function that stands until it is let go. */
struct gate {
	struct item	g_item;
	sem_t		g_entered, g_go;
};

static void
gate_func(struct item *i)
{
	struct gate *g = (void *)i;

	sem_post(&g->g_entered);
	test_sem_wait(&g->g_go);
}

static void
gate_init(struct gate *g)
{

	memset(g, 0, sizeof(*g));
	g->g_item.i_func = gate_func;
	sem_init(&g->g_entered, 0, 0);
	sem_init(&g->g_go, 0, 0);
}

static void
gate_close(struct gate *g)
{

	enqueue(&g->g_item);
	test_sem_wait(&g->g_entered);
}

/* A thread that does one thing, and tells when it parks and is back. */
static _Thread_local sem_t *at_park;
static _Thread_local sem_t *at_unpark, *at_unpark_go;
static atomic_int refuse;

static int
hook(enum host_point point, void *arg)
{
	sem_t *s;
	int n;

	(void)arg;
	switch (point) {
	case HOST_POINT_THREAD:
		n = atomic_load(&refuse);
		while (n > 0)
			if (atomic_compare_exchange_weak(&refuse, &n, n - 1))
				return EAGAIN;
		break;
	case HOST_POINT_PARK:
		if ((s = at_park) != NULL) {
			at_park = NULL;
			sem_post(s);
		}
		break;
	case HOST_POINT_UNPARK:
		if ((s = at_unpark) != NULL) {
			at_unpark = NULL;
			sem_post(s);
			test_sem_wait(at_unpark_go);
		}
		break;
	default:
		break;
	}
	return 0;
}

static void
hook_set(void)
{

	__atomic_store_n(&host_hook, hook, __ATOMIC_SEQ_CST);
}

struct actor {
	void		(*a_func)(struct actor *);
	struct item	*a_item;
	bool		 a_result;
	sem_t		 a_parks, a_back;
	pthread_t	 a_thread;
};

static void *
actor_main(void *arg)
{
	struct actor *a = arg;

	at_park = &a->a_parks;
	(*a->a_func)(a);
	at_park = NULL;
	sem_post(&a->a_back);
	return NULL;
}

static void
actor_start(struct actor *a, void (*func)(struct actor *), struct item *i)
{

	memset(a, 0, sizeof(*a));
	a->a_func = func;
	a->a_item = i;
	sem_init(&a->a_parks, 0, 0);
	sem_init(&a->a_back, 0, 0);
	a->a_thread = test_thread(actor_main, a);
}

static void
actor_end(struct actor *a)
{

	test_sem_wait(&a->a_back);
	test_join(a->a_thread);
}

static bool
actor_isback(struct actor *a)
{
	int n;

	sem_getvalue(&a->a_back, &n);
	return n != 0;
}

static void
act_wait(struct actor *a)
{

	a->a_result = wqpool_wait(pool, &a->a_item->i_work);
}

static void
act_flush(struct actor *a)
{

	(void)a;
	wqpool_flush(pool);
}

static void
act_drain(struct actor *a)
{

	(void)a;
	wqpool_drain(pool);
}

/*
 * Order.
 */
static atomic_int order_next;

static void
order_func(struct item *i)
{

	TEST_EQ((intptr_t)i->i_arg, atomic_fetch_add(&order_next, 1));
}

TEST_TC(order, "one thread runs the works in their order")
{
	static struct item items[3000];
	struct gate g;
	int i;

	pool = create(1, 0, 0);
	gate_init(&g);
	for (i = 0; i < 3000; i++) {
		items[i].i_func = order_func;
		items[i].i_arg = (void *)(intptr_t)i;
	}
	for (i = 0; i < 1000; i++)
		enqueue(&items[i]);
	gate_close(&g);
	for (; i < 2000; i++)
		enqueue(&items[i]);
	/* Who looks at the ordered list does not disturb it. */
	ATF_REQUIRE(!cancel(&g.g_item));
	for (; i < 3000; i++)
		enqueue(&items[i]);
	sem_post(&g.g_go);
	wqpool_flush(pool);
	TEST_EQ(3000, order_next);
	wqpool_destroy(pool);
}

/*
 * Bursts.
 */
static pthread_barrier_t barrier;

static void
barrier_func(struct item *i)
{

	(void)i;
	pthread_barrier_wait(&barrier);
}

static void
bursts(int flags, int n, int warm)
{
	struct item items[4];
	int i, j;

	pool = create(4, flags, warm ? 0 : MS / 10);
	pthread_barrier_init(&barrier, NULL, 4);
	memset(items, 0, sizeof(items));
	for (i = 0; i < 4; i++)
		items[i].i_func = barrier_func;
	for (j = 1; j <= n; j++) {
		if (j % 3 != 0)
			TEST_AWAIT(has_idle(pool));
		for (i = 0; i < 4; i++) {
			enqueue(&items[i]);
			if ((flags & WQPOOL_SPARE) == 0)
				TEST_EQ(0, wqpool_grow(pool));
		}
		/* They all return only if four threads were there. */
		wqpool_flush(pool);
		for (i = 0; i < 4; i++)
			TEST_EQ(j, items[i].i_runs);
		ATF_REQUIRE(nthreads(pool) <= 4);
	}
	wqpool_destroy(pool);
}

TEST_TC(burst_spare, "four works that wait for each other meet, with one idle "
    "thread to begin with, and a spare one always")
{

	bursts(WQPOOL_SPARE, TEST_SCALE(3000) + 20, 1);
}

TEST_TC(burst_grow, "the same where the enqueuer has the pool grow")
{

	bursts(0, TEST_SCALE(3000) + 20, 1);
}

TEST_TC(burst_cold, "the same with threads that end as soon as they are idle")
{

	bursts(WQPOOL_SPARE, TEST_SCALE(2000) + 20, 0);
	bursts(0, TEST_SCALE(2000) + 20, 0);
}

static int
flooded(int flags)
{
	struct item *items;
	int i, n;

	pool = create(INT_MAX, flags, 0);
	items = calloc(MANY, sizeof(*items));
	ATF_REQUIRE(items != NULL);
	for (i = 0; i < MANY; i++) {
		enqueue(&items[i]);
		if ((flags & WQPOOL_SPARE) == 0)
			TEST_EQ(0, wqpool_grow(pool));
	}
	/* No thread ends: the last look sees the most there were. */
	wqpool_drain(pool);
	n = nthreads(pool);
	for (i = 0; i < MANY; i++)
		TEST_EQ(1, items[i].i_runs);
	wqpool_destroy(pool);
	free(items);
	return n;
}

TEST_TC(flood, "many short works from one producer do not make many threads, "
    "though there may be as many as one likes")
{
	int n;

	n = flooded(WQPOOL_SPARE);
	ATF_REQUIRE_MSG(n < 100, "%d threads", n);
	n = flooded(0);
	ATF_REQUIRE_MSG(n < 100, "%d threads", n);
}

/*
 * Exclusive.
 */
static atomic_int again_left;

static void
again_func(struct item *i)
{

	sched_yield();
	if (atomic_fetch_sub(&again_left, 1) > 0)
		(void)try_enqueue(i);
	sched_yield();
}

static void *
enqueuer(void *arg)
{
	struct item *items = arg;
	int i;

	for (i = 0; i < TEST_SCALE(20000); i++)
		(void)try_enqueue(&items[i % 3]);
	return NULL;
}

TEST_TC(exclusive, "a work of an exclusive pool is on one thread at a time; "
    "enqueued while it runs it runs after that")
{
	struct item items[3];
	pthread_t t[3];
	int i;

	pool = create(6, WQPOOL_EXCLUSIVE | WQPOOL_SPARE, MS);
	memset(items, 0, sizeof(items));
	for (i = 0; i < 3; i++)
		items[i].i_func = again_func;
	atomic_store(&again_left, TEST_SCALE(20000));
	for (i = 0; i < 3; i++)
		t[i] = test_thread(enqueuer, items);
	for (i = 0; i < 3; i++)
		test_join(t[i]);
	wqpool_drain(pool);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE(items[i].i_runs > 0);
		balanced(&items[i]);
		TEST_EQ(0, items[i].i_overlaps);
	}
	wqpool_destroy(pool);
}

TEST_TC(not_exclusive, "a work of another pool may be on two threads, and wait "
    "is for both")
{
	struct actor a;
	struct gate g;

	hook_set();
	pool = create(2, WQPOOL_SPARE, 0);
	gate_init(&g);
	gate_close(&g);
	gate_close(&g);
	actor_start(&a, act_wait, &g.g_item);
	test_sem_wait(&a.a_parks);
	sem_post(&g.g_go);
	TEST_AWAIT(atomic_load(&g.g_item.i_runs) == 1);
	test_pause();
	ATF_REQUIRE(!actor_isback(&a));
	sem_post(&g.g_go);
	actor_end(&a);
	ATF_REQUIRE(a.a_result);
	TEST_EQ(1, g.g_item.i_overlaps);
	wqpool_destroy(pool);
}

/*
 * Cancel, wait, busy.
 */
static void
is_busy(struct item *i, bool pending, bool running)
{
	bool p, r;

	wqpool_busy(pool, &i->i_work, &p, &r);
	TEST_EQ(pending, p);
	TEST_EQ(running, r);
}

TEST_TC(cancel, "cancel takes a work off that is pending, and says if so")
{
	struct item i[4];
	struct actor a;
	struct gate g;
	int n;

	hook_set();
	pool = create(1, WQPOOL_EXCLUSIVE, 0);
	memset(i, 0, sizeof(i));
	gate_init(&g);
	ATF_REQUIRE(!cancel(&i[0]));
	gate_close(&g);
	is_busy(&g.g_item, false, true);
	is_busy(&i[0], false, false);
	for (n = 0; n < 4; n++)
		enqueue(&i[n]);
	is_busy(&i[3], true, false);
	/* The last, the first, one in the middle. */
	ATF_REQUIRE(cancel(&i[3]));
	is_busy(&i[3], false, false);
	ATF_REQUIRE(!cancel(&i[3]));
	ATF_REQUIRE(cancel(&i[0]));
	enqueue(&i[3]);
	ATF_REQUIRE(cancel(&i[2]));
	/* Who waits for what is cancelled is let go. */
	actor_start(&a, act_wait, &i[1]);
	test_sem_wait(&a.a_parks);
	ATF_REQUIRE(cancel(&i[1]));
	actor_end(&a);
	ATF_REQUIRE(a.a_result);
	/* Pending while it runs. */
	enqueue(&g.g_item);
	is_busy(&g.g_item, true, true);
	actor_start(&a, act_wait, &g.g_item);
	test_sem_wait(&a.a_parks);
	ATF_REQUIRE(cancel(&g.g_item));
	is_busy(&g.g_item, false, true);
	ATF_REQUIRE(!cancel(&g.g_item));
	ATF_REQUIRE(!actor_isback(&a));
	sem_post(&g.g_go);
	actor_end(&a);
	wqpool_drain(pool);
	for (n = 0; n < 4; n++) {
		balanced(&i[n]);
		TEST_EQ(n == 3 ? 1 : 0, i[n].i_runs);
	}
	wqpool_destroy(pool);
}

/*
 * Works that the only thread has taken all at once, while it is in the first:
 * they are found, cancelled and waited for as on the list.
 */
TEST_TC(batch, "works of a batch are cancelled, waited for, left in order")
{
	struct item i[6];
	struct gate g[3];
	struct actor a;
	int n;

	hook_set();
	pool = create(1, WQPOOL_EXCLUSIVE, 0);
	memset(i, 0, sizeof(i));
	for (n = 0; n < 3; n++)
		gate_init(&g[n]);
	/* Behind the first gate, so that the thread finds them together. */
	gate_close(&g[0]);
	enqueue(&g[1].g_item);
	for (n = 0; n < 4; n++)
		enqueue(&i[n]);
	enqueue(&g[2].g_item);
	enqueue(&i[4]);
	sem_post(&g[0].g_go);
	test_sem_wait(&g[1].g_entered);
	ATF_REQUIRE(pool->p_batcher != NULL);
	ATF_REQUIRE(!cancel(&g[1].g_item));
	ATF_REQUIRE(pool->p_batcher == NULL);
	is_busy(&g[1].g_item, false, true);
	is_busy(&i[0], true, false);
	ATF_REQUIRE(cancel(&i[1]));
	enqueue(&i[5]);
	actor_start(&a, act_wait, &i[3]);
	test_sem_wait(&a.a_parks);
	sem_post(&g[1].g_go);
	/* It ends though what is behind it cannot. */
	actor_end(&a);
	ATF_REQUIRE(a.a_result);
	TEST_EQ(1, i[3].i_runs);
	test_sem_wait(&g[2].g_entered);
	TEST_EQ(0, i[4].i_runs);
	sem_post(&g[2].g_go);
	wqpool_drain(pool);
	for (n = 0; n < 6; n++) {
		balanced(&i[n]);
		TEST_EQ(n == 1 ? 0 : 1, i[n].i_runs);
	}
	TEST_EQ(8, pool->p_ndone);
	wqpool_destroy(pool);
}

/*
 * Of these the first writes and the second tells that it runs, by an atomic
 * that orders nothing: that is left to the wait.
 */
static int seen_data;
static atomic_int seen_entered;

static void
seen_write(struct item *i)
{

	(void)i;
	seen_data++;
}

static void
seen_stand(struct item *i)
{

	atomic_store_explicit(&seen_entered, 1, memory_order_relaxed);
	test_sem_wait(i->i_arg);
}

TEST_TC(batch_seen, "who waits for a work of a batch that is done sees what "
    "it did, though the batch goes on")
{
	struct item i[3];
	struct gate g;
	sem_t go;

	pool = create(1, WQPOOL_EXCLUSIVE, 0);
	memset(i, 0, sizeof(i));
	gate_init(&g);
	sem_init(&go, 0, 0);
	i[0].i_func = seen_write;
	i[1].i_func = seen_stand;
	i[1].i_arg = &go;
	gate_close(&g);
	enqueue(&i[0]);
	enqueue(&i[1]);
	enqueue(&i[2]);
	sem_post(&g.g_go);
	while (atomic_load_explicit(&seen_entered, memory_order_relaxed) == 0)
		sched_yield();
	ATF_REQUIRE(!wqpool_wait(pool, &i[0].i_work));
	/* Plain: a thread sanitizer would complain. */
	TEST_EQ(1, seen_data);
	seen_data = 2;
	sem_post(&go);
	wqpool_destroy(pool);
	TEST_EQ(2, seen_data);
}

TEST_TC(cancel_all_in_flush, "a flush returns when what it waits for is "
    "cancelled, and a drain too")
{
	struct actor a, b;
	struct item i;

	hook_set();
	memset(&i, 0, sizeof(i));
	/* No thread: nobody but us takes it off. */
	pool = create(1, WQPOOL_NOSTART, 0);
	atomic_store(&refuse, LASTING);
	enqueue(&i);
	actor_start(&a, act_flush, NULL);
	actor_start(&b, act_drain, NULL);
	test_sem_wait(&a.a_parks);
	test_sem_wait(&b.a_parks);
	ATF_REQUIRE(cancel(&i));
	actor_end(&a);
	actor_end(&b);
	balanced(&i);
	wqpool_destroy(pool);
}

TEST_TC(wait, "wait is for the runs enqueued before, and not for later ones")
{
	struct actor a, b;
	struct gate g;
	struct item i;

	hook_set();
	pool = create(2, WQPOOL_EXCLUSIVE | WQPOOL_SPARE, 0);
	memset(&i, 0, sizeof(i));
	gate_init(&g);
	ATF_REQUIRE(!wqpool_wait(pool, &i.i_work));
	gate_close(&g);
	ATF_REQUIRE(!wqpool_wait(pool, &i.i_work));
	actor_start(&a, act_wait, &g.g_item);
	test_sem_wait(&a.a_parks);
	/* A run that is enqueued afterwards. */
	enqueue(&g.g_item);
	actor_start(&b, act_wait, &g.g_item);
	test_sem_wait(&b.a_parks);
	ATF_REQUIRE(!actor_isback(&a));
	sem_post(&g.g_go);
	actor_end(&a);
	ATF_REQUIRE(a.a_result);
	test_sem_wait(&g.g_entered);
	ATF_REQUIRE(!actor_isback(&b));
	sem_post(&g.g_go);
	actor_end(&b);
	ATF_REQUIRE(b.a_result);
	wqpool_destroy(pool);
}

/* From functions of the pool. */
static struct item other;
static atomic_int other_ok;

static void
self_func(struct item *i)
{
	struct work *wk;
	bool p, r;

	ATF_REQUIRE(wqpool_current(&wk) == pool && wk == &i->i_work);
	ATF_REQUIRE(!wqpool_wait(pool, &i->i_work));
	if (i->i_runs == 0) {
		enqueue(i);
		wqpool_busy(pool, &i->i_work, &p, &r);
		ATF_REQUIRE(p && r);
		/* It can run only after us. */
		ATF_REQUIRE(!wqpool_wait(pool, &i->i_work));
	}
	enqueue(&other);
	ATF_REQUIRE(wqpool_wait(pool, &other.i_work) ||
	    other.i_runs == i->i_runs + 1);
	TEST_EQ(i->i_runs + 1, other.i_runs);
	wqpool_flush(pool);
	atomic_fetch_add(&other_ok, 1);
}

TEST_TC(from_function, "a function may wait for another work, and flush; it "
    "does not wait for itself")
{
	struct item i;

	pool = create(3, WQPOOL_EXCLUSIVE, 0);
	memset(&i, 0, sizeof(i));
	i.i_func = self_func;
	enqueue(&i);
	wqpool_drain(pool);
	TEST_EQ(2, i.i_runs);
	TEST_EQ(2, other_ok);
	ATF_REQUIRE(wqpool_current(NULL) == NULL);
	wqpool_destroy(pool);
}

static void
flush_then_stand(struct item *i)
{
	struct gate *g = (void *)i;

	sem_post(&g->g_entered);
	wqpool_flush(pool);
	test_sem_wait(&g->g_go);
}

TEST_TC(flush_is_each_ones_own, "while a function flushes, others' flushes "
    "wait for that function")
{
	struct gate flushing, standing;
	struct actor a;

	hook_set();
	pool = create(3, WQPOOL_SPARE, 0);
	gate_init(&flushing);
	gate_init(&standing);
	flushing.g_item.i_func = flush_then_stand;
	gate_close(&standing);
	gate_close(&flushing);
	actor_start(&a, act_flush, NULL);
	test_sem_wait(&a.a_parks);
	sem_post(&standing.g_go);
	TEST_AWAIT(atomic_load(&standing.g_item.i_runs) == 1);
	test_pause();
	ATF_REQUIRE(!actor_isback(&a));
	sem_post(&flushing.g_go);
	actor_end(&a);
	wqpool_destroy(pool);
}

static void
chain_func(struct item *i)
{

	if (i->i_runs < 99)
		enqueue(i);
}

TEST_TC(drain, "any number of threads may drain, and all wait for what works "
    "enqueue")
{
	struct actor a[3];
	struct gate g;
	struct item i;
	uint64_t done;
	int n;

	hook_set();
	pool = create(2, 0, 0);
	memset(&i, 0, sizeof(i));
	i.i_func = chain_func;
	gate_init(&g);
	gate_close(&g);
	enqueue(&i);
	ATF_REQUIRE(!wqpool_quiet(pool, &done));
	for (n = 0; n < 3; n++) {
		actor_start(&a[n], act_drain, NULL);
		test_sem_wait(&a[n].a_parks);
	}
	sem_post(&g.g_go);
	for (n = 0; n < 3; n++)
		actor_end(&a[n]);
	TEST_EQ(100, i.i_runs);
	ATF_REQUIRE(wqpool_quiet(pool, &done));
	TEST_EQ(101, done);
	/* And so does destroy. */
	atomic_store(&i.i_runs, 0);
	enqueue(&i);
	wqpool_destroy(pool);
	TEST_EQ(100, i.i_runs);
}

TEST_TC(drain_running, "drain waits for what runs when nothing is pending")
{
	struct gate g[2];
	struct actor a;
	uint64_t done;
	int i;

	hook_set();
	pool = create(3, WQPOOL_SPARE, 0);
	for (i = 0; i < 2; i++) {
		gate_init(&g[i]);
		gate_close(&g[i]);
	}
	actor_start(&a, act_drain, NULL);
	test_sem_wait(&a.a_parks);
	sem_post(&g[0].g_go);
	TEST_AWAIT(atomic_load(&g[0].g_item.i_runs) == 1);
	test_pause();
	ATF_REQUIRE(!actor_isback(&a));
	ATF_REQUIRE(!wqpool_quiet(pool, &done));
	sem_post(&g[1].g_go);
	actor_end(&a);
	ATF_REQUIRE(wqpool_quiet(pool, &done));
	TEST_EQ(2, done);
	wqpool_destroy(pool);
}

/*
 * Threads.
 */
TEST_TC(refused, "while no thread can be started those that are run it all")
{
	static struct item items[100];
	struct wqpool_attr pa = {
		.pa_name = "none", .pa_func = dispatch, .pa_maxthreads = 1
	};
	struct wqpool *none = (void *)&pa;
	int flags, i, n = 0;

	hook_set();
	atomic_store(&refuse, 1);
	TEST_EQ(EAGAIN, wqpool_create(&none, &pa));
	ATF_REQUIRE(none == (void *)&pa);
	for (flags = 0; flags <= WQPOOL_SPARE; flags += WQPOOL_SPARE) {
		pool = create(8, flags, 0);
		TEST_AWAIT(has_idle(pool));
		atomic_store(&refuse, LASTING);
		for (i = 0; i < 100; i++) {
			enqueue(&items[i]);
			(void)wqpool_grow(pool);
		}
		wqpool_flush(pool);
		n++;
		for (i = 0; i < 100; i++)
			TEST_EQ(n, items[i].i_runs);
		TEST_EQ(1, nthreads(pool));
		wqpool_destroy(pool);
		atomic_store(&refuse, 0);
	}
}

TEST_TC(refused_spare, "a spare thread that was refused while all others are "
    "blocked is started later, for whoever waits")
{
	struct actor actor;
	struct gate g[2];
	struct item i;
	int k;

	hook_set();
	memset(&i, 0, sizeof(i));
	/* Refused before somebody waits. */
	pool = create(4, WQPOOL_SPARE, 0);
	TEST_AWAIT(has_idle(pool));
	gate_init(&g[0]);
	gate_init(&g[1]);
	atomic_store(&refuse, LASTING);
	gate_close(&g[0]);
	enqueue(&i);
	actor_start(&actor, act_wait, &i);
	test_sem_wait(&actor.a_parks);
	atomic_store(&refuse, 3);
	actor_end(&actor);
	ATF_REQUIRE(actor.a_result);
	TEST_EQ(1, i.i_runs);
	TEST_EQ(0, refuse);
	/* Refused while somebody waits, for something else. */
	TEST_AWAIT(has_idle(pool));
	actor_start(&actor, act_flush, NULL);
	test_sem_wait(&actor.a_parks);
	atomic_store(&refuse, LASTING);
	gate_close(&g[1]);
	enqueue(&i);
	atomic_store(&refuse, 0);
	TEST_AWAIT(atomic_load(&i.i_runs) == 2);
	ATF_REQUIRE(!actor_isback(&actor));
	for (k = 0; k < 2; k++)
		sem_post(&g[k].g_go);
	actor_end(&actor);
	wqpool_destroy(pool);
}

TEST_TC(refused_unseen, "a spare thread that was refused is started later, "
    "though nobody waits, and all others stay blocked")
{
	struct gate g;
	struct item i;
	int k;

	hook_set();
	memset(&i, 0, sizeof(i));
	gate_init(&g);
	/* For a work that is there, and to be there for one that comes. */
	for (k = 0; k < 2; k++) {
		pool = create(4, WQPOOL_SPARE, 0);
		TEST_AWAIT(has_idle(pool));
		atomic_store(&refuse, LASTING);
		gate_close(&g);
		if (k == 0)
			enqueue(&i);
		atomic_store(&refuse, 3);
		TEST_AWAIT(has_idle(pool));
		TEST_EQ(0, refuse);
		if (k != 0)
			enqueue(&i);
		TEST_AWAIT(atomic_load(&i.i_runs) == k + 1);
		TEST_EQ(k, g.g_item.i_runs);
		sem_post(&g.g_go);
		wqpool_destroy(pool);
	}
}

static bool
retries(struct wqpool *p)
{
	bool pending;

	mutex_enter(&p->p_lock);
	pending = p->p_canretry && callout_pending(&p->p_retry);
	mutex_exit(&p->p_lock);
	return pending;
}

TEST_TC(refused_grow, "the same where the enqueuer has the pool grow; refused "
    "the thread for callouts as well, that is begun when it does so next; and "
    "nothing is tried when nothing is pending")
{
	struct item i[2];
	struct gate g;
	int k, left;

	hook_set();
	memset(i, 0, sizeof(i));
	pool = create(4, 0, 0);
	gate_init(&g);
	gate_close(&g);
	enqueue(&i[0]);
	atomic_store(&refuse, 2);
	TEST_EQ(EAGAIN, wqpool_grow(pool));
	TEST_EQ(0, refuse);
	ATF_REQUIRE(!retries(pool));
	enqueue(&i[1]);
	atomic_store(&refuse, 1);
	TEST_EQ(EAGAIN, wqpool_grow(pool));
	TEST_AWAIT(atomic_load(&i[0].i_runs) == 1 &&
	    atomic_load(&i[1].i_runs) == 1);
	TEST_EQ(0, g.g_item.i_runs);
	sem_post(&g.g_go);
	wqpool_destroy(pool);

	pool = create(4, 0, 0);
	gate_close(&g);
	atomic_store(&refuse, LASTING);
	enqueue(&i[0]);
	TEST_EQ(EAGAIN, wqpool_grow(pool));
	TEST_AWAIT(atomic_load(&refuse) < LASTING - 3);
	ATF_REQUIRE(cancel(&i[0]));
	/* One may be under way. */
	do {
		left = atomic_load(&refuse);
		for (k = 0; k < 5; k++)
			test_pause();
	} while (retries(pool) || atomic_load(&refuse) != left);
	sem_post(&g.g_go);
	wqpool_destroy(pool);
}

TEST_TC(refused_pace, "while threads are refused, and nobody waits, one is "
    "tried for at most every 10 ms")
{
	struct gate g;
	struct item i;
	int64_t elapsed;
	int tried;

	hook_set();
	memset(&i, 0, sizeof(i));
	pool = create(4, WQPOOL_SPARE, 0);
	TEST_AWAIT(has_idle(pool));
	gate_init(&g);
	elapsed = -test_now();
	atomic_store(&refuse, LASTING);
	gate_close(&g);
	enqueue(&i);
	TEST_AWAIT(atomic_load(&refuse) < LASTING - 10);
	tried = LASTING - atomic_load(&refuse);
	/* In this order: more time, not more tries. */
	elapsed += test_now();
	ATF_REQUIRE_MSG(tried <= elapsed / (10 * MS) + 2, "%d tries in %jd ns",
	    tried, (intmax_t)elapsed);
	TEST_EQ(0, i.i_runs);
	sem_post(&g.g_go);
	wqpool_destroy(pool);
	TEST_EQ(1, i.i_runs);
}

static void
child_destroy(void)
{

	wqpool_destroy(pool);
}

static void
destroy_refused(void)
{
	struct gate g;
	int k;

	hook_set();
	for (k = 0; k < 20; k++) {
		pool = create(4, WQPOOL_SPARE, 0);
		gate_init(&g);
		TEST_AWAIT(has_idle(pool));
		atomic_store(&refuse, LASTING);
		gate_close(&g);
		/* At all times between two tries. */
		if (k % 2 != 0)
			TEST_AWAIT(atomic_load(&refuse) < LASTING - 1);
		if (k == 0 && TEST_BUSYFORK)
			test_lives(child_destroy);
		sem_post(&g.g_go);
		wqpool_destroy(pool);
		atomic_store(&refuse, 0);
	}
}

TEST_TC(refused_destroy, "a pool is destroyed that tries to have a thread; in "
    "a forked child, too")
{

	destroy_refused();
}

TEST_TC(refused_destroy_checking, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	destroy_refused();
}

TEST_TC(nostart, "a pool without a thread has one from the first growth, or "
    "from whoever waits")
{
	struct item i;

	hook_set();
	memset(&i, 0, sizeof(i));
	pool = create(2, WQPOOL_NOSTART, 0);
	TEST_EQ(0, nthreads(pool));
	TEST_EQ(0, wqpool_grow(pool));
	TEST_EQ(0, nthreads(pool));
	wqpool_destroy(pool);

	pool = create(2, WQPOOL_NOSTART, 0);
	enqueue(&i);
	/* Refused with the callouts' thread, which would try again. */
	atomic_store(&refuse, 2);
	TEST_EQ(EAGAIN, wqpool_grow(pool));
	TEST_EQ(0, nthreads(pool));
	TEST_EQ(0, wqpool_grow(pool));
	TEST_AWAIT(atomic_load(&i.i_runs) == 1);
	wqpool_destroy(pool);

	/* Refused three times: each wait tries again. */
	pool = create(2, WQPOOL_NOSTART, 0);
	enqueue(&i);
	atomic_store(&refuse, 3);
	ATF_REQUIRE(wqpool_wait(pool, &i.i_work));
	TEST_EQ(2, i.i_runs);
	TEST_EQ(0, refuse);
	wqpool_destroy(pool);
	pool = create(2, WQPOOL_NOSTART, 0);
	enqueue(&i);
	atomic_store(&refuse, 3);
	wqpool_flush(pool);
	TEST_EQ(3, i.i_runs);
	wqpool_destroy(pool);
	pool = create(2, WQPOOL_NOSTART, 0);
	enqueue(&i);
	atomic_store(&refuse, 3);
	wqpool_destroy(pool);
	TEST_EQ(4, i.i_runs);
}

TEST_TC(idle, "idle threads end after their time, but for one")
{
	struct item items[4];
	int i, j;

	pthread_barrier_init(&barrier, NULL, 4);
	memset(items, 0, sizeof(items));
	for (j = 0; j < 20; j++) {
		pool = create(4, j % 2 ? WQPOOL_SPARE : 0, 2 * MS);
		for (i = 0; i < 4; i++) {
			items[i].i_func = barrier_func;
			enqueue(&items[i]);
			if (j % 2 == 0)
				TEST_EQ(0, wqpool_grow(pool));
		}
		wqpool_flush(pool);
		TEST_AWAIT(nthreads(pool) == 1);
		for (i = 0; i < 5; i++)
			test_pause();
		TEST_EQ(1, nthreads(pool));
		/* And that one works. */
		items[0].i_func = NULL;
		enqueue(&items[0]);
		ATF_REQUIRE(wqpool_wait(pool, &items[0].i_work) ||
		    items[0].i_runs == 2 * j + 2);
		TEST_EQ(2 * j + 2, items[0].i_runs);
		wqpool_destroy(pool);
	}
}

TEST_TC(setmax, "a lower maximum takes effect as threads become idle")
{
	struct gate g[4];
	struct item i;
	int n;

	pool = create(4, 0, 0);
	memset(&i, 0, sizeof(i));
	for (n = 0; n < 4; n++) {
		gate_init(&g[n]);
		enqueue(&g[n].g_item);
		TEST_EQ(0, wqpool_grow(pool));
		test_sem_wait(&g[n].g_entered);
	}
	TEST_EQ(4, nthreads(pool));
	wqpool_setmax(pool, 2);
	for (n = 0; n < 3; n++)
		sem_post(&g[n].g_go);
	TEST_AWAIT(nthreads(pool) == 2);
	enqueue(&i);
	TEST_AWAIT(atomic_load(&i.i_runs) == 1);
	wqpool_setmax(pool, 1);
	enqueue(&i);
	sem_post(&g[3].g_go);
	wqpool_drain(pool);
	TEST_EQ(2, i.i_runs);
	wqpool_destroy(pool);
}

TEST_TC(setmax_spare, "a higher maximum is for works to come, too, while all "
    "threads stand in their functions")
{
	struct gate g;
	struct item i;

	pool = create(1, WQPOOL_SPARE, 0);
	memset(&i, 0, sizeof(i));
	gate_init(&g);
	gate_close(&g);
	wqpool_setmax(pool, 2);
	enqueue(&i);
	TEST_AWAIT(atomic_load(&i.i_runs) == 1);
	TEST_EQ(0, g.g_item.i_runs);
	sem_post(&g.g_go);
	wqpool_destroy(pool);
}

static atomic_int started, stopped;

static void
start(void *arg)
{

	(void)arg;
	atomic_fetch_add(&started, 1);
}

static void
stop(void *arg)
{

	(void)arg;
	atomic_fetch_add(&stopped, 1);
}

static void
locked_func(struct item *i)
{

	(void)i;
	ATF_REQUIRE(KERNEL_LOCKED_P());
}

TEST_TC(attributes, "each thread begins and ends with the functions given; "
    "the kernel lock is held where asked for, and let go by who waits")
{
	struct wqpool_attr pa = {
		.pa_name = "attr", .pa_func = dispatch, .pa_prio = PRI_NONE,
		.pa_maxthreads = 4, .pa_flags = WQPOOL_BIGLOCK | WQPOOL_SPARE,
		.pa_start = start, .pa_stop = stop, .pa_idletime = MS
	};
	static struct item items[50];
	int i;

	TEST_EQ(0, wqpool_create(&pool, &pa));
	KERNEL_LOCK(2, NULL);
	for (i = 0; i < 50; i++) {
		items[i].i_func = locked_func;
		enqueue(&items[i]);
	}
	wqpool_flush(pool);
	wqpool_destroy(pool);
	ATF_REQUIRE(KERNEL_LOCKED_P());
	KERNEL_UNLOCK_ALL(NULL, NULL);
	ATF_REQUIRE(started > 0);
	TEST_EQ(started, stopped);
	for (i = 0; i < 50; i++)
		TEST_EQ(1, items[i].i_runs);
}

/*
 * A producer that has put its work in and not woken anybody.
 */
static sem_t producer_stopped, producer_go;

static void *
producer(void *arg)
{

	at_unpark_go = &producer_go;
	at_unpark = &producer_stopped;
	enqueue(arg);
	at_unpark = NULL;
	return NULL;
}

static void
stopped_producer(void (*func)(struct actor *), int flags)
{
	struct actor a;
	struct item i;
	pthread_t t;

	memset(&i, 0, sizeof(i));
	pool = create(3, flags, 0);
	TEST_AWAIT(has_idle(pool));
	/* It has announced its sleep. */
	t = test_thread(producer, &i);
	test_sem_wait(&producer_stopped);
	actor_start(&a, func, &i);
	actor_end(&a);
	TEST_EQ(1, i.i_runs);
	sem_post(&producer_go);
	test_join(t);
	if (pool != NULL)
		wqpool_destroy(pool);
}

static void
act_destroy(struct actor *a)
{

	(void)a;
	wqpool_destroy(pool);
	pool = NULL;
}

TEST_TC(stopped_producer, "a producer that is stopped before it wakes a thread "
    "keeps nobody from waiting for its work, and from destroying the pool")
{
	int i;

	hook_set();
	sem_init(&producer_stopped, 0, 0);
	sem_init(&producer_go, 0, 0);
	for (i = 0; i < TEST_SCALE(300) + 5; i++) {
		stopped_producer(act_wait, 0);
		stopped_producer(act_flush, WQPOOL_SPARE);
		stopped_producer(act_drain, 0);
		stopped_producer(act_destroy, WQPOOL_SPARE);
	}
}

/*
 * Signal handlers.
 */
static struct item in_handler[64];

static void
handler(int signo)
{
	int error = errno, i;

	(void)signo;
	for (i = 0; i < 64; i++)
		(void)try_enqueue(&in_handler[i]);
	errno = error;
}

static void
trap_func(struct item *i)
{

	(void)i;
	raise(SIGTRAP);
}

static void *
trapper(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(5000); i++) {
		(void)try_enqueue(&in_handler[i % 64]);
		raise(SIGTRAP);
		if (i % 8 == 0)
			(void)cancel(&in_handler[i % 64]);
	}
	return NULL;
}

TEST_TC(handlers, "works come from signal handlers, on the pool's threads and "
    "on others")
{
	struct sigaction sa;
	struct item traps[4];
	pthread_t t[2];
	int i, j;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	ATF_REQUIRE(sigaction(SIGTRAP, &sa, NULL) == 0);
	memset(traps, 0, sizeof(traps));
	pool = create(4, WQPOOL_SPARE, MS);
	for (i = 0; i < 2; i++)
		t[i] = test_thread(trapper, NULL);
	for (i = 0; i < TEST_SCALE(5000); i++)
		for (j = 0; j < 4; j++) {
			traps[j].i_func = trap_func;
			(void)try_enqueue(&traps[j]);
		}
	for (i = 0; i < 2; i++)
		test_join(t[i]);
	wqpool_drain(pool);
	for (i = 0; i < 64; i++)
		balanced(&in_handler[i]);
	for (i = 0; i < 4; i++)
		balanced(&traps[i]);
	wqpool_destroy(pool);
}

/*
 * Everything at once.
 */
#define	STRESS_ITEMS	40

static struct item stress[STRESS_ITEMS];
static atomic_int stress_end;
static int stress_max;			/* threads */

static void
stress_func(struct item *i)
{
	unsigned n = (unsigned)i->i_runs;

	if (n % 7 == 0)
		sched_yield();
	if (n % 11 == 0 && !atomic_load(&stress_end))
		(void)try_enqueue(i);
	if (n % 501 == 0)
		(void)try_enqueue(&stress[n % STRESS_ITEMS]);
}

static void *
stress_producer(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg;
	struct item *i;

	while (!atomic_load(&stress_end)) {
		n = n * 1103515245 + 12345;
		i = &stress[(n >> 8) % STRESS_ITEMS];
		if (!try_enqueue(i))
			sched_yield();
		if ((n >> 16) % 8 == 0)
			(void)wqpool_grow(pool);
	}
	return NULL;
}

static void *
stress_canceller(void *arg)
{
	unsigned n = 1;
	bool p, r;

	(void)arg;
	while (!atomic_load(&stress_end)) {
		n = n * 1103515245 + 12345;
		(void)cancel(&stress[(n >> 8) % STRESS_ITEMS]);
		(void)wqpool_wait(pool, &stress[(n >> 9) %
		    STRESS_ITEMS].i_work);
		wqpool_busy(pool, &stress[n % STRESS_ITEMS].i_work, &p, &r);
		if ((n >> 16) % 16 == 0)
			wqpool_setmax(pool,
			    1 + (int)(n >> 8) % stress_max);
	}
	return NULL;
}

/* Has works of its own, and knows when they have run. */
static void *
stress_waiter(void *arg)
{
	struct item *mine;
	int n;

	(void)arg;
	for (n = 1; !atomic_load(&stress_end); n++) {
		mine = calloc(1, sizeof(*mine));
		enqueue(mine);
		if (n % 3 == 0)
			wqpool_flush(pool);
		else if (n % 3 == 1)
			(void)wqpool_wait(pool, &mine->i_work);
		else if (!cancel(mine))
			(void)wqpool_wait(pool, &mine->i_work);
		balanced(mine);
		memset(mine, 0xa5, sizeof(*mine));
		free(mine);
	}
	return NULL;
}

static void
storm(int max, int flags, int64_t idletime, int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
	pthread_t t[6];
	int i;

	memset(stress, 0, sizeof(stress));
	atomic_store(&stress_end, 0);
	for (i = 0; i < STRESS_ITEMS; i++)
		stress[i].i_func = stress_func;
	stress_max = max;
	pool = create(max < 4 ? max : 4, flags, idletime);
	t[0] = test_thread(stress_producer, (void *)1);
	t[1] = test_thread(stress_producer, (void *)2);
	t[2] = test_thread(stress_canceller, NULL);
	t[3] = test_thread(stress_waiter, NULL);
	t[4] = test_thread(stress_waiter, NULL);
	t[5] = test_thread(stress_waiter, NULL);
	nanosleep(&ts, NULL);
	atomic_store(&stress_end, 1);
	for (i = 0; i < 6; i++)
		test_join(t[i]);
	wqpool_destroy(pool);
	for (i = 0; i < STRESS_ITEMS; i++) {
		balanced(&stress[i]);
		if (flags & WQPOOL_EXCLUSIVE)
			TEST_EQ(0, stress[i].i_overlaps);
	}
}

TEST_TC(storm, "enqueued by some, cancelled, waited for, flushed and looked at "
    "by others, with threads that come and go, every work has run or been "
    "cancelled exactly once")
{

	storm(6, WQPOOL_EXCLUSIVE, 50000, 1500);
	storm(6, WQPOOL_EXCLUSIVE | WQPOOL_SPARE, 0, 1000);
	storm(6, WQPOOL_SPARE, 50000, 1000);
	storm(6, WQPOOL_NOSTART, MS, 1000);
	storm(6, WQPOOL_BIGLOCK, 50000, 1000);
}

static void *
refuser(void *arg)
{

	(void)arg;
	while (!atomic_load(&stress_end)) {
		atomic_store(&refuse, 3);
		test_pause();
	}
	return NULL;
}

TEST_TC(storm_batch, "the same with a single thread, which takes batches, and "
    "with a second now and then")
{

	storm(1, WQPOOL_EXCLUSIVE, 50000, 300);
	storm(2, WQPOOL_SPARE, 50000, 300);
}

TEST_TC(storm_refused, "the same while threads are refused now and then")
{
	pthread_t t;

	hook_set();
	t = test_thread(refuser, NULL);
	storm(6, WQPOOL_NOSTART | WQPOOL_SPARE, 50000, 1500);
	test_join(t);
}

/*
 * Misuse, and a forked child.
 */
static void
drain_own(struct item *i)
{

	(void)i;
	wqpool_drain(pool);
}

static void
destroy_own(struct item *i)
{

	(void)i;
	wqpool_destroy(pool);
}

static void
wait_other(struct item *i)
{

	(void)i;
	enqueue(&other);
	(void)wqpool_wait(pool, &other.i_work);
}

static void
flush_other(struct item *i)
{

	(void)i;
	enqueue(&other);
	wqpool_flush(pool);
}

static void (*misuse_func)(struct item *);

static void
misuse(void)
{
	struct item i = { .i_func = misuse_func };

	pool = create(1, 0, 0);
	enqueue(&i);
	wqpool_drain(pool);
}

TEST_TC(misuse, "a thread of the pool can neither drain nor destroy it; the "
    "only one cannot wait for another work")
{

	misuse_func = drain_own;
	test_panics(misuse, "\"testpool\" drained by one of its own", NULL);
	misuse_func = destroy_own;
	test_panics(misuse, "\"testpool\" destroyed by one of its own", NULL);
	misuse_func = wait_other;
	test_panics(misuse, "\"testpool\": would deadlock", NULL);
	misuse_func = flush_other;
	test_panics(misuse, "\"testpool\": would deadlock", NULL);
}

static void
child_enqueue(void)
{

	enqueue(&other);
}

static void
child_wait(void)
{

	(void)wqpool_wait(pool, &other.i_work);
}

static void
child_own(void)
{

	wqpool_destroy(pool);
	pool = create(2, WQPOOL_SPARE, 0);
	enqueue(&other);
	(void)wqpool_wait(pool, &other.i_work);
	wqpool_destroy(pool);
	if (other.i_runs != 1)
		abort();
}

TEST_TC(fork, "a forked child can only free its parent's pools, and make its "
    "own")
{

	pool = create(2, WQPOOL_SPARE, 0);
	test_panics(child_enqueue, "belongs to the parent", NULL);
	test_panics(child_wait, "belongs to the parent", NULL);
	test_lives(child_own);
	wqpool_destroy(pool);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, burst_spare);
	ATF_TP_ADD_TC(tp, burst_grow);
	ATF_TP_ADD_TC(tp, burst_cold);
	ATF_TP_ADD_TC(tp, flood);
	ATF_TP_ADD_TC(tp, exclusive);
	ATF_TP_ADD_TC(tp, not_exclusive);
	ATF_TP_ADD_TC(tp, cancel);
	ATF_TP_ADD_TC(tp, batch);
	ATF_TP_ADD_TC(tp, batch_seen);
	ATF_TP_ADD_TC(tp, cancel_all_in_flush);
	ATF_TP_ADD_TC(tp, wait);
	ATF_TP_ADD_TC(tp, from_function);
	ATF_TP_ADD_TC(tp, flush_is_each_ones_own);
	ATF_TP_ADD_TC(tp, drain);
	ATF_TP_ADD_TC(tp, drain_running);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, refused_spare);
	ATF_TP_ADD_TC(tp, refused_unseen);
	ATF_TP_ADD_TC(tp, refused_grow);
	ATF_TP_ADD_TC(tp, refused_pace);
	ATF_TP_ADD_TC(tp, refused_destroy);
	ATF_TP_ADD_TC(tp, refused_destroy_checking);
	ATF_TP_ADD_TC(tp, nostart);
	ATF_TP_ADD_TC(tp, idle);
	ATF_TP_ADD_TC(tp, setmax);
	ATF_TP_ADD_TC(tp, setmax_spare);
	ATF_TP_ADD_TC(tp, attributes);
	ATF_TP_ADD_TC(tp, stopped_producer);
	ATF_TP_ADD_TC(tp, handlers);
	ATF_TP_ADD_TC(tp, storm);
	ATF_TP_ADD_TC(tp, storm_batch);
	ATF_TP_ADD_TC(tp, storm_refused);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, fork);
	return atf_no_error();
}
