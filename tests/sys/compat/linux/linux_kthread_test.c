/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kthread_worker, and its threads.
 */

#include "linux_test.h"

struct kitem {
	struct kthread_delayed_work k_dw;
	sem_t		 k_entered, k_open;
	atomic_int	 k_gate, k_runs;
	struct kthread_worker *k_worker;
	int		 k_order;
};
#define	KW(k)	(&(k)->k_dw.work)

static struct kitem a, b, c;
static atomic_int norder;

static void
kfunc(struct kthread_work *w)
{
	struct kitem *k = container_of(w, struct kitem, k_dw.work);

	k->k_order = atomic_fetch_add(&norder, 1);
	if (atomic_load(&k->k_gate)) {
		sem_post(&k->k_entered);
		test_sem_wait(&k->k_open);
	}
	atomic_fetch_add(&k->k_runs, 1);
	if (k->k_worker != NULL)
		(void)kthread_queue_work(k->k_worker, w);
}

static void
kinit(struct kitem *k)
{

	memset(k, 0, sizeof(*k));
	kthread_init_delayed_work(&k->k_dw, kfunc);
	sem_init(&k->k_entered, 0, 0);
	sem_init(&k->k_open, 0, 0);
}

static void
kclose(struct kitem *k, struct kthread_worker *w)
{

	atomic_store(&k->k_gate, 1);
	TEST_EQ(true, kthread_queue_work(w, KW(k)));
	test_sem_wait(&k->k_entered);
}

static void
kopen(struct kitem *k)
{

	atomic_store(&k->k_gate, 0);
	sem_post(&k->k_open);
}

static DEFINE_KTHREAD_WORKER(worker);
static atomic_int plain;

static void
plain_func(struct kthread_work *w)
{

	(void)w;
	atomic_fetch_add(&plain, 1);
}

static DEFINE_KTHREAD_WORK(defined, plain_func);
static DEFINE_KTHREAD_DELAYED_WORK(defined_dw, plain_func);

TEST_TC(late, "items may be enqueued before the worker starts, and it may be "
    "restarted")
{
	struct task_struct *t;
	int i;

	TEST_EQ(true, kthread_queue_work(&worker, &defined));
	TEST_EQ(false, queue_kthread_work(&worker, &defined));
	TEST_EQ(true, kthread_queue_delayed_work(&worker, &defined_dw, 1));
	pause_ms(30);
	TEST_EQ(0, plain);
	for (i = 0; i < 20; i++) {
		t = kthread_run(kthread_worker_fn, &worker, "late/%d", i);
		ATF_REQUIRE(!IS_ERR(t));
		flush_kthread_worker(&worker);
		/* In the first round the delay may not be over yet. */
		TEST_AWAIT(i > 0 || atomic_load(&plain) == 2);
		TEST_EQ(2 + i, plain);
		TEST_EQ(0, kthread_stop(t));
		kthread_queue_work(&worker, &defined);
	}
	t = kthread_run(kthread_worker_fn, &worker, "last");
	flush_kthread_work(&defined);
	TEST_EQ(0, kthread_stop(t));
	TEST_EQ(22, plain);
}

TEST_TC(fifo, "one thread, strict order; false while pending")
{
	struct kthread_worker *w = kthread_create_worker(0, "fifo%d", 1);

	ATF_REQUIRE(!IS_ERR(w));
	kinit(&a);
	kinit(&b);
	kinit(&c);
	kclose(&a, w);
	TEST_EQ(true, kthread_queue_work(w, KW(&c)));
	TEST_EQ(true, kthread_queue_work(w, KW(&b)));
	TEST_EQ(false, kthread_queue_work(w, KW(&c)));
	TEST_EQ(true, kthread_queue_work(w, KW(&a)));
	kopen(&a);
	kthread_flush_work(KW(&b));
	TEST_EQ(1, c.k_order);
	TEST_EQ(2, b.k_order);
	kthread_flush_worker(w);
	TEST_EQ(2, a.k_runs);
	TEST_EQ(3, a.k_order);
	kthread_destroy_worker(w);
}

static struct kthread_work late_one, late_two;
static struct kthread_worker *late_worker;
static atomic_int late_ran, late_cancelled, late_waited;

/*
 * If the destroyer has not looked at the enqueued items yet, it waits for this
 * one, and does not stop the worker.  Then return.
 */
static void
run_late(struct kthread_work *w)
{
	int i;

	if (w != &late_one) {
		atomic_fetch_add(&late_ran, 1);
		return;
	}
	for (i = 0; i < 100 && !kthread_should_stop(); i++)
		pause_ms(5);
	if (!kthread_should_stop())
		return;
	atomic_store(&late_waited, 1);
	atomic_store(&late_cancelled, kthread_cancel_work_sync(&late_two));
}

static void
queue_late(struct kthread_work *w)
{
	struct kitem *k = container_of(w, struct kitem, k_dw.work);

	sem_post(&k->k_entered);
	test_sem_wait(&k->k_open);
	(void)kthread_queue_work(late_worker, &late_one);
	(void)kthread_queue_work(late_worker, &late_two);
}

static void *
destroys(void *arg)
{

	kthread_destroy_worker(arg);
	return NULL;
}

TEST_TC(destroy_cancels, "an item may cancel another while its worker is "
    "being destroyed")
{
	pthread_t t;

	do {
		atomic_store(&late_ran, 0);
		late_worker = kthread_create_worker(0, "late");
		ATF_REQUIRE(!IS_ERR(late_worker));
		kinit(&a);
		kthread_init_work(KW(&a), queue_late);
		kthread_init_work(&late_one, run_late);
		kthread_init_work(&late_two, run_late);
		TEST_EQ(true, kthread_queue_work(late_worker, KW(&a)));
		test_sem_wait(&a.k_entered);
		t = test_thread(destroys, late_worker);
		/* The destroyer has probably looked by now. */
		pause_ms(20);
		ATF_REQUIRE(sem_post(&a.k_open) == 0);
		test_join(t);
	} while (!atomic_load(&late_waited));
	TEST_EQ(1, late_cancelled);
	TEST_EQ(0, late_ran);
}

TEST_TC(destroy, "destroying a worker runs what is enqueued")
{
	struct kthread_worker *w = kthread_run_worker(KTW_FREEZABLE, "d");
	int i;

	for (i = 0; i < 50; i++) {
		kinit(&a);
		kinit(&b);
		kthread_queue_work(w, KW(&a));
		kthread_queue_work(w, KW(&b));
		kthread_destroy_worker(w);
		TEST_EQ(1, a.k_runs);
		TEST_EQ(1, b.k_runs);
		w = kthread_create_worker(0, "d");
	}
	kthread_destroy_worker(w);
}

static void
chain(struct kthread_work *w)
{
	struct kitem *k = container_of(w, struct kitem, k_dw.work);

	if (atomic_load(&k->k_gate) && atomic_load(&k->k_runs) == 0) {
		sem_post(&k->k_entered);
		test_sem_wait(&k->k_open);
	}
	if (atomic_fetch_add(&k->k_runs, 1) < 50)
		TEST_EQ(true, kthread_queue_work(k->k_worker, w));
}

TEST_TC(destroy_chain, "while a worker is destroyed or its thread stopped, "
    "items may enqueue each other and themselves for some time")
{
	struct task_struct *t;
	int i;

	for (i = 0; i < 50; i++) {
		kinit(&a);
		kinit(&b);
		kthread_init_work(KW(&a), chain);
		kthread_init_work(KW(&b), chain);
		a.k_worker = b.k_worker = i % 2 == 0 ? &worker :
		    kthread_create_worker(0, "chain");
		t = i % 2 != 0 ? NULL :
		    kthread_run(kthread_worker_fn, &worker, "chain");
		atomic_store(&a.k_gate, 1);
		TEST_EQ(true, kthread_queue_work(a.k_worker, KW(&a)));
		TEST_EQ(true, kthread_queue_work(b.k_worker, KW(&b)));
		test_sem_wait(&a.k_entered);
		kopen(&a);
		if (i % 2 == 0)
			TEST_EQ(0, kthread_stop(t));
		else
			kthread_destroy_worker(a.k_worker);
		TEST_EQ(51, a.k_runs);
		TEST_EQ(51, b.k_runs);
	}
}

TEST_TC(cancel, "cancel returns true if the item was pending, and waits for "
    "a run")
{
	struct kthread_worker *w = kthread_create_worker(0, "c");
	int i, n;

	kinit(&a);
	kinit(&b);
	TEST_EQ(false, kthread_cancel_work_sync(KW(&b)));
	kclose(&a, w);
	kthread_queue_work(w, KW(&b));
	TEST_EQ(true, kthread_cancel_work_sync(KW(&b)));
	kopen(&a);
	TEST_EQ(false, kthread_cancel_work_sync(KW(&a)));
	TEST_EQ(1, a.k_runs);
	/* An item that enqueues itself. */
	for (i = 0; i < 100; i++) {
		b.k_worker = w;
		n = b.k_runs;
		kthread_queue_work(w, KW(&b));
		TEST_AWAIT(atomic_load(&b.k_runs) != n);
		(void)kthread_cancel_work_sync(KW(&b));
		n = b.k_runs;
		kthread_flush_worker(w);
		TEST_EQ(n, b.k_runs);
	}
	kthread_destroy_worker(w);
}

static void *
canceller(void *arg)
{

	(void)kthread_cancel_delayed_work_sync(arg);
	return NULL;
}

TEST_TC(queue_cancelled, "enqueueing returns false while a cancel waits for "
    "the item, and true later")
{
	struct kthread_worker *w = kthread_create_worker(0, "qc");
	pthread_t t;

	kinit(&a);
	kclose(&a, w);
	t = test_thread(canceller, &a.k_dw);
	/* An item that is pending before the cancel is cancelled. */
	TEST_AWAIT(!kthread_mod_delayed_work(w, &a.k_dw, 1000 * HZ) &&
	    !kthread_mod_delayed_work(w, &a.k_dw, 1000 * HZ));
	TEST_EQ(false, kthread_queue_work(w, KW(&a)));
	TEST_EQ(false, kthread_queue_delayed_work(w, &a.k_dw, 0));
	kopen(&a);
	test_join(t);
	TEST_EQ(false, kthread_cancel_delayed_work_sync(&a.k_dw));
	TEST_EQ(1, a.k_runs);
	TEST_EQ(true, kthread_queue_work(w, KW(&a)));
	kthread_destroy_worker(w);
	TEST_EQ(2, a.k_runs);
}

TEST_TC(delayed, "delays: false if pending; mod; cancel")
{
	struct kthread_worker *w = kthread_create_worker(0, "dl");
	int64_t t0;

	kinit(&a);
	TEST_EQ(true, kthread_queue_delayed_work(w, &a.k_dw, 1000 * HZ));
	TEST_EQ(false, kthread_queue_delayed_work(w, &a.k_dw, 0));
	TEST_EQ(false, kthread_queue_work(w, KW(&a)));
	/* A flush does not wait for a delayed item. */
	kthread_flush_worker(w);
	TEST_EQ(0, a.k_runs);
	t0 = test_now();
	TEST_EQ(true, kthread_mod_delayed_work(w, &a.k_dw, 3));
	TEST_AWAIT(atomic_load(&a.k_runs) == 1);
	ATF_REQUIRE(test_now() - t0 >= 3 * (1000000000LL / HZ));
	TEST_EQ(false, kthread_mod_delayed_work(w, &a.k_dw, 1000 * HZ));
	TEST_EQ(true, kthread_mod_delayed_work(w, &a.k_dw, 2000 * HZ));
	TEST_EQ(true, kthread_cancel_delayed_work_sync(&a.k_dw));
	TEST_EQ(false, kthread_cancel_delayed_work_sync(&a.k_dw));
	/* A cancel need not know of the delay. */
	TEST_EQ(true, kthread_queue_delayed_work(w, &a.k_dw, 1000 * HZ));
	TEST_EQ(true, kthread_cancel_work_sync(KW(&a)));
	TEST_EQ(false, kthread_mod_delayed_work(w, &a.k_dw, 0));
	kthread_flush_work(KW(&a));
	TEST_EQ(2, a.k_runs);
	kthread_destroy_worker(w);
}

static void
pending_destroy(void)
{
	struct kthread_worker *w = kthread_create_worker(0, "pd");

	kinit(&a);
	kthread_queue_delayed_work(w, &a.k_dw, 1000 * HZ);
	kthread_destroy_worker(w);
	if (!kthread_cancel_delayed_work_sync(&a.k_dw) ||
	    kthread_queue_work(w, KW(&a)) || a.k_runs != 0)
		_exit(1);
}

TEST_TC(destroyed, "a destroyed worker prints a message, and runs nothing")
{

	test_says(pending_destroy, "1 delayed work items are pending",
	    "is destroyed", NULL);
}

#define	NREUSED	100

TEST_TC(reused, "the memory of destroyed workers and queues is reused, "
    "unless a delay refers to it")
{
	static void *kws[NREUSED], *wqs[NREUSED];
	struct workqueue_struct *wq;
	struct kthread_worker *w;
	struct delayed_work dw;
	int i, j, nkws, nwqs;

	kinit(&a);
	INIT_DELAYED_WORK(&dw, NULL);
	nkws = nwqs = 0;
	for (i = 0; i < NREUSED; i++) {
		w = kthread_create_worker(0, "reused");
		wq = alloc_ordered_workqueue("reused", 0);
		ATF_REQUIRE(!IS_ERR(w) && wq != NULL);
		if (i == 0) {
			kthread_queue_delayed_work(w, &a.k_dw, 1000 * HZ);
			queue_delayed_work(wq, &dw, 1000 * HZ);
		}
		for (j = 0; j < nkws && kws[j] != w; j++)
			continue;
		if (j == nkws)
			kws[nkws++] = w;
		for (j = 0; j < nwqs && wqs[j] != wq; j++)
			continue;
		if (j == nwqs)
			wqs[nwqs++] = wq;
		ATF_REQUIRE(i == 0 || (w != kws[0] && wq != wqs[0]));
		kthread_destroy_worker(w);
		destroy_workqueue(wq);
	}
	ATF_REQUIRE_MSG(nkws < NREUSED / 2, "%d workers", nkws);
	ATF_REQUIRE_MSG(nwqs < NREUSED / 2, "%d queues", nwqs);
	TEST_EQ(true, kthread_cancel_delayed_work_sync(&a.k_dw));
	TEST_EQ(true, cancel_delayed_work_sync(&dw));
}

static atomic_int where, ncpus;
static char where_name[16];

static void
where_func(struct kthread_work *w)
{

	(void)w;
#ifdef __linux__
	cpu_set_t set;

	CPU_ZERO(&set);
	(void)sched_getaffinity(0, sizeof(set), &set);
	atomic_store(&ncpus, CPU_COUNT(&set));
	pthread_getname_np(pthread_self(), where_name, sizeof(where_name));
	atomic_store(&where, sched_getcpu());
#endif
}

TEST_TC(on_cpu, "a worker on a CPU has its name; ERR_PTR if there is no such "
    "CPU")
{
	struct kthread_worker *w;
	struct kthread_work k;

	w = kthread_create_worker_on_cpu(100000, 0, "no");
	TEST_EQ(true, IS_ERR(w));
	TEST_EQ(-EINVAL, PTR_ERR(w));
	w = kthread_run_worker_on_cpu(0, 0, "cpu/%u", 0u);
	ATF_REQUIRE(!IS_ERR(w));
	kthread_init_work(&k, where_func);
	atomic_store(&where, -1);
	kthread_queue_work(w, &k);
	kthread_flush_worker(w);
#ifdef __linux__
	ATF_REQUIRE(atomic_load(&where) != -1);
	if ((wqk_hostcaps() & TEST_CAP_AFFINITY) != 0)
		TEST_EQ(1, ncpus);
	if ((wqk_hostcaps() & TEST_CAP_NAMES) != 0)
		ATF_REQUIRE_STREQ("cpu/0", where_name);
#endif
	kthread_destroy_worker(w);
}

static void
named(struct kthread_worker *w, const char *name)
{
	struct kthread_work k;

	ATF_REQUIRE(!IS_ERR(w));
	kthread_init_work(&k, where_func);
	kthread_queue_work(w, &k);
	kthread_flush_worker(w);
	ATF_REQUIRE_STREQ(name, where_name);
	kthread_destroy_worker(w);
}

TEST_TC(cpu_name, "a format without arguments is given the worker's CPU, "
    "another its own arguments")
{

	TEST_NEED(TEST_CAP_NAMES, "names of threads");
	test_env("WORKQUEUE_NCPU", "2");
	named(kthread_run_worker_on_cpu(1, 0, "cpu/%u"), "cpu/1");
	named(kthread_create_worker_on_cpu(1, 0, "plain"), "plain");
	named(kthread_create_worker_on_cpu(1, 0, "a/%s", "b"), "a/b");
	named(kthread_run_worker_on_cpu(1, 0, "%d%d%d%d%d%d%d%d%d", 1, 2, 3,
	    4, 5, 6, 7, 8, 9), "123456789");
}

static int
until_stopped(void *arg)
{
	int *woken = arg;

	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop()) {
			schedule();
			__atomic_add_fetch(woken, 1, __ATOMIC_RELAXED);
		}
		set_current_state(TASK_RUNNING);
	}
	return 42;
}

static int
at_once(void *arg)
{

	return *(int *)arg;
}

TEST_TC(threads, "kthread_create, wake_up_process, kthread_stop and its "
    "result")
{
	struct task_struct *t;
	int i, n = 0;

	t = kthread_run(until_stopped, &n, "until");
	for (i = 1; i <= 3; i++)
		TEST_AWAIT((wake_up_process(t),
		    __atomic_load_n(&n, __ATOMIC_RELAXED) >= i));
	TEST_EQ(42, kthread_stop(t));
	/* A thread that is stopped before it begins. */
	t = kthread_create(until_stopped, &n, "never");
	TEST_EQ(-EINTR, kthread_stop(t));
	/* A bound thread that returns by itself. */
	n = 7;
	t = kthread_create(at_once, &n, "bound");
	kthread_bind(t, 0);
	TEST_EQ(1, wake_up_process(t));
	i = kthread_stop(t);
	ATF_REQUIRE_MSG(i == 7 || i == -EINTR, "%d", i);
	TEST_EQ(false, kthread_should_stop());
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, late);
	ATF_TP_ADD_TC(tp, fifo);
	ATF_TP_ADD_TC(tp, destroy);
	ATF_TP_ADD_TC(tp, destroy_cancels);
	ATF_TP_ADD_TC(tp, destroy_chain);
	ATF_TP_ADD_TC(tp, cancel);
	ATF_TP_ADD_TC(tp, queue_cancelled);
	ATF_TP_ADD_TC(tp, delayed);
	ATF_TP_ADD_TC(tp, destroyed);
	ATF_TP_ADD_TC(tp, reused);
	ATF_TP_ADD_TC(tp, on_cpu);
	ATF_TP_ADD_TC(tp, cpu_name);
	ATF_TP_ADD_TC(tp, threads);
	return atf_no_error();
}
