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
		/* Waiting again does not wait. */
		xc_wait(ticket);
	}
}

TEST_TC(broadcast_, "a call on every CPU, in the context that was asked for")
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
		/* In any order; one is not waited for. */
		for (j = 7; j > 0; j--)
			xc_wait(tickets[j]);
	}
	return NULL;
}

TEST_TC(threads, "calls by several threads at the same time, none is lost")
{
	int n = TEST_SCALE(500);

	test_env("WORKQUEUE_NCPU", "3");
	test_threads(4, caller, &n);
	TEST_AWAIT(atomic_load(&total) == 4 * n * (6 * 3 + 2));
}

/*
 * The barrier: who had preemption disabled has enabled it.
 */
static sem_t inside;
static atomic_int left;
static int plain;			/* the barrier orders it */

static void *
section(void *arg)
{
	int i;

	(void)arg;
	kpreempt_disable();
	plain++;
	sem_post(&inside);
	for (i = 0; i < 20; i++)
		test_pause();
	plain++;
	atomic_store(&left, 1);
	kpreempt_enable();
	return NULL;
}

TEST_TC(barrier, "xc_barrier() waits for those with preemption disabled")
{
	pthread_t t;
	int i;

	sem_init(&inside, 0, 0);
	for (i = 0; i < 6; i++) {
		atomic_store(&left, 0);
		t = test_thread(section, NULL);
		test_sem_wait(&inside);
		xc_barrier(i % 2 ? XC_HIGHPRI : 0);
		TEST_EQ(1, left);
		TEST_EQ(2 * (i + 1), plain);
		test_join(t);
	}
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
wait_nopreempt(void)
{
	uint64_t ticket;

	ticket = xc_broadcast(0, nothing, NULL, NULL);
	kpreempt_disable();
	xc_wait(ticket);
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

TEST_TC(misuse, "wrong contexts, CPUs and levels; waits that cannot end")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(from_intr, "xc_broadcast: called in interrupt context",
	    NULL);
	test_panics(from_softint, "xc_broadcast: called in softint context",
	    NULL);
	test_panics(no_cpu, "xc_unicast: no such CPU", NULL);
	test_panics(bad_ipl, "xc_broadcast: IPL 5", NULL);
	test_panics(wait_nopreempt, "xc_wait: preemption is disabled", NULL);
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
