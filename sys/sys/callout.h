/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callout(9): call a function after a given time.
 */

#ifndef _SYS_CALLOUT_H_
#define	_SYS_CALLOUT_H_

#include <sys/wq_types.h>
#include <stdbool.h>

__WQ_BEGIN_DECLS

/* A callout; embed it.  Its contents belong to the library. */
typedef struct callout {
	void	*_c_store[10];
} __attribute__((__aligned__(8))) callout_t;

/* Flags of callout_init(). */
#define	CALLOUT_MPSAFE	0x0100	/* call without the kernel lock */
#define	CALLOUT_FLAGMASK 0xff00

#define	callout_init		wqk_callout_init
#define	callout_destroy		wqk_callout_destroy
#define	callout_setfunc		wqk_callout_setfunc
#define	callout_reset		wqk_callout_reset
#define	callout_schedule	wqk_callout_schedule
#define	callout_stop		wqk_callout_stop
#define	callout_halt		wqk_callout_halt
#define	callout_pending		wqk_callout_pending
#define	callout_expired		wqk_callout_expired
#define	callout_active		wqk_callout_active
#define	callout_invoking	wqk_callout_invoking
#define	callout_ack		wqk_callout_ack
#define	callout_bind		wqk_callout_bind

/* Initialise a callout.  Call this before any other call, in thread context. */
void	callout_init(callout_t *, unsigned int);

/* The same, with a name for checking mode.  The name is not copied. */
void	wqk_callout_init_named(callout_t *, unsigned int, const char *);
#define	wqk_callout_init(c, f)	wqk_callout_init_named((c), (f), #c)

/* Destroy a callout.  It must not be pending, or running in another thread. */
void	callout_destroy(callout_t *);

/* Set the function and its argument. */
void	callout_setfunc(callout_t *, void (*)(void *), void *);

/*
 * Call the function once, after the given number of ticks, at least 1.  If a
 * call was scheduled, this one replaces it.
 */
void	callout_schedule(callout_t *, int);

/* Set the function and schedule it. */
void	callout_reset(callout_t *, int, void (*)(void *), void *);

/* Cancel a call.  Return true if callout_expired() was true before. */
bool	callout_stop(callout_t *);

/*
 * Cancel a call, like callout_stop(), and wait until the function is not
 * running.  The interlock is NULL or a kmutex_t that the caller holds.
 * callout_halt() releases the interlock while it waits.
 */
bool	callout_halt(callout_t *, void *);

/*
 * callout_pending() returns true if the call is scheduled.  callout_expired()
 * returns true if the function was called after it was last scheduled.
 * callout_active() returns true in both cases.
 */
bool	callout_pending(callout_t *);
bool	callout_expired(callout_t *);
bool	callout_active(callout_t *);

/*
 * callout_invoking() returns true if the function was called, and callout_ack()
 * was not called after that.
 */
bool	callout_invoking(callout_t *);
void	callout_ack(callout_t *);

/* Make curcpu() return this CPU while the function runs. */
void	callout_bind(callout_t *, struct cpu_info *);

__WQ_END_DECLS

#endif	/* !_SYS_CALLOUT_H_ */
