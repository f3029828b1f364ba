/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * simple_lock(9): the locks of sources that are older than mutex(9).  A lock is
 * a byte on which threads spin.  It raises no level and has no owner.
 */

#ifndef _SYS_SIMPLELOCK_H_
#define	_SYS_SIMPLELOCK_H_

#include <sys/atomic.h>
#include <sys/wq_libkern.h>

/* A lock; embed it. */
struct simplelock {
	unsigned char	lock_data;	/* (a) 1: held */
};
#define	SIMPLELOCK_INITIALIZER	{ 0 }

static inline void
simple_lock_init(volatile struct simplelock *slock)
{

	atomic_store_relaxed(&slock->lock_data, (unsigned char)0);
}

/* Take the lock if it is free.  Return 1 if it was taken, otherwise 0. */
static inline int
simple_lock_try(volatile struct simplelock *slock)
{

	/* Acquire: observe the last holder's stores. */
	return atomic_swap_acquire(&slock->lock_data, (unsigned char)1) == 0;
}

/* Spin until the lock is free, and take it. */
static inline void
simple_lock(volatile struct simplelock *slock)
{
	unsigned int n = 0;

	while (!simple_lock_try(slock))
		wqk_relax(&n);
}

static inline void
simple_unlock(volatile struct simplelock *slock)
{

	/* Release: publish our stores.  The last touch of the lock. */
	atomic_store_release(&slock->lock_data, (unsigned char)0);
}

/* Return true if a thread holds the lock. */
static inline int
simple_lock_held(volatile struct simplelock *slock)
{

	return atomic_load_relaxed(&slock->lock_data) != 0;
}

#define	LOCK_ASSERT(e)	KASSERT(e)

#endif	/* !_SYS_SIMPLELOCK_H_ */
