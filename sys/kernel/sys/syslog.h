/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's priorities, and log(9).
 */

#ifndef _WQK_SYS_SYSLOG_H_
#define	_WQK_SYS_SYSLOG_H_

#ifdef __has_include_next
#if __has_include_next(<sys/syslog.h>)
#include_next <sys/syslog.h>
#endif
#endif
#include <syslog.h>

#ifdef _KERNEL

#include <sys/wq_prf.h>

#define	log	wqk_log
#define	vlog	wqk_vlog
#define	addlog	wqk_addlog

#endif	/* _KERNEL */

#endif	/* !_WQK_SYS_SYSLOG_H_ */
