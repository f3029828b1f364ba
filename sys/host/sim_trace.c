/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The trace of a schedule.  A replay records its points in memory that it
 * shares with the zygote.  So the zygote has the trace even if the process
 * crashes.
 */

#include <sys/mman.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/host.h>
#include <host/sim.h>
#include <host/sim_main.h>
#include <host/sim_trace.h>

#define	TRACE_POINTS	8192		/* of a long schedule */
#define	TRACE_FRAMES	32

struct sim_trace *trace_last;

/*
 * Set whether the next schedule records a trace.  If reads is true, the trace
 * begins with the first point, and has the values that the client reads, too.
 * If reads is false and the schedule is long, the trace has only the last
 * points.  "points" is the expected number of points.  Return false if there is
 * no memory.
 */
bool
sim_trace_set(bool on, uint64_t points, bool reads)
{
	static struct sim_trace *mem;
	uintptr_t pc[2];

	if (!on) {
		sim.sim_trace = NULL;
		return true;
	}
	if (mem == NULL) {
		mem = mmap(NULL, sizeof(*mem), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (mem == MAP_FAILED) {
			mem = NULL;
			return false;
		}
		name_bounds();
		/* Let the unwinder make its one-time allocations here. */
		(void)host_backtrace(pc, 2, NULL);
	}
	memset(mem, 0, offsetof(struct sim_trace, tr_events));
	if (points > TRACE_POINTS && !reads)
		mem->tr_from = points - TRACE_POINTS;
	mem->tr_reads = reads;
	sim.sim_trace = trace_last = mem;
	return true;
}

/* Forget what came before a schedule of wqsim_run(). */
void
sim_trace_restart(void)
{

	if (sim.sim_trace != NULL)
		sim.sim_trace->tr_n = 0;
}

/*
 * Record an event of the thread, which has the baton.
 */
void
sim_trace_add(struct sim_thread *t, uint32_t kind, uintptr_t addr,
    uint32_t value)
{
	struct sim_trace *tr = sim.sim_trace;
	struct trace_event *te;
	uintptr_t pc[TRACE_FRAMES];
	int i, n;
	bool called = false;	/* the C library called this library */

	if (sim.sim_result->sr_points < tr->tr_from)
		return;
	/* To find where two runs differ, keep the first events. */
	if (tr->tr_reads && tr->tr_n == TRACE_EVENTS)
		return;
	te = &tr->tr_events[tr->tr_n++ % TRACE_EVENTS];
	te->te_point = sim.sim_result->sr_points;
	te->te_now = sim.sim_now;
	te->te_addr = addr;
	te->te_site = t->st_site;
	te->te_client = te->te_entry = 0;
	te->te_thread = t->st_id;
	te->te_kind = kind;
	te->te_value = value;
	te->te_read = 0;
	memcpy(tr->tr_names[t->st_id % TRACE_NAMES], t->st_name,
	    sizeof(t->st_name));
	if (kind >= SIM_EVENT && kind != SIM_EVENT_READ &&
	    kind != SIM_EVENT_SIGNAL && kind != SIM_EVENT_RETURN)
		return;
	n = host_backtrace(pc, TRACE_FRAMES, NULL);
	for (i = 0; i < n; i++) {
		if (!name_within(name_own, pc[i])) {
			if (!name_within(name_libc, pc[i])) {
				te->te_client = pc[i];
				break;
			}
			called = te->te_entry != 0;
		} else if (called) {
			/* The library's signal handler: no client called it. */
			break;
		} else
			te->te_entry = pc[i];
	}
}

static void
trace_read(struct sim_thread *t, uint32_t kind, uintptr_t addr, uint64_t value)
{
	struct sim_trace *tr = sim.sim_trace;

	/* The unwinder takes locks. */
	t->st_inside++;
	sim_trace_add(t, kind, addr, 0);
	t->st_inside--;
	tr->tr_events[(tr->tr_n - 1) % TRACE_EVENTS].te_read = value;
}

void
sim_trace_load(struct sim_thread *t, const void *p, unsigned size)
{
	uint64_t value = 0;

	if (!sim.sim_trace->tr_reads || p == NULL || size > sizeof(value))
		return;
	memcpy(&value, p, size);
	trace_read(t, SIM_EVENT_LOAD, (uintptr_t)p, value);
}

void
sim_trace_read(struct sim_thread *t, const char *what, uint64_t value)
{

	if (sim.sim_trace != NULL && sim.sim_trace->tr_reads)
		trace_read(t, SIM_EVENT_READ, (uintptr_t)what, value);
}

void
sim_trace_signal(struct sim_thread *t, uint32_t kind, int signo)
{
	int serrno = errno;

	if (sim.sim_trace == NULL)
		return;
	/* The unwinder takes locks. */
	t->st_inside++;
	sim_trace_add(t, kind, 0, (uint32_t)signo);
	t->st_inside--;
	errno = serrno;
}

/*
 * Compare two recordings of one seed.  sim_trace_save() keeps the first
 * recording.  sim_trace_differs() describes the first event that differs in the
 * second, and returns false if there is none.
 */
static struct trace_event *saved;
static uint64_t saved_n;

void
sim_trace_save(void)
{

	if (saved == NULL &&
	    (saved = malloc(sizeof(trace_last->tr_events))) == NULL)
		return;
	saved_n = trace_last->tr_n;
	memcpy(saved, trace_last->tr_events, sizeof(trace_last->tr_events));
}

static void
differs_event(const struct trace_event *te, const char *which)
{
	struct row r;

	if (te == NULL) {
		sim_say("wqsim:   the %s run has ended\n", which);
		return;
	}
	memset(&r, 0, sizeof(r));
	name_function(r.r_func, sizeof(r.r_func), te->te_client != 0 ?
	    te->te_client : te->te_site);
	if (te->te_kind < SIM_EVENT || row_signal(te))
		row_text(&r, te);
	sim_say("wqsim:   the %s run: thread %u, %s%s%s\n", which,
	    te->te_thread, r.r_text,
	    r.r_func[0] != '\0' ? " in " : "", r.r_func);
}

/*
 * If the two runs have read different values before the first event that
 * differs, describe the last such read.
 */
static void
differs_read(const struct trace_event *a, const struct trace_event *b)
{
	char func[64], what[80];

	if (a == NULL) {
		sim_say("wqsim:   nothing that the simulator saw them read "
		    "before was different\n");
		return;
	}
	name_function(func, sizeof(func), a->te_client != 0 ? a->te_client :
	    a->te_site);
	if (a->te_kind == SIM_EVENT_READ)
		(void)snprintf(what, sizeof(what), " %s",
		    (const char *)a->te_addr);
	else
		name_object(what, sizeof(what), a->te_addr);
	sim_say("wqsim:   before that, thread %u read%s in %s: %llu in the "
	    "first run, %llu in the second\n", a->te_thread, what, func,
	    (unsigned long long)a->te_read, (unsigned long long)b->te_read);
}

static bool
differs_same(const struct trace_event *a, const struct trace_event *b)
{

	return a != NULL && b != NULL && a->te_thread == b->te_thread &&
	    a->te_kind == b->te_kind && a->te_addr == b->te_addr &&
	    a->te_site == b->te_site && a->te_value == b->te_value;
}

bool
sim_trace_differs(void)
{
	const struct trace_event *a, *b, *reada = NULL, *readb = NULL;
	uint64_t i;

	name_init();
	for (i = 0; saved != NULL && i < TRACE_EVENTS &&
	    (i < saved_n || i < trace_last->tr_n); i++) {
		a = i < saved_n ? &saved[i] : NULL;
		b = i < trace_last->tr_n ? &trace_last->tr_events[i] : NULL;
		if (differs_same(a, b)) {
			if (a->te_read != b->te_read) {
				reada = a;
				readb = b;
			}
			continue;
		}
		sim_say("wqsim: two runs with this seed differ at point "
		    "%llu\n",
		    (unsigned long long)(b != NULL ? b : a)->te_point);
		differs_event(a, "first");
		differs_event(b, "second");
		differs_read(reada, readb);
		return true;
	}
	return false;
}
