/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The pages of pool(9): where the headers are, how many items fit, and how a
 * page is added or given back.
 */

#include <string.h>

#include <sys/kmem.h>

#include "kern.h"
#include "kern_kspin.h"
#include "kern_param.h"
#include "subr_pool.h"

/*
 * The gap between items.  AddressSanitizer detects an overrun into it.
 */
#ifdef KERN_ASAN
#define	POOL_REDZONE	16
#else
#define	POOL_REDZONE	0
#endif

#define	POOL_ALIGN	16		/* default, for items this large */
#define	POOL_MINITEM	8		/* smallest size and alignment */
#define	POOL_MINPAGE	4096		/* PAGE_SIZE of kernel sources */

static void	pool_page_free(struct pool *, void *);

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
 * Return the rank of a node of pr_tree.  From left to right, the tree is
 * ordered by the addresses of pages.  From the root down, it is ordered by
 * rank, a hash of the address, which keeps the tree flat.
 */
static uint32_t
pool_offpage_rank(const struct pool_offpage *po)
{

	/* 2^64 divided by the golden ratio: neighbours get distant ranks. */
	return (uint32_t)(((uint64_t)(uintptr_t)po->po_page *
	    0x9e3779b97f4a7c15ULL) >> 32);
}

static void
pool_offpage_insert(struct pool *pp, struct pool_offpage *po)
{
	struct pool_offpage **left, **p, **right, *t;

	for (p = &pp->pr_tree; (t = *p) != NULL &&
	    pool_offpage_rank(t) >= pool_offpage_rank(po);)
		p = po->po_page < t->po_page ? &t->po_left : &t->po_right;
	/*
	 * Split the nodes below into those left and those right of the new one.
	 */
	*p = po;
	left = &po->po_left;
	right = &po->po_right;
	while (t != NULL) {
		if (t->po_page < po->po_page) {
			*left = t;
			left = &t->po_right;
			t = *left;
		} else {
			*right = t;
			right = &t->po_left;
			t = *right;
		}
	}
	*left = *right = NULL;
}

static void
pool_offpage_remove(struct pool *pp, struct pool_offpage *po)
{
	struct pool_offpage **p, *left, *right;

	for (p = &pp->pr_tree; *p != po;)
		p = po->po_page < (*p)->po_page ? &(*p)->po_left :
		    &(*p)->po_right;
	left = po->po_left;
	right = po->po_right;
	while (left != NULL && right != NULL) {
		if (pool_offpage_rank(left) >= pool_offpage_rank(right)) {
			*p = left;
			p = &left->po_right;
			left = *p;
		} else {
			*p = right;
			p = &right->po_left;
			right = *p;
		}
	}
	*p = left != NULL ? left : right;
}

/*
 * Return the last page that begins at or before an address, or NULL.
 */
static struct pool_page *
pool_offpage_find(const struct pool *pp, const void *item)
{
	struct pool_offpage *found, *po;

	found = NULL;
	for (po = pp->pr_tree; po != NULL;) {
		if ((uintptr_t)po->po_page > (uintptr_t)item)
			po = po->po_left;
		else {
			found = po;
			po = po->po_right;
		}
	}
	return found != NULL ? (struct pool_page *)(void *)(found + 1) : NULL;
}

/*
 * Round n up so that n + ioff is a multiple of align.
 */
static size_t
pool_aligned(size_t n, size_t align, size_t ioff)
{

	return ((n + ioff + align - 1) & ~(align - 1)) - ioff;
}

/*
 * Return how many items fit on a page of this size, after the header.
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
		/* The item's byte number ioff must be aligned. */
		first = pool_aligned(first, align, ioff);
		if (first + n * pp->pr_slot <= pagesz) {
			pp->pr_first = first;
			break;
		}
	}
	return (unsigned int)n;
}

/*
 * Do the same for a page whose header is elsewhere.
 */
static unsigned int
pool_layout_off(struct pool *pp, size_t align, size_t ioff, size_t pagesz)
{
	size_t n;

	pp->pr_first = pool_aligned(0, align, ioff);
	n = pagesz < pp->pr_first ? 0 : (pagesz - pp->pr_first) / pp->pr_slot;
	return n > POOL_LINK_MAX ? POOL_LINK_MAX : (unsigned int)n;
}

/*
 * Decide where headers are and how large pages are.
 */
static size_t
pool_pages(struct pool *pp, size_t align, size_t ioff)
{
	struct pool_allocator *pa;
	size_t pagesz;

	pa = pp->pr_alloc;
	if (pa->pa_alloc == pool_page_alloc) {
		/* Waste no more than a quarter. */
		for (pagesz = POOL_MINPAGE; (pp->pr_itemsperpage =
		    pool_layout(pp, align, ioff, pagesz)) * pp->pr_slot <
		    pagesz / 4 * 3; pagesz *= 2)
			continue;
		return pagesz;
	}

	pp->pr_offpage = (pp->pr_flags & (PR_NOTOUCH | PR_NOALIGN)) != 0;
	/* Other pools may be made with this allocator at the same time. */
	pagesz = atomic_load_relaxed(&pa->pa_pagesz);
	if (pagesz == 0) {
		pagesz = POOL_MINPAGE;
		atomic_store_relaxed(&pa->pa_pagesz, POOL_MINPAGE);
	}
	if (!pp->pr_offpage) {
		pp->pr_itemsperpage = pool_layout(pp, align, ioff, pagesz);
		/* If the header leaves room for only a few items, move it. */
		pp->pr_offpage = pp->pr_itemsperpage * pp->pr_slot <
		    pagesz / 4 * 3;
	}
	if (pp->pr_offpage)
		pp->pr_itemsperpage = pool_layout_off(pp, align, ioff, pagesz);
	return pagesz;
}

/*
 * Choose the distance between items, and the layout of pages.
 */
void
pool_page_init(struct pool *pp, unsigned int align, unsigned int ioff)
{
	size_t a, pagesz, size;

	size = pp->pr_reqsize;
	a = align != 0 ? align : size >= POOL_ALIGN ? POOL_ALIGN : 0;
	if (a < POOL_MINITEM)
		a = POOL_MINITEM;
	ioff &= (unsigned int)(a - 1);
	pp->pr_slot = (size + a - 1) & ~(a - 1);
	/* A client may have sized its pages for items without red zones. */
	if (pp->pr_alloc->pa_alloc == pool_page_alloc)
		pp->pr_slot = (size + POOL_REDZONE + a - 1) & ~(a - 1);
	pagesz = pool_pages(pp, a, ioff);
	KASSERTMSG((pagesz & (pagesz - 1)) == 0 && pp->pr_itemsperpage != 0,
	    "pool_init: \"%s\": items of %zu bytes on pages of %zu",
	    pp->pr_wchan, size, pagesz);
	pp->pr_pagesz = pagesz;
}

static size_t
pool_offpage_size(const struct pool *pp)
{

	return sizeof(struct pool_offpage) + sizeof(struct pool_page) +
	    pp->pr_itemsperpage * sizeof(uint16_t);
}

/*
 * Set up the header of a new page.  All its items are free.
 */
static struct pool_page *
pool_page_setup(struct pool *pp, struct pool_page *pg, char *page)
{
	unsigned int i;

	pg->pg_items = page + pp->pr_first;
	pg->pg_pool = pp;
	pg->pg_forkgen = kern_forkgen;
	pg->pg_nfree = pp->pr_itemsperpage;
	pg->pg_free = 0;
	for (i = 0; i < pp->pr_itemsperpage; i++)
		pg->pg_link[i] = i + 1 < pp->pr_itemsperpage ?
		    (uint16_t)(i + 1) : POOL_LINK_END;
	if (pool_filling(pp))
		for (i = 0; i < pp->pr_itemsperpage; i++)
			memset(pool_item(pp, pg, i), POOL_FILL,
			    pp->pr_reqsize);
	if (!pp->pr_offpage)
		KERN_POISON(&pg->pg_link[pp->pr_itemsperpage], pp->pr_pagesz -
		    sizeof(*pg) - pp->pr_itemsperpage *
		    sizeof(pg->pg_link[0]));
	else if ((pp->pr_flags & PR_NOTOUCH) == 0)
		KERN_POISON(page, pp->pr_pagesz);
	return pg;
}

/*
 * Get memory for a page, and for its header if that is elsewhere.  Return the
 * header, or NULL.
 */
static struct pool_page *
pool_page_get(struct pool *pp, int flags)
{
	struct pool_offpage *po;
	char *page;

	po = NULL;
	if (pp->pr_offpage && (po = kmem_intr_alloc(pool_offpage_size(pp),
	    KM_NOSLEEP)) == NULL)
		return NULL;
	page = (*pp->pr_alloc->pa_alloc)(pp, flags);
	if (page == NULL) {
		if (po != NULL)
			kmem_intr_free(po, pool_offpage_size(pp));
		return NULL;
	}
	KASSERTMSG((pp->pr_flags & PR_NOALIGN) != 0 ||
	    ((uintptr_t)page & (pp->pr_pagesz - 1)) == 0,
	    "pool_get: \"%s\": page %p is not aligned", pp->pr_wchan,
	    (void *)page);
	if (po == NULL)
		return pool_page_setup(pp, (struct pool_page *)(void *)page,
		    page);
	po->po_page = page;
	return pool_page_setup(pp, (struct pool_page *)(void *)(po + 1), page);
}

/*
 * Add a page, in thread context and without the lock.  The caller has called
 * pool_hold(), or is the only user of the pool.  Return false if there is no
 * memory.
 */
bool
pool_grow(struct pool *pp, int flags)
{
	struct pool_offpage *po;
	struct pool_page *below, *pg;

	if ((pg = pool_page_get(pp, flags)) == NULL)
		return false;
	pool_lock(pp);
	if (pp->pr_offpage) {
		po = pool_offpage(pg);
		below = pool_offpage_find(pp, po->po_page);
		KASSERTMSG(below == NULL || pool_offpage(below)->po_page +
		    pp->pr_pagesz <= po->po_page,
		    "pool_get: \"%s\": page %p is in use", pp->pr_wchan,
		    (void *)po->po_page);
		pool_offpage_insert(pp, po);
	}
	pool_page_insert(&pp->pr_empty, pg);
	pp->pr_npages++;
	pp->pr_nfree += pp->pr_itemsperpage;
	pool_unlock(pp);
	return true;
}

/*
 * Give back a page that is on no list.  Thread context.
 */
void
pool_shrink(struct pool *pp, struct pool_page *pg)
{

	struct pool_offpage *po;
	char *page;

	pg->pg_pool = NULL;
	page = (char *)pg;
	po = NULL;
	if (pp->pr_offpage) {
		po = pool_offpage(pg);
		page = po->po_page;
	}
	if ((pp->pr_flags & PR_NOTOUCH) == 0)
		KERN_UNPOISON(page, pp->pr_pagesz);
	(*pp->pr_alloc->pa_free)(pp, page);
	if (po != NULL)
		kmem_intr_free(po, pool_offpage_size(pp));
}

/*
 * Take a page off the lists for good.
 */
void
pool_page_retire(struct pool *pp, struct pool_page *pg)
{

	pool_page_remove(pg);
	if (pp->pr_offpage)
		pool_offpage_remove(pp, pool_offpage(pg));
}

/*
 * Find the page and the number of an item that a caller gives back.  Return
 * NULL if a forked child has lost the header: see pool_forked().
 */
struct pool_page *
pool_find(struct pool *pp, const char *func, const void *item,
    unsigned int *ip)
{
	struct pool_page *pg;
	size_t off;

	if (__predict_false(pp->pr_offpage)) {
		KSPIN_ASSERT(pool_spin(pp));
		pg = pool_offpage_find(pp, item);
	} else
		pg = (struct pool_page *)((uintptr_t)item &
		    ~(pp->pr_pagesz - 1));
	if (__predict_false(pg == NULL && pp->pr_torngen != 0))
		return NULL;
	off = 1;				/* no item begins there */
	if (pg != NULL && pg->pg_pool == pp)
		off = (uintptr_t)item - (uintptr_t)pg->pg_items;
	if (off / pp->pr_slot >= pp->pr_itemsperpage || off % pp->pr_slot != 0)
		panic("%s: \"%s\": %p is not one of its items", func,
		    pp->pr_wchan, item);
	*ip = (unsigned int)(off / pp->pr_slot);
	return pg;
}

/*
 * Reset a pool in a forked child, where no thread sleeps for it or uses it.  If
 * the pool may be inconsistent, it begins without a page.  A lost page comes
 * back when one of its items is put.  But if the header of the page is
 * elsewhere, it cannot be found, and the item is lost.
 */
void
pool_forked(struct pool *pp, bool torn)
{

	pp->pr_forkgen = kern_forkgen;
	pp->pr_inherited = true;
	pp->pr_nwait = pp->pr_busy = 0;
	if (!torn)
		return;
	pp->pr_torngen = kern_forkgen;
	pp->pr_tree = NULL;
	pp->pr_empty = pp->pr_partial = pp->pr_full = NULL;
	pp->pr_npages = pp->pr_nfree = 0;
	atomic_store_relaxed(&pp->pr_refill, 0u);
	if (pp->pr_cache != NULL) {
		pp->pr_cache->pc_objs = NULL;
		pp->pr_cache->pc_nobjs = pp->pr_cache->pc_size = 0;
	}
}

/*
 * Reset a pool that pool_fork() has not reset, because the pool was on no list,
 * or because the list was given up.  From now on the pool is on no list.
 */
void
pool_stray(struct pool *pp)
{

	pp->pr_next = NULL;
	pp->pr_prevp = NULL;
	pool_forked(pp, true);
}

/*
 * Take back an item of a page.  If the page was set up before pool_forked()
 * reset the pool, any item of the page may be out.
 */
void
pool_page_regain(struct pool *pp, struct pool_page *pg)
{
	unsigned int i;

	if (__predict_true(pp->pr_torngen == 0 ||
	    (int)(pg->pg_forkgen - pp->pr_torngen) >= 0))
		return;
	KSPIN_ASSERT(pool_spin(pp));
	pg->pg_forkgen = kern_forkgen;
	pg->pg_nfree = 0;
	pg->pg_free = POOL_LINK_END;
	for (i = 0; i < pp->pr_itemsperpage; i++)
		pg->pg_link[i] = POOL_LINK_OUT;
	pool_page_insert(&pp->pr_full, pg);
	pp->pr_npages++;
}
