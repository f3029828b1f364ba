/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Park and unpark by the posix back end on a system that refuses sem_init(3).
 * The program includes the back end, whatever the library was built with.
 */

#include <errno.h>
#include <semaphore.h>

static int
no_sem_init(sem_t *sem, int shared, unsigned value)
{

	(void)sem;
	(void)shared;
	(void)value;
	errno = ENOSYS;
	return -1;
}

#define	sem_init(sem, shared, value)	no_sem_init((sem), (shared), (value))
#include "../../../sys/host/host_posix.c"
#undef sem_init

#include "host_park_wb_test.c"
