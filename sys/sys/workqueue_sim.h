/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Functions by which a test controls wqsim(1), the simulator.  Without the
 * simulator these functions do nothing, unless their comments say otherwise.
 * See workqueue_sim(9).
 */

#ifndef _SYS_WORKQUEUE_SIM_H_
#define	_SYS_WORKQUEUE_SIM_H_

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Return true if the calling thread is simulated. */
bool	wqsim_active(void);

/*
 * Call the function once for each schedule, in this process.  Without the
 * simulator, call it once.  The function must leave everything as it was.
 */
void	wqsim_run(void (*)(void *), void *);

/*
 * Report that the schedule has failed, with a reason, and end the process.
 * Without the simulator, print the reason and abort.
 */
void	wqsim_fail(const char *, ...)
	    __attribute__((__noreturn__, __format__(__printf__, 1, 2)));

/*
 * Let the schedule choose a number below n.  Without the simulator, return 0.
 */
unsigned int wqsim_choose(unsigned int n, const char *what);

/* Permit another thread to run here. */
void	wqsim_point(const char *what);

/* Permit the signal to arrive once, at any later point of a thread. */
void	wqsim_signal(int signo);

/*
 * Check at each point, until the schedule ends, that the function returns true.
 * The function must not block, or change what the program uses.
 */
void	wqsim_always(bool (*)(void *), void *, const char *what);

#ifdef __cplusplus
}
#endif

#endif	/* !_SYS_WORKQUEUE_SIM_H_ */
