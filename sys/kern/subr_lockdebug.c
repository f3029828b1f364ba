/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The checking mode of locks: which objects live, and where they were made;
 * what each thread holds and waits for; and in which order locks are taken.
 *
 * A thread that is about to wait tells so first.  Two questions are asked
 * then.  Is there a deadlock: does the holder of what it wants wait, over
 * however many threads, for what it holds itself?  A thread tells that it
 * holds a lock after it has taken it, and that it does not before it releases
 * it, so nobody is taken for a holder who is not; and what closes a cycle is
 * always somebody's telling that he will wait, with all the rest told.  And
 * can there be one: has the order ever been the other way round?  The graph
 * of orders has the locks for nodes, from mutex_init() to mutex_destroy(); an
 * edge is two locks the second of which was waited for by a holder of the
 * first.  Locks that were taken by trying have edges from them only.
 *
 * A workqueue is a lock, too: callbacks hold it, and workqueue_wait() waits
 * for it.  The kernel lock is none: its holder drops it to sleep, so only
 * spin mutexes have an order with it, and they come after it, or
 * KERNEL_LOCK() panics.
 *
 * All tables are made at the start, and everything is under one spin lock
 * that no interrupt comes in under, for handlers take spin mutexes.  A table
 * that is full says so once, and from then on is silent rather than wrong.
 */

#include <string.h>

#include "kern.h"

#define	LD_OBJECTS	65536
#define	LD_EDGES	65536
#define	LD_BUCKETS	16384		/* a power of two */
#define	LD_GRANULE	8		/* objects this close are neighbours */
#define	LD_HELD		32		/* locks that a thread holds */
#define	LD_WANTS	NIPL		/* a thread, and handlers in it */
#define	LD_PATH		8		/* threads of a deadlock */
#define	LD_LEAKS	16		/* lines at exit */
#define	LD_DESC		128		/* text: an object, a thread */
#define	LD_TEXT		440		/* text: a chain */

struct ld_edge;

struct ld_object {
	const void	*lo_addr;
	const char	*lo_kind;
	const char	*lo_name;	/* or NULL */
	uintptr_t	 lo_site;	/* where it was made */
	struct ld_object *lo_next;	/* in its bucket, or the next free */
	struct ld_edge	*lo_out;	/* orders: it is the first */
	struct ld_edge	*lo_in;		/* it is the second */
	struct ld_edge	*lo_via;	/* a search: the way to its goal */
	struct ld_object *lo_queue;	/* a search: to look at next */
	unsigned	 lo_mark;	/* the last search that met it */
	unsigned	 lo_holds;	/* how often it is held */
	unsigned	 lo_forkgen;	/* kern_forkgen when it was made */
	bool		 lo_keep;	/* ours: it never ends */
	bool		 lo_said;	/* read again by a reader */
};

struct ld_link {
	struct ld_edge	*ll_next;
	struct ld_edge	**ll_prevp;
};

struct ld_edge {
	struct ld_object *le_from;
	struct ld_object *le_to;
	struct ld_link	 le_hash;
	struct ld_link	 le_out;	/* on le_from's lo_out */
	struct ld_link	 le_in;		/* on le_to's lo_in */
	uintptr_t	 le_site;	/* where le_to was wanted first */
	int		 le_lid;	/* by whom */
	bool		 le_wrong;	/* against the others, and said */
};

struct ld_hold {
	struct ld_object *lh_object;
	const void	*lh_part;	/* of a workqueue: the queue */
	uintptr_t	 lh_site;	/* where it was taken */
	bool		 lh_shared;
};

struct ld_want {
	struct ld_object *lw_object;
	const void	*lw_part;	/* as lh_part; NULL: each */
	const int	*lw_done;	/* (a) not 0: waits no more; or NULL */
	bool		 lw_shared;
};

/* A thread; there is one for each lwp, and as little as those it ends. */
struct lockdebug_lwp {
	struct lockdebug_lwp *ld_next;
	struct lwp	*ld_lwp;
	int		 ld_nheld;
	int		 ld_nwants;
	unsigned	 ld_mark;	/* the last search that met it */
	bool		 ld_off;	/* held too many: not watched */
	struct ld_hold	 ld_held[LD_HELD];	/* oldest first */
	struct ld_want	 ld_wants[LD_WANTS];	/* it waits for the last */
};

/* All that follows is under ld_lock. */
static struct kspin	ld_lock;
static struct ld_object	*ld_objects;
static struct ld_object	*ld_freeobjects;
static size_t		ld_nobjects;		/* of ld_objects, ever used */
static struct ld_object	*ld_buckets[LD_BUCKETS];
static struct ld_edge	*ld_edges;
static struct ld_edge	*ld_freeedges;
static size_t		ld_nedges;
static struct ld_edge	*ld_edgebuckets[LD_BUCKETS];
static struct lockdebug_lwp *ld_lwps;
static struct lockdebug_lwp ld_lwp0;
static unsigned		ld_search;		/* the number of the last */
static bool		ld_full;		/* some object is not known */
static bool		ld_edgesfull;
static bool		ld_lwpsaid;

void
lockdebug_init(void)
{

	ld_objects = host_alloc(LD_OBJECTS * sizeof(*ld_objects));
	ld_edges = host_alloc(LD_EDGES * sizeof(*ld_edges));
	if (ld_objects == NULL || ld_edges == NULL)
		panic("WORKQUEUE_CHECK: no memory");
	/* It was made before this was known to be needed. */
	ld_lwp0.ld_lwp = wqk_lwp0();
	ld_lwp0.ld_lwp->l_lockdebug = &ld_lwp0;
	ld_lwps = &ld_lwp0;
}

/*
 * Texts.
 */
static void	ld_append(char *, size_t *, const char *, ...)
		    __wq_printflike(3, 4);

static void
ld_append(char *buf, size_t *lenp, const char *fmt, ...)
{
	va_list ap;

	if (*lenp >= LD_TEXT - 1)
		return;
	va_start(ap, fmt);
	*lenp += kvsnprintf(buf + *lenp, LD_TEXT - *lenp, fmt, ap);
	va_end(ap);
}

static const char *
ld_object(const struct ld_object *lo, char *buf)
{

	if (lo->lo_name != NULL)
		(void)ksnprintf(buf, LD_DESC, "%s \"%s\" (made at %p)",
		    lo->lo_kind, lo->lo_name, (void *)lo->lo_site);
	else
		(void)ksnprintf(buf, LD_DESC, "%s %p (made at %p)",
		    lo->lo_kind, lo->lo_addr, (void *)lo->lo_site);
	return buf;
}

static const char *
ld_thread(const struct lockdebug_lwp *ld, char *buf)
{

	(void)ksnprintf(buf, LD_DESC, "thread \"%s\" (%d)", ld->ld_lwp->l_name,
	    ld->ld_lwp->l_lid);
	return buf;
}

/*
 * Objects.  Neighbours share a bucket, so that memory can be searched.
 */
static struct ld_object **
ld_bucket(uintptr_t granule)
{
	uint64_t h;

	h = (uint64_t)granule * 0x9e3779b97f4a7c15u;
	return &ld_buckets[(h >> 40) & (LD_BUCKETS - 1)];
}

static struct ld_object **
ld_findp(const void *addr)
{
	struct ld_object **lop;

	for (lop = ld_bucket((uintptr_t)addr >> LD_GRANULE); *lop != NULL;
	    lop = &(*lop)->lo_next)
		if ((*lop)->lo_addr == addr)
			break;
	return lop;
}

/*
 * The object, or NULL if there was no room for it.
 */
static struct ld_object *
ld_find(const char *func, const void *addr, const char *kind)
{
	struct ld_object *lo;

	lo = *ld_findp(addr);
	if (lo == NULL && !ld_full)
		panic("%s: %s %p was never initialised, or is destroyed", func,
		    kind, addr);
	return lo;
}

/*
 * Edges.
 */
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
 * Is there room for one more?  If not no order is looked at, lest the same be
 * told over and over.
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
 * Is there a way from one object to the other?  Searched from its end, so
 * that each lo_via then tells the next step.
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
 * The thread wants what others held when they wanted what it holds.
 */
static void
ld_inversion(const char *func, const struct lockdebug_lwp *ld,
    const struct ld_hold *lh, const struct ld_object *want, uintptr_t site)
{
	char now[LD_TEXT], then[LD_TEXT], a[LD_DESC], b[LD_DESC], t[LD_DESC];
	const struct ld_object *lo;
	size_t nowlen, thenlen;

	nowlen = thenlen = 0;
	ld_append(now, &nowlen, "%s: lock order: %s holds %s, taken at %p, and "
	    "wants %s at %p", func, ld_thread(ld, t),
	    ld_object(lh->lh_object, a), (void *)lh->lh_site,
	    ld_object(want, b), (void *)site);
	for (lo = want; lo != lh->lh_object; lo = lo->lo_via->le_to)
		ld_append(then, &thenlen, "%s thread %d held %s %p and wanted "
		    "%s %p at %p", lo == want ? "before," : ",",
		    lo->lo_via->le_lid, lo->lo_kind, lo->lo_addr,
		    lo->lo_via->le_to->lo_kind, lo->lo_via->le_to->lo_addr,
		    (void *)lo->lo_via->le_site);
	if (kern_checking > 1)
		panic("%s; %s", now, then);
	kern_warn("%s", now);
	kern_warn("%s: lock order: %s", func, then);
}

/*
 * The orders of all that the thread holds and of what it wants.
 */
static void
ld_order(const char *func, const struct lockdebug_lwp *ld,
    struct ld_object *lo, uintptr_t site)
{
	struct ld_object *held;
	bool wrong;
	int i;

	for (i = 0; i < ld->ld_nheld; i++) {
		held = ld->ld_held[i].lh_object;
		if (held == lo || ld_ordered(held, lo) || !ld_room())
			continue;
		wrong = ld_way(lo, held);
		if (wrong)
			ld_inversion(func, ld, &ld->ld_held[i], lo, site);
		ld_link(held, lo, site, ld->ld_lwp->l_lid, wrong);
	}
}

/*
 * Deadlocks.
 */
static inline bool
ld_conflict(const struct ld_hold *lh, const struct ld_want *lw)
{

	return lh->lh_object == lw->lw_object &&
	    (lw->lw_part == NULL || lw->lw_part == lh->lh_part) &&
	    !(lh->lh_shared && lw->lw_shared);
}

static const struct ld_want *
ld_waits(const struct lockdebug_lwp *ld)
{
	const struct ld_want *lw;

	if (ld->ld_nwants == 0 || ld->ld_nwants > LD_WANTS)
		return NULL;
	lw = &ld->ld_wants[ld->ld_nwants - 1];
	if (lw->lw_object == NULL || lw->lw_object->lo_holds == 0)
		return NULL;
	/* Acquire: the queue went on after it had told the waiter. */
	if (lw->lw_done != NULL && atomic_load_acquire(lw->lw_done) != 0)
		return NULL;
	return lw;
}

static const struct lockdebug_lwp *ld_path[LD_PATH];

/*
 * Does the nth of ld_path wait, directly or not, for the first?  Returns the
 * length of the cycle, or 0.  Too long a one is not found.
 */
static int
ld_cycle(int n)
{
	const struct ld_want *lw;
	struct lockdebug_lwp *ld;
	int i, len;

	if ((lw = ld_waits(ld_path[n])) == NULL)
		return 0;
	for (ld = ld_lwps; ld != NULL; ld = ld->ld_next) {
		if (ld->ld_mark == ld_search)
			continue;
		for (i = 0; i < ld->ld_nheld; i++)
			if (ld_conflict(&ld->ld_held[i], lw))
				break;
		if (i == ld->ld_nheld)
			continue;
		if (ld == ld_path[0])
			return n + 1;
		if (n + 1 == LD_PATH)
			continue;
		ld->ld_mark = ld_search;
		ld_path[n + 1] = ld;
		if ((len = ld_cycle(n + 1)) != 0)
			return len;
	}
	return 0;
}

static void
ld_deadlock(const char *func, const struct lockdebug_lwp *ld)
{
	char buf[LD_TEXT], o[LD_DESC], t[LD_DESC];
	size_t len;
	int i, n;

	ld_search++;
	ld_path[0] = ld;
	if ((n = ld_cycle(0)) == 0)
		return;
	if (n == 1)
		panic("%s: locking against myself: %s", func,
		    ld_object(ld_waits(ld)->lw_object, o));
	len = 0;
	for (i = 0; i < n; i++)
		ld_append(buf, &len, "%s waits for %s held by ",
		    ld_thread(ld_path[i], t),
		    ld_object(ld_waits(ld_path[i])->lw_object, o));
	ld_append(buf, &len, "%s", ld_thread(ld, t));
	panic("%s: deadlock: %s", func, buf);
}

/*
 * Threads.
 */
static struct lockdebug_lwp *
ld_self(void)
{
	struct lwp *l;

	return (l = host_self()) != NULL ? l->l_lockdebug : NULL;
}

static void
ld_drop(struct lockdebug_lwp *ld)
{

	while (ld->ld_nheld > 0)
		ld->ld_held[--ld->ld_nheld].lh_object->lo_holds--;
}

static void
ld_unwatched(const char *why, const struct lwp *l)
{

	if (!ld_lwpsaid)
		kern_warn("checking: %s: the locks of thread \"%s\" (%d) are "
		    "not watched", why, l->l_name, l->l_lid);
	ld_lwpsaid = true;
}

static void
ld_hold(struct lockdebug_lwp *ld, struct ld_object *lo, const void *part,
    bool shared, uintptr_t site)
{
	struct ld_hold *lh;

	if (ld->ld_off)
		return;
	if (ld->ld_nheld == LD_HELD) {
		ld_unwatched("too many locks held", ld->ld_lwp);
		ld_drop(ld);
		ld->ld_off = true;
		return;
	}
	lh = &ld->ld_held[ld->ld_nheld++];
	lh->lh_object = lo;
	lh->lh_part = part;
	lh->lh_site = site;
	lh->lh_shared = shared;
	lo->lo_holds++;
}

/*
 * The last hold of an object, or -1.
 */
static int
ld_holds(const struct lockdebug_lwp *ld, const struct ld_object *lo)
{
	int i;

	for (i = ld->ld_nheld - 1; i >= 0; i--)
		if (ld->ld_held[i].lh_object == lo)
			break;
	return i;
}

static void
ld_release(struct lockdebug_lwp *ld, int i)
{

	ld->ld_held[i].lh_object->lo_holds--;
	ld->ld_nheld--;
	memmove(&ld->ld_held[i], &ld->ld_held[i + 1],
	    (size_t)(ld->ld_nheld - i) * sizeof(ld->ld_held[0]));
}

static void
ld_want(struct lockdebug_lwp *ld, struct ld_object *lo, const void *part,
    const int *done, bool shared)
{
	struct ld_want *lw;

	/* There are as many as levels; should there be more they are lost. */
	if (ld->ld_nwants++ >= LD_WANTS)
		return;
	lw = &ld->ld_wants[ld->ld_nwants - 1];
	lw->lw_object = lo;
	lw->lw_part = part;
	lw->lw_done = done;
	lw->lw_shared = shared;
}

/*
 * A thread begins.  From thread context.
 */
void
lockdebug_lwpinit(struct lwp *l)
{
	struct lockdebug_lwp *ld;

	/* An lwp is used again, and what it has stays its own. */
	if ((ld = l->l_lockdebug) == NULL) {
		ld = host_alloc(sizeof(*ld));
		kspin_enter(&ld_lock);
		if (ld == NULL)
			ld_unwatched("no memory", l);
		else {
			ld->ld_lwp = l;
			ld->ld_next = ld_lwps;
			ld_lwps = ld;
			l->l_lockdebug = ld;
		}
		kspin_exit(&ld_lock);
		return;
	}
	kspin_enter(&ld_lock);
	ld_drop(ld);
	ld->ld_nwants = 0;
	ld->ld_off = false;
	kspin_exit(&ld_lock);
}

/*
 * Panic if the calling thread holds more than so many locks.
 */
static void
ld_barrier(const char *what, const void *func, int held)
{
	const struct lockdebug_lwp *ld;
	char o[LD_DESC];
	int i;

	if ((ld = ld_self()) == NULL || ld->ld_nheld <= held)
		return;
	i = ld->ld_nheld - 1;
	if (func == NULL)
		panic("%s holding %s, taken at %p", what,
		    ld_object(ld->ld_held[i].lh_object, o),
		    (void *)ld->ld_held[i].lh_site);
	panic("%s: function %p returned holding %s, taken at %p", what, func,
	    ld_object(ld->ld_held[i].lh_object, o),
	    (void *)ld->ld_held[i].lh_site);
}

void
lockdebug_barrier(const char *what, const void *func, int held)
{

	kspin_enter(&ld_lock);
	ld_barrier(what, func, held);
	kspin_exit(&ld_lock);
}

/*
 * How many locks the calling thread holds, for lockdebug_barrier().
 */
int
lockdebug_held(void)
{
	const struct lockdebug_lwp *ld;
	int n;

	kspin_enter(&ld_lock);
	ld = ld_self();
	n = ld != NULL ? ld->ld_nheld : 0;
	kspin_exit(&ld_lock);
	return n;
}

/*
 * Around fork: in the child nobody else holds anything, or waits.
 */
void
lockdebug_fork(int where)
{
	struct lockdebug_lwp *ld, *self;

	if (!KERN_CHECKING())
		return;
	if (where == KERN_FORK_PREPARE) {
		kspin_enter(&ld_lock);
		return;
	}
	if (where == KERN_FORK_CHILD) {
		self = ld_self();
		for (ld = ld_lwps; ld != NULL; ld = ld->ld_next)
			if (ld != self) {
				ld_drop(ld);
				ld->ld_nwants = 0;
			}
	}
	kspin_exit(&ld_lock);
}

/*
 * Forget an object, and with it what is known of its orders.
 */
static void
ld_forget(struct ld_object *lo)
{

	while (lo->lo_out != NULL)
		ld_unlink(lo->lo_out);
	while (lo->lo_in != NULL)
		ld_unlink(lo->lo_in);
	*ld_findp(lo->lo_addr) = lo->lo_next;
	lo->lo_addr = NULL;
	lo->lo_next = ld_freeobjects;
	ld_freeobjects = lo;
}

/*
 * An object is made.  A forked child may make those of its parent's anew,
 * since who held them is not there to release them.
 */
void
lockdebug_alloc(const char *func, const void *addr, const char *kind,
    const char *name, uintptr_t site)
{
	struct ld_object *lo, **lop;
	char o[LD_DESC];

	kspin_enter(&ld_lock);
	if ((lo = *ld_findp(addr)) != NULL && lo->lo_holds == 0 &&
	    lo->lo_forkgen != kern_forkgen)
		ld_forget(lo);
	else if (lo != NULL)
		panic("%s: %s %p, to be made at %p, is initialised already: "
		    "%s", func, kind, addr, (void *)site, ld_object(lo, o));
	if ((lo = ld_freeobjects) != NULL)
		ld_freeobjects = lo->lo_next;
	else if (ld_nobjects < LD_OBJECTS)
		lo = &ld_objects[ld_nobjects++];
	else {
		if (!ld_full)
			kern_warn("checking: too many locks to watch them "
			    "all");
		ld_full = true;
	}
	if (lo != NULL) {
		memset(lo, 0, sizeof(*lo));
		lo->lo_addr = addr;
		lo->lo_kind = kind;
		lo->lo_name = name;
		lo->lo_site = site;
		lo->lo_forkgen = kern_forkgen;
		lop = ld_bucket((uintptr_t)addr >> LD_GRANULE);
		lo->lo_next = *lop;
		*lop = lo;
	}
	kspin_exit(&ld_lock);
}

/*
 * It ends.
 */
void
lockdebug_free(const char *func, const void *addr, const char *kind)
{
	struct ld_object *lo;
	char o[LD_DESC];

	kspin_enter(&ld_lock);
	if ((lo = ld_find(func, addr, kind)) != NULL) {
		if (lo->lo_holds != 0)
			panic("%s: %s is held", func, ld_object(lo, o));
		ld_forget(lo);
	}
	kspin_exit(&ld_lock);
}

/*
 * An object of the library's, which never ends.
 */
void
lockdebug_keep(const void *addr)
{
	struct ld_object *lo;

	kspin_enter(&ld_lock);
	if ((lo = *ld_findp(addr)) != NULL)
		lo->lo_keep = true;
	kspin_exit(&ld_lock);
}

/*
 * Memory is freed: no object may be in it.
 */
void
lockdebug_memfree(const char *func, const void *p, size_t size)
{
	const struct ld_object *lo;
	uintptr_t first, g, last;
	char o[LD_DESC];

	if (size == 0)
		return;
	first = (uintptr_t)p;
	last = first + size - 1;
	kspin_enter(&ld_lock);
	for (g = first >> LD_GRANULE; g <= last >> LD_GRANULE; g++) {
		/* Of very much memory only the first part. */
		if (g - (first >> LD_GRANULE) >= LD_BUCKETS * 4)
			break;
		for (lo = *ld_bucket(g); lo != NULL; lo = lo->lo_next)
			if ((uintptr_t)lo->lo_addr >= first &&
			    (uintptr_t)lo->lo_addr <= last)
				panic("%s: memory %p of %zu bytes is freed, "
				    "and there is in it %s", func, p, size,
				    ld_object(lo, o));
	}
	kspin_exit(&ld_lock);
}

/*
 * The calling thread is about to wait for a lock, if it is not free.
 */
void
lockdebug_wantlock(const char *func, const void *addr, const char *kind,
    bool shared, uintptr_t site)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;
	char o[LD_DESC];

	kspin_enter(&ld_lock);
	lo = ld_find(func, addr, kind);
	if ((ld = ld_self()) != NULL) {
		ld_want(ld, lo, NULL, NULL, shared);
		if (lo != NULL) {
			ld_deadlock(func, ld);
			ld_order(func, ld, lo, site);
		}
		if (lo != NULL && !lo->lo_said && ld_holds(ld, lo) >= 0) {
			lo->lo_said = true;
			if (kern_checking > 1)
				panic("%s: reading again what the thread "
				    "reads: %s", func, ld_object(lo, o));
			kern_warn("%s: reading again at %p what the thread "
			    "reads: %s", func, (void *)site, ld_object(lo, o));
		}
	}
	kspin_exit(&ld_lock);
}

/*
 * It has the lock, which it waited for, or only tried to take.
 */
void
lockdebug_locked(const char *func, const void *addr, const char *kind,
    bool shared, bool wanted, uintptr_t site)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;

	kspin_enter(&ld_lock);
	lo = ld_find(func, addr, kind);
	if ((ld = ld_self()) != NULL) {
		if (wanted)
			ld->ld_nwants--;
		if (lo != NULL)
			ld_hold(ld, lo, NULL, shared, site);
	}
	kspin_exit(&ld_lock);
}

/*
 * It is about to release the lock.
 */
void
lockdebug_unlocked(const char *func, const void *addr, const char *kind)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;
	char o[LD_DESC];
	int i;

	kspin_enter(&ld_lock);
	lo = ld_find(func, addr, kind);
	if (lo != NULL && (ld = ld_self()) != NULL) {
		if ((i = ld_holds(ld, lo)) >= 0)
			ld_release(ld, i);
		else if (!ld->ld_off)
			panic("%s: %s is not held by this thread", func,
			    ld_object(lo, o));
	}
	kspin_exit(&ld_lock);
}

/*
 * It holds the lock to read (tell before it is so), or to write (after).
 */
void
lockdebug_shared(const void *addr, bool shared)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;
	int i;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL && (lo = *ld_findp(addr)) != NULL &&
	    (i = ld_holds(ld, lo)) >= 0)
		ld->ld_held[i].lh_shared = shared;
	kspin_exit(&ld_lock);
}

/*
 * Workqueues.  The calling thread runs a callback of one of a workqueue's
 * queues.  It did not wait for that.
 */
void
lockdebug_run(const void *wq, const void *q, uintptr_t site)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL && (lo = *ld_findp(wq)) != NULL)
		ld_hold(ld, lo, q, false, site);
	kspin_exit(&ld_lock);
}

/*
 * It returned.
 */
void
lockdebug_ran(const void *wq, const void *func)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;
	char what[LD_DESC];
	int i;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL && (lo = *ld_findp(wq)) != NULL &&
	    (i = ld_holds(ld, lo)) >= 0) {
		(void)ksnprintf(what, sizeof(what), "workqueue \"%s\"",
		    lo->lo_name);
		ld_barrier(what, func, i + 1);
		ld_release(ld, i);
	}
	kspin_exit(&ld_lock);
}

/*
 * The calling thread may have to wait for a work.
 */
void
lockdebug_wantwork(const char *func, const void *wq, uintptr_t site)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL && (lo = *ld_findp(wq)) != NULL)
		ld_order(func, ld, lo, site);
	kspin_exit(&ld_lock);
}

/*
 * It does have to wait, for what one queue runs, or with NULL all do, before
 * *done is not 0, if given.
 */
void
lockdebug_wait(const char *func, const void *wq, const void *q,
    const int *done)
{
	struct lockdebug_lwp *ld;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL) {
		ld_want(ld, *ld_findp(wq), q, done, false);
		ld_deadlock(func, ld);
	}
	kspin_exit(&ld_lock);
}

void
lockdebug_waited(void)
{
	struct lockdebug_lwp *ld;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL)
		ld->ld_nwants--;
	kspin_exit(&ld_lock);
}

/*
 * At exit, in strict mode: what was never destroyed.
 */
__attribute__((__destructor__)) static void
lockdebug_leaks(void)
{
	const struct ld_object *lo;
	char o[LD_DESC];
	size_t i;
	int n;

	if (kern_checking < 2 || ld_objects == NULL)
		return;
	n = 0;
	kspin_enter(&ld_lock);
	for (i = 0; i < ld_nobjects; i++) {
		lo = &ld_objects[i];
		if (lo->lo_addr == NULL || lo->lo_keep)
			continue;
		if (++n <= LD_LEAKS)
			kern_warn("exit: not destroyed: %s", ld_object(lo, o));
	}
	if (n > LD_LEAKS)
		kern_warn("exit: not destroyed: %d more", n - LD_LEAKS);
	kspin_exit(&ld_lock);
}
