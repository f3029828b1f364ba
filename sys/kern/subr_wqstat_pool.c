/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sample the queues of a process: pools.
 */

#include "subr_wqstat_var.h"

#define	WQSTAT_RUNNERS	4096		/* of a pool; ignore the rest */
#define	WQSTAT_WAITERS	64

/* As enum wqpool_doing. */
#define	WQSTAT_RUNS	1
#define	WQSTAT_BATCHES	2

/*
 * Return how many marks of flushes are on the list of a pool.
 */
static uint64_t
wqstat_marks(struct wqstat_source *so, uintptr_t pw, uintptr_t pool)
{
	uint64_t n;
	unsigned i;

	for (n = i = 0; pw != 0 && i < WQSTAT_WAITERS; i++) {
		n += wqstat_word(so, pw + OFF(so, pw_pool)) == pool;
		pw = wqstat_word(so, pw + OFF(so, pw_next));
	}
	return n;
}

/*
 * Count the items of a pool.
 */
static void
wqstat_pool_count(struct wqstat_source *so, const char *p, uintptr_t addr,
    struct workqueue_stat *ws)
{
	char wr[WQSTAT_OFFSETMAX + 16];
	uint64_t begun, done, marks, n;
	uintptr_t batcher;
	bool more;

	more = false;
	done = wqstat_get64(p, OFF(so, p_ndone));
	begun = wqstat_get64(p, OFF(so, p_seq));
	ws->ws_running = (int)wqstat_getint(p, OFF(so, p_nrunning));
	n = wqstat_chain(so, wqstat_getword(p, OFF(so, p_first)), &more);
	n += wqstat_chain(so, wqstat_getword(p, OFF(so, p_inbox)), &more);
	marks = wqstat_marks(so, wqstat_getword(p, OFF(so, p_waiters)), addr);
	ws->ws_pending = n > marks ? n - marks : 0;
	batcher = wqstat_getword(p, OFF(so, p_batcher));
	if (batcher != 0 && wqstat_read(so, wr, batcher, OFF(so, wr_size))) {
		n = wqstat_getint(wr, OFF(so, wr_begun));
		ws->ws_running = 1;
		ws->ws_pending += wqstat_getint(wr, OFF(so, wr_end)) - n;
		begun += n;
		done += n - 1;
	}
	ws->ws_tail = begun + ws->ws_pending;
	/* An item that is to run again counts as begun. */
	if (begun > done + (uint64_t)ws->ws_running)
		ws->ws_pending += begun - done - (uint64_t)ws->ws_running;
	ws->ws_begun = begun;
	ws->ws_done = done;
	ws->ws_flags = more ? WORKQUEUE_STAT_MORE : 0;
}

/*
 * Count the items of a pool that does not see its items.
 */
static void
wqstat_hidden_count(struct wqstat_source *so, uintptr_t obj,
    const struct wqpool_kind *pk, struct workqueue_stat *ws)
{
	uint64_t n[4];
	uint32_t rest;
	int i;

	for (i = 0; i < 4; i++)
		if (!wqstat_read(so, &n[i], obj + pk->pk_hidden[i],
		    sizeof(n[i])))
			return;
	ws->ws_tail = n[PKH_SUBMITTED] + n[PKH_CONTINUED];
	rest = (uint32_t)ws->ws_tail - (uint32_t)n[PKH_RING] -
	    (uint32_t)n[PKH_LANE];
	/* The numbers were not read at the same moment. */
	if ((int32_t)rest < 0)
		rest = 0;
	ws->ws_pending = rest;
	ws->ws_begun = ws->ws_tail - rest;
	ws->ws_running = wqstat_number(so, obj + pk->pk_hidden[PKH_ACTIVE], 0);
	if (ws->ws_running < 0 || (uint64_t)ws->ws_running > ws->ws_begun)
		ws->ws_running = 0;
	ws->ws_done = ws->ws_begun - (uint64_t)ws->ws_running;
}

/*
 * Learn what a thread runs if the pool does not see its items.  Return false if
 * the thread is between two items.  The thread stores the number before the
 * item.  So read the item before the number, or the item could get the number
 * of an older item.  The ring and the lane count separately, so make their
 * numbers comparable by the distance to the newest number.
 */
static bool
wqstat_hidden_run(struct wqstat_source *so, const struct wqpool_kind *pk,
    uintptr_t lwp, uintptr_t obj, struct wqstat_run *run, uint64_t *orderp)
{
	uint64_t newest, number;
	bool lane;

	run->wn_item = wqstat_word(so, lwp + OFF(so, l_subitem));
	if (run->wn_item == 0 || !wqstat_read(so, &number,
	    lwp + OFF(so, l_subnumber), sizeof(number)))
		return false;
	run->wn_number = number;
	lane = number >= WQPOOL_LANE;
	if (!wqstat_read(so, &newest, obj + pk->pk_hidden[lane ? PKH_LANE :
	    PKH_RING], sizeof(newest)))
		return false;
	*orderp = UINT32_MAX - ((uint32_t)newest - (uint32_t)number - lane);
	return true;
}

/*
 * Name a pool.  If the client's own thread serves a pool, the pool has the name
 * of the thread.  The number of a CPU at the end of a name is left out, because
 * it has a column of its own.
 */
static void
wqstat_pool_name(struct wqstat_source *so, const char *p,
    struct workqueue_stat *ws)
{
	char name[WORKQUEUE_STAT_NAME], *end;
	uintptr_t lwp, wr;

	wqstat_copyname(ws->ws_name, sizeof(ws->ws_name), p + OFF(so, p_name));
	if (strcmp(ws->ws_name, ws->ws_kind) == 0 &&
	    (wr = wqstat_getword(p, OFF(so, p_runners))) != 0 &&
	    (lwp = wqstat_word(so, wr + OFF(so, wr_lwp))) != 0 &&
	    wqstat_read(so, name, wqstat_word(so, lwp + OFF(so, l_name)),
	    sizeof(name))) {
		name[sizeof(name) - 1] = '\0';
		wqstat_copyname(ws->ws_name, sizeof(ws->ws_name), name);
	}
	if (ws->ws_cpu < 0)
		return;
	end = ws->ws_name + strlen(ws->ws_name);
	while (end > ws->ws_name && end[-1] >= '0' && end[-1] <= '9')
		end--;
	if (end - ws->ws_name >= 2 && end[-1] == '/' && *end != '\0')
		end[-1] = '\0';
}

/*
 * A pool that is being sampled.
 */
struct wqstat_view {
	struct workqueue_stat wv_stat;
	struct wqpool_kind wv_kind;
	const char	*wv_pool;	/* a copy of the pool */
	bool		 wv_hidden;	/* it does not see its items */
	uintptr_t	 wv_mark;	/* an item of the library's, or 0 */
	uint64_t	 wv_oldest;	/* order of the run that it shows */
};

/*
 * Learn what a thread of a pool runs.  Return false if it runs nothing.
 */
static bool
wqstat_pool_run(struct wqstat_source *so, const struct wqstat_view *wv,
    uintptr_t addr, const char *wr, struct wqstat_run *run, uint64_t *orderp)
{
	const char *p = wv->wv_pool;
	unsigned begun, doing;

	doing = wqstat_getint(wr, OFF(so, wr_doing));
	if (doing != WQSTAT_RUNS && doing != WQSTAT_BATCHES)
		return false;
	if (wv->wv_hidden) {
		if (!wqstat_hidden_run(so, &wv->wv_kind, wqstat_getword(wr,
		    OFF(so, wr_lwp)), wqstat_getword(p, OFF(so, p_arg)), run,
		    orderp))
			return false;
	} else if (doing == WQSTAT_BATCHES) {
		begun = wqstat_getint(wr, OFF(so, wr_begun));
		run->wn_number = wqstat_get64(p, OFF(so, p_seq)) + begun;
		run->wn_item = wqstat_word(so, addr + OFF(so, wr_batch) +
		    (begun - 1) * sizeof(uintptr_t));
		*orderp = run->wn_number;
	} else {
		run->wn_item = wqstat_getword(wr, OFF(so, wr_cur));
		run->wn_number = wqstat_get64(wr, OFF(so, wr_seq));
		*orderp = run->wn_number;
	}
	if (wv->wv_kind.pk_func == WQPOOL_NOFUNC)
		run->wn_func = wqstat_getword(p, OFF(so, p_func));
	else
		run->wn_func = run->wn_item == 0 ||
		    run->wn_item == wv->wv_mark ? 0 : wqstat_function(so,
		    run->wn_item + (uintptr_t)(intptr_t)wv->wv_kind.pk_func);
	return true;
}

/*
 * Emit the callback that each thread of a pool runs.  The sample of the pool
 * shows the callback that began first.
 */
static bool
wqstat_pool_runs(struct wqstat_source *so, struct wqstat_view *wv)
{
	char wr[WQSTAT_OFFSETMAX + 16];
	struct wqstat_run run;
	uint64_t order;
	uintptr_t addr, lwp;
	unsigned i;

	wv->wv_oldest = UINT64_MAX;
	addr = wqstat_getword(wv->wv_pool, OFF(so, p_runners));
	for (i = 0; addr != 0 && i < WQSTAT_RUNNERS; i++) {
		if (!wqstat_read(so, wr, addr, OFF(so, wr_size)))
			break;
		if (wqstat_pool_run(so, wv, addr, wr, &run, &order)) {
			lwp = wqstat_getword(wr, OFF(so, wr_lwp));
			if (order < wv->wv_oldest) {
				wv->wv_oldest = order;
				wqstat_show(so, &wv->wv_stat, &run, lwp);
			}
			if (!wqstat_ran(so, &wv->wv_stat, &run, lwp))
				return false;
		}
		addr = wqstat_getword(wr, OFF(so, wr_next));
	}
	return true;
}

bool
wqstat_pool(struct wqstat_source *so, const char *p, uintptr_t addr,
    uint64_t id, unsigned gen)
{
	struct wqstat_view wv;
	struct workqueue_stat *ws = &wv.wv_stat;
	struct wqpool_kind *pk = &wv.wv_kind;
	uintptr_t arg, ci, kind;

	kind = wqstat_getword(p, OFF(so, p_kind));
	memset(pk, 0, sizeof(*pk));
	if (kind == 0 || !wqstat_read(so, pk, kind, sizeof(*pk))) {
		wqstat_copyname(pk->pk_name, sizeof(pk->pk_name), "pool");
		pk->pk_func = WQPOOL_NOFUNC;
	}
	pk->pk_name[sizeof(pk->pk_name) - 1] = '\0';
	wqstat_begin(ws, pk->pk_name, id, gen);
	if ((ci = wqstat_getword(p, OFF(so, p_ci))) != 0)
		ws->ws_cpu = wqstat_number(so, ci + OFF(so, ci_index), -1);
	wqstat_pool_name(so, p, ws);
	ws->ws_threads = (int)wqstat_getint(p, OFF(so, p_nthreads));
	wv.wv_pool = p;
	wv.wv_hidden = pk->pk_hidden[PKH_ACTIVE] != 0;
	arg = wqstat_getword(p, OFF(so, p_arg));
	wv.wv_mark = pk->pk_mark == 0 ? 0 : arg + pk->pk_mark;
	if (wv.wv_hidden)
		wqstat_hidden_count(so, arg, pk, ws);
	else
		wqstat_pool_count(so, p, addr, ws);
	if (ws->ws_running != 0 && !wqstat_pool_runs(so, &wv))
		return false;
	return wqstat_emit(so, ws);
}
