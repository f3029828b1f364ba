/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Partial-order sampling: pos.  See sim.h.
 *
 * Each access that a thread is about to do has a random priority.  The thread
 * whose access has the highest priority runs.  The strategy then draws new
 * priorities for the accesses that race with this one.  So the strategy draws
 * the order of any two racing accesses independently of the other orders, and
 * accesses that race with no other have no influence (Yuan, Yang and Gu, 2018).
 */

#include <stddef.h>

#include <host/sim.h>

/* Data of a thread, in st_strategy: the access that it is about to do. */
#define	POS_PRIO(t)	((t)->st_strategy[0])
#define	POS_ADDR(t)	((t)->st_strategy[1])	/* 0: none */
#define	POS_KIND(t)	((t)->st_strategy[2])

static const char *
pos_init(const char *params)
{

	return *params != '\0' ? "pos takes no parameter" : NULL;
}

static void
pos_begin(void)
{

}

static void
pos_event(struct sim_thread *t, uintptr_t addr, unsigned kind)
{

	POS_PRIO(t) = sim_random();
	POS_ADDR(t) = addr;
	POS_KIND(t) = kind;
}

static void
pos_thread(struct sim_thread *t)
{

	pos_event(t, 0, 0);
}

static void
pos_point(struct sim_thread *t, const volatile void *addr, unsigned kind,
    int order)
{

	(void)order;
	pos_event(t, (uintptr_t)addr, kind);
}

static bool
pos_race(const struct sim_thread *a, const struct sim_thread *b)
{

	return POS_ADDR(a) != 0 && POS_ADDR(a) == POS_ADDR(b) &&
	    (POS_KIND(a) != _WQ_SIM_LOAD || POS_KIND(b) != _WQ_SIM_LOAD);
}

static struct sim_thread *
pos_pick(struct sim_thread *cur, enum sim_why why, struct sim_thread **cand,
    unsigned n)
{
	struct sim_thread *best = NULL;
	uint64_t prio, top = 0;
	unsigned i;

	/* cur has done its access.  Its next access is another event. */
	if (why != SIM_WHY_POINT)
		pos_event(cur, 0, 0);
	for (i = 0; i < n; i++) {
		prio = POS_PRIO(cand[i]);
		/*
		 * Let every second timeout compete.  The other timeouts come
		 * only when no thread can run.  If all competed, a timeout
		 * would soon have the highest priority.
		 */
		if (cand[i]->st_state == SIM_BLOCKED) {
			prio = sim_timeprio(cand[i]);
			if (prio % 2 != 0)
				prio = 0;
		}
		if (best == NULL || prio > top) {
			best = cand[i];
			top = prio;
		}
	}
	if (best->st_state != SIM_BLOCKED)
		for (i = 0; i < n; i++)
			if (cand[i] != best && pos_race(cand[i], best))
				POS_PRIO(cand[i]) = sim_random();
	return best;
}

const struct sim_strategy sim_pos = {
	.sst_name = "pos",
	.sst_descr = "pos: a random priority for each access, drawn again "
	    "after a race",
	.sst_init = pos_init,
	.sst_begin = pos_begin,
	.sst_pick = pos_pick,
	.sst_choose = sim_choose_usual,
	.sst_point = pos_point,
	.sst_thread = pos_thread,
};
