/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Messages, and the formatter that they use.
 */

#ifndef _KERN_SUBR_PRF_H_
#define	_KERN_SUBR_PRF_H_

#include <stdarg.h>

#include "kern.h"

/*
 * subr_prf.c
 */
size_t	kvsnprintf(char *, size_t, const char *, va_list);
size_t	ksnprintf(char *, size_t, const char *, ...) __wq_printflike(3, 4);
void	kern_vprintf(const char *, const char *, va_list)
	    __wq_printflike(2, 0);

/*
 * subr_panic.c
 */
void	kern_warn(const char *, ...) __wq_printflike(1, 2);

/* Called by KERN_SUSPECT(). */
void	kern_suspect(int *, const char *, ...) __wq_printflike(2, 3);

/* Return EINVAL.  Checking mode prints the function's name and the reason. */
int	kern_einval(const char *, const char *, ...) __wq_printflike(2, 3);

#endif	/* !_KERN_SUBR_PRF_H_ */
