/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_wait(9) is exact: it covers the last enqueue of the item before
 * the call, and nothing else.
 */

#include <sys/mman.h>

#include <sys/cpu.h>
#include <sys/systm.h>

#include "../../tests.h"

/*
 * A thread that waits for an item, and what it saw on return.
 */
struct waiter {
	pthread_t	  w_thread;
	struct workqueue *w_wq;
	struct work	 *w_work;
	atomic_int	 *w_watch;
	int		  w_seen;
	sem_t		  w_called;
	sem_t		  w_back;
};

static void *
waiter(void *arg)
{
	struct waiter *w = arg;

	sem_post(&w->w_called);
	workqueue_wait(w->w_wq, w->w_work);
	w->w_seen = atomic_load(w->w_watch);
	sem_post(&w->w_back);
	return NULL;
}

static void
waiter_start(struct waiter *w, struct workqueue *wq, struct work *wk,
    atomic_int *watch)
{

	w->w_wq = wq;
	w->w_work = wk;
	w->w_watch = watch;
	sem_init(&w->w_called, 0, 0);
	sem_init(&w->w_back, 0, 0);
	w->w_thread = test_thread(waiter, w);
	test_sem_wait(&w->w_called);
}

static void
waiter_end(struct waiter *w)
{

	test_sem_wait(&w->w_back);
	test_join(w->w_thread);
}

TEST_TC(idle_item_returns, "a wait for an item that is neither pending nor "
    "running returns, even while another item runs and others pend")
{
	struct test_counted never = TEST_COUNTED, ran = TEST_COUNTED,
	    behind = TEST_COUNTED;
	struct test_gate g;
	struct workqueue *wq;

	test_gate_init(&g);
	wq = test_create("idle", test_dispatch, NULL, WQ_MPSAFE);
	workqueue_wait(wq, &never.c_work.tw_work);
	workqueue_enqueue(wq, &ran.c_work.tw_work, NULL);
	workqueue_wait(wq, &ran.c_work.tw_work);
	workqueue_wait(wq, &ran.c_work.tw_work);
	test_gate_close(&g, wq, NULL);
	workqueue_enqueue(wq, &behind.c_work.tw_work, NULL);
	/*
	 * The gate is closed, so each of these waits hangs unless it is exact.
	 */
	workqueue_wait(wq, &never.c_work.tw_work);
	workqueue_wait(wq, &ran.c_work.tw_work);
	TEST_EQ(0, behind.c_runs);
	test_gate_open(&g);
	workqueue_destroy(wq);
	TEST_EQ(1, behind.c_runs);
}

TEST_TC(pending_item_is_waited_for,
    "a wait for a pending item returns after its run, not before")
{
	struct test_counted c = TEST_COUNTED;
	struct test_gate g;
	struct workqueue *wq;
	struct waiter w;
	int i;

	test_gate_init(&g);
	wq = test_create("pending", test_dispatch, NULL, WQ_MPSAFE);
	for (i = 1; i <= 200; i++) {
		test_gate_close(&g, wq, NULL);
		workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
		waiter_start(&w, wq, &c.c_work.tw_work, &c.c_runs);
		if (i % 2)
			test_pause();	/* by then it is probably asleep */
		TEST_EQ(-1, sem_trywait(&w.w_back));
		test_gate_open(&g);
		waiter_end(&w);
		TEST_EQ(i, w.w_seen);
	}
	workqueue_destroy(wq);
}

TEST_TC(running_item_is_waited_for,
    "a wait for a running item returns only when its function has returned")
{
	struct test_gate g;
	struct workqueue *wq;
	struct waiter w;
	int i;

	test_gate_init(&g);
	wq = test_create("running", test_dispatch, NULL, WQ_MPSAFE);
	for (i = 0; i < 200; i++) {
		test_gate_close(&g, wq, NULL);
		waiter_start(&w, wq, &g.g_work.tw_work, &g.g_left);
		if (i % 2)
			test_pause();
		TEST_EQ(-1, sem_trywait(&w.w_back));
		test_gate_open(&g);
		waiter_end(&w);
		TEST_EQ(1, w.w_seen);
	}
	workqueue_destroy(wq);
}

TEST_TC(last_enqueue_is_covered, "each wait covers the last enqueue before it, "
    "repeatedly, and makes its effect visible")
{
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq;
	int flags, i, runs = 0;

	for (flags = 0; flags <= WQ_MPSAFE; flags++) {
		wq = test_create("cover", test_dispatch, NULL, flags);
		for (i = 0; i < TEST_SCALE(50000); i++) {
			workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
			workqueue_wait(wq, &c.c_work.tw_work);
			TEST_EQ(++runs, c.c_runs);
		}
		workqueue_destroy(wq);
	}
}

TEST_TC(later_item_does_not_matter, "a wait returns while an item enqueued "
    "after its own, even of the same batch, blocks the worker")
{
	struct test_counted c[5] = {
		TEST_COUNTED, TEST_COUNTED, TEST_COUNTED, TEST_COUNTED,
		TEST_COUNTED
	};
	struct test_gate first, later;
	struct workqueue *wq;
	struct waiter w[5];
	int i, turn;

	test_gate_init(&first);
	test_gate_init(&later);
	wq = test_create("later", test_dispatch, NULL, WQ_MPSAFE);
	for (turn = 1; turn <= 100; turn++) {
		/*
		 * All these items are pending together behind the first gate.
		 */
		test_gate_close(&first, wq, NULL);
		for (i = 0; i < 5; i++)
			workqueue_enqueue(wq, &c[i].c_work.tw_work, NULL);
		workqueue_enqueue(wq, &later.g_work.tw_work, NULL);
		for (i = 0; i < 5; i++) {
			waiter_start(&w[i], wq, &c[i].c_work.tw_work,
			    &c[i].c_runs);
		}
		test_gate_open(&first);
		for (i = 0; i < 5; i++) {
			waiter_end(&w[i]);
			TEST_EQ(turn, w[i].w_seen);
		}
		/*
		 * A wait that starts while the later gate blocks returns, too.
		 */
		test_sem_wait(&later.g_entered);
		workqueue_wait(wq, &c[4].c_work.tw_work);
		test_gate_open(&later);
		workqueue_wait(wq, &later.g_work.tw_work);
	}
	workqueue_destroy(wq);
}

TEST_TC(many_waiters, "many threads wait for one item and for others; each "
    "returns after the run of its own")
{
	struct test_counted c[4] = {
		TEST_COUNTED, TEST_COUNTED, TEST_COUNTED, TEST_COUNTED
	};
	struct test_gate g, between;
	struct workqueue *wq;
	struct waiter w[16];
	int i, turn;

	test_gate_init(&g);
	test_gate_init(&between);
	wq = test_create("many", test_dispatch, NULL, WQ_MPSAFE);
	for (turn = 1; turn <= 50; turn++) {
		test_gate_close(&g, wq, NULL);
		workqueue_enqueue(wq, &c[0].c_work.tw_work, NULL);
		workqueue_enqueue(wq, &c[1].c_work.tw_work, NULL);
		workqueue_enqueue(wq, &between.g_work.tw_work, NULL);
		workqueue_enqueue(wq, &c[2].c_work.tw_work, NULL);
		workqueue_enqueue(wq, &c[3].c_work.tw_work, NULL);
		for (i = 0; i < 16; i++) {
			waiter_start(&w[i], wq, &c[i % 4].c_work.tw_work,
			    &c[i % 4].c_runs);
		}
		test_gate_open(&g);
		for (i = 0; i < 16; i++) {
			if (i % 4 < 2) {
				waiter_end(&w[i]);
				TEST_EQ(turn, w[i].w_seen);
			}
		}
		test_sem_wait(&between.g_entered);
		for (i = 0; i < 16; i++) {
			if (i % 4 >= 2)
				TEST_EQ(-1, sem_trywait(&w[i].w_back));
		}
		test_gate_open(&between);
		for (i = 0; i < 16; i++) {
			if (i % 4 >= 2) {
				waiter_end(&w[i]);
				TEST_EQ(turn, w[i].w_seen);
			}
		}
	}
	workqueue_destroy(wq);
}

/*
 * From callbacks.
 */
struct selfwait {
	struct test_work  s_work;
	struct workqueue *s_wq;
	int		  s_back;
};

static void
selfwait(struct test_work *tw)
{
	struct selfwait *s = (void *)tw;

	workqueue_wait(s->s_wq, &s->s_work.tw_work);
	s->s_back++;
}

TEST_TC(own_item_returns,
    "a function that waits for its own running item is back at once")
{
	struct selfwait s = { .s_work = { .tw_func = selfwait } };
	int flags;

	for (flags = 0; flags <= (WQ_MPSAFE | WQ_PERCPU); flags++) {
		s.s_back = 0;
		s.s_wq = test_create("self", test_dispatch, NULL, flags);
		workqueue_enqueue(s.s_wq, &s.s_work.tw_work, NULL);
		workqueue_destroy(s.s_wq);
		TEST_EQ(1, s.s_back);
	}
}

struct waitfor {
	struct test_work  f_work;
	struct workqueue *f_wq;
	struct test_gate *f_gate;
	sem_t		  f_entered;
	int		  f_seen;
};

static void
waitfor(struct test_work *tw)
{
	struct waitfor *f = (void *)tw;

	sem_post(&f->f_entered);
	workqueue_wait(f->f_wq, &f->f_gate->g_work.tw_work);
	f->f_seen = atomic_load(&f->f_gate->g_left);
}

static void
waits_from_callback(struct workqueue *wq, struct cpu_info *ci,
    struct workqueue *other, struct cpu_info *otherci)
{
	struct waitfor f = { .f_work = { .tw_func = waitfor } };
	struct test_gate g;
	int i;

	test_gate_init(&g);
	sem_init(&f.f_entered, 0, 0);
	f.f_wq = other;
	f.f_gate = &g;
	for (i = 0; i < 100; i++) {
		f.f_seen = 0;
		test_gate_close(&g, other, otherci);
		workqueue_enqueue(wq, &f.f_work.tw_work, ci);
		test_sem_wait(&f.f_entered);
		test_gate_open(&g);
		workqueue_wait(wq, &f.f_work.tw_work);
		TEST_EQ(1, f.f_seen);
	}
}

TEST_TC(other_queue_from_callback,
    "a function that waits for an item of another queue really waits")
{
	struct workqueue *wq, *other;

	wq = test_create("here", test_dispatch, NULL, WQ_MPSAFE);
	other = test_create("there", test_dispatch, NULL, WQ_MPSAFE);
	waits_from_callback(wq, NULL, other, NULL);
	workqueue_destroy(wq);
	workqueue_destroy(other);
}

TEST_TC(other_cpu_from_callback, "a callback that waits for an item on another "
    "CPU of its own queue really waits")
{
	struct workqueue *wq;

	test_env("WORKQUEUE_NCPU", "2");
	TEST_EQ(2, ncpu);
	wq = test_create("percpu", test_dispatch, NULL,
	    WQ_MPSAFE | WQ_PERCPU);
	waits_from_callback(wq, cpu_lookup(0), wq, cpu_lookup(1));
	waits_from_callback(wq, cpu_lookup(1), wq, cpu_lookup(0));
	workqueue_destroy(wq);
}

TEST_TC(every_cpu_is_searched,
    "a wait finds an item on whichever CPU it was enqueued")
{
	struct test_gate g;
	struct workqueue *wq;
	struct waiter w;
	unsigned int i;

	test_env("WORKQUEUE_NCPU", "7");
	TEST_EQ(7, ncpu);
	test_gate_init(&g);
	wq = test_create("percpu", test_dispatch, NULL,
	    WQ_MPSAFE | WQ_PERCPU);
	for (i = 0; i < 70; i++) {
		test_gate_close(&g, wq, cpu_lookup(i % 7));
		waiter_start(&w, wq, &g.g_work.tw_work, &g.g_left);
		TEST_EQ(-1, sem_trywait(&w.w_back));
		test_gate_open(&g);
		waiter_end(&w);
		TEST_EQ(1, w.w_seen);
	}
	workqueue_destroy(wq);
}

/*
 * Items that are enqueued again.
 */
struct eternal {
	struct test_work  e_work;
	struct workqueue *e_wq;
	atomic_int	  e_runs;
	atomic_int	  e_stop;
};

static void
eternal(struct test_work *tw)
{
	struct eternal *e = (void *)tw;

	atomic_fetch_add(&e->e_runs, 1);
	if (!atomic_load(&e->e_stop))
		workqueue_enqueue(e->e_wq, &e->e_work.tw_work, NULL);
}

TEST_TC(eternal_requeuer_returns, "workqueue_wait() returns even if the item "
    "always re-enqueues itself")
{
	struct eternal e = { .e_work = { .tw_func = eternal } };
	int flags, i, runs;

	for (flags = 0; flags <= WQ_MPSAFE; flags++) {
		e.e_stop = 0;
		e.e_runs = 0;
		e.e_wq = test_create("eternal", test_dispatch, NULL, flags);
		workqueue_enqueue(e.e_wq, &e.e_work.tw_work, NULL);
		for (i = 0; i < TEST_SCALE(2000); i++)
			workqueue_wait(e.e_wq, &e.e_work.tw_work);
		/* The item continues to run afterwards. */
		runs = atomic_load(&e.e_runs);
		TEST_AWAIT(atomic_load(&e.e_runs) > runs + 10);
		atomic_store(&e.e_stop, 1);
		workqueue_destroy(e.e_wq);
	}
}

TEST_TC(others_do_not_prolong, "a wait ends even if other items keep the queue "
    "from ever being empty")
{
	struct eternal e[3] = {
		{ .e_work = { .tw_func = eternal } },
		{ .e_work = { .tw_func = eternal } },
		{ .e_work = { .tw_func = eternal } },
	};
	struct test_counted c = TEST_COUNTED;
	struct workqueue *wq;
	int i, runs;

	wq = test_create("flood", test_dispatch, NULL, WQ_MPSAFE);
	for (i = 0; i < 3; i++) {
		e[i].e_wq = wq;
		workqueue_enqueue(wq, &e[i].e_work.tw_work, NULL);
	}
	for (runs = 1; runs <= TEST_SCALE(2000); runs++) {
		workqueue_enqueue(wq, &c.c_work.tw_work, NULL);
		workqueue_wait(wq, &c.c_work.tw_work);
		TEST_EQ(runs, c.c_runs);
	}
	for (i = 0; i < 3; i++)
		atomic_store(&e[i].e_stop, 1);
	workqueue_destroy(wq);
}

/*
 * The callback "frees" the item into a pool of one.  The next user of the pool
 * enqueues the same address on another queue, where its run cannot end.
 */
static struct work reuse_gate, reuse_slot;
static sem_t reuse_shut, reuse_open, reuse_entered, reuse_end;

static void
reuse_first(struct work *wk, void *arg)
{
	struct workqueue *elsewhere = arg;

	if (wk == &reuse_gate) {
		sem_post(&reuse_shut);
		test_sem_wait(&reuse_open);
		return;
	}
	memset(wk, 0xff, sizeof(*wk));
	workqueue_enqueue(elsewhere, wk, NULL);
}

static void
reuse_second(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	sem_post(&reuse_entered);
	test_sem_wait(&reuse_end);
}

TEST_TC(address_reused_elsewhere, "a wait for an item that its callback frees "
    "returns, even if its address is enqueued again on another queue")
{
	struct workqueue *wq, *elsewhere;
	struct waiter w;
	atomic_int none = 0;
	int i;

	sem_init(&reuse_shut, 0, 0);
	sem_init(&reuse_open, 0, 0);
	sem_init(&reuse_entered, 0, 0);
	sem_init(&reuse_end, 0, 0);
	elsewhere = test_create("elsewhere", reuse_second, NULL, WQ_MPSAFE);
	wq = test_create("reused", reuse_first, elsewhere, WQ_MPSAFE);
	for (i = 0; i < 100; i++) {
		workqueue_enqueue(wq, &reuse_gate, NULL);
		test_sem_wait(&reuse_shut);
		workqueue_enqueue(wq, &reuse_slot, NULL);
		waiter_start(&w, wq, &reuse_slot, &none);
		if (i % 2)
			test_pause();
		sem_post(&reuse_open);
		waiter_end(&w);
		test_sem_wait(&reuse_entered);
		sem_post(&reuse_end);
		workqueue_wait(elsewhere, &reuse_slot);
	}
	workqueue_destroy(wq);
	workqueue_destroy(elsewhere);
}

/*
 * Each item has its own page, which its callback unmaps.
 */
static size_t pagesize;

static void
takeaway(struct work *wk, void *arg)
{

	(void)arg;
	mprotect(wk, pagesize, PROT_NONE);
}

static void *
waitloop(void *arg)
{
	struct waiter *w = arg;

	while (!atomic_load(w->w_watch))
		workqueue_wait(w->w_wq, w->w_work);
	return NULL;
}

TEST_TC(freed_item_is_not_read, "no wait reads an item whose callback has been "
    "called")
{
	enum { N = 200 };
	struct work never;
	struct workqueue *wq;
	struct waiter w[2];
	atomic_int stop = 0;
	char *page;
	int i, turn;

	pagesize = (size_t)sysconf(_SC_PAGESIZE);
	page = mmap(NULL, N * pagesize, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ATF_REQUIRE(page != MAP_FAILED);
	wq = test_create("takeaway", takeaway, NULL, WQ_MPSAFE);
	/*
	 * One thread waits for an unused item, one for the last item of a turn.
	 */
	for (i = 0; i < 2; i++) {
		w[i].w_wq = wq;
		w[i].w_work = i == 0 ? &never :
		    (struct work *)(void *)(page + (N - 1) * pagesize);
		w[i].w_watch = &stop;
		w[i].w_thread = test_thread(waitloop, &w[i]);
	}
	for (turn = 0; turn < TEST_SCALE(100); turn++) {
		ATF_REQUIRE(mprotect(page, N * pagesize,
		    PROT_READ | PROT_WRITE) == 0);
		for (i = 0; i < N; i++) {
			workqueue_enqueue(wq,
			    (struct work *)(void *)(page + i * pagesize),
			    NULL);
		}
		workqueue_wait(wq,
		    (struct work *)(void *)(page + (N - 1) * pagesize));
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 2; i++)
		test_join(w[i].w_thread);
	workqueue_destroy(wq);
	munmap(page, N * pagesize);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, idle_item_returns);
	ATF_TP_ADD_TC(tp, pending_item_is_waited_for);
	ATF_TP_ADD_TC(tp, running_item_is_waited_for);
	ATF_TP_ADD_TC(tp, last_enqueue_is_covered);
	ATF_TP_ADD_TC(tp, later_item_does_not_matter);
	ATF_TP_ADD_TC(tp, many_waiters);
	ATF_TP_ADD_TC(tp, own_item_returns);
	ATF_TP_ADD_TC(tp, other_queue_from_callback);
	ATF_TP_ADD_TC(tp, other_cpu_from_callback);
	ATF_TP_ADD_TC(tp, every_cpu_is_searched);
	ATF_TP_ADD_TC(tp, eternal_requeuer_returns);
	ATF_TP_ADD_TC(tp, others_do_not_prolong);
	ATF_TP_ADD_TC(tp, address_reused_elsewhere);
	ATF_TP_ADD_TC(tp, freed_item_is_not_read);
	return atf_no_error();
}
