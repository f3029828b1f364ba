/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/* The name before 2.6.26. */

#ifndef _LWQ_ASM_ATOMIC_H_
#define	_LWQ_ASM_ATOMIC_H_

#include <linux/atomic.h>

#endif	/* !_LWQ_ASM_ATOMIC_H_ */
