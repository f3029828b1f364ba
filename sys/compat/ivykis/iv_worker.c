/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3): the threads of a pool, and how they come by items.
 */

#include <string.h>

#include "iv_impl.h"

#include <sys/kernel.h>

#define	IV_SKIP		64	/* fills, after a pause that was no use */

/*
 * The call is pending, and no thread is there for it.  If none can be had
 * the items are for those that are active.
 */
static void
iv_pool_grow(struct iv_pool *ip)
{
	int failed;

	if (__predict_false(atomic_load_relaxed(&ip->ip_failed) != 0) &&
	    getticks() - atomic_load_relaxed(&ip->ip_retry) < 0)
		return;
	failed = wqpool_grow(ip->ip_wqpool) != 0;
	if (failed)
		atomic_store_relaxed(&ip->ip_retry, getticks() + 2);
	atomic_store_relaxed(&ip->ip_failed, failed);
}

/*
 * Have one more thread look for items.  False if that is under way, or there
 * is a thread for it.
 */
static bool
iv_pool_call(struct iv_pool *ip)
{

	/* Acq_rel: if it is pending, whoever takes it sees our item. */
	if (atomic_swap_acq_rel(&ip->ip_called, 1) != 0)
		return false;
	wqpool_enqueue(ip->ip_wqpool, &ip->ip_call);
	/*
	 * With iv_worker_stop(): we store the call and read ip_nthreads, it
	 * stores that and looks for a call, and not both may miss the other.
	 * So both change ip_nthreads: of two changes the later sees what was
	 * before the earlier.  A load, or a fence on one side, is too weak.
	 */
	return atomic_fetch_add_acq_rel(&ip->ip_nthreads, 0) <=
	    atomic_load_seq_cst(&ip->ip_active);
}

/*
 * An item keeps at most one thread busy.  So if there are no more items than
 * threads, one of these is free for the item that the owner has submitted,
 * though it may be active still, after an item that is completed already.
 */
static bool
iv_pool_free(struct iv_pool *ip)
{
	uint64_t n;

	n = ip->ip_submitted - ip->ip_completed;
	n += atomic_load_seq_cst(&ip->ip_continued);
	n -= atomic_load_seq_cst(&ip->ip_silent);
	return (int64_t)n <= atomic_load_seq_cst(&ip->ip_nthreads);
}

void
iv_pool_submit(struct iv_pool *ip, struct iv_work_item *item, bool isowner)
{
	struct iv_work_item *old;

	if (isowner)
		iv_item_sethint(item, &ip->ip_trail);
	else
		item->list.prev = NULL;
	old = atomic_load_relaxed(&ip->ip_inbox);
	do {
		iv_item_setnext(item, old == IV_WANTED ? NULL : old);
		/* Release: the item; acquire: who wants the call is active. */
	} while (!atomic_cas_weak_acq_rel(&ip->ip_inbox, &old, item));
	if (old == IV_WANTED) {
		if (iv_pool_call(ip) && !(isowner && iv_pool_free(ip)))
			iv_pool_grow(ip);
	} else if (atomic_load_relaxed(&ip->ip_called) != 0 &&
	    atomic_load_relaxed(&ip->ip_active) < ip->ip_maxthreads &&
	    atomic_load_relaxed(&ip->ip_nthreads) -
	    atomic_load_relaxed(&ip->ip_first) <=
	    atomic_load_relaxed(&ip->ip_active)) {
		/* Who is to come is still being started: one for each. */
		iv_pool_grow(ip);
	}
}

/*
 * Take an item from the ring, or NULL; *morep: there are more.
 */
static inline struct iv_work_item *
iv_ring_take(struct iv_pool *ip, bool *morep)
{
	struct iv_work_item *item;
	uint32_t head, tail;
	uint64_t w;

	/* Acquire: what is in the slots. */
	w = atomic_load_acquire(&ip->ip_ring);
	do {
		head = (uint32_t)w;
		tail = (uint32_t)(w >> 32);
		if (head == tail)
			return NULL;
		/* If it is filled anew meanwhile, the swap fails. */
		item = atomic_load_relaxed(&ip->ip_slots[head % IV_RING]);
		head++;
		*morep = head != tail;
		if (ip->ip_maxthreads == 1) {
			/* One thread at a time is in here. */
			atomic_store_relaxed(&ip->ip_ring,
			    (uint64_t)tail << 32 | head);
			break;
		}
	} while (!atomic_cas_acq_rel(&ip->ip_ring, &w,
	    (uint64_t)tail << 32 | head));
	return item;
}

/*
 * With ip_lock held and ip_list empty: move what has been submitted there;
 * again: the caller has run an item just now.
 */
static void
iv_pool_order(struct iv_pool *ip, bool again)
{
	struct iv_work_item *next;
	bool paused;

	next = atomic_load_relaxed(&ip->ip_inbox);
	if (next == NULL || next == IV_WANTED)
		return;
	/*
	 * All that are to look for items do, or who submits calls another.
	 * So if items come faster than we run them, this costs nobody much,
	 * and saves the owner and us to take the inbox from each other for
	 * each few of them.
	 */
	paused = false;
	if (again && ip->ip_ordered < IV_RING) {
		if (ip->ip_skip != 0)
			ip->ip_skip--;
		else {
			wqpool_gather();
			paused = true;
		}
	}
	/* Acquire: the items. */
	next = atomic_swap_acq_rel(&ip->ip_inbox, NULL);
	atomic_store_relaxed(&ip->ip_list,
	    iv_item_reverse(next, &ip->ip_ordered));
	if (paused && ip->ip_ordered < IV_MANY)
		ip->ip_skip = IV_SKIP;
}

/*
 * Fill the ring.  False if there is nothing; then the caller is not active
 * any more.
 */
static bool
iv_ring_fill(struct iv_pool *ip, bool again)
{
	struct iv_work_item *item, *old;
	uint32_t tail;
	uint64_t w;
	int n;

	mutex_enter(&ip->ip_lock);
	w = atomic_load_relaxed(&ip->ip_ring);
	tail = (uint32_t)(w >> 32);
	if ((uint32_t)w != tail) {
		mutex_exit(&ip->ip_lock);
		return true;
	}
	for (;;) {
		if (ip->ip_list == NULL)
			iv_pool_order(ip, again);
		if (ip->ip_list != NULL)
			break;
		(void)atomic_fetch_add_seq_cst(&ip->ip_active, -1);
		/* Release: that we are not active. */
		old = NULL;
		if (atomic_cas_acq_rel(&ip->ip_inbox, &old, IV_WANTED) ||
		    old == IV_WANTED) {
			mutex_exit(&ip->ip_lock);
			return false;
		}
		(void)atomic_fetch_add_seq_cst(&ip->ip_active, 1);
	}
	item = ip->ip_list;
	for (n = 0; n < IV_RING && item != NULL; n++) {
		atomic_store_relaxed(&ip->ip_slots[tail++ % IV_RING], item);
		item = iv_item_next(item);
	}
	atomic_store_relaxed(&ip->ip_list, item);
	/* Release: the slots, and what the items are. */
	atomic_store_release(&ip->ip_ring,
	    (uint64_t)tail << 32 | (uint32_t)w);
	mutex_exit(&ip->ip_lock);
	return true;
}

/*
 * An item has been taken.  If not all threads are active, somebody must come
 * for the next.
 */
static inline void
iv_pool_help(struct iv_pool *ip, bool more)
{
	struct iv_work_item *old;

	if (atomic_load_relaxed(&ip->ip_active) >= ip->ip_maxthreads)
		return;
	if (!more && atomic_load_relaxed(&ip->ip_list) == NULL) {
		old = atomic_load_relaxed(&ip->ip_inbox);
		if (old == IV_WANTED)
			return;
		/* Release: that we are active. */
		if (old == NULL && (atomic_cas_acq_rel(&ip->ip_inbox, &old,
		    IV_WANTED) || old == IV_WANTED))
			return;
	}
	if (iv_pool_call(ip))
		iv_pool_grow(ip);
}

void
iv_worker_start(void *arg)
{
	struct iv_pool *ip;

	ip = arg;
	iv_init();
	iv_local_init();
	if (ip->ip_start != NULL) {
		(*ip->ip_start)(ip->ip_cookie);
		iv_worker_turn();
	}
	/* The first is counted from the beginning. */
	if (atomic_swap_relaxed(&ip->ip_first, 0) == 0)
		(void)atomic_fetch_add_seq_cst(&ip->ip_nthreads, 1);
}

void
iv_worker_stop(void *arg)
{
	struct iv_pool *ip;

	ip = arg;
	/*
	 * Acq_rel, with iv_pool_call(): whoever has submitted sees that, or
	 * has counted on us, and we see the call.
	 */
	(void)atomic_fetch_add_acq_rel(&ip->ip_nthreads, -1);
	(void)wqpool_grow(ip->ip_wqpool);
	if (ip->ip_stop != NULL) {
		(*ip->ip_stop)(ip->ip_cookie);
		iv_worker_turn();
	}
	iv_deinit();
}

static inline void
iv_item_run(struct iv_pool *ip, struct iv_work_item *item, struct iv_trail *it)
{
	struct iv_work_item *old;

	if (item->completion == NULL) {
		/* It is the user's from now on. */
		if (ip->ip_checking)
			iv_item_checkout(item);
		(*item->work)(item->cookie);
		iv_worker_turn();
		(void)atomic_fetch_add_seq_cst(&ip->ip_silent, 1);
		return;
	}
	(*item->work)(item->cookie);
	iv_worker_turn();
	iv_item_sethint(item, it);
	old = atomic_load_relaxed(&ip->ip_done);
	do {
		iv_item_setnext(item, old == IV_ASLEEP ? NULL : old);
		/* Release: what the work did; the item is the owner's. */
	} while (!atomic_cas_weak_acq_rel(&ip->ip_done, &old, item));
	/* The owner does not free the pool while a thread is in here. */
	if (old == IV_ASLEEP)
		iv_event_post(&ip->ip_event);
}

/*
 * The call.
 */
void
iv_worker_run(struct work *wk, void *arg)
{
	struct iv_work_item *item;
	struct iv_trail trail;
	struct iv_pool *ip;
	bool again, more;

	(void)wk;
	ip = arg;
	memset(&trail, 0, sizeof(trail));
	(void)atomic_fetch_add_seq_cst(&ip->ip_active, 1);
	/* Acq_rel: see what those saw who found it pending. */
	(void)atomic_swap_acq_rel(&ip->ip_called, 0);
	do {
		again = false;
		while ((item = iv_ring_take(ip, &more)) != NULL) {
			iv_pool_help(ip, more);
			iv_item_run(ip, item, &trail);
			again = true;
		}
	} while (iv_ring_fill(ip, again));
}
