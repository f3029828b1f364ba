/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * When to spin, and when to pause.
 *
 * A sleep costs about ten times as much as a hand-over to a spinning thread.
 * So a thread spins before it sleeps, if three conditions hold.  The last items
 * came so soon that spinning pays.  The producer runs on another CPU.  The
 * number of threads that spin is less than the number of CPUs minus one.
 *
 * If a worker takes each item as soon as it appears, the cache line of the
 * inbox moves between two CPUs for each item.  So in a stream of items, the
 * worker pauses for a moment to let several come together.
 *
 * Only speed depends on this file.  A spin only tests its condition again, so
 * correctness does not depend on the length of a spin.
 */

#include "kern.h"
#include "subr_cpu.h"
#include "subr_wqspin.h"

#define	WQSPIN_GATHER	1000		/* ns to let items come together */
#define	WQSPIN_SOON	200		/* ns; a shorter gap means a stream */

int	wqspin_active;			/* (a) threads that spin */

/*
 * Return true if it pays to spin for up to limit nanoseconds.  gap is the usual
 * time between items.  The caller then counts as spinning until wqspin_exit().
 */
__kern_hot bool
wqspin_enter(int64_t gap, int64_t limit)
{

	if (gap >= limit)
		return false;
	/* Relaxed: the count guards no data. */
	if (atomic_fetch_add_relaxed(&wqspin_active, 1) < cpu_real - 1)
		return true;
	wqspin_exit();
	return false;
}

__kern_hot void
wqspin_exit(void)
{

	(void)atomic_fetch_add_relaxed(&wqspin_active, -1);
}

/*
 * Adjust the usual gap after a wait of gap nanoseconds.  The usual gap is never
 * more than four times the limit.  So a few short gaps bring it below the
 * limit.
 */
__kern_hot void
wqspin_waited(int64_t *gapp, int64_t gap, int64_t limit)
{

	if (gap > limit * 4)
		gap = limit * 4;
	if (*gapp > limit * 4)
		*gapp = limit * 4;
	*gapp += (gap - *gapp) / 4;
}

void
wqspin_gather(void)
{
	unsigned n;

	for (n = cpu_pauses * WQSPIN_GATHER / 1000; n > 0; n--)
		host_pause();
}

/*
 * Pause if a spin was so short that a stream of items may have begun.
 */
void
wqspin_gather_soon(unsigned looks, unsigned lone)
{

	if (looks < cpu_pauses * WQSPIN_SOON / 1000 && wqspin_streams(lone))
		wqspin_gather();
}

/*
 * Reset the count in a forked child, where no other thread spins.
 */
void
wqspin_fork(void)
{

	atomic_store_relaxed(&wqspin_active, 0);
}
