/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A plug-in that uses much of the library, for kern_atfork_test, which is not
 * linked with it.
 */

#include <sys/callout.h>
#include <sys/evcnt.h>
#include <sys/kmem.h>
#include <sys/pool.h>
#include <sys/threadpool.h>
#include <sys/workqueue.h>

int	module_turn(int);

static int sum;

static void
add(struct work *wk, void *arg)
{

	(void)wk;
	sum += *(int *)arg;
}

static void
nothing(void *arg)
{

	(void)arg;
}

/* Return 0 if something failed. */
int
module_turn(int n)
{
	struct workqueue *wq;
	struct threadpool *tp;
	struct pool pl;
	struct evcnt ev;
	struct work wk;
	callout_t c;
	void *p;

	if (workqueue_create(&wq, "turn", add, &n, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE) != 0)
		return 0;
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_wait(wq, &wk);
	workqueue_destroy(wq);
	if (threadpool_get(&tp, PRI_NONE) != 0)
		return 0;
	threadpool_put(tp, PRI_NONE);
	callout_init(&c, CALLOUT_MPSAFE);
	callout_reset(&c, 1000, nothing, NULL);
	callout_halt(&c, NULL);
	callout_destroy(&c);
	pool_init(&pl, 100, 0, 0, 0, "turn", NULL, IPL_VM);
	p = pool_get(&pl, PR_WAITOK);
	pool_put(&pl, p);
	pool_destroy(&pl);
	p = kmem_alloc(100, KM_SLEEP);
	kmem_free(p, 100);
	evcnt_attach_dynamic(&ev, EVCNT_TYPE_MISC, NULL, "turn", "turn");
	evcnt_detach(&ev);
	return sum;
}
