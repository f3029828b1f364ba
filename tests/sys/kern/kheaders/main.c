/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The program around the others: an ordinary one, with its own functions and
 * variables by the kernel's names.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define	TEST(name)	int name##_test(void);
#include "tests.def"
#undef TEST

int hz = 1;
int tick, cold, curlwp, proc0, ncpu_, time_second, time_uptime;
double log(double);
void panic(const char *);
void mutex_init(void), mutex_enter(void), mutex_exit(void);
void cv_init(void), callout_init(void), kmem_alloc(void), pool_get(void);
void wakeup(void), tsleep(void), delay(void), splx(void), kthread_create(void);
void softint_schedule(void), device_printf(void), kernel_lock(void);
void sysctl_createv(void), aprint_normal(void), workqueue_run(void);
static int mine;

double
log(double x)
{

	mine++;
	return x;
}

void
panic(const char *s)
{

	mine++;
	printf("mine: %s\n", s);
}

#define	MINE(name)	void name(void) { mine++; }
MINE(mutex_init) MINE(mutex_enter) MINE(mutex_exit)
MINE(cv_init) MINE(callout_init) MINE(kmem_alloc) MINE(pool_get)
MINE(wakeup) MINE(tsleep) MINE(delay) MINE(splx) MINE(kthread_create)
MINE(softint_schedule) MINE(device_printf) MINE(kernel_lock)
MINE(sysctl_createv) MINE(aprint_normal) MINE(workqueue_run)

static const struct {
	const char	*t_name;
	int		(*t_func)(void);
} tests[] = {
#define	TEST(name)	{ #name, name##_test },
#include "tests.def"
};

int
main(int argc, char **argv)
{
	int bad, error;
	size_t i;

	bad = 0;
	setvbuf(stdout, NULL, _IONBF, 0);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (argc > 1 && strcmp(argv[1], tests[i].t_name) != 0)
			continue;
		error = (*tests[i].t_func)();
		printf("%s: %d\n", tests[i].t_name, error);
		if (error != 0)
			bad = 1;
	}
	if (mine != 0 || hz != 1) {
		printf("%d calls went to the program's own functions\n", mine);
		bad = 1;
	}
	log(1.0);
	panic("yes");
	return bad || mine != 2;
}
