/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/* The name before 2.6.26. */

#ifndef _LWQ_ASM_SEMAPHORE_H_
#define	_LWQ_ASM_SEMAPHORE_H_

#include <linux/semaphore.h>

#endif	/* !_LWQ_ASM_SEMAPHORE_H_ */
