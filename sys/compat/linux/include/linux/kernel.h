/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _LWQ_LINUX_KERNEL_H_
#define	_LWQ_LINUX_KERNEL_H_

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/lwq_host_kernel.h>
#include <linux/printk.h>
#include <linux/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define	ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#ifndef DIV_ROUND_UP
#define	DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#endif

/* Each argument is evaluated once; min() and max() require equal types. */
#define	_LWQ_PICK(t, a, op, u, b)	__extension__ ({		\
	t __lwq_a = (a);						\
	u __lwq_b = (b);						\
	(void)sizeof(&__lwq_a == &__lwq_b);				\
	__lwq_a op __lwq_b ? __lwq_a : __lwq_b; })
#ifndef min
#define	min(a, b)	_LWQ_PICK(__typeof__(a), a, <, __typeof__(b), b)
#define	max(a, b)	_LWQ_PICK(__typeof__(a), a, >, __typeof__(b), b)
#endif
#define	min_t(t, a, b)	_LWQ_PICK(t, (t)(a), <, t, (t)(b))
#define	max_t(t, a, b)	_LWQ_PICK(t, (t)(a), >, t, (t)(b))
#define	clamp_t(t, x, lo, hi)	min_t(t, max_t(t, x, lo), hi)
#define	clamp(x, lo, hi)	clamp_t(__typeof__(x), x, lo, hi)
#define	swap(a, b)							\
	do {								\
		__typeof__(a) __lwq_swap = (a);				\
		(a) = (b);						\
		(b) = __lwq_swap;					\
	} while (0)

#define	might_sleep()	((void)0)

/* Return true in an interrupt or a soft interrupt, where nothing may sleep. */
#define	in_interrupt	lwq_in_interrupt
int	in_interrupt(void);

#endif	/* !_LWQ_LINUX_KERNEL_H_ */
