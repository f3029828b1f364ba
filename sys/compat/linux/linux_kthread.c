/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Kernel threads of Linux, on kthread(9).
 *
 * kthread_create() starts the thread at once, so that it can return an error.
 * The thread then waits for wake_up_process().  A thread can be bound to a CPU
 * only when it starts, so kthread_bind() starts another thread in its place.
 */

#include <errno.h>

#include "linux_task.h"

/* See lwq_task_prepare().  A constructor sets these. */
static int	(*task_func)(void *);
static int	(*task_prepare)(void);

/*
 * Register prepare(), which is called before a thread that runs func() is
 * created.  prepare() returns 0 or an error.  Only one pair of func() and
 * prepare() can be registered.
 */
void
lwq_task_prepare(int (*func)(void *), int (*prepare)(void))
{

	task_func = func;
	task_prepare = prepare;
}

/*
 * Move a task to a later state of its life.
 */
static void
task_setlife(struct task_struct *t, enum task_life life)
{

	KASSERT(mutex_owned(&t->t_lock));
	KASSERT(life == TASK_WAITS || t->t_life < life);
	atomic_store_relaxed(&t->t_life, life);
}

static void
task_main(void *arg)
{
	struct task_struct *t;
	bool stopped;
	int result;

	t = arg;
	mutex_enter(&t->t_lock);
	while (t->t_life == TASK_WAITS && !t->t_stop && t->t_lwp == curlwp)
		cv_wait(&t->t_cv, &t->t_lock);
	if (t->t_lwp != curlwp) {
		/* kthread_bind() has started another thread instead. */
		mutex_exit(&t->t_lock);
		return;
	}
	stopped = t->t_stop;
	mutex_exit(&t->t_lock);
	lwq_task_own(t);
	/* A thread that was stopped before it began does not call t_func(). */
	result = stopped ? -EINTR : (*t->t_func)(t->t_data);

	mutex_enter(&t->t_lock);
	t->t_result = result;
	task_setlife(t, TASK_EXITED);
	stopped = t->t_stop;
	cv_broadcast(&t->t_cv);
	mutex_exit(&t->t_lock);
	lwq_task_own(NULL);
	/* If t_stop is set, kthread_stop() calls lwq_task_put(). */
	if (!stopped)
		lwq_task_put(t);
}

static int
task_start(struct task_struct *t, struct cpu_info *ci, struct lwp **lp)
{

	return wqk_kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_TS, ci,
	    task_main, t, lp, "%s", t->t_name);
}

struct task_struct *
lwq_task_create(int (*func)(void *), void *data, const char *fmt, va_list ap)
{
	struct task_struct *t;
	int error, len;

	if (func == task_func && (error = (*task_prepare)()) != 0)
		return ERR_PTR(-error);
	if ((t = lwq_task_get()) == NULL)
		return ERR_PTR(-ENOMEM);
	t->t_func = func;
	t->t_data = data;
	len = wqk_vsnprintf(t->t_name, sizeof(t->t_name), fmt, ap);
	if (len >= (int)sizeof(t->t_name))
		wqk_printf_tolog("kthread_create: the name is too long, and "
		    "cut: \"%s\"\n", t->t_name);
	mutex_enter(&t->t_lock);
	task_setlife(t, TASK_WAITS);
	error = task_start(t, NULL, &t->t_lwp);
	mutex_exit(&t->t_lock);
	if (error != 0) {
		lwq_task_put(t);
		return ERR_PTR(-error);
	}
	return t;
}

__lwq_public struct task_struct *
lwq_kthread_create(int (*func)(void *), void *data, const char *fmt, ...)
{
	struct task_struct *t;
	va_list ap;

	va_start(ap, fmt);
	t = lwq_task_create(func, data, fmt, ap);
	va_end(ap);
	return t;
}

__lwq_public struct task_struct *
lwq_kthread_run(int (*func)(void *), void *data, const char *fmt, ...)
{
	struct task_struct *t;
	va_list ap;

	va_start(ap, fmt);
	t = lwq_task_create(func, data, fmt, ap);
	va_end(ap);
	if (!IS_ERR(t))
		(void)wake_up_process(t);
	return t;
}

__lwq_public void
kthread_bind(struct task_struct *t, unsigned int cpu)
{
	struct cpu_info *ci;
	struct lwp *l;
	int error;

	if ((ci = wqk_cpu_lookup(cpu)) == NULL)
		wqk_panic("kthread_bind: no CPU %u", cpu);
	mutex_enter(&t->t_lock);
	if (t->t_life != TASK_WAITS)
		wqk_panic("kthread_bind: \"%s\" runs already", t->t_name);
	/* If no thread can be started on the CPU, keep the old one. */
	error = task_start(t, ci, &l);
	if (error == 0)
		t->t_lwp = l;
	cv_broadcast(&t->t_cv);
	mutex_exit(&t->t_lock);
	if (error != 0)
		wqk_printf_tolog("kthread_bind: \"%s\": error %d; it is not "
		    "bound\n", t->t_name, error);
}

__lwq_public int
wake_up_process(struct task_struct *t)
{
	bool begins;

	/* A handler cannot take t_lock, so it cannot let a task begin. */
	if (atomic_load_relaxed(&t->t_life) == TASK_WAITS) {
		mutex_enter(&t->t_lock);
		if ((begins = t->t_life == TASK_WAITS))
			task_setlife(t, TASK_BEGUN);
		cv_broadcast(&t->t_cv);
		mutex_exit(&t->t_lock);
		if (begins)
			return 1;
	}
	return lwq_task_wake(t, ~0);
}

__lwq_public int
kthread_stop(struct task_struct *t)
{
	int result;

	if (t == lwq_current())
		wqk_panic("kthread_stop: \"%s\" stops itself", t->t_name);
	mutex_enter(&t->t_lock);
	if (t->t_life == TASK_EXITED) {
		/* The thread has put t on the list already. */
		result = t->t_result;
		mutex_exit(&t->t_lock);
		return result;
	}
	if (!t->t_stop && t->t_onstop != NULL)
		(*t->t_onstop)(t->t_onstoparg);
	t->t_stop = true;
	(void)lwq_task_wake(t, ~0);
	cv_broadcast(&t->t_cv);
	while (t->t_life != TASK_EXITED)
		cv_wait(&t->t_cv, &t->t_lock);
	result = t->t_result;
	mutex_exit(&t->t_lock);
	lwq_task_put(t);
	return result;
}

__lwq_public bool
kthread_should_stop(void)
{
	struct task_struct *t;
	bool stop;

	if ((t = lwq_current()) == NULL)
		return false;
	mutex_enter(&t->t_lock);
	stop = t->t_stop;
	mutex_exit(&t->t_lock);
	return stop;
}

