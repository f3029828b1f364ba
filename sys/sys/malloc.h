/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * malloc(9): memory of any size, by type.  For kernel sources only.
 */

#ifndef _SYS_MALLOC_H_
#define	_SYS_MALLOC_H_

#include <sys/types.h>
#include <sys/wq_types.h>
#include <sys/mallocvar.h>
#include <stddef.h>

__WQ_BEGIN_DECLS

#define	M_WAITOK	0x0000	/* wait for memory; never fails */
#define	M_NOWAIT	0x0001	/* may return NULL */
#define	M_ZERO		0x0002	/* clear the memory */
#define	M_CANFAIL	0x0004	/* may return NULL if it never fits */

/*
 * Allocate memory.  An interrupt handler must pass M_NOWAIT.  It allocates from
 * a reserve of limited size.
 */
void	*wqk_malloc(size_t, struct malloc_type *, int);

/* Change the size.  If the result is NULL, the old memory is unchanged. */
void	*wqk_realloc(void *, size_t, struct malloc_type *, int);

/* Free memory.  The type must be that of the allocation. */
void	 wqk_free(void *, struct malloc_type *);

/*
 * The host has functions of the same names.  The number of arguments tells the
 * two apart.  So the host's headers may come before or after this one.
 */
#ifdef _KERNEL
#define	__WQ_MALLOC_5TH(a, b, c, d, e, ...)	e
#define	malloc(...)							\
	__WQ_MALLOC_5TH(__VA_ARGS__, malloc, wqk_malloc, malloc, malloc,) \
	(__VA_ARGS__)
#define	realloc(...)							\
	__WQ_MALLOC_5TH(__VA_ARGS__, wqk_realloc, realloc, realloc, realloc,) \
	(__VA_ARGS__)
#define	free(...)							\
	__WQ_MALLOC_5TH(__VA_ARGS__, free, free, wqk_free, free,)	\
	(__VA_ARGS__)
#endif

__WQ_END_DECLS

#endif	/* !_SYS_MALLOC_H_ */
