/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Tasks: threads of kthread_create(), and any thread that asks for its task.
 */

#ifndef _LWQ_LINUX_SCHED_H_
#define	_LWQ_LINUX_SCHED_H_

#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <limits.h>

struct task_struct;

#define	TASK_RUNNING		0
#define	TASK_INTERRUPTIBLE	1
#define	TASK_UNINTERRUPTIBLE	2
#define	TASK_NORMAL		(TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define	TASK_IDLE		(TASK_UNINTERRUPTIBLE | 0x400)
#define	MAX_SCHEDULE_TIMEOUT	LONG_MAX

/* The calling thread's task.  Any thread has one. */
#define	current		(lwq_current())
struct task_struct *lwq_current(void);

#define	wake_up_process		lwq_wake_up_process
#define	set_current_state	lwq_set_current_state
#define	__set_current_state	lwq_set_current_state
#define	schedule		lwq_schedule
#define	schedule_timeout	lwq_schedule_timeout
#define	schedule_timeout_interruptible(t)				\
	(set_current_state(TASK_INTERRUPTIBLE), schedule_timeout(t))
#define	schedule_timeout_uninterruptible(t)				\
	(set_current_state(TASK_UNINTERRUPTIBLE), schedule_timeout(t))
#define	cond_resched()		((void)0)

/* No signal ends a wait. */
#define	signal_pending(t)	((void)(t), 0)

/* Start a thread or end its sleep.  Return 1 if it was not running. */
int	wake_up_process(struct task_struct *);

/*
 * Set the state, and sleep.  schedule() sleeps unless the state is
 * TASK_RUNNING.  wake_up_process() and kthread_stop() set the state to
 * TASK_RUNNING, even before schedule() is called.
 */
void	set_current_state(int);
void	schedule(void);
long	schedule_timeout(long);

#endif	/* !_LWQ_LINUX_SCHED_H_ */
