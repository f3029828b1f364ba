/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The small functions of <sys/systm.h> and <lib/libkern/libkern.h>, under their
 * linker names.
 */

#ifndef _SYS_WQ_LIBKERN_H_
#define	_SYS_WQ_LIBKERN_H_

#include <stddef.h>
#include <stdint.h>

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

/* Functions for tables of operations.  They do nothing, or return an error. */
void	wqk_voidop(void);
int	wqk_nullop(void *);
int	wqk_enodev(void);
int	wqk_enosys(void);
int	wqk_enoioctl(void);
int	wqk_enxio(void);
int	wqk_eopnotsupp(void);

/* Give a major number to each table that has none, and return 0. */
struct bdevsw;
struct cdevsw;
int	wqk_devsw_attach(const char *, const struct bdevsw *, int32_t *,
	    const struct cdevsw *, int32_t *);

/* Pause in a spin loop.  The counter starts at 0. */
void	wqk_relax(unsigned int *);

/* Panic if the caller may not sleep. */
void	wqk_assert_sleepable(void);

size_t	wqk_strlcpy(char *, const char *, size_t);
size_t	wqk_strlcat(char *, const char *, size_t);

/*
 * Return 1 if the buffers are equal, in a time that depends only on the length.
 */
int	wqk_consttime_memequal(const void *, const void *, size_t);

/* Set memory like memset(3).  The compiler never omits this call. */
void	*wqk_explicit_memset(void *, int, size_t);

__WQ_END_DECLS

#endif	/* !_SYS_WQ_LIBKERN_H_ */
