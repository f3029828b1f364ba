/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The work queues of today's Linux: requests with embedded work items, an
 * unbound queue that serves them and an ordered queue that finishes them, a
 * delayed item that is postponed, and a teardown that leaves nothing behind.
 *
 *	cc linux_modern.c $(pkg-config --cflags --libs workqueue-linux)
 *
 * See linux_workqueue(9).
 */

#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#define	REQUESTS	100

struct request {
	struct work_struct serve;
	struct work_struct finish;
	unsigned int	number, result;
};

static struct workqueue_struct *serve_wq, *finish_wq;
static unsigned int finished, sum;	/* finish_wq runs one item at a time */

static void idle_func(struct work_struct *);
static DECLARE_DELAYED_WORK(idle, idle_func);

static void
idle_func(struct work_struct *w)
{

	(void)w;
	pr_info("idle\n");
}

static void
finish_func(struct work_struct *w)
{
	struct request *r = container_of(w, struct request, finish);

	finished++;
	sum += r->result;
	/* An item may free itself. */
	kfree(r);
}

static void
serve_func(struct work_struct *w)
{
	struct request *r = container_of(w, struct request, serve);

	r->result = r->number * 2;
	/* The program is not idle, so postpone the idle function. */
	mod_delayed_work(system_wq, &idle, msecs_to_jiffies(20));
	queue_work(finish_wq, &r->finish);
}

int
main(void)
{
	struct request *r;
	unsigned int i;

	serve_wq = alloc_workqueue("serve", WQ_UNBOUND, 4);
	finish_wq = alloc_ordered_workqueue("finish", WQ_MEM_RECLAIM);
	if (serve_wq == NULL || finish_wq == NULL)
		panic("no queue");
	for (i = 0; i < REQUESTS; i++) {
		if ((r = kmalloc(sizeof(*r), GFP_KERNEL)) == NULL)
			panic("no memory");
		r->number = i;
		INIT_WORK(&r->serve, serve_func);
		INIT_WORK(&r->finish, finish_func);
		queue_work(serve_wq, &r->serve);
	}
	/* Destroy the queues in the order in which items pass through them. */
	destroy_workqueue(serve_wq);
	destroy_workqueue(finish_wq);
	pr_info("%u requests, sum %u\n", finished, sum);
	/* Run the idle function now, before it is due. */
	flush_delayed_work(&idle);
	cancel_delayed_work_sync(&idle);
	return finished == REQUESTS ? 0 : 1;
}
