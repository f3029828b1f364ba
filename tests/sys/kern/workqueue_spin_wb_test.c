/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: when an idle worker spins, and when it sleeps.  A worker has
 * either announced its sleep or is counted as a spinner; the spin limit is so
 * long that a spin ends only when the test wants it to.  The number of CPUs is
 * a variable of the library.
 */

#include <sched.h>

#include "kern/subr_cpu.h"
#include "kern/subr_workqueue.h"
#include "kern/subr_wqspin.h"

#include <sys/workqueue_ext.h>

#include "../../tests.h"

#define	LONG	(INT64_C(1000) * 1000000000)	/* ns */
#define	KEEP	INT64_MIN			/* leave q_gap alone */

/*
 * An item that sets its queue's q_gap, the usual gap between items.
 */
struct item {
	struct work	i_work;
	int64_t		i_gap;		/* for q_gap, or KEEP */
	int64_t		i_was;		/* q_gap before */
	int		i_cpu;		/* CPU to run on from now on, or -1 */
	bool		i_nowaker;	/* forget the CPU of the waker */
};

static void
run(struct work *wk, void *arg)
{
	struct item *i = (void *)wk;
	struct lwp *l = host_self();
#ifdef __linux__
	cpu_set_t set;
#endif

	(void)arg;
	i->i_was = l->l_wqq->q_gap;
	if (i->i_gap != KEEP)
		l->l_wqq->q_gap = i->i_gap;
	if (i->i_nowaker)
		__atomic_store_n(&l->l_wakercpu, -1, __ATOMIC_RELAXED);
#ifdef __linux__
	if (i->i_cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(i->i_cpu, &set);
		(void)sched_setaffinity(0, sizeof(set), &set);
	}
#endif
}

static void
cpus(int n)
{

	cpu_real = n;
	cpu_spinok = n > 1;
}

static struct workqueue *
create(int64_t spin)
{
	struct workqueue *wq;

	TEST_EQ(0, workqueue_create(&wq, "spin", run, NULL, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE));
	__atomic_store_n(&wq->wq_spin, spin, __ATOMIC_RELAXED);
	return wq;
}

static bool
asleep(struct workqueue *wq)
{

	return wqinbox_isasleep(&wq->wq_queues[0].q_inbox);
}

static int
spinners(void)
{

	return __atomic_load_n(&wqspin_active, __ATOMIC_ACQUIRE);
}

static struct item
item(int64_t gap)
{

	return (struct item){ .i_gap = gap, .i_cpu = -1,
	    .i_nowaker = gap != KEEP };
}

/*
 * Run the item, and wait until the only worker has decided.  Return true if it
 * spins.
 */
static bool
spins_after(struct workqueue *wq, struct item *i)
{

	workqueue_enqueue(wq, &i->i_work, NULL);
	workqueue_wait(wq, &i->i_work);
	TEST_AWAIT(asleep(wq) || spinners() != 0);
	return !asleep(wq);
}

/* Forbid spinning, end a spin with one more item, and destroy the queue. */
static void
destroy(struct workqueue *wq)
{
	struct item last = item(KEEP);

	__atomic_store_n(&wq->wq_spin, 0, __ATOMIC_RELAXED);
	workqueue_enqueue(wq, &last.i_work, NULL);
	workqueue_wait(wq, &last.i_work);
	workqueue_destroy(wq);
}

TEST_TC(while_it_pays, "a worker spins if recent gaps were shorter than it "
    "may spin, and sleeps if not")
{
	struct workqueue *wq;
	struct item i;

	cpus(2);
	wq = create(LONG);
	i = item(0);
	ATF_REQUIRE(spins_after(wq, &i));
	TEST_EQ(1, spinners());
	i = item(LONG);
	ATF_REQUIRE(!spins_after(wq, &i));
	TEST_EQ(0, spinners());
	i = item(LONG - 1);
	ATF_REQUIRE(spins_after(wq, &i));
	destroy(wq);
	TEST_EQ(0, spinners());
}

TEST_TC(learns_short_gaps, "a new queue's worker sleeps at first, and spins "
    "after a few short gaps, not after one")
{
	struct workqueue *wq;
	struct item i = item(KEEP);
	int n;

	cpus(2);
	wq = create(LONG);
	/* A worker on our CPU does not spin, so more turns may be needed. */
	for (n = 0; n < 1000 && !spins_after(wq, &i); n++)
		i.i_nowaker = n >= 3;
	ATF_REQUIRE_MSG(n >= 3, "spins after %d gaps", n);
	ATF_REQUIRE_MSG(n < 20, "sleeps after %d gaps", n);
	destroy(wq);
}

TEST_TC(learns_long_gaps, "a spin without an item ends by itself, and after a "
    "few such spins there are no more")
{
	const struct timespec ts = { 0, 100000 };
	struct workqueue *wq;
	struct item i;
	int n;

	cpus(2);
	wq = create(1000);
	i = item(0);
	workqueue_enqueue(wq, &i.i_work, NULL);
	workqueue_wait(wq, &i.i_work);
	TEST_AWAIT(asleep(wq));
	TEST_EQ(0, spinners());
	i = item(KEEP);
	for (n = 0; n < 10; n++) {
		(void)nanosleep(&ts, NULL);
		workqueue_enqueue(wq, &i.i_work, NULL);
		workqueue_wait(wq, &i.i_work);
		TEST_AWAIT(asleep(wq));
	}
	ATF_REQUIRE_MSG(i.i_was >= 1000, "usual gap: %jd ns",
	    (intmax_t)i.i_was);
	destroy(wq);
}

TEST_TC(one_cpu, "with one CPU no worker spins")
{
	struct workqueue *wq;
	struct item i = item(0);

	cpus(1);
	wq = create(LONG);
	ATF_REQUIRE(!spins_after(wq, &i));
	TEST_EQ(0, spinners());
	destroy(wq);
}

TEST_TC(one_cpu_permitted, "a process that is bound to one CPU as it starts "
    "has one CPU to use")
{
#ifdef __linux__
	cpu_set_t set;
	int cpu;

	TEST_NEED(TEST_CAP_AFFINITY, "no affinity");
	cpu = sched_getcpu();
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ATF_REQUIRE(sched_setaffinity(0, sizeof(set), &set) == 0);
	test_env("WORKQUEUE_SPIN", "1000");
	TEST_EQ(1, cpu_real);
	ATF_REQUIRE(!cpu_spinok);
#else
	atf_tc_skip("host: no affinity");
#endif
}

TEST_TC(not_all_cpus, "at most ncpu - 1 workers of the process spin at once, "
    "and another may when one of them has ended")
{
	struct workqueue *wq[5];
	struct item i[5];
	int k, n;

	cpus(4);
	for (k = 0; k < 5; k++) {
		wq[k] = create(LONG);
		i[k] = item(0);
		workqueue_enqueue(wq[k], &i[k].i_work, NULL);
		workqueue_wait(wq[k], &i[k].i_work);
		if (k < 3)
			TEST_AWAIT(spinners() == k + 1);
		else
			TEST_AWAIT(asleep(wq[k]));
	}
	TEST_AWAIT(spinners() == 3);
	for (n = k = 0; k < 5; k++)
		n += asleep(wq[k]);
	TEST_EQ(2, n);
	destroy(wq[0]);
	TEST_AWAIT(spinners() == 2);
	workqueue_enqueue(wq[4], &i[4].i_work, NULL);
	workqueue_wait(wq[4], &i[4].i_work);
	TEST_AWAIT(spinners() == 3);
	ATF_REQUIRE(!asleep(wq[4]));
	for (k = 1; k < 5; k++)
		destroy(wq[k]);
	TEST_EQ(0, spinners());
}

TEST_TC(not_on_the_producers_cpu, "a worker that was woken from the CPU that "
    "it runs on does not spin; from another CPU it does")
{
#ifdef __linux__
	struct workqueue *wq;
	struct item i;
	cpu_set_t all, set;
	int cpu, other;

	TEST_NEED(TEST_CAP_AFFINITY | TEST_CAP_CURCPU, "no affinity");
	ATF_REQUIRE(sched_getaffinity(0, sizeof(all), &all) == 0);
	cpu = sched_getcpu();
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ATF_REQUIRE(sched_setaffinity(0, sizeof(set), &set) == 0);
	for (other = 0; other < CPU_SETSIZE; other++)
		if (other != cpu && CPU_ISSET(other, &all))
			break;
	cpus(2);
	wq = create(LONG);
	/*
	 * If the worker slept before its first item, it learns that gap only
	 * after the item, and then it may spin.
	 */
	i = item(LONG);
	(void)spins_after(wq, &i);
	/*
	 * The first wake-up records our CPU, and the second comes from that
	 * CPU.
	 */
	i = item(LONG);
	i.i_cpu = cpu;
	ATF_REQUIRE(!spins_after(wq, &i));
	i = item(LONG);
	ATF_REQUIRE(!spins_after(wq, &i));
	i = item(0);
	i.i_nowaker = false;
	ATF_REQUIRE(!spins_after(wq, &i));
	if (other < CPU_SETSIZE) {
		i = item(LONG);
		i.i_cpu = other;
		ATF_REQUIRE(!spins_after(wq, &i));
		i = item(0);
		i.i_nowaker = false;
		ATF_REQUIRE(spins_after(wq, &i));
	}
	destroy(wq);
#else
	atf_tc_skip("host: no affinity");
#endif
}

TEST_TC(moved_work_ends_it, "a spinning worker sees an item that a waiter or "
    "canceller has moved out of the inbox")
{
	struct workqueue *wq;
	struct item i, j;
	int n;

	cpus(2);
	wq = create(LONG);
	i = item(0);
	ATF_REQUIRE(spins_after(wq, &i));
	for (n = 0; n < 100; n++) {
		i = j = item(0);
		workqueue_enqueue(wq, &i.i_work, NULL);
		workqueue_enqueue(wq, &j.i_work, NULL);
		/*
		 * Whether the cancel succeeds or not, it searches for the last
		 * item.
		 */
		(void)workqueue_cancel(wq, &j.i_work);
		workqueue_wait(wq, &j.i_work);
		workqueue_wait(wq, &i.i_work);
		ATF_REQUIRE(i.i_was != KEEP);
	}
	destroy(wq);
}

TEST_TC(setspin, "a queue's workers spin for the time set last, not at all for "
    "0")
{
	struct workqueue *wq, *other;
	struct item i;

	test_env("WORKQUEUE_SPIN", NULL);
	cpus(2);
	TEST_EQ(0, workqueue_create(&wq, "a", run, NULL, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE | WQ_PERCPU));
	TEST_EQ(0, workqueue_create(&other, "b", run, NULL, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE));
	TEST_EQ(50000, wq->wq_spin);
	TEST_EQ(0, workqueue_setspin(wq, 1000));
	TEST_EQ(1000000, wq->wq_spin);
	TEST_EQ(EINVAL, workqueue_setspin(wq, 1001));
	TEST_EQ(1000000, wq->wq_spin);
	TEST_EQ(50000, other->wq_spin);
	TEST_EQ(0, workqueue_setspin(other, 0));
	i = item(0);
	ATF_REQUIRE(!spins_after(other, &i));
	workqueue_destroy(wq);
	workqueue_destroy(other);
}

TEST_TC(environment, "WORKQUEUE_SPIN sets the time of a new queue")
{
	struct workqueue *wq;

	test_env("WORKQUEUE_SPIN", "7");
	wq = create(0);
	workqueue_destroy(wq);
	TEST_EQ(0, workqueue_create(&wq, "env", run, NULL, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE));
	TEST_EQ(7000, wq->wq_spin);
	TEST_EQ(0, workqueue_setspin(wq, 9));
	TEST_EQ(9000, wq->wq_spin);
	workqueue_destroy(wq);
}

TEST_TC(environment_never, "WORKQUEUE_SPIN=0 overrides everything")
{
	struct workqueue *wq;
	struct item i = item(0);

	test_env("WORKQUEUE_SPIN", "0");
	cpus(2);
	TEST_EQ(0, workqueue_create(&wq, "env", run, NULL, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE));
	TEST_EQ(0, workqueue_setspin(wq, 1000));
	TEST_EQ(0, wq->wq_spin);
	ATF_REQUIRE(!spins_after(wq, &i));
	workqueue_destroy(wq);
}

/*
 * The worker's count of batches of one item.
 */
static sem_t lone_entered, lone_go;
static struct work lone_gate, lone_items[3];
static unsigned lone;

static void
look(struct work *wk, void *arg)
{
	struct lwp *l = host_self();

	(void)arg;
	lone = l->l_wqq->q_lone;
	if (wk == &lone_gate) {
		sem_post(&lone_entered);
		test_sem_wait(&lone_go);
	}
}

TEST_TC(streams, "items that come one at a time are not a stream; two at once "
    "are one")
{
	struct workqueue *wq;
	unsigned n;

	TEST_EQ(0, sem_init(&lone_entered, 0, 0));
	TEST_EQ(0, sem_init(&lone_go, 0, 0));
	TEST_EQ(0, workqueue_create(&wq, "streams", look, NULL, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE));
	for (n = 0; n < 3000; n++) {
		workqueue_enqueue(wq, &lone_items[0], NULL);
		workqueue_wait(wq, &lone_items[0]);
		/* The count includes earlier batches, and stays large. */
		ATF_REQUIRE_MSG(n <= 1024 ? lone == n : lone > 512,
		    "%u after %u", lone, n);
	}
	workqueue_enqueue(wq, &lone_gate, NULL);
	test_sem_wait(&lone_entered);
	for (n = 0; n < 2; n++)
		workqueue_enqueue(wq, &lone_items[n], NULL);
	sem_post(&lone_go);
	workqueue_wait(wq, &lone_items[1]);
	/* The two items were taken together. */
	workqueue_enqueue(wq, &lone_items[2], NULL);
	workqueue_wait(wq, &lone_items[2]);
	TEST_EQ(0u, lone);
	workqueue_destroy(wq);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, while_it_pays);
	ATF_TP_ADD_TC(tp, learns_short_gaps);
	ATF_TP_ADD_TC(tp, learns_long_gaps);
	ATF_TP_ADD_TC(tp, one_cpu);
	ATF_TP_ADD_TC(tp, one_cpu_permitted);
	ATF_TP_ADD_TC(tp, not_all_cpus);
	ATF_TP_ADD_TC(tp, not_on_the_producers_cpu);
	ATF_TP_ADD_TC(tp, moved_work_ends_it);
	ATF_TP_ADD_TC(tp, setspin);
	ATF_TP_ADD_TC(tp, environment);
	ATF_TP_ADD_TC(tp, environment_never);
	ATF_TP_ADD_TC(tp, streams);
	return atf_no_error();
}
