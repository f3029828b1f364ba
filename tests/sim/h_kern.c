/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The protocols of the kernel around the engine: soft interrupts, callouts,
 * locks, the owners of CPUs, and cross-calls.
 */

#include <sys/atomic.h>
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/percpu.h>
#include <sys/pserialize.h>
#include <sys/rwlock.h>
#include <sys/systm.h>
#include <sys/workqueue.h>
#include <sys/xcall.h>

#include <semaphore.h>

#include "h_protocol.h"

static int count, total;
static bool inside, running, over;

/*
 * Do something that only one thread may do at a time.
 */
static void
exclusive(void)
{

	CHECK(!inside);
	inside = true;
	wqsim_point("exclusive");
	count++;
	inside = false;
}

static void
begin(void)
{

	count = total = 0;
	inside = running = over = false;
}

static void
run_two(void *(*one)(void *), void *(*two)(void *))
{
	pthread_t t[2];

	t[0] = start(one, NULL);
	t[1] = start(two, NULL);
	join(t[0]);
	join(t[1]);
}

/*
 * Soft interrupts: the handler runs after the last time that it was scheduled.
 */
static void *soft_ih;
static bool soft_asked[2], soft_served[2];

static void
soft(void *arg)
{
	int i;

	/* The handler may run on both CPUs at once. */
	(void)arg;
	CHECK(!over);
	for (i = 0; i < 2; i++)
		if (soft_asked[i])
			soft_served[i] = true;
	wqsim_point("softint");
	CHECK(!over);
}

static void *
soft_one(void *arg)
{

	soft_asked[0] = true;
	softint_schedule(soft_ih);
	return arg;
}

static void *
soft_two(void *arg)
{

	soft_asked[1] = true;
	softint_schedule(soft_ih);
	softint_schedule(soft_ih);
	return arg;
}

static void
proto_softint(void *arg)
{
	int i;

	(void)arg;
	begin();
	for (i = 0; i < 2; i++)
		soft_asked[i] = soft_served[i] = false;
	soft_ih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, soft, NULL);
	CHECK(soft_ih != NULL);
	run_two(soft_one, soft_two);
	softint_disestablish(soft_ih);
	over = true;
	CHECK(soft_served[0] && soft_served[1]);
}

/*
 * A callout that arms itself again.  Two other threads arm it, too, and then
 * the main thread halts it.
 */
static callout_t ch;
static kmutex_t ch_lock;

static void
call(void *arg)
{

	CHECK(!over && !running);
	running = true;
	mutex_enter(&ch_lock);
	if (++count < 3)
		callout_schedule(&ch, 1);
	mutex_exit(&ch_lock);
	running = false;
	(void)arg;
}

static void *
call_again(void *arg)
{

	callout_schedule(&ch, 1);
	return arg;
}

static void *
call_stop(void *arg)
{

	mutex_enter(&ch_lock);
	(void)callout_halt(&ch, &ch_lock);
	CHECK(!running);
	mutex_exit(&ch_lock);
	return arg;
}

static void
proto_callout(void *arg)
{

	(void)arg;
	begin();
	mutex_init(&ch_lock, MUTEX_DEFAULT, IPL_NONE);
	callout_init(&ch, CALLOUT_MPSAFE);
	callout_reset(&ch, 1, call, NULL);
	/* No thread may arm the callout after the halt. */
	run_two(call_again, call_again);
	(void)call_stop(NULL);
	over = true;
	CHECK(!callout_pending(&ch));
	callout_destroy(&ch);
	mutex_destroy(&ch_lock);
}

/*
 * A thread that looks at a callout which fires finds it pending or invoked.  It
 * finds it active even if another thread arms the callout again.
 */
static void *
call_pending(void *arg)
{
	int i;

	for (i = 0; i < 3; i++)
		CHECK(callout_pending(&ch) || callout_invoking(&ch));
	return arg;
}

static void *
call_active(void *arg)
{
	int i;

	for (i = 0; i < 3; i++)
		CHECK(callout_active(&ch));
	return arg;
}

static void
call_nothing(void *arg)
{

	(void)arg;
}

static void
proto_active(void *arg)
{

	(void)arg;
	begin();
	callout_init(&ch, CALLOUT_MPSAFE);
	callout_reset(&ch, 1, call_nothing, NULL);
	run_two(call_pending, call_active);
	callout_schedule(&ch, 1);
	run_two(call_active, call_again);
	(void)callout_halt(&ch, NULL);
	callout_destroy(&ch);
}

/* Several callouts, one of which needs the kernel lock. */
static callout_t chs[3];
static int fired;

static void
call_count(void *arg)
{

	fired++;
	(void)arg;
}

static void
proto_callouts(void *arg)
{
	int i, halted = 0;

	(void)arg;
	begin();
	fired = 0;
	for (i = 0; i < 3; i++) {
		callout_init(&chs[i], i == 1 ? 0 : CALLOUT_MPSAFE);
		callout_reset(&chs[i], 1 + i % 2, call_count, NULL);
	}
	KERNEL_LOCK(1, NULL);
	wqsim_point("callouts");
	KERNEL_UNLOCK_ONE(NULL);
	for (i = 0; i < 3; i++) {
		if (!callout_halt(&chs[i], NULL))
			halted++;
		callout_destroy(&chs[i]);
	}
	CHECK(fired + halted == 3);
}

/*
 * The kernel lock: threads, a callback that needs it, and a wait that releases
 * it.
 */
static kmutex_t mtx;
static kcondvar_t cv;

static void
klock_run(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	CHECK(KERNEL_LOCKED_P());
	exclusive();
}

static void *
klock_thread(void *arg)
{

	KERNEL_LOCK(2, NULL);
	exclusive();
	mutex_enter(&mtx);
	total++;
	cv_broadcast(&cv);
	while (total < 2)
		cv_wait(&cv, &mtx);
	mutex_exit(&mtx);
	exclusive();
	KERNEL_UNLOCK_ALL(NULL, NULL);
	return arg;
}

static void
proto_klock(void *arg)
{
	struct workqueue *wq;
	struct work wk[2];

	(void)arg;
	begin();
	mutex_init(&mtx, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&cv, "klock");
	CHECK(workqueue_create(&wq, "klock", klock_run, NULL, PRI_NONE,
	    IPL_NONE, 0) == 0);
	workqueue_enqueue(wq, &wk[0], NULL);
	workqueue_enqueue(wq, &wk[1], NULL);
	run_two(klock_thread, klock_thread);
	workqueue_destroy(wq);
	CHECK(count == 6);
	cv_destroy(&cv);
	mutex_destroy(&mtx);
}

/*
 * Mutexes, adaptive and spin, and timed waits.
 */
static void *
mutex_thread(void *arg)
{
	int i;

	for (i = 0; i < 2; i++) {
		mutex_enter(&mtx);
		exclusive();
		total++;
		cv_signal(&cv);
		if (total < 3)
			(void)cv_timedwait(&cv, &mtx, 1);
		mutex_exit(&mtx);
	}
	return arg;
}

static void
mutexes(int ipl)
{

	begin();
	mutex_init(&mtx, MUTEX_DEFAULT, ipl);
	cv_init(&cv, "mutex");
	run_two(mutex_thread, mutex_thread);
	CHECK(count == 4 && total == 4);
	cv_destroy(&cv);
	mutex_destroy(&mtx);
}

static void
proto_mutex(void *arg)
{

	(void)arg;
	mutexes(IPL_NONE);
}

static void
proto_spin(void *arg)
{

	(void)arg;
	mutexes(IPL_VM);
}

static krwlock_t rw;
static int readers;

static void *
rw_reader(void *arg)
{

	rw_enter(&rw, RW_READER);
	CHECK(!inside);
	readers++;
	wqsim_point("reader");
	CHECK(!inside);
	readers--;
	if (rw_tryupgrade(&rw)) {
		CHECK(readers == 0);
		exclusive();
		rw_downgrade(&rw);
		CHECK(!inside);
	}
	rw_exit(&rw);
	return arg;
}

static void *
rw_writer(void *arg)
{

	rw_enter(&rw, RW_WRITER);
	CHECK(readers == 0);
	exclusive();
	CHECK(readers == 0);
	rw_exit(&rw);
	return rw_reader(arg);
}

static void
proto_rwlock(void *arg)
{
	pthread_t t;

	(void)arg;
	begin();
	readers = 0;
	rw_init(&rw);
	t = start(rw_reader, NULL);
	run_two(rw_writer, rw_writer);
	join(t);
	rw_destroy(&rw);
}

/*
 * The owners of CPUs: no two threads have one CPU at a time.
 */
struct owned {
	bool	o_inside;
	int	o_count;
};

static percpu_t *owned;

static void
own(void)
{
	struct owned *o;

	o = percpu_getref(owned);
	CHECK(!o->o_inside);
	o->o_inside = true;
	wqsim_point("owner");
	o->o_count++;
	o->o_inside = false;
	percpu_putref(owned);
}

static void *
own_thread(void *arg)
{
	int s;

	own();
	s = splvm();
	own();
	splx(s);
	return arg;
}

static void
own_soft(void *arg)
{

	own();
	(void)arg;
}

static void
own_sum(void *p, void *arg, struct cpu_info *ci)
{

	(void)arg;
	(void)ci;
	total += ((struct owned *)p)->o_count;
}

static void
proto_oncpu(void *arg)
{
	pthread_t t;
	void *ih;

	(void)arg;
	begin();
	owned = percpu_alloc(sizeof(struct owned));
	ih = softint_establish(SOFTINT_SERIAL | SOFTINT_MPSAFE, own_soft,
	    NULL);
	CHECK(ih != NULL);
	t = start(own_thread, NULL);
	kpreempt_disable();
	softint_schedule(ih);
	kpreempt_enable();
	run_two(own_thread, own_thread);
	join(t);
	softint_disestablish(ih);
	percpu_foreach(owned, own_sum, NULL);
	CHECK(total == 7);
	percpu_free(owned, sizeof(struct owned));
}

/*
 * Cross-calls, beside threads that own CPUs.
 */
static void
cross(void *a, void *b)
{

	own();
	(void)a;
	(void)b;
}

static void *
cross_thread(void *arg)
{

	xc_wait(xc_broadcast(0, cross, NULL, NULL));
	return arg;
}

static void *
cross_high(void *arg)
{

	xc_wait(xc_unicast(XC_HIGHPRI, cross, NULL, NULL, cpu_lookup(0)));
	return arg;
}

static void
proto_xcall(void *arg)
{
	pthread_t t;

	(void)arg;
	begin();
	owned = percpu_alloc(sizeof(struct owned));
	t = start(own_thread, NULL);
	run_two(cross_thread, cross_high);
	join(t);
	percpu_foreach(owned, own_sum, NULL);
	CHECK(total == ncpu + 3);
	percpu_free(owned, sizeof(struct owned));
}

/*
 * A barrier.  When it returns, each thread that has found the object has left
 * its section.
 */
static struct object {
	int	o_alive;
} object, *published;

static void *
read_section(void *arg)
{
	struct object *o;
	int i;

	for (i = 0; i < 2; i++) {
		kpreempt_disable();
		if ((o = atomic_load_consume(&published)) != NULL) {
			CHECK(o->o_alive);
			wqsim_point("section");
			CHECK(o->o_alive);
		}
		kpreempt_enable();
	}
	return arg;
}

static void *
read_pserialize(void *arg)
{
	struct object *o;
	int s;

	s = pserialize_read_enter();
	if ((o = atomic_load_consume(&published)) != NULL) {
		CHECK(o->o_alive);
		wqsim_point("section");
		CHECK(o->o_alive);
	}
	pserialize_read_exit(s);
	return read_section(arg);
}

static void *
write_barrier(void *arg)
{

	atomic_store_release(&published, NULL);
	xc_barrier(0);
	object.o_alive = 0;
	return arg;
}

static void
proto_barrier(void *arg)
{
	pthread_t t;

	(void)arg;
	begin();
	object.o_alive = 1;
	published = &object;
	t = start(write_barrier, NULL);
	run_two(read_section, read_pserialize);
	join(t);
}

static pserialize_t psz;

static void *
write_perform(void *arg)
{

	mutex_enter(&mtx);
	atomic_store_release(&published, NULL);
	pserialize_perform(psz);
	mutex_exit(&mtx);
	object.o_alive = 0;
	return arg;
}

static void
proto_pserialize(void *arg)
{

	(void)arg;
	begin();
	mutex_init(&mtx, MUTEX_DEFAULT, IPL_NONE);
	psz = pserialize_create();
	object.o_alive = 1;
	published = &object;
	run_two(write_perform, read_pserialize);
	pserialize_destroy(psz);
	mutex_destroy(&mtx);
}

int
main(int argc, char **argv)
{
	static const struct protocol protocols[] = {
		{ "softint", proto_softint, false },
		{ "callout", proto_callout, false },
		{ "active", proto_active, false },
		/* The second callout thread starts in this protocol. */
		{ "callouts", proto_callouts, true },
		{ "klock", proto_klock, false },
		{ "mutex", proto_mutex, false },
		{ "spin", proto_spin, false },
		{ "rwlock", proto_rwlock, false },
		{ "oncpu", proto_oncpu, false },
		{ "xcall", proto_xcall, false },
		{ "barrier", proto_barrier, false },
		{ "pserialize", proto_pserialize, false },
		{ NULL, NULL, false }
	};

	return protocol_main(protocols, argc, argv);
}
