/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: the release of the kernel lock, stopped between the moment at
 * which the lock is freed, or handed over, and the wake-up of the sleeper.
 */

#include <sys/systm.h>

#include <host/host.h>

#include "../../tests.h"

#define	ROUNDS		20		/* more than between two hand-overs */
#define	NBARGERS	3

/* The releaser stops before its next unpark until it may continue. */
static _Thread_local int stop_at_unpark;
static sem_t stopped, go;

/* A thread sets this to have its parks counted. */
static _Thread_local atomic_int *my_parks;

static int shared;			/* under the kernel lock; plain */

static int
hook(enum host_point point, void *arg)
{

	(void)arg;
	if (point == HOST_POINT_PARK && my_parks != NULL)
		atomic_fetch_add(my_parks, 1);
	if (point == HOST_POINT_UNPARK && stop_at_unpark) {
		stop_at_unpark = 0;
		sem_post(&stopped);
		test_sem_wait(&go);
	}
	return 0;
}

struct taker {
	atomic_int	t_parks;
	atomic_int	t_done;
	int		t_times;
};

static void *
taker(void *arg)
{
	struct taker *t = arg;
	int i;

	my_parks = &t->t_parks;
	for (i = 0; i < t->t_times; i++) {
		KERNEL_LOCK(1, NULL);
		shared++;
		KERNEL_UNLOCK_ONE(NULL);
	}
	atomic_store(&t->t_done, 1);
	my_parks = NULL;
	return NULL;
}

static sem_t has, release;

static void *
releaser(void *arg)
{

	KERNEL_LOCK(1, NULL);
	sem_post(&has);
	test_sem_wait(&release);
	stop_at_unpark = 1;
	KERNEL_UNLOCK_ONE(NULL);
	ATF_REQUIRE_MSG(!stop_at_unpark, "nobody slept");
	return arg;
}

TEST_TC(stopped_before_wake, "while a releaser is stopped before it wakes a "
    "sleeper, others come and sleep for the lock, and all get it")
{
	struct taker bargers[NBARGERS], first[2];
	pthread_t b[NBARGERS], f[2], r;
	int i, round, total = 0;

	sem_init(&stopped, 0, 0);
	sem_init(&go, 0, 0);
	sem_init(&has, 0, 0);
	sem_init(&release, 0, 0);
	__atomic_store_n(&host_hook, hook, __ATOMIC_SEQ_CST);
	for (round = 0; round < ROUNDS; round++) {
		r = test_thread(releaser, NULL);
		test_sem_wait(&has);
		/* Let one thread sleep for the lock, or two. */
		memset(first, 0, sizeof(first));
		for (i = 0; i <= round % 2; i++) {
			first[i].t_times = 1;
			total++;
			f[i] = test_thread(taker, &first[i]);
			TEST_AWAIT(atomic_load(&first[i].t_parks) > 0);
		}
		sem_post(&release);
		test_sem_wait(&stopped);
		/*
		 * The lock is free, or belongs to a thread that does not know
		 * it yet.  Threads that come now take it, or sleep for it.
		 */
		memset(bargers, 0, sizeof(bargers));
		for (i = 0; i < NBARGERS; i++) {
			bargers[i].t_times = 50;
			total += 50;
			b[i] = test_thread(taker, &bargers[i]);
		}
		for (i = 0; i < NBARGERS; i++)
			TEST_AWAIT(atomic_load(&bargers[i].t_parks) > 0 ||
			    atomic_load(&bargers[i].t_done));
		sem_post(&go);
		test_join(r);
		for (i = 0; i <= round % 2; i++)
			test_join(f[i]);
		for (i = 0; i < NBARGERS; i++)
			test_join(b[i]);
		TEST_EQ(total, shared);
		/* The lock is free: it has no owner and no waiter. */
		KERNEL_LOCK(1, NULL);
		KERNEL_UNLOCK_LAST(NULL);
	}
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, stopped_before_wake);
	return atf_no_error();
}
