/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Atomic integers.  Their uses are in linux_atomic_use.c, because
 * <stdatomic.h>, which tests.h includes, declares some of the same names.
 */

#define	TEST_OTHERLIB
#include "../../../tests.h"

/* linux_atomic_use.c: NULL, or an error message */
const char *use_values(void);
void	use_add(int);
const char *use_added(int);
int	use_store_buffer(int, int, int);
void	use_lock(int);
int	use_locked(void);

#define	THREADS	4
#define	ROUNDS	TEST_SCALE(200000)

TEST_TC(values, "each operation returns what its name says, and wraps")
{
	const char *wrong = use_values();

	ATF_REQUIRE_MSG(wrong == NULL, "%s", wrong);
}

static void *
add(void *arg)
{

	(void)arg;
	use_add(ROUNDS);
	return NULL;
}

TEST_TC(threads, "no change by one of several threads is lost")
{
	pthread_t t[THREADS];
	const char *wrong;
	int i;

	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_create(&t[i], NULL, add, NULL));
	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_join(t[i], NULL));
	wrong = use_added(THREADS * ROUNDS);
	ATF_REQUIRE_MSG(wrong == NULL, "%s", wrong);
}

static atomic_int at[2], seen[2];
static int variant;

/* Wait for the other thread, so that both proceed within nanoseconds. */
static void
meet(int me, int n)
{
	int i;

	atomic_store(&at[me], n);
	for (i = 0; atomic_load(&at[!me]) < n; i++)
		if (i > 10000)
			sched_yield();
}

static void *
side(void *arg)
{
	int me = *(int *)arg, n, value;

	for (n = 1; n <= TEST_SCALE(50000); n++) {
		meet(me, 2 * n - 1);
		value = use_store_buffer(variant, me, n);
		atomic_store(&seen[me], value);
		meet(me, 2 * n);
		/*
		 * Each has stored and then loaded: at least one saw the
		 * other's store.
		 */
		ATF_REQUIRE_MSG(atomic_load(&seen[0]) == n ||
		    atomic_load(&seen[1]) == n, "variant %d, round %d",
		    variant, n);
	}
	return NULL;
}

TEST_TC(ordered, "an operation that returns a value is a full barrier "
    "between an earlier store and a later load; so is smp_mb()")
{
	int me[2] = { 0, 1 };
	pthread_t t;

	for (variant = 0; variant < 6; variant++) {
		atomic_store(&at[0], 0);
		atomic_store(&at[1], 0);
		TEST_EQ(0, pthread_create(&t, NULL, side, &me[1]));
		side(&me[0]);
		TEST_EQ(0, pthread_join(t, NULL));
	}
}

static void *
locker(void *arg)
{

	(void)arg;
	use_lock(ROUNDS / 10);
	return NULL;
}

TEST_TC(bitlock, "test_and_set_bit_lock and clear_bit_unlock lock, and "
    "smp_store_release publishes earlier stores")
{
	pthread_t t[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_create(&t[i], NULL, locker, NULL));
	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_join(t[i], NULL));
	TEST_EQ(THREADS * (ROUNDS / 10), use_locked());
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, values);
	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, ordered);
	ATF_TP_ADD_TC(tp, bitlock);
	return atf_no_error();
}
