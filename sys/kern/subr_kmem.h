/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the files of kmem(9) share.
 */

#ifndef _KERN_SUBR_KMEM_H_
#define	_KERN_SUBR_KMEM_H_

#include "kern.h"

#define	KMEM_MAX	((size_t)PTRDIFF_MAX - 65536)	/* never more */

/*
 * subr_kmem_reserve.c: memory without a header, from where the context
 * allows.
 */
extern struct kspin kmem_lock;	/* of the lists there, and of the ring */
void	*kmem_rawget(const char *, size_t, bool);
void	 kmem_rawput(void *);
bool	 kmem_reserved(const void *);

/*
 * subr_kmem_debug.c.  In checking mode each piece has this in front, and a
 * guard behind.
 */
struct kmem_head {
	uint64_t	 kh_magic;	/* of this address */
	size_t		 kh_size;
	uintptr_t	 kh_site;	/* who allocated it */
	const struct malloc_type *kh_type;	/* malloc(9) */
};

#define	KMEM_GUARDSZ	8
#define	KMEM_EXTRA	(sizeof(struct kmem_head) + KMEM_GUARDSZ)

void	*kmem_dbg_init(struct kmem_head *, size_t, const struct malloc_type *,
	    uintptr_t);
struct kmem_head *kmem_dbg_head(const char *, void *,
	    const struct malloc_type *);
void	 kmem_dbg_put(const char *, struct kmem_head *);

#endif	/* !_KERN_SUBR_KMEM_H_ */
