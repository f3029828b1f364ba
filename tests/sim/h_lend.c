/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The protocols of queues to which threads are lent.  Run this with
 * WORKQUEUE_LEND=1.
 */

#include <sys/workqueue_ext.h>

#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "h_protocol.h"

#define	NITEMS	3

static struct workqueue *wq[2];
static struct work items[2][NITEMS];
static int enqueued[2], runs[2], running[2];
static sem_t ran;

static void
run(struct work *wk, void *arg)
{
	int *q = arg, i = (int)(q - running);

	(void)wk;
	CHECK((*q)++ == 0);
	wqsim_point("callback");
	CHECK(--(*q) == 0);
	runs[i]++;
	CHECK(runs[i] <= enqueued[i]);
	(void)sem_post(&ran);
}

static void
begin(int n)
{
	int i;

	CHECK(sem_init(&ran, 0, 0) == 0);
	for (i = 0; i < n; i++) {
		enqueued[i] = runs[i] = running[i] = 0;
		CHECK(workqueue_create(&wq[i], "lend", run, &running[i],
		    PRI_NONE, IPL_NONE, WQ_MPSAFE) == 0);
	}
}

static void
end(int n)
{
	int i;

	for (i = 0; i < n; i++) {
		workqueue_destroy(wq[i]);
		CHECK(running[i] == 0 && runs[i] == enqueued[i]);
	}
	(void)sem_destroy(&ran);
}

static void
enqueue(int q)
{

	enqueued[q]++;
	workqueue_enqueue(wq[q], &items[q][enqueued[q] - 1], NULL);
}

static void
pause_for(time_t sec)
{
	const struct timespec ts = { sec, 0 };

	(void)nanosleep(&ts, NULL);
}

/*
 * Two producers find a queue without a thread.
 */
static void *
enqueue_one(void *arg)
{

	enqueue((int)((int *)arg - running));
	return NULL;
}

static void
proto_cold(void *arg)
{
	pthread_t t[2];

	(void)arg;
	begin(1);
	t[0] = start(enqueue_one, &running[0]);
	t[1] = start(enqueue_one, &running[0]);
	join(t[0]);
	join(t[1]);
	end(1);
}

/*
 * A producer, and two threads that wait for its item, look for a thread for the
 * queue.
 */
static void *
wait_one(void *arg)
{

	(void)arg;
	wqsim_point("wait");
	workqueue_wait(wq[0], &items[0][0]);
	return NULL;
}

static void
proto_waiters(void *arg)
{
	pthread_t t[3];
	int i;

	(void)arg;
	begin(1);
	t[0] = start(enqueue_one, &running[0]);
	for (i = 1; i < 3; i++)
		t[i] = start(wait_one, NULL);
	for (i = 0; i < 3; i++)
		join(t[i]);
	end(1);
}

/*
 * Two queues begin at the same time, and a thread waits for an item of each.
 */
static void
proto_two(void *arg)
{
	pthread_t t;

	(void)arg;
	begin(2);
	t = start(enqueue_one, &running[1]);
	enqueue(0);
	workqueue_wait(wq[0], &items[0][0]);
	CHECK(runs[0] == 1);
	join(t);
	workqueue_wait(wq[1], &items[1][0]);
	CHECK(runs[1] == 1);
	end(2);
}

/*
 * Items come while the thread goes home, and after that.
 */
static void *
enqueue_late(void *arg)
{

	pause_for(2);
	enqueue((int)((int *)arg - running));
	return NULL;
}

static void
proto_home(void *arg)
{
	pthread_t t;

	(void)arg;
	begin(1);
	enqueue(0);
	while (sem_wait(&ran) != 0)
		continue;
	t = start(enqueue_late, &running[0]);
	join(t);
	pause_for(3);
	enqueue(0);
	CHECK(workqueue_drain(wq[0]) == 0);
	CHECK(runs[0] == 3);
	end(1);
}

/*
 * A queue is destroyed while its thread goes home.
 */
static void
proto_destroy(void *arg)
{

	(void)arg;
	begin(1);
	enqueue(0);
	while (sem_wait(&ran) != 0)
		continue;
	pause_for(2);
	end(1);
}

/*
 * A queue gets the record of one that was destroyed.
 */
static void
proto_again(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 2; i++) {
		begin(1);
		enqueue(0);
		if (i == 0)
			workqueue_wait(wq[0], &items[0][0]);
		end(1);
	}
}

/*
 * The life of a queue: create, enqueue, wait, go home or not, enqueue,
 * destroy.  Two clients do this at once.  One has a second producer, and gives
 * the queue no time after its last item.
 */
static void
life(int q)
{

	CHECK(workqueue_create(&wq[q], "lend", run, &running[q], PRI_NONE,
	    IPL_NONE, WQ_MPSAFE) == 0);
	enqueue(q);
	workqueue_wait(wq[q], &items[q][0]);
	CHECK(runs[q] == 1);
}

static void *
other_life(void *arg)
{

	(void)arg;
	life(1);
	pause_for(2);
	enqueue(1);
	CHECK(workqueue_drain(wq[1]) == 0);
	CHECK(runs[1] == 2);
	workqueue_destroy(wq[1]);
	return NULL;
}

static void
proto_life(void *arg)
{
	pthread_t t[2];
	int i;

	(void)arg;
	CHECK(sem_init(&ran, 0, 0) == 0);
	for (i = 0; i < 2; i++)
		enqueued[i] = runs[i] = running[i] = 0;
	t[1] = start(other_life, NULL);
	life(0);
	t[0] = start(enqueue_late, &running[0]);
	pause_for(2);
	enqueue(0);
	join(t[0]);
	workqueue_destroy(wq[0]);
	CHECK(runs[0] == 3);
	join(t[1]);
	(void)sem_destroy(&ran);
}

/*
 * A handler enqueues on a queue without a thread.  It has interrupted a thread
 * that does the same, on this queue and on another.
 */
static void
handler(int signo)
{

	enqueue(signo == SIGUSR1 ? 0 : 1);
}

static void *
interrupt(void *arg)
{

	CHECK(pthread_kill(*(pthread_t *)arg, SIGUSR1) == 0);
	wqsim_point("signal");
	CHECK(pthread_kill(*(pthread_t *)arg, SIGUSR2) == 0);
	return NULL;
}

static void
proto_handler(void *arg)
{
	struct sigaction sa;
	pthread_t self, t;

	(void)arg;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	CHECK(sigaction(SIGUSR2, &sa, NULL) == 0);
	begin(2);
	self = pthread_self();
	t = start(interrupt, &self);
	enqueue(0);
	enqueue(1);
	workqueue_wait(wq[0], &items[0][0]);
	join(t);
	while (enqueued[0] + enqueued[1] < 4)
		pause_for(1);
	end(2);
}

/*
 * Two producers stop, one after the other, each anywhere in its call, because
 * the handler of a signal waits.  A thread that waits for their items goes on.
 */
static sem_t go_on;

static void
stop(int signo)
{

	(void)signo;
	while (sem_wait(&go_on) != 0)
		continue;
}

static void
proto_stopped(void *arg)
{
	struct sigaction sa;
	pthread_t t[2];
	int i;

	(void)arg;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = stop;
	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	CHECK(sem_init(&go_on, 0, 0) == 0);
	begin(1);
	for (i = 0; i < 2; i++) {
		t[i] = start(enqueue_one, &running[0]);
		wqsim_point("producer");
		(void)pthread_kill(t[i], SIGUSR1);
		wqsim_point("stopped");
		workqueue_wait(wq[0], &items[0][i]);
		/* The thread goes home. */
		pause_for(3);
	}
	for (i = 0; i < 2; i++)
		(void)sem_post(&go_on);
	for (i = 0; i < 2; i++)
		join(t[i]);
	end(1);
	(void)sem_destroy(&go_on);
}

/*
 * The schedule may refuse threads.  The creation of the first queue needs two
 * threads.  After that all items run.
 */
static void
proto_refused(void *arg)
{

	(void)arg;
	CHECK(sem_init(&ran, 0, 0) == 0);
	while (workqueue_create(&wq[0], "lend", run, &running[0], PRI_NONE,
	    IPL_NONE, WQ_MPSAFE) != 0)
		continue;
	workqueue_destroy(wq[0]);
	(void)sem_destroy(&ran);
	begin(2);
	enqueue(0);
	enqueue(1);
	workqueue_wait(wq[1], &items[1][0]);
	CHECK(runs[1] == 1);
	enqueue(1);
	end(2);
}

int
main(int argc, char **argv)
{
	static const struct protocol protocols[] = {
		{ "cold", proto_cold, false },
		{ "waiters", proto_waiters, false },
		{ "two", proto_two, false },
		{ "home", proto_home, false },
		{ "destroy", proto_destroy, false },
		{ "again", proto_again, false },
		{ "life", proto_life, false },
		{ "handler", proto_handler, false },
		{ "stopped", proto_stopped, false },
		{ "refused", proto_refused, false },
		{ NULL, NULL, false }
	};

	return protocol_main(protocols, argc, argv);
}
