/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The checking mode of workqueue(9): which items are pending, and which
 * queues are alive, by address, so that no help from the client is needed
 * and no word of the client's is believed.
 *
 * A table is preallocated and lock-free, for signal handlers use it.  A key
 * stands somewhere in the window of slots that its hash begins; a slot is
 * freed by clearing it, and every search reads the whole window, so no
 * tombstones are needed.
 *
 * Two threads that add one key at the same time both see the other: each
 * fills its slot and then reads the window again, both sequentially
 * consistent, so that not both reads can precede the other's store.
 */

#include <string.h>

#include "kern.h"

#define	WQCHECK_WINDOW	64

struct wqcheck_slot {
	uintptr_t	 cs_key;	/* 0: free */
	const void	*cs_value;	/* of the one whose key it is */
};

struct wqcheck_table {
	const char	*ct_what;
	size_t		 ct_mask;	/* slots - 1 */
	struct wqcheck_slot *ct_slots;
	unsigned	 ct_full;	/* it has overflowed, and said so */
};

static struct wqcheck_table wqcheck_works = {
	.ct_what = "pending works", .ct_mask = (1 << 18) - 1
};
static struct wqcheck_table wqcheck_queues = {
	.ct_what = "queues", .ct_mask = (1 << 14) - 1
};

/* Queues that were destroyed of late: see wqcheck_destroy(). */
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
 * Add a key; the slot of the same key if it is there already.
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
			/* For a message only: who reads it may be early. */
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
	/* Release: what happened while it was in comes before. */
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
 * In a forked child what was pending is the parent's.
 */
void
wqcheck_fork(void)
{

	atomic_store_relaxed(&wqcheck_deadspin.ks_locked, 0u);
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
 * Is that a queue?  True when in doubt.
 */
bool
wqcheck_alive(struct workqueue *wq)
{

	return wqcheck_find(&wqcheck_queues, (uintptr_t)wq, NULL) != NULL ||
	    atomic_load_relaxed(&wqcheck_queues.ct_full) != 0;
}

/*
 * The last queues that were destroyed are kept for a while, so that whoever
 * still uses one reads what it was.  Returns the one to free now, or NULL.
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
 * An item becomes pending on a queue.  NULL, or the queue that it is pending
 * on already.  From any context.
 */
const void *
wqcheck_enqueue(const void *wk, const void *wq)
{
	struct wqcheck_slot *cs;
	const void *other;

	if ((cs = wqcheck_add(&wqcheck_works, (uintptr_t)wk, wq)) == NULL)
		return NULL;
	other = atomic_load_relaxed(&cs->cs_value);
	return other != NULL ? other : wq;
}

/*
 * It is pending no more.
 */
void
wqcheck_run(const void *wk, const void *wq)
{

	(void)wq;
	(void)wqcheck_remove(&wqcheck_works, (uintptr_t)wk);
}

/*
 * Panic if the calling thread may not sleep.
 */
void
wqcheck_sleepable(const char *func)
{

	wqcheck_sleepable_on(func, NULL, NULL);
}

/*
 * The same, and what it would sleep on.
 */
void
wqcheck_sleepable_on(const char *func, const void *addr, const char *kind)
{
	const char *on, *text;
	struct lwp *l;

	if ((l = host_self()) == NULL || (l->l_intrdepth == 0 &&
	    l->l_softintr == 0 && l->l_ipl == IPL_NONE && l->l_nopreempt == 0))
		return;
	on = addr != NULL ? ", on " : "";
	text = addr != NULL ? lockdebug_text(addr, kind) : "";
	if (l->l_intrdepth != 0)
		panic("%s: sleeping in interrupt context%s%s", func, on, text);
	if (l->l_softintr != 0)
		panic("%s: sleeping in softint context%s%s", func, on, text);
	/* What raised the level may be a spin mutex. */
	if (l->l_ipl != IPL_NONE)
		panic("%s: sleeping at IPL %d%s%s%s", func, l->l_ipl, on, text,
		    l->l_mtxcount != 0 ? lockdebug_heldtext() : "");
	panic("%s: sleeping with preemption off%s%s", func, on, text);
}

/*
 * Panic if the calling thread may not block on that lock.
 */
void
wqcheck_lockable(const char *func, const void *addr, const char *kind)
{
	struct lwp *l;

	if ((l = host_self()) == NULL)
		return;
	if (l->l_intrdepth != 0)
		panic("%s: blocking in interrupt context, on %s", func,
		    lockdebug_text(addr, kind));
	if ((l->l_psread[0] | l->l_psread[1]) != 0)
		panic("%s: blocking in a pserialize read section, on %s",
		    func, lockdebug_text(addr, kind));
	if (l->l_ipl >= IPL_VM)
		panic("%s: blocking at IPL %d, on %s%s", func, l->l_ipl,
		    lockdebug_text(addr, kind),
		    l->l_mtxcount != 0 ? lockdebug_heldtext() : "");
}
