/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callout(9): functions that are called after a time.
 *
 * Deadlines are in units of some 65 us, rounded up, on the monotonic clock.
 * They are kept in a hierarchy of wheels.  A unit is a number with digits of
 * six bits; a callout lies in the wheel of the highest digit in which its
 * deadline differs from callout_base, in that digit's slot.  So whatever lies
 * in a lower wheel is due before whatever lies in a higher one, in each wheel
 * a lower slot before a higher, and a bit mask per wheel finds the first.
 * When its time comes a slot of a higher wheel becomes the base, and what it
 * holds is dealt out to lower wheels.  In the lowest wheel all of a slot is
 * due at the same unit, in the order of the list, which is that of arming.
 *
 * To arm and to stop are a few steps each, whatever the number of callouts.
 * One thread sleeps until the earliest deadline that anybody has told it, and
 * for ever if there is none; who arms a callout for earlier still wakes it.
 * A deadline that is stopped again is not worth a wake-up: the thread finds
 * that out when it comes.
 *
 * Everything is under callout_lock, which handlers of interrupts may take.
 */

#include <sys/callout.h>

#include "kern.h"

#define	CALLOUT_UNITSHIFT	16	/* ns to units */
#define	CALLOUT_DIGIT		6
#define	CALLOUT_SLOTS		(1 << CALLOUT_DIGIT)
#define	CALLOUT_WHEELS		8	/* 2^48 units: 2^64 ns */
#define	CALLOUT_NEVER		UINT64_MAX
#ifndef CALLOUT_CHUNK			/* tests want less */
#define	CALLOUT_CHUNK		64	/* dealt out without a pause */
#endif

/* c_flags */
#define	CALLOUT_BOUND		0x0001	/* c_cpu is what it shall see */
#define	CALLOUT_PENDING		0x0002	/* in a wheel */
#define	CALLOUT_FIRED		0x0004	/* called since it was armed */
#define	CALLOUT_INVOKING	0x0008	/* and has not said so yet */

#define	CALLOUT_MAGIC	((uintptr_t)0xca11075eU)

/*
 * What is in a callout_t.  A callout belongs to its client; the library may
 * look at it while it is armed, and no more once its function is called.
 *
 * Fields are under callout_lock unless marked: (a) also read without it.
 */
struct callout_link {
	struct callout_link	*cl_next, *cl_prev;
};

struct callout_impl {
	struct callout_link c_link;	/* first; on its slot */
	uint64_t	 c_time;	/* deadline, in units */
	void		 (*c_func)(void *);
	void		 *c_arg;
	struct cpu_info	 *c_cpu;
	unsigned	 c_flags;	/* (a) */
	uint16_t	 c_slot;	/* index of its slot */
	uint16_t	 c_forkgen;	/* (a) whose process' wheels */
	uintptr_t	 c_magic;	/* (a) its address and CALLOUT_MAGIC */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct callout_impl) <= sizeof(callout_t),
    "struct callout_impl does not fit callout_t");
_Static_assert(_Alignof(callout_t) >= _Alignof(struct callout_impl),
    "callout_t is not aligned");

/* No callout in it is due before cs_least. */
struct callout_slot {
	struct callout_link cs_head;
	uint64_t	 cs_least;
};

static struct kspin	callout_lock;

/* All of these (callout_lock). */
static struct callout_slot callout_slots[CALLOUT_WHEELS * CALLOUT_SLOTS];
static uint64_t		callout_mask[CALLOUT_WHEELS];	/* used slots */
static uint64_t		callout_base;	/* no deadline is before it */
static unsigned		callout_count;	/* of callouts that are armed */
static bool		callout_dealing;	/* callout_base will change */
static uint64_t		callout_until =	/* what the thread sleeps for */
			    CALLOUT_NEVER;
static struct callout_impl *callout_running;	/* an address, or NULL */
static unsigned		callout_waiters;	/* for the end of that */
static struct lwp	*callout_lwp;	/* the thread, once it runs */

/* There is a thread, or somebody starts one. */
static int		callout_started;	/* (a) */

/*
 * Is this one pending here?  In a forked child what was pending in the parent
 * is not, and its links lead nowhere.
 */
static inline bool
callout_armed(const struct callout_impl *c)
{

	return (atomic_load_relaxed(&c->c_flags) & CALLOUT_PENDING) != 0 &&
	    atomic_load_relaxed(&c->c_forkgen) == (uint16_t)kern_forkgen;
}

/*
 * The same for checking mode, whether it is a callout still or not.
 */
bool
callout_busy(const void *addr)
{
	const struct callout_impl *c;

	c = addr;
	return atomic_load_relaxed(&c->c_magic) ==
	    ((uintptr_t)c ^ CALLOUT_MAGIC) && callout_armed(c);
}

static inline void
callout_setflags(struct callout_impl *c, unsigned flags)
{

	/* A hint to those who read it without the lock: relaxed. */
	atomic_store_relaxed(&c->c_flags, flags);
}

static __kern_noinline __wq_noreturn void
callout_stranger(const char *func, const struct callout_impl *c)
{

	panic("%s: callout %p is not initialised, or destroyed", func,
	    (const void *)c);
}

static inline struct callout_impl *
callout_get(const char *func, callout_t *cs)
{
	struct callout_impl *c;

	c = (struct callout_impl *)cs;
	if (__predict_false(atomic_load_relaxed(&c->c_magic) !=
	    ((uintptr_t)c ^ CALLOUT_MAGIC)))
		callout_stranger(func, c);
	return c;
}

/*
 * Put one into its slot, at the end.
 */
static void
callout_insert(struct callout_impl *c, uint64_t base)
{
	struct callout_slot *cs;
	uint64_t diff;
	unsigned digit, i, w;

	diff = c->c_time ^ base;
	w = diff == 0 ? 0 :
	    (unsigned)(63 - __builtin_clzll(diff)) / CALLOUT_DIGIT;
	digit = (unsigned)(c->c_time >> w * CALLOUT_DIGIT) &
	    (CALLOUT_SLOTS - 1);
	i = w * CALLOUT_SLOTS + digit;
	cs = &callout_slots[i];
	if ((callout_mask[w] & (uint64_t)1 << digit) == 0) {
		callout_mask[w] |= (uint64_t)1 << digit;
		cs->cs_head.cl_next = cs->cs_head.cl_prev = &cs->cs_head;
		cs->cs_least = c->c_time;
	} else if (c->c_time < cs->cs_least)
		cs->cs_least = c->c_time;
	c->c_slot = (uint16_t)i;
	c->c_link.cl_next = &cs->cs_head;
	c->c_link.cl_prev = cs->cs_head.cl_prev;
	cs->cs_head.cl_prev->cl_next = &c->c_link;
	cs->cs_head.cl_prev = &c->c_link;
}

static void
callout_remove(struct callout_impl *c)
{
	struct callout_link *next, *prev;

	next = c->c_link.cl_next;
	prev = c->c_link.cl_prev;
	next->cl_prev = prev;
	prev->cl_next = next;
	/* What has the same neighbour on both sides was alone. */
	if (next == prev && next == &callout_slots[c->c_slot].cs_head)
		callout_mask[c->c_slot / CALLOUT_SLOTS] &=
		    ~((uint64_t)1 << c->c_slot % CALLOUT_SLOTS);
}

/*
 * The first slot in use, or NULL.
 */
static struct callout_slot *
callout_first(unsigned *wp)
{
	unsigned w;

	for (w = 0; w < CALLOUT_WHEELS; w++)
		if (callout_mask[w] != 0) {
			*wp = w;
			return &callout_slots[w * CALLOUT_SLOTS +
			    (unsigned)__builtin_ctzll(callout_mask[w])];
		}
	return NULL;
}

/*
 * Deal out a slot whose time has come.  What is armed meanwhile, when the
 * lock is released for a moment, is due later than now and so finds its place
 * by the old base: at the end of this very slot or in a later one.
 */
static void
callout_deal(struct callout_slot *cs)
{
	struct callout_impl *c;
	uint64_t base, *mask, bit;
	unsigned i, n;

	i = (unsigned)(cs - callout_slots);
	mask = &callout_mask[i / CALLOUT_SLOTS];
	bit = (uint64_t)1 << i % CALLOUT_SLOTS;
	base = cs->cs_least;
	callout_dealing = true;
	for (n = 1; (*mask & bit) != 0; n++) {
		c = (struct callout_impl *)cs->cs_head.cl_next;
		callout_remove(c);
		callout_insert(c, base);
		if (n % CALLOUT_CHUNK == 0) {
			kspin_exit(&callout_lock);
			kspin_enter(&callout_lock);
		}
	}
	callout_dealing = false;
	callout_base = base;
}

/*
 * Nothing is due.  Bring the base near to now, that what is armed next comes
 * into a low wheel: as far as it does not enter the first slot in use.
 */
static void
callout_advance(const struct callout_slot *cs, unsigned w, uint64_t now)
{

	if (now >> w * CALLOUT_DIGIT != cs->cs_least >> w * CALLOUT_DIGIT)
		callout_base = now;
}

/*
 * The next callout that is due, taken off; or NULL, and when to look again.
 */
static struct callout_impl *
callout_due(uint64_t *nextp)
{
	struct callout_slot *cs;
	struct callout_impl *c;
	uint64_t now;
	unsigned w;

	now = 0;
	while ((cs = callout_first(&w)) != NULL) {
		if (cs->cs_least > now) {
			now = (uint64_t)host_monotime() >> CALLOUT_UNITSHIFT;
			if (cs->cs_least > now) {
				callout_advance(cs, w, now);
				*nextp = cs->cs_least;
				return NULL;
			}
		}
		if (w != 0) {
			callout_deal(cs);
			continue;
		}
		callout_base = cs->cs_least;
		c = (struct callout_impl *)cs->cs_head.cl_next;
		callout_remove(c);
		callout_count--;
		return c;
	}
	*nextp = CALLOUT_NEVER;
	return NULL;
}

static void
callout_check_return(const struct lwp *l, const void *c,
    void (*func)(void *), int biglocks, uintptr_t site)
{
	const void *f, *made;

	/* The callout may be destroyed: only we know where it was made. */
	f = (const void *)(uintptr_t)func;
	made = (const void *)site;
	lockdebug_ran("callout", c, f, 0);
	if (l->l_mtxcount != 0)
		panic("callout %p (made at %p): function %p returned holding "
		    "a spin mutex", c, made, f);
	if (l->l_ipl != IPL_SOFTCLOCK)
		panic("callout %p (made at %p): function %p returned at IPL "
		    "%d", c, made, f, l->l_ipl);
	if (l->l_blcnt != biglocks)
		panic("callout %p (made at %p): function %p returned holding "
		    "%d kernel locks", c, made, f, l->l_blcnt);
	if (l->l_nopreempt != 0)
		panic("callout %p (made at %p): function %p returned with "
		    "preemption off", c, made, f);
}

/*
 * Call one's function, in the context of a soft interrupt.  Called and
 * returns with the lock held.
 */
static void
callout_invoke(struct lwp *l, struct callout_impl *c)
{
	void (*func)(void *);
	void *arg;
	uintptr_t site;
	unsigned forkgen;
	bool biglock;

	site = 0;
	func = c->c_func;
	arg = c->c_arg;
	biglock = (c->c_flags & CALLOUT_MPSAFE) == 0;
	l->l_cpu = (c->c_flags & CALLOUT_BOUND) != 0 ? c->c_cpu : NULL;
	callout_setflags(c, (c->c_flags & ~CALLOUT_PENDING) |
	    CALLOUT_FIRED | CALLOUT_INVOKING);
	callout_running = c;
	forkgen = kern_forkgen;
	kspin_exit(&callout_lock);

	l->l_softintr = 1;
	l->l_ipl = IPL_SOFTCLOCK;
	if (biglock)
		wqk_kernel_lock(1);
	if (KERN_CHECKING())
		site = lockdebug_run(c, NULL, (uintptr_t)func);
	(*func)(arg);
	/* From here on c is an address, not a callout. */
	if (forkgen != kern_forkgen)
		panic("callout %p: function %p returned in a child of its "
		    "process", (void *)c, (void *)(uintptr_t)func);
	if (KERN_CHECKING())
		callout_check_return(l, c, func, biglock, site);
	if (biglock)
		wqk_kernel_unlock(1, NULL);
	l->l_softintr = 0;
	l->l_cpu = NULL;
	splx(IPL_NONE);

	kspin_enter(&callout_lock);
	callout_running = NULL;
	if (callout_waiters != 0) {
		callout_waiters = 0;
		kspin_exit(&callout_lock);
		sleepq_wakeall(&callout_running, SLEEPQ_CALLOUT);
		kspin_enter(&callout_lock);
	}
}

static void
callout_thread(void *arg)
{
	struct callout_impl *c;
	struct lwp *l;
	uint64_t next;
	int64_t deadline;

	(void)arg;
	l = curlwp_get();
	kspin_enter(&callout_lock);
	callout_lwp = l;
	next = CALLOUT_NEVER;
	for (;;) {
		if ((c = callout_due(&next)) != NULL) {
			callout_invoke(l, c);
			continue;
		}
		/*
		 * What has been told and was stopped since stays, until its
		 * time comes, so that to arm and stop over and over again
		 * does not wake us each time.
		 */
		if (callout_until > next || callout_until <=
		    (uint64_t)host_monotime() >> CALLOUT_UNITSHIFT)
			callout_until = next;
		deadline = callout_until == CALLOUT_NEVER ? HOST_FOREVER :
		    (int64_t)(callout_until << CALLOUT_UNITSHIFT);
		kspin_exit(&callout_lock);
		(void)lwp_timedpark(l, deadline);
		kspin_enter(&callout_lock);
	}
}

/*
 * Start the thread, if there is none.  An interrupt handler cannot: what it
 * arms waits for the next call from a thread.  That happens only in a forked
 * child, since callout_init() comes first.
 */
static __kern_noinline void
callout_start(const char *func)
{
	struct lwp *l;
	int error, none;

	if ((l = host_self()) != NULL && (l->l_intrdepth != 0 ||
	    l->l_kspin != 0))
		return;
	kern_init();
	none = 0;
	if (!atomic_cas_relaxed(&callout_started, &none, 1))
		return;
	error = lwp_create(&l, "callout", PRI_SOFTCLOCK, NULL, callout_thread,
	    NULL);
	if (error != 0)
		panic("%s: cannot start the callout thread: error %d", func,
		    error);
}

static inline void
callout_need_thread(const char *func)
{

	if (__predict_false(atomic_load_relaxed(&callout_started) == 0))
		callout_start(func);
}

/*
 * Around fork: what is pending must not be caught half changed; in the child
 * nothing is pending, and there is no thread until one is needed.
 */
void
callout_fork(int where)
{
	unsigned w;

	switch (where) {
	case KERN_FORK_PREPARE:
		kspin_enter(&callout_lock);
		break;
	case KERN_FORK_CHILD:
		for (w = 0; w < CALLOUT_WHEELS; w++)
			callout_mask[w] = 0;
		callout_count = 0;
		callout_dealing = false;
		callout_until = CALLOUT_NEVER;
		callout_running = NULL;
		callout_waiters = 0;
		callout_lwp = NULL;
		atomic_store_relaxed(&callout_started, 0);
		/* FALLTHROUGH */
	case KERN_FORK_PARENT:
		kspin_exit(&callout_lock);
		break;
	}
}

__kern_public void
callout_init(callout_t *cs, unsigned int flags)
{
	struct callout_impl *c;

	c = (struct callout_impl *)cs;
	KASSERTMSG((flags & ~(unsigned int)CALLOUT_FLAGMASK) == 0,
	    "callout_init: flags %#x", flags);
	if (KERN_CHECKING() && c->c_magic == ((uintptr_t)c ^ CALLOUT_MAGIC) &&
	    callout_armed(c))
		panic("callout_init: %s is pending",
		    lockdebug_text(c, "callout"));
	if (KERN_CHECKING())
		lockdebug_make("callout_init", c, "callout", NULL,
		    LOCKDEBUG_RUN | LOCKDEBUG_LOOSE, LOCKDEBUG_SITE());
	c->c_func = NULL;
	c->c_arg = NULL;
	c->c_cpu = NULL;
	c->c_forkgen = 0;
	callout_setflags(c, flags & CALLOUT_MPSAFE);
	atomic_store_relaxed(&c->c_magic, (uintptr_t)c ^ CALLOUT_MAGIC);
	callout_need_thread("callout_init");
}

__kern_public void
callout_destroy(callout_t *cs)
{
	struct callout_impl *c;
	struct lwp *l;
	bool running;

	c = callout_get("callout_destroy", cs);
	KASSERTMSG(!callout_armed(c), "callout_destroy: %s: function %p is "
	    "pending", lockdebug_text(c, "callout"),
	    (void *)(uintptr_t)c->c_func);
	l = host_self();
	kspin_enter(&callout_lock);
	running = callout_running == c && callout_lwp != l;
	kspin_exit(&callout_lock);
	KASSERTMSG(!running, "callout_destroy: %s: function %p is running",
	    lockdebug_text(c, "callout"), (void *)(uintptr_t)c->c_func);
	if (KERN_CHECKING())
		lockdebug_end(c);
	atomic_store_relaxed(&c->c_magic, (uintptr_t)0);
}

/*
 * Arm one.  Called with the lock held, and releases it.
 */
static void
callout_arm(struct callout_impl *c, int ticks)
{
	struct lwp *wake;
	uint64_t now;

	if (callout_armed(c))
		callout_remove(c);
	else
		callout_count++;
	/*
	 * Under the lock, so that the clock is not behind what the thread has
	 * read; and at least one tick ahead, so beyond what it deals out.
	 */
	now = (uint64_t)host_monotime();
	c->c_time = (now + (uint64_t)(ticks > 0 ? ticks : 1) * KERN_TICK_NS +
	    ((1 << CALLOUT_UNITSHIFT) - 1)) >> CALLOUT_UNITSHIFT;
	if (callout_count == 1 && !callout_dealing)
		callout_base = now >> CALLOUT_UNITSHIFT;
	callout_setflags(c, (c->c_flags & ~(unsigned)(CALLOUT_FIRED |
	    CALLOUT_INVOKING)) | CALLOUT_PENDING);
	atomic_store_relaxed(&c->c_forkgen, (uint16_t)kern_forkgen);
	callout_insert(c, callout_base);
	wake = NULL;
	if (c->c_time < callout_until) {
		callout_until = c->c_time;
		wake = callout_lwp;
	}
	kspin_exit(&callout_lock);
	/* c may be gone; the thread's lwp stays. */
	if (wake != NULL)
		lwp_unpark(wake);
}

__kern_public void
callout_reset(callout_t *cs, int ticks, void (*func)(void *), void *arg)
{
	struct callout_impl *c;

	c = callout_get("callout_reset", cs);
	KASSERTMSG(func != NULL, "callout_reset: %s: no function",
	    lockdebug_text(c, "callout"));
	KASSERTMSG(ticks >= 0, "callout_reset: %d ticks", ticks);
	callout_need_thread("callout_reset");
	kspin_enter(&callout_lock);
	c->c_func = func;
	c->c_arg = arg;
	callout_arm(c, ticks);
}

__kern_public void
callout_schedule(callout_t *cs, int ticks)
{
	struct callout_impl *c;

	c = callout_get("callout_schedule", cs);
	KASSERTMSG(ticks >= 0, "callout_schedule: %d ticks", ticks);
	callout_need_thread("callout_schedule");
	kspin_enter(&callout_lock);
	KASSERTMSG(c->c_func != NULL, "callout_schedule: %s: no function",
	    lockdebug_text(c, "callout"));
	callout_arm(c, ticks);
}

__kern_public void
callout_setfunc(callout_t *cs, void (*func)(void *), void *arg)
{
	struct callout_impl *c;

	c = callout_get("callout_setfunc", cs);
	KASSERTMSG(func != NULL, "callout_setfunc: %s: no function",
	    lockdebug_text(c, "callout"));
	kspin_enter(&callout_lock);
	c->c_func = func;
	c->c_arg = arg;
	kspin_exit(&callout_lock);
}

/*
 * Take it off, if it is pending.  Had it been called?  With the lock held.
 */
static bool
callout_disarm(struct callout_impl *c)
{
	bool fired;

	if (callout_armed(c)) {
		callout_remove(c);
		callout_count--;
	}
	fired = (c->c_flags & CALLOUT_FIRED) != 0;
	callout_setflags(c, c->c_flags &
	    ~(unsigned)(CALLOUT_PENDING | CALLOUT_FIRED));
	return fired;
}

__kern_public bool
callout_stop(callout_t *cs)
{
	struct callout_impl *c;
	bool fired;

	c = callout_get("callout_stop", cs);
	kspin_enter(&callout_lock);
	fired = callout_disarm(c);
	kspin_exit(&callout_lock);
	return fired;
}

__kern_public bool
callout_halt(callout_t *cs, void *interlock)
{
	struct callout_impl *c;
	struct sleepq *sq;
	kmutex_t *mtx;
	struct lwp *l;
	bool dropped, fired;

	c = callout_get("callout_halt", cs);
	mtx = interlock;
	l = curlwp_get();
	KASSERTMSG(l->l_intrdepth == 0,
	    "callout_halt: called in interrupt context");
	KASSERTMSG(mtx == NULL || mutex_owned(mtx),
	    "callout_halt: interlock %p is not held, of %s", interlock,
	    lockdebug_text(c, "callout"));
	if (KERN_CHECKING() && mtx == NULL)
		wqcheck_lockable("callout_halt", c, "callout");

	dropped = false;
	kspin_enter(&callout_lock);
	if (KERN_CHECKING() && callout_lwp != l)
		lockdebug_wantrun("callout_halt", c, (uintptr_t)c->c_func,
		    mtx, LOCKDEBUG_SITE());
	fired = callout_disarm(c);
	/* Our own thread runs it: it is the caller. */
	while (callout_running == c && callout_lwp != l) {
		if (mtx != NULL && !dropped) {
			dropped = true;
			kspin_exit(&callout_lock);
			mutex_exit(mtx);
			if (KERN_CHECKING())
				wqcheck_lockable("callout_halt", c,
				    "callout");
		} else {
			callout_waiters++;
			sq = sleepq_enter(&callout_running);
			sleepq_enqueue(sq, l, &callout_running,
			    SLEEPQ_CALLOUT, false);
			sleepq_exit(sq);
			kspin_exit(&callout_lock);
			if (KERN_CHECKING())
				lockdebug_wait("callout_halt", c, NULL, NULL);
			(void)sleepq_block(l, HOST_FOREVER);
			if (KERN_CHECKING())
				lockdebug_waited();
		}
		kspin_enter(&callout_lock);
		/* It may have armed itself again. */
		(void)callout_disarm(c);
	}
	kspin_exit(&callout_lock);
	if (dropped)
		mutex_enter(mtx);
	return fired;
}

__kern_public bool
callout_pending(callout_t *cs)
{

	return callout_armed(callout_get("callout_pending", cs));
}

__kern_public bool
callout_expired(callout_t *cs)
{
	struct callout_impl *c;

	c = callout_get("callout_expired", cs);
	return (atomic_load_relaxed(&c->c_flags) & CALLOUT_FIRED) != 0;
}

__kern_public bool
callout_active(callout_t *cs)
{
	struct callout_impl *c;

	c = callout_get("callout_active", cs);
	return (atomic_load_relaxed(&c->c_flags) & CALLOUT_FIRED) != 0 ||
	    callout_armed(c);
}

__kern_public bool
callout_invoking(callout_t *cs)
{
	struct callout_impl *c;

	c = callout_get("callout_invoking", cs);
	return (atomic_load_relaxed(&c->c_flags) & CALLOUT_INVOKING) != 0;
}

__kern_public void
callout_ack(callout_t *cs)
{
	struct callout_impl *c;

	c = callout_get("callout_ack", cs);
	kspin_enter(&callout_lock);
	callout_setflags(c, c->c_flags & ~(unsigned)CALLOUT_INVOKING);
	kspin_exit(&callout_lock);
}

__kern_public void
callout_bind(callout_t *cs, struct cpu_info *ci)
{
	struct callout_impl *c;

	c = callout_get("callout_bind", cs);
	KASSERTMSG(cpu_among(ci, ncpu), "callout_bind: %s: no such CPU",
	    lockdebug_text(c, "callout"));
	KASSERTMSG(!callout_armed(c), "callout_bind: %s is pending",
	    lockdebug_text(c, "callout"));
	kspin_enter(&callout_lock);
	c->c_cpu = ci;
	callout_setflags(c, c->c_flags | CALLOUT_BOUND);
	kspin_exit(&callout_lock);
}
