/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * hook(9).
 */

#include <sys/hook.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include "../../tests.h"

static khook_list_t *list;
static khook_t *hooks[3];
static char order[16];
static int norder;

static void
note(void *arg)
{

	order[norder++] = *(const char *)arg;
}

TEST_TC(order, "hooks are called in one thread, the latest first, until they "
    "are disestablished")
{

	list = simplehook_create(IPL_NONE, "order");
	TEST_EQ(false, simplehook_has_hooks(list));
	TEST_EQ(0, simplehook_dohooks(list));
	hooks[0] = simplehook_establish(list, note, "a");
	hooks[1] = simplehook_establish(list, note, "b");
	hooks[2] = simplehook_establish(list, note, "c");
	TEST_EQ(true, simplehook_has_hooks(list));
	TEST_EQ(0, simplehook_dohooks(list));
	ATF_CHECK_STREQ("cba", order);
	simplehook_disestablish(list, hooks[1], NULL);
	TEST_EQ(0, simplehook_dohooks(list));
	ATF_CHECK_STREQ("cbaca", order);
	simplehook_disestablish(list, hooks[0], NULL);
	TEST_EQ(true, simplehook_has_hooks(list));
	simplehook_disestablish(list, hooks[2], NULL);
	TEST_EQ(false, simplehook_has_hooks(list));
	TEST_EQ(0, simplehook_dohooks(list));
	ATF_CHECK_STREQ("cbaca", order);
	simplehook_destroy(list);
}

static void
note_and_remove(void *arg)
{

	note(arg);
	TEST_EQ(EBUSY, simplehook_dohooks(list));
	/* Remove this one and the next, and add one. */
	simplehook_disestablish(list, hooks[1], NULL);
	simplehook_disestablish(list, hooks[0], NULL);
	hooks[2] = simplehook_establish(list, note, "n");
}

TEST_TC(inside, "a hook may remove itself and others, which are then not "
    "called, and add one, which is called the next time")
{

	list = simplehook_create(IPL_NONE, "inside");
	hooks[0] = simplehook_establish(list, note, "a");
	hooks[1] = simplehook_establish(list, note_and_remove, "b");
	TEST_EQ(0, simplehook_dohooks(list));
	ATF_CHECK_STREQ("b", order);
	TEST_EQ(true, simplehook_has_hooks(list));
	TEST_EQ(0, simplehook_dohooks(list));
	ATF_CHECK_STREQ("bn", order);
	simplehook_disestablish(list, hooks[2], NULL);
	simplehook_destroy(list);
}

static kmutex_t lock;
static sem_t entered, go;
static atomic_int returned;
static int plain;			/* the wait orders it */

static void
gate(void *arg)
{

	sem_post(&entered);
	test_sem_wait(&go);
	if (arg != NULL) {
		/* simplehook_disestablish() was called with this mutex. */
		mutex_enter(arg);
		plain++;
		mutex_exit(arg);
	} else
		plain++;
	atomic_store(&returned, 1);
}

static void *
caller(void *arg)
{

	(void)arg;
	TEST_EQ(0, simplehook_dohooks(list));
	return NULL;
}

static void *
opener(void *arg)
{
	int i;

	(void)arg;
	/*
	 * The other thread waits by now, or will wait; the result is the same.
	 */
	for (i = 0; i < 20; i++)
		test_pause();
	TEST_EQ(0, returned);
	sem_post(&go);
	return NULL;
}

static void
wait_for(kmutex_t *mtx, int ipl)
{
	pthread_t t, u;

	sem_init(&entered, 0, 0);
	sem_init(&go, 0, 0);
	atomic_store(&returned, 0);
	plain = 0;
	list = simplehook_create(ipl, "wait");
	hooks[0] = simplehook_establish(list, gate, mtx);
	t = test_thread(caller, NULL);
	test_sem_wait(&entered);
	TEST_EQ(EBUSY, simplehook_dohooks(list));
	u = test_thread(opener, NULL);
	if (mtx != NULL)
		mutex_enter(mtx);
	simplehook_disestablish(list, hooks[0], mtx);
	TEST_EQ(1, returned);
	TEST_EQ(1, plain);
	TEST_EQ(false, simplehook_has_hooks(list));
	if (mtx != NULL) {
		TEST_EQ(1, mutex_owned(mtx));
		mutex_exit(mtx);
	}
	test_join(t);
	test_join(u);
	simplehook_destroy(list);
}

TEST_TC(wait, "simplehook_disestablish waits for the running hook without the "
    "mutex, and returns with it")
{

	mutex_init(&lock, MUTEX_DEFAULT, IPL_NONE);
	wait_for(NULL, IPL_NONE);
	wait_for(&lock, IPL_NONE);
	wait_for(&lock, IPL_SOFTNET);
	mutex_destroy(&lock);
}

static atomic_int ncalls, stop;

static void
busy(void *arg)
{

	atomic_fetch_add((atomic_int *)arg, 1);
	atomic_fetch_add(&ncalls, 1);
}

static void *
doer(void *arg)
{
	int error;

	(void)arg;
	while (!atomic_load(&stop)) {
		error = simplehook_dohooks(list);
		ATF_CHECK(error == 0 || error == EBUSY);
	}
	return NULL;
}

static void *
changer(void *arg)
{
	atomic_int *count;
	khook_t *hk;
	int i, n;

	(void)arg;
	for (i = 0; i < TEST_SCALE(5000); i++) {
		/* A late call would access freed memory. */
		count = calloc(1, sizeof(*count));
		hk = simplehook_establish(list, busy, count);
		simplehook_disestablish(list, hk, NULL);
		n = atomic_load(count);
		TEST_EQ(n, atomic_exchange(count, -1));
		free(count);
	}
	return NULL;
}

TEST_TC(change, "after simplehook_disestablish a hook is never called, while "
    "threads call and change the list")
{
	pthread_t t[2], u[2];
	size_t i;

	list = simplehook_create(IPL_NONE, "change");
	for (i = 0; i < 2; i++)
		t[i] = test_thread(doer, NULL);
	for (i = 0; i < 2; i++)
		u[i] = test_thread(changer, NULL);
	for (i = 0; i < 2; i++)
		test_join(u[i]);
	atomic_store(&stop, 1);
	for (i = 0; i < 2; i++)
		test_join(t[i]);
	simplehook_destroy(list);
}

/*
 * Shutdown hooks.
 */
static int out;

static void
tell(void *arg)
{

	(void)!write(out, arg, 1);
}

static void
tell_and_exit(void *arg)
{

	tell(arg);
	doshutdownhooks();
}

/*
 * Compare what the hooks of a child write when it exits.
 */
static void
child(void (*func)(void), const char *want)
{
	char buf[16];
	ssize_t n;
	pid_t pid;
	int fd[2], status;

	ATF_REQUIRE(pipe(fd) == 0);
	if ((pid = test_fork()) == 0) {
		close(fd[0]);
		out = fd[1];
		(*func)();
		_exit(99);
	}
	close(fd[1]);
	for (n = 0; n < (ssize_t)sizeof(buf) - 1 &&
	    read(fd[0], buf + n, 1) == 1; n++)
		continue;
	buf[n] = '\0';
	ATF_CHECK_STREQ(want, buf);
	TEST_EQ(pid, waitpid(pid, &status, 0));
	close(fd[0]);
}

static void
exits(void)
{
	void *b;

	ATF_CHECK(shutdownhook_establish(tell, "a") != NULL);
	b = shutdownhook_establish(tell, "b");
	ATF_CHECK(shutdownhook_establish(tell_and_exit, "c") != NULL);
	shutdownhook_disestablish(b);
	exit(0);
}

static void
early(void)
{

	(void)shutdownhook_establish(tell, "a");
	doshutdownhooks();
	(void)shutdownhook_establish(tell, "b");
	exit(0);
}

static void
at_once(void)
{

	(void)shutdownhook_establish(tell, "a");
	_exit(0);
}

static void
at_panic(void)
{

	(void)shutdownhook_establish(tell, "a");
	close(2);
	panic("no hook runs");
}

TEST_TC(shutdown, "shutdown hooks run at exit, the latest first and each once; "
    "not at _exit or panic")
{

	child(exits, "ca");
	child(early, "ab");
	child(at_once, "");
	child(at_panic, "");
}

static void
inherits(void)
{
	pid_t pid;

	(void)shutdownhook_establish(tell, "a");
	/* Exit as daemon(3) does. */
	if ((pid = test_fork()) == 0)
		exit(0);
	(void)waitpid(pid, NULL, 0);
	_exit(0);
}

TEST_TC(daemon, "a child that replaces its parent runs the hooks")
{

	child(inherits, "a");
}

static void
destroys_full(void)
{

	list = simplehook_create(IPL_NONE, "full");
	(void)simplehook_establish(list, note, "a");
	simplehook_destroy(list);
}

static void
removes_twice(void)
{
	void *hk;

	hk = shutdownhook_establish(tell, "a");
	shutdownhook_disestablish(hk);
	shutdownhook_disestablish(hk);
}

TEST_TC(misuse, "errors of the caller panic")
{

	test_panics(destroys_full, "panic: ", "simplehook_destroy: list ",
	    NULL);
	test_panics(removes_twice, "panic: ",
	    "shutdownhook_disestablish: 0x", NULL);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, inside);
	ATF_TP_ADD_TC(tp, wait);
	ATF_TP_ADD_TC(tp, change);
	ATF_TP_ADD_TC(tp, shutdown);
	ATF_TP_ADD_TC(tp, daemon);
	ATF_TP_ADD_TC(tp, misuse);
	return atf_no_error();
}
