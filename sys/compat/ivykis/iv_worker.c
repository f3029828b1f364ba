/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3): the threads of a pool, and how they get items.
 *
 * iv_work.c has an overview.  To make a call is to enqueue ip_call on the
 * wqpool.  The callback of ip_call, iv_worker_run(), looks for items of the
 * pool until none is left.  So each call makes one more thread look for items.
 * At most one call is pending (ip_called).
 */

#include <string.h>

#include <host/host_probe.h>

#include "iv_impl.h"

#include <sys/kernel.h>
#include <sys/lwp.h>
#include <sys/timevar.h>

/*
 * After a pause in which fewer than IV_MANY items came, a thread takes this
 * many lists from the inbox without a pause.
 */
#define	IV_SKIP		64
#define	IV_TINY		150	/* ns per item; one thread is enough */
#define	IV_NAP		100000	/* ns; usual nap of the guard */
#define	IV_LONGNAP	400000	/* ns; its nap while items run fast */
/*
 * The guard stops after this many naps in which fewer than IV_MANY items began.
 */
#define	IV_IDLE		8
#define	IV_TOOMANY	65536	/* largest value of ip_enough */

KERN_MUTEX(iv_initlock);

/*
 * The record of a thread that looks for items.  It is in the thread's stack
 * frame.
 */
struct iv_worker {
	struct lwp	*iw_lwp;
	struct iv_trail	 iw_trail;	/* of ip_done */
	uint64_t	 iw_tail;	/* copy of ip_lane's ln_tail */
	bool		 iw_putter;	/* is ip_putter */
};

/*
 * Items are pending, and the system has refused the first thread.  Make the
 * owner assist.
 */
void
iv_pool_lacks(void *arg)
{
	struct iv_pool *ip;

	ip = arg;
	/* Release: the owner observes the item; see iv_pool_handler(). */
	if (atomic_swap_acq_rel(&ip->ip_lacks, 1) == 0)
		iv_event_post(&ip->ip_event);
}

/*
 * Record that the system has refused a thread, so that iv_pool_grow() does not
 * try again for each item.
 */
static void
iv_pool_failed(struct iv_pool *ip)
{

	atomic_store_relaxed(&ip->ip_retry, getticks() + 2);
	atomic_store_relaxed(&ip->ip_failed, 1);
}

/*
 * Start a thread for the call that is pending, because no thread is free to
 * take it.  Return false if the system refuses the thread, or has refused one
 * shortly before.  The active threads then run the items.
 */
bool
iv_pool_grow(struct iv_pool *ip)
{

	if (__predict_false(atomic_load_relaxed(&ip->ip_failed) != 0) &&
	    getticks() - atomic_load_relaxed(&ip->ip_retry) < 0)
		return false;
	if (wqpool_grow(ip->ip_wqpool) != 0) {
		iv_pool_failed(ip);
		return false;
	}
	atomic_store_relaxed(&ip->ip_failed, 0);
	return true;
}

/*
 * Call iv_pool_grow(), in a thread that submits or runs items.  If no thread
 * can be started and the pool has no ready thread, make the owner assist.
 */
static void
iv_pool_expand(struct iv_pool *ip)
{

	if (!iv_pool_grow(ip) && atomic_load_relaxed(&ip->ip_nthreads) == 0)
		iv_pool_lacks(ip);
}

/*
 * Make a call, unless one is pending.  Return true if no thread is free to take
 * the call.
 *
 * No thread may be free even if the call was pending already.  The thread that
 * made the call counted on a worker that was about to be free.  But this worker
 * then found one more item, and did not take the call.
 */
static bool
iv_pool_call(struct iv_pool *ip)
{

	/*
	 * Acq_rel: if the call is pending, the thread that takes the call sees
	 * this thread's item.
	 */
	if (atomic_swap_acq_rel(&ip->ip_called, 1) == 0)
		wqpool_enqueue(ip->ip_wqpool, &ip->ip_call.pk_work);
	/*
	 * This pairs with iv_worker_stop().  This thread stores the call and
	 * then reads ip_nthreads.  An ending thread stores ip_nthreads and then
	 * looks for a call.  At least one of the two must see the other's
	 * store.  So both modify ip_nthreads: the later of two modifications
	 * sees what came before the earlier one.  A load, or a fence on one
	 * side, is too weak.
	 */
	return atomic_fetch_add_acq_rel(&ip->ip_nthreads, 0) <=
	    atomic_load_seq_cst(&ip->ip_active);
}

/*
 * Return true if a thread is free for the item that the owner has submitted.
 * An item keeps at most one thread busy.  So if there are no more items than
 * threads, a thread is free.  That thread may still count as active, after an
 * item that is already completed.
 */
static bool
iv_pool_hasfree(struct iv_pool *ip)
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
	/*
	 * With several threads, the lane needs a guard, which looks into it
	 * even while another thread is in a long callback.
	 */
	if (isowner && ip->ip_lanes && (ip->ip_maxthreads == 1 ||
	    atomic_load_relaxed(&ip->ip_guard) != 0))
		iv_lane_open(&ip->ip_lane, old != NULL && old != IV_WANTED);
	do {
		iv_item_setnext(item, old == IV_WANTED ? NULL : old);
		/*
		 * Release: publish the item.  Acquire: a thread decrements
		 * ip_active and then puts IV_WANTED.  Observe the new
		 * ip_active.
		 */
	} while (!atomic_cas_weak_acq_rel(&ip->ip_inbox, &old, item));
	if (old == IV_WANTED) {
		if (iv_pool_call(ip) && !(isowner && iv_pool_hasfree(ip)))
			iv_pool_expand(ip);
	} else if (atomic_load_relaxed(&ip->ip_called) != 0 &&
	    atomic_load_relaxed(&ip->ip_active) < ip->ip_maxthreads &&
	    atomic_load_relaxed(&ip->ip_nthreads) <=
	    atomic_load_relaxed(&ip->ip_active)) {
		/*
		 * The thread that is to take the call is still starting.  Until
		 * it has started, start a thread for each item.
		 */
		iv_pool_expand(ip);
	}
}

/*
 * Make a thread look into the lane.  A thread that was closing the lane may
 * have missed the owner's item.
 */
void
iv_pool_wake(struct iv_pool *ip)
{

	if (iv_pool_call(ip))
		iv_pool_expand(ip);
}

/*
 * Take an item and its number from the ring.  Return false if the ring is
 * empty.
 */
static inline bool
iv_ring_take(struct iv_pool *ip, struct iv_work_item **itemp,
    uint64_t *numberp)
{
	struct iv_work_item *item;
	uint32_t head, tail;
	uint64_t w;

	/* Acquire: observe the slots. */
	w = atomic_load_acquire(&ip->ip_ring);
	do {
		head = (uint32_t)w;
		tail = (uint32_t)(w >> 32);
		if (head == tail)
			return false;
		/* If the slot is reused meanwhile, the exchange fails. */
		item = atomic_load_relaxed(&ip->ip_slots[head % IV_RING]);
		head++;
		if (ip->ip_maxthreads == 1) {
			/* There is no other thread. */
			atomic_store_relaxed(&ip->ip_ring,
			    (uint64_t)tail << 32 | head);
			break;
		}
	} while (!atomic_cas_acq_rel(&ip->ip_ring, &w,
	    (uint64_t)tail << 32 | head));
	*itemp = item;
	*numberp = head;
	return true;
}

static inline bool
iv_ring_empty(struct iv_pool *ip)
{
	uint64_t w;

	w = atomic_load_relaxed(&ip->ip_ring);
	return (uint32_t)w == (uint32_t)(w >> 32);
}

/*
 * Move submitted items to ip_list, which is empty.  "again" is set if the
 * caller has just run an item.
 */
static void
iv_pool_order(struct iv_pool *ip, bool again)
{
	struct iv_work_item *next;
	bool paused;

	KASSERT(mutex_owned(&ip->ip_lock));
	KASSERT(ip->ip_list == NULL);
	next = atomic_load_relaxed(&ip->ip_inbox);
	if (next == NULL || next == IV_WANTED)
		return;
	/*
	 * Without a pause, the inbox would move between the owner's CPU and
	 * this one for every few items.  The pause costs little if items come
	 * faster than this thread runs them.  It does not keep other threads
	 * from the items: either enough threads look for items, or the thread
	 * that submits the next item makes a call.
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
	/* Acquire: observe the items. */
	next = atomic_swap_acq_rel(&ip->ip_inbox, NULL);
	atomic_store_relaxed(&ip->ip_list,
	    iv_item_reverse(next, &ip->ip_ordered));
	if (paused && ip->ip_ordered < IV_MANY)
		ip->ip_skip = IV_SKIP;
	/*
	 * Without a guard, the lane must not be open while this thread runs a
	 * callback.  The caller looks into the lane next.
	 */
	if (ip->ip_maxthreads != 1 &&
	    atomic_load_relaxed(&ip->ip_guard) == 0)
		iv_lane_close(&ip->ip_lane);
}

/*
 * Make the caller inactive.  Return false if an item was submitted meanwhile;
 * then the caller stays active.
 */
static bool
iv_pool_leave(struct iv_pool *ip)
{
	struct iv_work_item *old;

	KASSERT(mutex_owned(&ip->ip_lock));
	(void)atomic_fetch_add_seq_cst(&ip->ip_active, -1);
	/* Release: publish that this thread is not active. */
	old = NULL;
	if (atomic_cas_acq_rel(&ip->ip_inbox, &old, IV_WANTED) ||
	    old == IV_WANTED)
		return true;
	(void)atomic_fetch_add_seq_cst(&ip->ip_active, 1);
	return false;
}

/*
 * Find items in ip_list, the ring or the lane.  If there are none, make the
 * caller inactive and return false.
 */
static bool
iv_pool_more(struct iv_pool *ip, bool again)
{

	KASSERT(mutex_owned(&ip->ip_lock));
	for (;;) {
		if (!iv_ring_empty(ip))
			return true;
		if (ip->ip_list == NULL)
			iv_pool_order(ip, again);
		if (ip->ip_list != NULL || !iv_lane_empty(&ip->ip_lane))
			return true;
		if (atomic_load_relaxed(&ip->ip_lane.ln_open) != 0) {
			/*
			 * More items may come soon, so close the lane only
			 * after a pause.
			 */
			if (again)
				wqpool_gather();
			else
				iv_lane_close(&ip->ip_lane);
			again = false;
		} else if (iv_pool_leave(ip))
			return false;
	}
}

/*
 * Fill the ring if it is empty.  If there are no items, make the caller
 * inactive and return false.
 */
static bool
iv_ring_fill(struct iv_pool *ip, bool again)
{
	struct iv_work_item *item;
	uint32_t tail;
	uint64_t w;
	bool more;
	int n;

	mutex_enter(&ip->ip_lock);
	more = iv_pool_more(ip, again);
	if (more && ip->ip_list != NULL && iv_ring_empty(ip)) {
		w = atomic_load_relaxed(&ip->ip_ring);
		tail = (uint32_t)(w >> 32);
		item = ip->ip_list;
		for (n = 0; n < IV_RING && item != NULL; n++) {
			atomic_store_relaxed(&ip->ip_slots[tail++ % IV_RING],
			    item);
			item = iv_item_next(item);
		}
		atomic_store_relaxed(&ip->ip_list, item);
		/* Release: publish the slots and the items. */
		atomic_store_release(&ip->ip_ring,
		    (uint64_t)tail << 32 | (uint32_t)w);
	}
	mutex_exit(&ip->ip_lock);
	return more;
}

/*
 * Arrange for another thread to look for the next item, unless all threads are
 * active.  The caller has taken an item from the ring or the lane.  If there
 * are more items, the caller must make a call, because a thread that submits an
 * item looks only at the inbox.
 */
static inline void
iv_pool_help(struct iv_pool *ip)
{
	struct iv_work_item *old;

	/*
	 * A thread that stops being the guard clears ip_guard, and then looks
	 * for items.  If there are none, it puts IV_WANTED into the inbox.  If
	 * this thread observes IV_WANTED there, or an item that has replaced
	 * it, it also observes that ip_guard is 0.
	 */
	if (atomic_load_relaxed(&ip->ip_active) >= ip->ip_maxthreads ||
	    atomic_load_relaxed(&ip->ip_guard) != 0)
		return;
	if (iv_ring_empty(ip) && atomic_load_relaxed(&ip->ip_list) == NULL &&
	    iv_lane_empty(&ip->ip_lane)) {
		old = atomic_load_relaxed(&ip->ip_inbox);
		if (old == IV_WANTED)
			return;
		/* Release: publish that this thread is active. */
		if (old == NULL && (atomic_cas_acq_rel(&ip->ip_inbox, &old,
		    IV_WANTED) || old == IV_WANTED))
			return;
	}
	if (iv_pool_call(ip))
		iv_pool_expand(ip);
}

/*
 * Initialise the event loop of a thread, which items may use.  iv_init() ends
 * the process if it gets no descriptor.  So return false if few descriptors are
 * available.  IV_DESCRIPTORS is more than iv_init() needs, because other
 * threads of the program may take some descriptors first.  Another thread of a
 * pool takes none meanwhile, because iv_initlock admits one thread at a time.
 */
static bool
iv_worker_init(struct iv_pool *ip)
{
	int error;

	mutex_enter(&iv_initlock);
	error = wqpool_descriptors(IV_DESCRIPTORS);
	if (error == 0)
		iv_init();
	mutex_exit(&iv_initlock);
	if (error != 0)
		iv_pool_failed(ip);
	return error == 0;
}

bool
iv_worker_start(void *arg)
{
	struct iv_pool *ip;

	ip = arg;
	if (!iv_worker_init(ip))
		return false;
	iv_local_init();
	if (ip->ip_start != NULL) {
		(*ip->ip_start)(ip->ip_cookie);
		iv_worker_turn();
	}
	(void)atomic_fetch_add_seq_cst(&ip->ip_nthreads, 1);
	return true;
}

void
iv_worker_stop(void *arg)
{
	struct iv_pool *ip;

	ip = arg;
	/*
	 * Acq_rel: pairs with iv_pool_call().  Either a submitting thread sees
	 * the new ip_nthreads, or it has counted on this thread, which then
	 * sees the call.
	 */
	(void)atomic_fetch_add_acq_rel(&ip->ip_nthreads, -1);
	(void)wqpool_grow(ip->ip_wqpool);
	if (ip->ip_stop != NULL) {
		(*ip->ip_stop)(ip->ip_cookie);
		iv_worker_turn();
	}
	iv_deinit();
}

/*
 * Give the owner an item that has run.  The owner completes it.
 */
static inline void
iv_item_done(struct iv_pool *ip, struct iv_work_item *item,
    struct iv_worker *iw)
{
	struct iv_work_item *old;

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
		/*
		 * Release: publish what the callback did.  From here on the
		 * item belongs to the owner.
		 */
	} while (!atomic_cas_weak_acq_rel(&ip->ip_done, &old, item));
	/* The owner does not free the pool while a thread is here. */
	if (old == IV_ASLEEP)
		iv_event_post(&ip->ip_event);
}

/*
 * Run an item.  Store its address and its number for the live view: see struct
 * wqpool_kind.
 */
static inline void
iv_item_run(struct iv_pool *ip, struct iv_work_item *item,
    struct iv_worker *iw, uint64_t number)
{
	struct lwp *l;

	l = iw->iw_lwp;
	atomic_store_relaxed(&l->l_subnumber, number);
	atomic_store_relaxed(&l->l_subitem, (const void *)item);
	HOST_PROBE2(ivykis, iv_work__entry, item, item->work);
	if (item->completion == NULL) {
		/* From here on the item belongs to the client. */
		if (ip->ip_checking) {
			iv_item_checkout(item);
			iv_item_call(item);
		} else
			(*item->work)(item->cookie);
		HOST_PROBE1(ivykis, iv_work__return, item);
		iv_worker_turn();
		(void)atomic_fetch_add_seq_cst(&ip->ip_silent, 1);
		return;
	}
	if (ip->ip_checking)
		iv_item_callback(item);
	else
		(*item->work)(item->cookie);
	HOST_PROBE1(ivykis, iv_work__return, item);
	iv_worker_turn();
	iv_item_done(ip, item, iw);
}

/*
 * If "wanted" is set, become the putter of ip_back, unless ip_back has one.
 * Otherwise stop being the putter.
 */
static void
iv_worker_putter(struct iv_pool *ip, struct iv_worker *iw, bool wanted)
{

	if (iw->iw_putter == wanted)
		return;
	if (!wanted) {
		/* Release: hand the lane to the next putter. */
		atomic_store_release(&ip->ip_putter, 0);
		iw->iw_putter = false;
	} else if (atomic_load_relaxed(&ip->ip_putter) == 0)
		iw->iw_putter =
		    atomic_swap_acquire(&ip->ip_putter, 1) == 0;
}

/*
 * Return the number of items that all threads have begun.
 */
static uint32_t
iv_pool_begun(struct iv_pool *ip)
{

	/* Relaxed: it is only a count. */
	return (uint32_t)atomic_load_relaxed(&ip->ip_ring) +
	    (uint32_t)atomic_load_relaxed(&ip->ip_lane.ln_head);
}

/*
 * Make the caller the guard and return true, if there is no guard and items are
 * so small that the other threads run them faster without the caller.
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
 * Return true if an item waits for a thread.
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
 * Act as the guard: sleep, and look from time to time whether the other threads
 * still need no help.  Without a guard, tiny items on two threads take 1.7
 * times as long (bmake bench-iv).
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
 * Run one item in the owner, because the pool has no thread.
 */
static void
iv_owner_run(struct iv_pool *ip)
{
	struct iv_work_item *item;
	struct iv_worker iw;
	uint64_t number;
	bool more;

	memset(&iw, 0, sizeof(iw));
	iw.iw_lwp = curlwp;
	(void)atomic_fetch_add_seq_cst(&ip->ip_active, 1);
	/* As in iv_worker_run(). */
	(void)atomic_swap_acq_rel(&ip->ip_called, 0);
	if (!iv_ring_fill(ip, false))
		return;
	if (iv_ring_take(ip, &item, &number) || iv_lane_take(&ip->ip_lane,
	    &iw.iw_tail, ip->ip_maxthreads == 1, &item, &number)) {
		iv_pool_help(ip);
		iv_item_run(ip, item, &iw, number);
		atomic_store_relaxed(&iw.iw_lwp->l_subitem, NULL);
	}
	mutex_enter(&ip->ip_lock);
	more = iv_pool_more(ip, false);
	mutex_exit(&ip->ip_lock);
	if (more) {
		(void)atomic_fetch_add_seq_cst(&ip->ip_active, -1);
		(void)iv_pool_call(ip);
	}
}

/*
 * Run items.  This is the callback of the call.
 */
void
iv_worker_run(struct work *wk, void *arg)
{
	struct iv_work_item *item;
	struct iv_worker iw;
	struct iv_pool *ip;
	uint64_t number;
	bool again;
	unsigned n;

	(void)wk;
	ip = arg;
	if (__predict_false(curlwp == ip->ip_owner)) {
		iv_owner_run(ip);
		return;
	}
	memset(&iw, 0, sizeof(iw));
	iw.iw_lwp = curlwp;
	(void)atomic_fetch_add_seq_cst(&ip->ip_active, 1);
	/* Acq_rel: see the items of threads that found the call pending. */
	(void)atomic_swap_acq_rel(&ip->ip_called, 0);
	for (again = false; !iv_ring_empty(ip) || iv_ring_fill(ip, again);) {
		iv_worker_putter(ip, &iw, true);
		/*
		 * Stop after IV_LANE items, so that items from the ring run,
		 * too.
		 */
		for (n = 0; n < IV_LANE && iv_lane_take(&ip->ip_lane,
		    &iw.iw_tail, ip->ip_maxthreads == 1, &item, &number); n++) {
			iv_pool_help(ip);
			iv_item_run(ip, item, &iw, number);
		}
		while (iv_ring_take(ip, &item, &number)) {
			iv_pool_help(ip);
			iv_item_run(ip, item, &iw, number);
		}
		again = atomic_load_relaxed(&iw.iw_lwp->l_subitem) != NULL;
		atomic_store_relaxed(&iw.iw_lwp->l_subitem, NULL);
		if (iv_guard_wanted(ip)) {
			iv_worker_putter(ip, &iw, false);
			iv_guard(ip);
		}
	}
	iv_worker_putter(ip, &iw, false);
}
