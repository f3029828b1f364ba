/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * softint(9): levels, CPUs, contexts.
 */

#include <sys/proc.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include <sched.h>

#include "../../tests.h"
#include "level.h"

/*
 * A soft interrupt that counts, and records its context.
 */
struct soft {
	void		*s_ih;
	atomic_int	 s_calls;
	atomic_int	 s_level;
	atomic_int	 s_soft;	/* cpu_softintr_p() */
	atomic_int	 s_intr;	/* cpu_intr_p() */
	atomic_int	 s_locked;	/* KERNEL_LOCKED_P() */
	atomic_int	 s_cpu;
	sem_t		 s_called;
};

static struct soft *order[64];
static atomic_int norder;

static void
soft_func(void *arg)
{
	struct soft *s = arg;
	int n;

	n = atomic_fetch_add(&norder, 1);
	if (n < (int)TEST_NELEM(order))
		order[n] = s;
	atomic_store(&s->s_level, level());
	atomic_store(&s->s_soft, cpu_softintr_p());
	atomic_store(&s->s_intr, cpu_intr_p());
	atomic_store(&s->s_locked, KERNEL_LOCKED_P());
	atomic_store(&s->s_cpu, (int)cpu_index(curcpu()));
	atomic_fetch_add(&s->s_calls, 1);
	sem_post(&s->s_called);
}

static void
soft_init(struct soft *s, unsigned flags)
{

	memset(s, 0, sizeof(*s));
	sem_init(&s->s_called, 0, 0);
	s->s_ih = softint_establish(flags, soft_func, s);
	ATF_REQUIRE(s->s_ih != NULL);
}

/* It has been called n times, and will not be called again. */
static void
soft_fini(struct soft *s, int n)
{

	softint_disestablish(s->s_ih);
	TEST_EQ(n, atomic_load(&s->s_calls));
}

/*
 * A soft interrupt that keeps its CPU until it is opened.
 */
struct gate {
	void		*g_ih;
	sem_t		 g_entered;
	sem_t		 g_open;
	atomic_int	 g_left;
};

static void
gate_func(void *arg)
{
	struct gate *g = arg;

	sem_post(&g->g_entered);
	test_sem_wait(&g->g_open);
	atomic_fetch_add(&g->g_left, 1);
}

static void
gate_init(struct gate *g)
{

	memset(g, 0, sizeof(*g));
	sem_init(&g->g_entered, 0, 0);
	sem_init(&g->g_open, 0, 0);
	g->g_ih = softint_establish(SOFTINT_CLOCK | SOFTINT_MPSAFE, gate_func,
	    g);
	ATF_REQUIRE(g->g_ih != NULL);
}

static void
gate_close(struct gate *g, struct cpu_info *ci)
{

	softint_schedule_cpu(g->g_ih, ci);
	test_sem_wait(&g->g_entered);
}

static void
gate_open(struct gate *g)
{

	sem_post(&g->g_open);
}

static void
context(void)
{
	struct soft s;
	unsigned l, mpsafe;

	for (l = SOFTINT_CLOCK; l <= SOFTINT_SERIAL; l++) {
		for (mpsafe = 0; mpsafe <= SOFTINT_MPSAFE;
		    mpsafe += SOFTINT_MPSAFE) {
			soft_init(&s, l | mpsafe);
			softint_schedule(s.s_ih);
			test_sem_wait(&s.s_called);
			TEST_EQ(IPL_SOFTCLOCK + (int)l,
			    atomic_load(&s.s_level));
			ATF_REQUIRE(atomic_load(&s.s_soft));
			TEST_EQ(0, atomic_load(&s.s_intr));
			TEST_EQ(mpsafe == 0, atomic_load(&s.s_locked));
			soft_fini(&s, 1);
		}
	}
	TEST_EQ(0, cpu_softintr_p());
	TEST_EQ(IPL_NONE, level());
}

TEST_TC(context, "the handler is called in softint context, at its level, "
    "with the kernel lock unless MPSAFE")
{

	context();
}

static void
level_order(void)
{
	struct soft s[SOFTINT_COUNT];
	struct gate g;
	int i;

	atomic_store(&norder, 0);
	gate_init(&g);
	for (i = 0; i < SOFTINT_COUNT; i++)
		soft_init(&s[i], (unsigned)i | SOFTINT_MPSAFE);
	gate_close(&g, cpu_lookup(0));
	for (i = 0; i < SOFTINT_COUNT; i++)
		softint_schedule_cpu(s[i ^ 1].s_ih, cpu_lookup(0));
	test_pause();
	TEST_EQ(0, atomic_load(&norder));
	gate_open(&g);
	for (i = 0; i < SOFTINT_COUNT; i++)
		test_sem_wait(&s[i].s_called);
	for (i = 0; i < SOFTINT_COUNT; i++) {
		ATF_REQUIRE(order[i] == &s[SOFTINT_COUNT - 1 - i]);
		soft_fini(&s[i], 1);
	}
	softint_disestablish(g.g_ih);
}

TEST_TC(level_order, "soft interrupts pending on a CPU run highest level first")
{

	level_order();
}

static void
fifo(void)
{
	struct soft s[8];
	struct gate g;
	size_t i;

	atomic_store(&norder, 0);
	gate_init(&g);
	for (i = 0; i < TEST_NELEM(s); i++)
		soft_init(&s[i], SOFTINT_NET | SOFTINT_MPSAFE);
	gate_close(&g, cpu_lookup(0));
	for (i = 0; i < TEST_NELEM(s); i++)
		softint_schedule_cpu(s[i].s_ih, cpu_lookup(0));
	gate_open(&g);
	for (i = 0; i < TEST_NELEM(s); i++)
		test_sem_wait(&s[i].s_called);
	for (i = 0; i < TEST_NELEM(s); i++) {
		ATF_REQUIRE(order[i] == &s[i]);
		soft_fini(&s[i], 1);
	}
	softint_disestablish(g.g_ih);
}

TEST_TC(fifo, "within a level soft interrupts run in the order of scheduling")
{

	fifo();
}

static void
pending(void)
{
	struct soft s;
	struct gate g;
	int i;

	gate_init(&g);
	soft_init(&s, SOFTINT_SERIAL | SOFTINT_MPSAFE);
	gate_close(&g, cpu_lookup(0));
	for (i = 0; i < 5; i++)
		softint_schedule_cpu(s.s_ih, cpu_lookup(0));
	/* The gate runs and so is not pending: these schedule it once more. */
	softint_schedule_cpu(g.g_ih, cpu_lookup(0));
	softint_schedule_cpu(g.g_ih, cpu_lookup(0));
	gate_open(&g);
	test_sem_wait(&g.g_entered);
	gate_open(&g);
	test_sem_wait(&s.s_called);
	soft_fini(&s, 1);
	softint_disestablish(g.g_ih);
	TEST_EQ(2, atomic_load(&g.g_left));
}

TEST_TC(pending, "scheduling a pending soft interrupt has no effect; a running "
    "one is not pending")
{

	pending();
}

static void *
schedule_fence(void *arg)
{
	struct soft *s = arg;

	softint_schedule_cpu(s->s_ih, cpu_lookup(0));
	test_sem_wait(&s->s_called);
	return NULL;
}

static void
raised(void)
{
	struct soft fence, low, high;
	int s;

	soft_init(&fence, SOFTINT_CLOCK | SOFTINT_MPSAFE);
	soft_init(&low, SOFTINT_CLOCK | SOFTINT_MPSAFE);
	soft_init(&high, SOFTINT_SERIAL | SOFTINT_MPSAFE);

	s = splsoftbio();
	softint_schedule_cpu(low.s_ih, cpu_lookup(0));
	softint_schedule_cpu(low.s_ih, cpu_lookup(0));
	softint_schedule_cpu(high.s_ih, cpu_lookup(0));
	test_sem_wait(&high.s_called);
	/* When the fence has run, so has all that was pending on the CPU. */
	test_join(test_thread(schedule_fence, &fence));
	TEST_EQ(0, atomic_load(&low.s_calls));
	splx(s);
	test_sem_wait(&low.s_called);

	s = splhigh();
	softint_schedule_cpu(low.s_ih, cpu_lookup(0));
	softint_schedule_cpu(high.s_ih, cpu_lookup(0));
	test_join(test_thread(schedule_fence, &fence));
	TEST_EQ(1, atomic_load(&low.s_calls));
	TEST_EQ(1, atomic_load(&high.s_calls));
	splx(IPL_SOFTCLOCK);
	test_sem_wait(&high.s_called);
	test_join(test_thread(schedule_fence, &fence));
	TEST_EQ(1, atomic_load(&low.s_calls));
	splx(s);
	test_sem_wait(&low.s_called);

	soft_fini(&high, 2);
	soft_fini(&low, 2);
	soft_fini(&fence, 3);
}

TEST_TC(raised, "a soft interrupt scheduled at a level that masks it runs "
    "after splx, and on its CPU")
{

	raised();
}

static void
raised_many(void)
{
	struct soft s[1000];
	size_t i;
	int spl;

	for (i = 0; i < TEST_NELEM(s); i++)
		soft_init(&s[i], SOFTINT_NET | SOFTINT_MPSAFE);
	atomic_store(&norder, 0);
	spl = splsoftnet();
	for (i = 0; i < TEST_NELEM(s); i++)
		softint_schedule_cpu(s[i].s_ih, cpu_lookup(0));
	TEST_EQ(0, atomic_load(&norder));
	splx(spl);
	for (i = 0; i < TEST_NELEM(s); i++)
		soft_fini(&s[i], 1);
	for (i = 0; i < TEST_NELEM(order); i++)
		ATF_REQUIRE(order[i] == &s[i]);
}

TEST_TC(raised_many, "many masked soft interrupts run in the order of "
    "scheduling")
{

	raised_many();
}

static void *
ends_raised(void *arg)
{

	(void)splhigh();
	softint_schedule(arg);
	return NULL;
}

TEST_TC(thread_ends, "a soft interrupt runs even if its thread ends at the "
    "level that masks it")
{
	struct soft s;

	soft_init(&s, SOFTINT_NET);
	test_join(test_thread(ends_raised, s.s_ih));
	test_sem_wait(&s.s_called);
	soft_fini(&s, 1);
}

static int
schedule_intr(void *arg)
{
	struct soft *s = arg;

	softint_schedule(s->s_ih);
	softint_schedule(s->s_ih);
	return 1;
}

static void
from_interrupt(void)
{
	struct soft s;
	void *ih;
	int spl;

	soft_init(&s, SOFTINT_SERIAL | SOFTINT_MPSAFE);
	ih = intr_establish(SIGUSR1, IPL_HIGH, INTR_MPSAFE, schedule_intr, &s);
	ATF_REQUIRE(ih != NULL);
	raise(SIGUSR1);
	test_sem_wait(&s.s_called);
	ATF_REQUIRE(atomic_load(&s.s_soft));
	TEST_EQ(0, atomic_load(&s.s_intr));

	spl = splsoftserial();
	/* Own a CPU, lest an interrupt thread run the handler. */
	(void)curcpu();
	raise(SIGUSR1);
	TEST_EQ(2, intr_count(ih));
	test_pause();
	TEST_EQ(1, atomic_load(&s.s_calls));
	splx(spl);
	test_sem_wait(&s.s_called);
	intr_disestablish(ih);
	soft_fini(&s, 2);
}

TEST_TC(from_interrupt, "an interrupt handler schedules it; it runs when the "
    "interrupted thread's level allows")
{

	from_interrupt();
}

/*
 * All CPUs at the same time.
 */
static atomic_int present;
static atomic_int seen[1024];

static void
parallel_func(void *arg)
{

	(void)arg;
	atomic_fetch_add(&seen[cpu_index(curcpu())], 1);
	atomic_fetch_add(&present, 1);
	TEST_AWAIT(atomic_load(&present) >= ncpu);
}

static void
per_cpu(void)
{
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;
	void *ih;
	int i;

	atomic_store(&present, 0);
	for (i = 0; i < ncpu; i++)
		atomic_store(&seen[i], 0);
	ih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, parallel_func,
	    NULL);
	ATF_REQUIRE(ih != NULL);
	for (CPU_INFO_FOREACH(cii, ci))
		softint_schedule_cpu(ih, ci);
	softint_disestablish(ih);
	for (i = 0; i < ncpu; i++)
		TEST_EQ(1, atomic_load(&seen[i]));
}

TEST_TC(per_cpu, "a soft interrupt is pending per CPU, and runs on that CPU")
{

	per_cpu();
}

static kmutex_t lock;

static void
locking_func(void *arg)
{

	mutex_enter(&lock);
	++*(int *)arg;
	mutex_exit(&lock);
}

static void
mutexes(void)
{
	void *ih;
	int n, runs;

	runs = 0;
	mutex_init(&lock, MUTEX_DEFAULT, IPL_SOFTNET);
	ih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, locking_func,
	    &runs);
	ATF_REQUIRE(ih != NULL);
	mutex_enter(&lock);
	softint_schedule(ih);
	test_pause();
	TEST_EQ(0, runs);
	mutex_exit(&lock);
	do {
		mutex_enter(&lock);
		n = runs;
		mutex_exit(&lock);
		test_pause();
	} while (n == 0);
	softint_disestablish(ih);
	TEST_EQ(1, runs);
	mutex_destroy(&lock);
}

TEST_TC(mutexes, "a handler may wait for an adaptive mutex, also in checking "
    "mode")
{

	mutexes();
	test_env("WORKQUEUE_CHECK", "1");
	mutexes();
}

/*
 * A soft interrupt that sleeps for a lock.
 */
struct sleeper {
	void		*s_ih;
	kmutex_t	 s_lock;
	sem_t		 s_entered;
	sem_t		 s_left;
	atomic_int	 s_calls;
	atomic_int	 s_awake;	/* times it got the lock */
};

static void
sleeper_func(void *arg)
{
	struct sleeper *s = arg;

	atomic_fetch_add(&s->s_calls, 1);
	sem_post(&s->s_entered);
	mutex_enter(&s->s_lock);
	atomic_fetch_add(&s->s_awake, 1);
	mutex_exit(&s->s_lock);
	sem_post(&s->s_left);
}

static void
sleeper_init(struct sleeper *s, unsigned flags)
{

	memset(s, 0, sizeof(*s));
	mutex_init(&s->s_lock, MUTEX_DEFAULT, IPL_SOFTSERIAL);
	sem_init(&s->s_entered, 0, 0);
	sem_init(&s->s_left, 0, 0);
	s->s_ih = softint_establish(flags, sleeper_func, s);
	ATF_REQUIRE(s->s_ih != NULL);
}

/*
 * Start a sleeper on CPU 0, with its lock held.  When this returns, the sleeper
 * sleeps or is about to.
 */
static void
sleeper_start(struct sleeper *s)
{

	softint_schedule_cpu(s->s_ih, cpu_lookup(0));
	test_sem_wait(&s->s_entered);
}

static void
sleeper_fini(struct sleeper *s, int n)
{

	softint_disestablish(s->s_ih);
	TEST_EQ(n, atomic_load(&s->s_calls));
	TEST_EQ(n, atomic_load(&s->s_awake));
	mutex_destroy(&s->s_lock);
}

static void
asleep(void)
{
	struct soft high, low, same;
	struct sleeper bio;
	int i;

	sleeper_init(&bio, SOFTINT_BIO | SOFTINT_MPSAFE);
	soft_init(&high, SOFTINT_NET | SOFTINT_MPSAFE);
	soft_init(&low, SOFTINT_CLOCK);
	soft_init(&same, SOFTINT_BIO | SOFTINT_MPSAFE);
	mutex_enter(&bio.s_lock);
	sleeper_start(&bio);
	softint_schedule_cpu(same.s_ih, cpu_lookup(0));
	for (i = 1; i <= 3; i++) {
		softint_schedule_cpu(high.s_ih, cpu_lookup(0));
		test_sem_wait(&high.s_called);
		softint_schedule_cpu(low.s_ih, cpu_lookup(0));
		test_sem_wait(&low.s_called);
		TEST_EQ(0, atomic_load(&bio.s_awake));
		TEST_EQ(0, atomic_load(&same.s_calls));
	}
	mutex_exit(&bio.s_lock);
	test_sem_wait(&bio.s_left);
	test_sem_wait(&same.s_called);
	soft_fini(&same, 1);
	soft_fini(&low, 3);
	soft_fini(&high, 3);
	sleeper_fini(&bio, 1);
}

TEST_TC(asleep, "while a soft interrupt sleeps for a lock, those of other "
    "levels run on its CPU, and those of its own do not")
{

	asleep();
}

/*
 * A soft interrupt that schedules a lower one, either itself or in an interrupt
 * on top of it, and then sleeps.
 */
static struct sleeper scheduler;
static void *scheduler_ih;

static void
scheduler_func(void *arg)
{

	if (scheduler_ih != NULL)
		intr_inject(scheduler_ih);
	else
		(void)schedule_intr(arg);
	sleeper_func(&scheduler);
}

static void
asleep_schedules(void)
{
	struct soft low;
	void *ih;
	int i;

	soft_init(&low, SOFTINT_CLOCK | SOFTINT_MPSAFE);
	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, schedule_intr, &low);
	ATF_REQUIRE(ih != NULL);
	for (i = 0; i < 2; i++) {
		scheduler_ih = i == 0 ? NULL : ih;
		sleeper_init(&scheduler, SOFTINT_NET | SOFTINT_MPSAFE);
		softint_disestablish(scheduler.s_ih);
		scheduler.s_ih = softint_establish(SOFTINT_NET |
		    SOFTINT_MPSAFE, scheduler_func, &low);
		ATF_REQUIRE(scheduler.s_ih != NULL);
		mutex_enter(&scheduler.s_lock);
		softint_schedule_cpu(scheduler.s_ih, cpu_lookup(0));
		test_sem_wait(&scheduler.s_entered);
		test_sem_wait(&low.s_called);
		mutex_exit(&scheduler.s_lock);
		sleeper_fini(&scheduler, 1);
	}
	intr_disestablish(ih);
	soft_fini(&low, 2);
}

TEST_TC(asleep_schedules, "what a soft interrupt, or an interrupt on top of "
    "it, schedules runs when it sleeps")
{

	asleep_schedules();
}

static void
klock_asleep(void)
{
	struct soft biglock, high, low;

	soft_init(&biglock, SOFTINT_BIO);
	soft_init(&high, SOFTINT_NET | SOFTINT_MPSAFE);
	soft_init(&low, SOFTINT_CLOCK | SOFTINT_MPSAFE);
	KERNEL_LOCK(1, NULL);
	softint_schedule_cpu(biglock.s_ih, cpu_lookup(0));
	softint_schedule_cpu(high.s_ih, cpu_lookup(0));
	test_sem_wait(&high.s_called);
	softint_schedule_cpu(low.s_ih, cpu_lookup(0));
	test_sem_wait(&low.s_called);
	/*
	 * The one with the kernel lock began before the lower one, and waits.
	 */
	TEST_EQ(0, atomic_load(&biglock.s_calls));
	KERNEL_UNLOCK_ONE(NULL);
	test_sem_wait(&biglock.s_called);
	soft_fini(&low, 1);
	soft_fini(&high, 1);
	soft_fini(&biglock, 1);
}

static atomic_int hog_in, hog_out;

/* Keep the CPU until told to stop, or until much time has passed. */
static void
hog(void *arg)
{
	int64_t end;

	(void)arg;
	end = test_now() + TEST_DEADLINE * INT64_C(1000000000) / 4;
	atomic_store(&hog_in, 1);
	while (atomic_load(&hog_out) == 0 && test_now() < end)
		test_pause();
	atomic_store(&hog_in, atomic_load(&hog_out) != 0 ? 0 : -1);
}

static void
klock_handed(void)
{
	struct soft biglock;
	void *ih;
	int i;

	soft_init(&biglock, SOFTINT_BIO);
	ih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, hog, NULL);
	ATF_REQUIRE(ih != NULL);
	/* The lock is released each time, and now and then handed over. */
	for (i = 0; i < 24; i++) {
		atomic_store(&hog_out, 0);
		KERNEL_LOCK(1, NULL);
		softint_schedule_cpu(biglock.s_ih, cpu_lookup(0));
		softint_schedule_cpu(ih, cpu_lookup(0));
		TEST_AWAIT(atomic_load(&hog_in) == 1);
		KERNEL_UNLOCK_ONE(NULL);
		KERNEL_LOCK(1, NULL);
		TEST_EQ(1, atomic_load(&hog_in));
		KERNEL_UNLOCK_ONE(NULL);
		atomic_store(&hog_out, 1);
		test_sem_wait(&biglock.s_called);
		TEST_AWAIT(atomic_load(&hog_in) == 0);
	}
	softint_disestablish(ih);
	soft_fini(&biglock, 24);
}

TEST_TC(klock_handed, "a soft interrupt that waits for its CPU does not hold "
    "the kernel lock")
{

	klock_handed();
}

TEST_TC(klock_asleep, "a soft interrupt that waits for the kernel lock does "
    "not delay an MPSAFE one of another level")
{

	klock_asleep();
}

static void
woken(void)
{
	struct sleeper low, high;
	struct soft net;
	struct gate g;
	int i;

	sleeper_init(&low, SOFTINT_BIO | SOFTINT_MPSAFE);
	sleeper_init(&high, SOFTINT_SERIAL | SOFTINT_MPSAFE);
	soft_init(&net, SOFTINT_NET | SOFTINT_MPSAFE);
	gate_init(&g);
	mutex_enter(&low.s_lock);
	mutex_enter(&high.s_lock);
	sleeper_start(&low);
	sleeper_start(&high);
	/* The gate has the lowest level, so it begins when both sleep. */
	gate_close(&g, cpu_lookup(0));
	mutex_exit(&low.s_lock);
	mutex_exit(&high.s_lock);
	softint_schedule_cpu(net.s_ih, cpu_lookup(0));
	for (i = 0; i < 25; i++)
		test_pause();
	/* The gate still owns the CPU, so none of the others runs. */
	TEST_EQ(0, atomic_load(&low.s_awake));
	TEST_EQ(0, atomic_load(&high.s_awake));
	TEST_EQ(0, atomic_load(&net.s_calls));
	gate_open(&g);
	test_sem_wait(&net.s_called);
	test_sem_wait(&high.s_left);
	test_sem_wait(&low.s_left);
	TEST_EQ(1, atomic_load(&g.g_left));
	soft_fini(&net, 1);
	sleeper_fini(&high, 1);
	sleeper_fini(&low, 1);
	softint_disestablish(g.g_ih);
}

TEST_TC(woken, "a soft interrupt that has slept resumes when its CPU is free")
{

	woken();
}

/*
 * Handlers of all levels on all CPUs, which sleep for locks and for the kernel
 * lock; each records where it is certainly awake.
 */
static struct alone {
	void		*a_ih;
	unsigned	 a_level;
} alone_them[2 * SOFTINT_COUNT];
static atomic_int alone_here[1024];	/* awake, by CPU */
static atomic_int alone_begun[1024][SOFTINT_COUNT];
static kmutex_t alone_locks[2];
static atomic_int alone_bad, alone_stop;

static void
alone_awake(unsigned ci)
{

	if (atomic_fetch_add(&alone_here[ci], 1) != 0)
		atomic_store(&alone_bad, 1);
	/* Give another handler time to start. */
	sched_yield();
	atomic_fetch_sub(&alone_here[ci], 1);
}

static void
alone_func(void *arg)
{
	struct alone *a = arg;
	unsigned ci;
	int i;

	ci = cpu_index(curcpu());
	if (atomic_fetch_add(&alone_begun[ci][a->a_level], 1) != 0)
		atomic_store(&alone_bad, 2);
	for (i = 0; i < 2; i++) {
		alone_awake(ci);
		mutex_enter(&alone_locks[i]);
		alone_awake(ci);
		mutex_exit(&alone_locks[i]);
	}
	alone_awake(ci);
	atomic_fetch_sub(&alone_begun[ci][a->a_level], 1);
}

static void *
alone_holder(void *arg)
{

	while (!atomic_load(&alone_stop)) {
		mutex_enter(arg);
		sched_yield();
		mutex_exit(arg);
		KERNEL_LOCK(1, NULL);
		sched_yield();
		KERNEL_UNLOCK_ONE(NULL);
	}
	return NULL;
}

static void
alone(void)
{
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;
	pthread_t t[2];
	unsigned i;
	int n;

	atomic_store(&alone_stop, 0);
	for (i = 0; i < 2; i++) {
		mutex_init(&alone_locks[i], MUTEX_DEFAULT, IPL_SOFTSERIAL);
		t[i] = test_thread(alone_holder, &alone_locks[i]);
	}
	for (i = 0; i < TEST_NELEM(alone_them); i++) {
		alone_them[i].a_level = i % SOFTINT_COUNT;
		alone_them[i].a_ih = softint_establish(i % SOFTINT_COUNT |
		    (i < SOFTINT_COUNT ? SOFTINT_MPSAFE : 0), alone_func,
		    &alone_them[i]);
		ATF_REQUIRE(alone_them[i].a_ih != NULL);
	}
	for (n = 0; n < TEST_SCALE(2000); n++)
		for (CPU_INFO_FOREACH(cii, ci))
			softint_schedule_cpu(alone_them[(unsigned)n * 5 %
			    TEST_NELEM(alone_them)].a_ih, ci);
	for (i = 0; i < TEST_NELEM(alone_them); i++)
		softint_disestablish(alone_them[i].a_ih);
	atomic_store(&alone_stop, 1);
	for (i = 0; i < 2; i++) {
		test_join(t[i]);
		mutex_destroy(&alone_locks[i]);
	}
	TEST_EQ(0, atomic_load(&alone_bad));
}

TEST_TC(alone, "at most one handler of a CPU is awake, and at most one per "
    "level is active")
{

	alone();
}

TEST_TC(threads, "a CPU has as many threads as there are levels in use")
{
	struct soft s[3];
	int n;

	n = test_nthreads_alone();
	if (n == -1)
		atf_tc_skip("cannot count threads");
	soft_init(&s[0], SOFTINT_NET);
	TEST_EQ(n + ncpu, test_nthreads());
	soft_init(&s[1], SOFTINT_NET | SOFTINT_MPSAFE);
	TEST_EQ(n + ncpu, test_nthreads());
	soft_init(&s[2], SOFTINT_CLOCK | SOFTINT_MPSAFE);
	TEST_EQ(n + 2 * ncpu, test_nthreads());
}

static atomic_int disestablished;

static void *
disestablish(void *arg)
{

	softint_disestablish(arg);
	atomic_store(&disestablished, 1);
	return NULL;
}

static void
disestablish_waits(void)
{
	struct soft s;
	struct gate g;
	pthread_t t;
	int i, spl;

	/* Disestablish a soft interrupt that runs. */
	atomic_store(&disestablished, 0);
	gate_init(&g);
	gate_close(&g, cpu_lookup((unsigned)ncpu - 1));
	t = test_thread(disestablish, g.g_ih);
	for (i = 0; i < 25; i++)
		test_pause();
	TEST_EQ(0, atomic_load(&disestablished));
	gate_open(&g);
	test_join(t);
	TEST_EQ(1, atomic_load(&g.g_left));

	/* Disestablish a soft interrupt that a thread's level masks. */
	atomic_store(&disestablished, 0);
	soft_init(&s, SOFTINT_NET | SOFTINT_MPSAFE);
	spl = splsoftnet();
	softint_schedule(s.s_ih);
	t = test_thread(disestablish, s.s_ih);
	for (i = 0; i < 25; i++)
		test_pause();
	TEST_EQ(0, atomic_load(&disestablished));
	splx(spl);
	test_join(t);
	TEST_EQ(1, atomic_load(&s.s_calls));
}

TEST_TC(disestablish_waits, "softint_disestablish waits for a running and for "
    "a pending soft interrupt")
{

	disestablish_waits();
}

/*
 * Many threads schedule.  Their stores before that are visible to the next run.
 */
#define	NTHREADS	4
static atomic_int said, heard;

static void
listen(void *arg)
{

	(void)arg;
	atomic_store(&heard, atomic_load(&said));
}

static void *
say(void *arg)
{
	int i;

	for (i = 0; i < TEST_SCALE(20000); i++) {
		atomic_fetch_add(&said, 1);
		softint_schedule_cpu(arg, cpu_lookup(0));
	}
	return NULL;
}

static void
storm(void)
{
	void *ih;

	atomic_store(&said, 0);
	ih = softint_establish(SOFTINT_BIO | SOFTINT_MPSAFE, listen, NULL);
	ATF_REQUIRE(ih != NULL);
	test_threads(NTHREADS, say, ih);
	softint_disestablish(ih);
	TEST_EQ(NTHREADS * TEST_SCALE(20000), atomic_load(&heard));
}

TEST_TC(storm, "the last schedule is followed by a run, which sees all that "
    "preceded it")
{

	storm();
}

static void
all(void)
{

	context();
	level_order();
	fifo();
	pending();
	raised();
	raised_many();
	from_interrupt();
	per_cpu();
	asleep();
	asleep_schedules();
	klock_asleep();
	klock_handed();
	woken();
	alone();
	disestablish_waits();
	storm();
}

TEST_TC(all_1cpu, "all of that holds with one CPU")
{

	test_env("WORKQUEUE_NCPU", "1");
	all();
}

TEST_TC(all_7cpus, "all of that holds with seven CPUs, checking")
{

	test_env("WORKQUEUE_NCPU", "7");
	test_env("WORKQUEUE_CHECK", "1");
	all();
}

TEST_TC(bad, "invalid arguments are refused")
{

	ATF_REQUIRE(softint_establish(SOFTINT_COUNT, soft_func, NULL) == NULL);
	ATF_REQUIRE(softint_establish(0xff, soft_func, NULL) == NULL);
	ATF_REQUIRE(softint_establish(SOFTINT_NET | 0x200, soft_func, NULL) ==
	    NULL);
	ATF_REQUIRE(softint_establish(SOFTINT_NET, NULL, NULL) == NULL);
}

/*
 * After a fork.
 */
static struct soft parents[2];
static struct gate parents_gate;

static void
child_softints(void)
{
	struct soft s;

	/* This thread's level is still the parent's. */
	splx(IPL_NONE);
	/*
	 * The soft interrupt is pending in the parent but not in the child, and
	 * the threads are started again.
	 */
	softint_schedule_cpu(parents[0].s_ih, cpu_lookup(0));
	test_sem_wait(&parents[0].s_called);
	soft_fini(&parents[0], 1);
	soft_fini(&parents[1], 0);
	softint_disestablish(parents_gate.g_ih);
	soft_init(&s, SOFTINT_SERIAL);
	softint_schedule(s.s_ih);
	test_sem_wait(&s.s_called);
	soft_fini(&s, 1);
}

static void
child_establishes(void)
{
	struct soft s;

	splx(IPL_NONE);
	soft_init(&s, SOFTINT_NET);
	softint_schedule(s.s_ih);
	test_sem_wait(&s.s_called);
	soft_fini(&s, 1);
	soft_fini(&parents[1], 0);
}

TEST_TC(child, "in a forked child nothing is pending, and the parent's and new "
    "soft interrupts run")
{
	int spl;

	gate_init(&parents_gate);
	soft_init(&parents[0], SOFTINT_NET);
	soft_init(&parents[1], SOFTINT_NET);
	gate_close(&parents_gate, cpu_lookup(0));
	softint_schedule_cpu(parents[0].s_ih, cpu_lookup(0));
	spl = splsoftnet();
	softint_schedule_cpu(parents[1].s_ih, cpu_lookup(0));
	test_lives(child_softints);
	test_lives(child_establishes);
	splx(spl);
	gate_open(&parents_gate);
	softint_disestablish(parents_gate.g_ih);
	soft_fini(&parents[0], 1);
	soft_fini(&parents[1], 1);
}

static struct sleeper parents_sleeper;

static void
child_asleep(void)
{

	/* The child holds the lock, too, but no thread sleeps for it. */
	softint_schedule_cpu(parents[0].s_ih, cpu_lookup(0));
	test_sem_wait(&parents[0].s_called);
	sleeper_start(&parents_sleeper);
	softint_schedule_cpu(parents[0].s_ih, cpu_lookup(0));
	test_sem_wait(&parents[0].s_called);
	TEST_EQ(0, atomic_load(&parents_sleeper.s_awake));
	mutex_exit(&parents_sleeper.s_lock);
	test_sem_wait(&parents_sleeper.s_left);
	softint_disestablish(parents_sleeper.s_ih);
	soft_fini(&parents[0], 2);
	asleep();
}

TEST_TC(child_sleeper, "a handler that sleeps during a fork sleeps only in the "
    "parent; the child's soft interrupts have their own threads")
{

	sleeper_init(&parents_sleeper, SOFTINT_BIO | SOFTINT_MPSAFE);
	soft_init(&parents[0], SOFTINT_NET | SOFTINT_MPSAFE);
	mutex_enter(&parents_sleeper.s_lock);
	sleeper_start(&parents_sleeper);
	test_lives(child_asleep);
	mutex_exit(&parents_sleeper.s_lock);
	sleeper_fini(&parents_sleeper, 1);
	soft_fini(&parents[0], 0);
}

static void *parents_ih;

static void
child_interrupt(void)
{

	/* A handler cannot start threads: wait for a thread that can. */
	intr_inject(parents_ih);
	test_pause();
	TEST_EQ(0, atomic_load(&parents[0].s_calls));
	soft_fini(&parents[0], 1);
}

TEST_TC(child_interrupt, "a soft interrupt scheduled by an interrupt in a "
    "child waits for the threads, which softint_disestablish also starts")
{

	soft_init(&parents[0], SOFTINT_NET | SOFTINT_MPSAFE);
	parents_ih = intr_establish(0, IPL_VM, INTR_MPSAFE, schedule_intr,
	    &parents[0]);
	ATF_REQUIRE(parents_ih != NULL);
	test_lives(child_interrupt);
	intr_disestablish(parents_ih);
	soft_fini(&parents[0], 0);
}

static sem_t fork_waited;
static int fork_status;

static void
fork_func(void *arg)
{
	pid_t pid;

	(void)arg;
	if ((pid = test_fork()) == 0)
		return;
	while (pid == -1 || waitpid(pid, &fork_status, 0) == -1)
		if (pid == -1 || errno != EINTR)
			abort();
	sem_post(&fork_waited);
}

TEST_TC(child_returns, "a handler that returns in a child of its process "
    "panics")
{
	void *ih;

	sem_init(&fork_waited, 0, 0);
	ih = softint_establish(SOFTINT_NET, fork_func, NULL);
	ATF_REQUIRE(ih != NULL);
	softint_schedule(ih);
	test_sem_wait(&fork_waited);
	ATF_REQUIRE(WIFSIGNALED(fork_status));
	TEST_EQ(SIGABRT, WTERMSIG(fork_status));
	softint_disestablish(ih);
}

/*
 * Reports of checking mode about handlers.
 */
static kcondvar_t cv;
static int channel;
static struct workqueue *queue;
static struct work item;
static void *bad_ih, *other_ih;
static void (*bad_func)(void);

static void
call_bad(void *arg)
{

	(void)arg;
	(*bad_func)();
}

static void
run_bad(void)
{

	bad_ih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, call_bad,
	    NULL);
	if (bad_ih == NULL)
		_exit(3);
	softint_schedule(bad_ih);
	for (;;)
		pause();
}

static void
nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static void
bad_spin_mutex(void)
{

	mutex_init(&lock, MUTEX_DEFAULT, IPL_VM);
	mutex_enter(&lock);
}

static void
bad_kernel_lock(void)
{

	KERNEL_LOCK(2, NULL);
}

static void
bad_preempt(void)
{

	kpreempt_disable();
}

static void
bad_cv_wait(void)
{

	mutex_init(&lock, MUTEX_DEFAULT, IPL_SOFTNET);
	cv_init(&cv, "bad");
	mutex_enter(&lock);
	cv_wait(&cv, &lock);
}

static void
bad_tsleep(void)
{

	(void)tsleep(&channel, PWAIT, "bad", 1);
}

static void
bad_kpause(void)
{

	(void)kpause("bad", false, 1, NULL);
}

static void
bad_wait(void)
{

	workqueue_wait(queue, &item);
}

static void
bad_self(void)
{

	softint_disestablish(bad_ih);
}

static void
bad_other(void)
{

	softint_disestablish(other_ih);
}

static void
bad_schedule_dead(void)
{
	void *ih;

	ih = softint_establish(SOFTINT_NET, call_bad, NULL);
	softint_disestablish(ih);
	softint_schedule(ih);
}

static void
bad_end_dead(void)
{
	void *ih;

	ih = softint_establish(SOFTINT_NET, call_bad, NULL);
	softint_disestablish(ih);
	softint_disestablish(ih);
}

static void
bad_establish(void)
{

	(void)softint_establish(SOFTINT_NET, call_bad, NULL);
}

TEST_TC(checking, "checking mode reports what a handler leaves held, and that "
    "it sleeps")
{
	static const struct {
		void	  (*func)(void);
		const char *says;
	} cases[] = {
		{ bad_spin_mutex, "returned holding mutex 0x" },
		{ bad_kernel_lock, "returned holding 2 kernel locks" },
		{ bad_preempt, "returned with preemption off" },
		{ bad_cv_wait, "cv_wait: sleeping in softint context" },
		{ bad_tsleep, "tsleep: sleeping in softint context" },
		{ bad_kpause, "kpause: sleeping in softint context" },
		{ bad_wait, "workqueue_wait: sleeping in softint context" },
		{ bad_self, "disestablishes its own soft interrupt" },
		{ bad_other,
		    "softint_disestablish: sleeping in softint context" },
		{ bad_establish,
		    "softint_establish: sleeping in softint context" },
	};
	size_t i;

	test_env("WORKQUEUE_CHECK", "1");
	queue = test_create("bad", nothing, NULL, WQ_MPSAFE);
	other_ih = softint_establish(SOFTINT_BIO, call_bad, NULL);
	for (i = 0; i < TEST_NELEM(cases); i++) {
		bad_func = cases[i].func;
		test_panics(run_bad, cases[i].says, NULL);
	}
	workqueue_destroy(queue);
	softint_disestablish(other_ih);
}

TEST_TC(ended, "checking mode reports the use of a disestablished soft "
    "interrupt")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(bad_schedule_dead, "softint_schedule: soft interrupt ",
	    ", is disestablished", NULL);
	test_panics(bad_end_dead, "softint_disestablish: soft interrupt ",
	    ", is disestablished", NULL);
}

TEST_TC(self, "a handler that disestablishes itself panics")
{

	bad_func = bad_self;
	test_panics(run_bad, "softint_disestablish: function ",
	    " disestablishes its own soft interrupt", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, context);
	ATF_TP_ADD_TC(tp, level_order);
	ATF_TP_ADD_TC(tp, fifo);
	ATF_TP_ADD_TC(tp, pending);
	ATF_TP_ADD_TC(tp, raised);
	ATF_TP_ADD_TC(tp, raised_many);
	ATF_TP_ADD_TC(tp, thread_ends);
	ATF_TP_ADD_TC(tp, from_interrupt);
	ATF_TP_ADD_TC(tp, per_cpu);
	ATF_TP_ADD_TC(tp, mutexes);
	ATF_TP_ADD_TC(tp, asleep);
	ATF_TP_ADD_TC(tp, asleep_schedules);
	ATF_TP_ADD_TC(tp, klock_asleep);
	ATF_TP_ADD_TC(tp, klock_handed);
	ATF_TP_ADD_TC(tp, woken);
	ATF_TP_ADD_TC(tp, alone);
	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, disestablish_waits);
	ATF_TP_ADD_TC(tp, storm);
	ATF_TP_ADD_TC(tp, all_1cpu);
	ATF_TP_ADD_TC(tp, all_7cpus);
	ATF_TP_ADD_TC(tp, bad);
	ATF_TP_ADD_TC(tp, child);
	ATF_TP_ADD_TC(tp, child_sleeper);
	ATF_TP_ADD_TC(tp, child_interrupt);
	ATF_TP_ADD_TC(tp, child_returns);
	ATF_TP_ADD_TC(tp, checking);
	ATF_TP_ADD_TC(tp, ended);
	ATF_TP_ADD_TC(tp, self);
	return atf_no_error();
}
