/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * ratecheck(9): limit the rate of an action.  The state belongs to the client,
 * which must let only one thread at a time use it.
 */

#include <limits.h>

#include <sys/timevar.h>

#include "kern.h"

/*
 * Return true if the interval has passed since *last.  Also return true if
 * *last was never set, or is later than now.
 */
static bool
ratecheck_passed(const struct timeval *last, const struct timeval *now,
    const struct timeval *interval)
{
	uint64_t s;
	long us;

	if ((last->tv_sec == 0 && last->tv_usec == 0) ||
	    last->tv_sec > now->tv_sec || (last->tv_sec == now->tv_sec &&
	    last->tv_usec > now->tv_usec) || interval->tv_sec < 0)
		return true;
	/* Unsigned: a signed difference could overflow. */
	s = (uint64_t)now->tv_sec - (uint64_t)last->tv_sec;
	us = (long)now->tv_usec - (long)last->tv_usec;
	if (us < 0) {
		s--;
		us += 1000000;
	}
	if (s != (uint64_t)interval->tv_sec)
		return s > (uint64_t)interval->tv_sec;
	return us >= (long)interval->tv_usec;
}

__kern_public int
ratecheck(struct timeval *last, const struct timeval *interval)
{
	struct timeval now;

	microuptime(&now);
	if (!ratecheck_passed(last, &now, interval))
		return 0;
	*last = now;
	return 1;
}

__kern_public int
ppsratecheck(struct timeval *last, int *curpps, int maxpps)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct timeval now;
	int ok;

	microuptime(&now);
	if (ratecheck_passed(last, &now, &second)) {
		*last = now;
		*curpps = 0;
	}
	ok = maxpps < 0 || *curpps < maxpps;
	if (*curpps != INT_MAX)
		++*curpps;
	return ok;
}
