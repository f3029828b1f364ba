/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The rest of the host seam, without the engine.
 */

#include <host/host.h>

#include <sys/stat.h>

#include "../../tests.h"

static atomic_int ended;
static void *_Atomic ended_self;

static void
threadexit(void *self)
{

	atomic_store(&ended_self, self);
	atomic_fetch_add(&ended, 1);
}

static int a_self, b_self;

static void *
attaches(void *arg)
{

	if (host_self() != NULL)
		return arg;
	host_setself(arg);
	if (host_self() != arg || host_attach(arg) != 0)
		return arg;
	return NULL;
}

static void *
only_sets(void *arg)
{

	host_setself(arg);
	return NULL;
}

TEST_TC(self_and_exit, "each thread has its own self, NULL at first; the end "
    "of an attached thread is reported, that of another is not")
{
	void *result;
	pthread_t t;
	int i;

	host_init(threadexit);
	host_init(NULL);		/* does nothing */
	host_setself(&a_self);
	for (i = 1; i <= 20; i++) {
		t = test_thread(attaches, &b_self);
		TEST_EQ(0, pthread_join(t, &result));
		ATF_REQUIRE(result == NULL);
		TEST_EQ(i, ended);
		ATF_REQUIRE(ended_self == &b_self);
		test_join(test_thread(only_sets, &b_self));
		TEST_EQ(i, ended);
		ATF_REQUIRE(host_self() == &a_self);
	}
}

struct key {
	uintptr_t	k_first, k_second;
	pthread_barrier_t *k_barrier;
};

static void *
tells_key(void *arg)
{
	struct key *k = arg;

	k->k_first = host_selfkey();
	pthread_barrier_wait(k->k_barrier);
	k->k_second = host_selfkey();
	return NULL;
}

TEST_TC(selfkey_differs, "threads that live at the same time have different "
    "keys, and a thread's key is constant")
{
	pthread_barrier_t barrier;
	struct key k[10];
	pthread_t t[10];
	int i, j;

	host_init(NULL);
	pthread_barrier_init(&barrier, NULL, 10);
	for (i = 0; i < 10; i++) {
		k[i].k_barrier = &barrier;
		t[i] = test_thread(tells_key, &k[i]);
	}
	for (i = 0; i < 10; i++)
		test_join(t[i]);
	for (i = 0; i < 10; i++) {
		ATF_REQUIRE(k[i].k_first != 0);
		ATF_REQUIRE(k[i].k_first == k[i].k_second);
		for (j = 0; j < i; j++)
			ATF_REQUIRE(k[i].k_first != k[j].k_first);
	}
}

/*
 * Threads.
 */
static struct host_thread thread;
static sem_t thread_go;
static sigset_t thread_mask;
static int thread_cancel;
static char thread_name[64];

static void
thread_main(void *arg)
{

	pthread_sigmask(SIG_SETMASK, NULL, &thread_mask);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &thread_cancel);
#ifdef __linux__
	pthread_getname_np(pthread_self(), thread_name, sizeof(thread_name));
#endif
	++*(int *)arg;
}

TEST_TC(threads, "a thread runs its function, and join waits for its end")
{
	int i, runs = 0;

	host_init(NULL);
	for (i = 1; i <= 200; i++) {
		TEST_EQ(0, host_thread_create(&thread, thread_main, &runs,
		    "thread", -1));
		host_thread_join(&thread);
		TEST_EQ(i, runs);
	}
	TEST_EQ(PTHREAD_CANCEL_DISABLE, thread_cancel);
	TEST_EQ(1, sigismember(&thread_mask, SIGTERM));
	TEST_EQ(1, sigismember(&thread_mask, SIGCHLD));
	TEST_EQ(0, sigismember(&thread_mask, SIGSEGV));
	TEST_EQ(0, sigismember(&thread_mask, SIGABRT));
	TEST_EQ(0, sigismember(&thread_mask, SIGPROF));
}

TEST_TC(thread_names, "a thread has its name, truncated if it is too long")
{
#ifdef __linux__
	int runs = 0;

	host_init(NULL);
	if ((host_caps() & HOST_CAP_NAMES) == 0)
		atf_tc_skip("host: thread names");
	TEST_EQ(0, host_thread_create(&thread, thread_main, &runs, "short",
	    -1));
	host_thread_join(&thread);
	ATF_REQUIRE_STREQ("short", thread_name);
	TEST_EQ(0, host_thread_create(&thread, thread_main, &runs,
	    "a-name-that-is-far-too-long-for-any-host-that-we-know", -1));
	host_thread_join(&thread);
	ATF_REQUIRE(strncmp(thread_name, "a-name-that-is-", 15) == 0);
#else
	atf_tc_skip("no way to read a thread's name here");
#endif
}

static _Atomic(long) sleeper_tid;
static atomic_int sleeper_goes;
static sem_t sleeper_sem;
static int sleeper_pipe[2];

static void *
sleeper(void *arg)
{
	char c;

	atomic_store(&sleeper_tid, host_tid());
	while (!atomic_load(&sleeper_goes))
		continue;
	test_sem_wait(&sleeper_sem);
	TEST_EQ(1, read(sleeper_pipe[0], &c, 1));
	return arg;
}

TEST_TC(asleep, "host_asleep() distinguishes a thread that sleeps from one "
    "that runs or has ended, and one sleep from the next")
{
	uint64_t first, now;
	pthread_t t;
	int i;

	host_init(NULL);
	if ((host_caps() & HOST_CAP_ASLEEP) == 0)
		atf_tc_skip("host: whether a thread sleeps");
	ATF_REQUIRE(host_tid() > 0);
	errno = EXDEV;
	TEST_EQ(0, host_asleep(host_tid()));
	TEST_EQ(0, host_asleep(-1));
	TEST_EQ(EXDEV, errno);
	sem_init(&sleeper_sem, 0, 0);
	ATF_REQUIRE(pipe(sleeper_pipe) == 0);
	t = test_thread(sleeper, NULL);
	TEST_AWAIT(atomic_load(&sleeper_tid) != 0);
	ATF_REQUIRE(atomic_load(&sleeper_tid) != host_tid());
	for (i = 0; i < 50; i++) {
		TEST_EQ(0, host_asleep(atomic_load(&sleeper_tid)));
		test_pause();
	}
	atomic_store(&sleeper_goes, 1);
	/*
	 * The kernel shows the sleep just before it counts the context switch.
	 */
	TEST_AWAIT((now = host_asleep(atomic_load(&sleeper_tid))) != 0);
	do {
		first = now;
		test_pause();
		now = host_asleep(atomic_load(&sleeper_tid));
	} while (now != first);
	for (i = 0; i < 50; i++) {
		TEST_EQ(first, host_asleep(atomic_load(&sleeper_tid)));
		test_pause();
	}
	sem_post(&sleeper_sem);
	TEST_AWAIT((now = host_asleep(atomic_load(&sleeper_tid))) != 0 &&
	    now != first);
	ATF_REQUIRE(write(sleeper_pipe[1], "x", 1) == 1);
	test_join(t);
	TEST_AWAIT(host_asleep(atomic_load(&sleeper_tid)) == 0);
}

TEST_TC(binding_never_fails, "a thread to be bound to a missing CPU runs "
    "nevertheless")
{
	int runs = 0;

	host_init(NULL);
	TEST_EQ(0, host_thread_create(&thread, thread_main, &runs, "bound",
	    1000000));
	host_thread_join(&thread);
	TEST_EQ(0, host_thread_create(&thread, thread_main, &runs, "bound",
	    0));
	host_thread_join(&thread);
	TEST_EQ(2, runs);
}

static void
detached_main(void *arg)
{

	(void)arg;
	host_thread_detach(&thread);
	sem_post(&thread_go);
}

TEST_TC(detach, "a thread that detaches itself ends without a join")
{
	int i, nthreads;

	host_init(NULL);
	sem_init(&thread_go, 0, 0);
	nthreads = -1;
	for (i = 0; i < 50; i++) {
		TEST_EQ(0, host_thread_create(&thread, detached_main, NULL,
		    "detached", -1));
		test_sem_wait(&thread_go);
		/* Reuse the record only after the thread is gone. */
		if (i == 0)
			TEST_AWAIT((nthreads = test_nthreads()) <= 2);
		TEST_AWAIT(test_nthreads() <= nthreads);
	}
}

/*
 * Memory, clocks, and the rest.
 */
TEST_TC(memory, "memory is zeroed and starts at a cache line")
{
	static const size_t sizes[] = { 0, 1, 63, 64, 65, 1000, 100000 };
	unsigned char *p[TEST_NELEM(sizes)];
	size_t i, j;
	int turn;

	host_init(NULL);
	for (turn = 0; turn < 10; turn++) {
		for (i = 0; i < TEST_NELEM(sizes); i++) {
			p[i] = host_alloc(sizes[i]);
			ATF_REQUIRE(p[i] != NULL);
			TEST_EQ(0, (uintptr_t)p[i] % 64);
			for (j = 0; j < sizes[i]; j++)
				TEST_EQ(0, p[i][j]);
			memset(p[i], 0xff, sizes[i]);
		}
		for (i = 0; i < TEST_NELEM(sizes); i++)
			host_free(p[i]);
	}
	host_free(NULL);
	ATF_REQUIRE(host_alloc(SIZE_MAX - 10) == NULL);
}

static int
refuse(enum host_point point, void *arg)
{

	if (point == HOST_POINT_ALLOC)
		return *(size_t *)arg == 123 ? ENOMEM : 0;
	if (point == HOST_POINT_THREAD)
		return arg == &thread ? EAGAIN : 0;
	return 0;
}

TEST_TC(hook_refuses, "the test hook makes an allocation and a thread fail")
{
	void *p;
	int runs = 0;

	host_init(NULL);
	__atomic_store_n(&host_hook, refuse, __ATOMIC_SEQ_CST);
	ATF_REQUIRE(host_alloc(123) == NULL);
	p = host_alloc(124);
	ATF_REQUIRE(p != NULL);
	host_free(p);
	TEST_EQ(EAGAIN, host_thread_create(&thread, thread_main, &runs, "no",
	    -1));
	__atomic_store_n(&host_hook, (host_hook_t)NULL, __ATOMIC_SEQ_CST);
	TEST_EQ(0, host_thread_create(&thread, thread_main, &runs, "yes",
	    -1));
	host_thread_join(&thread);
	TEST_EQ(1, runs);
}

TEST_TC(clocks, "the monotonic clock never goes back and advances with the "
    "system's; the wall clock is the system's")
{
	struct timespec ts;
	int64_t last, now, sys;
	int i;

	host_init(NULL);
	last = host_monotime();
	for (i = 0; i < 10000; i++) {
		now = host_monotime();
		ATF_REQUIRE(now >= last);
		last = now;
	}
	sys = test_now();
	now = host_monotime();
	while (test_now() - sys < 50000000)
		test_pause();
	ATF_REQUIRE(host_monotime() - now >= 49000000);
	clock_gettime(CLOCK_REALTIME, &ts);
	now = host_realtime() / 1000000000;
	ATF_REQUIRE(now >= ts.tv_sec && now <= ts.tv_sec + 100);
}

TEST_TC(cpus, "there is at least one CPU, and as many as requested have "
    "numbers")
{
	int i, ids[1024], n;
	bool bind;

	host_init(NULL);
	for (i = 0; i < 1024; i++)
		ids[i] = -7;
	n = host_cpus(ids, 1024, &bind);
	ATF_REQUIRE(n >= 1);
	for (i = 0; i < n && i < 1024; i++)
		ATF_REQUIRE(ids[i] >= 0);
	if (n < 1024)
		TEST_EQ(-7, ids[n]);
	ids[0] = -7;
	TEST_EQ(n, host_cpus(ids, 0, &bind));
	TEST_EQ(-7, ids[0]);
	if (host_caps() & HOST_CAP_CURCPU)
		ATF_REQUIRE(host_curcpu() >= 0);
	else
		TEST_EQ(-1, host_curcpu());
}

TEST_TC(write_keeps_errno, "host_write() writes everything and keeps errno, "
    "even if the write fails")
{
	char buf[16];
	int fd[2], saved;

	host_init(NULL);
	ATF_REQUIRE(pipe(fd) == 0);
	saved = dup(STDERR_FILENO);
	dup2(fd[1], STDERR_FILENO);
	errno = 7654;
	host_write("whole\n", 6);
	TEST_EQ(7654, errno);
	close(STDERR_FILENO);
	errno = 7654;
	host_write("nowhere\n", 8);
	TEST_EQ(7654, errno);
	dup2(saved, STDERR_FILENO);
	TEST_EQ(6, read(fd[0], buf, sizeof(buf)));
	ATF_REQUIRE(memcmp(buf, "whole\n", 6) == 0);
}

/*
 * The asymmetric fence: Dekker's protocol, many times.
 */
static atomic_int dekker_round[2];
static int dekker_flag[2][1000], dekker_saw[2][1000];

static void *
light(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 1000; i++) {
		atomic_store(&dekker_round[0], i + 1);
		while (atomic_load(&dekker_round[1]) <= i)
			continue;
		__atomic_store_n(&dekker_flag[0][i], 1, __ATOMIC_RELAXED);
		host_fence_light();
		dekker_saw[0][i] = __atomic_load_n(&dekker_flag[1][i],
		    __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *
heavy(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 1000; i++) {
		atomic_store(&dekker_round[1], i + 1);
		while (atomic_load(&dekker_round[0]) <= i)
			continue;
		__atomic_store_n(&dekker_flag[1][i], 1, __ATOMIC_RELAXED);
		host_fence_heavy();
		dekker_saw[1][i] = __atomic_load_n(&dekker_flag[0][i],
		    __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST_TC(asymmetric_fence, "of two threads, one with the light fence and one "
    "with the heavy one, at least one sees the other's store")
{
	pthread_t t[2];
	int i;

	host_init(NULL);
	if (!host_asymfence)
		atf_tc_skip("host: asymmetric fence");
	t[0] = test_thread(light, NULL);
	t[1] = test_thread(heavy, NULL);
	test_join(t[0]);
	test_join(t[1]);
	for (i = 0; i < 1000; i++)
		ATF_REQUIRE(dekker_saw[0][i] || dekker_saw[1][i]);
}

TEST_TC(relax_keeps_errno, "host_relax counts its turns and keeps errno")
{
	unsigned i, n = 0;

	host_init(NULL);
	errno = 1357;
	for (i = 0; i < 10000; i++) {
		TEST_EQ(i, n);
		host_relax(&n);
	}
	TEST_EQ(1357, errno);
}

TEST_TC(random_differs, "random numbers differ")
{
	uint64_t r[100];
	int i, j;

	host_init(NULL);
	for (i = 0; i < 100; i++) {
		r[i] = host_random();
		for (j = 0; j < i; j++)
			ATF_REQUIRE(r[i] != r[j]);
	}
}

/*
 * Run this program again as an ordinary user, from a copy that root owns and
 * that has the given mode.  Return its exit status.
 */
#define	RERUN_PRIVILEGED	10	/* the copy ignored TEST_RERUN */
#define	RERUN_OBEYED		11	/* the copy saw TEST_RERUN */

static int
rerun(mode_t mode)
{
	static const char command[] =
	    "cp /proc/self/fd/9 ./setid && chmod %o ./setid";
	char buf[sizeof(command) + 16];
	pid_t pid;
	int fd, status;

	fd = open("/proc/self/exe", O_RDONLY);
	ATF_REQUIRE(fd != -1);
	if (fd != 9)
		ATF_REQUIRE(dup2(fd, 9) == 9);
	snprintf(buf, sizeof(buf), command, (unsigned)mode);
	ATF_REQUIRE(system(buf) == 0);
	ATF_REQUIRE(chmod(".", 0755) == 0);
	if ((pid = test_fork()) == 0) {
		setenv("TEST_RERUN", "1", 1);
		if (setgid(65534) == 0 && setuid(65534) == 0)
			execl("./setid", "./setid", "-s", ".", "setid",
			    (char *)NULL);
		_exit(127);
	}
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	ATF_REQUIRE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST_TC(setid, "a set-user-ID program does not obey the environment")
{
	int status;

	host_init(NULL);
	if (getenv("TEST_RERUN") != NULL)
		_exit(host_getenv("TEST_RERUN") != NULL ? RERUN_OBEYED :
		    RERUN_PRIVILEGED);
	if (geteuid() != 0 || access("/proc/self/exe", R_OK) != 0)
		atf_tc_skip("needs root and /proc");
	status = rerun(0755);
	if (status == 127)
		atf_tc_skip("another user cannot run a program here");
	TEST_EQ(RERUN_OBEYED, status);
	TEST_EQ(RERUN_PRIVILEGED, rerun(04755));
	TEST_EQ(RERUN_OBEYED, rerun(0755));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, self_and_exit);
	ATF_TP_ADD_TC(tp, selfkey_differs);
	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, thread_names);
	ATF_TP_ADD_TC(tp, asleep);
	ATF_TP_ADD_TC(tp, binding_never_fails);
	ATF_TP_ADD_TC(tp, detach);
	ATF_TP_ADD_TC(tp, memory);
	ATF_TP_ADD_TC(tp, hook_refuses);
	ATF_TP_ADD_TC(tp, clocks);
	ATF_TP_ADD_TC(tp, cpus);
	ATF_TP_ADD_TC(tp, write_keeps_errno);
	ATF_TP_ADD_TC(tp, asymmetric_fence);
	ATF_TP_ADD_TC(tp, relax_keeps_errno);
	ATF_TP_ADD_TC(tp, random_differs);
	ATF_TP_ADD_TC(tp, setid);
	return atf_no_error();
}
