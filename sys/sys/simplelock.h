/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * simple_lock(9): what sources from before mutex(9) lock with.  A word that
 * threads spin on; it raises no level and has no owner.
 */

#ifndef _SYS_SIMPLELOCK_H_
#define	_SYS_SIMPLELOCK_H_

#include <sys/atomic.h>
#include <sys/wq_libkern.h>

/* A lock; embed it. */
struct simplelock {
	unsigned char	lock_data;	/* (a) 1: taken */
};
#define	SIMPLELOCK_INITIALIZER	{ 0 }

static inline void
simple_lock_init(volatile struct simplelock *slock)
{

	atomic_store_relaxed(&slock->lock_data, (unsigned char)0);
}

/* Take it if it is free: 1, else 0. */
static inline int
simple_lock_try(volatile struct simplelock *slock)
{

	/* Acquire: see what the last holder did. */
	return atomic_swap_acquire(&slock->lock_data, (unsigned char)1) == 0;
}

/* Take it, spinning until it is free. */
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

	/* Release: hand over what we did; the last touch of the lock. */
	atomic_store_release(&slock->lock_data, (unsigned char)0);
}

/* Does anybody hold it? */
static inline int
simple_lock_held(volatile struct simplelock *slock)
{

	return atomic_load_relaxed(&slock->lock_data) != 0;
}

#define	LOCK_ASSERT(e)	KASSERT(e)

#endif	/* !_SYS_SIMPLELOCK_H_ */
