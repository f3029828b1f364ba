/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Includes <sys/systm.h> only, and uses what that includes.
 */

#include <sys/systm.h>

int systmonly_test(void);

int
systmonly_test(void)
{
	unsigned int flags = 0;

	SET(flags, 0x05);
	CLR(flags, 0x01);
	return !(ISSET(flags, 0x04) && !ISSET(flags, 0x01) &&
	    popcount32(0xf0U) == 4 && popcount64(~0ULL) == 64);
}
