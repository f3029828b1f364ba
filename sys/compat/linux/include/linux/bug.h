/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _LWQ_LINUX_BUG_H_
#define	_LWQ_LINUX_BUG_H_

#include <linux/compiler.h>
#include <linux/printk.h>

#include <stdbool.h>

/* <sys/systm.h> also defines panic.  The header that comes last wins. */
#undef panic
#define	panic		lwq_panic
void	panic(const char *, ...) __attribute__((__noreturn__,
	    __format__(__printf__, 1, 2)));

/* Print a warning if the condition is true, and return the condition. */
#define	_LWQ_WARN(c, text, first)	__extension__ ({		\
	static int __lwq_warned;					\
	bool __lwq_bad = !!(c);						\
	if (__lwq_bad && ((first) == 0 || lwq_once(&__lwq_warned)))	\
		(void)printk(KERN_WARNING "WARNING: %s:%d: %s: %s\n",	\
		    __FILE__, __LINE__, __func__, text);		\
	__lwq_bad; })
#define	WARN_ON(c)		_LWQ_WARN(c, #c, 0)
#define	WARN_ON_ONCE(c)		_LWQ_WARN(c, #c, 1)

/* The same, with a format as for printf. */
#define	_LWQ_WARN_TEXT(c, first, ...)	__extension__ ({		\
	static int __lwq_told;						\
	bool __lwq_is = !!(c);						\
	if (__lwq_is && ((first) == 0 || lwq_once(&__lwq_told))) {	\
		(void)printk(KERN_WARNING "WARNING: %s:%d: %s\n",	\
		    __FILE__, __LINE__, __func__);			\
		(void)printk(KERN_WARNING __VA_ARGS__);			\
	}								\
	__lwq_is; })
#define	WARN(c, ...)		_LWQ_WARN_TEXT(c, 0, __VA_ARGS__)
#define	WARN_ONCE(c, ...)	_LWQ_WARN_TEXT(c, 1, __VA_ARGS__)

#define	BUG()		panic("BUG: %s:%d: %s", __FILE__, __LINE__, __func__)
#define	BUG_ON(c)							\
	do {								\
		if (unlikely(c))					\
			BUG();						\
	} while (0)

/* Fail to compile if the condition is true. */
#define	BUILD_BUG_ON(c)	((void)sizeof(char[1 - 2 * !!(c)]))

#endif	/* !_LWQ_LINUX_BUG_H_ */
