/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Read the settings from the environment.
 */

#include <string.h>

#include "kern.h"
#include "kern_param.h"
#include "subr_prf.h"

int		kern_checking __host_readmostly;
bool		kern_tracing __host_readmostly;
bool		kern_slow __host_readmostly;
bool		kern_lend;
bool		kern_realtime;
int		kern_verbose;
int64_t		kern_spin = 50 * 1000;
int64_t		kern_watchdog;

/*
 * Return the value of an environment variable that is a switch.  If the
 * variable is unset or empty, return the argument unset.  If it is "0" or "1",
 * return this number.  If it is the word to which the argument more points,
 * return 2.  Report any other content, and return the argument other.  There is
 * no word if more is NULL.
 */
static int
kern_switch(const char *name, const char *more, int unset, int other)
{
	const char *p;

	p = host_getenv(name);
	if (p == NULL || strcmp(p, "") == 0)
		return unset;
	if (strcmp(p, "0") == 0)
		return 0;
	if (strcmp(p, "1") == 0)
		return 1;
	if (more != NULL && strcmp(p, more) == 0)
		return 2;
	kern_warn("%s is \"%.32s\", not 0%s1%s%s: taken as %d", name, p,
	    more != NULL ? ", " : " or ", more != NULL ? " or " : "",
	    more != NULL ? more : "", other);
	return other;
}

/*
 * Return the value of an environment variable that is a number from 0 to max,
 * or -1 if it is unset or empty.  Report any other content, and return -1.
 */
static int64_t
kern_number(const char *name, const char *unit, int max)
{
	const char *p, *s;
	int64_t n;

	if ((p = host_getenv(name)) == NULL || *p == '\0')
		return -1;
	s = p;
	for (n = 0; *p >= '0' && *p <= '9' && n <= max; p++)
		n = n * 10 + (*p - '0');
	if (*p == '\0' && n <= max)
		return n;
	kern_warn("%s is \"%.32s\", not a number of %s from 0 to %d: ignored",
	    name, s, unit, max);
	return -1;
}

void
kern_param_init(void)
{
	int64_t n;

	kern_checking = kern_switch("WORKQUEUE_CHECK", "strict", 0, 1);
	kern_verbose = kern_switch("WORKQUEUE_VERBOSE", "debug", 0, 1);
	kern_lend = kern_switch("WORKQUEUE_LEND", NULL, 1, 1) != 0;
	kern_realtime = kern_switch("WORKQUEUE_RT", NULL, 0, 0) != 0;
	n = kern_number("WORKQUEUE_SPIN", "microseconds", KERN_SPINMAX);
	if (n >= 0)
		kern_spin = n * 1000;
	n = kern_number("WORKQUEUE_WATCHDOG", "seconds", KERN_WATCHMAX);
	if (n > 0)
		kern_watchdog = n * 1000000000;
	kern_slow = kern_checking != 0 || host_watched != 0;
	if (kern_checking != 0)
		kern_warn("checking mode%s, version " KERN_VERSION,
		    kern_checking > 1 ? ", strict" : "");
}
