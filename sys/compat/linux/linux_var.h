/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the files of the Linux face share.  This face stands on wqpool, and
 * on kernel interfaces that the library exports.
 */

#ifndef _COMPAT_LINUX_VAR_H_
#define	_COMPAT_LINUX_VAR_H_

#include "../../kern/subr_wqpool.h"

#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/once.h>
#include <sys/wq_prf.h>
#include <sys/wq_libkern.h>

/* The other face's of the same name. */
#undef WQ_PERCPU
#undef kthread_create

#define	_LWQ_INTERNAL
#include <linux/workqueue.h>
#include <linux/kthread.h>

/*
 * A pool, and whose it is.  Items say by it where they were queued last, so
 * its memory is type-stable: never returned, maybe used again.
 */
struct lwq_queue {
	struct wqpool	*lq_pool;	/* set before it is found; or NULL */
	struct workqueue_struct *lq_wq;	/* NULL: a kthread_worker's */
	int		 lq_ntimers;	/* (a) a worker's: delays under way */
	int		 lq_state;	/* (a) a worker's: 0 if all may queue */
};

/*
 * lq_state.  ENDING: timers queue no more, but what is queued runs; GONE: and
 * after that.  STOPPING: its thread shall end when it has run what is queued.
 * CLOSED: works have queued each other for too long meanwhile, and may no more.
 */
#define	LWQ_ENDING	0x1
#define	LWQ_GONE	0x2
#define	LWQ_CLOSED	0x4
#define	LWQ_STOPPING	0x8

#define	LWQ_NAMELEN	32

/*
 * Type-stable, as are its queues, of which there are ncpu, used or not.
 * Fields: (a) atomic, (l) lwq_lock of linux_workqueue.c, (c) set by
 * lwq_valloc().
 */
struct workqueue_struct {
	int		 wq_state;	/* (a) 0 if all may queue */
	int		 wq_nqueues;	/* (c) */
	bool		 wq_ordered;	/* (c) max_active stays 1 */
	bool		 wq_alive;	/* (l) */
	bool		 wq_parents;	/* a forked child's parent's; stays */
	int		 wq_nholds;	/* (l) */
	int		 wq_ntimers;	/* (a) delays under way */
	struct workqueue_struct *wq_next; /* (l) destroyed ones */
	char		 wq_name[LWQ_NAMELEN];	/* (c) */
	struct lwq_queue wq_queues[];	/* (c) */
};

/* wq_state: a count of those who drain it, and whether it is destroyed. */
#define	LWQ_DRAINING	0x01
#define	LWQ_DEAD	0x10000

/*
 * __i_state.  PENDING: it is queued, or its timer runs, or whoever set the
 * bit is about to do so.  TIMER: its timer runs.  GEN: lwq_gen of the process
 * that set PENDING.  The rest counts those that have disabled it.
 */
#define	LWQ_PENDING	0x01u
#define	LWQ_TIMER	0x02u
#define	LWQ_GEN		0x04u
#define	LWQ_GENMASK	0xfffcu
#define	LWQ_DISABLED	0x10000u
#define	LWQ_DISABLEMASK	(~0xffffu)

/* __t_state; under the item's timer lock. */
#define	LWQ_T_NONE	0	/* the callout was never initialised */
#define	LWQ_T_READY	1
#define	LWQ_T_FIRING	2	/* and known to be called: it is too late */

static inline struct work *
lwq_work(struct __lwq_item *it)
{

	return (struct work *)(void *)it;
}

/* How often forked, in the bits of LWQ_GENMASK; written by the child alone. */
extern unsigned int	lwq_gen;

/*
 * Make it ours, if it is neither pending nor disabled.
 */
static inline bool
lwq_claim(struct __lwq_item *it)
{
	unsigned int new, s;

	s = atomic_load_relaxed(&it->__i_state);
	do {
		new = (s & (LWQ_PENDING | LWQ_DISABLEMASK)) != 0 ? s :
		    LWQ_PENDING | lwq_gen;
		/*
		 * Release, also if nothing changes: the run that is to come
		 * clears the bit after us, by an acquire, and so sees what we
		 * did before.
		 */
	} while (!atomic_cas_weak_acq_rel(&it->__i_state, &s, new));
	return new != s;
}

/*
 * The owner puts it into a queue, and is the owner no more.
 */
static inline void
lwq_enqueue(struct lwq_queue *lq, struct __lwq_item *it)
{

	atomic_store_release(&it->__i_queue, lq);
	wqpool_enqueue(lq->lq_pool, lwq_work(it));
}

/* linux_item.c */
void	lwq_item_init(struct __lwq_item *, int);
struct lwq_queue *lwq_hold(struct __lwq_item *);
void	lwq_unhold(struct lwq_queue *);
void	lwq_arm(struct __lwq_item *, struct __lwq_timer *,
	    struct workqueue_struct *, struct lwq_queue *, int,
	    unsigned long);
void	lwq_count_timer(struct __lwq_timer *, int);
void	lwq_fire_barrier(void);
int	lwq_stop(struct __lwq_item *, unsigned, bool);
bool	lwq_grab(struct __lwq_item *, bool);
bool	lwq_cancel_sync(struct __lwq_item *, bool);
bool	lwq_wait(struct __lwq_item *);
void	lwq_settle(struct __lwq_item *);
void	lwq_say_gone(struct __lwq_item *, const char *);

/* In a forked child; the rest is in linux_workqueue.c's lwq_fork(). */
void	lwq_item_fork(void);
void	lwq_task_fork(void);
void	lwq_work_fork(void);
void	lwq_worker_fork(void);

/* linux_work.c */
void	lwq_run(struct work *, void *);
struct workqueue_struct *lwq_self(struct work **);
bool	lwq_insert(int, struct workqueue_struct *, struct __lwq_item *,
	    const char *);

/* linux_kthread_worker.c */
bool	lwq_worker_has(const struct kthread_worker *, struct __lwq_item *);

/* linux_workqueue.c */
bool	lwq_hold_wq(struct workqueue_struct *);
void	lwq_unhold_wq(struct workqueue_struct *);

#define	__lwq_public	__kern_public

#endif	/* !_COMPAT_LINUX_VAR_H_ */
