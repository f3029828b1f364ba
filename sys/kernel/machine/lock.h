/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_MACHINE_LOCK_H_
#define	_WQK_MACHINE_LOCK_H_

#include <sys/lock.h>

#endif	/* !_WQK_MACHINE_LOCK_H_ */
