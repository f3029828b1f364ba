/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The watchdog's reports, for tests.  Include tests.h first.
 */

#ifndef _TESTS_WATCHDOG_H_
#define	_TESTS_WATCHDOG_H_

static int watchdog_fd;
static char watchdog_text[65536];
static size_t watchdog_len;

/*
 * Turn the watchdog on, with a limit of a second, and redirect standard error
 * to watchdog_fd.
 */
static inline void
watchdog_begin(void)
{
	int fds[2];

	test_env("WORKQUEUE_WATCHDOG", "1");
	ATF_REQUIRE(pipe(fds) == 0);
	watchdog_fd = fds[0];
	dup2(fds[1], STDERR_FILENO);
	alarm(TEST_DEADLINE);
}

/*
 * Read standard error until a text has come n times.  Return the last
 * occurrence.
 */
static inline const char *
watchdog_await(const char *text, int n)
{
	const char *p;
	ssize_t got;
	int i;

	for (;;) {
		p = strstr(watchdog_text, text);
		for (i = 1; i < n && p != NULL; i++)
			p = strstr(p + 1, text);
		if (p != NULL)
			return p;
		got = read(watchdog_fd, watchdog_text + watchdog_len,
		    sizeof(watchdog_text) - 1 - watchdog_len);
		if (got == -1 && errno == EINTR)
			continue;
		ATF_REQUIRE_MSG(got > 0, "%s", watchdog_text);
		watchdog_len += (size_t)got;
		watchdog_text[watchdog_len] = '\0';
	}
}

/*
 * Wait for the reports of two items of one queue, which begin with the text.
 * Wait until all n reports have ended with the number of pending items.
 */
static inline void
watchdog_two(const char *text, int n)
{
	const char *first, *second;

	second = watchdog_await(text, 2);
	(void)watchdog_await(" items are pending\n", n);
	first = strstr(strstr(watchdog_text, text), ", with item ");
	second = strstr(second, ", with item ");
	ATF_REQUIRE_MSG(strncmp(first, second, strcspn(first, "(;") + 1) != 0,
	    "the same item twice: %s", watchdog_text);
}

#endif	/* !_TESTS_WATCHDOG_H_ */
