/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * mutex_obj(9), rw_obj(9): locks with a reference count; mutex_owner().
 */

#include <sys/intr.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/rwlock.h>
#include <sys/systm.h>

#include "../../tests.h"

#define	NTHREADS	4

static kmutex_t *mutex;
static krwlock_t *rwlock;
static int count;			/* under mutex, or rwlock */
static atomic_int last;

static void *
mutex_user(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(5000); i++) {
		mutex_enter(mutex);
		count++;
		mutex_exit(mutex);
	}
	if (mutex_obj_free(mutex))
		atomic_fetch_add(&last, 1);
	return NULL;
}

static void
mutex_counted(int ipl)
{
	int i;

	count = 0;
	atomic_store(&last, 0);
	mutex = mutex_obj_alloc(MUTEX_DEFAULT, ipl);
	TEST_EQ(1, mutex_obj_refcnt(mutex));
	for (i = 1; i < NTHREADS; i++)
		mutex_obj_hold(mutex);
	TEST_EQ(NTHREADS, mutex_obj_refcnt(mutex));
	test_threads(NTHREADS, mutex_user, NULL);
	TEST_EQ(1, last);
	TEST_EQ(NTHREADS * TEST_SCALE(5000), count);
}

TEST_TC(mutex_obj, "a counted mutex is one; the last of its holders, and only "
    "that one, frees it")
{

	mutex_counted(IPL_NONE);
	mutex_counted(IPL_VM);
	ATF_REQUIRE((mutex = mutex_obj_tryalloc(MUTEX_DEFAULT, IPL_NONE)) !=
	    NULL);
	ATF_REQUIRE(mutex_obj_free(mutex));
}

static void *
rwlock_user(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(5000); i++) {
		rw_enter(rwlock, RW_WRITER);
		count++;
		rw_exit(rwlock);
		rw_enter(rwlock, RW_READER);
		rw_exit(rwlock);
	}
	if (rw_obj_free(rwlock))
		atomic_fetch_add(&last, 1);
	return NULL;
}

TEST_TC(rw_obj, "a counted readers/writer lock does the same")
{
	int i;

	rwlock = rw_obj_alloc();
	TEST_EQ(1, rw_obj_refcnt(rwlock));
	for (i = 1; i < NTHREADS; i++)
		rw_obj_hold(rwlock);
	TEST_EQ(NTHREADS, rw_obj_refcnt(rwlock));
	test_threads(NTHREADS, rwlock_user, NULL);
	TEST_EQ(1, last);
	TEST_EQ(NTHREADS * TEST_SCALE(5000), count);
	ATF_REQUIRE((rwlock = rw_obj_tryalloc()) != NULL);
	ATF_REQUIRE(rw_obj_free(rwlock));
}

TEST_TC(checked, "checking: the same without a false report, also at a reused "
    "address")
{
	int i;

	test_env("WORKQUEUE_CHECK", "1");
	for (i = 0; i < 10; i++)
		mutex_counted(i % 2 == 0 ? IPL_NONE : IPL_HIGH);
}

static void *
owner_of(void *arg)
{

	ATF_REQUIRE(mutex_owner(mutex) == arg);
	TEST_EQ(1, mutex_ownable(mutex));
	return NULL;
}

static void
owner_at(int ipl)
{

	mutex = mutex_obj_alloc(MUTEX_DEFAULT, ipl);
	ATF_REQUIRE(mutex_owner(mutex) == NULL);
	TEST_EQ(1, mutex_ownable(mutex));
	mutex_enter(mutex);
	ATF_REQUIRE(mutex_owner(mutex) == curlwp);
	TEST_EQ(0, mutex_ownable(mutex));
	test_join(test_thread(owner_of, curlwp));
	mutex_exit(mutex);
	ATF_REQUIRE(mutex_owner(mutex) == NULL);
	ATF_REQUIRE(mutex_obj_free(mutex));
}

TEST_TC(owner, "mutex_owner returns the holder to any thread; mutex_ownable is "
    "false for the holder only")
{

	owner_at(IPL_NONE);
	owner_at(IPL_VM);
}

static void
free_held(void)
{

	mutex = mutex_obj_alloc(MUTEX_DEFAULT, IPL_NONE);
	mutex_enter(mutex);
	(void)mutex_obj_free(mutex);
}

static void
free_held_rw(void)
{

	rwlock = rw_obj_alloc();
	rw_enter(rwlock, RW_READER);
	(void)rw_obj_free(rwlock);
}

TEST_TC(misuse, "dropping the last reference to a held lock panics")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(free_held, "mutex_destroy: ", "is held", NULL);
	test_panics(free_held_rw, "rw_destroy: ", "is held", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, mutex_obj);
	ATF_TP_ADD_TC(tp, rw_obj);
	ATF_TP_ADD_TC(tp, checked);
	ATF_TP_ADD_TC(tp, owner);
	ATF_TP_ADD_TC(tp, misuse);
	return atf_no_error();
}
