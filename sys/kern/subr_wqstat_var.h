/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Declarations for the files that sample the queues of a process:
 *
 *	subr_wqstat_list.c	the list of queues
 *	subr_wqstat_queue.c	the queues of workqueue(9)
 *	subr_wqstat_pool.c	pools
 *	subr_wqstat_soft.c	callouts and soft interrupts
 *	subr_wqstat_read.c	memory, and threads
 *	subr_wqstat_age.c	compare two samples
 *
 * The library uses these files to sample its own process, and wqstat(1) uses
 * them to sample another process or a core.  They use nothing else of the
 * library, and read the memory of the process through so_readv only.
 */

#ifndef _KERN_SUBR_WQSTAT_VAR_H_
#define	_KERN_SUBR_WQSTAT_VAR_H_

#include <string.h>

#include "subr_wqstat.h"

#define	WQSTAT_QUEUES	4096		/* per workqueue; more is an error */
#define	WQSTAT_CALLOUTS	16		/* threads; more is an error */

#define	WQSTAT_ASLEEP	((uintptr_t)1)	/* as WQINBOX_ASLEEP */
#define	WQSTAT_LOCKFLAGS 0x3f		/* bits of a lock that no owner has */

/* An offset, or a size, in the process. */
#define	OFF(so, name)	((so)->so_root.wr_offsets[WQO_##name])

/*
 * Fields of a structure that was read.
 */
static inline uintptr_t
wqstat_getword(const char *obj, uint32_t off)
{
	uintptr_t w;

	memcpy(&w, obj + off, sizeof(w));
	return w;
}

static inline unsigned
wqstat_getint(const char *obj, uint32_t off)
{
	unsigned n;

	memcpy(&n, obj + off, sizeof(n));
	return n;
}

static inline uint64_t
wqstat_get64(const char *obj, uint32_t off)
{
	uint64_t n;

	memcpy(&n, obj + off, sizeof(n));
	return n;
}

/*
 * subr_wqstat_read.c.  If the memory cannot be read, wqstat_word() returns 0,
 * and wqstat_number() returns its last argument.
 */
bool	wqstat_read(struct wqstat_source *, void *, uintptr_t, size_t);
uintptr_t wqstat_word(struct wqstat_source *, uintptr_t);
int	wqstat_number(struct wqstat_source *, uintptr_t, int);
void	wqstat_copyname(char *, size_t, const char *);
uint64_t wqstat_chain(struct wqstat_source *, uintptr_t, bool *);
long	wqstat_tid(struct wqstat_source *, uintptr_t);
uintptr_t wqstat_findlwp(struct wqstat_source *, uintptr_t);
uintptr_t wqstat_function(struct wqstat_source *, uintptr_t);
void	wqstat_begin(struct workqueue_stat *, const char *, uint64_t, unsigned);
void	wqstat_show(struct wqstat_source *, struct workqueue_stat *,
	    const struct wqstat_run *, uintptr_t);
bool	wqstat_ran(struct wqstat_source *, const struct workqueue_stat *,
	    const struct wqstat_run *, uintptr_t);
bool	wqstat_emit(struct wqstat_source *, struct workqueue_stat *);

/*
 * Sample an object of the list.  The caller has read the object.  Return false
 * if a hook ended the sample.
 */
bool	wqstat_workqueue(struct wqstat_source *, char *, uintptr_t, uint64_t,
	    unsigned);
bool	wqstat_pool(struct wqstat_source *, const char *, uintptr_t, uint64_t,
	    unsigned);

/* Sample the callouts and the soft interrupts, which are not in the list. */
bool	wqstat_callouts(struct wqstat_source *);
bool	wqstat_softints(struct wqstat_source *);

#endif	/* !_KERN_SUBR_WQSTAT_VAR_H_ */
