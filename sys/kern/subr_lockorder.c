/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The checking mode of locks: the order in which they are taken.
 *
 * This file reports each lock order reversal, which can lead to a deadlock.
 * The orders form a graph, whose nodes are the objects of subr_lockdebug.c.  An
 * edge leads from one object to another if a holder of the first has wanted the
 * second.  If a lock was only taken by trying, edges lead from it, but none
 * leads to it.
 */

#include <string.h>

#include "kern.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"

/* ld_lock guards all that follows. */
static struct ld_edge	*ld_edges;
static struct ld_edge	*ld_freeedges;
static size_t		ld_nedges;		/* used so far */
static struct ld_edge	*ld_edgebuckets[LD_BUCKETS];
static bool		ld_edgesfull;

void
ld_orderinit(void)
{

	ld_edges = host_alloc(LD_EDGES * sizeof(*ld_edges));
	if (ld_edges == NULL)
		panic("WORKQUEUE_CHECK: no memory");
}

/*
 * Clear the tables in a forked child, where they may be inconsistent.
 */
void
ld_orderfork(void)
{

	memset(ld_edgebuckets, 0, sizeof(ld_edgebuckets));
	ld_freeedges = NULL;
	ld_nedges = 0;
}

static void
ld_insert(struct ld_edge **headp, struct ld_edge *le, size_t off)
{
	struct ld_link *ll;

	ll = (struct ld_link *)(void *)((char *)le + off);
	ll->ll_next = *headp;
	ll->ll_prevp = headp;
	if (*headp != NULL)
		((struct ld_link *)(void *)((char *)*headp + off))->ll_prevp =
		    &ll->ll_next;
	*headp = le;
}

static void
ld_remove(struct ld_edge *le, size_t off)
{
	struct ld_link *ll;

	ll = (struct ld_link *)(void *)((char *)le + off);
	*ll->ll_prevp = ll->ll_next;
	if (ll->ll_next != NULL)
		((struct ld_link *)(void *)((char *)ll->ll_next +
		    off))->ll_prevp = ll->ll_prevp;
}

static struct ld_edge **
ld_edgebucket(const struct ld_object *from, const struct ld_object *to)
{
	uint64_t h;

	h = (uint64_t)(from - ld_objects) << 32 | (uint64_t)(to - ld_objects);
	h *= 0x9e3779b97f4a7c15u;
	return &ld_edgebuckets[(h >> 40) & (LD_BUCKETS - 1)];
}

static bool
ld_ordered(const struct ld_object *from, const struct ld_object *to)
{
	const struct ld_edge *le;

	for (le = *ld_edgebucket(from, to); le != NULL;
	    le = le->le_hash.ll_next)
		if (le->le_from == from && le->le_to == to)
			return true;
	return false;
}

static void
ld_unlink(struct ld_edge *le)
{

	ld_remove(le, offsetof(struct ld_edge, le_hash));
	ld_remove(le, offsetof(struct ld_edge, le_out));
	ld_remove(le, offsetof(struct ld_edge, le_in));
	le->le_hash.ll_next = ld_freeedges;
	ld_freeedges = le;
}

/*
 * Return true if there is room for one more edge.  If not, the caller checks no
 * order, because it would report the same reversal again and again.
 */
static bool
ld_room(void)
{

	if (ld_freeedges != NULL || ld_nedges < LD_EDGES)
		return true;
	if (!ld_edgesfull)
		kern_warn("checking: too many orders of locks to watch them "
		    "all");
	ld_edgesfull = true;
	return false;
}

static void
ld_link(struct ld_object *from, struct ld_object *to, uintptr_t site, int lid,
    bool wrong)
{
	struct ld_edge *le;

	if ((le = ld_freeedges) != NULL)
		ld_freeedges = le->le_hash.ll_next;
	else
		le = &ld_edges[ld_nedges++];
	le->le_from = from;
	le->le_to = to;
	le->le_site = site;
	le->le_lid = lid;
	le->le_wrong = wrong;
	ld_insert(ld_edgebucket(from, to), le,
	    offsetof(struct ld_edge, le_hash));
	ld_insert(&from->lo_out, le, offsetof(struct ld_edge, le_out));
	ld_insert(&to->lo_in, le, offsetof(struct ld_edge, le_in));
}

/*
 * Return true if there is a path from one object to another.  Search from the
 * end of the path, so that each lo_via on it is the next step.
 */
static bool
ld_way(struct ld_object *from, struct ld_object *to)
{
	struct ld_object *lo, *last;
	struct ld_edge *le;

	if (from->lo_out == NULL)
		return false;
	to->lo_mark = ++ld_search;
	to->lo_queue = NULL;
	last = to;
	for (lo = to; lo != NULL; lo = lo->lo_queue)
		for (le = lo->lo_in; le != NULL; le = le->le_in.ll_next) {
			if (le->le_wrong || le->le_from->lo_mark == ld_search)
				continue;
			le->le_from->lo_mark = ld_search;
			le->le_from->lo_via = le;
			if (le->le_from == from)
				return true;
			le->le_from->lo_queue = NULL;
			last->lo_queue = le->le_from;
			last = le->le_from;
		}
	return false;
}

/*
 * Report a lock order reversal.  The thread holds one object and wants another.
 * lo_via leads along the opposite orders that threads have used before.
 */
static void
ld_inversion(const char *func, const struct lockdebug_lwp *ld,
    const struct ld_hold *lh, const struct ld_object *want, uintptr_t site)
{
	char now[LD_TEXT], then[LD_TEXT], a[LD_DESC], b[LD_DESC], t[LD_DESC];
	const struct ld_object *lo;
	size_t nowlen, thenlen;

	nowlen = thenlen = 0;
	ld_append(now, &nowlen, "%s: lock order: %s holds %s, taken at %pS, "
	    "and wants %s at %pS", func, ld_thread(ld, t),
	    ld_object(lh->lh_object, a), (void *)lh->lh_site,
	    ld_object(want, b), (void *)site);
	for (lo = want; lo != lh->lh_object; lo = lo->lo_via->le_to)
		ld_append(then, &thenlen, "%s thread %d held %s and wanted %s "
		    "at %pS", lo == want ? "before," : ",", lo->lo_via->le_lid,
		    ld_name(lo, a), ld_name(lo->lo_via->le_to, b),
		    (void *)lo->lo_via->le_site);
	if (kern_checking > 1)
		panic("%s; %s", now, then);
	kern_warn("%s", now);
	kern_warn("%s: lock order: %s", func, then);
}

/*
 * Check and record the orders between the objects that the thread holds and the
 * one that it wants.  Skip the interlock, because the thread releases it while
 * it waits.
 */
void
ld_order(const char *func, const struct lockdebug_lwp *ld,
    struct ld_object *lo, const struct ld_object *interlock, uintptr_t site)
{
	struct ld_object *held;
	bool wrong;
	int i;

	for (i = 0; i < ld->ld_nheld; i++) {
		held = ld->ld_held[i].lh_object;
		if (held == lo || held == interlock ||
		    ld_ordered(held, lo) || !ld_room())
			continue;
		wrong = ld_way(lo, held);
		if (wrong)
			ld_inversion(func, ld, &ld->ld_held[i], lo, site);
		ld_link(held, lo, site, ld->ld_lwp->l_lid, wrong);
	}
}

/*
 * Remove all edges of an object.
 */
void
ld_orderforget(struct ld_object *lo)
{

	ld_orderafter(lo);
	while (lo->lo_in != NULL)
		ld_unlink(lo->lo_in);
}

/*
 * Remove the edges that lead from an object.
 */
void
ld_orderafter(struct ld_object *lo)
{

	while (lo->lo_out != NULL)
		ld_unlink(lo->lo_out);
}
