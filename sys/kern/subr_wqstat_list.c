/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sample the queues of a process: the list of queues.
 */

#include "subr_wqstat_var.h"

#define	WQSTAT_CHUNKS	65536		/* more is an error */

/*
 * Read the objects of n slots, which are in so_slots.  Return the number of
 * objects, or 0 if there is none, or if the slots cannot be read again.
 */
static unsigned
wqstat_readobjects(struct wqstat_source *so, unsigned n, uintptr_t addr)
{
	const struct wqstat_slot *ss;
	struct wqstat_piece *sp;
	unsigned i, m;

	for (i = m = 0; i < n; i++) {
		ss = &so->so_slots[i];
		if (ss->ss_object == NULL)
			continue;
		sp = &so->so_pieces[m++];
		sp->sp_buf = so->so_objects[i];
		sp->sp_addr = (uintptr_t)ss->ss_object;
		sp->sp_size = ss->ss_kind == WQSTAT_POOL ? OFF(so, p_size) :
		    OFF(so, wq_size);
		sp->sp_ok = false;
	}
	if (m == 0)
		return 0;
	/*
	 * Read the slots once more after the objects.  If an object is still in
	 * its slot, it was there while it was read.
	 */
	sp = &so->so_pieces[m];
	sp->sp_buf = so->so_again;
	sp->sp_addr = addr;
	sp->sp_size = n * sizeof(*ss);
	sp->sp_ok = false;
	(*so->so_readv)(so, so->so_pieces, m + 1);
	return sp->sp_ok ? m : 0;
}

/*
 * Sample the objects of n slots, which are in so_slots and were read from addr.
 */
static bool
wqstat_objects(struct wqstat_source *so, unsigned n, uintptr_t addr,
    uint64_t index)
{
	const struct wqstat_slot *ss;
	unsigned i, m;
	uint64_t id;
	bool more;

	if (wqstat_readobjects(so, n, addr) == 0)
		return true;
	more = true;
	for (i = m = 0; i < n && more; i++) {
		ss = &so->so_slots[i];
		if (ss->ss_object == NULL || !so->so_pieces[m++].sp_ok ||
		    so->so_again[i].ss_object != ss->ss_object ||
		    so->so_again[i].ss_gen != ss->ss_gen)
			continue;
		/* Smaller numbers are those of callouts and soft interrupts. */
		id = (index + i + 1) * (WQSTAT_QUEUES * 2);
		so->so_slot = ss;
		so->so_slotaddr = addr + i * sizeof(*ss);
		more = ss->ss_kind == WQSTAT_POOL ?
		    wqstat_pool(so, so->so_objects[i],
		    (uintptr_t)ss->ss_object, id, ss->ss_gen) :
		    wqstat_workqueue(so, so->so_objects[i],
		    (uintptr_t)ss->ss_object, id, ss->ss_gen);
	}
	so->so_slot = NULL;
	return more;
}

/*
 * Sample all queues, in an order that does not change.  Return false if so_emit
 * or so_run ended the sample.
 */
bool
wqstat_sample(struct wqstat_source *so)
{
	uintptr_t addr, chunk, mark;
	uint64_t index, nchunks;
	unsigned i, n;

	so->so_slot = NULL;
	if (!wqstat_callouts(so) || !wqstat_softints(so))
		return false;
	chunk = (uintptr_t)so->so_root.wr_chunk;
	mark = 0;
	for (nchunks = 0; chunk != 0 && nchunks < WQSTAT_CHUNKS; nchunks++) {
		/* Find a loop, which a damaged list may have. */
		if (chunk == mark)
			break;
		if ((nchunks & (nchunks - 1)) == 0)
			mark = chunk;
		index = nchunks * WQSTAT_SLOTS;
		for (i = 0; i < WQSTAT_SLOTS; i += n) {
			n = WQSTAT_SLOTS - i;
			if (n > so->so_batch)
				n = so->so_batch;
			addr = chunk + offsetof(struct wqstat_chunk,
			    sc_slots) + i * sizeof(struct wqstat_slot);
			if (wqstat_read(so, so->so_slots, addr,
			    n * sizeof(struct wqstat_slot)) &&
			    !wqstat_objects(so, n, addr, index + i))
				return false;
		}
		chunk = wqstat_word(so, chunk +
		    offsetof(struct wqstat_chunk, sc_next));
	}
	return true;
}

