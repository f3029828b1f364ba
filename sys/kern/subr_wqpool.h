/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A pool: one queue of items, and several threads, started on demand, that run
 * them.  threadpool(9) and the Linux interfaces are built on pools.
 *
 * Like workqueue_enqueue(), wqpool_enqueue() is lock-free, and any number of
 * producers may call it in any context.  Call the other functions that use a
 * pool in thread and callback context only.
 */

#ifndef _KERN_SUBR_WQPOOL_H_
#define	_KERN_SUBR_WQPOOL_H_

#include <sys/callout.h>
#include <sys/workqueue.h>

#include "kern.h"
#include "kern_lwp.h"
#include "subr_wqinbox.h"

struct wqpool_kind;
struct wqpool_runner;
struct wqpool_waiter;
struct wqstat_slot;

/*
 * An item of a pool.  The ordered list is linked both ways, so that it takes
 * constant time to find an item there and to remove it.  The client zeroes an
 * item before it first enqueues it.
 */
struct wqpool_work {
	struct work	 pk_work;	/* first */
	struct work	**pk_prevp;	/* (p) the link to this item */
	struct wqpool	*pk_pool;	/* (ap) the pool whose list it is on */
};

/*
 * The states of a pool.  Only a WQPOOL_CALLER pool can return to
 * WQPOOL_SERVES.
 */
enum wqpool_state {
	WQPOOL_SERVES,		/* its threads stay */
	WQPOOL_RETIRES,		/* its threads end when no item is left */
	WQPOOL_ENDS		/* each ends when it finds no item */
};

/*
 * Fields: (a) atomic, (p) p_lock, (c) set by wqpool_create().
 */
struct wqpool {
	struct wqinbox	 p_inbox;	/* on a cache line of its own */

	kmutex_t	 p_lock __kern_aligned;
	struct work	*p_first;	/* (p) the ordered list */
	struct work	**p_lastp;	/* (p) */
	struct wqpool_runner *p_runners; /* (p) all its threads */
	struct wqpool_runner *p_idle;	/* (p) its sleepers, latest first */
	const struct runner *p_announced; /* (p) in p_inbox; or NULL */
	struct runner	*p_cold;	/* (c) announced while there is no
					   thread; or NULL */
	struct wqpool_runner *p_batcher; /* (p) has a batch; or NULL */
	struct wqpool_waiter *p_waiters; /* (p) */
	struct lwp	*p_dead;	/* (p) a thread to join, or NULL */
	struct lwp	*p_destroyer;	/* (p) waits until all threads end */
	int		 p_nthreads;	/* (p) on p_runners, or starting */
	int		 p_nvisitors;	/* (p) of these, visitors: see
					   wqpool_visit() */
	int		 p_nleaving;	/* (p) off p_runners, not ended */
	int		 p_nrunning;	/* (p) in a callback */
	int		 p_nstarting;	/* (p) started or woken, not here yet */
	bool		 p_refused;	/* (p) a thread was wanted while
					   p_nstarting was not 0 */
	bool		 p_short;	/* (p) the system refused a thread,
					   and none is idle */
	enum wqpool_state p_state;	/* (p) */
	uint64_t	 p_seq;		/* (p) items begun */
	uint64_t	 p_ndone;	/* (p) items run */
	int		 p_nwaiting;	/* (a) calls that are waiting */
	unsigned	 p_forkgen;	/* (c) kern_forkgen at creation */
	int		 p_maxthreads;	/* (p) */
	int		 p_flags;	/* (c) */
	int64_t		 p_idletime;	/* (c) ns until an idle thread ends */
	pri_t		 p_prio;	/* (c) */
	struct cpu_info	*p_ci;		/* (c) or NULL */
	void		(*p_func)(struct work *, void *);	/* (c) */
	void		*p_arg;		/* (c) */
	bool		(*p_start)(void *);	/* (c) a new thread calls it;
						   false: end the thread */
	void		(*p_stop)(void *);	/* (c) at thread end; or NULL */
	void		(*p_lacks)(void *);	/* (c) see wqpool_create() */
	void		(*p_retired)(void *);	/* (p) a retired pool's last
						   thread calls it */
	char		 p_name[32];	/* (c) name of its threads */
	const struct wqpool_kind *p_kind; /* (c) or NULL */
	struct wqstat_slot *p_statslot;	/* (c) in the list of queues */
	bool		 p_canretry;	/* (p) p_retry is initialised */
	callout_t	 p_retry;	/* (p) starts a thread, if p_short */
};

#define	WQPOOL_SPARE	0x02	/* keep an idle thread while all others run */
#define	WQPOOL_EXCLUSIVE 0x04	/* no item on two threads at once */
#define	WQPOOL_NESTED	0x10	/* a flush in a callback may run items */
#define	WQPOOL_CALLER	0x20	/* its threads are in wqpool_main() */
#define	WQPOOL_SHARED	0x40	/* its threads serve the whole process */
#define	WQPOOL_DELAYS	0x80	/* callouts may enqueue its items */
#define	WQPOOL_READY	0x100	/* its first thread starts at creation */

/*
 * A waiter, in the waiting thread's stack frame.  p_lock guards all fields
 * except pw_done.
 *
 * wqpool_wait() and flushes wait for the runs up to pw_seq.  If the item of
 * wqpool_wait() is pending, pw_seq becomes known when the item begins to run or
 * is cancelled.  If a flush finds pending items, it appends pw_mark to the
 * ordered list.  Its pw_seq becomes known when all items before pw_mark have
 * begun.
 */
struct wqpool_waiter {
	struct wqpool_waiter *pw_next;
	struct lwp	*pw_lwp;
	const struct work *pw_work;	/* NULL: all items */
	struct wqpool_runner *pw_self;	/* caller's runner; not waited for */
	struct wqpool_work pw_mark;
	bool		 pw_known;	/* pw_seq is known */
	bool		 pw_quiet;	/* waits for the pool to be quiet */
	uint64_t	 pw_seq;
	bool		 pw_deep;	/* the flush is nested too deep */
	int		 pw_done;	/* (a) */
};

struct wqpool_attr {
	const char	*pa_name;
	const struct wqpool_kind *pa_kind; /* see subr_wqstat.h; NULL: pa_func
					      is the client's function */
	void		(*pa_func)(struct work *, void *);
	void		*pa_arg;
	bool		(*pa_start)(void *);
	void		(*pa_stop)(void *);
	void		(*pa_lacks)(void *);
	struct cpu_info	*pa_ci;
	pri_t		 pa_prio;
	int		 pa_maxthreads;
	int		 pa_flags;
	int64_t		 pa_idletime;	/* ns; 0: forever */
};

/*
 * Create a pool.  Return 0 or an errno value.  The call fails if there is no
 * memory, or if the system refuses one of these threads:
 *
 *	WQPOOL_DELAYS	the callout thread
 *	WQPOOL_READY	the first thread of the pool
 *	WQPOOL_SPARE	without WQPOOL_READY: the lender, or the rescuer
 *
 * With WQPOOL_READY the pool has a thread from the start.  Otherwise the first
 * thread starts after the first item comes: with WQPOOL_SPARE the lender starts
 * it, and without WQPOOL_SPARE wqpool_grow() does.
 *
 * Without WQPOOL_SPARE, the pool may have items but no thread, because the
 * system has refused a thread.  The pool then calls pa_lacks with pa_arg,
 * unless pa_lacks is NULL.  pa_lacks must not sleep.  After that call, any
 * thread may call wqpool_help().
 */
int	wqpool_create(struct wqpool **, const struct wqpool_attr *);

/*
 * Initialise a pool without threads, in memory of the caller.  The pool must be
 * drained before this memory is freed.  wqpool_fini() drains it.
 */
void	wqpool_init(struct wqpool *, const struct wqpool_attr *);
void	wqpool_fini(struct wqpool *);

/*
 * Return true if the memory has a pool with pending items that this process has
 * initialised with the given pa_func and pa_arg.  The memory may have any
 * content, because wqpool_left() follows no pointer.
 */
bool	wqpool_left(struct wqpool *,
	    void (*)(struct work *, void *), const void *);

/*
 * Start the callout thread, unless it is started.  Call this before arming a
 * callout that must not fail.  Return 0 or an errno value.
 */
int	wqpool_delays(void);

/*
 * Make the caller a thread of a WQPOOL_CALLER pool, until wqpool_finish() is
 * called and no item is pending.  wqpool_finish() requires that a thread is in
 * wqpool_main().
 */
void	wqpool_main(struct wqpool *);
void	wqpool_finish(struct wqpool *);

/*
 * If the pool has items and no thread, run one item in the calling thread, and
 * return true.  The hooks for threads are not called.
 */
bool	wqpool_help(struct wqpool *);

/* Enqueue the pk_work of an item.  Lock-free.  Any context. */
void	wqpool_enqueue(struct wqpool *, struct work *);

/*
 * Start a thread if items are pending, no thread is idle, and the maximum is
 * not reached.  In a pool without WQPOOL_SPARE, a thread calls this after it
 * has enqueued an item.  Return 0, or an errno value if the system refuses the
 * thread.  The items then wait until a busy thread is free, or until the next
 * call or a callout starts a thread.
 */
int	wqpool_grow(struct wqpool *);

/*
 * Set the maximum of threads, at least 1.  Surplus threads end when their
 * callbacks return.
 */
void	wqpool_setmax(struct wqpool *, int);

/* Remove a pending item.  Return false if it was not pending. */
bool	wqpool_cancel(struct wqpool *, struct work *);

/*
 * Wait until an item that is pending or running has run.  Do not wait for a run
 * that the caller is part of.  Return true if there was a run to wait for.
 *
 * If a callback of a WQPOOL_EXCLUSIVE pool waits for its own item, return
 * false, even if the item is pending again.  That run can begin only after the
 * callback has returned.
 */
bool	wqpool_wait(struct wqpool *, const struct work *);

/*
 * Wait until all items that were enqueued before have run.  Do not wait for a
 * run that the caller is part of.
 */
void	wqpool_flush(struct wqpool *);

/*
 * Flush in two steps, for a caller that flushes several pools.
 * wqpool_flush_begin() records which items are pending or running.  If there
 * are none, it returns false, and the caller must not call wqpool_flush_end().
 * wqpool_flush_end() waits for them.
 *
 * If a callback of a WQPOOL_NESTED pool flushes, and no other thread of the
 * pool can run the pending items, wqpool_flush_end() runs them.  If too many
 * such runs are nested already, wqpool_flush_begin() sets pw_deep and returns
 * false.
 */
bool	wqpool_flush_begin(struct wqpool *, struct wqpool_waiter *);
void	wqpool_flush_end(struct wqpool *, struct wqpool_waiter *);

/* Store whether the item is pending, and whether it is running. */
void	wqpool_busy(struct wqpool *, const struct work *, bool *, bool *);

/*
 * Return true if no item is pending or running.  Store in *donep how many items
 * have run.  If two calls store the same number, no item has run between them.
 */
bool	wqpool_quiet(struct wqpool *, uint64_t *);

/*
 * Wait for a moment at which the pool is quiet.  A callback of the pool must
 * not call this.
 */
void	wqpool_drain(struct wqpool *);

/*
 * Drain the pool, end its threads, and free it.  A thread of the pool must not
 * call this.  In a forked child a pool of the parent has no threads, and is
 * only freed.
 */
void	wqpool_destroy(struct wqpool *);

/*
 * Make the threads end once no item is left, and do not wait for this.  From
 * now on, only callbacks of the pool may enqueue items.  The last thread calls
 * the function with pa_arg; if there is no thread, the caller does.  The
 * function must not sleep.  After that call, wqpool_destroy() waits only until
 * that thread has ended.
 */
void	wqpool_retire(struct wqpool *, void (*)(void *));

/*
 * Pause for about a microsecond, if that pays on this machine, so that several
 * items come together.  This is for small items in a fast stream.
 */
void	wqpool_gather(void);

/*
 * Return 0 if the process could open n descriptors: see host_descriptors().
 */
int	wqpool_descriptors(int);

/*
 * Sleep for about n nanoseconds, or less.
 */
void	wqpool_nap(int64_t);

/*
 * Arm a callout, like callout_schedule(), but for a time in nanoseconds.  The
 * callout never fires early, however long the time is.
 */
void	wqpool_delay(callout_t *, int64_t);

/*
 * wqpool_asymfence() returns true if there is an asymmetric fence.
 * wqpool_fence() is its heavy side; see host.h.
 */
bool	wqpool_asymfence(void);
void	wqpool_fence(void);

/*
 * Checking mode for other kinds of item.  If checking mode is on,
 * wqpool_checking() returns true.  wqpool_checkin() records that an item
 * becomes pending.  It returns NULL, or the place where the item is pending
 * already.  wqpool_checkout() records that the item is no longer pending.
 */
bool	wqpool_checking(void);
const void *wqpool_checkin(const struct work *, const void *);
void	wqpool_checkout(const struct work *);

/*
 * The trace, for other kinds of item, too: see subr_wqtrace.h.  If there is a
 * trace, wqpool_checking() returns true.  If there is none, these functions do
 * nothing.
 */
void	wqpool_trace_enqueue(const struct work *, const char *);
void	wqpool_trace_begin(const struct work *, const char *, uintptr_t);
void	wqpool_trace_end(void);

/*
 * Describe the library's memory ordering to a tool that watches the client: see
 * host_happens_before().  If there is such a tool, wqpool_checking() returns
 * true, too.  wqpool_checkin() and wqpool_checkout() describe the ordering of
 * an item.
 */
bool	wqpool_written(const void *, size_t);	/* see host_written() */
extern bool wqpool_watched;	/* is there a tool?  Set at load time */
void	wqpool_tell_before(const void *);
void	wqpool_tell_after(const void *);

static inline void
wqpool_before(const void *p)
{

	if (__predict_false(wqpool_watched))
		wqpool_tell_before(p);
}

static inline void
wqpool_after(const void *p)
{

	if (__predict_false(wqpool_watched))
		wqpool_tell_after(p);
}

/*
 * A library on top of pools.  It calls wqpool_atfork() once, when it is loaded.
 * In a forked child, libworkqueue calls wl_fork after its own fork handlers.
 */
struct wqpool_lib {
	struct wqpool_lib *wl_next;
	void		(*wl_fork)(void);
};
void	wqpool_atfork(struct wqpool_lib *);

/*
 * Return the value of an environment variable, or NULL if it is not set or must
 * not be trusted.
 */
const char *wqpool_getenv(const char *);

/*
 * If this process was forked and the library's fork handler has not run,
 * wqpool_fork_catchup() does the work of the handler.  wqpool_isours() returns
 * true if this process, and not its parent, has created the pool.
 * wqpool_einval() returns EINVAL; in checking mode it prints the reason.  After
 * wqpool_keep(), checking mode does not report the object at exit.
 */
void	wqpool_fork_catchup(void);
int	wqpool_einval(const char *, const char *);
void	wqpool_keep(const void *);
bool	wqpool_isours(const struct wqpool *);

/* Return the caller's pool and store its item, or return NULL. */
struct wqpool *wqpool_current(struct work **);

#endif	/* !_KERN_SUBR_WQPOOL_H_ */
