/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The hot paths, to have their instructions counted by callgrind(1): see
 * check.sh.  Each goes HOT_N times through its path, with collection on in
 * the path alone.
 */

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/systm.h>
#include <sys/workqueue.h>

#include <err.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_include)
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif
#ifndef CALLGRIND_TOGGLE_COLLECT
#define	CALLGRIND_TOGGLE_COLLECT	((void)0)
#define	HOT_CANNOT
#endif

#define	HOT_N		1024

static struct work first, works[HOT_N];
static sem_t blocked, go, done;
static unsigned ran;
static int running;		/* count what the worker does */

/*
 * The first item blocks the worker, so that all others are taken by it as
 * a producer that is ahead of it would have it.
 */
static void
func(struct work *wk, void *arg)
{

	(void)arg;
	if (wk == &first) {
		sem_post(&blocked);
		while (sem_wait(&go) != 0)
			continue;
		if (running)
			CALLGRIND_TOGGLE_COLLECT;
	} else if (++ran == HOT_N) {
		if (running)
			CALLGRIND_TOGGLE_COLLECT;
		sem_post(&done);
	}
}

/*
 * Enqueue while the worker is awake, blocked in a callback.
 */
static void
hot_enqueue(int flags, struct cpu_info *ci, int count)
{
	struct workqueue *wq;
	int error, i;

	error = workqueue_create(&wq, "hot", func, NULL, PRI_NONE, IPL_NONE,
	    flags);
	if (error != 0)
		errx(1, "workqueue_create: %s", strerror(error));
	workqueue_enqueue(wq, &first, ci);
	while (sem_wait(&blocked) != 0)
		continue;
	if (count)
		CALLGRIND_TOGGLE_COLLECT;
	for (i = 0; i < HOT_N; i++)
		workqueue_enqueue(wq, &works[i], ci);
	if (count)
		CALLGRIND_TOGGLE_COLLECT;
	sem_post(&go);
	while (sem_wait(&done) != 0)
		continue;
	workqueue_destroy(wq);
}

static void
hot_lock(void)
{
	int i;

	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_ONE(NULL);
	CALLGRIND_TOGGLE_COLLECT;
	for (i = 0; i < HOT_N; i++) {
		KERNEL_LOCK(1, NULL);
		KERNEL_UNLOCK_ONE(NULL);
	}
	CALLGRIND_TOGGLE_COLLECT;
}

int
main(int argc, char *argv[])
{

	if (argc != 2)
		errx(2, "usage: hotpath enqueue | percpu | run | lock | list");
	if (strcmp(argv[1], "list") == 0) {
#ifdef HOT_CANNOT
		errx(1, "compiled without <valgrind/callgrind.h>");
#else
		printf("%d enqueue percpu run lock\n", HOT_N);
		return 0;
#endif
	}
	sem_init(&blocked, 0, 0);
	sem_init(&go, 0, 0);
	sem_init(&done, 0, 0);
	if (strcmp(argv[1], "enqueue") == 0)
		hot_enqueue(WQ_MPSAFE, NULL, 1);
	else if (strcmp(argv[1], "percpu") == 0)
		hot_enqueue(WQ_MPSAFE | WQ_PERCPU, cpu_lookup(0), 1);
	else if (strcmp(argv[1], "run") == 0) {
		running = 1;
		hot_enqueue(WQ_MPSAFE, NULL, 0);
	} else if (strcmp(argv[1], "lock") == 0)
		hot_lock();
	else
		errx(2, "no path \"%s\"", argv[1]);
	return 0;
}
