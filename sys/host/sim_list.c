/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The list strategy takes its decisions from a list.  It replays a schedule
 * that another strategy has found, and variants of it.  See sim.h.
 */

#include <string.h>

#include <host/sim.h>

static struct sim_decision list[SIM_DECISIONS];
static unsigned list_next[SIM_DECISIONS];	/* next of the same thread */
static unsigned list_n;
static bool list_inrun;			/* for a schedule of wqsim_run() */

/*
 * Set the list.  The zygote calls this.  The decisions of each thread must be
 * in the order of their steps.
 */
void
sim_list_set(const struct sim_decision *sd, unsigned n, bool inrun)
{
	unsigned i, j;

	memcpy(list, sd, n * sizeof(*sd));
	list_n = n;
	list_inrun = inrun;
	for (i = 0; i < n; i++) {
		for (j = i + 1; j < n; j++)
			if (list[j].sd_thread == list[i].sd_thread)
				break;
		list_next[i] = j;
	}
}

/* Store a pointer to the list.  Return its length. */
unsigned
sim_list_get(const struct sim_decision **sdp, bool *inrun)
{

	*sdp = list;
	*inrun = list_inrun;
	return list_n;
}

static const char *
list_init(const char *params)
{

	(void)params;
	return NULL;
}

static void
list_begin(void)
{

}

/* list[st_strategy[0]] is the thread's next decision, if it has one. */
static void
list_thread(struct sim_thread *t)
{
	unsigned i;

	for (i = 0; i < list_n && list[i].sd_thread != t->st_id; i++)
		continue;
	t->st_strategy[0] = i;
}

/*
 * Return the thread's decision at this step, or NULL.
 */
static const struct sim_decision *
list_decision(struct sim_thread *t, bool choice)
{
	uint64_t i = t->st_strategy[0];

	/* The part before wqsim_run() does not belong to the schedule. */
	if (list_inrun && !sim.sim_inrun)
		return NULL;
	/*
	 * One step may have two decisions: first a choice, such as a store that
	 * reaches memory, and then the next thread.
	 */
	while (i < list_n && (list[i].sd_step < t->st_step ||
	    (list[i].sd_step == t->st_step && list[i].sd_choice != 0 &&
	    !choice)))
		i = list_next[i];
	t->st_strategy[0] = i;
	return i < list_n && list[i].sd_step == t->st_step &&
	    (list[i].sd_choice != 0) == choice ? &list[i] : NULL;
}

static struct sim_thread *
list_pick(struct sim_thread *cur, enum sim_why why, struct sim_thread **cand,
    unsigned n)
{
	const struct sim_decision *sd;
	unsigned i;

	if ((sd = list_decision(cur, false)) != NULL)
		for (i = 0; i < n; i++)
			if (cand[i]->st_id == sd->sd_value)
				return cand[i];
	return why == SIM_WHY_POINT ? cur : cand[0];
}

static unsigned
list_choose(unsigned n, const char *what)
{
	const struct sim_decision *sd;

	(void)what;
	sd = list_decision(sim.sim_current, true);
	return sd != NULL && sd->sd_value < n ? sd->sd_value : 0;
}

const struct sim_strategy sim_list_strategy = {
	.sst_name = "list",
	.sst_descr = "the decisions of another schedule",
	.sst_init = list_init,
	.sst_begin = list_begin,
	.sst_pick = list_pick,
	.sst_choose = list_choose,
	.sst_thread = list_thread,
};
