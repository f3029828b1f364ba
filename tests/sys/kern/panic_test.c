/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * panic(9) and KASSERT(9): one line, then abort.
 */

#include <sys/cpu.h>
#include <sys/systm.h>

#include <limits.h>

#include "../../tests.h"

static void
formats(void)
{

	panic("%s %d %u %x %c %p|%5d|%-5d|%05d|%%|%lld|%zu|%.3s", "text", -7,
	    7u, 0xbeefu, 'c', (void *)0x1234, 42, 42, 42, 1LL << 40,
	    (size_t)99, "abcdef");
}

static void
long_text(void)
{
	static char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	panic("%s", text);
}

static void
with_newlines(void)
{

	panic("first\nsecond\n");
}

static void
handler(int signo)
{

	panic("in handler of %d", signo);
}

static void
in_handler(void)
{

	signal(SIGUSR1, handler);
	raise(SIGUSR1);
}

static void
with_handler(void)
{

	/* A client that handles SIGABRT and returns is aborted, too. */
	signal(SIGABRT, SIG_IGN);
	panic("ignored");
}

TEST_TC(one_line, "panic writes one line that starts with \"panic: \" to "
    "standard error and aborts")
{

	test_panics(formats, "panic: text -7 7 beef c 0x1234|   42|42   |"
	    "00042|%|1099511627776|99|abc", NULL);
	test_panics(long_text, "panic: xxxxxxxxxxxxxxxxxxxx", NULL);
	test_panics(with_newlines, "panic: first", "second", NULL);
	test_panics(in_handler, "panic: in handler of ", NULL);
	test_panics(with_handler, "panic: ignored", NULL);
}

/*
 * Panics while standard error cannot be written to.
 */
static void
stderr_pipe(int p[2], bool nonblock)
{

	if (pipe(p) == -1)
		_exit(2);
	(void)fcntl(p[1], F_SETFL, O_NONBLOCK);
	while (write(p[1], "x", 1) == 1)
		continue;
	if (!nonblock)
		(void)fcntl(p[1], F_SETFL, 0);
	dup2(p[1], STDERR_FILENO);
}

static void
into_full_pipe(void)
{
	int p[2];

	stderr_pipe(p, true);
	panic("not read");
}

static void
into_full_blocking_pipe(void)
{
	int p[2];

	stderr_pipe(p, false);
	panic("not read");
}

static void
into_broken_pipe(void)
{
	int p[2];

	stderr_pipe(p, true);
	close(p[0]);
	panic("not read");
}

static void
into_nothing(void)
{

	close(STDERR_FILENO);
	panic("not read");
}

extern void wqk_log(int, const char *, ...);	/* log(9) */

static void
warn_into_broken_pipe(void)
{
	sigset_t pending;
	int p[2];

	if (pipe(p) == -1)
		_exit(2);
	dup2(p[1], STDERR_FILENO);
	close(p[0]);
	close(p[1]);
	wqk_log(3, "not read");
	if (sigpending(&pending) != 0 || sigismember(&pending, SIGPIPE))
		_exit(4);
}

TEST_TC(no_reader, "a panic ends the process by SIGABRT even if nobody reads "
    "standard error, and a message for a closed pipe does not end it")
{
	static void (*const into[])(void) = {
		into_full_pipe, into_full_blocking_pipe, into_broken_pipe,
		into_nothing
	};
	struct test_child tc;
	size_t i;

	for (i = 0; i < TEST_NELEM(into); i++) {
		test_child(&tc, into[i]);
		ATF_REQUIRE_MSG(WIFSIGNALED(tc.tc_status) &&
		    WTERMSIG(tc.tc_status) == SIGABRT, "%zu: wait status %#x",
		    i, (unsigned)tc.tc_status);
	}
	test_lives(warn_into_broken_pipe);
}

/*
 * Sites.
 */
static volatile int site_after;

enum { SITE_LINE = __LINE__ + 14 };	/* of the call below */

static void
nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static __attribute__((__noinline__)) void
misuse(struct workqueue *wq, struct work *wk)
{

	workqueue_enqueue(wq, wk, cpu_lookup(0));
	site_after = 1;
}

static void
commit(void)
{
	static struct work wk;

	misuse(test_create("q", nothing, NULL, WQ_MPSAFE), &wk);
	site_after = 2;
}

/* Get the output of addr2line(1) for the first " (panic_test+0x" after text. */
static void
addr2line(const char *text, const char *after, char *buf, size_t size)
{
	char cmd[PATH_MAX + 64], self[PATH_MAX];
	const char *p;
	ssize_t n;
	FILE *f;

	p = strstr(text, after);
	ATF_REQUIRE_MSG(p != NULL, "no \"%s\" in: %s", after, text);
	p = strstr(p, " (panic_test+0x");
	ATF_REQUIRE_MSG(p != NULL, "no module in: %s", text);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	ATF_REQUIRE(n > 0);
	self[n] = '\0';
	snprintf(cmd, sizeof(cmd), "addr2line -e '%s' %.*s", self,
	    (int)strcspn(p + 13, ")"), p + 13);
	f = popen(cmd, "r");
	ATF_REQUIRE(f != NULL && fgets(buf, (int)size, f) != NULL);
	pclose(f);
}

TEST_TC(site, "a panic of the library reports its call site, so that "
    "addr2line(1) finds the line, and the callers")
{
	struct test_child tc;
	char buf[PATH_MAX], *p;
	int line = SITE_LINE;

	test_child_panics(&tc, commit);
	test_sites(tc.tc_err);
	addr2line(tc.tc_err, ", called from ", buf, sizeof(buf));
	if (strncmp(buf, "??:", 3) == 0)
		atf_tc_skip("compiled without line numbers");
	p = strrchr(buf, ':');
	ATF_REQUIRE_MSG(p != NULL && atoi(p + 1) == line, "%s is not line %d",
	    buf, line);
	ATF_REQUIRE_MSG(strstr(tc.tc_err, "\tat misuse") != NULL,
	    "stderr: %s", tc.tc_err);
	ATF_REQUIRE_MSG(strstr(tc.tc_err, "\tat commit") != NULL,
	    "stderr: %s", tc.tc_err);
	ATF_REQUIRE_MSG(strstr(tc.tc_err, "subr_") == NULL,
	    "a file of the library's: %s", tc.tc_err);
}

static pthread_barrier_t barrier;

static void *
all_at_once(void *arg)
{

	pthread_barrier_wait(&barrier);
	panic("thread %d of several", *(int *)arg);
	return NULL;
}

static void
many_threads(void)
{
	int i, no[4];

	pthread_barrier_init(&barrier, NULL, 4);
	for (i = 0; i < 4; i++) {
		no[i] = i;
		test_thread(all_at_once, &no[i]);
	}
	for (;;)
		pause();
}

TEST_TC(one_line_of_many, "of several threads that panic together one reports")
{
	int i;

	for (i = 0; i < 20; i++)
		test_panics(many_threads, "of several", NULL);
}

static volatile int three = 3;

static void
kassert_false(void)
{

	KASSERT(three == 4);
}

static void
kassertmsg_false(void)
{

	KASSERTMSG(three == 4, "three is %d", three);
}

static void
kasserts_true(void)
{
	int evaluated = 0;

	KASSERT(++evaluated == 1);
	KASSERTMSG(++evaluated == 2, "evaluated %d times", evaluated);
	if (evaluated != 2)
		_exit(4);
}

TEST_TC(kassert, "KASSERT and KASSERTMSG evaluate once, let true pass, and "
    "panic on false with the expression, the place and the message")
{

	test_lives(kasserts_true);
	test_panics(kassert_false, "panic: kernel diagnostic assertion",
	    "\"three == 4\" failed", "panic_test.c", NULL);
	test_panics(kassertmsg_false, "\"three == 4\" failed",
	    "panic_test.c", "three is 3", NULL);
}

static void
kdasserts(void)
{
	int evaluated = 0;

	KDASSERT(++evaluated == 100);
	KDASSERTMSG(++evaluated == 100, "evaluated");
	if (evaluated != 0)
		_exit(4);
}

TEST_TC(kdassert_without_debug, "KDASSERT without DEBUG evaluates nothing")
{

	test_lives(kdasserts);
}

CTASSERT(sizeof(char) == 1);

static int
chooses(int x)
{

	/*
	 * Each assertion is one expression, and may stand wherever an
	 * expression may.
	 */
	if (x > 1)
		KASSERT(x > 1);
	else
		KASSERT(x <= 1);
	return x > 2 ? (KASSERT(x == 3), 1) : 0;
}

TEST_TC(are_expressions, "the assertion macros are single expressions")
{

	TEST_EQ(0, chooses(1));
	TEST_EQ(0, chooses(2));
	TEST_EQ(1, chooses(3));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, one_line);
	ATF_TP_ADD_TC(tp, one_line_of_many);
	ATF_TP_ADD_TC(tp, no_reader);
	ATF_TP_ADD_TC(tp, site);
	ATF_TP_ADD_TC(tp, kassert);
	ATF_TP_ADD_TC(tp, kdassert_without_debug);
	ATF_TP_ADD_TC(tp, are_expressions);
	return atf_no_error();
}
