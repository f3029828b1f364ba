/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Pools, and their threads; see subr_wqpool.c.
 */

#include <errno.h>
#include <string.h>

#include "kern_timeout.h"
#include "subr_wqpool_var.h"

/*
 * With p_lock held: was that the last thread of a pool that retires?
 */
static void
wqpool_check_retired(struct wqpool *p)
{

	if (p->p_retired != NULL && p->p_exit && p->p_nthreads == 0 &&
	    p->p_nleaving == 0)
		(*p->p_retired)(p->p_arg);
}

static void wqpool_thread(void *);

/*
 * The time to try again.  That a thread is short may be over by now, and who
 * does not keep a spare one may want none any more; if one is wanted and
 * refused again so does wqpool_start() arm us again.
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
 * With p_lock held: a thread was refused, and none is idle.  Maybe all others
 * are blocked, so those who wait try again, and so does a callout, in a tick.
 * Who waits and is told so once looks from time to time.
 */
static void
wqpool_fall_short(struct wqpool *p, bool clock)
{
	struct wqpool_waiter *pw;

	if (!p->p_short) {
		p->p_short = true;
		for (pw = p->p_waiters; pw != NULL; pw = pw->pw_next)
			lwp_unpark(pw->pw_lwp);
	}
	if (!clock || p->p_exit)
		return;
	if (!p->p_canretry) {
		callout_init(&p->p_retry, CALLOUT_MPSAFE);
		callout_setfunc(&p->p_retry, wqpool_retry, p);
		p->p_canretry = true;
	}
	/* Others who try do not put it off. */
	if (!callout_pending(&p->p_retry))
		callout_schedule(&p->p_retry, 1);
}

/*
 * Start a thread that p_nthreads and p_nstarting count already.
 */
int
wqpool_start(struct wqpool *p)
{
	struct lwp *l;
	int error, n;
	bool clock;

	clock = false;
	for (n = 0;; n++) {
		error = lwp_create(&l, p->p_name, p->p_prio, p->p_ci,
		    wqpool_thread, p);
		if (error == 0)
			return 0;
		mutex_enter(&p->p_lock);
		/* Who makes a pool, and gets no thread, frees it again. */
		if (n == 0 && (p->p_runners != NULL || p->p_first != NULL ||
		    !wqpool_inbox_empty(p))) {
			mutex_exit(&p->p_lock);
			clock = callout_trystart() == 0;
			mutex_enter(&p->p_lock);
		}
		/*
		 * Others did not try since we did: try for them, but not for
		 * ever if there is a thread, which may be the caller.
		 */
		if (!p->p_refused || p->p_exit ||
		    (n != 0 && p->p_runners != NULL))
			break;
		p->p_refused = false;
		mutex_exit(&p->p_lock);
	}
	wqpool_arrived(p);
	p->p_nthreads--;
	if (p->p_idle == NULL)
		wqpool_fall_short(p, clock);
	if (p->p_destroyer != NULL)
		lwp_unpark(p->p_destroyer);
	wqpool_check_retired(p);
	mutex_exit(&p->p_lock);
	return error;
}

/*
 * With p_lock held, which is let go: the thread is the pool's no more.
 */
static void
wqpool_leave(struct wqpool *p, struct wqpool_runner *wr)
{
	struct wqpool_runner **wrp;
	struct lwp *dead, *l;

	for (wrp = &p->p_runners; *wrp != wr; wrp = &(*wrp)->wr_next)
		continue;
	*wrp = wr->wr_next;
	p->p_nthreads--;
	p->p_nleaving++;
	wqpool_kick(p);
	mutex_exit(&p->p_lock);
	if (p->p_stop != NULL)
		(*p->p_stop)(p->p_arg);
	l = wr->wr_lwp;
	l->l_wqpool = NULL;

	/*
	 * Who ends joins who ended before; the last is the destroyer's.  The
	 * pool is there until p_nleaving says that we have left it.
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
	wqpool_check_retired(p);
	mutex_exit(&p->p_lock);
}

static void
wqpool_thread(void *arg)
{
	struct wqpool_runner self;
	struct wqpool *p;
	bool start;

	p = arg;
	memset(&self, 0, sizeof(self));
	self.wr_lwp = curlwp_get();
	self.wr_gap = kern_spin * 4;
	self.wr_lwp->l_wqpool = p;
	mutex_enter(&p->p_lock);
	p->p_short = false;
	if (p->p_start != NULL) {
		/*
		 * The hook may take its time, and wait for that of another
		 * thread: it is not on its way any more, and if there is work
		 * for more than one, or one more was asked for meanwhile, the
		 * next is started now.
		 */
		start = p->p_refused;
		wqpool_arrived(p);
		wqpool_order(p);
		start = (start || (p->p_first != NULL &&
		    p->p_first->wk_dummy != NULL)) && wqpool_want(p, false);
		mutex_exit(&p->p_lock);
		if (start)
			(void)wqpool_start(p);
		(*p->p_start)(p->p_arg);
		mutex_enter(&p->p_lock);
	} else
		wqpool_arrived(p);
	self.wr_next = p->p_runners;
	p->p_runners = &self;
	do {
		wqpool_run(p, &self, NULL);
		/* The same as in wqpool_next(). */
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
	do {
		wqpool_run(p, &self, NULL);
	} while (wqpool_sleep(p, &self));
	for (wrp = &p->p_runners; *wrp != &self; wrp = &(*wrp)->wr_next)
		continue;
	*wrp = self.wr_next;
	p->p_nthreads--;
	p->p_exit = false;
	mutex_exit(&p->p_lock);
	l->l_wqpool = outer;
}

__kern_public void
wqpool_finish(struct wqpool *p)
{
	struct wqpool_runner *wr;

	mutex_enter(&p->p_lock);
	p->p_exit = true;
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		lwp_unpark(wr->wr_lwp);
	mutex_exit(&p->p_lock);
}

__kern_public void
wqpool_init(struct wqpool *p, const struct wqpool_attr *pa)
{

	kern_init();
	KASSERTMSG(pa->pa_maxthreads >= 1, "pool \"%s\" for %d threads",
	    pa->pa_name, pa->pa_maxthreads);
	memset(p, 0, sizeof(*p));
	mutex_init(&p->p_lock, MUTEX_NODEBUG, IPL_NONE);
	p->p_lastp = &p->p_first;
	p->p_forkgen = kern_forkgen;
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
 * A pool that keeps a spare thread has the callouts' thread started early:
 * when one of its own is refused so would be that.  Without, those who wait
 * try again, and each time that a thread is refused this one is tried for, too.
 */
static void
wqpool_watch(int flags, int maxthreads)
{

	if ((flags & WQPOOL_SPARE) != 0 && maxthreads > 1)
		(void)callout_trystart();
}

__kern_public int
wqpool_create(struct wqpool **pp, const struct wqpool_attr *pa)
{
	struct wqpool *p;
	int error;

	kern_init();
	if ((p = host_alloc(sizeof(*p))) == NULL)
		return ENOMEM;
	wqpool_init(p, pa);
	if ((p->p_flags & WQPOOL_NOSTART) == 0) {
		p->p_nthreads = p->p_nstarting = 1;
		if ((error = wqpool_start(p)) != 0) {
			host_free(p);
			return error;
		}
	}
	wqpool_watch(p->p_flags, p->p_maxthreads);
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
	/* Those that run began when they could start no spare one. */
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
	p->p_destroyer = l;
	p->p_exit = true;
	while (p->p_nthreads != 0 || p->p_nleaving != 0) {
		for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
			lwp_unpark(wr->wr_lwp);
		mutex_exit(&p->p_lock);
		lwp_park(l);
		mutex_enter(&p->p_lock);
	}
	mutex_exit(&p->p_lock);
	/* All are out of here but the last, who has nothing to do any more. */
	if (p->p_dead != NULL)
		lwp_join(p->p_dead);
	if (p->p_canretry) {
		/* It finds nothing to do, and is armed no more: p_exit. */
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
	p->p_retired = func;
	wqpool_check_end(p);
	wqpool_kick(p);
	wqpool_check_retired(p);
	mutex_exit(&p->p_lock);
}

/* Only added to, as a library is loaded. */
static struct wqpool_face *wqpool_faces;	/* (a) */

__kern_public void
wqpool_atfork(struct wqpool_face *wf)
{
	struct wqpool_face *first;

	first = atomic_load_relaxed(&wqpool_faces);
	do {
		wf->wf_next = first;
		/* Release: with what it says. */
	} while (!atomic_cas_weak_acq_rel(&wqpool_faces, &first, wf));
}

/*
 * In a forked child.
 */
void
wqpool_fork(void)
{
	struct wqpool_face *wf;

	for (wf = atomic_load_acquire(&wqpool_faces); wf != NULL;
	    wf = wf->wf_next)
		(*wf->wf_fork)();
}

__kern_public bool
wqpool_isours(const struct wqpool *p)
{

	return p->p_forkgen == kern_forkgen;
}
