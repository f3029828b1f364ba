/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A runner calls host_callback() before each callback and after it.  Only the
 * simulator uses this: see sim_exit.c.
 */

#ifndef _HOST_HOST_CALL_H_
#define	_HOST_HOST_CALL_H_

#include <stdbool.h>
#include <stdint.h>

#ifdef _WQ_SIM
void	host_callback(uintptr_t func, bool begins);
#else
static inline void
host_callback(uintptr_t func, bool begins)
{

	(void)func;
	(void)begins;
}
#endif

#endif	/* !_HOST_HOST_CALL_H_ */
