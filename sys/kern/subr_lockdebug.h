/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Checking mode for locks, and for objects that run functions for which a
 * thread can wait.
 */

#ifndef _KERN_SUBR_LOCKDEBUG_H_
#define	_KERN_SUBR_LOCKDEBUG_H_

#include "kern.h"

struct lwp;

/*
 * Call these only if KERN_CHECKING() is true, except for the functions that
 * return texts.
 *
 * subr_lockdebug.c: the objects.
 */
#define	LOCKDEBUG_SITE() ((uintptr_t)__builtin_return_address(0))

/* Flags of lockdebug_make(). */
#define	LOCKDEBUG_RUN	0x01		/* not a lock: runs a function */
#define	LOCKDEBUG_NAMED	0x04		/* the client chose its name */

extern struct kspin ld_lock;

/*
 * Record a new object: its address, kind, name, LOCKDEBUG_* flags, hook, and
 * the site of the call.  If the object need not be destroyed, it has a hook.
 * The hook returns true if the object is in use.  It is called with a spin lock
 * held.
 */
void	lockdebug_make(const char *, const void *, const char *,
	    const char *, int, bool (*)(const void *), uintptr_t);
void	lockdebug_alloc(const char *, const void *, const char *,
	    const char *, uintptr_t);
void	lockdebug_free(const char *, const void *, const char *);
void	lockdebug_end(const void *);
bool	lockdebug_known(const void *);
void	lockdebug_keep(const void *);
void	lockdebug_memfree(const char *, const void *, size_t);
const char *lockdebug_text(const void *, const char *);
const char *lockdebug_made(const void *);

/* subr_lockheld.c: the locks that threads hold and wait for. */
void	lockdebug_lwpinit(struct lwp *);
void	lockdebug_lwpended(struct lwp *);
void	lockdebug_lwpfreed(struct lwp *);
void	lockdebug_wantlock(const char *, const void *, const char *, bool,
	    uintptr_t);
void	lockdebug_locked(const char *, const void *, const char *, bool, bool,
	    uintptr_t);
void	lockdebug_unlocked(const char *, const void *, const char *);
void	lockdebug_shared(const void *, bool);
const char *lockdebug_heldtext(void);
/*
 * lockdebug_held() returns the number of locks that the calling thread holds.
 * lockdebug_barrier() panics or warns if the thread now holds more than that.
 */
int	lockdebug_held(void);
void	lockdebug_barrier(const char *, const void *, int);

/* Objects that run functions, and threads that wait for them. */
uintptr_t lockdebug_call_begin(const void *, const void *, uintptr_t);
void	lockdebug_call_end(const char *, const void *, const void *, int);
void	lockdebug_call_detach(const void *);
void	lockdebug_maywait(const char *, const void *, uintptr_t);
void	lockdebug_maywait_func(const char *, const void *, uintptr_t,
	    const void *, uintptr_t);
void	lockdebug_wait_begin(const char *, const void *, const void *,
	    const int *);
void	lockdebug_wait_call(const char *, const void *, const void *);
void	lockdebug_wait_end(void);

#endif	/* !_KERN_SUBR_LOCKDEBUG_H_ */
