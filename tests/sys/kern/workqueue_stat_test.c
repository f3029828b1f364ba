/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_stat(9).
 */

#include <sys/syscall.h>

#include <dirent.h>

#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/threadpool.h>
#include <sys/workqueue_ext.h>
#include <sys/workqueue_stat.h>

#include "../../tests.h"
#include "../../watchdog.h"

#define	NSTATS	512
#define	NITEMS	100

static struct workqueue_stat before[NSTATS], after[NSTATS];
static struct work items[NITEMS];
static sem_t entered, leave;

/*
 * Without a system call for it, the library reads memory that may be gone in a
 * way that a sanitizer reports.
 */
static void
need(void)
{

#if defined(TEST_TSAN) || defined(TEST_ASAN)
	if ((wqk_hostcaps() & TEST_CAP_ASLEEP) == 0)
		atf_tc_skip("a sanitizer reports what this back end does");
#endif
	sem_init(&entered, 0, 0);
	sem_init(&leave, 0, 0);
}

static void
block(void)
{

	sem_post(&entered);
	test_sem_wait(&leave);
}

static void
blocking(struct work *wk, void *arg)
{

	(void)arg;
	if (wk == &items[0]) {
		block();
		TEST_ONSTACK();
	}
}

/* Sample, and return the first of a name and CPU, or NULL. */
static const struct workqueue_stat *
find(const char *name, int cpu)
{
	size_t i, n;

	n = workqueue_stat(after, NSTATS, before, NSTATS);
	ATF_REQUIRE(n <= NSTATS);
	memcpy(before, after, n * sizeof(before[0]));
	memset(&before[n], 0, (NSTATS - n) * sizeof(before[0]));
	for (i = 0; i < n; i++) {
		ATF_REQUIRE(i == 0 || after[i].ws_id > after[i - 1].ws_id);
		if (strcmp(after[i].ws_name, name) == 0 &&
		    after[i].ws_cpu == cpu)
			return &after[i];
	}
	return NULL;
}

static const struct workqueue_stat *
get(const char *name, int cpu)
{
	const struct workqueue_stat *ws;

	ws = find(name, cpu);
	ATF_REQUIRE_MSG(ws != NULL, "no queue \"%s\"", name);
	return ws;
}

static void
check_tid(const struct workqueue_stat *ws)
{

	/* Not each back end has numbers of threads. */
	if ((wqk_hostcaps() & TEST_CAP_ASLEEP) != 0)
		ATF_REQUIRE(ws->ws_tid > 0);
}

TEST_TC(counts, "a sample has what is done, pending and running")
{
	const struct workqueue_stat *ws;
	struct workqueue *wq;
	int i;

	need();
	wq = test_create("counts", blocking, NULL, WQ_MPSAFE);
	ws = get("counts", -1);
	ATF_REQUIRE_STREQ("workqueue", ws->ws_kind);
	TEST_EQ(0, ws->ws_done);
	TEST_EQ(0, ws->ws_pending);
	TEST_EQ(0, ws->ws_running);
	/* A queue to which threads are lent has none while it is idle. */
	ATF_REQUIRE(ws->ws_threads <= 1);
	ATF_REQUIRE(ws->ws_func == NULL);
	for (i = 1; i < NITEMS; i++)
		workqueue_enqueue(wq, &items[i], NULL);
	workqueue_drain(wq);
	/* The item that blocks is the first of a batch; more are behind it. */
	for (i = 0; i < NITEMS; i++)
		workqueue_enqueue(wq, &items[i], NULL);
	test_sem_wait(&entered);
	ws = get("counts", -1);
	TEST_EQ(NITEMS - 1, ws->ws_done);
	TEST_EQ(NITEMS - 1, ws->ws_pending);
	TEST_EQ(1, ws->ws_running);
	ATF_REQUIRE(ws->ws_func == (const void *)(uintptr_t)blocking);
	ATF_REQUIRE(ws->ws_item == &items[0]);
	check_tid(ws);
	sem_post(&leave);
	workqueue_drain(wq);
	ws = get("counts", -1);
	TEST_EQ(2 * NITEMS - 1, ws->ws_done);
	TEST_EQ(0, ws->ws_pending);
	TEST_EQ(0, ws->ws_running);
	workqueue_destroy(wq);
	ATF_REQUIRE(find("counts", -1) == NULL);
}

TEST_TC(percpu, "a WQ_PERCPU workqueue has a sample for each CPU")
{
	struct workqueue *wq;
	int i;

	need();
	wq = test_create("percpu", blocking, NULL, WQ_MPSAFE | WQ_PERCPU);
	workqueue_enqueue(wq, &items[0], cpu_lookup(0));
	workqueue_enqueue(wq, &items[1], cpu_lookup(0));
	test_sem_wait(&entered);
	for (i = 0; i < ncpu; i++) {
		TEST_EQ(i == 0, get("percpu", i)->ws_running);
		TEST_EQ(i == 0, get("percpu", i)->ws_pending);
	}
	sem_post(&leave);
	workqueue_destroy(wq);
}

/* Is a sample between two others by its time? */
static void
check_age(int64_t age, int64_t least, int64_t most)
{

	ATF_REQUIRE_MSG(age >= least && age <= most,
	    "the age is %jd, must be from %jd to %jd", (intmax_t)age,
	    (intmax_t)least, (intmax_t)most);
}

TEST_TC(ages, "ages and run times are within one period of the truth")
{
	const struct workqueue_stat *ws;
	struct workqueue *wq;
	int64_t began, came, seen, start;

	need();
	wq = test_create("ages", blocking, NULL, WQ_MPSAFE);
	(void)get("ages", -1);
	start = test_now();
	workqueue_enqueue(wq, &items[0], NULL);
	test_sem_wait(&entered);
	(void)get("ages", -1);
	began = test_now();
	test_pause();
	came = test_now();
	workqueue_enqueue(wq, &items[1], NULL);
	test_pause();
	(void)get("ages", -1);
	seen = test_now();
	/* More items do not make the oldest look younger. */
	workqueue_enqueue(wq, &items[2], NULL);
	test_pause();
	(void)get("ages", -1);
	test_pause();
	ws = get("ages", -1);
	TEST_EQ(2, ws->ws_pending);
	check_age(ws->ws_runtime, ws->ws_time - began, ws->ws_time - start);
	check_age(ws->ws_oldest, ws->ws_time - seen, ws->ws_time - came);
	ATF_REQUIRE(ws->ws_oldest < ws->ws_runtime);
	TEST_EQ(WORKQUEUE_STAT_STALLED, ws->ws_flags);
	sem_post(&leave);
	workqueue_drain(wq);
	ws = get("ages", -1);
	TEST_EQ(0, ws->ws_runtime);
	TEST_EQ(0, ws->ws_oldest);
	TEST_EQ(0, ws->ws_flags);
	workqueue_destroy(wq);
}

TEST_TC(ages_long, "the age of the oldest stays right when items come at each "
    "sample")
{
	const struct workqueue_stat *ws;
	struct workqueue *wq;
	int64_t came, seen;
	int i;

	need();
	came = seen = 0;
	wq = test_create("ages", blocking, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq, &items[0], NULL);
	test_sem_wait(&entered);
	for (i = 1; i < NITEMS; i++) {
		came = i == 1 ? test_now() : came;
		workqueue_enqueue(wq, &items[i], NULL);
		ws = get("ages", -1);
		seen = i == 1 ? test_now() : seen;
		/* It is known when the first came. */
		check_age(ws->ws_oldest, ws->ws_time - seen,
		    ws->ws_time - came);
		test_pause();
	}
	sem_post(&leave);
	workqueue_destroy(wq);
}

TEST_TC(first, "what was so at the first sample may have been so for longer")
{
	const struct workqueue_stat *ws;
	struct workqueue *wq;
	size_t n;

	need();
	wq = test_create("first", blocking, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq, &items[0], NULL);
	test_sem_wait(&entered);
	workqueue_enqueue(wq, &items[1], NULL);
	n = workqueue_stat(before, NSTATS, NULL, 0);
	TEST_EQ(1, n);
	TEST_EQ(0, before[0].ws_flags & WORKQUEUE_STAT_STALLED);
	test_pause();
	n = workqueue_stat(after, NSTATS, before, n);
	ws = &after[0];
	TEST_EQ(WORKQUEUE_STAT_STALLED | WORKQUEUE_STAT_OLDER |
	    WORKQUEUE_STAT_LONGER, ws->ws_flags);
	sem_post(&leave);
	workqueue_destroy(wq);
}

TEST_TC(polled, "a queue of an event loop names the thread that runs it")
{
	const struct workqueue_stat *ws;
	struct workqueue *wq;
	pthread_t t;
	int fd;

	need();
	TEST_EQ(0, workqueue_create_polled(&wq, "polled", blocking, NULL,
	    IPL_NONE, WQ_MPSAFE, &fd));
	workqueue_enqueue(wq, &items[0], NULL);
	workqueue_enqueue(wq, &items[1], NULL);
	ws = get("polled", -1);
	ATF_REQUIRE_STREQ("polled", ws->ws_kind);
	TEST_EQ(2, ws->ws_pending);
	TEST_EQ(0, ws->ws_threads);
	t = test_thread((void *(*)(void *))(void (*)(void))
	    workqueue_run_polled, wq);
	test_sem_wait(&entered);
	ws = get("polled", -1);
	TEST_EQ(1, ws->ws_pending);
	TEST_EQ(1, ws->ws_running);
	ATF_REQUIRE(ws->ws_item == &items[0]);
	check_tid(ws);
	sem_post(&leave);
	test_join(t);
	workqueue_destroy(wq);
}

static kmutex_t lock;

static void
job(struct threadpool_job *j)
{

	block();
	mutex_enter(&lock);
	threadpool_job_done(j);
	mutex_exit(&lock);
}

TEST_TC(threadpool, "a thread pool names the function of its job")
{
	const struct workqueue_stat *ws;
	struct threadpool *pool;
	struct threadpool_job j;

	need();
	mutex_init(&lock, MUTEX_DEFAULT, IPL_NONE);
	TEST_EQ(0, threadpool_get(&pool, PRI_NONE));
	threadpool_job_init(&j, job, &lock, "job");
	mutex_enter(&lock);
	threadpool_schedule_job(pool, &j);
	mutex_exit(&lock);
	test_sem_wait(&entered);
	ws = get("threadpool/-1", -1);
	ATF_REQUIRE_STREQ("threadpool", ws->ws_kind);
	TEST_EQ(1, ws->ws_running);
	TEST_EQ(0, ws->ws_pending);
	ATF_REQUIRE(ws->ws_func == (const void *)(uintptr_t)job);
	check_tid(ws);
	sem_post(&leave);
	TEST_AWAIT(get("threadpool/-1", -1)->ws_done == 1);
	threadpool_job_destroy(&j);
	threadpool_put(pool, PRI_NONE);
	ATF_REQUIRE(find("threadpool/-1", -1) == NULL);
}

static void
blocks(void *arg)
{

	(void)arg;
	block();
	TEST_ONSTACK();
}

static void
never(void *arg)
{

	(void)arg;
}

TEST_TC(callout, "callouts: those armed, the one that runs, and how late the "
    "first is")
{
	const struct workqueue_stat *ws;
	callout_t a, b, c;

	need();
	ATF_REQUIRE(find("callout", -1) == NULL);
	callout_init(&a, CALLOUT_MPSAFE);
	callout_init(&b, CALLOUT_MPSAFE);
	callout_init(&c, CALLOUT_MPSAFE);
	callout_reset(&b, 1000000, never, NULL);
	TEST_AWAIT(find("callout", -1) != NULL);
	ws = get("callout", -1);
	TEST_EQ(1, ws->ws_pending);
	TEST_EQ(0, ws->ws_oldest);
	callout_reset(&a, 1, blocks, NULL);
	test_sem_wait(&entered);
	callout_reset(&c, 1, never, NULL);
	TEST_AWAIT(get("callout", -1)->ws_oldest != 0);
	TEST_AWAIT((get("callout", -1)->ws_flags & WORKQUEUE_STAT_STALLED) !=
	    0);
	ws = get("callout", -1);
	TEST_EQ(2, ws->ws_pending);
	TEST_EQ(1, ws->ws_running);
	TEST_EQ(0, ws->ws_done);
	ATF_REQUIRE(ws->ws_func == (const void *)(uintptr_t)blocks);
	check_tid(ws);
	sem_post(&leave);
	TEST_AWAIT(get("callout", -1)->ws_done == 2);
	TEST_EQ(1, get("callout", -1)->ws_pending);
	callout_halt(&a, NULL);
	callout_halt(&b, NULL);
	callout_halt(&c, NULL);
	callout_destroy(&a);
	callout_destroy(&b);
	callout_destroy(&c);
}

TEST_TC(softint, "soft interrupts: those pending, and the one that runs")
{
	const struct workqueue_stat *ws;
	void *high, *low;

	need();
	low = softint_establish(SOFTINT_CLOCK | SOFTINT_MPSAFE, blocks, NULL);
	high = softint_establish(SOFTINT_CLOCK | SOFTINT_MPSAFE, never, NULL);
	softint_schedule_cpu(low, cpu_lookup(0));
	test_sem_wait(&entered);
	softint_schedule_cpu(high, cpu_lookup(0));
	ws = get("softint", 0);
	ATF_REQUIRE_STREQ("softint", ws->ws_kind);
	TEST_EQ(1, ws->ws_running);
	TEST_EQ(1, ws->ws_pending);
	ATF_REQUIRE(ws->ws_func == (const void *)(uintptr_t)blocks);
	check_tid(ws);
	sem_post(&leave);
	TEST_AWAIT(get("softint", 0)->ws_done == 2);
	softint_disestablish(low);
	softint_disestablish(high);
}

/* Does the system say that the thread sleeps? */
static bool
asleep(long tid)
{
	char buf[512], path[64];
	const char *p;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", tid);
	if ((fd = open(path, O_RDONLY)) == -1)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	p = strrchr(buf, ')');
	return p != NULL && p[1] == ' ' && p[2] == 'S';
}

static void
locks(void *arg)
{

	(void)arg;
	sem_post(&entered);
	mutex_enter(&lock);
	mutex_exit(&lock);
}

TEST_TC(softint_sleeps, "a soft interrupt that sleeps for a lock has a thread")
{
	const struct workqueue_stat *ws;
	void *si;

	need();
	mutex_init(&lock, MUTEX_DEFAULT, IPL_NONE);
	si = softint_establish(SOFTINT_SERIAL | SOFTINT_MPSAFE, locks, NULL);
	mutex_enter(&lock);
	softint_schedule_cpu(si, cpu_lookup(0));
	test_sem_wait(&entered);
#ifndef _WQ_SIM
	/*
	 * It first owns its CPU, and then hands it on.  The simulator has
	 * numbers of threads of its own.
	 */
	if ((wqk_hostcaps() & TEST_CAP_ASLEEP) != 0)
		TEST_AWAIT(asleep(get("softint", 0)->ws_tid));
#endif
	ws = get("softint", 0);
	TEST_EQ(1, ws->ws_running);
	ATF_REQUIRE(ws->ws_func == (const void *)(uintptr_t)locks);
	check_tid(ws);
	mutex_exit(&lock);
	softint_disestablish(si);
}

TEST_TC(callout_klock, "the thread of callouts that wait for the kernel lock "
    "has a sample of its own")
{
	const struct workqueue_stat *ws;
	callout_t a;

	need();
	callout_init(&a, 0);
	KERNEL_LOCK(1, NULL);
	callout_reset(&a, 1, blocks, NULL);
	TEST_AWAIT(find("callout/klock", -1) != NULL);
	TEST_EQ(0, get("callout/klock", -1)->ws_running);
	KERNEL_UNLOCK_ONE(NULL);
	test_sem_wait(&entered);
	TEST_EQ(0, get("callout", -1)->ws_running);
	ws = get("callout/klock", -1);
	TEST_EQ(1, ws->ws_running);
	ATF_REQUIRE(ws->ws_func == (const void *)(uintptr_t)blocks);
	check_tid(ws);
	sem_post(&leave);
	TEST_AWAIT(get("callout/klock", -1)->ws_done == 1);
	callout_halt(&a, NULL);
	callout_destroy(&a);
}

TEST_TC(many, "there may be more queues than the array holds; a slot that is "
    "used again is another queue")
{
	struct workqueue *wq[130];
	struct workqueue_stat ws[3];
	size_t i, n;

	need();
	n = TEST_NELEM(wq);
	for (i = 0; i < n; i++)
		wq[i] = test_create("many", blocking, NULL, WQ_MPSAFE);
	TEST_EQ(n, workqueue_stat(ws, 3, NULL, 0));
	TEST_EQ(n, workqueue_stat(before, NSTATS, NULL, 0));
	workqueue_destroy(wq[0]);
	TEST_EQ(n - 1, workqueue_stat(after, NSTATS, before, n));
	wq[0] = test_create("again", blocking, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq[0], &items[0], NULL);
	test_sem_wait(&entered);
	TEST_EQ(n, workqueue_stat(after, NSTATS, before, n));
	ATF_REQUIRE_STREQ("again", after[0].ws_name);
	TEST_EQ(before[0].ws_id, after[0].ws_id);
	TEST_EQ(0, after[0].ws_runtime);
	TEST_EQ(0, after[0].ws_flags);
	sem_post(&leave);
	for (i = 0; i < n; i++)
		workqueue_destroy(wq[i]);
	TEST_EQ(0, workqueue_stat(NULL, 0, NULL, 0));
}

static atomic_int stop;

static void
nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static void *
churn(void *arg)
{
	struct workqueue *wq;
	struct work *wk;
	int i;

	(void)arg;
	while (!atomic_load(&stop)) {
		wq = test_create("churn", nothing, NULL, WQ_MPSAFE);
		wk = malloc(NITEMS * sizeof(*wk));
		for (i = 0; i < NITEMS; i++)
			workqueue_enqueue(wq, &wk[i], NULL);
		workqueue_destroy(wq);
		free(wk);
	}
	return NULL;
}

TEST_TC(busy, "samples of queues that are made, used and destroyed meanwhile")
{
	pthread_t t[2];
	size_t i, n;
	int r;

	need();
	for (i = 0; i < 2; i++)
		t[i] = test_thread(churn, NULL);
	for (r = 0; r < TEST_SCALE(2000); r++) {
		n = workqueue_stat(before, NSTATS, NULL, 0);
		ATF_REQUIRE(n <= 2);
		for (i = 0; i < n; i++)
			ATF_REQUIRE(before[i].ws_pending <= 65536 * 5);
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 2; i++)
		test_join(t[i]);
}

static int fds[2];
static atomic_int reported;

static void
handler(int signo)
{

	(void)signo;
	atomic_store(&reported, workqueue_report(fds[1]) == 0 ? 1 : -1);
}

static void
read_report(char *buf, size_t size)
{
	ssize_t n;

	n = read(fds[0], buf, size - 1);
	ATF_REQUIRE(n > 0);
	buf[n] = '\0';
}

TEST_TC(names, "a sample has the name as it is, and a report has no blank or "
    "control character in it")
{
	struct workqueue *wq;
	char buf[4096];

	need();
	TEST_EQ(0, pipe(fds));
	wq = test_create("a b\033\303\251", nothing, NULL, WQ_MPSAFE);
	TEST_EQ(1, workqueue_stat(before, NSTATS, NULL, 0));
	ATF_REQUIRE_STREQ("a b\033\303\251", before[0].ws_name);
	TEST_EQ(0, workqueue_report(fds[1]));
	read_report(buf, sizeof(buf));
	ATF_REQUIRE_MSG(strstr(buf, "\na_b___ ") != NULL, "%s", buf);
	workqueue_destroy(wq);
}

static atomic_long reporter;

static void *
report_blocks(void *arg)
{

	(void)arg;
	atomic_store(&reporter, syscall(SYS_gettid));
	(void)workqueue_report(fds[1]);
	return NULL;
}

TEST_TC(report_forked, "a child has ages in its reports, even if another "
    "thread was in a report when it was forked")
{
	static char buf[1 << 20];
	struct workqueue *wq;
	pthread_t t;
	pid_t pid;
	ssize_t n;
	int own[2], status;

	need();
	if (!TEST_CHILDTHREADS)
		atf_tc_skip("a child has no threads here");
	alarm(TEST_DEADLINE);
	TEST_EQ(0, pipe(fds));
	TEST_EQ(0, fcntl(fds[1], F_SETFL, O_NONBLOCK));
	while (write(fds[1], buf, 4096) > 0)
		continue;
	TEST_EQ(0, fcntl(fds[1], F_SETFL, 0));
	t = test_thread(report_blocks, NULL);
	/* The thread holds what a report needs when it sleeps. */
	TEST_AWAIT(asleep(atomic_load(&reporter)));
	pid = test_fork();
	if (pid == 0) {
		if (pipe(own) != 0)
			_exit(1);
		wq = test_create("own", blocking, NULL, WQ_MPSAFE);
		workqueue_enqueue(wq, &items[0], NULL);
		test_sem_wait(&entered);
		(void)workqueue_report(own[1]);
		test_pause();
		(void)workqueue_report(own[1]);
		n = read(own[0], buf, sizeof(buf) - 1);
		_exit(n > 0 && strstr(buf, ", STALLED\n") != NULL ? 0 : 2);
	}
	TEST_EQ(pid, waitpid(pid, &status, 0));
	TEST_EQ(0, status);
	while (read(fds[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf))
		continue;
	test_join(t);
}

TEST_TC(report, "a signal handler may print the table; the second shows ages")
{
	struct workqueue *wq;
	char buf[4096];
	const char *line;

	need();
	TEST_EQ(0, pipe(fds));
	signal(SIGUSR1, handler);
	wq = test_create("report", blocking, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq, &items[0], NULL);
	test_sem_wait(&entered);
	workqueue_enqueue(wq, &items[1], NULL);
	raise(SIGUSR1);
	TEST_EQ(1, reported);
	read_report(buf, sizeof(buf));
	ATF_REQUIRE(strncmp(buf, "QUEUE ", 6) == 0);
	line = strchr(buf, '\n') + 1;
	ATF_REQUIRE_MSG(strncmp(line,
	    "report           workqueue        -      1        -   1/1 ",
	    57) == 0, "%s", buf);
	ATF_REQUIRE(strstr(line, "STALLED") == NULL);
	test_pause();
	raise(SIGUSR1);
	read_report(buf, sizeof(buf));
	ATF_REQUIRE_MSG(strstr(buf, ", STALLED\n") != NULL, "%s", buf);
	ATF_REQUIRE_MSG(strstr(buf, "us ") != NULL ||
	    strstr(buf, "s ") != NULL, "%s", buf);
	sem_post(&leave);
	workqueue_destroy(wq);
	TEST_EQ(EBADF, workqueue_report(-1));
}

static sem_t blocked_leave;

static void
blocked_again(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	test_sem_wait(&blocked_leave);
}

static void
need_watchdog(void)
{

	need();
#ifdef _WQ_SIM
	atf_tc_skip("the simulator's time does not wait for the watchdog");
#endif
}

TEST_TC(watchdog, "a callback that runs for too long is reported once, with "
    "its stack")
{
	struct workqueue *wq, *other;
	const char *line;

	need_watchdog();
	watchdog_begin();
	sem_init(&blocked_leave, 0, 0);
	wq = test_create("dog", blocking, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq, &items[0], NULL);
	workqueue_enqueue(wq, &items[1], NULL);
	(void)watchdog_await(" items are pending\n", 1);
	line = watchdog_await("workqueue: watchdog: workqueue \"dog\": "
	    "function blocking (", 1);
	ATF_REQUIRE_MSG(strstr(line, ") has been running for ") != NULL, "%s",
	    line);
	ATF_REQUIRE_MSG(strstr(line, "; 1 items are pending\n") != NULL, "%s",
	    line);
	if ((wqk_hostcaps() & TEST_CAP_ASLEEP) != 0) {
		(void)watchdog_await("\tat blocking", 1);
		ATF_REQUIRE_MSG(strstr(line, "\tat block") != NULL, "%s",
		    line);
	}
	/* When the next is reported, the first has been there for longer. */
	other = test_create("other", blocked_again, NULL, WQ_MPSAFE);
	workqueue_enqueue(other, &items[2], NULL);
	(void)watchdog_await("workqueue \"other\"", 1);
	line = strstr(watchdog_text, "workqueue \"dog\"");
	ATF_REQUIRE(strstr(line + 1, "workqueue \"dog\"") == NULL);
	sem_post(&leave);
	sem_post(&blocked_leave);
	workqueue_destroy(wq);
	workqueue_destroy(other);
}

/* Is this the report of a callback of that name, with its stack? */
static void
check_report(const char *head, const char *func)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "watchdog: %s: function %s (", head,
	    func);
	(void)watchdog_await(text, 1);
	(void)snprintf(text, sizeof(text), "\tat %s", func);
	if ((wqk_hostcaps() & TEST_CAP_ASLEEP) != 0)
		(void)watchdog_await(text, 1);
}

static void
late(void *arg)
{

	(void)arg;
	block();
	TEST_ONSTACK();
}

TEST_TC(watchdog_kinds, "the watchdog reports each thread of a pool that is "
    "stuck, callouts, and soft interrupts")
{
	struct threadpool *pool;
	struct threadpool_job j[2];
	callout_t c;
	void *si;
	int i;

	need_watchdog();
	watchdog_begin();
	mutex_init(&lock, MUTEX_DEFAULT, IPL_NONE);
	TEST_EQ(0, threadpool_get(&pool, PRI_NONE));
	for (i = 0; i < 2; i++) {
		threadpool_job_init(&j[i], job, &lock, "job");
		mutex_enter(&lock);
		threadpool_schedule_job(pool, &j[i]);
		mutex_exit(&lock);
	}
	callout_init(&c, CALLOUT_MPSAFE);
	callout_reset(&c, 1, late, NULL);
	si = softint_establish(SOFTINT_CLOCK | SOFTINT_MPSAFE, blocks, NULL);
	softint_schedule_cpu(si, cpu_lookup(0));
	for (i = 0; i < 4; i++)
		test_sem_wait(&entered);
	check_report("callout \"callout\"", "late");
	check_report("softint \"softint/0\"", "blocks");
	check_report("threadpool \"threadpool/-1\"", "job");
	watchdog_two("watchdog: threadpool \"threadpool/-1\": ", 4);
	for (i = 0; i < 4; i++)
		sem_post(&leave);
	softint_disestablish(si);
	callout_halt(&c, NULL);
	callout_destroy(&c);
	TEST_AWAIT(get("threadpool/-1", -1)->ws_done == 2);
	for (i = 0; i < 2; i++)
		threadpool_job_destroy(&j[i]);
	threadpool_put(pool, PRI_NONE);
}

/*
 * Return how often the threads of the process have gone to sleep, except the
 * caller, and store how many there are.
 */
static long
sleeps(int *np)
{
	char buf[4096], path[300];
	struct dirent *d;
	const char *p;
	ssize_t n;
	long total;
	DIR *dir;
	int fd;

	total = 0;
	*np = 0;
	ATF_REQUIRE((dir = opendir("/proc/self/task")) != NULL);
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' || atoi(d->d_name) == getpid())
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/status",
		    d->d_name);
		if ((fd = open(path, O_RDONLY)) == -1)
			continue;
		n = read(fd, buf, sizeof(buf) - 1);
		(void)close(fd);
		buf[n > 0 ? n : 0] = '\0';
		p = strstr(buf, "\nvoluntary_ctxt_switches:");
		ATF_REQUIRE(p != NULL);
		total += atol(strchr(p, ':') + 1);
		++*np;
	}
	(void)closedir(dir);
	return total;
}

TEST_TC(watchdog_off, "without a watchdog no thread wakes up")
{
	struct workqueue *wq;
	struct timespec ts = { 2, 0 };
	long was, tid;
	int n, m;

	need_watchdog();
#ifdef TEST_TSAN
	atf_tc_skip("the sanitizer has a thread that wakes up");
#endif
	test_env("WORKQUEUE_WATCHDOG", "0");
	/* For lent threads, another thread wakes up. */
	wq = test_create("off", blocking, NULL, WQ_MPSAFE | WQ_DEDICATED);
	workqueue_enqueue(wq, &items[0], NULL);
	test_sem_wait(&entered);
	tid = get("off", -1)->ws_tid;
	/* A callback that never ends would be reported. */
	if ((wqk_hostcaps() & TEST_CAP_ASLEEP) != 0)
		TEST_AWAIT(asleep(tid));
	else
		test_pause();
	was = sleeps(&n);
	TEST_EQ(1, n);
	while (nanosleep(&ts, &ts) == -1)
		continue;
	TEST_EQ(was, sleeps(&m));
	TEST_EQ(1, m);
	sem_post(&leave);
	workqueue_destroy(wq);
}

TEST_TC(forked, "a child has the queues that it makes, not its parent's")
{
	struct workqueue *own, *wq;
	pid_t pid;
	int status;

	need();
	wq = test_create("parents", blocking, NULL, WQ_MPSAFE);
	pid = test_fork();
	if (pid == 0) {
		if (workqueue_stat(before, NSTATS, NULL, 0) != 0)
			_exit(1);
		if (TEST_CHILDTHREADS) {
			own = test_create("own", nothing, NULL, WQ_MPSAFE);
			workqueue_destroy(wq);
			if (workqueue_stat(before, NSTATS, NULL, 0) != 1 ||
			    strcmp(before[0].ws_name, "own") != 0)
				_exit(2);
			workqueue_destroy(own);
		}
		_exit(0);
	}
	TEST_EQ(pid, waitpid(pid, &status, 0));
	TEST_EQ(0, status);
	TEST_EQ(1, workqueue_stat(before, NSTATS, NULL, 0));
	workqueue_destroy(wq);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, counts);
	ATF_TP_ADD_TC(tp, percpu);
	ATF_TP_ADD_TC(tp, ages);
	ATF_TP_ADD_TC(tp, ages_long);
	ATF_TP_ADD_TC(tp, first);
	ATF_TP_ADD_TC(tp, polled);
	ATF_TP_ADD_TC(tp, threadpool);
	ATF_TP_ADD_TC(tp, callout);
	ATF_TP_ADD_TC(tp, softint);
	ATF_TP_ADD_TC(tp, softint_sleeps);
	ATF_TP_ADD_TC(tp, callout_klock);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, busy);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, report);
	ATF_TP_ADD_TC(tp, report_forked);
	ATF_TP_ADD_TC(tp, watchdog);
	ATF_TP_ADD_TC(tp, watchdog_kinds);
	ATF_TP_ADD_TC(tp, watchdog_off);
	ATF_TP_ADD_TC(tp, forked);
	return atf_no_error();
}
