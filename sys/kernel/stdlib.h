/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's header.  While it is included, the names that the kernel headers
 * redefine have their usual meaning.
 */

#pragma push_macro("malloc")
#pragma push_macro("free")
#pragma push_macro("realloc")
#pragma push_macro("calloc")
#undef malloc
#undef free
#undef realloc
#undef calloc
#include_next <stdlib.h>
#pragma pop_macro("malloc")
#pragma pop_macro("free")
#pragma pop_macro("realloc")
#pragma pop_macro("calloc")
