/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The Linux face in a forked child.
 */

#include <sys/mman.h>

#include "linux_test.h"

static struct item gate, pending, a;
static struct work_struct old;
static atomic_int old_runs;
static struct workqueue_struct *wq;

static void
old_func(void *data)
{

	(void)data;
	atomic_fetch_add(&old_runs, 1);
}

/*
 * On the parent's shared queues: both dialects have run, and one is pending.
 */
static void
parent_start(void)
{

	test_env("WORKQUEUE_NCPU", "2");
	wq = alloc_workqueue("mine", WQ_UNBOUND, 1);
	item_init(&gate, item_func);
	item_init(&pending, item_func);
	item_init(&a, item_func);
	INIT_WORK(&old, old_func, NULL);
	ATF_REQUIRE(schedule_work(&old));
	ATF_REQUIRE(schedule_work(WORK(&a)));
	flush_scheduled_work();
	TEST_EQ(1, a.i_runs);
	TEST_EQ(1, old_runs);
}

static void
parent_end(struct workqueue_struct *q)
{

	item_open(&gate);
	flush_workqueue(q);
	TEST_EQ(1, pending.i_runs);
	destroy_workqueue(wq);
}

static void
uses_shared(void)
{
	int old_before = atomic_load(&old_runs), runs = atomic_load(&a.i_runs);

	if (!schedule_work(WORK(&a)) || !schedule_work(&old))
		_exit(10);
	flush_scheduled_work();
	if (a.i_runs != runs + 1 || old_runs != old_before + 1)
		_exit(11);
	if (!schedule_work_on(1, WORK(&a)) || !flush_work(WORK(&a)))
		/* It may have run before it was waited for. */
		if (a.i_runs != runs + 2)
			_exit(12);
	if (!queue_work(system_unbound_wq, WORK(&a)))
		_exit(13);
	(void)flush_work(WORK(&a));
	if (!schedule_delayed_work(&a.i_dw, 1))
		_exit(14);
	TEST_AWAIT(atomic_load(&a.i_runs) == runs + 4);
	(void)flush_work(WORK(&a));
	if (keventd_up() != 1)
		_exit(15);
}

static void
child_shared(void)
{
	struct test_child tc;

	if (!TEST_CHILDTHREADS)
		return;
	uses_shared();
	/* And its own child. */
	test_child(&tc, uses_shared);
	if (!WIFEXITED(tc.tc_status) || WEXITSTATUS(tc.tc_status) != 0)
		_exit(20);
	uses_shared();
}

TEST_TC(shared, "a child, and a child of that, have shared queues of their "
    "own; works that ran in the parent can be scheduled there")
{

	parent_start();
	test_lives(child_shared);
	/* The parent's go on. */
	uses_shared();
	destroy_workqueue(wq);
}

static void
child_pending(void)
{
	int before = atomic_load(&pending.i_runs);

	/* It is not there, and will not run; who cancels it has it. */
	if (schedule_work(WORK(&pending)) || flush_work(WORK(&pending)))
		_exit(10);
	if (!cancel_work_sync(WORK(&pending)) ||
	    cancel_work(WORK(&pending)) || work_pending(WORK(&pending)))
		_exit(11);
	if (!TEST_CHILDTHREADS)
		return;
	if (!schedule_work(WORK(&pending)))
		_exit(12);
	flush_scheduled_work();
	if (pending.i_runs != before + 1)
		_exit(13);
}

static void
child_mod(void)
{

	if (!TEST_CHILDTHREADS)
		return;
	if (!mod_delayed_work(system_wq, &pending.i_dw, 1))
		_exit(10);
	TEST_AWAIT(atomic_load(&pending.i_runs) == 1);
}

static void
child_init(void)
{

	INIT_DELAYED_WORK(&pending.i_dw, item_func);
	if (work_pending(WORK(&pending)))
		_exit(10);
}

TEST_TC(pending_there, "a work that was pending on the parent's shared queue "
    "is given back by a cancel, a mod or an INIT, and does not run before")
{
	struct workqueue_struct *q;

	parent_start();
	q = system_bh_wq;
	item_close(&gate, q, 0);
	ATF_REQUIRE(queue_work_on(0, q, WORK(&pending)));
	test_lives(child_pending);
	test_lives(child_mod);
	test_lives(child_init);
	TEST_EQ(true, work_pending(WORK(&pending)));
	parent_end(q);
}

static void
child_timer_again(void)
{

	if (!TEST_CHILDTHREADS)
		return;
	if (!schedule_delayed_work(&pending.i_dw, 1))
		_exit(11);
	TEST_AWAIT(atomic_load(&pending.i_runs) == 1);
}

static void
child_timer(void)
{

	if (!cancel_delayed_work_sync(&pending.i_dw) ||
	    delayed_work_pending(&pending.i_dw))
		_exit(10);
	child_timer_again();
}

static void
child_gate(void)
{

	if (cancel_work_sync(WORK(&gate)) || work_busy(WORK(&gate)) != 0)
		_exit(10);
}

TEST_TC(timer, "a delay of the parent's can be cancelled and set anew")
{

	parent_start();
	ATF_REQUIRE(schedule_delayed_work(&pending.i_dw, 1000 * HZ));
	test_lives(child_timer);
	TEST_EQ(true, cancel_delayed_work(&pending.i_dw));
	destroy_workqueue(wq);
}

static void
child_flushes_delay(void)
{

	if (flush_delayed_work(&pending.i_dw) ||
	    delayed_work_pending(&pending.i_dw))
		_exit(10);
	child_timer_again();
}

TEST_TC(flush_timer, "flush_delayed_work of a delay of the parent's on a "
    "shared queue or another says that it is not run; it may be queued again")
{

	parent_start();
	ATF_REQUIRE(schedule_delayed_work(&pending.i_dw, 1000 * HZ));
	test_says(child_flushes_delay, "delayed work ", "its workqueue belongs "
	    "to the parent of this process; it is not run\n", NULL);
	TEST_EQ(true, cancel_delayed_work(&pending.i_dw));
	ATF_REQUIRE(queue_delayed_work(wq, &pending.i_dw, 1000 * HZ));
	test_says(child_flushes_delay, "delayed work ", "its workqueue belongs "
	    "to the parent of this process; it is not run\n", NULL);
	TEST_EQ(true, cancel_delayed_work(&pending.i_dw));
	destroy_workqueue(wq);
}

static void
child_idle(void)
{

	if (flush_work(WORK(&a)) || cancel_work_sync(WORK(&a)) ||
	    work_busy(WORK(&a)) != 0)
		_exit(10);
	if (!cancel_delayed_work_sync(&pending.i_dw) ||
	    work_busy(WORK(&pending)) != 0)
		_exit(11);
}

TEST_TC(idle, "a work that ran on a queue of the parent's is not running in "
    "the child")
{

	parent_start();
	ATF_REQUIRE(queue_work(wq, WORK(&a)));
	ATF_REQUIRE(queue_work(wq, WORK(&pending)));
	flush_workqueue(wq);
	ATF_REQUIRE(schedule_delayed_work(&pending.i_dw, 1000 * HZ));
	test_lives(child_idle);
	/* Nor if it runs in the parent. */
	item_close(&gate, wq, WORK_CPU_UNBOUND);
	test_lives(child_gate);
	item_open(&gate);
	TEST_EQ(true, cancel_delayed_work_sync(&pending.i_dw));
	destroy_workqueue(wq);
}

static struct kthread_delayed_work kdw;

static void
kthread_func(struct kthread_work *w)
{

	(void)w;
}

static void
child_delays(void)
{
	struct workqueue_struct *q;
	struct kthread_worker *kw;

	if (!TEST_CHILDTHREADS)
		return;
	q = alloc_workqueue("child", WQ_UNBOUND, 1);
	kw = kthread_create_worker(0, "child");
	if (!queue_delayed_work(q, &a.i_dw, 1000 * HZ) ||
	    work_busy(WORK(&a)) != WORK_BUSY_PENDING || flush_work(WORK(&a)))
		_exit(10);
	if (!cancel_delayed_work_sync(&a.i_dw) || work_busy(WORK(&a)) != 0)
		_exit(11);
	if (!kthread_queue_delayed_work(kw, &kdw, 1000 * HZ))
		_exit(12);
	kthread_flush_work(&kdw.work);
	if (!kthread_cancel_delayed_work_sync(&kdw))
		_exit(13);
	destroy_workqueue(q);
	kthread_destroy_worker(kw);
}

TEST_TC(delay, "a work that ran on a queue of the parent's, and in the child "
    "waits for a delay, can be cancelled and asked for")
{
	struct kthread_worker *kw;

	parent_start();
	kw = kthread_create_worker(0, "parent");
	ATF_REQUIRE(!IS_ERR(kw));
	kthread_init_delayed_work(&kdw, kthread_func);
	ATF_REQUIRE(queue_work(wq, WORK(&a)));
	ATF_REQUIRE(kthread_queue_work(kw, &kdw.work));
	flush_workqueue(wq);
	kthread_flush_worker(kw);
	test_lives(child_delays);
	kthread_destroy_worker(kw);
	destroy_workqueue(wq);
}

static struct kthread_worker *unmapped;

static void
child_unmaps(void)
{

	if (munmap(unmapped, sizeof(*unmapped)) != 0)
		_exit(10);
	if (!kthread_cancel_delayed_work_sync(&kdw) ||
	    kthread_cancel_delayed_work_sync(&kdw))
		_exit(11);
}

TEST_TC(unmapped, "a delay for a worker of the parent's can be cancelled "
    "though the worker is not there")
{

	unmapped = mmap(NULL, sizeof(*unmapped), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	ATF_REQUIRE(unmapped != MAP_FAILED);
	kthread_init_worker(unmapped);
	kthread_init_delayed_work(&kdw, kthread_func);
	ATF_REQUIRE(kthread_queue_delayed_work(unmapped, &kdw, 1000 * HZ));
	test_lives(child_unmaps);
	TEST_EQ(true, kthread_cancel_delayed_work_sync(&kdw));
}

static struct workqueue_struct *kept;

static void
child_queues(void)
{

	queue_work(wq, WORK(&a));
}

static void
child_queues_kept(void)
{

	queue_work(kept, WORK(&a));
}

static void
child_flushes(void)
{

	flush_workqueue(wq);
}

static void
child_destroys(void)
{

	destroy_workqueue(wq);
}

static void
child_cancels(void)
{

	cancel_work(WORK(&pending));
}

TEST_TC(own, "the parent's other queues panic in the child with a clear word, "
    "and go on in the parent")
{

	parent_start();
	kept = system_wq;
	item_close(&gate, wq, WORK_CPU_UNBOUND);
	ATF_REQUIRE(queue_work(wq, WORK(&pending)));
	test_panics(child_queues, "\"mine\" belongs to the parent", NULL);
	test_panics(child_flushes, "\"mine\" belongs to the parent", NULL);
	test_panics(child_destroys, "\"mine\" belongs to the parent", NULL);
	test_panics(child_cancels, "\"mine\" belongs to the parent", NULL);
	test_panics(child_queues_kept, "\"events/", "belongs to the parent",
	    NULL);
	/* But the work may be made a new one. */
	test_lives(child_init);
	parent_end(wq);
}

static atomic_int stop;

static void *
busy(void *arg)
{
	struct workqueue_struct *q;
	struct item *i = arg;

	while (!atomic_load(&stop)) {
		(void)schedule_work(WORK(i));
		(void)flush_work(WORK(i));
		(void)work_busy(WORK(i));
		(void)schedule_delayed_work(&i->i_dw, 1);
		(void)cancel_delayed_work_sync(&i->i_dw);
		q = alloc_ordered_workqueue("busy", 0);
		destroy_workqueue(q);
	}
	return NULL;
}

static void
child_busy(void)
{
	struct workqueue_struct *q;

	uses_shared();
	q = alloc_workqueue("child", WQ_UNBOUND, 0);
	if (q == NULL || !queue_work(q, WORK(&a)))
		_exit(30);
	destroy_workqueue(q);
}

TEST_TC(while_busy, "the same however busy the parent's threads are with it")
{
	struct item it[2];
	pthread_t t[2];
	int i;

	if (!TEST_BUSYFORK)
		atf_tc_skip("a sanitizer");
	parent_start();
	for (i = 0; i < 2; i++) {
		item_init(&it[i], item_func);
		t[i] = test_thread(busy, &it[i]);
	}
	for (i = 0; i < 30; i++)
		test_lives(child_busy);
	atomic_store(&stop, 1);
	for (i = 0; i < 2; i++)
		test_join(t[i]);
	destroy_workqueue(wq);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, shared);
	ATF_TP_ADD_TC(tp, pending_there);
	ATF_TP_ADD_TC(tp, timer);
	ATF_TP_ADD_TC(tp, flush_timer);
	ATF_TP_ADD_TC(tp, idle);
	ATF_TP_ADD_TC(tp, delay);
	ATF_TP_ADD_TC(tp, unmapped);
	ATF_TP_ADD_TC(tp, own);
	ATF_TP_ADD_TC(tp, while_busy);
	return atf_no_error();
}
