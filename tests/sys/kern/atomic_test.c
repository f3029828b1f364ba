/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * atomic_ops(9): what each does and returns; atomicity; the order of membars.
 */

#include <sys/param.h>
#include <sys/atomic.h>

#include "../../tests.h"

/* Each operation of a family on values around the type's ends. */
#define	AT_ARITH(sfx, dsfx, t, max) do {				\
	volatile t v = (max);						\
									\
	atomic_inc_##sfx(&v);						\
	ATF_REQUIRE(v == 0);						\
	atomic_dec_##sfx(&v);						\
	ATF_REQUIRE(v == (max));					\
	ATF_REQUIRE(atomic_inc_##sfx##_nv(&v) == 0);			\
	ATF_REQUIRE(atomic_dec_##sfx##_nv(&v) == (max));		\
	atomic_add_##dsfx(&v, 6);					\
	ATF_REQUIRE(v == 5);						\
	ATF_REQUIRE(atomic_add_##dsfx##_nv(&v, -6) == (max));		\
} while (0)
#define	AT_BITS(sfx, t) do {						\
	volatile t v = 0x5a;						\
									\
	atomic_or_##sfx(&v, 0x21);					\
	ATF_REQUIRE(v == 0x7b);						\
	ATF_REQUIRE(atomic_or_##sfx##_nv(&v, 0x80) == 0xfb);		\
	atomic_and_##sfx(&v, 0x0f);					\
	ATF_REQUIRE(v == 0x0b);						\
	ATF_REQUIRE(atomic_and_##sfx##_nv(&v, ~(t)0x08) == 3);		\
} while (0)
#define	AT_SWAP(sfx, t) do {						\
	volatile t v = 1;						\
									\
	ATF_REQUIRE(atomic_swap_##sfx(&v, 2) == 1);			\
	ATF_REQUIRE(atomic_cas_##sfx(&v, 1, 3) == 2);			\
	ATF_REQUIRE(v == 2);						\
	ATF_REQUIRE(atomic_cas_##sfx(&v, 2, 3) == 2);			\
	ATF_REQUIRE(v == 3);						\
	ATF_REQUIRE(atomic_cas_##sfx##_ni(&v, 3, 4) == 3);		\
	ATF_REQUIRE(v == 4);						\
} while (0)

TEST_TC(ops, "each operation does and returns what it should")
{

	AT_ARITH(32, 32, uint32_t, UINT32_MAX);
	AT_ARITH(uint, int, unsigned int, UINT_MAX);
	AT_ARITH(ulong, long, unsigned long, ULONG_MAX);
	AT_BITS(32, uint32_t);
	AT_BITS(uint, unsigned int);
	AT_BITS(ulong, unsigned long);
	AT_SWAP(32, uint32_t);
	AT_SWAP(uint, unsigned int);
	AT_SWAP(ulong, unsigned long);
#ifdef __HAVE_ATOMIC64_OPS
	AT_ARITH(64, 64, uint64_t, UINT64_MAX);
	AT_BITS(64, uint64_t);
	AT_SWAP(64, uint64_t);
#endif
}

TEST_TC(pointers, "operations on pointers count in bytes")
{
	char a[8], *p = a;

	ATF_REQUIRE(atomic_inc_ptr_nv(&p) == a + 1);
	atomic_inc_ptr(&p);
	atomic_add_ptr(&p, 3);
	ATF_REQUIRE(p == a + 5);
	ATF_REQUIRE(atomic_add_ptr_nv(&p, -2) == a + 3);
	atomic_dec_ptr(&p);
	ATF_REQUIRE(atomic_dec_ptr_nv(&p) == a + 1);
	ATF_REQUIRE(atomic_swap_ptr(&p, a) == a + 1);
	ATF_REQUIRE(atomic_cas_ptr(&p, a + 1, a + 2) == a);
	ATF_REQUIRE(atomic_cas_ptr(&p, a, a + 2) == a);
	ATF_REQUIRE(atomic_cas_ptr_ni(&p, a + 2, a + 4) == a + 2);
	ATF_REQUIRE(p == a + 4);
}

#define	AT_THREADS	4
#define	AT_TURNS	TEST_SCALE(200000)

static volatile unsigned int at_uint;
static volatile uint64_t at_64;
static volatile unsigned int at_bits;
static volatile unsigned int at_cas;

static void *
at_count(void *arg)
{
	unsigned int bit = 1u << *(int *)arg, o;
	int i;

	for (i = 0; i < AT_TURNS; i++) {
		atomic_inc_uint(&at_uint);
		atomic_add_64(&at_64, 3);
		atomic_or_uint(&at_bits, bit);
		atomic_and_uint(&at_bits, ~bit);
		do
			o = atomic_load_relaxed(&at_cas);
		while (atomic_cas_uint(&at_cas, o, o + 1) != o);
	}
	return NULL;
}

TEST_TC(atomic, "no update by many threads is lost")
{
	pthread_t t[AT_THREADS];
	int i, n[AT_THREADS];

	for (i = 0; i < AT_THREADS; i++) {
		n[i] = i;
		t[i] = test_thread(at_count, &n[i]);
	}
	for (i = 0; i < AT_THREADS; i++)
		test_join(t[i]);
	TEST_EQ(AT_THREADS * AT_TURNS, at_uint);
	TEST_EQ(3 * AT_THREADS * AT_TURNS, at_64);
	TEST_EQ(0, at_bits);
	TEST_EQ(AT_THREADS * AT_TURNS, at_cas);
}

static int mp_data;			/* plain */
static unsigned int mp_flag;

static void *
mp_consumer(void *arg)
{
	unsigned int i;
	int *bad = arg;

	for (i = 1; i <= (unsigned)AT_TURNS / 20; i++) {
		while (atomic_load_relaxed(&mp_flag) != 2 * i - 1)
			sched_yield();
		membar_consumer();
		if (mp_data != (int)i)
			(*bad)++;
		membar_release();
		atomic_store_relaxed(&mp_flag, 2 * i);
	}
	return NULL;
}

TEST_TC(message, "a consumer's acquire sees what precedes the producer's "
    "release")
{
	unsigned int i;
	pthread_t t;
	int bad = 0;

	t = test_thread(mp_consumer, &bad);
	for (i = 1; i <= (unsigned)AT_TURNS / 20; i++) {
		mp_data = (int)i;
		membar_producer();
		atomic_store_relaxed(&mp_flag, 2 * i - 1);
		while (atomic_load_relaxed(&mp_flag) != 2 * i)
			sched_yield();
		membar_acquire();
	}
	test_join(t);
	TEST_EQ(0, bad);
}

static unsigned int sb_x, sb_y;
static int sb_r[2];
static pthread_barrier_t sb_barrier;

static void *
sb_other(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < AT_TURNS / 20; i++) {
		pthread_barrier_wait(&sb_barrier);
		atomic_store_relaxed(&sb_y, 1);
		membar_sync();
		sb_r[1] = (int)atomic_load_relaxed(&sb_x);
		pthread_barrier_wait(&sb_barrier);
	}
	return NULL;
}

TEST_TC(storeload, "membar_sync orders a store and a later load")
{
	pthread_t t;
	int i;

	pthread_barrier_init(&sb_barrier, NULL, 2);
	t = test_thread(sb_other, NULL);
	for (i = 0; i < AT_TURNS / 20; i++) {
		sb_x = sb_y = 0;
		pthread_barrier_wait(&sb_barrier);
		atomic_store_relaxed(&sb_x, 1);
		membar_sync();
		sb_r[0] = (int)atomic_load_relaxed(&sb_y);
		pthread_barrier_wait(&sb_barrier);
		ATF_REQUIRE(sb_r[0] || sb_r[1]);
	}
	test_join(t);
	pthread_barrier_destroy(&sb_barrier);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, ops);
	ATF_TP_ADD_TC(tp, pointers);
	ATF_TP_ADD_TC(tp, atomic);
	ATF_TP_ADD_TC(tp, message);
	ATF_TP_ADD_TC(tp, storeload);
	return atf_no_error();
}
