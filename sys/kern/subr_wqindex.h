/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * An index of the ordered list of a queue: see subr_wqindex.c.
 */

#ifndef _KERN_SUBR_WQINDEX_H_
#define	_KERN_SUBR_WQINDEX_H_

#include <stdbool.h>
#include <stddef.h>

struct work;

/*
 * An entry for an item of the list.  The index only compares the item's
 * address, and never reads the item.
 */
struct wqindex_entry {
	struct work	*we_work;
	struct wqindex_entry *we_chain;	/* next with this hash, or free */
	struct wqindex_entry *we_prev;	/* the neighbours on the list */
	struct wqindex_entry *we_next;
};

struct wqindex {
	struct wqindex_entry *wi_first;	/* the oldest item */
	struct wqindex_entry *wi_last;	/* the newest */
	size_t		 wi_count;	/* entries from first to last */
	struct wqindex_entry **wi_hash;	/* 2^wi_bits chains */
	unsigned	 wi_bits;
	struct wqindex_entry *wi_free;	/* linked by we_chain */
	size_t		 wi_nfree;
	struct wqindex_slab *wi_slabs;	/* the memory of all entries */
};

/* Create an empty index, or return NULL if there is no memory. */
struct wqindex *wqindex_create(void);
void	wqindex_destroy(struct wqindex *);

/* Make room for n more items.  Return false if there is no memory. */
bool	wqindex_reserve(struct wqindex *, size_t);

/* Append an item that is not in the index.  The index must have room. */
void	wqindex_append(struct wqindex *, struct work *);

/* Return the entry of an item, or NULL. */
struct wqindex_entry *wqindex_find(const struct wqindex *,
	    const struct work *);
void	wqindex_remove(struct wqindex *, struct wqindex_entry *);

#endif	/* !_KERN_SUBR_WQINDEX_H_ */
