/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Signals, in the simulator, and interrupts that the strategy injects.
 *
 * The kernel keeps masks, actions and pending signals.  But a handler must run
 * on a thread that has the baton, so each thread raises its own signals.  A
 * thread that sends a signal and takes it itself raises it at once.  Any other
 * thread raises a signal when it next gets the baton.  If a thread blocks the
 * signal, the kernel delivers the signal when the thread unblocks it.
 *
 * An interrupt is a signal that may arrive at any point.  The program names
 * such a signal by wqsim_signal(), or establishes it by intr_establish(9) while
 * the setting i= is given.  The thread with the baton raises it in itself.  If
 * the level of the thread is too high, the library defers the interrupt, as it
 * does without the simulator.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/sim.h>

#define	SIG_QUEUE	256		/* sent, and not yet raised */
#define	SIG_N		65

/* The strategies treat all signals as one object. */
static const char sig_chan;

/* The oldest signal is the first. */
static struct sig_entry {
	struct sim_thread *se_thread;
	siginfo_t	se_info;
} sig_queue[SIG_QUEUE];
static unsigned sig_nqueue;

/* How many times each signal may still arrive as an interrupt. */
static unsigned sig_allowed[SIG_N];
static bool sig_established[SIG_N];

/*
 * Return true if the thread's mask in the kernel blocks the signal.  A thread
 * other than the caller waits for the baton, so its mask does not change
 * meanwhile.
 */
static bool
sig_masked(struct sim_thread *t, int signo)
{
	unsigned long long mask;
	char buf[2048], *p;
	sigset_t set;
	ssize_t n;
	int fd;

	if (t == sim_self) {
		(void)SIM_REAL(pthread_sigmask)(SIG_BLOCK, NULL, &set);
		return sigismember(&set, signo) == 1;
	}
	(void)snprintf(buf, sizeof(buf), "/proc/self/task/%d/status",
	    sim_thread_tid(t));
	fd = (int)syscall(SYS_openat, AT_FDCWD, buf, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = syscall(SYS_read, fd, buf, sizeof(buf) - 1);
	(void)syscall(SYS_close, fd);
	buf[n > 0 ? n : 0] = '\0';
	if ((p = strstr(buf, "\nSigBlk:")) == NULL)
		return false;
	mask = strtoull(p + strlen("\nSigBlk:"), NULL, 16);
	return (mask & 1ULL << (signo - 1)) != 0;
}

/*
 * Return true if the thread blocks the signal.  A call in which the thread
 * waits may have a mask, which the kernel does not know.
 */
static bool
sig_blocked(struct sim_thread *t, int signo)
{

	return t->st_sigmask != NULL ? sigismember(t->st_sigmask, signo) == 1 :
	    sig_masked(t, signo);
}

/* Return true if the thread waits in a call that takes the signal. */
static bool
sig_awaited(const struct sim_thread *t, int signo)
{

	return t->st_state == SIM_BLOCKED && ((t->st_sigwait != NULL &&
	    sigismember(t->st_sigwait, signo) == 1) ||
	    (t->st_sigmask != NULL && sigismember(t->st_sigmask, signo) == 0));
}

bool
sim_signal_handled(int signo, int *flags)
{
	struct sigaction sa;

	if (sigaction(signo, NULL, &sa) == -1)
		return false;
	*flags = sa.sa_flags;
	return (sa.sa_flags & SA_SIGINFO) != 0 ||
	    (sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN);
}

static void
sig_raise(struct sim_thread *t, const siginfo_t *si)
{
	siginfo_t copy = *si;
	int flags;
	bool shows;

	/* If the thread blocks the signal, it arrives later. */
	shows = sim.sim_trace != NULL && t == sim_self &&
	    !sig_masked(t, si->si_signo) &&
	    sim_signal_handled(si->si_signo, &flags);
	if (shows)
		sim_trace_signal(t, SIM_EVENT_SIGNAL, si->si_signo);
	/*
	 * The kernel lets only the main thread send a signal whose si_code is
	 * SI_USER.
	 */
	if (syscall(SYS_rt_tgsigqueueinfo, sim.sim_realpid, t->st_tid,
	    si->si_signo, &copy) == -1)
		(void)syscall(SYS_tgkill, sim.sim_realpid, t->st_tid,
		    si->si_signo);
	if (shows)
		sim_trace_signal(t, SIM_EVENT_RETURN, si->si_signo);
}

/*
 * Choose the thread that takes a signal sent to the process.  Return NULL if
 * all threads block it.
 */
static struct sim_thread *
sig_choose(int signo)
{
	static struct sim_thread *able[SIM_THREADS];
	struct sim_thread *t;
	unsigned i, n = 0;

	for (i = 0; i < sim.sim_nthreads; i++) {
		t = sim.sim_threads[i];
		if (t->st_state == SIM_DEAD || t->st_daemon)
			continue;
		if (sig_awaited(t, signo))
			return t;
		if (!sig_blocked(t, signo))
			able[n++] = t;
	}
	if (n == 0)
		return NULL;
	/* By default the sender takes the signal, if it can. */
	for (i = 1; i < n; i++)
		if (able[i] == sim_self) {
			t = able[0];
			able[0] = able[i];
			able[i] = t;
		}
	return able[n > 1 ? sim_choose(n, "which thread takes a signal") : 0];
}

void
sim_signal_send(struct sim_thread *t, const siginfo_t *si)
{
	siginfo_t copy = *si;
	int flags, signo = si->si_signo;

	if (t == NULL && (t = sig_choose(signo)) == NULL) {
		if (syscall(SYS_rt_sigqueueinfo, sim.sim_realpid, signo,
		    &copy) == -1)
			(void)syscall(SYS_kill, sim.sim_realpid, signo);
		sim_fd_changed();
		return;
	}
	if (t == sim_self) {
		sig_raise(t, si);
		sim_fd_changed();
		return;
	}
	/*
	 * If the thread blocks the signal, the kernel keeps it.  But if only
	 * the mask of a call blocks it, sig_queue keeps it.
	 */
	if (sig_masked(t, signo)) {
		sig_raise(t, si);
		if (sig_awaited(t, signo))
			sim_interrupt(t);
		sim_fd_changed();
		return;
	}
	if (!sim_signal_handled(signo, &flags)) {
		/* Without a handler, the kernel does the default action. */
		sig_raise(t, si);
		return;
	}
	sim_signal_queue(t, si);
}

/* Queue a signal, which the thread raises when it next has the baton. */
void
sim_signal_queue(struct sim_thread *t, const siginfo_t *si)
{
	struct sig_entry *se;
	unsigned i;

	for (i = 0; i < sig_nqueue; i++)
		if (si->si_signo < SIGRTMIN && sig_queue[i].se_thread == t &&
		    sig_queue[i].se_info.si_signo == si->si_signo)
			return;
	if (sig_nqueue == SIG_QUEUE)
		sim_fail("more than %d signals are pending", SIG_QUEUE);
	se = &sig_queue[sig_nqueue++];
	se->se_thread = t;
	se->se_info = *si;
	t->st_nsigs++;
	if (t->st_sigmask == NULL ||
	    sigismember(t->st_sigmask, si->si_signo) == 0)
		sim_interrupt(t);
}

/* Take the thread's oldest signal that the mask does not block. */
static bool
sig_next(struct sim_thread *t, const sigset_t *mask, siginfo_t *si)
{
	unsigned i;

	for (i = 0; i < sig_nqueue; i++)
		if (sig_queue[i].se_thread == t && (mask == NULL ||
		    sigismember(mask, sig_queue[i].se_info.si_signo) == 0))
			break;
	if (i == sig_nqueue)
		return false;
	*si = sig_queue[i].se_info;
	memmove(&sig_queue[i], &sig_queue[i + 1],
	    (--sig_nqueue - i) * sizeof(sig_queue[i]));
	t->st_nsigs--;
	return true;
}

void
sim_signal_take(struct sim_thread *t)
{
	const sigset_t *mask = t->st_sigmask;
	sigset_t old;
	siginfo_t si;
	bool restart = true, taken = false;
	int flags, serrno = errno;

	/* The handler runs with the mask of the call that waits. */
	if (mask != NULL)
		(void)sim_signal_mask(t, SIG_SETMASK, mask, &old);
	while (sig_next(t, mask, &si)) {
		taken = true;
		if (!sim_signal_handled(si.si_signo, &flags) ||
		    (flags & SA_RESTART) == 0)
			restart = false;
		t->st_sigmask = NULL;
		sig_raise(t, &si);
		t->st_sigmask = mask;
	}
	if (mask != NULL)
		(void)SIM_REAL(pthread_sigmask)(SIG_SETMASK, &old, NULL);
	if (taken) {
		t->st_intr = true;
		t->st_restart = restart;
	}
	errno = serrno;
}

/*
 * Reset the state in a forked child, which has no pending signals.
 */
void
sim_signal_forked(const struct sim_thread *t)
{

	(void)t;
	sig_nqueue = 0;
	sim.sim_realpid = (int)syscall(SYS_getpid);
	/* The library must see that this is another process. */
	sim.sim_pid = sim.sim_realpid;
	sim_self->st_nsigs = 0;
}

/*
 * Interrupts.
 */

void
sim_signal_allow(int signo, unsigned n)
{

	if (signo < 1 || signo >= SIG_N)
		return;
	sim.sim_inject += n;
	sig_allowed[signo] += n;
}

/* Called by host_signal_establish() and host_signal_release(). */
void
sim_signal_established(int signo, bool on)
{

	if (on && !sig_established[signo])
		sim_signal_allow(signo, sim.sim_set.ss_interrupts);
	else if (!on) {
		sim.sim_inject -= sig_allowed[signo];
		sig_allowed[signo] = 0;
	}
	sig_established[signo] = on;
}

/* Called at the start of a schedule. */
void
sim_signal_begin(void)
{
	int signo;

	sim.sim_inject = 0;
	for (signo = 1; signo < SIG_N; signo++) {
		sig_allowed[signo] = 0;
		if (sig_established[signo])
			sim_signal_allow(signo, sim.sim_set.ss_interrupts);
	}
}

void
sim_signal_inject(struct sim_thread *t)
{
	siginfo_t si;
	unsigned n = 0, which;
	int flags, serrno, signo;

	if (t->st_daemon)
		return;
	for (signo = 1; signo < SIG_N; signo++)
		if (sig_allowed[signo] > 0)
			n++;
	if ((which = sim_choose(n + 1, SIM_INTERRUPT)) == 0)
		return;
	for (signo = 1; signo < SIG_N; signo++)
		if (sig_allowed[signo] > 0 && --which == 0)
			break;
	serrno = errno;
	if (!sig_blocked(t, signo) && sim_signal_handled(signo, &flags)) {
		sig_allowed[signo]--;
		sim.sim_inject--;
		memset(&si, 0, sizeof(si));
		si.si_signo = signo;
		si.si_code = SI_USER;
		si.si_pid = sim.sim_realpid;
		si.si_uid = getuid();
		sig_raise(t, &si);
	}
	errno = serrno;
}

/*
 * The client's calls that send a signal.
 */

static int
sig_send(struct sim_thread *t, int signo, int code, const union sigval *value)
{
	siginfo_t si;

	if (signo < 0 || signo >= SIG_N)
		return EINVAL;
	if (signo == 0)
		return 0;
	memset(&si, 0, sizeof(si));
	si.si_signo = signo;
	si.si_code = code;
	si.si_pid = sim.sim_realpid;
	si.si_uid = getuid();
	if (value != NULL)
		si.si_value = *value;
	sim_signal_send(t, &si);
	return 0;
}

static int
sig_errno(int error)
{

	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

SIM_PUBLIC int
raise(int signo)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(raise)(signo);
	sim_point(t, &sig_chan, SIM_CALL, 0);
	return sig_errno(sig_send(t, signo, SI_TKILL, NULL));
}

SIM_PUBLIC int
kill(pid_t pid, int signo)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL || pid != sim.sim_realpid)
		return SIM_REAL(kill)(pid, signo);
	sim_point(t, &sig_chan, SIM_CALL, 0);
	return sig_errno(sig_send(NULL, signo, SI_USER, NULL));
}

SIM_PUBLIC int
sigqueue(pid_t pid, int signo, const union sigval value)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL || pid != sim.sim_realpid)
		return SIM_REAL(sigqueue)(pid, signo, value);
	sim_point(t, &sig_chan, SIM_CALL, 0);
	return sig_errno(sig_send(NULL, signo, SI_QUEUE, &value));
}

static int
sig_thread(pthread_t tid, int signo, int code, const union sigval *value)
{
	struct sim_thread *t;

	if ((t = sim_thread_find(tid)) == NULL)
		return ESRCH;
	/* The C library has done the same since 2.37. */
	if (t->st_state == SIM_DEAD)
		return 0;
	return sig_send(t, signo, code, value);
}

SIM_PUBLIC int
pthread_kill(pthread_t tid, int signo)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_kill)(tid, signo);
	sim_point(t, &sig_chan, SIM_CALL, 0);
	return sig_thread(tid, signo, SI_TKILL, NULL);
}

SIM_PUBLIC int
pthread_sigqueue(pthread_t tid, int signo, const union sigval value)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pthread_sigqueue)(tid, signo, value);
	sim_point(t, &sig_chan, SIM_CALL, 0);
	return sig_thread(tid, signo, SI_QUEUE, &value);
}

/*
 * Masks.  The kernel runs the handlers of the signals that become unblocked.
 */

int
sim_signal_mask(struct sim_thread *t, int how, const sigset_t *set,
    sigset_t *old)
{
	sigset_t now, pending;
	int error, flags, i, n = 0, signo, signos[SIG_N];

	if (sim.sim_trace == NULL || set == NULL || how == SIG_BLOCK)
		return SIM_REAL(pthread_sigmask)(how, set, old);
	(void)SIM_REAL(pthread_sigmask)(SIG_BLOCK, NULL, &now);
	(void)sigpending(&pending);
	for (signo = 1; signo < SIG_N; signo++)
		if (sigismember(&pending, signo) == 1 &&
		    sigismember(&now, signo) == 1 &&
		    sigismember(set, signo) == (how == SIG_UNBLOCK) &&
		    sim_signal_handled(signo, &flags))
			signos[n++] = signo;
	for (i = 0; i < n; i++)
		sim_trace_signal(t, SIM_EVENT_SIGNAL, signos[i]);
	error = SIM_REAL(pthread_sigmask)(how, set, old);
	while (n > 0)
		sim_trace_signal(t, SIM_EVENT_RETURN, signos[--n]);
	return error;
}

SIM_PUBLIC int
pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL || set == NULL)
		return SIM_REAL(pthread_sigmask)(how, set, old);
	sim_point(t, &sig_chan, SIM_CALL, 0);
	return sim_signal_mask(t, how, set, old);
}

SIM_PUBLIC int
sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{

	return sig_errno(pthread_sigmask(how, set, old));
}

/*
 * Wait for a signal.
 */

static int
sig_wait(struct sim_thread *t, const sigset_t *set, siginfo_t *si,
    int64_t deadline)
{
	static const struct timespec zero;
	int error = 0, signo;

	sim_point(t, &sig_chan, SIM_CALL, 0);
	for (;;) {
		signo = SIM_REAL(sigtimedwait)(set, si, &zero);
		if (signo != -1 && sim.sim_trace != NULL)
			sim_trace_add(t, SIM_EVENT_ACCEPT, 0, (uint32_t)signo);
		if (signo != -1 || errno != EAGAIN)
			return signo;
		if (error != 0) {
			errno = error == ETIMEDOUT ? EAGAIN : error;
			return -1;
		}
		pthread_testcancel();
		t->st_sigwait = set;
		error = sim_block(t, &sig_chan, "signal", deadline);
		t->st_sigwait = NULL;
		pthread_testcancel();
		if (t->st_intr && error == 0)
			error = EINTR;
	}
}

SIM_PUBLIC int
sigwait(const sigset_t *restrict set, int *restrict signop)
{
	struct sim_thread *t;
	int signo;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sigwait)(set, signop);
	do {
		signo = sig_wait(t, set, NULL, SIM_FOREVER);
	} while (signo == -1 && errno == EINTR);
	if (signo == -1)
		return errno;
	*signop = signo;
	return 0;
}

SIM_PUBLIC int
sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict si)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sigwaitinfo)(set, si);
	return sig_wait(t, set, si, SIM_FOREVER);
}

SIM_PUBLIC int
sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict si,
    const struct timespec *restrict ts)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sigtimedwait)(set, si, ts);
	return sig_wait(t, set, si, ts == NULL ? SIM_FOREVER :
	    sim.sim_now + (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec);
}

SIM_PUBLIC int
pause(void)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pause)();
	sim_point(t, &sig_chan, SIM_CALL, 0);
	do {
		pthread_testcancel();
		t->st_sigpause = true;
		(void)sim_block(t, &sig_chan, "pause", SIM_FOREVER);
		t->st_sigpause = false;
		pthread_testcancel();
	} while (!t->st_intr);
	errno = EINTR;
	return -1;
}

SIM_PUBLIC int
sigsuspend(const sigset_t *mask)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sigsuspend)(mask);
	return sim_fd_suspend(t, mask);
}
