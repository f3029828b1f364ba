/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Memory of the C allocator.  The flags are ignored.
 */

#ifndef _LWQ_LINUX_SLAB_H_
#define	_LWQ_LINUX_SLAB_H_

#include <linux/types.h>

#include <stdlib.h>
#include <string.h>

#define	GFP_KERNEL	0x01u
#define	GFP_ATOMIC	0x02u
#define	GFP_NOWAIT	0x04u
#define	GFP_NOIO	0x08u
#define	__GFP_ZERO	0x10u

static inline void *
kmalloc(size_t size, gfp_t flags)
{

	return (flags & __GFP_ZERO) != 0 ? calloc(1, size) : malloc(size);
}

static inline void *
kzalloc(size_t size, gfp_t flags)
{

	(void)flags;
	return calloc(1, size);
}

static inline void *
kcalloc(size_t n, size_t size, gfp_t flags)
{

	(void)flags;
	return calloc(n, size);
}

static inline void
kfree(const void *p)
{

	free((void *)(uintptr_t)p);
}

#endif	/* !_LWQ_LINUX_SLAB_H_ */
