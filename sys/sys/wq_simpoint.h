/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The simulator's scheduling points.
 *
 * A source that is compiled with _WQ_SIM defined calls wqk_simpoint() before
 * each atomic operation of <sys/atomic.h>, and before each READ_ONCE() and
 * WRITE_ONCE() of <linux/compiler.h>.  Under wqsim(1) another thread may run at
 * this point.  Without wqsim(1) the call does nothing.
 */

#ifndef _SYS_WQ_SIMPOINT_H_
#define	_SYS_WQ_SIMPOINT_H_

#ifdef __cplusplus
extern "C" {
#endif

/* The kinds of access. */
#define	_WQ_SIM_LOAD	1	/* read the word */
#define	_WQ_SIM_STORE	2	/* write it */
#define	_WQ_SIM_RMW	3	/* both, atomically */
#define	_WQ_SIM_FENCE	4	/* a memory barrier; no address */
#define	_WQ_SIM_LIGHT	5	/* the light side of an asymmetric fence */
#define	_WQ_SIM_SIGNAL	6	/* an interrupt may run here */

/*
 * The argument for the kind also has the size of the word, in its higher bits.
 */
#define	_WQ_SIM_SIZED(size)	((unsigned int)(size) << 8)
#define	_WQ_SIM_KIND(kind)	((kind) & 0xff)
#define	_WQ_SIM_SIZE(kind)	((kind) >> 8)

/*
 * Tell the simulator that the calling thread is about to access the word at
 * this address, with this memory order (__ATOMIC_RELAXED ...).  Return the
 * address that the thread must access next, and at once: the same address, or
 * that of an entry in the thread's store buffer.
 */
void	*wqk_simpoint(const volatile void *, unsigned int, int);

/* Return non-zero if the next weak compare-and-swap must fail spuriously. */
int	wqk_simweak(void);

#ifdef __cplusplus
}
#endif

#endif	/* !_SYS_WQ_SIMPOINT_H_ */
