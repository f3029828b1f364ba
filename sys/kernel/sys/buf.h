/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Named by many sources, of which few use more than the type.
 */

#ifndef _WQK_SYS_BUF_H_
#define	_WQK_SYS_BUF_H_

#include <sys/types.h>

/* There are no buffers; sources that hand one through compile. */
struct buf;

#endif	/* !_WQK_SYS_BUF_H_ */
