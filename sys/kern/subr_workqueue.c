/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue(9).
 *
 * Read this file along the path of an item: workqueue_enqueue(); then
 * workqueue_worker() with workqueue_take(), workqueue_run() and the functions
 * that wait for items; then workqueue_create() and workqueue_destroy().
 * subr_workqueue_find.c searches for an item.  The calls that wait and cancel
 * are in subr_workqueue_wait.c, and the worker's part in them is in
 * subr_workqueue_waiter.c.
 *
 * subr_wqinbox.h has the inbox.  It states the last-touch rule, and explains
 * why no wake-up is lost.  subr_wqspin.c decides when a worker spins.
 *
 * A search compares addresses, first in q_batch and then on the list.  It holds
 * q_lock while it compares, and hands it over after every WQ_PIECE items.
 * Before it looks at the list, it moves all items from the inbox to the list.
 * A search may follow the links of the list: the items there are pending, so
 * the client must not have freed them.
 *
 * Which calls for one workqueue may run at the same time:
 *
 *			enqueue	search	drain	run	destroy
 *	enqueue		yes	yes	yes	yes	no
 *	search			yes	yes	yes	begun
 *	drain				yes	yes	begun
 *	run					no	begun
 *	destroy						no
 *
 *	enqueue		also getpri and setspin
 *	search		wait, timedwait and cancel
 *	run		workqueue_run_polled()
 *
 *	no		The caller must serialise the two calls.  One exception:
 *			while workqueue_destroy() waits, callbacks of the
 *			workqueue may enqueue.
 *	begun		The call must have begun before workqueue_destroy(),
 *			which waits for it.
 *
 * The caller must also serialise the enqueues of one item.  It must not enqueue
 * the item again before the callback for the last enqueue has begun, or
 * workqueue_cancel() has returned true.
 *
 * Producers and the worker share only the inbox.  A producer takes no lock.
 * The worker takes q_lock to take items.  A search takes q_lock, and for the
 * list also q_findlock.  wq_waiting counts the calls that workqueue_destroy()
 * waits for.  fr_running is set while a thread runs a polled queue.
 */

#include <errno.h>
#include <string.h>

#include <host/host_call.h>
#include <host/host_probe.h>

#include <sys/workqueue_ext.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_lock.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_plant.h"
#include "kern_sleepq.h"
#include "subr_cpu.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"
#include "subr_workqueue.h"
#include "subr_wqcheck.h"
#include "subr_wqinbox.h"
#include "subr_wqlend.h"
#include "subr_wqslab.h"
#include "subr_wqspin.h"
#include "subr_wqstat.h"
#include "subr_wqtrace.h"

_Static_assert(sizeof(struct work) == sizeof(void *),
    "struct work is one pointer");

/*
 * The keys of a process and of its ancestors (kern_forkkey) differ by more than
 * the size of cpu_infos, and two addresses in cpu_infos differ by less.  So an
 * address in cpu_infos plus the key of a process never equals an address in
 * cpu_infos plus the key of an ancestor.
 */
_Static_assert(CPU_MAX * sizeof(struct cpu_info) < 1 << KERN_FORKSHIFT,
    "an address in cpu_infos can look like one with another process's key");

bool
workqueue_runs(const struct lwp *l, const struct workqueue *wq,
    const struct workqueue_queue *q)
{
	const struct workqueue_outer *wo;

	if (l->l_wqq == NULL)
		return false;
	if (q != NULL ? l->l_wqq == q : l->l_wqq->q_wq == wq)
		return true;
	for (wo = l->l_wqouter; wo != NULL; wo = wo->wo_next)
		if (q != NULL ? wo->wo_queue == q : wo->wo_queue->q_wq == wq)
			return true;
	return false;
}

/*
 * Producers.
 */

/*
 * Handle LWP_LOST: a function of the client has ended the thread that called
 * it.  If the thread was running a queue, that function was the callback, so
 * panic.
 */
void
workqueue_lwplost(struct lwp *l)
{

	if (l->l_wqq != NULL)
		panic("workqueue \"%s\": function %pF ended its thread, "
		    "called with item %pI", l->l_wqq->q_wq->wq_name,
		    (const void *)(uintptr_t)l->l_wqq->q_wq->wq_func,
		    (const void *)l->l_curwork);
}

/*
 * Push an item.  In checking mode, record the contents of its word.
 */
static inline void
workqueue_push_any(struct workqueue_queue *q, struct work *wk)
{

	if (KERN_TRACING())
		wqtrace_enqueue(wk, q->q_wq->wq_name);
	if (KERN_WATCHED()) {
		host_access_item(wk);
		host_happens_before(wk);
		host_unwatched(wk, sizeof(*wk));
	}
	if (KERN_CHECKING())
		wqinbox_wake(wqinbox_insert(&q->q_inbox, wk, wqcheck_link));
	else
		wqinbox_push(&q->q_inbox, wk);
}

/*
 * Handle the cases of workqueue_enqueue() that are not common:
 *
 *	If KERN_SLOW() is true, check or trace the item, and enqueue it.
 *	If ci is NULL and the workqueue is WQ_PERCPU, use the caller's CPU.
 *	If the call is not allowed, panic.
 *
 * The parameter off is what workqueue_enqueue() computed from ci.  Compute ci
 * from it again.
 */
static __kern_hot __kern_noinline void
workqueue_enqueue_slow(struct workqueue *wq, struct work *wk, uintptr_t off,
    uintptr_t site)
{
	struct cpu_info *ci;

	if (wq == NULL)
		panic("workqueue_enqueue: the workqueue is NULL");
	ci = (struct cpu_info *)(off - kern_forkkey + wq->wq_key);
	if (KERN_CHECKING())
		workqueue_check_enqueue(wq, wk, site);
	workqueue_check_process(wq, "workqueue_enqueue");
	if ((wq->wq_flags & WQ_PERCPU) == 0) {
		if (ci != NULL)
			panic("workqueue_enqueue: \"%s\" is not WQ_PERCPU but "
			    "a CPU was given", wq->wq_name);
		workqueue_push_any(&wq->wq_queues[0], wk);
		return;
	}
	if (ci == NULL)
		ci = cpu_hint(host_self());
	else if (!cpu_among(ci, wq->wq_nqueues))
		panic("workqueue_enqueue: \"%s\": no such CPU", wq->wq_name);
	workqueue_push_any(&wq->wq_queues[ci->ci_index], wk);
}

__kern_public __kern_hot void
workqueue_enqueue(struct workqueue *wq, struct work *wk, struct cpu_info *ci)
{
	uintptr_t off;

	HOST_PROBE3(sdt, kernel__workqueue__enqueue, wq, wk, ci);
	off = 0;
	if (__predict_false(wq == NULL))
		goto slow;
	/*
	 * The common cases call nothing except, at their end, the function that
	 * wakes the worker.  So they need no stack frame.  With WQ_PERCPU, off
	 * is the offset of ci from the first CPU.  Otherwise it is the offset
	 * of ci from NULL.  If off belongs to no queue, the call takes the slow
	 * path.  In two cases the call takes the slow path whatever ci is.  If
	 * another process made the workqueue, wq_key contains the key of that
	 * process.  If the workqueue was made while KERN_SLOW() was true,
	 * wq_key contains WQ_NOCPU.
	 */
	off = (uintptr_t)ci + kern_forkkey - wq->wq_key;
	if (__predict_true(off == 0)) {
		wqinbox_push(&wq->wq_queues[0].q_inbox, wk);
		return;
	}
	if (off < wq->wq_cpuspan && off % sizeof(*ci) == 0)
		wqinbox_push(&wq->wq_queues[off / sizeof(*ci)].q_inbox, wk);
	else
 slow:
		workqueue_enqueue_slow(wq, wk, off, LOCKDEBUG_SITE());
}

/*
 * The worker.
 */

/*
 * Move the items of q_unturned to the list, in pieces of WQ_PIECE items.  After
 * each piece but the last, hand q_lock to a thread that sleeps for it.
 */
static __kern_noinline void
workqueue_turn_all(struct workqueue_queue *q)
{

	while (!workqueue_turn(q)) {
		mutex_handoff(&q->q_lock);
		mutex_enter(&q->q_lock);
	}
}

/*
 * Fill the batch with the oldest items.  Return their number.
 */
__kern_hot unsigned
workqueue_take(struct workqueue_queue *q, struct lwp *l)
{
	struct work *wk, **batch;
	uintptr_t list, w;
	unsigned i;

	batch = q->q_batch;
	kern_mutex_enter(&q->q_lock, l);
	q->q_base += q->q_end - q->q_start;
	q->q_start = q->q_end = 0;
	if (q->q_first == NULL && __predict_false(q->q_unturned != 0))
		workqueue_turn_all(q);
	else if (q->q_first == NULL &&
	    (list = wqinbox_take(&q->q_inbox)) != 0) {
		/*
		 * The newest item comes first here, so fill the batch from its
		 * end.  If not all items fit, move them to the list instead.
		 */
		i = WQ_BATCH;
		for (w = list; !wqinbox_end(w) && i > 0;
		    w = (uintptr_t)wk->wk_dummy) {
			wk = (struct work *)w;
			batch[--i] = wk;
		}
		if (wqinbox_end(w)) {
			q->q_start = i;
			q->q_end = WQ_BATCH;
		} else {
			workqueue_unturned(q, list);
			workqueue_turn_all(q);
		}
	}
	if ((wk = q->q_first) != NULL) {
		for (i = 0; i < WQ_BATCH && wk != NULL; i++) {
			batch[i] = wk;
			wk = wk->wk_dummy;
		}
		atomic_store_relaxed(&q->q_first, wk);
		if (wk == NULL)
			q->q_lastp = &q->q_first;
		q->q_end = i;
	}
	i = q->q_end - q->q_start;
	kern_mutex_exit(&q->q_lock, l);
	if (__predict_false(atomic_load_relaxed(&q->q_walked)) &&
	    atomic_load_relaxed(&q->q_first) == NULL)
		workqueue_forget(q);
	return i;
}

/*
 * Do what workqueue_take() does, in checking mode or while a tool watches.
 * Move the items to the list, even if they fit into the batch.
 */
unsigned
workqueue_take_checked(struct workqueue_queue *q, struct lwp *l)
{
	struct work *wk;
	unsigned i;

	kern_mutex_enter(&q->q_lock, l);
	q->q_base += q->q_end - q->q_start;
	q->q_start = q->q_end = 0;
	if (q->q_first == NULL) {
		if (q->q_unturned == 0)
			workqueue_unturned(q, wqinbox_take(&q->q_inbox));
		workqueue_turn_all(q);
	}
	for (i = 0; i < WQ_BATCH && (wk = q->q_first) != NULL; i++) {
		workqueue_check_item(q, wk);
		q->q_batch[i] = wk;
		atomic_store_relaxed(&q->q_first, (struct work *)wk->wk_dummy);
	}
	if (q->q_first == NULL)
		q->q_lastp = &q->q_first;
	q->q_end = i;
	kern_mutex_exit(&q->q_lock, l);
	if (atomic_load_relaxed(&q->q_walked) &&
	    atomic_load_relaxed(&q->q_first) == NULL)
		workqueue_forget(q);
	return i;
}

/*
 * Record that the worker has run or skipped one more item.  Wake the threads
 * that wait for it.
 *
 * The worker stores q_done and then loads q_waitpos.  A waiter stores q_waitpos
 * and then loads q_done.  The asymmetric fence, or sequential consistency,
 * ensures that at least one of the two sees the other's store.
 *
 * Release: a thread that sees the item done also sees what the callback did.
 */
static inline void
workqueue_done(struct workqueue_queue *q, uint64_t done, bool asymfence)
{
	uint64_t waitpos;

	if (asymfence) {
		atomic_store_release(&q->q_done, done);
		host_fence_light();
		waitpos = atomic_load_relaxed(&q->q_waitpos);
	} else {
		(void)atomic_swap_seq_cst(&q->q_done, done);
		waitpos = atomic_load_seq_cst(&q->q_waitpos);
	}
	if (__predict_false(done >= waitpos))
		workqueue_notify(q, done);
}

/* Do what workqueue_done() does, for a callback that did not return. */
void
workqueue_left(struct workqueue_queue *q, uint64_t done)
{

	workqueue_done(q, done, host_asymfence);
}

/*
 * Call the callback for an item of the batch.  "held" is the number of kernel
 * locks that the worker holds.
 */
static inline __attribute__((__always_inline__)) void
workqueue_call(struct workqueue *wq, struct workqueue_queue *q, struct lwp *l,
    struct work *wk, void (*func)(struct work *, void *), void *arg,
    bool plain, int held)
{

	if (!plain && KERN_SLOW())
		workqueue_call_begin(wq, q, wk);
	l->l_curwork = wk;
	HOST_PROBE4(sdt, kernel__workqueue__entry, wq, wk, func, arg);
	host_callback((uintptr_t)func, true);
	(*func)(wk, arg);
	host_callback((uintptr_t)func, false);
	/* The item may be gone: from here on, use only its address. */
	HOST_PROBE4(sdt, kernel__workqueue__return, wq, wk, func, arg);
	if (!plain && KERN_SLOW())
		workqueue_call_end(wq, q, l, held);
}

/*
 * Run the batch.  The compiler makes two copies of this function.  The plain
 * copy is used if three things are true: callbacks do not need the kernel lock,
 * KERN_SLOW() is false, and the host has the asymmetric fence.  So the plain
 * copy need not test these for each item.
 */
static inline __attribute__((__always_inline__)) void
workqueue_run_batch(struct workqueue_queue *q, struct lwp *l, bool plain)
{
	void (*func)(struct work *, void *);
	struct work *wk, **wkp, **end;
	struct workqueue *wq;
	uint64_t done;
	void *arg;
	bool asymfence, biglock;
	int held;

	wq = q->q_wq;
	func = wq->wq_func;
	arg = wq->wq_arg;
	asymfence = plain || host_asymfence;
	biglock = !plain && (wq->wq_flags & WQ_MPSAFE) == 0;
	if (biglock)
		wqk_kernel_lock(1);
	held = l->l_blcnt;
	done = q->q_base;
	end = &q->q_batch[q->q_end];
	for (wkp = &q->q_batch[q->q_start]; wkp < end; wkp++) {
		/*
		 * workqueue_cancel() marks the item's place in the batch and
		 * then loads q_done.  The worker stored q_done after the
		 * previous item, and now loads the place of this item.  At
		 * least one of the two sees the other's store.  So if the
		 * canceller finds that the previous item is not done, the
		 * worker will find the mark.  If the previous item is done, the
		 * canceller waits until q_begun reaches this item.  wc_skipped
		 * then tells whether the worker skipped it.
		 */
		wk = asymfence ? atomic_load_relaxed(wkp) :
		    atomic_load_seq_cst(wkp);
		if (__predict_false(((uintptr_t)wk & WQ_CANCELLED) != 0)) {
			workqueue_skip(q, wkp, ++done);
			workqueue_done(q, done, asymfence);
			continue;
		}
		atomic_store_relaxed(&q->q_begun, ++done);
		workqueue_call(wq, q, l, wk, func, arg, plain, held);
		workqueue_done(q, done, asymfence);
		if (biglock)
			kernel_lock_yield(l);
	}
	l->l_curwork = NULL;
	if (biglock)
		wqk_kernel_unlock(1, NULL);
}

static __kern_hot __kern_noinline void
workqueue_run_plain(struct workqueue_queue *q, struct lwp *l)
{

	workqueue_run_batch(q, l, true);
}

static __kern_hot __kern_noinline void
workqueue_run_any(struct workqueue_queue *q, struct lwp *l)
{

	workqueue_run_batch(q, l, false);
}

__kern_hot void
workqueue_run(struct workqueue_queue *q, struct lwp *l)
{

	if (q->q_wq->wq_runplain)
		workqueue_run_plain(q, l);
	else
		workqueue_run_any(q, l);
}

/*
 * Waiting for items.
 */

/*
 * Return true if items have come since the worker took all that it found.  Also
 * look at the list, because a search moves items from the inbox to the list.
 * Relaxed: the worker takes items under the lock.
 */
static inline bool
workqueue_something(const void *arg)
{
	const struct workqueue_queue *q;

	q = arg;
	return !wqinbox_isempty(&q->q_inbox) ||
	    atomic_load_relaxed(&q->q_first) != NULL ||
	    atomic_load_relaxed(&q->q_unturned) != 0;
}

/*
 * Spin for a while, if that pays.  Return true if an item has come.
 */
static __kern_hot bool
workqueue_spin(struct workqueue_queue *q, int64_t start, int64_t spin)
{
	unsigned looks;

	if (!wqspin_enter(q->q_gap, spin))
		return false;
	looks = wqspin_until(workqueue_something, q, start, spin);
	if (looks != 0)
		wqspin_gather_soon(looks, q->q_lone);
	wqspin_exit();
	return looks != 0;
}

/*
 * Announce that the runner is going to sleep.  Return false if there is an
 * item.
 */
__kern_hot bool
workqueue_announce(struct workqueue_queue *q, struct runner *r,
    struct lwp *l)
{
	bool announced, drains;

	drains = !KERN_BUG(DRAIN) ||
	    atomic_load_seq_cst(&q->q_wq->wq_draining) != 0;
	kern_mutex_enter(&q->q_lock, l);
	announced = ((q->q_first == NULL && q->q_unturned == 0) ||
	    KERN_BUG(RECHECK)) && wqinbox_announce(&q->q_inbox, NULL, r);
	kern_mutex_exit(&q->q_lock, l);
	/* Sequentially consistent: see workqueue_quiesce(). */
	if (announced && drains && __predict_false(
	    atomic_load_seq_cst(&q->q_wq->wq_draining) != 0))
		sleepq_wakeall(q->q_wq, SLEEPQ_DRAIN);
	return announced;
}

/*
 * Sleep until there is an item.  Return false if the worker must end or leave.
 */
static __kern_hot bool
workqueue_sleep(struct workqueue_queue *q, struct lwp *l)
{
	bool ends;

	if (!workqueue_announce(q, &l->l_runner, l))
		return true;
	for (;;) {
		/*
		 * Load q_worker before the inbox.  Acquire: all items were
		 * enqueued before the destroying thread stored WORKER_ENDS.  So
		 * if the worker sees WORKER_ENDS, its load of the inbox, which
		 * comes next, sees these items.
		 */
		ends = atomic_load_acquire(&q->q_worker) != WORKER_SERVES;
		if (!wqinbox_isannounced(&q->q_inbox, &l->l_runner))
			return true;
		if (ends)
			return false;
		lwp_park(l);
	}
}

/*
 * Sleep, and find out whether the producer that wakes the worker is on the same
 * CPU as the worker.
 */
static inline bool
workqueue_sleep_learn(struct workqueue_queue *q, struct lwp *l)
{
	bool go;

	wqspin_ask(l);
	go = workqueue_sleep(q, l);
	wqspin_learn(l);
	return go;
}

/*
 * Spin or sleep until there is an item.  Return false if the worker must end or
 * leave.
 *
 * q_gap is an average of the gaps between items.  It may be so long that one
 * short gap cannot bring it below the spin limit.  In this case the worker
 * wakes up as fast as possible, and updates q_gap after the callback.  The gap
 * then includes the time of the callback, and the producer does not report its
 * CPU.
 */
static __kern_hot bool
workqueue_idle(struct workqueue_queue *q, struct lwp *l)
{
	int64_t now, spin;
	bool go;

	spin = atomic_load_relaxed(&q->q_wq->wq_spin);
	if (!cpu_spinok || spin == 0) {
		q->q_gap = WQSPIN_GAPMAX;
		return workqueue_sleep(q, l);
	}
	/* If the producer is on this CPU, the gap does not matter. */
	if (wqspin_samecpu(l))
		return workqueue_sleep_learn(q, l);
	now = host_monotime();
	if (q->q_slept != 0) {
		wqspin_waited(&q->q_gap, now - q->q_slept, spin);
		q->q_slept = 0;
	}
	if (workqueue_spin(q, now, spin)) {
		wqspin_waited(&q->q_gap, host_monotime() - now, spin);
		return true;
	}
	if (q->q_gap >= spin * 3) {
		wqspin_dontask(l);
		go = workqueue_sleep(q, l);
		q->q_slept = now;
	} else {
		go = workqueue_sleep_learn(q, l);
		wqspin_waited(&q->q_gap, host_monotime() - now, spin);
	}
	return go;
}

/*
 * Forget the batch, which is on the stack of the calling thread.  Otherwise a
 * late workqueue_cancel() could write to it.
 */
static __kern_noinline void
workqueue_drop_batch(struct workqueue_queue *q)
{

	mutex_enter(&q->q_lock);
	q->q_base += q->q_end - q->q_start;
	q->q_start = q->q_end = 0;
	mutex_exit(&q->q_lock);
}

/*
 * Run a queue until the thread must end or leave.  When this function returns,
 * the thread has announced its sleep, and has found no item since then.
 */
static __kern_hot void
workqueue_serve(struct workqueue_queue *q, struct lwp *l)
{
	struct work *batch[WQ_BATCH];
	unsigned (*take)(struct workqueue_queue *, struct lwp *);
	unsigned n;

	take = workqueue_take;
	if (KERN_CHECKING() || KERN_WATCHED()) {
		take = workqueue_take_checked;
		KERN_UNWATCHED(batch, sizeof(batch));
	}
	/* The batch is on this stack, in a page that is in use anyway. */
	q->q_batch = batch;
	l->l_wqq = q;
	for (;;) {
		n = (*take)(q, l);
		if (n != 0) {
			workqueue_run(q, l);
			wqspin_ran(&q->q_lone, n);
			/*
			 * The batch was at least half full, so more items have
			 * probably come.  Take them at once.  A test for items
			 * would only fetch the producer's cache line once more.
			 */
			if (n >= WQ_BATCH / 2)
				continue;
			if (workqueue_something(q)) {
				if (cpu_spinok && wqspin_streams(q->q_lone))
					wqspin_gather();
				continue;
			}
		}
		if (!workqueue_idle(q, l))
			break;
	}
	workqueue_drop_batch(q);
	l->l_wqq = NULL;
}

/*
 * Run one batch of a queue, for the rescuer.
 */
static void
workqueue_serve_batch(struct workqueue_queue *q, struct lwp *l)
{
	struct work *batch[WQ_BATCH];
	unsigned n;

	KERN_UNWATCHED(batch, sizeof(batch));
	q->q_batch = batch;
	l->l_wqq = q;
	n = KERN_CHECKING() || KERN_WATCHED() ? workqueue_take_checked(q, l) :
	    workqueue_take(q, l);
	if (n != 0)
		workqueue_run(q, l);
	workqueue_drop_batch(q);
	l->l_wqq = NULL;
}

static void
workqueue_worker(void *arg)
{
	struct workqueue_queue *q;

	q = arg;
	workqueue_serve(q, curlwp_get());
	/* Relaxed: the end of the thread is a release. */
	KASSERT(atomic_load_relaxed(&q->q_worker) == WORKER_ENDS);
	atomic_store_relaxed(&q->q_worker, WORKER_ENDED);
}

/*
 * Creation and destruction.
 */

/*
 * Make the first n workers end, and wait until they have ended.
 */
static void
workqueue_end_workers(struct workqueue *wq, int n)
{
	struct workqueue_queue *q;
	int i;

	for (i = 0; i < n; i++) {
		q = &wq->wq_queues[i];
		KASSERT(atomic_load_relaxed(&q->q_worker) == WORKER_SERVES);
		/* Release: pairs with the acquire in workqueue_sleep(). */
		atomic_store_release(&q->q_worker, WORKER_ENDS);
		lwp_unpark(q->q_lwp);
	}
	for (i = 0; i < n; i++) {
		q = &wq->wq_queues[i];
		lwp_join(q->q_lwp);
		KASSERT(atomic_load_relaxed(&q->q_worker) == WORKER_ENDED);
	}
}

static void
workqueue_worker_poke(struct workqueue_queue *q)
{

	lwp_unpark(q->q_lwp);
}

static void
workqueue_worker_end(struct workqueue *wq)
{

	if (wq->wq_forkgen != kern_forkgen)
		return;
	/*
	 * A single worker ends only when its queue is empty, so there is no
	 * need to wait for that here.  The worker loads q_worker before it
	 * looks for items.  So if it sees WORKER_ENDS and then finds no item,
	 * no item is left.  See workqueue_sleep().
	 */
	workqueue_finish(wq, wq->wq_nqueues > 1);
	workqueue_end_workers(wq, wq->wq_nqueues);
}

static const struct workqueue_hooks workqueue_worker_hooks = {
	.wh_poke = workqueue_worker_poke,
	.wh_end = workqueue_worker_end,
};

/*
 * Do what workqueue_worker_end() does, for a workqueue whose threads are lent.
 */
static void
workqueue_lent_end(struct workqueue *wq)
{

	if (wq->wq_forkgen != kern_forkgen)
		return;
	workqueue_finish(wq, wq->wq_nqueues > 1);
	wqlend_end(wq, wq->wq_nqueues);
}

static const struct workqueue_hooks workqueue_lent_hooks = {
	.wh_poke = wqlend_poke,
	.wh_end = workqueue_lent_end,
	.wh_serve = workqueue_serve,
	.wh_batch = workqueue_serve_batch,
};

static void
workqueue_queue_init(struct workqueue *wq, struct workqueue_queue *q,
    struct cpu_info *ci)
{

	q->q_wq = wq;
	q->q_ci = ci;
	q->q_waitpos = WQ_NOPOS;
	q->q_lastp = &q->q_first;
	q->q_gap = WQSPIN_GAPMAX;
	mutex_init_quiet(&q->q_lock);
	mutex_init_quiet(&q->q_findlock);
}

/*
 * Allocate a workqueue, which has no worker yet.
 */
int
workqueue_alloc(struct workqueue **wqp, const char *who, const char *name,
    void (*func)(struct work *, void *), void *arg, pri_t prio, int ipl,
    int flags, const struct workqueue_hooks *hooks)
{
	struct workqueue *wq;
	int error, i, n;

	kern_init();
	kern_fork_catchup();
	if ((error = workqueue_check_args(who, name, func, prio, ipl,
	    flags)) != 0)
		return error;
	if (strlen(name) >= MAXCOMLEN)
		return ENAMETOOLONG;
	n = flags & WQ_PERCPU ? ncpu : 1;
	if ((wq = wqslab_alloc(n)) == NULL)
		return ENOMEM;
	wq->wq_func = func;
	wq->wq_arg = arg;
	wq->wq_flags = flags;
	wq->wq_ipl = ipl;
	wq->wq_prio = prio;
	wq->wq_spin = kern_spin;
	wq->wq_nqueues = n;
	wq->wq_hooks = hooks;
	if (!KERN_SLOW()) {
		wq->wq_runplain = (flags & WQ_MPSAFE) != 0 && host_asymfence;
		wq->wq_cpuspan = flags & WQ_PERCPU ?
		    (size_t)n * sizeof(struct cpu_info) : 0;
	}
	wq->wq_forkgen = kern_forkgen;
	wq->wq_key = kern_forkkey +
	    (KERN_SLOW() ? WQ_NOCPU :
	    flags & WQ_PERCPU ? (uintptr_t)cpu_infos : 0);
	(void)ksnprintf(wq->wq_name, sizeof(wq->wq_name), "%s", name);
	for (i = 0; i < n; i++)
		workqueue_queue_init(wq, &wq->wq_queues[i],
		    flags & WQ_PERCPU ? cpu_lookup((unsigned)i) : NULL);
	*wqp = wq;
	return 0;
}

/*
 * Record a complete workqueue, for the live view and for checking mode.
 */
void
workqueue_insert(struct workqueue *wq, const char *func, uintptr_t site)
{

	KASSERT(wq->wq_state == WORKQUEUE_MAKING);
	wq->wq_state = WORKQUEUE_SERVES;
	wq->wq_statslot = wqstat_enter(wq, WQSTAT_WORKQUEUE);
	if (KERN_CHECKING()) {
		wqcheck_create(wq);
		lockdebug_alloc(func, wq, "workqueue", wq->wq_name, site);
	}
}

/*
 * Call "create" to start the worker of each queue.
 */
static int
workqueue_start_workers(struct workqueue *wq, int (*create)(struct lwp **,
    const char *, pri_t, struct cpu_info *, void (*)(void *), void *))
{
	struct workqueue_queue *q;
	char wname[MAXCOMLEN];
	int error, i;

	for (i = 0; i < wq->wq_nqueues; i++) {
		q = &wq->wq_queues[i];
		wqlend_name(q, wname, sizeof(wname));
		atomic_store_relaxed(&q->q_worker, WORKER_SERVES);
		error = (*create)(&q->q_lwp, wname, wq->wq_prio, q->q_ci,
		    workqueue_worker, q);
		if (error != 0) {
			workqueue_end_workers(wq, i);
			return error;
		}
	}
	return 0;
}

/*
 * Create a workqueue.  "create" is the function that starts each worker.  If it
 * is NULL, threads are lent to the workqueue.
 */
static int
workqueue_make(struct workqueue **wqp, const char *name,
    void (*func)(struct work *, void *), void *arg, pri_t prio, int ipl,
    int flags, int (*create)(struct lwp **, const char *, pri_t,
    struct cpu_info *, void (*)(void *), void *), uintptr_t site)
{
	struct workqueue *wq;
	int error;

	if (KERN_CHECKING())
		context_check_sleep("workqueue_create");
	if (wqp == NULL)
		return kern_einval("workqueue_create", "nowhere to store the "
		    "queue: the first argument is NULL");
	error = workqueue_alloc(&wq, "workqueue_create", name, func, arg, prio,
	    ipl, flags, create == NULL ? &workqueue_lent_hooks :
	    &workqueue_worker_hooks);
	if (error != 0)
		return error;
	error = create == NULL ? wqlend_begin(wq) :
	    workqueue_start_workers(wq, create);
	if (error != 0) {
		wqslab_free(wq);
		return error;
	}
	workqueue_insert(wq, "workqueue_create", site);
	HOST_PROBE7(sdt, kernel__workqueue__create, wq, name, func, arg,
	    prio, ipl, flags);
	*wqp = wq;
	return 0;
}

__kern_public int
workqueue_create(struct workqueue **wqp, const char *name,
    void (*func)(struct work *, void *), void *arg, pri_t prio, int ipl,
    int flags)
{

	kern_init();
	return workqueue_make(wqp, name, func, arg, prio, ipl, flags,
	    kern_lend && (flags & WQ_DEDICATED) == 0 ? NULL : lwp_create,
	    LOCKDEBUG_SITE());
}

int
workqueue_create_shared(struct workqueue **wqp, const char *name,
    void (*func)(struct work *, void *), void *arg, pri_t prio, int ipl,
    int flags)
{

	return workqueue_make(wqp, name, func, arg, prio, ipl, flags,
	    lwp_create_shared, LOCKDEBUG_SITE());
}

/*
 * Tell watching tools that the caller's next accesses come after all callbacks
 * that have returned.
 */
void
workqueue_after(struct workqueue *wq)
{
	int i;

	if (KERN_WATCHED())
		for (i = 0; i < wq->wq_nqueues; i++)
			host_happens_after(&wq->wq_queues[i]);
}

__kern_public void
workqueue_destroy(struct workqueue *wq)
{
	struct lwp *l;
	unsigned n;
	int biglocks;

	workqueue_check_call(wq, "workqueue_destroy");
	l = curlwp_get();
	if (workqueue_runs(l, wq, NULL))
		panic("workqueue_destroy: \"%s\" destroyed from its own "
		    "callback", wq->wq_name);
	if (KERN_CHECKING())
		lockdebug_maywait("workqueue_destroy", wq, LOCKDEBUG_SITE());

	HOST_PROBE1(sdt, kernel__workqueue__destroy, wq);
	wqk_kernel_unlock(0, &biglocks);
	/*
	 * In a forked child the state may differ, because another thread may
	 * have been in this function when the parent forked.
	 */
	KASSERT(wq->wq_state == WORKQUEUE_SERVES ||
	    wq->wq_forkgen != kern_forkgen);
	wq->wq_state = WORKQUEUE_ENDS;
	(*wq->wq_hooks->wh_end)(wq);
	if (wq->wq_forkgen == kern_forkgen) {
		HOST_PROBE1(sdt, kernel__workqueue__exit__done, wq);
		/* Acquire: pairs with the releases in subr_workqueue_wait.c. */
		for (n = 0; atomic_load_acquire(&wq->wq_waiting) != 0;)
			host_relax(&n);
	}
	workqueue_after(wq);
	wqstat_leave(wq->wq_statslot, wq);
	if (KERN_CHECKING())
		lockdebug_free("workqueue_destroy", wq, "workqueue");
	wqslab_free(KERN_CHECKING() ? wqcheck_destroy(wq) : wq);
	wqk_kernel_lock(biglocks);
}

__kern_public void
workqueue_getpri(struct workqueue *wq, pri_t *asked, pri_t *inforce)
{
	struct workqueue_queue *q;

	workqueue_check_call(wq, "workqueue_getpri");
	workqueue_check_process(wq, "workqueue_getpri");
	q = &wq->wq_queues[0];
	if (asked != NULL)
		*asked = wq->wq_prio;
	if (inforce != NULL)
		*inforce = q->q_lend != NULL ? wqlend_inforce(q) :
		    q->q_lwp == NULL ? PRI_NONE : lwp_inforce(q->q_lwp);
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

	if (wq == NULL)
		panic("workqueue_setspin: the workqueue is NULL");
	if (KERN_CHECKING() && !wqcheck_alive(wq))
		panic("workqueue_setspin: workqueue %p is destroyed",
		    (void *)wq);
	if (usec > KERN_SPINMAX)
		return kern_einval("workqueue_setspin", "\"%s\": %u us, more "
		    "than %d", wq->wq_name, usec, KERN_SPINMAX);
	/* WORKQUEUE_SPIN=0 forbids all queues to spin. */
	atomic_store_relaxed(&wq->wq_spin,
	    kern_spin == 0 ? 0 : (int64_t)usec * 1000);
	return 0;
}

/*
 * Handle a fork(2) that a callback has called.  The child has no workers, so
 * make it panic when the callback returns.  Set q_waitpos to 0 for this: then
 * workqueue_done() calls workqueue_notify(), which panics.
 */
void
workqueue_fork(struct lwp *l)
{
	struct workqueue_outer *wo;

	if (l != NULL && l->l_wqq != NULL) {
		atomic_store_relaxed(&l->l_wqq->q_waitpos, (uint64_t)0);
		for (wo = l->l_wqouter; wo != NULL; wo = wo->wo_next)
			atomic_store_relaxed(&wo->wo_queue->q_waitpos,
			    (uint64_t)0);
	}
	wqspin_fork();
}
