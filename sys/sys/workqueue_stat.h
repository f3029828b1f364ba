/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_stat(9): the state of each queue of the process.
 */

#ifndef _SYS_WORKQUEUE_STAT_H_
#define	_SYS_WORKQUEUE_STAT_H_

#include <sys/wq_types.h>

#include <stddef.h>
#include <stdint.h>

__WQ_BEGIN_DECLS

#define	WORKQUEUE_STAT_NAME	32
#define	WORKQUEUE_STAT_KIND	16
#define	WORKQUEUE_STAT_HISTORY	8

/* ws_flags */
#define	WORKQUEUE_STAT_STALLED	0x01	/* no progress since the last sample */
#define	WORKQUEUE_STAT_MORE	0x02	/* more are pending than counted */
#define	WORKQUEUE_STAT_OLDER	0x04	/* the oldest item may be older than
					   ws_oldest: it was pending at the
					   first sample */
#define	WORKQUEUE_STAT_LONGER	0x08	/* the same for ws_runtime */

/*
 * One sample of a queue.
 */
struct workqueue_stat {
	char		 ws_name[WORKQUEUE_STAT_NAME];
	char		 ws_kind[WORKQUEUE_STAT_KIND];
	int		 ws_cpu;	/* its CPU, or -1 */
	int		 ws_threads;	/* threads that run its items */
	int		 ws_running;	/* items in a callback */
	unsigned int	 ws_flags;
	uint64_t	 ws_done;	/* items run so far */
	uint64_t	 ws_pending;
	int64_t		 ws_oldest;	/* age of the oldest pending item, ns */
	int64_t		 ws_runtime;	/* of the longest callback, ns */
	const void	*ws_func;	/* function of that callback, or NULL */
	const void	*ws_item;	/* its item, or NULL */
	long		 ws_tid;	/* its thread's number, or 0 */

	/* For the library, which compares these with the next sample. */
	uint64_t	 ws_id;
	uint64_t	 ws_tail;
	uint64_t	 ws_begun;
	uint64_t	 ws_run;
	int64_t		 ws_since;
	int64_t		 ws_time;
	int64_t		 ws_first;
	unsigned int	 ws_gen;
	unsigned int	 ws_nhistory;
	struct {
		int64_t	 wh_time;
		uint64_t wh_tail;
	}		 ws_history[WORKQUEUE_STAT_HISTORY];
};

/*
 * Sample all queues into an array.  Return their number, which may be more than
 * the array holds.  The last two arguments are the array of the previous
 * sample, or NULL, and its length.
 */
size_t	workqueue_stat(struct workqueue_stat *, size_t,
	    const struct workqueue_stat *, size_t);

/*
 * Print a table of all queues to a descriptor.  Async-signal-safe.  Return 0 or
 * an errno value.
 */
int	workqueue_report(int);

__WQ_END_DECLS

#endif	/* !_SYS_WORKQUEUE_STAT_H_ */
