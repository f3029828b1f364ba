/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The internal spin lock.
 */

#ifndef _KERN_KERN_KSPIN_H_
#define	_KERN_KERN_KSPIN_H_

#include "kern.h"
#include "kern_boot.h"
#include "kern_param.h"

extern unsigned	kern_forking __kern_hidden;	/* (a) forks under way */

/*
 * The internal spin lock.  A thread holds a kspin for a few instructions, and
 * runs no handler of any level meanwhile.  So a handler never needs a kspin
 * that its own thread holds.  l_ipl does not change.
 */
struct kspin {
	unsigned	ks_locked;	/* KSPIN_HELD: held; else free */
};

/*
 * The value of a held lock.  A forked child has another value, so there a lock
 * is free if a thread of the parent held it.
 */
#define	KSPIN_HELD	(kern_forkgen + 1)

void	kspin_enter(struct kspin *);
void	kspin_enter_quiet(struct kspin *);
void	kspin_exit(struct kspin *);
bool	kern_torn(const struct kspin *);
void	kspin_fork_prepare(void);
void	kspin_fork_parent(void);
void	kspin_fork_child(void);
void	kspin_fork_done(void);

/*
 * Assert, in checking mode, that the lock is held.
 */
#define	KSPIN_ASSERT(ks)						\
	KERN_CHECK(KASSERT(atomic_load_relaxed(&(ks)->ks_locked) ==	\
	    KSPIN_HELD))

/*
 * Wait until the current holder has released the lock.  The caller has stored
 * something, such as kern_forking, and then loads the lock.  kspin_enter()
 * takes the lock and then loads kern_forking.  Sequentially consistent: at
 * least one of the two sees the other's store.  kspin_pass() does not compete
 * for the lock, because it does not take it.
 */
static inline void
kspin_pass(const struct kspin *ks)
{
	unsigned n;

	for (n = 0; atomic_load_seq_cst(&ks->ks_locked) == KSPIN_HELD;)
		host_relax(&n);
}

#endif	/* !_KERN_KERN_KSPIN_H_ */
