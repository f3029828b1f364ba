/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * condvar(9).
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

/* A condition variable; embed it.  Its fields are the library's. */
typedef struct kcondvar {
	const char	*cv_wmesg;	/* why its waiters wait */
	unsigned int	 cv_waiters;
} kcondvar_t;

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

/* The text is not copied. */
void	cv_init(kcondvar_t *, const char *);
void	cv_destroy(kcondvar_t *);

/* Release the mutex and wait, as one step; then take the mutex back. */
void	cv_wait(kcondvar_t *, kmutex_t *);

/* The same: here no signal ends a wait.  Always 0. */
int	cv_wait_sig(kcondvar_t *, kmutex_t *);

/* For so many ticks at most, 0: for ever.  0, or EWOULDBLOCK. */
int	cv_timedwait(kcondvar_t *, kmutex_t *, int);
int	cv_timedwait_sig(kcondvar_t *, kmutex_t *, int);

/* For the time given, which is made less by what has passed meanwhile. */
int	cv_timedwaitbt(kcondvar_t *, kmutex_t *, struct bintime *,
	    const struct bintime *);
int	cv_timedwaitbt_sig(kcondvar_t *, kmutex_t *, struct bintime *,
	    const struct bintime *);

/*
 * For the time given, which is made less likewise; or, with TIMER_ABSTIME,
 * until that time of CLOCK_MONOTONIC, as nanouptime() reads it, or of
 * CLOCK_REALTIME.  NULL: for ever.  0, EWOULDBLOCK, or EINVAL.
 */
int	cv_timedwaitclock(kcondvar_t *, kmutex_t *, struct timespec *,
	    clockid_t, int, const struct bintime *);
int	cv_timedwaitclock_sig(kcondvar_t *, kmutex_t *, struct timespec *,
	    clockid_t, int, const struct bintime *);

/* Wake one that waits, or all.  Also in interrupt and softint context. */
void	cv_signal(kcondvar_t *);
void	cv_broadcast(kcondvar_t *);

bool	cv_has_waiters(kcondvar_t *);

/* For assertions: initialised, and not destroyed. */
bool	cv_is_valid(kcondvar_t *);

__WQ_END_DECLS

#endif	/* !_SYS_CONDVAR_H_ */
