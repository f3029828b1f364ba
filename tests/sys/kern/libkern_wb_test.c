/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Lines of hexdump() for very large memory.
 */

#include "../../tests.h"

/* Instead of the library's copy, to see its static names. */
#include "../../../sys/kern/subr_libkern.c"

TEST_TC(hex_offset, "a line of hexdump has room for every offset")
{
	static const unsigned char bytes[] = "0123456789abcdef";
	char line[HEXDUMP_WIDTH], want[HEXDUMP_WIDTH];
	size_t off;
	int shift;

	for (shift = 0; shift < (int)(8 * sizeof(off)); shift++) {
		off = ~(size_t)0 >> shift & ~(size_t)(HEXDUMP_LINE - 1);
		hexdump_line(line, off, bytes, HEXDUMP_LINE);
		snprintf(want, sizeof(want), "%03zx  30 31 32 33 34 35 36 37 "
		    "38 39 61 62 63 64 65 66  |0123456789abcdef|", off);
		ATF_REQUIRE_STREQ(want, line);
	}
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, hex_offset);
	return atf_no_error();
}
