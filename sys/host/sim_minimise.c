/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The minimiser.  It removes decisions from a failing schedule as long as the
 * schedule fails in the same way.  It uses delta debugging: it first tries to
 * remove large parts, then smaller parts, and in the end single decisions.
 *
 * The result may still have many preemptions, none of which can be removed
 * alone.  Then the minimiser searches for another schedule that fails in the
 * same way.  It uses pct, because schedules of pct have few preemptions.
 */

#include <stdio.h>
#include <string.h>

#include <host/sim.h>
#include <host/sim_main.h>

#define	MINIMISE_FEW	3		/* preemptions that need no search */

static struct found {
	struct sim_decision f_list[SIM_DECISIONS];
	unsigned	 f_n;
	unsigned	 f_preemptions;
	uint64_t	 f_points;
} best, fewest;
static struct sim_decision trial[SIM_DECISIONS];
static bool best_inrun;			/* a schedule of wqsim_run() */
static uint64_t best_seed;		/* of the schedule that failed */
static char best_what[sizeof(((struct sim_result *)0)->sr_what)];

/*
 * Replay a list.  If the schedule fails in the same way, the list is the best
 * so far.  Then keep the list that this run has recorded, which lacks decisions
 * that had no effect.
 */
static bool
minimise_try(const struct sim_decision *sd, unsigned n)
{
	const struct sim_result *sr = sim.sim_result;

	sim_list_set(sd, n, best_inrun);
	if (!zygote_run(best_seed) || strcmp(sr->sr_what, best_what) != 0 ||
	    sr->sr_ndecisions > n)
		return false;
	best.f_n = sr->sr_ndecisions;
	best.f_preemptions = sr->sr_preemptions;
	best.f_points = sr->sr_points;
	memcpy(best.f_list, sr->sr_decisions, best.f_n * sizeof(*trial));
	return true;
}

/* Replay the schedule that has just failed, from its list. */
static bool
minimise_first(void)
{
	const struct sim_result *sr = sim.sim_result;
	unsigned n = sr->sr_ndecisions;

	if (n > SIM_DECISIONS)
		return false;
	memcpy(trial, sr->sr_decisions, n * sizeof(*trial));
	return minimise_try(trial, n);
}

/* Remove what can be removed from the best list. */
static void
minimise_reduce(int64_t deadline)
{
	unsigned chunk, i, left, n;
	bool shorter;

	chunk = best.f_n;
	do {
		shorter = false;
		for (i = 0; i < best.f_n && zygote_used() < deadline;) {
			n = chunk < best.f_n - i ? chunk : best.f_n - i;
			left = best.f_n - n;
			memcpy(trial, best.f_list, i * sizeof(*trial));
			memcpy(trial + i, best.f_list + i + n,
			    (left - i) * sizeof(*trial));
			if (minimise_try(trial, left))
				shorter = true;
			else
				i += n;
		}
		if (chunk > 1)
			chunk /= 2;
		else if (!shorter)
			break;
	} while (best.f_n > 0 && zygote_used() < deadline);
}

/*
 * Run the schedule of pct with number i.  Return true if it fails in the same
 * way.
 */
static bool
minimise_search(unsigned i, uint64_t points)
{
	const struct sim_result *sr = sim.sim_result;
	char params[40];
	bool failed;

	(void)snprintf(params, sizeof(params), "%u:%llu", 2 + i % 3,
	    (unsigned long long)points);
	(void)(*sim_pct.sst_init)(params);
	sim.sim_strategy = &sim_pct;
	sim.sim_salt = i + 1;
	failed = zygote_run(best_seed);
	sim.sim_strategy = &sim_list_strategy;
	sim.sim_salt = 0;
	return failed && strcmp(sr->sr_what, best_what) == 0;
}

/*
 * Minimise the schedule whose result is in sim.sim_result, until zygote_used()
 * reaches the first deadline.  Then search for a simpler schedule, until
 * zygote_used() reaches the second deadline.  The process must use the list
 * strategy.
 *
 * If a replay by list does not fail in the same way, return false.  Otherwise
 * set the list of the minimal schedule, and return true.
 */
bool
sim_minimise(uint64_t seed, int64_t deadline, int64_t searchdeadline)
{
	const struct sim_result *sr = sim.sim_result;
	uint64_t points;
	unsigned i;

	memcpy(best_what, sr->sr_what, sizeof(best_what));
	best_inrun = sr->sr_inrun != 0;
	best_seed = seed;
	if (!minimise_first())
		return false;
	points = sr->sr_points;
	minimise_reduce(deadline);
	fewest = best;
	for (i = 0; fewest.f_preemptions > MINIMISE_FEW &&
	    zygote_used() < searchdeadline; i++) {
		if (!minimise_search(i, points) || !minimise_first())
			continue;
		minimise_reduce(searchdeadline);
		if (best.f_preemptions < fewest.f_preemptions)
			fewest = best;
	}
	sim_list_set(fewest.f_list, fewest.f_n, best_inrun);
	/* A trace expects so many points.  The last trial may have had more. */
	sim.sim_result->sr_points = fewest.f_points;
	return true;
}
