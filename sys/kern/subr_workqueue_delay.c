/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_ext(9): enqueue an item after a delay.
 */

#include <sys/workqueue_ext.h>

#include "kern.h"
#include "kern_param.h"
#include "kern_timeout.h"
#include "subr_workqueue.h"

/*
 * A delayed enqueue: a callout and di_armed.  No lock guards di_armed.  The
 * thread that changes it from 1 to 0 decides whether the item is enqueued.
 */
struct workqueue_delay_impl {
	callout_t	 di_callout;
	struct workqueue *di_wq;
	struct work	*di_wk;
	struct cpu_info	*di_ci;
	int		 di_armed;	/* (a) */
};
_Static_assert(sizeof(struct workqueue_delay_impl) <=
    sizeof(struct workqueue_delay), "struct workqueue_delay is too small");

static void
workqueue_delay_fire(void *arg)
{
	struct workqueue_delay_impl *di;
	struct workqueue *wq;
	struct cpu_info *ci;
	struct work *wk;
	int s;

	di = arg;
	wq = di->di_wq;
	wk = di->di_wk;
	ci = di->di_ci;
	/*
	 * Acquire: observe the stores of the thread that armed the delay.
	 * Release: a thread that finds the delay disarmed may arm it again, and
	 * then overwrites the fields that were loaded above.
	 */
	if (atomic_swap_acq_rel(&di->di_armed, 0) != 0) {
		/* Enqueue as the client would, not at the callout's level. */
		s = spl0();
		workqueue_enqueue(wq, wk, ci);
		(void)wqk_splraise(s);
	}
}

__kern_public int
workqueue_delay_init(struct workqueue_delay *wd)
{
	struct workqueue_delay_impl *di;
	int error;

	if ((error = callout_trystart()) != 0)
		return error;
	di = (struct workqueue_delay_impl *)(void *)wd;
	(callout_init)(&di->di_callout, CALLOUT_MPSAFE);
	callout_setfunc(&di->di_callout, workqueue_delay_fire, di);
	di->di_armed = 0;
	return 0;
}

__kern_public void
workqueue_delay_destroy(struct workqueue_delay *wd)
{
	struct workqueue_delay_impl *di;

	di = (struct workqueue_delay_impl *)(void *)wd;
	(void)workqueue_delay_cancel(wd);
	(void)callout_halt(&di->di_callout, NULL);
	callout_destroy(&di->di_callout);
}

__kern_public bool
workqueue_delay_enqueue(struct workqueue_delay *wd, struct workqueue *wq,
    struct work *wk, struct cpu_info *ci, const struct timespec *ts)
{
	struct workqueue_delay_impl *di;
	int64_t ns;
	bool was;

	di = (struct workqueue_delay_impl *)(void *)wd;
	KASSERTMSG(wq != NULL, "workqueue_delay_enqueue: the workqueue is "
	    "NULL");
	KASSERTMSG(wk != NULL, "workqueue_delay_enqueue: \"%s\": the item is "
	    "NULL", wq->wq_name);
	KASSERTMSG(ts != NULL, "workqueue_delay_enqueue: \"%s\": the time is "
	    "NULL", wq->wq_name);
	KASSERTMSG(ts->tv_sec >= 0 && ts->tv_nsec >= 0 &&
	    ts->tv_nsec < 1000000000, "workqueue_delay_enqueue: not a time");
	was = workqueue_delay_cancel(wd);
	ns = kern_ts2ns(ts->tv_sec, ts->tv_nsec);
	KERN_BEFORE(wk);
	di->di_wq = wq;
	di->di_wk = wk;
	di->di_ci = ci;
	/* Release: pairs with the exchange in workqueue_delay_fire(). */
	atomic_store_release(&di->di_armed, 1);
	callout_schedule_ns(&di->di_callout, ns);
	return was;
}

__kern_public bool
workqueue_delay_cancel(struct workqueue_delay *wd)
{
	struct workqueue_delay_impl *di;
	bool armed;

	di = (struct workqueue_delay_impl *)(void *)wd;
	/* Acquire and release: as in workqueue_delay_fire(). */
	armed = atomic_swap_acq_rel(&di->di_armed, 0) != 0;
	(void)callout_halt(&di->di_callout, NULL);
	return armed;
}
