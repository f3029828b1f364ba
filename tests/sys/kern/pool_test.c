/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pool(9).
 */

#include <sys/intr.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/pool.h>
#include <sys/systm.h>

#include "../../tests.h"
#include "memory.h"
#include "spin_malloc.h"

static struct pool pool;

static void
shapes(void)
{
	static const struct {
		size_t		size;
		unsigned	align, ioff;
	} list[] = {
		{ 1, 0, 0 }, { 1, 1, 0 }, { 7, 0, 0 }, { 8, 0, 0 },
		{ 24, 0, 0 }, { 64, 64, 0 }, { 100, 0, 0 }, { 100, 32, 8 },
		{ 1500, 128, 14 }, { 2048, 0, 0 }, { 4096, 4096, 0 },
		{ 64, 8192, 0 }, { 100000, 0, 0 }
	};
	unsigned char *items[300];
	size_t a, i, j, k;

	for (i = 0; i < TEST_NELEM(list); i++) {
		pool_init(&pool, list[i].size, list[i].align, list[i].ioff, 0,
		    "shapes", NULL, i % 2 ? IPL_NONE : IPL_VM);
		a = list[i].align != 0 ? list[i].align :
		    list[i].size >= 16 ? 16 : 8;
		for (k = 0; k < 2; k++) {
			for (j = 0; j < TEST_NELEM(items); j++) {
				items[j] = pool_get(&pool, j % 3 == 0 ?
				    PR_NOWAIT : j % 3 == 1 ? PR_WAITOK :
				    PR_WAITOK | PR_ZERO);
				ATF_REQUIRE(items[j] != NULL);
				TEST_EQ(0, ((uintptr_t)items[j] +
				    list[i].ioff) % a);
				ATF_REQUIRE(j % 3 != 2 || filled(items[j], 0,
				    list[i].size));
				memset(items[j], (int)j, list[i].size);
			}
			for (j = 0; j < TEST_NELEM(items); j++) {
				ATF_REQUIRE(filled(items[j], (unsigned char)j,
				    list[i].size));
				pool_put(&pool, items[j]);
			}
		}
		TEST_EQ(600, pool_nget(&pool));
		TEST_EQ(600, pool_nput(&pool));
		pool_destroy(&pool);
	}
}

TEST_TC(get, "items of any size and alignment are apart")
{

	test_env("WORKQUEUE_CHECK", NULL);
	shapes();
}

TEST_TC(get_checking, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	shapes();
}

/*
 * The hard limit.
 */
TEST_TC(limit, "at the hard limit PR_NOWAIT and PR_LIMITFAIL return NULL")
{
	void *items[5];
	int i;

	pool_init(&pool, 100, 0, 0, 0, "limit", NULL, IPL_NONE);
	pool_sethardlimit(&pool, 5, NULL, 0);
	for (i = 0; i < 5; i++)
		ATF_REQUIRE((items[i] = pool_get(&pool, PR_WAITOK)) != NULL);
	ATF_REQUIRE(pool_get(&pool, PR_NOWAIT) == NULL);
	ATF_REQUIRE(pool_get(&pool, 0) == NULL);
	ATF_REQUIRE(pool_get(&pool, PR_WAITOK | PR_LIMITFAIL) == NULL);
	pool_put(&pool, items[0]);
	ATF_REQUIRE((items[0] = pool_get(&pool, PR_NOWAIT)) != NULL);
	for (i = 0; i < 5; i++)
		pool_put(&pool, items[i]);
	pool_destroy(&pool);
}

static void
warn(void)
{
	int i;

	pool_init(&pool, 100, 0, 0, 0, "limit", NULL, IPL_NONE);
	pool_sethardlimit(&pool, 0, "no more items", 1000);
	for (i = 0; i < 10; i++)
		(void)pool_get(&pool, PR_NOWAIT);
}

TEST_TC(warning, "the limit's warning is printed once per interval")
{
	struct test_child tc;
	char *s;

	test_child(&tc, warn);
	TEST_EQ(0, tc.tc_status);
	s = strstr(tc.tc_err, "no more items\n");
	ATF_REQUIRE(s != NULL);
	ATF_REQUIRE(strstr(s + 1, "no more items") == NULL);
}

static atomic_int ngot;

static void *
waiter(void *arg)
{
	void *item;
	int i;

	for (i = 0; i < *(int *)arg; i++) {
		KERNEL_LOCK(1, NULL);
		item = pool_get(&pool, PR_WAITOK);
		ATF_REQUIRE(item != NULL);
		KERNEL_UNLOCK_LAST(NULL);
		atomic_fetch_add(&ngot, 1);
		pool_put(&pool, item);
	}
	return NULL;
}

/*
 * Three threads wait for one item, until it is returned or the limit is raised
 * to two.
 */
static void
waits(bool raised)
{
	pthread_t t[3];
	void *item;
	int i, n = 1;

	pool_init(&pool, 100, 0, 0, 0, "wait", NULL, IPL_NONE);
	pool_sethardlimit(&pool, 1, NULL, 0);
	item = pool_get(&pool, PR_WAITOK);
	for (i = 0; i < 3; i++)
		t[i] = test_thread(waiter, &n);
	for (i = 0; i < 20; i++)
		test_pause();
	TEST_EQ(0, ngot);
	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_LAST(NULL);
	if (raised)
		pool_sethardlimit(&pool, 2, NULL, 0);
	else
		pool_put(&pool, item);
	for (i = 0; i < 3; i++)
		test_join(t[i]);
	TEST_EQ(3, ngot);
	if (raised)
		pool_put(&pool, item);
	pool_destroy(&pool);
}

TEST_TC(wait, "at the hard limit PR_WAITOK waits, without the kernel lock")
{

	waits(false);
}

TEST_TC(raise, "raising the hard limit wakes the waiters")
{

	waits(true);
}

TEST_TC(contend, "many threads share a few items")
{
	int n = TEST_SCALE(20000);

	test_env("WORKQUEUE_CHECK", NULL);
	pool_init(&pool, 100, 0, 0, 0, "contend", NULL, IPL_NONE);
	pool_sethardlimit(&pool, 2, NULL, 0);
	test_threads(6, waiter, &n);
	TEST_EQ(6 * n, ngot);
	pool_destroy(&pool);
}

/*
 * Pages: the test's own allocator counts them.
 */
static atomic_int npages, nallocs, nintrallocs;

static void *
page_alloc(struct pool *pp, int flags)
{
	void *p;

	(void)pp;
	(void)flags;
	if (posix_memalign(&p, 8192, 8192) != 0)
		return NULL;
	npages++;
	nallocs++;
	if (cpu_intr_p())
		nintrallocs++;
	return p;
}

static void
page_free(struct pool *pp, void *p)
{

	(void)pp;
	npages--;
	memset(p, 0, 8192);
	free(p);
}

static struct pool_allocator pages = {
	.pa_alloc = page_alloc, .pa_free = page_free, .pa_pagesz = 8192
};

static void
get_put(void **items, int n)
{
	int i;

	for (i = 0; i < n; i++)
		ATF_REQUIRE((items[i] = pool_get(&pool, PR_WAITOK)) != NULL);
	for (i = 0; i < n; i++)
		pool_put(&pool, items[i]);
}

TEST_TC(water, "pool_prime, pool_setlowat, pool_sethiwat and pool_reclaim keep "
    "the promised pages")
{
	void *items[100];
	int most;

	pool_init(&pool, 1000, 0, 0, 0, "water", &pages, IPL_NONE);
	TEST_EQ(0, npages);
	get_put(items, 100);
	most = npages;
	ATF_REQUIRE(most >= 13 && most <= 17);
	/* The pages are kept ... */
	get_put(items, 100);
	TEST_EQ(most, nallocs);
	/* ... until asked for. */
	TEST_EQ(1, pool_reclaim(&pool));
	TEST_EQ(0, npages);
	TEST_EQ(0, pool_reclaim(&pool));
	/* The low water mark applies at once, and persists. */
	pool_setlowat(&pool, 10);
	TEST_EQ(2, npages);
	(void)pool_reclaim(&pool);
	TEST_EQ(2, npages);
	pool_setlowat(&pool, 0);
	(void)pool_reclaim(&pool);
	TEST_EQ(0, npages);
	/* Above the high water mark, pages are freed as items return. */
	pool_sethiwat(&pool, 20);
	get_put(items, 100);
	ATF_REQUIRE(npages <= 4);
	pool_sethiwat(&pool, 0);
	TEST_EQ(0, npages);
	pool_sethiwat(&pool, 1000);
	/* Primed items need no allocation later, and are kept. */
	TEST_EQ(0, pool_prime(&pool, 50));
	most = nallocs;
	get_put(items, 50);
	TEST_EQ(most, nallocs);
	(void)pool_reclaim(&pool);
	ATF_REQUIRE(npages >= 7);
	pool_destroy(&pool);
	TEST_EQ(0, npages);
}

/*
 * Pages that are ranges of numbers.
 */
static uintptr_t range_next;
static int nranges;

static void *
range_alloc(struct pool *pp, int flags)
{
	uintptr_t a;

	(void)flags;
	/*
	 * The range is not aligned to its size, and not always next to the last
	 * one.
	 */
	a = range_next += nranges % 3 == 0 ? 0x30 : 0;
	range_next += pp->pr_alloc->pa_pagesz;
	nranges++;
	return (void *)a;
}

static void
range_free(struct pool *pp, void *p)
{

	(void)pp;
	ATF_REQUIRE((uintptr_t)p < range_next);
	nranges--;
}

static struct pool_allocator ranges = {
	.pa_alloc = range_alloc, .pa_free = range_free, .pa_pagesz = 1024
};

static int
item_cmp(const void *a, const void *b)
{
	const uintptr_t *p = a, *q = b;

	return *p < *q ? -1 : *p > *q;
}

static void
numbers(int how)
{
	static uintptr_t items[4096];
	size_t i, k, n;
	void *p;

	n = TEST_NELEM(items);
	range_next = 0x10a0;
	nranges = 0;
	pool_init(&pool, 16, 16, 0, PR_NOALIGN | PR_NOTOUCH, "numbers",
	    &ranges, IPL_VM);
	for (i = 0; i < n; i++)
		items[i] = (uintptr_t)pool_get(&pool, PR_WAITOK);
	/* The pages contain items only. */
	TEST_EQ(64, nranges);
	/* Return some items in another order, and get them again. */
	for (i = 0; i < n; i += 2) {
		k = i * 211 % n;
		pool_put(&pool, (void *)items[k]);
		items[k] = 0;
	}
	for (i = 0; i < n; i++)
		if (items[i] == 0)
			items[i] = (uintptr_t)pool_get(&pool, PR_NOWAIT);
	TEST_EQ(64, nranges);
	qsort(items, n, sizeof(items[0]), item_cmp);
	for (i = 0; i < n; i++) {
		ATF_REQUIRE(items[i] >= 0x10a0 && items[i] % 16 == 0);
		ATF_REQUIRE(i == 0 || items[i] - items[i - 1] >= 16);
	}
	if (how == 1)
		pool_put(&pool, (void *)(items[7] + 8));
	if (how == 2)
		pool_put(&pool, (void *)(items[n - 1] + 16));
	if (how == 3)
		pool_put(&pool, (void *)0x1000);
	/* Return all items in yet another order. */
	for (i = 0; i < n; i++)
		pool_put(&pool, (void *)items[i * 2731 % n]);
	if (how == 4)
		pool_put(&pool, (void *)items[7]);
	TEST_EQ(1, pool_reclaim(&pool));
	TEST_EQ(0, nranges);
	p = pool_get(&pool, PR_WAITOK);
	if (how == 5)
		(void)pool_get(&pool, PR_WAITOK | PR_ZERO);
	pool_put(&pool, p);
	pool_destroy(&pool);
	TEST_EQ(0, nranges);
}

static void
numbers_inside(void)
{

	numbers(1);
}

static void
numbers_behind(void)
{

	numbers(2);
}

static void
numbers_before(void)
{

	numbers(3);
}

static void
numbers_twice(void)
{

	numbers(4);
}

static void
numbers_zero(void)
{

	numbers(5);
}

TEST_TC(notouch, "with PR_NOTOUCH and PR_NOALIGN pages may be ranges of "
    "numbers anywhere, and are never accessed")
{
	static const char not[] = "is not one of its items";

	numbers(0);
	test_panics(numbers_inside, "pool_put: \"numbers\": ", not, NULL);
	test_panics(numbers_behind, "pool_put: \"numbers\": ", not, NULL);
	test_panics(numbers_before, "pool_put: \"numbers\": ", not, NULL);
	test_panics(numbers_twice, "is free already", NULL);
	test_panics(numbers_zero, "PR_ZERO in a PR_NOTOUCH pool", NULL);
}

TEST_TC(notouch_checking, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	numbers(0);
}

TEST_TC(notouch_cache, "a pool_cache keeps such items")
{
	pool_cache_t pc;
	void *items[100];
	int i, round;

	range_next = 0x10a0;
	nranges = 0;
	pc = pool_cache_init(32, 32, 0, PR_NOALIGN | PR_NOTOUCH, "quantum",
	    &ranges, IPL_VM, NULL, NULL, NULL);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 100; i++)
			items[i] = pool_cache_get(pc, PR_WAITOK);
		TEST_EQ(4, nranges);
		for (i = 0; i < 100; i++)
			pool_cache_put(pc, items[i]);
	}
	pool_cache_destroy(pc);
	TEST_EQ(0, nranges);
}

static struct pool_allocator sizeless;
static unsigned int seen_size;

static void *
sizeless_alloc(struct pool *pp, int flags)
{
	void *p;

	(void)flags;
	seen_size = pp->pr_alloc->pa_pagesz;
	return posix_memalign(&p, seen_size, seen_size) == 0 ? p : NULL;
}

static void
sizeless_free(struct pool *pp, void *p)
{

	(void)pp;
	free(p);
}

TEST_TC(pagesz, "pa_pagesz 0 is 4096, also for the allocator's functions; and "
    "an item may be a whole page")
{
	void *a, *b;

	sizeless.pa_alloc = sizeless_alloc;
	sizeless.pa_free = sizeless_free;
	pool_init(&pool, 64, 0, 0, 0, "sizeless", &sizeless, IPL_NONE);
	TEST_EQ(4096, sizeless.pa_pagesz);
	pool_put(&pool, pool_get(&pool, PR_WAITOK));
	TEST_EQ(4096, seen_size);
	pool_destroy(&pool);

	pool_init(&pool, 8192, 8192, 0, 0, "whole", &pages, IPL_NONE);
	a = pool_get(&pool, PR_WAITOK | PR_ZERO);
	b = pool_get(&pool, PR_WAITOK);
	TEST_EQ(2, npages);
	TEST_EQ(0, (uintptr_t)a % 8192);
	memset(a, 1, 8192);
	memset(b, 2, 8192);
	pool_put(&pool, a);
	pool_put(&pool, b);
	(void)pool_reclaim(&pool);
	TEST_EQ(0, npages);
	pool_destroy(&pool);
}

static void *hooked;
static int nhooked;

static void
drain(void *arg, int flags)
{

	ATF_REQUIRE(arg == &hooked);
	nhooked++;
	(void)flags;
	if (hooked != NULL)
		pool_put(&pool, hooked);
	hooked = NULL;
}

TEST_TC(hook, "the drain hook is called at the hard limit, and by reclaim")
{

	pool_init(&pool, 1000, 0, 0, 0, "hook", NULL, IPL_NONE);
	pool_sethardlimit(&pool, 1, NULL, 0);
	pool_set_drain_hook(&pool, drain, &hooked);
	ATF_REQUIRE((hooked = pool_get(&pool, PR_NOWAIT)) != NULL);
	TEST_EQ(0, nhooked);
	ATF_REQUIRE((hooked = pool_get(&pool, PR_NOWAIT)) != NULL);
	TEST_EQ(1, nhooked);
	TEST_EQ(1, pool_reclaim(&pool));
	TEST_EQ(2, nhooked);
	pool_destroy(&pool);
}

/*
 * Interrupt context.
 */
static void *held[100];
static int nheld;
static int primed = -1;

static int
intr_take(void *arg)
{

	(void)arg;
	for (nheld = 0; nheld < 100; nheld++)
		if ((held[nheld] = pool_get(&pool, PR_NOWAIT)) == NULL)
			break;
	primed = pool_prime(&pool, 1);
	return 1;
}

static int
intr_give(void *arg)
{

	(void)arg;
	while (nheld > 0)
		pool_put(&pool, held[--nheld]);
	return 1;
}

/* Have the handler run at once: it does if the thread owns a CPU. */
static void
inject(void *ih)
{

	kpreempt_disable();
	intr_inject(ih);
	kpreempt_enable();
}

TEST_TC(intr, "interrupts take free items; threads refill the pool")
{
	void *giver, *item, *taker;
	int before, round;

	test_env("WORKQUEUE_CHECK", "1");
	pool_init(&pool, 1000, 0, 0, 0, "intr", &pages, IPL_VM);
	taker = intr_establish(0, IPL_VM, INTR_MPSAFE, intr_take, NULL);
	giver = intr_establish(0, IPL_VM, INTR_MPSAFE, intr_give, NULL);
	ATF_REQUIRE(taker != NULL && giver != NULL);
	inject(taker);
	TEST_EQ(0, nheld);
	/* The handler adds no page, but the helper may have added one. */
	ATF_REQUIRE(primed == ENOMEM || primed == 0);
	TEST_EQ(0, nintrallocs);
	pool_setlowat(&pool, 8);
	for (round = 0; round < 3; round++) {
		before = nallocs;
		inject(taker);
		ATF_REQUIRE(nheld >= 8);
		/* A single call in thread context refills the reserve. */
		item = pool_get(&pool, PR_NOWAIT);
		ATF_REQUIRE(item != NULL);
		ATF_REQUIRE(nallocs > before || nheld == 100);
		pool_put(&pool, item);
		inject(giver);
		TEST_EQ(0, nheld);
		/*
		 * Threads, such as the helper, may allocate pages; handlers may
		 * not.
		 */
		TEST_EQ(0, nintrallocs);
	}
	intr_disestablish(taker);
	intr_disestablish(giver);
	pool_destroy(&pool);

	/* A pool with a hard level has a reserve from the start. */
	pool_init(&pool, 100, 0, 0, 0, "intr", NULL, IPL_HIGH);
	taker = intr_establish(0, IPL_VM, INTR_MPSAFE, intr_take, NULL);
	inject(taker);
	ATF_REQUIRE(nheld >= 8);
	intr_give(NULL);
	intr_disestablish(taker);
	pool_destroy(&pool);
}

/*
 * Signals, while threads are in malloc(3) and in the pool.
 */
static atomic_int nintr, nintrgot;

static int
intr_storm(void *arg)
{
	void *a, *b;

	(void)arg;
	atomic_fetch_add(&nintr, 1);
	a = pool_get(&pool, PR_NOWAIT);
	b = pool_get(&pool, PR_NOWAIT);
	if (a != NULL) {
		memset(a, 1, 64);
		atomic_fetch_add(&nintrgot, 1);
		pool_put(&pool, a);
	}
	if (b != NULL) {
		memset(b, 2, 64);
		pool_put(&pool, b);
	}
	return 1;
}

static void *
storm_thread(void *arg)
{
	void *items[40], *mem[40];
	size_t i;

	(void)arg;
	while (!atomic_load(&stop)) {
		for (i = 0; i < 40; i++) {
			mem[i] = malloc(1 + i * 37 % 3000);
			items[i] = pool_get(&pool, i % 2 ? PR_WAITOK :
			    PR_NOWAIT);
			if (items[i] != NULL)
				memset(items[i], (int)i, 64);
		}
		for (i = 0; i < 40; i++) {
			free(mem[i]);
			if (items[i] != NULL) {
				ATF_REQUIRE(filled(items[i], (int)i, 64));
				pool_put(&pool, items[i]);
			}
		}
		(void)pool_reclaim(&pool);
	}
	return NULL;
}

static void
storm(void)
{

	pool_init(&pool, 64, 0, 0, 0, "storm", NULL, IPL_VM);
	memory_signals(storm_thread, intr_storm, &nintrgot);
	ATF_REQUIRE(nintr >= nintrgot);
	TEST_EQ(pool_nget(&pool), pool_nput(&pool));
	pool_destroy(&pool);
}

TEST_TC(signals, "signals use the pool while threads are in malloc and in it")
{

	test_env("WORKQUEUE_CHECK", NULL);
	storm();
}

TEST_TC(signals_checking, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	storm();
}

/*
 * Misuse.
 */
static void *
start(int ipl)
{

	pool_init(&pool, 64, 0, 0, 0, "mine", NULL, ipl);
	return pool_get(&pool, PR_WAITOK);
}

static void
put_twice(void)
{
	void *item;

	item = start(IPL_NONE);
	(void)pool_get(&pool, PR_WAITOK);
	pool_put(&pool, item);
	pool_put(&pool, item);
}

static void
put_inside(void)
{

	pool_put(&pool, (char *)start(IPL_NONE) + 8);
}

static void
put_foreign(void)
{
	static struct pool other;

	pool_init(&other, 64, 0, 0, 0, "other", NULL, IPL_NONE);
	pool_put(&other, start(IPL_NONE));
}

static void
destroy_out(void)
{

	(void)start(IPL_NONE);
	pool_destroy(&pool);
}

static void
both_flags(void)
{

	(void)start(IPL_NONE);
	(void)pool_get(&pool, PR_WAITOK | PR_NOWAIT);
}

static void
size_0(void)
{

	pool_init(&pool, 0, 0, 0, 0, "mine", NULL, IPL_NONE);
}

static void
align_3(void)
{

	pool_init(&pool, 12, 3, 0, 0, "mine", NULL, IPL_NONE);
}

static int
intr_waitok_func(void *arg)
{

	(void)arg;
	for (;;)
		(void)pool_get(&pool, PR_WAITOK);
	return 1;
}

static void
intr_waitok(void)
{

	(void)start(IPL_VM);
	intr_inject(intr_establish(0, IPL_VM, INTR_MPSAFE, intr_waitok_func,
	    NULL));
}

TEST_TC(misuse, "putting twice, putting into another pool, and early "
    "destruction panic")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(put_twice, "pool_put: \"mine\": item 0x",
	    "is free already", NULL);
	test_panics(put_inside, "pool_put: \"mine\": 0x",
	    "is not one of its items", NULL);
	test_panics(put_foreign, "pool_put: \"other\": 0x",
	    "is not one of its items", NULL);
	test_panics(destroy_out, "pool_destroy: \"mine\": 1 items are still "
	    "out", NULL);
	test_panics(both_flags, "pool_get: \"mine\": flags 0x3", NULL);
	test_panics(size_0, "pool_init: \"mine\": size 0", NULL);
	test_panics(align_3, "pool_init: \"mine\": alignment 3", NULL);
	test_panics(intr_waitok, "pool_get: \"mine\": waiting in interrupt "
	    "context", NULL);
}

static void
init_twice(void)
{

	(void)start(IPL_NONE);
	(void)start(IPL_NONE);
}

static int
intr_nowait_func(void *arg)
{

	(void)arg;
	(void)pool_get(&pool, PR_NOWAIT);
	return 1;
}

static void
intr_above(void)
{

	(void)start(IPL_VM);
	intr_inject(intr_establish(0, IPL_SCHED, INTR_MPSAFE,
	    intr_nowait_func, NULL));
}

TEST_TC(checking, "checking mode: initialising twice and a wrong level panic")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(init_twice, "pool_init: \"mine\": pool 0x",
	    "is initialised already", NULL);
	test_panics(intr_above, "pool_get: \"mine\" has IPL 5, called in an "
	    "interrupt at IPL 6", NULL);
}

static void
late_write(void)
{
	volatile char *item;

	item = start(IPL_NONE);
	pool_put(&pool, (void *)(uintptr_t)item);
	item[9] = 1;
	(void)pool_get(&pool, PR_WAITOK);
}

static void
late_read(void)
{
	volatile char *item;

	item = start(IPL_NONE);
	pool_put(&pool, (void *)(uintptr_t)item);
	(void)item[9];
}

static void
overrun(void)
{
	volatile char *item;

	item = start(IPL_NONE);
	(void)pool_get(&pool, PR_WAITOK);
	item[64] = 1;
}

TEST_TC(late, "a write after pool_put() panics; so does any access with "
    "AddressSanitizer")
{
#ifdef TEST_ASAN
	static void (*const list[])(void) = {
		late_write, late_read, overrun
	};
	struct test_child tc;
	size_t i;

	for (i = 0; i < TEST_NELEM(list); i++) {
		test_child(&tc, list[i]);
		ATF_REQUIRE(tc.tc_status != 0);
		ATF_REQUIRE(strstr(tc.tc_err, "use-after-poison") != NULL);
	}
#else
	test_env("WORKQUEUE_CHECK", "1");
	(void)late_read;
	(void)overrun;
	test_panics(late_write, "pool_get: \"mine\": item 0x",
	    "was written to at byte 9 after pool_put", NULL);
#endif
}

static void
use(void)
{
	void *items[40];
	int i;

	for (i = 0; i < 40; i++)
		ATF_REQUIRE((items[i] = pool_get(&pool, PR_WAITOK)) != NULL);
	for (i = 0; i < 40; i++)
		pool_put(&pool, items[i]);
}

TEST_TC(fork, "pools work in a child, whatever other threads were doing")
{

	test_env("WORKQUEUE_CHECK", NULL);
	pool_init(&pool, 64, 0, 0, 0, "fork", NULL, IPL_VM);
	memory_forks(storm_thread, use);
	pool_destroy(&pool);
}

/*
 * Under a spin mutex: see spin_malloc.h.
 */
static void *
spin_pool_get(void)
{

	return pool_get(&pool, PR_NOWAIT);
}

static void
spin_pool_put(void *p)
{

	pool_put(&pool, p);
}

static void
spin_pool(void)
{
	struct spin_memory sm = { spin_pool_get, spin_pool_put, 1000, 12 };

	pool_init(&pool, sm.sm_size, 0, 0, 0, "spin", NULL, IPL_NET);
	pool_sethiwat(&pool, 8);
	spin_run(&sm);
	pool_destroy(&pool);
}

TEST_TC(spin, "pool_get() works under a spin mutex that a handler takes")
{

	test_env("WORKQUEUE_CHECK", NULL);
	spin_pool();
}

TEST_TC(spin_checking, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	spin_pool();
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, get);
	ATF_TP_ADD_TC(tp, get_checking);
	ATF_TP_ADD_TC(tp, limit);
	ATF_TP_ADD_TC(tp, warning);
	ATF_TP_ADD_TC(tp, wait);
	ATF_TP_ADD_TC(tp, raise);
	ATF_TP_ADD_TC(tp, contend);
	ATF_TP_ADD_TC(tp, water);
	ATF_TP_ADD_TC(tp, notouch);
	ATF_TP_ADD_TC(tp, notouch_checking);
	ATF_TP_ADD_TC(tp, notouch_cache);
	ATF_TP_ADD_TC(tp, pagesz);
	ATF_TP_ADD_TC(tp, hook);
	ATF_TP_ADD_TC(tp, intr);
	ATF_TP_ADD_TC(tp, signals);
	ATF_TP_ADD_TC(tp, signals_checking);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, checking);
	ATF_TP_ADD_TC(tp, late);
	ATF_TP_ADD_TC(tp, spin);
	ATF_TP_ADD_TC(tp, spin_checking);
	ATF_TP_ADD_TC(tp, fork);
	return atf_no_error();
}
