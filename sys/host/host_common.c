/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the back ends share: plain POSIX.1-2008 and nothing else.
 */

#include <bsd/stdlib.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/host_var.h>

#define	ALIGNMENT	64
#define	RELAX_TURNS	32		/* of a spin between two yields */

_Static_assert(sizeof(pthread_t) <= sizeof(unsigned long),
    "pthread_t does not fit ht_space");

_Thread_local void *host_selfword;

/* Written by host_init() only, before any other thread can look. */
bool host_asymfence __host_readmostly;

/* Tests set it, anybody reads it; see host_point(). */
host_hook_t host_hook __host_readmostly;

/* Written by host_init() only. */
static pthread_once_t host_once = PTHREAD_ONCE_INIT;
static pthread_key_t host_key;
static int host_keyerror;
static void (*host_threadexit)(void *);

/*
 * The signals that are interrupts.  hs_handler by whoever establishes them,
 * one at a time, and read atomically by threads and handlers.
 */
#define	HOST_NSIG	65

static struct {
	void		(*hs_handler)(int);
	struct sigaction hs_old;
} host_signals[HOST_NSIG];

/* The state of host_random(); anybody, atomically. */
static uint64_t host_seed;

/*
 * A thread that was attached ends.  Should the destructor of another key
 * attach it again, the key has a value again and the next round comes here.
 */
static void
host_key_destroy(void *self)
{

	(*atomic_load_relaxed(&host_threadexit))(self);
	host_setself(NULL);
}

static void
host_init_once(void)
{

	host_seed = (uint64_t)host_monotime() ^
	    ((uint64_t)host_realtime() << 20) ^ (uintptr_t)&host_key;
	host_keyerror = pthread_key_create(&host_key, host_key_destroy);
	host_md_init();
}

void
host_init(void (*threadexit)(void *))
{
	void (*none)(void *) = NULL;

	/* Relaxed: pthread_once() and pthread_create() publish it. */
	(void)atomic_cas_relaxed(&host_threadexit, &none, threadexit);
	(void)pthread_once(&host_once, host_init_once);
}

/*
 * ThreadSanitizer keeps an asynchronous signal for the next call that it
 * knows to block, in memory that it maps in a thread's first such call; it
 * forgets a signal that arrives while it does (LLVM 14).  So that call is
 * made here, when none can arrive.
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

static void *
host_thread_main(void *arg)
{
	struct host_thread *ht = arg;
	pthread_t tid = pthread_self();
	int ostate;

	/* Not the creator, which may be late: the record may be gone then. */
	memcpy(&ht->ht_space[HT_PTHREAD], &tid, sizeof(tid));
	/* Release: pairs with host_thread_tid(). */
	atomic_store_release(&ht->ht_space[HT_KNOWN], 1UL);
	host_settle();
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	host_md_thread_start(ht);
	(*ht->ht_func)(ht->ht_arg);
	return NULL;
}

static void
host_signal(int signo)
{
	void (*handler)(int);
	int serrno;

	serrno = errno;
	/* Relaxed: it was set before the handler was installed. */
	handler = atomic_load_relaxed(&host_signals[signo].hs_handler);
	if (handler != NULL)
		(*handler)(signo);
	errno = serrno;
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
	/* Not SA_NODEFER: queued signals would pile up on the stack. */
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
	return 0;
}

void
host_signal_release(int signo)
{

	(void)sigaction(signo, &host_signals[signo].hs_old, NULL);
	atomic_store_relaxed(&host_signals[signo].hs_handler, NULL);
}

int
host_thread_create(struct host_thread *ht, void (*func)(void *), void *arg,
    const char *name, int hostcpu)
{
	static const int synchronous[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT,
#ifdef SIGTRAP
		SIGTRAP,
#endif
#ifdef SIGSYS
		SIGSYS,
#endif
	};
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
	host_md_thread_prepare(ht);

	error = host_point(HOST_POINT_THREAD, ht);
	if (error != 0)
		return error;

	/* The new thread inherits the mask: no signal finds it unmasked. */
	(void)sigfillset(&set);
	for (i = 0; i < sizeof(synchronous) / sizeof(synchronous[0]); i++)
		(void)sigdelset(&set, synchronous[i]);
	for (i = 1; i < HOST_NSIG; i++)
		if (atomic_load_relaxed(&host_signals[i].hs_handler) != NULL)
			(void)sigdelset(&set, (int)i);
	(void)pthread_sigmask(SIG_SETMASK, &set, &oset);
	error = pthread_create(&tid, NULL, host_thread_main, ht);
	(void)pthread_sigmask(SIG_SETMASK, &oset, NULL);
	return error;
}

/* Which thread it is; a new one says so as the first thing. */
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

void
host_thread_exit(void)
{

	pthread_exit(NULL);
}

void
host_relax(unsigned *np)
{
	int serrno;

	if (++*np % RELAX_TURNS != 0) {
		host_pause();
		return;
	}
	serrno = errno;
	host_md_yield(*np / RELAX_TURNS);
	errno = serrno;
}

void
host_yield(void)
{
	int serrno;

	serrno = errno;
	host_md_yield(1);
	errno = serrno;
}

void *
host_alloc(size_t size)
{
	void *p;

	if (host_point(HOST_POINT_ALLOC, &size) != 0)
		return NULL;
	if (size == 0)
		size = 1;
	if (size > SIZE_MAX - (ALIGNMENT - 1))
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (posix_memalign(&p, ALIGNMENT, size) != 0)
		return NULL;
	return memset(p, 0, size);
}

void *
host_malloc(size_t size)
{

	if (host_point(HOST_POINT_ALLOC, &size) != 0)
		return NULL;
	return malloc(size != 0 ? size : 1);
}

void *
host_memalign(size_t align, size_t size)
{
	void *p;

	if (host_point(HOST_POINT_ALLOC, &size) != 0)
		return NULL;
	if (posix_memalign(&p, align, size != 0 ? size : 1) != 0)
		return NULL;
	return p;
}

void
host_free(void *p)
{

	free(p);
}

static __host_hot int64_t
host_clock(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

__host_hot int64_t
host_monotime(void)
{

	return host_clock(CLOCK_MONOTONIC);
}

int64_t
host_realtime(void)
{

	return host_clock(CLOCK_REALTIME);
}

/*
 * A Weyl sequence, which any number of threads may advance, and a mixer of
 * its steps (splitmix64).  Relaxed: the numbers order nothing.
 */
uint64_t
host_random(void)
{
	uint64_t z;

	z = atomic_fetch_add_relaxed(&host_seed, 0x9e3779b97f4a7c15U);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

void
host_entropy(void *buf, size_t len)
{
	unsigned char *p = buf;
	ssize_t n;
	int fd, ostate, serrno;

	serrno = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	while ((fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC)) == -1)
		if (errno != EINTR)
			host_die("panic: no /dev/urandom\n");
	while (len > 0) {
		n = read(fd, p, len);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0 || errno != EINTR)
			host_die("panic: /dev/urandom cannot be read\n");
	}
	(void)close(fd);
	(void)pthread_setcancelstate(ostate, &ostate);
	errno = serrno;
}

static void
host_writefd(int fd, const char *s, size_t len)
{
	struct pollfd pfd;
	ssize_t n;
	int ostate, serrno;

	serrno = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	while (len > 0) {
		n = write(fd, s, len);
		if (n > 0) {
			s += n;
			len -= (size_t)n;
		} else if (n == -1 && errno == EAGAIN) {
			/* Somebody made it non-blocking. */
			pfd.fd = fd;
			pfd.events = POLLOUT;
			(void)poll(&pfd, 1, -1);
		} else if (n == 0 || errno != EINTR)
			break;
	}
	(void)pthread_setcancelstate(ostate, &ostate);
	errno = serrno;
}

/*
 * A pipe with at most some bytes in it; both ends never block.
 */
int
host_pollfd_open(int hp[2])
{
	int error, i;

	if (pipe(hp) == -1)
		return errno;
	for (i = 0; i < 2; i++)
		if (fcntl(hp[i], F_SETFD, FD_CLOEXEC) == -1 ||
		    fcntl(hp[i], F_SETFL, O_NONBLOCK) == -1) {
			error = errno;
			host_pollfd_close(hp);
			return error;
		}
	return 0;
}

void
host_pollfd_notify(const int hp[2])
{
	int ostate, serrno;

	serrno = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	/* If the pipe is full it is readable, which is all we want. */
	while (write(hp[1], "", 1) == -1 && errno == EINTR)
		continue;
	(void)pthread_setcancelstate(ostate, &ostate);
	errno = serrno;
}

void
host_pollfd_clear(const int hp[2])
{
	char buf[64];
	ssize_t n;
	int ostate, serrno;

	serrno = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	do {
		n = read(hp[0], buf, sizeof(buf));
	} while (n == (ssize_t)sizeof(buf) || (n == -1 && errno == EINTR));
	(void)pthread_setcancelstate(ostate, &ostate);
	errno = serrno;
}

void
host_pollfd_close(const int hp[2])
{
	int ostate;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	(void)close(hp[0]);
	(void)close(hp[1]);
	(void)pthread_setcancelstate(ostate, &ostate);
}

void
host_write(const char *s, size_t len)
{

	host_writefd(STDERR_FILENO, s, len);
}

void
host_write_out(const char *s, size_t len)
{

	host_writefd(STDOUT_FILENO, s, len);
}

void
host_abort(void)
{

	abort();
}

void
host_die(const char *msg)
{

	host_write(msg, strlen(msg));
	host_abort();
}

int
host_getpid(void)
{

	return (int)getpid();
}

const char *
host_getprogname(void)
{

	return getprogname();
}

int
host_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{

	return pthread_atfork(prepare, parent, child);
}
