/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Soft interrupts: what other files of sys/kern may use.
 */

#ifndef _KERN_KERN_SOFTINT_H_
#define	_KERN_KERN_SOFTINT_H_

#include <sys/intr.h>

#include "kern.h"
#include "kern_kspin.h"

struct lwp;
struct softhand;

/*
 * A soft interrupt on one CPU.  A pending soft interrupt is on the list of its
 * CPU.  But a thread may schedule a soft interrupt that its level masks.  Then
 * the soft interrupt is on the list of this thread (l_softpend) until the
 * thread lowers the level.
 */
struct softint {
	struct softint	*si_next;	/* on either list */
	struct softhand	*si_hand;
	unsigned	 si_cpu;
	unsigned	 si_pending;	/* (a) SOFTINT_PENDING, or not */
};

struct softhand {
	void		(*sh_func)(void *);
	void		*sh_arg;
	int		 sh_level;	/* SOFTINT_CLOCK .. SOFTINT_SERIAL */
	int		 sh_flags;
	int		 sh_dead;	/* (a) disestablished */
	struct softint	 sh_ints[];	/* one for each CPU */
};

/*
 * sc_lock guards all fields.
 *
 * If no thread owns the CPU, one of two things is true.  Either no handler can
 * continue or begin: sc_back is empty, and at each level with pending soft
 * interrupts a handler sleeps.  Or the thread for the highest handler has not
 * begun yet.  The threads in sc_back then wait until the new thread begins and
 * chooses the next owner.
 */
struct softcpu {
	struct kspin	 sc_lock;
	struct lwp	*sc_owner;	/* the owner, or NULL */
	struct softint	*sc_first[SOFTINT_COUNT];	/* pending */
	struct softint	**sc_lastp[SOFTINT_COUNT];
	struct softint	*sc_busy[SOFTINT_COUNT];	/* active */
	struct lwp	*sc_lwp[SOFTINT_COUNT];	/* threads of those */
	struct lwp	*sc_back[SOFTINT_COUNT];	/* waits for the CPU */
	struct lwp	*sc_idle[SOFTINT_COUNT];	/* a stack */
	int		 sc_nidle;
	int		 sc_nthreads;	/* including those being started */
	bool		 sc_waiting;	/* softint_disestablish() waits */
	uint64_t	 sc_ndone[SOFTINT_COUNT];	/* handlers that
					   returned */
} __kern_aligned;

extern struct softcpu *softint_cpus;

void	softint_splx(struct lwp *);

#endif	/* !_KERN_KERN_SOFTINT_H_ */
