/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A program of several small tests.  Its first argument names the test to run.
 */

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct test {
	const char	*t_name;
	void		(*t_func)(void);
};

/* Run the test that argv[1] names.  Return the program's exit status. */
static int
run_test(const struct test *t, size_t n, char **argv)
{

	for (; n > 0; n--, t++)
		if (argv[1] != NULL && strcmp(argv[1], t->t_name) == 0) {
			(*t->t_func)();
			return 0;
		}
	(void)fprintf(stderr, "usage: %s test [argument]\n", argv[0]);
	return 2;
}
