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
extern const int stathz;	/* as hz: nothing is sampled */
extern const int profhz;

/* 0: all of it has started.  No macro: it is a word of compilers, too. */
static const int cold __attribute__((__unused__)) = 0;

/* Ticks since the library's start; it wraps. */
int	getticks(void);

/* Let so many microseconds pass, without giving up anything held. */
void	delay(unsigned int);

/* Milliseconds to ticks and back, rounded towards 0. */
#ifndef mstohz
#define	mstohz(ms)							\
	((ms) >= 0x20000 ? ((ms) + 0u) / 1000u * (unsigned)hz :	\
	    ((ms) + 0u) * (unsigned)hz / 1000u)
#endif
#ifndef hztoms
#define	hztoms(t)							\
	((t) >= 0x20000 ? ((t) + 0u) / (unsigned)hz * 1000u :		\
	    ((t) + 0u) * 1000u / (unsigned)hz)
#endif

__WQ_END_DECLS

#endif	/* !_SYS_KERNEL_H_ */
