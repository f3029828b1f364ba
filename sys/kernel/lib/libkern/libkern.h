/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The small functions of the kernel's C library.
 */

#ifndef _WQK_LIBKERN_H_
#define	_WQK_LIBKERN_H_

#include <sys/types.h>
#include <sys/systm.h>
#include <sys/container_of.h>
#include <sys/wq_libkern.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

__WQ_BEGIN_DECLS

#define	__LIBKERN_MINMAX(p, t)						\
static __inline __unused t						\
p##min(t a, t b)							\
{									\
\
	return a < b ? a : b;						\
}									\
static __inline __unused t						\
p##max(t a, t b)							\
{									\
\
	return a > b ? a : b;						\
}
__LIBKERN_MINMAX(i, int)
__LIBKERN_MINMAX(l, long)
__LIBKERN_MINMAX(ui, unsigned int)
__LIBKERN_MINMAX(ul, unsigned long)
#ifndef __cplusplus
__LIBKERN_MINMAX(, unsigned int)
#endif
#undef __LIBKERN_MINMAX

/* The host's string.h, included above, may declare these, too. */
#define	strlcpy	wqk_strlcpy
#define	strlcat	wqk_strlcat
#define	consttime_memequal wqk_consttime_memequal
#define	explicit_memset	wqk_explicit_memset

/* Count the bits set.  <sys/bitops.h> defines the last two as well. */
#define	popcount(n)	((unsigned)__builtin_popcount(n))
#define	popcountl(n)	((unsigned)__builtin_popcountl(n))
#define	popcountll(n)	((unsigned)__builtin_popcountll(n))
#define	popcount32(n)	__builtin_popcount(n)
#define	popcount64(n)	__builtin_popcountll(n)

/* <assert.h> of the C library, if included later, replaces this. */
#ifndef assert
#ifdef NDEBUG
#define	assert(e)	((void)0)
#else
#define	assert(e)							\
	(__wq_predict_false(!(e)) ?					\
	    kern_assert(__WQ_KASSERTSTR, "", #e, __FILE__, __LINE__) :	\
	    (void)0)
#endif
#endif

#ifndef __assert_unreachable
#define	__assert_unreachable()	panic("%s: unreachable", __func__)
#endif

__WQ_END_DECLS

#endif	/* !_WQK_LIBKERN_H_ */
