/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A time in seconds and 2^-64 of one.
 */

#ifndef _SYS_BINTIME_H_
#define	_SYS_BINTIME_H_

#include <stdint.h>

struct bintime {
	int64_t		sec;
	uint64_t	frac;
};

#endif	/* !_SYS_BINTIME_H_ */
