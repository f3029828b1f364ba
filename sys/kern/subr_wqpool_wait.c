/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Pools: find a work, cancel it, wait for it or for all; see subr_wqpool.c.
 */

#include <string.h>

#include "subr_wqpool_var.h"

#define	WQPOOL_RETRY	10000000	/* ns between tries to have a thread */
#define	WQPOOL_MAXDEPTH	3		/* runs inside of each other */

/*
 * For those who run works.
 */

/*
 * Has every run up to seq ended, of one work or of all?
 */
static bool
wqpool_passed(struct wqpool *p, const struct wqpool_waiter *pw)
{
	struct wqpool_runner *wr;

	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next) {
		if (pw->pw_self != NULL && wr->wr_lwp == pw->pw_lwp)
			continue;
		if (wr->wr_cur != NULL && wr->wr_seq <= pw->pw_seq &&
		    (pw->pw_work == NULL || pw->pw_work == wr->wr_cur))
			return false;
		if (wr->wr_again != NULL && wr->wr_againseq <= pw->pw_seq &&
		    (pw->pw_work == NULL || pw->pw_work == wr->wr_again))
			return false;
	}
	return true;
}

/*
 * Tell a waiter, and take it off.
 */
static void
wqpool_tell(struct wqpool_waiter **pwp)
{
	struct wqpool_waiter *pw;
	struct lwp *l;

	pw = *pwp;
	*pwp = pw->pw_next;
	l = pw->pw_lwp;
	/* Release: what the works did; pw may be gone from now on. */
	atomic_store_release(&pw->pw_done, 1);
	lwp_unpark(l);
}

/*
 * A run has ended, or a number become known: who may go?
 */
void
wqpool_check_waiters(struct wqpool *p)
{
	struct wqpool_waiter *pw, **pwp;

	for (pwp = &p->p_waiters; (pw = *pwp) != NULL;) {
		if (pw->pw_known && wqpool_passed(p, pw))
			wqpool_tell(pwp);
		else
			pwp = &pw->pw_next;
	}
}

/*
 * The number of the run that those who wait for a pending work wait for.
 */
void
wqpool_number(struct wqpool *p, const struct work *wk, uint64_t seq)
{
	struct wqpool_waiter *pw;

	for (pw = p->p_waiters; pw != NULL; pw = pw->pw_next)
		if (pw->pw_work == wk && !pw->pw_known) {
			pw->pw_known = true;
			pw->pw_seq = seq;
		}
}

void
wqpool_check_quiet(struct wqpool *p)
{
	struct wqpool_waiter *pw, **pwp;

	if (!wqpool_isquiet(p))
		return;
	for (pwp = &p->p_waiters; (pw = *pwp) != NULL;) {
		if (pw->pw_quiet)
			wqpool_tell(pwp);
		else
			pwp = &pw->pw_next;
	}
}

/*
 * Take the marks of flushes from the head of the list.
 */
void
wqpool_marks(struct wqpool *p)
{
	struct wqpool_waiter *pw;

	for (pw = p->p_waiters; pw != NULL && p->p_first != NULL;) {
		if (p->p_first != &pw->pw_mark) {
			pw = pw->pw_next;
			continue;
		}
		p->p_first = pw->pw_mark.wk_dummy;
		if (p->p_first == NULL)
			p->p_lastp = &p->p_first;
		pw->pw_known = true;
		pw->pw_seq = p->p_seq;
		wqpool_check_waiters(p);
		pw = p->p_waiters;
	}
}

/*
 * From outside: find, cancel, wait.
 */

/*
 * With p_lock held: the place on the ordered list that points to a work, or
 * NULL.
 */
static struct work **
wqpool_pending(struct wqpool *p, const struct work *wk)
{
	struct work **wkp;

	wqpool_order(p);
	wqpool_kick(p);
	for (wkp = &p->p_first; *wkp != NULL;
	    wkp = (struct work **)&(*wkp)->wk_dummy)
		if (*wkp == wk)
			return wkp;
	return NULL;
}

/*
 * With p_lock held: the caller's runner, or NULL.
 */
static struct wqpool_runner *
wqpool_self(struct wqpool *p, struct lwp *l)
{
	struct wqpool_runner *wr;

	if (l->l_wqpool != p)
		return NULL;
	for (wr = p->p_runners; wr != NULL && wr->wr_lwp != l;)
		wr = wr->wr_next;
	return wr;
}

/*
 * With p_lock held: does the caller run this work, maybe further out?
 */
static bool
wqpool_selfruns(struct wqpool *p, const struct lwp *l, const struct work *wk)
{
	struct wqpool_runner *wr;

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
	struct work **wkp;
	bool found;

	wqpool_check_fork(p);
	mutex_enter(&p->p_lock);
	found = false;
	if ((wkp = wqpool_pending(p, wk)) != NULL) {
		*wkp = wk->wk_dummy;
		if (*wkp == NULL)
			p->p_lastp = wkp;
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
		/* Who waited for that run waits for earlier ones only. */
		wqpool_number(p, wk, p->p_seq);
		wqpool_check_waiters(p);
		wqpool_marks(p);
		wqpool_check_quiet(p);
	}
	mutex_exit(&p->p_lock);
	return found;
}

static void
wqpool_enlist(struct wqpool *p, struct wqpool_waiter *pw)
{

	/* The destroyer waits for us to be out of here. */
	(void)atomic_fetch_add_relaxed(&p->p_nwaiting, 1);
	pw->pw_next = p->p_waiters;
	p->p_waiters = pw;
}

/*
 * Wait for what pw, which is enlisted, says.  p_lock is held on entry, and
 * not on return; the pool may then be gone.
 */
static void
wqpool_await(struct wqpool *p, struct wqpool_waiter *pw)
{
	struct lwp *l;
	int biglocks;
	bool need, start;

	l = pw->pw_lwp;
	/*
	 * Somebody must run what we wait for.  If we keep a thread busy maybe
	 * nobody else does; and the first, or, while all others are blocked,
	 * one more, may have been refused.
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
	/* Release: pairs with wqpool_destroy().  The last touch of p. */
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
	if (wqpool_pending(p, wk) == NULL) {
		pw.pw_known = true;
		pw.pw_seq = p->p_seq;
		if (wqpool_passed(p, &pw)) {
			mutex_exit(&p->p_lock);
			return false;
		}
	} else if (pw.pw_self != NULL && p->p_maxthreads == 1)
		panic("pool \"%s\": would deadlock waiting for work %p",
		    p->p_name, (const void *)wk);
	wqpool_enlist(p, &pw);
	wqpool_await(p, &pw);
	return true;
}

/*
 * With p_lock held, from inside a function: can nobody else run what is
 * pending?
 */
static bool
wqpool_stuck(struct wqpool *p)
{

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
			panic("pool \"%s\": would deadlock waiting for work "
			    "%p", p->p_name, (void *)p->p_first);
		if (pw->pw_self != NULL && wqpool_stuck(p) &&
		    wqpool_depth(p, l) > WQPOOL_MAXDEPTH) {
			mutex_exit(&p->p_lock);
			pw->pw_deep = true;
			return false;
		}
		pw->pw_mark.wk_dummy = NULL;
		*p->p_lastp = &pw->pw_mark;
		p->p_lastp = (struct work **)&pw->pw_mark.wk_dummy;
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
		/* One that was left to us runs next, further out. */
		wqpool_check_waiters(p);
	}
	wqpool_await(p, pw);
}

__kern_public void
wqpool_flush(struct wqpool *p)
{
	struct wqpool_waiter pw;

	if (wqpool_flush_begin(p, &pw))
		wqpool_flush_end(p, &pw);
}

__kern_public void
wqpool_busy(struct wqpool *p, const struct work *wk, bool *pendingp,
    bool *runningp)
{
	struct wqpool_runner *wr;

	wqpool_check_fork(p);
	mutex_enter(&p->p_lock);
	*pendingp = wqpool_pending(p, wk) != NULL;
	*runningp = false;
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next) {
		if (wr->wr_cur == wk)
			*runningp = true;
		if (wr->wr_again == wk)
			*pendingp = true;
	}
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
}
