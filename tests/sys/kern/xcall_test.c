/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * xcall(9).
 */

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/percpu.h>
#include <sys/pserialize.h>
#include <sys/systm.h>
#include <sys/xcall.h>

#include "../../tests.h"

static atomic_int hits[1024], total;

static void
hit(void *a, void *b)
{

	ATF_REQUIRE(a == hits && b == &total);
	ATF_REQUIRE(!cpu_intr_p());
	atomic_fetch_add(&hits[cpu_index(curcpu())], 1);
	atomic_fetch_add(&total, 1);
}

static void
hit_softint(void *a, void *b)
{

	ATF_REQUIRE(cpu_softintr_p());
	hit(a, b);
}

static void
broadcast(void)
{
	static const unsigned flags[] = {
		0, XC_HIGHPRI, XC_HIGHPRI_IPL(IPL_SOFTCLOCK),
		XC_HIGHPRI_IPL(IPL_SOFTBIO), XC_HIGHPRI_IPL(IPL_SOFTNET),
		XC_HIGHPRI_IPL(IPL_SOFTSERIAL)
	};
	uint64_t ticket;
	int i, n = 0;
	size_t j;

	for (j = 0; j < TEST_NELEM(flags); j++) {
		n++;
		ticket = xc_broadcast(flags[j], flags[j] ? hit_softint : hit,
		    hits, &total);
		ATF_REQUIRE(ticket != 0);
		xc_wait(ticket);
		TEST_EQ(n * ncpu, total);
		for (i = 0; i < ncpu; i++)
			TEST_EQ(n, hits[i]);
		/* A second wait returns at once. */
		xc_wait(ticket);
	}
}

TEST_TC(broadcast_, "a call runs on every CPU, in the requested context")
{

	test_env("WORKQUEUE_CHECK", "1");
	broadcast();
}

TEST_TC(broadcast_1, "the same with one CPU")
{

	test_env("WORKQUEUE_NCPU", "1");
	broadcast();
}

TEST_TC(broadcast_7, "the same with seven CPUs")
{

	test_env("WORKQUEUE_NCPU", "7");
	broadcast();
}

TEST_TC(unicast, "a call on one CPU")
{
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;
	int i, n = 0;

	test_env("WORKQUEUE_NCPU", "3");
	for (CPU_INFO_FOREACH(cii, ci)) {
		xc_wait(xc_unicast(0, hit, hits, &total, ci));
		xc_wait(xc_unicast(XC_HIGHPRI, hit_softint, hits, &total, ci));
		n += 2;
		TEST_EQ(n, total);
		for (i = 0; i < ncpu; i++)
			TEST_EQ(i <= cii ? 2 : 0, hits[i]);
	}
}

static void *
caller(void *arg)
{
	uint64_t tickets[8];
	int i, j;

	for (i = 0; i < *(int *)arg; i++) {
		for (j = 0; j < 8; j++)
			tickets[j] = j % 4 == 3 ? xc_unicast(0, hit, hits,
			    &total, cpu_lookup((unsigned)(i % ncpu))) :
			    xc_broadcast(j % 2 ? XC_HIGHPRI : 0, hit, hits,
			    &total);
		/* Wait in reverse order, and not for the first call. */
		for (j = 7; j > 0; j--)
			xc_wait(tickets[j]);
	}
	return NULL;
}

TEST_TC(threads, "calls by several threads at the same time are all made")
{
	int n = TEST_SCALE(500);

	test_env("WORKQUEUE_NCPU", "3");
	test_threads(4, caller, &n);
	TEST_AWAIT(atomic_load(&total) == 4 * n * (6 * 3 + 2));
}

/*
 * The barrier waits for each kind of section.
 */
static sem_t inside;
static atomic_int left;
static int plain;			/* ordered by the barrier */
static kmutex_t spin;
static percpu_t *copies;
static void *sih, *ih;

static void
section(void *arg)
{
	int i;

	(void)arg;
	plain++;
	sem_post(&inside);
	for (i = 0; i < 20; i++)
		test_pause();
	plain++;
	atomic_store(&left, 1);
}

static void
section_preempt(void)
{

	kpreempt_disable();
	section(NULL);
	kpreempt_enable();
}

static void
section_percpu(void)
{

	(void)percpu_getref(copies);
	section(NULL);
	percpu_putref(copies);
}

static void
section_spl(void)
{
	int s;

	s = splsoftclock();
	section(NULL);
	splx(s);
}

static void
section_mutex(void)
{

	mutex_enter(&spin);
	section(NULL);
	mutex_exit(&spin);
}

static void
section_pserialize(void)
{
	int s;

	s = pserialize_read_enter();
	section(NULL);
	pserialize_read_exit(s);
}

static void
section_softint(void)
{

	kpreempt_disable();
	softint_schedule(sih);
	kpreempt_enable();
	TEST_AWAIT(atomic_load(&left) == 1);
}

static int
section_handler(void *arg)
{

	section(arg);
	return 1;
}

static void
section_intr(void)
{

	intr_inject(ih);
}

static void (*const sections[])(void) = {
	section_preempt, section_percpu, section_spl, section_mutex,
	section_pserialize, section_softint, section_intr
};

static void *
section_thread(void *arg)
{

	(*sections[*(size_t *)arg])();
	return NULL;
}

TEST_TC(barrier, "xc_barrier() waits for preemption that is off, a reference "
    "to percpu(9) memory, a raised level, a spin mutex, a reader of "
    "pserialize(9), a soft interrupt and an interrupt")
{
	pthread_t t;
	size_t i;
	int n = 0, pri;

	sem_init(&inside, 0, 0);
	mutex_init(&spin, MUTEX_DEFAULT, IPL_VM);
	copies = percpu_alloc(sizeof(int));
	sih = softint_establish(SOFTINT_CLOCK | SOFTINT_MPSAFE, section, NULL);
	ATF_REQUIRE(sih != NULL);
	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, section_handler, NULL);
	ATF_REQUIRE(ih != NULL);
	for (i = 0; i < TEST_NELEM(sections); i++) {
		for (pri = 0; pri < 2; pri++) {
			atomic_store(&left, 0);
			t = test_thread(section_thread, &i);
			test_sem_wait(&inside);
			xc_barrier(pri ? XC_HIGHPRI : 0);
			ATF_REQUIRE_MSG(atomic_load(&left) == 1,
			    "section %zu", i);
			n += 2;
			TEST_EQ(n, plain);
			test_join(t);
		}
	}
	intr_disestablish(ih);
	softint_disestablish(sih);
	percpu_free(copies, sizeof(int));
	mutex_destroy(&spin);
}

static void
child(void)
{

	broadcast();
}

TEST_TC(fork, "it works in a child")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_lives(child);
	broadcast();
	memset(hits, 0, sizeof(hits));
	atomic_store(&total, 0);
	test_lives(child);
}

/*
 * Misuse.
 */
static void
nothing(void *a, void *b)
{

	(void)a;
	(void)b;
}

static int
intr_call(void *arg)
{

	(void)arg;
	(void)xc_broadcast(0, nothing, NULL, NULL);
	return 1;
}

static void
from_intr(void)
{

	intr_inject(intr_establish(0, IPL_VM, INTR_MPSAFE, intr_call, NULL));
}

static void
call(void *a, void *b)
{

	(void)a;
	(void)b;
	(void)xc_broadcast(0, nothing, NULL, NULL);
}

static void
from_softint(void)
{

	xc_wait(xc_broadcast(XC_HIGHPRI, call, NULL, NULL));
}

static void
no_cpu(void)
{
	static struct cpu_info stranger;

	(void)xc_unicast(0, nothing, NULL, NULL, &stranger);
}

static void
bad_ipl(void)
{

	(void)xc_broadcast(XC_HIGHPRI_IPL(IPL_VM), nothing, NULL, NULL);
}

static void
wait_inside(void *a, void *b)
{

	(void)a;
	(void)b;
	xc_barrier(0);
}

static void
wait_in_call(void)
{

	xc_wait(xc_broadcast(0, wait_inside, NULL, NULL));
}

TEST_TC(misuse, "wrong contexts, CPUs and levels, and a wait that cannot end, "
    "panic")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(from_intr, "xc_broadcast: called in interrupt context",
	    NULL);
	test_panics(from_softint, "xc_broadcast: called in softint context",
	    NULL);
	test_panics(no_cpu, "xc_unicast: no such CPU", NULL);
	test_panics(bad_ipl, "xc_broadcast: IPL 5", NULL);
	test_panics(wait_in_call, "xc_barrier: called by a cross-call", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, broadcast_);
	ATF_TP_ADD_TC(tp, broadcast_1);
	ATF_TP_ADD_TC(tp, broadcast_7);
	ATF_TP_ADD_TC(tp, unicast);
	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, barrier);
	ATF_TP_ADD_TC(tp, fork);
	ATF_TP_ADD_TC(tp, misuse);
	return atf_no_error();
}
