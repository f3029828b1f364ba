/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pcq(9).
 */

#include <sys/pcq.h>
#include <sys/systm.h>

#include "../../tests.h"

static pcq_t *pcq;
static char items[64];

TEST_TC(bound, "a queue holds exactly its capacity, in order, at any size")
{
	static const size_t sizes[] = { 1, 2, 3, 7, 8, 60 };
	size_t i, len, n, round;

	for (i = 0; i < TEST_NELEM(sizes); i++) {
		len = sizes[i];
		pcq = pcq_create(len, KM_SLEEP);
		TEST_EQ(len, pcq_maxitems(pcq));
		ATF_CHECK(pcq_get(pcq) == NULL && pcq_peek(pcq) == NULL);
		for (round = 0; round < 5; round++) {
			for (n = 0; n < len; n++)
				ATF_CHECK(pcq_put(pcq, &items[n]));
			ATF_CHECK(!pcq_put(pcq, &items[n]));
			/* Remove one, add one. */
			ATF_CHECK(pcq_peek(pcq) == &items[0]);
			ATF_CHECK(pcq_get(pcq) == &items[0]);
			ATF_CHECK(pcq_put(pcq, &items[len]));
			ATF_CHECK(!pcq_put(pcq, &items[len]));
			for (n = 1; n <= len; n++) {
				ATF_CHECK(pcq_peek(pcq) == &items[n]);
				ATF_CHECK(pcq_get(pcq) == &items[n]);
			}
			ATF_CHECK(pcq_peek(pcq) == NULL);
			ATF_CHECK(pcq_get(pcq) == NULL);
		}
		pcq_destroy(pcq);
	}
}

/*
 * Producers number their items; only the queue orders this memory.
 */
struct item {
	size_t	i_producer;
	int	i_number;
};

#define	PRODUCERS	4

static int perthread;

static void *
producer(void *arg)
{
	struct item *it;
	int i;

	for (i = 0; i < perthread; i++) {
		it = malloc(sizeof(*it));
		it->i_producer = (size_t)(uintptr_t)arg;
		it->i_number = i;
		while (!pcq_put(pcq, it))
			sched_yield();
	}
	return NULL;
}

static void
exchange(size_t len)
{
	pthread_t t[PRODUCERS];
	struct item *it;
	int next[PRODUCERS] = { 0 };
	int n;
	size_t i;

	pcq = pcq_create(len, KM_SLEEP);
	perthread = TEST_SCALE(20000);
	for (i = 0; i < PRODUCERS; i++)
		t[i] = test_thread(producer, (void *)(uintptr_t)i);
	for (n = 0; n < PRODUCERS * perthread;) {
		if ((it = pcq_get(pcq)) == NULL) {
			sched_yield();
			continue;
		}
		TEST_EQ(next[it->i_producer], it->i_number);
		next[it->i_producer]++;
		free(it);
		n++;
	}
	for (i = 0; i < PRODUCERS; i++)
		test_join(t[i]);
	ATF_CHECK(pcq_get(pcq) == NULL);
	pcq_destroy(pcq);
}

TEST_TC(threads, "each item of several producers comes out once, and those of "
    "one producer in order")
{

	exchange(1);
	exchange(3);
	exchange(256);
}

/*
 * A signal handler interrupts a put, and puts on the same queue.
 */
static volatile sig_atomic_t handled, full;
static atomic_int stop;

static void
handler(int signo)
{
	int e;

	(void)signo;
	e = errno;
	if (pcq_put(pcq, &items[1]))
		handled++;
	else
		full++;
	if (errno != e)
		abort();
}

static void *
pounder(void *arg)
{

	while (!atomic_load(&stop)) {
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
		sched_yield();
	}
	return NULL;
}

TEST_TC(signals, "a foreign signal handler may put items, even if it "
    "interrupts a put")
{
	pthread_t self, t;
	int got, mine;

	pcq = pcq_create(64, KM_SLEEP);
	signal(SIGUSR1, handler);
	self = pthread_self();
	t = test_thread(pounder, &self);
	got = mine = 0;
	while (handled < TEST_SCALE(2000) || mine < TEST_SCALE(2000)) {
		if (pcq_put(pcq, &items[0]))
			mine++;
		while (pcq_get(pcq) != NULL)
			got++;
	}
	atomic_store(&stop, 1);
	test_join(t);
	signal(SIGUSR1, SIG_IGN);
	while (pcq_get(pcq) != NULL)
		got++;
	TEST_EQ(mine + handled, got);
	pcq_destroy(pcq);
}

static void
null_item(void)
{

	(void)pcq_put(pcq_create(1, KM_SLEEP), NULL);
}

static void
no_items(void)
{

	(void)pcq_create(0, KM_SLEEP);
}

static void
too_many(void)
{

	(void)pcq_create(PCQ_MAXLEN + 1, KM_SLEEP);
}

TEST_TC(misuse, "errors of the caller panic")
{

	test_panics(null_item, "pcq_put: the item is NULL", NULL);
	test_panics(no_items, "pcq_create: 0 items", NULL);
	test_panics(too_many, "pcq_create: 65536 items", NULL);
	pcq = pcq_create(PCQ_MAXLEN, KM_NOSLEEP);
	ATF_REQUIRE(pcq != NULL);
	pcq_destroy(pcq);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, bound);
	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, signals);
	ATF_TP_ADD_TC(tp, misuse);
	return atf_no_error();
}
