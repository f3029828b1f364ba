/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A thread allocates under a spin mutex while signals interrupt others inside
 * the C allocator, whose handler takes the mutex.  After tests.h.
 */

#ifndef _SPIN_MALLOC_H_
#define	_SPIN_MALLOC_H_

#include <sys/intr.h>
#include <sys/mutex.h>

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
	splx(splhigh());		/* the library knows us */
	while (!atomic_load(&spin_stop)) {
		for (i = 0; i < TEST_NELEM(p); i++)
			p[i] = malloc(2000 + i * 64);
		for (i = 0; i < TEST_NELEM(p); i++)
			free(p[i]);
	}
	return NULL;
}

/* Run func, which ends when spin_stop is set, in the midst of that. */
static void
spin_run(void *(*func)(void *))
{
	pthread_t t, u;
	void *ih;
	int i;

	atomic_init(&spin_stop, false);
	atomic_init(&spin_ints, 0);
	mutex_init(&spin_mutex, MUTEX_DEFAULT, IPL_NET);
	ih = intr_establish(SIGUSR1, IPL_NET, INTR_MPSAFE, spin_handler, NULL);
	ATF_REQUIRE(ih != NULL);
	t = test_thread(spin_malloc, NULL);
	u = test_thread(func, NULL);
	for (i = 0; i < TEST_SCALE(5000); i++) {
		pthread_kill(t, SIGUSR1);
		usleep(100);
	}
	atomic_store(&spin_stop, true);
	test_join(t);
	test_join(u);
	ATF_CHECK(atomic_load(&spin_ints) > 0);
	intr_disestablish(ih);
	mutex_destroy(&spin_mutex);
}

#endif	/* !_SPIN_MALLOC_H_ */
