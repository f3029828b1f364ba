/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The lines of a trace.  A line, or row, stands for the events of a thread in
 * one call.
 */

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <host/sim.h>
#include <host/sim_trace.h>

static void
row_append(struct row *r, const char *fmt, ...)
{
	size_t used = strlen(r->r_text);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->r_text + used, sizeof(r->r_text) - used, fmt, ap);
	va_end(ap);
}

bool
row_signal(const struct trace_event *te)
{

	return te->te_kind == SIM_EVENT_SIGNAL ||
	    te->te_kind == SIM_EVENT_RETURN;
}

/* Append the name of a signal. */
static void
row_signame(struct row *r, int signo)
{
#if __GLIBC_PREREQ(2, 32)
	const char *name;

	if ((name = sigabbrev_np(signo)) != NULL) {
		row_append(r, "SIG%s", name);
		return;
	}
#endif
	if (signo >= SIGRTMIN)
		row_append(r, "SIGRTMIN+%d", signo - SIGRTMIN);
	else
		row_append(r, "signal %d", signo);
}

/*
 * Write the text of a row: a signal, the client's call, or the library's own
 * function.
 */
void
row_text(struct row *r, const struct trace_event *te)
{
	char object[80];

	if (row_signal(te)) {
		row_signame(r, (int)te->te_value);
		row_append(r, te->te_kind == SIM_EVENT_SIGNAL ? " arrives" :
		    " ends");
		return;
	}
	if (te->te_client == 0) {
		(void)snprintf(r->r_text, sizeof(r->r_text), "%s",
		    r->r_func);
		return;
	}
	name_function(r->r_text, sizeof(r->r_text), te->te_entry);
	name_object(object, sizeof(object), te->te_addr);
	if (strcmp(r->r_text, "wqk_simpoint") == 0)
		(void)snprintf(r->r_text, sizeof(r->r_text), "%s%s",
		    name_kind(te->te_kind), object);
	else if (te->te_kind == SIM_CALL)
		row_append(r, "%s", object);
}

static void
row_begin(struct row *r, const struct trace_event *te, bool preempts)
{

	memset(r, 0, sizeof(*r));
	r->r_point = te->te_point;
	r->r_now = te->te_now;
	r->r_thread = te->te_thread;
	r->r_preempts = preempts;
}

/* Add an event of the scheduler to a row of its thread. */
static void
row_event(struct row *r, const struct trace_event *te)
{

	switch (te->te_kind) {
	case SIM_EVENT_BLOCK:
		row_append(r, ": waits");
		r->r_ends = true;
		break;
	case SIM_EVENT_WAKE:
		row_append(r, ", wakes %u", te->te_value);
		break;
	case SIM_EVENT_CHOICE:
		row_append(r, ", %s", (const char *)te->te_addr);
		break;
	case SIM_EVENT_ACCEPT:
		row_append(r, ", takes ");
		row_signame(r, (int)te->te_value);
		break;
	default:
		break;
	}
}

/*
 * Return true if the point belongs to the row, whose last point is "last".  The
 * points of a row have the same call of the client, te_client.  After an
 * interposed call, the point must also have the same object.  If there is no
 * call of the client, the points have the same te_site.
 */
static bool
row_continues(const struct row *r, const struct trace_event *last,
    const struct trace_event *te)
{

	if (r == NULL || r->r_ends || last == NULL ||
	    r->r_thread != te->te_thread || last->te_client != te->te_client)
		return false;
	if (te->te_client != 0)
		return last->te_kind != SIM_CALL ||
		    te->te_addr == last->te_addr;
	return te->te_site == last->te_site;
}

/*
 * Return true if r is a row of the library's own and can be folded into the row
 * before, which is of the same function.
 */
static bool
row_folds(const struct row *r, const struct trace_event *te)
{

	return te->te_client == 0 && !r->r_preempts &&
	    r[-1].r_thread == r->r_thread && !r[-1].r_ends &&
	    strcmp(r[-1].r_func, r->r_func) == 0;
}

/*
 * Begin row n for a thread that goes on in the call of its last row.  The
 * thread may have no row yet.
 */
static void
row_resume(struct row *rows, unsigned n, const struct trace_event *te,
    unsigned thread, bool preempts)
{
	const struct row *old = NULL;
	unsigned i;

	row_begin(&rows[n], te, preempts);
	rows[n].r_thread = thread;
	row_append(&rows[n], "goes on");
	for (i = n; i-- > 0 && old == NULL;)
		if (rows[i].r_thread == thread)
			old = &rows[i];
	if (old != NULL) {
		rows[n].r_where = old->r_where;
		memcpy(rows[n].r_func, old->r_func, sizeof(old->r_func));
	}
}

/* True if the event belongs into a row, although it is no point. */
static bool
row_shows(const struct trace_event *te)
{

	return te->te_kind == SIM_EVENT_BLOCK ||
	    te->te_kind == SIM_EVENT_WAKE || te->te_kind == SIM_EVENT_CHOICE ||
	    te->te_kind == SIM_EVENT_ACCEPT;
}

unsigned
rows_make(struct row *rows)
{
	const struct trace_event *te = NULL, *last = NULL;
	struct row *r = NULL;
	uint64_t i;
	unsigned n = 0;
	bool preempts = false;

	i = 0;
	if (trace_last->tr_n > TRACE_EVENTS)
		i = trace_last->tr_n - TRACE_EVENTS;
	for (; i < trace_last->tr_n; i++) {
		te = &trace_last->tr_events[i % TRACE_EVENTS];
		if (te->te_kind == SIM_EVENT_PREEMPT) {
			preempts = true;
			continue;
		}
		if (te->te_kind >= SIM_EVENT && !row_signal(te) &&
		    te->te_kind != SIM_EVENT_TIMEOUT) {
			if (!row_shows(te))
				continue;
			if (r == NULL || r->r_thread != te->te_thread ||
			    r->r_signal) {
				row_resume(rows, n, te, te->te_thread,
				    preempts);
				r = &rows[n++];
				preempts = false;
				last = NULL;
			}
			row_event(r, te);
			continue;
		}
		if (te->te_kind < SIM_EVENT &&
		    row_continues(r, last, te)) {
			r->r_points++;
			last = te;
			continue;
		}
		r = &rows[n++];
		row_begin(r, te, preempts);
		preempts = false;
		if (te->te_kind == SIM_EVENT_TIMEOUT) {
			row_append(r, "(timeout)");
			r->r_ends = true;
			continue;
		}
		r->r_where = te->te_client != 0 ? te->te_client : te->te_site;
		name_function(r->r_func, sizeof(r->r_func), r->r_where);
		row_text(r, te);
		if (row_signal(te)) {
			r->r_signal = r->r_ends = true;
			last = NULL;
			continue;
		}
		r->r_points = 1;
		if (n > 1 && row_folds(r, te)) {
			n--;
			r--;
			r->r_points++;
		}
		last = te;
	}
	/* The thread that has failed may have passed no more points. */
	if (r != NULL && r->r_thread != trace_last->tr_thread)
		row_resume(rows, n++, te, trace_last->tr_thread, preempts);
	return n;
}

/*
 * Fold rows until at most max are left.  In the longest stretch of rows of one
 * thread, replace rows in the middle by one.  A signal begins a stretch, so it
 * remains visible.
 */
unsigned
rows_fold(struct row *rows, unsigned n, unsigned max)
{
	unsigned best, bestlen, count, i, start;

	while (n > max) {
		best = bestlen = 0;
		for (start = 0, i = 1; i <= n; i++) {
			if (i < n && !rows[i].r_signal &&
			    rows[i].r_thread == rows[start].r_thread)
				continue;
			if (i - start > bestlen) {
				best = start;
				bestlen = i - start;
			}
			start = i;
		}
		if (bestlen >= 4) {
			count = bestlen - 2;
			/* The rows between the first and the last. */
			if (n - (count - 1) < max)
				count = n - max + 1;
			i = best + 1;
		} else {
			/*
			 * There are only short stretches: fold the first rows
			 * of the trace.
			 */
			count = n - max + 1;
			i = 1;
		}
		for (start = i + 1; start < i + count; start++)
			rows[i].r_points += rows[start].r_points;
		(void)snprintf(rows[i].r_text, sizeof(rows[i].r_text),
		    "... %u calls", count);
		rows[i].r_where = 0;
		rows[i].r_func[0] = '\0';
		rows[i].r_ends = true;
		memmove(&rows[i + 1], &rows[i + count],
		    (n - i - count) * sizeof(*rows));
		n -= count - 1;
	}
	return n;
}
