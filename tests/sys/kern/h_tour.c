/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The tour as a program, for conditions that must hold before the library is
 * loaded.  The argument is the number of CPUs that the library must find, or 0
 * for any number.
 */

#include "tour.h"

int
main(int argc, char **argv)
{
	struct workqueue *wq;
	int fd, n;

	n = argc > 1 ? atoi(argv[1]) : 0;
	CONFINE_REQUIRE(n == 0 || n == ncpu);
	tour();
	CONFINE_REQUIRE(workqueue_create_polled(&wq, "polled", count, NULL,
	    IPL_NONE, WQ_MPSAFE, &fd) == 0);
	CONFINE_REQUIRE(fd > STDERR_FILENO);
	polled(wq, fd);
	workqueue_destroy(wq);
	return 0;
}
