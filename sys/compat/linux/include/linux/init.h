/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _LWQ_LINUX_INIT_H_
#define	_LWQ_LINUX_INIT_H_

#define	__init
#define	__exit
#define	__initdata
#define	__exitdata

/* A module is a part of the program: its main() calls these two. */
#define	module_init(f)							\
	int lwq_module_init(void);					\
	int lwq_module_init(void) { return (f)(); }
#define	module_exit(f)							\
	void lwq_module_exit(void);					\
	void lwq_module_exit(void) { (f)(); }

#endif	/* !_LWQ_LINUX_INIT_H_ */
