/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue(9): deferred work in the context of a thread.
 */

#ifndef _SYS_WORKQUEUE_H_
#define	_SYS_WORKQUEUE_H_

#ifdef _LWQ_LINUX_WORKQUEUE_H_
#error "<linux/workqueue.h> and <sys/workqueue.h> cannot be used in one file: \
WQ_PERCPU means two things"
#endif

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

/*
 * A piece of work.  Clients embed it, may overlay it, and need not
 * initialise it.  Between workqueue_enqueue() and the call of the queue's
 * function the word belongs to the library; no other byte of the client's
 * object ever does.
 */
struct work {
	void	*wk_dummy;
};

struct workqueue;

#define	WQ_MPSAFE	0x01	/* call without the kernel lock */
#define	WQ_PERCPU	0x02	/* one queue and one bound worker per CPU */
#define	WQ_FPU		0x04	/* the function may use the FPU: always true */

/* Create a queue, and its worker or workers.  0, or an errno value. */
int	workqueue_create(struct workqueue **, const char *,
	    void (*)(struct work *, void *), void *, pri_t, int, int);

/* Hand a piece of work to a worker.  From any context, lock-free. */
void	workqueue_enqueue(struct workqueue *, struct work *,
	    struct cpu_info *);

/* Wait until the last enqueued run of a piece of work has returned. */
void	workqueue_wait(struct workqueue *, struct work *);

/* Run all that is pending, end the workers, and free the queue. */
void	workqueue_destroy(struct workqueue *);

/*
 * Extension, workqueue_ext(9): the priority that was asked for, and the one
 * that the host has put in force for the first worker.
 */
void	workqueue_getpri(struct workqueue *, pri_t *, pri_t *);

__WQ_END_DECLS

#endif	/* !_SYS_WORKQUEUE_H_ */
