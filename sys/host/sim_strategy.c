/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The strategies of the simulator: which thread runs next.  See sim.h.
 */

#include <stdlib.h>
#include <string.h>

#include <host/sim.h>

static uint64_t sim_randomstate;

uint64_t
sim_mix(uint64_t z)
{

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

uint64_t
sim_random(void)
{

	sim_randomstate += 0x9e3779b97f4a7c15U;
	return sim_mix(sim_randomstate);
}

/*
 * Functions that several strategies use.
 */

#define	USUAL_RARE	16		/* one choice in so many is rare */

/*
 * The rates at which stores leave the buffers and interrupts arrive: once in so
 * many points.  Each schedule has rates of its own.  With fixed rates, events
 * would seldom come much earlier or much later.
 */
static const uint64_t usual_flushes[] = { 2, 8, 64, UINT64_MAX };
static const uint64_t usual_interrupts[] = { 4, 32, 256, 2048 };
static uint64_t usual_flush, usual_interrupt;	/* 0: not drawn yet */

static uint64_t
usual_rate(uint64_t *rate, const uint64_t *rates)
{

	if (*rate == 0)
		*rate = rates[sim_random() % 4];
	return *rate;
}

bool
sim_israre(const char *what)
{

	return strncmp(what, "which ", 6) != 0;
}

unsigned
sim_choose_usual(unsigned n, const char *what)
{
	uint64_t rare = USUAL_RARE;

	if (!sim_israre(what))
		return (unsigned)(sim_random() % n);
	if (strncmp(what, "flush:", 6) == 0)
		rare = usual_rate(&usual_flush, usual_flushes);
	else if (strcmp(what, SIM_INTERRUPT) == 0)
		rare = usual_rate(&usual_interrupt, usual_interrupts);
	if (sim_random() % rare != 0)
		return 0;
	return 1 + (unsigned)(sim_random() % (n - 1));
}

uint64_t
sim_timeprio(const struct sim_thread *t)
{

	return sim_mix(sim_mix(sim.sim_seed ^ (uint64_t)t->st_id << 40) +
	    t->st_blocks);
}

/*
 * The random walk.  It is sticky: random:N lets a thread run for N points on
 * average before the walk draws again.  Most races need few switches.  A walk
 * that draws at each point seldom lets one thread get far ahead.
 */

#define	RANDOM_RUN	12		/* points */
#define	RANDOM_TIME	8		/* in one draw of so many, time jumps */

static uint64_t random_run;

static const char *
random_init(const char *params)
{
	char *end;
	unsigned long n = RANDOM_RUN;

	if (*params != '\0') {
		n = strtoul(params, &end, 10);
		if (*end != '\0' || n < 1 || n > 1000000)
			return "random:N takes a number of points from 1 to "
			    "1000000";
	}
	random_run = n;
	return NULL;
}

static void
random_begin(void)
{

}

static struct sim_thread *
random_pick(struct sim_thread *cur, enum sim_why why, struct sim_thread **cand,
    unsigned n)
{
	struct sim_thread *timed;

	(void)cur;
	(void)why;
	/* Draw evenly up to twice the average. */
	sim.sim_skip = sim_random() % (2 * random_run);
	timed = cand[n - 1]->st_state == SIM_BLOCKED ? cand[n - 1] : NULL;
	if (timed != NULL) {
		n--;
		if (sim_random() % RANDOM_TIME == 0)
			return timed;
	}
	return cand[sim_random() % n];
}

static const struct sim_strategy random_strategy = {
	.sst_name = "random",
	.sst_descr = "random:N: a random walk that stays N points on average",
	.sst_init = random_init,
	.sst_begin = random_begin,
	.sst_pick = random_pick,
	.sst_choose = sim_choose_usual,
};

/*
 * The default strategy preempts no thread.  It is for the parts that no search
 * includes.  Threads that yield take turns.
 */

static struct sim_thread *
default_pick(struct sim_thread *cur, enum sim_why why,
    struct sim_thread **cand, unsigned n)
{
	unsigned i;

	if (why == SIM_WHY_POINT)
		return cur;
	for (i = 0; i < n && why == SIM_WHY_YIELD; i++)
		if (cand[i]->st_state == SIM_READY &&
		    cand[i]->st_id > cur->st_id)
			return cand[i];
	return cand[0];
}

static unsigned
default_choose(unsigned n, const char *what)
{

	(void)n;
	(void)what;
	return 0;
}

const struct sim_strategy sim_default = {
	.sst_name = "default",
	.sst_pick = default_pick,
	.sst_choose = default_choose,
};

/*
 * The table of all strategies.
 */

const struct sim_strategy *const sim_strategies[] = {
	&random_strategy,
	&sim_pct,
	&sim_pos,
	&sim_exhaustive,
	NULL
};

/*
 * Find and initialise a strategy by "name:parameters".  On an error, return
 * NULL and store a message in *errp.
 */
const struct sim_strategy *
sim_strategy_find(const char *name, const char **errp)
{
	const struct sim_strategy *const *sst;
	size_t len;

	len = strcspn(name, ":");
	*errp = "there is no such strategy";
	for (sst = sim_strategies; *sst != NULL; sst++)
		if (strlen((*sst)->sst_name) == len &&
		    strncmp((*sst)->sst_name, name, len) == 0) {
			*errp = (*(*sst)->sst_init)(name[len] == ':' ?
			    name + len + 1 : "");
			return *errp == NULL ? *sst : NULL;
		}
	return NULL;
}

void
sim_strategy_begin(uint64_t seed)
{

	sim_randomstate = sim_mix(seed ^ sim_mix(sim.sim_salt));
	usual_flush = usual_interrupt = 0;
	(*sim.sim_strategy->sst_begin)();
}
