/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Types of kernel sources, beside the host's own <linux/types.h>.
 */

#ifndef _LWQ_LINUX_TYPES_H_
#define	_LWQ_LINUX_TYPES_H_

#if defined(__has_include_next)
#if __has_include_next(<linux/types.h>)
#include_next <linux/types.h>
#endif
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint8_t		u8;
typedef uint16_t	u16;
typedef uint32_t	u32;
typedef uint64_t	u64;
typedef int8_t		s8;
typedef int16_t		s16;
typedef int32_t		s32;
typedef int64_t		s64;
typedef unsigned int	gfp_t;

/* What is read and written by more than one thread. */
typedef struct {
	int	counter;
} atomic_t;

#define	ATOMIC_INIT(i)	{ (i) }

static inline int
atomic_read(const atomic_t *v)
{

	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);
}

static inline void
atomic_set(atomic_t *v, int i)
{

	__atomic_store_n(&v->counter, i, __ATOMIC_RELAXED);
}

static inline int
atomic_add_return(int i, atomic_t *v)
{

	return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST);
}

static inline void
atomic_inc(atomic_t *v)
{

	(void)__atomic_add_fetch(&v->counter, 1, __ATOMIC_RELAXED);
}

static inline void
atomic_dec(atomic_t *v)
{

	(void)__atomic_sub_fetch(&v->counter, 1, __ATOMIC_RELAXED);
}

static inline int
atomic_dec_and_test(atomic_t *v)
{

	return __atomic_sub_fetch(&v->counter, 1, __ATOMIC_SEQ_CST) == 0;
}

#endif	/* !_LWQ_LINUX_TYPES_H_ */
