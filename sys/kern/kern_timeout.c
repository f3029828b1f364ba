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
 * A thread (kern_softclock.c) sleeps until the earliest deadline that anybody
 * has told it, and for ever if there is none; who arms a callout for earlier
 * still wakes it.  A deadline that is stopped again is not worth a wake-up:
 * the thread finds that out when it comes.
 *
 * Everything is under callout_lock, which handlers of interrupts may take.
 */

#include "kern_timeout.h"

#define	CALLOUT_DIGIT		6
#define	CALLOUT_SLOTS		(1 << CALLOUT_DIGIT)
#define	CALLOUT_WHEELS		8	/* 2^48 units: 2^64 ns */
#ifndef CALLOUT_CHUNK			/* tests want less */
#define	CALLOUT_CHUNK		64	/* dealt out without a pause */
#endif

#define	CALLOUT_MAGIC	((uintptr_t)0xca11075eU)

_Static_assert(sizeof(struct callout_impl) <= sizeof(callout_t),
    "struct callout_impl does not fit callout_t");
_Static_assert(_Alignof(callout_t) >= _Alignof(struct callout_impl),
    "callout_t is not aligned");

/* No callout in it is due before cs_least. */
struct callout_slot {
	struct callout_link cs_head;
	uint64_t	 cs_least;
};

struct kspin		callout_lock;
uint64_t		callout_until = CALLOUT_NEVER;

/*
 * Beyond the wheels there is a slot for those whose time has come and that
 * wait for the kernel lock.
 */
#define	CALLOUT_LATE		(CALLOUT_WHEELS * CALLOUT_SLOTS)

/* All of these (callout_lock). */
static struct callout_slot callout_slots[CALLOUT_LATE + 1];
static uint64_t		callout_mask[CALLOUT_WHEELS + 1]; /* used slots */
static uint64_t		callout_base;	/* no deadline is before it */
static unsigned		callout_count;	/* of callouts that are armed */
static bool		callout_dealing;	/* callout_base will change */

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
 * Put one into a slot, at the end.
 */
static inline void
callout_append(struct callout_impl *c, unsigned w, unsigned digit)
{
	struct callout_slot *cs;
	unsigned i;

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

/*
 * Put one into its slot.
 */
static void
callout_insert(struct callout_impl *c, uint64_t base)
{
	uint64_t diff;
	unsigned w;

	diff = c->c_time ^ base;
	w = diff == 0 ? 0 :
	    (unsigned)(63 - __builtin_clzll(diff)) / CALLOUT_DIGIT;
	callout_append(c, w, (unsigned)(c->c_time >> w * CALLOUT_DIGIT) &
	    (CALLOUT_SLOTS - 1));
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
 * Like all that follow here, with the lock held.
 */
struct callout_impl *
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

/*
 * One that was due is to wait for the kernel lock; it is still pending.
 */
void
callout_late_add(struct callout_impl *c)
{

	callout_append(c, CALLOUT_WHEELS, 0);
	callout_count++;
}

bool
callout_late_any(void)
{

	return callout_mask[CALLOUT_WHEELS] != 0;
}

/*
 * The first of them, taken off, or NULL.
 */
struct callout_impl *
callout_late_take(void)
{
	struct callout_impl *c;

	if (!callout_late_any())
		return NULL;
	c = (struct callout_impl *)callout_slots[CALLOUT_LATE].cs_head.cl_next;
	callout_remove(c);
	callout_count--;
	return c;
}

/*
 * Is its handler running, but for the calling thread?
 */
static bool
callout_elsewhere(const struct callout_impl *c, const struct lwp *l)
{
	const struct callout_runner *cr;

	for (cr = callout_runners; cr < callout_runners + CALLOUT_RUNNERS;
	    cr++)
		if (cr->cr_running == c && cr->cr_lwp != l)
			return true;
	return false;
}

/*
 * Is it one of the threads that call handlers?
 */
static bool
callout_runner_p(const struct lwp *l)
{
	const struct callout_runner *cr;

	for (cr = callout_runners; cr < callout_runners + CALLOUT_RUNNERS;
	    cr++)
		if (cr->cr_lwp == l)
			return true;
	return false;
}

static inline void
callout_need_thread(const char *func)
{

	if (__predict_false(atomic_load_relaxed(&callout_started) !=
	    CALLOUT_STARTED))
		callout_start(func);
}

/*
 * Around fork: what is pending must not be caught half changed; in the child
 * nothing is pending.
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
		for (w = 0; w < __arraycount(callout_mask); w++)
			callout_mask[w] = 0;
		callout_count = 0;
		callout_dealing = false;
		callout_until = CALLOUT_NEVER;
		softclock_fork();
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
	running = callout_elsewhere(c, l);
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
		wake = callout_runners[CALLOUT_CLOCK].cr_lwp;
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
	if (KERN_CHECKING() && !callout_runner_p(l))
		lockdebug_wantrun("callout_halt", c, (uintptr_t)c->c_func,
		    mtx, LOCKDEBUG_SITE());
	fired = callout_disarm(c);
	/* If this thread runs it, it is the caller. */
	while (callout_elsewhere(c, l)) {
		if (mtx != NULL && !dropped) {
			dropped = true;
			kspin_exit(&callout_lock);
			mutex_exit(mtx);
			if (KERN_CHECKING())
				wqcheck_lockable("callout_halt", c,
				    "callout");
		} else {
			callout_waiters++;
			sq = sleepq_enter(callout_runners);
			sleepq_enqueue(sq, l, callout_runners,
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
