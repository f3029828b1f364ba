/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Queues that have a thread only while they are in use.
 *
 *	subr_wqlend.c	the pools of threads, and the records of idle queues
 *	subr_wqlender.c	starts the threads, sends them home, and runs queues
 *			if there is no thread
 */

#ifndef _KERN_SUBR_WQLEND_H_
#define	_KERN_SUBR_WQLEND_H_

#include "kern.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "subr_wqinbox.h"

struct workqueue;
struct workqueue_queue;
struct wqlend_pool;

/*
 * A link of a record in the inbox and on the list of its pool.
 */
struct wqlend_link {
	struct work	 wl_work;
	int		 wl_state;	/* (a) WQLEND_* bits, and a count
					   above them */
	int		 wl_index;	/* (c) in we_links */
};

#define	WQLEND_CLAIMED	1		/* in lp_inbox or on the list, or about
					   to be */
#define	WQLEND_PUSHED	2		/* the producer has woken a thread */
#define	WQLEND_COUNT	4		/* added when the link is taken */
#define	WQLEND_LINKS	2

/*
 * The record of a queue.  The inbox of the queue holds the record while no
 * thread runs the queue.  The memory of a record is type-stable, and belongs to
 * one pool forever.
 *
 * Fields, here and below: (a) atomic, (p) lp_lock, (c) constant.
 */
struct wqlend {
	struct runner	 we_runner;
	struct wqlend_link we_links[WQLEND_LINKS];
	struct wqlend_pool *we_pool;	/* (c) */
	union {
		struct workqueue_queue *we_queue; /* (p) NULL: free record */
		void	*we_client;	/* (p) instead, if lp_ops is set */
	};
	union {
		struct specificdata *we_specific; /* (p) lwp_specific(9) of
						     the idle queue */
		struct wqlend *we_next;	/* (p) next free one */
	};
};

/*
 * Records that were allocated together.
 */
#define	WQLEND_SLAB	32

struct wqlend_slab {
	struct wqlend_slab *ws_next;	/* (c) */
	struct wqlend	 ws_records[WQLEND_SLAB];
};

/*
 * The record of a thread of a pool.  It is in the thread's stack frame.  A look
 * is a call of wqlend_look().
 */
struct wqlend_thread {
	struct wqlend_thread *lt_next;	/* (p) */
	struct wqlend_thread *lt_idlenext; /* (p) */
	struct lwp	*lt_lwp;
	struct workqueue_queue *lt_queue; /* (p) queue it runs, or NULL */
	bool		 lt_idle;	/* (p) it is on lp_idle */
	bool		 lt_ends;	/* (p) */
	bool		 lt_slept;	/* (p) it slept at the last look ... */
	uint64_t	 lt_done;	/* (p) ... with this q_done */
	unsigned	 lt_looks;	/* (p) looks that found it idle */
};

/*
 * The functions of a client that has a record and is not a queue.  Such a
 * client has threads of its own, and announces the record while it has none.
 * wo_wants() returns true if the client needs a thread, and counts this thread.
 * The caller of wo_wants() holds lp_lock, and then calls wo_start() or
 * wo_rescue().  The client must not go away before that.
 */
struct wqlend_ops {
	bool	(*wo_wants)(void *);
	/*
	 * Start the thread.  If the system refuses it, push the record again,
	 * and return an errno value.
	 */
	int	(*wo_start)(void *);
	/* Do a part of the thread's work in the calling thread. */
	void	(*wo_rescue)(void *, struct lwp *);
};

/*
 * The threads of one priority, and of one CPU or of none.  A pool is never
 * freed.
 */
struct wqlend_pool {
	struct wqinbox	 lp_inbox;	/* of records */
	int		 lp_lost;	/* (a) a record may be on no list */

	kmutex_t	 lp_lock __kern_aligned; /* before q_lock */
	struct work	*lp_first;	/* (p) records, oldest first */
	struct work	**lp_lastp;	/* (p) */
	struct wqlend_thread *lp_threads; /* (p) */
	struct wqlend_thread *lp_idle;	/* (p) latest first */
	const struct runner *lp_announced; /* (p) in lp_inbox */
	struct wqlend_slab *lp_slabs;	/* (p) all records */
	struct wqlend	*lp_free;	/* (p) */
	int		 lp_nthreads;	/* (p) on lp_threads, or starting */
	int		 lp_nstarting;	/* (p) */
	unsigned	 lp_served;	/* (p) records taken off the list */
	unsigned	 lp_expected;	/* (p) lp_served at the last check; 1
					   more after a thread's start */
	bool		 lp_wanted;	/* (p) a caller waits for lp_inforce */
	unsigned	 lp_shortserved; /* (p) lp_served at a refusal */
	bool		 lp_short;	/* (p) the last thread was refused, and
					   records have waited since */
	int64_t		 lp_since;	/* (p) time of the first refusal */
	int64_t		 lp_retry;	/* (p) time of the next attempt */
	int		 lp_rescue;	/* (a) the rescuer serves it */
	int		 lp_inforce;	/* (a) priority in force, or unknown */
	unsigned	 lp_forkgen;	/* (c) kern_forkgen of its process */
	pri_t		 lp_pri;	/* (c) */
	struct cpu_info	*lp_ci;		/* (c) */
	const struct wqlend_ops *lp_ops; /* (c) of the clients; NULL: the
					   pool has threads, for queues */
	struct wqlend_pool *lp_next;	/* (c) */
};

/* subr_wqlend.c. */
extern struct wqlend_pool *wqlend_pools;	/* (a) */
extern struct lwp *wqlend_lender;		/* (a) */
extern int wqlend_called;			/* (a) */

/*
 * Give each queue a record, or return an errno value.  The first call starts
 * the lender and the rescuer.
 */
int	wqlend_begin(struct workqueue *);

/*
 * Run the items that are left on the first n queues, and take the records of
 * these queues back.
 */
void	wqlend_end(struct workqueue *, int);

/*
 * Give a client a record.  Store the runner that the client announces while it
 * has no thread.  Return 0 or an errno value.  The client calls wqlend_detach()
 * when no thread that wo_wants() has counted is left.
 */
int	wqlend_attach(void *, const struct wqlend_ops *, pri_t,
	    struct cpu_info *, struct runner **);
void	wqlend_detach(struct runner *);

/* Have a thread look at a queue.  Async-signal-safe. */
void	wqlend_poke(struct workqueue_queue *);

pri_t	wqlend_inforce(struct workqueue_queue *);
void	wqlend_name(const struct workqueue_queue *, char *, size_t);

const char *wqlend_undo(struct lwp *, pri_t, struct cpu_info *);

/* Give the calling thread a name. */
void	wqlend_setname(struct lwp *, const char *);

/* The main function of a thread.  Its argument is the pool. */
void	wqlend_thread(void *);

/* The caller of these functions holds lp_lock, except for wqlend_rescue(). */
bool	wqlend_pending(struct wqlend_pool *);
void	wqlend_kick(struct wqlend_pool *);
void	wqlend_look(struct wqlend_pool *);
bool	wqlend_recall(struct wqlend_pool *);
int	wqlend_start(struct wqlend_pool *);
bool	wqlend_rescue(struct wqlend_pool *, struct lwp *);

/* subr_wqlender.c. */
int	wqlender_start(void);
void	wqlender_fork(void);

#endif	/* !_KERN_SUBR_WQLEND_H_ */
