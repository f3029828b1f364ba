/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Plain accesses of the library, in the simulator.
 *
 * A thread may store a word atomically and then access it plainly, for example
 * while it holds the lock of the word.  But a plain access does not see the
 * thread's store buffer.  So the sources above the host are compiled with
 * -fsanitize=thread.  The compiler then calls a function before each plain
 * access.  This file defines these functions, in place of ThreadSanitizer.  If
 * the buffer has a store to the same memory, they drain the buffer.  This is
 * correct, because the strategy may drain it at any time.
 *
 * The compiler also replaces each atomic operation by a function call.  The
 * functions here do the operation.  Since version 16, clang does so for
 * memcpy(3), memmove(3) and memset(3), too.  Older versions and gcc do not
 * replace these three, so sim_plain.h does.
 *
 * A program may have the functions of ThreadSanitizer, so the functions here
 * are not exported.  Each library that is built on libworkqueue has its own
 * copy of them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <host/sim.h>
#include <host/sim_plain.h>

/* This file calls the real functions. */
#undef	memcpy
#undef	memmove
#undef	memset

static inline void
plain(const volatile void *p, size_t size)
{

#ifdef SIM_PLAIN_OUTSIDE
	wqk_simplain(p, size);
#else
	if (__builtin_expect(sim.sim_nstores != 0, 0))
		wqk_simplain(p, size);
#endif
}

#define	PLAIN(n)							\
	void __tsan_read##n(void *);					\
	void __tsan_write##n(void *);					\
	void __tsan_unaligned_read##n(void *);				\
	void __tsan_unaligned_write##n(void *);				\
	void __tsan_read##n(void *p) { plain(p, n); }			\
	void __tsan_write##n(void *p) { plain(p, n); }			\
	void __tsan_unaligned_read##n(void *p) { plain(p, n); }		\
	void __tsan_unaligned_write##n(void *p) { plain(p, n); }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void	__tsan_init(void);
void	__tsan_func_entry(void *);
void	__tsan_func_exit(void);
void	__tsan_read_range(void *, size_t);
void	__tsan_write_range(void *, size_t);

void
__tsan_init(void)
{

}

void
__tsan_func_entry(void *pc)
{

	(void)pc;
}

void
__tsan_func_exit(void)
{

}

void
__tsan_read_range(void *p, size_t size)
{

	plain(p, size);
}

void
__tsan_write_range(void *p, size_t size)
{

	plain(p, size);
}

void *
__tsan_memcpy(void *dst, const void *src, size_t size)
{

	plain(src, size);
	plain(dst, size);
	return memcpy(dst, src, size);
}

void *
__tsan_memmove(void *dst, const void *src, size_t size)
{

	plain(src, size);
	plain(dst, size);
	return memmove(dst, src, size);
}

void *
__tsan_memset(void *dst, int c, size_t size)
{

	plain(dst, size);
	return memset(dst, c, size);
}

/*
 * Atomic operations.  sim_access() has applied the memory order already.  The
 * functions here are sequentially consistent in any case.  This has no effect,
 * because only the thread with the baton runs.
 */
#define	SEQ		__ATOMIC_SEQ_CST

#define	RMW(n, op)							\
	uint##n##_t __tsan_atomic##n##_##op(volatile uint##n##_t *,	\
	    uint##n##_t, int);						\
	uint##n##_t							\
	__tsan_atomic##n##_##op(volatile uint##n##_t *p, uint##n##_t v,	\
	    int order)							\
	{								\
									\
		(void)order;						\
		return __atomic_##op(p, v, SEQ);			\
	}

#define	CAS(n, how)							\
	int __tsan_atomic##n##_compare_exchange_##how(			\
	    volatile uint##n##_t *, uint##n##_t *, uint##n##_t, int, int); \
	int								\
	__tsan_atomic##n##_compare_exchange_##how(			\
	    volatile uint##n##_t *p, uint##n##_t *op, uint##n##_t v,	\
	    int order, int failure)					\
	{								\
									\
		(void)order;						\
		(void)failure;						\
		return __atomic_compare_exchange_n(p, op, v, false,	\
		    SEQ, SEQ);						\
	}

#define	__atomic_exchange	__atomic_exchange_n
#define	ATOMIC(n)							\
	uint##n##_t __tsan_atomic##n##_load(				\
	    const volatile uint##n##_t *, int);				\
	void __tsan_atomic##n##_store(volatile uint##n##_t *,		\
	    uint##n##_t, int);						\
	uint##n##_t __tsan_atomic##n##_compare_exchange_val(		\
	    volatile uint##n##_t *, uint##n##_t, uint##n##_t, int, int); \
	uint##n##_t							\
	__tsan_atomic##n##_load(const volatile uint##n##_t *p, int order) \
	{								\
									\
		(void)order;						\
		return __atomic_load_n(p, SEQ);				\
	}								\
	void								\
	__tsan_atomic##n##_store(volatile uint##n##_t *p,		\
	    uint##n##_t v, int order)					\
	{								\
									\
		(void)order;						\
		__atomic_store_n(p, v, SEQ);				\
	}								\
	uint##n##_t							\
	__tsan_atomic##n##_compare_exchange_val(			\
	    volatile uint##n##_t *p, uint##n##_t o, uint##n##_t v,	\
	    int order, int failure)					\
	{								\
									\
		(void)order;						\
		(void)failure;						\
		(void)__atomic_compare_exchange_n(p, &o, v, false,	\
		    SEQ, SEQ);						\
		return o;						\
	}								\
	RMW(n, exchange)						\
	RMW(n, fetch_add)						\
	RMW(n, fetch_sub)						\
	RMW(n, fetch_and)						\
	RMW(n, fetch_or)						\
	RMW(n, fetch_xor)						\
	CAS(n, strong)							\
	CAS(n, weak)
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void	__tsan_atomic_thread_fence(int);
void	__tsan_atomic_signal_fence(int);

void
__tsan_atomic_thread_fence(int order)
{

	(void)order;
	__atomic_thread_fence(SEQ);
}

void
__tsan_atomic_signal_fence(int order)
{

	(void)order;
	__atomic_signal_fence(SEQ);
}
