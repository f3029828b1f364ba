/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A program for wqstat(1): two workers that wait for each other for ever.
 *
 *	h_wqstat		the deadlock
 *	h_wqstat layout		of a release that wqstat does not know
 *	h_wqstat many n		n idle workqueues
 *	h_wqstat name s		an idle workqueue of that name
 *	h_wqstat execute	SIGUSR1 makes it execute sleep(1)
 */

#include <sys/workqueue.h>
#include <sys/workqueue_ext.h>

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define	NITEMS	40

/* struct wqstat_root: its magic string, and the number of its layout. */
extern struct {
	char		magic[8];
	uint32_t	layout;
} wqpool_statroot;

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t b = PTHREAD_MUTEX_INITIALIZER;
static sem_t begun, locked[2];
static struct work items[2][NITEMS];

void	first_callback(struct work *, void *);
void	second_callback(struct work *, void *);

static void
both(int i, pthread_mutex_t *one, pthread_mutex_t *other)
{

	pthread_mutex_lock(one);
	sem_post(&begun);
	sem_post(&locked[i]);
	sem_wait(&locked[!i]);
	pthread_mutex_lock(other);
}

void
first_callback(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	both(0, &a, &b);
}

void
second_callback(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	both(1, &b, &a);
}

static struct workqueue *
create(const char *name, void (*func)(struct work *, void *))
{
	struct workqueue *wq;

	if (workqueue_create(&wq, name, func, NULL, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE) != 0)
		exit(1);
	return wq;
}

/* Workqueues of an event loop have no thread. */
static void
many(int n)
{
	struct workqueue *wq;
	int fd;

	while (n-- > 0) {
		if (workqueue_create_polled(&wq, "many", first_callback, NULL,
		    IPL_NONE, WQ_MPSAFE, &fd) != 0)
			exit(1);
		/* Otherwise there would be too many descriptors. */
		(void)close(fd);
		(void)close(fd + 1);
	}
}

static void
execute(int signo)
{

	(void)signo;
	(void)execlp("sleep", "sleep", "1000", (char *)NULL);
	_exit(1);
}

int
main(int argc, char **argv)
{
	struct workqueue *wq[2];
	int i;

	if (argc == 3 && strcmp(argv[1], "many") == 0)
		many(atoi(argv[2]));
	else if (argc == 3 && strcmp(argv[1], "name") == 0)
		(void)create(argv[2], first_callback);
	else {
		sem_init(&begun, 0, 0);
		sem_init(&locked[0], 0, 0);
		sem_init(&locked[1], 0, 0);
		wq[0] = create("first", first_callback);
		wq[1] = create("second", second_callback);
		(void)create("idle", first_callback);
		for (i = 0; i < NITEMS; i++) {
			workqueue_enqueue(wq[0], &items[0][i], NULL);
			workqueue_enqueue(wq[1], &items[1][i], NULL);
		}
		/* Each sample shows both callbacks. */
		for (i = 0; i < 2; i++)
			while (sem_wait(&begun) != 0)
				continue;
	}
	if (argc == 2 && strcmp(argv[1], "layout") == 0)
		wqpool_statroot.layout++;
	if (argc == 2 && strcmp(argv[1], "execute") == 0)
		(void)signal(SIGUSR1, execute);
	(void)printf("ready\n");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
