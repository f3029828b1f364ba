/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_ext(9): extensions of workqueue(9).
 */

#ifndef _SYS_WORKQUEUE_EXT_H_
#define	_SYS_WORKQUEUE_EXT_H_

#include <sys/workqueue.h>
#include <stdbool.h>
#include <time.h>

__WQ_BEGIN_DECLS

/* True if it was pending and now will not run. */
bool	workqueue_cancel(struct workqueue *, struct work *);

/*
 * workqueue_wait() for a bounded time, or without end if NULL.  0; ETIMEDOUT;
 * EDEADLK for what only the calling worker could run; EINVAL.
 */
int	workqueue_timedwait(struct workqueue *, struct work *,
	    const struct timespec *);

/*
 * Wait until nothing is pending or running, at one moment.  0, or EDEADLK
 * from a callback of the same queue.
 */
int	workqueue_drain(struct workqueue *);

/* The work that the caller is running, and its queue; or NULL. */
struct work *workqueue_current(struct workqueue **);

__WQ_END_DECLS

#endif	/* !_SYS_WORKQUEUE_EXT_H_ */
