/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * dlopen(3) and dlclose(3) of a plug-in that brings iv_work(3) with it.
 */

#include <dlfcn.h>

#define	TEST_OTHERFACE
#include "../../../tests.h"

#define	PER_TURN	8		/* module_turn() adds that times n */

static void *handle;
static int (*module_turn)(int);

static void
module_load(const atf_tc_t *tc)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/h_iv_module.so",
	    atf_tc_get_config_var(tc, "srcdir"));
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ATF_REQUIRE_MSG(handle != NULL, "%s", dlerror());
	*(void **)&module_turn = dlsym(handle, "module_turn");
	ATF_REQUIRE(module_turn != NULL);
}

TEST_TC(load_use_close, "a plug-in that uses iv_work is opened, used and "
    "closed, again and again; threads of its pool may still be ending")
{
	int i, sum;

	alarm(TEST_DEADLINE);
	for (i = 1; i <= 20; i++) {
		module_load(test_tc);
		sum = module_turn(i);
		ATF_REQUIRE(sum >= PER_TURN * i);
		TEST_EQ(sum + PER_TURN * i, module_turn(i));
		TEST_EQ(0, dlclose(handle));
	}
}

static sem_t end_known, end_closed;

static void *
ends_late(void *arg)
{

	*(int *)arg = module_turn(1);
	sem_post(&end_known);
	test_sem_wait(&end_closed);
	return NULL;
}

TEST_TC(thread_ends_after_close, "a thread that had a loop ends well after "
    "the plug-in is closed")
{
	pthread_t t;
	int sum;

	alarm(TEST_DEADLINE);
	sem_init(&end_known, 0, 0);
	sem_init(&end_closed, 0, 0);
	module_load(test_tc);
	t = test_thread(ends_late, &sum);
	test_sem_wait(&end_known);
	TEST_EQ(PER_TURN, sum);
	TEST_EQ(0, dlclose(handle));
	sem_post(&end_closed);
	test_join(t);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, load_use_close);
	ATF_TP_ADD_TC(tp, thread_ends_after_close);
	return atf_no_error();
}
