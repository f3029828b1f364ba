/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Memory for workqueues.
 *
 * A workqueue with one queue is in a slab, because malloc(3) needs about 64
 * bytes more for each aligned block.  The library frees a slab that becomes
 * empty, but keeps one.
 *
 * If a tool reports accesses to freed memory, each workqueue has memory of its
 * own, so that the tool finds a client that uses a destroyed workqueue.
 */

#include <string.h>

#include "kern.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_param.h"
#include "subr_workqueue.h"
#include "subr_wqslab.h"

#define	WQSLAB_PLACES	32
#define	WQSLAB_SIZE	(sizeof(struct workqueue) +			\
			sizeof(struct workqueue_queue))

/*
 * A place of a slab: a workqueue, or a link while the place is free.
 */
union wqslab_place {
	union wqslab_place *wp_next;
	char		 wp_room[WQSLAB_SIZE];
} __kern_aligned;

/*
 * Fields: (s) wqslab_lock, (c) constant.
 */
struct wqslab {
	struct wqslab	*ws_next;	/* (s) on wqslab_list ... */
	struct wqslab	**ws_prevp;	/* (s) ... if ws_free is not NULL */
	union wqslab_place *ws_free;	/* (s) */
	int		 ws_nfree;	/* (s) */
	unsigned	 ws_gen;	/* (c) wqslab_gen at its creation */
	void		*ws_block;	/* (c) the memory that it is in */
	union wqslab_place ws_places[WQSLAB_PLACES];
};

static struct wqslab	*wqslab_list;	/* (s) slabs with a free place */
static int		wqslab_nempty;	/* (s) empty slabs on the list */
static unsigned		wqslab_gen;	/* a child increments it if the lists
					   may be inconsistent */
struct kspin		wqslab_lock;

static void
wqslab_link(struct wqslab *ws)
{

	KSPIN_ASSERT(&wqslab_lock);
	if ((ws->ws_next = wqslab_list) != NULL)
		ws->ws_next->ws_prevp = &ws->ws_next;
	ws->ws_prevp = &wqslab_list;
	wqslab_list = ws;
}

static void
wqslab_unlink(struct wqslab *ws)
{

	KSPIN_ASSERT(&wqslab_lock);
	if (ws->ws_next != NULL)
		ws->ws_next->ws_prevp = ws->ws_prevp;
	*ws->ws_prevp = ws->ws_next;
}

/*
 * Return a slab whose places are free, or NULL.
 */
static struct wqslab *
wqslab_make(void)
{
	union wqslab_place *wp;
	struct wqslab *ws;
	void *block;

	/*
	 * Some versions of posix_memalign(3) do not reuse a freed block for an
	 * aligned block of the same size.  So align the slab here.
	 */
	block = host_malloc(sizeof(*ws) + KERN_CACHELINE);
	if (block == NULL)
		return NULL;
	ws = (struct wqslab *)(((uintptr_t)block + KERN_CACHELINE - 1) &
	    ~(uintptr_t)(KERN_CACHELINE - 1));
	ws->ws_block = block;
	ws->ws_free = NULL;
	for (wp = &ws->ws_places[WQSLAB_PLACES]; wp-- > ws->ws_places;) {
		wp->wp_next = ws->ws_free;
		ws->ws_free = wp;
	}
	ws->ws_nfree = WQSLAB_PLACES;
	ws->ws_gen = wqslab_gen;
	return ws;
}

/*
 * Take a place of the first slab, or return NULL.
 */
static union wqslab_place *
wqslab_take(struct wqslab **wsp)
{
	union wqslab_place *wp;
	struct wqslab *ws;

	KSPIN_ASSERT(&wqslab_lock);
	if ((ws = wqslab_list) == NULL)
		return NULL;
	if (ws->ws_nfree-- == WQSLAB_PLACES)
		wqslab_nempty--;
	wp = ws->ws_free;
	if ((ws->ws_free = wp->wp_next) == NULL)
		wqslab_unlink(ws);
	*wsp = ws;
	return wp;
}

static struct workqueue *
wqslab_get(void)
{
	union wqslab_place *wp;
	struct workqueue *wq;
	struct wqslab *new, *ws;

	new = NULL;
	for (;;) {
		kspin_enter(&wqslab_lock);
		if (new != NULL) {
			wqslab_link(new);
			wqslab_nempty++;
		}
		wp = wqslab_take(&ws);
		kspin_exit(&wqslab_lock);
		if (wp != NULL)
			break;
		/* Several threads may each add a slab; that is harmless. */
		if ((new = wqslab_make()) == NULL)
			return NULL;
	}
	memset(wp, 0, sizeof(*wp));
	wq = (struct workqueue *)(void *)wp;
	wq->wq_slab = ws;
	return wq;
}

static void
wqslab_put(struct wqslab *ws, union wqslab_place *wp)
{
	void *block;

	/*
	 * The parent's slab may be inconsistent, so do not access it.  Its
	 * memory is lost to this child.
	 */
	if (ws->ws_gen != wqslab_gen)
		return;
	block = NULL;
	kspin_enter(&wqslab_lock);
	wp->wp_next = ws->ws_free;
	ws->ws_free = wp;
	if (++ws->ws_nfree == 1)
		wqslab_link(ws);
	else if (ws->ws_nfree == WQSLAB_PLACES) {
		if (wqslab_nempty == 0)
			wqslab_nempty++;
		else {
			wqslab_unlink(ws);
			block = ws->ws_block;
		}
	}
	kspin_exit(&wqslab_lock);
	host_free(block);
}

struct workqueue *
wqslab_alloc(int n)
{

	if (n == 1 && !KERN_SLOW() && !host_heapwatched)
		return wqslab_get();
	return host_alloc(sizeof(struct workqueue) +
	    (size_t)n * sizeof(struct workqueue_queue));
}

void
wqslab_free(struct workqueue *wq)
{

	if (wq != NULL && wq->wq_slab != NULL)
		wqslab_put(wq->wq_slab, (union wqslab_place *)(void *)wq);
	else
		host_free(wq);
}

/*
 * In a forked child, keep the slabs, unless another thread of the parent was
 * changing them.
 */
void
wqslab_fork(struct lwp *l)
{

	(void)l;
	if (!kern_torn(&wqslab_lock))
		return;
	wqslab_list = NULL;
	wqslab_nempty = 0;
	wqslab_gen++;
}
