/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A program for wqstat(1): an item runs a function of a plug-in.  SIGUSR1
 * replaces the plug-in by another one.
 *
 *	h_wqstat_plugin file function file function
 *
 * The functions get an array of two semaphores.  They post the first, and then
 * wait for the second.
 */

#include <sys/workqueue.h>

#include <dlfcn.h>
#include <err.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static sem_t sems[2];
static struct work item;
static struct workqueue *wq;

static void
say(const char *what)
{

	(void)printf("%s\n", what);
	(void)fflush(stdout);
}

/*
 * Let the queue run a function.  Return its address.
 */
static void *
start(void *h, const char *name)
{
	void (*func)(struct work *, void *);

	if (h == NULL || (*(void **)&func = dlsym(h, name)) == NULL)
		errx(1, "%s", dlerror());
	if (workqueue_create(&wq, "plugin", func, sems, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE) != 0)
		errx(1, "no workqueue");
	workqueue_enqueue(wq, &item, NULL);
	while (sem_wait(&sems[0]) != 0)
		continue;
	return *(void **)&func;
}

int
main(int argc, char **argv)
{
	void *before, *after, *h;
	sigset_t set;
	int signo;

	if (argc != 5)
		errx(2, "usage: h_wqstat_plugin file name file name");
	sem_init(&sems[0], 0, 0);
	sem_init(&sems[1], 0, 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	h = dlopen(argv[1], RTLD_NOW);
	before = start(h, argv[2]);
	say("ready");
	(void)sigwait(&set, &signo);
	sem_post(&sems[1]);
	workqueue_destroy(wq);
	if (dlclose(h) != 0)
		errx(1, "%s", dlerror());
	after = start(dlopen(argv[3], RTLD_NOW), argv[4]);
	say(before == after ? "same" : "elsewhere");
	for (;;)
		(void)pause();
}
