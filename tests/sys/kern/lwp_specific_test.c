/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * lwp_specific(9).
 */

#include <sys/kthread.h>
#include <sys/lwp.h>
#include <sys/workqueue.h>

#include "../../tests.h"

static specificdata_key_t key, key2;
static atomic_int n_dtor;
static _Atomic(void *) last;
static pthread_t dtor_thread;

static void
dtor(void *value)
{

	ATF_REQUIRE(value != NULL);
	dtor_thread = pthread_self();
	atomic_store(&last, value);
	atomic_fetch_add(&n_dtor, 1);
}

static void *
sets(void *arg)
{

	ATF_REQUIRE(lwp_getspecific(key) == NULL);
	lwp_setspecific(key, arg);
	ATF_REQUIRE(lwp_getspecific(key) == arg);
	return NULL;
}

static void
sets_main(void *arg)
{

	sets(arg);
}

static void
sets_exit(void *arg)
{

	sets(arg);
	kthread_exit(0);
}

TEST_TC(values, "each thread has its own value, NULL at first")
{
	int a, b;

	TEST_EQ(0, lwp_specific_key_create(&key, NULL));
	TEST_EQ(0, lwp_specific_key_create(&key2, dtor));
	ATF_REQUIRE(key != key2);
	ATF_REQUIRE(lwp_getspecific(key) == NULL);
	lwp_setspecific(key, &a);
	test_join(test_thread(sets, &b));
	ATF_REQUIRE(lwp_getspecific(key) == &a);
	ATF_REQUIRE(lwp_getspecific(key2) == NULL);
	lwp_setspecific(key2, &b);
	lwp_setspecific(key2, NULL);
	ATF_REQUIRE(lwp_getspecific(key2) == NULL);
	lwp_specific_key_delete(key);
	lwp_specific_key_delete(key2);
	TEST_EQ(0, n_dtor);
}

TEST_TC(thread_end, "the destructor is called as a thread ends, however it was "
    "created")
{
	struct lwp *l;
	int a, i;

	TEST_EQ(0, lwp_specific_key_create(&key, dtor));
	for (i = 1; i <= 30; i += 3) {
		test_join(test_thread(sets, &a));
		TEST_EQ(i, n_dtor);
		ATF_REQUIRE(last == &a);
		TEST_EQ(0, kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL,
		    sets_main, &a, &l, "sets"));
		TEST_EQ(0, kthread_join(l));
		TEST_EQ(i + 1, n_dtor);
		TEST_EQ(0, kthread_create(PRI_NONE, KTHREAD_MPSAFE, NULL,
		    sets_exit, &a, NULL, "sets"));
		TEST_AWAIT(atomic_load(&n_dtor) == i + 2);
	}
	lwp_specific_key_delete(key);
	TEST_EQ(30, n_dtor);
}

static void
worker_sets(struct work *wk, void *arg)
{

	(void)wk;
	sets(arg);
}

TEST_TC(worker, "a worker's values live as long as it does")
{
	struct workqueue *wq;
	struct work wk;
	int a;

	TEST_EQ(0, lwp_specific_key_create(&key, dtor));
	wq = test_create("specific", worker_sets, &a, WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_wait(wq, &wk);
	TEST_EQ(0, n_dtor);
	workqueue_destroy(wq);
	TEST_EQ(1, n_dtor);
	lwp_specific_key_delete(key);
}

/* A thread that keeps a value until it may end. */
struct holder {
	sem_t	h_set, h_go;
};

static void *
holds(void *arg)
{
	struct holder *h = arg;

	lwp_setspecific(key, h);
	sem_post(&h->h_set);
	test_sem_wait(&h->h_go);
	return NULL;
}

TEST_TC(key_delete, "deleting a key calls the destructor with the threads' "
    "values; a new key has no old values")
{
	struct holder h[3];
	pthread_t t[3];
	int i, a;

	TEST_EQ(0, lwp_specific_key_create(&key, dtor));
	lwp_setspecific(key, &a);
	for (i = 0; i < 3; i++) {
		sem_init(&h[i].h_set, 0, 0);
		sem_init(&h[i].h_go, 0, 0);
		t[i] = test_thread(holds, &h[i]);
		test_sem_wait(&h[i].h_set);
	}
	lwp_specific_key_delete(key);
	TEST_EQ(4, n_dtor);
	ATF_REQUIRE(pthread_equal(dtor_thread, pthread_self()));
	TEST_EQ(0, lwp_specific_key_create(&key2, dtor));
	TEST_EQ(key, key2);
	ATF_REQUIRE(lwp_getspecific(key2) == NULL);
	for (i = 0; i < 3; i++) {
		sem_post(&h[i].h_go);
		test_join(t[i]);
	}
	TEST_EQ(4, n_dtor);
	lwp_specific_key_delete(key2);
}

static atomic_int n_again;

static void
again(void *value)
{

	/* Set another key's value, beyond all keys so far. */
	if (atomic_fetch_add(&n_again, 1) < 1000)
		lwp_setspecific(key2, value);
}

TEST_TC(again, "a value set by a destructor is destroyed, too; one that a "
    "destructor always sets again is abandoned")
{
	specificdata_key_t keys[40];
	int a, i;

	TEST_EQ(0, lwp_specific_key_create(&key, again));
	for (i = 0; i < 40; i++)
		TEST_EQ(0, lwp_specific_key_create(&keys[i], NULL));
	TEST_EQ(0, lwp_specific_key_create(&key2, dtor));
	test_join(test_thread(sets, &a));
	TEST_EQ(1, n_again);
	TEST_EQ(1, n_dtor);
	lwp_specific_key_delete(key2);
	TEST_EQ(0, lwp_specific_key_create(&key2, again));
	test_join(test_thread(sets, &a));
	ATF_REQUIRE(n_again > 2 && n_again < 100);
}

TEST_TC(exhausted, "there are many keys, and then EAGAIN")
{
	specificdata_key_t k;
	int a, error, n;

	for (n = 0; (error = lwp_specific_key_create(&k, dtor)) == 0; n++)
		lwp_setspecific(k, &a);
	TEST_EQ(EAGAIN, error);
	ATF_REQUIRE(n >= 128);
	lwp_specific_key_delete(k);
	TEST_EQ(1, n_dtor);
	TEST_EQ(0, lwp_specific_key_create(&key, dtor));
	TEST_EQ(k, key);
	for (k = 0; k < (unsigned)n; k++)
		lwp_specific_key_delete(k);
	TEST_EQ(n, n_dtor);
}

static void *
churn(void *arg)
{
	specificdata_key_t k;
	int *p, i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(3000); i++) {
		TEST_EQ(0, lwp_specific_key_create(&k, free));
		p = malloc(sizeof(*p));
		*p = i;
		lwp_setspecific(k, p);
		p = malloc(sizeof(*p));
		lwp_setspecific(key, p);
		ATF_REQUIRE(lwp_getspecific(key) == p);
		lwp_setspecific(key, NULL);
		free(p);
		lwp_specific_key_delete(k);
	}
	return NULL;
}

static void *
ends(void *arg)
{
	int i;

	for (i = 0; i < TEST_SCALE(2000); i++)
		test_join(test_thread(sets, malloc(10)));
	return arg;
}

TEST_TC(churn, "keys and threads come and go, and each value is destroyed "
    "once")
{
	pthread_t t[4];
	int i;

	TEST_EQ(0, lwp_specific_key_create(&key, free));
	for (i = 0; i < 4; i++)
		t[i] = test_thread(i % 2 ? ends : churn, NULL);
	for (i = 0; i < 4; i++)
		test_join(t[i]);
	lwp_specific_key_delete(key);
}

static void
no_key(void)
{

	lwp_specific_key_delete(5);
}

static void
set_no_key(void)
{
	static int a;

	lwp_setspecific(5, &a);
}

static void
set_far_key(void)
{

	lwp_setspecific(100000, NULL);
}

static void
set_deleted_key(void)
{
	specificdata_key_t key;

	TEST_EQ(0, lwp_specific_key_create(&key, NULL));
	lwp_specific_key_delete(key);
	lwp_setspecific_by_lwp(curlwp, key, NULL);
}

TEST_TC(misuse, "deleting a key that is none, or a value for it, is a panic")
{

	test_panics(no_key, "lwp_specific_key_delete: no key 5", NULL);
	test_panics(set_no_key, "lwp_setspecific: no key 5", NULL);
	test_panics(set_far_key, "lwp_setspecific: no key 100000", NULL);
	test_panics(set_deleted_key, "lwp_setspecific_by_lwp: no key 0", NULL);
}

static specificdata_key_t by_key;
static sem_t by_go, by_ready;

static void *
has_value(void *arg)
{

	*(struct lwp **)arg = curlwp;
	sem_post(&by_ready);
	test_sem_wait(&by_go);
	ATF_REQUIRE(lwp_getspecific(by_key) == arg);
	return NULL;
}

TEST_TC(by_lwp, "a waiting thread can be given a value, which is destroyed as "
    "that thread ends")
{
	struct lwp *l;
	pthread_t t;

	sem_init(&by_go, 0, 0);
	sem_init(&by_ready, 0, 0);
	TEST_EQ(0, lwp_specific_key_create(&by_key, dtor));
	t = test_thread(has_value, &l);
	test_sem_wait(&by_ready);
	lwp_setspecific_by_lwp(l, by_key, &l);
	ATF_REQUIRE(lwp_getspecific(by_key) == NULL);
	TEST_EQ(0, n_dtor);
	sem_post(&by_go);
	test_join(t);
	TEST_EQ(1, n_dtor);
	lwp_specific_key_delete(by_key);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, values);
	ATF_TP_ADD_TC(tp, thread_end);
	ATF_TP_ADD_TC(tp, worker);
	ATF_TP_ADD_TC(tp, key_delete);
	ATF_TP_ADD_TC(tp, again);
	ATF_TP_ADD_TC(tp, exhausted);
	ATF_TP_ADD_TC(tp, churn);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, by_lwp);
	return atf_no_error();
}
