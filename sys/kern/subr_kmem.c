/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kmem(9), over the C allocator.  Where memory is from in which context is in
 * subr_kmem_reserve.c, what checking mode does with it in subr_kmem_debug.c.
 */

#include <string.h>

#include <sys/kmem.h>

#include "subr_kmem.h"

/*
 * What kmem(9) and malloc(9) call.  introk: the function is one for interrupt
 * context, too.
 */
void
kmem_context(const char *func, bool wait, bool introk)
{
	struct lwp *l;

	if (wait)
		wqcheck_sleepable(func);
	if (introk || (l = host_self()) == NULL)
		return;
	if (l->l_intrdepth != 0)
		panic("%s: called in interrupt context", func);
	if (l->l_softintr != 0)
		panic("%s: called in softint context", func);
	if (l->l_mtxcount != 0)
		panic("%s: holding a spin mutex%s", func,
		    lockdebug_heldtext());
	if (l->l_ipl >= IPL_VM)
		panic("%s: at IPL %d", func, l->l_ipl);
}

/*
 * The caller's header is that of malloc(9), which checking mode replaces.
 */
void *
kmem_get(const char *func, size_t size, size_t header, bool wait,
    bool introk, const struct malloc_type *type, uintptr_t site)
{
	struct kmem_head *kh;
	size_t extra;

	/* Whether we check must be known from the first piece on. */
	kern_init();
	extra = header;
	if (KERN_CHECKING()) {
		kmem_context(func, wait, introk);
		extra = KMEM_EXTRA;
	}
	if (size > KMEM_MAX - extra) {
		if (wait)
			panic("%s: %zu bytes can never be had", func, size);
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
	kmem_context(func, false, introk);
	kh = kmem_dbg_head(func, p, type);
	if (type == NULL && kh->kh_size != size)
		panic("%s: size mismatch: %p allocated %zu freed %zu, "
		    "allocated at %p", func, p, kh->kh_size, size,
		    (void *)kh->kh_site);
	lockdebug_memfree(func, p, kh->kh_size);
	kmem_dbg_put(func, kh);
}

/*
 * The size of a piece, in checking mode.
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
