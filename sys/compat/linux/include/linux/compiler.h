/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _LWQ_LINUX_COMPILER_H_
#define	_LWQ_LINUX_COMPILER_H_

#ifndef likely
#define	likely(x)	__builtin_expect(!!(x), 1)
#define	unlikely(x)	__builtin_expect(!!(x), 0)
#endif

/*
 * Load or store a number or a pointer.  If it fits into a word, the access is a
 * relaxed atomic operation, which ThreadSanitizer understands.  Otherwise the
 * access is volatile, and may tear.
 */
#ifdef _WQ_SIM
#include <sys/wq_simpoint.h>
#define	__LWQ_ONCE(x, kind)						\
	((__typeof__(&(x)))wqk_simpoint(&(x),				\
	    (kind) | _WQ_SIM_SIZED(sizeof(x)), __ATOMIC_RELAXED))
/* Evaluate the value first, because it may contain another point. */
#define	__LWQ_ONCE_STORE(x, v)						\
	__extension__ ({						\
		__typeof__(x) __lwq_v = (v);				\
		__atomic_store_n(__LWQ_ONCE(x, _WQ_SIM_STORE), __lwq_v,	\
		    __ATOMIC_RELAXED);					\
	})
#else
#define	__LWQ_ONCE(x, kind)	(&(x))
#define	__LWQ_ONCE_STORE(x, v)						\
	__atomic_store_n(__LWQ_ONCE(x, _WQ_SIM_STORE), (v),		\
	    __ATOMIC_RELAXED)
#endif
#ifndef READ_ONCE
#define	READ_ONCE(x)							\
	__builtin_choose_expr(sizeof(x) <= sizeof(long),		\
	__atomic_load_n(__LWQ_ONCE(x, _WQ_SIM_LOAD), __ATOMIC_RELAXED),	\
	*(const volatile __typeof__(x) *)&(x))
#define	WRITE_ONCE(x, v)						\
	__builtin_choose_expr(sizeof(x) <= sizeof(long),		\
	__LWQ_ONCE_STORE(x, v),						\
	(void)(*(volatile __typeof__(x) *)&(x) = (v)))
#endif

/* The compiler keeps no memory in registers across this call. */
#define	barrier		lwq_barrier
void	barrier(void);

#endif	/* !_LWQ_LINUX_COMPILER_H_ */
