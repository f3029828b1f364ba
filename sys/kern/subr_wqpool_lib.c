/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Pools: other services for the libraries on top.
 */

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_timeout.h"
#include "subr_cpu.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"
#include "subr_wqcheck.h"
#include "subr_wqpool.h"
#include "subr_wqspin.h"
#include "subr_wqtrace.h"

__kern_public bool	wqpool_watched __host_readmostly;

__kern_public void
wqpool_gather(void)
{

	if (cpu_spinok && kern_spin != 0)
		wqspin_gather();
}

__kern_public void
wqpool_nap(int64_t ns)
{

	(void)lwp_timedpark(curlwp_get(), host_monotime() + ns);
}

__kern_public bool
wqpool_asymfence(void)
{

	kern_init();
	return host_asymfence;
}

__kern_public void
wqpool_fence(void)
{

	host_fence_heavy();
}

__kern_public bool
wqpool_checking(void)
{

	kern_init();
	return kern_slow;
}

/*
 * Return EINVAL.  In checking mode, print the reason.
 */
__kern_public int
wqpool_einval(const char *func, const char *text)
{

	return kern_einval(func, "%s", text);
}

/*
 * Exempt an object from checking mode's report at exit.  A library owns the
 * object and never destroys it.
 */
__kern_public void
wqpool_keep(const void *p)
{

	if (KERN_CHECKING())
		lockdebug_keep(p);
}

__kern_public const void *
wqpool_checkin(const struct work *wk, const void *where)
{

	KERN_BEFORE(wk);
	return KERN_CHECKING() ? wqcheck_enqueue(wk, where, 0) : NULL;
}

__kern_public void
wqpool_checkout(const struct work *wk)
{

	if (KERN_CHECKING())
		wqcheck_dequeue(wk);
	KERN_AFTER(wk);
}

__kern_public void
wqpool_trace_enqueue(const struct work *wk, const char *name)
{

	if (KERN_TRACING())
		wqtrace_enqueue(wk, name);
}

__kern_public void
wqpool_trace_begin(const struct work *wk, const char *name, uintptr_t func)
{

	if (KERN_TRACING())
		wqtrace_begin(wqtrace_take(wk), wk, name, func);
}

__kern_public void
wqpool_trace_end(void)
{

	if (KERN_TRACING())
		wqtrace_end();
}

__kern_public bool
wqpool_written(const void *p, size_t size)
{

	return host_written(p, size);
}

__kern_public void
wqpool_tell_before(const void *p)
{

	host_happens_before(p);
}

__kern_public void
wqpool_tell_after(const void *p)
{

	host_happens_after(p);
}

__kern_public struct wqpool *
wqpool_current(struct work **wkp)
{
	struct lwp *l;

	l = host_self();
	if (wkp != NULL)
		*wkp = l == NULL ? NULL : l->l_curwork;
	return l == NULL ? NULL : l->l_wqpool;
}

__kern_public void
wqpool_delay(callout_t *c, int64_t ns)
{

	callout_schedule_ns(c, ns);
}

__kern_public int
wqpool_descriptors(int n)
{

	return host_descriptors(n);
}

__kern_public int
wqpool_delays(void)
{

	return callout_trystart();
}

/* Each library adds itself when it is loaded; none is removed. */
static struct wqpool_lib *wqpool_libs;	/* (a) */

__kern_public void
wqpool_atfork(struct wqpool_lib *wl)
{
	struct wqpool_lib *first;

	first = atomic_load_relaxed(&wqpool_libs);
	do {
		wl->wl_next = first;
		/* Release: publish the fields of wl. */
	} while (!atomic_cas_weak_acq_rel(&wqpool_libs, &first, wl));
}

__kern_public const char *
wqpool_getenv(const char *name)
{

	return host_getenv(name);
}

/*
 * Call the fork function of each library, in a forked child.
 */
void
wqpool_fork(struct lwp *l)
{
	struct wqpool_lib *wl;

	(void)l;
	for (wl = atomic_load_acquire(&wqpool_libs); wl != NULL;
	    wl = wl->wl_next)
		(*wl->wl_fork)();
}

/*
 * Detect a child that was forked without fork handlers, and start the library
 * in it.  A library on top calls this before it changes anything for a thread.
 * Do nothing in an interrupt handler or with a kspin held, because fork
 * handlers cannot run there.
 */
__kern_public void
wqpool_fork_catchup(void)
{
	const struct lwp *l;

	if (__predict_true(kern_forkgen != 0) || ((l = host_self()) != NULL &&
	    (l->l_intrdepth != 0 || l->l_kspin != 0)))
		return;
	kern_init();
}

__kern_public bool
wqpool_isours(const struct wqpool *p)
{

	return p->p_forkgen == kern_forkgen;
}
