/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Static probes: named places in the code, for debuggers and tracers.  A probe
 * is a no-operation instruction.  A note, which gdb, perf, bpftrace and
 * SystemTap read, says where the probe and its arguments are.  The system's
 * <sys/sdt.h> makes the notes, for each architecture.  If that header is
 * missing when the library is built, a probe compiles to nothing.
 *
 * HOST_PROBEn(provider, name, a1 ... an): the arguments are integers or
 * pointers.
 */

#ifndef _HOST_HOST_PROBE_H_
#define	_HOST_HOST_PROBE_H_

#if defined(__ELF__) && defined(__has_include)
#if __has_include(<sys/sdt.h>)
/* Without this, clang stores an argument in memory only for the probe. */
#if defined(__clang__) && defined(__x86_64__)
#define	STAP_SDT_ARG_CONSTRAINT	nr
#endif
#include <sys/sdt.h>
#endif
#endif

#ifdef STAP_PROBE7
#define	HOST_PROBE1	STAP_PROBE1
#define	HOST_PROBE2	STAP_PROBE2
#define	HOST_PROBE3	STAP_PROBE3
#define	HOST_PROBE4	STAP_PROBE4
#define	HOST_PROBE5	STAP_PROBE5
#define	HOST_PROBE7	STAP_PROBE7
#else
#define	HOST_PROBE1(p, n, a)		((void)(a))
#define	HOST_PROBE2(p, n, a, b)		((void)(a), (void)(b))
#define	HOST_PROBE3(p, n, a, b, c)	((void)(a), (void)(b), (void)(c))
#define	HOST_PROBE4(p, n, a, b, c, d)					\
	((void)(a), (void)(b), (void)(c), (void)(d))
#define	HOST_PROBE5(p, n, a, b, c, d, e)				\
	((void)(a), (void)(b), (void)(c), (void)(d), (void)(e))
#define	HOST_PROBE7(p, n, a, b, c, d, e, f, g)				\
	((void)(a), (void)(b), (void)(c), (void)(d), (void)(e), (void)(f), \
	    (void)(g))
#endif

#endif	/* !_HOST_HOST_PROBE_H_ */
