/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The wheels of callout(9), with a simulated clock and without the thread,
 * against a list; and threads that cannot be started.
 */

#include <sys/workqueue_ext.h>

#include "../../tests.h"

static int64_t wheel_now;

/* Instead of the library's copy, to see its static names. */
#include "../../../sys/kern/kern.h"
#include "../../../sys/kern/kern_kspin.h"

static void wheel_pause(void);

#define	CALLOUT_CHUNK	2
#define	host_monotime()	(wheel_now != 0 ? wheel_now : (host_monotime)())
#define	kspin_enter(ks)	(wheel_pause(), (kspin_enter)(ks))
#include "../../../sys/kern/kern_timeout.c"
#include "../../../sys/kern/kern_softclock.c"
#undef host_monotime
#undef kspin_enter

struct model {
	callout_t	m_callout;
	uint64_t	m_deadline;	/* ns; 0: not armed */
	uint64_t	m_order;	/* order of arming */
};

static struct model *models;
static int nmodels;
static uint64_t wheel_order, wheel_seed;

static uint64_t
rnd(void)
{

	wheel_seed = wheel_seed * 6364136223846793005U + 1442695040888963407U;
	return wheel_seed >> 20;
}

static void
nothing(void *arg)
{

	(void)arg;
}

static void
delayed(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

/* Return random numbers of ticks, of every size. */
static int
rnd_ticks(void)
{

	return (int)(rnd() % (UINT64_C(1) << rnd() % 31)) +
	    (int)(rnd() % 200) % (1 + (int)(rnd() % 200));
}

static void
model_arm(struct model *m, int ticks)
{

	callout_reset(&m->m_callout, ticks, nothing, m);
	m->m_deadline = (uint64_t)wheel_now +
	    (uint64_t)(ticks > 0 ? ticks : 1) * KERN_TICK_NS;
	m->m_order = wheel_order++;
}

static void
model_arm_ns(struct model *m, int64_t ns)
{

	callout_setfunc(&m->m_callout, nothing, m);
	callout_schedule_ns(&m->m_callout, ns);
	m->m_deadline = (uint64_t)wheel_now + (uint64_t)(ns > 0 ? ns : 1);
	m->m_order = wheel_order++;
}

/* Arm by either call, with delays of every size. */
static void
model_arm_random(struct model *m)
{

	if (rnd() % 2 == 0)
		model_arm(m, rnd_ticks());
	else
		model_arm_ns(m, (int64_t)(rnd() % (UINT64_C(1) <<
		    rnd() % 44)) * (int64_t)(rnd() % 1000));
}

static void
model_disarm(struct model *m)
{

	(void)callout_stop(&m->m_callout);
	m->m_deadline = 0;
}

/* Round a deadline to its unit. */
static uint64_t
unit(uint64_t ns)
{

	return (ns + (1 << CALLOUT_UNITSHIFT) - 1) >> CALLOUT_UNITSHIFT;
}

static struct model *
model_first(void)
{
	struct model *first, *m;

	first = NULL;
	for (m = models; m < models + nmodels; m++) {
		ATF_REQUIRE_EQ(m->m_deadline != 0,
		    callout_pending(&m->m_callout));
		if (m->m_deadline != 0 && (first == NULL ||
		    unit(m->m_deadline) < unit(first->m_deadline) ||
		    (unit(m->m_deadline) == unit(first->m_deadline) &&
		    m->m_order < first->m_order)))
			first = m;
	}
	return first;
}

/*
 * Called before the lock is taken again in the middle of a cascade.
 */
static bool wheel_pauses;

static void
wheel_pause(void)
{
	struct model *m;
	int j;

	if (!wheel_pauses)
		return;
	wheel_pauses = false;
	if (rnd() % 8 == 0)
		for (m = models; m < models + nmodels; m++)
			model_disarm(m);
	for (j = (int)(rnd() % 4); j > 0; j--) {
		m = &models[rnd() % (uint64_t)nmodels];
		if (rnd() % 2 == 0)
			model_disarm(m);
		else
			model_arm_random(m);
		wheel_now += (int64_t)(rnd() % 100000);
	}
	if (rnd() % 8 == 0)
		wheel_now += (int64_t)(rnd() % (UINT64_C(1) << rnd() % 50));
	wheel_pauses = true;
}

/* Take off all that is due, and go on to the next deadline. */
static void
wheel_run(bool jump)
{
	struct callout_impl *c;
	struct model *m, *want;
	uint64_t next;

	for (;;) {
		kspin_enter(&callout_lock);
		wheel_pauses = true;
		c = callout_due(&next);
		wheel_pauses = false;
		if (c != NULL)
			callout_setstate(c, CALLOUT_IDLE);
		kspin_exit(&callout_lock);
		if (c == NULL)
			break;
		m = (struct model *)(void *)c;
		callout_setstate(c, CALLOUT_PENDING);
		want = model_first();
		callout_setstate(c, CALLOUT_IDLE);
		ATF_REQUIRE_MSG(m == want, "%td came before %td", m - models,
		    want == NULL ? -1 : want - models);
		ATF_REQUIRE((uint64_t)wheel_now >= m->m_deadline);
		m->m_deadline = 0;
	}
	want = model_first();
	if (want == NULL) {
		ATF_REQUIRE_EQ(CALLOUT_NEVER, next);
		ATF_REQUIRE_EQ(0, callout_count);
		return;
	}
	/*
	 * All callouts that were due have been called, and the thread will not
	 * sleep too long.
	 */
	ATF_REQUIRE(unit(want->m_deadline) > (uint64_t)wheel_now >>
	    CALLOUT_UNITSHIFT);
	ATF_REQUIRE(next <= unit(want->m_deadline));
	ATF_REQUIRE(next > (uint64_t)wheel_now >> CALLOUT_UNITSHIFT);
	if (jump)
		wheel_now = (int64_t)(next << CALLOUT_UNITSHIFT);
}

static void
wheel_random(int64_t start, uint64_t seed, int n, int steps)
{
	struct model *m;
	int i, j;

	wheel_seed = seed;
	wheel_now = start;
	nmodels = n;
	models = calloc((size_t)n, sizeof(*models));
	ATF_REQUIRE(models != NULL);
	for (m = models; m < models + n; m++)
		callout_init(&m->m_callout, CALLOUT_MPSAFE);
	for (i = 0; i < steps; i++) {
		for (j = (int)(rnd() % 8); j > 0; j--) {
			m = &models[rnd() % (uint64_t)n];
			if (rnd() % 4 == 0)
				model_disarm(m);
			else
				model_arm_random(m);
			wheel_now += (int64_t)(rnd() % 100000);
		}
		if (rnd() % 3 == 0)
			wheel_now += (int64_t)(rnd() %
			    (UINT64_C(1) << rnd() % 52));
		wheel_run(rnd() % 2);
	}
	/* Run to the end. */
	for (i = 0; callout_count != 0; i++) {
		wheel_run(true);
		ATF_REQUIRE_MSG(i < 20 * n, "%d turns for %d callouts", i, n);
	}
	wheel_run(true);
	for (m = models; m < models + n; m++)
		callout_destroy(&m->m_callout);
	free(models);
	wheel_now = 0;
}

TEST_TC(random_ops, "random operations at random times agree with the model")
{
	static const int64_t starts[] = {
		1, 0x3fffff0000, 0x3ffffffff0000, 0x2ffffffffffff,
		INT64_C(1) << 50, (INT64_C(1) << 58) - 12345678,
	};
	uint64_t seed;
	size_t i;

	callout_started = 1;
	for (seed = 1; seed <= 5; seed++)
		for (i = 0; i < TEST_NELEM(starts); i++) {
			wheel_random(starts[i], seed, 40,
			    TEST_SCALE(4000));
			wheel_random(starts[i], seed, 3, TEST_SCALE(4000));
		}
}

TEST_TC(edges, "deadlines around each power of two are exact")
{
	int64_t base, off;
	int i, shift;

	callout_started = 1;
	nmodels = 3;
	models = calloc(3, sizeof(*models));
	for (i = 0; i < 3; i++)
		callout_init(&models[i].m_callout, CALLOUT_MPSAFE);
	for (shift = 24; shift < 60; shift++)
		for (off = -3; off <= 3; off++) {
			base = (INT64_C(1) << shift) + off * 65536;
			for (i = 0; i < 3; i++) {
				wheel_now = base + i - 3 * KERN_TICK_NS;
				if (wheel_now <= 0)
					wheel_now = 1;
				model_arm(&models[i], 3 - i);
			}
			while (callout_count != 0)
				wheel_run(true);
		}
	wheel_now = 0;
}

TEST_TC(wakeups, "one callout alone is worth one wake-up, however far")
{
	struct model m;
	int64_t start;
	int shift;

	callout_started = 1;
	models = &m;
	nmodels = 1;
	callout_init(&m.m_callout, CALLOUT_MPSAFE);
	for (shift = 0; shift < 31; shift++) {
		start = wheel_now = 123456789012345;
		model_arm(&m, 1 << shift);
		wheel_run(true);
		ATF_REQUIRE(wheel_now - start >= ((int64_t)1 << shift) *
		    KERN_TICK_NS);
		wheel_run(true);
		ATF_REQUIRE(m.m_deadline == 0);
	}
	wheel_now = 0;
}

TEST_TC(longest, "the longest delay does not overflow, and comes last")
{
	struct model two[2];
	uint64_t end;
	int i;

	callout_started = 1;
	models = two;
	nmodels = 2;
	wheel_now = INT64_C(1) << 58;
	for (i = 0; i < 2; i++)
		callout_init(&two[i].m_callout, CALLOUT_MPSAFE);
	model_arm_ns(&two[0], INT64_MAX);
	end = (uint64_t)INT64_MAX >> CALLOUT_UNITSHIFT << CALLOUT_UNITSHIFT;
	two[0].m_deadline = end;
	TEST_EQ(end, callout_until << CALLOUT_UNITSHIFT);
	two[1].m_deadline = 0;
	model_arm_ns(&two[1], INT64_C(1) << 62);
	while (two[1].m_deadline != 0)
		wheel_run(true);
	TEST_EQ(end, two[0].m_deadline);
	while (two[0].m_deadline != 0)
		wheel_run(true);
	TEST_EQ(end, wheel_now);
	wheel_now = 0;
}

/* Each delay is shorter than the last one, so callout_until is its deadline. */
TEST_TC(delayed_enqueue, "a delayed enqueue is not early, and late by less "
    "than a tick, however short or long the delay")
{
	static const struct timespec delays[] = {
		{ TEST_TIME_MAX, 999999999 },
#if LONG_MAX > INT32_MAX
		{ INT64_MAX / 1000000000, 0 }, { 9000000000, 1 },
#endif
		{ INT32_MAX, 999999999 }, { 21474837, 0 },
		{ 21474836, 480000001 }, { 1, 0 }, { 0, 10000000 },
		{ 0, 1000000 }, { 0, 1 }, { 0, 0 },
	};
	struct workqueue_delay wd;
	struct workqueue *wq;
	struct work wk;
	uint64_t asked, end, until;
	int64_t s;
	size_t i;

	callout_started = 1;
	wheel_now = 123456789012345;
	TEST_EQ(0, workqueue_create(&wq, "delay", delayed, NULL, PRI_NONE,
	    IPL_NONE, 0));
	workqueue_delay_init(&wd);
	end = (uint64_t)INT64_MAX >> CALLOUT_UNITSHIFT << CALLOUT_UNITSHIFT;
	for (i = 0; i < TEST_NELEM(delays); i++) {
		s = delays[i].tv_sec;
		asked = s > 9200000000 ? end : (uint64_t)wheel_now +
		    (uint64_t)s * 1000000000 + (uint64_t)delays[i].tv_nsec;
		(void)workqueue_delay_enqueue(&wd, wq, &wk, NULL, &delays[i]);
		until = callout_until << CALLOUT_UNITSHIFT;
		ATF_REQUIRE_MSG(until >= asked && until - asked < KERN_TICK_NS,
		    "%zu: asked %ju, until %ju", i, (uintmax_t)asked,
		    (uintmax_t)until);
	}
	wheel_now = 0;
	workqueue_delay_destroy(&wd);
	workqueue_destroy(wq);
}

/*
 * Very many callouts leave their wheel in the order of arming.
 */
TEST_TC(burst, "many callouts with one deadline leave a high wheel in order")
{
	struct callout_impl *c;
	callout_t *them;
	uint64_t next;
	int i, n;

	n = TEST_SCALE(100000);
	callout_started = 1;
	them = calloc((size_t)n, sizeof(*them));
	wheel_now = 1000;
	for (i = 0; i < n; i++) {
		callout_init(&them[i], CALLOUT_MPSAFE);
		callout_reset(&them[i], 1000000, nothing, NULL);
	}
	TEST_EQ(n, callout_count);
	wheel_now += INT64_C(1000001) * KERN_TICK_NS;
	kspin_enter(&callout_lock);
	for (i = 0; (c = callout_due(&next)) != NULL; i++)
		ATF_REQUIRE(c == (struct callout_impl *)&them[i]);
	kspin_exit(&callout_lock);
	TEST_EQ(n, i);
	TEST_EQ(0, callout_count);
	free(them);
	wheel_now = 0;
}

static int
no_thread(enum host_point point, void *arg)
{

	(void)arg;
	return point == HOST_POINT_THREAD ? EAGAIN : 0;
}

static void
no_thread_init(void)
{
	callout_t c;

	__atomic_store_n(&host_hook, no_thread, __ATOMIC_RELAXED);
	callout_init(&c, 0);
}

TEST_TC(no_thread_tc, "a failure to start the callout thread is reported at "
    "once")
{

	test_panics(no_thread_init, "callout_init: ",
	    "cannot start the callout thread: error 11", NULL);
}

static atomic_int late_refused, late_calls;

static int
no_late_thread(enum host_point point, void *arg)
{

	(void)arg;
	if (point != HOST_POINT_THREAD)
		return 0;
	atomic_fetch_add(&late_refused, 1);
	return EAGAIN;
}

static void
late_func(void *arg)
{

	(void)arg;
	atomic_fetch_add(&late_calls, 1);
}

TEST_TC(no_late_thread_tc, "if no second thread can be started, the first "
    "waits for the kernel lock")
{
	callout_t c;
	int i;

	callout_init(&c, 0);
	atomic_store_relaxed(&host_hook, no_late_thread);
	for (i = 1; i <= 2; i++) {
		wqk_kernel_lock(1);
		callout_reset(&c, 1, late_func, NULL);
		TEST_AWAIT(atomic_load(&late_refused) == i);
		TEST_EQ(i - 1, atomic_load(&late_calls));
		wqk_kernel_unlock(1, NULL);
		TEST_AWAIT(atomic_load(&late_calls) == i);
	}
	atomic_store_relaxed(&host_hook, NULL);
	(void)callout_halt(&c, NULL);
	callout_destroy(&c);
}

static bool
late_thread(void)
{
	bool there;

	kspin_enter(&callout_lock);
	there = softclock_klock_started;
	kspin_exit(&callout_lock);
	return there;
}

TEST_TC(late_thread_tc, "the second thread starts only after a callout has "
    "waited for the kernel lock")
{
	callout_t c;
	int i;

	callout_init(&c, 0);
	for (i = 1; i <= 3; i++) {
		callout_reset(&c, 1, late_func, NULL);
		TEST_AWAIT(atomic_load(&late_calls) == i);
		(void)callout_halt(&c, NULL);
	}
	ATF_REQUIRE(!late_thread());
	wqk_kernel_lock(1);
	callout_reset(&c, 1, late_func, NULL);
	TEST_AWAIT(late_thread());
	TEST_EQ(3, atomic_load(&late_calls));
	wqk_kernel_unlock(1, NULL);
	TEST_AWAIT(atomic_load(&late_calls) == 4);
	(void)callout_halt(&c, NULL);
	callout_destroy(&c);
}

TEST_TC(late_order, "the first thread does not call a callout that needs the "
    "kernel lock, even if that is free, before those that wait for it")
{
	struct callout_impl *c;
	callout_t cs;
	struct lwp *l;

	callout_started = 1;
	callout_init(&cs, 0);
	c = (struct callout_impl *)&cs;
	l = curlwp_get();
	kspin_enter(&callout_lock);
	ATF_REQUIRE(softclock_klock_try(l));
	wqk_kernel_unlock(1, NULL);
	callout_setstate(c, CALLOUT_PENDING);
	callout_late_add(c);
	ATF_REQUIRE(!softclock_klock_try(l));
	ATF_REQUIRE(callout_late_take() == c);
	callout_runners[CALLOUT_KLOCK].cr_running = c;
	ATF_REQUIRE(!softclock_klock_try(l));
	callout_runners[CALLOUT_KLOCK].cr_running = NULL;
	ATF_REQUIRE(softclock_klock_try(l));
	wqk_kernel_unlock(1, NULL);
	kspin_exit(&callout_lock);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, random_ops);
	ATF_TP_ADD_TC(tp, edges);
	ATF_TP_ADD_TC(tp, wakeups);
	ATF_TP_ADD_TC(tp, longest);
	ATF_TP_ADD_TC(tp, delayed_enqueue);
	ATF_TP_ADD_TC(tp, burst);
	ATF_TP_ADD_TC(tp, no_thread_tc);
	ATF_TP_ADD_TC(tp, no_late_thread_tc);
	ATF_TP_ADD_TC(tp, late_thread_tc);
	ATF_TP_ADD_TC(tp, late_order);
	return atf_no_error();
}
