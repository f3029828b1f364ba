/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_MACHINE_INTR_H_
#define	_WQK_MACHINE_INTR_H_

#include <sys/intr.h>

#endif	/* !_WQK_MACHINE_INTR_H_ */
