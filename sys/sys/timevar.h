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

/* Seconds since the Epoch; seconds since the library's start, from 1 on. */
time_t	wqk_time_second(void);
time_t	wqk_time_uptime(void);

/* Wall time. */
void	wqk_bintime(struct bintime *);
void	nanotime(struct timespec *);
void	microtime(struct timeval *);

/* The same: there is no cheaper clock that these could read. */
void	getbintime(struct bintime *);
void	getnanotime(struct timespec *);
void	getmicrotime(struct timeval *);

/* Time since the library's start, which nobody steps. */
void	binuptime(struct bintime *);
void	nanouptime(struct timespec *);
void	microuptime(struct timeval *);
void	getbinuptime(struct bintime *);
void	getnanouptime(struct timespec *);
void	getmicrouptime(struct timeval *);

/* Wall time less uptime. */
void	getbinboottime(struct bintime *);
void	getnanoboottime(struct timespec *);
void	getmicroboottime(struct timeval *);

/*
 * 1 if so much time has passed since *last, which is then made now, or 0; and
 * 1 if this is the nth time in a second or less, which *last and *cur count.
 */
int	ratecheck(struct timeval *, const struct timeval *);
int	ppsratecheck(struct timeval *, int *, int);

/*
 * The ticks in a time, rounded up, and one for the tick that has begun; 0
 * for a negative time; at most INT_MAX.
 */
int	tvtohz(const struct timeval *);
int	tstohz(const struct timespec *);

/* The ticks from now until a wall time, and until an uptime. */
int	hzto(const struct timeval *);
int	tshzto(const struct timespec *);
int	tshztoup(const struct timespec *);

__WQ_END_DECLS

#endif	/* !_SYS_TIMEVAR_H_ */
