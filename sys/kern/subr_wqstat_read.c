/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sample the queues of a process: memory, and threads.
 *
 * The process goes on meanwhile.  So these files read each structure as a
 * whole, compare what they have read, and follow no link that they have not
 * copied.
 */

#include "subr_wqstat_var.h"

#define	WQSTAT_SLABS	256

/*
 * Memory of the process.
 */

bool
wqstat_read(struct wqstat_source *so, void *buf, uintptr_t addr, size_t size)
{
	struct wqstat_piece sp;

	sp.sp_buf = buf;
	sp.sp_addr = addr;
	sp.sp_size = size;
	sp.sp_ok = false;
	(*so->so_readv)(so, &sp, 1);
	return sp.sp_ok;
}

uintptr_t
wqstat_word(struct wqstat_source *so, uintptr_t addr)
{
	uintptr_t w;

	return addr != 0 && wqstat_read(so, &w, addr, sizeof(w)) ? w : 0;
}

int
wqstat_number(struct wqstat_source *so, uintptr_t addr, int other)
{
	int n;

	return addr != 0 && wqstat_read(so, &n, addr, sizeof(n)) ? n : other;
}

void
wqstat_copyname(char *dst, size_t size, const char *src)
{
	size_t i;

	for (i = 0; i < size - 1 && src[i] != '\0'; i++)
		dst[i] = src[i];
	dst[i] = '\0';
}

/*
 * Copy a name for a table.  Replace characters that would confuse a terminal,
 * or a program that splits the line at blanks.
 */
void
wqstat_plain(char *dst, size_t size, const char *src)
{
	size_t i;

	for (i = 0; i < size - 1 && src[i] != '\0'; i++)
		dst[i] = src[i] > ' ' && src[i] <= '~' ? src[i] : '_';
	dst[i] = '\0';
}

enum wqstat_error
wqstat_root_read(struct wqstat_source *so, uintptr_t addr)
{
	struct wqstat_root *wr;
	unsigned i;

	wr = &so->so_root;
	if (!wqstat_read(so, wr, addr, offsetof(struct wqstat_root, wr_chunk)))
		return WQSTAT_UNREADABLE;
	wr->wr_version[sizeof(wr->wr_version) - 1] = '\0';
	if (memcmp(wr->wr_magic, WQSTAT_MAGIC, sizeof(wr->wr_magic)) != 0)
		return WQSTAT_NOTAROOT;
	if (wr->wr_layout != WQSTAT_LAYOUT || wr->wr_size != sizeof(*wr) ||
	    wr->wr_pointer != sizeof(void *))
		return WQSTAT_OTHERLAYOUT;
	if (!wqstat_read(so, wr, addr, sizeof(*wr)))
		return WQSTAT_UNREADABLE;
	wr->wr_version[sizeof(wr->wr_version) - 1] = '\0';
	for (i = 0; i < WQO_inside; i++)
		if (wr->wr_offsets[i] > WQSTAT_OFFSETMAX)
			return WQSTAT_OTHERLAYOUT;
	if (wr->wr_wheels > 16 || wr->wr_unitshift > 32)
		return WQSTAT_OTHERLAYOUT;
	return WQSTAT_OK;
}

/*
 * Count the items of a list by their links.
 */
uint64_t
wqstat_chain(struct wqstat_source *so, uintptr_t w, bool *morep)
{
	uint64_t n;

	for (n = 0; w != 0 && (w & WQSTAT_ASLEEP) == 0; n++) {
		if (n == so->so_links) {
			*morep = true;
			break;
		}
		w = wqstat_word(so, w);
	}
	return n;
}

/*
 * Threads.
 */

long
wqstat_tid(struct wqstat_source *so, uintptr_t lwp)
{
	long tid;

	return lwp != 0 && wqstat_read(so, &tid, lwp + OFF(so, l_hosttid),
	    sizeof(tid)) && tid > 0 ? tid : 0;
}

/*
 * Find the thread that runs a queue without a worker, or return 0.
 */
uintptr_t
wqstat_findlwp(struct wqstat_source *so, uintptr_t queue)
{
	uintptr_t lwp, slab;
	unsigned i, n;

	lwp = (uintptr_t)so->so_root.wr_lwp0;
	if (wqstat_word(so, lwp + OFF(so, l_wqq)) == queue)
		return lwp;
	slab = wqstat_word(so, (uintptr_t)so->so_root.wr_slabs);
	for (n = 0; slab != 0 && n < WQSTAT_SLABS; n++) {
		for (i = 0; i < OFF(so, ls_nlwps); i++) {
			lwp = slab + i * OFF(so, l_size);
			if (wqstat_word(so, lwp + OFF(so, l_wqq)) == queue)
				return lwp;
		}
		slab = wqstat_word(so, slab + OFF(so, ls_next));
	}
	return 0;
}

/*
 * Return the function to which the word at an address points, or 0 if it is
 * unknown.  A callback may free its item, so what is there may not be a
 * function.
 */
uintptr_t
wqstat_function(struct wqstat_source *so, uintptr_t addr)
{
	uintptr_t func;

	func = wqstat_word(so, addr);
	return func != 0 && so->so_iscode != NULL &&
	    !(*so->so_iscode)(so, func) ? 0 : func;
}

/*
 * Samples.
 */

void
wqstat_begin(struct workqueue_stat *ws, const char *kind, uint64_t id,
    unsigned gen)
{

	memset(ws, 0, sizeof(*ws));
	wqstat_copyname(ws->ws_kind, sizeof(ws->ws_kind), kind);
	ws->ws_cpu = -1;
	ws->ws_id = id;
	ws->ws_gen = gen;
}

/*
 * Return true if the object that is being sampled is still in its slot.
 * Otherwise the data that was read since may belong to another object.
 */
static bool
wqstat_same(struct wqstat_source *so)
{
	struct wqstat_slot now;

	return so->so_slot == NULL || (wqstat_read(so, &now, so->so_slotaddr,
	    sizeof(now)) && now.ss_object == so->so_slot->ss_object &&
	    now.ss_gen == so->so_slot->ss_gen);
}

/*
 * Make the sample of a queue show this callback.  lwp is the record of the
 * thread that runs it.
 */
void
wqstat_show(struct wqstat_source *so, struct workqueue_stat *ws,
    const struct wqstat_run *run, uintptr_t lwp)
{

	ws->ws_run = run->wn_number;
	ws->ws_func = (const void *)run->wn_func;
	ws->ws_item = (const void *)run->wn_item;
	ws->ws_tid = wqstat_tid(so, lwp);
}

/*
 * Emit a running callback.  Return false if the hook ended the sample.
 */
bool
wqstat_ran(struct wqstat_source *so, const struct workqueue_stat *ws,
    const struct wqstat_run *run, uintptr_t lwp)
{
	struct wqstat_run wn;

	if (so->so_run == NULL || !wqstat_same(so))
		return true;
	wn = *run;
	wn.wn_tid = wqstat_tid(so, lwp);
	return (*so->so_run)(so, ws, &wn);
}

bool
wqstat_emit(struct wqstat_source *so, struct workqueue_stat *ws)
{

	ws->ws_time = so->so_time;
	if (ws->ws_pending == 0)
		ws->ws_tail = ws->ws_begun;
	/* Little was read of an idle queue: wqstat_objects() checked it. */
	if ((ws->ws_running != 0 || ws->ws_pending != 0) && !wqstat_same(so))
		return true;
	return (*so->so_emit)(so, ws);
}
