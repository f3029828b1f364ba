/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The trace: a file of events, each with its time and its thread.  Each event
 * has a number.  The number of an enqueue identifies the arrow from the enqueue
 * to the call that it causes.
 */

#ifndef _HOST_HOST_TRACE_H_
#define	_HOST_HOST_TRACE_H_

#include <stdint.h>

enum host_trace_kind {
	HOST_TRACE_NONE,	/* the event is not complete */
	HOST_TRACE_THREAD,	/* a thread records for the first time */
	HOST_TRACE_ENQUEUE,	/* an arrow begins */
	HOST_TRACE_BEGIN,	/* a call begins; an arrow ends */
	HOST_TRACE_END		/* the thread's innermost call returns */
};

struct host_trace_event {
	int64_t		 te_time;	/* of host_monotime() */
	uint64_t	 te_from;	/* BEGIN: number of the arrow, or 0 */
	uintptr_t	 te_item;	/* the item */
	uintptr_t	 te_func;	/* BEGIN: the function */
	const char	*te_name;	/* of the queue */
	const char	*te_thread;	/* name of the thread, or NULL */
};

/*
 * Begin the trace, in a file whose name may contain %p for the process ID.  The
 * file is an HTML page if its name ends in .html.  Call this once, before other
 * threads record.  Return 0 or an errno value: EBUSY if another process is
 * writing this file.
 */
int	host_trace_open(const char *);

/*
 * Record an event, and return its number.  Async-signal-safe.  The call takes
 * no lock unless all chunks are full.  Then it writes the file, or waits for
 * the thread that is writing it.
 */
uint64_t host_trace_add(enum host_trace_kind, const struct host_trace_event *);

/*
 * Find the name of a function, unless it is known.  Call this before recording
 * an event with the function.  Thread context.
 */
void	host_trace_function(uintptr_t);

/*
 * Write the events if there are enough.  If the file cannot be written, the
 * trace ends, and one call returns an errno value.  All other calls return 0.
 */
int	host_trace_write(void);

/* Write all events, and end the trace.  Return 0 or an errno value. */
int	host_trace_close(void);

/* Close the trace in a forked child.  It is the parent's. */
void	host_trace_forked(void);

#endif	/* !_HOST_HOST_TRACE_H_ */
