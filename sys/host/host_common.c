/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Memory, clocks, random numbers and the process, for any POSIX.1-2008 system.
 */

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/host_trace.h>
#include <host/host_var.h>

#define	ALIGNMENT	64
#define	RELAX_TURNS	32		/* spin turns between two yields */
#define	ENTROPY_MAX	256		/* bytes per getentropy(3) call */

/* POSIX has getentropy(3) since 2024.  Headers for older versions hide it. */
int	getentropy(void *, size_t);

/* glibc and musl have the variable; the BSDs have the function. */
#ifdef __linux__
extern char *program_invocation_short_name;
#else
const char *getprogname(void);
#endif

/* Only host_init() writes it, before any other thread can read it. */
bool host_asymfence __host_readmostly;

/* Tests set it, and any thread reads it; see host_point(). */
host_hook_t host_hook __host_readmostly;

/* Only host_init() uses it. */
static pthread_once_t host_once = PTHREAD_ONCE_INIT;

/* The state of host_random().  Any thread updates it, atomically. */
static __atomic64_t host_seed;

static void
host_init_once(void)
{

	host_seed = (uint64_t)host_monotime() ^
	    ((uint64_t)host_realtime() << 20) ^ (uintptr_t)&host_seed;
	host_thread_init();
	host_watch_init();
	if (host_watched != 0)
		host_symbol_unwatch();
	host_md_init();
}

void
host_init(void (*threadexit)(void *))
{

	host_thread_onexit(threadexit);
	(void)pthread_once(&host_once, host_init_once);
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
	if (__builtin_expect(host_watched != 0, 0))
		host_unwatched(p, size);
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
 * Return a random number by splitmix64: add a constant to the state, and mix
 * the result.  Any number of threads may call this at once.  Relaxed: the
 * numbers order nothing.
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

/*
 * Give a forked child its own random numbers, so that two processes that exist
 * at the same time have different sequences.
 */
void
host_forked(void)
{

	(void)atomic_fetch_add_relaxed(&host_seed,
	    ((uint64_t)getpid() << 32 ^ (uint64_t)host_monotime()) *
	    0xd6e8feb86659fd93U);
	host_md_forked();
}

/*
 * Get random bytes on a system that lacks getentropy(3), or where a system call
 * filter refuses it.
 */
static void
host_urandom(unsigned char *p, size_t len)
{
	ssize_t n;
	int fd;

	while ((fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC)) == -1)
		if (errno != EINTR)
			host_die("panic: neither getentropy(3) nor "
			    "/dev/urandom\n");
	while (len > 0) {
		n = read(fd, p, len);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0 || errno != EINTR)
			host_die("panic: /dev/urandom cannot be read\n");
	}
	(void)close(fd);
}

void
host_entropy(void *buf, size_t len)
{
	unsigned char *p = buf;
	size_t n;
	int ostate, serrno;

	serrno = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	for (; len > 0; p += n, len -= n) {
		n = len < ENTROPY_MAX ? len : ENTROPY_MAX;
		if (getentropy(p, n) == -1)
			host_urandom(p, n);
	}
	(void)pthread_setcancelstate(ostate, &ostate);
	errno = serrno;
}

void
host_abort(void)
{
	sigset_t set;

	(void)host_trace_close();
	/* Some versions of abort(3) run no handler while SIGABRT is blocked. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGABRT);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	abort();
}

void
host_die(const char *msg)
{

	(void)host_write_soon(msg, strlen(msg));
	host_abort();
}

#ifndef _WQ_SIM
int
host_getpid(void)
{

	return (int)getpid();
}
#endif

const char *
host_getprogname(void)
{

#ifdef __linux__
	return program_invocation_short_name;
#else
	return getprogname();
#endif
}

void *
host_share(size_t size)
{
	void *p;
	int serrno;
#ifndef MAP_ANONYMOUS
	int fd;
#endif

	serrno = errno;
#ifdef MAP_ANONYMOUS
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
#else
	p = MAP_FAILED;
	if ((fd = open("/dev/zero", O_RDWR | O_CLOEXEC)) != -1) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
		(void)close(fd);
	}
#endif
	errno = serrno;
	return p == MAP_FAILED ? NULL : p;
}

void
host_unshare(void *p, size_t size)
{

	(void)munmap(p, size);
}

int
host_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{

	return pthread_atfork(prepare, parent, child);
}

int
host_atexit(void (*func)(void))
{

	return atexit(func) != 0 ? ENOMEM : 0;
}
