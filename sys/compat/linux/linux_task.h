/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Tasks: the threads of kthread_create(), and any other thread that sleeps as a
 * Linux thread does.
 */

#ifndef _COMPAT_LINUX_TASK_H_
#define	_COMPAT_LINUX_TASK_H_

#include "linux_var.h"

/*
 *	WAITS --> BEGUN --> EXITED	created, woken, returned
 *	WAITS --> EXITED		stopped before it was woken
 *	BEGUN				a thread not of kthread_create()
 *
 * A task stays EXITED until it is reused.
 */
enum task_life {
	TASK_FRESH,		/* never used */
	TASK_WAITS,
	TASK_BEGUN,
	TASK_EXITED
};

/*
 * A task.  Its memory is type-stable, so that kthread_stop() sees that a thread
 * has returned.  Fields: (t) t_lock, (s) t_slock, (c) set before the thread
 * starts, (a) atomic.
 */
struct task_struct {
	kmutex_t	 t_lock;
	kcondvar_t	 t_cv;
	kmutex_t	 t_slock;	/* spin, at IPL_HIGH; after t_lock */
	kcondvar_t	 t_scv;
	struct __lwq_link t_link;	/* of ended tasks */
	int		(*t_func)(void *);	/* NULL: not kthread_create() */
	void		*t_data;	/* (c) */
	char		 t_name[MAXCOMLEN];	/* (c) */
	struct lwp	*t_lwp;		/* (t) its thread */
	void		(*t_onstop)(void *);	/* (t) called once, before
						   t_stop is set; or NULL */
	void		*t_onstoparg;	/* (t) */
	enum task_life	 t_life;	/* (a, stored t) */
	bool		 t_stop;	/* (t) kthread_stop() was called */
	int		 t_result;	/* (t) of t_func */
	int		 t_state;	/* (s) TASK_* */
};

/* linux_task.c */
struct task_struct *lwq_task_get(void);
void	lwq_task_put(struct task_struct *);
void	lwq_task_own(struct task_struct *);
struct task_struct *lwq_task_self(const char *);
void	lwq_task_setstate(struct task_struct *, int);
bool	lwq_task_wake(struct task_struct *, int);

/* linux_kthread.c */
void	lwq_task_prepare(int (*)(void *), int (*)(void));
struct task_struct *lwq_task_create(int (*)(void *), void *, const char *,
	    va_list);

#endif	/* !_COMPAT_LINUX_TASK_H_ */
