/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's types, and the others that kernel sources use.
 */

#ifndef _WQK_SYS_TYPES_H_
#define	_WQK_SYS_TYPES_H_

#include_next <sys/types.h>

#include <sys/cdefs.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stdbool.h>

#include <sys/wq_types.h>

/* major(), minor(), makedev() */
#if __has_include(<sys/sysmacros.h>)
#include <sys/sysmacros.h>
#endif

#ifndef __defined_schar
#define	__defined_schar
typedef signed char		schar_t;
#endif
typedef unsigned char		uchar_t;
typedef unsigned short		ushort_t;
typedef unsigned int		uint_t;
typedef unsigned long		ulong_t;
typedef long long		longlong_t;
typedef unsigned long long	u_longlong_t;

typedef uint64_t	u_quad;
typedef uintptr_t	vaddr_t;	/* virtual address */
typedef uintptr_t	vsize_t;
typedef uintptr_t	paddr_t;	/* there are no physical ones */
typedef uintptr_t	psize_t;
typedef paddr_t		bus_addr_t;
typedef psize_t		bus_size_t;
typedef int		lwpid_t;
typedef unsigned long	cpuid_t;
typedef int32_t		devmajor_t;
typedef int32_t		devminor_t;
typedef int		boolean_t;
typedef uintptr_t	uregister_t;
typedef unsigned char	__cpu_simple_lock_nv_t;

#define	PRIxVADDR	PRIxPTR
#define	PRIuVADDR	PRIuPTR
#define	PRIxPADDR	PRIxPTR
#define	PRIuPADDR	PRIuPTR
#define	PRIxVSIZE	PRIxPTR
#define	PRIuVSIZE	PRIuPTR
#define	PRIxPSIZE	PRIxPTR
#define	PRIuPSIZE	PRIuPTR

#ifndef TRUE
#define	TRUE		1
#define	FALSE		0
#endif

typedef struct lwp	lwp_t;
typedef struct proc	proc_t;

#define	NODEVMAJOR	(-1)

#ifdef _KERNEL
/*
 * Flags in a word.
 */
#ifndef SET
#define	SET(t, f)	((t) |= (f))
#endif
#ifndef CLR
#define	CLR(t, f)	((t) &= ~(f))
#endif
#ifndef ISSET
#define	ISSET(t, f)	((t) & (f))
#endif
#endif	/* _KERNEL */

#endif	/* !_WQK_SYS_TYPES_H_ */
