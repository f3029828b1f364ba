/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Interrupts: the interface between kern_intr.c, where interrupts arrive, and
 * kern_intrthread.c, which has the interrupt threads.
 */

#ifndef _KERN_KERN_INTR_H_
#define	_KERN_KERN_INTR_H_

#include <sys/intr.h>

#include "kern.h"

struct lwp;

enum intrthread {
	INTR_PLAIN,	/* runs the sources with INTR_MPSAFE */
	INTR_BIGLOCK,	/* takes the kernel lock; exists if needed */
	INTR_WATCHER	/* exists if the host can tell which threads sleep */
};

/*
 * kern_intrthread.c.  Start a thread unless it exists.  Return 0 or an errno
 * value.
 */
int	intrthread_start(enum intrthread);
int	intrthread_startwatcher(void);

/* Wake a thread.  If it does not exist, have it started.  Any context. */
void	intrthread_kick(enum intrthread);

/* Make the watcher watch the calling thread, which holds back interrupts. */
void	intrthread_watch(struct lwp *);

void	intrthread_fork(void);

/*
 * kern_intr.c.  intr_ishanded() returns true if interrupts are handed to a
 * thread.  The thread then calls intr_runhanded(), which runs the highest of
 * them once.
 */
bool	intr_ishanded(enum intrthread);
void	intr_runhanded(enum intrthread, struct lwp *);

/*
 * Give the interrupt threads all interrupts that a thread holds back.  The
 * thread itself or the watcher calls intr_handall(), and an ending thread calls
 * intr_lwpexit().
 */
void	intr_handall(struct lwp *);
void	intr_lwpexit(struct lwp *);

#endif	/* !_KERN_KERN_INTR_H_ */
