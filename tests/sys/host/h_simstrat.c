/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * h_simstrat test: small programs, for the tests of the strategies and the
 * memory models of wqsim(1).  Each aborts under the schedules that its comment
 * names, and under no other.
 */

#include <sys/workqueue.h>
#include <sys/workqueue_sim.h>

#include <sys/atomic.h>

#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h_sim.h"

/* The words that the threads share.  They must not be on a stack. */
static unsigned x, y, z, r1, r2;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock2 = PTHREAD_MUTEX_INITIALIZER;
static int count, more;
static const char *arg;

static void
run(void *(*func1)(void *), void *(*func2)(void *))
{
	pthread_t tid1, tid2;

	if (pthread_create(&tid1, NULL, func1, NULL) != 0 ||
	    pthread_create(&tid2, NULL, func2, NULL) != 0)
		errx(3, "pthread_create");
	if (pthread_join(tid1, NULL) != 0 || pthread_join(tid2, NULL) != 0)
		errx(3, "pthread_join");
}

/*
 * "depth N": one thread counts, and the other aborts if each of its reads finds
 * one more than the read before.  If N is 1, the reader must run first.  If N
 * is 2, each thread must be preempted once, so the bug has depth 3.
 */
static void *
depth_count(void *p)
{
	int i;

	for (i = 0; i <= more; i++)
		atomic_store_relaxed(&x, (unsigned)i);
	return p;
}

static void *
depth_look(void *p)
{
	int i;

	for (i = 0; i < more; i++)
		if (atomic_load_relaxed(&x) != (unsigned)i)
			return p;
	abort();
}

static void
depth(void)
{

	more = arg != NULL ? atoi(arg) : 2;
	run(depth_count, depth_look);
}

/*
 * An account: add() loads and stores under a lock, or "broken" without one.
 */
static void *
account_add(void *p)
{
	int i, value;

	for (i = 0; i < 2; i++) {
		if (arg == NULL && pthread_mutex_lock(&lock) != 0)
			abort();
		value = atomic_load_relaxed(&count);
		atomic_store_relaxed(&count, value + 1);
		if (arg == NULL && pthread_mutex_unlock(&lock) != 0)
			abort();
	}
	return p;
}

static void
account(void)
{

	run(account_add, account_add);
	if (count != 4)
		abort();
}

/*
 * Many accesses that race with no other, and two locks in opposite orders.
 */
static void *
abba_noise(void *p)
{
	unsigned own = 0;
	int i;

	for (i = 0; i < 20; i++)
		atomic_store_relaxed(&own, own + 1);
	return p;
}

static void *
abba_one(void *p)
{

	(void)abba_noise(p);
	(void)pthread_mutex_lock(&lock);
	(void)abba_noise(p);
	(void)pthread_mutex_lock(&lock2);
	(void)pthread_mutex_unlock(&lock2);
	(void)pthread_mutex_unlock(&lock);
	return p;
}

static void *
abba_two(void *p)
{

	(void)abba_noise(p);
	(void)pthread_mutex_lock(&lock2);
	(void)abba_noise(p);
	(void)pthread_mutex_lock(&lock);
	(void)pthread_mutex_unlock(&lock);
	(void)pthread_mutex_unlock(&lock2);
	return p;
}

static void
abba(void)
{

	run(abba_one, abba_two);
}

/*
 * A thread that waits for another one in a loop, with a yield or without one.
 */
static void *
spin_wait(void *p)
{

	while (atomic_load_acquire(&x) == 0)
		if (arg == NULL)
			(void)sched_yield();
	return p;
}

static void *
spin_set(void *p)
{

	atomic_store_release(&x, 1);
	return p;
}

static void
spin(void)
{

	run(spin_wait, spin_set);
}

/* Two threads wait for the third, and yield to each other. */
static void
spin2(void)
{
	pthread_t tid[2];
	int i;

	for (i = 0; i < 2; i++)
		if (pthread_create(&tid[i], NULL, spin_wait, NULL) != 0)
			errx(3, "pthread_create");
	(void)spin_set(NULL);
	for (i = 0; i < 2; i++)
		if (pthread_join(tid[i], NULL) != 0)
			errx(3, "pthread_join");
}

/*
 * Store buffering: each thread stores one word and loads the other one.  Both
 * load 0 only if the stores come after the loads.  "fence" and "swap" exclude
 * that.
 */
static unsigned own1, own2;

/* The operation between the store and the load. */
static void
sb_fence(unsigned *word)
{

	if (arg != NULL && strcmp(arg, "swap") == 0)
		(void)atomic_swap_relaxed(word, 1);
	else if (arg != NULL)
		membar_sync();
}

static void *
sb_one(void *p)
{

	atomic_store_relaxed(&x, 1);
	sb_fence(&own1);
	r1 = atomic_load_relaxed(&y);
	return p;
}

static void *
sb_two(void *p)
{

	atomic_store_relaxed(&y, 1);
	sb_fence(&own2);
	r2 = atomic_load_relaxed(&x);
	return p;
}

static void
sb(void)
{

	run(sb_one, sb_two);
	if (r1 == 0 && r2 == 0)
		abort();
}

/* Store buffering with sequentially consistent stores; with swaps. */
static void *
sbsc_one(void *p)
{

	atomic_store_seq_cst(&x, 1);
	r1 = atomic_load_seq_cst(&y);
	return p;
}

static void *
sbsc_two(void *p)
{

	(void)atomic_swap_seq_cst(&y, 1);
	r2 = atomic_load_seq_cst(&x);
	return p;
}

static void
sbsc(void)
{

	run(sbsc_one, sbsc_two);
	if (r1 == 0 && r2 == 0)
		abort();
}

/*
 * Message passing: only if the stores are reordered does the reader see the
 * flag without the data.  "release" and "fence" exclude that.
 */
static void *
mp_write(void *p)
{

	atomic_store_relaxed(&x, 1);
	if (arg == NULL)
		atomic_store_relaxed(&y, 1);
	else if (strcmp(arg, "release") == 0)
		atomic_store_release(&y, 1);
	else {
		membar_producer();
		atomic_store_relaxed(&z, 1);
		atomic_store_relaxed(&y, 1);
	}
	return p;
}

static void *
mp_read(void *p)
{

	if (atomic_load_acquire(&y) == 1 && atomic_load_relaxed(&x) == 0)
		abort();
	return p;
}

static void
mp(void)
{

	run(mp_write, mp_read);
}

/*
 * A thread sees its own stores in program order: a load of a word gets the
 * newest of its stores.
 */
static void *
own_thread(void *p)
{

	atomic_store_relaxed(&x, 1);
	atomic_store_relaxed(&x, 2);
	atomic_store_release(&y, 3);
	if (atomic_load_relaxed(&x) != 2 || atomic_load_relaxed(&y) != 3)
		abort();
	if (atomic_fetch_add_relaxed(&x, 1) != 2 ||
	    atomic_load_relaxed(&x) != 3)
		abort();
	return p;
}

static void *
own_other(void *p)
{
	unsigned a, b;

	a = atomic_load_relaxed(&x);
	b = atomic_load_relaxed(&x);
	if (a > b)
		abort();
	return p;
}

static void
own(void)
{

	run(own_thread, own_other);
	if (x != 3 || y != 3)
		abort();
}

/*
 * The library's own protocol of asymmetric fences.  A worker that has run an
 * item executes the light fence, and then looks for waiters.  A waiter executes
 * the heavy fence, and then checks whether the item has run.  If neither sees
 * the other, the waiter sleeps forever.
 */
static struct work items[2];

static void
fence_run(struct work *wk, void *p)
{

	(void)p;
	atomic_store_relaxed(&r1, (unsigned)(wk - items) + 1);
}

static void
fence(void)
{
	struct workqueue *wq;
	int i;

	if (workqueue_create(&wq, "fence", fence_run, NULL, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE) != 0)
		errx(3, "workqueue_create");
	for (i = 0; i < 2; i++) {
		workqueue_enqueue(wq, &items[i], NULL);
		workqueue_wait(wq, &items[i]);
		if (atomic_load_relaxed(&r1) != (unsigned)i + 1)
			abort();
	}
	workqueue_destroy(wq);
}

/*
 * A small program of three threads, which a number determines.  Each thread
 * loads, stores and adds to three words.  It prints what the loads found.
 */
#define	WALK_THREADS	3
#define	WALK_STEPS	3

static struct walk {
	unsigned	w_op[WALK_STEPS];
	unsigned	w_word[WALK_STEPS];
	unsigned	w_found[WALK_STEPS];
} walks[WALK_THREADS];

static void *
walk_thread(void *p)
{
	static unsigned words[3];
	struct walk *w = p;
	unsigned *word;
	int i;

	for (i = 0; i < WALK_STEPS; i++) {
		word = &words[w->w_word[i]];
		switch (w->w_op[i]) {
		case 0:
		case 1:
			w->w_found[i] = atomic_load_relaxed(word);
			break;
		case 2:
			atomic_store_relaxed(word, (unsigned)(i + 1 +
			    10 * (w - walks)));
			break;
		case 3:
			w->w_found[i] = atomic_fetch_add_relaxed(word, 100);
			break;
		}
	}
	return NULL;
}

static void
walk(void)
{
	pthread_t tid[WALK_THREADS];
	unsigned seed = arg != NULL ? (unsigned)atoi(arg) : 1;
	int i, j;

	for (i = 0; i < WALK_THREADS; i++)
		for (j = 0; j < WALK_STEPS; j++) {
			seed = seed * 1103515245U + 12345;
			walks[i].w_op[j] = (seed >> 16) % 4;
			walks[i].w_word[j] = (seed >> 20) % 3;
		}
	for (i = 0; i < WALK_THREADS; i++)
		if (pthread_create(&tid[i], NULL, walk_thread, &walks[i]) != 0)
			errx(3, "pthread_create");
	for (i = 0; i < WALK_THREADS; i++)
		(void)pthread_join(tid[i], NULL);
	for (i = 0; i < WALK_THREADS; i++)
		for (j = 0; j < WALK_STEPS; j++)
			(void)printf("%u ", walks[i].w_found[j]);
	(void)printf("\n");
}

/*
 * "user": a thread reads a plain word twice after wqsim_point(), while main
 * changes the word.  "interrupted": the same in the handler of a signal that
 * main sends before.  Both print the values.
 */
static sem_t user_sem;
static unsigned plain, found;

static void
user_handler(int signo)
{

	(void)signo;
	found = plain;
}

static void *
user_thread(void *p)
{

	(void)sem_post(&user_sem);
	if (p == NULL) {
		wqsim_point("first");
		found = 10 * plain;
		wqsim_point("second");
		found += plain;
	} else
		(void)atomic_load_relaxed(&x);
	return NULL;
}

static void
user_main(bool interrupt)
{
	struct sigaction sa = { .sa_handler = user_handler };
	pthread_t tid;

	if (sem_init(&user_sem, 0, 0) != 0 ||
	    sigaction(SIGUSR1, &sa, NULL) != 0 ||
	    pthread_create(&tid, NULL, user_thread, interrupt ? &sa : NULL) !=
	    0)
		errx(3, "pthread_create");
	(void)sem_wait(&user_sem);
	if (interrupt)
		(void)pthread_kill(tid, SIGUSR1);
	plain = 1;
	atomic_store_relaxed(&y, 1U);
	plain = 2;
	atomic_store_relaxed(&y, 2U);
	plain = 3;
	(void)pthread_join(tid, NULL);
	(void)printf("%u\n", found);
}

static void
user(void)
{

	user_main(false);
}

static void
interrupted(void)
{

	user_main(true);
}

/*
 * A store reaches memory before its thread drains the buffer by a
 * read-modify-write, and the other thread sees the store but not the
 * read-modify-write.
 */
static void *
early_store(void *p)
{

	atomic_store_relaxed(&x, 1U);
	(void)atomic_fetch_add_relaxed(&y, 1U);
	return p;
}

static void *
early_look(void *p)
{

	if (atomic_load_relaxed(&y) == 0 && atomic_load_relaxed(&x) == 1 &&
	    atomic_load_relaxed(&y) == 0)
		abort();
	return p;
}

static void
early(void)
{

	run(early_store, early_look);
}

static const struct test tests[] = {
	{ "early", early },
	{ "interrupted", interrupted },
	{ "user", user },
	{ "depth", depth },
	{ "account", account },
	{ "abba", abba },
	{ "spin", spin },
	{ "spin2", spin2 },
	{ "sb", sb },
	{ "sbsc", sbsc },
	{ "mp", mp },
	{ "own", own },
	{ "fence", fence },
	{ "walk", walk },
};

int
main(int argc, char **argv)
{

	arg = argc > 2 ? argv[2] : NULL;
	return run_test(tests, sizeof(tests) / sizeof(tests[0]), argv);
}
