/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pool_cache(9).  A cache keeps the addresses of free constructed objects on a
 * stack.  The lock of its pool guards the stack.  The pool counts these objects
 * as allocated.
 */

#include <string.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_param.h"
#include "subr_kmem.h"
#include "subr_pool.h"

/*
 * Take a constructed object out of the cache.
 */
void *
pool_cache_take(struct pool_cache *pc)
{
	struct pool_page *pg;
	unsigned int i;
	void *obj;

	KSPIN_ASSERT(pool_spin(&pc->pc_pool));
	obj = pc->pc_objs[--pc->pc_nobjs];
	pg = pool_find(&pc->pc_pool, "pool_cache_get", obj, &i);
	pg->pg_link[i] = POOL_LINK_OUT;
	return obj;
}

__kern_public void
pool_cache_bootstrap(pool_cache_t pc, size_t size, unsigned int align,
    unsigned int ioff, unsigned int flags, const char *wchan,
    struct pool_allocator *palloc, int ipl,
    int (*ctor)(void *, void *, int), void (*dtor)(void *, void *), void *arg)
{

	pool_init(&pc->pc_pool, size, align, ioff, (int)flags, wchan, palloc,
	    ipl);
	pc->pc_ctor = ctor;
	pc->pc_dtor = dtor;
	pc->pc_arg = arg;
	pc->pc_objs = NULL;
	pc->pc_nobjs = pc->pc_size = pc->pc_nlive = 0;
	pc->pc_hits = pc->pc_misses = 0;
	pool_lock(&pc->pc_pool);
	pc->pc_pool.pr_cache = pc;
	pool_unlock(&pc->pc_pool);
}

__kern_public pool_cache_t
pool_cache_init(size_t size, unsigned int align, unsigned int ioff,
    unsigned int flags, const char *wchan, struct pool_allocator *palloc,
    int ipl, int (*ctor)(void *, void *, int), void (*dtor)(void *, void *),
    void *arg)
{
	struct kmem_wait kw = { 0, 0 };
	struct pool_cache *pc;

	kern_init();
	KERN_CHECK(context_check_sleep("pool_cache_init"));
	while ((pc = host_alloc(sizeof(*pc))) == NULL)
		kmem_backoff(&kw, "pool_cache_init", sizeof(*pc));
	pool_cache_bootstrap(pc, size, align, ioff, flags, wchan, palloc, ipl,
	    ctor, dtor, arg);
	return pc;
}

__kern_public void
pool_cache_bootstrap_destroy(pool_cache_t pc)
{

	pool_cache_invalidate(pc);
	pool_destroy(&pc->pc_pool);
	host_free(pc->pc_objs);
	pc->pc_objs = NULL;
	pc->pc_size = 0;
}

__kern_public void
pool_cache_destroy(pool_cache_t pc)
{

	pool_cache_bootstrap_destroy(pc);
	host_free(pc);
}

/*
 * Make room on the stack for all existing objects.  If there is no memory for
 * this, pool_cache_put() destructs the objects that find no room.
 */
void
pool_cache_enlarge(struct pool_cache *pc)
{
	void **objs, **old;
	unsigned int size;

	pool_lock(&pc->pc_pool);
	size = pc->pc_size;
	pool_unlock(&pc->pc_pool);
	size = size < 32 ? 64 : size * 2;
	if ((objs = host_alloc(size * sizeof(*objs))) == NULL)
		return;
	pool_lock(&pc->pc_pool);
	old = objs;
	if (pc->pc_size < size) {
		old = pc->pc_objs;
		if (pc->pc_nobjs != 0)
			memcpy(objs, old, pc->pc_nobjs * sizeof(*objs));
		pc->pc_objs = objs;
		pc->pc_size = size;
	}
	pool_unlock(&pc->pc_pool);
	host_free(old);
}

__kern_public void *
pool_cache_get_paddr(pool_cache_t pc, int flags, paddr_t *pap)
{
	bool constructed, enlarge, nomalloc;
	void *obj;

	nomalloc = kern_nomalloc_p();
	KASSERTMSG((flags & PR_ZERO) == 0,
	    "pool_cache_get: \"%s\": PR_ZERO in a pool cache",
	    pc->pc_pool.pr_wchan);
	obj = pool_get1(&pc->pc_pool, "pool_cache_get", flags, &constructed);
	if (obj == NULL)
		return NULL;
	if (!constructed) {
		if (pc->pc_ctor != NULL &&
		    (*pc->pc_ctor)(pc->pc_arg, obj, flags) != 0) {
			pool_put1(&pc->pc_pool, "pool_cache_get", obj);
			return NULL;
		}
		pool_lock(&pc->pc_pool);
		pc->pc_misses++;
		enlarge = ++pc->pc_nlive > pc->pc_size;
		if (enlarge && nomalloc) {
			pool_later(&pc->pc_pool);
			enlarge = false;
		} else
			pool_unlock(&pc->pc_pool);
		if (enlarge)
			pool_cache_enlarge(pc);
	}
	if (pap != NULL)
		*pap = POOL_PADDR_INVALID;
	return obj;
}

static void
pool_cache_destruct(struct pool_cache *pc, const char *func, void *obj)
{

	if (pc->pc_dtor != NULL)
		(*pc->pc_dtor)(pc->pc_arg, obj);
	pool_lock(&pc->pc_pool);
	pc->pc_nlive--;
	pool_unlock(&pc->pc_pool);
	pool_put1(&pc->pc_pool, func, obj);
}

/*
 * Find the page and the number of an object, and panic if the object is free.
 * Return NULL if pool_find() does.
 */
static struct pool_page *
pool_cache_find(struct pool_cache *pc, const char *func, const void *obj,
    unsigned int *ip)
{
	struct pool_page *pg;

	KSPIN_ASSERT(pool_spin(&pc->pc_pool));
	pg = pool_find(&pc->pc_pool, func, obj, ip);
	if (__predict_false(pg == NULL))
		return NULL;
	pool_page_regain(&pc->pc_pool, pg);
	if (pg->pg_link[*ip] != POOL_LINK_OUT)
		panic("%s: \"%s\": object %p is free already", func,
		    pc->pc_pool.pr_wchan, obj);
	return pg;
}

__kern_public void
pool_cache_put_paddr(pool_cache_t pc, void *obj, paddr_t pa)
{
	struct pool_page *pg;
	struct pool *pp;
	unsigned int i;
	bool nomalloc;

	(void)pa;
	pp = &pc->pc_pool;
	KERN_CHECK(pool_context(pp, "pool_cache_put", 0));
	nomalloc = pool_nomalloc(pp);
	pool_lock(pp);
	pg = pool_cache_find(pc, "pool_cache_put", obj, &i);
	if (__predict_false(pg == NULL)) {
		pool_unlock(pp);
		return;
	}
	if (pc->pc_nobjs == pc->pc_size || pool_avail(pp) >= pp->pr_maxitems) {
		pool_unlock(pp);
		pool_cache_destruct(pc, "pool_cache_put", obj);
		return;
	}
	pool_poison(pp, obj);
	pg->pg_link[i] = POOL_LINK_CACHED;
	pc->pc_objs[pc->pc_nobjs++] = obj;
	pool_returned(pp, nomalloc);
}

__kern_public void
pool_cache_destruct_object(pool_cache_t pc, void *obj)
{
	unsigned int i;

	pool_lock(&pc->pc_pool);
	(void)pool_cache_find(pc, "pool_cache_destruct_object", obj, &i);
	pool_unlock(&pc->pc_pool);
	pool_cache_destruct(pc, "pool_cache_destruct_object", obj);
}

__kern_public void
pool_cache_invalidate(pool_cache_t pc)
{
	struct pool *pp;
	unsigned int n;
	void *obj;

	pp = &pc->pc_pool;
	pool_lock(pp);
	for (n = pc->pc_nobjs; n > 0 && pc->pc_nobjs > 0; n--) {
		obj = pool_cache_take(pc);
		pp->pr_nput--;		/* pool_put1() counts it again */
		pool_unlock(pp);
		pool_unpoison(pp, obj);
		pool_cache_destruct(pc, "pool_cache_invalidate", obj);
		pool_lock(pp);
	}
	pool_unlock(pp);
}

__kern_public bool
pool_cache_reclaim(pool_cache_t pc)
{

	pool_cache_invalidate(pc);
	return pool_reclaim(&pc->pc_pool) != 0;
}

__kern_public void
pool_cache_prime(pool_cache_t pc, int n)
{

	(void)pool_prime(&pc->pc_pool, n);
}

__kern_public void
pool_cache_setlowat(pool_cache_t pc, int n)
{

	pool_setlowat(&pc->pc_pool, n);
}

__kern_public void
pool_cache_sethiwat(pool_cache_t pc, int n)
{

	pool_sethiwat(&pc->pc_pool, n);
}

__kern_public void
pool_cache_sethardlimit(pool_cache_t pc, int n, const char *warning, int gap)
{

	pool_sethardlimit(&pc->pc_pool, n, warning, gap);
}

__kern_public void
pool_cache_set_drain_hook(pool_cache_t pc, void (*func)(void *, int),
    void *arg)
{

	pool_set_drain_hook(&pc->pc_pool, func, arg);
}
