/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The NetBSD side of linux_both_test.
 */

#include <sys/callout.h>
#include <sys/kthread.h>
#include <sys/workqueue.h>

int	netbsd_side(void);
int	netbsd_callout(void (*)(void *), void *);

static void
func(struct work *wk, void *arg)
{

	(void)wk;
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
}

static void
thread(void *arg)
{

	__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
	kthread_exit(0);
}

/* Have a callout call func, and wait for it. */
int
netbsd_callout(void (*func)(void *), void *arg)
{
	static callout_t c;
	int stopped;

	callout_init(&c, CALLOUT_MPSAFE);
	callout_reset(&c, 0, func, arg);
	while (callout_pending(&c))
		continue;
	stopped = callout_halt(&c, 0);
	callout_destroy(&c);
	return stopped;
}

int
netbsd_side(void)
{
	struct workqueue *wq;
	struct work wk;
	struct lwp *l;
	int n = 0;

	if (workqueue_create(&wq, "netbsd", func, &n, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE | WQ_PERCPU) != 0)
		return -1;
	workqueue_enqueue(wq, &wk, 0);
	workqueue_destroy(wq);
	if (kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN, 0,
	    thread, &n, &l, "netbsd") != 0)
		return -1;
	kthread_join(l);
	return n;
}
