/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's header.
 */

#ifndef _WQK_SYS_SIGNAL_H_
#define	_WQK_SYS_SIGNAL_H_

/*
 * On BSD, <signal.h> includes <sys/signal.h>, which is this file.  On Linux it
 * does not, and musl warns of its own <sys/signal.h>.
 */
#if defined(__has_include_next) && !defined(__linux__)
#if __has_include_next(<sys/signal.h>)
#include_next <sys/signal.h>
#endif
#endif
#include <signal.h>

#endif	/* !_WQK_SYS_SIGNAL_H_ */
