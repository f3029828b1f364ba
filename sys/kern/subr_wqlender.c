/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Two threads, the lender and the rescuer, serve the queues to which threads
 * are lent, and the wqpools that have a record: see subr_wqlend.c.  They start
 * when the first such queue or wqpool is created.
 *
 * The lender starts a thread when a queue waits for a thread and none is idle.
 * While there are threads, the lender looks at them once a second, and sends
 * home the ones that sleep.  It never calls a function of the client, so it is
 * always available.
 *
 * The rescuer runs queues itself, a batch of one queue at a time, if the system
 * has kept refusing threads for the time WQLENDER_RETRY.  So all items run even
 * if the system refuses threads forever, provided that the rescuer returns from
 * each callback.
 */

#include <errno.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_sleepq.h"
#include "subr_cpu.h"
#include "subr_prf.h"
#include "subr_wqlend.h"

#define	WQLENDER_LOOK	INT64_C(1000000000)	/* ns between looks */
#define	WQLENDER_RETRY	INT64_C(10000000)	/* ns to the next attempt */
#define	WQRESCUER_NAME	"wqrescue"
#define	WQLENDER_PAUSE	INT64_C(1000000)	/* ns, see wqlender_wants() */

static struct lwp	*wqlender_rescuer;	/* (wqlender_lock) */

KERN_MUTEX(wqlender_lock);

/*
 * Manage without a new thread until the next attempt to start one: send home a
 * thread that sleeps, or have the rescuer run the queues that wait.
 */
static void
wqlender_manage(struct wqlend_pool *lp, int64_t *deadlinep)
{

	KASSERT(mutex_owned(&lp->lp_lock));
	(void)wqlend_recall(lp);
	if (atomic_load_relaxed(&lp->lp_rescue) != 0)
		lwp_unpark(wqlender_rescuer);
	if (*deadlinep > lp->lp_retry)
		*deadlinep = lp->lp_retry;
}

/*
 * Call this if no record waits.  If no record was taken for the time
 * WQLENDER_RETRY, forget that the system has refused a thread.
 */
static void
wqlender_calm(struct wqlend_pool *lp, int64_t now, int64_t *deadlinep)
{

	KASSERT(mutex_owned(&lp->lp_lock));
	if (!lp->lp_short)
		return;
	if (now >= lp->lp_retry) {
		if (lp->lp_served == lp->lp_shortserved) {
			lp->lp_short = false;
			atomic_store_relaxed(&lp->lp_rescue, 0);
			return;
		}
		lp->lp_shortserved = lp->lp_served;
		lp->lp_retry = now + WQLENDER_RETRY;
	}
	if (*deadlinep > lp->lp_retry)
		*deadlinep = lp->lp_retry;
}

/*
 * Return true if a thread must be started for a pool.
 *
 * If the pool has more threads than there are CPUs, another thread hardly
 * helps, unless the threads are blocked in callbacks.  Blocked threads take no
 * records.  So if threads have taken records since the last call of this
 * function, wait a moment: soon there may be no record left.
 */
static bool
wqlender_wants(struct wqlend_pool *lp, int64_t now, int64_t *deadlinep)
{

	KASSERT(mutex_owned(&lp->lp_lock));
	if (lp->lp_nstarting != 0)
		return false;
	if (lp->lp_wanted && lp->lp_nthreads == 0)
		return true;
	if (!wqlend_pending(lp)) {
		wqlender_calm(lp, now, deadlinep);
		return false;
	}
	if (lp->lp_idle != NULL) {
		wqlend_kick(lp);
		return false;
	}
	if (lp->lp_short && now < lp->lp_retry) {
		wqlender_manage(lp, deadlinep);
		return false;
	}
	if (lp->lp_nthreads > ncpu &&
	    (int)(lp->lp_served - lp->lp_expected) > 0) {
		lp->lp_expected = lp->lp_served;
		if (*deadlinep > now + WQLENDER_PAUSE)
			*deadlinep = now + WQLENDER_PAUSE;
		return false;
	}
	return true;
}

/*
 * Start a thread that the pool has counted already.  If the pool is for
 * clients, make the clients start their threads instead.  Release lp_lock
 * meanwhile.  Return 0 or an errno value.
 */
static int
wqlender_thread(struct wqlend_pool *lp)
{
	struct lwp *l;
	int error;

	KASSERT(mutex_owned(&lp->lp_lock));
	if (lp->lp_ops != NULL)
		return wqlend_start(lp);
	mutex_exit(&lp->lp_lock);
	error = ENOMEM;
	l = lwp_new("wqlent", lp->lp_pri, lp->lp_ci, wqlend_thread, lp, true);
	if (l != NULL) {
		l->l_detached = true;
		error = lwp_run(l, NULL);
	}
	mutex_enter(&lp->lp_lock);
	return error;
}

/*
 * Note that the system has refused a thread.
 */
static void
wqlender_refused(struct wqlend_pool *lp, int64_t now, int64_t *deadlinep)
{

	KASSERT(mutex_owned(&lp->lp_lock));
	lp->lp_nstarting--;
	lp->lp_nthreads--;
	if (!lp->lp_short) {
		lp->lp_short = true;
		lp->lp_since = now;
	}
	if (lp->lp_wanted) {
		lp->lp_wanted = false;
		atomic_store_relaxed(&lp->lp_inforce, MAXPRI_USER);
		sleepq_wakeall(&lp->lp_inforce, SLEEPQ_LWP);
	}
	if (now - lp->lp_since >= WQLENDER_RETRY)
		atomic_store_relaxed(&lp->lp_rescue, 1);
	lp->lp_shortserved = lp->lp_served;
	lp->lp_retry = now + WQLENDER_RETRY;
	wqlender_manage(lp, deadlinep);
}

/*
 * Serve a pool.  Return true if it has threads.
 */
static bool
wqlender_serve(struct wqlend_pool *lp, bool look, int64_t now,
    int64_t *deadlinep)
{
	bool threads;

	mutex_enter(&lp->lp_lock);
	if (look)
		wqlend_look(lp);
	if (wqlender_wants(lp, now, deadlinep)) {
		lp->lp_nstarting++;
		lp->lp_nthreads++;
		/* The new thread is going to take a record. */
		lp->lp_expected = lp->lp_served + 1;
		if (wqlender_thread(lp) != 0)
			wqlender_refused(lp, now, deadlinep);
		else {
			if (lp->lp_ops != NULL) {
				lp->lp_nstarting--;
				lp->lp_nthreads--;
			}
			lp->lp_short = false;
			lp->lp_wanted = false;
			atomic_store_relaxed(&lp->lp_rescue, 0);
		}
	}
	threads = lp->lp_nthreads != 0;
	mutex_exit(&lp->lp_lock);
	return threads;
}

static void
wqlender(void *arg)
{
	struct wqlend_pool *lp;
	struct lwp *l;
	int64_t deadline, now, next;
	bool look, threads;

	(void)arg;
	l = curlwp_get();
	next = 0;
	for (;;) {
		/* Acquire: observe the records that the callers pushed. */
		(void)atomic_swap_acquire(&wqlend_called, 0);
		now = host_monotime();
		if ((look = now >= next))
			next = now + WQLENDER_LOOK;
		deadline = HOST_FOREVER;
		threads = false;
		/* Acquire: pairs with the release in wqlend_pool_get(). */
		for (lp = atomic_load_acquire(&wqlend_pools); lp != NULL;
		    lp = lp->lp_next)
			if (lp->lp_forkgen == kern_forkgen &&
			    wqlender_serve(lp, look, now, &deadline))
				threads = true;
		/*
		 * If there are no threads, no look is needed.  Clear next, so
		 * that each turn sets it anew.  The first look then comes a
		 * second after the turn that starts a thread.
		 */
		if (!threads)
			next = 0;
		else if (deadline > next)
			deadline = next;
		/* Acquire: as above. */
		if (atomic_load_acquire(&wqlend_called) == 0)
			(void)lwp_timedpark(l, deadline);
	}
}

static void
wqrescuer(void *arg)
{
	struct wqlend_pool *lp;
	struct lwp *l;
	bool any;

	(void)arg;
	l = curlwp_get();
	for (;;) {
		any = false;
		/* Acquire: as in wqlender(). */
		for (lp = atomic_load_acquire(&wqlend_pools); lp != NULL;
		    lp = lp->lp_next)
			if (lp->lp_forkgen == kern_forkgen &&
			    atomic_load_relaxed(&lp->lp_rescue) != 0 &&
			    wqlend_rescue(lp, l))
				any = true;
		if (!any) {
			wqlend_setname(l, WQRESCUER_NAME);
			lwp_park(l);
		}
	}
}

/*
 * Start both threads, once in a process.  Return 0 or an errno value.
 */
int
wqlender_start(void)
{
	struct lwp *l;
	int error;

	/* Acquire: pairs with the release below. */
	if (__predict_true(atomic_load_acquire(&wqlend_lender) != NULL))
		return 0;
	error = 0;
	mutex_enter(&wqlender_lock);
	if (wqlender_rescuer == NULL)
		error = lwp_create_shared(&wqlender_rescuer, WQRESCUER_NAME,
		    PRI_NONE, NULL, wqrescuer, NULL);
	if (error == 0 && wqlend_lender == NULL &&
	    (error = lwp_create_shared(&l, "wqlender", PRI_COUNT - 1, NULL,
	    wqlender, NULL)) == 0)
		/* Release: publish wqlender_rescuer. */
		atomic_store_release(&wqlend_lender, l);
	mutex_exit(&wqlender_lock);
	return error;
}

void
wqlender_fork(void)
{

	wqlender_rescuer = NULL;
}
