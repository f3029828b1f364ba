/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _LWQ_LINUX_MODULE_H_
#define	_LWQ_LINUX_MODULE_H_

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>

#define	MODULE_LICENSE(s)	_LWQ_NOTHING
#define	MODULE_AUTHOR(s)	_LWQ_NOTHING
#define	MODULE_DESCRIPTION(s)	_LWQ_NOTHING
#define	MODULE_VERSION(s)	_LWQ_NOTHING
#define	MODULE_ALIAS(s)		_LWQ_NOTHING
#define	EXPORT_SYMBOL(s)	_LWQ_NOTHING
#define	EXPORT_SYMBOL_GPL(s)	_LWQ_NOTHING

#define	THIS_MODULE		((struct module *)0)
struct module;

/* A module's users are not counted. */
#define	try_module_get(m)	((void)(m), 1)
#define	module_put(m)		((void)(m))

#endif	/* !_LWQ_LINUX_MODULE_H_ */
