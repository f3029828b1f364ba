/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * hz(9), delay(9): the kernel's clock in ticks.
 */

#ifndef _SYS_KERNEL_H_
#define	_SYS_KERNEL_H_

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

#define	hz		wqk_hz
#define	tick		wqk_tick
#define	stathz		wqk_stathz
#define	profhz		wqk_profhz
#define	getticks	wqk_getticks
#define	hardclock_ticks	(wqk_getticks())
#define	delay		wqk_delay
#define	DELAY(us)	delay(us)

extern const int hz;		/* ticks in a second */
extern const int tick;		/* microseconds in a tick */
extern const int stathz;	/* equals hz: nothing is sampled */
extern const int profhz;

/*
 * Always 0, because the library has started.  This is not a macro, because
 * compilers have an attribute "cold".
 */
static const int cold __attribute__((__unused__)) = 0;

/* Return the ticks since the library's start.  The value wraps. */
int	getticks(void);

/* Wait for the given number of microseconds without releasing a lock. */
void	delay(unsigned int);

/*
 * Convert milliseconds to ticks and back, rounded towards 0.  hztoms() returns
 * UINT_MAX if the result does not fit.
 */
#ifndef mstohz
#define	mstohz(ms)							\
	((ms) + 0u >= 0x20000u ? ((ms) + 0u) / 1000u * (unsigned)hz :	\
	    ((ms) + 0u) * (unsigned)hz / 1000u)
#endif
#ifndef hztoms
#define	hztoms(t)							\
	((t) + 0u >= ~0u / 1000u * (unsigned)hz ? ~0u :			\
	    (t) + 0u >= 0x20000u ? ((t) + 0u) / (unsigned)hz * 1000u :	\
	    ((t) + 0u) * 1000u / (unsigned)hz)
#endif

__WQ_END_DECLS

#endif	/* !_SYS_KERNEL_H_ */
