/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * hash(9): a fast hash of bytes and strings.  Each step multiplies the hash by
 * 33 and adds a byte.  An attacker who chooses the bytes can choose the hash.
 */

#ifndef _WQK_SYS_HASH_H_
#define	_WQK_SYS_HASH_H_

#include <sys/types.h>

#define	HASH32_BUF_INIT	5381
#define	HASH32_STR_INIT	5381

/* Add bytes to a hash. */
static __inline __unused uint32_t
hash32_buf(const void *buf, size_t len, uint32_t hash)
{
	const unsigned char *s = buf;

	while (len-- > 0)
		hash = hash * 33 + *s++;
	return hash;
}

/* Add a string to a hash, or at most len bytes of it. */
static __inline __unused uint32_t
hash32_str(const void *buf, uint32_t hash)
{
	const unsigned char *s = buf;

	while (*s != '\0')
		hash = hash * 33 + *s++;
	return hash;
}

static __inline __unused uint32_t
hash32_strn(const void *buf, size_t len, uint32_t hash)
{
	const unsigned char *s = buf;

	while (len-- > 0 && *s != '\0')
		hash = hash * 33 + *s++;
	return hash;
}

/*
 * Add a string up to its end, or up to but not including the first character
 * "end".  Unless endp is NULL, store the place in *endp.
 */
static __inline __unused uint32_t
hash32_stre(const void *buf, int end, const char **endp, uint32_t hash)
{
	const unsigned char *s = buf;

	while (*s != '\0' && *s != (unsigned char)end)
		hash = hash * 33 + *s++;
	if (endp != NULL)
		*endp = (const char *)s;
	return hash;
}

static __inline __unused uint32_t
hash32_strne(const void *buf, size_t len, int end, const char **endp,
    uint32_t hash)
{
	const unsigned char *s = buf;

	while (len-- > 0 && *s != '\0' && *s != (unsigned char)end)
		hash = hash * 33 + *s++;
	if (endp != NULL)
		*endp = (const char *)s;
	return hash;
}

#endif	/* !_WQK_SYS_HASH_H_ */
