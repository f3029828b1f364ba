/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A plug-in that is linked with the library.  A program that is not linked with
 * the library opens it by dlopen(3).  Include tests.h first.
 */

#ifndef _PLUGIN_H_
#define	_PLUGIN_H_

#include <dlfcn.h>

static struct plugin {
	void	*p_handle;
	int	(*p_turn)(int);
	int	(*p_start)(void);	/* both exist, or neither */
	void	(*p_stop)(void);
} plugin;

/* Open the plug-in, and call its start function. */
static inline void
plugin_open(const atf_tc_t *tc, const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s.so",
	    atf_tc_get_config_var(tc, "srcdir"), name);
	plugin.p_handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ATF_REQUIRE_MSG(plugin.p_handle != NULL, "%s", dlerror());
	*(void **)&plugin.p_turn = dlsym(plugin.p_handle, "module_turn");
	*(void **)&plugin.p_start = dlsym(plugin.p_handle, "module_start");
	*(void **)&plugin.p_stop = dlsym(plugin.p_handle, "module_stop");
	ATF_REQUIRE(plugin.p_turn != NULL);
	TEST_EQ(plugin.p_start == NULL, plugin.p_stop == NULL);
	if (plugin.p_start != NULL)
		TEST_EQ(0, plugin.p_start());
}

static inline void
plugin_stop(void)
{

	if (plugin.p_stop != NULL)
		plugin.p_stop();
}

static inline void
plugin_close(void)
{

	TEST_EQ(0, dlclose(plugin.p_handle));
}

/* Add 1 in a thread, so that the library knows the thread when it ends. */
static inline void *
plugin_turn(void *arg)
{

	*(int *)arg = plugin.p_turn(1);
	return NULL;
}

/*
 * Open, use and close the plug-in repeatedly.  Each turn adds per_turn times
 * its argument to a sum.  The sum starts at 0 in a newly loaded plug-in, but
 * the host may keep the old plug-in.
 */
static inline void
plugin_again(const atf_tc_t *tc, const char *name, int per_turn)
{
	int i, sum;

	for (i = 1; i <= 20; i++) {
		plugin_open(tc, name);
		sum = plugin.p_turn(i);
		ATF_REQUIRE(sum >= per_turn * i);
		TEST_EQ(sum + per_turn * i, plugin.p_turn(i));
		plugin_stop();
		plugin_close();
	}
}

static sem_t plugin_known, plugin_closed;

static inline void *
plugin_late(void *arg)
{

	(void)plugin_turn(arg);
	sem_post(&plugin_known);
	test_sem_wait(&plugin_closed);
	return NULL;
}

/* Close the plug-in, then end a thread that the library knows. */
static inline void
plugin_outlived(const atf_tc_t *tc, const char *name, int per_turn)
{
	pthread_t t;
	int sum;

	sem_init(&plugin_known, 0, 0);
	sem_init(&plugin_closed, 0, 0);
	plugin_open(tc, name);
	t = test_thread(plugin_late, &sum);
	test_sem_wait(&plugin_known);
	TEST_EQ(per_turn, sum);
	plugin_stop();
	plugin_close();
	sem_post(&plugin_closed);
	test_join(t);
}

#endif	/* !_PLUGIN_H_ */
