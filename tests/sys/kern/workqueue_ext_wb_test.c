/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: threads are stopped where the library wakes another, and where it
 * leaves an internal spin lock.  For the latter the linker replaces
 * kspin_exit() by __wrap_kspin_exit().
 */

#include <sys/callout.h>
#include <sys/kmem.h>
#include <sys/pool.h>
#include <sys/workqueue_ext.h>

#include <kern/kern.h>
#include <kern/kern_kspin.h>

#include "../../tests.h"

/*
 * A cancelled item is free as soon as its waiter is: the waiter is released and
 * enqueues the item while the canceller is still in the call.
 */
static _Thread_local bool stop_unpark;
static struct workqueue *again_wq;
static struct test_work again_work;
static atomic_int again_done, again_runs, waiter_parks;
static pthread_t waiter;
static atomic_int waiter_known;

static int
hook(enum host_point point, void *arg)
{

	if (point == HOST_POINT_PARK && atomic_load(&waiter_known) &&
	    pthread_equal(pthread_self(), waiter))
		atomic_fetch_add(&waiter_parks, 1);
	if (point == HOST_POINT_UNPARK && stop_unpark) {
		stop_unpark = false;
		host_unpark(arg);
		TEST_AWAIT(atomic_load(&again_done));
	}
	return 0;
}

static void
again(struct test_work *tw)
{

	(void)tw;
	atomic_fetch_add(&again_runs, 1);
}

static void *
wait_and_enqueue(void *arg)
{

	waiter = pthread_self();
	atomic_store(&waiter_known, 1);
	workqueue_wait(again_wq, &again_work.tw_work);
	atomic_store(&waiter_known, 0);
	workqueue_enqueue(again_wq, &again_work.tw_work, NULL);
	atomic_store(&again_done, 1);
	return arg;
}

TEST_TC(cancelled_is_free, "checking: a waiter for a cancelled item may "
    "enqueue it again at once, on the list and in the batch")
{
	struct test_gate first, second;
	pthread_t t;
	int batch;

	test_env("WORKQUEUE_CHECK", "1");
	__atomic_store_n(&host_hook, hook, __ATOMIC_SEQ_CST);
	again_work.tw_func = again;
	for (batch = 0; batch <= 1; batch++) {
		test_gate_init(&first);
		test_gate_init(&second);
		atomic_store(&again_done, 0);
		atomic_store(&again_runs, 0);
		atomic_store(&waiter_parks, 0);
		again_wq = test_create("again", test_dispatch, NULL,
		    WQ_MPSAFE);
		test_gate_close(&first, again_wq, NULL);
		if (batch)
			workqueue_enqueue(again_wq, &second.g_work.tw_work,
			    NULL);
		workqueue_enqueue(again_wq, &again_work.tw_work, NULL);
		if (batch) {
			/* The item is in one batch with the second gate. */
			test_gate_open(&first);
			test_sem_wait(&second.g_entered);
		}
		t = test_thread(wait_and_enqueue, NULL);
		TEST_AWAIT(atomic_load(&waiter_parks) > 0);
		stop_unpark = true;
		ATF_REQUIRE(workqueue_cancel(again_wq, &again_work.tw_work));
		ATF_REQUIRE_MSG(!stop_unpark, "the waiter was not woken");
		test_join(t);
		test_gate_open(batch ? &second : &first);
		workqueue_destroy(again_wq);
		TEST_EQ(1, again_runs);
	}
}

/*
 * Fork while another thread is inside a spin lock, or enters one while the
 * process is copied.
 */
void	__real_host_relax(unsigned *);
void	__wrap_host_relax(unsigned *);
int	__wrap_host_atfork(void (*)(void), void (*)(void), void (*)(void));
void	__real_kspin_exit(struct kspin *);
void	__wrap_kspin_exit(struct kspin *);

static _Thread_local int stop_exit;	/* stop at the nth from now */
static _Thread_local bool forking;
static sem_t stopped, go;
static atomic_int inside;		/* the other thread is stopped */
static sem_t begin;			/* the copy is about to begin */
static bool late;			/* the other thread waits for begin */
static void (*library_prepare)(void);

void
__wrap_host_relax(unsigned *np)
{

	/* fork(2) waits for a lock: let the stopped thread go on. */
	if (forking && atomic_exchange(&inside, 0) != 0)
		sem_post(&go);
	__real_host_relax(np);
}

static void
prepare(void)
{

	(*library_prepare)();
	if (forking && late) {
		sem_post(&begin);
		test_sem_wait(&stopped);
	}
}

int
__wrap_host_atfork(void (*before)(void), void (*parent)(void),
    void (*child)(void))
{

	library_prepare = before;
	return pthread_atfork(prepare, parent, child);
}

void
__wrap_kspin_exit(struct kspin *ks)
{

	if (stop_exit > 0 && --stop_exit == 0) {
		atomic_store(&inside, 1);
		sem_post(&stopped);
		test_sem_wait(&go);
	}
	__real_kspin_exit(ks);
}

static void
nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static void
never(void *arg)
{

	(void)arg;
}

/*
 * The objects that use() makes.  They are not on a stack: in the child, the
 * stack of a thread that is gone serves the next new thread, and the library
 * still lists the pool.
 */
static struct objects {
	struct pool	ob_pool;
	callout_t	ob_co;
	struct work	ob_work;
} users, childs;

/*
 * Use everything that has a spin lock.
 */
static void
use(struct objects *ob)
{
	struct workqueue *wq;
	void *p;
	int fd;

	if (workqueue_create_polled(&wq, "polled", nothing, NULL, IPL_NONE,
	    WQ_MPSAFE, &fd) != 0)
		_exit(30);
	workqueue_enqueue(wq, &ob->ob_work, NULL);
	if (workqueue_run_polled(wq) != 1)
		_exit(31);
	workqueue_destroy(wq);

	pool_init(&ob->ob_pool, 64, 0, 0, 0, "pool", NULL, IPL_NONE);
	pool_put(&ob->ob_pool, pool_get(&ob->ob_pool, PR_WAITOK));
	pool_destroy(&ob->ob_pool);
	p = kmem_alloc(100, KM_SLEEP);
	kmem_free(p, 100);

	wq = test_create("threads", nothing, NULL, 0);
	workqueue_enqueue(wq, &ob->ob_work, NULL);
	workqueue_wait(wq, &ob->ob_work);
	workqueue_destroy(wq);
	callout_init(&ob->ob_co, 0);
	callout_setfunc(&ob->ob_co, never, NULL);
	callout_schedule(&ob->ob_co, 1000000);
	callout_halt(&ob->ob_co, NULL);
	callout_destroy(&ob->ob_co);
}

static void
child_uses(void)
{

	forking = false;
	use(&childs);
}

static void *
user(void *arg)
{

	if (late)
		test_sem_wait(&begin);
	stop_exit = *(int *)arg;
	use(&users);
	*(int *)arg = stop_exit;
	stop_exit = 0;
	sem_post(&stopped);
	return NULL;
}

static void
fork_inside(void)
{
	pthread_t t;
	int left, n;

	/*
	 * A sanitizer's allocator does not survive the fork if another thread
	 * is in it.
	 */
	if (!TEST_BUSYFORK)
		atf_tc_skip("a sanitizer");
	sem_init(&stopped, 0, 0);
	sem_init(&go, 0, 0);
	sem_init(&begin, 0, 0);
	for (n = 1;; n++) {
		left = n;
		t = test_thread(user, &left);
		if (!late)
			test_sem_wait(&stopped);
		forking = true;
		test_lives(child_uses);
		forking = false;
		if (atomic_exchange(&inside, 0) != 0)
			sem_post(&go);
		test_join(t);
		if (left != 0)
			break;
		/* The thread posts this at its end. */
		test_sem_wait(&stopped);
	}
	ATF_REQUIRE_MSG(n > 10, "only %d locks", n);
}

TEST_TC(fork_inside_locks, "whatever spin lock another thread is in during a "
    "fork, the child has working queues, pools and callouts")
{

	fork_inside();
}

TEST_TC(fork_inside_locks_checked, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	fork_inside();
}

TEST_TC(enter_while_copied, "the same if the other thread enters the spin lock "
    "while the process is copied")
{

	late = true;
	fork_inside();
}

TEST_TC(enter_while_copied_checked, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	late = true;
	fork_inside();
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, cancelled_is_free);
	ATF_TP_ADD_TC(tp, fork_inside_locks);
	ATF_TP_ADD_TC(tp, fork_inside_locks_checked);
	ATF_TP_ADD_TC(tp, enter_while_copied);
	ATF_TP_ADD_TC(tp, enter_while_copied_checked);
	return atf_no_error();
}
