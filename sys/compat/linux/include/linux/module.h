/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _LWQ_LINUX_MODULE_H_
#define	_LWQ_LINUX_MODULE_H_

#include <linux/init.h>
#include <linux/kernel.h>

#define	MODULE_LICENSE(s)	_LWQ_NOTHING
#define	MODULE_AUTHOR(s)	_LWQ_NOTHING
#define	MODULE_DESCRIPTION(s)	_LWQ_NOTHING
#define	MODULE_VERSION(s)	_LWQ_NOTHING
#define	EXPORT_SYMBOL(s)	_LWQ_NOTHING
#define	EXPORT_SYMBOL_GPL(s)	_LWQ_NOTHING
#define	MODULE_PARM_DESC(p, s)	_LWQ_NOTHING
#define	module_param(p, t, m)	_LWQ_NOTHING
#define	_LWQ_NOTHING		struct lwq_nothing

#define	THIS_MODULE		((struct module *)0)
struct module;

#endif	/* !_LWQ_LINUX_MODULE_H_ */
