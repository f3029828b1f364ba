/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The compiler's features by the names that kernel sources use.  Definitions
 * of the host's header remain.
 */

#ifndef _WQK_SYS_CDEFS_H_
#define	_WQK_SYS_CDEFS_H_

#ifdef __has_include_next
#if __has_include_next(<sys/cdefs.h>)
#include_next <sys/cdefs.h>
#endif
#endif

/*
 * KASSERT(9) and code under #ifdef DIAGNOSTIC are compiled in unless
 * NDIAGNOSTIC is defined.
 */
#if defined(_KERNEL) && !defined(NDIAGNOSTIC) && !defined(DIAGNOSTIC)
#define	DIAGNOSTIC	1
#endif

/*
 * There is more than one CPU.
 */
#if defined(_KERNEL) && !defined(MULTIPROCESSOR)
#define	MULTIPROCESSOR	1
#endif

/* True if the compiler is GNU C of at least this version. */
#ifdef __GNUC__
#define	__GNUC_PREREQ__(x, y)						\
	((__GNUC__ == (x) && __GNUC_MINOR__ >= (y)) || __GNUC__ > (x))
#else
#define	__GNUC_PREREQ__(x, y)	0
#endif

#ifndef __BEGIN_DECLS
#ifdef __cplusplus
#define	__BEGIN_DECLS	extern "C" {
#define	__END_DECLS	}
#else
#define	__BEGIN_DECLS
#define	__END_DECLS
#endif
#endif

#ifndef __CONCAT
#define	__CONCAT1(x, y)	x ## y
#define	__CONCAT(x, y)	__CONCAT1(x, y)
#endif
#ifndef __STRING
#define	__STRING(x)	#x
#endif
#ifndef __P
#define	__P(args)	args
#endif
#define	___CONCAT(x, y)	x ## y
#define	__STRINGIFY(x)	__STRING(x)

/*
 * Identification strings, which do not go into the binary.
 */
#define	__WQK_NOTHING	struct __wqk_nothing
#define	__IDSTRING(name, string)	__WQK_NOTHING
#define	__RCSID(string)			__WQK_NOTHING
#define	__SCCSID(string)		__WQK_NOTHING
#define	__COPYRIGHT(string)		__WQK_NOTHING
#define	__KERNEL_RCSID(n, string)	__WQK_NOTHING
#define	__KERNEL_SCCSID(n, string)	__WQK_NOTHING
#define	__KERNEL_COPYRIGHT(n, string)	__WQK_NOTHING
#define	__FBSDID(string)		__WQK_NOTHING

/*
 * Attributes.
 */
#undef	__unused
#undef	__used
#undef	__packed
#undef	__aligned
#define	__unused	__attribute__((__unused__))
#define	__used		__attribute__((__used__))
#define	__packed	__attribute__((__packed__))
#define	__aligned(x)	__attribute__((__aligned__(x)))
#define	__section(x)	__attribute__((__section__(x)))
#ifndef __dead
#define	__dead		__attribute__((__noreturn__))
#endif
#ifndef __noinline
#define	__noinline	__attribute__((__noinline__))
#endif
#ifndef __always_inline
#define	__always_inline	__inline __attribute__((__always_inline__))
#endif
#define	__constfunc	__attribute__((__const__))
#ifndef __pure
#define	__pure		__attribute__((__pure__))
#endif
#ifndef __weak
#define	__weak		__attribute__((__weak__))
#endif
#define	__returns_twice	__attribute__((__returns_twice__))
#define	__transparent_union __attribute__((__transparent_union__))
#define	__noprofile	__attribute__((__no_instrument_function__))
#if defined(__has_attribute)
#if __has_attribute(__fallthrough__)
#define	__fallthrough	__attribute__((__fallthrough__))
#endif
#endif
#ifndef __fallthrough
#define	__fallthrough	/* FALLTHROUGH */
#endif
#ifdef __clang__
#define	__noubsan	__attribute__((__no_sanitize__("undefined")))
#define	__noasan	__attribute__((__no_sanitize__("address")))
#define	__nocsan	__attribute__((__no_sanitize__("thread")))
#else
#define	__noubsan	__attribute__((__no_sanitize_undefined__))
#define	__noasan	__attribute__((__no_sanitize_address__))
#define	__nocsan	__attribute__((__no_sanitize_thread__))
#endif
#define	__nomsan

#ifndef __printflike
#define	__printflike(f, a)						\
	__attribute__((__format__(__printf__, f, a)))
#endif
#define	__format_arg(f)	__attribute__((__format_arg__(f)))
#define	__sysloglike(f, a)						\
	__attribute__((__format__(__printf__, f, a)))
#define	__strftimelike(f)						\
	__attribute__((__format__(__strftime__, f, 0)))

/* Variables used only by assertions, and only by debugging code. */
#ifdef DIAGNOSTIC
#define	__diagused
#else
#define	__diagused	__unused
#endif
#ifdef DEBUG
#define	__debugused
#else
#define	__debugused	__unused
#endif

/* The placement of data, which has no effect here. */
#define	__read_mostly
#define	__read_frequently
#define	__cacheline_aligned __attribute__((__aligned__(64)))
#define	__exclusively_used __cacheline_aligned

/*
 * Symbol names.
 */
#define	__strong_alias(alias, sym)					\
	extern __typeof__(sym) alias __attribute__((__alias__(#sym)));
#define	__weak_alias(alias, sym)					\
	extern __typeof__(sym) alias					\
	    __attribute__((__weak__, __alias__(#sym)));
#define	__weakref_visible	static
#define	__weakref_alias(alias, sym)					\
	__attribute__((__weakref__(#sym)))
#define	__weak_reference(sym)	__attribute__((__weakref__(#sym)))
#define	__warn_references(sym, msg)
#define	__asm_label(name)	__asm__(name)
#ifndef __RENAME
#define	__RENAME(x)	__asm__(__STRING(x))
#endif

/* Sets of addresses that the linker collects: see <sys/module.h>. */
#define	__link_set_entry(set, sym, att)					\
	static const void *const __wqk_set_##set##_##sym		\
	    __attribute__((__used__, __section__("link_set_" #set))) =	\
	    (const void *)&sym
#define	__link_set_add_text(set, sym)	__link_set_entry(set, sym, )
#define	__link_set_add_rodata(set, sym)	__link_set_entry(set, sym, )
#define	__link_set_add_data(set, sym)	__link_set_entry(set, sym, )
#define	__link_set_add_bss(set, sym)	__link_set_entry(set, sym, )
#define	__link_set_decl(set, type)					\
	extern type *const __start_link_set_##set[] __weak;		\
	extern type *const __stop_link_set_##set[] __weak
#define	__link_set_start(set)	(__start_link_set_##set)
#define	__link_set_end(set)	(__stop_link_set_##set)
#define	__link_set_count(set)						\
	((size_t)(__link_set_end(set) - __link_set_start(set)))
#define	__link_set_foreach(pvar, set)					\
	for ((pvar) = __link_set_start(set);				\
	    (pvar) < __link_set_end(set); (pvar)++)

/*
 * Expressions.
 */
#ifndef __predict_true
#define	__predict_true(e)	__builtin_expect((e) != 0, 1)
#define	__predict_false(e)	__builtin_expect((e) != 0, 0)
#endif
#ifndef __arraycount
#define	__arraycount(a)	(sizeof(a) / sizeof((a)[0]))
#endif
#define	__nothing	((void)0)
#define	__insn_barrier()	__asm__ volatile("" ::: "memory")
#define	__unreachable()		__builtin_unreachable()
#ifndef __USE
#define	__USE(v)	((void)(v))
#endif

/* Remove a qualifier without a compiler warning. */
#define	__UNCONST(p)	((void *)(unsigned long)(const void *)(p))
#define	__UNVOLATILE(p)	((void *)(unsigned long)(volatile void *)(p))
#define	__unconst(p)	__UNCONST(p)
#define	__unvolatile(p)	__UNVOLATILE(p)
#define	__DECONST(t, p)	((t)__UNCONST(p))
#define	__DEVOLATILE(t, p) ((t)__UNVOLATILE(p))

/* Call a function through another function type. */
#define	__FPTRCAST(t, f)	((t)(void (*)(void))(f))

#ifdef __cplusplus
#define	__CTASSERT(x)	static_assert(x, #x)
#define	__static_cast(t, e)	static_cast<t>(e)
#else
#define	__CTASSERT(x)	_Static_assert(x, #x)
#define	__static_cast(t, e)	((t)(e))
#endif
#ifndef __offsetof
#define	__offsetof(t, m)	__builtin_offsetof(t, m)
#endif
#define	__alignof(t)	__alignof__(t)

/* Bits: the nth; those from m to n; extract and insert a field. */
#define	__BIT(n)							\
	((__UINTMAX_TYPE__)((n) >= 64 ? 0 :				\
	    (__UINTMAX_TYPE__)1 << ((n) & 63)))
#define	__BITS(m, n)							\
	((__BIT((((m) > (n)) ? (m) : (n)) + 1) - 1) ^			\
	    (__BIT(((m) < (n)) ? (m) : (n)) - 1))
#define	__LOWEST_SET_BIT(mask)	((((mask) - 1) & (mask)) ^ (mask))
#define	__SHIFTOUT(x, mask)	(((x) & (mask)) / __LOWEST_SET_BIT(mask))
#define	__SHIFTIN(x, mask)	((x) * __LOWEST_SET_BIT(mask))
#define	__SHIFTOUT_MASK(mask)	__SHIFTOUT((mask), (mask))
#define	__PRIxBIT	__PRIxBITS
#define	__PRIxBITS	"jx"

/* The limits of an integer type. */
#define	__type_is_signed(t)	((t)-1 < (t)1)
#define	__TYPE_IS_SIGNED(t)	__type_is_signed(t)
#define	__type_mask(t)							\
	((t)(sizeof(t) < sizeof(__INTMAX_TYPE__) ?			\
	    (((__UINTMAX_TYPE__)1 << (sizeof(t) * 8 % 64)) - 1) :	\
	    ~(__UINTMAX_TYPE__)0))
#define	__type_max_s(t)							\
	((t)((__UINTMAX_TYPE__)__INTMAX_MAX__ >>			\
	    ((sizeof(__INTMAX_TYPE__) - sizeof(t)) * 8)))
#define	__type_max_u(t)		((t)~(t)0)
#define	__type_max(t)							\
	(__type_is_signed(t) ? __type_max_s(t) : __type_max_u(t))
#define	__type_min(t)							\
	(__type_is_signed(t) ? (t)(-__type_max_s(t) - 1) : (t)0)
#define	__type_fit(t, a)						\
	(__type_is_signed(t) ?						\
	    (__INTMAX_TYPE__)(a) >= (__INTMAX_TYPE__)__type_min(t) &&	\
	    (__INTMAX_TYPE__)(a) <= (__INTMAX_TYPE__)__type_max(t) :	\
	    ((a) >= 0 &&						\
	    (__UINTMAX_TYPE__)(a) <= (__UINTMAX_TYPE__)__type_max_u(t)))

#endif	/* !_WQK_SYS_CDEFS_H_ */
