/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Levels, which determine which handlers may interrupt a thread, and sections,
 * which xc_barrier() waits for.
 */

#ifndef _KERN_KERN_SPL_H_
#define	_KERN_KERN_SPL_H_

#include <sys/intr.h>

#include "kern.h"
#include "kern_lwp.h"

/*
 * A thread is in a section while its level is raised, while it holds a spin
 * mutex, or while it has disabled preemption.
 *
 * The thread stores that it is in a section, calls section_enter(), and then
 * reads the data that the section protects.  A thread that changes this data
 * calls xc_barrier(), which publishes the change by a heavy fence and then
 * looks for threads in a section.  A section ends with a release store, which
 * pairs with the acquire loads of xc_barrier().
 */
static inline void
section_enter(void)
{

	/* Either fence also orders the stores for a handler on this thread. */
	if (__predict_false(!host_asymfence))
		membar_sync();
	else
		host_fence_light();
}

/*
 * Return true if the thread is in a section.  Any thread may call this.
 * Acquire: if a section has ended, the caller sees what the thread did in it.
 *
 * A section may begin in one way and end in another.  If the thread disables
 * preemption at a raised level and then lowers the level, the section is not
 * missed, because l_nopreempt is loaded after l_ipl.  If the thread enables
 * preemption at a raised level, it first increments l_handovers.  So the caller
 * finds that the level is raised, or that l_handovers has changed.
 */
static inline bool
lwp_insection(const struct lwp *l)
{
	unsigned n;

	n = atomic_load_acquire(&l->l_handovers);
	return atomic_load_acquire(&l->l_ipl) != IPL_NONE ||
	    atomic_load_acquire(&l->l_mtxcount) != 0 ||
	    atomic_load_acquire(&l->l_nopreempt) != 0 ||
	    atomic_load_relaxed(&l->l_handovers) != n;
}

/*
 * Record that the section of a thread goes on in another way than before.
 * lwp_insection() may load the field for the new way before the thread sets it,
 * and the field for the old way after the thread has cleared it.  In this case
 * lwp_insection() finds that l_handovers has changed.  Release: publish that
 * the section goes on.
 */
static inline void
section_handover(struct lwp *l)
{

	atomic_store_release(&l->l_handovers, l->l_handovers + 1);
}

/* Set the level.  Release: lowering it ends sections. */
static inline void
lwp_setipl(struct lwp *l, int ipl)
{

	atomic_store_release(&l->l_ipl, ipl);
}

/*
 * A thread that sleeps gives up the CPU, and so permits all interrupts,
 * whatever its level is.  It calls spl_open() before the sleep.  After the
 * sleep it calls spl_shut() to restore the level that spl_open() returned.
 * spl_open() is in kern_lwp.c.
 */
int	spl_open(struct lwp *);

static inline void
spl_shut(struct lwp *l, int s)
{

	/*
	 * A worker sleeps at IPL_NONE: spare it a store to a cold cache line.
	 */
	if (__predict_true(s == IPL_NONE))
		return;
	lwp_setipl(l, s);
	section_enter();
}

/* Run the interrupts that the level or l_kspin no longer holds back. */
void	intr_run(struct lwp *);

static inline void
intr_deliver(struct lwp *l)
{

	if (__predict_false(atomic_load_relaxed(&l->l_ipending) != 0 ||
	    l->l_softpend != NULL) && l->l_kspin == 0)
		intr_run(l);
}

/*
 * Keep handlers of any level off the calling thread, until handler_release(),
 * which runs the interrupts that have arrived meanwhile.  Calls of these
 * functions nest, with each other and with kspins.
 */
static inline void
handler_hold(struct lwp *l)
{

	l->l_kspin++;
	/* A handler on this thread sees this before any later access. */
	atomic_signal_barrier();
}

static inline void
handler_release(struct lwp *l)
{

	atomic_signal_barrier();
	if (--l->l_kspin == 0)
		intr_deliver(l);
}

#endif	/* !_KERN_KERN_SPL_H_ */
