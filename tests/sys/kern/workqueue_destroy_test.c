/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_destroy(9) runs all pending items, then ends the workers.
 */

#include <sys/cpu.h>
#include <sys/systm.h>

#include "../../tests.h"

struct counted {
	struct test_work  c_work;
	struct workqueue *c_wq;
	int		  c_runs;	/* plain: ordered by destroy */
	int		  c_left;
};

static void
counted(struct test_work *tw)
{
	struct counted *c = (void *)tw;

	c->c_runs++;
}

static void
requeue(struct test_work *tw)
{
	struct counted *c = (void *)tw;

	c->c_runs++;
	if (c->c_left-- > 0)
		workqueue_enqueue(c->c_wq, &c->c_work.tw_work, NULL);
}

TEST_TC(idle_queue, "destroy ends an idle queue, used or unused, and its "
    "threads")
{
	struct counted c = { .c_work = { .tw_func = counted } };
	struct workqueue *wq;
	int flags, nthreads;

	/* Lent threads do not end with the queue. */
	test_env("WORKQUEUE_LEND", "0");
	nthreads = test_nthreads_alone();
	for (flags = 0; flags <= (WQ_MPSAFE | WQ_PERCPU); flags++) {
		wq = test_create("idle", test_dispatch, NULL, flags);
		workqueue_destroy(wq);
		wq = test_create("idle", test_dispatch, NULL, flags);
		workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
		workqueue_wait(wq, &c.c_work.tw_work);
		if (nthreads != -1)
			ATF_REQUIRE(test_nthreads() > nthreads);
		workqueue_destroy(wq);
		/* A joined thread may remain visible in /proc for a moment. */
		TEST_AWAIT(test_nthreads() == nthreads);
		TEST_EQ(flags + 1, c.c_runs);
	}
}

TEST_TC(pending_items_run, "everything that was enqueued before destroy has "
    "run when it returns")
{
	static struct counted c[1000];
	struct test_gate g;
	struct workqueue *wq;
	size_t i;
	int turn;

	test_gate_init(&g);
	for (i = 0; i < TEST_NELEM(c); i++)
		c[i].c_work.tw_func = counted;
	for (turn = 1; turn <= 20; turn++) {
		wq = test_create("pending", test_dispatch, NULL,
		    turn % 2 ? WQ_MPSAFE : 0);
		test_gate_close(&g, wq, NULL);
		for (i = 0; i < TEST_NELEM(c); i++)
			workqueue_enqueue(wq, &c[i].c_work.tw_work, NULL);
		test_gate_open(&g);
		workqueue_destroy(wq);
		for (i = 0; i < TEST_NELEM(c); i++)
			TEST_EQ(turn, c[i].c_runs);
	}
}

TEST_TC(requeued_items_run,
    "what callbacks enqueue on the queue while it is destroyed runs too")
{
	struct counted c[3];
	int i, turn;

	for (turn = 0; turn < TEST_SCALE(500); turn++) {
		c[0].c_wq = test_create("requeue", test_dispatch, NULL,
		    turn % 2 ? WQ_MPSAFE : 0);
		for (i = 0; i < 3; i++) {
			c[i] = (struct counted){
				.c_work = { .tw_func = requeue },
				.c_wq = c[0].c_wq,
				.c_left = turn % 50 * (i + 1),
			};
			workqueue_enqueue(c[0].c_wq, &c[i].c_work.tw_work,
			    NULL);
		}
		workqueue_destroy(c[0].c_wq);
		for (i = 0; i < 3; i++)
			TEST_EQ(turn % 50 * (i + 1) + 1, c[i].c_runs);
	}
}

/*
 * At every moment only one queue is not empty, but it is not always the same
 * queue.
 */
static void
pingpong(struct test_work *tw)
{
	struct counted *c = (void *)tw;

	c->c_runs++;
	if (c->c_left-- > 0) {
		workqueue_enqueue(c->c_wq, &c->c_work.tw_work,
		    cpu_lookup((cpu_index(curcpu()) + 1) %
		    (unsigned int)ncpu));
	}
}

static void
pingpong_turns(const char *cpus, int turns)
{
	struct counted c[2];
	int i, turn;

	test_env("WORKQUEUE_NCPU", cpus);
	TEST_EQ(atoi(cpus), ncpu);
	for (turn = 0; turn < turns; turn++) {
		c[0].c_wq = test_create("pingpong", test_dispatch, NULL,
		    WQ_PERCPU | (turn % 4 ? WQ_MPSAFE : 0));
		for (i = 0; i < 1 + turn % 2; i++) {
			c[i] = (struct counted){
				.c_work = { .tw_func = pingpong },
				.c_wq = c[0].c_wq,
				.c_left = turn % 100,
			};
			workqueue_enqueue(c[0].c_wq, &c[i].c_work.tw_work,
			    cpu_lookup((unsigned int)i));
		}
		workqueue_destroy(c[0].c_wq);
		for (i = 0; i < 1 + turn % 2; i++)
			TEST_EQ(turn % 100 + 1, c[i].c_runs);
	}
}

TEST_TC(pingpong_2_cpus, "an item that two CPUs pass to each other while "
    "destroy runs makes all its turns")
{

	pingpong_turns("2", TEST_SCALE(2000));
}

TEST_TC(pingpong_7_cpus, "an item that circles through seven CPUs while "
    "destroy runs makes all its turns")
{

	pingpong_turns("7", TEST_SCALE(1000));
}

/*
 * A destroyer that looks at one queue after another may miss an item that leaps
 * from the last queue to the first meanwhile.  With many queues the look takes
 * as long as the leap.
 */
static void
leap(struct test_work *tw)
{
	struct counted *c = (void *)tw;

	c->c_runs++;
	if (c->c_left-- > 0) {
		workqueue_enqueue(c->c_wq, &c->c_work.tw_work,
		    cpu_lookup(c->c_left % 2 ? (unsigned int)ncpu - 1 : 0));
	}
}

TEST_TC(leaps_past_the_destroyer, "an item that leaps between the first and "
    "the last of very many CPUs while destroy runs makes all its turns")
{
	struct counted c;
	int turn;

	test_env("WORKQUEUE_NCPU", "400");
	test_env("WORKQUEUE_SPIN", "0");
	for (turn = 0; turn < TEST_SCALE(10); turn++) {
		c = (struct counted){
			.c_work = { .tw_func = leap },
			.c_left = 2001,
		};
		c.c_wq = test_create("leap", test_dispatch, NULL,
		    WQ_PERCPU | WQ_MPSAFE);
		workqueue_enqueue(c.c_wq, &c.c_work.tw_work, cpu_lookup(0));
		workqueue_destroy(c.c_wq);
		TEST_EQ(2002, c.c_runs);
	}
}

/*
 * A tree of items, each of which enqueues two more on other CPUs.
 */
struct tree {
	struct workqueue *t_wq;
	atomic_int	  t_runs;
};

struct leaf {
	struct work	l_work;
	int		l_depth;
};

static void
grow(struct work *wk, void *arg)
{
	struct leaf *l = (void *)wk, *child;
	struct tree *t = arg;
	int i;

	atomic_fetch_add(&t->t_runs, 1);
	for (i = 0; l->l_depth > 0 && i < 2; i++) {
		child = malloc(sizeof(*child));
		if (child == NULL)
			abort();
		child->l_depth = l->l_depth - 1;
		workqueue_enqueue(t->t_wq, &child->l_work,
		    cpu_lookup((unsigned int)(l->l_depth + i) %
		    (unsigned int)ncpu));
	}
	free(l);
}

TEST_TC(growing_tree, "a tree of items that grows across CPUs while destroy "
    "runs is run to its last leaf")
{
	struct tree t;
	struct leaf *root;
	int turn;

	test_env("WORKQUEUE_NCPU", "3");
	for (turn = 0; turn < TEST_SCALE(100); turn++) {
		atomic_init(&t.t_runs, 0);
		t.t_wq = test_create("tree", grow, &t, WQ_PERCPU | WQ_MPSAFE);
		root = malloc(sizeof(*root));
		ATF_REQUIRE(root != NULL);
		root->l_depth = turn % 10;
		workqueue_enqueue(t.t_wq, &root->l_work, cpu_lookup(0));
		workqueue_destroy(t.t_wq);
		TEST_EQ((2 << turn % 10) - 1, t.t_runs);
	}
}

/*
 * Queues made and destroyed in callbacks and by many threads at once.
 */
static void
nested(struct test_work *tw)
{
	struct counted inner = { .c_work = { .tw_func = counted } };
	struct counted *c = (void *)tw;
	struct workqueue *wq;

	if (workqueue_create(&wq, "inner", test_dispatch, NULL, PRI_NONE,
	    IPL_NONE, 0) != 0)
		return;
	workqueue_enqueue(wq, &inner.c_work.tw_work, NULL);
	workqueue_destroy(wq);
	c->c_runs += inner.c_runs;
}

TEST_TC(in_callback_of_another_queue, "a callback may create, use and destroy "
    "another queue, with or without the kernel lock")
{
	struct counted c = { .c_work = { .tw_func = nested } };
	struct workqueue *wq;
	int flags, i;

	for (flags = 0; flags <= WQ_MPSAFE; flags++) {
		c.c_runs = 0;
		wq = test_create("outer", test_dispatch, NULL, flags);
		for (i = 1; i <= 50; i++) {
			workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
			workqueue_wait(wq, &c.c_work.tw_work);
			TEST_EQ(i, c.c_runs);
		}
		workqueue_destroy(wq);
	}
}

static void *
cycles(void *arg)
{
	struct counted c = { .c_work = { .tw_func = counted } };
	struct workqueue *wq;
	int i;

	for (i = 0; i < TEST_SCALE(200); i++) {
		wq = test_create("cycle", test_dispatch, NULL,
		    i % 2 ? WQ_PERCPU : WQ_MPSAFE);
		workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
		workqueue_destroy(wq);
	}
	*(int *)arg = c.c_runs;
	return NULL;
}

TEST_TC(many_threads, "threads that create and destroy queues at the same "
    "time do not disturb each other")
{
	pthread_t t[4];
	int i, runs[4];

	for (i = 0; i < 4; i++)
		t[i] = test_thread(cycles, &runs[i]);
	for (i = 0; i < 4; i++) {
		test_join(t[i]);
		TEST_EQ(TEST_SCALE(200), runs[i]);
	}
}

static void *
destroyer(void *arg)
{

	workqueue_destroy(arg);
	return NULL;
}

TEST_TC(by_another_thread,
    "a queue may be destroyed by a thread that has done nothing else with it")
{
	struct counted c = { .c_work = { .tw_func = counted } };
	struct workqueue *wq;
	int i;

	for (i = 1; i <= 50; i++) {
		wq = test_create("other", test_dispatch, NULL, WQ_MPSAFE);
		workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
		test_join(test_thread(destroyer, wq));
		TEST_EQ(i, c.c_runs);
	}
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, idle_queue);
	ATF_TP_ADD_TC(tp, pending_items_run);
	ATF_TP_ADD_TC(tp, requeued_items_run);
	ATF_TP_ADD_TC(tp, pingpong_2_cpus);
	ATF_TP_ADD_TC(tp, pingpong_7_cpus);
	ATF_TP_ADD_TC(tp, leaps_past_the_destroyer);
	ATF_TP_ADD_TC(tp, growing_tree);
	ATF_TP_ADD_TC(tp, in_callback_of_another_queue);
	ATF_TP_ADD_TC(tp, many_threads);
	ATF_TP_ADD_TC(tp, by_another_thread);
	return atf_no_error();
}
