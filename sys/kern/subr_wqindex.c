/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * An index that finds the items of a list by address: a hash table with chains.
 * Its entries are also linked in the order of the list.
 *
 * An item is one pointer wide and has no room for a second link.  So without
 * the index a search must walk the list.  An entry also leads to the item
 * before its own, which is enough to unlink its item.  subr_workqueue_find.c
 * describes how the index is updated.
 *
 * The caller serialises all calls.  Only wqindex_create(), wqindex_reserve()
 * and wqindex_destroy() allocate or free memory, and only their time depends on
 * the number of entries.
 */

#include <stdint.h>

#include "kern.h"
#include "subr_wqindex.h"

#define	WQINDEX_BITS	10		/* log2 of the initial chains */
#define	WQINDEX_SLAB	1000		/* entries allocated at once */

struct wqindex_slab {
	struct wqindex_slab *ws_next;
	struct wqindex_entry ws_entries[WQINDEX_SLAB];
};

static inline struct wqindex_entry **
wqindex_chain(const struct wqindex *wi, const struct work *wk)
{
	uint64_t h;

	/* 2^64 divided by the golden ratio: it spreads aligned addresses. */
	h = (uint64_t)(uintptr_t)wk * UINT64_C(0x9e3779b97f4a7c15);
	return &wi->wi_hash[h >> (64 - wi->wi_bits)];
}

struct wqindex *
wqindex_create(void)
{
	struct wqindex *wi;

	if ((wi = host_alloc(sizeof(*wi))) == NULL)
		return NULL;
	wi->wi_bits = WQINDEX_BITS;
	wi->wi_hash = host_alloc(sizeof(*wi->wi_hash) << wi->wi_bits);
	if (wi->wi_hash == NULL) {
		host_free(wi);
		return NULL;
	}
	return wi;
}

void
wqindex_destroy(struct wqindex *wi)
{
	struct wqindex_slab *ws;

	while ((ws = wi->wi_slabs) != NULL) {
		wi->wi_slabs = ws->ws_next;
		host_free(ws);
	}
	host_free(wi->wi_hash);
	host_free(wi);
}

/*
 * Quadruple the number of chains.  If there is no memory, keep the old ones,
 * which get longer.
 */
static void
wqindex_grow(struct wqindex *wi)
{
	struct wqindex_entry *we, **chains, **wep;
	unsigned bits;

	bits = wi->wi_bits + 2;
	if ((chains = host_alloc(sizeof(*chains) << bits)) == NULL)
		return;
	host_free(wi->wi_hash);
	wi->wi_hash = chains;
	wi->wi_bits = bits;
	for (we = wi->wi_first; we != NULL; we = we->we_next) {
		wep = wqindex_chain(wi, we->we_work);
		we->we_chain = *wep;
		*wep = we;
	}
}

bool
wqindex_reserve(struct wqindex *wi, size_t n)
{
	struct wqindex_slab *ws;
	size_t i;

	while (wi->wi_nfree < n) {
		if ((ws = host_malloc(sizeof(*ws))) == NULL)
			return false;
		ws->ws_next = wi->wi_slabs;
		wi->wi_slabs = ws;
		/* Put the lowest address first, so that it is used first. */
		for (i = WQINDEX_SLAB; i-- > 0;) {
			ws->ws_entries[i].we_chain = wi->wi_free;
			wi->wi_free = &ws->ws_entries[i];
		}
		wi->wi_nfree += WQINDEX_SLAB;
	}
	if (wi->wi_count + n > (size_t)1 << wi->wi_bits)
		wqindex_grow(wi);
	return true;
}

void
wqindex_append(struct wqindex *wi, struct work *wk)
{
	struct wqindex_entry *we, **wep;

	KASSERT(wi->wi_nfree != 0);
	we = wi->wi_free;
	wi->wi_free = we->we_chain;
	wi->wi_nfree--;
	wep = wqindex_chain(wi, wk);
	we->we_work = wk;
	we->we_chain = *wep;
	*wep = we;
	we->we_next = NULL;
	we->we_prev = wi->wi_last;
	if (wi->wi_last != NULL)
		wi->wi_last->we_next = we;
	else
		wi->wi_first = we;
	wi->wi_last = we;
	wi->wi_count++;
}

struct wqindex_entry *
wqindex_find(const struct wqindex *wi, const struct work *wk)
{
	struct wqindex_entry *we;

	for (we = *wqindex_chain(wi, wk); we != NULL; we = we->we_chain)
		if (we->we_work == wk)
			break;
	return we;
}

void
wqindex_remove(struct wqindex *wi, struct wqindex_entry *we)
{
	struct wqindex_entry **wep;

	for (wep = wqindex_chain(wi, we->we_work); *wep != we;
	    wep = &(*wep)->we_chain)
		continue;
	*wep = we->we_chain;
	if (we->we_prev != NULL)
		we->we_prev->we_next = we->we_next;
	else
		wi->wi_first = we->we_next;
	if (we->we_next != NULL)
		we->we_next->we_prev = we->we_prev;
	else
		wi->wi_last = we->we_prev;
	wi->wi_count--;
	we->we_chain = wi->wi_free;
	wi->wi_free = we;
	wi->wi_nfree++;
}
