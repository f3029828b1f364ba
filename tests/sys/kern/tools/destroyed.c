/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A client that uses a destroyed queue.
 */

#include <sys/workqueue_ext.h>

#include <stddef.h>

static void
run(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

int
main(void)
{
	struct workqueue *wq;

	if (workqueue_create(&wq, "destroyed", run, NULL, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE) != 0)
		return 2;
	workqueue_destroy(wq);
	(void)workqueue_setspin(wq, 1);
	return 0;
}
