/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Wait queues of Linux: see linux_wait(9).
 */

#ifndef _LWQ_LINUX_WAIT_H_
#define	_LWQ_LINUX_WAIT_H_

#ifdef __cplusplus
#error "<linux/wait.h> is for C11 only, not for C++"
#endif

#include <linux/list.h>
#include <linux/lwq_lock.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

typedef struct wait_queue_head {
	spinlock_t	 lock;
	struct list_head head;		/* exclusive waiters are last */
} wait_queue_head_t;

/* The effects of a wake-up on an entry, besides waking its task. */
enum __lwq_wake {
	default_wake_function,		/* no other effect */
	autoremove_wake_function,	/* remove the entry from its queue */
	woken_wake_function		/* make wait_woken() return */
};

typedef struct wait_queue_entry {
	unsigned int	 flags;
	struct task_struct *private;	/* set by a waiter if NULL */
	enum __lwq_wake	 __wq_wake;
	int		 __wq_woken;	/* for wait_woken() */
	struct list_head entry;
} wait_queue_entry_t;
typedef wait_queue_entry_t wait_queue_t;

#define	WQ_FLAG_EXCLUSIVE	0x01

#define	__WAIT_QUEUE_HEAD_INITIALIZER(name)				\
	{ .lock = __SPIN_LOCK_UNLOCKED(0),				\
	    .head = LIST_HEAD_INIT((name).head) }
#define	DECLARE_WAIT_QUEUE_HEAD(name)					\
	wait_queue_head_t name = __WAIT_QUEUE_HEAD_INITIALIZER(name)
#define	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(name)				\
	DECLARE_WAIT_QUEUE_HEAD(name)
#define	init_waitqueue_head	lwq_init_waitqueue_head
void	init_waitqueue_head(wait_queue_head_t *);

/*
 * An entry that stays on its queue (WAITQUEUE), and one that a wake-up removes
 * (WAIT).
 */
#define	DECLARE_WAITQUEUE(name, task)					\
	wait_queue_entry_t name = { .private = (task),			\
	    .entry = LIST_HEAD_INIT((name).entry) }
#define	DEFINE_WAIT_FUNC(name, wake)					\
	wait_queue_entry_t name = { .private = current,			\
	    .__wq_wake = (wake), .entry = LIST_HEAD_INIT((name).entry) }
#define	DEFINE_WAIT(name)						\
	DEFINE_WAIT_FUNC(name, autoremove_wake_function)
#define	init_waitqueue_entry(e, task)					\
	lwq_init_wait((e), (task), default_wake_function)
#define	init_wait(e)							\
	lwq_init_wait((e), current, autoremove_wake_function)
void	lwq_init_wait(wait_queue_entry_t *, struct task_struct *,
	    enum __lwq_wake);

#define	add_wait_queue		lwq_add_wait_queue
#define	add_wait_queue_exclusive lwq_add_wait_queue_exclusive
#define	remove_wait_queue	lwq_remove_wait_queue
void	add_wait_queue(wait_queue_head_t *, wait_queue_entry_t *);
void	add_wait_queue_exclusive(wait_queue_head_t *, wait_queue_entry_t *);
void	remove_wait_queue(wait_queue_head_t *, wait_queue_entry_t *);

/*
 * Between these two calls, the caller tests its condition and calls schedule()
 * until the condition is true.
 */
#define	prepare_to_wait(q, e, s) lwq_prepare_to_wait((q), (e), (s), false)
#define	prepare_to_wait_exclusive(q, e, s)				\
	lwq_prepare_to_wait((q), (e), (s), true)
#define	finish_wait		lwq_finish_wait
void	lwq_prepare_to_wait(wait_queue_head_t *, wait_queue_entry_t *, int,
	    bool);
void	finish_wait(wait_queue_head_t *, wait_queue_entry_t *);

/*
 * Sleep until a thread wakes the entry, which is on a queue and has
 * woken_wake_function.  If a thread has woken the entry since the last call, do
 * not sleep.
 * Return the jiffies left.
 */
#define	wait_woken		lwq_wait_woken
long	wait_woken(wait_queue_entry_t *, int, long);

/*
 * Wake all waiters that are not exclusive, and at most n exclusive ones.  If n
 * is 0, wake all waiters.
 */
void	lwq_wake_up(wait_queue_head_t *, int, int);
#define	wake_up(q)		lwq_wake_up((q), TASK_NORMAL, 1)
#define	wake_up_nr(q, n)	lwq_wake_up((q), TASK_NORMAL, (n))
#define	wake_up_all(q)		lwq_wake_up((q), TASK_NORMAL, 0)
#define	wake_up_sync(q)		wake_up(q)
#define	wake_up_interruptible(q) lwq_wake_up((q), TASK_INTERRUPTIBLE, 1)
#define	wake_up_interruptible_nr(q, n)					\
	lwq_wake_up((q), TASK_INTERRUPTIBLE, (n))
#define	wake_up_interruptible_all(q) lwq_wake_up((q), TASK_INTERRUPTIBLE, 0)
#define	wake_up_interruptible_sync(q) wake_up_interruptible(q)

/*
 * Return true if a thread waits.  A thread that begins to wait later sees what
 * the caller stored before the call.
 */
#define	waitqueue_active	lwq_waitqueue_active
#define	wq_has_sleeper		lwq_waitqueue_active
bool	waitqueue_active(wait_queue_head_t *);

/*
 * Wait until a condition is true.  The caller tests the condition after it is
 * on the queue.  So if a thread makes the condition true and then wakes the
 * queue, the caller does not miss that wake-up.
 */
#define	_LWQ_WAIT(q, cond, state, excl, sleep)				\
	do {								\
		DEFINE_WAIT(__lwq_e);					\
									\
		for (;;) {						\
			lwq_prepare_to_wait(&(q), &__lwq_e, (state),	\
			    (excl));					\
			if (cond)					\
				break;					\
			sleep;						\
		}							\
		finish_wait(&(q), &__lwq_e);				\
	} while (0)
#define	_LWQ_WAIT_EVENT(q, cond, state, excl)				\
	do {								\
		if (!(cond))						\
			_LWQ_WAIT(q, cond, state, excl, schedule());	\
	} while (0)
#define	wait_event(q, cond)						\
	_LWQ_WAIT_EVENT(q, cond, TASK_UNINTERRUPTIBLE, false)
#define	wait_event_idle(q, cond)	wait_event(q, cond)

/* No signal ends a wait: always 0. */
#define	wait_event_interruptible(q, cond)	__extension__ ({	\
	_LWQ_WAIT_EVENT(q, cond, TASK_INTERRUPTIBLE, false);		\
	0; })
#define	wait_event_interruptible_exclusive(q, cond)	__extension__ ({ \
	_LWQ_WAIT_EVENT(q, cond, TASK_INTERRUPTIBLE, true);		\
	0; })
#define	wait_event_killable(q, cond)	__extension__ ({		\
	wait_event(q, cond);						\
	0; })

/*
 * Wait for at most timeout jiffies.  If the condition was true, return the
 * jiffies left, at least 1.  If the condition was still false at the end,
 * return 0.
 */
#define	_LWQ_WAIT_TIMEOUT(q, cond, timeout, state)	__extension__ ({ \
	long __lwq_left = (long)(timeout);				\
									\
	if (!(cond))							\
		_LWQ_WAIT(q, (cond) || __lwq_left == 0, state, false,	\
		    __lwq_left = schedule_timeout(__lwq_left));		\
	__lwq_left == 0 && (cond) ? 1 : __lwq_left; })
#define	wait_event_timeout(q, cond, timeout)				\
	_LWQ_WAIT_TIMEOUT(q, cond, timeout, TASK_UNINTERRUPTIBLE)
#define	wait_event_interruptible_timeout(q, cond, timeout)		\
	_LWQ_WAIT_TIMEOUT(q, cond, timeout, TASK_INTERRUPTIBLE)

/* The caller holds the lock, and releases it while it sleeps. */
#define	_LWQ_WAIT_LOCK(q, cond, lock, state)				\
	do {								\
		if (!(cond)) {						\
			/* The caller may not have a task yet. */	\
			spin_unlock_irq(&(lock));			\
			(void)current;					\
			spin_lock_irq(&(lock));				\
			_LWQ_WAIT(q, cond, state, false,		\
			    spin_unlock_irq(&(lock)); schedule();	\
			    spin_lock_irq(&(lock)));			\
		}							\
	} while (0)
#define	wait_event_lock_irq(q, cond, lock)				\
	_LWQ_WAIT_LOCK(q, cond, lock, TASK_UNINTERRUPTIBLE)
#define	wait_event_interruptible_lock_irq(q, cond, lock) __extension__ ({ \
	_LWQ_WAIT_LOCK(q, cond, lock, TASK_INTERRUPTIBLE);		\
	0; })

/*
 * Sleep until the queue is woken, as before Linux 3.15.  The caller misses a
 * wake-up that comes before the call.
 */
#define	sleep_on(q)		((void)sleep_on_timeout((q),		\
	MAX_SCHEDULE_TIMEOUT))
#define	interruptible_sleep_on(q) ((void)interruptible_sleep_on_timeout((q), \
	MAX_SCHEDULE_TIMEOUT))

/* Sleep for at most timeout jiffies.  Return the jiffies left, or 0. */
#define	sleep_on_timeout(q, timeout)					\
	lwq_sleep_on((q), TASK_UNINTERRUPTIBLE, (timeout))
#define	interruptible_sleep_on_timeout(q, timeout)			\
	lwq_sleep_on((q), TASK_INTERRUPTIBLE, (timeout))
long	lwq_sleep_on(wait_queue_head_t *, int, long);

#endif	/* !_LWQ_LINUX_WAIT_H_ */
