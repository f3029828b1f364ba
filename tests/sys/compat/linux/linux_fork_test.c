/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The Linux interface in a forked child.
 */

#include <sys/mman.h>

#include "linux_test.h"

#include <linux/interrupt.h>
#include <linux/timer.h>

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
 * On the parent's shared queues, items of both dialects have run, and one is
 * pending.
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
		/* The item may have run before flush_work(). */
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
	/* The child's own child. */
	test_child(&tc, uses_shared);
	if (!WIFEXITED(tc.tc_status) || WEXITSTATUS(tc.tc_status) != 0)
		_exit(20);
	uses_shared();
}

TEST_TC(shared, "a child, and its own child, have their own shared queues; "
    "items that ran in the parent can be scheduled there")
{

	parent_start();
	test_lives(child_shared);
	/* The parent's shared queues still run items. */
	uses_shared();
	destroy_workqueue(wq);
}

static void
child_pending(void)
{
	int before = atomic_load(&pending.i_runs);

	/*
	 * The item does not run in the child; a cancel makes the caller its
	 * owner.
	 */
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

TEST_TC(pending_there, "an item that was pending on the parent's shared "
    "queue is the caller's after a cancel, a mod or an INIT, and does not "
    "run before")
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

TEST_TC(timer, "a delay of the parent can be cancelled and set anew")
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

TEST_TC(flush_timer, "flush_delayed_work for a delay of the parent reports "
    "that the item does not run; it may be enqueued again")
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

TEST_TC(idle, "an item that ran on a queue of the parent does not run in the "
    "child")
{

	parent_start();
	ATF_REQUIRE(queue_work(wq, WORK(&a)));
	ATF_REQUIRE(queue_work(wq, WORK(&pending)));
	flush_workqueue(wq);
	ATF_REQUIRE(schedule_delayed_work(&pending.i_dw, 1000 * HZ));
	test_lives(child_idle);
	/* The child does not wait, even if the item runs in the parent. */
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

TEST_TC(delay, "an item that ran on a queue of the parent, and waits for a "
    "delay in the child, can be cancelled and tested")
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

TEST_TC(unmapped, "a delay for a worker of the parent can be cancelled, "
    "though the child has no such worker")
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

TEST_TC(own, "other queues of the parent panic in the child and say why, and "
    "still work in the parent")
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
	/* But the item may be initialised anew. */
	test_lives(child_init);
	parent_end(wq);
}

static atomic_int tasklets, timers;

static void
tasklet_func(struct tasklet_struct *t)
{

	(void)t;
	atomic_fetch_add(&tasklets, 1);
}

static void
timer_func(struct timer_list *t)
{

	(void)t;
	atomic_fetch_add(&timers, 1);
}

static DECLARE_TASKLET(tasklet, tasklet_func);
static DEFINE_TIMER(unseen_timer, timer_func);

static void
raw_child(void (*func)(void))
{
	int status;
	pid_t pid;

	pid = test_fork_unseen();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		(*func)();
		_exit(0);
	}
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	TEST_EQ(0, status);
}

static void
uses_timer(void)
{

	TEST_EQ(0, mod_timer(&unseen_timer, jiffies + 1));
	TEST_AWAIT(atomic_load(&timers) == 2);
}

static void
uses_tasklet(void)
{

	tasklet_schedule(&tasklet);
	tasklet_kill(&tasklet);
	TEST_EQ(2, atomic_load(&tasklets));
}

static void
kills_tasklet(void)
{

	tasklet_kill(&tasklet);
}

TEST_TC(no_handler, "a child of clone(2), which calls no fork handler, has "
    "its own shared queues, timers and tasklets")
{

	TEST_NEED(TEST_CAP_CHILD, "children that no handler sees");
	if (!TEST_CHILDTHREADS)
		atf_tc_skip("a sanitizer");
	parent_start();
	TEST_EQ(0, mod_timer(&unseen_timer, jiffies));
	tasklet_schedule(&tasklet);
	TEST_AWAIT(atomic_load(&tasklets) == 1 && atomic_load(&timers) == 1);
	raw_child(uses_shared);
	raw_child(uses_timer);
	raw_child(uses_tasklet);
	/* A tasklet scheduled in the parent is not scheduled here. */
	tasklet_disable(&tasklet);
	tasklet_schedule(&tasklet);
	raw_child(kills_tasklet);
	tasklet_enable(&tasklet);
	tasklet_kill(&tasklet);
	uses_shared();
	destroy_workqueue(wq);
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

TEST_TC(while_busy, "the same while threads of the parent use all of it")
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
	ATF_TP_ADD_TC(tp, no_handler);
	ATF_TP_ADD_TC(tp, while_busy);
	return atf_no_error();
}
