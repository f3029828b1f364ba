/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The process, as kernel sources see it.
 */

#include "kern.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "subr_prf.h"

#include <sys/proc.h>

/* Only proc_init() writes this: at the start, and in a forked child. */
static struct proc proc;

__kern_public struct proc *
wqk_proc0(void)
{

	return &proc;
}

void
proc_fork(struct lwp *l)
{

	(void)l;
	proc_init();
}

void
proc_init(void)
{

	proc.p_pid = host_getpid();
	proc.p_nlwps = 1;
	(void)ksnprintf(proc.p_comm, sizeof(proc.p_comm), "%s",
	    host_getprogname());
}
