/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * fork(2).  The child has only one thread, the copy of the thread that forked.
 *
 * The library does not hold its locks around fork(2), for three reasons:
 *
 *  - The C library's fork() waits for the lock of its allocator.  A handler may
 *    have interrupted the holder of that lock, and may wait for a lock of the
 *    library: a deadlock.
 *
 *  - The copy takes long.
 *
 *  - A program may have registered fork handlers before the library did.  The
 *    program's prepare handlers run after those of the library, and its other
 *    handlers run before those of the library.  So they would all run with the
 *    library's locks held.
 *
 * So while the process is copied, another thread may hold a lock, and may be
 * changing the data that the lock guards.  The child has two means to handle
 * this:
 *
 *  - A held spin lock contains the number of the process, kern_forkgen, plus
 *    one (KSPIN_HELD).  The child has another number, so there a lock counts as
 *    free if a thread of the parent held it.  Each lwp also contains the number
 *    of its process.  So the child can tell that a thread does not exist there,
 *    for instance the owner of a once(9) control.  The library's static mutexes
 *    are on one list, and the child frees those that the forking thread does
 *    not hold (kern_mutex.c).
 *
 *  - kern_torn() returns true if another thread may have been changing the data
 *    that a spin lock guards: see kern_kspin.c.
 *
 * kern_boot.c detects a child in which no fork handler has run.
 */

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_spl.h"

#include <sys/proc.h>

/*
 * The functions that the child calls, in this order.  fo_lock guards data that
 * another thread may be changing.  Before the process is copied, fork_prepare()
 * waits until it has seen the lock free.  fo_pass does the same for several
 * locks.
 */
static const struct fork_op {
	struct kspin	*fo_lock;
	void		(*fo_pass)(void);
	void		(*fo_child)(struct lwp *);
} fork_ops[] = {
	{ NULL,			NULL,		wqtrace_fork },
	{ NULL,			NULL,		mutex_fork },
	{ NULL,			NULL,		lwp_fork_self },
	{ NULL,			NULL,		proc_fork },
	{ &ld_lock,		NULL,		lockdebug_fork },
	{ &lwp_poollock,	NULL,		lwp_fork },
	{ NULL,			NULL,		sleepq_fork },
	{ NULL,			NULL,		kernel_lock_fork },
	{ &oncpu_lock,		NULL,		oncpu_fork },
	{ NULL,			NULL,		specific_fork },
	{ NULL,			NULL,		threadpool_fork },
	{ NULL,			NULL,		intr_fork },
	{ NULL,			NULL,		softint_fork },
	{ &evcnt_lock,		NULL,		evcnt_fork },
	{ &device_lock,		NULL,		device_fork },
	{ &shutdown_lock,	NULL,		hook_fork },
	{ NULL,			pool_fork_pass,	pool_fork },
	{ &kmem_lock,		NULL,		kmem_fork },
	{ NULL,			NULL,		kmem_helper_fork },
	{ NULL,			NULL,		xcall_fork },
	{ NULL,			NULL,		callout_fork },
	{ NULL,			NULL,		wqcheck_fork },
	{ &fdrunner_lock,	NULL,		workqueue_polled_fork },
	{ NULL,			NULL,		workqueue_fork },
	{ &wqslab_lock,		NULL,		wqslab_fork },
	{ &wqstat_lock,		NULL,		wqstat_fork },
	{ NULL,			NULL,		wqstat_report_fork },
	{ NULL,			NULL,		wqstat_watch_fork },
	{ NULL,			NULL,		wqlend_fork },
	{ NULL,			NULL,		wqpool_fork },
};

static void
fork_prepare(void)
{
	const struct fork_op *fo;

	kern_fork_catchup();
	kspin_fork_prepare();
	for (fo = fork_ops; fo < fork_ops + __arraycount(fork_ops); fo++) {
		if (fo->fo_lock != NULL)
			kspin_pass(fo->fo_lock);
		if (fo->fo_pass != NULL)
			(*fo->fo_pass)();
	}
}

static void
fork_parent(void)
{

	kspin_fork_parent();
}

/*
 * Make this child a process of its own, with a new number.  The caller is its
 * only thread.
 */
void
kern_fork_anew(void)
{
	const struct fork_op *fo;
	struct lwp *l;

	kern_boot_gen();
	kspin_fork_child();
	l = host_self();
	for (fo = fork_ops; fo < fork_ops + __arraycount(fork_ops); fo++)
		(*fo->fo_child)(l);
	kspin_fork_done();

	host_forked();
	if (l != NULL) {
		l->l_forking = false;
		intr_deliver(l);
	}
}

static void
fork_child(void)
{

	/* If an earlier handler called the library, this has been done. */
	if (kern_boot_moved())
		kern_fork_anew();
}

void
kern_fork_init(void)
{

	kern_boot_gen();
	if (host_atfork(fork_prepare, fork_parent, fork_child) != 0)
		panic("cannot register fork handlers");
}
