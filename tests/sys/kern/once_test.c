/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * RUN_ONCE(9).
 */

#include <sys/intr.h>
#include <sys/mutex.h>
#include <sys/once.h>
#include <sys/systm.h>

#include "../../tests.h"

static atomic_int calls;
static sem_t entered, go;

static int
init(void)
{

	atomic_fetch_add(&calls, 1);
	return 0;
}

static int
init_fails(void)
{

	atomic_fetch_add(&calls, 1);
	return EIO;
}

static void
fini(void)
{

	atomic_fetch_sub(&calls, 1);
}

TEST_TC(once, "the function is called once")
{
	static ONCE_DECL(o);
	int i;

	for (i = 0; i < 100; i++)
		TEST_EQ(0, RUN_ONCE(&o, init));
	TEST_EQ(1, calls);
}

TEST_TC(error, "its error is returned to every caller, and it is not called "
    "again")
{
	static ONCE_DECL(o);
	int i;

	for (i = 0; i < 100; i++)
		TEST_EQ(EIO, RUN_ONCE(&o, init_fails));
	TEST_EQ(1, calls);
}

static once_t gate_once;

static int
init_gate(void)
{

	atomic_fetch_add(&calls, 1);
	sem_post(&entered);
	test_sem_wait(&go);
	return ENXIO;
}

static void *
runner(void *arg)
{
	int error;

	(void)arg;
	error = RUN_ONCE(&gate_once, init_gate);
	/* Every caller has waited until the function had returned. */
	TEST_EQ(100, calls);
	TEST_EQ(ENXIO, error);
	return NULL;
}

TEST_TC(wait, "other callers wait until the function has returned")
{
	pthread_t t[8];
	size_t i;

	sem_init(&entered, 0, 0);
	sem_init(&go, 0, 0);
	for (i = 0; i < TEST_NELEM(t); i++)
		t[i] = test_thread(runner, NULL);
	test_sem_wait(&entered);
	for (i = 0; i < 20; i++)
		test_pause();
	TEST_EQ(1, calls);
	atomic_store(&calls, 100);
	sem_post(&go);
	for (i = 0; i < TEST_NELEM(t); i++)
		test_join(t[i]);
}

static once_t ref_once;
static int ref_value;			/* not atomic: the control orders it */

static int
ref_init(void)
{

	TEST_EQ(0, ref_value);
	ref_value = 1;
	return 0;
}

static void
ref_fini(void)
{

	TEST_EQ(1, ref_value);
	ref_value = 0;
}

static void *
referrer(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(20000); i++) {
		TEST_EQ(0, INIT_ONCE(&ref_once, ref_init));
		TEST_EQ(1, ref_value);
		FINI_ONCE(&ref_once, ref_fini);
	}
	return NULL;
}

TEST_TC(fini, "the last FINI_ONCE() undoes it, and it can be repeated")
{
	static ONCE_DECL(o);

	TEST_EQ(0, INIT_ONCE(&o, init));
	TEST_EQ(0, INIT_ONCE(&o, init));
	TEST_EQ(1, calls);
	FINI_ONCE(&o, fini);
	TEST_EQ(1, calls);
	FINI_ONCE(&o, fini);
	TEST_EQ(0, calls);
	TEST_EQ(0, INIT_ONCE(&o, init));
	TEST_EQ(1, calls);
	FINI_ONCE(&o, fini);

	test_threads(4, referrer, NULL);
	TEST_EQ(0, ref_value);
}

static once_t self_once;

static int
init_self(void)
{

	return RUN_ONCE(&self_once, init_self);
}

static void
recursion(void)
{

	(void)RUN_ONCE(&self_once, init_self);
}

static void
fini_unused(void)
{
	static once_t o;

	FINI_ONCE(&o, fini);
}

static void
with_spin(void)
{
	static once_t o;
	kmutex_t spin;

	mutex_init(&spin, MUTEX_DEFAULT, IPL_VM);
	mutex_enter(&spin);
	(void)RUN_ONCE(&o, init);
}

TEST_TC(misuse, "a function that uses its own control, and one FINI too many, "
    "panic")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(recursion, "RUN_ONCE: once 0x",
	    "is used by its own function", NULL);
	test_panics(fini_unused, "FINI_ONCE: once 0x",
	    "was not initialised", NULL);
}

TEST_TC(checking, "checking mode: RUN_ONCE() with a spin mutex held panics")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(with_spin, "RUN_ONCE: blocking at IPL 5, on once 0x",
	    ", holding mutex 0x", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, once);
	ATF_TP_ADD_TC(tp, error);
	ATF_TP_ADD_TC(tp, wait);
	ATF_TP_ADD_TC(tp, fini);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, checking);
	return atf_no_error();
}
