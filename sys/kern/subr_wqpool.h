/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A pool: one queue of works with several threads to run them, started on
 * demand.  What threadpool(9) and the other faces are built on.
 *
 * wqpool_enqueue() is as workqueue_enqueue(): any number of producers, any
 * context, lock-free.  All else is for thread and callback context.
 */

#ifndef _KERN_SUBR_WQPOOL_H_
#define	_KERN_SUBR_WQPOOL_H_

#include <sys/callout.h>
#include <sys/workqueue.h>

#include "kern.h"

struct wqpool_runner;
struct wqpool_waiter;

/*
 * Fields: (a) atomic, (p) p_lock, (c) set by wqpool_create().
 */
struct wqpool {
	uintptr_t	 p_inbox;	/* (a) as workqueue_queue's q_inbox */

	kmutex_t	 p_lock __kern_aligned;
	struct work	*p_first;	/* (p) the ordered list */
	struct work	**p_lastp;	/* (p) */
	struct wqpool_runner *p_runners; /* (p) all that run or sleep */
	struct wqpool_runner *p_idle;	/* (p) those that sleep, latest first */
	struct wqpool_runner *p_announced; /* (p) the one in p_inbox, or NULL */
	struct wqpool_runner *p_batcher; /* (p) has taken a batch, or NULL */
	struct wqpool_waiter *p_waiters; /* (p) */
	struct lwp	*p_dead;	/* (p) ended, to be joined */
	struct lwp	*p_destroyer;	/* (p) waits for the threads' end */
	int		 p_nthreads;	/* (p) p_runners, and being started */
	int		 p_nleaving;	/* (p) off p_runners, not yet ended */
	int		 p_nrunning;	/* (p) in a function */
	int		 p_nstarting;	/* (p) on their way */
	bool		 p_refused;	/* (p) another was wanted meanwhile */
	bool		 p_short;	/* (p) one was refused; none is idle */
	bool		 p_exit;	/* (p) all shall end */
	uint64_t	 p_seq;		/* (p) works begun */
	uint64_t	 p_ndone;	/* (p) works run */
	int		 p_nwaiting;	/* (a) calls that wait */
	unsigned	 p_forkgen;	/* (c) kern_forkgen of its process */
	int		 p_maxthreads;	/* (p) */
	int		 p_flags;	/* (c) */
	int64_t		 p_idletime;	/* (c) ns until an idle one ends */
	pri_t		 p_prio;	/* (c) */
	struct cpu_info	*p_ci;		/* (c) or NULL */
	void		(*p_func)(struct work *, void *);	/* (c) */
	void		*p_arg;		/* (c) */
	void		(*p_start)(void *);	/* (c) in a new thread */
	void		(*p_stop)(void *);	/* (c) as one ends, or NULL */
	void		(*p_retired)(void *);	/* (p) when all have, or NULL */
	char		 p_name[32];	/* (c) of the threads */
	bool		 p_canretry;	/* (p) p_retry is made */
	callout_t	 p_retry;	/* (p) while p_short: try again */
};

#define	WQPOOL_BIGLOCK	0x01	/* hold the kernel lock around functions */
#define	WQPOOL_SPARE	0x02	/* keep an idle thread while all others run */
#define	WQPOOL_EXCLUSIVE 0x04	/* no work on two threads at once */
#define	WQPOOL_NOSTART	0x08	/* start with no thread; wqpool_grow() does */
#define	WQPOOL_NESTED	0x10	/* a flush by its only thread runs the works */
#define	WQPOOL_CALLER	0x20	/* threads of its own: none; wqpool_main() */

/*
 * Somebody who waits; in its own stack frame.  All under p_lock but
 * pw_done.  Who waits for a work, or flushes, waits for the runs up to
 * pw_seq, which is known when the work is begun, or when the works before
 * pw_mark, which is on the ordered list, have been.
 */
struct wqpool_waiter {
	struct wqpool_waiter *pw_next;
	struct lwp	*pw_lwp;
	const struct work *pw_work;	/* NULL: all of them */
	struct wqpool_runner *pw_self;	/* the caller's, is not waited for */
	struct work	 pw_mark;
	bool		 pw_known;	/* pw_seq is */
	bool		 pw_quiet;	/* waits for the pool to be quiet */
	uint64_t	 pw_seq;
	bool		 pw_deep;	/* flush: not waited for; too deep */
	int		 pw_done;	/* (a) */
};

struct wqpool_attr {
	const char	*pa_name;
	void		(*pa_func)(struct work *, void *);
	void		*pa_arg;
	void		(*pa_start)(void *);
	void		(*pa_stop)(void *);
	struct cpu_info	*pa_ci;
	pri_t		 pa_prio;
	int		 pa_maxthreads;
	int		 pa_flags;
	int64_t		 pa_idletime;	/* ns; 0: for ever */
};

/* 0 or an errno value: not even one thread could be had. */
int	wqpool_create(struct wqpool **, const struct wqpool_attr *);

/* The same in memory of the caller's, without a thread; and unmake that. */
void	wqpool_init(struct wqpool *, const struct wqpool_attr *);
void	wqpool_fini(struct wqpool *);

/*
 * Is this what was initialised so, with that function and argument, and are
 * works pending?  It may be memory of any content: no pointer is followed.
 */
bool	wqpool_left(struct wqpool *,
	    void (*)(struct work *, void *), const void *);

/*
 * Be a thread of a WQPOOL_CALLER pool until wqpool_finish(): all that is
 * pending is run first.  That can be said only while one is.
 */
void	wqpool_main(struct wqpool *);
void	wqpool_finish(struct wqpool *);

/* Lock-free, from any context. */
void	wqpool_enqueue(struct wqpool *, struct work *);

/*
 * Start a thread if there is work, nobody idle, and room.  For pools without
 * WQPOOL_SPARE, after an enqueue, from a thread.  0, or why a thread that is
 * wanted could not be had; the work then waits for one that runs, for the next
 * call, or for a callout that tries again.
 */
int	wqpool_grow(struct wqpool *);

/* At least 1.  Threads above it end as they return from their function. */
void	wqpool_setmax(struct wqpool *, int);

/* True if it was pending and now will not run. */
bool	wqpool_cancel(struct wqpool *, struct work *);

/*
 * Wait for all runs of a work that are under way or were enqueued before,
 * but not for the caller's own.  True if there was one to wait for.  A work
 * of a WQPOOL_EXCLUSIVE pool that waits for itself gets false, even if it is
 * pending again: that run can only follow its own.
 */
bool	wqpool_wait(struct wqpool *, const struct work *);

/* Wait for all that was enqueued before, but not for the caller's own. */
void	wqpool_flush(struct wqpool *);

/*
 * The same in two steps, for several pools: what is there as it begins, and,
 * if that is true, wait.  In a WQPOOL_NESTED pool of whose threads none is
 * left the caller runs it; if it is too deep in such runs already, there is
 * nothing to wait for, and pw_deep is true.
 */
bool	wqpool_flush_begin(struct wqpool *, struct wqpool_waiter *);
void	wqpool_flush_end(struct wqpool *, struct wqpool_waiter *);

/* Is it pending, is it running? */
void	wqpool_busy(struct wqpool *, const struct work *, bool *, bool *);

/*
 * Nothing pending and nothing running; *donep counts the works run, to tell
 * whether two looks have seen the same.
 */
bool	wqpool_quiet(struct wqpool *, uint64_t *);

/* Wait until it is quiet at some moment.  Not from one of its functions. */
void	wqpool_drain(struct wqpool *);

/*
 * Drain, end the threads, free.  Not from one of its threads.  In a forked
 * child, where there are none, only free.
 */
void	wqpool_destroy(struct wqpool *);

/*
 * Nothing more will be enqueued but by the pool's own functions: let the
 * threads end once there is nothing to do, and do not wait for it.  The last
 * of them, or the caller if there is none, calls func with pa_arg, which must
 * not sleep; from then on wqpool_destroy() waits for no more than the end of
 * that thread.
 */
void	wqpool_retire(struct wqpool *, void (*)(void *));

/*
 * Works are small and come fast: pause for about a microsecond, so that some
 * come together, if that makes sense on this machine.
 */
void	wqpool_gather(void);

/*
 * Sleep for about so many nanoseconds, or less.
 */
void	wqpool_nap(int64_t);

/*
 * Is there an asymmetric fence?  Its heavy side; see host.h.
 */
bool	wqpool_asymfence(void);
void	wqpool_fence(void);

/*
 * Checking mode for other kinds of work: is it on?  A work becomes known as
 * pending: NULL, or where it is pending already.  It is so no more.
 */
bool	wqpool_checking(void);
const void *wqpool_checkin(const struct work *, const void *);
void	wqpool_checkout(const struct work *);

/*
 * What another library on top of pools does in a forked child, after the
 * engine has done its part; given once, as that library is loaded.
 */
struct wqpool_face {
	struct wqpool_face *wf_next;
	void		(*wf_fork)(void);
};
void	wqpool_atfork(struct wqpool_face *);

/* Was it made by this process, not by one that has forked it? */
bool	wqpool_isours(const struct wqpool *);

/* The pool whose thread the caller is, and what it runs there, or NULL. */
struct wqpool *wqpool_current(struct work **);

#endif	/* !_KERN_SUBR_WQPOOL_H_ */
