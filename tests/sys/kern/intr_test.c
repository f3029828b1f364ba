/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * intr_establish(9): signals and injected interrupts, at all levels.
 */

#include <sys/proc.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kernel.h>
#include <sys/kthread.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include "../../tests.h"
#include "level.h"

#define	NSOURCES	32		/* the library's maximum */

/*
 * A source that counts, and records its context.
 */
struct source {
	void		*s_ih;
	int		 s_ipl;
	atomic_int	 s_calls;
	atomic_int	 s_level;	/* level of the call */
	atomic_int	 s_intr;	/* value of cpu_intr_p() */
	atomic_int	 s_locked;	/* KERNEL_LOCKED_P() */
	_Atomic(pthread_t) s_thread;	/* thread that ran it */
	struct source	*s_inject;	/* source to inject, once */
	atomic_int	 s_seen;	/* that source's calls after it */
	sem_t		*s_entered;	/* posted, unless NULL */
	sem_t		*s_open;	/* waited for, unless NULL */
};

/* The sources called, in order. */
static struct source *order[64];
static atomic_int norder;

static int
source_intr(void *arg)
{
	struct source *s = arg, *other;
	int n;

	n = atomic_fetch_add(&norder, 1);
	if (n < (int)TEST_NELEM(order))
		order[n] = s;
	atomic_store(&s->s_level, level());
	atomic_store(&s->s_intr, cpu_intr_p());
	atomic_store(&s->s_locked, KERNEL_LOCKED_P());
	atomic_store(&s->s_thread, pthread_self());
	if ((other = s->s_inject) != NULL) {
		s->s_inject = NULL;
		intr_inject(other->s_ih);
		atomic_store(&s->s_seen, atomic_load(&other->s_calls));
	}
	if (s->s_entered != NULL)
		sem_post(s->s_entered);
	if (s->s_open != NULL)
		test_sem_wait(s->s_open);
	errno = EXDEV;
	atomic_fetch_add(&s->s_calls, 1);
	return 1;
}

static void
source_init(struct source *s, int signo, int ipl, int flags)
{

	memset(s, 0, sizeof(*s));
	s->s_ipl = ipl;
	s->s_ih = intr_establish(signo, ipl, flags, source_intr, s);
	ATF_REQUIRE(s->s_ih != NULL);
}

static void
source_fini(struct source *s)
{

	intr_disestablish(s->s_ih);
}

TEST_TC(at_once, "a signal calls the handler at once, at its level, on a "
    "thread below that level, and keeps errno")
{
	struct source s;
	int ipl, spl;

	for (ipl = IPL_VM; ipl <= IPL_HIGH; ipl++) {
		source_init(&s, SIGUSR1, ipl, INTR_MPSAFE);
		TEST_EQ(0, cpu_intr_p());
		errno = ENOENT;
		raise(SIGUSR1);
		TEST_EQ(ENOENT, errno);
		TEST_EQ(1, atomic_load(&s.s_calls));
		TEST_EQ(ipl, atomic_load(&s.s_level));
		ATF_REQUIRE(atomic_load(&s.s_intr));
		ATF_REQUIRE(pthread_equal(pthread_self(),
		    atomic_load(&s.s_thread)));
		TEST_EQ(0, cpu_intr_p());
		TEST_EQ(IPL_NONE, level());

		spl = splraiseipl(makeiplcookie(ipl - 1));
		raise(SIGUSR1);
		TEST_EQ(2, atomic_load(&s.s_calls));
		TEST_EQ(ipl - 1, level());
		splx(spl);
		TEST_EQ(2, intr_count(s.s_ih));
		source_fini(&s);
	}
}

TEST_TC(held, "at or above its level a signal is deferred and counted, and "
    "splx runs it as often as it arrived")
{
	struct source s;
	int at, ipl, spl, i;

	for (ipl = IPL_VM; ipl <= IPL_HIGH; ipl++) {
		source_init(&s, SIGUSR2, ipl, INTR_MPSAFE);
		for (at = ipl; at <= IPL_HIGH; at++) {
			atomic_store(&s.s_calls, 0);
			spl = splraiseipl(makeiplcookie(at));
			for (i = 0; i < 3; i++)
				raise(SIGUSR2);
			TEST_EQ(0, atomic_load(&s.s_calls));
			splx(ipl);
			TEST_EQ(0, atomic_load(&s.s_calls));
			errno = ENOENT;
			splx(spl);
			TEST_EQ(3, atomic_load(&s.s_calls));
			TEST_EQ(ipl, atomic_load(&s.s_level));
			TEST_EQ(IPL_NONE, level());
		}
		TEST_EQ(3 * (IPL_HIGH - ipl + 1), intr_count(s.s_ih));
		source_fini(&s);
	}
}

TEST_TC(spl0_runs, "spl0 runs what was deferred")
{
	struct source s;

	source_init(&s, 0, IPL_SCHED, INTR_MPSAFE);
	(void)splhigh();
	intr_inject(s.s_ih);
	TEST_EQ(0, atomic_load(&s.s_calls));
	TEST_EQ(IPL_HIGH, spl0());
	TEST_EQ(1, atomic_load(&s.s_calls));
	source_fini(&s);
}

TEST_TC(highest_first, "deferred interrupts run highest level first, as far as "
    "the level allows")
{
	struct source s[3];
	int i, spl;

	for (i = 0; i < 3; i++)
		source_init(&s[i], 0, IPL_VM + i, INTR_MPSAFE);
	spl = splhigh();
	intr_inject(s[0].s_ih);
	intr_inject(s[2].s_ih);
	intr_inject(s[1].s_ih);
	TEST_EQ(0, atomic_load(&norder));
	splx(spl);
	TEST_EQ(3, atomic_load(&norder));
	for (i = 0; i < 3; i++)
		ATF_REQUIRE(order[i] == &s[2 - i]);

	atomic_store(&norder, 0);
	spl = splhigh();
	for (i = 0; i < 3; i++)
		intr_inject(s[i].s_ih);
	splx(IPL_VM);
	TEST_EQ(2, atomic_load(&norder));
	ATF_REQUIRE(order[0] == &s[2] && order[1] == &s[1]);
	splx(IPL_SOFTSERIAL);
	TEST_EQ(3, atomic_load(&norder));
	splx(spl);
	TEST_EQ(3, atomic_load(&norder));
	for (i = 0; i < 3; i++)
		source_fini(&s[i]);
}

TEST_TC(nested, "a higher interrupt comes into a handler; a lower one, and "
    "its own, wait until it has returned")
{
	struct source high, low;

	source_init(&low, 0, IPL_VM, INTR_MPSAFE);
	source_init(&high, 0, IPL_HIGH, INTR_MPSAFE);
	low.s_inject = &high;
	intr_inject(low.s_ih);
	TEST_EQ(1, atomic_load(&low.s_seen));
	TEST_EQ(1, atomic_load(&low.s_calls));

	high.s_inject = &low;
	intr_inject(high.s_ih);
	TEST_EQ(1, atomic_load(&high.s_seen));
	TEST_EQ(2, atomic_load(&low.s_calls));

	low.s_inject = &low;
	intr_inject(low.s_ih);
	TEST_EQ(2, atomic_load(&low.s_seen));
	TEST_EQ(4, atomic_load(&low.s_calls));
	TEST_EQ(IPL_NONE, level());
	TEST_EQ(0, cpu_intr_p());
	source_fini(&high);
	source_fini(&low);
}

TEST_TC(never_lost, "many deferred interrupts are all served")
{
	const int n = 200000;
	struct source s;
	int i, spl;

	source_init(&s, 0, IPL_VM, INTR_MPSAFE);
	spl = splvm();
	for (i = 0; i < n; i++)
		intr_inject(s.s_ih);
	TEST_EQ(0, atomic_load(&s.s_calls));
	splx(spl);
	TEST_EQ(n, atomic_load(&s.s_calls));
	TEST_EQ(n, intr_count(s.s_ih));
	source_fini(&s);
}

TEST_TC(one_signal, "all sources of a signal are called, each at its own level")
{
	struct source a, b;
	int spl;

	source_init(&a, SIGUSR1, IPL_VM, INTR_MPSAFE);
	source_init(&b, SIGUSR1, IPL_HIGH, INTR_MPSAFE);
	spl = splvm();
	raise(SIGUSR1);
	TEST_EQ(0, atomic_load(&a.s_calls));
	TEST_EQ(1, atomic_load(&b.s_calls));
	splx(spl);
	TEST_EQ(1, atomic_load(&a.s_calls));
	source_fini(&a);
	raise(SIGUSR1);
	TEST_EQ(2, atomic_load(&b.s_calls));
	source_fini(&b);
}

static void *
raiser(void *arg)
{

	(void)arg;
	raise(SIGUSR1);
	return NULL;
}

TEST_TC(foreign_thread, "a signal at a thread that the library does not know "
    "is handed to another")
{
	struct source s;
	pthread_t t;

	source_init(&s, SIGUSR1, IPL_VM, INTR_MPSAFE);
	t = test_thread(raiser, NULL);
	TEST_AWAIT(atomic_load(&s.s_calls) == 1);
	ATF_REQUIRE(!pthread_equal(t, atomic_load(&s.s_thread)));
	ATF_REQUIRE(!pthread_equal(pthread_self(),
	    atomic_load(&s.s_thread)));
	TEST_EQ(IPL_VM, atomic_load(&s.s_level));
	ATF_REQUIRE(atomic_load(&s.s_intr));
	test_join(t);
	source_fini(&s);
}

static void *
ends_raised(void *arg)
{
	struct source *s = arg;
	int i;

	(void)splhigh();
	for (i = 0; i < 5; i++)
		intr_inject(s->s_ih);
	return NULL;
}

static void
kthread_ends_raised(void *arg)
{

	(void)ends_raised(arg);
	kthread_exit(0);
}

TEST_TC(thread_ends, "an interrupt that a thread has deferred when it ends "
    "runs on another")
{
	struct source s;
	struct lwp *l;
	pthread_t t;
	int spl;

	/* Checking mode reports what this test does on purpose. */
	test_env("WORKQUEUE_CHECK", NULL);
	source_init(&s, 0, IPL_SCHED, INTR_MPSAFE);
	t = test_thread(ends_raised, &s);
	TEST_AWAIT(atomic_load(&s.s_calls) == 5);
	ATF_REQUIRE(!pthread_equal(t, atomic_load(&s.s_thread)));
	test_join(t);
	TEST_EQ(0, kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN,
	    NULL, kthread_ends_raised, &s, &l, "raised"));
	TEST_EQ(0, kthread_join(l));
	TEST_AWAIT(atomic_load(&s.s_calls) == 10);
	/* A thread that reuses the lwp holds back no interrupt. */
	t = test_thread(test_ends, NULL);
	test_join(t);
	spl = splhigh();
	splx(spl);
	TEST_EQ(10, atomic_load(&s.s_calls));
	source_fini(&s);
}

/*
 * A thread that holds the kernel lock.
 */
struct holder {
	sem_t		 h_has;
	sem_t		 h_release;
};

static void *
hold_kernel_lock(void *arg)
{
	struct holder *h = arg;

	KERNEL_LOCK(1, NULL);
	sem_post(&h->h_has);
	test_sem_wait(&h->h_release);
	KERNEL_UNLOCK_ONE(NULL);
	return NULL;
}

TEST_TC(kernel_lock, "a handler that is not MPSAFE runs with the kernel lock: "
    "on its thread if possible, else later on another")
{
	struct source mp, s;
	struct holder h;
	pthread_t t;

	source_init(&s, 0, IPL_VM, 0);
	source_init(&mp, 0, IPL_VM, INTR_MPSAFE);
	intr_inject(mp.s_ih);
	TEST_EQ(0, atomic_load(&mp.s_locked));
	intr_inject(s.s_ih);
	TEST_EQ(1, atomic_load(&s.s_calls));
	TEST_EQ(1, atomic_load(&s.s_locked));
	ATF_REQUIRE(!KERNEL_LOCKED_P());

	KERNEL_LOCK(2, NULL);
	intr_inject(s.s_ih);
	TEST_EQ(2, atomic_load(&s.s_calls));
	KERNEL_UNLOCK_ONE(NULL);
	ATF_REQUIRE(KERNEL_LOCKED_P());
	KERNEL_UNLOCK_LAST(NULL);

	sem_init(&h.h_has, 0, 0);
	sem_init(&h.h_release, 0, 0);
	t = test_thread(hold_kernel_lock, &h);
	test_sem_wait(&h.h_has);
	intr_inject(s.s_ih);
	intr_inject(s.s_ih);
	intr_inject(mp.s_ih);
	TEST_EQ(2, atomic_load(&mp.s_calls));
	test_pause();
	TEST_EQ(2, atomic_load(&s.s_calls));
	sem_post(&h.h_release);
	TEST_AWAIT(atomic_load(&s.s_calls) == 4);
	ATF_REQUIRE(!pthread_equal(pthread_self(),
	    atomic_load(&s.s_thread)));
	TEST_EQ(1, atomic_load(&s.s_locked));
	test_join(t);
	source_fini(&mp);
	source_fini(&s);
}

static atomic_int disestablished;

static void *
disestablish(void *arg)
{
	struct source *s = arg;

	intr_disestablish(s->s_ih);
	atomic_store(&disestablished, 1);
	return NULL;
}

static void *
inject(void *arg)
{
	struct source *s = arg;

	intr_inject(s->s_ih);
	return NULL;
}

TEST_TC(disestablish_waits, "intr_disestablish waits for a handler that runs")
{
	struct source s;
	sem_t entered, open;
	pthread_t t, t2;
	int i;

	sem_init(&entered, 0, 0);
	sem_init(&open, 0, 0);
	source_init(&s, 0, IPL_VM, INTR_MPSAFE);
	s.s_entered = &entered;
	s.s_open = &open;
	t = test_thread(inject, &s);
	test_sem_wait(&entered);
	t2 = test_thread(disestablish, &s);
	for (i = 0; i < 50; i++)
		test_pause();
	TEST_EQ(0, atomic_load(&disestablished));
	sem_post(&open);
	test_join(t2);
	TEST_EQ(1, atomic_load(&s.s_calls));
	test_join(t);
}

TEST_TC(disestablish_held, "an interrupt deferred at disestablish never runs, "
    "not even as another source")
{
	struct source more[NSOURCES], s;
	int i, round, spl;

	/* Checking mode reports what this test does on purpose. */
	test_env("WORKQUEUE_CHECK", NULL);
	source_init(&s, 0, IPL_VM, INTR_MPSAFE);
	spl = splvm();
	intr_inject(s.s_ih);
	/* Sleeping at a raised level is an error in checking mode only. */
	source_fini(&s);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < NSOURCES - 1; i++)
			source_init(&more[i], 0, IPL_HIGH, INTR_MPSAFE);
		/* The source s is not free until we lower the level. */
		ATF_REQUIRE(intr_establish(0, IPL_VM, 0, source_intr, &s) ==
		    NULL);
		for (i = 0; i < NSOURCES - 1; i++)
			source_fini(&more[i]);
	}
	splx(spl);
	TEST_EQ(0, atomic_load(&norder));
	for (i = 0; i < NSOURCES; i++)
		source_init(&more[i], 0, IPL_HIGH, INTR_MPSAFE);
	for (i = 0; i < NSOURCES; i++)
		source_fini(&more[i]);
}

static void
plain_handler(int signo)
{

	(void)signo;
	atomic_fetch_add(&norder, 1);
}

TEST_TC(disposition, "the signal's disposition is restored after the last "
    "source")
{
	struct sigaction sa, osa;
	struct source a, b;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = plain_handler;
	ATF_REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
	source_init(&a, SIGUSR1, IPL_VM, INTR_MPSAFE);
	source_init(&b, SIGUSR1, IPL_VM, INTR_MPSAFE);
	source_fini(&a);
	ATF_REQUIRE(sigaction(SIGUSR1, NULL, &osa) == 0);
	ATF_REQUIRE(osa.sa_handler != plain_handler);
	source_fini(&b);
	ATF_REQUIRE(sigaction(SIGUSR1, NULL, &osa) == 0);
	ATF_REQUIRE(osa.sa_handler == plain_handler);
	raise(SIGUSR1);
	TEST_EQ(1, atomic_load(&norder));
}

TEST_TC(unblocked, "establishing unblocks the signal in the caller, and a "
    "worker made afterwards takes it")
{
	struct source s;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	source_init(&s, SIGUSR1, IPL_VM, INTR_MPSAFE);
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	ATF_REQUIRE(!sigismember(&set, SIGUSR1));
	raise(SIGUSR1);
	TEST_EQ(1, atomic_load(&s.s_calls));
	source_fini(&s);
}

static void
look_at_mask(struct work *wk, void *arg)
{
	sigset_t set;

	(void)wk;
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	atomic_store((atomic_int *)arg, sigismember(&set, SIGUSR1) * 2 +
	    sigismember(&set, SIGUSR2));
}

TEST_TC(creator_blocks, "a signal that its caller blocks is not delivered to "
    "it while the library starts a thread")
{
	struct source s;
	struct workqueue *wq;
	sigset_t set, old;
	int i;

	source_init(&s, SIGUSR1, IPL_VM, INTR_MPSAFE);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (i = 1; i <= 20; i++) {
		pthread_sigmask(SIG_BLOCK, &set, &old);
		raise(SIGUSR1);
		wq = test_create("creator", look_at_mask, NULL, WQ_PERCPU);
		TEST_EQ(i - 1, atomic_load(&s.s_calls));
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		TEST_EQ(i, atomic_load(&s.s_calls));
		workqueue_destroy(wq);
	}
	source_fini(&s);
}

TEST_TC(worker_mask, "a worker blocks the signals that are not interrupts")
{
	struct source s;
	struct workqueue *wq;
	struct work wk;
	atomic_int seen = -1;

	source_init(&s, SIGUSR1, IPL_VM, INTR_MPSAFE);
	wq = test_create("mask", look_at_mask, &seen, WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_wait(wq, &wk);
	TEST_EQ(1, atomic_load(&seen));
	workqueue_destroy(wq);
	source_fini(&s);
}

static int pipefd[2];
static atomic_int reading;

static void *
reader(void *arg)
{
	char c;

	(void)curlwp;
	atomic_store(&reading, 1);
	TEST_EQ(1, read(pipefd[0], &c, 1));
	return arg;
}

TEST_TC(in_read, "an interrupt at a thread that blocks in read(2) does not "
    "wait for the read, and does not end it")
{
	struct source s;
	pthread_t t;

#ifdef TEST_TSAN
	atf_tc_skip("thread sanitizer: it keeps signals until after a read");
#endif
	ATF_REQUIRE(pipe(pipefd) == 0);
	source_init(&s, SIGUSR1, IPL_VM, INTR_MPSAFE);
	t = test_thread(reader, NULL);
	TEST_AWAIT(atomic_load(&reading));
	pthread_kill(t, SIGUSR1);
	TEST_AWAIT(atomic_load(&s.s_calls) == 1);
	ATF_REQUIRE(pthread_equal(t, atomic_load(&s.s_thread)));
	ATF_REQUIRE(write(pipefd[1], "x", 1) == 1);
	test_join(t);
	source_fini(&s);
}

/*
 * Giving up the CPU at a raised level.
 */
static int sleepchan;
static atomic_int may_wake;
static kmutex_t sleepmtx, spinmtx;
static kcondvar_t sleepcv;
static struct test_gate gate;
static struct workqueue *gatequeue;
static struct lwp *joined;
static sem_t joined_go;

static void
sleep_tsleep(void)
{

	TEST_EQ(0, tsleep(&sleepchan, PWAIT, "sleep", 0));
}

static void
wake_tsleep(void)
{

	wakeup(&sleepchan);
}

static void
sleep_cv(void)
{

	mutex_enter(&sleepmtx);
	while (!atomic_load(&may_wake))
		cv_wait(&sleepcv, &sleepmtx);
	mutex_exit(&sleepmtx);
}

static void
wake_cv(void)
{

	mutex_enter(&sleepmtx);
	cv_signal(&sleepcv);
	mutex_exit(&sleepmtx);
}

static void
sleep_cvspin(void)
{

	mutex_enter(&spinmtx);
	while (!atomic_load(&may_wake))
		(void)cv_timedwait(&sleepcv, &spinmtx, hz * TEST_DEADLINE);
	mutex_exit(&spinmtx);
}

static void
wake_cvspin(void)
{

	mutex_enter(&spinmtx);
	cv_signal(&sleepcv);
	mutex_exit(&spinmtx);
}

static void
sleep_kpause(void)
{

	while (!atomic_load(&may_wake))
		(void)kpause("sleep", false, 1, NULL);
}

static void
wake_nobody(void)
{

}

static void
sleep_mutex(void)
{

	mutex_enter(&sleepmtx);
	mutex_exit(&sleepmtx);
}

static void
wake_mutex(void)
{

	mutex_exit(&sleepmtx);
}

static void
sleep_workqueue(void)
{

	workqueue_wait(gatequeue, &gate.g_work.tw_work);
}

static void
wake_workqueue(void)
{

	test_gate_open(&gate);
}

static void
join_me(void *arg)
{

	(void)arg;
	test_sem_wait(&joined_go);
	kthread_exit(0);
}

static void
sleep_join(void)
{

	TEST_EQ(0, kthread_join(joined));
}

static void
wake_join(void)
{

	sem_post(&joined_go);
}

struct sleeper {
	void		(*sl_sleep)(void);
	void		(*sl_wake)(void);
	struct source	 *sl_s;
};

static void *
sleeps_raised(void *arg)
{
	struct sleeper *sl = arg;
	struct source *s = sl->sl_s;
	int calls, spl;

	spl = splbio();
	intr_inject(s->s_ih);
	TEST_EQ(0, atomic_load(&s->s_calls));
	(*sl->sl_sleep)();
	/* After the sleep the interrupt is blocked again. */
	TEST_EQ(IPL_BIO, level());
	calls = atomic_load(&s->s_calls);
	intr_inject(s->s_ih);
	TEST_EQ(calls, atomic_load(&s->s_calls));
	splx(spl);
	TEST_EQ(calls + 1, atomic_load(&s->s_calls));
	return NULL;
}

TEST_TC(sleeping, "a thread that sleeps in the library at a raised level "
    "admits deferred and new interrupts, and then has its level again")
{
	static struct sleeper sleepers[] = {
		{ sleep_tsleep, wake_tsleep, NULL },
		{ sleep_cv, wake_cv, NULL },
		{ sleep_cvspin, wake_cvspin, NULL },
		{ sleep_kpause, wake_nobody, NULL },
		{ sleep_mutex, wake_mutex, NULL },
		{ sleep_workqueue, wake_workqueue, NULL },
		{ sleep_join, wake_join, NULL },
	};
	struct source s;
	struct sleeper *sl;
	pthread_t t;

	/* Checking mode reports what this test does on purpose. */
	test_env("WORKQUEUE_CHECK", NULL);
	mutex_init(&sleepmtx, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&spinmtx, MUTEX_DEFAULT, IPL_VM);
	cv_init(&sleepcv, "sleep");
	test_gate_init(&gate);
	sem_init(&joined_go, 0, 0);
	gatequeue = test_create("gate", test_dispatch, NULL, WQ_MPSAFE);
	for (sl = sleepers; sl < sleepers + TEST_NELEM(sleepers); sl++) {
		source_init(&s, SIGUSR1, IPL_BIO, INTR_MPSAFE);
		atomic_store(&may_wake, 0);
		sl->sl_s = &s;
		if (sl->sl_sleep == sleep_mutex)
			mutex_enter(&sleepmtx);
		if (sl->sl_sleep == sleep_workqueue)
			test_gate_close(&gate, gatequeue, NULL);
		if (sl->sl_sleep == sleep_join)
			TEST_EQ(0, kthread_create(PRI_NONE, KTHREAD_MPSAFE |
			    KTHREAD_MUSTJOIN, NULL, join_me, NULL, &joined,
			    "joined"));
		t = test_thread(sleeps_raised, sl);
		TEST_AWAIT(atomic_load(&s.s_calls) == 1);
		ATF_REQUIRE(pthread_equal(t, atomic_load(&s.s_thread)));
#ifndef TEST_TSAN
		/* ThreadSanitizer defers signals until after some sleeps. */
		pthread_kill(t, SIGUSR1);
		TEST_AWAIT(atomic_load(&s.s_calls) == 2);
		TEST_EQ(IPL_BIO, atomic_load(&s.s_level));
#endif
		atomic_store(&may_wake, 1);
		(*sl->sl_wake)();
		test_join(t);
		source_fini(&s);
	}
	workqueue_destroy(gatequeue);
	cv_destroy(&sleepcv);
	mutex_destroy(&spinmtx);
	mutex_destroy(&sleepmtx);
}

static atomic_int softs;

static void
soft(void *arg)
{

	(void)arg;
	atomic_fetch_add(&softs, 1);
}

static void *
sleeps_at_softnet(void *arg)
{
	int s;

	s = splsoftnet();
	softint_schedule(arg);
	TEST_EQ(0, tsleep(&sleepchan, PWAIT, "soft", 0));
	splx(s);
	return NULL;
}

TEST_TC(sleeping_softint, "a soft interrupt that a thread's level defers runs "
    "when the thread sleeps")
{
	pthread_t t;
	void *ih;

	test_env("WORKQUEUE_CHECK", NULL);
	ih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, soft, NULL);
	ATF_REQUIRE(ih != NULL);
	t = test_thread(sleeps_at_softnet, ih);
	TEST_AWAIT(atomic_load(&softs) == 1);
	wakeup(&sleepchan);
	test_join(t);
	softint_disestablish(ih);
}

static atomic_int about_to;

static void *
wants_kernel_lock(void *arg)
{
	struct source *s = arg;
	int spl;

	spl = splvm();
	intr_inject(s->s_ih);
	atomic_store(&about_to, 1);
	KERNEL_LOCK(1, NULL);
	TEST_EQ(0, atomic_load(&s->s_calls));
	KERNEL_UNLOCK_ONE(NULL);
	TEST_EQ(0, atomic_load(&s->s_calls));
	splx(spl);
	TEST_EQ(1, atomic_load(&s->s_calls));
	return NULL;
}

TEST_TC(kernel_lock_waiter, "a thread that waits for the kernel lock keeps its "
    "raised level")
{
	struct source s;
	pthread_t t;
	int64_t end;

	source_init(&s, 0, IPL_VM, INTR_MPSAFE);
	KERNEL_LOCK(1, NULL);
	t = test_thread(wants_kernel_lock, &s);
	TEST_AWAIT(atomic_load(&about_to));
	for (end = test_now() + 100000000; test_now() < end;)
		test_pause();
	TEST_EQ(0, atomic_load(&s.s_calls));
	KERNEL_UNLOCK_ONE(NULL);
	test_join(t);
	source_fini(&s);
}

/*
 * Threads that block in a system call at a raised level.
 */
static void *
reads_raised(void *arg)
{
	struct source *s = arg;
	int calls, spl;
	char c;

	spl = splvm();
	intr_inject(s->s_ih);
	intr_inject(s->s_ih);
	TEST_EQ(0, atomic_load(&s->s_calls));
	TEST_EQ(1, read(pipefd[0], &c, 1));
	calls = atomic_load(&s->s_calls);
	TEST_EQ(IPL_VM, level());
	splx(spl);
	TEST_EQ(calls, atomic_load(&s->s_calls));
	return NULL;
}

TEST_TC(blocked, "another thread takes over the interrupts deferred by a "
    "thread that blocks in read(2), as often as they arrived, and they do not "
    "run again")
{
	struct source s;
	pthread_t t;
	int flags;

	TEST_NEED(TEST_CAP_ASLEEP, "whether a thread sleeps");
	ATF_REQUIRE(pipe(pipefd) == 0);
	for (flags = 0; flags <= INTR_MPSAFE; flags += INTR_MPSAFE) {
		source_init(&s, SIGUSR1, IPL_VM, flags);
		t = test_thread(reads_raised, &s);
		TEST_AWAIT(atomic_load(&s.s_calls) == 2);
		ATF_REQUIRE(!pthread_equal(t, atomic_load(&s.s_thread)));
		TEST_EQ(IPL_VM, atomic_load(&s.s_level));
		ATF_REQUIRE(atomic_load(&s.s_intr));
		TEST_EQ(flags == 0, atomic_load(&s.s_locked));
#ifndef TEST_TSAN
		/*
		 * The interrupt threads take over later signals, too.  As in
		 * in_read, ThreadSanitizer would keep the signals.
		 */
		pthread_kill(t, SIGUSR1);
		TEST_AWAIT(atomic_load(&s.s_calls) == 3);
		pthread_kill(t, SIGUSR1);
		TEST_AWAIT(atomic_load(&s.s_calls) == 4);
#endif
		ATF_REQUIRE(write(pipefd[1], "x", 1) == 1);
		test_join(t);
		TEST_EQ(intr_count(s.s_ih), atomic_load(&s.s_calls));
		source_fini(&s);
	}
}

TEST_TC(blocked_descriptors, "the library looks for blocked threads without "
    "the process's descriptors, also in the eyes of a sanitizer")
{
	struct source s;
	pthread_t t;
	int fd, i;

	TEST_NEED(TEST_CAP_ASLEEP, "whether a thread sleeps");
	ATF_REQUIRE(pipe(pipefd) == 0);
	source_init(&s, SIGUSR1, IPL_VM, INTR_MPSAFE);
	t = test_thread(reads_raised, &s);
	/* Use the lowest numbers, with which the library's own table begins. */
	close(STDIN_FILENO);
	for (i = 0; i < 100 || atomic_load(&s.s_calls) != 2; i++) {
		fd = open("/dev/null", O_RDONLY);
		TEST_EQ(STDIN_FILENO, fd);
		ATF_REQUIRE(dup2(fd, STDOUT_FILENO) == STDOUT_FILENO);
		test_pause();
		close(STDOUT_FILENO);
		close(fd);
	}
	ATF_REQUIRE(write(pipefd[1], "x", 1) == 1);
	test_join(t);
	source_fini(&s);
}

static void *
reads_on(void *arg)
{
	struct source *s = arg;
	int spl;
	char c;

	spl = splvm();
	intr_inject(s->s_ih);
	TEST_EQ(1, read(pipefd[0], &c, 1));
	splx(spl);
	return NULL;
}

TEST_TC(blocked_signals, "steady signals do not delay the interrupts deferred "
    "by a blocked thread")
{
	struct source s;
	pthread_t t;
	int64_t end;

	TEST_NEED(TEST_CAP_ASLEEP, "whether a thread sleeps");
#ifdef TEST_TSAN
	atf_tc_skip("thread sanitizer: it keeps signals until after a read");
#endif
	ATF_REQUIRE(pipe(pipefd) == 0);
	source_init(&s, SIGUSR1, IPL_VM, INTR_MPSAFE);
	t = test_thread(reads_on, &s);
	TEST_AWAIT(intr_count(s.s_ih) == 1);
	end = test_now() + TEST_DEADLINE * INT64_C(1000000000);
	while (atomic_load(&s.s_calls) < 10) {
		ATF_REQUIRE(test_now() < end);
		pthread_kill(t, SIGUSR1);
		test_pause();
	}
	ATF_REQUIRE(write(pipefd[1], "x", 1) == 1);
	test_join(t);
	TEST_AWAIT(atomic_load(&s.s_calls) == (int)intr_count(s.s_ih));
	source_fini(&s);
}

static void *
runs_raised(void *arg)
{
	struct source *s = arg;
	int64_t end;
	int spl;

	spl = splvm();
	intr_inject(s->s_ih);
	for (end = test_now() + 100000000; test_now() < end;)
		TEST_EQ(0, atomic_load(&s->s_calls));
	splx(spl);
	TEST_EQ(1, atomic_load(&s->s_calls));
	return NULL;
}

static void *
reads_with_spin_mutex(void *arg)
{
	struct source *s = arg;
	int spl;
	char c;

	/* Inject one interrupt before taking the mutex, and one after. */
	spl = splvm();
	intr_inject(s->s_ih);
	mutex_enter(&spinmtx);
	intr_inject(s->s_ih);
	atomic_store(&about_to, 1);
	TEST_EQ(1, read(pipefd[0], &c, 1));
	TEST_EQ(0, atomic_load(&s->s_calls));
	mutex_exit(&spinmtx);
	splx(spl);
	TEST_EQ(2, atomic_load(&s->s_calls));
	ATF_REQUIRE(pthread_equal(pthread_self(), atomic_load(&s->s_thread)));
	return NULL;
}

TEST_TC(not_blocked, "a thread that runs, or that holds a spin mutex, keeps "
    "its deferred interrupts")
{
	struct source s;
	pthread_t t[4];
	int64_t end;
	size_t i;

	for (i = 0; i < TEST_NELEM(t); i++) {
		source_init(&s, 0, IPL_VM, INTR_MPSAFE);
		test_join(test_thread(runs_raised, &s));
		source_fini(&s);
	}
	ATF_REQUIRE(pipe(pipefd) == 0);
	mutex_init(&spinmtx, MUTEX_DEFAULT, IPL_VM);
	source_init(&s, 0, IPL_VM, INTR_MPSAFE);
	t[0] = test_thread(reads_with_spin_mutex, &s);
	TEST_AWAIT(atomic_load(&about_to));
	for (end = test_now() + 100000000; test_now() < end;)
		test_pause();
	ATF_REQUIRE(write(pipefd[1], "x", 1) == 1);
	test_join(t[0]);
	source_fini(&s);
	mutex_destroy(&spinmtx);
}

/* Block for about as long as it takes to be regarded as blocked. */
static void *
blocks_now_and_then(void *arg)
{
	struct timespec ts = { 0, 0 };
	struct source *s = arg;
	int i, j, spl;

	for (i = 0; i < 12; i++) {
		spl = splvm();
		for (j = 0; j <= i; j++)
			intr_inject(s->s_ih);
		ts.tv_nsec = (20 + i) * 1000000;
		nanosleep(&ts, NULL);
		intr_inject(s->s_ih);
		splx(spl);
	}
	/* End with some interrupts deferred. */
	(void)splvm();
	intr_inject(s->s_ih);
	if ((uintptr_t)pthread_self() / 4096 % 2)
		nanosleep(&ts, NULL);
	return NULL;
}

TEST_TC(blocked_many, "no interrupt is lost or doubled when threads resume, or "
    "end, just as another takes their interrupts over")
{
	const size_t n = 8;
	struct source s;
	size_t i;

	/* The threads end at a raised level, which checking mode reports. */
	test_env("WORKQUEUE_CHECK", NULL);
	TEST_NEED(TEST_CAP_ASLEEP, "whether a thread sleeps");
	source_init(&s, 0, IPL_VM, INTR_MPSAFE);
	test_threads(n, blocks_now_and_then, &s);
	TEST_EQ(n * (12 * 13 / 2 + 12 + 1), intr_count(s.s_ih));
	TEST_AWAIT(atomic_load(&s.s_calls) == (int)intr_count(s.s_ih));
	/* The source can be reused, because all arrivals are accounted for. */
	source_fini(&s);
	for (i = 0; i < NSOURCES + 1; i++) {
		source_init(&s, 0, IPL_VM, INTR_MPSAFE);
		source_fini(&s);
	}
	TEST_EQ(0, atomic_load(&s.s_calls));
}

/*
 * MPSAFE interrupts that are handed on do not wait for the kernel lock.  The
 * interrupt with the highest level runs first.
 */
static void *
injector(void *arg)
{

	intr_inject(arg);
	return NULL;
}

TEST_TC(handed_apart, "an MPSAFE interrupt handed on does not wait for those "
    "that wait for the kernel lock")
{
	struct source big, mp;
	struct holder h;
	pthread_t t;

	source_init(&big, 0, IPL_HIGH, 0);
	source_init(&mp, 0, IPL_VM, INTR_MPSAFE);
	sem_init(&h.h_has, 0, 0);
	sem_init(&h.h_release, 0, 0);
	t = test_thread(hold_kernel_lock, &h);
	test_sem_wait(&h.h_has);
	intr_inject(big.s_ih);
	/* Inject in a thread that the library does not know. */
	test_join(test_thread(injector, mp.s_ih));
	TEST_AWAIT(atomic_load(&mp.s_calls) == 1);
	TEST_EQ(0, atomic_load(&mp.s_locked));
	TEST_EQ(0, atomic_load(&big.s_calls));
	sem_post(&h.h_release);
	TEST_AWAIT(atomic_load(&big.s_calls) == 1);
	test_join(t);
	source_fini(&big);
	source_fini(&mp);
}

TEST_TC(handed_order, "of the interrupts that wait for the kernel lock the "
    "highest is first, even if it arrived last and others often")
{
	struct source s[3];
	struct holder h;
	pthread_t t;
	int i;

	for (i = 0; i < 3; i++)
		source_init(&s[i], 0, IPL_VM + i, 0);
	sem_init(&h.h_has, 0, 0);
	sem_init(&h.h_release, 0, 0);
	t = test_thread(hold_kernel_lock, &h);
	test_sem_wait(&h.h_has);
	for (i = 0; i < 3; i++)
		intr_inject(s[0].s_ih);
	test_pause();
	intr_inject(s[2].s_ih);
	intr_inject(s[1].s_ih);
	sem_post(&h.h_release);
	TEST_AWAIT(atomic_load(&s[0].s_calls) == 3);
	TEST_EQ(5, atomic_load(&norder));
	ATF_REQUIRE(order[0] == &s[2] && order[1] == &s[1]);
	test_join(t);
	for (i = 0; i < 3; i++)
		source_fini(&s[i]);
}

/*
 * Queued signals.
 */
TEST_TC(queued, "20,000 real-time signals queued for one thread are all served "
    "and do not pile up on its stack")
{
	const int all = 20000;
	union sigval v;
	struct source s;
	sigset_t set;
	int i;

#ifdef TEST_TSAN
	atf_tc_skip("thread sanitizer: it merges queued signals");
#endif
	/* From now on the interrupt thread exists, and blocks SIGRTMIN. */
	source_init(&s, 0, IPL_VM, INTR_MPSAFE);
	source_fini(&s);
	source_init(&s, SIGRTMIN, IPL_SCHED, INTR_MPSAFE);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	memset(&v, 0, sizeof(v));
	for (i = 0; i < all;) {
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		/*
		 * Queue as many as the system permits the user, whose other
		 * processes may have used up the limit.
		 */
		TEST_AWAIT(sigqueue(getpid(), SIGRTMIN, v) == 0);
		for (i++; i < all && sigqueue(getpid(), SIGRTMIN, v) == 0; i++)
			continue;
		ATF_REQUIRE(i == all || errno == EAGAIN);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		TEST_AWAIT(atomic_load(&s.s_calls) == i);
	}
	TEST_EQ(all, intr_count(s.s_ih));
	ATF_REQUIRE(pthread_equal(pthread_self(), atomic_load(&s.s_thread)));
	source_fini(&s);
}

TEST_TC(bad, "invalid arguments, and one source too many, are refused")
{
	struct source more[NSOURCES], s;
	int i;

	ATF_REQUIRE(intr_establish(-1, IPL_VM, 0, source_intr, &s) == NULL);
	ATF_REQUIRE(intr_establish(65, IPL_VM, 0, source_intr, &s) == NULL);
	ATF_REQUIRE(intr_establish(SIGKILL, IPL_VM, 0, source_intr, &s) ==
	    NULL);
	ATF_REQUIRE(intr_establish(SIGSTOP, IPL_VM, 0, source_intr, &s) ==
	    NULL);
	ATF_REQUIRE(intr_establish(0, IPL_SOFTSERIAL, 0, source_intr, &s) ==
	    NULL);
	ATF_REQUIRE(intr_establish(0, IPL_NONE, 0, source_intr, &s) == NULL);
	ATF_REQUIRE(intr_establish(0, NIPL, 0, source_intr, &s) == NULL);
	ATF_REQUIRE(intr_establish(0, -1, 0, source_intr, &s) == NULL);
	ATF_REQUIRE(intr_establish(0, IPL_VM, 2, source_intr, &s) == NULL);
	ATF_REQUIRE(intr_establish(0, IPL_VM, 0, NULL, &s) == NULL);
	for (i = 0; i < NSOURCES; i++)
		source_init(&more[i], 0, IPL_HIGH, INTR_MPSAFE);
	ATF_REQUIRE(intr_establish(0, IPL_VM, 0, source_intr, &s) == NULL);
	source_fini(&more[13]);
	source_init(&more[13], 0, IPL_HIGH, INTR_MPSAFE);
	intr_inject(more[13].s_ih);
	TEST_EQ(1, atomic_load(&more[13].s_calls));
	for (i = 0; i < NSOURCES; i++)
		source_fini(&more[i]);
}

static kmutex_t vmlock, highlock;

TEST_TC(spin_mutex, "the release of the last nested spin mutex admits an "
    "interrupt, in whatever order")
{
	struct source s;
	int spl;

	mutex_init(&vmlock, MUTEX_DEFAULT, IPL_VM);
	mutex_init(&highlock, MUTEX_DEFAULT, IPL_HIGH);
	source_init(&s, SIGUSR1, IPL_HIGH, INTR_MPSAFE);

	mutex_enter(&highlock);
	mutex_enter(&vmlock);
	raise(SIGUSR1);
	mutex_exit(&highlock);
	TEST_EQ(0, atomic_load(&s.s_calls));
	TEST_EQ(IPL_HIGH, level());
	mutex_exit(&vmlock);
	TEST_EQ(1, atomic_load(&s.s_calls));
	TEST_EQ(IPL_NONE, level());

	spl = splvm();
	mutex_spin_enter(&vmlock);
	raise(SIGUSR1);
	TEST_EQ(2, atomic_load(&s.s_calls));
	mutex_spin_enter(&highlock);
	raise(SIGUSR1);
	mutex_spin_exit(&highlock);
	TEST_EQ(2, atomic_load(&s.s_calls));
	mutex_spin_exit(&vmlock);
	TEST_EQ(3, atomic_load(&s.s_calls));
	TEST_EQ(IPL_VM, level());
	splx(spl);
	source_fini(&s);
	mutex_destroy(&highlock);
	mutex_destroy(&vmlock);
}

static int
locking_intr(void *arg)
{

	mutex_enter(&highlock);
	mutex_exit(&highlock);
	atomic_store((atomic_int *)arg, level());
	return 1;
}

TEST_TC(spin_mutex_in_handler, "a handler's own spin mutex goes back to the "
    "handler's level, also when it interrupts a holder")
{
	atomic_int seen = -1;
	void *ih;

	mutex_init(&vmlock, MUTEX_DEFAULT, IPL_VM);
	mutex_init(&highlock, MUTEX_DEFAULT, IPL_HIGH);
	ih = intr_establish(0, IPL_SCHED, INTR_MPSAFE, locking_intr, &seen);
	ATF_REQUIRE(ih != NULL);
	intr_inject(ih);
	TEST_EQ(IPL_SCHED, atomic_load(&seen));
	TEST_EQ(IPL_NONE, level());
	atomic_store(&seen, -1);
	mutex_enter(&vmlock);
	intr_inject(ih);
	TEST_EQ(IPL_SCHED, atomic_load(&seen));
	TEST_EQ(IPL_VM, level());
	mutex_exit(&vmlock);
	TEST_EQ(IPL_NONE, level());
	intr_disestablish(ih);
	mutex_destroy(&highlock);
	mutex_destroy(&vmlock);
}

/*
 * After a fork.
 */
static struct source forked, forkedbig;

static void
child_interrupts(void)
{
	struct source s;
	pthread_t t;
	int spl;

	raise(SIGUSR1);
	if (atomic_load(&forked.s_calls) != 1)
		_exit(1);
	spl = splhigh();
	raise(SIGUSR1);
	splx(spl);
	if (atomic_load(&forked.s_calls) != 2)
		_exit(2);
	/* This starts the interrupt thread again. */
	s.s_ih = intr_establish(0, IPL_VM, 0, source_intr, &s);
	if (s.s_ih == NULL)
		_exit(3);
#ifndef TEST_TSAN
	/* ThreadSanitizer loses signals of a child's new threads. */
	t = test_thread(raiser, NULL);
	test_join(t);
	while (atomic_load(&forked.s_calls) != 3)
		test_pause();
#else
	(void)t;
#endif
	intr_disestablish(s.s_ih);
	intr_disestablish(forked.s_ih);
}

TEST_TC(child, "interrupts work in a forked child")
{

	source_init(&forked, SIGUSR1, IPL_VM, INTR_MPSAFE);
	test_lives(child_interrupts);
	TEST_EQ(0, atomic_load(&forked.s_calls));
	source_fini(&forked);
}

static void
child_thread_ends(void)
{
	int i;

	/*
	 * When a thread ends, it hands on both kinds of interrupts, but the
	 * interrupt threads do not exist yet.
	 */
	test_join(test_thread(ends_raised, &forked));
	test_join(test_thread(ends_raised, &forkedbig));
	for (i = 0; i < 10; i++)
		test_pause();
	if (atomic_load(&forked.s_calls) != 0 ||
	    atomic_load(&forkedbig.s_calls) != 0)
		_exit(1);
	/* A thread that sleeps starts the interrupt threads. */
	(void)kpause("child", false, 1, NULL);
	while (atomic_load(&forked.s_calls) != 5 ||
	    atomic_load(&forkedbig.s_calls) != 5)
		test_pause();
	/* The interrupt threads remain. */
	test_join(test_thread(ends_raised, &forked));
	while (atomic_load(&forked.s_calls) != 10)
		test_pause();
}

TEST_TC(child_lazily, "in a forked child interrupts handed on are kept until a "
    "thread sleeps in the library, which starts the interrupt threads")
{

	/* Checking mode reports what this test does on purpose. */
	test_env("WORKQUEUE_CHECK", NULL);
	source_init(&forked, 0, IPL_VM, INTR_MPSAFE);
	source_init(&forkedbig, 0, IPL_VM, 0);
	test_lives(child_thread_ends);
	TEST_EQ(0, atomic_load(&forked.s_calls));
	/* In the parent the interrupt threads exist. */
	test_join(test_thread(ends_raised, &forked));
	TEST_AWAIT(atomic_load(&forked.s_calls) == 5);
	source_fini(&forked);
	source_fini(&forkedbig);
}

static void *own_ih;

static int
disestablishes(void *arg)
{

	intr_disestablish(own_ih);
	return arg != NULL;
}

static void
disestablishes_itself(void)
{

	own_ih = intr_establish(0, IPL_VM, INTR_MPSAFE, disestablishes, NULL);
	if (own_ih == NULL)
		_exit(3);
	intr_inject(own_ih);
}

TEST_TC(disestablish_itself, "intr_disestablish in a handler, its own or "
    "another, panics and does not wait for itself, checking or not")
{

	test_panics(disestablishes_itself,
	    "intr_disestablish: called by an interrupt handler", NULL);
}

/*
 * Reports of checking mode about handlers.
 */
static kmutex_t adaptive;
static int channel;
static struct workqueue *queue;
static struct work item;
static int (*bad_func)(void);

static int
call_bad(void *arg)
{

	(void)arg;
	return (*bad_func)();
}

static void
run_bad(void)
{
	void *ih;

	ih = intr_establish(0, IPL_SCHED, INTR_MPSAFE, call_bad, NULL);
	if (ih == NULL)
		_exit(3);
	intr_inject(ih);
}

static void
nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static int
bad_spin_mutex(void)
{

	mutex_init(&highlock, MUTEX_DEFAULT, IPL_HIGH);
	mutex_enter(&highlock);
	return 0;
}

static int
bad_kernel_lock(void)
{

	KERNEL_LOCK(1, NULL);
	return 0;
}

static int
bad_preempt(void)
{

	kpreempt_disable();
	return 0;
}

static int
bad_mutex(void)
{

	mutex_init(&adaptive, MUTEX_DEFAULT, IPL_NONE);
	mutex_enter(&adaptive);
	return 0;
}

static int
bad_tsleep(void)
{

	return tsleep(&channel, PWAIT, "bad", 1);
}

static int
bad_kpause(void)
{

	return kpause("bad", false, 1, NULL);
}

static int
bad_wait(void)
{

	workqueue_wait(queue, &item);
	return 0;
}

static int
bad_destroy(void)
{

	workqueue_destroy(queue);
	return 0;
}

static int
bad_disestablish(void)
{

	intr_disestablish(NULL);
	return 0;
}

static int
bad_establish(void)
{

	(void)intr_establish(0, IPL_VM, 0, call_bad, NULL);
	return 0;
}

TEST_TC(checking, "checking mode reports what a handler leaves held, and that "
    "it sleeps")
{
	static const struct {
		int	  (*func)(void);
		const char *says;
	} cases[] = {
		{ bad_spin_mutex, "returned holding mutex 0x" },
		{ bad_kernel_lock, "returned holding 1 kernel locks" },
		{ bad_preempt, "returned with preemption off" },
		{ bad_mutex, "mutex_enter: blocking in interrupt context" },
		{ bad_tsleep, "tsleep: sleeping in interrupt context" },
		{ bad_kpause, "kpause: sleeping in interrupt context" },
		{ bad_wait, "workqueue_wait: sleeping in interrupt context" },
		{ bad_destroy,
		    "workqueue_destroy: sleeping in interrupt context" },
		{ bad_disestablish,
		    "intr_disestablish: called by an interrupt handler" },
		{ bad_establish,
		    "intr_establish: sleeping in interrupt context" },
	};
	size_t i;

	test_env("WORKQUEUE_CHECK", "1");
	queue = test_create("bad", nothing, NULL, WQ_MPSAFE);
	for (i = 0; i < TEST_NELEM(cases); i++) {
		bad_func = cases[i].func;
		test_panics(run_bad, cases[i].says, NULL);
	}
	workqueue_destroy(queue);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, at_once);
	ATF_TP_ADD_TC(tp, held);
	ATF_TP_ADD_TC(tp, spl0_runs);
	ATF_TP_ADD_TC(tp, highest_first);
	ATF_TP_ADD_TC(tp, nested);
	ATF_TP_ADD_TC(tp, never_lost);
	ATF_TP_ADD_TC(tp, one_signal);
	ATF_TP_ADD_TC(tp, foreign_thread);
	ATF_TP_ADD_TC(tp, thread_ends);
	ATF_TP_ADD_TC(tp, kernel_lock);
	ATF_TP_ADD_TC(tp, disestablish_waits);
	ATF_TP_ADD_TC(tp, disestablish_held);
	ATF_TP_ADD_TC(tp, disposition);
	ATF_TP_ADD_TC(tp, unblocked);
	ATF_TP_ADD_TC(tp, creator_blocks);
	ATF_TP_ADD_TC(tp, worker_mask);
	ATF_TP_ADD_TC(tp, in_read);
	ATF_TP_ADD_TC(tp, sleeping);
	ATF_TP_ADD_TC(tp, sleeping_softint);
	ATF_TP_ADD_TC(tp, kernel_lock_waiter);
	ATF_TP_ADD_TC(tp, blocked);
	ATF_TP_ADD_TC(tp, blocked_descriptors);
	ATF_TP_ADD_TC(tp, blocked_signals);
	ATF_TP_ADD_TC(tp, not_blocked);
	ATF_TP_ADD_TC(tp, blocked_many);
	ATF_TP_ADD_TC(tp, handed_apart);
	ATF_TP_ADD_TC(tp, handed_order);
	ATF_TP_ADD_TC(tp, queued);
	ATF_TP_ADD_TC(tp, bad);
	ATF_TP_ADD_TC(tp, spin_mutex);
	ATF_TP_ADD_TC(tp, spin_mutex_in_handler);
	ATF_TP_ADD_TC(tp, child);
	ATF_TP_ADD_TC(tp, child_lazily);
	ATF_TP_ADD_TC(tp, disestablish_itself);
	ATF_TP_ADD_TC(tp, checking);
	return atf_no_error();
}
