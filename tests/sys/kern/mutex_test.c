/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * mutex(9): exclusion, levels, the last access, and misuse.
 */

#include <sys/intr.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include "../../tests.h"

#define	NTHREADS	4

static kmutex_t mutex, other;
static int shared;			/* under mutex; plain */

/* Return the caller's level. */
static int
level(void)
{

	return splraiseipl(makeiplcookie(IPL_NONE));
}

TEST_TC(size, "a mutex has at most two words")
{

	ATF_REQUIRE(sizeof(kmutex_t) <= 2 * sizeof(void *));
}

static void *
not_owned(void *arg)
{

	ATF_REQUIRE(!mutex_owned(&mutex));
	*(int *)arg = mutex_tryenter(&mutex);
	return NULL;
}

static void
owned_by_owner(int ipl)
{
	int took = -1;

	mutex_init(&mutex, MUTEX_DEFAULT, ipl);
	ATF_REQUIRE(!mutex_owned(&mutex));
	mutex_enter(&mutex);
	ATF_REQUIRE(mutex_owned(&mutex));
	test_join(test_thread(not_owned, &took));
	TEST_EQ(0, took);
	/* A mutex is not recursive. */
	TEST_EQ(0, mutex_tryenter(&mutex));
	ATF_REQUIRE(mutex_owned(&mutex));
	mutex_exit(&mutex);
	ATF_REQUIRE(!mutex_owned(&mutex));
	ATF_REQUIRE(mutex_tryenter(&mutex));
	ATF_REQUIRE(mutex_owned(&mutex));
	mutex_exit(&mutex);
	mutex_destroy(&mutex);
	TEST_EQ(IPL_NONE, level());
}

TEST_TC(owner, "mutex_owned is true for the owner only, and mutex_tryenter "
    "fails while any thread holds the mutex")
{
	int ipl;

	for (ipl = IPL_NONE; ipl <= IPL_HIGH; ipl++)
		owned_by_owner(ipl);
}

/*
 * Exclusion.
 */
static void *
increments(void *arg)
{
	int i, n;

	for (i = 0; i < TEST_SCALE(100000); i++) {
		if (*(int *)arg && i % 3 == 0) {
			while (!mutex_tryenter(&mutex))
				sched_yield();
		} else
			mutex_enter(&mutex);
		n = shared;
		if (i % 1024 == 0)
			test_pause();
		else if (i % 64 == 0)
			sched_yield();
		shared = n + 1;
		mutex_exit(&mutex);
	}
	return NULL;
}

static void
excludes(int ipl, int try)
{

	shared = 0;
	mutex_init(&mutex, MUTEX_DEFAULT, ipl);
	test_threads(NTHREADS, increments, &try);
	TEST_EQ(NTHREADS * TEST_SCALE(100000), shared);
	ATF_REQUIRE(mutex_tryenter(&mutex));
	mutex_exit(&mutex);
	mutex_destroy(&mutex);
}

TEST_TC(adaptive_excludes, "two threads never hold an adaptive mutex together, "
    "and every waiter gets it")
{

	excludes(IPL_NONE, 0);
	excludes(IPL_SOFTNET, 1);
}

TEST_TC(spin_excludes, "two threads never hold a spin mutex together")
{

	excludes(IPL_VM, 0);
	excludes(IPL_HIGH, 1);
}

TEST_TC(checked_excludes, "checking: the same, without a false report")
{

	test_env("WORKQUEUE_CHECK", "1");
	excludes(IPL_NONE, 1);
	excludes(IPL_VM, 1);
}

/*
 * Levels.
 */
TEST_TC(spin_level, "a spin mutex raises the level, and the last one released "
    "restores the level before the first, in any order")
{
	int s;

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_VM);
	mutex_init(&other, MUTEX_DEFAULT, IPL_HIGH);

	mutex_enter(&mutex);
	TEST_EQ(IPL_VM, level());
	mutex_enter(&other);
	TEST_EQ(IPL_HIGH, level());
	mutex_exit(&other);
	/* The outer mutex alone may need only IPL_VM. */
	ATF_REQUIRE(level() >= IPL_VM);
	mutex_exit(&mutex);
	TEST_EQ(IPL_NONE, level());

	mutex_spin_enter(&mutex);
	mutex_spin_enter(&other);
	mutex_spin_exit(&mutex);
	TEST_EQ(IPL_HIGH, level());
	mutex_spin_exit(&other);
	TEST_EQ(IPL_NONE, level());

	s = splsoftnet();
	mutex_enter(&other);
	mutex_enter(&mutex);
	TEST_EQ(IPL_HIGH, level());
	mutex_exit(&other);
	TEST_EQ(IPL_HIGH, level());
	mutex_exit(&mutex);
	TEST_EQ(IPL_SOFTNET, level());
	splx(s);

	s = splhigh();
	mutex_enter(&mutex);
	TEST_EQ(IPL_HIGH, level());
	mutex_exit(&mutex);
	TEST_EQ(IPL_HIGH, level());
	splx(s);
}

TEST_TC(adaptive_level, "an adaptive mutex does not change the level")
{
	int ipl;

	for (ipl = IPL_NONE; ipl < IPL_VM; ipl++) {
		mutex_init(&mutex, MUTEX_DEFAULT, ipl);
		mutex_enter(&mutex);
		TEST_EQ(IPL_NONE, level());
		mutex_exit(&mutex);
		mutex_destroy(&mutex);
	}
}

static void *
try_level(void *arg)
{
	int s;

	(void)arg;
	ATF_REQUIRE(!mutex_tryenter(&mutex));
	TEST_EQ(IPL_NONE, level());
	s = splsoftclock();
	ATF_REQUIRE(!mutex_tryenter(&mutex));
	TEST_EQ(IPL_SOFTCLOCK, level());
	splx(s);
	return NULL;
}

TEST_TC(try_level_restored, "mutex_tryenter that fails restores the level")
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_VM);
	mutex_enter(&mutex);
	test_join(test_thread(try_level, NULL));
	mutex_exit(&mutex);
	ATF_REQUIRE(mutex_tryenter(&mutex));
	TEST_EQ(IPL_VM, level());
	mutex_exit(&mutex);
	TEST_EQ(IPL_NONE, level());
}

/*
 * A handler and the threads share a counter.
 */
static void *intr_handle;

static int
count_interrupt(void *arg)
{
	int n;

	(void)arg;
	mutex_enter(&mutex);
	n = shared;
	shared = n + 1;
	mutex_exit(&mutex);
	return 1;
}

static void *
count_and_interrupt(void *arg)
{
	int i, n;

	(void)arg;
	for (i = 0; i < TEST_SCALE(20000); i++) {
		mutex_enter(&mutex);
		n = shared;
		intr_inject(intr_handle);
		shared = n + 1;
		mutex_exit(&mutex);
		intr_inject(intr_handle);
	}
	return NULL;
}

static int
shared_now(void)
{
	int n;

	mutex_enter(&mutex);
	n = shared;
	mutex_exit(&mutex);
	return n;
}

TEST_TC(interrupts_excluded, "an interrupt waits for the spin mutex of its "
    "level, runs as it is released, and is not lost")
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_VM);
	intr_handle = intr_establish(0, IPL_VM, INTR_MPSAFE, count_interrupt,
	    NULL);
	ATF_REQUIRE(intr_handle != NULL);

	mutex_enter(&mutex);
	intr_inject(intr_handle);
	TEST_EQ(0, shared);
	mutex_exit(&mutex);
	TEST_EQ(1, shared);

	test_threads(NTHREADS, count_and_interrupt, NULL);
	/* An interrupt thread may have to run the last ones. */
	TEST_AWAIT(shared_now() == 1 + NTHREADS * 3 * TEST_SCALE(20000));
	intr_disestablish(intr_handle);
}

/*
 * A handler's own spin mutexes restore the handler's level.
 */
static int
nest_in_handler(void *arg)
{

	(void)arg;
	TEST_EQ(IPL_SCHED, level());
	mutex_enter(&other);
	TEST_EQ(IPL_HIGH, level());
	mutex_exit(&other);
	TEST_EQ(IPL_SCHED, level());
	shared++;
	return 1;
}

TEST_TC(interrupt_level, "the spin mutexes of an interrupt handler nest in "
    "the handler's level, whatever the interrupted thread holds")
{

	test_env("WORKQUEUE_CHECK", "1");
	mutex_init(&mutex, MUTEX_DEFAULT, IPL_VM);
	mutex_init(&other, MUTEX_DEFAULT, IPL_HIGH);
	intr_handle = intr_establish(0, IPL_SCHED, INTR_MPSAFE,
	    nest_in_handler, NULL);
	ATF_REQUIRE(intr_handle != NULL);
	intr_inject(intr_handle);
	TEST_EQ(IPL_NONE, level());
	mutex_enter(&mutex);
	intr_inject(intr_handle);
	TEST_EQ(IPL_VM, level());
	mutex_exit(&mutex);
	TEST_EQ(IPL_NONE, level());
	TEST_EQ(2, shared);
	intr_disestablish(intr_handle);
}

/*
 * The thread that releases the mutex of an object last frees the object.
 */
struct object {
	kmutex_t	 o_mutex;
	int		 o_refs;	/* under o_mutex */
};

static struct object *_Atomic object;
static atomic_int object_round, object_done;

static void *
drop_references(void *arg)
{
	struct object *o;
	int refs, round;

	(void)arg;
	for (round = 1; round <= TEST_SCALE(20000); round++) {
		while (atomic_load(&object_round) != round)
			sched_yield();
		o = atomic_load(&object);
		mutex_enter(&o->o_mutex);
		refs = --o->o_refs;
		mutex_exit(&o->o_mutex);
		if (refs == 0) {
			mutex_destroy(&o->o_mutex);
			memset(o, 0xff, sizeof(*o));
			free(o);
		}
		atomic_fetch_add(&object_done, 1);
	}
	return NULL;
}

static void
last_frees(int ipl)
{
	struct object *o;
	pthread_t t[NTHREADS];
	int i, round;

	atomic_store(&object_round, 0);
	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(drop_references, NULL);
	for (round = 1; round <= TEST_SCALE(20000); round++) {
		o = malloc(sizeof(*o));
		ATF_REQUIRE(o != NULL);
		mutex_init(&o->o_mutex, MUTEX_DEFAULT, ipl);
		o->o_refs = NTHREADS;
		atomic_store(&object_done, 0);
		atomic_store(&object, o);
		atomic_store(&object_round, round);
		while (atomic_load(&object_done) != NTHREADS)
			sched_yield();
	}
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
}

TEST_TC(freed_by_last, "the thread that drops the last reference may free the "
    "mutex, even if the previous holder is still in mutex_exit")
{

	last_frees(IPL_NONE);
	last_frees(IPL_VM);
}

/*
 * A waiter releases the kernel lock.
 */
static void *
with_kernel_lock(void *arg)
{
	int n;

	KERNEL_LOCK(3, NULL);
	sem_post(arg);
	mutex_enter(&mutex);
	ATF_REQUIRE(KERNEL_LOCKED_P());
	shared++;
	mutex_exit(&mutex);
	KERNEL_UNLOCK_ALL(NULL, &n);
	TEST_EQ(3, n);
	return NULL;
}

TEST_TC(kernel_lock_dropped, "a thread that sleeps for a mutex releases the "
    "kernel lock, and gets it again at its depth")
{
	pthread_t t;
	sem_t sem;

	sem_init(&sem, 0, 0);
	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	mutex_enter(&mutex);
	t = test_thread(with_kernel_lock, &sem);
	test_sem_wait(&sem);
	/* The other thread holds the kernel lock until it sleeps. */
	KERNEL_LOCK(1, NULL);
	TEST_EQ(0, shared);
	KERNEL_UNLOCK_ONE(NULL);
	mutex_exit(&mutex);
	test_join(t);
	TEST_EQ(1, shared);
}

/*
 * Misuse.
 */
static int misuse_ipl;

static void
enter_twice(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, misuse_ipl);
	mutex_enter(&mutex);
	mutex_enter(&mutex);
}

static void
spin_enter_twice(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_VM);
	mutex_spin_enter(&mutex);
	mutex_spin_enter(&mutex);
}

static void
destroy_held(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, misuse_ipl);
	mutex_enter(&mutex);
	mutex_destroy(&mutex);
}

static void
destroy_twice(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, misuse_ipl);
	mutex_destroy(&mutex);
	mutex_destroy(&mutex);
}

static void
enter_destroyed(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, misuse_ipl);
	mutex_destroy(&mutex);
	mutex_enter(&mutex);
}

static void
tryenter_destroyed(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, misuse_ipl);
	mutex_destroy(&mutex);
	(void)mutex_tryenter(&mutex);
}

static void
exit_free(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, misuse_ipl);
	mutex_exit(&mutex);
}

static void *
exit_others(void *arg)
{

	(void)arg;
	mutex_exit(&mutex);
	return NULL;
}

static void
exit_by_other(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, misuse_ipl);
	mutex_enter(&mutex);
	test_join(test_thread(exit_others, NULL));
}

static void
spin_exit_free(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_VM);
	mutex_spin_exit(&mutex);
}

static void
spin_enter_adaptive(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_SOFTNET);
	mutex_spin_enter(&mutex);
}

static void
spin_exit_adaptive(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	mutex_enter(&mutex);
	mutex_spin_exit(&mutex);
}

static void
bad_level(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, misuse_ipl);
}

static void
misuses(void)
{
	static const int ipl[] = { IPL_NONE, IPL_SOFTCLOCK, IPL_VM, IPL_HIGH };
	unsigned i;

	for (i = 0; i < TEST_NELEM(ipl); i++) {
		misuse_ipl = ipl[i];
		test_panics(enter_twice, "mutex_enter: ",
		    "locking against myself", NULL);
		test_panics(destroy_held, "mutex_destroy: ", "is held", NULL);
		test_panics(destroy_twice, "mutex_destroy: ", "is destroyed",
		    NULL);
		test_panics(enter_destroyed, "mutex_enter: ", "is destroyed",
		    NULL);
		test_panics(tryenter_destroyed, "mutex_tryenter: ",
		    "is destroyed", NULL);
		test_panics(exit_free, "mutex_exit: ", "not held", NULL);
		test_panics(exit_by_other, "mutex_exit: ", "not held", NULL);
	}
	test_panics(spin_enter_twice, "mutex_spin_enter: ",
	    "locking against myself", NULL);
	test_panics(spin_exit_free, "mutex_spin_exit: ", "not held", NULL);
	test_panics(spin_enter_adaptive, "mutex_spin_enter: ", "is adaptive",
	    NULL);
	test_panics(spin_exit_adaptive, "mutex_spin_exit: ", "is adaptive",
	    NULL);
	misuse_ipl = NIPL;
	test_panics(bad_level, "mutex_init: IPL 8", NULL);
	misuse_ipl = -1;
	test_panics(bad_level, "mutex_init: IPL -1", NULL);
}

TEST_TC(misuse, "each misuse panics and names itself")
{

	test_env("WORKQUEUE_CHECK", NULL);
	misuses();
}

/* Checking mode may report some of these errors in other words. */
TEST_TC(checked_misuse, "checking: misuse panics")
{

	test_env("WORKQUEUE_CHECK", "1");
	misuse_ipl = IPL_NONE;
	test_panics(enter_twice, "locking against myself", NULL);
	test_panics(destroy_held, "mutex", NULL);
	test_panics(exit_by_other, "mutex", NULL);
	misuse_ipl = IPL_VM;
	test_panics(enter_twice, "locking against myself", NULL);
	test_panics(destroy_held, "mutex", NULL);
	test_panics(exit_free, "mutex", NULL);
}

static int
enter_in_interrupt(void *arg)
{

	mutex_enter(arg);
	mutex_exit(arg);
	return 1;
}

static int
tryenter_in_interrupt(void *arg)
{

	if (mutex_tryenter(arg))
		mutex_exit(arg);
	return 1;
}

static void
inject(int (*func)(void *), int ipl)
{

	mutex_init(&mutex, MUTEX_DEFAULT, ipl);
	intr_handle = intr_establish(0, IPL_HIGH, INTR_MPSAFE, func, &mutex);
	intr_inject(intr_handle);
	intr_disestablish(intr_handle);
	mutex_destroy(&mutex);
}

static void
adaptive_in_interrupt(void)
{

	inject(enter_in_interrupt, IPL_SOFTSERIAL);
}

static void
adaptive_tried_in_interrupt(void)
{

	inject(tryenter_in_interrupt, IPL_NONE);
}

static void
spin_in_interrupt(void)
{

	inject(enter_in_interrupt, IPL_HIGH);
	inject(tryenter_in_interrupt, IPL_HIGH);
}

static void
adaptive_under_spin(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&other, MUTEX_DEFAULT, IPL_VM);
	mutex_enter(&other);
	mutex_enter(&mutex);
}

static void
adaptive_at_soft_level(void)
{
	int s;

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	s = splsoftserial();
	mutex_enter(&mutex);
	mutex_exit(&mutex);
	splx(s);
	/* Trying does not block. */
	s = splhigh();
	ATF_REQUIRE(mutex_tryenter(&mutex));
	mutex_exit(&mutex);
	splx(s);
}

static void
unwatched_at_level(void)
{
	int s;

	mutex_init(&mutex, MUTEX_NODEBUG, IPL_NONE);
	s = splvm();
	mutex_enter(&mutex);
	mutex_exit(&mutex);
	splx(s);
}

TEST_TC(checked_context, "checking: an adaptive mutex in an interrupt, or "
    "with a spin mutex held, panics, held or not; the rest does not")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(adaptive_in_interrupt, "mutex_enter: ",
	    "in interrupt context", NULL);
	test_panics(adaptive_tried_in_interrupt, "mutex_tryenter: ",
	    "in interrupt context", NULL);
	test_panics(adaptive_under_spin, "mutex_enter: ", "at IPL 5", NULL);
	test_lives(spin_in_interrupt);
	test_lives(adaptive_at_soft_level);
	test_lives(unwatched_at_level);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, size);
	ATF_TP_ADD_TC(tp, owner);
	ATF_TP_ADD_TC(tp, adaptive_excludes);
	ATF_TP_ADD_TC(tp, spin_excludes);
	ATF_TP_ADD_TC(tp, checked_excludes);
	ATF_TP_ADD_TC(tp, spin_level);
	ATF_TP_ADD_TC(tp, adaptive_level);
	ATF_TP_ADD_TC(tp, try_level_restored);
	ATF_TP_ADD_TC(tp, interrupts_excluded);
	ATF_TP_ADD_TC(tp, interrupt_level);
	ATF_TP_ADD_TC(tp, freed_by_last);
	ATF_TP_ADD_TC(tp, kernel_lock_dropped);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, checked_misuse);
	ATF_TP_ADD_TC(tp, checked_context);
	return atf_no_error();
}
