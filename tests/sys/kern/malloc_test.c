/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * malloc(9).
 */

#include "../../tests.h"
#include "memory.h"

#include <sys/intr.h>
#include <sys/kmem.h>
#include <sys/systm.h>

/* The kernel's functions: with three arguments, and with two to free. */
#define	_KERNEL
#include <sys/malloc.h>

MALLOC_DECLARE(M_MINE);
MALLOC_DEFINE(M_MINE, "mine", "this test's");

static void
sizes(void)
{
	static const size_t list[] = { 0, 1, 8, 33, 4096, 100000 };
	char *p[TEST_NELEM(list)];
	size_t i;

	for (i = 0; i < TEST_NELEM(list); i++) {
		p[i] = malloc(list[i], i % 2 != 0 ? M_TEMP : M_MINE,
		    i % 3 == 0 ? M_WAITOK | M_ZERO : M_NOWAIT);
		ATF_REQUIRE(p[i] != NULL);
		TEST_EQ(0, (uintptr_t)p[i] % _Alignof(max_align_t));
		ATF_REQUIRE(i % 3 != 0 || filled(p[i], 0, list[i]));
		memset(p[i], (int)i + 1, list[i]);
	}
	for (i = 0; i < TEST_NELEM(list); i++) {
		ATF_REQUIRE(filled(p[i], (int)i + 1, list[i]));
		free(p[i], i % 2 != 0 ? M_TEMP : M_MINE);
	}
}

TEST_TC(alloc, "memory of any size is aligned, apart, and zeroed if asked")
{

	test_env("WORKQUEUE_CHECK", NULL);
	sizes();
}

TEST_TC(alloc_checking, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	sizes();
}

TEST_TC(host, "the host's functions of the same names remain usable")
{
	char *p;

	p = malloc(10);
	ATF_REQUIRE(p != NULL);
	p = realloc(p, 20);
	ATF_REQUIRE(p != NULL);
	free(p);
}

static void
sizes_realloc(void)
{
	char *p;

	p = realloc(NULL, 10, M_TEMP, M_WAITOK);
	memset(p, 7, 10);
	p = realloc(p, 100000, M_TEMP, M_WAITOK | M_ZERO);
	ATF_REQUIRE(filled(p, 7, 10));
	ATF_REQUIRE(filled(p + 10, 0, 100000 - 10));
	/* A failed call leaves the memory unchanged. */
	ATF_REQUIRE(realloc(p, SIZE_MAX, M_TEMP, M_NOWAIT) == NULL);
	ATF_REQUIRE(filled(p, 7, 10));
	p = realloc(p, 5, M_TEMP, M_NOWAIT);
	ATF_REQUIRE(p != NULL && filled(p, 7, 5));
	ATF_REQUIRE(realloc(p, 0, M_TEMP, M_WAITOK) == NULL);
}

TEST_TC(resize, "realloc() keeps the contents")
{

	test_env("WORKQUEUE_CHECK", NULL);
	sizes_realloc();
}

TEST_TC(resize_checking, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	sizes_realloc();
}

TEST_TC(canfail, "an impossible size returns NULL with M_CANFAIL or M_NOWAIT")
{

	ATF_REQUIRE(malloc(SIZE_MAX, M_TEMP, M_WAITOK | M_CANFAIL) == NULL);
	ATF_REQUIRE(malloc(SIZE_MAX - 7, M_TEMP, M_NOWAIT) == NULL);
}

static void *intr_p;

static int
intr_alloc(void *arg)
{

	(void)arg;
	free(intr_p, M_DEVBUF);
	intr_p = malloc(100, M_DEVBUF, M_NOWAIT | M_ZERO);
	return 1;
}

static int
intr_wait(void *arg)
{

	(void)arg;
	(void)malloc(100, M_DEVBUF, M_WAITOK);
	return 1;
}

TEST_TC(intr, "malloc works in interrupt context, with M_NOWAIT")
{
	void *ih;
	int i;

	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, intr_alloc, NULL);
	ATF_REQUIRE(ih != NULL);
	intr_p = malloc(100, M_DEVBUF, M_WAITOK);
	for (i = 0; i < 10000; i++) {
		intr_inject(ih);
		ATF_REQUIRE(intr_p != NULL && filled(intr_p, 0, 100));
	}
	free(intr_p, M_DEVBUF);
	intr_disestablish(ih);
}

static void
intr_waitok(void)
{
	void *ih;

	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, intr_wait, NULL);
	intr_inject(ih);
}

static void
never(void)
{

	(void)malloc(SIZE_MAX, M_TEMP, M_WAITOK);
}

static void
flags(void)
{

	(void)malloc(1, M_TEMP, 0x80);
}

static void
free_null(void)
{

	free(NULL, M_TEMP);
}

TEST_TC(misuse, "unknown flags, NULL and impossible sizes panic")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(flags, "malloc: flags 0x80", NULL);
	test_panics(free_null, "free: NULL", NULL);
	test_panics(never, "malloc: ", "can never be allocated", NULL);
	test_panics(intr_waitok, "malloc: waiting for memory in interrupt "
	    "context", NULL);
}

static void
type_mismatch(void)
{

	free(malloc(1, M_TEMP, M_WAITOK), M_MINE);
}

static void
type_realloc(void)
{

	(void)realloc(malloc(1, M_TEMP, M_WAITOK), 10, M_MINE, M_WAITOK);
}

static void
double_free(void)
{
	void *p;

	p = malloc(1, M_TEMP, M_WAITOK);
	free(p, M_TEMP);
	free(p, M_TEMP);
}

static void
overrun(void)
{
	volatile char *p;

	p = malloc(10, M_TEMP, M_WAITOK);
	p[10] = 0;
	free((void *)(uintptr_t)p, M_TEMP);
}

static void
other_allocator(void)
{

	free(kmem_alloc(8, KM_SLEEP), M_TEMP);
}

static void
to_kmem(void)
{

	kmem_free(malloc(8, M_TEMP, M_WAITOK), 8);
}

TEST_TC(checking, "checking mode finds type, double free, overrun and context "
    "errors")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(type_mismatch, "free: type mismatch: 0x",
	    "allocated \"temp\" freed \"mine\"", "allocated at ", NULL);
	test_panics(type_realloc, "realloc: type mismatch: 0x", NULL);
	test_panics(double_free, "free: 0x", "is free already", NULL);
	test_panics(overrun, "free: 0x", "was written beyond its 10 bytes",
	    NULL);
	test_panics(other_allocator, "free: 0x", "is from kmem(9)", NULL);
	test_panics(to_kmem, "kmem_free: 0x", "is from malloc(9)", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, alloc);
	ATF_TP_ADD_TC(tp, alloc_checking);
	ATF_TP_ADD_TC(tp, host);
	ATF_TP_ADD_TC(tp, resize);
	ATF_TP_ADD_TC(tp, resize_checking);
	ATF_TP_ADD_TC(tp, canfail);
	ATF_TP_ADD_TC(tp, intr);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, checking);
	return atf_no_error();
}
