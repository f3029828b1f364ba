/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Threads, and the signals that they take.  All back ends use this file.
 */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <host/host_var.h>

_Static_assert(sizeof(pthread_t) <= sizeof(unsigned long),
    "pthread_t does not fit ht_space");

_Thread_local void *host_selfword;

#ifdef __GLIBC__
/* host_thread_exit() jumps to this place in the thread's first frame. */
static _Thread_local sigjmp_buf *host_base;
#endif

/* Only host_init() writes these. */
static pthread_key_t host_key;
static int host_keyerror;
static void (*host_threadexit)(void *);

/*
 * The signals that are used as interrupts.  One thread at a time establishes a
 * handler and writes hs_handler.  Threads and handlers read it atomically.
 */
#define	HOST_NSIG	65

static struct {
	void		(*hs_handler)(int);
	struct sigaction hs_old;
} host_signals[HOST_NSIG];

/*
 * Handle the end of an attached thread.  If another key's destructor attaches
 * the thread again, this key has a value again.  Then the C library calls this
 * function again in its next round.
 */
void
host_key_destroy(void *self)
{

	(*atomic_load_relaxed(&host_threadexit))(self);
	host_setself(NULL);
}

void
host_thread_onexit(void (*func)(void *))
{
	void (*none)(void *) = NULL;

	/* Relaxed: pthread_once() and pthread_create() publish it. */
	(void)atomic_cas_relaxed(&host_threadexit, &none, func);
}

void
host_thread_init(void)
{

	host_keyerror = pthread_key_create(&host_key, host_key_destroy);
}

/*
 * Prepare ThreadSanitizer for signals.  It defers an asynchronous signal until
 * the thread makes a blocking call that it intercepts.  The first such call of
 * a thread allocates the memory for deferred signals, and a signal that arrives
 * during this call is lost (LLVM 14).  So make that call here, while no signal
 * can arrive.
 */
static void
host_settle(void)
{
#ifdef HOST_TSAN
	struct timespec ts = { .tv_sec = 0, .tv_nsec = 0 };
	sigset_t all, old;
	int ostate;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)nanosleep(&ts, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_setcancelstate(ostate, &ostate);
#endif
}

int
host_attach(void *self)
{

	if (host_keyerror != 0)
		return host_keyerror;
	host_settle();
	return pthread_setspecific(host_key, self);
}

uintptr_t
host_selfkey(void)
{

	return (uintptr_t)&host_selfword;
}

/*
 * Unblock the signals that a thread of the library takes: those of its own
 * faults, SIGPROF, and the interrupts.
 *
 * Leave SIGABRT as it is in the creator, for two reasons.  Since glibc 2.41,
 * abort(3) calls a handler only if the thread does not block SIGABRT.  And if a
 * program takes SIGABRT by sigwait(3), every thread must block it.
 */
static void
host_thread_sigmask(const struct host_thread *ht)
{
	static const int open[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL,
#ifdef SIGTRAP
		SIGTRAP,
#endif
#ifdef SIGSYS
		SIGSYS,
#endif
#ifdef SIGPROF
		SIGPROF,
#endif
	};
	sigset_t set;
	size_t i;

	(void)sigfillset(&set);
	for (i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		(void)sigdelset(&set, open[i]);
	for (i = 1; i < HOST_NSIG; i++)
		if ((ht->ht_signals & (uint64_t)1 << (i - 1)) != 0)
			(void)sigdelset(&set, (int)i);
	if (!ht->ht_noabort)
		(void)sigdelset(&set, SIGABRT);
	(void)pthread_sigmask(SIG_SETMASK, &set, NULL);
}

/*
 * Handle the end of a thread of the library that calls pthread_exit(3) and not
 * host_thread_exit().
 */
static void
host_thread_left(void *arg)
{
	void *self;

	(void)arg;
	if ((self = host_self()) != NULL)
		(*atomic_load_relaxed(&host_threadexit))(self);
}

#ifdef __GLIBC__
/*
 * Call the function of a thread below a gap in the stack.  If the function ends
 * the thread, glibc removes the frames of the function and then calls
 * host_thread_left().  But other threads still read records in these frames,
 * until host_thread_left() aborts the process.  It works in the gap, so it does
 * not overwrite them.
 */
#define	HOST_THREAD_GAP	16384		/* bytes */

static __attribute__((__noinline__)) void
host_thread_call(const struct host_thread *ht)
{
	char gap[HOST_THREAD_GAP];

	__asm volatile("" : : "r" (gap) : "memory");
	(*ht->ht_func)(ht->ht_arg);
	/* Do not end with a call that would take the place of this frame. */
	__asm volatile("" : : "r" (gap) : "memory");
}
#else
/* Other C libraries do not remove the frames of the function. */
#define	host_thread_call(ht)	(*(ht)->ht_func)((ht)->ht_arg)
#endif

void *
host_thread_main(void *arg)
{
	struct host_thread *ht = arg;
	pthread_t tid = pthread_self();
#ifdef __GLIBC__
	sigjmp_buf base;
#endif
	int ostate;

	/*
	 * Store the ID here and not in the creator.  The creator may run late,
	 * and would then write to a structure that is gone.
	 */
	memcpy(&ht->ht_space[HT_PTHREAD], &tid, sizeof(tid));
	/* Release: pairs with host_thread_tid(). */
	atomic_store_release(&ht->ht_space[HT_KNOWN], 1UL);
	host_settle();
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	host_md_thread_start(ht);
	host_thread_sigmask(ht);
	pthread_cleanup_push(host_thread_left, NULL);
#ifdef __GLIBC__
	host_base = &base;
	if (sigsetjmp(base, 0) == 0)
#endif
		host_thread_call(ht);
	pthread_cleanup_pop(0);
	return NULL;
}

static void
host_signal(int signo)
{
	void (*handler)(int);
	int serrno;

	serrno = errno;
	/* Relaxed: hs_handler was set before sigaction(2). */
	handler = atomic_load_relaxed(&host_signals[signo].hs_handler);
	if (handler != NULL)
		(*handler)(signo);
	errno = serrno;
}

bool
host_signal_is(int signo, void (*handler)(int))
{
	struct sigaction sa;

	return sigaction(signo, NULL, &sa) == 0 &&
	    (sa.sa_flags & SA_SIGINFO) == 0 && sa.sa_handler == host_signal &&
	    atomic_load_relaxed(&host_signals[signo].hs_handler) == handler;
}

int
host_signal_establish(int signo, void (*handler)(int))
{
	struct sigaction sa;
	sigset_t set;

	if (signo < 1 || signo >= HOST_NSIG)
		return EINVAL;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = host_signal;
	/* No SA_NODEFER: with it, queued signals could overflow the stack. */
	sa.sa_flags = SA_RESTART;
	(void)sigemptyset(&sa.sa_mask);
	atomic_store_relaxed(&host_signals[signo].hs_handler, handler);
	if (sigaction(signo, &sa, &host_signals[signo].hs_old) == -1) {
		atomic_store_relaxed(&host_signals[signo].hs_handler, NULL);
		return errno;
	}
	(void)sigemptyset(&set);
	(void)sigaddset(&set, signo);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
#ifdef _WQ_SIM
	sim_signal_established(signo, true);
#endif
	return 0;
}

void
host_signal_release(int signo)
{

#ifdef _WQ_SIM
	sim_signal_established(signo, false);
#endif
	(void)sigaction(signo, &host_signals[signo].hs_old, NULL);
	atomic_store_relaxed(&host_signals[signo].hs_handler, NULL);
}

int
host_thread_create(struct host_thread *ht, void (*func)(void *), void *arg,
    const char *name, int hostcpu)
{
	sigset_t set, oset;
	pthread_t tid;
	size_t i;
	int error;

	memset(ht, 0, sizeof(*ht));
	ht->ht_func = func;
	ht->ht_arg = arg;
	ht->ht_hostcpu = hostcpu;
	if (name != NULL)
		for (i = 0; i < sizeof(ht->ht_name) - 1 && name[i] != '\0'; i++)
			ht->ht_name[i] = name[i];
	for (i = 1; i < HOST_NSIG; i++)
		if (atomic_load_relaxed(&host_signals[i].hs_handler) != NULL)
			ht->ht_signals |= (uint64_t)1 << (i - 1);
	host_md_thread_prepare(ht);

	error = host_point(HOST_POINT_THREAD, ht);
	if (error != 0)
		return error;

	/*
	 * Block all signals during pthread_create().  The new thread inherits
	 * this mask, and must take no signal until it sets a mask of its own.
	 */
	(void)sigfillset(&set);
	(void)pthread_sigmask(SIG_SETMASK, &set, &oset);
	ht->ht_noabort = sigismember(&oset, SIGABRT);
	error = pthread_create(&tid, NULL, host_thread_main, ht);
	(void)pthread_sigmask(SIG_SETMASK, &oset, NULL);
	return error;
}

/* Return the thread's ID.  Wait until the new thread has stored it. */
static pthread_t
host_thread_tid(struct host_thread *ht)
{
	pthread_t tid;
	unsigned n = 0;

	/* Acquire: pairs with the release in host_thread_main(). */
	while (atomic_load_acquire(&ht->ht_space[HT_KNOWN]) == 0)
		host_relax(&n);
	memcpy(&tid, &ht->ht_space[HT_PTHREAD], sizeof(tid));
	return tid;
}

void
host_thread_join(struct host_thread *ht)
{
	pthread_t tid;
	int error, ostate;

	tid = host_thread_tid(ht);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	error = pthread_join(tid, NULL);
	(void)pthread_setcancelstate(ostate, &ostate);
	if (error != 0)
		host_die("panic: host_thread_join: no such thread\n");
}

void
host_thread_detach(struct host_thread *ht)
{

	(void)pthread_detach(host_thread_tid(ht));
}

/*
 * On glibc, return from the thread's first function.  glibc's pthread_exit(3)
 * loads a library to unwind the stack.  This needs the file system, a free
 * descriptor and the loader's lock.
 *
 * Other C libraries keep a list of cleanup handlers on the stack, and call them
 * after the first function has returned.  With those, call pthread_exit(3).
 */
void
host_thread_exit(void)
{

#ifdef __GLIBC__
	siglongjmp(*host_base, 1);
#else
	pthread_exit(NULL);
#endif
}
