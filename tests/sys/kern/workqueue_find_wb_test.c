/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: searches of a long queue.  The linker calls __wrap_mutex_handoff()
 * where a search releases the queue; it advances the worker by a chosen number
 * of items there.
 */

#include <sys/workqueue_ext.h>

#include <kern/kern.h>
#include <kern/subr_workqueue.h>

#include "../../tests.h"

#define	LONG	(3 * WQ_PIECE + 1)

struct item {
	struct work	 i_work;
	int		 i_runs;	/* worker only */
};

static struct item items[LONG], more[WQ_PIECE + 1];
static struct workqueue *wq;
static sem_t tokens;			/* one per item that may run */
static atomic_int entered;		/* callbacks called */
static int given;			/* tokens */

static _Thread_local bool stepping;
static int step;			/* items at each handoff */
static atomic_int handoffs, allocs;
static atomic_bool failing;

void	__real_mutex_handoff(kmutex_t *);
void	__wrap_mutex_handoff(kmutex_t *);

static int
hook(enum host_point point, void *arg)
{

	(void)arg;
	if (point != HOST_POINT_ALLOC)
		return 0;
	atomic_fetch_add(&allocs, 1);
	return atomic_load(&failing) ? ENOMEM : 0;
}

/*
 * Let n more items run to their end; then the next one is running.  The last
 * item never ends here, because nothing would show that it has.
 */
static void
advance(int n)
{
	int want;

	if (n > LONG - 1 - given)
		n = LONG - 1 - given;
	for (given += n; n > 0; n--)
		sem_post(&tokens);
	want = given + 1;
	TEST_AWAIT(atomic_load(&entered) >= want);
}

void
__wrap_mutex_handoff(kmutex_t *mtx)
{

	atomic_fetch_add(&handoffs, 1);
	__real_mutex_handoff(mtx);
	if (stepping)
		advance(step);
}

static void
run(struct work *wk, void *arg)
{

	(void)arg;
	atomic_fetch_add(&entered, 1);
	test_sem_wait(&tokens);
	((struct item *)(void *)wk)->i_runs++;
	/* The word belongs to the client again, so overwrite it. */
	memset(wk, 0xa5, sizeof(*wk));
}

/*
 * Fill a queue with LONG items.  The first runs, and the second may or may not
 * be in the same batch.
 */
static void
fill(void)
{
	int i;

	TEST_EQ(0, sem_init(&tokens, 0, 0));
	atomic_store(&entered, 0);
	given = 0;
	wq = test_create("long", run, NULL, WQ_MPSAFE);
	for (i = 0; i < LONG; i++) {
		items[i].i_runs = 0;
		workqueue_enqueue(wq, &items[i].i_work, NULL);
		if (i == 0)
			TEST_AWAIT(atomic_load(&entered) == 1);
	}
}

/*
 * Let all remaining items run, and n of the others.
 */
static void
finish(int n)
{
	int i;

	stepping = false;
	for (i = 0; i < LONG - given + n; i++)
		sem_post(&tokens);
	workqueue_destroy(wq);
	sem_destroy(&tokens);
}

static struct workqueue_queue *
queue(void)
{

	return &wq->wq_queues[0];
}

static bool
pending(struct item *it)
{
	static const struct timespec zero;
	int error;

	error = workqueue_timedwait(wq, &it->i_work, &zero);
	ATF_REQUIRE(error == 0 || error == ETIMEDOUT);
	return error != 0;
}

/* The method of the search under test. */
enum way { WALK, INDEX, INDEXED, NOMEMORY, NWAYS };

static void
prepare(enum way way)
{

	fill();
	if (way != WALK)
		ATF_REQUIRE(!pending(&more[0]));
	if (way == INDEXED)
		ATF_REQUIRE(!pending(&more[0]));
	ATF_REQUIRE_EQ(way == INDEXED, queue()->q_index != NULL);
	atomic_store(&failing, way == NOMEMORY);
}

static const int targets[] = { 0, 1, 2, 31, 32, 33, 64, 65, 97,
    WQ_PIECE - 1, WQ_PIECE, WQ_PIECE + 1, 2 * WQ_PIECE, LONG - 33, LONG - 2,
    LONG - 1 };
/* With an index, the number of items run since it was made. */
static const int befores[] = { 0, 1, 33, 65, WQ_PIECE + 1 };
static const int steps[] = { 0, 1, 31, 32, 33, WQ_PIECE - 1, WQ_PIECE,
    WQ_PIECE + 1, WQ_PIECE + 100, LONG };

/*
 * The worker advances at each handoff.  A result about an item must be true at
 * the end of the call, when the worker stands still.
 */
static void
overtake_one(bool cancel, enum way way, int before, int target)
{
	bool is;
	int i;

	prepare(way);
	advance(before);
	stepping = true;
	is = cancel ? workqueue_cancel(wq, &items[target].i_work) :
	    pending(&items[target]);
	stepping = false;
	atomic_store(&failing, false);
	/* "given" is the number of items that ran. */
	ATF_REQUIRE_MSG(is == (cancel ? target > given : target >= given),
	    "way %u, %d before, step %d, item %d: %d, %d ran", way, before,
	    step, target, is, given);
	ATF_REQUIRE(!pending(&more[0]));
	if (cancel && is)
		ATF_REQUIRE(!pending(&items[target]));
	finish(0);
	for (i = 0; i < LONG; i++)
		TEST_EQ(!(cancel && i == target && is), items[i].i_runs);
}

static void
overtake(bool cancel)
{
	unsigned b, s, t, way;

	__atomic_store_n(&host_hook, hook, __ATOMIC_SEQ_CST);
	for (t = 0; t < TEST_NELEM(targets); t++)
		for (way = WALK; way < NWAYS; way++)
			if (way == INDEXED) {
				step = 1;
				for (b = 0; b < TEST_NELEM(befores); b++)
					overtake_one(cancel, way, befores[b],
					    targets[t]);
			} else
				for (s = 0; s < TEST_NELEM(steps); s++) {
					step = steps[s];
					overtake_one(cancel, way, 0,
					    targets[t]);
				}
}

TEST_TC(cancel_overtaken, "an item is cancelled if and only if it does not "
    "run, however far the worker advances during the search")
{

	overtake(true);
}

TEST_TC(wait_overtaken, "a wait finds an item until it has run, however far "
    "the worker advances during the search")
{

	overtake(false);
}

TEST_TC(pieces, "every kind of search releases the queue after a number of "
    "items")
{
	int way;

	__atomic_store_n(&host_hook, hook, __ATOMIC_SEQ_CST);
	for (way = WALK; way < NWAYS; way++) {
		fill();
		atomic_store(&handoffs, 0);
		ATF_REQUIRE(!pending(&more[0]));
		/* One pass turns the inbox, and one walks the list. */
		ATF_CHECK(atomic_load(&handoffs) >= 2 * (LONG / WQ_PIECE) - 2);
		atomic_store(&handoffs, 0);
		atomic_store(&failing, way == NOMEMORY);
		ATF_REQUIRE(!pending(&more[0]));
		ATF_CHECK(atomic_load(&handoffs) >= LONG / WQ_PIECE - 1);
		atomic_store(&failing, false);
		finish(0);
	}
}

TEST_TC(batch_first, "an item of the batch is found without a look at those "
    "behind it")
{
	unsigned n;

	fill();
	/* Items 1 to 32 are the next batch. */
	advance(1);
	atomic_store(&handoffs, 0);
	ATF_REQUIRE(workqueue_cancel(wq, &items[2].i_work));
	ATF_REQUIRE(workqueue_cancel(wq, &items[WQ_BATCH].i_work));
	ATF_REQUIRE(pending(&items[3]));
	/* These calls neither turned nor walked anything. */
	TEST_EQ(0, atomic_load(&handoffs));
	n = queue()->q_refills;
	ATF_REQUIRE(pending(&items[4]));
	TEST_EQ(n, queue()->q_refills);
	finish(0);
	TEST_EQ(0, items[2].i_runs);
	TEST_EQ(0, items[WQ_BATCH].i_runs);
	TEST_EQ(1, items[3].i_runs);
}

TEST_TC(many_cancelled, "an index lets items be cancelled in any order without "
    "a walk for each, also those enqueued later")
{
	int i, n;

	fill();
	for (i = 0; i < 2; i++)
		ATF_REQUIRE(!pending(&more[0]));
	ATF_REQUIRE(queue()->q_index != NULL);
	atomic_store(&handoffs, 0);
	/*
	 * 7 and LONG have no common factor, so this picks each item once, in
	 * scattered order.
	 */
	for (i = n = 0; i < LONG; i++) {
		int k = (int)((long)i * 7 % LONG);

		if (k != 0 && k % 5 != 0) {
			ATF_REQUIRE(workqueue_cancel(wq, &items[k].i_work));
			n++;
		}
		if (i < WQ_PIECE) {
			more[i].i_runs = 0;
			workqueue_enqueue(wq, &more[i].i_work, NULL);
			if (i % 2 == 0)
				ATF_REQUIRE(workqueue_cancel(wq,
				    &more[i].i_work));
		}
	}
	/*
	 * The index allocates memory without the lock; there is no other
	 * handoff.
	 */
	ATF_CHECK(atomic_load(&handoffs) <= 2);
	finish(WQ_PIECE / 2);
	for (i = 0; i < LONG; i++)
		TEST_EQ(i % 5 == 0, items[i].i_runs);
	for (i = 0; i < WQ_PIECE; i++)
		TEST_EQ(i % 2, more[i].i_runs);
}

TEST_TC(index_ends, "an empty list has no index, however it became empty")
{
	int i;

	fill();
	for (i = 0; i < 2; i++)
		ATF_REQUIRE(!pending(&more[0]));
	ATF_REQUIRE(queue()->q_index != NULL);
	for (i = 1; i < LONG; i++)
		ATF_REQUIRE(workqueue_cancel(wq, &items[i].i_work));
	ATF_CHECK(queue()->q_index == NULL);
	ATF_CHECK(!queue()->q_walked);
	finish(1 - LONG);

	fill();
	for (i = 0; i < 2; i++)
		ATF_REQUIRE(!pending(&more[0]));
	ATF_REQUIRE(queue()->q_index != NULL);
	/* The last batch is taken when all items before it have run. */
	advance(LONG - 1);
	TEST_AWAIT(!__atomic_load_n(&queue()->q_walked, __ATOMIC_SEQ_CST));
	ATF_CHECK(queue()->q_index == NULL);
	finish(0);
}

/*
 * Waiters for items on the list.
 */
static atomic_int back;

static void *
waits(void *arg)
{

	workqueue_wait(wq, &((struct item *)arg)->i_work);
	atomic_fetch_add(&back, 1);
	return NULL;
}

static unsigned
waiters(void)
{
	struct workqueue_waiter *ww;
	unsigned n = 0;

	mutex_enter(&queue()->q_lock);
	for (ww = queue()->q_waiters; ww != NULL; ww = ww->ww_next)
		n++;
	mutex_exit(&queue()->q_lock);
	return n;
}

TEST_TC(listed_exact, "a wait for a listed item ends exactly when it has run, "
    "even if others are cancelled meanwhile")
{
	static const int at[] = { 1, 5, 31, 32, 33, 64, 65, 100, 200 };
	pthread_t t[TEST_NELEM(at)];
	bool gone[LONG];
	unsigned i, round;
	int k, left, want;

	for (round = 0; round < 3; round++) {
		fill();
		atomic_store(&back, 0);
		for (i = 0; i < TEST_NELEM(at); i++)
			t[i] = test_thread(waits, &items[at[i]]);
		TEST_AWAIT(waiters() == TEST_NELEM(at));
		memset(gone, 0, sizeof(gone));
		left = LONG;
		for (k = 1; k < LONG; k++) {
			gone[k] = round == 1 ? k % 3 == 0 : round == 2;
			for (i = 0; i < TEST_NELEM(at); i++)
				if (at[i] == k)
					gone[k] = false;
			if (gone[k]) {
				ATF_REQUIRE(workqueue_cancel(wq,
				    &items[k].i_work));
				left--;
			}
		}
		for (k = want = 0; k <= at[TEST_NELEM(at) - 1]; k++) {
			if (gone[k])
				continue;
			TEST_EQ(want, atomic_load(&back));
			sem_post(&tokens);
			given++;
			if (--left > 0)
				TEST_AWAIT(atomic_load(&entered) == given + 1);
			if (at[want] == k) {
				want++;
				TEST_AWAIT(atomic_load(&back) == want);
			}
		}
		for (i = 0; i < TEST_NELEM(at); i++)
			test_join(t[i]);
		finish(0);
		for (k = 0; k < LONG; k++)
			TEST_EQ(!gone[k], items[k].i_runs);
	}
}

TEST_TC(listed_cancelled, "a cancel ends the waits for that enqueue of a "
    "listed item, and not one for the run before")
{
	pthread_t t;

	fill();
	atomic_store(&back, 0);
	t = test_thread(waits, &items[LONG - 1]);
	TEST_AWAIT(waiters() == 1);
	ATF_REQUIRE(workqueue_cancel(wq, &items[LONG - 1].i_work));
	test_join(t);

	/*
	 * This thread waits for item 1, which is enqueued again while it runs.
	 */
	t = test_thread(waits, &items[1]);
	TEST_AWAIT(waiters() == 1);
	advance(1);
	workqueue_enqueue(wq, &items[1].i_work, NULL);
	ATF_REQUIRE(workqueue_cancel(wq, &items[1].i_work));
	TEST_EQ(1, waiters());
	TEST_EQ(1, atomic_load(&back));
	advance(1);
	test_join(t);
	finish(0);
	TEST_EQ(1, items[1].i_runs);
}

/*
 * Threads cancel, wait for and enqueue items of a long queue.
 */
#define	NTHREADS 4

static struct racer {
	struct work	 r_work;
	atomic_int	 r_pending;	/* the thread that sets it enqueues */
} *racers;
static atomic_long enqueued, ran, cancelled;

static void
race(struct work *wk, void *arg)
{
	struct racer *r = (void *)wk;

	(void)arg;
	atomic_fetch_add(&ran, 1);
	/* From here on it may be enqueued again. */
	atomic_store(&r->r_pending, 0);
}

static void *
racing(void *arg)
{
	static const struct timespec zero;
	unsigned seed = *(unsigned *)arg;
	struct racer *r;
	int i, n;

	n = TEST_SCALE(100000);
	for (i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		r = &racers[(seed >> 8) % LONG];
		switch (seed >> 28) {
		case 0:
			workqueue_wait(wq, &r->r_work);
			break;
		case 1:
			(void)workqueue_timedwait(wq, &r->r_work, &zero);
			break;
		case 2:
		case 3:
		case 4:
			/*
			 * Only one thread's cancel succeeds, and that thread
			 * frees the item for the others.
			 */
			if (atomic_load(&r->r_pending) != 0 &&
			    workqueue_cancel(wq, &r->r_work)) {
				atomic_fetch_add(&cancelled, 1);
				atomic_store(&r->r_pending, 0);
			}
			break;
		default:
			if (atomic_exchange(&r->r_pending, 1) == 0) {
				atomic_fetch_add(&enqueued, 1);
				workqueue_enqueue(wq, &r->r_work, NULL);
			}
		}
	}
	return NULL;
}

TEST_TC(races, "while many threads search a long queue, each item runs once or "
    "is cancelled once, and every wait ends")
{
	unsigned seeds[NTHREADS];
	pthread_t t[NTHREADS];
	int i, k, n;

	n = TEST_SCALE(20);
	for (k = 0; k < n; k++) {
		ATF_REQUIRE((racers = calloc(LONG, sizeof(*racers))) != NULL);
		atomic_store(&enqueued, 0);
		atomic_store(&ran, 0);
		atomic_store(&cancelled, 0);
		wq = test_create("races", race, NULL, WQ_MPSAFE);
		for (i = 0; i < NTHREADS; i++) {
			seeds[i] = (unsigned)(k * NTHREADS + i) * 7919 + 1;
			t[i] = test_thread(racing, &seeds[i]);
		}
		for (i = 0; i < NTHREADS; i++)
			test_join(t[i]);
		workqueue_destroy(wq);
		TEST_EQ(atomic_load(&enqueued),
		    atomic_load(&ran) + atomic_load(&cancelled));
		/* A sanitizer finds late accesses to them. */
		free(racers);
	}
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, cancel_overtaken);
	ATF_TP_ADD_TC(tp, wait_overtaken);
	ATF_TP_ADD_TC(tp, pieces);
	ATF_TP_ADD_TC(tp, batch_first);
	ATF_TP_ADD_TC(tp, many_cancelled);
	ATF_TP_ADD_TC(tp, index_ends);
	ATF_TP_ADD_TC(tp, listed_exact);
	ATF_TP_ADD_TC(tp, listed_cancelled);
	ATF_TP_ADD_TC(tp, races);
	return atf_no_error();
}
