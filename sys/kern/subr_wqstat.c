/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The list of all queues, and the root record: see subr_wqstat.h.
 */

#include <host/host_note.h>

#include "kern.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_softint.h"
#include "kern_timeout.h"
#include "subr_cpu.h"
#include "subr_workqueue.h"
#include "subr_wqpool.h"
#include "subr_wqpool_var.h"
#include "subr_wqstat.h"
#include "subr_wqstat_var.h"

/* The first chunk is static: a few queues need no allocation. */
static struct wqstat_chunk wqstat_chunk0;
static struct wqstat_chunk *wqstat_last;	/* (wqstat_lock) NULL: none */
static struct wqstat_slot *wqstat_free;		/* (wqstat_lock) */
struct kspin		wqstat_lock;
void			(*wqstat_onenter)(void);

#undef	OFF
#define	OFF(name, type, field)	[WQO_##name] = offsetof(struct type, field)
#define	SIZE(name, type)	[WQO_##name] = sizeof(struct type)

__kern_public struct wqstat_root wqpool_statroot = {
	.wr_magic = WQSTAT_MAGIC,
	.wr_layout = WQSTAT_LAYOUT,
	.wr_size = sizeof(struct wqstat_root),
	.wr_pointer = sizeof(void *),
	.wr_version = KERN_VERSION,
	.wr_chunk = &wqstat_chunk0,
	.wr_lwp0 = &lwp_zero,
	.wr_slabs = &lwp_slabs,
	.wr_callouts = callout_runners,
	.wr_slots = callout_slots,
	.wr_mask = callout_mask,
	.wr_armed = &callout_count,
	.wr_softcpus = &softint_cpus,
	.wr_ncpu = &ncpu,
	.wr_wheels = CALLOUT_WHEELS,
	.wr_unitshift = CALLOUT_UNITSHIFT,
	.wr_offsets = {
		[WQO_wq_size] = offsetof(struct workqueue, wq_queues) +
		    sizeof(struct workqueue_queue),
		OFF(wq_func, workqueue, wq_func),
		OFF(wq_name, workqueue, wq_name),
		OFF(wq_nqueues, workqueue, wq_nqueues),
		OFF(wq_queues, workqueue, wq_queues),
		SIZE(q_size, workqueue_queue),
		OFF(q_inbox, workqueue_queue, q_inbox.in_word),
		OFF(q_done, workqueue_queue, q_done),
		OFF(q_begun, workqueue_queue, q_begun),
		OFF(q_first, workqueue_queue, q_first),
		OFF(q_unturned, workqueue_queue, q_unturned),
		OFF(q_turned, workqueue_queue, q_turned),
		OFF(q_base, workqueue_queue, q_base),
		OFF(q_batch, workqueue_queue, q_batch),
		OFF(q_start, workqueue_queue, q_start),
		OFF(q_end, workqueue_queue, q_end),
		OFF(q_lwp, workqueue_queue, q_lwp),
		OFF(q_fdrunner, workqueue_queue, q_fdrunner),
		OFF(q_ci, workqueue_queue, q_ci),
		OFF(q_refills, workqueue_queue, q_refills),
		OFF(q_lock, workqueue_queue, q_lock.mtx_owner),
		SIZE(p_size, wqpool),
		OFF(p_inbox, wqpool, p_inbox.in_word),
		OFF(p_first, wqpool, p_first),
		OFF(p_runners, wqpool, p_runners),
		OFF(p_batcher, wqpool, p_batcher),
		OFF(p_waiters, wqpool, p_waiters),
		OFF(p_nthreads, wqpool, p_nthreads),
		OFF(p_nrunning, wqpool, p_nrunning),
		OFF(p_seq, wqpool, p_seq),
		OFF(p_ndone, wqpool, p_ndone),
		OFF(p_func, wqpool, p_func),
		OFF(p_arg, wqpool, p_arg),
		OFF(p_ci, wqpool, p_ci),
		OFF(p_name, wqpool, p_name),
		OFF(p_kind, wqpool, p_kind),
		SIZE(wr_size, wqpool_runner),
		OFF(wr_next, wqpool_runner, wr_next),
		OFF(wr_lwp, wqpool_runner, wr_lwp),
		OFF(wr_cur, wqpool_runner, wr_cur),
		OFF(wr_seq, wqpool_runner, wr_seq),
		OFF(wr_doing, wqpool_runner, wr_doing),
		OFF(wr_begun, wqpool_runner, wr_begun),
		OFF(wr_end, wqpool_runner, wr_end),
		OFF(wr_batch, wqpool_runner, wr_batch),
		SIZE(sc_size, softcpu),
		OFF(sc_lwp, softcpu, sc_lwp),
		OFF(sc_first, softcpu, sc_first),
		OFF(sc_busy, softcpu, sc_busy),
		OFF(sc_nthreads, softcpu, sc_nthreads),
		OFF(sc_ndone, softcpu, sc_ndone),
		SIZE(cr_size, callout_runner),
		OFF(cr_lwp, callout_runner, cr_lwp),
		OFF(cr_running, callout_runner, cr_running),
		OFF(cr_ndone, callout_runner, cr_ndone),
		OFF(ci_index, cpu_info, ci_index),
		SIZE(l_size, lwp),
		OFF(l_name, lwp, l_name),
		OFF(l_hosttid, lwp, l_hosttid),
		OFF(l_wqq, lwp, l_wqq),
		OFF(l_subitem, lwp, l_subitem),
		OFF(l_subnumber, lwp, l_subnumber),
		[WQO_ls_nlwps] = LWP_SLAB,
		OFF(ls_next, lwpslab, ls_next),
		OFF(pw_next, wqpool_waiter, pw_next),
		OFF(pw_pool, wqpool_waiter, pw_mark.pk_pool),
		OFF(c_func, callout_impl, c_func),
		SIZE(cs_size, callout_slot),
		OFF(cs_least, callout_slot, cs_least),
		[WQO_cr_n] = CALLOUT_RUNNERS,
		[WQO_sc_nlevels] = SOFTINT_COUNT,
		OFF(si_next, softint, si_next),
		OFF(si_hand, softint, si_hand),
		OFF(sh_func, softhand, sh_func),
	},
};

/*
 * A note cannot name a symbol that another module may replace, so this name is
 * hidden.
 */
extern struct wqstat_root wqstat_ownroot __kern_hidden
    __attribute__((__alias__("wqpool_statroot")));
HOST_NOTE(WQSTAT_NOTE, WQSTAT_NOTETYPE, wqstat_ownroot);

_Static_assert(sizeof(struct workqueue_queue) <= WQSTAT_OFFSETMAX &&
    sizeof(struct wqpool) <= WQSTAT_OFFSETMAX &&
    sizeof(struct wqpool_runner) <= WQSTAT_OFFSETMAX &&
    sizeof(struct softcpu) <= WQSTAT_OFFSETMAX, "wqstat_root_read() refuses");

/* The files of subr_wqstat_var.h have copies of these numbers. */
_Static_assert(WQPOOL_RUNS == 1 && WQPOOL_BATCHES == 2 && WQINBOX_ASLEEP == 1 &&
    CALLOUT_SLOTS == 64 && WQ_CANCELLED == 1 &&
    CALLOUT_RUNNERS <= WQSTAT_CALLOUTS && SOFTINT_COUNT <= 8 &&
    _Alignof(struct lwp) > WQSTAT_LOCKFLAGS, "subr_wqstat_var.h differs");

static void
wqstat_freeslots(struct wqstat_chunk *sc)
{
	struct wqstat_slot *ss;

	for (ss = &sc->sc_slots[WQSTAT_SLOTS]; ss-- > sc->sc_slots;) {
		ss->ss_free = wqstat_free;
		wqstat_free = ss;
	}
}

/*
 * Add a chunk at the end of the list, because no slot is free.
 */
static void
wqstat_addchunk(struct wqstat_chunk *sc)
{

	wqstat_freeslots(sc);
	if (wqstat_last != NULL)
		/* Release: publish the empty slots. */
		atomic_store_release(&wqstat_last->sc_next, sc);
	wqstat_last = sc;
}

/*
 * Return a slot for an object.  If there is no memory, return NULL: readers
 * then do not find the object.
 */
struct wqstat_slot *
wqstat_enter(const void *obj, enum wqstat_kind kind)
{
	struct wqstat_chunk *sc;
	struct wqstat_slot *ss;

	sc = NULL;
	for (;;) {
		kspin_enter(&wqstat_lock);
		if (wqstat_last == NULL)
			wqstat_addchunk(&wqstat_chunk0);
		if (sc != NULL)
			wqstat_addchunk(sc);
		if ((ss = wqstat_free) != NULL) {
			wqstat_free = ss->ss_free;
			atomic_store_relaxed(&ss->ss_kind, (unsigned)kind);
			atomic_store_relaxed(&ss->ss_gen, ss->ss_gen + 1);
			/* Release: publish the object. */
			atomic_store_release(&ss->ss_object, obj);
		}
		kspin_exit(&wqstat_lock);
		if (ss != NULL)
			break;
		/* Several threads may each add a chunk; that is harmless. */
		if ((sc = host_alloc(sizeof(*sc))) == NULL)
			return NULL;
	}
	if (__predict_false(wqstat_onenter != NULL))
		(*wqstat_onenter)();
	return ss;
}

/*
 * Give up the slot of an object, unless a fork has emptied it.
 */
void
wqstat_leave(struct wqstat_slot *ss, const void *obj)
{

	if (ss == NULL)
		return;
	kspin_enter(&wqstat_lock);
	if (ss->ss_object == obj) {
		atomic_store_relaxed(&ss->ss_object, NULL);
		ss->ss_free = wqstat_free;
		wqstat_free = ss;
	}
	kspin_exit(&wqstat_lock);
}

/*
 * In a forked child, empty the list: the queues are the parent's.
 */
void
wqstat_fork(struct lwp *l)
{
	struct wqstat_chunk *sc;
	unsigned i;

	(void)l;
	if (wqstat_last == NULL)
		return;
	wqstat_free = NULL;
	for (sc = &wqstat_chunk0; sc != NULL; sc = sc->sc_next) {
		for (i = 0; i < WQSTAT_SLOTS; i++)
			atomic_store_relaxed(&sc->sc_slots[i].ss_object, NULL);
		wqstat_freeslots(sc);
		wqstat_last = sc;
	}
}
