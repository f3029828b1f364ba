/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The small functions of <sys/systm.h> and <lib/libkern/libkern.h>, under their
 * linker names.
 */

#include <errno.h>
#include <string.h>

#include <sys/wq_libkern.h>
#include <sys/wq_prf.h>

#include "kern.h"
#include "subr_prf.h"

#define	HEXDUMP_LINE	16

__kern_public void
wqk_voidop(void)
{

}

__kern_public int
wqk_nullop(void *arg)
{

	(void)arg;
	return 0;
}

__kern_public int
wqk_enodev(void)
{

	return ENODEV;
}

__kern_public int
wqk_enosys(void)
{

	return ENOSYS;
}

__kern_public int
wqk_enoioctl(void)
{

	return -4;	/* EPASSTHROUGH of <sys/errno.h> */
}

__kern_public int
wqk_enxio(void)
{

	return ENXIO;
}

__kern_public int
wqk_eopnotsupp(void)
{

	return EOPNOTSUPP;
}

/*
 * The next device number.  Any thread may increment it, atomically.
 */
static int32_t	devsw_major = 255;

__kern_public int
wqk_devsw_attach(const char *name, const struct bdevsw *bdev, int32_t *bmajor,
    const struct cdevsw *cdev, int32_t *cmajor)
{

	(void)name;
	if (bdev != NULL && *bmajor == -1)
		*bmajor = atomic_fetch_add_relaxed(&devsw_major, 1);
	if (cdev != NULL && *cmajor == -1)
		*cmajor = atomic_fetch_add_relaxed(&devsw_major, 1);
	return 0;
}

__kern_public void
wqk_relax(unsigned int *np)
{

	host_relax(np);
}

__kern_public size_t
wqk_strlcpy(char *dst, const char *src, size_t size)
{
	size_t len, n;

	len = strlen(src);
	if (size != 0) {
		n = len < size ? len : size - 1;
		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

__kern_public size_t
wqk_strlcat(char *dst, const char *src, size_t size)
{
	size_t len;

	for (len = 0; len < size && dst[len] != '\0'; len++)
		continue;
	if (len == size)
		return len + strlen(src);
	return len + wqk_strlcpy(dst + len, src, size - len);
}

/*
 * Compare two buffers in constant time: read every byte, even after a
 * difference.
 */
__kern_public int
wqk_consttime_memequal(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *p = a, *q = b;
	unsigned diff;
	size_t i;

	diff = 0;
	for (i = 0; i < len; i++)
		diff |= (unsigned)(p[i] ^ q[i]);
	return (int)(1 & ((diff - 1) >> 8));
}

__kern_public void *
wqk_explicit_memset(void *buf, int c, size_t len)
{
	volatile unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (unsigned char)c;
	return buf;
}

/*
 * Format a line of hexdump(): the offset, in three digits or more, the bytes in
 * hexadecimal, and the bytes as characters.
 */
#define	HEXDUMP_WIDTH	(2 * sizeof(size_t) + 1 + 3 * HEXDUMP_LINE + 3 + \
			    HEXDUMP_LINE + 2)

static void
hexdump_line(char *line, size_t off, const unsigned char *s, size_t n)
{
	size_t i, k;

	k = ksnprintf(line, HEXDUMP_WIDTH, "%03zx ", off);
	for (i = 0; i < HEXDUMP_LINE; i++)
		k += ksnprintf(line + k, HEXDUMP_WIDTH - k,
		    i < n ? " %02x" : "   ", i < n ? s[i] : 0);
	k += ksnprintf(line + k, HEXDUMP_WIDTH - k, "  |");
	for (i = 0; i < n; i++)
		line[k++] = s[i] >= ' ' && s[i] < 0x7f ? (char)s[i] : '.';
	line[k++] = '|';
	line[k++] = '\0';
	KASSERT(k <= HEXDUMP_WIDTH);
}

__kern_public void
wqk_hexdump(void (*pr)(const char *, ...) __wq_printflike(1, 2),
    const char *msg, const void *ptr, size_t len)
{
	char line[HEXDUMP_WIDTH];
	const unsigned char *s = ptr;
	size_t i, n;

	if (msg != NULL)
		(*pr)("%s: %zu bytes @ %p\n", msg, len, ptr);
	for (i = 0; i < len; i += n) {
		n = len - i < HEXDUMP_LINE ? len - i : HEXDUMP_LINE;
		hexdump_line(line, i, s + i, n);
		(*pr)("%s\n", line);
	}
}
