/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sample the queues of a process: compare two samples, to learn ages.
 *
 * Items have no time stamp, but the position of an item tells its age.  Each
 * sample records its tail: how many items had been enqueued by then.  If the
 * position of an item is not behind the tail of a sample, the item was enqueued
 * before that sample.  So the age of the item is known to within one period
 * between samples.  The same is true of a callback, because callbacks are
 * numbered.
 */

#include "subr_wqstat_var.h"

/*
 * Make room in the history.  Drop the entry that is missed least: the one for
 * which the time between its neighbours is the smallest part of its age.
 */
static void
wqstat_thin(struct workqueue_stat *ws)
{
	int64_t age, best, gap;
	unsigned i, which;

	which = 1;
	best = INT64_MAX;
	for (i = 1; i + 1 < ws->ws_nhistory; i++) {
		gap = ws->ws_history[i + 1].wh_time -
		    ws->ws_history[i - 1].wh_time;
		age = ws->ws_time - ws->ws_history[i].wh_time + 1;
		gap = gap / (age / 1024 + 1);
		if (gap < best) {
			best = gap;
			which = i;
		}
	}
	ws->ws_nhistory--;
	for (i = which; i < ws->ws_nhistory; i++)
		ws->ws_history[i] = ws->ws_history[i + 1];
}

/*
 * Find the age of the oldest pending item, whose position is ws_begun + 1.
 */
static void
wqstat_age(struct workqueue_stat *ws, const struct workqueue_stat *old)
{
	unsigned i, n;

	n = 0;
	if (old != NULL)
		for (i = 0; i < old->ws_nhistory &&
		    i < WORKQUEUE_STAT_HISTORY; i++)
			if (old->ws_history[i].wh_tail > ws->ws_begun)
				ws->ws_history[n++] = old->ws_history[i];
	ws->ws_nhistory = n;
	if (ws->ws_tail > ws->ws_begun && (n == 0 ||
	    ws->ws_tail > ws->ws_history[n - 1].wh_tail)) {
		if (n == WORKQUEUE_STAT_HISTORY)
			wqstat_thin(ws);
		n = ws->ws_nhistory++;
		ws->ws_history[n].wh_time = ws->ws_time;
		ws->ws_history[n].wh_tail = ws->ws_tail;
	}
	if (ws->ws_pending != 0 && ws->ws_nhistory != 0)
		ws->ws_oldest = ws->ws_time - ws->ws_history[0].wh_time;
}

/*
 * Compare a sample with the previous one of the same queue, if any, to learn
 * how long the queue has been in its state.  "first" is the time of the first
 * sample of the process: nothing is known of the time before.
 */
void
wqstat_compare(struct workqueue_stat *ws, const struct workqueue_stat *old,
    int64_t first)
{
	bool waits;

	if (old != NULL && (old->ws_id != ws->ws_id ||
	    old->ws_gen != ws->ws_gen))
		old = NULL;
	waits = ws->ws_pending != 0;
	ws->ws_first = first;
	/* A callout that is due only now does not wait yet. */
	if (strcmp(ws->ws_kind, "callout") == 0)
		waits = old != NULL &&
		    ws->ws_oldest >= (ws->ws_time - old->ws_time) / 2;
	else
		wqstat_age(ws, old);
	if (ws->ws_running != 0) {
		ws->ws_since = old != NULL && old->ws_running != 0 &&
		    ws->ws_run != 0 && old->ws_run == ws->ws_run ?
		    old->ws_since : ws->ws_time;
		ws->ws_runtime = ws->ws_time - ws->ws_since;
		if (ws->ws_since <= first)
			ws->ws_flags |= WORKQUEUE_STAT_LONGER;
	}
	if (waits && ws->ws_nhistory != 0 &&
	    ws->ws_history[0].wh_time <= first)
		ws->ws_flags |= WORKQUEUE_STAT_OLDER;
	if (old != NULL && ws->ws_time > old->ws_time &&
	    (waits || ws->ws_running != 0) &&
	    ws->ws_begun == old->ws_begun && ws->ws_done == old->ws_done &&
	    (old->ws_running != 0 || old->ws_pending != 0))
		ws->ws_flags |= WORKQUEUE_STAT_STALLED;
}

/*
 * Write a time in at most seven letters, such as 250ms.  If the true time may
 * be longer ("more"), put a > before it, such as >1.5h.
 */
void
wqstat_time(char *buf, int64_t ns, bool more)
{
	static const struct {
		int64_t		tu_size;
		char		 tu_name[3];
	} units[] = {
		{ INT64_C(86400000000000), "d" },
		{ INT64_C(3600000000000), "h" }, { INT64_C(60000000000), "m" },
		{ INT64_C(1000000000), "s" },
		{ 1000000, "ms" }, { 1000, "us" }, { 1, "ns" }
	};
	int64_t n;
	unsigned i;
	char digits[20], *p, *s;

	for (i = 0; i < 6 && ns < units[i].tu_size; i++)
		continue;
	s = buf;
	if (more)
		*s++ = '>';
	n = ns < 0 ? 0 : ns / units[i].tu_size;
	if (n > 9999)
		n = 9999;
	p = digits;
	do
		*p++ = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	while (p > digits)
		*s++ = *--p;
	if (ns >= 0 && i < 6 && ns / units[i].tu_size < 10) {
		*s++ = '.';
		*s++ = (char)('0' + ns % units[i].tu_size * 10 /
		    units[i].tu_size);
	}
	memcpy(s, units[i].tu_name, sizeof(units[i].tu_name));
}
