/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The protocols of pools of threads, through threadpool(9).
 */

#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/mutex.h>
#include <sys/threadpool.h>

#include <stdlib.h>

#include "h_protocol.h"

static struct threadpool *pool;
static kmutex_t lock;
static kcondvar_t cv;

struct job {
	struct threadpool_job j_job;
	int	j_runs;			/* (lock) */
	bool	j_running;
};

static struct job jobs[3];
static int freed, met;

static void
job_run(struct threadpool_job *job)
{
	struct job *j = (struct job *)job;

	CHECK(!j->j_running);
	j->j_running = true;
	wqsim_point("job");
	mutex_enter(&lock);
	j->j_running = false;
	j->j_runs++;
	cv_broadcast(&cv);
	threadpool_job_done(job);
	mutex_exit(&lock);
}

static void
begin(threadpool_job_fn_t *func)
{
	int i;

	memset(jobs, 0, sizeof(jobs));
	freed = met = 0;
	mutex_init(&lock, MUTEX_DEFAULT, IPL_VM);
	cv_init(&cv, "sim");
	CHECK(threadpool_get(&pool, PRI_NONE) == 0);
	for (i = 0; i < 3; i++)
		threadpool_job_init(&jobs[i].j_job, func, &lock, "job");
}

static void
end(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		CHECK(!jobs[i].j_running);
		threadpool_job_destroy(&jobs[i].j_job);
	}
	threadpool_put(pool, PRI_NONE);
	cv_destroy(&cv);
	mutex_destroy(&lock);
}

/*
 * Schedule a job, and wait until it has run.
 */
static void *
run_one(void *arg)
{
	struct job *j = arg;

	mutex_enter(&lock);
	threadpool_schedule_job(pool, &j->j_job);
	while (j->j_runs == 0)
		cv_wait(&cv, &lock);
	mutex_exit(&lock);
	return NULL;
}

static void
proto_schedule(void *arg)
{
	pthread_t t[2];

	(void)arg;
	begin(job_run);
	t[0] = start(run_one, &jobs[0]);
	t[1] = start(run_one, &jobs[1]);
	(void)run_one(&jobs[2]);
	join(t[0]);
	join(t[1]);
	mutex_enter(&lock);
	threadpool_cancel_job(pool, &jobs[0].j_job);
	threadpool_cancel_job(pool, &jobs[1].j_job);
	threadpool_cancel_job(pool, &jobs[2].j_job);
	mutex_exit(&lock);
	end();
}

/*
 * Jobs that wait for each other: each gets a thread.
 */
static void
job_meet(struct threadpool_job *job)
{

	mutex_enter(&lock);
	met++;
	cv_broadcast(&cv);
	while (met < 3)
		cv_wait(&cv, &lock);
	threadpool_job_done(job);
	mutex_exit(&lock);
}

static void
proto_meet(void *arg)
{
	int i;

	(void)arg;
	begin(job_meet);
	mutex_enter(&lock);
	for (i = 0; i < 3; i++)
		threadpool_schedule_job(pool, &jobs[i].j_job);
	while (met < 3)
		cv_wait(&cv, &lock);
	for (i = 0; i < 3; i++)
		threadpool_cancel_job(pool, &jobs[i].j_job);
	mutex_exit(&lock);
	end();
}

/*
 * Schedule and cancel at the same time.
 */
static void *
cancel_one(void *arg)
{
	struct job *j = arg;

	mutex_enter(&lock);
	if (!threadpool_cancel_job_async(pool, &j->j_job))
		threadpool_cancel_job(pool, &j->j_job);
	CHECK(!j->j_running);
	mutex_exit(&lock);
	return NULL;
}

static void *
schedule_two(void *arg)
{
	struct job *j = arg;
	int i;

	for (i = 0; i < 2; i++) {
		mutex_enter(&lock);
		threadpool_schedule_job(pool, &j->j_job);
		mutex_exit(&lock);
	}
	return NULL;
}

static void
proto_cancel(void *arg)
{
	pthread_t t[2];

	(void)arg;
	begin(job_run);
	t[0] = start(schedule_two, &jobs[0]);
	t[1] = start(cancel_one, &jobs[0]);
	(void)schedule_two(&jobs[1]);
	(void)cancel_one(&jobs[1]);
	join(t[0]);
	join(t[1]);
	(void)cancel_one(&jobs[0]);
	CHECK(jobs[0].j_runs <= 2 && jobs[1].j_runs <= 2);
	end();
}

/*
 * Jobs that free themselves, and the end of their pool.
 */
static void
job_free(struct threadpool_job *job)
{

	mutex_enter(&lock);
	threadpool_job_done(job);
	mutex_exit(&lock);
	threadpool_job_destroy(job);
	memset(job, 0xa5, sizeof(*job));
	free(job);
	freed++;
}

static void
proto_free(void *arg)
{
	struct threadpool_job *job;
	int i;

	(void)arg;
	freed = 0;
	mutex_init(&lock, MUTEX_DEFAULT, IPL_NONE);
	CHECK(threadpool_get(&pool, 5) == 0);
	for (i = 0; i < 2; i++) {
		CHECK((job = malloc(sizeof(*job))) != NULL);
		threadpool_job_init(job, job_free, &lock, "free");
		mutex_enter(&lock);
		threadpool_schedule_job(pool, job);
		mutex_exit(&lock);
	}
	threadpool_put(pool, 5);
	CHECK(freed == 2);
	mutex_destroy(&lock);
}

/*
 * A pool that several threads get and put.
 */
static void *
get_put(void *arg)
{
	struct threadpool *p;

	CHECK(threadpool_get(&p, 7) == 0);
	wqsim_point("get");
	threadpool_put(p, 7);
	return arg;
}

static void
proto_getput(void *arg)
{
	pthread_t t[2];

	(void)arg;
	t[0] = start(get_put, NULL);
	t[1] = start(get_put, NULL);
	(void)get_put(NULL);
	join(t[0]);
	join(t[1]);
}

int
main(int argc, char **argv)
{
	static const struct protocol protocols[] = {
		{ "schedule", proto_schedule, false },
		{ "meet", proto_meet, false },
		{ "cancel", proto_cancel, false },
		{ "free", proto_free, false },
		{ "getput", proto_getput, false },
		{ NULL, NULL, false }
	};

	return protocol_main(protocols, argc, argv);
}
