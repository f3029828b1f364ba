/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The client's reader/writer locks, spin locks, barriers, and pthread_once(3),
 * in the simulator.
 *
 * A thread only tries the real reader/writer lock or spin lock.  If the lock is
 * held, the thread blocks or yields in the simulator.  The simulator uses the
 * memory of a barrier for a structure of its own, from pthread_barrier_init()
 * on.  The word of pthread_once() has the values that the C library gives it.
 */

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <host/sim.h>

/*
 * Reader/writer locks.
 */

static int
rwlock_enter(struct sim_thread *t, pthread_rwlock_t *rw, bool write,
    int64_t deadline)
{
	int error, late = 0;

	sim_point(t, rw, SIM_CALL, 0);
	for (;;) {
		error = write ? SIM_REAL(pthread_rwlock_trywrlock)(rw) :
		    SIM_REAL(pthread_rwlock_tryrdlock)(rw);
		if (error != EBUSY)
			return error;
		/* The real lock would return EDEADLK at once. */
		if (rw->__data.__cur_writer == t->st_tid)
			return EDEADLK;
		if (late != 0)
			return late;
		late = sim_block(t, rw, write ? "rwlock, to write" :
		    "rwlock, to read", deadline);
	}
}

static int
rwlock_timed(struct sim_thread *t, pthread_rwlock_t *rw, bool write,
    clockid_t clock, const struct timespec *ts)
{

	if (sim_badtime(ts))
		return EINVAL;
	return rwlock_enter(t, rw, write, sim_deadline(clock, ts));
}

SIM_PUBLIC int
pthread_rwlock_rdlock(pthread_rwlock_t *rw)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_rwlock_rdlock)(rw);
	return rwlock_enter(t, rw, false, SIM_FOREVER);
}

SIM_PUBLIC int
pthread_rwlock_wrlock(pthread_rwlock_t *rw)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_rwlock_wrlock)(rw);
	return rwlock_enter(t, rw, true, SIM_FOREVER);
}

SIM_PUBLIC int
pthread_rwlock_tryrdlock(pthread_rwlock_t *rw)
{
	struct sim_thread *t;
	int error;

	if ((t = SIM_ENTER()) != NULL)
		sim_point(t, rw, SIM_CALL, 0);
	error = SIM_REAL(pthread_rwlock_tryrdlock)(rw);
	if (error == EBUSY && t != NULL)
		sim_fair_fruitless(t);
	return error;
}

SIM_PUBLIC int
pthread_rwlock_trywrlock(pthread_rwlock_t *rw)
{
	struct sim_thread *t;
	int error;

	if ((t = SIM_ENTER()) != NULL)
		sim_point(t, rw, SIM_CALL, 0);
	error = SIM_REAL(pthread_rwlock_trywrlock)(rw);
	if (error == EBUSY && t != NULL)
		sim_fair_fruitless(t);
	return error;
}

SIM_PUBLIC int
pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict rw,
    const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_rwlock_timedrdlock)(rw, ts);
	return rwlock_timed(t, rw, false, CLOCK_REALTIME, ts);
}

SIM_PUBLIC int
pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict rw,
    const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_rwlock_timedwrlock)(rw, ts);
	return rwlock_timed(t, rw, true, CLOCK_REALTIME, ts);
}

int	pthread_rwlock_clockrdlock(pthread_rwlock_t *restrict, clockid_t,
	    const struct timespec *restrict);
int	pthread_rwlock_clockwrlock(pthread_rwlock_t *restrict, clockid_t,
	    const struct timespec *restrict);

SIM_PUBLIC int
pthread_rwlock_clockrdlock(pthread_rwlock_t *restrict rw, clockid_t clock,
    const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_rwlock_clockrdlock)(rw, clock, ts);
	return rwlock_timed(t, rw, false, clock, ts);
}

SIM_PUBLIC int
pthread_rwlock_clockwrlock(pthread_rwlock_t *restrict rw, clockid_t clock,
    const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_rwlock_clockwrlock)(rw, clock, ts);
	return rwlock_timed(t, rw, true, clock, ts);
}

SIM_PUBLIC int
pthread_rwlock_unlock(pthread_rwlock_t *rw)
{
	struct sim_thread *t;
	int error;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_rwlock_unlock)(rw);
	sim_point(t, rw, SIM_CALL, 0);
	error = SIM_REAL(pthread_rwlock_unlock)(rw);
	(void)sim_wake(rw, SIM_THREADS);
	return error;
}

/*
 * Spin locks.
 */

SIM_PUBLIC int
pthread_spin_lock(pthread_spinlock_t *spin)
{
	struct sim_thread *t;
	int error;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_spin_lock)(spin);
	sim_point(t, (void *)(uintptr_t)spin, SIM_CALL, 0);
	while ((error = SIM_REAL(pthread_spin_trylock)(spin)) == EBUSY)
		sim_yield(t);
	return error;
}

SIM_PUBLIC int
pthread_spin_trylock(pthread_spinlock_t *spin)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) != NULL)
		sim_point(t, (void *)(uintptr_t)spin, SIM_CALL, 0);
	return SIM_REAL(pthread_spin_trylock)(spin);
}

SIM_PUBLIC int
pthread_spin_unlock(pthread_spinlock_t *spin)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) != NULL)
		sim_point(t, (void *)(uintptr_t)spin, SIM_CALL, 0);
	return SIM_REAL(pthread_spin_unlock)(spin);
}

/*
 * Barriers.
 */

struct barrier {
	unsigned	b_count;	/* threads for each round */
	unsigned	b_here;		/* threads that have come */
	unsigned	b_round;
	unsigned	b_inside;	/* threads that have not left yet */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct barrier) <= sizeof(pthread_barrier_t),
    "struct barrier does not fit");

SIM_PUBLIC int
pthread_barrier_init(pthread_barrier_t *restrict bar,
    const pthread_barrierattr_t *restrict attr, unsigned count)
{
	struct barrier *b = (struct barrier *)bar;

	(void)attr;
	if (count == 0)
		return EINVAL;
	memset(b, 0, sizeof(*b));
	b->b_count = count;
	return 0;
}

SIM_PUBLIC int
pthread_barrier_wait(pthread_barrier_t *bar)
{
	struct barrier *b = (struct barrier *)bar;
	struct sim_thread *t;
	unsigned round;
	int result = 0;

	if ((t = SIM_ENTER()) == NULL) {
		if (b->b_count == 1)
			return PTHREAD_BARRIER_SERIAL_THREAD;
		sim_fail("pthread_barrier_wait() in a thread that the "
		    "simulator does not know");
	}
	sim_point(t, bar, SIM_CALL, 0);
	round = b->b_round;
	b->b_inside++;
	if (++b->b_here == b->b_count) {
		b->b_here = 0;
		b->b_round++;
		(void)sim_wake(bar, SIM_THREADS);
		result = PTHREAD_BARRIER_SERIAL_THREAD;
	}
	while (b->b_round == round)
		(void)sim_block(t, bar, "barrier", SIM_FOREVER);
	if (--b->b_inside == 0)
		(void)sim_wake(&b->b_inside, SIM_THREADS);
	return result;
}

/*
 * Wait until all threads have left pthread_barrier_wait(), as the C library
 * does.
 */
SIM_PUBLIC int
pthread_barrier_destroy(pthread_barrier_t *bar)
{
	struct barrier *b = (struct barrier *)bar;
	struct sim_thread *t;

	if ((t = SIM_ENTER()) != NULL) {
		sim_point(t, bar, SIM_CALL, 0);
		while (b->b_inside > 0)
			(void)sim_block(t, &b->b_inside, "barrier, to destroy",
			    SIM_FOREVER);
	}
	return 0;
}

/*
 * Once.  If an exception or a cancellation ends the function, the next thread
 * calls it again.
 */

#define	ONCE_RUNNING	1
#define	ONCE_DONE	2

static void
once_left(pthread_once_t **oncep)
{

	if (*oncep == NULL)
		return;
	**oncep = PTHREAD_ONCE_INIT;
	(void)sim_wake(*oncep, SIM_THREADS);
}

SIM_PUBLIC int
pthread_once(pthread_once_t *once, void (*func)(void))
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_once)(once, func);
	sim_point(t, once, SIM_CALL, 0);
	while ((*once & ONCE_DONE) == 0) {
		if (*once == ONCE_RUNNING) {
			(void)sim_block(t, once, "once", SIM_FOREVER);
			continue;
		}
		{
			__attribute__((__cleanup__(once_left)))
			    pthread_once_t *left = once;

			*once = ONCE_RUNNING;
			(*func)();
			left = NULL;
		}
		sim_point(t, once, SIM_CALL, 0);
		*once = ONCE_DONE;
		(void)sim_wake(once, SIM_THREADS);
	}
	return 0;
}
