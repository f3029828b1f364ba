/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host seam: everything that the library needs from the operating system.
 *
 * sys/kern and sys/compat block, wake, start threads, read clocks and get
 * memory only by these calls.  The back ends are host_linux*.c, host_posix.c,
 * and host_sim.c with sim_*.c.  They share host_common.c, host_fd.c and
 * host_thread.c.  A back end knows nothing about queues.
 */

#ifndef _HOST_HOST_H_
#define	_HOST_HOST_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef _WQ_SIM
#include <sys/wq_simpoint.h>
#endif

/*
 * Capabilities of the back end on this system.  A system may lack any of them,
 * so callers must check.
 */
#define	HOST_CAP_NAMES		0x0001	/* thread names show in ps(1) */
#define	HOST_CAP_AFFINITY	0x0002	/* threads can be bound to a CPU */
#define	HOST_CAP_PRIORITY	0x0004	/* each thread has a priority */
#define	HOST_CAP_CURCPU		0x0008	/* host_curcpu() works */
#define	HOST_CAP_QUOTA		0x0010	/* CPU quotas are detected */
#define	HOST_CAP_ASYMFENCE	0x0020	/* host_fence_heavy() is a fence */
#define	HOST_CAP_ASLEEP		0x0040	/* host_asleep() works */
#define	HOST_CAP_CHILD		0x0080	/* host_wipe() works */
#define	HOST_CAP_SPIN		0x0100	/* time passes while a thread spins */
unsigned	host_caps(void);

/*
 * Initialise the back end.  The first call must come before all other calls;
 * further calls do nothing.
 *
 * When a thread that has called host_attach(self) ends, the host calls
 * threadexit(self).  A thread of host_thread_create() may end before its
 * function returns.  Then the host calls threadexit(host_self()), unless that
 * is NULL.
 */
void	host_init(void (*threadexit)(void *));

/*
 * __host_hot and __host_readmostly put the functions of the wake-up path, and
 * the data that they read, into a few adjacent pages.  After a sleep every page
 * is cold, so the path should touch few.
 */
#define	__host_hot	__attribute__((__hot__))
#ifdef __ELF__
#define	__host_readmostly __attribute__((__section__("wq_readmostly")))
#else
#define	__host_readmostly
#endif

/*
 * Get or set the calling thread's self, a pointer that is NULL until it is set.
 * Both calls are async-signal-safe and never allocate memory (initial-exec
 * TLS).
 */
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

/*
 * Make the host call threadexit(self) when the calling thread ends.  Return 0
 * or an errno value.  Thread context.
 */
int	host_attach(void *self);

/* Return a number unique among live threads.  Fast, async-signal-safe. */
uintptr_t host_selfkey(void);

/*
 * Threads.  The caller provides the struct host_thread, which must stay in
 * place until host_thread_join() returns.
 *
 * A new thread cannot be cancelled.  It blocks every signal except those that
 * its own faults raise (SEGV BUS FPE ILL TRAP SYS), those of
 * host_signal_establish(), and SIGPROF.  It blocks SIGABRT only if its creator
 * does.  The creator blocks all signals during the call, and then restores its
 * mask.
 *
 * The host truncates a name that is too long.  hostcpu is a number from
 * host_cpus(), or -1 for any CPU; a failure to bind is not an error.
 */
struct host_thread {
	void		(*ht_func)(void *);
	void		*ht_arg;
	char		 ht_name[32];
	int		 ht_hostcpu;
	int		 ht_noabort;	/* SIGABRT is blocked */
	uint64_t	 ht_signals;	/* interrupts; signal 1 is bit 0 */
	unsigned long	 ht_space[4];	/* for the back end */
};
int	host_thread_create(struct host_thread *, void (*)(void *), void *,
	    const char *name, int hostcpu);
void	host_thread_join(struct host_thread *);
void	host_thread_detach(struct host_thread *);

/*
 * End the calling thread, which must be a thread of host_thread_create().  This
 * needs no file, no descriptor, and no lock of the loader.  The C library
 * decides whether cleanup handlers and C++ destructors of the remaining frames
 * run.
 */
void	host_thread_exit(void) __attribute__((__noreturn__));

/* Name the calling thread, which host_thread_create() made. */
void	host_setname(const char *);

/*
 * host_signal_establish() installs a handler for a signal that is used as an
 * interrupt.  It returns 0 or an errno value.  host_signal_release() removes
 * the handler and restores the previous action.  The caller must serialise
 * these calls.
 *
 * The handler runs on any thread that gets the signal.  While it runs, the
 * signal is blocked.  The host preserves errno.  Threads that
 * host_thread_create() makes later do not block the signal.
 */
int	host_signal_establish(int signo, void (*handler)(int));
void	host_signal_release(int signo);

/*
 * Set or get the calling thread's scheduling.  If rt is false, level is a nice
 * value from -20 to 19, or 20 to run only while the CPU is otherwise idle.  If
 * rt is true, level is from 1 to 99, in the round-robin class.  Return 0 or an
 * errno value.  After an error, the scheduling is unchanged.
 */
int	host_setsched(bool rt, int level);
void	host_getsched(bool *rt, int *level);

/*
 * Schedule the calling thread like the process, not like its creator, as far as
 * the host permits.  The thread must be one of host_thread_create().  It gets
 * the policy and the nice value that the process has now, but never a real-time
 * policy.  It gets the CPUs and the timer slack that the process had at
 * host_init().  A bound thread stays on its CPU.
 */
void	host_sched_process(void);

/*
 * Find out whether another thread sleeps.  Thread context.
 *
 * host_tid() returns the calling thread's number, or -1 if the host has none.
 *
 * host_asleep() returns 0 if the thread runs, is runnable, waits for memory or
 * a disk, has ended, or cannot be examined.  Otherwise the thread is in an
 * interruptible sleep, and so in a system call.  The result is then the number
 * of its context switches plus 1.  So two equal results mean that it has slept
 * all the time between them.
 *
 * host_asleep_prepare() makes host_asleep() work in the calling thread even if
 * the process can open no more files.  The thread must be one of
 * host_thread_create().  It may lose its descriptors, including those of stdio,
 * so it must not call the client's functions.  The call returns false if the
 * host cannot tell which threads sleep.
 */
long	host_tid(void);
bool	host_asleep_prepare(void);
uint64_t host_asleep(long tid);

/*
 * Park: a binary token in each struct host_park.  The structure must stay in
 * place as long as a thread may unpark it.
 *
 * host_park() waits for the token and takes it.  Only the owner parks.  It
 * returns 0, or ETIMEDOUT at the deadline.  The deadline is a time of
 * host_monotime(), or HOST_FOREVER.  The call may also return 0 early, without
 * a token.  A signal handler does not end the wait, and the call is not a
 * cancellation point.
 *
 * host_unpark() gives the token.  A second token has no effect.  A token is
 * never lost.  The call is async-signal-safe, keeps errno, and makes a system
 * call only if the owner sleeps.
 */
struct host_park {
	unsigned long	hp_space[8];
};
#define	HOST_FOREVER	INT64_MAX
void	host_park_init(struct host_park *);
int	host_park(struct host_park *, int64_t deadline);
void	host_unpark(struct host_park *);

/*
 * Return true if the token is there.  Only the owner may call this.  The call
 * is not an acquire operation: host_park() acquires when it takes the token.
 */
bool	host_parkready(const struct host_park *);

/*
 * Pause in a spin loop.  *np counts the iterations, from 0.  Some calls also
 * yield the rest of the time slice.
 */
void	host_relax(unsigned *np);

/* Yield the rest of the time slice. */
void	host_yield(void);

/* Pause the processor for at most about 40 ns, and do nothing else. */
#ifdef _WQ_SIM
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
 * The asymmetric fence.
 *
 * One thread stores A, calls host_fence_light() and loads B.  Another stores B,
 * calls host_fence_heavy() and loads A.  If host_asymfence is true, at least
 * one of them sees the other's store.
 *
 * If host_asymfence is false, neither call is a fence, and both sides must use
 * sequentially consistent atomics.  Only host_init() writes host_asymfence.
 */
extern bool	host_asymfence;
void	host_fence_heavy(void);
#ifdef _WQ_SIM
#define	host_fence_light()						\
	((void)wqk_simpoint(NULL, _WQ_SIM_LIGHT, __ATOMIC_SEQ_CST))
#else
#define	host_fence_light()	__asm volatile("" ::: "memory")
#endif

/*
 * Tools that watch the client but not this library.  host_watched has a bit for
 * each tool, and is nearly always 0.  Only host_init() writes it.
 *
 * The library tells the tools about the order that its own accesses create.
 * Accesses before host_happens_before() precede accesses after a later
 * host_happens_after() with the same address.  Neither call accesses the
 * address.
 *
 * host_unwatched() declares memory that the library synchronises itself.
 * host_access_item() tells the tools of a write to an item's word.  The library
 * must have ordered this write.  host_check_item() tells only those tools that
 * ignore the order.
 */
#define	HOST_WATCH_TSAN		0x01
#define	HOST_WATCH_ASAN		0x02
#define	HOST_WATCH_HELGRIND	0x04
#define	HOST_WATCH_DRD		0x08
extern unsigned host_watched;
void	host_happens_before(const void *);
void	host_happens_after(const void *);
void	host_unwatched(void *, size_t);
void	host_access_item(const void *);
void	host_check_item(const void *);

/* A tool reports accesses to freed memory.  Only host_init() writes it. */
extern bool	host_heapwatched;

/* Return false if memcheck finds a part of the memory uninitialised. */
bool	host_written(const void *, size_t);

/*
 * Allocate memory, or return NULL.  Thread context.
 *
 * host_alloc() zeroes it and aligns it to a cache line of 64 bytes.
 * host_malloc() is the C allocator.  host_memalign() aligns it to a power of
 * two, and does not zero it.
 */
void	*host_alloc(size_t);
void	*host_malloc(size_t);
void	*host_memalign(size_t align, size_t);
void	 host_free(void *);

/*
 * host_monotime() returns nanoseconds of a clock that is never stepped.
 * host_realtime() returns nanoseconds of the wall clock.
 */
int64_t	host_monotime(void);
int64_t	host_realtime(void);
uint64_t host_random(void);		/* fast; predictable */

/*
 * Get unpredictable bytes from the host.  Async-signal-safe.  If the system has
 * getentropy(3), this needs no descriptor.
 */
void	host_entropy(void *, size_t);

/*
 * Find the CPUs that the process may use, by its affinity mask and its quota.
 * Store at most max numbers.  Return the number of CPUs, at least 1.  Set
 * *bindp to true if threads may be bound to these CPUs.  They may not if a
 * quota permits fewer CPUs than the mask.
 */
int	host_cpus(int *ids, int max, bool *bindp);

/* Return the number of the caller's CPU, or -1.  Async-signal-safe. */
int	host_curcpu(void);

/*
 * hp[0] is a descriptor for poll(2).  It is readable from host_pollfd_notify()
 * until host_pollfd_clear().  Its number is above those of stdio, and execve(2)
 * closes it.  host_pollfd_notify() is async-signal-safe and keeps errno.
 * host_pollfd_open() returns 0 or an errno value.
 */
int	host_pollfd_open(int hp[2]);
void	host_pollfd_notify(const int hp[2]);
void	host_pollfd_clear(const int hp[2]);
void	host_pollfd_close(const int hp[2]);

/*
 * Return 0 if the process can open n more descriptors now, or an errno value.
 * Thread context.  The call is for code that would have to end the process if
 * it could not open a descriptor.
 */
int	host_descriptors(int n);

/*
 * Write a whole message to standard error, or to standard output.  Both keep
 * errno and are async-signal-safe.
 */
void	host_write(const char *, size_t);
void	host_write_out(const char *, size_t);

/*
 * Write a whole message to a descriptor of the client's.  Return 0 or an errno
 * value.
 */
int	host_write_to(int, const char *, size_t);

/*
 * Write to standard error from a thread that must not wait for long.  If the
 * reader does not take everything within a second, drop the rest and return
 * false.
 */
bool	host_write_soon(const char *, size_t);
void	host_abort(void) __attribute__((__noreturn__));

/*
 * Find the module that contains an address of code or data.  Store the module's
 * file name, the offset for addr2line(1), the name of the function or object at
 * the address, and the offset in it.  An unknown part is empty.  hs_own is true
 * if the module is a shared library of this project.  hs_code is true if the
 * address is in code.  Return false if no module contains the address.  The
 * call opens nothing, allocates nothing, and does not wait for the constructors
 * of a module.
 */
struct host_symbol {
	uintptr_t	hs_offset;
	uintptr_t	hs_nameoff;
	char		hs_module[40];
	char		hs_name[64];
	bool		hs_own;
	bool		hs_code;
};
bool	host_symbol(uintptr_t, struct host_symbol *);

/* Make the names of the program's static functions known, if possible. */
void	host_symbol_init(void);

/*
 * Store at most n return addresses of the stack, innermost first, and return
 * their number.  If the function is not NULL, stop after the first address for
 * which it returns true.  Async-signal-safe.
 */
int	host_backtrace(uintptr_t *, int, bool (*)(uintptr_t));

/*
 * Return an environment variable, or NULL.  If the program runs with more
 * rights than its caller, return NULL, so that the caller cannot influence it.
 */
const char *host_getenv(const char *);

/*
 * Copy memory of this process that another thread may be freeing.  Return false
 * if it is not mapped, or if the host cannot copy it safely.
 * Async-signal-safe.
 */
bool	host_peek(void *, uintptr_t, size_t);

/*
 * host_stack() stores at most max return addresses of the stack of another
 * thread, innermost first.  It returns their number, or 0 if the host cannot
 * find them.  A system call of the other thread may fail with EINTR.  Only one
 * thread at a time may call host_stack().
 *
 * The other thread must come from host_thread_create(), called after
 * host_stack_init().  host_stack_init() takes a signal, if no other code uses
 * it.
 */
void	host_stack_init(void);
int	host_stack(long tid, uintptr_t *, int);

/* Return the process ID, and the name of the process. */
int	host_getpid(void);
const char *host_getprogname(void);

/*
 * Register functions to call before fork(2), and after it in the parent and in
 * the child.  A child must call host_forked() before it parks or starts a
 * thread.
 */
int	host_atfork(void (*)(void), void (*)(void), void (*)(void));
void	host_forked(void);

/*
 * Make the host zero these pages of static memory in every child that has a
 * copy of them, even if the functions of host_atfork() do not run in the child.
 * Return false if the host cannot do this.  HOST_PAGEMAX is a multiple of every
 * page size.
 */
#if defined(__x86_64__) || defined(__i386__)
#define	HOST_PAGEMAX	4096
#else
#define	HOST_PAGEMAX	65536
#endif
bool	host_wipe(void *, size_t);

/*
 * host_share() returns zeroed memory that parent and children share, or NULL.
 * host_unshare() frees this memory.
 */
void	*host_share(size_t);
void	host_unshare(void *, size_t);

/* Register a function for exit(3).  Return 0 or an errno value. */
int	host_atexit(void (*)(void));

/*
 * For tests: a hook that the back end calls at these points.
 *
 * At HOST_POINT_ALLOC the pointer is the address of the size.  If the hook then
 * returns a value other than 0, the allocation returns NULL.  At
 * HOST_POINT_THREAD the pointer is the struct host_thread.  If the hook then
 * returns a value other than 0, host_thread_create() returns this value.
 *
 * HOST_POINT_PARK comes before the thread looks for its token, and
 * HOST_POINT_UNPARK before the token is given.  The pointer is the struct
 * host_park.
 *
 * The hook is accessed by relaxed atomics; see host_point().
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
