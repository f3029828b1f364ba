/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pool(9) and pool_cache(9): items of one size, also for interrupt handlers.
 */

#ifndef _SYS_POOL_H_
#define	_SYS_POOL_H_

#include <sys/types.h>
#include <sys/wq_types.h>
#include <sys/mutex.h>
#include <sys/condvar.h>
#ifdef _KERNEL
#include <sys/queue.h>
#include <sys/time.h>
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__WQ_BEGIN_DECLS

typedef uintptr_t paddr_t;
#define	POOL_PADDR_INVALID	((paddr_t)-1)

struct lwp;
struct pool;
struct pool_cache;
struct pool_page;
struct pool_offpage;

/*
 * A source of pages.  The pool never calls the functions in an interrupt.  A
 * page has pa_pagesz bytes, a power of two.  It is aligned to its size, unless
 * PR_NOALIGN is given.  pool_init() replaces 0 by PAGE_SIZE.  With the
 * allocators below, each pool chooses its own page size.
 */
struct pool_allocator {
	void		*(*pa_alloc)(struct pool *, int);
	void		 (*pa_free)(struct pool *, void *);
	unsigned int	 pa_pagesz;
	void		*pa_spare[2];	/* for later releases */
};

#define	pool_allocator_kmem	wqk_pool_allocator_kmem
#define	pool_allocator_nointr	wqk_pool_allocator_nointr
#define	pool_allocator_meta	wqk_pool_allocator_meta
extern struct pool_allocator pool_allocator_kmem;
extern struct pool_allocator pool_allocator_nointr;
extern struct pool_allocator pool_allocator_meta;

/* Flags of pool_get(). */
#define	PR_WAITOK	0x01	/* wait for an item */
#define	PR_NOWAIT	0x02	/* may return NULL */
#define	PR_LIMITFAIL	0x100	/* NULL at the hard limit, no wait */
#define	PR_ZERO		0x4000	/* clear the item */

/* Flags of pool_init() with the client's own allocator. */
#define	PR_NOTOUCH	0x400	/* pages need not be memory */
#define	PR_NOALIGN	0x800	/* pages may begin anywhere */

/* Flags of pool_init() that have no effect here. */
#define	PR_RECURSIVE	0x200
#define	PR_LARGECACHE	0x1000
#define	PR_PSERIALIZE	0x10000

/*
 * A pool, in memory of its owner.  The fields belong to the library.  pr_lock
 * guards them, except those that pool_init() sets once.
 */
struct pool {
	unsigned int	 pr_lock;
	int		 pr_ipl;
	const char	*pr_wchan;	/* its name */
	struct pool_allocator *pr_alloc;
	struct pool_cache *pr_cache;	/* the cache around it, or NULL */
	size_t		 pr_reqsize;	/* the requested size of an item */
	size_t		 pr_slot;	/* bytes from one item to the next */
	size_t		 pr_first;	/* offset of a page's first item */
	size_t		 pr_pagesz;
	bool		 pr_offpage;	/* page headers are elsewhere */
	bool		 pr_inherited;	/* an ancestor of the process made it */
	struct pool_offpage *pr_tree;	/* these headers, by page */
	unsigned int	 pr_itemsperpage;
	int		 pr_flags;
	struct pool_page *pr_empty;	/* pages by use: none, some, all */
	struct pool_page *pr_partial;
	struct pool_page *pr_full;
	unsigned int	 pr_npages;
	unsigned int	 pr_nfree;	/* free items */
	unsigned int	 pr_nout;	/* items in use, or in the cache */
	unsigned int	 pr_reserve;	/* free items for interrupts only */
	unsigned int	 pr_refill;	/* (a) items that the helper adds */
	unsigned int	 pr_minitems;	/* low water */
	unsigned int	 pr_primed;	/* items to keep, free or in use */
	unsigned int	 pr_maxitems;	/* high water */
	unsigned int	 pr_hardlimit;
	const char	*pr_limitwarn;
	int64_t		 pr_limitgap;	/* least time between warnings */
	int64_t		 pr_limitnext;
	unsigned int	 pr_nwait;	/* threads asleep for an item */
	unsigned int	 pr_busy;	/* threads at work without the lock */
	unsigned int	 pr_forkgen;	/* last process that used it */
	unsigned int	 pr_torngen;	/* last process to rebuild it, or 0 */
	uint64_t	 pr_nget;
	uint64_t	 pr_nput;
	uint64_t	 pr_nfail;
	void		(*pr_drain)(void *, int);
	void		*pr_drainarg;
	struct pool	*pr_next;	/* all pools */
	struct pool	**pr_prevp;	/* NULL: not on that list */
	void		*pr_spare[4];	/* for later releases */
};

/*
 * A cache of objects, which remain constructed while they are free.
 */
struct pool_cache {
	struct pool	 pc_pool;
	int		(*pc_ctor)(void *, void *, int);
	void		(*pc_dtor)(void *, void *);
	void		*pc_arg;
	void		**pc_objs;	/* free constructed objects */
	unsigned int	 pc_nobjs;
	unsigned int	 pc_size;	/* capacity of pc_objs */
	unsigned int	 pc_nlive;	/* constructed objects */
	uint64_t	 pc_hits;
	uint64_t	 pc_misses;
	void		*pc_spare[4];	/* for later releases */
};
typedef struct pool_cache *pool_cache_t;

#define	pool_init		wqk_pool_init
#define	pool_destroy		wqk_pool_destroy
#define	pool_get		wqk_pool_get
#define	pool_put		wqk_pool_put
#define	pool_prime		wqk_pool_prime
#define	pool_setlowat		wqk_pool_setlowat
#define	pool_sethiwat		wqk_pool_sethiwat
#define	pool_sethardlimit	wqk_pool_sethardlimit
#define	pool_set_drain_hook	wqk_pool_set_drain_hook
#define	pool_reclaim		wqk_pool_reclaim
#define	pool_nget		wqk_pool_nget
#define	pool_nput		wqk_pool_nput

/*
 * Initialise a pool.  Arguments: pool, size, align, align_offset, flags, name,
 * allocator or NULL, IPL.
 */
void	 pool_init(struct pool *, size_t, unsigned int, unsigned int, int,
	    const char *, struct pool_allocator *, int);

/* Destroy a pool, to which all items have been returned. */
void	 pool_destroy(struct pool *);

/* Get an item.  Interrupt handlers must pass PR_NOWAIT, and may get NULL. */
void	*pool_get(struct pool *, int);

/* Return an item to its pool.  Any context. */
void	 pool_put(struct pool *, void *);

/* Make n items free now.  Return 0, or ENOMEM in interrupt context. */
int	 pool_prime(struct pool *, int);

/*
 * Set the number of free items that the pool should have.  Set the number of
 * free items that it keeps at most.
 */
void	 pool_setlowat(struct pool *, int);
void	 pool_sethiwat(struct pool *, int);

/* Set the hard limit, a warning or NULL, and the seconds between warnings. */
void	 pool_sethardlimit(struct pool *, int, const char *, int);

/* Set a function that may return items when memory is short. */
void	 pool_set_drain_hook(struct pool *, void (*)(void *, int), void *);

/* Free unused pages.  Return non-zero if this freed a page. */
int	 pool_reclaim(struct pool *);

/* Return the number of successful calls of pool_get() or pool_put(). */
uint64_t pool_nget(struct pool *);
uint64_t pool_nput(struct pool *);

#define	pool_cache_init			wqk_pool_cache_init
#define	pool_cache_destroy		wqk_pool_cache_destroy
#define	pool_cache_bootstrap		wqk_pool_cache_bootstrap
#define	pool_cache_bootstrap_destroy	wqk_pool_cache_bootstrap_destroy
#define	pool_cache_get_paddr		wqk_pool_cache_get_paddr
#define	pool_cache_put_paddr		wqk_pool_cache_put_paddr
#define	pool_cache_destruct_object	wqk_pool_cache_destruct_object
#define	pool_cache_invalidate		wqk_pool_cache_invalidate
#define	pool_cache_reclaim		wqk_pool_cache_reclaim
#define	pool_cache_prime		wqk_pool_cache_prime
#define	pool_cache_setlowat		wqk_pool_cache_setlowat
#define	pool_cache_sethiwat		wqk_pool_cache_sethiwat
#define	pool_cache_sethardlimit		wqk_pool_cache_sethardlimit
#define	pool_cache_set_drain_hook	wqk_pool_cache_set_drain_hook
#define	pool_cache_get(pc, f)	pool_cache_get_paddr((pc), (f), NULL)
#define	pool_cache_put(pc, o)						\
	pool_cache_put_paddr((pc), (o), POOL_PADDR_INVALID)

/*
 * Create a cache.  Arguments: size, align, align_offset, flags, name, allocator
 * or NULL, IPL, constructor, destructor, and the argument for the last two.
 */
pool_cache_t pool_cache_init(size_t, unsigned int, unsigned int,
	    unsigned int, const char *, struct pool_allocator *, int,
	    int (*)(void *, void *, int), void (*)(void *, void *), void *);
void	 pool_cache_destroy(pool_cache_t);

/* The same, with the caller's own struct pool_cache. */
void	 pool_cache_bootstrap(pool_cache_t, size_t, unsigned int,
	    unsigned int, unsigned int, const char *, struct pool_allocator *,
	    int, int (*)(void *, void *, int), void (*)(void *, void *),
	    void *);
void	 pool_cache_bootstrap_destroy(pool_cache_t);

/* Get or return an object.  *pap is set to POOL_PADDR_INVALID. */
void	*pool_cache_get_paddr(pool_cache_t, int, paddr_t *);
void	 pool_cache_put_paddr(pool_cache_t, void *, paddr_t);

/* Destruct an object and return it to the pool. */
void	 pool_cache_destruct_object(pool_cache_t, void *);

/* Destruct all free objects. */
void	 pool_cache_invalidate(pool_cache_t);

/* Destruct all free objects and call pool_reclaim(). */
bool	 pool_cache_reclaim(pool_cache_t);

/* These are like the functions of pool(9) with the same names. */
void	 pool_cache_prime(pool_cache_t, int);
void	 pool_cache_setlowat(pool_cache_t, int);
void	 pool_cache_sethiwat(pool_cache_t, int);
void	 pool_cache_sethardlimit(pool_cache_t, int, const char *, int);
void	 pool_cache_set_drain_hook(pool_cache_t, void (*)(void *, int),
	    void *);

__WQ_END_DECLS

#endif	/* !_SYS_POOL_H_ */
