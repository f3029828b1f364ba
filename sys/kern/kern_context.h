/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Checks of the calling thread's context.
 */

#ifndef _KERN_KERN_CONTEXT_H_
#define	_KERN_KERN_CONTEXT_H_

#include "kern.h"
#include "kern_lwp.h"

/*
 * Return true if the caller is an interrupt handler, which may have interrupted
 * the C allocator.
 */
static inline bool
kern_intr_p(void)
{
	struct lwp *l;

	return (l = host_self()) != NULL && l->l_intrdepth != 0;
}

/*
 * Return true if the caller must not call the C allocator.
 *
 * A handler must not, because it may have interrupted the allocator.  A thread
 * that holds a spin lock must not wait for the allocator's lock either.  The
 * thread that holds the allocator's lock may have been interrupted by a handler
 * that spins for the spin lock.  A raised level that holds interrupts back
 * counts as a spin lock, because the caller may have raised it to take a spin
 * mutex.
 *
 * Call this before taking a spin lock.
 */
static inline bool
kern_nomalloc_p(void)
{
	struct lwp *l;

	return (l = host_self()) != NULL && (l->l_intrdepth != 0 ||
	    l->l_mtxcount != 0 || l->l_ipl >= IPL_VM || l->l_kspin != 0);
}

/*
 * Checks for checking mode.  The first argument is the name of the function
 * that calls the check.
 *
 * context_check_sleep() panics if the thread may not sleep.
 *
 * context_check_sleep_on() panics if the thread may not sleep on an object.
 * context_check_lock() panics if the thread may not block on a lock.  The other
 * arguments are the address of the object or lock, and its kind.
 *
 * context_check_alloc() panics if the thread may not allocate or free memory.
 * The first flag is true if the function may wait for memory.  The second flag
 * is true if an interrupt handler may call the function.
 */
void	context_check_sleep(const char *);
void	context_check_sleep_on(const char *, const void *, const char *);
void	context_check_lock(const char *, const void *, const char *);
void	context_check_alloc(const char *, bool, bool);

/*
 * The state that a function must restore before it returns to the library.
 */
struct context {
	int	cx_ipl;			/* the level */
	int	cx_blcnt;		/* kernel locks held */
	int	cx_nopreempt;		/* kpreempt_disable() calls */
};

static inline void
context_save(const struct lwp *l, struct context *cx)
{

	cx->cx_ipl = l->l_ipl;
	cx->cx_blcnt = l->l_blcnt;
	cx->cx_nopreempt = l->l_nopreempt;
}

/*
 * Check that the thread is in the saved context and holds no spin mutex.  If
 * only the level is wrong, and strict mode is off, print a message, once for
 * each use of the macro.  In any other case of failure, panic.
 *
 * The message begins with the formatted text, such as "function f returned".
 * The macro evaluates the arguments of the text only if it prints the message,
 * because lockdebug_text() must not be called for anything else.
 */
#define	context_check(l, cx, ...) do {					\
	static int context_said;					\
									\
	if (__predict_false(context_changed(&context_said, (l), (cx))))	\
		context_report(&context_said, (l), (cx), __VA_ARGS__);	\
} while (0)
bool	context_changed(const int *, const struct lwp *,
	    const struct context *);
void	context_report(int *, const struct lwp *, const struct context *,
	    const char *, ...) __wq_printflike(4, 5);

#endif	/* !_KERN_KERN_CONTEXT_H_ */
