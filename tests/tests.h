/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the test programs share.  A test orders threads by semaphores and
 * atomics alone; a deadline is there to end a test that has failed already.
 */

#ifndef _TESTS_H_
#define	_TESTS_H_

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

/* Tests of other faces do without what is for this one. */
#ifndef TEST_OTHERFACE
#include <sys/workqueue.h>
#endif

/*
 * Sanitizers: counts shrink, so that a suite under them ends in minutes.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define	TEST_TSAN	1
#endif
#if __has_feature(address_sanitizer)
#define	TEST_ASAN	1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define	TEST_TSAN	1
#endif
#ifdef __SANITIZE_ADDRESS__
#define	TEST_ASAN	1
#endif

/*
 * May a process fork while its other threads are busy?  The sanitizers'
 * allocators are not made for that: a child may find one locked by a thread
 * that was in it.
 */
#if defined(TEST_TSAN) || defined(TEST_ASAN)
#define	TEST_BUSYFORK	0
#else
#define	TEST_BUSYFORK	1
#endif

/* ThreadSanitizer lets a child of a process with threads have none. */
#ifdef TEST_TSAN
#define	TEST_CHILDTHREADS 0
#else
#define	TEST_CHILDTHREADS 1
#endif

#if defined(TEST_TSAN)
#define	TEST_SCALE(n)	((n) / 50 + 1)
#elif defined(TEST_ASAN)
#define	TEST_SCALE(n)	((n) / 10 + 1)
#else
#define	TEST_SCALE(n)	(n)
#endif

#ifdef TEST_ASAN
/* What libatf-c leaves is not ours; nor is saying so to standard error. */
const char	*__lsan_default_options(void);
const char	*__lsan_default_suppressions(void);

const char *
__lsan_default_options(void)
{

	return "print_suppressions=0";
}

const char *
__lsan_default_suppressions(void)
{

	return "leak:libatf-c";
}
#endif

#define	TEST_DEADLINE	100		/* seconds */
#define	TEST_TIMEOUT	"280"		/* of a test case, for kyua */

#define	TEST_NELEM(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * Capabilities of the host, as sys/host/host.h numbers them.
 */
extern unsigned int wqk_hostcaps(void);
#define	TEST_CAP_NAMES		0x0001
#define	TEST_CAP_AFFINITY	0x0002
#define	TEST_CAP_PRIORITY	0x0004
#define	TEST_CAP_CURCPU		0x0008
#define	TEST_CAP_QUOTA		0x0010
#define	TEST_CAP_ASLEEP		0x0040

/* The prefix has the skip compared with tests/skip.${HOST}. */
#define	TEST_NEED(cap, what) do {					\
	if ((wqk_hostcaps() & (cap)) == 0)				\
		atf_tc_skip("host: %s", (what));			\
} while (0)

/*
 * A test case: its name and the property it checks.
 */
#define	TEST_TC(name, text)						\
ATF_TC(name);								\
ATF_TC_HEAD(name, test_tc)						\
{									\
									\
	atf_tc_set_md_var(test_tc, "descr", "%s", (text));		\
	atf_tc_set_md_var(test_tc, "timeout", "%s", TEST_TIMEOUT);	\
}									\
ATF_TC_BODY(name, test_tc)

/*
 * ATF_TP_ADD_TCS, keeping the arguments for test_env().
 */
#define	TEST_TP_ADD_TCS(tp)						\
static atf_error_t test_add_tcs(atf_tp_t *);				\
int atf_tp_main(int, char **, atf_error_t (*)(atf_tp_t *));		\
int									\
main(int argc, char **argv)						\
{									\
									\
	test_argv = argv;						\
	return atf_tp_main(argc, argv, test_add_tcs);			\
}									\
static atf_error_t							\
test_add_tcs(atf_tp_t *tp)

static char **test_argv;

/* Equal integers; says both when they are not. */
#define	TEST_EQ(want, is) do {						\
	intmax_t test_want_ = (intmax_t)(want);				\
	intmax_t test_is_ = (intmax_t)(is);				\
	ATF_REQUIRE_MSG(test_want_ == test_is_,				\
	    "%s: is %jd, must be %s: %jd", #is, test_is_, #want,	\
	    test_want_);						\
} while (0)

/* Wait for a condition that another thread makes true. */
#define	TEST_AWAIT(cond) do {						\
	int64_t test_end_ = test_now() + TEST_DEADLINE * 1000000000LL;	\
	while (!(cond)) {						\
		ATF_REQUIRE_MSG(test_now() < test_end_,			\
		    "waited %d s in vain for: %s", TEST_DEADLINE, #cond); \
		test_pause();						\
	}								\
} while (0)

static inline int64_t
test_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static inline void
test_pause(void)
{
	static const struct timespec ts = { 0, 200000 };

	nanosleep(&ts, NULL);
}

/*
 * Make an environment variable have a value (NULL: none), starting this
 * test case anew if it has not: the library reads its environment before
 * main().
 */
static inline void
test_env(const char *name, const char *value)
{
	const char *is = getenv(name);

	if (value == NULL ? is == NULL :
	    is != NULL && strcmp(is, value) == 0)
		return;
	if (value == NULL)
		unsetenv(name);
	else
		setenv(name, value, 1);
	execv(test_argv[0], test_argv);
	atf_tc_fail("cannot start %s again: %s", test_argv[0],
	    strerror(errno));
}

/* sem_wait(3) with the deadline. */
static inline void
test_sem_wait(sem_t *sem)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += TEST_DEADLINE;
	while (sem_timedwait(sem, &ts) != 0) {
		if (errno == EINTR)
			continue;
		atf_tc_fail("sem_timedwait: %s", strerror(errno));
	}
}

static inline pthread_t
test_thread(void *(*func)(void *), void *arg)
{
	pthread_t t;
	int error;

	error = pthread_create(&t, NULL, func, arg);
	if (error != 0)
		atf_tc_fail("pthread_create: %s", strerror(error));
	return t;
}

static inline void
test_join(pthread_t t)
{
	int error;

	error = pthread_join(t, NULL);
	if (error != 0)
		atf_tc_fail("pthread_join: %s", strerror(error));
}

/* So many threads at once; returns when all have ended. */
static inline void
test_threads(size_t n, void *(*func)(void *), void *arg)
{
	pthread_t t[128];
	size_t i;

	ATF_REQUIRE(n <= TEST_NELEM(t));
	for (i = 0; i < n; i++)
		t[i] = test_thread(func, arg);
	for (i = 0; i < n; i++)
		test_join(t[i]);
}

/* How many threads, or descriptors, the process has; -1: cannot tell. */
static inline int
test_countdir(const char *dir)
{
	struct dirent *de;
	DIR *d;
	int n = 0;

	d = opendir(dir);
	if (d == NULL)
		return -1;
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] != '.')
			n++;
	}
	closedir(d);
	return n;
}

static inline int
test_nthreads(void)
{

	return test_countdir("/proc/self/task");
}

static inline void *
test_ends(void *arg)
{

	return arg;
}

/*
 * The same when nobody but main() and what a sanitizer started with the
 * first thread is there; -1: cannot tell.
 */
static inline int
test_nthreads_alone(void)
{
#ifdef TEST_TSAN
	const int alone = 2;
#else
	const int alone = 1;
#endif

	test_join(test_thread(test_ends, NULL));
	/* A joined thread may be seen a moment longer. */
	TEST_AWAIT(test_nthreads() <= alone);
	return test_nthreads();
}

#ifndef TEST_OTHERFACE
/*
 * A queue whose work brings its own function.
 */
struct test_work {
	struct work	  tw_work;
	void		(*tw_func)(struct test_work *);
};

static inline void
test_dispatch(struct work *wk, void *arg)
{
	struct test_work *tw = (void *)wk;

	(void)arg;
	(*tw->tw_func)(tw);
}

static inline struct workqueue *
test_create(const char *name, void (*func)(struct work *, void *), void *arg,
    int flags)
{
	struct workqueue *wq = NULL;

	TEST_EQ(0, workqueue_create(&wq, name, func, arg, PRI_NONE, IPL_NONE,
	    flags));
	ATF_REQUIRE(wq != NULL);
	return wq;
}

/*
 * A gate: work that keeps its worker until it is opened.
 */
struct test_gate {
	struct test_work g_work;
	sem_t		 g_entered;	/* posted by the worker */
	sem_t		 g_open;
	atomic_int	 g_left;	/* set as the last thing */
};

static inline void
test_gate_run(struct test_work *tw)
{
	struct test_gate *g = (void *)tw;

	sem_post(&g->g_entered);
	test_sem_wait(&g->g_open);
	atomic_store(&g->g_left, 1);
}

static inline void
test_gate_init(struct test_gate *g)
{

	g->g_work.tw_func = test_gate_run;
	sem_init(&g->g_entered, 0, 0);
	sem_init(&g->g_open, 0, 0);
	atomic_init(&g->g_left, 0);
}

/* Enqueue it and wait until the worker stands in it. */
static inline void
test_gate_close(struct test_gate *g, struct workqueue *wq,
    struct cpu_info *ci)
{

	atomic_store(&g->g_left, 0);
	workqueue_enqueue(wq, &g->g_work.tw_work, ci);
	test_sem_wait(&g->g_entered);
}

static inline void
test_gate_open(struct test_gate *g)
{

	sem_post(&g->g_open);
}

/*
 * Work that counts its runs.
 */
struct test_counted {
	struct test_work c_work;
	atomic_int	 c_runs;
};
#define	TEST_COUNTED	{ .c_work = { .tw_func = test_counted_run } }

static inline void
test_counted_run(struct test_work *tw)
{
	struct test_counted *c = (void *)tw;

	atomic_fetch_add(&c->c_runs, 1);
}
#endif	/* !TEST_OTHERFACE */

#if !TEST_BUSYFORK
/*
 * Do all other threads sleep?
 */
static inline bool
test_others_sleep(void)
{
	_Alignas(struct dirent) char buf[4096];
	struct dirent *de;
	char path[64], line[512], *p;
	bool sleep = true;
	int dir, fd;
	long i, n;

	/* opendir() and fopen() allocate: others would sleep for that lock. */
	dir = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
	if (dir == -1)
		return true;
	while (sleep && (n = syscall(SYS_getdents64, dir, buf,
	    sizeof(buf))) > 0)
		for (i = 0; sleep && i < n; i += de->d_reclen) {
			de = (struct dirent *)(void *)&buf[i];
			if (de->d_name[0] == '.' ||
			    atol(de->d_name) == syscall(SYS_gettid))
				continue;
			snprintf(path, sizeof(path),
			    "/proc/self/task/%.20s/stat", de->d_name);
			if ((fd = open(path, O_RDONLY)) == -1)
				continue;
			memset(line, 0, sizeof(line));
			if (read(fd, line, sizeof(line) - 1) > 0 &&
			    (p = strrchr(line, ')')) != NULL && p[1] == ' ')
				sleep = p[2] == 'S';
			close(fd);
		}
	close(dir);
	return sleep;
}
#endif

/*
 * Before fork: if other threads go on running, so be it.
 */
static inline void
test_settle(void)
{
#if !TEST_BUSYFORK
	int pauses;

	for (pauses = 0; pauses < 5000 && !test_others_sleep(); pauses++)
		test_pause();
#endif
}

/*
 * Run func in a child and collect what it writes to standard error.
 */
struct test_child {
	int	tc_status;
	size_t	tc_len;
	char	tc_err[8192];
};

static inline void
test_child(struct test_child *tc, void (*func)(void))
{
	struct rlimit rl = { 0, 0 };
	ssize_t n;
	pid_t pid;
	int fd[2];

	fflush(NULL);
	ATF_REQUIRE(pipe(fd) == 0);
	test_settle();
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &rl);
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);
		alarm(TEST_DEADLINE);
		(*func)();
		_exit(0);
	}
	close(fd[1]);
	tc->tc_len = 0;
	for (;;) {
		n = read(fd[0], tc->tc_err + tc->tc_len,
		    sizeof(tc->tc_err) - 1 - tc->tc_len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		tc->tc_len += (size_t)n;
	}
	tc->tc_err[tc->tc_len] = '\0';
	close(fd[0]);
	while (waitpid(pid, &tc->tc_status, 0) == -1)
		ATF_REQUIRE(errno == EINTR);
}

/* test_child(), which must end well. */
static inline void
test_child_lives(struct test_child *tc, void (*func)(void))
{

	test_child(tc, func);
	ATF_REQUIRE_MSG(WIFEXITED(tc->tc_status) &&
	    WEXITSTATUS(tc->tc_status) == 0, "wait status %#x, stderr: %s",
	    (unsigned)tc->tc_status, tc->tc_err);
}

/* test_child(), which must panic: what it wrote from there on. */
static inline const char *
test_child_panics(struct test_child *tc, void (*func)(void))
{
	const char *p;

	test_child(tc, func);
	ATF_REQUIRE_MSG(WIFSIGNALED(tc->tc_status) &&
	    WTERMSIG(tc->tc_status) == SIGABRT, "wait status %#x, stderr: %s",
	    (unsigned)tc->tc_status, tc->tc_err);
	p = strstr(tc->tc_err, "panic: ");
	ATF_REQUIRE_MSG(p != NULL, "stderr: %s", tc->tc_err);
	return p;
}

/* All these strings (up to NULL) must be in it. */
static inline void
test_has(const char *text, va_list ap)
{
	const char *s;

	while ((s = va_arg(ap, const char *)) != NULL)
		ATF_REQUIRE_MSG(strstr(text, s) != NULL, "no \"%s\" in: %s",
		    s, text);
}

/* The child must have ended well and written nothing. */
static inline void
test_lives(void (*func)(void))
{
	struct test_child tc;

	test_child_lives(&tc, func);
	ATF_REQUIRE_MSG(tc.tc_len == 0, "stderr: %s", tc.tc_err);
}

/*
 * The child must have ended well and written all the strings given (up to
 * NULL), in this order.
 */
static inline void
test_says(void (*func)(void), ...)
{
	struct test_child tc;
	const char *p, *s;
	va_list ap;

	test_child_lives(&tc, func);
	p = tc.tc_err;
	va_start(ap, func);
	while ((s = va_arg(ap, const char *)) != NULL) {
		p = strstr(p, s);
		ATF_REQUIRE_MSG(p != NULL, "no \"%s\" in: %s", s, tc.tc_err);
	}
	va_end(ap);
}

/*
 * The child must have panicked: one line that starts with "panic: " and
 * has all the strings given (up to NULL) in it, then SIGABRT.
 */
static inline void
test_panics(void (*func)(void), ...)
{
	struct test_child tc;
	const char *p;
	va_list ap;

	p = test_child_panics(&tc, func);
	ATF_REQUIRE_MSG(p == tc.tc_err, "stderr: %s", tc.tc_err);
	p = strchr(p, '\n');
	ATF_REQUIRE_MSG(p != NULL && p[1] == '\0',
	    "not exactly one line: %s", tc.tc_err);
	va_start(ap, func);
	test_has(tc.tc_err, ap);
	va_end(ap);
}

/* The same, but the child may have written something before its panic. */
static inline void
test_aborts(void (*func)(void), ...)
{
	struct test_child tc;
	const char *p;
	va_list ap;

	p = test_child_panics(&tc, func);
	va_start(ap, func);
	test_has(p, ap);
	va_end(ap);
}

#endif	/* !_TESTS_H_ */
