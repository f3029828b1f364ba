/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * printk: messages of level KERN_WARNING or more urgent go to standard error,
 * others to standard output.
 */

#ifndef _LWQ_LINUX_PRINTK_H_
#define	_LWQ_LINUX_PRINTK_H_

#define	KERN_EMERG	"<0>"
#define	KERN_ALERT	"<1>"
#define	KERN_CRIT	"<2>"
#define	KERN_ERR	"<3>"
#define	KERN_WARNING	"<4>"
#define	KERN_NOTICE	"<5>"
#define	KERN_INFO	"<6>"
#define	KERN_DEBUG	"<7>"
#define	KERN_DEFAULT	""
#define	KERN_CONT	""

#ifndef pr_fmt
#define	pr_fmt(fmt)	fmt
#endif

/* Return the length of the text without its level. */
#define	printk		lwq_printk
int	printk(const char *, ...) __attribute__((__format__(__printf__, 1,
	    2)));

/* The additional argument permits a format without arguments. */
#define	_LWQ_PR(level, fmt, ...) printk(level pr_fmt(fmt) "%.0s", __VA_ARGS__)
#define	pr_emerg(...)	_LWQ_PR(KERN_EMERG, __VA_ARGS__, "")
#define	pr_alert(...)	_LWQ_PR(KERN_ALERT, __VA_ARGS__, "")
#define	pr_crit(...)	_LWQ_PR(KERN_CRIT, __VA_ARGS__, "")
#define	pr_err(...)	_LWQ_PR(KERN_ERR, __VA_ARGS__, "")
#define	pr_warn(...)	_LWQ_PR(KERN_WARNING, __VA_ARGS__, "")
#define	pr_warning	pr_warn
#define	pr_notice(...)	_LWQ_PR(KERN_NOTICE, __VA_ARGS__, "")
#define	pr_info(...)	_LWQ_PR(KERN_INFO, __VA_ARGS__, "")
#define	pr_cont(...)	printk(KERN_CONT __VA_ARGS__)
#ifdef DEBUG
#define	pr_debug(...)	_LWQ_PR(KERN_DEBUG, __VA_ARGS__, "")
#else
#define	pr_debug(...)	((void)0)
#endif

/* Make the call only the first time that this line is reached. */
#define	_LWQ_ONCE(call)							\
	do {								\
		static int __lwq_done;					\
									\
		if (lwq_once(&__lwq_done))				\
			(void)(call);					\
	} while (0)
_Bool	lwq_once(int *);

#define	pr_emerg_once(...)	_LWQ_ONCE(pr_emerg(__VA_ARGS__))
#define	pr_alert_once(...)	_LWQ_ONCE(pr_alert(__VA_ARGS__))
#define	pr_crit_once(...)	_LWQ_ONCE(pr_crit(__VA_ARGS__))
#define	pr_err_once(...)	_LWQ_ONCE(pr_err(__VA_ARGS__))
#define	pr_warn_once(...)	_LWQ_ONCE(pr_warn(__VA_ARGS__))
#define	pr_notice_once(...)	_LWQ_ONCE(pr_notice(__VA_ARGS__))
#define	pr_info_once(...)	_LWQ_ONCE(pr_info(__VA_ARGS__))

#endif	/* !_LWQ_LINUX_PRINTK_H_ */
