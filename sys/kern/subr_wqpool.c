/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A queue with several runners.
 *
 * The inbox is that of subr_workqueue.c, with the same rules for producers.
 * One of the idle threads stands in it ("announced"), so that the producer
 * that finds it wakes that one.  Whoever empties the inbox announces the next
 * idle thread with the same exchange, so that a wake is wanted as long as
 * somebody could help; and whoever begins a work while others are left wakes,
 * or starts, one more thread before it calls the function.  So a burst
 * spreads, one thread waking the next, and no thread waits for a function
 * that another runs.
 *
 * Works are told apart by address, under p_lock, as in workqueue_wait().
 */

#include <errno.h>
#include <string.h>

#include "subr_workqueue.h"
#include "subr_wqpool.h"

/*
 * A thread of a pool; in its own stack frame.  All under p_lock.
 */
struct wqpool_runner {
	struct wqpool_runner *wr_next;
	struct wqpool_runner *wr_idlenext;
	struct lwp	*wr_lwp;
	struct wqpool	*wr_pool;
	struct work	*wr_cur;	/* address of what it runs, or NULL */
	uint64_t	 wr_seq;	/* which run it is */
	bool		 wr_again;	/* wr_cur is pending again */
	uint64_t	 wr_againseq;	/* as if that had begun then */
	bool		 wr_idle;	/* on p_idle */
};

/*
 * Somebody who waits; in its own stack frame.  All under p_lock but
 * pw_done.  For a work: until it is begun pw_runner is NULL, then it is who
 * runs it.  For a flush: pw_mark is on the ordered list until all that was
 * before it has begun; then pw_seq is the last of these.
 */
struct wqpool_waiter {
	struct wqpool_waiter *pw_next;
	struct lwp	*pw_lwp;
	const struct work *pw_work;	/* NULL: a flush */
	struct wqpool_runner *pw_runner;
	struct work	 pw_mark;
	bool		 pw_marked;	/* pw_mark was reached */
	uint64_t	 pw_seq;
	int		 pw_done;	/* (a) */
};

void
wqpool_enqueue(struct wqpool *p, struct work *wk)
{
	struct runner *r;
	uintptr_t old;

	old = atomic_load_relaxed(&p->p_inbox);
	do {
		wk->wk_dummy = (void *)old;
		/* As in workqueue_enqueue(). */
	} while (!atomic_cas_weak_acq_rel(&p->p_inbox, &old, (uintptr_t)wk));
	if ((old & WQ_ASLEEP) != 0) {
		r = (struct runner *)(old & ~WQ_ASLEEP);
		(*r->r_wakeup)(r, NULL);
	}
}

/*
 * What p_inbox holds when there is nothing in it.
 */
static uintptr_t
wqpool_sleeper(struct wqpool *p)
{

	p->p_announced = p->p_idle;
	if (p->p_idle == NULL)
		return 0;
	return (uintptr_t)&p->p_idle->wr_lwp->l_runner | WQ_ASLEEP;
}

/*
 * Empty the inbox to the ordered list, and announce the next sleeper.
 */
static void
wqpool_order(struct wqpool *p)
{
	struct wqpool_runner *wr;
	struct work *wk, *first, **lastp;
	uintptr_t w;

	if (workqueue_end(atomic_load_relaxed(&p->p_inbox)))
		return;
	/* Who was announced is being woken by a producer. */
	if ((wr = p->p_announced) != NULL && wr->wr_idle && p->p_idle == wr) {
		p->p_idle = wr->wr_idlenext;
		wr->wr_idle = false;
	}
	/* Acquire: pairs with every producer; release: the sleeper's state. */
	w = atomic_swap_acq_rel(&p->p_inbox, wqpool_sleeper(p));
	first = NULL;
	lastp = NULL;
	while (!workqueue_end(w)) {
		wk = (struct work *)w;
		w = (uintptr_t)wk->wk_dummy;
		wk->wk_dummy = first;
		if (first == NULL)
			lastp = (struct work **)&wk->wk_dummy;
		first = wk;
	}
	*p->p_lastp = first;
	p->p_lastp = lastp;
}

/*
 * Bring the inbox in line with p_idle, if nothing is in it.
 */
static void
wqpool_announce(struct wqpool *p)
{
	struct wqpool_runner *oldwr;
	uintptr_t new, old;

	oldwr = p->p_announced;
	if (oldwr == p->p_idle)
		return;
	old = oldwr == NULL ? 0 :
	    (uintptr_t)&oldwr->wr_lwp->l_runner | WQ_ASLEEP;
	new = wqpool_sleeper(p);
	/*
	 * Release: a producer finds a runner that is set up.  If it fails
	 * works have come, and whoever was announced is being woken.
	 */
	if (!atomic_cas_acq_rel(&p->p_inbox, &old, new))
		p->p_announced = oldwr;
}

static void
wqpool_waiter_done(struct wqpool *p, struct wqpool_waiter **pwp)
{
	struct wqpool_waiter *pw;
	struct lwp *l;

	(void)p;
	pw = *pwp;
	*pwp = pw->pw_next;
	l = pw->pw_lwp;
	/* Release: what the works did; pw may be gone from now on. */
	atomic_store_release(&pw->pw_done, 1);
	lwp_unpark(l);
}

/*
 * Is every work up to seq done?
 */
static bool
wqpool_passed(struct wqpool *p, uint64_t seq)
{
	struct wqpool_runner *wr;

	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		if ((wr->wr_cur != NULL && wr->wr_seq <= seq) ||
		    (wr->wr_again && wr->wr_againseq <= seq))
			return false;
	return true;
}

/*
 * A runner has run its work, or a mark was reached: who may go?
 */
static void
wqpool_check_waiters(struct wqpool *p, struct wqpool_runner *wr)
{
	struct wqpool_waiter *pw, **pwp;

	for (pwp = &p->p_waiters; (pw = *pwp) != NULL;) {
		if (pw->pw_work != NULL ? wr != NULL && pw->pw_runner == wr :
		    pw->pw_marked && wqpool_passed(p, pw->pw_seq))
			wqpool_waiter_done(p, pwp);
		else
			pwp = &pw->pw_next;
	}
}

/*
 * Is it the mark of a flush?
 */
static bool
wqpool_mark(struct wqpool *p, const struct work *wk)
{
	struct wqpool_waiter *pw;

	for (pw = p->p_waiters; pw != NULL; pw = pw->pw_next)
		if (wk == &pw->pw_mark) {
			pw->pw_marked = true;
			pw->pw_seq = p->p_seq;
			wqpool_check_waiters(p, NULL);
			return true;
		}
	return false;
}

static void
wqpool_begin(struct wqpool *p, struct wqpool_runner *wr, struct work *wk,
    uint64_t seq)
{
	struct wqpool_waiter *pw;

	wr->wr_cur = wk;
	wr->wr_seq = seq;
	for (pw = p->p_waiters; pw != NULL; pw = pw->pw_next)
		if (pw->pw_work == wk && pw->pw_runner == NULL)
			pw->pw_runner = wr;
}

/*
 * Give the runner the oldest work that it may run.
 */
static bool
wqpool_next(struct wqpool *p, struct wqpool_runner *wr)
{
	struct wqpool_runner *other;
	struct work *wk;

	if (wr->wr_again) {
		wr->wr_again = false;
		wqpool_begin(p, wr, wr->wr_cur, wr->wr_againseq);
		return true;
	}
	wr->wr_cur = NULL;
	wqpool_order(p);
	while ((wk = p->p_first) != NULL) {
		p->p_first = wk->wk_dummy;
		if (p->p_first == NULL)
			p->p_lastp = &p->p_first;
		if (p->p_waiters != NULL && wqpool_mark(p, wk))
			continue;
		other = NULL;
		if ((p->p_flags & WQPOOL_EXCLUSIVE) != 0 &&
		    p->p_nrunning != 0)
			for (other = p->p_runners; other != NULL;
			    other = other->wr_next)
				if (other->wr_cur == wk)
					break;
		if (other != NULL) {
			other->wr_again = true;
			other->wr_againseq = ++p->p_seq;
			continue;
		}
		wqpool_begin(p, wr, wk, ++p->p_seq);
		return true;
	}
	return false;
}

static void wqpool_thread(void *);

/*
 * Start a thread that p_nthreads counts already.
 */
static int
wqpool_start(struct wqpool *p)
{
	struct lwp *l;
	int error;

	error = lwp_create(&l, p->p_name, p->p_prio, p->p_ci, wqpool_thread,
	    p);
	if (error != 0) {
		mutex_enter(&p->p_lock);
		p->p_nthreads--;
		mutex_exit(&p->p_lock);
	}
	return error;
}

/*
 * With p_lock held: is a thread wanted?  If so it is counted, and the caller
 * starts it after letting go of the lock.
 */
static bool
wqpool_want(struct wqpool *p, bool spare)
{

	if (p->p_idle != NULL || p->p_nthreads >= p->p_maxthreads ||
	    p->p_exit || (!spare && p->p_first == NULL &&
	    workqueue_end(atomic_load_relaxed(&p->p_inbox))))
		return false;
	p->p_nthreads++;
	return true;
}

static void
wqpool_idle_remove(struct wqpool *p, struct wqpool_runner *wr)
{
	struct wqpool_runner **wrp;

	if (!wr->wr_idle)
		return;
	for (wrp = &p->p_idle; *wrp != wr; wrp = &(*wrp)->wr_idlenext)
		continue;
	*wrp = wr->wr_idlenext;
	wr->wr_idle = false;
	wqpool_announce(p);
}

/*
 * Run works until there is none.  p_lock is held, on entry and return.
 */
static void
wqpool_run(struct wqpool *p, struct wqpool_runner *wr)
{
	struct wqpool_runner *helper;
	struct work *wk;
	struct lwp *l, *hl;
	bool biglock, start;

	l = wr->wr_lwp;
	biglock = (p->p_flags & WQPOOL_BIGLOCK) != 0;
	while (wqpool_next(p, wr)) {
		wk = wr->wr_cur;
		p->p_nrunning++;
		/* More is there: wake one who helps, or start one. */
		hl = NULL;
		if (p->p_first != NULL && (helper = p->p_idle) != NULL) {
			hl = helper->wr_lwp;
			wqpool_idle_remove(p, helper);
		}
		start = hl == NULL && wqpool_want(p,
		    (p->p_flags & WQPOOL_SPARE) != 0);
		mutex_exit(&p->p_lock);
		if (hl != NULL)
			lwp_unpark(hl);
		if (start)
			(void)wqpool_start(p);

		l->l_curwork = wk;
		if (biglock)
			wqk_kernel_lock(1);
		(*p->p_func)(wk, p->p_arg);
		if (biglock)
			wqk_kernel_unlock(1, NULL);
		l->l_curwork = NULL;

		mutex_enter(&p->p_lock);
		p->p_nrunning--;
		p->p_ndone++;
		if (p->p_waiters != NULL) {
			/* It runs no more, but may be about to run again. */
			wr->wr_seq = UINT64_MAX;
			wqpool_check_waiters(p, wr);
		}
	}
}

static void
wqpool_thread(void *arg)
{
	struct wqpool_runner self, **wrp;
	struct lwp *dead, *l;
	struct wqpool *p;
	int64_t deadline;
	int error;

	p = arg;
	l = curlwp_get();
	memset(&self, 0, sizeof(self));
	self.wr_lwp = l;
	self.wr_pool = p;
	l->l_wqpool = p;
	if (p->p_start != NULL)
		(*p->p_start)(p->p_arg);

	mutex_enter(&p->p_lock);
	self.wr_next = p->p_runners;
	p->p_runners = &self;
	for (;;) {
		wqpool_run(p, &self);
		if (p->p_nrunning == 0 && p->p_destroyer != NULL)
			lwp_unpark(p->p_destroyer);
		if (p->p_exit)
			break;

		/* Sleep, unless something came before the announcement. */
		self.wr_idlenext = p->p_idle;
		p->p_idle = &self;
		self.wr_idle = true;
		wqpool_announce(p);
		deadline = p->p_idletime == 0 ? HOST_FOREVER :
		    host_monotime() + p->p_idletime;
		error = 0;
		while (self.wr_idle && !p->p_exit && error == 0 &&
		    p->p_first == NULL &&
		    workqueue_end(atomic_load_relaxed(&p->p_inbox))) {
			mutex_exit(&p->p_lock);
			error = host_park(&l->l_park, deadline);
			mutex_enter(&p->p_lock);
		}
		/* Was it taken off by a helper's caller, or by the clock? */
		if (error != 0 && self.wr_idle && p->p_nthreads > 1 &&
		    p->p_first == NULL) {
			wqpool_idle_remove(p, &self);
			/* A producer may have taken us at the last moment. */
			if (workqueue_end(atomic_load_relaxed(&p->p_inbox)))
				break;
			continue;
		}
		wqpool_idle_remove(p, &self);
	}

	for (wrp = &p->p_runners; *wrp != &self; wrp = &(*wrp)->wr_next)
		continue;
	*wrp = self.wr_next;
	mutex_exit(&p->p_lock);
	if (p->p_stop != NULL)
		(*p->p_stop)(p->p_arg);
	l->l_wqpool = NULL;

	/*
	 * Who ends joins who ended before; the last is the destroyer's.  The
	 * pool is there until p_nthreads says that we have left it.
	 */
	mutex_enter(&p->p_lock);
	dead = p->p_dead;
	p->p_dead = l;
	mutex_exit(&p->p_lock);
	if (dead != NULL)
		lwp_join(dead);
	mutex_enter(&p->p_lock);
	p->p_nthreads--;
	if (p->p_destroyer != NULL)
		lwp_unpark(p->p_destroyer);
	mutex_exit(&p->p_lock);
}

int
wqpool_create(struct wqpool **pp, const struct wqpool_attr *pa)
{
	struct wqpool *p;
	int error;

	kern_init();
	p = host_alloc(sizeof(*p));
	if (p == NULL)
		return ENOMEM;
	mutex_init(&p->p_lock, MUTEX_NODEBUG, IPL_NONE);
	p->p_lastp = &p->p_first;
	p->p_maxthreads = pa->pa_maxthreads;
	p->p_flags = pa->pa_flags;
	p->p_idletime = pa->pa_idletime;
	p->p_prio = pa->pa_prio;
	p->p_ci = pa->pa_ci;
	p->p_func = pa->pa_func;
	p->p_arg = pa->pa_arg;
	p->p_start = pa->pa_start;
	p->p_stop = pa->pa_stop;
	(void)ksnprintf(p->p_name, sizeof(p->p_name), "%s", pa->pa_name);
	*pp = p;
	if ((p->p_flags & WQPOOL_NOSTART) == 0) {
		p->p_nthreads = 1;
		if ((error = wqpool_start(p)) != 0) {
			host_free(p);
			*pp = NULL;
			return error;
		}
	}
	return 0;
}

void
wqpool_grow(struct wqpool *p)
{
	bool start;

	mutex_enter(&p->p_lock);
	start = wqpool_want(p, false);
	mutex_exit(&p->p_lock);
	if (start)
		(void)wqpool_start(p);
}

void
wqpool_setmax(struct wqpool *p, int max)
{

	mutex_enter(&p->p_lock);
	p->p_maxthreads = max;
	mutex_exit(&p->p_lock);
	wqpool_grow(p);
}

/*
 * With p_lock held: the place on the ordered list that points to a work, or
 * NULL.
 */
static struct work **
wqpool_pending(struct wqpool *p, const struct work *wk)
{
	struct work **wkp;

	wqpool_order(p);
	for (wkp = &p->p_first; *wkp != NULL;
	    wkp = (struct work **)&(*wkp)->wk_dummy)
		if (*wkp == wk)
			return wkp;
	return NULL;
}

static struct wqpool_runner *
wqpool_running(struct wqpool *p, const struct work *wk)
{
	struct wqpool_runner *wr;

	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		if (wr->wr_cur == wk && wk != NULL)
			break;
	return wr;
}

bool
wqpool_cancel(struct wqpool *p, struct work *wk)
{
	struct wqpool_waiter *pw, **pwp;
	struct wqpool_runner *wr;
	struct work **wkp;
	bool found;

	mutex_enter(&p->p_lock);
	found = false;
	if ((wkp = wqpool_pending(p, wk)) != NULL) {
		*wkp = wk->wk_dummy;
		if (*wkp == NULL)
			p->p_lastp = wkp;
		found = true;
	} else if ((wr = wqpool_running(p, wk)) != NULL && wr->wr_again) {
		wr->wr_again = false;
		found = true;
	}
	if (found) {
		/* Who waited for that run waits for nothing now. */
		for (pwp = &p->p_waiters; (pw = *pwp) != NULL;) {
			if (pw->pw_work == wk && pw->pw_runner == NULL)
				wqpool_waiter_done(p, pwp);
			else
				pwp = &pw->pw_next;
		}
		wqpool_check_waiters(p, NULL);
	}
	mutex_exit(&p->p_lock);
	return found;
}

static void
wqpool_await(struct wqpool *p, struct wqpool_waiter *pw, struct lwp *l)
{
	int biglocks;

	pw->pw_lwp = l;
	pw->pw_next = p->p_waiters;
	p->p_waiters = pw;
	mutex_exit(&p->p_lock);
	wqk_kernel_unlock(0, &biglocks);
	/* Acquire: pairs with the release in wqpool_waiter_done(). */
	while (!atomic_load_acquire(&pw->pw_done))
		lwp_park(l);
	wqk_kernel_lock(biglocks);
}

bool
wqpool_wait(struct wqpool *p, const struct work *wk)
{
	struct wqpool_waiter pw;
	struct wqpool_runner *wr;
	struct lwp *l;

	l = curlwp_get();
	memset(&pw, 0, sizeof(pw));
	pw.pw_work = wk;
	mutex_enter(&p->p_lock);
	wr = wqpool_running(p, wk);
	if (wr != NULL && wr->wr_again) {
		if (wr->wr_lwp == l)
			wr = NULL;
	} else if (wqpool_pending(p, wk) == NULL) {
		if (wr == NULL || wr->wr_lwp == l || wr->wr_seq == UINT64_MAX) {
			mutex_exit(&p->p_lock);
			return false;
		}
		pw.pw_runner = wr;
	}
	wqpool_await(p, &pw, l);
	return true;
}

void
wqpool_flush(struct wqpool *p)
{
	struct wqpool_waiter pw;
	struct wqpool_runner *wr;
	struct lwp *l;
	uint64_t own;

	l = curlwp_get();
	memset(&pw, 0, sizeof(pw));
	mutex_enter(&p->p_lock);
	wqpool_order(p);
	if (p->p_first != NULL) {
		pw.pw_mark.wk_dummy = NULL;
		*p->p_lastp = &pw.pw_mark;
		p->p_lastp = (struct work **)&pw.pw_mark.wk_dummy;
	} else {
		pw.pw_marked = true;
		pw.pw_seq = p->p_seq;
	}
	/* A work that flushes its own pool does not wait for itself. */
	own = 0;
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		if (wr->wr_lwp == l && wr->wr_cur != NULL) {
			own = wr->wr_seq;
			wr->wr_seq = UINT64_MAX;
			break;
		}
	if (pw.pw_marked && wqpool_passed(p, pw.pw_seq))
		mutex_exit(&p->p_lock);
	else
		wqpool_await(p, &pw, l);
	if (own != 0) {
		mutex_enter(&p->p_lock);
		wr->wr_seq = own;
		mutex_exit(&p->p_lock);
	}
}

void
wqpool_busy(struct wqpool *p, const struct work *wk, bool *pendingp,
    bool *runningp)
{
	struct wqpool_runner *wr;

	mutex_enter(&p->p_lock);
	wr = wqpool_running(p, wk);
	*pendingp = wqpool_pending(p, wk) != NULL ||
	    (wr != NULL && wr->wr_again);
	*runningp = wr != NULL;
	mutex_exit(&p->p_lock);
}

static bool
wqpool_quiet_locked(struct wqpool *p)
{

	wqpool_order(p);
	return p->p_first == NULL && p->p_nrunning == 0;
}

bool
wqpool_quiet(struct wqpool *p, uint64_t *donep)
{
	bool quiet;

	mutex_enter(&p->p_lock);
	quiet = wqpool_quiet_locked(p);
	*donep = p->p_ndone;
	mutex_exit(&p->p_lock);
	return quiet;
}

void
wqpool_drain(struct wqpool *p)
{
	struct lwp *l;
	int biglocks;

	l = curlwp_get();
	wqk_kernel_unlock(0, &biglocks);
	mutex_enter(&p->p_lock);
	p->p_destroyer = l;
	while (!wqpool_quiet_locked(p)) {
		mutex_exit(&p->p_lock);
		lwp_park(l);
		mutex_enter(&p->p_lock);
	}
	p->p_destroyer = NULL;
	mutex_exit(&p->p_lock);
	wqk_kernel_lock(biglocks);
}

void
wqpool_destroy(struct wqpool *p)
{
	struct wqpool_runner *wr;
	struct lwp *l;
	int biglocks;

	l = curlwp_get();
	KASSERTMSG(l->l_wqpool != p, "pool \"%s\" destroyed by one of its own "
	    "threads", p->p_name);
	wqpool_drain(p);
	wqk_kernel_unlock(0, &biglocks);
	mutex_enter(&p->p_lock);
	p->p_destroyer = l;
	p->p_exit = true;
	while (p->p_nthreads != 0) {
		for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
			lwp_unpark(wr->wr_lwp);
		mutex_exit(&p->p_lock);
		lwp_park(l);
		mutex_enter(&p->p_lock);
	}
	mutex_exit(&p->p_lock);
	/* All have left the pool but the last, who has left p_lock. */
	if (p->p_dead != NULL)
		lwp_join(p->p_dead);
	host_free(p);
	wqk_kernel_lock(biglocks);
}

struct wqpool *
wqpool_current(struct work **wkp)
{
	struct lwp *l;

	l = host_self();
	if (wkp != NULL)
		*wkp = l == NULL ? NULL : l->l_curwork;
	return l == NULL ? NULL : l->l_wqpool;
}
