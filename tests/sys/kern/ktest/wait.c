/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A kernel test: workqueue_wait(9).
 */

#include <sys/param.h>
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kernel.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/workqueue.h>

#include "ktest.h"

#define	NWORKS	32
#define	ROUNDS	20

struct wt_work {
	struct work	 w_work;
	unsigned int	 w_runs;
};

static void
wt_func(struct work *wk, void *arg)
{
	struct wt_work *w = (struct wt_work *)wk;
	unsigned int *slow = arg;

	if (atomic_inc_uint_nv(slow) % 16 == 0)
		kpause("slow", false, 1, NULL);
	atomic_inc_uint(&w->w_runs);
}

static int
wt_run(int flags)
{
	struct workqueue *wq;
	struct wt_work *w;
	struct cpu_info *ci;
	unsigned int slow;
	int error, i, round;

	slow = 0;
	error = workqueue_create(&wq, "wait", wt_func, &slow, PRI_NONE,
	    IPL_NONE, flags);
	if (error)
		return error;
	w = kmem_zalloc(NWORKS * sizeof(*w), KM_SLEEP);

	/* A wait for an item that was never enqueued returns. */
	workqueue_wait(wq, &w[0].w_work);

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < NWORKS; i++) {
			ci = NULL;
			if ((flags & WQ_PERCPU) != 0 && i % 2 == 0)
				ci = cpu_lookup((round + i) % ncpu);
			workqueue_enqueue(wq, &w[i].w_work, ci);
		}
		/* Wait in another order. */
		for (i = NWORKS; i-- > 0;) {
			workqueue_wait(wq, &w[(i * 5) % NWORKS].w_work);
			KASSERTMSG(atomic_load_relaxed(
			    &w[(i * 5) % NWORKS].w_runs) ==
			    (unsigned)round + 1, "round %d: work %d", round,
			    (i * 5) % NWORKS);
		}
	}

	/* The same with the kernel lock held. */
	KERNEL_LOCK(1, curlwp);
	for (i = 0; i < NWORKS; i++)
		workqueue_enqueue(wq, &w[i].w_work, NULL);
	for (i = 0; i < NWORKS; i++) {
		workqueue_wait(wq, &w[i].w_work);
		KASSERT(KERNEL_LOCKED_P());
		KASSERT(atomic_load_relaxed(&w[i].w_runs) == ROUNDS + 1);
	}
	KERNEL_UNLOCK_ONE(curlwp);

	workqueue_destroy(wq);
	kmem_free(w, NWORKS * sizeof(*w));
	return 0;
}

int
ktest_wait(void)
{
	int error;

	if ((error = wt_run(0)) != 0)
		return error;
	if ((error = wt_run(WQ_MPSAFE)) != 0)
		return error;
	if ((error = wt_run(WQ_PERCPU)) != 0)
		return error;
	return wt_run(WQ_PERCPU | WQ_MPSAFE);
}
