/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Functions that the test programs share.  A test orders threads only by
 * semaphores and atomics.  A deadline exists only to end a test that has
 * already failed.
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
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

/*
 * Tests of the other interfaces define TEST_OTHERLIB, to leave out the parts
 * for workqueue(9).
 */
#ifndef TEST_OTHERLIB
#include <sys/workqueue.h>
#endif

/* The limits of time_t. */
#define	TEST_TIME_MAX	(sizeof(time_t) > 4 ? INT64_MAX : INT32_MAX)
#define	TEST_TIME_MIN	(sizeof(time_t) > 4 ? INT64_MIN : INT32_MIN)

/*
 * Under a sanitizer or the simulator, TEST_SCALE() lowers counts, so that a
 * suite ends in minutes.
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
 * 1 if a process may fork while its other threads are busy.  The sanitizers'
 * allocators do not support that: a child may find an allocator locked by a
 * thread that the child does not have.
 */
#if defined(TEST_TSAN) || defined(TEST_ASAN)
#define	TEST_BUSYFORK	0
#else
#define	TEST_BUSYFORK	1
#endif

/* Under ThreadSanitizer a child of a threaded process can start no threads. */
#ifdef TEST_TSAN
#define	TEST_CHILDTHREADS 0
#else
#define	TEST_CHILDTHREADS 1
#endif

/*
 * Keep the calling function on the stack.  Use this after the function's last
 * call, which a compiler may otherwise turn into a jump.
 */
#define	TEST_ONSTACK()	__asm volatile("" ::: "memory")

#if defined(TEST_TSAN) || defined(_WQ_SIM)
#define	TEST_SCALE(n)	((n) / 50 + 1)
#elif defined(TEST_ASAN)
#define	TEST_SCALE(n)	((n) / 10 + 1)
#else
#define	TEST_SCALE(n)	(n)
#endif

#ifdef TEST_ASAN
/* Ignore leaks of libatf-c, and do not print which leaks were ignored. */
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

#ifdef _WQ_SIM
/*
 * In the simulator these four atomic operations are points in a test, too.  So
 * a loop that reads an atomic variable lets other threads run.
 */
#include <sys/wq_simpoint.h>

#define	TEST_POINT(p, op)						\
	__extension__ ({						\
		__typeof__(&*(p)) test_p_ = (p);			\
		(void)wqk_simpoint(test_p_, _WQ_SIM_RMW |		\
		    _WQ_SIM_SIZED(sizeof(*test_p_)), __ATOMIC_SEQ_CST);	\
		op;							\
	})

#undef atomic_load
#define	atomic_load(p)							\
	TEST_POINT(p, atomic_load_explicit(test_p_, memory_order_seq_cst))
#undef atomic_store
#define	atomic_store(p, v)						\
	TEST_POINT(p, atomic_store_explicit(test_p_, (v),		\
	    memory_order_seq_cst))
#undef atomic_fetch_add
#define	atomic_fetch_add(p, v)						\
	TEST_POINT(p, atomic_fetch_add_explicit(test_p_, (v),		\
	    memory_order_seq_cst))
#undef atomic_fetch_sub
#define	atomic_fetch_sub(p, v)						\
	TEST_POINT(p, atomic_fetch_sub_explicit(test_p_, (v),		\
	    memory_order_seq_cst))
#endif

#define	TEST_DEADLINE	100		/* seconds */
#define	TEST_TIMEOUT	"280"		/* for kyua: one test case */

#define	TEST_NELEM(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * Capabilities of the host, with the numbers of sys/host/host.h.
 */
extern unsigned int wqk_hostcaps(void);
#define	TEST_CAP_NAMES		0x0001
#define	TEST_CAP_AFFINITY	0x0002
#define	TEST_CAP_PRIORITY	0x0004
#define	TEST_CAP_CURCPU		0x0008
#define	TEST_CAP_QUOTA		0x0010
#define	TEST_CAP_ASLEEP		0x0040
#define	TEST_CAP_CHILD		0x0080

/* run.sh looks up skips with this prefix in tests/skip.${HOST}. */
#define	TEST_NEED(cap, what) do {					\
	if ((wqk_hostcaps() & (cap)) == 0)				\
		atf_tc_skip("host: %s", (what));			\
} while (0)

/*
 * A test case: its name and the property that it checks.
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
 * The same as ATF_TP_ADD_TCS(), but keep the arguments for test_env().
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

/* Check that integers are equal; print both if they are not. */
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
 * Give the other threads time to reach their next wait.  In the simulator time
 * may pass while a thread can run, but not a minute.  So there this function
 * returns only when no other thread can run.
 */
static inline void
test_letrun(void)
{
#ifdef _WQ_SIM
	static const struct timespec ts = { 61, 0 };
#else
	static const struct timespec ts = { 0, 50000000 };
#endif

	nanosleep(&ts, NULL);
}

/*
 * Set an environment variable, or unset it if the value is NULL.  The library
 * reads its environment before main().  So if the variable has another value,
 * start this test case again with the new one.
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

/* Wait for a semaphore, at most until the deadline. */
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

/* Run n threads in parallel, and return when all have ended. */
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

/*
 * Return the number of entries in a directory, such as that of the threads.
 * Return -1 if the directory cannot be read.
 */
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
 * Wait until only main() and the threads of a sanitizer are left.  Return the
 * number of threads, or -1 if it is unknown.
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
	/* A joined thread may remain visible for a moment. */
	TEST_AWAIT(test_nthreads() <= alone);
	return test_nthreads();
}

#ifndef TEST_OTHERLIB
/*
 * An item that has its own function.  test_dispatch() is its callback.
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
 * A gate: an item that blocks its worker until a test opens the gate.
 */
struct test_gate {
	struct test_work g_work;
	sem_t		 g_entered;	/* posted by the worker */
	sem_t		 g_open;
	atomic_int	 g_left;	/* set last */
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

/* Enqueue a gate, and wait until it blocks the worker. */
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
 * An item that counts its runs.
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
#endif	/* !TEST_OTHERLIB */

#if !TEST_BUSYFORK
/*
 * Return true if all other threads sleep.
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

	/*
	 * Do not use opendir() and fopen(): they allocate, and other threads
	 * would wait for the allocator's lock.
	 */
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
 * Wait before a fork until the other threads sleep.  After some time, continue
 * in any case.
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
 * Fork while the other threads are outside of a sanitizer's allocator.  Tests
 * call fork() itself only if the other threads must be busy.
 */
static inline pid_t
test_fork(void)
{

	test_settle();
	return fork();
}

/* The same, but by clone(2), which calls no fork handler. */
static inline pid_t
test_fork_unseen(void)
{

	test_settle();
	return (pid_t)syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
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
	char *line;
	ssize_t n;
	pid_t pid;
	int fd[2];

	fflush(NULL);
	ATF_REQUIRE(pipe(fd) == 0);
	pid = test_fork();
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
	/* An emulator adds a line of its own when a child aborts. */
	line = strstr(tc->tc_err, "qemu: uncaught target signal ");
	if (line != NULL && (line == tc->tc_err || line[-1] == '\n')) {
		*line = '\0';
		tc->tc_len = (size_t)(line - tc->tc_err);
	}
	close(fd[0]);
	while (waitpid(pid, &tc->tc_status, 0) == -1)
		ATF_REQUIRE(errno == EINTR);
}

/* Run func in a child, which must exit with status 0. */
static inline void
test_child_lives(struct test_child *tc, void (*func)(void))
{

	test_child(tc, func);
	ATF_REQUIRE_MSG(WIFEXITED(tc->tc_status) &&
	    WEXITSTATUS(tc->tc_status) == 0, "wait status %#x, stderr: %s",
	    (unsigned)tc->tc_status, tc->tc_err);
}

/*
 * Run func in a child, which must panic.  Return its output from the panic on.
 */
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

/*
 * Check that a text contains all the strings.  NULL ends the list.
 */
static inline void
test_has(const char *text, va_list ap)
{
	const char *s;

	while ((s = va_arg(ap, const char *)) != NULL)
		ATF_REQUIRE_MSG(strstr(text, s) != NULL, "no \"%s\" in: %s",
		    s, text);
}

/*
 * Run func in a child.  Check that it exits with status 0 and writes nothing.
 */
static inline void
test_lives(void (*func)(void))
{
	struct test_child tc;

	test_child_lives(&tc, func);
	ATF_REQUIRE_MSG(tc.tc_len == 0, "stderr: %s", tc.tc_err);
}

/*
 * Run func in a child.  Check that it exits with status 0 and writes all the
 * strings, in this order.  NULL ends the list.
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
 * Check that every site in the output has the form "made at NAME+0x1f
 * (MODULE+0x3c)".  If the name is unknown, an address stands for NAME+0x1f.
 */
static inline void
test_sites(const char *text)
{
	static const char *const at[] = {
		" made at ", "(made at ", " taken at ", " allocated at ",
		", called from ", "\tat ", " again at "
	};
	const char *p, *q;
	size_t i;

	for (i = 0; i < TEST_NELEM(at); i++)
		for (p = text; (p = strstr(p, at[i])) != NULL;) {
			p += strlen(at[i]);
			q = p + strcspn(p, " ,\n");
			ATF_REQUIRE_MSG(strncmp(q, " (", 2) == 0 &&
			    strncmp(q + strcspn(q, "+\n"), "+0x", 3) == 0 &&
			    q[strcspn(q, ")\n")] == ')',
			    "not a site: %s", p);
		}
}

/*
 * Run func in a child.  Check that it panics: it writes one line, which starts
 * with "panic: " and contains all the strings, then perhaps a backtrace, and
 * ends by SIGABRT.  NULL ends the list.
 */
static inline void
test_panics(void (*func)(void), ...)
{
	struct test_child tc;
	const char *p;
	va_list ap;

	p = test_child_panics(&tc, func);
	ATF_REQUIRE_MSG(p == tc.tc_err, "stderr: %s", tc.tc_err);
	test_sites(p);
	p = strchr(p, '\n');
	ATF_REQUIRE_MSG(p != NULL, "not a whole line: %s", tc.tc_err);
	tc.tc_err[p - tc.tc_err] = '\0';
	while (*++p != '\0') {
		ATF_REQUIRE_MSG(strncmp(p, "\tat ", 4) == 0 &&
		    strchr(p, '\n') != NULL, "not a line of a backtrace: %s",
		    p);
		p = strchr(p, '\n');
	}
	va_start(ap, func);
	test_has(tc.tc_err, ap);
	va_end(ap);
}

/*
 * Run func in a child.  Check that it panics with a text that contains all the
 * strings.  The child may write something before the panic and after its line.
 * This does not check the form of sites and of a backtrace.
 */
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
