/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Timers of Linux, on callout(9).
 *
 * If __tl_armed is set, the function will be called; Linux calls such a timer
 * pending.  A thread that schedules a callout, or stops it with callout_stop(),
 * holds lwq_timer_lock.  lwq_timer_del_sync() releases the lock before it calls
 * callout_halt().
 *
 * The callout thread selects a callout: it removes the callout, and will call
 * lwq_timer_fire().  Until lwq_timer_fire() has the lock, the timer may still
 * be armed or deleted.  But it is then too late to stop the call.
 * callout_invoking() reports this.  callout_expired() does not, because
 * callout_halt() clears the expired state and is called without lwq_timer_lock.
 * If the timer is armed after the selection and before lwq_timer_fire() has the
 * lock, the function is called twice, as on Linux.  lwq_timer_twice remembers
 * that the first call is still to come.
 */

#include <string.h>

#include "linux_var.h"

#include <linux/timer.h>

/* Bits of __tl_state, under lwq_timer_lock. */
#define	LWQ_TL_READY	0x1u	/* the callout is initialised */
#define	LWQ_TL_SHUTDOWN	0x2u	/* it can no longer be armed */

KERN_MUTEX_IPL(lwq_timer_lock, IPL_HIGH);

/* A callout whose initialisation starts the callout thread. */
static callout_t	lwq_timer_first;
static ONCE_DECL(lwq_timer_once);

/*
 * The timer whose function runs, and the thread that runs it.  The timer may
 * have been freed. (lwq_timer_lock)
 */
static const struct timer_list *lwq_timer_running;
static const struct lwp *lwq_timer_lwp;

/* The timer that was armed after its callout was selected.  (lwq_timer_lock) */
static const struct timer_list *lwq_timer_twice;

static callout_t *
lwq_tl_callout(struct timer_list *t)
{

	_Static_assert(sizeof(callout_t) <= sizeof(t->__tl_callout),
	    "struct timer_list is too small for its callout");
	return (callout_t *)(void *)t->__tl_callout;
}

static int
lwq_timer_start(void)
{

	callout_init(&lwq_timer_first, CALLOUT_MPSAFE);
	return 0;
}

/*
 * Start the callout thread, so that a timer can be armed under a spin lock.
 */
void
lwq_timer_prepare(void)
{

	if (lwq_may_sleep())
		(void)RUN_ONCE(&lwq_timer_once, lwq_timer_start);
}

/*
 * Reset the timers in a forked child, which has no callout thread.  A timer
 * that was armed at the fork looks armed until it is deleted or armed again.
 */
void
lwq_timer_fork(void)
{

	memset(&lwq_timer_once, 0, sizeof(lwq_timer_once));
	lwq_timer_running = NULL;
	lwq_timer_twice = NULL;
}

static void
lwq_timer_fire(void *arg)
{
	void (*func)(struct timer_list *);
	void (*old)(unsigned long);
	struct timer_list *t;
	unsigned long data;

	t = arg;
	mutex_enter(&lwq_timer_lock);
	/*
	 * Arming clears CALLOUT_INVOKING.  If this flag is still set, the timer
	 * has not been armed since its callout was selected.
	 */
	if (callout_invoking(lwq_tl_callout(t)))
		atomic_store_relaxed(&t->__tl_armed, 0u);
	callout_ack(lwq_tl_callout(t));
	/*
	 * Only one call is selected at a time.  So lwq_timer_twice can refer
	 * only to this timer.
	 */
	lwq_timer_twice = NULL;
	func = t->__tl_func;
	old = t->function;
	data = t->data;
	lwq_timer_running = t;
	lwq_timer_lwp = curlwp;
	mutex_exit(&lwq_timer_lock);
	/* The function may free the timer. */
	if (func != NULL)
		(*func)(t);
	else
		(*old)(data);
	mutex_enter(&lwq_timer_lock);
	lwq_timer_running = NULL;
	mutex_exit(&lwq_timer_lock);
}

static void
lwq_timer_ready(struct timer_list *t)
{

	if ((t->__tl_state & LWQ_TL_READY) != 0)
		return;
	callout_init(lwq_tl_callout(t), CALLOUT_MPSAFE);
	callout_setfunc(lwq_tl_callout(t), lwq_timer_fire, t);
	t->__tl_state |= LWQ_TL_READY;
}

/*
 * Take the lock in order to arm a timer.
 */
static void
lwq_timer_enter(struct timer_list *t)
{

	wqpool_fork_catchup();
	lwq_timer_prepare();
	mutex_enter(&lwq_timer_lock);
	if ((t->__tl_state & LWQ_TL_READY) != 0)
		return;
	/* The timer was only declared. */
	mutex_exit(&lwq_timer_lock);
	lwq_events_prepare(t->__tl_func == NULL);
	mutex_enter(&lwq_timer_lock);
}

/*
 * Initialise a timer.  Keep the public fields, which a driver may have set.
 */
__lwq_public void
lwq_timer_init(struct timer_list *t, void (*func)(struct timer_list *))
{

	lwq_timer_prepare();
	lwq_events_prepare(func == NULL);
	t->__tl_func = func;
	t->__tl_state = 0;
	atomic_store_relaxed(&t->__tl_armed, 0u);
	lwq_timer_ready(t);
}

/*
 * Disarm a timer.  Return true if it was armed and will not be called.
 */
static bool
lwq_timer_take(struct timer_list *t)
{

	KASSERT(mutex_owned(&lwq_timer_lock));
	if (atomic_load_relaxed(&t->__tl_armed) == 0)
		return false;
	atomic_store_relaxed(&t->__tl_armed, 0u);
	(void)callout_stop(lwq_tl_callout(t));
	/*
	 * From here on the callout cannot be selected.  But it may have been
	 * selected before.
	 */
	return !callout_invoking(lwq_tl_callout(t));
}

static void
lwq_timer_arm(struct timer_list *t, unsigned long expires, const char *func)
{
	long left;

	KASSERT(mutex_owned(&lwq_timer_lock));
	if (t->__tl_func == NULL && t->function == NULL)
		wqk_panic("%s: timer %p has no function", func, (void *)t);
	if (callout_invoking(lwq_tl_callout(t)))
		lwq_timer_twice = t;
	t->expires = expires;
	left = (long)(expires - jiffies);
	atomic_store_relaxed(&t->__tl_armed, 1u);
	wqpool_delay(lwq_tl_callout(t), left <= 0 ? 0 :
	    lwq_jiffies2ns((unsigned long)left));
}

/*
 * The condition for arming a timer, and the time that it gets.
 */
enum lwq_timer_how {
	LWQ_ANY,
	LWQ_IFPENDING,
	LWQ_EARLIER		/* if pending, to an earlier time */
};

/*
 * Arm a timer.  Return whether it was pending.
 */
static int
lwq_timer_mod(struct timer_list *t, unsigned long expires,
    enum lwq_timer_how how, const char *func)
{
	bool was;

	lwq_timer_enter(t);
	was = false;
	if ((t->__tl_state & LWQ_TL_SHUTDOWN) == 0) {
		lwq_timer_ready(t);
		was = lwq_timer_take(t);
		if (how == LWQ_EARLIER && was &&
		    time_before(t->expires, expires))
			expires = t->expires;
		if (how != LWQ_IFPENDING || was)
			lwq_timer_arm(t, expires, func);
	}
	mutex_exit(&lwq_timer_lock);
	return was;
}

__lwq_public void
add_timer(struct timer_list *t)
{

	if (timer_pending(t))
		wqk_panic("add_timer: timer %p is pending", (void *)t);
	(void)lwq_timer_mod(t, t->expires, LWQ_ANY, "add_timer");
}

__lwq_public int
mod_timer(struct timer_list *t, unsigned long expires)
{

	return lwq_timer_mod(t, expires, LWQ_ANY, "mod_timer");
}

__lwq_public int
mod_timer_pending(struct timer_list *t, unsigned long expires)
{

	return lwq_timer_mod(t, expires, LWQ_IFPENDING, "mod_timer_pending");
}

__lwq_public int
timer_reduce(struct timer_list *t, unsigned long expires)
{

	return lwq_timer_mod(t, expires, LWQ_EARLIER, "timer_reduce");
}

/*
 * Disarm a timer, and set bits of its state.
 */
static int
lwq_timer_del(struct timer_list *t, unsigned int bits)
{
	bool was;

	mutex_enter(&lwq_timer_lock);
	t->__tl_state |= bits;
	was = lwq_timer_take(t);
	mutex_exit(&lwq_timer_lock);
	return was;
}

/*
 * Disarm a timer, and return 1 if it was armed, otherwise 0.  If its function
 * runs or is about to run, return -1.  In this case the timer is perhaps still
 * armed.  If self is true, do not count a run of the function in this thread.
 */
static int
lwq_timer_trydel(struct timer_list *t, bool self)
{

	KASSERT(mutex_owned(&lwq_timer_lock));
	if ((lwq_timer_running == t && !(self && lwq_timer_lwp == curlwp)) ||
	    lwq_timer_twice == t ||
	    ((t->__tl_state & LWQ_TL_READY) != 0 &&
	    callout_invoking(lwq_tl_callout(t))))
		return -1;
	if (!timer_pending(t))
		return 0;
	/* The callout may have been selected just now. */
	return lwq_timer_take(t) ? 1 : -1;
}

__lwq_public int
try_to_del_timer_sync(struct timer_list *t)
{
	int result;

	mutex_enter(&lwq_timer_lock);
	result = lwq_timer_trydel(t, false);
	mutex_exit(&lwq_timer_lock);
	return result;
}

/*
 * Disarm a timer, and wait until its function is not running.  The function may
 * arm the timer once more before it returns.  Then there were two armings, but
 * this call can report only one.  So it first waits for the function, and then
 * disarms the timer.
 */
static int
lwq_timer_del_sync(struct timer_list *t, unsigned int bits)
{
	callout_t *co;
	bool ready;
	int result;

	co = lwq_tl_callout(t);
	do {
		mutex_enter(&lwq_timer_lock);
		t->__tl_state |= bits;
		ready = (t->__tl_state & LWQ_TL_READY) != 0;
		result = lwq_timer_trydel(t, true);
		mutex_exit(&lwq_timer_lock);
		if (!ready)
			continue;
		/* This also checks that the caller may wait. */
		(void)callout_halt(co, NULL);
		/*
		 * The timer may still be armed, or be armed again, although
		 * callout_halt() has stopped its callout.  Then restore the
		 * callout.  If result is -1, the next turn disarms the timer.
		 * Otherwise the timer was armed after its deletion, and stays
		 * armed.
		 */
		mutex_enter(&lwq_timer_lock);
		if (atomic_load_relaxed(&t->__tl_armed) != 0 &&
		    !callout_pending(co) && !callout_invoking(co))
			lwq_timer_arm(t, t->expires, "del_timer_sync");
		mutex_exit(&lwq_timer_lock);
	} while (result == -1);
	return result;
}

__lwq_public int
del_timer(struct timer_list *t)
{

	return lwq_timer_del(t, 0);
}

__lwq_public int
del_timer_sync(struct timer_list *t)
{

	return lwq_timer_del_sync(t, 0);
}

__lwq_public int
timer_shutdown(struct timer_list *t)
{

	return lwq_timer_del(t, LWQ_TL_SHUTDOWN);
}

__lwq_public int
timer_shutdown_sync(struct timer_list *t)
{

	return lwq_timer_del_sync(t, LWQ_TL_SHUTDOWN);
}

__lwq_public int
timer_pending(const struct timer_list *t)
{

	return atomic_load_relaxed(&t->__tl_armed) != 0;
}
