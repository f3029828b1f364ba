/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's.
 */

#ifndef _WQK_SYS_SIGNAL_H_
#define	_WQK_SYS_SIGNAL_H_

#ifdef __has_include_next
#if __has_include_next(<sys/signal.h>)
#include_next <sys/signal.h>
#endif
#endif
#include <signal.h>

#endif	/* !_WQK_SYS_SIGNAL_H_ */
