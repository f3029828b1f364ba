/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The kernel's clocks.  There is no clock interrupt: each call reads the host's
 * clocks.  Ticks and uptime count the host's monotonic time from the start of
 * the library.  All functions may be called in any context.
 */

#include <limits.h>

#include <sys/kernel.h>
#include <sys/timevar.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_lwp.h"

#define	NS_S		1000000000	/* nanoseconds in a second */
#define	TICK_US		(1000000 / KERN_HZ)

#define	DELAY_SPIN	1000		/* us; for less, delay() only spins */

__kern_public const int	hz = KERN_HZ;
__kern_public const int	tick = TICK_US;
__kern_public const int	stathz = KERN_HZ;
__kern_public const int	profhz = KERN_HZ;

/* The time of the start of the library.  Only clock_init() writes it. */
static int64_t	clock_start;

void
clock_init(void)
{

	clock_start = host_monotime();
}

/*
 * Return the nanoseconds since the start of the library, plus one second.
 * time_uptime begins at 1, because clients compare it with variables that are 0
 * until they are set.
 */
static int64_t
clock_uptime(void)
{

	if (__predict_false(clock_start == 0))
		kern_init();
	return host_monotime() - clock_start + NS_S;
}

static int64_t
clock_boottime(void)
{

	return host_realtime() - clock_uptime();
}

/*
 * Return the whole seconds of a time, and store the remaining nanoseconds.
 * Round down even if the time is negative.
 */
static int64_t
clock_split(int64_t ns, int64_t *leftp)
{
	int64_t s;

	s = ns / NS_S;
	*leftp = ns % NS_S;
	if (*leftp < 0) {
		*leftp += NS_S;
		s--;
	}
	return s;
}

static void
clock_bintime(int64_t ns, struct bintime *bt)
{
	int64_t left;

	bt->sec = clock_split(ns, &left);
	/* Multiply by 2^64 / 10^9, in two steps that do not overflow. */
	bt->frac = ((uint64_t)left << 32) / NS_S << 32;
}

static void
clock_timespec(int64_t ns, struct timespec *ts)
{
	int64_t left;

	ts->tv_sec = (time_t)clock_split(ns, &left);
	ts->tv_nsec = (long)left;
}

static void
clock_timeval(int64_t ns, struct timeval *tv)
{
	int64_t left;

	tv->tv_sec = (time_t)clock_split(ns, &left);
	tv->tv_usec = (suseconds_t)(left / 1000);
}

__kern_public int
getticks(void)
{

	return (int)(unsigned)((clock_uptime() - NS_S) / KERN_TICK_NS);
}

__kern_public time_t
wqk_time_second(void)
{

	return (time_t)(host_realtime() / NS_S);
}

__kern_public time_t
wqk_time_uptime(void)
{

	return (time_t)(clock_uptime() / NS_S);
}

__kern_public void
wqk_bintime(struct bintime *bt)
{

	clock_bintime(host_realtime(), bt);
}

__kern_public void
nanotime(struct timespec *ts)
{

	clock_timespec(host_realtime(), ts);
}

__kern_public void
microtime(struct timeval *tv)
{

	clock_timeval(host_realtime(), tv);
}

__kern_public void
getbintime(struct bintime *bt)
{

	clock_bintime(host_realtime(), bt);
}

__kern_public void
getnanotime(struct timespec *ts)
{

	clock_timespec(host_realtime(), ts);
}

__kern_public void
getmicrotime(struct timeval *tv)
{

	clock_timeval(host_realtime(), tv);
}

__kern_public void
binuptime(struct bintime *bt)
{

	clock_bintime(clock_uptime(), bt);
}

__kern_public void
nanouptime(struct timespec *ts)
{

	clock_timespec(clock_uptime(), ts);
}

__kern_public void
microuptime(struct timeval *tv)
{

	clock_timeval(clock_uptime(), tv);
}

__kern_public void
getbinuptime(struct bintime *bt)
{

	clock_bintime(clock_uptime(), bt);
}

__kern_public void
getnanouptime(struct timespec *ts)
{

	clock_timespec(clock_uptime(), ts);
}

__kern_public void
getmicrouptime(struct timeval *tv)
{

	clock_timeval(clock_uptime(), tv);
}

__kern_public void
getbinboottime(struct bintime *bt)
{

	clock_bintime(clock_boottime(), bt);
}

__kern_public void
getnanoboottime(struct timespec *ts)
{

	clock_timespec(clock_boottime(), ts);
}

__kern_public void
getmicroboottime(struct timeval *tv)
{

	clock_timeval(clock_boottime(), tv);
}

/*
 * Return the number of ticks from "now" to another time.  "now" is in
 * nanoseconds.  The other time is s seconds and n units; a second has "per"
 * units.  Round up, and add one tick, because a part of the current tick has
 * passed.  Return 0 if the other time has passed, or INT_MAX if it is too far
 * away.
 */
static int
clock_ticksto(int64_t s, int64_t n, int64_t per, int64_t now)
{
	int64_t nown;

	/* Prevent an overflow below.  No clock reaches these bounds. */
	if (s > INT64_MAX / 2)
		s = INT64_MAX / 2;
	else if (s < INT64_MIN / 2)
		s = INT64_MIN / 2;
	s -= clock_split(now, &nown);
	n -= nown / (NS_S / per);
	s += n / per;
	n %= per;
	if (n < 0) {
		s--;
		n += per;
	}
	if (s < 0 || (s == 0 && n == 0))
		return 0;
	if (s > INT_MAX / KERN_HZ)
		return INT_MAX;
	per /= KERN_HZ;
	s = s * KERN_HZ + (n + per - 1) / per + 1;
	return s < INT_MAX ? (int)s : INT_MAX;
}

__kern_public int
tvtohz(const struct timeval *tv)
{

	return clock_ticksto(tv->tv_sec, tv->tv_usec, 1000000, 0);
}

__kern_public int
tstohz(const struct timespec *ts)
{

	return clock_ticksto(ts->tv_sec, ts->tv_nsec, NS_S, 0);
}

__kern_public int
hzto(const struct timeval *tv)
{

	return clock_ticksto(tv->tv_sec, tv->tv_usec, 1000000,
	    host_realtime());
}

__kern_public int
tshzto(const struct timespec *ts)
{

	return clock_ticksto(ts->tv_sec, ts->tv_nsec, NS_S, host_realtime());
}

__kern_public int
tshztoup(const struct timespec *ts)
{

	return clock_ticksto(ts->tv_sec, ts->tv_nsec, NS_S, clock_uptime());
}

/*
 * Wait for a number of microseconds.  Sleep if the delay is long and the thread
 * may sleep; otherwise spin.  host_park() may take a token that another thread
 * gives meanwhile for a later sleep.  This is harmless, because each caller of
 * host_park() checks its condition first.
 */
__kern_public void
delay(unsigned int us)
{
	struct lwp *l;
	int64_t end;
	unsigned n;

	end = host_monotime() + (int64_t)us * 1000;
	l = host_self();
	if (us >= DELAY_SPIN && l != NULL && l->l_intrdepth == 0 &&
	    l->l_softintr == 0 && l->l_kspin == 0 && l->l_mtxcount == 0 &&
	    l->l_ipl == IPL_NONE)
		while (host_monotime() < end)
			(void)host_park(&l->l_park, end);
	for (n = 0; host_monotime() < end;)
		host_relax(&n);
}
