/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Messages of Linux.
 */

#include "linux_var.h"

#include <linux/kernel.h>

/*
 * With this function a program that uses the Linux interface needs no other
 * library.  wqk_panic() has as much room for the message as buf.
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

	/* An optional "<n>" is the level. */
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
