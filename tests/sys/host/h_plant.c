/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * h_plant case [fixed]: programs with a planted bug, which show whether
 * wqsim(1) finds the bug; see plant.sh.  Programs whose names begin with "lib_"
 * have no bug of their own, but fail with a library that has one: see
 * kern_plant.h.
 */

#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/intr.h>
#include <sys/mutex.h>
#include <sys/threadpool.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/workqueue.h>
#include <sys/workqueue_ext.h>
#include <sys/xcall.h>

#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/atomic.h>

#include "h_sim.h"
#include "h_simthread.h"

static bool bug;
static struct workqueue *wq;
static struct work items[3];
static kmutex_t lock, lock2;
static kcondvar_t cv, cv2;
static unsigned count, flag, other;

static void
init(void (*func)(struct work *, void *))
{

	mutex_init(&lock, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&lock2, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&cv, "cv");
	cv_init(&cv2, "cv2");
	if (func != NULL)
		CHECK(workqueue_create(&wq, "plant", func, NULL, PRI_NONE,
		    IPL_NONE, WQ_MPSAFE) == 0);
}

/*
 * The client's bugs.
 */

/* A callback and the main thread take two locks in opposite orders. */
static void
abba_run(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	mutex_enter(bug ? &lock2 : &lock);
	mutex_enter(bug ? &lock : &lock2);
	count++;
	mutex_exit(&lock2);
	mutex_exit(&lock);
}

static void
test_abba(void)
{

	init(abba_run);
	workqueue_enqueue(wq, &items[0], NULL);
	mutex_enter(&lock);
	mutex_enter(&lock2);
	count++;
	mutex_exit(&lock2);
	mutex_exit(&lock);
	workqueue_destroy(wq);
}

/*
 * A thread does not test the condition again, under the lock, before it sleeps.
 */
static void
recheck_run(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	mutex_enter(&lock);
	atomic_store_relaxed(&flag, 1);
	cv_signal(&cv);
	mutex_exit(&lock);
}

static void
test_recheck(void)
{

	init(recheck_run);
	workqueue_enqueue(wq, &items[0], NULL);
	if (bug && atomic_load_relaxed(&flag) == 0) {
		mutex_enter(&lock);
		cv_wait(&cv, &lock);
		mutex_exit(&lock);
	}
	mutex_enter(&lock);
	while (!bug && flag == 0)
		cv_wait(&cv, &lock);
	mutex_exit(&lock);
	workqueue_destroy(wq);
}

/* callout_stop() does not wait for a running function. */
static callout_t callout;

static void
destroy_tick(void *arg)
{

	(void)arg;
	atomic_store_relaxed(&count, 1);
	if (atomic_load_relaxed(&flag) != 0)
		abort();
}

static void
test_destroy(void)
{

	callout_init(&callout, CALLOUT_MPSAFE);
	callout_setfunc(&callout, destroy_tick, NULL);
	callout_schedule(&callout, 1);
	(void)usleep(10000);
	if (bug)
		(void)callout_stop(&callout);
	else
		(void)callout_halt(&callout, NULL);
	/* The data of the function is gone. */
	atomic_store_relaxed(&flag, 1);
	if (!bug)
		callout_destroy(&callout);
}

/* A callback waits for an item of its own queue, which may come after it. */
static void
own_run(struct work *wk, void *arg)
{

	(void)arg;
	if (wk == &items[0] && bug)
		workqueue_wait(wq, &items[1]);
}

static void *
own_other(void *arg)
{

	workqueue_enqueue(wq, &items[1], NULL);
	return arg;
}

static void
test_own(void)
{
	pthread_t tid;

	init(own_run);
	tid = start(own_other, NULL);
	workqueue_enqueue(wq, &items[0], NULL);
	join(tid);
	workqueue_destroy(wq);
}

/* An interrupt comes between a counter's load and its store. */
static int
handler_intr(void *arg)
{

	(void)arg;
	atomic_store_relaxed(&count, atomic_load_relaxed(&count) + 1);
	return 1;
}

static void
timer(int usec)
{
	struct itimerval it = { { 0, usec }, { 0, usec } };

	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
}

static void
test_handler(void)
{
	unsigned i, n;
	int s = 0;
	void *ih;

	CHECK(signal(SIGALRM, SIG_IGN) != SIG_ERR);
	ih = intr_establish(SIGALRM, IPL_VM, INTR_MPSAFE, handler_intr, NULL);
	CHECK(ih != NULL);
	timer(1000);
	for (i = 0; i < 50; i++) {
		if (!bug)
			s = splvm();
		n = atomic_load_relaxed(&count);
		atomic_store_relaxed(&count, n + 1);
		if (!bug)
			splx(s);
	}
	timer(0);
	s = splvm();
	n = (unsigned)intr_count(ih);
	if (atomic_load_relaxed(&count) != 50 + n)
		abort();
	splx(s);
	intr_disestablish(ih);
}

/* A handler spins for a lock that the thread below it holds. */
static void
inversion_handler(int signo)
{

	(void)signo;
	while (atomic_swap_acquire(&flag, 1) != 0)
		(void)sched_yield();
	count++;
	atomic_store_release(&flag, 0);
}

static void
test_inversion(void)
{
	sigset_t set;
	unsigned i;

	CHECK(signal(SIGALRM, inversion_handler) != SIG_ERR);
	CHECK(sigemptyset(&set) == 0 && sigaddset(&set, SIGALRM) == 0);
	timer(1000);
	for (i = 0; i < 20; i++) {
		if (!bug)
			(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
		while (atomic_swap_acquire(&flag, 1) != 0)
			(void)sched_yield();
		count++;
		atomic_store_release(&flag, 0);
		if (!bug)
			(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	}
	timer(0);
	CHECK(signal(SIGALRM, SIG_IGN) != SIG_ERR);
}

/* A wake-up goes to a thread that cannot use it. */
static void
token_set(unsigned value)
{

	mutex_enter(&lock);
	while (flag == value)
		cv_wait(&cv, &lock);
	flag = value;
	if (bug)
		cv_signal(&cv);
	else
		cv_broadcast(&cv);
	mutex_exit(&lock);
}

static void *
token_producer(void *arg)
{

	token_set(1);
	return arg;
}

static void *
token_consumer(void *arg)
{

	token_set(0);
	return arg;
}

static void
test_token(void)
{
	pthread_t tid[4];
	int i;

	init(NULL);
	for (i = 0; i < 4; i++)
		tid[i] = start(i < 2 ? token_consumer : token_producer, NULL);
	for (i = 0; i < 4; i++)
		join(tid[i]);
}

/*
 * After a timeout the request is gone, although the completion still uses it.
 */
static void
timeout_run(struct work *wk, void *arg)
{
	bool wanted;

	(void)wk;
	(void)arg;
	mutex_enter(&lock);
	wanted = flag == 0;
	if (bug)
		mutex_exit(&lock);
	if (wanted) {
		if (atomic_load_relaxed(&flag) != 0)
			abort();
		atomic_store_relaxed(&count, 1);
		if (bug)
			mutex_enter(&lock);
		cv_signal(&cv);
	} else if (bug)
		mutex_enter(&lock);
	mutex_exit(&lock);
}

static void
test_timeout(void)
{

	init(timeout_run);
	workqueue_enqueue(wq, &items[0], NULL);
	mutex_enter(&lock);
	while (atomic_load_relaxed(&count) == 0)
		if (cv_timedwait(&cv, &lock, 1) != 0)
			break;
	atomic_store_relaxed(&flag, 1);
	mutex_exit(&lock);
	workqueue_destroy(wq);
}

/* Two threads see that an item is idle, and both enqueue it. */
static void
twice_run(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	count++;
}

static void *
twice_enqueue(void *arg)
{
	bool mine;

	if (bug) {
		mine = atomic_load_relaxed(&flag) == 0;
		if (mine)
			atomic_store_relaxed(&flag, 1);
	} else
		mine = atomic_swap_relaxed(&flag, 1) == 0;
	if (mine)
		workqueue_enqueue(wq, &items[0], NULL);
	return arg;
}

static void
test_twice(void)
{
	pthread_t tid;

	init(twice_run);
	tid = start(twice_enqueue, NULL);
	(void)twice_enqueue(NULL);
	join(tid);
	workqueue_destroy(wq);
	if (count != 1)
		abort();
}

/* A child inherits a lock of another thread. */
static pthread_mutex_t forklock = PTHREAD_MUTEX_INITIALIZER;

static void *
fork_other(void *arg)
{

	CHECK(pthread_mutex_lock(&forklock) == 0);
	count++;
	CHECK(pthread_mutex_unlock(&forklock) == 0);
	return arg;
}

static void
test_fork(void)
{
	pthread_t tid;
	int status;
	pid_t pid;

	tid = start(fork_other, NULL);
	if (!bug)
		CHECK(pthread_mutex_lock(&forklock) == 0);
	CHECK((pid = fork()) != -1);
	if (pid == 0) {
		if (bug)
			CHECK(pthread_mutex_lock(&forklock) == 0);
		_exit(0);
	}
	if (!bug)
		CHECK(pthread_mutex_unlock(&forklock) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	join(tid);
}

/*
 * Programs that show a bug of the library.
 */

static void
lib_run(struct work *wk, void *arg)
{

	(void)arg;
	if (wk == &items[1])
		atomic_store_relaxed(&flag, 1);
}

/* Two threads wait for an item each. */
static void *
wait_other(void *arg)
{

	workqueue_enqueue(wq, &items[0], NULL);
	workqueue_wait(wq, &items[0]);
	return arg;
}

static void
lib_wait(void)
{
	pthread_t tid;

	init(lib_run);
	tid = start(wait_other, NULL);
	workqueue_enqueue(wq, &items[1], NULL);
	workqueue_wait(wq, &items[1]);
	if (atomic_load_relaxed(&flag) == 0)
		abort();
	join(tid);
	workqueue_destroy(wq);
}

/* Overwrite the stack where the waiter's record was. */
static void __attribute__((__noinline__))
touch_stack(void)
{
	volatile char buf[2048];
	size_t i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = 0x5a;
}

static void
lib_touch(void)
{

	init(lib_run);
	workqueue_enqueue(wq, &items[0], NULL);
	workqueue_wait(wq, &items[0]);
	touch_stack();
	workqueue_destroy(wq);
}

static void
lib_drain(void)
{

	init(lib_run);
	workqueue_enqueue(wq, &items[1], NULL);
	CHECK(workqueue_drain(wq) == 0);
	if (atomic_load_relaxed(&flag) == 0)
		abort();
	workqueue_destroy(wq);
}

/* An item that was cancelled does not run. */
static void
lib_cancel(void)
{
	bool cancelled;

	init(lib_run);
	workqueue_enqueue(wq, &items[0], NULL);
	workqueue_enqueue(wq, &items[1], NULL);
	cancelled = workqueue_cancel(wq, &items[1]);
	workqueue_destroy(wq);
	if (atomic_load_relaxed(&flag) == cancelled)
		abort();
}

/* A job waits for another job of its pool. */
static struct threadpool *pool;
static struct threadpool_job jobs[2];

static void
kick_job(struct threadpool_job *job)
{

	mutex_enter(&lock);
	if (job == &jobs[0])
		while (flag == 0)
			cv_wait(&cv, &lock);
	else
		flag = 1;
	cv_broadcast(&cv);
	count++;
	cv_broadcast(&cv2);
	threadpool_job_done(job);
	mutex_exit(&lock);
}

static void
lib_kick(void)
{
	int i;

	init(NULL);
	CHECK(threadpool_get(&pool, PRI_NONE) == 0);
	for (i = 0; i < 2; i++)
		threadpool_job_init(&jobs[i], kick_job, &lock, "job");
	mutex_enter(&lock);
	for (i = 0; i < 2; i++)
		threadpool_schedule_job(pool, &jobs[i]);
	while (count < 2)
		cv_wait(&cv2, &lock);
	mutex_exit(&lock);
	for (i = 0; i < 2; i++)
		threadpool_job_destroy(&jobs[i]);
	threadpool_put(pool, PRI_NONE);
}

/* Four threads take a mutex. */
static void *
waiters_take(void *arg)
{

	mutex_enter(&lock);
	atomic_store_relaxed(&count, atomic_load_relaxed(&count) + 1);
	mutex_exit(&lock);
	return arg;
}

static void
lib_waiters(void)
{
	pthread_t tid[3];
	int i;

	init(NULL);
	for (i = 0; i < 3; i++)
		tid[i] = start(waiters_take, NULL);
	(void)waiters_take(NULL);
	for (i = 0; i < 3; i++)
		join(tid[i]);
	if (count != 4)
		abort();
}

/* A wake-up goes to a thread that has timed out, or to another one. */
static void *
timeout_short(void *arg)
{

	mutex_enter(&lock);
	while (flag == 0)
		if (cv_timedwait(&cv, &lock, 1) != 0)
			break;
		else if (flag != 0)
			count = 1;
	mutex_exit(&lock);
	return arg;
}

static void *
timeout_long(void *arg)
{

	mutex_enter(&lock);
	while (flag == 0)
		cv_wait(&cv, &lock);
	mutex_exit(&lock);
	return arg;
}

static void
lib_timeout(void)
{
	pthread_t tid1, tid2;

	init(NULL);
	tid1 = start(timeout_short, NULL);
	tid2 = start(timeout_long, NULL);
	mutex_enter(&lock);
	flag = 1;
	cv_signal(&cv);
	mutex_exit(&lock);
	join(tid1);
	/* If the wake-up went to that thread, wake the other one now. */
	mutex_enter(&lock);
	if (count != 0)
		cv_signal(&cv);
	mutex_exit(&lock);
	join(tid2);
}

/* A soft interrupt runs again if it is scheduled while its handler runs. */
static void
softint_handler(void *arg)
{

	(void)arg;
	atomic_store_relaxed(&count, atomic_load_relaxed(&flag));
}

static void
lib_softint(void)
{
	void *sih;
	unsigned i;

	sih = softint_establish(SOFTINT_CLOCK | SOFTINT_MPSAFE,
	    softint_handler, NULL);
	CHECK(sih != NULL);
	for (i = 1; i <= 2; i++) {
		atomic_store_relaxed(&flag, i);
		softint_schedule(sih);
	}
	softint_disestablish(sih);
	if (atomic_load_relaxed(&count) != 2)
		abort();
}

/* If a section sees the object, the barrier waits for the section. */
static void *
section(void *arg)
{
	int i, s;

	s = splvm();
	if (atomic_load_relaxed(&flag) == 0)
		for (i = 0; i < 20; i++)
			if (atomic_load_relaxed(&other) != 0)
				abort();
	splx(s);
	return arg;
}

static void
lib_section(void)
{
	pthread_t tid;

	tid = start(section, NULL);
	atomic_store_relaxed(&flag, 1);
	xc_barrier(0);
	atomic_store_relaxed(&other, 1);
	join(tid);
}

static const struct test tests[] = {
	{ "abba", test_abba },
	{ "destroy", test_destroy },
	{ "fork", test_fork },
	{ "handler", test_handler },
	{ "inversion", test_inversion },
	{ "own", test_own },
	{ "recheck", test_recheck },
	{ "timeout", test_timeout },
	{ "token", test_token },
	{ "twice", test_twice },
	{ "lib_cancel", lib_cancel },
	{ "lib_drain", lib_drain },
	{ "lib_kick", lib_kick },
	{ "lib_section", lib_section },
	{ "lib_softint", lib_softint },
	{ "lib_timeout", lib_timeout },
	{ "lib_touch", lib_touch },
	{ "lib_wait", lib_wait },
	{ "lib_waiters", lib_waiters },
};

int
main(int argc, char **argv)
{

	bug = argc < 3 || strcmp(argv[2], "fixed") != 0;
	return run_test(tests, sizeof(tests) / sizeof(tests[0]), argv);
}
