/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Declarations for the files of the Linux back end only.
 */

#ifndef _HOST_HOST_LINUX_H_
#define	_HOST_HOST_LINUX_H_

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* The directory of this process in /proc.  A test may define another one. */
#ifndef HOST_PROC
#define	HOST_PROC	"/proc/self"
#endif

/*
 * host_linux_cpu.c.  host_cpumask() returns the affinity mask of the process
 * and stores its size, or returns NULL.  The caller frees the mask by
 * CPU_FREE().  host_quota_known() returns true if the files about CPU quotas
 * exist.
 */
cpu_set_t *host_cpumask(size_t *);
bool	host_quota_known(void);

/* host_linux_sched.c: record how the process is scheduled at its start. */
void	host_sched_init(void);

/* host_linux_asleep.c: true if /proc has the fields for host_asleep(). */
bool	host_asleep_known(void);

#endif	/* !_HOST_HOST_LINUX_H_ */
