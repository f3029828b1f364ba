/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pool_cache(9).
 */

#include <sys/intr.h>
#include <sys/pool.h>
#include <sys/systm.h>

#include "../../tests.h"
#include "memory.h"

struct object {
	int	o_magic;
	int	o_users;
	char	o_data[50];
};
#define	MAGIC	0x600d

static atomic_int nctor, ndtor;
static int ctor_arg;
static atomic_int ctor_flags;
static atomic_bool ctor_fails;
static pool_cache_t cache;

static int
ctor(void *arg, void *obj, int flags)
{
	struct object *o = obj;

	ATF_REQUIRE(arg == &ctor_arg);
	atomic_store(&ctor_flags, flags);
	if (atomic_load(&ctor_fails))
		return ENOMEM;
	o->o_magic = MAGIC;
	o->o_users = 0;
	atomic_fetch_add(&nctor, 1);
	return 0;
}

static void
dtor(void *arg, void *obj)
{
	struct object *o = obj;

	ATF_REQUIRE(arg == &ctor_arg);
	TEST_EQ(MAGIC, o->o_magic);
	o->o_magic = 0;
	atomic_fetch_add(&ndtor, 1);
}

static void
make(int ipl)
{

	cache = pool_cache_init(sizeof(struct object), 0, 0, 0, "objects",
	    NULL, ipl, ctor, dtor, &ctor_arg);
	ATF_REQUIRE(cache != NULL);
}

TEST_TC(constructed, "objects stay constructed while they are free")
{
	struct object *o[200];
	paddr_t pa;
	int i, round;

	test_env("WORKQUEUE_CHECK", "1");
	make(IPL_NONE);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 200; i++) {
			pa = 0;
			o[i] = pool_cache_get_paddr(cache, PR_WAITOK, &pa);
			ATF_REQUIRE(o[i] != NULL && pa == POOL_PADDR_INVALID);
			TEST_EQ(MAGIC, o[i]->o_magic);
			TEST_EQ(0, o[i]->o_users);
			memset(o[i]->o_data, i, sizeof(o[i]->o_data));
		}
		TEST_EQ(200, nctor);
		for (i = 0; i < 200; i++)
			pool_cache_put(cache, o[i]);
		TEST_EQ(0, ndtor);
	}
	TEST_EQ(PR_WAITOK, ctor_flags & PR_WAITOK);
	/* Destruct an object that must not be reused as it is. */
	o[0] = pool_cache_get(cache, PR_NOWAIT);
	pool_cache_destruct_object(cache, o[0]);
	TEST_EQ(1, ndtor);
	pool_cache_invalidate(cache);
	TEST_EQ(200, ndtor);
	o[0] = pool_cache_get(cache, PR_NOWAIT);
	TEST_EQ(201, nctor);
	pool_cache_put(cache, o[0]);
	ATF_REQUIRE(pool_cache_reclaim(cache));
	TEST_EQ(201, ndtor);
	o[0] = pool_cache_get(cache, PR_NOWAIT);
	pool_cache_put(cache, o[0]);
	pool_cache_destroy(cache);
	TEST_EQ(nctor, ndtor);
}

TEST_TC(plain, "a cache may have no constructor or destructor, and the "
    "caller's memory")
{
	static struct pool_cache pc;
	void *a, *b;

	pool_cache_bootstrap(&pc, 100, 64, 0, 0, "plain", NULL, IPL_NONE,
	    NULL, NULL, NULL);
	pool_cache_setlowat(&pc, 10);
	pool_cache_prime(&pc, 10);
	a = pool_cache_get(&pc, PR_NOWAIT);
	b = pool_cache_get(&pc, PR_NOWAIT);
	ATF_REQUIRE(a != NULL && b != NULL && a != b);
	TEST_EQ(0, (uintptr_t)a % 64);
	pool_cache_put(&pc, a);
	pool_cache_put(&pc, b);
	pool_cache_bootstrap_destroy(&pc);
}

TEST_TC(ctorfails, "a failed constructor returns NULL")
{
	void *o;

	make(IPL_NONE);
	atomic_store(&ctor_fails, true);
	ATF_REQUIRE(pool_cache_get(cache, PR_NOWAIT) == NULL);
	ATF_REQUIRE(pool_cache_get(cache, PR_WAITOK) == NULL);
	atomic_store(&ctor_fails, false);
	o = pool_cache_get(cache, PR_WAITOK);
	ATF_REQUIRE(o != NULL);
	pool_cache_put(cache, o);
	pool_cache_destroy(cache);
	TEST_EQ(1, nctor);
	TEST_EQ(1, ndtor);
}

TEST_TC(water, "above the high water mark objects are destructed")
{
	void *o[100];
	int i;

	make(IPL_NONE);
	pool_cache_sethiwat(cache, 10);
	for (i = 0; i < 100; i++)
		o[i] = pool_cache_get(cache, PR_WAITOK);
	for (i = 0; i < 100; i++)
		pool_cache_put(cache, o[i]);
	ATF_REQUIRE(ndtor >= 90);
	pool_cache_destroy(cache);
	TEST_EQ(nctor, ndtor);
}

static atomic_int nuses;

static void *
user(void *arg)
{
	struct object *o;
	int i;

	for (i = 0; i < *(int *)arg; i++) {
		o = pool_cache_get(cache, PR_WAITOK);
		TEST_EQ(MAGIC, o->o_magic);
		TEST_EQ(0, o->o_users++);
		atomic_fetch_add(&nuses, 1);
		o->o_users--;
		if (i % 97 == 0)
			pool_cache_invalidate(cache);
		if (i % 61 == 0)
			pool_cache_destruct_object(cache, o);
		else
			pool_cache_put(cache, o);
	}
	return NULL;
}

TEST_TC(limit, "at the hard limit threads wait, also for cached objects")
{
	pthread_t t[5];
	void *o[2];
	int i, n = TEST_SCALE(10000);

	test_env("WORKQUEUE_CHECK", NULL);
	make(IPL_NONE);
	pool_cache_sethardlimit(cache, 2, NULL, 0);
	o[0] = pool_cache_get(cache, PR_WAITOK);
	o[1] = pool_cache_get(cache, PR_WAITOK);
	ATF_REQUIRE(pool_cache_get(cache, PR_NOWAIT) == NULL);
	ATF_REQUIRE(pool_cache_get(cache, PR_WAITOK | PR_LIMITFAIL) == NULL);
	for (i = 0; i < 5; i++)
		t[i] = test_thread(user, &n);
	for (i = 0; i < 20; i++)
		test_pause();
	TEST_EQ(0, nuses);
	pool_cache_put(cache, o[0]);
	pool_cache_put(cache, o[1]);
	for (i = 0; i < 5; i++)
		test_join(t[i]);
	TEST_EQ(5 * n, nuses);
	pool_cache_destroy(cache);
	TEST_EQ(nctor, ndtor);
}

static int
intr_storm(void *arg)
{
	struct object *o;

	(void)arg;
	o = pool_cache_get(cache, PR_NOWAIT);
	if (o != NULL) {
		atomic_fetch_add(&nuses, o->o_magic == MAGIC);
		pool_cache_put(cache, o);
	}
	return 1;
}

static void *
storm_thread(void *arg)
{
	void *mem[20], *o[20];
	size_t i;

	(void)arg;
	while (!atomic_load(&stop)) {
		for (i = 0; i < 20; i++) {
			mem[i] = malloc(i * 77 + 1);
			o[i] = pool_cache_get(cache, PR_WAITOK);
		}
		for (i = 0; i < 20; i++) {
			pool_cache_put(cache, o[i]);
			free(mem[i]);
		}
		if (mem[0] == mem[1])
			break;
	}
	return NULL;
}

TEST_TC(signals, "signals use the cache while threads are in malloc and in it")
{

	test_env("WORKQUEUE_CHECK", NULL);
	make(IPL_VM);
	memory_signals(storm_thread, intr_storm, &nuses);
	pool_cache_destroy(cache);
	TEST_EQ(nctor, ndtor);
}

/*
 * Misuse.
 */
static void
put_twice(void)
{
	void *o;

	make(IPL_NONE);
	o = pool_cache_get(cache, PR_WAITOK);
	pool_cache_put(cache, o);
	pool_cache_put(cache, o);
}

static void
put_foreign(void)
{
	static char other[4096 * 2];

	make(IPL_NONE);
	(void)pool_cache_get(cache, PR_WAITOK);
	pool_cache_put(cache, other + 4096);
}

static void
destruct_free(void)
{
	void *o;

	make(IPL_NONE);
	o = pool_cache_get(cache, PR_WAITOK);
	pool_cache_put(cache, o);
	pool_cache_destruct_object(cache, o);
}

static void
destroy_out(void)
{

	make(IPL_NONE);
	(void)pool_cache_get(cache, PR_WAITOK);
	pool_cache_destroy(cache);
}

static void
zero(void)
{

	make(IPL_NONE);
	(void)pool_cache_get(cache, PR_WAITOK | PR_ZERO);
}

TEST_TC(misuse, "putting twice, putting a foreign object, and early "
    "destruction panic")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(put_twice, "pool_cache_put: \"objects\": object 0x",
	    "is free already", NULL);
	test_panics(put_foreign, "pool_cache_put: \"objects\": 0x",
	    "is not one of its items", NULL);
	test_panics(destruct_free, "pool_cache_destruct_object: \"objects\"",
	    "is free already", NULL);
	test_panics(destroy_out, "pool_destroy: \"objects\": 1 items are "
	    "still out", NULL);
	test_panics(zero, "pool_cache_get: \"objects\": PR_ZERO", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, constructed);
	ATF_TP_ADD_TC(tp, plain);
	ATF_TP_ADD_TC(tp, ctorfails);
	ATF_TP_ADD_TC(tp, water);
	ATF_TP_ADD_TC(tp, limit);
	ATF_TP_ADD_TC(tp, signals);
	ATF_TP_ADD_TC(tp, misuse);
	return atf_no_error();
}
