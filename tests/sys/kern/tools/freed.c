/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A client that frees a pending item.
 */

#include <sys/workqueue.h>

#include <semaphore.h>
#include <stdlib.h>

struct item {
	long		i_data;
	struct work	i_work;
};

static sem_t entered, leave;

static void
run(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	sem_post(&entered);
	while (sem_wait(&leave) != 0)
		continue;
}

static void
free_pending(struct item *i)
{

	free(i);
}

int
main(void)
{
	static struct work gate;
	struct workqueue *wq;
	struct item *i;

	sem_init(&entered, 0, 0);
	sem_init(&leave, 0, 0);
	if (workqueue_create(&wq, "freed", run, NULL, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE) != 0 || (i = malloc(sizeof(*i))) == NULL)
		return 2;
	workqueue_enqueue(wq, &gate, NULL);
	while (sem_wait(&entered) != 0)
		continue;
	workqueue_enqueue(wq, &i->i_work, NULL);
	free_pending(i);
	sem_post(&leave);
	sem_post(&leave);
	workqueue_destroy(wq);
	return 0;
}
