/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * localcount(9).  One word contains the number of references.
 * localcount_drain() sets LC_DRAIN in it, and waits until all references are
 * released.
 *
 * Without LC_DRAIN, a release is one compare-and-swap, which is its last access
 * to the object.  With LC_DRAIN, a release holds the mutex.  The waiter needs
 * the mutex to go on, so the condition variable exists until the release
 * unlocks the mutex.
 */

#include <sys/localcount.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_mutex.h"

#define	LC_DRAIN	0x80000000u

__kern_public void
localcount_init(struct localcount *lc)
{

	kern_init();
	atomic_store_relaxed(&lc->lc_refs, 0u);
}

__kern_public void
localcount_drain(struct localcount *lc, kcondvar_t *cv, kmutex_t *mtx)
{
	unsigned o;

	KASSERTMSG(mutex_owned(mtx), "localcount_drain: %p: mutex %p not held",
	    (void *)lc, (void *)mtx);
	o = atomic_fetch_or_seq_cst(&lc->lc_refs, LC_DRAIN);
	KASSERTMSG((o & LC_DRAIN) == 0, "localcount_drain: %p: drained twice",
	    (void *)lc);
	/* Acquire: observe what the holders did. */
	while (atomic_load_acquire(&lc->lc_refs) != LC_DRAIN)
		cv_wait(cv, mtx);
}

__kern_public void
localcount_fini(struct localcount *lc)
{

	KASSERTMSG(atomic_load_relaxed(&lc->lc_refs) == LC_DRAIN,
	    "localcount_fini: %p is not drained", (void *)lc);
}

__kern_public void
localcount_acquire(struct localcount *lc)
{
	unsigned o;

	/* Relaxed: the caller found the object by other means. */
	o = atomic_fetch_add_relaxed(&lc->lc_refs, 1u);
	KASSERTMSG((o & LC_DRAIN) == 0, "localcount_acquire: %p is being "
	    "drained", (void *)lc);
}

__kern_public void
localcount_release(struct localcount *lc, kcondvar_t *cv, kmutex_t *mtx)
{
	unsigned o;

	o = atomic_load_relaxed(&lc->lc_refs);
	do {
		KASSERTMSG((o & ~LC_DRAIN) != 0, "localcount_release: %p: no "
		    "reference", (void *)lc);
		if ((o & LC_DRAIN) != 0) {
			mutex_enter(mtx);
			/* Release: pairs with localcount_drain(). */
			if (atomic_fetch_add_acq_rel(&lc->lc_refs, -1u) ==
			    (LC_DRAIN | 1))
				cv_broadcast(cv);
			mutex_exit(mtx);
			return;
		}
		/* Release: publish what the holder did. */
	} while (!atomic_cas_release(&lc->lc_refs, &o, o - 1));
}

__kern_public uint32_t
localcount_debug_refcnt(const struct localcount *lc)
{

	return atomic_load_relaxed(&lc->lc_refs) & ~LC_DRAIN;
}
