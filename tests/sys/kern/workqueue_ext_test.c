/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_ext(9).
 */

#include <poll.h>

#include <sys/cpu.h>
#include <sys/systm.h>
#include <sys/workqueue_ext.h>

#include "../../tests.h"

#define	NITEMS	100

/*
 * An item that counts its runs; the first one of a round blocks the worker.
 */
struct item {
	struct work	i_work;
	int		i_gate;
	atomic_int	i_runs;
	atomic_int	i_state;
};

static struct item items[NITEMS];
static sem_t at_gate, gate;
static atomic_int not_current;

static void
run(struct work *wk, void *arg)
{
	struct item *it = (void *)wk;
	struct workqueue *wq;

	if (it->i_gate) {
		sem_post(&at_gate);
		test_sem_wait(&gate);
	}
	if (workqueue_current(&wq) != wk || wq != *(struct workqueue **)arg)
		atomic_store(&not_current, 1);
	atomic_fetch_add(&it->i_runs, 1);
}

static struct workqueue *
blocked(struct workqueue **wqp)
{

	memset(items, 0, sizeof(items));
	items[0].i_gate = 1;
	sem_init(&at_gate, 0, 0);
	sem_init(&gate, 0, 0);
	atomic_store(&not_current, 0);
	TEST_EQ(0, workqueue_create(wqp, "ext", run, wqp, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE));
	return *wqp;
}

/*
 * Enqueue items behind a blocked one: before its batch is taken, or after.
 */
static void
enqueue_behind(struct workqueue *wq, int together)
{
	int i;

	workqueue_enqueue(wq, &items[0].i_work, NULL);
	if (!together)
		test_sem_wait(&at_gate);
	for (i = 1; i < NITEMS; i++)
		workqueue_enqueue(wq, &items[i].i_work, NULL);
	if (together)
		test_sem_wait(&at_gate);
}

TEST_TC(cancel, "a cancelled pending item does not run and all others do; a "
    "running or idle item is not cancelled")
{
	struct workqueue *wq;
	int i, r;

	for (r = 0; r < TEST_SCALE(1000); r++) {
		blocked(&wq);
		enqueue_behind(wq, r & 1);
		for (i = 1; i < NITEMS; i += 3)
			ATF_REQUIRE(workqueue_cancel(wq, &items[i].i_work));
		ATF_REQUIRE(!workqueue_cancel(wq, &items[0].i_work));
		ATF_REQUIRE(!workqueue_cancel(wq, &items[1].i_work));
		/* A cancelled item may be enqueued again. */
		workqueue_enqueue(wq, &items[4].i_work, NULL);
		sem_post(&gate);
		workqueue_destroy(wq);
		for (i = 0; i < NITEMS; i++)
			TEST_EQ(i % 3 != 1 || i == 4, items[i].i_runs);
		TEST_EQ(0, not_current);
	}
}

enum { IDLE, PENDING, RUNNING };

static void
race(struct work *wk, void *arg)
{
	struct item *it = (void *)wk;

	if (atomic_exchange(&it->i_state, RUNNING) != PENDING)
		atomic_fetch_add((atomic_int *)arg, 1);
	it->i_runs++;
	if (atomic_exchange(&it->i_state, IDLE) != RUNNING)
		atomic_fetch_add((atomic_int *)arg, 1);
}

TEST_TC(cancel_races, "every item runs once or is cancelled once, and a wait "
    "ends after a run that a cancel was too late to prevent")
{
	struct workqueue *wq;
	atomic_int wrong = 0;
	long cancelled, n, ran;
	int i;

	memset(items, 0, sizeof(items));
	TEST_EQ(0, workqueue_create(&wq, "race", race, &wrong, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE));
	cancelled = 0;
	for (n = 0; n < TEST_SCALE(300000); n++) {
		struct item *x = &items[n % 90], *y = &items[n * 7 % 90];

		workqueue_wait(wq, &x->i_work);
		if (atomic_exchange(&x->i_state, PENDING) != IDLE)
			atomic_fetch_add(&wrong, 1);
		workqueue_enqueue(wq, &x->i_work, NULL);
		if (workqueue_cancel(wq, &y->i_work)) {
			cancelled++;
			if (atomic_exchange(&y->i_state, IDLE) != PENDING)
				atomic_fetch_add(&wrong, 1);
		}
	}
	workqueue_destroy(wq);
	for (ran = i = 0; i < NITEMS; i++)
		ran += items[i].i_runs;
	TEST_EQ(n, ran + cancelled);
	TEST_EQ(0, wrong);
}

static void *
waits(void *arg)
{
	struct workqueue **wqp = arg;

	workqueue_wait(*wqp, &items[NITEMS - 1].i_work);
	return NULL;
}

static void *
waits_cancelled(void *arg)
{
	struct workqueue **wqp = arg;

	workqueue_wait(*wqp, &items[1].i_work);
	return NULL;
}

TEST_TC(cancel_waited_for, "a waiter for a cancelled item returns, and a "
    "waiter for an item behind it keeps waiting")
{
	struct workqueue *wq;
	pthread_t t1, t2;
	int i;

	for (i = 0; i < TEST_SCALE(200); i++) {
		blocked(&wq);
		enqueue_behind(wq, 0);
		t1 = test_thread(waits_cancelled, &wq);
		t2 = test_thread(waits, &wq);
		ATF_REQUIRE(workqueue_cancel(wq, &items[1].i_work));
		test_join(t1);
		sem_post(&gate);
		test_join(t2);
		TEST_EQ(1, items[NITEMS - 1].i_runs);
		TEST_EQ(0, items[1].i_runs);
		workqueue_destroy(wq);
	}
}

/*
 * A thread waits for an item, and the item behind it is being cancelled.  So
 * the worker needs the queue's lock when it comes to the cancelled item.
 */
static atomic_int late_go, late_round, late_back;
static struct work late_first, late_waited, late_cancelled;
static atomic_int late_runs;

static void
late(struct work *wk, void *arg)
{

	(void)arg;
	if (wk == &late_first)
		while (!atomic_load(&late_go))
			continue;
	else if (wk == &late_cancelled)
		atomic_fetch_add(&late_runs, 1);
}

static void *
late_waiter(void *arg)
{
	int r = 0;

	for (;;) {
		while (atomic_load(&late_round) == r)
			test_pause();
		if ((r = atomic_load(&late_round)) < 0)
			break;
		workqueue_wait(arg, &late_waited);
		atomic_store(&late_back, r);
	}
	return NULL;
}

static void
late_rounds(void)
{
	struct workqueue *wq;
	pthread_t t;
	int cancelled, n, r;

	TEST_EQ(0, workqueue_create(&wq, "late", late, NULL, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE));
	t = test_thread(late_waiter, wq);
	n = TEST_SCALE(1000);
	for (cancelled = 0, r = 1; r <= n; r++) {
		atomic_store(&late_go, 0);
		workqueue_enqueue(wq, &late_first, NULL);
		workqueue_enqueue(wq, &late_waited, NULL);
		workqueue_enqueue(wq, &late_cancelled, NULL);
		atomic_store(&late_round, r);
		if (r % 4 != 0)
			test_pause();
		atomic_store(&late_go, 1);
		cancelled += workqueue_cancel(wq, &late_cancelled);
		/*
		 * The item may be enqueued at once, and checking mode reports
		 * nothing.
		 */
		workqueue_wait(wq, &late_cancelled);
		TEST_AWAIT(atomic_load(&late_back) == r);
	}
	atomic_store(&late_round, -1);
	test_join(t);
	workqueue_destroy(wq);
	TEST_EQ(n, cancelled + late_runs);
}

TEST_TC(cancel_late, "a cancel that the worker meets while others wait ends, "
    "and every item runs once or is cancelled once")
{

	late_rounds();
}

TEST_TC(cancel_late_checked, "the same in checking mode, without a false "
    "report")
{

	test_env("WORKQUEUE_CHECK", "1");
	late_rounds();
}

static int depth_inside, depth_after;

static void
depth(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	depth_inside = KERNEL_LOCKED_P();
}

TEST_TC(polled_lock, "a thread that runs a polled queue with the kernel lock "
    "holds it at the same depth afterwards, also in checking mode")
{
	struct workqueue *wq;
	int fd, flags;

	test_env("WORKQUEUE_CHECK", "1");
	for (flags = 0; flags <= WQ_MPSAFE; flags += WQ_MPSAFE) {
		TEST_EQ(0, workqueue_create_polled(&wq, "depth", depth, NULL,
		    IPL_NONE, flags, &fd));
		workqueue_enqueue(wq, &late_first, NULL);
		KERNEL_LOCK(2, NULL);
		TEST_EQ(1, workqueue_run_polled(wq));
		KERNEL_UNLOCK_ALL(NULL, &depth_after);
		TEST_EQ(2, depth_after);
		TEST_EQ(1, depth_inside);
		workqueue_destroy(wq);
	}
}

TEST_TC(timedwait, "a timed wait ends by the run or by the time, not earlier, "
    "and returns which")
{
	static const struct timespec none = { 0, 0 }, some = { 0, 20000000 },
	    much = { TEST_DEADLINE, 0 }, bad = { 0, 1000000000 },
	    negative = { -1, 0 };
	struct workqueue *wq;
	int64_t t;

	blocked(&wq);
	enqueue_behind(wq, 0);
	TEST_EQ(ETIMEDOUT, workqueue_timedwait(wq, &items[9].i_work, &none));
	t = test_now();
	TEST_EQ(ETIMEDOUT, workqueue_timedwait(wq, &items[9].i_work, &some));
	ATF_REQUIRE(test_now() - t >= some.tv_nsec);
	TEST_EQ(EINVAL, workqueue_timedwait(wq, &items[9].i_work, &bad));
	TEST_EQ(EINVAL, workqueue_timedwait(wq, &items[9].i_work, &negative));
	sem_post(&gate);
	TEST_EQ(0, workqueue_timedwait(wq, &items[9].i_work, &much));
	TEST_EQ(1, items[9].i_runs);
	TEST_EQ(0, workqueue_timedwait(wq, &items[50].i_work, NULL));
	TEST_EQ(1, items[50].i_runs);
	workqueue_destroy(wq);
}

static int deadlock_self, deadlock_other, deadlock_drain;

static void
deadlock(struct work *wk, void *arg)
{
	struct workqueue *wq = *(struct workqueue **)arg;

	if (wk != &items[0].i_work)
		return;
	workqueue_enqueue(wq, &items[1].i_work, NULL);
	deadlock_self = workqueue_timedwait(wq, wk, NULL);
	deadlock_other = workqueue_timedwait(wq, &items[1].i_work, NULL);
	deadlock_drain = workqueue_drain(wq);
}

TEST_TC(would_deadlock, "a callback's wait for its own item returns; a wait "
    "for an item that only its worker could run, and a drain, are EDEADLK")
{
	struct workqueue *wq;

	TEST_EQ(0, workqueue_create(&wq, "dead", deadlock, &wq, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE));
	deadlock_self = deadlock_other = deadlock_drain = -1;
	workqueue_enqueue(wq, &items[0].i_work, NULL);
	workqueue_destroy(wq);
	TEST_EQ(0, deadlock_self);
	TEST_EQ(EDEADLK, deadlock_other);
	TEST_EQ(EDEADLK, deadlock_drain);
}

static atomic_int hops;

static void
hop(struct work *wk, void *arg)
{
	struct workqueue *wq = *(struct workqueue **)arg;
	int n = atomic_fetch_add(&hops, 1);

	if (n < 1000)
		workqueue_enqueue(wq, wk, cpu_lookup((unsigned)(n % ncpu)));
}

TEST_TC(drain, "a drain returns when all items have run, also those that "
    "callbacks enqueue on other CPUs, and the queue remains usable")
{
	struct workqueue *wq;
	int i;

	TEST_EQ(0, workqueue_create(&wq, "hop", hop, &wq, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE | WQ_PERCPU));
	for (i = 0; i < 5; i++) {
		atomic_store(&hops, 0);
		workqueue_enqueue(wq, &items[0].i_work, NULL);
		TEST_EQ(0, workqueue_drain(wq));
		TEST_EQ(1001, hops);
	}
	workqueue_destroy(wq);
}

TEST_TC(current, "a thread that runs no item has no current item")
{
	struct workqueue *wq = (void *)&wq;

	ATF_REQUIRE(workqueue_current(&wq) == NULL);
	ATF_REQUIRE(wq == NULL);
	ATF_REQUIRE(workqueue_current(NULL) == NULL);
}

TEST_TC(delay, "a delayed enqueue happens after its time, can be cancelled and "
    "changed, and returns what became of it")
{
	static const struct timespec never = { 100000, 0 },
	    soon = { 0, 30000000 };
	struct workqueue_delay wd;
	struct workqueue *wq;
	int64_t t;

	memset(items, 0, sizeof(items));
	TEST_EQ(0, workqueue_create(&wq, "delay", run, &wq, PRI_NONE,
	    IPL_NONE, 0));
	TEST_EQ(0, workqueue_delay_init(&wd));
	ATF_REQUIRE(!workqueue_delay_cancel(&wd));
	ATF_REQUIRE(!workqueue_delay_enqueue(&wd, wq, &items[1].i_work, NULL,
	    &never));
	ATF_REQUIRE(workqueue_delay_enqueue(&wd, wq, &items[2].i_work, NULL,
	    &never));
	ATF_REQUIRE(workqueue_delay_cancel(&wd));
	ATF_REQUIRE(!workqueue_delay_cancel(&wd));
	t = test_now();
	ATF_REQUIRE(!workqueue_delay_enqueue(&wd, wq, &items[3].i_work, NULL,
	    &soon));
	TEST_AWAIT(atomic_load(&items[3].i_runs) == 1);
	ATF_REQUIRE(test_now() - t >= soon.tv_nsec);
	ATF_REQUIRE(!workqueue_delay_cancel(&wd));
	(void)workqueue_delay_enqueue(&wd, wq, &items[4].i_work, NULL, &never);
	workqueue_delay_destroy(&wd);
	workqueue_destroy(wq);
	TEST_EQ(0, items[1].i_runs);
	TEST_EQ(0, items[2].i_runs);
	TEST_EQ(0, items[4].i_runs);
}

static void
polled_count(struct work *wk, void *arg)
{

	(void)wk;
	if (!KERNEL_LOCKED_P())
		atomic_store(&not_current, 1);
	atomic_fetch_add((atomic_int *)arg, 1);
}

static struct work polled_works[100000];

static void *
polled_producer(void *arg)
{
	int i;

	for (i = 0; i < TEST_SCALE(100000); i++)
		workqueue_enqueue(arg, &polled_works[i], NULL);
	return NULL;
}

TEST_TC(polled, "a polled queue's descriptor is readable exactly while an item "
    "is pending, and no item is lost")
{
	struct workqueue *wq;
	struct pollfd pfd;
	atomic_int n = 0;
	unsigned long ran;
	pthread_t t;

	atomic_store(&not_current, 0);
	TEST_EQ(0, workqueue_create_polled(&wq, "polled", polled_count, &n,
	    IPL_NONE, 0, &pfd.fd));
	pfd.events = POLLIN;
	TEST_EQ(0, poll(&pfd, 1, 0));
	TEST_EQ(0, workqueue_run_polled(wq));
	t = test_thread(polled_producer, wq);
	for (ran = 0; ran < TEST_SCALE(100000);) {
		TEST_EQ(1, poll(&pfd, 1, TEST_DEADLINE * 1000));
		ran += workqueue_run_polled(wq);
	}
	test_join(t);
	TEST_EQ(ran, n);
	/* Leave one item for workqueue_destroy(). */
	workqueue_enqueue(wq, &polled_works[0], NULL);
	workqueue_destroy(wq);
	TEST_EQ(ran + 1, n);
	TEST_EQ(0, not_current);
	TEST_EQ(-1, poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLNVAL) ? -1 : 0);
}

static atomic_int loop_ends;

static void
end_loop(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	atomic_store(&loop_ends, 1);
}

struct loop {
	struct workqueue *lo_wq;
	struct pollfd	lo_fd;
};

static void *
loop(void *arg)
{
	struct loop *lo = arg;

	while (atomic_load(&loop_ends) == 0)
		if (poll(&lo->lo_fd, 1, -1) == 1)
			(void)workqueue_run_polled(lo->lo_wq);
	return NULL;
}

TEST_TC(polled_destroy, "after a wait for its last item a polled queue may be "
    "destroyed, even if the thread that ran it is still leaving")
{
	struct loop lo;
	struct work wk;
	pthread_t t;
	int i;

	for (i = 0; i < TEST_SCALE(2000); i++) {
		atomic_store(&loop_ends, 0);
		TEST_EQ(0, workqueue_create_polled(&lo.lo_wq, "loop", end_loop,
		    NULL, IPL_NONE, WQ_MPSAFE, &lo.lo_fd.fd));
		lo.lo_fd.events = POLLIN;
		t = test_thread(loop, &lo);
		workqueue_enqueue(lo.lo_wq, &wk, NULL);
		workqueue_wait(lo.lo_wq, &wk);
		workqueue_destroy(lo.lo_wq);
		test_join(t);
	}
}

static sem_t polled_in;

static void
polled_block(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	ATF_REQUIRE(sem_post(&polled_in) == 0);
	for (;;)
		test_pause();
}

static void *
polled_run(void *arg)
{

	(void)workqueue_run_polled(arg);
	return NULL;
}

static void
polled_by_two(void)
{
	struct workqueue *wq;
	struct work wk;
	int fd;

	if (sem_init(&polled_in, 0, 0) != 0 || workqueue_create_polled(&wq,
	    "two", polled_block, NULL, IPL_NONE, WQ_MPSAFE, &fd) != 0)
		_exit(1);
	workqueue_enqueue(wq, &wk, NULL);
	(void)test_thread(polled_run, wq);
	test_sem_wait(&polled_in);
	(void)workqueue_run_polled(wq);
}

TEST_TC(polled_two, "a second thread that runs a polled queue panics")
{

	test_panics(polled_by_two, "workqueue_run_polled: \"two\" is being run "
	    "by another thread", NULL);
}

TEST_TC(polled_errors, "an impossible polled queue is refused with its reason, "
    "and nothing is changed")
{
	struct workqueue *wq = NULL;
	int fd = -5;

	TEST_EQ(EINVAL, workqueue_create_polled(&wq, "p", run, NULL, IPL_NONE,
	    WQ_PERCPU, &fd));
	TEST_EQ(EINVAL, workqueue_create_polled(NULL, "p", run, NULL, IPL_NONE,
	    0, &fd));
	TEST_EQ(EINVAL, workqueue_create_polled(&wq, "p", NULL, NULL, IPL_NONE,
	    0, &fd));
	TEST_EQ(ENAMETOOLONG, workqueue_create_polled(&wq, "0123456789abcdef",
	    run, NULL, IPL_NONE, 0, &fd));
	ATF_REQUIRE(wq == NULL);
	TEST_EQ(-5, fd);
}

static void
polled_without_stdio(void)
{
	struct workqueue *wq;
	int fd, i;

	for (i = 0; i < 3; i++)
		close(i);
	if (workqueue_create_polled(&wq, "p", run, NULL, IPL_NONE, WQ_MPSAFE,
	    &fd) != 0 || fd < 3)
		_exit(1);
	for (i = 0; i < 3; i++)
		if (fcntl(i, F_GETFD) != -1)
			_exit(2);
	workqueue_destroy(wq);
}

TEST_TC(polled_stdio, "in a process without standard descriptors a polled "
    "queue does not become one of them")
{
	struct test_child tc;

	test_child_lives(&tc, polled_without_stdio);
}

static atomic_bool polled_stop;

static void *
polled_maker(void *arg)
{
	struct workqueue *wq;
	int fd;

	while (!atomic_load(&polled_stop)) {
		TEST_EQ(0, workqueue_create_polled(&wq, "p", run, NULL,
		    IPL_NONE, WQ_MPSAFE, &fd));
		workqueue_destroy(wq);
	}
	return arg;
}

TEST_TC(polled_exec, "a program that another thread executes does not inherit "
    "the descriptor of a polled queue being created")
{
	pthread_t t;
	pid_t pid;
	int i, status;

	t = test_thread(polled_maker, NULL);
	for (i = 0; i < TEST_SCALE(100) + 20; i++) {
		pid = test_fork();
		ATF_REQUIRE(pid != -1);
		if (pid == 0) {
			execl("/bin/sh", "sh", "-c", "for fd in 3 4 5 6 7 8 9; "
			    "do if [ -p /dev/fd/$fd ]; then exit 1; fi; done",
			    (char *)NULL);
			_exit(2);
		}
		ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
		TEST_EQ(0, status);
	}
	atomic_store(&polled_stop, true);
	test_join(t);
}

/*
 * Calls that workqueue(9) permits at the same time on one queue.  Each item has
 * one thread that enqueues it, after a wait for it.
 */
#define	OWNERS	2
#define	OWNED	(NITEMS / OWNERS)

static struct beside {
	struct workqueue *b_wq;
	atomic_bool	b_stop;
	atomic_long	b_enqueued;
	atomic_long	b_cancelled;
	atomic_long	b_ran;
	atomic_int	b_owner;
} beside;

static void
beside_run(struct work *wk, void *arg)
{
	struct beside *b = arg;

	(void)wk;
	atomic_fetch_add(&b->b_ran, 1);
}

static void *
beside_own(void *arg)
{
	struct beside *b = arg;
	struct item *own;
	long n;

	own = &items[atomic_fetch_add(&b->b_owner, 1) * OWNED];
	for (n = 0; n < TEST_SCALE(10000); n++) {
		workqueue_wait(b->b_wq, &own[n % OWNED].i_work);
		atomic_fetch_add(&b->b_enqueued, 1);
		workqueue_enqueue(b->b_wq, &own[n % OWNED].i_work, NULL);
	}
	return NULL;
}

static void *
beside_search(void *arg)
{
	struct timespec ts = { 0, 10000 };
	struct beside *b = arg;
	unsigned n;
	int error;

	for (n = 0; !atomic_load(&b->b_stop); n++) {
		workqueue_wait(b->b_wq, &items[n * 7 % NITEMS].i_work);
		error = workqueue_timedwait(b->b_wq,
		    &items[n * 11 % NITEMS].i_work, &ts);
		ATF_REQUIRE(error == 0 || error == ETIMEDOUT);
		if (workqueue_cancel(b->b_wq, &items[n * 13 % NITEMS].i_work))
			atomic_fetch_add(&b->b_cancelled, 1);
	}
	return NULL;
}

static void *
beside_drain(void *arg)
{
	struct beside *b = arg;
	pri_t asked, inforce;
	unsigned n;

	for (n = 0; !atomic_load(&b->b_stop); n++) {
		workqueue_getpri(b->b_wq, &asked, &inforce);
		TEST_EQ(PRI_NONE, asked);
		TEST_EQ(0, workqueue_setspin(b->b_wq, n % 2 ? 50 : 0));
		TEST_EQ(0, workqueue_drain(b->b_wq));
	}
	return NULL;
}

static void *
beside_runner(void *arg)
{
	struct beside *b = arg;

	while (!atomic_load(&b->b_stop))
		(void)workqueue_run_polled(b->b_wq);
	return NULL;
}

static void
beside_all(bool polled, int flags)
{
	pthread_t owners[OWNERS], others[5];
	struct beside *b = &beside;
	int fd, i;

	memset(b, 0, sizeof(*b));
	memset(items, 0, sizeof(items));
	if (polled)
		TEST_EQ(0, workqueue_create_polled(&b->b_wq, "beside",
		    beside_run, b, IPL_NONE, flags, &fd));
	else
		TEST_EQ(0, workqueue_create(&b->b_wq, "beside", beside_run, b,
		    PRI_NONE, IPL_NONE, flags));
	for (i = 0; i < OWNERS; i++)
		owners[i] = test_thread(beside_own, b);
	others[0] = test_thread(beside_search, b);
	others[1] = test_thread(beside_search, b);
	others[2] = test_thread(beside_drain, b);
	others[3] = test_thread(beside_drain, b);
	others[4] = test_thread(polled ? beside_runner : beside_search, b);
	for (i = 0; i < OWNERS; i++)
		test_join(owners[i]);
	/*
	 * The other threads may need the thread that runs a polled queue, so
	 * drain first.
	 */
	if (!polled)
		atomic_store(&b->b_stop, true);
	else {
		TEST_EQ(0, workqueue_drain(b->b_wq));
		atomic_store(&b->b_stop, true);
	}
	for (i = 0; i < 5; i++)
		test_join(others[i]);
	workqueue_destroy(b->b_wq);
	TEST_EQ((long)OWNERS * TEST_SCALE(10000), b->b_enqueued);
	TEST_EQ(b->b_enqueued, b->b_ran + b->b_cancelled);
}

TEST_TC(beside, "permitted concurrent calls end, and every item runs once or "
    "is cancelled once for each enqueue")
{

	beside_all(false, WQ_MPSAFE);
	beside_all(false, WQ_MPSAFE | WQ_PERCPU);
	beside_all(true, WQ_MPSAFE);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, cancel);
	ATF_TP_ADD_TC(tp, cancel_races);
	ATF_TP_ADD_TC(tp, cancel_waited_for);
	ATF_TP_ADD_TC(tp, cancel_late);
	ATF_TP_ADD_TC(tp, cancel_late_checked);
	ATF_TP_ADD_TC(tp, polled_lock);
	ATF_TP_ADD_TC(tp, timedwait);
	ATF_TP_ADD_TC(tp, would_deadlock);
	ATF_TP_ADD_TC(tp, drain);
	ATF_TP_ADD_TC(tp, current);
	ATF_TP_ADD_TC(tp, delay);
	ATF_TP_ADD_TC(tp, polled);
	ATF_TP_ADD_TC(tp, polled_destroy);
	ATF_TP_ADD_TC(tp, polled_two);
	ATF_TP_ADD_TC(tp, polled_errors);
	ATF_TP_ADD_TC(tp, polled_stdio);
	ATF_TP_ADD_TC(tp, polled_exec);
	ATF_TP_ADD_TC(tp, beside);
	return atf_no_error();
}
