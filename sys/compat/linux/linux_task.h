/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A thread of kthread_create().
 */

#ifndef _COMPAT_LINUX_TASK_H_
#define	_COMPAT_LINUX_TASK_H_

#include "linux_var.h"

/*
 * Type-stable, so that kthread_stop() of one that has returned by itself
 * finds it so.  Fields: (t) t_lock, (c) set before it starts, (l) the lock of
 * the list of those that have ended.
 */
struct task_struct {
	kmutex_t	 t_lock;
	kcondvar_t	 t_cv;
	struct task_struct *t_next;	/* (l) */
	int		(*t_func)(void *);	/* (c) */
	void		*t_data;	/* (c) */
	char		 t_name[MAXCOMLEN];	/* (c) */
	struct lwp	*t_lwp;		/* (t) its thread */
	struct kthread_worker *t_worker; /* (t) whose thread it is, or NULL */
	int		 t_rounds;	/* its own: see kw_mark() */
	bool		 t_marked;	/* its own: the mark is queued */
	uint64_t	 t_ndone;	/* its own: the same */
	int		 t_state;	/* (t) TASK_* */
	bool		 t_woken;	/* (t) may begin */
	bool		 t_stop;	/* (t) shall end */
	bool		 t_exited;	/* (t) the function has returned */
	bool		 t_stopper;	/* (t) somebody waits for that */
	int		 t_result;	/* (t) what it returned */
};

/* linux_kthread.c */
struct task_struct *lwq_task_create(int (*)(void *), void *, const char *,
	    va_list);

/* linux_kthread_worker.c: it shall end when it has run what is queued. */
void	lwq_worker_finish(struct kthread_worker *);

#endif	/* !_COMPAT_LINUX_TASK_H_ */
