/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: the host refuses threads; and moments too short for other tests.
 */

#include <host/host.h>

#include "linux_test.h"

#include <linux/timer.h>

static atomic_int allowed, refused;

static int
refuse(enum host_point point, void *arg)
{

	(void)arg;
	if (point != HOST_POINT_THREAD)
		return 0;
	if (atomic_fetch_sub(&allowed, 1) > 0)
		return 0;
	atomic_fetch_add(&refused, 1);
	return EAGAIN;
}

static void
limit(int n)
{

	atomic_store(&allowed, n);
	atomic_store(&refused, 0);
	__atomic_store_n(&host_hook, refuse, __ATOMIC_RELAXED);
}

static void
nolimit(void)
{

	__atomic_store_n(&host_hook, NULL, __ATOMIC_RELAXED);
}

TEST_TC(create, "no thread at all: NULL or ERR_PTR, and nothing is left "
    "behind")
{
	struct kthread_worker *w;

	test_env("WORKQUEUE_NCPU", "3");
	limit(0);
	ATF_REQUIRE(alloc_workqueue("none", 0, 0) == NULL);
	ATF_REQUIRE(create_singlethread_workqueue("none") == NULL);
	w = kthread_create_worker(0, "none");
	TEST_EQ(-EAGAIN, PTR_ERR(w));
	TEST_EQ(0, keventd_up());
	TEST_EQ(-ENOMEM, schedule_on_each_cpu(item_func));
	limit(2);
	ATF_REQUIRE(alloc_workqueue("two", 0, 0) == NULL);
	nolimit();
	TEST_EQ(1, keventd_up());
}

static int
never(void *arg)
{

	(void)arg;
	atf_tc_fail("a thread without memory");
}

static int
refuse_memory(enum host_point point, void *arg)
{

	(void)arg;
	return point == HOST_POINT_ALLOC ? ENOMEM : 0;
}

TEST_TC(memory, "no memory: NULL, or ERR_PTR(-ENOMEM)")
{
	struct kthread_worker *w;
	struct task_struct *t;

	__atomic_store_n(&host_hook, refuse_memory, __ATOMIC_RELAXED);
	ATF_REQUIRE(alloc_workqueue("none", 0, 0) == NULL);
	ATF_REQUIRE(alloc_ordered_workqueue("none", 0) == NULL);
	ATF_REQUIRE(create_workqueue("none") == NULL);
	w = kthread_create_worker(0, "none");
	TEST_EQ(-ENOMEM, PTR_ERR(w));
	w = kthread_create_worker_on_cpu(0, 0, "none");
	TEST_EQ(-ENOMEM, PTR_ERR(w));
	t = kthread_create(never, NULL, "none");
	TEST_EQ(-ENOMEM, PTR_ERR(t));
	TEST_EQ(0, keventd_up());
	TEST_EQ(-ENOMEM, schedule_on_each_cpu(item_func));
	nolimit();
	TEST_EQ(1, keventd_up());
}

/* The threads of delays, the lender and the rescuer. */
#define	EXTRA		3

TEST_TC(one, "one thread besides those of the library, and no more: "
    "everything runs")
{
	static struct item it[50];
	struct workqueue_struct *wq;
	int i;

	limit(EXTRA + 1);
	wq = alloc_workqueue("one", WQ_UNBOUND, 0);
	ATF_REQUIRE(wq != NULL);
	for (i = 0; i < 50; i++) {
		item_init(&it[i], item_func);
		queue_work(wq, WORK(&it[i]));
	}
	flush_workqueue(wq);
	for (i = 0; i < 50; i++) {
		TEST_EQ(1, it[i].i_runs);
		queue_work(wq, WORK(&it[i]));
	}
	destroy_workqueue(wq);
	for (i = 0; i < 50; i++)
		TEST_EQ(2, it[i].i_runs);
	ATF_REQUIRE(atomic_load(&refused) > 0);
	nolimit();
}

static atomic_int delayed_ran;

static void
delayed_func(struct work_struct *w)
{

	(void)w;
	atomic_fetch_add(&delayed_ran, 1);
}

/* The back end may start a thread for timers meanwhile. */
static void
grown(int from, int by)
{
	int n = test_nthreads() - from;

	ATF_REQUIRE_MSG(n == by || n == by + 1, "%d more threads, not %d", n,
	    by);
}

TEST_TC(lazy, "a workqueue has no thread before its first item, unless it is "
    "one of 2003 or WQ_MEM_RECLAIM")
{
	static struct item it;
	struct workqueue_struct *wq;
	int n;

	test_env("WORKQUEUE_NCPU", "64");
	if ((n = test_nthreads_alone()) == -1)
		atf_tc_skip("host: the number of threads is not known");
	ATF_REQUIRE(alloc_workqueue("bound", 0, 0) != NULL);
	ATF_REQUIRE(alloc_workqueue("unbound", WQ_UNBOUND, 0) != NULL);
	/* No spare thread. */
	ATF_REQUIRE((wq = alloc_workqueue("single", 0, 1)) != NULL);
	TEST_EQ(n + EXTRA, test_nthreads());
	item_init(&it, item_func);
	queue_work_on(5, wq, WORK(&it));
	flush_work(WORK(&it));
	n += EXTRA;
	grown(n, 1);
	ATF_REQUIRE(alloc_workqueue("reclaim", WQ_MEM_RECLAIM, 0) != NULL);
	grown(n, 65);
	ATF_REQUIRE(alloc_ordered_workqueue("reclaim", WQ_MEM_RECLAIM) !=
	    NULL);
	ATF_REQUIRE(create_singlethread_workqueue("2003") != NULL);
	grown(n, 67);
	ATF_REQUIRE(create_workqueue("2003") != NULL);
	grown(n, 131);
}

TEST_TC(none_later, "no thread once the workqueues exist: everything runs")
{
	static struct item it[60];
	struct workqueue_struct *wqs[3];
	struct delayed_work dw;
	int i;

	test_env("WORKQUEUE_NCPU", "3");
	wqs[0] = alloc_workqueue("bound", 0, 0);
	wqs[1] = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	wqs[2] = alloc_ordered_workqueue("ordered", 0);
	limit(0);
	INIT_DELAYED_WORK(&dw, delayed_func);
	ATF_REQUIRE(queue_delayed_work(wqs[2], &dw, 1));
	for (i = 0; i < 60; i++) {
		item_init(&it[i], item_func);
		queue_work_on(i % 3, wqs[i / 3 % 3], WORK(&it[i]));
	}
	/* First without a thread that waits. */
	for (i = 0; i < 60; i++)
		TEST_AWAIT(atomic_load(&it[i].i_runs) == 1);
	TEST_AWAIT(atomic_load(&delayed_ran) == 1);
	for (i = 0; i < 60; i++)
		queue_work_on(i % 3, wqs[i / 3 % 3], WORK(&it[i]));
	for (i = 0; i < 3; i++)
		destroy_workqueue(wqs[i]);
	for (i = 0; i < 60; i++)
		TEST_EQ(2, it[i].i_runs);
	ATF_REQUIRE(atomic_load(&refused) > 0);
	nolimit();
}

/*
 * A thread is refused while the only one is blocked, and granted later.
 */
static void
spare_comes(int threads, bool flush)
{
	struct workqueue_struct *wq;
	struct item a, b;

	item_init(&a, item_func);
	item_init(&b, item_func);
	limit(threads);
	wq = alloc_workqueue("spare", WQ_UNBOUND, 0);
	ATF_REQUIRE(wq != NULL);
	item_close(&a, wq, WORK_CPU_UNBOUND);
	ATF_REQUIRE(atomic_load(&refused) > 0);
	queue_work(wq, WORK(&b));
	nolimit();
	if (flush)
		ATF_REQUIRE(flush_work(WORK(&b)));
	else
		TEST_AWAIT(atomic_load(&b.i_runs) == 1);
	TEST_EQ(1, b.i_runs);
	TEST_EQ(0, a.i_runs);
	item_open(&a);
	destroy_workqueue(wq);
}

TEST_TC(spare, "a thread refused while all others are blocked: a flush gets "
    "it later")
{

	spare_comes(EXTRA + 1, true);
}

TEST_TC(spare_unseen, "a thread refused while all others are blocked comes "
    "later, even if nothing flushes")
{

	spare_comes(EXTRA + 1, false);
}

TEST_TC(bind, "a thread that cannot be bound stays as it was")
{
	struct kthread_worker *w;
	struct kthread_work k;

	/* Permit the worker's thread and the one for delays. */
	limit(2);
	w = kthread_create_worker_on_cpu(0, 0, "unbound");
	ATF_REQUIRE(!IS_ERR(w));
	nolimit();
	kthread_init_work(&k, NULL);
	kthread_flush_worker(w);
	kthread_destroy_worker(w);
}

/*
 * A delayed item, at moments of its life that are too short for other tests.
 */
#define	ITEM_PENDING	1u	/* LWQ_PENDING */
#define	TIMER_READY	1	/* LWQ_T_READY */
#define	TIMER_FIRING	2	/* LWQ_T_FIRING */

static struct item delayed;

static void
delay(int state)
{

	item_init(&delayed, item_func);
	ATF_REQUIRE(schedule_delayed_work(&delayed.i_dw, 1000 * HZ));
	delayed.i_dw.work.__ws_timer.__t_state = state;
}

static void
init_firing(void)
{

	delay(TIMER_FIRING);
	INIT_DELAYED_WORK(&delayed.i_dw, item_func);
}

TEST_TC(init, "INIT_WORK of an item whose timer has just been called panics")
{

	test_panics(init_firing, "INIT_WORK", "still pending on \"events\"",
	    NULL);
}

static void
cancels(void)
{

	if (!cancel_delayed_work_sync(&delayed.i_dw) ||
	    delayed_work_pending(&delayed.i_dw))
		_exit(10);
}

static void
inits(void)
{

	INIT_DELAYED_WORK(&delayed.i_dw, item_func);
	if (delayed_work_pending(&delayed.i_dw))
		_exit(10);
}

static void
mods(void)
{

#ifndef TEST_TSAN		/* a child may have no threads there */
	if (!mod_delayed_work(system_wq, &delayed.i_dw, 1))
		_exit(10);
	TEST_AWAIT(atomic_load(&delayed.i_runs) == 1);
#endif
}

TEST_TC(fork_firing, "a process forks as a timer is called, or before the "
    "item is enqueued: the child can cancel, modify and initialise the item")
{

	delay(TIMER_FIRING);
	test_lives(cancels);
	test_lives(mods);
	test_lives(inits);
	delayed.i_dw.work.__ws_timer.__t_state = TIMER_READY;
	TEST_EQ(true, cancel_delayed_work_sync(&delayed.i_dw));
	/* The timer has fired, and the item is not enqueued yet. */
	delayed.i_dw.work.__ws_item.__i_state = ITEM_PENDING;
	test_lives(cancels);
	test_lives(mods);
	test_lives(inits);
	delayed.i_dw.work.__ws_item.__i_state = 0;
}

/*
 * A worker that is asked to end.
 */
struct wqpool;
struct work;
void	__real_wqpool_enqueue(struct wqpool *, struct work *);
void	__wrap_wqpool_enqueue(struct wqpool *, struct work *);
void	__real_wqpool_finish(struct wqpool *);
void	__wrap_wqpool_finish(struct wqpool *);

#define	ENDLESS	100000		/* enough runs */

static DEFINE_KTHREAD_WORKER(worker);
static _Atomic(struct kthread_work *) late;
static atomic_int nruns, nrefused;

static void
endless_func(struct kthread_work *w)
{

	if (atomic_fetch_add(&nruns, 1) < ENDLESS &&
	    !kthread_queue_work(&worker, w))
		atomic_fetch_add(&nrefused, 1);
}

static void
nothing_func(struct kthread_work *w)
{

	(void)w;
}

/*
 * The worker is idle; an item comes before the pool knows that it is to end.
 */
void
__wrap_wqpool_finish(struct wqpool *p)
{
	struct kthread_work *w = atomic_exchange(&late, NULL);

	if (w != NULL) {
		kthread_flush_worker(&worker);
		kthread_flush_worker(&worker);
		kthread_flush_worker(&worker);
		ATF_REQUIRE(kthread_queue_work(&worker, w));
	}
	__real_wqpool_finish(p);
}

TEST_TC(late_endless, "an item that enqueues itself, and comes as its worker "
    "is asked to end, is refused eventually")
{
	static DEFINE_KTHREAD_WORK(endless, endless_func);
	static DEFINE_KTHREAD_WORK(first, nothing_func);
	struct task_struct *t;
	int i;

	for (i = 1; i <= 3; i++) {
		kthread_queue_work(&worker, &first);
		t = kthread_run(kthread_worker_fn, &worker, "endless");
		ATF_REQUIRE(!IS_ERR(t));
		kthread_flush_work(&first);
		atomic_store(&nruns, 0);
		atomic_store(&late, &endless);
		TEST_EQ(0, kthread_stop(t));
		TEST_EQ(i, nrefused);
		ATF_REQUIRE_MSG(nruns < ENDLESS, "%d runs", nruns);
	}
}

static struct kthread_delayed_work fired;
static atomic_int nfired, destroyed;
static sem_t firing;

static void
fired_func(struct kthread_work *w)
{

	(void)w;
	atomic_fetch_add(&nfired, 1);
}

/*
 * The callout is preempted for as long as a destroy that did not wait would
 * take.
 */
void
__wrap_wqpool_enqueue(struct wqpool *p, struct work *w)
{
	int i;

	if ((void *)w == &fired) {
		sem_post(&firing);
		for (i = 0; i < 50 && !atomic_load(&destroyed); i++)
			pause_ms(1);
	}
	__real_wqpool_enqueue(p, w);
}

TEST_TC(fire_destroy, "a delayed item that is being enqueued as its worker "
    "is destroyed runs before")
{
	struct kthread_worker *w;

	sem_init(&firing, 0, 0);
	kthread_init_delayed_work(&fired, fired_func);
	w = kthread_create_worker(0, "fire");
	ATF_REQUIRE(!IS_ERR(w));
	TEST_EQ(true, kthread_queue_delayed_work(w, &fired, 1));
	test_sem_wait(&firing);
	kthread_destroy_worker(w);
	atomic_store(&destroyed, 1);
	TEST_EQ(1, nfired);
	TEST_EQ(false, kthread_cancel_delayed_work_sync(&fired));
}

/*
 * The host refuses the thread of callouts, or any.
 */
static int
no_callouts(enum host_point point, void *arg)
{
	struct host_thread *ht = arg;

	return point == HOST_POINT_THREAD &&
	    strcmp(ht->ht_name, "callout") == 0 ? EAGAIN : 0;
}

static int
no_threads(enum host_point point, void *arg)
{

	(void)arg;
	return point == HOST_POINT_THREAD ? EAGAIN : 0;
}

static void
delayed_kfunc(struct kthread_work *kk)
{

	(void)kk;
	atomic_fetch_add(&delayed_ran, 1);
}

TEST_TC(delays_refused, "a queue or worker that gets no thread for delays is "
    "not created; a created one accepts delays without another thread")
{
	struct kthread_delayed_work kd;
	struct workqueue_struct *wq;
	struct kthread_worker *kw, own;
	struct delayed_work dw;

	__atomic_store_n(&host_hook, no_callouts, __ATOMIC_RELAXED);
	ATF_REQUIRE(alloc_ordered_workqueue("ordered", 0) == NULL);
	ATF_REQUIRE(alloc_workqueue("bound", 0, 1) == NULL);
	ATF_REQUIRE(alloc_workqueue("unbound", WQ_UNBOUND, 0) == NULL);
	TEST_EQ(-EAGAIN, PTR_ERR(kthread_create_worker(0, "worker")));
	kthread_init_worker(&own);
	TEST_EQ(-EAGAIN, PTR_ERR(kthread_run(kthread_worker_fn, &own,
	    "own")));

	__atomic_store_n(&host_hook, NULL, __ATOMIC_RELAXED);
	wq = alloc_ordered_workqueue("ordered", 0);
	ATF_REQUIRE(wq != NULL);
	kw = kthread_create_worker(0, "worker");
	ATF_REQUIRE(!IS_ERR(kw));
	__atomic_store_n(&host_hook, no_threads, __ATOMIC_RELAXED);
	INIT_DELAYED_WORK(&dw, delayed_func);
	ATF_REQUIRE(queue_delayed_work(wq, &dw, 1));
	kthread_init_delayed_work(&kd, delayed_kfunc);
	ATF_REQUIRE(kthread_queue_delayed_work(kw, &kd, 1));
	TEST_AWAIT(atomic_load(&delayed_ran) == 2);
	__atomic_store_n(&host_hook, NULL, __ATOMIC_RELAXED);
	destroy_workqueue(wq);
	kthread_destroy_worker(kw);
}

/*
 * A timer's callout is selected as the timer is armed or deleted.
 */
bool	wqk_callout_expired(void *);
bool	__real_wqk_callout_stop(void *);
bool	__wrap_wqk_callout_stop(void *);

static struct timer_list due;
static void *expires;		/* the callout that is due first */
static atomic_int ndue;
static int ndue_before;		/* when it was armed */

static void
due_func(struct timer_list *t)
{

	(void)t;
	atomic_fetch_add(&ndue, 1);
}

bool
__wrap_wqk_callout_stop(void *c)
{

	/*
	 * The lock is held, so its function is about to be called and waits.
	 * Or it has been called before this thread took the lock.
	 */
	if (c == expires) {
		expires = NULL;
		TEST_AWAIT(wqk_callout_expired(c) ||
		    atomic_load(&ndue) != ndue_before);
	}
	return __real_wqk_callout_stop(c);
}

TEST_TC(timer_taken, "a change to a timer just before its function is called "
    "is too late for that call, and holds for the next")
{

	timer_setup(&due, due_func, 0);
	TEST_EQ(0, mod_timer(&due, jiffies + 5));
	expires = due.__tl_callout;
	TEST_EQ(0, mod_timer(&due, jiffies + 1000000));
	TEST_AWAIT(atomic_load(&ndue) == 1);
	TEST_EQ(1, timer_pending(&due));
	TEST_EQ(1, del_timer_sync(&due));
	TEST_EQ(1, atomic_load(&ndue));

	ndue_before = 1;
	TEST_EQ(0, mod_timer(&due, jiffies + 5));
	expires = due.__tl_callout;
	TEST_EQ(0, del_timer(&due));
	TEST_EQ(0, del_timer_sync(&due));
	TEST_EQ(2, atomic_load(&ndue));
	TEST_EQ(0, timer_pending(&due));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, create);
	ATF_TP_ADD_TC(tp, memory);
	ATF_TP_ADD_TC(tp, lazy);
	ATF_TP_ADD_TC(tp, none_later);
	ATF_TP_ADD_TC(tp, one);
	ATF_TP_ADD_TC(tp, spare);
	ATF_TP_ADD_TC(tp, spare_unseen);
	ATF_TP_ADD_TC(tp, bind);
	ATF_TP_ADD_TC(tp, init);
	ATF_TP_ADD_TC(tp, fork_firing);
	ATF_TP_ADD_TC(tp, late_endless);
	ATF_TP_ADD_TC(tp, fire_destroy);
	ATF_TP_ADD_TC(tp, timer_taken);
	ATF_TP_ADD_TC(tp, delays_refused);
	return atf_no_error();
}
