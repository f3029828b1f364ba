/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Children of a schedule.
 *
 * A child of fork(2) has only the thread that called it.  The child is
 * simulated, too, in a virtual time of its own, which the parent does not know.
 * sim_outside.c explains how a thread waits for another process.
 */

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/sim.h>

static const char fork_chan;

void
sim_fork_forked(void)
{

	sim.sim_child = true;
	sim.sim_waitfds = 0;
}

/* Return true if the process has a child that it has not waited for. */
bool
sim_fork_children(void)
{
	siginfo_t si;

	return syscall(SYS_waitid, P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT,
	    NULL) == 0;
}

/*
 * Return true if a child of the given thread of a process has not ended.  This
 * process does not count.  Return true also if the system does not tell.
 */
static bool
fork_any(int pid, int tid)
{
	char buf[4096], *end, *p;
	siginfo_t si;
	ssize_t n;
	long child;
	char state;
	int fd;

	(void)snprintf(buf, sizeof(buf), "/proc/%d/task/%d/children", pid,
	    tid);
	fd = (int)syscall(SYS_openat, AT_FDCWD, buf, O_RDONLY | O_CLOEXEC);
	/* The thread may have ended. */
	if (fd == -1)
		return tid == pid;
	n = syscall(SYS_read, fd, buf, sizeof(buf) - 1);
	(void)syscall(SYS_close, fd);
	buf[n > 0 ? n : 0] = '\0';
	for (p = buf; (child = strtol(p, &end, 10)) > 0; p = end) {
		/*
		 * A child of this process has ended if it can be waited for.
		 * Its state is Z also if only its main thread has ended.
		 */
		memset(&si, 0, sizeof(si));
		if (pid == (int)syscall(SYS_getpid) &&
		    syscall(SYS_waitid, P_PID, child, &si,
		    WEXITED | WNOHANG | WNOWAIT, NULL) == 0) {
			if (si.si_pid == 0)
				return true;
			continue;
		}
		state = sim_thread_kernel((int)child, (int)child);
		if (child != sim.sim_realpid && state != 'Z' && state != 'X' &&
		    state != '\0')
			return true;
	}
	return false;
}

/* Return true if a child, or a child's orphan, has not ended. */
bool
sim_fork_running(void)
{
	siginfo_t si;
	unsigned i;

	memset(&si, 0, sizeof(si));
	if (syscall(SYS_waitid, P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT,
	    NULL) != 0)
		return false;
	if (si.si_pid == 0)
		return true;
	/* One has ended; the others may run. */
	for (i = 0; i < sim.sim_nthreads; i++)
		if (fork_any((int)syscall(SYS_getpid),
		    sim.sim_threads[i]->st_tid))
			return true;
	/* The zygote has the children of a child that has ended. */
	return !sim.sim_child && sim.sim_set.ss_given &&
	    fork_any(sim.sim_pid, sim.sim_pid);
}

/*
 * Find out whether the thread's wait for a child would return now.  Return -1
 * if there is no such child.
 */
static int
fork_ended(const struct sim_thread *t)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	if (syscall(SYS_waitid, t->st_child[0], t->st_child[1], &si,
	    t->st_child[2] | WNOHANG | WNOWAIT, NULL) != 0)
		return -1;
	return si.si_pid != 0;
}

bool
sim_fork_ready(const struct sim_thread *t)
{

	return fork_ended(t) != 0;
}

/*
 * Process IDs are real, so a program that uses them may behave differently in
 * each run.
 */
#define	NUMBER(func)							\
SIM_PUBLIC pid_t							\
func(void)								\
{									\
	struct sim_thread *t;						\
	pid_t id;							\
									\
	id = SIM_REAL(func)();						\
	if (sim.sim_trace != NULL && (t = SIM_ENTER()) != NULL)		\
		sim_trace_read(t, #func "(2)", (uint64_t)id);		\
	return id;							\
}
NUMBER(getpid)
NUMBER(getppid)
#if __GLIBC_PREREQ(2, 30)
NUMBER(gettid)
#endif

SIM_PUBLIC pid_t
fork(void)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(fork)();
	sim_point(t, &fork_chan, SIM_CALL, 0);
	return SIM_REAL(fork)();
}

/*
 * Block until a child can be waited for.  Return false with errno set if a
 * signal handler interrupts the wait.
 *
 * Block even if the child has ended, because the schedule must not depend on
 * how fast the child was.
 */
static bool
fork_block(struct sim_thread *t, int type, int id, int options)
{
	int ended;
	bool blocked = false;

	t->st_child[0] = type;
	t->st_child[1] = id;
	t->st_child[2] = options;
	while ((ended = fork_ended(t)) == 0 || (ended > 0 && !blocked)) {
		blocked = true;
		pthread_testcancel();
		t->st_outside = true;
		sim.sim_waitfds++;
		sim.sim_vain = false;
		(void)sim_block(t, &fork_chan, "child", SIM_FOREVER);
		sim.sim_waitfds--;
		t->st_outside = false;
		pthread_testcancel();
		if (t->st_intr && !t->st_restart && fork_ended(t) == 0) {
			errno = EINTR;
			return false;
		}
	}
	return true;
}

/*
 * Let real time pass, because the child needs it.  Otherwise a loop that polls
 * for the child would give it none.
 */
static void
fork_nothing(struct sim_thread *t)
{
	struct timespec ts = { .tv_sec = 0, .tv_nsec = 1000000 };

	(void)syscall(SYS_nanosleep, &ts, NULL);
	sim_yield(t);
}

static pid_t
fork_wait(struct sim_thread *t, pid_t pid, int *status, int options,
    struct rusage *ru)
{
	int type, id;
	pid_t r;

	sim_point(t, &fork_chan, SIM_CALL, 0);
	if ((options & WNOHANG) == 0) {
		type = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
		id = pid == -1 ? 0 : pid > 0 ? pid : pid == 0 ?
		    (int)getpgrp() : -pid;
		if (!fork_block(t, type, id, WEXITED | (options & (WUNTRACED |
		    WCONTINUED | (int)__WALL | (int)__WCLONE))))
			return -1;
	}
	r = (pid_t)syscall(SYS_wait4, pid, status, options, ru);
	if (r == 0)
		fork_nothing(t);
	return r;
}

SIM_PUBLIC pid_t
waitpid(pid_t pid, int *status, int options)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(waitpid)(pid, status, options);
	return fork_wait(t, pid, status, options, NULL);
}

SIM_PUBLIC pid_t
wait(int *status)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(wait)(status);
	return fork_wait(t, -1, status, 0, NULL);
}

SIM_PUBLIC pid_t
wait4(pid_t pid, int *status, int options, struct rusage *ru)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(wait4)(pid, status, options, ru);
	return fork_wait(t, pid, status, options, ru);
}

SIM_PUBLIC pid_t
wait3(int *status, int options, struct rusage *ru)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(wait3)(status, options, ru);
	return fork_wait(t, -1, status, options, ru);
}

SIM_PUBLIC int
waitid(idtype_t type, id_t id, siginfo_t *si, int options)
{
	struct sim_thread *t;
	int r;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(waitid)(type, id, si, options);
	sim_point(t, &fork_chan, SIM_CALL, 0);
	if ((options & WNOHANG) == 0 && !fork_block(t, (int)type, (int)id,
	    options & ~WNOWAIT))
		return -1;
	r = SIM_REAL(waitid)(type, id, si, options);
	if (r == 0 && (options & WNOHANG) != 0 && si != NULL &&
	    si->si_pid == 0)
		fork_nothing(t);
	return r;
}
