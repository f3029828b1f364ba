/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * dlopen(3) and dlclose(3) of a plug-in that brings the library with it.
 */

#include <dlfcn.h>

#include "../../tests.h"

static struct module {
	void	*m_handle;
	int	(*m_start)(void);
	int	(*m_turn)(int);
	void	(*m_stop)(void);
} module;

static void
module_load(const atf_tc_t *tc)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/h_module.so",
	    atf_tc_get_config_var(tc, "srcdir"));
	module.m_handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ATF_REQUIRE_MSG(module.m_handle != NULL, "%s", dlerror());
	*(void **)&module.m_start = dlsym(module.m_handle, "module_start");
	*(void **)&module.m_turn = dlsym(module.m_handle, "module_turn");
	*(void **)&module.m_stop = dlsym(module.m_handle, "module_stop");
	ATF_REQUIRE(module.m_start != NULL && module.m_turn != NULL &&
	    module.m_stop != NULL);
}

TEST_TC(load_use_close, "a plug-in that uses the library is opened, used and "
    "closed, again and again")
{
	int i;

	for (i = 1; i <= 20; i++) {
		module_load(test_tc);
		TEST_EQ(0, module.m_start());
		TEST_EQ(2 * i, module.m_turn(i));
		TEST_EQ(4 * i, module.m_turn(i));
		module.m_stop();
		TEST_EQ(0, dlclose(module.m_handle));
	}
}

static void *
turn(void *arg)
{

	*(int *)arg = module.m_turn(1);
	return NULL;
}

TEST_TC(close_with_idle_workers, "a plug-in that is closed without destroying "
    "its idle queues leaves a process that goes on, and ends well")
{
	int nthreads, sum;

	module_load(test_tc);
	TEST_EQ(0, module.m_start());
	/* The thread is known to the library when it ends. */
	test_join(test_thread(turn, &sum));
	TEST_EQ(2, sum);
	nthreads = test_nthreads();
	TEST_EQ(0, dlclose(module.m_handle));
	/* The workers are there still, asleep in the library's code. */
	test_pause();
	TEST_EQ(nthreads, test_nthreads());
	module_load(test_tc);
	TEST_EQ(0, module.m_start());
	ATF_REQUIRE(module.m_turn(1) >= 2);
	module.m_stop();
	TEST_EQ(0, dlclose(module.m_handle));
}

static sem_t end_known, end_closed;

static void *
ends_late(void *arg)
{

	*(int *)arg = module.m_turn(1);
	sem_post(&end_known);
	test_sem_wait(&end_closed);
	return NULL;
}

TEST_TC(thread_ends_after_close, "a thread that the library knows ends well "
    "after the plug-in is closed")
{
	pthread_t t;
	int sum;

	sem_init(&end_known, 0, 0);
	sem_init(&end_closed, 0, 0);
	module_load(test_tc);
	TEST_EQ(0, module.m_start());
	t = test_thread(ends_late, &sum);
	test_sem_wait(&end_known);
	TEST_EQ(2, sum);
	module.m_stop();
	TEST_EQ(0, dlclose(module.m_handle));
	sem_post(&end_closed);
	test_join(t);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, load_use_close);
	ATF_TP_ADD_TC(tp, close_with_idle_workers);
	ATF_TP_ADD_TC(tp, thread_ends_after_close);
	return atf_no_error();
}
