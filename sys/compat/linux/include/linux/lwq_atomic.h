/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Functions for <linux/atomic.h>.  Clients do not include this header.
 */

#ifndef _LWQ_LINUX_LWQ_ATOMIC_H_
#define	_LWQ_LINUX_LWQ_ATOMIC_H_

#include <stdbool.h>
#include <stdint.h>

#include <linux/types.h>

typedef struct {
	int	counter;
} atomic_t;

typedef struct {
	__lwq_s64 counter;
} atomic64_t;

/*
 * Functions that return the old value.  Those with "relaxed" in their name
 * order nothing.  Those with "acquire" or "release" have that order.  All
 * others are full barriers.
 */
#define	_LWQ_ATOMIC_DECLARE(p, t, v)					\
v	p##_load(const t *);						\
v	p##_load_acquire(const t *);					\
void	p##_store(t *, v);						\
void	p##_store_release(t *, v);					\
v	p##_fetch_add(t *, v);						\
v	p##_fetch_add_relaxed(t *, v);					\
v	p##_fetch_and(t *, v);						\
v	p##_fetch_and_relaxed(t *, v);					\
v	p##_fetch_or(t *, v);						\
v	p##_fetch_or_relaxed(t *, v);					\
v	p##_fetch_xor(t *, v);						\
v	p##_fetch_xor_relaxed(t *, v);					\
v	p##_swap(t *, v);						\
v	p##_swap_relaxed(t *, v);					\
v	p##_cas(t *, v, v);						\
v	p##_cas_relaxed(t *, v, v);					\
v	p##_fetch_add_unless(t *, v, v);				\
v	p##_dec_if_positive(t *);

_LWQ_ATOMIC_DECLARE(lwq_atomic32, atomic_t, int)
_LWQ_ATOMIC_DECLARE(lwq_atomic64, atomic64_t, int64_t)

#undef _LWQ_ATOMIC_DECLARE

/*
 * Full barriers.  The last argument is the size of the word in bytes, 4 or 8.
 */
unsigned long lwq_xchg(volatile void *, unsigned long, unsigned long);
unsigned long lwq_cmpxchg(volatile void *, unsigned long, unsigned long,
	    unsigned long);

/* Barriers. */
void	lwq_mb(void);
void	lwq_rmb(void);
void	lwq_wmb(void);
/* Call the first after a load of a word, the second before a store to it. */
void	lwq_acquire(const volatile void *);
void	lwq_release(const volatile void *);

/*
 * Operations on a bit of an array of words.  lwq_test_and_*() are full
 * barriers.  lwq_clear_bit_unlock() is a release.  The others order nothing.
 */
bool	lwq_test_bit(long, const volatile unsigned long *);
void	lwq_set_bit(long, volatile unsigned long *);
void	lwq_clear_bit(long, volatile unsigned long *);
void	lwq_change_bit(long, volatile unsigned long *);
bool	lwq_test_and_set_bit(long, volatile unsigned long *);
bool	lwq_test_and_clear_bit(long, volatile unsigned long *);
bool	lwq_test_and_change_bit(long, volatile unsigned long *);
void	lwq_clear_bit_unlock(long, volatile unsigned long *);

#endif	/* !_LWQ_LINUX_LWQ_ATOMIC_H_ */
