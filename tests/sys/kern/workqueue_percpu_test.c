/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * WQ_PERCPU: a queue and a bound worker for each CPU.
 */

#ifdef __linux__
#include <sched.h>
#endif

#include <sys/cpu.h>
#include <sys/systm.h>

#include "../../tests.h"

#define	MAXCPU	64

struct placed {
	struct work	 p_work;
	struct cpu_info	*p_curcpu;
	pthread_t	 p_thread;
	char		 p_name[32];
	int		 p_nbound;	/* CPUs it may run on, ... */
	int		 p_bound;	/* ... and the first of them */
	int		 p_locked;
	int		 p_runs;
};

static void
placed(struct work *wk, void *arg)
{
	struct placed *p = (void *)wk;
#ifdef __linux__
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	p->p_nbound = 0;
	p->p_bound = -1;
	if (sched_getaffinity(0, sizeof(set), &set) == 0) {
		p->p_nbound = CPU_COUNT(&set);
		for (i = CPU_SETSIZE - 1; i >= 0; i--) {
			if (CPU_ISSET(i, &set))
				p->p_bound = i;
		}
	}
	pthread_getname_np(pthread_self(), p->p_name, sizeof(p->p_name));
#endif
	(void)arg;
	p->p_curcpu = curcpu();
	p->p_thread = pthread_self();
	p->p_locked = KERNEL_LOCKED_P();
	p->p_runs++;
}

/*
 * Run one item on each CPU, twice.  If the workqueue is dedicated, each CPU
 * must have one worker.
 */
static void
place(struct workqueue *wq, struct placed *p, bool dedicated)
{
	pthread_t first[MAXCPU];
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;
	int i;

	ATF_REQUIRE(ncpu <= MAXCPU);
	for (i = 0; i < 2; i++) {
		for (CPU_INFO_FOREACH(cii, ci)) {
			p[cii].p_runs = 0;
			workqueue_enqueue(wq, &p[cii].p_work, ci);
		}
		for (CPU_INFO_FOREACH(cii, ci)) {
			workqueue_wait(wq, &p[cii].p_work);
			TEST_EQ(1, p[cii].p_runs);
			if (i == 0)
				first[cii] = p[cii].p_thread;
			ATF_REQUIRE_MSG(!dedicated || pthread_equal(first[cii],
			    p[cii].p_thread), "CPU %d has two workers", cii);
		}
	}
}

static void
placement(const char *cpus)
{
	struct placed p[MAXCPU];
	struct workqueue *wq;
	int i, j, nthreads;

	test_env("WORKQUEUE_NCPU", cpus);
	TEST_EQ(atoi(cpus), ncpu);
	nthreads = test_nthreads_alone();
	wq = test_create("place", placed, NULL,
	    WQ_PERCPU | WQ_MPSAFE | WQ_DEDICATED);
	if (nthreads != -1) {
		TEST_EQ(nthreads + ncpu, test_nthreads());
	}
	place(wq, p, true);
	for (i = 0; i < ncpu; i++) {
		TEST_EQ(i, cpu_index(p[i].p_curcpu));
		ATF_REQUIRE(p[i].p_curcpu == cpu_lookup((unsigned int)i));
		ATF_REQUIRE(!pthread_equal(p[i].p_thread, pthread_self()));
		for (j = 0; j < i; j++) {
			ATF_REQUIRE_MSG(!pthread_equal(p[i].p_thread,
			    p[j].p_thread), "CPUs %d and %d share a worker",
			    j, i);
		}
		ATF_REQUIRE(!p[i].p_locked);
	}
	workqueue_destroy(wq);
	wq = test_create("place", placed, NULL, WQ_PERCPU);
	place(wq, p, false);
	for (i = 0; i < ncpu; i++)
		ATF_REQUIRE(p[i].p_locked);
	workqueue_destroy(wq);
}

TEST_TC(placement_1, "with one CPU there is one worker")
{

	placement("1");
}

TEST_TC(placement_2, "with two CPUs each has its own worker, which runs what "
    "is enqueued for it")
{

	placement("2");
}

TEST_TC(placement_7, "with seven CPUs, maybe more than the machine has, each "
    "has its own worker, which runs what is enqueued for it")
{

	placement("7");
}

TEST_TC(placement_default, "without WORKQUEUE_NCPU each CPU has its worker")
{
	struct placed p[MAXCPU];
	struct workqueue *wq;
	int i;

	test_env("WORKQUEUE_NCPU", NULL);
	if (ncpu > MAXCPU)
		atf_tc_skip("more than %d CPUs", MAXCPU);
	wq = test_create("place", placed, NULL, WQ_PERCPU | WQ_MPSAFE);
	place(wq, p, false);
	for (i = 0; i < ncpu; i++)
		TEST_EQ(i, cpu_index(p[i].p_curcpu));
	workqueue_destroy(wq);
}

TEST_TC(workers_are_bound, "each worker may run on its own CPU only; under a "
    "quota below the affinity mask on any")
{
#ifdef __linux__
	struct placed p[MAXCPU];
	struct workqueue *wq;
	cpu_set_t set;
	int i;

	test_env("WORKQUEUE_NCPU", NULL);
	TEST_NEED(TEST_CAP_AFFINITY, "binding threads to CPUs");
	if (ncpu > MAXCPU)
		atf_tc_skip("more than %d CPUs", MAXCPU);
	ATF_REQUIRE(sched_getaffinity(0, sizeof(set), &set) == 0);
	wq = test_create("bound", placed, NULL, WQ_PERCPU | WQ_MPSAFE);
	place(wq, p, false);
	workqueue_destroy(wq);
	for (i = 0; i < ncpu; i++) {
		if (ncpu < CPU_COUNT(&set)) {
			/* Under a quota workers are not bound. */
			TEST_EQ(CPU_COUNT(&set), p[i].p_nbound);
			continue;
		}
		TEST_EQ(1, p[i].p_nbound);
		TEST_EQ(cpu_lookup((unsigned int)i)->ci_hostid, p[i].p_bound);
		ATF_REQUIRE(i == 0 || p[i].p_bound != p[i - 1].p_bound);
	}
#else
	atf_tc_skip("no way to read a thread's affinity here");
#endif
}

TEST_TC(affinity_respected,
    "a process that may use one CPU alone has one CPU, and it is that one")
{
#ifdef __linux__
	cpu_set_t set;
	int i, last = -1;

	test_env("WORKQUEUE_NCPU", NULL);
	TEST_NEED(TEST_CAP_AFFINITY, "binding threads to CPUs");
	ATF_REQUIRE(sched_getaffinity(0, sizeof(set), &set) == 0);
	for (i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &set))
			last = i;
	}
	if (CPU_COUNT(&set) != 1) {
		CPU_ZERO(&set);
		CPU_SET(last, &set);
		ATF_REQUIRE(sched_setaffinity(0, sizeof(set), &set) == 0);
		/*
		 * Start the program again, because the library counts CPUs at
		 * its start.
		 */
		test_env("TEST_AGAIN", "1");
	}
	TEST_EQ(1, ncpu);
	if (cpu_lookup(0)->ci_hostid != -1)
		TEST_EQ(last, cpu_lookup(0)->ci_hostid);
#else
	atf_tc_skip("no way to set a thread's affinity here");
#endif
}

TEST_TC(names, "workers are named after the queue and their CPU; a long name "
    "is truncated, the index is not")
{
#ifdef __linux__
	struct placed p[MAXCPU];
	struct workqueue *wq;
	char want[32];
	int i;

	TEST_NEED(TEST_CAP_NAMES, "thread names");
	test_env("WORKQUEUE_NCPU", "12");
	wq = test_create("net", placed, NULL, WQ_PERCPU | WQ_MPSAFE);
	place(wq, p, false);
	for (i = 0; i < ncpu; i++) {
		snprintf(want, sizeof(want), "net/%d", i);
		ATF_REQUIRE_STREQ(want, p[i].p_name);
	}
	workqueue_destroy(wq);
	wq = test_create("fifteen-letters", placed, NULL,
	    WQ_PERCPU | WQ_MPSAFE);
	place(wq, p, false);
	for (i = 0; i < ncpu; i++) {
		snprintf(want, sizeof(want), "%.*s/%d", i < 10 ? 13 : 12,
		    "fifteen-letters", i);
		ATF_REQUIRE_STREQ(want, p[i].p_name);
	}
	workqueue_destroy(wq);
#else
	atf_tc_skip("no way to read a thread's name here");
#endif
}

/*
 * ci NULL means the current CPU.
 */
struct hop {
	struct work	 h_work;
	struct work	 h_next;
	struct workqueue *h_wq;
	pthread_t	 h_first, h_second;
};

static void
hop(struct work *wk, void *arg)
{
	struct hop *h = arg;

	if (wk == &h->h_next) {
		h->h_second = pthread_self();
		return;
	}
	h->h_first = pthread_self();
	workqueue_enqueue(h->h_wq, &h->h_next, NULL);
}

TEST_TC(null_is_own_cpu_in_callback,
    "a callback that names no CPU enqueues on its own")
{
	struct hop h;
	unsigned int i;

	test_env("WORKQUEUE_NCPU", "7");
	for (i = 0; i < 7; i++) {
		h.h_wq = test_create("hop", hop, &h, WQ_PERCPU | WQ_MPSAFE);
		workqueue_enqueue(h.h_wq, &h.h_work, cpu_lookup(i));
		workqueue_destroy(h.h_wq);
		ATF_REQUIRE(pthread_equal(h.h_first, h.h_second));
	}
}

TEST_TC(null_is_current_cpu, "a thread that stays on one CPU and names none "
    "enqueues on that one")
{
#ifdef __linux__
	struct workqueue *wq;
	struct placed p;
	cpu_set_t set;
	struct cpu_info *ci;
	CPU_INFO_ITERATOR cii;
	int nbound = 0;

	test_env("WORKQUEUE_NCPU", NULL);
	TEST_NEED(TEST_CAP_CURCPU, "the current CPU");
	wq = test_create("here", placed, NULL, WQ_PERCPU | WQ_MPSAFE);
	for (CPU_INFO_FOREACH(cii, ci)) {
		if (ci->ci_hostid == -1)
			continue;
		CPU_ZERO(&set);
		CPU_SET(ci->ci_hostid, &set);
		ATF_REQUIRE(sched_setaffinity(0, sizeof(set), &set) == 0);
		ATF_REQUIRE(curcpu() == ci);
		workqueue_enqueue(wq, &p.p_work, NULL);
		workqueue_wait(wq, &p.p_work);
		ATF_REQUIRE(p.p_curcpu == ci);
		nbound++;
	}
	workqueue_destroy(wq);
	if (nbound == 0)
		atf_tc_skip("under a CPU quota CPUs have no number");
#else
	atf_tc_skip("no way to set a thread's affinity here");
#endif
}

TEST_TC(null_works_everywhere,
    "enqueues that name no CPU all run, each on one of the workers")
{
	static struct placed p[500];
	struct workqueue *wq;
	size_t i;

	test_env("WORKQUEUE_NCPU", "7");
	wq = test_create("any", placed, NULL, WQ_PERCPU | WQ_MPSAFE);
	for (i = 0; i < TEST_NELEM(p); i++)
		workqueue_enqueue(wq, &p[i].p_work, NULL);
	workqueue_destroy(wq);
	for (i = 0; i < TEST_NELEM(p); i++) {
		TEST_EQ(1, p[i].p_runs);
		ATF_REQUIRE(cpu_index(p[i].p_curcpu) < 7);
	}
}

/*
 * Parallelism and order.
 */
static void
meet(struct work *wk, void *arg)
{
	sem_t *sem = arg;
	unsigned int me = cpu_index(curcpu()), other = !me;

	(void)wk;
	sem_post(&sem[other]);
	test_sem_wait(&sem[me]);
}

TEST_TC(cpus_run_in_parallel, "callbacks of two CPUs run at the same time: "
    "each waits for the other to have begun")
{
	struct workqueue *wq;
	struct work wk[2];
	sem_t sem[2];
	int i;

	test_env("WORKQUEUE_NCPU", "2");
	sem_init(&sem[0], 0, 0);
	sem_init(&sem[1], 0, 0);
	wq = test_create("meet", meet, sem, WQ_PERCPU | WQ_MPSAFE);
	for (i = 0; i < 100; i++) {
		workqueue_enqueue(wq, &wk[0], cpu_lookup(0));
		workqueue_enqueue(wq, &wk[1], cpu_lookup(1));
		workqueue_wait(wq, &wk[1]);
		workqueue_wait(wq, &wk[0]);
	}
	workqueue_destroy(wq);
}

struct seq {
	struct work	s_work;
	unsigned int	s_cpu;
	int		s_number;
};

struct seqlog {
	int	l_next[7];
	int	l_wrong[7];
};

static void
seqrun(struct work *wk, void *arg)
{
	struct seq *s = (void *)wk;
	struct seqlog *l = arg;
	unsigned int i = cpu_index(curcpu());

	if (s->s_cpu != i || s->s_number != l->l_next[i])
		l->l_wrong[i]++;
	l->l_next[i]++;
}

TEST_TC(order_per_cpu, "the items of each CPU run in order, and all run")
{
	static struct seq s[7000];
	struct seqlog l;
	struct workqueue *wq;
	size_t i;

	test_env("WORKQUEUE_NCPU", "7");
	memset(&l, 0, sizeof(l));
	wq = test_create("order", seqrun, &l, WQ_PERCPU | WQ_MPSAFE);
	for (i = 0; i < TEST_NELEM(s); i++) {
		s[i].s_cpu = (unsigned int)(i % 7);
		s[i].s_number = (int)(i / 7);
		workqueue_enqueue(wq, &s[i].s_work, cpu_lookup(s[i].s_cpu));
	}
	workqueue_destroy(wq);
	for (i = 0; i < 7; i++) {
		TEST_EQ(0, l.l_wrong[i]);
		TEST_EQ(1000, l.l_next[i]);
	}
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, placement_1);
	ATF_TP_ADD_TC(tp, placement_2);
	ATF_TP_ADD_TC(tp, placement_7);
	ATF_TP_ADD_TC(tp, placement_default);
	ATF_TP_ADD_TC(tp, workers_are_bound);
	ATF_TP_ADD_TC(tp, affinity_respected);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, null_is_own_cpu_in_callback);
	ATF_TP_ADD_TC(tp, null_is_current_cpu);
	ATF_TP_ADD_TC(tp, null_works_everywhere);
	ATF_TP_ADD_TC(tp, cpus_run_in_parallel);
	ATF_TP_ADD_TC(tp, order_per_cpu);
	return atf_no_error();
}
