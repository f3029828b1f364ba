/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3): ivykis' pools of threads, on our engine.
 *
 * An iv_work_pool is a wqpool, and an event of its owner's loop.  An item's
 * own list head links it: from the submission to the start of its function
 * in the wqpool, from then on in ip_done, where workers push what has run and
 * the owner's loop takes all there is at a time.
 *
 * ip_done is IV_ASLEEP while the owner is not going to look at it: who finds
 * that posts the event.  After that the owner looks until it finds nothing, or
 * has looked often enough, and looks again in the next turn of its loop.
 *
 * The end of a pool.  After iv_work_pool_put() the threads end by themselves
 * when there is nothing to run, whether or not the owner's loop turns.  The
 * last of them posts the event for the last time.  Until then the event is
 * registered, so iv_main() goes on.
 */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "kern/subr_wqpool.h"

#include <sys/kernel.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/once.h>
#include <sys/proc.h>
#include <sys/wq_prf.h>

#include <iv.h>
#include <iv_event.h>
#include "include/iv_work.h"

#define	IV_IDLETIME	INT64_C(10000000000)	/* ns until an idle one ends */
#define	IV_ASLEEP	((struct iv_work_item *)1) /* nobody is to look */
#define	IV_LISTS	8	/* lists taken in one turn of the loop */

/*
 * Fields: (c) set by iv_work_pool_create(), (o) the owner's, (a) atomic.
 */
struct iv_pool {
	struct wqpool	*ip_wqpool;	/* (c) */
	struct lwp	*ip_owner;	/* (c) */
	void		*ip_cookie;	/* (c) of the two hooks */
	void		(*ip_start)(void *);	/* (c) or NULL */
	void		(*ip_stop)(void *);	/* (c) or NULL */
	int		 ip_maxthreads;	/* (c) */
	bool		 ip_checking;	/* (c) */
	int		 ip_depth;	/* (o) of loops inside completions */
	uint64_t	 ip_completed;	/* (a) written by the owner */
	uint64_t	 ip_submitted;	/* (a) likewise; by the owner */
	struct iv_event	 ip_event;	/* registered with the owner's loop */
	struct iv_task	 ip_task;	/* (o) to look again */

	/* What anybody writes, seldom, ... */
	char		 ip_pad0[KERN_CACHELINE];
	uint64_t	 ip_continued;	/* (a) continuations */
	uint64_t	 ip_silent;	/* (a) have run, without completion */
	int		 ip_nthreads;	/* (a) ready ones, and the first */
	int		 ip_first;	/* (a) the first is not ready yet */
	int		 ip_users;	/* (a) calls of others under way */
	int		 ip_retired;	/* (a) no thread is left */
	int		 ip_failed;	/* (a) a thread was refused ... */
	int		 ip_retry;	/* (a) ... and not before that tick */

	/* ... and often. */
	char		 ip_pad1[KERN_CACHELINE];
	struct iv_work_item *ip_done;	/* (a) newest first */
	char		 ip_pad2[KERN_CACHELINE];
};

/*
 * A thread's items that have no pool.  The thread's own.
 */
struct iv_local {
	struct iv_task	 il_task;
	struct iv_work_item *il_first;	/* oldest; NULL: none */
	struct iv_work_item *il_last;
	bool		 il_worker;	/* has no loop; il_task is not used */
};

static ONCE_DECL(iv_once);
static specificdata_key_t iv_localkey;	/* set once; of struct iv_local */
static int iv_workerlocal;	/* (a) a worker has submitted without pool */

/*
 * Items.
 */

static inline struct work *
iv_item_work(struct iv_work_item *item)
{

	return (struct work *)&item->list;
}

static inline struct iv_work_item *
iv_work_item(struct work *wk)
{

	return (struct iv_work_item *)((char *)wk -
	    offsetof(struct iv_work_item, list));
}

static inline struct iv_work_item *
iv_item_next(const struct iv_work_item *item)
{

	return (struct iv_work_item *)item->list.next;
}

static inline void
iv_item_setnext(struct iv_work_item *item, struct iv_work_item *next)
{

	item->list.next = (struct iv_list_head *)next;
}

/*
 * Checking mode: an item is known from its submission to its completion.
 */
static void
iv_item_checkin(struct iv_work_item *item, const void *where,
    const char *func)
{

	if (wqpool_checkin(iv_item_work(item), where) != NULL)
		iv_fatal("%s: item %p is submitted already", func,
		    (void *)item);
}

static void
iv_item_checkout(struct iv_work_item *item)
{

	wqpool_checkout(iv_item_work(item));
}

/*
 * Without a pool.
 */

static void
iv_local_free(void *arg)
{

	kmem_free(arg, sizeof(struct iv_local));
}

static int
iv_init_once(void)
{

	return lwp_specific_key_create(&iv_localkey, iv_local_free);
}

/*
 * Run what there is; what that submits is for the next time.
 */
static void
iv_local_run(void *arg)
{
	struct iv_work_item *item, *next;
	struct iv_local *il;
	bool checking;

	il = arg;
	checking = wqpool_checking();
	next = il->il_first;
	il->il_first = NULL;
	while ((item = next) != NULL) {
		next = iv_item_next(item);
		if (item->completion == NULL) {
			if (checking)
				iv_item_checkout(item);
			(*item->work)(item->cookie);
			continue;
		}
		(*item->work)(item->cookie);
		if (checking)
			iv_item_checkout(item);
		(*item->completion)(item->cookie);
	}
}

static struct iv_local *
iv_local_get(bool worker)
{
	struct iv_local *il;

	if (RUN_ONCE(&iv_once, iv_init_once) != 0)
		iv_fatal("iv_work: no key for data of threads");
	if ((il = lwp_getspecific(iv_localkey)) != NULL)
		return il;
	il = kmem_zalloc(sizeof(*il), KM_SLEEP);
	il->il_worker = worker;
	IV_TASK_INIT(&il->il_task);
	il->il_task.cookie = il;
	il->il_task.handler = iv_local_run;
	lwp_setspecific(iv_localkey, il);
	return il;
}

static void
iv_local_submit(struct iv_work_item *item, const char *func)
{
	struct iv_local *il;

	if (!iv_inited())
		iv_fatal("%s: iv_init() was not called in this thread", func);
	il = iv_local_get(false);
	if (wqpool_checking())
		iv_item_checkin(item, il, func);
	iv_item_setnext(item, NULL);
	if (il->il_first == NULL)
		il->il_first = item;
	else
		iv_item_setnext(il->il_last, item);
	il->il_last = item;
	if (il->il_worker)
		atomic_store_relaxed(&iv_workerlocal, 1);
	else if (!iv_task_registered(&il->il_task))
		iv_task_register(&il->il_task);
}

/*
 * A worker has come back from a function of the user's: that is its loop.
 */
static void
iv_worker_turn(void)
{
	struct iv_local *il;

	/* Who sets it for us is this thread. */
	if (atomic_load_relaxed(&iv_workerlocal) == 0)
		return;
	il = lwp_getspecific(iv_localkey);
	while (il->il_first != NULL)
		iv_local_run(il);
}

/*
 * Workers.
 */

static uint64_t
iv_pool_outstanding(struct iv_pool *ip)
{
	uint64_t n;

	/* What has ended is read first, so it is never less than it is. */
	n = atomic_load_seq_cst(&ip->ip_silent);
	n += atomic_load_acquire(&ip->ip_completed);
	return atomic_load_seq_cst(&ip->ip_submitted) +
	    atomic_load_seq_cst(&ip->ip_continued) - n;
}

/*
 * After a submission: an item keeps at most one thread busy, so while there
 * are no more items than threads there is one for each.  If no thread can be
 * had the item waits for one of those that run.
 */
static inline void
iv_pool_grow(struct iv_pool *ip)
{
	int n;

	n = atomic_load_seq_cst(&ip->ip_nthreads);
	if (n >= ip->ip_maxthreads || iv_pool_outstanding(ip) <= (uint64_t)n)
		return;
	if (__predict_false(atomic_load_relaxed(&ip->ip_failed) != 0) &&
	    getticks() - atomic_load_relaxed(&ip->ip_retry) < 0)
		return;
	n = wqpool_grow(ip->ip_wqpool) != 0;
	if (n != 0)
		atomic_store_relaxed(&ip->ip_retry, getticks() + 2);
	atomic_store_relaxed(&ip->ip_failed, n);
}

static void
iv_worker_start(void *arg)
{
	struct iv_pool *ip;

	ip = arg;
	iv_init();
	(void)iv_local_get(true);
	if (ip->ip_start != NULL) {
		(*ip->ip_start)(ip->ip_cookie);
		iv_worker_turn();
	}
	/* The first is counted from the beginning. */
	if (atomic_swap_relaxed(&ip->ip_first, 0) == 0)
		(void)atomic_fetch_add_seq_cst(&ip->ip_nthreads, 1);
}

static void
iv_worker_stop(void *arg)
{
	struct iv_pool *ip;

	ip = arg;
	(void)atomic_fetch_add_seq_cst(&ip->ip_nthreads, -1);
	/* Whoever has submitted has counted on us, or sees that. */
	(void)wqpool_grow(ip->ip_wqpool);
	if (ip->ip_stop != NULL) {
		(*ip->ip_stop)(ip->ip_cookie);
		iv_worker_turn();
	}
	iv_deinit();
}

static void
iv_worker_run(struct work *wk, void *arg)
{
	struct iv_work_item *item, *old;
	struct iv_pool *ip;

	item = iv_work_item(wk);
	ip = arg;
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
 * The owner's side.
 */

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
	iv_event_unregister(&ip->ip_event);
	if (iv_task_registered(&ip->ip_task))
		iv_task_unregister(&ip->ip_task);
	kmem_free(ip, sizeof(*ip));
}

/*
 * Complete what there is, and return how many that were.
 */
static unsigned
iv_pool_complete(struct iv_pool *ip)
{
	struct iv_work_item *item, *next, *list;
	unsigned n;

	next = atomic_load_relaxed(&ip->ip_done);
	if (next == NULL || next == IV_ASLEEP)
		return 0;
	/* Acquire: what the works did. */
	next = atomic_swap_acq_rel(&ip->ip_done, NULL);
	for (list = NULL; (item = next) != NULL; list = item) {
		next = iv_item_next(item);
		iv_item_setnext(item, list);
	}
	for (n = 0; (item = list) != NULL; n++) {
		list = iv_item_next(item);
		if (ip->ip_checking)
			iv_item_checkout(item);
		/* First: its thread is free for what the completion submits. */
		atomic_store_release(&ip->ip_completed, ip->ip_completed + 1);
		/* It may have been taken away meanwhile. */
		if (item->completion != NULL)
			(*item->completion)(item->cookie);
	}
	return n;
}

/*
 * The event and the task.
 */
static void
iv_pool_handler(void *arg)
{
	struct iv_work_item *old;
	struct iv_pool *ip;
	bool retired;
	int i;

	ip = arg;
	ip->ip_depth++;
	for (i = 0; i < IV_LISTS && iv_pool_complete(ip) != 0; i++)
		continue;
	ip->ip_depth--;
	/* Acquire: if so, no more will be pushed than what is seen next. */
	retired = atomic_load_acquire(&ip->ip_retired) != 0;
	/* Acq_rel: with the push, whoever succeeds. */
	old = NULL;
	if (!atomic_cas_acq_rel(&ip->ip_done, &old, IV_ASLEEP) &&
	    old != IV_ASLEEP) {
		/* The loop's other duties first. */
		if (!iv_task_registered(&ip->ip_task))
			iv_task_register(&ip->ip_task);
		return;
	}
	/* A completion further out may have a loop, in which we are. */
	if (!retired)
		return;
	if (ip->ip_depth == 0)
		iv_pool_end(ip);
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
	IV_EVENT_INIT(&ip->ip_event);
	ip->ip_event.cookie = ip;
	ip->ip_event.handler = iv_pool_handler;
	IV_TASK_INIT(&ip->ip_task);
	ip->ip_task.cookie = ip;
	ip->ip_task.handler = iv_pool_handler;
	ip->ip_done = IV_ASLEEP;
	ip->ip_nthreads = ip->ip_first = 1;
	if (iv_event_register(&ip->ip_event) != 0) {
		error = errno;
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
	atomic_store_seq_cst(&ip->ip_submitted, ip->ip_submitted + 1);
	wqpool_enqueue(ip->ip_wqpool, iv_item_work(work));
	iv_pool_grow(ip);
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
	wqpool_enqueue(ip->ip_wqpool, iv_item_work(work));
	iv_pool_grow(ip);
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
