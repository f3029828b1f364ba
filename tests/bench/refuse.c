/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Let the system refuse threads for a while.  This replaces pthread_create(3)
 * for all libraries of the program, because RLIMIT_NPROC does not bind root.
 */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "bench.h"

static int64_t refuse_end;		/* (atomic) refuse until this time */
static unsigned refuse_count;		/* (atomic) */

/*
 * Refuse threads for n nanoseconds from now on.
 */
void
refuse_threads(int64_t n)
{

	__atomic_store_n(&refuse_end, bench_now() + n, __ATOMIC_RELEASE);
}

/*
 * Return how many threads were refused.
 */
unsigned
refused_threads(void)
{

	return __atomic_load_n(&refuse_count, __ATOMIC_ACQUIRE);
}

int
pthread_create(pthread_t *t, const pthread_attr_t *attr,
    void *(*func)(void *), void *arg)
{
	int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
	    void *);
	int64_t end;

	end = __atomic_load_n(&refuse_end, __ATOMIC_ACQUIRE);
	if (BENCH_UNLIKELY(end != 0) && bench_now() < end) {
		__atomic_fetch_add(&refuse_count, 1, __ATOMIC_RELEASE);
		return EAGAIN;
	}
	*(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
	return (*next)(t, attr, func, arg);
}
