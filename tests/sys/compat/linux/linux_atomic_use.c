/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The part of linux_atomic_test that uses <linux/atomic.h>.
 */

#include <asm/atomic.h>
#include <linux/bitops.h>
#include <linux/sched.h>

const char *use_values(void);
void	use_add(int);
const char *use_added(int);
int	use_store_buffer(int, int, int);
void	use_lock(int);
int	use_locked(void);

#define	WANT(value, expr)						\
	do {								\
		if ((expr) != (value))					\
			return #expr " is not " #value;			\
	} while (0)

const char *
use_values(void)
{
	atomic_t a = ATOMIC_INIT(5);
	atomic64_t a64 = ATOMIC64_INIT(INT64_C(1) << 40);
	atomic_long_t along = ATOMIC_LONG_INIT(-1);
	unsigned long word = 7;
	unsigned int word32 = 1;
	int old, *p = &old;

	WANT(5, atomic_read(&a));
	atomic_set(&a, 7);
	WANT(10, atomic_add_return(3, &a));
	WANT(8, atomic_sub_return(2, &a));
	WANT(9, atomic_inc_return(&a));
	WANT(8, atomic_dec_return(&a));
	WANT(8, atomic_fetch_add(2, &a));
	WANT(10, atomic_fetch_sub_release(1, &a));
	WANT(9, atomic_fetch_inc_acquire(&a));
	WANT(10, atomic_fetch_dec_relaxed(&a));
	WANT(9, atomic_fetch_and(0xd, &a));
	WANT(9, atomic_fetch_or(2, &a));
	WANT(11, atomic_fetch_xor(1, &a));
	WANT(10, atomic_fetch_andnot(2, &a));
	WANT(8, atomic_fetch_xor_relaxed(0xf, &a));
	WANT(7, atomic_xchg(&a, 20));
	WANT(20, atomic_cmpxchg(&a, 21, 22));
	WANT(20, atomic_cmpxchg(&a, 20, 22));
	old = 1;
	WANT(false, atomic_try_cmpxchg(&a, &old, 3));
	WANT(22, old);
	WANT(true, atomic_try_cmpxchg(&a, &old, 2));
	WANT(false, atomic_dec_and_test(&a));
	WANT(true, atomic_dec_and_test(&a));
	WANT(false, atomic_inc_not_zero(&a));
	WANT(-1, atomic_dec_if_positive(&a));
	WANT(0, atomic_read_acquire(&a));
	atomic_set_release(&a, 1);
	WANT(true, atomic_inc_not_zero(&a));
	WANT(false, atomic_add_unless(&a, 1, 2));
	WANT(2, atomic_fetch_add_unless(&a, 1, 3));
	WANT(true, atomic_sub_and_test(3, &a));
	WANT(true, atomic_add_negative(-1, &a));
	WANT(true, atomic_inc_and_test(&a));
	atomic_add(3, &a);
	atomic_sub(1, &a);
	atomic_inc(&a);
	atomic_dec(&a);
	atomic_or(8, &a);
	atomic_and(0xc, &a);
	atomic_xor(1, &a);
	atomic_andnot(8, &a);
	WANT(1, atomic_read(&a));
	atomic_set(&a, INT_MAX);
	WANT(INT_MIN, atomic_inc_return(&a));
	WANT(INT_MAX, atomic_dec_return(&a));

	WANT((INT64_C(1) << 40) + 1, atomic64_inc_return(&a64));
	WANT((INT64_C(1) << 40) + 1, atomic64_fetch_add(1, &a64));
	WANT(true, atomic_long_inc_and_test(&along));
	WANT(0, atomic_long_read(&along));

	WANT(7, xchg(&word, 9UL));
	WANT(9, cmpxchg(&word, 1UL, 2UL));
	WANT(9, cmpxchg(&word, 9UL, 2UL));
	WANT(2, word);
	WANT(1, xchg(&word32, 5u));
	WANT(5, cmpxchg(&word32, 5u, 6u));
	WANT(&old, xchg(&p, (int *)0));
	WANT((int *)0, cmpxchg(&p, (int *)0, &old));
	WANT(&old, p);
	return NULL;
}

static atomic_t counter, orred;
static atomic64_t counter64;

void
use_add(int rounds)
{
	int i;

	for (i = 0; i < rounds; i++) {
		atomic_inc(&counter);
		atomic64_fetch_xor(1, &counter64);
		(void)atomic64_add_return(2, &counter64);
		(void)atomic_add_unless(&orred, 1, -1);
	}
}

const char *
use_added(int n)
{

	WANT(n, atomic_read(&counter));
	WANT(n, atomic_read(&orred));
	WANT(2 * (int64_t)n + (n & 1), atomic64_read(&counter64));
	return NULL;
}

static atomic_t mine[2], scratch;
static unsigned long bits;

/* Store to our word, order this by a full barrier, and load the other word. */
int
use_store_buffer(int variant, int me, int value)
{

	atomic_set(&mine[me], value);
	switch (variant) {
	case 0:
		(void)atomic_inc_return(&scratch);
		break;
	case 1:
		(void)atomic_xchg(&scratch, 1);
		break;
	case 2:
		(void)atomic_fetch_xor(1, &scratch);
		break;
	case 3:
		(void)test_and_set_bit(3, &bits);
		break;
	case 4:
		atomic_inc(&scratch);
		smp_mb__after_atomic();
		break;
	default:
		smp_mb();
		break;
	}
	return atomic_read(&mine[!me]);
}

static int locked;

void
use_lock(int rounds)
{
	int i;

	for (i = 0; i < rounds; i++) {
		while (test_and_set_bit_lock(5, &bits))
			schedule_timeout_interruptible(0);
		locked++;
		clear_bit_unlock(5, &bits);
	}
}

int
use_locked(void)
{

	return locked;
}
