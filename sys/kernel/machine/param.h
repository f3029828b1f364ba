/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_MACHINE_PARAM_H_
#define	_WQK_MACHINE_PARAM_H_

#include <sys/param.h>

#endif	/* !_WQK_MACHINE_PARAM_H_ */
