/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: the queue with several runners, on which other interfaces are
 * built.
 */

#include <sys/mman.h>

#include <limits.h>

#include "kern/kern_lwp.h"
#include "kern/subr_wqlend.h"
#include "kern/subr_wqpool.h"

#include "../../tests.h"

#define	MS	INT64_C(1000000)
#define	MANY	20000
#define	LASTING	1000000		/* refuse threads for a long time */

/*
 * An item with its own function, and the oracle: each enqueue is one run or one
 * cancellation.
 */
struct item {
	struct wqpool_work i_pool;
	void		(*i_func)(struct item *);
	void		*i_arg;
	atomic_int	 i_pending;	/* the thread that sets it enqueues */
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
create_cold(int max, int flags, int64_t idletime)
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

/* A pool with a thread from the start. */
static struct wqpool *
create(int max, int flags, int64_t idletime)
{

	return create_cold(max, flags | WQPOOL_READY, idletime);
}

/*
 * Create a pool without a thread, as when the first one did not start.
 */
static struct wqpool *
create_empty(int max, int flags, int64_t idletime)
{
	struct wqpool_attr pa = {
		.pa_name = "testpool", .pa_func = dispatch,
		.pa_prio = PRI_NONE, .pa_maxthreads = max,
		.pa_flags = flags, .pa_idletime = idletime
	};
	struct wqpool *p;

	ATF_REQUIRE((p = host_alloc(sizeof(*p))) != NULL);
	wqpool_init(p, &pa);
	return p;
}

static void
enqueue(struct item *i)
{

	atomic_fetch_add(&i->i_enqueued, 1);
	wqpool_enqueue(pool, &i->i_pool.pk_work);
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

	if (!wqpool_cancel(pool, &i->i_pool.pk_work))
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

/* True if it has a thread of its own. */
static bool
has_own(struct wqpool *p)
{
	bool own;

	mutex_enter(&p->p_lock);
	own = p->p_runners != NULL && p->p_nthreads - p->p_nstarting !=
	    p->p_nvisitors;
	mutex_exit(&p->p_lock);
	return own;
}

static bool
has_visitor(struct wqpool *p)
{
	bool visitor;

	mutex_enter(&p->p_lock);
	visitor = p->p_nvisitors != 0;
	mutex_exit(&p->p_lock);
	return visitor;
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

/* A callback that blocks until it is released. */
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

/*
 * A thread that does one thing, and signals its park and its return.  A park
 * for the pool's lock does not count.
 */
static _Thread_local sem_t *at_park;
static _Thread_local sem_t *at_unpark, *at_unpark_go;
static atomic_int refuse;

static int
hook(enum host_point point, void *arg)
{
	struct lwp *l;
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
		l = host_self();
		if ((s = at_park) != NULL && l->l_wchan != &pool->p_lock) {
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

	a->a_result = wqpool_wait(pool, &a->a_item->i_pool.pk_work);
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

TEST_TC(order, "a single thread runs the items in order")
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
	/* A search of the ordered list does not disturb the order. */
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
		/* They all return only if there were four threads. */
		wqpool_flush(pool);
		for (i = 0; i < 4; i++)
			TEST_EQ(j, items[i].i_runs);
		ATF_REQUIRE(nthreads(pool) <= 4);
	}
	wqpool_destroy(pool);
}

TEST_TC(burst_spare, "four items that wait for each other meet, with one idle "
    "thread at first and always a spare one")
{

	bursts(WQPOOL_SPARE, TEST_SCALE(3000) + 20, 1);
}

TEST_TC(burst_grow, "the same if the producer makes the pool grow")
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
	/* No thread has ended, so this counts the maximum. */
	wqpool_drain(pool);
	n = nthreads(pool);
	for (i = 0; i < MANY; i++)
		TEST_EQ(1, items[i].i_runs);
	wqpool_destroy(pool);
	free(items);
	return n;
}

TEST_TC(flood, "many short items of one producer do not make many threads, "
    "even if the maximum is high")
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

TEST_TC(exclusive, "an item of an exclusive pool runs on one thread at a time; "
    "enqueued while it runs, it runs after that")
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

TEST_TC(not_exclusive, "an item of another pool may be on two threads, and a "
    "wait is for both")
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

	wqpool_busy(pool, &i->i_pool.pk_work, &p, &r);
	TEST_EQ(pending, p);
	TEST_EQ(running, r);
}

TEST_TC(cancel, "cancel removes a pending item, and returns whether it did")
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
	/* Cancel the last item, the first, and one in the middle. */
	ATF_REQUIRE(cancel(&i[3]));
	is_busy(&i[3], false, false);
	ATF_REQUIRE(!cancel(&i[3]));
	ATF_REQUIRE(cancel(&i[0]));
	enqueue(&i[3]);
	ATF_REQUIRE(cancel(&i[2]));
	/* A waiter for a cancelled item is released. */
	actor_start(&a, act_wait, &i[1]);
	test_sem_wait(&a.a_parks);
	ATF_REQUIRE(cancel(&i[1]));
	actor_end(&a);
	ATF_REQUIRE(a.a_result);
	/* An item may be pending while it runs. */
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
 * The only thread has taken several items at once and runs the first.  The
 * others are found, cancelled and waited for like items on the list.
 */
TEST_TC(batch, "items of a batch are cancelled, waited for, and left in order")
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
	/*
	 * Enqueue the items behind the first gate, so that the thread takes
	 * them together.
	 */
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
	/* The wait ends although the items behind i[3] cannot run yet. */
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
 * The first item writes.  The second sets an atomic that orders nothing, to
 * show that it runs.  So only the wait can order the write.
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

TEST_TC(batch_seen, "a waiter sees what a finished item of a batch did, even "
    "if the batch goes on")
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
	ATF_REQUIRE(!wqpool_wait(pool, &i[0].i_pool.pk_work));
	/* Plain: ThreadSanitizer would report a race. */
	TEST_EQ(1, seen_data);
	seen_data = 2;
	sem_post(&go);
	wqpool_destroy(pool);
	TEST_EQ(2, seen_data);
}

TEST_TC(cancel_all_in_flush, "a flush, and a drain, return when what they wait "
    "for is cancelled")
{
	struct actor a, b;
	struct item i;

	hook_set();
	memset(&i, 0, sizeof(i));
	/* There is no thread, so only our cancel takes the item off. */
	pool = create_empty(1, 0, 0);
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

TEST_TC(wait, "a wait is for the runs enqueued before it, not for later ones")
{
	struct actor a, b;
	struct gate g;
	struct item i;

	hook_set();
	pool = create(2, WQPOOL_EXCLUSIVE | WQPOOL_SPARE, 0);
	memset(&i, 0, sizeof(i));
	gate_init(&g);
	ATF_REQUIRE(!wqpool_wait(pool, &i.i_pool.pk_work));
	gate_close(&g);
	ATF_REQUIRE(!wqpool_wait(pool, &i.i_pool.pk_work));
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

/* Calls from callbacks of the pool. */
static struct item other;
static atomic_int other_ok;

static void
self_func(struct item *i)
{
	struct work *wk;
	bool p, r;

	ATF_REQUIRE(wqpool_current(&wk) == pool && wk == &i->i_pool.pk_work);
	ATF_REQUIRE(!wqpool_wait(pool, &i->i_pool.pk_work));
	if (i->i_runs == 0) {
		enqueue(i);
		wqpool_busy(pool, &i->i_pool.pk_work, &p, &r);
		ATF_REQUIRE(p && r);
		/* The item's next run can begin only after this one. */
		ATF_REQUIRE(!wqpool_wait(pool, &i->i_pool.pk_work));
	}
	enqueue(&other);
	ATF_REQUIRE(wqpool_wait(pool, &other.i_pool.pk_work) ||
	    other.i_runs == i->i_runs + 1);
	TEST_EQ(i->i_runs + 1, other.i_runs);
	wqpool_flush(pool);
	atomic_fetch_add(&other_ok, 1);
}

TEST_TC(from_function, "a callback may wait for another item, and flush; it "
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

TEST_TC(flush_is_each_ones_own, "while a callback flushes, other threads' "
    "flushes wait for that callback")
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

TEST_TC(drain, "any number of threads may drain, and all wait for what items "
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
	/* wqpool_destroy() waits for all runs, too. */
	atomic_store(&i.i_runs, 0);
	enqueue(&i);
	wqpool_destroy(pool);
	TEST_EQ(100, i.i_runs);
}

TEST_TC(drain_running, "drain waits for running items when none is pending")
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
TEST_TC(refused, "while no thread can be started, the running ones run "
    "everything")
{
	static struct item items[100];
	struct wqpool_attr pa = {
		.pa_name = "none", .pa_func = dispatch, .pa_maxthreads = 1,
		.pa_flags = WQPOOL_READY
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
		/* The pool counts a thread that it is about to start. */
		TEST_AWAIT(nthreads(pool) == 1);
		wqpool_destroy(pool);
		atomic_store(&refuse, 0);
	}
}

TEST_TC(refused_spare, "a spare thread that was refused while all others are "
    "blocked is started later, for any waiter")
{
	struct actor actor;
	struct gate g[2];
	struct item i;
	int k;

	hook_set();
	memset(&i, 0, sizeof(i));
	/* The system refuses a thread before another one waits. */
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
	/*
	 * The system refuses a thread while another one waits for another item.
	 */
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

TEST_TC(refused_unseen, "a refused spare thread is started later, even if "
    "nobody waits and all others stay blocked")
{
	struct gate g;
	struct item i;
	int k;

	hook_set();
	memset(&i, 0, sizeof(i));
	gate_init(&g);
	/*
	 * First with an item that is pending already, then with one that comes
	 * later.
	 */
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
	/* One try may be in progress. */
	do {
		left = atomic_load(&refuse);
		for (k = 0; k < 5; k++)
			test_pause();
	} while (retries(pool) || atomic_load(&refuse) != left);
	sem_post(&g.g_go);
	wqpool_destroy(pool);
}

TEST_TC(refused_pace, "while threads are refused and nobody waits, the pool "
    "tries at most every 10 ms")
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
	/*
	 * Read the clock after the count, so that the time is never too short
	 * for the tries.
	 */
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
		/* Destroy the pool at various moments between two tries. */
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

TEST_TC(nostart, "a pool without a thread gets one when it first grows, or "
    "from a waiter")
{
	struct item i;

	hook_set();
	memset(&i, 0, sizeof(i));
	pool = create_empty(2, 0, 0);
	TEST_EQ(0, nthreads(pool));
	TEST_EQ(0, wqpool_grow(pool));
	TEST_EQ(0, nthreads(pool));
	wqpool_destroy(pool);

	pool = create_empty(2, 0, 0);
	enqueue(&i);
	/*
	 * The system refuses the thread and the callout thread, which would try
	 * again.
	 */
	atomic_store(&refuse, 2);
	TEST_EQ(EAGAIN, wqpool_grow(pool));
	TEST_EQ(0, nthreads(pool));
	TEST_EQ(0, wqpool_grow(pool));
	TEST_AWAIT(atomic_load(&i.i_runs) == 1);
	wqpool_destroy(pool);

	/*
	 * The system refuses three times, and the wait tries again each time.
	 */
	pool = create_empty(2, 0, 0);
	enqueue(&i);
	atomic_store(&refuse, 3);
	ATF_REQUIRE(wqpool_wait(pool, &i.i_pool.pk_work));
	TEST_EQ(2, i.i_runs);
	TEST_EQ(0, refuse);
	wqpool_destroy(pool);
	pool = create_empty(2, 0, 0);
	enqueue(&i);
	atomic_store(&refuse, 3);
	wqpool_flush(pool);
	TEST_EQ(3, i.i_runs);
	wqpool_destroy(pool);
	pool = create_empty(2, 0, 0);
	enqueue(&i);
	atomic_store(&refuse, 3);
	wqpool_destroy(pool);
	TEST_EQ(4, i.i_runs);
}

TEST_TC(idle, "idle threads end after their time, except one")
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
		/* The thread that is left runs items. */
		items[0].i_func = NULL;
		enqueue(&items[0]);
		ATF_REQUIRE(wqpool_wait(pool, &items[0].i_pool.pk_work) ||
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

TEST_TC(setmax_spare, "a higher maximum serves later items, too, while all "
    "threads are blocked in callbacks")
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

/*
 * Pools that have no thread before their first item.
 */
static struct item *cold_item;

static void
cold_handler(int signo)
{

	(void)signo;
	enqueue(cold_item);
}

TEST_TC(cold, "a pool has no thread before its first item, and the first "
    "item, from a thread or a handler, gets one")
{
	struct sigaction sa;
	struct item i;
	int k;

	memset(&i, 0, sizeof(i));
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = cold_handler;
	ATF_REQUIRE(sigaction(SIGTRAP, &sa, NULL) == 0);
	cold_item = &i;
	for (k = 0; k < TEST_SCALE(200) + 2; k++) {
		pool = create_cold(k % 3 + 1, WQPOOL_SPARE, 0);
		TEST_EQ(0, nthreads(pool));
		if (k % 2 == 0)
			enqueue(&i);
		else
			raise(SIGTRAP);
		if (k % 5 != 0)
			TEST_AWAIT(atomic_load(&i.i_runs) == k + 1);
		wqpool_destroy(pool);
		TEST_EQ(k + 1, i.i_runs);
	}
	pool = create_cold(2, WQPOOL_SPARE, 0);
	TEST_EQ(0, nthreads(pool));
	ATF_REQUIRE(!cancel(&i));
	wqpool_flush(pool);
	wqpool_drain(pool);
	wqpool_destroy(pool);
}

static int
refuse_second(enum host_point point, void *arg)
{
	static atomic_int n;

	(void)arg;
	return point == HOST_POINT_THREAD && atomic_fetch_add(&n, 1) == 1 ?
	    EAGAIN : 0;
}

TEST_TC(cold_create, "a pool is not created if the system refuses the lender "
    "or the rescuer; later ones need no thread")
{
	struct wqpool_attr pa = {
		.pa_name = "none", .pa_func = dispatch, .pa_maxthreads = 2,
		.pa_flags = WQPOOL_SPARE
	};
	struct wqpool *none = (void *)&pa;
	int k;

	hook_set();
	atomic_store(&refuse, LASTING);
	for (k = 0; k < 2; k++) {
		TEST_EQ(EAGAIN, wqpool_create(&none, &pa));
		ATF_REQUIRE(none == (void *)&pa);
	}
	/* Refuse the second of the two threads. */
	__atomic_store_n(&host_hook, refuse_second, __ATOMIC_SEQ_CST);
	TEST_EQ(EAGAIN, wqpool_create(&none, &pa));
	hook_set();
	atomic_store(&refuse, 0);
	pool = create_cold(2, WQPOOL_SPARE, 0);
	atomic_store(&refuse, LASTING);
	wqpool_destroy(create_cold(2, WQPOOL_SPARE, 0));
	atomic_store(&refuse, 0);
	wqpool_destroy(pool);
}

static struct item cold_items[100];
static specificdata_key_t cold_key;
static atomic_int cold_destroyed;

static void
cold_destroy(void *value)
{

	(void)value;
	atomic_fetch_add(&cold_destroyed, 1);
}

static void
cold_func(struct item *i)
{

	ATF_REQUIRE(lwp_getspecific(cold_key) == NULL);
	lwp_setspecific(cold_key, i);
	ATF_REQUIRE(strcmp(curlwp_get()->l_name, "testpool") == 0);
	order_func(i);
	i->i_arg = (void *)((intptr_t)i->i_arg + 50);
	if (i->i_runs == 0)
		(void)try_enqueue(i);
}

TEST_TC(cold_refused, "while the system refuses every thread, the items of a "
    "new pool run one by one, in order, on a thread that looks like one of "
    "the pool's")
{
	intptr_t k;

	hook_set();
	TEST_EQ(0, lwp_specific_key_create(&cold_key, cold_destroy));
	pool = create_cold(1, WQPOOL_SPARE | WQPOOL_EXCLUSIVE, 0);
	atomic_store(&refuse, LASTING);
	for (k = 0; k < 50; k++) {
		cold_items[k].i_func = cold_func;
		cold_items[k].i_arg = (void *)k;
		ATF_REQUIRE(try_enqueue(&cold_items[k]));
	}
	for (k = 0; k < 50; k++)
		TEST_AWAIT(atomic_load(&cold_items[k].i_runs) >= 1);
	wqpool_destroy(pool);
	TEST_EQ(100, order_next);
	TEST_EQ(100, cold_destroyed);
	ATF_REQUIRE(refuse < LASTING && refuse > 0);
	lwp_specific_key_delete(cold_key);
}

TEST_TC(cold_again, "the end of such a pool waits for an item that enqueues "
    "itself again")
{
	struct item i;
	int k;

	hook_set();
	for (k = 0; k < 20; k++) {
		memset(&i, 0, sizeof(i));
		i.i_func = again_func;
		atomic_store(&again_left, 3);
		pool = create_cold(1 + k % 2, WQPOOL_SPARE, 0);
		atomic_store(&refuse, LASTING);
		(void)try_enqueue(&i);
		wqpool_destroy(pool);
		TEST_EQ(4, i.i_runs);
		balanced(&i);
		atomic_store(&refuse, 0);
	}
}

TEST_TC(cold_refused_many, "several such pools all get on, and get threads "
    "when the system grants some again")
{
	struct wqpool *pools[20];
	struct item again;
	size_t j;
	int k;

	hook_set();
	memset(&again, 0, sizeof(again));
	for (j = 0; j < TEST_NELEM(pools); j++)
		pools[j] = create_cold((int)j % 3 + 1, WQPOOL_SPARE, 0);
	atomic_store(&refuse, LASTING);
	/* This one is never empty. */
	pool = pools[0];
	again.i_func = again_func;
	atomic_store(&again_left, LASTING);
	(void)try_enqueue(&again);
	for (k = 0; k < 5; k++)
		for (j = 1; j < TEST_NELEM(pools); j++)
			wqpool_enqueue(pools[j],
			    &cold_items[k * 20 + (int)j].i_pool.pk_work);
	for (j = 1; j < TEST_NELEM(pools); j++)
		for (k = 0; k < 5; k++)
			TEST_AWAIT(atomic_load(&cold_items[k * 20 +
			    (int)j].i_runs) == 1);
	for (j = 0; j < TEST_NELEM(pools); j++)
		ATF_REQUIRE(nthreads(pools[j]) <= 1);
	atomic_store(&refuse, 0);
	TEST_AWAIT(has_own(pools[0]));
	atomic_store(&again_left, 0);
	for (j = 0; j < TEST_NELEM(pools); j++)
		wqpool_destroy(pools[j]);
}

TEST_TC(cold_blocked, "an item that blocks on the rescuer does not keep its "
    "pool from a thread, when the system grants one")
{
	struct gate g;
	struct item i;

	hook_set();
	memset(&i, 0, sizeof(i));
	gate_init(&g);
	pool = create_cold(3, WQPOOL_SPARE, 0);
	atomic_store(&refuse, LASTING);
	gate_close(&g);
	enqueue(&i);
	atomic_store(&refuse, 3);
	TEST_AWAIT(atomic_load(&i.i_runs) == 1);
	TEST_EQ(0, g.g_item.i_runs);
	sem_post(&g.g_go);
	wqpool_destroy(pool);
	TEST_EQ(1, g.g_item.i_runs);
}

TEST_TC(cold_left, "when the rescuer leaves a pool whose threads are blocked, "
    "the pool gets one more, for items that came before and after")
{
	struct gate g[2];
	struct item i;
	int after;

	hook_set();
	for (after = 0; after <= 1; after++) {
		memset(&i, 0, sizeof(i));
		gate_init(&g[0]);
		gate_init(&g[1]);
		pool = create_cold(2, WQPOOL_SPARE, 0);
		atomic_store(&refuse, LASTING);
		gate_close(&g[0]);
		atomic_store(&refuse, 0);
		gate_close(&g[1]);
		TEST_EQ(2, nthreads(pool));
		if (!after)
			enqueue(&i);
		sem_post(&g[0].g_go);
		if (after) {
			TEST_AWAIT(!has_visitor(pool));
			enqueue(&i);
		}
		TEST_AWAIT(atomic_load(&i.i_runs) == 1);
		TEST_EQ(0, atomic_load(&g[1].g_item.i_runs));
		sem_post(&g[1].g_go);
		wqpool_destroy(pool);
		TEST_EQ(1, g[1].g_item.i_runs);
	}
}

TEST_TC(help, "a thread of the client runs items of a pool without a thread")
{
	struct item i[2];
	int n;

	pool = create_cold(1, 0, 0);
	memset(i, 0, sizeof(i));
	ATF_REQUIRE(!wqpool_help(pool));
	enqueue(&i[0]);
	enqueue(&i[1]);
	for (n = 0; n < 2; n++) {
		TEST_EQ(n, i[1].i_runs + i[0].i_runs);
		ATF_REQUIRE(wqpool_help(pool));
	}
	ATF_REQUIRE(!wqpool_help(pool));
	ATF_REQUIRE(wqpool_current(NULL) == NULL);
	enqueue(&i[0]);
	TEST_EQ(0, wqpool_grow(pool));
	/* Now it has a thread. */
	ATF_REQUIRE(!wqpool_help(pool));
	wqpool_destroy(pool);
	TEST_EQ(2, i[0].i_runs);
}

static atomic_int started, stopped;

static bool
start(void *arg)
{

	(void)arg;
	atomic_fetch_add(&started, 1);
	return true;
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
	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_ONE(NULL);
}

TEST_TC(attributes, "each thread begins and ends with the given functions; "
    "waiters release the kernel lock")
{
	struct wqpool_attr pa = {
		.pa_name = "attr", .pa_func = dispatch, .pa_prio = PRI_NONE,
		.pa_maxthreads = 4, .pa_flags = WQPOOL_SPARE | WQPOOL_READY,
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
 * A producer that has inserted its item and woken nobody.
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

static bool
unclaimed(const struct wqpool *p)
{
	const struct wqlend *we = (void *)p->p_cold;

	return ((__atomic_load_n(&we->we_links[0].wl_state, __ATOMIC_SEQ_CST) |
	    __atomic_load_n(&we->we_links[1].wl_state, __ATOMIC_SEQ_CST)) &
	    WQLEND_CLAIMED) == 0;
}

static void
stopped_producer(void (*func)(struct actor *), int flags)
{
	struct actor a;
	struct item i;
	pthread_t t;

	memset(&i, 0, sizeof(i));
	if ((flags & WQPOOL_READY) != 0) {
		pool = create(3, flags, 0);
		/* Until the thread has announced its sleep. */
		TEST_AWAIT(has_idle(pool));
	} else {
		pool = create_cold(3, flags, 0);
		/* Until the lender has taken the record of the last pool. */
		TEST_AWAIT(unclaimed(pool));
	}
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

TEST_TC(stopped_producer, "a producer stopped before it wakes a thread keeps "
    "nobody from waiting for its item or destroying the pool")
{
	int i;

	hook_set();
	sem_init(&producer_stopped, 0, 0);
	sem_init(&producer_go, 0, 0);
	for (i = 0; i < TEST_SCALE(300) + 5; i++) {
		stopped_producer(act_wait, WQPOOL_READY);
		stopped_producer(act_flush, WQPOOL_SPARE | WQPOOL_READY);
		stopped_producer(act_drain, WQPOOL_READY);
		stopped_producer(act_destroy, WQPOOL_SPARE | WQPOOL_READY);
		stopped_producer(act_wait, WQPOOL_SPARE);
		stopped_producer(act_flush, WQPOOL_SPARE);
		stopped_producer(act_drain, WQPOOL_SPARE);
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

TEST_TC(handlers, "signal handlers enqueue items, on the pool's threads and on "
    "others")
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
		    STRESS_ITEMS].i_pool.pk_work);
		wqpool_busy(pool, &stress[n % STRESS_ITEMS].i_pool.pk_work,
		    &p, &r);
		if ((n >> 16) % 16 == 0)
			wqpool_setmax(pool,
			    1 + (int)(n >> 8) % stress_max);
	}
	return NULL;
}

/* Enqueue its own items, and check that they have run. */
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
			(void)wqpool_wait(pool, &mine->i_pool.pk_work);
		else if (!cancel(mine))
			(void)wqpool_wait(pool, &mine->i_pool.pk_work);
		balanced(mine);
		memset(mine, 0xa5, sizeof(*mine));
		free(mine);
	}
	return NULL;
}

static void
storm(struct wqpool *(*make)(int, int, int64_t), int max, int flags,
    int64_t idletime, int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
	pthread_t t[6];
	int i;

	memset(stress, 0, sizeof(stress));
	atomic_store(&stress_end, 0);
	for (i = 0; i < STRESS_ITEMS; i++)
		stress[i].i_func = stress_func;
	stress_max = max;
	pool = (*make)(max < 4 ? max : 4, flags, idletime);
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

TEST_TC(storm, "while threads come and go and others enqueue, cancel, wait, "
    "flush and look, every item runs or is cancelled exactly once")
{

	storm(create, 6, WQPOOL_EXCLUSIVE, 50000, 1500);
	storm(create, 6, WQPOOL_EXCLUSIVE | WQPOOL_SPARE, 0, 1000);
	storm(create, 6, WQPOOL_SPARE, 50000, 1000);
	storm(create_empty, 6, 0, MS, 1000);
	storm(create_cold, 6, WQPOOL_EXCLUSIVE | WQPOOL_SPARE, 50000, 500);
	storm(create, 6, 0, 50000, 1000);
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
    "sometimes a second")
{

	storm(create, 1, WQPOOL_EXCLUSIVE, 50000, 300);
	storm(create, 2, WQPOOL_SPARE, 50000, 300);
}

TEST_TC(storm_refused, "the same while threads are refused sometimes")
{
	pthread_t t;

	hook_set();
	t = test_thread(refuser, NULL);
	storm(create_empty, 6, WQPOOL_SPARE, 50000, 1500);
	test_join(t);
	atomic_store(&refuse, 0);
	pool = create_cold(1, WQPOOL_SPARE, 0);
	wqpool_destroy(pool);
	t = test_thread(refuser, NULL);
	storm(create_cold, 6, WQPOOL_SPARE | WQPOOL_EXCLUSIVE, 50000, 1000);
	test_join(t);
	/* No thread at all. */
	atomic_store(&refuse, LASTING);
	storm(create_cold, 6, WQPOOL_SPARE | WQPOOL_EXCLUSIVE, 50000, 500);
	ATF_REQUIRE(refuse > 0);
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
	(void)wqpool_wait(pool, &other.i_pool.pk_work);
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
    "only one cannot wait for another item")
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

	(void)wqpool_wait(pool, &other.i_pool.pk_work);
}

static void
child_own(void)
{

	wqpool_destroy(pool);
	pool = create(2, WQPOOL_SPARE, 0);
	enqueue(&other);
	(void)wqpool_wait(pool, &other.i_pool.pk_work);
	wqpool_destroy(pool);
	if (other.i_runs != 1)
		abort();
}

TEST_TC(fork, "a forked child can only free its parent's pools, and create its "
    "own")
{

	pool = create(2, WQPOOL_SPARE, 0);
	test_panics(child_enqueue, "belongs to the parent", NULL);
	test_panics(child_wait, "belongs to the parent", NULL);
	test_lives(child_own);
	wqpool_destroy(pool);
}

/*
 * Items in their own pages, which are made inaccessible.
 */
#define	NPAGES	64
#define	TARGET	20

TEST_TC(cancel_at_once, "finding, cancelling and waiting for an item accesses "
    "only that item and its neighbours")
{
	struct gate g;
	struct item *i[NPAGES];
	size_t size;
	char *pages;
	bool p, r;
	int k;

	size = (size_t)sysconf(_SC_PAGESIZE);
	pages = mmap(NULL, NPAGES * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ATF_REQUIRE(pages != MAP_FAILED);
	pool = create(1, 0, 0);
	gate_init(&g);
	gate_close(&g);
	for (k = 0; k < NPAGES; k++) {
		i[k] = (struct item *)(void *)(pages + (size_t)k * size);
		enqueue(i[k]);
	}
	/*
	 * Move the items to the ordered list, which accesses each of them once.
	 */
	wqpool_busy(pool, &i[0]->i_pool.pk_work, &p, &r);
	ATF_REQUIRE(p && !r);
	for (k = 0; k < NPAGES; k++)
		if (k < TARGET - 1 || k > TARGET + 1)
			TEST_EQ(0, mprotect(i[k], size, PROT_NONE));
	wqpool_busy(pool, &i[TARGET]->i_pool.pk_work, &p, &r);
	ATF_REQUIRE(p && !r);
	ATF_REQUIRE(cancel(i[TARGET]));
	wqpool_busy(pool, &i[TARGET]->i_pool.pk_work, &p, &r);
	ATF_REQUIRE(!p && !r);
	ATF_REQUIRE(!cancel(i[TARGET]));
	ATF_REQUIRE(!wqpool_wait(pool, &i[TARGET]->i_pool.pk_work));
	TEST_EQ(0, mprotect(pages, NPAGES * size, PROT_READ | PROT_WRITE));
	sem_post(&g.g_go);
	wqpool_destroy(pool);
	for (k = 0; k < NPAGES; k++)
		balanced(i[k]);
	TEST_EQ(0, i[TARGET]->i_runs);
	TEST_EQ(0, munmap(pages, NPAGES * size));
}

/*
 * Whatever is cancelled, the rest keeps its order.
 */
static struct item order[6];
static int ordered, at[6];

static void
note(struct item *i)
{

	at[ordered++] = (int)(i - order);
}

TEST_TC(cancel_all_ways, "whatever items are cancelled, in whatever order, the "
    "others keep theirs, also later ones")
{
	struct gate g;
	unsigned set;
	int back, k, n;

	pool = create(1, 0, 0);
	for (set = 0; set < 32; set++)
		for (back = 0; back < 2; back++) {
			memset(order, 0, sizeof(order));
			ordered = 0;
			gate_init(&g);
			gate_close(&g);
			for (k = 0; k < 5; k++) {
				order[k].i_func = note;
				enqueue(&order[k]);
			}
			for (k = 0; k < 5; k++) {
				n = back ? 4 - k : k;
				if ((set >> n & 1) != 0)
					ATF_REQUIRE(cancel(&order[n]));
			}
			order[5].i_func = note;
			enqueue(&order[5]);
			sem_post(&g.g_go);
			wqpool_flush(pool);
			for (k = n = 0; k < 6; k++)
				if ((set >> k & 1) == 0) {
					ATF_REQUIRE(n < ordered);
					TEST_EQ(k, at[n]);
					n++;
				}
			TEST_EQ(n, ordered);
		}
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
	ATF_TP_ADD_TC(tp, cold);
	ATF_TP_ADD_TC(tp, cold_again);
	ATF_TP_ADD_TC(tp, cold_blocked);
	ATF_TP_ADD_TC(tp, cold_create);
	ATF_TP_ADD_TC(tp, cold_left);
	ATF_TP_ADD_TC(tp, cold_refused);
	ATF_TP_ADD_TC(tp, cold_refused_many);
	ATF_TP_ADD_TC(tp, help);
	ATF_TP_ADD_TC(tp, stopped_producer);
	ATF_TP_ADD_TC(tp, handlers);
	ATF_TP_ADD_TC(tp, storm);
	ATF_TP_ADD_TC(tp, storm_batch);
	ATF_TP_ADD_TC(tp, storm_refused);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, fork);
	ATF_TP_ADD_TC(tp, cancel_at_once);
	ATF_TP_ADD_TC(tp, cancel_all_ways);
	return atf_no_error();
}
