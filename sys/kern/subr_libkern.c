/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The small functions of <sys/systm.h> and <lib/libkern/libkern.h>, by the
 * names that the linker sees.
 */

#include <errno.h>
#include <string.h>

#include <sys/wq_libkern.h>

#include "kern.h"

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
 * The numbers of devices; anybody, atomically.
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
 * Every byte is looked at, whatever the others are.
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
 * Panic where the caller may not sleep.
 */
__kern_public void
wqk_assert_sleepable(void)
{
	struct lwp *l;

	if ((l = host_self()) == NULL)
		return;
	if (l->l_intrdepth != 0)
		panic("assert_sleepable: in interrupt context");
	if (l->l_softintr != 0)
		panic("assert_sleepable: in softint context");
}
