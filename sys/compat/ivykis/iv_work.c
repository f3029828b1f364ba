/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3): ivykis' thread pools, on the library's engine.  This file has the
 * owner's side, and this overview.
 *
 * Items.  An iv_work_pool has a wqpool for its threads, and an event of its
 * owner's loop.  An item is linked by its own list head.  After its submission
 * it is in ip_inbox, and then in ip_list.  When it has run, it is in ip_done.
 * The owner's loop takes all items of ip_done at once.
 *
 * The call.  The wqpool does not see the iv_work_items.  The pool has a single
 * struct work, named the call, and enqueues only this on the wqpool.  In this
 * file, "make the call" means "enqueue the call".  A thread that gets the call
 * is active until it finds no item.  Active threads take items one by one from
 * a ring.  A thread that finds the ring empty fills it from ip_list and
 * ip_inbox.
 *
 * Each thread that takes an item ensures that another thread gets the call for
 * the next item, unless all threads that the pool may have are active.  If
 * there are more items, it makes the call at once.  Otherwise it puts IV_WANTED
 * into the empty inbox, and the thread that submits the next item makes the
 * call.  A thread that stops being active also puts IV_WANTED into the empty
 * inbox.
 *
 * The owner.  ip_done is IV_ASLEEP while the owner does not look for items in
 * it.  A thread that pushes an item and finds this value posts the event.  The
 * owner then takes items until it finds none.  After IV_LISTS attempts it
 * leaves the rest to the next turn of its loop.
 *
 * Lanes.  When items come fast, each direction also uses a lane (struct
 * iv_lane), which needs no locked instruction for an item.  ip_lane is from the
 * owner to the threads.  ip_back is from the threads to the owner.  At most one
 * thread is the putter of ip_back: it has set ip_putter.  After the putter has
 * run an item, it puts the item into ip_back.  An item is visible to the other
 * side as soon as it is in the lane, even if the thread that put it there then
 * runs another callback.  A thread that puts an item into an open lane wakes no
 * other thread, unless the lane closes at that moment.
 *
 * If there are several threads, only one of them looks into ip_lane, and it may
 * be running a callback.  An item would then wait in ip_lane although another
 * thread is free.  So ip_lane is open only if the pool has a single thread, or
 * if one thread is the guard, which often looks into ip_lane.
 *
 * The guard.  If running an item costs less than sharing it, several threads
 * are slower than one.  Then one of the active threads becomes the guard, while
 * at least one other goes on.  The guard sleeps in short naps, but still counts
 * as active.  The guard takes items again if two things are true after a nap:
 * an item waits, and the other threads took longer than IV_TINY for an item on
 * average.  Then it is no longer the guard.  The guard also takes items again
 * after IV_IDLE naps in which almost no items began.  While there is a guard, a
 * thread that takes an item neither makes the call nor puts IV_WANTED into the
 * inbox, because the guard looks for items after each nap.  So an item waits at
 * most two naps if the other threads do not take it.
 *
 * Pauses.  When items come fast but few are pending, both sides pause for about
 * a microsecond, so that they do not exchange cache lines for each item.
 *
 * No thread.  The thread that submits the first item starts the first thread of
 * the pool.  If the system refuses the new thread, the owner runs items in its
 * loop until the pool has a thread.  It runs one item in each turn, or all
 * items if no descriptor is free.
 *
 * The end.  After iv_work_pool_put() the threads end when there is nothing to
 * run, even if the owner's loop does not run.  The last thread posts the event;
 * if there is no thread, iv_work_pool_put() posts it.  The owner's loop then
 * unregisters the event.  iv_main() does not return before that.
 */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <host/host_probe.h>

#include "iv_impl.h"

#include "kern/subr_wqstat.h"

#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/wq_prf.h>

#define	IV_IDLETIME	INT64_C(10000000000)	/* ns an idle thread stays */
#define	IV_LISTS	8	/* lists per turn of the loop */
#define	IV_PATIENCE	2	/* times to find no item before a sleep */

/*
 * The last thread calls this when it has nothing left to do.  If the pool has
 * no thread, iv_work_pool_put() calls it.
 */
static void
iv_pool_retired(void *arg)
{
	struct iv_pool *ip;

	ip = arg;
	/* Release: pairs with the acquire in iv_pool_handler(). */
	atomic_store_release(&ip->ip_retired, 1);
	iv_event_post(&ip->ip_event);
}

static void
iv_pool_free(struct iv_pool *ip)
{

	mutex_destroy(&ip->ip_lock);
	kmem_free(ip, sizeof(*ip));
}

/*
 * Run an item in the owner, unless the system grants a thread now.  If items
 * are left, the wqpool calls iv_pool_lacks(), and so this function is called in
 * the next turn of the owner's loop.
 *
 * The loop does not wait before the next turn.  After several of these turns in
 * a row, ivykis opens a descriptor for the timeout of the loop, and ends the
 * process if no descriptor is free.  So if none is free, run all items now.
 */
static void
iv_pool_assist(struct iv_pool *ip)
{

	if (iv_pool_grow(ip))
		return;
	if (!ip->ip_started) {
		ip->ip_started = true;
		if (ip->ip_start != NULL)
			(*ip->ip_start)(ip->ip_cookie);
	}
	while (wqpool_help(ip->ip_wqpool) && wqpool_descriptors(1) != 0)
		continue;
}

/*
 * Call this when the owner no longer assists.  If the owner has called the
 * start hook of the client, call the stop hook.
 */
static void
iv_pool_relax(struct iv_pool *ip)
{

	if (!ip->ip_started)
		return;
	ip->ip_started = false;
	if (ip->ip_stop != NULL)
		(*ip->ip_stop)(ip->ip_cookie);
}

/*
 * End a pool without threads and without items.
 */
static void
iv_pool_end(struct iv_pool *ip)
{

	while (atomic_load_acquire(&ip->ip_users) != 0)
		yield();
	/* This waits only for the last thread to return. */
	wqpool_destroy(ip->ip_wqpool);
	iv_event_unregister(&ip->ip_event);
	if (iv_task_registered(&ip->ip_task))
		iv_task_unregister(&ip->ip_task);
	iv_pool_relax(ip);
	iv_pool_free(ip);
}

static inline void
iv_item_complete(struct iv_pool *ip, struct iv_work_item *item)
{

	if (ip->ip_checking)
		iv_item_checkout(item);
	/*
	 * Count the item as completed before the completion submits more items.
	 * The thread that ran the item is free for these: see
	 * iv_pool_hasfree().
	 */
	ip->ip_completed++;
	/* The callback may have cleared the completion. */
	if (item->completion != NULL)
		(*item->completion)(item->cookie);
}

/*
 * Complete the items that have run, and return their number.
 */
static unsigned
iv_pool_complete(struct iv_pool *ip)
{
	struct iv_work_item *item, *next, *list;
	unsigned n, m;
	uint64_t number, tail;

	/*
	 * A completion may call iv_main(), which takes items from this lane in
	 * this thread.  So read the lane anew for each item.
	 */
	tail = 0;
	for (m = 0; m < IV_LANE && iv_lane_take(&ip->ip_back, &tail, true,
	    &item, &number); m++)
		iv_item_complete(ip, item);
	next = atomic_load_relaxed(&ip->ip_done);
	if (next == NULL || next == IV_ASLEEP)
		return m;
	/* Acquire: observe what the callbacks did. */
	next = atomic_swap_acq_rel(&ip->ip_done, NULL);
	list = iv_item_reverse(next, &n);
	while ((item = list) != NULL) {
		list = iv_item_next(item);
		iv_item_complete(ip, item);
	}
	return m + n;
}

/*
 * Complete the items that have run.  Look again for items that have run
 * meanwhile, up to IV_LISTS times in all.  Return false if some may be left,
 * and true if there were none.
 */
static bool
iv_pool_turn(struct iv_pool *ip)
{
	unsigned n, total, patience;
	int i;

	ip->ip_depth++;
	/* If items came fast in the last turn, expect more. */
	patience = ip->ip_fast ? IV_PATIENCE : 0;
	total = 0;
	for (i = 0; i < IV_LISTS; i++) {
		n = iv_pool_complete(ip);
		total += n;
		if (n >= IV_MANY)
			patience = IV_PATIENCE;
		else if (n == 0) {
			if (patience == 0)
				break;
			patience--;
		}
		/*
		 * Pause instead of leaving: the next item will probably come
		 * before the owner could sleep.
		 */
		if (patience != 0 && ip->ip_submitted != ip->ip_completed &&
		    atomic_load_relaxed(&ip->ip_done) == NULL &&
		    iv_lane_empty(&ip->ip_back))
			wqpool_gather();
	}
	ip->ip_depth--;
	ip->ip_fast = total >= IV_MANY;
	return i < IV_LISTS;
}

/*
 * Stop looking for items that have run.  Return false if there are some.
 */
static bool
iv_pool_sleep(struct iv_pool *ip)
{
	struct iv_work_item *old;

	if (!iv_lane_empty(&ip->ip_back))
		return false;
	/* Acq_rel: pairs with the push of an item. */
	old = NULL;
	return atomic_cas_acq_rel(&ip->ip_done, &old, IV_ASLEEP) ||
	    old == IV_ASLEEP;
}

/*
 * The handler of the event and of the task.
 */
static void
iv_pool_handler(void *arg)
{
	struct iv_pool *ip;
	bool asleep, lacks, retired;

	ip = arg;
	/*
	 * Acquire: pairs with iv_pool_lacks(), which does not post the event
	 * while ip_lacks is set.
	 */
	lacks = atomic_swap_acquire(&ip->ip_lacks, 0) != 0;
	/*
	 * An item that the owner runs in iv_pool_assist() may call iv_main(),
	 * which calls this function.  Do not assist in that call.
	 */
	if (!ip->ip_assisting) {
		ip->ip_assisting = true;
		ip->ip_depth++;
		if (atomic_load_relaxed(&ip->ip_called) == 0)
			iv_pool_relax(ip);
		else if (lacks)
			iv_pool_assist(ip);
		ip->ip_depth--;
		ip->ip_assisting = false;
	}
	retired = false;
	if ((asleep = iv_pool_turn(ip))) {
		iv_lane_close(&ip->ip_back);
		/*
		 * Acquire: if the pool is retired, all items are visible below.
		 */
		retired = atomic_load_acquire(&ip->ip_retired) != 0;
		asleep = iv_pool_sleep(ip);
	}
	if (!asleep) {
		/* Let the loop do its other duties first. */
		if (!iv_task_registered(&ip->ip_task))
			iv_task_register(&ip->ip_task);
	} else if (retired && ip->ip_depth == 0)
		/*
		 * If ip_depth is not 0, an outer call of this function is in
		 * progress: a completion, or an item that the owner runs, has
		 * called iv_main().  The outer call then ends the pool.
		 */
		iv_pool_end(ip);
}

/*
 * The interface.
 */

/*
 * Create a pool without threads, or return NULL.
 */
static struct iv_pool *
iv_pool_alloc(const struct iv_work_pool *this)
{
	struct iv_pool *ip;

	if ((ip = kmem_zalloc(sizeof(*ip), KM_NOSLEEP)) == NULL)
		return NULL;
	ip->ip_owner = curlwp;
	ip->ip_cookie = this->cookie;
	ip->ip_start = this->thread_start;
	ip->ip_stop = this->thread_stop;
	ip->ip_maxthreads = this->max_threads;
	ip->ip_checking = wqpool_checking();
	ip->ip_lanes = wqpool_asymfence();
	IV_EVENT_INIT(&ip->ip_event);
	ip->ip_event.cookie = ip;
	ip->ip_event.handler = iv_pool_handler;
	IV_TASK_INIT(&ip->ip_task);
	ip->ip_task.cookie = ip;
	ip->ip_task.handler = iv_pool_handler;
	ip->ip_done = IV_ASLEEP;
	ip->ip_inbox = IV_WANTED;
	mutex_init(&ip->ip_lock, MUTEX_DEFAULT, IPL_NONE);
	ip->ip_enough = IV_ENOUGH;
	ip->ip_lane.ln_head = ip->ip_lane.ln_tail = WQPOOL_LANE;
	ip->ip_lane.ln_seen = WQPOOL_LANE;
	return ip;
}

static struct wqpool_kind iv_kind = {
	.pk_name = "iv_work",
	.pk_func = offsetof(struct iv_work_item, work),
	.pk_hidden = {
		[PKH_SUBMITTED] = offsetof(struct iv_pool, ip_submitted),
		[PKH_CONTINUED] = offsetof(struct iv_pool, ip_continued),
		[PKH_RING] = offsetof(struct iv_pool, ip_ring),
		[PKH_LANE] = offsetof(struct iv_pool, ip_lane.ln_head),
		[PKH_ACTIVE] = offsetof(struct iv_pool, ip_active)
	}
};

/*
 * Create the wqpool of a pool.  Its threads start when there are items.
 */
static int
iv_pool_prepare(struct iv_pool *ip)
{
	struct wqpool_attr pa;

	memset(&pa, 0, sizeof(pa));
	pa.pa_name = "iv_work";
	pa.pa_kind = &iv_kind;
	pa.pa_func = iv_worker_run;
	pa.pa_arg = ip;
	pa.pa_start = iv_worker_start;
	pa.pa_stop = iv_worker_stop;
	pa.pa_lacks = iv_pool_lacks;
	pa.pa_prio = PRI_NONE;
	pa.pa_maxthreads = ip->ip_maxthreads;
	pa.pa_idletime = IV_IDLETIME;
	return wqpool_create(&ip->ip_wqpool, &pa);
}

__kern_public int
iv_work_pool_create(struct iv_work_pool *this)
{
	struct iv_pool *ip;
	int error;

	if (!iv_inited())
		iv_fatal("iv_work_pool_create: iv_init() was not called in "
		    "this thread");
	if (this->max_threads < 1) {
		wqk_printf_tolog("iv_work_pool_create: max_threads is %d, and "
		    "must be at least 1\n", this->max_threads);
		errno = EINVAL;
		return -1;
	}
	/*
	 * If ivykis got no descriptors for the event, it would end the process.
	 * So look for descriptors first.
	 */
	if ((error = wqpool_descriptors(IV_DESCRIPTORS)) != 0) {
		errno = error;
		return -1;
	}
	if ((ip = iv_pool_alloc(this)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (iv_event_register(&ip->ip_event) != 0)
		error = errno != 0 ? errno : EAGAIN;
	else if ((error = iv_pool_prepare(ip)) != 0)
		iv_event_unregister(&ip->ip_event);
	if (error != 0) {
		iv_pool_free(ip);
		errno = error;
		return -1;
	}
	this->priv = ip;
	return 0;
}

__kern_public void
iv_work_pool_submit_work(struct iv_work_pool *this, struct iv_work_item *work)
{
	struct iv_pool *ip;

	if (this == NULL) {
		iv_local_submit(work, "iv_work_pool_submit_work");
		return;
	}
	if ((ip = this->priv) == NULL)
		iv_fatal("iv_work_pool_submit_work: pool %p is not there",
		    (void *)this);
	if (curlwp != ip->ip_owner)
		iv_fatal("iv_work_pool_submit_work: called by a thread that "
		    "does not own pool %p", (void *)this);
	HOST_PROBE2(ivykis, iv_work__submit, ip, work);
	if (ip->ip_checking)
		iv_item_checkin(work, ip, "iv_work_pool_submit_work");
	ip->ip_submitted++;
	switch (iv_lane_put(&ip->ip_lane, work)) {
	case IV_PUT:
		break;
	case IV_PUT_LATE:
		iv_pool_wake(ip);
		break;
	case IV_PUT_NOT:
		iv_pool_submit(ip, work, true);
		break;
	}
}

__kern_public void
iv_work_pool_submit_continuation(struct iv_work_pool *this,
    struct iv_work_item *work)
{
	struct iv_pool *ip;

	if (this == NULL) {
		iv_local_submit(work, "iv_work_pool_submit_continuation");
		return;
	}
	if ((ip = this->priv) == NULL)
		iv_fatal("iv_work_pool_submit_continuation: pool %p is not "
		    "there", (void *)this);
	HOST_PROBE2(ivykis, iv_work__submit, ip, work);
	if (ip->ip_checking)
		iv_item_checkin(work, ip, "iv_work_pool_submit_continuation");
	/*
	 * The completion may call iv_work_pool_put() before this function
	 * returns.  The pool exists as long as ip_users is not 0.
	 */
	(void)atomic_fetch_add_relaxed(&ip->ip_users, 1);
	(void)atomic_fetch_add_seq_cst(&ip->ip_continued, 1);
	iv_pool_submit(ip, work, false);
	/* Release: this is the last access to the pool. */
	(void)atomic_fetch_add_acq_rel(&ip->ip_users, -1);
}

__kern_public void
iv_work_pool_put(struct iv_work_pool *this)
{
	struct iv_pool *ip;

	if ((ip = this->priv) == NULL)
		iv_fatal("iv_work_pool_put: pool %p is not there",
		    (void *)this);
	this->priv = NULL;
	(void)atomic_fetch_add_relaxed(&ip->ip_users, 1);
	wqpool_retire(ip->ip_wqpool, iv_pool_retired);
	/* Release: this is the last access to the pool. */
	(void)atomic_fetch_add_acq_rel(&ip->ip_users, -1);
}
