/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The threads of a pool; see subr_wqpool.c.
 */

#include <errno.h>
#include <string.h>

#include "kern.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_timeout.h"
#include "subr_specificdata.h"
#include "subr_wqlend.h"
#include "subr_wqpool.h"
#include "subr_wqpool_var.h"
#include "subr_wqstat.h"

/*
 * Call the hook of a retired pool if its last thread has left.
 */
void
wqpool_report_retired(struct wqpool *p)
{

	KASSERT(mutex_owned(&p->p_lock));
	if (p->p_retired != NULL && p->p_state == WQPOOL_ENDS &&
	    p->p_nthreads == 0 && p->p_nleaving == 0)
		(*p->p_retired)(p->p_arg);
}

static void wqpool_thread(void *);

/*
 * Try again to start a thread.  The callout p_retry calls this.  By now there
 * may be a thread, or the pool may need none.  If the thread is refused again,
 * wqpool_start() arms p_retry again.
 */
static void
wqpool_retry(void *arg)
{
	struct wqpool *p;
	bool start;

	p = arg;
	mutex_enter(&p->p_lock);
	start = p->p_short &&
	    wqpool_want(p, (p->p_flags & WQPOOL_SPARE) != 0);
	mutex_exit(&p->p_lock);
	if (start)
		(void)wqpool_start(p);
}

/*
 * Arrange for further attempts: a thread was refused and none is idle, so all
 * other threads may be blocked.  Wake the waiters once; from then on they try
 * from time to time.  If there is a callout thread (clock), a callout tries
 * after a tick.
 */
static void
wqpool_fall_short(struct wqpool *p, bool clock)
{
	struct wqpool_waiter *pw;

	KASSERT(mutex_owned(&p->p_lock));
	if (!p->p_short) {
		p->p_short = true;
		for (pw = p->p_waiters; pw != NULL; pw = pw->pw_next)
			lwp_unpark(pw->pw_lwp);
	}
	if (!clock || p->p_state == WQPOOL_ENDS)
		return;
	if (!p->p_canretry) {
		callout_init(&p->p_retry, CALLOUT_MPSAFE);
		callout_setfunc(&p->p_retry, wqpool_retry, p);
		p->p_canretry = true;
	}
	/* If p_retry is pending, do not defer it. */
	if (!callout_pending(&p->p_retry))
		callout_schedule(&p->p_retry, 1);
}

/*
 * Start a thread.  The caller has counted it in p_nthreads and p_nstarting.
 */
int
wqpool_start(struct wqpool *p)
{
	struct lwp *l;
	int error, n;
	bool alone, clock;

	clock = false;
	for (n = 0;; n++) {
		error = (p->p_flags & WQPOOL_SHARED) != 0 ?
		    lwp_create_shared(&l, p->p_name, p->p_prio, p->p_ci,
		    wqpool_thread, p) : lwp_create(&l, p->p_name, p->p_prio,
		    p->p_ci, wqpool_thread, p);
		if (error == 0)
			return 0;
		mutex_enter(&p->p_lock);
		/*
		 * A further attempt needs the callout thread, so start it.  If
		 * the pool has no thread, it needs no callout: its creator
		 * frees the pool, or the lender retries.  But it does need the
		 * callout if it has items and no p_cold.
		 */
		alone = p->p_nthreads == p->p_nvisitors + 1;
		if (n == 0 && (!alone || (p->p_cold == NULL &&
		    (p->p_first != NULL || !wqpool_inbox_empty(p))))) {
			mutex_exit(&p->p_lock);
			clock = callout_trystart() == 0;
			mutex_enter(&p->p_lock);
		}
		/*
		 * If p_refused is set, another thread needed a new thread
		 * during this attempt, and left the start to this call.  So try
		 * again.  If the pool has a thread, which may be the caller, or
		 * if the lender retries, try again only once.
		 */
		if (!p->p_refused || p->p_state == WQPOOL_ENDS ||
		    (n != 0 && (!alone || p->p_cold != NULL)))
			break;
		p->p_refused = false;
		mutex_exit(&p->p_lock);
	}
	wqpool_arrived(p);
	p->p_nthreads--;
	if (p->p_idle == NULL)
		wqpool_fall_short(p, clock);
	wqpool_cool(p);
	if (p->p_destroyer != NULL)
		lwp_unpark(p->p_destroyer);
	wqpool_report_retired(p);
	mutex_exit(&p->p_lock);
	return error;
}

/*
 * Pools without a thread.
 */

/*
 * Undo what a callback has changed in the rescuer.  To the client, the thread
 * seems to end here.
 */
static void
wqpool_undo(const struct wqpool *p, struct lwp *l)
{
	const char *held;

	if ((held = wqlend_undo(l, PRI_NONE, NULL)) != NULL)
		panic("pool \"%s\": callbacks left %s held", p->p_name, held);
	specific_exit(l);
}

/*
 * Run one item in the calling thread.  The caller is not a thread of the pool,
 * but counts as one until this function returns.  wqpool_want() has counted the
 * thread already.
 */
static void
wqpool_visit(struct wqpool *p, struct lwp *l, bool rescuer)
{
	struct wqpool_runner self, **wrp;
	struct wqpool *outer;
	struct work *outerwork;
	bool start;

	memset(&self, 0, sizeof(self));
	KERN_UNWATCHED(&self, sizeof(self));
	self.wr_lwp = l;
	outer = l->l_wqpool;
	outerwork = l->l_curwork;
	l->l_wqpool = p;
	mutex_enter(&p->p_lock);
	wqpool_arrived(p);
	p->p_nvisitors++;
	self.wr_next = p->p_runners;
	p->p_runners = &self;
	wqpool_run_one(p, &self);
	if (rescuer) {
		mutex_exit(&p->p_lock);
		wqpool_undo(p, l);
		mutex_enter(&p->p_lock);
	}
	for (wrp = &p->p_runners; *wrp != &self;)
		wrp = &(*wrp)->wr_next;
	*wrp = self.wr_next;
	l->l_wqpool = outer;
	l->l_curwork = outerwork;
	p->p_nthreads--;
	p->p_nvisitors--;
	/*
	 * While this thread counted as one of the pool's, the pool may have had
	 * no room for one more thread.  The pool's own threads may all be
	 * blocked, so start a thread now if one is needed.
	 */
	start = p->p_nthreads != p->p_nvisitors && wqpool_want(p,
	    (p->p_flags & WQPOOL_SPARE) != 0 && p->p_nrunning != 0);
	wqpool_cool(p);
	if (p->p_destroyer != NULL)
		lwp_unpark(p->p_destroyer);
	wqpool_report_retired(p);
	mutex_exit(&p->p_lock);
	if (start)
		(void)wqpool_start(p);
}

/*
 * If the pool has items and no thread of its own, count a thread, and return
 * true.
 */
static bool
wqpool_cold_wants(void *arg)
{
	struct wqpool *p;
	bool wants;

	p = arg;
	mutex_enter(&p->p_lock);
	wants = p->p_nthreads == p->p_nvisitors && wqpool_want(p, false);
	mutex_exit(&p->p_lock);
	return wants;
}

static int
wqpool_cold_start(void *arg)
{

	return wqpool_start(arg);
}

static void
wqpool_cold_rescue(void *arg, struct lwp *l)
{
	struct wqpool *p;

	p = arg;
	wqlend_setname(l, p->p_name);
	wqpool_visit(p, l, true);
}

const struct wqlend_ops wqpool_cold_ops = {
	.wo_wants = wqpool_cold_wants,
	.wo_start = wqpool_cold_start,
	.wo_rescue = wqpool_cold_rescue,
};

__kern_public bool
wqpool_help(struct wqpool *p)
{

	if (!wqpool_cold_wants(p))
		return false;
	wqpool_visit(p, curlwp_get(), false);
	return true;
}

/*
 * End a thread that is counted in p_nleaving.
 */
static void
wqpool_end(struct wqpool *p, struct lwp *l)
{
	struct lwp *dead;

	l->l_wqpool = NULL;
	/*
	 * When a thread ends, it joins the one that ended before.  The
	 * destroyer joins the last one.  The pool exists as long as p_nleaving
	 * counts this thread.
	 */
	mutex_enter(&p->p_lock);
	dead = p->p_dead;
	p->p_dead = l;
	mutex_exit(&p->p_lock);
	if (dead != NULL)
		lwp_join(dead);
	mutex_enter(&p->p_lock);
	p->p_nleaving--;
	if (p->p_destroyer != NULL)
		lwp_unpark(p->p_destroyer);
	wqpool_report_retired(p);
	mutex_exit(&p->p_lock);
}

/*
 * Remove the calling thread from the pool, release p_lock, and end the thread.
 */
static void
wqpool_leave(struct wqpool *p, struct wqpool_runner *wr)
{
	struct wqpool_runner **wrp;

	KASSERT(mutex_owned(&p->p_lock));
	for (wrp = &p->p_runners; *wrp != wr; wrp = &(*wrp)->wr_next)
		continue;
	*wrp = wr->wr_next;
	p->p_nthreads--;
	p->p_nleaving++;
	wqpool_kick(p);
	mutex_exit(&p->p_lock);
	if (p->p_stop != NULL)
		(*p->p_stop)(p->p_arg);
	wqpool_end(p, wr->wr_lwp);
}

/*
 * End a thread that the start hook refused, as if the system had refused to
 * create it.
 */
static void
wqpool_refuse(struct wqpool *p, struct lwp *l)
{
	bool clock;

	clock = callout_trystart() == 0;
	mutex_enter(&p->p_lock);
	p->p_nthreads--;
	p->p_nleaving++;
	if (p->p_idle == NULL)
		wqpool_fall_short(p, clock);
	wqpool_kick(p);
	wqpool_cool(p);
	mutex_exit(&p->p_lock);
	wqpool_end(p, l);
}

static void
wqpool_thread(void *arg)
{
	struct wqpool_runner self;
	struct wqpool *p;
	bool start;

	p = arg;
	memset(&self, 0, sizeof(self));
	KERN_UNWATCHED(&self, sizeof(self));
	self.wr_lwp = curlwp_get();
	self.wr_gap = kern_spin * 4;
	self.wr_lwp->l_wqpool = p;
	mutex_enter(&p->p_lock);
	p->p_short = false;
	if (p->p_start != NULL) {
		/*
		 * The hook may take long, and may wait for the hook of another
		 * thread.  So count this thread as arrived before the call.  If
		 * there are several items, or another thread was wanted
		 * meanwhile, start the next thread now.
		 */
		start = p->p_refused;
		wqpool_arrived(p);
		wqpool_order(p);
		start = (start || (p->p_first != NULL &&
		    p->p_first->wk_dummy != NULL)) && wqpool_want(p, false);
		mutex_exit(&p->p_lock);
		if (start)
			(void)wqpool_start(p);
		if (!(*p->p_start)(p->p_arg)) {
			wqpool_refuse(p, self.wr_lwp);
			return;
		}
		mutex_enter(&p->p_lock);
	} else
		wqpool_arrived(p);
	self.wr_next = p->p_runners;
	p->p_runners = &self;
	do {
		wqpool_run(p, &self, NULL);
		/* See wqpool_next(). */
		if (p->p_nthreads > p->p_maxthreads &&
		    p->p_runners->wr_next != NULL)
			break;
	} while (wqpool_sleep(p, &self));
	wqpool_leave(p, &self);
}

__kern_public void
wqpool_main(struct wqpool *p)
{
	struct wqpool_runner self, **wrp;
	struct wqpool *outer;
	struct lwp *l;

	wqpool_check_fork(p);
	l = curlwp_get();
	memset(&self, 0, sizeof(self));
	KERN_UNWATCHED(&self, sizeof(self));
	self.wr_lwp = l;
	self.wr_gap = kern_spin * 4;
	outer = l->l_wqpool;
	l->l_wqpool = p;

	mutex_enter(&p->p_lock);
	if (p->p_nthreads >= p->p_maxthreads)
		panic("kthread_worker_fn: \"%s\" has a thread already",
		    p->p_name);
	p->p_nthreads++;
	self.wr_next = p->p_runners;
	p->p_runners = &self;
	mutex_exit(&p->p_lock);
	/* The client may free the pool while no thread is here. */
	p->p_statslot = wqstat_enter(p, WQSTAT_POOL);
	mutex_enter(&p->p_lock);
	do {
		wqpool_run(p, &self, NULL);
	} while (wqpool_sleep(p, &self));
	for (wrp = &p->p_runners; *wrp != &self; wrp = &(*wrp)->wr_next)
		continue;
	*wrp = self.wr_next;
	p->p_nthreads--;
	KASSERT(p->p_state == WQPOOL_ENDS);
	p->p_state = WQPOOL_SERVES;
	mutex_exit(&p->p_lock);
	wqstat_leave(p->p_statslot, p);
	l->l_wqpool = outer;
}

__kern_public void
wqpool_finish(struct wqpool *p)
{
	struct wqpool_runner *wr;

	mutex_enter(&p->p_lock);
	KASSERT((p->p_flags & WQPOOL_CALLER) != 0);
	p->p_state = WQPOOL_ENDS;
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		lwp_unpark(wr->wr_lwp);
	mutex_exit(&p->p_lock);
}
