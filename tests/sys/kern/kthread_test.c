/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kthread(9), curlwp(9), curproc(9).
 */

#include <sys/cpu.h>
#include <sys/kthread.h>
#include <sys/systm.h>

#include "../../tests.h"

static sem_t go;

static void
init(void)
{

	sem_init(&go, 0, 0);
}

/* A thread's own view of its name, CPU and so on. */
struct seen {
	struct lwp	*s_lwp;
	struct proc	*s_proc;
	struct cpu_info	*s_cpu;
	char		 s_name[64], s_hostname[32];
	int		 s_lid, s_flag, s_locked;
	pri_t		 s_priority;
};

static void
look(void *arg)
{
	struct seen *s = arg;

	s->s_lwp = curlwp;
	s->s_proc = curlwp->l_proc;
	s->s_cpu = curlwp->l_cpu;
	s->s_lid = curlwp->l_lid;
	s->s_flag = curlwp->l_flag;
	s->s_priority = curlwp->l_priority;
	s->s_locked = KERNEL_LOCKED_P();
	snprintf(s->s_name, sizeof(s->s_name), "%s", curlwp->l_name);
	pthread_getname_np(pthread_self(), s->s_hostname,
	    sizeof(s->s_hostname));
}

static void
create_seen(struct seen *s, pri_t pri, int flags, struct cpu_info *ci)
{
	struct lwp *l = NULL;

	memset(s, 0, sizeof(*s));
	TEST_EQ(0, kthread_create(pri, flags | KTHREAD_MUSTJOIN, ci, look, s,
	    &l, "seen/%d", 17));
	ATF_REQUIRE(l != NULL);
	TEST_EQ(0, kthread_join(l));
	ATF_REQUIRE(s->s_lwp == l);
}

TEST_TC(identity, "a thread has its name, number, process and priority")
{
	struct seen a, b;

	init();
	create_seen(&a, PRI_NONE, KTHREAD_MPSAFE, NULL);
	create_seen(&b, 70, KTHREAD_MPSAFE, cpu_lookup(0));
	ATF_REQUIRE(strcmp(a.s_name, "seen/17") == 0);
	if (wqk_hostcaps() & TEST_CAP_NAMES)
		ATF_REQUIRE(strcmp(a.s_hostname, "seen/17") == 0);
	ATF_REQUIRE(a.s_proc == &proc0 && a.s_proc == curproc);
	ATF_REQUIRE(a.s_cpu == NULL && b.s_cpu == cpu_lookup(0));
	TEST_EQ(LW_SYSTEM, a.s_flag);
	TEST_EQ(LW_SYSTEM | LW_BOUND, b.s_flag);
	ATF_REQUIRE(a.s_lid > 0 && b.s_lid > 0 && a.s_lid != b.s_lid);
	TEST_EQ(PRI_KTHREAD, a.s_priority);
	TEST_EQ(70, b.s_priority);
	create_seen(&a, PRI_NONE, KTHREAD_TS, NULL);
	TEST_EQ(MAXPRI_USER, a.s_priority);
	create_seen(&a, 70, KTHREAD_IDLE, NULL);
	TEST_EQ(PRI_IDLE, a.s_priority);
	TEST_EQ(getpid(), curproc->p_pid);
	ATF_REQUIRE(curproc->p_comm[0] != '\0');
}

TEST_TC(kernel_lock, "without KTHREAD_MPSAFE a thread starts with the kernel "
    "lock, and its end releases it; join releases the caller's")
{
	struct seen s;

	init();
	create_seen(&s, PRI_NONE, 0, NULL);
	TEST_EQ(1, s.s_locked);
	create_seen(&s, PRI_NONE, KTHREAD_MPSAFE, NULL);
	TEST_EQ(0, s.s_locked);
	KERNEL_LOCK(3, NULL);
	create_seen(&s, PRI_NONE, 0, NULL);
	TEST_EQ(1, s.s_locked);
	KERNEL_UNLOCK_ONE(NULL);
	KERNEL_UNLOCK_ONE(NULL);
	KERNEL_UNLOCK_LAST(NULL);
}

static atomic_int exits, after_exit;

static void
exits_here(int *p)
{

	atomic_fetch_add(&exits, *p);
	kthread_exit(0);
}

static void
exits_deep(int n)
{
	volatile int one = n;

	exits_here((int *)&one);
	atomic_fetch_add(&after_exit, 1);
}

static void
exiter(void *arg)
{

	(void)arg;
	exits_deep(1);
	atomic_fetch_add(&after_exit, 1);
}

static void
returner(void *arg)
{

	(void)arg;
	atomic_fetch_add(&exits, 1);
}

static void *
foreign(void *arg)
{

	*(struct lwp **)arg = curlwp;
	ATF_REQUIRE(curlwp == *(struct lwp **)arg);
	ATF_REQUIRE(curlwp->l_proc == curproc);
	ATF_REQUIRE(curlwp->l_lid > 1);
	ATF_REQUIRE((curlwp->l_flag & LW_SYSTEM) == 0);
	ATF_REQUIRE(curlwp->l_name != NULL);
	return NULL;
}

static void
many(int flags, int n)
{
	struct lwp *l;
	int i, threads = test_nthreads(), want = atomic_load(&exits) + n;

	for (i = 0; i < n; i++) {
		l = NULL;
		TEST_EQ(0, kthread_create(PRI_NONE, flags, NULL,
		    i % 2 ? exiter : returner, NULL,
		    flags & KTHREAD_MUSTJOIN || i % 3 == 0 ? &l : NULL,
		    "many%d", i));
		if (flags & KTHREAD_MUSTJOIN)
			TEST_EQ(0, kthread_join(l));
		else if (i % 16 == 0)
			TEST_AWAIT(atomic_load(&exits) >= want - n + i - 8);
	}
	TEST_AWAIT(atomic_load(&exits) == want);
	TEST_EQ(0, after_exit);
	if (threads != -1)
		TEST_AWAIT(test_nthreads() == threads);
}

TEST_TC(exit, "kthread_exit ends the thread, as a return does; joined or not, "
    "it leaves nothing behind")
{

	struct lwp *l = NULL;

	/* A sanitizer's own thread starts with our first thread. */
	test_join(test_thread(foreign, &l));
	many(KTHREAD_MUSTJOIN, TEST_SCALE(1000) + 50);
	many(KTHREAD_MUSTJOIN | KTHREAD_MPSAFE, TEST_SCALE(1000) + 50);
	many(0, TEST_SCALE(2000) + 50);
	many(KTHREAD_MPSAFE, TEST_SCALE(2000) + 50);
}

/*
 * A cleanup handler must run before the frame of the function that pushed it is
 * gone.  Count the calls that come too late.
 */
static atomic_int cleanups, cleanups_late;

static void
cleanup(void *arg)
{

	atomic_fetch_add(&cleanups, 1);
	if ((uintptr_t)__builtin_frame_address(0) > (uintptr_t)arg)
		atomic_fetch_add(&cleanups_late, 1);
}

static void
exits_guarded(void *arg)
{

	(void)arg;
	pthread_cleanup_push(cleanup, __builtin_frame_address(0));
	kthread_exit(0);
	pthread_cleanup_pop(0);
}

TEST_TC(exit_cleanup, "kthread_exit calls a cleanup handler while its "
    "function's frame exists or, with glibc, not at all")
{
	struct lwp *l;

	TEST_EQ(0, kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN,
	    NULL, exits_guarded, NULL, &l, "guarded"));
	TEST_EQ(0, kthread_join(l));
	TEST_EQ(0, cleanups_late);
#ifdef __GLIBC__
	TEST_EQ(0, cleanups);
#else
	TEST_EQ(1, cleanups);
#endif
}

TEST_TC(bad, "invalid arguments are refused")
{
	struct cpu_info nocpu;
	struct lwp *l;

	memset(&nocpu, 0, sizeof(nocpu));
	TEST_EQ(EINVAL, kthread_create(PRI_NONE, 0, NULL, NULL, NULL, &l,
	    "x"));
	TEST_EQ(EINVAL, kthread_create(PRI_NONE, 0x20, NULL, returner, NULL,
	    &l, "x"));
	TEST_EQ(EINVAL, kthread_create(PRI_COUNT, 0, NULL, returner, NULL,
	    &l, "x"));
	TEST_EQ(EINVAL, kthread_create(-2, 0, NULL, returner, NULL, &l, "x"));
	TEST_EQ(EINVAL, kthread_create(PRI_NONE, 0, &nocpu, returner, NULL,
	    &l, "x"));
	TEST_EQ(0, exits);
}

TEST_TC(names, "a name that is too long is truncated")
{
	struct seen s;
	struct lwp *l;

	init();
	memset(&s, 0, sizeof(s));
	TEST_EQ(0, kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL, look, &s,
	    &l, "%s-%s", "0123456789", "abcdefghij"));
	TEST_EQ(0, kthread_join(l));
	ATF_REQUIRE(strcmp(s.s_name, "0123456789-abcd") == 0);
}

TEST_TC(known, "every thread has an lwp from its first call on; the first "
    "thread's is lwp0")
{
	struct lwp *l = NULL;

	test_join(test_thread(foreign, &l));
	ATF_REQUIRE(l != NULL && l != &lwp0);
	ATF_REQUIRE(curlwp == &lwp0);
	TEST_EQ(1, lwp0.l_lid);
	test_join(test_thread(foreign, &l));
	ATF_REQUIRE(l != &lwp0);
}

TEST_TC(fpu, "kthread_fpu_enter and exit may be called")
{

	kthread_fpu_exit(kthread_fpu_enter());
}

/* Misuse. */
static void
not_ours(void)
{

	kthread_exit(0);
}

static struct lwp *self;

static void
join_self(void *arg)
{

	(void)arg;
	test_sem_wait(&go);
	(void)kthread_join(self);
}

static void
waiter(void *arg)
{

	(void)arg;
	test_sem_wait(&go);
}

static void
joins_itself(void)
{

	init();
	(void)kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL, join_self,
	    NULL, &self, "self");
	sem_post(&go);
	for (;;)
		pause();
}

static void
nowhere(void)
{

	(void)kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL, returner, NULL,
	    NULL, "nowhere");
}

static void
join_free(void)
{
	struct lwp *l;

	(void)kthread_create(PRI_NONE, 0, NULL, returner, NULL, &l, "free");
	(void)kthread_join(l);
}

static void
join_running(void)
{
	struct lwp *l;

	init();
	(void)kthread_create(PRI_NONE, KTHREAD_MPSAFE, NULL, waiter, NULL, &l,
	    "running");
	(void)kthread_join(l);
}

static void
join_twice(void)
{
	struct lwp *l;

	(void)kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL, returner, NULL,
	    &l, "twice");
	(void)kthread_join(l);
	(void)kthread_join(l);
}

TEST_TC(misuse, "kthread_exit in another thread, joining oneself, a MUSTJOIN "
    "thread without a join, and joining another kind of thread panic")
{

	test_panics(not_ours, "kthread_exit: not in a thread", NULL);
	test_panics(joins_itself, "joins itself", NULL);
	test_panics(nowhere, "KTHREAD_MUSTJOIN", NULL);
	test_panics(join_free, "kthread_join: \"free\"", "was not created with "
	    "KTHREAD_MUSTJOIN", NULL);
	test_panics(join_running, "kthread_join: \"running\"",
	    "was not created "
	    "with KTHREAD_MUSTJOIN", NULL);
	test_panics(join_twice, "kthread_join: \"twice\"", NULL);
}

static void
no_preempt(void *arg)
{

	(void)arg;
	kpreempt_disable();
}

static void
ends_no_preempt(void)
{
	struct lwp *l;

	(void)kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL, no_preempt,
	    NULL, &l, "nopreempt");
	(void)kthread_join(l);
}

static void *
foreign_no_preempt(void *arg)
{

	kpreempt_disable();
	return arg;
}

static void
foreign_ends_no_preempt(void)
{

	test_join(test_thread(foreign_no_preempt, NULL));
}

TEST_TC(preemption, "in checking mode a thread that ends with preemption off "
    "panics")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(ends_no_preempt, "kthread_exit: \"nopreempt\" (made "
	    "at ends_no_preempt+0x", "ends with preemption off", NULL);
	test_panics(foreign_ends_no_preempt, "ends with preemption off", NULL);
}

static void
status(void *arg)
{

	(void)arg;
	kthread_exit(3);
}

static void
exit_status(void)
{
	struct lwp *l;

	(void)kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL, status, NULL,
	    &l, "failing");
	(void)kthread_join(l);
}

TEST_TC(status, "an exit status other than 0 is reported")
{
	struct test_child tc;

	test_child(&tc, exit_status);
	ATF_REQUIRE(WIFEXITED(tc.tc_status));
	ATF_REQUIRE(strstr(tc.tc_err, "kthread \"failing\"") != NULL);
	ATF_REQUIRE(strstr(tc.tc_err, "status 3") != NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, identity);
	ATF_TP_ADD_TC(tp, kernel_lock);
	ATF_TP_ADD_TC(tp, exit);
	ATF_TP_ADD_TC(tp, exit_cleanup);
	ATF_TP_ADD_TC(tp, bad);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, known);
	ATF_TP_ADD_TC(tp, fpu);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, preemption);
	ATF_TP_ADD_TC(tp, status);
	return atf_no_error();
}
