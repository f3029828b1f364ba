/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The trace: what its sources share.
 */

#ifndef _HOST_SIM_TRACE_H_
#define	_HOST_SIM_TRACE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define	TRACE_EVENTS	32768		/* events that are kept */
#define	TRACE_NAMES	64		/* of threads */
#define	TRACE_ROWS	(TRACE_EVENTS + 1)	/* one each, and the failure */

/*
 * An event: a point, a signal, or something else that the scheduler did.
 */
struct trace_event {
	uint64_t	 te_point;
	int64_t		 te_now;
	uintptr_t	 te_addr;	/* or the text of a choice or a read */
	uintptr_t	 te_site;	/* where the point is */
	uintptr_t	 te_client;	/* the client's call that led there */
	uintptr_t	 te_entry;	/* in the function the client called */
	uint32_t	 te_thread;
	uint32_t	 te_kind;
	uint32_t	 te_value;
	uint64_t	 te_read;	/* of SIM_EVENT_LOAD and _READ */
};

struct sim_trace {
	uint64_t	 tr_n;		/* events recorded */
	uint64_t	 tr_from;	/* the first point to record */
	bool		 tr_reads;	/* record what is read, too */
	uint32_t	 tr_thread;	/* ran last */
	char		 tr_names[TRACE_NAMES][32];
	struct trace_event tr_events[TRACE_EVENTS];
};

/*
 * A line of the trace.  It stands for consecutive events of a thread in the
 * same call.
 */
struct row {
	uint64_t	 r_point;
	int64_t		 r_now;
	unsigned	 r_thread;
	unsigned	 r_points;	/* points in the row */
	uintptr_t	 r_where;	/* a return address, or 0 */
	bool		 r_preempts;
	bool		 r_ends;	/* nothing is added to it */
	bool		 r_signal;	/* a signal arrives, or ends */
	char		 r_text[120];
	char		 r_func[64];	/* of r_where */
	char		 r_line[64];	/* its file and line, or empty */
};

/* sim_trace.c: the last trace, or NULL. */
extern struct sim_trace *trace_last;

/*
 * sim_name.c.  name_bounds() finds the bounds of this library and of the C
 * library.  Call name_init() once before the others.  name_function() names the
 * function around a return address.  name_ownfunction() returns the name of the
 * function of this library around an address, or NULL.  name_object() names the
 * object at an address, after a space.  name_lines() finds the files and lines
 * of rows.
 */
extern uintptr_t name_own[2], name_libc[2];
void	name_bounds(void);
bool	name_within(const uintptr_t *bounds, uintptr_t addr);
const char *name_ownfunction(uintptr_t pc);
void	name_init(void);
void	name_function(char *, size_t, uintptr_t pc);
void	name_object(char *, size_t, uintptr_t addr);
const char *name_kind(uint32_t kind);
void	name_lines(struct row *, unsigned n);
void	name_thread(char *, size_t, unsigned id);

/*
 * sim_row.c.  rows_make() makes the rows of the trace, at most TRACE_ROWS.
 * rows_fold() reduces their number.  Both return the number of rows.
 * row_text() describes an event.  row_signal() returns true if the event is
 * that a signal arrives, or that its handler returns.
 */
unsigned rows_make(struct row *);
unsigned rows_fold(struct row *, unsigned n, unsigned max);
void	row_text(struct row *, const struct trace_event *);
bool	row_signal(const struct trace_event *);

#endif	/* !_HOST_SIM_TRACE_H_ */
