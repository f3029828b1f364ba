/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Attributes, assertions and constants for all files of sys/kern.  Everything
 * else is declared in the header of the file that defines it.
 *
 * In the comments on fields and variables, (a) means that accesses are atomic.
 * A lock in parentheses, such as (intr_lock), guards the field.
 */

#ifndef _KERN_KERN_H_
#define	_KERN_KERN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/atomic.h>
#include <sys/systm.h>
#include <sys/wq_types.h>

#include <host/host.h>

/*
 * Without a compare-and-swap of 64 bits, libatomic takes a lock, on which a
 * handler could deadlock.
 */
#if __GCC_ATOMIC_LLONG_LOCK_FREE != 2
#error This machine has no compare-and-swap of 64 bits.
#endif

#define	KERN_CACHELINE	64
#define	__kern_aligned	__attribute__((__aligned__(KERN_CACHELINE)))
#define	__kern_public	__attribute__((__visibility__("default")))
#define	__kern_hidden	__attribute__((__visibility__("hidden")))
#define	__kern_hot	__host_hot
#define	__kern_noinline	__attribute__((__noinline__))
#define	__predict_false(x) __builtin_expect(!!(x), 0)
#define	__predict_true(x)  __builtin_expect(!!(x), 1)
#define	__arraycount(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * Convert seconds and nanoseconds to nanoseconds.  Return INT64_MAX or
 * INT64_MIN on overflow.  The arguments have 64 bits, because time_t may have
 * only 32.
 */
static inline int64_t
kern_ts2ns(int64_t sec, int64_t nsec)
{
	int64_t ns;

	if (__builtin_mul_overflow(sec, INT64_C(1000000000), &ns) ||
	    __builtin_add_overflow(ns, nsec, &ns))
		return sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

/* Tell AddressSanitizer which mapped memory must not be accessed. */
#if defined(__SANITIZE_ADDRESS__)
#define	KERN_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define	KERN_ASAN
#endif
#endif
#ifdef KERN_ASAN
void	__asan_poison_memory_region(void const volatile *, size_t);
void	__asan_unpoison_memory_region(void const volatile *, size_t);
#define	KERN_POISON(p, n)	__asan_poison_memory_region((p), (n))
#define	KERN_UNPOISON(p, n)	__asan_unpoison_memory_region((p), (n))
#define	KERN_NOASAN	__attribute__((__no_sanitize_address__))
#else
#define	KERN_POISON(p, n)	((void)(p), (void)(n))
#define	KERN_UNPOISON(p, n)	((void)(p), (void)(n))
#define	KERN_NOASAN
#endif

/*
 * The library's own assertions.  KASSERTMSG() reports an error of the client.
 * It prints neither the expression nor the source file, because these would not
 * help the client.  KASSERT() reports an error of the library.
 */
#undef KASSERT
#undef KASSERTMSG
#define	KASSERT(e)							\
	(__predict_false(!(e)) ? panic("internal error: %s: %s",	\
	    __func__, #e) : (void)0)
#define	KASSERTMSG(e, ...)						\
	(__predict_false(!(e)) ? panic(__VA_ARGS__) : (void)0)

#ifndef MAXCOMLEN
#define	MAXCOMLEN	16		/* size of a name, with its NUL */
#endif

#define	KERN_HZ	100		/* ticks per second */
#define	KERN_TICK_NS	(1000000000 / KERN_HZ)

#endif	/* !_KERN_KERN_H_ */
