/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_SYS_STDBOOL_H_
#define	_WQK_SYS_STDBOOL_H_

#include <stdbool.h>

#endif	/* !_WQK_SYS_STDBOOL_H_ */
