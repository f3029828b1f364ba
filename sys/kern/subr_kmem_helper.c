/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The helper: a thread that calls the C allocator for code that must not.  It
 * frees what such code has freed, and refills the reserves of kmem(9) and
 * pool(9).
 */

#include <string.h>

#include <sys/workqueue.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_kmem.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_pool.h"
#include "subr_workqueue.h"

/*
 * The library creates the helper once, and again in a forked child.  The item
 * is enqueued while kmem_helped is set.
 */
static struct workqueue	*kmem_helper;		/* (a) */
static unsigned		kmem_helping;		/* (a) exists, or being made */
static unsigned		kmem_helped;		/* (a) */
static struct work	kmem_helpwork;
#define	KMEM_PRI	PRI_KERNEL

static void
kmem_help(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	/* Clear this first, so that a later caller enqueues the item again. */
	(void)atomic_swap_seq_cst(&kmem_helped, 0u);
	kmem_freed();
	pool_refill();
}

/*
 * Create the helper, unless it exists or the caller must not sleep.
 */
void
kmem_helper_start(void)
{
	struct workqueue *wq;
	struct lwp *l;

	kern_fork_catchup();
	if (atomic_load_relaxed(&kmem_helping) != 0)
		return;
	l = curlwp_get();
	if (l->l_ipl != IPL_NONE || l->l_intrdepth != 0 ||
	    l->l_softintr != 0 || l->l_nopreempt != 0 || l->l_kspin != 0 ||
	    atomic_swap_seq_cst(&kmem_helping, 1u) != 0)
		return;
	if (workqueue_create_shared(&wq, "kmem", kmem_help, NULL, KMEM_PRI,
	    IPL_HIGH, WQ_MPSAFE) != 0) {
		atomic_store_relaxed(&kmem_helping, 0u);
		return;
	}
	KERN_CHECK(lockdebug_keep(wq));
	/* Release: other threads see a complete workqueue. */
	atomic_store_release(&kmem_helper, wq);
}

/*
 * Make the helper run, if there is one.  Any context, but the caller holds
 * neither kmem_lock nor the lock of a pool.
 */
void
kmem_helper_wake(void)
{
	struct workqueue *wq;

	/* Acquire: pairs with the release above. */
	if ((wq = atomic_load_acquire(&kmem_helper)) == NULL)
		return;
	if (atomic_swap_seq_cst(&kmem_helped, 1u) == 0)
		workqueue_enqueue(wq, &kmem_helpwork, NULL);
}

/*
 * Forget the helper in a forked child, where its thread does not exist.
 */
void
kmem_helper_fork(struct lwp *l)
{

	(void)l;
	kmem_helper = NULL;
	kmem_helping = kmem_helped = 0;
	memset(&kmem_helpwork, 0, sizeof(kmem_helpwork));
}
