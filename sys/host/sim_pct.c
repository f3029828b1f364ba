/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Probabilistic concurrency testing: pct:D or pct:D:K.  See sim.h.
 *
 * Each thread has a random priority, and the thread with the highest priority
 * runs.  The strategy draws D - 1 of the K points of a schedule.  At each of
 * these change points, the priority of the running thread falls below all
 * priorities that have not fallen.  A bug has depth D if D ordering constraints
 * trigger it.  In a program of N threads, a schedule finds such a bug with a
 * probability of at least 1/(N * K^(D-1)), however rare the bug is under other
 * schedulers (Burckhardt and others, 2010).
 *
 * Points count from the first one that has a choice.  If K is not given, the
 * strategy learns it from the schedules that pass: K is a moving average, which
 * starts with the first schedule.  The schedules of wqsim_run() learn K in
 * their own process.
 */

#include <stdio.h>
#include <stdlib.h>

#include <host/sim.h>

#define	PCT_DEPTH	3		/* the default depth */
#define	PCT_MAX		64		/* the largest depth */
#define	PCT_POINTS	100		/* K before the first schedule */
#define	PCT_TURN	1000		/* points of a turn, plus 2 K */

/*
 * Ranges of priorities: drawn ones are above PCT_HIGH, those after a change
 * point above PCT_CHANGED, and those after a yield below.
 */
#define	PCT_HIGH	(UINT64_C(1) << 63)
#define	PCT_CHANGED	(UINT64_C(1) << 62)

/* Data of a thread, in st_strategy. */
#define	PCT_PRIO(t)	((t)->st_strategy[0])
#define	PCT_SINCE(t)	((t)->st_strategy[1])	/* where its turn began */

static unsigned pct_depth;
static uint64_t pct_points;
static bool pct_given;			/* the user gave pct_points */
static bool pct_learned;

/* Data of the schedule, in its result. */
#define	PCT_K(sr)	((sr)->sr_strategy[0])
#define	PCT_FIRST(sr)	((sr)->sr_strategy[1])	/* first point with a choice */
#define	PCT_LEARNED(sr)	((sr)->sr_strategy[2])	/* K has been learned */

/* The state of this schedule. */
static uint64_t pct_change[PCT_MAX];	/* UINT64_MAX: has passed */
static uint64_t pct_low;		/* the last priority after a yield */

static const char *
pct_init(const char *params)
{
	static const char usage[] = "pct:D:K takes a depth from 1 to 64 and a "
	    "number of points from 1";
	char *end;
	unsigned long d = PCT_DEPTH;
	unsigned long long k = 0;

	if (*params != '\0') {
		d = strtoul(params, &end, 10);
		if (*params < '0' || *params > '9' || d < 1 || d > PCT_MAX)
			return usage;
		if (*end == ':') {
			params = end + 1;
			k = strtoull(params, &end, 10);
			if (*params < '0' || *params > '9' || k < 1)
				return usage;
			pct_given = true;
		}
		if (*end != '\0')
			return usage;
	}
	pct_depth = (unsigned)d;
	pct_points = pct_given ? k : PCT_POINTS;
	return NULL;
}

static void
pct_begin(void)
{
	struct sim_result *sr = sim.sim_result;
	unsigned i;

	PCT_K(sr) = pct_points;
	PCT_FIRST(sr) = 0;
	PCT_LEARNED(sr) = pct_learned;
	pct_low = PCT_CHANGED;
	for (i = 0; i + 1 < pct_depth; i++)
		pct_change[i] = sim_random() % pct_points;
}

static void
pct_thread(struct sim_thread *t)
{

	PCT_PRIO(t) = sim_random() | PCT_HIGH;
}

static void
pct_lower(struct sim_thread *t)
{

	PCT_PRIO(t) = --pct_low;
}

/*
 * Apply the change points up to now to the running thread.  Return the next
 * change point.
 */
static uint64_t
pct_changes(struct sim_thread *cur, uint64_t now)
{
	uint64_t at, next = UINT64_MAX;
	unsigned i;

	for (i = 0; i + 1 < pct_depth; i++) {
		if (pct_change[i] == UINT64_MAX)
			continue;
		at = PCT_FIRST(sim.sim_result) + pct_change[i];
		if (at <= now) {
			PCT_PRIO(cur) = PCT_CHANGED + i;
			pct_change[i] = UINT64_MAX;
		} else if (at < next)
			next = at;
	}
	return next;
}

static struct sim_thread *
pct_pick(struct sim_thread *cur, enum sim_why why, struct sim_thread **cand,
    unsigned n)
{
	struct sim_thread *best = NULL;
	uint64_t end, next, now, prio, top = 0;
	unsigned i;

	now = sim.sim_result->sr_points;
	if (PCT_FIRST(sim.sim_result) == 0)
		PCT_FIRST(sim.sim_result) = now;
	/* A spinning thread would starve the thread that it waits for. */
	if (why == SIM_WHY_YIELD)
		pct_lower(cur);
	next = pct_changes(cur, now);
	/* So would a thread that spins without yielding, so limit its turn. */
	if (why == SIM_WHY_POINT &&
	    now - PCT_SINCE(cur) > PCT_TURN + 2 * pct_points) {
		pct_lower(cur);
		PCT_SINCE(cur) = now;
	}
	for (i = 0; i < n; i++) {
		/* A timeout has its own priority. */
		prio = cand[i]->st_state == SIM_BLOCKED ?
		    sim_timeprio(cand[i]) | PCT_HIGH : PCT_PRIO(cand[i]);
		if (best == NULL || prio > top) {
			best = cand[i];
			top = prio;
		}
	}
	if (best != cur)
		PCT_SINCE(best) = now;
	end = PCT_SINCE(best) + PCT_TURN + 2 * pct_points + 1;
	if (next > end)
		next = end;
	sim.sim_skip = next > now ? next - now - 1 : 0;
	return best;
}

static void
pct_done(const struct sim_result *sr)
{
	uint64_t k;

	if (pct_given || PCT_FIRST(sr) == 0)
		return;
	k = sr->sr_points - PCT_FIRST(sr) + 1;
	/* PCT_K() may come from earlier schedules of the same process. */
	pct_points = PCT_LEARNED(sr) != 0 ? (7 * PCT_K(sr) + k + 7) / 8 : k;
	pct_learned = true;
}

static void
pct_replay(char *buf, size_t size)
{

	(void)snprintf(buf, size, "pct:%u:%llu", pct_depth,
	    (unsigned long long)PCT_K(sim.sim_result));
}

const struct sim_strategy sim_pct = {
	.sst_name = "pct",
	.sst_descr = "pct:D:K: priorities, which fall at D - 1 of K points",
	.sst_init = pct_init,
	.sst_begin = pct_begin,
	.sst_pick = pct_pick,
	.sst_choose = sim_choose_usual,
	.sst_thread = pct_thread,
	.sst_done = pct_done,
	.sst_replay = pct_replay,
};
