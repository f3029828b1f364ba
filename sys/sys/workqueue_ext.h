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

/*
 * How many microseconds, 0 to 1000, a worker of the queue that has nothing to
 * run may watch it before it sleeps; 0: it sleeps at once.  0 or EINVAL.
 */
int	workqueue_setspin(struct workqueue *, unsigned int);

/* The work that the caller is running, and its queue; or NULL. */
struct work *workqueue_current(struct workqueue **);

/*
 * Delayed enqueue: a timer of the client's, for one enqueue at a time.
 */
struct workqueue_delay {
	void	*wd_space[20];
};

void	workqueue_delay_init(struct workqueue_delay *);
void	workqueue_delay_destroy(struct workqueue_delay *);

/*
 * Enqueue when that time has passed, counted from now, even if it was to be
 * at another time.  True if it was.
 */
bool	workqueue_delay_enqueue(struct workqueue_delay *, struct workqueue *,
	    struct work *, struct cpu_info *, const struct timespec *);

/* Do not.  True if it had not been enqueued, and now is not. */
bool	workqueue_delay_cancel(struct workqueue_delay *);

/*
 * A queue without a worker, which the caller's own loop runs: the descriptor
 * is readable when there is something to run.  0 or an errno value.
 */
int	workqueue_create_polled(struct workqueue **, const char *,
	    void (*)(struct work *, void *), void *, int, int, int *);

/* Run what is there; how many works that was. */
unsigned long workqueue_run_polled(struct workqueue *);

__WQ_END_DECLS

#endif	/* !_SYS_WORKQUEUE_EXT_H_ */
