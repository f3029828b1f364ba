/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue(9): the interface, order, and the life of an item.
 */

#include <sys/systm.h>

#include <stddef.h>

#include "../../tests.h"

/*
 * Creation.
 */
static void
nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

TEST_TC(work_is_one_pointer,
    "struct work has the size and alignment of one pointer")
{
	union {
		void		*p;
		struct work	 wk;
	} u;

	TEST_EQ(sizeof(void *), sizeof(struct work));
	TEST_EQ(_Alignof(void *), _Alignof(struct work));
	TEST_EQ(sizeof(void *), sizeof(u));
}

TEST_TC(constants, "flags and priorities have NetBSD's values")
{

	TEST_EQ(0x01, WQ_MPSAFE);
	TEST_EQ(0x02, WQ_PERCPU);
	TEST_EQ(0x04, WQ_FPU);
	TEST_EQ(0x1000, WQ_DEDICATED);
	TEST_EQ(-1, PRI_NONE);
	TEST_EQ(0, PRI_USER);
	TEST_EQ(64, PRI_KERNEL);
	TEST_EQ(96, PRI_KTHREAD);
	TEST_EQ(128, PRI_USER_RT);
	TEST_EQ(192, PRI_KERNEL_RT);
	TEST_EQ(224, PRI_COUNT);
	TEST_EQ(220, PRI_SOFTCLOCK);
	TEST_EQ(221, PRI_SOFTBIO);
	TEST_EQ(222, PRI_SOFTNET);
	TEST_EQ(223, PRI_SOFTSERIAL);
	TEST_EQ(127, PRI_XCALL);
	TEST_EQ(125, PRI_VM);
	TEST_EQ(123, PRI_BIO);
	TEST_EQ(16, PRIBIO);
	TEST_EQ(32, PWAIT);
	ATF_CHECK(PVM >= 0 && PVM < PRIBIO);
}

static void
create_fails(int error, bool nowqp, const char *name,
    void (*func)(struct work *, void *), pri_t prio, int ipl, int flags)
{
	struct workqueue *const mark = (void *)&error;
	struct workqueue *wq = mark;
	int nthreads = test_nthreads();

	TEST_EQ(error, workqueue_create(nowqp ? NULL : &wq, name, func, NULL,
	    prio, ipl, flags));
	ATF_REQUIRE_MSG(wq == mark, "*wqp was changed");
	TEST_EQ(nthreads, test_nthreads());
}

TEST_TC(create_einval, "create answers EINVAL to each kind of bad argument, "
    "leaving *wqp alone")
{
	static const int flags[] = { 0x08, 0x80, 0x100, 0x40000000, INT32_MIN,
	    -1 };
	size_t i;

	create_fails(EINVAL, true, "q", nothing, PRI_NONE, IPL_NONE, 0);
	create_fails(EINVAL, false, NULL, nothing, PRI_NONE, IPL_NONE, 0);
	create_fails(EINVAL, false, "q", NULL, PRI_NONE, IPL_NONE, 0);
	create_fails(EINVAL, false, "q", nothing, -2, IPL_NONE, 0);
	create_fails(EINVAL, false, "q", nothing, PRI_COUNT, IPL_NONE, 0);
	create_fails(EINVAL, false, "q", nothing, INT32_MAX, IPL_NONE, 0);
	create_fails(EINVAL, false, "q", nothing, INT32_MIN, IPL_NONE, 0);
	create_fails(EINVAL, false, "q", nothing, PRI_NONE, -1, 0);
	create_fails(EINVAL, false, "q", nothing, PRI_NONE, IPL_HIGH + 1, 0);
	create_fails(EINVAL, false, "q", nothing, PRI_NONE, INT32_MAX, 0);
	for (i = 0; i < TEST_NELEM(flags); i++) {
		create_fails(EINVAL, false, "q", nothing, PRI_NONE, IPL_NONE,
		    flags[i]);
	}
}

TEST_TC(create_name_length,
    "a name of 15 characters is taken, one of 16 is ENAMETOOLONG")
{
	struct workqueue *wq;

	wq = test_create("fifteen-letters", nothing, NULL, 0);
	workqueue_destroy(wq);
	wq = test_create("fifteen-letters", nothing, NULL, WQ_PERCPU);
	workqueue_destroy(wq);
	create_fails(ENAMETOOLONG, false, "sixteen--letters", nothing,
	    PRI_NONE, IPL_NONE, 0);
	create_fails(ENAMETOOLONG, false, "sixteen--letters", nothing,
	    PRI_NONE, IPL_NONE, WQ_PERCPU);
	create_fails(ENAMETOOLONG, false,
	    "a name of very many letters, more than any table has room for",
	    nothing, PRI_NONE, IPL_NONE, 0);
}

static void
count(struct work *wk, void *arg)
{

	(void)wk;
	atomic_fetch_add((atomic_int *)arg, 1);
}

TEST_TC(create_every_argument,
    "each priority, level and flag in range makes a queue that works")
{
	struct workqueue *wq;
	struct work wk;
	atomic_int n = 0;
	int flags, ipl, runs = 0;
	pri_t pri;

	for (pri = PRI_NONE; pri < PRI_COUNT; pri++) {
		TEST_EQ(0, workqueue_create(&wq, "pri", count, &n, pri,
		    IPL_NONE, WQ_MPSAFE));
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_destroy(wq);
		TEST_EQ(++runs, n);
	}
	for (ipl = IPL_NONE; ipl <= IPL_HIGH; ipl++) {
		TEST_EQ(0, workqueue_create(&wq, "ipl", count, &n, PRI_NONE,
		    ipl, 0));
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_destroy(wq);
		TEST_EQ(++runs, n);
	}
	for (flags = 0; flags <= (WQ_MPSAFE | WQ_PERCPU | WQ_FPU); flags++) {
		TEST_EQ(0, workqueue_create(&wq, "flags", count, &n, PRI_NONE,
		    IPL_NONE, flags));
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_destroy(wq);
		TEST_EQ(++runs, n);
	}
}

/*
 * Calling the function.
 */
struct called {
	struct work	 c_work;
	struct work	*c_wk;
	void		*c_arg;
	pthread_t	 c_thread;
	char		 c_name[32];
	int		 c_locked;
	int		 c_runs;
	int		 c_policy;
	double		 c_float;
};

static void
called(struct work *wk, void *arg)
{
	struct called *c = (void *)wk;
	struct sched_param sp;

	c->c_wk = wk;
	c->c_arg = arg;
	c->c_thread = pthread_self();
	c->c_locked = KERNEL_LOCKED_P();
	c->c_runs++;
	c->c_float *= 1.5;
	pthread_getschedparam(pthread_self(), &c->c_policy, &sp);
#ifdef __linux__
	pthread_getname_np(pthread_self(), c->c_name, sizeof(c->c_name));
#endif
}

TEST_TC(callback_arguments,
    "the function gets the item and the argument of create")
{
	struct workqueue *wq;
	struct called c = { .c_runs = 0 };
	int mark;

	wq = test_create("args", called, &mark, WQ_MPSAFE);
	workqueue_enqueue(wq, &c.c_work, NULL);
	workqueue_wait(wq, &c.c_work);
	TEST_EQ(1, c.c_runs);
	ATF_REQUIRE(c.c_wk == &c.c_work);
	ATF_REQUIRE(c.c_arg == &mark);
	workqueue_destroy(wq);
	TEST_EQ(1, c.c_runs);

	wq = test_create("args", called, NULL, 0);
	workqueue_enqueue(wq, &c.c_work, NULL);
	workqueue_destroy(wq);
	TEST_EQ(2, c.c_runs);
	ATF_REQUIRE(c.c_arg == NULL);
}

TEST_TC(worker_is_one_thread, "all items of a WQ_DEDICATED queue run on one "
    "thread, which is not the caller's")
{
	struct workqueue *wq, *other;
	struct called c[100] = { { .c_runs = 0 } }, oc = { .c_runs = 0 };
	size_t i;

	wq = test_create("one", called, NULL, WQ_MPSAFE | WQ_DEDICATED);
	other = test_create("other", called, NULL, WQ_MPSAFE | WQ_DEDICATED);
	for (i = 0; i < TEST_NELEM(c); i++) {
		workqueue_enqueue(wq, &c[i].c_work, NULL);
		if (i % 7 == 0)
			workqueue_wait(wq, &c[i].c_work);
	}
	workqueue_enqueue(other, &oc.c_work, NULL);
	workqueue_wait(wq, &c[i - 1].c_work);
	workqueue_wait(other, &oc.c_work);
	for (i = 0; i < TEST_NELEM(c); i++) {
		TEST_EQ(1, c[i].c_runs);
		ATF_REQUIRE(pthread_equal(c[i].c_thread, c[0].c_thread));
	}
	ATF_REQUIRE(!pthread_equal(c[0].c_thread, pthread_self()));
	ATF_REQUIRE(!pthread_equal(c[0].c_thread, oc.c_thread));
	workqueue_destroy(wq);
	workqueue_destroy(other);
}

TEST_TC(worker_name, "the worker's thread has the queue's name")
{
#ifdef __linux__
	static const char *const names[] = { "a", "fifteen-letters" };
	struct workqueue *wq;
	struct called c;
	size_t i;

	TEST_NEED(TEST_CAP_NAMES, "thread names");
	for (i = 0; i < TEST_NELEM(names); i++) {
		wq = test_create(names[i], called, NULL, 0);
		workqueue_enqueue(wq, &c.c_work, NULL);
		workqueue_destroy(wq);
		ATF_REQUIRE_STREQ(names[i], c.c_name);
	}
#else
	atf_tc_skip("no way to read a thread's name here");
#endif
}

TEST_TC(kernel_lock_unless_mpsafe, "without WQ_MPSAFE the function is called "
    "with the kernel lock held, with it without")
{
	struct workqueue *wq;
	struct called c;

	wq = test_create("locked", called, NULL, 0);
	workqueue_enqueue(wq, &c.c_work, NULL);
	workqueue_destroy(wq);
	ATF_REQUIRE(c.c_locked);
	wq = test_create("mpsafe", called, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq, &c.c_work, NULL);
	workqueue_destroy(wq);
	ATF_REQUIRE(!c.c_locked);
	ATF_REQUIRE(!KERNEL_LOCKED_P());
}

TEST_TC(wq_fpu, "WQ_FPU is accepted and the function may use floating point")
{
	struct workqueue *wq;
	struct called c = { .c_float = 3.0 };

	wq = test_create("fpu", called, NULL, WQ_FPU | WQ_MPSAFE);
	workqueue_enqueue(wq, &c.c_work, NULL);
	workqueue_destroy(wq);
	ATF_REQUIRE(c.c_float == 4.5);
}

TEST_TC(priority_readable, "the priority asked for and the one in force can "
    "be read, and no worker is real-time unless WORKQUEUE_RT is set")
{
	static const pri_t pris[] = { PRI_NONE, PRI_USER, MAXPRI_USER,
	    PRI_KERNEL, PRI_KTHREAD, PRI_BIO, PRI_USER_RT, PRI_KERNEL_RT,
	    PRI_SOFTNET, PRI_COUNT - 1 };
	struct workqueue *wq;
	struct called c;
	pri_t asked, force;
	size_t i;

	test_env("WORKQUEUE_RT", NULL);
	for (i = 0; i < TEST_NELEM(pris); i++) {
		TEST_EQ(0, workqueue_create(&wq, "pri", called, NULL, pris[i],
		    IPL_NONE, WQ_MPSAFE));
		workqueue_enqueue(wq, &c.c_work, NULL);
		workqueue_wait(wq, &c.c_work);
		asked = force = -2;
		workqueue_getpri(wq, &asked, &force);
		TEST_EQ(pris[i], asked);
		ATF_REQUIRE_MSG(force >= PRI_NONE && force < PRI_USER_RT,
		    "priority %d: %d in force", pris[i], force);
		TEST_EQ(SCHED_OTHER, c.c_policy);
		workqueue_destroy(wq);
	}
}

static void
readnice(struct work *wk, void *arg)
{

	(void)wk;
	*(int *)arg = getpriority(PRIO_PROCESS, 0);
}

TEST_TC(priority_in_force, "workers of lower priority are no less nice, and "
    "what is read as in force differs where their niceness does")
{
#ifdef __linux__		/* where each thread has its own nice value */
	static const pri_t pris[] = { PRI_USER, MAXPRI_USER, PRI_NONE,
	    PRI_SOFTNET };
	struct workqueue *wq;
	struct work wk;
	int nice[TEST_NELEM(pris)];
	pri_t asked, force[TEST_NELEM(pris)];
	size_t i;

	TEST_NEED(TEST_CAP_PRIORITY, "thread priorities");
	for (i = 0; i < TEST_NELEM(pris); i++) {
		TEST_EQ(0, workqueue_create(&wq, "nice", readnice, &nice[i],
		    pris[i], IPL_NONE, WQ_MPSAFE));
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_wait(wq, &wk);
		workqueue_getpri(wq, &asked, &force[i]);
		workqueue_destroy(wq);
		if (i == 0)
			continue;
		ATF_REQUIRE_MSG(nice[i - 1] >= nice[i],
		    "priority %d has nice %d, priority %d has nice %d",
		    pris[i - 1], nice[i - 1], pris[i], nice[i]);
		if (nice[i - 1] != nice[i])
			ATF_REQUIRE(force[i - 1] != force[i]);
	}
	/* If the host permits the highest priority, its nice value is lower. */
	if (force[3] > MAXPRI_USER)
		ATF_REQUIRE(nice[3] < nice[2]);
#else
	atf_tc_skip("no way to read a thread's niceness here");
#endif
}

static void
makes_queue(struct work *wk, void *arg)
{
	struct workqueue *wq;
	struct work inner;

	(void)wk;
	wq = test_create("inner", readnice, arg, WQ_MPSAFE);
	workqueue_enqueue(wq, &inner, NULL);
	workqueue_destroy(wq);
}

TEST_TC(priority_of_maker, "a queue without a priority, made by a worker that "
    "has one, has a worker as nice as who made that one")
{
#ifdef __linux__
	struct workqueue *wq;
	struct work wk;
	int nice;

	TEST_NEED(TEST_CAP_PRIORITY, "thread priorities");
	ATF_REQUIRE(setpriority(PRIO_PROCESS, 0, 3) == 0);
	nice = -1;
	TEST_EQ(0, workqueue_create(&wq, "outer", makes_queue, &nice,
	    PRI_SOFTNET, IPL_NONE, WQ_MPSAFE));
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_destroy(wq);
	TEST_EQ(3, nice);
#else
	atf_tc_skip("no way to read a thread's niceness here");
#endif
}

/*
 * Order.
 */
#define	NSEQ	1000

struct seq {
	struct work	s_work;
	int		s_number;
};

struct seqlog {
	int	l_n;
	int	l_number[8 * NSEQ];
};

static void
seqrun(struct work *wk, void *arg)
{
	struct seqlog *l = arg;
	struct seq *s = (void *)wk;

	if (s->s_number >= 0)
		l->l_number[l->l_n++] = s->s_number;
}

TEST_TC(order_one_producer, "items run in the order they were enqueued in, "
    "whether the worker is idle or busy")
{
	static struct seqlog l;
	static struct seq s[NSEQ];
	struct workqueue *wq;
	int flags, i, turn;

	for (flags = 0; flags <= WQ_MPSAFE; flags++) {
		wq = test_create("order", seqrun, &l, flags);
		for (turn = 1; turn < 6; turn++) {
			l.l_n = 0;
			for (i = 0; i < NSEQ; i++) {
				s[i].s_number = i;
				workqueue_enqueue(wq, &s[i].s_work, NULL);
				if (i % turn == 0 && turn < 4)
					sched_yield();
			}
			workqueue_wait(wq, &s[NSEQ - 1].s_work);
			TEST_EQ(NSEQ, l.l_n);
			for (i = 0; i < NSEQ; i++)
				TEST_EQ(i, l.l_number[i]);
		}
		workqueue_destroy(wq);
	}
}

/*
 * Four producers take turns in no fixed order.  A mutex gives their enqueues
 * one order, and the items must run in that order.
 */
static struct seq many_seq[4][NSEQ];
static pthread_mutex_t many_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct workqueue *many_wq;
static int many_next;

static void *
many_producer(void *arg)
{
	struct seq *s = arg;
	int i;

	for (i = 0; i < NSEQ; i++) {
		pthread_mutex_lock(&many_mutex);
		s[i].s_number = many_next++;
		workqueue_enqueue(many_wq, &s[i].s_work, NULL);
		pthread_mutex_unlock(&many_mutex);
	}
	return NULL;
}

TEST_TC(order_four_producers,
    "the enqueues of four threads, ordered among them, run in that order")
{
	static struct seqlog l;
	pthread_t t[4];
	int i;

	many_wq = test_create("order4", seqrun, &l, WQ_MPSAFE);
	for (i = 0; i < 4; i++)
		t[i] = test_thread(many_producer, many_seq[i]);
	for (i = 0; i < 4; i++)
		test_join(t[i]);
	workqueue_destroy(many_wq);
	TEST_EQ(4 * NSEQ, l.l_n);
	for (i = 0; i < 4 * NSEQ; i++)
		TEST_EQ(i, l.l_number[i]);
}

TEST_TC(order_behind_gate, "items that pile up while the worker is busy run "
    "in order, and those enqueued during the batch run after it")
{
	static struct seqlog l;
	static struct seq s[2 * NSEQ];
	struct workqueue *wq;
	int i;

	wq = test_create("pile", seqrun, &l, 0);
	/* The kernel lock is the gate: the worker cannot run the first item. */
	KERNEL_LOCK(1, NULL);
	for (i = 0; i < NSEQ; i++) {
		s[i].s_number = i;
		workqueue_enqueue(wq, &s[i].s_work, NULL);
	}
	KERNEL_UNLOCK_ONE(NULL);
	for (; i < 2 * NSEQ; i++) {
		s[i].s_number = i;
		workqueue_enqueue(wq, &s[i].s_work, NULL);
	}
	workqueue_destroy(wq);
	TEST_EQ(2 * NSEQ, l.l_n);
	for (i = 0; i < 2 * NSEQ; i++)
		TEST_EQ(i, l.l_number[i]);
}

/*
 * The life of an item.
 */
struct fenced {
	unsigned char	f_before[64];
	struct work	f_work;
	unsigned char	f_after[64];
};

static void
fences_hold(const struct fenced *f, const char *when)
{
	size_t i;

	for (i = 0; i < sizeof(f->f_before); i++) {
		ATF_REQUIRE_MSG(f->f_before[i] == (unsigned char)(i * 7) &&
		    f->f_after[i] == (unsigned char)(i * 11),
		    "byte %zu beside the word has changed %s", i, when);
	}
}

static void
fenced(struct work *wk, void *arg)
{
	struct fenced *f;

	f = (void *)((char *)wk - offsetof(struct fenced, f_work));
	fences_hold(f, "in the callback");
	++*(int *)arg;
}

TEST_TC(only_the_word_is_touched, "a word may hold anything before enqueue, "
    "and no byte beside it is changed")
{
	struct workqueue *wq;
	struct fenced f[8];
	size_t i, j;
	int runs = 0;

	for (i = 0; i < TEST_NELEM(f); i++) {
		for (j = 0; j < sizeof(f[i].f_before); j++) {
			f[i].f_before[j] = (unsigned char)(j * 7);
			f[i].f_after[j] = (unsigned char)(j * 11);
		}
	}
	memset(&f[0].f_work, 0x00, sizeof(struct work));
	memset(&f[1].f_work, 0xff, sizeof(struct work));
	memset(&f[2].f_work, 0x01, sizeof(struct work));
	f[3].f_work.wk_dummy = &f[3].f_work;
	f[4].f_work.wk_dummy = &f[5].f_work;
	f[5].f_work.wk_dummy = &f[4].f_work;
	f[6].f_work.wk_dummy = (char *)&f[6].f_work + 1;
	f[7].f_work.wk_dummy = f;
	wq = test_create("word", fenced, &runs, 0);
	f[7].f_work.wk_dummy = wq;
	KERNEL_LOCK(1, NULL);		/* all of them pend together */
	for (i = 0; i < TEST_NELEM(f); i++)
		workqueue_enqueue(wq, &f[i].f_work, NULL);
	for (i = 0; i < TEST_NELEM(f); i++)
		fences_hold(&f[i], "while it was pending");
	KERNEL_UNLOCK_ONE(NULL);
	workqueue_destroy(wq);
	TEST_EQ(TEST_NELEM(f), runs);
	for (i = 0; i < TEST_NELEM(f); i++)
		fences_hold(&f[i], "after the run");
}

static void
scribble(struct work *wk, void *arg)
{

	++*(int *)arg;
	memset(wk, 0xff, sizeof(*wk));
}

TEST_TC(word_is_the_callbacks, "the word may be overwritten as soon as the "
    "function is called, with others pending behind it")
{
	static struct work wk[NSEQ];
	struct workqueue *wq;
	unsigned char *p;
	int i, runs = 0;
	size_t j;

	wq = test_create("scribble", scribble, &runs, 0);
	KERNEL_LOCK(1, NULL);
	for (i = 0; i < NSEQ; i++)
		workqueue_enqueue(wq, &wk[i], NULL);
	KERNEL_UNLOCK_ONE(NULL);
	workqueue_destroy(wq);
	TEST_EQ(NSEQ, runs);
	/* The library did not write to the memory afterwards. */
	for (i = 0; i < NSEQ; i++) {
		p = (void *)&wk[i];
		for (j = 0; j < sizeof(wk[i]); j++)
			TEST_EQ(0xff, p[j]);
	}
}

static void
freework(struct work *wk, void *arg)
{

	++*(int *)arg;
	free(wk);
}

TEST_TC(free_in_callback, "the function may free its item")
{
	struct workqueue *wq;
	int flags, i, runs;

	for (flags = 0; flags <= WQ_MPSAFE; flags++) {
		runs = 0;
		wq = test_create("free", freework, &runs, flags);
		for (i = 0; i < 10 * NSEQ; i++) {
			struct work *wk = malloc(sizeof(*wk));

			ATF_REQUIRE(wk != NULL);
			memset(wk, 0xa5, sizeof(*wk));
			workqueue_enqueue(wq, wk, NULL);
		}
		workqueue_destroy(wq);
		TEST_EQ(10 * NSEQ, runs);
	}
}

struct again {
	struct work	  a_work;
	struct workqueue *a_wq[2];
	int		  a_left;
	sem_t		  a_done;
};

static void
again(struct work *wk, void *arg)
{
	struct again *a = (void *)wk;

	(void)arg;
	if (--a->a_left == 0)
		sem_post(&a->a_done);
	else
		workqueue_enqueue(a->a_wq[a->a_left % 2], wk, NULL);
}

TEST_TC(requeue_same_queue,
    "a function may enqueue its own item again on the same queue")
{
	struct again a = { .a_left = 10 * NSEQ };
	struct workqueue *wq;

	sem_init(&a.a_done, 0, 0);
	wq = test_create("again", again, NULL, WQ_MPSAFE);
	a.a_wq[0] = a.a_wq[1] = wq;
	workqueue_enqueue(wq, &a.a_work, NULL);
	test_sem_wait(&a.a_done);
	TEST_EQ(0, a.a_left);
	workqueue_destroy(wq);
}

TEST_TC(requeue_other_queue,
    "a function may enqueue its own item on another queue, to and fro")
{
	struct again a = { .a_left = 10 * NSEQ };

	sem_init(&a.a_done, 0, 0);
	a.a_wq[0] = test_create("to", again, NULL, WQ_MPSAFE);
	a.a_wq[1] = test_create("fro", again, NULL, 0);
	workqueue_enqueue(a.a_wq[0], &a.a_work, NULL);
	test_sem_wait(&a.a_done);
	TEST_EQ(0, a.a_left);
	workqueue_destroy(a.a_wq[0]);
	workqueue_destroy(a.a_wq[1]);
}

TEST_TC(errno_kept, "enqueue keeps errno, the worker asleep or awake")
{
	struct workqueue *wq;
	struct work wk[64];
	atomic_int runs = 0;
	size_t i, turn;

	wq = test_create("errno", count, &runs, WQ_MPSAFE);
	for (turn = 0; turn < 50; turn++) {
		for (i = 0; i < TEST_NELEM(wk); i++) {
			errno = 12345;
			workqueue_enqueue(wq, &wk[i], NULL);
			TEST_EQ(12345, errno);
		}
		workqueue_wait(wq, &wk[i - 1]);
		test_pause();		/* the worker most likely sleeps now */
	}
	workqueue_destroy(wq);
	TEST_EQ(50 * TEST_NELEM(wk), runs);
}

/*
 * Plain data, so that a sanitizer sees a missing order.
 */
struct parcel {
	struct work	p_work;
	int		p_in[16];
	int		p_out[16];
};

static void
parcel(struct work *wk, void *arg)
{
	struct parcel *p = (void *)wk;
	int i;

	(void)arg;
	for (i = 0; i < 16; i++)
		p->p_out[i] = p->p_in[i] + 1;
}

TEST_TC(visibility, "what was done before enqueue is seen by the function, "
    "what it did is seen after wait and after destroy")
{
	static struct parcel p[64];
	struct workqueue *wq;
	int i, j, turn;

	for (turn = 0; turn < 100; turn++) {
		wq = test_create("parcel", parcel, NULL, WQ_MPSAFE);
		for (i = 0; i < 64; i++) {
			for (j = 0; j < 16; j++)
				p[i].p_in[j] = turn * 64 + i;
			workqueue_enqueue(wq, &p[i].p_work, NULL);
		}
		for (i = 0; i < 32; i++) {
			workqueue_wait(wq, &p[i].p_work);
			for (j = 0; j < 16; j++)
				TEST_EQ(turn * 64 + i + 1, p[i].p_out[j]);
		}
		workqueue_destroy(wq);
		for (; i < 64; i++) {
			for (j = 0; j < 16; j++)
				TEST_EQ(turn * 64 + i + 1, p[i].p_out[j]);
		}
	}
}

struct passing {
	struct workqueue *p_wq;
	struct work	  p_work;
};

static void *
passing(void *arg)
{
	struct passing *p = arg;

	workqueue_enqueue(p->p_wq, &p->p_work, NULL);
	return NULL;
}

TEST_TC(foreign_threads,
    "threads the library has never seen enqueue and end at once")
{
	static struct passing p[200];
	pthread_t t[TEST_NELEM(p)];
	struct workqueue *wq;
	atomic_int runs = 0;
	size_t i, turn;

	wq = test_create("foreign", count, &runs, WQ_MPSAFE);
	for (turn = 0; turn < 5; turn++) {
		for (i = 0; i < TEST_NELEM(p); i++) {
			p[i].p_wq = wq;
			t[i] = test_thread(passing, &p[i]);
		}
		for (i = 0; i < TEST_NELEM(p); i++) {
			test_join(t[i]);
			workqueue_wait(wq, &p[i].p_work);
		}
		TEST_EQ((turn + 1) * TEST_NELEM(p), runs);
	}
	workqueue_destroy(wq);
	TEST_EQ(5 * TEST_NELEM(p), runs);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, work_is_one_pointer);
	ATF_TP_ADD_TC(tp, constants);
	ATF_TP_ADD_TC(tp, create_einval);
	ATF_TP_ADD_TC(tp, create_name_length);
	ATF_TP_ADD_TC(tp, create_every_argument);
	ATF_TP_ADD_TC(tp, callback_arguments);
	ATF_TP_ADD_TC(tp, worker_is_one_thread);
	ATF_TP_ADD_TC(tp, worker_name);
	ATF_TP_ADD_TC(tp, kernel_lock_unless_mpsafe);
	ATF_TP_ADD_TC(tp, wq_fpu);
	ATF_TP_ADD_TC(tp, priority_readable);
	ATF_TP_ADD_TC(tp, priority_in_force);
	ATF_TP_ADD_TC(tp, priority_of_maker);
	ATF_TP_ADD_TC(tp, order_one_producer);
	ATF_TP_ADD_TC(tp, order_four_producers);
	ATF_TP_ADD_TC(tp, order_behind_gate);
	ATF_TP_ADD_TC(tp, only_the_word_is_touched);
	ATF_TP_ADD_TC(tp, word_is_the_callbacks);
	ATF_TP_ADD_TC(tp, free_in_callback);
	ATF_TP_ADD_TC(tp, requeue_same_queue);
	ATF_TP_ADD_TC(tp, requeue_other_queue);
	ATF_TP_ADD_TC(tp, errno_kept);
	ATF_TP_ADD_TC(tp, visibility);
	ATF_TP_ADD_TC(tp, foreign_threads);
	return atf_no_error();
}
