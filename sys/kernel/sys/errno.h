/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's error numbers, the ones of NetBSD that it lacks, and those that
 * have a meaning only inside a kernel.
 */

#ifndef _WQK_SYS_ERRNO_H_
#define	_WQK_SYS_ERRNO_H_

/*
 * On BSD, <errno.h> includes <sys/errno.h>, which is this file.  On Linux it
 * does not, and musl warns of its own <sys/errno.h>.
 */
#if defined(__has_include_next) && !defined(__linux__)
#if __has_include_next(<sys/errno.h>)
#include_next <sys/errno.h>
#endif
#endif
#include <errno.h>

#ifndef EDOOFUS
#define	EDOOFUS		EINVAL
#endif
#ifndef EFTYPE
#define	EFTYPE		EINVAL		/* wrong type of file */
#endif
#ifndef EAUTH
#define	EAUTH		EACCES
#endif
#ifndef ENEEDAUTH
#define	ENEEDAUTH	EACCES
#endif
#ifndef ENOATTR
#ifdef ENODATA
#define	ENOATTR		ENODATA
#else
#define	ENOATTR		ENOENT
#endif
#endif
#ifndef EPROCLIM
#define	EPROCLIM	EAGAIN
#endif
#ifndef EBADRPC
#define	EBADRPC		EPROTO
#endif

#ifdef _KERNEL
#undef	ERESTART
#undef	EJUSTRETURN
#define	EJUSTRETURN	(-2)		/* return, do not modify registers */
#define	ERESTART	(-3)		/* restart the system call */
#define	EPASSTHROUGH	(-4)		/* not handled by this layer */
#define	EDUPFD		(-5)
#define	EMOVEFD		(-6)
#endif

#endif	/* !_WQK_SYS_ERRNO_H_ */
