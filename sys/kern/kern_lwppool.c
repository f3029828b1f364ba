/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The records of threads.  Their memory is type-stable: a record is returned
 * here and reused, but never freed.
 */

#include <limits.h>

#include "kern.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_runq.h"

/*
 * The first slab is static, so that the first threads need no allocation.
 * Further slabs are added on demand and never freed.
 */
static struct lwpslab	lwp_slab0;
struct lwpslab		*lwp_slabs;		/* (a) (lwp_poollock) */
static struct lwp	*lwp_freelist;		/* (lwp_poollock) */
struct kspin		lwp_poollock;
static int		lwp_lastlid;		/* (lwp_poollock) */

/*
 * The record of the thread in which the library started.  The thread gets it
 * when it is adopted: see lwp_adopt().  The record is in no slab, and is not
 * reused after the thread's end.
 */
struct lwp		lwp_zero;

static __kern_hot void
lwp_wakeup(struct runner *r)
{
	struct lwp *l;

	l = (struct lwp *)(void *)((char *)r - offsetof(struct lwp, l_runner));
	/* Relaxed: a hint that the thread reads when it is awake. */
	if (atomic_load_relaxed(&l->l_wakercpu) != LWP_NOWAKER)
		atomic_store_relaxed(&l->l_wakercpu, host_curcpu());
	lwp_unpark(l);
}

/*
 * Initialise the fields that lwp_reset() leaves alone when a record is reused.
 * A waker may access them even after the thread has ended.
 */
static void
lwp_initonce(struct lwp *l)
{

	host_park_init(&l->l_park);
	l->l_runner.r_wakeup = lwp_wakeup;
}

static void
lwp_addslab(struct lwpslab *slab)
{
	struct lwp *l;

	for (l = slab->ls_lwps; l < slab->ls_lwps + LWP_SLAB; l++) {
		lwp_initonce(l);
		l->l_oncpu = oncpu_cpus;
		l->l_free = lwp_freelist;
		lwp_freelist = l;
	}
	slab->ls_next = lwp_slabs;
	/* Release: pairs with lwp_find(). */
	atomic_store_release(&lwp_slabs, slab);
}

/*
 * Return the first record for which func returns true, or NULL.  The thread of
 * a record may be running, may have ended, or may not have started.  func may
 * read only atomic fields, because the threads keep running.
 */
struct lwp *
lwp_find(bool (*func)(struct lwp *, void *), void *arg)
{
	struct lwpslab *slab;
	struct lwp *l;

	if ((*func)(&lwp_zero, arg))
		return &lwp_zero;
	/* Acquire: pairs with lwp_addslab(). */
	for (slab = atomic_load_acquire(&lwp_slabs); slab != NULL;
	    slab = slab->ls_next)
		for (l = slab->ls_lwps; l < slab->ls_lwps + LWP_SLAB; l++)
			if ((*func)(l, arg))
				return l;
	return NULL;
}

/*
 * Return an unused record and a number for it, or NULL if there is no memory.
 */
struct lwp *
lwp_get(int *lidp)
{
	static bool slab0used;			/* (lwp_poollock) */
	struct lwpslab *slab;
	struct lwp *l;

	slab = NULL;
	for (;;) {
		kspin_enter(&lwp_poollock);
		if (!slab0used) {
			slab0used = true;
			lwp_addslab(&lwp_slab0);
		}
		if (slab != NULL)
			lwp_addslab(slab);
		if ((l = lwp_freelist) != NULL) {
			lwp_freelist = l->l_free;
			if (lwp_lastlid == INT_MAX)
				lwp_lastlid = 1;
			*lidp = ++lwp_lastlid;
		}
		kspin_exit(&lwp_poollock);
		if (l != NULL)
			return l;
		/* Several threads may each add a slab; that is harmless. */
		slab = host_alloc(sizeof(*slab));
		if (slab == NULL)
			return NULL;
	}
}

/*
 * Change the state of a thread.  Only the thread itself calls this, or the only
 * other thread that knows it.
 */
void
lwp_setstate(struct lwp *l, enum lwp_state state)
{

	switch (state) {
	case LWP_NEW:
		KASSERT(l->l_state == LWP_FREE);
		break;
	case LWP_RUNS:
		KASSERT(l->l_state == LWP_NEW);
		break;
	case LWP_DEAD:
		KASSERT(l->l_state == LWP_RUNS);
		break;
	case LWP_FREE:
		/* From LWP_NEW: the thread could not be started. */
		KASSERT(l->l_state == LWP_DEAD || l->l_state == LWP_NEW);
		break;
	}
	l->l_state = state;
}

/*
 * Return a record to the free list.
 */
void
lwp_put(struct lwp *l)
{

	lwp_setstate(l, LWP_FREE);
	kspin_enter(&lwp_poollock);
	/* Relaxed: only a second join, which is an error, can race. */
	atomic_store_relaxed(&l->l_kthread, 0);
	l->l_free = lwp_freelist;
	lwp_freelist = l;
	kspin_exit(&lwp_poollock);
}

/*
 * Initialise lwp_zero when the library starts.  Return its number.
 */
int
lwp_pool_init(void)
{

	lwp_initonce(&lwp_zero);
	return lwp_lastlid = 1;
}

__kern_public struct lwp *
wqk_lwp0(void)
{

	return &lwp_zero;
}

/*
 * Give up the free list in a forked child, if a thread of the parent may have
 * been changing it.
 */
void
lwp_fork(struct lwp *l)
{

	(void)l;
	if (kern_torn(&lwp_poollock))
		lwp_freelist = NULL;
}
