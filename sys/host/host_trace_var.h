/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Declarations for the files of the trace:
 *
 *	host_trace.c		events in memory
 *	host_trace_file.c	the file that they are written to
 */

#ifndef _HOST_HOST_TRACE_VAR_H_
#define	_HOST_HOST_TRACE_VAR_H_

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <host/host_page.h>
#include <host/host_trace.h>

#define	TRACE_NAME	32

struct event {
	int		 e_kind;	/* (a) enum host_trace_kind; set last */
	long		 e_thread;
	int64_t		 e_time;
	uint64_t	 e_from;
	uintptr_t	 e_item;
	uintptr_t	 e_func;
	char		 e_name[TRACE_NAME];
};

/*
 * The file.  Only one thread at a time, the writer, uses it.
 */
struct out {
	struct page_out	 o_page;	/* first */
	int		 o_fd;
	int		 o_error;
	bool		 o_html;
	dev_t		 o_dev;
	ino_t		 o_ino;
	int		 o_pid;
	int64_t		 o_start;	/* the time 0 of the file */
	off_t		 o_whole;	/* bytes written, in whole lines */
	size_t		 o_len;
	char		 o_buf[65536];
};
extern struct out trace_out;

/* Open the file, and allocate the names.  Return 0 or an errno value. */
int	trace_out_open(const char *);

void	trace_out_begin(void);
void	trace_out_event(int, const struct event *);
void	trace_out_flush(void);
void	trace_out_end(void);

#endif	/* !_HOST_HOST_TRACE_VAR_H_ */
