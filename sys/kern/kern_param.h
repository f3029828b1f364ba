/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Settings from the environment, and the macros that test them.
 */

#ifndef _KERN_KERN_PARAM_H_
#define	_KERN_KERN_PARAM_H_

#include "kern.h"
#include "subr_prf.h"

/*
 * kern_param_init() and wqtrace_init() set these from the environment before
 * any other thread can be inside the library.  After that they are read-only,
 * except that a forked child clears kern_tracing.
 */
extern int	kern_checking;		/* WORKQUEUE_CHECK: 0, 1, 2 strict */
extern bool	kern_tracing;		/* WORKQUEUE_TRACE */
extern bool	kern_slow;		/* any of checking, watched, tracing */
extern bool	kern_lend;		/* WORKQUEUE_LEND */
extern bool	kern_realtime;		/* WORKQUEUE_RT */
extern int64_t	kern_spin;		/* WORKQUEUE_SPIN, in nanoseconds */
#define	KERN_SPINMAX	1000		/* its maximum, in microseconds */
extern int64_t	kern_watchdog;		/* WORKQUEUE_WATCHDOG, in nanoseconds */
#define	KERN_WATCHMAX	86400		/* its maximum, in seconds */

extern int	kern_verbose;		/* WORKQUEUE_VERBOSE: 0, 1, 2 debug */
void	kern_param_init(void);

#define	KERN_CHECKING()	__predict_false(kern_checking != 0)

/*
 * KERN_TRACING() is true if the process writes a trace.  A hot path does not
 * test KERN_TRACING().  It tests KERN_SLOW(), or nothing: an object that is
 * created while KERN_SLOW() is true has no fast path.
 */
#define	KERN_TRACING()	__predict_false(kern_tracing)
#define	KERN_SLOW()	__predict_false(kern_slow)

/* Make a call in checking mode only. */
#define	KERN_CHECK(call) do {						\
	if (KERN_CHECKING())						\
		call;							\
} while (0)

/*
 * Report a suspicious call that a kernel accepts even with all its checks.  In
 * strict mode, panic.  Otherwise print a line, once for each use of the macro.
 */
#define	KERN_STRICT()	__predict_false(kern_checking > 1)
#define	KERN_SUSPECT(...) do {						\
	static int kern_said;						\
									\
	if (KERN_STRICT() || atomic_load_relaxed(&kern_said) == 0)	\
		kern_suspect(&kern_said, __VA_ARGS__);			\
} while (0)

/*
 * True if a tool watches the client: see host.h.  A fast path does not test
 * this, because it must not become slower.  Instead, the code that creates an
 * object disables the fast path of the object if KERN_WATCHED() is true.
 */
#define	KERN_WATCHED()	__predict_false(host_watched != 0)

/*
 * Tell a tool about memory ordering.  The client's accesses before
 * KERN_BEFORE(p) happen before its accesses after a later KERN_AFTER(p).
 */
#define	KERN_BEFORE(p) do {						\
	if (KERN_WATCHED())						\
		host_happens_before(p);					\
} while (0)
#define	KERN_AFTER(p) do {						\
	if (KERN_WATCHED())						\
		host_happens_after(p);					\
} while (0)
#define	KERN_UNWATCHED(p, n) do {					\
	if (KERN_WATCHED())						\
		host_unwatched((p), (n));				\
} while (0)

#endif	/* !_KERN_KERN_PARAM_H_ */
