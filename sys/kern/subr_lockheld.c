/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The checking mode of locks: the locks that each thread holds and waits for.
 *
 * A thread reports that it is about to wait.  There is a deadlock if the holder
 * of the wanted lock waits, directly or through other threads, for a lock that
 * the thread itself holds.
 *
 * A thread reports a hold after it has taken the lock, and reports the release
 * before it releases the lock.  So no thread is mistaken for a holder.  The
 * report that completes a cycle always comes from a thread that is about to
 * wait.
 *
 * subr_lockorder.c checks the order of the held locks and the wanted one.
 */

#include <string.h>

#include "kern.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"

/* ld_lock guards all that follows. */
static struct lockdebug_lwp *ld_lwps;
static struct lockdebug_lwp ld_lwp0;
static uint64_t		ld_serial;		/* the last hold or want */
static bool		ld_lwpsaid;

void
ld_heldinit(void)
{

	/* The lwp was created before checking mode was known to be on. */
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
	/* Acquire: pairs with the release that ends the wait. */
	if (lw->lw_done != NULL && atomic_load_acquire(lw->lw_done) != 0)
		return NULL;
	return lw;
}

/*
 * Return true if the thread holds the wanted object, and keeps the object while
 * the thread itself waits.
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
 * Return the length of the cycle if the nth thread of ld_path waits, directly
 * or indirectly, for the first.  Return 0 if there is no cycle, or if it has
 * more than LD_PATH threads.
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
 * Return the index of the thread's last hold of an object, or -1.
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

	/* A thread waits at most once at each IPL: ignore any other wait. */
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
 * Forget an object that ends.  A thread may still hold it, or be returning from
 * a wait for it.
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
 * Reset the threads in a forked child.
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
 * Begin a new list of threads in a forked child, where the old one may be
 * damaged.  Checking mode does not watch a thread that is missing from the
 * list.  All objects are new, too.
 */
void
ld_heldanew(void)
{
	struct lockdebug_lwp *self;

	ld_lwps = NULL;
	if ((self = ld_self()) == NULL)
		return;
	self->ld_next = NULL;
	self->ld_nheld = self->ld_nwants = 0;
	ld_lwps = self;
}

/*
 * Record a new thread.  Thread context.
 */
void
lockdebug_lwpinit(struct lwp *l)
{
	struct lockdebug_lwp *ld;

	/* A reused lwp keeps its record. */
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
 * Check that the calling thread holds at most "held" locks.  If it holds more,
 * panic if the thread ends, if one of them is a spin mutex, or in strict mode.
 * Otherwise only warn, once for each lock, because a function may leave a lock
 * to the next function in the same thread.
 */
static void
ld_barrier(const char *what, const void *func, int held)
{
	const struct lockdebug_lwp *ld;
	const struct ld_hold *lh;
	char o[LD_DESC], t[LD_DESC];

	if ((ld = ld_self()) == NULL || ld->ld_nheld <= held)
		return;
	lh = &ld->ld_held[ld->ld_nheld - 1];
	if (func == NULL)
		panic("%s holding %s, taken at %pS: %s", what,
		    ld_object(lh->lh_object, o), (void *)lh->lh_site,
		    ld_thread(ld, t));
	if (KERN_STRICT() || ld->ld_lwp->l_mtxcount != 0)
		panic("%s: function %pF returned holding %s, taken at %pS",
		    what, func, ld_object(lh->lh_object, o),
		    (void *)lh->lh_site);
	if (!lh->lh_object->lo_said)
		kern_warn("%s: function %pF returned holding %s, taken at %pS",
		    what, func, ld_object(lh->lh_object, o),
		    (void *)lh->lh_site);
	lh->lh_object->lo_said = true;
}

void
lockdebug_barrier(const char *what, const void *func, int held)
{

	kspin_enter(&ld_lock);
	ld_barrier(what, func, held);
	kspin_exit(&ld_lock);
}

/*
 * Return the number of locks that the calling thread holds, for
 * lockdebug_barrier().
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
 * Record that the calling thread is about to take a lock, and may have to wait
 * for it.
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
				panic("%s: taken for reading again by the same "
				    "thread: %s", func, ld_object(lo, o));
			kern_warn("%s: taken for reading again at %pS by the "
			    "same thread: %s", func, (void *)site,
			    ld_object(lo, o));
		}
	}
	kspin_exit(&ld_lock);
}

/*
 * Record that the calling thread has taken the lock, by waiting or by trying.
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
 * Record that the calling thread is about to release the lock.
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
 * Record that the calling thread changes its hold of a lock.  Call this before
 * a change from writing to reading, and after a change from reading to writing.
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
 * Record that the calling thread is about to call the function of an object,
 * such as a soft interrupt.  The thread has not waited for the object.  If
 * several threads can call functions of the object at once, "part" tells these
 * calls apart.  Return the place where the object was made.
 */
uintptr_t
lockdebug_call_begin(const void *addr, const void *part, uintptr_t func)
{
	struct lockdebug_lwp *ld;
	struct ld_object *lo;
	uintptr_t site;

	site = 0;
	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL && (lo = *ld_findp(addr)) != NULL) {
		/*
		 * The new function need not take the locks that the last one
		 * took.
		 */
		if (lo->lo_func != func)
			ld_orderafter(lo);
		lo->lo_func = func;
		/*
		 * Add 1, as in a return address: the lookup of a site subtracts
		 * 1.
		 */
		ld_hold(ld, lo, part, false, func + 1);
		site = lo->lo_site;
	}
	kspin_exit(&ld_lock);
	return site;
}

/*
 * Record that the function has returned.  It may have destroyed the object.
 * The thread must hold only the locks that it held before the call.  If the
 * object is gone, "held" is the number of these locks.  If func is NULL, the
 * thread ends, and "kind" is the text for this.
 */
void
lockdebug_call_end(const char *kind, const void *addr, const void *func,
    int held)
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
 * Record that other threads no longer wait for the function, although it has
 * not returned.
 */
void
lockdebug_call_detach(const void *addr)
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
 * Record that the calling thread may have to wait for the object, and that it
 * releases the interlock meanwhile.  If func is not 0, it is the function that
 * the object calls now, so the locks of earlier functions do not matter.  A
 * thread that runs the object does not wait for it.
 */
void
lockdebug_maywait_func(const char *who, const void *addr, uintptr_t func,
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

/* The same, for an object with one function, and without an interlock. */
void
lockdebug_maywait(const char *who, const void *addr, uintptr_t site)
{

	lockdebug_maywait_func(who, addr, 0, NULL, site);
}

/*
 * Record that the calling thread does wait: for one part of the object, or for
 * all of it if part is NULL.  If done is not NULL, the wait is over when *done
 * is not 0.
 */
void
lockdebug_wait_begin(const char *func, const void *addr, const void *part,
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
 * Record a wait for the active call only, not for later ones.  The thread is
 * about to release the interlock.  It holds the interlock again whenever it
 * checks whether it must go on waiting.
 */
void
lockdebug_wait_call(const char *func, const void *addr, const void *interlock)
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
lockdebug_wait_end(void)
{
	struct lockdebug_lwp *ld;

	kspin_enter(&ld_lock);
	if ((ld = ld_self()) != NULL)
		ld->ld_nwants--;
	kspin_exit(&ld_lock);
}

/*
 * Return a text for a panic: ", holding LOCK, taken at SITE", or "".  The lock
 * is the one that the calling thread took last and still holds.
 */
const char *
lockdebug_heldtext(void)
{
	static char buf[2 * LD_DESC];		/* (ld_lock); for one panic */
	const struct lockdebug_lwp *ld;
	const struct ld_hold *lh;
	char o[LD_DESC];

	kspin_enter(&ld_lock);
	buf[0] = '\0';
	if ((ld = ld_self()) != NULL && ld->ld_nheld != 0) {
		lh = &ld->ld_held[ld->ld_nheld - 1];
		(void)ksnprintf(buf, sizeof(buf), ", holding %s, taken at %pS",
		    ld_object(lh->lh_object, o), (void *)lh->lh_site);
	}
	kspin_exit(&ld_lock);
	return buf;
}

/*
 * Handle LWP_ENDED: check that the thread leaves nothing behind.
 */
void
lockdebug_lwpended(struct lwp *l)
{

	lockdebug_barrier("thread ends", NULL, 0);
	if (l->l_ipl != IPL_NONE)
		KERN_SUSPECT("thread \"%s\" (%d) ends at IPL %d", l->l_name,
		    l->l_lid, l->l_ipl);
	if (l->l_nopreempt != 0)
		panic("thread \"%s\" (%d) ends with preemption off",
		    l->l_name, l->l_lid);
	if (l->l_psrefs != NULL)
		panic("thread \"%s\" (%d) ends with a psref held", l->l_name,
		    l->l_lid);
}

/*
 * Handle LWP_FREED.
 */
void
lockdebug_lwpfreed(struct lwp *l)
{

	lockdebug_end(l);
}
