/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What kern_timeout.c, which knows when callouts are due, and kern_softclock.c,
 * which runs them, share.
 */

#ifndef _KERN_TIMEOUT_H_
#define	_KERN_TIMEOUT_H_

#include <sys/callout.h>

#include "kern.h"

#define	CALLOUT_UNITSHIFT	16	/* ns to units */
#define	CALLOUT_NEVER		UINT64_MAX

/* c_flags */
#define	CALLOUT_BOUND		0x0001	/* c_cpu is what it shall see */
#define	CALLOUT_PENDING		0x0002	/* in a wheel, or late */
#define	CALLOUT_FIRED		0x0004	/* called since it was armed */
#define	CALLOUT_INVOKING	0x0008	/* and has not said so yet */

/*
 * What is in a callout_t.  A callout belongs to its client; the library may
 * look at it while it is armed, and no more once its function is called.
 *
 * Fields are under callout_lock unless marked: (a) also read without it.
 */
struct callout_link {
	struct callout_link	*cl_next, *cl_prev;
};

struct callout_impl {
	struct callout_link c_link;	/* first; on its slot */
	uint64_t	 c_time;	/* deadline, in units */
	void		 (*c_func)(void *);
	void		 *c_arg;
	struct cpu_info	 *c_cpu;
	unsigned	 c_flags;	/* (a) */
	uint16_t	 c_slot;	/* index of its slot */
	uint16_t	 c_forkgen;	/* (a) whose process' wheels */
	uintptr_t	 c_magic;	/* (a) its address and CALLOUT_MAGIC */
} __attribute__((__may_alias__));

/*
 * A thread that calls handlers.  The first sleeps until the earliest deadline
 * and calls what is due.  The second is there once a callout was due that
 * needs the kernel lock while another had it: from then on it waits for the
 * lock, for this one and those that come behind it, and the first goes on
 * with those that are CALLOUT_MPSAFE.
 *
 * All (callout_lock).
 */
struct callout_runner {
	struct lwp		*cr_lwp;	/* once it runs */
	struct callout_impl	*cr_running;	/* an address, or NULL */
};
#define	CALLOUT_CLOCK		0
#define	CALLOUT_KLOCK		1
#define	CALLOUT_RUNNERS		2

/*
 * kern_timeout.c
 */
extern struct kspin	callout_lock;
extern uint64_t		callout_until;	/* (callout_lock) what the first
					   thread sleeps for */

static inline void
callout_setflags(struct callout_impl *c, unsigned flags)
{

	/* A hint to those who read it without the lock: relaxed. */
	atomic_store_relaxed(&c->c_flags, flags);
}

struct callout_impl *callout_due(uint64_t *);
void	callout_late_add(struct callout_impl *);
bool	callout_late_any(void);
struct callout_impl *callout_late_take(void);

/*
 * kern_softclock.c
 */
extern struct callout_runner callout_runners[CALLOUT_RUNNERS];
extern unsigned		callout_waiters; /* (callout_lock) for some end */
extern int		callout_started; /* (a) CALLOUT_*, below */

/* callout_started: there is the first thread, or somebody starts it. */
#define	CALLOUT_STARTED		1
#define	CALLOUT_TRYING		2	/* who can do without it */

void	callout_start(const char *);

/* The same; 0, or why there is no thread. */
int	callout_trystart(void);
void	softclock_fork(void);

#endif	/* !_KERN_TIMEOUT_H_ */
