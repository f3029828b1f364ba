/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Planted bugs, which measure what the simulator finds.  Only
 * tests/sys/host/plant.sh compiles the library with KERN_PLANT.  There an
 * environment variable chooses a bug by its number.  In any other library
 * KERN_BUG() is false at compile time.
 */

#ifndef _KERN_KERN_PLANT_H_
#define	_KERN_KERN_PLANT_H_

#ifdef KERN_PLANT
enum kern_bug {
	KERN_BUG_NONE,
	KERN_BUG_RECHECK,	/* a worker sleeps while the list has items */
	KERN_BUG_KICK,		/* a pool does not wake or start a helper */
	KERN_BUG_TOUCH,		/* a waiter's record is used too late */
	KERN_BUG_DRAIN,		/* a worker looks for drainers too early */
	KERN_BUG_WAITERS,	/* a mutex forgets its other sleepers */
	KERN_BUG_TIMEOUT,	/* a wake-up counts as a timeout */
	KERN_BUG_SOFTINT,	/* a softint stays pending until it ends */
	KERN_BUG_SWAP,		/* a waiter stores without a fence */
	KERN_BUG_CANCEL,	/* a canceller has no fence */
	KERN_BUG_XCALL		/* a barrier has no fence */
};
extern int kern_planted;
#define	KERN_BUG(name)	(kern_planted == KERN_BUG_##name)
#else
#define	KERN_BUG(name)	false
#endif

#endif	/* !_KERN_KERN_PLANT_H_ */
