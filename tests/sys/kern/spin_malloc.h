/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A thread allocates under a spin mutex while signals interrupt other threads
 * inside the C allocator, and the handler takes the mutex.  Include tests.h
 * first.
 */

#ifndef _SPIN_MALLOC_H_
#define	_SPIN_MALLOC_H_

#include <sys/intr.h>
#include <sys/mutex.h>

#include "memory.h"

/* The allocator under test: it may return NULL, and must not wait. */
struct spin_memory {
	void	*(*sm_get)(void);
	void	 (*sm_put)(void *);
	size_t	 sm_size;
	size_t	 sm_batch;	/* allocated at once */
};
#define	SPIN_BATCH	20	/* largest sm_batch */

static kmutex_t	spin_mutex;
static atomic_bool spin_stop;
static atomic_uint spin_ints;

static int
spin_handler(void *arg)
{

	(void)arg;
	mutex_enter(&spin_mutex);
	atomic_fetch_add(&spin_ints, 1);
	mutex_exit(&spin_mutex);
	return 1;
}

static void *
spin_malloc(void *arg)
{
	void *volatile p[64];
	size_t i;

	(void)arg;
	splx(splhigh());		/* makes this thread known */
	while (!atomic_load(&spin_stop)) {
		for (i = 0; i < TEST_NELEM(p); i++)
			p[i] = malloc(2000 + i * 64);
		for (i = 0; i < TEST_NELEM(p); i++)
			free(p[i]);
	}
	return NULL;
}

static void *
spin_get(void *arg)
{
	const struct spin_memory *sm = arg;
	unsigned long got, none;
	void *p[SPIN_BATCH];
	size_t i;

	got = none = 0;
	while (!atomic_load(&spin_stop)) {
		for (i = 0; i < sm->sm_batch; i++) {
			mutex_enter(&spin_mutex);
			p[i] = sm->sm_get();
			mutex_exit(&spin_mutex);
			if (p[i] == NULL)
				none++;
			else {
				got++;
				memset(p[i], (int)i, sm->sm_size);
			}
		}
		for (i = 0; i < sm->sm_batch; i++) {
			if (p[i] == NULL)
				continue;
			ATF_REQUIRE(filled(p[i], (int)i, sm->sm_size));
			mutex_enter(&spin_mutex);
			sm->sm_put(p[i]);
			mutex_exit(&spin_mutex);
		}
	}
	ATF_CHECK_MSG(none == 0, "%lu, but none %lu times", got, none);
	return NULL;
}

/* Allocate more than the reserve, at a pace that the helper can keep. */
static void
spin_many(const struct spin_memory *sm)
{
	static void *p[500];
	size_t i, tries;

	for (i = tries = 0; i < TEST_NELEM(p) && tries < 10000; tries++) {
		mutex_enter(&spin_mutex);
		p[i] = sm->sm_get();
		mutex_exit(&spin_mutex);
		if (p[i] == NULL)
			usleep(1000);
		else
			memset(p[i++], 1, sm->sm_size);
	}
	TEST_EQ(TEST_NELEM(p), i);
	mutex_enter(&spin_mutex);
	while (i > 0)
		sm->sm_put(p[--i]);
	mutex_exit(&spin_mutex);
}

static void
spin_run(struct spin_memory *sm)
{
	pthread_t t, u;
	void *ih;
	int i;

	test_env("MALLOC_ARENA_MAX", "1");
	atomic_init(&spin_stop, false);
	atomic_init(&spin_ints, 0);
	mutex_init(&spin_mutex, MUTEX_DEFAULT, IPL_NET);
	ih = intr_establish(SIGUSR1, IPL_NET, INTR_MPSAFE, spin_handler, NULL);
	ATF_REQUIRE(ih != NULL);
	t = test_thread(spin_malloc, NULL);
	u = test_thread(spin_get, sm);
	for (i = 0; i < TEST_SCALE(5000); i++) {
		pthread_kill(t, SIGUSR1);
		usleep(100);
	}
	atomic_store(&spin_stop, true);
	test_join(t);
	test_join(u);
	ATF_CHECK(atomic_load(&spin_ints) > 0);
	intr_disestablish(ih);
	spin_many(sm);
	mutex_destroy(&spin_mutex);
}

#endif	/* !_SPIN_MALLOC_H_ */
