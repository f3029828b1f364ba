/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The list of all pools.  The functions here create and destroy pools, give
 * memory back, do the helper's work, and handle fork(2).
 */

#include <string.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_sleepq.h"
#include "subr_kmem.h"
#include "subr_pool.h"

#define	POOL_RESERVESZ	((size_t)32 * 1024)	/* bytes, at first */

static struct kspin	pool_listlock;
static struct pool	*pool_list;		/* (pool_listlock) */

/* Panic if the pool is initialised already.  For checking mode. */
static void
pool_init_check(const struct pool *pp, const char *wchan)
{
	struct pool *o;

	kspin_enter(&pool_listlock);
	for (o = pool_list; o != NULL; o = o->pr_next)
		if (o == pp)
			panic("pool_init: \"%s\": pool %p is initialised "
			    "already, as \"%s\"", wchan, (const void *)pp,
			    o->pr_wchan);
	kspin_exit(&pool_listlock);
}

__kern_public void
pool_init(struct pool *pp, size_t size, unsigned int align, unsigned int ioff,
    int flags, const char *wchan, struct pool_allocator *palloc, int ipl)
{

	kern_init();
	KASSERTMSG(size != 0 && size < POOL_MAXPAGE / 4,
	    "pool_init: \"%s\": size %zu", wchan, size);
	KASSERTMSG((align & (align - 1)) == 0 && align <= POOL_MAXPAGE / 4,
	    "pool_init: \"%s\": alignment %u", wchan, align);
	KASSERTMSG(ipl >= IPL_NONE && ipl < NIPL, "pool_init: \"%s\": IPL %d",
	    wchan, ipl);
	KERN_CHECK(pool_init_check(pp, wchan));

	memset(pp, 0, sizeof(*pp));
	pp->pr_forkgen = kern_forkgen;
	pp->pr_ipl = ipl;
	pp->pr_wchan = wchan;
	pp->pr_alloc = palloc != NULL ? palloc : &pool_allocator_kmem;
	pp->pr_flags = flags;
	pp->pr_maxitems = pp->pr_hardlimit = UINT32_MAX;
	pp->pr_reqsize = size;
	pool_page_init(pp, align, ioff);

	kspin_enter(&pool_listlock);
	pp->pr_next = pool_list;
	if (pp->pr_next != NULL)
		pp->pr_next->pr_prevp = &pp->pr_next;
	pp->pr_prevp = &pool_list;
	pool_list = pp;
	kspin_exit(&pool_listlock);

	/* If interrupt handlers use the pool, start with some items. */
	if (ipl >= IPL_VM && pp->pr_alloc->pa_alloc == pool_page_alloc) {
		pp->pr_reserve = pp->pr_slot * POOL_RESERVE <=
		    POOL_RESERVESZ || pp->pr_itemsperpage > POOL_RESERVE ?
		    POOL_RESERVE : pp->pr_itemsperpage;
		(void)pool_prime(pp, (int)pp->pr_reserve);
		kmem_helper_start();
	}
}

__kern_public void
pool_destroy(struct pool *pp)
{
	struct pool_page *pg;
	struct sleepq *sq;
	struct lwp *l;

	KERN_CHECK(context_check_sleep("pool_destroy"));
	l = curlwp_get();
	kspin_enter(&pool_listlock);
	pool_lock(pp);
	pool_unlock(pp);
	if (pp->pr_prevp != NULL) {
		*pp->pr_prevp = pp->pr_next;
		if (pp->pr_next != NULL)
			pp->pr_next->pr_prevp = pp->pr_prevp;
	}
	pp->pr_next = NULL;
	kspin_exit(&pool_listlock);

	pool_lock(pp);
	while (pp->pr_busy != 0) {
		sq = sleepq_enter(&pp->pr_busy);
		sleepq_enqueue(sq, l, &pp->pr_busy, SLEEPQ_POOL, false);
		sleepq_exit(sq);
		pool_unlock(pp);
		(void)sleepq_block(l, HOST_FOREVER);
		pool_lock(pp);
	}
	pool_unlock(pp);
	/* In a forked child, other threads of the parent return no items. */
	if (pp->pr_nout != 0 && !pp->pr_inherited)
		panic("pool_destroy: \"%s\": %u items are still out",
		    pp->pr_wchan, pp->pr_nout);
	while ((pg = pp->pr_empty) != NULL) {
		pool_page_retire(pp, pg);
		pool_shrink(pp, pg);
	}
}

/*
 * Make all pools give back the pages that are not in use, because memory is
 * short.  The caller may hold locks that constructors and drain hooks take, so
 * call none of these.
 */
static void
pool_drainall(void)
{
	struct pool *next, *pp;

	pp = NULL;
	do {
		kspin_enter(&pool_listlock);
		/*
		 * If pp was destroyed, its pr_next is NULL, and the loop ends.
		 */
		next = pp == NULL ? pool_list : pp->pr_next;
		if (next != NULL) {
			pool_lock(next);
			pool_hold(next);
			pool_unlock(next);
		}
		kspin_exit(&pool_listlock);
		if (pp != NULL)
			pool_release(pp);
		if (next != NULL)
			(void)pool_giveback(next);
	} while ((pp = next) != NULL);
}

/*
 * Initialise this file, when the library starts.
 */
void
pool_subsystem_init(void)
{
	static struct kmem_reclaim reclaim = { .kr_drain = pool_drainall };

	kmem_reclaim_add(&reclaim);
}

/*
 * Refill or shrink the pools that were left to the helper.  The helper calls
 * this.
 */
void
pool_refill(void)
{
	struct pool *pp;
	bool enlarge;

	for (;;) {
		kspin_enter(&pool_listlock);
		for (pp = pool_list; pp != NULL; pp = pp->pr_next)
			if (atomic_load_relaxed(&pp->pr_refill) != 0)
				break;
		enlarge = false;
		if (pp != NULL) {
			pool_lock(pp);
			pool_hold(pp);
			atomic_store_relaxed(&pp->pr_refill, 0u);
			enlarge = pp->pr_cache != NULL &&
			    pp->pr_cache->pc_nlive > pp->pr_cache->pc_size;
			pool_unlock(pp);
		}
		kspin_exit(&pool_listlock);
		if (pp == NULL)
			return;
		if (enlarge)
			pool_cache_enlarge(pp->pr_cache);
		pool_lock(pp);
		pool_level(pp, false);
		pool_release(pp);
	}
}

/*
 * Wait, before a fork, for threads that are changing a pool.
 */
void
pool_fork_pass(void)
{
	struct pool *pp;

	kspin_enter_quiet(&pool_listlock);
	for (pp = pool_list; pp != NULL; pp = pp->pr_next)
		kspin_pass(pool_spin(pp));
	kspin_exit(&pool_listlock);
}

/*
 * Reset the list in a forked child.  If it may be inconsistent, give it up.
 * Each pool notices this when it is next used.  From then on the pool is on no
 * list, so only its users refill it.
 */
void
pool_fork(struct lwp *l)
{
	struct pool *pp;

	(void)l;
	if (kern_torn(&pool_listlock)) {
		pool_list = NULL;
		return;
	}
	for (pp = pool_list; pp != NULL; pp = pp->pr_next)
		pool_forked(pp, kern_torn(pool_spin(pp)));
}
