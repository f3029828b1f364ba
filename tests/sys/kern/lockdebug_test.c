/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The checking mode of locks: what it reports, with the place where each object
 * was made, and what it must not report.
 */

#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/percpu.h>
#include <sys/proc.h>
#include <sys/rwlock.h>
#include <sys/systm.h>
#include <sys/threadpool.h>
#include <sys/xcall.h>

#include "../../tests.h"

static kmutex_t a, b, c, spin, spin2;
static krwlock_t rw, rw2;
static kcondvar_t cv;
static sem_t sem, sem2;
static struct workqueue *wq;
static struct work work;
static int ready;			/* under a */

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
	mutex_init(&c, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&spin, MUTEX_DEFAULT, IPL_VM);
	mutex_init(&spin2, MUTEX_DEFAULT, IPL_HIGH);
	rw_init(&rw);
	rw_init(&rw2);
	cv_init(&cv, "test");
	sem_init(&sem, 0, 0);
	sem_init(&sem2, 0, 0);
}

static void
fini(void)
{

	mutex_destroy(&a);
	mutex_destroy(&b);
	mutex_destroy(&c);
	mutex_destroy(&spin);
	mutex_destroy(&spin2);
	rw_destroy(&rw);
	rw_destroy(&rw2);
	cv_destroy(&cv);
}

static void
create(void (*func)(struct work *, void *))
{

	if (workqueue_create(&wq, "tested", func, NULL, PRI_NONE, IPL_NONE,
	    WQ_MPSAFE) != 0)
		_exit(3);
}

/*
 * Objects.
 */
static void
mutex_twice(void)
{

	mutex_init(&a, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&a, MUTEX_DEFAULT, IPL_NONE);
}

static void
spin_twice(void)
{

	mutex_init(&a, MUTEX_DEFAULT, IPL_HIGH);
	mutex_init(&a, MUTEX_DEFAULT, IPL_VM);
}

static void
rw_twice(void)
{

	rw_init(&rw);
	rw_init(&rw);
}

static void
cv_twice(void)
{

	cv_init(&cv, "one");
	cv_init(&cv, "two");
}

TEST_TC(init_twice, "initialising a live object panics")
{

	checking();
	test_panics(mutex_twice, "mutex_init: mutex 0x", "again at ",
	    "\"&a\" (made at ", NULL);
	test_panics(spin_twice, "mutex_init: mutex 0x", "again at ",
	    "(made at ", NULL);
	test_panics(rw_twice, "rw_init: rwlock 0x", "again at ",
	    "\"&rw\" (made at ", NULL);
	test_panics(cv_twice, "cv_init: condvar 0x", "again at ", "(made at ",
	    NULL);
}

static void
mutex_zeroed(void)
{

	mutex_enter(&a);
}

static void
mutex_try_zeroed(void)
{

	(void)mutex_tryenter(&a);
}

static void
mutex_copied(void)
{

	mutex_init(&a, MUTEX_DEFAULT, IPL_NONE);
	b = a;
	mutex_enter(&b);
}

static void
rw_zeroed(void)
{

	rw_enter(&rw, RW_READER);
}

static void
rw_try_zeroed(void)
{

	(void)rw_tryenter(&rw, RW_WRITER);
}

static void
mutex_destroyed(void)
{

	init();
	mutex_destroy(&a);
	mutex_enter(&a);
}

static void
rw_destroyed(void)
{

	init();
	rw_destroy(&rw);
	rw_enter(&rw, RW_WRITER);
}

static void
cv_destroyed(void)
{

	init();
	cv_destroy(&cv);
	cv_destroy(&cv);
}

TEST_TC(no_object, "using an uninitialised or destroyed lock panics")
{

	checking();
	test_panics(mutex_zeroed, "mutex_enter: mutex 0x",
	    "never initialised", NULL);
	test_panics(mutex_try_zeroed, "mutex_tryenter: mutex 0x",
	    "never initialised", NULL);
	test_panics(mutex_copied, "mutex_enter: mutex 0x",
	    "never initialised", NULL);
	test_panics(rw_zeroed, "rw_enter: rwlock 0x", "never initialised",
	    NULL);
	test_panics(rw_try_zeroed, "rw_tryenter: rwlock 0x",
	    "never initialised", NULL);
	test_panics(mutex_destroyed, "mutex_enter: mutex 0x", "destroyed",
	    NULL);
	test_panics(rw_destroyed, "rw_enter: rwlock 0x", "destroyed", NULL);
	test_panics(cv_destroyed, "cv_destroy: condvar 0x", "destroyed",
	    NULL);
}

static void
mutex_destroy_held(void)
{

	init();
	mutex_enter(&a);
	mutex_destroy(&a);
}

static void
rw_destroy_read(void)
{

	init();
	rw_enter(&rw, RW_READER);
	rw_destroy(&rw);
}

static void
rw_destroy_written(void)
{

	init();
	rw_enter(&rw, RW_WRITER);
	rw_destroy(&rw);
}

TEST_TC(destroy_held, "destroying a held lock panics")
{

	checking();
	test_panics(mutex_destroy_held, "mutex_destroy: mutex 0x", "is held",
	    "(made at ", NULL);
	test_panics(rw_destroy_read, "rw_destroy: rwlock 0x", "is held",
	    "(made at ", NULL);
	test_panics(rw_destroy_written, "rw_destroy: rwlock 0x", "is held",
	    "(made at ", NULL);
}

struct object {
	char		 o_space[1000];
	kmutex_t	 o_mutex;
	krwlock_t	 o_rw;
};

static void
free_live(void)
{
	struct object *o;

	o = kmem_alloc(sizeof(*o), KM_SLEEP);
	mutex_init(&o->o_mutex, MUTEX_DEFAULT, IPL_NONE);
	rw_init(&o->o_rw);
	mutex_destroy(&o->o_mutex);
	kmem_free(o, sizeof(*o));
}

static void
free_dead(void)
{
	struct object *o;
	int i;

	for (i = 0; i < 1000; i++) {
		o = kmem_alloc(sizeof(*o), KM_SLEEP);
		mutex_init(&o->o_mutex, MUTEX_DEFAULT, IPL_NONE);
		rw_init(&o->o_rw);
		mutex_enter(&o->o_mutex);
		mutex_exit(&o->o_mutex);
		rw_destroy(&o->o_rw);
		mutex_destroy(&o->o_mutex);
		kmem_free(o, sizeof(*o));
	}
}

TEST_TC(memory, "freeing memory with a lock in it panics")
{

	checking();
	test_panics(free_live, "kmem_free: memory 0x", "rwlock 0x",
	    "(made at ", NULL);
	test_lives(free_dead);
}

static void
leak(void)
{

	mutex_init(&a, MUTEX_DEFAULT, IPL_NONE);
	rw_init(&rw);
	rw_destroy(&rw);
	exit(0);
}

TEST_TC(leaks, "strict: an object not destroyed at exit is reported")
{

	strict();
	test_says(leak, "exit: not destroyed: mutex 0x", "(made at ", NULL);
}

/*
 * Holding.
 */
static void
mutex_self(void)
{

	init();
	mutex_enter(&a);
	mutex_enter(&a);
}

static void
spin_self(void)
{

	init();
	mutex_spin_enter(&spin);
	mutex_spin_enter(&spin);
}

static void
rw_self(void)
{

	init();
	rw_enter(&rw, RW_WRITER);
	rw_enter(&rw, RW_READER);
}

static void
rw_read_write(void)
{

	init();
	rw_enter(&rw, RW_READER);
	rw_enter(&rw, RW_WRITER);
}

static void
rw_upgraded(void)
{

	init();
	rw_enter(&rw, RW_READER);
	if (!rw_tryupgrade(&rw))
		_exit(3);
	rw_enter(&rw, RW_READER);
}

static void
rw_read_twice(void)
{

	init();
	rw_enter(&rw, RW_READER);
	rw_enter(&rw, RW_READER);
	rw_exit(&rw);
	rw_exit(&rw);
	fini();
}

TEST_TC(myself, "locking against myself panics, in every form")
{

	checking();
	test_panics(mutex_self, "mutex_enter: locking against myself: "
	    "mutex 0x", "(made at ", NULL);
	test_panics(spin_self, "mutex_spin_enter: locking against myself: "
	    "mutex 0x", "(made at ", NULL);
	test_panics(rw_self, "rw_enter: locking against myself: rwlock 0x",
	    "(made at ", NULL);
	test_panics(rw_read_write, "rw_enter: locking against myself: "
	    "rwlock 0x", "(made at ", NULL);
	test_panics(rw_upgraded, "rw_enter: locking against myself: "
	    "rwlock 0x", "(made at ", NULL);
	test_says(rw_read_twice, "rw_enter: taken for reading again",
	    "rwlock 0x", "(made at ", NULL);
}

TEST_TC(myself_strict, "strict: reading a lock again panics")
{

	strict();
	test_panics(rw_read_twice, "rw_enter: taken for reading again",
	    "rwlock 0x", "(made at ", NULL);
}

static void *
exit_reading(void *arg)
{

	rw_exit(arg);
	return NULL;
}

static void
rw_exit_by_other(void)
{

	init();
	rw_enter(&rw, RW_READER);
	test_join(test_thread(exit_reading, &rw));
}

TEST_TC(release, "releasing a lock that the thread does not hold panics")
{

	checking();
	test_panics(rw_exit_by_other, "rw_exit: rwlock 0x", "not held",
	    "(made at ", NULL);
}

/*
 * Functions that return with a lock held.
 */
static void
return_holding(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	mutex_enter(&a);
}

static void
return_reading(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	rw_enter(&rw, RW_READER);
}

static void
work_mutex(void)
{

	init();
	create(return_holding);
	workqueue_enqueue(wq, &work, NULL);
	workqueue_destroy(wq);
}

static void
work_rwlock(void)
{

	init();
	create(return_reading);
	workqueue_enqueue(wq, &work, NULL);
	workqueue_destroy(wq);
}

static void
hold(void *arg)
{

	(void)arg;
	mutex_enter(&a);
	sem_post(&sem);
}

static void
callout_mutex(void)
{
	static callout_t ch;

	init();
	callout_init(&ch, CALLOUT_MPSAFE);
	callout_reset(&ch, 1, hold, NULL);
	test_sem_wait(&sem);
	test_sem_wait(&sem2);
}

static void
softint_mutex(void)
{
	void *sih;

	init();
	sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, hold, NULL);
	softint_schedule(sih);
	test_sem_wait(&sem);
	test_sem_wait(&sem2);
}

static void
hold_in_job(struct threadpool_job *job)
{

	mutex_enter(&b);
	threadpool_job_done(job);
	mutex_exit(&b);
	mutex_enter(&a);
}

static void
job_mutex(void)
{
	static struct threadpool_job job;
	struct threadpool *pool;

	init();
	if (threadpool_get(&pool, PRI_NONE) != 0)
		_exit(3);
	threadpool_job_init(&job, hold_in_job, &b, "job");
	mutex_enter(&b);
	threadpool_schedule_job(pool, &job);
	mutex_exit(&b);
	test_sem_wait(&sem2);
}

static void
kthread_mutex(void)
{
	struct lwp *l;

	init();
	if (kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN, NULL,
	    hold, NULL, &l, "test") != 0)
		_exit(3);
	kthread_join(l);
}

static void *
end_holding(void *arg)
{

	mutex_enter(arg);
	return NULL;
}

static void
thread_mutex(void)
{

	init();
	test_join(test_thread(end_holding, &a));
}

TEST_TC(returns, "strict: a callback, callout, soft interrupt, job or thread "
    "that ends with a lock held panics")
{

	strict();
	test_panics(work_mutex, "workqueue \"tested\" (made at ",
	    ": function ",
	    "returned holding mutex 0x", "(made at ", NULL);
	test_panics(work_rwlock, "workqueue \"tested\" (made at ",
	    ": function ",
	    "returned holding rwlock 0x", "(made at ", NULL);
	test_panics(callout_mutex, "callout", "function ",
	    "returned holding mutex 0x", "(made at ", NULL);
	test_panics(softint_mutex, "softint", "function ",
	    "returned holding mutex 0x", "(made at ", NULL);
	test_panics(job_mutex, "threadpool: job", "returned holding mutex 0x",
	    "(made at ", NULL);
	test_panics(kthread_mutex, "thread ends holding mutex 0x",
	    "(made at ", NULL);
	test_panics(thread_mutex, "thread ends holding mutex 0x",
	    "(made at ", NULL);
}

/* A spin mutex, which also raises the level, is reported as held. */
static void
hold_spin(void *arg)
{

	(void)arg;
	mutex_enter(&spin);
	sem_post(&sem);
}

static void
work_spin(struct work *wk, void *arg)
{

	(void)wk;
	hold_spin(arg);
}

static void
return_spin(void)
{

	init();
	create(work_spin);
	workqueue_enqueue(wq, &work, NULL);
	workqueue_destroy(wq);
}

static void
callout_spin(void)
{
	static callout_t ch;

	init();
	callout_init(&ch, CALLOUT_MPSAFE);
	callout_reset(&ch, 1, hold_spin, NULL);
	test_sem_wait(&sem2);
}

static void
softint_spin(void)
{
	void *sih;

	init();
	sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, hold_spin, NULL);
	softint_schedule(sih);
	test_sem_wait(&sem2);
}

static void
kthread_spin(void)
{
	struct lwp *l;

	init();
	if (kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN, NULL,
	    hold_spin, NULL, &l, "test") != 0)
		_exit(3);
	kthread_join(l);
}

/* Other things that a cross-call, a thread and a callback leave behind. */
static void
call_hold(void *arg, void *arg2)
{

	(void)arg2;
	mutex_enter(arg);
}

static void
call_raise(void *arg, void *arg2)
{

	(void)arg;
	(void)arg2;
	(void)splvm();
}

static void
call_klock(void *arg, void *arg2)
{

	(void)arg;
	(void)arg2;
	KERNEL_LOCK(1, NULL);
}

static void
call_nopreempt(void *arg, void *arg2)
{

	(void)arg;
	(void)arg2;
	kpreempt_disable();
}

static xcfunc_t call_func;
static unsigned int call_flags;

static void
call(void)
{

	init();
	xc_wait(xc_unicast(call_flags, call_func, &a, NULL, curcpu()));
}

static void
raise_level(void *arg)
{

	(void)arg;
	(void)splvm();
}

static void
kthread_raised(void)
{
	struct lwp *l;

	init();
	/* The same for a thread that no thread joins. */
	if (kthread_create(PRI_NONE, KTHREAD_MPSAFE, NULL, raise_level, NULL,
	    &l, "raised") != 0)
		_exit(3);
	test_sem_wait(&sem2);
}

static void *
end_raised(void *arg)
{

	(void)splvm();
	return arg;
}

static void
thread_raised(void)
{

	init();
	test_join(test_thread(end_raised, NULL));
}

static percpu_t *pc;

static void
work_percpu(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	(void)percpu_getref(pc);
}

static void
return_percpu(void)
{

	init();
	pc = percpu_alloc(sizeof(int));
	create(work_percpu);
	workqueue_enqueue(wq, &work, NULL);
	workqueue_destroy(wq);
}

TEST_TC(returns_spin, "a function that ends with a spin mutex held panics and "
    "names the mutex")
{

	checking();
	test_panics(return_spin, "workqueue \"tested\" (made at ",
	    "function ", "returned holding mutex 0x", "taken at ", NULL);
	test_panics(callout_spin, "callout 0x", "(made at ", "function ",
	    "returned holding mutex 0x", "taken at ", NULL);
	test_panics(softint_spin, "softint 0x", "(made at ", "function ",
	    "returned holding mutex 0x", "taken at ", NULL);
	test_panics(kthread_spin, "kthread_exit: thread ends holding mutex 0x",
	    "(made at ", "taken at ", "thread \"test\"", NULL);
}

TEST_TC(returns_else, "strict: a cross-call, thread or callback that ends at "
    "a raised level, with preemption off, or with the kernel lock panics")
{
	unsigned int flags[] = { 0, XC_HIGHPRI };
	unsigned i;

	strict();
	for (i = 0; i < TEST_NELEM(flags); i++) {
		call_flags = flags[i];
		call_func = call_hold;
		test_panics(call, "xcall", "function ",
		    "returned holding mutex 0x", "(made at ", NULL);
		call_func = call_raise;
		test_panics(call, "xcall (made at ", "function ",
		    "returned at IPL 5", NULL);
		call_func = call_klock;
		test_panics(call, "xcall (made at ", "function ",
		    "returned holding 1 kernel locks", NULL);
		call_func = call_nopreempt;
		test_panics(call, "xcall (made at ", "function ",
		    "returned with preemption off", NULL);
	}
	test_panics(kthread_raised, "kthread_exit: \"raised\" (made at ",
	    "ends at IPL 5", NULL);
	test_panics(thread_raised, "thread \"", "ends at IPL 5", NULL);
	test_panics(return_percpu, "workqueue \"tested\" (made at ",
	    "returned with preemption off", NULL);
}

/*
 * Each report names its object and where that was made.
 */
static void
exit_free(void)
{

	init();
	mutex_exit(&a);
}

static void
exit_spin_free(void)
{

	init();
	mutex_spin_exit(&spin);
}

static void
spin_adaptive(void)
{

	init();
	mutex_spin_enter(&a);
}

static void
enter_under_spin(void)
{

	init();
	mutex_enter(&spin);
	mutex_enter(&a);
}

static void
rw_enter_under_spin(void)
{

	init();
	mutex_enter(&spin);
	rw_enter(&rw, RW_READER);
}

static void
rw_exit_free(void)
{

	init();
	rw_exit(&rw);
}

static void
rw_upgrade_free(void)
{

	init();
	(void)rw_tryupgrade(&rw);
}

static void
rw_downgrade_free(void)
{

	init();
	rw_downgrade(&rw);
}

static void
wait_unlocked(void)
{

	init();
	cv_wait(&cv, &a);
}

static void
wait_under_spin(void)
{

	init();
	mutex_enter(&spin);
	mutex_enter(&spin2);
	cv_wait(&cv, &spin2);
}

static void
sleep_unlocked(void)
{

	init();
	(void)mtsleep(&a, 0, "test", 1, &a);
}

static void
pause_under_spin(void)
{

	init();
	mutex_enter(&spin);
	(void)kpause("test", false, 1, NULL);
}

static void
klock_under_spin(void)
{

	init();
	mutex_enter(&spin);
	KERNEL_LOCK(1, NULL);
}

static void
work_nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static void
enqueue_raised(void)
{

	init();
	create(work_nothing);
	(void)splvm();
	workqueue_enqueue(wq, &work, NULL);
}

static void
work_stays(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	sem_post(&sem);
	test_sem_wait(&sem2);
}

static void
enqueue_twice(void)
{
	static struct work first;

	init();
	create(work_stays);
	workqueue_enqueue(wq, &first, NULL);
	test_sem_wait(&sem);
	workqueue_enqueue(wq, &work, NULL);
	workqueue_enqueue(wq, &work, NULL);
}

static void
wait_raised(void)
{

	init();
	create(work_nothing);
	(void)splvm();
	workqueue_wait(wq, &work);
}

static callout_t made_callout;

static void
halt_raised(void)
{

	callout_init(&made_callout, CALLOUT_MPSAFE);
	(void)splvm();
	callout_halt(&made_callout, NULL);
}

static void
destroy_pending(void)
{

	callout_init(&made_callout, CALLOUT_MPSAFE);
	callout_reset(&made_callout, 1000000, hold, NULL);
	callout_destroy(&made_callout);
}

static void
disestablish_raised(void)
{
	void *sih;

	init();
	sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, hold, NULL);
	(void)splvm();
	softint_disestablish(sih);
}

static void
quiet(void *arg)
{

	(void)arg;
}

static void
join_nopreempt(void)
{
	struct lwp *l;

	init();
	if (kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN, NULL,
	    quiet, NULL, &l, "joined") != 0)
		_exit(3);
	kpreempt_disable();
	kthread_join(l);
}

static int
intr_lock(void *arg)
{

	(*(void (**)(void))arg)();
	return 1;
}

static void (*in_intr)(void);

static void
interrupt(void)
{
	void *ih;

	init();
	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, intr_lock, &in_intr);
	if (ih != NULL)
		intr_inject(ih);
}

static void
intr_mutex(void)
{

	mutex_enter(&a);
}

static void
intr_mutex_try(void)
{

	(void)mutex_tryenter(&a);
}

static void
intr_rw(void)
{

	rw_enter(&rw, RW_READER);
}

static void
intr_rw_try(void)
{

	(void)rw_tryenter(&rw, RW_READER);
}

static void
intr_cv(void)
{

	mutex_enter(&spin);
	cv_wait(&cv, &spin);
}

static void
intr_klock_spin(void)
{

	mutex_enter(&spin);
}

#define	MADE	"(made at "

TEST_TC(made, "a report names the object, where it was made, and where the "
    "lock was taken")
{

	checking();
	test_panics(exit_free, "mutex_exit: mutex 0x", MADE, "not held", NULL);
	test_panics(exit_spin_free, "mutex_spin_exit: mutex 0x", MADE,
	    "not held", NULL);
	test_panics(spin_adaptive, "mutex_spin_enter: mutex 0x", MADE,
	    "is adaptive", NULL);
	test_panics(enter_under_spin, "mutex_enter: blocking at IPL 5, on "
	    "mutex 0x", MADE, ", holding mutex 0x", "taken at ", NULL);
	test_panics(rw_enter_under_spin, "rw_enter: blocking at IPL 5, on "
	    "rwlock 0x", MADE, ", holding mutex 0x", "taken at ", NULL);
	test_panics(rw_exit_free, "rw_exit: rwlock 0x", MADE, "not held",
	    NULL);
	test_panics(rw_upgrade_free, "rw_tryupgrade: rwlock 0x", MADE,
	    "not held", NULL);
	test_panics(rw_downgrade_free, "rw_downgrade: rwlock 0x", MADE,
	    "not held", NULL);
	test_panics(wait_unlocked, "cv_wait: condvar 0x", MADE, "mutex 0x",
	    "not held", NULL);
	test_panics(wait_under_spin, "cv_wait: sleeping at IPL 7, on "
	    "condvar 0x", MADE, ", holding mutex 0x", "taken at ", NULL);
	test_panics(sleep_unlocked, "mtsleep: mutex 0x", MADE, "not held",
	    NULL);
	test_panics(pause_under_spin, "kpause: sleeping at IPL 5, holding "
	    "mutex 0x", MADE, "taken at ", NULL);
	test_panics(enqueue_twice, "enqueued on \"tested\" " MADE,
	    "already pending on \"tested\" " MADE, NULL);
	test_panics(destroy_pending, "callout_destroy: callout 0x", MADE,
	    "is pending", NULL);
	in_intr = intr_mutex;
	test_panics(interrupt, "mutex_enter: blocking in interrupt context, "
	    "on mutex 0x", MADE, NULL);
	in_intr = intr_mutex_try;
	test_panics(interrupt, "mutex_tryenter: adaptive mutex 0x", MADE,
	    "interrupt context", NULL);
	in_intr = intr_rw;
	test_panics(interrupt, "rw_enter: blocking in interrupt context, on "
	    "rwlock 0x", MADE, NULL);
	in_intr = intr_rw_try;
	test_panics(interrupt, "rw_tryenter: rwlock 0x", MADE,
	    "interrupt context", NULL);
	in_intr = intr_cv;
	test_panics(interrupt, "cv_wait: sleeping in interrupt context, on "
	    "condvar 0x", MADE, NULL);
	in_intr = intr_klock_spin;
	test_panics(interrupt, "interrupt handler: function ",
	    "returned holding mutex 0x", MADE, "taken at ", NULL);
}

TEST_TC(made_strict, "the reports of strict mode do, too")
{

	strict();
	test_panics(klock_under_spin, "KERNEL_LOCK: ", "holding mutex 0x",
	    MADE, "taken at ", NULL);
	test_panics(enqueue_raised, "workqueue_enqueue: \"tested\"",
	    "called at IPL 5", MADE, NULL);
	test_panics(wait_raised, "workqueue_wait: sleeping at IPL 5, on "
	    "workqueue \"tested\" " MADE, NULL);
	test_panics(halt_raised, "callout_halt: blocking at IPL 5, on "
	    "callout 0x", MADE, NULL);
	test_panics(disestablish_raised, "softint_disestablish: sleeping at "
	    "IPL 5, on softint 0x", MADE, NULL);
	test_panics(join_nopreempt, "kthread_join: sleeping with preemption "
	    "off, on kthread \"joined\" " MADE, NULL);
}

/*
 * Actual deadlocks.
 */
static void *
ab(void *arg)
{

	(void)arg;
	mutex_enter(&a);
	sem_post(&sem);
	test_sem_wait(&sem2);
	mutex_enter(&b);
	return NULL;
}

static void
cycle_mutex(void)
{

	init();
	(void)test_thread(ab, NULL);
	test_sem_wait(&sem);
	mutex_enter(&b);
	sem_post(&sem2);
	mutex_enter(&a);
}

static void *
a_rw(void *arg)
{

	(void)arg;
	rw_enter(&rw, RW_READER);
	sem_post(&sem);
	test_sem_wait(&sem2);
	mutex_enter(&a);
	return NULL;
}

static void *
rw_b(void *arg)
{

	(void)arg;
	mutex_enter(&b);
	sem_post(&sem);
	test_sem_wait(&sem2);
	rw_enter(&rw, RW_WRITER);
	return NULL;
}

static void
cycle_three(void)
{

	init();
	(void)test_thread(a_rw, NULL);
	test_sem_wait(&sem);
	(void)test_thread(rw_b, NULL);
	test_sem_wait(&sem);
	mutex_enter(&a);
	sem_post(&sem2);
	sem_post(&sem2);
	mutex_enter(&b);
}

static void
take_a(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	sem_post(&sem);
	mutex_enter(&a);
	mutex_exit(&a);
}

static void
cycle_work(void)
{

	init();
	create(take_a);
	mutex_enter(&a);
	workqueue_enqueue(wq, &work, NULL);
	workqueue_wait(wq, &work);
}

static void
cycle_destroy(void)
{

	init();
	create(take_a);
	mutex_enter(&a);
	workqueue_enqueue(wq, &work, NULL);
	workqueue_destroy(wq);
}

TEST_TC(deadlock, "a deadlock is reported as it closes, with all its threads")
{

	checking();
	test_panics(cycle_mutex, "mutex_enter: deadlock: thread", "waits for "
	    "mutex 0x", "(made at ", "held by thread", NULL);
	test_panics(cycle_three, "deadlock: thread", "waits for mutex 0x",
	    "waits for rwlock 0x", NULL);
	/* If the worker was first, a lock order reversal is reported first. */
	test_aborts(cycle_work, "deadlock: thread", "waits for mutex 0x",
	    "waits for workqueue \"tested\" (made at ", NULL);
	test_aborts(cycle_destroy, "deadlock: thread", "waits for mutex 0x",
	    "waits for workqueue \"tested\" (made at ", NULL);
}

/*
 * Possible deadlocks.
 */
static void
both(kmutex_t *m, kmutex_t *n)
{

	mutex_enter(m);
	mutex_enter(n);
	mutex_exit(n);
	mutex_exit(m);
}

static void
inverted(void)
{

	init();
	both(&a, &b);
	both(&b, &a);
	both(&b, &a);
	fini();
}

static void
inverted_spin(void)
{

	init();
	both(&spin, &spin2);
	both(&spin2, &spin);
	fini();
}

static void
inverted_three(void)
{

	init();
	both(&a, &b);
	mutex_enter(&b);
	rw_enter(&rw, RW_READER);
	rw_exit(&rw);
	mutex_exit(&b);
	rw_enter(&rw, RW_WRITER);
	mutex_enter(&a);
	mutex_exit(&a);
	rw_exit(&rw);
	fini();
}

static void
inverted_work(void)
{

	init();
	create(take_a);
	workqueue_enqueue(wq, &work, NULL);
	workqueue_wait(wq, &work);
	mutex_enter(&a);
	workqueue_wait(wq, &work);
	mutex_exit(&a);
	workqueue_destroy(wq);
	fini();
}

static void
inverted_cv(void)
{

	init();
	mutex_enter(&a);
	mutex_enter(&b);
	cv_timedwait(&cv, &a, 1);
	mutex_exit(&b);
	mutex_exit(&a);
	fini();
}

TEST_TC(inversion, "a lock order reversal is reported once, with both chains")
{
	struct test_child tc;
	const char *s;

	checking();
	test_says(inverted, "mutex_enter: lock order: thread", "holds mutex 0x",
	    "(made at ", "before, thread", NULL);
	test_says(inverted_spin, "lock order: thread", "before, thread", NULL);
	test_says(inverted_three, "lock order: thread", "before, thread",
	    "and wanted rwlock 0x", NULL);
	test_says(inverted_work, "workqueue_wait: lock order: thread",
	    "wants workqueue \"tested\" (made at ", "before, thread", NULL);
	test_says(inverted_cv, "lock order: thread", NULL);

	test_child(&tc, inverted);
	s = strstr(tc.tc_err, "holds mutex");
	ATF_REQUIRE(s != NULL && strstr(s + 1, "holds mutex") == NULL);
}

TEST_TC(inversion_strict, "strict: a lock order reversal panics")
{

	strict();
	test_panics(inverted, "mutex_enter: lock order: thread",
	    "holds mutex 0x", "(made at ", "before, thread", NULL);
	test_panics(inverted_spin, "lock order: thread", "before, thread",
	    NULL);
	test_panics(inverted_three, "lock order: thread", "before, thread",
	    NULL);
	test_panics(inverted_work, "workqueue_wait: lock order: thread",
	    "before, thread", NULL);
	test_panics(inverted_cv, "lock order: thread", NULL);
}

/*
 * Correct code.
 */
static void
kernel_lock_orders(void)
{

	init();
	KERNEL_LOCK(1, NULL);
	mutex_enter(&a);
	rw_enter(&rw, RW_WRITER);
	rw_exit(&rw);
	mutex_exit(&a);
	mutex_enter(&spin);
	mutex_exit(&spin);
	KERNEL_UNLOCK_ONE(NULL);
	mutex_enter(&a);
	rw_enter(&rw, RW_READER);
	KERNEL_LOCK(1, NULL);
	KERNEL_UNLOCK_ONE(NULL);
	rw_exit(&rw);
	mutex_exit(&a);
	fini();
}

static void *
klock_a(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(5000); i++) {
		KERNEL_LOCK(1, NULL);
		mutex_enter(&a);
		mutex_exit(&a);
		KERNEL_UNLOCK_ONE(NULL);
	}
	return NULL;
}

static void *
a_klock(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(5000); i++) {
		mutex_enter(&a);
		KERNEL_LOCK(1, NULL);
		KERNEL_UNLOCK_ONE(NULL);
		mutex_exit(&a);
	}
	return NULL;
}

static void
kernel_lock_contended(void)
{
	pthread_t t;

	init();
	t = test_thread(klock_a, NULL);
	(void)a_klock(NULL);
	test_join(t);
	fini();
}

static void
hand_over_hand(void)
{

	init();
	mutex_enter(&a);
	mutex_enter(&b);
	mutex_exit(&a);
	mutex_enter(&c);
	mutex_exit(&b);
	mutex_exit(&c);
	both(&a, &c);
	fini();
}

static void
lives(void)
{
	int i;

	for (i = 0; i < 100; i++) {
		init();
		if (i % 2 == 0)
			both(&a, &b);
		else
			both(&b, &a);
		mutex_destroy(&a);
		mutex_init(&a, MUTEX_DEFAULT, IPL_NONE);
		if (i % 2 != 0)
			both(&a, &b);
		else
			both(&b, &a);
		fini();
	}
}

static void
backs_off(void)
{

	init();
	both(&a, &b);
	mutex_enter(&b);
	if (!mutex_tryenter(&a))
		_exit(3);
	mutex_exit(&a);
	mutex_exit(&b);
	rw_enter(&rw, RW_READER);
	mutex_enter(&a);
	mutex_exit(&a);
	rw_exit(&rw);
	mutex_enter(&a);
	if (!rw_tryenter(&rw, RW_WRITER))
		_exit(3);
	rw_exit(&rw);
	mutex_exit(&a);
	/* A thread that holds a mutex may try to take it. */
	mutex_enter(&a);
	if (mutex_tryenter(&a))
		_exit(3);
	mutex_exit(&a);
	fini();
}

static void *
reads(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(5000); i++) {
		rw_enter(&rw, RW_READER);
		if (i % 8 == 0 && rw_tryupgrade(&rw))
			rw_downgrade(&rw);
		rw_exit(&rw);
		if (i % 16 == 0) {
			rw_enter(&rw, RW_WRITER);
			if (i % 32 == 0)
				rw_downgrade(&rw);
			rw_exit(&rw);
		}
	}
	return NULL;
}

static void
readers(void)
{

	init();
	test_threads(4, reads, NULL);
	fini();
}

static void *
waits(void *arg)
{

	(void)arg;
	mutex_enter(&a);
	while (!ready)
		cv_wait(&cv, &a);
	mutex_exit(&a);
	return NULL;
}

static void
condvar(void)
{
	pthread_t t[4];
	unsigned i;

	init();
	for (i = 0; i < TEST_NELEM(t); i++)
		t[i] = test_thread(waits, NULL);
	mutex_enter(&a);
	/* No thread holds the mutex during the wait. */
	(void)cv_timedwait(&cv, &a, 2);
	ready = 1;
	cv_broadcast(&cv);
	mutex_exit(&a);
	for (i = 0; i < TEST_NELEM(t); i++)
		test_join(t[i]);
	fini();
}

static void *
pair_loop(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(5000); i++) {
		both(&a, &b);
		both(&b, &spin);
		both(&spin, &spin2);
	}
	return NULL;
}

static void
contended(void)
{

	init();
	test_threads(4, pair_loop, NULL);
	fini();
}

/* Wait repeatedly, holding a lock that the callbacks do not take. */
static void *
enqueue_wait(void *arg)
{
	struct work wk;
	int i;

	(void)arg;
	for (i = 0; i < TEST_SCALE(5000); i++) {
		mutex_enter(&b);
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_wait(wq, &wk);
		mutex_exit(&b);
		mutex_enter(&a);
		mutex_exit(&a);
	}
	return NULL;
}

static void
wait_unrelated(void)
{

	init();
	create(take_a);
	test_threads(2, enqueue_wait, NULL);
	workqueue_destroy(wq);
	fini();
}

/* Each callback of a CPU waits for an item of another CPU's queue. */
static void
nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static void
wait_in_callback(struct work *wk, void *arg)
{
	struct work other;

	(void)wk;
	workqueue_enqueue(arg, &other, NULL);
	workqueue_wait(arg, &other);
	sem_post(&sem);
}

static void
wait_for_other_queue(void)
{
	struct workqueue *outer;

	init();
	create(nothing);
	if (workqueue_create(&outer, "outer", wait_in_callback, wq, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE) != 0)
		_exit(3);
	workqueue_enqueue(outer, &work, NULL);
	workqueue_destroy(outer);
	workqueue_destroy(wq);
	fini();
}

static int
handler(void *arg)
{

	(void)arg;
	both(&spin, &spin2);
	return 1;
}

static void
in_interrupts(void)
{
	void *ih;
	int i;

	init();
	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, handler, NULL);
	if (ih == NULL)
		_exit(3);
	for (i = 0; i < 100; i++) {
		mutex_enter(&a);
		intr_inject(ih);
		both(&spin, &spin2);
		mutex_enter(&spin);
		intr_inject(ih);
		mutex_exit(&spin);
		mutex_exit(&a);
	}
	intr_disestablish(ih);
	fini();
}

static void *
holds_all(void *arg)
{

	(void)arg;
	mutex_enter(&a);
	rw_enter(&rw, RW_WRITER);
	sem_post(&sem);
	test_sem_wait(&sem2);
	rw_exit(&rw);
	mutex_exit(&a);
	return NULL;
}

static void
forked(void)
{
	pthread_t t;
	pid_t pid;
	int status;

	init();
	t = test_thread(holds_all, NULL);
	test_sem_wait(&sem);
	mutex_enter(&b);
	pid = test_fork();
	if (pid == 0) {
		/* A lock that the other thread held stays held. */
		if (mutex_tryenter(&a))
			_exit(3);
		both(&c, &spin);
		mutex_exit(&b);
		mutex_destroy(&b);
		mutex_init(&b, MUTEX_DEFAULT, IPL_NONE);
		both(&b, &c);
		/* It is free when it is initialised again. */
		mutex_init(&a, MUTEX_DEFAULT, IPL_NONE);
		both(&c, &a);
		mutex_destroy(&a);
		_exit(0);
	}
	mutex_exit(&b);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		_exit(4);
	sem_post(&sem2);
	test_join(t);
	fini();
}

static void
correct(void)
{

	test_lives(kernel_lock_orders);
	test_lives(kernel_lock_contended);
	test_lives(hand_over_hand);
	test_lives(lives);
	test_lives(backs_off);
	test_lives(readers);
	test_lives(condvar);
	test_lives(contended);
	test_lives(wait_unrelated);
	test_lives(wait_for_other_queue);
	test_lives(in_interrupts);
	test_lives(forked);
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

/*
 * More locks than the tables can hold.
 */
static void
many_held(void)
{
	static kmutex_t m[40];
	unsigned i;

	for (i = 0; i < TEST_NELEM(m); i++) {
		mutex_init(&m[i], MUTEX_DEFAULT, IPL_NONE);
		mutex_enter(&m[i]);
	}
	for (i = 0; i < TEST_NELEM(m); i++) {
		mutex_exit(&m[i]);
		mutex_destroy(&m[i]);
	}
	/* This one is no longer watched. */
	inverted();
}

static void
many_objects(void)
{
	static kmutex_t m[140000];
	unsigned i;

	for (i = 0; i < TEST_NELEM(m); i++)
		mutex_init(&m[i], MUTEX_DEFAULT, IPL_NONE);
	for (i = 0; i + 1 < TEST_NELEM(m); i++)
		both(&m[i], &m[i + 1]);
	for (i = 0; i < TEST_NELEM(m); i++)
		mutex_destroy(&m[i]);
}

static void
many_orders(void)
{
	static kmutex_t m[520];
	unsigned i, j;

	for (i = 0; i < TEST_NELEM(m); i++)
		mutex_init(&m[i], MUTEX_DEFAULT, IPL_NONE);
	for (i = 0; i < TEST_NELEM(m); i++)
		for (j = i + 1; j < TEST_NELEM(m); j++)
			both(&m[i], &m[j]);
	for (i = 0; i < TEST_NELEM(m); i++)
		mutex_destroy(&m[i]);
}

TEST_TC(overflow, "a full table is reported once, and causes no false report")
{
	struct test_child tc;

	checking();
	test_child(&tc, many_held);
	ATF_REQUIRE_MSG(tc.tc_status == 0 && strncmp(tc.tc_err,
	    "workqueue: checking: too many locks held", 40) == 0 &&
	    strchr(tc.tc_err, '\n')[1] == '\0', "%s", tc.tc_err);
	test_child(&tc, many_objects);
	ATF_REQUIRE_MSG(tc.tc_status == 0 && strncmp(tc.tc_err,
	    "workqueue: checking: too many locks to", 38) == 0,
	    "%s", tc.tc_err);
	test_child(&tc, many_orders);
	ATF_REQUIRE_MSG(tc.tc_status == 0 && strncmp(tc.tc_err,
	    "workqueue: checking: too many orders", 36) == 0 &&
	    strchr(tc.tc_err, '\n')[1] == '\0', "%s", tc.tc_err);
}

/* Without checking mode nothing is reported. */
static void
unchecked(void)
{

	mutex_twice();
	rw_twice();
	inverted();
	rw_read_twice();
	memset(&a, 0, sizeof(a));
	mutex_zeroed();
	mutex_exit(&a);
}

TEST_TC(off, "without checking mode nothing is reported")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_lives(unchecked);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, init_twice);
	ATF_TP_ADD_TC(tp, no_object);
	ATF_TP_ADD_TC(tp, destroy_held);
	ATF_TP_ADD_TC(tp, memory);
	ATF_TP_ADD_TC(tp, leaks);
	ATF_TP_ADD_TC(tp, myself);
	ATF_TP_ADD_TC(tp, myself_strict);
	ATF_TP_ADD_TC(tp, release);
	ATF_TP_ADD_TC(tp, returns);
	ATF_TP_ADD_TC(tp, returns_spin);
	ATF_TP_ADD_TC(tp, returns_else);
	ATF_TP_ADD_TC(tp, made);
	ATF_TP_ADD_TC(tp, made_strict);
	ATF_TP_ADD_TC(tp, deadlock);
	ATF_TP_ADD_TC(tp, inversion);
	ATF_TP_ADD_TC(tp, inversion_strict);
	ATF_TP_ADD_TC(tp, no_alarm);
	ATF_TP_ADD_TC(tp, no_alarm_strict);
	ATF_TP_ADD_TC(tp, overflow);
	ATF_TP_ADD_TC(tp, off);
	return atf_no_error();
}
