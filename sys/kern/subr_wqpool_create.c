/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Pools: create and destroy them, and set how many threads they may have.
 */

#include <errno.h>
#include <string.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_timeout.h"
#include "subr_prf.h"
#include "subr_wqlend.h"
#include "subr_wqpool.h"
#include "subr_wqpool_var.h"
#include "subr_wqstat.h"

__kern_public void
wqpool_init(struct wqpool *p, const struct wqpool_attr *pa)
{

	kern_init();
	kern_fork_catchup();
	KASSERTMSG(pa->pa_maxthreads >= 1, "pool \"%s\" for %d threads",
	    pa->pa_name, pa->pa_maxthreads);
	memset(p, 0, sizeof(*p));
	mutex_init_quiet(&p->p_lock);
	p->p_lastp = &p->p_first;
	p->p_forkgen = kern_forkgen;
	p->p_maxthreads = pa->pa_maxthreads;
	p->p_flags = pa->pa_flags;
	p->p_idletime = pa->pa_idletime;
	p->p_prio = pa->pa_prio;
	p->p_ci = pa->pa_ci;
	p->p_kind = pa->pa_kind;
	p->p_func = pa->pa_func;
	p->p_arg = pa->pa_arg;
	p->p_start = pa->pa_start;
	p->p_stop = pa->pa_stop;
	p->p_lacks = pa->pa_lacks;
	(void)ksnprintf(p->p_name, sizeof(p->p_name), "%s", pa->pa_name);
}

__kern_public bool
wqpool_left(struct wqpool *p, void (*func)(struct work *, void *),
    const void *arg)
{

	return p->p_func == func && p->p_arg == arg &&
	    p->p_forkgen == kern_forkgen &&
	    (p->p_first != NULL || !wqpool_inbox_empty(p));
}

__kern_public void
wqpool_fini(struct wqpool *p)
{
	unsigned n;

	if (p->p_forkgen != kern_forkgen)
		return;
	wqpool_drain(p);
	/* Acquire: pairs with the release in wqpool_await(). */
	for (n = 0; atomic_load_acquire(&p->p_nwaiting) != 0;)
		host_relax(&n);
}

/*
 * Start the callout thread early for a pool that keeps a spare thread and may
 * have more than one thread.  A system that refuses a thread of the pool would
 * refuse the callout thread, too.  If there is no callout thread, waiters try
 * again to start a thread, and wqpool_start() requests the callout thread again
 * when the system refuses a thread.
 */
static void
wqpool_watch(int flags, int maxthreads)
{

	if ((flags & WQPOOL_SPARE) != 0 && maxthreads > 1)
		(void)callout_trystart();
}

/*
 * Arrange that the lender starts the first thread when there is an item.
 * Return 0 or an errno value.
 */
static int
wqpool_prepare(struct wqpool *p)
{
	int error;

	KASSERT(p->p_start == NULL && p->p_stop == NULL);
	/* The thread must not inherit from the lender. */
	p->p_flags |= WQPOOL_SHARED;
	error = wqlend_attach(p, &wqpool_cold_ops, p->p_prio, p->p_ci,
	    &p->p_cold);
	if (error == 0) {
		mutex_enter(&p->p_lock);
		wqpool_cool(p);
		mutex_exit(&p->p_lock);
	}
	return error;
}

__kern_public int
wqpool_create(struct wqpool **pp, const struct wqpool_attr *pa)
{
	struct wqpool *p;
	int error;

	kern_init();
	if ((pa->pa_flags & WQPOOL_DELAYS) != 0 &&
	    (error = callout_trystart()) != 0)
		return error;
	if ((p = host_alloc(sizeof(*p))) == NULL)
		return ENOMEM;
	wqpool_init(p, pa);
	error = 0;
	if ((p->p_flags & WQPOOL_READY) != 0) {
		p->p_nthreads = p->p_nstarting = 1;
		error = wqpool_start(p);
	} else if ((p->p_flags & WQPOOL_SPARE) != 0)
		error = wqpool_prepare(p);
	if (error != 0) {
		host_free(p);
		return error;
	}
	wqpool_watch(p->p_flags, p->p_maxthreads);
	p->p_statslot = wqstat_enter(p, WQSTAT_POOL);
	*pp = p;
	return 0;
}

__kern_public int
wqpool_grow(struct wqpool *p)
{
	bool start;

	mutex_enter(&p->p_lock);
	start = wqpool_want(p, false);
	mutex_exit(&p->p_lock);
	return start ? wqpool_start(p) : 0;
}

__kern_public void
wqpool_setmax(struct wqpool *p, int max)
{
	bool start;

	KASSERTMSG(max >= 1, "pool \"%s\" for %d threads", p->p_name, max);
	mutex_enter(&p->p_lock);
	wqpool_order(p);
	p->p_maxthreads = max;
	/* Until now, the maximum may have forbidden a spare thread. */
	start = wqpool_want(p, (p->p_flags & WQPOOL_SPARE) != 0 &&
	    p->p_nrunning != 0);
	mutex_exit(&p->p_lock);
	wqpool_watch(p->p_flags, max);
	if (start)
		(void)wqpool_start(p);
}

__kern_public void
wqpool_destroy(struct wqpool *p)
{
	struct wqpool_runner *wr;
	struct lwp *l;
	unsigned n;
	int biglocks;

	if (p->p_forkgen != kern_forkgen) {
		wqstat_leave(p->p_statslot, p);
		if (p->p_canretry)
			callout_destroy(&p->p_retry);
		host_free(p);
		return;
	}
	l = curlwp_get();
	if (l->l_wqpool == p)
		panic("pool \"%s\" destroyed by one of its own threads",
		    p->p_name);
	wqk_kernel_unlock(0, &biglocks);
	wqpool_drain(p);
	/* Acquire: pairs with the release in wqpool_await(). */
	for (n = 0; atomic_load_acquire(&p->p_nwaiting) != 0;)
		host_relax(&n);
	mutex_enter(&p->p_lock);
	KASSERT(p->p_destroyer == NULL);
	p->p_destroyer = l;
	p->p_state = WQPOOL_ENDS;
	while (p->p_nthreads != 0 || p->p_nleaving != 0) {
		for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
			lwp_unpark(wr->wr_lwp);
		mutex_exit(&p->p_lock);
		lwp_park(l);
		mutex_enter(&p->p_lock);
	}
	mutex_exit(&p->p_lock);
	if (p->p_cold != NULL)
		wqlend_detach(p->p_cold);
	wqstat_leave(p->p_statslot, p);
	/* All threads have left the pool.  Join the last one. */
	if (p->p_dead != NULL)
		lwp_join(p->p_dead);
	if (p->p_canretry) {
		/*
		 * In this state of the pool, p_retry starts no thread and is
		 * not armed again.
		 */
		(void)callout_halt(&p->p_retry, NULL);
		callout_destroy(&p->p_retry);
	}
	host_free(p);
	wqk_kernel_lock(biglocks);
}

__kern_public void
wqpool_retire(struct wqpool *p, void (*func)(void *))
{

	wqpool_check_fork(p);
	mutex_enter(&p->p_lock);
	KASSERT(p->p_state == WQPOOL_SERVES);
	p->p_state = WQPOOL_RETIRES;
	p->p_retired = func;
	wqpool_maybe_end(p);
	wqpool_kick(p);
	wqpool_report_retired(p);
	mutex_exit(&p->p_lock);
}
