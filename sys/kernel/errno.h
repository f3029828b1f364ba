/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's error numbers.  On Linux the C library includes <linux/errno.h>
 * for them.  A source tree may have its own header of that name, which includes
 * this header again.  So the part below has no include guard.
 */

#include_next <errno.h>

#ifndef EPERM
#if __has_include(<asm/errno.h>)
#include <asm/errno.h>
#endif
#endif
