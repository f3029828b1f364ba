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

#endif	/* !_SYS_ATOMIC_H_ */
