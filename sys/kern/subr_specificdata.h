/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * lwp_specific(9), inside the library.
 */

#ifndef _KERN_SUBR_SPECIFICDATA_H_
#define	_KERN_SUBR_SPECIFICDATA_H_

#include "kern.h"

struct lwp;

void	specific_exit(struct lwp *);

#endif	/* !_KERN_SUBR_SPECIFICDATA_H_ */
