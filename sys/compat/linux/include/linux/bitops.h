/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Bits of words, and of arrays of words: see linux_atomic(9).
 */

#ifndef _LWQ_LINUX_BITOPS_H_
#define	_LWQ_LINUX_BITOPS_H_

#ifdef __cplusplus
#error "<linux/bitops.h> is for C11 only, not for C++"
#endif

#include <linux/lwq_atomic.h>
#include <linux/types.h>

#include <limits.h>
#include <strings.h>

#define	BITS_PER_BYTE	CHAR_BIT
#define	BITS_PER_LONG	((int)(sizeof(long) * CHAR_BIT))
#define	BITS_TO_LONGS(n) (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define	BIT(n)		(1UL << (n))
#define	BIT_ULL(n)	(1ULL << (n))
#define	BIT_MASK(n)	(1UL << ((n) % BITS_PER_LONG))
#define	BIT_WORD(n)	((n) / BITS_PER_LONG)
#define	GENMASK(h, l)	(~0UL << (l) & ~0UL >> (BITS_PER_LONG - 1 - (h)))
#ifndef DECLARE_BITMAP
#define	DECLARE_BITMAP(name, n)	unsigned long name[BITS_TO_LONGS(n)]
#endif

/*
 * Atomic operations.  Those that return something are full barriers, and the
 * others order nothing.  test_and_set_bit_lock() and clear_bit_unlock() use a
 * bit as a lock.
 */
#define	test_bit		lwq_test_bit
#define	set_bit			lwq_set_bit
#define	clear_bit		lwq_clear_bit
#define	change_bit		lwq_change_bit
#define	test_and_set_bit	lwq_test_and_set_bit
#define	test_and_clear_bit	lwq_test_and_clear_bit
#define	test_and_change_bit	lwq_test_and_change_bit
#define	test_and_set_bit_lock	lwq_test_and_set_bit
#define	clear_bit_unlock	lwq_clear_bit_unlock
#define	smp_mb__before_clear_bit()	lwq_mb()
#define	smp_mb__after_clear_bit()	lwq_mb()

/*
 * Operations that are not atomic.
 */
static inline void
__set_bit(long n, volatile unsigned long *a)
{

	a[BIT_WORD(n)] |= BIT_MASK(n);
}

static inline void
__clear_bit(long n, volatile unsigned long *a)
{

	a[BIT_WORD(n)] &= ~BIT_MASK(n);
}

static inline void
__change_bit(long n, volatile unsigned long *a)
{

	a[BIT_WORD(n)] ^= BIT_MASK(n);
}

static inline bool
__test_and_set_bit(long n, volatile unsigned long *a)
{
	bool was = (a[BIT_WORD(n)] & BIT_MASK(n)) != 0;

	__set_bit(n, a);
	return was;
}

static inline bool
__test_and_clear_bit(long n, volatile unsigned long *a)
{
	bool was = (a[BIT_WORD(n)] & BIT_MASK(n)) != 0;

	__clear_bit(n, a);
	return was;
}

static inline bool
__test_and_change_bit(long n, volatile unsigned long *a)
{
	bool was = (a[BIT_WORD(n)] & BIT_MASK(n)) != 0;

	__change_bit(n, a);
	return was;
}

/*
 * Find bits in a word.  __ffs(), __fls() and ffz() count from 0.  __ffs() and
 * __fls() are undefined for 0, and ffz() is undefined for ~0.  ffs(), fls() and
 * fls64() count from 1, and return 0 for 0.
 */
static inline unsigned long
__ffs(unsigned long w)
{

	return (unsigned long)__builtin_ctzl(w);
}

static inline unsigned long
__fls(unsigned long w)
{

	return (unsigned long)(BITS_PER_LONG - 1 - __builtin_clzl(w));
}

#define	ffz(w)		__ffs(~(unsigned long)(w))

#undef fls
#define	fls(w)		__lwq_fls(w)
static inline int
__lwq_fls(unsigned int w)
{

	return w == 0 ? 0 : 32 - __builtin_clz(w);
}

#undef fls64
#define	fls64(w)	__lwq_fls64(w)
static inline int
__lwq_fls64(uint64_t w)
{

	return w == 0 ? 0 : 64 - __builtin_clzll(w);
}

#define	hweight8(w)	((unsigned int)__builtin_popcount((w) & 0xffu))
#define	hweight16(w)	((unsigned int)__builtin_popcount((w) & 0xffffu))
#define	hweight32(w)	((unsigned int)__builtin_popcount(w))
#define	hweight64(w)	((unsigned long)__builtin_popcountll(w))
#define	hweight_long(w)	((unsigned long)__builtin_popcountl(w))

static inline uint32_t
rol32(uint32_t w, unsigned int n)
{

	return w << (n & 31) | w >> (-n & 31);
}

static inline uint32_t
ror32(uint32_t w, unsigned int n)
{

	return w >> (n & 31) | w << (-n & 31);
}

/*
 * Find the first set bit, or the first clear one, in an array of n bits, from a
 * position on.  Return n if there is none.
 */
static inline unsigned long
__lwq_find_bit(const unsigned long *a, unsigned long n, unsigned long from,
    unsigned long flip)
{
	unsigned long w;

	while (from < n) {
		w = (a[from / sizeof(w) / CHAR_BIT] ^ flip) &
		    ~0UL << from % (sizeof(w) * CHAR_BIT);
		from -= from % (sizeof(w) * CHAR_BIT);
		if (w != 0) {
			from += __ffs(w);
			return from < n ? from : n;
		}
		from += sizeof(w) * CHAR_BIT;
	}
	return n;
}

#define	find_next_bit(a, n, from)	__lwq_find_bit((a), (n), (from), 0)
#define	find_next_zero_bit(a, n, from)	__lwq_find_bit((a), (n), (from), ~0UL)
#define	find_first_bit(a, n)		find_next_bit(a, n, 0)
#define	find_first_zero_bit(a, n)	find_next_zero_bit(a, n, 0)

#define	for_each_set_bit(bit, a, n)					\
	for ((bit) = find_first_bit(a, n); (bit) < (n);			\
	    (bit) = find_next_bit(a, n, (bit) + 1))
#define	for_each_clear_bit(bit, a, n)					\
	for ((bit) = find_first_zero_bit(a, n); (bit) < (n);		\
	    (bit) = find_next_zero_bit(a, n, (bit) + 1))

#endif	/* !_LWQ_LINUX_BITOPS_H_ */
