/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The kernel's clocks.  Nothing ticks: who asks is told what the host's
 * clocks say.  Ticks and uptime are counted on the monotonic one, from the
 * start of the library.  All may be called in any context.
 */

#include <limits.h>

#include <sys/kernel.h>
#include <sys/timevar.h>

#include "kern.h"

#define	NS_S		1000000000	/* nanoseconds in a second */
#define	TICK_US		(1000000 / KERN_HZ)

#define	DELAY_SPIN	1000		/* us that are not worth a sleep */

__kern_public const int	hz = KERN_HZ;
__kern_public const int	tick = TICK_US;
__kern_public const int	stathz = KERN_HZ;
__kern_public const int	profhz = KERN_HZ;

/* When the library started.  Written by clock_init() only. */
static int64_t	clock_start;

void
clock_init(void)
{

	clock_start = host_monotime();
}

/*
 * Nanoseconds since the start; the first second is number 1, as time_uptime
 * is compared with what is 0 before anything happened.
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

static void
clock_bintime(int64_t ns, struct bintime *bt)
{

	bt->sec = ns / NS_S;
	/* 2^64 / 10^9, in two steps that fit. */
	bt->frac = ((uint64_t)(ns % NS_S) << 32) / NS_S << 32;
}

static void
clock_timespec(int64_t ns, struct timespec *ts)
{

	ts->tv_sec = (time_t)(ns / NS_S);
	ts->tv_nsec = (long)(ns % NS_S);
}

static void
clock_timeval(int64_t ns, struct timeval *tv)
{

	tv->tv_sec = (time_t)(ns / NS_S);
	tv->tv_usec = (suseconds_t)(ns % NS_S / 1000);
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
 * The ticks in so many seconds and microseconds, and one for the tick that
 * has begun.
 */
static int
clock_ticks(int64_t s, int64_t us)
{

	if (us < 0) {
		s--;
		us += 1000000;
	}
	if (s < 0)
		return 0;
	if (s > INT_MAX / KERN_HZ)
		return INT_MAX;
	s = s * KERN_HZ + (us + TICK_US - 1) / TICK_US + 1;
	return s > INT_MAX ? INT_MAX : (int)s;
}

static int
clock_ticksto(const struct timespec *ts, int64_t now)
{
	struct timespec left;

	clock_timespec(now, &left);
	left.tv_sec = ts->tv_sec - left.tv_sec;
	left.tv_nsec = ts->tv_nsec - left.tv_nsec;
	if (left.tv_nsec < 0) {
		left.tv_sec--;
		left.tv_nsec += NS_S;
	}
	return tstohz(&left);
}

__kern_public int
tvtohz(const struct timeval *tv)
{

	return clock_ticks(tv->tv_sec, tv->tv_usec);
}

__kern_public int
tstohz(const struct timespec *ts)
{

	return clock_ticks(ts->tv_sec, (ts->tv_nsec + 999) / 1000);
}

__kern_public int
hzto(const struct timeval *tv)
{
	struct timespec ts;

	ts.tv_sec = tv->tv_sec;
	ts.tv_nsec = (long)tv->tv_usec * 1000;
	return clock_ticksto(&ts, host_realtime());
}

__kern_public int
tshzto(const struct timespec *ts)
{

	return clock_ticksto(ts, host_realtime());
}

__kern_public int
tshztoup(const struct timespec *ts)
{

	return clock_ticksto(ts, clock_uptime());
}

/*
 * Spin; but a thread that may sleep need not for long delays.  A token that
 * is given meanwhile is taken, like every token, as a hint to look again.
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
