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
 * An item.  Clients embed it in an object and need not initialise it.  It
 * belongs to the library from workqueue_enqueue() until the callback is called.
 * At other times clients may use its memory for other data.  The library
 * accesses no other byte of the client's object.
 */
struct work {
	void	*wk_dummy;
};

struct workqueue;

#define	WQ_MPSAFE	0x01	/* call without the kernel lock */
#define	WQ_PERCPU	0x02	/* one queue and one bound worker per CPU */
#define	WQ_FPU		0x04	/* callbacks may use the FPU, as always */
#define	WQ_DEDICATED	0x1000	/* extension: threads of its own */

/* Create a queue and its workers.  Return 0 or an errno value. */
int	workqueue_create(struct workqueue **, const char *,
	    void (*)(struct work *, void *), void *, pri_t, int, int);

/* Enqueue an item for a worker.  Any context, lock-free. */
void	workqueue_enqueue(struct workqueue *, struct work *,
	    struct cpu_info *);

/* Wait until the callback for the last enqueue of the item has returned. */
void	workqueue_wait(struct workqueue *, struct work *);

/* Run all pending items, stop the workers, and free the queue. */
void	workqueue_destroy(struct workqueue *);

/*
 * Extension, workqueue_ext(9).  Get the requested priority, and the priority
 * that the host has given to the first worker.
 */
void	workqueue_getpri(struct workqueue *, pri_t *, pri_t *);

__WQ_END_DECLS

#endif	/* !_SYS_WORKQUEUE_H_ */
