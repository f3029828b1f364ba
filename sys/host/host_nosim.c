/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Stubs of the simulator's functions, for a build without the simulator.  With
 * them, a program that uses <sys/workqueue_sim.h>, or is compiled with _WQ_SIM,
 * links and runs.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sys/workqueue_sim.h>
#include <sys/wq_simpoint.h>

#include <host/host.h>

#define	PUBLIC	__attribute__((__visibility__("default")))

PUBLIC void *
wqk_simpoint(const volatile void *addr, unsigned int kind, int order)
{

	(void)kind;
	(void)order;
	return (void *)(uintptr_t)addr;
}

PUBLIC int
wqk_simweak(void)
{

	return 0;
}

PUBLIC bool
wqsim_active(void)
{

	return false;
}

PUBLIC void
wqsim_run(void (*func)(void *), void *arg)
{

	(*func)(arg);
}

PUBLIC void
wqsim_fail(const char *fmt, ...)
{
	char buf[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf) - 1, fmt, ap);
	va_end(ap);
	(void)strcat(buf, "\n");
	host_write(buf, strlen(buf));
	host_abort();
}

PUBLIC unsigned int
wqsim_choose(unsigned int n, const char *what)
{

	(void)n;
	(void)what;
	return 0;
}

PUBLIC void
wqsim_point(const char *what)
{

	(void)what;
}

PUBLIC void
wqsim_signal(int signo)
{

	(void)signo;
}

PUBLIC void
wqsim_always(bool (*func)(void *), void *arg, const char *what)
{

	(void)func;
	(void)arg;
	(void)what;
}
