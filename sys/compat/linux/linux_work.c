/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Works of Linux's work queues: running them, queueing them at once or later,
 * taking them back, waiting for them.
 */

#include <string.h>

#include "linux_var.h"

/*
 * How many items run whose address hashes here, of queues with several pools.
 * That there are some more than are meant does no harm.  (a)
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
 * In a forked child nothing runs.
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
	 * Acquire: what was done before a claim that was refused is seen.
	 * Release: whoever claims it from now on sees that it runs.
	 */
	lwq_settle(&ws->__ws_item);
	if (ws->__ws_item.__i_kind == _LWQ_OLD) {
		old = ws->__ws_func.__f_old;
		data = ws->__ws_data;
		if (old == NULL)
			wqk_panic("workqueue \"%s\": work %p has no function",
			    lq->lq_wq->wq_name, (void *)ws);
		(*old)(data);
	} else {
		new = ws->__ws_func.__f_new;
		if (new == NULL)
			wqk_panic("workqueue \"%s\": work %p has no function",
			    lq->lq_wq->wq_name, (void *)ws);
		(*new)(ws);
	}
	/* ws may be gone.  Release: the next run, elsewhere, is after us. */
	if (slot != NULL)
		(void)atomic_fetch_add_acq_rel(slot, -1u);
}

/*
 * The queue whose worker the caller is, and its item, or NULL.
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
 * Queueing.
 */

static inline void
lwq_check_cpu(int cpu, const struct workqueue_struct *wq)
{

	if (__predict_false(cpu < 0 || cpu >= wq->wq_nqueues))
		wqk_panic("queue_work_on: \"%s\": no CPU %d", wq->wq_name,
		    cpu);
}

/*
 * The pool of a CPU; but if the item may be running in another of this queue,
 * that.
 */
static struct lwq_queue *
lwq_pick(int cpu, struct workqueue_struct *wq, struct __lwq_item *it)
{
	struct lwq_queue *last, *lq;

	if (cpu == WORK_CPU_UNBOUND)
		lq = &wq->wq_queues[wqk_curcpu()->ci_index];
	else {
		lwq_check_cpu(cpu, wq);
		lq = &wq->wq_queues[cpu];
	}
	last = atomic_load_relaxed(&it->__i_queue);
	/* Acquire: if that run has ended, the next is after it. */
	if (__predict_false(last != lq && last != NULL && last->lq_wq == wq &&
	    atomic_load_acquire(lwq_running_slot(it)) != 0))
		lq = last;
	return lq;
}

static __kern_noinline bool
lwq_refused(struct workqueue_struct *wq, struct __lwq_item *it,
    const char *what)
{
	int state;

	state = atomic_load_relaxed(&wq->wq_state);
	/* Its own works may, until the last of them has run. */
	if ((state & LWQ_DEAD) == 0 && lwq_self(NULL) == wq)
		return false;
	lwq_settle(it);
	wqk_printf_tolog("%s %p: workqueue \"%s\" is %s; it is not run\n",
	    what, (void *)it, wq->wq_name, (state & LWQ_DEAD) != 0 ?
	    "destroyed" : "being drained");
	return true;
}

/*
 * The owner of an item puts it into a queue, if that may be.
 */
__kern_noinline bool
lwq_insert(int cpu, struct workqueue_struct *wq, struct __lwq_item *it,
    const char *what)
{
	struct lwq_queue *lq;

	if (__predict_false(atomic_load_relaxed(&wq->wq_state) != 0) &&
	    lwq_refused(wq, it, what))
		return false;
	lq = wq->wq_nqueues == 1 ? &wq->wq_queues[0] : lwq_pick(cpu, wq, it);
	lwq_enqueue(lq, it);
	return true;
}

/*
 * The common case is here, the rest apart, so that no register is saved: what
 * a function stores on its stack the next locked operation waits for.  And
 * what is read after the claim waits for that, so it is read before.
 */
static inline bool
lwq_queue(int cpu, struct workqueue_struct *wq, struct __lwq_item *it)
{

	if (__predict_false(atomic_load_relaxed(&wq->wq_state) != 0 ||
	    wq->wq_nqueues != 1))
		return lwq_claim(it) && lwq_insert(cpu, wq, it, "work");
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
 * The owner queues it at once, or later.
 */
static bool
lwq_later(int cpu, struct workqueue_struct *wq, struct work_struct *ws,
    unsigned long delay)
{

	if (delay == 0)
		return lwq_insert(cpu, wq, &ws->__ws_item, "work");
	/* That of who submits it, not of who ends the delay. */
	if (cpu == WORK_CPU_UNBOUND)
		cpu = (int)wqk_curcpu()->ci_index;
	else if (wq->wq_nqueues != 1)
		lwq_check_cpu(cpu, wq);
	if (atomic_load_relaxed(&wq->wq_state) != 0 &&
	    lwq_refused(wq, &ws->__ws_item, "delayed work"))
		return false;
	lwq_arm(&ws->__ws_item, &ws->__ws_timer, wq, NULL, cpu, delay);
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
	struct __lwq_item *it;
	bool was;

	it = &ws->__ws_item;
	for (;;) {
		if ((was = lwq_grab(it, true)) || lwq_claim(it))
			break;
		if ((atomic_load_relaxed(&it->__i_state) & LWQ_DISABLEMASK) !=
		    0)
			return false;
	}
	(void)lwq_later(cpu, wq, ws, delay);
	return was;
}

/*
 * Items.
 */

__lwq_public void
lwq_init_work(struct work_struct *ws, work_func_t func)
{

	lwq_item_init(&ws->__ws_item, _LWQ_NEW);
	ws->__ws_func.__f_new = func;
	ws->__ws_data = NULL;
	ws->__ws_timer.__t_state = LWQ_T_NONE;
}

__lwq_public void
lwq_init_work_old(struct work_struct *ws, void (*func)(void *), void *data)
{

	lwq_item_init(&ws->__ws_item, _LWQ_OLD);
	ws->__ws_func.__f_old = func;
	ws->__ws_data = data;
	ws->__ws_timer.__t_state = LWQ_T_NONE;
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

__lwq_public bool
lwq_flush_delayed(struct work_struct *ws)
{
	struct workqueue_struct *wq;
	struct __lwq_item *it;
	unsigned int n;
	int cpu, stopped;
	bool held, parents;

	it = &ws->__ws_item;
	for (n = 0; (stopped = lwq_stop(it, 0, false)) < 0;)
		wqk_relax(&n);
	if (stopped > 0) {
		/* It is ours now, and nobody arms it anew. */
		wq = ws->__ws_timer.__t_wq;
		cpu = ws->__ws_timer.__t_cpu;
		held = lwq_hold_wq(wq);
		parents = held ? !wqpool_isours(wq->wq_queues[0].lq_pool) :
		    wq->wq_parents;
		/* A queue of the parent's is not used again here either way. */
		lwq_count_timer(&ws->__ws_timer, -1);
		if (!held || parents) {
			if (held)
				lwq_unhold_wq(wq);
			lwq_settle(it);
			lwq_say_gone(it, parents ?
			    "workqueue belongs to the parent of this process" :
			    "workqueue is destroyed");
			return false;
		}
		(void)lwq_insert(cpu, wq, it, "delayed work");
		lwq_unhold_wq(wq);
	}
	return lwq_wait(it) || stopped > 0;
}

/* That of 2003, of a plain work_struct: the timer alone. */
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
	unsigned int s;

	s = atomic_load_relaxed(&ws->__ws_item.__i_state);
	do {
		if ((s & LWQ_DISABLEMASK) == 0) {
			wqk_printf_tolog("enable_work: work %p is not "
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
		lwq_unhold(lq);
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
