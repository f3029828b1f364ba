/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Declarations for the files of the Linux interface.  The interface is built on
 * wqpool, and on kernel interfaces that the library exports.
 */

#ifndef _COMPAT_LINUX_VAR_H_
#define	_COMPAT_LINUX_VAR_H_

#include <sys/cpu.h>

#include "../../kern/kern_mutex.h"
#include "../../kern/subr_wqpool.h"

#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/once.h>
#include <sys/wq_prf.h>
#include <sys/wq_libkern.h>

/* The NetBSD interface has the same names. */
#undef WQ_PERCPU
#undef kthread_create

#define	_LWQ_INTERNAL
#include <linux/workqueue.h>
#include <linux/kthread.h>
#include <linux/lwq_lock.h>

#define	LWQ_JIFFY_NS	(1000000000 / HZ)

/* Convert jiffies to nanoseconds, at most INT64_MAX. */
static inline int64_t
lwq_jiffies2ns(unsigned long n)
{
	uint64_t n64 = n;		/* a long may have 32 bits */

	return n64 > INT64_MAX / LWQ_JIFFY_NS ? INT64_MAX :
	    (int64_t)n64 * LWQ_JIFFY_NS;
}

#define	__lwq_public	__kern_public

/*
 * linux_stable.c: objects in type-stable memory.  The memory is never freed,
 * but it may be reused for another object of the same kind.  Ended objects are
 * on a list, oldest first.  Fields: (c) constant, (s) lock of the list.
 */
struct lwq_stable {
	/*
	 * (c) Returns true if the object may be reused.  NULL: it always may.
	 */
	bool	(*ls_unused)(const struct __lwq_link *);
	struct __lwq_link *ls_first;	/* (s) */
	struct __lwq_link **ls_lastp;	/* (s) */
	int	 ls_n;			/* (s) */
};
#define	LWQ_STABLE_INITIALIZER(s, unused)				\
	{ .ls_unused = (unused), .ls_lastp = &(s).ls_first }

struct __lwq_link *lwq_stable_get(struct lwq_stable *);
void	lwq_stable_put(struct lwq_stable *, struct __lwq_link *);
void	lwq_stable_fork(struct lwq_stable *);

/* linux_time.c */
unsigned long lwq_timeout_end(long);
long	lwq_timedwait(kcondvar_t *, kmutex_t *, unsigned long);

/* linux_irqflags.c */
bool	lwq_may_sleep(void);
unsigned long lwq_irqs_flags(void);

/* linux_system.c */
void	lwq_events_prepare(bool);

/* linux_timer.c */
void	lwq_timer_prepare(void);

/* linux_tasklet.c */
bool	lwq_tasklet_start(void);

/* These run in a forked child, in its only thread: see linux_init.c. */
void	lwq_item_fork(void);
void	lwq_wq_fork(void);
void	lwq_system_fork(void);
void	lwq_work_fork(void);
void	lwq_task_fork(void);
void	lwq_worker_fork(void);
void	lwq_timer_fork(void);
void	lwq_tasklet_fork(void);

#endif	/* !_COMPAT_LINUX_VAR_H_ */
