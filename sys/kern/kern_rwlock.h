/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Readers/writer locks, for the library's own use.
 */

#ifndef _KERN_KERN_RWLOCK_H_
#define	_KERN_KERN_RWLOCK_H_

#include <sys/rwlock.h>

#include "kern.h"

void	rw_init_at(krwlock_t *, const char *, uintptr_t);

#endif	/* !_KERN_KERN_RWLOCK_H_ */
