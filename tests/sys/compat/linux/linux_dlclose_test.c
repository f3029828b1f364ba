/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * dlopen(3) and dlclose(3) of a plug-in that brings the Linux face with it.
 */

#include <dlfcn.h>

#define	TEST_OTHERFACE
#include "../../../tests.h"

#define	PER_TURN	5		/* module_turn() adds that times n */

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

	snprintf(path, sizeof(path), "%s/h_linux_module.so",
	    atf_tc_get_config_var(tc, "srcdir"));
	module.m_handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ATF_REQUIRE_MSG(module.m_handle != NULL, "%s", dlerror());
	*(void **)&module.m_start = dlsym(module.m_handle, "module_start");
	*(void **)&module.m_turn = dlsym(module.m_handle, "module_turn");
	*(void **)&module.m_stop = dlsym(module.m_handle, "module_stop");
	ATF_REQUIRE(module.m_start != NULL && module.m_turn != NULL &&
	    module.m_stop != NULL);
}

TEST_TC(load_use_close, "a plug-in that uses the Linux face is opened, used, "
    "flushed and closed, again and again")
{
	int i, sum;

	for (i = 1; i <= 20; i++) {
		module_load(test_tc);
		TEST_EQ(0, module.m_start());
		/* It is a new one each time, if the host unloads it. */
		sum = module.m_turn(i);
		ATF_REQUIRE(sum >= PER_TURN * i);
		TEST_EQ(sum + PER_TURN * i, module.m_turn(i));
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

TEST_TC(close_with_shared_queues, "the threads of the shared queues stay when "
    "the plug-in is closed after a flush, and serve the next one")
{
	int nthreads, sum;

	module_load(test_tc);
	TEST_EQ(0, module.m_start());
	/* The thread is known to the library when it ends. */
	test_join(test_thread(turn, &sum));
	TEST_EQ(PER_TURN, sum);
	module.m_stop();
	nthreads = test_nthreads();
	TEST_EQ(0, dlclose(module.m_handle));
	test_pause();
	ATF_REQUIRE(nthreads == -1 || test_nthreads() > 1);
	module_load(test_tc);
	TEST_EQ(0, module.m_start());
	ATF_REQUIRE(module.m_turn(1) >= PER_TURN);
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
	TEST_EQ(PER_TURN, sum);
	module.m_stop();
	TEST_EQ(0, dlclose(module.m_handle));
	sem_post(&end_closed);
	test_join(t);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, load_use_close);
	ATF_TP_ADD_TC(tp, close_with_shared_queues);
	ATF_TP_ADD_TC(tp, thread_ends_after_close);
	return atf_no_error();
}
