/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Errors in pointers.  Nothing is mapped in the last page of the address
 * space.
 */

#ifndef _LWQ_LINUX_ERR_H_
#define	_LWQ_LINUX_ERR_H_

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define	MAX_ERRNO	4095

#define	IS_ERR_VALUE(x)	((uintptr_t)(x) >= (uintptr_t)-MAX_ERRNO)

static inline void *
ERR_PTR(long error)
{

	return (void *)(intptr_t)error;
}

static inline long
PTR_ERR(const void *p)
{

	return (long)(intptr_t)p;
}

static inline bool
IS_ERR(const void *p)
{

	return IS_ERR_VALUE(p);
}

static inline bool
IS_ERR_OR_NULL(const void *p)
{

	return p == 0 || IS_ERR_VALUE(p);
}

static inline void *
ERR_CAST(const void *p)
{

	return (void *)(uintptr_t)p;
}

static inline int
PTR_ERR_OR_ZERO(const void *p)
{

	return IS_ERR(p) ? (int)PTR_ERR(p) : 0;
}

#endif	/* !_LWQ_LINUX_ERR_H_ */
