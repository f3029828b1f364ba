/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _LEVEL_H_
#define	_LEVEL_H_

#include <sys/intr.h>

/* Return the caller's level. */
static inline int
level(void)
{
	int s;

	s = splhigh();
	splx(s);
	return s;
}

#endif	/* !_LEVEL_H_ */
