/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's header, and the macros that define commands.
 */

#ifndef _WQK_SYS_IOCTL_H_
#define	_WQK_SYS_IOCTL_H_

#include_next <sys/ioctl.h>

#include <sys/types.h>
#include <sys/ioccom.h>

#endif	/* !_WQK_SYS_IOCTL_H_ */
