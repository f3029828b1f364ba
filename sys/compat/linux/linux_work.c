/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Work items: run them, enqueue them at once or later, cancel them, wait for
 * them.
 */

#include <string.h>

#include <host/host_probe.h>

#include "linux_queue.h"

/*
 * (a) For workqueues with several pools: the number of running items, by a hash
 * of the item's address.  If two items share a slot, lwq_follow() sometimes
 * keeps an item on its old queue needlessly.
 */
#define	LWQ_NRUNNING	4096
static unsigned int	lwq_running[LWQ_NRUNNING];

static unsigned int *
lwq_running_slot(const struct __lwq_item *it)
{
	uintptr_t a;

	a = (uintptr_t)it >> 4;
	return &lwq_running[(a ^ a >> 12) % LWQ_NRUNNING];
}

/*
 * Reset the numbers in a forked child, where no item runs.
 */
void
lwq_work_fork(void)
{

	memset(lwq_running, 0, sizeof(lwq_running));
}

/*
 * Workers.
 */

void
lwq_run(struct work *wk, void *arg)
{
	struct work_struct *ws;
	struct lwq_queue *lq;
	unsigned int *slot;
	void (*old)(void *);
	work_func_t new;
	void *data;

	lq = arg;
	ws = (struct work_struct *)(void *)wk;
	slot = NULL;
	if (lq->lq_wq->wq_nqueues > 1) {
		slot = lwq_running_slot(&ws->__ws_item);
		(void)atomic_fetch_add_relaxed(slot, 1u);
	}
	/*
	 * Acquire: if a thread tried to enqueue the item and found it pending,
	 * this run observes what that thread did before.  Release: a thread
	 * that enqueues the item from now on observes that the item runs
	 * (lwq_follow()).
	 */
	lwq_settle(&ws->__ws_item);
	if (ws->__ws_item.__i_kind == _LWQ_OLD) {
		old = ws->__ws_func.__f_old;
		data = ws->__ws_data;
		if (old == NULL)
			wqk_panic("workqueue \"%s\": work item %p has no "
			    "function",
			    lq->lq_wq->wq_name, (void *)ws);
		HOST_PROBE2(workqueue, workqueue_execute_start, ws, old);
		(*old)(data);
		HOST_PROBE2(workqueue, workqueue_execute_end, ws, old);
	} else {
		new = ws->__ws_func.__f_new;
		if (new == NULL)
			wqk_panic("workqueue \"%s\": work item %p has no "
			    "function",
			    lq->lq_wq->wq_name, (void *)ws);
		HOST_PROBE2(workqueue, workqueue_execute_start, ws, new);
		(*new)(ws);
		HOST_PROBE2(workqueue, workqueue_execute_end, ws, new);
	}
	/*
	 * The callback may have freed ws.  Release: the item's next run, which
	 * may be in another pool, comes after this run.
	 */
	if (slot != NULL)
		(void)atomic_fetch_add_acq_rel(slot, -1u);
}

/*
 * If the caller is a worker, return its workqueue and store its item.
 * Otherwise return NULL.
 */
struct workqueue_struct *
lwq_self(struct work **wkp)
{
	struct wqpool *p;

	p = wqpool_current(wkp);
	if (p == NULL || p->p_func != lwq_run)
		return NULL;
	return ((struct lwq_queue *)p->p_arg)->lq_wq;
}

/*
 * Enqueueing.
 */

/*
 * Return the queue of a CPU.  WORK_CPU_UNBOUND is the caller's CPU.
 */
static inline struct lwq_queue *
lwq_on_cpu(int cpu, struct workqueue_struct *wq)
{

	if (wq->wq_nqueues == 1)
		return &wq->wq_queues[0];
	if (cpu == WORK_CPU_UNBOUND)
		return &wq->wq_queues[wqk_curcpu()->ci_index];
	if (__predict_false(cpu < 0 || cpu >= wq->wq_nqueues))
		wqk_panic("queue_work_on: \"%s\": no CPU %d", wq->wq_name,
		    cpu);
	return &wq->wq_queues[cpu];
}

/*
 * If the item may be running in another queue of the same workqueue, return
 * that queue.  Otherwise return lq.
 */
static inline struct lwq_queue *
lwq_follow(struct lwq_queue *lq, struct __lwq_item *it)
{
	struct lwq_queue *last;

	last = atomic_load_relaxed(&it->__i_queue);
	/* Acquire: if the last run has ended, the next one follows it. */
	if (__predict_false(last != lq && last != NULL &&
	    last->lq_wq == lq->lq_wq &&
	    atomic_load_acquire(lwq_running_slot(it)) != 0))
		return last;
	return lq;
}

static __kern_noinline bool
lwq_refused(struct workqueue_struct *wq, struct __lwq_item *it,
    const char *what)
{
	int state;

	state = atomic_load_relaxed(&wq->wq_state);
	/* While a workqueue is drained, its own items may enqueue more. */
	if ((state & LWQ_DEAD) == 0 && lwq_self(NULL) == wq)
		return false;
	lwq_settle(it);
	wqk_printf_tolog("%s %p: workqueue \"%s\" is %s; it is not run\n",
	    what, (void *)it, wq->wq_name, (state & LWQ_DEAD) != 0 ?
	    "destroyed" : "being drained");
	return true;
}

/*
 * Enqueue an item that the caller owns, unless the workqueue refuses it.
 */
static __kern_noinline bool
lwq_insert(struct lwq_queue *lq, struct __lwq_item *it, const char *what)
{
	struct workqueue_struct *wq;

	wq = lq->lq_wq;
	if (__predict_false(atomic_load_relaxed(&wq->wq_state) != 0) &&
	    lwq_refused(wq, it, what))
		return false;
	lwq_enqueue(wq->wq_nqueues == 1 ? lq : lwq_follow(lq, it), it);
	return true;
}

static bool
lwq_wq_fire(struct lwq_queue *lq, struct __lwq_item *it)
{

	(void)lwq_insert(lq, it, "delayed work item");
	return true;
}

const struct lwq_queue_ops lwq_wq_ops = {
	.qo_name = "workqueue",
	.qo_hold = lwq_wq_hold,
	.qo_unhold = lwq_wq_unhold,
	.qo_fire = lwq_wq_fire
};

/*
 * Enqueue an item.  Only the common case is inline, so that the compiler need
 * not save registers.  The claim is a locked instruction, which would wait for
 * the stores that save registers.  wq_state and wq_nqueues are read before the
 * claim, because a load after the claim would wait for the claim.
 */
static inline bool
lwq_queue(int cpu, struct workqueue_struct *wq, struct __lwq_item *it)
{

	if (__predict_false(atomic_load_relaxed(&wq->wq_state) != 0 ||
	    wq->wq_nqueues != 1))
		return lwq_claim(it) &&
		    lwq_insert(lwq_on_cpu(cpu, wq), it, "work item");
	if (!lwq_claim(it))
		return false;
	lwq_enqueue(&wq->wq_queues[0], it);
	return true;
}

__lwq_public bool
queue_work_on(int cpu, struct workqueue_struct *wq, struct work_struct *ws)
{

	return lwq_queue(cpu, wq, &ws->__ws_item);
}

__lwq_public bool
lwq_queue_work(struct workqueue_struct *wq, struct work_struct *ws)
{

	return lwq_queue(WORK_CPU_UNBOUND, wq, &ws->__ws_item);
}

/*
 * Enqueue an item that the caller owns, at once or later, on the queue of a
 * CPU.  WORK_CPU_UNBOUND is the CPU that the caller has now.
 */
static bool
lwq_later(int cpu, struct workqueue_struct *wq, struct work_struct *ws,
    unsigned long delay)
{
	struct lwq_queue *lq;

	lq = lwq_on_cpu(cpu, wq);
	if (delay == 0)
		return lwq_insert(lq, &ws->__ws_item, "work item");
	if (atomic_load_relaxed(&wq->wq_state) != 0 &&
	    lwq_refused(wq, &ws->__ws_item, "delayed work item"))
		return false;
	lwq_arm(&ws->__ws_item, &ws->__ws_timer, lq, delay);
	return true;
}

__lwq_public bool
lwq_queue_delayed(int cpu, struct workqueue_struct *wq, struct work_struct *ws,
    unsigned long delay)
{

	return lwq_claim(&ws->__ws_item) && lwq_later(cpu, wq, ws, delay);
}

__lwq_public bool
lwq_mod_delayed(int cpu, struct workqueue_struct *wq, struct work_struct *ws,
    unsigned long delay)
{
	bool was;

	if (lwq_seize(&ws->__ws_item, &was))
		(void)lwq_later(cpu, wq, ws, delay);
	return was;
}

/*
 * Work items.
 */

/*
 * Panic if a work item that is about to be initialised is pending.
 */
static __kern_noinline void
lwq_work_check(struct work_struct *ws)
{
	struct workqueue_struct *wq;
	struct lwq_queue *lq;
	bool pending, running;

	pending = false;
	wq = NULL;
	if ((atomic_load_relaxed(&ws->__ws_item.__i_state) & LWQ_TIMER) != 0) {
		/* The item is pending even if the callout has been called. */
		pending = true;
		wq = ws->__ws_timer.__t_queue->lq_wq;
	} else if ((lq = lwq_hold(&ws->__ws_item)) != NULL) {
		wqpool_busy(lq->lq_pool, lwq_work(&ws->__ws_item), &pending,
		    &running);
		wq = lq->lq_wq;
		lwq_queue_unhold(lq);
	}
	if (pending)
		wqk_panic("INIT_WORK: work item %p is still pending on \"%s\"",
		    (void *)ws, wq->wq_name);
}

static void
lwq_work_init(struct work_struct *ws, int kind)
{

	if (lwq_item_left(&ws->__ws_item))
		lwq_work_check(ws);
	lwq_item_init(&ws->__ws_item, kind);
	ws->__ws_timer.__t_state = LWQ_T_NONE;
}

__lwq_public void
lwq_init_work(struct work_struct *ws, work_func_t func)
{

	lwq_work_init(ws, _LWQ_NEW);
	ws->__ws_func.__f_new = func;
	ws->__ws_data = NULL;
}

__lwq_public void
lwq_init_work_old(struct work_struct *ws, void (*func)(void *), void *data)
{

	lwq_work_init(ws, _LWQ_OLD);
	ws->__ws_func.__f_old = func;
	ws->__ws_data = data;
}

__lwq_public bool
work_pending(const struct work_struct *ws)
{

	return (atomic_load_acquire(&ws->__ws_item.__i_state) &
	    LWQ_PENDING) != 0;
}

__lwq_public bool
flush_work(struct work_struct *ws)
{

	return lwq_wait(&ws->__ws_item);
}

/*
 * Enqueue an item whose timer the caller has stopped.  Return false if its
 * workqueue refuses it.
 */
static bool
lwq_hasten(struct work_struct *ws)
{
	struct lwq_queue *lq;
	bool held, ours;

	lq = ws->__ws_timer.__t_queue;
	held = lwq_queue_hold(lq);
	ours = held ? wqpool_isours(lq->lq_pool) :
	    lq->lq_wq->wq_life != LWQ_PARENTS;
	/*
	 * lq may be a queue of the parent.  Such a queue is never freed or
	 * reused in this process, so it can be accessed.
	 */
	lwq_queue_countdelay(lq, -1);
	if (held && ours)
		(void)lwq_insert(lq, &ws->__ws_item, "delayed work item");
	else {
		lwq_settle(&ws->__ws_item);
		lwq_say_gone(&ws->__ws_item, "workqueue", ours ?
		    "is destroyed" : "belongs to the parent of this process");
	}
	if (held)
		lwq_queue_unhold(lq);
	return held && ours;
}

__lwq_public bool
lwq_flush_delayed(struct work_struct *ws)
{
	unsigned int n;
	int stopped;

	for (n = 0; (stopped = lwq_stop(&ws->__ws_item, 0, false)) < 0;)
		wqk_relax(&n);
	if (stopped > 0 && !lwq_hasten(ws))
		return false;
	return lwq_wait(&ws->__ws_item) || stopped > 0;
}

/*
 * Stop the timer of a plain work_struct.  This is cancel_delayed_work() of
 * 2003.
 */
__lwq_public bool
lwq_stop_timer(struct work_struct *ws)
{

	return lwq_stop(&ws->__ws_item, LWQ_PENDING, true) > 0;
}

__lwq_public bool
cancel_work(struct work_struct *ws)
{

	return lwq_grab(&ws->__ws_item, false);
}

__lwq_public bool
cancel_work_sync(struct work_struct *ws)
{

	return lwq_cancel_sync(&ws->__ws_item, false);
}

__lwq_public bool
disable_work(struct work_struct *ws)
{

	(void)atomic_fetch_add_acq_rel(&ws->__ws_item.__i_state, LWQ_DISABLED);
	return cancel_work(ws);
}

__lwq_public bool
disable_work_sync(struct work_struct *ws)
{

	return lwq_cancel_sync(&ws->__ws_item, true);
}

__lwq_public bool
enable_work(struct work_struct *ws)
{
	uint64_t s;

	s = atomic_load_relaxed(&ws->__ws_item.__i_state);
	do {
		if ((s & LWQ_DISABLEMASK) == 0) {
			wqk_printf_tolog("enable_work: work item %p is not "
			    "disabled\n", (void *)ws);
			return true;
		}
	} while (!atomic_cas_weak_acq_rel(&ws->__ws_item.__i_state, &s,
	    s - LWQ_DISABLED));
	return ((s - LWQ_DISABLED) & LWQ_DISABLEMASK) == 0;
}

__lwq_public unsigned int
work_busy(struct work_struct *ws)
{
	struct lwq_queue *lq;
	bool pending, running;

	pending = running = false;
	if ((lq = lwq_hold(&ws->__ws_item)) != NULL) {
		wqpool_busy(lq->lq_pool, lwq_work(&ws->__ws_item), &pending,
		    &running);
		lwq_queue_unhold(lq);
	}
	return (work_pending(ws) ? WORK_BUSY_PENDING : 0u) |
	    (running ? WORK_BUSY_RUNNING : 0u);
}

__lwq_public struct work_struct *
current_work(void)
{
	struct work *wk;

	return lwq_self(&wk) == NULL ? NULL : (struct work_struct *)(void *)wk;
}
