/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Pools: find, cancel and wait for items.  See subr_wqpool.c.
 */

#include <string.h>

#include "kern.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "subr_wqpool.h"
#include "subr_wqpool_var.h"

#define	WQPOOL_RETRY	10000000	/* ns between attempts to start */
#define	WQPOOL_MAXDEPTH	3		/* nested runs on one thread */

/*
 * Move all pending items to the ordered list.  Return true if the item is on
 * this list.
 */
static bool
wqpool_pending(struct wqpool *p, const struct work *wk)
{

	KASSERT(mutex_owned(&p->p_lock));
	wqpool_order(p);
	wqpool_kick(p);
	return wqpool_listed(p, wk);
}

/*
 * Return the caller's runner, or NULL.
 */
static struct wqpool_runner *
wqpool_self(struct wqpool *p, struct lwp *l)
{
	struct wqpool_runner *wr;

	KASSERT(mutex_owned(&p->p_lock));
	if (l->l_wqpool != p)
		return NULL;
	for (wr = p->p_runners; wr != NULL && wr->wr_lwp != l;)
		wr = wr->wr_next;
	return wr;
}

/*
 * Return true if the caller runs this item, perhaps in an outer callback.
 */
static bool
wqpool_selfruns(struct wqpool *p, const struct lwp *l, const struct work *wk)
{
	struct wqpool_runner *wr;

	KASSERT(mutex_owned(&p->p_lock));
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		if (wr->wr_lwp == l && wr->wr_cur == wk)
			return true;
	return false;
}

static int
wqpool_depth(struct wqpool *p, const struct lwp *l)
{
	struct wqpool_runner *wr;
	int n;

	n = 0;
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		if (wr->wr_lwp == l)
			n++;
	return n;
}

__kern_public bool
wqpool_cancel(struct wqpool *p, struct work *wk)
{
	struct wqpool_runner *wr;
	bool found;

	wqpool_check_fork(p);
	mutex_enter(&p->p_lock);
	found = false;
	if (wqpool_pending(p, wk)) {
		wqpool_unlink(p, wk);
		found = true;
	} else {
		for (wr = p->p_runners; wr != NULL && wr->wr_again != wk;)
			wr = wr->wr_next;
		if (wr != NULL) {
			wr->wr_again = NULL;
			found = true;
		}
	}
	if (found && p->p_waiters != NULL) {
		/* The item's waiters now wait only for its earlier runs. */
		wqpool_number(p, wk, p->p_seq);
		wqpool_wake_passed(p);
		wqpool_marks(p);
		wqpool_wake_quiet(p);
	}
	KERN_AFTER(wk);
	KERN_AFTER(p);
	mutex_exit(&p->p_lock);
	return found;
}

static void
wqpool_enlist(struct wqpool *p, struct wqpool_waiter *pw)
{

	KASSERT(mutex_owned(&p->p_lock));
	/* wqpool_destroy() waits until this call has ended. */
	(void)atomic_fetch_add_relaxed(&p->p_nwaiting, 1);
	pw->pw_next = p->p_waiters;
	p->p_waiters = pw;
}

/*
 * Release p_lock, and wait for the event that pw describes.  pw is on
 * p_waiters.  When this returns, the pool may be gone.
 */
static void
wqpool_await(struct wqpool *p, struct wqpool_waiter *pw)
{
	struct lwp *l;
	int biglocks;
	bool need, start;

	KASSERT(mutex_owned(&p->p_lock));
	l = pw->pw_lwp;
	/*
	 * Make sure that a thread can run the awaited items.  If the caller is
	 * a thread of the pool, the pool may have no other thread.  The system
	 * may also have refused the first thread, or a further thread while all
	 * others are blocked.
	 */
	need = p->p_runners == NULL || p->p_short;
	start = (need || pw->pw_self != NULL) && wqpool_want(p, false);
	mutex_exit(&p->p_lock);
	wqk_kernel_unlock(0, &biglocks);
	if (start)
		(void)wqpool_start(p);
	/* Acquire: pairs with the release in wqpool_tell(). */
	while (!atomic_load_acquire(&pw->pw_done)) {
		(void)lwp_timedpark(l, need ?
		    host_monotime() + WQPOOL_RETRY : HOST_FOREVER);
		if (atomic_load_acquire(&pw->pw_done))
			break;
		mutex_enter(&p->p_lock);
		need = p->p_runners == NULL || p->p_short;
		start = need && wqpool_want(p, false);
		mutex_exit(&p->p_lock);
		if (start)
			(void)wqpool_start(p);
	}
	/* Release: pairs with wqpool_destroy().  The last access to p. */
	(void)atomic_fetch_add_acq_rel(&p->p_nwaiting, -1);
	wqk_kernel_lock(biglocks);
}

__kern_public bool
wqpool_wait(struct wqpool *p, const struct work *wk)
{
	struct wqpool_waiter pw;
	struct lwp *l;

	wqpool_check_fork(p);
	l = curlwp_get();
	memset(&pw, 0, sizeof(pw));
	KERN_UNWATCHED(&pw, sizeof(pw));
	pw.pw_lwp = l;
	pw.pw_work = wk;
	mutex_enter(&p->p_lock);
	wqpool_order(p);
	pw.pw_self = wqpool_self(p, l);
	if ((p->p_flags & WQPOOL_EXCLUSIVE) != 0 && pw.pw_self != NULL &&
	    wqpool_selfruns(p, l, wk)) {
		mutex_exit(&p->p_lock);
		return false;
	}
	if (!wqpool_pending(p, wk)) {
		pw.pw_known = true;
		pw.pw_seq = p->p_seq;
		if (wqpool_passed(p, &pw)) {
			KERN_AFTER(p);
			mutex_exit(&p->p_lock);
			return false;
		}
	} else if (pw.pw_self != NULL && p->p_maxthreads == 1)
		panic("pool \"%s\": would deadlock waiting for item %p",
		    p->p_name, (const void *)wk);
	wqpool_enlist(p, &pw);
	wqpool_await(p, &pw);
	KERN_AFTER(p);
	return true;
}

/*
 * Return true if no other thread is idle or can be started for the pending
 * items.  The caller is in a callback.
 */
static bool
wqpool_stuck(struct wqpool *p)
{

	KASSERT(mutex_owned(&p->p_lock));
	return p->p_idle == NULL && p->p_nthreads >= p->p_maxthreads;
}

__kern_public bool
wqpool_flush_begin(struct wqpool *p, struct wqpool_waiter *pw)
{
	struct lwp *l;

	wqpool_check_fork(p);
	l = curlwp_get();
	memset(pw, 0, sizeof(*pw));
	pw->pw_lwp = l;
	mutex_enter(&p->p_lock);
	pw->pw_self = wqpool_self(p, l);
	wqpool_order(p);
	wqpool_kick(p);
	if (p->p_first != NULL) {
		if (pw->pw_self != NULL && p->p_maxthreads == 1 &&
		    (p->p_flags & WQPOOL_NESTED) == 0)
			panic("pool \"%s\": would deadlock waiting for item "
			    "%p", p->p_name, (void *)p->p_first);
		if (pw->pw_self != NULL && wqpool_stuck(p) &&
		    wqpool_depth(p, l) > WQPOOL_MAXDEPTH) {
			mutex_exit(&p->p_lock);
			pw->pw_deep = true;
			return false;
		}
		wqpool_link(p, p->p_lastp, &pw->pw_mark.pk_work);
	} else {
		pw->pw_known = true;
		pw->pw_seq = p->p_seq;
		if (wqpool_passed(p, pw)) {
			mutex_exit(&p->p_lock);
			return false;
		}
	}
	wqpool_enlist(p, pw);
	mutex_exit(&p->p_lock);
	return true;
}

__kern_public void
wqpool_flush_end(struct wqpool *p, struct wqpool_waiter *pw)
{
	struct wqpool_runner self, **wrp;
	struct work *outer;
	struct lwp *l;

	l = pw->pw_lwp;
	mutex_enter(&p->p_lock);
	if (pw->pw_self != NULL && !pw->pw_known &&
	    (p->p_flags & WQPOOL_NESTED) != 0 && wqpool_stuck(p)) {
		memset(&self, 0, sizeof(self));
		self.wr_lwp = l;
		self.wr_next = p->p_runners;
		p->p_runners = &self;
		outer = l->l_curwork;
		wqpool_run(p, &self, pw);
		l->l_curwork = outer;
		for (wrp = &p->p_runners; *wrp != &self;)
			wrp = &(*wrp)->wr_next;
		*wrp = self.wr_next;
		/*
		 * The wait may be over.  This thread does not wait for a run
		 * that was left to its own outer runner, because that runner
		 * begins the run only after its current callback has returned.
		 */
		wqpool_wake_passed(p);
	}
	wqpool_await(p, pw);
}

__kern_public void
wqpool_flush(struct wqpool *p)
{
	struct wqpool_waiter pw;

	if (wqpool_flush_begin(p, &pw))
		wqpool_flush_end(p, &pw);
	KERN_AFTER(p);
}

__kern_public void
wqpool_busy(struct wqpool *p, const struct work *wk, bool *pendingp,
    bool *runningp)
{
	struct wqpool_runner *wr;

	wqpool_check_fork(p);
	mutex_enter(&p->p_lock);
	*pendingp = wqpool_pending(p, wk);
	*runningp = false;
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next) {
		if (wr->wr_cur == wk)
			*runningp = true;
		if (wr->wr_again == wk)
			*pendingp = true;
	}
	KERN_AFTER(p);
	mutex_exit(&p->p_lock);
}

__kern_public bool
wqpool_quiet(struct wqpool *p, uint64_t *donep)
{
	bool quiet;

	wqpool_check_fork(p);
	mutex_enter(&p->p_lock);
	wqpool_order(p);
	wqpool_kick(p);
	quiet = wqpool_isquiet(p);
	KERN_AFTER(p);
	*donep = p->p_ndone;
	mutex_exit(&p->p_lock);
	return quiet;
}

__kern_public void
wqpool_drain(struct wqpool *p)
{
	struct wqpool_waiter pw;
	struct lwp *l;

	wqpool_check_fork(p);
	l = curlwp_get();
	if (l->l_wqpool == p)
		panic("pool \"%s\" drained by one of its own threads",
		    p->p_name);
	memset(&pw, 0, sizeof(pw));
	KERN_UNWATCHED(&pw, sizeof(pw));
	pw.pw_lwp = l;
	pw.pw_quiet = true;
	mutex_enter(&p->p_lock);
	wqpool_order(p);
	wqpool_kick(p);
	if (wqpool_isquiet(p))
		mutex_exit(&p->p_lock);
	else {
		wqpool_enlist(p, &pw);
		wqpool_await(p, &pw);
	}
	KERN_AFTER(p);
}
