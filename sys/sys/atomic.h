/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The one header for atomics: NetBSD's atomic_loadstore(9) and the names of
 * atomic_ops(3), type-generic.  Under simulation each is a scheduling point.
 *
 * NetBSD's operations without a suffix promise no order and are followed or
 * preceded by a membar; sanitizers do not understand fences, so the ones
 * used inside the library say their order in their name.
 */

#ifndef _SYS_ATOMIC_H_
#define	_SYS_ATOMIC_H_

#include <stddef.h>
#include <stdint.h>

#ifdef HOST_SIM
void	host_simpoint(void);
#define	__ATOMIC_POINT()	host_simpoint()
#else
#define	__ATOMIC_POINT()	((void)0)
#endif

/* atomic_loadstore(9) */
#define	atomic_load_relaxed(p)						\
	(__ATOMIC_POINT(), __atomic_load_n((p), __ATOMIC_RELAXED))
#define	atomic_load_acquire(p)						\
	(__ATOMIC_POINT(), __atomic_load_n((p), __ATOMIC_ACQUIRE))
#define	atomic_load_consume(p)	atomic_load_acquire(p)
#define	atomic_load_seq_cst(p)						\
	(__ATOMIC_POINT(), __atomic_load_n((p), __ATOMIC_SEQ_CST))
#define	atomic_store_relaxed(p, v)					\
	(__ATOMIC_POINT(), __atomic_store_n((p), (v), __ATOMIC_RELAXED))
#define	atomic_store_release(p, v)					\
	(__ATOMIC_POINT(), __atomic_store_n((p), (v), __ATOMIC_RELEASE))
#define	atomic_store_seq_cst(p, v)					\
	(__ATOMIC_POINT(), __atomic_store_n((p), (v), __ATOMIC_SEQ_CST))

/*
 * Exchange; the old value is the result.
 */
#define	atomic_swap_relaxed(p, v)					\
	(__ATOMIC_POINT(), __atomic_exchange_n((p), (v), __ATOMIC_RELAXED))
#define	atomic_swap_acquire(p, v)					\
	(__ATOMIC_POINT(), __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE))
#define	atomic_swap_acq_rel(p, v)					\
	(__ATOMIC_POINT(), __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL))
#define	atomic_swap_seq_cst(p, v)					\
	(__ATOMIC_POINT(), __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST))

/*
 * Compare and swap: true if *p was *op and is now n; otherwise *op is what
 * was found.  The weak form may fail for no reason, for use in a loop.  The
 * order named holds on success; a failure is relaxed, or acquire where so
 * named.
 */
#define	__atomic_cas(p, op, n, weak, s, f)				\
	(__ATOMIC_POINT(),						\
	    __atomic_compare_exchange_n((p), (op), (n), (weak), (s), (f)))
#define	atomic_cas_relaxed(p, op, n)					\
	__atomic_cas((p), (op), (n), 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define	atomic_cas_acquire(p, op, n)					\
	__atomic_cas((p), (op), (n), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define	atomic_cas_release(p, op, n)					\
	__atomic_cas((p), (op), (n), 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define	atomic_cas_acq_rel(p, op, n)					\
	__atomic_cas((p), (op), (n), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define	atomic_cas_seq_cst(p, op, n)					\
	__atomic_cas((p), (op), (n), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define	atomic_cas_weak_acq_rel(p, op, n)				\
	__atomic_cas((p), (op), (n), 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)

/*
 * Fetch and modify; the old value is the result.
 */
#define	atomic_fetch_add_relaxed(p, v)					\
	(__ATOMIC_POINT(), __atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#define	atomic_fetch_add_acq_rel(p, v)					\
	(__ATOMIC_POINT(), __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL))
#define	atomic_fetch_add_seq_cst(p, v)					\
	(__ATOMIC_POINT(), __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST))
#define	atomic_fetch_or_relaxed(p, v)					\
	(__ATOMIC_POINT(), __atomic_fetch_or((p), (v), __ATOMIC_RELAXED))
#define	atomic_fetch_and_relaxed(p, v)					\
	(__ATOMIC_POINT(), __atomic_fetch_and((p), (v), __ATOMIC_RELAXED))
#define	atomic_fetch_or_seq_cst(p, v)					\
	(__ATOMIC_POINT(), __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST))
#define	atomic_fetch_and_seq_cst(p, v)					\
	(__ATOMIC_POINT(), __atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST))

/* Between a thread and a signal handler that interrupts it. */
#define	atomic_signal_barrier()	__atomic_signal_fence(__ATOMIC_SEQ_CST)

/*
 * atomic_ops(3): on typed words, in the order of relaxed atomics; membar_ops(3)
 * stand beside them.  Sanitizers do not understand fences: under TSan the
 * operations acquire and release, and a membar is an operation on one word
 * of the program.
 */
#if defined(__SANITIZE_THREAD__)
#define	__ATOMIC_OPS_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define	__ATOMIC_OPS_TSAN
#endif
#endif
#ifdef __ATOMIC_OPS_TSAN
#define	__ATOMIC_OPS_ORDER	__ATOMIC_ACQ_REL
#define	__ATOMIC_OPS_FAIL	__ATOMIC_ACQUIRE
#else
#define	__ATOMIC_OPS_ORDER	__ATOMIC_RELAXED
#define	__ATOMIC_OPS_FAIL	__ATOMIC_RELAXED
#endif

#if __SIZEOF_POINTER__ >= 8 || defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_8)
#define	__HAVE_ATOMIC64_OPS	1
#endif

/* add, inc, dec: t is the word's type, d that of the difference. */
#define	__ATOMIC_OPS_ARITH(sfx, dsfx, t, d)				\
static inline void							\
atomic_add_##dsfx(volatile t *p, d v)					\
{									\
\
	__ATOMIC_POINT();						\
	(void)__atomic_fetch_add(p, (t)v, __ATOMIC_OPS_ORDER);		\
}									\
static inline t								\
atomic_add_##dsfx##_nv(volatile t *p, d v)				\
{									\
\
	__ATOMIC_POINT();						\
	return __atomic_add_fetch(p, (t)v, __ATOMIC_OPS_ORDER);		\
}									\
static inline void							\
atomic_inc_##sfx(volatile t *p)						\
{									\
\
	__ATOMIC_POINT();						\
	(void)__atomic_fetch_add(p, (t)1, __ATOMIC_OPS_ORDER);		\
}									\
static inline t								\
atomic_inc_##sfx##_nv(volatile t *p)					\
{									\
\
	__ATOMIC_POINT();						\
	return __atomic_add_fetch(p, (t)1, __ATOMIC_OPS_ORDER);		\
}									\
static inline void							\
atomic_dec_##sfx(volatile t *p)						\
{									\
\
	__ATOMIC_POINT();						\
	(void)__atomic_fetch_sub(p, (t)1, __ATOMIC_OPS_ORDER);		\
}									\
static inline t								\
atomic_dec_##sfx##_nv(volatile t *p)					\
{									\
\
	__ATOMIC_POINT();						\
	return __atomic_sub_fetch(p, (t)1, __ATOMIC_OPS_ORDER);		\
}

/* and, or. */
#define	__ATOMIC_OPS_BITS(sfx, t)					\
static inline void							\
atomic_and_##sfx(volatile t *p, t v)					\
{									\
\
	__ATOMIC_POINT();						\
	(void)__atomic_fetch_and(p, v, __ATOMIC_OPS_ORDER);		\
}									\
static inline t								\
atomic_and_##sfx##_nv(volatile t *p, t v)				\
{									\
\
	__ATOMIC_POINT();						\
	return __atomic_and_fetch(p, v, __ATOMIC_OPS_ORDER);		\
}									\
static inline void							\
atomic_or_##sfx(volatile t *p, t v)					\
{									\
\
	__ATOMIC_POINT();						\
	(void)__atomic_fetch_or(p, v, __ATOMIC_OPS_ORDER);		\
}									\
static inline t								\
atomic_or_##sfx##_nv(volatile t *p, t v)				\
{									\
\
	__ATOMIC_POINT();						\
	return __atomic_or_fetch(p, v, __ATOMIC_OPS_ORDER);		\
}

/* swap, cas: the old value is the result. */
#define	__ATOMIC_OPS_SWAP(sfx, t)					\
static inline t								\
atomic_swap_##sfx(volatile t *p, t v)					\
{									\
\
	__ATOMIC_POINT();						\
	return __atomic_exchange_n(p, v, __ATOMIC_OPS_ORDER);		\
}									\
static inline t								\
atomic_cas_##sfx(volatile t *p, t o, t n)				\
{									\
\
	__ATOMIC_POINT();						\
	(void)__atomic_compare_exchange_n(p, &o, n, 0,			\
	    __ATOMIC_OPS_ORDER, __ATOMIC_OPS_FAIL);			\
	return o;							\
}									\
static inline t								\
atomic_cas_##sfx##_ni(volatile t *p, t o, t n)				\
{									\
\
	return atomic_cas_##sfx(p, o, n);				\
}

__ATOMIC_OPS_ARITH(32, 32, uint32_t, int32_t)
__ATOMIC_OPS_BITS(32, uint32_t)
__ATOMIC_OPS_SWAP(32, uint32_t)
__ATOMIC_OPS_ARITH(uint, int, unsigned int, int)
__ATOMIC_OPS_BITS(uint, unsigned int)
__ATOMIC_OPS_SWAP(uint, unsigned int)
__ATOMIC_OPS_ARITH(ulong, long, unsigned long, long)
__ATOMIC_OPS_BITS(ulong, unsigned long)
__ATOMIC_OPS_SWAP(ulong, unsigned long)
#ifdef __HAVE_ATOMIC64_OPS
__ATOMIC_OPS_ARITH(64, 64, uint64_t, int64_t)
__ATOMIC_OPS_BITS(64, uint64_t)
__ATOMIC_OPS_SWAP(64, uint64_t)
#endif

#undef __ATOMIC_OPS_ARITH
#undef __ATOMIC_OPS_BITS
#undef __ATOMIC_OPS_SWAP

/* Pointers, through the address of one; arithmetic is in bytes. */
static inline void *
atomic_add_ptr_nv(volatile void *p, ptrdiff_t v)
{

	__ATOMIC_POINT();
	return (void *)__atomic_add_fetch((volatile uintptr_t *)p,
	    (uintptr_t)v, __ATOMIC_OPS_ORDER);
}

static inline void
atomic_add_ptr(volatile void *p, ptrdiff_t v)
{

	(void)atomic_add_ptr_nv(p, v);
}

static inline void
atomic_inc_ptr(volatile void *p)
{

	(void)atomic_add_ptr_nv(p, 1);
}

static inline void *
atomic_inc_ptr_nv(volatile void *p)
{

	return atomic_add_ptr_nv(p, 1);
}

static inline void
atomic_dec_ptr(volatile void *p)
{

	(void)atomic_add_ptr_nv(p, -1);
}

static inline void *
atomic_dec_ptr_nv(volatile void *p)
{

	return atomic_add_ptr_nv(p, -1);
}

static inline void *
atomic_swap_ptr(volatile void *p, void *v)
{

	__ATOMIC_POINT();
	return __atomic_exchange_n((void *volatile *)p, v,
	    __ATOMIC_OPS_ORDER);
}

static inline void *
atomic_cas_ptr(volatile void *p, void *o, void *n)
{

	__ATOMIC_POINT();
	(void)__atomic_compare_exchange_n((void *volatile *)p, &o, n, 0,
	    __ATOMIC_OPS_ORDER, __ATOMIC_OPS_FAIL);
	return o;
}

static inline void *
atomic_cas_ptr_ni(volatile void *p, void *o, void *n)
{

	return atomic_cas_ptr(p, o, n);
}

/*
 * membar_ops(3).
 */
#ifdef __ATOMIC_OPS_TSAN
extern unsigned int __wqk_membar_word;
unsigned int __wqk_membar_word __attribute__((__weak__));
#define	__ATOMIC_MEMBAR(order)						\
	(__ATOMIC_POINT(), (void)__atomic_fetch_add(&__wqk_membar_word, 1, \
	    __ATOMIC_SEQ_CST))
#else
#define	__ATOMIC_MEMBAR(order)						\
	(__ATOMIC_POINT(), __atomic_thread_fence(order))
#endif

#define	membar_acquire()	__ATOMIC_MEMBAR(__ATOMIC_ACQUIRE)
#define	membar_release()	__ATOMIC_MEMBAR(__ATOMIC_RELEASE)
#define	membar_producer()	__ATOMIC_MEMBAR(__ATOMIC_RELEASE)
#define	membar_consumer()	__ATOMIC_MEMBAR(__ATOMIC_ACQUIRE)
#define	membar_datadep_consumer() __ATOMIC_MEMBAR(__ATOMIC_ACQUIRE)
#define	membar_sync()		__ATOMIC_MEMBAR(__ATOMIC_SEQ_CST)

/* The names from before. */
#define	membar_enter()		membar_sync()
#define	membar_exit()		membar_release()

#endif	/* !_SYS_ATOMIC_H_ */
