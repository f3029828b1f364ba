/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Declarations for the files of sys/host only.
 */

#ifndef _HOST_HOST_VAR_H_
#define	_HOST_HOST_VAR_H_

#include <errno.h>

#include <sys/atomic.h>

#include <host/host.h>

#ifdef __SANITIZE_THREAD__
#define	HOST_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define	HOST_TSAN
#endif
#endif

/* Words of ht_space. */
#define	HT_PTHREAD	0		/* the thread's ID, a pthread_t */
#define	HT_MD		1		/* for the back end */
#define	HT_KNOWN	2		/* 1: the thread has stored its ID */

/*
 * A parker's word, except in the simulator.  The owner sets PARKED before it
 * sleeps.  A waker sets TOKEN.  If it finds PARKED, it calls the system and
 * then sets WOKEN.  The next waker calls the system, too, unless it finds
 * WOKEN.  So the owner wakes even if a waker is stopped between TOKEN and its
 * call.  When the owner is awake, it clears the bits and adds COUNT.  So a late
 * waker does not set WOKEN in a later sleep.
 */
#define	PARK_TOKEN	1U
#define	PARK_PARKED	2U
#define	PARK_WOKEN	4U
#define	PARK_COUNT	8U
#define	PARK_BITS	(PARK_COUNT - 1)

/* host_init() calls it once. */
void	host_md_init(void);

/* host_forked() calls it. */
void	host_md_forked(void);

/* Called before a thread is created, and then in the new thread. */
void	host_md_thread_prepare(struct host_thread *);
void	host_md_thread_start(struct host_thread *);

/* Let another thread run.  The argument counts the calls in this spin. */
void	host_md_yield(unsigned);

/* Find the tools that watch.  Exempt the library's own variables from them. */
void	host_watch_init(void);
void	host_symbol_unwatch(void);

/* Between these calls, ThreadSanitizer ignores this thread's reads. */
void	host_racy_begin(void);
void	host_racy_end(void);

/* Set the function for the end of a thread.  Only the first call counts. */
void	host_thread_onexit(void (*)(void *));

/* host_init() calls it once. */
void	host_thread_init(void);

/* The first function of a thread, and the destructor that ends it. */
void	*host_thread_main(void *);
void	host_key_destroy(void *);

/* Print a message about a resource that the system now refuses, and abort. */
void	host_die(const char *) __attribute__((__noreturn__));

/* Return true if this is still the handler of the signal. */
bool	host_signal_is(int signo, void (*handler)(int));

/* A slow host_peek() for any system. */
bool	host_peek_pipe(void *, uintptr_t, size_t);

#ifdef _WQ_SIM
/* Return true if the simulator refuses memory. */
bool	host_simrefuses(void);

/* Tell the simulator whether an interrupt's signal has a handler. */
void	sim_signal_established(int signo, bool on);
#endif

/*
 * Give the token.  Return the word if the caller must call the system and then
 * host_park_woken(), or else 0.
 */
static inline uint32_t
host_park_give(uint32_t *word)
{
	uint32_t state;

	/* Release: publish the reason of the wake-up. */
	(void)atomic_fetch_or_release(word, PARK_TOKEN);
	/*
	 * Relaxed: if the owner slept, and has taken the token by now, it is
	 * awake, or sleeps for another token.  Load the word again, because x86
	 * has no instruction that sets a bit and returns another.
	 */
	state = atomic_load_relaxed(word);
	return (state & PARK_BITS) == (PARK_TOKEN | PARK_PARKED) ? state : 0;
}

static inline void
host_park_woken(uint32_t *word, uint32_t state)
{

	/* Relaxed: only host_park_give() reads the bit. */
	(void)atomic_cas_relaxed(word, &state, state | PARK_WOKEN);
}

/*
 * Clear the bits.  "state" is the word as the owner last saw it.  Return true
 * if there was a token.
 */
static inline bool
host_park_take(uint32_t *word, uint32_t state)
{

	state = (state & ~PARK_BITS) + PARK_COUNT;
	/* Acquire: pairs with host_park_give(). */
	return (atomic_swap_acquire(word, state) & PARK_TOKEN) != 0;
}

/* Call the tests' hook.  Relaxed: a test sets it before the calls. */
static inline int
host_point(enum host_point point, void *arg)
{
	host_hook_t hook;

#ifdef _WQ_SIM
	if (point == HOST_POINT_ALLOC && host_simrefuses())
		return ENOMEM;
#endif
	hook = atomic_load_relaxed(&host_hook);
	return __builtin_expect(hook != NULL, 0) ? (*hook)(point, arg) : 0;
}

#endif	/* !_HOST_HOST_VAR_H_ */
