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

__WQ_END_DECLS

#endif	/* !_SYS_MUTEX_H_ */
