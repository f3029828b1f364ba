/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Strings of Linux.
 */

#include <errno.h>

#include "linux_var.h"

#include <linux/string.h>

__lwq_public size_t
lwq_strlcpy(char *dst, const char *src, size_t size)
{

	return wqk_strlcpy(dst, src, size);
}

__lwq_public ssize_t
lwq_strscpy(char *dst, const char *src, size_t size)
{
	size_t len;

	len = wqk_strlcpy(dst, src, size);
	return len < size ? (ssize_t)len : -E2BIG;
}
