/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Declarations for the files of kmem(9).
 */

#ifndef _KERN_SUBR_KMEM_H_
#define	_KERN_SUBR_KMEM_H_

#include "kern.h"

struct malloc_type;

/* A wait for memory; zero it before the first call of kmem_backoff(). */
struct kmem_wait {
	int64_t		kw_start;
	unsigned	kw_turns;
};
void	kmem_backoff(struct kmem_wait *, const char *, size_t);
void	kmem_freed(void);
void	*kmem_get(const char *, size_t, size_t, bool, bool,
	    const struct malloc_type *, uintptr_t);
void	kmem_put(const char *, void *, size_t, bool,
	    const struct malloc_type *);
size_t	kmem_size(const char *, void *, const struct malloc_type *);

/* A function that gives memory back when a thread waits for memory. */
struct kmem_reclaim {
	void		(*kr_drain)(void);
	struct kmem_reclaim *kr_next;
};
void	kmem_reclaim_add(struct kmem_reclaim *);
void	kmem_reclaim(void);

/*
 * The helper thread refills reserves, and frees memory for callers that must
 * not do so themselves.
 */
void	kmem_helper_start(void);
void	kmem_helper_wake(void);

#define	KMEM_MAX	((size_t)PTRDIFF_MAX - 65536)	/* largest size */

/*
 * subr_kmem_reserve.c: memory without a header, from a source that the context
 * permits.  kmem_lock guards the lists of that file and the ring of
 * kmem_dbg_put().
 */
void	*kmem_rawget(const char *, size_t, bool);
void	 kmem_rawput(void *);
bool	 kmem_reserved(const void *);

/*
 * subr_kmem_debug.c.  In checking mode, each allocation has this header in
 * front and a guard behind.
 */
struct kmem_head {
	_Alignas(max_align_t)
	uint64_t	 kh_magic;	/* depends on the address */
	size_t		 kh_size;
	uintptr_t	 kh_site;	/* the caller that allocated it */
	const struct malloc_type *kh_type;	/* malloc(9) */
};

/* The memory after the header is aligned as malloc(3) aligns. */
_Static_assert(sizeof(struct kmem_head) % _Alignof(max_align_t) == 0,
    "memory behind a struct kmem_head is not aligned");

#define	KMEM_GUARDSZ	8
#define	KMEM_EXTRA	(sizeof(struct kmem_head) + KMEM_GUARDSZ)

void	*kmem_dbg_init(struct kmem_head *, size_t, const struct malloc_type *,
	    uintptr_t);
struct kmem_head *kmem_dbg_head(const char *, void *,
	    const struct malloc_type *);
void	 kmem_dbg_put(const char *, struct kmem_head *);
void	 kmem_dbg_fork(void);

#endif	/* !_KERN_SUBR_KMEM_H_ */
