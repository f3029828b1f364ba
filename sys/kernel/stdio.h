/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's header.  While it is included, the names that the kernel headers
 * redefine have their usual meaning.
 */

#pragma push_macro("printf")
#pragma push_macro("vprintf")
#pragma push_macro("snprintf")
#pragma push_macro("vsnprintf")
#undef printf
#undef vprintf
#undef snprintf
#undef vsnprintf
#include_next <stdio.h>
#pragma pop_macro("printf")
#pragma pop_macro("vprintf")
#pragma pop_macro("snprintf")
#pragma pop_macro("vsnprintf")
