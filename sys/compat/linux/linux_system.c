/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The shared workqueues, and the calls that use the one called "events".
 */

#include <errno.h>

#include "linux_queue.h"

/*
 * The shared workqueues.  Each is created at its first use, and never
 * destroyed.
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
	{ "events", __WQ_LEGACY }	/* of 2003 */
};
#define	LWQ_EVENTS	0
#define	LWQ_EVENTS_2003	7

static struct workqueue_struct *lwq_system_wqs[__arraycount(lwq_systems)];
KERN_MUTEX(lwq_system_lock);		/* to create one */

/*
 * In a forked child: the shared workqueues of its ancestors.  Items may still
 * refer to them.
 */
static struct __lwq_link *lwq_parents;

static struct workqueue_struct *
lwq_system_get(int i)
{
	struct workqueue_struct *wq;
	unsigned int flags;

	wqpool_fork_catchup();
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

/*
 * Create the "events" of 2003 or of today, if the caller may sleep.  The caller
 * sets up a handler, which will probably enqueue items there but cannot create
 * a workqueue.
 */
void
lwq_events_prepare(bool old)
{

	if (lwq_may_sleep())
		(void)lwq_system_get(old ? LWQ_EVENTS_2003 : LWQ_EVENTS);
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
 * Forget the shared workqueues in a forked child.  They are created again at
 * their first use.  Items no longer find the parent's workqueues: see
 * lwq_hold().  If a caller has kept a pointer to a workqueue of the parent and
 * uses it, the pool panics with a message.
 */
void
lwq_system_fork(void)
{
	struct workqueue_struct *wq;
	unsigned int i;

	for (i = 0; i < __arraycount(lwq_systems); i++) {
		wq = atomic_load_relaxed(&lwq_system_wqs[i]);
		if (wq == NULL)
			continue;
		lwq_wq_disown(wq);
		wq->wq_link.__l_next = lwq_parents;
		lwq_parents = &wq->wq_link;
		atomic_store_relaxed(&lwq_system_wqs[i], NULL);
	}
}

/*
 * Return the "events" for the interface that initialised the item.  The
 * workqueue of 2003 runs one item at a time on each CPU, in order.
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

	/* A workqueue that does not exist has no items.  Acquire: as above. */
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
