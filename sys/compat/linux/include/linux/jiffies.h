/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Time in ticks of 1 / HZ seconds.
 */

#ifndef _LWQ_LINUX_JIFFIES_H_
#define	_LWQ_LINUX_JIFFIES_H_

#include <limits.h>

#define	HZ		100
#define	MAX_JIFFY_OFFSET ((LONG_MAX >> 1) - 1)

/* The ticks since the start of the library. */
#define	jiffies		(lwq_jiffies())
unsigned long lwq_jiffies(void);

#define	time_after(a, b)	((long)((b) - (a)) < 0)
#define	time_before(a, b)	time_after(b, a)
#define	time_after_eq(a, b)	((long)((a) - (b)) >= 0)
#define	time_before_eq(a, b)	time_after_eq(b, a)

/*
 * Convert to ticks, rounded up.  A value that is negative as an int means
 * forever.
 */
static inline unsigned long
msecs_to_jiffies(unsigned int ms)
{

	if ((int)ms < 0)
		return MAX_JIFFY_OFFSET;
	return ((unsigned long)ms + 1000 / HZ - 1) / (1000 / HZ);
}

static inline unsigned long
usecs_to_jiffies(unsigned int us)
{

	return us / (1000000 / HZ) + (us % (1000000 / HZ) != 0);
}

static inline unsigned int
jiffies_to_msecs(unsigned long j)
{

	return (unsigned int)(j * (1000 / HZ));
}

static inline unsigned int
jiffies_to_usecs(unsigned long j)
{

	return (unsigned int)(j * (1000000 / HZ));
}

#define	round_jiffies(j)		(j)
#define	round_jiffies_relative(j)	(j)

#endif	/* !_LWQ_LINUX_JIFFIES_H_ */
