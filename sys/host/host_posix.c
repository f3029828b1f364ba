/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any POSIX.1-2008 system: pthreads, and semaphores if the system has them.
 */

#include <sys/resource.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/host_var.h>

#define	POLL_MIN_NS	1000000
#define	POLL_MAX_NS	50000000
#define	YIELD_SLEEP	32		/* yields of a spin between sleeps */
#define	SLEEP_NS	50000
#define	BEDS		64		/* a power of two */
#define	BED_NS		50000000	/* how long a sleeper blocks signals */

struct parker {
	uint32_t	p_state;	/* PARK_* */
	sem_t		p_sem;		/* posted to make the owner look */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct parker) <= sizeof(struct host_park),
    "struct parker does not fit hp_space");
_Static_assert(_Alignof(struct parker) <= _Alignof(struct host_park),
    "struct parker is not aligned in hp_space");

/* A timed park, on the stack of its thread. */
struct timer {
	struct timer	*t_next;
	struct timer	**t_prevp;	/* NULL: not on the list */
	struct parker	*t_parker;
	uint32_t	t_parked;	/* p_state while the thread sleeps */
	int64_t		t_deadline;
	unsigned	t_gen;		/* timer_gen when armed, 0 before */
};

/*
 * The timer thread's state; timer_lock guards it.  The thread sleeps until
 * timer_next, which may be HOST_FOREVER.  After a fork, the child has a new
 * timer_gen, and no timer thread.
 */
static pthread_mutex_t timer_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t timer_cv;
static struct timer *timer_list;
static int64_t timer_next;
static unsigned timer_gen = 1;
static bool timer_running;

unsigned
host_caps(void)
{

	return HOST_CAP_SPIN;
}

const char *
host_getenv(const char *name)
{

	if (getuid() != geteuid() || getgid() != getegid())
		return NULL;
	return getenv(name);
}

/*
 * Condition variables on the monotonic clock.  On macOS, only a relative
 * timeout uses that clock.
 */

static int
cv_make(pthread_cond_t *cv)
{
#ifdef __APPLE__

	return pthread_cond_init(cv, NULL);
#else
	pthread_condattr_t attr;
	int error;

	error = pthread_condattr_init(&attr);
	if (error != 0)
		return error;
	error = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (error == 0)
		error = pthread_cond_init(cv, &attr);
	(void)pthread_condattr_destroy(&attr);
	return error;
#endif
}

static struct timespec
ns_timespec(int64_t ns)
{
	struct timespec ts;

	ts.tv_sec = (time_t)(ns / 1000000000);
	ts.tv_nsec = (long)(ns % 1000000000);
	return ts;
}

static void
cv_sleep(pthread_cond_t *cv, pthread_mutex_t *lock, int64_t deadline)
{
	struct timespec ts;
#ifdef __APPLE__
	int64_t left = deadline - host_monotime();

	ts = ns_timespec(left > 0 ? left : 0);
	(void)pthread_cond_timedwait_relative_np(cv, lock, &ts);
#else

	ts = ns_timespec(deadline);
	(void)pthread_cond_timedwait(cv, lock, &ts);
#endif
}

/*
 * Timed parks.  sem_timedwait(3) uses the wall clock.  If that clock is set
 * back by an hour, the call sleeps an hour longer.  So a timed park sleeps
 * without a timeout, and the timer thread posts its semaphore at the deadline.
 * The timer thread sleeps on a condition variable, which can use the monotonic
 * clock.
 */

static void
timer_unlink(struct timer *t)
{

	*t->t_prevp = t->t_next;
	if (t->t_next != NULL)
		t->t_next->t_prevp = t->t_prevp;
	t->t_prevp = NULL;
}

/* Wake the parks whose deadline has come.  Return the next deadline. */
static int64_t
timer_scan(int64_t now)
{
	struct timer *next, *t;
	int64_t least = HOST_FOREVER;
	uint32_t state;

	for (t = timer_list; t != NULL; t = next) {
		next = t->t_next;
		if (t->t_deadline > now) {
			if (t->t_deadline < least)
				least = t->t_deadline;
			continue;
		}
		timer_unlink(t);
		/* Relaxed: a timeout carries no data. */
		state = t->t_parked;
		(void)atomic_cas_relaxed(&t->t_parker->p_state, &state,
		    state & ~PARK_PARKED);
		/*
		 * Post the semaphore even if there is a token, because the
		 * waker may have been stopped before it posts.
		 */
		(void)sem_post(&t->t_parker->p_sem);
	}
	return least;
}

static void *
timer_main(void *arg)
{
	int ostate;

	host_sched_process();
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	(void)pthread_mutex_lock(&timer_lock);
	for (;;) {
		timer_next = timer_scan(host_monotime());
		if (timer_next == HOST_FOREVER) {
			(void)pthread_cond_wait(&timer_cv, &timer_lock);
			continue;
		}
		cv_sleep(&timer_cv, &timer_lock, timer_next);
	}
	return arg;
}

/* Start the timer thread if it is not running.  The caller holds timer_lock. */
static int
timer_start(void)
{
	sigset_t set, oset;
	pthread_t tid;
	int error;

	if (timer_running)
		return 0;
	/*
	 * After a fork, the condition variable may still count a waiter of the
	 * parent, so do not destroy it.
	 */
	memset(&timer_cv, 0, sizeof(timer_cv));
	error = cv_make(&timer_cv);
	if (error != 0)
		return error;

	/* The new thread waits for the lock, so it sees the new value. */
	timer_next = HOST_FOREVER;
	(void)sigfillset(&set);
	(void)pthread_sigmask(SIG_SETMASK, &set, &oset);
	error = pthread_create(&tid, NULL, timer_main, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &oset, NULL);
	if (error != 0) {
		(void)pthread_cond_destroy(&timer_cv);
		return error;
	}
	(void)pthread_detach(tid);
	timer_running = true;
	return 0;
}

/*
 * Make the timer thread wake t's parker at the deadline.  A second call for the
 * same t has no effect, except in a forked child.  Return 0, or an errno value
 * if the timer thread cannot be started.
 */
static int
timer_arm(struct timer *t)
{
	int error = 0;

	(void)pthread_mutex_lock(&timer_lock);
	if (t->t_gen != timer_gen) {
		error = timer_start();
		if (error == 0) {
			t->t_gen = timer_gen;
			t->t_next = timer_list;
			if (t->t_next != NULL)
				t->t_next->t_prevp = &t->t_next;
			t->t_prevp = &timer_list;
			timer_list = t;
			if (t->t_deadline < timer_next)
				(void)pthread_cond_signal(&timer_cv);
		}
	}
	(void)pthread_mutex_unlock(&timer_lock);
	return error;
}

/* Disarm t.  From then on the timer thread does not access t or its parker. */
static void
timer_disarm(struct timer *t)
{

	(void)pthread_mutex_lock(&timer_lock);
	if (t->t_gen == timer_gen && t->t_prevp != NULL) {
		timer_unlink(t);
		/*
		 * No timer is armed: let the timer thread sleep without a
		 * limit.
		 */
		if (timer_list == NULL && timer_next != HOST_FOREVER)
			(void)pthread_cond_signal(&timer_cv);
	}
	(void)pthread_mutex_unlock(&timer_lock);
}

/*
 * Beds, for a system that refuses sem_init(3), as macOS does.  A thread sleeps
 * on the condition variable of a bed.  Parkers share beds; the address of a
 * parker selects one.
 *
 * A signal handler may wake a thread.  It must not wait for a mutex that the
 * interrupted thread holds.  So a thread blocks all signals while it holds the
 * mutex or waits for it.  A sleeper unblocks its signals every BED_NS, so a
 * handler may be late by that time.
 */
static struct bed {
	pthread_mutex_t	b_lock;
	pthread_cond_t	b_cv;
} beds[BEDS];

/* Only host_md_init() writes it. */
static bool beds_used;

static void
beds_make(void)
{
	int i;

	/* After a fork the beds may still count sleepers of the parent. */
	memset(beds, 0, sizeof(beds));
	for (i = 0; i < BEDS; i++)
		if (pthread_mutex_init(&beds[i].b_lock, NULL) != 0 ||
		    cv_make(&beds[i].b_cv) != 0)
			host_die("panic: host_init: no condition variable\n");
}

static struct bed *
bed_of(const struct parker *p)
{

	return &beds[((uintptr_t)p / sizeof(*p)) % BEDS];
}

static void
bed_wake(struct parker *p)
{
	struct bed *b = bed_of(p);
	sigset_t all, old;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)pthread_mutex_lock(&b->b_lock);
	(void)pthread_cond_broadcast(&b->b_cv);
	(void)pthread_mutex_unlock(&b->b_lock);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Sleep while the word of p is "parked", until the deadline. */
static void
bed_sleep(struct parker *p, uint32_t parked, int64_t deadline)
{
	struct bed *b = bed_of(p);
	sigset_t all, old;
	int64_t now, until;

	(void)sigfillset(&all);
	/* Relaxed: park_take() acquires. */
	while (atomic_load_relaxed(&p->p_state) == parked &&
	    (now = host_monotime()) < deadline) {
		until = deadline - now < BED_NS ? deadline : now + BED_NS;
		(void)pthread_sigmask(SIG_SETMASK, &all, &old);
		(void)pthread_mutex_lock(&b->b_lock);
		/*
		 * The waker changes the word and then takes the mutex.  So if
		 * this thread finds no token while it holds the mutex, the
		 * broadcast comes after this thread has begun to sleep.
		 */
		if (atomic_load_relaxed(&p->p_state) == parked)
			cv_sleep(&b->b_cv, &b->b_lock, until);
		(void)pthread_mutex_unlock(&b->b_lock);
		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
}

/*
 * Reset the timers in a child.  The child has no timer thread.  It has none of
 * the threads that have armed a timer, except perhaps the caller of fork(2),
 * and park_sleep() arms that timer again.  The library does not take timer_lock
 * for fork(2), because the program's fork handlers may park.  So in the child
 * the lock may be held by a thread that is gone.
 */
void
host_md_forked(void)
{

	if (beds_used)
		beds_make();
	timer_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	timer_list = NULL;
	timer_next = HOST_FOREVER;
	timer_running = false;
	timer_gen++;
}

/*
 * Park.  Only the owner sets PARKED.  Then host_unpark() sets TOKEN, or the
 * timer thread clears PARKED.  Both then post the semaphore.  The owner does
 * not wait for all posts.  A post that is left makes a later sem_wait(3) return
 * early, and the owner waits again.
 *
 * With beds there is no semaphore and no timer thread: host_unpark() broadcasts
 * instead, and the owner clears PARKED itself at the deadline.
 */

void
host_park_init(struct host_park *hp)
{
	struct parker *p = (struct parker *)hp;

	memset(hp, 0, sizeof(*hp));
	/* Relaxed: the caller publishes hp to other threads. */
	atomic_store_relaxed(&p->p_state, (uint32_t)0);
	if (!beds_used && sem_init(&p->p_sem, 0, 0) == -1)
		host_die("panic: host_park_init: sem_init refused\n");
}

/* Take the token, if there is one. */
static bool
park_take(struct parker *p)
{

	uint32_t state;

	/* Relaxed: host_park_take() acquires. */
	state = atomic_load_relaxed(&p->p_state);
	return (state & PARK_TOKEN) != 0 && host_park_take(&p->p_state, state);
}

/*
 * Wait without a timer thread: poll for the token.  Clock steps do not affect a
 * relative nanosleep(2).
 */
static int
park_poll(struct parker *p, int64_t deadline)
{
	struct timespec ts;
	int64_t left, slice = POLL_MIN_NS;

	while (!park_take(p)) {
		left = deadline - host_monotime();
		if (left <= 0)
			return ETIMEDOUT;
		ts = ns_timespec(left < slice ? left : slice);
		(void)nanosleep(&ts, NULL);
		slice *= 2;
		if (slice > POLL_MAX_NS)
			slice = POLL_MAX_NS;
	}
	return 0;
}

/*
 * Sleep until there is a token, or until the deadline.  Return false at once if
 * there is no timer thread.
 */
static bool
park_sleep(struct parker *p, int64_t deadline)
{
	struct timer t = { .t_parker = p, .t_deadline = deadline };
	uint32_t parked, state;

	/* Relaxed: host_unpark() decides by this word alone. */
	state = atomic_load_relaxed(&p->p_state) & ~PARK_BITS;
	t.t_parked = parked = state | PARK_PARKED;
	if (!atomic_cas_relaxed(&p->p_state, &state, parked))
		return true;
	if (beds_used) {
		bed_sleep(p, parked, deadline);
		/* Relaxed: this publishes nothing else. */
		(void)atomic_cas_relaxed(&p->p_state, &parked, state);
		return true;
	}
	/* Relaxed: park_take() acquires. */
	while (atomic_load_relaxed(&p->p_state) == parked) {
		/*
		 * After EINTR, call timer_arm() again.  A signal handler may
		 * have called fork(2), and in the child the timer is not armed.
		 */
		if (deadline != HOST_FOREVER && timer_arm(&t) != 0) {
			/* Relaxed: this publishes nothing else. */
			return !atomic_cas_relaxed(&p->p_state, &parked,
			    state);
		}
		(void)sem_wait(&p->p_sem);
	}
	if (t.t_gen != 0)
		timer_disarm(&t);
	return true;
}

int
host_park(struct host_park *hp, int64_t deadline)
{
	struct parker *p = (struct parker *)hp;
	int error, ostate;

	(void)host_point(HOST_POINT_PARK, hp);

	if (park_take(p))
		return 0;
	/* sem_wait(3) and nanosleep(2) are cancellation points. */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	for (;;) {
		if (deadline != HOST_FOREVER &&
		    (deadline <= 0 || deadline <= host_monotime())) {
			/* Take a token that came just at the deadline. */
			error = park_take(p) ? 0 : ETIMEDOUT;
			break;
		}
		if (!park_sleep(p, deadline)) {
			error = park_poll(p, deadline);
			break;
		}
		if (park_take(p)) {
			error = 0;
			break;
		}
	}
	(void)pthread_setcancelstate(ostate, &ostate);
	return error;
}

bool
host_parkready(const struct host_park *hp)
{
	const struct parker *p = (const struct parker *)hp;

	/* Relaxed: this is a hint. */
	return (atomic_load_relaxed(&p->p_state) & PARK_TOKEN) != 0;
}

void
host_unpark(struct host_park *hp)
{
	struct parker *p = (struct parker *)hp;
	uint32_t state;
	int serrno;

	(void)host_point(HOST_POINT_UNPARK, hp);

	if ((state = host_park_give(&p->p_state)) == 0)
		return;
	serrno = errno;
	if (beds_used)
		bed_wake(p);
	else
		(void)sem_post(&p->p_sem);
	host_park_woken(&p->p_state, state);
	errno = serrno;
}

/*
 * Yield; every YIELD_SLEEP turns, sleep instead.  If a real-time thread only
 * yielded, it would occupy the CPU, and the thread for which it waits might
 * never run.
 */
void
host_md_yield(unsigned n)
{
	struct timespec ts = { .tv_sec = 0, .tv_nsec = SLEEP_NS };
	int ostate;

	if (n % YIELD_SLEEP != 0) {
		(void)sched_yield();
		return;
	}
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	(void)nanosleep(&ts, NULL);
	(void)pthread_setcancelstate(ostate, &ostate);
}

void
host_fence_heavy(void)
{

}

bool
host_wipe(void *p, size_t size)
{

	(void)p;
	(void)size;
	return false;
}

int
host_cpus(int *ids, int max, bool *bindp)
{
	long n = 1;
	int i;

#ifdef _SC_NPROCESSORS_ONLN
	n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1 || n > INT_MAX)
		n = 1;
#endif
	for (i = 0; i < max && i < n; i++)
		ids[i] = i;
	*bindp = false;
	return (int)n;
}

int
host_curcpu(void)
{

	return -1;
}

void
host_md_thread_prepare(struct host_thread *ht)
{

	(void)ht;
}

void
host_md_thread_start(struct host_thread *ht)
{

	(void)ht;
}

void
host_setname(const char *name)
{

	(void)name;
}

/* POSIX does not say which threads sleep. */
long
host_tid(void)
{

	return -1;
}

bool
host_asleep_prepare(void)
{

	return false;
}

uint64_t
host_asleep(long tid)
{

	(void)tid;
	return 0;
}

int
host_setsched(bool rt, int level)
{

	return rt || level != 0 ? ENOTSUP : 0;
}

void
host_getsched(bool *rt, int *level)
{

	*rt = false;
	*level = 0;
}

/*
 * Give the calling thread the policy and the nice value of the process.  In
 * POSIX each thread has a policy of its own.  If the policy of the process is a
 * real-time one, use SCHED_OTHER.  On some systems each thread also has a nice
 * value of its own.  There, the nice value of the main thread is that of the
 * process.
 */
void
host_sched_process(void)
{
	int level, serrno;
#if defined(_POSIX_PRIORITY_SCHEDULING) && _POSIX_PRIORITY_SCHEDULING > 0
	struct sched_param sp;
	int policy;
#endif

	serrno = errno;
#if defined(_POSIX_PRIORITY_SCHEDULING) && _POSIX_PRIORITY_SCHEDULING > 0
	policy = sched_getscheduler(getpid());
	if (policy != -1) {
		if (policy == SCHED_FIFO || policy == SCHED_RR)
			policy = SCHED_OTHER;
		memset(&sp, 0, sizeof(sp));
		sp.sched_priority = sched_get_priority_min(policy);
		(void)pthread_setschedparam(pthread_self(), policy, &sp);
	}
#endif
	errno = 0;
	level = getpriority(PRIO_PROCESS, (id_t)getpid());
	if (errno == 0)
		(void)setpriority(PRIO_PROCESS, 0, level);
	errno = serrno;
}

void
host_md_init(void)
{
	sem_t sem;

	if (sem_init(&sem, 0, 0) == 0)
		(void)sem_destroy(&sem);
	else {
		beds_used = true;
		beds_make();
	}
}

bool
host_peek(void *dst, uintptr_t src, size_t size)
{

	return host_peek_pipe(dst, src, size);
}

void
host_stack_init(void)
{

}

int
host_stack(long tid, uintptr_t *pcs, int max)
{

	(void)tid;
	(void)pcs;
	(void)max;
	return 0;
}
