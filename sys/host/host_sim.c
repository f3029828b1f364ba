/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The simulator's back end: the calls of host.h that block, and the properties
 * of the simulated machine.  See sim.h.
 */

#include <sys/auxv.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/host_var.h>
#include <host/sim.h>

#define	SIM_CPUS	2

struct parker {
	bool		p_token;
	uint32_t	p_run;		/* sim_run when it got the token */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct parker) <= sizeof(struct host_park),
    "struct parker does not fit hp_space");
_Static_assert(HOST_FOREVER == SIM_FOREVER, "two deadlines that never come");

/*
 * Return the capabilities.  Spinning has no benefit here, because no time
 * passes in a spin.  Threads cannot be bound to CPUs, and no thread has a
 * current CPU.
 */
unsigned
host_caps(void)
{

	return HOST_CAP_ASYMFENCE | HOST_CAP_ASLEEP;
}

const char *
host_getenv(const char *name)
{

	return getauxval(AT_SECURE) == 0 ? getenv(name) : NULL;
}

/* The heavy fence works: it drains all store buffers. */
void
host_md_init(void)
{

	host_asymfence = true;
}

void
host_md_forked(void)
{

}

void
host_md_thread_prepare(struct host_thread *ht)
{

	(void)ht;
}

void
host_md_thread_start(struct host_thread *ht)
{

	if (sim_self != NULL)
		memcpy(sim_self->st_name, ht->ht_name,
		    sizeof(sim_self->st_name));
}

void
host_setname(const char *name)
{

	if (sim_self != NULL)
		(void)strncpy(sim_self->st_name, name,
		    sizeof(sim_self->st_name) - 1);
}

/*
 * Park.  host_unpark() stores a token and wakes the thread.  host_park() takes
 * the token after sim_block().
 *
 * A thread may end and leave a token in its struct host_park.  The next thread
 * that uses this structure would find the token.  But each schedule of
 * wqsim_run() must begin in the same state.  So a token is good only in the
 * schedule in which it was given.
 */

void
host_park_init(struct host_park *hp)
{

	memset(hp, 0, sizeof(*hp));
}

bool
host_parkready(const struct host_park *hp)
{
	const struct parker *p = (const struct parker *)hp;

	return p->p_token && p->p_run == sim.sim_run;
}

static bool
park_take(struct parker *p)
{

	if (!host_parkready((const struct host_park *)p))
		return false;
	p->p_token = false;
	sim_report_taken(p);
	return true;
}

int
host_park(struct host_park *hp, int64_t deadline)
{
	struct parker *p = (struct parker *)hp;
	struct sim_thread *t;
	int error;

	(void)host_point(HOST_POINT_PARK, hp);
	if ((t = SIM_ENTER()) == NULL)
		host_die("panic: host_park: the simulator does not know this "
		    "thread\n");
	sim_point(t, hp, SIM_PARK, 0);
	if (park_take(p))
		return 0;
	if (deadline <= sim.sim_now)
		return ETIMEDOUT;
	if (sim_choose(2, "early return of host_park()") != 0)
		return 0;
	error = sim_block(t, hp, "park", deadline);
	/* Take a token that came just at the deadline. */
	return park_take(p) ? 0 : error;
}

void
host_unpark(struct host_park *hp)
{
	struct parker *p = (struct parker *)hp;
	struct sim_thread *t;

	(void)host_point(HOST_POINT_UNPARK, hp);
	if ((t = SIM_ENTER()) != NULL)
		sim_point(t, hp, SIM_UNPARK, 0);
	p->p_token = true;
	p->p_run = sim.sim_run;
	if (t != NULL)
		(void)sim_wake(hp, 1);
}

/*
 * Let other threads run at each pause of a spin, because only they can end it.
 */
void
host_pause(void)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) != NULL)
		sim_yield(t);
}

void
host_md_yield(unsigned n)
{

	(void)n;
	host_pause();
}

void
host_fence_heavy(void)
{

	(void)wqk_simpoint(NULL, _WQ_SIM_FENCE, __ATOMIC_SEQ_CST);
	if (!sim.sim_nofence)
		sim_drain_all();
}

bool
host_wipe(void *p, size_t size)
{

	(void)p;
	(void)size;
	return false;
}

/*
 * Return the zygote's ID in each schedule, so that the library does not regard
 * the schedule as a forked child.  A child that the client forks returns its
 * own ID.
 */
int
host_getpid(void)
{
	int pid;

	pid = (int)getpid();
	return pid == sim.sim_realpid ? sim.sim_pid : pid;
}

/* The machine. */

int
host_cpus(int *ids, int max, bool *bindp)
{
	int i;

	for (i = 0; i < max && i < SIM_CPUS; i++)
		ids[i] = i;
	*bindp = false;
	return SIM_CPUS;
}

int
host_curcpu(void)
{

	return -1;
}

/* A blocked thread is asleep.  Each sim_block() counts as a new sleep. */
long
host_tid(void)
{

	return sim_self != NULL ? (long)sim_self->st_id : -1;
}

bool
host_asleep_prepare(void)
{

	return true;
}

uint64_t
host_asleep(long tid)
{
	const struct sim_thread *t;
	unsigned i;

	for (i = 0; i < sim.sim_nthreads; i++) {
		t = sim.sim_threads[i];
		if ((long)t->st_id == tid)
			return t->st_state == SIM_BLOCKED ? t->st_blocks + 1 :
			    0;
	}
	return 0;
}

int
host_setsched(bool rt, int level)
{

	return rt || level != 0 ? ENOTSUP : 0;
}

void
host_getsched(bool *rt, int *level)
{

	*rt = false;
	*level = 0;
}

/* Each thread of the library that serves the whole process calls this. */
void
host_sched_process(void)
{

	if (sim_self != NULL)
		sim_self->st_shared = true;
}

bool
host_simrefuses(void)
{

	return sim_fault(SIM_FAULT_ALLOC, "refused memory");
}

void
host_stack_init(void)
{

}

int
host_stack(long tid, uintptr_t *pcs, int max)
{

	(void)tid;
	(void)pcs;
	(void)max;
	return 0;
}
