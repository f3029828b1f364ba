/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pcq(9): a ring of slots, and two counts that only increase.
 *
 * A producer takes a place by a compare-and-swap of pcq_put.  Then it stores
 * its item into the slot of that place.  The consumer reads the slot of
 * pcq_got.  If an item is stored there, the consumer clears the slot and
 * increments pcq_got.
 *
 * Invariants.  0 <= pcq_put - pcq_got <= pcq_len.  The slots of all places
 * outside [pcq_got, pcq_put) are NULL.  A slot inside is NULL only until its
 * producer has stored the item.
 *
 * So a producer stores into an empty slot, and no thread waits for another.  If
 * a producer is preempted before its store, the consumer does not see later
 * items, but other producers go on.
 *
 * tests/model/pcq.pml models this algorithm.
 */

#include <sys/pcq.h>

#include "kern.h"

struct pcq {
	size_t		pcq_len;	/* the most items it holds */
	size_t		pcq_mask;	/* number of slots (power of 2) - 1 */

	/*
	 * Padding keeps the producers' and the consumer's fields on different
	 * cache lines: kmem(9) does not align memory to a line.
	 */
	char		pcq_pad0[KERN_CACHELINE];
	size_t		pcq_put;	/* (a) places taken */
	char		pcq_pad1[KERN_CACHELINE];
	size_t		pcq_got;	/* (a) items taken out */
	char		pcq_pad2[KERN_CACHELINE];
	void		*pcq_items[];	/* (a) */
};

static size_t
pcq_size(const struct pcq *pcq)
{

	return sizeof(*pcq) + (pcq->pcq_mask + 1) * sizeof(pcq->pcq_items[0]);
}

__kern_public pcq_t *
pcq_create(size_t len, km_flag_t flags)
{
	struct pcq init = { .pcq_len = len }, *pcq;

	KASSERTMSG(len != 0 && len <= PCQ_MAXLEN, "pcq_create: %zu items",
	    len);
	while (init.pcq_mask + 1 < len)
		init.pcq_mask = init.pcq_mask * 2 + 1;
	if ((pcq = kmem_zalloc(pcq_size(&init), flags)) == NULL)
		return NULL;
	pcq->pcq_len = init.pcq_len;
	pcq->pcq_mask = init.pcq_mask;
	return pcq;
}

__kern_public void
pcq_destroy(pcq_t *pcq)
{

	kmem_free(pcq, pcq_size(pcq));
}

__kern_public size_t
pcq_maxitems(pcq_t *pcq)
{

	return pcq->pcq_len;
}

__kern_public bool
pcq_put(pcq_t *pcq, void *item)
{
	size_t got, put, now;

	KASSERTMSG(item != NULL, "pcq_put: the item is NULL");
	/* Acquire: pcq_got, loaded below, is not older than this pcq_put. */
	put = atomic_load_acquire(&pcq->pcq_put);
	for (;;) {
		/*
		 * Acquire: pairs with pcq_get(), which has cleared the slots
		 * that it counts.  Also, pcq_put, loaded below, is not older
		 * than this pcq_got.
		 */
		got = atomic_load_acquire(&pcq->pcq_got);
		if (__predict_false(put - got >= pcq->pcq_len)) {
			/* Full only if put is still the next place. */
			now = atomic_load_acquire(&pcq->pcq_put);
			if (now == put)
				return false;
			put = now;
			continue;
		}
		/*
		 * Acquire on failure, as above.  On success no order is needed,
		 * because the store of the item publishes it.
		 */
		if (atomic_cas_acq_rel(&pcq->pcq_put, &put, put + 1))
			break;
	}
	/* Release: the consumer sees what the caller did to the item. */
	atomic_store_release(&pcq->pcq_items[put & pcq->pcq_mask], item);
	return true;
}

__kern_public void *
pcq_peek(pcq_t *pcq)
{
	size_t got;

	/* Relaxed: only the caller changes pcq_got. */
	got = atomic_load_relaxed(&pcq->pcq_got);
	/* Acquire: pairs with pcq_put(). */
	return atomic_load_acquire(&pcq->pcq_items[got & pcq->pcq_mask]);
}

__kern_public void *
pcq_get(pcq_t *pcq)
{
	void *item, **slot;
	size_t got;

	got = atomic_load_relaxed(&pcq->pcq_got);
	slot = &pcq->pcq_items[got & pcq->pcq_mask];
	/* Acquire: pairs with pcq_put(). */
	if ((item = atomic_load_acquire(slot)) == NULL)
		return NULL;
	atomic_store_relaxed(slot, NULL);
	/* Release: if a producer sees the count, it sees the empty slot. */
	atomic_store_release(&pcq->pcq_got, got + 1);
	return item;
}
