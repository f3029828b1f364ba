/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The protocols of the Linux interface.  Its own atomic operations are points
 * only if the library is built with HOST=sim.
 */

#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include <unistd.h>

#include "h_protocol.h"

struct item {
	struct delayed_work i_dw;
	struct kthread_work i_kw;
	bool	i_stored[2];		/* stored by the threads */
	bool	i_seen[2];		/* seen by a run */
	bool	i_running;
	bool	i_over;			/* it must not run any more */
	int	i_again;		/* times that it enqueues itself */
	int	i_runs;
};

static struct workqueue_struct *wq;
static struct kthread_worker *worker;
static struct item item;

static void
item_run(struct item *i)
{
	int n;

	CHECK(!i->i_running && !i->i_over);
	i->i_running = true;
	for (n = 0; n < 2; n++)
		if (i->i_stored[n])
			i->i_seen[n] = true;
	wqsim_point("work");
	CHECK(!i->i_over);
	i->i_runs++;
	i->i_running = false;
}

static void
run(struct work_struct *w)
{
	struct item *i = container_of(w, struct item, i_dw.work);

	item_run(i);
	if (i->i_again-- > 0)
		(void)queue_work(wq, w);
}

static void
begin(unsigned int flags, int max)
{

	memset(&item, 0, sizeof(item));
	INIT_DELAYED_WORK(&item.i_dw, run);
	wq = alloc_workqueue("sim", flags, max);
	CHECK(wq != NULL);
}

static void
end(void)
{

	destroy_workqueue(wq);
	CHECK(!item.i_running);
}

static void
run_two(void *(*one)(void *), void *(*two)(void *))
{
	pthread_t t[2];

	t[0] = start(one, NULL);
	t[1] = start(two, NULL);
	join(t[0]);
	join(t[1]);
}

/*
 * The run that follows queue_work() sees what the caller has stored before,
 * whatever queue_work() returns.
 */
static void *
queue_one(void *arg)
{

	item.i_stored[0] = true;
	(void)queue_work(wq, &item.i_dw.work);
	return arg;
}

static void *
queue_two(void *arg)
{

	item.i_stored[1] = true;
	(void)queue_work(wq, &item.i_dw.work);
	return arg;
}

static void
proto_queue(void *arg)
{

	(void)arg;
	begin(WQ_UNBOUND, 2);
	run_two(queue_one, queue_two);
	(void)flush_work(&item.i_dw.work);
	CHECK(item.i_seen[0] && item.i_seen[1]);
	CHECK(item.i_runs >= 1 && item.i_runs <= 2);
	end();
}

/*
 * The same with threads that are bound to CPUs, and a flush of the queue.
 */
static void *
queue_cpu(void *arg)
{

	item.i_stored[0] = true;
	(void)queue_work_on(1, wq, &item.i_dw.work);
	return arg;
}

static void
proto_flush(void *arg)
{

	(void)arg;
	begin(0, 1);
	run_two(queue_cpu, queue_two);
	flush_workqueue(wq);
	CHECK(item.i_seen[0] && item.i_seen[1]);
	end();
}

/*
 * cancel_work_sync() ends an item that enqueues itself.
 */
static void *
cancel(void *arg)
{

	(void)cancel_work_sync(&item.i_dw.work);
	return arg;
}

static void
proto_cancel(void *arg)
{

	(void)arg;
	begin(WQ_UNBOUND, 2);
	item.i_again = 4;
	run_two(queue_one, cancel);
	(void)cancel_work_sync(&item.i_dw.work);
	item.i_over = true;
	CHECK(!item.i_running && !work_busy(&item.i_dw.work));
	end();
}

/*
 * Delays that are changed, flushed and cancelled.
 */
static void *
delay_modify(void *arg)
{

	(void)mod_delayed_work(wq, &item.i_dw, 1);
	(void)mod_delayed_work(wq, &item.i_dw, 0);
	return arg;
}

static void *
delay_flush(void *arg)
{

	(void)flush_delayed_work(&item.i_dw);
	return arg;
}

static void
proto_delay(void *arg)
{

	(void)arg;
	begin(WQ_UNBOUND, 1);
	(void)queue_delayed_work(wq, &item.i_dw, 1);
	run_two(delay_modify, delay_flush);
	(void)cancel_delayed_work_sync(&item.i_dw);
	item.i_over = true;
	CHECK(!item.i_running && !delayed_work_pending(&item.i_dw));
	end();
}

/*
 * A queue that is drained and destroyed while its item enqueues itself.
 */
static void
run_thrice(struct work_struct *w)
{
	struct item *i = container_of(w, struct item, i_dw.work);

	item_run(i);
	if (i->i_runs < 3)
		CHECK(queue_work(wq, w));
}

static void
proto_destroy(void *arg)
{

	(void)arg;
	begin(0, 2);
	INIT_DELAYED_WORK(&item.i_dw, run_thrice);
	CHECK(queue_work(wq, &item.i_dw.work));
	end();
	CHECK(item.i_runs == 3);
}

/*
 * A kthread_worker.
 */
static void
kthread_run_item(struct kthread_work *w)
{

	item_run(container_of(w, struct item, i_kw));
}

static void *
kthread_queue(void *arg)
{

	item.i_stored[0] = true;
	(void)kthread_queue_work(worker, &item.i_kw);
	return arg;
}

static void *
kthread_cancel(void *arg)
{

	(void)kthread_cancel_work_sync(&item.i_kw);
	return arg;
}

static void
proto_kthread(void *arg)
{

	(void)arg;
	memset(&item, 0, sizeof(item));
	worker = kthread_create_worker(0, "sim");
	CHECK(!IS_ERR(worker));
	kthread_init_work(&item.i_kw, kthread_run_item);
	run_two(kthread_queue, kthread_cancel);
	(void)kthread_queue_work(worker, &item.i_kw);
	kthread_flush_work(&item.i_kw);
	CHECK(item.i_seen[0]);
	kthread_destroy_worker(worker);
	CHECK(!item.i_running);
}

/*
 * Tasklets and timers.
 */
static struct tasklet_struct tasklet;

static void
tasklet_run(unsigned long data)
{

	(void)data;
	item_run(&item);
}

static void *
tasklet_again(void *arg)
{

	item.i_stored[1] = true;
	tasklet_schedule(&tasklet);
	return arg;
}

static void *
tasklet_off(void *arg)
{

	tasklet_disable(&tasklet);
	CHECK(!item.i_running);
	wqsim_point("disabled");
	CHECK(!item.i_running);
	tasklet_enable(&tasklet);
	return arg;
}

static void
proto_tasklet(void *arg)
{

	(void)arg;
	memset(&item, 0, sizeof(item));
	tasklet_init(&tasklet, tasklet_run, 0);
	tasklet_schedule(&tasklet);
	run_two(tasklet_again, tasklet_off);
	tasklet_kill(&tasklet);
	CHECK(item.i_seen[1]);
	item.i_over = true;
}

/* Each arming ends in one call, or in one report that the timer was pending. */
static struct timer_list timer;
static int armed, reported;

static void
timer_mod(unsigned long delay)
{
	int was;

	armed++;
	was = mod_timer(&timer, jiffies + delay);
	reported += was;
}

static void
timer_run(struct timer_list *t)
{

	(void)t;
	item_run(&item);
	if (item.i_runs == 1)
		timer_mod(0);
}

static void *
timer_arm(void *arg)
{

	timer_mod(1);
	return arg;
}

static void *
timer_delete_one(void *arg)
{
	int was;

	was = del_timer(&timer);
	reported += was;
	return arg;
}

static void *
timer_delete_all(void *arg)
{
	int was;

	was = del_timer_sync(&timer);
	reported += was;
	return arg;
}

/*
 * Wait until the timer is not pending.  If a thread armed the timer while
 * another deleted it, the timer is deleted or fires.
 */
static void
timer_settle(void)
{

	while (timer_pending(&timer))
		usleep(1000000);
}

static void
proto_timer(void *arg)
{

	(void)arg;
	memset(&item, 0, sizeof(item));
	armed = reported = 0;
	timer_setup(&timer, timer_run, 0);
	run_two(timer_arm, timer_delete_one);
	run_two(timer_arm, timer_arm);
	run_two(timer_arm, timer_delete_all);
	timer_settle();
	(void)timer_delete_all(NULL);
	item.i_over = true;
	CHECK(!item.i_running);
	CHECK(!timer_pending(&timer));
	if (armed != item.i_runs + reported)
		wqsim_fail("armed %d, runs %d, reported %d", armed,
		    item.i_runs, reported);
}

int
main(int argc, char **argv)
{
	static const struct protocol protocols[] = {
		{ "queue", proto_queue, false },
		{ "flush", proto_flush, false },
		{ "cancel", proto_cancel, false },
		{ "delay", proto_delay, false },
		{ "destroy", proto_destroy, false },
		{ "kthread", proto_kthread, true },
		{ "tasklet", proto_tasklet, false },
		{ "timer", proto_timer, false },
		{ NULL, NULL, false }
	};

	return protocol_main(protocols, argc, argv);
}
