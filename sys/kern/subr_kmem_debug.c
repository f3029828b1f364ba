/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kmem(9) and malloc(9) in checking mode.  Each piece has a header in front and
 * a guard behind.  A piece is filled with a pattern when it is allocated, and
 * with another when it is freed.  A freed piece stays in a ring for a while, so
 * that a second free and a late write are detected.
 */

#include <string.h>

#include <sys/mallocvar.h>

#include "kern.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "subr_kmem.h"

#define	KMEM_LIVE	0x6c6976656d656d21u
#define	KMEM_DEAD	0x646561646d656d21u
#define	KMEM_GUARD	0xa5
#define	KMEM_NEW	0xa5		/* fills allocated memory */
#define	KMEM_OLD	0xde		/* fills freed memory */
#define	KMEM_RING	256		/* pieces in the ring */
#define	KMEM_RINGSZ	(64 * 1024)	/* bytes in the largest of them */

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
 * Return the header of a piece that is going to be freed or resized.  The
 * client may pass any address, so panic if no piece of the type is allocated
 * there.
 */
KERN_NOASAN struct kmem_head *
kmem_dbg_head(const char *func, void *p, const struct malloc_type *type)
{
	struct kmem_head *kh;

	if (p == NULL)
		panic("%s: NULL", func);
	kh = (struct kmem_head *)p - 1;
	if ((uintptr_t)p % _Alignof(struct kmem_head) != 0 || (kh->kh_magic !=
	    KMEM_MAGIC(kh, KMEM_LIVE) && kh->kh_magic !=
	    KMEM_MAGIC(kh, KMEM_DEAD)))
		panic("%s: %p was not allocated, or the memory in front "
		    "of it was overwritten", func, p);
	if (kh->kh_magic == KMEM_MAGIC(kh, KMEM_DEAD))
		panic("%s: %p is free already, allocated at %pS", func, p,
		    (void *)kh->kh_site);
	if ((kh->kh_type == NULL) != (type == NULL))
		panic("%s: %p is from %s, allocated at %pS", func, p,
		    kh->kh_type == NULL ? "kmem(9)" : "malloc(9)",
		    (void *)kh->kh_site);
	if (kh->kh_type != type)
		panic("%s: type mismatch: %p allocated \"%s\" freed \"%s\", "
		    "allocated at %pS", func, p, kh->kh_type->ks_shortdesc,
		    type->ks_shortdesc, (void *)kh->kh_site);
	return kh;
}

/*
 * Put a piece that the client frees into the ring.  Check the oldest piece in
 * the ring, and free it.  Free a large piece, or a piece of the reserve, at
 * once.
 */
void
kmem_dbg_put(const char *func, struct kmem_head *kh)
{
	struct kmem_head *old;
	void *p;

	p = kh + 1;
	if (!kmem_dbg_filled((char *)p + kh->kh_size, KMEM_GUARD,
	    KMEM_GUARDSZ))
		panic("%s: %p was written beyond its %zu bytes, allocated at "
		    "%pS", func, p, kh->kh_size, (void *)kh->kh_site);
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
		    "allocated at %pS", func, p, old->kh_size,
		    (void *)old->kh_site);
	old->kh_magic = 0;
	kmem_rawput(old);
}

/*
 * Clear the ring in a forked child, where it may be inconsistent.
 */
void
kmem_dbg_fork(void)
{

	memset(kmem_ring, 0, sizeof(kmem_ring));
	kmem_ringnext = 0;
}
