/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Lack of memory in kmem(9), malloc(9), pool(9), percpu(9), evcnt(9) and
 * xcall(9).
 */

#include "../../tests.h"

#include <sys/evcnt.h>
#include <sys/kmem.h>
#include <sys/malloc.h>
#include <sys/percpu.h>
#include <sys/pool.h>
#include <sys/systm.h>
#include <sys/xcall.h>

#include <host/host.h>

#include "kern/kern.h"
#include "kern/kern_lwp.h"

static atomic_int failures;		/* left to fail; -1: all */
static atomic_int failed;

static int
hook(enum host_point point, void *arg)
{
	int n;

	(void)arg;
	if (point != HOST_POINT_ALLOC)
		return 0;
	n = atomic_load(&failures);
	if (n == 0)
		return 0;
	if (n > 0)
		atomic_fetch_sub(&failures, 1);
	atomic_fetch_add(&failed, 1);
	return ENOMEM;
}

static void
fail(int n)
{

	(void)curlwp_get();
	atomic_store(&failed, 0);
	atomic_store(&failures, n);
	atomic_store_relaxed(&host_hook, hook);
}

TEST_TC(nosleep, "KM_NOSLEEP and its like return NULL without memory")
{
	struct pool pool;
	pool_cache_t pc;
	void *p;

	pool_init(&pool, 64, 0, 0, 0, "empty", NULL, IPL_NONE);
	pc = pool_cache_init(64, 0, 0, 0, "empty", NULL, IPL_NONE, NULL, NULL,
	    NULL);
	p = wqk_malloc(10, M_TEMP, M_WAITOK);
	memset(p, 1, 10);
	fail(-1);
	ATF_REQUIRE(kmem_alloc(1, KM_NOSLEEP) == NULL);
	ATF_REQUIRE(kmem_zalloc(1, KM_NOSLEEP) == NULL);
	ATF_REQUIRE(kmem_intr_alloc(1, KM_NOSLEEP) == NULL);
	ATF_REQUIRE(kmem_intr_zalloc(1, KM_NOSLEEP) == NULL);
	ATF_REQUIRE(kmem_strdup("x", KM_NOSLEEP) == NULL);
	ATF_REQUIRE(kmem_strndup("x", 1, KM_NOSLEEP) == NULL);
	ATF_REQUIRE(kmem_tmpbuf_alloc(2, &p, 1, KM_NOSLEEP) == NULL);
	ATF_REQUIRE(wqk_malloc(1, M_TEMP, M_NOWAIT) == NULL);
	ATF_REQUIRE(wqk_realloc(p, 20, M_TEMP, M_NOWAIT) == NULL);
	ATF_REQUIRE(((char *)p)[9] == 1);
	ATF_REQUIRE(pool_get(&pool, PR_NOWAIT) == NULL);
	ATF_REQUIRE(pool_cache_get(pc, PR_NOWAIT) == NULL);
	fail(0);
	wqk_free(p, M_TEMP);
	p = pool_get(&pool, PR_NOWAIT);
	ATF_REQUIRE(p != NULL);
	/* Free items need no memory. */
	fail(-1);
	pool_put(&pool, p);
	p = pool_get(&pool, PR_NOWAIT);
	ATF_REQUIRE(p != NULL);
	pool_put(&pool, p);
	TEST_EQ(0, failed);
	fail(0);
	pool_destroy(&pool);
	pool_cache_destroy(pc);
}

static void
event(const struct evcnt *ev, void *arg)
{

	(void)ev;
	++*(int *)arg;
}

static void
nothing(void *a, void *b)
{

	(void)a;
	(void)b;
}

TEST_TC(sleep, "KM_SLEEP and its like wait until there is memory")
{
	struct evcnt ev;
	struct pool pool;
	pool_cache_t pc;
	percpu_t *pcpu;
	void *p;
	int i, n;

	for (i = 1; i < 6; i++) {
		fail(i);
		p = kmem_alloc(10, KM_SLEEP);
		ATF_REQUIRE(p != NULL);
		TEST_EQ(i, failed);
		kmem_free(p, 10);
	}
	fail(3);
	kmem_strfree(kmem_asprintf("%d", 3));
	TEST_EQ(3, failed);
	fail(3);
	wqk_free(wqk_malloc(10, M_TEMP, M_WAITOK), M_TEMP);
	TEST_EQ(3, failed);
	fail(0);
	pool_init(&pool, 64, 0, 0, 0, "empty", NULL, IPL_NONE);
	fail(3);
	p = pool_get(&pool, PR_WAITOK);
	TEST_EQ(3, failed);
	pool_put(&pool, p);
	fail(3);
	TEST_EQ(0, pool_prime(&pool, 1000));
	TEST_EQ(3, failed);
	pool_destroy(&pool);
	fail(3);
	pc = pool_cache_init(64, 0, 0, 0, "empty", NULL, IPL_NONE, NULL, NULL,
	    NULL);
	TEST_EQ(3, failed);
	pool_cache_destroy(pc);
	fail(3);
	pcpu = percpu_alloc(10);
	TEST_EQ(3, failed);
	percpu_free(pcpu, 10);
	evcnt_attach_dynamic(&ev, EVCNT_TYPE_MISC, NULL, "a", "b");
	fail(3);
	n = 0;
	evcnt_foreach(EVCNT_TYPE_ANY, event, &n);
	TEST_EQ(3, failed);
	TEST_EQ(1, n);
	evcnt_detach(&ev);
	for (i = 1; i < 6; i++) {
		fail(i);
		xc_wait(xc_broadcast(i % 2 ? XC_HIGHPRI : 0, nothing, NULL,
		    NULL));
		TEST_EQ(i, failed);
	}
	fail(0);
}

static atomic_int got_klock;

static void *
klock(void *arg)
{

	(void)arg;
	KERNEL_LOCK(1, NULL);
	atomic_store(&got_klock, 1);
	/* From here on there is memory again. */
	atomic_store(&failures, 0);
	KERNEL_UNLOCK_ONE(NULL);
	return NULL;
}

TEST_TC(kernel_lock, "a thread releases the kernel lock while it waits for "
    "memory")
{
	pthread_t t;
	void *p;

	KERNEL_LOCK(2, NULL);
	t = test_thread(klock, NULL);
	fail(-1);
	p = kmem_alloc(10, KM_SLEEP);
	TEST_EQ(1, got_klock);
	ATF_REQUIRE(KERNEL_LOCKED_P());
	KERNEL_UNLOCK_ONE(NULL);
	KERNEL_UNLOCK_LAST(NULL);
	kmem_free(p, 10);
	test_join(t);
}

static void
hopeless_alloc(void)
{

	fail(-1);
	(void)kmem_alloc(123, KM_SLEEP);
}

TEST_TC(hopeless, "after ten seconds without memory a panic says so")
{
	struct test_child tc;

	test_env("WORKQUEUE_CHECK", NULL);
	(void)test_child_panics(&tc, hopeless_alloc);
	ATF_REQUIRE_MSG(strstr(tc.tc_err, "kmem_alloc: waiting for 123 bytes "
	    "of memory\n") != NULL, "%s", tc.tc_err);
	ATF_REQUIRE_MSG(strstr(tc.tc_err, "panic: kmem_alloc: no memory for "
	    "123 bytes\n") != NULL, "%s", tc.tc_err);
}

TEST_TC(drain, "pools free unused memory when memory is short")
{
	struct pool pool;
	void *items[100];
	int i;

	pool_init(&pool, 1000, 0, 0, 0, "drain", NULL, IPL_NONE);
	for (i = 0; i < 100; i++)
		items[i] = pool_get(&pool, PR_WAITOK);
	for (i = 1; i < 100; i++)
		pool_put(&pool, items[i]);
	ATF_REQUIRE(pool.pr_npages > 10);
	fail(1);
	kmem_free(kmem_alloc(1, KM_SLEEP), 1);
	TEST_EQ(1, pool.pr_npages);
	pool_put(&pool, items[0]);
	pool_destroy(&pool);
}

static int constructed;

static int
ctor(void *arg, void *obj, int flags)
{

	(void)arg;
	(void)obj;
	(void)flags;
	constructed++;
	return 0;
}

static void
dtor(void *arg, void *obj)
{

	(void)arg;
	(void)obj;
	constructed--;
}

TEST_TC(cache, "a cache without memory for its stack destructs returned "
    "objects")
{
	pool_cache_t pc;
	void *a, *b;

	pc = pool_cache_init(64, 0, 0, 0, "c", NULL, IPL_NONE, ctor, dtor,
	    NULL);
	pool_cache_prime(pc, 10);
	fail(-1);
	a = pool_cache_get(pc, PR_NOWAIT);
	ATF_REQUIRE(a != NULL);
	TEST_EQ(1, constructed);
	pool_cache_put(pc, a);
	TEST_EQ(0, constructed);
	fail(0);
	a = pool_cache_get(pc, PR_NOWAIT);
	b = pool_cache_get(pc, PR_NOWAIT);
	pool_cache_put(pc, a);
	pool_cache_put(pc, b);
	TEST_EQ(2, constructed);
	pool_cache_destroy(pc);
	TEST_EQ(0, constructed);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, nosleep);
	ATF_TP_ADD_TC(tp, sleep);
	ATF_TP_ADD_TC(tp, kernel_lock);
	ATF_TP_ADD_TC(tp, hopeless);
	ATF_TP_ADD_TC(tp, drain);
	ATF_TP_ADD_TC(tp, cache);
	return atf_no_error();
}
