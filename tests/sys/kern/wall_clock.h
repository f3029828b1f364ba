/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The wall clock, for a test to step.  The program's clock_gettime(2) is what
 * the library calls, too.  After tests.h.
 */

#ifndef _WALL_CLOCK_H_
#define	_WALL_CLOCK_H_

static atomic_llong wall_step;		/* seconds */

#ifdef __linux__
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int error;

	error = (int)syscall(SYS_clock_gettime, id, ts);
	if (error == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += (time_t)atomic_load(&wall_step);
	return error;
}
#endif

#endif	/* !_WALL_CLOCK_H_ */
