/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A program for wqstat(1): two jobs of one pool that never return.  With an
 * argument, the first thread of the program ends.
 */

#include <sys/mutex.h>
#include <sys/threadpool.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static kmutex_t lock;
static sem_t entered;
static struct threadpool *pool;
static struct threadpool_job jobs[2];

void	first_job(struct threadpool_job *);
void	second_job(struct threadpool_job *);

void
first_job(struct threadpool_job *job)
{

	(void)job;
	sem_post(&entered);
	for (;;)
		(void)pause();
}

void
second_job(struct threadpool_job *job)
{

	(void)job;
	sem_post(&entered);
	for (;;)
		(void)pause();
}

static void *
ready(void *arg)
{
	pthread_t *first = arg;

	if (first != NULL)
		(void)pthread_join(*first, NULL);
	(void)printf("ready\n");
	(void)fflush(stdout);
	while (pause() == -1)
		continue;
	return NULL;
}

int
main(int argc, char **argv)
{
	static pthread_t first, other;
	int i;

	(void)argv;
	sem_init(&entered, 0, 0);
	mutex_init(&lock, MUTEX_DEFAULT, IPL_NONE);
	if (threadpool_get(&pool, PRI_NONE) != 0)
		exit(1);
	threadpool_job_init(&jobs[0], first_job, &lock, "first");
	threadpool_job_init(&jobs[1], second_job, &lock, "second");
	for (i = 0; i < 2; i++) {
		mutex_enter(&lock);
		threadpool_schedule_job(pool, &jobs[i]);
		mutex_exit(&lock);
		while (sem_wait(&entered) != 0)
			continue;
	}
	if (argc == 1)
		(void)ready(NULL);
	first = pthread_self();
	if (pthread_create(&other, NULL, ready, &first) != 0)
		exit(1);
	pthread_exit(NULL);
}
