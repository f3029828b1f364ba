/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The kernel tests: each returns 0 or an errno value, or panics.
 */

#ifndef _KTEST_H_
#define	_KTEST_H_

int	ktest_roundtrip(void);
int	ktest_wait(void);
int	ktest_threadpool(void);
int	ktest_tsleep(void);

#endif	/* !_KTEST_H_ */
