/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Shared by the tests of allocators.  Include tests.h first.
 */

#ifndef _MEMORY_H_
#define	_MEMORY_H_

#include <sys/intr.h>

#include <sched.h>

/* True if all n bytes equal c. */
static inline bool
filled(const void *p, int c, size_t n)
{
	const unsigned char *s = p;

	while (n > 0 && *s == c) {
		s++;
		n--;
	}
	return n == 0;
}

/* Threads use memory until this is set. */
static atomic_bool stop;

/* Keep two threads in churn() while signal handlers also allocate. */
static inline void
memory_signals(void *(*churn)(void *), int (*handler)(void *), atomic_int *got)
{
	pthread_t t[2];
	void *ih;
	int i, n = TEST_SCALE(20000);

	ih = intr_establish(SIGUSR1, IPL_VM, INTR_MPSAFE, handler, NULL);
	ATF_REQUIRE(ih != NULL);
	for (i = 0; i < 2; i++)
		t[i] = test_thread(churn, NULL);
	for (i = 0; i < n || atomic_load(got) == 0; i++) {
		pthread_kill(t[i % 2], SIGUSR1);
		if (i % 16 == 0)
			sched_yield();
	}
	atomic_store(&stop, true);
	for (i = 0; i < 2; i++)
		test_join(t[i]);
	intr_disestablish(ih);
}

/* Call use() in children while another thread is in churn(). */
static inline void
memory_forks(void *(*churn)(void *), void (*use)(void))
{
	pthread_t t;
	int i;

	if (TEST_BUSYFORK)
		t = test_thread(churn, NULL);
	for (i = 0; i < TEST_SCALE(100); i++)
		test_lives(use);
	atomic_store(&stop, true);
	if (TEST_BUSYFORK)
		test_join(t);
}

#endif	/* !_MEMORY_H_ */
