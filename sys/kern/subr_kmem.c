/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kmem(9), on top of the C allocator.  subr_kmem_reserve.c gets the memory from
 * a source that the context permits.  subr_kmem_debug.c has the checking mode.
 */

#include <string.h>

#include <sys/kmem.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_param.h"
#include "subr_kmem.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"

/*
 * Allocate memory that begins with a header of the given size, which malloc(9)
 * needs.  Checking mode puts its own header there instead.
 */
void *
kmem_get(const char *func, size_t size, size_t header, bool wait,
    bool introk, const struct malloc_type *type, uintptr_t site)
{
	struct kmem_head *kh;
	size_t extra;

	/* The first allocation must know whether checking mode is on. */
	kern_init();
	extra = header;
	if (KERN_CHECKING()) {
		context_check_alloc(func, wait, introk);
		extra = KMEM_EXTRA;
	}
	if (size > KMEM_MAX - extra) {
		if (wait)
			panic("%s: %zu bytes can never be allocated", func,
			    size);
		return NULL;
	}
	kh = kmem_rawget(func, size + extra, wait);
	if (kh != NULL && KERN_CHECKING())
		return kmem_dbg_init(kh, size, type, site);
	return kh;
}

void
kmem_put(const char *func, void *p, size_t size, bool introk,
    const struct malloc_type *type)
{
	struct kmem_head *kh;

	if (!KERN_CHECKING()) {
		kmem_rawput(p);
		return;
	}
	context_check_alloc(func, false, introk);
	kh = kmem_dbg_head(func, p, type);
	if (type == NULL && kh->kh_size != size)
		panic("%s: size mismatch: %p allocated %zu freed %zu, "
		    "allocated at %pS", func, p, kh->kh_size, size,
		    (void *)kh->kh_site);
	lockdebug_memfree(func, p, kh->kh_size);
	kmem_dbg_put(func, kh);
}

/*
 * Return the size of an allocation, in checking mode.
 */
size_t
kmem_size(const char *func, void *p, const struct malloc_type *type)
{

	return kmem_dbg_head(func, p, type)->kh_size;
}

static inline void *
kmem_new(const char *func, size_t size, km_flag_t flags, bool zero,
    bool introk, uintptr_t site)
{
	void *p;

	KASSERTMSG(size != 0, "%s: size 0", func);
	KASSERTMSG(flags == KM_SLEEP || flags == KM_NOSLEEP, "%s: flags %#x",
	    func, flags);
	p = kmem_get(func, size, 0, flags == KM_SLEEP, introk, NULL, site);
	if (zero && p != NULL)
		memset(p, 0, size);
	return p;
}

#define	KMEM_SITE()	((uintptr_t)__builtin_return_address(0))

__kern_public void *
kmem_alloc(size_t size, km_flag_t flags)
{

	return kmem_new("kmem_alloc", size, flags, false, false,
	    KMEM_SITE());
}

__kern_public void *
kmem_zalloc(size_t size, km_flag_t flags)
{

	return kmem_new("kmem_zalloc", size, flags, true, false,
	    KMEM_SITE());
}

__kern_public void
kmem_free(void *p, size_t size)
{

	KASSERTMSG(p != NULL, "kmem_free: NULL");
	kmem_put("kmem_free", p, size, false, NULL);
}

__kern_public void *
kmem_intr_alloc(size_t size, km_flag_t flags)
{

	return kmem_new("kmem_intr_alloc", size, flags, false, true,
	    KMEM_SITE());
}

__kern_public void *
kmem_intr_zalloc(size_t size, km_flag_t flags)
{

	return kmem_new("kmem_intr_zalloc", size, flags, true, true,
	    KMEM_SITE());
}

__kern_public void
kmem_intr_free(void *p, size_t size)
{

	KASSERTMSG(p != NULL, "kmem_intr_free: NULL");
	kmem_put("kmem_intr_free", p, size, true, NULL);
}

__kern_public char *
kmem_asprintf(const char *fmt, ...)
{
	va_list ap;
	size_t size;
	char *s;

	va_start(ap, fmt);
	size = kvsnprintf(NULL, 0, fmt, ap) + 1;
	va_end(ap);
	s = kmem_new("kmem_asprintf", size, KM_SLEEP, false, false,
	    KMEM_SITE());
	va_start(ap, fmt);
	(void)kvsnprintf(s, size, fmt, ap);
	va_end(ap);
	return s;
}

__kern_public char *
kmem_strdupsize(const char *str, size_t *sizep, km_flag_t flags)
{
	size_t size;
	char *s;

	size = strlen(str) + 1;
	s = kmem_new("kmem_strdupsize", size, flags, false, false,
	    KMEM_SITE());
	if (s == NULL)
		return NULL;
	if (sizep != NULL)
		*sizep = size;
	return memcpy(s, str, size);
}

__kern_public char *
kmem_strndup(const char *str, size_t max, km_flag_t flags)
{
	size_t len;
	char *s;

	len = strnlen(str, max);
	s = kmem_new("kmem_strndup", len + 1, flags, false, false,
	    KMEM_SITE());
	if (s == NULL)
		return NULL;
	memcpy(s, str, len);
	s[len] = '\0';
	return s;
}

__kern_public void
kmem_strfree(char *s)
{

	if (s != NULL)
		kmem_put("kmem_strfree", s, strlen(s) + 1, false, NULL);
}

__kern_public void *
kmem_tmpbuf_alloc(size_t size, void *buf, size_t bufsize, km_flag_t flags)
{

	if (size <= bufsize)
		return buf;
	return kmem_new("kmem_tmpbuf_alloc", size, flags, false, false,
	    KMEM_SITE());
}

__kern_public void
kmem_tmpbuf_free(void *p, size_t size, void *buf)
{

	if (p != buf)
		kmem_put("kmem_tmpbuf_free", p, size, false, NULL);
}
