/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _LWQ_LINUX_DELAY_H_
#define	_LWQ_LINUX_DELAY_H_

#define	msleep		lwq_msleep
#define	udelay		lwq_udelay
#define	mdelay(ms)	udelay((ms) * 1000ul)
#define	ssleep(s)	msleep((s) * 1000u)

/* Sleep for at least ms milliseconds.  Spin for us microseconds. */
void	msleep(unsigned int);
void	udelay(unsigned long);

static inline void
usleep_range(unsigned long min, unsigned long max)
{

	(void)max;
	msleep((unsigned int)((min + 999) / 1000));
}

#endif	/* !_LWQ_LINUX_DELAY_H_ */
