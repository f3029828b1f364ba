/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's error numbers, and those that are used only inside the Linux
 * kernel.
 */

#ifndef _LWQ_LINUX_ERRNO_H_
#define	_LWQ_LINUX_ERRNO_H_

#include <linux/lwq_host_errno.h>

#include <errno.h>

#define	ERESTARTSYS	512
#define	ERESTARTNOINTR	513
#define	ERESTARTNOHAND	514
#define	ENOIOCTLCMD	515
#define	EPROBE_DEFER	517
#define	ENOTSUPP	524

#endif	/* !_LWQ_LINUX_ERRNO_H_ */
