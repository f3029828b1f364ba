/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The first header of nearly every kernel source: sizes, rounding, priorities,
 * and conversion of ticks.
 */

#ifndef _WQK_SYS_PARAM_H_
#define	_WQK_SYS_PARAM_H_

#ifdef __has_include_next
#if __has_include_next(<sys/param.h>)
#include_next <sys/param.h>
#endif
#endif

#include <sys/cdefs.h>
#include <sys/null.h>
#include <sys/types.h>
#include <sys/inttypes.h>
#include <sys/endian.h>
#include <sys/errno.h>
#include <sys/time.h>
#include <sys/signal.h>
#include <limits.h>
#include <stddef.h>

#include <sys/wq_types.h>

/* The release that these interfaces follow: 10.0. */
#ifndef __NetBSD_Version__
#define	__NetBSD_Version__	1000000000
#endif
#define	__NetBSD_Prereq__(major, minor, patch)				\
	((major) * 100000000 + (minor) * 1000000 + (patch) * 100 <=	\
	    __NetBSD_Version__)

/*
 * Lengths.
 */
#ifndef MAXCOMLEN
#define	MAXCOMLEN	16		/* a command name and its NUL */
#endif
#ifndef MAXPATHLEN
#define	MAXPATHLEN	4096
#endif
#ifndef MAXHOSTNAMELEN
#define	MAXHOSTNAMELEN	256
#endif
#ifndef MAXSYMLINKS
#define	MAXSYMLINKS	32
#endif
#define	MAXINTERP	MAXPATHLEN
#define	MAXLOGNAME	32
#define	MAXCPUS		1024		/* upper bound of ncpu */
#ifndef NBBY
#define	NBBY		8		/* bits in a byte */
#endif
#ifndef DEV_BSIZE
#define	DEV_BSIZE	512
#endif
#ifndef DEV_BSHIFT
#define	DEV_BSHIFT	9
#endif
#ifndef MAXPHYS
#define	MAXPHYS		(64 * 1024)
#endif
#ifndef MAXBSIZE
#define	MAXBSIZE	(64 * 1024)
#endif
#ifndef MCLBYTES
#define	MSIZE		512
#define	MCLSHIFT	11
#define	MCLBYTES	(1 << MCLSHIFT)
#endif
#ifndef NODEV
#define	NODEV		((dev_t)-1)
#endif

/*
 * Pages: of the smallest size; the real page size is a multiple of it.
 */
#ifndef PAGE_SHIFT
#define	PAGE_SHIFT	12
#endif
#ifndef PAGE_SIZE
#define	PAGE_SIZE	(1 << PAGE_SHIFT)
#endif
#ifndef PAGE_MASK
#define	PAGE_MASK	(PAGE_SIZE - 1)
#endif
#define	NBPG		PAGE_SIZE
#define	PGSHIFT		PAGE_SHIFT
#define	PGOFSET		PAGE_MASK
#define	trunc_page(x)	((vaddr_t)(x) & ~(vaddr_t)PAGE_MASK)
#define	round_page(x)							\
	(((vaddr_t)(x) + PAGE_MASK) & ~(vaddr_t)PAGE_MASK)
#define	ctob(x)		((vaddr_t)(x) << PAGE_SHIFT)
#define	btoc(x)		(((vaddr_t)(x) + PAGE_MASK) >> PAGE_SHIFT)
#define	ptoa(x)		((vaddr_t)(x) << PAGE_SHIFT)
#define	atop(x)		((vaddr_t)(x) >> PAGE_SHIFT)
#define	btodb(x)	((x) >> DEV_BSHIFT)
#define	dbtob(x)	((x) << DEV_BSHIFT)

/*
 * Cache lines.  NetBSD's variable coherency_unit is a constant here.
 */
#ifndef COHERENCY_UNIT
#define	COHERENCY_UNIT	64
#endif
#ifndef CACHE_LINE_SIZE
#define	CACHE_LINE_SIZE	64
#endif
#define	coherency_unit	COHERENCY_UNIT
#define	MAXCACHELINESIZE CACHE_LINE_SIZE

/*
 * Alignment.
 */
#ifndef ALIGNBYTES
#define	ALIGNBYTES	(_Alignof(max_align_t) - 1)
#endif
#ifndef ALIGN
#define	ALIGN(p)	(((uintptr_t)(p) + ALIGNBYTES) & ~ALIGNBYTES)
#endif
#ifndef ALIGNED_POINTER
#define	ALIGNED_POINTER(p, t)						\
	((((uintptr_t)(p)) & (__alignof__(t) - 1)) == 0)
#endif
#define	ALIGNED_POINTER_LOAD(q, p, t)					\
	memcpy((q), (p), sizeof(t))
#ifndef STACK_ALIGN
#define	STACK_ALIGN(sp, bytes)						\
	((void *)((uintptr_t)(sp) & ~(uintptr_t)(bytes)))
#endif

/*
 * Counting and rounding; a name that ends in 2 is for powers of two.
 */
#ifndef howmany
#define	howmany(x, y)	(((x) + ((y) - 1)) / (y))
#endif
#ifndef roundup
#define	roundup(x, y)	((((x) + ((y) - 1)) / (y)) * (y))
#endif
#ifndef rounddown
#define	rounddown(x, y)	(((x) / (y)) * (y))
#endif
#ifndef roundup2
#define	roundup2(x, m)	((((x) - 1) | ((__typeof__(x))(m) - 1)) + 1)
#endif
#ifndef rounddown2
#define	rounddown2(x, m) ((x) & ~((__typeof__(x))(m) - 1))
#endif
#ifndef powerof2
#define	powerof2(x)	((((x) - 1) & (x)) == 0)
#endif
#ifndef MIN
#define	MIN(a, b)	((a) < (b) ? (a) : (b))
#endif
#ifndef MAX
#define	MAX(a, b)	((a) > (b) ? (a) : (b))
#endif
#ifndef setbit
#define	setbit(a, i)	((a)[(i) / NBBY] |= 1 << ((i) % NBBY))
#define	clrbit(a, i)	((a)[(i) / NBBY] &= ~(1 << ((i) % NBBY)))
#define	isset(a, i)	((a)[(i) / NBBY] & (1 << ((i) % NBBY)))
#define	isclr(a, i)	(((a)[(i) / NBBY] & (1 << ((i) % NBBY))) == 0)
#endif

#ifdef _KERNEL

/*
 * Ticks: hz, and conversion to and from milliseconds.
 */
#include <sys/kernel.h>

/*
 * panic(), KASSERT() and printf() for sources that include this header only;
 * in NetBSD it includes them indirectly.
 */
#include <sys/systm.h>

#endif	/* _KERNEL */

#endif	/* !_WQK_SYS_PARAM_H_ */
