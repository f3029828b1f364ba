/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The checking mode of workqueue(9).  Two tables hold the addresses of the
 * pending items and of the live queues.  So a check needs no help from the
 * client, and trusts no memory of the client.
 *
 * A table is preallocated and lock-free, because signal handlers use it.  The
 * hash of a key selects a window of slots, and the key is in one of them.  A
 * thread frees a slot by clearing it.  Every search reads the whole window, so
 * there are no tombstones.
 *
 * If two threads add the same key at the same time, at least one of them sees
 * the other's store.  Each fills its slot and then reads the window again.
 * Both steps are sequentially consistent, so at most one of the reads can
 * precede the other thread's store.
 */

#include <string.h>

#include "kern.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"
#include "subr_workqueue.h"
#include "subr_wqcheck.h"

#define	WQCHECK_WINDOW	64

struct wqcheck_slot {
	uintptr_t	 cs_key;	/* 0: free */
	const void	*cs_value;	/* the value for the key */
	const void	*cs_link;	/* (a) link word of a pending item */
	uintptr_t	 cs_site;	/* (a) where the item was enqueued */
};

struct wqcheck_table {
	const char	*ct_what;
	size_t		 ct_mask;	/* slots - 1 */
	struct wqcheck_slot *ct_slots;
	unsigned	 ct_full;	/* (a) it has overflowed */
};

static struct wqcheck_table wqcheck_works = {
	.ct_what = "pending items", .ct_mask = (1 << 18) - 1
};
static struct wqcheck_table wqcheck_queues = {
	.ct_what = "queues", .ct_mask = (1 << 14) - 1
};

/* Recently destroyed queues: see wqcheck_destroy(). */
static struct kspin	wqcheck_deadspin;
static struct workqueue	*wqcheck_dead[16];	/* (wqcheck_deadspin) */
static unsigned		wqcheck_ndead;		/* (wqcheck_deadspin) */

static struct wqcheck_slot *
wqcheck_slot(const struct wqcheck_table *ct, uintptr_t key, size_t i)
{
	uint64_t h;

	h = (uint64_t)key * 0x9e3779b97f4a7c15u;
	return &ct->ct_slots[((size_t)(h >> 40) + i) & ct->ct_mask];
}

static struct wqcheck_slot *
wqcheck_find(const struct wqcheck_table *ct, uintptr_t key,
    const struct wqcheck_slot *except)
{
	struct wqcheck_slot *cs;
	size_t i;

	for (i = 0; i < WQCHECK_WINDOW; i++) {
		cs = wqcheck_slot(ct, key, i);
		if (cs != except && atomic_load_seq_cst(&cs->cs_key) == key)
			return cs;
	}
	return NULL;
}

/*
 * Add a key.  Return another slot that has the same key, or NULL if there is
 * none.
 */
static struct wqcheck_slot *
wqcheck_add(struct wqcheck_table *ct, uintptr_t key, const void *value)
{
	struct wqcheck_slot *cs;
	uintptr_t o;
	size_t i;

	if ((cs = wqcheck_find(ct, key, NULL)) != NULL)
		return cs;
	for (i = 0; i < WQCHECK_WINDOW; i++) {
		cs = wqcheck_slot(ct, key, i);
		o = 0;
		if (atomic_load_relaxed(&cs->cs_key) == 0 &&
		    atomic_cas_seq_cst(&cs->cs_key, &o, key)) {
			/* This is only for a message: a reader may see NULL. */
			atomic_store_relaxed(&cs->cs_value, value);
			return wqcheck_find(ct, key, cs);
		}
	}
	if (atomic_swap_acq_rel(&ct->ct_full, 1u) == 0)
		kern_warn("checking: too many %s to watch them all",
		    ct->ct_what);
	return NULL;
}

static bool
wqcheck_remove(struct wqcheck_table *ct, uintptr_t key)
{
	struct wqcheck_slot *cs;

	if ((cs = wqcheck_find(ct, key, NULL)) == NULL)
		return false;
	atomic_store_relaxed(&cs->cs_value, NULL);
	/* Release: all uses of the slot come before. */
	atomic_store_release(&cs->cs_key, (uintptr_t)0);
	return true;
}

static void
wqcheck_tableinit(struct wqcheck_table *ct)
{

	ct->ct_slots = host_alloc((ct->ct_mask + 1) * sizeof(*ct->ct_slots));
	if (ct->ct_slots == NULL)
		panic("WORKQUEUE_CHECK: no memory");
}

void
wqcheck_init(void)
{

	wqcheck_tableinit(&wqcheck_works);
	wqcheck_tableinit(&wqcheck_queues);
}

/*
 * Forget the pending items in a forked child: they are the parent's.
 */
void
wqcheck_fork(struct lwp *l)
{

	(void)l;
	if (KERN_CHECKING())
		memset(wqcheck_works.ct_slots, 0, (wqcheck_works.ct_mask + 1) *
		    sizeof(*wqcheck_works.ct_slots));
}

void
wqcheck_create(struct workqueue *wq)
{

	(void)wqcheck_add(&wqcheck_queues, (uintptr_t)wq, NULL);
}

/*
 * Return true if wq is a live queue, or if the table has overflowed.
 */
bool
wqcheck_alive(struct workqueue *wq)
{

	return wqcheck_find(&wqcheck_queues, (uintptr_t)wq, NULL) != NULL ||
	    atomic_load_relaxed(&wqcheck_queues.ct_full) != 0;
}

/*
 * Keep a destroyed queue for a while, so that a thread that still uses it finds
 * the memory of a queue.  Return an older queue for the caller to free, or
 * NULL.
 */
struct workqueue *
wqcheck_destroy(struct workqueue *wq)
{
	struct workqueue *old, **place;

	(void)wqcheck_remove(&wqcheck_queues, (uintptr_t)wq);
	kspin_enter(&wqcheck_deadspin);
	place = &wqcheck_dead[wqcheck_ndead++ % __arraycount(wqcheck_dead)];
	old = *place;
	*place = wq;
	kspin_exit(&wqcheck_deadspin);
	return old;
}

/*
 * Record that an item becomes pending on a queue.  Return NULL, or the queue on
 * which it is already pending.  Any context.
 */
const void *
wqcheck_enqueue(const void *wk, const void *wq, uintptr_t site)
{
	struct wqcheck_slot *cs;
	const void *other;

	if ((cs = wqcheck_add(&wqcheck_works, (uintptr_t)wk, wq)) == NULL) {
		if ((cs = wqcheck_find(&wqcheck_works, (uintptr_t)wk,
		    NULL)) != NULL)
			atomic_store_relaxed(&cs->cs_site, site);
		return NULL;
	}
	other = atomic_load_relaxed(&cs->cs_value);
	return other != NULL ? other : wq;
}

/*
 * Record a write to the link word of an item.  The producer calls this before
 * the item is in the inbox.  Later callers hold the lock of the queue.
 */
void
wqcheck_link(const void *wk, const void *link)
{
	struct wqcheck_slot *cs;

	if (!KERN_CHECKING())
		return;
	/* Relaxed: the inbox or the lock orders this like the link word. */
	if ((cs = wqcheck_find(&wqcheck_works, (uintptr_t)wk, NULL)) != NULL)
		atomic_store_relaxed(&cs->cs_link, link);
}

/*
 * Return true if link is the last recorded link word of the item.  Also return
 * true if the item is not in the table, because the table may be full.
 */
bool
wqcheck_linked(const void *wk, const void *link, uintptr_t *sitep)
{
	const struct wqcheck_slot *cs;

	if ((cs = wqcheck_find(&wqcheck_works, (uintptr_t)wk, NULL)) == NULL)
		return true;
	*sitep = atomic_load_relaxed(&cs->cs_site);
	return atomic_load_relaxed(&cs->cs_link) == link;
}

/*
 * Record that an item is no longer pending.
 */
void
wqcheck_dequeue(const void *wk)
{

	(void)wqcheck_remove(&wqcheck_works, (uintptr_t)wk);
}
