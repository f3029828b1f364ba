/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * threadpool(9): jobs are works of a wqpool that keeps a spare thread.
 *
 * All that a job knows of itself is under its interlock, which may be a spin
 * mutex; so scheduling and cancelling touch nothing but the job and the
 * pool's inbox.  A job that is cancelled stays in the pool's queue
 * (job_queued), to be passed over by the thread that meets it, or to be used
 * if it is scheduled again before; threadpool_job_destroy() takes it out.
 *
 * After threadpool_job_done(), and once the interlock is released, the job
 * may be gone; so the thread that runs it holds no pointer to it but job_donep
 * the other way round.
 */

#include <errno.h>
#include <limits.h>

#include "kern.h"
#include "subr_wqpool.h"

#include <sys/threadpool.h>

#define	THREADPOOL_IDLETIME	(INT64_C(30) * 1000000000)

/*
 * Fields: (l) threadpool_lock, (c) set before it is found.
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
	struct threadpool tpp_pools[];	/* (c) ncpu of them */
};

/*
 * The pools there are; an adaptive mutex, of zeros.  Pools are made and
 * unmade without it.
 */
static kmutex_t		threadpool_lock = KMUTEX_INITIALIZER;
static kcondvar_t	threadpool_cv = { .cv_wmesg = "thrpool" };
static int		threadpool_nholds;		/* (l) */
static struct threadpool *threadpool_list;		/* (l) */
static struct threadpool_percpu *threadpool_percpu_list; /* (l) */

/*
 * A job has returned, and may be gone: what has it left behind?
 */
static void
threadpool_check_return(struct lwp *l, threadpool_job_fn_t *fn, int held,
    uintptr_t site)
{
	const void *made;

	made = (const void *)site;
	lockdebug_barrier("threadpool: job", (void *)(uintptr_t)fn, held);
	if (l->l_ipl != IPL_NONE)
		panic("threadpool: job \"%s\" (made at %p) returned at IPL "
		    "%d", l->l_namebuf, made, l->l_ipl);
	if (l->l_mtxcount != 0)
		panic("threadpool: job \"%s\" (made at %p) returned holding "
		    "a spin mutex", l->l_namebuf, made);
	if (l->l_nopreempt != 0)
		panic("threadpool: job \"%s\" (made at %p) returned with "
		    "preemption off", l->l_namebuf, made);
	if (l->l_blcnt != 0)
		panic("threadpool: job \"%s\" (made at %p) returned holding "
		    "%d kernel locks", l->l_namebuf, made, l->l_blcnt);
}

/*
 * Run a job that was met in the queue of a pool, or pass over it.
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
	/* While job_queued is set the job is there. */
	lock = job->job_lock;
	mutex_enter(lock);
	job->job_queued = NULL;
	if (!job->job_scheduled) {
		/* threadpool_job_destroy() may be waiting for that. */
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
		site = lockdebug_run(job, NULL, (uintptr_t)fn);
	mutex_exit(lock);

	(*fn)(job);
	if (!done)
		panic("threadpool: job \"%s\" returned without "
		    "threadpool_job_done", l->l_namebuf);
	if (KERN_CHECKING())
		threadpool_check_return(l, fn, held, site);
}

/*
 * Make the threads of a pool, for a CPU or for none.
 */
static int
threadpool_init(struct threadpool *pool, pri_t pri, struct cpu_info *ci)
{
	struct wqpool_attr pa = {
		.pa_func = threadpool_run, .pa_arg = pool, .pa_ci = ci,
		.pa_prio = pri, .pa_maxthreads = INT_MAX,
		.pa_flags = WQPOOL_SPARE, .pa_idletime = THREADPOOL_IDLETIME
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
		return EINVAL;
	if (KERN_CHECKING())
		wqcheck_sleepable("threadpool_get");
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
	/* Another thread was faster. */
	if (new != NULL) {
		wqpool_destroy(new->tp_wqpool);
		host_free(new);
	}
	*poolp = pool;
	return 0;
}

/*
 * Give up a reference.  The last one's owner has the pool for himself.
 */
static bool
threadpool_rele(struct threadpool *pool)
{
	struct threadpool **poolp;
	bool last;

	mutex_enter(&threadpool_lock);
	KASSERT(pool->tp_refcnt != 0);
	if ((last = --pool->tp_refcnt == 0)) {
		for (poolp = &threadpool_list; *poolp != pool;)
			poolp = &(*poolp)->tp_next;
		*poolp = pool->tp_next;
		while (threadpool_nholds != 0)
			cv_wait(&threadpool_cv, &threadpool_lock);
	}
	mutex_exit(&threadpool_lock);
	return last;
}

__kern_public void
threadpool_put(struct threadpool *pool, pri_t pri)
{

	if (KERN_CHECKING())
		wqcheck_sleepable("threadpool_put");
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
		return EINVAL;
	if (KERN_CHECKING())
		wqcheck_sleepable("threadpool_percpu_get");
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
	/* Another thread was faster. */
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
		for (tppp = &threadpool_percpu_list; *tppp != tpp;)
			tppp = &(*tppp)->tpp_next;
		*tppp = tpp->tpp_next;
		while (threadpool_nholds != 0)
			cv_wait(&threadpool_cv, &threadpool_lock);
	}
	mutex_exit(&threadpool_lock);
	return last;
}

__kern_public void
threadpool_percpu_put(struct threadpool_percpu *tpp, pri_t pri)
{

	if (KERN_CHECKING())
		wqcheck_sleepable("threadpool_percpu_put");
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

	KASSERT(fn != NULL && interlock != NULL);
	va_start(ap, fmt);
	(void)kvsnprintf(job->job_name, sizeof(job->job_name), fmt, ap);
	va_end(ap);
	job->job_lock = interlock;
	/* Not by cv_init(): it is the job that checking mode watches. */
	job->job_cv.cv_wmesg = job->job_name;
	atomic_store_relaxed(&job->job_cv.cv_waiters, 0u);
	if (KERN_CHECKING())
		lockdebug_make("threadpool_job_init", job, "job", NULL,
		    LOCKDEBUG_RUN, LOCKDEBUG_SITE());
	job->job_fn = fn;
	job->job_pool = job->job_queued = NULL;
	job->job_lwp = NULL;
	job->job_donep = NULL;
	job->job_gen = 0;
	job->job_scheduled = false;
}

/*
 * Is it still a pool?  If so it stays one until threadpool_unhold().
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

	if (KERN_CHECKING())
		wqcheck_sleepable("threadpool_job_destroy");
	mutex_enter(job->job_lock);
	KASSERTMSG(!job->job_scheduled,
	    "threadpool_job_destroy: job %p (%s) is scheduled", (void *)job,
	    job->job_name);
	KASSERTMSG(job->job_lwp == NULL,
	    "threadpool_job_destroy: job %p (%s) is running", (void *)job,
	    job->job_name);
	/*
	 * It was cancelled: take it out of the queue.  If it is not there a
	 * thread has just met it and is waiting for the interlock, or the
	 * pool is being destroyed, which runs all that is there.
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
	    "threadpool_job_destroy: job %p (%s) is waited for", (void *)job,
	    job->job_name);
	if (KERN_CHECKING())
		lockdebug_end(job);
	job->job_fn = threadpool_job_dead;
}

__kern_public void
threadpool_job_done(struct threadpool_job *job)
{

	KASSERTMSG(mutex_owned(job->job_lock),
	    "threadpool_job_done: job %p (%s): interlock not held",
	    (void *)job, job->job_name);
	KASSERTMSG(job->job_lwp != NULL && job->job_lwp == host_self(),
	    "threadpool_job_done: job %p (%s): not by the thread that runs it",
	    (void *)job, job->job_name);
	if (KERN_CHECKING())
		lockdebug_done(job);
	*job->job_donep = true;
	job->job_donep = NULL;
	job->job_lwp = NULL;
	job->job_gen++;
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
	if (job->job_scheduled || job->job_lwp != NULL)
		return;
	job->job_scheduled = true;
	job->job_pool = pool;
	/* If it is still where it was cancelled, it is found there. */
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
	unsigned int gen;

	KASSERTMSG(job->job_lwp == NULL || job->job_lwp != host_self(),
	    "threadpool_cancel_job: job %p (%s) would wait for itself",
	    (void *)job, job->job_name);
	if (KERN_CHECKING())
		lockdebug_wantrun("threadpool_cancel_job", job, 0,
		    job->job_lock, LOCKDEBUG_SITE());
	if (threadpool_cancel_job_async(pool, job))
		return;
	gen = job->job_gen;
	if (KERN_CHECKING())
		lockdebug_waitrun("threadpool_cancel_job", job,
		    job->job_lock);
	do {
		cv_wait(&job->job_cv, job->job_lock);
	} while (job->job_gen == gen);
	if (KERN_CHECKING())
		lockdebug_waited();
}

/*
 * In a forked child there is none of the threads: new pools are made for
 * those who ask.
 */
void
threadpool_fork(void)
{

	atomic_store_relaxed(&threadpool_lock.mtx_owner, (uintptr_t)0);
	threadpool_cv.cv_waiters = 0;
	threadpool_nholds = 0;
	threadpool_list = NULL;
	threadpool_percpu_list = NULL;
}
