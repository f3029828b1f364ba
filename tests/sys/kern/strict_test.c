/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Code that a kernel with DIAGNOSTIC, DEBUG and LOCKDEBUG permits: with
 * WORKQUEUE_CHECK=1 it works, and at most one line reports it; with
 * WORKQUEUE_CHECK=strict it panics.
 */

#include <sys/param.h>
#include <sys/atomic.h>
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kernel.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/once.h>
#include <sys/percpu.h>
#include <sys/pool.h>
#include <sys/proc.h>
#include <sys/rwlock.h>
#include <sys/threadpool.h>
#include <sys/workqueue.h>
#include <sys/xcall.h>

#include <semaphore.h>

#include "../../tests.h"

static kmutex_t mutex, spin;
static krwlock_t rwlock;
static kcondvar_t cv;
static callout_t callout;
static int level;
static int done;

static void
nothing(void *arg)
{

	(void)arg;
}

static void
work_nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

/*
 * Check that the level is the given one again.
 */
static void
is_level(int ipl)
{

	if (curlwp == NULL || splraiseipl(makeiplcookie(IPL_NONE)) != ipl)
		abort();
}

static void
take_locks(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&spin, MUTEX_DEFAULT, IPL_VM);
	rw_init(&rwlock);
	cv_init(&cv, "strict");
}

/*
 * Calls at a raised level.
 */
static void
wake_up(void *arg)
{
	int s;

	(void)arg;
	s = splbio();
	atomic_store_relaxed(&done, 1);
	wakeup(&done);
	splx(s);
}

/*
 * Sleep as drivers did before there were mutexes.  Sleep at least once, even if
 * the callout runs first: then sleep for a tick.
 */
static void
sleeps(void)
{
	int s;

	callout_init(&callout, 0);
	callout_reset(&callout, 1, wake_up, NULL);
	s = splbio();
	do {
		(void)tsleep(&done, PRIBIO, "biowait",
		    atomic_load_relaxed(&done) ? 1 : 0);
		is_level(IPL_BIO);
	} while (!atomic_load_relaxed(&done));
	splx(s);
	is_level(IPL_NONE);
}

static void
pauses(void)
{
	int s;

	s = splsoftclock();
	(void)kpause("level", false, 1, NULL);
	is_level(IPL_SOFTCLOCK);
	splx(s);
}

static void
waits_for_condvar(void)
{
	int s;

	take_locks();
	s = splvm();
	if (!mutex_tryenter(&mutex) ||
	    cv_timedwait(&cv, &mutex, 1) != EWOULDBLOCK)
		abort();
	is_level(IPL_VM);
	mutex_exit(&mutex);
	splx(s);
}

static void
locks(void)
{
	int s;

	take_locks();
	s = splvm();
	mutex_enter(&mutex);
	mutex_exit(&mutex);
	splx(s);
}

static void
locks_rw(void)
{
	int s;

	take_locks();
	s = splhigh();
	rw_enter(&rwlock, RW_WRITER);
	rw_exit(&rwlock);
	is_level(IPL_HIGH);
	splx(s);
}

static void
yields(void)
{
	int s;

	s = splvm();
	yield();
	is_level(IPL_VM);
	splx(s);
}

static void
allocates(void)
{
	void *p;
	int s;

	s = splvm();
	p = kmem_alloc(16, KM_SLEEP);
	kmem_free(p, 16);
	splx(s);
}

static void
frees(void)
{
	void *p;
	int s;

	p = kmem_alloc(16, KM_SLEEP);
	s = splvm();
	kmem_free(p, 16);
	splx(s);
}

static void
gets(void)
{
	struct pool *pp = &(struct pool){ 0 };
	void *p;
	int s;

	pool_init(pp, 64, 0, 0, 0, "strict", NULL, IPL_VM);
	s = splvm();
	p = pool_get(pp, PR_WAITOK);
	pool_put(pp, p);
	splx(s);
	pool_destroy(pp);
}

static void
halts(void)
{
	int s;

	callout_init(&callout, CALLOUT_MPSAFE);
	callout_setfunc(&callout, nothing, NULL);
	s = splvm();
	(void)callout_halt(&callout, NULL);
	splx(s);
}

static void
halts_with_spin(void)
{

	take_locks();
	callout_init(&callout, CALLOUT_MPSAFE);
	callout_setfunc(&callout, nothing, NULL);
	mutex_enter(&spin);
	(void)callout_halt(&callout, NULL);
	mutex_exit(&spin);
}

static void
enqueues(void)
{
	struct workqueue *wq;
	struct work wk;
	int s;

	wq = test_create("strict", work_nothing, NULL, WQ_MPSAFE);
	s = splsoftclock();
	workqueue_enqueue(wq, &wk, NULL);
	splx(s);
	workqueue_destroy(wq);
}

static void
waits(void)
{
	struct workqueue *wq;
	struct work wk;
	int s;

	wq = test_create("strict", work_nothing, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, NULL);
	s = splvm();
	workqueue_wait(wq, &wk);
	is_level(IPL_VM);
	splx(s);
	workqueue_destroy(wq);
}

static void
allocates_percpu(void)
{
	percpu_t *pc;
	int s;

	s = splvm();
	pc = percpu_alloc(8);
	splx(s);
	percpu_free(pc, 8);
}

/*
 * Calls with preemption disabled.
 */
static void
pauses_unpreempted(void)
{

	kpreempt_disable();
	(void)kpause("strict", false, 1, NULL);
	if (!kpreempt_disabled())
		abort();
	kpreempt_enable();
}

/*
 * Calls with a spin mutex held.
 */
static void
takes_kernel_lock(void)
{

	take_locks();
	mutex_enter(&spin);
	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_ONE(NULL);
	mutex_exit(&spin);
}

static void
frees_with_spin(void)
{
	void *p;

	take_locks();
	p = kmem_alloc(16, KM_SLEEP);
	mutex_enter(&spin);
	kmem_free(p, 16);
	mutex_exit(&spin);
}

/*
 * Functions that leave something behind.  Each is called twice.
 */
static void (*leave)(void);
static sem_t left;

static void
leave_level(void)
{

	(void)splraiseipl(makeiplcookie(level));
}

static void
run_work(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	(*leave)();
}

static void
leaves_work(void)
{
	struct workqueue *wq;
	struct work wk[2];

	level = IPL_VM;
	wq = test_create("strict", run_work, NULL, WQ_MPSAFE);
	workqueue_enqueue(wq, &wk[0], NULL);
	workqueue_enqueue(wq, &wk[1], NULL);
	workqueue_destroy(wq);
}

static void
level_work(void)
{

	leave = leave_level;
	leaves_work();
}

/* A callback may unlock the mutex that the last callback has locked. */
static void
toggle_mutex(void)
{

	if (!mutex_owned(&mutex))
		mutex_enter(&mutex);
	else
		mutex_exit(&mutex);
}

static void
mutex_work(void)
{

	take_locks();
	leave = toggle_mutex;
	leaves_work();
	/* The mutex is free again. */
	mutex_enter(&mutex);
	mutex_exit(&mutex);
}

static void
run_handler(void *arg)
{

	(void)arg;
	(*leave)();
	sem_post(&left);
}

static void
level_callout(void)
{
	int i;

	leave = leave_level;
	level = IPL_VM;
	callout_init(&callout, CALLOUT_MPSAFE);
	for (i = 0; i < 2; i++) {
		callout_reset(&callout, 1, run_handler, NULL);
		test_sem_wait(&left);
		(void)callout_halt(&callout, NULL);
	}
}

static void
level_softint(void)
{
	void *ih;
	int i;

	leave = leave_level;
	level = IPL_HIGH;
	ih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, run_handler,
	    NULL);
	for (i = 0; i < 2; i++) {
		softint_schedule(ih);
		test_sem_wait(&left);
	}
	softint_disestablish(ih);
}

static int
run_intr(void *arg)
{

	(void)arg;
	(*leave)();
	return 1;
}

static void
level_intr(void)
{
	void *ih;
	int i;

	leave = leave_level;
	level = IPL_HIGH;
	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, run_intr, NULL);
	for (i = 0; i < 2; i++) {
		intr_inject(ih);
		is_level(IPL_NONE);
	}
	intr_disestablish(ih);
}

static void
run_xcall(void *arg, void *arg2)
{

	(void)arg;
	(void)arg2;
	(*leave)();
}

static void
level_xcall(void)
{

	leave = leave_level;
	level = IPL_HIGH;
	xc_wait(xc_unicast(XC_HIGHPRI, run_xcall, NULL, NULL, curcpu()));
	xc_wait(xc_unicast(XC_HIGHPRI, run_xcall, NULL, NULL, curcpu()));
}

static void
run_job(struct threadpool_job *job)
{

	mutex_enter(&mutex);
	threadpool_job_done(job);
	mutex_exit(&mutex);
	(*leave)();
}

static void
leaves_job(void)
{
	struct threadpool_job job;
	struct threadpool *pool;

	take_locks();
	if (threadpool_get(&pool, PRI_NONE) != 0)
		abort();
	threadpool_job_init(&job, run_job, &mutex, "strict");
	mutex_enter(&mutex);
	threadpool_schedule_job(pool, &job);
	mutex_exit(&mutex);
	threadpool_put(pool, PRI_NONE);
	threadpool_job_destroy(&job);
}

static void
level_job(void)
{

	leave = leave_level;
	level = IPL_VM;
	leaves_job();
}

static void
run_thread(void *arg)
{

	(void)arg;
	(*leave)();
	kthread_exit(0);
}

static void
level_kthread(void)
{
	struct lwp *l;

	leave = leave_level;
	level = IPL_VM;
	if (kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN, NULL,
	    run_thread, NULL, &l, "strict") != 0)
		abort();
	(void)kthread_join(l);
}

static void *
run_pthread(void *arg)
{

	(*leave)();
	return arg;
}

static void
level_thread(void)
{

	leave = leave_level;
	level = IPL_VM;
	test_join(test_thread(run_pthread, NULL));
}

/*
 * The cases, with the line of either mode.  line is NULL if WORKQUEUE_CHECK=1
 * prints none.
 */
static const struct {
	void		(*func)(void);
	const char	*line;
	const char	*panic;
} cases[] = {
	{ sleeps, NULL, "tsleep: sleeping at IPL 5" },
	{ pauses, NULL, "kpause: sleeping at IPL 1" },
	{ waits_for_condvar, NULL, "cv_timedwait: sleeping at IPL 5" },
	{ locks, NULL, "mutex_enter: blocking at IPL 5" },
	{ locks_rw, NULL, "rw_enter: blocking at IPL 7" },
	{ yields, NULL, "yield: sleeping at IPL 5" },
	{ allocates, NULL, "kmem_alloc: sleeping at IPL 5" },
	{ frees, NULL, "kmem_free: at IPL 5" },
	{ gets, NULL, "pool_get: sleeping at IPL 5" },
	{ halts, NULL, "callout_halt: blocking at IPL 5" },
	{ halts_with_spin, NULL, "callout_halt: blocking at IPL 5" },
	{ enqueues, NULL, "workqueue_enqueue: \"strict\" has IPL 0" },
	{ waits, NULL, "workqueue_wait: sleeping at IPL 5" },
	{ allocates_percpu, NULL, "percpu_alloc: sleeping at IPL 5" },
	{ pauses_unpreempted, NULL, "kpause: sleeping with preemption off" },
	{ takes_kernel_lock, NULL,
	    "KERNEL_LOCK: taken while holding a spin mutex" },
	{ frees_with_spin, NULL, "kmem_free: holding a spin mutex" },
	{ level_work, "returned at IPL 5", "returned at IPL 5" },
	{ mutex_work, "returned holding mutex 0x",
	    "returned holding mutex 0x" },
	{ level_callout, "returned at IPL 5", "returned at IPL 5" },
	{ level_softint, "returned at IPL 7", "returned at IPL 7" },
	{ level_intr, "returned at IPL 7", "returned at IPL 7" },
	{ level_xcall, "xcall (made at ", "returned at IPL 7" },
	{ level_job, "threadpool: job \"strict\" (made at ",
	    "returned at IPL 5" },
	{ level_kthread, "kthread_exit: \"strict\"", "ends at IPL 5" },
	{ level_thread, "ends at IPL 5", "ends at IPL 5" },
};

TEST_TC(checking, "checking: what a kernel permits works; what it leaves held "
    "is reported once, the rest not at all")
{
	struct test_child tc;
	const char *p;
	size_t i;

	test_env("WORKQUEUE_CHECK", "1");
	sem_init(&left, 0, 0);
	for (i = 0; i < TEST_NELEM(cases); i++) {
		if (cases[i].line == NULL) {
			test_lives(cases[i].func);
			continue;
		}
		test_child_lives(&tc, cases[i].func);
		p = strstr(tc.tc_err, cases[i].line);
		ATF_REQUIRE_MSG(p != NULL && strstr(p + 1, cases[i].line) ==
		    NULL, "case %zu: not once \"%s\" in: %s", i,
		    cases[i].line, tc.tc_err);
	}
}

TEST_TC(strict, "strict: it panics")
{
	size_t i;

	test_env("WORKQUEUE_CHECK", "strict");
	sem_init(&left, 0, 0);
	for (i = 0; i < TEST_NELEM(cases); i++)
		test_panics(cases[i].func, cases[i].panic, NULL);
}

/*
 * One-time initialisation in a callout, as a soft interrupt may take a lock.
 */
static once_t once;
static int inits;

static int
init_once(void)
{

	inits++;
	return 0;
}

static void
run_once(void *arg)
{

	(void)arg;
	(void)RUN_ONCE(&once, init_once);
	sem_post(&left);
}

static void
once_in_callout(void)
{

	callout_init(&callout, CALLOUT_MPSAFE);
	callout_reset(&callout, 1, run_once, NULL);
	test_sem_wait(&left);
	(void)callout_halt(&callout, NULL);
	if (inits != 1)
		abort();
}

TEST_TC(once_checked, "checking: RUN_ONCE in a callout works")
{

	test_env("WORKQUEUE_CHECK", "1");
	sem_init(&left, 0, 0);
	test_lives(once_in_callout);
}

TEST_TC(once_strict, "strict: RUN_ONCE in a callout works")
{

	test_env("WORKQUEUE_CHECK", "strict");
	sem_init(&left, 0, 0);
	test_lives(once_in_callout);
}

/* Another thread is in the function, so the callout would have to sleep. */
static int
init_slow(void)
{

	callout_init(&callout, CALLOUT_MPSAFE);
	callout_reset(&callout, 1, run_once, NULL);
	test_sem_wait(&left);
	return 0;
}

static void
once_waits(void)
{

	(void)RUN_ONCE(&once, init_slow);
}

TEST_TC(once_waiting, "checking: RUN_ONCE in a callout panics if it has to "
    "wait")
{

	test_env("WORKQUEUE_CHECK", "1");
	sem_init(&left, 0, 0);
	test_panics(once_waits, "RUN_ONCE: sleeping in softint context, on "
	    "once 0x", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, checking);
	ATF_TP_ADD_TC(tp, strict);
	ATF_TP_ADD_TC(tp, once_checked);
	ATF_TP_ADD_TC(tp, once_strict);
	ATF_TP_ADD_TC(tp, once_waiting);
	return atf_no_error();
}
