/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The checking mode of locks: what each thread holds and waits for.
 *
 * A thread that is about to wait tells so first.  Is there a deadlock: does
 * the holder of what it wants wait, over however many threads, for what it
 * holds itself?  A thread tells that it holds a lock after it has taken it,
 * and that it does not before it releases it, so nobody is taken for a holder
 * who is not; and what closes a cycle is always somebody's telling that he
 * will wait, with all the rest told.  The order of what he holds and what he
 * wants is subr_lockorder.c's.
 */

#include <string.h>

#include "kern.h"
#include "subr_lockdebug.h"

/* All that follows is under ld_lock. */
static struct lockdebug_lwp *ld_lwps;
static struct lockdebug_lwp ld_lwp0;
static uint64_t		ld_serial;		/* of the last hold or want */
static bool		ld_lwpsaid;

void
ld_heldinit(void)
{

	/* It was made before this was known to be needed. */
	ld_lwp0.ld_lwp = wqk_lwp0();
	ld_lwp0.ld_lwp->l_lockdebug = &ld_lwp0;
	ld_lwps = &ld_lwp0;
}

/*
 * Deadlocks.
 */
static inline bool
ld_conflict(const struct ld_hold *lh, const struct ld_want *lw)
{

	return lh->lh_object == lw->lw_object &&
	    (lw->lw_part == NULL || lw->lw_part == lh->lh_part) &&
	    lh->lh_serial < lw->lw_serial &&
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

/*
 * Does it hold what is wanted, and keep it while it waits itself?
 */
static bool
ld_keeps(const struct lockdebug_lwp *ld, const struct ld_want *lw)
{
	const struct ld_want *own;
	int i;

	own = ld_waits(ld);
	for (i = 0; i < ld->ld_nheld; i++)
		if (ld_conflict(&ld->ld_held[i], lw) && (own == NULL ||
		    (ld->ld_held[i].lh_object != own->lw_interlock &&
		    ld->ld_held[i].lh_serial <= own->lw_since)))
			return true;
	return false;
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
	int len;

	if ((lw = ld_waits(ld_path[n])) == NULL)
		return 0;
	for (ld = ld_lwps; ld != NULL; ld = ld->ld_next) {
		if (ld->ld_mark == ld_search || !ld_keeps(ld, lw))
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
struct lockdebug_lwp *
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
	lh->lh_serial = ++ld_serial;
	lh->lh_shared = shared;
	lo->lo_holds++;
}

/*
 * The last hold of an object, or -1.
 */
int
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
	lw->lw_interlock = NULL;
	lw->lw_serial = UINT64_MAX;
	lw->lw_since = ld_serial;
	lw->lw_shared = shared;
}

/*
 * An object ends that somebody may hold, or be on his way from waiting for.
 */
void
ld_heldforget(const struct ld_object *lo)
{
	struct lockdebug_lwp *ld;
	int i;

	for (ld = ld_lwps; ld != NULL; ld = ld->ld_next) {
		while (lo->lo_holds != 0 && (i = ld_holds(ld, lo)) >= 0)
			ld_release(ld, i);
		for (i = 0; i < ld->ld_nwants && i < LD_WANTS; i++)
			if (ld->ld_wants[i].lw_object == lo)
				ld->ld_wants[i].lw_object = NULL;
			else if (ld->ld_wants[i].lw_interlock == lo)
				ld->ld_wants[i].lw_interlock = NULL;
	}
}

/*
 * In a forked child.
 */
void
ld_heldfork(void)
{
	struct lockdebug_lwp *ld, *self;

	self = ld_self();
	for (ld = ld_lwps; ld != NULL; ld = ld->ld_next)
		if (ld != self) {
			ld_drop(ld);
			ld->ld_nwants = 0;
		}
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
	char o[LD_DESC], t[LD_DESC];
	int i;

	if ((ld = ld_self()) == NULL || ld->ld_nheld <= held)
		return;
	i = ld->ld_nheld - 1;
	if (func == NULL)
		panic("%s holding %s, taken at %p: %s", what,
		    ld_object(ld->ld_held[i].lh_object, o),
		    (void *)ld->ld_held[i].lh_site, ld_thread(ld, t));
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
			ld_order(func, ld, lo, NULL, site);
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
 * What runs a function.  The calling thread is about to call it; part says
 * which of the threads that can do so at once it is.  It did not wait for it.
 * Returns where the object was made.
 */
uintptr_t
lockdebug_run(const void *addr, const void *part, uintptr_t func)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;
	uintptr_t site;

	site = 0;
	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL && (lo = *ld_findp(addr)) != NULL) {
		/* What another function took it does not take. */
		if (lo->lo_func != func)
			ld_orderafter(lo);
		lo->lo_func = func;
		ld_hold(ld, lo, part, false, func);
		site = lo->lo_site;
	}
	kspin_exit(&ld_lock);
	return site;
}

/*
 * It returned, and may have destroyed the object: the thread must hold no
 * locks but those from before, and if that is not known so many.  Without
 * func the thread ends, which kind then says.
 */
void
lockdebug_ran(const char *kind, const void *addr, const void *func, int held)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;
	char what[LD_DESC];
	int i;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL) {
		i = (lo = *ld_findp(addr)) != NULL ? ld_holds(ld, lo) : -1;
		if (i >= 0)
			held = i + 1;
		if (ld->ld_nheld > held) {
			if (lo != NULL && func != NULL)
				kind = ld_object(lo, what);
			ld_barrier(kind, func, held);
		}
		if (i >= 0)
			ld_release(ld, i);
	}
	kspin_exit(&ld_lock);
}

/*
 * It has not returned, but nobody waits for it any more.
 */
void
lockdebug_done(const void *addr)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;
	int i;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL && (lo = *ld_findp(addr)) != NULL &&
	    (i = ld_holds(ld, lo)) >= 0)
		ld_release(ld, i);
	kspin_exit(&ld_lock);
}

/*
 * The calling thread may have to wait for it, and lets go of the interlock
 * meanwhile.  It would call func now, if given: what others took is of no
 * interest.  Who runs it himself does not wait.
 */
void
lockdebug_wantrun(const char *who, const void *addr, uintptr_t func,
    const void *interlock, uintptr_t site)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL && (lo = *ld_findp(addr)) != NULL &&
	    ld_holds(ld, lo) < 0) {
		if (func != 0 && lo->lo_func != func) {
			ld_orderafter(lo);
			lo->lo_func = func;
		}
		ld_order(who, ld, lo, interlock != NULL ?
		    *ld_findp(interlock) : NULL, site);
	}
	kspin_exit(&ld_lock);
}

/* The same for a work, and what else has one function and no interlock. */
void
lockdebug_wantwork(const char *who, const void *addr, uintptr_t site)
{

	lockdebug_wantrun(who, addr, 0, NULL, site);
}

/*
 * It does have to wait, for one part of it, or with NULL for all, before
 * *done is not 0, if given.
 */
void
lockdebug_wait(const char *func, const void *addr, const void *part,
    const int *done)
{
	struct lockdebug_lwp *ld;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL) {
		ld_want(ld, *ld_findp(addr), part, done, false);
		ld_deadlock(func, ld);
	}
	kspin_exit(&ld_lock);
}

/*
 * Likewise, but for the call that is under way and for no later one.  The
 * interlock it is about to release, and has again when it looks in between.
 */
void
lockdebug_waitrun(const char *func, const void *addr, const void *interlock)
{
	struct lockdebug_lwp *ld;
	struct ld_want *lw;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL) {
		ld_want(ld, *ld_findp(addr), NULL, NULL, false);
		if (ld->ld_nwants <= LD_WANTS) {
			lw = &ld->ld_wants[ld->ld_nwants - 1];
			lw->lw_interlock = *ld_findp(interlock);
			lw->lw_serial = ++ld_serial;
		}
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
 * What the calling thread took last and still holds, for the text of a panic:
 * ", holding LOCK, taken at SITE", or nothing.
 */
const char *
lockdebug_heldtext(void)
{
	static char buf[LD_DESC + 64];		/* (ld_lock); see the text */
	const struct lockdebug_lwp *ld;
	const struct ld_hold *lh;
	char o[LD_DESC];

	kspin_enter(&ld_lock);
	buf[0] = '\0';
	if ((ld = ld_self()) != NULL && ld->ld_nheld != 0) {
		lh = &ld->ld_held[ld->ld_nheld - 1];
		(void)ksnprintf(buf, sizeof(buf), ", holding %s, taken at %p",
		    ld_object(lh->lh_object, o), (void *)lh->lh_site);
	}
	kspin_exit(&ld_lock);
	return buf;
}
