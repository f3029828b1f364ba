/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Spin locks of Linux: see linux_lock(9).
 */

#ifndef _LWQ_LINUX_SPINLOCK_H_
#define	_LWQ_LINUX_SPINLOCK_H_

#ifdef __cplusplus
#error "<linux/spinlock.h> is for C11 only, not for C++"
#endif

#include <linux/bug.h>
#include <linux/irqflags.h>
#include <linux/lwq_lock.h>

typedef struct spinlock {
	struct __lwq_mutex __sl_mtx;
} spinlock_t;
typedef spinlock_t	raw_spinlock_t;

typedef struct {
	unsigned int	__rw_state;	/* readers; all ones: a writer */
} rwlock_t;

#define	__SPIN_LOCK_UNLOCKED(name)	{ .__sl_mtx = _LWQ_SPIN }
#define	__RW_LOCK_UNLOCKED(name)	{ .__rw_state = 0 }

/* Values for assignments and initialisers, as in 2003. */
#define	SPIN_LOCK_UNLOCKED	((spinlock_t)__SPIN_LOCK_UNLOCKED(0))
#define	RW_LOCK_UNLOCKED	((rwlock_t)__RW_LOCK_UNLOCKED(0))

#define	DEFINE_SPINLOCK(name)						\
	spinlock_t name = __SPIN_LOCK_UNLOCKED(name)
#define	DEFINE_RAW_SPINLOCK(name)	DEFINE_SPINLOCK(name)
#define	DEFINE_RWLOCK(name)						\
	rwlock_t name = __RW_LOCK_UNLOCKED(name)

#define	spin_lock_init		lwq_spin_init
#define	spin_lock		lwq_spin_lock
#define	spin_unlock		lwq_spin_unlock
#define	spin_trylock		lwq_spin_trylock
#define	spin_is_locked		lwq_spin_is_locked
void	spin_lock_init(spinlock_t *);
void	spin_lock(spinlock_t *);
void	spin_unlock(spinlock_t *);

/* Return non-zero if the lock was taken. */
int	spin_trylock(spinlock_t *);

/* Return true if a thread holds the lock, or if the caller holds it. */
int	spin_is_locked(const spinlock_t *);
bool	lwq_spin_owned(const spinlock_t *);
#define	assert_spin_locked(l)	BUG_ON(!lwq_spin_owned(l))
#define	lockdep_assert_held(l)	((void)WARN_ON(!_Generic((l),		\
	spinlock_t *: lwq_spin_owned,					\
	struct mutex *: lwq_mutex_owned)(l)))
struct mutex;
bool	lwq_mutex_owned(const struct mutex *);

/* A spin lock always blocks soft interrupts and interrupts. */
#define	spin_lock_bh		spin_lock
#define	spin_unlock_bh		spin_unlock
#define	spin_trylock_bh		spin_trylock
#define	spin_lock_irq		spin_lock
#define	spin_trylock_irq	spin_trylock
#define	spin_unlock_irq		lwq_spin_unlock_irq
#define	spin_lock_irqsave(l, flags)					\
	((void)((flags) = lwq_spin_lock_irqsave(l)))
#define	spin_trylock_irqsave(l, flags)					\
	((flags) = lwq_irqs_flags(), spin_trylock(l))
#define	spin_unlock_irqrestore	lwq_spin_unlock_irqrestore
void	spin_unlock_irq(spinlock_t *);
void	spin_unlock_irqrestore(spinlock_t *, unsigned long);
unsigned long lwq_spin_lock_irqsave(spinlock_t *);

#define	spin_lock_nested(l, class)	((void)(class), spin_lock(l))

#define	raw_spin_lock_init	spin_lock_init
#define	raw_spin_lock		spin_lock
#define	raw_spin_unlock		spin_unlock
#define	raw_spin_trylock	spin_trylock
#define	raw_spin_lock_irq	spin_lock_irq
#define	raw_spin_unlock_irq	spin_unlock_irq
#define	raw_spin_lock_irqsave(l, flags)		spin_lock_irqsave(l, flags)
#define	raw_spin_unlock_irqrestore(l, flags)	spin_unlock_irqrestore(l, flags)

/*
 * Many readers or one writer.  Readers do not wait for a waiting writer.  Only
 * the functions with "irq" in their name block interrupts.
 */
#define	rwlock_init		lwq_rwlock_init
#define	read_lock		lwq_read_lock
#define	read_unlock		lwq_read_unlock
#define	read_trylock		lwq_read_trylock
#define	write_lock		lwq_write_lock
#define	write_unlock		lwq_write_unlock
#define	write_trylock		lwq_write_trylock
void	rwlock_init(rwlock_t *);
void	read_lock(rwlock_t *);
void	read_unlock(rwlock_t *);
int	read_trylock(rwlock_t *);
void	write_lock(rwlock_t *);
void	write_unlock(rwlock_t *);
int	write_trylock(rwlock_t *);

#define	read_lock_bh		read_lock
#define	read_unlock_bh		read_unlock
#define	write_lock_bh		write_lock
#define	write_unlock_bh		write_unlock
#define	read_lock_irq(l)	(local_irq_disable(), read_lock(l))
#define	read_unlock_irq(l)	(read_unlock(l), local_irq_enable())
#define	write_lock_irq(l)	(local_irq_disable(), write_lock(l))
#define	write_unlock_irq(l)	(write_unlock(l), local_irq_enable())
#define	read_lock_irqsave(l, flags)					\
	do { local_irq_save(flags); read_lock(l); } while (0)
#define	read_unlock_irqrestore(l, flags)				\
	do { read_unlock(l); local_irq_restore(flags); } while (0)
#define	write_lock_irqsave(l, flags)					\
	do { local_irq_save(flags); write_lock(l); } while (0)
#define	write_unlock_irqrestore(l, flags)				\
	do { write_unlock(l); local_irq_restore(flags); } while (0)

#endif	/* !_LWQ_LINUX_SPINLOCK_H_ */
