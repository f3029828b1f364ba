/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Sample the queues of a process: the queues of workqueue(9).
 */

#include "subr_wqstat_var.h"

#define	WQSTAT_TRIES	3		/* for a list that is changing */

/*
 * Return how many items the worker has taken into its batches so far.
 */
static uint64_t
wqstat_taken(struct wqstat_source *so, const char *q)
{

	return wqstat_get64(q, OFF(so, q_base)) +
	    (wqstat_getint(q, OFF(so, q_end)) -
	    wqstat_getint(q, OFF(so, q_start)));
}

/*
 * Return true if a thread holds q_lock: it may be changing the numbers.
 */
static bool
wqstat_locked(struct wqstat_source *so, const char *q)
{

	return (wqstat_getword(q, OFF(so, q_lock)) &
	    ~(uintptr_t)WQSTAT_LOCKFLAGS) != 0;
}

/*
 * Count the pending items of a queue.  Return false if they moved meanwhile and
 * the count is only a guess.
 */
static bool
wqstat_queue_count(struct wqstat_source *so, char *q, uintptr_t addr,
    struct workqueue_stat *ws)
{
	uint64_t begun, done, inbox, list, rest, taken, now;
	uintptr_t turned, unturned;
	unsigned refills;
	bool more, stable;

	more = false;
	done = wqstat_get64(q, OFF(so, q_done));
	begun = wqstat_get64(q, OFF(so, q_begun));
	if (begun < done)
		begun = done;
	taken = wqstat_taken(so, q);
	stable = !wqstat_locked(so, q);
	unturned = wqstat_getword(q, OFF(so, q_unturned));
	turned = unturned == 0 ? 0 : wqstat_getword(q, OFF(so, q_turned));
	refills = wqstat_getint(q, OFF(so, q_refills));
	list = wqstat_chain(so, wqstat_getword(q, OFF(so, q_first)), &more);
	rest = wqstat_chain(so, turned, &more);
	rest += wqstat_chain(so, unturned, &more);
	inbox = wqstat_chain(so, wqstat_getword(q, OFF(so, q_inbox)), &more);

	ws->ws_running = begun > done;
	ws->ws_begun = begun;
	ws->ws_done = begun - (begun > done);
	ws->ws_pending = (taken > begun ? taken - begun : 0) + list + rest +
	    inbox;
	ws->ws_flags = more ? WORKQUEUE_STAT_MORE : 0;
	ws->ws_tail = begun + ws->ws_pending;
	if (list + rest + inbox == 0 && taken <= begun)
		return true;
	if (!wqstat_read(so, q, addr, OFF(so, q_size)))
		return false;
	now = wqstat_taken(so, q);
	/*
	 * The worker takes items only at the head of the list.  So if the
	 * worker took few of them, it has not overtaken this count.
	 */
	return stable && !wqstat_locked(so, q) &&
	    refills == wqstat_getint(q, OFF(so, q_refills)) &&
	    unturned == wqstat_getword(q, OFF(so, q_unturned)) &&
	    (now == taken || (now - taken) * 2 <= list);
}

/*
 * Return the item that the queue runs, or 0.
 */
static uintptr_t
wqstat_queue_item(struct wqstat_source *so, const char *q,
    const struct workqueue_stat *ws)
{
	uint64_t base, i;

	base = wqstat_get64(q, OFF(so, q_base));
	i = wqstat_getint(q, OFF(so, q_start)) + (ws->ws_begun - 1 - base);
	if (ws->ws_begun <= base || i >= wqstat_getint(q, OFF(so, q_end)))
		return 0;
	return wqstat_word(so, wqstat_getword(q, OFF(so, q_batch)) +
	    (uintptr_t)i * sizeof(uintptr_t)) & ~(uintptr_t)1;
}

/*
 * Sample one queue, of which q is a copy.
 */
static bool
wqstat_queue(struct wqstat_source *so, const char *wq, char *q,
    uintptr_t addr, uint64_t id, unsigned gen)
{
	struct workqueue_stat ws;
	struct wqstat_run run;
	uintptr_t ci, lwp;
	int tries;
	bool polled;

	polled = wqstat_getword(q, OFF(so, q_fdrunner)) != 0;
	wqstat_begin(&ws, polled ? "polled" : "workqueue", id, gen);
	wqstat_copyname(ws.ws_name, 17, wq + OFF(so, wq_name));
	for (tries = 0; !wqstat_queue_count(so, q, addr, &ws); tries++)
		if (tries == WQSTAT_TRIES) {
			/* The count may be wrong: do not use it as a tail. */
			ws.ws_tail = ws.ws_begun;
			break;
		}
	lwp = wqstat_getword(q, OFF(so, q_lwp));
	ws.ws_threads = lwp != 0;
	if ((ci = wqstat_getword(q, OFF(so, q_ci))) != 0)
		ws.ws_cpu = wqstat_number(so, ci + OFF(so, ci_index), -1);
	if (ws.ws_running == 0)
		return wqstat_emit(so, &ws);
	if (polled)
		lwp = wqstat_findlwp(so, addr);
	run.wn_number = ws.ws_begun;
	run.wn_func = wqstat_getword(wq, OFF(so, wq_func));
	run.wn_item = wqstat_queue_item(so, q, &ws);
	wqstat_show(so, &ws, &run, lwp);
	return wqstat_ran(so, &ws, &run, lwp) && wqstat_emit(so, &ws);
}

/*
 * Sample the queues of a workqueue.  obj is a copy of the workqueue and its
 * first queue.
 */
bool
wqstat_workqueue(struct wqstat_source *so, char *obj, uintptr_t addr,
    uint64_t id, unsigned gen)
{
	uintptr_t qaddr;
	unsigned i, n;
	char *q;

	n = wqstat_getint(obj, OFF(so, wq_nqueues));
	q = obj + OFF(so, wq_queues);
	qaddr = addr + OFF(so, wq_queues);
	for (i = 0; i < n && i < WQSTAT_QUEUES; i++) {
		if (i != 0 && !wqstat_read(so, q, qaddr, OFF(so, q_size)))
			break;
		if (!wqstat_queue(so, obj, q, qaddr, id + i, gen))
			return false;
		qaddr += OFF(so, q_size);
	}
	return true;
}

