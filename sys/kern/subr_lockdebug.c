/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The checking mode of locks.
 */

#include "kern.h"

void
lockdebug_alloc(const void *obj, const char *kind, uintptr_t site)
{

	(void)obj;
	(void)kind;
	(void)site;
}

void
lockdebug_free(const void *obj, const char *kind)
{

	(void)obj;
	(void)kind;
}

void
lockdebug_wantlock(const void *obj, const char *kind)
{

	(void)obj;
	(void)kind;
}

void
lockdebug_locked(const void *obj, const char *kind)
{

	(void)obj;
	(void)kind;
}

void
lockdebug_barrier(const char *what, const void *func)
{

	(void)what;
	(void)func;
}

void
lockdebug_unlocked(const void *obj, const char *kind)
{

	(void)obj;
	(void)kind;
}
