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

/* A warning where it is true, which is their value; or the end. */
#define	_LWQ_WARN(c, first)	__extension__ ({			\
	static int __lwq_warned;					\
	bool __lwq_bad = !!(c);						\
	if (__lwq_bad && ((first) == 0 || lwq_once(&__lwq_warned)))	\
		(void)printk(KERN_WARNING "WARNING: %s:%d: %s: %s\n",	\
		    __FILE__, __LINE__, __func__, #c);			\
	__lwq_bad; })
#define	WARN_ON(c)		_LWQ_WARN(c, 0)
#define	WARN_ON_ONCE(c)		_LWQ_WARN(c, 1)
#define	BUG()		panic("BUG: %s:%d: %s", __FILE__, __LINE__, __func__)
#define	BUG_ON(c)							\
	do {								\
		if (unlikely(c))					\
			BUG();						\
	} while (0)

#ifndef READ_ONCE
#define	READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#define	WRITE_ONCE(x, v) ((void)(*(volatile __typeof__(x) *)&(x) = (v)))
#endif

#define	might_sleep()	((void)0)

/* May the caller not sleep? */
#define	in_interrupt	lwq_in_interrupt
int	in_interrupt(void);

#endif	/* !_LWQ_LINUX_KERNEL_H_ */
