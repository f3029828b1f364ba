/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * <sys/workqueue_sim.h>, in the simulator.
 *
 * wqsim_run() runs many schedules in one process.  The first call of a function
 * may do things that later calls do not, such as starting the library.  So
 * wqsim_run() first calls the client's function with default decisions, twice.
 * Then each schedule starts from the same state, whether it is the first in the
 * process, as in a replay, or a later one.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <host/sim.h>
#include <sys/workqueue_sim.h>

#define	RUN_ALWAYS	16

static struct {
	bool		(*a_func)(void *);
	void		*a_arg;
	const char	*a_what;
} run_always[RUN_ALWAYS];

SIM_PUBLIC bool
wqsim_active(void)
{

	return SIM_ENTER() != NULL;
}

SIM_PUBLIC void
wqsim_fail(const char *fmt, ...)
{
	char buf[sizeof(sim.sim_result->sr_what)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	sim_fail("%s", buf);
}

SIM_PUBLIC unsigned int
wqsim_choose(unsigned int n, const char *what)
{

	return SIM_ENTER() != NULL ? sim_choose(n, what) : 0;
}

SIM_PUBLIC void
wqsim_point(const char *what)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) != NULL)
		sim_point(t, what, SIM_USER, 0);
}

SIM_PUBLIC void
wqsim_signal(int signo)
{

	if (SIM_ENTER() != NULL)
		sim_signal_allow(signo, 1);
}

SIM_PUBLIC void
wqsim_always(bool (*func)(void *), void *arg, const char *what)
{

	if (SIM_ENTER() == NULL)
		return;
	if (sim.sim_always == RUN_ALWAYS)
		sim_fail("wqsim_always: more than %d predicates", RUN_ALWAYS);
	run_always[sim.sim_always].a_func = func;
	run_always[sim.sim_always].a_arg = arg;
	run_always[sim.sim_always].a_what = what;
	sim.sim_always++;
}

/* Called at each point, inside the simulator. */
void
sim_run_always(struct sim_thread *t)
{
	unsigned i;

	(void)t;
	for (i = 0; i < sim.sim_always; i++)
		if (!(*run_always[i].a_func)(run_always[i].a_arg))
			sim_fail("not always: %s", run_always[i].a_what);
}

/*
 * The schedules in one process.
 */

/*
 * Call the function.  Then let the threads of the library come to rest, so that
 * the next schedule begins in the same state.
 */
static void
run_call(void (*func)(void *), void *arg)
{
	const struct sim_strategy *strategy = sim.sim_strategy;

	(*func)(arg);
	sim.sim_strategy = &sim_default;
	sim_rest(sim_self);
	sim.sim_strategy = strategy;
}

static void
run_one(void (*func)(void *), void *arg, uint64_t seed)
{
	unsigned before, i;

	before = sim.sim_nthreads;
	sim_restart(seed);
	run_call(func, arg);
	for (i = before; i < sim.sim_nthreads; i++)
		if (!sim.sim_threads[i]->st_daemon &&
		    !sim.sim_threads[i]->st_shared)
			sim_fail("wqsim_run: the function has left a thread");
}

SIM_PUBLIC void
wqsim_run(void (*func)(void *), void *arg)
{
	const struct sim_strategy *strategy = sim.sim_strategy;
	struct sim_result *sr = sim.sim_result;
	uint64_t first, i;
	unsigned before;

	if (SIM_ENTER() == NULL || !sim.sim_set.ss_given) {
		(*func)(arg);
		return;
	}
	/*
	 * Call the function twice, because the first call may leave a state
	 * that changes the second.
	 */
	sim.sim_strategy = &sim_default;
	run_call(func, arg);
	run_call(func, arg);
	sim.sim_strategy = strategy;
	first = sim.sim_seed;
	before = sim.sim_nthreads;
	for (i = 0; i < sim.sim_runs; i++) {
		/* The zygote does this after the last schedule. */
		if (i > 0 && strategy->sst_done != NULL)
			(*strategy->sst_done)(sr);
		run_one(func, arg, first + i);
		sr->sr_ran++;
		/*
		 * The library may have started a thread that it keeps.  A
		 * replay does not have that thread, so let a new process run
		 * the next schedule.
		 */
		if (sim.sim_nthreads != before)
			break;
	}
	sim.sim_inrun = false;
}
