/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the files of sys/kern share and clients do not see: the thread, the
 * runner, the sleep queue, the internal spin lock, and the checks.
 */

#ifndef _KERN_KERN_H_
#define	_KERN_KERN_H_

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/systm.h>
#include <sys/wq_types.h>

#include <host/host.h>

#define	KERN_CACHELINE	64
#define	__kern_aligned	__attribute__((__aligned__(KERN_CACHELINE)))
#define	__kern_public	__attribute__((__visibility__("default")))
#define	__kern_noinline	__attribute__((__noinline__))
#define	__predict_false(x) __builtin_expect(!!(x), 0)
#define	__predict_true(x)  __builtin_expect(!!(x), 1)
#define	__arraycount(a)	(sizeof(a) / sizeof((a)[0]))

#define	MAXCOMLEN	16		/* a name, with its NUL */

struct workqueue;
struct workqueue_queue;

/*
 * init_main.c
 */

/*
 * Set by kern_init() from the environment before any other thread can be
 * inside the library, and read-only from then on.
 */
extern int	kern_checking;		/* WORKQUEUE_CHECK: 0, 1, 2 strict */
extern bool	kern_realtime;		/* WORKQUEUE_RT */
extern int64_t	kern_spin;		/* WORKQUEUE_SPIN, in nanoseconds */

#define	KERN_CHECKING()	__predict_false(kern_checking != 0)

/* The number of forks between the first process and this one. */
extern unsigned	kern_forkgen;		/* written by the child, alone */

void	kern_init(void);

/*
 * Runner: whoever runs a queue.  A queue that has nothing to run and whose
 * runner sleeps holds the runner's address; the producer that takes it out
 * calls r_wakeup, exactly once.  By then the queue may be gone, so the hook
 * may look only at the runner, whose memory must be type-stable.  Hooks are
 * async-signal-safe.
 */
struct runner {
	void	(*r_wakeup)(struct runner *, struct workqueue_queue *);
};

/*
 * kern_lwp.c: threads.  An lwp's memory is type-stable: it is used again for
 * other threads but never returned, so that a late host_unpark() of a thread
 * that has ended is only a spurious token for another.
 *
 * Fields are the owning thread's unless marked: (a) atomic, (s) the bucket
 * lock of its wait channel, (p) the pool's lock.
 */
struct sleepq;

struct lwp {
	int		 l_ipl;		/* interrupt priority level */
	int		 l_blcnt;	/* kernel lock recursions */
	int		 l_mtxcount;	/* spin mutexes held */
	int		 l_mtxoldspl;	/* level outside the outermost one */
	int		 l_nopreempt;	/* kpreempt_disable() depth */
	int		 l_intrdepth;	/* interrupt handlers under way */
	struct runner	 l_runner;	/* wakes this thread */
	struct cpu_info	*l_cpu;		/* bound to, or NULL */
	struct workqueue_queue *l_wqq;	/* whose worker this is, or NULL */
	const void	*l_wchan;	/* (as) sleeps for, or NULL */
	int		 l_wkind;	/* (s) what kind of channel */
	struct lwp	*l_wnext;	/* (s) next on the channel's bucket */
	struct lwp	*l_free;	/* (p) next free one */
	pri_t		 l_priority;	/* asked for */
	int		 l_wakercpu;	/* (a) who woke us from our CPU, or -1 */
	int		 l_pri_inforce;	/* (a) given, or LWP_PRI_UNKNOWN */
	bool		 l_adopted;	/* not made by lwp_create() */
	void		(*l_func)(void *);
	void		*l_arg;
	struct host_park l_park;
	struct host_thread l_thread;
} __kern_aligned;

#define	LWP_PRI_UNKNOWN	(-1000)

struct lwp *lwp_adopt(void);
int	lwp_create(struct lwp **, const char *, pri_t, struct cpu_info *,
	    void (*)(void *), void *);
void	lwp_join(struct lwp *);
void	lwp_exit(void *);
void	lwp_park(struct lwp *);
pri_t	lwp_inforce(struct lwp *);
void	lwp_fork(int);

/* The calling thread.  From thread context and above, not from a handler. */
static inline struct lwp *
curlwp_get(void)
{
	struct lwp *l;

	l = host_self();
	if (__predict_false(l == NULL))
		l = lwp_adopt();
	return l;
}

/* Give a thread its token.  Async-signal-safe. */
static inline void
lwp_unpark(struct lwp *l)
{

	host_unpark(&l->l_park);
}

/*
 * The internal spin lock, held for a few instructions at IPL_HIGH, so that
 * an interrupt handler never meets one that its own thread holds.
 */
struct kspin {
	unsigned	ks_locked;
};

int	kspin_enter(struct kspin *);
void	kspin_exit(struct kspin *, int);

/*
 * kern_sleepq.c: where threads sleep.
 */
#define	SLEEPQ_MUTEX	1		/* adaptive mutex */
#define	SLEEPQ_KLOCK	2		/* the kernel lock */
#define	SLEEPQ_LWP	3		/* a thread's start */

struct sleepq *sleepq_enter(const void *, int *);
void	sleepq_exit(struct sleepq *, int);
void	sleepq_enqueue(struct sleepq *, struct lwp *, const void *, int,
	    bool);
struct lwp *sleepq_dequeue(struct sleepq *, const void *, int, bool *);
int	sleepq_block(struct lwp *, int64_t);
void	sleepq_wakeall(const void *, int);
void	sleepq_fork(void);

/*
 * kern_mutex.c
 */
typedef struct kmutex {
	uintptr_t	mtx_owner;	/* lwp, with MTX_WAITERS */
} kmutex_t;

#define	MTX_WAITERS	((uintptr_t)1)

void	mutex_init_adaptive(kmutex_t *);
void	mutex_enter(kmutex_t *);
void	mutex_exit(kmutex_t *);

/*
 * kern_lock.c
 */
void	kernel_lock_yield(struct lwp *);
void	kernel_lock_fork(struct lwp *);

/*
 * subr_cpu.c
 */
void	cpu_init(void);
bool	cpu_valid(const struct cpu_info *);
/* Set by cpu_init() and read-only from then on. */
extern int	cpu_real;		/* CPUs that the host gives us */
extern unsigned	cpu_pauses;		/* calls of host_pause() in 1 us */
extern bool	cpu_spinok;		/* spinning makes sense: cpu_real > 1 */
extern bool	cpu_bindok;		/* binding makes sense */

/*
 * subr_prf.c
 */
size_t	kvsnprintf(char *, size_t, const char *, va_list);
size_t	ksnprintf(char *, size_t, const char *, ...) __wq_printflike(3, 4);
void	kern_warn(const char *, ...) __wq_printflike(1, 2);

/*
 * subr_wqcheck.c: the checking mode of workqueue(9).
 */
void	wqcheck_init(void);
void	wqcheck_fork(void);
void	wqcheck_create(struct workqueue *);
bool	wqcheck_alive(struct workqueue *);
void	wqcheck_destroy(struct workqueue *);
const void *wqcheck_enqueue(const void *, const void *);
void	wqcheck_run(const void *, const void *);
void	wqcheck_sleepable(const char *);

#endif	/* !_KERN_KERN_H_ */
