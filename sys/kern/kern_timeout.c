/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callout(9): functions that are called once, after a given time.
 *
 * Deadlines are on the monotonic clock, in units of about 65 us, rounded up.
 * They are kept in a hierarchy of wheels.
 *
 * A deadline is a number with digits of six bits.  There is a wheel for each
 * digit.  The highest digit in which a deadline differs from callout_base
 * selects the wheel of the callout.  The value of this digit in the deadline
 * selects the slot.  So all callouts in a lower wheel are due before those in a
 * higher wheel.  In one wheel, those in a lower slot are due before those in a
 * higher slot.  A bit mask for each wheel finds the first slot in use.
 *
 * When the time of a slot of a higher wheel comes, callout_deal() distributes
 * the callouts of the slot to lower wheels, and sets callout_base to that time.
 * In the lowest wheel, all callouts of a slot are due at the same unit.  Their
 * functions are called in the order in which the callouts were armed.
 *
 * Arming or stopping a callout takes a few steps, however many callouts there
 * are.  A thread (kern_softclock.c) sleeps until the earliest deadline that it
 * knows, or without a limit if there is none.  Arming a callout with an earlier
 * deadline wakes this thread.  Stopping a callout does not: the thread wakes at
 * the old deadline and finds nothing to do.
 *
 * callout_lock guards everything.  Interrupt handlers may take it.
 */

#include <host/host_probe.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_sleepq.h"
#include "kern_timeout.h"
#include "subr_cpu.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_wqtrace.h"

#ifndef CALLOUT_CHUNK			/* tests want less */
#define	CALLOUT_CHUNK		64	/* moved without a pause */
#endif

#define	CALLOUT_MAGIC	((uintptr_t)0xca11075eU)

_Static_assert(sizeof(struct callout_impl) <= sizeof(callout_t),
    "struct callout_impl does not fit callout_t");
_Static_assert(_Alignof(callout_t) >= _Alignof(struct callout_impl),
    "callout_t is not aligned");

struct kspin		callout_lock;
uint64_t		callout_until = CALLOUT_NEVER;

/* callout_lock guards all of these. */
struct callout_slot	callout_slots[CALLOUT_LATESLOT + 1];
uint64_t		callout_mask[CALLOUT_WHEELS + 1]; /* used slots */
unsigned		callout_count;	/* callouts that are armed */
static uint64_t		callout_base;	/* <= all deadlines in the wheels */
static bool		callout_dealing;	/* callout_base will change */

/*
 * Return true if the callout is pending in this process.  A callout that was
 * pending in the parent is not pending in a forked child, where its links are
 * invalid.
 */
static inline bool
callout_armed_in(const struct callout_impl *c, int state)
{

	return (state == CALLOUT_PENDING || state == CALLOUT_LATE) &&
	    atomic_load_relaxed(&c->c_forkgen) == kern_forkgen;
}

static inline bool
callout_armed(const struct callout_impl *c)
{

	/*
	 * Acquire: a thread that finds the callout no longer pending, because
	 * it was called, also finds CALLOUT_INVOKING set.  Pairs with
	 * callout_setstate().
	 */
	return callout_armed_in(c, atomic_load_acquire(&c->c_state));
}

/*
 * Return true if addr is the address of a pending callout.  Checking mode calls
 * this for memory that may no longer contain a callout.
 */
static bool
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

	panic("%s: callout %p is not initialised, or is destroyed", func,
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
 * Append a callout to a slot.
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
 * Insert a callout into its slot, which depends on the deadline and on "base".
 */
static void
callout_insert(struct callout_impl *c, uint64_t base)
{
	uint64_t diff;
	unsigned w;

	KSPIN_ASSERT(&callout_lock);
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

	KSPIN_ASSERT(&callout_lock);
	next = c->c_link.cl_next;
	prev = c->c_link.cl_prev;
	next->cl_prev = prev;
	prev->cl_next = next;
	/* If both neighbours are the head, the slot is now empty. */
	if (next == prev && next == &callout_slots[c->c_slot].cs_head)
		callout_mask[c->c_slot / CALLOUT_SLOTS] &=
		    ~((uint64_t)1 << c->c_slot % CALLOUT_SLOTS);
}

/*
 * Return the first slot in use and store its wheel, or return NULL.
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
 * The time of a slot has come: distribute its callouts to lower wheels.  This
 * releases the lock for moments.  A callout that is armed meanwhile is due
 * later than now, and callout_base does not change before the slot is empty.
 * So the new callout goes to the end of this slot, or into a later slot.  Both
 * are right.
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
 * Set callout_base to now, so that the callouts that are armed next go into a
 * low wheel.  The caller has found that no callout is due.  Leave callout_base
 * alone if now is within the first slot in use.
 */
static void
callout_advance(const struct callout_slot *cs, unsigned w, uint64_t now)
{

	if (now >> w * CALLOUT_DIGIT != cs->cs_least >> w * CALLOUT_DIGIT)
		callout_base = now;
}

/*
 * Remove the next callout that is due, and return it.  If none is due, return
 * NULL and store the time at which to look again.
 */
struct callout_impl *
callout_due(uint64_t *nextp)
{
	struct callout_slot *cs;
	struct callout_impl *c;
	uint64_t now;
	unsigned w;

	KSPIN_ASSERT(&callout_lock);
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
 * Append a callout to the late slot.  The callout is due and must wait for the
 * kernel lock.  Until it is called, it is still pending.
 */
void
callout_late_add(struct callout_impl *c)
{

	KSPIN_ASSERT(&callout_lock);
	callout_setstate(c, CALLOUT_LATE);
	callout_append(c, CALLOUT_WHEELS, 0);
	callout_count++;
}

bool
callout_late_any(void)
{

	return callout_mask[CALLOUT_WHEELS] != 0;
}

/*
 * Remove the first callout that waits for the kernel lock.  Return it, or NULL.
 */
struct callout_impl *
callout_late_take(void)
{
	struct callout_impl *c;

	KSPIN_ASSERT(&callout_lock);
	if (!callout_late_any())
		return NULL;
	c = (struct callout_impl *)
	    callout_slots[CALLOUT_LATESLOT].cs_head.cl_next;
	callout_remove(c);
	callout_count--;
	return c;
}

/*
 * Return true if a thread other than l runs the callout's function.
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
 * Return true if l is one of the threads that call functions.
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
	    CALLOUT_STARTED || kern_forkgen == 0))
		callout_start(func);
}

/*
 * Forget the pending callouts in a forked child.
 */
void
callout_fork(struct lwp *l)
{
	unsigned w;

	(void)l;
	for (w = 0; w < __arraycount(callout_mask); w++)
		callout_mask[w] = 0;
	callout_count = 0;
	callout_dealing = false;
	callout_until = CALLOUT_NEVER;
	softclock_fork();
}

static void
callout_init_at(callout_t *cs, unsigned int flags, const char *name,
    uintptr_t site)
{
	struct callout_impl *c;

	c = (struct callout_impl *)cs;
	KASSERTMSG((flags & ~(unsigned int)CALLOUT_FLAGMASK) == 0,
	    "callout_init: flags %#x", flags);
	/* Do not read c unless checking mode knows that it is initialised. */
	if (KERN_CHECKING() && lockdebug_known(c) &&
	    c->c_magic == ((uintptr_t)c ^ CALLOUT_MAGIC) && callout_armed(c))
		panic("callout_init: %s is pending",
		    lockdebug_text(c, "callout"));
	KERN_CHECK(lockdebug_make("callout_init", c, "callout", name,
	    LOCKDEBUG_RUN | LOCKDEBUG_NAMED, callout_busy, site));
	c->c_func = NULL;
	c->c_arg = NULL;
	c->c_cpu = NULL;
	c->c_forkgen = 0;
	callout_setstate(c, CALLOUT_IDLE);
	callout_setflags(c, (flags & CALLOUT_MPSAFE) != 0 ? CALLOUT_NOKLOCK :
	    0);
	atomic_store_relaxed(&c->c_magic, (uintptr_t)c ^ CALLOUT_MAGIC);
	callout_need_thread("callout_init");
}

__kern_public void
(callout_init)(callout_t *cs, unsigned int flags)
{

	callout_init_at(cs, flags, NULL, LOCKDEBUG_SITE());
}

__kern_public void
wqk_callout_init_named(callout_t *cs, unsigned int flags, const char *name)
{

	callout_init_at(cs, flags, name, LOCKDEBUG_SITE());
}

__kern_public void
callout_destroy(callout_t *cs)
{
	struct callout_impl *c;
	struct lwp *l;
	bool running;

	c = callout_get("callout_destroy", cs);
	KASSERTMSG(!callout_armed(c), "callout_destroy: %s: function %pF is "
	    "pending", lockdebug_text(c, "callout"),
	    (void *)(uintptr_t)c->c_func);
	l = host_self();
	kspin_enter(&callout_lock);
	running = callout_elsewhere(c, l);
	kspin_exit(&callout_lock);
	KASSERTMSG(!running, "callout_destroy: %s: function %pF is running",
	    lockdebug_text(c, "callout"), (void *)(uintptr_t)c->c_func);
	KERN_CHECK(lockdebug_end(c));
	atomic_store_relaxed(&c->c_magic, (uintptr_t)0);
}

/*
 * Return the first unit that is at least ns nanoseconds after now.  A delay
 * beyond the range of the clock ends at the last unit.
 */
static inline uint64_t
callout_deadline(int64_t now, int64_t ns)
{
	uint64_t time;

	time = ((uint64_t)now + (uint64_t)ns + ((1 << CALLOUT_UNITSHIFT) - 1))
	    >> CALLOUT_UNITSHIFT;
	return time < CALLOUT_LAST ? time : CALLOUT_LAST;
}

static inline int64_t
callout_ticks(int ticks)
{

	return (ticks > 0 ? ticks : 1) * (int64_t)KERN_TICK_NS;
}

/*
 * Arm a callout for ns nanoseconds from now, where ns is at least 1.  Release
 * callout_lock.
 */
static void
callout_arm(struct callout_impl *c, int64_t ns)
{
	struct lwp *wake;
	int64_t now;

	KSPIN_ASSERT(&callout_lock);
	if (callout_armed(c))
		callout_remove(c);
	else
		callout_count++;
	/*
	 * Read the clock under the lock, as the callout thread does.  So "now"
	 * is at or after the time that the callout thread has read.
	 *
	 * The callout thread may be distributing a slot in callout_deal().
	 * cs_least of this slot is at or before the time that the thread has
	 * read.  The new deadline is after "now", so it is after cs_least.
	 */
	now = host_monotime();
	c->c_time = callout_deadline(now, ns);
	if (callout_count == 1 && !callout_dealing)
		callout_base = (uint64_t)now >> CALLOUT_UNITSHIFT;
	callout_setstate(c, CALLOUT_PENDING);
	callout_setflags(c, c->c_flags & ~(unsigned)CALLOUT_INVOKING);
	atomic_store_relaxed(&c->c_forkgen, kern_forkgen);
	callout_insert(c, callout_base);
	HOST_PROBE5(sdt, kernel__callout__schedule, c, c->c_func, c->c_arg,
	    c->c_flags, ns);
	if (KERN_TRACING())
		wqtrace_enqueue(c, "callout");
	wake = NULL;
	if (c->c_time < callout_until) {
		callout_until = c->c_time;
		wake = callout_runners[CALLOUT_CLOCK].cr_lwp;
	}
	kspin_exit(&callout_lock);
	/* c may be gone by now, but the thread's lwp still exists. */
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
	callout_arm(c, callout_ticks(ticks));
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
	callout_arm(c, callout_ticks(ticks));
}

/*
 * Arm a callout for a number of nanoseconds.  The library's other interfaces
 * use this for their delays, because it does not round to ticks, and accepts
 * any delay.
 */
void
callout_schedule_ns(callout_t *cs, int64_t ns)
{
	struct callout_impl *c;

	c = callout_get("callout_schedule", cs);
	KASSERT(c->c_func != NULL);
	callout_need_thread("callout_schedule");
	kspin_enter(&callout_lock);
	callout_arm(c, ns > 0 ? ns : 1);
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
 * Remove a callout if it is pending.  Return what callout_expired() returned
 * before.
 */
static bool
callout_disarm(struct callout_impl *c)
{
	bool fired;

	KSPIN_ASSERT(&callout_lock);
	if (callout_armed(c)) {
		callout_remove(c);
		callout_count--;
	}
	fired = c->c_state == CALLOUT_FIRED;
	callout_setstate(c, CALLOUT_IDLE);
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

/*
 * Wait until the function of some callout returns.  This callout need not be c,
 * so the caller must look again.  Release callout_lock, and do not take it
 * again.
 */
static void
callout_wait(struct lwp *l, const struct callout_impl *c)
{
	struct sleepq *sq;

	KSPIN_ASSERT(&callout_lock);
	callout_waiters++;
	sq = sleepq_enter(callout_runners);
	sleepq_enqueue(sq, l, callout_runners, SLEEPQ_CALLOUT, false);
	sleepq_exit(sq);
	kspin_exit(&callout_lock);
	if (KERN_CHECKING()) {
		context_check_lock("callout_halt", c, "callout");
		lockdebug_wait_begin("callout_halt", c, NULL, NULL);
	}
	(void)sleepq_block(l, HOST_FOREVER);
	KERN_CHECK(lockdebug_wait_end());
}

__kern_public bool
callout_halt(callout_t *cs, void *interlock)
{
	struct callout_impl *c;
	kmutex_t *mtx;
	struct lwp *l;
	bool dropped, fired;

	c = callout_get("callout_halt", cs);
	mtx = interlock;
	l = curlwp_get();
	KASSERTMSG(l->l_intrdepth == 0,
	    "callout_halt: called in interrupt context");
	KASSERTMSG(mtx == NULL || mutex_owned(mtx),
	    "callout_halt: %s: interlock %p is not held",
	    lockdebug_text(c, "callout"), interlock);
	if (KERN_STRICT() && mtx == NULL)
		context_check_lock("callout_halt", c, "callout");

	dropped = false;
	kspin_enter(&callout_lock);
	if (KERN_CHECKING() && !callout_runner_p(l))
		lockdebug_maywait_func("callout_halt", c, (uintptr_t)c->c_func,
		    mtx, LOCKDEBUG_SITE());
	fired = callout_disarm(c);
	/*
	 * If this thread runs the function, do not wait: the function would
	 * wait for its own end.
	 */
	while (callout_elsewhere(c, l)) {
		if (mtx != NULL && !dropped) {
			dropped = true;
			kspin_exit(&callout_lock);
			mutex_exit(mtx);
		} else
			callout_wait(l, c);
		kspin_enter(&callout_lock);
		/* The callout may have armed itself again. */
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
	return atomic_load_relaxed(&c->c_state) == CALLOUT_FIRED;
}

__kern_public bool
callout_active(callout_t *cs)
{
	struct callout_impl *c;
	int state;

	c = callout_get("callout_active", cs);
	state = atomic_load_relaxed(&c->c_state);
	return state == CALLOUT_FIRED || callout_armed_in(c, state);
}

__kern_public bool
callout_invoking(callout_t *cs)
{
	struct callout_impl *c;

	c = callout_get("callout_invoking", cs);
	/* In a forked child no function of the parent runs. */
	return (atomic_load_relaxed(&c->c_flags) & CALLOUT_INVOKING) != 0 &&
	    atomic_load_relaxed(&c->c_forkgen) == kern_forkgen;
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
