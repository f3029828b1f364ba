/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A plug-in that uses the library.  workqueue_dlclose_test, which is not linked
 * with the library, opens it by dlopen(3).
 */

#include <sys/workqueue.h>

int	module_start(void);
int	module_turn(int);
void	module_stop(void);

static struct workqueue *module_wq, *module_percpu;
static struct work module_work;
static int module_sum;

static void
add(struct work *wk, void *arg)
{

	(void)wk;
	module_sum += *(int *)arg;
}

static int module_number;

int
module_start(void)
{
	int error;

	error = workqueue_create(&module_wq, "module", add, &module_number,
	    PRI_NONE, IPL_NONE, 0);
	if (error == 0) {
		error = workqueue_create(&module_percpu, "percpu", add,
		    &module_number, PRI_NONE, IPL_NONE, WQ_PERCPU);
	}
	return error;
}

int
module_turn(int n)
{

	module_number = n;
	workqueue_enqueue(module_wq, &module_work, 0);
	workqueue_wait(module_wq, &module_work);
	workqueue_enqueue(module_percpu, &module_work, 0);
	workqueue_wait(module_percpu, &module_work);
	return module_sum;
}

void
module_stop(void)
{

	workqueue_destroy(module_wq);
	workqueue_destroy(module_percpu);
}
