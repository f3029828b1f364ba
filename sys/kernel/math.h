/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's, in which the names that the kernel headers map to others
 * mean what they always did.
 */

#pragma push_macro("log")
#undef log
#include_next <math.h>
#pragma pop_macro("log")
