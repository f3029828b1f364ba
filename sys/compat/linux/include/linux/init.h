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

/* The end of a macro that a semicolon follows. */
#define	_LWQ_NOTHING		struct lwq_nothing

/* Report parameters in the environment that no module has. */
void	lwq_param_check(void);

/* A module is a part of the program.  main() calls these two functions. */
#define	module_init(f)							\
	int lwq_module_init(void);					\
	int								\
	lwq_module_init(void)						\
	{								\
									\
		lwq_param_check();					\
		return (f)();						\
	}								\
	_LWQ_NOTHING
#define	module_exit(f)							\
	void lwq_module_exit(void);					\
	void								\
	lwq_module_exit(void)						\
	{								\
									\
		(f)();							\
	}								\
	_LWQ_NOTHING

#endif	/* !_LWQ_LINUX_INIT_H_ */
