/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * NetBSD's side of linux_faces_test.
 */

#include <sys/kthread.h>
#include <sys/workqueue.h>

int	netbsd_side(void);

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
