/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Run the hot paths, whose instructions callgrind(1) counts: see check.sh.
 * Each path runs HOT_N times.  Collection is on only in the path.
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
#endif

#define	HOT_N		1024

static struct work first, works[HOT_N];
static sem_t blocked, go, done;
static unsigned ran;
static int running;		/* count the worker's instructions */

/*
 * Start or stop counting the calling thread's instructions.  callgrind(1) sees
 * the macro, and an emulator the name of the function.
 */
static __attribute__((__noinline__)) void
hot_toggle(void)
{

	CALLGRIND_TOGGLE_COLLECT;
	__asm__ volatile ("" : : : "memory");
}

/*
 * The callback.  The first item blocks the worker.  Then the worker takes all
 * others at once, as it would if the producer were ahead of it.
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
			hot_toggle();
	} else if (++ran == HOT_N) {
		if (running)
			hot_toggle();
		sem_post(&done);
	}
}

/*
 * Enqueue while the worker is in a callback, and so not asleep in the queue.
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
		hot_toggle();
	for (i = 0; i < HOT_N; i++)
		workqueue_enqueue(wq, &works[i], ci);
	if (count)
		hot_toggle();
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
	hot_toggle();
	for (i = 0; i < HOT_N; i++) {
		KERNEL_LOCK(1, NULL);
		KERNEL_UNLOCK_ONE(NULL);
	}
	hot_toggle();
}

int
main(int argc, char *argv[])
{

	if (argc != 2)
		errx(2, "usage: hotpath enqueue | percpu | run | lock | list");
	if (strcmp(argv[1], "list") == 0) {
		printf("%d enqueue percpu run lock\n", HOT_N);
		return 0;
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
