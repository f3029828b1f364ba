/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's string functions, and those of a kernel.
 */

#ifndef _LWQ_LINUX_STRING_H_
#define	_LWQ_LINUX_STRING_H_

#include <linux/slab.h>
#include <linux/types.h>

#include <string.h>

/*
 * Copy as much as fits, with a NUL.  strscpy() returns the length of the copy,
 * or -E2BIG if it has truncated the copy.  strlcpy() returns the length of the
 * source.
 */
#define	strscpy		lwq_strscpy
#undef strlcpy
#define	strlcpy		lwq_strlcpy
ssize_t	strscpy(char *, const char *, size_t);
size_t	strlcpy(char *, const char *, size_t);

/* Return a copy in memory of kmalloc(), or NULL. */
static inline void *
kmemdup(const void *p, size_t len, gfp_t flags)
{
	void *copy;

	if ((copy = kmalloc(len, flags)) != NULL)
		memcpy(copy, p, len);
	return copy;
}

static inline char *
kstrdup(const char *s, gfp_t flags)
{

	return s == NULL ? NULL : (char *)kmemdup(s, strlen(s) + 1, flags);
}

#endif	/* !_LWQ_LINUX_STRING_H_ */
