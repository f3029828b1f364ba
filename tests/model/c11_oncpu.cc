/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Threads that own CPUs: oncpu_enter_fast(), oncpu_release() and oncpu_exit()
 * of sys/kern/kern_runq.h; oncpu_start(), oncpu_stray_p(), oncpu_try(),
 * oncpu_tryany(), oncpu_arm(), oncpu_wakeup(), oncpu_wait() and
 * oncpu_dequeue() of kern_runq.c; mutex_spin_raise(), mutex_spin_own() and
 * mutex_spin_lower() of kern_mutex.c; intr_enter() and intr_leave() of
 * kern_intr.c.
 *
 * Ownership is off.  Threads hold different spin mutexes, and handlers
 * interrupt them meanwhile; or threads disable preemption, which switches
 * ownership on.  There is one CPU or two, and some threads want one of them
 * only.
 *
 * Invariant: a CPU has one owner, which sees what earlier owners did; a section
 * that began without a CPU is over before any thread owns one; and each thread
 * gets a CPU.
 *
 * This is not run with -s.  There an owner's store and load are sequentially
 * consistent, and a waiter has a sequentially consistent fence.  C11 orders
 * these with each other, but relacy does not.
 *
 * Rules:
 *	give	a CPU is given up with release
 *	take	a CPU is taken with acquire
 *	light	the owner has the light fence between the CPU and the waiters
 *	heavy	a waiter has the heavy fence between the waiters and the CPU
 *	again	a waiter looks for a CPU after it has made itself known
 *	free	ow_asleep is cleared with release
 *	awake	ow_asleep is loaded with acquire
 *	start	the thread that switches ownership on has the heavy fence
 *	count	a thread counts a mutex before it loads the state
 *	gone	a thread lowers the count with release
 *	handover a handler counts in l_handovers when it replaces l_mtxcount
 *	publish	it does so with release
 *	changed	the thread that switches ownership on loads l_handovers first
 *	below	a handler sets the count to 0 with release
 *	on	the state ONCPU_ON is stored with release
 *	used	the state is loaded with acquire
 */

#include "c11.h"

enum { THREADS = 3, CPUS = 2, TURNS = 2, LOSSES = 2, KEPT = 100 };
enum { ONCPU_OFF, ONCPU_STARTING, ONCPU_ON };
enum { LWP_MTXOWN = 1 };

struct oncpu : rl::test_suite<oncpu, THREADS> {
	struct cpu {
		rl::atomic<int> oc_lwp, oc_waiters;
		rl::var<int> data;		/* only owners write it */
	} cpus[CPUS];
	int ncpu;
	rl::atomic<int> oncpu_state, oncpu_anywaiters;
	c11_mutex oncpu_lock;
	int oncpu_first[THREADS], nwaiters;	/* (oncpu_lock) */

	/* struct lwp and struct oncpu_waiter; the name of a thread is t + 1. */
	struct lwp {
		rl::atomic<int> l_mtxcount, l_mtxoldspl, l_stray, l_handovers;
		int l_oncpu;
		int ow_only;			/* or -1 */
		rl::var<int> ow_free;
		int ow_lost;
		rl::atomic<int> ow_asleep;
		c11_park l_park;
	} lwps[THREADS];

	void
	before()
	{
		int i;

		ncpu = 1 + rl::rand(CPUS);
		for (i = 0; i < CPUS; i++) {
			atomic_store_relaxed(&cpus[i].oc_lwp, 0);
			atomic_store_relaxed(&cpus[i].oc_waiters, 0);
			PLAIN(cpus[i].data) = 0;
		}
		atomic_store_relaxed(&oncpu_state, ONCPU_OFF);
		atomic_store_relaxed(&oncpu_anywaiters, 0);
		oncpu_lock.init();
		nwaiters = 0;
		for (i = 0; i < THREADS; i++) {
			atomic_store_relaxed(&lwps[i].l_mtxcount, 0);
			atomic_store_relaxed(&lwps[i].l_mtxoldspl, 0);
			atomic_store_relaxed(&lwps[i].l_stray, 0);
			atomic_store_relaxed(&lwps[i].l_handovers, 0);
			lwps[i].l_oncpu = i % ncpu;
			lwps[i].ow_only = rl::rand(2) ? -1 : i % ncpu;
			PLAIN(lwps[i].ow_free) = -1;
			atomic_store_relaxed(&lwps[i].ow_asleep, 0);
			lwps[i].l_park.init();
		}
	}

	void
	fence_heavy()
	{

		if (host_asymfence)
			c11_fence_heavy<THREADS>($);
		else
			membar_sync();
	}

	/*
	 * Switching on.
	 */

	int
	state()
	{

		return BROKEN("used", atomic_load_relaxed(&oncpu_state),
		    atomic_load_acquire(&oncpu_state));
	}

	bool
	oncpu_stray_p(struct lwp *l)
	{
		int n;

		n = BROKEN("changed", atomic_load_relaxed(&l->l_handovers),
		    atomic_load_acquire(&l->l_handovers));
		return atomic_load_acquire(&l->l_stray) != 0 ||
		    (atomic_load_acquire(&l->l_mtxcount) != 0 &&
		    (atomic_load_relaxed(&l->l_mtxoldspl) & LWP_MTXOWN) ==
		    0) || atomic_load_relaxed(&l->l_handovers) != n;
	}

	void
	oncpu_start()
	{
		int i, off;

		off = ONCPU_OFF;
		(void)atomic_cas_relaxed(&oncpu_state, &off, ONCPU_STARTING);
		if (!ISBROKEN("start"))
			fence_heavy();
		for (i = 0; i < THREADS && state() < ONCPU_ON; i++)
			if (oncpu_stray_p(&lwps[i])) {
				c11_wait();
				i = -1;
			}
		BROKEN("on", atomic_store_relaxed(&oncpu_state, ONCPU_ON),
		    atomic_store_release(&oncpu_state, ONCPU_ON));
	}

	/*
	 * Taking a CPU.
	 */

	bool
	oncpu_cas(int cpu, int o, int t)
	{

		return BROKEN("take",
		    atomic_cas_relaxed(&cpus[cpu].oc_lwp, &o, t + 1),
		    atomic_cas_acquire(&cpus[cpu].oc_lwp, &o, t + 1));
	}

	bool
	oncpu_try(int t, int cpu)
	{
		int o;

		o = atomic_load_relaxed(&cpus[cpu].oc_lwp);
		if (o != 0 && o != t + 1 + KEPT)
			return false;
		lwps[t].l_oncpu = cpu;
		return oncpu_cas(cpu, o, t);
	}

	bool
	oncpu_tryany(int t)
	{
		int cpu, n;

		if (lwps[t].ow_only >= 0)
			return oncpu_try(t, lwps[t].ow_only);
		cpu = lwps[t].l_oncpu;
		for (n = ncpu; n > 0; n--) {
			if (oncpu_try(t, cpu))
				return true;
			cpu = (cpu + 1) % ncpu;
		}
		return false;
	}

	void
	oncpu_arm(int t, bool on)
	{
		rl::atomic<int> *np;

		np = lwps[t].ow_only >= 0 ?
		    &cpus[lwps[t].ow_only].oc_waiters : &oncpu_anywaiters;
		atomic_store_relaxed(np,
		    atomic_load_relaxed(np) + (on ? 1 : -1));
		BROKEN("free", atomic_store_relaxed(&lwps[t].ow_asleep, on),
		    atomic_store_release(&lwps[t].ow_asleep, on));
	}

	void
	oncpu_wakeup(int cpu)
	{
		int i, o, t;

		mutex_enter(&oncpu_lock);
		for (i = 0; i < nwaiters; i++) {
			t = oncpu_first[i];
			if (atomic_load_relaxed(&lwps[t].ow_asleep) != 0 &&
			    (lwps[t].ow_only < 0 || lwps[t].ow_only == cpu))
				break;
		}
		o = 0;
		if (i == nwaiters || (lwps[t].ow_lost >= LOSSES &&
		    !atomic_cas_acq_rel(&cpus[cpu].oc_lwp, &o, t + 1 + KEPT)))
			t = -1;
		else {
			PLAIN(lwps[t].ow_free) = cpu;
			oncpu_arm(t, false);
		}
		mutex_exit(&oncpu_lock);
		if (t >= 0)
			lwps[t].l_park.unpark();
	}

	void
	oncpu_dequeue(int t)
	{
		int cpu, i, o;

		mutex_enter(&oncpu_lock);
		for (i = 0; oncpu_first[i] != t; i++)
			continue;
		for (nwaiters--; i < nwaiters; i++)
			oncpu_first[i] = oncpu_first[i + 1];
		cpu = -1;
		if (atomic_load_relaxed(&lwps[t].ow_asleep) != 0)
			oncpu_arm(t, false);
		else
			cpu = PLAIN(lwps[t].ow_free);
		mutex_exit(&oncpu_lock);
		if (cpu >= 0 && cpu != lwps[t].l_oncpu) {
			o = t + 1 + KEPT;
			(void)atomic_cas_acq_rel(&cpus[cpu].oc_lwp, &o, 0);
			oncpu_wakeup(cpu);
		}
	}

	void
	oncpu_wait(int t)
	{

		PLAIN(lwps[t].ow_free) = -1;
		lwps[t].ow_lost = 0;
		atomic_store_relaxed(&lwps[t].ow_asleep, 0);
		mutex_enter(&oncpu_lock);
		oncpu_first[nwaiters++] = t;
		mutex_exit(&oncpu_lock);
		for (;;) {
			mutex_enter(&oncpu_lock);
			oncpu_arm(t, true);
			mutex_exit(&oncpu_lock);
			if (!ISBROKEN("heavy"))
				fence_heavy();
			if (!ISBROKEN("again") && oncpu_tryany(t))
				break;
			while (BROKEN("awake",
			    atomic_load_relaxed(&lwps[t].ow_asleep),
			    atomic_load_acquire(&lwps[t].ow_asleep)) != 0)
				lwps[t].l_park.park();
			if (oncpu_try(t, PLAIN(lwps[t].ow_free)))
				break;
			lwps[t].ow_lost++;
		}
		oncpu_dequeue(t);
	}

	void
	oncpu_enter(int t, int st)
	{

		if (st == ONCPU_ON && oncpu_cas(lwps[t].l_oncpu, 0, t))
			return;
		/* oncpu_enter_slow() */
		if (state() < ONCPU_ON)
			oncpu_start();
		oncpu_wait(t);
	}

	void
	oncpu_release(int t)
	{
		struct cpu *oc;
		int any, only;

		oc = &cpus[lwps[t].l_oncpu];
		if (ISBROKEN("light")) {
			only = atomic_load_seq_cst(&oc->oc_waiters);
			any = atomic_load_seq_cst(&oncpu_anywaiters);
		}
		if (host_asymfence) {
			BROKEN("give", atomic_store_relaxed(&oc->oc_lwp, 0),
			    atomic_store_release(&oc->oc_lwp, 0));
			host_fence_light();
		} else
			atomic_store_seq_cst(&oc->oc_lwp, 0);
		if (!ISBROKEN("light")) {
			only = atomic_load_seq_cst(&oc->oc_waiters);
			any = only ? 0 : atomic_load_seq_cst(&oncpu_anywaiters);
		}
		if (only != 0 || any != 0)
			oncpu_wakeup(lwps[t].l_oncpu);
	}

	/*
	 * Sections.
	 */

	void
	owner(int t)
	{

		PLAIN(cpus[lwps[t].l_oncpu].data) += 1;
	}

	/* No thread owns a CPU now. */
	void
	stray()
	{
		int i;

		for (i = 0; i < ncpu; i++)
			(void)PLAIN(cpus[i].data).load();
	}

	/* A handler interrupts a stray: a thread in a section without a CPU. */
	void
	handler(struct lwp *l)
	{
		int n;

		/* intr_enter() */
		atomic_store_relaxed(&l->l_stray, 1);
		if (!ISBROKEN("handover")) {
			/* section_handover() */
			n = atomic_load_relaxed(&l->l_handovers) + 1;
			BROKEN("publish",
			    atomic_store_relaxed(&l->l_handovers, n),
			    atomic_store_release(&l->l_handovers, n));
		}
		BROKEN("below", atomic_store_relaxed(&l->l_mtxcount, 0),
		    atomic_store_release(&l->l_mtxcount, 0));
		stray();
		/* intr_leave() */
		atomic_store_relaxed(&l->l_mtxcount, 1);
		atomic_store_release(&l->l_stray, 0);
	}

	void
	mutex(int t)
	{
		struct lwp *l;
		int n, st;

		/* mutex_spin_raise() */
		l = &lwps[t];
		st = ISBROKEN("count") ? state() : 0;
		atomic_store_relaxed(&l->l_mtxoldspl, 0);
		atomic_store_relaxed(&l->l_mtxcount, 1);
		if (host_asymfence)
			host_fence_light();
		else
			membar_sync();
		if (!ISBROKEN("count"))
			st = state();
		if (st == ONCPU_OFF)
			stray();
		else {
			atomic_store_relaxed(&l->l_mtxoldspl, LWP_MTXOWN);
			if (st != ONCPU_ON ||
			    !oncpu_cas(l->l_oncpu, 0, t)) {
				/* mutex_spin_own() */
				atomic_store_relaxed(&l->l_mtxcount, 0);
				oncpu_enter(t, ONCPU_OFF);
				atomic_store_relaxed(&l->l_mtxoldspl,
				    LWP_MTXOWN);
				atomic_store_relaxed(&l->l_mtxcount, 1);
			}
			owner(t);
		}
		if (st == ONCPU_OFF)
			for (n = rl::rand(2) * rl::rand(4); n > 0; n--)
				handler(l);
		c11_step();
		if (st == ONCPU_OFF)
			stray();
		/* mutex_spin_lower() */
		BROKEN("gone", atomic_store_relaxed(&l->l_mtxcount, 0),
		    atomic_store_release(&l->l_mtxcount, 0));
		if (st != ONCPU_OFF)
			oncpu_release(t);
	}

	void
	thread(unsigned t)
	{
		int n;

		for (n = 0; n < TURNS; n++) {
			if (t + n == 0 || rl::rand(2)) {
				mutex(t);
				continue;
			}
			oncpu_enter(t, state());
			owner(t);
			oncpu_release(t);
		}
	}
};

int
main(int argc, char **argv)
{

	return c11_main<oncpu>(argc, argv);
}
