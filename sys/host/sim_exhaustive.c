/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Exhaustive search: exhaustive:B.  See sim.h.
 *
 * The search runs all schedules that have at most B departures from the usual
 * course.  These are departures: a preemption; a timeout while a thread could
 * run; a rare event of sim_choose(); and a buffered store that reaches memory
 * before its thread drains the buffer.  When a thread blocks, ends or yields,
 * the choice of the next thread is not a departure.  The messages call all
 * departures preemptions.
 *
 * The tree.  A node is a choice between two or more alternatives.  Number 0 is
 * the usual one.  The path from the root to the current leaf is an array, in
 * memory that the zygote shares with the schedules.  A schedule takes the
 * alternatives of the path, and adds its further nodes to the path.  Then the
 * zygote removes nodes from the end of the path while they have no alternative
 * left.  The last remaining node takes its next alternative.
 *
 * Sleep sets.  If the search preempts a thread at an access, it has already run
 * the schedules in which the thread did the access.  So the thread sleeps: it
 * does not run until another thread has done a dependent access.  If it ran
 * earlier, the outcome would be the same as in those schedules.  If only
 * sleeping threads could run, the search cuts the schedule short.
 *
 * Only the preempted thread sleeps.  The other threads that a node could have
 * chosen do not, because of B.  The search may omit a schedule only if it runs
 * an equivalent one.  If the preempted thread does its access first, the
 * equivalent schedule never has more preemptions than the omitted one.  If one
 * of the other threads does its access first, the equivalent schedule can have
 * one preemption more.  It may exceed B, and then the search would not run it.
 *
 * This argument assumes that the program has no data races on plain memory.
 * With ":all" after the bound no thread sleeps.  With store buffers no thread
 * sleeps, either, because an operation may also do earlier stores.
 *
 * Spins.  After a thread has yielded, it does not run again before each other
 * thread that can run has had a turn.  So spins end, and the tree is finite if
 * the program ends.
 */

#include <sys/mman.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/sim.h>

#define	EX_BOUND	2		/* the default bound */
#define	EX_NODES	(1U << 20)	/* nodes of a path */
/* A thread that passes so many points in a row counts as spinning. */
#define	EX_TURN		10000

struct ex_node {
	uint32_t	en_n;		/* alternatives; 0: not known yet */
	uint32_t	en_taken;	/* below en_n */
};

/* The path of the search, in memory shared with the schedules. */
struct ex_path {
	uint32_t	ep_n;		/* nodes in use */
	uint64_t	ep_cut;		/* schedules that were cut short */
	struct ex_node	ep_nodes[EX_NODES];
};

/* Data of a thread, in st_strategy. */
#define	EX_ADDR(t)	((t)->st_strategy[0])	/* the access that it will do */
#define	EX_KIND(t)	((t)->st_strategy[1])
#define	EX_RAN(t)	((t)->st_strategy[2])	/* when it last ran */
#define	EX_YIELDED(t)	((t)->st_strategy[3])	/* when it yielded, or 0 */

#define	EX_ANY		0xff		/* depends on every access */
#define	EX_ASLEEP	0x100		/* flag of EX_KIND */

static struct ex_path *ex_path;
static unsigned ex_bound;
static bool ex_all;			/* no thread sleeps */
static bool ex_sleeps;
static bool ex_single;			/* only replays one path */

/* The state of this schedule. */
static uint32_t ex_depth;		/* nodes passed so far */
static unsigned ex_used;		/* departures so far */
static uint64_t ex_clock;
static uint64_t ex_turn;		/* points since another thread ran */
static const struct sim_thread *ex_running;

/*
 * A path as text.  For each alternative other than number 0 it has two parts:
 * the number of nodes since the last such alternative, and a letter.  Letter b
 * stands for alternative 1.  For an alternative M above 25, "@M." takes the
 * place of the letter.
 */

static const char *
ex_parse(const char *s)
{
	unsigned long skip, which;
	char *end;

	while (*s != '\0') {
		skip = strtoul(s, &end, 10);
		if (*s < '0' || *s > '9' || skip >= EX_NODES - ex_path->ep_n)
			return "not a path";
		s = end;
		which = 0;
		if (*s >= 'b' && *s <= 'z')
			which = (unsigned long)(*s++ - 'a');
		else if (*s == '@') {
			which = strtoul(s + 1, &end, 10);
			s = *end == '.' ? end + 1 : s;
		}
		if (which == 0 || which > UINT32_MAX)
			return "not a path";
		ex_path->ep_n += (uint32_t)skip;
		ex_path->ep_nodes[ex_path->ep_n++].en_taken = (uint32_t)which;
	}
	return NULL;
}

static void
ex_replay(char *buf, size_t size)
{
	const struct ex_node *en;
	uint32_t i, skip = 0;
	size_t n;

	n = (size_t)snprintf(buf, size, "exhaustive:%u%s:", ex_bound,
	    ex_all ? ":all" : "");
	for (i = 0; i < ex_path->ep_n && n < size; i++) {
		en = &ex_path->ep_nodes[i];
		if (en->en_taken == 0)
			skip++;
		else {
			n += (size_t)snprintf(buf + n, size - n,
			    en->en_taken < 26 ? "%u%c" : "%u@%u.", skip,
			    en->en_taken < 26 ? 'a' + en->en_taken :
			    en->en_taken);
			skip = 0;
		}
	}
	if (n >= size)
		(void)snprintf(buf, size, "exhaustive:%u", ex_bound);
}

static const char *
ex_init(const char *params)
{
	char *end;
	unsigned long b = EX_BOUND;

	ex_path = mmap(NULL, sizeof(*ex_path), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ex_path == MAP_FAILED)
		return "mmap: no memory";
	if (*params != '\0') {
		b = strtoul(params, &end, 10);
		if (*params < '0' || *params > '9' || b > 1000)
			return "exhaustive:B takes a number of preemptions "
			    "from 0 to 1000";
		params = end;
		if (strncmp(params, ":all", 4) == 0) {
			ex_all = true;
			params += 4;
		}
		if (*params == ':') {
			ex_single = true;
			return ex_bound = (unsigned)b, ex_parse(params + 1);
		}
		if (*params != '\0')
			return "exhaustive:B takes a number, and \":all\"";
	}
	ex_bound = (unsigned)b;
	return NULL;
}

static void
ex_begin(void)
{

	ex_sleeps = !ex_all && sim.sim_model == SIM_SC;
}

/*
 * Pass a node with n alternatives.  Return the alternative to take.
 */
static uint32_t
ex_node(uint32_t n)
{
	struct ex_node *en = &ex_path->ep_nodes[ex_depth];

	if (n < 2)
		return 0;
	if (ex_depth == EX_NODES)
		sim_fail("exhaustive: a schedule has more than %u choices",
		    EX_NODES);
	if (ex_depth++ == ex_path->ep_n) {
		ex_path->ep_n++;
		en->en_n = n;
		en->en_taken = 0;
	}
	if (en->en_n == 0)
		en->en_n = n;
	if (en->en_n != n || en->en_taken >= n)
		sim_fail("exhaustive: two runs of one schedule differ: choice "
		    "%u has %u alternatives, and had %u", ex_depth, n,
		    en->en_n);
	return en->en_taken;
}

/*
 * Sleep sets.
 */

/* Any two calls are dependent: each changes the scheduler's state. */
static bool
ex_dependent(const struct sim_thread *a, const struct sim_thread *b)
{
	unsigned ka = EX_KIND(a) & 0xff, kb = EX_KIND(b) & 0xff;

	if (ka == EX_ANY || kb == EX_ANY)
		return true;
	if (ka == 0 || kb == 0)
		return false;
	if (ka >= SIM_CALL && kb >= SIM_CALL)
		return true;
	return EX_ADDR(a) == EX_ADDR(b) &&
	    (ka != _WQ_SIM_LOAD || kb != _WQ_SIM_LOAD);
}

static void
ex_cut(void)
{

	ex_path->ep_cut++;
	_exit(0);
}

/* Record that the thread has done the access that it was about to do. */
static void
ex_did(struct sim_thread *t)
{
	struct sim_thread *u;
	unsigned i;

	EX_RAN(t) = ++ex_clock;
	EX_YIELDED(t) = 0;
	if (!ex_sleeps)
		return;
	/* A sleeping thread ran, because no other could. */
	if ((EX_KIND(t) & EX_ASLEEP) != 0)
		ex_cut();
	for (i = 0; i < sim.sim_nthreads; i++) {
		u = sim.sim_threads[i];
		/* A signal's handler could access anything. */
		if ((EX_KIND(u) & EX_ASLEEP) != 0 && (u->st_nsigs > 0 ||
		    ex_dependent(t, u)))
			EX_KIND(u) &= ~(uint64_t)EX_ASLEEP;
	}
}

static void
ex_wakeall(void)
{
	unsigned i;

	for (i = 0; i < sim.sim_nthreads; i++)
		EX_KIND(sim.sim_threads[i]) &= ~(uint64_t)EX_ASLEEP;
}

static void
ex_thread(struct sim_thread *t)
{

	EX_KIND(t) = EX_ANY;
}

static void
ex_point(struct sim_thread *t, const volatile void *addr, unsigned kind,
    int order)
{

	(void)order;
	/*
	 * The last thread blocked or ended, and only t could run, so ex_pick()
	 * was not called.
	 */
	if (t != ex_running)
		ex_wakeall();
	ex_running = t;
	ex_did(t);
	ex_turn++;
	EX_ADDR(t) = (uintptr_t)addr;
	switch (kind) {
	case _WQ_SIM_LOAD:
	case _WQ_SIM_STORE:
	case _WQ_SIM_RMW:
		EX_KIND(t) = kind;
		break;
	case _WQ_SIM_FENCE:
	case _WQ_SIM_LIGHT:
		/* A fence does nothing without store buffers. */
		EX_KIND(t) = 0;
		break;
	default:
		/*
		 * A call without an address could access anything, and so could
		 * the code after wqsim_point().
		 */
		EX_KIND(t) = kind >= SIM_CALL && kind != SIM_USER &&
		    addr != NULL ? kind : EX_ANY;
		break;
	}
}

/*
 * Return true if each other thread that can run has run since this one yielded.
 */
static bool
ex_fair(const struct sim_thread *t)
{
	const struct sim_thread *u;
	unsigned i;

	if (EX_YIELDED(t) == 0)
		return true;
	for (i = 0; i < sim.sim_nthreads; i++) {
		u = sim.sim_threads[i];
		if (u != t && u->st_state == SIM_READY &&
		    EX_RAN(u) < EX_YIELDED(t))
			return false;
	}
	return true;
}

/* Return the candidate that yielded first, when all have yielded. */
static struct sim_thread *
ex_oldest(struct sim_thread **cand, unsigned n)
{
	struct sim_thread *best = NULL;
	unsigned i;

	for (i = 0; i < n; i++)
		if (cand[i]->st_state == SIM_READY &&
		    (EX_KIND(cand[i]) & EX_ASLEEP) == 0 &&
		    (best == NULL || EX_YIELDED(cand[i]) < EX_YIELDED(best)))
			best = cand[i];
	return best;
}

static struct sim_thread *
ex_pick(struct sim_thread *cur, enum sim_why why, struct sim_thread **cand,
    unsigned n)
{
	static struct sim_thread *alt[SIM_THREADS + 1];
	struct sim_thread *next;
	unsigned i, nalt = 0;
	bool spare = ex_used < ex_bound, usual;

	if (why != SIM_WHY_POINT) {
		ex_did(cur);
		EX_KIND(cur) = EX_ANY;
	}
	usual = why == SIM_WHY_POINT && ex_turn < EX_TURN;
	if (why == SIM_WHY_YIELD || (why == SIM_WHY_POINT && !usual))
		EX_YIELDED(cur) = ++ex_clock;
	if (usual)
		alt[nalt++] = cur;
	for (i = 0; i < n; i++)
		if (cand[i]->st_state == SIM_READY) {
			if (cand[i] != cur || why != SIM_WHY_POINT)
				if ((!usual || spare) && ex_fair(cand[i]) &&
				    (EX_KIND(cand[i]) & EX_ASLEEP) == 0)
					alt[nalt++] = cand[i];
		}
	if (nalt == 0 && (next = ex_oldest(cand, n)) != NULL)
		alt[nalt++] = next;
	if (nalt == 0 && sim.sim_nready > 0)
		ex_cut();
	if (cand[n - 1]->st_state == SIM_BLOCKED && (spare || nalt == 0))
		alt[nalt++] = cand[n - 1];
	next = alt[ex_node(nalt)];
	if (next != cur)
		ex_turn = 0;
	if (next != cur && usual) {
		ex_used++;
		if (ex_sleeps && EX_KIND(cur) != EX_ANY)
			EX_KIND(cur) |= EX_ASLEEP;
	} else if (next->st_state == SIM_BLOCKED && sim.sim_nready > 0)
		ex_used++;
	if (next->st_state == SIM_BLOCKED)
		ex_wakeall();
	ex_running = next;
	return next;
}

static unsigned
ex_choose(unsigned n, const char *what)
{
	uint32_t value;
	bool rare = sim_israre(what);

	if (rare && ex_used >= ex_bound)
		return 0;
	value = ex_node(n);
	if (rare && value != 0)
		ex_used++;
	return value;
}

/* Go on to the next leaf.  The zygote calls this. */
static bool
ex_next(uint64_t n, uint64_t *seed)
{
	struct ex_node *en;

	*seed = sim.sim_set.ss_seed;
	if (n == 0)
		return true;
	if (ex_single)
		return false;
	while (ex_path->ep_n > 0) {
		en = &ex_path->ep_nodes[ex_path->ep_n - 1];
		if (++en->en_taken < en->en_n)
			return true;
		ex_path->ep_n--;
	}
	return false;
}

/* The messages do not count the schedules that were cut short. */
static void
ex_verdict(char *buf, size_t size, uint64_t n, uint64_t failed, bool ended)
{
	char found[64] = "no failure";
	const char *s = ex_bound == 1 ? "" : "s";

	n -= ex_path->ep_cut;
	if (failed > 0)
		(void)snprintf(found, sizeof(found), "%llu failures",
		    (unsigned long long)failed);
	if (ex_single)
		(void)snprintf(buf, size, "%s in this schedule", found);
	else if (ended)
		(void)snprintf(buf, size, "%s with up to %u preemption%s, "
		    "%llu schedules", found, ex_bound, s,
		    (unsigned long long)n);
	else
		(void)snprintf(buf, size, "%s in %llu schedules, and there "
		    "are more with up to %u preemption%s", found,
		    (unsigned long long)n, ex_bound, s);
}

const struct sim_strategy sim_exhaustive = {
	.sst_name = "exhaustive",
	.sst_descr = "exhaustive:B: every schedule with at most B preemptions",
	.sst_init = ex_init,
	.sst_begin = ex_begin,
	.sst_pick = ex_pick,
	.sst_choose = ex_choose,
	.sst_point = ex_point,
	.sst_thread = ex_thread,
	.sst_next = ex_next,
	.sst_replay = ex_replay,
	.sst_verdict = ex_verdict,
};
