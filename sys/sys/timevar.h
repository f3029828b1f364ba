/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * time_second(9), microtime(9), getmicrouptime(9): the kernel's clocks.
 */

#ifndef _SYS_TIMEVAR_H_
#define	_SYS_TIMEVAR_H_

#include <sys/time.h>
#include <stdint.h>
#include <time.h>

#include <sys/bintime.h>
#include <sys/kernel.h>
#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

#define	time_second	(wqk_time_second())
#define	time_uptime	(wqk_time_uptime())
#define	time_second32	((uint32_t)wqk_time_second())
#define	time_uptime32	((uint32_t)wqk_time_uptime())

#define	bintime(bt)	wqk_bintime(bt)
#define	nanotime	wqk_nanotime
#define	microtime	wqk_microtime
#define	getbintime	wqk_getbintime
#define	getnanotime	wqk_getnanotime
#define	getmicrotime	wqk_getmicrotime
#define	binuptime	wqk_binuptime
#define	nanouptime	wqk_nanouptime
#define	microuptime	wqk_microuptime
#define	getbinuptime	wqk_getbinuptime
#define	getnanouptime	wqk_getnanouptime
#define	getmicrouptime	wqk_getmicrouptime
#define	getbinboottime	wqk_getbinboottime
#define	getnanoboottime	wqk_getnanoboottime
#define	getmicroboottime wqk_getmicroboottime
#define	ratecheck	wqk_ratecheck
#define	ppsratecheck	wqk_ppsratecheck
#define	tvtohz		wqk_tvtohz
#define	tstohz		wqk_tstohz
#define	hzto		wqk_hzto
#define	tshzto		wqk_tshzto
#define	tshztoup	wqk_tshztoup

struct timespec;
struct timeval;

/*
 * Return the seconds since the Epoch, or since the library's start.  The latter
 * count from 1.
 */
time_t	wqk_time_second(void);
time_t	wqk_time_uptime(void);

/* Get the wall clock time. */
void	wqk_bintime(struct bintime *);
void	nanotime(struct timespec *);
void	microtime(struct timeval *);

/* The same, because there is no cheaper clock. */
void	getbintime(struct bintime *);
void	getnanotime(struct timespec *);
void	getmicrotime(struct timeval *);

/* Get the time since the library's start; it is never stepped. */
void	binuptime(struct bintime *);
void	nanouptime(struct timespec *);
void	microuptime(struct timeval *);
void	getbinuptime(struct bintime *);
void	getnanouptime(struct timespec *);
void	getmicrouptime(struct timeval *);

/* Get the wall clock time of the library's start. */
void	getbinboottime(struct bintime *);
void	getnanoboottime(struct timespec *);
void	getmicroboottime(struct timeval *);

/*
 * ratecheck() returns 1 if the interval has passed since *last, and sets *last
 * to now.  Otherwise it returns 0.
 *
 * ppsratecheck() returns 1 for at most n calls per second, which it counts in
 * *last and *cur.
 */
int	ratecheck(struct timeval *, const struct timeval *);
int	ppsratecheck(struct timeval *, int *, int);

/*
 * Convert a time to ticks, rounded up, and add one for the current tick.
 * Return 0 if the time is not positive, and at most INT_MAX.
 */
int	tvtohz(const struct timeval *);
int	tstohz(const struct timespec *);

/* Return the ticks until a wall clock time, or until an uptime. */
int	hzto(const struct timeval *);
int	tshzto(const struct timespec *);
int	tshztoup(const struct timespec *);

__WQ_END_DECLS

#endif	/* !_SYS_TIMEVAR_H_ */
