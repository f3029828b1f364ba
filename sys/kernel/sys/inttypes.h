/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_SYS_INTTYPES_H_
#define	_WQK_SYS_INTTYPES_H_

#include <inttypes.h>

#endif	/* !_WQK_SYS_INTTYPES_H_ */
