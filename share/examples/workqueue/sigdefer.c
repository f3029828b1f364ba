/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * sigdefer: do real work in response to a signal.
 *
 * A signal handler must not call printf or malloc, and must not take a lock.
 * The usual solution is a pipe to oneself and an event loop that reads it.
 * Here the handler enqueues a preallocated item for a worker instead, and the
 * program needs neither pipe nor loop.
 *
 * cc sigdefer.c $(pkg-config --cflags --libs workqueue)
 *
 * usage: sigdefer [-w]
 *
 * Without -w it sends itself the signals and shows the result.  With -w it
 * waits for yours: SIGHUP reloads, SIGUSR1 dumps, SIGTERM quits.
 */

#include <sys/types.h>

#include <sys/systm.h>
#include <sys/workqueue.h>

#include <err.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * One for each signal.  A pending item must not be enqueued, and the library
 * checks this only with WORKQUEUE_CHECK=1.  So the handler sets ev_pending
 * before the enqueue, and the callback first clears it.
 */
struct event {
	struct work	 ev_work;	/* first: dispatch() casts it back */
	int		 ev_signo;
	void		(*ev_func)(struct event *);
	atomic_bool	 ev_pending;
	atomic_uint	 ev_count;	/* signals not yet served */
};

static void	reload(struct event *);
static void	dump(struct event *);
static void	quit(struct event *);

static struct event events[] = {
	{ .ev_signo = SIGHUP,	.ev_func = reload },
	{ .ev_signo = SIGUSR1,	.ev_func = dump },
	{ .ev_signo = SIGTERM,	.ev_func = quit },
};
#define	NEVENTS	(sizeof(events) / sizeof(events[0]))

static struct workqueue *sigwq;
static sem_t quitsem;

/*
 * The configuration.  Only callbacks use it, and one worker runs them one after
 * the other, so it needs no lock.
 */
static char *config;
static unsigned int generation;

/*
 * The complete handler.  It may interrupt any code, even malloc or another
 * enqueue on this queue.  workqueue_enqueue() takes no lock and preserves
 * errno.
 *
 * The handler tests and sets ev_pending in one step, because another signal
 * could come between a test and a store.
 */
static void
handler(int signo)
{
	struct event *ev;

	for (ev = events; ev->ev_signo != signo; ev++)
		continue;
	atomic_fetch_add(&ev->ev_count, 1);
	if (!atomic_exchange(&ev->ev_pending, true))
		workqueue_enqueue(sigwq, &ev->ev_work, NULL);
}

/*
 * The callback.  It first clears the flag, so a signal that comes later
 * enqueues the item again.  If it cleared the flag at the end, signals that
 * come while ev_func() runs could be lost.
 */
static void
dispatch(struct work *wk, void *arg)
{
	struct event *ev = (struct event *)wk;

	(void)arg;
	atomic_store(&ev->ev_pending, false);
	ev->ev_func(ev);
}

/*
 * The responses to the signals: ordinary code, which may allocate, print and
 * sleep.
 */
static void
reload(struct event *ev)
{
	const size_t size = 32;

	(void)atomic_exchange(&ev->ev_count, 0);
	free(config);
	if ((config = malloc(size)) == NULL)
		err(EXIT_FAILURE, NULL);
	snprintf(config, size, "generation %u", ++generation);
	printf("reload: read the configuration, %s\n", config);
}

static void
dump(struct event *ev)
{
	unsigned int n;

	n = atomic_exchange(&ev->ev_count, 0);
	printf("dump: running with %s; asked for by %u signal%s\n",
	    config != NULL ? config : "no configuration",
	    n, n == 1 ? "" : "s");
}

static void
quit(struct event *ev)
{

	(void)ev;
	printf("quit: freeing the configuration\n");
	free(config);
	config = NULL;
	sem_post(&quitsem);
}

/*
 * Send ourselves the signals.  raise(3) returns after the handler, so the item
 * is enqueued by then and can be waited for.
 */
static void
demonstrate(void)
{
	unsigned int i;

	printf("* SIGHUP, and wait for its work\n");
	raise(SIGHUP);
	workqueue_wait(sigwq, &events[0].ev_work);

	/*
	 * The queue is not WQ_MPSAFE, so its worker needs the kernel lock to
	 * call the callback.  While we hold the lock, no callback runs.  So
	 * this shows how a burst of signals is handled.
	 */
	printf("* 1000 times SIGUSR1, with the worker held up\n");
	KERNEL_LOCK(1, NULL);
	for (i = 0; i < 1000; i++)
		raise(SIGUSR1);
	KERNEL_UNLOCK_ONE(NULL);
	workqueue_wait(sigwq, &events[1].ev_work);

	printf("* SIGUSR1, SIGHUP, SIGTERM: served in that order\n");
	KERNEL_LOCK(1, NULL);
	raise(SIGUSR1);
	raise(SIGHUP);
	raise(SIGTERM);
	KERNEL_UNLOCK_ONE(NULL);
}

int
main(int argc, char *argv[])
{
	struct sigaction sa;
	bool waiting = false;
	size_t i;
	int ch, error;

	while ((ch = getopt(argc, argv, "w")) != -1) {
		switch (ch) {
		case 'w':
			waiting = true;
			break;
		default:
			fprintf(stderr, "usage: sigdefer [-w]\n");
			return EXIT_FAILURE;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sem_init(&quitsem, 0, 0);

	/*
	 * Create the queue before the handlers that use it.  IPL_HIGH: a
	 * handler may interrupt its thread at any level.
	 */
	error = workqueue_create(&sigwq, "sigdefer", dispatch, NULL, PRI_NONE,
	    IPL_HIGH, 0);
	if (error != 0) {
		errno = error;
		err(EXIT_FAILURE, "workqueue_create");
	}

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sa.sa_flags = SA_RESTART;
	sigemptyset(&sa.sa_mask);
	for (i = 0; i < NEVENTS; i++) {
		if (sigaction(events[i].ev_signo, &sa, NULL) == -1)
			err(EXIT_FAILURE, "sigaction");
	}

	if (waiting)
		printf("kill -HUP, -USR1 or -TERM %ld\n", (long)getpid());
	else
		demonstrate();

	/* The program's main work would be here. */
	while (sem_wait(&quitsem) == -1 && errno == EINTR)
		continue;

	/* Remove the handlers before the queue. */
	for (i = 0; i < NEVENTS; i++)
		signal(events[i].ev_signo, SIG_IGN);
	workqueue_destroy(sigwq);
	free(config);
	sem_destroy(&quitsem);
	printf("done\n");
	return EXIT_SUCCESS;
}
