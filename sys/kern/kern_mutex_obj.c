/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * mutex_obj(9): mutexes in memory of their own, with a reference count.
 */

#include <sys/kmem.h>

#include "kern.h"
#include "kern_mutex.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"

struct kmutexobj {
	kmutex_t	 mo_lock;	/* first: clients hold its address */
	unsigned	 mo_refcnt;	/* (a) */
};

static kmutex_t *
mutex_obj_make(kmutex_type_t type, int ipl, km_flag_t flag, uintptr_t site)
{
	struct kmutexobj *mo;

	if ((mo = kmem_intr_zalloc(sizeof(*mo), flag)) == NULL)
		return NULL;
	mutex_init_at(&mo->mo_lock, type, ipl, NULL, site);
	atomic_store_relaxed(&mo->mo_refcnt, 1u);
	return &mo->mo_lock;
}

__kern_public kmutex_t *
mutex_obj_alloc(kmutex_type_t type, int ipl)
{

	return mutex_obj_make(type, ipl, KM_SLEEP, LOCKDEBUG_SITE());
}

__kern_public kmutex_t *
mutex_obj_tryalloc(kmutex_type_t type, int ipl)
{

	return mutex_obj_make(type, ipl, KM_NOSLEEP, LOCKDEBUG_SITE());
}

__kern_public void
mutex_obj_hold(kmutex_t *mtx)
{
	struct kmutexobj *mo = (struct kmutexobj *)mtx;
	unsigned n;

	n = atomic_fetch_add_relaxed(&mo->mo_refcnt, 1u);
	KASSERTMSG(n != 0, "mutex_obj_hold: mutex %p is free", (void *)mtx);
}

__kern_public bool
mutex_obj_free(kmutex_t *mtx)
{
	struct kmutexobj *mo = (struct kmutexobj *)mtx;
	unsigned n;

	/*
	 * Acquire and release: the thread that frees the mutex sees what the
	 * other threads did.
	 */
	n = atomic_fetch_add_acq_rel(&mo->mo_refcnt, -1u);
	KASSERTMSG(n != 0, "mutex_obj_free: mutex %p is free", (void *)mtx);
	if (n != 1)
		return false;
	mutex_destroy(mtx);
	kmem_intr_free(mo, sizeof(*mo));
	return true;
}

__kern_public unsigned int
mutex_obj_refcnt(kmutex_t *mtx)
{
	struct kmutexobj *mo = (struct kmutexobj *)mtx;

	return atomic_load_relaxed(&mo->mo_refcnt);
}
