/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Workqueues of Linux.  A workqueue that is bound to CPUs has a pool for each
 * CPU.  Any other workqueue has one pool.  A pool has at most max_active
 * threads.  It never runs an item on two threads at once.  If an item is
 * enqueued on its workqueue while it runs, it goes to the pool that runs it.
 */

#include <string.h>

#include "linux_queue.h"

#include "kern/subr_wqstat.h"

#define	LWQ_IDLETIME	(INT64_C(30) * 1000000000)
#define	LWQ_NROUNDS	10		/* rounds of a drain before a report */
#define	LWQ_NFLUSH	32		/* pools flushed at once */

/*
 * Priorities of workers.  create_workqueue() and
 * create_singlethread_workqueue() are the interface of 2003 (__WQ_LEGACY).
 * Their workers have the priority of nice -5.  The workers of a WQ_HIGHPRI or
 * WQ_BH workqueue have the priority of nice -20.
 */
#define	LWQ_PRI_LEGACY	78
#define	LWQ_PRI_HIGH	MAXPRI_KTHREAD

static struct wqpool_kind lwq_kind = {
	.pk_name = "linux",
	.pk_func = offsetof(struct work_struct, __ws_func)
};

static void
lwq_end_pools(struct workqueue_struct *wq, int n)
{

	/*
	 * Clear lq_pool, because an item may still refer to this lwq_queue.
	 * The memory of the workqueue may be used for a new workqueue.  If the
	 * new one has fewer pools, it does not set this lq_pool.
	 */
	while (n-- > 0) {
		wqpool_destroy(wq->wq_queues[n].lq_pool);
		wq->wq_queues[n].lq_pool = NULL;
	}
}

/*
 * Create the pools of a workqueue, which has its name already.  func is the
 * name of the function that the client called, or NULL.  namelen is the length
 * of the name that the client passed.
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
	pa.pa_kind = &lwq_kind;
	pa.pa_func = lwq_run;
	pa.pa_maxthreads = max;
	pa.pa_flags = WQPOOL_SPARE | WQPOOL_EXCLUSIVE | WQPOOL_NESTED |
	    WQPOOL_SHARED | WQPOOL_DELAYS;
	/* Items that free memory must not wait for a thread. */
	if ((flags & WQ_MEM_RECLAIM) != 0)
		pa.pa_flags |= WQPOOL_READY;
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
		/* Cut the name, not the number. */
		len = (int)(sizeof(name) - 1 - strlen(num));
		(void)wqk_snprintf(name, sizeof(name), "%.*s%s", len,
		    wq->wq_name, num);
		/* Report the cut once, for the longest number. */
		if (namelen > len && i == wq->wq_nqueues - 1 && func != NULL)
			wqk_printf_tolog("%s: the name is too long, and cut: "
			    "\"%s\"\n", func, name);
		lq = &wq->wq_queues[i];
		lq->lq_wq = wq;
		lq->lq_ops = &lwq_wq_ops;
		pa.pa_arg = lq;
		if (wqpool_create(&lq->lq_pool, &pa) != 0) {
			lwq_end_pools(wq, i);
			return false;
		}
	}
	return true;
}

/*
 * Create a workqueue.  func is the name of the function that the client called.
 * It is NULL for the workqueues of linux_system.c, which all clients share.
 */
static struct workqueue_struct *
lwq_valloc(const char *func, const char *fmt, va_list ap, unsigned int flags,
    int max)
{
	struct workqueue_struct *wq;
	int len;

	if ((wq = lwq_wq_get()) == NULL)
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
		lwq_wq_put(wq);
		return NULL;
	}
	lwq_wq_begin(wq);
	return wq;
}

struct workqueue_struct *
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
	    "create_workqueue", __WQ_LEGACY | WQ_MEM_RECLAIM | (single ?
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
 * Wait for up to LWQ_NFLUSH pools.  In each, wait for the items that were
 * enqueued before this function began to wait.  Return true if flushes are
 * nested too deeply to wait.
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

void
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
		wqk_printf_tolog("flush_workqueue: \"%s\": its work items "
		    "nest flushes too deeply; this one does not wait\n",
		    wqs[0]->wq_name);
}

__lwq_public void
flush_workqueue(struct workqueue_struct *wq)
{

	lwq_check_alive(wq, "flush_workqueue");
	lwq_flush(&wq, 1);
}

/*
 * Return true if no item is pending or running in any pool.  Store how many
 * items have run.  If two calls return true and store the same number, no item
 * ran between them.  So all pools were quiet at one moment.  See
 * workqueue_quiet().
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
 * Wait until a workqueue is empty.  If items keep enqueueing more, report this
 * and continue to wait.
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
	wqk_printf_tolog("%s: \"%s\": its work items have queued more, "
	    "%d times; it waits until they stop\n", func, wq->wq_name, n);
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
		wqk_panic("%s: \"%s\": called from one of its own work "
		    "items", func, wq->wq_name);
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
	lwq_wq_end(wq);
	lwq_end_pools(wq, wq->wq_nqueues);
	lwq_wq_put(wq);
}
