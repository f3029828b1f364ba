/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A plug-in whose constructor starts kthreads and waits for their end.
 * workqueue_dlclose_test opens it by dlopen(3).
 */

#include <stddef.h>

#include <sys/kthread.h>

int	module_turn(int);

static int module_ended;

static void
module_returns(void *arg)
{

	++*(int *)arg;
}

static void
module_exits(void *arg)
{

	++*(int *)arg;
	kthread_exit(0);
}

__attribute__((__constructor__)) static void
module_init(void)
{
	struct lwp *l;

	if (kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL, module_returns,
	    &module_ended, &l, "returns") == 0)
		(void)kthread_join(l);
	if (kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL, module_exits,
	    &module_ended, &l, "exits") == 0)
		(void)kthread_join(l);
}

int
module_turn(int n)
{

	return module_ended + n;
}
