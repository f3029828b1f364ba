/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: queues to which threads are lent, many times.  TEST_TIMES=N in the
 * environment makes N times as many rounds.
 */

#include <sys/resource.h>

#include "kern/kern_lwp.h"
#include "kern/subr_workqueue.h"
#include "kern/subr_wqlend.h"

#include <sys/workqueue_ext.h>

#include <sched.h>

#include "../../tests.h"
#include "../../confine.h"

#define	NQUEUES	1000
#define	UID	61235		/* of no other process */

/* Each test begins with this: the setting is read before main(). */
#define	LEND()	test_env("WORKQUEUE_LEND", "1")

static int
rounds(int n)
{
	const char *p = getenv("TEST_TIMES");

	return TEST_SCALE(n) * (p != NULL ? atoi(p) : 1);
}

/*
 * A queue with an item.
 */
struct cold {
	struct work	 c_work;
	struct workqueue *c_wq;
	atomic_int	 c_runs;
};

static void
run(struct work *wk, void *arg)
{
	struct cold *c = (void *)wk;

	(void)arg;
	atomic_fetch_add(&c->c_runs, 1);
}

static void
create(struct cold *c, int flags)
{

	TEST_EQ(0, workqueue_create(&c->c_wq, "cold", run, NULL, PRI_NONE,
	    IPL_NONE, flags));
}

static bool
iscold(struct workqueue *wq)
{
	struct workqueue_queue *q = &wq->wq_queues[0];

	return wqinbox_isannounced(&q->q_inbox, &q->q_lend->we_runner);
}

/*
 * A producer enqueues an item on each of its queues.  It is a thread, or the
 * handler that interrupts it.
 */
struct producer {
	struct cold	 p_queues[NQUEUES];
	atomic_int	 p_enqueued;
	int		 p_cold;	/* of them, on a queue without thread */
};

static struct producer by_thread, by_handler;

static void
enqueue_some(struct producer *p, int n)
{
	struct cold *c;

	for (; n > 0 && p->p_enqueued < NQUEUES; n--) {
		c = &p->p_queues[p->p_enqueued];
		p->p_cold += iscold(c->c_wq);
		workqueue_enqueue(c->c_wq, &c->c_work, NULL);
		p->p_enqueued++;
	}
}

static void
handler(int signo)
{

	(void)signo;
	enqueue_some(&by_handler, 10);
}

static void
handle(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	TEST_EQ(0, sigaction(SIGUSR1, &sa, NULL));
}

/* Interrupt the thread until its handlers have enqueued all items. */
static void *
signaller(void *arg)
{
	int n;

	while ((n = by_handler.p_enqueued) < NQUEUES) {
		(void)pthread_kill(*(pthread_t *)arg, SIGUSR1);
		while (by_handler.p_enqueued == n)
			(void)sched_yield();
	}
	return NULL;
}

/*
 * Have a thread and the handlers that interrupt it enqueue all items.  Await
 * them, but not by workqueue_wait(), which looks for a thread for the queue.
 */
static void
storm(void)
{
	pthread_t self = pthread_self(), t;
	struct cold *c;
	int i;

	by_thread.p_enqueued = by_handler.p_enqueued = 0;
	for (i = 0; i < NQUEUES; i++) {
		create(&by_thread.p_queues[i], i & WQ_MPSAFE);
		create(&by_handler.p_queues[i], i & WQ_MPSAFE);
	}
	t = test_thread(signaller, &self);
	enqueue_some(&by_thread, NQUEUES);
	test_join(t);
	for (i = 0; i < 2 * NQUEUES; i++) {
		c = i % 2 ? &by_thread.p_queues[i / 2] :
		    &by_handler.p_queues[i / 2];
		TEST_AWAIT(atomic_load(&c->c_runs) != 0);
		workqueue_destroy(c->c_wq);
		TEST_EQ(1, atomic_exchange(&c->c_runs, 0));
	}
}

TEST_TC(cold_handlers, "no item is lost that a handler enqueues on a queue "
    "without a thread")
{
	int i, n;

	LEND();
	n = rounds(100);
	handle();
	for (i = 0; i < n; i++)
		storm();
	n *= NQUEUES;
	printf("%d of %d items of handlers, and %d of %d of the thread, found "
	    "no thread\n", by_handler.p_cold, n, by_thread.p_cold, n);
	TEST_EQ(n, by_handler.p_cold);
	TEST_EQ(n, by_thread.p_cold);
}

#if defined(TEST_ASAN) || defined(TEST_TSAN) || defined(_WQ_SIM)
#define	resident()	((size_t)0)
#else
/* Return the size of the memory that is resident, or 0 if it is unknown. */
static size_t
resident(void)
{
	char line[128];
	size_t kb = 0;
	FILE *fp;

	if ((fp = fopen("/proc/self/smaps_rollup", "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), fp) != NULL)
		if (sscanf(line, "Private_Dirty: %zu", &kb) == 1)
			break;
	fclose(fp);
	return kb * 1024;
}
#endif

static void
cycle(struct cold *c)
{

	create(c, WQ_MPSAFE);
	workqueue_enqueue(c->c_wq, &c->c_work, NULL);
	workqueue_destroy(c->c_wq);
}

TEST_TC(cycles_memory, "creating a queue, enqueueing an item, and destroying "
    "the queue takes no more memory, however often")
{
	static struct cold c;
	size_t after, before;
	int i, n;

	LEND();
	n = rounds(20000);
	for (i = 0; i < n / 10; i++)
		cycle(&c);
	before = resident();
	for (; i < n; i++)
		cycle(&c);
	after = resident();
	TEST_EQ(n, atomic_load(&c.c_runs));
	printf("%zu bytes before, %zu after\n", before, after);
	/* A second thread takes some memory, once. */
	ATF_REQUIRE(after <= before + 512 * 1024);
}

/*
 * Enqueue an item on each queue, half of them from a handler, where the system
 * permits only a few more threads.
 */
static int limit_more;

static struct cold *
limit_queue(int i)
{

	return &(i % 2 ? &by_thread : &by_handler)->p_queues[i / 2];
}

static void
limited(void)
{
	struct rlimit rl;
	int i, n;

	/* Root has no such limit. */
	if (geteuid() == 0 && (setgid(UID) == -1 || setuid(UID) == -1))
		_exit(CONFINE_NOT);
	for (i = 0; i < NQUEUES; i++)
		CONFINE_REQUIRE(workqueue_create(&limit_queue(i)->c_wq,
		    "limit", run, NULL, PRI_NONE, IPL_NONE, i & WQ_MPSAFE) ==
		    0);
	if ((n = test_nthreads()) == -1)
		_exit(CONFINE_NOT);
	CONFINE_REQUIRE(getrlimit(RLIMIT_NPROC, &rl) == 0);
	rl.rlim_cur = (rlim_t)(n + limit_more);
	CONFINE_REQUIRE(setrlimit(RLIMIT_NPROC, &rl) == 0);
	handle();
	while (by_thread.p_enqueued < NQUEUES / 2) {
		enqueue_some(&by_thread, 10);
		(void)raise(SIGUSR1);
	}
	CONFINE_REQUIRE(by_thread.p_enqueued + by_handler.p_enqueued ==
	    NQUEUES);
	for (i = 0; i < NQUEUES; i++) {
		CONFINE_AWAIT(atomic_load(&limit_queue(i)->c_runs) == 1);
		CONFINE_REQUIRE(test_nthreads() <= n + limit_more);
	}
	for (i = 0; i < NQUEUES; i++) {
		workqueue_destroy(limit_queue(i)->c_wq);
		CONFINE_REQUIRE(atomic_load(&limit_queue(i)->c_runs) == 1);
	}
}

TEST_TC(limit_nproc, "RLIMIT_NPROC permits no more threads, or a few: all "
    "items run")
{

	LEND();
	if (!TEST_CHILDTHREADS)
		atf_tc_skip("tsan: a child cannot start threads");
	for (limit_more = 0; limit_more <= 4; limit_more += 2)
		confined(limited);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, cold_handlers);
	ATF_TP_ADD_TC(tp, cycles_memory);
	ATF_TP_ADD_TC(tp, limit_nproc);
	return atf_no_error();
}
