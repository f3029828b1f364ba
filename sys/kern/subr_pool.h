/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What pool(9) and pool_cache(9) share: subr_pool.c, subr_pool_cache.c.
 */

#ifndef _KERN_SUBR_POOL_H_
#define	_KERN_SUBR_POOL_H_

#include <sys/pool.h>

#include "kern.h"

/* A link: the next free item of the page, or the state of one not free. */
#define	POOL_LINK_MAX	0xfff0		/* items of a page */
#define	POOL_LINK_END	0xffff
#define	POOL_LINK_OUT	0xfffe
#define	POOL_LINK_CACHED 0xfffd

struct pool_page {
	struct pool	*pg_pool;
	struct pool_page *pg_next;
	struct pool_page **pg_prevp;
	unsigned int	 pg_nfree;
	uint16_t	 pg_free;	/* first free item */
	uint16_t	 pg_link[];	/* one for each item */
};

static inline void
pool_lock(struct pool *pp)
{

	kspin_enter((struct kspin *)(void *)&pp->pr_lock);
}

static inline void
pool_unlock(struct pool *pp)
{

	kspin_exit((struct kspin *)(void *)&pp->pr_lock);
}

static inline unsigned int
pool_avail(const struct pool *pp)
{

	return pp->pr_nfree + (pp->pr_cache != NULL ?
	    pp->pr_cache->pc_nobjs : 0);
}

void	*pool_page_alloc(struct pool *, int);

/*
 * May no page be added or given back?  A client's own allocator is called
 * under locks, too.
 */
static inline bool
pool_nomalloc(const struct pool *pp)
{

	return pp->pr_alloc->pa_alloc == pool_page_alloc ?
	    kern_nomalloc_p() : kern_intr_p();
}

/*
 * subr_pool.c.  The lock is held in pool_wake(), whose caller unparks; it is
 * released by pool_later() and pool_level(), which leave the pool as it
 * should be.
 */
void	*pool_get1(struct pool *, const char *, int, bool *);
void	 pool_put1(struct pool *, const char *, void *);
void	 pool_context(const struct pool *, const char *, int);
struct pool_page *pool_find(const struct pool *, const char *, const void *,
	    unsigned int *);
void	 pool_later(struct pool *);
void	 pool_level(struct pool *, bool);
struct lwp *pool_wake(struct pool *);

/*
 * An item has come back.  The lock is held, and released.
 */
static inline void
pool_returned(struct pool *pp, bool nomalloc)
{
	struct lwp *l;

	pp->pr_nput++;
	l = pool_wake(pp);
	pool_level(pp, nomalloc);
	if (l != NULL)
		lwp_unpark(l);
}

/*
 * subr_pool_cache.c.  The lock is held in pool_cache_take(), and not in
 * pool_cache_enlarge().
 */
void	*pool_cache_take(struct pool_cache *);
void	 pool_cache_enlarge(struct pool_cache *);

#endif	/* !_KERN_SUBR_POOL_H_ */
