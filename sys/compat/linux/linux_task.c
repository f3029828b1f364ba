/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Tasks of Linux: how a thread sleeps and is woken.
 *
 * A thread of kthread_create() has its task from the start.  Any other thread
 * has one from its first request until it ends.
 */

#include "linux_task.h"

static struct lwq_stable task_dead = LWQ_STABLE_INITIALIZER(task_dead, NULL);

/* The calling thread's task. */
static specificdata_key_t task_key;
static ONCE_DECL(task_once);

static void
task_end(void *arg)
{

	lwq_task_put(arg);
}

static int
task_init(void)
{

	return lwp_specific_key_create(&task_key, task_end);
}

static void
task_initlocks(struct task_struct *t)
{

	mutex_init(&t->t_lock, MUTEX_NODEBUG, IPL_NONE);
	/* Without cv_init() no cv_destroy() is needed. */
	t->t_cv.cv_wmesg = "kthread";
	t->t_scv.cv_wmesg = "schedule";
	mutex_init(&t->t_slock, MUTEX_NODEBUG, IPL_HIGH);
}

void
lwq_task_fork(void)
{
	struct task_struct *t;

	lwq_stable_fork(&task_dead);
	/*
	 * At the fork a thread of the parent may have held the locks of the
	 * caller's task, because it was waking the caller.
	 */
	if (task_once.o_status == ONCE_DONE &&
	    (t = lwp_getspecific(task_key)) != NULL) {
		atomic_store_relaxed(&t->t_lock.mtx_owner, (uintptr_t)0);
		atomic_store_relaxed(&t->t_slock.mtx_owner, (uintptr_t)0);
		t->t_cv.cv_waiters = 0;
		t->t_scv.cv_waiters = 0;
	}
}

/*
 * Return a task that no thread has, or NULL.
 */
struct task_struct *
lwq_task_get(void)
{
	struct task_struct *t;
	struct __lwq_link *l;

	if (RUN_ONCE(&task_once, task_init) != 0)
		return NULL;
	if ((l = lwq_stable_get(&task_dead)) != NULL)
		t = container_of(l, struct task_struct, t_link);
	else if ((t = kmem_zalloc(sizeof(*t), KM_NOSLEEP)) != NULL)
		task_initlocks(t);
	else
		return NULL;
	t->t_func = NULL;
	t->t_lwp = NULL;
	t->t_name[0] = '\0';
	t->t_onstop = NULL;
	t->t_stop = false;
	t->t_result = 0;
	lwq_task_setstate(t, TASK_RUNNING);
	return t;
}

void
lwq_task_put(struct task_struct *t)
{

	lwq_stable_put(&task_dead, &t->t_link);
}

/*
 * Make a task the calling thread's own.  NULL: the thread has none.
 */
void
lwq_task_own(struct task_struct *t)
{

	lwp_setspecific(task_key, t);
}

/*
 * Return the caller's task.  Return NULL if it has none and none can be created
 * here.
 */
__lwq_public struct task_struct *
lwq_current(void)
{
	struct task_struct *t;

	if (in_interrupt())
		return atomic_load_acquire(&task_once.o_status) == ONCE_DONE ?
		    lwp_getspecific(task_key) : NULL;
	if (RUN_ONCE(&task_once, task_init) != 0)
		return NULL;
	t = lwp_getspecific(task_key);
	if (t == NULL && (t = lwq_task_get()) != NULL) {
		/* No other thread knows it. */
		atomic_store_relaxed(&t->t_life, TASK_BEGUN);
		lwq_task_own(t);
	}
	return t;
}

/*
 * Return the task of a caller that is about to sleep.
 */
struct task_struct *
lwq_task_self(const char *func)
{
	struct task_struct *t;

	if (in_interrupt())
		wqk_panic("%s: called in a soft interrupt or an interrupt",
		    func);
	if ((t = lwq_current()) == NULL)
		wqk_panic("%s: no memory", func);
	return t;
}

/*
 * Set the state of the caller's own task.
 */
void
lwq_task_setstate(struct task_struct *t, int state)
{

	mutex_enter(&t->t_slock);
	t->t_state = state;
	mutex_exit(&t->t_slock);
}

/*
 * Wake a task if it is in one of these states.  Any context.
 */
bool
lwq_task_wake(struct task_struct *t, int states)
{
	bool asleep;

	mutex_enter(&t->t_slock);
	asleep = (t->t_state & states) != 0;
	if (asleep) {
		t->t_state = TASK_RUNNING;
		cv_broadcast(&t->t_scv);
	}
	mutex_exit(&t->t_slock);
	return asleep;
}

__lwq_public void
set_current_state(int state)
{

	lwq_task_setstate(lwq_task_self("set_current_state"), state);
}

__lwq_public long
schedule_timeout(long timeout)
{
	struct task_struct *t;
	unsigned long end;
	long left;

	t = lwq_task_self("schedule");
	end = lwq_timeout_end(timeout);
	left = timeout;
	mutex_enter(&t->t_slock);
	while (t->t_state != TASK_RUNNING && left > 0) {
		if (timeout == MAX_SCHEDULE_TIMEOUT)
			cv_wait(&t->t_scv, &t->t_slock);
		else
			left = lwq_timedwait(&t->t_scv, &t->t_slock, end);
	}
	t->t_state = TASK_RUNNING;
	mutex_exit(&t->t_slock);
	return left < 0 ? 0 : left;
}

__lwq_public void
schedule(void)
{

	(void)schedule_timeout(MAX_SCHEDULE_TIMEOUT);
}
