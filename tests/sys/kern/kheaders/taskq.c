/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A queue of tasks and its thread in the dialect before mutex(9): levels,
 * simple locks, ltsleep, malloc with types.
 */

#include <sys/cdefs.h>
__KERNEL_RCSID(0, "$NetBSD$");

#include <sys/param.h>
#include <sys/malloc.h>
#include <sys/lock.h>
#include <sys/queue.h>
#include <sys/proc.h>
#include <sys/kthread.h>
#include <sys/systm.h>

struct task {
	TAILQ_ENTRY(task)	t_list;
	void			(*t_func)(void *);
	void			*t_arg;
	u_int			t_pri;
};

static TAILQ_HEAD(, task) task_queue = TAILQ_HEAD_INITIALIZER(task_queue);
static struct simplelock task_slock = SIMPLELOCK_INITIALIZER;
static int task_exit;
static int task_done;

#define	TASK_LOCK(s)							\
do {									\
	s = splsched();							\
	simple_lock(&task_slock);					\
} while (/*CONSTCOND*/0)

#define	TASK_UNLOCK(s)							\
do {									\
	simple_unlock(&task_slock);					\
	splx((s));							\
} while (/*CONSTCOND*/0)

static void
task_thread(void *arg)
{
	struct task *t;
	int s;

	for (;;) {
		TASK_LOCK(s);
		t = TAILQ_FIRST(&task_queue);
		if (t == NULL) {
			if (task_exit) {
				TASK_UNLOCK(s);
				kthread_exit(0);
			}
			/*
			 * A level belongs to its thread, so lower it to sleep.
			 */
			splx(s);
			(void)ltsleep(&task_queue, PVM | PNORELOCK, "taskq",
			    0, &task_slock);
			continue;
		}
		TAILQ_REMOVE(&task_queue, t, t_list);
		TASK_UNLOCK(s);
		(*t->t_func)(t->t_arg);
		free(t, M_TEMP);
	}
}

static int
task_sched(u_int pri, void (*func)(void *), void *arg)
{
	struct task *t, *lt;
	int s;

	t = malloc(sizeof(*t), M_TEMP, M_NOWAIT);
	if (t == NULL)
		return ENOMEM;
	t->t_func = func;
	t->t_arg = arg;
	t->t_pri = pri;
	TASK_LOCK(s);
	TAILQ_FOREACH(lt, &task_queue, t_list) {
		if (t->t_pri > lt->t_pri) {
			TAILQ_INSERT_BEFORE(lt, t, t_list);
			break;
		}
	}
	if (lt == NULL)
		TAILQ_INSERT_TAIL(&task_queue, t, t_list);
	wakeup(&task_queue);
	TASK_UNLOCK(s);
	return 0;
}

static void
task_run(void *arg)
{

	task_done += *(int *)arg;
}

int taskq_test(void);

int
taskq_test(void)
{
	static int one = 1;
	struct lwp *l;
	int error, i, s;

	error = kthread_create(PRI_NONE, KTHREAD_JOINABLE, NULL, task_thread,
	    NULL, &l, "taskq");
	if (error)
		return error;
	for (i = 0; i < 20; i++) {
		error = task_sched(i % 3, task_run, &one);
		if (error)
			return error;
	}
	TASK_LOCK(s);
	task_exit = 1;
	wakeup(&task_queue);
	TASK_UNLOCK(s);
	kthread_join(l);
	return task_done == 20 ? 0 : 1;
}
