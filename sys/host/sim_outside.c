/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Threads that wait for another process, in the simulator.
 *
 * The time of another process is not virtual.  So the simulator looks outside
 * only when no thread can run or all threads spin, and now and then while
 * threads are busy.  If another process may end a wait, the simulator waits in
 * real time before it lets virtual time jump or reports a deadlock.  These are
 * the waits that another process may end: for a child; for a descriptor; for a
 * signal; and for a lock, semaphore or condition variable that processes share.
 *
 * If another process sends a signal, the kernel delivers it to the main thread,
 * unless that thread blocks it.  So the main thread is the one that waits in
 * real time.  It accepts such a signal without calling the handler.  The
 * handler runs when the thread has the baton, as for a signal from another
 * thread.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/host.h>
#include <host/sim.h>

#define	OUTSIDE_MS	1000		/* ms of real time to wait for others */
#define	OUTSIDE_STEP	2
#define	MS		1000000

/* The parts of glibc's objects that this file reads. */
#define	SEM_SHARED	2		/* an int of a sem_t: not 0 */
#define	MUTEX_SHARED	128		/* a bit of __kind */
#define	COND_SHARED	1		/* a bit of __wrefs */
#define	RWLOCK_WRITTEN	2		/* a bit of __readers */
#define	RWLOCK_READERS	3		/* the shift of their number */

/* When another process ends a wait. */
enum outside {
	OUTSIDE_NEVER,			/* no process ends it */
	OUTSIDE_LATER,
	OUTSIDE_MAYBE,			/* the thread must find out */
	OUTSIDE_NOW
};

static bool outside_timed;		/* wait for OUTSIDE_MS at most */
static bool outside_woken;		/* the result of sim_outside() */

static enum outside
outside_when(bool shared, bool over)
{

	return !shared ? OUTSIDE_NEVER : over ? OUTSIDE_NOW : OUTSIDE_LATER;
}

/* Find out when a wait for an object in memory ends. */
static enum outside
outside_memory(const struct sim_thread *t)
{
	const pthread_mutex_t *m = t->st_chan;
	const pthread_cond_t *c = t->st_chan;
	const pthread_rwlock_t *rw = t->st_chan;
	unsigned word;
	int value;

	/*
	 * The handler of a real signal may have called sem_post() or
	 * host_unpark() while its thread was inside the simulator.  Then this
	 * call has not woken the waiting thread.
	 */
	if (strcmp(t->st_kind, "semaphore") == 0) {
		if (sem_getvalue((sem_t *)(uintptr_t)t->st_chan, &value) == 0 &&
		    value > 0)
			return OUTSIDE_NOW;
		return outside_when(((const int *)t->st_chan)[SEM_SHARED] != 0,
		    false);
	}
	if (strcmp(t->st_kind, "park") == 0)
		return outside_when(host_parkready(t->st_chan), true);
	if (strcmp(t->st_kind, "mutex") == 0) {
		word = (unsigned)__atomic_load_n(&m->__data.__lock,
		    __ATOMIC_RELAXED);
		return outside_when((m->__data.__kind & MUTEX_SHARED) != 0,
		    word == 0 || (word & FUTEX_OWNER_DIED) != 0);
	}
	if (strncmp(t->st_kind, "rwlock", 6) == 0) {
		word = __atomic_load_n(&rw->__data.__readers,
		    __ATOMIC_RELAXED);
		return outside_when(rw->__data.__shared != 0,
		    (word & RWLOCK_WRITTEN) == 0 &&
		    (strcmp(t->st_kind, "rwlock, to read") == 0 ||
		    word >> RWLOCK_READERS == 0));
	}
	if (strcmp(t->st_kind, "condition variable") == 0 &&
	    (c->__data.__wrefs & COND_SHARED) != 0)
		return OUTSIDE_MAYBE;
	return OUTSIDE_NEVER;
}

/* Return true if a signal is pending that the thread waits for. */
static bool
outside_signal(const struct sim_thread *t)
{
	sigset_t pending;
	int flags, signo;

	if (sigpending(&pending) == -1)
		return false;
	for (signo = 1; signo <= SIGRTMAX; signo++)
		if (sigismember(&pending, signo) == 1 &&
		    ((t->st_sigwait != NULL &&
		    sigismember(t->st_sigwait, signo) == 1) ||
		    (t->st_sigmask != NULL &&
		    sigismember(t->st_sigmask, signo) == 0 &&
		    sim_signal_handled(signo, &flags))))
			return true;
	return false;
}

static enum outside
outside_thread(const struct sim_thread *t)
{

	if (t->st_outside)
		return outside_when(true, sim_fork_ready(t));
	if (t->st_sigwait != NULL || t->st_sigmask != NULL) {
		if (outside_signal(t) || sim_fd_ready(t))
			return OUTSIDE_NOW;
		return OUTSIDE_LATER;
	}
	if (t->st_sigpause)
		return OUTSIDE_LATER;
	if (t->st_fds != NULL)
		return outside_when(true, sim_fd_ready(t));
	return outside_memory(t);
}

/*
 * Wake the threads whose wait is over.  If naps is true, also wake the threads
 * that must find out themselves whether their wait is over.  Return true if a
 * thread was woken.  Otherwise set *leads if another process may still end a
 * wait, so that the simulator should wait in real time.  *alive tells whether
 * the process has children that run.  If alive is NULL, any child counts, also
 * one that has ended.
 */
static bool
outside_look(bool *leads, bool naps, const bool *alive)
{
	struct sim_thread *t;
	enum outside when;
	unsigned i;
	bool asked = false, kin = sim.sim_child, woken = false;

	*leads = false;
	for (i = 0; i < sim.sim_nthreads; i++) {
		t = sim.sim_threads[i];
		if (t->st_state != SIM_BLOCKED || t->st_daemon)
			continue;
		when = outside_thread(t);
		if (when == OUTSIDE_NOW || (when == OUTSIDE_MAYBE && naps)) {
			sim_interrupt(t);
			woken = true;
		}
		if (when == OUTSIDE_NEVER || woken || *leads)
			continue;
		if (!kin && !asked) {
			kin = alive != NULL ? *alive : sim_fork_children();
			asked = true;
		}
		*leads = t->st_outside || (t->st_fds != NULL ?
		    sim_fd_leadsout(t, kin) : kin);
	}
	return woken;
}

/*
 * Return true if the handler of SIGCHLD may end a wait, because the process has
 * children.
 */
static bool
outside_child(bool children)
{
	int flags;

	return children && !outside_timed &&
	    sim_signal_handled(SIGCHLD, &flags);
}

void
sim_outside_look(void)
{
	bool leads;

	(void)outside_look(&leads, false, NULL);
}

/* Store the signals that have a handler and that the thread does not block. */
static void
outside_signals(const struct sim_thread *t, const sigset_t *old, sigset_t *set)
{
	const sigset_t *mask = t->st_sigmask != NULL ? t->st_sigmask : old;
	int flags, signo;

	(void)sigemptyset(set);
	for (signo = 1; signo <= SIGRTMAX; signo++)
		if (sigismember(mask, signo) == 0 &&
		    sim_signal_handled(signo, &flags))
			(void)sigaddset(set, signo);
}

/*
 * Wait until a thread can run, or no other process can end a wait any more, but
 * for OUTSIDE_MS at most.  If outside_timed is false and a child runs, wait
 * without limit.
 */
void
sim_outside_wait(struct sim_thread *t)
{
	static const struct timespec ts = { .tv_nsec = OUTSIDE_STEP * MS };
	sigset_t old, set;
	siginfo_t si;
	unsigned n;
	bool alive = true, leads, woken;

	(void)SIM_REAL(pthread_sigmask)(SIG_SETMASK, NULL, &old);
	outside_signals(t, &old, &set);
	(void)SIM_REAL(pthread_sigmask)(SIG_BLOCK, &set, NULL);
	woken = outside_look(&leads, false, NULL);
	leads = leads || outside_child(sim_fork_children());
	for (n = 0; !woken && leads && (n < OUTSIDE_MS / OUTSIDE_STEP ||
	    (!outside_timed && alive)); n++) {
		sim.sim_result->sr_outside = 1;
		/*
		 * Ask first.  If a child ends after this, look once more, for
		 * its signal and for what it did before its end.
		 */
		alive = sim_fork_running();
		if (SIM_REAL(sigtimedwait)(&set, &si, &ts) != -1) {
			sim_signal_queue(t, &si);
			woken = true;
		} else {
			woken = outside_look(&leads, true, &alive);
			leads = leads || outside_child(alive);
		}
	}
	outside_woken = woken || !leads;
	sim.sim_result->sr_outside = 0;
	(void)SIM_REAL(pthread_sigmask)(SIG_SETMASK, &old, NULL);
}

/*
 * Return the thread that waits in real time: the main thread if it is blocked,
 * or else the calling thread.  Return NULL if the calling thread is ending.
 */
static struct sim_thread *
outside_main(void)
{
	unsigned i;

	for (i = 0; i < sim.sim_nthreads; i++)
		if (sim.sim_threads[i]->st_tid == sim.sim_realpid &&
		    sim.sim_threads[i]->st_state == SIM_BLOCKED)
			return sim.sim_threads[i];
	return sim_self;
}

/* Return false if another process may still end a wait but has not done so. */
bool
sim_outside(bool timed)
{
	struct sim_thread *t;
	bool leads;

	outside_timed = timed;
	if (outside_look(&leads, false, NULL) ||
	    (!leads && !outside_child(sim_fork_children())) ||
	    (t = outside_main()) == NULL)
		return true;
	outside_woken = false;
	if (t == sim_self) {
		sim_outside_wait(t);
		return outside_woken;
	}
	/* Release: the simulator's state; pairs with sim_baton_wait(). */
	__atomic_store_n(&t->st_baton, SIM_LOOK, __ATOMIC_RELEASE);
	sim_futex_wake(&t->st_baton);
	/* Acquire: pairs with sim_baton_wait(). */
	while (__atomic_load_n(&t->st_baton, __ATOMIC_ACQUIRE) == SIM_LOOK)
		sim_futex_wait(&t->st_baton, SIM_LOOK);
	return outside_woken;
}

/*
 * All threads that can run spin.  A thread that waits for another process may
 * be the one for which they spin.  So give the other process real time before
 * virtual time passes, once for each wait.
 */
void
sim_outside_spin(void)
{

	if (sim.sim_waitfds > 0 && !sim.sim_vain)
		sim.sim_vain = !sim_outside(true);
}
