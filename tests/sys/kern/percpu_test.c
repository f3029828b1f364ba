/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * percpu(9).
 */

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/percpu.h>
#include <sys/systm.h>
#include <sys/xcall.h>

#include "../../tests.h"

static percpu_t *counters;

static void
add(void *copy, void *arg, struct cpu_info *ci)
{

	ATF_REQUIRE(ci == cpu_lookup(cpu_index(ci)));
	*(uint64_t *)arg += *(uint64_t *)copy;
}

static uint64_t
sum(void)
{
	uint64_t n = 0;

	percpu_foreach(counters, add, &n);
	return n;
}

static void *
counter(void *arg)
{
	uint64_t *p;
	int i;

	for (i = 0; i < *(int *)arg; i++) {
		p = percpu_getref(counters);
		++*p;
		percpu_putref(counters);
	}
	return NULL;
}

static void
count(const char *n_cpu)
{
	int n = TEST_SCALE(300000);

	test_env("WORKQUEUE_NCPU", n_cpu);
	counters = percpu_alloc(sizeof(uint64_t));
	TEST_EQ(0, sum());
	test_threads(8, counter, &n);
	TEST_EQ(8 * (uint64_t)n, sum());
	percpu_free(counters, sizeof(uint64_t));
}

TEST_TC(count_1, "with one CPU, counters that threads increment lose nothing")
{

	count("1");
}

TEST_TC(count_7, "the same with seven CPUs")
{

	count("7");
}

TEST_TC(count_all, "the same with the CPUs of this machine")
{

	count(NULL);
}

static atomic_int nserved;

static int
intr_count1(void *arg)
{

	(void)arg;
	++*(uint64_t *)percpu_getref(counters);
	percpu_putref(counters);
	atomic_fetch_add(&nserved, 1);
	return 1;
}

TEST_TC(signals, "counters that interrupts increment between uses lose nothing")
{
	pthread_t t[4];
	void *ih;
	int i, n = TEST_SCALE(100000), nsig = TEST_SCALE(20000);

	test_env("WORKQUEUE_NCPU", "1");
	counters = percpu_alloc(sizeof(uint64_t));
	ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, intr_count1, NULL);
	ATF_REQUIRE(ih != NULL);
	for (i = 0; i < 4; i++)
		t[i] = test_thread(counter, &n);
	/*
	 * Until percpu_putref(), only the thread and its handlers use the copy.
	 */
	for (i = 0; i < nsig; i++) {
		raise(SIGUSR1);
		++*(uint64_t *)percpu_getref(counters);
		raise(SIGUSR1);
		percpu_putref(counters);
	}
	for (i = 0; i < 4; i++)
		test_join(t[i]);
	TEST_EQ(2 * nsig, intr_count(ih));
	/* An interrupt thread runs what arrived while another had the CPU. */
	TEST_AWAIT(atomic_load(&nserved) == 2 * nsig);
	intr_disestablish(ih);
	TEST_EQ(3 * nsig + 4 * n, sum());
	percpu_free(counters, sizeof(uint64_t));
}

static int nctor, ndtor;

static void
ctor(void *copy, void *arg, struct cpu_info *ci)
{

	TEST_EQ(0, *(uint64_t *)copy);
	*(uint64_t *)copy = 1000 + cpu_index(ci);
	ATF_REQUIRE(arg == &nctor);
	nctor++;
}

static void
dtor(void *copy, void *arg, struct cpu_info *ci)
{

	TEST_EQ(1000 + cpu_index(ci), *(uint64_t *)copy);
	ATF_REQUIRE(arg == &nctor);
	ndtor++;
}

static unsigned char *seen_copies;

static void
see(void *copy, void *arg, struct cpu_info *ci)
{

	TEST_EQ(1000 + cpu_index(ci), *(uint64_t *)copy);
	/* Each copy has a cache line of its own. */
	TEST_EQ(0, (uintptr_t)copy % 64);
	seen_copies[cpu_index(ci)]++;
	++*(int *)arg;
}

TEST_TC(create, "copies are constructed and destructed; all CPUs have one")
{
	int i, n = 0;

	seen_copies = calloc((size_t)ncpu, 1);
	counters = percpu_create(sizeof(uint64_t), ctor, dtor, &nctor);
	ATF_REQUIRE(nctor >= ncpu);
	percpu_foreach(counters, see, &n);
	TEST_EQ(nctor, n);
	for (i = 0; i < ncpu; i++)
		ATF_REQUIRE(seen_copies[i] != 0);
	percpu_free(counters, sizeof(uint64_t));
	TEST_EQ(nctor, ndtor);
	free(seen_copies);
}

static atomic_bool stop;
static atomic_int nxcalls;

static void *
user(void *arg)
{
	uint64_t *p;
	int i;

	(void)arg;
	while (!atomic_load(&stop)) {
		p = percpu_getref(counters);
		for (i = 0; i < 10; i++)
			p[0]++;
		p[1] = p[0];
		percpu_putref(counters);
	}
	return NULL;
}

static void
whole(void *copy, void *arg, struct cpu_info *ci)
{
	uint64_t *p = copy;

	ATF_REQUIRE(arg == &nxcalls);
	ATF_REQUIRE(curcpu() == ci);
	/* No thread is using the copy. */
	TEST_EQ(p[0], p[1]);
	p[1] = ++p[0];
	atomic_fetch_add(&nxcalls, 1);
}

TEST_TC(xcall, "percpu_foreach_xcall() runs while no copy is in use")
{
	pthread_t t[3];
	int i, n = TEST_SCALE(200);

	test_env("WORKQUEUE_NCPU", "3");
	counters = percpu_create(2 * sizeof(uint64_t), NULL, NULL, NULL);
	for (i = 0; i < 3; i++)
		t[i] = test_thread(user, NULL);
	for (i = 0; i < n; i++)
		percpu_foreach_xcall(counters, i % 2 ? XC_HIGHPRI : 0, whole,
		    &nxcalls);
	atomic_store(&stop, true);
	for (i = 0; i < 3; i++)
		test_join(t[i]);
	ATF_REQUIRE(nxcalls >= n * 3);
	TEST_EQ(0, nxcalls % n);
	percpu_free(counters, 2 * sizeof(uint64_t));
}

/*
 * Misuse.
 */
static void
size_0(void)
{

	(void)percpu_alloc(0);
}

static void
free_size(void)
{

	percpu_free(percpu_alloc(8), 16);
}

static void
putref(void)
{

	percpu_putref(percpu_alloc(8));
}

TEST_TC(misuse, "size 0, a wrong size, and putref without getref panic")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(size_0, "percpu_alloc: size 0", NULL);
	test_panics(free_size, "percpu_free: size mismatch: 0x",
	    "allocated 8 freed 16", NULL);
	test_panics(putref, "percpu_putref: no reference held", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, count_1);
	ATF_TP_ADD_TC(tp, count_7);
	ATF_TP_ADD_TC(tp, count_all);
	ATF_TP_ADD_TC(tp, signals);
	ATF_TP_ADD_TC(tp, create);
	ATF_TP_ADD_TC(tp, xcall);
	ATF_TP_ADD_TC(tp, misuse);
	return atf_no_error();
}
