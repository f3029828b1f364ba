/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: a barrier, the end of a thread, and sections.  The linker calls
 * __wrap_lwp_find() where the barrier marks the threads that are in a section.
 */

#include <sys/intr.h>
#include <sys/xcall.h>

#include "kern/kern.h"
#include "kern/kern_lwp.h"
#include "kern/kern_spl.h"

#include "../../tests.h"

static struct lwp *ended, *next;
static atomic_bool done, marked;
static sem_t adopted, go;

struct lwp *__real_lwp_find(bool (*)(struct lwp *, void *), void *);
struct lwp *__wrap_lwp_find(bool (*)(struct lwp *, void *), void *);

static void *
thread_ends(void *arg)
{

	ended = curlwp_get();
	return arg;
}

static void *
thread_begins(void *arg)
{

	next = curlwp_get();
	sem_post(&adopted);
	test_sem_wait(&go);
	return arg;
}

/*
 * The barrier sees a thread in a section.  The section ends, and the thread
 * with it; the barrier marks the lwp, and another thread gets the lwp.
 */
struct lwp *
__wrap_lwp_find(bool (*func)(struct lwp *, void *), void *arg)
{
	pthread_t t;

	if (ended == NULL || atomic_exchange(&marked, true))
		return __real_lwp_find(func, arg);
	atomic_store_relaxed(&ended->l_ipl, IPL_SOFTCLOCK);
	(void)__real_lwp_find(func, arg);
	atomic_store_relaxed(&ended->l_ipl, IPL_NONE);
	ATF_REQUIRE((atomic_load_relaxed(&ended->l_ipending) &
	    LWP_XCBARRIER) != 0);
	t = test_thread(thread_begins, NULL);
	test_sem_wait(&adopted);
	ATF_REQUIRE(next == ended);
	pthread_detach(t);
	return NULL;
}

static void *
barrier(void *arg)
{

	(void)curlwp_get();
	sem_post(&adopted);
	test_sem_wait(&go);
	xc_barrier(0);
	atomic_store(&done, true);
	return arg;
}

TEST_TC(reused, "a barrier that marks a thread which has just ended returns, "
    "although a new thread has its lwp")
{
	pthread_t t;

	sem_init(&adopted, 0, 0);
	sem_init(&go, 0, 0);
	t = test_thread(barrier, NULL);
	test_sem_wait(&adopted);
	/* The lwp that was freed last is reused first. */
	test_join(test_thread(thread_ends, NULL));
	sem_post(&go);
	TEST_AWAIT(atomic_load(&done));
	ATF_REQUIRE(atomic_load(&marked));
	sem_post(&go);
	test_join(t);
}

#define	HANDOVERS	4000000

static void *
thread_hands_over(void *arg)
{
	int n, s;

	next = curlwp_get();
	kpreempt_disable();
	sem_post(&adopted);
	for (n = 0; n < HANDOVERS; n++) {
		s = splsoftclock();
		kpreempt_enable();
		kpreempt_disable();
		splx(s);
	}
	atomic_store(&done, true);
	test_sem_wait(&go);
	kpreempt_enable();
	return arg;
}

TEST_TC(handover, "a section that goes on at a raised level, and again with "
    "preemption disabled, is seen at every moment")
{
	pthread_t t;

	sem_init(&adopted, 0, 0);
	sem_init(&go, 0, 0);
	t = test_thread(thread_hands_over, NULL);
	test_sem_wait(&adopted);
	while (!atomic_load(&done))
		ATF_REQUIRE(lwp_insection(next));
	sem_post(&go);
	test_join(t);
	ATF_REQUIRE(!lwp_insection(next));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, handover);
	ATF_TP_ADD_TC(tp, reused);
	return atf_no_error();
}
