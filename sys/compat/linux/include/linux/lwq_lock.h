/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A mutex(9) and a condvar(9) with the layout that the library uses.  The
 * headers of locks need the layout to initialise a lock in its declaration.
 * Clients do not include this header.
 */

#ifndef _LWQ_LINUX_LWQ_LOCK_H_
#define	_LWQ_LINUX_LWQ_LOCK_H_

#include <linux/types.h>

struct __lwq_mutex {
	uintptr_t	 __m_owner;
	unsigned char	 __m_ipl, __m_flags;
};

struct __lwq_cv {
	const char	*__c_text;
	unsigned int	 __c_waiters;
};

/* A mutex at IPL_HIGH, an adaptive mutex, a condition variable. */
#define	_LWQ_SPIN	{ .__m_ipl = 7, .__m_flags = 3 }
#define	_LWQ_SLEEP	{ .__m_owner = 1, .__m_flags = 1 }
#define	_LWQ_CV		{ .__c_text = "linux" }

#endif	/* !_LWQ_LINUX_LWQ_LOCK_H_ */
