/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Threads that serve the whole process have the scheduling of the process,
 * whatever thread started them; and workers report the priority in force.
 */

#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kernel.h>
#include <sys/systm.h>
#include <sys/threadpool.h>

#include "../../tests.h"

#include <sched.h>

#ifdef __linux__
#include <sys/prctl.h>

#define	SLACK		123456789	/* ns, of the odd thread */
#define	IDLE		5		/* SCHED_IDLE */

/*
 * How a thread is scheduled.
 */
struct how {
	int		h_policy, h_nice, h_slack;
	unsigned char	h_cpus[1024];
	sem_t		h_known;
};

static void
look(struct how *h)
{

	memset(h->h_cpus, 0, sizeof(h->h_cpus));
	h->h_policy = (int)syscall(SYS_sched_getscheduler, 0);
	h->h_nice = getpriority(PRIO_PROCESS, 0);
	h->h_slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	(void)syscall(SYS_sched_getaffinity, 0, sizeof(h->h_cpus), h->h_cpus);
	sem_post(&h->h_known);
}

/*
 * Check that a thread has the scheduling of the process.  nice is false for a
 * thread of kernel priority, which has a nice value of its own; cpus is false
 * for a bound thread, which has only its own CPU.
 */
static void
check(const struct how *process, struct how *h, bool nice, bool cpus)
{

	test_sem_wait(&h->h_known);
	TEST_EQ(process->h_policy, h->h_policy);
	if (nice)
		TEST_EQ(process->h_nice, h->h_nice);
	else
		ATF_REQUIRE(h->h_nice <= process->h_nice);
	if ((wqk_hostcaps() & TEST_CAP_AFFINITY) == 0)
		return;
	TEST_EQ(process->h_slack, h->h_slack);
	if (cpus)
		ATF_REQUIRE(memcmp(process->h_cpus, h->h_cpus,
		    sizeof(h->h_cpus)) == 0);
}

/*
 * Make the calling thread as unlike the process as possible, and unable to
 * change back.
 */
static bool
odd(void)
{
	struct sched_param sp = { .sched_priority = 0 };
	unsigned char cpus[1024] = { 0 };
	int cpu;

	cpu = sched_getcpu();
	cpus[cpu / 8] = (unsigned char)(1 << cpu % 8);
	return syscall(SYS_sched_setaffinity, 0, sizeof(cpus), cpus) == 0 &&
	    setpriority(PRIO_PROCESS, 0, 19) == 0 &&
	    prctl(PR_SET_TIMERSLACK, SLACK, 0, 0, 0) == 0 &&
	    syscall(SYS_sched_setscheduler, 0, IDLE, &sp) == 0;
}

/* Can a thread regain its scheduling? */
static void *
come_back(void *arg)
{
	struct sched_param sp = { .sched_priority = 0 };

	*(bool *)arg = setpriority(PRIO_PROCESS, 0, 19) == 0 &&
	    syscall(SYS_sched_setscheduler, 0, IDLE, &sp) == 0 &&
	    setpriority(PRIO_PROCESS, 0, 0) == 0 &&
	    syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &sp) == 0;
	return NULL;
}

/*
 * Get the scheduling of the process.  Skip the test if a thread cannot regain
 * it.
 */
static void
process_is(struct how *h, int nice)
{
	bool ok;

	test_join(test_thread(come_back, &ok));
	if (!ok)
		atf_tc_skip("no permission to raise a thread's priority");
	/* Give the process another nice value than at its start. */
	ATF_REQUIRE(setpriority(PRIO_PROCESS, 0, nice) == 0);
	sem_init(&h->h_known, 0, 0);
	look(h);
}

static struct how process, how[4];

static void
look_callout(void *arg)
{

	look(arg);
}

static int
look_intr(void *arg)
{

	look(arg);
	return 1;
}

/* The library does not know this thread, so it hands the interrupt on. */
static void *
stranger(void *arg)
{

	intr_inject(arg);
	return NULL;
}

static struct threadpool *pool;
static struct threadpool_job job;
static kmutex_t job_lock;

static void
look_job(struct threadpool_job *j)
{

	look(&how[3]);
	mutex_enter(&job_lock);
	threadpool_job_done(j);
	mutex_exit(&job_lock);
}

static callout_t callout;
static void *si, *ih;

static void *
first_user(void *arg)
{

	ATF_REQUIRE(odd());
	callout_init(&callout, CALLOUT_MPSAFE);
	si = softint_establish(SOFTINT_SERIAL | SOFTINT_MPSAFE, look_callout,
	    &how[1]);
	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, look_intr, &how[2]);
	TEST_EQ(0, threadpool_get(&pool, PRI_NONE));
	ATF_REQUIRE(si != NULL && ih != NULL);
	return arg;
}

TEST_TC(belong_to_nobody, "threads that serve the whole process have its "
    "scheduling, not that of the thread that started them")
{
	size_t i;

	process_is(&process, 3);
	for (i = 0; i < TEST_NELEM(how); i++)
		sem_init(&how[i].h_known, 0, 0);
	test_join(test_thread(first_user, NULL));

	callout_reset(&callout, 1, look_callout, &how[0]);
	check(&process, &how[0], false, true);
	softint_schedule(si);
	check(&process, &how[1], false, false);
	test_join(test_thread(stranger, ih));
	check(&process, &how[2], true, true);
	mutex_init(&job_lock, MUTEX_DEFAULT, IPL_NONE);
	threadpool_job_init(&job, look_job, &job_lock, "job");
	mutex_enter(&job_lock);
	threadpool_schedule_job(pool, &job);
	mutex_exit(&job_lock);
	check(&process, &how[3], true, true);
}

static void
look_work(struct work *wk, void *arg)
{

	(void)wk;
	look(arg);
}

/* Look at the worker of another workqueue, which this worker creates. */
static void
look_second(struct work *wk, void *arg)
{
	struct workqueue *wq;
	struct work second;

	(void)wk;
	TEST_EQ(0, workqueue_create(&wq, "second", look_work, arg, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE | WQ_DEDICATED));
	workqueue_enqueue(wq, &second, NULL);
	workqueue_destroy(wq);
}

/* Get a worker's actual scheduling, and the priority reported. */
static pri_t
worker(pri_t pri, struct how *h)
{
	struct workqueue *wq;
	struct work wk;
	pri_t asked, force;

	TEST_EQ(0, workqueue_create(&wq, "idle", look_work, h, pri, IPL_NONE,
	    WQ_MPSAFE));
	workqueue_getpri(wq, &asked, &force);
	TEST_EQ(pri, asked);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_destroy(wq);
	test_sem_wait(&h->h_known);
	return force;
}

TEST_TC(idle_creator, "a worker created by an idle-class thread leaves that "
    "class for a kernel priority, or reports that it could not; without a "
    "priority it stays and reports so")
{
	struct sched_param sp = { .sched_priority = 0 };
	struct how h;
	pri_t force;

	TEST_NEED(TEST_CAP_PRIORITY, "thread priorities");
	sem_init(&h.h_known, 0, 0);
	ATF_REQUIRE(syscall(SYS_sched_setscheduler, 0, IDLE, &sp) == 0);
	force = worker(PRI_KTHREAD, &h);
	if (h.h_policy == IDLE)
		TEST_EQ(PRI_IDLE, force);
	else {
		TEST_EQ(SCHED_OTHER, h.h_policy);
		TEST_EQ(h.h_nice < 0 ? PRI_KTHREAD : MAXPRI_USER, force);
	}
	force = worker(PRI_NONE, &h);
	TEST_EQ(IDLE, h.h_policy);
	TEST_EQ(PRI_IDLE, force);
}

TEST_TC(rt_creator, "a real-time thread creates a worker with a kernel "
    "priority, and this creates one without a priority: it has nice value 0")
{
	struct sched_param sp = { .sched_priority = 20 };
	struct workqueue *wq;
	struct how h;
	struct work wk;

	TEST_NEED(TEST_CAP_PRIORITY, "thread priorities");
	sem_init(&h.h_known, 0, 0);
	if (syscall(SYS_sched_setscheduler, 0, SCHED_RR, &sp) != 0)
		atf_tc_skip("no permission for a real-time policy");
	TEST_EQ(0, workqueue_create(&wq, "first", look_second, &h, PRI_KTHREAD,
	    IPL_NONE, WQ_MPSAFE | WQ_DEDICATED));
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_destroy(wq);
	test_sem_wait(&h.h_known);
	TEST_EQ(SCHED_OTHER, h.h_policy);
	TEST_EQ(0, h.h_nice);
}
#else
TEST_TC(belong_to_nobody, "threads that serve the whole process have its "
    "scheduling, not that of the thread that started them")
{

	atf_tc_skip("no way to read a thread's scheduling here");
}

TEST_TC(idle_creator, "a worker created by an idle-class thread leaves that "
    "class for a kernel priority, or reports that it could not; without a "
    "priority it stays and reports so")
{

	atf_tc_skip("no way to read a thread's scheduling here");
}

TEST_TC(rt_creator, "a real-time thread creates a worker with a kernel "
    "priority, and this creates one without a priority: it has nice value 0")
{

	atf_tc_skip("no way to read a thread's scheduling here");
}
#endif

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, belong_to_nobody);
	ATF_TP_ADD_TC(tp, idle_creator);
	ATF_TP_ADD_TC(tp, rt_creator);
	return atf_no_error();
}
