/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * <sys/mutex.h> defines the levels.
 */

#include <sys/mutex.h>

static kmutex_t lock;

int lockonly_test(void);

int
lockonly_test(void)
{
	int owned;

	mutex_init(&lock, MUTEX_DEFAULT, IPL_NET);
	mutex_spin_enter(&lock);
	owned = mutex_owned(&lock);
	mutex_spin_exit(&lock);
	mutex_destroy(&lock);
	return owned ? 0 : 1;
}
