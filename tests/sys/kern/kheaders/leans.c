/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A source that relies on indirect inclusion: it uses <sys/systm.h>,
 * <sys/proc.h> and <sys/container_of.h> without including them.
 */

#include <sys/cdefs.h>
__RCSID("$NetBSD$");

#include <sys/param.h>
#include <sys/condvar.h>
#include <sys/kernel.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/threadpool.h>

struct job_data {
	kmutex_t		jd_lock;
	kcondvar_t		jd_cv;
	unsigned		jd_count;
	struct threadpool_job	jd_job;
};

static void
job_func(struct threadpool_job *job)
{
	struct job_data *jd = container_of(job, struct job_data, jd_job);

	mutex_enter(&jd->jd_lock);
	jd->jd_count++;
	cv_broadcast(&jd->jd_cv);
	threadpool_job_done(job);
	mutex_exit(&jd->jd_lock);
}

int leans_test(void);

int
leans_test(void)
{
	struct job_data *jd;
	struct threadpool *pool;
	struct bintime left = ms2bintime(60000);
	struct timespec ts = { .tv_sec = 60 };
	unsigned n;
	int error;

	error = threadpool_get(&pool, PRI_NONE);
	KASSERT(error == 0);
	jd = kmem_zalloc(sizeof(*jd), KM_SLEEP);
	mutex_init(&jd->jd_lock, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&jd->jd_cv, "job");
	threadpool_job_init(&jd->jd_job, job_func, &jd->jd_lock, "job");
	mutex_enter(&jd->jd_lock);
	for (n = 0; n < 30 && error == 0;) {
		threadpool_schedule_job(pool, &jd->jd_job);
		switch (n % 3) {
		case 0:
			error = cv_timedwait(&jd->jd_cv, &jd->jd_lock,
			    60 * hz);
			break;
		case 1:
			error = cv_timedwaitbt(&jd->jd_cv, &jd->jd_lock,
			    &left, DEFAULT_TIMEOUT_EPSILON);
			break;
		case 2:
			error = cv_timedwaitclock(&jd->jd_cv, &jd->jd_lock,
			    &ts, CLOCK_MONOTONIC, 0, DEFAULT_TIMEOUT_EPSILON);
			break;
		}
		n = jd->jd_count;
	}
	mutex_exit(&jd->jd_lock);
	if (error != 0)
		panic("the job did not run: %d", error);
	threadpool_job_destroy(&jd->jd_job);
	cv_destroy(&jd->jd_cv);
	mutex_destroy(&jd->jd_lock);
	kmem_free(jd, sizeof(*jd));
	threadpool_put(pool, PRI_NONE);
	return n >= 30 ? 0 : 1;
}
