/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's, in which the names that the kernel headers map to others
 * mean what they always did.
 */

/* Now, or the host's would include it in between. */
#include <sys/cdefs.h>

#pragma push_macro("__used")
#undef __used
#include_next <spawn.h>
#pragma pop_macro("__used")
