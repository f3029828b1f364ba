/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Semaphores of Linux: see linux_lock(9).
 */

#ifndef _LWQ_LINUX_SEMAPHORE_H_
#define	_LWQ_LINUX_SEMAPHORE_H_

#ifdef __cplusplus
#error "<linux/semaphore.h> is for C11 only, not for C++"
#endif

#include <linux/lwq_lock.h>

struct semaphore {
	struct __lwq_mutex __se_lock;
	struct __lwq_cv	 __se_cv;
	unsigned int	 __se_count;
};

#define	__SEMAPHORE_INITIALIZER(name, n)				\
	{ .__se_lock = _LWQ_SPIN, .__se_cv = _LWQ_CV, .__se_count = (n) }

/* With one argument, as before Linux 6.4, the count is 1. */
#define	_LWQ_SEM_DEFINE(name, n, ...)					\
	struct semaphore name = __SEMAPHORE_INITIALIZER(name, n)
#define	DEFINE_SEMAPHORE(...)	_LWQ_SEM_DEFINE(__VA_ARGS__, 1, 0)
#define	DECLARE_MUTEX(name)		_LWQ_SEM_DEFINE(name, 1, 0)
#define	DECLARE_MUTEX_LOCKED(name)	_LWQ_SEM_DEFINE(name, 0, 0)

#define	sema_init	lwq_sema_init
#define	down		lwq_down
#define	down_trylock	lwq_down_trylock
#define	down_timeout	lwq_down_timeout
#define	up		lwq_up
void	sema_init(struct semaphore *, int);
void	down(struct semaphore *);
void	up(struct semaphore *);

/* Return 0 if the semaphore was taken, otherwise 1. */
int	down_trylock(struct semaphore *);

/* Wait for a limited number of jiffies.  Return 0 or -ETIME. */
int	down_timeout(struct semaphore *, long);

#define	init_MUTEX(s)		sema_init((s), 1)
#define	init_MUTEX_LOCKED(s)	sema_init((s), 0)

/* No signal ends a wait: always 0. */
#define	down_interruptible(s)	(down(s), 0)
#define	down_killable(s)	(down(s), 0)

#endif	/* !_LWQ_LINUX_SEMAPHORE_H_ */
