/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Semaphores and completions of Linux.  Each has a count of the threads that
 * may proceed, a spin lock and a condition variable.
 *
 * A thread that raises the count does not access the object after it has
 * released the lock.  The thread that proceeds takes the lock after that.  So
 * it is allowed to free the object.
 */

#include <errno.h>
#include <limits.h>

#include "linux_var.h"

#include <linux/completion.h>
#include <linux/semaphore.h>

_Static_assert(sizeof(struct __lwq_cv) == sizeof(kcondvar_t) &&
    offsetof(struct __lwq_cv, __c_text) == offsetof(kcondvar_t, cv_wmesg) &&
    offsetof(struct __lwq_cv, __c_waiters) ==
    offsetof(kcondvar_t, cv_waiters),
    "struct __lwq_cv is not a kcondvar_t");

#define	COUNT_ALL	UINT_MAX	/* all may proceed, forever */

struct count {
	kmutex_t	*ct_lock;
	kcondvar_t	*ct_cv;
	unsigned int	*ct_value;	/* (ct_lock) */
};

static struct count
count_of(struct __lwq_mutex *lock, struct __lwq_cv *cv, unsigned int *value)
{

	return (struct count){ .ct_lock = (kmutex_t *)(void *)lock,
	    .ct_cv = (kcondvar_t *)(void *)cv, .ct_value = value };
}

static void
count_init(struct count ct, unsigned int value)
{

	mutex_init(ct.ct_lock, MUTEX_NODEBUG, IPL_HIGH);
	/* As _LWQ_CV does.  Without cv_init() no cv_destroy() is needed. */
	ct.ct_cv->cv_wmesg = "linux";
	ct.ct_cv->cv_waiters = 0;
	*ct.ct_value = value;
}

static unsigned int
count_get(struct count ct)
{
	unsigned int value;

	mutex_enter(ct.ct_lock);
	value = *ct.ct_value;
	mutex_exit(ct.ct_lock);
	return value;
}

static void
count_set(struct count ct, unsigned int value)
{

	mutex_enter(ct.ct_lock);
	*ct.ct_value = value;
	if (value != 0)
		cv_broadcast(ct.ct_cv);
	mutex_exit(ct.ct_lock);
}

static void
count_raise(struct count ct)
{

	mutex_enter(ct.ct_lock);
	if (*ct.ct_value != COUNT_ALL)
		++*ct.ct_value;
	cv_signal(ct.ct_cv);
	mutex_exit(ct.ct_lock);
}

/*
 * Lower the count if possible.  Return true if the caller may proceed.
 */
static bool
count_take(struct count ct)
{

	KASSERT(mutex_owned(ct.ct_lock));
	if (*ct.ct_value == 0)
		return false;
	if (*ct.ct_value != COUNT_ALL)
		--*ct.ct_value;
	return true;
}

static bool
count_trylower(struct count ct)
{
	bool taken;

	mutex_enter(ct.ct_lock);
	taken = count_take(ct);
	mutex_exit(ct.ct_lock);
	return taken;
}

static void
count_lower(struct count ct)
{

	mutex_enter(ct.ct_lock);
	while (!count_take(ct))
		cv_wait(ct.ct_cv, ct.ct_lock);
	mutex_exit(ct.ct_lock);
}

/*
 * Lower the count within *leftp jiffies, and store how many jiffies are left.
 * Return true if the caller may proceed.
 */
static bool
count_timedlower(struct count ct, long *leftp)
{
	unsigned long end;
	bool taken;

	end = lwq_timeout_end(*leftp);
	mutex_enter(ct.ct_lock);
	while (!(taken = count_take(ct)) && *leftp > 0)
		*leftp = lwq_timedwait(ct.ct_cv, ct.ct_lock, end);
	mutex_exit(ct.ct_lock);
	return taken;
}

/*
 * Semaphores.
 */
static inline struct count
sema_count(struct semaphore *s)
{

	return count_of(&s->__se_lock, &s->__se_cv, &s->__se_count);
}

__lwq_public void
sema_init(struct semaphore *s, int n)
{

	count_init(sema_count(s), (unsigned int)n);
}

__lwq_public void
down(struct semaphore *s)
{

	count_lower(sema_count(s));
}

__lwq_public int
down_timeout(struct semaphore *s, long timeout)
{

	return count_timedlower(sema_count(s), &timeout) ? 0 : -ETIME;
}

__lwq_public int
down_trylock(struct semaphore *s)
{

	return !count_trylower(sema_count(s));
}

__lwq_public void
up(struct semaphore *s)
{

	count_raise(sema_count(s));
}

/*
 * Completions.
 */
static inline struct count
completion_count(struct completion *c)
{

	return count_of(&c->__co_lock, &c->__co_cv, &c->done);
}

__lwq_public void
init_completion(struct completion *c)
{

	count_init(completion_count(c), 0);
}

__lwq_public void
reinit_completion(struct completion *c)
{

	count_set(completion_count(c), 0);
}

__lwq_public void
complete(struct completion *c)
{

	count_raise(completion_count(c));
}

__lwq_public void
complete_all(struct completion *c)
{

	count_set(completion_count(c), COUNT_ALL);
}

__lwq_public void
wait_for_completion(struct completion *c)
{

	count_lower(completion_count(c));
}

__lwq_public unsigned long
wait_for_completion_timeout(struct completion *c, unsigned long timeout)
{
	long left;

	left = timeout > LONG_MAX ? LONG_MAX : (long)timeout;
	if (!count_timedlower(completion_count(c), &left))
		return 0;
	return left > 0 ? (unsigned long)left : 1;
}

__lwq_public bool
try_wait_for_completion(struct completion *c)
{

	return count_trylower(completion_count(c));
}

__lwq_public bool
completion_done(struct completion *c)
{

	return count_get(completion_count(c)) != 0;
}
