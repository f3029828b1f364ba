/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Workqueues.
 */

#ifndef _COMPAT_LINUX_QUEUE_H_
#define	_COMPAT_LINUX_QUEUE_H_

#include "linux_item.h"

#define	LWQ_NAMELEN	32

/*
 *	FREE --> ALIVE --> FREE		made, destroyed
 *	         ALIVE --> PARENTS	a shared one of the parent, in a child
 */
enum lwq_life {
	LWQ_FREE,
	LWQ_ALIVE,
	LWQ_PARENTS
};

/*
 * A workqueue.  Its memory is type-stable, with room for ncpu queues, used or
 * not.  Fields: (a) atomic, (l) wq_lock of linux_queue.c, (c)
 * constant after creation.
 */
struct workqueue_struct {
	int		 wq_state;	/* 0 if any thread may enqueue */
	int		 wq_nqueues;	/* (c) */
	bool		 wq_ordered;	/* (c) max_active stays 1 */
	enum lwq_life	 wq_life;	/* (l) */
	int		 wq_nholds;	/* (l) */
	struct __lwq_link wq_link;	/* of destroyed workqueues */
	char		 wq_name[LWQ_NAMELEN];	/* (c) */
	struct lwq_queue wq_queues[];	/* (c) */
};

/* wq_state: a count of the calls that drain it, and a bit for "destroyed". */
#define	LWQ_DRAINING	0x01
#define	LWQ_DEAD	0x10000

/* linux_queue.c */
struct workqueue_struct *lwq_wq_get(void);
void	lwq_wq_put(struct workqueue_struct *);
void	lwq_wq_begin(struct workqueue_struct *);
void	lwq_wq_end(struct workqueue_struct *);
void	lwq_wq_disown(struct workqueue_struct *);
bool	lwq_wq_hold(struct lwq_queue *);
void	lwq_wq_unhold(struct lwq_queue *);

/* linux_work.c */
extern const struct lwq_queue_ops lwq_wq_ops;

void	lwq_run(struct work *, void *);
struct workqueue_struct *lwq_self(struct work **);

/* linux_workqueue.c */
struct workqueue_struct *lwq_alloc(const char *, unsigned int, int,
	    const char *, ...);
void	lwq_flush(struct workqueue_struct **, int);

#endif	/* !_COMPAT_LINUX_QUEUE_H_ */
