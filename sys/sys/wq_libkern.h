/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The small functions of <sys/systm.h> and <lib/libkern/libkern.h>, by the
 * names that the linker sees.
 */

#ifndef _SYS_WQ_LIBKERN_H_
#define	_SYS_WQ_LIBKERN_H_

#include <stddef.h>
#include <stdint.h>

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

/* For tables of functions: they do nothing, or return an error. */
void	wqk_voidop(void);
int	wqk_nullop(void *);
int	wqk_enodev(void);
int	wqk_enosys(void);
int	wqk_enoioctl(void);
int	wqk_enxio(void);
int	wqk_eopnotsupp(void);

/* <sys/conf.h>: 0, and a number for each table that was given none. */
struct bdevsw;
struct cdevsw;
int	wqk_devsw_attach(const char *, const struct bdevsw *, int32_t *,
	    const struct cdevsw *, int32_t *);

/* A pause in a spin; the counter is 0 at first. */
void	wqk_relax(unsigned int *);

/* Panic in a context that may not sleep. */
void	wqk_assert_sleepable(void);

size_t	wqk_strlcpy(char *, const char *, size_t);
size_t	wqk_strlcat(char *, const char *, size_t);

/* 1 if equal, in a time that depends on the length alone. */
int	wqk_consttime_memequal(const void *, const void *, size_t);

/* memset(3) that no compiler leaves out. */
void	*wqk_explicit_memset(void *, int, size_t);

__WQ_END_DECLS

#endif	/* !_SYS_WQ_LIBKERN_H_ */
