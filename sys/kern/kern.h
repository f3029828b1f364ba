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
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/wq_types.h>

#include <host/host.h>

#define	KERN_CACHELINE	64
#define	__kern_aligned	__attribute__((__aligned__(KERN_CACHELINE)))
#define	__kern_public	__attribute__((__visibility__("default")))
#define	__kern_hot	__host_hot
#define	__kern_noinline	__attribute__((__noinline__))
#define	__predict_false(x) __builtin_expect(!!(x), 0)
#define	__predict_true(x)  __builtin_expect(!!(x), 1)
#define	__arraycount(a)	(sizeof(a) / sizeof((a)[0]))

/* Address sanitizer: memory that is there and that nobody may touch. */
#if defined(__SANITIZE_ADDRESS__)
#define	KERN_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define	KERN_ASAN
#endif
#endif
#ifdef KERN_ASAN
void	__asan_poison_memory_region(void const volatile *, size_t);
void	__asan_unpoison_memory_region(void const volatile *, size_t);
#define	KERN_POISON(p, n)	__asan_poison_memory_region((p), (n))
#define	KERN_UNPOISON(p, n)	__asan_unpoison_memory_region((p), (n))
#define	KERN_NOASAN	__attribute__((__no_sanitize_address__))
#else
#define	KERN_POISON(p, n)	((void)(p), (void)(n))
#define	KERN_UNPOISON(p, n)	((void)(p), (void)(n))
#define	KERN_NOASAN
#endif

#ifndef MAXCOMLEN
#define	MAXCOMLEN	16		/* a name, with its NUL */
#endif
#define	CPU_MAX		1024		/* the most that ncpu can be */

#define	KERN_HZ	100		/* ticks in a second */
#define	KERN_TICK_NS	(1000000000 / KERN_HZ)

struct workqueue;
struct workqueue_outer;
struct workqueue_queue;
struct wqpool;

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
#define	KERN_SPINMAX	1000		/* its maximum, in microseconds */

extern int	kern_verbose;		/* WORKQUEUE_VERBOSE: 0, 1, 2 debug */

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
 * kern_lwp.c: threads.  <sys/lwp.h> shows clients the first fields; these
 * follow.  An lwp's memory is type-stable: it is used again for other threads
 * but never returned, so that a late host_unpark() of a thread that has ended
 * is only a spurious token for another.
 *
 * Fields are the owning thread's, and its handlers', unless marked: (a)
 * atomic, (s) the bucket lock of its wait channel, (p) the pool's lock.
 */
#define	LWP_INTRSRC	32		/* interrupt sources there can be */

#define	__LWP_KERN_FIELDS						\
	int		 l_ipl;		/* interrupt priority level */	\
	int		 l_blcnt;	/* kernel lock recursions */	\
	int		 l_kspin;	/* internal spin locks held */	\
	int		 l_mtxcount;	/* (a) spin mutexes held */	\
	int		 l_mtxoldspl;	/* level outside the first */	\
	int		 l_intrdepth;	/* interrupt handlers entered */ \
	int		 l_softintr;	/* 1 + level of the soft interrupt it \
					   runs, or 0 */		\
	struct softcpu	*l_softcpu;	/* whose soft interrupts, or NULL */ \
	uint64_t	 l_ipending;	/* (a) interrupt sources held back */ \
	unsigned	 l_iheld[LWP_INTRSRC];	/* (a) how often each */ \
	unsigned	 l_iarrived;	/* (a) interrupts, altogether */ \
	unsigned	 l_iwatched;	/* (a) is on the watcher's list */ \
	struct lwp	*l_iwnext;	/* next there; see intr_tell() */ \
	uint64_t	 l_iwasleep;	/* the watcher's: since then it */ \
	unsigned	 l_iwarrived;	/* sleeps, this had arrived, */	\
	int64_t		 l_iwsince;	/* this was the time */		\
	long		 l_hosttid;	/* (a) for host_asleep() */	\
	struct softint	*l_softpend;	/* scheduled, held back */	\
	int		 l_nopreempt;	/* kpreempt_disable() depth */	\
	int		 l_slot;	/* CPU slot owned meanwhile */	\
	struct workqueue_queue *l_wqq;	/* whose worker this is, or NULL */ \
	struct wqpool	*l_wqpool;	/* whose thread this is, or NULL */ \
	struct workqueue_outer *l_wqouter; /* and queues outside of that */ \
	const void	*l_wchan;	/* (as) sleeps for, or NULL */	\
	int		 l_wkind;	/* (s) what kind of channel */	\
	int		 l_wdata;	/* the sleeper's own, per kind */ \
	unsigned	*l_wcount;	/* (s) counts it, or NULL */	\
	struct lwp	*l_wnext;	/* (s) next on its bucket */	\
	struct lwp	*l_free;	/* (p) next free one */		\
	int		 l_pri_inforce;	/* (a) given, or unknown */	\
	bool		 l_adopted;	/* not made by lwp_create() */	\
	bool		 l_detached;	/* nobody joins it */		\
	bool		 l_raised;	/* who made it was: see l_nice */ \
	int		 l_nice;	/* without a kernel priority */	\
	int		 l_kthread;	/* kthread(9): its flags, or 0 */ \
	struct specificdata *l_specific; /* (a) lwp_specific(9), or NULL */ \
	struct psref	*l_psrefs;	/* psref(9) held */		\
	unsigned	 l_psread[2];	/* pserialize(9) read sections */ \
	struct lockdebug_lwp *l_lockdebug; /* checking mode */		\
	void		(*l_func)(void *);				\
	void		*l_arg;						\
	char		 l_namebuf[32];					\
	/* What a waker and the thread it wakes touch: on one line. */	\
	struct runner	 l_runner __kern_aligned; /* wakes this thread */ \
	struct work	*l_curwork;	/* address of what it runs, or NULL */ \
	int		 l_wakercpu;	/* (a) waker on our CPU, or -1, or */ \
					/* LWP_NOWAKER: he shall not say */ \
	struct host_park l_park;					\
	struct host_thread l_thread;

struct psref;
struct runner;
struct softcpu;
struct softint;
struct work;
struct sleepq;
struct lockdebug_lwp;
struct specificdata;

#include <sys/lwp.h>

#define	LWP_PRI_UNKNOWN	(-1000)
#define	LWP_NOWAKER	(-2)

struct lwp *lwp_adopt(void);
int	lwp_create(struct lwp **, const char *, pri_t, struct cpu_info *,
	    void (*)(void *), void *);
int	lwp_create_kthread(struct lwp **, const char *, pri_t,
	    struct cpu_info *, void (*)(void *), void *, int, bool, uintptr_t);
void	lwp_join(struct lwp *);
void	lwp_leave(void) __attribute__((__noreturn__));
void	lwp_exit(void *);
void	lwp_init(void);
void	lwp_park(struct lwp *);
int	lwp_timedpark(struct lwp *, int64_t);
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
 * kern_spl.c: to sleep gives up the CPU, which lets interrupts in, whatever
 * the level is that the thread goes on at: spl_shut(l, spl_open(l)) around it.
 */
int	spl_open(struct lwp *);

static inline void
spl_shut(struct lwp *l, int s)
{

	/* A worker's level is as it was, on a line that is cold. */
	if (__predict_true(s == IPL_NONE))
		return;
	l->l_ipl = s;
	/* A handler on this thread sees the level before what follows. */
	atomic_signal_barrier();
}

/* The level or l_kspin went down: is there something to run now? */
void	intr_run(struct lwp *);

static inline void
intr_deliver(struct lwp *l)
{

	if (__predict_false(atomic_load_relaxed(&l->l_ipending) != 0 ||
	    l->l_softpend != NULL) && l->l_kspin == 0)
		intr_run(l);
}

/*
 * mutex_enter() and mutex_exit() for an adaptive mutex that nobody watches, by
 * a thread that knows itself: without a call if it is free.
 */
static inline void
kern_mutex_enter(kmutex_t *mtx, struct lwp *l)
{
	uintptr_t o;

	o = 0;
	/* Acquire: see what the last owner did. */
	if (__predict_false(!atomic_cas_acquire(&mtx->mtx_owner, &o,
	    (uintptr_t)l)))
		mutex_enter(mtx);
}

static inline void
kern_mutex_exit(kmutex_t *mtx, struct lwp *l)
{
	uintptr_t o;

	o = (uintptr_t)l;
	/* Release: hand over what we did; the last touch of the mutex. */
	if (__predict_false(!atomic_cas_release(&mtx->mtx_owner, &o,
	    (uintptr_t)0)))
		mutex_exit(mtx);
}

/*
 * The internal spin lock, held for a few instructions.  A thread that holds
 * one takes no interrupt, whatever the interrupt's level, so that a handler
 * never meets one that its own thread holds; l_ipl is left alone.
 */
struct kspin {
	unsigned	ks_locked;
};

void	kspin_enter(struct kspin *);
void	kspin_exit(struct kspin *);

/*
 * kern_sleepq.c: where threads sleep.
 */
#define	SLEEPQ_MUTEX	1		/* adaptive mutex */
#define	SLEEPQ_KLOCK	2		/* the kernel lock */
#define	SLEEPQ_LWP	3		/* a thread's start */
#define	SLEEPQ_CV	4		/* condvar(9) */
#define	SLEEPQ_RWREADER	5		/* rwlock(9), to read */
#define	SLEEPQ_RWWRITER	6		/* rwlock(9), to write */
#define	SLEEPQ_TSLEEP	7		/* tsleep(9) */
#define	SLEEPQ_KPAUSE	8		/* kpause(9) */
#define	SLEEPQ_SOFTINT	9		/* softint_disestablish() */
#define	SLEEPQ_CALLOUT	10		/* callout_halt() */
#define	SLEEPQ_DRAIN	11		/* workqueue_drain() */
#define	SLEEPQ_KMEM	12		/* memory */
#define	SLEEPQ_POOL	13		/* an item of a pool */
#define	SLEEPQ_ONCE	14		/* RUN_ONCE(9) */
#define	SLEEPQ_XCALL	15		/* xc_wait() */
#define	SLEEPQ_PSREF	16		/* psref_target_destroy() */

struct sleepq *sleepq_enter(const void *);
void	sleepq_exit(struct sleepq *);
void	sleepq_enqueue(struct sleepq *, struct lwp *, const void *, int,
	    bool);
struct lwp *sleepq_dequeue(struct sleepq *, const void *, int, bool *);
bool	sleepq_has(const struct sleepq *, const void *, int);
struct lwp *sleepq_take(struct sleepq *, const void *, int, unsigned,
	    unsigned *);
void	sleepq_wake(struct lwp *);
int64_t	sleepq_deadline(int);
int	sleepq_block(struct lwp *, int64_t);
void	sleepq_wakeall(const void *, int);
void	sleepq_fork(void);

/*
 * kern_mutex.c: mtx_flags of an adaptive mutex that checking mode does not
 * watch; and the library's own mutexes that nobody initialises.
 */
#define	MTX_INIT	0x01
#define	KMUTEX_INITIALIZER	{ .mtx_flags = MTX_INIT }

void	mutex_init_at(kmutex_t *, kmutex_type_t, int, uintptr_t);

/*
 * kern_rwlock.c
 */
struct krwlock;
void	rw_init_at(struct krwlock *, uintptr_t);

/*
 * kern_mutex.c, kern_lock.c: the bit beside the owner that says that others
 * sleep for it.
 */
#define	MTX_WAITERS	((uintptr_t)1)

/*
 * kern_lock.c
 */
void	kernel_lock_yield(struct lwp *);
bool	kernel_lock_try(struct lwp *);
bool	kernel_lock_wanted(const struct lwp *);
void	kernel_lock_fork(struct lwp *);

/*
 * subr_cpu.c
 */
void	cpu_init(void);
/* Set by cpu_init() and read-only from then on. */
extern int	cpu_real;		/* CPUs that the host gives us */
extern unsigned	cpu_pauses;		/* calls of host_pause() in 1 us */
extern bool	cpu_spinok;		/* spinning makes sense: cpu_real > 1 */
extern bool	cpu_bindok;		/* binding makes sense */
extern struct cpu_info cpu_infos[];	/* all, from index 0 on */

/* Is it one of the first n CPUs? */
static inline bool
cpu_among(const struct cpu_info *ci, int n)
{
	uintptr_t off;

	off = (uintptr_t)ci - (uintptr_t)cpu_infos;
	return off % sizeof(*ci) == 0 && off / sizeof(*ci) < (uintptr_t)n;
}

/*
 * subr_prf.c
 */
size_t	kvsnprintf(char *, size_t, const char *, va_list);
size_t	ksnprintf(char *, size_t, const char *, ...) __wq_printflike(3, 4);
void	kern_warn(const char *, ...) __wq_printflike(1, 2);
void	kern_vprintf(const char *, const char *, va_list)
	    __wq_printflike(2, 0);

/*
 * subr_wqcheck.c: the checking mode of workqueue(9).
 */
void	wqcheck_init(void);
void	wqcheck_fork(void);
void	wqcheck_create(struct workqueue *);
bool	wqcheck_alive(struct workqueue *);
struct workqueue *wqcheck_destroy(struct workqueue *);
const void *wqcheck_enqueue(const void *, const void *);
void	wqcheck_run(const void *, const void *);
void	wqcheck_sleepable(const char *);
void	wqcheck_sleepable_on(const char *, const void *, const char *);
void	wqcheck_lockable(const char *, const void *, const char *);

/*
 * The checking mode of locks; under KERN_CHECKING() only, but for what makes
 * texts.  subr_lockdebug.c: the objects.
 */
#define	LOCKDEBUG_SITE() ((uintptr_t)__builtin_return_address(0))

/* Flags of lockdebug_make(). */
#define	LOCKDEBUG_RUN	0x01		/* no lock: it runs a function */
#define	LOCKDEBUG_LOOSE	0x02		/* a callout: need not be destroyed */

void	lockdebug_init(void);
void	lockdebug_fork(int);
void	lockdebug_make(const char *, const void *, const char *,
	    const char *, int, uintptr_t);
void	lockdebug_alloc(const char *, const void *, const char *,
	    const char *, uintptr_t);
void	lockdebug_free(const char *, const void *, const char *);
void	lockdebug_end(const void *);
void	lockdebug_keep(const void *);
void	lockdebug_memfree(const char *, const void *, size_t);
const char *lockdebug_text(const void *, const char *);
const char *lockdebug_made(const void *);

/* subr_lockheld.c: locks that threads hold and wait for. */
void	lockdebug_lwpinit(struct lwp *);
void	lockdebug_wantlock(const char *, const void *, const char *, bool,
	    uintptr_t);
void	lockdebug_locked(const char *, const void *, const char *, bool, bool,
	    uintptr_t);
void	lockdebug_unlocked(const char *, const void *, const char *);
void	lockdebug_shared(const void *, bool);
const char *lockdebug_heldtext(void);
/* Panic if the calling thread holds more locks than it did before. */
int	lockdebug_held(void);
void	lockdebug_barrier(const char *, const void *, int);

/* What runs functions, and those who wait for them. */
uintptr_t lockdebug_run(const void *, const void *, uintptr_t);
void	lockdebug_ran(const char *, const void *, const void *, int);
void	lockdebug_done(const void *);
void	lockdebug_wantrun(const char *, const void *, uintptr_t, const void *,
	    uintptr_t);
void	lockdebug_wantwork(const char *, const void *, uintptr_t);
void	lockdebug_wait(const char *, const void *, const void *, const int *);
void	lockdebug_waitrun(const char *, const void *, const void *);
void	lockdebug_waited(void);

/*
 * kern_proc.c
 */
void	proc_init(void);

/*
 * kern_intr.c, kern_softint.c
 */
extern unsigned	intr_wanted;		/* (a) threads to start, or wake */
void	intr_restart(struct lwp *);
void	intr_lwpexit(struct lwp *);
void	intr_fork(void);
void	softint_splx(struct lwp *);
bool	softint_claim(struct lwp *);
void	softint_sleep(struct lwp *);
void	softint_wake(struct lwp *);
void	softint_fork(void);

/*
 * kern_timeout.c, kern_clock.c
 */
#define	KERN_FORK_PREPARE	0	/* in the parent, before */
#define	KERN_FORK_PARENT	1	/* and after */
#define	KERN_FORK_CHILD		2
void	callout_fork(int);
bool	callout_busy(const void *);
void	clock_init(void);

/*
 * subr_specificdata.c
 */
void	specific_exit(struct lwp *);
void	specific_fork(struct lwp *);

/*
 * kern_threadpool.c
 */
void	threadpool_fork(void);

/* subr_wqpool.c */
void	wqpool_fork(void);

/*
 * kern_cpuslot.c
 */
int	cpu_nslots(void);
void	cpuslot_enter(struct lwp *, int);
void	cpuslot_fork(struct lwp *);

/*
 * subr_kmem.c, subr_kmem_reserve.c, kern_malloc.c
 */
struct malloc_type;

/* Waiting for memory; zeroed before the first call of kmem_backoff(). */
struct kmem_wait {
	int64_t		kw_start;
	unsigned	kw_turns;
};
void	kmem_backoff(struct kmem_wait *, const char *, size_t);
void	kmem_freed(void);
void	kmem_context(const char *, bool, bool);
void	*kmem_get(const char *, size_t, size_t, bool, bool,
	    const struct malloc_type *, uintptr_t);
void	kmem_put(const char *, void *, size_t, bool,
	    const struct malloc_type *);
size_t	kmem_size(const char *, void *, const struct malloc_type *);
void	kmem_fork(int);

/* In an interrupt handler, where the C allocator may have been interrupted? */
static inline bool
kern_intr_p(void)
{
	struct lwp *l;

	return (l = host_self()) != NULL && l->l_intrdepth != 0;
}

/*
 * May the C allocator not be called?  A handler may have interrupted it; and
 * who holds a spin lock of any kind must not wait for the allocator's, since
 * a handler that has interrupted the thread inside may spin for ours.  A
 * level that holds interrupts back is taken for such a lock, whose holder
 * may be on its way to it.  Ask before taking a lock of the asker's own.
 */
static inline bool
kern_nomalloc_p(void)
{
	struct lwp *l;

	return (l = host_self()) != NULL && (l->l_intrdepth != 0 ||
	    l->l_mtxcount != 0 || l->l_ipl >= IPL_VM || l->l_kspin != 0);
}

/* A thread that fills up reserves and frees for those who may not. */
void	kmem_helper_start(void);
void	kmem_helper_wake(void);

/*
 * subr_pool.c, subr_evcnt.c, subr_pserialize.c, subr_xcall.c
 */
void	pool_drainall(void);
void	pool_refill(void);
void	pool_fork(int);
void	evcnt_fork(int);
void	pserialize_fork(struct lwp *);
void	xcall_fork(void);

#endif	/* !_KERN_KERN_H_ */
