/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * CPU slots.  Threads of one CPU run in parallel here, so a thread that has
 * disabled preemption owns a slot, and with it that CPU's percpu(9) memory,
 * alone.  If its own CPU's slot is taken it gets another CPU's, or, if it is
 * bound or all are taken, a spare one: so nobody waits for a thread that may
 * itself wait, spinning, for something the waiter holds.
 */

#include "kern.h"

#define	CPU_SPARES	64

struct cpu_slot {
	struct lwp	*cs_owner;	/* (a) */
} __kern_aligned;

static struct cpu_slot	cpu_slots[CPU_MAX + CPU_SPARES];

/* The number of slots: a number for each CPU, then the spare ones. */
int
cpu_nslots(void)
{

	return ncpu + CPU_SPARES;
}

static bool
cpu_slot_try(struct lwp *l, int i)
{
	struct lwp *o;

	o = NULL;
	/* Acquire: what the last owner did to the CPU's memory is seen. */
	return atomic_load_relaxed(&cpu_slots[i].cs_owner) == NULL &&
	    atomic_cas_acquire(&cpu_slots[i].cs_owner, &o, l);
}

static int
cpu_slot_take(struct lwp *l)
{
	unsigned turns;
	int i, mine;

	mine = (int)curcpu()->ci_index;
	for (turns = 0;; host_relax(&turns)) {
		if (cpu_slot_try(l, mine))
			return mine;
		for (i = l->l_cpu == NULL ? 0 : ncpu; i < cpu_nslots(); i++)
			if (cpu_slot_try(l, i))
				return i;
	}
}

/*
 * Handlers on this thread come before or after, not between.
 */
__kern_public void
kpreempt_disable(void)
{
	struct lwp *l;

	l = curlwp_get();
	l->l_kspin++;
	atomic_signal_barrier();
	if (l->l_nopreempt == 0)
		l->l_slot = cpu_slot_take(l);
	l->l_nopreempt++;
	atomic_signal_barrier();
	if (--l->l_kspin == 0)
		intr_deliver(l);
}

__kern_public void
kpreempt_enable(void)
{
	struct lwp *l;

	l = curlwp_get();
	KASSERTMSG(l->l_nopreempt > 0, "kpreempt_enable: not disabled");
	l->l_kspin++;
	atomic_signal_barrier();
	if (--l->l_nopreempt == 0) {
		/* Release: pairs with the next owner's acquire. */
		atomic_store_release(&cpu_slots[l->l_slot].cs_owner, NULL);
		l->l_slot = -1;
	}
	atomic_signal_barrier();
	if (--l->l_kspin == 0)
		intr_deliver(l);
}

/*
 * Own the slot of the caller's choice, until kpreempt_enable(), waiting for
 * it.  In thread context, with preemption enabled.
 */
void
cpuslot_enter(struct lwp *l, int i)
{
	unsigned turns;
	bool mine;

	KASSERTMSG(l->l_nopreempt == 0, "cpuslot_enter: preemption is "
	    "disabled");
	for (turns = 0;;) {
		l->l_kspin++;
		atomic_signal_barrier();
		if ((mine = cpu_slot_try(l, i))) {
			l->l_slot = i;
			l->l_nopreempt = 1;
		}
		atomic_signal_barrier();
		if (--l->l_kspin == 0)
			intr_deliver(l);
		if (mine)
			break;
		if (turns < 100)
			host_relax(&turns);
		else
			(void)lwp_timedpark(l, host_monotime() + 100 * 1000);
	}
}

__kern_public int
kpreempt_disabled(void)
{
	struct lwp *l;

	l = host_self();
	return l != NULL && (l->l_nopreempt != 0 || l->l_mtxcount != 0 ||
	    l->l_ipl != IPL_NONE);
}

/*
 * In a forked child only the thread that forked owns a slot.
 */
void
cpuslot_fork(struct lwp *l)
{
	int i;

	for (i = 0; i < cpu_nslots(); i++)
		if (atomic_load_relaxed(&cpu_slots[i].cs_owner) != l)
			atomic_store_relaxed(&cpu_slots[i].cs_owner, NULL);
}

/*
 * A thread that is to see one CPU: the library then treats it as one that is
 * bound, though the host may move it.
 */
__kern_public int
curlwp_bind(void)
{
	struct cpu_info *ci;
	struct lwp *l;

	l = curlwp_get();
	if (l->l_cpu != NULL)
		return LW_BOUND;
	ci = curcpu();
	atomic_signal_barrier();
	l->l_cpu = ci;
	l->l_flag |= LW_BOUND;
	return 0;
}

__kern_public void
curlwp_bindx(int bound)
{
	struct lwp *l;

	l = curlwp_get();
	KASSERTMSG(l->l_cpu != NULL, "curlwp_bindx: not bound");
	if (bound != 0)
		return;
	l->l_cpu = NULL;
	l->l_flag &= ~LW_BOUND;
}
