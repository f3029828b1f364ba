/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_MACHINE_LIMITS_H_
#define	_WQK_MACHINE_LIMITS_H_

#include <limits.h>

#endif	/* !_WQK_MACHINE_LIMITS_H_ */
