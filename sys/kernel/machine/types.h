/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_MACHINE_TYPES_H_
#define	_WQK_MACHINE_TYPES_H_

#include <sys/types.h>

#endif	/* !_WQK_MACHINE_TYPES_H_ */
