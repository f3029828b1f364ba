/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Jiffies, and sleeps in jiffies.
 */

#include "linux_var.h"

#include <sys/kernel.h>
#include <sys/proc.h>
#include <sys/timevar.h>

#include <linux/delay.h>

#include <time.h>

_Static_assert(HZ == KERN_HZ, "HZ");

__lwq_public unsigned long
lwq_jiffies(void)
{
	struct timespec ts;

	nanouptime(&ts);
	return (unsigned long)ts.tv_sec * HZ +
	    (unsigned long)ts.tv_nsec / LWQ_JIFFY_NS;
}

/*
 * A timeout begins now.  Return the jiffy at which it ends.
 */
unsigned long
lwq_timeout_end(long timeout)
{

	return jiffies + (unsigned long)timeout;
}

/*
 * Sleep on a condition variable, at most until the jiffy "end".  Return how
 * many jiffies are left.
 */
long
lwq_timedwait(kcondvar_t *cv, kmutex_t *mtx, unsigned long end)
{
	long left;

	KASSERT(mutex_owned(mtx));
	left = (long)(end - jiffies);
	if (left <= 0)
		return 0;
	(void)cv_timedwait(cv, mtx, left > INT32_MAX ? INT32_MAX : (int)left);
	left = (long)(end - jiffies);
	return left > 0 ? left : 0;
}

__lwq_public void
msleep(unsigned int ms)
{

	/*
	 * kpause() counts from now, so do not add a tick for the one that has
	 * begun.
	 */
	(void)wqk_kpause("msleep", false, ms == 0 ? 1 :
	    (int)(ms / (1000 / HZ) + (ms % (1000 / HZ) != 0)), NULL);
}

__lwq_public void
udelay(unsigned long us)
{

	while (us > 1000000) {
		wqk_delay(1000000);
		us -= 1000000;
	}
	wqk_delay((unsigned int)us);
}
