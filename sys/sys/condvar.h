/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * condvar(9): condition variables.
 */

#ifndef _SYS_CONDVAR_H_
#define	_SYS_CONDVAR_H_

#include <sys/wq_types.h>
#include <sys/mutex.h>
#include <sys/types.h>
#include <stdbool.h>
#ifdef _KERNEL
#include <sys/time.h>
#endif

__WQ_BEGIN_DECLS

struct bintime;
struct timespec;

/* A condition variable; embed it.  Its fields belong to the library. */
typedef struct kcondvar {
	const char	*cv_wmesg;	/* reason of the wait */
	unsigned int	 cv_waiters;
} kcondvar_t;

/*
 * Initialise a condition variable statically, like cv_init() with this text.
 * It needs no cv_destroy(), and checking mode does not check it.
 */
#define	CV_INITIALIZER(wmesg)	{ (wmesg), 0 }

#define	cv_init			wqk_cv_init
#define	cv_destroy		wqk_cv_destroy
#define	cv_wait			wqk_cv_wait
#define	cv_wait_sig		wqk_cv_wait_sig
#define	cv_timedwait		wqk_cv_timedwait
#define	cv_timedwait_sig	wqk_cv_timedwait_sig
#define	cv_timedwaitbt		wqk_cv_timedwaitbt
#define	cv_timedwaitbt_sig	wqk_cv_timedwaitbt_sig
#define	cv_timedwaitclock	wqk_cv_timedwaitclock
#define	cv_timedwaitclock_sig	wqk_cv_timedwaitclock_sig
#define	cv_signal		wqk_cv_signal
#define	cv_broadcast		wqk_cv_broadcast
#define	cv_has_waiters		wqk_cv_has_waiters
#define	cv_is_valid		wqk_cv_is_valid

/* Initialise or destroy a condition variable.  The text is not copied. */
void	cv_init(kcondvar_t *, const char *);
void	cv_destroy(kcondvar_t *);

/* Atomically release the mutex and wait.  Take the mutex again on return. */
void	cv_wait(kcondvar_t *, kmutex_t *);

/* The same as cv_wait(), because no signal ends a wait here.  Return 0. */
int	cv_wait_sig(kcondvar_t *, kmutex_t *);

/* Wait for at most n ticks; 0 means no limit.  Return 0 or EWOULDBLOCK. */
int	cv_timedwait(kcondvar_t *, kmutex_t *, int);
int	cv_timedwait_sig(kcondvar_t *, kmutex_t *, int);

/* Wait for at most the given time, and subtract the time waited from it. */
int	cv_timedwaitbt(kcondvar_t *, kmutex_t *, struct bintime *,
	    const struct bintime *);
int	cv_timedwaitbt_sig(kcondvar_t *, kmutex_t *, struct bintime *,
	    const struct bintime *);

/*
 * Wait for at most the given time, and subtract the time waited from it.  With
 * TIMER_ABSTIME, wait until the given time of CLOCK_MONOTONIC, which
 * nanouptime() reads, or of CLOCK_REALTIME.  If the pointer is NULL, there is
 * no limit.  Return 0, EWOULDBLOCK, or EINVAL.
 */
int	cv_timedwaitclock(kcondvar_t *, kmutex_t *, struct timespec *,
	    clockid_t, int, const struct bintime *);
int	cv_timedwaitclock_sig(kcondvar_t *, kmutex_t *, struct timespec *,
	    clockid_t, int, const struct bintime *);

/* Wake one waiter, or all.  Any context except a foreign signal handler. */
void	cv_signal(kcondvar_t *);
void	cv_broadcast(kcondvar_t *);

/* Return true if a thread waits.  The caller should hold the mutex. */
bool	cv_has_waiters(kcondvar_t *);

/* Return true if it is initialised and not destroyed.  For assertions. */
bool	cv_is_valid(kcondvar_t *);

__WQ_END_DECLS

#endif	/* !_SYS_CONDVAR_H_ */
