/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Owning a CPU: what must wait, and what must not.  There is one CPU, so a
 * thread that waits in the wrong order waits forever.
 */

#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kthread.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/percpu.h>
#include <sys/proc.h>
#include <sys/rwlock.h>
#include <sys/systm.h>
#include <sys/workqueue.h>
#include <sys/xcall.h>

#include "../../tests.h"

static atomic_int step;
static void *sih;
static void *ih;

/* Have one CPU, and switch ownership on. */
static void
own_one_cpu(void)
{

	test_env("WORKQUEUE_NCPU", "1");
	kpreempt_disable();
	kpreempt_enable();
}

/* Give the other thread time to go wrong. */
static void
linger(void)
{
	int i;

	for (i = 0; i < 50; i++)
		test_pause();
}

/*
 * A thread that holds a spin mutex owns a CPU.
 */
static kmutex_t lock;

static void *
order_thread(void *arg)
{
	int i;

	for (i = 0; i < TEST_SCALE(50000); i++) {
		if (arg == NULL) {
			mutex_enter(&lock);
			kpreempt_disable();
			kpreempt_enable();
			mutex_exit(&lock);
		} else {
			kpreempt_disable();
			mutex_enter(&lock);
			mutex_exit(&lock);
			kpreempt_enable();
		}
	}
	return NULL;
}

TEST_TC(order, "a spin mutex and a CPU are taken in either order")
{
	pthread_t t[4];
	intptr_t i;

	/* Ownership is switched on meanwhile. */
	test_env("WORKQUEUE_NCPU", "1");
	mutex_init(&lock, MUTEX_DEFAULT, IPL_VM);
	for (i = 0; i < 4; i++)
		t[i] = test_thread(order_thread, (void *)(i & 1));
	for (i = 0; i < 4; i++)
		test_join(t[i]);
	mutex_destroy(&lock);
}

/*
 * A thread that sleeps gives its CPU up, and has it again when it wakes.
 */
static kmutex_t mtx;
static krwlock_t rw;
static kcondvar_t cv;

enum how { H_MUTEX, H_RWLOCK, H_KLOCK, H_CONDVAR, H_KPAUSE, H_YIELD, H_XCALL,
    H_JOIN, H_WORK, NHOW };

static void
nothing(void *a, void *b)
{

	(void)a;
	(void)b;
}

static void
kthread_nothing(void *arg)
{

	(void)arg;
	kpreempt_disable();
	kpreempt_enable();
	kthread_exit(0);
}

static void
work_nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	kpreempt_disable();
	kpreempt_enable();
}

/* Sleep until the other thread has been on our CPU. */
static void
sleep_owning(enum how how)
{
	struct workqueue *wq;
	struct cpu_info *ci;
	struct work wk;
	struct lwp *l;

	kpreempt_disable();
	ci = curcpu();
	atomic_store(&step, 1);
	switch (how) {
	case H_MUTEX:
		mutex_enter(&mtx);
		mutex_exit(&mtx);
		break;
	case H_RWLOCK:
		rw_enter(&rw, RW_READER);
		rw_exit(&rw);
		break;
	case H_KLOCK:
		KERNEL_LOCK(1, NULL);
		KERNEL_UNLOCK_ONE(NULL);
		break;
	case H_CONDVAR:
		mutex_enter(&mtx);
		while (atomic_load(&step) < 3)
			cv_wait(&cv, &mtx);
		mutex_exit(&mtx);
		break;
	case H_KPAUSE:
		while (atomic_load(&step) < 3)
			(void)kpause("own", false, 1, NULL);
		break;
	case H_YIELD:
		while (atomic_load(&step) < 3)
			yield();
		break;
	case H_XCALL:
		/* The call owns the CPU meanwhile. */
		xc_wait(xc_broadcast(0, nothing, NULL, NULL));
		xc_barrier(0);
		TEST_AWAIT(atomic_load(&step) == 1);
		atomic_store(&step, 3);
		break;
	case H_JOIN:
		TEST_EQ(0, kthread_create(PRI_NONE, KTHREAD_MPSAFE |
		    KTHREAD_MUSTJOIN, NULL, kthread_nothing, NULL, &l, "own"));
		TEST_EQ(0, kthread_join(l));
		atomic_store(&step, 3);
		break;
	case H_WORK:
		wq = test_create("own", work_nothing, NULL, WQ_MPSAFE);
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_wait(wq, &wk);
		workqueue_destroy(wq);
		atomic_store(&step, 3);
		break;
	case NHOW:
		break;
	}
	TEST_EQ(3, step);
	ATF_REQUIRE(curcpu() == ci);
	ATF_REQUIRE(kpreempt_disabled());
	kpreempt_enable();
	ATF_REQUIRE(!kpreempt_disabled());
}

/* Hold the lock that the other thread sleeps for, and use its CPU. */
static void *
own_meanwhile(void *arg)
{
	enum how how = (enum how)(intptr_t)arg;

	if (how == H_MUTEX)
		mutex_enter(&mtx);
	if (how == H_RWLOCK)
		rw_enter(&rw, RW_WRITER);
	if (how == H_KLOCK)
		KERNEL_LOCK(1, NULL);
	atomic_store(&step, 0);
	TEST_AWAIT(atomic_load(&step) == 1);
	kpreempt_disable();
	atomic_store(&step, 2);
	kpreempt_enable();
	mutex_spin_enter(&lock);
	mutex_spin_exit(&lock);
	linger();
	atomic_store(&step, 3);
	if (how == H_MUTEX)
		mutex_exit(&mtx);
	if (how == H_RWLOCK)
		rw_exit(&rw);
	if (how == H_KLOCK)
		KERNEL_UNLOCK_ONE(NULL);
	if (how == H_CONDVAR) {
		mutex_enter(&mtx);
		cv_broadcast(&cv);
		mutex_exit(&mtx);
	}
	return NULL;
}

TEST_TC(asleep, "a thread that sleeps with preemption off gives up its CPU, "
    "and has the same one when it wakes")
{
	pthread_t t;
	intptr_t i;

	own_one_cpu();
	mutex_init(&lock, MUTEX_DEFAULT, IPL_VM);
	mutex_init(&mtx, MUTEX_DEFAULT, IPL_NONE);
	rw_init(&rw);
	cv_init(&cv, "own");
	for (i = 0; i < NHOW; i++) {
		if (i == H_XCALL || i == H_JOIN || i == H_WORK) {
			sleep_owning((enum how)i);
			continue;
		}
		atomic_store(&step, -1);
		t = test_thread(own_meanwhile, (void *)i);
		TEST_AWAIT(atomic_load(&step) == 0);
		sleep_owning((enum how)i);
		test_join(t);
	}
}

/*
 * A soft interrupt, a callout and a cross-call that sleep.
 */
static void
handler_sleeps(void *arg)
{

	(void)arg;
	atomic_store(&step, 1);
	mutex_enter(&mtx);
	atomic_store(&step, 3);
	mutex_exit(&mtx);
}

static void
xcall_sleeps(void *a, void *b)
{

	(void)b;
	handler_sleeps(a);
}

TEST_TC(handlers_asleep, "a soft interrupt, a callout and a cross-call that "
    "sleep give up their CPU")
{
	callout_t c;
	int i;

	own_one_cpu();
	mutex_init(&mtx, MUTEX_DEFAULT, IPL_NONE);
	sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, handler_sleeps,
	    NULL);
	ATF_REQUIRE(sih != NULL);
	callout_init(&c, CALLOUT_MPSAFE);
	callout_setfunc(&c, handler_sleeps, NULL);
	for (i = 0; i < 4; i++) {
		atomic_store(&step, 0);
		mutex_enter(&mtx);
		if (i == 0)
			softint_schedule(sih);
		else if (i == 1)
			callout_schedule(&c, 1);
		else
			(void)xc_broadcast(i == 2 ? 0 : XC_HIGHPRI,
			    xcall_sleeps, NULL, NULL);
		TEST_AWAIT(atomic_load(&step) == 1);
		kpreempt_disable();
		kpreempt_enable();
		/* A sleeper is in no section, so this does not wait for it. */
		if (i < 2)
			xc_barrier(0);
		TEST_EQ(1, step);
		mutex_exit(&mtx);
		TEST_AWAIT(atomic_load(&step) == 3);
	}
	softint_disestablish(sih);
	callout_halt(&c, NULL);
	callout_destroy(&c);
}

/*
 * An interrupt that takes the kernel lock, on top of a thread that has the
 * CPU, while the holder of the kernel lock wants the CPU.
 */
static int
intr_klock(void *arg)
{

	(void)arg;
	atomic_store(&step, 2);
	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_ONE(NULL);
	return 1;
}

static void *
klock_thread(void *arg)
{

	KERNEL_LOCK(1, NULL);
	atomic_store(&step, 1);
	TEST_AWAIT(atomic_load(&step) == 2);
	linger();
	kpreempt_disable();
	atomic_store(&step, 3);
	kpreempt_enable();
	KERNEL_UNLOCK_ONE(NULL);
	return arg;
}

TEST_TC(intr_lends, "an interrupt that spins for the kernel lock lends its CPU "
    "to the holder")
{
	pthread_t t;

	own_one_cpu();
	ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, intr_klock, NULL);
	ATF_REQUIRE(ih != NULL);
	t = test_thread(klock_thread, NULL);
	TEST_AWAIT(atomic_load(&step) == 1);
	kpreempt_disable();
	pthread_kill(pthread_self(), SIGUSR1);
	TEST_EQ(3, step);
	ATF_REQUIRE(curcpu() == cpu_lookup(0));
	kpreempt_enable();
	test_join(t);
	intr_disestablish(ih);
}

/*
 * An interrupt that arrives at a thread which waits for a CPU.
 */
static atomic_bool arrived;
static pthread_t waiter;

static int
intr_arrived(void *arg)
{

	(void)arg;
	atomic_store(&arrived, true);
	/* On top of a thread that waits for a CPU, this could wait forever. */
	kpreempt_disable();
	kpreempt_enable();
	return 1;
}

static void *
wait_owning(void *arg)
{
	int64_t end;

	kpreempt_disable();
	atomic_store(&step, 1);
	linger();
	pthread_kill(waiter, SIGUSR1);
	end = test_now() + TEST_DEADLINE * INT64_C(1000000000);
	while (!atomic_load(&arrived) && test_now() < end)
		test_pause();
	/* The handler wants the CPU now. */
	linger();
	kpreempt_enable();
	return arg;
}

TEST_TC(intr_waiting, "an interrupt that arrives at a thread which waits for a "
    "CPU does not wait with it")
{
	pthread_t t;

	own_one_cpu();
	ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, intr_arrived, NULL);
	ATF_REQUIRE(ih != NULL);
	waiter = pthread_self();
	t = test_thread(wait_owning, NULL);
	TEST_AWAIT(atomic_load(&step) == 1);
	kpreempt_disable();
	ATF_REQUIRE(atomic_load(&arrived));
	kpreempt_enable();
	test_join(t);
	intr_disestablish(ih);
}

/*
 * An interrupt that arrives at a thread which owns no CPU, while all are owned:
 * the owner waits for the thread, as it would for a lock of the C library's.
 */
static void *
own_meanwhile_waiting(void *arg)
{

	kpreempt_disable();
	atomic_store(&step, 1);
	TEST_AWAIT(atomic_load(&step) == 2);
	kpreempt_enable();
	return arg;
}

TEST_TC(intr_elsewhere, "an interrupt that finds all CPUs owned does not hold "
    "up the thread at which it arrives")
{
	pthread_t t;
	int flags;

	own_one_cpu();
	for (flags = 0; flags <= INTR_MPSAFE; flags += INTR_MPSAFE) {
		atomic_store(&arrived, false);
		ih = intr_establish(SIGUSR1, IPL_VM, flags, intr_arrived,
		    NULL);
		ATF_REQUIRE(ih != NULL);
		t = test_thread(own_meanwhile_waiting, NULL);
		TEST_AWAIT(atomic_load(&step) == 1);
		pthread_kill(pthread_self(), SIGUSR1);
		atomic_store(&step, 2);
		TEST_AWAIT(atomic_load(&arrived));
		test_join(t);
		intr_disestablish(ih);
	}
}

/*
 * Fairness: bound and unbound threads get the only CPU, although it is never
 * free for long.
 */
static atomic_bool stop;

static void *
hog(void *arg)
{

	while (!atomic_load(&stop)) {
		kpreempt_disable();
		kpreempt_enable();
	}
	return arg;
}

static void
soft_count(void *arg)
{

	atomic_fetch_add((atomic_int *)arg, 1);
}

TEST_TC(fair, "threads that take the only CPU repeatedly do not keep others "
    "from it")
{
	atomic_int n = 0;
	pthread_t t[3];
	int i, bound;

	own_one_cpu();
	sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, soft_count, &n);
	ATF_REQUIRE(sih != NULL);
	for (i = 0; i < 3; i++)
		t[i] = test_thread(hog, NULL);
	for (i = 0; i < 100; i++) {
		kpreempt_disable();
		kpreempt_enable();
		bound = curlwp_bind();
		kpreempt_disable();
		kpreempt_enable();
		curlwp_bindx(bound);
		softint_schedule(sih);
		TEST_AWAIT(atomic_load(&n) == i + 1);
	}
	atomic_store(&stop, true);
	for (i = 0; i < 3; i++)
		test_join(t[i]);
	softint_disestablish(sih);
}

/*
 * A waiter that is always late, because a foreign signal handler stops it
 * whenever the CPU becomes free.
 */
static atomic_int late_stopped;
static atomic_bool late_go, late_has;

static void
late_signal(int signo)
{

	(void)signo;
	atomic_store(&late_stopped, 1);
	while (!atomic_load(&late_go))
		test_pause();
	atomic_store(&late_stopped, 0);
}

static void *
late_thread(void *arg)
{

	atomic_store(&step, 1);
	kpreempt_disable();
	atomic_store(&late_has, true);
	kpreempt_enable();
	return arg;
}

/* Let it go on, but not before its CPU has been taken from it. */
static void *
late_resume(void *arg)
{

	linger();
	atomic_store(&late_go, true);
	return arg;
}

TEST_TC(kept, "a waiter that is passed over repeatedly has the CPU kept for it")
{
	struct sigaction sa;
	pthread_t resumer, t;
	int64_t end;

	own_one_cpu();
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = late_signal;
	sigaction(SIGUSR2, &sa, NULL);
	kpreempt_disable();
	t = test_thread(late_thread, NULL);
	TEST_AWAIT(atomic_load(&step) == 1);
	end = test_now() + TEST_DEADLINE * INT64_C(1000000000);
	while (!atomic_load(&late_has)) {
		ATF_REQUIRE(test_now() < end);
		/* Wait until the waiter waits for the CPU. */
		linger();
		atomic_store(&late_go, false);
		pthread_kill(t, SIGUSR2);
		TEST_AWAIT(atomic_load(&late_stopped) == 1);
		resumer = test_thread(late_resume, NULL);
		kpreempt_enable();
		kpreempt_disable();
		test_join(resumer);
		TEST_AWAIT(atomic_load(&late_stopped) == 0);
	}
	kpreempt_enable();
	test_join(t);
}

/*
 * Handlers on a CPU wait for the thread that owns the CPU.
 */
static atomic_bool letgo;

static void
soft_letgo(void *arg)
{

	(void)arg;
	ATF_REQUIRE(atomic_load(&letgo));
	atomic_store(&step, 1);
}

static void *
schedule(void *arg)
{

	softint_schedule_cpu(sih, cpu_lookup(0));
	return arg;
}

static void
wait_letgo(void (*take)(void), void (*give)(void))
{

	atomic_store(&letgo, false);
	atomic_store(&step, 0);
	(*take)();
	/* Schedule in another thread, whose level holds nothing back. */
	test_join(test_thread(schedule, NULL));
	linger();
	atomic_store(&letgo, true);
	(*give)();
	TEST_AWAIT(atomic_load(&step) == 1);
}

static int level;

static void
take_spl(void)
{

	level = splsoftclock();
	(void)curcpu();
	/* Lowering the level in part does not end ownership. */
	splx(splvm());
}

static void
give_spl(void)
{

	splx(level);
}

static void
take_mutex(void)
{

	mutex_spin_enter(&lock);
}

static void
give_mutex(void)
{

	mutex_spin_exit(&lock);
}

TEST_TC(softint_waits, "a soft interrupt waits for disabled preemption, a spin "
    "mutex, and a level at which curcpu was called")
{

	own_one_cpu();
	mutex_init(&lock, MUTEX_DEFAULT, IPL_VM);
	sih = softint_establish(SOFTINT_SERIAL | SOFTINT_MPSAFE, soft_letgo,
	    NULL);
	ATF_REQUIRE(sih != NULL);
	wait_letgo(kpreempt_disable, kpreempt_enable);
	wait_letgo(take_mutex, give_mutex);
	wait_letgo(take_spl, give_spl);
	softint_disestablish(sih);
	mutex_destroy(&lock);
}

/*
 * A cross-call has its CPU to itself.
 */
static void
xcall_lingers(void *a, void *b)
{

	(void)a;
	(void)b;
	atomic_store(&step, 1);
	linger();
	atomic_store(&step, 2);
}

TEST_TC(xcall_alone, "nobody disables preemption on a CPU while a cross-call "
    "runs there")
{
	uint64_t ticket;
	int i;

	own_one_cpu();
	for (i = 0; i < 2; i++) {
		atomic_store(&step, 0);
		ticket = xc_broadcast(i == 0 ? 0 : XC_HIGHPRI, xcall_lingers,
		    NULL, NULL);
		TEST_AWAIT(atomic_load(&step) != 0);
		kpreempt_disable();
		TEST_EQ(2, step);
		kpreempt_enable();
		xc_wait(ticket);
	}
}

/*
 * Functions that are bound to an owned CPU wait for it, although another CPU is
 * free.
 */
static percpu_t *copies;

static void
bound_runs(void)
{
	void *p;

	p = percpu_getref(copies);
	ATF_REQUIRE(atomic_load(&letgo));
	ATF_REQUIRE(p == percpu_getptr_remote(copies, curcpu()));
	percpu_putref(copies);
	atomic_fetch_add(&step, 1);
}

static void
bound_softint(void *arg)
{

	(void)arg;
	/* The soft interrupt owns the CPU from its start. */
	ATF_REQUIRE(atomic_load(&letgo));
	bound_runs();
}

static void
bound_work(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	bound_runs();
}

static void
bound_xcall(void *a, void *b)
{

	(void)a;
	(void)b;
	/* The item owns the CPU from its start. */
	ATF_REQUIRE(atomic_load(&letgo));
	bound_runs();
}

static void *
bound_owner(void *arg)
{

	kpreempt_disable();
	*(struct cpu_info **)arg = curcpu();
	atomic_store(&step, 0);
	TEST_AWAIT(atomic_load(&step) == 1);
	linger();
	linger();
	atomic_store(&step, 2);
	atomic_store(&letgo, true);
	kpreempt_enable();
	return NULL;
}

TEST_TC(bound_waits, "a soft interrupt, a worker, a callout and a cross-call "
    "wait for the owner of their CPU")
{
	struct workqueue *wq;
	struct cpu_info *ci;
	struct work wk;
	callout_t c;
	pthread_t t;
	int i;

	test_env("WORKQUEUE_NCPU", "2");
	copies = percpu_alloc(sizeof(int));
	sih = softint_establish(SOFTINT_BIO | SOFTINT_MPSAFE, bound_softint,
	    NULL);
	ATF_REQUIRE(sih != NULL);
	TEST_EQ(0, workqueue_create(&wq, "bound", bound_work, NULL, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE | WQ_PERCPU));
	callout_init(&c, CALLOUT_MPSAFE);
	callout_setfunc(&c, bound_softint, NULL);
	for (i = 0; i < 4; i++) {
		atomic_store(&letgo, false);
		atomic_store(&step, -1);
		t = test_thread(bound_owner, &ci);
		TEST_AWAIT(atomic_load(&step) == 0);
		/* Make the calls from the CPU that is free. */
		kpreempt_disable();
		ATF_REQUIRE(curcpu() != ci);
		kpreempt_enable();
		switch (i) {
		case 0:
			softint_schedule_cpu(sih, ci);
			atomic_store(&step, 1);
			break;
		case 1:
			workqueue_enqueue(wq, &wk, ci);
			atomic_store(&step, 1);
			break;
		case 2:
			callout_bind(&c, ci);
			callout_schedule(&c, 1);
			atomic_store(&step, 1);
			break;
		case 3:
			/*
			 * xc_unicast() waits for the owner before it makes the
			 * call.
			 */
			atomic_store(&step, 1);
			xc_wait(xc_unicast(0, bound_xcall, NULL, NULL, ci));
			TEST_EQ(3, step);
			break;
		}
		TEST_AWAIT(atomic_load(&step) == 3);
		test_join(t);
	}
	workqueue_destroy(wq);
	softint_disestablish(sih);
	callout_halt(&c, NULL);
	callout_destroy(&c);
	percpu_free(copies, sizeof(int));
}

/*
 * In a child the parent's other threads own no CPU, and are in no section.
 */
static void
child_owns(void)
{

	kpreempt_disable();
	ATF_REQUIRE(curcpu() == cpu_lookup(0));
	kpreempt_enable();
	mutex_spin_enter(&mtx);
	mutex_spin_exit(&mtx);
	xc_barrier(0);
	if (TEST_CHILDTHREADS)
		xc_wait(xc_broadcast(0, nothing, NULL, NULL));
}

static void *
child_other(void *arg)
{
	int s;

	s = splvm();
	kpreempt_disable();
	atomic_store(&step, 1);
	TEST_AWAIT(atomic_load(&step) == 2);
	kpreempt_enable();
	splx(s);
	return arg;
}

TEST_TC(child, "in a child the other threads own no CPU, and no barrier waits "
    "for them")
{
	struct test_child tc;
	pthread_t t;

	if (!TEST_BUSYFORK)
		atf_tc_skip("a sanitizer");
	own_one_cpu();
	mutex_init(&mtx, MUTEX_DEFAULT, IPL_VM);
	t = test_thread(child_other, NULL);
	TEST_AWAIT(atomic_load(&step) == 1);
	test_child_lives(&tc, child_owns);
	atomic_store(&step, 2);
	test_join(t);
}

/*
 * A thread that ends gives its CPU up.
 */
static void *
ends_owning(void *arg)
{

	kpreempt_disable();
	return arg;
}

TEST_TC(ends, "a thread that ends gives up its CPU")
{

	own_one_cpu();
	test_join(test_thread(ends_owning, NULL));
	kpreempt_disable();
	kpreempt_enable();
	xc_barrier(0);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, asleep);
	ATF_TP_ADD_TC(tp, handlers_asleep);
	ATF_TP_ADD_TC(tp, intr_lends);
	ATF_TP_ADD_TC(tp, intr_waiting);
	ATF_TP_ADD_TC(tp, intr_elsewhere);
	ATF_TP_ADD_TC(tp, fair);
	ATF_TP_ADD_TC(tp, kept);
	ATF_TP_ADD_TC(tp, softint_waits);
	ATF_TP_ADD_TC(tp, xcall_alone);
	ATF_TP_ADD_TC(tp, bound_waits);
	ATF_TP_ADD_TC(tp, child);
	ATF_TP_ADD_TC(tp, ends);
	return atf_no_error();
}
