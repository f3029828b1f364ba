/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * localcount(9): references to an object that is seldom destroyed.
 */

#ifndef _SYS_LOCALCOUNT_H_
#define	_SYS_LOCALCOUNT_H_

#include <sys/wq_types.h>
#include <sys/condvar.h>
#include <sys/mutex.h>
#include <stdint.h>

__WQ_BEGIN_DECLS

/* A counter; embed it.  Its field belongs to the library. */
struct localcount {
	unsigned int	 lc_refs;	/* (a) count, and a draining bit */
	void		*lc_spare[2];	/* for later releases */
};

#define	localcount_init		wqk_localcount_init
#define	localcount_drain	wqk_localcount_drain
#define	localcount_fini		wqk_localcount_fini
#define	localcount_acquire	wqk_localcount_acquire
#define	localcount_release	wqk_localcount_release
#define	localcount_debug_refcnt	wqk_localcount_debug_refcnt

/* Initialise a counter. */
void	localcount_init(struct localcount *);

/*
 * Wait until all references are released.  The caller must ensure that no
 * thread acquires a new one.  The caller holds the mutex.  localcount_drain()
 * releases the mutex while it waits.  Call this once.
 */
void	localcount_drain(struct localcount *, kcondvar_t *, kmutex_t *);

/* Finish a drained counter. */
void	localcount_fini(struct localcount *);

/* Acquire a reference.  Do not call this after localcount_drain(). */
void	localcount_acquire(struct localcount *);

/* Release a reference.  Pass the arguments of localcount_drain(). */
void	localcount_release(struct localcount *, kcondvar_t *, kmutex_t *);

/* Return the number of references, for assertions. */
uint32_t localcount_debug_refcnt(const struct localcount *);

__WQ_END_DECLS

#endif	/* !_SYS_LOCALCOUNT_H_ */
