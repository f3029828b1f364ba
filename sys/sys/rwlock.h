/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * rwlock(9): readers/writer locks.
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

/* A readers/writer lock; embed it.  Its field belongs to the library. */
typedef struct krwlock {
	uintptr_t	rw_word;	/* writer or readers, and bits */
	uintptr_t	rw_spare;	/* for later releases */
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

/* Initialise a lock. */
void	rw_init(krwlock_t *);

/* The same, with a name for checking mode.  The name is not copied. */
void	wqk_rw_init_named(krwlock_t *, const char *);
#define	wqk_rw_init(rw)		wqk_rw_init_named((rw), #rw)

/* Destroy a lock.  Take it to read or write.  Release it. */
void	rw_destroy(krwlock_t *);
void	rw_enter(krwlock_t *, const krw_t);
void	rw_exit(krwlock_t *);

/*
 * rw_tryenter() takes the lock if possible.  rw_tryupgrade() changes a read
 * lock to a write lock if possible.  Both return non-zero on success.
 */
int	rw_tryenter(krwlock_t *, const krw_t);
int	rw_tryupgrade(krwlock_t *);

/* Change the caller's write lock to a read lock. */
void	rw_downgrade(krwlock_t *);

/*
 * Return true if a thread holds the lock to read; if the caller holds it to
 * write; if any thread holds it.
 */
int	rw_read_held(krwlock_t *);
int	rw_write_held(krwlock_t *);
int	rw_lock_held(krwlock_t *);

/* Return how the caller holds the lock.  The caller must hold the lock. */
krw_t	rw_lock_op(krwlock_t *);

/*
 * rw_obj(9): locks with a reference count.  A new lock has one reference.
 * rw_obj_tryalloc() does not sleep and may return NULL.
 */
krwlock_t *rw_obj_alloc(void);
krwlock_t *rw_obj_tryalloc(void);

/*
 * rw_obj_hold() adds a reference.  rw_obj_free() drops one, and returns true if
 * it was the last.  rw_obj_refcnt() returns the number of references.
 */
void	rw_obj_hold(krwlock_t *);
bool	rw_obj_free(krwlock_t *);
unsigned int rw_obj_refcnt(krwlock_t *);

__WQ_END_DECLS

#endif	/* !_SYS_RWLOCK_H_ */
