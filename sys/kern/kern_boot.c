/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * How the library starts in a process.
 *
 * The loader calls kern_init() as a constructor.  If the program calls the
 * library before that, this call starts the library.  In a child of _Fork(3) or
 * clone(2) no fork handler runs, so the child's first call of the library
 * starts it there.
 *
 * kern_forkgen numbers the generations of processes: a forked child has the
 * number of its parent plus one.  So no object that an ancestor created has the
 * child's number.  If the host can zero memory in every child, kern_forkgen is
 * in such memory, and is 0 in a child until the library notices the fork.
 */

#include <limits.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_kspin.h"

#define	FORK_GENMAX	(UINT_MAX - 1)	/* KSPIN_HELD is one more */

union kern_forkpage	kern_forkpage;

/* Only kern_boot_gen() writes these, while the process has one thread. */
static unsigned		boot_lastgen;	/* the last value of kern_forkgen */
static bool		boot_wiped;	/* a child finds kern_forkpage zeroed */
static int		boot_pid;	/* ID of this process */

/*
 * Number this process, which is the first process or a forked child.
 */
void
kern_boot_gen(void)
{

	if (boot_lastgen == 0)
		boot_wiped = host_wipe(&kern_forkpage, sizeof(kern_forkpage));
	boot_lastgen = boot_lastgen < FORK_GENMAX ? boot_lastgen + 1 : 1;
	kern_forkgen = boot_lastgen;
	kern_forkkey = (uintptr_t)boot_lastgen << KERN_FORKSHIFT;
	boot_pid = host_getpid();
}

/*
 * Return true if kern_boot_gen() has not been called in this process yet.
 */
bool
kern_boot_moved(void)
{

	return host_getpid() != boot_pid;
}

/*
 * Return true if this is a child that has not called kern_fork_anew() yet.
 * Async-signal-safe.
 */
bool
kern_fork_unknown(void)
{

	return kern_forkgen == 0 || (!boot_wiped && kern_boot_moved());
}

/*
 * Start the library in a forked child, unless it is started there.  A child may
 * call the library before the library's fork handler runs.  In a child of
 * _Fork(3) or clone(2), that handler never runs.
 *
 * Each function that creates or destroys an object, waits, arms a callout or
 * schedules a soft interrupt calls this first.  If the host cannot zero memory
 * in a child, this compares the process ID.
 */
void
kern_fork_catchup(void)
{

	if (__predict_false(kern_fork_unknown()))
		kern_fork_anew();
}

/*
 * Start the library, if this is the first call in the process.  No two threads
 * call this for the first time at once: the loader calls it as a constructor,
 * before dlopen(3) returns.  The simulator's constructor has priority 101, so
 * it runs before this one.
 */
__attribute__((__constructor__(102))) void
kern_init(void)
{
	static int started;

	if (__predict_true(atomic_load_relaxed(&started))) {
		if (__predict_false(kern_forkgen == 0))
			kern_fork_catchup();
		return;
	}
	atomic_store_relaxed(&started, 1);
	kern_start();
}
