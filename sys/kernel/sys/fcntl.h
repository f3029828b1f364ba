/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's header, and the flags with which a kernel opens a file.
 */

#ifndef _WQK_SYS_FCNTL_H_
#define	_WQK_SYS_FCNTL_H_

/* See <sys/errno.h>. */
#if defined(__has_include_next) && !defined(__linux__)
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
