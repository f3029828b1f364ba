/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The small things that sources written for Linux lean on.
 */

#include "linux_var.h"

#include <sys/kernel.h>
#include <sys/proc.h>
#include <sys/timevar.h>

#include <linux/delay.h>

#include <time.h>

_Static_assert(HZ == KERN_HZ, "HZ");

/*
 * So that a program of this face needs no other library.  wqk_panic() has as
 * much room as this.
 */
__lwq_public void
panic(const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	(void)wqk_vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	wqk_panic("%s", buf);
}

__lwq_public int
printk(const char *fmt, ...)
{
	va_list ap;
	int len, level;

	/* "<n>" in front, or none. */
	level = 6;
	if (fmt[0] == '<' && fmt[1] >= '0' && fmt[1] <= '7' && fmt[2] == '>') {
		level = fmt[1] - '0';
		fmt += 3;
	}
	va_start(ap, fmt);
	len = wqk_vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	va_start(ap, fmt);
	if (level <= 4)
		wqk_vlog(level, fmt, ap);
	else
		wqk_vprintf(fmt, ap);
	va_end(ap);
	return len;
}

__lwq_public bool
lwq_once(int *done)
{

	return atomic_swap_relaxed(done, 1) == 0;
}

__lwq_public unsigned long
lwq_jiffies(void)
{
	struct timespec ts;

	nanouptime(&ts);
	return (unsigned long)ts.tv_sec * HZ +
	    (unsigned long)ts.tv_nsec / (1000000000 / HZ);
}

__lwq_public int
in_interrupt(void)
{

	return cpu_intr_p() || cpu_softintr_p();
}

__lwq_public void
msleep(unsigned int ms)
{
	unsigned long end;
	long left;

	/* No earlier, so the tick that has begun does not count. */
	end = jiffies + msecs_to_jiffies(ms) + 1;
	while ((left = (long)(end - jiffies)) > 0)
		(void)wqk_kpause("msleep", false,
		    left > INT32_MAX ? INT32_MAX : (int)left, NULL);
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
