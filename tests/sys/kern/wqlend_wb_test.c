/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: queues that have a thread only while they are in use.
 */

#include <sys/resource.h>

#include "kern/kern_lwp.h"
#include "kern/subr_workqueue.h"
#include "kern/subr_wqlend.h"

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/mutex.h>
#include <sys/pserialize.h>
#include <sys/psref.h>
#include <sys/systm.h>
#include <sys/workqueue_ext.h>
#include <sys/xcall.h>

#include "../../tests.h"

#define	EXTRA	2		/* the lender and the rescuer */

/* Each test begins with this: the setting is read before main(). */
#define	LEND(value)	test_env("WORKQUEUE_LEND", (value))

static bool
isidle(struct workqueue *wq)
{
	struct workqueue_queue *q = &wq->wq_queues[0];

	return __atomic_load_n(&q->q_lwp, __ATOMIC_SEQ_CST) == NULL &&
	    wqinbox_isannounced(&q->q_inbox, &q->q_lend->we_runner);
}

static void
set_hook(int (*hook)(enum host_point, void *))
{

	__atomic_store_n(&host_hook, hook, __ATOMIC_SEQ_CST);
}

static atomic_int refusals;

static int
no_threads(enum host_point point, void *arg)
{

	(void)arg;
	if (point != HOST_POINT_THREAD)
		return 0;
	atomic_fetch_add(&refusals, 1);
	return EAGAIN;
}

static void
run(struct workqueue *wq, struct test_counted *c)
{

	workqueue_enqueue(wq, &c->c_work.tw_work, NULL);
	workqueue_wait(wq, &c->c_work.tw_work);
}

TEST_TC(create_no_thread, "creating and destroying queues takes no thread "
    "besides the lender and the rescuer")
{
	static struct workqueue *wq[TEST_SCALE(10000)];
	size_t i;
	int n;

	LEND("1");
	if ((n = test_nthreads_alone()) == -1)
		atf_tc_skip("host: the number of threads is not known");
	for (i = 0; i < TEST_NELEM(wq); i++) {
		wq[i] = test_create("idle", test_dispatch, NULL,
		    i == 0 ? WQ_PERCPU : i & WQ_MPSAFE);
		if (i == 0 || i == TEST_NELEM(wq) - 1)
			TEST_EQ(n + EXTRA, test_nthreads());
	}
	for (i = 0; i < TEST_NELEM(wq); i++)
		workqueue_destroy(wq[i]);
	TEST_EQ(n + EXTRA, test_nthreads());
}

TEST_TC(by_default, "a queue is lent threads if WORKQUEUE_LEND is not set")
{
	struct workqueue *wq;

	/* Empty is the same as not set. */
	LEND("");
	wq = test_create("default", test_dispatch, NULL, 0);
	ATF_REQUIRE(wq->wq_queues[0].q_lend != NULL);
	workqueue_destroy(wq);
	wq = test_create("default", test_dispatch, NULL, WQ_DEDICATED);
	ATF_REQUIRE(wq->wq_queues[0].q_lend == NULL);
	workqueue_destroy(wq);
}

TEST_TC(dedicated, "a queue with WQ_DEDICATED, or any with WORKQUEUE_LEND=0, "
    "has a thread from the start")
{
	struct workqueue *wq;
	const char *lend = getenv("WORKQUEUE_LEND");
	int n;

	LEND(lend != NULL && strcmp(lend, "0") == 0 ? "0" : "1");
	if ((n = test_nthreads_alone()) == -1)
		atf_tc_skip("host: the number of threads is not known");
	wq = test_create("dedicated", test_dispatch, NULL, WQ_DEDICATED);
	TEST_EQ(n + 1, test_nthreads());
	workqueue_destroy(wq);
	TEST_AWAIT(test_nthreads() == n);
	LEND("0");
	wq = test_create("dedicated", test_dispatch, NULL, 0);
	TEST_EQ(n + 1, test_nthreads());
	workqueue_destroy(wq);
}

TEST_TC(polled_dedicated, "a queue without a worker cannot be WQ_DEDICATED")
{
	struct workqueue *wq;
	int fd;

	LEND("1");
	TEST_EQ(EINVAL, workqueue_create_polled(&wq, "polled", test_dispatch,
	    NULL, IPL_NONE, WQ_DEDICATED, &fd));
}

TEST_TC(goes_home, "a queue gives its thread back after a while, and gets one "
    "for the next item; a thread without a queue ends")
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq;
	int i, n = -1;

	LEND("1");
	wq = test_create("home", test_dispatch, NULL, WQ_MPSAFE);
	for (i = 1; i <= 2; i++) {
		ATF_REQUIRE(isidle(wq));
		run(wq, &c);
		TEST_EQ(i, atomic_load(&c.c_runs));
		n = test_nthreads();
		TEST_AWAIT(isidle(wq));
	}
	TEST_EQ(0, workqueue_drain(wq));
	if (n != -1)
		TEST_AWAIT(test_nthreads() < n);
	run(wq, &c);
	workqueue_destroy(wq);
	TEST_EQ(3, atomic_load(&c.c_runs));
}

static specificdata_key_t key;
static atomic_int destroyed;

static void
destroy_value(void *value)
{

	atomic_fetch_add(&destroyed, value == &destroyed);
}

static void
specific(struct test_work *tw)
{
	struct test_counted *c = (void *)tw;

	if (atomic_fetch_add(&c->c_runs, 1) == 0) {
		ATF_REQUIRE(lwp_getspecific(key) == NULL);
		lwp_setspecific(key, &destroyed);
	} else
		ATF_REQUIRE(lwp_getspecific(key) == &destroyed);
}

TEST_TC(specific_travels, "lwp_specific(9) values belong to the queue, and are "
    "destroyed with it")
{
	struct test_counted c = { .c_work = { .tw_func = specific } };
	struct test_counted other = TEST_COUNTED;
	struct workqueue *wq, *wq2;
	int i;

	LEND("1");
	TEST_EQ(0, lwp_specific_key_create(&key, destroy_value));
	for (i = 0; i < 2; i++) {
		atomic_store(&c.c_runs, 0);
		wq = test_create("specific", test_dispatch, NULL, 0);
		wq2 = test_create("other", test_dispatch, NULL, 0);
		run(wq, &c);
		TEST_AWAIT(isidle(wq));
		/* This queue may get the thread. */
		run(wq2, &other);
		run(wq, &c);
		if (i == 1)
			TEST_AWAIT(isidle(wq));
		TEST_EQ(i, atomic_load(&destroyed));
		workqueue_destroy(wq);
		workqueue_destroy(wq2);
		TEST_EQ(i + 1, atomic_load(&destroyed));
	}
	lwp_specific_key_delete(key);
}

static struct lwp *ran_by;
static pri_t look_pri;

/*
 * Leave the thread changed, or find it as a worker's should be.
 */
static void
change_thread(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	ran_by = curlwp_get();
	(void)splvm();
	kpreempt_disable();
	kpreempt_disable();
	(void)pserialize_read_enter();
	(void)curlwp_bind();
	ran_by->l_priority = PRI_KERNEL;
}

static void
find_thread(struct work *wk, void *arg)
{
	struct lwp *l = curlwp_get();
	struct cpu_info *ci = arg;
	const int bound = ci != NULL;

	(void)wk;
	ran_by = ran_by == l ? l : NULL;
	TEST_EQ(IPL_NONE, l->l_ipl);
	TEST_EQ(0, l->l_nopreempt);
	TEST_EQ(0, l->l_psread);
	TEST_EQ(look_pri, l->l_priority);
	ATF_REQUIRE(l->l_cpu == ci);
	TEST_EQ(bound, (l->l_flag & LW_BOUND) != 0);
	TEST_EQ(bound, (l->l_pflag & LP_BOUND) != 0);
}

/*
 * Run an item on each of two queues.  Return true if one thread has run both.
 */
static bool
change_and_find(int flags)
{
	struct cpu_info *ci = flags & WQ_PERCPU ? cpu_lookup(0) : NULL;
	struct workqueue *wq;
	struct work wk;
	int i;

	for (i = 0; i < 2; i++) {
		TEST_EQ(0, workqueue_create(&wq, "change",
		    i == 0 ? change_thread : find_thread, ci, look_pri,
		    IPL_NONE, flags));
		workqueue_enqueue(wq, &wk, ci);
		workqueue_wait(wq, &wk);
		workqueue_destroy(wq);
	}
	return ran_by != NULL;
}

TEST_TC(thread_restored, "a thread that callbacks leave at a raised level, "
    "without preemption, or bound, is as before when it gets another queue")
{

	LEND("1");
	/* Checking mode reports the callbacks. */
	test_env("WORKQUEUE_CHECK", NULL);
	look_pri = PRI_NONE;
	TEST_AWAIT(change_and_find(WQ_MPSAFE));
	TEST_AWAIT(change_and_find(WQ_PERCPU));
	/* The pools of this priority have no thread, so the rescuer runs. */
	look_pri = PRI_USER;
	set_hook(no_threads);
	ATF_REQUIRE(change_and_find(WQ_PERCPU));
	ATF_REQUIRE(change_and_find(WQ_MPSAFE));
	ATF_REQUIRE(change_and_find(0));
}

static kmutex_t left_mutex;
static struct psref_target left_target;
static struct psref left_psref;
static struct psref_class *left_class;

static void
leave_lock(struct work *wk, void *arg)
{

	(void)wk;
	switch (*(int *)arg) {
	case 0:
		mutex_enter(&left_mutex);
		break;
	case 1:
		KERNEL_LOCK(1, NULL);
		break;
	default:
		(void)curlwp_bind();
		psref_acquire(&left_psref, &left_target, left_class);
		break;
	}
}

static int what_left;

static void
leave(void)
{
	struct workqueue *wq;
	struct work wk;

	mutex_init(&left_mutex, MUTEX_DEFAULT, IPL_VM);
	left_class = psref_class_create("left", IPL_NONE);
	psref_target_init(&left_target, left_class);
	if (workqueue_create(&wq, "leaves", leave_lock, &what_left, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE) != 0)
		_exit(3);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_wait(wq, &wk);
	/* The thread goes home. */
	workqueue_destroy(wq);
}

TEST_TC(leaves_lock, "a callback that leaves a lock held is diagnosed before "
    "the thread leaves the queue")
{
	static const char *const what[] = {
		"a spin mutex", "the kernel lock", "a psref"
	};

	LEND("1");
	test_env("WORKQUEUE_CHECK", NULL);
	for (what_left = 0; what_left < 3; what_left++)
		test_panics(leave, "workqueue \"leaves\": callbacks left ",
		    what[what_left], " held", NULL);
}

static void
look_around(struct work *wk, void *arg)
{
	char want[16], name[16] = "";
	struct cpu_info *ci = arg;
	const int bound = ci != NULL;

	(void)wk;
	(void)snprintf(want, sizeof(want), ci == NULL ? "around" : "around/%u",
	    ci == NULL ? 0 : cpu_index(ci));
	ATF_REQUIRE(strcmp(want, curlwp_get()->l_name) == 0);
	if ((wqk_hostcaps() & TEST_CAP_NAMES) != 0) {
		TEST_EQ(0, pthread_getname_np(pthread_self(), name,
		    sizeof(name)));
		ATF_REQUIRE(strcmp(want, name) == 0);
	}
	TEST_EQ(look_pri, curlwp_get()->l_priority);
	TEST_EQ(bound, (curlwp_get()->l_flag & LW_BOUND) != 0);
	TEST_EQ(bound, (curlwp_get()->l_pflag & LP_BOUND) != 0);
	ATF_REQUIRE(curlwp_get()->l_cpu == ci);
	if (ci != NULL)
		ATF_REQUIRE(curcpu() == ci);
}

TEST_TC(looks_like_worker, "a thread has the queue's name, priority and CPU, "
    "also if it had another queue before, and also if it is the rescuer")
{
	struct workqueue *wq;
	struct cpu_info *ci;
	struct work wk;
	pri_t asked, inforce, first = PRI_NONE;
	int i;

	LEND("1");
	ci = cpu_lookup((u_int)ncpu - 1);
	for (i = 0; i < 5; i++) {
		/* The pools of the second priority have no thread. */
		look_pri = i < 2 ? PRI_KERNEL : PRI_KERNEL + 1;
		TEST_EQ(0, workqueue_create(&wq, "around", look_around,
		    i & 1 ? ci : NULL, look_pri, IPL_NONE,
		    i & 1 ? WQ_PERCPU : 0));
		if (i == 2)
			set_hook(no_threads);
		workqueue_enqueue(wq, &wk, i & 1 ? ci : NULL);
		workqueue_wait(wq, &wk);
		workqueue_getpri(wq, &asked, &inforce);
		TEST_EQ(look_pri, asked);
		if (i == 0)
			first = inforce;
		if (i < 2)
			TEST_EQ(first, inforce);
		workqueue_destroy(wq);
	}
}

TEST_TC(lender_first, "the lender has the highest priority, and the threads "
    "that it starts do not inherit it")
{
	struct workqueue *wq;
	pri_t inforce;

	LEND("1");
	wq = test_create("pri", test_dispatch, NULL, 0);
	TEST_EQ(PRI_COUNT - 1, wqlend_lender->l_priority);
	workqueue_getpri(wq, NULL, &inforce);
	ATF_REQUIRE(inforce <= MAXPRI_USER || inforce == PRI_IDLE);
	workqueue_destroy(wq);
}

/*
 * A canceller may be about to write to the batch, which is on the stack of the
 * thread.
 */
TEST_TC(drops_batch, "a thread that leaves a queue leaves it no batch")
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue_queue *q;
	struct workqueue *wq;
	kmutex_t *lock;
	struct lwp *l;

	LEND("1");
	wq = test_create("batch", test_dispatch, NULL, WQ_MPSAFE);
	q = &wq->wq_queues[0];
	lock = &q->q_lend->we_pool->lp_lock;
	run(wq, &c);
	/* Let the thread leave workqueue_serve(), but not go home. */
	TEST_AWAIT((l = __atomic_load_n(&q->q_lwp, __ATOMIC_SEQ_CST)) != NULL);
	mutex_enter(lock);
	__atomic_store_n(&q->q_worker, WORKER_RETURNS, __ATOMIC_SEQ_CST);
	lwp_unpark(l);
	TEST_AWAIT(__atomic_load_n(&l->l_wchan, __ATOMIC_SEQ_CST) == lock);
	mutex_enter(&q->q_lock);
	TEST_EQ(q->q_start, q->q_end);
	mutex_exit(&q->q_lock);
	mutex_exit(lock);
	workqueue_destroy(wq);
}

TEST_TC(getpri_idle, "the priority in force is known before the first item")
{
	struct workqueue *wq;
	pri_t asked, inforce;

	LEND("1");
	wq = test_create("pri", test_dispatch, NULL, 0);
	workqueue_getpri(wq, &asked, &inforce);
	TEST_EQ(PRI_NONE, asked);
	ATF_REQUIRE(inforce != PRI_NONE);
	workqueue_destroy(wq);
}

/*
 * Producers in signal handlers.
 */
#define	NQUEUES	1000

static struct workqueue *wqs[NQUEUES];
static struct test_counted items[NQUEUES];
static volatile int next_queue;

static void
handler(int signo)
{
	int i = next_queue++;

	(void)signo;
	workqueue_enqueue(wqs[i], &items[i].c_work.tw_work, NULL);
}

static void
burst(void)
{
	struct sigaction sa;
	int i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	TEST_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	for (i = 0; i < NQUEUES; i++) {
		items[i].c_work.tw_func = test_counted_run;
		wqs[i] = test_create("burst", test_dispatch, NULL,
		    i & WQ_MPSAFE);
	}
	for (next_queue = 0; (i = next_queue) < NQUEUES;)
		if (i % 2 != 0)
			(void)raise(SIGUSR1);
		else {
			next_queue++;
			workqueue_enqueue(wqs[i], &items[i].c_work.tw_work,
			    NULL);
		}
}

static void
after_burst(void)
{
	int i;

	for (i = 0; i < NQUEUES; i++) {
		if (i % 3 == 0)
			workqueue_wait(wqs[i], &items[i].c_work.tw_work);
		else if (i % 3 == 1)
			TEST_EQ(0, workqueue_drain(wqs[i]));
		workqueue_destroy(wqs[i]);
		TEST_EQ(1, atomic_load(&items[i].c_runs));
	}
}

TEST_TC(handlers, "items that threads and handlers enqueue on idle queues all "
    "run")
{

	LEND("1");
	burst();
	after_burst();
}

TEST_TC(refused, "if the system refuses every thread, all items still run")
{
	struct workqueue *wq;

	LEND("1");
	wq = test_create("first", test_dispatch, NULL, 0);
	set_hook(no_threads);
	burst();
	after_burst();
	workqueue_destroy(wq);
}

static struct workqueue *again_wq;
static atomic_int again_stop;

static void
again(struct test_work *tw)
{
	struct test_counted *c = (void *)tw;

	atomic_fetch_add(&c->c_runs, 1);
	if (!atomic_load(&again_stop))
		workqueue_enqueue(again_wq, &tw->tw_work, NULL);
}

TEST_TC(refused_busy, "without threads, a queue that is never empty does not "
    "hold up another, and threads are used when the system grants them again")
{
	struct test_counted c = { .c_work = { .tw_func = again } };
	struct test_counted other = TEST_COUNTED;
	struct workqueue *wq;
	int64_t begin;
	int i;

	LEND("1");
	again_wq = test_create("again", test_dispatch, NULL, 0);
	wq = test_create("other", test_dispatch, NULL, 0);
	begin = test_now();
	set_hook(no_threads);
	workqueue_enqueue(again_wq, &c.c_work.tw_work, NULL);
	for (i = 0; i < TEST_SCALE(1000); i++)
		run(wq, &other);
	TEST_EQ(TEST_SCALE(1000), atomic_load(&other.c_runs));
	set_hook(NULL);
	/* The lender tries every 10 ms. */
	ATF_REQUIRE(atomic_load(&refusals) <=
	    (test_now() - begin) / 10000000 + 2);
	TEST_AWAIT(__atomic_load_n(&again_wq->wq_queues[0].q_worker,
	    __ATOMIC_RELAXED) == WORKER_SERVES);
	atomic_store(&again_stop, 1);
	workqueue_destroy(again_wq);
	workqueue_destroy(wq);
}

static void
xcall(void *arg1, void *arg2)
{
	struct workqueue **wqp = arg1;

	(void)arg2;
	(void)workqueue_current(wqp);
}

TEST_TC(xcall_dedicated, "the queue of cross-calls has threads of its own, so "
    "that a callback can wait for one if the system refuses threads")
{
	struct workqueue *wq = NULL;

	LEND("1");
	xc_wait(xc_unicast(0, xcall, &wq, NULL, cpu_lookup(0)));
	ATF_REQUIRE(wq != NULL);
	ATF_REQUIRE(wq->wq_queues[0].q_lend == NULL);
}

static void
note_thread(struct test_work *tw)
{

	(void)tw;
	ran_by = curlwp_get();
}

/*
 * Run an item on one queue, and then one on the other.  Return true if the same
 * thread has run both.
 */
static bool
shared(struct workqueue **wq, struct test_counted *c)
{
	struct lwp *l;

	run(wq[0], &c[0]);
	l = ran_by;
	run(wq[1], &c[1]);
	return ran_by == l;
}

TEST_TC(refused_recall, "if the system refuses threads for long, a queue still "
    "gets a thread from a queue that is idle")
{
	struct test_counted c[2] = {
		{ .c_work = { .tw_func = note_thread } },
		{ .c_work = { .tw_func = note_thread } }
	};
	struct test_gate gate;
	struct workqueue *wq[2];
	int i;

	LEND("1");
	for (i = 0; i < 2; i++)
		wq[i] = test_create("recall", test_dispatch, NULL, WQ_MPSAFE);
	test_gate_init(&gate);
	test_gate_close(&gate, wq[0], NULL);
	set_hook(no_threads);
	/* The only thread is blocked, so the rescuer runs this. */
	run(wq[1], &c[1]);
	test_gate_open(&gate);
	TEST_AWAIT(shared(wq, c));
	for (i = 0; i < 2; i++)
		workqueue_destroy(wq[i]);
}

TEST_TC(refused_create, "the first queue is not created if the system refuses "
    "the lender or the rescuer, and later ones need no thread")
{
	struct workqueue *wq;

	LEND("1");
	set_hook(no_threads);
	TEST_EQ(EAGAIN, workqueue_create(&wq, "none", test_dispatch, NULL,
	    PRI_NONE, IPL_NONE, 0));
	set_hook(NULL);
	wq = test_create("first", test_dispatch, NULL, 0);
	set_hook(no_threads);
	workqueue_destroy(test_create("second", test_dispatch, NULL, 0));
	workqueue_destroy(wq);
}

TEST_TC(blocked, "queues whose callbacks block do not hold up others")
{
	static struct test_gate gates[TEST_SCALE(200)];
	static struct workqueue *wq[TEST_NELEM(gates)];
	struct test_counted c = TEST_COUNTED;
	struct workqueue *other;
	size_t i;

	LEND("1");
	other = test_create("other", test_dispatch, NULL, WQ_MPSAFE);
	for (i = 0; i < TEST_NELEM(gates); i++) {
		wq[i] = test_create("gate", test_dispatch, NULL, WQ_MPSAFE);
		test_gate_init(&gates[i]);
		workqueue_enqueue(wq[i], &gates[i].g_work.tw_work, NULL);
	}
	for (i = 0; i < TEST_NELEM(gates); i++)
		test_sem_wait(&gates[i].g_entered);
	run(other, &c);
	for (i = 0; i < TEST_NELEM(gates); i++) {
		test_gate_open(&gates[i]);
		workqueue_destroy(wq[i]);
	}
	workqueue_destroy(other);
}

TEST_TC(cycles, "create, enqueue, cancel or wait, and destroy, many "
    "times")
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq;
	int cancelled, i;

	LEND("1");
	cancelled = 0;
	for (i = 0; i < TEST_SCALE(20000); i++) {
		wq = test_create("cycle", test_dispatch, NULL, i & WQ_MPSAFE);
		workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
		if (i % 3 == 0)
			cancelled += workqueue_cancel(wq, &c.c_work.tw_work);
		else if (i % 3 == 1)
			workqueue_wait(wq, &c.c_work.tw_work);
		workqueue_destroy(wq);
		TEST_EQ(i + 1 - cancelled, atomic_load(&c.c_runs));
	}
}

/* Poke an idle queue's record as a producer does that comes late. */
TEST_TC(late_push, "a producer that goes on after its item has run, and after "
    "the queue is gone, does no harm")
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq, *wq2;
	struct runner *r;

	LEND("1");
	wq = test_create("late", test_dispatch, NULL, WQ_MPSAFE);
	r = &wq->wq_queues[0].q_lend->we_runner;
	/* The queue is idle, or has its worker. */
	(*r->r_wakeup)(r);
	run(wq, &c);
	(*r->r_wakeup)(r);
	run(wq, &c);
	/* The record is free. */
	workqueue_destroy(wq);
	(*r->r_wakeup)(r);
	/* It belongs to another queue, which is idle. */
	wq2 = test_create("new", test_dispatch, NULL, WQ_MPSAFE);
	ATF_REQUIRE(r == &wq2->wq_queues[0].q_lend->we_runner);
	(*r->r_wakeup)(r);
	run(wq2, &c);
	workqueue_destroy(wq2);
	TEST_EQ(3, atomic_load(&c.c_runs));
}

/*
 * Do the part of a producer's wake-up that comes before the place where it is
 * stopped.
 */
static struct work *
stop_claimed(struct workqueue *wq, int link)
{
	struct wqlend_link *wl = &wq->wq_queues[0].q_lend->we_links[link];

	(void)__atomic_fetch_or(&wl->wl_state, WQLEND_CLAIMED,
	    __ATOMIC_SEQ_CST);
	return &wl->wl_work;
}

static void
stopped_before_push(int n)
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq;
	struct wqlend *we;
	struct work *wk[WQLEND_LINKS];
	int i;

	LEND("1");
	wq = test_create("stopped", test_dispatch, NULL, WQ_MPSAFE);
	we = wq->wq_queues[0].q_lend;
	for (i = 0; i < n; i++)
		wk[i] = stop_claimed(wq, i);
	for (i = 0; i < 5; i++) {
		/* If even the threads are refused, the rescuer finds it. */
		if (i == 3)
			set_hook(no_threads);
		/* Enqueue without a wait, too. */
		if (i % 2 == 0)
			workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
		else
			run(wq, &c);
		workqueue_destroy(wq);
		TEST_EQ(i + 1, atomic_load(&c.c_runs));
		wq = test_create("next", test_dispatch, NULL, WQ_MPSAFE);
		ATF_REQUIRE(wq->wq_queues[0].q_lend == we);
	}
	/* The producers go on. */
	for (i = 0; i < n; i++)
		wqinbox_push(&we->we_pool->lp_inbox, wk[i]);
	run(wq, &c);
	workqueue_destroy(wq);
	TEST_EQ(6, atomic_load(&c.c_runs));
}

TEST_TC(stopped_claimed, "a producer that is stopped before it pushes the "
    "record of a queue holds up neither that queue nor the next that gets the "
    "record")
{

	stopped_before_push(1);
}

TEST_TC(stopped_claimed_two, "two producers that are stopped so hold up "
    "neither queue")
{

	stopped_before_push(2);
}

TEST_TC(stopped_claimed_many, "producers that are stopped so on many queues "
    "hold up none of them")
{
	static struct test_counted c[TEST_SCALE(1000)];
	static struct workqueue *wq[TEST_NELEM(c)];
	size_t i;

	LEND("1");
	for (i = 0; i < TEST_NELEM(c); i++) {
		c[i].c_work.tw_func = test_counted_run;
		wq[i] = test_create("stopped", test_dispatch, NULL, WQ_MPSAFE);
		if (i % 2 == 0) {
			(void)stop_claimed(wq[i], 0);
			(void)stop_claimed(wq[i], 1);
		}
		workqueue_enqueue(wq[i], &c[i].c_work.tw_work, NULL);
	}
	/* Destroy some queues that still wait for a thread. */
	for (i = 0; i < TEST_NELEM(c); i++) {
		if (i % 8 == 0)
			workqueue_wait(wq[i], &c[i].c_work.tw_work);
		workqueue_destroy(wq[i]);
		TEST_EQ(1, atomic_load(&c[i].c_runs));
	}
}

static atomic_int lender_parks;

static int
note_lender(enum host_point point, void *arg)
{
	struct lwp *l;

	(void)arg;
	if (point == HOST_POINT_PARK && (l = host_self()) != NULL &&
	    l->l_priority == PRI_COUNT - 1)
		atomic_fetch_add(&lender_parks, 1);
	return 0;
}

TEST_TC(stopped_pushed, "a producer that is stopped before it wakes a thread "
    "of the pool holds up no other queue, nor threads that wait for its own")
{
	struct test_counted c[2] = { TEST_COUNTED, TEST_COUNTED };
	struct workqueue *wq[3];
	struct work *wk;
	int i;

	LEND("1");
	set_hook(note_lender);
	for (i = 0; i < 3; i++)
		wq[i] = test_create("stopped", test_dispatch, NULL, WQ_MPSAFE);
	/* The lender does not look by itself. */
	TEST_AWAIT(atomic_load(&lender_parks) != 0);
	wk = stop_claimed(wq[0], 0);
	(void)wqinbox_insert(&wq[0]->wq_queues[0].q_lend->we_pool->lp_inbox,
	    wk, NULL);
	workqueue_enqueue(wq[1], &c[1].c_work.tw_work, NULL);
	TEST_AWAIT(atomic_load(&c[1].c_runs) == 1);
	run(wq[0], &c[0]);
	TEST_EQ(1, atomic_load(&c[0].c_runs));
	for (i = 0; i < 3; i++)
		workqueue_destroy(wq[i]);
}

TEST_TC(lender_sleeps, "the lender sees a record that is pushed while it "
    "sleeps for the lock of another pool")
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq[2];
	kmutex_t *lock;
	int i, n;

	LEND("1");
	set_hook(note_lender);
	/* The lender looks at the pool of the latter first. */
	for (i = 0; i < 2; i++)
		TEST_EQ(0, workqueue_create(&wq[i], "sleeps", test_dispatch,
		    NULL, PRI_NONE + i, IPL_NONE, WQ_MPSAFE));
	lock = &wq[0]->wq_queues[0].q_lend->we_pool->lp_lock;
	TEST_AWAIT((n = atomic_load(&lender_parks)) != 0);
	mutex_enter(lock);
	lwp_unpark(wqlend_lender);
	/* It sleeps for the lock, wakes up, and sleeps again. */
	TEST_AWAIT(atomic_load(&lender_parks) > n &&
	    __atomic_load_n(&wqlend_lender->l_wchan, __ATOMIC_SEQ_CST) == lock);
	n = atomic_load(&lender_parks);
	workqueue_enqueue(wq[1], &c.c_work.tw_work, NULL);
	TEST_AWAIT(atomic_load(&lender_parks) > n &&
	    __atomic_load_n(&wqlend_lender->l_wchan, __ATOMIC_SEQ_CST) == lock);
	mutex_exit(lock);
	TEST_AWAIT(atomic_load(&c.c_runs) == 1);
	for (i = 0; i < 2; i++)
		workqueue_destroy(wq[i]);
}

TEST_TC(forked, "a forked child lends threads of its own")
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *parents, *wq;
	pid_t pid;
	int status;

	if (!TEST_CHILDTHREADS)
		atf_tc_skip("tsan: a child cannot start threads");
	LEND("1");
	parents = test_create("parent", test_dispatch, NULL, 0);
	run(parents, &c);
	wq = test_create("idle", test_dispatch, NULL, 0);
	if ((pid = test_fork()) == 0) {
		workqueue_destroy(parents);
		workqueue_destroy(wq);
		wq = test_create("child", test_dispatch, NULL, 0);
		run(wq, &c);
		workqueue_destroy(wq);
		_exit(atomic_load(&c.c_runs) == 2 ? 0 : 1);
	}
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	TEST_EQ(0, status);
	run(parents, &c);
	workqueue_destroy(parents);
	workqueue_destroy(wq);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, blocked);
	ATF_TP_ADD_TC(tp, by_default);
	ATF_TP_ADD_TC(tp, create_no_thread);
	ATF_TP_ADD_TC(tp, cycles);
	ATF_TP_ADD_TC(tp, dedicated);
	ATF_TP_ADD_TC(tp, drops_batch);
	ATF_TP_ADD_TC(tp, forked);
	ATF_TP_ADD_TC(tp, getpri_idle);
	ATF_TP_ADD_TC(tp, goes_home);
	ATF_TP_ADD_TC(tp, handlers);
	ATF_TP_ADD_TC(tp, late_push);
	ATF_TP_ADD_TC(tp, leaves_lock);
	ATF_TP_ADD_TC(tp, lender_first);
	ATF_TP_ADD_TC(tp, lender_sleeps);
	ATF_TP_ADD_TC(tp, looks_like_worker);
	ATF_TP_ADD_TC(tp, polled_dedicated);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, refused_busy);
	ATF_TP_ADD_TC(tp, refused_create);
	ATF_TP_ADD_TC(tp, refused_recall);
	ATF_TP_ADD_TC(tp, specific_travels);
	ATF_TP_ADD_TC(tp, stopped_claimed);
	ATF_TP_ADD_TC(tp, stopped_claimed_many);
	ATF_TP_ADD_TC(tp, stopped_claimed_two);
	ATF_TP_ADD_TC(tp, stopped_pushed);
	ATF_TP_ADD_TC(tp, thread_restored);
	ATF_TP_ADD_TC(tp, xcall_dedicated);
	return atf_no_error();
}
