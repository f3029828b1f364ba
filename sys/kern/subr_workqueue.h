/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The engine's structures, for subr_workqueue.c and those who build on it.
 */

#ifndef _KERN_SUBR_WORKQUEUE_H_
#define	_KERN_SUBR_WORKQUEUE_H_

#include <sys/workqueue.h>

#include "kern.h"

#define	WQ_BATCH	32		/* items taken at once */

struct fdrunner;

/*
 * A thread in workqueue_wait(): a record on its own stack.
 */
struct workqueue_waiter {
	struct workqueue_waiter *ww_next;	/* (q) */
	struct workqueue_queue *ww_queue;
	struct lwp	*ww_lwp;
	uint64_t	 ww_pos;	/* (q) waits for q_done to reach this */
	int		 ww_done;	/* (a) set by whoever takes it off */
};

/*
 * A thread that cancels a work which the worker may be about to call: a record
 * on its own stack.
 */
struct workqueue_canceller {
	struct workqueue_canceller *wc_next;	/* (q) */
	uint64_t	 wc_pos;
	bool		 wc_skipped;	/* (q) it came in time */
};

/*
 * A thread that runs a queue within a callback of another: the others.
 */
struct workqueue_outer {
	struct workqueue_outer *wo_next;
	struct workqueue_queue *wo_queue;
};

/*
 * One queue, with its worker; a workqueue has one, or one for each CPU.
 * Fields: (a) atomic, (q) q_lock, (w) written by the worker alone, (c) set
 * before the worker starts.
 *
 * q_inbox is where producers push; it is one of
 *	0		nothing there, and the worker is about
 *	runner | 1	nothing there, and that runner sleeps: wake it
 *	a work		the newest; each work's word is what it replaced
 *
 * Every work that has been enqueued has a position: the number of works that
 * will have been run when it has been.  The works of the batch have the
 * positions from q_base + 1 on, those on the list follow.
 */
struct workqueue_queue {
	uintptr_t	 q_inbox;	/* (a) on a cache line of its own */

	/* What each batch needs comes first: few lines, for they are cold. */
	uint64_t	 q_done __kern_aligned;	/* (aw) works run */
	uint64_t	 q_begun;	/* (aw) the last position looked at */
	uint64_t	 q_waitpos;	/* (aq) least position waited for */
	struct workqueue *q_wq;		/* (c) */
	kmutex_t	 q_lock;
	struct work	*q_first;	/* (aq) the ordered list */
	struct work	**q_lastp;	/* (q) */
	uint64_t	 q_base;	/* (q) works run before this batch */
	struct work	**q_batch;	/* (aq) on the runner's stack; its
					   places: see WQ_CANCELLED */
	unsigned	 q_start;	/* (q) the batch, from here */
	unsigned	 q_end;		/* (q) to before this */
	int64_t		 q_gap;		/* (w) the usual wait for work, ns */
	int64_t		 q_slept;	/* (w) when, if that is not in q_gap */
	int		 q_exit;	/* (a) the worker shall end */
	struct lwp	*q_lwp;		/* (c) the worker, or NULL */
	struct fdrunner	*q_fdrunner;	/* (c) of one without a worker */
	struct cpu_info	*q_ci;		/* (c) its CPU, or NULL */
	struct workqueue_waiter *q_waiters;	/* (q) */
	struct workqueue_canceller *q_cancellers; /* (q) */
	uint64_t	 q_seen;	/* the destroyer's */
} __kern_aligned;

struct workqueue {
	void		(*wq_func)(struct work *, void *);	/* (c) */
	void		*wq_arg;	/* (c) */
	int		 wq_flags;	/* (c) */
	bool		 wq_plain;	/* (c) one queue, no checking */
	bool		 wq_runplain;	/* (c) see workqueue_run_batch() */
	size_t		 wq_cpuspan;	/* (c) a queue for each of so many
					   bytes of cpu_infos, no checking */
	int		 wq_ipl;	/* (c) */
	int64_t		 wq_spin;	/* (a) ns that a worker spins at most */
	int		 wq_nqueues;	/* (c) */
	unsigned	 wq_forkgen;	/* (c) kern_forkgen of its process */
	pri_t		 wq_prio;	/* (c) */
	int		 wq_draining;	/* (a) calls that wait for quiet */
	int		 wq_waiting;	/* (a) calls of workqueue_wait() */
	struct workqueue *wq_next;	/* the list of all, for fork */
	struct workqueue **wq_prevp;
	char		 wq_name[MAXCOMLEN];
	struct workqueue_queue wq_queues[];	/* wq_nqueues of them */
};

#define	WQ_ASLEEP	((uintptr_t)1)	/* q_inbox holds a runner */
/*
 * In q_batch: a work with this bit is being cancelled, and whether that comes
 * in time the worker will say; the bit alone stands for one that was.
 */
#define	WQ_CANCELLED	((uintptr_t)1)

#define	WQ_GAPMAX	(INT64_MAX / 2)	/* q_gap: nothing known */
#define	WQ_NOPOS	UINT64_MAX	/* q_waitpos: nobody waits */

/*
 * An inbox: is this the end of the list that begins there?
 */
static inline bool
workqueue_end(uintptr_t w)
{

	return w == 0 || (w & WQ_ASLEEP) != 0;
}

/* subr_workqueue.c; with q_lock held. */
void	workqueue_order(struct workqueue_queue *, uintptr_t);
uintptr_t workqueue_empty_inbox(struct workqueue_queue *);

/* subr_workqueue_wait.c; with q_lock held. */
uint64_t workqueue_find(struct workqueue_queue *, const struct work *, bool *);
void	workqueue_shift(struct workqueue_queue *, uint64_t);
void	workqueue_release(struct workqueue_queue *, uint64_t);
int	workqueue_wait_until(struct workqueue *, struct work *, int64_t, bool);

/* Does the thread run the queue, or, with NULL, one of the workqueue? */
bool	workqueue_runs(const struct lwp *, const struct workqueue *,
	    const struct workqueue_queue *);

/* For a call that may sleep: is the queue alive, and of this process? */
void	workqueue_check_call(struct workqueue *, const char *);

/* subr_workqueue_wait.c: what order a wait has to the locks that are held. */
void	workqueue_check_wait(struct workqueue *, const char *, uintptr_t);

/* subr_workqueue.c, for queues without a worker. */
unsigned workqueue_take(struct workqueue_queue *, struct lwp *);
void	workqueue_run(struct workqueue_queue *, struct lwp *);
bool	workqueue_announce(struct workqueue_queue *, struct runner *,
	    struct lwp *);
int	workqueue_alloc(struct workqueue **, const char *,
	    void (*)(struct work *, void *), void *, pri_t, int, int);
void	workqueue_insert(struct workqueue *, const char *, uintptr_t);
void	workqueue_polled_last(struct workqueue *);
void	workqueue_polled_destroy(struct workqueue *);
void	workqueue_polled_fork(int);

/* Spinning: how many do, changed by those alone; let works come together. */
extern int	workqueue_spinners;	/* (a) */
void	workqueue_gather(void);

/* Wake whoever runs the queue. */
void	workqueue_poke(struct workqueue_queue *);

/* Wait until all queues are empty at one moment. */
void	workqueue_quiesce(struct workqueue *);

/* subr_workqueue_wait.c: the worker has run a work that somebody waits for. */
void	workqueue_notify(struct workqueue_queue *, uint64_t);

/* Around fork. */
void	workqueue_fork_prepare(void);
void	workqueue_fork_parent(void);
void	workqueue_fork_child(void);

#endif	/* !_KERN_SUBR_WORKQUEUE_H_ */
