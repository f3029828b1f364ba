/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * cprng(9): random numbers.
 */

#ifndef _SYS_CPRNG_H_
#define	_SYS_CPRNG_H_

#include <stddef.h>
#include <stdint.h>

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

#define	cprng_fast	wqk_cprng_fast
#define	cprng_fast32	wqk_cprng_fast32
#define	cprng_fast64	wqk_cprng_fast64
#define	cprng_strong	wqk_cprng_strong
#define	cprng_strong32	wqk_cprng_strong32
#define	cprng_strong64	wqk_cprng_strong64

struct cprng_strong;
typedef struct cprng_strong cprng_strong_t;

#define	kern_cprng	((cprng_strong_t *)0)
#define	user_cprng	((cprng_strong_t *)0)

/* Get random bits quickly.  They are unfit for secrets. */
size_t		cprng_fast(void *, size_t);
uint32_t	cprng_fast32(void);
uint64_t	cprng_fast64(void);

/* Get random bits from the host's best source, by a system call. */
size_t		cprng_strong(struct cprng_strong *, void *, size_t, int);
uint32_t	cprng_strong32(void);
uint64_t	cprng_strong64(void);

__WQ_END_DECLS

#endif	/* !_SYS_CPRNG_H_ */
