/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The protocols of workqueue(9) and workqueue_ext(9).
 */

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/workqueue_ext.h>

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "h_protocol.h"

/*
 * An item that counts its runs, and enqueues itself again i_left times.
 */
struct item {
	struct work	 i_work;
	struct cpu_info	*i_next;	/* of its next run */
	int		 i_left;	/* further runs */
	int		 i_enqueued;
	int		 i_runs;
	bool		 i_running;
};

static struct workqueue *wq;
static struct item items[10];
static sem_t ran;
static int cancelled;

static void
enqueue(struct item *i, struct cpu_info *ci)
{

	i->i_enqueued++;
	workqueue_enqueue(wq, &i->i_work, ci);
}

static void
run(struct work *wk, void *arg)
{
	struct item *i = (struct item *)wk;

	(void)arg;
	CHECK(!i->i_running);
	i->i_running = true;
	wqsim_point("callback");
	i->i_running = false;
	i->i_runs++;
	CHECK(i->i_runs <= i->i_enqueued);
	if (i->i_left > 0) {
		i->i_left--;
		enqueue(i, i->i_next);
	}
	(void)sem_post(&ran);
}

static void
begin(int flags)
{

	memset(items, 0, sizeof(items));
	cancelled = 0;
	CHECK(sem_init(&ran, 0, 0) == 0);
	CHECK(workqueue_create(&wq, "sim", run, NULL, PRI_NONE, IPL_NONE,
	    flags) == 0);
}

/* Destroy the queue.  Check that every item has run once for each enqueue. */
static void
end(void)
{
	int enqueued = 0, i, runs = 0;

	workqueue_destroy(wq);
	for (i = 0; i < 10; i++) {
		CHECK(!items[i].i_running);
		enqueued += items[i].i_enqueued;
		runs += items[i].i_runs;
	}
	CHECK(runs + cancelled == enqueued);
	(void)sem_destroy(&ran);
}

/*
 * Two producers and a worker.
 */
static void *
enqueue_two(void *arg)
{
	struct item *i = arg;

	enqueue(&i[0], NULL);
	enqueue(&i[1], NULL);
	return NULL;
}

static void
proto_enqueue(void *arg)
{
	pthread_t t[2];

	(void)arg;
	begin(WQ_MPSAFE);
	t[0] = start(enqueue_two, &items[0]);
	t[1] = start(enqueue_two, &items[2]);
	join(t[0]);
	join(t[1]);
	end();
}

/*
 * A worker that goes to sleep between items.
 */
static void
proto_sleep(void *arg)
{
	int i;

	(void)arg;
	begin(WQ_MPSAFE);
	for (i = 0; i < 3; i++) {
		enqueue(&items[i], NULL);
		while (sem_wait(&ran) != 0)
			continue;
		CHECK(items[i].i_runs == 1);
	}
	end();
}

/*
 * Waiters, each of which enqueues an item of its own twice and waits for it.
 */
static void *
wait_own(void *arg)
{
	struct item *i = arg;
	int n;

	for (n = 1; n <= 2; n++) {
		enqueue(i, NULL);
		workqueue_wait(wq, &i->i_work);
		CHECK(i->i_runs == n);
	}
	return NULL;
}

static void
proto_wait(void *arg)
{
	pthread_t t[2];

	(void)arg;
	begin(WQ_MPSAFE);
	t[0] = start(wait_own, &items[0]);
	t[1] = start(wait_own, &items[1]);
	join(t[0]);
	join(t[1]);
	end();
}

/*
 * Two waiters for one item, and an item that enqueues itself again.
 */
static void *
wait_first(void *arg)
{

	workqueue_wait(wq, &items[0].i_work);
	CHECK(items[0].i_runs >= 1);
	return arg;
}

static void
proto_waiters(void *arg)
{
	pthread_t t[2];

	(void)arg;
	begin(WQ_MPSAFE);
	items[0].i_left = 1;
	enqueue(&items[0], NULL);
	t[0] = start(wait_first, NULL);
	t[1] = start(wait_first, NULL);
	enqueue(&items[1], NULL);
	join(t[0]);
	join(t[1]);
	end();
}

static void
proto_timedwait(void *arg)
{
	const struct timespec ts = { 0, 1000000 };
	int error;

	(void)arg;
	begin(WQ_MPSAFE);
	enqueue(&items[0], NULL);
	enqueue(&items[1], NULL);
	error = workqueue_timedwait(wq, &items[1].i_work, &ts);
	CHECK(error == 0 || error == ETIMEDOUT);
	CHECK(error != 0 || items[1].i_runs == 1);
	workqueue_wait(wq, &items[1].i_work);
	CHECK(items[0].i_runs == 1 && items[1].i_runs == 1);
	end();
}

/*
 * A canceller, a waiter and the worker.
 */
static void *
cancel_two(void *arg)
{

	if (workqueue_cancel(wq, &items[0].i_work))
		cancelled++;
	if (workqueue_cancel(wq, &items[2].i_work))
		cancelled++;
	return arg;
}

static void
proto_cancel(void *arg)
{
	pthread_t t;

	(void)arg;
	begin(WQ_MPSAFE);
	t = start(cancel_two, NULL);
	enqueue(&items[0], NULL);
	enqueue(&items[1], NULL);
	enqueue(&items[2], NULL);
	workqueue_wait(wq, &items[1].i_work);
	CHECK(items[1].i_runs == 1);
	join(t);
	workqueue_wait(wq, &items[2].i_work);
	CHECK(items[0].i_runs + items[2].i_runs + cancelled == 2);
	end();
}

/*
 * A queue that is destroyed while its items enqueue themselves.
 */
static void
proto_destroy(void *arg)
{

	(void)arg;
	begin(WQ_MPSAFE);
	items[0].i_left = 2;
	items[1].i_left = 1;
	enqueue(&items[0], NULL);
	enqueue(&items[1], NULL);
	end();
	CHECK(items[0].i_runs == 3 && items[1].i_runs == 2);
}

/*
 * The same with a queue for each of two CPUs.
 */
static void
proto_percpu(void *arg)
{
	struct cpu_info *ci[2] = { cpu_lookup(0), cpu_lookup(1) };
	int i;

	(void)arg;
	begin(WQ_MPSAFE | WQ_PERCPU);
	for (i = 0; i < 2; i++) {
		items[i].i_left = 1;
		items[i].i_next = ci[1 - i];
		enqueue(&items[i], ci[i]);
	}
	end();
}

static void *
drain(void *arg)
{

	CHECK(workqueue_drain(wq) == 0);
	CHECK(items[0].i_runs == 2);
	return arg;
}

static void
proto_drain(void *arg)
{
	pthread_t t[2];

	(void)arg;
	begin(WQ_MPSAFE);
	items[0].i_left = 1;
	enqueue(&items[0], NULL);
	t[0] = start(drain, NULL);
	t[1] = start(enqueue_two, &items[1]);
	join(t[0]);
	join(t[1]);
	end();
}

/*
 * A timer that expires while it is set again or cancelled.
 */
static struct workqueue_delay delay;

static void *
delay_cancel(void *arg)
{

	if (workqueue_delay_cancel(&delay))
		cancelled++;
	return arg;
}

static void
proto_delay(void *arg)
{
	const struct timespec ts = { 0, 10000000 };
	pthread_t t;

	(void)arg;
	begin(WQ_MPSAFE);
	CHECK(workqueue_delay_init(&delay) == 0);
	items[0].i_enqueued++;
	CHECK(!workqueue_delay_enqueue(&delay, wq, &items[0].i_work, NULL,
	    &ts));
	t = start(delay_cancel, NULL);
	wqsim_point("delay");
	join(t);
	if (cancelled == 0)
		while (sem_wait(&ran) != 0)
			continue;
	workqueue_delay_destroy(&delay);
	end();
}

/*
 * A queue that a loop of the client runs.
 */
static int loop_fd;
static bool loop_end;

static void *
loop(void *arg)
{
	struct pollfd pfd = { .fd = loop_fd, .events = POLLIN };

	while (!loop_end) {
		CHECK(poll(&pfd, 1, -1) == 1);
		(void)workqueue_run_polled(wq);
	}
	return arg;
}

static void
loop_stop(struct work *wk, void *arg)
{

	if (wk == &items[3].i_work)
		loop_end = true;
	run(wk, arg);
}

static void
proto_polled(void *arg)
{
	pthread_t t[2];

	(void)arg;
	memset(items, 0, sizeof(items));
	cancelled = 0;
	loop_end = false;
	CHECK(sem_init(&ran, 0, 0) == 0);
	CHECK(workqueue_create_polled(&wq, "sim", loop_stop, NULL, IPL_NONE,
	    WQ_MPSAFE, &loop_fd) == 0);
	t[0] = start(loop, NULL);
	t[1] = start(enqueue_two, &items[0]);
	enqueue(&items[2], NULL);
	workqueue_wait(wq, &items[2].i_work);
	CHECK(items[2].i_runs == 1);
	join(t[1]);
	enqueue(&items[3], NULL);
	join(t[0]);
	end();
}

/*
 * An interrupt that enqueues, at any point of any thread.
 */
static int
intr(void *arg)
{
	struct item *i = arg;

	if (i->i_enqueued == i->i_runs && !i->i_running)
		enqueue(i, NULL);
	return 1;
}

static void
proto_interrupt(void *arg)
{
	void *ih;

	(void)arg;
	begin(WQ_MPSAFE);
	ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, intr, &items[2]);
	CHECK(ih != NULL);
	wqsim_signal(SIGUSR1);
	wqsim_signal(SIGUSR1);
	enqueue(&items[0], NULL);
	workqueue_wait(wq, &items[0].i_work);
	CHECK(items[0].i_runs == 1);
	enqueue(&items[1], NULL);
	intr_disestablish(ih);
	end();
}

/*
 * Three threads and ten items: the program that workqueue_sim(7) measures.
 */
static void *
enqueue_five(void *arg)
{
	struct item *i = arg;
	int n;

	for (n = 0; n < 5; n++)
		enqueue(&i[n], NULL);
	return NULL;
}

static void
proto_ten(void *arg)
{
	pthread_t t;

	(void)arg;
	begin(WQ_MPSAFE);
	t = start(enqueue_five, &items[0]);
	(void)enqueue_five(&items[5]);
	join(t);
	end();
}

/*
 * Two producers, the worker, a waiter, and then the destruction of the queue.
 * This is for the exhaustive search.
 */
static void *
enqueue_one(void *arg)
{

	enqueue(arg, NULL);
	return NULL;
}

static void
proto_small(void *arg)
{
	pthread_t t[2];

	(void)arg;
	begin(WQ_MPSAFE);
	t[0] = start(enqueue_one, &items[0]);
	t[1] = start(enqueue_one, &items[1]);
	join(t[0]);
	workqueue_wait(wq, &items[0].i_work);
	CHECK(items[0].i_runs == 1);
	join(t[1]);
	end();
	CHECK(items[1].i_runs == 1);
}

int
main(int argc, char **argv)
{
	static const struct protocol protocols[] = {
		{ "enqueue", proto_enqueue, false },
		{ "ten", proto_ten, false },
		{ "sleep", proto_sleep, false },
		{ "wait", proto_wait, false },
		{ "waiters", proto_waiters, false },
		{ "timedwait", proto_timedwait, false },
		{ "cancel", proto_cancel, false },
		{ "destroy", proto_destroy, false },
		{ "percpu", proto_percpu, false },
		{ "drain", proto_drain, false },
		{ "delay", proto_delay, false },
		{ "polled", proto_polled, false },
		{ "interrupt", proto_interrupt, false },
		{ "small", proto_small, false },
		{ NULL, NULL, false }
	};

	return protocol_main(protocols, argc, argv);
}
