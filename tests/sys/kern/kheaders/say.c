/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Every function that prints.
 */

#include <sys/param.h>
#include <sys/systm.h>
#include <sys/syslog.h>

static void
say_va(int, const char *, ...) __printflike(2, 3);

static void
say_va(int pri, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(pri, fmt, ap);
	va_end(ap);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

static void
say_by(void (*pr)(const char *, ...) __printflike(1, 2), int n)
{

	(*pr)("by %d\n", n);
}

int say_test(void);

int
say_test(void)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%s-%03u", "say", 7u);
	printf("%s\n", buf);
	say_by(printf, 1);
	snprintb(buf, sizeof(buf), "\20\1LINK\3FULL", 5);
	printf("%s\n", buf);
	log(LOG_ERR, "log %d\n", 2);
	say_va(LOG_INFO, "both %d\n", 3);
	return 0;
}
