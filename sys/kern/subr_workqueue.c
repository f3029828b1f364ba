/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue(9).
 *
 * Read it in the order of an item's way: workqueue_enqueue(), then
 * workqueue_worker() with workqueue_take(), workqueue_run() and what it does
 * when there is nothing to run; then workqueue_create() and
 * workqueue_destroy().  workqueue_wait() is in subr_workqueue_wait.c.
 *
 * The rules that everything rests on:
 *
 * Last touch.  When its compare-and-swap has put an item in, a producer
 * touches the queue no more, for the item may run, and its function destroy
 * the queue, before the producer's next instruction.  If the producer found
 * that the runner sleeps it wakes it through what it found, the runner's
 * address, and runners are type-stable.
 *
 * No lost wake-up.  The worker announces its sleep in the word that producers
 * swap, so that there is one order of announcements and items: either the
 * worker's swap fails since an item is there, or one producer finds the
 * announcement, and wakes.
 *
 * Exactness.  Works are found by their address on the ordered side under
 * q_lock: in q_batch, which is memory of ours, or on the list, whose works
 * are pending and so may not be freed.
 */

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <host/host_probe.h>

#include <sys/workqueue_ext.h>

#include "subr_workqueue.h"

#define	WQ_FLAGS	(WQ_MPSAFE | WQ_PERCPU | WQ_FPU)

_Static_assert(sizeof(struct work) == sizeof(void *),
    "struct work is one pointer");

/* All the workqueues of the process, for fork. */
static struct workqueue	*workqueue_list;
static struct kspin	workqueue_listlock;

static void
workqueue_forked(struct runner *r, struct workqueue_queue *q)
{

	(void)r;
	panic("workqueue_enqueue: \"%s\" belongs to the parent of this process",
	    q->q_wq->wq_name);
}

/* Stands in a forked child for the workers that are not there. */
static struct runner	workqueue_forkrunner = { workqueue_forked };

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

static void
workqueue_check_enqueue(struct workqueue *wq, struct work *wk)
{
	const struct workqueue *other;
	const struct lwp *l;

	if (!wqcheck_alive(wq))
		panic("workqueue_enqueue: workqueue %p is destroyed",
		    (void *)wq);
	if (wq->wq_forkgen != kern_forkgen)
		return;
	if ((l = host_self()) != NULL && l->l_ipl > wq->wq_ipl)
		panic("workqueue_enqueue: \"%s\" has IPL %d, called at IPL "
		    "%d%s", wq->wq_name, wq->wq_ipl, l->l_ipl,
		    lockdebug_made(wq));
	if ((other = wqcheck_enqueue(wk, wq)) != NULL)
		panic("workqueue_enqueue: work %p enqueued on \"%s\"%s is "
		    "already pending on \"%s\"%s", (void *)wk, wq->wq_name,
		    lockdebug_made(wq), other->wq_name,
		    lockdebug_made(other));
}

/*
 * Safe for any number of producers, and for a signal handler that interrupts
 * any of them or the worker.
 */
static inline void
workqueue_push(struct workqueue_queue *q, struct work *wk)
{
	struct runner *r;
	uintptr_t old;

	old = atomic_load_relaxed(&q->q_inbox);
	do {
		wk->wk_dummy = (void *)old;
		/*
		 * Release: the item's contents, and its word, go with it; pairs
		 * with the acquire in workqueue_take().  Acquire: the runner
		 * found there was set up before it announced its sleep.
		 */
	} while (!atomic_cas_weak_acq_rel(&q->q_inbox, &old, (uintptr_t)wk));
	if (__predict_false((old & WQ_ASLEEP) != 0)) {
		r = (struct runner *)(old & ~WQ_ASLEEP);
		(*r->r_wakeup)(r, q);
	}
}

/*
 * The checking mode, the caller's CPU, and what is not allowed.
 */
static __kern_hot __kern_noinline void
workqueue_enqueue_slow(struct workqueue *wq, struct work *wk,
    struct cpu_info *ci)
{

	if (KERN_CHECKING())
		workqueue_check_enqueue(wq, wk);
	if ((wq->wq_flags & WQ_PERCPU) == 0) {
		if (ci != NULL)
			panic("workqueue_enqueue: \"%s\" is not WQ_PERCPU but "
			    "a CPU was given", wq->wq_name);
		workqueue_push(&wq->wq_queues[0], wk);
		return;
	}
	if (ci == NULL)
		ci = curcpu();
	else if (!cpu_among(ci, wq->wq_nqueues))
		panic("workqueue_enqueue: \"%s\": no such CPU", wq->wq_name);
	workqueue_push(&wq->wq_queues[ci->ci_index], wk);
}

__kern_public __kern_hot void
workqueue_enqueue(struct workqueue *wq, struct work *wk, struct cpu_info *ci)
{
	uintptr_t off;

	HOST_PROBE3("sdt", "kernel__workqueue__enqueue", wq, wk, ci);
	/* The common cases make no call, and so need no stack frame. */
	if (wq->wq_plain && __predict_true(ci == NULL)) {
		workqueue_push(&wq->wq_queues[0], wk);
		return;
	}
	off = (uintptr_t)ci - (uintptr_t)cpu_infos;
	if (off < wq->wq_cpuspan && off % sizeof(*ci) == 0)
		workqueue_push(&wq->wq_queues[off / sizeof(*ci)], wk);
	else
		workqueue_enqueue_slow(wq, wk, ci);
}

/*
 * The worker.
 */

/*
 * Put the works of an inbox, newest first, to the end of the ordered list.
 */
void
workqueue_order(struct workqueue_queue *q, uintptr_t w)
{
	struct work *wk, *first, **lastp;

	if (workqueue_end(w))
		return;
	/* The newest is met first and ends the list. */
	lastp = (struct work **)&((struct work *)w)->wk_dummy;
	first = NULL;
	do {
		wk = (struct work *)w;
		w = (uintptr_t)wk->wk_dummy;
		wk->wk_dummy = first;
		first = wk;
	} while (!workqueue_end(w));
	atomic_store_relaxed(q->q_lastp, first);
	q->q_lastp = lastp;
}

/*
 * Take all that is in the inbox.
 */
uintptr_t
workqueue_empty_inbox(struct workqueue_queue *q)
{

	/* From a work to anything else it changes by us only, under q_lock. */
	if (workqueue_end(atomic_load_relaxed(&q->q_inbox)))
		return 0;
	/* Acquire: pairs with the release of every producer. */
	return atomic_swap_acquire(&q->q_inbox, (uintptr_t)0);
}

/*
 * Fill the batch with the oldest works there are, and return how many.
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
	if (q->q_first == NULL && (list = workqueue_empty_inbox(q)) != 0) {
		/* The newest goes to the end; few enough fit in at once. */
		i = WQ_BATCH;
		for (w = list; !workqueue_end(w) && i > 0;
		    w = (uintptr_t)wk->wk_dummy) {
			wk = (struct work *)w;
			batch[--i] = wk;
		}
		if (workqueue_end(w)) {
			q->q_start = i;
			q->q_end = WQ_BATCH;
		} else
			workqueue_order(q, list);
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
	return i;
}

static void
workqueue_check_return(struct workqueue *wq, struct lwp *l, int biglocks)
{

	const void *f;

	f = (const void *)(uintptr_t)wq->wq_func;
	lockdebug_ran("workqueue", wq, f, INT_MAX);
	if (l->l_mtxcount != 0)
		panic("%s: function %p returned holding a spin mutex",
		    lockdebug_text(wq, "workqueue"), f);
	if (l->l_ipl != IPL_NONE)
		panic("%s: function %p returned at IPL %d",
		    lockdebug_text(wq, "workqueue"), f, l->l_ipl);
	if (l->l_nopreempt != 0)
		panic("%s: function %p returned with preemption off",
		    lockdebug_text(wq, "workqueue"), f);
	if (l->l_blcnt != biglocks)
		panic("%s: function %p returned holding %d kernel locks",
		    lockdebug_text(wq, "workqueue"), f, l->l_blcnt);
}

/*
 * One more is done, which somebody may be waiting for.
 *
 * We store q_done and then load q_waitpos, a waiter does it the other way
 * round, and not both may miss the other: by the asymmetric fence, or by
 * sequential consistency.  Release: what the work did is seen by who sees it
 * done.
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

/*
 * A work of the batch was cancelled, and we come to its place.
 */
static __kern_noinline void
workqueue_skip(struct workqueue_queue *q, struct work **wkp, uint64_t pos)
{
	struct workqueue_canceller *wc;
	uintptr_t wk;

	mutex_enter(&q->q_lock);
	wk = (uintptr_t)atomic_load_relaxed(wkp) & ~WQ_CANCELLED;
	for (wc = q->q_cancellers; wc != NULL; wc = wc->wc_next)
		if (wc->wc_pos == pos) {
			wc->wc_skipped = true;
			if (KERN_CHECKING())
				wqcheck_run((void *)wk, q->q_wq);
		}
	atomic_store_relaxed(wkp, (struct work *)WQ_CANCELLED);
	/* Release: after what it tells about. */
	atomic_store_release(&q->q_begun, pos);
	mutex_exit(&q->q_lock);
}

/*
 * Run the batch.  It is compiled twice: plain, for a queue without the kernel
 * lock, in a process without checks, on a host with the asymmetric fence,
 * where none of these is looked at for each work; and for all others.
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
		 * Who cancels a work of the batch marks its place and then
		 * looks at q_done, which we stored before we look here: so
		 * if we were not this far the work is cancelled, and if we
		 * were, q_begun tells.  See workqueue_cancel().
		 */
		wk = asymfence ? atomic_load_relaxed(wkp) :
		    atomic_load_seq_cst(wkp);
		if (__predict_false(((uintptr_t)wk & WQ_CANCELLED) != 0)) {
			workqueue_skip(q, wkp, ++done);
			workqueue_done(q, done, asymfence);
			continue;
		}
		atomic_store_relaxed(&q->q_begun, ++done);
		if (!plain && KERN_CHECKING()) {
			wqcheck_run(wk, wq);
			(void)lockdebug_run(wq, q, (uintptr_t)func);
		}
		l->l_curwork = wk;
		HOST_PROBE4("sdt", "kernel__workqueue__entry", wq, wk, func,
		    arg);
		(*func)(wk, arg);
		/* From here on wk is an address, not a work. */
		HOST_PROBE4("sdt", "kernel__workqueue__return", wq, wk, func,
		    arg);
		if (!plain && KERN_CHECKING())
			workqueue_check_return(wq, l, held);
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
 * Waiting for work.
 *
 * A worker that snatches each work as it appears makes the inbox's cache line
 * travel for each; after a small batch it lets some more come together.  And
 * a sleep costs some ten times what a hand-over to a spinning worker does, so
 * it spins before it sleeps, if the last works came soon enough for that to
 * pay, on another CPU than the producer's, and not on all CPUs at once.
 */
#define	WQ_GATHER	1000		/* ns to let works come together */
#define	WQ_SOON		200		/* ns: they come in a stream */

int	workqueue_spinners;		/* (a) workers that spin */

/*
 * For the worker, which has taken all there was.  The list is looked at too,
 * for who waits or cancels moves works there from the inbox.  Relaxed: it
 * takes them under the lock.
 */
static inline bool
workqueue_nothing(struct workqueue_queue *q)
{

	return workqueue_end(atomic_load_relaxed(&q->q_inbox)) &&
	    atomic_load_relaxed(&q->q_first) == NULL;
}

void
workqueue_gather(void)
{
	unsigned n;

	for (n = cpu_pauses * WQ_GATHER / 1000; n > 0; n--)
		host_pause();
}

/*
 * Spin for a while, if that pays.  True if something came.
 */
static __kern_hot bool
workqueue_spin(struct workqueue_queue *q, struct lwp *l, int64_t start,
    int64_t spin)
{
	unsigned n;
	bool found;

	if (q->q_gap >= spin || atomic_load_relaxed(&l->l_wakercpu) >= 0)
		return false;
	/* A count, and no data behind it: relaxed. */
	if (atomic_fetch_add_relaxed(&workqueue_spinners, 1) >= cpu_real - 1) {
		(void)atomic_fetch_add_relaxed(&workqueue_spinners, -1);
		return false;
	}
	found = false;
	for (n = 1;; n++) {
		if (!workqueue_nothing(q)) {
			found = true;
			if (n < cpu_pauses * WQ_SOON / 1000)
				workqueue_gather();
			break;
		}
		host_pause();
		if (n % 32 == 0 && host_monotime() - start >= spin)
			break;
	}
	(void)atomic_fetch_add_relaxed(&workqueue_spinners, -1);
	return found;
}

/*
 * Announce that the runner is going to sleep.  False if there is work.
 */
__kern_hot bool
workqueue_announce(struct workqueue_queue *q, struct runner *r,
    struct lwp *l)
{
	uintptr_t old;
	bool announced;

	kern_mutex_enter(&q->q_lock, l);
	old = 0;
	/*
	 * Release: producers find a runner that is set up.  Sequentially
	 * consistent, with the load below: see workqueue_quiesce().
	 */
	announced = q->q_first == NULL && atomic_cas_seq_cst(&q->q_inbox, &old,
	    (uintptr_t)r | WQ_ASLEEP);
	kern_mutex_exit(&q->q_lock, l);
	if (announced && __predict_false(
	    atomic_load_seq_cst(&q->q_wq->wq_draining) != 0))
		sleepq_wakeall(q->q_wq, SLEEPQ_DRAIN);
	return announced;
}

/*
 * Sleep until there is something.  False if the worker shall end.
 */
static __kern_hot bool
workqueue_sleep(struct workqueue_queue *q, struct lwp *l)
{
	uintptr_t asleep;
	bool ends;

	asleep = (uintptr_t)&l->l_runner | WQ_ASLEEP;
	if (!workqueue_announce(q, &l->l_runner, l))
		return true;
	for (;;) {
		/*
		 * Acquire, and before the inbox: whoever destroys has enqueued
		 * before, and what was enqueued is seen below.
		 */
		ends = atomic_load_acquire(&q->q_exit);
		/* Acquire: pairs with the release in workqueue_enqueue(). */
		if (atomic_load_acquire(&q->q_inbox) != asleep)
			return true;
		if (ends)
			return false;
		lwp_park(l);
	}
}

/*
 * We have waited for so long.
 */
static inline void
workqueue_waited(struct workqueue_queue *q, int64_t gap, int64_t spin)
{

	if (gap > spin * 4)
		gap = spin * 4;
	if (q->q_gap > spin * 4)
		q->q_gap = spin * 4;
	q->q_gap += (gap - q->q_gap) / 4;
}

/*
 * Wait for work, in one way or the other.  False if the worker shall end.
 *
 * Where works are so rare that one more gap, however short, will not have us
 * spin, nothing is done after a sleep that can be done after the work: then
 * the work's own time counts as gap, and who wakes us does not say where.
 */
static __kern_hot bool
workqueue_idle(struct workqueue_queue *q, struct lwp *l)
{
	int64_t now, spin;
	bool go, rare;

	spin = atomic_load_relaxed(&q->q_wq->wq_spin);
	if (!cpu_spinok || spin == 0) {
		q->q_gap = WQ_GAPMAX;
		return workqueue_sleep(q, l);
	}
	now = host_monotime();
	if (q->q_slept != 0) {
		workqueue_waited(q, now - q->q_slept, spin);
		q->q_slept = 0;
	}
	if (workqueue_spin(q, l, now, spin)) {
		workqueue_waited(q, host_monotime() - now, spin);
		return true;
	}
	rare = q->q_gap >= spin * 3;
	atomic_store_relaxed(&l->l_wakercpu, rare ? LWP_NOWAKER : -1);
	go = workqueue_sleep(q, l);
	if (rare)
		q->q_slept = now;
	else {
		workqueue_waited(q, host_monotime() - now, spin);
		/* Who woke us from our own CPU cannot run while we spin. */
		if (atomic_load_relaxed(&l->l_wakercpu) != host_curcpu())
			atomic_store_relaxed(&l->l_wakercpu, -1);
	}
	return go;
}

static __kern_hot void
workqueue_worker(void *arg)
{
	struct work *batch[WQ_BATCH];
	struct workqueue_queue *q;
	struct lwp *l;
	unsigned n;

	q = arg;
	/* On our stack, which has room for it in a page that is touched. */
	q->q_batch = batch;
	l = curlwp_get();
	l->l_wqq = q;
	for (;;) {
		n = workqueue_take(q, l);
		if (n != 0) {
			workqueue_run(q, l);
			if (n < WQ_BATCH / 2 && cpu_spinok &&
			    !workqueue_nothing(q))
				workqueue_gather();
		} else if (!workqueue_idle(q, l))
			break;
	}
	l->l_wqq = NULL;
}

/*
 * Making and unmaking.
 */

/*
 * Have the first n workers end, and wait until they have.
 */
static void
workqueue_end_workers(struct workqueue *wq, int n)
{
	struct workqueue_queue *q;
	int i;

	for (i = 0; i < n; i++) {
		q = &wq->wq_queues[i];
		/* Release: pairs with the acquire in workqueue_sleep(). */
		atomic_store_release(&q->q_exit, 1);
		lwp_unpark(q->q_lwp);
	}
	for (i = 0; i < n; i++)
		lwp_join(wq->wq_queues[i].q_lwp);
}

static void
workqueue_queue_init(struct workqueue *wq, struct workqueue_queue *q,
    struct cpu_info *ci)
{

	q->q_wq = wq;
	q->q_ci = ci;
	q->q_waitpos = WQ_NOPOS;
	q->q_lastp = &q->q_first;
	q->q_gap = WQ_GAPMAX;
	mutex_init(&q->q_lock, MUTEX_NODEBUG, IPL_NONE);
}

/*
 * A worker's name: the queue's, or as much of it as leaves room for the CPU.
 */
static void
workqueue_worker_name(const struct workqueue *wq,
    const struct workqueue_queue *q, char *buf, size_t size)
{
	char idx[12];
	size_t len;

	if (q->q_ci == NULL) {
		(void)ksnprintf(buf, size, "%s", wq->wq_name);
		return;
	}
	len = ksnprintf(idx, sizeof(idx), "/%u", q->q_ci->ci_index);
	(void)ksnprintf(buf, size, "%.*s%s", (int)(size - 1 - len),
	    wq->wq_name, idx);
}

/*
 * A workqueue with no worker yet, on no list.
 */
int
workqueue_alloc(struct workqueue **wqp, const char *name,
    void (*func)(struct work *, void *), void *arg, pri_t prio, int ipl,
    int flags)
{
	struct workqueue *wq;
	int i, n;

	kern_init();
	if (wqp == NULL || name == NULL || func == NULL ||
	    (flags & ~WQ_FLAGS) != 0 || prio < PRI_NONE || prio >= PRI_COUNT ||
	    ipl < IPL_NONE || ipl > IPL_HIGH)
		return EINVAL;
	if (strlen(name) >= MAXCOMLEN)
		return ENAMETOOLONG;
	n = flags & WQ_PERCPU ? ncpu : 1;
	wq = host_alloc(sizeof(*wq) + (size_t)n * sizeof(wq->wq_queues[0]));
	if (wq == NULL)
		return ENOMEM;
	wq->wq_func = func;
	wq->wq_arg = arg;
	wq->wq_flags = flags;
	wq->wq_ipl = ipl;
	wq->wq_prio = prio;
	wq->wq_spin = kern_spin;
	wq->wq_nqueues = n;
	if (!KERN_CHECKING()) {
		wq->wq_plain = (flags & WQ_PERCPU) == 0;
		wq->wq_runplain = (flags & WQ_MPSAFE) != 0 && host_asymfence;
		wq->wq_cpuspan = flags & WQ_PERCPU ?
		    (size_t)n * sizeof(struct cpu_info) : 0;
	}
	wq->wq_forkgen = kern_forkgen;
	(void)ksnprintf(wq->wq_name, sizeof(wq->wq_name), "%s", name);
	for (i = 0; i < n; i++)
		workqueue_queue_init(wq, &wq->wq_queues[i],
		    flags & WQ_PERCPU ? cpu_lookup((unsigned)i) : NULL);
	*wqp = wq;
	return 0;
}

/*
 * Put it on the lists: it is a workqueue now.
 */
void
workqueue_insert(struct workqueue *wq, const char *func, uintptr_t site)
{

	kspin_enter(&workqueue_listlock);
	wq->wq_next = workqueue_list;
	wq->wq_prevp = &workqueue_list;
	if (wq->wq_next != NULL)
		wq->wq_next->wq_prevp = &wq->wq_next;
	workqueue_list = wq;
	kspin_exit(&workqueue_listlock);
	if (KERN_CHECKING()) {
		wqcheck_create(wq);
		lockdebug_alloc(func, wq, "workqueue", wq->wq_name, site);
	}
}

__kern_public int
workqueue_create(struct workqueue **wqp, const char *name,
    void (*func)(struct work *, void *), void *arg, pri_t prio, int ipl,
    int flags)
{
	struct workqueue *wq;
	struct workqueue_queue *q;
	char wname[MAXCOMLEN];
	int error, i;

	if (KERN_CHECKING())
		wqcheck_sleepable("workqueue_create");
	error = wqp == NULL ? EINVAL :
	    workqueue_alloc(&wq, name, func, arg, prio, ipl, flags);
	if (error != 0)
		return error;
	for (i = 0; i < wq->wq_nqueues; i++) {
		q = &wq->wq_queues[i];
		workqueue_worker_name(wq, q, wname, sizeof(wname));
		error = lwp_create(&q->q_lwp, wname, prio, q->q_ci,
		    workqueue_worker, q);
		if (error != 0) {
			workqueue_end_workers(wq, i);
			host_free(wq);
			return error;
		}
	}
	workqueue_insert(wq, "workqueue_create", LOCKDEBUG_SITE());
	HOST_PROBE7("sdt", "kernel__workqueue__create", wq, name, func, arg,
	    prio, ipl, flags);
	*wqp = wq;
	return 0;
}

/*
 * Are all the queues empty and all the workers asleep, at one moment?
 *
 * The moment is the one between the two rounds.  A queue that is found asleep
 * in the second round, with q_done as in the first, has completed no work
 * between its two looks; had it had one at that moment, pending or running,
 * it would have had to complete it to be asleep.  And at a moment when no
 * work is left none can come, since only works enqueue now.
 */
static bool
workqueue_quiet(struct workqueue *wq)
{
	struct workqueue_queue *q;
	int i;

	/* Acquire, here and below: the order of the looks is the proof. */
	for (i = 0; i < wq->wq_nqueues; i++) {
		q = &wq->wq_queues[i];
		q->q_seen = atomic_load_acquire(&q->q_done);
	}
	for (i = 0; i < wq->wq_nqueues; i++) {
		q = &wq->wq_queues[i];
		if ((atomic_load_seq_cst(&q->q_inbox) & WQ_ASLEEP) == 0 ||
		    atomic_load_acquire(&q->q_done) != q->q_seen)
			return false;
	}
	return true;
}

/*
 * Are all the workers asleep, though maybe not at one moment?  If not, one of
 * them will say so when it is.  It is woken, in case that a producer was
 * stopped before doing so.
 */
static bool
workqueue_asleep(struct workqueue *wq)
{
	struct workqueue_queue *q;
	int i;

	for (i = 0; i < wq->wq_nqueues; i++) {
		q = &wq->wq_queues[i];
		if ((atomic_load_seq_cst(&q->q_inbox) & WQ_ASLEEP) == 0) {
			workqueue_poke(q);
			return false;
		}
	}
	return true;
}

void
workqueue_quiesce(struct workqueue *wq)
{
	struct sleepq *sq;
	struct lwp *l;

	l = curlwp_get();
	/*
	 * We count ourselves and then look at the inboxes; a worker announces
	 * its sleep there and then looks at the count.  Sequentially
	 * consistent: not both miss.
	 */
	(void)atomic_fetch_add_seq_cst(&wq->wq_draining, 1);
	for (;;) {
		sq = sleepq_enter(wq);
		if (workqueue_asleep(wq)) {
			sleepq_exit(sq);
			if (workqueue_quiet(wq))
				break;
			continue;
		}
		sleepq_enqueue(sq, l, wq, SLEEPQ_DRAIN, false);
		sleepq_exit(sq);
		(void)sleepq_block(l, HOST_FOREVER);
	}
	(void)atomic_fetch_add_seq_cst(&wq->wq_draining, -1);
}

void
workqueue_check_call(struct workqueue *wq, const char *func)
{

	if (KERN_CHECKING()) {
		if (!wqcheck_alive(wq))
			panic("%s: workqueue %p is destroyed", func,
			    (void *)wq);
		wqcheck_sleepable_on(func, wq, "workqueue");
	}
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
		lockdebug_wantwork("workqueue_destroy", wq, LOCKDEBUG_SITE());

	HOST_PROBE1("sdt", "kernel__workqueue__destroy", wq);
	wqk_kernel_unlock(0, &biglocks);
	if (wq->wq_forkgen != kern_forkgen) {
		if (wq->wq_queues[0].q_fdrunner != NULL)
			workqueue_polled_destroy(wq);
	} else {
		/* One without a worker is run by us, for the last time. */
		if (wq->wq_queues[0].q_fdrunner != NULL)
			workqueue_polled_last(wq);
		if (KERN_CHECKING())
			lockdebug_wait("workqueue_destroy", wq, NULL, NULL);
		/*
		 * A single worker ends only if it has seen its end before it
		 * finds nothing: see workqueue_sleep().
		 */
		if (wq->wq_nqueues > 1 || wq->wq_queues[0].q_lwp == NULL ||
		    KERN_CHECKING())
			workqueue_quiesce(wq);
		if (KERN_CHECKING())
			lockdebug_waited();
		HOST_PROBE1("sdt", "kernel__workqueue__exit__start", wq);
		if (wq->wq_queues[0].q_fdrunner != NULL)
			workqueue_polled_destroy(wq);
		else
			workqueue_end_workers(wq, wq->wq_nqueues);
		HOST_PROBE1("sdt", "kernel__workqueue__exit__done", wq);
		/* Acquire: pairs with the release in workqueue_wait(). */
		for (n = 0; atomic_load_acquire(&wq->wq_waiting) != 0;)
			host_relax(&n);
	}
	if (KERN_CHECKING())
		lockdebug_free("workqueue_destroy", wq, "workqueue");
	kspin_enter(&workqueue_listlock);
	*wq->wq_prevp = wq->wq_next;
	if (wq->wq_next != NULL)
		wq->wq_next->wq_prevp = wq->wq_prevp;
	kspin_exit(&workqueue_listlock);
	host_free(KERN_CHECKING() ? wqcheck_destroy(wq) : wq);
	wqk_kernel_lock(biglocks);
}

__kern_public void
workqueue_getpri(struct workqueue *wq, pri_t *asked, pri_t *inforce)
{

	workqueue_check_call(wq, "workqueue_getpri");
	if (wq->wq_forkgen != kern_forkgen)
		panic("workqueue_getpri: \"%s\" belongs to the parent of this "
		    "process", wq->wq_name);
	if (asked != NULL)
		*asked = wq->wq_prio;
	if (inforce != NULL)
		*inforce = wq->wq_queues[0].q_lwp == NULL ? PRI_NONE :
		    lwp_inforce(wq->wq_queues[0].q_lwp);
}

/*
 * Around fork.  In the child the workers are not there: whoever enqueues is
 * told so, by the runner that stands for them.
 */
void
workqueue_fork_prepare(void)
{

	kspin_enter(&workqueue_listlock);
	workqueue_polled_fork(1);
}

void
workqueue_fork_parent(void)
{

	workqueue_polled_fork(0);
	kspin_exit(&workqueue_listlock);
}

void
workqueue_fork_child(void)
{
	struct workqueue_queue *q;
	struct workqueue *wq;
	int i;

	for (wq = workqueue_list; wq != NULL; wq = wq->wq_next)
		for (i = 0; i < wq->wq_nqueues; i++) {
			q = &wq->wq_queues[i];
			atomic_store_relaxed(&q->q_inbox,
			    (uintptr_t)&workqueue_forkrunner | WQ_ASLEEP);
			/* A worker that forked is caught as it returns. */
			atomic_store_relaxed(&q->q_waitpos, (uint64_t)0);
		}
	atomic_store_relaxed(&workqueue_spinners, 0);
	workqueue_polled_fork(0);
	kspin_exit(&workqueue_listlock);
}
