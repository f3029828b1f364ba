/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kernel_lock(9): exclusion, recursion, and release while sleeping.
 */

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/systm.h>

#include "../../tests.h"

static int shared;			/* under the kernel lock; plain */

TEST_TC(recursion, "the lock is recursive, its depth is returned and restored, "
    "and it is free only after the last release")
{
	int n;

	ATF_REQUIRE(!KERNEL_LOCKED_P());
	KERNEL_LOCK(1, NULL);
	ATF_REQUIRE(KERNEL_LOCKED_P());
	KERNEL_LOCK(3, NULL);
	KERNEL_UNLOCK_ONE(NULL);
	ATF_REQUIRE(KERNEL_LOCKED_P());
	n = -1;
	KERNEL_UNLOCK_ALL(NULL, &n);
	TEST_EQ(3, n);
	ATF_REQUIRE(!KERNEL_LOCKED_P());
	KERNEL_LOCK(n, NULL);
	KERNEL_UNLOCK_ONE(NULL);
	KERNEL_UNLOCK_ONE(NULL);
	ATF_REQUIRE(KERNEL_LOCKED_P());
	KERNEL_UNLOCK_LAST(NULL);
	ATF_REQUIRE(!KERNEL_LOCKED_P());
	KERNEL_LOCK(5, NULL);
	KERNEL_UNLOCK_ALL(NULL, NULL);
	ATF_REQUIRE(!KERNEL_LOCKED_P());
}

TEST_TC(unlock_all_when_free,
    "releasing all of a lock not held tells 0, and taking 0 takes nothing")
{
	int n = -1;

	KERNEL_UNLOCK_ALL(NULL, &n);
	TEST_EQ(0, n);
	KERNEL_LOCK(n, NULL);
	ATF_REQUIRE(!KERNEL_LOCKED_P());
}

static void *
not_mine(void *arg)
{

	*(int *)arg = KERNEL_LOCKED_P();
	return NULL;
}

TEST_TC(locked_p_is_the_callers, "KERNEL_LOCKED_P is about the caller, not "
    "about other holders")
{
	int held = -1;

	KERNEL_LOCK(1, NULL);
	test_join(test_thread(not_mine, &held));
	TEST_EQ(0, held);
	KERNEL_UNLOCK_ONE(NULL);
}

static void *
increments(void *arg)
{
	int i, n;

	(void)arg;
	for (i = 0; i < TEST_SCALE(100000); i++) {
		KERNEL_LOCK(1 + i % 3, NULL);
		n = shared;
		if (i % 64 == 0)
			sched_yield();
		shared = n + 1;
		if (i % 2)
			KERNEL_UNLOCK_ALL(NULL, NULL);
		else
			for (n = 0; n < 1 + i % 3; n++)
				KERNEL_UNLOCK_ONE(NULL);
	}
	return NULL;
}

TEST_TC(exclusion, "four threads never hold the lock together")
{

	test_threads(4, increments, NULL);
	TEST_EQ(4 * TEST_SCALE(100000), shared);
}

static void
increment(struct work *wk, void *arg)
{
	int n;

	(void)wk;
	(void)arg;
	n = shared;
	if (n % 64 == 0)
		sched_yield();
	shared = n + 1;
}

TEST_TC(callbacks_exclude, "callbacks without WQ_MPSAFE, of several queues "
    "and CPUs, and a thread with the lock exclude each other")
{
	static struct work wk[3][5000];
	struct workqueue *wq[3];
	int i, j, n;

	test_env("WORKQUEUE_NCPU", "3");
	wq[0] = test_create("big0", increment, NULL, 0);
	wq[1] = test_create("big1", increment, NULL, 0);
	wq[2] = test_create("big2", increment, NULL, WQ_PERCPU);
	for (j = 0; j < 5000; j++) {
		workqueue_enqueue(wq[0], &wk[0][j], NULL);
		workqueue_enqueue(wq[1], &wk[1][j], NULL);
		workqueue_enqueue(wq[2], &wk[2][j],
		    cpu_lookup((unsigned int)j % 3));
		if (j % 16 == 0) {
			KERNEL_LOCK(1, NULL);
			n = shared;
			sched_yield();
			shared = n + 1;
			KERNEL_UNLOCK_ONE(NULL);
		}
	}
	for (i = 0; i < 3; i++)
		workqueue_destroy(wq[i]);
	TEST_EQ(3 * 5000 + 5000 / 16 + 1, shared);
}

/*
 * A thread that sleeps releases the lock.  Otherwise none of these tests would
 * end, because the item needs it.
 */
TEST_TC(dropped_in_wait, "workqueue_wait releases the lock at any depth while "
    "it sleeps, and takes it again")
{
	struct workqueue *wq;
	struct work wk;
	int depth, n;

	wq = test_create("big", increment, NULL, 0);
	for (depth = 1; depth < 20; depth++) {
		KERNEL_LOCK(depth, NULL);
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_wait(wq, &wk);
		ATF_REQUIRE(KERNEL_LOCKED_P());
		TEST_EQ(depth, shared);
		/* A wait for an item that has run keeps the depth, too. */
		workqueue_wait(wq, &wk);
		KERNEL_UNLOCK_ALL(NULL, &n);
		TEST_EQ(depth, n);
	}
	workqueue_destroy(wq);
}

TEST_TC(dropped_in_destroy, "workqueue_destroy releases the lock at any depth "
    "while it sleeps, and takes it again")
{
	struct workqueue *wq;
	struct work wk;
	int depth, n;

	for (depth = 1; depth < 20; depth++) {
		wq = test_create("big", increment, NULL,
		    depth % 2 ? 0 : WQ_PERCPU);
		KERNEL_LOCK(depth, NULL);
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_destroy(wq);
		TEST_EQ(depth, shared);
		KERNEL_UNLOCK_ALL(NULL, &n);
		TEST_EQ(depth, n);
	}
}

struct nested {
	struct work	  n_work;
	struct work	  n_inner;
	struct workqueue *n_wq;
	int		  n_before, n_after, n_depth;
};

static void
wait_inside(struct work *wk, void *arg)
{
	struct nested *n = (void *)wk;

	(void)arg;
	KERNEL_LOCK(2, NULL);
	n->n_before = shared;
	workqueue_enqueue(n->n_wq, &n->n_inner, NULL);
	workqueue_wait(n->n_wq, &n->n_inner);
	n->n_after = shared;
	KERNEL_UNLOCK_ALL(NULL, &n->n_depth);
	KERNEL_LOCK(n->n_depth - 2, NULL);
}

TEST_TC(dropped_in_callback, "a callback with the lock that waits for another "
    "such callback releases the lock and gets it again at its depth")
{
	struct workqueue *outer;
	struct nested n;
	int i;

	outer = test_create("outer", wait_inside, NULL, 0);
	n.n_wq = test_create("inner", increment, NULL, 0);
	for (i = 0; i < 200; i++) {
		workqueue_enqueue(outer, &n.n_work, NULL);
		workqueue_wait(outer, &n.n_work);
		TEST_EQ(i, n.n_before);
		TEST_EQ(i + 1, n.n_after);
		TEST_EQ(3, n.n_depth);
	}
	workqueue_destroy(outer);
	workqueue_destroy(n.n_wq);
}

/*
 * This test assumes that the host does not stop the third thread for as long as
 * a thousand callbacks take.
 */
static atomic_int fair_runs, fair_stop;

static void
fair(struct work *wk, void *arg)
{
	int64_t end = test_now() + 200000;

	while (test_now() < end)
		continue;
	atomic_fetch_add(&fair_runs, 1);
	if (!atomic_load(&fair_stop))
		workqueue_enqueue(*(struct workqueue **)arg, wk, NULL);
}

TEST_TC(third_thread_gets_it, "while two queues that need the lock re-enqueue "
    "their items without end, a thread gets it within 1,000 callbacks")
{
	struct workqueue *wq[2];
	struct work wk[2];
	int before, i, took;

	for (i = 0; i < 2; i++) {
		wq[i] = test_create("fair", fair, &wq[i], 0);
		workqueue_enqueue(wq[i], &wk[i], NULL);
	}
	TEST_AWAIT(atomic_load(&fair_runs) > 10);
	for (i = 0; i < 50; i++) {
		before = atomic_load(&fair_runs);
		KERNEL_LOCK(1, NULL);
		took = atomic_load(&fair_runs) - before;
		KERNEL_UNLOCK_ONE(NULL);
		ATF_REQUIRE_MSG(took <= 1000, "%d callbacks went before",
		    took);
		/* The callbacks do run. */
		TEST_AWAIT(atomic_load(&fair_runs) > before + took);
	}
	atomic_store(&fair_stop, 1);
	workqueue_destroy(wq[0]);
	workqueue_destroy(wq[1]);
}

/*
 * In an interrupt handler.
 */
static atomic_int in_handler, sleepers;

static int
locking_intr(void *arg)
{

	atomic_fetch_add(&in_handler, 1);
	KERNEL_LOCK(1, NULL);
	shared++;
	KERNEL_UNLOCK_ONE(NULL);
	return arg != NULL;
}

static void *
interrupted(void *arg)
{
	int i;

	/* A thread that the library knows serves its own interrupts. */
	splx(splhigh());
	for (i = 0; i < TEST_SCALE(1000); i++)
		intr_inject(arg);
	return NULL;
}

static void *
sleeper(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(1000); i++) {
		atomic_fetch_add(&sleepers, 1);
		KERNEL_LOCK(1, NULL);
		shared++;
		KERNEL_UNLOCK_ONE(NULL);
	}
	return NULL;
}

static int
shared_now(void)
{
	int n;

	KERNEL_LOCK(1, NULL);
	n = shared;
	KERNEL_UNLOCK_ONE(NULL);
	return n;
}

TEST_TC(in_handlers, "handlers get the lock while it is held and others sleep "
    "for it, and all sleepers are woken")
{
	pthread_t t[6];
	void *ih;
	int i;

	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, locking_intr, NULL);
	ATF_REQUIRE(ih != NULL);
	KERNEL_LOCK(1, NULL);
	for (i = 0; i < 6; i++)
		t[i] = test_thread(i % 2 ? sleeper : interrupted, ih);
	TEST_AWAIT(atomic_load(&sleepers) == 3);
	/* With one CPU, the interrupt thread runs all but the first. */
	TEST_AWAIT(atomic_load(&in_handler) >= 2);
	for (i = 0; i < 20; i++)
		test_pause();
	TEST_EQ(0, shared);
	KERNEL_UNLOCK_ONE(NULL);
	for (i = 0; i < 6; i++)
		test_join(t[i]);
	/* The interrupt thread may have to run the last ones. */
	TEST_AWAIT(shared_now() == 6 * TEST_SCALE(1000));
	ATF_REQUIRE(!KERNEL_LOCKED_P());
	intr_disestablish(ih);
}

/*
 * Many threads come and go, and each gets the lock.
 */
static void *
one_turn(void *arg)
{

	(void)arg;
	KERNEL_LOCK(1, NULL);
	shared++;
	KERNEL_UNLOCK_LAST(NULL);
	return NULL;
}

TEST_TC(short_lived_threads, "threads that take the lock once and end all get "
    "it")
{
	int turn;

	for (turn = 0; turn < TEST_SCALE(200); turn++) {
		test_threads(8, one_turn, NULL);
	}
	TEST_EQ(8 * TEST_SCALE(200), shared);
}

/*
 * Misuse.
 */
static void
unlock_free(void)
{

	KERNEL_UNLOCK_ONE(NULL);
}

static void
unlock_last_of_two(void)
{

	KERNEL_LOCK(2, NULL);
	KERNEL_UNLOCK_LAST(NULL);
}

static void *
unlock_others(void *arg)
{

	(void)arg;
	KERNEL_UNLOCK_ONE(NULL);
	return NULL;
}

static void
unlock_by_other(void)
{

	KERNEL_LOCK(1, NULL);
	test_join(test_thread(unlock_others, NULL));
}

TEST_TC(misuse, "releasing a lock that is not held, or with the last release "
    "one that is held twice, panics")
{

	test_panics(unlock_free, "kernel lock not held", NULL);
	test_panics(unlock_by_other, "kernel lock not held", NULL);
	test_panics(unlock_last_of_two, "KERNEL_UNLOCK_LAST", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, recursion);
	ATF_TP_ADD_TC(tp, unlock_all_when_free);
	ATF_TP_ADD_TC(tp, locked_p_is_the_callers);
	ATF_TP_ADD_TC(tp, exclusion);
	ATF_TP_ADD_TC(tp, callbacks_exclude);
	ATF_TP_ADD_TC(tp, dropped_in_wait);
	ATF_TP_ADD_TC(tp, dropped_in_destroy);
	ATF_TP_ADD_TC(tp, dropped_in_callback);
	ATF_TP_ADD_TC(tp, third_thread_gets_it);
	ATF_TP_ADD_TC(tp, in_handlers);
	ATF_TP_ADD_TC(tp, short_lived_threads);
	ATF_TP_ADD_TC(tp, misuse);
	return atf_no_error();
}
