/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * RUN_ONCE(9).  A control is changed under its bucket of the sleep queues.
 */

#include <sys/once.h>

#include "kern.h"

/*
 * Enter the bucket when nobody runs a function for this control.
 */
static struct sleepq *
once_enter(once_t *o, const char *func)
{
	struct sleepq *sq;
	struct lwp *l;

	l = curlwp_get();
	if (KERN_CHECKING())
		wqcheck_sleepable(func);
	for (;;) {
		sq = sleepq_enter(o);
		if (atomic_load_relaxed(&o->o_status) != ONCE_RUNNING)
			return sq;
		if (o->o_lwp == l)
			panic("%s: once %p is used by its own function", func,
			    (void *)o);
		sleepq_enqueue(sq, l, o, SLEEPQ_ONCE, false);
		sleepq_exit(sq);
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

	sq = once_enter(o, "RUN_ONCE");
	if (o->o_refcnt++ == 0) {
		o->o_lwp = curlwp_get();
		atomic_store_relaxed(&o->o_status, ONCE_RUNNING);
		sleepq_exit(sq);
		o->o_error = error = (*func)();
		once_done(o, ONCE_DONE);
		return error;
	}
	error = o->o_error;
	KASSERTMSG(o->o_refcnt != 0, "INIT_ONCE: once %p: too many",
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
