/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the files of the pools share: subr_wqpool.c, where works are put,
 * taken and run, subr_wqpool_thread.c, the pools and their threads, and
 * subr_wqpool_wait.c, those who look for works, cancel them, wait for them.
 */

#ifndef _KERN_SUBR_WQPOOL_VAR_H_
#define	_KERN_SUBR_WQPOOL_VAR_H_

#include "subr_workqueue.h"
#include "subr_wqpool.h"

#define	WQPOOL_BATCH	32		/* works taken at once */

/*
 * A thread of a pool; in its own stack frame.  All under p_lock.
 */
struct wqpool_runner {
	struct wqpool_runner *wr_next;
	struct wqpool_runner *wr_idlenext;
	struct lwp	*wr_lwp;
	struct work	*wr_cur;	/* address of what it runs, or NULL */
	uint64_t	 wr_seq;	/* which run it is */
	struct work	*wr_again;	/* to run next: is wr_cur, or was */
	uint64_t	 wr_againseq;	/* as if that had begun already */
	bool		 wr_idle;	/* on p_idle */
	int64_t		 wr_gap;	/* its own: the usual sleep, ns */

	/* The batch; of each runner, written by it alone, but: */
	unsigned	 wr_begun;	/* (a) how many are */
	unsigned	 wr_end;	/* how many are its own */
	int		 wr_recalled;	/* (a) it gets no more than that */
	struct work	*wr_batch[WQPOOL_BATCH];
};

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

	return workqueue_end(atomic_load_relaxed(&p->p_inbox));
}

/*
 * The caller is no runner, or one that is inside a function: have what is on
 * the list seen by somebody.
 */
static inline void
wqpool_kick(struct wqpool *p)
{

	if (p->p_first != NULL && p->p_idle != NULL)
		lwp_unpark(p->p_idle->wr_lwp);
}

static inline bool
wqpool_isquiet(const struct wqpool *p)
{

	return p->p_first == NULL && p->p_nrunning == 0;
}

/*
 * With p_lock held: the thread that was started or woken is there, or never
 * will be.
 */
static inline void
wqpool_arrived(struct wqpool *p)
{

	p->p_nstarting--;
	p->p_refused = false;
}

/*
 * With p_lock held: is a thread wanted?  If so it is counted, and the caller
 * starts it after letting go of the lock.
 */
static inline bool
wqpool_want(struct wqpool *p, bool spare)
{

	if (p->p_idle != NULL || p->p_nthreads >= p->p_maxthreads ||
	    p->p_exit || (p->p_flags & WQPOOL_CALLER) != 0 ||
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
 * subr_wqpool.c; with p_lock held.
 */
void	wqpool_order(struct wqpool *);
void	wqpool_run(struct wqpool *, struct wqpool_runner *,
	    const struct wqpool_waiter *);
bool	wqpool_sleep(struct wqpool *, struct wqpool_runner *);
void	wqpool_check_end(struct wqpool *);

/*
 * subr_wqpool_thread.c; without p_lock.
 */
int	wqpool_start(struct wqpool *);

/*
 * subr_wqpool_wait.c; with p_lock held.
 */
void	wqpool_check_waiters(struct wqpool *);
void	wqpool_number(struct wqpool *, const struct work *, uint64_t);
void	wqpool_check_quiet(struct wqpool *);
void	wqpool_marks(struct wqpool *);

#endif	/* !_KERN_SUBR_WQPOOL_VAR_H_ */
