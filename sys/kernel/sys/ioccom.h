/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * ioctl commands: the host's encoding where it has one, else a plain one.
 */

#ifndef _WQK_SYS_IOCCOM_H_
#define	_WQK_SYS_IOCCOM_H_

#if __has_include_next(<sys/ioccom.h>)
#include_next <sys/ioccom.h>
#else
#include <sys/ioctl.h>
#endif

#ifndef _IO
#define	_IOC(dir, g, n, len)						\
	((unsigned long)(dir) << 30 | (unsigned long)(len) << 16 |	\
	    (unsigned long)(g) << 8 | (unsigned long)(n))
#define	_IO(g, n)	_IOC(0U, (g), (n), 0)
#define	_IOW(g, n, t)	_IOC(1U, (g), (n), sizeof(t))
#define	_IOR(g, n, t)	_IOC(2U, (g), (n), sizeof(t))
#define	_IOWR(g, n, t)	_IOC(3U, (g), (n), sizeof(t))
#endif

#endif	/* !_WQK_SYS_IOCCOM_H_ */
