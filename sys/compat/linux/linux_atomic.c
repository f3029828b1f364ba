/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Atomic integers and bits of Linux, on <sys/atomic.h>.
 *
 * Linux guarantees more than C11 does for a sequentially consistent operation.
 * If an operation changes a value and returns something, no access before it is
 * reordered with any access after it.  On x86 every locked instruction is such
 * a barrier.  Elsewhere there is a fence before and after the operation.
 * ThreadSanitizer does not understand fences, so for it there is only the
 * operation.
 */

#include <sys/atomic.h>

#include <limits.h>

#include <linux/compiler.h>
#include <linux/lwq_atomic.h>

#include "../../kern/subr_wqpool.h"

#if defined(__ATOMIC_OPS_TSAN) || defined(__x86_64__) || defined(__i386__)
#define	LWQ_FENCE()	atomic_signal_barrier()
#else
#define	LWQ_FENCE()	membar_sync()
#endif

/*
 * The code before and after an operation that is a full barrier.  A tool that
 * watches the client cannot see this order, so describe the order to the tool.
 */
#define	LWQ_BEFORE(p)	do {						\
	wqpool_before((const void *)(uintptr_t)(p));			\
	LWQ_FENCE();							\
} while (0)
#define	LWQ_AFTER(p)	do {						\
	LWQ_FENCE();							\
	wqpool_after((const void *)(uintptr_t)(p));			\
} while (0)

/*
 * The functions for both sizes.  Sums wrap, because the unsigned type uv is
 * used.
 */
#define	LWQ_ATOMIC(p, t, v, uv)						\
__kern_public v								\
p##_load(const t *a)							\
{									\
									\
	return atomic_load_relaxed(&a->counter);			\
}									\
__kern_public v								\
p##_load_acquire(const t *a)						\
{									\
	v old;								\
									\
	old = atomic_load_acquire(&a->counter);				\
	wqpool_after(&a->counter);					\
	return old;							\
}									\
__kern_public void							\
p##_store(t *a, v i)							\
{									\
									\
	atomic_store_relaxed(&a->counter, i);				\
}									\
__kern_public void							\
p##_store_release(t *a, v i)						\
{									\
									\
	wqpool_before(&a->counter);					\
	atomic_store_release(&a->counter, i);				\
}									\
__kern_public v								\
p##_fetch_add(t *a, v i)						\
{									\
	uv old;								\
									\
	LWQ_BEFORE(&a->counter);					\
	old = atomic_fetch_add_seq_cst((uv *)&a->counter, (uv)i);	\
	LWQ_AFTER(&a->counter);						\
	return (v)old;							\
}									\
__kern_public v								\
p##_fetch_add_relaxed(t *a, v i)					\
{									\
									\
	return (v)atomic_fetch_add_relaxed((uv *)&a->counter, (uv)i);	\
}									\
__kern_public v								\
p##_fetch_and(t *a, v i)						\
{									\
	v old;								\
									\
	LWQ_BEFORE(&a->counter);					\
	old = atomic_fetch_and_seq_cst(&a->counter, i);			\
	LWQ_AFTER(&a->counter);						\
	return old;							\
}									\
__kern_public v								\
p##_fetch_and_relaxed(t *a, v i)					\
{									\
									\
	return atomic_fetch_and_relaxed(&a->counter, i);		\
}									\
__kern_public v								\
p##_fetch_or(t *a, v i)							\
{									\
	v old;								\
									\
	LWQ_BEFORE(&a->counter);					\
	old = atomic_fetch_or_seq_cst(&a->counter, i);			\
	LWQ_AFTER(&a->counter);						\
	return old;							\
}									\
__kern_public v								\
p##_fetch_or_relaxed(t *a, v i)						\
{									\
									\
	return atomic_fetch_or_relaxed(&a->counter, i);			\
}									\
__kern_public v								\
p##_fetch_xor(t *a, v i)						\
{									\
	v old;								\
									\
	LWQ_BEFORE(&a->counter);					\
	old = atomic_load_relaxed(&a->counter);				\
	do {								\
		continue;						\
	} while (!atomic_cas_seq_cst(&a->counter, &old, old ^ i));	\
	LWQ_AFTER(&a->counter);						\
	return old;							\
}									\
__kern_public v								\
p##_fetch_xor_relaxed(t *a, v i)					\
{									\
	v old;								\
									\
	old = atomic_load_relaxed(&a->counter);				\
	do {								\
		continue;						\
	} while (!atomic_cas_relaxed(&a->counter, &old, old ^ i));	\
	return old;							\
}									\
__kern_public v								\
p##_swap(t *a, v n)							\
{									\
	v old;								\
									\
	LWQ_BEFORE(&a->counter);					\
	old = atomic_swap_seq_cst(&a->counter, n);			\
	LWQ_AFTER(&a->counter);						\
	return old;							\
}									\
__kern_public v								\
p##_swap_relaxed(t *a, v n)						\
{									\
									\
	return atomic_swap_relaxed(&a->counter, n);			\
}									\
__kern_public v								\
p##_cas(t *a, v o, v n)							\
{									\
									\
	LWQ_BEFORE(&a->counter);					\
	(void)atomic_cas_seq_cst(&a->counter, &o, n);			\
	LWQ_AFTER(&a->counter);						\
	return o;							\
}									\
__kern_public v								\
p##_cas_relaxed(t *a, v o, v n)						\
{									\
									\
	(void)atomic_cas_relaxed(&a->counter, &o, n);			\
	return o;							\
}									\
/* Add, unless the value is u. */					\
__kern_public v								\
p##_fetch_add_unless(t *a, v i, v u)					\
{									\
	v old;								\
									\
	LWQ_BEFORE(&a->counter);					\
	old = atomic_load_relaxed(&a->counter);				\
	do {								\
		if (old == u)						\
			break;						\
	} while (!atomic_cas_seq_cst(&a->counter, &old,			\
	    (v)((uv)old + (uv)i)));					\
	LWQ_AFTER(&a->counter);						\
	return old;							\
}									\
/* Subtract 1, unless the result is negative.  Return the result. */	\
__kern_public v								\
p##_dec_if_positive(t *a)						\
{									\
	v old;								\
									\
	LWQ_BEFORE(&a->counter);					\
	old = atomic_load_relaxed(&a->counter);				\
	do {								\
		if (old <= 0)						\
			break;						\
	} while (!atomic_cas_seq_cst(&a->counter, &old, old - 1));	\
	LWQ_AFTER(&a->counter);						\
	return (v)((uv)old - 1);					\
}

LWQ_ATOMIC(lwq_atomic32, atomic_t, int, unsigned int)
LWQ_ATOMIC(lwq_atomic64, atomic64_t, int64_t, __atomic64_t)

static __kern_noinline void
lwq_badsize(const char *func, unsigned long size)
{

	wqk_panic("%s: cannot use a word of %lu bytes", func, size);
}

__kern_public unsigned long
lwq_xchg(volatile void *p, unsigned long n, unsigned long size)
{
	unsigned long old;

	old = 0;
	LWQ_BEFORE(p);
	if (size == sizeof(uint32_t))
		old = atomic_swap_seq_cst((volatile uint32_t *)p, (uint32_t)n);
	else if (size == sizeof(unsigned long))
		old = atomic_swap_seq_cst((volatile unsigned long *)p, n);
	else
		lwq_badsize("xchg", size);
	LWQ_AFTER(p);
	return old;
}

__kern_public unsigned long
lwq_cmpxchg(volatile void *p, unsigned long o, unsigned long n,
    unsigned long size)
{
	uint32_t o32;

	o32 = (uint32_t)o;
	LWQ_BEFORE(p);
	if (size == sizeof(uint32_t)) {
		(void)atomic_cas_seq_cst((volatile uint32_t *)p, &o32,
		    (uint32_t)n);
		o = o32;
	} else if (size == sizeof(unsigned long))
		(void)atomic_cas_seq_cst((volatile unsigned long *)p, &o, n);
	else
		lwq_badsize("cmpxchg", size);
	LWQ_AFTER(p);
	return o;
}

__kern_public void
lwq_mb(void)
{

	membar_sync();
}

__kern_public void
lwq_rmb(void)
{

	membar_consumer();
}

__kern_public void
lwq_wmb(void)
{

	membar_producer();
}

__kern_public void
lwq_acquire(const volatile void *p)
{

	membar_acquire();
	wqpool_after((const void *)(uintptr_t)p);
}

__kern_public void
lwq_release(const volatile void *p)
{

	wqpool_before((const void *)(uintptr_t)p);
	membar_release();
}

/*
 * Bits.  The number of a bit is not negative.
 */
#define	LWQ_WORD(n, a)	(&(a)[(unsigned long)(n) / (sizeof(*(a)) * CHAR_BIT)])
#define	LWQ_BIT(n)	(1UL << (unsigned long)(n) % (sizeof(long) * CHAR_BIT))

__kern_public bool
lwq_test_bit(long n, const volatile unsigned long *a)
{

	return (atomic_load_relaxed(LWQ_WORD(n, a)) & LWQ_BIT(n)) != 0;
}

__kern_public void
lwq_set_bit(long n, volatile unsigned long *a)
{

	(void)atomic_fetch_or_relaxed(LWQ_WORD(n, a), LWQ_BIT(n));
}

__kern_public void
lwq_clear_bit(long n, volatile unsigned long *a)
{

	(void)atomic_fetch_and_relaxed(LWQ_WORD(n, a), ~LWQ_BIT(n));
}

/* Release: the bit is a lock. */
__kern_public void
lwq_clear_bit_unlock(long n, volatile unsigned long *a)
{

	wqpool_before((const void *)(uintptr_t)LWQ_WORD(n, a));
	(void)atomic_fetch_and_seq_cst(LWQ_WORD(n, a), ~LWQ_BIT(n));
}

static inline unsigned long
lwq_flip(long n, volatile unsigned long *a)
{
	volatile unsigned long *w;
	unsigned long old;

	w = LWQ_WORD(n, a);
	old = atomic_load_relaxed(w);
	do {
		continue;
	} while (!atomic_cas_seq_cst(w, &old, old ^ LWQ_BIT(n)));
	return old;
}

__kern_public void
lwq_change_bit(long n, volatile unsigned long *a)
{

	(void)lwq_flip(n, a);
}

__kern_public bool
lwq_test_and_set_bit(long n, volatile unsigned long *a)
{
	unsigned long old;

	LWQ_BEFORE(LWQ_WORD(n, a));
	old = atomic_fetch_or_seq_cst(LWQ_WORD(n, a), LWQ_BIT(n));
	LWQ_AFTER(LWQ_WORD(n, a));
	return (old & LWQ_BIT(n)) != 0;
}

__kern_public bool
lwq_test_and_clear_bit(long n, volatile unsigned long *a)
{
	unsigned long old;

	LWQ_BEFORE(LWQ_WORD(n, a));
	old = atomic_fetch_and_seq_cst(LWQ_WORD(n, a), ~LWQ_BIT(n));
	LWQ_AFTER(LWQ_WORD(n, a));
	return (old & LWQ_BIT(n)) != 0;
}

__kern_public bool
lwq_test_and_change_bit(long n, volatile unsigned long *a)
{
	unsigned long old;

	LWQ_BEFORE(LWQ_WORD(n, a));
	old = lwq_flip(n, a);
	LWQ_AFTER(LWQ_WORD(n, a));
	return (old & LWQ_BIT(n)) != 0;
}

__kern_public void
lwq_barrier(void)
{

	atomic_signal_barrier();
}
