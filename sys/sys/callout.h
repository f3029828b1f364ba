/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callout(9): call a function after a time.
 */

#ifndef _SYS_CALLOUT_H_
#define	_SYS_CALLOUT_H_

#include <sys/wq_types.h>
#include <stdbool.h>

__WQ_BEGIN_DECLS

/* A callout; embed it.  What is in it is the library's. */
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

/* Before any other; from thread context. */
void	callout_init(callout_t *, unsigned int);

/* It must not be pending, nor running but in the caller itself. */
void	callout_destroy(callout_t *);

/* What to call. */
void	callout_setfunc(callout_t *, void (*)(void *), void *);

/* Call it in so many ticks, 1 at least, and not as arranged before. */
void	callout_schedule(callout_t *, int);

/* Both of these. */
void	callout_reset(callout_t *, int, void (*)(void *), void *);

/* Do not call it.  True if it has been called since it was scheduled. */
bool	callout_stop(callout_t *);

/*
 * The same, and wait until it runs no more.  The interlock is a kmutex_t
 * that the caller holds, to be released meanwhile, or NULL.
 */
bool	callout_halt(callout_t *, void *);

/* Scheduled; called since then; either of them. */
bool	callout_pending(callout_t *);
bool	callout_expired(callout_t *);
bool	callout_active(callout_t *);

/* Called, and callout_ack() not yet. */
bool	callout_invoking(callout_t *);
void	callout_ack(callout_t *);

/* Have the function see that CPU as its own. */
void	callout_bind(callout_t *, struct cpu_info *);

__WQ_END_DECLS

#endif	/* !_SYS_CALLOUT_H_ */
