/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Linux: the name, affinity, priority and timer slack of threads, sched(7).
 */

#ifndef _GNU_SOURCE
#define	_GNU_SOURCE
#endif

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include <host/host_linux.h>
#include <host/host_var.h>

#define	SLACK_NS	50000		/* the default timer slack */
#define	NICE_IDLE	20		/* the level of SCHED_IDLE in host.h */

#ifndef SCHED_DEADLINE
#define	SCHED_DEADLINE	6
#endif

/*
 * HT_MD has this value if the creator is bound to a CPU and the thread is not.
 */
#define	MD_UNBIND	1UL

/* The back end has bound this thread to a CPU. */
static _Thread_local bool host_bound;

/*
 * The affinity mask and the timer slack of the process at its start, or NULL
 * and 0.  Only host_init() writes them.
 */
static cpu_set_t *host_mask;
static size_t host_masksize;
static unsigned long host_slack;

void
host_sched_init(void)
{
	long slack;

	host_mask = host_cpumask(&host_masksize);
	slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	/*
	 * A thread can read only its own slack.  If this is not the main
	 * thread, assume the default.
	 */
	host_slack = host_tid() != getpid() ? SLACK_NS :
	    slack > 0 ? (unsigned long)slack : 0;
}

void
host_setname(const char *name)
{

	/* The kernel truncates a name to 15 characters. */
	(void)prctl(PR_SET_NAME, (unsigned long)name, 0, 0, 0);
}

void
host_md_thread_prepare(struct host_thread *ht)
{

	if (host_bound && ht->ht_hostcpu < 0)
		ht->ht_space[HT_MD] = MD_UNBIND;
}

void
host_md_thread_start(struct host_thread *ht)
{
	cpu_set_t *set;
	size_t size;

	if (ht->ht_name[0] != '\0')
		host_setname(ht->ht_name);

	if (ht->ht_hostcpu >= 0) {
		set = CPU_ALLOC((size_t)ht->ht_hostcpu + 1);
		if (set == NULL)
			return;
		size = CPU_ALLOC_SIZE((size_t)ht->ht_hostcpu + 1);
		CPU_ZERO_S(size, set);
		CPU_SET_S((size_t)ht->ht_hostcpu, size, set);
		if (sched_setaffinity(0, size, set) == 0)
			host_bound = true;
		CPU_FREE(set);
	} else if (ht->ht_space[HT_MD] == MD_UNBIND && host_mask != NULL)
		(void)sched_setaffinity(0, host_masksize, host_mask);
}

/*
 * These functions make system calls, because the C library's functions may act
 * on the whole process.  They keep a policy that another program has set, such
 * as batch or sched_ext, if it obeys nice values.
 */
static bool
policy_isrt(int policy)
{

	return policy == SCHED_FIFO || policy == SCHED_RR ||
	    policy == SCHED_DEADLINE;
}

/* Get a thread's policy and level.  Return 0 or an errno value. */
static int
sched_read(pid_t tid, int *policy, int *level)
{
	struct sched_param sp = { .sched_priority = 0 };
	long ret;

	ret = syscall(SYS_sched_getscheduler, tid);
	if (ret == -1 || syscall(SYS_sched_getparam, tid, &sp) == -1)
		return errno;
	*policy = (int)ret & ~SCHED_RESET_ON_FORK;
	if (policy_isrt(*policy))
		*level = sp.sched_priority;
	else if (*policy == SCHED_IDLE)
		*level = NICE_IDLE;
	else {
		errno = 0;
		*level = getpriority(PRIO_PROCESS, (id_t)tid);
		if (*level == -1)
			return errno;
	}
	return 0;
}

static int
sched_policy(int policy, int rtlevel)
{
	struct sched_param sp = { .sched_priority = rtlevel };

	return syscall(SYS_sched_setscheduler, 0, policy, &sp) == -1 ? errno :
	    0;
}

static int
sched_set(bool rt, int level)
{
	int error, olevel, onice, policy;

	if (rt)
		return sched_policy(SCHED_RR, level);
	error = sched_read(0, &policy, &olevel);
	if (error != 0)
		return error;
	if (level == NICE_IDLE)
		return policy == SCHED_IDLE ? 0 : sched_policy(SCHED_IDLE, 0);
	/*
	 * Set the nice value first, because the system may refuse it.  Leaving
	 * the real-time class is always permitted.
	 */
	onice = getpriority(PRIO_PROCESS, 0);
	if (onice != level && setpriority(PRIO_PROCESS, 0, level) == -1)
		return errno;
	if (policy_isrt(policy) || policy == SCHED_IDLE)
		error = sched_policy(SCHED_OTHER, 0);
	if (error != 0)
		(void)setpriority(PRIO_PROCESS, 0, onice);
	return error;
}

int
host_setsched(bool rt, int level)
{
	int error, serrno;

	serrno = errno;
	error = sched_set(rt, level);
	errno = serrno;
	return error;
}

void
host_getsched(bool *rt, int *level)
{
	int policy, serrno;

	serrno = errno;
	*rt = false;
	if (sched_read(0, &policy, level) != 0)
		*level = 0;
	else
		*rt = policy_isrt(policy);
	errno = serrno;
}

/*
 * The main thread stands for the process, because renice(1) and chrt(1) change
 * the main thread when they get the ID of the process.
 */
void
host_sched_process(void)
{
	int level, olevel, opolicy, policy, serrno;

	serrno = errno;
	if (sched_read(getpid(), &policy, &level) == 0 &&
	    sched_read(0, &opolicy, &olevel) == 0) {
		if (policy_isrt(policy)) {
			policy = SCHED_OTHER;
			level = 0;
		}
		/*
		 * Leaving the real-time class is permitted with any nice value.
		 */
		if (policy_isrt(opolicy))
			(void)sched_policy(SCHED_OTHER, 0);
		(void)sched_set(false, level);
		if (policy != opolicy &&
		    (policy == SCHED_OTHER || policy == SCHED_BATCH))
			(void)sched_policy(policy, 0);
	}
	if (!host_bound && host_mask != NULL)
		(void)sched_setaffinity(0, host_masksize, host_mask);
	if (host_slack != 0)
		(void)prctl(PR_SET_TIMERSLACK, host_slack, 0, 0, 0);
	errno = serrno;
}
