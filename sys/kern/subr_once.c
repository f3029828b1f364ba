/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * once(9).  The state of a control changes only while its sleep queue is
 * locked.
 */

#include <sys/once.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_sleepq.h"

/*
 * The value of o_status when a tool watches.  It is like ONCE_DONE, but
 * RUN_ONCE() calls wqk_init_once(), so that the tool sees the memory ordering.
 */
#define	ONCE_WATCHED	3

/*
 * Wait until no thread runs a function for the control.  Return the sleep queue
 * of the control, locked.
 */
static struct sleepq *
once_enter(once_t *o, const char *func)
{
	struct sleepq *sq;
	struct lwp *l;

	/* A control counts as a lock, which a soft interrupt may take. */
	l = curlwp_get();
	KERN_CHECK(context_check_lock(func, o, "once"));
	for (;;) {
		sq = sleepq_enter(o);
		if (atomic_load_relaxed(&o->o_status) != ONCE_RUNNING)
			return sq;
		if (o->o_lwp->l_forkgen != kern_forkgen) {
			/* The thread that ran it does not exist here. */
			o->o_lwp = NULL;
			o->o_refcnt = 0;
			atomic_store_relaxed(&o->o_status, ONCE_VIRGIN);
			return sq;
		}
		if (o->o_lwp == l)
			panic("%s: once %p is used by its own function", func,
			    (void *)o);
		sleepq_enqueue(sq, l, o, SLEEPQ_ONCE, false);
		sleepq_exit(sq);
		KERN_CHECK(context_check_sleep_on(func, o, "once"));
		(void)sleepq_block(l, HOST_FOREVER);
	}
}

static void
once_done(once_t *o, uint16_t status)
{
	struct sleepq *sq;

	sq = sleepq_enter(o);
	o->o_lwp = NULL;
	/* Release: RUN_ONCE() reads it without the lock. */
	atomic_store_release(&o->o_status, status);
	sleepq_exit(sq);
	sleepq_wakeall(o, SLEEPQ_ONCE);
}

__kern_public int
wqk_init_once(once_t *o, int (*func)(void))
{
	struct sleepq *sq;
	int error;

	KERN_UNWATCHED(o, sizeof(*o));
	sq = once_enter(o, "RUN_ONCE");
	if (KERN_WATCHED() && o->o_refcnt == UINT16_MAX)
		o->o_refcnt--;
	if (o->o_refcnt++ == 0) {
		o->o_lwp = curlwp_get();
		atomic_store_relaxed(&o->o_status, ONCE_RUNNING);
		sleepq_exit(sq);
		o->o_error = error = (*func)();
		/* A tool cannot see the ordering of RUN_ONCE()'s fast path. */
		once_done(o, KERN_WATCHED() ? ONCE_WATCHED : ONCE_DONE);
		return error;
	}
	error = o->o_error;
	KASSERTMSG(o->o_refcnt != 0, "INIT_ONCE: once %p: called too often",
	    (void *)o);
	sleepq_exit(sq);
	return error;
}

__kern_public void
wqk_fini_once(once_t *o, void (*func)(void))
{
	struct sleepq *sq;

	sq = once_enter(o, "FINI_ONCE");
	KASSERTMSG(o->o_refcnt != 0, "FINI_ONCE: once %p was not initialised",
	    (void *)o);
	if (--o->o_refcnt != 0) {
		sleepq_exit(sq);
		return;
	}
	o->o_lwp = curlwp_get();
	atomic_store_relaxed(&o->o_status, ONCE_RUNNING);
	sleepq_exit(sq);
	(*func)();
	once_done(o, ONCE_VIRGIN);
}
