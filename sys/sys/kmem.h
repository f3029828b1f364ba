/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kmem(9): memory of any size.  The caller keeps the size.
 */

#ifndef _SYS_KMEM_H_
#define	_SYS_KMEM_H_

#include <sys/types.h>
#include <sys/wq_types.h>
#include <stddef.h>

__WQ_BEGIN_DECLS

typedef unsigned int km_flag_t;

#define	KM_SLEEP	0x00000001	/* wait for memory; never fails */
#define	KM_NOSLEEP	0x00000002	/* may return NULL */

#define	kmem_alloc		wqk_kmem_alloc
#define	kmem_zalloc		wqk_kmem_zalloc
#define	kmem_free		wqk_kmem_free
#define	kmem_intr_alloc		wqk_kmem_intr_alloc
#define	kmem_intr_zalloc	wqk_kmem_intr_zalloc
#define	kmem_intr_free		wqk_kmem_intr_free
#define	kmem_asprintf		wqk_kmem_asprintf
#define	kmem_strdupsize		wqk_kmem_strdupsize
#define	kmem_strndup		wqk_kmem_strndup
#define	kmem_strfree		wqk_kmem_strfree
#define	kmem_tmpbuf_alloc	wqk_kmem_tmpbuf_alloc
#define	kmem_tmpbuf_free	wqk_kmem_tmpbuf_free
#define	kmem_strdup(s, f)	kmem_strdupsize((s), NULL, (f))

/*
 * Allocate memory.  The size must not be 0.  kmem_zalloc() clears the memory.
 * Thread context.
 */
void	*kmem_alloc(size_t, km_flag_t);
void	*kmem_zalloc(size_t, km_flag_t);

/* Free memory.  The size must be that of the allocation. */
void	 kmem_free(void *, size_t);

/*
 * The same, in any context except a foreign signal handler.  An interrupt
 * handler must pass KM_NOSLEEP, and gets memory from a reserve of limited size.
 */
void	*kmem_intr_alloc(size_t, km_flag_t);
void	*kmem_intr_zalloc(size_t, km_flag_t);
void	 kmem_intr_free(void *, size_t);

/* Format a string into new memory.  May sleep. */
char	*kmem_asprintf(const char *, ...) __wq_printflike(1, 2);

/* Copy a string.  Store the size of the copy unless the pointer is NULL. */
char	*kmem_strdupsize(const char *, size_t *, km_flag_t);

/* Copy at most n bytes of a string. */
char	*kmem_strndup(const char *, size_t, km_flag_t);

/* Free a string that one of the three functions above returned. */
void	 kmem_strfree(char *);

/*
 * kmem_tmpbuf_alloc() returns the given buffer if it is large enough, and
 * otherwise allocates memory.  kmem_tmpbuf_free() frees the memory if it was
 * allocated.
 */
void	*kmem_tmpbuf_alloc(size_t, void *, size_t, km_flag_t);
void	 kmem_tmpbuf_free(void *, size_t, void *);

__WQ_END_DECLS

#endif	/* !_SYS_KMEM_H_ */
