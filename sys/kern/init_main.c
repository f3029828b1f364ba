/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The library's start, and what becomes of it in a forked child.
 */

#include <string.h>

#include "kern.h"
#include "subr_workqueue.h"

int		kern_checking __host_readmostly;
bool		kern_realtime;
int		kern_verbose;
int64_t		kern_spin = 50 * 1000;
unsigned	kern_forkgen;

static void
kern_fork_prepare(void)
{

	workqueue_fork_prepare();
	callout_fork(KERN_FORK_PREPARE);
	kmem_fork(KERN_FORK_PREPARE);
	pool_fork(KERN_FORK_PREPARE);
	evcnt_fork(KERN_FORK_PREPARE);
	lwp_fork(1);
	lockdebug_fork(KERN_FORK_PREPARE);
}

static void
kern_fork_parent(void)
{

	lockdebug_fork(KERN_FORK_PARENT);
	lwp_fork(0);
	evcnt_fork(KERN_FORK_PARENT);
	pool_fork(KERN_FORK_PARENT);
	kmem_fork(KERN_FORK_PARENT);
	callout_fork(KERN_FORK_PARENT);
	workqueue_fork_parent();
}

/*
 * Only the thread that forked is here.
 */
static void
kern_fork_child(void)
{

	kern_forkgen++;
	proc_init();
	lockdebug_fork(KERN_FORK_CHILD);
	lwp_fork(0);
	sleepq_fork();
	kernel_lock_fork(host_self());
	cpuslot_fork(host_self());
	specific_fork(host_self());
	pserialize_fork(host_self());
	threadpool_fork();
	intr_fork();
	softint_fork();
	evcnt_fork(KERN_FORK_CHILD);
	pool_fork(KERN_FORK_CHILD);
	kmem_fork(KERN_FORK_CHILD);
	xcall_fork();
	callout_fork(KERN_FORK_CHILD);
	wqcheck_fork();
	workqueue_fork_child();
	wqpool_fork();
}

static void
kern_environment(void)
{
	const char *p;
	int64_t n;

	if ((p = host_getenv("WORKQUEUE_CHECK")) != NULL)
		kern_checking = strcmp(p, "strict") == 0 ? 2 :
		    strcmp(p, "") != 0 && strcmp(p, "0") != 0;
	if ((p = host_getenv("WORKQUEUE_VERBOSE")) != NULL)
		kern_verbose = strcmp(p, "debug") == 0 ? 2 :
		    strcmp(p, "") != 0 && strcmp(p, "0") != 0;
	if ((p = host_getenv("WORKQUEUE_RT")) != NULL)
		kern_realtime = strcmp(p, "1") == 0;
	if ((p = host_getenv("WORKQUEUE_SPIN")) != NULL && *p != '\0') {
		for (n = 0; *p >= '0' && *p <= '9' && n <= KERN_SPINMAX; p++)
			n = n * 10 + (*p - '0');
		if (*p != '\0' || n > KERN_SPINMAX)
			kern_warn("WORKQUEUE_SPIN is not a number of "
			    "microseconds from 0 to 1000: ignored");
		else
			kern_spin = n * 1000;
	}
}

/*
 * Once; as the library is loaded, or by whoever comes earlier still, when
 * there is one thread only.
 */
__attribute__((__constructor__(101))) void
kern_init(void)
{
	static int started;

	if (__predict_true(atomic_load_relaxed(&started)))
		return;
	atomic_store_relaxed(&started, 1);
	host_init(lwp_exit);
	lwp_init();
	clock_init();
	kern_environment();
	proc_init();
	cpu_init();
	if (kern_checking) {
		wqcheck_init();
		lockdebug_init();
	}
	if (host_atfork(kern_fork_prepare, kern_fork_parent,
	    kern_fork_child) != 0)
		panic("the host cannot watch forks");
}
