/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * bitops(3): find bits, round to powers of two.
 */

#ifndef _WQK_SYS_BITOPS_H_
#define	_WQK_SYS_BITOPS_H_

#include <sys/types.h>

/* Return the lowest or the highest bit that is set, counted from 1, or 0. */
static __inline __unused int
ffs32(uint32_t n)
{

	return __builtin_ffs((int)n);
}

static __inline __unused int
ffs64(uint64_t n)
{

	return __builtin_ffsll((long long)n);
}

static __inline __unused int
fls32(uint32_t n)
{

	return n == 0 ? 0 : 32 - __builtin_clz(n);
}

static __inline __unused int
fls64(uint64_t n)
{

	return n == 0 ? 0 : 64 - __builtin_clzll(n);
}

/* The base-2 logarithm, rounded down; constant for a constant. */
#define	ilog2(n)							\
	((sizeof(n) > 4 ? (int)(63 - __builtin_clzll((uint64_t)(n) | 1)) : \
	    (int)(31 - __builtin_clz((uint32_t)(n) | 1))) - ((n) == 0))

#define	popcount32(n)	__builtin_popcount(n)
#define	popcount64(n)	__builtin_popcountll(n)

/*
 * Divide by a value that seldom changes.  Current processors divide fast
 * enough, so nothing is precomputed.
 */
static __inline __unused void
fast_divide32_prepare(uint32_t div, uint32_t *m, uint8_t *s1, uint8_t *s2)
{

	*m = div;
	*s1 = *s2 = 0;
}

static __inline __unused uint32_t
fast_divide32(uint32_t v, uint32_t div, uint32_t m, uint8_t s1, uint8_t s2)
{

	(void)m;
	(void)s1;
	(void)s2;
	return v / div;
}

static __inline __unused uint32_t
fast_remainder32(uint32_t v, uint32_t div, uint32_t m, uint8_t s1, uint8_t s2)
{

	(void)m;
	(void)s1;
	(void)s2;
	return v % div;
}

/* Bitmaps in words: bitmap(3). */
#define	__BITMAP_TYPE(s, t, n)						\
struct s {								\
	t	_b[((n) + sizeof(t) * 8 - 1) / (sizeof(t) * 8)];	\
}
#define	__BITMAP_BITS(b)	(sizeof((b)->_b[0]) * 8)
#define	__BITMAP_ZERO(b)	__builtin_memset((b), 0, sizeof(*(b)))
#define	__BITMAP_SET(i, b)						\
	((b)->_b[(i) / __BITMAP_BITS(b)] |=				\
	    (__typeof__((b)->_b[0]))1 << ((i) % __BITMAP_BITS(b)))
#define	__BITMAP_CLR(i, b)						\
	((b)->_b[(i) / __BITMAP_BITS(b)] &=				\
	    ~((__typeof__((b)->_b[0]))1 << ((i) % __BITMAP_BITS(b))))
#define	__BITMAP_ISSET(i, b)						\
	(((b)->_b[(i) / __BITMAP_BITS(b)] >> ((i) % __BITMAP_BITS(b))) & 1)

#endif	/* !_WQK_SYS_BITOPS_H_ */
