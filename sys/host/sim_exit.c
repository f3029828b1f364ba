/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Find items that are pending when the process exits, and so will never run.
 *
 * The check follows the program's own handlers of exit(3).  If a thread of the
 * library is in a callback, an item is running.  Otherwise the threads of the
 * library go on until each of them waits.  If one of them calls a callback, an
 * item was pending.  So the check finds items only on queues that have threads
 * of the library.
 */

#include <stdio.h>
#include <stdlib.h>

#include <host/host.h>
#include <host/host_call.h>
#include <host/sim.h>

static void
exit_fail(uintptr_t func, const char *what)
{
	struct host_symbol hs;

	/* The report's own calls must not be points. */
	sim_self->st_inside++;
	host_symbol_init();
	if (host_symbol(func, &hs) && hs.hs_name[0] != '\0')
		sim_fail("exit with work pending: %s %s", hs.hs_name, what);
	sim_fail("exit with work pending: a callback %s", what);
}

void
host_callback(uintptr_t func, bool begins)
{
	struct sim_thread *t = sim_self;

	if (t == NULL)
		return;
	if (!begins) {
		t->st_calls--;
		return;
	}
	if (t->st_calls++ == 0)
		t->st_call = func;
	if (sim.sim_exiting != NULL && t->st_library)
		exit_fail(func, "is still to be called");
}

static void
exit_check(int status, void *arg)
{
	struct sim_thread *t = sim_self, *u;
	unsigned i;

	(void)arg;
	if (t == NULL || t->st_inside != 0 || status != 0 || sim.sim_child ||
	    !sim.sim_set.ss_given || sim.sim_set.ss_mayexit)
		return;
	for (i = 0; i < sim.sim_nthreads; i++) {
		u = sim.sim_threads[i];
		if (u != t && u->st_library && u->st_calls > 0 &&
		    u->st_state != SIM_DEAD)
			exit_fail(u->st_call, "has not returned");
	}
	sim_lastrun(t);
}

/* Register the check first, so that exit(3) calls it last. */
void
sim_exit_init(void)
{

	(void)on_exit(exit_check, NULL);
}
