/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Timers, in virtual time: timer_create(2), setitimer(2), alarm(2) and
 * timerfd_create(2).
 *
 * A thread of the simulator's own sleeps until the next timer expires.  So the
 * scheduler handles an expiry like any other timeout.  The first call that sets
 * a timer makes the thread.  The descriptor of a timerfd is an eventfd here:
 * both hold a count, which read(2) returns and clears.
 */

#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/sim.h>

#define	TIMER_N		64
#define	NS		1000000000

#ifndef sigev_notify_thread_id
#define	sigev_notify_thread_id	_sigev_un._tid
#endif

struct timer {
	enum { TIMER_FREE, TIMER_POSIX, TIMER_REAL, TIMER_FD } tm_kind;
	clockid_t	 tm_clock;
	int64_t		 tm_next;	/* SIM_FOREVER: not armed */
	int64_t		 tm_interval;	/* 0: expires once */
	struct sigevent	 tm_event;
	int		 tm_overrun;
	int		 tm_fd;
};

static struct timer timers[TIMER_N];
static struct sim_thread *timer_thread;

/* The strategies treat all timers as one object. */
static const char timer_chan;

/* Forget all timers in a forked child, which has none. */
void
sim_timer_forked(void)
{

	memset(timers, 0, sizeof(timers));
	timer_thread = NULL;
}

static struct timer *
timer_new(int kind)
{
	struct timer *tm;

	for (tm = timers; tm < &timers[TIMER_N]; tm++)
		if (tm->tm_kind == TIMER_FREE) {
			memset(tm, 0, sizeof(*tm));
			tm->tm_kind = kind;
			tm->tm_next = SIM_FOREVER;
			return tm;
		}
	return NULL;
}

static struct timer *
timer_next(void)
{
	struct timer *tm, *next = NULL;

	for (tm = timers; tm < &timers[TIMER_N]; tm++)
		if (tm->tm_kind != TIMER_FREE && tm->tm_next != SIM_FOREVER &&
		    (next == NULL || tm->tm_next < next->tm_next))
			next = tm;
	return next;
}

/* Run the function of SIGEV_THREAD.  This is the function of a new thread. */
static void *
timer_call(void *arg)
{
	struct sigevent ev = *(struct sigevent *)arg;

	free(arg);
	(*ev.sigev_notify_function)(ev.sigev_value);
	return NULL;
}

static void
timer_callthread(struct timer *tm)
{
	struct sigevent *ev;
	pthread_attr_t attr;
	pthread_t tid;

	if ((ev = malloc(sizeof(*ev))) == NULL)
		return;
	*ev = tm->tm_event;
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&tid, &attr, timer_call, ev) != 0)
		free(ev);
	(void)pthread_attr_destroy(&attr);
}

static void
timer_signal(struct timer *tm)
{
	struct sim_thread *t = NULL;
	siginfo_t si;
	unsigned i;

	memset(&si, 0, sizeof(si));
	si.si_signo = tm->tm_event.sigev_signo;
	si.si_code = tm->tm_kind == TIMER_POSIX ? SI_TIMER : SI_KERNEL;
	if (tm->tm_kind == TIMER_POSIX) {
		si.si_value = tm->tm_event.sigev_value;
		si.si_overrun = tm->tm_overrun;
	}
	if (tm->tm_event.sigev_notify == SIGEV_THREAD_ID) {
		for (i = 0; i < sim.sim_nthreads; i++)
			if (sim.sim_threads[i]->st_tid ==
			    tm->tm_event.sigev_notify_thread_id &&
			    sim.sim_threads[i]->st_state != SIM_DEAD)
				t = sim.sim_threads[i];
		if (t == NULL)
			return;
	}
	sim_signal_send(t, &si);
}

static void
timer_expire(struct timer *tm)
{
	uint64_t count = 1;

	/* Time may have jumped over several expiries. */
	if (tm->tm_interval > 0) {
		count += (uint64_t)((sim.sim_now - tm->tm_next) /
		    tm->tm_interval);
		tm->tm_next += (int64_t)count * tm->tm_interval;
	} else
		tm->tm_next = SIM_FOREVER;
	tm->tm_overrun = count > INT_MAX ? INT_MAX : (int)count - 1;
	if (tm->tm_kind == TIMER_FD) {
		/*
		 * Call the real write(2).  The interposed one is a point, where
		 * another thread could close tm_fd.
		 */
		(void)!SIM_REAL(write)(tm->tm_fd, &count, sizeof(count));
		sim_fd_changed();
	} else if (tm->tm_event.sigev_notify == SIGEV_THREAD)
		timer_callthread(tm);
	else if (tm->tm_event.sigev_notify != SIGEV_NONE)
		timer_signal(tm);
}

/*
 * Return true if the timer ends the process, as an alarm(2) without a handler
 * does.  A program sets such an alarm in case it hangs.
 */
static bool
timer_ends(const struct timer *tm)
{
	struct sigaction sa;

	return tm->tm_kind == TIMER_REAL && sigaction(SIGALRM, NULL, &sa) ==
	    0 && (sa.sa_flags & SA_SIGINFO) == 0 && sa.sa_handler == SIG_DFL;
}

static void *
timer_main(void *arg)
{
	struct sim_thread *t = sim_self;
	struct timer *tm;

	for (;;) {
		sim_point(t, &timer_chan, SIM_CALL, 0);
		tm = timer_next();
		t->st_emergency = tm != NULL && timer_ends(tm);
		if (tm == NULL)
			(void)sim_block(t, &timer_chan, "timer", SIM_FOREVER);
		else if (tm->tm_next > sim.sim_now)
			(void)sim_block(t, &timer_chan, "timer", tm->tm_next);
		else
			timer_expire(tm);
	}
	return arg;
}

/* Make the timer thread, with all signals blocked. */
static int
timer_start(void)
{
	sigset_t all, old;
	pthread_t tid;
	int error;

	if (timer_thread != NULL)
		return 0;
	(void)sigfillset(&all);
	(void)SIM_REAL(pthread_sigmask)(SIG_SETMASK, &all, &old);
	error = sim_thread_daemon(&tid, timer_main, "timers", &timer_thread);
	(void)SIM_REAL(pthread_sigmask)(SIG_SETMASK, &old, NULL);
	return error;
}

/*
 * Set a timer.  Return 0 or an errno value.
 */
static int
timer_set(struct timer *tm, bool absolute, const struct itimerspec *its)
{
	int64_t value;
	int error;

	if (its->it_value.tv_nsec < 0 || its->it_value.tv_nsec >= NS ||
	    its->it_interval.tv_nsec < 0 || its->it_interval.tv_nsec >= NS ||
	    its->it_value.tv_sec < 0)
		return EINVAL;
	if ((error = timer_start()) != 0)
		return error;
	tm->tm_overrun = 0;
	tm->tm_next = SIM_FOREVER;
	tm->tm_interval = (int64_t)its->it_interval.tv_sec * NS +
	    its->it_interval.tv_nsec;
	value = (int64_t)its->it_value.tv_sec * NS + its->it_value.tv_nsec;
	if (value != 0)
		tm->tm_next = absolute ? sim_deadline(tm->tm_clock,
		    &its->it_value) : sim.sim_now + value;
	(void)sim_wake(&timer_chan, 1);
	return 0;
}

static void
timer_get(const struct timer *tm, struct itimerspec *its)
{
	int64_t left;

	left = tm->tm_next == SIM_FOREVER ? 0 :
	    tm->tm_next > sim.sim_now ? tm->tm_next - sim.sim_now : 1;
	its->it_value.tv_sec = (time_t)(left / NS);
	its->it_value.tv_nsec = (long)(left % NS);
	its->it_interval.tv_sec = (time_t)(tm->tm_interval / NS);
	its->it_interval.tv_nsec = (long)(tm->tm_interval % NS);
}

static int
timer_errno(int error)
{

	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/*
 * Timers of timer_create().  The ID of a timer is its index plus one.
 */

static struct timer *
timer_find(timer_t id)
{
	uintptr_t i = (uintptr_t)id - 1;

	return i < TIMER_N && timers[i].tm_kind == TIMER_POSIX ? &timers[i] :
	    NULL;
}

SIM_PUBLIC int
timer_create(clockid_t clock, struct sigevent *restrict ev,
    timer_t *restrict id)
{
	struct sim_thread *t;
	struct timer *tm;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(timer_create)(clock, ev, id);
	sim_point(t, &timer_chan, SIM_CALL, 0);
	if ((tm = timer_new(TIMER_POSIX)) == NULL) {
		errno = EAGAIN;
		return -1;
	}
	tm->tm_clock = clock;
	*id = (timer_t)(uintptr_t)(tm - timers + 1);
	if (ev != NULL)
		tm->tm_event = *ev;
	else {
		tm->tm_event.sigev_notify = SIGEV_SIGNAL;
		tm->tm_event.sigev_signo = SIGALRM;
		tm->tm_event.sigev_value.sival_ptr = *id;
	}
	return 0;
}

SIM_PUBLIC int
timer_settime(timer_t id, int flags, const struct itimerspec *restrict its,
    struct itimerspec *restrict old)
{
	struct sim_thread *t;
	struct timer *tm;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(timer_settime)(id, flags, its, old);
	sim_point(t, &timer_chan, SIM_CALL, 0);
	if ((tm = timer_find(id)) == NULL)
		return timer_errno(EINVAL);
	if (old != NULL)
		timer_get(tm, old);
	return timer_errno(timer_set(tm, (flags & TIMER_ABSTIME) != 0, its));
}

SIM_PUBLIC int
timer_gettime(timer_t id, struct itimerspec *its)
{
	struct sim_thread *t;
	struct timer *tm;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(timer_gettime)(id, its);
	sim_clockread(t);
	if ((tm = timer_find(id)) == NULL)
		return timer_errno(EINVAL);
	timer_get(tm, its);
	return 0;
}

SIM_PUBLIC int
timer_getoverrun(timer_t id)
{
	struct timer *tm;

	if (SIM_ENTER() == NULL)
		return SIM_REAL(timer_getoverrun)(id);
	if ((tm = timer_find(id)) == NULL)
		return timer_errno(EINVAL);
	return tm->tm_overrun;
}

SIM_PUBLIC int
timer_delete(timer_t id)
{
	struct sim_thread *t;
	struct timer *tm;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(timer_delete)(id);
	sim_point(t, &timer_chan, SIM_CALL, 0);
	if ((tm = timer_find(id)) == NULL)
		return timer_errno(EINVAL);
	tm->tm_kind = TIMER_FREE;
	return 0;
}

/*
 * The ITIMER_REAL timer of the process, which sends SIGALRM.  ITIMER_VIRTUAL
 * and ITIMER_PROF stay real.
 */

static struct timer *
timer_process(void)
{
	struct timer *tm;

	for (tm = timers; tm < &timers[TIMER_N]; tm++)
		if (tm->tm_kind == TIMER_REAL)
			return tm;
	if ((tm = timer_new(TIMER_REAL)) != NULL) {
		tm->tm_clock = CLOCK_MONOTONIC;
		tm->tm_event.sigev_notify = SIGEV_SIGNAL;
		tm->tm_event.sigev_signo = SIGALRM;
	}
	return tm;
}

static void
timer_fromval(struct timespec *ts, const struct timeval *tv)
{

	ts->tv_sec = tv->tv_sec;
	ts->tv_nsec = tv->tv_usec * 1000;
}

static void
timer_toval(struct timeval *tv, const struct timespec *ts)
{

	tv->tv_sec = ts->tv_sec;
	tv->tv_usec = (ts->tv_nsec + 999) / 1000;
	if (tv->tv_usec == 1000000) {
		tv->tv_sec++;
		tv->tv_usec = 0;
	}
}

SIM_PUBLIC int
setitimer(__itimer_which_t which, const struct itimerval *restrict new,
    struct itimerval *restrict old)
{
	struct itimerspec its;
	struct sim_thread *t;
	struct timer *tm;

	if ((t = SIM_ENTER()) == NULL || which != ITIMER_REAL)
		return SIM_REAL(setitimer)(which, new, old);
	sim_point(t, &timer_chan, SIM_CALL, 0);
	if ((tm = timer_process()) == NULL)
		return timer_errno(ENOMEM);
	timer_get(tm, &its);
	if (old != NULL) {
		timer_toval(&old->it_value, &its.it_value);
		timer_toval(&old->it_interval, &its.it_interval);
	}
	timer_fromval(&its.it_value, &new->it_value);
	timer_fromval(&its.it_interval, &new->it_interval);
	return timer_errno(timer_set(tm, false, &its));
}

SIM_PUBLIC int
getitimer(__itimer_which_t which, struct itimerval *value)
{
	struct itimerspec its;
	struct sim_thread *t;
	struct timer *tm;

	if ((t = SIM_ENTER()) == NULL || which != ITIMER_REAL)
		return SIM_REAL(getitimer)(which, value);
	sim_clockread(t);
	if ((tm = timer_process()) == NULL)
		return timer_errno(ENOMEM);
	timer_get(tm, &its);
	timer_toval(&value->it_value, &its.it_value);
	timer_toval(&value->it_interval, &its.it_interval);
	return 0;
}

SIM_PUBLIC unsigned
alarm(unsigned secs)
{
	struct itimerval new, old;

	if (SIM_ENTER() == NULL)
		return SIM_REAL(alarm)(secs);
	memset(&new, 0, sizeof(new));
	new.it_value.tv_sec = secs;
	if (setitimer(ITIMER_REAL, &new, &old) == -1)
		return 0;
	return (unsigned)old.it_value.tv_sec + (old.it_value.tv_usec > 0);
}

SIM_PUBLIC useconds_t
ualarm(useconds_t us, useconds_t interval)
{
	struct itimerval new, old;

	if (SIM_ENTER() == NULL)
		return SIM_REAL(ualarm)(us, interval);
	new.it_value.tv_sec = us / 1000000;
	new.it_value.tv_usec = us % 1000000;
	new.it_interval.tv_sec = interval / 1000000;
	new.it_interval.tv_usec = interval % 1000000;
	if (setitimer(ITIMER_REAL, &new, &old) == -1)
		return (useconds_t)-1;
	return (useconds_t)(old.it_value.tv_sec * 1000000 +
	    old.it_value.tv_usec);
}

/*
 * Timers of timerfd_create().  The program may close a descriptor in a way that
 * the simulator does not see.  So timerfd_create() frees a timer that still has
 * the number of the new descriptor.
 */

static struct timer *
timer_byfd(int fd)
{
	struct timer *tm;

	for (tm = timers; tm < &timers[TIMER_N]; tm++)
		if (tm->tm_kind == TIMER_FD && tm->tm_fd == fd)
			return tm;
	return NULL;
}

void
sim_timer_closed(int fd)
{
	struct timer *tm;

	if ((tm = timer_byfd(fd)) != NULL)
		tm->tm_kind = TIMER_FREE;
}

SIM_PUBLIC int
timerfd_create(clockid_t clock, int flags)
{
	struct sim_thread *t;
	struct timer *tm;
	int fd;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(timerfd_create)(clock, flags);
	sim_point(t, &timer_chan, SIM_CALL, 0);
	fd = eventfd(0, ((flags & TFD_CLOEXEC) != 0 ? EFD_CLOEXEC : 0) |
	    ((flags & TFD_NONBLOCK) != 0 ? EFD_NONBLOCK : 0));
	if (fd == -1)
		return -1;
	sim_timer_closed(fd);
	if ((tm = timer_new(TIMER_FD)) == NULL) {
		(void)SIM_REAL(close)(fd);
		errno = EMFILE;
		return -1;
	}
	tm->tm_clock = clock;
	tm->tm_fd = fd;
	return fd;
}

SIM_PUBLIC int
timerfd_settime(int fd, int flags, const struct itimerspec *its,
    struct itimerspec *old)
{
	struct sim_thread *t;
	struct timer *tm;
	uint64_t count;
	int fl;

	if ((t = SIM_ENTER()) == NULL || (tm = timer_byfd(fd)) == NULL)
		return SIM_REAL(timerfd_settime)(fd, flags, its, old);
	sim_point(t, &timer_chan, SIM_CALL, 0);
	if (old != NULL)
		timer_get(tm, old);
	/* Clear the count of earlier expiries. */
	fl = fcntl(fd, F_GETFL);
	(void)fcntl(fd, F_SETFL, fl | O_NONBLOCK);
	(void)!SIM_REAL(read)(fd, &count, sizeof(count));
	(void)fcntl(fd, F_SETFL, fl);
	return timer_errno(timer_set(tm, (flags & TFD_TIMER_ABSTIME) != 0,
	    its));
}

SIM_PUBLIC int
timerfd_gettime(int fd, struct itimerspec *its)
{
	struct sim_thread *t;
	struct timer *tm;

	if ((t = SIM_ENTER()) == NULL || (tm = timer_byfd(fd)) == NULL)
		return SIM_REAL(timerfd_gettime)(fd, its);
	sim_clockread(t);
	timer_get(tm, its);
	return 0;
}
