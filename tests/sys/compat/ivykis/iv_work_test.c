/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3): the behaviour of ivykis, and cases that ivykis gets wrong.
 */

#include "../../../tests.h"

#include <iv.h>
#include <iv_event.h>
#include <iv_work.h>

struct item {
	struct iv_work_item i_work;
	atomic_int	 i_runs;
	int		 i_completions;	/* the owner's */
	pthread_t	 i_runner;
};

static struct iv_work_pool pool;
static pthread_t owner;
static int completions;
static atomic_int runs;

static void
work(void *cookie)
{
	struct item *i = cookie;

	i->i_runner = pthread_self();
	atomic_fetch_add(&i->i_runs, 1);
	atomic_fetch_add(&runs, 1);
}

static void
work_gate(void *cookie)
{

	test_gate_run(cookie);
}

static void
completion(void *cookie)
{
	struct item *i = cookie;

	ATF_REQUIRE(pthread_equal(pthread_self(), owner));
	i->i_completions++;
	completions++;
}

static void
item_init(struct item *i, void (*w)(void *), void (*c)(void *))
{

	/* The list is not initialised; it may hold anything. */
	memset(i, 0xa5, sizeof(*i));
	IV_WORK_ITEM_INIT(&i->i_work);
	i->i_work.cookie = i;
	i->i_work.work = w;
	i->i_work.completion = c;
	atomic_init(&i->i_runs, 0);
	i->i_completions = 0;
}

static void
pool_init(struct iv_work_pool *p, int max)
{

	memset(p, 0, sizeof(*p));
	IV_WORK_POOL_INIT(p);
	p->max_threads = max;
	TEST_EQ(0, iv_work_pool_create(p));
}

static void
start(void)
{

	alarm(TEST_DEADLINE);
	owner = pthread_self();
	iv_init();
}

/* Two loops may follow each other in one thread. */
static void
finish(void)
{

	iv_main();
	iv_deinit();
}

TEST_TC(run_and_complete, "work in a worker, completion in the owner's loop")
{
	static struct item items[1000];
	unsigned i;

	start();
	pool_init(&pool, 4);
	for (i = 0; i < TEST_NELEM(items); i++) {
		item_init(&items[i], work, completion);
		iv_work_pool_submit_work(&pool, &items[i].i_work);
	}
	TEST_EQ(0, completions);
	iv_work_pool_put(&pool);
	finish();
	for (i = 0; i < TEST_NELEM(items); i++) {
		TEST_EQ(1, atomic_load(&items[i].i_runs));
		TEST_EQ(1, items[i].i_completions);
		ATF_REQUIRE(!pthread_equal(items[i].i_runner, owner));
	}
}

TEST_TC(static_pool, "a static pool of zeros, without INIT")
{
	static struct iv_work_pool zeroed;
	static struct item item;

	start();
	zeroed.max_threads = 2;
	TEST_EQ(0, iv_work_pool_create(&zeroed));
	item_init(&item, work, completion);
	iv_work_pool_submit_work(&zeroed, &item.i_work);
	iv_work_pool_put(&zeroed);
	finish();
	TEST_EQ(1, item.i_completions);
}

static struct item again;
static int rounds;

static void
complete_again(void *cookie)
{
	struct item *i = cookie;

	TEST_EQ(i->i_completions + 1, atomic_load(&i->i_runs));
	if (++i->i_completions == rounds)
		iv_work_pool_put(&pool);
	else
		iv_work_pool_submit_work(&pool, &i->i_work);
}

TEST_TC(reuse, "a completion submits its item again")
{

	start();
	rounds = TEST_SCALE(10000);
	pool_init(&pool, 2);
	item_init(&again, work, complete_again);
	iv_work_pool_submit_work(&pool, &again.i_work);
	finish();
	TEST_EQ(rounds, again.i_completions);
}

static void
complete_free(void *cookie)
{

	completions++;
	free(cookie);
}

TEST_TC(free_in_completion, "a completion frees its item")
{
	struct item *i;
	int n;

	start();
	pool_init(&pool, 3);
	for (n = 0; n < 500; n++) {
		ATF_REQUIRE((i = malloc(sizeof(*i))) != NULL);
		item_init(i, work, complete_free);
		iv_work_pool_submit_work(&pool, &i->i_work);
	}
	iv_work_pool_put(&pool);
	finish();
	TEST_EQ(500, completions);
}

static void
work_free(void *cookie)
{

	atomic_fetch_add(&runs, 1);
	free(cookie);
}

TEST_TC(no_completion, "a NULL completion is none; the callback may free the "
    "item")
{
	struct item *i;
	int n;

	start();
	pool_init(&pool, 3);
	for (n = 0; n < 500; n++) {
		ATF_REQUIRE((i = malloc(sizeof(*i))) != NULL);
		item_init(i, work_free, NULL);
		iv_work_pool_submit_work(&pool, &i->i_work);
	}
	iv_work_pool_put(&pool);
	finish();
	TEST_EQ(500, atomic_load(&runs));
}

TEST_TC(put_returns, "put does not block; the struct may be reused at once")
{
	static struct item gate, items[10];
	static struct test_gate g;
	unsigned i;

	start();
	test_gate_init(&g);
	pool_init(&pool, 1);
	item_init(&gate, work_gate, NULL);
	gate.i_work.cookie = &g.g_work;
	iv_work_pool_submit_work(&pool, &gate.i_work);
	test_sem_wait(&g.g_entered);
	for (i = 0; i < 5; i++) {
		item_init(&items[i], work, completion);
		iv_work_pool_submit_work(&pool, &items[i].i_work);
	}
	/* The pool's only thread waits at the gate. */
	iv_work_pool_put(&pool);
	ATF_REQUIRE(pool.priv == NULL);
	TEST_EQ(0, atomic_load(&runs));
	pool_init(&pool, 1);
	for (; i < 10; i++) {
		item_init(&items[i], work, completion);
		iv_work_pool_submit_work(&pool, &items[i].i_work);
	}
	iv_work_pool_put(&pool);
	memset(&pool, 0xa5, sizeof(pool));
	TEST_AWAIT(atomic_load(&runs) == 5);
	test_gate_open(&g);
	finish();
	for (i = 0; i < 10; i++)
		TEST_EQ(1, items[i].i_completions);
}

static void
complete_put(void *cookie)
{

	completion(cookie);
	iv_work_pool_put(&pool);
}

TEST_TC(put_in_completion, "put in a completion, with more items pending")
{
	static struct item items[100];
	unsigned i;

	start();
	pool_init(&pool, 1);
	for (i = 0; i < TEST_NELEM(items); i++) {
		item_init(&items[i], work, i == 0 ? complete_put : completion);
		iv_work_pool_submit_work(&pool, &items[i].i_work);
	}
	finish();
	TEST_EQ((int)TEST_NELEM(items), completions);
}

TEST_TC(put_unused, "a pool that had no items")
{

	start();
	pool_init(&pool, 5);
	iv_work_pool_put(&pool);
	finish();
}

TEST_TC(many_pools, "pools come and go; no thread or descriptor is left")
{
	static struct iv_work_pool pools[20];
	static struct item items[20];
	int i, n, r, fds = -1;

	start();
	for (r = 0; r < 10; r++) {
		for (i = 0; i < 20; i++) {
			pool_init(&pools[i], 1 + i % 3);
			item_init(&items[i], work, completion);
			iv_work_pool_submit_work(&pools[i], &items[i].i_work);
		}
		for (i = 0; i < 20; i++)
			iv_work_pool_put(&pools[i]);
		iv_main();
		n = test_countdir("/proc/self/fd");
		if (r == 0)
			fds = n;
		TEST_EQ(fds, n);
	}
	TEST_EQ(200, completions);
	iv_deinit();
	if ((n = test_nthreads_alone()) != -1)
		TEST_AWAIT(test_nthreads() == n);
}

/*
 * thread_start and thread_stop.
 */
static atomic_int starts, stops, now_ok;
static sem_t starting;

static void
hook_start(void *cookie)
{

	TEST_EQ('c', *(char *)cookie);
	ATF_REQUIRE(iv_inited());
	/* A thread may end meanwhile, and another one take its place. */
	ATF_REQUIRE(atomic_fetch_add(&starts, 1) - atomic_load(&stops) < 3);
}

static void
hook_stop(void *cookie)
{

	TEST_EQ('c', *(char *)cookie);
	ATF_REQUIRE(iv_inited());
	atomic_fetch_add(&stops, 1);
}

static void
work_now(void *cookie)
{

	iv_validate_now();
	ATF_REQUIRE(iv_inited());
	if (iv_now.tv_sec != 0 || iv_now.tv_nsec != 0)
		atomic_fetch_add(&now_ok, 1);
	work(cookie);
}

TEST_TC(hooks, "thread_start and thread_stop run in each worker; iv_now works")
{
	static struct item items[100];
	static char c = 'c';
	unsigned i;

	start();
	pool.max_threads = 3;
	pool.cookie = &c;
	pool.thread_start = hook_start;
	pool.thread_stop = hook_stop;
	TEST_EQ(0, iv_work_pool_create(&pool));
	for (i = 0; i < TEST_NELEM(items); i++) {
		item_init(&items[i], work_now, completion);
		iv_work_pool_submit_work(&pool, &items[i].i_work);
	}
	iv_work_pool_put(&pool);
	finish();
	ATF_REQUIRE(atomic_load(&starts) >= 1);
	TEST_EQ(atomic_load(&starts), atomic_load(&stops));
	TEST_EQ(100, atomic_load(&now_ok));
}

/* Each start hook waits for the other, so the hooks must not be serialised. */
static void
hook_meet(void *cookie)
{

	(void)cookie;
	if (atomic_fetch_add(&starts, 1) == 1) {
		sem_post(&starting);
		sem_post(&starting);
	}
	test_sem_wait(&starting);
}

/* Each stop hook waits for the others, so no lock may be held. */
static void
hook_part(void *cookie)
{

	(void)cookie;
	atomic_fetch_add(&stops, 1);
	TEST_AWAIT(atomic_load(&stops) == atomic_load(&starts));
}

TEST_TC(hooks_unserialised, "two thread_starts, and thread_stops, at once")
{
	static struct item items[2];
	unsigned i;

	start();
	sem_init(&starting, 0, 0);
	pool.max_threads = 2;
	pool.thread_start = hook_meet;
	pool.thread_stop = hook_part;
	TEST_EQ(0, iv_work_pool_create(&pool));
	for (i = 0; i < 2; i++) {
		item_init(&items[i], work, completion);
		iv_work_pool_submit_work(&pool, &items[i].i_work);
	}
	iv_work_pool_put(&pool);
	finish();
	TEST_EQ(2, completions);
	TEST_EQ(2, atomic_load(&starts));
	TEST_EQ(2, atomic_load(&stops));
}

/*
 * A burst.
 */
static pthread_barrier_t four;

static void
work_meet(void *cookie)
{

	pthread_barrier_wait(&four);
	work(cookie);
}

static struct item warm, burst[4];

static void
complete_burst(void *cookie)
{
	unsigned i;

	completion(cookie);
	for (i = 0; i < 4; i++)
		iv_work_pool_submit_work(&pool, &burst[i].i_work);
	iv_work_pool_put(&pool);
}

TEST_TC(burst_spreads, "four items for one warm thread meet at a barrier")
{
	unsigned i;

	start();
	pthread_barrier_init(&four, NULL, 4);
	pool_init(&pool, 8);
	item_init(&warm, work, complete_burst);
	for (i = 0; i < 4; i++)
		item_init(&burst[i], work_meet, completion);
	iv_work_pool_submit_work(&pool, &warm.i_work);
	finish();
	TEST_EQ(5, completions);
}

/* Each item is submitted after the previous one waits. */
static atomic_int waiting;

static void
work_meet_late(void *cookie)
{

	atomic_fetch_add(&waiting, 1);
	work_meet(cookie);
}

TEST_TC(trickle_spreads, "so do four that come one after another")
{
	int i;

	start();
	pthread_barrier_init(&four, NULL, 4);
	pool_init(&pool, 4);
	for (i = 0; i < 4; i++) {
		item_init(&burst[i], work_meet_late, completion);
		iv_work_pool_submit_work(&pool, &burst[i].i_work);
		TEST_AWAIT(i == 3 || atomic_load(&waiting) == i + 1);
	}
	iv_work_pool_put(&pool);
	finish();
	TEST_EQ(4, completions);
}

static struct item ahead, behind;
static atomic_int ahead_begun, behind_ran;

static void
work_ahead(void *cookie)
{

	atomic_store(&ahead_begun, 1);
	TEST_AWAIT(atomic_load(&behind_ran) != 0);
	work(cookie);
}

static void
work_behind(void *cookie)
{

	atomic_store(&behind_ran, 1);
	work(cookie);
}

static void
complete_trickle(void *cookie)
{

	completion(cookie);
	iv_work_pool_submit_work(&pool, &ahead.i_work);
	TEST_AWAIT(atomic_load(&ahead_begun) != 0);
	iv_work_pool_submit_work(&pool, &behind.i_work);
	iv_work_pool_put(&pool);
}

TEST_TC(trickle_warm, "so do two for a thread that still looks for more")
{
	int i;

	start();
	for (i = 0; i < 100; i++) {
		pool_init(&pool, 2);
		atomic_store(&ahead_begun, 0);
		atomic_store(&behind_ran, 0);
		item_init(&warm, work, complete_trickle);
		item_init(&ahead, work_ahead, completion);
		item_init(&behind, work_behind, completion);
		iv_work_pool_submit_work(&pool, &warm.i_work);
		iv_main();
	}
	iv_deinit();
	TEST_EQ(300, completions);
}

static atomic_int inside, most;

static void
work_count(void *cookie)
{
	int n, m;

	n = atomic_fetch_add(&inside, 1) + 1;
	for (m = atomic_load(&most); n > m;)
		if (atomic_compare_exchange_weak(&most, &m, n))
			break;
	test_pause();
	atomic_fetch_sub(&inside, 1);
	work(cookie);
}

TEST_TC(max_threads, "no more than max_threads run at a time")
{
	static struct item items[200];
	unsigned i;

	start();
	pool_init(&pool, 3);
	for (i = 0; i < TEST_NELEM(items); i++) {
		item_init(&items[i], work_count, completion);
		iv_work_pool_submit_work(&pool, &items[i].i_work);
	}
	iv_work_pool_put(&pool);
	finish();
	TEST_EQ(3, atomic_load(&most));
	TEST_EQ(200, completions);
}

/*
 * Threads on demand, no longer than needed.
 */
static void
hook_startstop(void *cookie)
{

	atomic_fetch_add((atomic_int *)cookie, 1);
}

TEST_TC(on_demand, "one item at a time needs one thread")
{

	start();
	rounds = 100;
	pool.max_threads = 4;
	pool.cookie = &starts;
	pool.thread_start = hook_startstop;
	TEST_EQ(0, iv_work_pool_create(&pool));
	item_init(&again, work, complete_again);
	iv_work_pool_submit_work(&pool, &again.i_work);
	finish();
	TEST_EQ(1, atomic_load(&starts));
}

static void
hook_stopped(void *cookie)
{

	(void)cookie;
	atomic_fetch_add(&stops, 1);
}

static struct iv_timer timer;

static void
timer_set(time_t seconds)
{

	iv_validate_now();
	timer.expires = iv_now;
	timer.expires.tv_sec += seconds;
	iv_timer_register(&timer);
}

/*
 * Wait until three of the four threads have ended, and four more seconds, in
 * which the last one must not end.
 */
static void
timer_put(void *cookie)
{
	static int seen;

	(void)cookie;
	if (atomic_load(&stops) >= 3)
		seen++;
	if (seen < 5) {
		timer_set(1);
		return;
	}
	TEST_EQ(3, atomic_load(&stops));
	iv_work_pool_put(&pool);
}

TEST_TC(idle_ends, "idle threads end after 10 seconds; one stays")
{
	int i;

	start();
	pthread_barrier_init(&four, NULL, 4);
	pool.max_threads = 4;
	pool.thread_stop = hook_stopped;
	TEST_EQ(0, iv_work_pool_create(&pool));
	for (i = 0; i < 4; i++) {
		item_init(&burst[i], work_meet, completion);
		iv_work_pool_submit_work(&pool, &burst[i].i_work);
	}
	IV_TIMER_INIT(&timer);
	timer.handler = timer_put;
	timer_set(10);
	finish();
	TEST_EQ(4, atomic_load(&stops));
}

/*
 * Continuations.
 */
static struct item chain[3];

static void
work_chain(void *cookie)
{
	struct item *i = cookie;

	work(i);
	if (i < &chain[2])
		iv_work_pool_submit_continuation(&pool, &(i + 1)->i_work);
}

static void
complete_chain(void *cookie)
{

	completion(cookie);
	if (completions == 3)
		iv_work_pool_put(&pool);
}

TEST_TC(continuation, "a worker submits the next item")
{
	int i;

	start();
	pool_init(&pool, 1);
	for (i = 0; i < 3; i++)
		item_init(&chain[i], work_chain, complete_chain);
	iv_work_pool_submit_work(&pool, &chain[0].i_work);
	finish();
	TEST_EQ(3, completions);
}

static struct iv_work_pool shared;

static void *
foreign(void *arg)
{
	static struct item items[100];
	unsigned i;

	(void)arg;
	for (i = 0; i < TEST_NELEM(items); i++) {
		item_init(&items[i], work, completion);
		iv_work_pool_submit_continuation(&shared, &items[i].i_work);
	}
	return NULL;
}

static void
complete_count(void *cookie)
{

	(void)cookie;
	iv_work_pool_put(&shared);
}

static void
work_foreign(void *cookie)
{

	work(cookie);
	test_join(test_thread(foreign, NULL));
}

TEST_TC(continuation_foreign, "a thread unknown to ivykis submits")
{
	static struct item first;

	start();
	pool_init(&shared, 2);
	item_init(&first, work_foreign, complete_count);
	iv_work_pool_submit_work(&shared, &first.i_work);
	finish();
	TEST_EQ(101, atomic_load(&runs));
	TEST_EQ(100, completions);
}

/*
 * All at once, each run counted: completions and other callbacks submit items
 * again, on pools that come and go.
 */
#define	STRESS_ITEMS	64

static struct item stress[STRESS_ITEMS];
static struct item aside[STRESS_ITEMS];
static int stress_left;
static int due[STRESS_ITEMS];	/* completions in this round */

static void
work_aside(void *cookie)
{
	struct item *i = cookie;

	work(i);
	if (atomic_load(&i->i_runs) % 2 == 0)
		iv_work_pool_submit_continuation(&pool,
		    &aside[i - stress].i_work);
}

static void	complete_stress(void *);

static void
complete_aside(void *cookie)
{
	struct item *i = cookie;

	i->i_completions++;
	if (++due[i - aside] == 2)
		complete_stress(&stress[i - aside]);
}

/* Both the item and its continuation have been completed. */
static void
complete_stress(void *cookie)
{
	struct item *i = cookie;

	due[i - stress] = 0;
	if (++i->i_completions < rounds)
		iv_work_pool_submit_work(&pool, &i->i_work);
	else if (--stress_left == 0)
		iv_work_pool_put(&pool);
}

static void
complete_odd(void *cookie)
{
	struct item *i = cookie;

	if (atomic_load(&i->i_runs) % 2 != 0 || ++due[i - stress] == 2)
		complete_stress(i);
}

TEST_TC(stress, "resubmission and continuations, each counted once")
{
	int i, threads;

	start();
	rounds = 2 * TEST_SCALE(1000);
	for (threads = 1; threads <= 4; threads++) {
		pool_init(&pool, threads);
		stress_left = STRESS_ITEMS;
		for (i = 0; i < STRESS_ITEMS; i++) {
			item_init(&stress[i], work_aside, complete_odd);
			item_init(&aside[i], work, complete_aside);
			iv_work_pool_submit_work(&pool, &stress[i].i_work);
		}
		iv_main();
		for (i = 0; i < STRESS_ITEMS; i++) {
			TEST_EQ(rounds, atomic_load(&stress[i].i_runs));
			TEST_EQ(rounds, stress[i].i_completions);
			TEST_EQ(rounds / 2, atomic_load(&aside[i].i_runs));
			TEST_EQ(rounds / 2, aside[i].i_completions);
		}
	}
	iv_deinit();
}

/*
 * Many tiny items at once, each of which its completion submits again.  From
 * time to time as many items as there are threads wait for each other.
 */
#define	STREAM_ITEMS	500

static struct item stream[STREAM_ITEMS];
static struct item meet[3];
static int stream_left, stream_done, meet_left, meet_max;

static void
stream_end(void)
{

	if (stream_left == 0 && meet_left == 0)
		iv_work_pool_put(&pool);
}

static void
complete_meet(void *cookie)
{

	completion(cookie);
	meet_left--;
	stream_end();
}

static void
complete_stream(void *cookie)
{
	struct item *i = cookie;
	int n;

	if (++i->i_completions == rounds)
		stream_left--;
	else
		iv_work_pool_submit_work(&pool, &i->i_work);
	if (++stream_done % 29 == 0 && meet_left == 0)
		for (n = 0; n < meet_max; n++) {
			meet_left++;
			iv_work_pool_submit_work(&pool, &meet[n].i_work);
		}
	stream_end();
}

TEST_TC(stream, "a stream of tiny items, each counted once; those that wait "
    "for each other meet")
{
	int i, threads;

	start();
	rounds = TEST_SCALE(100);
	for (threads = 1; threads <= 3; threads++) {
		pthread_barrier_init(&four, NULL, (unsigned)threads);
		pool_init(&pool, threads);
		stream_left = STREAM_ITEMS;
		stream_done = 0;
		meet_max = threads;
		for (i = 0; i < threads; i++)
			item_init(&meet[i], work_meet, complete_meet);
		for (i = 0; i < STREAM_ITEMS; i++) {
			item_init(&stream[i], work, complete_stream);
			iv_work_pool_submit_work(&pool, &stream[i].i_work);
		}
		iv_main();
		for (i = 0; i < STREAM_ITEMS; i++) {
			TEST_EQ(rounds, atomic_load(&stream[i].i_runs));
			TEST_EQ(rounds, stream[i].i_completions);
		}
		for (i = 1; i < threads; i++)
			TEST_EQ(meet[0].i_completions, meet[i].i_completions);
		pthread_barrier_destroy(&four);
	}
	iv_deinit();
}

/*
 * If a callback blocks, the items before it are completed.  If a completion
 * blocks, the items that it has submitted run.
 */
#define	HELD_ITEMS	200

static struct item held[HELD_ITEMS];
static atomic_int held_runs, held_completions, held_blocks;

static void
complete_held(void *cookie)
{
	struct item *i = cookie;

	i->i_completions++;
	if (atomic_fetch_add(&held_completions, 1) + 1 < rounds * HELD_ITEMS)
		return;
	if (rounds == 20)
		iv_work_pool_put(&pool);
	else
		iv_work_pool_submit_work(&pool, &warm.i_work);
}

static void
work_held(void *cookie)
{
	int n;

	(void)cookie;
	n = atomic_fetch_add(&held_runs, 1);
	/* The pool has one thread, so n items have run. */
	if (n % HELD_ITEMS == HELD_ITEMS / 2 && atomic_load(&held_blocks) != 0)
		TEST_AWAIT(atomic_load(&held_completions) == n);
}

static void
complete_hold(void *cookie)
{
	int i;

	(void)cookie;
	rounds++;
	atomic_store(&held_blocks, rounds % 2);
	for (i = 0; i < HELD_ITEMS; i++)
		iv_work_pool_submit_work(&pool, &held[i].i_work);
	/* The items run while this completion blocks. */
	if (rounds % 2 == 0)
		TEST_AWAIT(atomic_load(&held_runs) == rounds * HELD_ITEMS);
}

TEST_TC(held, "items before one that blocks are completed; items run though "
    "the completion that submitted them blocks")
{
	int i;

	start();
	pool_init(&pool, 1);
	item_init(&warm, work, complete_hold);
	for (i = 0; i < HELD_ITEMS; i++)
		item_init(&held[i], work_held, complete_held);
	iv_work_pool_submit_work(&pool, &warm.i_work);
	finish();
	for (i = 0; i < HELD_ITEMS; i++)
		TEST_EQ(20, held[i].i_completions);
}

/*
 * A stream that ends only when an item that is not part of it has been
 * completed.  Its callbacks make sure that it continues.
 */
static struct item turn;
static atomic_int turn_submitted, turn_over;
static int turn_left;

static void
complete_turn(void *cookie)
{

	completion(cookie);
	atomic_store(&turn_over, 1);
}

static void
work_endless(void *cookie)
{
	int n;

	(void)cookie;
	n = atomic_fetch_add(&runs, 1) + 1;
	if (n == 2000)
		iv_work_pool_submit_continuation(&pool, &turn.i_work);
	TEST_AWAIT(atomic_load(&turn_over) != 0 ||
	    atomic_load(&turn_submitted) - n >= STREAM_ITEMS / 2);
}

static void
complete_endless(void *cookie)
{
	struct item *i = cookie;

	if (atomic_load(&turn_over) != 0) {
		if (--turn_left == 0)
			iv_work_pool_put(&pool);
		return;
	}
	iv_work_pool_submit_work(&pool, &i->i_work);
	atomic_fetch_add(&turn_submitted, 1);
}

TEST_TC(turn, "a continuation has its turn in an endless stream")
{
	int i;

	start();
	pool_init(&pool, 1);
	turn_left = STREAM_ITEMS;
	atomic_store(&turn_submitted, STREAM_ITEMS);
	item_init(&turn, work, complete_turn);
	for (i = 0; i < STREAM_ITEMS; i++) {
		item_init(&stream[i], work_endless, complete_endless);
		iv_work_pool_submit_work(&pool, &stream[i].i_work);
	}
	finish();
	TEST_EQ(1, turn.i_completions);
}

/*
 * Items without a pool.
 */
static int local_runs;

static void
work_local(void *cookie)
{
	struct item *i = cookie;

	ATF_REQUIRE(pthread_equal(pthread_self(), owner));
	work(i);
	local_runs++;
}

TEST_TC(null_pool, "without a pool: in the caller's loop, later")
{
	static struct item items[10];
	int i;

	start();
	for (i = 0; i < 10; i++) {
		item_init(&items[i], work_local, i == 5 ? NULL : completion);
		if (i % 2 == 0)
			iv_work_pool_submit_work(NULL, &items[i].i_work);
		else
			iv_work_pool_submit_continuation(NULL,
			    &items[i].i_work);
	}
	TEST_EQ(0, local_runs);
	TEST_EQ(0, completions);
	finish();
	TEST_EQ(10, local_runs);
	TEST_EQ(9, completions);
}

static struct item inner;
static atomic_int inner_done;

static void
complete_inner(void *cookie)
{
	struct item *i = cookie;

	ATF_REQUIRE(pthread_equal(pthread_self(), i->i_runner));
	atomic_fetch_add(&inner_done, 1);
}

static void
work_outer(void *cookie)
{

	work(cookie);
	iv_work_pool_submit_work(NULL, &inner.i_work);
	TEST_EQ(0, atomic_load(&inner_done));
}

TEST_TC(null_pool_worker, "a worker, without a pool: in the worker, later")
{
	static struct item outer;

	start();
	pool_init(&pool, 1);
	item_init(&outer, work_outer, completion);
	item_init(&inner, work, complete_inner);
	iv_work_pool_submit_work(&pool, &outer.i_work);
	iv_work_pool_put(&pool);
	finish();
	TEST_EQ(1, atomic_load(&inner_done));
	TEST_EQ(1, completions);
}

/*
 * Bad input.
 */
static struct item twice;

static void
print_fatal(const char *msg)
{

	fprintf(stderr, "fatal: %s\n", msg);
}

static void
dies(void (*func)(void), const char *text)
{
	struct test_child tc;

	iv_set_fatal_msg_handler(print_fatal);
	test_child(&tc, func);
	ATF_REQUIRE_MSG(WIFSIGNALED(tc.tc_status) &&
	    WTERMSIG(tc.tc_status) == SIGABRT, "wait status %#x, stderr: %s",
	    (unsigned)tc.tc_status, tc.tc_err);
	ATF_REQUIRE_MSG(strncmp(tc.tc_err, "fatal: ", 7) == 0 &&
	    strstr(tc.tc_err, text) != NULL, "stderr: %s", tc.tc_err);
}

static void
child_twice(void)
{
	static struct test_gate g;

	start();
	test_gate_init(&g);
	pool_init(&pool, 1);
	item_init(&twice, work_gate, completion);
	twice.i_work.cookie = &g.g_work;
	iv_work_pool_submit_work(&pool, &twice.i_work);
	test_sem_wait(&g.g_entered);
	/* The item runs, and has not been completed. */
	iv_work_pool_submit_work(&pool, &twice.i_work);
}

TEST_TC(submit_twice, "checking mode reports an item that is submitted twice")
{

	test_env("WORKQUEUE_CHECK", "1");
	dies(child_twice, "iv_work_pool_submit_work: item ");
	dies(child_twice, " is submitted already");
}

TEST_TC(checked, "checking mode accepts correct programs")
{
	static struct item items[100];
	unsigned i;

	test_env("WORKQUEUE_CHECK", "1");
	start();
	rounds = TEST_SCALE(1000);
	pool_init(&pool, 2);
	item_init(&again, work, complete_again);
	iv_work_pool_submit_work(&pool, &again.i_work);
	for (i = 0; i < TEST_NELEM(items); i++) {
		item_init(&items[i], work, (i & 1) != 0 ? completion : NULL);
		iv_work_pool_submit_work((i & 2) != 0 ? &pool : NULL,
		    &items[i].i_work);
	}
	finish();
	TEST_EQ(50, completions);
}

static void *
not_owner(void *arg)
{

	(void)arg;
	item_init(&twice, work, completion);
	iv_work_pool_submit_work(&pool, &twice.i_work);
	return NULL;
}

static void
child_not_owner(void)
{

	start();
	pool_init(&pool, 1);
	test_join(test_thread(not_owner, NULL));
}

TEST_TC(wrong_thread, "submitting from a thread that is not the owner")
{

	dies(child_not_owner, "does not own");
}

static void
child_gone(void)
{

	start();
	pool_init(&pool, 1);
	iv_work_pool_put(&pool);
	item_init(&twice, work, completion);
	iv_work_pool_submit_work(&pool, &twice.i_work);
}

static void
child_put_twice(void)
{

	start();
	pool_init(&pool, 1);
	iv_work_pool_put(&pool);
	iv_work_pool_put(&pool);
}

static void
child_no_init(void)
{

	pool.max_threads = 1;
	(void)iv_work_pool_create(&pool);
}

TEST_TC(no_pool, "submitting to, and putting, a pool that has been put")
{

	dies(child_gone, "is not there");
	dies(child_put_twice, "is not there");
	dies(child_no_init, "iv_init");
}

static void
child_none(void)
{

	start();
	memset(&pool, 0, sizeof(pool));
	errno = 0;
	if (iv_work_pool_create(&pool) != -1 || errno != EINVAL)
		_exit(1);
	pool.max_threads = -3;
	if (iv_work_pool_create(&pool) != -1 || errno != EINVAL)
		_exit(2);
	/* Nothing is registered, so the loop ends at once. */
	finish();
}

TEST_TC(max_below_one, "max_threads below 1 is refused, with a message")
{
	struct test_child tc;

	test_child(&tc, child_none);
	ATF_REQUIRE_MSG(WIFEXITED(tc.tc_status) &&
	    WEXITSTATUS(tc.tc_status) == 0, "wait status %#x, stderr: %s",
	    (unsigned)tc.tc_status, tc.tc_err);
	ATF_REQUIRE_MSG(strstr(tc.tc_err, "max_threads is 0, and must be at "
	    "least 1") != NULL, "stderr: %s", tc.tc_err);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, run_and_complete);
	ATF_TP_ADD_TC(tp, static_pool);
	ATF_TP_ADD_TC(tp, reuse);
	ATF_TP_ADD_TC(tp, free_in_completion);
	ATF_TP_ADD_TC(tp, no_completion);
	ATF_TP_ADD_TC(tp, put_returns);
	ATF_TP_ADD_TC(tp, put_in_completion);
	ATF_TP_ADD_TC(tp, put_unused);
	ATF_TP_ADD_TC(tp, many_pools);
	ATF_TP_ADD_TC(tp, hooks);
	ATF_TP_ADD_TC(tp, hooks_unserialised);
	ATF_TP_ADD_TC(tp, burst_spreads);
	ATF_TP_ADD_TC(tp, trickle_spreads);
	ATF_TP_ADD_TC(tp, trickle_warm);
	ATF_TP_ADD_TC(tp, max_threads);
	ATF_TP_ADD_TC(tp, on_demand);
	ATF_TP_ADD_TC(tp, idle_ends);
	ATF_TP_ADD_TC(tp, continuation);
	ATF_TP_ADD_TC(tp, continuation_foreign);
	ATF_TP_ADD_TC(tp, stress);
	ATF_TP_ADD_TC(tp, stream);
	ATF_TP_ADD_TC(tp, held);
	ATF_TP_ADD_TC(tp, turn);
	ATF_TP_ADD_TC(tp, null_pool);
	ATF_TP_ADD_TC(tp, null_pool_worker);
	ATF_TP_ADD_TC(tp, submit_twice);
	ATF_TP_ADD_TC(tp, checked);
	ATF_TP_ADD_TC(tp, wrong_thread);
	ATF_TP_ADD_TC(tp, no_pool);
	ATF_TP_ADD_TC(tp, max_below_one);
	return atf_no_error();
}
