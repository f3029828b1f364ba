/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Atomic integers of Linux: see linux_atomic(9).
 */

#ifndef _LWQ_LINUX_ATOMIC_H_
#define	_LWQ_LINUX_ATOMIC_H_

#ifdef __cplusplus
#error "<linux/atomic.h> is for C11 only, not for C++"
#endif

#if defined(ATOMIC_BOOL_LOCK_FREE) || defined(atomic_fetch_add)
#error "<stdatomic.h> and <linux/atomic.h> cannot be used in one file"
#endif

#if defined(_SYS_ATOMIC_H_)
#error "<sys/atomic.h> and <linux/atomic.h> cannot be used in one file"
#endif

#include <linux/compiler.h>
#include <linux/lwq_atomic.h>
#include <linux/types.h>

#define	ATOMIC_INIT(n)		{ .counter = (n) }
#define	ATOMIC64_INIT(n)	{ .counter = (n) }
#define	ATOMIC_LONG_INIT(n)	{ .counter = (n) }

/*
 * Operations that return nothing, and those that only load or store, need order
 * nothing.  Operations that change a value and return something are full
 * barriers.  A name that ends in _acquire, _release or _relaxed gives the order
 * instead.  A conditional operation that changes nothing orders nothing.
 */
#define	_LWQ_ATOMIC_RETURN(p, t, v, q, o, f)			\
static inline v								\
p##_fetch_add##o(v __i, t *__a)						\
{									\
									\
	return q##_fetch_add##f(__a, __i);				\
}									\
static inline v								\
p##_fetch_sub##o(v __i, t *__a)						\
{									\
									\
	return q##_fetch_add##f(__a, -__i);				\
}									\
static inline v								\
p##_fetch_inc##o(t *__a)						\
{									\
									\
	return q##_fetch_add##f(__a, 1);				\
}									\
static inline v								\
p##_fetch_dec##o(t *__a)						\
{									\
									\
	return q##_fetch_add##f(__a, -1);				\
}									\
static inline v								\
p##_add_return##o(v __i, t *__a)					\
{									\
									\
	return (v)((_LWQ_U(v))q##_fetch_add##f(__a, __i) +		\
	    (_LWQ_U(v))__i);						\
}									\
static inline v								\
p##_sub_return##o(v __i, t *__a)					\
{									\
									\
	return (v)((_LWQ_U(v))q##_fetch_add##f(__a, -__i) -		\
	    (_LWQ_U(v))__i);						\
}									\
static inline v								\
p##_inc_return##o(t *__a)						\
{									\
									\
	return p##_add_return##o(1, __a);				\
}									\
static inline v								\
p##_dec_return##o(t *__a)						\
{									\
									\
	return p##_sub_return##o(1, __a);				\
}									\
static inline v								\
p##_fetch_and##o(v __i, t *__a)						\
{									\
									\
	return q##_fetch_and##f(__a, __i);				\
}									\
static inline v								\
p##_fetch_andnot##o(v __i, t *__a)					\
{									\
									\
	return q##_fetch_and##f(__a, ~__i);				\
}									\
static inline v								\
p##_fetch_or##o(v __i, t *__a)						\
{									\
									\
	return q##_fetch_or##f(__a, __i);				\
}									\
static inline v								\
p##_fetch_xor##o(v __i, t *__a)						\
{									\
									\
	return q##_fetch_xor##f(__a, __i);				\
}									\
static inline v								\
p##_xchg##o(t *__a, v __n)						\
{									\
									\
	return q##_swap##f(__a, __n);					\
}									\
static inline v								\
p##_cmpxchg##o(t *__a, v __o, v __n)					\
{									\
									\
	return q##_cas##f(__a, __o, __n);				\
}									\
static inline bool							\
p##_try_cmpxchg##o(t *__a, v *__op, v __n)				\
{									\
	v __o = *__op;							\
									\
	*__op = q##_cas##f(__a, __o, __n);				\
	return *__op == __o;						\
}

/* An unsigned type, whose arithmetic wraps. */
#define	_LWQ_U(v)							\
	__typeof__(_Generic((v)0, int: 0u, default: UINT64_C(0)))

#define	_LWQ_ATOMIC(p, t, v, q)						\
static inline v								\
p##_read(const t *__a)							\
{									\
									\
	return q##_load(__a);						\
}									\
static inline v								\
p##_read_acquire(const t *__a)						\
{									\
									\
	return q##_load_acquire(__a);					\
}									\
static inline void							\
p##_set(t *__a, v __i)							\
{									\
									\
	q##_store(__a, __i);						\
}									\
static inline void							\
p##_set_release(t *__a, v __i)						\
{									\
									\
	q##_store_release(__a, __i);					\
}									\
_LWQ_ATOMIC_RETURN(p, t, v, q, , )					\
/* A full barrier is stronger than these require. */			\
_LWQ_ATOMIC_RETURN(p, t, v, q, _acquire, )				\
_LWQ_ATOMIC_RETURN(p, t, v, q, _release, )				\
_LWQ_ATOMIC_RETURN(p, t, v, q, _relaxed, _relaxed)			\
static inline void							\
p##_add(v __i, t *__a)							\
{									\
									\
	(void)q##_fetch_add_relaxed(__a, __i);				\
}									\
static inline void							\
p##_sub(v __i, t *__a)							\
{									\
									\
	(void)q##_fetch_add_relaxed(__a, -__i);				\
}									\
static inline void							\
p##_inc(t *__a)								\
{									\
									\
	(void)q##_fetch_add_relaxed(__a, 1);				\
}									\
static inline void							\
p##_dec(t *__a)								\
{									\
									\
	(void)q##_fetch_add_relaxed(__a, -1);				\
}									\
static inline void							\
p##_and(v __i, t *__a)							\
{									\
									\
	(void)q##_fetch_and_relaxed(__a, __i);				\
}									\
static inline void							\
p##_andnot(v __i, t *__a)						\
{									\
									\
	(void)q##_fetch_and_relaxed(__a, ~__i);				\
}									\
static inline void							\
p##_or(v __i, t *__a)							\
{									\
									\
	(void)q##_fetch_or_relaxed(__a, __i);				\
}									\
static inline void							\
p##_xor(v __i, t *__a)							\
{									\
									\
	(void)q##_fetch_xor_relaxed(__a, __i);				\
}									\
static inline bool							\
p##_sub_and_test(v __i, t *__a)						\
{									\
									\
	return p##_sub_return(__i, __a) == 0;				\
}									\
static inline bool							\
p##_dec_and_test(t *__a)						\
{									\
									\
	return p##_dec_return(__a) == 0;				\
}									\
static inline bool							\
p##_inc_and_test(t *__a)						\
{									\
									\
	return p##_inc_return(__a) == 0;				\
}									\
static inline bool							\
p##_add_negative(v __i, t *__a)						\
{									\
									\
	return p##_add_return(__i, __a) < 0;				\
}									\
static inline v								\
p##_fetch_add_unless(t *__a, v __i, v __u)				\
{									\
									\
	return q##_fetch_add_unless(__a, __i, __u);			\
}									\
static inline bool							\
p##_add_unless(t *__a, v __i, v __u)					\
{									\
									\
	return q##_fetch_add_unless(__a, __i, __u) != __u;		\
}									\
static inline bool							\
p##_inc_not_zero(t *__a)						\
{									\
									\
	return p##_add_unless(__a, 1, 0);				\
}									\
static inline v								\
p##_dec_if_positive(t *__a)						\
{									\
									\
	return q##_dec_if_positive(__a);				\
}

_LWQ_ATOMIC(atomic, atomic_t, int, lwq_atomic32)
_LWQ_ATOMIC(atomic64, atomic64_t, int64_t, lwq_atomic64)

/* The operations on a long. */
#if __SIZEOF_LONG__ == 8
typedef atomic64_t	atomic_long_t;
_LWQ_ATOMIC(atomic_long, atomic64_t, long, lwq_atomic64)
#else
typedef atomic_t	atomic_long_t;
_LWQ_ATOMIC(atomic_long, atomic_t, long, lwq_atomic32)
#endif

#undef _LWQ_ATOMIC
#undef _LWQ_ATOMIC_RETURN

/*
 * Any word of 4 bytes, or of 8 if a long has 8.
 */
#define	xchg(p, n)	((__typeof__(*(p)))lwq_xchg((p),		\
	(unsigned long)(n), sizeof(*(p))))
#define	cmpxchg(p, o, n) ((__typeof__(*(p)))lwq_cmpxchg((p),		\
	(unsigned long)(o), (unsigned long)(n), sizeof(*(p))))

/*
 * Barriers.
 */
#define	smp_mb()	lwq_mb()
#define	smp_rmb()	lwq_rmb()
#define	smp_wmb()	lwq_wmb()
#define	mb()		lwq_mb()
#define	rmb()		lwq_rmb()
#define	wmb()		lwq_wmb()
#define	smp_mb__before_atomic()		lwq_mb()
#define	smp_mb__after_atomic()		lwq_mb()
#define	smp_mb__before_atomic_inc()	lwq_mb()
#define	smp_mb__after_atomic_inc()	lwq_mb()
#define	smp_mb__before_atomic_dec()	lwq_mb()
#define	smp_mb__after_atomic_dec()	lwq_mb()
#define	smp_store_mb(x, v)	do { WRITE_ONCE(x, v); lwq_mb(); } while (0)
#define	smp_load_acquire(p)	__extension__ ({			\
	__typeof__(*(p)) __lwq_v = READ_ONCE(*(p));			\
	lwq_acquire(p);							\
	__lwq_v; })
#define	smp_store_release(p, v)	do {					\
	lwq_release(p);							\
	WRITE_ONCE(*(p), v);						\
} while (0)

#endif	/* !_LWQ_LINUX_ATOMIC_H_ */
