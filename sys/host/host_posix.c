/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any POSIX.1-2008 system: pthreads and semaphores.
 */

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

struct parker {
	uint32_t	p_state;	/* PARK_* */
	sem_t		p_sem;		/* posted once per end of PARKED */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct parker) <= sizeof(struct host_park),
    "struct parker does not fit hp_space");
_Static_assert(_Alignof(struct parker) <= _Alignof(struct host_park),
    "struct parker is not aligned in hp_space");

/* A timed park, on its thread's stack. */
struct timer {
	struct timer	*t_next;
	struct timer	**t_prevp;	/* NULL when not on the list */
	struct parker	*t_parker;
	int64_t		t_deadline;
	unsigned	t_gen;		/* timer_gen when armed, 0 before */
};

/*
 * The timer thread's state, all under timer_lock.  timer_next is what the
 * thread sleeps for; HOST_FOREVER when nothing is armed.  A child of fork
 * has a generation of its own, without a thread.
 */
static pthread_mutex_t timer_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t timer_cv;
static struct timer *timer_list;
static int64_t timer_next;
static unsigned timer_gen = 1;
static bool timer_running;

/* Written by host_init() only: a fork would break the timer thread. */
static bool timer_unusable;

unsigned
host_caps(void)
{

	return 0;
}

const char *
host_name(void)
{

	return "posix";
}

const char *
host_getenv(const char *name)
{

	return getenv(name);
}

static struct timespec
ns_timespec(int64_t ns)
{
	struct timespec ts;

	ts.tv_sec = (time_t)(ns / 1000000000);
	ts.tv_nsec = (long)(ns % 1000000000);
	return ts;
}

/*
 * Timed parks.  sem_timedwait(3) goes by the wall clock: set back by an hour,
 * it would sleep for an hour more.  So a timed park, too, sleeps without a
 * timeout, and a thread that sleeps on a condition variable, which can have
 * the monotonic clock, posts it when its time has come.
 */

static void
timer_unlink(struct timer *t)
{

	*t->t_prevp = t->t_next;
	if (t->t_next != NULL)
		t->t_next->t_prevp = t->t_prevp;
	t->t_prevp = NULL;
}

/* The timer thread's turn: post what is due; when is the next? */
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
		/*
		 * If this fails, unpark has posted or is about to.  Relaxed:
		 * a timeout carries no data.
		 */
		state = PARK_PARKED;
		if (atomic_cas_relaxed(&t->t_parker->p_state, &state,
		    PARK_EMPTY))
			(void)sem_post(&t->t_parker->p_sem);
	}
	return least;
}

static void *
timer_main(void *arg)
{
	struct timespec ts;
	int ostate;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	(void)pthread_mutex_lock(&timer_lock);
	for (;;) {
		timer_next = timer_scan(host_monotime());
		if (timer_next == HOST_FOREVER) {
			(void)pthread_cond_wait(&timer_cv, &timer_lock);
			continue;
		}
		ts = ns_timespec(timer_next);
		(void)pthread_cond_timedwait(&timer_cv, &timer_lock, &ts);
	}
	return arg;
}

/* Start the thread, if need be.  Called with timer_lock held. */
static int
timer_start(void)
{
	pthread_condattr_t attr;
	sigset_t set, oset;
	pthread_t tid;
	int error;

	if (timer_running)
		return 0;
	if (timer_unusable)
		return ENOTSUP;
	error = pthread_condattr_init(&attr);
	if (error != 0)
		return error;
	error = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (error == 0) {
		/* After a fork there may be a parent's waiter in it. */
		memset(&timer_cv, 0, sizeof(timer_cv));
		error = pthread_cond_init(&timer_cv, &attr);
	}
	(void)pthread_condattr_destroy(&attr);
	if (error != 0)
		return error;

	/* The lock keeps it from looking before timer_next is set. */
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
 * Have t's parker posted at its deadline.  Once armed, a further call only
 * has an effect in the child of a fork.  0, or an errno value if there can
 * be no timer thread.
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

/* After this the timer thread does not touch t or its parker any more. */
static void
timer_disarm(struct timer *t)
{

	(void)pthread_mutex_lock(&timer_lock);
	if (t->t_gen == timer_gen && t->t_prevp != NULL) {
		timer_unlink(t);
		/* With nothing armed it is to sleep for good. */
		if (timer_list == NULL && timer_next != HOST_FOREVER)
			(void)pthread_cond_signal(&timer_cv);
	}
	(void)pthread_mutex_unlock(&timer_lock);
}

static void
timer_prepare(void)
{

	(void)pthread_mutex_lock(&timer_lock);
}

static void
timer_parent(void)
{

	(void)pthread_mutex_unlock(&timer_lock);
}

static void
timer_child(void)
{

	/* The thread is gone, and so are those that had armed something. */
	timer_list = NULL;
	timer_next = HOST_FOREVER;
	timer_running = false;
	timer_gen++;
	(void)pthread_mutex_unlock(&timer_lock);
}

/*
 * Park.  The owner alone moves the word to PARKED.  Who moves it on, unpark
 * to TOKEN or the timer thread to EMPTY, posts the semaphore, once, and the
 * owner waits for just that: the count is 0 outside of park.
 */

void
host_park_init(struct host_park *hp)
{
	struct parker *p = (struct parker *)hp;

	memset(hp, 0, sizeof(*hp));
	/* Relaxed: whoever hands the record on publishes it. */
	atomic_store_relaxed(&p->p_state, PARK_EMPTY);
	if (sem_init(&p->p_sem, 0, 0) == -1)
		host_die("panic: host_park_init: sem_init refused\n");
}

/* Take the token, if there is one. */
static bool
park_take(struct parker *p)
{

	/* Relaxed: only the exchange takes it. */
	if (atomic_load_relaxed(&p->p_state) != PARK_TOKEN)
		return false;
	/* Acquire: what went before the unpark. */
	(void)atomic_swap_acquire(&p->p_state, PARK_EMPTY);
	return true;
}

/*
 * Without a timer thread: look from time to time.  A relative nanosleep(2)
 * takes no notice of clock steps.
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

/* Sleep until posted.  False: not slept, for want of a timer thread. */
static bool
park_sleep(struct parker *p, int64_t deadline)
{
	struct timer t = { .t_parker = p, .t_deadline = deadline };
	uint32_t state = PARK_EMPTY;
	bool timed = deadline != HOST_FOREVER;

	/* Relaxed: unpark's decision hangs on this word alone. */
	if (!atomic_cas_relaxed(&p->p_state, &state, PARK_PARKED))
		return true;
	/* Again after EINTR: the handler may have called fork(2). */
	do {
		if (timed && timer_arm(&t) != 0) {
			/* Relaxed: nothing but this word is given up. */
			state = PARK_PARKED;
			if (atomic_cas_relaxed(&p->p_state, &state,
			    PARK_EMPTY))
				return false;
			/* Moved on by unpark, whose post is to come. */
			timed = false;
		}
	} while (sem_wait(&p->p_sem) == -1);
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
			/* A token that came with the end of time is one. */
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

	/* Relaxed: it is a hint. */
	return atomic_load_relaxed(&p->p_state) == PARK_TOKEN;
}

void
host_unpark(struct host_park *hp)
{
	struct parker *p = (struct parker *)hp;
	int serrno;

	(void)host_point(HOST_POINT_UNPARK, hp);

	/* Release: what the sleeper is woken for; park_take() acquires. */
	if (atomic_swap_acq_rel(&p->p_state, PARK_TOKEN) != PARK_PARKED)
		return;
	serrno = errno;
	(void)sem_post(&p->p_sem);
	errno = serrno;
}

void
host_md_yield(unsigned n)
{

	(void)n;
	(void)sched_yield();
}

void
host_fence_heavy(void)
{

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

/* POSIX has no way to ask; a thread's CPU clock stands when it is preempted. */
long
host_tid(void)
{

	return -1;
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

void
host_md_init(void)
{

	timer_unusable =
	    host_atfork(timer_prepare, timer_parent, timer_child) != 0;
}
