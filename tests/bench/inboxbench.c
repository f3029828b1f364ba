/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * inboxbench: compare the cost of the inbox alone and of a list under a pthread
 * mutex.  The two alternate in the same run.
 */

#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kern/subr_wqinbox.h"
#include "median.h"

#define	ROUNDS	9
#define	BATCH	32			/* items per push-and-take turn */
#define	ITEMS	(1 << 20)
#define	MAXTHREADS 2

static struct wqinbox inbox;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct work *listed;		/* under the mutex */
static struct work *works;		/* ITEMS for each thread */
static pthread_barrier_t start, end;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void
inbox_put(struct work *wk)
{

	wqinbox_push(&inbox, wk);
}

static void
list_put(struct work *wk)
{

	pthread_mutex_lock(&mutex);
	wk->wk_dummy = listed;
	listed = wk;
	pthread_mutex_unlock(&mutex);
}

static struct work *
inbox_get(void)
{

	return (struct work *)wqinbox_take(&inbox);
}

static struct work *
list_get(void)
{
	struct work *wk;

	pthread_mutex_lock(&mutex);
	wk = listed;
	listed = NULL;
	pthread_mutex_unlock(&mutex);
	return wk;
}

/*
 * Put items.  After every BATCH of items, take them all and follow the list.
 */
static double
alone(void (*put)(struct work *), struct work *(*get)(void))
{
	struct work *wk;
	double t;
	long i, n;

	n = 0;
	t = now();
	for (i = 0; i < ITEMS; i++) {
		(*put)(&works[i]);
		if ((i + 1) % BATCH == 0)
			for (wk = (*get)(); wk != NULL; wk = wk->wk_dummy)
				n++;
	}
	t = now() - t;
	if (n != ITEMS)
		errx(1, "%ld items of %d", n, ITEMS);
	return t / ITEMS;
}

static void (*thread_put)(struct work *);

static void *
producer(void *arg)
{
	struct work *own = arg;
	long i;

	(void)pthread_barrier_wait(&start);
	for (i = 0; i < ITEMS; i++)
		(*thread_put)(&own[i]);
	(void)pthread_barrier_wait(&end);
	return NULL;
}

/*
 * Let threads put items in parallel, and take everything at the end.
 */
static double
together(void (*put)(struct work *), struct work *(*get)(void))
{
	pthread_t threads[MAXTHREADS];
	struct work *wk;
	double t;
	long n;
	int i;

	thread_put = put;
	for (i = 0; i < MAXTHREADS; i++)
		if (pthread_create(&threads[i], NULL, producer,
		    works + (long)i * ITEMS) != 0)
			errx(1, "pthread_create");
	(void)pthread_barrier_wait(&start);
	t = now();
	(void)pthread_barrier_wait(&end);
	t = now() - t;
	for (i = 0; i < MAXTHREADS; i++)
		pthread_join(threads[i], NULL);
	n = 0;
	for (wk = (*get)(); wk != NULL; wk = wk->wk_dummy)
		n++;
	if (n != (long)MAXTHREADS * ITEMS)
		errx(1, "%ld items of %d", n, MAXTHREADS * ITEMS);
	return t / ((double)MAXTHREADS * ITEMS);
}

static const struct bench {
	const char	*name;
	double		(*func)(void (*)(struct work *),
			    struct work *(*)(void));
} benches[] = {
	{ "push and take, 32 at a time", alone },
	{ "push, 2 threads at once", together },
};
#define	NBENCHES	(sizeof(benches) / sizeof(benches[0]))

int
main(void)
{
	double ns[NBENCHES][ROUNDS], ref[NBENCHES][ROUNDS];
	double ratio[NBENCHES][ROUNDS];
	size_t b;
	int r;

	works = calloc((size_t)MAXTHREADS * ITEMS, sizeof(*works));
	if (works == NULL)
		err(1, NULL);
	pthread_barrier_init(&start, NULL, MAXTHREADS + 1);
	pthread_barrier_init(&end, NULL, MAXTHREADS + 1);
	for (r = 0; r < ROUNDS; r++)
		for (b = 0; b < NBENCHES; b++) {
			ns[b][r] = (*benches[b].func)(inbox_put, inbox_get);
			ref[b][r] = (*benches[b].func)(list_put, list_get);
			ratio[b][r] = ns[b][r] / ref[b][r];
		}
	printf("%-32s %9s %12s %7s\n", "", "ns/item", "mutex, list", "ratio");
	for (b = 0; b < NBENCHES; b++)
		printf("%-32s %9.1f %12.1f %7.3f\n", benches[b].name,
		    median(ns[b], ROUNDS), median(ref[b], ROUNDS),
		    median(ratio[b], ROUNDS));
	return 0;
}
