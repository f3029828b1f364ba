/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Work queues of Linux, and the shared ones.  A queue bound to CPUs has a
 * pool for each, one that is not has one; max_active is the most threads
 * that a pool may have.  A pool runs no item on two threads at once; what
 * runs in one pool, and is queued again meanwhile, is queued there.
 */

#include <errno.h>
#include <string.h>

#include "linux_var.h"

#define	LWQ_IDLETIME	(INT64_C(30) * 1000000000)
#define	LWQ_NQUARANTINE	16
#define	LWQ_NROUNDS	10		/* of a drain, before it says so */
#define	LWQ_NFLUSH	32		/* pools that are flushed at once */

/* Nice -5, as workers had in 2003, and nice -20. */
#define	LWQ_PRI_LEGACY	78
#define	LWQ_PRI_HIGH	MAXPRI_KTHREAD

static kmutex_t		lwq_lock = KMUTEX_INITIALIZER;
static kcondvar_t	lwq_cv = { .cv_wmesg = "lwqhold" };

/* Those that are destroyed, oldest first. */
static struct workqueue_struct *lwq_dead;		/* (l) */
static struct workqueue_struct **lwq_deadlast = &lwq_dead; /* (l) */
static int		lwq_ndead;			/* (l) */

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
 * Queues.
 */

static struct workqueue_struct *
lwq_get(void)
{
	struct workqueue_struct *wq, **wqp;
	int n;

	wq = NULL;
	mutex_enter(&lwq_lock);
	/*
	 * The longer it is dead the better are stale uses told: the latest
	 * stay.  Acquire: the last timer has left it.
	 */
	wqp = &lwq_dead;
	for (n = lwq_ndead; n > LWQ_NQUARANTINE; n--) {
		if (atomic_load_acquire(&(*wqp)->wq_ntimers) == 0) {
			wq = *wqp;
			*wqp = wq->wq_next;
			lwq_ndead--;
			break;
		}
		wqp = &(*wqp)->wq_next;
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
 * Make a queue by the name that it has got, of which namelen characters
 * were asked for.
 */
static bool
lwq_start(struct workqueue_struct *wq, unsigned int flags, int max,
    const char *func, int namelen)
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
		/* Once: the last number is the longest. */
		if (namelen > len && i == wq->wq_nqueues - 1 && func != NULL)
			wqk_printf_tolog("%s: the name is too long, and cut: "
			    "\"%s\"\n", func, name);
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

/*
 * For a call by that name; NULL: the names are our own.
 */
static struct workqueue_struct *
lwq_valloc(const char *func, const char *fmt, va_list ap, unsigned int flags,
    int max)
{
	struct workqueue_struct *wq;
	int len;

	if ((wq = lwq_get()) == NULL)
		return NULL;
	len = wqk_vsnprintf(wq->wq_name, sizeof(wq->wq_name), fmt, ap);
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
	if (!lwq_start(wq, flags, max, func, len)) {
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
lwq_alloc(const char *func, unsigned int flags, int max, const char *fmt, ...)
{
	struct workqueue_struct *wq;
	va_list ap;

	va_start(ap, fmt);
	wq = lwq_valloc(func, fmt, ap, flags, max);
	va_end(ap);
	return wq;
}

__lwq_public struct workqueue_struct *
alloc_workqueue(const char *fmt, unsigned int flags, int max, ...)
{
	struct workqueue_struct *wq;
	va_list ap;

	va_start(ap, max);
	wq = lwq_valloc("alloc_workqueue", fmt, ap, flags, max);
	va_end(ap);
	return wq;
}

__lwq_public struct workqueue_struct *
alloc_ordered_workqueue(const char *fmt, unsigned int flags, ...)
{
	struct workqueue_struct *wq;
	va_list ap;

	va_start(ap, flags);
	wq = lwq_valloc("alloc_ordered_workqueue", fmt, ap,
	    flags | WQ_UNBOUND | __WQ_ORDERED, 1);
	va_end(ap);
	return wq;
}

__lwq_public struct workqueue_struct *
lwq_create(const char *name, int single)
{

	return lwq_alloc(single ? "create_singlethread_workqueue" :
	    "create_workqueue", __WQ_LEGACY | (single ?
	    WQ_UNBOUND | __WQ_ORDERED : 0u), 1, "%s", name);
}

static void
lwq_check_alive(const struct workqueue_struct *wq, const char *func)
{

	if ((atomic_load_relaxed(&wq->wq_state) & LWQ_DEAD) != 0)
		wqk_panic("%s: workqueue \"%s\" is destroyed", func,
		    wq->wq_name);
}

__lwq_public void
workqueue_set_max_active(struct workqueue_struct *wq, int max)
{
	int i;

	lwq_check_alive(wq, "workqueue_set_max_active");
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

	lwq_check_alive(wq, "flush_workqueue");
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

static bool
lwq_empty(struct workqueue_struct *wq)
{
	uint64_t first, second;

	return lwq_quiet(wq, &first) && lwq_quiet(wq, &second) &&
	    first == second;
}

/*
 * One that queues itself for ever is waited for as long; but not in silence.
 */
static void
lwq_drain(struct workqueue_struct *wq, const char *func)
{
	int i, n;

	for (n = 0; n < LWQ_NROUNDS; n++) {
		if (lwq_empty(wq))
			return;
		lwq_flush(&wq, 1);
	}
	if (lwq_empty(wq))
		return;
	wqk_printf_tolog("%s: \"%s\": its works have queued more, %d times "
	    "over; it waits until they do not\n", func, wq->wq_name, n);
	do {
		for (i = 0; i < wq->wq_nqueues; i++)
			wqpool_drain(wq->wq_queues[i].lq_pool);
	} while (!lwq_empty(wq));
}

static void
lwq_check_outside(struct workqueue_struct *wq, const char *func)
{

	lwq_check_alive(wq, func);
	if (lwq_self(NULL) == wq)
		wqk_panic("%s: \"%s\": called from one of its own works",
		    func, wq->wq_name);
}

__lwq_public void
drain_workqueue(struct workqueue_struct *wq)
{

	lwq_check_outside(wq, "drain_workqueue");
	(void)atomic_fetch_add_seq_cst(&wq->wq_state, LWQ_DRAINING);
	lwq_drain(wq, "drain_workqueue");
	(void)atomic_fetch_add_seq_cst(&wq->wq_state, -LWQ_DRAINING);
}

__lwq_public void
destroy_workqueue(struct workqueue_struct *wq)
{

	if (wq == NULL)
		return;
	lwq_check_outside(wq, "destroy_workqueue");
	(void)atomic_fetch_add_seq_cst(&wq->wq_state, LWQ_DRAINING);
	lwq_drain(wq, "destroy_workqueue");
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
		wq = lwq_alloc(NULL, flags,
		    (flags & __WQ_LEGACY) != 0 ? 1 : 0, "%s",
		    lwq_systems[i].s_name);
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
 * their works no more: see lwq_hold().  Who has kept a pointer to one gets the
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
	lwq_work_fork();
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
