/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_ext(9): what clients of workqueue(9) have wished for.
 */

#include <errno.h>

#include <sys/callout.h>
#include <sys/workqueue_ext.h>

#include "subr_workqueue.h"

/*
 * The same, for a work that the worker is about to look at: it will say.  We
 * let go of the queue meanwhile, for it may need the lock to get there.
 */
static bool
workqueue_cancel_late(struct workqueue_queue *q, struct work *wk, unsigned i,
    uint64_t pos)
{
	struct workqueue_canceller wc, **wcp;
	unsigned n;

	wc.wc_pos = pos;
	wc.wc_skipped = false;
	wc.wc_next = q->q_cancellers;
	q->q_cancellers = &wc;
	mutex_exit(&q->q_lock);
	/* Acquire: with what it says. */
	for (n = 0; atomic_load_acquire(&q->q_begun) < pos;)
		host_relax(&n);
	mutex_enter(&q->q_lock);
	for (wcp = &q->q_cancellers; *wcp != &wc; wcp = &(*wcp)->wc_next)
		continue;
	*wcp = wc.wc_next;
	/* If it runs, others must find it; the batch may be another by now. */
	if (!wc.wc_skipped && pos > q->q_base &&
	    pos <= q->q_base + (q->q_end - q->q_start))
		atomic_store_relaxed(&q->q_batch[i], wk);
	return wc.wc_skipped;
}

/*
 * Cancel a work on one queue, which is locked.
 */
static bool
workqueue_cancel_one(struct workqueue_queue *q, struct work *wk)
{
	struct work *o, **wkp;
	uint64_t pos;
	unsigned i;
	bool pending;

	pos = workqueue_find(q, wk, &pending);
	if (pos == 0 || !pending)
		return false;

	if (pos > q->q_base + (q->q_end - q->q_start)) {
		/* On the list: nobody but us looks there. */
		for (wkp = &q->q_first; *wkp != wk;
		    wkp = (struct work **)&(*wkp)->wk_dummy)
			continue;
		atomic_store_relaxed(wkp, (struct work *)wk->wk_dummy);
		if (*wkp == NULL)
			q->q_lastp = wkp;
		if (KERN_CHECKING())
			wqcheck_run(wk, q->q_wq);
		workqueue_shift(q, pos);
		return true;
	}

	/*
	 * In the batch, which the worker reads without the lock.  It stores
	 * q_done, then reads the place; we mark the place, then read q_done.
	 * Not both miss the other, so if all before the work are not done the
	 * worker will find the mark.
	 */
	i = q->q_start + (unsigned)(pos - q->q_base - 1);
	o = wk;
	if (!atomic_cas_seq_cst(&q->q_batch[i], &o,
	    (struct work *)((uintptr_t)wk | WQ_CANCELLED)))
		return false;		/* somebody else cancels it */
	host_fence_heavy();
	if (atomic_load_seq_cst(&q->q_done) >= pos - 1)
		return workqueue_cancel_late(q, wk, i, pos);
	atomic_store_relaxed(&q->q_batch[i], (struct work *)WQ_CANCELLED);
	if (KERN_CHECKING())
		wqcheck_run(wk, q->q_wq);
	workqueue_release(q, pos);
	return true;
}

__kern_public bool
workqueue_cancel(struct workqueue *wq, struct work *wk)
{
	struct workqueue_queue *q;
	bool cancelled;
	int i;

	workqueue_check_call(wq, "workqueue_cancel");
	if (wq->wq_forkgen != kern_forkgen)
		panic("workqueue_cancel: \"%s\" belongs to the parent of this "
		    "process", wq->wq_name);
	/* The destroyer waits for us to be out of here. */
	(void)atomic_fetch_add_relaxed(&wq->wq_waiting, 1);
	cancelled = false;
	for (i = 0; i < wq->wq_nqueues && !cancelled; i++) {
		q = &wq->wq_queues[i];
		mutex_enter(&q->q_lock);
		cancelled = workqueue_cancel_one(q, wk);
		mutex_exit(&q->q_lock);
	}
	/* Release: as in workqueue_wait_until(), the last touch of wq. */
	(void)atomic_fetch_add_acq_rel(&wq->wq_waiting, -1);
	return cancelled;
}

__kern_public int
workqueue_timedwait(struct workqueue *wq, struct work *wk,
    const struct timespec *ts)
{
	int64_t deadline, now;

	workqueue_check_call(wq, "workqueue_timedwait");
	deadline = HOST_FOREVER;
	if (ts != NULL) {
		if (ts->tv_sec < 0 || ts->tv_nsec < 0 ||
		    ts->tv_nsec >= 1000000000)
			return EINVAL;
		now = host_monotime();
		if (ts->tv_sec < (HOST_FOREVER - now) / 1000000000 - 1)
			deadline = now + (int64_t)ts->tv_sec * 1000000000 +
			    ts->tv_nsec;
	}
	if (KERN_CHECKING() && deadline == HOST_FOREVER)
		workqueue_check_wait(wq, "workqueue_timedwait",
		    LOCKDEBUG_SITE());
	return workqueue_wait_until(wq, wk, deadline, false);
}

__kern_public int
workqueue_drain(struct workqueue *wq)
{
	struct lwp *l;
	int biglocks;

	workqueue_check_call(wq, "workqueue_drain");
	if (wq->wq_forkgen != kern_forkgen)
		panic("workqueue_drain: \"%s\" belongs to the parent of this "
		    "process", wq->wq_name);
	l = curlwp_get();
	if (workqueue_runs(l, wq, NULL))
		return EDEADLK;
	if (KERN_CHECKING())
		lockdebug_wantwork("workqueue_drain", wq, LOCKDEBUG_SITE());
	(void)atomic_fetch_add_relaxed(&wq->wq_waiting, 1);
	wqk_kernel_unlock(0, &biglocks);
	workqueue_quiesce(wq);
	/* Release: as in workqueue_wait_until(), the last touch of wq. */
	(void)atomic_fetch_add_acq_rel(&wq->wq_waiting, -1);
	wqk_kernel_lock(biglocks);
	return 0;
}

__kern_public struct work *
workqueue_current(struct workqueue **wqp)
{
	struct lwp *l;

	l = host_self();
	if (l == NULL || l->l_wqq == NULL || l->l_curwork == NULL) {
		if (wqp != NULL)
			*wqp = NULL;
		return NULL;
	}
	if (wqp != NULL)
		*wqp = l->l_wqq->q_wq;
	return l->l_curwork;
}

__kern_public int
workqueue_setspin(struct workqueue *wq, unsigned int usec)
{

	if (KERN_CHECKING() && !wqcheck_alive(wq))
		panic("workqueue_setspin: workqueue %p is destroyed",
		    (void *)wq);
	if (usec > KERN_SPINMAX)
		return EINVAL;
	/* Who has forbidden it to all, by the environment, means it. */
	atomic_store_relaxed(&wq->wq_spin,
	    kern_spin == 0 ? 0 : (int64_t)usec * 1000);
	return 0;
}

/*
 * Delayed enqueue: a callout, whose lock-free companion is wd_armed: it is
 * changed from 1 to 0 by whoever decides what becomes of the enqueue.
 */
struct workqueue_delay_impl {
	callout_t	 di_callout;
	struct workqueue *di_wq;
	struct work	*di_wk;
	struct cpu_info	*di_ci;
	int		 di_armed;	/* (a) */
};
_Static_assert(sizeof(struct workqueue_delay_impl) <=
    sizeof(struct workqueue_delay), "struct workqueue_delay is too small");

static void
workqueue_delay_fire(void *arg)
{
	struct workqueue_delay_impl *di;
	struct workqueue *wq;
	struct cpu_info *ci;
	struct work *wk;
	int s;

	di = arg;
	wq = di->di_wq;
	wk = di->di_wk;
	ci = di->di_ci;
	/*
	 * Acquire and release: what was arranged, and in the order of the
	 * enqueues.  Then we only have what we have read.
	 */
	if (atomic_swap_acq_rel(&di->di_armed, 0) != 0) {
		/* It is the client's enqueue: not at the callout's level. */
		s = spl0();
		workqueue_enqueue(wq, wk, ci);
		(void)wqk_splraise(s);
	}
}

__kern_public void
workqueue_delay_init(struct workqueue_delay *wd)
{
	struct workqueue_delay_impl *di;

	di = (struct workqueue_delay_impl *)(void *)wd;
	callout_init(&di->di_callout, CALLOUT_MPSAFE);
	callout_setfunc(&di->di_callout, workqueue_delay_fire, di);
	di->di_armed = 0;
}

__kern_public void
workqueue_delay_destroy(struct workqueue_delay *wd)
{
	struct workqueue_delay_impl *di;

	di = (struct workqueue_delay_impl *)(void *)wd;
	(void)workqueue_delay_cancel(wd);
	(void)callout_halt(&di->di_callout, NULL);
	callout_destroy(&di->di_callout);
}

__kern_public bool
workqueue_delay_enqueue(struct workqueue_delay *wd, struct workqueue *wq,
    struct work *wk, struct cpu_info *ci, const struct timespec *ts)
{
	struct workqueue_delay_impl *di;
	int64_t ticks;
	bool was;

	di = (struct workqueue_delay_impl *)(void *)wd;
	KASSERTMSG(ts->tv_sec >= 0 && ts->tv_nsec >= 0 &&
	    ts->tv_nsec < 1000000000, "workqueue_delay_enqueue: not a time");
	was = workqueue_delay_cancel(wd);
	/* No earlier than asked for: up, and the tick that has begun. */
	ticks = ts->tv_sec > INT32_MAX / KERN_HZ - 1 ? INT32_MAX :
	    (int64_t)ts->tv_sec * KERN_HZ +
	    (ts->tv_nsec + KERN_TICK_NS - 1) / KERN_TICK_NS + 1;
	di->di_wq = wq;
	di->di_wk = wk;
	di->di_ci = ci;
	/* Release: pairs with the exchange in workqueue_delay_fire(). */
	atomic_store_release(&di->di_armed, 1);
	callout_schedule(&di->di_callout, (int)ticks);
	return was;
}

__kern_public bool
workqueue_delay_cancel(struct workqueue_delay *wd)
{
	struct workqueue_delay_impl *di;
	bool armed;

	di = (struct workqueue_delay_impl *)(void *)wd;
	/* Acquire and release: as in workqueue_delay_fire(). */
	armed = atomic_swap_acq_rel(&di->di_armed, 0) != 0;
	(void)callout_halt(&di->di_callout, NULL);
	return armed;
}

/*
 * A runner that is somebody's own loop.  Type-stable, as runners are; and its
 * descriptor stays open until every notification that is owed has been made.
 */
struct fdrunner {
	struct runner	 fr_runner;
	int		 fr_fds[2];
	unsigned long	 fr_announced;	/* the running thread's */
	int		 fr_running;	/* (a) a thread runs the queue */
	unsigned long	 fr_notified;	/* (a) */
	struct fdrunner	*fr_next;	/* (fdrunner_lock) free ones */
};

static struct fdrunner	*fdrunner_free;
static struct kspin	fdrunner_lock;

static void
fdrunner_wakeup(struct runner *r, struct workqueue_queue *q)
{
	struct fdrunner *fr;

	(void)q;
	fr = (struct fdrunner *)(void *)r;
	host_pollfd_notify(fr->fr_fds);
	/* Release: the descriptor is used no more. */
	(void)atomic_fetch_add_acq_rel(&fr->fr_notified, 1ul);
}

void
workqueue_poke(struct workqueue_queue *q)
{

	if (q->q_lwp != NULL)
		lwp_unpark(q->q_lwp);
	else
		host_pollfd_notify(q->q_fdrunner->fr_fds);
}

static struct fdrunner *
fdrunner_alloc(void)
{
	struct fdrunner *fr;

	kspin_enter(&fdrunner_lock);
	if ((fr = fdrunner_free) != NULL)
		fdrunner_free = fr->fr_next;
	kspin_exit(&fdrunner_lock);
	if (fr == NULL)
		fr = host_alloc(sizeof(*fr));
	if (fr != NULL) {
		fr->fr_runner.r_wakeup = fdrunner_wakeup;
		fr->fr_announced = 0;
		atomic_store_relaxed(&fr->fr_notified, 0ul);
		atomic_store_relaxed(&fr->fr_running, 0);
	}
	return fr;
}

static void
fdrunner_release(struct fdrunner *fr)
{

	kspin_enter(&fdrunner_lock);
	fr->fr_next = fdrunner_free;
	fdrunner_free = fr;
	kspin_exit(&fdrunner_lock);
}

__kern_public int
workqueue_create_polled(struct workqueue **wqp, const char *name,
    void (*func)(struct work *, void *), void *arg, int ipl, int flags,
    int *fdp)
{
	struct workqueue_queue *q;
	struct workqueue *wq;
	struct fdrunner *fr;
	int error;

	if (wqp == NULL || fdp == NULL || (flags & WQ_PERCPU) != 0)
		return EINVAL;
	error = workqueue_alloc(&wq, name, func, arg, PRI_NONE, ipl, flags);
	if (error != 0)
		return error;
	if ((fr = fdrunner_alloc()) == NULL)
		error = ENOMEM;
	else if ((error = host_pollfd_open(fr->fr_fds)) != 0)
		fdrunner_release(fr);
	if (error != 0) {
		host_free(wq);
		return error;
	}
	q = &wq->wq_queues[0];
	q->q_fdrunner = fr;
	fr->fr_announced++;
	(void)workqueue_announce(q, &fr->fr_runner, curlwp_get());
	workqueue_insert(wq, "workqueue_create_polled", LOCKDEBUG_SITE());
	*fdp = fr->fr_fds[0];
	*wqp = wq;
	return 0;
}

__kern_public unsigned long
workqueue_run_polled(struct workqueue *wq)
{
	struct work *batch[WQ_BATCH];
	struct workqueue_outer outer;
	struct workqueue_queue *q;
	struct work *outerwork;
	struct fdrunner *fr;
	struct lwp *l;
	unsigned long n;
	uintptr_t asleep;
	int idle;

	workqueue_check_call(wq, "workqueue_run_polled");
	q = &wq->wq_queues[0];
	fr = q->q_fdrunner;
	KASSERTMSG(fr != NULL, "workqueue_run_polled: \"%s\" has a worker",
	    wq->wq_name);
	if (wq->wq_forkgen != kern_forkgen)
		panic("workqueue_run_polled: \"%s\" belongs to the parent of "
		    "this process", wq->wq_name);
	l = curlwp_get();
	/* Not from a callback of its own: the batch is being run. */
	KASSERTMSG(!workqueue_runs(l, wq, q), "workqueue_run_polled: \"%s\" "
	    "called from its own callback", wq->wq_name);
	/* Acquire: what the last one did that ran it. */
	idle = 0;
	if (!atomic_cas_acquire(&fr->fr_running, &idle, 1))
		panic("workqueue_run_polled: \"%s\" is being run by another "
		    "thread", wq->wq_name);
	/* Before the inbox is looked at: what comes later notifies again. */
	host_pollfd_clear(fr->fr_fds);
	asleep = (uintptr_t)&fr->fr_runner | WQ_ASLEEP;
	/* Acquire: pairs with the release in workqueue_enqueue(). */
	if (atomic_load_acquire(&q->q_inbox) == asleep) {
		atomic_store_release(&fr->fr_running, 0);
		return 0;
	}
	outer.wo_queue = l->l_wqq;
	outer.wo_next = l->l_wqouter;
	outerwork = l->l_curwork;
	if (outer.wo_queue != NULL)
		l->l_wqouter = &outer;
	l->l_wqq = q;
	q->q_batch = batch;
	n = atomic_load_relaxed(&q->q_done);
	do {
		while (workqueue_take(q, l) != 0)
			workqueue_run(q, l);
		fr->fr_announced++;
	} while (!workqueue_announce(q, &fr->fr_runner, l) &&
	    fr->fr_announced-- != 0);
	l->l_wqq = outer.wo_queue;
	l->l_wqouter = outer.wo_next;
	l->l_curwork = outerwork;
	n = atomic_load_relaxed(&q->q_done) - n;
	/* The last touch; release: see workqueue_polled_last(). */
	atomic_store_release(&fr->fr_running, 0);
	return n;
}

/*
 * Run it for the last time, by who destroys it.  Another thread may be on its
 * way out of workqueue_run_polled(): a wait returns before that does.
 */
void
workqueue_polled_last(struct workqueue *wq)
{
	struct fdrunner *fr;
	unsigned n;

	fr = wq->wq_queues[0].q_fdrunner;
	/* Acquire: it touches the queue no more. */
	for (n = 0; atomic_load_acquire(&fr->fr_running) != 0;)
		host_relax(&n);
	(void)workqueue_run_polled(wq);
}

/*
 * The queue is empty and announced, and nobody enqueues any more.
 */
void
workqueue_polled_destroy(struct workqueue *wq)
{
	struct fdrunner *fr;
	unsigned n;

	fr = wq->wq_queues[0].q_fdrunner;
	/* In a forked child nobody is on its way. */
	if (wq->wq_forkgen != kern_forkgen)
		fr->fr_announced = atomic_load_relaxed(&fr->fr_notified) + 1;
	/*
	 * All announcements but the one that stands were taken, and who takes
	 * one notifies.  Acquire: it has done so.
	 */
	for (n = 0; atomic_load_acquire(&fr->fr_notified) !=
	    fr->fr_announced - 1;)
		host_relax(&n);
	host_pollfd_close(fr->fr_fds);
	fdrunner_release(fr);
}

/*
 * Around fork: the free ones must not be caught half changed.
 */
void
workqueue_polled_fork(int enter)
{

	if (enter)
		kspin_enter(&fdrunner_lock);
	else
		kspin_exit(&fdrunner_lock);
}
