/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's own <linux/types.h>, if it has one.  This is a separate file so
 * that the compiler does not warn of #include_next.
 */

#pragma GCC system_header

#if defined(__has_include_next)
#if __has_include_next(<linux/types.h>)
#include_next <linux/types.h>
#endif
#endif
