/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * KASSERT(9) in a client that defines DEBUG and NDIAGNOSTIC.
 */

#define	DEBUG
#define	NDIAGNOSTIC
#include <sys/systm.h>

#include "../../tests.h"

static volatile int three = 3;

static void
kdassert_false(void)
{

	KDASSERT(three == 4);
}

static void
kdassertmsg_false(void)
{

	KDASSERTMSG(three == 4, "three is %d", three);
}

TEST_TC(kdassert_with_debug, "KDASSERT with DEBUG panics on false with the "
    "expression, the place and the message")
{

	KDASSERT(three == 3);
	KDASSERTMSG(three == 3, "three is %d", three);
	test_panics(kdassert_false, "panic: kernel debugging assertion",
	    "\"three == 4\" failed", "panic_debug_test.c", NULL);
	test_panics(kdassertmsg_false, "three is 3", NULL);
}

static void
kasserts(void)
{
	int evaluated = 0;

	KASSERT(++evaluated == 100);
	KASSERTMSG(++evaluated == 100, "evaluated %d times", evaluated);
	if (evaluated != 0)
		_exit(4);
}

TEST_TC(kassert_with_ndiagnostic, "KASSERT with NDIAGNOSTIC evaluates nothing")
{

	test_lives(kasserts);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, kdassert_with_debug);
	ATF_TP_ADD_TC(tp, kassert_with_ndiagnostic);
	return atf_no_error();
}
