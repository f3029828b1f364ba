/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * panic(9) and KASSERT(9): one line, then abort.
 */

#include <sys/systm.h>

#include "../../tests.h"

static void
formats(void)
{

	panic("%s %d %u %x %c %p|%5d|%-5d|%05d|%%|%ld|%zu|%.3s", "text", -7,
	    7u, 0xbeefu, 'c', (void *)0x1234, 42, 42, 42, 1L << 40,
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

	/* Who handles SIGABRT and returns is not spared. */
	signal(SIGABRT, SIG_IGN);
	panic("ignored");
}

TEST_TC(one_line, "panic writes one line that starts with \"panic: \" to "
    "standard error and aborts")
{

	test_panics(formats, "panic: text -7 7 beef c 0x1234|   42|42   |"
	    "00042|%|1099511627776|99|abc\n", NULL);
	test_panics(long_text, "panic: xxxxxxxxxxxxxxxxxxxx", NULL);
	test_panics(with_newlines, "panic: first", "second\n", NULL);
	test_panics(in_handler, "panic: in handler of ", NULL);
	test_panics(with_handler, "panic: ignored\n", NULL);
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

TEST_TC(one_line_of_many, "of several threads that panic together one is "
    "heard")
{
	int i;

	for (i = 0; i < 20; i++)
		test_panics(many_threads, "of several\n", NULL);
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
	    "panic_test.c", "three is 3\n", NULL);
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

	/* Each is one expression, and stands where one may. */
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
	ATF_TP_ADD_TC(tp, kassert);
	ATF_TP_ADD_TC(tp, kdassert_without_debug);
	ATF_TP_ADD_TC(tp, are_expressions);
	return atf_no_error();
}
