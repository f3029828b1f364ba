/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * malloc(9): kmem(9) with a header that keeps the size of each piece.  Checking
 * mode needs no such header, because there kmem(9) keeps the size and the type.
 */

#include <stddef.h>
#include <string.h>

#include <sys/malloc.h>

#include "kern.h"
#include "kern_param.h"
#include "subr_kmem.h"

/* The header in front of each piece, except in checking mode. */
struct malloc_head {
	_Alignas(max_align_t) size_t mh_size;
};

__kern_public MALLOC_DEFINE(M_DEVBUF, "devbuf", "device driver memory");
__kern_public MALLOC_DEFINE(M_DMAMAP, "DMA map", "bus_dma(9) structures");
__kern_public MALLOC_DEFINE(M_FREE, "free", "should be on free list");
__kern_public MALLOC_DEFINE(M_PCB, "pcb", "protocol control blocks");
__kern_public MALLOC_DEFINE(M_SOFTINTR, "softintr", "soft interrupts");
__kern_public MALLOC_DEFINE(M_TEMP, "temp", "temporary buffers");

#define	MALLOC_FLAGS	(M_NOWAIT | M_ZERO | M_CANFAIL)
#define	MALLOC_MAX	((size_t)PTRDIFF_MAX / 2)

static void *
malloc_get(const char *func, size_t size, const struct malloc_type *type,
    int flags, uintptr_t site)
{
	struct malloc_head *mh;
	bool wait;
	void *p;

	KASSERTMSG((flags & ~MALLOC_FLAGS) == 0, "%s: flags %#x", func,
	    (unsigned)flags);
	KASSERTMSG(type != NULL, "%s: type NULL", func);
	wait = (flags & M_NOWAIT) == 0;
	if (size > MALLOC_MAX && (!wait || (flags & M_CANFAIL) != 0))
		return NULL;
	p = kmem_get(func, size, sizeof(*mh), wait, true, type, site);
	if (p == NULL)
		return NULL;
	if (!KERN_CHECKING()) {
		mh = p;
		mh->mh_size = size;
		p = mh + 1;
	}
	if ((flags & M_ZERO) != 0)
		memset(p, 0, size);
	return p;
}

static void
malloc_put(const char *func, void *p, const struct malloc_type *type)
{

	kmem_put(func, KERN_CHECKING() ? p : (struct malloc_head *)p - 1, 0,
	    true, type);
}

__kern_public void *
wqk_malloc(size_t size, struct malloc_type *type, int flags)
{

	return malloc_get("malloc", size, type, flags,
	    (uintptr_t)__builtin_return_address(0));
}

__kern_public void
wqk_free(void *p, struct malloc_type *type)
{

	KASSERTMSG(p != NULL, "free: NULL");
	KASSERTMSG(type != NULL, "free: type NULL");
	malloc_put("free", p, type);
}

__kern_public void *
wqk_realloc(void *p, size_t size, struct malloc_type *type, int flags)
{
	size_t osize;
	void *n;

	if (p == NULL)
		return malloc_get("realloc", size, type, flags,
		    (uintptr_t)__builtin_return_address(0));
	if (size == 0) {
		malloc_put("realloc", p, type);
		return NULL;
	}
	osize = KERN_CHECKING() ? kmem_size("realloc", p, type) :
	    ((struct malloc_head *)p - 1)->mh_size;
	n = malloc_get("realloc", size, type, flags & ~M_ZERO,
	    (uintptr_t)__builtin_return_address(0));
	if (n == NULL)
		return NULL;
	memcpy(n, p, size < osize ? size : osize);
	if ((flags & M_ZERO) != 0 && size > osize)
		memset((char *)n + osize, 0, size - osize);
	malloc_put("realloc", p, type);
	return n;
}
