/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * xcall(9), for the library's own use.
 */

#ifndef _KERN_SUBR_XCALL_H_
#define	_KERN_SUBR_XCALL_H_

#include "kern.h"

struct lwp;

void	xc_barrier_answer(struct lwp *);
void	xc_quiesce(void);

#endif	/* !_KERN_SUBR_XCALL_H_ */
