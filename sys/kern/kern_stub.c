/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Hooks: functions that a lower file calls and a higher file defines.  The
 * definitions here are weak.  In the library the definition of the higher file
 * replaces them.  A program that is linked without the higher file uses them.
 */

#include "kern.h"
#include "kern_boot.h"
#include "kern_lwp.h"
#include "kern_spl.h"
#include "subr_kmem.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_xcall.h"

#define	__kern_hook	__attribute__((__weak__))

/* init_main.c: start the library. */
__kern_hook void
kern_start(void)
{
}

/* kern_fork.c: make a forked child a process of its own. */
__kern_hook void
kern_fork_anew(void)
{
}

/* kern_intr.c: run the interrupts that a thread held back. */
__kern_hook void
intr_run(struct lwp *l)
{

	(void)l;
}

/* subr_lockheld.c: describe the locks that the caller holds. */
__kern_hook const char *
lockdebug_heldtext(void)
{

	return "";
}

/* subr_kmem_helper.c: create and wake the thread that refills reserves. */
__kern_hook void
kmem_helper_start(void)
{
}

__kern_hook void
kmem_helper_wake(void)
{
}

/* subr_xcall.c: answer a thread that waits for the end of this section. */
__kern_hook void
xc_barrier_answer(struct lwp *l)
{

	(void)l;
}
