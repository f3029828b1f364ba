/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Timers of Linux, in both dialects.
 */

#include "linux_test.h"

#include <linux/timer.h>

#define	ROUNDS	TEST_SCALE(3000)

static atomic_int fired, running;
static unsigned long when, data_seen;
static sem_t entered, opened;

static void
old_func(unsigned long data)
{

	data_seen = data;
	when = jiffies;
	atomic_fetch_add(&fired, 1);
}

struct dev {
	int		 number;
	struct timer_list timer;
};

static void
new_func(struct timer_list *t)
{
	struct dev *d = from_timer(d, t, timer);

	data_seen = (unsigned long)d->number;
	when = jiffies;
	atomic_fetch_add(&fired, 1);
}

static DEFINE_TIMER(declared_new, new_func);
static DEFINE_TIMER(declared_old, old_func, 0, 11);
static struct timer_list initialised = TIMER_INITIALIZER(old_func, 0, 12);

TEST_TC(dialects, "a timer calls its function once, not before its time, "
    "with the argument of its dialect")
{
	struct timer_list t;
	struct dev d = { .number = 9 };
	unsigned long start;

	/* 2003: fields, set before or after the call. */
	t.function = old_func;
	init_timer(&t);
	t.data = 5;
	start = jiffies;
	t.expires = start + 2;
	TEST_EQ(0, timer_pending(&t));
	add_timer(&t);
	TEST_AWAIT(atomic_load(&fired) == 1);
	TEST_EQ(0, timer_pending(&t));
	TEST_EQ(5, data_seen);
	ATF_REQUIRE(time_after_eq(when, start + 2));
	setup_timer(&t, old_func, 6);
	TEST_EQ(0, mod_timer(&t, jiffies));
	TEST_AWAIT(atomic_load(&fired) == 2);
	TEST_EQ(6, data_seen);

	timer_setup(&d.timer, new_func, 0);
	start = jiffies;
	TEST_EQ(0, mod_timer(&d.timer, start + 1));
	TEST_AWAIT(atomic_load(&fired) == 3);
	TEST_EQ(9, data_seen);
	ATF_REQUIRE(time_after_eq(when, start + 1));

	/* A timer that was only declared.  A time in the past means now. */
	mod_timer(&declared_old, jiffies - 100);
	TEST_AWAIT(atomic_load(&fired) == 4);
	TEST_EQ(11, data_seen);
	initialised.expires = jiffies;
	add_timer(&initialised);
	TEST_AWAIT(atomic_load(&fired) == 5);
	TEST_EQ(12, data_seen);
	TEST_EQ(0, del_timer(&declared_new));
	TEST_EQ(0, del_timer_sync(&declared_new));
	TEST_EQ(0, timer_pending(&declared_new));
	TEST_EQ(0, mod_timer_pending(&declared_new, jiffies));
	TEST_EQ(0, del_timer_sync(&t));
	TEST_EQ(0, del_timer_sync(&d.timer));
	TEST_EQ(5, atomic_load(&fired));
}

TEST_TC(modified, "mod_timer and its relatives return whether the timer was "
    "pending, and the last time counts")
{
	struct dev d;

	timer_setup(&d.timer, new_func, TIMER_DEFERRABLE);
	TEST_EQ(0, mod_timer(&d.timer, jiffies + 1000000));
	TEST_EQ(1, timer_pending(&d.timer));
	TEST_EQ(1, mod_timer(&d.timer, jiffies + 2000000));
	TEST_EQ(1, timer_reduce(&d.timer, jiffies + 3000000));
	ATF_REQUIRE(time_before_eq(d.timer.expires, jiffies + 2000000));
	TEST_EQ(1, del_timer(&d.timer));
	TEST_EQ(0, del_timer(&d.timer));
	TEST_EQ(0, mod_timer_pending(&d.timer, jiffies));
	TEST_EQ(0, timer_pending(&d.timer));
	TEST_EQ(0, timer_reduce(&d.timer, jiffies + 1000000));
	TEST_EQ(1, timer_reduce(&d.timer, jiffies));
	TEST_AWAIT(atomic_load(&fired) == 1);
	TEST_EQ(0, mod_timer(&d.timer, jiffies + 1000000));
	TEST_EQ(1, mod_timer_pending(&d.timer, jiffies));
	TEST_AWAIT(atomic_load(&fired) == 2);
	TEST_EQ(0, mod_timer(&d.timer, jiffies + 1000000));
	TEST_EQ(1, timer_shutdown_sync(&d.timer));
	TEST_EQ(0, mod_timer(&d.timer, jiffies));
	TEST_EQ(0, timer_pending(&d.timer));
	TEST_EQ(0, timer_shutdown(&d.timer));
	TEST_EQ(2, atomic_load(&fired));
}

static void
gate_func(struct timer_list *t)
{

	(void)t;
	atomic_store(&running, 1);
	sem_post(&entered);
	test_sem_wait(&opened);
	atomic_store(&running, 0);
	atomic_fetch_add(&fired, 1);
}

static void *
opens(void *arg)
{

	pause_ms(20);
	sem_post(arg);
	return NULL;
}

TEST_TC(sync, "del_timer_sync waits for a running function and returns 0; "
    "del_timer does not wait; try_to_del_timer_sync does not wait and "
    "returns -1")
{
	struct timer_list t;
	pthread_t p;

	sem_init(&entered, 0, 0);
	sem_init(&opened, 0, 0);
	timer_setup(&t, gate_func, 0);
	mod_timer(&t, jiffies);
	test_sem_wait(&entered);
	TEST_EQ(0, timer_pending(&t));
	TEST_EQ(0, del_timer(&t));
	TEST_EQ(-1, try_to_del_timer_sync(&t));
	TEST_EQ(1, atomic_load(&running));
	TEST_EQ(0, pthread_create(&p, NULL, opens, &opened));
	TEST_EQ(0, del_timer_sync(&t));
	TEST_EQ(0, atomic_load(&running));
	TEST_EQ(1, atomic_load(&fired));
	TEST_EQ(0, pthread_join(p, NULL));
	/* A timer that is armed while its function runs is pending. */
	mod_timer(&t, jiffies);
	test_sem_wait(&entered);
	TEST_EQ(0, mod_timer(&t, jiffies + 1000000));
	TEST_EQ(-1, try_to_del_timer_sync(&t));
	TEST_EQ(1, timer_pending(&t));
	TEST_EQ(0, pthread_create(&p, NULL, opens, &opened));
	TEST_EQ(1, del_timer_sync(&t));
	TEST_EQ(0, atomic_load(&running));
	TEST_EQ(0, timer_pending(&t));
	TEST_EQ(0, pthread_join(p, NULL));
	/* The function does not run, so the call never returns -1. */
	TEST_EQ(0, try_to_del_timer_sync(&t));
	mod_timer(&t, jiffies + 1000000);
	TEST_EQ(1, try_to_del_timer_sync(&t));
	TEST_EQ(0, timer_pending(&t));
}

static atomic_int references;

static void
rearm_func(struct timer_list *t)
{

	atomic_store(&running, 1);
	/*
	 * If the timer was not pending, the next run inherits the reference of
	 * this run.
	 */
	if (mod_timer(t, jiffies) != 0)
		atomic_fetch_sub(&references, 1);
	atomic_fetch_add(&fired, 1);
	atomic_store(&running, 0);
}

TEST_TC(rearming, "del_timer_sync ends a timer whose function always arms it "
    "again, and returns that it was pending")
{
	struct timer_list t;
	int i, n;

	for (i = 0; i < 20; i++) {
		timer_setup(&t, rearm_func, 0);
		n = atomic_load(&fired);
		atomic_store(&references, 1);
		mod_timer(&t, jiffies);
		TEST_AWAIT(atomic_load(&fired) > n);
		TEST_EQ(1, del_timer_sync(&t));
		TEST_EQ(0, atomic_load(&running));
		TEST_EQ(0, timer_pending(&t));
		TEST_EQ(1, atomic_load(&references));
		memset(&t, 0x5a, sizeof(t));
	}
}

static void
frees_func(struct timer_list *t)
{
	struct dev *d = timer_container_of(d, t, timer);

	free(d);
	atomic_fetch_add(&fired, 1);
}

TEST_TC(counted, "each arming is either called or deleted with 1, never "
    "both; the function may free its timer")
{
	struct dev *d;
	int deleted = 0, i;

	for (i = 0; i < ROUNDS / 10; i++) {
		ATF_REQUIRE((d = malloc(sizeof(*d))) != NULL);
		timer_setup(&d->timer, frees_func, 0);
		TEST_EQ(0, mod_timer(&d->timer, jiffies +
		    (i % 3 == 0 ? 1000000 : 0)));
		if (i % 3 == 0) {
			TEST_EQ(1, del_timer(&d->timer));
			free(d);
			deleted++;
		}
	}
	TEST_AWAIT(atomic_load(&fired) == ROUNDS / 10 - deleted);
}

static struct timer_list contended;
static atomic_int ends;

static void
contended_func(struct timer_list *t)
{

	(void)t;
	atomic_fetch_add(&fired, 1);
}

static void *
contends(void *arg)
{
	int *was = arg, i;

	for (i = 0; i < ROUNDS; i++) {
		/*
		 * Each time that the timer was pending, it is called once less.
		 */
		*was += mod_timer(&contended, jiffies + (i & 1));
		if (i % 7 == 0)
			*was += del_timer(&contended);
		if (i % 64 == 0)
			pause_ms(1);
	}
	atomic_fetch_add(&ends, 1);
	return NULL;
}

TEST_TC(threads, "several threads arm and delete one timer: each arming is a "
    "call or was found pending")
{
	int i, was[3] = { 0 };
	pthread_t t[2];

	timer_setup(&contended, contended_func, 0);
	for (i = 0; i < 2; i++)
		TEST_EQ(0, pthread_create(&t[i], NULL, contends, &was[i]));
	for (i = 0; i < 2; i++)
		TEST_EQ(0, pthread_join(t[i], NULL));
	was[2] = del_timer_sync(&contended);
	TEST_EQ(2 * ROUNDS, atomic_load(&fired) + was[0] + was[1] + was[2]);
}

static void
no_function(void)
{
	struct timer_list t;

	t.function = NULL;
	init_timer(&t);
	mod_timer(&t, jiffies);
}

static void
added_twice(void)
{
	static struct timer_list t;

	timer_setup(&t, new_func, 0);
	t.expires = jiffies + 10000;
	add_timer(&t);
	add_timer(&t);
}

TEST_TC(misuse, "a timer without a function, and adding a pending one, panic")
{

	test_aborts(no_function, "mod_timer: timer ", " has no function", NULL);
	test_aborts(added_twice, "add_timer: timer ", " is pending", NULL);
}

static void
in_child(void)
{
	struct dev d = { .number = 3 };

	atomic_store(&fired, 0);
	timer_setup(&d.timer, new_func, 0);
	mod_timer(&d.timer, jiffies);
	while (atomic_load(&fired) == 0)
		pause_ms(1);
	if (del_timer_sync(&d.timer) != 0 || !timer_pending(&contended) ||
	    del_timer_sync(&contended) != 1)
		_exit(1);
}

TEST_TC(fork, "a forked child has its own timers; a timer of the parent is "
    "pending there and is not called")
{

	if (!TEST_CHILDTHREADS)
		atf_tc_skip("sanitizer: no threads in a child");
	timer_setup(&contended, contended_func, 0);
	mod_timer(&contended, jiffies + 1000000);
	test_lives(in_child);
	TEST_EQ(1, del_timer(&contended));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, dialects);
	ATF_TP_ADD_TC(tp, modified);
	ATF_TP_ADD_TC(tp, sync);
	ATF_TP_ADD_TC(tp, rearming);
	ATF_TP_ADD_TC(tp, counted);
	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, fork);
	return atf_no_error();
}
