/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Find an item on one queue, for workqueue_wait() and workqueue_cancel().
 *
 * A pending item is in one of these places, from the oldest items to the
 * newest:
 *
 *	the batch	at most 32 items, in the worker's memory
 *	the list	q_first: linked, oldest first
 *	q_turned and q_unturned
 *			an inbox on its way to the list: workqueue_turn()
 *	the inbox	linked, newest first
 *
 * An item only moves up in this table.
 *
 * A search first looks in the batch.  It needs only q_lock for that.
 *
 * The other places may hold many items.  A thread that searches them, or
 * removes an item from the list, holds q_findlock.  The worker never waits for
 * that lock.  While the thread follows links, it also holds q_lock.  After
 * WQ_PIECE items it hands q_lock to a thread that sleeps for this lock.
 * Meanwhile only the worker changes the list.  It takes items from the head.
 * If the list is empty, it takes the items of q_unturned or, if there are none,
 * those of the inbox.
 *
 * The first search of a list of more than WQ_PIECE items walks the list.  The
 * second search makes an index (subr_wqindex.c), which exists until the list is
 * empty.  If there is no memory for an index, the search walks the list.
 *
 * The index holds a contiguous part of the list, in the same order.  The worker
 * does not update the index, so each search does.  The search removes from the
 * head of the index the items that the worker has taken, and appends the new
 * items to its tail.  Each item is appended and removed once.  So the cost of a
 * search is at most proportional to the number of items that were enqueued
 * since the previous search.
 */

#include "kern.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "subr_workqueue.h"
#include "subr_wqcheck.h"
#include "subr_wqinbox.h"
#include "subr_wqindex.h"

/*
 * Do what workqueue_turn() does, in checking mode.
 */
static bool
workqueue_turn_checked(struct workqueue_queue *q)
{
	struct work *wk;
	uintptr_t next, w;
	unsigned n;

	w = q->q_unturned;
	for (n = WQ_PIECE; n > 0 && !wqinbox_end(w); n--, w = next) {
		wk = (struct work *)w;
		workqueue_check_item(q, wk);
		next = (uintptr_t)wk->wk_dummy;
		if (q->q_turned == NULL)
			q->q_turnedlastp = (struct work **)&wk->wk_dummy;
		wk->wk_dummy = q->q_turned;
		wqcheck_link(wk, q->q_turned);
		q->q_turned = wk;
	}
	if (!wqinbox_end(w)) {
		atomic_store_relaxed(&q->q_unturned, w);
		return false;
	}
	if (q->q_turned != NULL) {
		if (q->q_lastp != &q->q_first) {
			/* q_lastp points to the last item's first member. */
			wk = (struct work *)(void *)q->q_lastp;
			workqueue_check_item(q, wk);
			wqcheck_link(wk, q->q_turned);
		}
		atomic_store_relaxed(q->q_lastp, q->q_turned);
		q->q_lastp = q->q_turnedlastp;
		q->q_turned = NULL;
		q->q_refills++;
	}
	atomic_store_relaxed(&q->q_unturned, (uintptr_t)0);
	return true;
}

/*
 * Move up to WQ_PIECE items from q_unturned to q_turned, which reverses their
 * order.  After the last one, append q_turned to the list and return true.
 */
bool
workqueue_turn(struct workqueue_queue *q)
{
	struct work *turned, *wk;
	uintptr_t w;
	unsigned n;

	KASSERT(mutex_owned(&q->q_lock));
	if (KERN_CHECKING() || KERN_WATCHED())
		return workqueue_turn_checked(q);
	turned = q->q_turned;
	w = q->q_unturned;
	/* The newest item comes first here, and last in the list. */
	if (turned == NULL && !wqinbox_end(w))
		q->q_turnedlastp =
		    (struct work **)&((struct work *)w)->wk_dummy;
	for (n = WQ_PIECE; n > 0 && !wqinbox_end(w); n--) {
		wk = (struct work *)w;
		w = (uintptr_t)wk->wk_dummy;
		wk->wk_dummy = turned;
		turned = wk;
	}
	if (n == 0 && !wqinbox_end(w)) {
		q->q_turned = turned;
		atomic_store_relaxed(&q->q_unturned, w);
		return false;
	}
	if (turned != NULL) {
		atomic_store_relaxed(q->q_lastp, turned);
		q->q_lastp = q->q_turnedlastp;
		q->q_turned = NULL;
		q->q_refills++;
	}
	atomic_store_relaxed(&q->q_unturned, (uintptr_t)0);
	return true;
}

/*
 * Store the items that were taken from the inbox, for workqueue_turn().
 */
void
workqueue_unturned(struct workqueue_queue *q, uintptr_t w)
{

	KASSERT(mutex_owned(&q->q_lock));
	KASSERT(q->q_turned == NULL && q->q_unturned == 0);
	atomic_store_relaxed(&q->q_unturned, w);
}

/*
 * Look for an item in the batch.
 */
static bool
workqueue_find_batch(struct workqueue_queue *q, const struct work *wk,
    struct workqueue_place *wp)
{
	uint64_t done, pos;
	uintptr_t w;
	unsigned i;

	KASSERT(mutex_owned(&q->q_lock));
	/* Acquire: the caller sees what the callback of a done item did. */
	done = atomic_load_acquire(&q->q_done);
	pos = workqueue_taken(q);
	for (i = q->q_end; i > q->q_start && pos > done; i--, pos--) {
		w = (uintptr_t)atomic_load_relaxed(&q->q_batch[i - 1]);
		if ((w & ~WQ_CANCELLED) == (uintptr_t)wk) {
			wp->wp_item = pos > done + 1 ? ITEM_TAKEN : ITEM_RUNS;
			wp->wp_pos = pos;
			return true;
		}
	}
	wp->wp_item = ITEM_NOWHERE;
	return false;
}

/*
 * The result of a search of the list.
 */
enum workqueue_search {
	WQ_FOUND,
	WQ_ABSENT,
	WQ_OTHERWISE		/* try the other kind of search */
};

/*
 * Search the list by its links.  The caller holds both locks.  Return
 * WQ_OTHERWISE if three conditions hold: the list is long, a search has walked
 * it before, and the caller can use an index.
 */
static enum workqueue_search
workqueue_walk(struct workqueue_queue *q, const struct work *wk,
    struct workqueue_place *wp, bool mayindex)
{
	struct work *p, **wkp;
	uint64_t pos;
	unsigned n, refills;

	KASSERT(mutex_owned(&q->q_lock));
	KASSERT(mutex_owned(&q->q_findlock));
	refills = q->q_refills;
	wkp = &q->q_first;
	/* The position of *wkp. */
	pos = workqueue_taken(q) + 1;
	for (;;) {
		for (n = 0; (p = *wkp) != NULL && n < WQ_PIECE; n++) {
			if (KERN_CHECKING() || KERN_WATCHED())
				workqueue_check_item(q, p);
			if (p == wk) {
				wp->wp_link = wkp;
				return WQ_FOUND;
			}
			wkp = (struct work **)&p->wk_dummy;
			pos++;
		}
		if (p == NULL)
			return WQ_ABSENT;
		if (mayindex && q->q_walked)
			return WQ_OTHERWISE;
		mayindex = false;
		atomic_store_relaxed(&q->q_walked, true);
		mutex_handoff(&q->q_lock);
		mutex_enter(&q->q_lock);
		/*
		 * If this is true, the worker has taken all items that were
		 * pending at the start.
		 */
		if (q->q_first == NULL || q->q_refills != refills)
			return WQ_ABSENT;
		/*
		 * The worker may have taken the item that wkp points into.
		 * Then go on at the head of the list.
		 */
		if (workqueue_taken(q) + 1 >= pos) {
			wkp = &q->q_first;
			pos = workqueue_taken(q) + 1;
		}
	}
}

/*
 * Update the index, by up to WQ_PIECE items.  Return true if it is complete.
 */
static bool
workqueue_reindex(struct workqueue_queue *q)
{
	struct wqindex *wi;
	struct work *p;
	unsigned n;

	wi = q->q_index;
	/* Remove the items that the worker has taken: they may be freed. */
	for (n = 0; wi->wi_first != NULL &&
	    q->q_indexpos <= workqueue_taken(q); n++) {
		if (n == WQ_PIECE)
			return false;
		wqindex_remove(wi, wi->wi_first);
		q->q_indexpos++;
	}
	/* Append the new items.  The last one in the index is pending. */
	if (wi->wi_first == NULL) {
		q->q_indexpos = workqueue_taken(q) + 1;
		p = q->q_first;
	} else {
		p = wi->wi_last->we_work;
		if (KERN_CHECKING() || KERN_WATCHED())
			workqueue_check_item(q, p);
		p = p->wk_dummy;
	}
	for (; p != NULL; p = p->wk_dummy, n++) {
		if (n == WQ_PIECE || wi->wi_nfree == 0)
			return false;
		if (KERN_CHECKING() || KERN_WATCHED())
			workqueue_check_item(q, p);
		wqindex_append(wi, p);
	}
	return true;
}

/*
 * Search the index.  The caller holds both locks.  Return WQ_OTHERWISE if there
 * is no memory for an index.
 */
static enum workqueue_search
workqueue_lookup(struct workqueue_queue *q, const struct work *wk,
    struct workqueue_place *wp)
{
	struct wqindex_entry *we;
	unsigned refills;

	KASSERT(mutex_owned(&q->q_lock));
	KASSERT(mutex_owned(&q->q_findlock));
	refills = q->q_refills;
	while (q->q_index == NULL || !workqueue_reindex(q)) {
		/* q_findlock protects the index, so release q_lock. */
		mutex_handoff(&q->q_lock);
		if (q->q_index == NULL)
			q->q_index = wqindex_create();
		if (q->q_index != NULL &&
		    !wqindex_reserve(q->q_index, WQ_PIECE)) {
			wqindex_destroy(q->q_index);
			q->q_index = NULL;
		}
		mutex_enter(&q->q_lock);
		/* See workqueue_walk(). */
		if (q->q_first == NULL || q->q_refills != refills)
			return WQ_ABSENT;
		if (q->q_index == NULL)
			return WQ_OTHERWISE;
	}
	if ((we = wqindex_find(q->q_index, wk)) == NULL)
		return WQ_ABSENT;
	wp->wp_entry = we;
	wp->wp_link = we->we_prev == NULL ? &q->q_first :
	    (struct work **)&we->we_prev->we_work->wk_dummy;
	KASSERT(*wp->wp_link == wk);
	return WQ_FOUND;
}

/*
 * Search all places except the batch.
 */
static bool
workqueue_find_list(struct workqueue_queue *q, const struct work *wk,
    struct workqueue_place *wp)
{
	enum workqueue_search found;
	bool whole;

	KASSERT(mutex_owned(&q->q_lock));
	KASSERT(mutex_owned(&q->q_findlock));
	/*
	 * Move all pending items to the list.  First move the items of an inbox
	 * that was taken before, then, once, those that are in the inbox now.
	 */
	for (whole = false;;) {
		if (!workqueue_turn(q)) {
			mutex_handoff(&q->q_lock);
			mutex_enter(&q->q_lock);
			continue;
		}
		if (whole)
			break;
		whole = true;
		workqueue_unturned(q, wqinbox_take(&q->q_inbox));
	}
	if (q->q_first == NULL)
		return false;
	found = WQ_OTHERWISE;
	if (q->q_index == NULL)
		found = workqueue_walk(q, wk, wp, true);
	if (found == WQ_OTHERWISE)
		found = workqueue_lookup(q, wk, wp);
	if (found == WQ_OTHERWISE)
		found = workqueue_walk(q, wk, wp, false);
	return found == WQ_FOUND;
}

/*
 * Find an item that is pending or running on a queue.  Return false if it is
 * neither.  In both cases the queue stays locked until workqueue_unfind().
 *
 * If an item is running and pending again, find where it is pending.
 */
bool
workqueue_find(struct workqueue_queue *q, const struct work *wk,
    struct workqueue_place *wp)
{

	wp->wp_listed = false;
	wp->wp_link = NULL;
	wp->wp_entry = NULL;
	wp->wp_unindexed = NULL;
	mutex_enter(&q->q_lock);
	(void)workqueue_find_batch(q, wk, wp);
	if (wp->wp_item == ITEM_TAKEN || (q->q_first == NULL &&
	    q->q_unturned == 0 && wqinbox_isempty(&q->q_inbox)))
		return wp->wp_item != ITEM_NOWHERE;

	mutex_exit(&q->q_lock);
	mutex_enter(&q->q_findlock);
	mutex_enter(&q->q_lock);
	wp->wp_listed = true;
	if (workqueue_find_list(q, wk, wp)) {
		/* The item gets its position when the worker takes it. */
		wp->wp_pos = workqueue_taken(q) + 1;
		wp->wp_item = ITEM_LISTED;
		return true;
	}
	/* The worker may have moved the item to the batch meanwhile. */
	return workqueue_find_batch(q, wk, wp);
}

/*
 * Detach the index of an empty list.  Return it for the caller to destroy, or
 * NULL if there is none.
 */
static struct wqindex *
workqueue_unindex(struct workqueue_queue *q)
{
	struct wqindex *wi;

	KASSERT(mutex_owned(&q->q_lock));
	KASSERT(mutex_owned(&q->q_findlock));
	wi = q->q_index;
	q->q_index = NULL;
	atomic_store_relaxed(&q->q_walked, false);
	return wi;
}

/*
 * Release q_findlock if it is held.  Keep q_lock.
 */
void
workqueue_unlist(struct workqueue_queue *q, struct workqueue_place *wp)
{

	KASSERT(mutex_owned(&q->q_lock));
	if (!wp->wp_listed)
		return;
	wp->wp_listed = false;
	if (q->q_first == NULL)
		wp->wp_unindexed = workqueue_unindex(q);
	/* Release this lock before q_lock: see workqueue_forget(). */
	mutex_exit(&q->q_findlock);
}

void
workqueue_unfind(struct workqueue_queue *q, struct workqueue_place *wp)
{

	workqueue_unlist(q, wp);
	mutex_exit(&q->q_lock);
	if (wp->wp_unindexed != NULL)
		wqindex_destroy(wp->wp_unindexed);
}

/*
 * Destroy the index of a list that has become empty.  The worker calls this
 * without a lock.  If another thread holds q_findlock, do nothing: that thread
 * will call workqueue_unlist(), which does the same if the list is still empty.
 */
void
workqueue_forget(struct workqueue_queue *q)
{
	struct wqindex *wi;

	wi = NULL;
	if (!mutex_tryenter(&q->q_findlock))
		return;
	mutex_enter(&q->q_lock);
	if (q->q_first == NULL)
		wi = workqueue_unindex(q);
	mutex_exit(&q->q_findlock);
	mutex_exit(&q->q_lock);
	if (wi != NULL)
		wqindex_destroy(wi);
}

/*
 * Remove an item that workqueue_find() has found on the list.
 */
void
workqueue_delist(struct workqueue_queue *q, struct workqueue_place *wp)
{
	struct work *wk;

	KASSERT(mutex_owned(&q->q_lock));
	KASSERT(wp->wp_item == ITEM_LISTED);
	wk = *wp->wp_link;
	atomic_store_relaxed(wp->wp_link, (struct work *)wk->wk_dummy);
	if (*wp->wp_link == NULL)
		q->q_lastp = wp->wp_link;
	if (KERN_CHECKING()) {
		wqcheck_dequeue(wk);
		/* wp_link points to the previous item's first member. */
		if (wp->wp_link != &q->q_first)
			wqcheck_link(wp->wp_link, *wp->wp_link);
	}
	if (wp->wp_entry != NULL)
		wqindex_remove(q->q_index, wp->wp_entry);
	wp->wp_item = ITEM_NOWHERE;
}
