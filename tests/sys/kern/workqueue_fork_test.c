/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * fork(2) and thread cancellation.
 */

#include <poll.h>

#include <sys/cpu.h>
#include <sys/systm.h>
#include <sys/workqueue_ext.h>

#include "../../tests.h"

static void
count(struct work *wk, void *arg)
{

	(void)wk;
	atomic_fetch_add((atomic_int *)arg, 1);
}

/*
 * A queue of the parent's, with a closed gate and an item behind it.
 */
static atomic_int parent_runs;
static struct test_gate parent_gate;
static struct test_work parent_work, parent_idle;
static struct workqueue *parent_wq;

static void
parent_count(struct test_work *tw)
{

	(void)tw;
	atomic_fetch_add(&parent_runs, 1);
}

static void
parent_start(int flags)
{

	struct cpu_info *ci;

	parent_work.tw_func = parent_idle.tw_func = parent_count;
	test_gate_init(&parent_gate);
	parent_wq = test_create("parent", test_dispatch, NULL, flags);
	/* Enqueue both on one CPU, so that the item is behind the gate. */
	ci = flags & WQ_PERCPU ? cpu_lookup(0) : NULL;
	test_gate_close(&parent_gate, parent_wq, ci);
	workqueue_enqueue(parent_wq, &parent_work.tw_work, ci);
}

static void
parent_end(void)
{
	int runs = atomic_load(&parent_runs);

	test_gate_open(&parent_gate);
	workqueue_wait(parent_wq, &parent_work.tw_work);
	TEST_EQ(runs + 1, parent_runs);
	workqueue_destroy(parent_wq);
}

static void
child_uses_own(void)
{
	struct workqueue *wq;
	struct work wk[10];
	atomic_int runs = 0;
	int flags, i;

	if (!TEST_CHILDTHREADS)
		return;
	for (flags = 0; flags <= (WQ_PERCPU | WQ_MPSAFE); flags++) {
		atomic_store(&runs, 0);
		if (workqueue_create(&wq, "child", count, &runs, PRI_NONE,
		    IPL_NONE, flags) != 0)
			_exit(10);
		for (i = 0; i < 10; i++)
			workqueue_enqueue(wq, &wk[i], NULL);
		workqueue_wait(wq, &wk[9]);
		for (i = 0; i < 10; i++)
			workqueue_wait(wq, &wk[i]);
		if (atomic_load(&runs) != 10)
			_exit(11);
		for (i = 0; i < 10; i++)
			workqueue_enqueue(wq, &wk[i], NULL);
		workqueue_destroy(wq);
		if (atomic_load(&runs) != 20)
			_exit(12);
	}
}

static void
child_destroys(void)
{
	int runs = atomic_load(&parent_runs);

	workqueue_destroy(parent_wq);
	if (atomic_load(&parent_runs) != runs)
		_exit(13);
	child_uses_own();
}

static void
child_enqueues(void)
{
	struct work wk;

	workqueue_enqueue(parent_wq, &wk, NULL);
}

static void
child_enqueues_each_cpu(void)
{
	struct work wk;

	workqueue_enqueue(parent_wq, &wk,
	    cpu_lookup((unsigned int)ncpu - 1));
}

static void
child_waits(void)
{

	workqueue_wait(parent_wq, &parent_work.tw_work);
}

static void
child_waits_idle(void)
{

	workqueue_wait(parent_wq, &parent_idle.tw_work);
}

TEST_TC(child_destroys_parents, "in a child destroying the parent's queue "
    "returns and runs nothing; the parent's continues")
{
	int flags;

	for (flags = 0; flags <= (WQ_PERCPU | WQ_MPSAFE); flags++) {
		parent_start(flags);
		test_lives(child_destroys);
		parent_end();
	}
}

TEST_TC(child_enqueues_on_parents,
    "in a child enqueue on a queue of the parent's panics and says so")
{

	test_env("WORKQUEUE_NCPU", "2");
	parent_start(WQ_MPSAFE);
	test_panics(child_enqueues, "workqueue_enqueue: ", "\"parent\"",
	    "belongs to the parent", NULL);
	parent_end();
	parent_start(WQ_MPSAFE | WQ_PERCPU);
	test_panics(child_enqueues, "\"parent\"", "belongs to the parent",
	    NULL);
	test_panics(child_enqueues_each_cpu, "\"parent\"",
	    "belongs to the parent", NULL);
	parent_end();
}

TEST_TC(child_enqueues_checked, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	parent_start(WQ_MPSAFE);
	test_panics(child_enqueues, "belongs to the parent", NULL);
	test_lives(child_destroys);
	parent_end();
}

TEST_TC(child_waits_for_parents,
    "in a child wait on a queue of the parent's panics and says so")
{

	parent_start(WQ_MPSAFE);
	test_panics(child_waits, "workqueue_wait: ", "\"parent\"",
	    "belongs to the parent", NULL);
	test_panics(child_waits_idle, "belongs to the parent", NULL);
	parent_end();
}

TEST_TC(child_has_own_queues,
    "queues that a child creates work, the parent having some or none")
{

	if (!TEST_CHILDTHREADS)
		atf_tc_skip("ThreadSanitizer");
	parent_start(0);
	test_lives(child_uses_own);
	parent_end();
	test_lives(child_uses_own);
}

/*
 * A polled queue of the parent's with an item in it.
 */
static struct workqueue *polled_wq;
static struct pollfd polled_fd;
static struct work polled_work;

static void
child_runs_polled(void)
{

	(void)workqueue_run_polled(polled_wq);
}

static void
child_enqueues_polled(void)
{
	struct work wk;

	workqueue_enqueue(polled_wq, &wk, NULL);
}

static void
child_destroys_polled(void)
{
	atomic_int runs = 0;
	struct workqueue *wq;
	struct pollfd pfd;
	struct work wk;

	workqueue_destroy(polled_wq);
	pfd = polled_fd;
	if (poll(&pfd, 1, 0) != 1 || pfd.revents != POLLNVAL)
		_exit(17);
	/* The child's own polled queue needs no thread. */
	if (workqueue_create_polled(&wq, "own", count, &runs, IPL_NONE,
	    WQ_MPSAFE, &pfd.fd) != 0)
		_exit(14);
	pfd.events = POLLIN;
	if (poll(&pfd, 1, 0) != 0)
		_exit(15);
	workqueue_enqueue(wq, &wk, NULL);
	if (poll(&pfd, 1, 0) != 1 || workqueue_run_polled(wq) != 1 ||
	    atomic_load(&runs) != 1)
		_exit(16);
	workqueue_destroy(wq);
}

static void
polled_in_child(void)
{
	atomic_int runs = 0;
	int i;

	TEST_EQ(0, workqueue_create_polled(&polled_wq, "poll", count, &runs,
	    IPL_NONE, WQ_MPSAFE, &polled_fd.fd));
	polled_fd.events = POLLIN;
	for (i = 0; i <= 1; i++) {
		test_panics(child_runs_polled, "workqueue_run_polled: ",
		    "\"poll\"", "belongs to the parent", NULL);
		test_panics(child_enqueues_polled, "workqueue_enqueue: ",
		    "\"poll\"", "belongs to the parent", NULL);
		test_lives(child_destroys_polled);
		/* The parent's queue is unchanged. */
		TEST_EQ(i, poll(&polled_fd, 1, 0));
		if (i == 0)
			workqueue_enqueue(polled_wq, &polled_work, NULL);
	}
	TEST_EQ(1, workqueue_run_polled(polled_wq));
	TEST_EQ(1, runs);
	workqueue_destroy(polled_wq);
}

TEST_TC(child_and_polled, "in a child a polled queue of the parent's is "
    "refused and can be destroyed, and its own runs; the parent notices "
    "nothing")
{

	polled_in_child();
}

TEST_TC(child_and_polled_checked, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	polled_in_child();
}

/*
 * The kernel lock.
 */
static void
child_is_free(void)
{
	int n;

	if (KERNEL_LOCKED_P())
		_exit(20);
	KERNEL_LOCK(2, NULL);
	KERNEL_UNLOCK_ALL(NULL, &n);
	if (n != 2)
		_exit(21);
	if (TEST_BUSYFORK)
		child_uses_own();
}

static void
child_holds(void)
{
	int n;

	if (!KERNEL_LOCKED_P())
		_exit(22);
	KERNEL_UNLOCK_ALL(NULL, &n);
	if (n != 3)
		_exit(23);
	child_uses_own();
}

static sem_t lock_held, lock_release;

static void *
lock_holder(void *arg)
{

	(void)arg;
	KERNEL_LOCK(1, NULL);
	sem_post(&lock_held);
	test_sem_wait(&lock_release);
	KERNEL_UNLOCK_ONE(NULL);
	return NULL;
}

static void *
lock_wanter(void *arg)
{

	(void)arg;
	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_ONE(NULL);
	return NULL;
}

TEST_TC(lock_of_another_thread, "the kernel lock is free in the child if "
    "another thread held it and others waited for it")
{
	pthread_t t[3];
	int i;

	sem_init(&lock_held, 0, 0);
	sem_init(&lock_release, 0, 0);
	for (i = 0; i < 10; i++) {
		t[0] = test_thread(lock_holder, NULL);
		test_sem_wait(&lock_held);
		t[1] = test_thread(lock_wanter, NULL);
		t[2] = test_thread(lock_wanter, NULL);
		if (i % 2)
			test_pause();	/* by now most sleep for it */
		test_lives(child_is_free);
		sem_post(&lock_release);
		test_join(t[0]);
		test_join(t[1]);
		test_join(t[2]);
	}
}

TEST_TC(lock_of_forking_thread, "the child holds the kernel lock at the same "
    "depth if the forking thread held it")
{

	KERNEL_LOCK(3, NULL);
	test_lives(child_holds);
	ATF_REQUIRE(KERNEL_LOCKED_P());
	KERNEL_UNLOCK_ONE(NULL);
	KERNEL_UNLOCK_ONE(NULL);
	KERNEL_UNLOCK_LAST(NULL);
}

/*
 * Fork while everything is busy.
 */
static atomic_int busy_stop;

static void *
busy(void *arg)
{
	struct workqueue *wq;
	struct work wk;
	atomic_int runs = 0;
	int i;

	for (i = 0; !atomic_load(&busy_stop); i++) {
		wq = test_create("busy", count, &runs, i % 4);
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_wait(wq, &wk);
		KERNEL_LOCK(1, NULL);
		KERNEL_UNLOCK_ONE(NULL);
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_destroy(wq);
	}
	*(int *)arg = atomic_load(&runs) == 2 * i;
	return NULL;
}

TEST_TC(fork_amid_threads, "children forked while other threads create, use "
    "and destroy queues have working queues, and so has the parent")
{
	pthread_t t[2];
	int i, right[2];

	if (!TEST_BUSYFORK)
		atf_tc_skip("a sanitizer");
	for (i = 0; i < 2; i++)
		t[i] = test_thread(busy, &right[i]);
	for (i = 0; i < TEST_SCALE(100) + 5; i++)
		test_lives(child_uses_own);
	atomic_store(&busy_stop, 1);
	for (i = 0; i < 2; i++) {
		test_join(t[i]);
		TEST_EQ(1, right[i]);
	}
}

static void
fork_in_callback(struct work *wk, void *arg)
{
	int status;
	pid_t pid;

	(void)wk;
	pid = test_fork();
	if (pid == 0) {
		alarm(TEST_DEADLINE);
		child_uses_own();
		_exit(0);
	}
	if (pid != -1 && waitpid(pid, &status, 0) == pid && status == 0)
		++*(int *)arg;
}

TEST_TC(fork_from_callback, "a callback may fork, and the child's queues "
    "work")
{
	struct workqueue *wq;
	struct work wk;
	int flags, right = 0;

	if (!TEST_CHILDTHREADS)
		atf_tc_skip("ThreadSanitizer");
	for (flags = 0; flags <= WQ_MPSAFE; flags++) {
		wq = test_create("forks", fork_in_callback, &right, flags);
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_wait(wq, &wk);
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_destroy(wq);
		TEST_EQ(2 * (flags + 1), right);
	}
}

/* The child panics alone; the parent's worker reports how it ended. */
static void
fork_and_return(struct work *wk, void *arg)
{
	sigset_t set;
	int status;
	pid_t pid;

	(void)wk;
	(void)arg;
	if ((pid = test_fork()) <= 0) {
		/* With a worker's mask, alarm() could not end the child. */
		sigemptyset(&set);
		pthread_sigmask(SIG_SETMASK, &set, NULL);
		alarm(TEST_DEADLINE);
		return;
	}
	if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGABRT)
		abort();
	_exit(5);
}

static void
callback_forks_and_returns(void)
{
	struct workqueue *wq;
	struct work wk;

	wq = test_create("twice", fork_and_return, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_destroy(wq);
}

TEST_TC(fork_returns_from_callback, "a callback that forks and returns in the "
    "child panics there and names the queue")
{

	test_panics(callback_forks_and_returns, "workqueue \"twice\": ",
	    "returned in a child of its process", NULL);
}

/*
 * Cancellation.
 */
struct cancelled {
	atomic_int	c_calling, c_returned;
	sem_t		c_go;
	void		(*c_func)(void);
};

static void *
cancelled(void *arg)
{
	struct cancelled *c = arg;

	atomic_store(&c->c_calling, 1);
	(*c->c_func)();
	atomic_store(&c->c_returned, 1);
	for (;;)
		pthread_testcancel();
	return NULL;
}

static void
call_wait(void)
{

	workqueue_wait(parent_wq, &parent_work.tw_work);
}

static void
call_destroy(void)
{

	workqueue_destroy(parent_wq);
}

static void
call_lock(void)
{

	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_ONE(NULL);
}

static void
cancel_in(void (*func)(void))
{
	struct cancelled c = { .c_func = func };
	void *result;
	pthread_t t;

	t = test_thread(cancelled, &c);
	TEST_AWAIT(atomic_load(&c.c_calling));
	test_pause();			/* by now it probably sleeps */
	TEST_EQ(0, pthread_cancel(t));
	TEST_EQ(0, c.c_returned);
	if (func == call_lock)
		KERNEL_UNLOCK_ONE(NULL);
	else
		test_gate_open(&parent_gate);
	TEST_EQ(0, pthread_join(t, &result));
	ATF_REQUIRE(result == PTHREAD_CANCELED);
	TEST_EQ(1, c.c_returned);
}

TEST_TC(calls_are_no_cancellation_points, "a thread cancelled in wait, destroy "
    "or KERNEL_LOCK returns from it first")
{
	int i;

	for (i = 1; i <= 20; i++) {
		parent_start(WQ_MPSAFE);
		cancel_in(call_wait);
		TEST_EQ(2 * i - 1, parent_runs);
		workqueue_destroy(parent_wq);
		parent_start(WQ_MPSAFE);
		cancel_in(call_destroy);
		TEST_EQ(2 * i, parent_runs);
		KERNEL_LOCK(1, NULL);
		cancel_in(call_lock);
	}
}

/*
 * Call every function once, in a thread that the first cancellation point would
 * end.
 */
static void
call_all(int flags)
{
	static const struct timespec moment = { 0, 1000000 };
	struct workqueue_delay wd;
	struct workqueue *wq;
	struct test_gate g;
	struct work wk[2];
	atomic_int runs = 0;
	int fd;

	wq = test_create("all", count, &runs, flags);
	workqueue_enqueue(wq, &wk[0], NULL);
	workqueue_enqueue(wq, &wk[1], NULL);
	(void)workqueue_cancel(wq, &wk[1]);
	workqueue_wait(wq, &wk[0]);
	(void)workqueue_drain(wq);
	workqueue_getpri(wq, NULL, NULL);
	TEST_EQ(0, workqueue_delay_init(&wd));
	workqueue_delay_enqueue(&wd, wq, &wk[0], NULL, &moment);
	(void)workqueue_delay_cancel(&wd);
	workqueue_delay_destroy(&wd);
	workqueue_destroy(wq);

	test_gate_init(&g);
	TEST_EQ(0, workqueue_create_polled(&wq, "polled", test_dispatch, NULL,
	    IPL_NONE, flags & WQ_MPSAFE, &fd));
	workqueue_enqueue(wq, &g.g_work.tw_work, NULL);
	/* The wait notifies the descriptor, too. */
	TEST_EQ(ETIMEDOUT, workqueue_timedwait(wq, &g.g_work.tw_work,
	    &moment));
	ATF_REQUIRE(workqueue_cancel(wq, &g.g_work.tw_work));
	TEST_EQ(0, g.g_left);
	(void)workqueue_run_polled(wq);
	workqueue_destroy(wq);
	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_ONE(NULL);
}

static void *
cancelled_before(void *arg)
{
	int flags;

	pthread_cancel(pthread_self());
	for (flags = 0; flags <= (WQ_PERCPU | WQ_MPSAFE); flags++)
		call_all(flags);
	*(int *)arg = 1;
	pthread_testcancel();
	return NULL;
}

TEST_TC(no_cancellation_point, "a thread with a pending cancellation returns "
    "from each function, whether that makes a system call or not")
{
	void *result;
	pthread_t t;
	int i, through;

	for (i = 0; i < 5; i++) {
		through = 0;
		t = test_thread(cancelled_before, &through);
		TEST_EQ(0, pthread_join(t, &result));
		ATF_REQUIRE(result == PTHREAD_CANCELED);
		TEST_EQ(1, through);
	}
}

static pthread_t worker_thread;
static int worker_turns;

static void
cancel_me(struct work *wk, void *arg)
{
	char c;
	int *fd = arg;

	(void)wk;
	worker_thread = pthread_self();
	pthread_testcancel();
	/* A cancellation point of the C library. */
	if (write(fd[1], "x", 1) == 1 && read(fd[0], &c, 1) == 1)
		worker_turns++;
}

TEST_TC(workers_cannot_be_cancelled, "a worker that a client cancels continues "
    "to run items")
{
	struct workqueue *wq;
	struct work wk;
	int fd[2], i;

	ATF_REQUIRE(pipe(fd) == 0);
	wq = test_create("cancel", cancel_me, fd, WQ_MPSAFE);
	for (i = 1; i <= 20; i++) {
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_wait(wq, &wk);
		TEST_EQ(i, worker_turns);
		TEST_EQ(0, pthread_cancel(worker_thread));
	}
	workqueue_destroy(wq);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, child_destroys_parents);
	ATF_TP_ADD_TC(tp, child_enqueues_on_parents);
	ATF_TP_ADD_TC(tp, child_enqueues_checked);
	ATF_TP_ADD_TC(tp, child_waits_for_parents);
	ATF_TP_ADD_TC(tp, child_has_own_queues);
	ATF_TP_ADD_TC(tp, child_and_polled);
	ATF_TP_ADD_TC(tp, child_and_polled_checked);
	ATF_TP_ADD_TC(tp, lock_of_another_thread);
	ATF_TP_ADD_TC(tp, lock_of_forking_thread);
	ATF_TP_ADD_TC(tp, fork_amid_threads);
	ATF_TP_ADD_TC(tp, fork_from_callback);
	ATF_TP_ADD_TC(tp, fork_returns_from_callback);
	ATF_TP_ADD_TC(tp, calls_are_no_cancellation_points);
	ATF_TP_ADD_TC(tp, no_cancellation_point);
	ATF_TP_ADD_TC(tp, workers_cannot_be_cancelled);
	return atf_no_error();
}
