/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * condvar(9): the address is the wait channel; the object holds the number of
 * its sleepers, so that telling nobody costs a load.
 *
 * A waiter is on its channel before it releases the mutex, so whoever changes
 * the condition under the mutex finds it there.  It counts and is counted off
 * under the channel's bucket, before it can run: once it runs, the variable
 * may be gone, and those who wake do not touch it any more.
 */

#include <errno.h>
#include <limits.h>

#include <sys/bintime.h>
#include <sys/condvar.h>
#include <sys/timevar.h>

#include "kern.h"

/* The text of a destroyed one; the address tells. */
static const char	cv_deadmsg[] = "deadcv";

__kern_public void
cv_init(kcondvar_t *cv, const char *wmesg)
{

	kern_init();
	KASSERTMSG(wmesg != NULL, "cv_init: condvar %p: no text", (void *)cv);
	cv->cv_wmesg = wmesg;
	atomic_store_relaxed(&cv->cv_waiters, 0u);
	if (KERN_CHECKING())
		lockdebug_alloc("cv_init", cv, "condvar", NULL,
		    LOCKDEBUG_SITE());
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
	if (KERN_CHECKING())
		lockdebug_free("cv_destroy", cv, "condvar");
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
	/* Only now: the mutex may have been what raised the level. */
	if (KERN_CHECKING())
		wqcheck_sleepable_on(func, cv, "condvar");
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
 * Nanoseconds, rounded up; what is too long to count is for ever.
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
	/* 2^64 / 10^9, in two steps that fit. */
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

/*
 * Nanoseconds; what is too long to count is for ever.
 */
static int64_t
cv_tsnano(const struct timespec *ts)
{

	if (ts->tv_sec >= INT64_MAX / 2 / 1000000000)
		return INT64_MAX / 2;
	if (ts->tv_sec < INT64_MIN / 2 / 1000000000)
		return INT64_MIN / 2;
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
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
		return EINVAL;
	left = cv_tsnano(ts);
	if ((flags & TIMER_ABSTIME) != 0) {
		if (clock == CLOCK_MONOTONIC)
			nanouptime(&now);
		else
			nanotime(&now);
		left -= cv_tsnano(&now);
	} else if (left < 0)
		return EINVAL;
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
	/* The last touch of the variable was before this. */
	sleepq_wake(l);
}

/*
 * Relaxed: a waiter counts itself before it releases the mutex, under which
 * the caller has since changed the condition.
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
