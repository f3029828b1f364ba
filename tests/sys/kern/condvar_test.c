/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * condvar(9): wake-ups, timeouts, contexts, and misuse.
 */

#include <sys/bintime.h>
#include <sys/condvar.h>
#include <sys/intr.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/timevar.h>

#include "../../tests.h"
#include "tokens.h"
#include "wall_clock.h"

#define	TICK		INT64_C(10000000)	/* ns */

static kcondvar_t cv;

static void
init(int ipl)
{

	mutex_init(&mutex, MUTEX_DEFAULT, ipl);
	cv_init(&cv, "testcv");
	tokens = taken = waiting = 0;
}

static void
fini(void)
{

	cv_destroy(&cv);
	mutex_destroy(&mutex);
}

static void *
take_one(void *arg)
{

	(void)arg;
	mutex_enter(&mutex);
	waiting++;
	while (tokens == 0) {
		cv_wait(&cv, &mutex);
		ATF_REQUIRE(mutex_owned(&mutex));
	}
	tokens--;
	taken++;
	waiting--;
	mutex_exit(&mutex);
	return NULL;
}

static void
signal_then_broadcast(int ipl)
{
	pthread_t t[NTHREADS];
	int i;

	init(ipl);
	ATF_REQUIRE(!cv_has_waiters(&cv));
	cv_signal(&cv);
	cv_broadcast(&cv);
	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(take_one, NULL);
	TEST_AWAIT(locked(&waiting) == NTHREADS);

	mutex_enter(&mutex);
	ATF_REQUIRE(cv_has_waiters(&cv));
	tokens = 1;
	cv_signal(&cv);
	mutex_exit(&mutex);
	TEST_AWAIT(locked(&taken) == 1);

	mutex_enter(&mutex);
	TEST_EQ(NTHREADS - 1, waiting);
	ATF_REQUIRE(cv_has_waiters(&cv));
	tokens = NTHREADS - 1;
	cv_broadcast(&cv);
	ATF_REQUIRE(!cv_has_waiters(&cv));
	mutex_exit(&mutex);
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
	TEST_EQ(NTHREADS, taken);
	ATF_REQUIRE(!cv_has_waiters(&cv));
	fini();
}

TEST_TC(signal_broadcast, "cv_signal wakes one waiter, cv_broadcast all, and "
    "cv_has_waiters says if there is any")
{

	ATF_REQUIRE(sizeof(kcondvar_t) <= 2 * sizeof(void *));
	signal_then_broadcast(IPL_NONE);
	signal_then_broadcast(IPL_SOFTNET);
	signal_then_broadcast(IPL_VM);
}

/*
 * Order.
 */
struct sleeper {
	int	s_number;
	int	s_turn;			/* its place among the wake-ups */
};

static int turns;			/* under mutex */

static void *
sleep_in_order(void *arg)
{
	struct sleeper *s = arg;

	mutex_enter(&mutex);
	waiting++;
	cv_wait(&cv, &mutex);
	s->s_turn = turns++;
	mutex_exit(&mutex);
	return NULL;
}

TEST_TC(order, "cv_signal wakes the thread that has waited longest")
{
	struct sleeper s[NTHREADS];
	pthread_t t[NTHREADS];
	int i;

	init(IPL_NONE);
	for (i = 0; i < NTHREADS; i++) {
		s[i].s_number = i;
		t[i] = test_thread(sleep_in_order, &s[i]);
		TEST_AWAIT(locked(&waiting) == i + 1);
	}
	for (i = 0; i < NTHREADS; i++) {
		mutex_enter(&mutex);
		cv_signal(&cv);
		mutex_exit(&mutex);
		TEST_AWAIT(locked(&turns) == i + 1);
	}
	for (i = 0; i < NTHREADS; i++) {
		test_join(t[i]);
		TEST_EQ(i, s[i].s_turn);
	}
	fini();
}

/*
 * Timeouts.
 */
TEST_TC(timeout, "a timed wait without a wake-up returns EWOULDBLOCK with the "
    "mutex, never early")
{
	static const int ticks[] = { 1, 2, 5, 20 };
	int64_t start, took;
	unsigned i;
	int ipl;

	for (ipl = IPL_NONE; ipl <= IPL_VM; ipl += IPL_VM) {
		init(ipl);
		mutex_enter(&mutex);
		for (i = 0; i < TEST_NELEM(ticks); i++) {
			start = test_now();
			TEST_EQ(EWOULDBLOCK, i % 2 ?
			    cv_timedwait(&cv, &mutex, ticks[i]) :
			    cv_timedwait_sig(&cv, &mutex, ticks[i]));
			took = test_now() - start;
			ATF_REQUIRE_MSG(took >= ticks[i] * TICK,
			    "%d ticks: only %jd ns", ticks[i],
			    (intmax_t)took);
			ATF_REQUIRE(mutex_owned(&mutex));
			ATF_REQUIRE(!cv_has_waiters(&cv));
		}
		mutex_exit(&mutex);
		fini();
	}
}

TEST_TC(timeout_bt, "cv_timedwaitbt never returns early, and returns the time "
    "left")
{
	struct bintime bt = { 0, (uint64_t)1 << 59 };	/* 1/32 s */
	const struct bintime eps = { 0, 1 };
	int64_t start, took;

	init(IPL_NONE);
	mutex_enter(&mutex);
	start = test_now();
	TEST_EQ(EWOULDBLOCK, cv_timedwaitbt(&cv, &mutex, &bt, &eps));
	took = test_now() - start;
	ATF_REQUIRE_MSG(took >= 31250000, "only %jd ns", (intmax_t)took);
	TEST_EQ(0, bt.sec);
	ATF_REQUIRE(bt.frac == 0);
	/* No time is left. */
	TEST_EQ(EWOULDBLOCK, cv_timedwaitbt_sig(&cv, &mutex, &bt, &eps));
	mutex_exit(&mutex);
	fini();
}

TEST_TC(timeout_clock, "cv_timedwaitclock never returns early, for a duration "
    "or until a time, and returns the rest of a duration")
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };
	struct timespec ts, until;
	int64_t start, took;
	unsigned i;

	init(IPL_NONE);
	mutex_enter(&mutex);
	for (i = 0; i < TEST_NELEM(clocks); i++) {
		ts.tv_sec = 0;
		ts.tv_nsec = 30000000;
		start = test_now();
		TEST_EQ(EWOULDBLOCK, cv_timedwaitclock(&cv, &mutex, &ts,
		    clocks[i], 0, NULL));
		took = test_now() - start;
		ATF_REQUIRE_MSG(took >= 30000000, "only %jd ns",
		    (intmax_t)took);
		TEST_EQ(0, ts.tv_sec);
		TEST_EQ(0, ts.tv_nsec);
		TEST_EQ(EWOULDBLOCK, cv_timedwaitclock_sig(&cv, &mutex, &ts,
		    clocks[i], 0, NULL));

		start = test_now();
		if (clocks[i] == CLOCK_MONOTONIC)
			nanouptime(&until);
		else
			nanotime(&until);
		until.tv_nsec += 30000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		ts = until;
		TEST_EQ(EWOULDBLOCK, cv_timedwaitclock(&cv, &mutex, &ts,
		    clocks[i], TIMER_ABSTIME, NULL));
		took = test_now() - start;
		/* The two clocks may differ a little. */
		ATF_REQUIRE_MSG(took >= 29000000, "only %jd ns",
		    (intmax_t)took);
		TEST_EQ(until.tv_sec, ts.tv_sec);
		TEST_EQ(until.tv_nsec, ts.tv_nsec);
		/* That time has passed. */
		TEST_EQ(EWOULDBLOCK, cv_timedwaitclock_sig(&cv, &mutex, &ts,
		    clocks[i], TIMER_ABSTIME, NULL));
		ATF_REQUIRE(mutex_owned(&mutex));
	}
	mutex_exit(&mutex);
	fini();
}

TEST_TC(bad_clock, "an invalid clock, flag or time is EINVAL")
{
	struct timespec ts = { 1, 0 };

	init(IPL_NONE);
	mutex_enter(&mutex);
	TEST_EQ(EINVAL, cv_timedwaitclock(&cv, &mutex, &ts,
	    CLOCK_PROCESS_CPUTIME_ID, 0, NULL));
	TEST_EQ(EINVAL, cv_timedwaitclock(&cv, &mutex, &ts, CLOCK_MONOTONIC,
	    ~TIMER_ABSTIME, NULL));
	ts.tv_nsec = 1000000000;
	TEST_EQ(EINVAL, cv_timedwaitclock(&cv, &mutex, &ts, CLOCK_MONOTONIC,
	    0, NULL));
	ts.tv_nsec = -1;
	TEST_EQ(EINVAL, cv_timedwaitclock_sig(&cv, &mutex, &ts,
	    CLOCK_MONOTONIC, 0, NULL));
	ts.tv_nsec = 0;
	ts.tv_sec = -1;
	TEST_EQ(EINVAL, cv_timedwaitclock_sig(&cv, &mutex, &ts,
	    CLOCK_MONOTONIC, 0, NULL));
	ATF_REQUIRE(mutex_owned(&mutex));
	mutex_exit(&mutex);
	fini();
}

static void *
signal_later(void *arg)
{
	struct timespec ts = { 0, 30000000 };

	(void)arg;
	TEST_AWAIT(cv_has_waiters(&cv));
	nanosleep(&ts, NULL);
	mutex_enter(&mutex);
	cv_signal(&cv);
	mutex_exit(&mutex);
	return NULL;
}

TEST_TC(clock_woken, "cv_timedwaitclock returns 0 if it is woken in time, with "
    "less time left; NULL is no limit")
{
	struct timespec ts = { TEST_DEADLINE, 0 };
	pthread_t t;

	init(IPL_NONE);
	mutex_enter(&mutex);
	t = test_thread(signal_later, NULL);
	TEST_EQ(0, cv_timedwaitclock(&cv, &mutex, &ts, CLOCK_MONOTONIC, 0,
	    NULL));
	mutex_exit(&mutex);
	test_join(t);
	ATF_REQUIRE(ts.tv_sec >= 0 && ts.tv_sec < TEST_DEADLINE);
	mutex_enter(&mutex);
	t = test_thread(signal_later, NULL);
	TEST_EQ(0, cv_timedwaitclock(&cv, &mutex, NULL, CLOCK_REALTIME, 0,
	    NULL));
	mutex_exit(&mutex);
	test_join(t);
	fini();
}

TEST_TC(no_timeout, "a wait that is woken in time returns 0; a timeout of 0 is "
    "none")
{
	struct bintime bt = { 1000000, 0 };
	pthread_t t;
	int i;

	init(IPL_NONE);
	mutex_enter(&mutex);
	for (i = 0; i < 6; i++) {
		t = test_thread(signal_later, NULL);
		switch (i) {
		case 0:
			TEST_EQ(0, cv_timedwait(&cv, &mutex, 0));
			break;
		case 1:
			TEST_EQ(0, cv_timedwait_sig(&cv, &mutex, 0));
			break;
		case 2:
			TEST_EQ(0, cv_timedwait(&cv, &mutex, 100000));
			break;
		case 3:
			TEST_EQ(0, cv_wait_sig(&cv, &mutex));
			break;
		case 4:
			TEST_EQ(0, cv_timedwait_sig(&cv, &mutex, INT32_MAX));
			break;
		case 5:
			TEST_EQ(0, cv_timedwaitbt(&cv, &mutex, &bt, &bt));
			TEST_EQ(999999, bt.sec);
			break;
		}
		ATF_REQUIRE(mutex_owned(&mutex));
		mutex_exit(&mutex);
		test_join(t);
		mutex_enter(&mutex);
	}
	mutex_exit(&mutex);
	fini();
}

/*
 * The wall clock is stepped while a thread waits.
 */
static atomic_int wall_stop, wall_waits;

#ifdef __linux__
/* This function uses the wall clock, so the library must not call it. */
int
sem_timedwait(sem_t *sem, const struct timespec *ts)
{

	(void)ts;
	atomic_fetch_add(&wall_waits, 1);
	return sem_wait(sem);
}
#endif

static void *
steps(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; !atomic_load(&wall_stop); i++) {
		atomic_store(&wall_step, i % 2 ? 1000000 : -1000000);
		usleep(7000);
	}
	return NULL;
}

TEST_TC(wall_clock, "steps of the wall clock change no wait")
{
	int64_t start, took;
	pthread_t t;
	int i;

	init(IPL_NONE);
	t = test_thread(steps, NULL);
	mutex_enter(&mutex);
	for (i = 0; i < 10; i++) {
		start = test_now();
		TEST_EQ(EWOULDBLOCK, cv_timedwait(&cv, &mutex, 3));
		took = test_now() - start;
		ATF_REQUIRE_MSG(took >= 3 * TICK, "only %jd ns",
		    (intmax_t)took);
		ATF_REQUIRE_MSG(took < 3 * TICK + 10 * INT64_C(1000000000),
		    "%jd ns", (intmax_t)took);
	}
	mutex_exit(&mutex);
	atomic_store(&wall_stop, 1);
	test_join(t);
	TEST_EQ(0, atomic_load(&wall_waits));
	fini();
}

/*
 * Wake-ups and timeouts together: see tokens.h.
 */
static int
sleep_cv(int timeout)
{

	return cv_timedwait(&cv, &mutex, timeout);
}

static void
wake_cv(bool all)
{

	if (all)
		cv_broadcast(&cv);
	else
		cv_signal(&cv);
}

static void
no_lost(int ipl)
{

	init(ipl);
	takers_none_lost(sleep_cv, wake_cv);
	fini();
}

TEST_TC(none_lost, "timeouts lose no wake-up")
{

	no_lost(IPL_NONE);
	no_lost(IPL_VM);
}

/*
 * Ping-pong: each wake-up counts.
 */
static void *
pong(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(20000); i++) {
		mutex_enter(&mutex);
		while (tokens == 0)
			cv_wait(&cv, &mutex);
		tokens = 0;
		cv_broadcast(&cv);
		mutex_exit(&mutex);
	}
	return NULL;
}

TEST_TC(ping_pong, "two threads that wait for each other go on, without a "
    "false alarm in checking mode")
{
	pthread_t t;
	int i;

	test_env("WORKQUEUE_CHECK", "1");
	init(IPL_NONE);
	t = test_thread(pong, NULL);
	for (i = 0; i < TEST_SCALE(20000); i++) {
		mutex_enter(&mutex);
		tokens = 1;
		cv_broadcast(&cv);
		while (tokens != 0)
			cv_wait(&cv, &mutex);
		mutex_exit(&mutex);
	}
	test_join(t);
	fini();
}

/*
 * The woken thread frees the variable, the mutex and their object.
 */
struct object {
	kmutex_t	o_mutex;
	kcondvar_t	o_cv;
	int		o_done;
	int		o_how;
};

static void *
finish_object(void *arg)
{
	struct object *o = arg;
	int how = o->o_how;

	mutex_enter(&o->o_mutex);
	o->o_done = 1;
	if (how % 2 == 0)
		cv_broadcast(&o->o_cv);
	else
		cv_signal(&o->o_cv);
	/* The last access. */
	mutex_exit(&o->o_mutex);
	return NULL;
}

TEST_TC(freed_by_woken, "the woken thread may free the variable and its mutex")
{
	struct object *o;
	pthread_t t;
	int i;

	for (i = 0; i < TEST_SCALE(5000); i++) {
		o = malloc(sizeof(*o));
		ATF_REQUIRE(o != NULL);
		mutex_init(&o->o_mutex, MUTEX_DEFAULT,
		    i % 4 < 2 ? IPL_NONE : IPL_VM);
		cv_init(&o->o_cv, "object");
		o->o_done = 0;
		o->o_how = i;
		t = test_thread(finish_object, o);
		mutex_enter(&o->o_mutex);
		while (!o->o_done)
			cv_wait(&o->o_cv, &o->o_mutex);
		mutex_exit(&o->o_mutex);
		cv_destroy(&o->o_cv);
		mutex_destroy(&o->o_mutex);
		memset(o, 0xff, sizeof(*o));
		free(o);
		test_join(t);
	}
}

/*
 * Sleeping releases the kernel lock.
 */
static void *
wake_with_kernel_lock(void *arg)
{

	(void)arg;
	KERNEL_LOCK(1, NULL);
	mutex_enter(&mutex);
	tokens = 1;
	cv_signal(&cv);
	mutex_exit(&mutex);
	KERNEL_UNLOCK_LAST(NULL);
	return NULL;
}

TEST_TC(kernel_lock_dropped, "a wait drops the kernel lock and takes it back "
    "to its depth, also when it times out")
{
	pthread_t t;
	int n;

	init(IPL_NONE);
	KERNEL_LOCK(3, NULL);
	mutex_enter(&mutex);
	t = test_thread(wake_with_kernel_lock, NULL);
	while (tokens == 0)
		cv_wait(&cv, &mutex);
	ATF_REQUIRE(KERNEL_LOCKED_P());
	TEST_EQ(EWOULDBLOCK, cv_timedwait(&cv, &mutex, 1));
	mutex_exit(&mutex);
	KERNEL_UNLOCK_ALL(NULL, &n);
	TEST_EQ(3, n);
	test_join(t);
	fini();
}

/*
 * A handler signals.
 */
static int
give_in_interrupt(void *arg)
{

	(void)arg;
	ATF_REQUIRE(cpu_intr_p());
	mutex_enter(&mutex);
	tokens++;
	cv_signal(&cv);
	cv_broadcast(&cv);
	mutex_exit(&mutex);
	return 1;
}

static void
give_in_softint(void *arg)
{

	ATF_REQUIRE(cpu_softintr_p());
	mutex_enter(&mutex);
	tokens++;
	cv_signal(arg);
	mutex_exit(&mutex);
}

TEST_TC(from_interrupt, "an interrupt and a soft interrupt may signal; a wait "
    "with a spin mutex sleeps at the level from before it")
{
	pthread_t t;
	void *ih, *sih;
	int i;

	test_env("WORKQUEUE_CHECK", "1");
	init(IPL_VM);
	ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, give_in_interrupt,
	    NULL);
	ATF_REQUIRE(ih != NULL);
	sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE,
	    give_in_softint, &cv);
	ATF_REQUIRE(sih != NULL);
	for (i = 0; i < TEST_SCALE(1000); i++) {
		t = test_thread(take_one, NULL);
		TEST_AWAIT(locked(&waiting) == 1);
		if (i % 3 == 0)
			intr_inject(ih);
		else if (i % 3 == 1)
			/*
			 * The signal may arrive at the very thread that waits.
			 */
			pthread_kill(t, SIGUSR1);
		else
			softint_schedule(sih);
		test_join(t);
		TEST_EQ(i + 1, taken);
	}
	TEST_EQ(IPL_NONE, splraiseipl(makeiplcookie(IPL_NONE)));
	softint_disestablish(sih);
	intr_disestablish(ih);
	fini();
}

TEST_TC(validity, "cv_is_valid is true for an initialised condition variable "
    "only")
{
	kcondvar_t zero;

	memset(&zero, 0, sizeof(zero));
	ATF_REQUIRE(!cv_is_valid(&zero));
	init(IPL_NONE);
	ATF_REQUIRE(cv_is_valid(&cv));
	cv_destroy(&cv);
	ATF_REQUIRE(!cv_is_valid(&cv));
	cv_init(&cv, "again");
	ATF_REQUIRE(cv_is_valid(&cv));
	fini();
}

/*
 * Misuse.
 */
static void
wait_without_mutex(void)
{

	init(IPL_NONE);
	cv_wait(&cv, &mutex);
}

static void
wait_destroyed(void)
{

	init(IPL_NONE);
	cv_destroy(&cv);
	mutex_enter(&mutex);
	(void)cv_timedwait(&cv, &mutex, 1);
}

static void
signal_destroyed(void)
{

	init(IPL_NONE);
	cv_destroy(&cv);
	cv_signal(&cv);
}

static void
broadcast_destroyed(void)
{

	init(IPL_NONE);
	cv_destroy(&cv);
	cv_broadcast(&cv);
}

static void
destroy_twice(void)
{

	init(IPL_NONE);
	cv_destroy(&cv);
	cv_destroy(&cv);
}

static void
destroy_with_waiters(void)
{

	init(IPL_NONE);
	(void)test_thread(take_one, NULL);
	TEST_AWAIT(cv_has_waiters(&cv));
	cv_destroy(&cv);
}

static void
negative_ticks(void)
{

	init(IPL_NONE);
	mutex_enter(&mutex);
	(void)cv_timedwait(&cv, &mutex, -1);
}

static void
negative_ticks_sig(void)
{

	init(IPL_NONE);
	mutex_enter(&mutex);
	(void)cv_timedwait_sig(&cv, &mutex, -1);
}

static void
no_text(void)
{

	cv_init(&cv, NULL);
}

TEST_TC(misuse, "each misuse panics and names itself")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(wait_without_mutex, "cv_wait: ", "testcv", "not held",
	    NULL);
	test_panics(wait_destroyed, "cv_timedwait: ", "is destroyed", NULL);
	test_panics(signal_destroyed, "cv_signal: ", "is destroyed", NULL);
	test_panics(broadcast_destroyed, "cv_broadcast: ", "is destroyed",
	    NULL);
	test_panics(destroy_twice, "cv_destroy: ", "is destroyed", NULL);
	test_panics(destroy_with_waiters, "cv_destroy: ", "testcv",
	    "has waiters", NULL);
	test_panics(negative_ticks, "cv_timedwait: -1 ticks", NULL);
	test_panics(negative_ticks_sig, "cv_timedwait_sig: -1 ticks", NULL);
	test_panics(no_text, "cv_init: ", "no text", NULL);
}

static int
wait_in_handler(void *arg)
{

	(void)arg;
	mutex_enter(&mutex);
	(void)cv_timedwait(&cv, &mutex, 1);
	mutex_exit(&mutex);
	return 1;
}

static void
wait_in_interrupt(void)
{

	init(IPL_VM);
	intr_inject(intr_establish(0, IPL_VM, INTR_MPSAFE, wait_in_handler,
	    NULL));
}

static void
soft_wait(void *arg)
{

	(void)wait_in_handler(arg);
}

static void
wait_in_softint(void)
{

	init(IPL_SOFTNET);
	softint_schedule(softint_establish(SOFTINT_NET | SOFTINT_MPSAFE,
	    soft_wait, NULL));
	pause();
}

static void
wait_under_spin(void)
{
	static kmutex_t spin;

	init(IPL_VM);
	mutex_init(&spin, MUTEX_DEFAULT, IPL_VM);
	mutex_enter(&spin);
	mutex_enter(&mutex);
	(void)cv_wait_sig(&cv, &mutex);
}

TEST_TC(checked_context, "checking: a wait in an interrupt, in a soft "
    "interrupt, or with a second spin mutex panics")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(wait_in_interrupt, "cv_timedwait: ",
	    "in interrupt context", NULL);
	test_panics(wait_in_softint, "cv_timedwait: ", "in softint context",
	    NULL);
	test_panics(wait_under_spin, "cv_wait_sig: ", "at IPL 5", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, signal_broadcast);
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, timeout);
	ATF_TP_ADD_TC(tp, timeout_bt);
	ATF_TP_ADD_TC(tp, timeout_clock);
	ATF_TP_ADD_TC(tp, clock_woken);
	ATF_TP_ADD_TC(tp, bad_clock);
	ATF_TP_ADD_TC(tp, no_timeout);
	ATF_TP_ADD_TC(tp, wall_clock);
	ATF_TP_ADD_TC(tp, none_lost);
	ATF_TP_ADD_TC(tp, ping_pong);
	ATF_TP_ADD_TC(tp, freed_by_woken);
	ATF_TP_ADD_TC(tp, kernel_lock_dropped);
	ATF_TP_ADD_TC(tp, from_interrupt);
	ATF_TP_ADD_TC(tp, validity);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, checked_context);
	return atf_no_error();
}
