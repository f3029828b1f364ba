/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * rw_obj(9): rwlocks in memory of their own, with a reference count.
 */

#include <sys/kmem.h>
#include <sys/rwlock.h>

#include "kern.h"
#include "kern_rwlock.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"

struct krwobj {
	krwlock_t	 ro_lock;	/* first: clients hold its address */
	unsigned	 ro_refcnt;	/* (a) */
};

static krwlock_t *
rw_obj_make(km_flag_t flag, uintptr_t site)
{
	struct krwobj *ro;

	if ((ro = kmem_intr_zalloc(sizeof(*ro), flag)) == NULL)
		return NULL;
	rw_init_at(&ro->ro_lock, NULL, site);
	atomic_store_relaxed(&ro->ro_refcnt, 1u);
	return &ro->ro_lock;
}

__kern_public krwlock_t *
rw_obj_alloc(void)
{

	return rw_obj_make(KM_SLEEP, LOCKDEBUG_SITE());
}

__kern_public krwlock_t *
rw_obj_tryalloc(void)
{

	return rw_obj_make(KM_NOSLEEP, LOCKDEBUG_SITE());
}

__kern_public void
rw_obj_hold(krwlock_t *rw)
{
	struct krwobj *ro = (struct krwobj *)rw;
	unsigned n;

	n = atomic_fetch_add_relaxed(&ro->ro_refcnt, 1u);
	KASSERTMSG(n != 0, "rw_obj_hold: rwlock %p is free", (void *)rw);
}

__kern_public bool
rw_obj_free(krwlock_t *rw)
{
	struct krwobj *ro = (struct krwobj *)rw;
	unsigned n;

	/* Acquire and release: the last thread sees what the others did. */
	n = atomic_fetch_add_acq_rel(&ro->ro_refcnt, -1u);
	KASSERTMSG(n != 0, "rw_obj_free: rwlock %p is free", (void *)rw);
	if (n != 1)
		return false;
	rw_destroy(rw);
	kmem_intr_free(ro, sizeof(*ro));
	return true;
}

__kern_public unsigned int
rw_obj_refcnt(krwlock_t *rw)
{
	struct krwobj *ro = (struct krwobj *)rw;

	return atomic_load_relaxed(&ro->ro_refcnt);
}
