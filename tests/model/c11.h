/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Protocols of the library under the C11 memory model, run by relacy.
 *
 * In the spin models, each access to memory is a step that all threads see at
 * once.  The programs c11_*.cc check the memory orders as well.
 *
 * Each program mirrors one protocol of the library.  Its functions have the
 * names of those that they mirror.  They make the same accesses in the same
 * order, with the same memory orders.  The operations below have the names of
 * those in sys/sys/atomic.h.
 *
 * relacy runs the threads in a random order, one access at a time.  A load
 * returns any value that C11 permits: the newest one, or an older one if the
 * order of this thread's accesses does not exclude it.  A race on a variable
 * that is not atomic is an error.
 *
 * relacy does not run everything that C11 permits:
 *	- A store takes effect when its thread comes to it.  So no other
 *	  thread sees the store before the thread's earlier loads have
 *	  returned.
 *	- The stores to one variable have the order in which they were made.
 *	- A load goes back two values at most.
 * So a failure is a fault of the protocol, but success is no proof.
 *
 * The asymmetric fence.  host_fence_light() is no instruction: it only keeps
 * the compiler from moving accesses across it.  host_fence_heavy() is
 * membarrier(2): between its start and its end, each thread of the process
 * executes a full fence at some point of its own.
 *
 * Here a light fence does nothing, because threads make their accesses in
 * program order already.  A program that leaves the light fence out on purpose
 * exchanges the two accesses, as the compiler might.
 *
 * A heavy fence is a sequentially consistent fence by the caller, then one for
 * each other thread, then one more by the caller.  The program executes the
 * fences of the other threads on their behalf, in a random order, with accesses
 * of all threads in between.  A sequentially consistent light fence cannot
 * replace this.  It would also order threads that have only light fences, and
 * so hide faults.
 *
 * Usage: program [-s] [-n runs] [rule]
 *	-s	the host has no asymmetric fence
 *	-n	how many schedules
 *	rule	break this rule: see BROKEN()
 * The last line of the output says what relacy found.
 */

#ifndef _TESTS_MODEL_C11_H_
#define _TESTS_MODEL_C11_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <relacy/relacy.hpp>

/* sys/sys/atomic.h. */
#define	atomic_load_relaxed(p)	(p)->load(rl::mo_relaxed, $)
#define	atomic_load_acquire(p)	(p)->load(rl::mo_acquire, $)
#define	atomic_load_seq_cst(p)	(p)->load(rl::mo_seq_cst, $)
#define	atomic_store_relaxed(p, v) (p)->store((v), rl::mo_relaxed, $)
#define	atomic_store_release(p, v) (p)->store((v), rl::mo_release, $)
#define	atomic_store_seq_cst(p, v) (p)->store((v), rl::mo_seq_cst, $)
#define	atomic_swap_relaxed(p, v) (*(p))($).exchange((v), rl::mo_relaxed)
#define	atomic_swap_acquire(p, v) (*(p))($).exchange((v), rl::mo_acquire)
#define	atomic_swap_acq_rel(p, v) (*(p))($).exchange((v), rl::mo_acq_rel)
#define	atomic_swap_seq_cst(p, v) (*(p))($).exchange((v), rl::mo_seq_cst)
#define	c11_cas(p, op, n, s, f)						\
	(*(p))($).compare_exchange_strong(*(op), (n), rl::mo_##s, rl::mo_##f)
#define	atomic_cas_relaxed(p, op, n) c11_cas((p), (op), (n), relaxed, relaxed)
#define	atomic_cas_acquire(p, op, n) c11_cas((p), (op), (n), acquire, relaxed)
#define	atomic_cas_release(p, op, n) c11_cas((p), (op), (n), release, relaxed)
#define	atomic_cas_acq_rel(p, op, n) c11_cas((p), (op), (n), acq_rel, acquire)
#define	atomic_cas_seq_cst(p, op, n) c11_cas((p), (op), (n), seq_cst, seq_cst)
#define	atomic_cas_weak_acq_rel(p, op, n)				\
	(*(p))($).compare_exchange_weak(*(op), (n), rl::mo_acq_rel,	\
	    rl::mo_relaxed)
#define	atomic_fetch_add_relaxed(p, v) (*(p))($).fetch_add((v), rl::mo_relaxed)
#define	atomic_fetch_add_acq_rel(p, v) (*(p))($).fetch_add((v), rl::mo_acq_rel)
#define	atomic_fetch_add_seq_cst(p, v) (*(p))($).fetch_add((v), rl::mo_seq_cst)
#define	atomic_fetch_or_relaxed(p, v) (*(p))($).fetch_or((v), rl::mo_relaxed)
#define	atomic_fetch_or_release(p, v) (*(p))($).fetch_or((v), rl::mo_release)
#define	atomic_fetch_or_seq_cst(p, v) (*(p))($).fetch_or((v), rl::mo_seq_cst)
#define	atomic_fetch_and_relaxed(p, v) (*(p))($).fetch_and((v), rl::mo_relaxed)
#define	atomic_fetch_and_seq_cst(p, v) (*(p))($).fetch_and((v), rl::mo_seq_cst)
#define	membar_sync()	rl::atomic_thread_fence(rl::mo_seq_cst, $)

/*
 * A variable that is not atomic.  An access to it and the atomic access before
 * it are one step, unless c11_step() is between them.
 */
#define	PLAIN(v)	(v)($)
#define	c11_step()	rl::ctx().sched()

/*
 * One turn of a wait: lwp_park(), which may return early, or host_relax().  If
 * the thread waits for an event that never happens, relacy reports a livelock.
 */
#define	c11_wait()	rl::yield(1, $)

static bool host_asymfence = true;
static const char *c11_rule = "";

/* Do the wrong thing if this rule is to be broken, else the right one. */
#define	BROKEN(rule, wrong, right)					\
	(strcmp(c11_rule, (rule)) == 0 ? (wrong) : (right))
#define	ISBROKEN(rule)	BROKEN(rule, true, false)

#define	host_fence_light()	((void)0)

/*
 * The heavy fence, in a program with n threads.
 */
template<rl::thread_id_t n> static void
c11_fence_heavy(rl::debug_info_param info)
{
	typedef rl::aligned<rl::thread_info<n> > thread;
	rl::context &c = rl::ctx();
	thread *self, *threads;
	unsigned first, i, step;

	if (!host_asymfence)
		return;
	RL_LOG("host_fence_heavy()");
	rl::atomic_thread_fence(rl::mo_seq_cst, info);
	self = static_cast<thread *>(c.threadx_);
	threads = self - self->index_;
	first = rl::rand(n);
	step = rl::rand(2) ? 1 : n - 1;
	for (i = 0; i < n; i++) {
		c.sched();
		threads[(first + i * step) % n].atomic_thread_fence_seq_cst(
		    c.seq_cst_fence_order_);
	}
	rl::atomic_thread_fence(rl::mo_seq_cst, info);
}

/*
 * A mutex, with the orders of kern_mutex_enter() and kern_mutex_exit().
 */
struct c11_mutex {
	rl::atomic<int> mtx_owner;

	void
	init()
	{

		atomic_store_relaxed(&mtx_owner, 0);
	}

	void
	enter()
	{
		int o;

		for (;;) {
			o = 0;
			if (atomic_cas_acquire(&mtx_owner, &o, 1))
				return;
			c11_wait();
		}
	}

	void
	exit()
	{

		atomic_store_release(&mtx_owner, 0);
	}
};

#define	mutex_enter(m)	(m)->enter()
#define	mutex_exit(m)	(m)->exit()

/*
 * The token of a thread, with the orders of host_park() and host_unpark().
 */
struct c11_park {
	rl::atomic<int> p_state;

	void
	init()
	{

		atomic_store_relaxed(&p_state, 0);
	}

	void
	park()
	{

		while (atomic_load_relaxed(&p_state) == 0)
			c11_wait();
		/* host_park_take() */
		(void)BROKEN("taken", atomic_swap_relaxed(&p_state, 0),
		    atomic_swap_acquire(&p_state, 0));
	}

	void
	unpark()
	{

		/* host_park_give() */
		BROKEN("token", atomic_store_release(&p_state, 1),
		    (void)atomic_fetch_or_release(&p_state, 1));
	}
};

/*
 * The main program: run the test suite T.
 */
template<typename T> static int
c11_main(int argc, char **argv)
{
	rl::test_params p;
	std::ostringstream progress;
	int i;

	p.search_type = rl::random_scheduler_type;
	p.iteration_count = 100000;
	p.execution_depth_limit = 3000;
	p.progress_stream = &progress;
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-s") == 0)
			host_asymfence = false;
		else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
			p.iteration_count = strtoull(argv[++i], NULL, 10);
		else
			c11_rule = argv[i];
	}
	(void)rl::simulate<T>(p);
	printf("%s, %llu schedules\n", rl::test_result_str(p.test_result),
	    (unsigned long long)p.stop_iteration);
	return p.test_result != rl::test_result_success;
}

#endif	/* !_TESTS_MODEL_C11_H_ */
