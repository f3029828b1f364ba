/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * localcount(9): references to something that goes away seldom.
 */

#ifndef _SYS_LOCALCOUNT_H_
#define	_SYS_LOCALCOUNT_H_

#include <sys/wq_types.h>
#include <sys/condvar.h>
#include <sys/mutex.h>
#include <stdint.h>

__WQ_BEGIN_DECLS

/* Embed it.  Its field is the library's. */
struct localcount {
	unsigned int	 lc_refs;	/* (a) and a bit: being drained */
};

#define	localcount_init		wqk_localcount_init
#define	localcount_drain	wqk_localcount_drain
#define	localcount_fini		wqk_localcount_fini
#define	localcount_acquire	wqk_localcount_acquire
#define	localcount_release	wqk_localcount_release
#define	localcount_debug_refcnt	wqk_localcount_debug_refcnt

void	localcount_init(struct localcount *);

/*
 * Wait, with the mutex held and released meanwhile, until all references are
 * gone; nobody acquires one any more.  Once.
 */
void	localcount_drain(struct localcount *, kcondvar_t *, kmutex_t *);
void	localcount_fini(struct localcount *);

void	localcount_acquire(struct localcount *);

/* With the condition variable and the mutex of localcount_drain(). */
void	localcount_release(struct localcount *, kcondvar_t *, kmutex_t *);

uint32_t localcount_debug_refcnt(const struct localcount *);

__WQ_END_DECLS

#endif	/* !_SYS_LOCALCOUNT_H_ */
