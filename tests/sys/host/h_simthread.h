/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Threads of programs that run in the simulator.
 */

#include <err.h>
#include <pthread.h>

#define	CHECK(cond)							\
	((cond) ? (void)0 : errx(3, "line %d: %s", __LINE__, #cond))

static inline pthread_t
start(void *(*func)(void *), void *arg)
{
	pthread_t tid;

	CHECK(pthread_create(&tid, NULL, func, arg) == 0);
	return tid;
}

static inline void
join(pthread_t tid)
{

	CHECK(pthread_join(tid, NULL) == 0);
}
