/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Internals of iv_work(3).  iv_work.c has the interface and the owner's side.
 * iv_worker.c has the threads and how they get items.  iv_local.c has the items
 * without a pool, iv_item.c the checks of items.
 */

#ifndef _COMPAT_IVYKIS_IV_IMPL_H_
#define	_COMPAT_IVYKIS_IV_IMPL_H_

#include "kern/kern_mutex.h"
#include "kern/subr_wqpool.h"

#include <iv.h>
#include <iv_event.h>
#include "include/iv_work.h"

#define	IV_ASLEEP	((struct iv_work_item *)1) /* the owner sleeps */
/* In the inbox: the next thread that submits an item must make a call. */
#define	IV_WANTED	((struct iv_work_item *)1)
#define	IV_RING		64	/* shared items; a power of two */
#define	IV_MANY		16	/* a list of this length is long */
#define	IV_AHEAD	8	/* items to prefetch; a power of two */
#define	IV_ENOUGH	64	/* items begun before a check for a guard */
#define	IV_DESCRIPTORS	8	/* for a new thread or pool */
#define	IV_LANE		1024	/* items in a lane; a power of two */

/*
 * The items that a thread pushed most recently.
 */
struct iv_trail {
	struct iv_work_item *it_items[IV_AHEAD];
	unsigned	 it_next;
};

/*
 * A lane moves items from one thread to another.  To put an item, or to take
 * one if there is no other taker, needs no locked instruction.  Such an
 * instruction would wait for earlier stores, which wait for the cache lines of
 * the items.
 *
 * One thread at a time is the putter.  While the lane is open, the putter puts
 * items into it, and a taker looks there without being called.  When items come
 * fast, the putter opens the lane, and then pushes one more item onto the list
 * that it otherwise uses.  The thread that takes this list sees that the lane
 * is open.  Before this thread stops looking for items, it closes the lane and
 * looks once more.  If a pool has several threads, ip_lane needs a guard: a
 * thread that looks into the lane even while the others are in callbacks.
 *
 * The putter stores ln_tail and then loads ln_open.  The taker stores ln_open
 * and then loads ln_tail.  The asymmetric fence ensures that at least one of
 * them sees the other's store.  Without that fence no lane is ever opened.
 *
 * The putter reuses a slot only when ln_head, loaded with acquire, is past it.
 * A taker reads the slot and then stores ln_head.  So if this store succeeds,
 * the putter had not reused the slot when the taker read it.
 *
 * Fields: (p) only the putter, (a) atomic.
 */
struct iv_lane {
	int		 ln_open;	/* (a) */
	char		 ln_pad0[KERN_CACHELINE];
	__atomic64_t	 ln_head;	/* (a) items taken */
	char		 ln_pad1[KERN_CACHELINE];
	__atomic64_t	 ln_tail;	/* (a) items put */
	uint64_t	 ln_seen;	/* (p) copy of ln_head */
	unsigned	 ln_fast;	/* (p) pushes onto a non-empty list */
	struct iv_work_item *ln_slots[IV_LANE]; /* (a) */
};

/*
 * Fields: (c) set by iv_work_pool_create(), (o) only the owner, (l) ip_lock,
 * (a) atomic.
 */
struct iv_pool {
	struct wqpool	*ip_wqpool;	/* (c) */
	struct lwp	*ip_owner;	/* (c) */
	void		*ip_cookie;	/* (c) argument of the two hooks */
	void		(*ip_start)(void *);	/* (c) or NULL */
	void		(*ip_stop)(void *);	/* (c) or NULL */
	int		 ip_maxthreads;	/* (c) */
	bool		 ip_checking;	/* (c) */
	bool		 ip_lanes;	/* (c) lanes may be opened */
	struct iv_event	 ip_event;	/* of the owner's loop */

	/* The owner writes these for every item. */
	char		 ip_padowner[KERN_CACHELINE];
	uint64_t	 ip_submitted;	/* (o) items submitted by the owner */
	uint64_t	 ip_completed;	/* (o) items completed */
	struct iv_trail	 ip_trail;	/* (o) of ip_inbox */
	bool		 ip_fast;	/* (o) the last turn completed many */
	int		 ip_depth;	/* (o) loops nested in completions */
	struct iv_task	 ip_task;	/* (o) next turn */
	bool		 ip_assisting;	/* (o) in iv_pool_assist() */
	bool		 ip_started;	/* (o) has called ip_start itself */

	/* Any thread writes these, rarely ... */
	char		 ip_pad0[KERN_CACHELINE];
	__atomic64_t	 ip_continued;	/* (a) items submitted by others */
	__atomic64_t	 ip_silent;	/* (a) items run, without completion */
	int		 ip_nthreads;	/* (a) ready threads */
	int		 ip_active;	/* (a) threads that look for items */
	int		 ip_called;	/* (a) ip_call is pending */
	int		 ip_users;	/* (a) active calls of others */
	int		 ip_retired;	/* (a) all threads have ended */
	int		 ip_failed;	/* (a) a thread was refused ... */
	int		 ip_retry;	/* (a) ... retry at that tick */
	int		 ip_lacks;	/* (a) there are items and no thread */
	struct wqpool_work ip_call;	/* for the wqpool */
	kmutex_t	 ip_lock;	/* for the fields marked (l) */
	struct iv_work_item *ip_list;	/* (la) oldest first */
	unsigned	 ip_ordered;	/* (l) length of the last list */
	unsigned	 ip_skip;	/* (l) lists before the next pause */
	int		 ip_guard;	/* (a, stored l) a guard is there */
	uint32_t	 ip_begun;	/* (l) items begun at the last look */
	int64_t		 ip_since;	/* (l) ns, time of the last look */
	uint32_t	 ip_enough;	/* (l) items until the next look */
	int		 ip_putter;	/* (a) ip_back has a putter */

	/* ... and often. */
	char		 ip_pad1[KERN_CACHELINE];
	struct iv_work_item *ip_inbox;	/* (a) newest first */
	char		 ip_pad2[KERN_CACHELINE];
	struct iv_work_item *ip_done;	/* (a) newest first */
	char		 ip_pad3[KERN_CACHELINE];
	__atomic64_t	 ip_ring;	/* (a) low half taken, high put */
	struct iv_work_item *ip_slots[IV_RING]; /* (a) */
	char		 ip_pad4[KERN_CACHELINE];
	struct iv_lane	 ip_lane;	/* from the owner to the threads; its
					   counts begin with WQPOOL_LANE */
	char		 ip_pad5[KERN_CACHELINE];
	struct iv_lane	 ip_back;	/* from ip_putter to the owner */
	char		 ip_pad6[KERN_CACHELINE];
};

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
 * Store a hint in an item: the address of an item that the thread pushed
 * IV_AHEAD pushes before.  The items of a list are in another CPU's cache, and
 * the taker learns the address of each from the one before.  With the hints it
 * prefetches items that are further along.  An item in a hint may have been
 * freed, so it is only prefetched, never read.
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
 * Reverse a list that the caller owns, so that the oldest item is first.  Count
 * the items.
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
 * Lanes.
 */

enum iv_put {
	IV_PUT,			/* a taker will see it */
	IV_PUT_LATE,		/* put, but call a taker */
	IV_PUT_NOT		/* not put */
};

static inline enum iv_put
iv_lane_put(struct iv_lane *ln, struct iv_work_item *item)
{
	uint64_t tail;

	if (atomic_load_relaxed(&ln->ln_open) == 0)
		return IV_PUT_NOT;
	tail = atomic_load_relaxed(&ln->ln_tail);
	if (tail - ln->ln_seen == IV_LANE) {
		/* Acquire: the taker has read the slot. */
		ln->ln_seen = atomic_load_acquire(&ln->ln_head);
		if (tail - ln->ln_seen == IV_LANE)
			return IV_PUT_NOT;
	}
	atomic_store_relaxed(&ln->ln_slots[tail % IV_LANE], item);
	/* Release: publish the slot and the item. */
	atomic_store_release(&ln->ln_tail, tail + 1);
	host_fence_light();
	return __predict_true(atomic_load_relaxed(&ln->ln_open) != 0) ?
	    IV_PUT : IV_PUT_LATE;
}

/*
 * Open the lane if the list was not empty at IV_MANY pushes in a row.  The
 * putter calls this before it pushes an item onto the list.  "others" is set if
 * the list is not empty now.
 */
static inline void
iv_lane_open(struct iv_lane *ln, bool others)
{

	if (!others)
		ln->ln_fast = 0;
	else if (++ln->ln_fast % IV_MANY == 0)
		/* Relaxed: the push publishes it. */
		atomic_store_relaxed(&ln->ln_open, 1);
}

/*
 * Take the oldest item, and its number.  Return false if there is none.  *tailp
 * is the taker's copy of ln_tail, of any age.  "alone" is set if there is no
 * other taker.
 */
static inline bool
iv_lane_take(struct iv_lane *ln, uint64_t *tailp, bool alone,
    struct iv_work_item **itemp, uint64_t *numberp)
{
	struct iv_work_item *item, *next;
	uint64_t head;

	/* Acquire: an ln_tail that is loaded below is at least this head. */
	head = atomic_load_acquire(&ln->ln_head);
	do {
		if ((int64_t)(*tailp - head) <= 0) {
			/* Acquire: observe the slots and the items. */
			*tailp = atomic_load_acquire(&ln->ln_tail);
			if (*tailp == head)
				return false;
		}
		item = atomic_load_relaxed(&ln->ln_slots[head % IV_LANE]);
		if (alone) {
			/* Release: this thread has read the slot. */
			atomic_store_release(&ln->ln_head, head + 1);
			break;
		}
		/*
		 * Release: as above.  The exchange fails if another taker was
		 * faster.
		 */
	} while (!atomic_cas_acq_rel(&ln->ln_head, &head, head + 1));
	/*
	 * While this item runs, prefetch a later one and the memory after it,
	 * which its callback often uses.  A slot beyond ln_tail has NULL or the
	 * address of an old item, which is only prefetched, never read.
	 */
	next = atomic_load_relaxed(&ln->ln_slots[(head + IV_AHEAD) % IV_LANE]);
	__builtin_prefetch(next, 1);
	__builtin_prefetch(next + 1, 1);
	*itemp = item;
	*numberp = head;
	return true;
}

static inline bool
iv_lane_empty(const struct iv_lane *ln)
{

	/* Acquire: order these loads before later ones. */
	return atomic_load_acquire(&ln->ln_head) ==
	    atomic_load_acquire(&ln->ln_tail);
}

/*
 * Close a lane.  The caller must look into it once more.
 */
static inline void
iv_lane_close(struct iv_lane *ln)
{

	if (atomic_load_relaxed(&ln->ln_open) == 0)
		return;
	atomic_store_relaxed(&ln->ln_open, 0);
	wqpool_fence();
}

/*
 * Checking mode has a record of each item from its submission to its
 * completion.  The trace has one until the item has run.
 */
void	iv_item_checkin(struct iv_work_item *, const void *, const char *);
void	iv_item_checkout(struct iv_work_item *);
void	iv_item_call(struct iv_work_item *);
void	iv_item_callback(struct iv_work_item *);

/*
 * Items without a pool.  The calling thread, which may be a worker, runs them.
 */
extern int iv_workerlocal __kern_hidden;

void	iv_local_init(void);
void	iv_local_submit(struct iv_work_item *, const char *);
void	iv_local_loop(void);

/*
 * Run the items without a pool that a callback has submitted in this worker.
 */
static inline void
iv_worker_turn(void)
{

	/* Relaxed: a thread with such items has set this itself. */
	if (atomic_load_relaxed(&iv_workerlocal) != 0)
		iv_local_loop();
}

/*
 * Workers: the functions of the pool's wqpool, and those that submit an item.
 * The last argument of iv_pool_submit() is true if the caller is the owner.
 */
bool	iv_worker_start(void *);
void	iv_worker_stop(void *);
void	iv_worker_run(struct work *, void *);
void	iv_pool_submit(struct iv_pool *, struct iv_work_item *, bool);
void	iv_pool_wake(struct iv_pool *);
bool	iv_pool_grow(struct iv_pool *);
void	iv_pool_lacks(void *);

#endif	/* !_COMPAT_IVYKIS_IV_IMPL_H_ */
