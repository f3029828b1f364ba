/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's, and the flags by which a kernel knows how a file is open.
 */

#ifndef _WQK_SYS_FCNTL_H_
#define	_WQK_SYS_FCNTL_H_

#ifdef __has_include_next
#if __has_include_next(<sys/fcntl.h>)
#include_next <sys/fcntl.h>
#endif
#endif
#include <fcntl.h>

#ifdef _KERNEL
#ifndef FREAD
#define	FREAD		0x00000001
#define	FWRITE		0x00000002
#endif
#ifndef FNONBLOCK
#define	FNONBLOCK	O_NONBLOCK
#endif
#endif

#endif	/* !_WQK_SYS_FCNTL_H_ */
