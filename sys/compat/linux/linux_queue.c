/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The life of a workqueue: its memory, and the threads that hold it while they
 * search it for an item.
 */

#include "linux_queue.h"

KERN_MUTEX(wq_lock);
static kcondvar_t	wq_cv = { .cv_wmesg = "lwqhold" };

static bool	wq_unused(const struct __lwq_link *);

static struct lwq_stable wq_dead =
    LWQ_STABLE_INITIALIZER(wq_dead, wq_unused);

static bool
wq_unused(const struct __lwq_link *l)
{
	const struct workqueue_struct *wq;
	int i;

	wq = container_of(l, const struct workqueue_struct, wq_link);
	for (i = 0; i < wq->wq_nqueues; i++)
		if (lwq_queue_hasdelays(&wq->wq_queues[i]))
			return false;
	return true;
}

/*
 * Return memory for a workqueue, in the state of a destroyed one, or NULL.
 */
struct workqueue_struct *
lwq_wq_get(void)
{
	struct workqueue_struct *wq;
	struct __lwq_link *l;

	if ((l = lwq_stable_get(&wq_dead)) != NULL)
		return container_of(l, struct workqueue_struct, wq_link);
	wq = kmem_zalloc(sizeof(*wq) + (size_t)ncpu *
	    sizeof(wq->wq_queues[0]), KM_NOSLEEP);
	if (wq != NULL)
		atomic_store_relaxed(&wq->wq_state, LWQ_DEAD);
	return wq;
}

void
lwq_wq_put(struct workqueue_struct *wq)
{

	KASSERT(wq->wq_life == LWQ_FREE);
	lwq_stable_put(&wq_dead, &wq->wq_link);
}

/*
 * Make a workqueue alive.
 */
void
lwq_wq_begin(struct workqueue_struct *wq)
{

	mutex_enter(&wq_lock);
	KASSERT(wq->wq_life == LWQ_FREE);
	wq->wq_life = LWQ_ALIVE;
	mutex_exit(&wq_lock);
	/*
	 * Release: publish the workqueue to threads that find it without a
	 * lock.
	 */
	atomic_store_release(&wq->wq_state, 0);
}

/*
 * End a workqueue, and wait until no thread and no timer holds it.
 */
void
lwq_wq_end(struct workqueue_struct *wq)
{

	mutex_enter(&wq_lock);
	KASSERT(wq->wq_life == LWQ_ALIVE);
	wq->wq_life = LWQ_FREE;
	while (wq->wq_nholds != 0)
		cv_wait(&wq_cv, &wq_lock);
	mutex_exit(&wq_lock);
}

/*
 * Mark a workqueue as the parent's, in a forked child.
 */
void
lwq_wq_disown(struct workqueue_struct *wq)
{

	KASSERT(wq->wq_life == LWQ_ALIVE);
	wq->wq_life = LWQ_PARENTS;
}

bool
lwq_wq_hold(struct lwq_queue *lq)
{
	struct workqueue_struct *wq;
	bool alive;

	wq = lq->lq_wq;
	mutex_enter(&wq_lock);
	if ((alive = wq->wq_life == LWQ_ALIVE))
		wq->wq_nholds++;
	mutex_exit(&wq_lock);
	return alive;
}

void
lwq_wq_unhold(struct lwq_queue *lq)
{
	struct workqueue_struct *wq;

	wq = lq->lq_wq;
	mutex_enter(&wq_lock);
	KASSERT(wq->wq_nholds > 0);
	if (--wq->wq_nholds == 0 && wq->wq_life != LWQ_ALIVE)
		cv_broadcast(&wq_cv);
	mutex_exit(&wq_lock);
}

void
lwq_wq_fork(void)
{

	wq_cv.cv_waiters = 0;
	lwq_stable_fork(&wq_dead);
}
