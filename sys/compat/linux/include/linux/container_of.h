/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _LWQ_LINUX_CONTAINER_OF_H_
#define	_LWQ_LINUX_CONTAINER_OF_H_

#include <stddef.h>

#ifndef container_of
#define	container_of(p, type, member)					\
	((type *)(void *)((char *)(p) - offsetof(type, member) +	\
	    0 * sizeof((p) == &((type *)0)->member)))
#endif

#endif	/* !_LWQ_LINUX_CONTAINER_OF_H_ */
