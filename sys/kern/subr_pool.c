/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pool(9).  pool_cache(9), on top of it, is in subr_pool_cache.c.
 *
 * Pages come from the C allocator, where kern_nomalloc_p() does not forbid
 * that: not in interrupts, nor under spin mutexes.  A page begins
 * with a header that has a link for each item, so that free items are never
 * touched and an item's state is known without looking at it.  Everything is
 * done under one internal spin lock per pool, so that interrupt handlers get
 * and put items, too: they take what is there, and kmem(9)'s helper, or the
 * next thread that comes along, fills up the reserve they have drawn on.
 *
 * Locks: pool_listlock, then pr_lock, then the bucket of a sleep queue.
 */

#include <errno.h>
#include <string.h>

#include "subr_pool.h"

/* Between items in builds with address sanitizer, so that it sees overruns. */
#ifdef KERN_ASAN
#define	POOL_REDZONE	16
#else
#define	POOL_REDZONE	0
#endif

#define	POOL_ALIGN	16		/* default, if the size warrants it */
#define	POOL_MINITEM	8		/* smallest size and alignment */
#define	POOL_MINPAGE	4096
#define	POOL_MAXPAGE	((size_t)1 << 30)
#define	POOL_RESERVE	16		/* items for interrupts */
#define	POOL_RESERVESZ	((size_t)32 * 1024)	/* bytes, to begin with */
#define	POOL_RESERVEMAX	4096		/* items, after they were too few */
#define	POOL_RESERVEMAXSZ ((size_t)1024 * 1024)
#define	POOL_PATIENCE	500000000	/* ns, waiting without a word */
#define	POOL_FILL	0xd9		/* of free items, in checking mode */

static struct kspin	pool_listlock;
static struct pool	*pool_list;		/* (pool_listlock) */

static void pool_page_free(struct pool *, void *);

__kern_public struct pool_allocator pool_allocator_kmem = {
	.pa_alloc = pool_page_alloc, .pa_free = pool_page_free
};
__kern_public struct pool_allocator pool_allocator_nointr = {
	.pa_alloc = pool_page_alloc, .pa_free = pool_page_free
};
__kern_public struct pool_allocator pool_allocator_meta = {
	.pa_alloc = pool_page_alloc, .pa_free = pool_page_free
};

void *
pool_page_alloc(struct pool *pp, int flags)
{

	(void)flags;
	return host_memalign(pp->pr_pagesz, pp->pr_pagesz);
}

static void
pool_page_free(struct pool *pp, void *page)
{

	(void)pp;
	host_free(page);
}

/*
 * Leave the pool to the helper.  The lock is held, and released.
 */
void
pool_later(struct pool *pp)
{

	atomic_store_relaxed(&pp->pr_refill, 1u);
	kspin_exit((struct kspin *)(void *)&pp->pr_lock);
	kmem_helper_wake();
}

/*
 * Hold off pool_destroy() while the pool is used without its lock.  The lock
 * is held.
 */
static void
pool_hold(struct pool *pp)
{

	pp->pr_busy++;
}

static void
pool_release(struct pool *pp)
{
	struct sleepq *sq;
	struct lwp *l;

	l = NULL;
	pool_lock(pp);
	if (--pp->pr_busy == 0) {
		sq = sleepq_enter(&pp->pr_busy);
		l = sleepq_dequeue(sq, &pp->pr_busy, SLEEPQ_POOL, NULL);
		sleepq_exit(sq);
	}
	/* The last touch of the pool. */
	pool_unlock(pp);
	if (l != NULL)
		lwp_unpark(l);
}

static void
pool_page_insert(struct pool_page **headp, struct pool_page *pg)
{

	pg->pg_next = *headp;
	if (pg->pg_next != NULL)
		pg->pg_next->pg_prevp = &pg->pg_next;
	pg->pg_prevp = headp;
	*headp = pg;
}

static void
pool_page_remove(struct pool_page *pg)
{

	*pg->pg_prevp = pg->pg_next;
	if (pg->pg_next != NULL)
		pg->pg_next->pg_prevp = pg->pg_prevp;
}

static inline void *
pool_item(const struct pool *pp, struct pool_page *pg, unsigned int i)
{

	return (char *)pg + pp->pr_first + i * pp->pr_slot;
}

/*
 * The page and the number of an item, which a caller gives back.
 */
struct pool_page *
pool_find(const struct pool *pp, const char *func, const void *item,
    unsigned int *ip)
{
	struct pool_page *pg;
	size_t off;

	pg = (struct pool_page *)((uintptr_t)item & ~(pp->pr_pagesz - 1));
	off = (uintptr_t)item - (uintptr_t)pg - pp->pr_first;
	if (pg == NULL || pg->pg_pool != pp ||
	    off / pp->pr_slot >= pp->pr_itemsperpage || off % pp->pr_slot != 0)
		panic("%s: \"%s\": %p is not one of its items", func,
		    pp->pr_wchan, item);
	*ip = (unsigned int)(off / pp->pr_slot);
	return pg;
}

/*
 * How many items fit on a page of that size, behind the header.
 */
static unsigned int
pool_layout(struct pool *pp, size_t align, size_t ioff, size_t pagesz)
{
	size_t first, n;

	n = pagesz / pp->pr_slot;
	if (n > POOL_LINK_MAX)
		n = POOL_LINK_MAX;
	for (; n > 0; n--) {
		first = sizeof(struct pool_page) + n * sizeof(uint16_t) +
		    POOL_REDZONE;
		/* The item's byte number ioff is to be aligned. */
		first = ((first + ioff + align - 1) & ~(align - 1)) - ioff;
		if (first + n * pp->pr_slot <= pagesz) {
			pp->pr_first = first;
			break;
		}
	}
	return (unsigned int)n;
}

__kern_public void
pool_init(struct pool *pp, size_t size, unsigned int align, unsigned int ioff,
    int flags, const char *wchan, struct pool_allocator *palloc, int ipl)
{
	struct pool *o;
	size_t a, pagesz;

	kern_init();
	KASSERTMSG(size != 0 && size < POOL_MAXPAGE / 4,
	    "pool_init: \"%s\": size %zu", wchan, size);
	KASSERTMSG((align & (align - 1)) == 0 && align <= POOL_MAXPAGE / 4,
	    "pool_init: \"%s\": alignment %u", wchan, align);
	KASSERTMSG(ipl >= IPL_NONE && ipl < NIPL, "pool_init: \"%s\": IPL %d",
	    wchan, ipl);
	if (KERN_CHECKING()) {
		kspin_enter(&pool_listlock);
		for (o = pool_list; o != NULL; o = o->pr_next)
			if (o == pp)
				panic("pool_init: \"%s\": pool %p is "
				    "initialised already, as \"%s\"", wchan,
				    (void *)pp, o->pr_wchan);
		kspin_exit(&pool_listlock);
	}

	memset(pp, 0, sizeof(*pp));
	pp->pr_ipl = ipl;
	pp->pr_wchan = wchan;
	pp->pr_alloc = palloc != NULL ? palloc : &pool_allocator_kmem;
	pp->pr_flags = flags;
	pp->pr_maxitems = pp->pr_hardlimit = UINT32_MAX;
	pp->pr_reqsize = size;

	a = align != 0 ? align : size >= POOL_ALIGN ? POOL_ALIGN : 0;
	if (a < POOL_MINITEM)
		a = POOL_MINITEM;
	ioff &= (unsigned int)(a - 1);
	pp->pr_slot = (size + POOL_REDZONE + a - 1) & ~(a - 1);

	pagesz = pp->pr_alloc->pa_pagesz;
	if (pagesz == 0)
		/* Waste no more than a quarter. */
		for (pagesz = POOL_MINPAGE; (pp->pr_itemsperpage =
		    pool_layout(pp, a, ioff, pagesz)) * pp->pr_slot <
		    pagesz / 4 * 3; pagesz *= 2)
			continue;
	else
		pp->pr_itemsperpage = pool_layout(pp, a, ioff, pagesz);
	KASSERTMSG((pagesz & (pagesz - 1)) == 0 && pp->pr_itemsperpage != 0,
	    "pool_init: \"%s\": items of %zu bytes on pages of %zu", wchan,
	    size, pagesz);
	pp->pr_pagesz = pagesz;

	kspin_enter(&pool_listlock);
	pp->pr_next = pool_list;
	if (pp->pr_next != NULL)
		pp->pr_next->pr_prevp = &pp->pr_next;
	pp->pr_prevp = &pool_list;
	pool_list = pp;
	kspin_exit(&pool_listlock);

	/* Something to start with where there are interrupts. */
	if (ipl >= IPL_VM && pp->pr_alloc->pa_alloc == pool_page_alloc) {
		pp->pr_reserve = pp->pr_slot * POOL_RESERVE <=
		    POOL_RESERVESZ || pp->pr_itemsperpage > POOL_RESERVE ?
		    POOL_RESERVE : pp->pr_itemsperpage;
		(void)pool_prime(pp, (int)pp->pr_reserve);
		kmem_helper_start();
	}
}

/*
 * Add a page.  In thread context, without the lock, while the pool is held
 * or the caller's otherwise.
 */
static bool
pool_grow(struct pool *pp, int flags)
{
	struct pool_page *pg;
	unsigned int i;

	pg = (*pp->pr_alloc->pa_alloc)(pp, flags);
	if (pg == NULL)
		return false;
	KASSERTMSG(((uintptr_t)pg & (pp->pr_pagesz - 1)) == 0,
	    "pool_get: \"%s\": page %p is not aligned", pp->pr_wchan,
	    (void *)pg);
	pg->pg_pool = pp;
	pg->pg_nfree = pp->pr_itemsperpage;
	pg->pg_free = 0;
	for (i = 0; i < pp->pr_itemsperpage; i++)
		pg->pg_link[i] = i + 1 < pp->pr_itemsperpage ?
		    (uint16_t)(i + 1) : POOL_LINK_END;
	if (KERN_CHECKING())
		for (i = 0; i < pp->pr_itemsperpage; i++)
			memset(pool_item(pp, pg, i), POOL_FILL,
			    pp->pr_reqsize);
	KERN_POISON(&pg->pg_link[pp->pr_itemsperpage], pp->pr_pagesz -
	    sizeof(*pg) - pp->pr_itemsperpage * sizeof(pg->pg_link[0]));

	pool_lock(pp);
	pool_page_insert(&pp->pr_empty, pg);
	pp->pr_npages++;
	pp->pr_nfree += pp->pr_itemsperpage;
	pool_unlock(pp);
	return true;
}

/*
 * Give a page that is off the lists back.  In thread context.
 */
static void
pool_shrink(struct pool *pp, struct pool_page *pg)
{

	KERN_UNPOISON(pg, pp->pr_pagesz);
	pg->pg_pool = NULL;
	(*pp->pr_alloc->pa_free)(pp, pg);
}

/*
 * How many items to have at hand.
 */
static unsigned int
pool_want(const struct pool *pp)
{
	unsigned int n;

	n = pp->pr_reserve;
	if (n < pp->pr_minitems)
		n = pp->pr_minitems;
	return n;
}

static bool
pool_islow(const struct pool *pp)
{

	return pool_avail(pp) < pool_want(pp) &&
	    pp->pr_nout + pp->pr_nfree < pp->pr_hardlimit;
}

/*
 * A page that could be given back while at least keep items stay; take it
 * off the lists.  The lock is held.
 */
static struct pool_page *
pool_spare(struct pool *pp, unsigned int keep)
{
	struct pool_page *pg;

	pg = pp->pr_empty;
	if (pg == NULL || pool_avail(pp) - pg->pg_nfree < keep ||
	    pp->pr_nout + pp->pr_nfree - pg->pg_nfree < pp->pr_primed)
		return NULL;
	pool_page_remove(pg);
	pp->pr_npages--;
	pp->pr_nfree -= pg->pg_nfree;
	return pg;
}

/*
 * There was no item where no page can be added: have more from now on.  The
 * lock is held, and released.
 */
static void
pool_short(struct pool *pp)
{
	unsigned int n;

	n = pp->pr_reserve < POOL_RESERVE ? POOL_RESERVE : pp->pr_reserve * 2;
	if (n <= POOL_RESERVEMAX && n * pp->pr_slot <= POOL_RESERVEMAXSZ)
		pp->pr_reserve = n;
	pool_later(pp);
}

/*
 * After a call, which leaves the lock here: fill up what interrupts have
 * drawn on, or give back what is too much; nomalloc: or have that done.
 */
void
pool_level(struct pool *pp, bool nomalloc)
{
	struct pool_page *pg;
	unsigned int keep;
	bool low;

	low = pool_islow(pp);
	if (__predict_true(!low && pool_avail(pp) <= pp->pr_maxitems)) {
		pool_unlock(pp);
		return;
	}
	if (nomalloc) {
		if (low || (pp->pr_empty != NULL &&
		    pool_avail(pp) - pp->pr_itemsperpage >= pool_want(pp)))
			pool_later(pp);
		else
			pool_unlock(pp);
		return;
	}
	pool_hold(pp);
	if (low) {
		do {
			pool_unlock(pp);
			low = pool_grow(pp, PR_NOWAIT);
			pool_lock(pp);
		} while (low && pool_islow(pp));
	} else {
		keep = pool_want(pp);
		while (pool_avail(pp) > pp->pr_maxitems &&
		    (pg = pool_spare(pp, keep)) != NULL) {
			pool_unlock(pp);
			pool_shrink(pp, pg);
			pool_lock(pp);
		}
	}
	pool_unlock(pp);
	pool_release(pp);
}

/*
 * An item has come back, or may be handed out now: wake somebody who sleeps
 * for one.  The lock is held; the caller unparks.
 */
struct lwp *
pool_wake(struct pool *pp)
{
	struct sleepq *sq;
	struct lwp *l;

	if (__predict_true(pp->pr_nwait == 0))
		return NULL;
	sq = sleepq_enter(pp);
	l = sleepq_dequeue(sq, pp, SLEEPQ_POOL, NULL);
	sleepq_exit(sq);
	if (l != NULL)
		pp->pr_nwait--;
	return l;
}

/*
 * Sleep until pool_wake() or the deadline.  The lock is held, and released.
 */
static void
pool_sleep(struct pool *pp, bool waited, int64_t deadline)
{
	struct sleepq *sq;
	struct lwp *l;

	l = curlwp_get();
	pp->pr_nwait++;
	sq = sleepq_enter(pp);
	sleepq_enqueue(sq, l, pp, SLEEPQ_POOL, waited);
	sleepq_exit(sq);
	pool_unlock(pp);
	if (sleepq_block(l, deadline) != 0) {
		pool_lock(pp);
		pp->pr_nwait--;
		pool_unlock(pp);
	}
}

static void
pool_limited(struct pool *pp)
{
	const char *msg;
	int64_t now;

	msg = NULL;
	if (pp->pr_limitwarn != NULL) {
		now = host_monotime();
		if (now >= pp->pr_limitnext) {
			pp->pr_limitnext = now + pp->pr_limitgap;
			msg = pp->pr_limitwarn;
		}
	}
	pp->pr_nfail++;
	pool_unlock(pp);
	if (msg != NULL)
		kern_warn("%s", msg);
}

/*
 * Ask the pool's owner for items.  The lock is held, and released meanwhile.
 */
static void
pool_drainhook(struct pool *pp, int flags, bool nomalloc)
{
	void (*func)(void *, int);
	void *arg;

	if ((func = pp->pr_drain) == NULL || nomalloc)
		return;
	arg = pp->pr_drainarg;
	pool_hold(pp);
	pool_unlock(pp);
	(*func)(arg, flags);
	pool_release(pp);
	pool_lock(pp);
}

void
pool_context(const struct pool *pp, const char *func, int flags)
{
	struct lwp *l;

	if ((flags & PR_WAITOK) != 0)
		wqcheck_sleepable(func);
	l = host_self();
	if (l != NULL && l->l_intrdepth != 0 && l->l_ipl > pp->pr_ipl)
		panic("%s: \"%s\" has IPL %d, called in an interrupt at IPL "
		    "%d", func, pp->pr_wchan, pp->pr_ipl, l->l_ipl);
}

/*
 * Take a free item.  The lock is held.
 */
static void *
pool_take(struct pool *pp)
{
	struct pool_page *pg;
	unsigned int i;

	if ((pg = pp->pr_partial) == NULL)
		pg = pp->pr_empty;
	i = pg->pg_free;
	pg->pg_free = pg->pg_link[i];
	pg->pg_link[i] = POOL_LINK_OUT;
	if (pg->pg_nfree-- == pp->pr_itemsperpage) {
		pool_page_remove(pg);
		pool_page_insert(&pp->pr_partial, pg);
	}
	if (pg->pg_nfree == 0) {
		pool_page_remove(pg);
		pool_page_insert(&pp->pr_full, pg);
	}
	pp->pr_nfree--;
	pp->pr_nout++;
	return pool_item(pp, pg, i);
}

static void
pool_filled(const struct pool *pp, const void *item)
{
	const unsigned char *s;
	size_t i;

	s = item;
	for (i = 0; i < pp->pr_reqsize; i++)
		if (s[i] != POOL_FILL)
			panic("pool_get: \"%s\": item %p was written to at "
			    "byte %zu after pool_put", pp->pr_wchan, item, i);
}

/*
 * What pool_get() and pool_cache_get() have in common; *constructedp says
 * what the caller of the latter got.
 */
void *
pool_get1(struct pool *pp, const char *func, int flags, bool *constructedp)
{
	int64_t wait;
	void *item;
	bool drained, nomalloc, waited;

	KASSERTMSG((flags & (PR_WAITOK | PR_NOWAIT)) !=
	    (PR_WAITOK | PR_NOWAIT), "%s: \"%s\": flags %#x", func,
	    pp->pr_wchan, (unsigned)flags);
	if (KERN_CHECKING())
		pool_context(pp, func, flags);

	*constructedp = false;
	wait = 1000000;
	drained = waited = false;
	nomalloc = pool_nomalloc(pp);
	if ((flags & PR_WAITOK) != 0 &&
	    __predict_false(atomic_load_relaxed(&pp->pr_refill) != 0))
		kmem_helper_start();
	pool_lock(pp);
	for (;;) {
		if (pp->pr_cache != NULL && pp->pr_cache->pc_nobjs != 0) {
			item = pool_cache_take(pp->pr_cache);
			pp->pr_cache->pc_hits++;
			*constructedp = true;
			break;
		}
		if (pp->pr_nout >= pp->pr_hardlimit) {
			if (!drained && pp->pr_drain != NULL) {
				drained = true;
				pool_drainhook(pp, flags, nomalloc);
				continue;
			}
			if ((flags & PR_WAITOK) == 0 ||
			    (flags & PR_LIMITFAIL) != 0) {
				pool_limited(pp);
				return NULL;
			}
			if (kern_intr_p())
				panic("%s: \"%s\": waiting in interrupt "
				    "context", func, pp->pr_wchan);
			pool_sleep(pp, waited, HOST_FOREVER);
			waited = true;
			pool_lock(pp);
			continue;
		}
		if (pp->pr_nfree != 0) {
			item = pool_take(pp);
			break;
		}
		if (nomalloc) {
			if ((flags & PR_WAITOK) == 0) {
				pp->pr_nfail++;
				pool_short(pp);
				return NULL;
			}
			if (kern_intr_p())
				panic("%s: \"%s\": waiting in interrupt "
				    "context", func, pp->pr_wchan);
			/* Not right, but mostly harmless. */
		}
		pool_unlock(pp);
		if (pool_grow(pp, flags & (PR_WAITOK | PR_NOWAIT))) {
			pool_lock(pp);
			continue;
		}
		pool_lock(pp);
		if (!drained && pp->pr_drain != NULL) {
			drained = true;
			pool_drainhook(pp, flags, nomalloc);
			continue;
		}
		if ((flags & PR_WAITOK) == 0) {
			pp->pr_nfail++;
			pool_unlock(pp);
			return NULL;
		}
		/* Until an item comes back, or there may be memory again. */
		pool_unlock(pp);
		pool_drainall();
		pool_lock(pp);
		if (pool_avail(pp) == 0) {
			pool_sleep(pp, waited, host_monotime() + wait);
			waited = true;
			if (wait < POOL_PATIENCE && (wait *= 2) >=
			    POOL_PATIENCE)
				kern_warn("%s: \"%s\": waiting for memory",
				    func, pp->pr_wchan);
			pool_lock(pp);
		}
	}
	pp->pr_nget++;
	pool_level(pp, nomalloc);
	KERN_UNPOISON(item, pp->pr_reqsize);
	if (KERN_CHECKING() && !*constructedp)
		pool_filled(pp, item);
	return item;
}

__kern_public void *
pool_get(struct pool *pp, int flags)
{
	bool constructed;
	void *item;

	item = pool_get1(pp, "pool_get", flags, &constructed);
	if (item != NULL && (flags & PR_ZERO) != 0)
		memset(item, 0, pp->pr_reqsize);
	return item;
}

void
pool_put1(struct pool *pp, const char *func, void *item)
{
	struct pool_page *pg;
	unsigned int i;
	bool nomalloc;

	if (KERN_CHECKING())
		pool_context(pp, func, 0);
	nomalloc = pool_nomalloc(pp);
	pg = pool_find(pp, func, item, &i);
	if (KERN_CHECKING() && pg->pg_link[i] == POOL_LINK_OUT)
		memset(item, POOL_FILL, pp->pr_reqsize);
	KERN_POISON(item, pp->pr_reqsize);
	pool_lock(pp);
	if (pg->pg_link[i] != POOL_LINK_OUT)
		panic("%s: \"%s\": item %p is free already", func,
		    pp->pr_wchan, item);
	pg->pg_link[i] = pg->pg_free;
	pg->pg_free = (uint16_t)i;
	if (pg->pg_nfree++ == 0) {
		pool_page_remove(pg);
		pool_page_insert(&pp->pr_partial, pg);
	}
	if (pg->pg_nfree == pp->pr_itemsperpage) {
		pool_page_remove(pg);
		pool_page_insert(&pp->pr_empty, pg);
	}
	pp->pr_nfree++;
	pp->pr_nout--;
	pool_returned(pp, nomalloc);
}

__kern_public void
pool_put(struct pool *pp, void *item)
{

	pool_put1(pp, "pool_put", item);
}

__kern_public int
pool_prime(struct pool *pp, int n)
{
	struct kmem_wait kw = { 0, 0 };
	int error;

	error = 0;
	pool_lock(pp);
	if (pp->pr_primed < (unsigned int)n)
		pp->pr_primed = (unsigned int)n;
	pool_hold(pp);
	while (pool_avail(pp) < (unsigned int)n) {
		pool_unlock(pp);
		if (kern_intr_p())
			error = ENOMEM;
		else if (!pool_grow(pp, PR_WAITOK))
			kmem_backoff(&kw, "pool_prime", pp->pr_pagesz);
		pool_lock(pp);
		if (error != 0)
			break;
	}
	pool_unlock(pp);
	pool_release(pp);
	return error;
}

static void
pool_setwater(struct pool *pp, unsigned int *mark, int n)
{
	bool nomalloc;

	nomalloc = pool_nomalloc(pp);
	pool_lock(pp);
	*mark = n < 0 ? 0 : (unsigned int)n;
	pool_level(pp, nomalloc);
}

__kern_public void
pool_setlowat(struct pool *pp, int n)
{

	pool_setwater(pp, &pp->pr_minitems, n);
}

__kern_public void
pool_sethiwat(struct pool *pp, int n)
{

	pool_setwater(pp, &pp->pr_maxitems, n);
}

__kern_public void
pool_sethardlimit(struct pool *pp, int n, const char *warning, int gap)
{
	struct lwp *l;
	unsigned int nwait;

	pool_lock(pp);
	pp->pr_hardlimit = n < 0 ? 0 : (unsigned int)n;
	pp->pr_limitwarn = warning;
	pp->pr_limitgap = (int64_t)gap * 1000000000;
	pp->pr_limitnext = 0;
	nwait = pp->pr_nwait;
	pool_unlock(pp);
	/* It may be higher now; waiters look again. */
	for (; nwait > 0; nwait--) {
		pool_lock(pp);
		l = pool_wake(pp);
		pool_unlock(pp);
		if (l != NULL)
			lwp_unpark(l);
	}
}

__kern_public void
pool_set_drain_hook(struct pool *pp, void (*func)(void *, int), void *arg)
{

	pool_lock(pp);
	pp->pr_drain = func;
	pp->pr_drainarg = arg;
	pool_unlock(pp);
}

/*
 * Give back what can be spared.
 */
static int
pool_giveback(struct pool *pp)
{
	struct pool_page *pg;
	unsigned int keep;
	int any;

	any = 0;
	pool_lock(pp);
	pool_hold(pp);
	keep = pool_want(pp);
	while ((pg = pool_spare(pp, keep)) != NULL) {
		pool_unlock(pp);
		pool_shrink(pp, pg);
		any = 1;
		pool_lock(pp);
	}
	pool_unlock(pp);
	pool_release(pp);
	return any;
}

__kern_public int
pool_reclaim(struct pool *pp)
{

	if (pool_nomalloc(pp))
		return 0;
	pool_lock(pp);
	pool_drainhook(pp, PR_NOWAIT, false);
	pool_unlock(pp);
	return pool_giveback(pp);
}

/*
 * Memory is short: have all pools give back the pages that are not in use.
 * The caller may hold locks that constructors and drain hooks take, so none
 * is called.
 */
void
pool_drainall(void)
{
	struct pool *next, *pp;

	pp = NULL;
	do {
		kspin_enter(&pool_listlock);
		/* NULL also if the pool was destroyed: the end, then. */
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
 * The helper: see to the pools that were left to it.
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

__kern_public void
pool_destroy(struct pool *pp)
{
	struct pool_page *pg;
	struct sleepq *sq;
	struct lwp *l;

	if (KERN_CHECKING())
		wqcheck_sleepable("pool_destroy");
	l = curlwp_get();
	kspin_enter(&pool_listlock);
	*pp->pr_prevp = pp->pr_next;
	if (pp->pr_next != NULL)
		pp->pr_next->pr_prevp = pp->pr_prevp;
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
	if (pp->pr_nout != 0)
		panic("pool_destroy: \"%s\": %u items are still out",
		    pp->pr_wchan, pp->pr_nout);
	while ((pg = pp->pr_empty) != NULL) {
		pool_page_remove(pg);
		pool_shrink(pp, pg);
	}
}

__kern_public uint64_t
pool_nget(struct pool *pp)
{
	uint64_t n;

	pool_lock(pp);
	n = pp->pr_nget;
	pool_unlock(pp);
	return n;
}

__kern_public uint64_t
pool_nput(struct pool *pp)
{
	uint64_t n;

	pool_lock(pp);
	n = pp->pr_nput;
	pool_unlock(pp);
	return n;
}

/*
 * Around fork: no pool must be caught half changed.
 */
void
pool_fork(int when)
{
	struct pool *pp;

	if (when == KERN_FORK_PREPARE)
		kspin_enter(&pool_listlock);
	for (pp = pool_list; pp != NULL; pp = pp->pr_next) {
		if (when == KERN_FORK_PREPARE) {
			pool_lock(pp);
			continue;
		}
		/* Who slept, and who held it, is not here. */
		if (when == KERN_FORK_CHILD)
			pp->pr_nwait = pp->pr_busy = 0;
		pool_unlock(pp);
	}
	if (when != KERN_FORK_PREPARE)
		kspin_exit(&pool_listlock);
}
