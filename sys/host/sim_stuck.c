/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Detect a schedule that reaches no point for a long time.  A schedule is stuck
 * if the thread with the baton has slept all that time, or if the process has
 * used much processor time since its last point.  A thread that could run but
 * gets no processor is not stuck before OUTSIDE_MS.
 *
 * The zygote finds out what the thread with the baton is doing, and sends a
 * signal to that thread.  The signal handler reports what all threads are
 * doing.
 *
 * The signal is the one that the C library uses for pthread_cancel(3).  No
 * program can block it, and the C library ignores it unless pthread_cancel(3)
 * sent it.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/sim.h>

#define	STUCK_SIGNAL	32
#define	STUCK_MS	2000		/* without a point */
#define	STUCK_NS	2000000000	/* the same, of processor time */
#define	OUTSIDE_MS	60000		/* without a point, in any case */
#define	REPORT_MS	1000		/* ms for the report */

/* When the process last reached a point, and the time since then. */
static struct {
	uint64_t	 s_points;	/* sr_points at that time */
	uint64_t	 s_ran;		/* sr_ran at that time */
	int64_t		 s_used;	/* processor time at that time */
	unsigned	 s_ms;		/* milliseconds since then */
	unsigned	 s_asleep;	/* ms that it has been asleep now */
} stuck;

/* The system calls that may block.  The report prints their names. */
static const struct {
	int		 c_number;
	const char	*c_name;
} calls[] = {
#define	CALL(name)	{ SYS_##name, #name },
#ifdef SYS_accept
	CALL(accept)
#endif
	CALL(accept4)
	CALL(connect)
#ifdef SYS_epoll_wait
	CALL(epoll_wait)
#endif
	CALL(epoll_pwait)
	CALL(fcntl)
	CALL(flock)
	CALL(fsync)
#ifdef SYS_futex
	CALL(futex)
#endif
#ifdef SYS_io_getevents
	CALL(io_getevents)
#endif
#ifdef SYS_io_uring_enter
	CALL(io_uring_enter)
#endif
	CALL(mq_timedreceive)
	CALL(mq_timedsend)
#ifdef SYS_msgrcv
	CALL(msgrcv)
#endif
#ifdef SYS_msgsnd
	CALL(msgsnd)
#endif
	CALL(nanosleep)
	CALL(clock_nanosleep)
#ifdef SYS_open
	CALL(open)
#endif
	CALL(openat)
#ifdef SYS_pause
	CALL(pause)
#endif
#ifdef SYS_poll
	CALL(poll)
#endif
	CALL(ppoll)
	CALL(preadv)
	CALL(pselect6)
	CALL(read)
	CALL(readv)
	CALL(recvfrom)
	CALL(recvmmsg)
	CALL(recvmsg)
	CALL(rt_sigsuspend)
	CALL(rt_sigtimedwait)
#ifdef SYS_select
	CALL(select)
#endif
#ifdef SYS_semop
	CALL(semop)
#endif
#ifdef SYS_semtimedop
	CALL(semtimedop)
#endif
	CALL(sendfile)
	CALL(sendmmsg)
	CALL(sendmsg)
	CALL(sendto)
	CALL(splice)
	CALL(tee)
	CALL(vmsplice)
	CALL(wait4)
	CALL(waitid)
	CALL(write)
	CALL(writev)
#undef CALL
};

static void
stuck_handler(int signo)
{
	char what[sizeof(sim.sim_result->sr_what)];

	(void)signo;
	memcpy(what, sim.sim_result->sr_what, sizeof(what));
	what[sizeof(what) - 1] = '\0';
	/*
	 * The zygote has not sent this signal, so the process has cancelled a
	 * thread.
	 */
	if (what[0] == '\0')
		(void)snprintf(what, sizeof(what),
		    "signal %d, which is the simulator's", signo);
	sim_fail("%s", what);
}

/*
 * Install the handler.  The C library refuses to set an action for its own
 * signal.  So let the C library set the action of SIGRTMAX.  Then read this
 * action from the kernel, and pass it to the kernel for STUCK_SIGNAL.
 */
void
sim_stuck_init(void)
{
	struct sigaction sa, old;
	unsigned long raw[32];

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = stuck_handler;
	(void)sigfillset(&sa.sa_mask);
	if (sigaction(SIGRTMAX, &sa, &old) == -1)
		return;
	if (syscall(SYS_rt_sigaction, SIGRTMAX, NULL, raw,
	    (size_t)_NSIG / 8) == 0)
		(void)syscall(SYS_rt_sigaction, STUCK_SIGNAL, raw, NULL,
		    (size_t)_NSIG / 8);
	(void)sigaction(SIGRTMAX, &old, NULL);
}

/* The processor time of a process. */
static int64_t
stuck_used(int pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
	    syscall(SYS_clock_gettime, clock, &ts) == -1)
		return 0;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
sim_stuck_begin(void)
{

	memset(&stuck, 0, sizeof(stuck));
}

bool
sim_stuck_is(int pid)
{
	struct sim_result *sr = sim.sim_result;
	uint64_t points, ran;

	points = __atomic_load_n(&sr->sr_points, __ATOMIC_RELAXED);
	ran = __atomic_load_n(&sr->sr_ran, __ATOMIC_RELAXED);
	if (points != stuck.s_points || ran != stuck.s_ran) {
		stuck.s_points = points;
		stuck.s_ran = ran;
		stuck.s_used = stuck_used(pid);
		stuck.s_ms = stuck.s_asleep = 0;
		return false;
	}
	stuck.s_ms += SIM_STUCK_TICK;
	if (stuck.s_ms >= OUTSIDE_MS)
		return true;
	/* Another process may take longer. */
	if (sr->sr_outside != 0)
		return false;
	if (sim_thread_kernel(pid, (int)sr->sr_tid) == 'S')
		stuck.s_asleep += SIM_STUCK_TICK;
	else
		stuck.s_asleep = 0;
	return stuck.s_asleep >= STUCK_MS ||
	    stuck_used(pid) - stuck.s_used >= STUCK_NS;
}

static void
stuck_name(char *buf, size_t size, int number)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].c_number == number) {
			(void)snprintf(buf, size, "%s(2)", calls[i].c_name);
			return;
		}
	(void)snprintf(buf, size, "system call %d", number);
}

void
sim_stuck(int pid)
{
	struct sim_result *sr = sim.sim_result;
	char name[32], path[64], text[64];
	struct pollfd pfd;
	ssize_t n = -1;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%u/syscall", pid,
	    sr->sr_tid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
		n = read(fd, text, sizeof(text) - 1);
		(void)close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	if (sr->sr_outside != 0)
		(void)snprintf(sr->sr_what, sizeof(sr->sr_what), "no thread "
		    "can run until another process does something, which "
		    "it does not");
	else if (text[0] >= '0' && text[0] <= '9') {
		stuck_name(name, sizeof(name), atoi(text));
		(void)snprintf(sr->sr_what, sizeof(sr->sr_what), "thread %u "
		    "is blocked in %s, which is not simulated here",
		    sr->sr_thread, name);
	} else
		(void)snprintf(sr->sr_what, sizeof(sr->sr_what), "thread %u "
		    "runs without coming to a point", sr->sr_thread);
	/* Let the schedule report its threads, if it can. */
	pfd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	pfd.events = POLLIN;
	if (pfd.fd != -1) {
		if (syscall(SYS_tgkill, pid, sr->sr_tid, STUCK_SIGNAL) == 0)
			(void)syscall(SYS_ppoll, &pfd, 1, &(struct timespec){
			    .tv_sec = REPORT_MS / 1000 }, NULL, (size_t)0);
		(void)close(pfd.fd);
	}
	(void)syscall(SYS_kill, pid, SIGKILL);
}
