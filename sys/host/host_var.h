/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Between host_common.c and the back end; nobody else includes this.
 */

#ifndef _HOST_HOST_VAR_H_
#define	_HOST_HOST_VAR_H_

#include <sys/atomic.h>

#include <host/host.h>

#ifdef __SANITIZE_THREAD__
#define	HOST_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define	HOST_TSAN
#endif
#endif

/* ht_space: the pthread_t, whether it is there, a word for the back end. */
#define	HT_PTHREAD	0
#define	HT_MD		1
#define	HT_KNOWN	2

/* A parker's word.  Who moves it out of PARKED owes the sleeper a wake. */
#define	PARK_EMPTY	0U
#define	PARK_TOKEN	1U
#define	PARK_PARKED	2U

/* From host_init(), once. */
void	host_md_init(void);

/* In the thread that creates one, before; in the new thread, first. */
void	host_md_thread_prepare(struct host_thread *);
void	host_md_thread_start(struct host_thread *);

/* Let somebody else run; the argument counts the turns of the spin. */
void	host_md_yield(unsigned);

/* The system takes back what it had granted: say so and abort. */
void	host_die(const char *) __attribute__((__noreturn__));

/* For tests; see host.h.  Relaxed: a hook is set before what it observes. */
static inline int
host_point(enum host_point point, void *arg)
{
	host_hook_t hook;

	hook = atomic_load_relaxed(&host_hook);
	return __builtin_expect(hook != NULL, 0) ? (*hook)(point, arg) : 0;
}

#endif	/* !_HOST_HOST_VAR_H_ */
