/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/* The configuration of a kernel: nothing is configured. */
#ifndef _LWQ_LINUX_CONFIG_H_
#define	_LWQ_LINUX_CONFIG_H_



#endif	/* !_LWQ_LINUX_CONFIG_H_ */
