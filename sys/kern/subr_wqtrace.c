/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The trace of workqueue_trace(7).  In the trace, a numbered arrow leads from
 * the enqueue of an item to the call for this item.
 *
 * An item has no room for the number of its arrow.  So a table has the numbers
 * of all pending items, by their addresses.  The table is preallocated and
 * lock-free, because signal handlers enqueue.  The hash of an address selects a
 * window of slots.  If all slots of a window are taken, the oldest number is
 * lost, and the call for its item has no arrow.
 *
 * A thread owns a slot while wt_item is WQTRACE_BUSY.  To take a number, a
 * thread reads the number, and then empties the slot by a compare-and-swap.  If
 * that succeeds, no other thread has owned the slot in between.
 */

#include <errno.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_prf.h"
#include "subr_wqtrace.h"

#include <host/host_trace.h>

#define	WQTRACE_SLOTS	(1 << 19)
#define	WQTRACE_WINDOW	64
#define	WQTRACE_BUSY	((uintptr_t)1)

struct wqtrace_slot {
	uintptr_t	 wt_item;	/* (a) 0: free */
	__atomic64_t	 wt_number;	/* (a) */
};

/* wqtrace_init() sets these, before there are other threads. */
static struct wqtrace_slot *wqtrace_slots;
static unsigned		wqtrace_forkgen;	/* of the traced process */

static struct wqtrace_slot *
wqtrace_slot(uintptr_t item, unsigned i)
{
	uint64_t h;

	h = (uint64_t)item * 0x9e3779b97f4a7c15u;
	return &wqtrace_slots[((h >> 40) + i) % WQTRACE_SLOTS];
}

/*
 * Find a slot for an item.  If the item has a slot, because it was cancelled
 * before, take that one.  Otherwise take a free slot, or the oldest.  Store the
 * slot's wt_item in *isp.
 */
static struct wqtrace_slot *
wqtrace_place(uintptr_t item, uintptr_t *isp)
{
	struct wqtrace_slot *place, *wt;
	uint64_t number, oldest;
	uintptr_t is;
	unsigned i;

	place = NULL;
	oldest = UINT64_MAX;
	for (i = 0; i < WQTRACE_WINDOW; i++) {
		wt = wqtrace_slot(item, i);
		is = atomic_load_relaxed(&wt->wt_item);
		if (is == item) {
			*isp = is;
			return wt;
		}
		number = is == 0 ? 0 : is == WQTRACE_BUSY ? UINT64_MAX :
		    atomic_load_relaxed(&wt->wt_number);
		if (number < oldest) {
			oldest = number;
			place = wt;
			*isp = is;
		}
	}
	return place;
}

static void
wqtrace_put(uintptr_t item, uint64_t number)
{
	struct wqtrace_slot *wt;
	uintptr_t is;

	while ((wt = wqtrace_place(item, &is)) != NULL)
		/* Acquire: the store of the number comes after this. */
		if (atomic_cas_acquire(&wt->wt_item, &is, WQTRACE_BUSY)) {
			atomic_store_relaxed(&wt->wt_number, number);
			/* Release: publish the number. */
			atomic_store_release(&wt->wt_item, item);
			break;
		}
}

uint64_t
wqtrace_take(const void *item)
{
	struct wqtrace_slot *wt;
	uint64_t number;
	uintptr_t is;
	unsigned i;

	if (wqtrace_forkgen != kern_forkgen)
		return 0;
	for (i = 0; i < WQTRACE_WINDOW; i++) {
		wt = wqtrace_slot((uintptr_t)item, i);
		/* Acquire: pairs with the release in wqtrace_put(). */
		is = atomic_load_acquire(&wt->wt_item);
		if (is != (uintptr_t)item)
			continue;
		number = atomic_load_relaxed(&wt->wt_number);
		/* Release: we have read the number. */
		return atomic_cas_acq_rel(&wt->wt_item, &is, (uintptr_t)0) ?
		    number : 0;
	}
	return 0;
}

/*
 * Return the name of the calling thread, if the library knows one.
 */
static const char *
wqtrace_thread(void)
{
	const struct lwp *l;

	l = host_self();
	return l != NULL && !l->l_adopted ? l->l_name : NULL;
}

void
wqtrace_enqueue(const void *item, const char *name)
{
	struct host_trace_event te = {
		.te_item = (uintptr_t)item, .te_name = name
	};
	uint64_t number;

	if (wqtrace_forkgen != kern_forkgen)
		return;
	te.te_thread = wqtrace_thread();
	te.te_time = host_monotime();
	if ((number = host_trace_add(HOST_TRACE_ENQUEUE, &te)) != 0)
		wqtrace_put((uintptr_t)item, number);
}

void
wqtrace_begin(uint64_t from, const void *item, const char *name,
    uintptr_t func)
{
	struct host_trace_event te = {
		.te_from = from, .te_item = (uintptr_t)item,
		.te_func = func, .te_name = name
	};

	if (wqtrace_forkgen != kern_forkgen)
		return;
	host_trace_function(func);
	te.te_thread = wqtrace_thread();
	te.te_time = host_monotime();
	(void)host_trace_add(HOST_TRACE_BEGIN, &te);
}

static void
wqtrace_report(int error)
{

	if (error != 0)
		kern_warn("WORKQUEUE_TRACE: the file cannot be written: error "
		    "%d: the trace ends here", error);
}

void
wqtrace_end(void)
{
	struct host_trace_event te = { .te_time = host_monotime() };

	if (wqtrace_forkgen != kern_forkgen)
		return;
	te.te_thread = wqtrace_thread();
	(void)host_trace_add(HOST_TRACE_END, &te);
	wqtrace_report(host_trace_write());
}

void
wqtrace_call(uint64_t from, const void *item, const char *name,
    void (*func)(void *), void *arg)
{

	wqtrace_begin(from, item, name, (uintptr_t)func);
	(*func)(arg);
	wqtrace_end();
}

static void
wqtrace_exit(void)
{

	if (wqtrace_forkgen == kern_forkgen)
		wqtrace_report(host_trace_close());
}

/*
 * Begin the trace, if the environment asks for one.
 */
void
wqtrace_init(void)
{
	const char *file;
	int error;

	file = host_getenv("WORKQUEUE_TRACE");
	if (file == NULL || *file == '\0')
		return;
	wqtrace_slots = host_alloc(WQTRACE_SLOTS * sizeof(*wqtrace_slots));
	error = wqtrace_slots == NULL ? ENOMEM : host_trace_open(file);
	if (error == 0)
		error = host_atexit(wqtrace_exit);
	if (error != 0) {
		kern_warn("WORKQUEUE_TRACE: \"%.128s\" cannot be written: "
		    "error %d: no trace", file, error);
		host_free(wqtrace_slots);
		return;
	}
	wqtrace_forkgen = kern_forkgen;
	kern_tracing = kern_slow = true;
}

/*
 * End the trace in a forked child: it is the parent's.
 */
void
wqtrace_fork(struct lwp *l)
{

	(void)l;
	if (!kern_tracing)
		return;
	kern_tracing = false;
	host_trace_forked();
}
