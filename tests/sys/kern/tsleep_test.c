/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * ltsleep(9), kpause(9): sleeping on an address.
 */

#include <sys/proc.h>
#include <sys/intr.h>
#include <sys/mutex.h>
#include <sys/simplelock.h>
#include <sys/systm.h>

#include "../../tests.h"
#include "tokens.h"

#define	TICK		INT64_C(10000000)	/* ns */

static int channel, channel2;

static void *
take_one(void *arg)
{
	int error;

	mutex_enter(&mutex);
	waiting++;
	while (tokens == 0) {
		error = mtsleep(arg, PWAIT | PCATCH, "take", 0, &mutex);
		TEST_EQ(0, error);
		ATF_REQUIRE(mutex_owned(&mutex));
	}
	tokens--;
	taken++;
	waiting--;
	mutex_exit(&mutex);
	return NULL;
}

static void
wake_one_then_all(int ipl)
{
	pthread_t t[NTHREADS], t2;
	int i;

	mutex_init(&mutex, MUTEX_DEFAULT, ipl);
	tokens = taken = waiting = 0;
	wakeup(&channel);
	wakeup_one(&channel);
	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(take_one, &channel);
	t2 = test_thread(take_one, &channel2);
	TEST_AWAIT(locked(&waiting) == NTHREADS + 1);

	mutex_enter(&mutex);
	tokens = NTHREADS + 1;
	wakeup_one(&channel);
	mutex_exit(&mutex);
	TEST_AWAIT(locked(&taken) == 1);
	usleep(20000);
	TEST_EQ(1, locked(&taken));
	mutex_enter(&mutex);
	wakeup(&channel);
	mutex_exit(&mutex);
	TEST_AWAIT(locked(&taken) == NTHREADS);
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
	TEST_EQ(NTHREADS, locked(&taken));
	wakeup(&channel2);
	test_join(t2);
	mutex_destroy(&mutex);
}

TEST_TC(wake, "wakeup_one wakes one thread asleep on the channel, wakeup all, "
    "and no others")
{

	wake_one_then_all(IPL_NONE);
	wake_one_then_all(IPL_VM);
}

/*
 * Without a mutex the kernel lock prevents a lost wake-up.
 */
static void *
take_under_kernel_lock(void *arg)
{
	int i;

	(void)arg;
	KERNEL_LOCK(1, NULL);
	for (i = 0; i < TEST_SCALE(10000); i++) {
		while (tokens == 0)
			TEST_EQ(0, tsleep(&channel, PRIBIO, "big", 0));
		tokens--;
		taken++;
		wakeup(&channel2);
	}
	KERNEL_UNLOCK_ONE(NULL);
	return NULL;
}

TEST_TC(kernel_lock, "tsleep releases the kernel lock after it is on the "
    "channel, so no wake-up is lost, and gets it again at its depth")
{
	pthread_t t[2];
	int i, n;

	test_env("WORKQUEUE_CHECK", "1");
	for (i = 0; i < 2; i++)
		t[i] = test_thread(take_under_kernel_lock, NULL);
	KERNEL_LOCK(3, NULL);
	for (i = 0; i < 2 * TEST_SCALE(10000); i++) {
		tokens++;
		if (i % 2 == 0)
			wakeup(&channel);
		else
			wakeup_one(&channel);
		while (tokens != 0)
			TEST_EQ(0, tsleep(&channel2, PRIBIO, "done", 0));
	}
	TEST_EQ(EWOULDBLOCK, tsleep(&channel2, PWAIT, "gone", 1));
	KERNEL_UNLOCK_ALL(NULL, &n);
	TEST_EQ(3, n);
	for (i = 0; i < 2; i++)
		test_join(t[i]);
	TEST_EQ(2 * TEST_SCALE(10000), taken);
}

TEST_TC(timeout, "a sleep without a wake-up returns EWOULDBLOCK, never early")
{
	static const int ticks[] = { 1, 2, 5, 20 };
	int64_t start, took;
	unsigned i;

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	for (i = 0; i < TEST_NELEM(ticks); i++) {
		start = test_now();
		TEST_EQ(EWOULDBLOCK, tsleep(&channel, PWAIT, "late",
		    ticks[i]));
		took = test_now() - start;
		ATF_REQUIRE_MSG(took >= ticks[i] * TICK, "%d ticks: only "
		    "%jd ns", ticks[i], (intmax_t)took);

		mutex_enter(&mutex);
		start = test_now();
		TEST_EQ(EWOULDBLOCK, mtsleep(&channel, PWAIT, "late",
		    ticks[i], &mutex));
		took = test_now() - start;
		ATF_REQUIRE_MSG(took >= ticks[i] * TICK, "%d ticks: only "
		    "%jd ns", ticks[i], (intmax_t)took);
		ATF_REQUIRE(mutex_owned(&mutex));

		start = test_now();
		TEST_EQ(EWOULDBLOCK, kpause("pause", i % 2, ticks[i],
		    i % 2 ? &mutex : NULL));
		took = test_now() - start;
		ATF_REQUIRE_MSG(took >= ticks[i] * TICK, "%d ticks: only "
		    "%jd ns", ticks[i], (intmax_t)took);
		ATF_REQUIRE(mutex_owned(&mutex));
		mutex_exit(&mutex);
	}
	mutex_destroy(&mutex);
}

TEST_TC(no_relock, "with PNORELOCK mtsleep returns without the mutex")
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	mutex_enter(&mutex);
	TEST_EQ(EWOULDBLOCK, mtsleep(&channel, PWAIT | PNORELOCK, "once", 1,
	    &mutex));
	ATF_REQUIRE(!mutex_owned(&mutex));
	mutex_destroy(&mutex);
	/* mtsleep() accepts a NULL mutex. */
	TEST_EQ(EWOULDBLOCK, mtsleep(&channel, PWAIT, "none", 1, NULL));
}

static struct simplelock slock = SIMPLELOCK_INITIALIZER;
static int slock_count;			/* under slock */

static void *
slock_take(void *arg)
{
	int i;

	for (i = 0; i < 1000; i++) {
		simple_lock(&slock);
		slock_count++;
		simple_unlock(&slock);
	}
	simple_lock(&slock);
	waiting++;
	while (tokens == 0)
		TEST_EQ(0, ltsleep(arg, PWAIT, "slock", 0, &slock));
	/* The lock must be held, or the counts below would race. */
	ATF_REQUIRE(simple_lock_held(&slock));
	tokens--;
	taken++;
	simple_unlock(&slock);
	return NULL;
}

TEST_TC(simple_lock, "a simple lock excludes; ltsleep releases it once the "
    "thread is on the channel, and takes it again unless PNORELOCK is given")
{
	pthread_t t[NTHREADS];
	int i, n;

	simple_lock_init(&slock);
	tokens = taken = waiting = 0;
	ATF_REQUIRE(!simple_lock_held(&slock));
	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(slock_take, &channel);
	for (n = 0; n != NTHREADS;) {
		usleep(1000);
		simple_lock(&slock);
		n = waiting;
		simple_unlock(&slock);
	}
	/*
	 * A counted thread holds the lock until it sleeps, so this wake-up
	 * reaches all.
	 */
	simple_lock(&slock);
	TEST_EQ(0, simple_lock_try(&slock));
	TEST_EQ(1000 * NTHREADS, slock_count);
	tokens = NTHREADS;
	wakeup(&channel);
	simple_unlock(&slock);
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
	TEST_EQ(NTHREADS, taken);

	TEST_EQ(1, simple_lock_try(&slock));
	TEST_EQ(EWOULDBLOCK, ltsleep(&channel, PWAIT | PNORELOCK, "once", 1,
	    &slock));
	ATF_REQUIRE(!simple_lock_held(&slock));
	TEST_EQ(EWOULDBLOCK, ltsleep(&channel, PWAIT, "none", 1, NULL));
}

static atomic_int kpause_stop;

static void *
wakes_all(void *arg)
{

	while (!atomic_load(&kpause_stop)) {
		wakeup(arg);
		sched_yield();
	}
	return NULL;
}

TEST_TC(kpause_unwoken, "kpause releases the mutex and the kernel lock, and "
    "no wakeup ends it")
{
	pthread_t t;
	int64_t start;
	int n;

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	t = test_thread(wakes_all, curlwp);
	KERNEL_LOCK(2, NULL);
	mutex_enter(&mutex);
	start = test_now();
	TEST_EQ(EWOULDBLOCK, kpause("pause", false, 5, &mutex));
	ATF_REQUIRE(test_now() - start >= 5 * TICK);
	ATF_REQUIRE(mutex_owned(&mutex));
	mutex_exit(&mutex);
	KERNEL_UNLOCK_ALL(NULL, &n);
	TEST_EQ(2, n);
	atomic_store(&kpause_stop, 1);
	test_join(t);
}

/*
 * With timeouts: see tokens.h.
 */
static int
sleep_channel(int timeout)
{

	return mtsleep(&channel, PWAIT, "many", timeout, &mutex);
}

static void
wake_channel(bool all)
{

	if (all)
		wakeup(&channel);
	else
		wakeup_one(&channel);
}

TEST_TC(none_lost, "timeouts lose no wake-up")
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	takers_none_lost(sleep_channel, wake_channel);
	mutex_destroy(&mutex);
}

/*
 * Interrupts wake threads.
 */
static int
give_in_interrupt(void *arg)
{

	mutex_enter(&mutex);
	tokens++;
	wakeup_one(arg);
	wakeup(arg);
	mutex_exit(&mutex);
	return 1;
}

TEST_TC(from_interrupt, "an interrupt may wake, also the thread that it "
    "interrupts")
{
	pthread_t t;
	void *ih;
	int i;

	test_env("WORKQUEUE_CHECK", "1");
	mutex_init(&mutex, MUTEX_DEFAULT, IPL_VM);
	ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, give_in_interrupt,
	    &channel);
	ATF_REQUIRE(ih != NULL);
	for (i = 0; i < TEST_SCALE(1000); i++) {
		t = test_thread(take_one, &channel);
		TEST_AWAIT(locked(&waiting) == 1);
		if (i % 2 == 0)
			intr_inject(ih);
		else
			pthread_kill(t, SIGUSR1);
		test_join(t);
		TEST_EQ(i + 1, taken);
	}
	intr_disestablish(ih);
}

TEST_TC(yielding, "yield and preempt return with the kernel lock at its depth")
{
	int n;

	yield();
	KERNEL_LOCK(2, NULL);
	yield();
	preempt();
	KERNEL_UNLOCK_ALL(NULL, &n);
	TEST_EQ(2, n);
}

/* Another thread may read why a thread sleeps. */
static struct lwp *_Atomic sleeper;

static void *
sleeps(void *arg)
{

	(void)arg;
	atomic_store(&sleeper, curlwp);
	return take_one(&channel);
}

TEST_TC(text, "l_wmesg is the text of a sleeping thread, else NULL")
{
	const char *wmesg;
	pthread_t t;

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	t = test_thread(sleeps, NULL);
	TEST_AWAIT(locked(&waiting) == 1);
	wmesg = __atomic_load_n(&atomic_load(&sleeper)->l_wmesg,
	    __ATOMIC_RELAXED);
	ATF_REQUIRE(wmesg != NULL);
	ATF_REQUIRE_STREQ("take", wmesg);
	mutex_enter(&mutex);
	tokens = 1;
	wakeup(&channel);
	mutex_exit(&mutex);
	test_join(t);
	ATF_REQUIRE(curlwp->l_wmesg == NULL);
}

/*
 * Misuse.
 */
static void
no_channel(void)
{

	(void)tsleep(NULL, PWAIT, "none", 1);
}

static void
no_channel_mtx(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	mutex_enter(&mutex);
	(void)mtsleep(NULL, PWAIT, "none", 1, &mutex);
}

static void
wake_no_channel(void)
{

	wakeup(NULL);
}

static void
negative_ticks(void)
{

	(void)tsleep(&channel, PWAIT, "past", -1);
}

static void
without_mutex(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	(void)mtsleep(&channel, PWAIT, "free", 1, &mutex);
}

static void
without_slock(void)
{

	simple_lock_init(&slock);
	(void)ltsleep(&channel, PWAIT, "free", 1, &slock);
}

static void
pause_without_mutex(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	(void)kpause("free", false, 1, &mutex);
}

static void
pause_for_ever(void)
{

	(void)kpause("ever", false, 0, NULL);
}

TEST_TC(misuse, "each misuse panics and names itself")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(no_channel, "tsleep: ", "no channel", NULL);
	test_panics(no_channel_mtx, "mtsleep: ", "no channel", NULL);
	test_panics(wake_no_channel, "wakeup: ", "no channel", NULL);
	test_panics(negative_ticks, "tsleep: -1 ticks", NULL);
	test_panics(without_mutex, "mtsleep: ", "not held", NULL);
	test_panics(without_slock, "ltsleep: ", "not held", NULL);
	test_panics(pause_without_mutex, "kpause: ", "not held", NULL);
	test_panics(pause_for_ever, "kpause: 0 ticks", NULL);
}

static int
sleep_in_handler(void *arg)
{

	return tsleep(arg, PWAIT, "intr", 1);
}

static void
sleep_in_interrupt(void)
{

	intr_inject(intr_establish(0, IPL_VM, INTR_MPSAFE, sleep_in_handler,
	    &channel));
}

static void
pause_in_softint(void *arg)
{

	(void)arg;
	(void)kpause("soft", false, 1, NULL);
}

static void
sleep_in_softint(void)
{

	softint_schedule(softint_establish(SOFTINT_CLOCK | SOFTINT_MPSAFE,
	    pause_in_softint, NULL));
	pause();
}

static void
sleep_under_spin(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_VM);
	mutex_enter(&mutex);
	(void)kpause("spin", false, 1, NULL);
}

TEST_TC(checked_context, "checking: a sleep in an interrupt, in a soft "
    "interrupt, or with a spin mutex panics")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(sleep_in_interrupt, "tsleep: ", "in interrupt context",
	    NULL);
	test_panics(sleep_in_softint, "kpause: ", "in softint context",
	    NULL);
	test_panics(sleep_under_spin, "kpause: ", "at IPL 5", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, wake);
	ATF_TP_ADD_TC(tp, kernel_lock);
	ATF_TP_ADD_TC(tp, timeout);
	ATF_TP_ADD_TC(tp, no_relock);
	ATF_TP_ADD_TC(tp, simple_lock);
	ATF_TP_ADD_TC(tp, kpause_unwoken);
	ATF_TP_ADD_TC(tp, none_lost);
	ATF_TP_ADD_TC(tp, from_interrupt);
	ATF_TP_ADD_TC(tp, yielding);
	ATF_TP_ADD_TC(tp, text);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, checked_context);
	return atf_no_error();
}
