/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The kernel's clocks: hz(9), time_second(9), microtime(9),
 * getmicrouptime(9), delay(9).
 */

#include <sys/callout.h>
#include <sys/intr.h>
#include <sys/kernel.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/timevar.h>

#include <limits.h>

#include "../../tests.h"
#include "wall_clock.h"

#define	NS_S	INT64_C(1000000000)

static int64_t
wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NS_S + ts.tv_nsec;
}

static int64_t
ns_ts(const struct timespec *ts)
{

	ATF_REQUIRE(ts->tv_nsec >= 0 && ts->tv_nsec < NS_S);
	return ts->tv_sec * NS_S + ts->tv_nsec;
}

static int64_t
ns_tv(const struct timeval *tv)
{

	ATF_REQUIRE(tv->tv_usec >= 0 && tv->tv_usec < 1000000);
	return tv->tv_sec * NS_S + tv->tv_usec * 1000;
}

static int64_t
ns_bt(const struct bintime *bt)
{

	return bt->sec * NS_S +
	    (int64_t)(((bt->frac >> 32) * (uint64_t)NS_S) >> 32);
}

TEST_TC(constants, "hz, tick and the other constants have their values")
{

	TEST_EQ(100, hz);
	TEST_EQ(10000, tick);
	TEST_EQ(1000000, hz * tick);
	TEST_EQ(hz, stathz);
	TEST_EQ(hz, profhz);
	TEST_EQ(0, cold);
}

TEST_TC(milliseconds, "mstohz and hztoms round towards 0 and saturate")
{

	TEST_EQ(0, mstohz(0));
	TEST_EQ(0, mstohz(9));
	TEST_EQ(1, mstohz(10));
	TEST_EQ(1, mstohz(19));
	TEST_EQ(100, mstohz(1000));
	TEST_EQ(13107, mstohz(0x1ffff));
	TEST_EQ(13100, mstohz(0x20000));
	TEST_EQ(360000, mstohz(3600 * 1000));
	TEST_EQ(0, hztoms(0));
	TEST_EQ(10, hztoms(1));
	TEST_EQ(1000, hztoms(100));
	TEST_EQ(360000 * 10, hztoms(360000));
	TEST_EQ(UINT_MAX / 1000 * 100, mstohz(UINT_MAX));
	TEST_EQ(4294966000u, hztoms(429496699));
	TEST_EQ(UINT_MAX, hztoms(429496700));
	TEST_EQ(UINT_MAX, hztoms(INT_MAX));
}

/* The last time that time_t can hold. */
static time_t
reach(int64_t s)
{

	return (time_t)(s >= TEST_TIME_MAX ? TEST_TIME_MAX :
	    s <= TEST_TIME_MIN ? TEST_TIME_MIN : s);
}

static int
tv(int64_t s, int us)
{
	struct timeval t;

	t.tv_sec = reach(s);
	t.tv_usec = us;
	return tvtohz(&t);
}

static int
ts(int64_t s, long ns)
{
	struct timespec t;

	t.tv_sec = reach(s);
	t.tv_nsec = ns;
	return tstohz(&t);
}

TEST_TC(tohz, "tvtohz and tstohz round up, and add a tick; there is no "
    "overflow")
{

	TEST_EQ(0, tv(0, 0));
	TEST_EQ(2, tv(0, 1));
	TEST_EQ(2, tv(0, 10000));
	TEST_EQ(3, tv(0, 10001));
	TEST_EQ(101, tv(1, 0));
	TEST_EQ(0, tv(-1, 0));
	TEST_EQ(0, tv(0, -1));
	TEST_EQ(INT_MAX, tv(INT_MAX, 0));
	TEST_EQ(INT_MAX, tv(INT_MAX / 100, 999999));
	TEST_EQ(INT_MAX, tv(INT64_MAX / 2, 0));
	TEST_EQ(INT_MAX, tv(INT64_MAX, 999999));
	TEST_EQ(0, tv(INT64_MIN, 0));
	TEST_EQ(0, tv(INT64_MIN, -1));
	TEST_EQ(2147483601, tv(21474835, 990000) + 1);
	TEST_EQ(INT_MAX, tv(21474836, 460000));
	TEST_EQ(INT_MAX, tv(21474836, 470000));
	TEST_EQ(0, ts(0, 0));
	TEST_EQ(0, ts(0, -1));
	TEST_EQ(INT_MAX, ts(INT64_MAX, 999999999));
	TEST_EQ(0, ts(INT64_MIN, 0));
	TEST_EQ(2, ts(0, 1));
	TEST_EQ(2, ts(0, 10000000));
	TEST_EQ(3, ts(0, 10000001));
	TEST_EQ(0, ts(-5, 0));
}

TEST_TC(until, "hzto, tshzto and tshztoup count from now, also to the ends of "
    "time")
{
	static const time_t past[] = { TEST_TIME_MIN, TEST_TIME_MIN / 2, -1,
	    0 };
	static const time_t far[] = { TEST_TIME_MAX,
	    TEST_TIME_MAX - TEST_TIME_MAX / 16 };
	size_t i;
	struct timespec up;
	struct timespec t;
	struct timeval v;
	int n;

	microtime(&v);
	TEST_EQ(0, hzto(&v) > 1);
	v.tv_sec += 1000;
	n = hzto(&v);
	ATF_REQUIRE_MSG(n <= 100001 && n > 0, "%d", n);
	v.tv_sec -= 2000;
	TEST_EQ(0, hzto(&v));
	nanotime(&t);
	t.tv_sec += 1000;
	n = tshzto(&t);
	ATF_REQUIRE_MSG(n <= 100001 && n > 0, "%d", n);
	nanouptime(&up);
	up.tv_sec += 1000;
	n = tshztoup(&up);
	ATF_REQUIRE_MSG(n <= 100001 && n > 0, "%d", n);
	up.tv_sec -= 2000;
	TEST_EQ(0, tshztoup(&up));
	v.tv_usec = 0;
	t.tv_nsec = 0;
	for (i = 0; i < TEST_NELEM(past); i++) {
		v.tv_sec = t.tv_sec = past[i];
		TEST_EQ(0, hzto(&v));
		TEST_EQ(0, tshzto(&t));
		TEST_EQ(0, tshztoup(&t));
	}
	for (i = 0; i < TEST_NELEM(far); i++) {
		v.tv_sec = t.tv_sec = far[i];
		TEST_EQ(INT_MAX, hzto(&v));
		TEST_EQ(INT_MAX, tshzto(&t));
		TEST_EQ(INT_MAX, tshztoup(&t));
	}
}

TEST_TC(rate, "ratecheck returns 1 when the interval has passed, and then "
    "starts another")
{
	struct timeval last = { 0, 0 }, old, now;
	const struct timeval none = { 0, 0 }, hour = { 3600, 0 },
	    never = { TEST_TIME_MAX, 999999 },
	    negative = { TEST_TIME_MIN, 0 };

	TEST_EQ(1, ratecheck(&last, &hour));
	microuptime(&now);
	ATF_REQUIRE(ns_tv(&last) != 0 && ns_tv(&last) <= ns_tv(&now));
	old = last;
	TEST_EQ(0, ratecheck(&last, &hour));
	TEST_EQ(ns_tv(&old), ns_tv(&last));
	TEST_EQ(1, ratecheck(&last, &none));
	last.tv_sec -= 3600;
	TEST_EQ(1, ratecheck(&last, &hour));
	TEST_EQ(0, ratecheck(&last, &hour));
	/* ratecheck() returns 1 once, and never again. */
	memset(&last, 0, sizeof(last));
	TEST_EQ(1, ratecheck(&last, &never));
	TEST_EQ(0, ratecheck(&last, &never));
	last.tv_sec = TEST_TIME_MIN;
	TEST_EQ(1, ratecheck(&last, &never));
	last.tv_sec = TEST_TIME_MIN;
	TEST_EQ(1, ratecheck(&last, &hour));
	last.tv_sec = TEST_TIME_MAX;
	TEST_EQ(1, ratecheck(&last, &hour));
	TEST_EQ(1, ratecheck(&last, &negative));
	/* A time in the future, to which ratecheck() never sets *last. */
	last.tv_sec += 1000000;
	TEST_EQ(1, ratecheck(&last, &hour));
}

TEST_TC(pps, "ppsratecheck returns 1 for so many calls per second; without a "
    "limit always")
{
	struct timeval last = { 0, 0 }, old;
	int cur, i, n, ok;

	cur = n = 0;
	for (i = 0; i < 1000; i++) {
		old = last;
		ok = ppsratecheck(&last, &cur, 3);
		/* Another second may have begun. */
		n = ns_tv(&last) != ns_tv(&old) ? 1 : n + 1;
		TEST_EQ(n, cur);
		TEST_EQ(n <= 3, ok);
	}
	last.tv_sec -= 2;
	TEST_EQ(1, ppsratecheck(&last, &cur, 3));
	TEST_EQ(1, cur);
	TEST_EQ(0, ppsratecheck(&last, &cur, 0));
	for (i = 0; i < 100; i++)
		TEST_EQ(1, ppsratecheck(&last, &cur, -1));
	last.tv_sec = TEST_TIME_MIN;
	TEST_EQ(1, ppsratecheck(&last, &cur, 1));
	TEST_EQ(1, cur);
	cur = INT_MAX;
	TEST_EQ(0, ppsratecheck(&last, &cur, INT_MAX));
}

TEST_TC(ticks, "ticks advance, and not faster than the clock")
{
	int64_t start, passed;
	int first, last, n;

	start = test_now();
	first = getticks();
	ATF_REQUIRE(first >= 0);
	for (last = first; last < first + 5; last = n) {
		n = getticks();
		ATF_REQUIRE(n >= last);
		passed = test_now() - start;
		/* The first tick may have begun earlier. */
		ATF_REQUIRE((n - first - 1) * (NS_S / hz) <= passed);
		test_pause();
	}
	ATF_REQUIRE(hardclock_ticks >= last);
}

TEST_TC(wall, "the wall clocks are the host's")
{
	struct bintime bt;
	struct timespec t;
	struct timeval v;
	int64_t a, b, got;
	int i;

	for (i = 0; i < 7; i++) {
		a = wall_now();
		switch (i) {
		case 0:
			nanotime(&t);
			got = ns_ts(&t);
			break;
		case 1:
			getnanotime(&t);
			got = ns_ts(&t);
			break;
		case 2:
			microtime(&v);
			got = ns_tv(&v) + 1000;
			break;
		case 3:
			getmicrotime(&v);
			got = ns_tv(&v) + 1000;
			break;
		case 4:
			bintime(&bt);
			got = ns_bt(&bt) + 1;
			break;
		case 5:
			getbintime(&bt);
			got = ns_bt(&bt) + 1;
			break;
		default:
			got = time_second * NS_S + NS_S;
			break;
		}
		b = wall_now();
		ATF_REQUIRE_MSG(got >= a && got <= b + (i == 6 ? NS_S : 1000),
		    "%d: %jd not from %jd to %jd", i, (intmax_t)got,
		    (intmax_t)a, (intmax_t)b);
	}
}

static int64_t
uptime(int i)
{
	struct bintime bt;
	struct timespec t;
	struct timeval v;

	switch (i % 6) {
	case 0:
		nanouptime(&t);
		return ns_ts(&t);
	case 1:
		getnanouptime(&t);
		return ns_ts(&t);
	case 2:
		microuptime(&v);
		return ns_tv(&v) + 999;
	case 3:
		getmicrouptime(&v);
		return ns_tv(&v) + 999;
	case 4:
		binuptime(&bt);
		return ns_bt(&bt) + 1;
	default:
		getbinuptime(&bt);
		return ns_bt(&bt) + 1;
	}
}

TEST_TC(up, "uptime advances with the monotonic clock, from 1 s on")
{
	int64_t first, got, start;
	int i;

	ATF_REQUIRE(time_uptime >= 1);
	start = test_now();
	first = uptime(0);
	ATF_REQUIRE(first >= NS_S);
	for (i = 0; i < 600; i++) {
		got = uptime(i);
		ATF_REQUIRE(got - first <= test_now() - start + 1000);
		ATF_REQUIRE(got >= first - 1);
		ATF_REQUIRE(time_uptime >= got / NS_S - 1);
		TEST_EQ(1, (int64_t)time_uptime32 - time_uptime <= 0);
		if (i % 100 == 99)
			test_pause();
	}
}

TEST_TC(stepped, "a step of the wall clock shows only in wall time")
{
	struct timespec boot0, boot1, t0, t1;
	int64_t up0;
	int ticks0;

#ifndef __linux__
	atf_tc_skip("the clock cannot be stepped here");
#endif
	up0 = uptime(0);
	ticks0 = getticks();
	nanotime(&t0);
	getnanoboottime(&boot0);
	atomic_store(&wall_step, -100000);
	nanotime(&t1);
	ATF_REQUIRE(t1.tv_sec < t0.tv_sec - 50000);
	getnanoboottime(&boot1);
	ATF_REQUIRE(boot1.tv_sec < boot0.tv_sec - 50000);
	ATF_REQUIRE(uptime(0) >= up0);
	ATF_REQUIRE(getticks() >= ticks0);
	atomic_store(&wall_step, 100000);
	nanotime(&t1);
	ATF_REQUIRE(t1.tv_sec > t0.tv_sec + 50000);
	ATF_REQUIRE((uptime(0) - up0) / NS_S < 50000);
	ATF_REQUIRE(getticks() - ticks0 < 50000 * hz);
}

static void
delay_check(unsigned us)
{
	int64_t start;

	start = test_now();
	delay(us);
	ATF_REQUIRE_MSG(test_now() - start >= us * INT64_C(1000),
	    "delay(%u) took %jd ns", us, (intmax_t)(test_now() - start));
}

TEST_TC(delay_tc, "delay is never too short, with locks held and at any level")
{
	static const unsigned us[] = { 0, 1, 10, 999, 1000, 1001, 25000 };
	kmutex_t m;
	size_t i;
	int s;

	test_env("WORKQUEUE_CHECK", "1");
	mutex_init(&m, MUTEX_DEFAULT, IPL_VM);
	for (i = 0; i < TEST_NELEM(us); i++) {
		delay_check(us[i]);
		s = splhigh();
		delay_check(us[i]);
		splx(s);
		mutex_spin_enter(&m);
		delay_check(us[i]);
		mutex_spin_exit(&m);
		KERNEL_LOCK(1, NULL);
		delay_check(us[i]);
		ATF_REQUIRE(KERNEL_LOCKED_P());
		KERNEL_UNLOCK_ONE(NULL);
		(void)curlwp;
		DELAY(us[i]);
	}
	mutex_destroy(&m);
}

static sem_t delay_done;
static atomic_int delay_short;

static void
delay_func(void *arg)
{
	int64_t start;

	(void)arg;
	start = test_now();
	delay(3000);
	if (test_now() - start < 3000 * 1000)
		atomic_store(&delay_short, 1);
	sem_post(&delay_done);
}

static int
delay_intr(void *arg)
{

	delay_func(arg);
	return 1;
}

TEST_TC(delay_contexts, "delay works in a softint, in an interrupt, and in an "
    "unknown thread")
{
	callout_t c;
	void *ih;

	test_env("WORKQUEUE_CHECK", "1");
	sem_init(&delay_done, 0, 0);
	callout_init(&c, 0);
	callout_reset(&c, 1, delay_func, NULL);
	test_sem_wait(&delay_done);
	callout_halt(&c, NULL);
	callout_destroy(&c);
	ih = intr_establish(0, IPL_VM, 0, delay_intr, NULL);
	ATF_REQUIRE(ih != NULL);
	intr_inject(ih);
	test_sem_wait(&delay_done);
	intr_disestablish(ih);
	TEST_EQ(0, atomic_load(&delay_short));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, constants);
	ATF_TP_ADD_TC(tp, milliseconds);
	ATF_TP_ADD_TC(tp, tohz);
	ATF_TP_ADD_TC(tp, until);
	ATF_TP_ADD_TC(tp, rate);
	ATF_TP_ADD_TC(tp, pps);
	ATF_TP_ADD_TC(tp, ticks);
	ATF_TP_ADD_TC(tp, wall);
	ATF_TP_ADD_TC(tp, up);
	ATF_TP_ADD_TC(tp, stepped);
	ATF_TP_ADD_TC(tp, delay_tc);
	ATF_TP_ADD_TC(tp, delay_contexts);
	return atf_no_error();
}
