/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The process, as kernel sources see one.
 */

#include "kern.h"

#include <sys/proc.h>

/* Written by the library's start, and by a forked child before all else. */
static struct proc proc;

__kern_public struct proc *
wqk_proc0(void)
{

	return &proc;
}

void
proc_init(void)
{

	proc.p_pid = host_getpid();
	proc.p_nlwps = 1;
	(void)ksnprintf(proc.p_comm, sizeof(proc.p_comm), "%s",
	    host_getprogname());
}
