/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Per-CPU data as kernel code uses it.  Each test runs with 1, 2, 7 and 64
 * CPUs, and with more threads than CPUs.
 */

#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/percpu.h>
#include <sys/pserialize.h>
#include <sys/systm.h>
#include <sys/workqueue.h>
#include <sys/xcall.h>

#include <sched.h>

#include "../../tests.h"

#define	NTHREADS	4

/* A test case for each number of CPUs. */
#define	EACH_NCPU(name, text)						\
static void name(void);							\
TEST_TC(name##_1, text ", with one CPU")				\
{									\
									\
	test_env("WORKQUEUE_NCPU", "1");				\
	name();								\
}									\
TEST_TC(name##_2, text ", with two")					\
{									\
									\
	test_env("WORKQUEUE_NCPU", "2");				\
	name();								\
}									\
TEST_TC(name##_7, text ", with seven, checking")			\
{									\
									\
	test_env("WORKQUEUE_NCPU", "7");				\
	test_env("WORKQUEUE_CHECK", "1");				\
	name();								\
}									\
TEST_TC(name##_64, text ", with 64")					\
{									\
									\
	test_env("WORKQUEUE_NCPU", "64");				\
	name();								\
}									\
static void								\
name(void)

#define	EACH_NCPU_ADD(tp, name) do {					\
	ATF_TP_ADD_TC(tp, name##_1);					\
	ATF_TP_ADD_TC(tp, name##_2);					\
	ATF_TP_ADD_TC(tp, name##_7);					\
	ATF_TP_ADD_TC(tp, name##_64);					\
} while (0)

static pthread_barrier_t together;

/* NTHREADS threads, which begin together. */
static void
run_together(void *(*func)(void *))
{
	pthread_t t[NTHREADS];
	intptr_t i;

	pthread_barrier_init(&together, NULL, NTHREADS);
	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(func, (void *)i);
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
	pthread_barrier_destroy(&together);
}

/*
 * A queue of packets for each CPU, drained by a soft interrupt of the CPU, a
 * worker, or a callout.
 */
struct pkt {
	struct pkt	*p_next;
	unsigned	 p_seen;
};

struct pktq {
	struct pkt	*pq_first;
	struct work	 pq_work;
	bool		 pq_enqueued;
};

static percpu_t *queues;
static atomic_uint npkt_seen;
static void *pkt_sih;
static struct workqueue *pkt_wq;

static struct pktq *
pktq_get(int *sp)
{
	struct pktq *pq;

	pq = percpu_getref(queues);
	*sp = splvm();
	return pq;
}

static void
pktq_put(int s)
{

	splx(s);
	percpu_putref(queues);
}

static void
pktq_drain(void)
{
	struct pktq *pq;
	struct pkt *p, *next;
	int s;

	pq = pktq_get(&s);
	p = pq->pq_first;
	pq->pq_first = NULL;
	pq->pq_enqueued = false;
	pktq_put(s);
	for (; p != NULL; p = next) {
		next = p->p_next;
		p->p_seen++;
		atomic_fetch_add(&npkt_seen, 1);
	}
}

static void
pktq_soft(void *arg)
{

	(void)arg;
	pktq_drain();
}

static void
pktq_work(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	pktq_drain();
}

#define	NPKTS	TEST_SCALE(20000)

static void *
pktq_producer(void *arg)
{
	struct pktq *pq;
	struct pkt *pkts;
	bool first;
	int i, s;

	pkts = calloc((size_t)NPKTS, sizeof(*pkts));
	ATF_REQUIRE(pkts != NULL);
	pthread_barrier_wait(&together);
	for (i = 0; i < NPKTS; i++) {
		pq = pktq_get(&s);
		pkts[i].p_next = pq->pq_first;
		pq->pq_first = &pkts[i];
		first = !pq->pq_enqueued;
		pq->pq_enqueued = true;
		if (pkt_wq == NULL)
			softint_schedule(pkt_sih);
		else if (first)
			workqueue_enqueue(pkt_wq, &pq->pq_work, NULL);
		pktq_put(s);
		if (i % 100 == 0)
			test_pause();
	}
	*(struct pkt **)arg = pkts;
	return NULL;
}

static void *
pktq_producer_n(void *arg)
{
	struct pkt *pkts;
	int i;

	(void)pktq_producer(&pkts);
	TEST_AWAIT(atomic_load(&npkt_seen) ==
	    (unsigned)(NTHREADS * NPKTS));
	for (i = 0; i < NPKTS; i++)
		TEST_EQ(1, pkts[i].p_seen);
	free(pkts);
	return arg;
}

static void
pktq_run(void)
{

	queues = percpu_alloc(sizeof(struct pktq));
	run_together(pktq_producer_n);
	TEST_EQ(NTHREADS * NPKTS, npkt_seen);
}

EACH_NCPU(pktq_softint, "a soft interrupt finds what the thread that scheduled "
    "it has put on its CPU's queue")
{

	pkt_sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, pktq_soft,
	    NULL);
	ATF_REQUIRE(pkt_sih != NULL);
	pktq_run();
	softint_disestablish(pkt_sih);
}

EACH_NCPU(pktq_workqueue, "the worker of a CPU finds what a thread has put on "
    "that CPU's queue")
{

	TEST_EQ(0, workqueue_create(&pkt_wq, "pktq", pktq_work, NULL,
	    PRI_NONE, IPL_VM, WQ_MPSAFE | WQ_PERCPU));
	pktq_run();
	workqueue_destroy(pkt_wq);
}

/*
 * Each function that runs on a CPU gets the copy of that CPU.
 */
static atomic_int right;

static void
copy_check(struct cpu_info *ci)
{
	void *p;

	p = percpu_getref(queues);
	ATF_REQUIRE(p == percpu_getptr_remote(queues, ci));
	ATF_REQUIRE(curcpu() == ci);
	percpu_putref(queues);
	atomic_fetch_add(&right, 1);
}

static void
copy_callout(void *ci)
{

	copy_check(ci);
}

static void
copy_work(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	copy_check(curcpu());
}

static void
copy_xcall(void *a, void *b)
{

	(void)a;
	(void)b;
	copy_check(curcpu());
}

static void
copy_foreach(void *p, void *arg, struct cpu_info *ci)
{

	(void)arg;
	ATF_REQUIRE(p == percpu_getptr_remote(queues, ci));
	ATF_REQUIRE(kpreempt_disabled());
	copy_check(ci);
}

static void
copy_soft(void *arg)
{

	(void)arg;
	copy_check(curcpu());
}

EACH_NCPU(copies, "a callout, a soft interrupt, a worker and a cross-call have "
    "the copy of their CPU")
{
	CPU_INFO_ITERATOR cii;
	struct workqueue *wq;
	struct cpu_info *ci;
	struct work *wks;
	callout_t *cs;
	void *sih;
	int i, n;

	n = ncpu;
	queues = percpu_alloc(sizeof(struct pktq));
	cs = calloc((size_t)n, sizeof(*cs));
	wks = calloc((size_t)n, sizeof(*wks));
	sih = softint_establish(SOFTINT_CLOCK | SOFTINT_MPSAFE, copy_soft,
	    NULL);
	ATF_REQUIRE(cs != NULL && wks != NULL && sih != NULL);
	TEST_EQ(0, workqueue_create(&wq, "copies", copy_work, NULL, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE | WQ_PERCPU));
	for (CPU_INFO_FOREACH(cii, ci)) {
		i = (int)cpu_index(ci);
		callout_init(&cs[i], CALLOUT_MPSAFE);
		callout_setfunc(&cs[i], copy_callout, ci);
		callout_bind(&cs[i], ci);
		callout_schedule(&cs[i], 1);
		softint_schedule_cpu(sih, ci);
		workqueue_enqueue(wq, &wks[i], ci);
		xc_wait(xc_unicast(i % 2 ? XC_HIGHPRI : 0, copy_xcall, NULL,
		    NULL, ci));
	}
	xc_wait(xc_broadcast(0, copy_xcall, NULL, NULL));
	percpu_foreach_xcall(queues, XC_HIGHPRI, copy_foreach, NULL);
	TEST_AWAIT(atomic_load(&right) == 6 * n);
	for (i = 0; i < n; i++) {
		callout_halt(&cs[i], NULL);
		callout_destroy(&cs[i]);
	}
	workqueue_destroy(wq);
	softint_disestablish(sih);
	percpu_free(queues, sizeof(struct pktq));
}

/*
 * Tasklets: each CPU has a list, which its soft interrupt runs.
 */
struct tasklet {
	struct tasklet	*tl_next;
	atomic_uint	 tl_scheduled;
	atomic_uint	 tl_running;
	unsigned	 tl_runs;	/* plain: runs exclude each other */
};

struct tasklet_cpu {
	struct tasklet	*tc_first;
	struct tasklet	**tc_lastp;
};

#define	NTASKLETS	8

static struct tasklet tasklets[NTASKLETS];
static atomic_uint tasklets_queued;
static percpu_t *tasklet_percpu;
static void *tasklet_sih;

static void
tasklet_ctor(void *p, void *arg, struct cpu_info *ci)
{
	struct tasklet_cpu *tc = p;

	(void)arg;
	(void)ci;
	tc->tc_lastp = &tc->tc_first;
}

static void
tasklet_enqueue(struct tasklet *tl)
{
	struct tasklet_cpu *tc;
	int s;

	tc = percpu_getref(tasklet_percpu);
	s = splvm();
	tl->tl_next = NULL;
	*tc->tc_lastp = tl;
	tc->tc_lastp = &tl->tl_next;
	softint_schedule(tasklet_sih);
	splx(s);
	percpu_putref(tasklet_percpu);
}

static void
tasklet_schedule(struct tasklet *tl)
{

	if (atomic_exchange(&tl->tl_scheduled, 1) != 0)
		return;
	atomic_fetch_add(&tasklets_queued, 1);
	tasklet_enqueue(tl);
}

static void
tasklet_soft(void *arg)
{
	struct tasklet_cpu *tc;
	struct tasklet *tl, *next;
	int s;

	(void)arg;
	tc = percpu_getref(tasklet_percpu);
	s = splvm();
	tl = tc->tc_first;
	tc->tc_first = NULL;
	tc->tc_lastp = &tc->tc_first;
	splx(s);
	percpu_putref(tasklet_percpu);
	for (; tl != NULL; tl = next) {
		next = tl->tl_next;
		if (atomic_exchange(&tl->tl_running, 1) != 0) {
			/* The tasklet runs on another CPU: try later. */
			tasklet_enqueue(tl);
			continue;
		}
		atomic_store(&tl->tl_scheduled, 0);
		tl->tl_runs++;
		atomic_store(&tl->tl_running, 0);
	}
}

static void *
tasklet_thread(void *arg)
{
	int i;

	pthread_barrier_wait(&together);
	for (i = 0; i < TEST_SCALE(50000); i++)
		tasklet_schedule(&tasklets[((intptr_t)arg + i) % NTASKLETS]);
	return NULL;
}

static unsigned
tasklet_runs(void)
{
	unsigned i, n;

	for (n = 0, i = 0; i < NTASKLETS; i++)
		n += tasklets[i].tl_runs;
	return n;
}

EACH_NCPU(tasklets_, "each tasklet runs once for each time it was scheduled, "
    "and by one CPU at a time")
{
	unsigned i;

	tasklet_percpu = percpu_create(sizeof(struct tasklet_cpu),
	    tasklet_ctor, NULL, NULL);
	tasklet_sih = softint_establish(SOFTINT_CLOCK | SOFTINT_MPSAFE,
	    tasklet_soft, NULL);
	ATF_REQUIRE(tasklet_sih != NULL);
	run_together(tasklet_thread);
	for (i = 0; i < NTASKLETS; i++)
		TEST_AWAIT(atomic_load(&tasklets[i].tl_scheduled) == 0);
	softint_disestablish(tasklet_sih);
	TEST_EQ(tasklets_queued, tasklet_runs());
}

/*
 * Counts that a broadcast adds up.
 */
struct count {
	uint64_t	 c_n;
};

static percpu_t *counts;
static atomic_bool counting;
static atomic_uint ncounted;

static void *
count_thread(void *arg)
{
	struct count *c;
	int i;

	(void)arg;
	pthread_barrier_wait(&together);
	for (i = 0; i < TEST_SCALE(200000); i++) {
		c = percpu_getref(counts);
		c->c_n++;
		percpu_putref(counts);
	}
	atomic_fetch_add(&ncounted, 1);
	return NULL;
}

static void
count_add(void *total, void *b)
{
	struct count *c;

	(void)b;
	c = percpu_getref(counts);
	atomic_fetch_add((_Atomic uint64_t *)total, c->c_n);
	percpu_putref(counts);
}

static void *
count_summer(void *arg)
{
	static _Atomic uint64_t sum, last;
	unsigned flags;

	(void)arg;
	for (flags = 0; atomic_load(&counting); flags ^= XC_HIGHPRI) {
		atomic_store(&sum, 0);
		xc_wait(xc_broadcast(flags, count_add, &sum, NULL));
		/* No count is lost. */
		ATF_REQUIRE(atomic_load(&sum) >= last);
		last = atomic_load(&sum);
	}
	return NULL;
}

EACH_NCPU(broadcast_sum, "a broadcast that adds up counts loses none")
{
	_Atomic uint64_t sum = 0;
	pthread_t t;

	counts = percpu_alloc(sizeof(struct count));
	atomic_store(&counting, true);
	t = test_thread(count_summer, NULL);
	run_together(count_thread);
	atomic_store(&counting, false);
	test_join(t);
	TEST_EQ(NTHREADS, ncounted);
	xc_wait(xc_broadcast(0, count_add, &sum, NULL));
	TEST_EQ(NTHREADS * TEST_SCALE(200000), sum);
	sum = 0;
	xc_wait(xc_broadcast(XC_HIGHPRI, count_add, &sum, NULL));
	TEST_EQ(NTHREADS * TEST_SCALE(200000), sum);
	percpu_free(counts, sizeof(struct count));
}

/*
 * Plain counts in an array indexed by CPU, in every context that disables
 * preemption.  The test runs before anything else in its process.
 */
static struct {
	uint64_t	 a_n;
	char		 a_pad[56];
} array[64];
static void *array_sih;
static atomic_uint array_soft_runs;

static void
array_count(void)
{
	struct cpu_info *ci;
	volatile uint64_t *np;
	uint64_t n;
	unsigned i;

	ci = curcpu();
	np = &array[cpu_index(ci)].a_n;
	/* Give another thread time to interfere. */
	n = *np;
	for (i = 0; i < 50; i++)
		ATF_REQUIRE(*np == n);
	*np = n + 1;
	ATF_REQUIRE(curcpu() == ci);
}

static void
array_soft(void *arg)
{

	(void)arg;
	array_count();
	atomic_fetch_add(&array_soft_runs, 1);
}

static void *
array_thread(void *arg)
{
	kmutex_t lock;
	int i, s;

	mutex_init(&lock, MUTEX_DEFAULT, IPL_VM);
	pthread_barrier_wait(&together);
	for (i = 0; i < TEST_SCALE(100000); i++) {
		switch ((intptr_t)arg) {
		case 0:
			kpreempt_disable();
			array_count();
			kpreempt_enable();
			break;
		case 1:
			mutex_enter(&lock);
			array_count();
			mutex_exit(&lock);
			break;
		case 2:
			s = splsoftclock();
			array_count();
			splx(s);
			break;
		case 3:
			softint_schedule(array_sih);
			mutex_enter(&lock);
			kpreempt_disable();
			mutex_exit(&lock);
			array_count();
			kpreempt_enable();
			break;
		}
	}
	mutex_destroy(&lock);
	return NULL;
}

EACH_NCPU(indexed, "no count is lost in an array by CPU, with preemption off, "
    "a spin mutex, a raised level, and in soft interrupts")
{
	uint64_t sum;
	int i;

	array_sih = softint_establish(SOFTINT_BIO | SOFTINT_MPSAFE, array_soft,
	    NULL);
	ATF_REQUIRE(array_sih != NULL);
	run_together(array_thread);
	softint_disestablish(array_sih);
	for (sum = 0, i = 0; i < 64; i++)
		sum += array[i].a_n;
	TEST_EQ((unsigned)(NTHREADS * TEST_SCALE(100000)) +
	    atomic_load(&array_soft_runs), sum);
}

/*
 * A writer unpublishes a hook, and frees it after a barrier.
 */
#define	HOOK_MAGIC	0x600dc0de
#define	NSWAPS		400u

struct hook {
	unsigned	 h_magic;
};

static _Atomic(struct hook *) hook;
static atomic_bool hooking;
static void *hook_sih, *hook_ih;
static atomic_uint nhook_calls;

static void
hook_call(void)
{
	struct hook *h;
	int i;

	h = atomic_load(&hook);
	if (h == NULL)
		return;
	for (i = 0; i < 20; i++) {
		/* Now and then give the writer time. */
		if (i == 10 && atomic_load(&nhook_calls) % 64 == 0)
			sched_yield();
		TEST_EQ(HOOK_MAGIC, *(volatile unsigned *)&h->h_magic);
	}
	atomic_fetch_add(&nhook_calls, 1);
}

static void
hook_soft(void *arg)
{

	(void)arg;
	hook_call();
}

static int
hook_intr(void *arg)
{

	(void)arg;
	hook_call();
	return 1;
}

static void *
hook_thread(void *arg)
{
	kmutex_t lock;
	int s;

	mutex_init(&lock, MUTEX_DEFAULT, IPL_SCHED);
	pthread_barrier_wait(&together);
	while (atomic_load(&hooking)) {
		switch ((intptr_t)arg) {
		case 0:
			kpreempt_disable();
			hook_call();
			kpreempt_enable();
			pthread_kill(pthread_self(), SIGUSR1);
			break;
		case 1:
			mutex_enter(&lock);
			hook_call();
			mutex_exit(&lock);
			break;
		case 2:
			s = splsoftnet();
			hook_call();
			splx(s);
			softint_schedule(hook_sih);
			break;
		case 3:
			s = pserialize_read_enter();
			hook_call();
			pserialize_read_exit(s);
			break;
		}
	}
	mutex_destroy(&lock);
	return NULL;
}

static void
hook_nothing(void *a, void *b)
{

	(void)a;
	(void)b;
}

static void *
hook_writer(void *arg)
{
	static struct hook hs[NSWAPS];
	struct hook *h, *old;
	int64_t end;
	unsigned i;

	(void)arg;
	/*
	 * Limit the time, because barriers are slow if the host preempts
	 * readers in a section.
	 */
	end = test_now() + INT64_C(4000000000);
	for (i = 0; i < NSWAPS && (i < 12 || test_now() < end); i++) {
		/* Reuse no hook, or a late reader would go unnoticed. */
		h = &hs[i];
		h->h_magic = HOOK_MAGIC;
		old = atomic_exchange(&hook, h);
		/* Begin when a reader has. */
		while (atomic_load(&nhook_calls) == 0)
			sched_yield();
		switch (i % 4) {
		case 0:
			xc_barrier(0);
			break;
		case 1:
			xc_barrier(XC_HIGHPRI);
			break;
		case 2:
			xc_wait(xc_broadcast(0, hook_nothing, NULL, NULL));
			break;
		case 3:
			xc_wait(xc_broadcast(XC_HIGHPRI, hook_nothing, NULL,
			    NULL));
			break;
		}
		/* Use a plain store, so that a late reader would race. */
		if (old != NULL)
			old->h_magic = 0;
	}
	atomic_store(&hooking, false);
	return NULL;
}

EACH_NCPU(hooks, "after a barrier nobody uses what was unpublished before: no "
    "section, no soft interrupt and no interrupt")
{
	pthread_t t;

	hook_sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, hook_soft,
	    NULL);
	hook_ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, hook_intr,
	    NULL);
	ATF_REQUIRE(hook_sih != NULL && hook_ih != NULL);
	atomic_store(&hooking, true);
	t = test_thread(hook_writer, NULL);
	run_together(hook_thread);
	test_join(t);
	ATF_REQUIRE(atomic_load(&nhook_calls) != 0);
	softint_disestablish(hook_sih);
	intr_disestablish(hook_ih);
}

/*
 * A cache for each CPU, which an interrupt refills.
 */
struct cache {
	unsigned	 ca_n;
};

static percpu_t *caches;
static atomic_uint nfilled, ntaken;

static int
cache_intr(void *arg)
{
	struct cache *ca;

	(void)arg;
	ca = percpu_getref(caches);
	ca->ca_n++;
	percpu_putref(caches);
	atomic_fetch_add(&nfilled, 1);
	return 1;
}

static void *
cache_thread(void *arg)
{
	struct cache *ca;
	unsigned n;
	int i, s;

	(void)arg;
	pthread_barrier_wait(&together);
	for (i = 0; i < TEST_SCALE(20000); i++) {
		pthread_kill(pthread_self(), SIGUSR2);
		ca = percpu_getref(caches);
		s = splvm();
		/*
		 * Interrupts are blocked, so none comes between the load and
		 * the store.
		 */
		n = ca->ca_n;
		pthread_kill(pthread_self(), SIGUSR2);
		ca->ca_n = 0;
		splx(s);
		percpu_putref(caches);
		atomic_fetch_add(&ntaken, n);
	}
	return NULL;
}

static void
cache_rest(void *p, void *arg, struct cpu_info *ci)
{

	(void)ci;
	*(unsigned *)arg += ((struct cache *)p)->ca_n;
}

EACH_NCPU(cache, "what interrupts put into their CPU's cache is taken out once")
{
	unsigned rest = 0;
	void *ih;

	caches = percpu_alloc(sizeof(struct cache));
	ih = intr_establish(SIGUSR2, IPL_VM, INTR_MPSAFE, cache_intr, NULL);
	ATF_REQUIRE(ih != NULL);
	run_together(cache_thread);
	TEST_AWAIT(atomic_load(&nfilled) == intr_count(ih));
	percpu_foreach(caches, cache_rest, &rest);
	TEST_EQ(nfilled, ntaken + rest);
	intr_disestablish(ih);
	percpu_free(caches, sizeof(struct cache));
}

TEST_TP_ADD_TCS(tp)
{

	EACH_NCPU_ADD(tp, pktq_softint);
	EACH_NCPU_ADD(tp, pktq_workqueue);
	EACH_NCPU_ADD(tp, copies);
	EACH_NCPU_ADD(tp, tasklets_);
	EACH_NCPU_ADD(tp, broadcast_sum);
	EACH_NCPU_ADD(tp, indexed);
	EACH_NCPU_ADD(tp, hooks);
	EACH_NCPU_ADD(tp, cache);
	return atf_no_error();
}
