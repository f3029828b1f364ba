/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Linux: the back end's capabilities, futex(2) and membarrier(2).
 */

#ifndef _GNU_SOURCE
#define	_GNU_SOURCE
#endif

#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <linux/futex.h>
#include <linux/membarrier.h>

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/host_linux.h>
#include <host/host_var.h>

#define	YIELD_SLEEP	32		/* turns of a spin before it sleeps */
#define	SLEEP_NS	50000
#define	TSAN_SLICE_NS	10000000

struct parker {
	uint32_t	p_state;	/* the futex: PARK_* */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct parker) <= sizeof(struct host_park),
    "struct parker does not fit hp_space");

/*
 * True after host_wipe() has succeeded.  Only host_wipe() writes this, when the
 * library starts.
 */
static bool host_wiped;

unsigned
host_caps(void)
{
	unsigned caps;
	int serrno = errno;

	caps = HOST_CAP_NAMES | HOST_CAP_AFFINITY | HOST_CAP_PRIORITY |
	    HOST_CAP_CURCPU | HOST_CAP_SPIN;
	if (host_quota_known())
		caps |= HOST_CAP_QUOTA;
	if (host_asymfence)
		caps |= HOST_CAP_ASYMFENCE;
	if (host_asleep_known())
		caps |= HOST_CAP_ASLEEP;
	if (host_wiped)
		caps |= HOST_CAP_CHILD;
	errno = serrno;
	return caps;
}

const char *
host_getenv(const char *name)
{

	/* AT_SECURE: set-user-ID, set-group-ID, or capabilities. */
	return getauxval(AT_SECURE) == 0 ? getenv(name) : NULL;
}

/*
 * Futexes.  Since Linux 5.1, 32-bit systems have futex_time64, with 64-bit
 * times.  Older kernels and some system call filters refuse it.  The newest
 * 32-bit systems have only futex_time64, and 64-bit systems have only futex.
 * If a system has both, call futex_time64 only with a deadline, and call futex
 * if the system refuses futex_time64.
 */

#ifdef SYS_futex
#define	HOST_SYS_FUTEX	SYS_futex
#else
#define	HOST_SYS_FUTEX	SYS_futex_time64
#endif

static inline int
futex_sleep(long call, uint32_t *word, uint32_t val, const void *timep)
{

	return syscall(call, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, val,
	    timep, NULL, FUTEX_BITSET_MATCH_ANY) == 0 ? 0 : errno;
}

/*
 * Sleep while *word is val, until the deadline on the scale of host_monotime().
 * Return 0 or an errno value.
 */
static __host_hot int
futex_wait(uint32_t *word, uint32_t val, int64_t deadline)
{
#ifdef SYS_futex_time64
	int64_t t64[2];
	long t32[2];
	int error;
#else
	struct timespec ts;
#endif

	if (deadline == HOST_FOREVER)
		return futex_sleep(HOST_SYS_FUTEX, word, val, NULL);
#ifdef SYS_futex_time64
	t64[0] = deadline / 1000000000;
	t64[1] = deadline % 1000000000;
	error = futex_sleep(SYS_futex_time64, word, val, t64);
	/* Only a system call filter returns EPERM. */
	if (error != ENOSYS && error != EPERM)
		return error;
	/* The clock began when the system started, so 32 bits are enough. */
	t32[0] = t64[0] < LONG_MAX ? (long)t64[0] : LONG_MAX;
	t32[1] = (long)t64[1];
	return futex_sleep(HOST_SYS_FUTEX, word, val, t32);
#else
	ts.tv_sec = (time_t)(deadline / 1000000000);
	ts.tv_nsec = (long)(deadline % 1000000000);
	return futex_sleep(HOST_SYS_FUTEX, word, val, &ts);
#endif
}

/*
 * Wake the sleeper.  The word exists, so the call cannot fail, and does not
 * change errno.  Do not save errno: this would touch three more cold pages.
 */
static __host_hot void
futex_wake(uint32_t *word)
{

	(void)syscall(HOST_SYS_FUTEX, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
	    1, NULL, NULL, 0);
}

void
host_park_init(struct host_park *hp)
{
	struct parker *p = (struct parker *)hp;

	memset(hp, 0, sizeof(*hp));
	/* Relaxed: the thread that gives the record to others publishes it. */
	atomic_store_relaxed(&p->p_state, (uint32_t)0);
}

/*
 * Only the owner sets PARKED, and only the owner clears bits.  All changes of
 * the word after a token form a release sequence.  The owner reads the last
 * change.  So it sees what each waker did before the waker gave its token.
 */
__host_hot int
host_park(struct host_park *hp, int64_t deadline)
{
	struct parker *p = (struct parker *)hp;
	uint32_t parked, state;
	int64_t until;
	int error;

	(void)host_point(HOST_POINT_PARK, hp);

	/* Relaxed: the exchange that takes the token acquires. */
	state = atomic_load_relaxed(&p->p_state);
	if ((state & PARK_TOKEN) == 0) {
		if (deadline != HOST_FOREVER &&
		    (deadline <= 0 || deadline <= host_monotime()))
			return ETIMEDOUT;
		/*
		 * Relaxed: host_unpark() reads only this word to decide whether
		 * it must wake the owner.
		 */
		parked = state | PARK_PARKED;
		if (atomic_cas_relaxed(&p->p_state, &state, parked)) {
			/* Relaxed: the exchange below acquires. */
			while (atomic_load_relaxed(&p->p_state) == parked) {
				until = deadline;
#ifdef HOST_TSAN
				/*
				 * ThreadSanitizer runs the handlers of
				 * asynchronous signals only in calls that it
				 * knows, such as clock_gettime(2).
				 */
				until = host_monotime() + TSAN_SLICE_NS;
				if (until > deadline)
					until = deadline;
#endif
				error = futex_wait(&p->p_state, parked, until);
				if (error == ETIMEDOUT && until == deadline)
					break;
				if (error != 0 && error != EINTR &&
				    error != EAGAIN && error != ETIMEDOUT)
					host_die("panic: host_park: "
					    "futex refused\n");
			}
		}
	}
	return host_park_take(&p->p_state, state) ? 0 : ETIMEDOUT;
}

bool
host_parkready(const struct host_park *hp)
{
	const struct parker *p = (const struct parker *)hp;

	/* Relaxed: this is a hint. */
	return (atomic_load_relaxed(&p->p_state) & PARK_TOKEN) != 0;
}

__host_hot void
host_unpark(struct host_park *hp)
{
	struct parker *p = (struct parker *)hp;
	uint32_t state;

	(void)host_point(HOST_POINT_UNPARK, hp);

	if ((state = host_park_give(&p->p_state)) != 0) {
		futex_wake(&p->p_state);
		host_park_woken(&p->p_state, state);
	}
}

/*
 * Yield.  Every YIELD_SLEEP turns, sleep instead.  A real-time thread that only
 * yielded would occupy the CPU, and the thread that it waits for might never
 * run.  Sleep in futex_wait(), because it is not a cancellation point.
 */
void
host_md_yield(unsigned n)
{
	uint32_t word = 0;

	if (n % YIELD_SLEEP != 0)
		(void)sched_yield();
	else
		(void)futex_wait(&word, 0, host_monotime() + SLEEP_NS);
}

/*
 * The asymmetric fence, by membarrier(2).
 */

static bool
membarrier_register(void)
{

	return syscall(SYS_membarrier,
	    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

static bool
membarrier_fence(void)
{

	return syscall(SYS_membarrier,
	    MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void
host_fence_heavy(void)
{
	int serrno;

	if (!host_asymfence)
		return;
	serrno = errno;
	/*
	 * A child of fork(2) inherits the registration.  If the fence fails,
	 * the kernel may have lost the registration, so register again.  If
	 * this does not help, a filter that was installed later refuses the
	 * call.  Panic then: without the fence, wake-ups would be lost.
	 */
	if (!membarrier_fence() &&
	    (!membarrier_register() || !membarrier_fence()))
		host_die("panic: host_fence_heavy: membarrier refused\n");
	errno = serrno;
}

bool
host_wipe(void *p, size_t size)
{

#ifdef MADV_WIPEONFORK
	host_wiped = size % (size_t)sysconf(_SC_PAGESIZE) == 0 &&
	    madvise(p, size, MADV_WIPEONFORK) == 0;
	return host_wiped;
#else
	(void)p;
	(void)size;
	return false;
#endif
}

void
host_md_forked(void)
{

}

void
host_md_init(void)
{

	host_sched_init();
	/* Try both calls: a system call filter may permit only one of them. */
	host_asymfence = membarrier_register() && membarrier_fence();
}
