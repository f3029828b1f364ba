/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * h_simcall case [fixed]: small programs for simcall_test.sh.  Most have a bug
 * that few schedules show.  With "fixed" they have no bug.
 */

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/intr.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/workqueue.h>
#include <sys/workqueue_ext.h>
#include <sys/workqueue_sim.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <sys/atomic.h>
#include <sys/callout.h>

#include "h_sim.h"
#include "h_simthread.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool bug;
static int fds[2];
static pthread_t first;
static volatile sig_atomic_t got;

/*
 * Two readers poll one pipe and then read.  The later reader blocks in its
 * read.
 */
static void *
pipe_reader(void *arg)
{
	struct pollfd pfd = { .fd = fds[0], .events = POLLIN };
	char c;

	CHECK(pthread_setname_np(pthread_self(), "reader") == 0);
	CHECK(poll(&pfd, 1, -1) == 1);
	if (read(fds[0], &c, 1) == -1)
		CHECK(errno == EAGAIN);
	return arg;
}

static void
test_pipe(void)
{
	pthread_t t1, t2;

	CHECK(pipe2(fds, bug ? 0 : O_NONBLOCK) == 0);
	t1 = start(pipe_reader, NULL);
	t2 = start(pipe_reader, NULL);
	CHECK(write(fds[1], "x", 1) == 1);
	/* In the fixed program, end-of-file wakes the second reader. */
	if (!bug)
		CHECK(close(fds[1]) == 0);
	join(t1);
	join(t2);
}

/*
 * A signal is lost if it arrives between the test and pause().
 */
static void
signal_handler(int signo)
{

	(void)signo;
	got++;
}

static void
handle(int signo, void (*func)(int), int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = func;
	sa.sa_flags = flags;
	CHECK(sigaction(signo, &sa, NULL) == 0);
}

static void *
signal_sender(void *arg)
{

	CHECK(pthread_kill(first, SIGUSR1) == 0);
	return arg;
}

static void
test_signal(void)
{
	sigset_t set, old;
	pthread_t tid;

	first = pthread_self();
	handle(SIGUSR1, signal_handler, 0);
	if (!bug) {
		CHECK(sigemptyset(&set) == 0);
		CHECK(sigaddset(&set, SIGUSR1) == 0);
		CHECK(pthread_sigmask(SIG_BLOCK, &set, &old) == 0);
	}
	tid = start(signal_sender, NULL);
	if (bug) {
		if (got == 0)
			(void)pause();
	} else
		while (got == 0)
			CHECK(sigsuspend(&old) == -1 && errno == EINTR);
	join(tid);
}

/*
 * timer_delete() does not wait for a function that has begun.
 */
static struct object {
	bool	o_alive;
	bool	o_called;
} object;

static void
timer_func(union sigval value)
{
	struct object *o = value.sival_ptr;

	if (!bug)
		CHECK(pthread_mutex_lock(&lock) == 0);
	else if (!o->o_alive)
		abort();
	o->o_called = true;
	if (!bug)
		CHECK(pthread_mutex_unlock(&lock) == 0);
}

static void
test_timer(void)
{
	struct itimerspec its = { .it_value = { .tv_sec = 1 } };
	struct timespec ts = { .tv_sec = 1 };
	struct sigevent ev;
	timer_t timer;

	object.o_alive = true;
	memset(&ev, 0, sizeof(ev));
	ev.sigev_notify = SIGEV_THREAD;
	ev.sigev_notify_function = timer_func;
	ev.sigev_value.sival_ptr = &object;
	CHECK(timer_create(CLOCK_MONOTONIC, &ev, &timer) == 0);
	CHECK(timer_settime(timer, 0, &its, NULL) == 0);
	CHECK(nanosleep(&ts, NULL) == 0);
	CHECK(timer_delete(timer) == 0);
	CHECK(pthread_mutex_lock(&lock) == 0);
	object.o_alive = false;
	CHECK(pthread_mutex_unlock(&lock) == 0);
}

/*
 * An interrupt comes between the load and the store.
 */
static unsigned counter, handled;

static int
intr_handler(void *arg)
{

	(void)arg;
	counter++;
	handled++;
	return 1;
}

static void
test_intr(void)
{
	unsigned i, value;
	void *ih;
	int s = 0;

	ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, intr_handler, NULL);
	CHECK(ih != NULL);
	wqsim_signal(SIGUSR1);
	for (i = 0; i < 10; i++) {
		if (!bug)
			s = splvm();
		value = counter;
		wqsim_point("between load and store");
		counter = value + 1;
		if (!bug)
			splx(s);
	}
	/* Wait for the handler, which may still be running. */
	intr_disestablish(ih);
	if (counter != 10 + handled)
		wqsim_fail("%u interrupts, and a count of %u", handled,
		    counter);
}

/*
 * The same, in a window late in the program.
 */
static void
late_handler(int signo)
{

	(void)signo;
	got++;
	counter++;
}

static void
test_late(void)
{
	unsigned i, value;

	handle(SIGUSR1, late_handler, 0);
	wqsim_signal(SIGUSR1);
	for (i = 0; i < 1000; i++)
		wqsim_point("nothing");
	value = counter;
	for (i = 0; bug && i < 20; i++)
		wqsim_point("between load and store");
	counter = value;
	if (counter != (unsigned)got)
		wqsim_fail("an interrupt is lost");
}

/*
 * A handler takes a lock that the thread may hold.
 */
static void
handler_lock(int signo)
{

	(void)signo;
	CHECK(pthread_mutex_lock(&lock) == 0);
	got++;
	CHECK(pthread_mutex_unlock(&lock) == 0);
}

static void
test_handler(void)
{
	sigset_t set;

	handle(SIGUSR2, handler_lock, SA_RESTART);
	wqsim_signal(SIGUSR2);
	CHECK(sigemptyset(&set) == 0);
	CHECK(sigaddset(&set, SIGUSR2) == 0);
	if (!bug)
		CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(pthread_mutex_lock(&lock) == 0);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	if (!bug)
		CHECK(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
}

/*
 * Memory or a thread is refused, and the program does not check.
 */
static void
alloc_run(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static void
test_alloc(void)
{
	static struct work wk;
	struct workqueue *wq = NULL;
	int error;

	error = workqueue_create(&wq, "alloc", alloc_run, NULL, 0, 0,
	    WQ_MPSAFE);
	if (!bug && error != 0) {
		CHECK(error == ENOMEM || error == EAGAIN);
		return;
	}
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_destroy(wq);
}

static void
test_malloc(void)
{
	volatile char *p;

	p = malloc(10);
	if (!bug && p == NULL) {
		CHECK(errno == ENOMEM);
		return;
	}
	*p = 'x';
	free((void *)(uintptr_t)p);
}

/*
 * The process ends while an item is pending, or runs.
 */
static unsigned begun, ended;

static void
exit_run(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	begun = 1;
	wqsim_point("runs");
	ended = 1;
}

static void
test_exit(void)
{
	static struct work wk;
	struct workqueue *wq;

	CHECK(workqueue_create(&wq, "exit", exit_run, NULL, 0, 0, WQ_MPSAFE) ==
	    0);
	workqueue_enqueue(wq, &wk, NULL);
	if (!bug)
		workqueue_destroy(wq);
}

static void
test_exitrun(void)
{

	test_exit();
	while (bug && begun == 0)
		CHECK(sched_yield() == 0);
}

/*
 * A lock that is never released, while another thread makes progress for ever:
 * the thread that waits for the lock starves.  In a livelock, no thread makes
 * progress.
 */
static unsigned word, held, flag;

static void *
starve_holder(void *arg)
{

	CHECK(atomic_swap_acquire(&word, 1) == 0);
	atomic_store_relaxed(&held, 1);
	while (bug)
		atomic_store_relaxed(&flag, atomic_load_relaxed(&flag) + 1);
	atomic_store_release(&word, 0);
	return arg;
}

static void
test_starve(void)
{
	pthread_t tid;

	tid = start(starve_holder, NULL);
	while (atomic_load_relaxed(&held) == 0)
		CHECK(sched_yield() == 0);
	while (atomic_swap_acquire(&word, 1) != 0)
		CHECK(sched_yield() == 0);
	atomic_store_release(&word, 0);
	join(tid);
}

static void *
mutex_holder(void *arg)
{

	CHECK(pthread_mutex_lock(&lock) == 0);
	atomic_store_relaxed(&word, 1);
	while (bug)
		atomic_store_relaxed(&flag, atomic_load_relaxed(&flag) + 1);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	return arg;
}

static void
test_starvelock(void)
{
	pthread_t tid;

	tid = start(mutex_holder, NULL);
	while (atomic_load_relaxed(&word) == 0)
		CHECK(sched_yield() == 0);
	CHECK(pthread_mutex_lock(&lock) == 0);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	join(tid);
}

static void *
livelock_other(void *arg)
{

	while (atomic_load_relaxed(&word) == 0)
		CHECK(sched_yield() == 0);
	atomic_store_relaxed(&flag, 1);
	return arg;
}

static void
test_livelock(void)
{
	pthread_t tid;

	tid = start(livelock_other, NULL);
	if (!bug)
		atomic_store_relaxed(&word, 1);
	while (atomic_load_relaxed(&flag) == 0)
		CHECK(sched_yield() == 0);
	join(tid);
}

/* A program whose course depends on random bytes of the system. */
static void
test_chance(void)
{
	unsigned char c, i;
	int fd;

	CHECK((fd = open("/dev/urandom", O_RDONLY)) != -1);
	CHECK(read(fd, &c, 1) == 1);
	for (i = 0; bug && i < c; i++)
		wqsim_point("by chance");
}

static void *
thread_func(void *arg)
{

	return arg;
}

static void
test_thread(void)
{
	pthread_t tid;
	int error;

	error = pthread_create(&tid, NULL, thread_func, NULL);
	if (bug || error == 0)
		join(error == 0 ? tid : pthread_self());
}

/*
 * Two threads race to take a ticket.  The weak compare-and-swap may fail in
 * both, and then neither has the ticket.
 */
static unsigned ticket, holders;

static void *
cas_taker(void *arg)
{
	unsigned old = 0;

	while (!atomic_cas_weak_acq_rel(&ticket, &old, 1))
		if (bug || old != 0)
			return arg;
	atomic_store_relaxed(&holders, atomic_load_relaxed(&holders) + 1);
	return arg;
}

static void
test_cas(void)
{
	pthread_t t1, t2;

	t1 = start(cas_taker, NULL);
	t2 = start(cas_taker, NULL);
	join(t1);
	join(t2);
	if (atomic_load_relaxed(&holders) != 1)
		wqsim_fail("%u threads have the ticket", holders);
}

/*
 * A child inherits a lock that another thread held.
 */
static void *
fork_other(void *arg)
{

	CHECK(pthread_mutex_lock(&lock) == 0);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	return arg;
}

static void
test_fork(void)
{
	pthread_t tid;
	pid_t pid;
	int status;

	tid = start(fork_other, NULL);
	if (!bug)
		CHECK(pthread_mutex_lock(&lock) == 0);
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) {
		if (bug)
			CHECK(pthread_mutex_lock(&lock) == 0);
		_exit(7);
	}
	if (!bug)
		CHECK(pthread_mutex_unlock(&lock) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	join(tid);
}

/*
 * A call that is not simulated and never returns.
 */
static void
test_blocked(void)
{
	char path[32];
	int fd1, fd2;

	/* The file is this process's own: other tests may run beside this. */
	CHECK((fd1 = memfd_create("blocked", 0)) != -1);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd1);
	CHECK((fd2 = open(path, O_RDONLY)) != -1);
	CHECK(flock(fd1, LOCK_EX) == 0);
	if (bug)
		(void)flock(fd2, LOCK_EX);
}

static void
test_spins(void)
{
	volatile bool never = true;

	while (bug && never)
		continue;
}

/*
 * wqsim_always(): the predicate sees a sum that a thread has half changed.
 */
static int account[2] = { 10, 0 };

static bool
always_sum(void *arg)
{
	int *a = arg;

	return a[0] + a[1] == 10;
}

static void *
always_move(void *arg)
{

	CHECK(pthread_mutex_lock(&lock) == 0);
	account[0]--;
	if (bug)
		wqsim_point("half");
	account[1]++;
	CHECK(pthread_mutex_unlock(&lock) == 0);
	return arg;
}

static void
test_always(void)
{
	pthread_t tid;

	wqsim_always(always_sum, account, "the sum is 10");
	tid = start(always_move, NULL);
	always_move(NULL);
	join(tid);
}

/*
 * wqsim_choose(): one of the choices is bad.
 */
static void
test_choose(void)
{
	unsigned a, b;

	a = wqsim_choose(10, "which device");
	b = wqsim_choose(10, "which register");
	CHECK(a < 10 && b < 10);
	if (bug && a == 7 && b == 3)
		wqsim_fail("device %u, register %u", a, b);
}

/*
 * wqsim_run(): the schedules run in one process.
 */
static unsigned runs;

static void *
run_other(void *arg)
{
	unsigned *p = arg, value;

	if (!bug)
		CHECK(pthread_mutex_lock(&lock) == 0);
	value = *p;
	wqsim_point("between load and store");
	*p = value + 1;
	if (!bug)
		CHECK(pthread_mutex_unlock(&lock) == 0);
	return NULL;
}

static void
run_func(void *arg)
{
	unsigned value = 0;
	pthread_t tid;

	(void)arg;
	runs++;
	tid = start(run_other, &value);
	(void)run_other(&value);
	join(tid);
	if (value != 2)
		wqsim_fail("an update is lost");
}

static void
test_run(void)
{

	wqsim_run(run_func, NULL);
	(void)printf("%u runs\n", runs);
}

static void
run_queue(void *arg)
{
	struct workqueue *wq;
	struct work wk[3];
	int i;

	(void)arg;
	CHECK(workqueue_create(&wq, "run", alloc_run, NULL, 0, 0, WQ_MPSAFE) ==
	    0);
	for (i = 0; i < 3; i++)
		workqueue_enqueue(wq, &wk[i], NULL);
	workqueue_destroy(wq);
	runs++;
}

static void
test_queue(void)
{

	wqsim_run(run_queue, NULL);
	(void)printf("%u runs\n", runs);
}

/*
 * A wake-up that comes too late to be needed, and a timer that is stopped, do
 * not change the next schedule.
 */
static struct workqueue *rest_wq;
static struct work rest_work[3];

static void *
rest_producer(void *arg)
{

	workqueue_enqueue(rest_wq, arg, NULL);
	return NULL;
}

static void
run_rest(void *arg)
{
	const struct timespec ts = { .tv_nsec = 10000000 };
	struct workqueue_delay wd;
	pthread_t tid[2];

	(void)arg;
	CHECK(workqueue_create(&rest_wq, "rest", alloc_run, NULL, 0, 0,
	    WQ_MPSAFE) == 0);
	CHECK(workqueue_delay_init(&wd) == 0);
	tid[0] = start(rest_producer, &rest_work[0]);
	tid[1] = start(rest_producer, &rest_work[1]);
	(void)workqueue_delay_enqueue(&wd, rest_wq, &rest_work[2], NULL, &ts);
	(void)workqueue_delay_cancel(&wd);
	join(tid[0]);
	workqueue_wait(rest_wq, &rest_work[0]);
	join(tid[1]);
	workqueue_delay_destroy(&wd);
	workqueue_destroy(rest_wq);
}

static void
test_rest(void)
{

	wqsim_run(run_rest, NULL);
}

static void
run_leave(void *arg)
{

	(void)arg;
	(void)start(thread_func, NULL);
}

static void
test_leave(void)
{

	wqsim_run(run_leave, NULL);
}

/*
 * The first callout of the program, which only some schedules use, starts a
 * thread of the library.
 */
static void
keep_tick(void *arg)
{

	(void)arg;
}

static void
run_keeps(void *arg)
{
	unsigned value = 0;
	pthread_t tid;
	callout_t co;

	(void)arg;
	if (wqsim_choose(10, "which callout") == 1) {
		callout_init(&co, CALLOUT_MPSAFE);
		callout_reset(&co, 1, keep_tick, NULL);
		(void)callout_halt(&co, NULL);
		callout_destroy(&co);
	}
	tid = start(run_other, &value);
	(void)run_other(&value);
	join(tid);
}

static void
test_keeps(void)
{

	wqsim_run(run_keeps, NULL);
}

/*
 * Threads of C11.  The main thread tests, and releases the lock before it
 * waits.
 */
static mtx_t c11_lock;
static cnd_t c11_cond;
static once_flag c11_flag = ONCE_FLAG_INIT;
static bool c11_ready;
static int c11_inits;

static void
c11_init(void)
{
	const struct timespec ts = { .tv_nsec = 1000 };

	CHECK(thrd_sleep(&ts, NULL) == 0);
	c11_inits++;
}

static int
c11_other(void *arg)
{

	call_once(&c11_flag, c11_init);
	CHECK(mtx_lock(&c11_lock) == thrd_success);
	*(bool *)arg = true;
	CHECK(mtx_unlock(&c11_lock) == thrd_success);
	CHECK(cnd_signal(&c11_cond) == thrd_success);
	return 7;
}

static void
test_c11(void)
{
	struct timespec now, ts;
	int error, result;
	bool ready;
	thrd_t tid;

	CHECK(mtx_init(&c11_lock, mtx_timed) == thrd_success);
	CHECK(cnd_init(&c11_cond) == thrd_success);
	CHECK(thrd_create(&tid, c11_other, &c11_ready) == thrd_success);
	call_once(&c11_flag, c11_init);
	CHECK(c11_inits == 1);
	CHECK(mtx_lock(&c11_lock) == thrd_success);
	if (bug) {
		ready = c11_ready;
		CHECK(mtx_unlock(&c11_lock) == thrd_success);
		CHECK(mtx_lock(&c11_lock) == thrd_success);
		if (!ready)
			CHECK(cnd_wait(&c11_cond, &c11_lock) == thrd_success);
	} else
		while (!c11_ready)
			CHECK(cnd_wait(&c11_cond, &c11_lock) == thrd_success);
	CHECK(thrd_join(tid, &result) == thrd_success);
	CHECK(result == 7);

	/* Time is virtual here, too. */
	CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
	CHECK(timespec_get(&ts, TIME_UTC) == TIME_UTC);
	CHECK(ts.tv_sec - now.tv_sec <= 1);
	ts.tv_sec++;
	do
		error = cnd_timedwait(&c11_cond, &c11_lock, &ts);
	while (error == thrd_success);
	CHECK(error == thrd_timedout);
	CHECK(mtx_unlock(&c11_lock) == thrd_success);
}

/*
 * The real signal of a child's end wakes a thread.
 */
static struct workqueue *child_wq;
static sem_t child_sem;

static void
child_handler(int signo)
{

	(void)signo;
	(void)sem_post(&child_sem);
}

static void
child_run(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	(void)sem_post(&child_sem);
}

static int
child_intr(void *arg)
{

	workqueue_enqueue(child_wq, arg, NULL);
	return 1;
}

static void
child_end(void)
{
	pthread_t tid;
	int status;
	pid_t pid;

	CHECK((pid = fork()) != -1);
	if (pid == 0)
		_exit(0);
	tid = start(fork_other, NULL);
	while (sem_wait(&child_sem) == -1)
		CHECK(errno == EINTR);
	join(tid);
	CHECK(waitpid(pid, &status, 0) == pid);
}

/*
 * A signal arrives in several ways: for the trace.
 */
static void
arrive_handler(int signo)
{

	(void)signo;
	wqsim_point("in the handler");
	got++;
}

static void
test_arrive(void)
{
	sigset_t set;
	int signo;

	handle(SIGUSR1, arrive_handler, 0);
	CHECK(sigemptyset(&set) == 0);
	CHECK(sigaddset(&set, SIGUSR1) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(sigwait(&set, &signo) == 0);
	wqsim_fail("arrived");
}

/* A signal arrives while its thread waits. */
static void *
arrive_wait(void *arg)
{

	CHECK(sem_wait(arg) == 0);
	return arg;
}

static void
test_arrivekill(void)
{
	pthread_t tid;
	sem_t sem;

	handle(SIGUSR1, arrive_handler, SA_RESTART);
	CHECK(sem_init(&sem, 0, 0) == 0);
	tid = start(arrive_wait, &sem);
	CHECK(pthread_kill(tid, SIGUSR1) == 0);
	join(tid);
}

static void
test_sigchld(void)
{
	static struct work wk;
	void *ih;

	CHECK(sem_init(&child_sem, 0, 0) == 0);
	handle(SIGCHLD, child_handler, SA_RESTART);
	child_end();
	CHECK(workqueue_create(&child_wq, "child", child_run, NULL, 0, IPL_VM,
	    WQ_MPSAFE) == 0);
	ih = intr_establish(SIGCHLD, IPL_VM, INTR_MPSAFE, child_intr, &wk);
	CHECK(ih != NULL);
	child_end();
	intr_disestablish(ih);
	workqueue_destroy(child_wq);
}

/*
 * Simulated calls behave as the real ones do.  These programs have no bug.
 */
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_spinlock_t spin;
static pthread_barrier_t barrier;
static int readers, writers, onces, spins, serial;

static void
lock_once(void)
{

	onces++;
}

static void *
lock_user(void *arg)
{
	struct timespec past = { .tv_sec = 1 };
	int error;

	CHECK(pthread_once(&once, lock_once) == 0);
	CHECK(onces == 1);
	CHECK(pthread_rwlock_rdlock(&rwlock) == 0);
	readers++;
	wqsim_point("reads");
	CHECK(writers == 0);
	readers--;
	CHECK(pthread_rwlock_unlock(&rwlock) == 0);
	CHECK(pthread_rwlock_wrlock(&rwlock) == 0);
	writers++;
	wqsim_point("writes");
	CHECK(readers == 0 && writers == 1);
	CHECK(pthread_rwlock_timedrdlock(&rwlock, &past) == EDEADLK);
	writers--;
	CHECK(pthread_rwlock_unlock(&rwlock) == 0);
	error = pthread_rwlock_timedwrlock(&rwlock, &past);
	CHECK(error == 0 || error == ETIMEDOUT);
	if (error == 0)
		CHECK(pthread_rwlock_unlock(&rwlock) == 0);
	CHECK(pthread_spin_lock(&spin) == 0);
	spins++;
	wqsim_point("spins");
	CHECK(spins == 1);
	spins--;
	CHECK(pthread_spin_unlock(&spin) == 0);
	error = pthread_barrier_wait(&barrier);
	CHECK(error == 0 || error == PTHREAD_BARRIER_SERIAL_THREAD);
	if (error != 0)
		serial++;
	CHECK(sched_yield() == 0);
	return arg;
}

static void
test_locks(void)
{
	pthread_t t1, t2;

	CHECK(pthread_spin_init(&spin, 0) == 0);
	CHECK(pthread_barrier_init(&barrier, NULL, 3) == 0);
	t1 = start(lock_user, NULL);
	t2 = start(lock_user, NULL);
	(void)lock_user(NULL);
	CHECK(pthread_barrier_destroy(&barrier) == 0);
	join(t1);
	join(t2);
	CHECK(serial == 1);
}

static void *
fd_writer(void *arg)
{
	char buf[100000];
	uint64_t one = 1;
	int *fd = arg;

	memset(buf, 'x', sizeof(buf));
	CHECK(write(fd[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	CHECK(write(fd[1], &one, sizeof(one)) == (ssize_t)sizeof(one));
	CHECK(send(fd[2], "s", 1, 0) == 1);
	return NULL;
}

static void
test_fds(void)
{
	struct timespec zero = { .tv_sec = 0 }, before, now;
	struct itimerspec its = { .it_value = { .tv_sec = 5 },
	    .it_interval = { .tv_sec = 5 } };
	struct epoll_event ev = { .events = EPOLLIN };
	struct timeval tv = { .tv_sec = 3 };
	struct pollfd pfd[3];
	int ep, fd[3], sock[2], tfd;
	char buf[5000];
	uint64_t count;
	size_t total;
	pthread_t tid;
	fd_set set;
	ssize_t n;

	CHECK(pipe(fds) == 0);
	fd[0] = fds[1];
	CHECK((fd[1] = eventfd(0, 0)) != -1);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sock) == 0);
	fd[2] = sock[1];
	tid = start(fd_writer, fd);
	for (total = 0; total < 100000; total += (size_t)n) {
		n = read(fds[0], buf, sizeof(buf));
		CHECK(n > 0);
	}
	CHECK((ep = epoll_create1(0)) != -1);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd[1], &ev) == 0);
	CHECK(epoll_wait(ep, &ev, 1, -1) == 1);
	CHECK(eventfd_read(fd[1], &count) == 0 && count == 1);
	FD_ZERO(&set);
	FD_SET(sock[0], &set);
	CHECK(select(sock[0] + 1, &set, NULL, NULL, NULL) == 1);
	CHECK(FD_ISSET(sock[0], &set));
	CHECK(recv(sock[0], buf, sizeof(buf), 0) == 1);
	join(tid);

	/* Timeouts are virtual, and not early. */
	CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
	CHECK(select(0, NULL, NULL, NULL, &tv) == 0);
	pfd[0].fd = fds[0];
	pfd[0].events = POLLIN;
	CHECK(poll(pfd, 1, 2000) == 0);
	CHECK(ppoll(pfd, 1, &zero, NULL) == 0);
	CHECK(epoll_wait(ep, &ev, 1, 1000) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	CHECK(now.tv_sec - before.tv_sec >= 6);

	/* A timer's descriptor. */
	CHECK((tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)) != -1);
	CHECK(read(tfd, &count, sizeof(count)) == -1 && errno == EAGAIN);
	CHECK(timerfd_settime(tfd, 0, &its, NULL) == 0);
	pfd[0].fd = tfd;
	CHECK(poll(pfd, 1, -1) == 1);
	CHECK(read(tfd, &count, sizeof(count)) == (ssize_t)sizeof(count));
	CHECK(count >= 1);
	CHECK(close(ep) == 0);

	/* A descriptor that takes a timer's number gets nothing from it. */
	CHECK(pipe(fds) == 0);
	CHECK(dup2(fds[1], tfd) == tfd);
	CHECK(sleep(20) == 0);
	pfd[0].fd = fds[0];
	CHECK(poll(pfd, 1, 0) == 0);

	/* With MSG_DONTWAIT neither side blocks. */
	while (send(sock[0], buf, sizeof(buf), MSG_DONTWAIT) != -1)
		continue;
	CHECK(errno == EAGAIN);
	CHECK(recv(sock[0], buf, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

/*
 * Writes of more than the free space wait in the simulator.
 */
#define	FULL_LEN	30000

enum full_how {
	FULL_WRITE,
	FULL_WRITEV,
	FULL_SEND,
	FULL_SENDTO,
	FULL_SENDMSG
};

static struct full {
	enum full_how	 f_how;
	int		 f_fd;
	int		 f_messages;
	char		 f_buf[FULL_LEN];
} full;

static void *
full_writer(void *arg)
{
	const struct full *f = arg;
	struct iovec iov[3];
	struct msghdr msg;
	ssize_t n = -1;
	int i;

	iov[0].iov_base = full.f_buf;
	iov[0].iov_len = 10;
	iov[1].iov_base = full.f_buf + 10;
	iov[1].iov_len = 20000;
	iov[2].iov_base = full.f_buf + 20010;
	iov[2].iov_len = FULL_LEN - 20010;
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = iov;
	msg.msg_iovlen = 3;
	for (i = 0; i < f->f_messages; i++) {
		switch (f->f_how) {
		case FULL_WRITE:
			n = write(f->f_fd, f->f_buf, FULL_LEN);
			break;
		case FULL_WRITEV:
			n = writev(f->f_fd, iov, 3);
			break;
		case FULL_SEND:
			n = send(f->f_fd, f->f_buf, FULL_LEN, 0);
			break;
		case FULL_SENDTO:
			n = sendto(f->f_fd, f->f_buf, FULL_LEN, 0, NULL, 0);
			break;
		case FULL_SENDMSG:
			n = sendmsg(f->f_fd, &msg, 0);
			break;
		}
		CHECK(n == FULL_LEN);
	}
	return arg;
}

/* Write to one descriptor and read from the other. */
static void
full_try(int in, int out, enum full_how how, int messages)
{
	char buf[FULL_LEN];
	pthread_t tid;
	size_t total;
	ssize_t n;
	int i;

	full.f_how = how;
	full.f_fd = out;
	full.f_messages = messages;
	tid = start(full_writer, &full);
	for (i = 0; i < messages; i++) {
		for (total = 0; total < FULL_LEN; total += (size_t)n) {
			n = read(in, buf + total, FULL_LEN - total);
			CHECK(n > 0);
			/* A message is neither split nor joined. */
			CHECK(messages == 1 || n == FULL_LEN);
		}
		CHECK(memcmp(buf, full.f_buf, FULL_LEN) == 0);
	}
	join(tid);
}

static void
full_pair(int type, int size, int messages)
{
	int i, sock[2];

	CHECK(socketpair(AF_UNIX, type, 0, sock) == 0);
	CHECK(setsockopt(sock[1], SOL_SOCKET, SO_SNDBUF, &size,
	    sizeof(size)) == 0);
	for (i = FULL_WRITE; i <= FULL_SENDMSG; i++)
		full_try(sock[0], sock[1], (enum full_how)i, messages);
	CHECK(close(sock[0]) == 0);
	CHECK(close(sock[1]) == 0);
}

static void
test_full(void)
{
	size_t i;

	for (i = 0; i < sizeof(full.f_buf); i++)
		full.f_buf[i] = (char)(i % 251);
	CHECK(pipe(fds) == 0);
	CHECK(fcntl(fds[1], F_SETPIPE_SZ, 4096) != -1);
	full_try(fds[0], fds[1], FULL_WRITE, 1);
	full_try(fds[0], fds[1], FULL_WRITEV, 1);
	full_pair(SOCK_STREAM, 4096, 1);
	full_pair(SOCK_SEQPACKET, 40000, 3);
	full_pair(SOCK_DGRAM, 40000, 3);
}

/*
 * A connect(2) waits if the queue of the listening socket is full.
 */
#define	CONNECTS	4

static void *
connect_caller(void *arg)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd, i, *lfd = arg;

	CHECK(getsockname(*lfd, (struct sockaddr *)(void *)&ss, &len) == 0);
	for (i = 0; i < CONNECTS; i++) {
		CHECK((fd = socket(ss.ss_family, SOCK_STREAM, 0)) != -1);
		CHECK(connect(fd, (struct sockaddr *)(void *)&ss, len) == 0);
		CHECK(write(fd, "c", 1) == 1);
		CHECK(fcntl(fd, F_GETFL) == O_RDWR);
		CHECK(close(fd) == 0);
	}
	return arg;
}

static void
test_connect(void)
{
	struct sockaddr sa = { .sa_family = AF_UNIX };
	int fd, i, lfd;
	pthread_t tid;
	char c;

	/* An address of the family alone makes bind(2) choose a name. */
	CHECK((lfd = socket(AF_UNIX, SOCK_STREAM, 0)) != -1);
	CHECK(bind(lfd, &sa, sizeof(sa.sa_family)) == 0);
	CHECK(listen(lfd, 0) == 0);
	tid = start(connect_caller, &lfd);
	for (i = 0; i < CONNECTS; i++) {
		CHECK((fd = accept(lfd, NULL, NULL)) != -1);
		CHECK(read(fd, &c, 1) == 1);
		CHECK(close(fd) == 0);
	}
	join(tid);
	CHECK(close(lfd) == 0);
}

static void *
sig_waiter(void *arg)
{
	siginfo_t si;

	CHECK(sigwaitinfo(arg, &si) == SIGUSR2);
	CHECK(si.si_value.sival_int == 42);
	return NULL;
}

static void
test_sigs(void)
{
	struct timespec ts = { .tv_sec = 100 }, left = { .tv_sec = 0 };
	struct itimerval itv = { .it_value = { .tv_sec = 10 },
	    .it_interval = { .tv_sec = 10 } };
	sigset_t set, old;
	pthread_t tid;
	unsigned s;
	sem_t sem;

	/* One thread waits for a signal that all threads block. */
	CHECK(sigemptyset(&set) == 0);
	CHECK(sigaddset(&set, SIGUSR2) == 0);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, &old) == 0);
	tid = start(sig_waiter, &set);
	CHECK(sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 42 }) ==
	    0);
	join(tid);
	CHECK(sigtimedwait(&set, NULL, &ts) == -1 && errno == EAGAIN);
	CHECK(raise(SIGUSR2) == 0);
	CHECK(sigpending(&old) == 0 && sigismember(&old, SIGUSR2) == 1);
	handle(SIGUSR2, signal_handler, 0);
	CHECK(got == 0);
	CHECK(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK(got == 1);

	/* A handler ends a sleep, and a wait for a semaphore. */
	handle(SIGALRM, signal_handler, 0);
	CHECK(setitimer(ITIMER_REAL, &itv, NULL) == 0);
	CHECK(nanosleep(&ts, &left) == -1 && errno == EINTR);
	CHECK(left.tv_sec <= 90);
	CHECK(got >= 2);
	CHECK(sem_init(&sem, 0, 0) == 0);
	CHECK(sem_wait(&sem) == -1 && errno == EINTR);
	CHECK(got >= 3);
	CHECK(alarm(20) != 0);
	got = 0;
	/* Time may jump here, too. */
	s = alarm(0);
	CHECK(got == 0 ? s > 0 && s <= 20 : s == 0);
	got = 0;
	CHECK(poll(NULL, 0, 50000) == 0);
	CHECK(got == 0);
}

static void *
cancel_waiter(void *arg)
{
	char c;

	(void)!read(fds[0], &c, 1);
	CHECK(false);
	return arg;
}

static void
test_cancel(void)
{
	pthread_t tid;
	void *value;

	CHECK(pipe(fds) == 0);
	tid = start(cancel_waiter, NULL);
	CHECK(pthread_cancel(tid) == 0);
	CHECK(pthread_join(tid, &value) == 0);
	CHECK(value == PTHREAD_CANCELED);
}

/* Times and clocks that are not valid. */
static void
test_badtimes(void)
{
	const struct timespec bad = { .tv_nsec = 1000000000 };
	pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
	struct timespec ts;
	sem_t sem;

	CHECK(sem_init(&sem, 0, 0) == 0);
	CHECK(sem_timedwait(&sem, &bad) == -1 && errno == EINVAL);
	CHECK(pthread_mutex_timedlock(&lock, &bad) == 0);
	CHECK(pthread_mutex_timedlock(&lock, &bad) == EINVAL);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	CHECK(pthread_rwlock_timedrdlock(&rw, &bad) == EINVAL);
	CHECK(pthread_rwlock_timedwrlock(&rw, &bad) == EINVAL);
	CHECK(clock_gettime(12345, &ts) == -1 && errno == EINVAL);
}

/* A switch to another thread, and back, keeps errno. */
static void *
errno_thread(void *arg)
{
	int i;

	for (i = 0; i < 500; i++) {
		errno = 12345;
		CHECK(sched_yield() == 0);
		CHECK(errno == 12345);
	}
	return arg;
}

static void
test_errno(void)
{
	pthread_t t1, t2;

	t1 = start(errno_thread, NULL);
	t2 = start(errno_thread, NULL);
	join(t1);
	join(t2);
}

static void
test_children(void)
{
	siginfo_t si;
	int status;
	pid_t pid;
	char c;

	/* This child writes to its parent through a pipe, and is killed. */
	CHECK(pipe(fds) == 0);
	CHECK((pid = fork()) != -1);
	if (pid == 0) {
		CHECK(write(fds[1], "c", 1) == 1);
		for (;;)
			(void)pause();
	}
	CHECK(read(fds[0], &c, 1) == 1);
	CHECK(kill(pid, SIGTERM) == 0);
	CHECK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == 0);
	CHECK(si.si_pid == pid);
	CHECK(wait(&status) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	CHECK(wait(&status) == -1 && errno == ECHILD);

	/* This one aborts, as in a test of a panic. */
	CHECK((pid = fork()) != -1);
	if (pid == 0)
		abort();
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	/* This one outlives its parent. */
	CHECK((pid = fork()) != -1);
	if (pid == 0)
		for (;;)
			(void)sleep(1000);
}

/*
 * An alarm without a handler would end this test if the test hung.
 */
static void
test_watchdog(void)
{
	pthread_t tid;

	(void)alarm(5);
	tid = start(fork_other, NULL);
	(void)fork_other(NULL);
	join(tid);
}

static const struct test tests[] = {
	{ "alloc", test_alloc },
	{ "always", test_always },
	{ "arrive", test_arrive },
	{ "arrivekill", test_arrivekill },
	{ "badtimes", test_badtimes },
	{ "blocked", test_blocked },
	{ "c11", test_c11 },
	{ "cancel", test_cancel },
	{ "cas", test_cas },
	{ "chance", test_chance },
	{ "children", test_children },
	{ "choose", test_choose },
	{ "connect", test_connect },
	{ "errno", test_errno },
	{ "exit", test_exit },
	{ "exitrun", test_exitrun },
	{ "fds", test_fds },
	{ "fork", test_fork },
	{ "full", test_full },
	{ "handler", test_handler },
	{ "intr", test_intr },
	{ "keeps", test_keeps },
	{ "late", test_late },
	{ "leave", test_leave },
	{ "livelock", test_livelock },
	{ "locks", test_locks },
	{ "malloc", test_malloc },
	{ "pipe", test_pipe },
	{ "queue", test_queue },
	{ "rest", test_rest },
	{ "run", test_run },
	{ "sigchld", test_sigchld },
	{ "signal", test_signal },
	{ "sigs", test_sigs },
	{ "spins", test_spins },
	{ "starve", test_starve },
	{ "starvelock", test_starvelock },
	{ "thread", test_thread },
	{ "timer", test_timer },
	{ "watchdog", test_watchdog },
};

int
main(int argc, char **argv)
{
	int status;

	bug = argc < 3 || strcmp(argv[2], "fixed") != 0;
	status = run_test(tests, sizeof(tests) / sizeof(tests[0]), argv);
	if (status == 0)
		(void)printf("done\n");
	return status;
}
