/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A wall clock that a test can step.  The library, too, calls the
 * clock_gettime(2) that the program defines.  Include tests.h first.
 */

#ifndef _WALL_CLOCK_H_
#define	_WALL_CLOCK_H_

static atomic_llong wall_step;		/* seconds */

#ifdef _WQ_SIM
#include <dlfcn.h>

/* Read the simulator's clock. */
static int
wall_read(clockid_t id, struct timespec *ts)
{
	static int (*func)(clockid_t, struct timespec *);

	if (func == NULL)
		*(void **)&func = dlsym(RTLD_NEXT, "clock_gettime");
	return (*func)(id, ts);
}
#elif defined(__linux__)
static int
wall_read(clockid_t id, struct timespec *ts)
{

	return (int)syscall(SYS_clock_gettime, id, ts);
}
#endif

#ifdef __linux__
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int error;

	error = wall_read(id, ts);
	if (error == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += (time_t)atomic_load(&wall_step);
	return error;
}
#endif

#endif	/* !_WALL_CLOCK_H_ */
