/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * container_of(9): get a structure from a pointer to one of its members.
 */

#ifndef _SYS_CONTAINER_OF_H_
#define	_SYS_CONTAINER_OF_H_

#include <stddef.h>

/* Return 0.  This compiles only if ptr points to the type of the member. */
#define	__container_of_check(ptr, type, field)				\
	(0 * sizeof((ptr) - &((type *)(void *)(ptr))->field))
#define	__const_container_of_check(ptr, type, field)			\
	(0 * sizeof((ptr) - &((const type *)(const void *)(ptr))->field))

#define	container_of(ptr, type, field)					\
	((type *)(void *)((char *)(ptr) - offsetof(type, field) +	\
	    __container_of_check(ptr, type, field)))
#define	const_container_of(ptr, type, field)				\
	((const type *)(const void *)((const char *)(ptr) -		\
	    offsetof(type, field) +					\
	    __const_container_of_check(ptr, type, field)))

#endif	/* !_SYS_CONTAINER_OF_H_ */
