/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The checking mode of locks, and of what runs a function that may take some.
 *
 * This room: which objects live, and where they were made.  subr_lockheld.c
 * has what each thread holds and waits for, subr_lockorder.c the order.
 *
 * A lock is an object from mutex_init() to mutex_destroy(), and so is what
 * runs a function and can be waited for (LOCKDEBUG_RUN): a workqueue, a
 * callout, a soft interrupt, a job, a thread that must be joined.  Who runs
 * the function holds it, and workqueue_wait(), callout_halt() and the like
 * wait for it.  The kernel lock is none: its holder drops it to sleep, so only
 * spin mutexes have an order with it, and they come after it, or
 * KERNEL_LOCK() panics.
 *
 * All tables are made at the start, and everything is under one spin lock
 * that no interrupt comes in under, for handlers take spin mutexes.  A table
 * that is full says so once, and from then on is silent rather than wrong.
 */

#include <string.h>

#include "kern.h"
#include "subr_lockdebug.h"

/* All that follows is under ld_lock. */
struct kspin		ld_lock;
struct ld_object	*ld_objects;
unsigned		ld_search;
static struct ld_object	*ld_freeobjects;
static size_t		ld_nobjects;		/* of ld_objects, ever used */
static size_t		ld_nruns;		/* that are LOCKDEBUG_RUN */
static struct ld_object	*ld_buckets[LD_BUCKETS];
static bool		ld_full;		/* some lock is not known */
static bool		ld_runsfull;
static char		ld_texts[8][LD_DESC];	/* lockdebug_text() */
static unsigned		ld_ntexts;

void
lockdebug_init(void)
{

	ld_objects = host_alloc(LD_OBJECTS * sizeof(*ld_objects));
	if (ld_objects == NULL)
		panic("WORKQUEUE_CHECK: no memory");
	ld_heldinit();
	ld_orderinit();
}

/*
 * Texts.
 */
void
ld_append(char *buf, size_t *lenp, const char *fmt, ...)
{
	va_list ap;

	if (*lenp >= LD_TEXT - 1)
		return;
	va_start(ap, fmt);
	*lenp += kvsnprintf(buf + *lenp, LD_TEXT - *lenp, fmt, ap);
	va_end(ap);
}

const char *
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

const char *
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

struct ld_object **
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
struct ld_object *
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
 * An object, as the text of a panic names it: at most a few are needed before
 * the process ends.
 */
const char *
lockdebug_text(const void *addr, const char *kind)
{
	const struct ld_object *lo;
	char *buf;

	kspin_enter(&ld_lock);
	buf = ld_texts[ld_ntexts++ % __arraycount(ld_texts)];
	if ((lo = *ld_findp(addr)) != NULL)
		(void)ld_object(lo, buf);
	else
		(void)ksnprintf(buf, LD_DESC, "%s %p", kind, addr);
	kspin_exit(&ld_lock);
	return buf;
}

/*
 * Only where it was made, for one that is named by its own words.
 */
const char *
lockdebug_made(const void *addr)
{
	const struct ld_object *lo;
	char *buf;

	kspin_enter(&ld_lock);
	buf = ld_texts[ld_ntexts++ % __arraycount(ld_texts)];
	buf[0] = '\0';
	if ((lo = *ld_findp(addr)) != NULL)
		(void)ksnprintf(buf, LD_DESC, " (made at %p)",
		    (void *)lo->lo_site);
	kspin_exit(&ld_lock);
	return buf;
}

/*
 * Around fork: in the child nobody else holds anything, or waits.
 */
void
lockdebug_fork(int where)
{

	if (!KERN_CHECKING())
		return;
	if (where == KERN_FORK_PREPARE) {
		kspin_enter(&ld_lock);
		return;
	}
	if (where == KERN_FORK_CHILD)
		ld_heldfork();
	kspin_exit(&ld_lock);
}

/*
 * Forget an object, and with it what is known of its orders.
 */
static void
ld_forget(struct ld_object *lo)
{

	if (lo->lo_flags & LOCKDEBUG_RUN) {
		ld_heldforget(lo);
		ld_nruns--;
	}
	ld_orderforget(lo);
	*ld_findp(lo->lo_addr) = lo->lo_next;
	lo->lo_addr = NULL;
	lo->lo_next = ld_freeobjects;
	ld_freeobjects = lo;
}

static struct ld_object *
ld_new(int flags)
{
	struct ld_object *lo;

	if ((flags & LOCKDEBUG_RUN) != 0 && ld_nruns == LD_RUNS) {
		if (!ld_runsfull)
			kern_warn("checking: too many callouts and the like "
			    "to watch them all");
		ld_runsfull = true;
		return NULL;
	}
	if ((lo = ld_freeobjects) != NULL)
		ld_freeobjects = lo->lo_next;
	else if (ld_nobjects < LD_OBJECTS)
		lo = &ld_objects[ld_nobjects++];
	else {
		if (!ld_full)
			kern_warn("checking: too many locks to watch them "
			    "all");
		ld_full = true;
		return NULL;
	}
	if (flags & LOCKDEBUG_RUN)
		ld_nruns++;
	return lo;
}

/*
 * An object is made.  A forked child may make those of its parent's anew,
 * since who held them is not there to release them; and what is LOOSE may
 * have been forgotten by its owner, the library having nothing of it.
 */
void
lockdebug_make(const char *func, const void *addr, const char *kind,
    const char *name, int flags, uintptr_t site)
{
	struct ld_object *lo, **lop;
	char o[LD_DESC];

	kspin_enter(&ld_lock);
	if ((lo = *ld_findp(addr)) != NULL && ((lo->lo_flags &
	    LOCKDEBUG_LOOSE) != 0 || (lo->lo_holds == 0 &&
	    lo->lo_forkgen != kern_forkgen)))
		ld_forget(lo);
	else if (lo != NULL)
		panic("%s: %s %p, to be made at %p, is initialised already: "
		    "%s", func, kind, addr, (void *)site, ld_object(lo, o));
	if ((lo = ld_new(flags)) != NULL) {
		memset(lo, 0, sizeof(*lo));
		lo->lo_addr = addr;
		lo->lo_kind = kind;
		lo->lo_name = name;
		lo->lo_site = site;
		lo->lo_flags = flags;
		lo->lo_forkgen = kern_forkgen;
		lop = ld_bucket((uintptr_t)addr >> LD_GRANULE);
		lo->lo_next = *lop;
		*lop = lo;
	}
	kspin_exit(&ld_lock);
}

/* A lock. */
void
lockdebug_alloc(const char *func, const void *addr, const char *kind,
    const char *name, uintptr_t site)
{

	lockdebug_make(func, addr, kind, name, 0, site);
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
 * It ends, if it is known, and if somebody holds it then does so no more: a
 * callout may be destroyed, and freed, by its own function.
 */
void
lockdebug_end(const void *addr)
{
	struct ld_object *lo;

	kspin_enter(&ld_lock);
	if ((lo = *ld_findp(addr)) != NULL)
		ld_forget(lo);
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
 * Memory is freed: no object may be in it, but what is LOOSE and idle.
 */
void
lockdebug_memfree(const char *func, const void *p, size_t size)
{
	struct ld_object *lo, *next;
	uintptr_t first, g, last;
	char o[LD_DESC];

	if (size == 0)
		return;
	first = (uintptr_t)p;
	last = first + size - 1;
	kspin_enter(&ld_lock);
	for (g = first >> LD_GRANULE; g <= last >> LD_GRANULE; g++) {
		/* Of very much memory only the first part. */
		if (g - (first >> LD_GRANULE) >= LD_BUCKETS * 2)
			break;
		for (lo = *ld_bucket(g); lo != NULL; lo = next) {
			next = lo->lo_next;
			if ((uintptr_t)lo->lo_addr < first ||
			    (uintptr_t)lo->lo_addr > last)
				continue;
			if ((lo->lo_flags & LOCKDEBUG_LOOSE) == 0 ||
			    callout_busy(lo->lo_addr))
				panic("%s: memory %p of %zu bytes is freed, "
				    "and there is in it %s", func, p, size,
				    ld_object(lo, o));
			ld_forget(lo);
		}
	}
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
		if (lo->lo_addr == NULL || lo->lo_keep ||
		    (lo->lo_flags & LOCKDEBUG_LOOSE) != 0)
			continue;
		/* Threads, and what they run, stay with the parent. */
		if ((lo->lo_flags & LOCKDEBUG_RUN) != 0 &&
		    lo->lo_forkgen != kern_forkgen)
			continue;
		if (++n <= LD_LEAKS)
			kern_warn("exit: not destroyed: %s", ld_object(lo, o));
	}
	if (n > LD_LEAKS)
		kern_warn("exit: not destroyed: %d more", n - LD_LEAKS);
	kspin_exit(&ld_lock);
}
