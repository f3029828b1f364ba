/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The client's threads, mutexes and condition variables, in the simulator.
 * host_thread.c makes the library's threads by the same calls.
 *
 * A thread locks the real mutex, but only by trylock, and blocks in the
 * simulator.  So each type of mutex keeps its rules.  From a condition variable
 * the simulator uses only the address and the clock.
 */

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <host/host_var.h>
#include <host/sim.h>

/* The destructor of this key ends a simulated thread. */
static pthread_key_t thread_key;
static bool thread_haskey;

/* The linker names the bounds of the section. */
extern struct sim_real __attribute__((__visibility__("hidden")))
    __start_sim_reals[], __stop_sim_reals[];

void *
sim_real(struct sim_real *r)
{

	if (r->sr_func == NULL)
		r->sr_func = dlsym(RTLD_NEXT, r->sr_name);
	return r->sr_func;
}

void
sim_real_all(void)
{
	struct sim_real *r;

	for (r = __start_sim_reals; r < __stop_sim_reals; r++)
		(void)sim_real(r);
}

/*
 * The destructor of thread_key.  It sets the key again, so the C library calls
 * it in each round.  In the last round it ends the thread.  By then the
 * destructors of all other keys have run, except for keys that were set again.
 */
static void
thread_destroy(void *arg)
{
	struct sim_thread *t = arg;

	if (++t->st_rounds < PTHREAD_DESTRUCTOR_ITERATIONS)
		(void)pthread_setspecific(thread_key, t);
	else
		sim_thread_end(t);
}

/* The main thread may end by pthread_exit(3), so it needs the key, too. */
void
sim_pthread_begin(struct sim_thread *t)
{

	if (!thread_haskey) {
		if (pthread_key_create(&thread_key, thread_destroy) != 0)
			sim_fail("no pthread key is left");
		thread_haskey = true;
	}
	(void)pthread_setspecific(thread_key, t);
}

static void *
thread_main(void *arg)
{
	struct sim_thread *t = arg;

	sim_thread_begin(t);
	(void)pthread_setspecific(thread_key, t);
	return (*t->st_func)(t->st_arg);
}

/*
 * Make a thread.  The thread does not get the baton before sim_thread_ready().
 */
static int
thread_create(struct sim_thread *self, pthread_t *tid,
    const pthread_attr_t *attr, void *(*func)(void *), void *arg,
    struct sim_thread **tp)
{
	struct sim_thread *t;
	int detached = PTHREAD_CREATE_JOINABLE, error;

	if ((t = sim_thread_new()) == NULL)
		return EAGAIN;
	t->st_func = func;
	t->st_arg = arg;
	t->st_library = func == host_thread_main;
	if (attr != NULL)
		(void)pthread_attr_getdetachstate(attr, &detached);
	t->st_detached = detached == PTHREAD_CREATE_DETACHED;
	self->st_inside++;
	error = SIM_REAL(pthread_create)(&t->st_pthread, attr, thread_main, t);
	self->st_inside--;
	if (error != 0) {
		sim_thread_free(t);
		return error;
	}
	*tid = t->st_pthread;
	*tp = t;
	return 0;
}

SIM_PUBLIC int
pthread_create(pthread_t *restrict tid, const pthread_attr_t *restrict attr,
    void *(*func)(void *), void *restrict arg)
{
	struct sim_thread *self, *t;
	int error;

	if ((self = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_create)(tid, attr, func, arg);
	sim_point(self, tid, SIM_CREATE, 0);
	if (sim_fault(SIM_FAULT_THREAD, "refused thread"))
		return EAGAIN;
	error = thread_create(self, tid, attr, func, arg, &t);
	if (error != 0)
		return error;
	sim_thread_ready(t);
	sim_point(self, tid, SIM_CREATE, 0);
	return 0;
}

int
sim_thread_daemon(pthread_t *tid, void *(*func)(void *), const char *name,
    struct sim_thread **tp)
{
	int error;

	error = thread_create(sim_self, tid, NULL, func, NULL, tp);
	if (error != 0)
		return error;
	(void)SIM_REAL(pthread_detach)(*tid);
	(*tp)->st_detached = (*tp)->st_daemon = true;
	(void)strncpy((*tp)->st_name, name, sizeof((*tp)->st_name) - 1);
	sim_thread_ready(*tp);
	return 0;
}

struct sim_thread *
sim_thread_find(pthread_t tid)
{
	unsigned i;

	for (i = 0; i < sim.sim_nthreads; i++)
		if (pthread_equal(sim.sim_threads[i]->st_pthread, tid))
			return sim.sim_threads[i];
	return NULL;
}

static int
thread_timedjoin(struct sim_thread *self, pthread_t tid, void **value,
    int64_t deadline)
{
	struct sim_thread *t;
	int error;

	sim_point(self, NULL, SIM_CALL, 0);
	t = sim_thread_find(tid);
	if (t == NULL || t == self || t->st_detached)
		return SIM_REAL(pthread_join)(tid, value);
	while (t->st_state != SIM_DEAD)
		if (sim_blockcancel(self, t, "join", deadline) == ETIMEDOUT &&
		    t->st_state != SIM_DEAD)
			return ETIMEDOUT;
	error = SIM_REAL(pthread_join)(tid, value);
	sim_thread_free(t);
	return error;
}

SIM_PUBLIC int
pthread_tryjoin_np(pthread_t tid, void **value)
{
	struct sim_thread *self;
	int error;

	if ((self = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_tryjoin_np)(tid, value);
	error = thread_timedjoin(self, tid, value, 0);
	if (error == ETIMEDOUT) {
		sim_yield(self);
		return EBUSY;
	}
	return error;
}

SIM_PUBLIC int
pthread_timedjoin_np(pthread_t tid, void **value, const struct timespec *ts)
{
	struct sim_thread *self;

	if ((self = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_timedjoin_np)(tid, value, ts);
	return thread_timedjoin(self, tid, value, ts == NULL ? SIM_FOREVER :
	    sim_deadline(CLOCK_REALTIME, ts));
}

#if __GLIBC_PREREQ(2, 31)
SIM_PUBLIC int
pthread_clockjoin_np(pthread_t tid, void **value, clockid_t clock,
    const struct timespec *ts)
{
	struct sim_thread *self;

	if ((self = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_clockjoin_np)(tid, value, clock, ts);
	return thread_timedjoin(self, tid, value, ts == NULL ? SIM_FOREVER :
	    sim_deadline(clock, ts));
}
#endif

/*
 * Cancellation.  The C library keeps the request.  The functions that are
 * cancellation points test for a request after sim_block().  So a blocked
 * thread finds the request when it is woken.
 */
SIM_PUBLIC int
pthread_cancel(pthread_t tid)
{
	struct sim_thread *self, *t;
	int error;

	if ((self = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_cancel)(tid);
	sim_point(self, NULL, SIM_CALL, 0);
	error = SIM_REAL(pthread_cancel)(tid);
	if (error == 0 && (t = sim_thread_find(tid)) != NULL)
		sim_interrupt(t);
	return error;
}

SIM_PUBLIC int
pthread_join(pthread_t tid, void **value)
{
	struct sim_thread *self, *t;
	int error;

	if ((self = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_join)(tid, value);
	sim_point(self, NULL, SIM_CALL, 0);
	t = sim_thread_find(tid);
	if (t == NULL || t == self || t->st_detached)
		return SIM_REAL(pthread_join)(tid, value);
	while (t->st_state != SIM_DEAD)
		(void)sim_blockcancel(self, t, "join", SIM_FOREVER);
	error = SIM_REAL(pthread_join)(tid, value);
	sim_thread_free(t);
	return error;
}

SIM_PUBLIC int
pthread_detach(pthread_t tid)
{
	struct sim_thread *t;
	int error;

	error = SIM_REAL(pthread_detach)(tid);
	if (SIM_ENTER() == NULL || (t = sim_thread_find(tid)) == NULL ||
	    error != 0)
		return error;
	t->st_detached = true;
	if (t->st_state == SIM_DEAD)
		sim_thread_free(t);
	return 0;
}

/* The reports and the trace show this name. */
SIM_PUBLIC int
pthread_setname_np(pthread_t tid, const char *name)
{
	struct sim_thread *t;
	int error;

	error = SIM_REAL(pthread_setname_np)(tid, name);
	if (SIM_ENTER() == NULL || error != 0 ||
	    (t = sim_thread_find(tid)) == NULL)
		return error;
	memset(t->st_name, 0, sizeof(t->st_name));
	(void)strncpy(t->st_name, name, sizeof(t->st_name) - 1);
	return 0;
}

/*
 * Mutexes.
 */

#define	MUTEX_TYPE	3		/* bits of glibc's __kind */
#define	MUTEX_ROBUST	16

/*
 * Called when a thread ends.  The kernel releases its robust mutexes, so wake
 * the threads that wait for such a mutex.
 */
void
sim_mutex_ended(void)
{
	const pthread_mutex_t *m;
	struct sim_thread *t;
	unsigned i;

	for (i = 0; i < sim.sim_nthreads; i++) {
		t = sim.sim_threads[i];
		m = t->st_chan;
		if (t->st_state == SIM_BLOCKED &&
		    strcmp(t->st_kind, "mutex") == 0 &&
		    (m->__data.__kind & MUTEX_ROBUST) != 0)
			sim_interrupt(t);
	}
}

static int
mutex_enter(struct sim_thread *t, pthread_mutex_t *m, int64_t deadline)
{
	int error, late = 0;

	for (;;) {
		error = SIM_REAL(pthread_mutex_trylock)(m);
		if (error != EBUSY)
			return error;
		/*
		 * Let the real function return its error, which it does at
		 * once.
		 */
		if ((m->__data.__kind & MUTEX_TYPE) ==
		    PTHREAD_MUTEX_ERRORCHECK &&
		    m->__data.__owner == t->st_tid)
			return SIM_REAL(pthread_mutex_lock)(m);
		if (late != 0)
			return late;
		late = sim_block(t, m, "mutex", deadline);
	}
}

SIM_PUBLIC int
pthread_mutex_lock(pthread_mutex_t *m)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_mutex_lock)(m);
	sim_point(t, m, SIM_CALL, 0);
	return mutex_enter(t, m, SIM_FOREVER);
}

SIM_PUBLIC int
pthread_mutex_trylock(pthread_mutex_t *m)
{
	struct sim_thread *t;
	int error;

	if ((t = SIM_ENTER()) != NULL)
		sim_point(t, m, SIM_CALL, 0);
	error = SIM_REAL(pthread_mutex_trylock)(m);
	if (error == EBUSY && t != NULL)
		sim_fair_fruitless(t);
	return error;
}

static int
mutex_timed(struct sim_thread *t, pthread_mutex_t *m, clockid_t clock,
    const struct timespec *ts)
{
	int error;

	sim_point(t, m, SIM_CALL, 0);
	if (!sim_badtime(ts))
		return mutex_enter(t, m, sim_deadline(clock, ts));
	/* As the C library does: the time matters only if the thread waits. */
	error = SIM_REAL(pthread_mutex_trylock)(m);
	return error == EBUSY ? EINVAL : error;
}

SIM_PUBLIC int
pthread_mutex_timedlock(pthread_mutex_t *restrict m,
    const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_mutex_timedlock)(m, ts);
	return mutex_timed(t, m, CLOCK_REALTIME, ts);
}

int	pthread_mutex_clocklock(pthread_mutex_t *restrict, clockid_t,
	    const struct timespec *restrict);

SIM_PUBLIC int
pthread_mutex_clocklock(pthread_mutex_t *restrict m, clockid_t clock,
    const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_mutex_clocklock)(m, clock, ts);
	return mutex_timed(t, m, clock, ts);
}

SIM_PUBLIC int
pthread_mutex_unlock(pthread_mutex_t *m)
{
	struct sim_thread *t;
	int error;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_mutex_unlock)(m);
	sim_point(t, m, SIM_CALL, 0);
	error = SIM_REAL(pthread_mutex_unlock)(m);
	(void)sim_wake(m, SIM_THREADS);
	return error;
}

/*
 * Condition variables.
 */

#define	COND_MONOTONIC	2		/* a bit of glibc's __wrefs */

static clockid_t
cond_clock(const pthread_cond_t *c)
{

	return (c->__data.__wrefs & COND_MONOTONIC) != 0 ? CLOCK_MONOTONIC :
	    CLOCK_REALTIME;
}

static int
cond_sleep(struct sim_thread *t, pthread_cond_t *c, pthread_mutex_t *m,
    int64_t deadline)
{
	int error, late = 0;

	sim_point(t, c, SIM_CALL, 0);
	pthread_testcancel();
	error = SIM_REAL(pthread_mutex_unlock)(m);
	if (error != 0)
		return error;
	(void)sim_wake(m, SIM_THREADS);
	/* The client may repeat a wait in a loop after its deadline. */
	if (deadline <= sim.sim_now)
		sim_yield(t);
	/* POSIX permits a spurious wake-up. */
	if (sim_choose(2, "spurious wake-up of a condition variable") == 0)
		late = sim_block(t, c, "condition variable", deadline);
	else
		sim_point(t, c, SIM_CALL, 0);
	error = mutex_enter(t, m, SIM_FOREVER);
	pthread_testcancel();
	return error != 0 ? error : late;
}

SIM_PUBLIC int
pthread_cond_wait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_cond_wait)(c, m);
	return cond_sleep(t, c, m, SIM_FOREVER);
}

SIM_PUBLIC int
pthread_cond_timedwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
    const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_cond_timedwait)(c, m, ts);
	if (sim_badtime(ts))
		return EINVAL;
	return cond_sleep(t, c, m, sim_deadline(cond_clock(c), ts));
}

int	pthread_cond_clockwait(pthread_cond_t *restrict,
	    pthread_mutex_t *restrict, clockid_t,
	    const struct timespec *restrict);

SIM_PUBLIC int
pthread_cond_clockwait(pthread_cond_t *restrict c, pthread_mutex_t *restrict m,
    clockid_t clock, const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_cond_clockwait)(c, m, clock, ts);
	if (sim_badtime(ts))
		return EINVAL;
	return cond_sleep(t, c, m, sim_deadline(clock, ts));
}

SIM_PUBLIC int
pthread_cond_signal(pthread_cond_t *c)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_cond_signal)(c);
	sim_point(t, c, SIM_CALL, 0);
	(void)sim_wake(c, 1);
	return 0;
}

SIM_PUBLIC int
pthread_cond_broadcast(pthread_cond_t *c)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_cond_broadcast)(c);
	sim_point(t, c, SIM_CALL, 0);
	(void)sim_wake(c, SIM_THREADS);
	return 0;
}
