/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Declarations for the files of pool(9) and pool_cache(9).
 */

#ifndef _KERN_SUBR_POOL_H_
#define	_KERN_SUBR_POOL_H_

#include <sys/pool.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"

#define	POOL_MAXPAGE	((size_t)1 << 30)
#define	POOL_RESERVE	16		/* items for interrupts */
#define	POOL_FILL	0xd9		/* fills free items, in checking mode */

/* A link: the next free item of the page, or the state of a taken item. */
#define	POOL_LINK_MAX	0xfff0		/* most items per page */
#define	POOL_LINK_END	0xffff
#define	POOL_LINK_OUT	0xfffe
#define	POOL_LINK_CACHED 0xfffd

/*
 * The header of a page.  It is at the start of the page, or, if pr_offpage is
 * set, in separate memory after a struct pool_offpage.
 */
struct pool_page {
	char		*pg_items;	/* first item */
	struct pool	*pg_pool;
	struct pool_page *pg_next;
	struct pool_page **pg_prevp;
	unsigned int	 pg_forkgen;	/* kern_forkgen when last set up */
	unsigned int	 pg_nfree;
	uint16_t	 pg_free;	/* first free item */
	uint16_t	 pg_link[];	/* one for each item */
};

struct pool_offpage {
	struct pool_offpage *po_left;	/* in pr_tree: lower addresses */
	struct pool_offpage *po_right;	/* and higher ones */
	char		*po_page;	/* address of the page */
};

static inline struct pool_offpage *
pool_offpage(struct pool_page *pg)
{

	return (struct pool_offpage *)(void *)pg - 1;
}

static inline struct kspin *
pool_spin(struct pool *pp)
{

	return (struct kspin *)(void *)&pp->pr_lock;
}

static inline void
pool_page_insert(struct pool_page **headp, struct pool_page *pg)
{

	pg->pg_next = *headp;
	if (pg->pg_next != NULL)
		pg->pg_next->pg_prevp = &pg->pg_next;
	pg->pg_prevp = headp;
	*headp = pg;
}

static inline void
pool_page_remove(struct pool_page *pg)
{

	*pg->pg_prevp = pg->pg_next;
	if (pg->pg_next != NULL)
		pg->pg_next->pg_prevp = pg->pg_prevp;
}

static inline void *
pool_item(const struct pool *pp, struct pool_page *pg, unsigned int i)
{

	return pg->pg_items + i * pp->pr_slot;
}

void	pool_stray(struct pool *);

static inline void
pool_lock(struct pool *pp)
{

	kspin_enter(pool_spin(pp));
	/* A forked child has not set up this pool yet: see pool_fork(). */
	if (__predict_false(pp->pr_forkgen != kern_forkgen))
		pool_stray(pp);
}

static inline void
pool_unlock(struct pool *pp)
{

	kspin_exit(pool_spin(pp));
}

static inline unsigned int
pool_avail(const struct pool *pp)
{

	return pp->pr_nfree + (pp->pr_cache != NULL ?
	    pp->pr_cache->pc_nobjs : 0);
}

/* Return true if checking mode fills free items. */
static inline bool
pool_filling(const struct pool *pp)
{

	return KERN_CHECKING() && (pp->pr_flags & PR_NOTOUCH) == 0;
}

/*
 * subr_pool_page.c.  The caller of pool_page_regain() holds the lock.  The
 * caller of pool_find() holds the lock if pr_offpage is set.  The caller of
 * pool_page_retire() holds the lock, or is the only user of the pool.  The
 * caller of pool_grow() or pool_shrink() does not hold the lock, but it has
 * called pool_hold(), or is the only user of the pool.
 */
void	*pool_page_alloc(struct pool *, int);
void	 pool_page_init(struct pool *, unsigned int, unsigned int);
bool	 pool_grow(struct pool *, int);
void	 pool_shrink(struct pool *, struct pool_page *);
void	 pool_page_retire(struct pool *, struct pool_page *);
struct pool_page *pool_find(struct pool *, const char *, const void *,
	    unsigned int *);
void	 pool_forked(struct pool *, bool);
void	 pool_page_regain(struct pool *, struct pool_page *);

/*
 * Return true if the caller must not add or give back a page.  A client's own
 * allocator may be called with locks held, but the default one may not.
 */
static inline bool
pool_nomalloc(const struct pool *pp)
{

	return pp->pr_alloc->pa_alloc == pool_page_alloc ?
	    kern_nomalloc_p() : kern_intr_p();
}

/*
 * Make AddressSanitizer report any access to a free item, or permit access
 * again.
 */
static inline void
pool_poison(const struct pool *pp, void *item)
{

	if ((pp->pr_flags & PR_NOTOUCH) == 0)
		KERN_POISON(item, pp->pr_reqsize);
}

static inline void
pool_unpoison(const struct pool *pp, void *item)
{

	if ((pp->pr_flags & PR_NOTOUCH) == 0)
		KERN_UNPOISON(item, pp->pr_reqsize);
}

/*
 * subr_pool.c.  The caller of pool_wake(), pool_later(), pool_level() and
 * pool_hold() holds the lock.  pool_wake() returns a thread that the caller
 * must unpark.  pool_level() refills the pool or gives pages back.
 * pool_later() leaves this to the helper.  Both release the lock.
 */
void	*pool_get1(struct pool *, const char *, int, bool *);
void	 pool_put1(struct pool *, const char *, void *);
void	 pool_context(const struct pool *, const char *, int);
void	 pool_hold(struct pool *);
void	 pool_release(struct pool *);
int	 pool_giveback(struct pool *);
void	 pool_later(struct pool *);
void	 pool_level(struct pool *, bool);
struct lwp *pool_wake(struct pool *);

/*
 * Complete the return of an item, and release the lock.
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
 * subr_pool_cache.c.  The caller of pool_cache_take() holds the lock; the
 * caller of pool_cache_enlarge() does not.
 */
void	*pool_cache_take(struct pool_cache *);
void	 pool_cache_enlarge(struct pool_cache *);

/* subr_pool_list.c: refill the pools that pool_later() left to the helper. */
void	pool_refill(void);

#endif	/* !_KERN_SUBR_POOL_H_ */
