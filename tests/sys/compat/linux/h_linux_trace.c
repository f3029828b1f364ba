/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A program to be traced: see linux_trace_test.sh.
 */

#include <linux/kthread.h>
#include <linux/workqueue.h>

#include <stdlib.h>

static void
trace_work(struct work_struct *work)
{

	(void)work;
}

static void
trace_old(void *data)
{

	(void)data;
}

static void
trace_kthread(struct kthread_work *work)
{

	(void)work;
}

int
main(void)
{
	struct workqueue_struct *wq;
	struct kthread_worker *kw;
	struct kthread_work kk;
	struct delayed_work dw;
	struct work_struct new, old;

	if ((wq = alloc_workqueue("traced", WQ_UNBOUND, 1)) == NULL)
		return 1;
	INIT_WORK(&new, trace_work);
	INIT_WORK(&old, trace_old, NULL);
	INIT_DELAYED_WORK(&dw, trace_work);
	(void)queue_work(wq, &new);
	(void)queue_work(wq, &old);
	(void)queue_delayed_work(wq, &dw, 1);
	flush_delayed_work(&dw);
	destroy_workqueue(wq);

	kw = kthread_create_worker(0, "worker");
	if (IS_ERR(kw))
		return 1;
	kthread_init_work(&kk, trace_kthread);
	(void)kthread_queue_work(kw, &kk);
	kthread_destroy_worker(kw);
	return 0;
}
