/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pool(9): getting and putting items, and waiting for one.  subr_pool_page.c
 * has the pages, subr_pool_list.c makes and destroys pools, and
 * subr_pool_cache.c is pool_cache(9).
 *
 * Pages come from an allocator of the client, or from the C allocator.  The C
 * allocator is not called where kern_nomalloc_p() forbids it: in interrupts and
 * under spin mutexes.  (But a caller that waits may call it under a spin mutex:
 * see pool_empty().)
 *
 * A page has a header with a link for each item.  So the pool stores nothing in
 * free items, and knows the state of an item without reading the item.  Only
 * checking mode fills free items.  The header is at the start of the page, so
 * the alignment of the page leads from an item to the header.  If pages are not
 * aligned or are not memory, or if a header would leave too little room in a
 * page, the headers are elsewhere.  A tree then holds the headers, ordered by
 * the addresses of the pages.
 *
 * One internal spin lock per pool guards everything, so interrupt handlers can
 * get and put items, too.  Handlers take only free items.  kmem(9)'s helper, or
 * the next thread that uses the pool, refills the reserve.
 *
 * Locks: pool_listlock, then pr_lock, then the bucket of a sleep queue.
 */

#include <errno.h>
#include <string.h>

#include "kern.h"
#include "kern_context.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_sleepq.h"
#include "subr_kmem.h"
#include "subr_pool.h"
#include "subr_prf.h"

/* pool_short() doubles the reserve up to so many items and so many bytes. */
#define	POOL_RESERVEMAX	4096
#define	POOL_RESERVEMAXSZ ((size_t)1024 * 1024)
#define	POOL_PATIENCE	500000000	/* ns to wait without a message */

/*
 * Leave the refill to the helper, and release the lock.
 */
void
pool_later(struct pool *pp)
{

	KSPIN_ASSERT(pool_spin(pp));
	atomic_store_relaxed(&pp->pr_refill, 1u);
	pool_unlock(pp);
	kmem_helper_wake();
}

/*
 * Hold off pool_destroy() while the pool is used without its lock.
 */
void
pool_hold(struct pool *pp)
{

	KSPIN_ASSERT(pool_spin(pp));
	pp->pr_busy++;
}

void
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
	/* This is the last access to the pool. */
	pool_unlock(pp);
	if (l != NULL)
		lwp_unpark(l);
}

/*
 * Return how many free items the pool should have.
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
 * Find a page that can be given back, and take it off the lists.  Without the
 * page, at least "keep" free items must be left.
 */
static struct pool_page *
pool_spare(struct pool *pp, unsigned int keep)
{
	struct pool_page *pg;

	KSPIN_ASSERT(pool_spin(pp));
	pg = pp->pr_empty;
	if (pg == NULL || pool_avail(pp) - pg->pg_nfree < keep ||
	    pp->pr_nout + pp->pr_nfree - pg->pg_nfree < pp->pr_primed)
		return NULL;
	pool_page_retire(pp, pg);
	pp->pr_npages--;
	pp->pr_nfree -= pg->pg_nfree;
	return pg;
}

/*
 * Make the pool keep more free items from now on.  The caller has found no free
 * item, and may not add a page.  Release the lock.
 */
static void
pool_short(struct pool *pp)
{
	unsigned int n;

	KSPIN_ASSERT(pool_spin(pp));
	n = pp->pr_reserve < POOL_RESERVE ? POOL_RESERVE : pp->pr_reserve * 2;
	if (n <= POOL_RESERVEMAX && n * pp->pr_slot <= POOL_RESERVEMAXSZ)
		pp->pr_reserve = n;
	pool_later(pp);
}

/*
 * Finish a call: refill the items that interrupts have used, or give back pages
 * that are not needed.  If nomalloc is set, leave this to the helper.  Release
 * the lock.
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
 * Remove a thread that waits for an item from the sleep queue, and return the
 * thread.  Return NULL if no thread waits.  Call this when an item has come
 * back, or when the limit has risen.  The caller releases the lock and then
 * unparks the thread.
 */
struct lwp *
pool_wake(struct pool *pp)
{
	struct sleepq *sq;
	struct lwp *l;

	KSPIN_ASSERT(pool_spin(pp));
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
 * Release the lock, and sleep until pool_wake() or the deadline.
 */
static void
pool_sleep(struct pool *pp, bool waited, int64_t deadline)
{
	struct sleepq *sq;
	struct lwp *l;

	KSPIN_ASSERT(pool_spin(pp));
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

/*
 * Warn that the hard limit has refused an item, at most once in pr_limitgap.
 * Release the lock.
 */
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
 * Call the drain hook, which may put back items that the client does not need.
 * Release the lock during the call.  If nomalloc is set, do nothing.
 */
static void
pool_drainhook(struct pool *pp, int flags, bool nomalloc)
{
	void (*func)(void *, int);
	void *arg;

	KSPIN_ASSERT(pool_spin(pp));
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
		context_check_sleep(func);
	l = host_self();
	if (l != NULL && l->l_intrdepth != 0 && l->l_ipl > pp->pr_ipl)
		panic("%s: \"%s\" has IPL %d, called in an interrupt at IPL "
		    "%d", func, pp->pr_wchan, pp->pr_ipl, l->l_ipl);
}

/*
 * Take a free item.
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

/* The state of a thread that waits for an item. */
struct pool_wait {
	bool	pw_drained;		/* it has called the drain hook */
	bool	pw_waited;		/* it has slept, so it goes first */
	int64_t	pw_ns;			/* how long to sleep next, for memory */
};

/*
 * Call the drain hook, but only once for each wait, and not if nomalloc is set.
 * Return true the first time, if the pool has a hook.  The caller then looks
 * for a free item again.
 */
static bool
pool_asked(struct pool *pp, int flags, bool nomalloc, struct pool_wait *pw)
{

	KSPIN_ASSERT(pool_spin(pp));
	if (pw->pw_drained || pp->pr_drain == NULL)
		return false;
	pw->pw_drained = true;
	pool_drainhook(pp, flags, nomalloc);
	return true;
}

/*
 * Call the drain hook, or wait for an item, when the pool has reached its hard
 * limit.  If the caller may try again, return true with the lock held.  If
 * pool_get() must fail, return false with the lock released.
 */
static bool
pool_full(struct pool *pp, const char *func, int flags, bool nomalloc,
    struct pool_wait *pw)
{

	KSPIN_ASSERT(pool_spin(pp));
	if (pool_asked(pp, flags, nomalloc, pw))
		return true;
	if ((flags & PR_WAITOK) == 0 || (flags & PR_LIMITFAIL) != 0) {
		pool_limited(pp);
		return false;
	}
	if (kern_intr_p())
		panic("%s: \"%s\": waiting in interrupt context", func,
		    pp->pr_wchan);
	pool_sleep(pp, pw->pw_waited, HOST_FOREVER);
	pw->pw_waited = true;
	pool_lock(pp);
	return true;
}

/*
 * Add a page, call the drain hook, or wait, when the pool has no free item.
 * The return value, and the lock, are as in pool_full().
 */
static bool
pool_empty(struct pool *pp, const char *func, int flags, bool nomalloc,
    struct pool_wait *pw)
{

	KSPIN_ASSERT(pool_spin(pp));
	if (nomalloc) {
		if ((flags & PR_WAITOK) == 0) {
			pp->pr_nfail++;
			pool_short(pp);
			return false;
		}
		if (kern_intr_p())
			panic("%s: \"%s\": waiting in interrupt context", func,
			    pp->pr_wchan);
		/*
		 * A caller that holds a spin lock should not wait for memory.
		 * Let it wait anyway.  It deadlocks only if a handler has
		 * interrupted the C allocator in another thread, and spins for
		 * the spin lock that this caller holds.
		 */
	}
	pool_unlock(pp);
	if (pool_grow(pp, flags & (PR_WAITOK | PR_NOWAIT))) {
		pool_lock(pp);
		return true;
	}
	pool_lock(pp);
	if (pool_asked(pp, flags, nomalloc, pw))
		return true;
	if ((flags & PR_WAITOK) == 0) {
		pp->pr_nfail++;
		pool_unlock(pp);
		return false;
	}
	/* Wait until an item comes back or there may be memory again. */
	pool_unlock(pp);
	kmem_reclaim();
	pool_lock(pp);
	if (pool_avail(pp) != 0)
		return true;
	pool_sleep(pp, pw->pw_waited, host_monotime() + pw->pw_ns);
	pw->pw_waited = true;
	if (pw->pw_ns < POOL_PATIENCE && (pw->pw_ns *= 2) >= POOL_PATIENCE)
		kern_warn("%s: \"%s\": waiting for memory", func, pp->pr_wchan);
	pool_lock(pp);
	return true;
}

/*
 * Do the common part of pool_get() and pool_cache_get().  Set *constructedp if
 * the item is a constructed object.
 */
void *
pool_get1(struct pool *pp, const char *func, int flags, bool *constructedp)
{
	struct pool_wait pw = { false, false, 1000000 };
	void *item;
	bool nomalloc;

	KASSERTMSG((flags & (PR_WAITOK | PR_NOWAIT)) !=
	    (PR_WAITOK | PR_NOWAIT), "%s: \"%s\": flags %#x", func,
	    pp->pr_wchan, (unsigned)flags);
	KERN_CHECK(pool_context(pp, func, flags));

	*constructedp = false;
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
			if (!pool_full(pp, func, flags, nomalloc, &pw))
				return NULL;
		} else if (pp->pr_nfree != 0) {
			item = pool_take(pp);
			break;
		} else if (!pool_empty(pp, func, flags, nomalloc, &pw))
			return NULL;
	}
	pp->pr_nget++;
	pool_level(pp, nomalloc);
	pool_unpoison(pp, item);
	if (pool_filling(pp) && !*constructedp)
		pool_filled(pp, item);
	return item;
}

__kern_public void *
pool_get(struct pool *pp, int flags)
{
	bool constructed;
	void *item;

	KASSERTMSG((flags & PR_ZERO) == 0 || (pp->pr_flags & PR_NOTOUCH) == 0,
	    "pool_get: \"%s\": PR_ZERO in a PR_NOTOUCH pool", pp->pr_wchan);
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

	KERN_CHECK(pool_context(pp, func, 0));
	nomalloc = pool_nomalloc(pp);
	if (__predict_false(pp->pr_offpage))
		pool_lock(pp);
	pg = pool_find(pp, func, item, &i);
	if (__predict_false(pp->pr_offpage))
		pool_unlock(pp);
	if (__predict_false(pg == NULL))
		return;
	if (pool_filling(pp) && pg->pg_link[i] == POOL_LINK_OUT)
		memset(item, POOL_FILL, pp->pr_reqsize);
	pool_poison(pp, item);
	pool_lock(pp);
	pool_page_regain(pp, pg);
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
	/*
	 * If the item was being taken out during the fork, pr_nout may not
	 * include it.
	 */
	if (pp->pr_nout != 0 || pp->pr_torngen == 0)
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
	/* The limit may be higher now, so make the waiters look again. */
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
 * Give back the pages that can be spared.
 */
int
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

