/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The interface between kern_timeout.c, which keeps the deadlines of callouts,
 * and kern_softclock.c, which calls their functions.
 */

#ifndef _KERN_TIMEOUT_H_
#define	_KERN_TIMEOUT_H_

#include <sys/callout.h>

#include "kern.h"
#include "kern_kspin.h"

#define	CALLOUT_DIGIT		6
#define	CALLOUT_SLOTS		(1 << CALLOUT_DIGIT)
#define	CALLOUT_WHEELS		8	/* 2^48 units: 2^64 ns */
#define	CALLOUT_UNITSHIFT	16	/* ns to units */
#define	CALLOUT_NEVER		UINT64_MAX
#define	CALLOUT_LAST		((uint64_t)INT64_MAX >> CALLOUT_UNITSHIFT)

/* c_flags */
#define	CALLOUT_BOUND		0x01	/* curcpu() of its function is c_cpu */
#define	CALLOUT_INVOKING	0x02	/* called, but no callout_ack() */
#define	CALLOUT_NOKLOCK		0x04	/* made with CALLOUT_MPSAFE */

/*
 * The state of a callout; see callout_setstate().  If a callout was pending or
 * late in the parent, it counts as idle in a forked child: see callout_armed().
 */
enum callout_state {
	CALLOUT_IDLE,			/* never armed, or stopped */
	CALLOUT_PENDING,		/* in a wheel */
	CALLOUT_LATE,			/* due, and waits for the kernel lock */
	CALLOUT_FIRED			/* called since it was armed */
};

/* The list of a slot. */
struct callout_link {
	struct callout_link	*cl_next, *cl_prev;
};

/*
 * The contents of a callout_t.  A callout belongs to its client.  The library
 * may access an armed callout until it calls the callout's function.  After
 * that the callout may be gone.
 *
 * callout_lock guards the fields.  The fields marked (a) are also read without
 * this lock.
 */
struct callout_impl {
	struct callout_link c_link;	/* first; in its slot's list */
	uint64_t	 c_time;	/* deadline, in units */
	void		 (*c_func)(void *);
	void		 *c_arg;
	struct cpu_info	 *c_cpu;
	unsigned	 c_forkgen;	/* (a) kern_forkgen when armed */
	uint8_t		 c_state;	/* (a) enum callout_state */
	uint8_t		 c_flags;	/* (a) */
	uint16_t	 c_slot;	/* index of its slot */
	uintptr_t	 c_magic;	/* (a) its address and CALLOUT_MAGIC */
} __attribute__((__may_alias__));

/* No callout in a slot is due before cs_least. */
struct callout_slot {
	struct callout_link cs_head;
	uint64_t	 cs_least;
};

/*
 * The slot behind the wheels is for callouts that are due but wait for the
 * kernel lock.
 */
#define	CALLOUT_LATESLOT	(CALLOUT_WHEELS * CALLOUT_SLOTS)

/*
 * A thread that calls the functions of callouts.  The first thread sleeps until
 * the earliest deadline, and calls the functions that are due.  It starts the
 * second thread when a callout that needs the kernel lock is due while another
 * thread holds the lock.  From then on the second thread takes the lock for
 * such callouts, while the first thread goes on with those that are
 * CALLOUT_MPSAFE.
 *
 * callout_lock guards all fields.
 */
struct callout_runner {
	struct lwp		*cr_lwp;	/* NULL until it runs */
	struct callout_impl	*cr_running;	/* an address, or NULL */
	uint64_t		 cr_ndone;	/* functions that returned */
};
#define	CALLOUT_CLOCK		0
#define	CALLOUT_KLOCK		1
#define	CALLOUT_RUNNERS		2

/*
 * kern_timeout.c
 */
extern struct kspin	callout_lock;
extern uint64_t		callout_until;	/* (callout_lock) when the first
					   thread wakes up */
extern struct callout_slot callout_slots[CALLOUT_LATESLOT + 1];
extern uint64_t		callout_mask[CALLOUT_WHEELS + 1];
extern unsigned		callout_count;

static inline void
callout_setflags(struct callout_impl *c, unsigned flags)
{

	/* Relaxed: without the lock, a reader gets only a hint. */
	atomic_store_relaxed(&c->c_flags, (uint8_t)flags);
}

/*
 * Change the state of a callout.  A callout can be armed or stopped in any
 * state, but only a pending callout becomes late, and only an armed one fires.
 */
static inline void
callout_setstate(struct callout_impl *c, enum callout_state state)
{

	KASSERT(state == CALLOUT_IDLE || state == CALLOUT_PENDING ||
	    c->c_state == CALLOUT_PENDING ||
	    (state == CALLOUT_FIRED && c->c_state == CALLOUT_LATE));
	/*
	 * Release: a thread that sees the state also sees CALLOUT_INVOKING.
	 * Pairs with callout_armed().
	 */
	atomic_store_release(&c->c_state, (uint8_t)state);
}

void	callout_schedule_ns(callout_t *, int64_t);
struct callout_impl *callout_due(uint64_t *);
void	callout_late_add(struct callout_impl *);
bool	callout_late_any(void);
struct callout_impl *callout_late_take(void);

/*
 * kern_softclock.c
 */
extern struct callout_runner callout_runners[CALLOUT_RUNNERS];
extern unsigned		callout_waiters; /* (callout_lock) waits in progress */
extern int		callout_started; /* (a) CALLOUT_*, below */

/* Values of callout_started.  0: there is no first thread. */
#define	CALLOUT_STARTED		1	/* it exists, or is being started; its
					   starter panics on failure */
#define	CALLOUT_TRYING		2	/* it is being started; may fail */

/* Start the first thread, unless there is one, or panic. */
void	callout_start(const char *);

/* Start the first thread, unless there is one.  Return 0 or an errno value. */
int	callout_trystart(void);
void	softclock_fork(void);

#endif	/* !_KERN_TIMEOUT_H_ */
