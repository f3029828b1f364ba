/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's header, the kernel's arithmetic on times, and its clocks.
 */

#ifndef _WQK_SYS_TIME_H_
#define	_WQK_SYS_TIME_H_

#include_next <sys/time.h>
#include <time.h>

#include <sys/types.h>
#include <sys/bintime.h>

static __inline __unused void
bintime_addx(struct bintime *bt, uint64_t x)
{
	uint64_t frac;

	frac = bt->frac;
	bt->frac += x;
	if (bt->frac < frac)
		bt->sec++;
}

static __inline __unused void
bintime_add(struct bintime *bt, const struct bintime *bt2)
{

	bintime_addx(bt, bt2->frac);
	bt->sec += bt2->sec;
}

static __inline __unused void
bintime_sub(struct bintime *bt, const struct bintime *bt2)
{

	if (bt->frac < bt2->frac)
		bt->sec--;
	bt->frac -= bt2->frac;
	bt->sec -= bt2->sec;
}

/* Convert a number of units.  A second must have fewer than 2^32 units. */
static __inline __unused struct bintime
__wqk_units2bintime(uint64_t n, uint64_t units)
{
	struct bintime bt;

	bt.sec = (int64_t)(n / units);
	bt.frac = (((n % units) << 32) / units) << 32;
	return bt;
}
#define	ms2bintime(n)	__wqk_units2bintime((n), 1000)
#define	us2bintime(n)	__wqk_units2bintime((n), 1000000)
#define	ns2bintime(n)	__wqk_units2bintime((n), 1000000000)

static __inline __unused uint64_t
bintime2ms(const struct bintime *bt)
{

	return (uint64_t)bt->sec * 1000 + (((bt->frac >> 32) * 1000) >> 32);
}

static __inline __unused uint64_t
bintime2us(const struct bintime *bt)
{

	return (uint64_t)bt->sec * 1000000 +
	    (((bt->frac >> 32) * 1000000) >> 32);
}

static __inline __unused uint64_t
bintime2ns(const struct bintime *bt)
{

	return (uint64_t)bt->sec * 1000000000 +
	    (((bt->frac >> 32) * 1000000000) >> 32);
}

/* The usual last argument of cv_timedwaitbt(): a millisecond. */
#define	DEFAULT_TIMEOUT_EPSILON						\
	(&(const struct bintime) { .sec = 0,				\
	    .frac = ((uint64_t)4294967 << 32) })

#define	bintimecmp(a, b, cmp)						\
	((a)->sec == (b)->sec ? (a)->frac cmp (b)->frac :		\
	    (a)->sec cmp (b)->sec)

static __inline __unused void
bintime2timespec(const struct bintime *bt, struct timespec *ts)
{

	ts->tv_sec = bt->sec;
	ts->tv_nsec = (long)((1000000000ULL * (bt->frac >> 32)) >> 32);
}

static __inline __unused void
timespec2bintime(const struct timespec *ts, struct bintime *bt)
{

	/* 18446744073 is 2^64 / 10^9. */
	bt->sec = ts->tv_sec;
	bt->frac = (uint64_t)ts->tv_nsec * 18446744073ULL;
}

static __inline __unused void
bintime2timeval(const struct bintime *bt, struct timeval *tv)
{

	tv->tv_sec = bt->sec;
	tv->tv_usec = (long)((1000000ULL * (bt->frac >> 32)) >> 32);
}

static __inline __unused void
timeval2bintime(const struct timeval *tv, struct bintime *bt)
{

	/* 18446744073709 is 2^64 / 10^6. */
	bt->sec = tv->tv_sec;
	bt->frac = (uint64_t)tv->tv_usec * 18446744073709ULL;
}

/*
 * timeval.
 */
#ifndef timerclear
#define	timerclear(tvp)		((tvp)->tv_sec = (tvp)->tv_usec = 0)
#define	timerisset(tvp)		((tvp)->tv_sec != 0 || (tvp)->tv_usec != 0)
#endif
#ifndef timercmp
#define	timercmp(a, b, cmp)						\
	((a)->tv_sec == (b)->tv_sec ? (a)->tv_usec cmp (b)->tv_usec :	\
	    (a)->tv_sec cmp (b)->tv_sec)
#endif
#ifndef timeradd
#define	timeradd(a, b, r) do {						\
	(r)->tv_sec = (a)->tv_sec + (b)->tv_sec;			\
	(r)->tv_usec = (a)->tv_usec + (b)->tv_usec;			\
	if ((r)->tv_usec >= 1000000) {					\
		(r)->tv_sec++;						\
		(r)->tv_usec -= 1000000;				\
	}								\
} while (0)
#define	timersub(a, b, r) do {						\
	(r)->tv_sec = (a)->tv_sec - (b)->tv_sec;			\
	(r)->tv_usec = (a)->tv_usec - (b)->tv_usec;			\
	if ((r)->tv_usec < 0) {						\
		(r)->tv_sec--;						\
		(r)->tv_usec += 1000000;				\
	}								\
} while (0)
#endif

/*
 * timespec.
 */
#ifndef TIMEVAL_TO_TIMESPEC
#define	TIMEVAL_TO_TIMESPEC(tv, ts) do {				\
	(ts)->tv_sec = (tv)->tv_sec;					\
	(ts)->tv_nsec = (tv)->tv_usec * 1000;				\
} while (0)
#define	TIMESPEC_TO_TIMEVAL(tv, ts) do {				\
	(tv)->tv_sec = (ts)->tv_sec;					\
	(tv)->tv_usec = (suseconds_t)((ts)->tv_nsec / 1000);		\
} while (0)
#endif
#ifndef timespecclear
#define	timespecclear(tsp)	((tsp)->tv_sec = (tsp)->tv_nsec = 0)
#endif
#ifndef timespecisset
#define	timespecisset(tsp)	((tsp)->tv_sec != 0 || (tsp)->tv_nsec != 0)
#endif
#ifndef timespeccmp
#define	timespeccmp(a, b, cmp)						\
	((a)->tv_sec == (b)->tv_sec ? (a)->tv_nsec cmp (b)->tv_nsec :	\
	    (a)->tv_sec cmp (b)->tv_sec)
#endif
#ifndef timespecadd
#define	timespecadd(a, b, r) do {					\
	(r)->tv_sec = (a)->tv_sec + (b)->tv_sec;			\
	(r)->tv_nsec = (a)->tv_nsec + (b)->tv_nsec;			\
	if ((r)->tv_nsec >= 1000000000L) {				\
		(r)->tv_sec++;						\
		(r)->tv_nsec -= 1000000000L;				\
	}								\
} while (0)
#endif
#ifndef timespecsub
#define	timespecsub(a, b, r) do {					\
	(r)->tv_sec = (a)->tv_sec - (b)->tv_sec;			\
	(r)->tv_nsec = (a)->tv_nsec - (b)->tv_nsec;			\
	if ((r)->tv_nsec < 0) {						\
		(r)->tv_sec--;						\
		(r)->tv_nsec += 1000000000L;				\
	}								\
} while (0)
#endif

static __inline __unused uint64_t
timespec2ns(const struct timespec *ts)
{

	return (uint64_t)ts->tv_sec * 1000000000 + (uint64_t)ts->tv_nsec;
}

#ifdef _KERNEL
#if __has_include(<sys/timevar.h>)
#include <sys/timevar.h>
#endif
#endif

#endif	/* !_WQK_SYS_TIME_H_ */
