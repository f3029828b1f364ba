/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The client's calls of <threads.h>, in the simulator.
 *
 * The C library implements <threads.h> by its own functions of pthread(7), and
 * the objects of both have the same layout.  But it does not call functions
 * that another library interposes.  So the functions here call the interposed
 * functions of pthread(7).
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

#include <host/sim.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) &&
    sizeof(cnd_t) == sizeof(pthread_cond_t) &&
    sizeof(once_flag) == sizeof(pthread_once_t), "other objects");

struct c11_thread {
	thrd_start_t	 ct_func;
	void		*ct_arg;
};

/* Convert an errno value as the C library does. */
static int
c11_error(int error)
{

	switch (error) {
	case 0:
		return thrd_success;
	case EBUSY:
		return thrd_busy;
	case ENOMEM:
		return thrd_nomem;
	case ETIMEDOUT:
		return thrd_timedout;
	default:
		return thrd_error;
	}
}

static void *
c11_main(void *arg)
{
	struct c11_thread ct = *(struct c11_thread *)arg;

	free(arg);
	return (void *)(intptr_t)(*ct.ct_func)(ct.ct_arg);
}

SIM_PUBLIC int
thrd_create(thrd_t *tid, thrd_start_t func, void *arg)
{
	struct c11_thread *ct;
	int error;

	if ((ct = malloc(sizeof(*ct))) == NULL)
		return thrd_nomem;
	ct->ct_func = func;
	ct->ct_arg = arg;
	error = pthread_create(tid, NULL, c11_main, ct);
	if (error != 0)
		free(ct);
	return c11_error(error);
}

SIM_PUBLIC int
thrd_join(thrd_t tid, int *result)
{
	void *value;
	int error;

	error = pthread_join(tid, &value);
	if (error == 0 && result != NULL)
		*result = (int)(intptr_t)value;
	return c11_error(error);
}

SIM_PUBLIC int
thrd_detach(thrd_t tid)
{

	return c11_error(pthread_detach(tid));
}

SIM_PUBLIC int
thrd_sleep(const struct timespec *ts, struct timespec *rem)
{

	switch (clock_nanosleep(CLOCK_REALTIME, 0, ts, rem)) {
	case 0:
		return 0;
	case EINTR:
		return -1;
	default:
		return -2;
	}
}

SIM_PUBLIC void
thrd_yield(void)
{

	(void)sched_yield();
}

SIM_PUBLIC int
mtx_lock(mtx_t *m)
{

	return c11_error(pthread_mutex_lock((pthread_mutex_t *)m));
}

SIM_PUBLIC int
mtx_trylock(mtx_t *m)
{

	return c11_error(pthread_mutex_trylock((pthread_mutex_t *)m));
}

SIM_PUBLIC int
mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict ts)
{

	return c11_error(pthread_mutex_timedlock((pthread_mutex_t *)m, ts));
}

SIM_PUBLIC int
mtx_unlock(mtx_t *m)
{

	return c11_error(pthread_mutex_unlock((pthread_mutex_t *)m));
}

SIM_PUBLIC int
cnd_wait(cnd_t *c, mtx_t *m)
{

	return c11_error(pthread_cond_wait((pthread_cond_t *)c,
	    (pthread_mutex_t *)m));
}

SIM_PUBLIC int
cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m,
    const struct timespec *restrict ts)
{

	return c11_error(pthread_cond_timedwait((pthread_cond_t *)c,
	    (pthread_mutex_t *)m, ts));
}

SIM_PUBLIC int
cnd_signal(cnd_t *c)
{

	return c11_error(pthread_cond_signal((pthread_cond_t *)c));
}

SIM_PUBLIC int
cnd_broadcast(cnd_t *c)
{

	return c11_error(pthread_cond_broadcast((pthread_cond_t *)c));
}

SIM_PUBLIC void
call_once(once_flag *once, void (*func)(void))
{

	(void)pthread_once((pthread_once_t *)once, func);
}

SIM_PUBLIC int
timespec_get(struct timespec *ts, int base)
{

	if (base != TIME_UTC)
		return SIM_REAL(timespec_get)(ts, base);
	(void)clock_gettime(CLOCK_REALTIME, ts);
	return base;
}
