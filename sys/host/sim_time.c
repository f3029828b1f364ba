/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The client's clocks, sleeps and random numbers, in the simulator.
 */

#include <sys/random.h>
#include <sys/time.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/sim.h>

#define	NS	1000000000

int64_t
sim_time(clockid_t clock)
{

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		return sim.sim_now + sim.sim_wall;
	default:
		return sim.sim_now;
	}
}

/* Return nanoseconds: 0 if negative, SIM_FOREVER if too large. */
static int64_t
time_ns(const struct timespec *ts)
{
	int64_t sec = ts->tv_sec;	/* time_t may have 32 bits */

	if (sec < 0)
		return 0;
	if (sec >= SIM_FOREVER / NS)
		return SIM_FOREVER;
	return sec * NS + ts->tv_nsec;
}

int64_t
sim_deadline(clockid_t clock, const struct timespec *ts)
{
	int64_t ns;

	ns = time_ns(ts);
	if (ns == SIM_FOREVER)
		return ns;
	return ns - (sim_time(clock) - sim.sim_now);
}

bool
sim_badtime(const struct timespec *ts)
{

	return ts->tv_nsec < 0 || ts->tv_nsec >= NS;
}

static int64_t
time_after(int64_t ns)
{

	return ns > SIM_FOREVER - sim.sim_now ? SIM_FOREVER :
	    sim.sim_now + ns;
}

/*
 * Sleep.  Return 0, or EINTR with the remaining time in *left.
 */
static int
time_sleep(struct sim_thread *t, int64_t deadline,
    int64_t *left)
{

	sim_point(t, NULL, SIM_CALL, 0);
	if (deadline <= sim.sim_now)
		sim_yield(t);
	/* No thread wakes this address. */
	while (sim_blockcancel(t, &t->st_deadline, "sleep", deadline) == 0) {
		if (t->st_intr) {
			*left = deadline > sim.sim_now ?
			    deadline - sim.sim_now : 0;
			return EINTR;
		}
	}
	return 0;
}

static int
time_sleepts(struct sim_thread *t, int64_t deadline,
    struct timespec *rem)
{
	int64_t left;
	int error;

	error = time_sleep(t, deadline, &left);
	if (error != 0 && rem != NULL) {
		rem->tv_sec = (time_t)(left / NS);
		rem->tv_nsec = (long)(left % NS);
	}
	return error;
}

/*
 * Clocks are virtual from the start of the process, even before main().
 */
SIM_PUBLIC int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	struct sim_thread *t;
	int64_t ns;

	/* If this is no clock of the system, return the system's error. */
	if ((clock < 0 || clock > CLOCK_TAI) &&
	    SIM_REAL(clock_gettime)(clock, ts) == -1)
		return -1;
	if ((t = SIM_ENTER()) != NULL)
		sim_clockread(t);
	ns = sim_time(clock);
	ts->tv_sec = (time_t)(ns / NS);
	ts->tv_nsec = (long)(ns % NS);
	return 0;
}

SIM_PUBLIC int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;

	(void)tz;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

SIM_PUBLIC time_t
time(time_t *tp)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (tp != NULL)
		*tp = ts.tv_sec;
	return ts.tv_sec;
}

SIM_PUBLIC int
clock_nanosleep(clockid_t clock, int flags, const struct timespec *ts,
    struct timespec *rem)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(clock_nanosleep)(clock, flags, ts, rem);
	if (sim_badtime(ts))
		return EINVAL;
	if ((flags & TIMER_ABSTIME) != 0)
		return time_sleepts(t, sim_deadline(clock, ts),
		    NULL);
	return time_sleepts(t, time_after(time_ns(ts)), rem);
}

SIM_PUBLIC int
nanosleep(const struct timespec *ts, struct timespec *rem)
{
	struct sim_thread *t;
	int error;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(nanosleep)(ts, rem);
	if (ts->tv_sec < 0 || sim_badtime(ts)) {
		errno = EINVAL;
		return -1;
	}
	error = time_sleepts(t, time_after(time_ns(ts)), rem);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

SIM_PUBLIC int
usleep(useconds_t us)
{
	struct sim_thread *t;
	int64_t left;
	int error;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(usleep)(us);
	error = time_sleep(t, time_after((int64_t)us * 1000),
	    &left);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

SIM_PUBLIC unsigned
sleep(unsigned s)
{
	struct sim_thread *t;
	int64_t left;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sleep)(s);
	if (time_sleep(t, time_after((int64_t)s * NS), &left) == 0)
		return 0;
	return (unsigned)((left + NS - 1) / NS);
}

SIM_PUBLIC int
sched_yield(void)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sched_yield)();
	sim_yield(t);
	return 0;
}

/* An old name, which the headers no longer declare. */
int	sim_yieldold(void) __asm__("pthread_yield");

SIM_PUBLIC int
sim_yieldold(void)
{

	return sched_yield();
}

/*
 * The client's random numbers: a separate sequence, derived from the seed.
 */
static uint64_t time_random;

void
sim_time_begin(void)
{

	time_random = 0;
}

SIM_PUBLIC ssize_t
getrandom(void *buf, size_t len, unsigned flags)
{
	unsigned char *p = buf;
	size_t i;

	if (!sim.sim_on)
		return SIM_REAL(getrandom)(buf, len, flags);
	for (i = 0; i < len; i++) {
		time_random += 0x9e3779b97f4a7c15U;
		p[i] = (unsigned char)sim_mix(time_random ^ ~sim.sim_seed);
	}
	return (ssize_t)len;
}

SIM_PUBLIC int
getentropy(void *buf, size_t len)
{

	if (!sim.sim_on)
		return SIM_REAL(getentropy)(buf, len);
	if (len > 256) {
		errno = EIO;
		return -1;
	}
	return getrandom(buf, len, 0) == (ssize_t)len ? 0 : -1;
}
