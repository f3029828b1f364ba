/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * sdt(9), statically defined tracing: probes compile to nothing, and their
 * arguments are not evaluated.  See accepted(9).
 */

#ifndef _WQK_SYS_SDT_H_
#define	_WQK_SYS_SDT_H_

#ifdef __has_include_next
#if __has_include_next(<sys/sdt.h>)
#include_next <sys/sdt.h>
#endif
#endif

#define	__SDT_NOTHING	struct __wqk_nothing

#define	SDT_PROVIDER_DEFINE(prov)	__SDT_NOTHING
#define	SDT_PROVIDER_DECLARE(prov)	__SDT_NOTHING
#define	SDT_PROBE_DECLARE(prov, mod, func, name)	__SDT_NOTHING
#define	SDT_PROBE_DEFINE(prov, mod, func, name)		__SDT_NOTHING
#define	SDT_PROBE_ARGTYPE(prov, mod, func, name, num, t, xt) __SDT_NOTHING

#define	SDT_PROBE_DEFINE0(prov, mod, func, name)	__SDT_NOTHING
#define	SDT_PROBE_DEFINE1(prov, mod, func, name, ...)	__SDT_NOTHING
#define	SDT_PROBE_DEFINE2(prov, mod, func, name, ...)	__SDT_NOTHING
#define	SDT_PROBE_DEFINE3(prov, mod, func, name, ...)	__SDT_NOTHING
#define	SDT_PROBE_DEFINE4(prov, mod, func, name, ...)	__SDT_NOTHING
#define	SDT_PROBE_DEFINE5(prov, mod, func, name, ...)	__SDT_NOTHING
#define	SDT_PROBE_DEFINE6(prov, mod, func, name, ...)	__SDT_NOTHING
#define	SDT_PROBE_DEFINE7(prov, mod, func, name, ...)	__SDT_NOTHING
#define	SDT_PROBE_DEFINE1_XLATE(prov, mod, func, name, ...) __SDT_NOTHING
#define	SDT_PROBE_DEFINE2_XLATE(prov, mod, func, name, ...) __SDT_NOTHING
#define	SDT_PROBE_DEFINE3_XLATE(prov, mod, func, name, ...) __SDT_NOTHING
#define	SDT_PROBE_DEFINE4_XLATE(prov, mod, func, name, ...) __SDT_NOTHING
#define	SDT_PROBE_DEFINE5_XLATE(prov, mod, func, name, ...) __SDT_NOTHING
#define	SDT_PROBE_DEFINE6_XLATE(prov, mod, func, name, ...) __SDT_NOTHING
#define	SDT_PROBE_DEFINE7_XLATE(prov, mod, func, name, ...) __SDT_NOTHING

/* Mention the arguments, so that compilers do not warn of unused variables. */
#define	__SDT_USE1(a)			(void)(a)
#define	__SDT_USE2(a, b)		__SDT_USE1(a), (void)(b)
#define	__SDT_USE3(a, b, c)		__SDT_USE2(a, b), (void)(c)
#define	__SDT_USE4(a, b, c, d)		__SDT_USE3(a, b, c), (void)(d)
#define	__SDT_USE5(a, b, c, d, e)	__SDT_USE4(a, b, c, d), (void)(e)
#define	__SDT_USE6(a, b, c, d, e, f)	__SDT_USE5(a, b, c, d, e), (void)(f)
#define	__SDT_USE7(a, b, c, d, e, f, g)	__SDT_USE6(a, b, c, d, e, f), (void)(g)
#define	__SDT_PROBE(use) do {						\
	if (0)								\
		use;							\
} while (0)

#define	SDT_PROBE0(prov, mod, func, name)	((void)0)
#define	SDT_PROBE1(prov, mod, func, name, a)				\
	__SDT_PROBE((__SDT_USE1(a)))
#define	SDT_PROBE2(prov, mod, func, name, a, b)				\
	__SDT_PROBE((__SDT_USE2(a, b)))
#define	SDT_PROBE3(prov, mod, func, name, a, b, c)			\
	__SDT_PROBE((__SDT_USE3(a, b, c)))
#define	SDT_PROBE4(prov, mod, func, name, a, b, c, d)			\
	__SDT_PROBE((__SDT_USE4(a, b, c, d)))
#define	SDT_PROBE5(prov, mod, func, name, a, b, c, d, e)		\
	__SDT_PROBE((__SDT_USE5(a, b, c, d, e)))
#define	SDT_PROBE6(prov, mod, func, name, a, b, c, d, e, f)		\
	__SDT_PROBE((__SDT_USE6(a, b, c, d, e, f)))
#define	SDT_PROBE7(prov, mod, func, name, a, b, c, d, e, f, g)		\
	__SDT_PROBE((__SDT_USE7(a, b, c, d, e, f, g)))
#define	SDT_PROBE(prov, mod, func, name, a, b, c, d, e)			\
	__SDT_PROBE((__SDT_USE5(a, b, c, d, e)))

#define	SET_ERROR(error)	(error)

#endif	/* !_WQK_SYS_SDT_H_ */
