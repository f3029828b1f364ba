/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The engine's structures, for subr_workqueue.c and the files that build on it.
 */

#ifndef _KERN_SUBR_WORKQUEUE_H_
#define	_KERN_SUBR_WORKQUEUE_H_

#include <sys/workqueue.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_mutex.h"
#include "subr_wqinbox.h"

#define	WQ_BATCH	32		/* items taken at once */
#define	WQ_PIECE	1000		/* links followed with q_lock held */

struct fdrunner;
struct workqueue_queue;
struct wqlend;
struct wqslab;
struct wqstat_slot;

/*
 * The hooks for a workqueue's runners.  The runners are worker threads
 * (subr_workqueue.c), or the client's own loop (subr_workqueue_polled.c).  The
 * hook that a producer calls is in struct runner, because a producer knows only
 * the runner that it took out of the inbox.
 */
struct workqueue_hooks {
	/*
	 * Make the runner look at the queue.  A producer may have been
	 * preempted before it woke the runner.
	 */
	void	(*wh_poke)(struct workqueue_queue *);
	/*
	 * For workqueue_destroy(): run all pending items and end the runners.
	 * In a forked child, only free the runners' memory.
	 */
	void	(*wh_end)(struct workqueue *);
	/*
	 * For a thread that a pool lends to the queue (subr_wqlend.c).
	 * wh_serve runs the queue until the thread must leave.  wh_batch runs
	 * one batch.
	 */
	void	(*wh_serve)(struct workqueue_queue *, struct lwp *);
	void	(*wh_batch)(struct workqueue_queue *, struct lwp *);
};

/*
 * A thread in workqueue_wait().  The record is on the thread's stack.
 */
struct workqueue_waiter {
	struct workqueue_waiter *ww_next;	/* (q) */
	struct workqueue_queue *ww_queue;
	struct lwp	*ww_lwp;
	const struct work *ww_work;
	uint64_t	 ww_pos;	/* (q) wait until q_done is this */
	bool		 ww_taken;	/* (q) ww_pos is final */
	int		 ww_done;	/* (a) set when it is off q_waiters */
};

/*
 * A thread that cancels an item, when the worker may be about to run the item.
 * The record is on the thread's stack.
 */
struct workqueue_canceller {
	struct workqueue_canceller *wc_next;	/* (q) */
	uint64_t	 wc_pos;
	bool		 wc_skipped;	/* (q) the worker skipped the item */
};

/*
 * A callback of a queue may run another queue.  This record then holds the
 * outer queue.
 */
struct workqueue_outer {
	struct workqueue_outer *wo_next;
	struct workqueue_queue *wo_queue;
};

/*
 * The life of a queue's worker.  A queue has no worker if the client's own loop
 * runs the queue, or while no thread is lent to it.
 */
enum workqueue_worker {
	WORKER_NONE,
	WORKER_SERVES,			/* set before its thread starts */
	WORKER_RETURNS,			/* lent; goes home when idle */
	WORKER_ENDS,			/* ends when it finds no item */
	WORKER_ENDED
};

/*
 * One queue, with its worker.  A workqueue has one queue, or one for each CPU.
 * Fields: (a) atomic, (q) q_lock, (f) q_findlock, (w) only the worker writes
 * it, (c) set before the worker starts.
 *
 * An item gets a position when the worker takes it.  The position is the value
 * of q_done after the item has run.  The positions in the batch begin at q_base
 * + 1.  Items that are taken later get higher positions.
 */
struct workqueue_queue {
	struct wqinbox	 q_inbox;

	/* These may share the cache line of the inbox: few calls use them. */
	struct fdrunner	*q_fdrunner;	/* (c) subr_workqueue_polled.c's */
	struct wqlend	*q_lend;	/* (c) subr_wqlend.c's, or NULL */
	struct cpu_info	*q_ci;		/* (c) its CPU, or NULL */
	struct wqindex	*q_index;	/* (f) index of the list, or NULL */
	uint64_t	 q_indexpos;	/* (f) position of its first entry */
	kmutex_t	 q_findlock;	/* before q_lock; the worker never
					   waits for it */

	/* Each batch uses these.  Keep them together: sleeps make them cold. */
	__atomic64_t q_done __kern_aligned;	/* (aw) items run */
	__atomic64_t q_begun;	/* (aw) position of the last item
				   that was begun or skipped */
	__atomic64_t q_waitpos;	/* (aq) least position that a
					   thread waits for, or WQ_NOPOS */
	struct workqueue *q_wq;		/* (c) */
	kmutex_t	 q_lock;
	struct work	*q_first;	/* (aq) the ordered list */
	struct work	**q_lastp;	/* (q) */
	uintptr_t	 q_unturned;	/* (aq) rest of an inbox, newest
					   item first */
	uint64_t	 q_base;	/* (q) items run before this batch */
	struct work	**q_batch;	/* (aq) on the runner's stack; see
					   WQ_CANCELLED for its entries */
	unsigned	 q_start;	/* (q) first entry of the batch */
	unsigned	 q_end;		/* (q) the entry after its last */
	bool		 q_walked;	/* (aq) a long list was searched */
	int64_t		 q_gap;		/* (w) usual wait for an item, ns */
	int64_t		 q_slept;	/* (w) start of a sleep that q_gap does
					   not include yet; 0: none */
	unsigned	 q_lone;	/* (w) batches of one item in a row */
	int		 q_worker;	/* (a) enum workqueue_worker */
	struct lwp	*q_lwp;		/* (a) the worker, or NULL */
	struct workqueue_waiter *q_waiters;	/* (q) */
	struct workqueue_canceller *q_cancellers; /* (q) */

	/* These are for searches: see subr_workqueue_find.c. */
	struct work	*q_turned;	/* (q) items of q_unturned, reversed */
	struct work	**q_turnedlastp; /* (q) */
	unsigned	 q_refills;	/* (q) inboxes put on the list */
} __kern_aligned;

/*
 * The life of a workqueue.
 */
enum workqueue_state {
	WORKQUEUE_MAKING,		/* no client knows it */
	WORKQUEUE_SERVES,
	WORKQUEUE_ENDS			/* in workqueue_destroy() */
};

struct workqueue {
	void		(*wq_func)(struct work *, void *);	/* (c) */
	void		*wq_arg;	/* (c) */
	int		 wq_flags;	/* (c) */
	bool		 wq_runplain;	/* (c) see workqueue_run_batch() */
	uintptr_t	 wq_key;	/* (c) kern_forkkey; plus WQ_NOCPU if
					   KERN_SLOW(), or else plus the address
					   of cpu_infos if WQ_PERCPU */
	size_t		 wq_cpuspan;	/* (c) size of the cpu_infos whose CPUs
					   have a queue; 0 if KERN_SLOW() */
	int		 wq_ipl;	/* (c) */
	int		 wq_nqueues;	/* (c) */
	__satomic64_t wq_spin;	/* (a) longest spin of a worker, ns */
	const struct workqueue_hooks *wq_hooks;	/* (c) */
	enum workqueue_state wq_state;	/* creator and destroyer only */
	unsigned	 wq_forkgen;	/* (c) kern_forkgen of its process */
	pri_t		 wq_prio;	/* (c) */
	int		 wq_draining;	/* (a) calls that wait until all
					   queues are empty */
	int		 wq_waiting;	/* (a) calls that workqueue_destroy()
					   waits for */
	struct lwp	*wq_destroyer;	/* waits for lent threads */
	char		 wq_name[MAXCOMLEN];
	struct wqstat_slot *wq_statslot; /* (c) in the list of queues */
	struct wqslab	*wq_slab;	/* (c) slab that it is in, or NULL */
	struct workqueue_queue wq_queues[];	/* wq_nqueues of them */
};

#define	WQ_NOCPU	((uintptr_t)1)	/* in wq_key: no ci matches */
/*
 * An entry of q_batch with this bit is an item that a thread is cancelling.
 * The worker reports whether the thread was in time.  The bit without an item
 * stands for an item that was cancelled.
 */
#define	WQ_CANCELLED	((uintptr_t)1)

#define	WQ_NOPOS	UINT64_MAX	/* q_waitpos: no thread waits */

/*
 * Return the number of items that the worker has taken.  It is the position of
 * the last item in the batch.
 */
static inline uint64_t
workqueue_taken(const struct workqueue_queue *q)
{

	return q->q_base + (q->q_end - q->q_start);
}

/*
 * subr_workqueue_check.c.
 */
void	workqueue_check_enqueue(struct workqueue *, struct work *, uintptr_t);
void	workqueue_check_return(struct workqueue *, struct lwp *, int);
void	workqueue_call_begin(struct workqueue *, struct workqueue_queue *,
	    struct work *);
void	workqueue_call_end(struct workqueue *, struct workqueue_queue *,
	    struct lwp *, int);
int	workqueue_check_args(const char *, const char *,
	    void (*)(struct work *, void *), pri_t, int, int);

/* Panic if a pending item was overwritten. */
void	workqueue_check_item(struct workqueue_queue *, const struct work *);

/*
 * Panic if the workqueue is NULL.  In checking mode, also panic if it is
 * destroyed or the caller must not sleep.
 */
void	workqueue_check_call(struct workqueue *, const char *);

/*
 * Panic, because the workqueue belongs to the parent of this process, and its
 * runners do not exist here.
 */
void	workqueue_parents(const char *, const struct workqueue *)
	    __attribute__((__noreturn__));

static inline void
workqueue_check_process(const struct workqueue *wq, const char *func)
{

	if (__predict_false(wq->wq_forkgen != kern_forkgen))
		workqueue_parents(func, wq);
}

/*
 * The result of a search for an item.  A search of the list first moves all
 * items from the inbox there, so no item is found in the inbox.
 */
enum workqueue_item {
	ITEM_NOWHERE,			/* on another queue, or on none */
	ITEM_LISTED,			/* pending, on the list */
	ITEM_TAKEN,			/* pending, in the batch */
	ITEM_RUNS
};

/*
 * The place where a search has found an item: see subr_workqueue_find.c.
 */
struct workqueue_place {
	enum workqueue_item wp_item;
	bool		 wp_listed;	/* q_findlock is held */
	uint64_t	 wp_pos;	/* its position; on the list, the least
					   that it may get */
	struct work	**wp_link;	/* the link to it on the list */
	struct wqindex_entry *wp_entry;	/* its entry in the index, or NULL */
	struct wqindex	*wp_unindexed;	/* an index to destroy */
};
bool	workqueue_find(struct workqueue_queue *, const struct work *,
	    struct workqueue_place *);
void	workqueue_unlist(struct workqueue_queue *, struct workqueue_place *);
void	workqueue_delist(struct workqueue_queue *, struct workqueue_place *);
void	workqueue_unfind(struct workqueue_queue *, struct workqueue_place *);

/* subr_workqueue_find.c.  The caller holds q_lock. */
bool	workqueue_turn(struct workqueue_queue *);
void	workqueue_unturned(struct workqueue_queue *, uintptr_t);

/*
 * subr_workqueue_find.c.  If q_walked is set, the worker calls this when the
 * list has become empty.
 */
void	workqueue_forget(struct workqueue_queue *);

/* subr_workqueue_waiter.c.  The caller holds q_lock. */
void	workqueue_settle(struct workqueue_queue *);
void	workqueue_release(struct workqueue_queue *, uint64_t,
	    const struct work *);

/*
 * Return true if the thread runs the queue.  If the queue is NULL, return true
 * if the thread runs any queue of the workqueue.
 */
bool	workqueue_runs(const struct lwp *, const struct workqueue *,
	    const struct workqueue_queue *);

/* subr_workqueue.c, for queues without a worker. */
unsigned workqueue_take(struct workqueue_queue *, struct lwp *);
unsigned workqueue_take_checked(struct workqueue_queue *, struct lwp *);
void	workqueue_after(struct workqueue *);
void	workqueue_left(struct workqueue_queue *, uint64_t);
void	workqueue_run(struct workqueue_queue *, struct lwp *);
bool	workqueue_announce(struct workqueue_queue *, struct runner *,
	    struct lwp *);
/* workqueue_create(), with workers that serve the whole process. */
int	workqueue_create_shared(struct workqueue **, const char *,
	    void (*)(struct work *, void *), void *, pri_t, int, int);
int	workqueue_alloc(struct workqueue **, const char *, const char *,
	    void (*)(struct work *, void *), void *, pri_t, int, int,
	    const struct workqueue_hooks *);
void	workqueue_insert(struct workqueue *, const char *, uintptr_t);

/*
 * subr_workqueue_waiter.c.  A runner calls workqueue_notify() after it has run
 * an item that a thread waits for.  It calls workqueue_skip() when it comes to
 * a cancelled item in the batch.
 */
void	workqueue_notify(struct workqueue_queue *, uint64_t);
void	workqueue_skip(struct workqueue_queue *, struct work **, uint64_t);

/* subr_workqueue_waiter.c.  Wait until all queues are empty at one moment. */
void	workqueue_quiesce(struct workqueue *);
void	workqueue_finish(struct workqueue *, bool);

void	workqueue_lwplost(struct lwp *);

#endif	/* !_KERN_SUBR_WORKQUEUE_H_ */
