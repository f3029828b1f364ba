/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: the host's test hook makes calls fail, and stops threads at
 * critical places.
 */

#include <sys/cpu.h>
#include <sys/systm.h>

#include <host/host.h>

#include <kern/kern.h>
#include <kern/kern_param.h>
#include <kern/subr_workqueue.h>

#include "../../tests.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

/*
 * The hook makes calls fail, and counts them.
 */
static atomic_int fail_alloc, fail_thread;	/* fail the nth from now */
static atomic_int fail_error;
static atomic_int n_alloc, n_thread;

/* A function to call at a thread's next park or unpark. */
struct stop {
	void		(*s_func)(struct stop *);
	struct host_park *s_park;
	sem_t		  s_stopped;
	sem_t		  s_go;
};
static _Thread_local struct stop *at_park, *at_unpark;
static _Thread_local int my_unparks, my_allocs;

/* The only worker, which a test watches. */
static pthread_t worker;
static struct workqueue *worker_wq;
static atomic_int worker_known, worker_parks;
static _Atomic(struct stop *) worker_stop;
static _Atomic(struct host_park *) worker_park;

static int
hook(enum host_point point, void *arg)
{
	struct stop *s = NULL;
	int n;

	switch (point) {
	case HOST_POINT_ALLOC:
		atomic_fetch_add(&n_alloc, 1);
		my_allocs++;
		n = atomic_load(&fail_alloc);
		if (n > 0 && atomic_fetch_sub(&fail_alloc, 1) == 1)
			return ENOMEM;
		break;
	case HOST_POINT_THREAD:
		atomic_fetch_add(&n_thread, 1);
		n = atomic_load(&fail_thread);
		if (n > 0 && atomic_fetch_sub(&fail_thread, 1) == 1)
			return atomic_load(&fail_error);
		break;
	case HOST_POINT_PARK:
		s = at_park;
		at_park = NULL;
		/* The worker may also park for a mutex. */
		if (atomic_load(&worker_known) &&
		    pthread_equal(pthread_self(), worker) &&
		    wqinbox_isasleep(&worker_wq->wq_queues[0].q_inbox)) {
			atomic_store(&worker_park, arg);
			atomic_fetch_add(&worker_parks, 1);
			s = atomic_exchange(&worker_stop, NULL);
		}
		break;
	case HOST_POINT_UNPARK:
		my_unparks++;
		s = at_unpark;
		at_unpark = NULL;
		break;
	}
	if (s != NULL) {
		s->s_park = arg;
		(*s->s_func)(s);
	}
	return 0;
}

static void
hook_set(void)
{

	__atomic_store_n(&host_hook, hook, __ATOMIC_SEQ_CST);
}

static void
stop_tell(struct stop *s)
{

	sem_post(&s->s_stopped);
}

static void
stop_stay(struct stop *s)
{

	sem_post(&s->s_stopped);
	test_sem_wait(&s->s_go);
}

static void
stop_init(struct stop *s, void (*func)(struct stop *))
{

	s->s_func = func;
	s->s_park = NULL;
	sem_init(&s->s_stopped, 0, 0);
	sem_init(&s->s_go, 0, 0);
}

/*
 * A queue whose only worker the hook watches.
 */
static void
know_worker(struct test_work *tw)
{

	(void)tw;
	worker = pthread_self();
	atomic_store(&worker_known, 1);
}

static struct workqueue *
watched(const char *name)
{
	struct test_work tw = { .tw_func = know_worker };
	struct workqueue *wq;

	atomic_store(&worker_known, 0);
	atomic_store(&worker_stop, NULL);
	atomic_store(&worker_parks, 0);
	/* A lent thread would still be watched when it has left the queue. */
	wq = worker_wq = test_create(name, test_dispatch, NULL,
	    WQ_MPSAFE | WQ_DEDICATED);
	workqueue_enqueue(wq, &tw.tw_work, NULL);
	workqueue_wait(wq, &tw.tw_work);
	return wq;
}

/* Wait until the watched worker has announced its sleep. */
static void
await_sleep(void)
{

	TEST_AWAIT(atomic_load(&worker_parks) > 0);
}

/*
 * Failures of create.
 */
struct usage {
	int	u_threads, u_fds;
	size_t	u_heap;			/* bytes, if known */
};

static void
usage(struct usage *u)
{

	u->u_fds = test_countdir("/proc/self/fd");
	u->u_threads = test_nthreads();
	u->u_heap = 0;
	/* A sanitizer has its own leak checker. */
#if defined(__GLIBC__) && !defined(TEST_ASAN) && !defined(TEST_TSAN)
	struct mallinfo2 mi = mallinfo2();

	u->u_heap = mi.uordblks + mi.hblkhd;
#endif
}

/*
 * Check that n rounds leave nothing behind.  The C library keeps a little for
 * each cached stack, but less than half a cache line a round.
 */
static void
usage_same(const struct usage *then, int n)
{
	struct usage now;

	TEST_AWAIT(test_nthreads() == then->u_threads);
	usage(&now);
	TEST_EQ(then->u_fds, now.u_fds);
	ATF_REQUIRE_MSG(now.u_heap < then->u_heap + (size_t)n * 32,
	    "heap grew from %zu to %zu bytes in %d rounds", then->u_heap,
	    now.u_heap, n);
}

/*
 * Let the first, second ... call fail until create succeeds; return how many
 * calls failed.
 */
static int
create_failing(atomic_int *which, int error, int flags, int nthreads,
    struct workqueue **wqp)
{
	struct workqueue *mark = (void *)&error, *wq;
	int is, n;

	for (n = 1;; n++) {
		wq = mark;
		atomic_store(&fail_error, error);
		atomic_store(which, n);
		is = workqueue_create(&wq, "fails", test_dispatch, NULL,
		    PRI_NONE, IPL_NONE, flags | WQ_DEDICATED);
		atomic_store(which, 0);
		if (is == 0)
			break;
		TEST_EQ(error, is);
		ATF_REQUIRE_MSG(wq == mark, "*wqp was changed");
		if (nthreads != -1)
			TEST_AWAIT(test_nthreads() == nthreads);
	}
	ATF_REQUIRE(wq != mark);
	*wqp = wq;
	return n - 1;
}

static void
create_failures(atomic_int *which, int error, int want)
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq;
	struct usage u = { .u_threads = -1 };
	int flags, i, n, nthreads;

	test_env("WORKQUEUE_NCPU", "7");
	nthreads = test_nthreads_alone();
	workqueue_destroy(test_create("warm", test_dispatch, NULL,
	    WQ_PERCPU | WQ_DEDICATED));
	hook_set();
	for (i = 0; i < 120; i++) {
		if (i == 20) {
			TEST_AWAIT(test_nthreads() == nthreads);
			usage(&u);
		}
		flags = i % 4;
		n = create_failing(which, error, flags, nthreads, &wq);
		if (want != 0)
			TEST_EQ((flags & WQ_PERCPU) != 0 ? 7 : 1, n);
		else if ((flags & WQ_PERCPU) != 0)
			/* Others may find room in a slab. */
			ATF_REQUIRE(n >= 1);
		/* A successful create gives a queue that works. */
		workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
		workqueue_destroy(wq);
		TEST_EQ(i + 1, c.c_runs);
	}
	usage_same(&u, 100);
}

TEST_TC(create_without_memory, "if any allocation of create fails, it returns "
    "ENOMEM, leaves *wqp alone, and leaks nothing")
{

	create_failures(&fail_alloc, ENOMEM, 0);
}

TEST_TC(create_without_thread, "if any thread of create does not start, it "
    "returns the reason, leaves *wqp alone, ends the others, and leaks nothing")
{

	create_failures(&fail_thread, EAGAIN, 1);
}

TEST_TC(create_thread_errno, "create returns the host's errno value for a "
    "thread")
{

	create_failures(&fail_thread, EPERM, 1);
}

TEST_TC(create_many_without_memory, "allocations that only some creations "
    "need fail as well as the others")
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq[60];
	int failed = 0, i, nthreads = test_nthreads_alone();

	hook_set();
	for (i = 0; i < 60; i++) {
		failed += create_failing(&fail_alloc, ENOMEM, 0,
		    nthreads == -1 ? -1 : nthreads + i, &wq[i]);
		workqueue_enqueue(wq[i], &c.c_work.tw_work, NULL);
		workqueue_wait(wq[i], &c.c_work.tw_work);
		TEST_EQ(i + 1, c.c_runs);
	}
	/* At least two slabs of queues. */
	ATF_REQUIRE(failed >= 2);
	for (i = 0; i < 60; i++)
		workqueue_destroy(wq[i]);
}

/*
 * The lender and the rescuer stay, and so does the thread for deadlines if the
 * host needs one.
 */
static int
lend_threads(void)
{
#ifndef _WQ_SIM

	if ((wqk_hostcaps() & TEST_CAP_NAMES) == 0)
		return 3;
#endif
	return 2;
}

TEST_TC(cycles_leak_nothing, "creating, using and destroying queues repeatedly "
    "leaks no thread, descriptor or memory")
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq;
	struct usage u = { .u_threads = -1 };
	int i, nthreads = test_nthreads_alone();

	for (i = 0; i < 600; i++) {
		if (i == 100) {
			if (nthreads != -1 && kern_lend)
				nthreads += lend_threads();
			TEST_AWAIT(test_nthreads() == nthreads);
			usage(&u);
		}
		wq = test_create("cycle", test_dispatch, NULL, i % 4);
		workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
		if (i % 3)
			workqueue_wait(wq, &c.c_work.tw_work);
		workqueue_destroy(wq);
	}
	usage_same(&u, 500);
	TEST_EQ(600, c.c_runs);
}

static void *
known_thread(void *arg)
{
	struct test_counted *c = arg;

	(void)c;
	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_ONE(NULL);
	return NULL;
}

TEST_TC(threads_leak_nothing, "what the library keeps for a thread is reused "
    "after its end")
{
	int allocs = -1, i;

	hook_set();
	for (i = 0; i < 2000; i++) {
		if (i == 100)
			allocs = atomic_load(&n_alloc);
		test_join(test_thread(known_thread, NULL));
	}
	TEST_EQ(allocs, n_alloc);
}

/*
 * Enqueue.
 */
struct burst {
	struct workqueue *b_wq;
	struct test_counted b_counted[1000];
	int		  b_unparks, b_allocs;
};

static void *
burst(void *arg)
{
	struct burst *b = arg;
	size_t i;

	for (i = 0; i < TEST_NELEM(b->b_counted); i++) {
		workqueue_enqueue(b->b_wq, &b->b_counted[i].c_work.tw_work,
		    NULL);
	}
	b->b_unparks = my_unparks;
	b->b_allocs = my_allocs;
	return NULL;
}

static void
burst_init(struct burst *b, struct workqueue *wq)
{
	size_t i;

	memset(b, 0, sizeof(*b));
	b->b_wq = wq;
	for (i = 0; i < TEST_NELEM(b->b_counted); i++)
		b->b_counted[i].c_work.tw_func = test_counted_run;
}

static void
burst_ran(struct burst *b)
{
	size_t i;

	for (i = 0; i < TEST_NELEM(b->b_counted); i++)
		TEST_EQ(1, b->b_counted[i].c_runs);
}

TEST_TC(enqueue_to_awake, "enqueueing for a worker that is awake allocates "
    "nothing and wakes nobody")
{
	static struct burst b;
	struct test_gate g;
	struct workqueue *wq;

	hook_set();
	test_gate_init(&g);
	wq = test_create("awake", test_dispatch, NULL, WQ_MPSAFE);
	burst_init(&b, wq);
	test_gate_close(&g, wq, NULL);
	test_join(test_thread(burst, &b));
	TEST_EQ(0, b.b_unparks);
	TEST_EQ(0, b.b_allocs);
	test_gate_open(&g);
	workqueue_destroy(wq);
	burst_ran(&b);
}

TEST_TC(enqueue_to_asleep, "of many enqueues for a sleeping worker one wakes "
    "it, and none allocates")
{
	static struct burst b;
	struct workqueue *wq;
	struct stop s;

	hook_set();
	stop_init(&s, stop_stay);
	wq = test_create("asleep", test_dispatch, NULL, WQ_MPSAFE);
	workqueue_destroy(wq);
	wq = watched("asleep");
	await_sleep();
	/* Bring the worker to the point of sleep again, and stop it there. */
	atomic_store(&worker_stop, &s);
	burst_init(&b, wq);
	b.b_counted[0].c_work.tw_func = test_counted_run;
	workqueue_enqueue(wq, &b.b_counted[0].c_work.tw_work, NULL);
	test_sem_wait(&s.s_stopped);
	workqueue_wait(wq, &b.b_counted[0].c_work.tw_work);
	atomic_store(&b.b_counted[0].c_runs, 0);
	test_join(test_thread(burst, &b));
	TEST_EQ(1, b.b_unparks);
	TEST_EQ(0, b.b_allocs);
	sem_post(&s.s_go);
	workqueue_destroy(wq);
	burst_ran(&b);
}

TEST_TC(idle_is_quiet, "an idle queue makes no system call and uses no CPU")
{
	struct timespec ts = { 0, 300000000 }, before, after;
	struct workqueue *wq;
	int64_t used;
	int parks;

	hook_set();
	wq = watched("idle");
	await_sleep();
	parks = atomic_load(&worker_parks);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	nanosleep(&ts, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	/*
	 * The worker parks once.  It may park again if park returns early, but
	 * not all the time.
	 */
	ATF_REQUIRE_MSG(atomic_load(&worker_parks) <= parks + 1,
	    "it parked %d times", atomic_load(&worker_parks) - parks);
	used = (after.tv_sec - before.tv_sec) * 1000000000LL +
	    after.tv_nsec - before.tv_nsec;
	ATF_REQUIRE_MSG(used < 100000000, "it used %jd ns", (intmax_t)used);
	workqueue_destroy(wq);
}

struct producer {
	struct workqueue *p_wq;
	struct test_counted *p_counted;
	struct stop	 *p_stop;
};

static void *
producer(void *arg)
{
	struct producer *p = arg;

	at_unpark = p->p_stop;
	workqueue_enqueue(p->p_wq, &p->p_counted->c_work.tw_work, NULL);
	at_unpark = NULL;
	return NULL;
}

struct ender {
	struct workqueue *e_wq;
	struct work	 *e_work;
	sem_t		  e_done;
};

static void *
ender(void *arg)
{
	struct ender *e = arg;

	workqueue_wait(e->e_wq, e->e_work);
	workqueue_destroy(e->e_wq);
	sem_post(&e->e_done);
	return NULL;
}

TEST_TC(producer_stopped_before_unpark, "a producer is stopped between its "
    "swap and its unpark; others wait for the item and destroy the queue; "
    "then it goes on")
{
	struct producer p;
	struct test_counted *c, after = TEST_COUNTED;
	struct workqueue *next;
	struct ender e;
	struct stop s;
	pthread_t pt, et;
	int i;

	hook_set();
	for (i = 1; i <= 100; i++) {
		c = malloc(sizeof(*c));
		ATF_REQUIRE(c != NULL);
		c->c_work.tw_func = test_counted_run;
		atomic_init(&c->c_runs, 0);
		stop_init(&s, stop_stay);
		p.p_wq = watched("stopped");
		p.p_counted = c;
		p.p_stop = &s;
		await_sleep();
		pt = test_thread(producer, &p);
		test_sem_wait(&s.s_stopped);
		/*
		 * The item is in the inbox, but no thread has woken the worker.
		 */
		e.e_wq = p.p_wq;
		e.e_work = &c->c_work.tw_work;
		sem_init(&e.e_done, 0, 0);
		et = test_thread(ender, &e);
		/* Park may return early, and then the worker proceeds. */
		host_unpark(atomic_load(&worker_park));
		test_sem_wait(&e.e_done);
		test_join(et);
		TEST_EQ(1, c->c_runs);
		free(c);
		/* A new worker, which may have the old one's lwp. */
		next = i % 2 ? test_create("next", test_dispatch, NULL,
		    WQ_MPSAFE | WQ_DEDICATED) : NULL;
		sem_post(&s.s_go);
		test_join(pt);
		if (next != NULL) {
			workqueue_enqueue(next, &after.c_work.tw_work, NULL);
			workqueue_wait(next, &after.c_work.tw_work);
			TEST_EQ(i / 2 + 1, after.c_runs);
			workqueue_destroy(next);
		}
	}
}

TEST_TC(stopped_producer_delays_nobody, "while a producer is stopped in the "
    "middle of enqueue all others go on, and nothing is lost")
{
	static struct burst b[2];
	struct test_counted c = TEST_COUNTED;
	struct timespec second = { 1, 0 };
	struct producer p;
	struct stop s;
	pthread_t pt;
	int i;

	hook_set();
	for (i = 1; i <= 50; i++) {
		stop_init(&s, stop_stay);
		p.p_wq = watched("stopped");
		p.p_counted = &c;
		p.p_stop = &s;
		await_sleep();
		pt = test_thread(producer, &p);
		test_sem_wait(&s.s_stopped);
		burst_init(&b[0], p.p_wq);
		burst_init(&b[1], p.p_wq);
		/* These bursts end while the other producer is stopped. */
		test_join(test_thread(burst, &b[0]));
		burst(&b[1]);
		if (i == 1)
			nanosleep(&second, NULL);
		sem_post(&s.s_go);
		test_join(pt);
		workqueue_destroy(p.p_wq);
		TEST_EQ(i, c.c_runs);
		burst_ran(&b[0]);
		burst_ran(&b[1]);
	}
}

/*
 * The same, stopped by a signal at any instruction.
 */
static atomic_int held, held_go, held_end;

static void
hold(int signo)
{
	const struct timespec ts = { 0, 100000 };
	int error = errno;

	(void)signo;
	atomic_store(&held, 1);
	while (!atomic_load(&held_go))
		nanosleep(&ts, NULL);
	atomic_store(&held, 0);
	errno = error;
}

struct again {
	struct test_work a_work;
	atomic_int	 a_pending;
};

static void
notpending(struct test_work *tw)
{
	struct again *a = (void *)tw;

	atomic_store(&a->a_pending, 0);
}

#define	NHELD	50000

static struct again held_items[NHELD];
static sem_t held_start, held_ready;
static atomic_int held_round, held_lost;

/*
 * Enqueue many items without a system call, so that the thread is in
 * workqueue_enqueue() nearly all the time.
 */
static void *
produces(void *arg)
{
	int i;

	for (i = 0; i < NHELD; i++)
		held_items[i].a_work.tw_func = notpending;
	for (;;) {
		test_sem_wait(&held_start);
		if (atomic_load(&held_end))
			break;
		atomic_fetch_add(&held_round, 1);
		for (i = 0; i < NHELD; i++) {
			held_items[i].a_pending = 1;
			workqueue_enqueue(arg, &held_items[i].a_work.tw_work,
			    NULL);
		}
		workqueue_wait(arg, &held_items[NHELD - 1].a_work.tw_work);
		for (i = 0; i < NHELD; i++) {
			if (held_items[i].a_pending)
				atomic_fetch_add(&held_lost, 1);
		}
		sem_post(&held_ready);
	}
	return NULL;
}

TEST_TC(producer_held_anywhere, "a producer stopped by a signal anywhere in "
    "enqueue delays no other, and nothing is lost")
{
	static struct burst b;
	struct sigaction sa;
	struct workqueue *wq;
	pthread_t t;
	int i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = hold;
	ATF_REQUIRE(sigaction(SIGUSR1, &sa, NULL) == 0);
	sem_init(&held_start, 0, 0);
	sem_init(&held_ready, 0, 0);
	wq = test_create("held", test_dispatch, NULL, WQ_MPSAFE);
	t = test_thread(produces, wq);
	for (i = 0; i < TEST_SCALE(300); i++) {
		atomic_store(&held_go, 0);
		sem_post(&held_start);
		while (atomic_load(&held_round) <= i)
			continue;
		pthread_kill(t, SIGUSR1);
		TEST_AWAIT(atomic_load(&held));
		burst_init(&b, wq);
		burst(&b);
		atomic_store(&held_go, 1);
		test_sem_wait(&held_ready);
		TEST_EQ(0, held_lost);
		workqueue_wait(wq, &b.b_counted[TEST_NELEM(b.b_counted) - 1].
		    c_work.tw_work);
		burst_ran(&b);
		/*
		 * Do not go on earlier, or the thread would miss the permission
		 * to continue.
		 */
		TEST_AWAIT(!atomic_load(&held));
	}
	atomic_store(&held_end, 1);
	sem_post(&held_start);
	test_join(t);
	workqueue_destroy(wq);
}

static struct test_counted before_park[4];
static struct workqueue *before_park_wq;
static atomic_int before_park_n;

static void
enqueue_in_handler(int signo)
{
	int i;

	(void)signo;
	for (i = 0; i < atomic_load(&before_park_n); i++) {
		workqueue_enqueue(before_park_wq,
		    &before_park[i].c_work.tw_work, NULL);
	}
}

static void
raise_here(struct stop *s)
{

	(void)s;
	raise(SIGTRAP);
}

TEST_TC(handler_before_park, "a handler that enqueues on the worker that has "
    "announced its sleep and not yet parked wakes it")
{
	struct test_counted c = TEST_COUNTED;
	struct sigaction sa;
	struct stop s;
	int i, j, n, want[4] = { 0, 0, 0, 0 };

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = enqueue_in_handler;
	ATF_REQUIRE(sigaction(SIGTRAP, &sa, NULL) == 0);
	hook_set();
	for (i = 0; i < 4; i++)
		before_park[i].c_work.tw_func = test_counted_run;
	stop_init(&s, raise_here);
	before_park_wq = watched("park");
	for (i = 1; i <= TEST_SCALE(1000); i++) {
		n = i % 4 + 1;
		atomic_store(&before_park_n, n);
		atomic_store(&worker_stop, &s);
		workqueue_enqueue(before_park_wq, &c.c_work.tw_work, NULL);
		for (j = 0; j < n; j++) {
			want[j]++;
			TEST_AWAIT(atomic_load(&before_park[j].c_runs) ==
			    want[j]);
		}
		/*
		 * The worker may have been stopped as it parked after the last
		 * turn, before this item was enqueued.
		 */
		TEST_AWAIT(atomic_load(&c.c_runs) == i);
	}
	workqueue_destroy(before_park_wq);
}

/*
 * Wait.
 */
struct waiter {
	struct workqueue *w_wq;
	struct work	 *w_work;
	struct stop	  w_stop;	/* set when it parks */
	sem_t		  w_back;
	pthread_t	  w_thread;
};

static void *
waiter(void *arg)
{
	struct waiter *w = arg;

	at_park = &w->w_stop;
	workqueue_wait(w->w_wq, w->w_work);
	at_park = NULL;
	sem_post(&w->w_back);
	return NULL;
}

static void
waiter_start(struct waiter *w, struct workqueue *wq, struct work *wk)
{

	w->w_wq = wq;
	w->w_work = wk;
	stop_init(&w->w_stop, stop_tell);
	sem_init(&w->w_back, 0, 0);
	w->w_thread = test_thread(waiter, w);
	test_sem_wait(&w->w_stop.s_stopped);
}

static void
waiter_end(struct waiter *w)
{

	test_sem_wait(&w->w_back);
	test_join(w->w_thread);
}

struct twice {
	struct test_work  t_work;
	struct workqueue *t_wq;
	int		  t_runs;
	sem_t		  t_entered, t_open;
};

static void
twice(struct test_work *tw)
{
	struct twice *t = (void *)tw;

	if (t->t_runs++ % 2 == 0) {
		workqueue_enqueue(t->t_wq, &t->t_work.tw_work, NULL);
		return;
	}
	sem_post(&t->t_entered);
	test_sem_wait(&t->t_open);
}

/* The address is enqueued again on the same queue. */
TEST_TC(later_run_does_not_prolong, "a waiter asleep returns after the run "
    "it waits for, though the item is enqueued again and its next run blocks")
{
	struct twice t = { .t_work = { .tw_func = twice } };
	struct test_gate g;
	struct waiter w;
	int i;

	hook_set();
	test_gate_init(&g);
	sem_init(&t.t_entered, 0, 0);
	sem_init(&t.t_open, 0, 0);
	t.t_wq = test_create("twice", test_dispatch, NULL, WQ_MPSAFE);
	for (i = 0; i < 100; i++) {
		test_gate_close(&g, t.t_wq, NULL);
		workqueue_enqueue(t.t_wq, &t.t_work.tw_work, NULL);
		waiter_start(&w, t.t_wq, &t.t_work.tw_work);
		test_gate_open(&g);
		test_sem_wait(&t.t_entered);
		waiter_end(&w);
		sem_post(&t.t_open);
		workqueue_wait(t.t_wq, &t.t_work.tw_work);
	}
	workqueue_destroy(t.t_wq);
	TEST_EQ(200, t.t_runs);
}

TEST_TC(early_wakeups_end_no_wait, "a waiter with a spurious wake-up waits on "
    "until its item has run")
{
	struct test_gate g;
	struct workqueue *wq;
	struct waiter w;
	int i;

	hook_set();
	test_gate_init(&g);
	wq = watched("early");
	test_gate_close(&g, wq, NULL);
	waiter_start(&w, wq, &g.g_work.tw_work);
	for (i = 0; i < 100; i++) {
		host_unpark(w.w_stop.s_park);
		test_pause();
		TEST_EQ(-1, sem_trywait(&w.w_back));
	}
	test_gate_open(&g);
	waiter_end(&w);
	TEST_EQ(1, g.g_left);
	/* A worker with a spurious wake-up sleeps on. */
	for (i = 0; i < 100; i++) {
		TEST_AWAIT(atomic_load(&worker_park) != NULL);
		host_unpark(atomic_load(&worker_park));
		if (i % 10 == 0)
			test_pause();
	}
	test_gate_close(&g, wq, NULL);
	test_gate_open(&g);
	workqueue_destroy(wq);
}

static void *
destroyer(void *arg)
{
	struct waiter *w = arg;

	at_park = &w->w_stop;
	workqueue_destroy(w->w_wq);
	at_park = NULL;
	sem_post(&w->w_back);
	return NULL;
}

TEST_TC(waits_race_destroy, "waiters asleep when destroy begins all return, in "
    "whatever order")
{
	struct test_counted c[3] = { TEST_COUNTED, TEST_COUNTED, TEST_COUNTED };
	struct test_gate g;
	struct workqueue *wq;
	struct waiter w[8], d;
	int i, turn;

	test_env("WORKQUEUE_NCPU", "2");
	hook_set();
	test_gate_init(&g);
	for (turn = 1; turn <= TEST_SCALE(300); turn++) {
		/* With one worker the destroyer waits in the host's join. */
		wq = test_create("race", test_dispatch, NULL,
		    WQ_MPSAFE | WQ_PERCPU);
		test_gate_close(&g, wq, cpu_lookup((unsigned)turn % 2));
		for (i = 0; i < 3; i++) {
			workqueue_enqueue(wq, &c[i].c_work.tw_work,
			    cpu_lookup((unsigned)turn % 2));
		}
		for (i = 0; i < 8; i++) {
			waiter_start(&w[i], wq, i % 4 == 3 ?
			    &g.g_work.tw_work : &c[i % 4].c_work.tw_work);
		}
		d.w_wq = wq;
		stop_init(&d.w_stop, stop_tell);
		sem_init(&d.w_back, 0, 0);
		d.w_thread = test_thread(destroyer, &d);
		test_sem_wait(&d.w_stop.s_stopped);
		TEST_EQ(-1, sem_trywait(&d.w_back));
		test_gate_open(&g);
		waiter_end(&d);
		for (i = 0; i < 8; i++)
			waiter_end(&w[i]);
		for (i = 0; i < 3; i++)
			TEST_EQ(turn, c[i].c_runs);
	}
}

TEST_TC(early_wakeups_end_no_destroy, "a destroyer with a spurious wake-up "
    "waits on until everything has run")
{
	struct test_counted c = TEST_COUNTED;
	struct test_gate g;
	struct waiter d;
	int i;

	test_env("WORKQUEUE_NCPU", "2");
	hook_set();
	test_gate_init(&g);
	/* With one worker the destroyer waits in the host's join. */
	d.w_wq = test_create("early", test_dispatch, NULL,
	    WQ_MPSAFE | WQ_PERCPU);
	test_gate_close(&g, d.w_wq, cpu_lookup(0));
	workqueue_enqueue(d.w_wq, &c.c_work.tw_work, cpu_lookup(0));
	stop_init(&d.w_stop, stop_tell);
	sem_init(&d.w_back, 0, 0);
	d.w_thread = test_thread(destroyer, &d);
	test_sem_wait(&d.w_stop.s_stopped);
	for (i = 0; i < 100; i++) {
		host_unpark(d.w_stop.s_park);
		test_pause();
		TEST_EQ(-1, sem_trywait(&d.w_back));
	}
	TEST_EQ(0, c.c_runs);
	test_gate_open(&g);
	waiter_end(&d);
	TEST_EQ(1, c.c_runs);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, create_without_memory);
	ATF_TP_ADD_TC(tp, create_without_thread);
	ATF_TP_ADD_TC(tp, create_thread_errno);
	ATF_TP_ADD_TC(tp, create_many_without_memory);
	ATF_TP_ADD_TC(tp, cycles_leak_nothing);
	ATF_TP_ADD_TC(tp, threads_leak_nothing);
	ATF_TP_ADD_TC(tp, enqueue_to_awake);
	ATF_TP_ADD_TC(tp, enqueue_to_asleep);
	ATF_TP_ADD_TC(tp, idle_is_quiet);
	ATF_TP_ADD_TC(tp, producer_stopped_before_unpark);
	ATF_TP_ADD_TC(tp, stopped_producer_delays_nobody);
	ATF_TP_ADD_TC(tp, producer_held_anywhere);
	ATF_TP_ADD_TC(tp, handler_before_park);
	ATF_TP_ADD_TC(tp, later_run_does_not_prolong);
	ATF_TP_ADD_TC(tp, early_wakeups_end_no_wait);
	ATF_TP_ADD_TC(tp, waits_race_destroy);
	ATF_TP_ADD_TC(tp, early_wakeups_end_no_destroy);
	return atf_no_error();
}
