/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Declarations for the files of the pools.  The caller of a function that
 * changes a pool holds p_lock, unless the comment of the function says
 * otherwise.
 *
 *	subr_wqpool.c		enqueue, take and run items
 *	subr_wqpool_waiter.c	wake the threads that wait
 *	subr_wqpool_thread.c	start threads on demand, and end them
 *	subr_wqpool_wait.c	find, cancel and wait for items
 *	subr_wqpool_create.c	create and destroy pools
 *	subr_wqpool_lib.c	other services for the libraries on top
 */

#ifndef _KERN_SUBR_WQPOOL_VAR_H_
#define	_KERN_SUBR_WQPOOL_VAR_H_

#include "kern.h"
#include "kern_boot.h"
#include "kern_lwp.h"
#include "subr_wqpool.h"

#define	WQPOOL_BATCH	32		/* items taken at once */

/*
 * The state of a thread of a pool.  Before the thread has a state, p_nstarting
 * counts it, except while it runs the start hook.  From the time when it leaves
 * p_runners until it has ended, p_nleaving counts it.
 */
enum wqpool_doing {
	WQPOOL_LOOKS,		/* looks for an item */
	WQPOOL_RUNS,		/* runs a callback; wr_cur is the item */
	WQPOOL_BATCHES,		/* runs a batch; it is p_batcher */
	WQPOOL_IDLES		/* sleeps, or is about to; it is on p_idle */
};

/*
 * A thread of a pool.  The record is in the thread's stack frame.  p_lock
 * guards all fields, except as noted.
 */
struct wqpool_runner {
	struct wqpool_runner *wr_next;
	struct wqpool_runner *wr_idlenext;
	struct lwp	*wr_lwp;
	struct work	*wr_cur;	/* address of its item, or NULL */
	uint64_t	 wr_seq;	/* number of that run */
	struct work	*wr_again;	/* item to run again next, or NULL */
	uint64_t	 wr_againseq;	/* number of that run, which counts
					   as begun already */
	enum wqpool_doing wr_doing;
	int64_t		 wr_gap;	/* (own thread) usual sleep, ns */

	/*
	 * The batch.  The runner uses it without p_lock.  A thread that recalls
	 * the batch stores to wr_end and wr_recalled.
	 */
	unsigned	 wr_begun;	/* (a) items begun */
	unsigned	 wr_end;	/* items that are left to it */
	int		 wr_recalled;	/* (a) the batch was recalled */
	struct work	*wr_batch[WQPOOL_BATCH];
};

/*
 * Change the state of a thread.
 */
static inline void
wqpool_do(struct wqpool_runner *wr, enum wqpool_doing from,
    enum wqpool_doing to)
{

	KASSERTMSG(wr->wr_doing == from, "pool thread in state %d, not %d",
	    wr->wr_doing, from);
	wr->wr_doing = to;
}

static inline void
wqpool_check_fork(const struct wqpool *p)
{

	if (__predict_false(p->p_forkgen != kern_forkgen))
		panic("pool \"%s\" belongs to the parent of this process",
		    p->p_name);
}

static inline bool
wqpool_inbox_empty(struct wqpool *p)
{

	return wqinbox_isempty(&p->p_inbox);
}

/*
 * The ordered list, which p_lock guards.  A thread holds p_lock when it stores
 * p in pk_pool of an item, or replaces p there.  So the holder of p_lock knows
 * whether an item is on the list of p.  If the item is not on this list, other
 * threads may change pk_pool meanwhile, but not to p.
 */
static inline struct wqpool_work *
wqpool_work(struct work *wk)
{

	return (struct wqpool_work *)(void *)wk;
}

static inline bool
wqpool_listed(const struct wqpool *p, const struct work *wk)
{
	const struct wqpool_work *pk;

	pk = (const struct wqpool_work *)(const void *)wk;
	return atomic_load_relaxed(&pk->pk_pool) == p;
}

/*
 * Insert an item at wkp, before the item to which *wkp points.
 */
static inline void
wqpool_link(struct wqpool *p, struct work **wkp, struct work *wk)
{
	struct work *next;

	next = *wkp;
	wk->wk_dummy = next;
	if (next != NULL)
		wqpool_work(next)->pk_prevp = (struct work **)&wk->wk_dummy;
	else
		p->p_lastp = (struct work **)&wk->wk_dummy;
	*wkp = wk;
	wqpool_work(wk)->pk_prevp = wkp;
	atomic_store_relaxed(&wqpool_work(wk)->pk_pool, p);
}

static inline void
wqpool_unlink(struct wqpool *p, struct work *wk)
{
	struct work *next, **wkp;

	wkp = wqpool_work(wk)->pk_prevp;
	KASSERT(*wkp == wk);
	next = wk->wk_dummy;
	*wkp = next;
	if (next != NULL)
		wqpool_work(next)->pk_prevp = wkp;
	else
		p->p_lastp = wkp;
	atomic_store_relaxed(&wqpool_work(wk)->pk_pool, NULL);
}

/*
 * If there are items on the list, wake an idle thread, or the lender if the
 * pool has no thread.  The caller does not take the items, because it is no
 * runner, or is inside a callback.
 */
static inline void
wqpool_kick(struct wqpool *p)
{

	if (p->p_first == NULL)
		return;
	if (p->p_idle != NULL)
		lwp_unpark(p->p_idle->wr_lwp);
	else if (p->p_cold != NULL && p->p_nthreads == p->p_nvisitors)
		(*p->p_cold->r_wakeup)(p->p_cold);
}

static inline bool
wqpool_isquiet(const struct wqpool *p)
{

	return p->p_first == NULL && p->p_nrunning == 0;
}

/*
 * Remove a thread from p_nstarting: it has arrived, or could not be started.
 */
static inline void
wqpool_arrived(struct wqpool *p)
{

	KASSERT(p->p_nstarting > 0);
	p->p_nstarting--;
	p->p_refused = false;
}

/*
 * Return true if the pool needs another thread, and count it.  The caller must
 * then release p_lock and start the thread.
 */
static inline bool
wqpool_want(struct wqpool *p, bool spare)
{

	if (p->p_idle != NULL || p->p_nthreads >= p->p_maxthreads ||
	    p->p_state == WQPOOL_ENDS ||
	    (p->p_flags & WQPOOL_CALLER) != 0 ||
	    (!spare && p->p_first == NULL && wqpool_inbox_empty(p)))
		return false;
	if (p->p_nstarting != 0) {
		p->p_refused = true;
		return false;
	}
	p->p_nstarting++;
	p->p_nthreads++;
	return true;
}

/*
 * subr_wqpool.c
 */
void	wqpool_order(struct wqpool *);
void	wqpool_cool(struct wqpool *);
void	wqpool_run_one(struct wqpool *, struct wqpool_runner *);
void	wqpool_run(struct wqpool *, struct wqpool_runner *,
	    const struct wqpool_waiter *);
bool	wqpool_sleep(struct wqpool *, struct wqpool_runner *);
void	wqpool_maybe_end(struct wqpool *);

/*
 * subr_wqpool_thread.c.  Call wqpool_start() without p_lock.
 */
int	wqpool_start(struct wqpool *);
extern const struct wqlend_ops wqpool_cold_ops;
void	wqpool_report_retired(struct wqpool *);

/*
 * subr_wqpool_waiter.c
 */
bool	wqpool_passed(struct wqpool *, const struct wqpool_waiter *);
void	wqpool_wake_passed(struct wqpool *);
void	wqpool_number(struct wqpool *, const struct work *, uint64_t);
void	wqpool_wake_quiet(struct wqpool *);
void	wqpool_marks(struct wqpool *);

#endif	/* !_KERN_SUBR_WQPOOL_VAR_H_ */
