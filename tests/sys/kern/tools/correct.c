/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A correct client: only the ordering that the manual pages promise protects
 * its shared data.  With RACE defined, one access is not ordered.
 */

#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/intr.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/once.h>
#include <sys/rwlock.h>
#include <sys/systm.h>
#include <sys/threadpool.h>
#include <sys/workqueue.h>
#include <sys/workqueue_ext.h>
#include <sys/xcall.h>

#include <stdlib.h>

#define	NITEMS		200
#define	NTHREADS	3

struct item {
	struct work	i_work;
	int		i_input;
	int		i_output;
	int		i_again;
};

static struct workqueue	*wq, *freeq;
static struct item	items[NITEMS];
static kmutex_t		lock, spinlock, nodebug;
static kmutex_t		static_lock = MUTEX_INITIALIZER(IPL_NONE);
static kmutex_t		static_spin = MUTEX_INITIALIZER(IPL_VM);
static kcondvar_t	cv;
static krwlock_t	rwlock;
/* The lock of the same name protects each of these. */
static int		by_lock, by_spin, by_rwlock, by_klock;
static int		by_static_lock, by_static_spin, by_nodebug;
static int		callouts;				/* (lock) */
static int		once_value, softints, calls, jobs, late;
static struct work	late_work;
static ONCE_DECL(control);
static struct threadpool_job job;
static bool		job_done;				/* (lock) */
#ifdef RACE
static int		raced;
#endif

static void
run(struct work *wk, void *arg)
{
	struct item *i = (void *)wk;

	(void)arg;
	if (wk == &late_work) {
		late++;
		return;
	}
#ifdef RACE
	raced++;
#endif
	i->i_output += i->i_input;
	if (i->i_again-- > 0) {
		workqueue_enqueue(wq, wk, NULL);
		return;
	}
	mutex_enter(&lock);
	by_lock++;
	cv_broadcast(&cv);
	mutex_exit(&lock);
	mutex_enter(&spinlock);
	by_spin++;
	mutex_exit(&spinlock);
	rw_enter(&rwlock, RW_WRITER);
	by_rwlock++;
	rw_exit(&rwlock);
}

static void
run_free(struct work *wk, void *arg)
{

	(void)arg;
	free(wk);
}

static void
timeout(void *arg)
{

	mutex_enter(&lock);
	callouts++;
	cv_broadcast(arg);
	mutex_exit(&lock);
}

static int
initialise(void)
{

	once_value = 7;
	return 0;
}

static void
thread(void *arg)
{
	struct item *i;
	int n;

	(void)arg;
	RUN_ONCE(&control, initialise);
	KASSERT(once_value == 7);
	KERNEL_LOCK(1, NULL);
	by_klock++;
	KERNEL_UNLOCK_ONE(NULL);
	for (n = 0; n < NITEMS; n++) {
		mutex_enter(&static_lock);
		by_static_lock++;
		mutex_exit(&static_lock);
		mutex_enter(&nodebug);
		by_nodebug++;
		mutex_exit(&nodebug);
		mutex_enter(&static_spin);
		by_static_spin++;
		mutex_exit(&static_spin);
	}
	for (n = 0; n < NITEMS; n++) {
		if ((i = malloc(sizeof(*i))) == NULL)
			panic("no memory");
		i->i_input = n;
		workqueue_enqueue(freeq, &i->i_work, NULL);
	}
	kthread_exit(0);
}

static void
softint(void *arg)
{

	(*(int *)arg)++;
}

static void
call(void *arg, void *arg2)
{

	(void)arg2;
	KERNEL_LOCK(1, NULL);
	(*(int *)arg)++;
	KERNEL_UNLOCK_ONE(NULL);
}

static void
run_job(struct threadpool_job *j)
{

	jobs++;
	mutex_enter(&lock);
	job_done = true;
	cv_broadcast(&cv);
	threadpool_job_done(j);
	mutex_exit(&lock);
}

static void
others(void)
{
	const struct timespec ts = { 0, 1000000 };
	struct workqueue_delay wd;
	struct threadpool *pool;
	void *si;

	if ((si = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, softint,
	    &softints)) == NULL)
		panic("no soft interrupt");
	softints = 1;
	softint_schedule(si);
	softint_disestablish(si);
	softints++;

	calls = 1;
	xc_wait(xc_broadcast(0, call, &calls, NULL));
	calls++;

	workqueue_delay_init(&wd);
	late = 1;
	workqueue_delay_enqueue(&wd, wq, &late_work, NULL, &ts);
	if (workqueue_delay_cancel(&wd))
		workqueue_enqueue(wq, &late_work, NULL);
	workqueue_wait(wq, &late_work);
	late++;
	workqueue_delay_destroy(&wd);

	if (threadpool_get(&pool, PRI_NONE) != 0)
		panic("no pool");
	threadpool_job_init(&job, run_job, &lock, "job");
	mutex_enter(&lock);
	jobs = 1;
	threadpool_schedule_job(pool, &job);
	while (!job_done)
		cv_wait(&cv, &lock);
	jobs++;
	threadpool_cancel_job(pool, &job);
	mutex_exit(&lock);
	threadpool_job_destroy(&job);
	threadpool_put(pool, PRI_NONE);
}

int
main(void)
{
	lwp_t *l[NTHREADS];
	callout_t co;
	int i, sum;

	mutex_init(&lock, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&spinlock, MUTEX_DEFAULT, IPL_VM);
	mutex_init(&nodebug, MUTEX_NODEBUG, IPL_NONE);
	cv_init(&cv, "client");
	rw_init(&rwlock);
	if (workqueue_create(&wq, "run", run, NULL, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE) != 0 || workqueue_create(&freeq, "free", run_free, NULL,
	    PRI_NONE, IPL_NONE, WQ_MPSAFE | WQ_PERCPU) != 0)
		panic("no workqueue");
	callout_init(&co, CALLOUT_MPSAFE);
	callouts = 1;
	callout_reset(&co, 1, timeout, &cv);
	for (i = 0; i < NTHREADS; i++)
		if (kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN,
		    NULL, thread, NULL, &l[i], "client%d", i) != 0)
			panic("no thread");
	for (i = 0; i < NITEMS; i++) {
		items[i].i_input = i;
		items[i].i_again = i % 3;
		workqueue_enqueue(wq, &items[i].i_work, NULL);
#ifdef RACE
		raced++;
#endif
	}
	workqueue_wait(wq, &items[NITEMS / 2].i_work);
	mutex_enter(&lock);
	while (by_lock < NITEMS || callouts < 2)
		cv_wait(&cv, &lock);
	sum = by_lock;
	mutex_exit(&lock);
	callout_halt(&co, NULL);
	callouts++;
	callout_destroy(&co);
	others();
	for (i = 0; i < NTHREADS; i++)
		kthread_join(l[i]);
	KERNEL_LOCK(1, NULL);
	sum += by_klock;
	KERNEL_UNLOCK_ONE(NULL);
	workqueue_drain(wq);
	for (i = 0; i < NITEMS; i++)
		sum += items[i].i_output;
	rw_enter(&rwlock, RW_READER);
	sum += by_rwlock;
	rw_exit(&rwlock);
	mutex_enter(&spinlock);
	sum += by_spin;
	mutex_exit(&spinlock);
	workqueue_destroy(wq);
	workqueue_destroy(freeq);
	return sum != 0 && softints == 3 && jobs == 3 ? 0 : 1;
}
