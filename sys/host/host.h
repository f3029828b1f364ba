/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host seam: everything the library asks of the operating system.
 *
 * sys/kern and sys/compat block, wake, start threads, read clocks and get
 * memory through these calls and no others.  Back ends: host_linux.c and
 * host_posix.c, what they share in host_common.c.  A back end knows nothing
 * of queues.
 */

#ifndef _HOST_HOST_H_
#define	_HOST_HOST_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Capabilities: what this back end can do here and now.  Callers ask,
 * nobody assumes.
 */
#define	HOST_CAP_NAMES		0x0001	/* thread names show in ps(1) */
#define	HOST_CAP_AFFINITY	0x0002	/* threads can be bound to a CPU */
#define	HOST_CAP_PRIORITY	0x0004	/* threads have a priority each */
#define	HOST_CAP_CURCPU		0x0008	/* host_curcpu() knows */
#define	HOST_CAP_QUOTA		0x0010	/* a CPU quota would be seen */
#define	HOST_CAP_ASYMFENCE	0x0020	/* host_fence_heavy() is one */
#define	HOST_CAP_ASLEEP		0x0040	/* host_asleep() knows */
unsigned	host_caps(void);
const char	*host_name(void);		/* "linux", "posix" */

/*
 * Once, before anything else; further calls do nothing.  threadexit is
 * called, in a thread that host_attach() named and that ends, with that
 * thread's self.
 */
void	host_init(void (*threadexit)(void *));

/*
 * What a wake-up and the way to the work go through, and what they read: in a
 * few neighbouring pages, for after a sleep every page is cold.
 */
#define	__host_hot	__attribute__((__hot__))
#ifdef __ELF__
#define	__host_readmostly __attribute__((__section__("wq_readmostly")))
#else
#define	__host_readmostly
#endif

/*
 * The calling thread's self: one word, NULL in a thread nobody has set it
 * in.  Both are async-signal-safe and never allocate (initial-exec TLS).
 */
#ifdef HOST_SIM
void	*host_self(void);
void	 host_setself(void *);
#else
extern _Thread_local void *host_selfword;
static inline void *
host_self(void)
{

	return host_selfword;
}
static inline void
host_setself(void *self)
{

	host_selfword = self;
}
#endif

/*
 * Ask for threadexit(self) when the calling thread ends.  0 or an errno
 * value.  From thread context.
 */
int	host_attach(void *self);

/* A number that differs between live threads; cheap, async-signal-safe. */
uintptr_t host_selfkey(void);

/*
 * Threads.  The record belongs to the caller and stays at its place until
 * host_thread_join() has returned.  A new thread blocks every signal but the
 * synchronous ones (SEGV BUS FPE ILL TRAP SYS ABRT), and cannot be
 * cancelled.  A name too long for the host is cut.  hostcpu is a number from
 * host_cpus(), or -1 for any; that binding fails is no error.
 */
struct host_thread {
	void		(*ht_func)(void *);
	void		*ht_arg;
	char		 ht_name[32];
	int		 ht_hostcpu;
	unsigned long	 ht_space[4];	/* the back end's */
};
int	host_thread_create(struct host_thread *, void (*)(void *), void *,
	    const char *name, int hostcpu);
void	host_thread_join(struct host_thread *);
void	host_thread_detach(struct host_thread *);

/* End the calling thread, which host_thread_create() made. */
void	host_thread_exit(void) __attribute__((__noreturn__));

/*
 * Signals as interrupts: the handler runs on whatever thread the signal
 * arrives at, and may be interrupted by itself; errno is kept.  Threads that
 * host_thread_create() makes from then on do not block it.  0 or an errno
 * value; host_signal_release() restores what was in force before.  Calls are
 * serialised by the caller.
 */
int	host_signal_establish(int signo, void (*handler)(int));
void	host_signal_release(int signo);

/*
 * The calling thread's scheduling: rt false, level is a nice value from -20
 * to 19; rt true, level is 1 to 99 of the round-robin class.  0, or an errno
 * value with nothing changed.  host_getsched() reads what is in force.
 */
int	host_setsched(bool rt, int level);
void	host_getsched(bool *rt, int *level);

/*
 * Does another thread sleep?  host_tid() is the calling thread's number, or
 * -1.  host_asleep() is 0 for a thread that runs, could run, is held by the
 * memory or a disk, has ended, or of which nothing is known.  For one that
 * sleeps interruptibly, which is only in a system call, it is how often it
 * has begun to wait or was made to, plus 1: when two calls give the same, it
 * has slept all the time between.  From thread context.
 */
long	host_tid(void);
uint64_t host_asleep(long tid);

/*
 * Park: a binary token each.  host_park() takes the token, waiting for it
 * until the deadline (host_monotime() scale; HOST_FOREVER: none), and may
 * also return early without one.  It survives EINTR and is no cancellation
 * point.  0, or ETIMEDOUT.  Only the owner parks.  host_unpark() gives the
 * token; giving it twice is giving it once.  It is async-signal-safe, keeps
 * errno, is never lost, and makes a system call only if the owner sleeps.
 * The record must outlive every thread that may still unpark it.
 */
struct host_park {
	unsigned long	hp_space[8];
};
#define	HOST_FOREVER	INT64_MAX
void	host_park_init(struct host_park *);
int	host_park(struct host_park *, int64_t deadline);
void	host_unpark(struct host_park *);

/* The owner asks: is the token there?  No acquire; host_park() takes it. */
bool	host_parkready(const struct host_park *);

/*
 * In every spin: *np counts the turns, 0 at first.  A pause for the
 * processor; now and then the rest of the time slice for somebody else.
 */
void	host_relax(unsigned *np);

/* The rest of the time slice for somebody else. */
void	host_yield(void);

/* A pause for the processor and nothing else (a few to some 40 ns). */
#ifdef HOST_SIM
void	host_pause(void);
#else
static inline void
host_pause(void)
{

#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
	__asm volatile("yield" ::: "memory");
#else
	__asm volatile("" ::: "memory");
#endif
}
#endif

/*
 * The asymmetric fence.  When host_asymfence is true, a thread that stores A,
 * calls host_fence_light() and loads B, and one that stores B, calls
 * host_fence_heavy() and loads A, do not both miss the other's store.  When
 * it is false neither is a fence, and the two sides use sequentially
 * consistent atomics instead.  Written by host_init() only.
 */
extern bool	host_asymfence;
void	host_fence_heavy(void);
#define	host_fence_light()	__asm volatile("" ::: "memory")

/*
 * Memory, or NULL.  host_alloc(): zeroed, on a cache line of its own (64
 * bytes).  host_malloc(): as the C allocator gives it.  host_memalign():
 * at a multiple of a power of two, not zeroed.  From thread context.
 */
void	*host_alloc(size_t);
void	*host_malloc(size_t);
void	*host_memalign(size_t align, size_t);
void	 host_free(void *);

/* Nanoseconds: a clock that is never stepped; wall time since the Epoch. */
int64_t	host_monotime(void);
int64_t	host_realtime(void);
uint64_t host_random(void);

/* Random bytes that nobody can guess, as the host makes them. */
void	host_entropy(void *, size_t);

/*
 * The CPUs that the process may use: affinity mask and quota considered.
 * Stores at most max numbers and returns how many there are to use, at least
 * 1.  *bindp: binding makes sense (no quota below the mask).
 */
int	host_cpus(int *ids, int max, bool *bindp);

/* The number of the CPU the caller runs on, or -1.  Async-signal-safe. */
int	host_curcpu(void);

/*
 * A descriptor to poll(2): readable from host_pollfd_notify() until
 * host_pollfd_clear().  hp[0] is it.  Notify is async-signal-safe and keeps
 * errno.  0 or an errno value.
 */
int	host_pollfd_open(int hp[2]);
void	host_pollfd_notify(const int hp[2]);
void	host_pollfd_clear(const int hp[2]);
void	host_pollfd_close(const int hp[2]);

/*
 * To standard error, and to standard output: whole, keeping errno;
 * async-signal-safe.
 */
void	host_write(const char *, size_t);
void	host_write_out(const char *, size_t);
void	host_abort(void) __attribute__((__noreturn__));

const char *host_getenv(const char *);

/* The number and the name of this process. */
int	host_getpid(void);
const char *host_getprogname(void);

/* Around fork: before, in the parent after, in the child after. */
int	host_atfork(void (*)(void), void (*)(void), void (*)(void));

/*
 * For tests: called, when set, at these points.  A result other than 0 at
 * HOST_POINT_ALLOC and HOST_POINT_THREAD makes the call fail with that errno
 * value (ALLOC: with NULL).  HOST_POINT_UNPARK is before the token is given,
 * HOST_POINT_PARK before the thread looks at its token.  The pointer is the
 * struct host_park, the struct host_thread, or for ALLOC the size_t's
 * address.  Read and written by atomics (relaxed; see host_point()).
 */
enum host_point {
	HOST_POINT_ALLOC,
	HOST_POINT_THREAD,
	HOST_POINT_PARK,
	HOST_POINT_UNPARK
};
typedef int (*host_hook_t)(enum host_point, void *);
extern host_hook_t host_hook;

#endif	/* !_HOST_HOST_H_ */
