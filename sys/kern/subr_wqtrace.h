/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The trace of workqueue_trace(7).  Call these only if KERN_TRACING().
 *
 * Here an item is any object that is enqueued, armed or scheduled, and later
 * causes one call.
 */

#ifndef _KERN_SUBR_WQTRACE_H_
#define	_KERN_SUBR_WQTRACE_H_

#include "kern.h"
#include "kern_param.h"

void	wqtrace_init(void);

/*
 * Record that an item becomes pending on a queue of that name.  Call this
 * before the item can run.  Any context.
 */
void	wqtrace_enqueue(const void *, const char *);

/*
 * Return what wqtrace_begin() needs to know of a pending item.  Call this
 * before the item can be enqueued again.
 */
uint64_t wqtrace_take(const void *);

/*
 * Record that the thread calls a function, for an item of a queue of that name,
 * and that the function returns.  The calls of a thread nest.
 */
void	wqtrace_begin(uint64_t, const void *, const char *, uintptr_t);
void	wqtrace_end(void);

/* Call a function, and record the call and the return. */
void	wqtrace_call(uint64_t, const void *, const char *, void (*)(void *),
	    void *);

#endif	/* !_KERN_SUBR_WQTRACE_H_ */
