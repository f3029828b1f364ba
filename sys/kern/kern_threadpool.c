/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * threadpool(9).  A job is an item of a wqpool that keeps a spare thread.
 *
 * The interlock guards the state of a job.  The interlock may be a spin mutex,
 * so the calls that schedule or cancel a job access only the job and the pool's
 * inbox.  A cancelled job stays in the pool's queue (job_queued).  If it is
 * scheduled again before a thread takes it out, the thread runs it.  Otherwise
 * the thread skips it.  threadpool_job_destroy() takes it out of the queue.
 *
 * The client may free the job after threadpool_job_done(), once the interlock
 * is released.  So the thread that runs the job does not access the job after
 * the job's function has returned.  Instead, threadpool_job_done() sets a flag
 * on the thread's stack, to which job_donep points.
 */

#include <errno.h>
#include <limits.h>

#include <host/host_probe.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "subr_cpu.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"
#include "subr_wqpool.h"
#include "subr_wqstat.h"

#include <sys/threadpool.h>

#define	THREADPOOL_IDLETIME	(INT64_C(30) * 1000000000)

_Static_assert(offsetof(struct threadpool_job, job_lock) -
    offsetof(struct threadpool_job, job_work) == sizeof(struct wqpool_work),
    "a job begins with a struct wqpool_work");

/*
 * Fields: (l) threadpool_lock, (c) set before the pool is on a list.
 */
struct threadpool {
	struct threadpool *tp_next;	/* (l) */
	struct wqpool	*tp_wqpool;	/* (c) */
	pri_t		 tp_pri;	/* (c) */
	unsigned	 tp_refcnt;	/* (l) */
};

struct threadpool_percpu {
	struct threadpool_percpu *tpp_next; /* (l) */
	pri_t		 tpp_pri;	/* (c) */
	unsigned	 tpp_refcnt;	/* (l) */
	struct threadpool tpp_pools[];	/* (c) ncpu elements */
};

static struct wqpool_kind threadpool_kind = {
	.pk_name = "threadpool",
	.pk_func = (int32_t)offsetof(struct threadpool_job, job_fn) -
	    (int32_t)offsetof(struct threadpool_job, job_work)
};

/*
 * The lists of pools.  The lock is not held while a pool is created or
 * destroyed.
 */
KERN_MUTEX(threadpool_lock);
static kcondvar_t	threadpool_cv = { .cv_wmesg = "thrpool" };
static int		threadpool_nholds;		/* (l) */
static struct threadpool *threadpool_list;		/* (l) */
static struct threadpool_percpu *threadpool_percpu_list; /* (l) */

/*
 * Check that a job has changed no state of its thread.  The job has returned,
 * and its memory may be gone.
 */
static void
threadpool_check_return(struct lwp *l, threadpool_job_fn_t *fn, int held,
    uintptr_t site)
{
	struct context cx = { IPL_NONE, 0, 0 };

	lockdebug_barrier("threadpool: job", (void *)(uintptr_t)fn, held);
	context_check(l, &cx, "threadpool: job \"%s\" (made at %pS) returned",
	    l->l_namebuf, (const void *)site);
}

/*
 * Run a job that was taken from the queue of a pool, or skip it.
 */
static void
threadpool_run(struct work *wk, void *arg)
{
	struct threadpool_job *job;
	struct threadpool *pool;
	threadpool_job_fn_t *fn;
	struct lwp *l;
	kmutex_t *lock;
	uintptr_t site;
	int held;
	bool done;

	site = 0;
	held = KERN_CHECKING() ? lockdebug_held() : 0;
	pool = arg;
	job = (struct threadpool_job *)(void *)((char *)wk -
	    offsetof(struct threadpool_job, job_work));
	/* The job exists while job_queued is set. */
	lock = job->job_lock;
	mutex_enter(lock);
	job->job_queued = NULL;
	if (!job->job_scheduled) {
		/* threadpool_job_destroy() may wait for this. */
		cv_broadcast(&job->job_cv);
		mutex_exit(lock);
		return;
	}
	if (job->job_pool != pool) {
		job->job_queued = job->job_pool;
		wqpool_enqueue(job->job_pool->tp_wqpool, &job->job_work);
		mutex_exit(lock);
		return;
	}
	l = host_self();
	fn = job->job_fn;
	done = false;
	job->job_scheduled = false;
	job->job_lwp = l;
	job->job_donep = &done;
	(void)ksnprintf(l->l_namebuf, sizeof(l->l_namebuf), "%s",
	    job->job_name);
	if (KERN_CHECKING())
		site = lockdebug_call_begin(job, NULL, (uintptr_t)fn);
	mutex_exit(lock);

	HOST_PROBE2(sdt, kernel__threadpool__thread__job, pool, job);
	(*fn)(job);
	if (!done)
		panic("threadpool: job \"%s\" returned without "
		    "threadpool_job_done", l->l_namebuf);
	KERN_CHECK(threadpool_check_return(l, fn, held, site));
}

/*
 * Create the wqpool of a pool, bound to a CPU if ci is not NULL.
 */
static int
threadpool_init(struct threadpool *pool, pri_t pri, struct cpu_info *ci)
{
	struct wqpool_attr pa = {
		.pa_kind = &threadpool_kind, .pa_func = threadpool_run,
		.pa_arg = pool, .pa_ci = ci, .pa_prio = pri,
		.pa_maxthreads = INT_MAX,
		.pa_flags = WQPOOL_SPARE | WQPOOL_SHARED,
		.pa_idletime = THREADPOOL_IDLETIME
	};
	char name[MAXCOMLEN];

	if (ci == NULL)
		(void)ksnprintf(name, sizeof(name), "threadpool/%d", pri);
	else
		(void)ksnprintf(name, sizeof(name), "thrpool/%d@%u", pri,
		    ci->ci_index);
	pa.pa_name = name;
	pool->tp_pri = pri;
	pool->tp_refcnt = 1;
	return wqpool_create(&pool->tp_wqpool, &pa);
}

__kern_public int
threadpool_get(struct threadpool **poolp, pri_t pri)
{
	struct threadpool *new, *pool;
	int error;

	kern_init();
	if (pri < PRI_NONE || pri >= PRI_COUNT)
		return kern_einval("threadpool_get",
		    "priority %d, not %d to %d", pri, PRI_NONE, PRI_COUNT - 1);
	KERN_CHECK(context_check_sleep("threadpool_get"));
	for (new = NULL;;) {
		mutex_enter(&threadpool_lock);
		for (pool = threadpool_list; pool != NULL;
		    pool = pool->tp_next)
			if (pool->tp_pri == pri)
				break;
		if (pool != NULL)
			pool->tp_refcnt++;
		else if (new != NULL) {
			new->tp_next = threadpool_list;
			threadpool_list = pool = new;
			new = NULL;
		}
		mutex_exit(&threadpool_lock);
		if (pool != NULL)
			break;
		if ((new = host_alloc(sizeof(*new))) == NULL)
			return ENOMEM;
		if ((error = threadpool_init(new, pri, NULL)) != 0) {
			host_free(new);
			return error;
		}
	}
	/* If another thread has added a pool first, drop ours. */
	if (new != NULL) {
		wqpool_destroy(new->tp_wqpool);
		host_free(new);
	}
	*poolp = pool;
	return 0;
}

/*
 * Release a reference.  Return true if it was the last one; then no other
 * thread uses the pool.
 */
static bool
threadpool_rele(struct threadpool *pool)
{
	struct threadpool **poolp;
	bool last;

	mutex_enter(&threadpool_lock);
	KASSERT(pool->tp_refcnt != 0);
	if ((last = --pool->tp_refcnt == 0)) {
		/* In a forked child the parent's pools are not listed. */
		for (poolp = &threadpool_list; *poolp != NULL;
		    poolp = &(*poolp)->tp_next)
			if (*poolp == pool) {
				*poolp = pool->tp_next;
				break;
			}
		while (threadpool_nholds != 0)
			cv_wait(&threadpool_cv, &threadpool_lock);
	}
	mutex_exit(&threadpool_lock);
	return last;
}

__kern_public void
threadpool_put(struct threadpool *pool, pri_t pri)
{

	KERN_CHECK(context_check_sleep("threadpool_put"));
	KASSERTMSG(pool->tp_pri == pri,
	    "threadpool_put: priority %d is not the pool's %d", pri,
	    pool->tp_pri);
	if (threadpool_rele(pool)) {
		wqpool_destroy(pool->tp_wqpool);
		host_free(pool);
	}
}

static void
threadpool_percpu_free(struct threadpool_percpu *tpp, int n)
{

	while (n-- > 0)
		wqpool_destroy(tpp->tpp_pools[n].tp_wqpool);
	host_free(tpp);
}

static int
threadpool_percpu_create(struct threadpool_percpu **tppp, pri_t pri)
{
	struct threadpool_percpu *tpp;
	int error, i;

	tpp = host_alloc(sizeof(*tpp) +
	    (size_t)ncpu * sizeof(tpp->tpp_pools[0]));
	if (tpp == NULL)
		return ENOMEM;
	tpp->tpp_pri = pri;
	tpp->tpp_refcnt = 1;
	for (i = 0; i < ncpu; i++) {
		error = threadpool_init(&tpp->tpp_pools[i], pri,
		    cpu_lookup((unsigned)i));
		if (error != 0) {
			threadpool_percpu_free(tpp, i);
			return error;
		}
	}
	*tppp = tpp;
	return 0;
}

__kern_public int
threadpool_percpu_get(struct threadpool_percpu **tppp, pri_t pri)
{
	struct threadpool_percpu *new, *tpp;
	int error;

	kern_init();
	if (pri < PRI_NONE || pri >= PRI_COUNT)
		return kern_einval("threadpool_percpu_get",
		    "priority %d, not %d to %d", pri, PRI_NONE, PRI_COUNT - 1);
	KERN_CHECK(context_check_sleep("threadpool_percpu_get"));
	for (new = NULL;;) {
		mutex_enter(&threadpool_lock);
		for (tpp = threadpool_percpu_list; tpp != NULL;
		    tpp = tpp->tpp_next)
			if (tpp->tpp_pri == pri)
				break;
		if (tpp != NULL)
			tpp->tpp_refcnt++;
		else if (new != NULL) {
			new->tpp_next = threadpool_percpu_list;
			threadpool_percpu_list = tpp = new;
			new = NULL;
		}
		mutex_exit(&threadpool_lock);
		if (tpp != NULL)
			break;
		if ((error = threadpool_percpu_create(&new, pri)) != 0)
			return error;
	}
	/* If another thread has added a pool first, drop ours. */
	if (new != NULL)
		threadpool_percpu_free(new, ncpu);
	*tppp = tpp;
	return 0;
}

static bool
threadpool_percpu_rele(struct threadpool_percpu *tpp)
{
	struct threadpool_percpu **tppp;
	bool last;

	mutex_enter(&threadpool_lock);
	KASSERT(tpp->tpp_refcnt != 0);
	if ((last = --tpp->tpp_refcnt == 0)) {
		for (tppp = &threadpool_percpu_list; *tppp != NULL;
		    tppp = &(*tppp)->tpp_next)
			if (*tppp == tpp) {
				*tppp = tpp->tpp_next;
				break;
			}
		while (threadpool_nholds != 0)
			cv_wait(&threadpool_cv, &threadpool_lock);
	}
	mutex_exit(&threadpool_lock);
	return last;
}

__kern_public void
threadpool_percpu_put(struct threadpool_percpu *tpp, pri_t pri)
{

	KERN_CHECK(context_check_sleep("threadpool_percpu_put"));
	KASSERTMSG(tpp->tpp_pri == pri,
	    "threadpool_percpu_put: priority %d is not the pool's %d", pri,
	    tpp->tpp_pri);
	if (threadpool_percpu_rele(tpp))
		threadpool_percpu_free(tpp, ncpu);
}

__kern_public struct threadpool *
threadpool_percpu_ref(struct threadpool_percpu *tpp)
{

	return threadpool_percpu_ref_remote(tpp, curcpu());
}

__kern_public struct threadpool *
threadpool_percpu_ref_remote(struct threadpool_percpu *tpp,
    struct cpu_info *ci)
{

	KASSERTMSG(cpu_among(ci, ncpu),
	    "threadpool_percpu_ref_remote: no such CPU");
	return &tpp->tpp_pools[ci->ci_index];
}

/*
 * Jobs.
 */

static void
threadpool_job_dead(struct threadpool_job *job)
{

	panic("threadpool: job %p (%s) is destroyed", (void *)job,
	    job->job_name);
}

__kern_public void
threadpool_job_init(struct threadpool_job *job, threadpool_job_fn_t *fn,
    kmutex_t *interlock, const char *fmt, ...)
{
	va_list ap;

	KASSERTMSG(fn != NULL, "threadpool_job_init: no function");
	KASSERTMSG(interlock != NULL, "threadpool_job_init: no interlock");
	va_start(ap, fmt);
	(void)kvsnprintf(job->job_name, sizeof(job->job_name), fmt, ap);
	va_end(ap);
	job->job_lock = interlock;
	/* No cv_init(), because checking mode watches the job instead. */
	job->job_cv.cv_wmesg = job->job_name;
	atomic_store_relaxed(&job->job_cv.cv_waiters, 0u);
	KERN_CHECK(lockdebug_make("threadpool_job_init", job, "job", NULL,
	    LOCKDEBUG_RUN, NULL, LOCKDEBUG_SITE()));
	job->job_links[0] = job->job_links[1] = NULL;
	job->job_fn = fn;
	job->job_pool = job->job_queued = NULL;
	job->job_lwp = NULL;
	job->job_donep = NULL;
	job->job_forkgen = kern_forkgen;
	job->job_scheduled = false;
}

/*
 * Reset a job of the parent in a forked child.  There it is not scheduled, and
 * the threads that ran it or waited for it do not exist.
 */
static void
threadpool_job_renew(struct threadpool_job *job)
{

	if (__predict_true(job->job_forkgen == kern_forkgen))
		return;
	job->job_forkgen = kern_forkgen;
	job->job_queued = NULL;
	job->job_scheduled = false;
	/* If the job itself called fork(2), it still runs here. */
	if (job->job_lwp != host_self()) {
		job->job_lwp = NULL;
		job->job_donep = NULL;
	}
	atomic_store_relaxed(&job->job_cv.cv_waiters, 0u);
}

/*
 * Return true if the pool still exists.  It then exists until
 * threadpool_unhold().
 */
static bool
threadpool_hold(const struct threadpool *pool)
{
	const struct threadpool_percpu *tpp;
	const struct threadpool *p;

	mutex_enter(&threadpool_lock);
	for (p = threadpool_list; p != NULL && p != pool;)
		p = p->tp_next;
	for (tpp = threadpool_percpu_list; p == NULL && tpp != NULL;
	    tpp = tpp->tpp_next)
		if (pool >= &tpp->tpp_pools[0] && pool < &tpp->tpp_pools[ncpu])
			p = pool;
	if (p != NULL)
		threadpool_nholds++;
	mutex_exit(&threadpool_lock);
	return p != NULL;
}

static void
threadpool_unhold(void)
{

	mutex_enter(&threadpool_lock);
	if (--threadpool_nholds == 0)
		cv_broadcast(&threadpool_cv);
	mutex_exit(&threadpool_lock);
}

__kern_public void
threadpool_job_destroy(struct threadpool_job *job)
{
	struct threadpool *pool;
	bool found;

	KERN_CHECK(context_check_sleep("threadpool_job_destroy"));
	mutex_enter(job->job_lock);
	threadpool_job_renew(job);
	KASSERTMSG(!job->job_scheduled,
	    "threadpool_job_destroy: job %p (%s) is scheduled", (void *)job,
	    job->job_name);
	KASSERTMSG(job->job_lwp == NULL,
	    "threadpool_job_destroy: job %p (%s) is running", (void *)job,
	    job->job_name);
	/*
	 * If the job was cancelled but is still queued, take it out of the
	 * queue.  If it is not there, a thread has just taken it and waits for
	 * the interlock, or the pool is being destroyed and runs its last
	 * items.
	 */
	while ((pool = job->job_queued) != NULL) {
		mutex_exit(job->job_lock);
		found = false;
		if (threadpool_hold(pool)) {
			found = wqpool_cancel(pool->tp_wqpool, &job->job_work);
			threadpool_unhold();
		}
		mutex_enter(job->job_lock);
		if (found)
			job->job_queued = NULL;
		else if (job->job_queued != NULL)
			cv_wait(&job->job_cv, job->job_lock);
	}
	mutex_exit(job->job_lock);
	KASSERTMSG(!cv_has_waiters(&job->job_cv),
	    "threadpool_job_destroy: job %p (%s): a thread waits for it",
	    (void *)job, job->job_name);
	KERN_CHECK(lockdebug_end(job));
	job->job_fn = threadpool_job_dead;
}

__kern_public void
threadpool_job_done(struct threadpool_job *job)
{

	KASSERTMSG(mutex_owned(job->job_lock),
	    "threadpool_job_done: job %p (%s): interlock not held",
	    (void *)job, job->job_name);
	KASSERTMSG(job->job_lwp != NULL && job->job_lwp == host_self(),
	    "threadpool_job_done: job %p (%s): called by a thread that does "
	    "not run it",
	    (void *)job, job->job_name);
	KERN_CHECK(lockdebug_call_detach(job));
	*job->job_donep = true;
	job->job_donep = NULL;
	job->job_lwp = NULL;
	cv_broadcast(&job->job_cv);
}

__kern_public void
threadpool_schedule_job(struct threadpool *pool, struct threadpool_job *job)
{

	KASSERTMSG(mutex_owned(job->job_lock),
	    "threadpool_schedule_job: job %p (%s): interlock not held",
	    (void *)job, job->job_name);
	if (job->job_fn == threadpool_job_dead)
		threadpool_job_dead(job);
	threadpool_job_renew(job);
	if (job->job_scheduled || job->job_lwp != NULL)
		return;
	job->job_scheduled = true;
	job->job_pool = pool;
	/* If the cancelled job is still queued, a thread runs it from there. */
	HOST_PROBE2(sdt, kernel__threadpool__schedule__job, pool, job);
	if (job->job_queued == NULL) {
		job->job_queued = pool;
		wqpool_enqueue(pool->tp_wqpool, &job->job_work);
	}
}

__kern_public bool
threadpool_cancel_job_async(struct threadpool *pool,
    struct threadpool_job *job)
{

	KASSERTMSG(mutex_owned(job->job_lock),
	    "threadpool_cancel_job_async: job %p (%s): interlock not held",
	    (void *)job, job->job_name);
	threadpool_job_renew(job);
	KASSERTMSG((!job->job_scheduled && job->job_lwp == NULL) ||
	    job->job_pool == pool,
	    "threadpool_cancel_job_async: job %p (%s) is on another pool",
	    (void *)job, job->job_name);
	job->job_scheduled = false;
	return job->job_lwp == NULL;
}

__kern_public void
threadpool_cancel_job(struct threadpool *pool, struct threadpool_job *job)
{

	KASSERTMSG(job->job_lwp == NULL || job->job_lwp != host_self(),
	    "threadpool_cancel_job: job %p (%s) would wait for itself",
	    (void *)job, job->job_name);
	KERN_CHECK(lockdebug_maywait_func("threadpool_cancel_job", job, 0,
	    job->job_lock, LOCKDEBUG_SITE()));
	if (threadpool_cancel_job_async(pool, job))
		return;
	KERN_CHECK(lockdebug_wait_call("threadpool_cancel_job", job,
	    job->job_lock));
	/* If another thread schedules the job meanwhile, it may run again. */
	do {
		cv_wait(&job->job_cv, job->job_lock);
	} while (job->job_lwp != NULL);
	KERN_CHECK(lockdebug_wait_end());
}

/*
 * Forget the pools in a forked child, where their threads do not exist.
 * threadpool_get() and threadpool_percpu_get() create new ones.
 */
void
threadpool_fork(struct lwp *l)
{

	(void)l;
	threadpool_cv.cv_waiters = 0;
	threadpool_nholds = 0;
	threadpool_list = NULL;
	threadpool_percpu_list = NULL;
}
