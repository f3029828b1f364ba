/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pserialize(9), psref(9), localcount(9): what keeps an object while threads
 * use it.
 */

#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/intr.h>
#include <sys/localcount.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/pserialize.h>
#include <sys/psref.h>
#include <sys/systm.h>

#include <sched.h>

#include "../../tests.h"

#define	NTHREADS	4

/* An object that readers find without a lock; it is freed when replaced. */
struct object {
	int			o_good;		/* plain */
	struct psref_target	o_target;
	struct localcount	o_count;
};

static struct object *current;		/* atomic */
static atomic_bool stop;
static atomic_int reads;

static struct object *
object_new(void)
{
	struct object *o;

	ATF_REQUIRE((o = calloc(1, sizeof(*o))) != NULL);
	o->o_good = 1;
	return o;
}

static void *
reader(void *arg)
{
	struct object *o;
	int s, s2;

	(void)arg;
	while (!atomic_load(&stop)) {
		s = pserialize_read_enter();
		o = atomic_load_consume(&current);
		TEST_EQ(1, o->o_good);
		s2 = pserialize_read_enter();
		ATF_REQUIRE(pserialize_in_read_section());
		TEST_EQ(1, o->o_good);
		pserialize_read_exit(s2);
		ATF_REQUIRE(!pserialize_not_in_read_section());
		TEST_EQ(1, o->o_good);
		pserialize_read_exit(s);
		ATF_REQUIRE(pserialize_not_in_read_section());
		/*
		 * Yield, so that threads are preempted outside of sections,
		 * too.
		 */
		if (atomic_fetch_add(&reads, 1) % 16 == 0)
			sched_yield();
	}
	return NULL;
}

static void
replace_objects(int n)
{
	struct object *o, *old;
	pserialize_t psz;
	pthread_t t[NTHREADS];
	int i, seen;

	psz = pserialize_create();
	atomic_store_release(&current, object_new());
	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(reader, NULL);
	for (i = 0; i < n; i++) {
		/* Wait until some reader has used the current object. */
		seen = atomic_load(&reads);
		TEST_AWAIT(atomic_load(&reads) != seen);
		o = object_new();
		old = atomic_load_relaxed(&current);
		atomic_store_release(&current, o);
		pserialize_perform(psz);
		old->o_good = 0;
		free(old);
	}
	atomic_store(&stop, true);
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
	free(current);
	pserialize_destroy(psz);
}

TEST_TC(grace, "an object that a reader has found stays until the reader has "
    "left, while others come and go")
{

	replace_objects(TEST_SCALE(20));
}

TEST_TC(grace_1cpu, "the same with one CPU, checking")
{

	test_env("WORKQUEUE_NCPU", "1");
	test_env("WORKQUEUE_CHECK", "1");
	replace_objects(TEST_SCALE(10));
}

static sem_t inside, leave;
static atomic_bool performed;

static void *
slow_reader(void *arg)
{
	int s;

	(void)arg;
	s = pserialize_read_enter();
	sem_post(&inside);
	test_sem_wait(&leave);
	ATF_REQUIRE(!atomic_load(&performed));
	pserialize_read_exit(s);
	return NULL;
}

static void *
performs(void *arg)
{

	pserialize_perform(arg);
	atomic_store(&performed, true);
	return NULL;
}

TEST_TC(waits, "pserialize_perform waits for the readers before it, and not "
    "for later ones")
{
	struct timespec ts = { 0, 50000000 };
	pserialize_t psz;
	pthread_t r, w;
	int i;

	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	psz = pserialize_create();
	/* Do it several times. */
	for (i = 0; i < 3; i++) {
		atomic_store(&performed, false);
		r = test_thread(slow_reader, NULL);
		test_sem_wait(&inside);
		w = test_thread(performs, psz);
		nanosleep(&ts, NULL);
		ATF_REQUIRE(!atomic_load(&performed));
		sem_post(&leave);
		test_join(r);
		test_join(w);
	}
	pserialize_destroy(psz);
}

static atomic_int soft_ran;

static void
soft(void *arg)
{

	(void)arg;
	atomic_fetch_add(&soft_ran, 1);
}

TEST_TC(level, "a read section is at IPL_SOFTSERIAL, and restores the level")
{
	int s, s0;

	s0 = splsoftnet();
	s = pserialize_read_enter();
	TEST_EQ(IPL_SOFTSERIAL, splsoftclock());
	pserialize_read_exit(s);
	TEST_EQ(IPL_SOFTNET, splsoftclock());
	splx(s0);
	s0 = splvm();
	s = pserialize_read_enter();
	TEST_EQ(IPL_VM, splsoftclock());
	pserialize_read_exit(s);
	TEST_EQ(IPL_VM, splsoftclock());
	splx(s0);
}

TEST_TC(softint, "a soft interrupt that a reader schedules runs after it")
{
	void *sih;
	int s;

	sih = softint_establish(SOFTINT_SERIAL | SOFTINT_MPSAFE, soft, NULL);
	s = pserialize_read_enter();
	softint_schedule(sih);
	test_pause();
	TEST_EQ(0, soft_ran);
	pserialize_read_exit(s);
	TEST_AWAIT(atomic_load(&soft_ran) == 1);
	softint_disestablish(sih);
}

static void
child_performs(void)
{
	pserialize_t psz;

	psz = pserialize_create();
	pserialize_perform(psz);
	pserialize_destroy(psz);
}

TEST_TC(child, "a forked child does not wait for the readers of its parent")
{
	pthread_t r;

	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	r = test_thread(slow_reader, NULL);
	test_sem_wait(&inside);
	test_lives(child_performs);
	sem_post(&leave);
	test_join(r);
}

/*
 * psref(9)
 */
static struct psref_class *class;

static void *
psref_reader(void *arg)
{
	struct psref ref, ref2;
	struct object *o;
	int bound, s;

	(void)arg;
	bound = curlwp_bind();
	while (!atomic_load(&stop)) {
		s = pserialize_read_enter();
		o = atomic_load_consume(&current);
		psref_acquire(&ref, &o->o_target, class);
		pserialize_read_exit(s);
		/* A thread may sleep with a reference. */
		if (atomic_fetch_add(&reads, 1) % 64 == 0)
			test_pause();
		ATF_REQUIRE(psref_held(&o->o_target, class));
		psref_copy(&ref2, &ref, class);
		psref_release(&ref, &o->o_target, class);
		TEST_EQ(1, o->o_good);
		ATF_REQUIRE(psref_held(&o->o_target, class));
		psref_release(&ref2, &o->o_target, class);
	}
	curlwp_bindx(bound);
	return NULL;
}

TEST_TC(psref, "the target stays until its last reference is released, and "
    "psref_target_destroy waits for that")
{
	struct object *o, *old;
	pserialize_t psz;
	pthread_t t[NTHREADS];
	int i, seen;

	test_env("WORKQUEUE_CHECK", "1");
	class = psref_class_create("test", IPL_SOFTNET);
	psz = pserialize_create();
	o = object_new();
	psref_target_init(&o->o_target, class);
	atomic_store_release(&current, o);
	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(psref_reader, NULL);
	for (i = 0; i < TEST_SCALE(100); i++) {
		seen = atomic_load(&reads);
		TEST_AWAIT(atomic_load(&reads) != seen);
		o = object_new();
		psref_target_init(&o->o_target, class);
		old = atomic_load_relaxed(&current);
		atomic_store_release(&current, o);
		pserialize_perform(psz);
		ATF_REQUIRE(!psref_held(&old->o_target, class));
		psref_target_destroy(&old->o_target, class);
		old->o_good = 0;
		free(old);
	}
	atomic_store(&stop, true);
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
	psref_target_destroy(&current->o_target, class);
	free(current);
	pserialize_destroy(psz);
	psref_class_destroy(class);
}

/*
 * localcount(9)
 */
static kmutex_t mutex;
static kcondvar_t cv;

static void *
count_reader(void *arg)
{
	struct object *o;
	int s;

	(void)arg;
	while (!atomic_load(&stop)) {
		s = pserialize_read_enter();
		o = atomic_load_consume(&current);
		localcount_acquire(&o->o_count);
		pserialize_read_exit(s);
		if (atomic_fetch_add(&reads, 1) % 64 == 0)
			test_pause();
		TEST_EQ(1, o->o_good);
		localcount_release(&o->o_count, &cv, &mutex);
	}
	return NULL;
}

TEST_TC(localcount, "localcount_drain waits for the last reference")
{
	struct object *o, *old;
	pserialize_t psz;
	pthread_t t[NTHREADS];
	int i, seen;

	psz = pserialize_create();
	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&cv, "drain");
	o = object_new();
	localcount_init(&o->o_count);
	atomic_store_release(&current, o);
	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(count_reader, NULL);
	for (i = 0; i < TEST_SCALE(100); i++) {
		seen = atomic_load(&reads);
		TEST_AWAIT(atomic_load(&reads) != seen);
		o = object_new();
		localcount_init(&o->o_count);
		mutex_enter(&mutex);
		old = atomic_load_relaxed(&current);
		atomic_store_release(&current, o);
		pserialize_perform(psz);
		localcount_drain(&old->o_count, &cv, &mutex);
		TEST_EQ(0, localcount_debug_refcnt(&old->o_count));
		mutex_exit(&mutex);
		localcount_fini(&old->o_count);
		old->o_good = 0;
		free(old);
	}
	atomic_store(&stop, true);
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
	TEST_EQ(0, localcount_debug_refcnt(&current->o_count));
	free(current);
	cv_destroy(&cv);
	mutex_destroy(&mutex);
	pserialize_destroy(psz);
}

static void
perform_inside(void)
{

	(void)pserialize_read_enter();
	pserialize_perform(pserialize_create());
}

static void
exit_outside(void)
{

	pserialize_read_exit(0);
}

static struct psref_target target;

static void
class_wrong(void)
{

	psref_target_init(&target, psref_class_create("one", IPL_NONE));
	(void)psref_held(&target, psref_class_create("two", IPL_NONE));
}

static void
destroy_held(void)
{
	struct psref ref;

	class = psref_class_create("own", IPL_NONE);
	psref_target_init(&target, class);
	psref_acquire(&ref, &target, class);
	psref_target_destroy(&target, class);
}

static void
acquire_late(void)
{
	struct psref ref;

	class = psref_class_create("late", IPL_NONE);
	psref_target_init(&target, class);
	psref_target_destroy(&target, class);
	psref_acquire(&ref, &target, class);
}

static void
release_none(void)
{
	struct psref ref;

	memset(&ref, 0, sizeof(ref));
	class = psref_class_create("none", IPL_NONE);
	psref_target_init(&target, class);
	psref_release(&ref, &target, class);
}

static void
count_none(void)
{
	struct localcount lc;

	localcount_init(&lc);
	localcount_release(&lc, &cv, &mutex);
}

static void
count_late(void)
{
	struct localcount lc;

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&cv, "late");
	localcount_init(&lc);
	mutex_enter(&mutex);
	localcount_drain(&lc, &cv, &mutex);
	localcount_acquire(&lc);
}

static void
count_fini(void)
{
	struct localcount lc;

	localcount_init(&lc);
	localcount_fini(&lc);
}

TEST_TC(misuse, "each misuse panics and names itself")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(perform_inside, "pserialize_perform: ",
	    "in a read section", NULL);
	test_panics(exit_outside, "pserialize_read_exit: not entered", NULL);
	test_panics(class_wrong, "psref_held: ", "not of class two", NULL);
	test_panics(destroy_held, "psref_target_destroy: ",
	    "caller holds a reference", "(own)", NULL);
	test_panics(acquire_late, "psref_acquire: ", "not of class late",
	    NULL);
	test_panics(release_none, "psref_release: ", "no reference", "(none)",
	    NULL);
	test_panics(count_none, "localcount_release: ", "no reference", NULL);
	test_panics(count_late, "localcount_acquire: ", "being drained", NULL);
	test_panics(count_fini, "localcount_fini: ", "not drained", NULL);
}

static void
not_bound(void)
{
	struct psref ref;

	class = psref_class_create("free", IPL_NONE);
	psref_target_init(&target, class);
	psref_acquire(&ref, &target, class);
}

static void
bound_by_flag(void)
{
	struct psref ref;

	class = psref_class_create("flag", IPL_NONE);
	psref_target_init(&target, class);
	curlwp->l_pflag |= LP_BOUND;
	psref_acquire(&ref, &target, class);
	psref_release(&ref, &target, class);
	curlwp->l_pflag &= ~LP_BOUND;
	psref_target_destroy(&target, class);
	psref_class_destroy(class);
}

static void
sleeping_reader(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&cv, "sleep");
	mutex_enter(&mutex);
	(void)pserialize_read_enter();
	cv_wait(&cv, &mutex);
}

static void
locking_reader(void)
{

	mutex_init(&mutex, MUTEX_DEFAULT, IPL_NONE);
	(void)pserialize_read_enter();
	mutex_enter(&mutex);
}

static void *
holds_psref(void *arg)
{
	static struct psref ref;

	(void)arg;
	(void)curlwp_bind();
	psref_acquire(&ref, &target, class);
	return NULL;
}

static void
ends_holding(void)
{

	class = psref_class_create("end", IPL_NONE);
	psref_target_init(&target, class);
	test_join(test_thread(holds_psref, NULL));
}

TEST_TC(checked, "checking: a reader that sleeps or locks, and a thread that "
    "is unbound or ends with a reference, are reported")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(not_bound, "psref_acquire: ", "(free)", "not bound", NULL);
	test_lives(bound_by_flag);
	test_panics(sleeping_reader, "cv_wait: sleeping in a pserialize read "
	    "section, on condvar", NULL);
	test_panics(locking_reader, "mutex_enter: blocking in a pserialize "
	    "read section, on mutex", "made at", NULL);
	test_panics(ends_holding, "ends with a psref held", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, grace);
	ATF_TP_ADD_TC(tp, grace_1cpu);
	ATF_TP_ADD_TC(tp, waits);
	ATF_TP_ADD_TC(tp, level);
	ATF_TP_ADD_TC(tp, softint);
	ATF_TP_ADD_TC(tp, child);
	ATF_TP_ADD_TC(tp, psref);
	ATF_TP_ADD_TC(tp, localcount);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, checked);
	return atf_no_error();
}
