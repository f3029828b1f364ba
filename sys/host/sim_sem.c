/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The client's semaphores, in the simulator.  The real semaphore keeps the
 * count.  A thread only tries to take the real semaphore, and blocks in the
 * simulator.
 */

#include <errno.h>
#include <semaphore.h>

#include <host/sim.h>

static int
sem_sleep(struct sim_thread *t, sem_t *sem, int64_t deadline)
{
	int error = 0;

	sim_point(t, sem, SIM_CALL, 0);
	for (;;) {
		if (SIM_REAL(sem_trywait)(sem) == 0)
			return 0;
		if (errno != EAGAIN)
			return -1;
		/* The try above takes a post that came just at the deadline. */
		if (error != 0) {
			errno = error;
			return -1;
		}
		error = sim_blockcancel(t, sem, "semaphore", deadline);
		if (t->st_intr && !t->st_restart && error == 0)
			error = EINTR;
	}
}

static int
sem_timed(struct sim_thread *t, sem_t *sem, clockid_t clock,
    const struct timespec *ts)
{

	if (sim_badtime(ts)) {
		errno = EINVAL;
		return -1;
	}
	return sem_sleep(t, sem, sim_deadline(clock, ts));
}

SIM_PUBLIC int
sem_wait(sem_t *sem)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sem_wait)(sem);
	return sem_sleep(t, sem, SIM_FOREVER);
}

SIM_PUBLIC int
sem_trywait(sem_t *sem)
{
	struct sim_thread *t;
	int r;

	if ((t = SIM_ENTER()) != NULL)
		sim_point(t, sem, SIM_CALL, 0);
	r = SIM_REAL(sem_trywait)(sem);
	if (r == -1 && t != NULL)
		sim_fair_fruitless(t);
	return r;
}

SIM_PUBLIC int
sem_timedwait(sem_t *restrict sem, const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sem_timedwait)(sem, ts);
	return sem_timed(t, sem, CLOCK_REALTIME, ts);
}

int	sem_clockwait(sem_t *restrict, clockid_t,
	    const struct timespec *restrict);

SIM_PUBLIC int
sem_clockwait(sem_t *restrict sem, clockid_t clock,
    const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sem_clockwait)(sem, clock, ts);
	return sem_timed(t, sem, clock, ts);
}

SIM_PUBLIC int
sem_post(sem_t *sem)
{
	struct sim_thread *t;
	int error;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sem_post)(sem);
	sim_point(t, sem, SIM_CALL, 0);
	error = SIM_REAL(sem_post)(sem);
	(void)sim_wake(sem, SIM_THREADS);
	return error;
}
