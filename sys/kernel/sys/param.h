/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What nearly every kernel source includes first: sizes, rounding, the
 * priorities, and arithmetic on ticks.
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

#include <sys/wq_types.h>

/* The release whose interfaces these are: 10.0 */
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
#define	MAXCOMLEN	16		/* a name, with its NUL */
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
#define	MAXCPUS		1024		/* no more are found */
#ifndef NBBY
#define	NBBY		8		/* bits of a byte */
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
 * Pages: of the least size that there is; a multiple where it is more.
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
 * Cache lines.  The variable that NetBSD calls coherency_unit is a constant.
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
#define	ALIGNBYTES	(sizeof(long double) - 1)
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
 * Counting and rounding; the ones that end in 2 are for powers of two.
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
 * Ticks: hz, and from and to milliseconds.
 */
#if __has_include(<sys/kernel.h>)
#include <sys/kernel.h>
#endif
#ifndef mstohz
#define	mstohz(ms)							\
	((ms) >= 0x20000u ? ((ms) + 0u) / 1000u * hz :			\
	    (((ms) + 0u) * hz) / 1000u)
#endif
#ifndef hztoms
#define	hztoms(t)							\
	((t) >= 0x20000u ? ((t) + 0u) / hz * 1000u :			\
	    (((t) + 0u) * 1000u) / hz)
#endif

/*
 * panic(), KASSERT() and printf() come to sources that name this header and
 * no other: in NetBSD by long ways.
 */
#include <sys/systm.h>

#endif	/* _KERNEL */

#endif	/* !_WQK_SYS_PARAM_H_ */
