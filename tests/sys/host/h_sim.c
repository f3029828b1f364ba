/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Small programs with a bug that few schedules show, for the tests of wqsim(1).
 * "h_sim abba" is one of them; "h_sim abba fixed" is the same without the bug.
 */

#include <sys/workqueue.h>

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "h_sim.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock2 = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cv = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static bool ready, bug;
static int taken;

static void
check(int error, const char *what)
{

	if (error != 0)
		errx(3, "%s: %s", what, strerror(error));
}

static void *
start(void *(*func)(void *), pthread_t *tid)
{

	check(pthread_create(tid, NULL, func, NULL), "pthread_create");
	return NULL;
}

/*
 * A missing recheck: the waiter tests its condition, releases the lock, and
 * then sleeps.  The signal may come in between.
 */
static void *
recheck_waker(void *arg)
{

	check(pthread_mutex_lock(&lock), "lock");
	ready = true;
	check(pthread_mutex_unlock(&lock), "unlock");
	check(pthread_cond_signal(&cv), "signal");
	return arg;
}

static void
recheck(void)
{
	pthread_t tid;
	bool wait;

	start(recheck_waker, &tid);
	check(pthread_mutex_lock(&lock), "lock");
	if (bug) {
		wait = !ready;
		check(pthread_mutex_unlock(&lock), "unlock");
		check(pthread_mutex_lock(&lock), "lock");
		if (wait)
			check(pthread_cond_wait(&cv, &lock), "wait");
	} else
		while (!ready)
			check(pthread_cond_wait(&cv, &lock), "wait");
	check(pthread_mutex_unlock(&lock), "unlock");
	check(pthread_join(tid, NULL), "join");
}

/*
 * Two locks in opposite orders.
 */
static void *
abba_other(void *arg)
{

	check(pthread_mutex_lock(bug ? &lock2 : &lock), "lock");
	check(pthread_mutex_lock(bug ? &lock : &lock2), "lock");
	check(pthread_mutex_unlock(&lock2), "unlock");
	check(pthread_mutex_unlock(&lock), "unlock");
	return arg;
}

static void
abba(void)
{
	pthread_t tid;

	start(abba_other, &tid);
	check(pthread_mutex_lock(&lock), "lock");
	check(pthread_mutex_lock(&lock2), "lock");
	check(pthread_mutex_unlock(&lock2), "unlock");
	check(pthread_mutex_unlock(&lock), "unlock");
	check(pthread_join(tid, NULL), "join");
}

/*
 * A timeout against a wake-up: after a timeout the waiter assumes that no
 * poster has come.  But a poster may increment "taken" before the timeout, and
 * post just after it.  This happens only if time can pass while the poster can
 * run.
 */
static void *
timeout_poster(void *arg)
{

	check(pthread_mutex_lock(&lock), "lock");
	taken++;
	check(pthread_mutex_unlock(&lock), "unlock");
	check(sem_post(&sem), "post");
	return arg;
}

static void
timeout(void)
{
	struct timespec ts;
	pthread_t tid;

	check(sem_init(&sem, 0, 0), "sem_init");
	start(timeout_poster, &tid);
	check(clock_gettime(CLOCK_REALTIME, &ts), "clock_gettime");
	ts.tv_sec += 10;
	if (sem_timedwait(&sem, &ts) == -1) {
		if (bug && errno == ETIMEDOUT && taken != 0)
			abort();
	}
	check(pthread_join(tid, NULL), "join");
}

/*
 * Use after destroy: the item may still be pending when its memory is used for
 * something else.
 */
static struct job {
	struct work	j_work;
	int		j_value;
} job;
static struct workqueue *wq;

static void
job_run(struct work *wk, void *arg)
{
	struct job *j = (struct job *)wk;

	(void)arg;
	if (j->j_value != 1)
		abort();
}

static void
work(void)
{

	check(workqueue_create(&wq, "job", job_run, NULL, 0, 0, WQ_MPSAFE),
	    "workqueue_create");
	job.j_value = 1;
	workqueue_enqueue(wq, &job.j_work, NULL);
	if (!bug)
		workqueue_wait(wq, &job.j_work);
	job.j_value = 2;
	workqueue_destroy(wq);
}

/* A program whose course depends on the process ID. */
static void
vary(void)
{
	int i, n;

	/*
	 * The modulus is large, because the process IDs of two runs may differ
	 * by many.
	 */
	n = bug ? 1 + (int)getpid() % 1009 : 1;
	for (i = 0; i < n; i++) {
		check(pthread_mutex_lock(&lock), "lock");
		check(pthread_mutex_unlock(&lock), "unlock");
	}
}

/* A thread that never ends. */
static void
endless(void)
{

	while (bug)
		check(pthread_mutex_trylock(&lock) == 0 ?
		    pthread_mutex_unlock(&lock) : 0, "trylock");
}

static const struct test tests[] = {
	{ "recheck", recheck },
	{ "abba", abba },
	{ "timeout", timeout },
	{ "work", work },
	{ "endless", endless },
	{ "vary", vary },
};

int
main(int argc, char **argv)
{
	int status;

	bug = argc < 3 || strcmp(argv[2], "fixed") != 0;
	status = run_test(tests, sizeof(tests) / sizeof(tests[0]), argv);
	if (status == 0)
		(void)printf("done\n");
	return status;
}
