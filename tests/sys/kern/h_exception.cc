/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Every second callback of a polled queue throws.  Each item must run once, in
 * order, and the descriptor must announce the rest.
 */

#include <sys/workqueue_ext.h>

#include <poll.h>
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

static const int nitems = 100;		/* more than one batch */

struct item {
	work	i_work;
	int	i_no;
};

static item items[nitems];
static int ran, wrong;
static bool leave;			/* leave by pthread_exit(3) */

static void
run(work *wk, void *)
{
	item *i = reinterpret_cast<item *>(wk);

	wrong += i->i_no != ran++;
	if (leave)
		pthread_exit(nullptr);
	if (i->i_no % 2 == 0)
		throw std::runtime_error("thrown");
}

static bool
readable(int fd)
{
	pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

static void *
run_polled(void *wq)
{

	workqueue_run_polled(static_cast<workqueue *>(wq));
	return nullptr;
}

int
main(int argc, char **argv)
{
	const int flags = argc > 1 ? std::atoi(argv[1]) : WQ_MPSAFE;
	workqueue *wq;
	pthread_t t;
	int caught, fd, i;

	if (workqueue_create_polled(&wq, "thrower", run, nullptr, IPL_NONE,
	    flags, &fd) != 0)
		return 1;
	for (i = 0; i < nitems; i++) {
		items[i].i_no = i;
		workqueue_enqueue(wq, &items[i].i_work, nullptr);
	}
	/* The first callback leaves its thread, and the next continues. */
	leave = true;
	if (pthread_create(&t, nullptr, run_polled, wq) != 0 ||
	    pthread_join(t, nullptr) != 0)
		return 1;
	leave = false;
	for (caught = 0; readable(fd);)
		try {
			workqueue_run_polled(wq);
		} catch (const std::runtime_error &) {
			caught++;
			/* A pending item can be cancelled and waited for. */
			if (caught == 1 && !workqueue_cancel(wq,
			    &items[nitems - 1].i_work))
				return 1;
			if (caught == 1)
				workqueue_wait(wq, &items[0].i_work);
		}
	workqueue_destroy(wq);
	std::printf("ran %d, caught %d, %d out of order\n", ran, caught, wrong);
	return 0;
}
