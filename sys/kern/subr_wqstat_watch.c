/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The watchdog reports each callback that has been running for too long, once,
 * with the stack of its thread.  WORKQUEUE_WATCHDOG in the environment turns it
 * on.  Its thread starts with the first queue, and samples all queues.
 */

#include <string.h>

#include "kern.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_prf.h"
#include "subr_wqstat.h"

#define	WATCH_PART	4		/* samples in the time allowed */
#define	WATCH_PERIOD	INT64_C(1000000000) /* ns between two, at most */
#define	WATCH_ROOM	64		/* running callbacks, at first */
#define	WATCH_FRAMES	40

static int		watch_started;	/* (a) */

/*
 * Print the stack of a thread, as far as the client's function.
 */
static void
watch_stack(long tid, uintptr_t func)
{
	uintptr_t pcs[WATCH_FRAMES];
	struct host_symbol hs, hf;
	char buf[200];
	size_t len;
	int first, i, n;

	n = host_stack(tid, pcs, WATCH_FRAMES);
	/* On top there are the handler, and a function that returns from it. */
	for (first = 0; first < n; first++)
		if (host_symbol(pcs[first] - 1, &hs) && !hs.hs_own)
			break;
	first = first > 0 && first < n - 1 ? first + 1 : 0;
	(void)host_symbol(func, &hf);
	for (i = first; i < n; i++) {
		len = ksnprintf(buf, sizeof(buf), "\tat %pS", (void *)pcs[i]);
		len = len < sizeof(buf) ? len : sizeof(buf) - 1;
		buf[len++] = '\n';
		if (!host_write_soon(buf, len))
			break;
		/* The frames after that of func are the library's. */
		if (hf.hs_name[0] != '\0' && host_symbol(pcs[i] - 1, &hs) &&
		    strcmp(hs.hs_name, hf.hs_name) == 0)
			break;
	}
}

static void
watch_report(const struct workqueue_stat *ws, const struct wqstat_run *wn,
    int64_t runtime)
{
	char text[WQSTAT_TIMELEN], cpu[16], func[128];
	char name[WORKQUEUE_STAT_NAME];

	wqstat_time(text, runtime, false);
	wqstat_plain(name, sizeof(name), ws->ws_name);
	cpu[0] = '\0';
	if (ws->ws_cpu >= 0)
		(void)ksnprintf(cpu, sizeof(cpu), "/%d", ws->ws_cpu);
	if (wn->wn_func != 0)
		(void)ksnprintf(func, sizeof(func), "function %pF",
		    (const void *)wn->wn_func);
	else
		(void)ksnprintf(func, sizeof(func), "an unknown function");
	kern_warn("watchdog: %s \"%s%s\": %s has been running for "
	    "%s, with item %pI, in thread %ld; %ju items are pending",
	    ws->ws_kind, name, cpu, func, text, (const void *)wn->wn_item,
	    wn->wn_tid, (uintmax_t)ws->ws_pending);
	if (wn->wn_tid != 0)
		watch_stack(wn->wn_tid, wn->wn_func);
}

/*
 * A running callback, and the time of the sample that first found it.
 */
struct watch_run {
	uint64_t	 wr_id;		/* its queue */
	unsigned	 wr_gen;
	uint64_t	 wr_number;
	long		 wr_tid;
	int64_t		 wr_since;
	bool		 wr_reported;
};

/*
 * The callbacks of two samples, in the order of their queues.
 */
struct watch {
	struct watch_run *wa_new, *wa_old;
	size_t		 wa_nnew, wa_nold;
	size_t		 wa_size;	/* entries of each array */
	size_t		 wa_first;	/* in wa_old, of this queue or later */
};

/*
 * Return the entry of a callback in the last sample, or NULL.
 */
static const struct watch_run *
watch_find(struct watch *wa, const struct watch_run *wr)
{
	const struct watch_run *old;
	size_t i;

	while (wa->wa_first < wa->wa_nold &&
	    wa->wa_old[wa->wa_first].wr_id < wr->wr_id)
		wa->wa_first++;
	for (i = wa->wa_first; i < wa->wa_nold; i++) {
		old = &wa->wa_old[i];
		if (old->wr_id != wr->wr_id)
			break;
		if (old->wr_gen == wr->wr_gen && old->wr_tid == wr->wr_tid &&
		    old->wr_number == wr->wr_number)
			return old;
	}
	return NULL;
}

/*
 * Make the new sample the old one.  If it has filled its array, get larger
 * arrays.  Return false if there is no memory.
 */
static bool
watch_turn(struct watch *wa)
{
	struct watch_run *larger;
	size_t size;

	size = wa->wa_size;
	if (wa->wa_nnew == size) {
		size *= 2;
		larger = host_alloc(size * sizeof(*larger));
		if (larger == NULL)
			return false;
		memcpy(larger, wa->wa_new, wa->wa_nnew * sizeof(*larger));
		host_free(wa->wa_new);
		host_free(wa->wa_old);
		wa->wa_new = larger;
		if ((wa->wa_old = host_alloc(size * sizeof(*larger))) == NULL)
			return false;
		wa->wa_size = size;
	}
	larger = wa->wa_old;
	wa->wa_old = wa->wa_new;
	wa->wa_nold = wa->wa_nnew;
	wa->wa_new = larger;
	wa->wa_nnew = wa->wa_first = 0;
	return true;
}

/*
 * Record a running callback.  Report it once, when it has reached the limit.
 */
static bool
watch_run(struct wqstat_source *so, const struct workqueue_stat *ws,
    const struct wqstat_run *wn)
{
	const struct watch_run *old;
	struct watch_run *wr;
	struct watch *wa;

	wa = so->so_arg;
	if (wa->wa_nnew == wa->wa_size)
		/* The next sample has more room. */
		return true;
	wr = &wa->wa_new[wa->wa_nnew++];
	wr->wr_id = ws->ws_id;
	wr->wr_gen = ws->ws_gen;
	wr->wr_number = wn->wn_number;
	wr->wr_tid = wn->wn_tid;
	old = watch_find(wa, wr);
	/* A report may have delayed this sample since so_time. */
	wr->wr_since = old != NULL ? old->wr_since : host_monotime();
	wr->wr_reported = old != NULL && old->wr_reported;
	if (!wr->wr_reported && so->so_time - wr->wr_since >= kern_watchdog) {
		wr->wr_reported = true;
		watch_report(ws, wn, so->so_time - wr->wr_since);
	}
	return true;
}

static bool
watch_queue(struct wqstat_source *so, const struct workqueue_stat *ws)
{

	(void)so;
	(void)ws;
	return true;
}

static void
watch_thread(void *arg)
{
	struct watch wa;
	int64_t next, now, period;
	struct lwp *l;

	(void)arg;
	l = curlwp_get();
	period = kern_watchdog / WATCH_PART;
	if (period > WATCH_PERIOD)
		period = WATCH_PERIOD;
	memset(&wa, 0, sizeof(wa));
	wa.wa_size = WATCH_ROOM;
	wa.wa_new = host_alloc(wa.wa_size * sizeof(*wa.wa_new));
	wa.wa_old = host_alloc(wa.wa_size * sizeof(*wa.wa_old));
	if (wa.wa_new != NULL && wa.wa_old != NULL)
		for (next = host_monotime();; next += period) {
			/* Skip the samples that a stopped process missed. */
			if ((now = host_monotime()) - next > period)
				next = now;
			while (host_monotime() < next)
				(void)lwp_timedpark(l, next);
			wqstat_own(watch_queue, watch_run, &wa);
			if (!watch_turn(&wa))
				break;
		}
	kern_warn("watchdog: no memory; it ends");
}

static void
watch_start(void)
{
	struct lwp *l;
	int error, old;

	old = 0;
	if (!atomic_cas_relaxed(&watch_started, &old, 1))
		return;
	error = lwp_create_shared(&l, "watchdog", PRI_NONE, NULL,
	    watch_thread, NULL);
	if (error != 0) {
		kern_warn("watchdog: cannot start its thread: error %d", error);
		atomic_store_relaxed(&watch_started, 0);
	}
}

/*
 * Prepare for the watchdog, before there are other threads.  The library calls
 * this when it starts, if there is to be a watchdog.
 */
void
wqstat_watch_init(void)
{

	host_symbol_init();
	host_stack_init();
	wqstat_onenter = watch_start;
}

/*
 * In a forked child, start the thread again with the next queue.
 */
void
wqstat_watch_fork(struct lwp *l)
{

	(void)l;
	atomic_store_relaxed(&watch_started, 0);
}
