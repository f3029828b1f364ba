/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * atomic_loadstore(9) and atomic_ops(3): the only header for atomics, with
 * type-generic operations.  In the simulator each operation is a scheduling
 * point.
 *
 * NetBSD's operations without a suffix guarantee no order, and callers put a
 * membar before or after them.  Sanitizers do not understand fences.  So the
 * library itself uses operations that name their order.
 */

#ifndef _SYS_ATOMIC_H_
#define	_SYS_ATOMIC_H_

#include <stddef.h>
#include <stdint.h>

/*
 * __ATOMIC_AT() is the address that an access must use.  With _WQ_SIM it is
 * also a scheduling point, which gets the kind, the size and the order of the
 * access.  The point returns the address of the word in memory, or of an entry
 * in the thread's store buffer.
 */
#ifdef _WQ_SIM
#include <sys/wq_simpoint.h>
#define	__ATOMIC_AT(p, kind, order)					\
	((__typeof__(&*(p)))wqk_simpoint((p),				\
	    (kind) | _WQ_SIM_SIZED(sizeof(*(p))), (order)))
#define	__ATOMIC_FENCE(kind, order)					\
	((void)wqk_simpoint(NULL, (kind), (order)))
#define	__ATOMIC_FAILS(weak)		((weak) && wqk_simweak())
#else
#define	__ATOMIC_AT(p, kind, order)	(p)
#define	__ATOMIC_FENCE(kind, order)	((void)0)
#define	__ATOMIC_FAILS(weak)		0
#endif
#define	__ATOMIC_LOAD(p, order)		__ATOMIC_AT(p, _WQ_SIM_LOAD, order)
#define	__ATOMIC_STORE(p, order)	__ATOMIC_AT(p, _WQ_SIM_STORE, order)
#define	__ATOMIC_RMW(p, order)		__ATOMIC_AT(p, _WQ_SIM_RMW, order)

/*
 * A 64-bit word for the operations below.  On some machines, such as i386,
 * uint64_t is aligned to 4 bytes.  A word could then be in two cache lines,
 * where a load is not atomic.
 */
typedef uint64_t __atomic64_t __attribute__((__aligned__(8)));
typedef int64_t __satomic64_t __attribute__((__aligned__(8)));

/* An operation does not compile if its word may not be aligned to its size. */
#ifdef __cplusplus
#define	__ATOMIC_WORD(p)	((void)0)
#else
#define	__ATOMIC_WORD(p)						\
	((void)__extension__ sizeof(struct {				\
		char c;							\
		_Static_assert(_Alignof(__typeof__(*(p))) >=		\
		    sizeof(*(p)), "not aligned to its size");		\
	}))
#endif

#define	__atomic_ld(p, o)						\
	(__ATOMIC_WORD(p), __atomic_load_n(__ATOMIC_LOAD((p), o), o))
#ifdef _WQ_SIM
/* Evaluate the value first, because it may contain another point. */
#define	__atomic_st(p, v, o)						\
	__extension__ ({						\
		__typeof__(*(p)) __atomic_v = (v);			\
		__ATOMIC_WORD(p);					\
		__atomic_store_n(__ATOMIC_STORE((p), o), __atomic_v, o);\
	})
#else
#define	__atomic_st(p, v, o)						\
	(__ATOMIC_WORD(p), __atomic_store_n(__ATOMIC_STORE((p), o), (v), o))
#endif
#define	__atomic_rmw(op, p, v, o)					\
	(__ATOMIC_WORD(p), __atomic_##op(__ATOMIC_RMW((p), o), (v), o))

/* atomic_loadstore(9) */
#define	atomic_load_relaxed(p)	__atomic_ld((p), __ATOMIC_RELAXED)
#define	atomic_load_acquire(p)	__atomic_ld((p), __ATOMIC_ACQUIRE)
#define	atomic_load_consume(p)	atomic_load_acquire(p)
#define	atomic_load_seq_cst(p)	__atomic_ld((p), __ATOMIC_SEQ_CST)
#define	atomic_store_relaxed(p, v)	__atomic_st((p), (v), __ATOMIC_RELAXED)
#define	atomic_store_release(p, v)	__atomic_st((p), (v), __ATOMIC_RELEASE)
#define	atomic_store_seq_cst(p, v)	__atomic_st((p), (v), __ATOMIC_SEQ_CST)

/*
 * Store a value and return the old one, atomically.
 */
#define	atomic_swap_relaxed(p, v)					\
	__atomic_rmw(exchange_n, (p), (v), __ATOMIC_RELAXED)
#define	atomic_swap_acquire(p, v)					\
	__atomic_rmw(exchange_n, (p), (v), __ATOMIC_ACQUIRE)
#define	atomic_swap_acq_rel(p, v)					\
	__atomic_rmw(exchange_n, (p), (v), __ATOMIC_ACQ_REL)
#define	atomic_swap_seq_cst(p, v)					\
	__atomic_rmw(exchange_n, (p), (v), __ATOMIC_SEQ_CST)

/*
 * Compare and swap.  If *p equals *op, store n in *p and return true.
 * Otherwise store the value found in *op and return false.  The weak form may
 * fail spuriously, so use it in loops.  The name has the memory order of a
 * successful operation.  The last argument in each definition is the memory
 * order of a failed one.
 */
#define	__atomic_cas(p, op, n, weak, s, f)				\
	(__ATOMIC_WORD(p), __ATOMIC_FAILS(weak) ?			\
	    (*(op) = __atomic_load_n(__ATOMIC_LOAD((p), (f)), (f)), !1) : \
	    __atomic_compare_exchange_n(				\
	    __ATOMIC_RMW((p), (s)), (op), (n), (weak), (s), (f)))
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
 * Modify a word and return its old value, atomically.
 */
#define	atomic_fetch_add_relaxed(p, v)					\
	__atomic_rmw(fetch_add, (p), (v), __ATOMIC_RELAXED)
#define	atomic_fetch_add_acq_rel(p, v)					\
	__atomic_rmw(fetch_add, (p), (v), __ATOMIC_ACQ_REL)
#define	atomic_fetch_add_seq_cst(p, v)					\
	__atomic_rmw(fetch_add, (p), (v), __ATOMIC_SEQ_CST)
#define	atomic_fetch_or_relaxed(p, v)					\
	__atomic_rmw(fetch_or, (p), (v), __ATOMIC_RELAXED)
#define	atomic_fetch_or_release(p, v)					\
	__atomic_rmw(fetch_or, (p), (v), __ATOMIC_RELEASE)
#define	atomic_fetch_and_relaxed(p, v)					\
	__atomic_rmw(fetch_and, (p), (v), __ATOMIC_RELAXED)
#define	atomic_fetch_or_seq_cst(p, v)					\
	__atomic_rmw(fetch_or, (p), (v), __ATOMIC_SEQ_CST)
#define	atomic_fetch_and_seq_cst(p, v)					\
	__atomic_rmw(fetch_and, (p), (v), __ATOMIC_SEQ_CST)

/* Order accesses between a thread and a signal handler on that thread. */
#ifdef _WQ_SIM
#define	atomic_signal_barrier()						\
	__ATOMIC_FENCE(_WQ_SIM_SIGNAL, __ATOMIC_SEQ_CST)
#else
#define	atomic_signal_barrier()	__atomic_signal_fence(__ATOMIC_SEQ_CST)
#endif

/*
 * The operations of atomic_ops(3), which have relaxed order, and of
 * membar_ops(3).
 *
 * ThreadSanitizer does not understand fences.  So with it each operation
 * acquires and releases, and a membar is an operation on a word that the whole
 * program shares.
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

#define	__ATOMIC_OPS_AT(p)	__ATOMIC_RMW((p), __ATOMIC_OPS_ORDER)

#if __SIZEOF_POINTER__ >= 8 || defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_8)
#define	__HAVE_ATOMIC64_OPS	1
#endif

/* Addition.  t is the type of the word, d that of the difference. */
#define	__ATOMIC_OPS_ARITH(sfx, dsfx, t, d)				\
static inline void							\
atomic_add_##dsfx(volatile t *p, d v)					\
{									\
\
	(void)__atomic_fetch_add(__ATOMIC_OPS_AT(p), (t)v,		\
	    __ATOMIC_OPS_ORDER);					\
}									\
static inline t								\
atomic_add_##dsfx##_nv(volatile t *p, d v)				\
{									\
\
	return __atomic_add_fetch(__ATOMIC_OPS_AT(p), (t)v,		\
	    __ATOMIC_OPS_ORDER);					\
}									\
static inline void							\
atomic_inc_##sfx(volatile t *p)						\
{									\
\
	(void)__atomic_fetch_add(__ATOMIC_OPS_AT(p), (t)1,		\
	    __ATOMIC_OPS_ORDER);					\
}									\
static inline t								\
atomic_inc_##sfx##_nv(volatile t *p)					\
{									\
\
	return __atomic_add_fetch(__ATOMIC_OPS_AT(p), (t)1,		\
	    __ATOMIC_OPS_ORDER);					\
}									\
static inline void							\
atomic_dec_##sfx(volatile t *p)						\
{									\
\
	(void)__atomic_fetch_sub(__ATOMIC_OPS_AT(p), (t)1,		\
	    __ATOMIC_OPS_ORDER);					\
}									\
static inline t								\
atomic_dec_##sfx##_nv(volatile t *p)					\
{									\
\
	return __atomic_sub_fetch(__ATOMIC_OPS_AT(p), (t)1,		\
	    __ATOMIC_OPS_ORDER);					\
}

/* And, or. */
#define	__ATOMIC_OPS_BITS(sfx, t)					\
static inline void							\
atomic_and_##sfx(volatile t *p, t v)					\
{									\
\
	(void)__atomic_fetch_and(__ATOMIC_OPS_AT(p), v,			\
	    __ATOMIC_OPS_ORDER);					\
}									\
static inline t								\
atomic_and_##sfx##_nv(volatile t *p, t v)				\
{									\
\
	return __atomic_and_fetch(__ATOMIC_OPS_AT(p), v,		\
	    __ATOMIC_OPS_ORDER);					\
}									\
static inline void							\
atomic_or_##sfx(volatile t *p, t v)					\
{									\
\
	(void)__atomic_fetch_or(__ATOMIC_OPS_AT(p), v,			\
	    __ATOMIC_OPS_ORDER);					\
}									\
static inline t								\
atomic_or_##sfx##_nv(volatile t *p, t v)				\
{									\
\
	return __atomic_or_fetch(__ATOMIC_OPS_AT(p), v,			\
	    __ATOMIC_OPS_ORDER);					\
}

/* Swap and compare-and-swap.  Both return the old value. */
#define	__ATOMIC_OPS_SWAP(sfx, t)					\
static inline t								\
atomic_swap_##sfx(volatile t *p, t v)					\
{									\
\
	return __atomic_exchange_n(__ATOMIC_OPS_AT(p), v,		\
	    __ATOMIC_OPS_ORDER);					\
}									\
static inline t								\
atomic_cas_##sfx(volatile t *p, t o, t n)				\
{									\
\
	(void)__atomic_compare_exchange_n(__ATOMIC_OPS_AT(p), &o, n, 0,	\
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

/* Operations on the pointer at an address.  Addition counts bytes. */
static inline void *
atomic_add_ptr_nv(volatile void *p, ptrdiff_t v)
{

	return (void *)__atomic_add_fetch(
	    __ATOMIC_OPS_AT((volatile uintptr_t *)p),
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

	return __atomic_exchange_n(__ATOMIC_OPS_AT((void *volatile *)p), v,
	    __ATOMIC_OPS_ORDER);
}

static inline void *
atomic_cas_ptr(volatile void *p, void *o, void *n)
{

	(void)__atomic_compare_exchange_n(
	    __ATOMIC_OPS_AT((void *volatile *)p), &o, n, 0,
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
	(__ATOMIC_FENCE(_WQ_SIM_FENCE, (order)),			\
	    (void)__atomic_fetch_add(&__wqk_membar_word, 1, __ATOMIC_SEQ_CST))
#else
#define	__ATOMIC_MEMBAR(order)						\
	(__ATOMIC_FENCE(_WQ_SIM_FENCE, (order)), __atomic_thread_fence(order))
#endif

#define	membar_acquire()	__ATOMIC_MEMBAR(__ATOMIC_ACQUIRE)
#define	membar_release()	__ATOMIC_MEMBAR(__ATOMIC_RELEASE)
#define	membar_producer()	__ATOMIC_MEMBAR(__ATOMIC_RELEASE)
#define	membar_consumer()	__ATOMIC_MEMBAR(__ATOMIC_ACQUIRE)
#define	membar_datadep_consumer() __ATOMIC_MEMBAR(__ATOMIC_ACQUIRE)
#define	membar_sync()		__ATOMIC_MEMBAR(__ATOMIC_SEQ_CST)

/* Older names. */
#define	membar_enter()		membar_sync()
#define	membar_exit()		membar_release()

#endif	/* !_SYS_ATOMIC_H_ */
