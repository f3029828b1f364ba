/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Linux workqueues of today.
 */

#include "linux_test.h"

static struct item a, b, c;
static atomic_int order[64], norder;

static void
note(int n)
{

	atomic_store(&order[atomic_fetch_add(&norder, 1)], n);
}

TEST_TC(reused, "an item may be flushed and cancelled long after its queue "
    "was destroyed")
{
	struct workqueue_struct *wqs[20], *wq;
	int i;

	test_env("WORKQUEUE_NCPU", "2");
	item_init(&a, item_func);
	wq = alloc_workqueue("first", 0, 1);
	TEST_EQ(true, queue_work_on(1, wq, WORK(&a)));
	(void)flush_work(WORK(&a));
	destroy_workqueue(wq);
	for (i = 0; i < 20; i++)
		wqs[i] = alloc_workqueue("many", WQ_UNBOUND, 1);
	for (i = 0; i < 20; i++)
		destroy_workqueue(wqs[i]);
	/* The memory of the first one is reused, for fewer CPUs. */
	for (i = 0; i < 20; i++)
		wqs[i] = alloc_workqueue("again", WQ_UNBOUND, 1);
	TEST_EQ(false, flush_work(WORK(&a)));
	TEST_EQ(false, cancel_work_sync(WORK(&a)));
	TEST_EQ(0, work_busy(WORK(&a)));
	for (i = 0; i < 20; i++)
		destroy_workqueue(wqs[i]);
	TEST_EQ(1, a.i_runs);
}

static struct workqueue_struct *many[60];

static void
delay_reused(void)
{
	struct workqueue_struct *wq = alloc_workqueue("first", 0, 1);
	int i, n;

	item_init(&a, item_func);
	if (!queue_delayed_work(wq, &a.i_dw, 1000 * HZ))
		_exit(1);
	destroy_workqueue(wq);
	for (n = 0; n < 2; n++) {
		for (i = 0; i < (int)TEST_NELEM(many); i++)
			many[i] = alloc_workqueue("many", 0, 1);
		if (n == 0)
			for (i = 0; i < (int)TEST_NELEM(many); i++)
				destroy_workqueue(many[i]);
	}
	/* End the delay now: no existing queue may run the item. */
	if (flush_delayed_work(&a.i_dw) || a.i_runs != 0 ||
	    delayed_work_pending(&a.i_dw))
		_exit(2);
	for (i = 0; i < (int)TEST_NELEM(many); i++)
		destroy_workqueue(many[i]);
}

TEST_TC(delay_reused, "a delay for a destroyed queue never ends on another, "
    "however many are created and destroyed")
{

	test_env("WORKQUEUE_NCPU", "1");
	test_says(delay_reused, "its workqueue is destroyed; it is not run",
	    NULL);
}

TEST_TC(queue, "queue_work returns true and the item runs once; false while "
    "pending")
{
	struct workqueue_struct *wq = ordered();

	item_init(&a, item_func);
	item_init(&b, item_func);
	item_close(&a, wq, WORK_CPU_UNBOUND);
	TEST_EQ(0, work_pending(WORK(&a)));
	TEST_EQ(WORK_BUSY_RUNNING, work_busy(WORK(&a)));
	TEST_EQ(true, queue_work(wq, WORK(&b)));
	TEST_EQ(false, queue_work(wq, WORK(&b)));
	TEST_EQ(true, work_pending(WORK(&b)));
	TEST_EQ(WORK_BUSY_PENDING, work_busy(WORK(&b)));
	/* An item that is enqueued again during its run has two runs. */
	TEST_EQ(true, queue_work(wq, WORK(&a)));
	TEST_EQ(WORK_BUSY_PENDING | WORK_BUSY_RUNNING, work_busy(WORK(&a)));
	item_open(&a);
	flush_workqueue(wq);
	TEST_EQ(2, a.i_runs);
	TEST_EQ(1, b.i_runs);
	TEST_EQ(0, work_busy(WORK(&a)));
	destroy_workqueue(wq);
}

static void
note_a(struct work_struct *w)
{

	ATF_REQUIRE(current_work() == w);
	note(w == WORK(&b) ? 2 : w == WORK(&c) ? 3 : 1);
}

TEST_TC(order_kept, "an ordered queue keeps the order of enqueueing")
{
	struct workqueue_struct *wq = ordered();

	item_init(&a, item_func);
	item_init(&b, note_a);
	item_init(&c, note_a);
	item_close(&a, wq, WORK_CPU_UNBOUND);
	queue_work(wq, WORK(&c));
	queue_work(wq, WORK(&b));
	/* The item keeps its place. */
	queue_work(wq, WORK(&c));
	item_open(&a);
	drain_workqueue(wq);
	TEST_EQ(2, norder);
	TEST_EQ(3, order[0]);
	TEST_EQ(2, order[1]);
	ATF_REQUIRE(current_work() == NULL);
	destroy_workqueue(wq);
}

/*
 * An item that is enqueued on one CPU while it runs on another.
 */
TEST_TC(nonreentrant, "an item never runs on two workers at once")
{
	struct workqueue_struct *wq;

	test_env("WORKQUEUE_NCPU", "4");
	wq = bound();
	item_init(&a, item_func);
	item_close(&a, wq, 0);
	TEST_EQ(true, queue_work_on(1, wq, WORK(&a)));
	/* The worker of CPU 1 runs its own items, and not this one. */
	item_init(&b, item_func);
	queue_work_on(1, wq, WORK(&b));
	flush_work(WORK(&b));
	TEST_EQ(0, a.i_overlaps);
	TEST_EQ(0, a.i_runs);
	item_open(&a);
	flush_work(WORK(&a));
	TEST_EQ(2, a.i_runs);
	TEST_EQ(0, a.i_overlaps);
	/* If the item does not run, it goes to the given CPU. */
	item_close(&b, wq, 2);
	queue_work_on(2, wq, WORK(&a));
	item_open(&b);
	destroy_workqueue(wq);
	TEST_EQ(3, a.i_runs);
}

/*
 * The item records the last value before its run.  Whatever queue_work
 * returned, the next run sees it.
 */
static void *
publisher(void *arg)
{
	struct workqueue_struct *wq = arg;
	int n;

	for (n = 1; n <= TEST_SCALE(200000); n++) {
		__atomic_store_n(&a.i_plain, n, __ATOMIC_RELAXED);
		(void)queue_work(wq, WORK(&a));
	}
	return NULL;
}

static void
publish_func(struct work_struct *w)
{

	(void)w;
	a.i_seen = __atomic_load_n(&a.i_plain, __ATOMIC_RELAXED);
}

TEST_TC(false_promise, "after queue_work returned false, the next run sees "
    "what was stored")
{
	struct workqueue_struct *wq = bound();
	int i;

	for (i = 0; i < 10; i++) {
		item_init(&a, publish_func);
		test_join(test_thread(publisher, wq));
		flush_work(WORK(&a));
		/* A run followed the last call, whatever that returned. */
		TEST_EQ(TEST_SCALE(200000), a.i_seen);
	}
	destroy_workqueue(wq);
}

static void *
flusher(void *arg)
{

	(void)flush_work(arg);
	return NULL;
}

TEST_TC(flush_exact, "flush_work waits only for its item")
{
	struct workqueue_struct *wq = alloc_workqueue("u", WQ_UNBOUND, 4);
	pthread_t t;

	item_init(&a, item_func);
	item_init(&b, item_func);
	TEST_EQ(false, flush_work(WORK(&a)));
	item_close(&a, wq, WORK_CPU_UNBOUND);
	queue_work(wq, WORK(&b));
	/* a runs until it is opened below. */
	(void)flush_work(WORK(&b));
	TEST_EQ(1, b.i_runs);
	t = test_thread(flusher, WORK(&a));
	pause_ms(20);
	TEST_EQ(0, a.i_runs);
	item_open(&a);
	test_join(t);
	TEST_EQ(1, a.i_runs);
	TEST_EQ(false, flush_work(WORK(&a)));
	destroy_workqueue(wq);
}

TEST_TC(cancel, "cancel_work: true if the item was pending, and it does not "
    "run")
{
	struct workqueue_struct *wq = ordered();

	item_init(&a, item_func);
	item_init(&b, item_func);
	item_close(&a, wq, WORK_CPU_UNBOUND);
	queue_work(wq, WORK(&b));
	TEST_EQ(true, cancel_work(WORK(&b)));
	TEST_EQ(false, cancel_work(WORK(&b)));
	TEST_EQ(false, cancel_work(WORK(&a)));
	/* Cancel the next run of a running item. */
	queue_work(wq, WORK(&a));
	TEST_EQ(true, cancel_work(WORK(&a)));
	queue_work(wq, WORK(&b));
	TEST_EQ(true, cancel_work_sync(WORK(&b)));
	item_open(&a);
	TEST_EQ(false, cancel_work_sync(WORK(&a)));
	TEST_EQ(1, a.i_runs);
	destroy_workqueue(wq);
	TEST_EQ(1, a.i_runs);
	TEST_EQ(0, b.i_runs);
}

static void
requeue_func(struct work_struct *w)
{
	struct item *i = container_of(w, struct item, i_dw.work);

	item_func(w);
	queue_work(i->i_wq, w);
}

static void
requeue_delayed_func(struct work_struct *w)
{
	struct item *i = container_of(w, struct item, i_dw.work);

	item_func(w);
	queue_delayed_work(i->i_wq, &i->i_dw, 1);
}

TEST_TC(cancel_requeuer, "cancel_work_sync cancels an item that always "
    "enqueues itself")
{
	struct workqueue_struct *wq = bound();
	int i, runs;

	for (i = 0; i < 100; i++) {
		item_init(&a, requeue_func);
		a.i_wq = wq;
		queue_work(wq, WORK(&a));
		TEST_AWAIT(atomic_load(&a.i_runs) != 0);
		(void)cancel_work_sync(WORK(&a));
		runs = a.i_runs;
		TEST_EQ(0, work_busy(WORK(&a)));
		sched_yield();
		TEST_EQ(runs, a.i_runs);
		/* The item may be reused. */
		TEST_EQ(true, queue_work(wq, WORK(&a)));
		(void)cancel_work_sync(WORK(&a));
	}
	for (i = 0; i < 5; i++) {
		item_init(&a, requeue_delayed_func);
		a.i_wq = wq;
		queue_work(wq, WORK(&a));
		TEST_AWAIT(atomic_load(&a.i_runs) > i);
		(void)cancel_delayed_work_sync(&a.i_dw);
		runs = a.i_runs;
		TEST_EQ(0, work_busy(WORK(&a)));
		pause_ms(30);
		TEST_EQ(runs, a.i_runs);
	}
	destroy_workqueue(wq);
}

static void
free_func(struct work_struct *w)
{
	struct item *i = container_of(w, struct item, i_dw.work);

	memset(i, 0xa5, sizeof(*i));
	free(i);
	note(1);
}

TEST_TC(free_itself, "an item may free itself")
{
	struct workqueue_struct *wq = bound();
	struct item *i;
	int n;

	for (n = 0; n < 30; n++) {
		i = malloc(sizeof(*i));
		item_init(i, free_func);
		if (n % 3 == 0)
			queue_delayed_work(wq, &i->i_dw, 1);
		else
			queue_work(wq, WORK(i));
	}
	TEST_AWAIT(atomic_load(&norder) == 30);
	destroy_workqueue(wq);
}

static void *
wq_flusher(void *arg)
{

	flush_workqueue(arg);
	note(7);
	return NULL;
}

TEST_TC(flush_snapshot, "flush_workqueue waits for the items that were "
    "there, on every CPU")
{
	struct workqueue_struct *wq;
	pthread_t t;

	test_env("WORKQUEUE_NCPU", "3");
	wq = alloc_workqueue("snap", 0, 1);
	item_init(&a, item_func);
	item_init(&b, item_func);
	item_init(&c, item_func);
	item_close(&a, wq, 0);
	item_close(&b, wq, 1);
	t = test_thread(wq_flusher, wq);
	test_letrun();
	/*
	 * c is enqueued after the flush began, so the flush does not wait for
	 * it.
	 */
	item_open(&b);
	item_close(&c, wq, 1);
	TEST_EQ(0, norder);
	item_open(&a);
	test_join(t);
	TEST_EQ(0, c.i_runs);
	item_open(&c);
	/* A flush does not wait for a delayed item either. */
	item_init(&a, item_func);
	queue_delayed_work(wq, &a.i_dw, 1000 * HZ);
	flush_workqueue(wq);
	TEST_EQ(true, cancel_delayed_work(&a.i_dw));
	destroy_workqueue(wq);
}

static void
chain_func(struct work_struct *w)
{
	struct item *i = container_of(w, struct item, i_dw.work);

	item_func(w);
	if (atomic_fetch_sub(&i->i_left, 1) > 1)
		ATF_REQUIRE(queue_work_on(i->i_left % 3, i->i_wq, w));
}

TEST_TC(drain, "drain and destroy run chains to their end")
{
	struct workqueue_struct *wq;
	int i;

	test_env("WORKQUEUE_NCPU", "3");
	for (i = 0; i < 50; i++) {
		wq = bound();
		item_init(&a, chain_func);
		item_init(&b, chain_func);
		a.i_wq = b.i_wq = wq;
		atomic_store(&a.i_left, 20);
		atomic_store(&b.i_left, 30);
		queue_work(wq, WORK(&a));
		queue_work(wq, WORK(&b));
		if (i % 2 == 0) {
			drain_workqueue(wq);
			TEST_EQ(20, a.i_runs);
			TEST_EQ(30, b.i_runs);
		}
		destroy_workqueue(wq);
		TEST_EQ(20, a.i_runs);
		TEST_EQ(30, b.i_runs);
	}
}

static void *
destroyer(void *arg)
{

	destroy_workqueue(arg);
	return NULL;
}

static void
refused(void)
{
	struct workqueue_struct *wq = ordered();
	pthread_t t;

	item_init(&a, item_func);
	item_init(&b, item_func);
	item_close(&a, wq, WORK_CPU_UNBOUND);
	t = test_thread(destroyer, wq);
	test_letrun();
	if (queue_work(wq, WORK(&b)) || work_pending(WORK(&b)))
		_exit(1);
	item_open(&a);
	test_join(t);
	if (queue_work(wq, WORK(&b)) || queue_delayed_work(wq, &b.i_dw, 1))
		_exit(2);
	if (flush_work(WORK(&b)) || cancel_work_sync(WORK(&b)) ||
	    b.i_runs != 0)
		_exit(3);
}

TEST_TC(destroyed, "enqueueing on a destroyed queue prints a message and "
    "returns false")
{

	test_says(refused, "\"o1\" is being drained", "\"o1\" is destroyed",
	    NULL);
}

static void
delayed_refused(void)
{
	struct workqueue_struct *wq;
	unsigned long delay;

	/* Double the delay until it outlasts the queue. */
	delay = 5;
	do {
		wq = ordered();
		item_init(&a, item_func);
		queue_delayed_work(wq, &a.i_dw, delay);
		destroy_workqueue(wq);
		delay *= 2;
	} while (a.i_runs != 0);
	TEST_AWAIT(!delayed_work_pending(&a.i_dw));
	test_letrun();
	if (a.i_runs != 0)
		_exit(1);
}

TEST_TC(delayed_destroyed, "a delay that ends after its queue prints a "
    "message")
{

	/* It says whether the queue is destroyed, or about to be. */
	test_says(delayed_refused, "; it is not run", NULL);
}

static void
reinit(void)
{
	struct workqueue_struct *wq = ordered();

	item_init(&a, item_func);
	item_init(&b, item_func);
	item_close(&a, wq, WORK_CPU_UNBOUND);
	queue_work(wq, WORK(&b));
	INIT_WORK(WORK(&b), item_func);
}

static void
destroy_inside_func(struct work_struct *w)
{
	struct item *i = container_of(w, struct item, i_dw.work);

	destroy_workqueue(i->i_wq);
}

static void
destroy_inside(void)
{

	item_init(&a, destroy_inside_func);
	a.i_wq = ordered();
	queue_work(a.i_wq, WORK(&a));
	flush_work(WORK(&a));
}

TEST_TC(misuse, "an error that cannot be survived panics and says why")
{

	test_panics(reinit, "is still pending on \"o1\"", NULL);
	test_panics(destroy_inside, "\"o1\": called from one of its own",
	    NULL);
}

TEST_TC(delays, "queue_delayed_work: not earlier; pending meanwhile")
{
	struct workqueue_struct *wq = bound();
	int64_t t0;

	item_init(&a, item_func);
	t0 = test_now();
	TEST_EQ(true, queue_delayed_work(wq, &a.i_dw, msecs_to_jiffies(50)));
	TEST_EQ(false, queue_delayed_work(wq, &a.i_dw, 0));
	TEST_EQ(false, queue_work(wq, WORK(&a)));
	TEST_EQ(true, delayed_work_pending(&a.i_dw));
	TEST_EQ(WORK_BUSY_PENDING, work_busy(WORK(&a)));
	TEST_AWAIT(atomic_load(&a.i_runs) == 1);
	ATF_REQUIRE(test_now() - t0 >= 50 * 1000000LL);
	/* A delay of 0, a given CPU, and cancellation. */
	TEST_EQ(true, queue_delayed_work(wq, &a.i_dw, 0));
	(void)flush_work(WORK(&a));
	TEST_EQ(2, a.i_runs);
	TEST_EQ(true, queue_delayed_work_on(0, wq, &a.i_dw, 1000 * HZ));
	TEST_EQ(true, cancel_delayed_work(&a.i_dw));
	TEST_EQ(false, cancel_delayed_work(&a.i_dw));
	TEST_EQ(true, queue_delayed_work(wq, &a.i_dw, 1000 * HZ));
	TEST_EQ(true, cancel_delayed_work_sync(&a.i_dw));
	/* A flush ends the delay now. */
	TEST_EQ(true, queue_delayed_work(wq, &a.i_dw, 1000 * HZ));
	TEST_EQ(true, flush_delayed_work(&a.i_dw));
	TEST_EQ(3, a.i_runs);
	TEST_EQ(false, flush_delayed_work(&a.i_dw));
	destroy_workqueue(wq);
}

TEST_TC(mod, "mod_delayed_work: false if idle, true if it was pending")
{
	struct workqueue_struct *wq = ordered();

	item_init(&a, item_func);
	item_init(&b, item_func);
	TEST_EQ(false, mod_delayed_work(wq, &a.i_dw, 1000 * HZ));
	TEST_EQ(true, mod_delayed_work(wq, &a.i_dw, 2000 * HZ));
	TEST_EQ(true, mod_delayed_work(wq, &a.i_dw, 0));
	(void)flush_work(WORK(&a));
	TEST_EQ(1, a.i_runs);
	/*
	 * mod_delayed_work() takes the item off the queue, and arms its timer
	 * again.
	 */
	item_close(&b, wq, WORK_CPU_UNBOUND);
	queue_work(wq, WORK(&a));
	TEST_EQ(true, mod_delayed_work(wq, &a.i_dw, 1000 * HZ));
	item_open(&b);
	flush_workqueue(wq);
	TEST_EQ(1, a.i_runs);
	TEST_EQ(true, mod_delayed_work_on(0, wq, &a.i_dw, 1));
	TEST_AWAIT(atomic_load(&a.i_runs) == 2);
	disable_delayed_work(&a.i_dw);
	TEST_EQ(false, mod_delayed_work(wq, &a.i_dw, 1));
	destroy_workqueue(wq);
}

static void *
sync_canceller(void *arg)
{
	struct item *i = arg;

	(void)cancel_delayed_work_sync(&i->i_dw);
	return NULL;
}

TEST_TC(mod_cancelled, "mod_delayed_work does nothing and returns false "
    "while a cancel waits for the item")
{
	struct workqueue_struct *wq = bound();
	pthread_t t;

	item_init(&a, item_func);
	item_close(&a, wq, 0);
	t = test_thread(sync_canceller, &a);
	/* Wait until the cancel has begun. */
	TEST_AWAIT(!mod_delayed_work(wq, &a.i_dw, 1000 * HZ) &&
	    !delayed_work_pending(&a.i_dw));
	TEST_EQ(false, mod_delayed_work(wq, &a.i_dw, 0));
	TEST_EQ(false, delayed_work_pending(&a.i_dw));
	item_open(&a);
	test_join(t);
	TEST_EQ(1, a.i_runs);
	/* When the cancel has returned, the item may be enqueued again. */
	TEST_EQ(false, mod_delayed_work(wq, &a.i_dw, 1000 * HZ));
	TEST_EQ(true, delayed_work_pending(&a.i_dw));
	TEST_EQ(true, cancel_delayed_work_sync(&a.i_dw));
	destroy_workqueue(wq);
	TEST_EQ(1, a.i_runs);
}

TEST_TC(disable, "disable and enable count")
{
	struct workqueue_struct *wq = ordered();

	item_init(&a, item_func);
	item_init(&b, item_func);
	item_close(&b, wq, WORK_CPU_UNBOUND);
	queue_work(wq, WORK(&a));
	TEST_EQ(true, disable_work(WORK(&a)));
	TEST_EQ(false, disable_work_sync(WORK(&a)));
	TEST_EQ(false, queue_work(wq, WORK(&a)));
	TEST_EQ(false, queue_delayed_work(wq, &a.i_dw, 1));
	TEST_EQ(false, enable_work(WORK(&a)));
	TEST_EQ(false, queue_work(wq, WORK(&a)));
	TEST_EQ(true, enable_delayed_work(&a.i_dw));
	TEST_EQ(true, queue_work(wq, WORK(&a)));
	item_open(&b);
	destroy_workqueue(wq);
	TEST_EQ(1, a.i_runs);
}

TEST_TC(disable_requeuer, "disable_work_sync stops an item that always "
    "enqueues itself, and it stays disabled; enable_and_queue_work")
{
	struct workqueue_struct *wq = bound();
	int i, runs;

	for (i = 0; i < 50; i++) {
		item_init(&a, i % 2 ? requeue_func : requeue_delayed_func);
		a.i_wq = wq;
		queue_work(wq, WORK(&a));
		TEST_AWAIT(atomic_load(&a.i_runs) != 0);
		if (i % 2)
			(void)disable_work_sync(WORK(&a));
		else
			(void)disable_delayed_work_sync(&a.i_dw);
		runs = a.i_runs;
		TEST_EQ(0, work_busy(WORK(&a)));
		TEST_EQ(false, queue_work(wq, WORK(&a)));
		TEST_EQ(false, queue_delayed_work(wq, &a.i_dw, 1));
		TEST_EQ(runs, a.i_runs);
		TEST_EQ(false, disable_work(WORK(&a)));
		TEST_EQ(false, enable_and_queue_work(wq, WORK(&a)));
		TEST_EQ(true, enable_and_queue_work(wq, WORK(&a)));
		TEST_AWAIT(atomic_load(&a.i_runs) > runs);
		(void)cancel_delayed_work_sync(&a.i_dw);
	}
	destroy_workqueue(wq);
}

/*
 * No clock is needed: if the four items do not meet, the test does not end.
 */
static atomic_int met;

static void
barrier_func(struct work_struct *w)
{

	(void)w;
	atomic_fetch_add(&met, 1);
	TEST_AWAIT(atomic_load(&met) >= 4);
}

TEST_TC(burst, "four items of one burst, one warm thread: all run at once")
{
	struct workqueue_struct *wq = alloc_workqueue("burst", WQ_UNBOUND, 0);
	struct item it[4];
	int i;

	item_init(&a, item_func);
	queue_work(wq, WORK(&a));
	flush_workqueue(wq);
	for (i = 0; i < 4; i++)
		item_init(&it[i], barrier_func);
	for (i = 0; i < 4; i++)
		queue_work(wq, WORK(&it[i]));
	flush_workqueue(wq);
	TEST_EQ(4, met);
	destroy_workqueue(wq);
}

static atomic_int now_running, most_running;

static void
count_func(struct work_struct *w)
{
	int n = atomic_fetch_add(&now_running, 1) + 1, m;

	(void)w;
	for (m = atomic_load(&most_running); m < n &&
	    !atomic_compare_exchange_weak(&most_running, &m, n);)
		continue;
	pause_ms(2);
	atomic_fetch_sub(&now_running, 1);
}

TEST_TC(max_active, "no more than max_active items at once; 1 for an ordered "
    "queue")
{
	static struct item it[40];
	struct workqueue_struct *wq;
	int i, max;

	for (max = 0; max < 4; max++) {
		wq = max == 0 ? ordered() :
		    alloc_workqueue("max%d", WQ_UNBOUND, max, max);
		atomic_store(&most_running, 0);
		for (i = 0; i < 40; i++) {
			item_init(&it[i], count_func);
			queue_work(wq, WORK(&it[i]));
		}
		destroy_workqueue(wq);
		TEST_EQ(max == 0 ? 1 : max, most_running);
	}
}

TEST_TC(set_max_active, "max_active can be raised and lowered")
{
	static struct item it[40];
	struct workqueue_struct *wq;
	int i;

	wq = alloc_workqueue("set", WQ_UNBOUND, 1);
	item_init(&a, item_func);
	item_init(&b, item_func);
	item_close(&a, wq, WORK_CPU_UNBOUND);
	queue_work(wq, WORK(&b));
	TEST_EQ(0, b.i_runs);
	/* Now b runs, though a has not ended. */
	workqueue_set_max_active(wq, 2);
	(void)flush_work(WORK(&b));
	TEST_EQ(1, b.i_runs);
	item_open(&a);
	flush_workqueue(wq);
	workqueue_set_max_active(wq, 1);
	/* A surplus thread ends at the latest when it looks for an item. */
	for (i = 0; i < 2; i++) {
		item_init(&c, item_func);
		queue_work(wq, WORK(&c));
		flush_workqueue(wq);
	}
	workqueue_set_max_active(wq, 3);
	for (i = 0; i < 40; i++) {
		item_init(&it[i], count_func);
		queue_work(wq, WORK(&it[i]));
	}
	destroy_workqueue(wq);
	ATF_REQUIRE(most_running <= 3);
}

static void
flush_func(struct work_struct *w)
{
	struct item *i = container_of(w, struct item, i_dw.work);

	item_func(w);
	flush_workqueue(i->i_wq);
}

TEST_TC(set_max_flush, "an item that flushes its queue runs what is there, "
    "if max_active was lowered below the number of running items")
{
	struct workqueue_struct *wq = alloc_workqueue("set", WQ_UNBOUND, 2);

	item_init(&a, flush_func);
	item_init(&b, item_func);
	item_init(&c, item_func);
	a.i_wq = wq;
	item_close(&a, wq, WORK_CPU_UNBOUND);
	item_close(&b, wq, WORK_CPU_UNBOUND);
	TEST_EQ(true, queue_work(wq, WORK(&c)));
	workqueue_set_max_active(wq, 1);
	item_open(&a);
	/* b still runs, so a's thread must run c. */
	TEST_AWAIT(atomic_load(&c.i_runs) == 1);
	item_open(&b);
	destroy_workqueue(wq);
	TEST_EQ(1, a.i_runs);
	TEST_EQ(1, b.i_runs);
}

TEST_TC(flags, "all flags are accepted; the shared queues exist")
{
	struct workqueue_struct *wqs[] = {
		system_wq, system_highpri_wq, system_long_wq,
		system_unbound_wq, system_freezable_wq,
		system_power_efficient_wq, system_percpu_wq, system_dfl_wq
	};
	struct workqueue_struct *wq;
	unsigned i;

	for (i = 0; i < TEST_NELEM(wqs); i++) {
		item_init(&a, item_func);
		queue_work(wqs[i], WORK(&a));
		flush_work(WORK(&a));
		TEST_EQ(1, a.i_runs);
	}
	for (i = 0; i <= 8; i++) {
		wq = alloc_workqueue("flag%u", 1u << i, 0, i);
		ATF_REQUIRE(wq != NULL);
		item_init(&a, item_func);
		queue_work(wq, WORK(&a));
		destroy_workqueue(wq);
		TEST_EQ(1, a.i_runs);
	}
	item_init(&a, item_func);
	TEST_EQ(true, schedule_work(WORK(&a)));
	flush_scheduled_work();
	TEST_EQ(true, schedule_work_on(0, WORK(&a)));
	(void)flush_work(WORK(&a));
	TEST_EQ(true, schedule_delayed_work(&a.i_dw, 1));
	TEST_AWAIT(atomic_load(&a.i_runs) == 3);
	destroy_workqueue(NULL);
}

static DECLARE_WORK(static_work, note_a);
static DECLARE_DELAYED_WORK(static_dw, note_a);

static atomic_int each;

static void
each_func(struct work_struct *w)
{

	(void)w;
	atomic_fetch_add(&each, 1);
}

TEST_TC(others, "DECLARE_WORK, on each CPU, in process context")
{
	struct execute_work ew;

	test_env("WORKQUEUE_NCPU", "3");
	TEST_EQ(true, schedule_work(&static_work));
	(void)flush_work(&static_work);
	TEST_EQ(true, schedule_delayed_work(&static_dw, 1));
	TEST_AWAIT(atomic_load(&norder) == 2);
	ATF_REQUIRE(to_delayed_work(&static_dw.work) == &static_dw);
	TEST_EQ(0, schedule_on_each_cpu(each_func));
	TEST_EQ(3, each);
	TEST_EQ(0, execute_in_process_context(each_func, &ew));
	TEST_EQ(4, each);
}

static atomic_int seen_nice, seen_cpus, seen;

static void
see(struct work_struct *w)
{
	unsigned char cpus[1024] = { 0 };
	size_t i;
	int n = 0;

	(void)w;
	(void)syscall(SYS_sched_getaffinity, 0, sizeof(cpus), cpus);
	for (i = 0; i < sizeof(cpus); i++)
		n += __builtin_popcount(cpus[i]);
	atomic_store(&seen_cpus, n);
	atomic_store(&seen_nice, getpriority(PRIO_PROCESS, 0));
	atomic_fetch_add(&seen, 1);
}

/* A thread that has lowered its priority, and keeps to one CPU. */
static void *
lowered(void *arg)
{
	unsigned char cpus[1024] = { 1 };

	if (setpriority(PRIO_PROCESS, 0, 19) == -1)
		return arg;
	(void)syscall(SYS_sched_setaffinity, 0, sizeof(cpus), cpus);
	*(bool *)arg = setpriority(PRIO_PROCESS, 0, 0) == 0;
	(void)setpriority(PRIO_PROCESS, 0, 19);
	if (*(bool *)arg) {
		struct delayed_work dw;

		INIT_DELAYED_WORK(&dw, see);
		queue_delayed_work(system_unbound_wq, &dw, 1);
		TEST_AWAIT(atomic_load(&seen) == 1);
		cancel_delayed_work_sync(&dw);
	}
	return arg;
}

TEST_TC(shared_queue_nobodys, "the threads of a shared queue have the "
    "scheduling of the process, not of the thread that used it first")
{
	unsigned char cpus[1024] = { 0 };
	bool may = false;
	size_t i;
	int n = 0;

	TEST_NEED(TEST_CAP_PRIORITY, "thread priorities");
	(void)syscall(SYS_sched_getaffinity, 0, sizeof(cpus), cpus);
	for (i = 0; i < sizeof(cpus); i++)
		n += __builtin_popcount(cpus[i]);
	test_join(test_thread(lowered, &may));
	if (!may)
		atf_tc_skip("no permission to raise a thread's priority");
	TEST_EQ(getpriority(PRIO_PROCESS, 0), atomic_load(&seen_nice));
	TEST_EQ(n, atomic_load(&seen_cpus));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, queue);
	ATF_TP_ADD_TC(tp, order_kept);
	ATF_TP_ADD_TC(tp, nonreentrant);
	ATF_TP_ADD_TC(tp, false_promise);
	ATF_TP_ADD_TC(tp, flush_exact);
	ATF_TP_ADD_TC(tp, cancel);
	ATF_TP_ADD_TC(tp, cancel_requeuer);
	ATF_TP_ADD_TC(tp, free_itself);
	ATF_TP_ADD_TC(tp, flush_snapshot);
	ATF_TP_ADD_TC(tp, drain);
	ATF_TP_ADD_TC(tp, destroyed);
	ATF_TP_ADD_TC(tp, delayed_destroyed);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, delays);
	ATF_TP_ADD_TC(tp, mod);
	ATF_TP_ADD_TC(tp, mod_cancelled);
	ATF_TP_ADD_TC(tp, disable);
	ATF_TP_ADD_TC(tp, burst);
	ATF_TP_ADD_TC(tp, max_active);
	ATF_TP_ADD_TC(tp, set_max_active);
	ATF_TP_ADD_TC(tp, set_max_flush);
	ATF_TP_ADD_TC(tp, disable_requeuer);
	ATF_TP_ADD_TC(tp, flags);
	ATF_TP_ADD_TC(tp, others);
	ATF_TP_ADD_TC(tp, reused);
	ATF_TP_ADD_TC(tp, delay_reused);
	ATF_TP_ADD_TC(tp, shared_queue_nobodys);
	return atf_no_error();
}
