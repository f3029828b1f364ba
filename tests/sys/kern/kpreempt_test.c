/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kpreempt(9): a thread that has disabled preemption owns a CPU slot alone.
 * Which one it is, its percpu(9) memory tells.
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

struct slot {
	int		 s_owned;
	unsigned	 s_count;
};

static percpu_t *slots;

static void
sum(void *p, void *arg, struct cpu_info *ci)
{

	(void)ci;
	*(unsigned *)arg += ((struct slot *)p)->s_count;
}

/*
 * Own a slot, and see that nobody else does: the accesses are plain ones.
 */
static void
own(void)
{
	struct cpu_info *ci;
	struct slot *s, *s2;
	int i;

	kpreempt_disable();
	ci = curcpu();
	s = percpu_getref(slots);
	TEST_EQ(0, s->s_owned);
	s->s_owned = 1;
	s->s_count++;
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE(curcpu() == ci);
		kpreempt_disable();
		s2 = percpu_getref(slots);
		ATF_REQUIRE(s2 == s);
		percpu_putref(slots);
		kpreempt_enable();
		ATF_REQUIRE(kpreempt_disabled());
	}
	TEST_EQ(1, s->s_owned);
	s->s_owned = 0;
	percpu_putref(slots);
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

	slots = percpu_alloc(sizeof(struct slot));
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
	percpu_foreach(slots, sum, &total);
	TEST_EQ(2 * NTHREADS * NROUNDS, total);
	percpu_free(slots, sizeof(struct slot));
}

TEST_TC(alone, "threads of one CPU, bound and not, never share a slot, and "
    "no count is lost")
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
 * What checking mode says.
 */
static void
sleeps_nopreempt(void)
{

	kpreempt_disable();
	(void)kpause("nopreempt", false, 1, NULL);
}

static void
do_nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static void
waits_nopreempt(void)
{
	struct workqueue *wq;
	struct work wk;

	wq = test_create("nopreempt", do_nothing, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, NULL);
	kpreempt_disable();
	workqueue_wait(wq, &wk);
}

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

TEST_TC(checking, "in checking mode sleeping with preemption off panics, and "
    "so does a callback that returns with it off")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(sleeps_nopreempt, "kpause: sleeping with preemption off",
	    NULL);
	test_panics(waits_nopreempt,
	    "workqueue_wait: sleeping with preemption off", NULL);
	test_panics(returns_nopreempt, "workqueue \"leaver\"",
	    "returned with preemption off", NULL);
}

/*
 * More owners than CPUs: each stays where it is.
 */
static pthread_barrier_t owned, looked;

static void *
stay(void *arg)
{
	struct cpu_info *ci;
	void *p;
	int i;

	kpreempt_disable();
	ci = curcpu();
	p = percpu_getref(slots);
	pthread_barrier_wait(&owned);
	for (i = 0; i < 1000; i++) {
		ATF_REQUIRE(curcpu() == ci);
		if (i % 100 == 0)
			test_pause();
	}
	*(void **)arg = p;
	pthread_barrier_wait(&looked);
	percpu_putref(slots);
	kpreempt_enable();
	return NULL;
}

TEST_TC(stable, "curcpu stays the same while preemption is off, and all who "
    "have it off at a time have different memory")
{
	void *mem[32];
	pthread_t t[32];
	size_t i, j;

	slots = percpu_alloc(sizeof(struct slot));
	pthread_barrier_init(&owned, NULL, TEST_NELEM(t));
	pthread_barrier_init(&looked, NULL, TEST_NELEM(t));
	for (i = 0; i < TEST_NELEM(t); i++)
		t[i] = test_thread(stay, &mem[i]);
	for (i = 0; i < TEST_NELEM(t); i++)
		test_join(t[i]);
	for (i = 0; i < TEST_NELEM(t); i++)
		for (j = 0; j < i; j++)
			ATF_REQUIRE(mem[i] != mem[j]);
	percpu_free(slots, sizeof(struct slot));
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

TEST_TC(more_than_slots, "more threads than there are slots get their turn")
{
	const unsigned n = 120;
	unsigned total;

	test_env("WORKQUEUE_NCPU", "1");
	slots = percpu_alloc(sizeof(struct slot));
	test_threads(n, many_thread, NULL);
	total = 0;
	percpu_foreach(slots, sum, &total);
	TEST_EQ(n * TEST_SCALE(200), total);
	percpu_free(slots, sizeof(struct slot));
}

/*
 * In a handler: the slot is that of the interrupted thread.
 */
static atomic_int intr_calls;
static void *intr_slot;

static int
intr(void *arg)
{

	(void)arg;
	kpreempt_disable();
	intr_slot = percpu_getref(slots);
	percpu_putref(slots);
	kpreempt_enable();
	atomic_fetch_add(&intr_calls, 1);
	return 1;
}

TEST_TC(in_interrupt, "a handler has the slot of the thread it interrupts, "
    "and leaves it so")
{
	void *ih, *p;
	int i;

	slots = percpu_alloc(sizeof(struct slot));
	ih = intr_establish(SIGUSR1, IPL_HIGH, INTR_MPSAFE, intr, NULL);
	ATF_REQUIRE(ih != NULL);
	raise(SIGUSR1);
	TEST_EQ(1, atomic_load(&intr_calls));
	ATF_REQUIRE(!kpreempt_disabled());
	kpreempt_disable();
	p = percpu_getref(slots);
	for (i = 0; i < 10; i++) {
		raise(SIGUSR1);
		ATF_REQUIRE(intr_slot == p);
		ATF_REQUIRE(kpreempt_disabled());
	}
	TEST_EQ(11, atomic_load(&intr_calls));
	percpu_putref(slots);
	kpreempt_enable();
	ATF_REQUIRE(!kpreempt_disabled());
	intr_disestablish(ih);
	percpu_free(slots, sizeof(struct slot));
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

TEST_TC(interrupted, "interrupts at any moment of disabling and enabling")
{
	pthread_t t, self;
	void *ih;
	int i;

	slots = percpu_alloc(sizeof(struct slot));
	ih = intr_establish(SIGUSR1, IPL_HIGH, INTR_MPSAFE, intr, NULL);
	ATF_REQUIRE(ih != NULL);
	self = pthread_self();
	t = test_thread(pester, &self);
	for (i = 0; i < NROUNDS; i++)
		own();
	test_join(t);
	/* It has come once at least; several may come as one. */
	TEST_AWAIT(atomic_load(&intr_calls) > 0);
	TEST_EQ(intr_count(ih), atomic_load(&intr_calls));
	ATF_REQUIRE(!kpreempt_disabled());
	intr_disestablish(ih);
	percpu_free(slots, sizeof(struct slot));
}

static void
child_owns(void)
{

	own();
	if (kpreempt_disabled())
		_exit(1);
}

TEST_TC(child, "a forked child owns what its thread owned, and finds the "
    "other slots free")
{

	slots = percpu_alloc(sizeof(struct slot));
	test_lives(child_owns);
	percpu_free(slots, sizeof(struct slot));
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
	ATF_TP_ADD_TC(tp, more_than_slots);
	ATF_TP_ADD_TC(tp, in_interrupt);
	ATF_TP_ADD_TC(tp, interrupted);
	ATF_TP_ADD_TC(tp, child);
	ATF_TP_ADD_TC(tp, not_disabled);
	return atf_no_error();
}
