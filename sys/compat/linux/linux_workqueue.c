/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Work queues of Linux.  A queue bound to CPUs has a pool for each, one that
 * is not has one; max_active is the most threads that a pool may have.  A
 * pool runs no item on two threads at once; what runs in one pool, and is
 * queued again meanwhile, is queued there.
 */

#include <errno.h>
#include <string.h>

#include "linux_var.h"

#define	LWQ_NAMELEN	32
#define	LWQ_IDLETIME	(INT64_C(30) * 1000000000)
#define	LWQ_NQUARANTINE	16
#define	LWQ_NFLUSH	32		/* pools that are flushed at once */

/* wq_state: a count of those who drain it, and whether it is destroyed. */
#define	LWQ_DRAINING	0x01
#define	LWQ_DEAD	0x10000

/* Nice -5, as workers had in 2003, and nice -20. */
#define	LWQ_PRI_LEGACY	78
#define	LWQ_PRI_HIGH	MAXPRI_KTHREAD

/*
 * Type-stable, as are its queues, of which there are ncpu, used or not.
 * Fields: (a) atomic, (l) lwq_lock, (c) set by lwq_alloc().
 */
struct workqueue_struct {
	int		 wq_state;	/* (a) 0 if all may queue */
	int		 wq_nqueues;	/* (c) */
	bool		 wq_ordered;	/* (c) max_active stays 1 */
	bool		 wq_alive;	/* (l) */
	bool		 wq_parents;	/* a forked child's parent's; stays */
	int		 wq_nholds;	/* (l) */
	struct workqueue_struct *wq_next; /* (l) destroyed ones */
	char		 wq_name[LWQ_NAMELEN];	/* (c) */
	struct lwq_queue wq_queues[];	/* (c) */
};

static kmutex_t		lwq_lock = KMUTEX_INITIALIZER;
static kcondvar_t	lwq_cv = { .cv_wmesg = "lwqhold" };

/* Those that are destroyed, oldest first. */
static struct workqueue_struct *lwq_dead;		/* (l) */
static struct workqueue_struct **lwq_deadlast = &lwq_dead; /* (l) */
static int		lwq_ndead;			/* (l) */

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

const char *
lwq_wq_name(const struct workqueue_struct *wq)
{

	return wq->wq_name;
}

bool
lwq_isparents(const struct lwq_queue *lq)
{

	return lq->lq_wq != NULL && lq->lq_wq->wq_parents;
}

/*
 * Keep a queue from being destroyed, if it is not.
 */
bool
lwq_hold_wq(struct workqueue_struct *wq)
{
	bool alive;

	mutex_enter(&lwq_lock);
	if ((alive = wq->wq_alive))
		wq->wq_nholds++;
	mutex_exit(&lwq_lock);
	return alive;
}

void
lwq_unhold_wq(struct workqueue_struct *wq)
{

	mutex_enter(&lwq_lock);
	if (--wq->wq_nholds == 0 && !wq->wq_alive)
		cv_broadcast(&lwq_cv);
	mutex_exit(&lwq_lock);
}

/*
 * Workers.
 */

static void
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
static struct workqueue_struct *
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
	else if (cpu >= 0 && cpu < wq->wq_nqueues)
		lq = &wq->wq_queues[cpu];
	else
		wqk_panic("queue_work_on: \"%s\": no CPU %d", wq->wq_name,
		    cpu);
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
bool
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

__lwq_public bool
queue_work_on(int cpu, struct workqueue_struct *wq, struct work_struct *ws)
{

	return lwq_claim(&ws->__ws_item) &&
	    lwq_insert(cpu, wq, &ws->__ws_item, "work");
}

__lwq_public bool
lwq_queue_work(struct workqueue_struct *wq, struct work_struct *ws)
{

	return lwq_claim(&ws->__ws_item) &&
	    lwq_insert(WORK_CPU_UNBOUND, wq, &ws->__ws_item, "work");
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
		if ((was = lwq_grab(it, &ws->__ws_timer, true)) ||
		    lwq_claim(it))
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

	it = &ws->__ws_item;
	for (n = 0; (stopped = lwq_stop(it, &ws->__ws_timer, 0)) < 0;)
		wqk_relax(&n);
	if (stopped > 0) {
		/* It is ours now, and nobody arms it anew. */
		wq = ws->__ws_timer.__t_wq;
		cpu = ws->__ws_timer.__t_cpu;
		if (!lwq_hold_wq(wq)) {
			(void)lwq_refused(wq, it, "delayed work");
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

	return lwq_stop(&ws->__ws_item, &ws->__ws_timer, LWQ_PENDING) > 0;
}

__lwq_public bool
cancel_work(struct work_struct *ws)
{

	return lwq_grab(&ws->__ws_item, &ws->__ws_timer, false);
}

__lwq_public bool
cancel_work_sync(struct work_struct *ws)
{

	return lwq_cancel_sync(&ws->__ws_item, &ws->__ws_timer, false);
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

	return lwq_cancel_sync(&ws->__ws_item, &ws->__ws_timer, true);
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

/*
 * Queues.
 */

static struct workqueue_struct *
lwq_get(void)
{
	struct workqueue_struct *wq;

	wq = NULL;
	mutex_enter(&lwq_lock);
	/* The longer it is dead the better are stale uses told. */
	if (lwq_ndead > LWQ_NQUARANTINE) {
		wq = lwq_dead;
		lwq_dead = wq->wq_next;
		lwq_ndead--;
	}
	mutex_exit(&lwq_lock);
	if (wq == NULL && (wq = kmem_zalloc(sizeof(*wq) +
	    (size_t)ncpu * sizeof(wq->wq_queues[0]),
	    KM_NOSLEEP)) != NULL)
		atomic_store_relaxed(&wq->wq_state, LWQ_DEAD);
	return wq;
}

static void
lwq_put(struct workqueue_struct *wq)
{

	mutex_enter(&lwq_lock);
	wq->wq_next = NULL;
	*lwq_deadlast = wq;
	lwq_deadlast = &wq->wq_next;
	lwq_ndead++;
	mutex_exit(&lwq_lock);
}

static void
lwq_end_pools(struct workqueue_struct *wq, int n)
{

	/* Items may name them when the structure is used again. */
	while (n-- > 0) {
		wqpool_destroy(wq->wq_queues[n].lq_pool);
		wq->wq_queues[n].lq_pool = NULL;
	}
}

/*
 * Make a queue by the name that it has got.
 */
static bool
lwq_start(struct workqueue_struct *wq, unsigned int flags, int max)
{
	struct wqpool_attr pa;
	struct lwq_queue *lq;
	char name[MAXCOMLEN], num[MAXCOMLEN];
	int i, len;

	memset(&pa, 0, sizeof(pa));
	pa.pa_name = name;
	pa.pa_func = lwq_run;
	pa.pa_maxthreads = max;
	pa.pa_flags = WQPOOL_SPARE | WQPOOL_EXCLUSIVE | WQPOOL_NESTED;
	pa.pa_idletime = LWQ_IDLETIME;
	pa.pa_prio = (flags & (WQ_HIGHPRI | WQ_BH)) != 0 ? LWQ_PRI_HIGH :
	    (flags & __WQ_LEGACY) != 0 ? LWQ_PRI_LEGACY : PRI_NONE;
	wq->wq_nqueues = (flags & WQ_UNBOUND) != 0 ? 1 : ncpu;
	for (i = 0; i < wq->wq_nqueues; i++) {
		num[0] = '\0';
		if ((flags & WQ_UNBOUND) == 0) {
			pa.pa_ci = wqk_cpu_lookup((unsigned int)i);
			(void)wqk_snprintf(num, sizeof(num), "/%d", i);
		}
		/* The number is what tells them apart. */
		len = (int)(sizeof(name) - 1 - strlen(num));
		(void)wqk_snprintf(name, sizeof(name), "%.*s%s", len,
		    wq->wq_name, num);
		lq = &wq->wq_queues[i];
		lq->lq_wq = wq;
		pa.pa_arg = lq;
		if (wqpool_create(&lq->lq_pool, &pa) != 0) {
			lwq_end_pools(wq, i);
			return false;
		}
	}
	return true;
}

static struct workqueue_struct *
lwq_valloc(const char *fmt, va_list ap, unsigned int flags, int max)
{
	struct workqueue_struct *wq;
	int len;

	if ((wq = lwq_get()) == NULL)
		return NULL;
	len = wqk_vsnprintf(wq->wq_name, sizeof(wq->wq_name), fmt, ap);
	if (len >= (int)sizeof(wq->wq_name))
		wqk_printf_tolog("alloc_workqueue: the name is too long, and "
		    "cut: \"%s\"\n", wq->wq_name);
	if (max == 0)
		max = WQ_DFL_ACTIVE;
	if (max < 1 || max > WQ_MAX_ACTIVE) {
		wqk_printf_tolog("alloc_workqueue: \"%s\": max_active is %d, "
		    "must be from 1 to %d\n", wq->wq_name, max, WQ_MAX_ACTIVE);
		max = max < 1 ? 1 : WQ_MAX_ACTIVE;
	}
	wq->wq_ordered = (flags & (WQ_BH | __WQ_ORDERED)) != 0;
	if (wq->wq_ordered)
		max = 1;
	if (!lwq_start(wq, flags, max)) {
		lwq_put(wq);
		return NULL;
	}
	mutex_enter(&lwq_lock);
	wq->wq_alive = true;
	mutex_exit(&lwq_lock);
	/* Release: with what it is; for those who get it without a lock. */
	atomic_store_release(&wq->wq_state, 0);
	return wq;
}

static struct workqueue_struct *
lwq_alloc(unsigned int flags, int max, const char *fmt, ...)
{
	struct workqueue_struct *wq;
	va_list ap;

	va_start(ap, fmt);
	wq = lwq_valloc(fmt, ap, flags, max);
	va_end(ap);
	return wq;
}

__lwq_public struct workqueue_struct *
alloc_workqueue(const char *fmt, unsigned int flags, int max, ...)
{
	struct workqueue_struct *wq;
	va_list ap;

	va_start(ap, max);
	wq = lwq_valloc(fmt, ap, flags, max);
	va_end(ap);
	return wq;
}

__lwq_public struct workqueue_struct *
alloc_ordered_workqueue(const char *fmt, unsigned int flags, ...)
{
	struct workqueue_struct *wq;
	va_list ap;

	va_start(ap, flags);
	wq = lwq_valloc(fmt, ap, flags | WQ_UNBOUND | __WQ_ORDERED, 1);
	va_end(ap);
	return wq;
}

__lwq_public struct workqueue_struct *
lwq_create(const char *name, int single)
{

	return lwq_alloc(__WQ_LEGACY | (single ?
	    WQ_UNBOUND | __WQ_ORDERED : 0u), 1, "%s", name);
}

__lwq_public void
workqueue_set_max_active(struct workqueue_struct *wq, int max)
{
	int i;

	if (wq->wq_ordered) {
		wqk_printf_tolog("workqueue_set_max_active: \"%s\" is ordered; "
		    "max_active stays 1\n", wq->wq_name);
		return;
	}
	if (max == 0)
		max = WQ_DFL_ACTIVE;
	max = max < 1 ? 1 : max > WQ_MAX_ACTIVE ? WQ_MAX_ACTIVE : max;
	for (i = 0; i < wq->wq_nqueues; i++)
		wqpool_setmax(wq->wq_queues[i].lq_pool, max);
}

/*
 * Wait for the works of up to LWQ_NFLUSH pools, of which all is known before
 * any is waited for.  True if a flush was too deep.
 */
static bool
lwq_flush_some(struct wqpool **pools, int n)
{
	struct wqpool_waiter pw[LWQ_NFLUSH];
	bool wait[LWQ_NFLUSH], deep;
	int i;

	deep = false;
	for (i = 0; i < n; i++) {
		wait[i] = wqpool_flush_begin(pools[i], &pw[i]);
		deep |= pw[i].pw_deep;
	}
	for (i = 0; i < n; i++)
		if (wait[i])
			wqpool_flush_end(pools[i], &pw[i]);
	return deep;
}

static void
lwq_flush(struct workqueue_struct **wqs, int nwqs)
{
	struct wqpool *pools[LWQ_NFLUSH];
	bool deep;
	int i, n, w;

	deep = false;
	n = 0;
	for (w = 0; w < nwqs; w++)
		for (i = 0; i < wqs[w]->wq_nqueues; i++) {
			pools[n++] = wqs[w]->wq_queues[i].lq_pool;
			if (n == LWQ_NFLUSH) {
				deep |= lwq_flush_some(pools, n);
				n = 0;
			}
		}
	deep |= lwq_flush_some(pools, n);
	if (deep)
		wqk_printf_tolog("flush_workqueue: \"%s\": flushed by its own "
		    "works, one inside the other, too deep; this one does not "
		    "wait\n", wqs[0]->wq_name);
}

__lwq_public void
flush_workqueue(struct workqueue_struct *wq)
{

	lwq_flush(&wq, 1);
}

/*
 * Nothing pending, nothing running, in any pool; and how many works have been
 * run, to tell whether two looks saw one moment: see workqueue_quiet().
 */
static bool
lwq_quiet(struct workqueue_struct *wq, uint64_t *donep)
{
	uint64_t done, sum;
	bool quiet;
	int i;

	quiet = true;
	sum = 0;
	for (i = 0; i < wq->wq_nqueues; i++) {
		quiet &= wqpool_quiet(wq->wq_queues[i].lq_pool, &done);
		sum += done;
	}
	*donep = sum;
	return quiet;
}

static void
lwq_drain(struct workqueue_struct *wq)
{
	uint64_t first, second;
	int i;

	do {
		for (i = 0; i < wq->wq_nqueues; i++)
			wqpool_drain(wq->wq_queues[i].lq_pool);
	} while (!lwq_quiet(wq, &first) || !lwq_quiet(wq, &second) ||
	    first != second);
}

static void
lwq_check_outside(struct workqueue_struct *wq, const char *func)
{

	if ((atomic_load_relaxed(&wq->wq_state) & LWQ_DEAD) != 0)
		wqk_panic("%s: workqueue \"%s\" is destroyed", func,
		    wq->wq_name);
	if (lwq_self(NULL) == wq)
		wqk_panic("%s: \"%s\": called from one of its own works",
		    func, wq->wq_name);
}

__lwq_public void
drain_workqueue(struct workqueue_struct *wq)
{

	lwq_check_outside(wq, "drain_workqueue");
	(void)atomic_fetch_add_seq_cst(&wq->wq_state, LWQ_DRAINING);
	lwq_drain(wq);
	(void)atomic_fetch_add_seq_cst(&wq->wq_state, -LWQ_DRAINING);
}

__lwq_public void
destroy_workqueue(struct workqueue_struct *wq)
{

	if (wq == NULL)
		return;
	lwq_check_outside(wq, "destroy_workqueue");
	(void)atomic_fetch_add_seq_cst(&wq->wq_state, LWQ_DRAINING);
	lwq_drain(wq);
	(void)atomic_fetch_add_seq_cst(&wq->wq_state, LWQ_DEAD - LWQ_DRAINING);
	/* Those who look for works in it, and timers, finish first. */
	mutex_enter(&lwq_lock);
	wq->wq_alive = false;
	while (wq->wq_nholds != 0)
		cv_wait(&lwq_cv, &lwq_lock);
	mutex_exit(&lwq_lock);
	lwq_end_pools(wq, wq->wq_nqueues);
	lwq_put(wq);
}

/*
 * The shared queues.  Each is made when first asked for, and stays.
 */
static const struct {
	const char	*s_name;
	unsigned int	 s_flags;
} lwq_systems[] = {
	{ "events", 0 },
	{ "events_highpri", WQ_HIGHPRI },
	{ "events_long", 0 },
	{ "events_unbound", WQ_UNBOUND },
	{ "events_freeze", WQ_FREEZABLE },
	{ "events_power", WQ_POWER_EFFICIENT },
	{ "events_bh", WQ_BH },
	{ "events", __WQ_LEGACY }	/* that of 2003 */
};
#define	LWQ_EVENTS	0
#define	LWQ_EVENTS_2003	7

static struct workqueue_struct *lwq_system_wqs[__arraycount(lwq_systems)];
static kmutex_t		lwq_system_lock = KMUTEX_INITIALIZER; /* to make one */

/* Those of the parents, in a forked child: works may point to them. */
static struct workqueue_struct *lwq_parents;

static struct workqueue_struct *
lwq_system_get(int i)
{
	struct workqueue_struct *wq;
	unsigned int flags;

	/* Acquire: pairs with the release below. */
	wq = atomic_load_acquire(&lwq_system_wqs[i]);
	if (__predict_true(wq != NULL))
		return wq;
	mutex_enter(&lwq_system_lock);
	wq = atomic_load_relaxed(&lwq_system_wqs[i]);
	if (wq == NULL) {
		flags = lwq_systems[i].s_flags;
		wq = lwq_alloc(flags, (flags & __WQ_LEGACY) != 0 ? 1 : 0,
		    "%s", lwq_systems[i].s_name);
		atomic_store_release(&lwq_system_wqs[i], wq);
	}
	mutex_exit(&lwq_system_lock);
	return wq;
}

__lwq_public struct workqueue_struct *
lwq_system(int i)
{
	struct workqueue_struct *wq;

	if ((wq = lwq_system_get(i)) == NULL)
		wqk_panic("workqueue \"%s\": cannot be started",
		    lwq_systems[i].s_name);
	return wq;
}

/*
 * In a forked child, where this thread is alone.  Locks may be held by
 * threads that are not here, and what they protect be half done.  The shared
 * queues are made anew when asked for.  Those of the parent are found by
 * their works no more: see lwq_lost().  Who has kept a pointer to one gets the
 * pool's clear word.
 */
static void
lwq_fork(void)
{
	struct workqueue_struct *wq;
	unsigned int i;

	atomic_store_relaxed(&lwq_lock.mtx_owner, (uintptr_t)0);
	atomic_store_relaxed(&lwq_system_lock.mtx_owner, (uintptr_t)0);
	lwq_cv.cv_waiters = 0;
	lwq_dead = NULL;
	lwq_deadlast = &lwq_dead;
	lwq_ndead = 0;
	memset(lwq_running, 0, sizeof(lwq_running));
	for (i = 0; i < __arraycount(lwq_systems); i++) {
		wq = atomic_load_relaxed(&lwq_system_wqs[i]);
		if (wq == NULL)
			continue;
		wq->wq_alive = false;
		wq->wq_parents = true;
		wq->wq_next = lwq_parents;
		lwq_parents = wq;
		atomic_store_relaxed(&lwq_system_wqs[i], NULL);
	}
	lwq_item_fork();
	lwq_task_fork();
	lwq_worker_fork();
}

static void __attribute__((__constructor__))
lwq_load(void)
{
	static struct wqpool_face face = { .wf_fork = lwq_fork };

	wqpool_atfork(&face);
}

/*
 * The two that are called "events": that of 2003 runs one work at a time on
 * each CPU, in their order.
 */
static struct workqueue_struct *
lwq_events(const struct work_struct *ws)
{

	return lwq_system(ws->__ws_item.__i_kind == _LWQ_OLD ?
	    LWQ_EVENTS_2003 : LWQ_EVENTS);
}

__lwq_public bool
lwq_schedule_work(int cpu, struct work_struct *ws)
{

	return queue_work_on(cpu, lwq_events(ws), ws);
}

__lwq_public bool
lwq_schedule_delayed(int cpu, struct work_struct *ws, unsigned long delay)
{

	return lwq_queue_delayed(cpu, lwq_events(ws), ws, delay);
}

__lwq_public void
lwq_flush_scheduled(void)
{
	struct workqueue_struct *wqs[2];
	int n;

	/* One that is not there has nothing.  Acquire: as above. */
	n = 0;
	if ((wqs[n] = atomic_load_acquire(&lwq_system_wqs[LWQ_EVENTS])) !=
	    NULL)
		n++;
	if ((wqs[n] = atomic_load_acquire(
	    &lwq_system_wqs[LWQ_EVENTS_2003])) != NULL)
		n++;
	lwq_flush(wqs, n);
}

__lwq_public int
keventd_up(void)
{

	return lwq_system_get(LWQ_EVENTS_2003) != NULL;
}

__lwq_public int
current_is_keventd(void)
{
	struct workqueue_struct *wq;

	wq = lwq_self(NULL);
	return wq != NULL &&
	    (wq == atomic_load_relaxed(&lwq_system_wqs[LWQ_EVENTS]) ||
	    wq == atomic_load_relaxed(&lwq_system_wqs[LWQ_EVENTS_2003]));
}

static int
lwq_everywhere(work_func_t new, void (*old)(void *), void *data)
{
	struct work_struct *works;
	size_t size;
	int i;

	if (lwq_system_get(old != NULL ? LWQ_EVENTS_2003 : LWQ_EVENTS) == NULL)
		return -ENOMEM;
	size = (size_t)ncpu * sizeof(*works);
	if ((works = kmem_zalloc(size, KM_NOSLEEP)) == NULL)
		return -ENOMEM;
	for (i = 0; i < ncpu; i++) {
		if (old != NULL)
			lwq_init_work_old(&works[i], old, data);
		else
			lwq_init_work(&works[i], new);
		(void)lwq_schedule_work(i, &works[i]);
	}
	for (i = 0; i < ncpu; i++)
		(void)flush_work(&works[i]);
	kmem_free(works, size);
	return 0;
}

__lwq_public int
lwq_on_each_cpu(work_func_t func)
{

	return lwq_everywhere(func, NULL, NULL);
}

__lwq_public int
lwq_on_each_cpu_old(void (*func)(void *), void *data)
{

	return lwq_everywhere(NULL, func, data);
}

__lwq_public int
lwq_execute(work_func_t func, struct execute_work *ew)
{

	if (!in_interrupt()) {
		(*func)(&ew->work);
		return 0;
	}
	lwq_init_work(&ew->work, func);
	(void)schedule_work(&ew->work);
	return 1;
}

__lwq_public int
lwq_execute_old(void (*func)(void *), void *data, struct execute_work *ew)
{

	if (!in_interrupt()) {
		(*func)(data);
		return 0;
	}
	lwq_init_work_old(&ew->work, func, data);
	(void)schedule_work(&ew->work);
	return 1;
}
