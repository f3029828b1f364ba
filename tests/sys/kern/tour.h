/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A tour of the library, in a process that may lack many services of the host.
 * Each function creates, uses and destroys one kind of object, and the process
 * exits with 1 if something fails.
 */

#include <sys/callout.h>
#include <sys/cprng.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kernel.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/percpu.h>
#include <sys/pool.h>
#include <sys/systm.h>
#include <sys/threadpool.h>
#include <sys/workqueue_ext.h>
#include <sys/xcall.h>

#include "../../tests.h"
#include "../../confine.h"

#include <poll.h>

static atomic_int runs;

static void
count(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	atomic_fetch_add(&runs, 1);
}

static void
count_arg(void *arg)
{

	atomic_fetch_add((atomic_int *)arg, 1);
}

static void
queue(int flags)
{
	struct workqueue *wq;
	struct work wk[8];
	size_t i;
	int before;

	before = atomic_load(&runs);
	CONFINE_REQUIRE(workqueue_create(&wq, "confined", count, NULL,
	    PRI_NONE, IPL_NONE, flags) == 0);
	for (i = 0; i < TEST_NELEM(wk); i++)
		workqueue_enqueue(wq, &wk[i], NULL);
	workqueue_wait(wq, &wk[0]);
	workqueue_destroy(wq);
	CONFINE_REQUIRE(atomic_load(&runs) == before + (int)TEST_NELEM(wk));
}

/* Use a polled queue, whose descriptor is fd, and destroy it. */
static void
polled(struct workqueue *wq, int fd)
{
	struct pollfd pfd;
	struct work wk;

	pfd.fd = fd;
	pfd.events = POLLIN;
	workqueue_enqueue(wq, &wk, NULL);
	CONFINE_REQUIRE(poll(&pfd, 1, TEST_DEADLINE * 1000) == 1);
	CONFINE_REQUIRE(workqueue_run_polled(wq) == 1);
	CONFINE_REQUIRE(poll(&pfd, 1, 0) == 0);
}

static void
delays(void)
{
	struct timespec ts = { 0, 1000000 };
	struct workqueue_delay wd;
	struct workqueue *wq;
	struct work wk;
	callout_t c;
	atomic_int n = 0;
	int before;

	before = atomic_load(&runs);
	CONFINE_REQUIRE(workqueue_create(&wq, "delays", count, NULL, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE) == 0);
	CONFINE_REQUIRE(workqueue_delay_init(&wd) == 0);
	(void)workqueue_delay_enqueue(&wd, wq, &wk, NULL, &ts);
	CONFINE_AWAIT(atomic_load(&runs) == before + 1);
	workqueue_delay_destroy(&wd);
	workqueue_destroy(wq);

	/*
	 * This thread holds the kernel lock, which the second callout needs.
	 * So another thread must call it.
	 */
	callout_init(&c, CALLOUT_MPSAFE);
	callout_reset(&c, 1, count_arg, &n);
	CONFINE_AWAIT(atomic_load(&n) == 1);
	callout_halt(&c, NULL);
	callout_destroy(&c);
	callout_init(&c, 0);
	KERNEL_LOCK(1, NULL);
	callout_reset(&c, 1, count_arg, &n);
	nanosleep(&(struct timespec){ 0, 30000000 }, NULL);
	KERNEL_UNLOCK_ONE(NULL);
	CONFINE_AWAIT(atomic_load(&n) == 2);
	callout_halt(&c, NULL);
	callout_destroy(&c);
}

static void
softints(void)
{
	atomic_int n = 0;
	void *si;

	si = softint_establish(SOFTINT_SERIAL | SOFTINT_MPSAFE, count_arg, &n);
	CONFINE_REQUIRE(si != NULL);
	kpreempt_disable();
	softint_schedule(si);
	kpreempt_enable();
	CONFINE_AWAIT(atomic_load(&n) == 1);
	softint_disestablish(si);
}

static int
interrupt(void *arg)
{

	atomic_fetch_add((atomic_int *)arg, 1);
	return 1;
}

static void
interrupts(void)
{
	atomic_int n = 0;
	void *ih;
	int s;

	ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, interrupt, &n);
	CONFINE_REQUIRE(ih != NULL);
	s = splvm();
	raise(SIGUSR1);
	CONFINE_REQUIRE(atomic_load(&n) == 0);
	splx(s);
	CONFINE_AWAIT(atomic_load(&n) == 1);
	intr_disestablish(ih);
}

static struct job {
	struct threadpool_job j_job;
	kmutex_t	j_lock;
	atomic_int	j_runs;
} job;

static void
job_run(struct threadpool_job *tj)
{
	struct job *j = (void *)tj;

	atomic_fetch_add(&j->j_runs, 1);
	mutex_enter(&j->j_lock);
	threadpool_job_done(&j->j_job);
	mutex_exit(&j->j_lock);
}

static void
threadpools(void)
{
	struct threadpool_percpu *pp;
	struct threadpool *p;

	mutex_init(&job.j_lock, MUTEX_DEFAULT, IPL_NONE);
	threadpool_job_init(&job.j_job, job_run, &job.j_lock, "job");
	CONFINE_REQUIRE(threadpool_get(&p, PRI_NONE) == 0);
	mutex_enter(&job.j_lock);
	threadpool_schedule_job(p, &job.j_job);
	mutex_exit(&job.j_lock);
	CONFINE_AWAIT(atomic_load(&job.j_runs) == 1);
	mutex_enter(&job.j_lock);
	threadpool_cancel_job(p, &job.j_job);
	mutex_exit(&job.j_lock);
	threadpool_put(p, PRI_NONE);

	CONFINE_REQUIRE(threadpool_percpu_get(&pp, PRI_NONE) == 0);
	mutex_enter(&job.j_lock);
	threadpool_schedule_job(threadpool_percpu_ref(pp), &job.j_job);
	mutex_exit(&job.j_lock);
	CONFINE_AWAIT(atomic_load(&job.j_runs) == 2);
	mutex_enter(&job.j_lock);
	threadpool_cancel_job(threadpool_percpu_ref(pp), &job.j_job);
	mutex_exit(&job.j_lock);
	threadpool_percpu_put(pp, PRI_NONE);
	threadpool_job_destroy(&job.j_job);
	mutex_destroy(&job.j_lock);
}

static void
returns(void *arg)
{

	atomic_fetch_add((atomic_int *)arg, 1);
}

static void
exits(void *arg)
{

	atomic_fetch_add((atomic_int *)arg, 1);
	kthread_exit(0);
}

static void
kthreads(void)
{
	atomic_int n = 0;
	struct lwp *l;

	CONFINE_REQUIRE(kthread_create(PRI_NONE, KTHREAD_MPSAFE |
	    KTHREAD_MUSTJOIN, NULL, returns, &n, &l, "returns") == 0);
	CONFINE_REQUIRE(kthread_join(l) == 0);
	CONFINE_REQUIRE(kthread_create(PRI_NONE, KTHREAD_MUSTJOIN,
	    cpu_lookup(0), exits, &n, &l, "exits") == 0);
	CONFINE_REQUIRE(kthread_join(l) == 0);
	CONFINE_REQUIRE(kthread_create(PRI_NONE, 0, NULL, exits, &n, NULL,
	    "exits") == 0);
	CONFINE_AWAIT(atomic_load(&n) == 3);
}

static void
xcall(void *a, void *b)
{

	(void)b;
	count_arg(a);
}

static void
the_rest(void)
{
	atomic_int n = 0;
	struct pool pool;
	percpu_t *pc;
	void *p;

	xc_wait(xc_broadcast(0, xcall, &n, NULL));
	CONFINE_REQUIRE(atomic_load(&n) == (int)ncpu);
	pc = percpu_alloc(sizeof(int));
	*(int *)percpu_getref(pc) = 1;
	percpu_putref(pc);
	percpu_free(pc, sizeof(int));
	pool_init(&pool, 64, 0, 0, 0, "confined", NULL, IPL_VM);
	p = pool_get(&pool, PR_WAITOK);
	CONFINE_REQUIRE(p != NULL);
	pool_put(&pool, p);
	pool_destroy(&pool);
	p = kmem_alloc(100, KM_SLEEP);
	kmem_free(p, 100);
	CONFINE_REQUIRE(cprng_strong64() != cprng_strong64());
	CONFINE_REQUIRE(cprng_fast64() != cprng_fast64());
}

/* Use everything that needs no descriptor. */
static void
tour(void)
{

	kthreads();
	queue(0);
	queue(WQ_MPSAFE);
	queue(WQ_MPSAFE | WQ_PERCPU);
	delays();
	softints();
	interrupts();
	threadpools();
	the_rest();
}
