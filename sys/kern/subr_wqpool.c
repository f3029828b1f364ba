/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A queue with several runners.
 *
 * The inbox is that of subr_workqueue.c, with the same rules for producers.
 * Whoever begins a work while others are left wakes, or starts, one more
 * thread before it calls the function.  So a burst spreads, one thread waking
 * the next, and no thread waits for a function that another runs.
 *
 * While such a thread is on its way (p_nstarting), that is, until it asks for
 * work, it counts as idle and no other is woken or started.  When it gets a
 * work and others are left it goes on with the next thread itself.  So there
 * are never more threads than can come up while there is work for them.
 *
 * The rules, with p_lock held:
 *
 * Announcement.  Of the idle threads one, p_announced, stands in the inbox if
 * that is empty, or at the end of its works, and a producer that has found it
 * there wakes it.  When the inbox is empty p_announced is the first of p_idle,
 * or NULL with that: whoever changes p_idle, or empties the inbox, sees to it.
 * To be announced, and to have been found, changes nothing for the thread: it
 * is idle until it takes itself off p_idle, or is taken off by somebody who
 * then wakes it.  It leaves for good only when the swap that takes it out of
 * the inbox has succeeded, that is, when no producer is to be answered.
 *
 * No work is left behind.  If there is something in the inbox or on the list,
 * a thread is awake, or about to be woken by a producer, that will look at
 * both before it sleeps.  A producer may be stopped before it wakes, so those
 * who wait for works, and who order the inbox and are no runners, wake an
 * idle thread themselves (wqpool_kick()).  When the last thread but one that
 * is idle ends there is still that one; so the last never ends.
 *
 * Works are told apart by address, under p_lock, as in workqueue_wait().
 *
 * Batches.  The only thread of a pool may take several works at a time, and
 * runs them without p_lock: wr_begun says how far it is.  While p_batcher is
 * that thread's runner, p_seq, p_ndone, p_nrunning and wr_cur lag behind.
 * Whoever is going to look at them, or at the list, calls wqpool_order(),
 * which recalls the batch: what is not begun goes back to the list, and the
 * numbers become right.  The thread stores wr_begun and then loads
 * wr_recalled, the other does it the other way round, and not both may miss
 * the other: the asymmetric fence, or sequential consistency.  A batch is not
 * taken while somebody waits; who comes to wait recalls it.
 */

#include <errno.h>
#include <string.h>

#include "subr_workqueue.h"
#include "subr_wqpool.h"

#define	WQPOOL_RETRY	10000000	/* ns between tries to have a thread */
#define	WQPOOL_MAXDEPTH	3		/* runs inside of each other */
#define	WQPOOL_BATCH	32		/* works taken at once */

/*
 * A thread of a pool; in its own stack frame.  All under p_lock.
 */
struct wqpool_runner {
	struct wqpool_runner *wr_next;
	struct wqpool_runner *wr_idlenext;
	struct lwp	*wr_lwp;
	struct work	*wr_cur;	/* address of what it runs, or NULL */
	uint64_t	 wr_seq;	/* which run it is */
	struct work	*wr_again;	/* to run next: is wr_cur, or was */
	uint64_t	 wr_againseq;	/* as if that had begun already */
	bool		 wr_idle;	/* on p_idle */
	int64_t		 wr_gap;	/* its own: the usual sleep, ns */

	/* The batch; of each runner, written by it alone, but: */
	unsigned	 wr_begun;	/* (a) how many are */
	unsigned	 wr_end;	/* how many are its own */
	int		 wr_recalled;	/* (a) it gets no more than that */
	struct work	*wr_batch[WQPOOL_BATCH];
};

static void wqpool_thread(void *);

static inline void
wqpool_check_fork(const struct wqpool *p)
{

	if (__predict_false(p->p_forkgen != kern_forkgen))
		panic("pool \"%s\" belongs to the parent of this process",
		    p->p_name);
}

__kern_public void
wqpool_enqueue(struct wqpool *p, struct work *wk)
{
	struct runner *r;
	uintptr_t old;

	wqpool_check_fork(p);
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
 * The inbox.
 */

static inline bool
wqpool_inbox_empty(struct wqpool *p)
{

	return workqueue_end(atomic_load_relaxed(&p->p_inbox));
}

static inline uintptr_t
wqpool_sleeper(const struct wqpool_runner *wr)
{

	return wr == NULL ? 0 : (uintptr_t)&wr->wr_lwp->l_runner | WQ_ASLEEP;
}

/*
 * Take back what is not begun of the batch, and have the numbers right.  The
 * last one begun counts as running until its thread comes to p_lock, which
 * it does as soon as it has run it.
 */
static __kern_noinline void
wqpool_recall(struct wqpool *p)
{
	struct wqpool_runner *wr;
	unsigned begun, i;

	wr = p->p_batcher;
	p->p_batcher = NULL;
	atomic_store_seq_cst(&wr->wr_recalled, 1);
	if (host_asymfence)
		host_fence_heavy();
	begun = atomic_load_seq_cst(&wr->wr_begun);
	for (i = wr->wr_end; i > begun; i--) {
		wr->wr_batch[i - 1]->wk_dummy = p->p_first;
		if (p->p_first == NULL)
			p->p_lastp =
			    (struct work **)&wr->wr_batch[i - 1]->wk_dummy;
		p->p_first = wr->wr_batch[i - 1];
	}
	wr->wr_end = begun;
	p->p_seq += begun;
	p->p_ndone += begun - 1;
	p->p_nrunning++;
	wr->wr_cur = wr->wr_batch[begun - 1];
	wr->wr_seq = p->p_seq;
}

/*
 * Recall the batch, and empty the inbox to the ordered list.  Who was
 * announced stays on p_idle, since we may be earlier than the wake-up that it
 * is due.
 */
static void
wqpool_order(struct wqpool *p)
{
	struct work *wk, *first, **lastp;
	uintptr_t w;

	if (p->p_batcher != NULL)
		wqpool_recall(p);
	/* From a work to anything else it changes by us only. */
	if (wqpool_inbox_empty(p))
		return;
	p->p_announced = p->p_idle;
	/* Acquire: pairs with every producer; release: the sleeper's state. */
	w = atomic_swap_acq_rel(&p->p_inbox, wqpool_sleeper(p->p_announced));
	first = NULL;
	lastp = p->p_lastp;
	while (!workqueue_end(w)) {
		wk = (struct work *)w;
		w = (uintptr_t)wk->wk_dummy;
		wk->wk_dummy = first;
		/* The newest is met first and ends the list. */
		if (first == NULL)
			lastp = (struct work **)&wk->wk_dummy;
		first = wk;
	}
	*p->p_lastp = first;
	p->p_lastp = lastp;
}

/*
 * p_idle has changed: so does the announcement, if the inbox is empty.  If it
 * is not, whoever orders it does that.
 */
static void
wqpool_announce(struct wqpool *p)
{
	uintptr_t old;

	if (p->p_announced == p->p_idle)
		return;
	old = wqpool_sleeper(p->p_announced);
	/* Release: a producer finds a runner that is set up. */
	if (atomic_cas_acq_rel(&p->p_inbox, &old, wqpool_sleeper(p->p_idle)))
		p->p_announced = p->p_idle;
}

static void
wqpool_idle_insert(struct wqpool *p, struct wqpool_runner *wr)
{

	wr->wr_idlenext = p->p_idle;
	p->p_idle = wr;
	p->p_short = false;
	wr->wr_idle = true;
	wqpool_announce(p);
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
 * The caller is no runner, or one that is inside a function: have what is on
 * the list seen by somebody.
 */
static void
wqpool_kick(struct wqpool *p)
{

	if (p->p_first != NULL && p->p_idle != NULL)
		lwp_unpark(p->p_idle->wr_lwp);
}

/*
 * Those who wait.
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
static void
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
static void
wqpool_number(struct wqpool *p, const struct work *wk, uint64_t seq)
{
	struct wqpool_waiter *pw;

	for (pw = p->p_waiters; pw != NULL; pw = pw->pw_next)
		if (pw->pw_work == wk && !pw->pw_known) {
			pw->pw_known = true;
			pw->pw_seq = seq;
		}
}

static bool
wqpool_isquiet(const struct wqpool *p)
{

	return p->p_first == NULL && p->p_nrunning == 0;
}

static void
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
static void
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
 * Threads.
 */

/*
 * Give the runner the oldest work that it may run.
 */
static bool
wqpool_next(struct wqpool *p, struct wqpool_runner *wr, bool nested)
{
	struct wqpool_runner *other;
	struct work *wk;

	if ((wk = wr->wr_again) != NULL) {
		wr->wr_again = NULL;
		wr->wr_cur = wk;
		wr->wr_seq = wr->wr_againseq;
		return true;
	}
	/*
	 * One too many: leave it to the others.  Not one who waits in a work
	 * for what is here, for the others may do the same.
	 */
	if (!nested && p->p_nthreads > p->p_maxthreads &&
	    p->p_runners->wr_next != NULL) {
		wqpool_order(p);
		return false;
	}
	for (;;) {
		/*
		 * Producers keep their inbox while the list tells, too, that
		 * there is more.  What is no work may be on it for those who
		 * wait.
		 */
		if (p->p_waiters != NULL || p->p_first == NULL ||
		    p->p_first->wk_dummy == NULL)
			wqpool_order(p);
		wqpool_marks(p);
		if ((wk = p->p_first) == NULL)
			return false;
		p->p_first = wk->wk_dummy;
		if (p->p_first == NULL)
			p->p_lastp = &p->p_first;
		p->p_seq++;
		if (p->p_waiters != NULL)
			wqpool_number(p, wk, p->p_seq);
		other = NULL;
		if ((p->p_flags & WQPOOL_EXCLUSIVE) != 0 &&
		    p->p_nrunning != 0)
			for (other = p->p_runners; other != NULL;
			    other = other->wr_next)
				if (other->wr_cur == wk)
					break;
		if (other == NULL) {
			wr->wr_cur = wk;
			wr->wr_seq = p->p_seq;
			return true;
		}
		/* It runs: let its runner run it once more, right after. */
		other->wr_again = wk;
		other->wr_againseq = p->p_seq;
	}
}

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

/*
 * With p_lock held: is there nothing more to do for a pool that retires?
 */
static void
wqpool_check_end(struct wqpool *p)
{
	struct wqpool_runner *wr;

	if (p->p_retired == NULL || p->p_exit)
		return;
	wqpool_order(p);
	if (!wqpool_isquiet(p))
		return;
	p->p_exit = true;
	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next)
		lwp_unpark(wr->wr_lwp);
}

/*
 * With p_lock held: the thread that was started or woken is there, or never
 * will be.
 */
static void
wqpool_arrived(struct wqpool *p)
{

	p->p_nstarting--;
	p->p_refused = false;
}

/*
 * Start a thread that p_nthreads and p_nstarting count already.
 */
static int
wqpool_start(struct wqpool *p)
{
	struct wqpool_waiter *pw;
	struct lwp *l;
	int error, n;

	for (n = 0;; n++) {
		error = lwp_create(&l, p->p_name, p->p_prio, p->p_ci,
		    wqpool_thread, p);
		if (error == 0)
			return 0;
		mutex_enter(&p->p_lock);
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
	/*
	 * Those who wait try again: maybe all others are blocked.  Who is told
	 * so once looks from time to time.
	 */
	if (p->p_idle == NULL && !p->p_short) {
		p->p_short = true;
		for (pw = p->p_waiters; pw != NULL; pw = pw->pw_next)
			lwp_unpark(pw->pw_lwp);
	}
	if (p->p_destroyer != NULL)
		lwp_unpark(p->p_destroyer);
	wqpool_check_retired(p);
	mutex_exit(&p->p_lock);
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
	    p->p_exit || (p->p_flags & WQPOOL_CALLER) != 0 ||
	    (!spare && p->p_first == NULL && wqpool_inbox_empty(p)))
		return false;
	if (p->p_nstarting != 0) {
		p->p_refused = true;
		return false;
	}
	p->p_nstarting++;
	p->p_nthreads++;
	return true;
}

static void
wqpool_check_return(struct wqpool *p, struct lwp *l, int biglocks, int held)
{
	char what[MAXCOMLEN + 8];

	(void)ksnprintf(what, sizeof(what), "pool \"%s\"", p->p_name);
	lockdebug_barrier(what, (void *)(uintptr_t)p->p_func, held);
	if (l->l_ipl != IPL_NONE)
		panic("pool \"%s\": function %p returned at IPL %d", p->p_name,
		    (void *)(uintptr_t)p->p_func, l->l_ipl);
	if (l->l_mtxcount != 0)
		panic("pool \"%s\": function %p returned holding a spin mutex",
		    p->p_name, (void *)(uintptr_t)p->p_func);
	if (l->l_nopreempt != 0)
		panic("pool \"%s\": function %p returned with preemption off",
		    p->p_name, (void *)(uintptr_t)p->p_func);
	if (l->l_blcnt != biglocks)
		panic("pool \"%s\": function %p returned holding %d kernel "
		    "locks", p->p_name, (void *)(uintptr_t)p->p_func,
		    l->l_blcnt);
}

/*
 * Call the function, without p_lock.
 */
static inline void
wqpool_call(struct wqpool *p, struct lwp *l, struct work *wk)
{
	int held;
	bool biglock;

	biglock = (p->p_flags & WQPOOL_BIGLOCK) != 0;
	l->l_curwork = wk;
	if (biglock)
		wqk_kernel_lock(1);
	held = KERN_CHECKING() ? lockdebug_held() : 0;
	(*p->p_func)(wk, p->p_arg);
	/* From here on wk is an address, not a work. */
	wqpool_check_fork(p);
	if (KERN_CHECKING())
		wqpool_check_return(p, l, biglock, held);
	if (biglock)
		wqk_kernel_unlock(1, NULL);
	l->l_curwork = NULL;
}

/*
 * With p_lock held: what the runner has called has returned.
 */
static void
wqpool_ran(struct wqpool *p, struct wqpool_runner *wr)
{

	wr->wr_cur = NULL;
	p->p_nrunning--;
	p->p_ndone++;
	if (p->p_waiters != NULL)
		wqpool_check_waiters(p);
}

/*
 * Take a batch, if this is the only thread and there is more than one work
 * that nobody waits for.  Return how many.
 */
static unsigned
wqpool_take(struct wqpool *p, struct wqpool_runner *wr)
{
	struct work *wk;
	unsigned n;

	if (p->p_maxthreads != 1 || p->p_nthreads != 1 ||
	    wr->wr_next != NULL || p->p_runners != wr ||
	    wr->wr_again != NULL || p->p_waiters != NULL)
		return 0;
	wqpool_order(p);
	if (p->p_first == NULL || p->p_first->wk_dummy == NULL)
		return 0;
	for (n = 0; n < WQPOOL_BATCH && (wk = p->p_first) != NULL; n++) {
		wr->wr_batch[n] = wk;
		p->p_first = wk->wk_dummy;
	}
	if (p->p_first == NULL)
		p->p_lastp = &p->p_first;
	wr->wr_end = n;
	/* The first is begun at once.  Both are published by p_lock. */
	atomic_store_relaxed(&wr->wr_begun, 1u);
	atomic_store_relaxed(&wr->wr_recalled, 0);
	p->p_batcher = wr;
	return n;
}

/*
 * The next work of the batch is begun.  False if it has been recalled; to
 * whom the work belongs then is known under p_lock.
 */
static inline bool
wqpool_begin(struct wqpool_runner *wr, unsigned begun)
{

	/* Release: who finds a work done sees what it did. */
	if (host_asymfence) {
		atomic_store_release(&wr->wr_begun, begun);
		host_fence_light();
		return __predict_true(
		    atomic_load_relaxed(&wr->wr_recalled) == 0);
	}
	(void)atomic_swap_seq_cst(&wr->wr_begun, begun);
	return atomic_load_seq_cst(&wr->wr_recalled) == 0;
}

/*
 * Run a batch of n works.  p_lock is held, on entry and return.
 */
static void
wqpool_run_batch(struct wqpool *p, struct wqpool_runner *wr, unsigned n)
{
	unsigned i;

	mutex_exit(&p->p_lock);
	i = 0;
	do {
		wqpool_call(p, wr->wr_lwp, wr->wr_batch[i]);
	} while (++i < n && wqpool_begin(wr, i + 1));
	/* See workqueue_worker(). */
	if (n < WQPOOL_BATCH / 2 && cpu_spinok && i == n &&
	    !wqpool_inbox_empty(p))
		workqueue_gather();
	mutex_enter(&p->p_lock);
	if (p->p_batcher == wr) {
		p->p_batcher = NULL;
		p->p_seq += n;
		p->p_ndone += n;
		return;
	}
	/* Recalled: as we began the last, before, or after that was seen? */
	if (i < wr->wr_end) {
		mutex_exit(&p->p_lock);
		wqpool_call(p, wr->wr_lwp, wr->wr_batch[i]);
		mutex_enter(&p->p_lock);
	}
	wqpool_ran(p, wr);
}

/*
 * Run works until there is none, or, if a flush is given, none that it waits
 * for.  p_lock is held, on entry and return.
 */
static void
wqpool_run(struct wqpool *p, struct wqpool_runner *wr,
    const struct wqpool_waiter *until)
{
	struct wqpool_runner *helper;
	struct lwp *hl;
	unsigned n;
	bool start;

	for (;;) {
		if (until == NULL && (n = wqpool_take(p, wr)) != 0) {
			wqpool_run_batch(p, wr, n);
			continue;
		}
		if (until != NULL && wr->wr_again == NULL) {
			wqpool_marks(p);
			if (until->pw_known)
				break;
		}
		if (!wqpool_next(p, wr, until != NULL))
			break;
		p->p_nrunning++;
		/* More is there: wake one who helps, or start one. */
		hl = NULL;
		if (p->p_first != NULL && p->p_nstarting == 0 &&
		    (helper = p->p_idle) != NULL) {
			hl = helper->wr_lwp;
			wqpool_idle_remove(p, helper);
			p->p_nstarting++;
		}
		start = hl == NULL && wqpool_want(p,
		    (p->p_flags & WQPOOL_SPARE) != 0);
		mutex_exit(&p->p_lock);
		if (hl != NULL)
			lwp_unpark(hl);
		/* If that fails we, or another, come to it later. */
		if (start)
			(void)wqpool_start(p);
		wqpool_call(p, wr->wr_lwp, wr->wr_cur);
		mutex_enter(&p->p_lock);
		wqpool_ran(p, wr);
	}
	if (p->p_waiters != NULL)
		wqpool_check_quiet(p);
	wqpool_check_end(p);
}

/*
 * Spin for a while before sleeping, if that pays, as workqueue_spin() does;
 * but the thread is on p_idle already, and awaits its token.
 */
static void
wqpool_spin(struct wqpool_runner *wr, int64_t start)
{
	struct lwp *l;
	unsigned n;

	l = wr->wr_lwp;
	if (wr->wr_gap >= kern_spin ||
	    atomic_load_relaxed(&l->l_wakercpu) >= 0)
		return;
	if (atomic_fetch_add_relaxed(&workqueue_spinners, 1) < cpu_real - 1)
		for (n = 1; !host_parkready(&l->l_park); n++) {
			host_pause();
			if (n % 32 == 0 &&
			    host_monotime() - start >= kern_spin)
				break;
		}
	(void)atomic_fetch_add_relaxed(&workqueue_spinners, -1);
}

/*
 * Sleep until there is something to do.  False if the thread shall end.
 */
static bool
wqpool_sleep(struct wqpool *p, struct wqpool_runner *wr)
{
	struct lwp *l;
	int64_t deadline, gap, start;
	int error;
	bool spin;

	l = wr->wr_lwp;
	/* The one that has been idle for longest is kept. */
	deadline = HOST_FOREVER;
	if (p->p_idletime != 0 && p->p_idle != NULL)
		deadline = host_monotime() + p->p_idletime;
	wqpool_idle_insert(p, wr);
	error = 0;
	spin = cpu_spinok && kern_spin != 0;
	start = spin ? host_monotime() : 0;
	while (wr->wr_idle && !p->p_exit && p->p_first == NULL &&
	    wqpool_inbox_empty(p) && error == 0) {
		mutex_exit(&p->p_lock);
		if (spin) {
			spin = false;
			wqpool_spin(wr, start);
			atomic_store_relaxed(&l->l_wakercpu, -1);
		}
		error = lwp_timedpark(l, deadline);
		mutex_enter(&p->p_lock);
	}
	if (start != 0) {
		/* Who woke us from our own CPU cannot run while we spin. */
		if (atomic_load_relaxed(&l->l_wakercpu) != host_curcpu())
			atomic_store_relaxed(&l->l_wakercpu, -1);
		gap = host_monotime() - start;
		if (gap > kern_spin * 4)
			gap = kern_spin * 4;
		wr->wr_gap += (gap - wr->wr_gap) / 4;
	}
	/* Somebody has taken us off, for work. */
	if (!wr->wr_idle) {
		wqpool_arrived(p);
		return true;
	}
	wqpool_idle_remove(p, wr);
	if (p->p_exit)
		return p->p_first != NULL || !wqpool_inbox_empty(p);
	/* Ours to answer are: works, and producers that have found us. */
	return error == 0 || p->p_idle == NULL || p->p_first != NULL ||
	    !wqpool_inbox_empty(p);
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

	KASSERTMSG(max >= 1, "pool \"%s\" for %d threads", p->p_name, max);
	mutex_enter(&p->p_lock);
	wqpool_order(p);
	p->p_maxthreads = max;
	mutex_exit(&p->p_lock);
	(void)wqpool_grow(p);
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

__kern_public void
wqpool_destroy(struct wqpool *p)
{
	struct wqpool_runner *wr;
	struct lwp *l;
	unsigned n;
	int biglocks;

	if (p->p_forkgen != kern_forkgen) {
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

__kern_public void
wqpool_gather(void)
{

	if (cpu_spinok && kern_spin != 0)
		workqueue_gather();
}

__kern_public bool
wqpool_checking(void)
{

	kern_init();
	return KERN_CHECKING();
}

__kern_public const void *
wqpool_checkin(const struct work *wk, const void *where)
{

	return wqcheck_enqueue(wk, where);
}

__kern_public void
wqpool_checkout(const struct work *wk)
{

	wqcheck_run(wk, NULL);
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

__kern_public struct wqpool *
wqpool_current(struct work **wkp)
{
	struct lwp *l;

	l = host_self();
	if (wkp != NULL)
		*wkp = l == NULL ? NULL : l->l_curwork;
	return l == NULL ? NULL : l->l_wqpool;
}
