/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * condvar(9).  The address of a condition variable is its wait channel.  The
 * variable holds the number of its waiters, so a wake-up without waiters costs
 * one load.
 *
 * A waiter enters the channel before it releases the mutex.  So a thread that
 * changes the condition under the mutex finds the waiter in the channel.
 *
 * The number of waiters changes only while the channel's sleep queue is locked.
 * A thread that wakes a waiter decrements the number first.  After the wake-up
 * it must not access the variable, because the waiter may free the variable as
 * soon as it runs.
 */

#include <errno.h>
#include <limits.h>

#include <sys/bintime.h>
#include <sys/condvar.h>
#include <sys/timevar.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_sleepq.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"

/* cv_wmesg of a destroyed variable.  cv_is_valid() compares the pointer. */
static const char	cv_deadmsg[] = "deadcv";

__kern_public void
cv_init(kcondvar_t *cv, const char *wmesg)
{

	kern_init();
	KASSERTMSG(wmesg != NULL, "cv_init: condvar %p: no text", (void *)cv);
	cv->cv_wmesg = wmesg;
	atomic_store_relaxed(&cv->cv_waiters, 0u);
	KERN_CHECK(lockdebug_alloc("cv_init", cv, "condvar", NULL,
	    LOCKDEBUG_SITE()));
}

__kern_public bool
cv_is_valid(kcondvar_t *cv)
{

	return cv->cv_wmesg != NULL && cv->cv_wmesg != cv_deadmsg;
}

static inline void
cv_check(kcondvar_t *cv, const char *func)
{

	KASSERTMSG(cv_is_valid(cv), "%s: condvar %p is destroyed, or was "
	    "never made", func, (void *)cv);
}

__kern_public void
cv_destroy(kcondvar_t *cv)
{

	cv_check(cv, "cv_destroy");
	KASSERTMSG(atomic_load_relaxed(&cv->cv_waiters) == 0,
	    "cv_destroy: %s (%s) has waiters", lockdebug_text(cv, "condvar"),
	    cv->cv_wmesg);
	KERN_CHECK(lockdebug_free("cv_destroy", cv, "condvar"));
	cv->cv_wmesg = cv_deadmsg;
}

static int
cv_block(kcondvar_t *cv, kmutex_t *mtx, int64_t deadline, const char *func)
{
	struct sleepq *sq;
	struct lwp *l;
	int error;

	cv_check(cv, func);
	KASSERTMSG(mutex_owned(mtx), "%s: %s (%s): %s not held", func,
	    lockdebug_text(cv, "condvar"), cv->cv_wmesg,
	    lockdebug_text(mtx, "mutex"));

	l = curlwp_get();
	atomic_store_relaxed(&l->l_wmesg, cv->cv_wmesg);
	sq = sleepq_enter(cv);
	sleepq_enqueue(sq, l, cv, SLEEPQ_CV, false);
	l->l_wcount = &cv->cv_waiters;
	atomic_store_relaxed(&cv->cv_waiters,
	    atomic_load_relaxed(&cv->cv_waiters) + 1);
	sleepq_exit(sq);

	mutex_exit(mtx);
	/* Check after mutex_exit(): a held spin mutex raises the level. */
	KERN_CHECK(context_check_sleep_on(func, cv, "condvar"));
	error = sleepq_block(l, deadline);
	atomic_store_relaxed(&l->l_wmesg, NULL);
	mutex_enter(mtx);
	return error;
}

__kern_public void
cv_wait(kcondvar_t *cv, kmutex_t *mtx)
{

	(void)cv_block(cv, mtx, HOST_FOREVER, "cv_wait");
}

__kern_public int
cv_wait_sig(kcondvar_t *cv, kmutex_t *mtx)
{

	return cv_block(cv, mtx, HOST_FOREVER, "cv_wait_sig");
}

__kern_public int
cv_timedwait(kcondvar_t *cv, kmutex_t *mtx, int timo)
{

	KASSERTMSG(timo >= 0, "cv_timedwait: %d ticks", timo);
	return cv_block(cv, mtx, sleepq_deadline(timo), "cv_timedwait");
}

__kern_public int
cv_timedwait_sig(kcondvar_t *cv, kmutex_t *mtx, int timo)
{

	KASSERTMSG(timo >= 0, "cv_timedwait_sig: %d ticks", timo);
	return cv_block(cv, mtx, sleepq_deadline(timo), "cv_timedwait_sig");
}

/*
 * Convert a time to nanoseconds, rounded up.  A time that is too long becomes
 * INT64_MAX / 2, which in practice is forever.
 */
static int64_t
cv_nanotime(const struct bintime *bt)
{
	uint64_t ns;

	if (bt->sec < 0)
		return 0;
	if (bt->sec >= INT64_MAX / 2 / 1000000000)
		return INT64_MAX / 2;
	ns = ((bt->frac >> 32) * 1000000000 + UINT32_MAX) >> 32;
	return bt->sec * 1000000000 + (int64_t)ns;
}

static int
cv_blockbt(kcondvar_t *cv, kmutex_t *mtx, struct bintime *bt,
    const char *func)
{
	int64_t left, start;
	int error;

	left = cv_nanotime(bt);
	if (left == 0)
		return EWOULDBLOCK;
	start = host_monotime();
	error = cv_block(cv, mtx, start + left, func);
	left -= host_monotime() - start;
	if (left < 0)
		left = 0;
	bt->sec = left / 1000000000;
	/* Multiply by 2^64 / 10^9, in two steps that do not overflow. */
	bt->frac = (((uint64_t)(left % 1000000000) << 32) / 1000000000) << 32;
	return error;
}

__kern_public int
cv_timedwaitbt(kcondvar_t *cv, kmutex_t *mtx, struct bintime *bt,
    const struct bintime *epsilon)
{

	(void)epsilon;
	return cv_blockbt(cv, mtx, bt, "cv_timedwaitbt");
}

__kern_public int
cv_timedwaitbt_sig(kcondvar_t *cv, kmutex_t *mtx, struct bintime *bt,
    const struct bintime *epsilon)
{

	(void)epsilon;
	return cv_blockbt(cv, mtx, bt, "cv_timedwaitbt_sig");
}

static int
cv_blockclock(kcondvar_t *cv, kmutex_t *mtx, struct timespec *ts,
    clockid_t clock, int flags, const char *func)
{
	struct timespec now;
	int64_t left, start;
	int error;

	if (ts == NULL)
		return cv_block(cv, mtx, HOST_FOREVER, func);
	if ((clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) ||
	    (flags & ~TIMER_ABSTIME) != 0 || ts->tv_nsec < 0 ||
	    ts->tv_nsec >= 1000000000)
		return kern_einval(func, "clock %d, flags %#x, %ld ns",
		    (int)clock, (unsigned)flags, (long)ts->tv_nsec);
	left = kern_ts2ns(ts->tv_sec, ts->tv_nsec);
	/* Leave room to add or subtract the time of a clock. */
	if (left > INT64_MAX / 2)
		left = INT64_MAX / 2;
	else if (left < INT64_MIN / 2)
		left = INT64_MIN / 2;
	if ((flags & TIMER_ABSTIME) != 0) {
		if (clock == CLOCK_MONOTONIC)
			nanouptime(&now);
		else
			nanotime(&now);
		left -= kern_ts2ns(now.tv_sec, now.tv_nsec);
	} else if (left < 0)
		return kern_einval(func, "negative time");
	if (left <= 0)
		return EWOULDBLOCK;
	start = host_monotime();
	error = cv_block(cv, mtx, start + left, func);
	if ((flags & TIMER_ABSTIME) == 0) {
		left -= host_monotime() - start;
		if (left < 0)
			left = 0;
		ts->tv_sec = (time_t)(left / 1000000000);
		ts->tv_nsec = (long)(left % 1000000000);
	}
	return error;
}

__kern_public int
cv_timedwaitclock(kcondvar_t *cv, kmutex_t *mtx, struct timespec *ts,
    clockid_t clock, int flags, const struct bintime *epsilon)
{

	(void)epsilon;
	return cv_blockclock(cv, mtx, ts, clock, flags, "cv_timedwaitclock");
}

__kern_public int
cv_timedwaitclock_sig(kcondvar_t *cv, kmutex_t *mtx, struct timespec *ts,
    clockid_t clock, int flags, const struct bintime *epsilon)
{

	(void)epsilon;
	return cv_blockclock(cv, mtx, ts, clock, flags,
	    "cv_timedwaitclock_sig");
}

static __kern_noinline void
cv_wakeup(kcondvar_t *cv, unsigned max)
{
	struct sleepq *sq;
	struct lwp *l;

	sq = sleepq_enter(cv);
	l = sleepq_take(sq, cv, SLEEPQ_CV, max, NULL);
	sleepq_exit(sq);
	/* From here on the variable may be gone. */
	sleepq_wake(l);
}

/*
 * Wake one waiter.  A relaxed load of cv_waiters is enough: a waiter increments
 * the number before it releases the mutex, and the caller has taken the mutex
 * after that, to change the condition.
 */
__kern_public void
cv_signal(kcondvar_t *cv)
{

	cv_check(cv, "cv_signal");
	if (atomic_load_relaxed(&cv->cv_waiters) != 0)
		cv_wakeup(cv, 1);
}

__kern_public void
cv_broadcast(kcondvar_t *cv)
{

	cv_check(cv, "cv_broadcast");
	if (atomic_load_relaxed(&cv->cv_waiters) != 0)
		cv_wakeup(cv, UINT_MAX);
}

__kern_public bool
cv_has_waiters(kcondvar_t *cv)
{

	return atomic_load_relaxed(&cv->cv_waiters) != 0;
}
