/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Threads.
 */

#ifndef _KERN_KERN_LWP_H_
#define	_KERN_KERN_LWP_H_

#include <sys/intr.h>
#include <sys/mutex.h>

#include "kern.h"

struct cpu_info;
struct lockdebug_lwp;
struct oncpu;
struct proc;
struct psref;
struct sleepq;
struct softcpu;
struct softint;
struct specificdata;
struct work;
struct workqueue_outer;
struct workqueue_queue;
struct wqpool;

/*
 * A runner runs a queue.  While the queue is empty and its runner sleeps, the
 * inbox contains the runner's address.  The producer that takes the address out
 * of the inbox calls r_wakeup, exactly once.  The queue may be gone by then.
 * So r_wakeup must access only the runner, whose memory must be type-stable.
 * r_wakeup must be async-signal-safe.
 */
struct runner {
	void	(*r_wakeup)(struct runner *);
};

/*
 * The hooks of a thread that runs the soft interrupts of a CPU.  The thread
 * calls ls_sleep before its sleep and ls_wake after it.
 *
 * The thread may sleep for a lock.  Before another thread hands it the lock,
 * the other thread calls ls_claim, with the bucket of the wait channel locked.
 * If ls_claim returns false, the other thread must not hand over the lock,
 * because the sleeper would hold the lock while it waits for its CPU.
 */
struct lwp_switch {
	void	(*ls_sleep)(struct lwp *);
	void	(*ls_wake)(struct lwp *);
	bool	(*ls_claim)(struct lwp *);
};

#define	LWP_INTRSRC	32		/* maximum number of sources */

/* The state of a thread; see lwp_setstate(). */
enum lwp_state {
	LWP_FREE,			/* the record is unused */
	LWP_NEW,			/* created, not started yet */
	LWP_RUNS,			/* runs, or is about to */
	LWP_DEAD			/* has ended, is not joined yet */
};

/*
 * A thread.  The memory is type-stable: it is reused for other threads and
 * never freed.  If a thread has ended, a late host_unpark() of this thread is
 * only a spurious wake-up of another one.
 *
 * Only the thread and its handlers access a field, unless it is marked: (a)
 * atomic, (s) bucket lock of the wait channel, (p) lwp_poollock.
 */
struct lwp {
	/* The fields that <sys/lwp.h> shows to clients. */
	struct cpu_info	*l_cpu;		/* CPU it is bound to, or NULL */
	struct proc	*l_proc;	/* its process: &proc0 */
	char		*l_name;	/* its name */
	const char	*l_wmesg;	/* reason of its sleep, or NULL */
	int		 l_lid;		/* number, from 1 on */
	pri_t		 l_priority;	/* priority requested */
	int		 l_flag;	/* LW_* */
	int		 l_pflag;	/* LP_* */
	int		 l_nopreempt;	/* (a) kpreempt_disable() depth */

	/* The level, and the locks held that block handlers. */
	int		 l_ipl;		/* (a) interrupt priority level */
	int		 l_blcnt;	/* kernel lock recursions */
	int		 l_kspin;	/* internal spin locks held */
	int		 l_mtxcount;	/* (a) spin mutexes held */
	int		 l_mtxoldspl;	/* (a) level before the first spin
					   mutex; with LWP_MTXOWN, if the
					   thread has owned a CPU since then */
	int		 l_stray;	/* (a) handlers on top of a stray: see
					   kern_runq.c */
	int		 l_mtxbelow;	/* spin mutexes held by the code that
					   handlers interrupted */
	int		 l_intrdepth;	/* interrupt handlers entered */
	unsigned	 l_handovers;	/* (a) see lwp_insection() */

	/* Interrupts and soft interrupts: kern_intr.c, kern_softint.c. */
	__atomic64_t	 l_ipending;	/* (a) a bit for each source */
	struct softint	*l_softpend;	/* soft interrupts that it holds back */
	struct softcpu	*l_softcpu;	/* CPU whose soft interrupts it runs,
					   or NULL */
	int		 l_softstate;	/* enum softthread: kern_softint.c */
	int		 l_softintr;	/* 1 + level of the soft interrupt it
					   runs, or 0 */
	unsigned	 l_iheld[LWP_INTRSRC];	/* (a) held back, per source */
	unsigned	 l_iarrived;	/* (a) interrupts that arrived here */

	/* The watcher's data: kern_intrthread.c. */
	unsigned	 l_iwatched;	/* (a) INTR_WATCHED, or not */
	struct lwp	*l_iwnext;	/* next of the watched threads */
	uint64_t	 l_iwasleep;	/* host_asleep() at the first look */
	unsigned	 l_iwarrived;	/* l_iarrived at that look */
	int64_t		 l_iwsince;	/* time of that look */
	long		 l_hosttid;	/* (a) argument of host_asleep() */

	/* The CPU that it owns: kern_runq.c. */
	int		 l_own;		/* number of reasons to own a CPU */
	bool		 l_cpuwait;	/* (a) it waits for a CPU */
	struct oncpu	*l_oncpu;	/* CPU that it owns, or owned last */

	/* The channel that it sleeps on: kern_sleepq.c. */
	const void	*l_wchan;	/* (as) wait channel, or NULL */
	int		 l_wkind;	/* (s) kind of the channel */
	unsigned	*l_wcount;	/* (s) count of sleepers, or NULL */
	struct lwp	*l_wnext;	/* (s) next in its bucket */

	const struct lwp_switch *l_switch; /* hooks around its sleep, or NULL */

	/* The queues that it runs. */
	struct workqueue_queue *l_wqq;	/* queue it is a worker of, or NULL */
	struct wqpool	*l_wqpool;	/* pool it is a thread of, or NULL */
	struct workqueue_outer *l_wqouter; /* outer queues it runs, or NULL */
	const void	*l_subitem;	/* (a) see struct wqpool_kind */
	__atomic64_t	 l_subnumber;	/* (a) */

	/* From its start to its end: kern_lwp.c, kern_kthread.c. */
	enum lwp_state	 l_state;
	struct lwp	*l_free;	/* (p) next free one */
	unsigned	 l_forkgen;	/* kern_forkgen of its process */
	bool		 l_forking;	/* is calling fork(2) */
	bool		 l_adopted;	/* not made by lwp_create() */
	bool		 l_detached;	/* no thread joins it */
	bool		 l_shared;	/* serves the whole process */
	bool		 l_raised;	/* its creator has a kernel priority */
	int		 l_nice;	/* nice value for a user priority */
	int		 l_pri_inforce;	/* (a) priority in force, or unknown */
	int		 l_kthread;	/* kthread(9): its flags, or 0 */
	void		(*l_func)(void *);
	void		*l_arg;
	char		 l_namebuf[32];

	/* The data of other files. */
	kmutex_t	 l_mutex;	/* lwp_lock() */
	struct specificdata *l_specific; /* (a) lwp_specific(9), or NULL */
	struct psref	*l_psrefs;	/* psref(9) references held */
	unsigned	 l_psread;	/* pserialize(9) read sections */
	struct lockdebug_lwp *l_lockdebug; /* checking mode */
	bool		 l_sysctlwrite;	/* mode that sysctl_relock() restores */

	/* A waker and the thread that it wakes share this cache line. */
	struct runner	 l_runner __kern_aligned; /* wakes this thread */
	struct work	*l_curwork;	/* item it runs: an address, or NULL */
	int		 l_wakercpu;	/* (a) CPU of the last waker, -1, or
					   LWP_NOWAKER: see subr_wqspin.h */
	struct host_park l_park;
	struct host_thread l_thread;
};

#include <sys/lwp.h>

#define	LWP_MTXOWN	0x100		/* in l_mtxoldspl */
/* Bits of l_ipending: the sources, and two more that splx() tests. */
#define	LWP_ISOURCES	(((uint64_t)1 << LWP_INTRSRC) - 1)
#define	LWP_XCBARRIER	((uint64_t)1 << 62)	/* a barrier waits for it */
#define	LWP_LEVELOWN	((uint64_t)1 << 63)	/* owns a CPU for its level */
#define	LWP_PRI_UNKNOWN	(-1000)
#define	LWP_NOWAKER	(-2)		/* wakers do not store their CPU */

/*
 * The events in the life of a thread, for files on higher floors.  Each event
 * calls at most one function.  The thread itself calls it, unless noted below.
 */
enum lwp_event {
	LWP_MADE,		/* created; called by its creator */
	LWP_ENDS,		/* about to end: run destructors */
	LWP_ENDED,		/* after LWP_ENDS: check what it leaves */
	LWP_OFFCPU,		/* owns no CPU; no thread waits for it */
	LWP_LOST,		/* ended by its function; may panic */
	LWP_FREED,		/* has ended; called before it is freed */
	LWP_NEVENTS
};
void	lwp_hook(enum lwp_event, void (*)(struct lwp *));

/* If this is not NULL, the next thread to sleep calls it. */
extern void	(*lwp_sleephook)(struct lwp *);	/* (a) */

struct lwp *lwp_adopt(void);
int	lwp_create(struct lwp **, const char *, pri_t, struct cpu_info *,
	    void (*)(void *), void *);
int	lwp_create_shared(struct lwp **, const char *, pri_t,
	    struct cpu_info *, void (*)(void *), void *);
struct lwp *lwp_new(const char *, pri_t, struct cpu_info *,
	    void (*)(void *), void *, bool);
int	lwp_run(struct lwp *, struct lwp **);
void	lwp_join(struct lwp *);
void	lwp_leave(void) __attribute__((__noreturn__));
void	lwp_exit(void *);
/* kern_lwppool.c: the records of threads, which are in slabs. */
#define	LWP_SLAB	16

struct lwpslab {
	struct lwp	 ls_lwps[LWP_SLAB];
	struct lwpslab	*ls_next;	/* constant once it is on the list */
};
extern struct lwpslab *lwp_slabs;	/* (a) */
extern struct lwp lwp_zero;
int	lwp_pool_init(void);
struct lwp *lwp_get(int *);
void	lwp_put(struct lwp *);
void	lwp_setstate(struct lwp *, enum lwp_state);
struct lwp *lwp_find(bool (*)(struct lwp *, void *), void *);
void	lwp_park(struct lwp *);
int	lwp_timedpark(struct lwp *, int64_t);
pri_t	lwp_inforce(struct lwp *);

/*
 * Return the calling thread.  Adopt it if it is unknown.  Do not call this in a
 * handler.
 */
static inline struct lwp *
curlwp_get(void)
{
	struct lwp *l;

	l = host_self();
	if (__predict_false(l == NULL))
		l = lwp_adopt();
	return l;
}

/* Give a thread its wake-up token.  Async-signal-safe. */
static inline void
lwp_unpark(struct lwp *l)
{

	host_unpark(&l->l_park);
}

#endif	/* !_KERN_KERN_LWP_H_ */
