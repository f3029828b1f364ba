/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Kernel threads of Linux, on kthread(9).
 *
 * A thread is started at once, so that it is known whether there can be one,
 * and waits for wake_up_process().  As a thread is bound to its CPU when it
 * starts, kthread_bind() starts another in its place.
 */

#include <errno.h>
#include <string.h>

#include "linux_task.h"

#define	TASK_NQUARANTINE	16

static kmutex_t		task_lock = KMUTEX_INITIALIZER;

/* Ended ones, oldest first; (task_lock). */
static struct task_struct *task_dead;
static struct task_struct **task_deadlast = &task_dead;
static int		task_ndead;

/* The thread's own task. */
static specificdata_key_t task_key;
static ONCE_DECL(task_once);

static int
task_init(void)
{

	return lwp_specific_key_create(&task_key, NULL);
}

void
lwq_task_fork(void)
{

	atomic_store_relaxed(&task_lock.mtx_owner, (uintptr_t)0);
	task_dead = NULL;
	task_deadlast = &task_dead;
	task_ndead = 0;
	if (task_once.o_status == ONCE_RUNNING)
		memset(&task_once, 0, sizeof(task_once));
}

static struct task_struct *
task_get(void)
{
	struct task_struct *t;

	t = NULL;
	mutex_enter(&task_lock);
	if (task_ndead > TASK_NQUARANTINE) {
		t = task_dead;
		task_dead = t->t_next;
		task_ndead--;
	}
	mutex_exit(&task_lock);
	if (t == NULL && (t = kmem_zalloc(sizeof(*t), KM_NOSLEEP)) != NULL) {
		mutex_init(&t->t_lock, MUTEX_DEFAULT, IPL_NONE);
		cv_init(&t->t_cv, "kthread");
	}
	return t;
}

static void
task_put(struct task_struct *t)
{

	mutex_enter(&task_lock);
	t->t_next = NULL;
	*task_deadlast = t;
	task_deadlast = &t->t_next;
	task_ndead++;
	mutex_exit(&task_lock);
}

__lwq_public struct task_struct *
lwq_current(void)
{

	if (RUN_ONCE(&task_once, task_init) != 0)
		return NULL;
	return lwp_getspecific(task_key);
}

static void
task_main(void *arg)
{
	struct task_struct *t;
	bool stopped;
	int result;

	t = arg;
	mutex_enter(&t->t_lock);
	while (!t->t_woken && !t->t_stop && t->t_lwp == curlwp)
		cv_wait(&t->t_cv, &t->t_lock);
	if (t->t_lwp != curlwp) {
		/* Another has our place. */
		mutex_exit(&t->t_lock);
		return;
	}
	stopped = t->t_stop;
	mutex_exit(&t->t_lock);
	lwp_setspecific(task_key, t);
	/* One that is stopped before it was begun does not begin. */
	result = stopped ? -EINTR : (*t->t_func)(t->t_data);

	mutex_enter(&t->t_lock);
	t->t_result = result;
	t->t_exited = true;
	stopped = t->t_stopper;
	cv_broadcast(&t->t_cv);
	mutex_exit(&t->t_lock);
	lwp_setspecific(task_key, NULL);
	/* Or whoever stops it does so. */
	if (!stopped)
		task_put(t);
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

	if (RUN_ONCE(&task_once, task_init) != 0 || (t = task_get()) == NULL)
		return ERR_PTR(-ENOMEM);
	t->t_func = func;
	t->t_data = data;
	len = wqk_vsnprintf(t->t_name, sizeof(t->t_name), fmt, ap);
	if (len >= (int)sizeof(t->t_name))
		wqk_printf_tolog("kthread_create: the name is too long, and "
		    "cut: \"%s\"\n", t->t_name);
	mutex_enter(&t->t_lock);
	t->t_worker = NULL;
	t->t_rounds = 0;
	t->t_marked = false;
	t->t_state = TASK_RUNNING;
	t->t_woken = t->t_stop = t->t_exited = t->t_stopper = false;
	t->t_result = 0;
	error = task_start(t, NULL, &t->t_lwp);
	mutex_exit(&t->t_lock);
	if (error != 0) {
		task_put(t);
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
	if (t->t_woken)
		wqk_panic("kthread_bind: \"%s\" runs already", t->t_name);
	/* If another cannot be had it stays as it is. */
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
	int asleep;

	mutex_enter(&t->t_lock);
	asleep = !t->t_woken || t->t_state != TASK_RUNNING;
	t->t_woken = true;
	t->t_state = TASK_RUNNING;
	cv_broadcast(&t->t_cv);
	mutex_exit(&t->t_lock);
	return asleep;
}

__lwq_public int
kthread_stop(struct task_struct *t)
{
	int result;

	if (t == lwq_current())
		wqk_panic("kthread_stop: \"%s\" stops itself", t->t_name);
	mutex_enter(&t->t_lock);
	if (t->t_exited) {
		/* It is on the list already. */
		result = t->t_result;
		mutex_exit(&t->t_lock);
		return result;
	}
	if (!t->t_stop && t->t_worker != NULL)
		lwq_worker_finish(t->t_worker);
	t->t_stop = t->t_stopper = true;
	t->t_state = TASK_RUNNING;
	cv_broadcast(&t->t_cv);
	while (!t->t_exited)
		cv_wait(&t->t_cv, &t->t_lock);
	result = t->t_result;
	mutex_exit(&t->t_lock);
	task_put(t);
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

__lwq_public void
set_current_state(int state)
{
	struct task_struct *t;

	if ((t = lwq_current()) == NULL)
		return;
	mutex_enter(&t->t_lock);
	t->t_state = state;
	mutex_exit(&t->t_lock);
}

__lwq_public long
schedule_timeout(long timeout)
{
	struct task_struct *t;
	unsigned long end, now;
	long left;

	end = jiffies + (unsigned long)timeout;
	left = timeout;
	if ((t = lwq_current()) == NULL)
		wqk_panic("schedule: not in a thread of kthread_create()");
	mutex_enter(&t->t_lock);
	while (t->t_state != TASK_RUNNING && left > 0) {
		if (timeout == MAX_SCHEDULE_TIMEOUT) {
			cv_wait(&t->t_cv, &t->t_lock);
			continue;
		}
		(void)cv_timedwait(&t->t_cv, &t->t_lock,
		    left > INT32_MAX ? INT32_MAX : (int)left);
		now = jiffies;
		left = (long)(end - now);
	}
	t->t_state = TASK_RUNNING;
	mutex_exit(&t->t_lock);
	return left < 0 ? 0 : left;
}

__lwq_public void
schedule(void)
{

	(void)schedule_timeout(MAX_SCHEDULE_TIMEOUT);
}
