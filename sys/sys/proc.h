/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The process.  ltsleep(9) and kpause(9): sleep on an address.  This header
 * also includes <sys/lwp.h> and the other headers that kernel sources expect
 * here.
 */

#ifndef _SYS_PROC_H_
#define	_SYS_PROC_H_

#include <sys/wq_types.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <stdbool.h>
#ifdef _KERNEL
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/queue.h>
#include <sys/rwlock.h>
#include <sys/signal.h>
#include <sys/time.h>
#include <sys/types.h>
#endif

__WQ_BEGIN_DECLS

#define	tsleep		wqk_tsleep
#define	ltsleep		wqk_ltsleep
#define	mtsleep		wqk_mtsleep
#define	wakeup		wqk_wakeup
#define	wakeup_one	wqk_wakeup_one
#define	kpause		wqk_kpause
#define	yield		wqk_yield
#define	preempt		wqk_preempt

/*
 * The process.  There is only one.  Clients may read these fields.
 */
struct proc {
	int	p_pid;		/* its number; a forked child has its own */
	int	p_flag;
	int	p_nlwps;	/* always 1: threads are not counted */
	char	p_comm[17];	/* its name, truncated */
};

#define	curproc		(wqk_proc0())
#define	proc0		(*wqk_proc0())
struct proc *wqk_proc0(void);

/* A wait channel is any address. */
typedef const volatile void *wchan_t;

/*
 * Sleep on a channel for at most n ticks, or without limit if n is 0.  Return 0
 * or EWOULDBLOCK.  mtsleep() releases the mutex after it has put the thread on
 * the channel.
 */
int	tsleep(wchan_t, pri_t, const char *, int);
int	mtsleep(wchan_t, pri_t, const char *, int, kmutex_t *);

/* The same, with a lock of <sys/simplelock.h> instead of the mutex. */
struct simplelock;
int	ltsleep(wchan_t, pri_t, const char *, int,
	    volatile struct simplelock *);

/* Wake all threads that sleep on a channel, or one of them.  Any context. */
void	wakeup(wchan_t);
void	wakeup_one(wchan_t);

/* Sleep for n ticks.  Unless the mutex is NULL, release it meanwhile. */
int	kpause(const char *, bool, int, kmutex_t *);

/* Let other threads run. */
void	yield(void);
void	preempt(void);

__WQ_END_DECLS

#endif	/* !_SYS_PROC_H_ */
