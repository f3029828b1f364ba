/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _LWQ_LINUX_KERNEL_H_
#define	_LWQ_LINUX_KERNEL_H_

#if defined(__has_include_next)
#if __has_include_next(<linux/kernel.h>)
#include_next <linux/kernel.h>
#endif
#endif

#include <linux/printk.h>
#include <linux/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifndef container_of
#define	container_of(p, type, member)					\
	((type *)(void *)((char *)(p) - offsetof(type, member) +	\
	    0 * sizeof((p) == &((type *)0)->member)))
#endif

#define	ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#ifndef DIV_ROUND_UP
#define	DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#endif
#ifndef likely
#define	likely(x)	__builtin_expect(!!(x), 1)
#define	unlikely(x)	__builtin_expect(!!(x), 0)
#endif

/* Whichever header comes last has its own, which does the same. */
#undef panic
#define	panic		lwq_panic
void	panic(const char *, ...) __attribute__((__noreturn__,
	    __format__(__printf__, 1, 2)));

#define	might_sleep()	((void)0)

/* May the caller not sleep? */
#define	in_interrupt	lwq_in_interrupt
int	in_interrupt(void);

#endif	/* !_LWQ_LINUX_KERNEL_H_ */
