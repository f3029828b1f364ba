/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Clocks and times.
 */

#include <sys/param.h>
#include <sys/time.h>

int times_test(void);

int
times_test(void)
{
	struct timeval tv, tv2, diff;
	struct timespec ts = { 1, 500000000 };
	struct bintime bt;

	getmicrouptime(&tv);
	delay(1000);
	microuptime(&tv2);
	timersub(&tv2, &tv, &diff);
	if (diff.tv_sec < 0 || !timerisset(&diff))
		return 1;
	timespec2bintime(&ts, &bt);
	bintime_add(&bt, &bt);
	bintime2timespec(&bt, &ts);
	if (ts.tv_sec < 2 || ts.tv_sec > 3)
		return 1;
	return time_uptime >= 0 && time_second > 0 && tstohz(&ts) > hz &&
	    mstohz(1000) == (unsigned)hz ? 0 : 1;
}
