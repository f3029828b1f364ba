/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sections against a barrier: section_enter() and lwp_insection() of
 * sys/kern/kern_spl.h, wqk_splraise() and splx() of kern_spl.c,
 * kpreempt_enter() and kpreempt_exit() of kern_runq.h, intr_run() of
 * kern_intr.c; xc_quiesce(), xc_quiet_ask(), xc_quiet_look() and
 * xc_barrier_answer() of subr_xcall.c.  pserialize(9) is such a barrier.
 *
 * Two threads read an object in sections of different kinds.  A section may
 * begin at a raised level and end with preemption disabled, or the other way
 * round.  Two other threads each publish a new object, wait for a barrier, and
 * free the old object.
 *
 * Invariant: no thread in a section uses an object that is freed, a barrier
 * returns, and it counts each answer once.
 *
 * Rules:
 *	light	a section has the light fence after it has begun
 *	fence	(-s) instead, a section has the full fence
 *	first	the barrier has the heavy fence before it looks for sections
 *	second	the barrier has it again after it has marked the threads
 *	look	the barrier looks again at the threads that it has marked
 *	poll	(-s) instead, the barrier looks as long as it waits
 *	ends	a section ends with release
 *	ended	the barrier loads the levels with acquire
 *	answer	(-s) a thread that answers sees the mark with acquire
 *	last	that thread counts itself off with release
 *	left	the barrier loads the count with acquire
 *	both	either the thread or the barrier clears the mark, not both
 *	handover the thread counts when it enables preemption at a raised level
 *	publish	it does so with release
 *	count	the barrier loads the count with acquire
 */

#include "c11.h"

enum { READERS = 2, WRITERS = 2, SECTIONS = 2 };
enum { LWP_XCBARRIER = 1 };

struct section : rl::test_suite<section, READERS + WRITERS> {
	/* struct lwp */
	struct lwp {
		rl::atomic<int> l_ipl, l_nopreempt, l_handovers, l_ipending;
	} lwps[READERS];

	c11_mutex xc_quietlock;
	rl::atomic<int> xc_quietlwp, xc_quietleft;
	c11_park l_park[WRITERS];

	/* The client's data. */
	rl::atomic<int> object;
	rl::var<int> contents[1 + WRITERS];

	void
	before()
	{
		int i;

		for (i = 0; i < READERS; i++) {
			atomic_store_relaxed(&lwps[i].l_ipl, 0);
			atomic_store_relaxed(&lwps[i].l_nopreempt, 0);
			atomic_store_relaxed(&lwps[i].l_handovers, 0);
			atomic_store_relaxed(&lwps[i].l_ipending, 0);
		}
		xc_quietlock.init();
		atomic_store_relaxed(&xc_quietlwp, -1);
		atomic_store_relaxed(&xc_quietleft, 0);
		for (i = 0; i < WRITERS; i++)
			l_park[i].init();
		atomic_store_relaxed(&object, 0);
		for (i = 0; i <= WRITERS; i++)
			PLAIN(contents[i]) = 100 + i;
	}

	bool
	lwp_insection(struct lwp *l)
	{
		int n;

		n = BROKEN("count", atomic_load_relaxed(&l->l_handovers),
		    atomic_load_acquire(&l->l_handovers));
		return BROKEN("ended", atomic_load_relaxed(&l->l_ipl),
		    atomic_load_acquire(&l->l_ipl)) != 0 ||
		    BROKEN("ended", atomic_load_relaxed(&l->l_nopreempt),
		    atomic_load_acquire(&l->l_nopreempt)) != 0 ||
		    atomic_load_relaxed(&l->l_handovers) != n;
	}

	void
	xc_barrier_answer(struct lwp *l)
	{
		int left, waiter;

		if (ISBROKEN("both"))
			atomic_store_relaxed(&l->l_ipending, 0);
		else if ((BROKEN("answer",
		    atomic_fetch_and_relaxed(&l->l_ipending, ~LWP_XCBARRIER),
		    atomic_fetch_and_seq_cst(&l->l_ipending, ~LWP_XCBARRIER)) &
		    LWP_XCBARRIER) == 0)
			return;
		waiter = atomic_load_relaxed(&xc_quietlwp);
		left = BROKEN("last",
		    atomic_fetch_add_relaxed(&xc_quietleft, -1),
		    atomic_fetch_add_acq_rel(&xc_quietleft, -1));
		RL_ASSERT(left > 0);
		if (left == 1)
			l_park[waiter].unpark();
	}

	/*
	 * A reader.
	 */

	void
	section_enter()
	{

		if (host_asymfence)
			host_fence_light();
		else if (!ISBROKEN("fence"))
			membar_sync();
	}

	void
	intr_deliver(struct lwp *l)
	{

		/* intr_run() */
		if ((atomic_load_relaxed(&l->l_ipending) & LWP_XCBARRIER) !=
		    0 && !lwp_insection(l))
			xc_barrier_answer(l);
	}

	void
	set(rl::atomic<int> *level, int n)
	{

		if (n != 0)
			atomic_store_relaxed(level, n);
		else
			BROKEN("ends", atomic_store_relaxed(level, n),
			    atomic_store_release(level, n));
	}

	void
	section_handover(struct lwp *l)
	{
		int n;

		n = atomic_load_relaxed(&l->l_handovers) + 1;
		if (ISBROKEN("handover"))
			return;
		BROKEN("publish", atomic_store_relaxed(&l->l_handovers, n),
		    atomic_store_release(&l->l_handovers, n));
	}

	void
	reader(struct lwp *l)
	{
		rl::atomic<int> *level, *other;
		int n, o;

		for (n = 0; n < SECTIONS; n++) {
			level = rl::rand(2) ? &l->l_ipl : &l->l_nopreempt;
			other = level == &l->l_ipl ? &l->l_nopreempt :
			    &l->l_ipl;
			/* wqk_splraise(), kpreempt_enter() */
			if (ISBROKEN("light")) {
				o = atomic_load_acquire(&object);
				set(level, 1);
			} else {
				set(level, 1);
				section_enter();
				o = atomic_load_acquire(&object);
			}
			if (rl::rand(2)) {
				/* The section changes its kind. */
				set(other, 1);
				section_enter();
				if (other == &l->l_ipl)
					section_handover(l);
				set(level, 0);
				intr_deliver(l);
				level = other;
			}
			c11_step();
			RL_ASSERT(PLAIN(contents[o]) == 100 + o);
			/* splx(), kpreempt_exit() */
			set(level, 0);
			intr_deliver(l);
		}
	}

	/*
	 * A writer.
	 */

	bool
	xc_quiet_ask(struct lwp *l)
	{

		if (!lwp_insection(l))
			return false;
		(void)atomic_fetch_add_relaxed(&xc_quietleft, 1);
		(void)atomic_fetch_or_seq_cst(&l->l_ipending, LWP_XCBARRIER);
		return false;
	}

	bool
	xc_quiet_look(struct lwp *l)
	{

		if ((atomic_load_relaxed(&l->l_ipending) & LWP_XCBARRIER) !=
		    0 && !lwp_insection(l))
			xc_barrier_answer(l);
		return false;
	}

	void
	xc_fence()
	{

		if (host_asymfence)
			c11_fence_heavy<READERS + WRITERS>($);
		else
			membar_sync();
	}

	int
	xc_left()
	{

		return BROKEN("left", atomic_load_relaxed(&xc_quietleft),
		    atomic_load_acquire(&xc_quietleft));
	}

	void
	xc_quiesce(int w)
	{
		int i;

		mutex_enter(&xc_quietlock);
		atomic_store_relaxed(&xc_quietlwp, w);
		atomic_store_relaxed(&xc_quietleft, 0);
		if (!ISBROKEN("first"))
			xc_fence();
		for (i = 0; i < READERS; i++)
			xc_quiet_ask(&lwps[i]);
		if (xc_left() != 0) {
			if (!ISBROKEN("second"))
				xc_fence();
			if (!ISBROKEN("look"))
				for (i = 0; i < READERS; i++)
					xc_quiet_look(&lwps[i]);
		}
		while (xc_left() != 0) {
			if (host_asymfence)
				l_park[w].park();
			else {
				c11_wait();
				if (!ISBROKEN("poll"))
					for (i = 0; i < READERS; i++)
						xc_quiet_look(&lwps[i]);
			}
		}
		mutex_exit(&xc_quietlock);
	}

	void
	writer(int w)
	{
		int o;

		o = atomic_swap_acq_rel(&object, 1 + w);
		xc_quiesce(w);
		PLAIN(contents[o]) = -1;
	}

	void
	thread(unsigned t)
	{

		if (t < READERS)
			reader(&lwps[t]);
		else
			writer(t - READERS);
	}
};

int
main(int argc, char **argv)
{

	return c11_main<section>(argc, argv);
}
