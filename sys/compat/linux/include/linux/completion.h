/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Completions of Linux: see linux_wait(9).
 */

#ifndef _LWQ_LINUX_COMPLETION_H_
#define	_LWQ_LINUX_COMPLETION_H_

#ifdef __cplusplus
#error "<linux/completion.h> is for C11 only, not for C++"
#endif

#include <linux/lwq_lock.h>

struct completion {
	unsigned int	 done;		/* threads that may proceed */
	struct __lwq_mutex __co_lock;
	struct __lwq_cv	 __co_cv;
};

#define	COMPLETION_INITIALIZER(name)					\
	{ .done = 0, .__co_lock = _LWQ_SPIN, .__co_cv = _LWQ_CV }
#define	COMPLETION_INITIALIZER_ONSTACK(name)				\
	((struct completion)COMPLETION_INITIALIZER(name))
#define	DECLARE_COMPLETION(name)					\
	struct completion name = COMPLETION_INITIALIZER(name)
#define	DECLARE_COMPLETION_ONSTACK(name)	DECLARE_COMPLETION(name)

#define	init_completion		lwq_init_completion
#define	reinit_completion	lwq_reinit_completion
#define	INIT_COMPLETION(c)	lwq_reinit_completion(&(c))
void	init_completion(struct completion *);
void	reinit_completion(struct completion *);

/* Let one waiter proceed, or all waiters, including future ones. */
#define	complete		lwq_complete
#define	complete_all		lwq_complete_all
void	complete(struct completion *);
void	complete_all(struct completion *);

/* With a timeout, return the jiffies left, at least 1, or 0 if none is left. */
#define	wait_for_completion	lwq_wait_for_completion
#define	wait_for_completion_timeout lwq_wait_for_completion_timeout
void	wait_for_completion(struct completion *);
unsigned long wait_for_completion_timeout(struct completion *, unsigned long);

/* No signal ends a wait, so these do the same.  The first two return 0. */
#define	wait_for_completion_interruptible(c)	(wait_for_completion(c), 0)
#define	wait_for_completion_killable(c)		(wait_for_completion(c), 0)
#define	wait_for_completion_interruptible_timeout(c, t)			\
	((long)wait_for_completion_timeout(c, t))
#define	wait_for_completion_killable_timeout(c, t)			\
	((long)wait_for_completion_timeout(c, t))

/*
 * Do not wait.  try_wait_for_completion() proceeds if it can, and returns true
 * if it did.  completion_done() returns true if a waiter would proceed at once.
 */
#define	try_wait_for_completion	lwq_try_wait_for_completion
#define	completion_done		lwq_completion_done
bool	try_wait_for_completion(struct completion *);
bool	completion_done(struct completion *);

#endif	/* !_LWQ_LINUX_COMPLETION_H_ */
