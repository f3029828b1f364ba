/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * <sys/workqueue.h> and <sys/cpu.h>, and what they include.
 */

#include <sys/types.h>
#include <sys/cpu.h>
#include <sys/workqueue.h>

static struct work wk[64];
static bool ran[64];

static void
ran_on(struct work *w, void *arg)
{

	ran[w - wk] = cpu_index(curcpu()) < (unsigned)ncpu && arg == ran;
}

int wqonly_test(void);

int
wqonly_test(void)
{
	struct workqueue *wq;
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;
	int error;

	error = workqueue_create(&wq, "percpu", ran_on, ran, PRI_XCALL,
	    IPL_SOFTCLOCK, WQ_PERCPU | WQ_MPSAFE);
	if (error != 0)
		return error;
	for (CPU_INFO_FOREACH(cii, ci)) {
		if (cii < 64)
			workqueue_enqueue(wq, &wk[cii], ci);
	}
	for (CPU_INFO_FOREACH(cii, ci)) {
		if (cii < 64) {
			workqueue_wait(wq, &wk[cii]);
			if (!ran[cii])
				return 1;
		}
	}
	workqueue_destroy(wq);
	return 0;
}
