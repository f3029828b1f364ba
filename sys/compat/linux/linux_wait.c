/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Wait queues of Linux.
 *
 * Before it tests its condition, a waiter puts itself on the queue and sets its
 * task's state to a sleeping one.  A waker makes the condition true before it
 * takes the queue's lock.  If the waker finds the waiter on the queue, it sets
 * the state to running, and the waiter's schedule() returns at once.  Otherwise
 * the waiter takes the lock later, and sees that the condition is true.
 *
 * An entry is on the stack of its waiter.  The queue's lock guards the entry
 * while it is on the queue.  finish_wait() takes this lock before it returns.
 * Tasks are type-stable.
 *
 * Lock order: the queue's, then a task's.
 */

#include "linux_task.h"

#include <linux/wait.h>

__lwq_public void
init_waitqueue_head(wait_queue_head_t *q)
{

	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->head);
}

__lwq_public void
lwq_init_wait(wait_queue_entry_t *e, struct task_struct *t,
    enum __lwq_wake wake)
{

	e->flags = 0;
	e->private = t;
	e->__wq_wake = wake;
	e->__wq_woken = 0;
	INIT_LIST_HEAD(&e->entry);
}

static void
lwq_wait_insert(wait_queue_head_t *q, wait_queue_entry_t *e, bool exclusive)
{

	if (exclusive) {
		e->flags |= WQ_FLAG_EXCLUSIVE;
		list_add_tail(&e->entry, &q->head);
	} else {
		e->flags &= ~(unsigned int)WQ_FLAG_EXCLUSIVE;
		list_add(&e->entry, &q->head);
	}
}

__lwq_public void
add_wait_queue(wait_queue_head_t *q, wait_queue_entry_t *e)
{

	spin_lock(&q->lock);
	lwq_wait_insert(q, e, false);
	spin_unlock(&q->lock);
}

__lwq_public void
add_wait_queue_exclusive(wait_queue_head_t *q, wait_queue_entry_t *e)
{

	spin_lock(&q->lock);
	lwq_wait_insert(q, e, true);
	spin_unlock(&q->lock);
}

__lwq_public void
remove_wait_queue(wait_queue_head_t *q, wait_queue_entry_t *e)
{

	spin_lock(&q->lock);
	list_del_init(&e->entry);
	spin_unlock(&q->lock);
}

__lwq_public void
lwq_prepare_to_wait(wait_queue_head_t *q, wait_queue_entry_t *e, int state,
    bool exclusive)
{
	struct task_struct *t;

	t = lwq_task_self("prepare_to_wait");
	spin_lock(&q->lock);
	e->private = t;
	if (list_empty(&e->entry))
		lwq_wait_insert(q, e, exclusive);
	lwq_task_setstate(t, state);
	spin_unlock(&q->lock);
}

__lwq_public void
finish_wait(wait_queue_head_t *q, wait_queue_entry_t *e)
{

	lwq_task_setstate(e->private, TASK_RUNNING);
	/* Always take the lock: a waker may still read the entry. */
	spin_lock(&q->lock);
	list_del_init(&e->entry);
	spin_unlock(&q->lock);
}

/*
 * Sleep until a waker has set the flag __wq_woken.  This thread sets its state
 * and then reads the flag.  A waker sets the flag and then reads the state, to
 * find out whether this thread sleeps.  Both threads take the task's lock for
 * the state, so at least one of them sees the other's store.
 */
__lwq_public long
wait_woken(wait_queue_entry_t *e, int state, long timeout)
{
	struct task_struct *t;

	t = lwq_task_self("wait_woken");
	lwq_task_setstate(t, state);
	if (atomic_load_relaxed(&e->__wq_woken) == 0 && !kthread_should_stop())
		timeout = schedule_timeout(timeout);
	lwq_task_setstate(t, TASK_RUNNING);
	/*
	 * Acquire: observe what the waker did before it set the flag.  If the
	 * flag is set again from now on, the next call returns.
	 */
	(void)atomic_swap_acq_rel(&e->__wq_woken, 0);
	return timeout;
}

__lwq_public void
lwq_wake_up(wait_queue_head_t *q, int states, int nexclusive)
{
	wait_queue_entry_t *e, *next;

	spin_lock(&q->lock);
	list_for_each_entry_safe(e, next, &q->head, entry) {
		if (e->private == NULL)
			continue;
		/* Release: publish what the caller did before. */
		if (e->__wq_wake == woken_wake_function)
			atomic_store_release(&e->__wq_woken, 1);
		if (!lwq_task_wake(e->private, states))
			continue;
		if (e->__wq_wake == autoremove_wake_function)
			list_del_init(&e->entry);
		if ((e->flags & WQ_FLAG_EXCLUSIVE) != 0 && --nexclusive == 0)
			break;
	}
	/* The last touch of the queue. */
	spin_unlock(&q->lock);
}

__lwq_public bool
waitqueue_active(wait_queue_head_t *q)
{
	bool active;

	spin_lock(&q->lock);
	active = !list_empty(&q->head);
	spin_unlock(&q->lock);
	return active;
}

__lwq_public long
lwq_sleep_on(wait_queue_head_t *q, int state, long timeout)
{
	DEFINE_WAIT(e);

	lwq_prepare_to_wait(q, &e, state, false);
	timeout = schedule_timeout(timeout);
	finish_wait(q, &e);
	return timeout;
}
