/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Static probes: a place in the code with a name, and where its arguments are
 * found there, for debuggers and tracers.  A probe that nobody watches is a
 * no-operation.  The description is a note of the kind "stapsdt", which gdb,
 * perf, bpftrace and SystemTap read; elsewhere a probe is nothing.
 *
 * HOST_PROBEn(provider, name, a1 ... an): names are strings, arguments are
 * integers or pointers.
 */

#ifndef _HOST_HOST_PROBE_H_
#define	_HOST_HOST_PROBE_H_

#if defined(__ELF__) && defined(__x86_64__) && !defined(HOST_SIM)
/*
 * The note: sizes and type; the owner; where the probe is, the base that
 * tells how far the file was moved, no semaphore; three strings.
 */
#define	HOST_PROBE_NOTE(provider, name, args)				\
	"990:	nop\n"							\
	"	.pushsection .note.stapsdt,\"\",\"note\"\n"		\
	"	.balign 4\n"						\
	"	.4byte 992f-991f, 994f-993f, 3\n"			\
	"991:	.asciz \"stapsdt\"\n"					\
	"992:	.balign 4\n"						\
	"993:	.8byte 990b\n"						\
	"	.8byte _.stapsdt.base\n"				\
	"	.8byte 0\n"						\
	"	.asciz \"" provider "\"\n"				\
	"	.asciz \"" name "\"\n"					\
	"	.asciz \"" args "\"\n"					\
	"994:	.balign 4\n"						\
	"	.popsection\n"						\
	"	.ifndef _.stapsdt.base\n"				\
	"	.pushsection .stapsdt.base,\"aG\",\"progbits\","	\
	".stapsdt.base,comdat\n"					\
	"	.weak _.stapsdt.base\n"					\
	"	.hidden _.stapsdt.base\n"				\
	"_.stapsdt.base: .space 1\n"					\
	"	.size _.stapsdt.base, 1\n"				\
	"	.popsection\n"						\
	"	.endif\n"

#define	__HP(a)		"r" ((unsigned long)(a))
#define	HOST_PROBE1(p, n, a)						\
	__asm volatile(HOST_PROBE_NOTE(p, n, "8@%0") :: __HP(a))
#define	HOST_PROBE2(p, n, a, b)						\
	__asm volatile(HOST_PROBE_NOTE(p, n, "8@%0 8@%1")		\
	    :: __HP(a), __HP(b))
#define	HOST_PROBE3(p, n, a, b, c)					\
	__asm volatile(HOST_PROBE_NOTE(p, n, "8@%0 8@%1 8@%2")		\
	    :: __HP(a), __HP(b), __HP(c))
#define	HOST_PROBE4(p, n, a, b, c, d)					\
	__asm volatile(HOST_PROBE_NOTE(p, n, "8@%0 8@%1 8@%2 8@%3")	\
	    :: __HP(a), __HP(b), __HP(c), __HP(d))
#define	HOST_PROBE7(p, n, a, b, c, d, e, f, g)				\
	__asm volatile(HOST_PROBE_NOTE(p, n,				\
	    "8@%0 8@%1 8@%2 8@%3 8@%4 8@%5 8@%6")			\
	    :: __HP(a), __HP(b), __HP(c), __HP(d), __HP(e), __HP(f), __HP(g))
#else
#define	HOST_PROBE1(p, n, a)		((void)(a))
#define	HOST_PROBE2(p, n, a, b)		((void)(a), (void)(b))
#define	HOST_PROBE3(p, n, a, b, c)	((void)(a), (void)(b), (void)(c))
#define	HOST_PROBE4(p, n, a, b, c, d)					\
	((void)(a), (void)(b), (void)(c), (void)(d))
#define	HOST_PROBE7(p, n, a, b, c, d, e, f, g)				\
	((void)(a), (void)(b), (void)(c), (void)(d), (void)(e), (void)(f), \
	    (void)(g))
#endif

#endif	/* !_HOST_HOST_PROBE_H_ */
