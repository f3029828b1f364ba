/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * mutex(9).
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
	MUTEX_NODEBUG = 4	/* as MUTEX_DEFAULT, not watched */
} kmutex_type_t;

/* A mutex; embed it.  Its fields are the library's. */
typedef struct kmutex {
	uintptr_t	mtx_owner;	/* lwp, and a bit: others sleep */
	unsigned char	mtx_ipl;	/* spin: the level it raises to */
	unsigned char	mtx_flags;
} kmutex_t;

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

/* Make one: a spin mutex from IPL_VM on, else an adaptive one. */
void	mutex_init(kmutex_t *, kmutex_type_t, int);
void	mutex_destroy(kmutex_t *);
void	mutex_enter(kmutex_t *);
void	mutex_exit(kmutex_t *);
void	mutex_spin_enter(kmutex_t *);
void	mutex_spin_exit(kmutex_t *);

/* Non-zero if the mutex was taken. */
int	mutex_tryenter(kmutex_t *);

/* Non-zero if the caller holds it. */
int	mutex_owned(const kmutex_t *);

/* Who holds it, or NULL: it may have changed by the time it is read. */
struct lwp *mutex_owner(const kmutex_t *);

/* Non-zero if the caller may take it: that is, does not hold it. */
int	mutex_ownable(const kmutex_t *);

/*
 * mutex_obj(9): mutexes that several hold references to.  One is made with
 * one reference; tryalloc does not wait for memory and may return NULL.
 */
kmutex_t *mutex_obj_alloc(kmutex_type_t, int);
kmutex_t *mutex_obj_tryalloc(kmutex_type_t, int);

/* One reference more; one less: true if that was the last. */
void	mutex_obj_hold(kmutex_t *);
bool	mutex_obj_free(kmutex_t *);
unsigned int mutex_obj_refcnt(kmutex_t *);

__WQ_END_DECLS

#endif	/* !_SYS_MUTEX_H_ */
