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
#include <sys/timevar.h>

#define	IV_SKIP		64	/* fills, after a pause that was no use */
#define	IV_TINY		150	/* ns; more than one thread is no use */
#define	IV_NAP		100000	/* ns; of who is on guard, at first ... */
#define	IV_LONGNAP	400000	/* ... and at last */
#define	IV_IDLE		8	/* naps with next to nothing to do */
#define	IV_TOOMANY	65536	/* such, after naps that were no use */

/*
 * A thread that looks for items; in its own stack frame.
 */
struct iv_worker {
	struct iv_trail	 iw_trail;	/* in ip_done */
	uint64_t	 iw_tail;	/* of ip_lane */
	bool		 iw_putter;	/* is ip_putter */
};

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
 * Have one more thread look for items.  False if there is a thread for that.
 * A call that is pending already may be one that no thread was started for,
 * since one was about to be free, who then came by an item without the call.
 */
static bool
iv_pool_call(struct iv_pool *ip)
{

	/* Acq_rel: if it is pending, whoever takes it sees our item. */
	if (atomic_swap_acq_rel(&ip->ip_called, 1) == 0)
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
	/* Somebody must look even while an item runs for long. */
	if (isowner && ip->ip_lanes && (ip->ip_maxthreads == 1 ||
	    atomic_load_relaxed(&ip->ip_guard) != 0))
		iv_lane_open(&ip->ip_lane, old != NULL && old != IV_WANTED);
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
 * The owner has put an item where nobody may look.
 */
void
iv_pool_wake(struct iv_pool *ip)
{

	if (iv_pool_call(ip))
		iv_pool_grow(ip);
}

/*
 * Take an item from the ring, or NULL.
 */
static inline struct iv_work_item *
iv_ring_take(struct iv_pool *ip)
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

static inline bool
iv_ring_empty(struct iv_pool *ip)
{
	uint64_t w;

	w = atomic_load_relaxed(&ip->ip_ring);
	return (uint32_t)w == (uint32_t)(w >> 32);
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
	/*
	 * Nobody is on guard: the lane does not stay open while we run
	 * something.  We are about to look into it.
	 */
	if (ip->ip_maxthreads != 1 &&
	    atomic_load_relaxed(&ip->ip_guard) == 0)
		iv_lane_close(&ip->ip_lane);
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
		if (!iv_lane_empty(&ip->ip_lane)) {
			mutex_exit(&ip->ip_lock);
			return true;
		}
		if (atomic_load_relaxed(&ip->ip_lane.ln_open) != 0) {
			/* More may come in sooner than we could sleep. */
			if (again)
				wqpool_gather();
			else
				iv_lane_close(&ip->ip_lane);
			again = false;
			continue;
		}
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
 * An item has been taken, from the ring or the lane.  If not all threads are
 * active, somebody must come for the next, wherever that is: what has been
 * moved out of the inbox has no other to see to it than who has moved it.
 */
static inline void
iv_pool_help(struct iv_pool *ip)
{
	struct iv_work_item *old;

	/*
	 * Who stops being on guard looks for items after that, and if there
	 * are none puts IV_WANTED.  Who sees that, or what comes of it, sees
	 * this, too.
	 */
	if (atomic_load_relaxed(&ip->ip_active) >= ip->ip_maxthreads ||
	    atomic_load_relaxed(&ip->ip_guard) != 0)
		return;
	if (iv_ring_empty(ip) && atomic_load_relaxed(&ip->ip_list) == NULL &&
	    iv_lane_empty(&ip->ip_lane)) {
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
iv_item_run(struct iv_pool *ip, struct iv_work_item *item,
    struct iv_worker *iw)
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
	if (iw->iw_putter)
		switch (iv_lane_put(&ip->ip_back, item)) {
		case IV_PUT:
			return;
		case IV_PUT_LATE:
			iv_event_post(&ip->ip_event);
			return;
		case IV_PUT_NOT:
			break;
		}
	iv_item_sethint(item, &iw->iw_trail);
	old = atomic_load_relaxed(&ip->ip_done);
	if (iw->iw_putter && ip->ip_lanes)
		iv_lane_open(&ip->ip_back, old != NULL && old != IV_ASLEEP);
	do {
		iv_item_setnext(item, old == IV_ASLEEP ? NULL : old);
		/* Release: what the work did; the item is the owner's. */
	} while (!atomic_cas_weak_acq_rel(&ip->ip_done, &old, item));
	/* The owner does not free the pool while a thread is in here. */
	if (old == IV_ASLEEP)
		iv_event_post(&ip->ip_event);
}

/*
 * One thread at a time puts into ip_back.
 */
static void
iv_worker_putter(struct iv_pool *ip, struct iv_worker *iw, bool wanted)
{

	if (iw->iw_putter == wanted)
		return;
	if (!wanted) {
		/* Release: the lane is the next one's. */
		atomic_store_release(&ip->ip_putter, 0);
		iw->iw_putter = false;
	} else if (atomic_load_relaxed(&ip->ip_putter) == 0)
		iw->iw_putter =
		    atomic_swap_acquire(&ip->ip_putter, 1) == 0;
}

/*
 * How many items have been begun by all.
 */
static uint32_t
iv_pool_begun(struct iv_pool *ip)
{

	/* A count, and nothing behind it: relaxed. */
	return (uint32_t)atomic_load_relaxed(&ip->ip_ring) +
	    (uint32_t)atomic_load_relaxed(&ip->ip_lane.ln_head);
}

/*
 * Do items come so fast, and are so small, that another thread does better
 * without us?
 */
static bool
iv_guard_wanted(struct iv_pool *ip)
{
	struct timespec ts;
	uint32_t n, begun;
	int64_t now, ns;
	bool wanted;

	if (!ip->ip_lanes || ip->ip_maxthreads == 1 ||
	    atomic_load_relaxed(&ip->ip_guard) != 0 ||
	    atomic_load_relaxed(&ip->ip_active) < 2)
		return false;
	wanted = false;
	mutex_enter(&ip->ip_lock);
	begun = iv_pool_begun(ip);
	n = begun - ip->ip_begun;
	if (n >= ip->ip_enough &&
	    atomic_load_relaxed(&ip->ip_guard) == 0) {
		nanouptime(&ts);
		now = ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
		ns = now - ip->ip_since;
		ip->ip_since = now;
		ip->ip_begun = begun;
		wanted = ns < (int64_t)n * IV_TINY;
		if (wanted)
			atomic_store_relaxed(&ip->ip_guard, 1);
	}
	mutex_exit(&ip->ip_lock);
	return wanted;
}

/*
 * Does an item wait for a thread?
 */
static bool
iv_pool_waits(struct iv_pool *ip)
{
	struct iv_work_item *item;

	item = atomic_load_relaxed(&ip->ip_inbox);
	return !iv_ring_empty(ip) || (item != NULL && item != IV_WANTED) ||
	    atomic_load_relaxed(&ip->ip_list) != NULL ||
	    !iv_lane_empty(&ip->ip_lane);
}

/*
 * Be on guard: while another thread does well alone, only look from time to
 * time whether it still does.
 */
static void
iv_guard(struct iv_pool *ip)
{
	uint32_t begun, n;
	unsigned naps, idle;
	int64_t nap;

	naps = idle = 0;
	nap = IV_NAP;
	begun = iv_pool_begun(ip);
	for (;;) {
		wqpool_nap(nap);
		n = iv_pool_begun(ip) - begun;
		begun += n;
		if (n >= nap / IV_TINY)
			nap = IV_LONGNAP;
		else {
			if (iv_pool_waits(ip))
				break;
			if (n >= IV_MANY)
				idle = 0;
			else if (++idle == IV_IDLE)
				break;
			nap = IV_NAP;
		}
		naps++;
	}
	mutex_enter(&ip->ip_lock);
	if (naps != 0)
		ip->ip_enough = IV_ENOUGH;
	else if (ip->ip_enough < IV_TOOMANY)
		ip->ip_enough *= 2;
	atomic_store_relaxed(&ip->ip_guard, 0);
	mutex_exit(&ip->ip_lock);
	iv_lane_close(&ip->ip_lane);
}

/*
 * The call.
 */
void
iv_worker_run(struct work *wk, void *arg)
{
	struct iv_work_item *item;
	struct iv_worker iw;
	struct iv_pool *ip;
	bool again;
	unsigned n;

	(void)wk;
	ip = arg;
	memset(&iw, 0, sizeof(iw));
	(void)atomic_fetch_add_seq_cst(&ip->ip_active, 1);
	/* Acq_rel: see what those saw who found it pending. */
	(void)atomic_swap_acq_rel(&ip->ip_called, 0);
	do {
		iv_worker_putter(ip, &iw, true);
		again = false;
		/* What the others submit has its turn, too. */
		for (n = 0; n < IV_LANE; n++) {
			item = iv_lane_take(&ip->ip_lane, &iw.iw_tail,
			    ip->ip_maxthreads == 1);
			if (item == NULL)
				break;
			iv_pool_help(ip);
			iv_item_run(ip, item, &iw);
			again = true;
		}
		while ((item = iv_ring_take(ip)) != NULL) {
			iv_pool_help(ip);
			iv_item_run(ip, item, &iw);
			again = true;
		}
		if (iv_guard_wanted(ip)) {
			iv_worker_putter(ip, &iw, false);
			iv_guard(ip);
		}
	} while (iv_ring_fill(ip, again));
	iv_worker_putter(ip, &iw, false);
}
