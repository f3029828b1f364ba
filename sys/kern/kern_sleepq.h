/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sleep queues.
 */

#ifndef _KERN_KERN_SLEEPQ_H_
#define	_KERN_KERN_SLEEPQ_H_

#include "kern.h"

struct lwp;
struct sleepq;

/* The kinds of wait channel. */
#define	SLEEPQ_MUTEX	1		/* adaptive mutex */
#define	SLEEPQ_KLOCK	2		/* the kernel lock */
#define	SLEEPQ_LWP	3		/* a thread's start */
#define	SLEEPQ_CV	4		/* condvar(9) */
#define	SLEEPQ_RWREADER	5		/* rwlock(9), to read */
#define	SLEEPQ_RWWRITER	6		/* rwlock(9), to write */
#define	SLEEPQ_TSLEEP	7		/* tsleep(9) */
#define	SLEEPQ_KPAUSE	8		/* kpause(9) */
#define	SLEEPQ_SOFTINT	9		/* softint_disestablish() */
#define	SLEEPQ_CALLOUT	10		/* callout_halt() */
#define	SLEEPQ_DRAIN	11		/* a draining workqueue */
#define	SLEEPQ_KMEM	12		/* memory */
#define	SLEEPQ_POOL	13		/* pool(9) */
#define	SLEEPQ_ONCE	14		/* once(9) */
#define	SLEEPQ_XCALL	15		/* xc_wait() */
#define	SLEEPQ_PSREF	16		/* psref_target_destroy() */

struct sleepq *sleepq_enter(const void *);
void	sleepq_exit(struct sleepq *);
void	sleepq_enqueue(struct sleepq *, struct lwp *, const void *, int,
	    bool);
struct lwp *sleepq_dequeue(struct sleepq *, const void *, int, bool *);
bool	sleepq_has(const struct sleepq *, const void *, int);
struct lwp *sleepq_take(struct sleepq *, const void *, int, unsigned,
	    unsigned *);
void	sleepq_wake(struct lwp *);
int64_t	sleepq_deadline(int);
int	sleepq_block(struct lwp *, int64_t);
void	sleepq_wakeall(const void *, int);

#endif	/* !_KERN_KERN_SLEEPQ_H_ */
