/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: the stack of another thread.
 */

#include <host/host.h>

#include "../../tests.h"

int	__wrap_host_backtrace(uintptr_t *, int, bool (*)(uintptr_t));

static atomic_long tid;
static atomic_int walks;
static sem_t walk, leave;

/* The unwinder, which may have to wait for a lock. */
int
__wrap_host_backtrace(uintptr_t *pcs, int max, bool (*stop)(uintptr_t))
{

	(void)max;
	(void)stop;
	atomic_fetch_add(&walks, 1);
	while (sem_wait(&walk) == -1)
		continue;
	pcs[0] = 1;
	return 1;
}

static void *
thread(void *arg)
{

	atomic_store(&tid, host_tid());
	while (sem_wait(&leave) == -1)
		continue;
	return arg;
}

/* Ask until the thread begins to answer, which may take over 0.2 seconds. */
static int
ask(uintptr_t *pcs)
{
	int before, n;

	before = atomic_load(&walks);
	do {
		n = host_stack(tid, pcs, 2);
	} while (n == 0 && atomic_load(&walks) == before);
	return n;
}

static pthread_t
begin(void)
{
	pthread_t t;

#ifdef _WQ_SIM
	atf_tc_skip("the simulator has no stacks of other threads");
#endif
	TEST_NEED(TEST_CAP_ASLEEP, "the stack of another thread");
	sem_init(&walk, 0, 0);
	sem_init(&leave, 0, 0);
	host_stack_init();
	t = test_thread(thread, NULL);
	TEST_AWAIT(atomic_load(&tid) != 0);
	return t;
}

TEST_TC(answer, "a thread answers with its stack")
{
	uintptr_t pcs[2] = { 0, 0 };
	pthread_t t;

	t = begin();
	sem_post(&walk);
	sem_post(&walk);
	TEST_EQ(1, ask(pcs));
	TEST_EQ(1, pcs[0]);
	TEST_EQ(1, ask(pcs));
	sem_post(&leave);
	test_join(t);
}

TEST_TC(stuck, "if a thread cannot finish its answer, no thread is asked any "
    "more")
{
	uintptr_t pcs[2] = { 0, 0 };
	pthread_t t;

	t = begin();
	TEST_EQ(0, ask(pcs));
	TEST_EQ(1, walks);
	/* The late answer goes nowhere. */
	sem_post(&walk);
	TEST_EQ(0, host_stack(tid, pcs, 2));
	TEST_EQ(0, pcs[0]);
	TEST_EQ(1, walks);
	sem_post(&leave);
	test_join(t);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, answer);
	ATF_TP_ADD_TC(tp, stuck);
	return atf_no_error();
}
