/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A program to be traced: see wqtrace_test.sh.
 */

#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/threadpool.h>
#include <sys/wait.h>
#include <sys/workqueue_ext.h>

#include <err.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define	THREADS	4

static sem_t done;
static atomic_ulong ran;

static void
await(void)
{

	while (sem_wait(&done) != 0)
		continue;
}

static void
trace_item(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	atomic_fetch_add(&ran, 1);
}

static struct workqueue *
make(const char *name, int flags)
{
	struct workqueue *wq;
	int error;

	error = workqueue_create(&wq, name, trace_item, NULL, PRI_NONE,
	    IPL_NONE, flags);
	if (error != 0)
		errx(1, "workqueue_create: %s", strerror(error));
	return wq;
}

/*
 * n items on a queue, from several threads.
 */
static struct workqueue *many_wq;
static unsigned long many_n;

static void *
many_thread(void *arg)
{
	struct work *works;
	unsigned long i;

	(void)arg;
	if ((works = calloc(many_n, sizeof(*works))) == NULL)
		err(1, "calloc");
	for (i = 0; i < many_n; i++)
		workqueue_enqueue(many_wq, &works[i], NULL);
	return works;
}

static void
many(unsigned long n, int flags)
{
	pthread_t t[THREADS];
	void *works[THREADS];
	int i;

	many_n = n / THREADS;
	many_wq = make("many", flags);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, many_thread, NULL) != 0)
			errx(1, "pthread_create");
	for (i = 0; i < THREADS; i++)
		(void)pthread_join(t[i], &works[i]);
	workqueue_destroy(many_wq);
	for (i = 0; i < THREADS; i++)
		free(works[i]);
	printf("%lu\n", atomic_load(&ran));
}

/*
 * One of each kind.
 */
static kmutex_t joblock;

static void
trace_job(struct threadpool_job *job)
{

	mutex_enter(&joblock);
	threadpool_job_done(job);
	mutex_exit(&joblock);
	sem_post(&done);
}

static void
trace_handler(void *arg)
{

	(void)arg;
	sem_post(&done);
}

static void
kinds(void)
{
	struct threadpool_job job;
	struct threadpool *pool;
	struct workqueue *wq, *polled;
	struct work wk, wk2;
	struct pollfd pfd;
	callout_t ch;
	void *si;

	wq = make("locked", 0);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_wait(wq, &wk);
	workqueue_destroy(wq);

	wq = make("percpu", WQ_PERCPU | WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, cpu_lookup(0));
	workqueue_enqueue(wq, &wk2, NULL);
	workqueue_destroy(wq);

	if (workqueue_create_polled(&polled, "polled", trace_item, NULL,
	    IPL_NONE, WQ_MPSAFE, &pfd.fd) != 0)
		errx(1, "workqueue_create_polled");
	workqueue_enqueue(polled, &wk, NULL);
	(void)workqueue_run_polled(polled);
	workqueue_destroy(polled);

	mutex_init(&joblock, MUTEX_DEFAULT, IPL_NONE);
	if (threadpool_get(&pool, PRI_NONE) != 0)
		errx(1, "threadpool_get");
	threadpool_job_init(&job, trace_job, &joblock, "job");
	mutex_enter(&joblock);
	threadpool_schedule_job(pool, &job);
	mutex_exit(&joblock);
	await();
	threadpool_put(pool, PRI_NONE);
	threadpool_job_destroy(&job);
	mutex_destroy(&joblock);

	callout_init(&ch, CALLOUT_MPSAFE);
	callout_reset(&ch, 1, trace_handler, NULL);
	await();
	(void)callout_halt(&ch, NULL);
	callout_destroy(&ch);

	if ((si = softint_establish(SOFTINT_CLOCK | SOFTINT_MPSAFE,
	    trace_handler, NULL)) == NULL)
		errx(1, "softint_establish");
	softint_schedule(si);
	await();
	softint_disestablish(si);
}

/*
 * An item that is cancelled, and enqueued again at the same address.
 */
static void
cancelled(void)
{
	struct workqueue *wq;
	struct work wk;
	int fd, i;

	if (workqueue_create_polled(&wq, "cancelled", trace_item, NULL,
	    IPL_NONE, WQ_MPSAFE, &fd) != 0)
		errx(1, "workqueue_create_polled");
	for (i = 0; i < 100; i++) {
		workqueue_enqueue(wq, &wk, NULL);
		if (!workqueue_cancel(wq, &wk))
			errx(1, "not cancelled");
		workqueue_enqueue(wq, &wk, NULL);
		(void)workqueue_run_polled(wq);
	}
	workqueue_destroy(wq);
}

/*
 * A handler that interrupts the recording of the thread that it runs on.
 */
#define	SIGNALS	2000
static struct workqueue *signal_wq;
static struct work signal_works[SIGNALS];
static atomic_uint signals;

static void
handler(int signo)
{

	(void)signo;
	workqueue_enqueue(signal_wq, &signal_works[atomic_fetch_add(&signals,
	    1)], NULL);
}

static void *
signal_thread(void *arg)
{
	pthread_t *t = arg;
	unsigned i;

	for (i = 0; i < SIGNALS; i++) {
		(void)pthread_kill(*t, SIGUSR1);
		while (atomic_load(&signals) <= i)
			(void)poll(NULL, 0, 0);
	}
	return NULL;
}

static void
interrupted(void)
{
	struct sigaction sa;
	pthread_t self, t;
	struct work wk;

	signal_wq = make("signal", WQ_MPSAFE);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	(void)sigaction(SIGUSR1, &sa, NULL);
	self = pthread_self();
	if (pthread_create(&t, NULL, signal_thread, &self) != 0)
		errx(1, "pthread_create");
	while (atomic_load(&signals) < SIGNALS) {
		workqueue_enqueue(signal_wq, &wk, NULL);
		workqueue_wait(signal_wq, &wk);
	}
	(void)pthread_join(t, NULL);
	workqueue_destroy(signal_wq);
}

/*
 * A child that uses the library.
 */
static void
forked(void)
{
	struct workqueue *wq, *mine;
	struct work wk;
	int status;
	pid_t pid;

	wq = make("parent", WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_wait(wq, &wk);
	fflush(NULL);
	if ((pid = fork()) == 0) {
		mine = make("child", WQ_MPSAFE);
		workqueue_enqueue(mine, &wk, NULL);
		workqueue_destroy(mine);
		exit(0);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "the child failed");
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_destroy(wq);
}

/*
 * A callback that does not return before the program ends.
 */
static void
trace_stuck(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	sem_post(&done);
	for (;;)
		(void)pause();
}

static void
stuck(void)
{
	static struct work wk;
	struct workqueue *wq;

	if (workqueue_create(&wq, "stuck", trace_stuck, NULL, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE) != 0)
		errx(1, "workqueue_create");
	workqueue_enqueue(wq, &wk, NULL);
	await();
}

/*
 * For gdb_test.sh: a queue and a pool each run an item, and other items wait.
 */
void	trace_stop(void);

__attribute__((__noinline__)) void
trace_stop(void)
{

	__asm volatile("" ::: "memory");
}

static void
trace_hang(struct threadpool_job *job)
{

	(void)job;
	sem_post(&done);
	for (;;)
		(void)pause();
}

static void
hang(void)
{
	static struct threadpool_job job;
	static struct work works[4];
	/* gdb looks at these; no compiler drops a volatile variable. */
	struct workqueue *volatile idle, *volatile wq;
	struct threadpool *pool;
	struct workqueue *made;
	int i;

	idle = make("idle", WQ_MPSAFE);
	workqueue_enqueue(idle, &works[0], NULL);
	workqueue_wait(idle, &works[0]);
	if (workqueue_create(&made, "hangs", trace_stuck, NULL, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE) != 0)
		errx(1, "workqueue_create");
	wq = made;
	for (i = 0; i < 4; i++)
		workqueue_enqueue(wq, &works[i], NULL);
	await();
	mutex_init(&joblock, MUTEX_DEFAULT, IPL_NONE);
	if (threadpool_get(&pool, PRI_NONE) != 0)
		errx(1, "threadpool_get");
	threadpool_job_init(&job, trace_hang, &joblock, "job");
	mutex_enter(&joblock);
	threadpool_schedule_job(pool, &job);
	mutex_exit(&joblock);
	await();
	trace_stop();
	printf("%p %p %p %p\n", (void *)wq, (void *)idle, (void *)pool,
	    (void *)works);
	(void)fflush(stdout);
}

int
main(int argc, char *argv[])
{
	static char self[4096];
	const char *what;

	what = argc > 1 ? argv[1] : "";
	sem_init(&done, 0, 0);
	if (strcmp(what, "many") == 0 && argc == 3)
		many(strtoul(argv[2], NULL, 10), WQ_MPSAFE);
	else if (strcmp(what, "kinds") == 0)
		kinds();
	else if (strcmp(what, "cancelled") == 0)
		cancelled();
	else if (strcmp(what, "signal") == 0)
		interrupted();
	else if (strcmp(what, "fork") == 0)
		forked();
	else if (strcmp(what, "stuck") == 0)
		stuck();
	else if (strcmp(what, "hang") == 0) {
		hang();
		while (argc == 3)
			(void)pause();
	}
	else if (strcmp(what, "panic") == 0) {
		many(1000, WQ_MPSAFE);
		(void)fflush(NULL);
		panic("on purpose");
	} else if (strcmp(what, "killed") == 0) {
		many(20000, WQ_MPSAFE);
		(void)fflush(NULL);
		(void)raise(SIGKILL);
	} else if (strcmp(what, "exec") == 0) {
		(void)snprintf(self, sizeof(self), "'%s' many 100", argv[0]);
		if (system(self) != 0)
			errx(1, "the program failed");
		many(100, WQ_MPSAFE);
	} else
		errx(2, "usage: h_trace what");
	return 0;
}
