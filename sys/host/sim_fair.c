/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A schedule that does not end.
 *
 * A strategy may starve a thread for which others wait.  So in the second half
 * of the points, threads take turns at random, nothing rare happens, and stores
 * reach memory at once.
 *
 * If the schedule runs out of points all the same, its last points show why.  A
 * thread starves if it makes no progress while other threads do.  Such a thread
 * waits, or runs in a loop.
 *
 * These count as progress: a store, a read-modify-write that changes its word,
 * and a call other than a failed try.  Loads, yields, and further sleeps in the
 * same call do not count.
 */

#include <sys/syscall.h>
#include <sys/uio.h>

#include <string.h>
#include <unistd.h>

#include <host/sim.h>

#define	FAIR_RUN	12		/* points, on average */
#define	FAIR_WINDOW	20000		/* the last points, at most */
#define	FAIR_TURNS	10		/* turns in these that show a loop */

static uint64_t fair_state;

static uint64_t
fair_random(void)
{

	fair_state += 0x9e3779b97f4a7c15U;
	return sim_mix(fair_state);
}

/* Return the first of the last points. */
static uint64_t
fair_window(void)
{
	uint64_t budget = sim.sim_set.ss_budget;

	return budget - (budget / 4 < FAIR_WINDOW ? budget / 4 : FAIR_WINDOW);
}

/* Called at the start of a schedule. */
void
sim_fair_begin(void)
{

	sim.sim_fair = false;
	sim.sim_fairfrom = sim.sim_set.ss_budget / 2;
	fair_state = sim_mix(~sim.sim_seed);
}

struct sim_thread *
sim_fair_pick(struct sim_thread **cand, unsigned n)
{

	sim_drain_all();
	sim.sim_skip = fair_random() % (2 * FAIR_RUN);
	return cand[fair_random() % n];
}

unsigned
sim_fair_choose(unsigned n, const char *what)
{

	return strncmp(what, "which ", 6) == 0 ?
	    (unsigned)(fair_random() % n) : 0;
}

static bool
fair_starves(const struct sim_thread *t)
{

	/* The thread may have made progress once on its way to its wait. */
	if (t->st_progress > 1)
		return false;
	return t->st_turns >= FAIR_TURNS || (t->st_state == SIM_BLOCKED &&
	    t->st_waitpoint < fair_window() &&
	    (strcmp(t->st_kind, "mutex") == 0 ||
	    strncmp(t->st_kind, "rwlock", 6) == 0));
}

static void
fair_fail(void)
{
	unsigned long long points = sim.sim_set.ss_budget;
	const struct sim_thread *starves = NULL, *t;
	unsigned i;
	bool others = false;

	for (i = 0; i < sim.sim_nthreads; i++) {
		t = sim.sim_threads[i];
		if (t->st_state == SIM_DEAD || t->st_daemon)
			continue;
		if (t->st_progress > 1)
			others = true;
		else if (starves == NULL && fair_starves(t))
			starves = t;
	}
	if (starves != NULL && others)
		sim_fail("no end after %llu points: thread %u starves", points,
		    starves->st_id);
	if (starves != NULL)
		sim_fail("no end after %llu points: a livelock", points);
	sim_fail("no end after %llu points", points);
}

/* If the word that the thread tried to change has changed, count progress. */
static void
fair_tried(struct sim_thread *t)
{
	uint64_t value = 0;
	struct iovec local = { &value, t->st_size };
	struct iovec remote = { (void *)(uintptr_t)t->st_word, t->st_size };

	/* The memory may be unmapped. */
	if (syscall(SYS_process_vm_readv, sim.sim_realpid, &local, 1UL,
	    &remote, 1UL, 0UL) == -1 || value != t->st_value)
		t->st_progress++;
	t->st_word = NULL;
}

void
sim_fair_try(struct sim_thread *t, const void *p, unsigned size)
{

	if (sim.sim_result->sr_points < fair_window())
		return;
	if (size > sizeof(t->st_value)) {
		t->st_progress++;
		return;
	}
	t->st_word = p;
	t->st_size = size;
	t->st_value = 0;
	memcpy(&t->st_value, p, size);
}

void
sim_fair_fruitless(struct sim_thread *t)
{

	if (t->st_progress > 0)
		t->st_progress--;
}

/* Called before the thread blocks. */
void
sim_fair_block(struct sim_thread *t)
{

	if (sim.sim_result->sr_points >= fair_window())
		t->st_turns++;
}

void
sim_fair_point(struct sim_thread *t, unsigned kind)
{
	uint64_t points = sim.sim_result->sr_points;

	if (!sim.sim_fair) {
		sim.sim_fair = true;
		sim.sim_skip = 0;
	}
	if (points > sim.sim_set.ss_budget)
		fair_fail();
	if (points < fair_window())
		return;
	if (t->st_word != NULL)
		fair_tried(t);
	switch (kind) {
	case 0:
		t->st_turns++;
		break;
	case _WQ_SIM_LOAD:
	case _WQ_SIM_RMW:
	case _WQ_SIM_FENCE:
	case _WQ_SIM_LIGHT:
	case _WQ_SIM_SIGNAL:
		break;
	default:
		t->st_progress++;
		break;
	}
}
