/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's header.  While it is included, the names that the kernel headers
 * redefine have their usual meaning.
 */

/* Include this here, so that the host's header does not include it below. */
#include <sys/cdefs.h>

#pragma push_macro("__used")
#undef __used
#include_next <spawn.h>
#pragma pop_macro("__used")
