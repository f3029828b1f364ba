/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Many sources include this header, and few use more than the type.
 */

#ifndef _WQK_SYS_BUF_H_
#define	_WQK_SYS_BUF_H_

#include <sys/types.h>

/* There are no buffers; sources that pass one around compile. */
struct buf;

#endif	/* !_WQK_SYS_BUF_H_ */
