/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Print the trace as text, in a column for each thread, and write it as a page.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/sim.h>
#include <host/sim_main.h>
#include <host/host_page.h>
#include <host/sim_trace.h>

#define	SHOW_COLUMNS	8		/* threads that have a column */
#define	SHOW_WIDTH	40		/* of a column, at most */

/*
 * Store the threads in the order in which they first run.  Return their number.
 */
static unsigned
columns(const struct row *rows, unsigned n, unsigned *ids, unsigned max)
{
	unsigned i, j, count = 0;

	for (i = 0; i < n; i++) {
		for (j = 0; j < count && ids[j] != rows[i].r_thread; j++)
			continue;
		if (j == count && count < max)
			ids[count++] = rows[i].r_thread;
	}
	return count;
}

/*
 * Print the trace of the schedule in at most SIM_TRACE_LINES lines.
 */
void
sim_trace_print(void)
{
	struct row *r, *rows;
	char name[48];
	unsigned i, j, n, ncols, ids[SHOW_COLUMNS];
	int len, width[SHOW_COLUMNS];
	bool preempts = false;

	if (trace_last == NULL || (rows = calloc(TRACE_ROWS, sizeof(*rows))) ==
	    NULL)
		return;
	name_init();
	/* Three lines for the heading, the failure and the legend. */
	n = rows_fold(rows, rows_make(rows), SIM_TRACE_LINES - 3);
	name_lines(rows, n);
	ncols = columns(rows, n, ids, SHOW_COLUMNS);
	for (j = 0; j < ncols; j++) {
		name_thread(name, sizeof(name), ids[j]);
		width[j] = (int)strlen(name);
		for (i = 0; i < n; i++)
			if (rows[i].r_thread == ids[j] &&
			    (len = (int)strlen(rows[i].r_text)) > width[j])
				width[j] = len < SHOW_WIDTH ? len :
				    SHOW_WIDTH;
	}
	sim_say("%7s ", "point");
	for (j = 0; j < ncols; j++) {
		name_thread(name, sizeof(name), ids[j]);
		sim_say(" %-*.*s", width[j], width[j], name);
	}
	sim_say(" where\n");
	for (r = rows; r < rows + n; r++) {
		sim_say("%7llu%c", (unsigned long long)r->r_point,
		    r->r_preempts ? '*' : ' ');
		preempts |= r->r_preempts;
		for (j = 0; j < ncols; j++)
			sim_say(" %-*.*s", width[j], width[j],
			    ids[j] == r->r_thread ? r->r_text : "");
		sim_say(" %s%s%s%s\n", r->r_func,
		    r->r_line[0] != '\0' ? " (" : "", r->r_line,
		    r->r_line[0] != '\0' ? ")" : "");
	}
	if (preempts)
		sim_say("%8s the thread above was preempted\n", "*");
	free(rows);
}

/*
 * Write the trace as a page, a row for each call.  Return 0 or an error number.
 */
int
sim_trace_page(FILE *fp, const char *title, const char *summary)
{
	struct page_event *events;
	struct page pg = { .pg_title = title, .pg_summary = summary };
	struct row *rows;
	const char *lanes[TRACE_NAMES];
	char *details, (*names)[48];
	unsigned i, j, n, ids[TRACE_NAMES];
	int error = ENOMEM;

	if (trace_last == NULL)
		return ENOENT;
	name_init();
	rows = calloc(TRACE_ROWS, sizeof(*rows));
	events = calloc(SIM_PAGE_ROWS, sizeof(*events));
	details = calloc(SIM_PAGE_ROWS, SIM_PAGE_DETAIL);
	names = calloc(TRACE_NAMES, sizeof(*names));
	if (rows == NULL || events == NULL || details == NULL || names == NULL)
		goto out;
	n = rows_fold(rows, rows_make(rows), SIM_PAGE_ROWS);
	for (i = 0; i < n; i += 256)
		name_lines(rows + i, n - i < 256 ? n - i : 256);
	pg.pg_nlanes = columns(rows, n, ids, TRACE_NAMES);
	for (j = 0; j < pg.pg_nlanes; j++) {
		name_thread(names[j], sizeof(names[j]), ids[j]);
		lanes[j] = names[j];
	}
	for (i = 0; i < n; i++) {
		for (j = 0; j < pg.pg_nlanes && ids[j] != rows[i].r_thread;
		    j++)
			continue;
		events[i].pe_lane = j;
		events[i].pe_number = rows[i].r_point;
		events[i].pe_text = rows[i].r_text;
		events[i].pe_mark = rows[i].r_preempts;
		events[i].pe_detail = details + i * SIM_PAGE_DETAIL;
		(void)snprintf(details + i * SIM_PAGE_DETAIL, SIM_PAGE_DETAIL,
		    "%s%s%s\n%u points\nat %lld.%09lld s%s", rows[i].r_func,
		    rows[i].r_line[0] != '\0' ? ", " : "", rows[i].r_line,
		    rows[i].r_points,
		    (long long)(rows[i].r_now / 1000000000),
		    (long long)(rows[i].r_now % 1000000000),
		    rows[i].r_preempts ? "\npreempts the thread above" : "");
	}
	pg.pg_lanes = lanes;
	pg.pg_events = events;
	pg.pg_nevents = n;
	error = page_write(fp, &pg);
out:
	free(names);
	free(details);
	free(events);
	free(rows);
	return error;
}
