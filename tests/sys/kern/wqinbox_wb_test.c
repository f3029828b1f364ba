/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: the inbox word, without a queue around it.
 */

#include <pthread.h>
#include <string.h>

#include "kern/subr_wqinbox.h"

#include "../../tests.h"

#define	PRODUCERS	3
#define	ITEMS		20000		/* of each producer */

/*
 * A runner that counts its wake-ups.
 */
struct sleeper {
	struct runner	s_runner;	/* first */
	int		s_woken;	/* atomic */
};

static void
wakeup(struct runner *r)
{
	struct sleeper *s = (void *)r;

	(void)__atomic_fetch_add(&s->s_woken, 1, __ATOMIC_RELEASE);
}

static struct sleeper
sleeper(void)
{

	return (struct sleeper){ .s_runner.r_wakeup = wakeup };
}

/*
 * Take the items of the inbox, and order them, oldest first.
 */
static unsigned
take(struct wqinbox *in, struct work **list, unsigned max)
{
	struct work *wk;
	uintptr_t w;
	unsigned i, n;

	n = 0;
	for (w = wqinbox_take(in); !wqinbox_end(w);
	    w = (uintptr_t)wk->wk_dummy) {
		wk = (void *)w;
		ATF_REQUIRE(n < max);
		list[n++] = wk;
	}
	for (i = 0; i < n / 2; i++) {
		wk = list[i];
		list[i] = list[n - 1 - i];
		list[n - 1 - i] = wk;
	}
	return n;
}

TEST_TC(order, "items are taken all at once, in the order of the pushes, and "
    "leave the inbox empty")
{
	struct wqinbox in = { 0 };
	struct work works[5], *list[5];
	unsigned i;

	ATF_CHECK(wqinbox_isempty(&in));
	TEST_EQ(0, wqinbox_take(&in));
	for (i = 0; i < 5; i++) {
		wqinbox_push(&in, &works[i]);
		ATF_CHECK(!wqinbox_isempty(&in));
		ATF_CHECK(!wqinbox_isasleep(&in));
	}
	TEST_EQ(5, take(&in, list, 5));
	for (i = 0; i < 5; i++)
		ATF_CHECK(list[i] == &works[i]);
	ATF_CHECK(wqinbox_isempty(&in));
	TEST_EQ(0, wqinbox_take(&in));
}

TEST_TC(wakes, "the first item after an announcement wakes the announced "
    "runner once, and the next ones wake nobody")
{
	struct sleeper a = sleeper(), b = sleeper();
	struct wqinbox in = { 0 };
	struct work works[3], *list[3];

	ATF_REQUIRE(wqinbox_announce(&in, NULL, &a.s_runner));
	ATF_CHECK(wqinbox_isasleep(&in));
	ATF_CHECK(wqinbox_isempty(&in));
	ATF_CHECK(wqinbox_isannounced(&in, &a.s_runner));
	ATF_CHECK(!wqinbox_isannounced(&in, &b.s_runner));

	/* A look for items leaves the announcement there. */
	TEST_EQ(0, wqinbox_take(&in));
	ATF_CHECK(wqinbox_isannounced(&in, &a.s_runner));

	/* Only a thread that knows the announcement can replace it. */
	ATF_CHECK(!wqinbox_announce(&in, NULL, &b.s_runner));
	ATF_CHECK(!wqinbox_announce(&in, &b.s_runner, NULL));
	ATF_CHECK(wqinbox_isannounced(&in, &a.s_runner));
	ATF_REQUIRE(wqinbox_announce(&in, &a.s_runner, &b.s_runner));

	wqinbox_push(&in, &works[0]);
	TEST_EQ(1, b.s_woken);
	ATF_CHECK(!wqinbox_isannounced(&in, &b.s_runner));
	ATF_CHECK(!wqinbox_isasleep(&in));
	wqinbox_push(&in, &works[1]);
	wqinbox_push(&in, &works[2]);
	TEST_EQ(0, a.s_woken);
	TEST_EQ(1, b.s_woken);
	/* The list ends where the runner was. */
	TEST_EQ(3, take(&in, list, 3));
	ATF_CHECK(list[0] == &works[0]);
}

TEST_TC(refuses, "no sleep can be announced while there is an item, and an "
    "announced one can be withdrawn")
{
	struct sleeper a = sleeper();
	struct wqinbox in = { 0 };
	struct work wk, *list[1];

	wqinbox_push(&in, &wk);
	ATF_CHECK(!wqinbox_announce(&in, NULL, &a.s_runner));
	TEST_EQ(1, take(&in, list, 1));
	ATF_REQUIRE(wqinbox_announce(&in, NULL, &a.s_runner));
	ATF_REQUIRE(wqinbox_announce(&in, &a.s_runner, NULL));
	wqinbox_push(&in, &wk);
	TEST_EQ(0, a.s_woken);
}

TEST_TC(exchange, "the thread that takes the items announces the next runner "
    "in the same exchange")
{
	struct sleeper a = sleeper();
	struct wqinbox in = { 0 };
	struct work works[2];
	uintptr_t w;

	wqinbox_push(&in, &works[0]);
	w = wqinbox_take_announce(&in, &a.s_runner);
	ATF_CHECK(w == (uintptr_t)&works[0]);
	ATF_CHECK(wqinbox_isannounced(&in, &a.s_runner));
	wqinbox_push(&in, &works[1]);
	TEST_EQ(1, a.s_woken);
	w = wqinbox_take_announce(&in, NULL);
	ATF_CHECK(w == (uintptr_t)&works[1]);
	ATF_CHECK(wqinbox_isempty(&in));
	ATF_CHECK(!wqinbox_isasleep(&in));
}

/*
 * A handler interrupts a push after the item's word is written and before the
 * item is in the inbox.
 */
static struct wqinbox *interrupted;
static struct work nested;
static unsigned notes;

static void
interrupt(const void *wk, const void *link)
{

	ATF_CHECK(((const struct work *)wk)->wk_dummy == link);
	if (notes++ == 0)
		wqinbox_push(interrupted, &nested);
}

TEST_TC(nested, "a push that interrupts another comes before it, and wakes the "
    "runner in its place")
{
	struct sleeper a = sleeper();
	struct wqinbox in = { 0 };
	struct work outer, *list[2];

	interrupted = &in;
	notes = 0;
	ATF_REQUIRE(wqinbox_announce(&in, NULL, &a.s_runner));
	wqinbox_wake(wqinbox_insert(&in, &outer, interrupt));
	/* A weak compare-and-swap may fail for no reason. */
	ATF_CHECK(notes >= 2);
	TEST_EQ(1, a.s_woken);
	TEST_EQ(2, take(&in, list, 2));
	ATF_CHECK(list[0] == &nested);
	ATF_CHECK(list[1] == &outer);
}

/*
 * Many producers and one taker: each item has a producer and a number.
 */
struct numbered {
	struct work	n_work;		/* first */
	unsigned	n_producer;
	unsigned	n_number;
};

static struct wqinbox shared;
static struct numbered *numbered[PRODUCERS];
static pthread_barrier_t start;

static void *
produce(void *arg)
{
	struct numbered *items = arg;
	unsigned i;

	(void)pthread_barrier_wait(&start);
	for (i = 0; i < ITEMS; i++)
		wqinbox_push(&shared, &items[i].n_work);
	return NULL;
}

TEST_TC(storm, "each item of many producers is taken once, in its producer's "
    "order, and each announcement taken out wakes once")
{
	static struct work *list[PRODUCERS * ITEMS];
	struct sleeper self = sleeper();
	unsigned i, n, next[PRODUCERS], taken;
	pthread_t threads[PRODUCERS];
	struct numbered *item;
	int announced;

	TEST_EQ(0, pthread_barrier_init(&start, NULL, PRODUCERS + 1));
	for (i = 0; i < PRODUCERS; i++) {
		numbered[i] = calloc(ITEMS, sizeof(*numbered[i]));
		ATF_REQUIRE(numbered[i] != NULL);
		for (n = 0; n < ITEMS; n++) {
			numbered[i][n].n_producer = i;
			numbered[i][n].n_number = n;
		}
		next[i] = 0;
		TEST_EQ(0, pthread_create(&threads[i], NULL, produce,
		    numbered[i]));
	}
	(void)pthread_barrier_wait(&start);
	announced = 0;
	for (taken = 0; taken < PRODUCERS * ITEMS;) {
		n = take(&shared, list, PRODUCERS * ITEMS);
		for (i = 0; i < n; i++) {
			item = (void *)list[i];
			TEST_EQ(next[item->n_producer], item->n_number);
			next[item->n_producer]++;
		}
		taken += n;
		if (n == 0 && taken < PRODUCERS * ITEMS &&
		    wqinbox_announce(&shared, NULL, &self.s_runner)) {
			announced++;
			/* Nothing else ends the sleep. */
			TEST_AWAIT(__atomic_load_n(&self.s_woken,
			    __ATOMIC_ACQUIRE) == announced);
			ATF_REQUIRE(!wqinbox_isempty(&shared));
		}
	}
	for (i = 0; i < PRODUCERS; i++) {
		TEST_EQ(0, pthread_join(threads[i], NULL));
		TEST_EQ(ITEMS, next[i]);
		free(numbered[i]);
	}
	TEST_EQ(announced, self.s_woken);
	ATF_CHECK(wqinbox_isempty(&shared));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, wakes);
	ATF_TP_ADD_TC(tp, refuses);
	ATF_TP_ADD_TC(tp, exchange);
	ATF_TP_ADD_TC(tp, nested);
	ATF_TP_ADD_TC(tp, storm);
	return atf_no_error();
}
