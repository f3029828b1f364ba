/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The inside of iv_work(3): iv_work.c has the owner's side and the interface,
 * iv_worker.c the threads and how they come by items, iv_local.c the items
 * that have no pool.
 */

#ifndef _COMPAT_IVYKIS_IV_IMPL_H_
#define	_COMPAT_IVYKIS_IV_IMPL_H_

#include "kern/subr_wqpool.h"

#include <iv.h>
#include <iv_event.h>
#include "include/iv_work.h"

#define	IV_ASLEEP	((struct iv_work_item *)1) /* nobody is to look */
#define	IV_WANTED	((struct iv_work_item *)1) /* a call is wanted */
#define	IV_RING		64	/* items shared out; a power of two */
#define	IV_MANY		16	/* items in a list: they come fast */
#define	IV_AHEAD	8	/* items fetched ahead; a power of two */
#define	IV_ENOUGH	64	/* items, before a guard is thought of */
#define	IV_LANE		1024	/* items in a lane; a power of two */

/*
 * The items that one thread has pushed last.
 */
struct iv_trail {
	struct iv_work_item *it_items[IV_AHEAD];
	unsigned	 it_next;
};

/*
 * A lane: items from one thread to another without a locked instruction.
 * That would wait for the stores before it, and they for the cache lines of
 * the items.
 *
 * The putter is one thread at a time.  It uses the lane while that is open:
 * then there is a taker who looks into it without being called.  The putter
 * opens it itself, when items come fast, before it pushes one more onto the
 * list that they otherwise go to.  Who takes that list sees that the lane is
 * open: it closes it, and looks once more, before it stops looking.  Not both
 * miss the other: the putter stores ln_tail and then loads ln_open, the taker
 * stores ln_open and then loads ln_tail, with the asymmetric fence between.
 * So no lane is ever opened where there is none.
 *
 * A slot is filled again only when ln_head, seen by acquire, is past it.  So
 * a taker whose store of ln_head succeeds has read what it was to read.
 *
 * (p) the putter's, (a) atomic.
 */
struct iv_lane {
	int		 ln_open;	/* (a) */
	char		 ln_pad0[KERN_CACHELINE];
	uint64_t	 ln_head;	/* (a) taken */
	char		 ln_pad1[KERN_CACHELINE];
	uint64_t	 ln_tail;	/* (a) put */
	uint64_t	 ln_seen;	/* (p) of ln_head */
	unsigned	 ln_fast;	/* (p) pushed on top of others */
	struct iv_work_item *ln_slots[IV_LANE]; /* (a) */
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
	bool		 ip_lanes;	/* (c) they may be opened */
	struct iv_event	 ip_event;	/* registered with the owner's loop */

	/* What the owner writes with every item. */
	char		 ip_padowner[KERN_CACHELINE];
	uint64_t	 ip_submitted;	/* (o) items, by the owner */
	uint64_t	 ip_completed;	/* (o) items */
	struct iv_trail	 ip_trail;	/* (o) in ip_inbox */
	bool		 ip_fast;	/* (o) many were done the last time */
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
	int		 ip_guard;	/* (a, stored l) a thread is on guard */
	uint32_t	 ip_begun;	/* (l) items when the guard was ... */
	int64_t		 ip_since;	/* (l) ... last thought of; ns */
	uint32_t	 ip_enough;	/* (l) items before it is again */
	int		 ip_putter;	/* (a) a thread puts into ip_back */

	/* ... and often. */
	char		 ip_pad1[KERN_CACHELINE];
	struct iv_work_item *ip_inbox;	/* (a) newest first */
	char		 ip_pad2[KERN_CACHELINE];
	struct iv_work_item *ip_done;	/* (a) newest first */
	char		 ip_pad3[KERN_CACHELINE];
	uint64_t	 ip_ring;	/* (a) taken, and filled in << 32 */
	struct iv_work_item *ip_slots[IV_RING]; /* (a) */
	char		 ip_pad4[KERN_CACHELINE];
	struct iv_lane	 ip_lane;	/* from the owner to the threads */
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
 * Lanes.
 */

enum iv_put {
	IV_PUT,			/* it will be seen */
	IV_PUT_LATE,		/* it is put, but somebody must be called */
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
		/* Acquire: what was in the slot has been read. */
		ln->ln_seen = atomic_load_acquire(&ln->ln_head);
		if (tail - ln->ln_seen == IV_LANE)
			return IV_PUT_NOT;
	}
	atomic_store_relaxed(&ln->ln_slots[tail % IV_LANE], item);
	/* Release: the slot, and the item. */
	atomic_store_release(&ln->ln_tail, tail + 1);
	host_fence_light();
	return __predict_true(atomic_load_relaxed(&ln->ln_open) != 0) ?
	    IV_PUT : IV_PUT_LATE;
}

/*
 * The putter is about to push an item onto the list, on top of others or not.
 */
static inline void
iv_lane_open(struct iv_lane *ln, bool others)
{

	if (!others)
		ln->ln_fast = 0;
	else if (++ln->ln_fast % IV_MANY == 0)
		/* The push releases it. */
		atomic_store_relaxed(&ln->ln_open, 1);
}

/*
 * Take the oldest, or NULL; *tailp is the taker's copy of ln_tail, which it
 * may have read at any time; alone: nobody else takes.
 */
static inline struct iv_work_item *
iv_lane_take(struct iv_lane *ln, uint64_t *tailp, bool alone)
{
	struct iv_work_item *item, *next;
	uint64_t head;

	/* Acquire: *tailp is not behind it without our knowing. */
	head = atomic_load_acquire(&ln->ln_head);
	do {
		if ((int64_t)(*tailp - head) <= 0) {
			/* Acquire: the slots, and the items. */
			*tailp = atomic_load_acquire(&ln->ln_tail);
			if (*tailp == head)
				return NULL;
		}
		item = atomic_load_relaxed(&ln->ln_slots[head % IV_LANE]);
		if (alone) {
			/* Release: the slot has been read. */
			atomic_store_release(&ln->ln_head, head + 1);
			break;
		}
		/* As above; it fails if another was faster. */
	} while (!atomic_cas_acq_rel(&ln->ln_head, &head, head + 1));
	/*
	 * An item further on is fetched while this one runs, and what is
	 * behind it, which often is what it works on.  Past the end that is
	 * an old one's address; nothing is read through it.
	 */
	next = atomic_load_relaxed(&ln->ln_slots[(head + IV_AHEAD) % IV_LANE]);
	__builtin_prefetch(next, 1);
	__builtin_prefetch(next + 1, 1);
	return item;
}

static inline bool
iv_lane_empty(const struct iv_lane *ln)
{

	/* Acquire: the taker goes by what it sees here. */
	return atomic_load_acquire(&ln->ln_head) ==
	    atomic_load_acquire(&ln->ln_tail);
}

/*
 * Look once more after that.
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
 * Checking mode: an item is known from its submission to its completion.
 */
void	iv_item_checkin(struct iv_work_item *, const void *, const char *);
void	iv_item_checkout(struct iv_work_item *);

/*
 * Without a pool.  For the calling thread, which may be a worker.
 */
extern int iv_workerlocal;

void	iv_local_init(void);
void	iv_local_submit(struct iv_work_item *, const char *);
void	iv_local_loop(void);

/*
 * A worker has come back from a function of the user's: that is its loop.
 */
static inline void
iv_worker_turn(void)
{

	/* Who sets it for us is this thread. */
	if (atomic_load_relaxed(&iv_workerlocal) != 0)
		iv_local_loop();
}

/*
 * Workers: the functions of the pool's wqpool, and what gives them an item;
 * the last argument says whether the caller is the owner.
 */
void	iv_worker_start(void *);
void	iv_worker_stop(void *);
void	iv_worker_run(struct work *, void *);
void	iv_pool_submit(struct iv_pool *, struct iv_work_item *, bool);
void	iv_pool_wake(struct iv_pool *);

#endif	/* !_COMPAT_IVYKIS_IV_IMPL_H_ */
