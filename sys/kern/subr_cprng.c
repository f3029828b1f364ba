/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * cprng(9).
 */

#include <string.h>

#include <sys/cprng.h>

#include "kern.h"

__kern_public uint64_t
cprng_fast64(void)
{

	return host_random();
}

__kern_public uint32_t
cprng_fast32(void)
{

	return (uint32_t)(host_random() >> 32);
}

__kern_public size_t
cprng_fast(void *buf, size_t len)
{
	unsigned char *p = buf;
	uint64_t r;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		r = host_random();
		n = len - i < sizeof(r) ? len - i : sizeof(r);
		memcpy(p + i, &r, n);
	}
	return len;
}

__kern_public size_t
cprng_strong(struct cprng_strong *cprng, void *buf, size_t len, int flags)
{

	(void)cprng;
	(void)flags;
	host_entropy(buf, len);
	return len;
}

__kern_public uint32_t
cprng_strong32(void)
{
	uint32_t r;

	host_entropy(&r, sizeof(r));
	return r;
}

__kern_public uint64_t
cprng_strong64(void)
{
	uint64_t r;

	host_entropy(&r, sizeof(r));
	return r;
}
