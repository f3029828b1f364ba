/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's error numbers; those of NetBSD's that it lacks; and the ones
 * that mean something inside a kernel only.
 */

#ifndef _WQK_SYS_ERRNO_H_
#define	_WQK_SYS_ERRNO_H_

#ifdef __has_include_next
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
#define	EJUSTRETURN	(-2)		/* change nothing, return */
#define	ERESTART	(-3)		/* start the system call again */
#define	EPASSTHROUGH	(-4)		/* this layer does not know it */
#define	EDUPFD		(-5)
#define	EMOVEFD		(-6)
#endif

#endif	/* !_WQK_SYS_ERRNO_H_ */
