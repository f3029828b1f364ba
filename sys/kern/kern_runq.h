/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Ownership of CPUs by threads: see kern_runq.c.
 */

#ifndef _KERN_KERN_RUNQ_H_
#define	_KERN_KERN_RUNQ_H_

#include "kern.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_spl.h"
#include "subr_cpu.h"

/*
 * A CPU, which a thread may own.  oncpu_enter() and oncpu_exit() nest.
 */
struct oncpu {
	uintptr_t	 oc_lwp;	/* (a) owner, or 0: see kern_runq.c */
	unsigned	 oc_waiters;	/* (a) waiters for this CPU only */
} __kern_aligned;

enum {
	ONCPU_OFF,			/* spin mutexes take no CPU */
	ONCPU_STARTING,			/* there may be strays */
	ONCPU_ON,
	ONCPU_WATCHED			/* on, and KERN_WATCHED() */
};

/* The CPU and the counts that a thread gives up while it sleeps. */
struct oncpu_asleep {
	int		 oa_own;
	int		 oa_nopreempt;
	struct oncpu	*oa_oncpu;
};

extern struct oncpu oncpu_cpus[];
/*
 * Load this with acquire.  If ownership is then on, all strays have ended: see
 * kern_runq.c.
 */
extern int	oncpu_state;
extern bool	oncpu_plain;		/* a plain store releases a CPU */
extern unsigned	oncpu_anywaiters;

void	oncpu_on(struct lwp *);
void	oncpu_enter_slow(struct lwp *);
bool	oncpu_intrenter(struct lwp *, bool);
void	oncpu_level(struct lwp *);
void	oncpu_levelexit(struct lwp *);
bool	oncpu_lend(struct lwp *);
void	oncpu_lent(struct lwp *);
void	oncpu_wakeup(struct oncpu *);
void	oncpu_sleep_slow(struct lwp *, struct oncpu_asleep *);
void	oncpu_wake_slow(struct lwp *, const struct oncpu_asleep *);
void	oncpu_bind(struct lwp *, struct cpu_info *);
bool	oncpu_wanted(const struct lwp *);

/*
 * Return true if ownership is on or is being switched on.  A caller that takes
 * no CPU because this is false must not give one up later, even if ownership is
 * on by then.
 */
static inline bool
oncpu_used(void)
{

	return __predict_false(atomic_load_acquire(&oncpu_state) != ONCPU_OFF);
}

/* Return true if the thread owns a CPU.  Its handlers use the same CPU. */
static inline bool
oncpu_owned(const struct lwp *l)
{

	return atomic_load_relaxed(&l->l_oncpu->oc_lwp) == (uintptr_t)l;
}

/* Return the CPU that the thread owns, or owned last. */
static inline struct cpu_info *
oncpu_info(const struct lwp *l)
{

	return &cpu_infos[l->l_oncpu - oncpu_cpus];
}

/* Take the thread's last CPU, if ownership is on and the CPU is free. */
static inline bool
oncpu_enter_fast(struct lwp *l, int state)
{
	uintptr_t o;

	o = 0;
	/* Acquire: observe what the last owner did to the CPU's data. */
	return __predict_true(state == ONCPU_ON &&
	    atomic_cas_acquire(&l->l_oncpu->oc_lwp, &o, (uintptr_t)l));
}

static inline void
oncpu_enter(struct lwp *l)
{

	if (l->l_own++ == 0 && !oncpu_enter_fast(l,
	    atomic_load_acquire(&oncpu_state)))
		oncpu_enter_slow(l);
}

static inline void
oncpu_release(struct lwp *l)
{
	struct oncpu *oc;

	oc = l->l_oncpu;
	/* A stray may have gone on without a CPU: see kern_runq.c. */
	if (__predict_false(atomic_load_relaxed(&oc->oc_lwp) != (uintptr_t)l))
		return;
	/*
	 * Release: the next owner sees our stores.  This thread clears oc_lwp
	 * and then loads the counts of waiters.  A waiter increments a count
	 * and then loads oc_lwp.  So at least one of the two sees the other's
	 * store: see oncpu_wait().
	 */
	if (__predict_true(oncpu_plain)) {
		atomic_store_release(&oc->oc_lwp, (uintptr_t)0);
		host_fence_light();
	} else {
		KERN_BEFORE(oc);
		atomic_store_seq_cst(&oc->oc_lwp, (uintptr_t)0);
	}
	if (__predict_false(atomic_load_seq_cst(&oc->oc_waiters) != 0 ||
	    atomic_load_seq_cst(&oncpu_anywaiters) != 0))
		oncpu_wakeup(oc);
}

static inline void
oncpu_exit(struct lwp *l)
{

	if (--l->l_own == 0)
		oncpu_release(l);
}

/*
 * Give up the CPU before a sleep in thread context, and take it again
 * afterwards.
 */
static inline void
oncpu_sleep(struct lwp *l, struct oncpu_asleep *oa)
{

	oa->oa_own = 0;
	if (__predict_false(l->l_own != 0) && l->l_intrdepth == 0)
		oncpu_sleep_slow(l, oa);
}

static inline void
oncpu_wake(struct lwp *l, const struct oncpu_asleep *oa)
{

	if (__predict_false(oa->oa_own != 0))
		oncpu_wake_slow(l, oa);
}

/*
 * kpreempt_disable() and kpreempt_enable(), for a caller that has curlwp.
 */
static inline void
kpreempt_enter(struct lwp *l)
{
	int n;

	n = l->l_nopreempt;
	atomic_store_relaxed(&l->l_nopreempt, n + 1);
	if (n == 0) {
		section_enter();
		oncpu_enter(l);
	}
}

static inline void
kpreempt_exit(struct lwp *l)
{
	int n;

	n = l->l_nopreempt - 1;
	if (__predict_false(l->l_ipl != IPL_NONE))
		section_handover(l);
	/* Release: the section is over; pairs with xc_barrier(). */
	atomic_store_release(&l->l_nopreempt, n);
	if (n == 0) {
		oncpu_exit(l);
		/* A barrier may wait for this thread. */
		intr_deliver(l);
	}
}

#endif	/* !_KERN_KERN_RUNQ_H_ */
