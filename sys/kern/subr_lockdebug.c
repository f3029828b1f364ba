/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The checking mode of locks, and of objects that run functions.  The functions
 * may take locks.
 *
 * This file records which objects exist, and where they were made.
 * subr_lockheld.c records which objects each thread holds and waits for.
 * subr_lockorder.c records the order in which threads take objects.
 *
 * A lock is an object from its initialisation to its destruction, for instance
 * from mutex_init() to mutex_destroy().  A workqueue, a callout, a soft
 * interrupt, a job, and a thread that must be joined are objects, too: each
 * runs a function for which other threads can wait (LOCKDEBUG_RUN).  The thread
 * that runs the function holds the object.  A thread in workqueue_wait(),
 * callout_halt() or a similar call waits for the object.
 *
 * The kernel lock is no object.  Its holder releases it during a sleep, so only
 * spin mutexes have an order with it.  A thread must take them after the kernel
 * lock: in strict mode, KERNEL_LOCK() panics otherwise.
 *
 * The library allocates all tables when it starts.  One spin lock guards
 * everything.  Its holder takes no interrupt, because handlers take spin
 * mutexes.  A full table is reported once.  After that, checking mode misses
 * some errors but makes no false reports.
 */

#include <string.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"

/* ld_lock guards all that follows. */
struct kspin		ld_lock;
struct ld_object	*ld_objects;
unsigned		ld_search;
static struct ld_object	*ld_freeobjects;
static size_t		ld_nobjects;		/* used so far */
static size_t		ld_nruns;		/* LOCKDEBUG_RUN objects */
static struct ld_object	*ld_buckets[LD_BUCKETS];
static bool		ld_full;		/* some locks are not watched */
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

/*
 * Write the name of an object, or its address if it has no name.  If the name
 * is a text of the client, write both, because many objects may share the text.
 */
const char *
ld_name(const struct ld_object *lo, char *buf)
{
	struct host_symbol hs;

	/* The name is in the client's module, which may be unloaded. */
	if (lo->lo_name == NULL || ((lo->lo_flags & LOCKDEBUG_NAMED) != 0 &&
	    !host_symbol((uintptr_t)lo->lo_name, &hs)))
		(void)ksnprintf(buf, LD_DESC, "%s %p", lo->lo_kind,
		    lo->lo_addr);
	else if ((lo->lo_flags & LOCKDEBUG_NAMED) != 0)
		(void)ksnprintf(buf, LD_DESC, "%s %p \"%.48s\"", lo->lo_kind,
		    lo->lo_addr, lo->lo_name);
	else
		(void)ksnprintf(buf, LD_DESC, "%s \"%s\"", lo->lo_kind,
		    lo->lo_name);
	return buf;
}

const char *
ld_object(const struct ld_object *lo, char *buf)
{
	size_t len;

	len = strlen(ld_name(lo, buf));
	(void)ksnprintf(buf + len, LD_DESC - len, " (made at %pS)",
	    (void *)lo->lo_site);
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
 * Objects.  The objects within one granule of memory share a bucket, so that
 * lockdebug_memfree() can search the memory.
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

	KSPIN_ASSERT(&ld_lock);
	for (lop = ld_bucket((uintptr_t)addr >> LD_GRANULE); *lop != NULL;
	    lop = &(*lop)->lo_next)
		if ((*lop)->lo_addr == addr)
			break;
	return lop;
}

/*
 * Return the object at an address.  If there is none, return NULL if the table
 * is full, and panic otherwise.
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
 * Return the text that names an object.  Call this only for a message that is
 * printed at once, because other threads reuse the buffers.
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
 * Return a text with the place where an object was made.  The caller names the
 * object itself.
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
		(void)ksnprintf(buf, LD_DESC, " (made at %pS)",
		    (void *)lo->lo_site);
	kspin_exit(&ld_lock);
	return buf;
}

/*
 * Reset the tables in a forked child, where no other thread holds or waits for
 * anything.  If they may be inconsistent, clear them.  Then checking mode does
 * not watch the objects that were made before.
 */
void
lockdebug_fork(struct lwp *l)
{

	(void)l;
	if (!KERN_CHECKING())
		return;
	if (!kern_torn(&ld_lock)) {
		ld_heldfork();
		return;
	}
	memset(ld_buckets, 0, sizeof(ld_buckets));
	ld_freeobjects = NULL;
	ld_nobjects = ld_nruns = 0;
	ld_full = ld_runsfull = true;
	ld_orderfork();
	ld_heldanew();
}

/*
 * Remove an object and its orders.
 */
static void
ld_forget(struct ld_object *lo)
{

	KSPIN_ASSERT(&ld_lock);
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

	KSPIN_ASSERT(&ld_lock);
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
 * Record a new object.  There may be an old object at the address in two cases.
 * A forked child may initialise a lock of its parent again, because the thread
 * that held the lock does not exist in the child.  And the owner may have
 * abandoned an object that need not be destroyed.
 */
void
lockdebug_make(const char *func, const void *addr, const char *kind,
    const char *name, int flags, bool (*busy)(const void *), uintptr_t site)
{
	struct ld_object *lo, **lop;
	char o[LD_DESC];

	kspin_enter(&ld_lock);
	if ((lo = *ld_findp(addr)) != NULL && (lo->lo_busy != NULL ||
	    (lo->lo_holds == 0 && lo->lo_forkgen != kern_forkgen)))
		ld_forget(lo);
	else if (lo != NULL)
		panic("%s: %s %p is initialised again at %pS: %s", func, kind,
		    addr, (void *)site, ld_object(lo, o));
	if ((lo = ld_new(flags)) != NULL) {
		memset(lo, 0, sizeof(*lo));
		lo->lo_addr = addr;
		lo->lo_kind = kind;
		lo->lo_name = name;
		lo->lo_site = site;
		lo->lo_flags = flags;
		lo->lo_busy = busy;
		lo->lo_forkgen = kern_forkgen;
		lop = ld_bucket((uintptr_t)addr >> LD_GRANULE);
		lo->lo_next = *lop;
		*lop = lo;
	}
	kspin_exit(&ld_lock);
}

/* Record a new lock. */
void
lockdebug_alloc(const char *func, const void *addr, const char *kind,
    const char *name, uintptr_t site)
{

	lockdebug_make(func, addr, kind, name, 0, NULL, site);
}

/*
 * Remove a lock, which no thread may hold.
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
 * Remove an object, if it is known.  After this, no thread holds the object any
 * longer.  A thread may hold it until now, because the function of a callout
 * may destroy and free the callout.
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
 * Return true if there is an object at the address.
 */
bool
lockdebug_known(const void *addr)
{
	bool known;

	kspin_enter(&ld_lock);
	known = *ld_findp(addr) != NULL;
	kspin_exit(&ld_lock);
	return known;
}

/*
 * Mark an object that the library never destroys.
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
 * Check memory that is about to be freed.  Panic if it contains an object,
 * unless the object is idle and need not be destroyed.
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
		/* Search only the first part of a very large piece. */
		if (g - (first >> LD_GRANULE) >= LD_BUCKETS * 2)
			break;
		for (lo = *ld_bucket(g); lo != NULL; lo = next) {
			next = lo->lo_next;
			if ((uintptr_t)lo->lo_addr < first ||
			    (uintptr_t)lo->lo_addr > last)
				continue;
			if (lo->lo_busy == NULL ||
			    (*lo->lo_busy)(lo->lo_addr))
				panic("%s: memory %p of %zu bytes is freed, "
				    "but contains %s", func, p, size,
				    ld_object(lo, o));
			ld_forget(lo);
		}
	}
	kspin_exit(&ld_lock);
}

/*
 * At exit, in strict mode, report the objects that were never destroyed.
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
		if (lo->lo_addr == NULL || lo->lo_keep || lo->lo_busy != NULL)
			continue;
		/*
		 * The threads of the parent, and the functions that they run,
		 * do not exist here.
		 */
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
