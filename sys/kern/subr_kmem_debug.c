/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kmem(9) and malloc(9) in checking mode: each piece has a header in front
 * and a guard behind, is filled before use and after, and rests a while in a
 * ring after it was freed, so that a second free and a late write are seen.
 */

#include <string.h>

#include <sys/mallocvar.h>

#include "subr_kmem.h"

#define	KMEM_LIVE	0x6c6976656d656d21u
#define	KMEM_DEAD	0x646561646d656d21u
#define	KMEM_GUARD	0xa5
#define	KMEM_NEW	0xa5		/* what memory is filled with */
#define	KMEM_OLD	0xde
#define	KMEM_RING	256		/* pieces that rest */
#define	KMEM_RINGSZ	(64 * 1024)	/* larger ones do not, nor reserve */

#define	KMEM_MAGIC(kh, m) ((uint64_t)(m) ^ (uint64_t)(uintptr_t)(kh))

static struct kmem_head	*kmem_ring[KMEM_RING];	/* (kmem_lock) */
static unsigned		kmem_ringnext;		/* (kmem_lock) */

void *
kmem_dbg_init(struct kmem_head *kh, size_t size,
    const struct malloc_type *type, uintptr_t site)
{

	kh->kh_magic = KMEM_MAGIC(kh, KMEM_LIVE);
	kh->kh_size = size;
	kh->kh_site = site;
	kh->kh_type = type;
	memset(kh + 1, KMEM_NEW, size);
	memset((char *)(kh + 1) + size, KMEM_GUARD, KMEM_GUARDSZ);
	return kh + 1;
}

static bool
kmem_dbg_filled(const void *p, int c, size_t size)
{
	const unsigned char *s;

	for (s = p; size > 0; size--)
		if (*s++ != c)
			return false;
	return true;
}

/*
 * A piece that is to be freed or changed: is it one, and which?  The address
 * may be anything.
 */
KERN_NOASAN struct kmem_head *
kmem_dbg_head(const char *func, void *p, const struct malloc_type *type)
{
	struct kmem_head *kh;

	if (p == NULL)
		panic("%s: NULL", func);
	kh = (struct kmem_head *)p - 1;
	if ((uintptr_t)p % sizeof(uint64_t) != 0 || (kh->kh_magic !=
	    KMEM_MAGIC(kh, KMEM_LIVE) && kh->kh_magic !=
	    KMEM_MAGIC(kh, KMEM_DEAD)))
		panic("%s: %p was not allocated, or what is in front of it "
		    "was overwritten", func, p);
	if (kh->kh_magic == KMEM_MAGIC(kh, KMEM_DEAD))
		panic("%s: %p is free already, allocated at %p", func, p,
		    (void *)kh->kh_site);
	if ((kh->kh_type == NULL) != (type == NULL))
		panic("%s: %p is from %s, allocated at %p", func, p,
		    kh->kh_type == NULL ? "kmem(9)" : "malloc(9)",
		    (void *)kh->kh_site);
	if (kh->kh_type != type)
		panic("%s: type mismatch: %p allocated \"%s\" freed \"%s\", "
		    "allocated at %p", func, p, kh->kh_type->ks_shortdesc,
		    type->ks_shortdesc, (void *)kh->kh_site);
	return kh;
}

void
kmem_dbg_put(const char *func, struct kmem_head *kh)
{
	struct kmem_head *old;
	void *p;

	p = kh + 1;
	if (!kmem_dbg_filled((char *)p + kh->kh_size, KMEM_GUARD,
	    KMEM_GUARDSZ))
		panic("%s: %p was written beyond its %zu bytes, allocated at "
		    "%p", func, p, kh->kh_size, (void *)kh->kh_site);
	kh->kh_magic = KMEM_MAGIC(kh, KMEM_DEAD);
	if (kh->kh_size > KMEM_RINGSZ || kmem_reserved(kh)) {
		kmem_rawput(kh);
		return;
	}
	memset(p, KMEM_OLD, kh->kh_size);
	KERN_POISON(p, kh->kh_size);
	kspin_enter(&kmem_lock);
	old = kmem_ring[kmem_ringnext];
	kmem_ring[kmem_ringnext] = kh;
	kmem_ringnext = (kmem_ringnext + 1) % KMEM_RING;
	kspin_exit(&kmem_lock);
	if (old == NULL)
		return;
	p = old + 1;
	KERN_UNPOISON(p, old->kh_size);
	if (!kmem_dbg_filled(p, KMEM_OLD, old->kh_size))
		panic("%s: %p, %zu bytes, was written to after it was freed, "
		    "allocated at %p", func, p, old->kh_size,
		    (void *)old->kh_site);
	old->kh_magic = 0;
	kmem_rawput(old);
}
