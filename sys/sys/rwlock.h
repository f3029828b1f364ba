/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * rwlock(9).
 */

#ifndef _SYS_RWLOCK_H_
#define	_SYS_RWLOCK_H_

#include <sys/wq_types.h>
#include <stdbool.h>
#include <stdint.h>

__WQ_BEGIN_DECLS

typedef enum krw_t {
	RW_READER = 0,
	RW_WRITER = 1
} krw_t;

/* A readers/writer lock; embed it.  Its field is the library's. */
typedef struct krwlock {
	uintptr_t	rw_word;	/* writer or readers, and bits */
} krwlock_t;

#define	rw_init		wqk_rw_init
#define	rw_destroy	wqk_rw_destroy
#define	rw_enter	wqk_rw_enter
#define	rw_exit		wqk_rw_exit
#define	rw_tryenter	wqk_rw_tryenter
#define	rw_tryupgrade	wqk_rw_tryupgrade
#define	rw_downgrade	wqk_rw_downgrade
#define	rw_read_held	wqk_rw_read_held
#define	rw_write_held	wqk_rw_write_held
#define	rw_lock_held	wqk_rw_lock_held
#define	rw_lock_op	wqk_rw_lock_op
#define	rw_obj_alloc	wqk_rw_obj_alloc
#define	rw_obj_tryalloc	wqk_rw_obj_tryalloc
#define	rw_obj_hold	wqk_rw_obj_hold
#define	rw_obj_free	wqk_rw_obj_free
#define	rw_obj_refcnt	wqk_rw_obj_refcnt

void	rw_init(krwlock_t *);
void	rw_destroy(krwlock_t *);
void	rw_enter(krwlock_t *, const krw_t);
void	rw_exit(krwlock_t *);

/* Non-zero if the lock was taken, or changed to one to write. */
int	rw_tryenter(krwlock_t *, const krw_t);
int	rw_tryupgrade(krwlock_t *);

/* Keep a lock held to write, but to read. */
void	rw_downgrade(krwlock_t *);

/* Non-zero if somebody reads; if the caller writes; if it is held at all. */
int	rw_read_held(krwlock_t *);
int	rw_write_held(krwlock_t *);
int	rw_lock_held(krwlock_t *);

/* How the caller, who must hold it, does so. */
krw_t	rw_lock_op(krwlock_t *);

/*
 * rw_obj(9): locks that several hold references to.  One is made with one
 * reference; tryalloc does not wait for memory and may return NULL.
 */
krwlock_t *rw_obj_alloc(void);
krwlock_t *rw_obj_tryalloc(void);

/* One reference more; one less: true if that was the last. */
void	rw_obj_hold(krwlock_t *);
bool	rw_obj_free(krwlock_t *);
unsigned int rw_obj_refcnt(krwlock_t *);

__WQ_END_DECLS

#endif	/* !_SYS_RWLOCK_H_ */
