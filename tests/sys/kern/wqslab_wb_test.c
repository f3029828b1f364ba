/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: the memory of workqueues.
 */

#include "kern/subr_workqueue.h"

#include <sys/workqueue_ext.h>

#include "../../tests.h"

#define	PLACES		32		/* of a slab */
#define	SLABS		3
#define	NQUEUES		(PLACES * SLABS)
#define	QUEUE_SIZE	(sizeof(struct workqueue) +			\
			sizeof(struct workqueue_queue))

static struct workqueue *wqs[NQUEUES];
static atomic_int slabs, allocs;
static atomic_size_t bytes;

static int
count(enum host_point point, void *arg)
{
	size_t size;

	if (point != HOST_POINT_ALLOC)
		return 0;
	size = *(size_t *)arg;
	atomic_fetch_add(&allocs, 1);
	atomic_fetch_add(&bytes, size);
	if (size > PLACES * sizeof(struct workqueue))
		atomic_fetch_add(&slabs, 1);
	return 0;
}

static int
refuse(enum host_point point, void *arg)
{

	(void)arg;
	return point == HOST_POINT_ALLOC ? ENOMEM : 0;
}

static void
set_hook(int (*hook)(enum host_point, void *))
{

	__atomic_store_n(&host_hook, hook, __ATOMIC_SEQ_CST);
}

static void
create_all(void)
{
	size_t i;

	for (i = 0; i < NQUEUES; i++)
		wqs[i] = test_create("slab", test_dispatch, NULL, WQ_MPSAFE);
}

static void
destroy_all(void)
{
	size_t i;

	for (i = 0; i < NQUEUES; i++)
		workqueue_destroy(wqs[i]);
}

/*
 * Begin a test of slabs.  The threads of queues would need memory, too.
 */
static void
begin(void)
{

	test_env("WORKQUEUE_LEND", "1");
	if (host_heapwatched)
		atf_tc_skip("san: the queues are not in slabs");
	workqueue_destroy(test_create("first", test_dispatch, NULL, 0));
}

TEST_TC(places, "queues get distinct places of slabs, and slabs that become "
    "empty are freed, all but one")
{
	size_t i, j;
	int round;

	begin();
	set_hook(count);
	for (round = 0; round < 3; round++) {
		atomic_store(&slabs, 0);
		create_all();
		/* One is there from the first queue, or from the last round. */
		TEST_EQ(SLABS - 1, atomic_load(&slabs));
		for (i = 0; i < NQUEUES; i++) {
			ATF_REQUIRE(wqs[i]->wq_slab != NULL);
			TEST_EQ(0, (uintptr_t)wqs[i] % KERN_CACHELINE);
			for (j = 0; j < i; j++)
				ATF_REQUIRE((char *)wqs[j] + QUEUE_SIZE <=
				    (char *)wqs[i] || (char *)wqs[i] +
				    QUEUE_SIZE <= (char *)wqs[j]);
		}
		destroy_all();
	}
}

TEST_TC(reused, "the place of a destroyed queue is used again, and holds "
    "nothing of it")
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *was, *wq;
	int i;

	begin();
	create_all();
	workqueue_setspin(wqs[7], 5);
	workqueue_enqueue(wqs[7], &c.c_work.tw_work, NULL);
	was = wqs[7];
	workqueue_destroy(was);
	set_hook(refuse);
	for (i = 0; i < 3; i++) {
		wq = test_create("again", test_dispatch, NULL, 0);
		ATF_REQUIRE(wq == was);
		ATF_REQUIRE(wq->wq_queues[0].q_done == 0);
		ATF_REQUIRE(wq->wq_spin == wqs[0]->wq_spin);
		workqueue_destroy(wq);
	}
	set_hook(NULL);
	wqs[7] = test_create("again", test_dispatch, NULL, 0);
	destroy_all();
}

TEST_TC(no_memory, "without memory for a slab, no queue is created")
{
	struct workqueue *wq;
	int error, n;

	begin();
	set_hook(refuse);
	for (n = 0; n < NQUEUES; n++)
		if ((error = workqueue_create(&wqs[n], "slab", test_dispatch,
		    NULL, PRI_NONE, IPL_NONE, WQ_MPSAFE)) != 0)
			break;
	TEST_EQ(ENOMEM, error);
	ATF_REQUIRE(n <= PLACES);
	set_hook(NULL);
	wq = test_create("more", test_dispatch, NULL, 0);
	workqueue_destroy(wq);
	while (n-- > 0)
		workqueue_destroy(wqs[n]);
}

TEST_TC(watched, "in checking mode, and if a tool watches the heap, each queue "
    "has memory of its own")
{
	struct workqueue *wq;

	host_heapwatched = true;
	wq = test_create("own", test_dispatch, NULL, WQ_MPSAFE);
	ATF_REQUIRE(wq->wq_slab == NULL);
	workqueue_destroy(wq);
	host_heapwatched = false;
	test_env("WORKQUEUE_CHECK", "1");
	wq = test_create("own", test_dispatch, NULL, WQ_MPSAFE);
	ATF_REQUIRE(wq->wq_slab == NULL);
	workqueue_destroy(wq);
}

#ifdef TEST_ASAN
static void
use_destroyed(void)
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq;

	wq = test_create("gone", test_dispatch, NULL, WQ_MPSAFE);
	workqueue_destroy(wq);
	workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
}
#endif

TEST_TC(destroyed, "AddressSanitizer reports the use of a destroyed queue")
{
#ifdef TEST_ASAN
	struct test_child tc;

	test_child(&tc, use_destroyed);
	ATF_REQUIRE(tc.tc_status != 0);
	ATF_REQUIRE(strstr(tc.tc_err, "heap-use-after-free") != NULL);
#else
	atf_tc_skip("san: needs SAN=address");
#endif
}

TEST_TC(bytes_each, "the library allocates less than 496 bytes for an idle "
    "queue")
{
	static struct workqueue *wq[10000];
	size_t i;

	test_env("WORKQUEUE_LEND", "1");
	workqueue_destroy(test_create("first", test_dispatch, NULL, 0));
	set_hook(count);
	for (i = 0; i < TEST_NELEM(wq); i++)
		wq[i] = test_create("idle", test_dispatch, NULL, WQ_MPSAFE);
	ATF_REQUIRE_MSG(atomic_load(&bytes) / TEST_NELEM(wq) < 496,
	    "%zu bytes in %d blocks", atomic_load(&bytes),
	    atomic_load(&allocs));
	for (i = 0; i < TEST_NELEM(wq); i++)
		workqueue_destroy(wq[i]);
}

#define	NTHREADS	4

static void *
cycle(void *arg)
{
	struct workqueue *mine[PLACES + 1];
	size_t i;
	int round;

	for (round = 0; round < TEST_SCALE(500); round++) {
		for (i = 0; i < TEST_NELEM(mine); i++)
			mine[i] = test_create("cycle", test_dispatch, mine, 0);
		for (i = 0; i < TEST_NELEM(mine); i++) {
			ATF_REQUIRE(mine[i]->wq_arg == mine);
			workqueue_destroy(mine[i]);
		}
	}
	return arg;
}

TEST_TC(threads, "threads that create and destroy at once do not disturb each "
    "other")
{

	begin();
	test_threads(NTHREADS, cycle, NULL);
}

static void
in_child(bool torn)
{
	struct test_counted c = TEST_COUNTED;
	struct wqslab *parents = wqs[0]->wq_slab;

	destroy_all();
	create_all();
	if (torn && wqs[0]->wq_slab == parents)
		_exit(2);
	workqueue_enqueue(wqs[0], &c.c_work.tw_work, NULL);
	destroy_all();
	if (atomic_load(&c.c_runs) != 1)
		_exit(1);
}

TEST_TC(forked, "a forked child destroys the queues of its parent, and creates "
    "its own")
{
	pid_t pid;
	int i, status;

	if (!TEST_CHILDTHREADS)
		atf_tc_skip("tsan: a child cannot start threads");
	begin();
	create_all();
	/* In the second child, the slabs may be inconsistent. */
	for (i = 0; i < 2; i++) {
		if ((pid = i == 0 ? test_fork() : test_fork_unseen()) == 0) {
			in_child(i != 0);
			_exit(0);
		}
		ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
		TEST_EQ(0, status);
	}
	destroy_all();
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, bytes_each);
	ATF_TP_ADD_TC(tp, destroyed);
	ATF_TP_ADD_TC(tp, forked);
	ATF_TP_ADD_TC(tp, no_memory);
	ATF_TP_ADD_TC(tp, places);
	ATF_TP_ADD_TC(tp, reused);
	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, watched);
	return atf_no_error();
}
