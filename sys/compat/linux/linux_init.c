/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The constructor of the Linux interface, and its fork handler in the child.
 */

#include "linux_task.h"

/*
 * The functions that are called in the only thread of a forked child.  Data
 * that a lock guards may be half changed.
 */
static void (*const lwq_forks[])(void) = {
	lwq_item_fork,
	lwq_wq_fork,
	lwq_work_fork,
	lwq_system_fork,
	lwq_task_fork,
	lwq_worker_fork,
	lwq_timer_fork,
	lwq_tasklet_fork
};

static void
lwq_fork(void)
{
	unsigned int i;

	for (i = 0; i < __arraycount(lwq_forks); i++)
		(*lwq_forks[i])();
}

static void __attribute__((__constructor__))
lwq_load(void)
{
	static struct wqpool_lib lib = { .wl_fork = lwq_fork };

	wqpool_atfork(&lib);
	/*
	 * A worker may get delayed work items, which need the callout thread.
	 * Start the callout thread before the worker's thread, because the
	 * creation of a worker can still return an error.
	 */
	lwq_task_prepare(kthread_worker_fn, wqpool_delays);
}
