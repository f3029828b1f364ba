/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_ext(9): queues without a worker, which the client's event loop
 * runs.
 */

#include <errno.h>

#include <sys/workqueue_ext.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"
#include "subr_workqueue.h"
#include "subr_wqinbox.h"
#include "subr_wqslab.h"
#include "subr_wqtrace.h"

/*
 * The runner of a polled queue: an event loop of the client.  Like all runners
 * it is type-stable.  Its descriptor stays open until each producer that has
 * taken an announcement has notified the descriptor.
 */
struct fdrunner {
	struct runner	 fr_runner;
	int		 fr_fds[2];
	struct work	*fr_batch[WQ_BATCH];	/* q_batch points here */
	unsigned long	 fr_announced;	/* only the running thread uses it */
	int		 fr_running;	/* (a) a thread runs the queue */
	unsigned long	 fr_notified;	/* (a) announcements answered */
	struct fdrunner	*fr_next;	/* (fdrunner_lock) next free one */
};

static struct fdrunner	*fdrunner_free;
struct kspin		fdrunner_lock;

static void
fdrunner_wakeup(struct runner *r)
{
	struct fdrunner *fr;

	fr = (struct fdrunner *)(void *)r;
	host_pollfd_notify(fr->fr_fds);
	/* Release: this producer no longer uses the descriptor. */
	(void)atomic_fetch_add_acq_rel(&fr->fr_notified, 1ul);
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

static void
workqueue_polled_poke(struct workqueue_queue *q)
{

	host_pollfd_notify(q->q_fdrunner->fr_fds);
}

static void	workqueue_polled_end(struct workqueue *);

static const struct workqueue_hooks workqueue_polled_hooks = {
	.wh_poke = workqueue_polled_poke,
	.wh_end = workqueue_polled_end,
};

__kern_public int
workqueue_create_polled(struct workqueue **wqp, const char *name,
    void (*func)(struct work *, void *), void *arg, int ipl, int flags,
    int *fdp)
{
	struct workqueue_queue *q;
	struct workqueue *wq;
	struct fdrunner *fr;
	int error;

	if (wqp == NULL || fdp == NULL)
		return kern_einval("workqueue_create_polled", "nowhere to "
		    "store the %s: the argument is NULL",
		    wqp == NULL ? "queue" : "descriptor");
	if ((flags & (WQ_PERCPU | WQ_DEDICATED)) != 0)
		return kern_einval("workqueue_create_polled", "flags %#x "
		    "contain %s", (unsigned)flags, (flags & WQ_PERCPU) != 0 ?
		    "WQ_PERCPU" : "WQ_DEDICATED");
	error = workqueue_alloc(&wq, "workqueue_create_polled", name, func,
	    arg, PRI_NONE, ipl, flags, &workqueue_polled_hooks);
	if (error != 0)
		return error;
	if ((fr = fdrunner_alloc()) == NULL)
		error = ENOMEM;
	else if ((error = host_pollfd_open(fr->fr_fds)) != 0)
		fdrunner_release(fr);
	if (error != 0) {
		wqslab_free(wq);
		return error;
	}
	q = &wq->wq_queues[0];
	q->q_fdrunner = fr;
	q->q_batch = fr->fr_batch;
	fr->fr_announced++;
	(void)workqueue_announce(q, &fr->fr_runner, curlwp_get());
	workqueue_insert(wq, "workqueue_create_polled", LOCKDEBUG_SITE());
	*fdp = fr->fr_fds[0];
	*wqp = wq;
	return 0;
}

/*
 * A call of workqueue_run_polled(), and what the thread ran before.
 */
struct polled_call {
	struct workqueue_queue *pc_queue;	/* NULL: the call is over */
	struct lwp	*pc_lwp;
	struct workqueue_outer pc_outer;
	struct work	*pc_outerwork;
	int		 pc_blcnt;
};

static void
workqueue_polled_over(struct polled_call *pc)
{
	struct lwp *l;

	l = pc->pc_lwp;
	l->l_wqq = pc->pc_outer.wo_queue;
	l->l_wqouter = pc->pc_outer.wo_next;
	l->l_curwork = pc->pc_outerwork;
	pc->pc_queue = NULL;
}

/*
 * Clean up if a C++ exception or pthread_exit(3) in a callback has ended
 * workqueue_run_polled().  Count the callback's item as done, and leave the
 * other items of the batch for the next call.  Make the descriptor readable, so
 * that there is a next call.  If workqueue_run_polled() returns normally, do
 * nothing.
 */
static void
workqueue_polled_unwind(struct polled_call *pc)
{
	struct workqueue_queue *q;
	struct fdrunner *fr;
	struct lwp *l;
	uint64_t done;

	if (__predict_true((q = pc->pc_queue) == NULL))
		return;
	fr = q->q_fdrunner;
	l = pc->pc_lwp;
	if (KERN_CHECKING())
		lockdebug_call_detach(q->q_wq);
	if (KERN_TRACING())
		wqtrace_end();
	if (l->l_blcnt > pc->pc_blcnt)
		wqk_kernel_unlock(l->l_blcnt - pc->pc_blcnt, NULL);
	workqueue_polled_over(pc);
	mutex_enter(&q->q_lock);
	done = atomic_load_relaxed(&q->q_begun);
	q->q_start += (unsigned)(done - q->q_base);
	q->q_base = done;
	mutex_exit(&q->q_lock);
	KERN_BEFORE(q);
	KERN_BEFORE(fr);
	workqueue_left(q, done);
	host_pollfd_notify(fr->fr_fds);
	/* The last access.  Release: see workqueue_polled_last(). */
	atomic_store_release(&fr->fr_running, 0);
}

/*
 * Claim the queue for the calling thread.
 */
static void
workqueue_polled_claim(struct workqueue *wq, const struct lwp *l)
{
	struct workqueue_queue *q;
	struct fdrunner *fr;
	int idle;

	q = &wq->wq_queues[0];
	fr = q->q_fdrunner;
	KASSERTMSG(fr != NULL, "workqueue_run_polled: \"%s\" has a worker",
	    wq->wq_name);
	workqueue_check_process(wq, "workqueue_run_polled");
	/* The queue's own callback must not run the batch a second time. */
	KASSERTMSG(!workqueue_runs(l, wq, q), "workqueue_run_polled: \"%s\" "
	    "called from its own callback", wq->wq_name);
	/* Acquire: observe what the last thread that ran the queue did. */
	idle = 0;
	if (!atomic_cas_acquire(&fr->fr_running, &idle, 1))
		panic("workqueue_run_polled: \"%s\" is being run by another "
		    "thread", wq->wq_name);
}

/*
 * Record that the thread runs the queue.  It may do so within a callback of
 * another queue.
 */
static void
workqueue_polled_begin(struct polled_call *pc, struct workqueue_queue *q,
    struct lwp *l)
{

	pc->pc_lwp = l;
	pc->pc_blcnt = l->l_blcnt;
	pc->pc_outer.wo_queue = l->l_wqq;
	pc->pc_outer.wo_next = l->l_wqouter;
	pc->pc_outerwork = l->l_curwork;
	pc->pc_queue = q;
	if (pc->pc_outer.wo_queue != NULL)
		l->l_wqouter = &pc->pc_outer;
	l->l_wqq = q;
}

/*
 * Run all items, and announce that there are none.
 */
static void
workqueue_polled_drain(struct workqueue_queue *q, struct fdrunner *fr,
    struct lwp *l)
{
	unsigned (*take)(struct workqueue_queue *, struct lwp *);

	take = KERN_CHECKING() || KERN_WATCHED() ? workqueue_take_checked :
	    workqueue_take;
	/* If an exception has ended a call, items may be left in the batch. */
	if (__predict_false(q->q_end > q->q_start &&
	    atomic_load_relaxed(&q->q_done) == q->q_base))
		workqueue_run(q, l);
	do {
		while ((*take)(q, l) != 0)
			workqueue_run(q, l);
		fr->fr_announced++;
	} while (!workqueue_announce(q, &fr->fr_runner, l) &&
	    fr->fr_announced-- != 0);
}

__kern_public unsigned long
workqueue_run_polled(struct workqueue *wq)
{
	struct polled_call pc
	    __attribute__((__cleanup__(workqueue_polled_unwind)));
	struct workqueue_queue *q;
	struct fdrunner *fr;
	struct lwp *l;
	unsigned long n;

	pc.pc_queue = NULL;
	workqueue_check_call(wq, "workqueue_run_polled");
	l = curlwp_get();
	workqueue_polled_claim(wq, l);
	q = &wq->wq_queues[0];
	fr = q->q_fdrunner;
	/* Clear the descriptor first: a later item makes it readable again. */
	host_pollfd_clear(fr->fr_fds);
	n = 0;
	if (!wqinbox_isannounced(&q->q_inbox, &fr->fr_runner)) {
		KERN_AFTER(fr);
		n = atomic_load_relaxed(&q->q_done);
		workqueue_polled_begin(&pc, q, l);
		workqueue_polled_drain(q, fr, l);
		workqueue_polled_over(&pc);
		KERN_BEFORE(fr);
		n = atomic_load_relaxed(&q->q_done) - n;
	}
	/* The last access.  Release: see workqueue_polled_last(). */
	atomic_store_release(&fr->fr_running, 0);
	return n;
}

/*
 * Run the queue for the last time, in the thread that destroys it.  Another
 * thread may still be in workqueue_run_polled(), even if the caller has waited
 * for all items: a wait for an item ends before that function returns.
 */
static void
workqueue_polled_last(struct workqueue *wq)
{
	struct fdrunner *fr;
	unsigned n;

	fr = wq->wq_queues[0].q_fdrunner;
	/* Acquire: the other thread no longer accesses the queue. */
	for (n = 0; atomic_load_acquire(&fr->fr_running) != 0;)
		host_relax(&n);
	(void)workqueue_run_polled(wq);
}

/*
 * Wait for the producers that took an announcement and have not notified yet.
 * The queue is empty and announced, and producers enqueue no more.  So they
 * have taken all announcements except the last.
 */
static void
workqueue_polled_settle(struct fdrunner *fr)
{
	unsigned n;

	/* Acquire: the producers no longer use the descriptor. */
	for (n = 0; atomic_load_acquire(&fr->fr_notified) !=
	    fr->fr_announced - 1;)
		host_relax(&n);
}

static void
workqueue_polled_end(struct workqueue *wq)
{
	struct fdrunner *fr;

	fr = wq->wq_queues[0].q_fdrunner;
	/* In a forked child there is no other thread. */
	if (wq->wq_forkgen == kern_forkgen) {
		workqueue_polled_last(wq);
		workqueue_finish(wq, true);
		workqueue_polled_settle(fr);
	}
	host_pollfd_close(fr->fr_fds);
	fdrunner_release(fr);
}

/*
 * Drop the free list in a forked child, if it may be inconsistent.
 */
void
workqueue_polled_fork(struct lwp *l)
{

	(void)l;
	if (kern_torn(&fdrunner_lock))
		fdrunner_free = NULL;
}
