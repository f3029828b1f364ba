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

/* Remove a pending item.  Return true if it was pending; it will not run. */
bool	workqueue_cancel(struct workqueue *, struct work *);

/*
 * Wait like workqueue_wait(), for at most the given time.  NULL means no limit.
 * Return 0, ETIMEDOUT or EINVAL.  Return EDEADLK if only the calling worker
 * could run the item.
 */
int	workqueue_timedwait(struct workqueue *, struct work *,
	    const struct timespec *);

/*
 * Wait for a moment at which no item is pending or running.  Return 0, or
 * EDEADLK in a callback of the same queue.
 */
int	workqueue_drain(struct workqueue *);

/*
 * Set how long an idle worker spins before it sleeps: from 0 to 1000
 * microseconds.  0 means that it does not spin.  Return 0 or EINVAL.
 */
int	workqueue_setspin(struct workqueue *, unsigned int);

/*
 * Return the item that the caller is running and store its queue, or return
 * NULL.
 */
struct work *workqueue_current(struct workqueue **);

/*
 * Delayed enqueue.  A timer belongs to the client, and serves one enqueue at a
 * time.
 */
struct workqueue_delay {
	void	*wd_space[20];
};

/* Initialise or destroy a timer.  Return 0, or the host's errno value. */
int	workqueue_delay_init(struct workqueue_delay *);
void	workqueue_delay_destroy(struct workqueue_delay *);

/*
 * Enqueue an item after the given time.  If the timer has a pending request,
 * replace that request and return true.
 */
bool	workqueue_delay_enqueue(struct workqueue_delay *, struct workqueue *,
	    struct work *, struct cpu_info *, const struct timespec *);

/* Cancel the timer's request.  Return true if one was pending. */
bool	workqueue_delay_cancel(struct workqueue_delay *);

/*
 * Create a queue without a worker, for the caller's own loop.  The descriptor
 * is readable while an item is pending.  Return 0 or an errno value.
 */
int	workqueue_create_polled(struct workqueue **, const char *,
	    void (*)(struct work *, void *), void *, int, int, int *);

/* Run the pending items, and return their number. */
unsigned long workqueue_run_polled(struct workqueue *);

__WQ_END_DECLS

#endif	/* !_SYS_WORKQUEUE_EXT_H_ */
