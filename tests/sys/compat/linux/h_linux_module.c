/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A plug-in that uses the Linux interface, for linux_dlclose_test, which is not
 * linked with it.
 */

#include <linux/kthread.h>
#include <linux/workqueue.h>

int	module_start(void);
int	module_turn(int);
void	module_stop(void);

static int module_sum;			/* each function runs alone */

static void
add_old(void *data)
{

	module_sum += *(int *)data;
}

static int module_number;

static void
add(struct work_struct *w)
{

	(void)w;
	module_sum += module_number;
}

static void
add_kthread(struct kthread_work *w)
{

	(void)w;
	module_sum += module_number;
}

static struct workqueue_struct *module_wq;
static struct kthread_worker *module_kw;
static DECLARE_WORK(module_old, add_old, &module_number);
static DECLARE_WORK(module_work, add);
static DECLARE_DELAYED_WORK(module_dw, add);
static DEFINE_KTHREAD_WORK(module_kwork, add_kthread);

int
module_start(void)
{

	module_kw = kthread_create_worker(0, "module");
	if (IS_ERR(module_kw))
		return (int)PTR_ERR(module_kw);
	module_wq = alloc_workqueue("module", 0, 0);
	return module_wq == NULL ? -1 : 0;
}

/* Add five times n. */
int
module_turn(int n)
{

	module_number = n;
	schedule_work(&module_old);
	flush_scheduled_work();
	schedule_work(&module_work);
	flush_scheduled_work();
	queue_work(module_wq, &module_work);
	flush_workqueue(module_wq);
	queue_delayed_work(module_wq, &module_dw, 1);
	flush_delayed_work(&module_dw);
	kthread_queue_work(module_kw, &module_kwork);
	kthread_flush_worker(module_kw);
	return module_sum;
}

/* The shared queues cannot be destroyed, and need not be. */
void
module_stop(void)
{

	flush_scheduled_work();
	destroy_workqueue(module_wq);
	kthread_destroy_worker(module_kw);
}
