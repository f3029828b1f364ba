/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A driver with a lost wake-up, for workqueue_sim(7).  Its interrupt handler
 * counts an event, and enqueues the item unless it is already scheduled.  The
 * callback handles events until there are none.  "simlost fixed" runs without
 * the bug.
 *
 *	cc simlost.c $(pkg-config --cflags --libs workqueue)
 *	wqsim -n 10000 ./a.out
 */

#include <sys/workqueue.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>

static pthread_mutex_t sc_lock = PTHREAD_MUTEX_INITIALIZER;
static struct workqueue *sc_wq;
static struct work sc_work;
static sem_t sc_handled;
static int sc_events;
static bool sc_scheduled, fixed;

/* The interrupt handler: the device has an event. */
static void
sc_intr(void)
{
	bool schedule;

	pthread_mutex_lock(&sc_lock);
	sc_events++;
	schedule = !sc_scheduled;
	sc_scheduled = true;
	pthread_mutex_unlock(&sc_lock);
	if (schedule)
		workqueue_enqueue(sc_wq, &sc_work, NULL);
}

/* Take an event.  If there is none, the fixed driver clears sc_scheduled. */
static bool
sc_take(void)
{
	bool some;

	pthread_mutex_lock(&sc_lock);
	some = sc_events > 0;
	if (some)
		sc_events--;
	else if (fixed)
		sc_scheduled = false;
	pthread_mutex_unlock(&sc_lock);
	return some;
}

static void
sc_run(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	while (sc_take())
		sem_post(&sc_handled);
	if (!fixed) {
		pthread_mutex_lock(&sc_lock);
		sc_scheduled = false;
		pthread_mutex_unlock(&sc_lock);
	}
}

int
main(int argc, char **argv)
{

	(void)argv;
	fixed = argc > 1;
	sem_init(&sc_handled, 0, 0);
	if (workqueue_create(&sc_wq, "sc", sc_run, NULL, 0, 0, WQ_MPSAFE) != 0)
		return 1;
	sc_intr();
	sc_intr();
	sem_wait(&sc_handled);
	sem_wait(&sc_handled);
	workqueue_destroy(sc_wq);
	printf("both events were handled\n");
	return 0;
}
