/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Threads that sleep until they can take a token, under a mutex.  Include
 * tests.h first.
 */

#ifndef _TOKENS_H_
#define	_TOKENS_H_

#include <sys/mutex.h>

#define	NTHREADS	4

static kmutex_t mutex;
static int tokens, taken, waiting;	/* under mutex, or the kernel lock */

static inline int
locked(int *p)
{
	int n;

	mutex_enter(&mutex);
	n = *p;
	mutex_exit(&mutex);
	return n;
}

/*
 * Each token is taken, although takers often time out.  A wake-up never goes to
 * a thread that times out at the same moment.
 */
struct takers {
	int	(*t_sleep)(int);	/* called with the mutex */
	void	(*t_wake)(bool);	/* wake all, or one */
};

static atomic_int takers_left, takers_seed;

static inline void *
takers_take(void *arg)
{
	const struct takers *t = arg;
	unsigned seed = (unsigned)atomic_fetch_add(&takers_seed, 1);
	int error;

	mutex_enter(&mutex);
	while (atomic_load(&takers_left) > 0) {
		while (tokens == 0 && atomic_load(&takers_left) > 0) {
			seed = seed * 1103515245 + 12345;
			error = t->t_sleep((int)((seed >> 16) % 2));
			ATF_REQUIRE(error == 0 || error == EWOULDBLOCK);
		}
		if (tokens > 0) {
			tokens--;
			taken++;
			if (atomic_fetch_sub(&takers_left, 1) == 1)
				t->t_wake(true);
		}
	}
	mutex_exit(&mutex);
	return NULL;
}

/*
 * Give tokens to sleeping threads, and check that none is lost.  The caller has
 * initialised the mutex.
 */
static inline void
takers_none_lost(int (*sleep)(int), void (*wake)(bool))
{
	struct takers takers = { sleep, wake };
	pthread_t t[NTHREADS];
	int given, i, n = TEST_SCALE(20000);

	tokens = taken = 0;
	atomic_store(&takers_left, n);
	atomic_store(&takers_seed, 1);
	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(takers_take, &takers);
	for (given = 0; given < n;) {
		mutex_enter(&mutex);
		tokens++;
		given++;
		wake(given % 5 == 0);
		mutex_exit(&mutex);
		if (given % 512 == 0) {
			TEST_AWAIT(locked(&tokens) == 0);
			/* Let them sleep, and some of them time out. */
			usleep(given % 1024 == 0 ? 10000 : 1000);
		}
	}
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
	TEST_EQ(0, tokens);
	TEST_EQ(n, taken);
}

#endif	/* !_TOKENS_H_ */
