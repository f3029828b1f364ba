/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Checking mode of workqueue(9).
 */

#ifndef _KERN_SUBR_WQCHECK_H_
#define	_KERN_SUBR_WQCHECK_H_

#include "kern.h"

struct workqueue;

void	wqcheck_create(struct workqueue *);
bool	wqcheck_alive(struct workqueue *);
struct workqueue *wqcheck_destroy(struct workqueue *);
const void *wqcheck_enqueue(const void *, const void *, uintptr_t);
void	wqcheck_link(const void *, const void *);
bool	wqcheck_linked(const void *, const void *, uintptr_t *);
void	wqcheck_dequeue(const void *);

#endif	/* !_KERN_SUBR_WQCHECK_H_ */
