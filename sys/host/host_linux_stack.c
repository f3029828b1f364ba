/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Linux: the stack of another thread.  The thread itself walks its stack, in
 * the handler of a signal that no other code uses.
 */

#ifndef _GNU_SOURCE
#define	_GNU_SOURCE
#endif

#include <sys/syscall.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/atomic.h>

#include <host/host_var.h>

#define	STACK_SIGNAL	SIGRTMAX
#define	STACK_WAITS	200		/* milliseconds for an answer */
#define	STACK_MAX	64		/* frames */

/*
 * The request of the one thread that may call host_stack().  Either the handler
 * takes the request, or its maker gives up and withdraws it: a compare-and-swap
 * of sr_state decides.  (a) marks fields that are accessed atomically.
 */
enum stack_state {
	STACK_IDLE,
	STACK_ASKED,
	STACK_TAKEN,
	STACK_DONE
};

static struct {
	int		 sr_state;	/* (a) enum stack_state */
	long		 sr_tid;	/* (a) the thread to walk its stack */
	int		 sr_max;
	int		 sr_n;
	uintptr_t	 sr_pcs[STACK_MAX];
} stack_request;

static bool stack_ready;

static void
stack_handler(int signo)
{
	int state;

	(void)signo;
	state = STACK_ASKED;
	/* Relaxed: the compare-and-swap below confirms the request. */
	if (atomic_load_relaxed(&stack_request.sr_tid) != host_tid() ||
	    !atomic_cas_acquire(&stack_request.sr_state, &state, STACK_TAKEN))
		return;
	stack_request.sr_n = host_backtrace(stack_request.sr_pcs,
	    stack_request.sr_max, NULL);
	/* Release: pairs with host_stack(). */
	atomic_store_release(&stack_request.sr_state, STACK_DONE);
}

void
host_stack_init(void)
{
	struct sigaction sa;

	if (sigaction(STACK_SIGNAL, NULL, &sa) == 0 &&
	    (sa.sa_flags & SA_SIGINFO) == 0 && sa.sa_handler == SIG_DFL &&
	    host_signal_establish(STACK_SIGNAL, stack_handler) == 0)
		stack_ready = true;
}

int
host_stack(long tid, uintptr_t *pcs, int max)
{
	struct timespec ts = { 0, 1000000 };
	int i, state;

	/* The program may have taken the signal for itself. */
	if (!stack_ready || !host_signal_is(STACK_SIGNAL, stack_handler))
		return 0;
	stack_request.sr_max = max < STACK_MAX ? max : STACK_MAX;
	atomic_store_relaxed(&stack_request.sr_tid, tid);
	/* Release: publish the request. */
	atomic_store_release(&stack_request.sr_state, STACK_ASKED);
	if (syscall(SYS_tgkill, getpid(), tid, STACK_SIGNAL) != 0) {
		atomic_store_relaxed(&stack_request.sr_state, STACK_IDLE);
		return 0;
	}
	for (i = 0;; i++) {
		/* Acquire: observe the answer. */
		if (atomic_load_acquire(&stack_request.sr_state) == STACK_DONE)
			break;
		/* Give up, unless the thread has begun to answer. */
		state = STACK_ASKED;
		if (i >= STACK_WAITS && atomic_cas_acquire(
		    &stack_request.sr_state, &state, STACK_IDLE))
			return 0;
		/*
		 * The handler waits for a lock of the loader or of the
		 * unwinder, perhaps one that its own thread holds.  It may
		 * still answer, so never make another request.
		 */
		if (i >= 2 * STACK_WAITS) {
			stack_ready = false;
			return 0;
		}
		(void)nanosleep(&ts, NULL);
	}
	memcpy(pcs, stack_request.sr_pcs, (size_t)stack_request.sr_n *
	    sizeof(*pcs));
	return stack_request.sr_n;
}
