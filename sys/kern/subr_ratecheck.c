/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * ratecheck(9): how often something may be done.  The state is the client's,
 * who sees to it that one thread at a time is here with it.
 */

#include <limits.h>

#include <sys/timevar.h>

#include "kern.h"

/*
 * The time since *last in microseconds; a state that was never used, or is
 * from a later time than now, is as old as can be.
 */
static int64_t
ratecheck_age(const struct timeval *last, const struct timeval *now)
{
	int64_t age;

	if (last->tv_sec == 0 && last->tv_usec == 0)
		return INT64_MAX;
	age = (int64_t)(now->tv_sec - last->tv_sec) * 1000000 +
	    (now->tv_usec - last->tv_usec);
	return age < 0 ? INT64_MAX : age;
}

__kern_public int
ratecheck(struct timeval *last, const struct timeval *interval)
{
	struct timeval now;

	microuptime(&now);
	if (ratecheck_age(last, &now) <
	    (int64_t)interval->tv_sec * 1000000 + interval->tv_usec)
		return 0;
	*last = now;
	return 1;
}

__kern_public int
ppsratecheck(struct timeval *last, int *curpps, int maxpps)
{
	struct timeval now;
	int ok;

	microuptime(&now);
	if (ratecheck_age(last, &now) >= 1000000) {
		*last = now;
		*curpps = 0;
	}
	ok = maxpps < 0 || *curpps < maxpps;
	if (*curpps != INT_MAX)
		++*curpps;
	return ok;
}
