/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A part of the library with planted bugs.  WORKQUEUE_PLANT in the environment
 * is the number of the bug.  See kern_plant.h.
 */

#include <stdlib.h>

int kern_planted;

__attribute__((__constructor__)) static void
plant_load(void)
{
	const char *s;

	if ((s = getenv("WORKQUEUE_PLANT")) != NULL)
		kern_planted = atoi(s);
}
