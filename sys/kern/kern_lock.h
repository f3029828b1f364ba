/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The kernel lock: functions for the other files of sys/kern.
 */

#ifndef _KERN_KERN_LOCK_H_
#define	_KERN_KERN_LOCK_H_

#include "kern.h"

struct lwp;

void	kernel_lock_yield(struct lwp *);
bool	kernel_lock_try(struct lwp *);
bool	kernel_lock_wanted(const struct lwp *);

#endif	/* !_KERN_KERN_LOCK_H_ */
