/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Checking mode reports a thread that waits for a function while it holds a
 * lock that the function takes.  The report names the function and the lock,
 * and says where they were made.  Correct code is not reported.
 */

#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kernel.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/percpu.h>
#include <sys/rwlock.h>
#include <sys/systm.h>
#include <sys/threadpool.h>
#include <sys/xcall.h>

#include "../../tests.h"

static kmutex_t a, b, interlock;
static sem_t sem, sem2;
static callout_t ch;
static void *sih;
static struct threadpool *pool;
static struct threadpool_job job;
static struct lwp *thread;

static void
checking(void)
{

	test_env("WORKQUEUE_CHECK", "1");
}

static void
strict(void)
{

	test_env("WORKQUEUE_CHECK", "strict");
}

static void
init(void)
{

	mutex_init(&a, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&b, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&interlock, MUTEX_DEFAULT, IPL_NONE);
	sem_init(&sem, 0, 0);
	sem_init(&sem2, 0, 0);
}

/*
 * The functions: they take a mutex, and signal their start and end.
 */
static void
take(void *arg)
{

	sem_post(&sem);
	mutex_enter(arg);
	mutex_exit(arg);
	sem_post(&sem2);
}

static void
take_call(void *arg, void *arg2)
{

	(void)arg2;
	take(arg);
}

static void
take_percpu(void *p, void *arg, struct cpu_info *ci)
{

	(void)p;
	(void)ci;
	mutex_enter(arg);
	mutex_exit(arg);
}

static void
take_job(struct threadpool_job *j)
{

	take(&a);
	mutex_enter(&interlock);
	threadpool_job_done(j);
	mutex_exit(&interlock);
}

/*
 * Waiting, with and without the function in progress.
 */
static void
start_callout(void)
{

	callout_init(&ch, CALLOUT_MPSAFE);
	callout_reset(&ch, 1, take, &a);
	test_sem_wait(&sem);
}

static void
order_callout(void)
{

	init();
	start_callout();
	test_sem_wait(&sem2);
	mutex_enter(&a);
	callout_halt(&ch, NULL);
	mutex_exit(&a);
	_exit(0);
}

/* The interlock is released for the wait; other locks are not. */
static void
order_callout_interlock(void)
{

	init();
	start_callout();
	test_sem_wait(&sem2);
	mutex_enter(&a);
	mutex_enter(&interlock);
	callout_halt(&ch, &interlock);
	mutex_exit(&interlock);
	mutex_exit(&a);
	_exit(0);
}

/* The thread waits before the callout takes the mutex. */
static void
order_callout_first(void)
{

	init();
	callout_init(&ch, CALLOUT_MPSAFE);
	callout_setfunc(&ch, take, &a);
	mutex_enter(&a);
	callout_halt(&ch, NULL);
	mutex_exit(&a);
	callout_schedule(&ch, 1);
	test_sem_wait(&sem2);
	_exit(0);
}

static void
deadlock_callout(void)
{

	init();
	mutex_enter(&a);
	start_callout();
	callout_halt(&ch, NULL);
}

static void
start_softint(void)
{

	sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, take, &a);
	if (sih == NULL)
		_exit(3);
	softint_schedule(sih);
	test_sem_wait(&sem);
}

static void
order_softint(void)
{

	init();
	start_softint();
	test_sem_wait(&sem2);
	mutex_enter(&a);
	softint_disestablish(sih);
	mutex_exit(&a);
	_exit(0);
}

static void
deadlock_softint(void)
{

	init();
	mutex_enter(&a);
	start_softint();
	softint_disestablish(sih);
}

static void
order_xcall(void)
{

	init();
	xc_wait(xc_unicast(0, take_call, &a, NULL, curcpu()));
	mutex_enter(&a);
	xc_barrier(0);
	mutex_exit(&a);
	_exit(0);
}

static void
order_xcall_first(void)
{

	init();
	mutex_enter(&a);
	xc_barrier(XC_HIGHPRI);
	mutex_exit(&a);
	xc_wait(xc_unicast(XC_HIGHPRI, take_call, &a, NULL, curcpu()));
	_exit(0);
}

static void
order_xcall_high(void)
{
	uint64_t ticket;

	init();
	ticket = xc_unicast(XC_HIGHPRI, take_call, &a, NULL, curcpu());
	/*
	 * The call has run, but checking mode assumes that a wait could come
	 * earlier.
	 */
	test_sem_wait(&sem2);
	mutex_enter(&a);
	xc_wait(ticket);
	mutex_exit(&a);
	_exit(0);
}

static void
order_percpu(void)
{
	percpu_t *pc;

	init();
	pc = percpu_alloc(sizeof(int));
	percpu_foreach_xcall(pc, 0, take_percpu, &a);
	mutex_enter(&a);
	percpu_foreach_xcall(pc, 0, take_percpu, &b);
	mutex_exit(&a);
	_exit(0);
}

static void
start_thread(void)
{

	if (kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN, NULL,
	    take, &a, &thread, "taker") != 0)
		_exit(3);
	test_sem_wait(&sem);
}

static void
order_thread(void)
{

	init();
	start_thread();
	test_sem_wait(&sem2);
	mutex_enter(&a);
	kthread_join(thread);
	mutex_exit(&a);
	_exit(0);
}

static void
deadlock_thread(void)
{

	init();
	mutex_enter(&a);
	start_thread();
	kthread_join(thread);
}

static void
start_job(void)
{

	if (threadpool_get(&pool, PRI_NONE) != 0)
		_exit(3);
	threadpool_job_init(&job, take_job, &interlock, "taker");
	mutex_enter(&interlock);
	threadpool_schedule_job(pool, &job);
	mutex_exit(&interlock);
	test_sem_wait(&sem);
}

static void
cancel(void)
{

	mutex_enter(&interlock);
	threadpool_cancel_job(pool, &job);
	mutex_exit(&interlock);
}

static void
order_job(void)
{

	init();
	start_job();
	test_sem_wait(&sem2);
	mutex_enter(&a);
	cancel();
	mutex_exit(&a);
	_exit(0);
}

static void
deadlock_job(void)
{

	init();
	mutex_enter(&a);
	start_job();
	cancel();
}

static const struct {
	void		(*func)(void);
	const char	*call;
	const char	*wants;
} orders[] = {
	{ order_callout, "callout_halt", "callout 0x" },
	{ order_callout_interlock, "callout_halt", "callout 0x" },
	{ order_softint, "softint_disestablish", "softint 0x" },
	{ order_xcall, "xc_barrier", "workqueue \"xcall\"" },
	{ order_xcall_high, "xc_wait", "softint 0x" },
	{ order_percpu, "xc_wait", "workqueue \"xcall\"" },
	{ order_thread, "kthread_join", "kthread \"taker\"" },
	{ order_job, "threadpool_cancel_job", "job 0x" },
};

TEST_TC(order, "waiting for a function that takes a lock of the caller's is "
    "reported, with both and where they were made")
{
	unsigned i;

	checking();
	for (i = 0; i < TEST_NELEM(orders); i++)
		test_says(orders[i].func, orders[i].call,
		    ": lock order: thread", "holds mutex 0x", "(made at ",
		    "taken at ", "and wants ", orders[i].wants,
		    " (made at ", ") at ", "before, thread",
		    "and wanted mutex 0x", NULL);
	test_says(order_callout_first, "mutex_enter: lock order: thread",
	    "holds callout 0x", "(made at ", "and wants mutex 0x",
	    "(made at ", "before, thread", "and wanted callout 0x", NULL);
	test_says(order_xcall_first, "mutex_enter: lock order: thread",
	    "holds softint 0x", "and wants mutex 0x", "(made at ",
	    "before, thread", "and wanted softint 0x", NULL);
}

TEST_TC(order_strict, "strict: the same panics, in one line")
{
	unsigned i;

	strict();
	for (i = 0; i < TEST_NELEM(orders); i++)
		test_panics(orders[i].func, orders[i].call,
		    ": lock order: thread", "holds mutex 0x",
		    orders[i].wants, "(made at ", "before, thread",
		    "and wanted mutex 0x", NULL);
}

TEST_TC(deadlock, "waiting for a function that waits for the caller's lock "
    "panics, with both")
{

	checking();
	test_aborts(deadlock_callout, "deadlock: thread", "waits for mutex 0x",
	    "waits for callout 0x", "(made at ", NULL);
	test_aborts(deadlock_softint, "deadlock: thread", "waits for mutex 0x",
	    "waits for softint 0x", "(made at ", NULL);
	test_aborts(deadlock_thread, "deadlock: thread", "waits for mutex 0x",
	    "waits for kthread \"taker\"", "(made at ", NULL);
	test_aborts(deadlock_job, "deadlock: thread", "waits for mutex 0x",
	    "waits for job 0x", "(made at ", NULL);
}

/*
 * Objects.
 */
static void
job_twice(void)
{

	init();
	threadpool_job_init(&job, take_job, &interlock, "one");
	threadpool_job_init(&job, take_job, &interlock, "two");
}

static void
callout_twice(void)
{

	callout_init(&ch, CALLOUT_MPSAFE);
	callout_reset(&ch, 100 * hz, take, &a);
	callout_init(&ch, CALLOUT_MPSAFE);
}

static void
free_armed(void)
{
	callout_t *c;

	c = kmem_alloc(sizeof(*c), KM_SLEEP);
	callout_init(c, CALLOUT_MPSAFE);
	callout_reset(c, 100 * hz, take, &a);
	kmem_free(c, sizeof(*c));
}

static void
free_job(void)
{
	struct threadpool_job *j;

	init();
	j = kmem_alloc(sizeof(*j), KM_SLEEP);
	threadpool_job_init(j, take_job, &interlock, "freed");
	kmem_free(j, sizeof(*j));
}

TEST_TC(objects, "initialising an armed callout or a job again, or freeing its "
    "memory, panics")
{

	checking();
	test_panics(job_twice, "threadpool_job_init: job 0x",
	    "initialised again", "(made at ", NULL);
	test_panics(callout_twice, "callout_init: callout 0x", "(made at ",
	    "is pending", NULL);
	test_panics(free_armed, "kmem_free: memory 0x", "callout 0x",
	    "(made at ", NULL);
	test_panics(free_job, "kmem_free: memory 0x", "job 0x", "(made at ",
	    NULL);
}

static int
nothing(void *arg)
{

	(void)arg;
	return 1;
}

static void
stay(void *arg)
{

	sem_post(&sem);
	test_sem_wait(arg);
}

static void
leak(void)
{

	if (softint_establish(SOFTINT_NET, take, &a) == NULL ||
	    intr_establish(0, IPL_VM, INTR_MPSAFE, nothing, NULL) == NULL)
		_exit(3);
	threadpool_job_init(&job, take_job, &interlock, "leaked");
	sem_init(&sem, 0, 0);
	sem_init(&sem2, 0, 0);
	if (kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN, NULL,
	    stay, &sem2, &thread, "stays") != 0)
		_exit(3);
	test_sem_wait(&sem);
	exit(0);
}

TEST_TC(leaks, "strict: an object never disestablished, joined or destroyed is "
    "reported at exit")
{

	strict();
	test_says(leak, "exit: not destroyed: softint 0x", "(made at ",
	    "exit: not destroyed: interrupt 0x", "(made at ",
	    "exit: not destroyed: job 0x", "(made at ",
	    "exit: not destroyed: kthread \"stays\"", "(made at ", NULL);
}

/*
 * Correct code.
 */
static void
halt_with_interlock(void)
{
	int i;

	init();
	callout_init(&ch, CALLOUT_MPSAFE);
	for (i = 0; i < 20; i++) {
		mutex_enter(&a);
		callout_reset(&ch, 1, take, &a);
		mutex_exit(&a);
		test_sem_wait(&sem);
		mutex_enter(&a);
		callout_halt(&ch, &a);
		mutex_exit(&a);
	}
	callout_destroy(&ch);
}

static void
halt_with_other(void)
{

	init();
	start_callout();
	mutex_enter(&b);
	callout_halt(&ch, NULL);
	mutex_exit(&b);
	callout_destroy(&ch);
}

static void
take_tried(void *arg)
{

	if (mutex_tryenter(arg))
		mutex_exit(arg);
	sem_post(&sem);
}

/* The function only tries to take the lock. */
static void
halt_tried(void)
{

	init();
	callout_init(&ch, CALLOUT_MPSAFE);
	mutex_enter(&a);
	callout_reset(&ch, 1, take_tried, &a);
	test_sem_wait(&sem);
	callout_halt(&ch, NULL);
	mutex_exit(&a);
	callout_destroy(&ch);
}

static void
post(void *arg)
{

	(void)arg;
	sem_post(&sem);
}

/* The function that took the lock is no longer the callout's. */
static void
halt_other_function(void)
{

	init();
	start_callout();
	callout_halt(&ch, NULL);
	mutex_enter(&a);
	callout_reset(&ch, 1, post, NULL);
	callout_halt(&ch, NULL);
	callout_reset(&ch, 1, post, NULL);
	test_sem_wait(&sem);
	callout_halt(&ch, NULL);
	mutex_exit(&a);
	callout_destroy(&ch);
}

struct self {
	char		 s_space[64];
	callout_t	 s_callout;
	struct threadpool_job s_job;
};

static void
free_self(void *arg)
{
	struct self *s;

	s = arg;
	mutex_enter(&a);
	/* The callout's function runs in this thread, so this does not wait. */
	callout_halt(&s->s_callout, NULL);
	callout_destroy(&s->s_callout);
	memset(s, 0, sizeof(*s));
	free(s);
	mutex_exit(&a);
	sem_post(&sem);
}

static void
callout_frees_itself(void)
{
	struct self *s;
	int i;

	init();
	for (i = 0; i < 20; i++) {
		s = malloc(sizeof(*s));
		callout_init(&s->s_callout, CALLOUT_MPSAFE);
		callout_reset(&s->s_callout, 1, free_self, s);
		test_sem_wait(&sem);
	}
}

/* An idle callout may be abandoned: on the stack, in memory, reinitialised. */
static void
callout_forgotten(void)
{
	struct self *s;
	callout_t c;
	int i;

	init();
	for (i = 0; i < 20; i++) {
		s = kmem_zalloc(sizeof(*s), KM_SLEEP);
		callout_init(&s->s_callout, 0);
		kmem_free(s, sizeof(*s));
		callout_init(&c, 0);
		callout_reset(&c, 1, post, NULL);
		test_sem_wait(&sem);
		callout_halt(&c, NULL);
	}
}

/* Two callouts halt each other: one thread runs both. */
static callout_t other;

static void
halt_other(void *arg)
{

	mutex_enter(&a);
	callout_halt(arg, NULL);
	mutex_exit(&a);
	sem_post(&sem);
}

static void
callouts_halt_each_other(void)
{

	init();
	callout_init(&ch, CALLOUT_MPSAFE);
	callout_init(&other, CALLOUT_MPSAFE);
	callout_reset(&ch, 1, halt_other, &other);
	test_sem_wait(&sem);
	callout_reset(&other, 1, halt_other, &ch);
	test_sem_wait(&sem);
	callout_halt(&other, NULL);
	callout_halt(&ch, NULL);
	callout_destroy(&ch);
	callout_destroy(&other);
}

/* A waiter releases the kernel lock. */
static void
take_klock(void *arg)
{

	(void)arg;
	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_ONE(NULL);
	sem_post(&sem);
}

static void
wait_with_klock(void)
{

	init();
	callout_init(&ch, 0);
	KERNEL_LOCK(1, NULL);
	callout_reset(&ch, 1, take_klock, NULL);
	kpause("klock", false, 2, NULL);
	callout_halt(&ch, NULL);
	sih = softint_establish(SOFTINT_CLOCK, take_klock, NULL);
	softint_schedule(sih);
	softint_disestablish(sih);
	if (kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL, take_klock, NULL,
	    &thread, "klock") != 0)
		_exit(3);
	kthread_join(thread);
	xc_barrier(0);
	KERNEL_UNLOCK_ONE(NULL);
	callout_destroy(&ch);
}

static void
disestablish_with_other(void)
{

	init();
	start_softint();
	mutex_enter(&b);
	softint_disestablish(sih);
	mutex_exit(&b);
}

static void
join_with_other(void)
{
	int i;

	init();
	for (i = 0; i < 5; i++) {
		/*
		 * The next thread reuses the lwp, but has not taken the same
		 * locks.
		 */
		start_thread();
		mutex_enter(&b);
		kthread_join(thread);
		mutex_exit(&b);
		if (kthread_create(PRI_NONE, KTHREAD_MPSAFE |
		    KTHREAD_MUSTJOIN, NULL, post, NULL, &thread, "no taker") !=
		    0)
			_exit(3);
		mutex_enter(&a);
		kthread_join(thread);
		mutex_exit(&a);
		test_sem_wait(&sem);
	}
}

/* Waits for cross-calls with a lock held that the calls do not take. */
static void
xcall_with_other(void)
{

	init();
	mutex_enter(&b);
	xc_wait(xc_broadcast(0, take_call, &a, NULL));
	xc_wait(xc_broadcast(XC_HIGHPRI, take_call, &a, NULL));
	mutex_exit(&b);
	/*
	 * A wait for calls of one priority does not wait for those of the
	 * other.
	 */
	xc_wait(xc_broadcast(0, take_call, &interlock, NULL));
	mutex_enter(&interlock);
	xc_barrier(XC_HIGHPRI);
	mutex_exit(&interlock);
}

static void
interlock_job(struct threadpool_job *j)
{

	mutex_enter(&interlock);
	threadpool_job_done(j);
	mutex_exit(&interlock);
	/* No thread waits for the job any more. */
	mutex_enter(&a);
	mutex_exit(&a);
	sem_post(&sem);
}

static void
cancel_with_interlock(void)
{
	int i;

	init();
	if (threadpool_get(&pool, PRI_NONE) != 0)
		_exit(3);
	threadpool_job_init(&job, interlock_job, &interlock, "job");
	for (i = 0; i < TEST_SCALE(500); i++) {
		mutex_enter(&a);
		mutex_enter(&interlock);
		threadpool_schedule_job(pool, &job);
		threadpool_cancel_job(pool, &job);
		mutex_exit(&interlock);
		mutex_exit(&a);
	}
	threadpool_job_destroy(&job);
	threadpool_put(pool, PRI_NONE);
}

static void
job_frees_itself(struct threadpool_job *j)
{

	mutex_enter(&interlock);
	threadpool_job_done(j);
	mutex_exit(&interlock);
	threadpool_job_destroy(j);
	memset(j, 0, sizeof(*j));
	free(j);
	sem_post(&sem);
}

static void
jobs_free_themselves(void)
{
	struct threadpool_job *j;
	int i;

	init();
	if (threadpool_get(&pool, PRI_NONE) != 0)
		_exit(3);
	for (i = 0; i < 20; i++) {
		j = malloc(sizeof(*j));
		threadpool_job_init(j, job_frees_itself, &interlock, "self");
		mutex_enter(&interlock);
		threadpool_schedule_job(pool, j);
		mutex_exit(&interlock);
		test_sem_wait(&sem);
	}
	threadpool_put(pool, PRI_NONE);
}

/*
 * A job runs and is cancelled repeatedly, by a thread that takes the job's lock
 * only after the cancel.  The cancel waits only for the call that it has found
 * running.
 */
static volatile int stop;

static void *
reschedule(void *arg)
{

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		mutex_enter(&interlock);
		threadpool_schedule_job(pool, &job);
		mutex_exit(&interlock);
		yield();
	}
	return NULL;
}

static void
cancel_rescheduled(void)
{
	pthread_t t;
	int i;

	init();
	if (threadpool_get(&pool, PRI_NONE) != 0)
		_exit(3);
	threadpool_job_init(&job, interlock_job, &interlock, "job");
	t = test_thread(reschedule, NULL);
	for (i = 0; i < TEST_SCALE(1000); i++) {
		mutex_enter(&a);
		cancel();
		mutex_exit(&a);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	test_join(t);
	cancel();
	threadpool_job_destroy(&job);
	threadpool_put(pool, PRI_NONE);
}

/* In a child the thread does not exist, and its locks are free. */
static void
forked(void)
{
	pid_t pid;
	int status;

	init();
	mutex_enter(&b);
	if (kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN, NULL,
	    take, &b, &thread, "taker") != 0)
		_exit(3);
	test_sem_wait(&sem);
	callout_init(&ch, CALLOUT_MPSAFE);
	pid = test_fork();
	if (pid == 0) {
		callout_reset(&ch, 1, take, &a);
		test_sem_wait(&sem2);
		/* The child holds b, as its parent did. */
		callout_halt(&ch, NULL);
		callout_destroy(&ch);
		_exit(0);
	}
	mutex_exit(&b);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		_exit(4);
	kthread_join(thread);
	callout_destroy(&ch);
}

static kmutex_t spin;
static atomic_int spinning;

static int
takes_spin(void *arg)
{

	(void)arg;
	mutex_spin_enter(&spin);
	atomic_store(&spinning, 1);
	/* Wait until the other thread probably wants the lock. */
	delay(2000);
	mutex_spin_exit(&spin);
	return 1;
}

static atomic_int in_enter;

static void *
sleeps_for_a(void *arg)
{

	(void)arg;
	(void)curlwp;
	atomic_store(&in_enter, 1);
	mutex_enter(&a);
	mutex_exit(&a);
	return NULL;
}

/* A handler on top of a sleeping thread: the thread does not keep its locks. */
static void
handler_on_sleeper(void)
{
	pthread_t t;
	void *ih;
	int i;

	mutex_init(&a, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&spin, MUTEX_DEFAULT, IPL_NET);
	ih = intr_establish(SIGUSR1, IPL_NET, INTR_MPSAFE, takes_spin, NULL);
	for (i = 0; i < 20; i++) {
		atomic_store(&in_enter, 0);
		atomic_store(&spinning, 0);
		mutex_enter(&a);
		t = test_thread(sleeps_for_a, NULL);
		TEST_AWAIT(atomic_load(&in_enter) == 1);
		delay(1000);
		pthread_kill(t, SIGUSR1);
		TEST_AWAIT(atomic_load(&spinning) == 1);
		mutex_spin_enter(&spin);
		mutex_spin_exit(&spin);
		mutex_exit(&a);
		test_join(t);
	}
	intr_disestablish(ih);
	mutex_destroy(&spin);
	mutex_destroy(&a);
}

static void
correct(void)
{

	test_lives(halt_with_interlock);
	test_lives(halt_with_other);
	test_lives(halt_tried);
	test_lives(halt_other_function);
	test_lives(callout_frees_itself);
	test_lives(callout_forgotten);
	test_lives(callouts_halt_each_other);
	test_lives(wait_with_klock);
	test_lives(disestablish_with_other);
	test_lives(join_with_other);
	test_lives(xcall_with_other);
	test_lives(cancel_with_interlock);
	test_lives(jobs_free_themselves);
	test_lives(cancel_rescheduled);
	test_lives(forked);
	test_lives(handler_on_sleeper);
}

TEST_TC(no_alarm, "correct code is not reported")
{

	checking();
	correct();
}

TEST_TC(no_alarm_strict, "strict: correct code is not reported")
{

	strict();
	correct();
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, order_strict);
	ATF_TP_ADD_TC(tp, deadlock);
	ATF_TP_ADD_TC(tp, objects);
	ATF_TP_ADD_TC(tp, leaks);
	ATF_TP_ADD_TC(tp, no_alarm);
	ATF_TP_ADD_TC(tp, no_alarm_strict);
	return atf_no_error();
}
