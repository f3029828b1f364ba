/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Spins before a sleep, and pauses that let several items come together.  See
 * subr_wqspin.c.
 */

#ifndef _KERN_SUBR_WQSPIN_H_
#define	_KERN_SUBR_WQSPIN_H_

#include "kern.h"
#include "kern_lwp.h"

#define	WQSPIN_GAPMAX	(INT64_MAX / 2)	/* the usual gap is unknown */
#define	WQSPIN_LONE	1024		/* a power of 2: see wqspin_ran() */

extern int	wqspin_active;		/* (a) threads that spin */

bool	wqspin_enter(int64_t, int64_t);
void	wqspin_exit(void);
void	wqspin_waited(int64_t *, int64_t, int64_t);
void	wqspin_gather(void);
void	wqspin_gather_soon(unsigned, unsigned);
void	wqspin_fork(void);

/*
 * Spin until (*something)(arg) returns true, or until limit nanoseconds after
 * start.  Return the number of calls of (*something)(), or 0 at the limit.
 */
static inline __attribute__((__always_inline__)) unsigned
wqspin_until(bool (*something)(const void *), const void *arg, int64_t start,
    int64_t limit)
{
	unsigned n;

	for (n = 1; !(*something)(arg); n++) {
		host_pause();
		if (n % 32 == 0 && host_monotime() - start >= limit)
			return 0;
	}
	return n;
}

/*
 * Return true if items may come in a stream, so that a pause may bring some
 * together.
 *
 * If the last batch had more than one item, the items come in a stream.  A
 * batch of one item proves nothing.  The producer may wait until each item has
 * run, so that a pause is useless.  Or the producer may be just as fast as a
 * worker that does not pause.  So try a pause after the 1st, 2nd, 4th, 8th ...
 * batch of one item in a row.
 */
static inline bool
wqspin_streams(unsigned lone)
{

	return (lone & (lone - 1)) == 0;
}

/*
 * Count the batches of one item in a row.  The last batch had n items.  The
 * count goes no further than WQSPIN_LONE and then back to half of it, so that a
 * pause is tried after every WQSPIN_LONE / 2 more batches.
 */
static inline void
wqspin_ran(unsigned *lonep, unsigned n)
{

	if (n > 1)
		*lonep = 0;
	else if (++*lonep > WQSPIN_LONE)
		*lonep = WQSPIN_LONE / 2 + 1;
}

/*
 * A thread must not spin if the producer runs on the thread's own CPU, because
 * the producer cannot run while the thread spins.  To find this out, the thread
 * calls wqspin_ask() before it sleeps.  When the producer wakes the thread, it
 * stores the number of its own CPU.  After the wake-up, wqspin_learn() compares
 * this with the CPU of the thread.
 */
static inline bool
wqspin_samecpu(const struct lwp *l)
{

	return atomic_load_relaxed(&l->l_wakercpu) >= 0;
}

static inline void
wqspin_ask(struct lwp *l)
{

	atomic_store_relaxed(&l->l_wakercpu, -1);
}

/* Tell the producer not to store its CPU. */
static inline void
wqspin_dontask(struct lwp *l)
{

	atomic_store_relaxed(&l->l_wakercpu, LWP_NOWAKER);
}

static inline void
wqspin_learn(struct lwp *l)
{

	if (atomic_load_relaxed(&l->l_wakercpu) != host_curcpu())
		atomic_store_relaxed(&l->l_wakercpu, -1);
}

#endif	/* !_KERN_SUBR_WQSPIN_H_ */
