/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pool(9), pool_cache(9): items of one size, also in interrupt context.
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

/*
 * Where a pool's pages come from.  Both are called in thread context.  A
 * page has pa_pagesz bytes, a power of two, and begins at a multiple of it;
 * 0: the pool chooses, which only the allocators below allow.
 */
struct pool_allocator {
	void		*(*pa_alloc)(struct pool *, int);
	void		 (*pa_free)(struct pool *, void *);
	unsigned int	 pa_pagesz;
};

#define	pool_allocator_kmem	wqk_pool_allocator_kmem
#define	pool_allocator_nointr	wqk_pool_allocator_nointr
#define	pool_allocator_meta	wqk_pool_allocator_meta
extern struct pool_allocator pool_allocator_kmem;
extern struct pool_allocator pool_allocator_nointr;
extern struct pool_allocator pool_allocator_meta;

/* pool_get() */
#define	PR_WAITOK	0x01	/* wait for an item */
#define	PR_NOWAIT	0x02	/* may return NULL */
#define	PR_LIMITFAIL	0x100	/* NULL at the hard limit, even if waiting */
#define	PR_ZERO		0x4000	/* clear the item */

/* pool_init(): accepted, and of no effect here */
#define	PR_RECURSIVE	0x200
#define	PR_NOTOUCH	0x400	/* free items are never touched */
#define	PR_NOALIGN	0x800
#define	PR_LARGECACHE	0x1000
#define	PR_PSERIALIZE	0x10000

/*
 * A pool; its owner provides the memory.  The fields are the library's, and
 * protected by pr_lock but for those that pool_init() sets for good.
 */
struct pool {
	unsigned int	 pr_lock;
	int		 pr_ipl;
	const char	*pr_wchan;	/* its name */
	struct pool_allocator *pr_alloc;
	struct pool_cache *pr_cache;	/* the cache around it, or NULL */
	size_t		 pr_reqsize;	/* size of an item, as asked for */
	size_t		 pr_slot;	/* from one item to the next */
	size_t		 pr_first;	/* in a page, of the first one */
	size_t		 pr_pagesz;
	unsigned int	 pr_itemsperpage;
	int		 pr_flags;
	struct pool_page *pr_empty;	/* pages by what is in use of them */
	struct pool_page *pr_partial;
	struct pool_page *pr_full;
	unsigned int	 pr_npages;
	unsigned int	 pr_nfree;	/* items to hand out */
	unsigned int	 pr_nout;	/* items out, or in the cache */
	unsigned int	 pr_reserve;	/* for interrupts */
	unsigned int	 pr_refill;	/* (a) left to the helper */
	unsigned int	 pr_minitems;	/* low water */
	unsigned int	 pr_primed;	/* items to stay, in use or not */
	unsigned int	 pr_maxitems;	/* high water */
	unsigned int	 pr_hardlimit;
	const char	*pr_limitwarn;
	int64_t		 pr_limitgap;	/* between two warnings */
	int64_t		 pr_limitnext;
	unsigned int	 pr_nwait;	/* sleep for an item */
	unsigned int	 pr_busy;	/* use it without the lock */
	uint64_t	 pr_nget;
	uint64_t	 pr_nput;
	uint64_t	 pr_nfail;
	void		(*pr_drain)(void *, int);
	void		*pr_drainarg;
	struct pool	*pr_next;	/* all pools */
	struct pool	**pr_prevp;
};

/*
 * A pool of objects that stay constructed while they are free.
 */
struct pool_cache {
	struct pool	 pc_pool;
	int		(*pc_ctor)(void *, void *, int);
	void		(*pc_dtor)(void *, void *);
	void		*pc_arg;
	void		**pc_objs;	/* constructed and free */
	unsigned int	 pc_nobjs;
	unsigned int	 pc_size;	/* of pc_objs */
	unsigned int	 pc_nlive;	/* constructed */
	uint64_t	 pc_hits;
	uint64_t	 pc_misses;
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

/* Pool, size, align, align_offset, flags, name, allocator or NULL, ipl. */
void	 pool_init(struct pool *, size_t, unsigned int, unsigned int, int,
	    const char *, struct pool_allocator *, int);

/* All items must be back. */
void	 pool_destroy(struct pool *);

/* From interrupt context without PR_WAITOK: what is there, or NULL. */
void	*pool_get(struct pool *, int);

/* From any context. */
void	 pool_put(struct pool *, void *);

/* Have so many free items now.  0, or ENOMEM in interrupt context. */
int	 pool_prime(struct pool *, int);

/* Try to have at least so many free; keep at most so many free. */
void	 pool_setlowat(struct pool *, int);
void	 pool_sethiwat(struct pool *, int);

/* Never hand out more; a warning or NULL, seconds between two warnings. */
void	 pool_sethardlimit(struct pool *, int, const char *, int);

/* Called when memory is short. */
void	 pool_set_drain_hook(struct pool *, void (*)(void *, int), void *);

/* Give back pages that are not in use; non-zero if there was one. */
int	 pool_reclaim(struct pool *);

/* How many items were ever handed out, and came back. */
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
 * Size, align, align_offset, flags, name, allocator or NULL, ipl,
 * constructor, destructor, and their argument.
 */
pool_cache_t pool_cache_init(size_t, unsigned int, unsigned int,
	    unsigned int, const char *, struct pool_allocator *, int,
	    int (*)(void *, void *, int), void (*)(void *, void *), void *);
void	 pool_cache_destroy(pool_cache_t);

/* The same for a struct pool_cache of the caller's. */
void	 pool_cache_bootstrap(pool_cache_t, size_t, unsigned int,
	    unsigned int, unsigned int, const char *, struct pool_allocator *,
	    int, int (*)(void *, void *, int), void (*)(void *, void *),
	    void *);
void	 pool_cache_bootstrap_destroy(pool_cache_t);

/* There are no physical addresses: *pap becomes POOL_PADDR_INVALID. */
void	*pool_cache_get_paddr(pool_cache_t, int, paddr_t *);
void	 pool_cache_put_paddr(pool_cache_t, void *, paddr_t);

/* Give an object back, destructed. */
void	 pool_cache_destruct_object(pool_cache_t, void *);

/* Destruct all objects that are free. */
void	 pool_cache_invalidate(pool_cache_t);

/* That, and pool_reclaim(). */
bool	 pool_cache_reclaim(pool_cache_t);

/* As those of the pool. */
void	 pool_cache_prime(pool_cache_t, int);
void	 pool_cache_setlowat(pool_cache_t, int);
void	 pool_cache_sethiwat(pool_cache_t, int);
void	 pool_cache_sethardlimit(pool_cache_t, int, const char *, int);
void	 pool_cache_set_drain_hook(pool_cache_t, void (*)(void *, int),
	    void *);

__WQ_END_DECLS

#endif	/* !_SYS_POOL_H_ */
