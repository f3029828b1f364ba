/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Locks of Linux.  Spin locks and mutexes are those of mutex(9).  Linux sources
 * initialise them in the declaration and never destroy them, so checking mode
 * does not watch them.  A reader-writer spin lock is a separate word, because
 * Linux readers may nest, even in an interrupt.
 *
 * Every spin lock is at IPL_HIGH, whichever function takes it.  Interrupts that
 * Linux would not block are delayed, not lost.  mutex(9) saves the level before
 * a thread's first spin mutex and restores it after the last one.
 */

#include "linux_var.h"

#include <sys/intr.h>

/* From here on these names are Linux's; mutex(9)'s are wqk_mutex_*. */
#undef mutex_init
#undef mutex_destroy
#include <linux/mutex.h>
#include <linux/spinlock.h>

_Static_assert(sizeof(struct __lwq_mutex) == sizeof(kmutex_t) &&
    offsetof(struct __lwq_mutex, __m_owner) == offsetof(kmutex_t, mtx_owner) &&
    offsetof(struct __lwq_mutex, __m_ipl) == offsetof(kmutex_t, mtx_ipl) &&
    offsetof(struct __lwq_mutex, __m_flags) == offsetof(kmutex_t, mtx_flags),
    "struct __lwq_mutex is not a kmutex_t");
_Static_assert(IPL_HIGH == 7, "_LWQ_SPIN is not at IPL_HIGH");

/*
 * Spin locks.
 */
static inline kmutex_t *
lwq_spin(const spinlock_t *l)
{

	return (kmutex_t *)(uintptr_t)&l->__sl_mtx;
}

__lwq_public void
spin_lock_init(spinlock_t *l)
{

	wqk_mutex_init(lwq_spin(l), MUTEX_NODEBUG, IPL_HIGH);
}

__lwq_public void
spin_lock(spinlock_t *l)
{

	wqk_mutex_spin_enter(lwq_spin(l));
}

__lwq_public void
spin_unlock(spinlock_t *l)
{

	wqk_mutex_spin_exit(lwq_spin(l));
}

__lwq_public int
spin_trylock(spinlock_t *l)
{

	return wqk_mutex_tryenter(lwq_spin(l));
}

__lwq_public int
spin_is_locked(const spinlock_t *l)
{

	return wqk_mutex_owner(lwq_spin(l)) != NULL;
}

__lwq_public bool
lwq_spin_owned(const spinlock_t *l)
{

	return wqk_mutex_owned(lwq_spin(l)) != 0;
}

__lwq_public unsigned long
lwq_spin_lock_irqsave(spinlock_t *l)
{
	unsigned long flags;

	/* The lock raises the level, so get the level first. */
	flags = lwq_irqs_flags();
	wqk_mutex_spin_enter(lwq_spin(l));
	return flags;
}

__lwq_public void
spin_unlock_irqrestore(spinlock_t *l, unsigned long flags)
{

	wqk_mutex_spin_exit(lwq_spin(l));
	/* If the level was raised before the lock was taken, restore it now. */
	splx((int)flags);
}

__lwq_public void
spin_unlock_irq(spinlock_t *l)
{

	wqk_mutex_spin_exit(lwq_spin(l));
	local_irq_enable();
}

/*
 * Reader-writer spin locks.
 */
#define	RW_WRITER	(~0u)

__lwq_public void
rwlock_init(rwlock_t *l)
{

	atomic_store_relaxed(&l->__rw_state, 0u);
}

__lwq_public int
read_trylock(rwlock_t *l)
{
	unsigned int s;

	s = atomic_load_relaxed(&l->__rw_state);
	do {
		if (s >= RW_WRITER - 1)
			return 0;
		/* Acquire: observe what the last writer did. */
	} while (!atomic_cas_acquire(&l->__rw_state, &s, s + 1));
	wqpool_after(l);
	return 1;
}

__lwq_public void
read_lock(rwlock_t *l)
{
	unsigned int n;

	for (n = 0; !read_trylock(l);)
		wqk_relax(&n);
}

__lwq_public void
read_unlock(rwlock_t *l)
{
	unsigned int s;

	wqpool_before(l);
	/* Release: the next writer comes after these reads. */
	s = atomic_fetch_add_acq_rel(&l->__rw_state, -1u);
	if (s == 0 || s == RW_WRITER)
		wqk_panic("read_unlock: rwlock %p is not held by a reader",
		    (void *)l);
}

__lwq_public int
write_trylock(rwlock_t *l)
{
	unsigned int s;

	s = 0;
	/* Acquire: observe what the last holders did. */
	if (!atomic_cas_acquire(&l->__rw_state, &s, RW_WRITER))
		return 0;
	wqpool_after(l);
	return 1;
}

__lwq_public void
write_lock(rwlock_t *l)
{
	unsigned int n;

	for (n = 0; !write_trylock(l);)
		wqk_relax(&n);
}

__lwq_public void
write_unlock(rwlock_t *l)
{

	if (atomic_load_relaxed(&l->__rw_state) != RW_WRITER)
		wqk_panic("write_unlock: rwlock %p is not held by a writer",
		    (void *)l);
	wqpool_before(l);
	/* Release: hand over our stores. */
	atomic_store_release(&l->__rw_state, 0u);
}

/*
 * Mutexes.
 */
static inline kmutex_t *
lwq_mutex(const struct mutex *m)
{

	return (kmutex_t *)(uintptr_t)&m->__mx_mtx;
}

__lwq_public void
mutex_init(struct mutex *m)
{

	wqk_mutex_init(lwq_mutex(m), MUTEX_NODEBUG, IPL_NONE);
}

__lwq_public void
mutex_destroy(struct mutex *m)
{

	wqk_mutex_destroy(lwq_mutex(m));
}

__lwq_public void
mutex_lock(struct mutex *m)
{

	wqk_mutex_enter(lwq_mutex(m));
}

__lwq_public void
mutex_unlock(struct mutex *m)
{

	wqk_mutex_exit(lwq_mutex(m));
}

__lwq_public int
mutex_trylock(struct mutex *m)
{

	return wqk_mutex_tryenter(lwq_mutex(m));
}

__lwq_public bool
mutex_is_locked(const struct mutex *m)
{

	return wqk_mutex_owner(lwq_mutex(m)) != NULL;
}

__lwq_public bool
lwq_mutex_owned(const struct mutex *m)
{

	return wqk_mutex_owned(lwq_mutex(m)) != 0;
}
