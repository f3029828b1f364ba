/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * h_simwait case: small programs for simwait_test.sh, about the end of waits.
 * They do not fail under any schedule.
 */

#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "h_sim.h"
#include "h_simthread.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile sig_atomic_t got;
static bool flag;
static int fds[2];

/* In memory that this process shares with its children. */
static struct shared {
	sem_t		s_sem;
	pthread_mutex_t	s_lock;
	pthread_cond_t	s_cond;
	pthread_rwlock_t s_rwlock;
	bool		s_flag;
} *shared;

static void
handler(int signo)
{

	(void)signo;
	got++;
}

static void
handle(int signo)
{
	struct sigaction sa = { .sa_handler = handler };

	CHECK(sigaction(signo, &sa, NULL) == 0);
}

/*
 * Let the parent reach its wait, in real time.  If the parent is late, it does
 * not have to wait, and the test still passes.
 */
static void
child_sleep(void)
{
	struct timespec ts = { .tv_nsec = 5000000 };

	(void)syscall(SYS_nanosleep, &ts, NULL);
}

/* Call a function in a child, a little later. */
static pid_t
child(void (*func)(void))
{
	pid_t pid;

	CHECK((pid = fork()) != -1);
	if (pid != 0)
		return pid;
	child_sleep();
	(*func)();
	_exit(0);
}

static void
reap(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
}

static void
shared_init(void)
{
	pthread_mutexattr_t ma;
	pthread_condattr_t ca;
	pthread_rwlockattr_t ra;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	CHECK(sem_init(&shared->s_sem, 1, 0) == 0);
	CHECK(pthread_mutexattr_init(&ma) == 0);
	CHECK(pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutex_init(&shared->s_lock, &ma) == 0);
	CHECK(pthread_condattr_init(&ca) == 0);
	CHECK(pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_cond_init(&shared->s_cond, &ca) == 0);
	CHECK(pthread_rwlockattr_init(&ra) == 0);
	CHECK(pthread_rwlockattr_setpshared(&ra, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_rwlock_init(&shared->s_rwlock, &ra) == 0);
}

static void
child_post(void)
{

	CHECK(sem_post(&shared->s_sem) == 0);
}

/* A child posts a semaphore. */
static void
test_sem(void)
{
	pid_t pid;

	shared_init();
	pid = child(child_post);
	CHECK(sem_wait(&shared->s_sem) == 0);
	reap(pid);
}

static void
child_signal(void)
{

	CHECK(pthread_mutex_lock(&shared->s_lock) == 0);
	shared->s_flag = true;
	CHECK(pthread_cond_signal(&shared->s_cond) == 0);
	CHECK(pthread_mutex_unlock(&shared->s_lock) == 0);
}

/* A child signals a condition variable. */
static void
test_cond(void)
{
	pid_t pid;

	shared_init();
	pid = child(child_signal);
	CHECK(pthread_mutex_lock(&shared->s_lock) == 0);
	while (!shared->s_flag)
		CHECK(pthread_cond_wait(&shared->s_cond, &shared->s_lock) == 0);
	CHECK(pthread_mutex_unlock(&shared->s_lock) == 0);
	reap(pid);
}

/*
 * A child ends while it holds a robust mutex, and releases a read-write lock.
 */
static void
test_lock(void)
{
	pid_t pid;

	shared_init();
	CHECK((pid = fork()) != -1);
	if (pid == 0) {
		CHECK(pthread_rwlock_wrlock(&shared->s_rwlock) == 0);
		CHECK(pthread_mutex_lock(&shared->s_lock) == 0);
		CHECK(sem_post(&shared->s_sem) == 0);
		child_sleep();
		CHECK(pthread_rwlock_unlock(&shared->s_rwlock) == 0);
		child_sleep();
		_exit(0);
	}
	CHECK(sem_wait(&shared->s_sem) == 0);
	CHECK(pthread_rwlock_rdlock(&shared->s_rwlock) == 0);
	CHECK(pthread_mutex_lock(&shared->s_lock) == EOWNERDEAD);
	reap(pid);
}

static void
child_kill(void)
{

	CHECK(kill(getppid(), SIGUSR1) == 0);
}

static void
child_nothing(void)
{

}

/* A child sends a signal, or ends, while its parent waits for a signal. */
static void
test_kill(void)
{
	sigset_t set, old;
	int signo;
	pid_t pid;

	CHECK(sigemptyset(&set) == 0);
	CHECK(sigaddset(&set, SIGUSR1) == 0);
	CHECK(sigaddset(&set, SIGCHLD) == 0);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, &old) == 0);
	handle(SIGUSR1);
	handle(SIGCHLD);
	pid = child(child_kill);
	while (got == 0)
		CHECK(sigsuspend(&old) == -1 && errno == EINTR);
	reap(pid);

	/* SIGCHLD ends sigsuspend(2), too. */
	got = 0;
	CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	got = 0;
	pid = child(child_nothing);
	CHECK(sigsuspend(&old) == -1 && errno == EINTR);
	CHECK(got == 1);
	reap(pid);

	pid = child(child_kill);
	CHECK(sigdelset(&set, SIGCHLD) == 0);
	CHECK(sigwait(&set, &signo) == 0);
	CHECK(signo == SIGUSR1);
	reap(pid);
}

/*
 * A child sends signals to its parent until one has ended pause(2).  A signal
 * that comes before pause(2) does not end it.
 */
static pid_t pause_pid;

static void
child_kills(void)
{

	while (!__atomic_load_n(&shared->s_flag, __ATOMIC_RELAXED) &&
	    getppid() == pause_pid && kill(pause_pid, SIGUSR1) == 0)
		child_sleep();
}

static void *
pause_other(void *arg)
{

	CHECK(pthread_mutex_lock(&lock) == 0);
	while (!flag)
		CHECK(pthread_cond_wait(&cond, &lock) == 0);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	return arg;
}

static void
test_pause(void)
{
	pthread_t tid;
	pid_t pid;
	int status;

	shared_init();
	handle(SIGUSR1);
	tid = start(pause_other, NULL);
	pause_pid = getpid();
	pid = child(child_kills);
	CHECK(pause() == -1 && errno == EINTR);
	CHECK(got >= 1);
	__atomic_store_n(&shared->s_flag, true, __ATOMIC_RELAXED);
	CHECK(pthread_mutex_lock(&lock) == 0);
	flag = true;
	CHECK(pthread_cond_signal(&cond) == 0);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	join(tid);
	/* One more signal may be on its way. */
	while (waitpid(pid, &status, 0) == -1)
		CHECK(errno == EINTR);
	CHECK(status == 0);
}

/*
 * A process that has no processor for three seconds of real time, between two
 * points, is not stuck.
 */
static void
child_stop(void)
{
	struct timespec ts = { .tv_sec = 3 };

	CHECK(kill(pause_pid, SIGSTOP) == 0);
	(void)syscall(SYS_nanosleep, &ts, NULL);
	shared->s_flag = true;
	CHECK(kill(pause_pid, SIGCONT) == 0);
}

static void
test_stopped(void)
{
	volatile bool *flagp;
	pid_t pid;

	shared_init();
	flagp = &shared->s_flag;
	pause_pid = getpid();
	pid = child(child_stop);
	while (!*flagp)
		continue;
	reap(pid);
}

/*
 * Time does not pass for a thread that spins for a third thread, if that thread
 * waits for another process.
 */
static void *
spin_spinner(void *arg)
{

	while (!__atomic_load_n(&flag, __ATOMIC_ACQUIRE))
		CHECK(sched_yield() == 0);
	return arg;
}

static void *
spin_waiter(void *arg)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	ts.tv_sec += 100;
	CHECK(sem_timedwait(arg, &ts) == 0);
	return arg;
}

static void
test_spin(void)
{
	pthread_t tid[2];
	sem_t sem;
	pid_t pid;

	CHECK(sem_init(&sem, 0, 0) == 0);
	tid[0] = start(spin_spinner, NULL);
	tid[1] = start(spin_waiter, &sem);
	pid = child(child_nothing);
	reap(pid);
	CHECK(sem_post(&sem) == 0);
	__atomic_store_n(&flag, true, __ATOMIC_RELEASE);
	join(tid[0]);
	join(tid[1]);
}

/*
 * A wait until a time in the past lets another thread take the mutex.
 */
static void *
late_setter(void *arg)
{

	CHECK(pthread_mutex_lock(&lock) == 0);
	flag = true;
	CHECK(pthread_mutex_unlock(&lock) == 0);
	return arg;
}

static void
test_late(void)
{
	struct timespec past = { .tv_sec = 1 };
	pthread_t tid;
	int error;

	CHECK(pthread_mutex_lock(&lock) == 0);
	tid = start(late_setter, NULL);
	while (!flag) {
		error = pthread_cond_timedwait(&cond, &lock, &past);
		CHECK(error == ETIMEDOUT || error == 0);
	}
	CHECK(pthread_mutex_unlock(&lock) == 0);
	join(tid);
}

/*
 * A program ends with its last thread, although it has a timer.
 */
static void *
last_thread(void *arg)
{

	CHECK(sched_yield() == 0);
	return arg;
}

static void
test_last(void)
{
	struct itimerspec its = { .it_value = { .tv_sec = 1 } };
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	timer_t timer;

	CHECK(timer_create(CLOCK_MONOTONIC, &ev, &timer) == 0);
	CHECK(timer_settime(timer, 0, &its, NULL) == 0);
	its.it_value.tv_sec = 0;
	CHECK(timer_settime(timer, 0, &its, NULL) == 0);
	(void)start(last_thread, NULL);
	pthread_exit(NULL);
}

/*
 * A signal that the mask of ppoll(2) blocks does not end the wait.
 */
static void *
mask_poller(void *arg)
{
	struct pollfd pfd = { .fd = fds[0], .events = POLLIN };

	CHECK(ppoll(&pfd, 1, NULL, arg) == 1);
	CHECK(sched_yield() == 0);
	CHECK(pthread_mutex_lock(&lock) == 0);
	while (!flag)
		CHECK(pthread_cond_wait(&cond, &lock) == 0);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	CHECK(got == 1);
	return arg;
}

static void
test_mask(void)
{
	sigset_t set;
	pthread_t tid;

	CHECK(pipe(fds) == 0);
	handle(SIGUSR1);
	CHECK(sigemptyset(&set) == 0);
	CHECK(sigaddset(&set, SIGUSR1) == 0);
	tid = start(mask_poller, &set);
	CHECK(sched_yield() == 0);
	CHECK(pthread_kill(tid, SIGUSR1) == 0);
	CHECK(write(fds[1], "x", 1) == 1);
	CHECK(pthread_mutex_lock(&lock) == 0);
	flag = true;
	CHECK(pthread_cond_signal(&cond) == 0);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	join(tid);
}

/*
 * End-of-file of a pipe is not an event for the third set of select(2).
 */
static void
test_select(void)
{
	struct timeval tv = { .tv_sec = 3 };
	struct timespec before, now;
	fd_set set;

	CHECK(pipe(fds) == 0);
	CHECK(close(fds[1]) == 0);
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
	CHECK(select(fds[0] + 1, NULL, NULL, &set, &tv) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	CHECK(now.tv_sec - before.tv_sec >= 3);
	FD_SET(fds[0], &set);
	CHECK(select(fds[0] + 1, &set, NULL, NULL, NULL) == 1);
}

/*
 * The end of a thread wakes the next waiter for its robust mutex.  A robust
 * mutex keeps the rule of its type.
 */
static pthread_mutex_t robust;

static void *
robust_owner(void *arg)
{

	CHECK(pthread_mutex_lock(&robust) == 0);
	CHECK(pthread_mutex_lock(&robust) == EDEADLK);
	CHECK(sched_yield() == 0);
	return arg;
}

static void *
robust_next(void *arg)
{
	int error;

	error = pthread_mutex_lock(&robust);
	CHECK(error == 0 || error == EOWNERDEAD);
	if (error == EOWNERDEAD)
		CHECK(pthread_mutex_consistent(&robust) == 0);
	CHECK(pthread_mutex_unlock(&robust) == 0);
	return arg;
}

static void
test_robust(void)
{
	pthread_mutexattr_t attr;
	pthread_t tid[2];

	CHECK(pthread_mutexattr_init(&attr) == 0);
	CHECK(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK) == 0);
	CHECK(pthread_mutex_init(&robust, &attr) == 0);
	tid[0] = start(robust_owner, NULL);
	tid[1] = start(robust_next, NULL);
	join(tid[0]);
	join(tid[1]);
}

/*
 * Two threads, and before them a child that has three.
 */
static void
test_alone(void)
{
	pthread_t tid;

	tid = start(late_setter, NULL);
	(void)late_setter(NULL);
	join(tid);
}

static void
test_child(void)
{
	pthread_t tid;
	pid_t pid;

	CHECK((pid = fork()) != -1);
	if (pid == 0) {
		tid = start(late_setter, NULL);
		test_alone();
		join(tid);
		_exit(0);
	}
	reap(pid);
	test_alone();
}

/*
 * A read that nobody will answer, after a child that is not waited for has
 * ended: a deadlock, which is the only failure of these programs.
 */
static void
test_zombie(void)
{
	char c;

	CHECK(pipe(fds) == 0);
	handle(SIGCHLD);
	(void)child(child_nothing);
	while (read(fds[0], &c, 1) == -1)
		CHECK(errno == EINTR);
}

static const struct test tests[] = {
	{ "alone", test_alone },
	{ "child", test_child },
	{ "cond", test_cond },
	{ "kill", test_kill },
	{ "last", test_last },
	{ "late", test_late },
	{ "lock", test_lock },
	{ "mask", test_mask },
	{ "pause", test_pause },
	{ "robust", test_robust },
	{ "select", test_select },
	{ "sem", test_sem },
	{ "spin", test_spin },
	{ "stopped", test_stopped },
	{ "zombie", test_zombie },
};

int
main(int argc, char **argv)
{

	(void)argc;
	return run_test(tests, sizeof(tests) / sizeof(tests[0]), argv);
}
