/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Mutexes, for use inside the library.
 */

#ifndef _KERN_KERN_MUTEX_H_
#define	_KERN_KERN_MUTEX_H_

#include <sys/mutex.h>

#include "kern.h"
#include "kern_lwp.h"

/*
 * mtx_flags of an adaptive mutex that checking mode does not watch.
 */
#define	MTX_INIT	__MTX_INIT

/*
 * The bit of the mutex's word that is set while threads sleep for the mutex.
 * The word of the kernel lock has the same bit.
 */
#define	MTX_WAITERS	((uintptr_t)1)

void	mutex_init_quiet(kmutex_t *);
void	mutex_init_at(kmutex_t *, kmutex_type_t, int, const char *, uintptr_t);

/*
 * Static locks of the library, which a forked child must free.  KERN_MUTEX()
 * and KERN_MUTEX_IPL() define a static mutex.  KERN_FORKLOCK() registers a
 * static rwlock.
 */
struct kern_forklock {
	uintptr_t	*fl_word;	/* the lock's word; 0 if it is free */
	struct kern_forklock *fl_next;
};
void	wqpool_forklock(struct kern_forklock *);
#define	KERN_FORKLOCK(name, word)					\
	__attribute__((__constructor__)) static void			\
	name##_fork(void)						\
	{								\
		static struct kern_forklock fl = { &name.word, NULL };	\
									\
		wqpool_forklock(&fl);					\
	}								\
	struct kern_forklock
#define	KERN_MUTEX_IPL(name, ipl)					\
	static kmutex_t name = MUTEX_INITIALIZER(ipl);			\
	KERN_FORKLOCK(name, mtx_owner)
#define	KERN_MUTEX(name)	KERN_MUTEX_IPL(name, IPL_NONE)

/*
 * Take or release an adaptive mutex that neither checking mode nor a tool
 * watches.  The caller passes its own lwp.  Without contention these make no
 * function call.
 */
static inline void
kern_mutex_enter(kmutex_t *mtx, struct lwp *l)
{
	uintptr_t o;

	o = 0;
	/* Acquire: observe what the last owner did. */
	if (__predict_false(!atomic_cas_acquire(&mtx->mtx_owner, &o,
	    (uintptr_t)l)))
		mutex_enter(mtx);
}

static inline void
kern_mutex_exit(kmutex_t *mtx, struct lwp *l)
{
	uintptr_t o;

	o = (uintptr_t)l;
	/* Release: publish our stores.  The last access to the mutex. */
	if (__predict_false(!atomic_cas_release(&mtx->mtx_owner, &o,
	    (uintptr_t)0)))
		mutex_exit(mtx);
}

/* Release a mutex that the caller will take again; let sleepers go first. */
void	mutex_handoff(kmutex_t *);

#endif	/* !_KERN_KERN_MUTEX_H_ */
