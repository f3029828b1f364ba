/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The threads of the simulator, from their beginning to their end, and the
 * beginning of a schedule.  See sim.h.
 */

#include <sys/syscall.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/sim.h>

extern void *__libc_stack_end;

/*
 * Records of threads.  A record is reused after its thread was joined or, if
 * the thread is detached, after the thread has ended.
 */
static struct sim_thread sim_records[SIM_THREADS];

struct sim_thread *
sim_thread_new(void)
{
	struct sim_thread *t;
	unsigned i;

	if (sim.sim_nthreads == SIM_THREADS)
		return NULL;
	for (i = 0; sim_records[i].st_state != SIM_FREE; i++)
		continue;
	t = &sim_records[i];
	memset(t, 0, sizeof(*t));
	t->st_id = ++sim.sim_nextid;
	/* The thread is not a candidate before sim_thread_ready(). */
	t->st_state = SIM_DEAD;
	sim.sim_threads[sim.sim_nthreads++] = t;
	return t;
}

void
sim_thread_free(struct sim_thread *t)
{
	unsigned i;

	for (i = 0; sim.sim_threads[i] != t; i++)
		continue;
	for (sim.sim_nthreads--; i < sim.sim_nthreads; i++)
		sim.sim_threads[i] = sim.sim_threads[i + 1];
	t->st_state = SIM_FREE;
}

/* Let a new thread run.  It waits in sim_thread_begin(). */
void
sim_thread_ready(struct sim_thread *t)
{

	sim_setstate(t, SIM_READY);
	sim.sim_idle = 0;
	if (sim.sim_strategy->sst_thread != NULL)
		(*sim.sim_strategy->sst_thread)(t);
}

void
sim_thread_begin(struct sim_thread *t)
{

	sim_self = t;
	t->st_stacktop = (uintptr_t)__builtin_frame_address(0);
	/*
	 * Release: pairs with sim_thread_tid().  A thread that observes st_tid
	 * also observes this thread's signal mask, which sig_masked() reads.
	 */
	__atomic_store_n(&t->st_tid, (int)syscall(SYS_gettid),
	    __ATOMIC_RELEASE);
	sim_futex_wake((unsigned *)&t->st_tid);
	/*
	 * A report may make this thread print its stack while it waits for the
	 * baton.  The calls that it makes for this must be the real ones.
	 */
	t->st_inside++;
	sim_baton_wait(t);
	t->st_inside--;
	sim.sim_result->sr_tid = (uint32_t)t->st_tid;
}

/*
 * Return the kernel's ID of the thread.  If the thread is new, wait until it
 * has begun, because the thread that created it did not wait for this.
 */
int
sim_thread_tid(struct sim_thread *t)
{
	int tid;

	/* Acquire: pairs with sim_thread_begin(). */
	while ((tid = __atomic_load_n(&t->st_tid, __ATOMIC_ACQUIRE)) == 0)
		sim_futex_wait((unsigned *)&t->st_tid, 0);
	return tid;
}

/*
 * Return the state of a thread as the kernel names it: 'R' if it can run, 'S'
 * if it sleeps, 'Z' if it has ended.  Return 0 if there is no such thread.
 */
char
sim_thread_kernel(int pid, int tid)
{
	char buf[256], *p;
	ssize_t n;
	int fd;

	(void)snprintf(buf, sizeof(buf), "/proc/%d/task/%d/stat", pid, tid);
	fd = (int)syscall(SYS_openat, AT_FDCWD, buf, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	n = syscall(SYS_read, fd, buf, sizeof(buf) - 1);
	(void)syscall(SYS_close, fd);
	buf[n > 0 ? n : 0] = '\0';
	/* The state follows the name, which is in parentheses. */
	p = strrchr(buf, ')');
	return p != NULL && p[1] == ' ' ? p[2] : 0;
}

/*
 * Wait until the kernel has removed the thread.  An ending thread still frees
 * memory, and the schedule must not depend on when it does.  The kernel keeps
 * the main thread until the process ends, so only wait until the main thread
 * has ended.
 */
void
sim_thread_gone(const struct sim_thread *t)
{
	int pid = sim.sim_realpid;
	char c;

	while (syscall(SYS_tgkill, pid, t->st_tid, 0) == 0) {
		if (t->st_tid == pid && ((c = sim_thread_kernel(pid, pid)) ==
		    'Z' || c == 0))
			break;
		(void)syscall(SYS_sched_yield);
	}
}

/* Return true if the simulator's own threads are the only ones left. */
static bool
sim_onlydaemons(void)
{
	unsigned i;
	bool any = false;

	for (i = 0; i < sim.sim_nthreads; i++)
		if (sim.sim_threads[i]->st_daemon)
			any = true;
		else if (sim.sim_threads[i]->st_state != SIM_DEAD)
			return false;
	return any;
}

/*
 * Give the baton away for good.  After this call the thread must do nothing
 * that another thread can see.
 */
void
sim_thread_end(struct sim_thread *t)
{

	/*
	 * Let other threads run while this thread's last stores have not
	 * reached memory.
	 */
	if (t->st_buffer.b_n > 0)
		sim_point(t, NULL, SIM_CALL, 0);
	t->st_inside++;
	sim_setstate(t, SIM_DEAD);
	sim_self = NULL;
	sim.sim_idle = 0;
	(void)sim_wake(t, SIM_THREADS);
	sim_mutex_ended();
	if (sim_onlydaemons())
		exit(0);
	sim.sim_dying = t;
	sim_resched(t, SIM_WHY_EXIT);
}

/*
 * Begin a schedule in this process, with the caller as its first thread.
 */
void
sim_begin(uint64_t seed)
{
	struct sim_thread *t;

	sim.sim_on = true;
	sim.sim_seed = seed;
	sim.sim_realpid = (int)syscall(SYS_getpid);
	sim.sim_expiry = SIM_FOREVER;
	sim_fair_begin();
	sim_strategy_begin(seed);
	t = sim_thread_new();
	memcpy(t->st_name, "main", sizeof("main"));
	t->st_pthread = pthread_self();
	t->st_tid = (int)syscall(SYS_gettid);
	sim_signal_begin();
	t->st_stacktop = (uintptr_t)__libc_stack_end;
	sim_self = sim.sim_current = t;
	sim.sim_result->sr_tid = (uint32_t)t->st_tid;
	sim.sim_result->sr_thread = t->st_id;
	sim_thread_ready(t);
}

/*
 * Begin the next schedule of wqsim_run().  The calling thread and the library's
 * threads remain.
 */
void
sim_restart(uint64_t seed)
{
	struct sim_result *sr = sim.sim_result;
	unsigned i;

	sim.sim_seed = sr->sr_seed = seed;
	sim.sim_now = SIM_START;
	sim.sim_jumped = 0;
	sim.sim_step = sim.sim_skip = 0;
	sim.sim_idle = 0;
	sim.sim_nextid = 0;
	sim.sim_always = 0;
	sim.sim_inrun = true;
	sim.sim_run++;
	sr->sr_inrun = 1;
	sr->sr_points = sr->sr_hash = 0;
	sr->sr_ndecisions = sr->sr_preemptions = sr->sr_rare = 0;
	for (i = 0; i < sim.sim_nthreads; i++) {
		if (sim.sim_threads[i]->st_id > sim.sim_nextid)
			sim.sim_nextid = sim.sim_threads[i]->st_id;
		sim.sim_threads[i]->st_step = 0;
		sim.sim_threads[i]->st_yieldstep = 0;
		sim.sim_threads[i]->st_blocks = 0;
		sim.sim_threads[i]->st_progress = 0;
		sim.sim_threads[i]->st_turns = 0;
		sim.sim_threads[i]->st_spinning = false;
		sim.sim_threads[i]->st_reads = 0;
		memset(sim.sim_threads[i]->st_strategy, 0,
		    sizeof(sim.sim_threads[i]->st_strategy));
	}
	sim_trace_restart();
	sim_signal_begin();
	sim_time_begin();
	sim_fair_begin();
	sim_strategy_begin(seed);
	if (sim.sim_strategy->sst_thread != NULL)
		for (i = 0; i < sim.sim_nthreads; i++)
			(*sim.sim_strategy->sst_thread)(sim.sim_threads[i]);
}

/*
 * Reset the state in a child that the client forked.  Only the calling thread
 * is left.  The result of the schedule does not include the child.
 */
void
sim_forked(void)
{
	static struct sim_result result;
	struct sim_thread *t = sim_self;
	unsigned i;

	if (!sim.sim_on)
		return;
	if (t == NULL) {
		sim.sim_on = false;
		return;
	}
	for (i = 0; i < SIM_THREADS; i++)
		if (&sim_records[i] != t)
			sim_records[i].st_state = SIM_FREE;
	sim.sim_threads[0] = t;
	sim.sim_nthreads = 1;
	sim.sim_nready = 1;
	sim.sim_ntimed = 0;
	sim.sim_expiry = SIM_FOREVER;
	sim.sim_dying = sim.sim_exiting = NULL;
	sim.sim_trace = NULL;
	/*
	 * An exhaustive search, or a list of decisions to replay, belongs to
	 * the parent.
	 */
	if (sim.sim_strategy->sst_next != NULL ||
	    sim.sim_strategy == &sim_list_strategy)
		sim.sim_strategy = &sim_default;
	sim_signal_forked(t);
	sim_timer_forked();
	sim_fork_forked();
	sim_stores_forked(t);
	t->st_tid = (int)syscall(SYS_gettid);
	result.sr_points = sim.sim_result->sr_points;
	sim.sim_result = &result;
}
