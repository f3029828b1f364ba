/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3): ivykis' pools of threads, on our engine: the owner's side, and
 * how it all works.
 *
 * An iv_work_pool has a wqpool for its threads, and an event of its owner's
 * loop.  An item's own list head links it: from the submission on in ip_inbox,
 * then in ip_list, and when it has run in ip_done, where the owner's loop takes
 * all there is at a time.
 *
 * The wqpool does not see the items.  It has one work, the call: a thread that
 * it gives that to is active until it finds no item.  Active threads take items
 * from a ring, one by one, which whoever finds it empty fills from ip_list and
 * ip_inbox.  While there are threads, or could be, that are not active, each
 * that begins an item sees to it that another thread is called: at once if
 * there are more items, or else by whoever submits the next, to whom IV_WANTED
 * in the empty inbox says so.  Who leaves puts it there, too.
 *
 * ip_done is IV_ASLEEP while the owner is not going to look at it: who finds
 * that posts the event.  After that the owner looks until it finds nothing, or
 * has looked often enough, and looks again in the next turn of its loop.
 *
 * When items come fast both ways have a lane besides (struct iv_lane), which
 * costs no locked instruction for each item: ip_lane, and ip_back, into which
 * one thread at a time, ip_putter, puts what it has run.  What is in a lane is
 * seen by the other side at once, so nothing is held back while its putter
 * runs something of the user's.  Who uses the lane does not call anybody: so
 * ip_lane is open only if the pool is of one thread, or one is on guard.
 *
 * More than one thread is no use for items that are smaller than what it costs
 * to share them out.  Then one of at least two active threads goes on guard:
 * it looks after each nap whether the others still go through the items as
 * fast, or nothing waits, and if not is as the others again.  While it is on
 * guard no other is called by who begins an item.  So an item waits no longer
 * than a nap for a thread that could run it.
 *
 * Both sides pause for a microsecond or few when items come fast and few are
 * there, so that they do not take each other's cache lines for each item.
 *
 * The end of a pool.  After iv_work_pool_put() the threads end by themselves
 * when there is nothing to run, whether or not the owner's loop turns.  The
 * last of them posts the event for the last time.  Until then the event is
 * registered, so iv_main() goes on.
 */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "iv_impl.h"

#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/wq_prf.h>

#define	IV_IDLETIME	INT64_C(10000000000)	/* ns until an idle one ends */
#define	IV_LISTS	8	/* lists taken in one turn of the loop */
#define	IV_PATIENCE	2	/* pauses before nothing more comes */

void
iv_item_checkin(struct iv_work_item *item, const void *where,
    const char *func)
{

	if (wqpool_checkin(iv_item_work(item), where) != NULL)
		iv_fatal("%s: item %p is submitted already", func,
		    (void *)item);
}

void
iv_item_checkout(struct iv_work_item *item)
{

	wqpool_checkout(iv_item_work(item));
}

/*
 * The last thread is gone, and calls this as its last deed.
 */
static void
iv_pool_retired(void *arg)
{
	struct iv_pool *ip;

	ip = arg;
	/* Release: with the acquire in iv_pool_end(). */
	atomic_store_release(&ip->ip_retired, 1);
	iv_event_post(&ip->ip_event);
}

/*
 * No thread is left, and everything is completed.
 */
static void
iv_pool_end(struct iv_pool *ip)
{

	while (atomic_load_acquire(&ip->ip_users) != 0)
		yield();
	/* Waits for the very end of the last thread, no more. */
	wqpool_destroy(ip->ip_wqpool);
	mutex_destroy(&ip->ip_lock);
	iv_event_unregister(&ip->ip_event);
	if (iv_task_registered(&ip->ip_task))
		iv_task_unregister(&ip->ip_task);
	kmem_free(ip, sizeof(*ip));
}

static inline void
iv_item_complete(struct iv_pool *ip, struct iv_work_item *item)
{

	if (ip->ip_checking)
		iv_item_checkout(item);
	/* Its thread is free for what the completion submits. */
	ip->ip_completed++;
	/* It may have been taken away meanwhile. */
	if (item->completion != NULL)
		(*item->completion)(item->cookie);
}

/*
 * Complete what there is, and return how many that were.
 */
static unsigned
iv_pool_complete(struct iv_pool *ip)
{
	struct iv_work_item *item, *next, *list;
	unsigned n, m;
	uint64_t tail;

	/* A completion may have a loop, in which we take, too. */
	tail = 0;
	for (m = 0; m < IV_LANE; m++) {
		item = iv_lane_take(&ip->ip_back, &tail, true);
		if (item == NULL)
			break;
		iv_item_complete(ip, item);
	}
	next = atomic_load_relaxed(&ip->ip_done);
	if (next == NULL || next == IV_ASLEEP)
		return m;
	/* Acquire: what the works did. */
	next = atomic_swap_acq_rel(&ip->ip_done, NULL);
	list = iv_item_reverse(next, &n);
	while ((item = list) != NULL) {
		list = iv_item_next(item);
		iv_item_complete(ip, item);
	}
	return m + n;
}

/*
 * The event and the task.
 */
static void
iv_pool_handler(void *arg)
{
	struct iv_work_item *old;
	struct iv_pool *ip;
	unsigned n, total, patience;
	bool retired;
	int i;

	ip = arg;
	ip->ip_depth++;
	/* If they have come fast the last time, the first is early. */
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
		/* The next will be there sooner than we could sleep. */
		if (patience != 0 && ip->ip_submitted != ip->ip_completed &&
		    atomic_load_relaxed(&ip->ip_done) == NULL &&
		    iv_lane_empty(&ip->ip_back))
			wqpool_gather();
	}
	ip->ip_depth--;
	ip->ip_fast = total >= IV_MANY;
	if (i == IV_LISTS)
		goto again;
	iv_lane_close(&ip->ip_back);
	/* Acquire: if so, no more will be pushed than what is seen next. */
	retired = atomic_load_acquire(&ip->ip_retired) != 0;
	if (!iv_lane_empty(&ip->ip_back))
		goto again;
	/* Acq_rel: with the push, whoever succeeds. */
	old = NULL;
	if (!atomic_cas_acq_rel(&ip->ip_done, &old, IV_ASLEEP) &&
	    old != IV_ASLEEP)
		goto again;
	/* A completion further out may have a loop, in which we are. */
	if (!retired)
		return;
	if (ip->ip_depth == 0)
		iv_pool_end(ip);
	return;
again:
	/* The loop's other duties first. */
	if (!iv_task_registered(&ip->ip_task))
		iv_task_register(&ip->ip_task);
}

/*
 * The interface.
 */

__kern_public int
iv_work_pool_create(struct iv_work_pool *this)
{
	struct wqpool_attr pa;
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
	ip = kmem_zalloc(sizeof(*ip), KM_NOSLEEP);
	if (ip == NULL) {
		errno = ENOMEM;
		return -1;
	}
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
	ip->ip_nthreads = ip->ip_first = 1;
	ip->ip_enough = IV_ENOUGH;
	if (iv_event_register(&ip->ip_event) != 0) {
		error = errno;
		mutex_destroy(&ip->ip_lock);
		kmem_free(ip, sizeof(*ip));
		errno = error != 0 ? error : EAGAIN;
		return -1;
	}

	memset(&pa, 0, sizeof(pa));
	pa.pa_name = "iv_work";
	pa.pa_func = iv_worker_run;
	pa.pa_arg = ip;
	pa.pa_start = iv_worker_start;
	pa.pa_stop = iv_worker_stop;
	pa.pa_prio = PRI_NONE;
	pa.pa_maxthreads = this->max_threads;
	pa.pa_idletime = IV_IDLETIME;
	/* With a first thread, so that there is always one. */
	error = wqpool_create(&ip->ip_wqpool, &pa);
	if (error != 0) {
		mutex_destroy(&ip->ip_lock);
		iv_event_unregister(&ip->ip_event);
		kmem_free(ip, sizeof(*ip));
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
	if (ip->ip_checking)
		iv_item_checkin(work, ip, "iv_work_pool_submit_continuation");
	/* Its completion may put the pool before we are out of here. */
	(void)atomic_fetch_add_relaxed(&ip->ip_users, 1);
	(void)atomic_fetch_add_seq_cst(&ip->ip_continued, 1);
	iv_pool_submit(ip, work, false);
	/* Release: the last touch. */
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
	/* Release: the last touch. */
	(void)atomic_fetch_add_acq_rel(&ip->ip_users, -1);
}
