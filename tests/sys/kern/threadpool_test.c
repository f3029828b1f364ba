/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * threadpool(9).
 */

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/lwp.h>
#include <sys/systm.h>
#include <sys/threadpool.h>

#include "../../tests.h"

static struct threadpool *pool;
static kmutex_t lock;

/*
 * A job that counts, and may block until it is released.
 */
struct counted {
	struct threadpool_job c_job;
	atomic_int	c_runs, c_running;
	bool		c_stands;
	sem_t		c_entered, c_go;
	struct cpu_info	*c_cpu;
	char		c_name[32];
	int		c_ipl;
};

static void
counted(struct threadpool_job *job)
{
	struct counted *c = (void *)job;

	TEST_EQ(0, atomic_fetch_add(&c->c_running, 1));
	ATF_REQUIRE(!mutex_owned(&lock));
	c->c_cpu = curlwp->l_cpu;
	c->c_ipl = splraiseipl(makeiplcookie(IPL_NONE));
	snprintf(c->c_name, sizeof(c->c_name), "%s", curlwp->l_name);
	if (c->c_stands) {
		sem_post(&c->c_entered);
		test_sem_wait(&c->c_go);
	}
	atomic_fetch_add(&c->c_runs, 1);
	atomic_fetch_sub(&c->c_running, 1);
	mutex_enter(&lock);
	threadpool_job_done(job);
	mutex_exit(&lock);
}

static void
counted_init(struct counted *c, bool stands)
{

	memset(c, 0, sizeof(*c));
	c->c_stands = stands;
	sem_init(&c->c_entered, 0, 0);
	sem_init(&c->c_go, 0, 0);
	threadpool_job_init(&c->c_job, counted, &lock, "job%d", 5);
}

static void
schedule(struct threadpool_job *job)
{

	mutex_enter(&lock);
	threadpool_schedule_job(pool, job);
	mutex_exit(&lock);
}

static bool
cancel_async(struct threadpool_job *job)
{
	bool is;

	mutex_enter(&lock);
	is = threadpool_cancel_job_async(pool, job);
	mutex_exit(&lock);
	return is;
}

static void
cancel(struct threadpool_job *job)
{

	mutex_enter(&lock);
	threadpool_cancel_job(pool, job);
	ATF_REQUIRE(mutex_owned(&lock));
	mutex_exit(&lock);
}

static void
begin(int ipl)
{

	mutex_init(&lock, MUTEX_DEFAULT, ipl);
	TEST_EQ(0, threadpool_get(&pool, PRI_NONE));
}

static void
end(void)
{

	threadpool_put(pool, PRI_NONE);
	mutex_destroy(&lock);
}

static void
schedules(int ipl)
{
	struct counted c;
	int i;

	begin(ipl);
	counted_init(&c, true);
	for (i = 1; i <= 20; i++) {
		schedule(&c.c_job);
		schedule(&c.c_job);
		test_sem_wait(&c.c_entered);
		/* The job runs, so this has no effect. */
		schedule(&c.c_job);
		sem_post(&c.c_go);
		cancel(&c.c_job);
		TEST_EQ(i, c.c_runs);
		TEST_EQ(0, c.c_ipl);
		ATF_REQUIRE(strcmp(c.c_name, "job5") == 0);
	}
	threadpool_job_destroy(&c.c_job);
	end();
	TEST_EQ(20, c.c_runs);
}

TEST_TC(schedule, "a job runs once for all calls that schedule it before it "
    "starts")
{

	schedules(IPL_NONE);
	schedules(IPL_SOFTNET);
	schedules(IPL_VM);
	schedules(IPL_HIGH);
}

TEST_TC(shared, "there is one pool for each priority, as long as it is "
    "referred to")
{
	struct threadpool *a, *b, *c;
	struct threadpool_percpu *x, *y;
	int threads;

	/* A sanitizer's own thread starts with our first thread. */
	TEST_EQ(0, threadpool_get(&a, PRI_NONE));
	threadpool_put(a, PRI_NONE);
	threads = test_nthreads();
	TEST_EQ(EINVAL, threadpool_get(&a, PRI_COUNT));
	TEST_EQ(EINVAL, threadpool_get(&a, -2));
	TEST_EQ(EINVAL, threadpool_percpu_get(&x, PRI_COUNT));
	TEST_EQ(0, threadpool_get(&a, PRI_NONE));
	TEST_EQ(0, threadpool_get(&b, PRI_NONE));
	TEST_EQ(0, threadpool_get(&c, 70));
	ATF_REQUIRE(a == b && a != c);
	TEST_EQ(0, threadpool_percpu_get(&x, PRI_NONE));
	TEST_EQ(0, threadpool_percpu_get(&y, PRI_NONE));
	ATF_REQUIRE(x == y);
	threadpool_put(a, PRI_NONE);
	threadpool_put(b, PRI_NONE);
	threadpool_put(c, 70);
	threadpool_percpu_put(x, PRI_NONE);
	threadpool_percpu_put(y, PRI_NONE);
	if (threads != -1)
		TEST_AWAIT(test_nthreads() == threads);
}

TEST_TC(spread, "any number of jobs that wait for each other all run")
{
	struct counted c[20];
	int i;

	begin(IPL_VM);
	for (i = 0; i < 20; i++)
		counted_init(&c[i], true);
	for (i = 0; i < 20; i++)
		schedule(&c[i].c_job);
	for (i = 0; i < 20; i++)
		test_sem_wait(&c[i].c_entered);
	for (i = 0; i < 20; i++) {
		ATF_REQUIRE(!cancel_async(&c[i].c_job));
		sem_post(&c[i].c_go);
	}
	for (i = 0; i < 20; i++) {
		cancel(&c[i].c_job);
		TEST_EQ(1, c[i].c_runs);
		threadpool_job_destroy(&c[i].c_job);
	}
	end();
}

TEST_TC(percpu, "the pool of a CPU runs its jobs on that CPU")
{
	struct threadpool_percpu *percpu;
	struct cpu_info *ci;
	struct counted c;
	int i;

	test_env("WORKQUEUE_NCPU", "3");
	mutex_init(&lock, MUTEX_DEFAULT, IPL_NONE);
	TEST_EQ(0, threadpool_percpu_get(&percpu, PRI_NONE));
	counted_init(&c, false);
	for (i = 0; i < 30; i++) {
		ci = cpu_lookup(i % 3u);
		pool = threadpool_percpu_ref_remote(percpu, ci);
		schedule(&c.c_job);
		TEST_AWAIT(atomic_load(&c.c_runs) == i + 1);
		cancel(&c.c_job);
		ATF_REQUIRE(c.c_cpu == ci);
	}
	pool = threadpool_percpu_ref(percpu);
	schedule(&c.c_job);
	TEST_AWAIT(atomic_load(&c.c_runs) == 31);
	cancel(&c.c_job);
	ATF_REQUIRE(c.c_cpu != NULL);
	threadpool_job_destroy(&c.c_job);
	threadpool_percpu_put(percpu, PRI_NONE);
}

/*
 * Cancel.
 */
TEST_TC(cancel, "a job that has not started is cancelled at once; a running "
    "one is waited for")
{
	struct counted c;
	int i, runs;

	begin(IPL_VM);
	counted_init(&c, false);
	ATF_REQUIRE(cancel_async(&c.c_job));
	cancel(&c.c_job);
	for (i = 0; i < TEST_SCALE(5000) + 100; i++) {
		runs = atomic_load(&c.c_runs);
		mutex_enter(&lock);
		threadpool_schedule_job(pool, &c.c_job);
		/*
		 * The job cannot have started, because we hold the interlock.
		 */
		ATF_REQUIRE(threadpool_cancel_job_async(pool, &c.c_job));
		if (i % 3 == 0)
			threadpool_schedule_job(pool, &c.c_job);
		mutex_exit(&lock);
		if (i % 3 == 0)
			TEST_AWAIT(atomic_load(&c.c_runs) == runs + 1);
		cancel(&c.c_job);
		TEST_EQ(runs + (i % 3 == 0), c.c_runs);
		if (i % 5 == 0) {
			/*
			 * The job is cancelled, although the pool may still
			 * have it queued.
			 */
			threadpool_job_destroy(&c.c_job);
			memset(&c, 0xa5, sizeof(c));
			counted_init(&c, false);
		}
	}
	threadpool_job_destroy(&c.c_job);
	end();
}

TEST_TC(other_pool, "a job cancelled on one pool runs on another")
{
	struct threadpool *here = NULL, *there = NULL;
	struct counted c;
	int i, runs;

	mutex_init(&lock, MUTEX_DEFAULT, IPL_VM);
	TEST_EQ(0, threadpool_get(&here, PRI_NONE));
	TEST_EQ(0, threadpool_get(&there, 10));
	counted_init(&c, false);
	for (i = 0; i < TEST_SCALE(3000) + 30; i++) {
		runs = atomic_load(&c.c_runs);
		mutex_enter(&lock);
		threadpool_schedule_job(here, &c.c_job);
		ATF_REQUIRE(threadpool_cancel_job_async(here, &c.c_job));
		threadpool_schedule_job(there, &c.c_job);
		mutex_exit(&lock);
		TEST_AWAIT(atomic_load(&c.c_runs) == runs + 1);
		mutex_enter(&lock);
		threadpool_cancel_job(there, &c.c_job);
		mutex_exit(&lock);
	}
	threadpool_put(here, PRI_NONE);
	threadpool_put(there, 10);
	threadpool_job_destroy(&c.c_job);
}

/*
 * Jobs that free themselves.
 */
static atomic_int freed;

static void
frees(struct threadpool_job *job)
{

	mutex_enter(&lock);
	threadpool_job_done(job);
	mutex_exit(&lock);
	threadpool_job_destroy(job);
	memset(job, 0xa5, sizeof(*job));
	free(job);
	atomic_fetch_add(&freed, 1);
}

TEST_TC(frees_itself, "a job may free itself when it is done")
{
	struct threadpool_job *job;
	int i, n = TEST_SCALE(5000) + 100;

	begin(IPL_SCHED);
	for (i = 0; i < n; i++) {
		job = malloc(sizeof(*job));
		threadpool_job_init(job, frees, &lock, "frees");
		schedule(job);
		if (i % 64 == 0)
			TEST_AWAIT(atomic_load(&freed) == i + 1);
	}
	/* The pool runs its jobs before it ends. */
	end();
	TEST_EQ(n, freed);
}

/* The interlock is in the object that is freed. */
struct object {
	struct threadpool_job o_job;
	kmutex_t	o_lock;
};

static void
object_job(struct threadpool_job *job)
{
	struct object *o = (void *)job;

	mutex_enter(&o->o_lock);
	threadpool_job_done(job);
	mutex_exit(&o->o_lock);
	atomic_fetch_add(&freed, 1);
}

TEST_TC(object, "the thread that has cancelled and destroyed a job may free "
    "its object")
{
	struct object *o;
	int i;

	TEST_EQ(0, threadpool_get(&pool, PRI_NONE));
	for (i = 0; i < TEST_SCALE(10000) + 100; i++) {
		o = malloc(sizeof(*o));
		mutex_init(&o->o_lock, MUTEX_DEFAULT, i % 2 ? IPL_NONE :
		    IPL_VM);
		threadpool_job_init(&o->o_job, object_job, &o->o_lock, "o");
		mutex_enter(&o->o_lock);
		threadpool_schedule_job(pool, &o->o_job);
		mutex_exit(&o->o_lock);
		if (i % 3 == 0)
			sched_yield();
		mutex_enter(&o->o_lock);
		threadpool_cancel_job(pool, &o->o_job);
		mutex_exit(&o->o_lock);
		threadpool_job_destroy(&o->o_job);
		mutex_destroy(&o->o_lock);
		memset(o, 0xa5, sizeof(*o));
		free(o);
	}
	threadpool_put(pool, PRI_NONE);
}

/*
 * A storm.
 */
static struct counted storm_jobs[8];
static atomic_int storm_end;

static void *
storm_thread(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg;
	struct counted *c;

	while (!atomic_load(&storm_end)) {
		n = n * 1103515245 + 12345;
		c = &storm_jobs[(n >> 8) % 8];
		switch ((n >> 16) % 4) {
		case 0:
			cancel(&c->c_job);
			break;
		case 1:
			(void)cancel_async(&c->c_job);
			break;
		default:
			schedule(&c->c_job);
			break;
		}
	}
	return NULL;
}

static void *
storm_getter(void *arg)
{
	struct threadpool *p;
	struct threadpool_percpu *pp;

	while (!atomic_load(&storm_end)) {
		TEST_EQ(0, threadpool_get(&p, 20));
		TEST_EQ(0, threadpool_percpu_get(&pp, 20));
		threadpool_put(p, 20);
		threadpool_percpu_put(pp, 20);
	}
	return arg;
}

TEST_TC(storm, "scheduled and cancelled by many at once, a job is never on "
    "two threads; pools come and go meanwhile")
{
	struct timespec ts = { 2, 0 };
	pthread_t t[6];
	int i, ipl;

	for (ipl = IPL_NONE; ipl <= IPL_VM; ipl += IPL_VM) {
		begin(ipl);
		atomic_store(&storm_end, 0);
		for (i = 0; i < 8; i++)
			counted_init(&storm_jobs[i], false);
		for (i = 0; i < 6; i++)
			t[i] = test_thread(i < 4 ? storm_thread : storm_getter,
			    (void *)(uintptr_t)i);
		nanosleep(&ts, NULL);
		for (i = 0; i < 8; i++)
			TEST_AWAIT(atomic_load(&storm_jobs[i].c_runs) > 0);
		atomic_store(&storm_end, 1);
		for (i = 0; i < 6; i++)
			test_join(t[i]);
		for (i = 0; i < 8; i++) {
			cancel(&storm_jobs[i].c_job);
			threadpool_job_destroy(&storm_jobs[i].c_job);
		}
		end();
	}
}

/*
 * From an interrupt.
 */
static struct counted intr_job;
static atomic_int interrupts;

static int
interrupt(void *arg)
{

	(void)arg;
	schedule(&intr_job.c_job);
	atomic_fetch_add(&interrupts, 1);
	return 1;
}

TEST_TC(interrupt, "jobs are scheduled by interrupt handlers, under a spin "
    "mutex of their level")
{
	void *ih;
	int i;

	begin(IPL_VM);
	counted_init(&intr_job, false);
	/* Another thread may take the last signal after the handler is gone. */
	signal(SIGUSR1, SIG_IGN);
	ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, interrupt, NULL);
	ATF_REQUIRE(ih != NULL);
	for (i = 0; i < TEST_SCALE(2000) + 50; i++) {
		kill(getpid(), SIGUSR1);
		/*
		 * Hold the lock now and then, whatever thread runs the handler.
		 */
		mutex_enter(&lock);
		mutex_exit(&lock);
	}
	TEST_AWAIT(atomic_load(&interrupts) > 0);
	TEST_AWAIT(atomic_load(&intr_job.c_runs) > 0);
	intr_disestablish(ih);
	cancel(&intr_job.c_job);
	threadpool_job_destroy(&intr_job.c_job);
	end();
}

/*
 * Misuse.
 */
static void
not_done(struct threadpool_job *job)
{

	(void)job;
}

static void
forgets(void)
{
	struct threadpool_job job;

	begin(IPL_NONE);
	threadpool_job_init(&job, not_done, &lock, "forgets");
	schedule(&job);
	for (;;)
		pause();
}

static void
unlocked(void)
{
	struct counted c;

	begin(IPL_NONE);
	counted_init(&c, false);
	threadpool_schedule_job(pool, &c.c_job);
}

static void
done_twice(void)
{
	struct counted c;

	begin(IPL_NONE);
	counted_init(&c, false);
	mutex_enter(&lock);
	threadpool_job_done(&c.c_job);
}

static void
destroys_running(void)
{
	struct counted c;

	begin(IPL_NONE);
	counted_init(&c, true);
	schedule(&c.c_job);
	test_sem_wait(&c.c_entered);
	threadpool_job_destroy(&c.c_job);
}

static void
dead(void)
{
	struct counted c;

	begin(IPL_NONE);
	counted_init(&c, false);
	threadpool_job_destroy(&c.c_job);
	schedule(&c.c_job);
}

static void
wrong_priority(void)
{

	begin(IPL_NONE);
	threadpool_put(pool, 3);
}

TEST_TC(misuse, "each misuse panics and names the job")
{

	test_panics(forgets, "job \"forgets\" returned without "
	    "threadpool_job_done", NULL);
	test_panics(unlocked, "threadpool_schedule_job", "job5",
	    "interlock not held", NULL);
	test_panics(done_twice, "threadpool_job_done", "job5", NULL);
	test_panics(destroys_running, "threadpool_job_destroy", "job5",
	    "is running", NULL);
	test_panics(dead, "job5", "is destroyed", NULL);
	test_panics(wrong_priority, "priority 3", NULL);
}

/* A job that reports its end, and then returns with something held. */
static void (*leave_func)(void);

static void
leave(struct threadpool_job *job)
{

	mutex_enter(&lock);
	threadpool_job_done(job);
	mutex_exit(&lock);
	(*leave_func)();
}

static void
leave_nopreempt(void)
{

	kpreempt_disable();
}

static void
leave_klock(void)
{

	KERNEL_LOCK(2, NULL);
}

static void
leaves(void)
{
	struct threadpool_job job;

	begin(IPL_NONE);
	threadpool_job_init(&job, leave, &lock, "leaves");
	schedule(&job);
	for (;;)
		pause();
}

TEST_TC(misuse_checking, "checking: a job that returns with something held "
    "panics and is named")
{

	test_env("WORKQUEUE_CHECK", "1");
	leave_func = leave_nopreempt;
	test_panics(leaves, "job \"leaves\" (made at ",
	    "returned with preemption off", NULL);
	leave_func = leave_klock;
	test_panics(leaves, "job \"leaves\" (made at ",
	    "returned holding 2 kernel locks", NULL);
}

static void
child(void)
{
	struct threadpool *old = pool;
	struct counted c;

	begin(IPL_NONE);
	if (pool == old)
		abort();
	counted_init(&c, true);
	schedule(&c.c_job);
	test_sem_wait(&c.c_entered);
	sem_post(&c.c_go);
	cancel(&c.c_job);
	threadpool_job_destroy(&c.c_job);
	end();
}

TEST_TC(fork, "a forked child has its own pools")
{

	begin(IPL_NONE);
	test_lives(child);
	end();
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, schedule);
	ATF_TP_ADD_TC(tp, shared);
	ATF_TP_ADD_TC(tp, spread);
	ATF_TP_ADD_TC(tp, percpu);
	ATF_TP_ADD_TC(tp, cancel);
	ATF_TP_ADD_TC(tp, other_pool);
	ATF_TP_ADD_TC(tp, frees_itself);
	ATF_TP_ADD_TC(tp, object);
	ATF_TP_ADD_TC(tp, storm);
	ATF_TP_ADD_TC(tp, interrupt);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, misuse_checking);
	ATF_TP_ADD_TC(tp, fork);
	return atf_no_error();
}
