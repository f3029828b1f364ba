/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * HTML pages that need no other file.  A page with a table shows a trace of the
 * simulator: it has a column (lane) for each thread and a row for each event.
 * A page with a timeline shows a WORKQUEUE_TRACE: it has a lane for each thread
 * and a bar for each call.
 */

#ifndef _HOST_HOST_PAGE_H_
#define	_HOST_HOST_PAGE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The output of a page.  Embed it in a structure with what po_write() needs. */
struct page_out {
	void		(*po_write)(struct page_out *, const char *, size_t);
};

struct page_event {
	unsigned	 pe_lane;	/* index of the thread's lane */
	uint64_t	 pe_number;	/* in the first column */
	const char	*pe_text;
	const char	*pe_detail;	/* shown while the pointer is on it */
	bool		 pe_mark;	/* highlighted */
};

struct page {
	const char	*pg_title;
	const char	*pg_summary;
	const char	*const *pg_lanes;	/* their names */
	unsigned	 pg_nlanes;
	const struct page_event *pg_events;
	unsigned	 pg_nevents;
};

/* Write a table.  Return 0 or an errno value. */
int	page_write(FILE *, const struct page *);

/* Write text, escaped for HTML or XML.  Replace invalid characters by "?". */
void	page_escape(FILE *, const char *);

/*
 * Write a timeline.  Between the two calls, the caller writes the events as a
 * JSON array of Chrome's trace events, without the characters < and &.
 */
void	page_timeline(struct page_out *, const char *title);
void	page_timeline_end(struct page_out *);

#endif	/* !_HOST_HOST_PAGE_H_ */
