/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Items and queues.  work_struct and kthread_work begin with an item.  Items
 * are enqueued on queues, which belong to a workqueue or a kthread_worker.
 */

#ifndef _COMPAT_LINUX_ITEM_H_
#define	_COMPAT_LINUX_ITEM_H_

#include <host/host_probe.h>

#include "linux_var.h"

/*
 * A pool and its owner.  An item points to the queue that it was last enqueued
 * on, even after the queue's destruction.  So the memory of a queue is
 * type-stable, and a queue never changes its kind.
 * A queue is not reused while pending delays refer to it.
 */
struct lwq_queue {
	struct wqpool	*lq_pool;	/* set before an item's first enqueue */
	const struct lwq_queue_ops *lq_ops; /* set with lq_pool */
	struct workqueue_struct *lq_wq;	/* NULL: a kthread_worker's */
	int		 lq_ntimers;	/* pending delays */
	int		 lq_state;	/* (a) a kthread_worker's: KW_* */
};

/*
 * The operations in which the kinds of queues differ.
 */
struct lwq_queue_ops {
	const char	*qo_name;	/* for messages */

	/*
	 * Prevent the destruction of a queue.  Return false if the queue is
	 * destroyed already.
	 */
	bool		(*qo_hold)(struct lwq_queue *);
	void		(*qo_unhold)(struct lwq_queue *);

	/*
	 * Enqueue an item when its delay has ended, or drop it with a message.
	 * Return false if the queue has ended.  Then the caller drops the item.
	 * The caller holds the item's timer lock, and has called qo_hold().
	 */
	bool		(*qo_fire)(struct lwq_queue *, struct __lwq_item *);
};

/*
 * __i_state.  PENDING: the item is enqueued, or its timer runs, or the thread
 * that set the bit is about to enqueue the item or to start the timer.  TIMER:
 * the item's timer runs.  GENMASK: lwq_gen of the process that set PENDING.
 * The bits of DISABLEMASK count the calls that have disabled the item.
 */
#define	LWQ_PENDING	UINT64_C(0x01)
#define	LWQ_TIMER	UINT64_C(0x02)
#define	LWQ_GEN		UINT64_C(0x04)
#define	LWQ_GENMASK	UINT64_C(0xfffffffc)
#define	LWQ_DISABLED	UINT64_C(0x100000000)
#define	LWQ_DISABLEMASK	(~UINT64_C(0xffffffff))

/* __t_state, under the item's timer lock. */
enum lwq_timer_state {
	LWQ_T_NONE,		/* the callout is not initialised */
	LWQ_T_READY,
	LWQ_T_FIRING		/* the callout can no longer be stopped */
};

_Static_assert(offsetof(struct __lwq_item, __i_state) >=
    sizeof(struct wqpool_work), "an item begins with a struct wqpool_work");

static inline struct work *
lwq_work(struct __lwq_item *it)
{

	return (struct work *)(void *)it;
}

/*
 * The number of forks, in the bits of LWQ_GENMASK.  Only a forked child writes
 * it.
 */
extern uint64_t	lwq_gen;

static inline bool
lwq_isours(uint64_t state)
{

	return (state & LWQ_GENMASK) == lwq_gen;
}

/*
 * Become the owner of an item that is neither pending nor disabled.
 */
static inline bool
lwq_claim(struct __lwq_item *it)
{
	uint64_t new, s;

	s = atomic_load_relaxed(&it->__i_state);
	do {
		new = (s & (LWQ_PENDING | LWQ_DISABLEMASK)) != 0 ? s :
		    LWQ_PENDING | lwq_gen;
		/*
		 * Release, even if the item is pending already.  Before the
		 * worker runs a pending item, it clears PENDING with acquire.
		 * So this run sees what the caller did before this call.
		 */
	} while (!atomic_cas_weak_acq_rel(&it->__i_state, &s, new));
	return new != s;
}

/*
 * Enqueue an item.  The caller must own it, and gives up the ownership.
 */
static inline void
lwq_enqueue(struct lwq_queue *lq, struct __lwq_item *it)
{

	HOST_PROBE2(workqueue, workqueue_queue_work, it, lq->lq_wq);
	atomic_store_release(&it->__i_queue, lq);
	wqpool_enqueue(lq->lq_pool, lwq_work(it));
}

/*
 * Prevent the destruction of a queue.  Return false if it is destroyed already.
 */
static inline bool
lwq_queue_hold(struct lwq_queue *lq)
{

	return (*lq->lq_ops->qo_hold)(lq);
}

static inline void
lwq_queue_unhold(struct lwq_queue *lq)
{

	(*lq->lq_ops->qo_unhold)(lq);
}

/* Count a delay that begins (1) or ends (-1). */
static inline void
lwq_queue_countdelay(struct lwq_queue *lq, int n)
{

	(void)atomic_fetch_add_acq_rel(&lq->lq_ntimers, n);
}

/*
 * Return true if delays are pending.  Acquire: observe what the last timer did.
 */
static inline bool
lwq_queue_hasdelays(const struct lwq_queue *lq)
{

	return atomic_load_acquire(&lq->lq_ntimers) != 0;
}

/* linux_item.c */
bool	lwq_item_left(const struct __lwq_item *);
void	lwq_item_init(struct __lwq_item *, int);
struct lwq_queue *lwq_hold(struct __lwq_item *);
void	lwq_arm(struct __lwq_item *, struct __lwq_timer *, struct lwq_queue *,
	    unsigned long);
int	lwq_stop(struct __lwq_item *, unsigned, bool);
void	lwq_fire_barrier(void);
bool	lwq_grab(struct __lwq_item *, bool);
bool	lwq_seize(struct __lwq_item *, bool *);
bool	lwq_cancel_sync(struct __lwq_item *, bool);
bool	lwq_wait(struct __lwq_item *);
void	lwq_settle(struct __lwq_item *);
void	lwq_say_gone(const struct __lwq_item *, const char *, const char *);

#endif	/* !_COMPAT_LINUX_ITEM_H_ */
