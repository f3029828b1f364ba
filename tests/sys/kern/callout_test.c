/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callout(9).  The tests check that no callout is early, and the order of the
 * calls.  No test depends on how soon a callout is called.
 */

#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kernel.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include "../../tests.h"
#include "wall_clock.h"

#define	TICK_NS		(INT64_C(1000000000) / hz)
#define	UNIT_NS		65536		/* within this, order may be lost */
#define	HOUR		(3600 * hz)

/*
 * A callout that posts a semaphore; its handler may be held.
 */
struct alarm {
	callout_t	 a_callout;
	sem_t		 a_called;
	sem_t		 a_open;	/* if a_held */
	bool		 a_held;
	atomic_int	 a_calls;
	atomic_int	 a_left;	/* set last */
	_Atomic int64_t	 a_time;	/* time of the call */
};

static void
alarm_func(void *arg)
{
	struct alarm *a = arg;

	atomic_store(&a->a_time, test_now());
	atomic_fetch_add(&a->a_calls, 1);
	sem_post(&a->a_called);
	if (a->a_held)
		test_sem_wait(&a->a_open);
	atomic_store(&a->a_left, 1);
}

static void
alarm_init_flags(struct alarm *a, bool held, unsigned flags)
{

	memset(a, 0xa5, sizeof(*a));
	callout_init(&a->a_callout, flags);
	callout_setfunc(&a->a_callout, alarm_func, a);
	sem_init(&a->a_called, 0, 0);
	sem_init(&a->a_open, 0, 0);
	a->a_held = held;
	atomic_init(&a->a_calls, 0);
	atomic_init(&a->a_left, 0);
	atomic_init(&a->a_time, 0);
}

static void
alarm_init(struct alarm *a, bool held)
{

	alarm_init_flags(a, held, CALLOUT_MPSAFE);
}

static void
alarm_fini(struct alarm *a)
{

	callout_halt(&a->a_callout, NULL);
	callout_destroy(&a->a_callout);
}

static void
alarm_wait(struct alarm *a)
{

	test_sem_wait(&a->a_called);
}

/* Block the callout thread in a handler until alarm_open(). */
static void
alarm_hold(struct alarm *a)
{

	alarm_init(a, true);
	callout_schedule(&a->a_callout, 1);
	alarm_wait(a);
}

static void
alarm_open(struct alarm *a)
{

	sem_post(&a->a_open);
}

/* Make the callout thread call all that is due by now. */
static void
drain(void)
{
	struct alarm a;

	alarm_init(&a, false);
	callout_schedule(&a.a_callout, 1);
	alarm_wait(&a);
	callout_halt(&a.a_callout, NULL);
	callout_destroy(&a.a_callout);
}

TEST_TC(once, "a callout is called once, and its state shows it")
{
	struct alarm a;

	alarm_init(&a, true);
	ATF_REQUIRE(!callout_pending(&a.a_callout));
	ATF_REQUIRE(!callout_expired(&a.a_callout));
	ATF_REQUIRE(!callout_active(&a.a_callout));
	ATF_REQUIRE(!callout_invoking(&a.a_callout));
	callout_schedule(&a.a_callout, HOUR);
	ATF_REQUIRE(callout_pending(&a.a_callout));
	ATF_REQUIRE(!callout_expired(&a.a_callout));
	ATF_REQUIRE(callout_active(&a.a_callout));
	ATF_REQUIRE(!callout_invoking(&a.a_callout));
	callout_schedule(&a.a_callout, 2);
	alarm_wait(&a);
	ATF_REQUIRE(!callout_pending(&a.a_callout));
	ATF_REQUIRE(callout_expired(&a.a_callout));
	ATF_REQUIRE(callout_active(&a.a_callout));
	ATF_REQUIRE(callout_invoking(&a.a_callout));
	callout_ack(&a.a_callout);
	ATF_REQUIRE(!callout_invoking(&a.a_callout));
	ATF_REQUIRE(callout_expired(&a.a_callout));
	alarm_open(&a);
	drain();
	TEST_EQ(1, atomic_load(&a.a_calls));
	ATF_REQUIRE(callout_expired(&a.a_callout));
	ATF_REQUIRE(callout_stop(&a.a_callout));
	ATF_REQUIRE(!callout_expired(&a.a_callout));
	ATF_REQUIRE(!callout_active(&a.a_callout));
	ATF_REQUIRE(!callout_stop(&a.a_callout));
	callout_destroy(&a.a_callout);
}

TEST_TC(never_early, "a callout is not called before its time; 0 ticks are 1")
{
	static const int ticks[] = { 0, 1, 1, 2, 3, 7, 20, 1 };
	struct alarm a;
	int64_t least, start;
	size_t i;

	alarm_init(&a, false);
	for (i = 0; i < TEST_NELEM(ticks); i++) {
		least = (ticks[i] > 0 ? ticks[i] : 1) * TICK_NS;
		start = test_now();
		callout_schedule(&a.a_callout, ticks[i]);
		alarm_wait(&a);
		ATF_REQUIRE_MSG(atomic_load(&a.a_time) - start >= least,
		    "%d ticks took %jd ns", ticks[i],
		    (intmax_t)(atomic_load(&a.a_time) - start));
	}
	callout_halt(&a.a_callout, NULL);
	callout_destroy(&a.a_callout);
}

#define	ORDER_N		300

static struct order {
	callout_t	o_callout;
	int64_t		o_low, o_high;	/* bounds of its deadline */
	int		o_nth;		/* its place among the calls */
} order_them[ORDER_N];
static int order_calls;			/* callout thread only */
static sem_t order_done;

static void
order_func(void *arg)
{
	struct order *o = arg;

	o->o_nth = order_calls++;
	sem_post(&order_done);
}

static void
order_arm(int (*ticks)(int))
{
	struct alarm gate;
	struct order *o;
	int i;

	sem_init(&order_done, 0, 0);
	order_calls = 0;
	alarm_hold(&gate);
	for (i = 0; i < ORDER_N; i++) {
		o = &order_them[i];
		callout_init(&o->o_callout, CALLOUT_MPSAFE);
		o->o_low = test_now() + ticks(i) * TICK_NS;
		callout_reset(&o->o_callout, ticks(i), order_func, o);
		o->o_high = test_now() + ticks(i) * TICK_NS + UNIT_NS;
	}
	alarm_open(&gate);
	for (i = 0; i < ORDER_N; i++)
		test_sem_wait(&order_done);
	callout_halt(&gate.a_callout, NULL);
	callout_destroy(&gate.a_callout);
	for (i = 0; i < ORDER_N; i++) {
		callout_halt(&order_them[i].o_callout, NULL);
		callout_destroy(&order_them[i].o_callout);
	}
}

static int
ticks_same(int i)
{

	(void)i;
	return 3;
}

static int
ticks_mixed(int i)
{

	return 1 + i * 7 % 31;
}

TEST_TC(order, "callouts are called in the order of their deadlines")
{
	struct order *a, *b;

	order_arm(ticks_mixed);
	for (a = order_them; a < order_them + ORDER_N; a++)
		for (b = order_them; b < order_them + ORDER_N; b++)
			ATF_REQUIRE_MSG(a->o_high >= b->o_low ||
			    a->o_nth < b->o_nth, "%td before %td",
			    b - order_them, a - order_them);
}

TEST_TC(ties, "callouts with the same deadline are called in the order of "
    "arming")
{
	int i;

	order_arm(ticks_same);
	for (i = 0; i < ORDER_N; i++)
		TEST_EQ(i, order_them[i].o_nth);
}

TEST_TC(sooner, "a callout armed for earlier than all others is called first")
{
	struct alarm a, b, c;

	alarm_init(&a, false);
	alarm_init(&b, false);
	alarm_init(&c, false);
	callout_schedule(&a.a_callout, HOUR);
	drain();
	callout_schedule(&b.a_callout, HOUR / 2);
	callout_schedule(&c.a_callout, 1);
	alarm_wait(&c);
	callout_schedule(&b.a_callout, 2);
	alarm_wait(&b);
	callout_schedule(&a.a_callout, 3);
	alarm_wait(&a);
	drain();
	TEST_EQ(1, atomic_load(&a.a_calls));
	TEST_EQ(1, atomic_load(&b.a_calls));
	TEST_EQ(1, atomic_load(&c.a_calls));
}

TEST_TC(later, "a callout whose deadline is moved is not called at the old one")
{
	struct alarm gate, a;

	alarm_hold(&gate);
	alarm_init(&a, false);
	callout_schedule(&a.a_callout, 1);
	callout_schedule(&a.a_callout, HOUR);
	alarm_open(&gate);
	drain();
	drain();
	TEST_EQ(0, atomic_load(&a.a_calls));
	ATF_REQUIRE(callout_pending(&a.a_callout));
	ATF_REQUIRE(!callout_stop(&a.a_callout));
	callout_destroy(&a.a_callout);
}

TEST_TC(stop, "a callout stopped in time is not called")
{
	struct alarm gate, a[8];
	int i;

	alarm_hold(&gate);
	for (i = 0; i < 8; i++) {
		alarm_init(&a[i], false);
		callout_schedule(&a[i].a_callout, 1 + i);
	}
	for (i = 0; i < 8; i += 2) {
		ATF_REQUIRE(!callout_stop(&a[i].a_callout));
		ATF_REQUIRE(!callout_active(&a[i].a_callout));
		ATF_REQUIRE(!callout_stop(&a[i].a_callout));
	}
	alarm_open(&gate);
	for (i = 1; i < 8; i += 2) {
		alarm_wait(&a[i]);
		ATF_REQUIRE(callout_stop(&a[i].a_callout));
	}
	drain();
	for (i = 0; i < 8; i++)
		TEST_EQ(i % 2, atomic_load(&a[i].a_calls));
}

TEST_TC(stop_running, "stop does not wait for a running handler")
{
	struct alarm a;

	alarm_hold(&a);
	ATF_REQUIRE(callout_stop(&a.a_callout));
	TEST_EQ(0, atomic_load(&a.a_left));
	ATF_REQUIRE(!callout_stop(&a.a_callout));
	alarm_open(&a);
	callout_halt(&a.a_callout, NULL);
	TEST_EQ(1, atomic_load(&a.a_left));
}

/*
 * halt
 */
static struct alarm halt_alarm;
static sem_t halt_begun;
static kmutex_t halt_lock;
static atomic_int halt_interlock, halt_depth;

static void *
halt_thread(void *arg)
{
	bool fired;
	int n;

	(void)arg;
	if (atomic_load(&halt_interlock))
		mutex_enter(&halt_lock);
	KERNEL_LOCK(atomic_load(&halt_depth), NULL);
	sem_post(&halt_begun);
	fired = callout_halt(&halt_alarm.a_callout,
	    atomic_load(&halt_interlock) ? &halt_lock : NULL);
	if (atomic_load(&halt_alarm.a_left) != 1)
		return "returned before the handler";
	if (!fired)
		return "had not fired";
	KERNEL_UNLOCK_ALL(NULL, &n);
	if (n != atomic_load(&halt_depth))
		return "another depth of the kernel lock";
	if (atomic_load(&halt_interlock)) {
		if (!mutex_owned(&halt_lock))
			return "without the interlock";
		mutex_exit(&halt_lock);
	}
	return NULL;
}

static void
halt_run(int nthreads)
{
	pthread_t t[8];
	void *result;
	int i;

	sem_init(&halt_begun, 0, 0);
	mutex_init(&halt_lock, MUTEX_DEFAULT, IPL_NONE);
	alarm_hold(&halt_alarm);
	for (i = 0; i < nthreads; i++)
		t[i] = test_thread(halt_thread, NULL);
	for (i = 0; i < nthreads; i++)
		test_sem_wait(&halt_begun);
	test_pause();
	/* The interlock or the kernel lock must be free by now. */
	if (atomic_load(&halt_interlock)) {
		mutex_enter(&halt_lock);
		mutex_exit(&halt_lock);
	}
	if (atomic_load(&halt_depth) != 0) {
		KERNEL_LOCK(1, NULL);
		KERNEL_UNLOCK_ONE(NULL);
	}
	alarm_open(&halt_alarm);
	for (i = 0; i < nthreads; i++) {
		pthread_join(t[i], &result);
		ATF_REQUIRE_MSG(result == NULL, "halt %s", (char *)result);
	}
	callout_destroy(&halt_alarm.a_callout);
	mutex_destroy(&halt_lock);
}

TEST_TC(halt, "halt waits for a running handler")
{

	halt_run(1);
}

TEST_TC(halt_interlock_tc, "halt releases the interlock while it waits")
{

	atomic_store(&halt_interlock, 1);
	halt_run(1);
}

TEST_TC(halt_klock, "halt releases the kernel lock while it waits")
{

	atomic_store(&halt_depth, 3);
	halt_run(1);
}

static void *
halt_many_thread(void *arg)
{

	(void)arg;
	sem_post(&halt_begun);
	(void)callout_halt(&halt_alarm.a_callout, NULL);
	return atomic_load(&halt_alarm.a_left) == 1 ? NULL :
	    "returned before the handler";
}

TEST_TC(halt_many, "many threads may halt one callout")
{
	pthread_t t[8];
	void *result;
	int i;

	sem_init(&halt_begun, 0, 0);
	alarm_hold(&halt_alarm);
	for (i = 0; i < 8; i++)
		t[i] = test_thread(halt_many_thread, NULL);
	for (i = 0; i < 8; i++)
		test_sem_wait(&halt_begun);
	test_pause();
	alarm_open(&halt_alarm);
	for (i = 0; i < 8; i++) {
		pthread_join(t[i], &result);
		ATF_REQUIRE_MSG(result == NULL, "halt %s", (char *)result);
	}
}

TEST_TC(halt_other, "halt of one callout does not wait for another")
{
	struct alarm gate, a;

	alarm_hold(&gate);
	alarm_init(&a, false);
	callout_schedule(&a.a_callout, 1);
	ATF_REQUIRE(!callout_halt(&a.a_callout, NULL));
	TEST_EQ(0, atomic_load(&gate.a_left));
	alarm_open(&gate);
	drain();
	TEST_EQ(0, atomic_load(&a.a_calls));
}

/* The interlock of driver code: the handler takes it. */
static kmutex_t lock_lock;
static callout_t lock_callout;
static sem_t lock_called;
static int lock_count;			/* (lock_lock) */

static void
lock_func(void *arg)
{

	(void)arg;
	sem_post(&lock_called);
	mutex_enter(&lock_lock);
	lock_count++;
	callout_schedule(&lock_callout, 1);
	mutex_exit(&lock_lock);
}

TEST_TC(halt_periodic, "halt stops a handler that takes the interlock and "
    "re-arms itself")
{
	int i, n;

	test_env("WORKQUEUE_CHECK", "1");
	mutex_init(&lock_lock, MUTEX_DEFAULT, IPL_SOFTCLOCK);
	sem_init(&lock_called, 0, 0);
	callout_init(&lock_callout, CALLOUT_MPSAFE);
	callout_setfunc(&lock_callout, lock_func, NULL);
	for (i = 0; i < 20; i++) {
		mutex_enter(&lock_lock);
		callout_schedule(&lock_callout, 1);
		mutex_exit(&lock_lock);
		test_sem_wait(&lock_called);
		/* Its handler is probably waiting for the lock. */
		mutex_enter(&lock_lock);
		(void)callout_halt(&lock_callout, &lock_lock);
		ATF_REQUIRE(mutex_owned(&lock_lock));
		ATF_REQUIRE(!callout_pending(&lock_callout));
		n = lock_count;
		mutex_exit(&lock_lock);
		drain();
		drain();
		mutex_enter(&lock_lock);
		TEST_EQ(n, lock_count);
		mutex_exit(&lock_lock);
		while (sem_trywait(&lock_called) == 0)
			continue;
	}
	callout_destroy(&lock_callout);
	mutex_destroy(&lock_lock);
}

/*
 * Calls that a handler may make for its own callout.
 */
static void
self_halt(void *arg)
{
	struct alarm *a = arg;

	if (!callout_halt(&a->a_callout, NULL))
		panic("had not fired");
	if (atomic_fetch_add(&a->a_calls, 1) < 3)
		callout_reset(&a->a_callout, 1, self_halt, a);
	else
		sem_post(&a->a_called);
}

TEST_TC(self, "a handler may halt and arm its own callout")
{
	struct alarm a;

	test_env("WORKQUEUE_CHECK", "1");
	alarm_init(&a, false);
	callout_reset(&a.a_callout, 1, self_halt, &a);
	alarm_wait(&a);
	drain();
	TEST_EQ(4, atomic_load(&a.a_calls));
	ATF_REQUIRE(!callout_active(&a.a_callout));
}

static sem_t free_done;

static void
free_func(void *arg)
{
	struct alarm *a = arg;

	if (a->a_held) {
		(void)callout_stop(&a->a_callout);
		callout_destroy(&a->a_callout);
	}
	memset(a, 0x5a, sizeof(*a));
	free(a);
	sem_post(&free_done);
}

TEST_TC(self_free, "a handler may destroy and free its own callout")
{
	struct alarm *a;
	int i;

	test_env("WORKQUEUE_CHECK", "1");
	sem_init(&free_done, 0, 0);
	for (i = 0; i < 20; i++) {
		a = malloc(sizeof(*a));
		ATF_REQUIRE(a != NULL);
		a->a_held = i % 2;
		callout_init(&a->a_callout, i % 4 < 2 ? CALLOUT_MPSAFE : 0);
		callout_reset(&a->a_callout, 1, free_func, a);
	}
	for (i = 0; i < 20; i++)
		test_sem_wait(&free_done);
	drain();
}

TEST_TC(setfunc, "setfunc, reset and schedule set what is called")
{
	struct alarm a, b;

	alarm_init(&a, false);
	alarm_init(&b, false);
	callout_schedule(&a.a_callout, 1);
	alarm_wait(&a);
	callout_reset(&a.a_callout, 1, alarm_func, &b);
	alarm_wait(&b);
	callout_schedule(&a.a_callout, 1);
	alarm_wait(&b);
	callout_setfunc(&a.a_callout, alarm_func, &a);
	ATF_REQUIRE(!callout_pending(&a.a_callout));
	callout_schedule(&a.a_callout, 1);
	alarm_wait(&a);
}

/*
 * Context.
 */
static struct context {
	int		 c_intr, c_softintr, c_klock, c_ipl, c_ci;
	int		 c_nopreempt;
	struct lwp	*c_lwp;
	char		 c_name[32];
} context;
static sem_t context_called;

static void
context_func(void *arg)
{

	(void)arg;
	context.c_intr = cpu_intr_p();
	context.c_softintr = cpu_softintr_p();
	context.c_klock = KERNEL_LOCKED_P();
	context.c_ipl = splsoftclock();
	splx(context.c_ipl);
	context.c_ci = (int)cpu_index(curcpu());
	context.c_lwp = curlwp;
#ifdef __linux__
	pthread_getname_np(pthread_self(), context.c_name,
	    sizeof(context.c_name));
#endif
	sem_post(&context_called);
}

static void
context_run(int flags, struct cpu_info *ci)
{
	callout_t c;

	sem_init(&context_called, 0, 0);
	memset(&context, 0xff, sizeof(context));
	callout_init(&c, (unsigned)flags);
	if (ci != NULL)
		callout_bind(&c, ci);
	callout_reset(&c, 1, context_func, NULL);
	test_sem_wait(&context_called);
	callout_halt(&c, NULL);
	callout_destroy(&c);
}

TEST_TC(context_tc, "a handler runs as a soft interrupt at IPL_SOFTCLOCK, "
    "with the kernel lock unless it is MPSAFE")
{
	struct lwp *l;

	test_env("WORKQUEUE_CHECK", "1");
	context_run(0, NULL);
	TEST_EQ(0, context.c_intr);
	TEST_EQ(1, context.c_softintr != 0);
	TEST_EQ(1, context.c_klock != 0);
	TEST_EQ(IPL_SOFTCLOCK, context.c_ipl);
	ATF_REQUIRE(context.c_lwp != curlwp);
	l = context.c_lwp;
	context_run(CALLOUT_MPSAFE, NULL);
	TEST_EQ(1, context.c_softintr != 0);
	TEST_EQ(0, context.c_klock != 0);
	TEST_EQ(IPL_SOFTCLOCK, context.c_ipl);
	ATF_REQUIRE(context.c_lwp == l);
}

TEST_TC(name, "the thread is named callout")
{

	TEST_NEED(TEST_CAP_NAMES, "thread names");
	context_run(0, NULL);
	ATF_REQUIRE_STREQ("callout", context.c_name);
}

TEST_TC(bind, "a bound callout sees its CPU")
{
	struct cpu_info *ci;
	CPU_INFO_ITERATOR cii;

	test_env("WORKQUEUE_NCPU", "7");
	for (CPU_INFO_FOREACH(cii, ci)) {
		context_run(CALLOUT_MPSAFE, ci);
		TEST_EQ(cpu_index(ci), context.c_ci);
	}
}

/*
 * Locks: a handler may block for a lock that a thread holds.
 */
static void
block_func(void *arg)
{

	sem_post(&lock_called);
	mutex_enter(&lock_lock);
	lock_count++;
	mutex_exit(&lock_lock);
	alarm_func(arg);
}

TEST_TC(block, "a handler may block for a mutex, with or without the kernel "
    "lock")
{
	struct alarm a;
	int i;

	test_env("WORKQUEUE_CHECK", "1");
	mutex_init(&lock_lock, MUTEX_DEFAULT, IPL_NONE);
	sem_init(&lock_called, 0, 0);
	for (i = 0; i < 2; i++) {
		alarm_init(&a, false);
		callout_init(&a.a_callout, i != 0 ? CALLOUT_MPSAFE : 0);
		mutex_enter(&lock_lock);
		callout_reset(&a.a_callout, 1, block_func, &a);
		test_sem_wait(&lock_called);
		test_pause();
		/*
		 * While the handler blocks, the kernel lock is free in either
		 * case.
		 */
		KERNEL_LOCK(1, NULL);
		TEST_EQ(i, lock_count);
		mutex_exit(&lock_lock);
		KERNEL_UNLOCK_ONE(NULL);
		alarm_wait(&a);
		callout_halt(&a.a_callout, NULL);
		callout_destroy(&a.a_callout);
	}
}

/*
 * The kernel lock.
 */

static void *
drain_thread(void *arg)
{

	drain();
	return arg;
}

/* Call drain() in another thread, so that the caller keeps the kernel lock. */
static void
drain_locked(void)
{

	test_join(test_thread(drain_thread, NULL));
}

/*
 * Called with the kernel lock held.  Arm a callout that needs the lock; it is
 * due when this returns.
 */
static void
late(struct alarm *a)
{

	alarm_init_flags(a, false, 0);
	callout_schedule(&a->a_callout, 1);
	drain_locked();
	TEST_EQ(0, atomic_load(&a->a_calls));
	ATF_REQUIRE(callout_pending(&a->a_callout));
	ATF_REQUIRE(!callout_expired(&a->a_callout));
}

static void
klock(void)
{
	struct alarm a, again, halted, stopped;

	KERNEL_LOCK(1, NULL);
	late(&a);
	late(&stopped);
	late(&again);
	late(&halted);
	/* The callouts are pending, so a stop is still in time. */
	ATF_REQUIRE(!callout_stop(&stopped.a_callout));
	ATF_REQUIRE(!callout_pending(&stopped.a_callout));
	callout_schedule(&again.a_callout, HOUR);
	ATF_REQUIRE(!callout_halt(&halted.a_callout, NULL));
	callout_destroy(&halted.a_callout);
	drain_locked();
	TEST_EQ(0, atomic_load(&a.a_calls));
	KERNEL_UNLOCK_ONE(NULL);
	alarm_wait(&a);
	alarm_fini(&a);
	drain();
	TEST_EQ(1, atomic_load(&a.a_calls));
	TEST_EQ(0, atomic_load(&stopped.a_calls));
	TEST_EQ(0, atomic_load(&again.a_calls));
	TEST_EQ(0, atomic_load(&halted.a_calls));
	callout_schedule(&again.a_callout, 1);
	alarm_wait(&again);
	alarm_fini(&again);
	alarm_fini(&stopped);
}

TEST_TC(klock_tc, "while one callout waits for the kernel lock, MPSAFE ones "
    "are called, and it may be stopped and moved")
{

	test_env("WORKQUEUE_CHECK", "1");
	klock();
	/* Again with the second thread asleep. */
	klock();
}

static kmutex_t serial_lock;
static int serial_next;			/* (the kernel lock) */
static struct serial {
	struct alarm	s_alarm;
	int		s_nth;
} serial_them[8];

static void
serial_func(void *arg)
{
	struct serial *s = arg;

	s->s_nth = serial_next++;
	sem_post(&s->s_alarm.a_called);
	/* The kernel lock is free while this sleeps. */
	mutex_enter(&serial_lock);
	mutex_exit(&serial_lock);
	atomic_store(&s->s_alarm.a_left, 1);
	sem_post(&s->s_alarm.a_open);
}

TEST_TC(klock_order, "callouts that need the kernel lock are called one after "
    "another in order, even if it is free while one sleeps")
{
	struct serial *s;
	size_t i;

	mutex_init(&serial_lock, MUTEX_DEFAULT, IPL_NONE);
	mutex_enter(&serial_lock);
	KERNEL_LOCK(1, NULL);
	for (i = 0; i < TEST_NELEM(serial_them); i++) {
		s = &serial_them[i];
		alarm_init_flags(&s->s_alarm, false, 0);
		callout_reset(&s->s_alarm.a_callout, 1 + (int)i / 3,
		    serial_func, s);
		if (i == 5) {
			drain_locked();
			KERNEL_UNLOCK_ONE(NULL);
			alarm_wait(&serial_them[0].s_alarm);
		}
	}
	drain();
	drain();
	drain();
	/* The first callout sleeps for the mutex. */
	KERNEL_LOCK(1, NULL);
	TEST_EQ(1, serial_next);
	KERNEL_UNLOCK_ONE(NULL);
	mutex_exit(&serial_lock);
	for (i = 0; i < TEST_NELEM(serial_them); i++) {
		s = &serial_them[i];
		test_sem_wait(&s->s_alarm.a_open);
		TEST_EQ(i, s->s_nth);
		alarm_fini(&s->s_alarm);
	}
	mutex_destroy(&serial_lock);
}

static void *
klock_halt_thread(void *arg)
{
	struct alarm *a = arg;

	sem_post(&halt_begun);
	return callout_halt(&a->a_callout, NULL) &&
	    atomic_load(&a->a_left) == 1 ? NULL : a;
}

TEST_TC(klock_halt, "halt waits for a handler that was called late; MPSAFE "
    "ones are called in parallel")
{
	struct alarm a;
	pthread_t t;
	void *result;

	sem_init(&halt_begun, 0, 0);
	KERNEL_LOCK(1, NULL);
	late(&a);
	a.a_held = true;
	KERNEL_UNLOCK_ONE(NULL);
	alarm_wait(&a);
	t = test_thread(klock_halt_thread, &a);
	test_sem_wait(&halt_begun);
	drain();
	TEST_EQ(0, atomic_load(&a.a_left));
	alarm_open(&a);
	pthread_join(t, &result);
	ATF_REQUIRE(result == NULL);
	callout_destroy(&a.a_callout);
}

static void
klock_child_func(void)
{

	/* The child holds the kernel lock as its parent did. */
	KERNEL_UNLOCK_ONE(NULL);
	klock();
}

TEST_TC(klock_child, "in a forked child, too, MPSAFE callouts do not wait for "
    "the kernel lock")
{
	struct alarm a;

	KERNEL_LOCK(1, NULL);
	late(&a);
	test_lives(klock_child_func);
	KERNEL_UNLOCK_ONE(NULL);
	alarm_wait(&a);
	alarm_fini(&a);
}

/*
 * Interrupt handlers arm and stop callouts.
 */
static struct alarm intr_alarm, intr_other;

static int
intr_func(void *arg)
{

	(void)arg;
	if (!cpu_intr_p())
		panic("no interrupt");
	(void)callout_stop(&intr_other.a_callout);
	callout_schedule(&intr_other.a_callout, HOUR);
	callout_reset(&intr_alarm.a_callout, 1, alarm_func, &intr_alarm);
	return 1;
}

TEST_TC(interrupt, "interrupts may arm and stop callouts")
{
	void *ih;
	int i, s;

	test_env("WORKQUEUE_CHECK", "1");
	alarm_init(&intr_alarm, false);
	alarm_init(&intr_other, false);
	ih = intr_establish(0, IPL_HIGH, INTR_MPSAFE, intr_func, NULL);
	ATF_REQUIRE(ih != NULL);
	for (i = 0; i < 20; i++) {
		s = splvm();
		intr_inject(ih);
		splx(s);
		alarm_wait(&intr_alarm);
		ATF_REQUIRE(callout_pending(&intr_other.a_callout));
	}
	intr_disestablish(ih);
	callout_stop(&intr_other.a_callout);
}

static atomic_int storm_stop;

static void *
storm_thread(void *arg)
{
	struct alarm a;

	(void)arg;
	alarm_init(&a, false);
	while (!atomic_load(&storm_stop)) {
		callout_schedule(&a.a_callout, HOUR);
		(void)callout_stop(&a.a_callout);
		(void)callout_stop(&intr_other.a_callout);
	}
	callout_halt(&a.a_callout, NULL);
	callout_destroy(&a.a_callout);
	return NULL;
}

TEST_TC(storm, "signals that arm and stop, over threads that arm and stop")
{
	pthread_t t[3];
	void *ih;
	int i;

	alarm_init(&intr_alarm, false);
	alarm_init(&intr_other, false);
	ih = intr_establish(SIGUSR1, IPL_HIGH, INTR_MPSAFE, intr_func, NULL);
	ATF_REQUIRE(ih != NULL);
	for (i = 0; i < 3; i++)
		t[i] = test_thread(storm_thread, NULL);
	for (i = 0; i < TEST_SCALE(30000); i++)
		pthread_kill(t[i % 3], SIGUSR1);
	atomic_store(&storm_stop, 1);
	for (i = 0; i < 3; i++)
		test_join(t[i]);
	/* When this last signal is served, so are all earlier ones. */
	raise(SIGUSR1);
	alarm_wait(&intr_alarm);
	intr_disestablish(ih);
	callout_halt(&intr_alarm.a_callout, NULL);
	callout_halt(&intr_other.a_callout, NULL);
}

/*
 * Many callouts.  Each arming ends in a call, or in a halt that reports that
 * there was none.
 */
#define	MANY_THREADS	4
#define	MANY_EACH	25000

static atomic_long many_calls;

static void
many_func(void *arg)
{

	(void)arg;
	atomic_fetch_add_explicit(&many_calls, 1, memory_order_relaxed);
}

static void *
many_thread(void *arg)
{
	unsigned x = (unsigned)(uintptr_t)arg;
	long calls = 0;
	callout_t *c;
	int i, n;

	n = TEST_SCALE(MANY_EACH);
	c = calloc((size_t)n, sizeof(*c));
	if (c == NULL)
		abort();
	for (i = 0; i < n; i++) {
		callout_init(&c[i], CALLOUT_MPSAFE);
		callout_setfunc(&c[i], many_func, NULL);
		x = x * 1664525 + 1013904223;
		callout_schedule(&c[i], 1 + (int)(x >> 10) %
		    (i % 2 ? 10 : HOUR));
	}
	for (i = 0; i < 4 * n; i++) {
		x = x * 1664525 + 1013904223;
		calls += callout_halt(&c[(x >> 8) % (unsigned)n], NULL);
		callout_schedule(&c[(x >> 8) % (unsigned)n], (x >> 4 & 1) ?
		    1 + (int)(x >> 24) : HOUR);
	}
	for (i = 0; i < n; i++) {
		calls += callout_halt(&c[i], NULL);
		callout_destroy(&c[i]);
	}
	free(c);
	return (void *)(intptr_t)calls;
}

TEST_TC(many, "each of 100000 callouts is called, or reported as not called")
{
	pthread_t t[MANY_THREADS];
	long calls = 0;
	void *result;
	int i;

	for (i = 0; i < MANY_THREADS; i++)
		t[i] = test_thread(many_thread, (void *)(uintptr_t)(i + 1));
	for (i = 0; i < MANY_THREADS; i++) {
		pthread_join(t[i], &result);
		calls += (long)(intptr_t)result;
	}
	drain();
	TEST_EQ(calls, atomic_load(&many_calls));
}

/*
 * Fork.
 */
static struct alarm fork_alarm, fork_gate, fork_pending;

static void
fork_child(void)
{
	struct alarm a;

	/* The parent's handler is not running here. */
	if (!callout_halt(&fork_gate.a_callout, NULL))
		_exit(10);
	if (callout_pending(&fork_alarm.a_callout) ||
	    callout_active(&fork_alarm.a_callout))
		_exit(11);
	/*
	 * The child's own callout is called, which starts the thread.  The
	 * parent's are not called.
	 */
	alarm_init(&a, false);
	callout_schedule(&a.a_callout, 5);
	alarm_wait(&a);
	if (atomic_load(&fork_alarm.a_calls) != 0)
		_exit(12);
	/*
	 * The parent's callouts may be stopped, destroyed, and initialised
	 * again.
	 */
	if (callout_stop(&fork_pending.a_callout))
		_exit(13);
	callout_destroy(&fork_pending.a_callout);
	callout_schedule(&fork_alarm.a_callout, 1);
	alarm_wait(&fork_alarm);
	if (!callout_halt(&fork_alarm.a_callout, NULL))
		_exit(14);
}

static void
fork_first_reset(void)
{

	/* No callout_init() comes before this in the child. */
	callout_schedule(&fork_alarm.a_callout, 1);
	alarm_wait(&fork_alarm);
}

TEST_TC(fork_tc, "in a forked child the parent's callouts are not called, and "
    "its own are")
{

	alarm_hold(&fork_gate);
	alarm_init(&fork_alarm, false);
	alarm_init(&fork_pending, false);
	callout_schedule(&fork_alarm.a_callout, 1);
	callout_schedule(&fork_pending.a_callout, HOUR);
	test_lives(fork_child);
	test_lives(fork_first_reset);
	alarm_open(&fork_gate);
	alarm_wait(&fork_alarm);
	ATF_REQUIRE(callout_pending(&fork_pending.a_callout));
	ATF_REQUIRE(!callout_stop(&fork_pending.a_callout));
}

static void
fork_handler_child(void)
{

	_exit(0);
}

static void
fork_handler(void *arg)
{

	test_lives(fork_handler_child);
	alarm_func(arg);
}

TEST_TC(fork_in_handler, "a handler may fork a child that does not return")
{
	struct alarm a;

	alarm_init(&a, false);
	callout_reset(&a.a_callout, 1, fork_handler, &a);
	alarm_wait(&a);
}

TEST_TC(wall_clock, "steps of the wall clock change nothing")
{
	struct alarm a;
	int64_t start;
	int i;

	for (i = 0; i < 6; i++) {
		atomic_store(&wall_step, 0);
		alarm_init(&a, false);
		start = test_now();
		callout_schedule(&a.a_callout, 10);
		test_pause();
		atomic_store(&wall_step, i % 2 ? 1000000 : -1000000);
		TEST_AWAIT(atomic_load(&a.a_calls) != 0);
		ATF_REQUIRE(atomic_load(&a.a_time) - start >= 10 * TICK_NS);
		callout_halt(&a.a_callout, NULL);
		callout_destroy(&a.a_callout);
	}
}

/*
 * Idle.
 */
static _Atomic long idle_tid;

static void
idle_func(void *arg)
{

#ifdef __linux__
	atomic_store(&idle_tid, syscall(SYS_gettid));
#endif
	alarm_func(arg);
}

static long
idle_switches(void)
{
	char path[64], line[128];
	long n, total = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/status",
	    atomic_load(&idle_tid));
	f = fopen(path, "r");
	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1)
			total = n;
	fclose(f);
	return total;
}

/* Wait until the callout thread sleeps. */
static long
idle_sleeps(void)
{
	long n;

	drain();
	do {
		n = idle_switches();
		sleep(1);
	} while (n != idle_switches());
	return n;
}

TEST_TC(idle, "the thread does not wake while nothing is due")
{
	struct alarm a, b;
	long before;

#ifdef TEST_TSAN
	atf_tc_skip("under ThreadSanitizer a park looks from time to time");
#endif
	alarm_init(&a, false);
	alarm_init(&b, false);
	callout_reset(&a.a_callout, 1, idle_func, &a);
	alarm_wait(&a);
	if (idle_switches() == -1)
		atf_tc_skip("the system does not count context switches");
	callout_schedule(&b.a_callout, HOUR);
	callout_halt(&a.a_callout, NULL);
	before = idle_sleeps();
	/*
	 * Arming a callout for later, and stopping one, does not wake the
	 * thread.
	 */
	callout_schedule(&a.a_callout, HOUR * 2);
	callout_stop(&a.a_callout);
	sleep(2);
	TEST_EQ(before, idle_switches());
	/* Do the same with nothing armed. */
	callout_stop(&b.a_callout);
	before = idle_sleeps();
	sleep(2);
	TEST_EQ(before, idle_switches());
}

/*
 * Misuse.
 */
static void
checking(void)
{

	test_env("WORKQUEUE_CHECK", "1");
}

static void
bad_uninitialised(void)
{
	static callout_t c;

	callout_reset(&c, 1, alarm_func, NULL);
}

static void
bad_copied(void)
{
	callout_t c, d;

	callout_init(&c, 0);
	d = c;
	callout_stop(&d);
}

static void
bad_destroyed(void)
{
	callout_t c;

	callout_init(&c, 0);
	callout_destroy(&c);
	callout_destroy(&c);
}

static void
bad_destroy_pending(void)
{
	callout_t c;

	callout_init(&c, 0);
	callout_reset(&c, HOUR, alarm_func, NULL);
	callout_destroy(&c);
}

static void
bad_destroy_running(void)
{
	struct alarm a;

	alarm_hold(&a);
	callout_destroy(&a.a_callout);
}

static void
bad_schedule(void)
{
	callout_t c;

	callout_init(&c, 0);
	callout_schedule(&c, 1);
}

static void
bad_ticks(void)
{
	callout_t c;

	callout_init(&c, 0);
	callout_reset(&c, -1, alarm_func, NULL);
}

static void
bad_interlock(void)
{
	callout_t c;
	kmutex_t m;

	mutex_init(&m, MUTEX_DEFAULT, IPL_NONE);
	callout_init(&c, 0);
	callout_halt(&c, &m);
}

static int
bad_halt_intr(void *arg)
{

	callout_halt(arg, NULL);
	return 0;
}

static void
bad_halt_interrupt(void)
{
	callout_t c;

	callout_init(&c, 0);
	intr_inject(intr_establish(0, IPL_VM, INTR_MPSAFE, bad_halt_intr, &c));
}

static void
bad_flags(void)
{
	callout_t c;

	callout_init(&c, 0x1);
}

TEST_TC(misuse, "each misuse that is always detected panics")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(bad_uninitialised, "callout_reset: callout 0x",
	    "not initialised", NULL);
	test_panics(bad_copied, "callout_stop: callout 0x", "not initialised",
	    NULL);
	test_panics(bad_destroyed, "callout_destroy: callout 0x", "destroyed",
	    NULL);
	test_panics(bad_destroy_pending, "callout_destroy: callout 0x",
	    "function 0x", "is pending", NULL);
	test_panics(bad_destroy_running, "callout_destroy: callout 0x",
	    "function 0x", "is running", NULL);
	test_panics(bad_schedule, "callout_schedule: callout 0x",
	    "no function", NULL);
	test_panics(bad_ticks, "callout_reset: -1 ticks", NULL);
	test_panics(bad_interlock, "callout_halt: callout 0x", "not held",
	    NULL);
	test_panics(bad_halt_interrupt, "callout_halt: ",
	    "interrupt context", NULL);
	test_panics(bad_flags, "callout_init: flags 0x1", NULL);
}

static void (*bad_func)(void);
static kmutex_t bad_mutex;

static void
bad_handler(void *arg)
{

	(void)arg;
	(*bad_func)();
}

static void
bad_run(void)
{
	static callout_t c;

	callout_init(&c, CALLOUT_MPSAFE);
	callout_reset(&c, 1, bad_handler, NULL);
	for (;;)
		pause();
}

static void
leave_spin(void)
{

	mutex_init(&bad_mutex, MUTEX_DEFAULT, IPL_SOFTSERIAL + 1);
	mutex_enter(&bad_mutex);
}

static void
leave_klock(void)
{

	KERNEL_LOCK(2, NULL);
}

static void
leave_nopreempt(void)
{

	kpreempt_disable();
}

static void
leave_child(void)
{
	int status;
	pid_t pid;

	pid = test_fork();
	if (pid == 0)
		return;
	while (waitpid(pid, &status, 0) == -1)
		continue;
	/* Pass the signal on. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	_exit(9);
}

static void
returns(void (*func)(void), const char *what)
{

	bad_func = func;
	test_panics(bad_run, "callout 0x", "function bad_handler", what, NULL);
}

TEST_TC(returns_tc, "a handler that returns with something held panics")
{

	checking();
	returns(leave_spin, "returned ");
	returns(leave_klock, "returned holding 2 kernel locks");
	returns(leave_nopreempt, "returned with preemption off");
	returns(leave_child, "returned in a child of its process");
}

static void
bad_init_pending(void)
{
	callout_t c;

	callout_init(&c, 0);
	callout_reset(&c, HOUR, alarm_func, NULL);
	callout_init(&c, 0);
}

static void
sleepy_work(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static void
sleep_in_handler(void)
{
	struct workqueue *wq;

	(void)workqueue_create(&wq, "sleepy", sleepy_work, NULL, PRI_NONE,
	    IPL_NONE, 0);
}

TEST_TC(misuse_checking, "checking mode reports more misuse")
{

	checking();
	test_panics(bad_init_pending, "callout_init: callout 0x",
	    "is pending", NULL);
	bad_func = sleep_in_handler;
	test_panics(bad_run, "sleeping in softint context", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, once);
	ATF_TP_ADD_TC(tp, never_early);
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, ties);
	ATF_TP_ADD_TC(tp, sooner);
	ATF_TP_ADD_TC(tp, later);
	ATF_TP_ADD_TC(tp, stop);
	ATF_TP_ADD_TC(tp, stop_running);
	ATF_TP_ADD_TC(tp, halt);
	ATF_TP_ADD_TC(tp, halt_interlock_tc);
	ATF_TP_ADD_TC(tp, halt_klock);
	ATF_TP_ADD_TC(tp, halt_many);
	ATF_TP_ADD_TC(tp, halt_other);
	ATF_TP_ADD_TC(tp, halt_periodic);
	ATF_TP_ADD_TC(tp, self);
	ATF_TP_ADD_TC(tp, self_free);
	ATF_TP_ADD_TC(tp, setfunc);
	ATF_TP_ADD_TC(tp, context_tc);
	ATF_TP_ADD_TC(tp, name);
	ATF_TP_ADD_TC(tp, bind);
	ATF_TP_ADD_TC(tp, block);
	ATF_TP_ADD_TC(tp, klock_tc);
	ATF_TP_ADD_TC(tp, klock_order);
	ATF_TP_ADD_TC(tp, klock_halt);
	ATF_TP_ADD_TC(tp, klock_child);
	ATF_TP_ADD_TC(tp, interrupt);
	ATF_TP_ADD_TC(tp, storm);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, fork_tc);
	ATF_TP_ADD_TC(tp, fork_in_handler);
	ATF_TP_ADD_TC(tp, wall_clock);
	ATF_TP_ADD_TC(tp, idle);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, returns_tc);
	ATF_TP_ADD_TC(tp, misuse_checking);
	return atf_no_error();
}
