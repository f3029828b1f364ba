/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Includes <sys/sysctl.h> only, and sleeps.
 */

#include <sys/sysctl.h>

int sysctlonly_test(void);

int
sysctlonly_test(void)
{

	return kpause("nap", false, 1, NULL) == EWOULDBLOCK ? 0 : 1;
}
