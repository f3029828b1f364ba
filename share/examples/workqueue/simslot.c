/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A plain program with threads.  It does not use libworkqueue, but wqsim(1) can
 * run it, too.  Two producers and two consumers share a slot and one condition
 * variable.  If pthread_cond_signal() wakes a thread that cannot use the slot,
 * the wake-up is lost.  "simslot fixed" runs without the bug.
 *
 *	cc simslot.c -pthread
 *	wqsim -n 10000 ./a.out
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool full, fixed;

/* Fill the slot when it is empty, or empty it when it is full. */
static void
slot_set(bool value)
{

	pthread_mutex_lock(&lock);
	while (full == value)
		pthread_cond_wait(&changed, &lock);
	full = value;
	if (fixed)
		pthread_cond_broadcast(&changed);
	else
		pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

static void *
producer(void *arg)
{

	slot_set(true);
	return arg;
}

static void *
consumer(void *arg)
{

	slot_set(false);
	return arg;
}

int
main(int argc, char **argv)
{
	pthread_t tid[4];
	int i;

	(void)argv;
	fixed = argc > 1;
	for (i = 0; i < 4; i++)
		if (pthread_create(&tid[i], NULL, i < 2 ? consumer : producer,
		    NULL) != 0)
			return 1;
	for (i = 0; i < 4; i++)
		pthread_join(tid[i], NULL);
	printf("all items were taken\n");
	return 0;
}
