/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The scheduler of the simulator decides which thread has the baton, and keeps
 * the virtual time.  See sim.h.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <unistd.h>

#include <host/sim.h>

/*
 * When a thread yields, count the steps that all threads together have made
 * since its last yield.  If their number is less than SPIN_STEPS times the
 * number of ready threads, the thread counts as spinning.
 */
#define	SPIN_STEPS	64
#define	OUTSIDE_POINTS	1024		/* points between looks: sim_glance() */
#define	CLOCK_READS	32		/* reads that count as one yield */
#define	EXIT_POINTS	10000		/* limit of points in sim_lastrun() */
#define	REST_JUMPS	100		/* limit of time jumps in sim_rest() */
#define	START_WALL	1767225600	/* wall time at SIM_START: 2026-01-01 */

_Thread_local struct sim_thread *sim_self;
struct sim sim = { .sim_now = SIM_START,
    .sim_wall = START_WALL * 1000000000LL - SIM_START };

/*
 * The baton.
 */

void
sim_futex_wait(unsigned *word, unsigned value)
{

	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL,
	    0);
}

void
sim_futex_wake(unsigned *word)
{

	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void
baton_give(struct sim_thread *t)
{

	sim.sim_current = t;
	sim.sim_result->sr_tid = (uint32_t)t->st_tid;
	sim.sim_result->sr_thread = t->st_id;
	/* Release: the simulator's state; pairs with sim_baton_wait(). */
	__atomic_store_n(&t->st_baton, SIM_RUN, __ATOMIC_RELEASE);
	sim_futex_wake(&t->st_baton);
}

/*
 * Wait for the baton.  Meanwhile do what another thread requests by SIM_STACK
 * or SIM_LOOK.  If the thread that gave the baton is ending, wait until the
 * kernel has removed that thread.  Keep errno, which futex(2) sets if the baton
 * comes before the wait.
 */
void
sim_baton_wait(struct sim_thread *t)
{
	unsigned word;
	int serrno;

	serrno = errno;
	for (;;) {
		/* Acquire: pairs with baton_give(). */
		word = __atomic_load_n(&t->st_baton, __ATOMIC_ACQUIRE);
		if (word == SIM_RUN)
			break;
		if (word == SIM_STACK) {
			sim_stack(t);
			__atomic_store_n(&t->st_baton, SIM_WAIT,
			    __ATOMIC_RELEASE);
			sim_futex_wake(&t->st_baton);
		} else if (word == SIM_LOOK) {
			sim_outside_wait(t);
			__atomic_store_n(&t->st_baton, SIM_WAIT,
			    __ATOMIC_RELEASE);
			sim_futex_wake(&t->st_baton);
		} else
			sim_futex_wait(&t->st_baton, SIM_WAIT);
	}
	__atomic_store_n(&t->st_baton, SIM_WAIT, __ATOMIC_RELAXED);
	if (sim.sim_dying != NULL) {
		sim_thread_gone(sim.sim_dying);
		if (sim.sim_dying->st_detached)
			sim_thread_free(sim.sim_dying);
		sim.sim_dying = NULL;
	}
	errno = serrno;
}

/*
 * States, and the counts that depend on them.
 */

void
sim_setstate(struct sim_thread *t, enum sim_state state)
{

	if (t->st_state == SIM_READY)
		sim.sim_nready--;
	if (t->st_state == SIM_BLOCKED && t->st_deadline != SIM_FOREVER)
		sim.sim_ntimed--;
	t->st_state = state;
	if (state == SIM_READY)
		sim.sim_nready++;
	if (state == SIM_BLOCKED && t->st_deadline != SIM_FOREVER) {
		sim.sim_ntimed++;
		if (t->st_deadline < sim.sim_expiry)
			sim.sim_expiry = t->st_deadline;
	}
	/* One more thread can run, so ask the strategy at the next point. */
	if (state == SIM_READY)
		sim.sim_skip = 0;
}

/*
 * Make ready all threads that have reached their deadline.  Find the next
 * deadline.
 */
static void
sim_expire(void)
{
	struct sim_thread *t;
	unsigned i;

	sim.sim_expiry = SIM_FOREVER;
	for (i = 0; i < sim.sim_nthreads; i++) {
		t = sim.sim_threads[i];
		if (t->st_state != SIM_BLOCKED ||
		    t->st_deadline == SIM_FOREVER)
			continue;
		if (t->st_deadline <= sim.sim_now) {
			t->st_timedout = true;
			sim_setstate(t, SIM_READY);
			if (sim.sim_trace != NULL)
				sim_trace_add(t, SIM_EVENT_TIMEOUT, 0, 0);
			sim.sim_idle = 0;
		} else if (t->st_deadline < sim.sim_expiry)
			sim.sim_expiry = t->st_deadline;
	}
}

static void
sim_pass(int64_t now)
{

	if (now > sim.sim_now)
		sim.sim_now = now;
	if (sim.sim_now >= sim.sim_expiry)
		sim_expire();
	sim.sim_result->sr_now = sim.sim_now;
}

/*
 * Let time pass, because all threads spin.  Each time that all threads have had
 * a turn, let twice as much time pass per call.
 */
static void
sim_idle(void)
{
	unsigned n;

	sim_outside_spin();
	n = ++sim.sim_idle / (sim.sim_nready > 0 ? sim.sim_nready : 1);
	sim_pass(sim.sim_now + ((int64_t)1000 << (n < 20 ? n : 20)));
}

/*
 * Decisions.
 */

static void
decision(uint32_t value, uint32_t choice)
{
	struct sim_result *sr = sim.sim_result;
	struct sim_decision *sd;

	if (sr->sr_ndecisions < SIM_DECISIONS) {
		sd = &sr->sr_decisions[sr->sr_ndecisions];
		sd->sd_thread = sim.sim_current->st_id;
		sd->sd_step = sim.sim_current->st_step;
		sd->sd_value = value;
		sd->sd_choice = choice;
	}
	sr->sr_ndecisions++;
}

unsigned
sim_choose(unsigned n, const char *what)
{
	unsigned value;

	sim.sim_step++;
	sim.sim_current->st_step++;
	if (n < 2)
		return 0;
	if (sim.sim_fair)
		return sim_fair_choose(n, what);
	value = (*sim.sim_strategy->sst_choose)(n, what);
	if (value != 0)
		decision(value, 1);
	if (value != 0 && sim_israre(what))
		sim.sim_result->sr_rare++;
	if (value != 0 && sim.sim_trace != NULL)
		sim_trace_add(sim.sim_current, SIM_EVENT_CHOICE,
		    (uintptr_t)what, value);
	return value;
}

/*
 * Return true if time may jump to the thread's deadline while other threads can
 * run.
 */
static bool
sim_mayjump(const struct sim_thread *t)
{
	int64_t jump = sim.sim_set.ss_jump;

	return !t->st_emergency && t->st_deadline - t->st_since <= jump &&
	    t->st_deadline - sim.sim_now <= jump - sim.sim_jumped;
}

/*
 * Store the candidates for sim_pick(), in the case that a thread is in
 * sim_lastrun().  They are the threads of the library that can run.  If there
 * is none, or if they have run for too long, the candidate is the thread in
 * sim_lastrun().
 */
static unsigned
exit_candidates(const struct sim_thread *except, struct sim_thread **cand)
{
	struct sim_thread *t;
	unsigned i, n = 0;

	for (i = 0; i < sim.sim_nthreads &&
	    sim.sim_result->sr_points < sim.sim_exitpoint; i++) {
		t = sim.sim_threads[i];
		if (t->st_state == SIM_READY && t->st_library && t != except)
			cand[n++] = t;
	}
	if (n == 0) {
		t = cand[n++] = sim.sim_exiting;
		sim.sim_exiting = NULL;
		sim_setstate(t, SIM_READY);
	}
	return n;
}

/* Store the candidates for sim_pick().  Return their number. */
static unsigned
candidates(const struct sim_thread *except, struct sim_thread **cand)
{
	struct sim_thread *t, *timed = NULL;
	unsigned i, n = 0;

	if (sim.sim_exiting != NULL)
		return exit_candidates(except, cand);
	for (i = 0; i < sim.sim_nthreads; i++) {
		t = sim.sim_threads[i];
		if (t->st_state == SIM_READY && t != except)
			cand[n++] = t;
		else if (t->st_state == SIM_BLOCKED &&
		    t->st_deadline != SIM_FOREVER &&
		    (sim.sim_nready == 0 || sim_mayjump(t)) &&
		    (timed == NULL || t->st_deadline < timed->st_deadline))
			timed = t;
	}
	if (timed != NULL)
		cand[n++] = timed;
	return n;
}

static bool
sim_anyblocked(void)
{
	unsigned i;

	for (i = 0; i < sim.sim_nthreads; i++)
		if (sim.sim_threads[i]->st_state == SIM_BLOCKED &&
		    !sim.sim_threads[i]->st_daemon)
			return true;
	return false;
}

/*
 * Choose the thread that runs next.  Return NULL if no thread is left.
 */
static struct sim_thread *
sim_pick(struct sim_thread *cur, enum sim_why why)
{
	static struct sim_thread *cand[SIM_THREADS + 1];
	struct sim_thread *dflt, *next;
	unsigned n;

	/* sim_point() has counted the step already. */
	if (why != SIM_WHY_POINT) {
		sim.sim_step++;
		cur->st_step++;
	}
	if (sim.sim_nready == 0 && sim.sim_exiting == NULL)
		(void)sim_outside(sim.sim_ntimed > 0);
	/* A thread that yields is a candidate only if no other can run. */
	n = candidates(why == SIM_WHY_YIELD && sim.sim_nready > 1 ? cur :
	    NULL, cand);
	if (n == 0) {
		if (why != SIM_WHY_EXIT || sim_anyblocked())
			sim_fail("deadlock");
		return NULL;
	}
	dflt = why == SIM_WHY_POINT ? cur : cand[0];
	next = n == 1 ? dflt : sim.sim_fair ? sim_fair_pick(cand, n) :
	    (*sim.sim_strategy->sst_pick)(cur, why, cand, n);
	if (next != dflt && !sim.sim_fair)
		decision(next->st_id, 0);
	if (next != cur && why == SIM_WHY_POINT) {
		if (!sim.sim_fair)
			sim.sim_result->sr_preemptions++;
		if (sim.sim_trace != NULL)
			sim_trace_add(cur, SIM_EVENT_PREEMPT, 0, next->st_id);
	}
	if (next->st_state == SIM_BLOCKED) {
		if (sim.sim_nready > 0) {
			sim.sim_jumped += next->st_deadline - sim.sim_now;
			if (why != SIM_WHY_POINT && !sim.sim_fair)
				sim.sim_result->sr_rare++;
		}
		sim_pass(next->st_deadline);
	}
	return next;
}

/* Choose the thread that runs next, and give it the baton. */
void
sim_resched(struct sim_thread *cur, enum sim_why why)
{
	struct sim_thread *next;

	next = sim_pick(cur, why);
	if (next == cur || next == NULL)
		return;
	baton_give(next);
	if (why != SIM_WHY_EXIT)
		sim_baton_wait(cur);
}

/*
 * Points.
 */

bool
sim_active(void)
{

	return sim_self != NULL && sim_self->st_inside == 0;
}

struct sim_thread *
sim_enter(uintptr_t site)
{
	struct sim_thread *t = sim_self;

	if (t == NULL || t->st_inside != 0)
		return NULL;
	t->st_site = site;
	return t;
}

/*
 * While threads are busy, look now and then: another process may have ended a
 * thread's wait.
 */
static void
sim_glance(void)
{

	if (sim.sim_waitfds > 0 &&
	    sim.sim_result->sr_points % OUTSIDE_POINTS == 0)
		sim_outside_look();
}

void
sim_point(struct sim_thread *t, const volatile void *addr, unsigned kind,
    int order)
{
	struct sim_result *sr = sim.sim_result;
	int serrno;

	serrno = errno;
	t->st_inside++;
	sr->sr_hash = (sr->sr_hash ^ (uintptr_t)addr ^
	    (uint64_t)t->st_id << 56 ^ (uint64_t)kind << 48) *
	    0x100000001b3U;
	sim.sim_step++;
	t->st_step++;
	if (++sr->sr_points > sim.sim_fairfrom)
		sim_fair_point(t, kind);
	sim_glance();
	if (++sim.sim_now >= sim.sim_expiry)
		sim_expire();
	if (sim.sim_trace != NULL)
		sim_trace_add(t, kind, (uintptr_t)addr, 0);
	if (sim.sim_nstores > 0)
		sim_stores_point();
	if (sim.sim_strategy->sst_point != NULL && !sim.sim_fair)
		(*sim.sim_strategy->sst_point)(t, addr, kind, order);
	if (sim.sim_skip > 0)
		sim.sim_skip--;
	else if (sim.sim_nready > 1 || sim.sim_ntimed > 0)
		sim_resched(t, SIM_WHY_POINT);
	/* Each call of the host, and each interposed call, is a full fence. */
	if (kind >= SIM_CALL && kind != SIM_USER)
		sim_drain(t);
	if (sim.sim_always > 0)
		sim_run_always(t);
	t->st_inside--;
	errno = serrno;
	if (t->st_nsigs > 0)
		sim_signal_take(t);
	if (sim.sim_inject > 0)
		sim_signal_inject(t);
}

/*
 * The scheduling point of each operation of <sys/atomic.h>.  Return the address
 * that the access must use.
 */
SIM_PUBLIC void *
wqk_simpoint(const volatile void *addr, unsigned int kind, int order)
{
	struct sim_thread *t = sim_self;
	void *p = (void *)(uintptr_t)addr;

	if (t == NULL || t->st_inside != 0)
		return p;
	t->st_site = SIM_SITE();
	sim_point(t, addr, _WQ_SIM_KIND(kind), order);
	if (sim.sim_model != SIM_SC)
		p = sim_access(t, addr, _WQ_SIM_KIND(kind),
		    _WQ_SIM_SIZE(kind), order);
	if (sim.sim_fair && _WQ_SIM_KIND(kind) == _WQ_SIM_RMW)
		sim_fair_try(t, p, _WQ_SIM_SIZE(kind));
	if (sim.sim_trace != NULL && _WQ_SIM_KIND(kind) != _WQ_SIM_STORE)
		sim_trace_load(t, p, _WQ_SIM_SIZE(kind));
	return p;
}

int
sim_block(struct sim_thread *t, const void *chan, const char *kind,
    int64_t deadline)
{
	int error;

	t->st_intr = false;
	if (deadline <= sim.sim_now)
		return ETIMEDOUT;
	t->st_inside++;
	sim_drain(t);
	t->st_chan = chan;
	t->st_kind = kind;
	t->st_deadline = deadline;
	t->st_since = sim.sim_now;
	t->st_timedout = false;
	t->st_blocks++;
	if (sim.sim_fair)
		sim_fair_block(t);
	t->st_waitpoint = sim.sim_result->sr_points;
	t->st_spinning = false;
	t->st_reads = 0;
	if (sim.sim_trace != NULL)
		sim_trace_add(t, SIM_EVENT_BLOCK, (uintptr_t)chan, 0);
	sim_setstate(t, SIM_BLOCKED);
	sim_resched(t, SIM_WHY_BLOCK);
	t->st_chan = NULL;
	t->st_inside--;
	error = t->st_timedout ? ETIMEDOUT : 0;
	if (t->st_nsigs > 0)
		sim_signal_take(t);
	return error;
}

int
sim_blockcancel(struct sim_thread *t, const void *chan, const char *kind,
    int64_t deadline)
{
	int error;

	pthread_testcancel();
	error = sim_block(t, chan, kind, deadline);
	pthread_testcancel();
	return error;
}

void
sim_lastrun(struct sim_thread *t)
{

	t->st_inside++;
	sim_drain(t);
	sim.sim_exiting = t;
	sim.sim_exitpoint = sim.sim_result->sr_points + EXIT_POINTS;
	t->st_chan = t;
	t->st_kind = "exit";
	t->st_deadline = SIM_FOREVER;
	sim_setstate(t, SIM_BLOCKED);
	sim_resched(t, SIM_WHY_BLOCK);
	t->st_inside--;
}

void
sim_rest(struct sim_thread *t)
{
	struct sim_thread *u;
	int64_t next = 0;
	unsigned i, n;

	for (n = 0; n < REST_JUMPS && next != SIM_FOREVER; n++) {
		sim_lastrun(t);
		next = SIM_FOREVER;
		for (i = 0; i < sim.sim_nthreads; i++) {
			u = sim.sim_threads[i];
			if (u->st_state == SIM_BLOCKED && u->st_library &&
			    u->st_deadline < next)
				next = u->st_deadline;
		}
		if (next != SIM_FOREVER)
			sim_pass(next);
	}
}

void
sim_interrupt(struct sim_thread *t)
{

	if (t->st_state != SIM_BLOCKED)
		return;
	sim_setstate(t, SIM_READY);
	sim.sim_idle = 0;
}

unsigned
sim_wake(const void *chan, unsigned n)
{
	struct sim_thread *t;
	unsigned i, skip, waiting, woken;

	waiting = 0;
	for (i = 0; i < sim.sim_nthreads; i++) {
		t = sim.sim_threads[i];
		if (t->st_state == SIM_BLOCKED && t->st_chan == chan)
			waiting++;
	}
	for (woken = 0; woken < n && waiting > 0; woken++, waiting--) {
		skip = n - woken >= waiting ? 0 :
		    sim_choose(waiting, "which waiter wakes");
		for (i = 0; i < sim.sim_nthreads; i++) {
			t = sim.sim_threads[i];
			if (t->st_state == SIM_BLOCKED && t->st_chan == chan &&
			    skip-- == 0)
				break;
		}
		sim_setstate(t, SIM_READY);
		sim.sim_idle = 0;
		if (sim.sim_trace != NULL)
			sim_trace_add(sim.sim_current, SIM_EVENT_WAKE,
			    (uintptr_t)chan, t->st_id);
	}
	sim_report_wake(chan, woken);
	return woken;
}

void
sim_yield(struct sim_thread *t)
{
	unsigned i;
	bool all = true;

	t->st_inside++;
	if (++sim.sim_result->sr_points > sim.sim_fairfrom)
		sim_fair_point(t, 0);
	sim_glance();
	t->st_spinning = sim.sim_step - t->st_yieldstep < SPIN_STEPS *
	    (uint64_t)sim.sim_nready;
	for (i = 0; i < sim.sim_nthreads && all; i++)
		all = sim.sim_threads[i]->st_state != SIM_READY ||
		    sim.sim_threads[i]->st_spinning;
	/*
	 * Stores must reach memory eventually, because another thread may spin
	 * for one.  So drain the buffer of this thread, or all buffers if all
	 * threads spin.
	 */
	sim_drain(t);
	if (all) {
		sim_drain_all();
		sim_idle();
	} else
		sim.sim_idle = 0;
	sim_resched(t, SIM_WHY_YIELD);
	t->st_yieldstep = sim.sim_step;
	t->st_inside--;
	if (t->st_nsigs > 0)
		sim_signal_take(t);
}

/*
 * Count a read of a clock.  A loop that does nothing but read a clock waits for
 * time to pass, so every CLOCK_READS reads count as a yield.
 */
void
sim_clockread(struct sim_thread *t)
{

	sim_pass(sim.sim_now + 50);
	if (++t->st_reads % CLOCK_READS == 0)
		sim_yield(t);
}
