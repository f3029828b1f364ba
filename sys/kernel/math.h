/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's header.  While it is included, the names that the kernel headers
 * redefine have their usual meaning.
 */

#pragma push_macro("log")
#undef log
#include_next <math.h>
#pragma pop_macro("log")
