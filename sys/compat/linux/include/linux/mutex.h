/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Mutexes of Linux: see linux_lock(9).
 */

#ifndef _LWQ_LINUX_MUTEX_H_
#define	_LWQ_LINUX_MUTEX_H_

#ifdef __cplusplus
#error "<linux/mutex.h> is for C11 only, not for C++"
#endif

#if defined(_SYS_MUTEX_H_) && !defined(_LWQ_INTERNAL)
#error "<sys/mutex.h> and <linux/mutex.h> cannot be used in one file: \
mutex_init() means two things"
#endif

#include <linux/lwq_lock.h>

struct mutex {
	struct __lwq_mutex __mx_mtx;
};

#define	__MUTEX_INITIALIZER(name)	{ .__mx_mtx = _LWQ_SLEEP }
#define	DEFINE_MUTEX(name)	struct mutex name = __MUTEX_INITIALIZER(name)

#define	mutex_init	lwq_mutex_init
#define	mutex_destroy	lwq_mutex_destroy
#define	mutex_lock	lwq_mutex_lock
#define	mutex_unlock	lwq_mutex_unlock
#define	mutex_trylock	lwq_mutex_trylock
#define	mutex_is_locked	lwq_mutex_is_locked
void	mutex_init(struct mutex *);
void	mutex_destroy(struct mutex *);
void	mutex_lock(struct mutex *);
void	mutex_unlock(struct mutex *);

/* Return 1 if the mutex was taken, otherwise 0. */
int	mutex_trylock(struct mutex *);
bool	mutex_is_locked(const struct mutex *);

/* No signal ends a wait: always 0. */
#define	mutex_lock_interruptible(m)	(mutex_lock(m), 0)
#define	mutex_lock_killable(m)		(mutex_lock(m), 0)
#define	mutex_lock_nested(m, class)	((void)(class), mutex_lock(m))

#endif	/* !_LWQ_LINUX_MUTEX_H_ */
