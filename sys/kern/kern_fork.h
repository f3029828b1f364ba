/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * init_main.c calls each X_init() when the library starts.  kern_fork.c calls
 * each X_fork() in a forked child.
 *
 * The argument of X_fork() is the only thread of the child, or NULL if the
 * library does not know that thread.  Each lock that is declared here guards
 * data that another thread of the parent may have been changing, so that the
 * child's copy is inconsistent: see kern_kspin.c.
 */

#ifndef _KERN_KERN_FORK_H_
#define	_KERN_KERN_FORK_H_

#include "kern.h"
#include "kern_kspin.h"

struct lwp;

void	kern_fork_init(void);

/* The machine. */
void	clock_init(void);
void	cpu_init(void);
void	kernel_lock_init(void);
void	lwp_init(void);
void	oncpu_init(void);
void	proc_init(void);
void	kernel_lock_fork(struct lwp *);
extern struct kspin lwp_poollock;
void	lwp_fork(struct lwp *);
void	lwp_fork_self(struct lwp *);
extern struct kspin oncpu_lock;
void	oncpu_fork(struct lwp *);
void	proc_fork(struct lwp *);
void	sleepq_fork(struct lwp *);

/* Checks. */
void	lockdebug_init(void);
void	wqcheck_init(void);
extern struct kspin ld_lock;
void	lockdebug_fork(struct lwp *);
void	wqcheck_fork(struct lwp *);
void	wqtrace_fork(struct lwp *);

/* Locks. */
void	mutex_fork(struct lwp *);
void	specific_fork(struct lwp *);

/* Interrupts and time. */
void	callout_fork(struct lwp *);
void	intr_fork(struct lwp *);
void	softint_fork(struct lwp *);

/* Memory. */
extern struct kspin kmem_lock;
void	kmem_fork(struct lwp *);
void	pool_subsystem_init(void);
void	pool_fork_pass(void);
void	pool_fork(struct lwp *);

/* The engine. */
extern struct kspin fdrunner_lock;
void	workqueue_polled_fork(struct lwp *);
extern struct kspin wqslab_lock;
void	wqslab_fork(struct lwp *);
extern struct kspin wqstat_lock;
void	wqstat_fork(struct lwp *);
void	wqstat_report_fork(struct lwp *);
void	wqstat_watch_fork(struct lwp *);
void	workqueue_fork(struct lwp *);
void	wqlend_fork(struct lwp *);
void	wqpool_fork(struct lwp *);

/* Services. */
extern struct kspin device_lock;
void	device_fork(struct lwp *);
extern struct kspin evcnt_lock;
void	evcnt_fork(struct lwp *);
extern struct kspin shutdown_lock;
void	hook_fork(struct lwp *);
void	kmem_helper_fork(struct lwp *);
void	threadpool_fork(struct lwp *);
void	xcall_fork(struct lwp *);

#endif	/* !_KERN_KERN_FORK_H_ */
