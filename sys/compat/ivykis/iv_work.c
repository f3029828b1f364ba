/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3): ivykis' pools of threads, on our engine.
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
 * Both sides pause for a microsecond when items come fast and few are there,
 * so that they do not take each other's cache lines for each item.  No item
 * waits for that which another thread could run: it is called before.
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
#define	IV_WANTED	((struct iv_work_item *)1) /* a call is wanted */
#define	IV_RING		64	/* items shared out; a power of two */
#define	IV_LISTS	8	/* lists taken in one turn of the loop */
#define	IV_MANY		16	/* items in a list: they come fast */
#define	IV_SKIP		64	/* fills, after a pause that was no use */
#define	IV_AHEAD	8	/* items fetched ahead; a power of two */

/*
 * The items that one thread has pushed last.
 */
struct iv_trail {
	struct iv_work_item *it_items[IV_AHEAD];
	unsigned	 it_next;
};

/*
 * Fields: (c) set by iv_work_pool_create(), (o) the owner's, (l) under
 * ip_lock, (a) atomic.
 */
struct iv_pool {
	struct wqpool	*ip_wqpool;	/* (c) */
	struct lwp	*ip_owner;	/* (c) */
	void		*ip_cookie;	/* (c) of the two hooks */
	void		(*ip_start)(void *);	/* (c) or NULL */
	void		(*ip_stop)(void *);	/* (c) or NULL */
	int		 ip_maxthreads;	/* (c) */
	bool		 ip_checking;	/* (c) */
	struct iv_event	 ip_event;	/* registered with the owner's loop */

	/* What the owner writes with every item. */
	char		 ip_padowner[KERN_CACHELINE];
	uint64_t	 ip_submitted;	/* (o) items, by the owner */
	uint64_t	 ip_completed;	/* (o) items */
	struct iv_trail	 ip_trail;	/* (o) in ip_inbox */
	int		 ip_depth;	/* (o) of loops inside completions */
	struct iv_task	 ip_task;	/* (o) to look again */

	/* What anybody writes, seldom, ... */
	char		 ip_pad0[KERN_CACHELINE];
	uint64_t	 ip_continued;	/* (a) items, by others */
	uint64_t	 ip_silent;	/* (a) have run, without completion */
	int		 ip_nthreads;	/* (a) ready ones, and the first */
	int		 ip_first;	/* (a) the first is not ready yet */
	int		 ip_active;	/* (a) look for items */
	int		 ip_called;	/* (a) ip_call is pending */
	int		 ip_users;	/* (a) calls of others under way */
	int		 ip_retired;	/* (a) no thread is left */
	int		 ip_failed;	/* (a) a thread was refused ... */
	int		 ip_retry;	/* (a) ... and not before that tick */
	struct work	 ip_call;	/* for the wqpool */
	kmutex_t	 ip_lock;	/* to fill the ring: (l) */
	struct iv_work_item *ip_list;	/* (la) oldest first */
	unsigned	 ip_ordered;	/* (l) items in the last list */
	unsigned	 ip_skip;	/* (l) lists not to pause for */

	/* ... and often. */
	char		 ip_pad1[KERN_CACHELINE];
	struct iv_work_item *ip_inbox;	/* (a) newest first */
	char		 ip_pad2[KERN_CACHELINE];
	struct iv_work_item *ip_done;	/* (a) newest first */
	char		 ip_pad3[KERN_CACHELINE];
	uint64_t	 ip_ring;	/* (a) taken, and filled in << 32 */
	struct iv_work_item *ip_slots[IV_RING]; /* (a) */
	char		 ip_pad4[KERN_CACHELINE];
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
 * Who takes a list takes items that lie in another CPU's cache, and finds
 * each by the one before.  So that it need not wait for each in turn, an item
 * tells also which one its thread pushed some time before it.  That may be
 * freed long since: it is a hint, and nothing is read through it.
 */
static inline void
iv_item_sethint(struct iv_work_item *item, struct iv_trail *it)
{
	struct iv_work_item **slot;

	slot = &it->it_items[it->it_next++ % IV_AHEAD];
	item->list.prev = (struct iv_list_head *)*slot;
	*slot = item;
}

/*
 * With the whole list the caller's: have the oldest first, and count them.
 */
static inline struct iv_work_item *
iv_item_reverse(struct iv_work_item *next, unsigned *np)
{
	struct iv_work_item *item, *list;

	*np = 0;
	for (list = NULL; (item = next) != NULL; list = item) {
		++*np;
		__builtin_prefetch(item->list.prev, 1);
		next = iv_item_next(item);
		iv_item_setnext(item, list);
	}
	return list;
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
	return atomic_load_seq_cst(&ip->ip_nthreads) <=
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

static inline void
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
static void
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
	mutex_destroy(&ip->ip_lock);
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
	list = iv_item_reverse(next, &n);
	while ((item = list) != NULL) {
		list = iv_item_next(item);
		if (ip->ip_checking)
			iv_item_checkout(item);
		/* Its thread is free for what the completion submits. */
		ip->ip_completed++;
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
	unsigned n;
	int i;

	ip = arg;
	ip->ip_depth++;
	for (i = 0; i < IV_LISTS && (n = iv_pool_complete(ip)) != 0; i++)
		/* The next will be there sooner than we could sleep. */
		if (n >= IV_MANY && ip->ip_submitted != ip->ip_completed &&
		    atomic_load_relaxed(&ip->ip_done) == NULL)
			wqpool_gather();
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
	ip->ip_inbox = IV_WANTED;
	mutex_init(&ip->ip_lock, MUTEX_DEFAULT, IPL_NONE);
	ip->ip_nthreads = ip->ip_first = 1;
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
	iv_pool_submit(ip, work, true);
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
