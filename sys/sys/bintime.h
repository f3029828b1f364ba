/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * bintime: a time in seconds and fractions of 2^-64 seconds.
 */

#ifndef _SYS_BINTIME_H_
#define	_SYS_BINTIME_H_

#include <stdint.h>

struct bintime {
	int64_t		sec;
	uint64_t	frac;
};

#endif	/* !_SYS_BINTIME_H_ */
