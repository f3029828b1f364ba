/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A kernel source that also calls the host, with its headers in between.
 */

#include <stdlib.h>
#include <stdio.h>
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/malloc.h>
#include <sys/syslog.h>
#include <sys/mutex.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

CTASSERT(sizeof(posix_spawn_file_actions_t) > 2 * sizeof(int));
CTASSERT(sizeof(struct timespec) >= 2 * sizeof(long));

int hosted_test(void);

int
hosted_test(void)
{
	void *p, *q;
	int n;

	p = malloc(10, M_TEMP, M_WAITOK);
	q = malloc(10);
	n = p != NULL && q != NULL && fabs(-1.0) > 0 && getpid() != 0;
	free(q);
	free(p, M_TEMP);
	fprintf(stdout, "hosted %d\n", n);
	fflush(stdout);
	return n ? 0 : 1;
}
