/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sample the queues of a process: callouts and soft interrupts, which are not
 * in the list.
 */

#include "subr_wqstat_var.h"

#define	WQSTAT_LEVELS	8		/* of soft interrupts, at most */

/*
 * Return when the first callout is due, or 0.
 */
static int64_t
wqstat_callout_due(struct wqstat_source *so)
{
	uint64_t mask[17], least;
	uintptr_t slot;
	unsigned i, n, w;

	n = so->so_root.wr_wheels + 1;
	if (!wqstat_read(so, mask, (uintptr_t)so->so_root.wr_mask,
	    n * sizeof(mask[0])))
		return 0;
	/* The last slot has callouts that are due already. */
	for (i = 0; i < n && mask[w = (i + n - 1) % n] == 0; i++)
		continue;
	if (i == n)
		return 0;
	slot = (uintptr_t)so->so_root.wr_slots + (w * 64 +
	    (unsigned)__builtin_ctzll(mask[w])) * OFF(so, cs_size);
	if (!wqstat_read(so, &least, slot + OFF(so, cs_least), sizeof(least)))
		return 0;
	return (int64_t)(least << so->so_root.wr_unitshift);
}

/*
 * Sample a thread of callouts.  All armed callouts count as pending for the
 * first thread.  A callout is pending as soon as it is armed, as for
 * callout_pending(), but it waits only once it is due.
 */
static bool
wqstat_callout(struct wqstat_source *so, const char *cr, unsigned i)
{
	struct workqueue_stat ws;
	struct wqstat_run run;
	uintptr_t lwp;
	int64_t due;

	wqstat_begin(&ws, "callout", i, 0);
	wqstat_copyname(ws.ws_name, sizeof(ws.ws_name), i == 0 ? "callout" :
	    "callout/klock");
	lwp = wqstat_getword(cr, OFF(so, cr_lwp));
	ws.ws_threads = 1;
	ws.ws_done = wqstat_get64(cr, OFF(so, cr_ndone));
	run.wn_item = wqstat_getword(cr, OFF(so, cr_running));
	ws.ws_running = run.wn_item != 0;
	ws.ws_begun = ws.ws_done + (uint64_t)ws.ws_running;
	if (i == 0) {
		ws.ws_pending = (unsigned)wqstat_number(so,
		    (uintptr_t)so->so_root.wr_armed, 0);
		due = wqstat_callout_due(so);
		if (due != 0 && so->so_time > due)
			ws.ws_oldest = so->so_time - due;
	}
	if (run.wn_item == 0)
		return wqstat_emit(so, &ws);
	run.wn_number = ws.ws_begun;
	run.wn_func = wqstat_function(so, run.wn_item + OFF(so, c_func));
	wqstat_show(so, &ws, &run, lwp);
	return wqstat_ran(so, &ws, &run, lwp) && wqstat_emit(so, &ws);
}

bool
wqstat_callouts(struct wqstat_source *so)
{
	char cr[WQSTAT_OFFSETMAX + 16];
	uintptr_t addr;
	unsigned i;

	addr = (uintptr_t)so->so_root.wr_callouts;
	for (i = 0; i < OFF(so, cr_n) && i < WQSTAT_CALLOUTS; i++) {
		if (!wqstat_read(so, cr, addr, OFF(so, cr_size)))
			break;
		if (wqstat_getword(cr, OFF(so, cr_lwp)) != 0 &&
		    !wqstat_callout(so, cr, i))
			return false;
		addr += OFF(so, cr_size);
	}
	return true;
}

/*
 * Emit the handlers of a CPU that have begun.  The sample of the CPU shows the
 * handler of the lowest level.
 */
static bool
wqstat_softruns(struct wqstat_source *so, const char *sc,
    struct workqueue_stat *ws)
{
	struct wqstat_run run;
	uintptr_t lwp, si;
	uint32_t i;
	bool first;

	first = true;
	for (i = 0; i < OFF(so, sc_nlevels) && i < WQSTAT_LEVELS; i++) {
		si = wqstat_getword(sc, OFF(so, sc_busy) +
		    i * (uint32_t)sizeof(si));
		if (si == 0)
			continue;
		lwp = wqstat_getword(sc, OFF(so, sc_lwp) +
		    i * (uint32_t)sizeof(lwp));
		run.wn_number = wqstat_get64(sc, OFF(so, sc_ndone) + i *
		    (uint32_t)sizeof(uint64_t)) * WQSTAT_LEVELS + i + 1;
		run.wn_item = si;
		run.wn_func = wqstat_function(so, wqstat_word(so,
		    si + OFF(so, si_hand)) + OFF(so, sh_func));
		if (first)
			wqstat_show(so, ws, &run, lwp);
		first = false;
		if (!wqstat_ran(so, ws, &run, lwp))
			return false;
	}
	return true;
}

/*
 * Sample the soft interrupts of a CPU.
 */
static bool
wqstat_softcpu(struct wqstat_source *so, uintptr_t addr, int cpu)
{
	char sc[WQSTAT_OFFSETMAX + 64];
	struct workqueue_stat ws;
	uintptr_t si;
	uint32_t i;

	if (!wqstat_read(so, sc, addr, OFF(so, sc_size)))
		return true;
	wqstat_begin(&ws, "softint", (uint64_t)cpu + WQSTAT_CALLOUTS, 0);
	wqstat_copyname(ws.ws_name, sizeof(ws.ws_name), "softint");
	ws.ws_cpu = cpu;
	ws.ws_threads = (int)wqstat_getint(sc, OFF(so, sc_nthreads));
	if (ws.ws_threads == 0)
		return true;
	for (i = 0; i < OFF(so, sc_nlevels) && i < WQSTAT_LEVELS; i++) {
		si = wqstat_getword(sc, OFF(so, sc_first) +
		    i * (uint32_t)sizeof(si));
		for (; si != 0 && ws.ws_pending < so->so_links;
		    si = wqstat_word(so, si + OFF(so, si_next)))
			ws.ws_pending++;
		ws.ws_done += wqstat_get64(sc, OFF(so, sc_ndone) +
		    i * (uint32_t)sizeof(uint64_t));
		ws.ws_running += wqstat_getword(sc, OFF(so, sc_busy) +
		    i * (uint32_t)sizeof(si)) != 0;
	}
	ws.ws_begun = ws.ws_done + (uint64_t)ws.ws_running;
	ws.ws_tail = ws.ws_begun + ws.ws_pending;
	if (ws.ws_running != 0 && !wqstat_softruns(so, sc, &ws))
		return false;
	return wqstat_emit(so, &ws);
}

bool
wqstat_softints(struct wqstat_source *so)
{
	uintptr_t addr;
	int i, n;

	addr = wqstat_word(so, (uintptr_t)so->so_root.wr_softcpus);
	if (addr == 0)
		return true;
	n = wqstat_number(so, (uintptr_t)so->so_root.wr_ncpu, 0);
	for (i = 0; i < n && i < (int)WQSTAT_QUEUES; i++)
		if (!wqstat_softcpu(so, addr + (unsigned)i * OFF(so, sc_size),
		    i))
			return false;
	return true;
}

