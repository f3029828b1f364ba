/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_SYS_NULL_H_
#define	_WQK_SYS_NULL_H_

#include <stddef.h>

#endif	/* !_WQK_SYS_NULL_H_ */
