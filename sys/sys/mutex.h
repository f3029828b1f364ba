/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * mutex(9): mutual exclusion locks.
 */

#ifndef _SYS_MUTEX_H_
#define	_SYS_MUTEX_H_

#include <sys/wq_types.h>
#include <sys/intr.h>
#include <stdbool.h>
#include <stdint.h>

__WQ_BEGIN_DECLS

typedef enum kmutex_type_t {
	MUTEX_SPIN = 0,		/* as MUTEX_DEFAULT */
	MUTEX_ADAPTIVE = 1,	/* as MUTEX_DEFAULT */
	MUTEX_DEFAULT = 2,	/* the level decides */
	MUTEX_DRIVER = 3,	/* as MUTEX_DEFAULT */
	MUTEX_NODEBUG = 4	/* as MUTEX_DEFAULT, not checked */
} kmutex_type_t;

/* A mutex; embed it.  Its fields belong to the library. */
typedef struct kmutex {
	uintptr_t	mtx_owner;	/* lwp, and a bit for sleepers */
	unsigned char	mtx_ipl;	/* spin: the level it raises to */
	unsigned char	mtx_flags;
} kmutex_t;

/*
 * Initialise a mutex statically, like mutex_init() with this level.  It needs
 * no mutex_destroy(), and checking mode does not check it.
 */
#define	MUTEX_INITIALIZER(ipl)						\
	{ (ipl) >= IPL_VM ? 0 : 1, (ipl),				\
	(ipl) >= IPL_VM ? __MTX_INIT | __MTX_SPIN : __MTX_INIT }
#define	__MTX_INIT	0x01
#define	__MTX_SPIN	0x02

#define	mutex_init	wqk_mutex_init
#define	mutex_destroy	wqk_mutex_destroy
#define	mutex_enter	wqk_mutex_enter
#define	mutex_exit	wqk_mutex_exit
#define	mutex_spin_enter wqk_mutex_spin_enter
#define	mutex_spin_exit	wqk_mutex_spin_exit
#define	mutex_tryenter	wqk_mutex_tryenter
#define	mutex_owned	wqk_mutex_owned
#define	mutex_owner	wqk_mutex_owner
#define	mutex_ownable	wqk_mutex_ownable
#define	mutex_obj_alloc	wqk_mutex_obj_alloc
#define	mutex_obj_tryalloc wqk_mutex_obj_tryalloc
#define	mutex_obj_hold	wqk_mutex_obj_hold
#define	mutex_obj_free	wqk_mutex_obj_free
#define	mutex_obj_refcnt wqk_mutex_obj_refcnt

/* Initialise a mutex: a spin mutex from IPL_VM on, otherwise adaptive. */
void	mutex_init(kmutex_t *, kmutex_type_t, int);

/* The same, with a name for checking mode.  The name is not copied. */
void	wqk_mutex_init_named(kmutex_t *, kmutex_type_t, int, const char *);
#define	wqk_mutex_init(m, t, i)	wqk_mutex_init_named((m), (t), (i), #m)

/*
 * Destroy, take or release a mutex.  mutex_spin_*() accept only spin mutexes.
 */
void	mutex_destroy(kmutex_t *);
void	mutex_enter(kmutex_t *);
void	mutex_exit(kmutex_t *);
void	mutex_spin_enter(kmutex_t *);
void	mutex_spin_exit(kmutex_t *);

/* Take the mutex if it is free.  Return non-zero if it was taken. */
int	mutex_tryenter(kmutex_t *);

/* Return true if the caller holds the mutex. */
int	mutex_owned(const kmutex_t *);

/* Return the owner, or NULL.  An owner other than the caller may change. */
struct lwp *mutex_owner(const kmutex_t *);

/* Return true if the caller does not hold the mutex, so that it may take it. */
int	mutex_ownable(const kmutex_t *);

/*
 * mutex_obj(9): mutexes with a reference count.  A new mutex has one reference.
 * mutex_obj_tryalloc() does not sleep and may return NULL.
 */
kmutex_t *mutex_obj_alloc(kmutex_type_t, int);
kmutex_t *mutex_obj_tryalloc(kmutex_type_t, int);

/*
 * mutex_obj_hold() adds a reference.  mutex_obj_free() drops one, and returns
 * true if it was the last.  mutex_obj_refcnt() returns their number.
 */
void	mutex_obj_hold(kmutex_t *);
bool	mutex_obj_free(kmutex_t *);
unsigned int mutex_obj_refcnt(kmutex_t *);

__WQ_END_DECLS

#endif	/* !_SYS_MUTEX_H_ */
