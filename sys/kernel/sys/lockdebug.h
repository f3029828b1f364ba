/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Empty macros, as in a kernel without LOCKDEBUG: checking mode needs no help
 * from kernel sources.  See accepted(9).
 */

#ifndef _WQK_SYS_LOCKDEBUG_H_
#define	_WQK_SYS_LOCKDEBUG_H_

#include <sys/mutex.h>
#include <sys/rwlock.h>

#define	LOCKDEBUG_BARRIER(lock, slplocks)	((void)0)
#define	LOCKDEBUG_MEM_CHECK(base, size)		((void)0)

#endif	/* !_WQK_SYS_LOCKDEBUG_H_ */
