/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kcpuset(9).
 */

#include <sys/cpu.h>
#include <sys/kcpuset.h>
#include <sys/systm.h>

#include "../../tests.h"

#define	MANY	1024

TEST_TC(members, "a set has exactly the CPUs that were put into it")
{
	static const unsigned in[] = { 0, 1, 31, 32, 63, 64, 1000, 1023 };
	kcpuset_t *kc;
	unsigned i, n;

	kcpuset_create(&kc, true);
	ATF_REQUIRE(kcpuset_iszero(kc));
	TEST_EQ(0, kcpuset_ffs(kc));
	TEST_EQ(0, kcpuset_countset(kc));
	for (i = 0; i < TEST_NELEM(in); i++)
		kcpuset_set(kc, in[i]);
	TEST_EQ(TEST_NELEM(in), kcpuset_countset(kc));
	for (i = n = 0; i < MANY; i++)
		if (kcpuset_isset(kc, i))
			TEST_EQ(in[n++], i);
	TEST_EQ(TEST_NELEM(in), n);
	/* Clear the members in order, until only the last one is left. */
	for (i = 0; i < TEST_NELEM(in); i++) {
		TEST_EQ(in[i] + 1, kcpuset_ffs(kc));
		ATF_REQUIRE(kcpuset_isotherset(kc, in[i]) ==
		    (i + 1 < TEST_NELEM(in)));
		kcpuset_clear(kc, in[i]);
	}
	ATF_REQUIRE(kcpuset_iszero(kc));
	ATF_REQUIRE(!kcpuset_isotherset(kc, 5));
	kcpuset_fill(kc);
	TEST_EQ(MANY, kcpuset_countset(kc));
	kcpuset_zero(kc);
	ATF_REQUIRE(kcpuset_iszero(kc));
	kcpuset_destroy(kc);
}

static void
check(const kcpuset_t *kc, unsigned first, unsigned step, unsigned end)
{
	unsigned i;

	for (i = 0; i < MANY; i++)
		TEST_EQ(i >= first && i < end && (i - first) % step == 0,
		    kcpuset_isset(kc, i));
}

TEST_TC(algebra, "sets are merged, intersected, removed, compared and copied")
{
	kcpuset_t *a, *b, *c;
	unsigned i;

	kcpuset_create(&a, true);
	kcpuset_create(&b, true);
	for (i = 0; i < 600; i += 2)
		kcpuset_set(a, i);
	for (i = 0; i < 600; i += 3)
		kcpuset_set(b, i);
	kcpuset_clone(&c, a);
	ATF_REQUIRE(kcpuset_match(a, c));
	ATF_REQUIRE(!kcpuset_match(a, b));
	kcpuset_intersect(c, b);
	check(c, 0, 6, 600);
	ATF_REQUIRE(kcpuset_intersecting_p(a, b));
	TEST_EQ(1, kcpuset_ffs_intersecting(a, b));
	kcpuset_copy(c, a);
	check(c, 0, 2, 600);
	kcpuset_remove(c, a);
	ATF_REQUIRE(kcpuset_iszero(c));
	ATF_REQUIRE(!kcpuset_intersecting_p(a, c));
	TEST_EQ(0, kcpuset_ffs_intersecting(a, c));
	kcpuset_merge(c, b);
	kcpuset_remove(c, a);
	check(c, 3, 6, 600);
	/* The same with the atomic functions. */
	kcpuset_atomicly_merge(c, a);
	TEST_EQ(400, kcpuset_countset(c));
	kcpuset_atomicly_remove(c, a);
	check(c, 3, 6, 600);
	kcpuset_atomicly_intersect(c, a);
	ATF_REQUIRE(kcpuset_iszero(c));
	kcpuset_unuse(c, NULL);
	kcpuset_use(b);
	kcpuset_destroy(b);
	check(b, 0, 3, 600);
	kcpuset_destroy(b);
	kcpuset_destroy(a);
}

static kcpuset_t *shared;

static void *
toggle(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;
	int i;

	for (i = 0; i < TEST_SCALE(300000); i++) {
		kcpuset_atomic_clear(shared, cpu);
		ATF_REQUIRE(!kcpuset_isset(shared, cpu));
		kcpuset_atomic_set(shared, cpu);
		ATF_REQUIRE(kcpuset_isset(shared, cpu));
	}
	return NULL;
}

TEST_TC(atomic, "many threads set and clear CPUs, and no change is lost")
{
	pthread_t t[4];
	uintptr_t i;

	kcpuset_create(&shared, true);
	for (i = 0; i < 4; i++)
		t[i] = test_thread(toggle, (void *)i);
	for (i = 0; i < 4; i++)
		test_join(t[i]);
	TEST_EQ(4, kcpuset_countset(shared));
	kcpuset_destroy(shared);
}

TEST_TC(running, "kcpuset_running has all CPUs")
{

	test_env("WORKQUEUE_NCPU", "37");
	TEST_EQ(37, kcpuset_countset(kcpuset_running));
	check(kcpuset_running, 0, 1, 37);
	ATF_REQUIRE(kcpuset_match(kcpuset_running, kcpuset_attached));
}

static void
far_off(void)
{
	kcpuset_t *kc;

	kcpuset_create(&kc, true);
	kcpuset_set(kc, MANY);
}

TEST_TC(misuse, "an impossible CPU panics")
{

	test_panics(far_off, "kcpuset_set: CPU 1024", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, members);
	ATF_TP_ADD_TC(tp, algebra);
	ATF_TP_ADD_TC(tp, atomic);
	ATF_TP_ADD_TC(tp, running);
	ATF_TP_ADD_TC(tp, misuse);
	return atf_no_error();
}
