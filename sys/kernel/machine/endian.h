/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_MACHINE_ENDIAN_H_
#define	_WQK_MACHINE_ENDIAN_H_

#include <sys/endian.h>

#endif	/* !_WQK_MACHINE_ENDIAN_H_ */
