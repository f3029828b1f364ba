/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Memory for workqueues.  Thread context only.
 */

#ifndef _KERN_SUBR_WQSLAB_H_
#define	_KERN_SUBR_WQSLAB_H_

#include "kern.h"

struct workqueue;

/*
 * Return zeroed memory for a workqueue with n queues, or NULL.  wq_slab is set.
 */
struct workqueue *wqslab_alloc(int);
void	wqslab_free(struct workqueue *);

#endif	/* !_KERN_SUBR_WQSLAB_H_ */
