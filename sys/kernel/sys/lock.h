/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * __cpu_simple_lock(9): a word that threads spin on.  Few clients need it;
 * use mutex(9).
 */

#ifndef _WQK_SYS_LOCK_H_
#define	_WQK_SYS_LOCK_H_

#include <sys/types.h>
#include <sys/atomic.h>
#include <sys/simplelock.h>
#include <sys/systm.h>

#define	__SIMPLELOCK_UNLOCKED	0
#define	__SIMPLELOCK_LOCKED	1

typedef volatile unsigned char __cpu_simple_lock_t;

static __inline __unused void
__cpu_simple_lock_init(__cpu_simple_lock_t *lock)
{

	atomic_store_relaxed(lock, __SIMPLELOCK_UNLOCKED);
}

static __inline __unused int
__cpu_simple_lock_try(__cpu_simple_lock_t *lock)
{

	return atomic_swap_acquire(lock, __SIMPLELOCK_LOCKED) ==
	    __SIMPLELOCK_UNLOCKED;
}

static __inline __unused void
__cpu_simple_lock(__cpu_simple_lock_t *lock)
{
	unsigned int n = 0;

	while (!__cpu_simple_lock_try(lock))
		wqk_relax(&n);
}

static __inline __unused void
__cpu_simple_unlock(__cpu_simple_lock_t *lock)
{

	atomic_store_release(lock, __SIMPLELOCK_UNLOCKED);
}

#define	__SIMPLELOCK_LOCKED_P(lock)					\
	(atomic_load_relaxed(lock) == __SIMPLELOCK_LOCKED)

/* Pause in a spin loop. */
#define	SPINLOCK_BACKOFF_MIN	4
#define	SPINLOCK_BACKOFF_MAX	128
#define	SPINLOCK_BACKOFF(count)	wqk_relax(&(count))
#define	SPINLOCK_BACKOFF_HOOK	wqk_relax(&(unsigned int){ 0 })
#define	SPINLOCK_SPIN_HOOK	((void)0)
#define	SPINLOCK_RUN_HOOK	((void)0)

#endif	/* !_WQK_SYS_LOCK_H_ */
