/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_SYS_SPECIFICDATA_H_
#define	_WQK_SYS_SPECIFICDATA_H_

#include <sys/lwp.h>

#endif	/* !_WQK_SYS_SPECIFICDATA_H_ */
