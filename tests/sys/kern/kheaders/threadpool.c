/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Jobs for a pool of threads.
 */

#include <sys/types.h>
#include <sys/condvar.h>
#include <sys/mutex.h>
#include <sys/threadpool.h>

static kmutex_t lock;
static kcondvar_t cv;
static int done;

static void
job_run(struct threadpool_job *job)
{

	mutex_enter(&lock);
	done++;
	threadpool_job_done(job);
	cv_broadcast(&cv);
	mutex_exit(&lock);
}

int threadpool_test(void);

int
threadpool_test(void)
{
	struct threadpool *pool;
	struct threadpool_job job;
	int error;

	mutex_init(&lock, MUTEX_DEFAULT, IPL_VM);
	cv_init(&cv, "tpjob");
	error = threadpool_get(&pool, PRI_NONE);
	if (error)
		return error;
	threadpool_job_init(&job, job_run, &lock, "job %d", 1);
	mutex_enter(&lock);
	threadpool_schedule_job(pool, &job);
	while (done == 0)
		cv_wait(&cv, &lock);
	threadpool_cancel_job(pool, &job);
	mutex_exit(&lock);
	threadpool_job_destroy(&job);
	threadpool_put(pool, PRI_NONE);
	cv_destroy(&cv);
	mutex_destroy(&lock);
	return 0;
}
