/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kpreempt(9): a thread that has disabled preemption owns a CPU alone.  Its
 * percpu(9) memory identifies the CPU.
 */

#include <sys/proc.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kthread.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/percpu.h>
#include <sys/systm.h>

#include <sched.h>

#include "../../tests.h"

#define	NTHREADS	8
#define	NROUNDS		TEST_SCALE(20000)

struct count {
	int		 c_owned;
	unsigned	 c_count;
};

static percpu_t *counts;

static void
sum(void *p, void *arg, struct cpu_info *ci)
{

	(void)ci;
	*(unsigned *)arg += ((struct count *)p)->c_count;
}

/*
 * Own a CPU, and check that no other thread owns it.  The accesses are plain,
 * so that a sanitizer would report a race.
 */
static void
own(void)
{
	struct cpu_info *ci;
	struct count *s, *s2;
	int i;

	kpreempt_disable();
	ci = curcpu();
	s = percpu_getref(counts);
	TEST_EQ(0, s->c_owned);
	s->c_owned = 1;
	s->c_count++;
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE(curcpu() == ci);
		kpreempt_disable();
		s2 = percpu_getref(counts);
		ATF_REQUIRE(s2 == s);
		percpu_putref(counts);
		kpreempt_enable();
		ATF_REQUIRE(kpreempt_disabled());
	}
	TEST_EQ(1, s->c_owned);
	s->c_owned = 0;
	percpu_putref(counts);
	kpreempt_enable();
}

static void
owner_loop(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < NROUNDS; i++)
		own();
	kthread_exit(0);
}

static void *
owner_thread(void *arg)
{
	int i;

	for (i = 0; i < NROUNDS; i++)
		own();
	return arg;
}

static void
alone(void)
{
	struct lwp *l[NTHREADS];
	pthread_t t[NTHREADS];
	unsigned total;
	int i;

	counts = percpu_alloc(sizeof(struct count));
	for (i = 0; i < NTHREADS; i++) {
		t[i] = test_thread(owner_thread, NULL);
		TEST_EQ(0, kthread_create(PRI_NONE, KTHREAD_MPSAFE |
		    KTHREAD_MUSTJOIN, cpu_lookup(0), owner_loop, NULL, &l[i],
		    "owner%d", i));
	}
	for (i = 0; i < NTHREADS; i++) {
		test_join(t[i]);
		TEST_EQ(0, kthread_join(l[i]));
	}
	total = 0;
	percpu_foreach(counts, sum, &total);
	TEST_EQ(2 * NTHREADS * NROUNDS, total);
	percpu_free(counts, sizeof(struct count));
}

TEST_TC(alone, "threads, bound or not, never have preemption off on the same "
    "CPU, and no count is lost")
{

	alone();
}

TEST_TC(alone_1cpu, "the same with one CPU")
{

	test_env("WORKQUEUE_NCPU", "1");
	alone();
}

TEST_TC(alone_7cpus, "the same with seven CPUs, checking")
{

	test_env("WORKQUEUE_NCPU", "7");
	test_env("WORKQUEUE_CHECK", "1");
	alone();
}

TEST_TC(nested, "preemption is off until the last enable")
{

	ATF_REQUIRE(!kpreempt_disabled());
	kpreempt_disable();
	ATF_REQUIRE(kpreempt_disabled());
	KPREEMPT_DISABLE(curlwp);
	KPREEMPT_ENABLE(curlwp);
	ATF_REQUIRE(kpreempt_disabled());
	kpreempt_enable();
	ATF_REQUIRE(!kpreempt_disabled());
}

TEST_TC(levels, "a raised level and a spin mutex count as preemption off")
{
	kmutex_t lock;
	int s;

	s = splsoftclock();
	ATF_REQUIRE(kpreempt_disabled());
	splx(s);
	ATF_REQUIRE(!kpreempt_disabled());
	mutex_init(&lock, MUTEX_DEFAULT, IPL_VM);
	mutex_enter(&lock);
	ATF_REQUIRE(kpreempt_disabled());
	mutex_exit(&lock);
	mutex_destroy(&lock);
	ATF_REQUIRE(!kpreempt_disabled());
}

/*
 * Reports of checking mode.
 */
static void
leave_nopreempt(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	kpreempt_disable();
}

static void
returns_nopreempt(void)
{
	struct workqueue *wq;
	struct work wk;

	wq = test_create("leaver", leave_nopreempt, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_wait(wq, &wk);
	workqueue_destroy(wq);
}

TEST_TC(checking, "in checking mode a callback that returns with preemption "
    "off panics")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(returns_nopreempt, "workqueue \"leaver\"",
	    "returned with preemption off", NULL);
}

/*
 * As many owners as CPUs.  Each stays on its CPU, and one more thread waits.
 */
#define	NOWNERS	32

static pthread_barrier_t owned, looked;
static atomic_bool letgo;

static void *
stay(void *arg)
{
	struct cpu_info *ci;
	void *p;
	int i;

	kpreempt_disable();
	ci = curcpu();
	p = percpu_getref(counts);
	pthread_barrier_wait(&owned);
	for (i = 0; i < 1000; i++) {
		ATF_REQUIRE(curcpu() == ci);
		if (i % 100 == 0)
			test_pause();
	}
	*(void **)arg = p;
	pthread_barrier_wait(&looked);
	percpu_putref(counts);
	kpreempt_enable();
	return NULL;
}

static void *
one_more(void *arg)
{

	kpreempt_disable();
	ATF_REQUIRE(atomic_load(&letgo));
	kpreempt_enable();
	return arg;
}

TEST_TC(stable, "as many threads as there are CPUs have preemption off, each "
    "on its CPU; one more waits for the first")
{
	void *mem[NOWNERS];
	pthread_t more, t[NOWNERS];
	size_t i, j;

	test_env("WORKQUEUE_NCPU", "32");
	counts = percpu_alloc(sizeof(struct count));
	pthread_barrier_init(&owned, NULL, NOWNERS + 1);
	pthread_barrier_init(&looked, NULL, NOWNERS + 1);
	for (i = 0; i < NOWNERS; i++)
		t[i] = test_thread(stay, &mem[i]);
	pthread_barrier_wait(&owned);
	more = test_thread(one_more, NULL);
	for (i = 0; i < 100; i++)
		test_pause();
	atomic_store(&letgo, true);
	pthread_barrier_wait(&looked);
	for (i = 0; i < NOWNERS; i++)
		test_join(t[i]);
	test_join(more);
	for (i = 0; i < NOWNERS; i++)
		for (j = 0; j < i; j++)
			ATF_REQUIRE(mem[i] != mem[j]);
	percpu_free(counts, sizeof(struct count));
}

static void *
many_thread(void *arg)
{
	int i;

	for (i = 0; i < TEST_SCALE(200); i++)
		own();
	return arg;
}

static void *
bound(void *arg)
{
	struct cpu_info *ci;
	int i, s, s2;

	(void)arg;
	s = curlwp_bind();
	TEST_EQ(0, s);
	ci = curcpu();
	ATF_REQUIRE(curlwp->l_cpu == ci);
	ATF_REQUIRE((curlwp->l_flag & LW_BOUND) != 0);
	for (i = 0; i < TEST_SCALE(1000); i++) {
		if (i % 100 == 0)
			sched_yield();
		kpreempt_disable();
		ATF_REQUIRE(curcpu() == ci);
		kpreempt_enable();
		s2 = curlwp_bind();
		ATF_REQUIRE(s2 != 0);
		ATF_REQUIRE(curcpu() == ci);
		curlwp_bindx(s2);
		ATF_REQUIRE(curcpu() == ci);
	}
	curlwp_bindx(s);
	ATF_REQUIRE(curlwp->l_cpu == NULL);
	TEST_EQ(0, curlwp->l_flag & LW_BOUND);
	return NULL;
}

TEST_TC(binding, "curcpu stays the same between curlwp_bind and curlwp_bindx, "
    "which nest")
{

	test_threads(NTHREADS, bound, NULL);
}

static void
not_bound_panics(void)
{

	curlwp_bindx(0);
}

TEST_TC(not_bound, "curlwp_bindx without curlwp_bind panics")
{

	test_panics(not_bound_panics, "curlwp_bindx: not bound", NULL);
}

TEST_TC(many_threads, "more threads than there are CPUs all get a CPU")
{
	const unsigned n = 120;
	unsigned total;

	test_env("WORKQUEUE_NCPU", "1");
	counts = percpu_alloc(sizeof(struct count));
	test_threads(n, many_thread, NULL);
	total = 0;
	percpu_foreach(counts, sum, &total);
	TEST_EQ(n * TEST_SCALE(200), total);
	percpu_free(counts, sizeof(struct count));
}

/*
 * In a handler the copy is that of the interrupted thread.
 */
static atomic_int intr_calls;
static void *intr_copy;

static int
intr(void *arg)
{

	(void)arg;
	kpreempt_disable();
	intr_copy = percpu_getref(counts);
	percpu_putref(counts);
	kpreempt_enable();
	atomic_fetch_add(&intr_calls, 1);
	return 1;
}

TEST_TC(in_interrupt, "a handler has the CPU of the thread that it interrupts, "
    "and the thread keeps it")
{
	void *ih, *p;
	int i;

	counts = percpu_alloc(sizeof(struct count));
	ih = intr_establish(SIGUSR1, IPL_HIGH, INTR_MPSAFE, intr, NULL);
	ATF_REQUIRE(ih != NULL);
	raise(SIGUSR1);
	TEST_EQ(1, atomic_load(&intr_calls));
	ATF_REQUIRE(!kpreempt_disabled());
	kpreempt_disable();
	p = percpu_getref(counts);
	for (i = 0; i < 10; i++) {
		raise(SIGUSR1);
		ATF_REQUIRE(intr_copy == p);
		ATF_REQUIRE(kpreempt_disabled());
	}
	TEST_EQ(11, atomic_load(&intr_calls));
	percpu_putref(counts);
	kpreempt_enable();
	ATF_REQUIRE(!kpreempt_disabled());
	intr_disestablish(ih);
	percpu_free(counts, sizeof(struct count));
}

static void *
pester(void *arg)
{
	pthread_t t = *(pthread_t *)arg;
	int i;

	for (i = 0; i < TEST_SCALE(5000); i++)
		ATF_REQUIRE(pthread_kill(t, SIGUSR1) == 0);
	return NULL;
}

TEST_TC(interrupted, "interrupts may arrive anywhere in disabling and enabling")
{
	pthread_t t, self;
	void *ih;
	int i;

	counts = percpu_alloc(sizeof(struct count));
	ih = intr_establish(SIGUSR1, IPL_HIGH, INTR_MPSAFE, intr, NULL);
	ATF_REQUIRE(ih != NULL);
	self = pthread_self();
	t = test_thread(pester, &self);
	for (i = 0; i < NROUNDS; i++)
		own();
	test_join(t);
	/*
	 * The signal has arrived at least once; several may have arrived as
	 * one.
	 */
	TEST_AWAIT(atomic_load(&intr_calls) > 0);
	TEST_EQ(intr_count(ih), atomic_load(&intr_calls));
	ATF_REQUIRE(!kpreempt_disabled());
	intr_disestablish(ih);
	percpu_free(counts, sizeof(struct count));
}

static void
child_owns(void)
{

	own();
	if (kpreempt_disabled())
		_exit(1);
}

TEST_TC(child, "a forked child owns what its thread owned, and finds the "
    "other CPUs free")
{

	counts = percpu_alloc(sizeof(struct count));
	test_lives(child_owns);
	percpu_free(counts, sizeof(struct count));
}

TEST_TC(not_disabled, "kpreempt_enable without kpreempt_disable panics")
{

	test_panics(kpreempt_enable, "kpreempt_enable: not disabled", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, alone);
	ATF_TP_ADD_TC(tp, alone_1cpu);
	ATF_TP_ADD_TC(tp, alone_7cpus);
	ATF_TP_ADD_TC(tp, nested);
	ATF_TP_ADD_TC(tp, levels);
	ATF_TP_ADD_TC(tp, checking);
	ATF_TP_ADD_TC(tp, stable);
	ATF_TP_ADD_TC(tp, binding);
	ATF_TP_ADD_TC(tp, not_bound);
	ATF_TP_ADD_TC(tp, many_threads);
	ATF_TP_ADD_TC(tp, in_interrupt);
	ATF_TP_ADD_TC(tp, interrupted);
	ATF_TP_ADD_TC(tp, child);
	ATF_TP_ADD_TC(tp, not_disabled);
	return atf_no_error();
}
