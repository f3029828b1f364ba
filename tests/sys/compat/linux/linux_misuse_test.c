/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Errors that make Linux warn or hang.  The library prints a clear message and
 * continues, or panics and says why.
 */

#include <sys/mman.h>

#include "linux_test.h"

#include <linux/interrupt.h>
#include <linux/timer.h>

static struct item a, b;
static struct workqueue_struct *wq;

/* The queue works in spite of the error. */
static void
works(struct workqueue_struct *q)
{

	if (q == NULL)
		_exit(1);
	item_init(&a, item_func);
	if (!queue_work(q, WORK(&a)))
		_exit(2);
	(void)flush_work(WORK(&a));
	if (a.i_runs != 1)
		_exit(3);
	destroy_workqueue(q);
}

static void
long_name(void)
{

	works(alloc_workqueue("a name of %s", WQ_UNBOUND, 0,
	    "many more characters than any name may have"));
	works(create_workqueue("0123456789012345678901234567890123456789"));
	works(create_workqueue("14-characters!"));
	works(create_singlethread_workqueue("16-characters..."));
	works(alloc_ordered_workqueue("%s", 0, "16-characters..."));
}

/* Names of the greatest length. */
static void
fitting_name(void)
{

	works(create_workqueue("13-characters"));
	works(create_singlethread_workqueue("15-characters.."));
	works(alloc_workqueue("%s", 0, 0, "13-characters"));
	works(alloc_ordered_workqueue("%s", 0, "15-characters.."));
	/*
	 * The library itself has named the threads of this queue, and the name
	 * fits.
	 */
	item_init(&a, item_func);
	queue_work(system_highpri_wq, WORK(&a));
	flush_work(WORK(&a));
}

static int
returns(void *arg)
{

	(void)arg;
	return 0;
}

static void
kthread_func(struct kthread_work *w)
{

	(void)w;
}

static void
long_worker_name(void)
{
	struct kthread_worker *kw;
	struct task_struct *t;
	struct kthread_work k;

	kw = kthread_create_worker(0, "a worker with %s", "no short name");
	if (IS_ERR(kw))
		_exit(1);
	kthread_init_work(&k, kthread_func);
	if (!kthread_queue_work(kw, &k))
		_exit(2);
	kthread_destroy_worker(kw);
	t = kthread_create(returns, NULL, "just too long: 1");
	if (IS_ERR(t) || kthread_stop(t) != -EINTR)
		_exit(3);
	/* A name of the greatest length. */
	t = kthread_create(returns, NULL, "short enough: 1");
	if (IS_ERR(t) || kthread_stop(t) != -EINTR)
		_exit(4);
}

TEST_TC(names, "a name that is too long for a thread is truncated, and the "
    "message names the call; one that fits is not")
{
	struct test_child tc;

	test_env("WORKQUEUE_NCPU", "2");
	test_says(long_name, "alloc_workqueue: the name is too long, and "
	    "cut: \"a name of many \"\n", "create_workqueue: the name is too "
	    "long, and cut: \"0123456789012/1\"\n",
	    "create_workqueue: the name is too long, and cut: "
	    "\"14-characters/1\"\n", "create_singlethread_workqueue: the "
	    "name is too long, and cut: \"16-characters..\"\n",
	    "alloc_ordered_workqueue: the name is too long, and cut: "
	    "\"16-characters..\"\n", NULL);
	test_lives(fitting_name);
	test_says(long_worker_name, "kthread_create: the name is too long, "
	    "and cut: \"a worker with n\"", "cut: \"just too long: \"", NULL);
	test_child_lives(&tc, long_worker_name);
	ATF_REQUIRE_MSG(strstr(tc.tc_err, "short") == NULL, "%s", tc.tc_err);
}

static void
bad_max(void)
{

	works(alloc_workqueue("many", 0, WQ_MAX_ACTIVE + 1));
	works(alloc_workqueue("few", WQ_UNBOUND, -1));
}

TEST_TC(max_active, "a max_active out of range is limited, with a message")
{

	test_says(bad_max, "\"many\": max_active is 2049, must be from 1 to "
	    "2048", "\"few\": max_active is -1", NULL);
}

static void
more_than_one(void)
{

	wq = alloc_ordered_workqueue("in order", 0);
	workqueue_set_max_active(wq, 4);
	works(wq);
	wq = create_singlethread_workqueue("single");
	workqueue_set_max_active(wq, 4);
	works(wq);
}

TEST_TC(ordered_max, "an ordered queue keeps max_active 1")
{

	test_says(more_than_one, "workqueue_set_max_active: \"in order\" is "
	    "ordered", "\"single\" is ordered", NULL);
}

static struct kthread_worker kworker;

static void
two_threads(void)
{

	kthread_init_worker(&kworker);
	(void)kthread_run(kthread_worker_fn, &kworker, "one");
	(void)kthread_run(kthread_worker_fn, &kworker, "two");
	for (;;)
		test_pause();
}

TEST_TC(two_workers, "a second thread for a kthread_worker panics")
{

	test_panics(two_threads, "kthread_worker_fn: ", "has a thread already",
	    NULL);
}

static void
enable_often(void)
{

	item_init(&b, item_func);
	if (!enable_work(WORK(&b)))
		_exit(4);
	works(alloc_workqueue("en", WQ_UNBOUND, 0));
	disable_work(WORK(&b));
	if (!enable_work(WORK(&b)))
		_exit(5);
	wq = alloc_workqueue("en", WQ_UNBOUND, 0);
	if (!queue_work(wq, WORK(&b)))
		_exit(6);
	destroy_workqueue(wq);
}

TEST_TC(enable, "enabling an enabled item prints a message")
{

	test_says(enable_often, "enable_work: work ", "is not disabled", NULL);
}

static void
no_cpu(void)
{

	item_init(&a, item_func);
	queue_work_on(100000, alloc_workqueue("cpus", 0, 0), WORK(&a));
}

static void
no_cpu_delayed(void)
{

	item_init(&a, item_func);
	queue_delayed_work_on(100000, alloc_workqueue("cpus", 0, 0), &a.i_dw,
	    1000 * HZ);
}

static void
no_cpu_mod(void)
{

	item_init(&a, item_func);
	mod_delayed_work_on(-1, alloc_workqueue("cpus", 0, 0), &a.i_dw,
	    1000 * HZ);
}

static void
no_function(void)
{

	item_init(&a, NULL);
	wq = alloc_workqueue("nothing", 0, 0);
	queue_work(wq, WORK(&a));
	flush_workqueue(wq);
}

static void
no_old_function(void)
{
	static struct work_struct w;

	INIT_WORK(&w, NULL, NULL);
	wq = create_workqueue("nothing");
	queue_work(wq, &w);
	flush_workqueue(wq);
}

static void
drain_func(struct work_struct *w)
{

	(void)w;
	drain_workqueue(wq);
}

static void
drain_inside(void)
{

	item_init(&a, drain_func);
	wq = alloc_workqueue("self", 0, 0);
	queue_work(wq, WORK(&a));
	flush_workqueue(wq);
}

static void
destroy_twice(void)
{

	wq = alloc_workqueue("twice", 0, 0);
	destroy_workqueue(wq);
	destroy_workqueue(wq);
}

static void
drain_destroyed(void)
{

	wq = alloc_workqueue("gone", 0, 0);
	destroy_workqueue(wq);
	drain_workqueue(wq);
}

static void
flush_destroyed(void)
{

	wq = alloc_workqueue("gone", 0, 0);
	destroy_workqueue(wq);
	flush_workqueue(wq);
}

static void
set_max_destroyed(void)
{

	wq = alloc_workqueue("gone", 0, 0);
	destroy_workqueue(wq);
	workqueue_set_max_active(wq, 2);
}

static void
flush_other_func(struct work_struct *w)
{

	(void)w;
	queue_work(wq, WORK(&b));
	(void)flush_work(WORK(&b));
}

static void
flush_other(void)
{

	item_init(&a, flush_other_func);
	item_init(&b, item_func);
	wq = alloc_workqueue("only", WQ_UNBOUND, 1);
	queue_work(wq, WORK(&a));
	flush_workqueue(wq);
}

TEST_TC(panics, "an error that cannot be survived panics in the wrong call, "
    "with the queue's name")
{

	test_env("WORKQUEUE_NCPU", "2");
	test_panics(no_cpu, "queue_work_on", "\"cpus\": no CPU 100000", NULL);
	test_panics(no_cpu_delayed, "queue_work_on", "\"cpus\": no CPU "
	    "100000", NULL);
	test_panics(no_cpu_mod, "queue_work_on", "\"cpus\": no CPU -1", NULL);
	test_panics(no_function, "\"nothing\"", "has no function", NULL);
	test_panics(no_old_function, "\"nothing\"", "has no function", NULL);
	test_panics(drain_inside, "drain_workqueue: \"self\": called from one "
	    "of its own", NULL);
	test_panics(destroy_twice, "destroy_workqueue: ", "\"twice\" is "
	    "destroyed", NULL);
	test_panics(drain_destroyed, "drain_workqueue: ", "\"gone\" is "
	    "destroyed", NULL);
	test_panics(flush_destroyed, "flush_workqueue: ", "\"gone\" is "
	    "destroyed", NULL);
	test_panics(set_max_destroyed, "workqueue_set_max_active: ",
	    "\"gone\" is destroyed", NULL);
	test_panics(flush_other, "\"only\": would deadlock waiting for", NULL);
}

static void
init_queued(void)
{
	static struct work_struct w;

	wq = create_singlethread_workqueue("re");
	item_init(&a, item_func);
	item_close(&a, wq, WORK_CPU_UNBOUND);
	INIT_WORK(&w, NULL, NULL);
	queue_work(wq, &w);
	INIT_WORK(&w, NULL, NULL);
}

static void
init_delayed(void)
{

	wq = alloc_workqueue("re", 0, 0);
	item_init(&a, item_func);
	queue_delayed_work(wq, &a.i_dw, 1000 * HZ);
	INIT_DELAYED_WORK(&a.i_dw, item_func);
}

static void
init_delayed_again(void)
{

	wq = alloc_workqueue("re", 0, 0);
	item_init(&a, item_func);
	queue_work(wq, WORK(&a));
	(void)flush_work(WORK(&a));
	init_delayed();
}

TEST_TC(init_pending, "INIT_WORK of an enqueued or delayed item panics; of "
    "one that has run or was cancelled it does not")
{

	test_panics(init_queued, "INIT_WORK", "still pending on \"re\"", NULL);
	test_panics(init_delayed, "INIT_WORK", "still pending on \"re\"",
	    NULL);
	test_panics(init_delayed_again, "INIT_WORK", "still pending on "
	    "\"re\"", NULL);
	item_init(&a, item_func);
	wq = alloc_workqueue("re", 0, 0);
	queue_delayed_work(wq, &a.i_dw, 1000 * HZ);
	TEST_EQ(true, cancel_delayed_work(&a.i_dw));
	INIT_DELAYED_WORK(&a.i_dw, item_func);
	queue_delayed_work(wq, &a.i_dw, 1);
	TEST_AWAIT(atomic_load(&a.i_runs) == 1);
	INIT_DELAYED_WORK(&a.i_dw, item_func);
	destroy_workqueue(wq);
}

static struct kthread_delayed_work kdw;
static sem_t kentered;

static void
kthread_stands(struct kthread_work *w)
{

	(void)w;
	sem_post(&kentered);
	for (;;)
		test_pause();
}

static void
kinit_queued(void)
{
	struct kthread_worker *kw = kthread_create_worker(0, "kw");
	static DEFINE_KTHREAD_WORK(stands, kthread_stands);

	sem_init(&kentered, 0, 0);
	kthread_queue_work(kw, &stands);
	test_sem_wait(&kentered);
	kthread_init_delayed_work(&kdw, kthread_func);
	kthread_queue_work(kw, &kdw.work);
	kthread_init_delayed_work(&kdw, kthread_func);
}

static void
kinit_delayed(void)
{
	struct kthread_worker *kw = kthread_create_worker(0, "kw");

	kthread_init_delayed_work(&kdw, kthread_func);
	kthread_queue_delayed_work(kw, &kdw, 1000 * HZ);
	kthread_init_delayed_work(&kdw, kthread_func);
}

/* The worker has no thread, so its memory may be gone. */
static void
kinit_no_thread(void)
{
	struct kthread_worker *kw;

	kthread_init_worker(&kworker);
	kthread_init_work(&kdw.work, kthread_func);
	kthread_queue_work(&kworker, &kdw.work);
	kthread_init_work(&kdw.work, kthread_func);

	kw = mmap(NULL, sizeof(*kw), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	if (kw == MAP_FAILED)
		_exit(1);
	kthread_init_worker(kw);
	kthread_queue_work(kw, &kdw.work);
	if (munmap(kw, sizeof(*kw)) != 0)
		_exit(2);
	kthread_init_work(&kdw.work, kthread_func);
}

/* The same after its thread has ended. */
static void
kinit_stopped(void)
{
	struct kthread_worker *kw;
	struct task_struct *t;

	kw = mmap(NULL, sizeof(*kw), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	if (kw == MAP_FAILED)
		_exit(1);
	kthread_init_worker(kw);
	kthread_init_work(&kdw.work, kthread_func);
	kthread_queue_work(kw, &kdw.work);
	t = kthread_run(kthread_worker_fn, kw, "stopped");
	if (IS_ERR(t))
		_exit(2);
	kthread_flush_work(&kdw.work);
	if (kthread_stop(t) != 0 || !kthread_queue_work(kw, &kdw.work) ||
	    munmap(kw, sizeof(*kw)) != 0)
		_exit(3);
	kthread_init_work(&kdw.work, kthread_func);
}

static void
kinit_inherited(void)
{

	kthread_init_delayed_work(&kdw, kthread_func);
}

TEST_TC(kinit_pending, "kthread_init_work of an enqueued or delayed item "
    "panics; of one that has run, was cancelled, is pending in the parent or "
    "on a worker without a thread it does not")
{
	struct kthread_worker *kw;

	test_panics(kinit_queued, "kthread_init_work: work ", "is still "
	    "pending on worker ", NULL);
	test_panics(kinit_delayed, "kthread_init_work: work ", "is still "
	    "pending on worker ", NULL);
	test_lives(kinit_no_thread);
	test_lives(kinit_stopped);
	kw = kthread_create_worker(0, "kw");
	ATF_REQUIRE(!IS_ERR(kw));
	kthread_init_delayed_work(&kdw, kthread_func);
	TEST_EQ(true, kthread_queue_delayed_work(kw, &kdw, 1000 * HZ));
	test_lives(kinit_inherited);
	TEST_EQ(true, kthread_cancel_delayed_work_sync(&kdw));
	kthread_init_delayed_work(&kdw, kthread_func);
	TEST_EQ(true, kthread_queue_work(kw, &kdw.work));
	kthread_flush_work(&kdw.work);
	kthread_init_delayed_work(&kdw, kthread_func);
	kthread_destroy_worker(kw);
	kthread_init_delayed_work(&kdw, kthread_func);
}

static void
winit_queued(void)
{
	static DEFINE_KTHREAD_WORK(forgotten, kthread_func);

	kthread_init_worker(&kworker);
	kthread_queue_work(&kworker, &forgotten);
	kthread_init_worker(&kworker);
}

static void
winit_inherited(void)
{

	kthread_init_worker(&kworker);
}

static void
winit_empty(void)
{
	struct task_struct *t;

	/* Memory that never was a worker. */
	memset(&kworker, 0xa5, sizeof(kworker));
	kthread_init_worker(&kworker);
	kthread_init_worker(&kworker);
	/* A worker whose items have run. */
	kthread_init_work(&kdw.work, kthread_func);
	kthread_queue_work(&kworker, &kdw.work);
	t = kthread_run(kthread_worker_fn, &kworker, "runs");
	kthread_flush_worker(&kworker);
	kthread_stop(t);
	kthread_init_worker(&kworker);
}

TEST_TC(winit_queued, "kthread_init_worker of a worker with items prints a "
    "message; if these have run or are the parent's, or it never was a "
    "worker, it does not")
{

	test_says(winit_queued, "kthread_init_worker: worker ", " has work "
	    "items queued; they are forgotten\n", NULL);
	test_lives(winit_empty);
	kthread_init_worker(&kworker);
	kthread_init_work(&kdw.work, kthread_func);
	kthread_queue_work(&kworker, &kdw.work);
	test_lives(winit_inherited);
}

static void
worker_no_function(void)
{
	struct kthread_worker *kw = kthread_create_worker(0, "kw");
	struct kthread_work k;

	kthread_init_work(&k, NULL);
	kthread_queue_work(kw, &k);
	kthread_flush_worker(kw);
}

static void
worker_twice(void)
{
	struct kthread_worker *kw = kthread_create_worker(0, "kw");

	kthread_destroy_worker(kw);
	kthread_destroy_worker(kw);
}

static void
worker_no_thread(void)
{
	static DEFINE_KTHREAD_WORKER(kw);

	kthread_destroy_worker(&kw);
}

static void
worker_not_made(void)
{

	kthread_init_worker(&kworker);
	(void)kthread_run(kthread_worker_fn, &kworker, "mine");
	TEST_AWAIT(__atomic_load_n(&kworker.task, __ATOMIC_RELAXED) != NULL);
	kthread_destroy_worker(&kworker);
}

static void
worker_fn_outside(void)
{
	static DEFINE_KTHREAD_WORKER(kw);

	(void)kthread_worker_fn(&kw);
}

static struct kthread_worker *own_worker;

static void
destroy_own_func(struct kthread_work *w)
{

	(void)w;
	kthread_destroy_worker(own_worker);
}

static void
worker_inside(void)
{
	struct kthread_work k;

	own_worker = kthread_create_worker(0, "kw");
	kthread_init_work(&k, destroy_own_func);
	kthread_queue_work(own_worker, &k);
	kthread_flush_worker(own_worker);
}

static void
bind_no_cpu(void)
{

	kthread_bind(kthread_create(returns, NULL, "bind"), 100000);
}

TEST_TC(workers, "the same for workers and threads")
{

	test_panics(worker_no_function, "has no function", NULL);
	test_panics(worker_twice, "kthread_destroy_worker: ", "is destroyed",
	    NULL);
	test_panics(worker_no_thread, "has no thread", NULL);
	test_panics(worker_not_made, "was not made by kthread_create_worker",
	    NULL);
	test_panics(worker_fn_outside, "not in a thread of kthread_create",
	    NULL);
	test_panics(worker_inside, "called from one of its own", NULL);
	test_panics(bind_no_cpu, "kthread_bind: no CPU 100000", NULL);
}

/*
 * Items that enqueue themselves forever.
 */
static atomic_int enough;
static int said[2];

static void
endless_func(struct work_struct *w)
{

	if (!atomic_load(&enough))
		queue_work(wq, w);
}

/* Copy messages until the awaited one. */
static void *
listener(void *arg)
{
	char buf[1000];
	size_t len = 0;
	ssize_t n;

	while ((n = read(said[0], buf + len, sizeof(buf) - 1 - len)) > 0) {
		(void)!write(*(int *)arg, buf + len, (size_t)n);
		len += (size_t)n;
		buf[len] = '\0';
		if (strstr(buf, "times; it waits") != NULL)
			break;
	}
	atomic_store(&enough, 1);
	return NULL;
}

static void
endless(void (*func)(struct workqueue_struct *))
{
	pthread_t t;
	int err;

	if (pipe(said) != 0 || (err = dup(STDERR_FILENO)) == -1 ||
	    dup2(said[1], STDERR_FILENO) == -1)
		_exit(1);
	t = test_thread(listener, &err);
	wq = alloc_workqueue("endless", 0, 0);
	item_init(&a, endless_func);
	if (!queue_work(wq, WORK(&a)))
		_exit(2);
	(*func)(wq);
	test_join(t);
	if (work_pending(WORK(&a)))
		_exit(3);
}

static void
endless_drain(void)
{

	endless(drain_workqueue);
	/* The queue accepts items again. */
	if (!queue_work(wq, WORK(&a)))
		_exit(4);
	destroy_workqueue(wq);
}

static void
endless_destroy(void)
{

	endless(destroy_workqueue);
}

TEST_TC(endless_queue, "draining or destroying a queue whose item enqueues "
    "itself says so, and waits until it stops")
{

	test_says(endless_drain, "drain_workqueue: \"endless\": its work "
	    "items have queued more", "it waits until they stop", NULL);
	test_says(endless_destroy, "destroy_workqueue: \"endless\": its "
	    "work items have queued more", "it waits until they stop", NULL);
}

static struct kthread_worker *endless_worker;
static atomic_int endless_runs, refusals;

static void
kendless_func(struct kthread_work *w)
{

	atomic_fetch_add(&endless_runs, 1);
	if (!kthread_queue_work(endless_worker, w))
		atomic_fetch_add(&refusals, 1);
}

static DEFINE_KTHREAD_WORK(kendless, kendless_func);

static void
endless_destroy_worker(void)
{

	endless_worker = kthread_create_worker(0, "endless");
	kthread_queue_work(endless_worker, &kendless);
	kthread_destroy_worker(endless_worker);
	if (refusals != 1)
		_exit(1);
	/* The worker has dropped the item. */
	if (kthread_cancel_work_sync(&kendless))
		_exit(2);
	kthread_init_work(&kendless, kthread_func);
	endless_worker = kthread_create_worker(0, "another");
	if (!kthread_queue_work(endless_worker, &kendless))
		_exit(3);
	kthread_destroy_worker(endless_worker);
}

static void
endless_stop(void)
{
	struct task_struct *t;
	int i, runs;

	endless_worker = &kworker;
	kthread_init_worker(&kworker);
	for (i = 1; i <= 3; i++) {
		runs = atomic_load(&endless_runs);
		if (!kthread_queue_work(&kworker, &kendless))
			_exit(1);
		t = kthread_run(kthread_worker_fn, &kworker, "endless");
		TEST_AWAIT(atomic_load(&endless_runs) > runs);
		if (kthread_stop(t) != 0 || refusals != i)
			_exit(2);
	}
}

TEST_TC(endless_worker, "destroying or stopping a worker whose item enqueues "
    "itself ends; the item is refused, with a message")
{

	test_says(endless_destroy_worker, "kthread_work ", "its "
	    "kthread_worker is being destroyed; it is not run", NULL);
	test_says(endless_stop, "kthread_work ", "its kthread_worker is "
	    "being stopped; it is not run", NULL);
}

static irqreturn_t
irq_func(int irq, void *dev)
{

	(void)irq;
	(void)dev;
	return IRQ_HANDLED;
}

static void
wrong_arguments(void)
{

	if (!IS_ERR(kthread_create_worker_on_cpu(100000, 0, "no")) ||
	    request_irq(0, irq_func, 0, "no", NULL) != -EINVAL ||
	    request_irq(SIGUSR1, irq_func, IRQF_SHARED, "no", NULL) !=
	    -EINVAL || request_irq(SIGKILL, irq_func, 0, "no", NULL) !=
	    -EINVAL)
		_exit(10);
}

TEST_TC(explained, "checking mode: EINVAL says which argument is wrong")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_says(wrong_arguments, "kthread_create_worker_on_cpu: EINVAL: no "
	    "such CPU\n", "request_irq: EINVAL: interrupt 0\n",
	    "request_irq: EINVAL: IRQF_SHARED, and dev is NULL\n",
	    "request_irq: EINVAL: no signal that can have a handler\n", NULL);
}

static void
own_func(unsigned long data)
{

	(void)data;
}

static void
own_objects(void)
{
	struct tasklet_struct t;
	struct timer_list timer;

	tasklet_init(&t, own_func, 0);
	init_timer(&timer);
	timer.function = own_func;
	mod_timer(&timer, jiffies + 1);
	tasklet_schedule(&t);
	tasklet_kill(&t);
	del_timer_sync(&timer);
	set_current_state(TASK_RUNNING);
	exit(0);
}

TEST_TC(own, "strict: the interface's own objects are not reported at exit")
{

	if (!TEST_CHILDTHREADS)
		atf_tc_skip("a sanitizer");
	test_env("WORKQUEUE_CHECK", "strict");
	test_lives(own_objects);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, max_active);
	ATF_TP_ADD_TC(tp, enable);
	ATF_TP_ADD_TC(tp, ordered_max);
	ATF_TP_ADD_TC(tp, two_workers);
	ATF_TP_ADD_TC(tp, panics);
	ATF_TP_ADD_TC(tp, init_pending);
	ATF_TP_ADD_TC(tp, kinit_pending);
	ATF_TP_ADD_TC(tp, winit_queued);
	ATF_TP_ADD_TC(tp, workers);
	ATF_TP_ADD_TC(tp, endless_queue);
	ATF_TP_ADD_TC(tp, endless_worker);
	ATF_TP_ADD_TC(tp, explained);
	ATF_TP_ADD_TC(tp, own);
	return atf_no_error();
}
